#define CURL_DISABLE_DEPRECATION /* of curl_multi_socket_all, which we need now and then */
#include "http/lanes.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/fd.h"

/* How often a lane is looked at that would not be otherwise. */
#define LOOK_MS 1000
#define DEAF_MS 50

/* -- What libcurl asks for --------------------------------------------------------------------- */

/* It must not fail: libcurl then gives up the whole multi handle, and some versions (7.88) crash over a transfer that has
 * no connection yet. */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *known)
{
    struct lane *lane = ctx;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    (void)easy, (void)known;
    if (what == CURL_POLL_REMOVE)
        sockets_rest(&lane->lanes->sockets, socket);
    else if (!sockets_watch(&lane->lanes->sockets, socket, events, lane))
        lane->deaf = true;
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct lane *lane = ctx;
    (void)multi;
    lane->due = timeout_ms < 0 ? -1 : clock_now_ms() + timeout_ms;
    return 0;
}

/* -- Lanes ------------------------------------------------------------------------------------- */

static void limit(const struct lane *lane)
{
    long most = lane->lanes->connections < LANE_TRANSFERS ? (long)lane->lanes->connections : LANE_TRANSFERS;
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, most);
    curl_multi_setopt(lane->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
}

/* It opens descriptors of its own, which nobody can move. */
static CURLM *open_multi(void)
{
    struct fd_guard guard;
    fd_guard_init(&guard);
    CURLM *multi = curl_multi_init();
    fd_guard_finish(&guard);
    return multi;
}

static struct lane *lane_create(struct lanes *lanes)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane) lane->multi = open_multi();
    if (!lane || !lane->multi) {
        free(lane);
        return NULL;
    }
    lane->lanes = lanes;
    lane->due = -1;
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    limit(lane);
    return lane;
}

static void lane_destroy(struct lane *lane)
{
    curl_multi_cleanup(lane->multi);
    free(lane);
}

static bool has_room(const struct lane *lane)
{
    return lane->transfers < LANE_TRANSFERS;
}

/* A lane behind the first, with few transfers that take long: nothing new comes to it, and only then does libcurl close
 * what has been idle for too long. */
static bool is_left_out(const struct lane *lane, int64_t now)
{
    return has_room(lane) && lane->transfers > 0 && now - lane->chosen_at >= LOOK_MS;
}

/* The first with room; a new one is the last. */
static struct lane *find_lane(struct lanes *lanes, int64_t now)
{
    struct lane **link = &lanes->first;
    struct lane *found = NULL;
    for (; *link; link = &(*link)->next) {
        if (!found && has_room(*link)) found = *link;
        if (*link != found && is_left_out(*link, now)) return *link;
    }
    return found ? found : (*link = lane_create(lanes));
}

