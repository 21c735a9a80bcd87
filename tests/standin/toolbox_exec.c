/* toolbox_exec.c: POST process/execute (protocol 7), warts included: the text goes to the shell's stdin, both
 * streams into one buffer, the answer waits for every holder of the pipe, a timeout throws the output away.
 *
 * It runs in the connection's thread and does not look at the connection: a client that leaves stops nothing.
 */
#include "clock.h"
#include "fd.h"
#include "handlers.h"
#include "json_out.h"
#include "mem.h"
#include "toolbox.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 30, READ_SIZE = 64 << 10 };

struct execution {
    struct agent_job job;
    const char *command; /* what is left to write */
    size_t command_len;
    int input;  /* write end of its stdin; -1 when all is written */
    int output; /* read end of its output; -1 after its end */
    struct buf collected;
    struct agent_reply reply;
    bool lost; /* the agent went away without a reply */
    int64_t deadline_ms;
};

static void execution_finish(struct execution *execution)
{
    fd_close(&execution->input);
    fd_close(&execution->output);
    fd_close(&execution->job.reply);
    buf_finish(&execution->collected);
}

static bool is_name(const char *key)
{
    if (!isalpha((unsigned char)*key) && *key != '_') return false;
    for (; *key != '\0'; key++)
        if (!isalnum((unsigned char)*key) && *key != '_') return false;
    return true;
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isspace((unsigned char)text[i])) return false;
    return true;
}

static int check_environment(struct json_object *variables, struct fail *why)
{
    if (variables == NULL) return 0;
    if (!json_object_is_type(variables, json_type_object))
        return fail_set(why, "bad request: invalid request body: envs is not an object");
    json_object_object_foreach(variables, key, value)
    {
        if (!is_name(key))
            return fail_set(why, "bad request: invalid environment variable name: '%.200s'", key);
        if (!json_object_is_type(value, json_type_string))
            return fail_set(why, "bad request: invalid request body: envs.%.200s is not a string", key);
    }
    return 0;
}

static int check(struct json_object *body, struct fail *why)
{
    struct json_object *command = json_object_object_get(body, "command");
    struct json_object *timeout = json_object_object_get(body, "timeout");
    struct json_object *cwd = json_object_object_get(body, "cwd");
    if (!json_object_is_type(command, json_type_string) || json_object_get_string_len(command) == 0)
        return fail_set(why,
                        "bad request: invalid request body: Field validation for 'Command' failed on the "
                        "'required' tag");
    if (is_blank(json_object_get_string(command), (size_t)json_object_get_string_len(command)))
        return fail_set(why, "bad request: command cannot be empty or whitespace-only");
    if (timeout != NULL &&
        (!json_object_is_type(timeout, json_type_int) || json_object_get_int64(timeout) < 0))
        return fail_set(why, "bad request: invalid request body: timeout is not a non-negative integer");
    if (cwd != NULL && !json_object_is_type(cwd, json_type_string))
        return fail_set(why, "bad request: invalid request body: cwd is not a string");
    return check_environment(json_object_object_get(body, "envs"), why);
}

static void set(struct json_object *variables, const char *name, const char *value)
{
    json_object_object_add(variables, name, json_object_new_string(value));
}

static void merge(struct json_object *into, struct json_object *more)
{
    if (more == NULL) return;
    json_object_object_foreach(more, key, value) json_object_object_add(into, key, json_object_get(value));
}

/* What the container gives, then the sandbox's env, then this command's envs. */
static struct json_object *environment(struct request *request, struct json_object *more)
{
    struct json_object *variables = json_object_new_object();
    CLEANUP(mem_free_text) char *home = isolate_home(&request->standin->isolation, request->sandbox->id);
    set(variables, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    set(variables, "HOME", home);
    set(variables, "USER", "daytona");
    set(variables, "LANG", "C.UTF-8");
    set(variables, "DAYTONA_SANDBOX_ID", request->sandbox->id);
    set(variables, "DAYTONA_SANDBOX_USER", "daytona");
    merge(variables, request->env);
    merge(variables, more);
    return variables;
}

static void fill_words(struct request *request, struct json_object *body, struct buf *words)
{
    const char *shell = request->standin->options.shell;
    struct json_object *cwd = json_object_object_get(body, "cwd");
    struct json_object *variables = environment(request, json_object_object_get(body, "envs"));
    agent_add_word(words, shell != NULL ? shell : "");
    agent_add_word(words, cwd != NULL ? json_object_get_string(cwd) : "");
    json_object_object_foreach(variables, key, value)
    {
        CLEANUP(mem_free_text) char *word = mem_format("%s=%s", key, json_object_get_string(value));
        agent_add_word(words, word);
    }
    json_object_put(variables);
}

static int start(struct request *request, struct json_object *body, struct execution *execution)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1};
    CLEANUP(buf_finish) struct buf words = {0};
    fill_words(request, body, &words);
    int error = pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0 ? errno : 0;
    if (error == 0) error = agent_start(request, AGENT_EXEC, &words, input[0], output[1], &execution->job);
    fd_close(&input[0]);
    fd_close(&output[1]);
    execution->input = input[1];
    execution->output = output[0];
    if (error == 0) fcntl(execution->input, F_SETFL, O_NONBLOCK);
    return error;
}

