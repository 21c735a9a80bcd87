#include "http/admission.h"

#include <stdlib.h>
#include <string.h>

/* Origins without transfers are forgotten beyond this number. */
#define ORIGINS_KEPT 64

/* -- Queues ------------------------------------------------------------------------------------ */

static struct ticket_queue *queue_of(struct ticket *ticket)
{
    return ticket->urgent ? &ticket->origin->urgent : &ticket->origin->work;
}

static void queue_insert_behind(struct ticket_queue *queue, struct ticket *ticket, struct ticket *before)
{
    ticket->prev = before;
    ticket->next = before ? before->next : queue->first;
    *(ticket->prev ? &ticket->prev->next : &queue->first) = ticket;
    *(ticket->next ? &ticket->next->prev : &queue->last) = ticket;
}

static void queue_remove(struct ticket_queue *queue, struct ticket *ticket)
{
    *(ticket->prev ? &ticket->prev->next : &queue->first) = ticket->next;
    *(ticket->next ? &ticket->next->prev : &queue->last) = ticket->prev;
    ticket->next = ticket->prev = NULL;
}

/* -- Origins ----------------------------------------------------------------------------------- */

/* "https://host:port" of a URL. */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return (size_t)(host - url) + strcspn(host, "/?#");
}

static bool origin_is_unused(const struct origin *origin)
{
    return origin->active == 0 && !origin->work.first && !origin->urgent.first;
}

static void forget_unused(struct admission *admission)
{
    struct origin **link = &admission->origins;
    while (*link) {
        struct origin *origin = *link;
        if (!origin_is_unused(origin)) {
            link = &origin->next;
            continue;
        }
        *link = origin->next;
        admission->origin_count--;
        free(origin->name);
        free(origin);
    }
}

static struct origin *add_origin(struct admission *admission, const char *url, size_t len)
{
    if (admission->origin_count >= ORIGINS_KEPT) forget_unused(admission);
    struct origin *origin = calloc(1, sizeof *origin);
    if (origin) origin->name = strndup(url, len);
    if (!origin || !origin->name) {
        free(origin);
        return NULL;
    }
    origin->next = admission->origins;
    admission->origins = origin;
    admission->origin_count++;
    return origin;
}

static struct origin *find_origin(struct admission *admission, const char *url)
{
    size_t len = origin_len(url);
    for (struct origin *origin = admission->origins; origin; origin = origin->next)
        if (strncmp(origin->name, url, len) == 0 && origin->name[len] == '\0') return origin;
    return add_origin(admission, url, len);
}

/* Connections that an origin's transfers take. */
static unsigned slots_of(const struct origin *origin)
{
    return origin->multiplexed ? (origin->active + ADMISSION_STREAMS - 1) / ADMISSION_STREAMS
                               : origin->active;
}

/* Changes how many transfers an origin has, and keeps the sum right. */
static void change_active(struct admission *admission, struct origin *origin, int by, bool multiplexed)
{
    admission->slots -= slots_of(origin);
    origin->active += (unsigned)by;
    origin->multiplexed = multiplexed;
    admission->slots += slots_of(origin);
}

/* -- Limits ------------------------------------------------------------------------------------ */

unsigned admission_capacity_of(uint64_t descriptors)
{
    if (descriptors / 2 > ADMISSION_MAX) return ADMISSION_MAX;
    return descriptors / 2 < ADMISSION_MIN ? ADMISSION_MIN : (unsigned)(descriptors / 2);
}

static unsigned reserve_of(const struct admission *admission)
{
    unsigned reserve = admission->capacity / 16;
    if (reserve < 2) reserve = 2;
    return reserve < admission->capacity / 2 ? reserve : admission->capacity / 2;
}

static bool may_connect(const struct origin *origin, int64_t now)
{
    bool known = origin->reached && now - origin->reached_at < ADMISSION_REACHED_MS;
    return origin->connecting < (known ? ADMISSION_CONNECTING : ADMISSION_EXPLORERS);
}

