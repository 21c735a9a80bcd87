#include "execution.h"

#include "clock.h"
#include "fd.h"
#include "go_path.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 30, READ_SIZE = 64 << 10 };

void execution_finish(struct execution *execution)
{
    fd_close(&execution->input);
    fd_close(&execution->output);
    fd_close(&execution->job.reply);
    buf_finish(&execution->collected);
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

/* Go tells a command with a directory where it is, unless its variables were touched: so it is "link", not where link leads. */
static void set_directory(struct json_object *variables, const struct command *command, const char *home)
{
    bool touched = command->envs != NULL && json_object_object_length(command->envs) > 0;
    if (touched || command->directory == NULL || *command->directory == '\0') return;
    bool is_absolute = *command->directory == '/';
    CLEANUP(mem_free_text) char *path = mem_format("%s/%s", is_absolute ? "" : home, command->directory);
    CLEANUP(mem_free_text) char *clean = go_path_clean(path);
    if (clean != NULL) set(variables, "PWD", clean);
}

/* What the container gives, then the sandbox's env, then this command's envs. */
static struct json_object *environment(struct request *request, const struct command *command)
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
    set_directory(variables, command, home);
    merge(variables, command->envs);
    return variables;
}

static void fill_words(struct request *request, const struct command *command, struct buf *words)
{
    const char *shell = request->standin->options.shell;
    struct json_object *variables = environment(request, command);
    agent_add_word(words, shell != NULL ? shell : "");
    agent_add_word(words, command->directory != NULL ? command->directory : "");
    json_object_object_foreach(variables, key, value)
    {
        const char *text = value != NULL ? json_object_get_string(value) : "";
        CLEANUP(mem_free_text) char *word = mem_format("%s=%s", key, text);
        agent_add_word(words, word);
    }
    json_object_put(variables);
}

static int start(struct request *request, const struct command *command, struct execution *execution)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1};
    CLEANUP(buf_finish) struct buf words = {0};
    fill_words(request, command, &words);
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
    if (execution->timed_out || execution->deadline_ms == INT64_MAX) return -1;
    int64_t left = execution->deadline_ms - clock_ms();
    if (left > INT32_MAX) return INT32_MAX;
    return left > 0 ? (int)left : 0;
}

static void wait_for_end(struct request *request, struct execution *execution)
{
    while (execution->output >= 0 || execution->job.reply >= 0) {
        struct pollfd polls[] = {{.fd = execution->input, .events = POLLOUT},
                                 {.fd = execution->output, .events = POLLIN},
                                 {.fd = execution->job.reply, .events = POLLIN}};
        int left = time_left(execution);
        if (left == 0) {
            execution->timed_out = true;
            agent_tell(request, AGENT_KILL, &execution->job);
        } else if (poll(polls, 3, left) >= 0) {
            if (polls[0].revents != 0) write_command(execution);
            if (polls[1].revents != 0) read_output(execution);
            if (polls[2].revents != 0) read_reply(execution);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void execution_run(struct request *request, const struct command *command, struct execution *execution)
{
    int64_t limit_ms = command->timeout_s * 1000;
    *execution = (struct execution){.job.reply = -1,
                                    .command = command->text,
                                    .command_len = command->len,
                                    .collected = BUF_INIT(OUTPUT_MAX),
                                    .deadline_ms = limit_ms > 0 ? clock_ms() + limit_ms : INT64_MAX};
    execution->lost = start(request, command, execution) != 0;
    if (execution->lost) return;
    wait_for_end(request, execution);
    agent_tell(request, AGENT_DONE, &execution->job);
    if (agent_is_gone(request)) execution->lost = true;
}
