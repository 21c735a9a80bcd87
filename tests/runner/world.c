#include "world.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

const char *const world_shells[4] = {"dash", "bash", "busybox ash", "zsh"};

static void run(const char *format, const char *a, const char *b)
{
    char command[1000];
    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

/* An image has one family of tools: under bash `sh` is bash, under busybox everything is. */
static void make_tools(struct world *world)
{
    char path[400];
    bool busybox = strncmp(world->service.shell, "busybox", 7) == 0;
    snprintf(path, sizeof path, "%s/.bin", world->home);
    assert_int_equal(mkdir(path, 0755), 0);
    if (busybox) {
        run("busybox --install -s %s%s", path, "");
    } else if (strcmp(world->service.shell, "bash") == 0) {
        run("ln -s \"$(command -v bash)\" %s/sh%s", path, "");
    }
    snprintf(path, sizeof path, "PATH=%s/.bin%s", world->home,
             busybox ? "" : ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    world_setenv(world, path);
}

/* The program for this CPU, as the build made it: build/native/CPU beside build/tests/runner/. */
static bool find_native(char path[400])
{
    struct utsname machine;
    struct stat info;
    ssize_t len = readlink("/proc/self/exe", path, 300);
    assert_true(len > 0 && uname(&machine) == 0);
    path[len] = '\0';
    snprintf(strrchr(path, '/'), 100, "/../../native/%s", machine.machine);
    return stat(path, &info) == 0 && info.st_size > 0;
}

/* Not into the folder of the records: some tests put something else in its place. */
static void install_native(struct world *world)
{
    char built[400];
    if (!find_native(built)) return;
    snprintf(world->native, sizeof world->native, "%s/.native", world->home);
    run("cp '%s' '%s'", built, world->native);
}

void world_init(struct world *world, const char *shell, enum runner_use use)
{
    *world = (struct world){.service = {.shell = shell}, .use = use, .window_ms = 20000};
    snprintf(world->home, sizeof world->home, "%s/eep-runner.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(world->home));
    snprintf(world->records, sizeof world->records, "%s/.eep", world->home);
    char home[300];
    snprintf(home, sizeof home, "HOME=%s", world->home);
    world_setenv(world, home);
    make_tools(world);
    install_native(world);
    world->service.env = world->env;
    world->service.cwd = world->home;
}

void world_finish(struct world *world)
{
    for (size_t i = 0; i < world->env_count; i++)
        free(world->env[i]);
    run("rm -rf '%s'%s", world->home, "");
}

bool world_is_native(const struct world *world)
{
    return world->use == RUNNER_NATIVE;
}

void world_use(struct world *world, enum runner_use use)
{
    world->use = use;
}

static bool is_wanted(const char *runner)
{
    const char *only = getenv("EEP_RUNNER");
    return !only || !*only || strcmp(only, runner) == 0;
}

static void run_under(const char *shell, enum runner_use use, void (*test)(struct world *world))
{
    struct world world;
    world_init(&world, shell, use);
    print_message("  under %s, %s (%s)\n", shell, use == RUNNER_SH ? "sh" : "native", world.home);
    test(&world);
    world_finish(&world);
}

void for_shell(const char *shell, void (*test)(struct world *world))
{
    char path[400];
    if (is_wanted("sh")) run_under(shell, RUNNER_SH, test);
    if (!is_wanted("native")) return;
    if (find_native(path))
        run_under(shell, RUNNER_NATIVE, test);
    else
        print_message("SKIP: this build has no native runner for this CPU (%s): see the output of make\n",
                      path);
}

void for_each_shell(void (*test)(struct world *world))
{
    for (size_t i = 0; i < 4; i++)
        for_shell(world_shells[i], test);
}

void world_setenv(struct world *world, const char *assignment)
{
    size_t name = (size_t)(strchr(assignment, '=') - assignment) + 1;
    size_t i = 0;
    while (i < world->env_count && strncmp(world->env[i], assignment, name) != 0)
        i++;
    assert_true(i + 1 < WORLD_ENV);
    free(world->env[i]);
    world->env[i] = strdup(assignment);
    if (i == world->env_count) world->env_count++;
}

#define OWN_MAX 1024

const char *world_own(const char *id)
{
    static char *known[OWN_MAX];
    char own[128];
    char suffix[32];
    size_t i = 0;
    snprintf(suffix, sizeof suffix, "-%d", (int)getpid());
    if (!id || str_has_suffix(str_from(id), suffix)) return id;
    snprintf(own, sizeof own, "%s%s", id, suffix);
    while (i < OWN_MAX && known[i] && strcmp(known[i], own) != 0)
        i++;
    assert_true(i < OWN_MAX);
    if (!known[i]) known[i] = strdup(own);
    return known[i];
}

const char *world_id(struct world *world, char id[32])
{
    snprintf(id, 32, "test-%u-%d", world->serial++, (int)getpid());
    return id;
}

struct runner_call world_call(struct world *world, const char *id)
{
    random_hex(world->nonce, RUNNER_NONCE_BYTES);
    return (struct runner_call){.id = str_from(world_own(id)),
                                .nonce = str_from(world->nonce),
                                .use = world->use,
                                .native = str_from(world->native)};
}

struct runner_start world_script(const char *id, const char *script)
{
    return (struct runner_start){.call = {.id = str_from(world_own(id))},
                                 .command = {.script = str_from(script)},
                                 .wait = {.window_ms = 10000, .inline_bytes = 1 << 20},
                                 .time_limit_ms = 30000};
}

void world_send(struct world *world, const struct buf *text, struct reply *reply)
{
    service_execute(&world->service, text->data, text->len, world->window_ms, reply);
}

static void check(int status, const struct err *err, const char *text)
{
    if (status != EEP_OK)
        fail_msg("%s: %s\n--- the text:\n%s", err_name(status), err->message, text ? text : "");
}

/* Parses the reply to an execution's request. False on a timeout. */
static bool parsed(struct reply *reply, const struct runner_call *call, const struct runner_wait *wait,
                   struct runner_answer *answer)
{
    struct err err = ERR_INIT;
    runner_answer_init(answer);
    bool in_time = !reply->timed_out;
    if (in_time) {
        eep_str got = {reply->text ? reply->text : "", reply->len};
        check(runner_answer_parse(got, call, wait, answer, &err), &err, reply->text);
    }
    reply_finish(reply);
    return in_time;
}

static bool answered(struct world *world, const struct buf *text, const struct runner_call *call,
                     const struct runner_wait *wait, struct runner_answer *answer)
{
    struct reply reply;
    world_send(world, text, &reply);
    return parsed(&reply, call, wait, answer);
}

void world_begin(struct world *world, const struct runner_start *start, struct pending *pending)
{
    struct err err = ERR_INIT;
    *pending = (struct pending){.start = *start, .text = BUF_INIT(64 << 20)};
    pending->start.call = world_call(world, NULL);
    pending->start.call.id = start->call.id;
    memcpy(pending->nonce, world->nonce, sizeof pending->nonce);
    pending->start.call.nonce = str_from(pending->nonce);
    check(runner_start(&pending->text, &pending->start, &err), &err, NULL);
    service_begin(&world->service, pending->text.data, pending->text.len, &pending->request);
}

void world_feed(struct pending *pending)
{
    service_feed(&pending->request);
}

bool world_end(struct world *world, struct pending *pending, struct runner_answer *answer)
{
    struct reply reply;
    service_end(&pending->request, world->window_ms, &reply);
    buf_finish(&pending->text);
    return parsed(&reply, &pending->start.call, &pending->start.wait, answer);
}

bool world_start(struct world *world, const struct runner_start *start, struct runner_answer *answer)
{
    struct pending pending;
    world_begin(world, start, &pending);
    return world_end(world, &pending, answer);
}

void world_run(struct world *world, const char *script, struct runner_answer *answer)
{
    char id[32];
    struct runner_start start = world_script(world_id(world, id), script);
    assert_true(world_start(world, &start, answer));
    assert_int_equal(answer->state, RUNNER_DONE);
}

void world_attach(struct world *world, const char *id, const struct runner_wait *wait,
                  struct runner_answer *answer)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct runner_call call = world_call(world, id);
    check(runner_attach(&text, &call, wait, &err), &err, NULL);
    assert_true(answered(world, &text, &call, wait, answer));
}

void world_kill(struct world *world, const char *id, const struct runner_ladder *ladder,
                struct runner_answer *answer)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct runner_call call = world_call(world, id);
    struct runner_wait wait = {.window_ms = 5000, .inline_bytes = 65536};
    check(runner_kill(&text, &call, ladder, &wait, &err), &err, NULL);
    assert_true(answered(world, &text, &call, &wait, answer));
}

void world_drop(struct world *world, const char *id, struct runner_answer *answer)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct runner_call call = world_call(world, id);
    check(runner_drop(&text, &call, &err), &err, NULL);
    assert_true(answered(world, &text, &call, NULL, answer));
}