static bool may_work(const struct admission *admission, const struct origin *origin, int64_t now)
{
    unsigned capacity = admission->capacity - reserve_of(admission);
    return admission->slots < capacity && slots_of(origin) < capacity - capacity / 8 &&
           may_connect(origin, now);
}

/* Of an origin, the first that may go. */
static struct ticket *first_of(const struct admission *admission, const struct origin *origin, int64_t now)
{
    if (origin->urgent.first && admission->slots < admission->capacity) return origin->urgent.first;
    if (origin->work.first && may_work(admission, origin, now)) return origin->work.first;
    return NULL;
}

static bool comes_before(const struct ticket *ticket, const struct ticket *other)
{
    if (!other || ticket->urgent != other->urgent) return !other || ticket->urgent;
    return ticket->number < other->number;
}

/* -- Tickets ----------------------------------------------------------------------------------- */

void admission_init(struct admission *admission, unsigned capacity)
{
    *admission = (struct admission){.capacity = capacity};
}

void admission_finish(struct admission *admission)
{
    forget_unused(admission);
}

int admission_enter(struct admission *admission, struct ticket *ticket, void *who, const char *url,
                    bool urgent)
{
    struct origin *origin = find_origin(admission, url);
    if (!origin) return EEP_E_NO_MEMORY;
    *ticket = (struct ticket){.who = who,
                              .state = TICKET_WAITING,
                              .urgent = urgent,
                              .number = ++admission->numbers,
                              .origin = origin};
    queue_insert_behind(queue_of(ticket), ticket, queue_of(ticket)->last);
    admission->waiting++;
    return EEP_OK;
}

struct ticket *admission_next(struct admission *admission, int64_t now)
{
    struct ticket *best = NULL;
    if (admission->waiting == 0) return NULL;
    for (struct origin *origin = admission->origins; origin; origin = origin->next) {
        struct ticket *first = first_of(admission, origin, now);
        if (first && comes_before(first, best)) best = first;
    }
    if (!best) return NULL;
    queue_remove(queue_of(best), best);
    best->state = TICKET_CONNECTING;
    best->origin->connecting++;
    admission->waiting--;
    change_active(admission, best->origin, 1, best->origin->multiplexed);
    return best;
}

void admission_connected(struct admission *admission, struct ticket *ticket, int64_t now)
{
    (void)admission;
    ticket->origin->reached = true;
    ticket->origin->reached_at = now;
    if (ticket->state != TICKET_CONNECTING) return;
    ticket->state = TICKET_ACTIVE;
    ticket->origin->connecting--;
}

static void give_up_slot(struct admission *admission, struct ticket *ticket)
{
    if (ticket->state == TICKET_CONNECTING) ticket->origin->connecting--;
    change_active(admission, ticket->origin, -1, ticket->origin->multiplexed);
}

void admission_return(struct admission *admission, struct ticket *ticket)
{
    struct ticket_queue *queue = queue_of(ticket);
    struct ticket *before = NULL;
    give_up_slot(admission, ticket);
    for (struct ticket *each = queue->first; each && each->number < ticket->number; each = each->next)
        before = each;
    queue_insert_behind(queue, ticket, before);
    ticket->state = TICKET_WAITING;
    admission->waiting++;
}

void admission_multiplexed(struct admission *admission, struct ticket *ticket, bool multiplexed)
{
    change_active(admission, ticket->origin, 0, multiplexed);
}

void admission_leave(struct admission *admission, struct ticket *ticket)
{
    if (ticket->state == TICKET_NONE) return;
    if (ticket->state == TICKET_WAITING) {
        queue_remove(queue_of(ticket), ticket);
        admission->waiting--;
    } else {
        give_up_slot(admission, ticket);
    }
    *ticket = (struct ticket){0};
}

bool admission_is_crowded(const struct admission *admission)
{
    unsigned capacity = admission->capacity - reserve_of(admission);
    return admission->waiting > 0 || admission->slots >= capacity - capacity / 4;
}
