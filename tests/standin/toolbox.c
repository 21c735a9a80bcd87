#include "toolbox.h"

#include "auth.h"
#include "fd.h"
#include "mem.h"
#include "uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { WORDS_MAX = 16 << 20 };

/* What the proxy says about a sandbox that is not running (protocol 3.3). */
static void reply_not_running(struct request *request, const struct sandbox *sandbox)
{
    switch (sandbox->state) {
    case STATE_CREATING:
    case STATE_STARTING: reply_empty(request, 502); break; /* the daemon does not listen yet */
    case STATE_PENDING_BUILD:
    case STATE_RESTORING:
    case STATE_ARCHIVING:
    case STATE_ARCHIVED:
        reply_toolbox_error(
            request, 400, "bad request: failed to get runner info: Sandbox with ID %s does not have a runner",
            sandbox->id);
        break;
    case STATE_DESTROYING:
    case STATE_DESTROYED:
        reply_toolbox_error(request, 404, "not found: sandbox container not found: %s", sandbox->id);
        break;
    default:
        reply_toolbox_error(
            request, 400,
            "bad request: failed to resolve container IP after 3 attempts: no IP address found. "
            "Is the Sandbox started?");
    }
}

static bool may_pass(struct request *request, const struct sandbox *sandbox)
{
    enum auth_verdict verdict = auth_toolbox(request);
    if (verdict == AUTH_MISSING)
        reply_toolbox_error(request, 401, "unauthorized: missing authentication: provide a bearer token");
    else if (verdict == AUTH_BAD || sandbox == NULL) /* the proxy cannot tell these apart */
        reply_toolbox_error(request, 401, "unauthorized: authentication failed: Bearer token is invalid");
    else if (sandbox->state != STATE_STARTED)
        reply_not_running(request, sandbox);
    else
        return true;
    return false;
}

/* The proxy takes most requests for activity, which puts the auto-stop off (protocol 2.1). */
static bool counts_as_activity(const struct request *request)
{
    const char *skip = request_header(request, "X-Daytona-Skip-Last-Activity-Update");
    return skip == NULL || strcmp(skip, "true") != 0;
}

static void enter(struct request *request, struct sandbox *sandbox)
{
    request->is_activity = counts_as_activity(request);
    request->agent = fcntl(sandbox->agent.socket, F_DUPFD_CLOEXEC, 0);
    json_object_deep_copy(json_object_object_get(sandbox->fields, "env"), &request->env, NULL);
    request->sandbox = sandbox;
    registry_hold(sandbox);
    if (!request->is_activity) return;
    sandbox->requests++;
    sandbox_touch(sandbox);
}

/* The daemon tells its answers apart unless the caller has done so. */
static void add_request_id(struct request *request)
{
    char id[UUID_SIZE];
    if (request_header(request, "X-Request-Id") != NULL) return;
    uuid_make(id);
    reply_header(request, "X-Request-Id", id);
}

/* What follows /toolbox/{id} in the target, without the query: the path as the daemon sees it. */
static char *path_in_daemon(const char *target)
{
    const char *at = target;
    for (int slash = 0; slash < 3 && at != NULL; slash++)
        at = strchr(slash == 0 ? at : at + 1, '/');
    return at != NULL ? mem_copy_n(at, strcspn(at, "?")) : NULL;
}

bool toolbox_open(struct request *request)
{
    struct registry *registry = &request->standin->registry;
    const char *id = request->url.segment_count > 1 ? request->url.segments[1] : "";
    request->sandbox_id = mem_copy(id);
    registry_lock(registry);
    struct sandbox *sandbox = registry_find_id(registry, id);
    bool open = may_pass(request, sandbox);
    if (open) enter(request, sandbox);
    registry_unlock(registry);
    if (!open) return false;
    request->daemon_path = path_in_daemon(request->target);
    add_request_id(request);
    if (request->url.segment_count > 2) return true;
    reply_toolbox_error(request, 404, "not found: not found");
    return false;
}

/* The keeper need not be told: it looks when the idle time would be over if it had begun at its last look. */
void toolbox_rest(struct request *request)
{
    if (request->sandbox == NULL) return;
    struct registry *registry = &request->standin->registry;
    registry_lock(registry);
    if (request->is_activity) {
        sandbox_touch(request->sandbox);
        request->sandbox->requests--;
    }
    registry_release(registry, request->sandbox);
    registry_unlock(registry);
    request->sandbox = NULL;
}

void toolbox_close(struct request *request)
{
    toolbox_rest(request);
    fd_close(&request->agent);
    json_object_put(request->env);
    mem_free_text(&request->daemon_path);
}

void agent_add_word(struct buf *words, const char *word)
{
    if (words->max == 0) words->max = WORDS_MAX;
    buf_append(words, word, strlen(word) + 1);
}

static int send_job(struct request *request, enum agent_op op, uint32_t id, const int *fds, size_t count)
{
    struct agent_request packet = {.op = op, .job = id};
    return fd_send_packet(request->agent, &packet, sizeof packet, fds, count);
}

static uint32_t next_job(struct request *request)
{
    registry_lock(&request->standin->registry);
    uint32_t id = ++request->sandbox->last_job;
    registry_unlock(&request->standin->registry);
    return id;
}

int agent_start(struct request *request, enum agent_op op, const struct buf *words, int input, int output,
                struct agent_job *job)
{
    int pair[2];
    if (words->overflowed) return E2BIG;
    CLEANUP(fd_close) int arguments = fd_from_bytes(words->data, words->len);
    if (arguments < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    *job = (struct agent_job){.id = op == AGENT_EXEC ? next_job(request) : 0, .reply = pair[0]};
    const int exec_fds[] = {arguments, input, output, pair[1]}, file_fds[] = {arguments, pair[1]};
    int sent = op == AGENT_EXEC ? send_job(request, op, job->id, exec_fds, 4)
                                : send_job(request, op, job->id, file_fds, 2);
    int error = sent != 0 ? errno : 0;
    fd_close(&pair[1]);
    if (error != 0) fd_close(&job->reply);
    return error;
}

void agent_tell(struct request *request, enum agent_op op, const struct agent_job *job)
{
    send_job(request, op, job->id, NULL, 0); /* a sandbox that is gone needs no telling */
}

bool agent_is_gone(const struct request *request)
{
    struct pollfd socket = {.fd = request->agent};
    return poll(&socket, 1, 0) == 1 && (socket.revents & POLLHUP) != 0;
}

/* Keeps the first descriptor of the answer and no other. */
static int take_answer(int socket, int *result, int *status)
{
    struct agent_reply reply;
    int fds[FD_MAX_PASSED];
    if (fd_receive_packet(socket, &reply, sizeof reply, fds) != sizeof reply) return EPIPE;
    *result = fds[0];
    for (size_t i = 1; i < FD_MAX_PASSED; i++)
        fd_close(&fds[i]);
    if (status != NULL) *status = reply.status;
    return reply.error;
}

int agent_file_words(struct request *request, const char *const *word, int *result, int *status)
{
    CLEANUP(buf_finish) struct buf words = {0};
    struct agent_job job;
    *result = -1;
    for (; *word != NULL; word++)
        agent_add_word(&words, *word);
    int error = agent_start(request, AGENT_FILE, &words, -1, -1, &job);
    if (error != 0) return error;
    error = take_answer(job.reply, result, status);
    fd_close(&job.reply);
    return error;
}

int agent_file(struct request *request, const char *operation, const char *a, const char *b, int *result,
               int *status)
{
    const char *words[] = {operation, a, b, NULL};
    return agent_file_words(request, words, result, status);
}