void world_await(struct world *world, const char *id, enum runner_state state, struct runner_answer *answer)
{
    int64_t end = clock_now_ms() + WORLD_LIMIT_MS;
    struct runner_wait wait = {.window_ms = 1000, .inline_bytes = 65536};
    for (;;) {
        world_attach(world, id, &wait, answer);
        if (answer->state == state) return;
        if (clock_now_ms() > end) fail_msg("state %d instead of %d", (int)answer->state, (int)state);
        runner_answer_finish(answer);
    }
}

const char *world_path(const struct world *world, const char *name)
{
    static char path[4][400];
    static unsigned next;
    char *out = path[next++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", world->home, name);
    return out;
}

bool world_has(const struct world *world, const char *id, const char *suffix)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s.%s", world->records, world_own(id), suffix);
    return access(path, F_OK) == 0;
}

void world_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

const char *world_read(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    text[0] = '\0';
    if (!file) return text;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

void world_await_file(const char *path)
{
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; access(path, F_OK) != 0; nap())
        if (clock_now_ms() > end) fail_msg("%s does not appear", path);
}

static bool is_alive(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    const char *state = strrchr(world_read(path), ')');
    return state && state[2] != 'Z';
}

void world_await_gone(int pid)
{
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; is_alive(pid); nap())
        if (clock_now_ms() > end) fail_msg("process %d is still alive", pid);
}