void lanes_init(struct lanes *lanes, int epoll_fd)
{
    *lanes = (struct lanes){.names = curl_share_init()};
    if (lanes->names) curl_share_setopt(lanes->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    sockets_init(&lanes->sockets, epoll_fd);
}

void lanes_finish(struct lanes *lanes)
{
    struct lane *next;
    for (struct lane *lane = lanes->first; lane; lane = next) {
        next = lane->next;
        lane_destroy(lane);
    }
    sockets_finish(&lanes->sockets);
    if (lanes->names) curl_share_cleanup(lanes->names);
}

void lanes_limit(struct lanes *lanes, unsigned connections)
{
    lanes->connections = connections;
    for (struct lane *lane = lanes->first; lane; lane = lane->next)
        limit(lane);
}

/* -- Transfers --------------------------------------------------------------------------------- */

bool lanes_add(struct lanes *lanes, struct lane_place *place, CURL *easy)
{
    int64_t now = clock_now_ms();
    struct lane *lane = find_lane(lanes, now);
    if (!lane) return false;
    curl_easy_setopt(easy, CURLOPT_SHARE, lanes->names);
    if (curl_multi_add_handle(lane->multi, easy) != CURLM_OK) {
        curl_easy_setopt(easy, CURLOPT_SHARE, NULL);
        return false;
    }
    *place = (struct lane_place){.lane = lane, .connecting = true};
    lane->transfers++;
    if (lane->connecting++ == 0) lane->looked_at = now;
    lane->chosen_at = now;
    lane->stirred = true;
    return true;
}

void lanes_connected(struct lane_place *place)
{
    if (place->connecting) place->lane->connecting--;
    place->connecting = false;
}

void lanes_remove(struct lane_place *place, CURL *easy)
{
    struct lane *lane = place->lane;
    if (!lane) return;
    lanes_connected(place);
    curl_multi_remove_handle(lane->multi, easy);
    curl_easy_setopt(easy, CURLOPT_SHARE, NULL); /* it may outlive the lanes */
    place->lane = NULL;
    if (--lane->transfers > 0) return;
    lane->rested_at = clock_now_ms();
    lane->deaf = false;
}

void lanes_serve(struct lanes *lanes, int fd, uint32_t events)
{
    int running = 0;
    int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    struct lane *lane = sockets_owner(&lanes->sockets, fd);
    if (!lane) return;
    lane->stirred = true;
    curl_multi_socket_action(lane->multi, fd, what, &running);
}

static void serve_timer(struct lane *lane)
{
    int running = 0;
    lane->due = -1;
    lane->stirred = true;
    curl_multi_socket_action(lane->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* When all of a lane's transfers are to be looked at, as curl_multi_perform does: libcurl's own moments are not enough for
 * it to go on to the next address of a host when the first does not answer. */
static int64_t look_due(const struct lane *lane)
{
    if (lane->deaf) return lane->looked_at + DEAF_MS;
    return lane->connecting > 0 ? lane->looked_at + LOOK_MS : INT64_MAX;
}

static void look_at_all(struct lane *lane, int64_t now)
{
    int running = 0;
    lane->looked_at = now;
    lane->stirred = true;
    curl_multi_socket_all(lane->multi, &running); /* curl_multi_perform does not tell of new sockets */
}

void lanes_serve_timers(struct lanes *lanes)
{
    int64_t now = clock_now_ms();
    for (struct lane *lane = lanes->first; lane; lane = lane->next) {
        if (lane->due >= 0 && lane->due <= now) serve_timer(lane);
        if (look_due(lane) <= now) look_at_all(lane, now);
    }
}

static CURLMsg *next_done(const struct lane *lane)
{
    int left = 0;
    CURLMsg *message;
    do
        message = curl_multi_info_read(lane->multi, &left);
    while (message && message->msg != CURLMSG_DONE);
    return message;
}

bool lanes_next_finished(struct lanes *lanes, CURL **easy, CURLcode *code)
{
    for (struct lane *lane = lanes->first; lane; lane = lane->next) {
        const CURLMsg *message = lane->stirred ? next_done(lane) : NULL;
        lane->stirred = message != NULL;
        if (!message) continue;
        *easy = message->easy_handle;
        *code = message->data.result; /* the message goes with the handle */
        return true;
    }
    return false;
}

int64_t lanes_due(const struct lanes *lanes)
{
    int64_t due = INT64_MAX;
    for (const struct lane *lane = lanes->first; lane; lane = lane->next) {
        if (lane->due >= 0 && lane->due < due) due = lane->due;
        if (look_due(lane) < due) due = look_due(lane);
    }
    return due;
}

bool lanes_tidy(struct lanes *lanes, int64_t rest_ms)
{
    int64_t now = clock_now_ms();
    struct lane **link = &lanes->first;
    while (*link) {
        struct lane *lane = *link;
        if (lane->transfers > 0 || now - lane->rested_at < rest_ms) {
            link = &lane->next;
            continue;
        }
        *link = lane->next;
        lane_destroy(lane);
    }
    return lanes->first == NULL;
}