static void write_command(struct execution *execution)
{
    ssize_t n = write(execution->input, execution->command, execution->command_len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n > 0) {
        execution->command += n;
        execution->command_len -= (size_t)n;
    }
    if (n < 0 || execution->command_len == 0)
        fd_close(&execution->input); /* EPIPE: the shell read no further */
}

static void read_output(struct execution *execution)
{
    char bytes[READ_SIZE];
    ssize_t n = fd_read_some(execution->output, bytes, sizeof bytes);
    if (n > 0) buf_append(&execution->collected, bytes, (size_t)n);
    if (n <= 0) fd_close(&execution->output);
}

static void read_reply(struct execution *execution)
{
    int fds[FD_MAX_PASSED];
    ssize_t n = fd_receive_packet(execution->job.reply, &execution->reply, sizeof execution->reply, fds);
    execution->lost = n != sizeof execution->reply;
    fd_close(&execution->job.reply);
}

static int time_left(const struct execution *execution)
{
    if (execution->deadline_ms == INT64_MAX) return -1;
    int64_t left = execution->deadline_ms - clock_ms();
    if (left > INT32_MAX) return INT32_MAX;
    return left > 0 ? (int)left : 0;
}

/* Until the shell has ended and nobody holds the output any more. False when the time is over. */
static bool run(struct execution *execution)
{
    while (execution->output >= 0 || execution->job.reply >= 0) {
        struct pollfd polls[] = {{.fd = execution->input, .events = POLLOUT},
                                 {.fd = execution->output, .events = POLLIN},
                                 {.fd = execution->job.reply, .events = POLLIN}};
        int left = time_left(execution);
        if (left == 0) return false;
        if (poll(polls, 3, left) < 0 && errno != EINTR) return false;
        if (polls[0].revents != 0) write_command(execution);
        if (polls[1].revents != 0) read_output(execution);
        if (polls[2].revents != 0) read_reply(execution);
    }
    return true;
}

static void *drain(void *closure)
{
    int fd = (int)(intptr_t)closure;
    char bytes[4096];
    while (fd_read_some(fd, bytes, sizeof bytes) > 0)
        ;
    close(fd);
    return NULL;
}

/* Processes that left the group survive the timeout (protocol 7), so their output must not become a SIGPIPE.
 */
static void drain_in_background(int *fd)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    if (*fd >= 0 && pthread_create(&thread, &attributes, drain, (void *)(intptr_t)*fd) == 0) *fd = -1;
    pthread_attr_destroy(&attributes);
}

static void reply_timeout(struct request *request, struct execution *execution)
{
    agent_tell(request, AGENT_KILL, &execution->job);
    drain_in_background(&execution->output);
    reply_toolbox_error(request, 408, "request timeout: command execution timeout");
}

static void reply_result(struct request *request, int exit_code, const char *bytes, size_t len)
{
    struct buf *out = &request->reply.body;
    request->reply.status = 200;
    request->reply.content_type = "application/json; charset=utf-8";
    buf_format(out, "{\"exitCode\":%d,\"result\":", exit_code);
    json_out_string(out, bytes, len);
    buf_append(out, "}", 1);
}

/* A shell that could not be started is a result, too, worded as Go words it (protocol 7). */
static void reply_spawn_error(struct request *request, const struct agent_reply *reply)
{
    CLEANUP(mem_free_text) char *reason = mem_copy(strerror(reply->error));
    *reason = (char)tolower((unsigned char)*reason);
    CLEANUP(mem_free_text) char *text = mem_format("fork/exec %.119s: %s", reply->shell, reason);
    reply_result(request, -1, text, strlen(text));
}

static void reply_outcome(struct request *request, const struct execution *execution)
{
    int status = execution->reply.status;
    if (execution->lost || agent_is_gone(request))
        reply_empty(request, 502); /* the sandbox was stopped under it */
    else if (execution->reply.error != 0)
        reply_spawn_error(request, &execution->reply);
    else if (execution->collected.overflowed)
        reply_toolbox_error(request, 500, "the stand-in keeps no more than %d bytes of output",
                            (int)OUTPUT_MAX);
    else
        reply_result(request, WIFEXITED(status) ? WEXITSTATUS(status) : -1, execution->collected.data,
                     execution->collected.len);
}

static void execute(struct request *request, struct json_object *body)
{
    struct json_object *command = json_object_object_get(body, "command");
    int64_t timeout = json_object_get_int64(json_object_object_get(body, "timeout"));
    CLEANUP(execution_finish)
    struct execution execution = {
        .job.reply = -1,
        .command = json_object_get_string(command),
        .command_len = (size_t)json_object_get_string_len(command),
        .collected = BUF_INIT(OUTPUT_MAX),
        .deadline_ms = timeout > 0 && timeout < INT32_MAX ? clock_ms() + timeout * 1000 : INT64_MAX};
    if (start(request, body, &execution) != 0) {
        reply_empty(request, 502);
        return;
    }
    if (run(&execution))
        reply_outcome(request, &execution);
    else
        reply_timeout(request, &execution);
    agent_tell(request, AGENT_DONE, &execution.job);
}

void toolbox_execute(struct request *request)
{
    struct json_object *body = request_json(request);
    struct fail why;
    if (body == NULL) return;
    if (check(body, &why) == 0)
        execute(request, body);
    else
        reply_toolbox_error(request, 400, "%s", why.text);
    json_object_put(body);
}