bool world_in_arguments(const char *needle)
{
    static char line[1 << 17];
    bool found = false;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *entry; !found && (entry = readdir(proc)) != NULL;) {
        char path[300];
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        size_t len = fread(line, 1, sizeof line, file);
        fclose(file);
        found = memmem(line, len, needle, strlen(needle)) != NULL;
    }
    closedir(proc);
    return found;
}

int world_supervisor(const struct world *world, const char *id)
{
    char path[500];
    int pid = 0;
    snprintf(path, sizeof path, "%s/%s.p", world->records, world_own(id));
    assert_int_equal(sscanf(world_read(path), "EEP1 %*s %d", &pid), 1);
    return pid;
}

static bool is_helper(int pid, int supervisor)
{
    char path[64];
    char state;
    int session;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    const char *at = strrchr(world_read(path), ')');
    return at && sscanf(at, ") %c %*d %*d %d", &state, &session) == 2 && state != 'Z' &&
           session == supervisor && pid != supervisor;
}

size_t world_helpers(const struct world *world, const char *id, int pids[WORLD_HELPERS])
{
    int supervisor = world_supervisor(world, id);
    size_t count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *entry; count < WORLD_HELPERS && (entry = readdir(proc)) != NULL;) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && is_helper(pid, supervisor)) pids[count++] = pid;
    }
    closedir(proc);
    return count;
}

void assert_bytes(const struct buf *actual, const void *expected, size_t len)
{
    assert_int_equal(actual->len, len);
    if (len > 0) assert_memory_equal(actual->data, expected, len);
}

void assert_text(const struct buf *actual, const char *expected)
{
    assert_string_equal(buf_cstr(actual), expected);
    assert_int_equal(actual->len, strlen(expected));
}
