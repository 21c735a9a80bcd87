/* isolation_test.c: what a command in a sandbox cannot reach, and what is left after the server's end:
 * nothing. */
#include "harness.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each test runs its own server below a directory of its own. */
struct place {
    struct server server;
    char directory[64];
    char id[64];
};

static void place_init(struct place *place, const char *option, const char *value)
{
    snprintf(place->directory, sizeof place->directory, "/tmp/standin-test.XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    chmod(place->directory, 0755); /* sandboxes may run as other users */
    const char *const arguments[] = {"--dir", place->directory, option, value, NULL};
    place->server = server_run(arguments);
    make_sandbox(&place->server, "{}", place->id);
}

static void place_finish(struct place *place)
{
    rmdir(place->directory);
}

/* Without bubblewrap there is nothing to test; CI counts the word. */
static bool is_open(const struct place *place)
{
    if (place->server.isolated) return false;
    print_message("SKIP: no isolation on this machine\n");
    return true;
}

static bool is_empty(const char *directory)
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    int count = 0;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count == 2; /* . and .. */
}

static void expect_failure(struct place *place, const char *command)
{
    struct answer answer = execute(&place->server, place->id, command);
    assert_int_equal(answer.status, 200);
    if (number_at(&answer, "exitCode") == 0) fail_msg("%s: went well: %s", command, answer.body);
    answer_finish(&answer);
}

static void the_machine_is_out_of_reach(void **state)
{
    (void)state;
    struct place place;
    char command[256];
    place_init(&place, "--isolation", "auto");
    if (!is_open(&place)) {
        expect_failure(&place, "cat /etc/shadow");
        expect_failure(&place, "touch /usr/touched");
        expect_failure(&place, "touch /touched");
        expect_failure(&place, "exec 3>/proc/sys/kernel/core_pattern");
        expect_failure(&place, "mount -t tmpfs none /tmp");
        snprintf(command, sizeof command, "ls %s", place.directory);
        expect_failure(&place, command);
        snprintf(command, sizeof command, "kill -0 %d", (int)place.server.pid);
        expect_failure(&place, command);
        expect_output(&place.server, place.id, "id -u; hostname; echo $HOME",
                      "1000\nsandbox\n/home/daytona\n");
        expect_output(&place.server, place.id, "grep -c . /proc/net/tcp",
                      "1\n"); /* the heading: its own network */
    }
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

/* Not this machine's server, its files, its agent; not the kernel's less trodden paths. */
static void the_server_is_out_of_reach(void **state)
{
    (void)state;
    struct place place;
    char command[256];
    place_init(&place, "--isolation", "auto");
    if (!is_open(&place)) {
        expect_failure(&place, "unshare -U true"); /* no namespace where it would be root */
        expect_failure(&place, "unshare -Ur id -u");
        expect_failure(&place, "cat /proc/1/environ");
        expect_failure(&place, "ls /proc/1/fd/3");
        expect_failure(&place, "ls -l /proc/1/fd | grep socket");
        expect_failure(&place, "chroot / true");
        expect_failure(&place, "perl -e 'exit(syscall(250, 0, -3) < 0)'"); /* keyctl, on x86-64 */
        snprintf(command, sizeof command, "exec 3<>/dev/tcp/127.0.0.1/%s",
                 strrchr(place.server.origin, ':') + 1);
        expect_failure(&place, command);
        snprintf(command, sizeof command, "cat %s/*/etc/passwd", place.directory);
        expect_failure(&place, command);
        expect_failure(&place, "touch /run/standin-agent");
        expect_failure(&place, "echo x >>/etc/passwd");
        expect_output(&place.server, place.id,
                      "cat /proc/self/oom_score_adj; grep Seccomp: /proc/self/status", "500\nSeccomp:\t2\n");
        expect_output(&place.server, place.id, "ulimit -c; test $(ulimit -u) -le 4096 && echo few",
                      "0\nfew\n");
    }
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

/* A command that takes all processes that it may have harms itself only. */
static void a_fork_bomb_stays_inside(void **state)
{
    (void)state;
    struct place place;
    char other[64];
    place_init(&place, "--isolation", "auto");
    if (!is_open(&place) && geteuid() == 0) { /* for others the limit is that of all their processes */
        make_sandbox(&place.server, "{}", other);
        struct answer bomb =
            execute_json(&place.server, place.id,
                         "{\"command\":\"i=0; while [ $i -lt 300 ]; do sleep 30 & i=$((i+1)); done; "
                         "sleep 30\",\"timeout\":1}");
        assert_int_equal(bomb.status, 408);
        answer_finish(&bomb);
        expect_output(&place.server, other, "echo alive", "alive\n");
        char path[128];
        snprintf(path, sizeof path, "/api/sandbox/%s", place.id);
        expect_status(&place.server, "DELETE", path, NULL, 200);
    }
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

/* Real root must never own a sandbox's processes, whatever the sandbox calls its user. */
static void nothing_runs_as_root(void **state)
{
    (void)state;
    static const char *const modes[] = {"auto", "none"};
    for (int i = 0; i < 2; i++) {
        struct place place;
        place_init(&place, "--isolation", modes[i]);
        if (geteuid() == 0) expect_failure(&place, "cat /etc/shadow");
        expect_output(&place.server, place.id, "awk '/^CapEff/ {print $2}' /proc/self/status",
                      "0000000000000000\n");
        assert_int_equal(server_end(&place.server), 0);
        place_finish(&place);
    }
}

static void neighbours_are_out_of_reach(void **state)
{
    (void)state;
    struct place place;
    char other[64];
    place_init(&place, "--isolation", "auto");
    if (!is_open(&place)) {
        make_sandbox(&place.server, "{}", other);
        expect_output(&place.server, other, "echo x > of-a-neighbour; echo x > /tmp/of-a-neighbour", "");
        expect_output(&place.server, other, "sleep 60 >/dev/null 2>&1 & echo", "\n");
        expect_output(&place.server, place.id, "ls /home/daytona /tmp | grep -c neighbour", "0\n");
        expect_output(&place.server, place.id, "pgrep -c '^sleep$'", "0\n");
        expect_failure(&place, "find / -name of-a-neighbour 2>/dev/null | grep .");
        expect_output(&place.server, place.id, "kill -9 -1 2>/dev/null; echo tried", "tried\n");
        expect_output(&place.server, place.id, "echo alive", "alive\n"); /* the agent survives its children */
        await_output(&place.server, other, "pgrep -c '^sleep$'", "1\n");
    }
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

static void symlinks_do_not_lead_out(void **state)
{
    (void)state;
    struct place place;
    char path[192];
    place_init(&place, "--isolation", "auto");
    if (!is_open(&place)) {
        expect_output(&place.server, place.id, "ln -s /etc/shadow shadow; ln -s / root", "");
        snprintf(path, sizeof path, "/toolbox/%s/files/download?path=shadow", place.id);
        expect_status(&place.server, "GET", path, NULL, 404);
        snprintf(path, sizeof path, "/toolbox/%s/files/download?path=root/etc/../../../etc/shadow", place.id);
        expect_status(&place.server, "GET", path, NULL, 404);
        snprintf(path, sizeof path, "/toolbox/%s/files?path=root%s", place.id, place.directory);
        expect_status(&place.server, "GET", path, NULL, 404);
    }
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

/* Is there a process with this text in its command line? */
static bool is_running(const char *mark)
{
    char path[300], line[256];
    bool found = false;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; !found && (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL) continue;
        size_t len = fread(line, 1, sizeof line - 1, file);
        fclose(file);
        found = memmem(line, len, mark, strlen(mark)) != NULL;
    }
    closedir(proc);
    return found;
}

/* The shell may answer before what it put into the background has come to its exec. */
static void await_running(const char *mark)
{
    for (long until = now_ms() + LIMIT_MS; !is_running(mark) && now_ms() < until;)
        nap();
    assert_true(is_running(mark));
}

static void start_lingerers(struct place *place, const char *mark)
{
    char command[256];
    snprintf(command, sizeof command, "sleep %s >/dev/null 2>&1 & setsid sleep %s >/dev/null 2>&1 & echo",
             mark, mark);
    expect_output(&place->server, place->id, command, "\n");
    await_running(mark);
}

static void leaves_nothing(const char *mode, bool killed)
{
    struct place place;
    char mark[32], command[128];
    snprintf(mark, sizeof mark, "%d.%d", 100000 + getpid(), killed + 1);
    place_init(&place, "--isolation", mode);
    start_lingerers(&place, mark);
    if (killed) {
        kill(place.server.pid, SIGKILL);
        waitpid(place.server.pid, NULL, 0);
    } else {
        assert_int_equal(server_end(&place.server), 0);
        assert_false(is_running(mark)); /* at once */
        assert_true(is_empty(place.directory));
    }
    for (long until = now_ms() + LIMIT_MS; is_running(mark) && now_ms() < until;)
        nap();
    assert_false(is_running(mark));
    /* A killed server cannot clean up; what dies with it may still be writing while we do. */
    snprintf(command, sizeof command, "rm -rf %s", place.directory);
    for (long until = now_ms() + LIMIT_MS; killed && system(command) != 0;) {
        assert_true(now_ms() < until);
        nap();
    }
    place_finish(&place);
}

static void the_end_leaves_nothing(void **state)
{
    (void)state;
    leaves_nothing("auto", false);
    leaves_nothing("none", false);
}

static void even_a_killed_server_leaves_no_process(void **state)
{
    (void)state;
    leaves_nothing("auto", true);
    leaves_nothing("none", true);
}

static void a_deleted_sandbox_leaves_nothing(void **state)
{
    (void)state;
    struct place place;
    char path[128], mark[32];
    snprintf(mark, sizeof mark, "%d.3", 100000 + getpid());
    place_init(&place, "--isolation", "auto");
    start_lingerers(&place, mark);
    expect_output(&place.server, place.id, "mkdir -p locked/in; chmod 0 locked; ln -s / root", "");
    snprintf(path, sizeof path, "/api/sandbox/%s", place.id);
    expect_status(&place.server, "DELETE", path, NULL, 200);
    assert_false(is_running(mark));
    struct answer truth = call(&place.server, (struct call){.method = "GET", .path = "/_standin/sandboxes"});
    assert_int_equal(number_at(&truth, "live"), 0);
    assert_int_equal(number_at(&truth, "destroyed"), 1);
    assert_int_equal(number_at(&truth, "processes"), 0);
    answer_finish(&truth);
    assert_int_equal(server_end(&place.server), 0);
    assert_true(is_empty(place.directory));
    place_finish(&place);
}

static void no_isolation_is_said_loudly(void **state)
{
    (void)state;
    struct place place;
    place_init(&place, "--isolation", "none");
    struct answer health = call(&place.server, (struct call){.method = "GET", .path = "/health"});
    assert_non_null(strstr(text_at(&health, "warning"), "NO ISOLATION"));
    answer_finish(&health);
    expect_output(&place.server, place.id, "echo plain", "plain\n");
    assert_int_equal(server_end(&place.server), 0);
    place_finish(&place);
}

static void full_isolation_is_full_or_fails(void **state)
{
    (void)state;
    char text[4096];
    static const char *const arguments[] = {"--isolation", "full", "--port", "0", NULL};
    const char *path = getenv("PATH");
    char saved[4096];
    snprintf(saved, sizeof saved, "%s", path != NULL ? path : "");
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(server_fails(arguments, text, sizeof text), 1);
    setenv("PATH", saved, 1);
    assert_non_null(strstr(text, "apt install bubblewrap"));
}

/* As pam_tmpdir makes them: a directory for one user only, with another one in it. */
static void make_closed(char closed[64], char inner[80])
{
    snprintf(closed, 64, "/tmp/standin-test.XXXXXX");
    assert_non_null(mkdtemp(closed)); /* 0700 */
    snprintf(inner, 80, "%s/inner", closed);
    assert_int_equal(mkdir(inner, 0755), 0);
}

static void remove_closed(const char *closed, const char *inner)
{
    assert_true(is_empty(inner));
    rmdir(inner);
    rmdir(closed);
}

static void expect_service(const char *const *arguments)
{
    char id[64];
    struct server server = server_run(arguments);
    make_sandbox(&server, "{}", id);
    expect_output(&server, id, "echo alive", "alive\n");
    assert_int_equal(server_end(&server), 0);
}

/* Root's sandboxes run as others and could not get through; for anybody else the directory is as good as any. */
static void a_closed_directory_is_refused(void **state)
{
    (void)state;
    static const char *const modes[] = {"auto", "none"};
    char closed[64], inner[80], text[4096], named[96];
    make_closed(closed, inner);
    for (int i = 0; i < 2; i++) {
        const char *const arguments[] = {"--dir", inner, "--isolation", modes[i], "--port", "0", NULL};
        if (geteuid() != 0) {
            expect_service(arguments);
            continue;
        }
        assert_int_equal(server_fails(arguments, text, sizeof text), 1);
        snprintf(named, sizeof named, "cannot pass %s ", closed);
        if (strstr(text, named) == NULL || strstr(text, "--dir") == NULL) fail_msg("said: %s", text);
    }
    remove_closed(closed, inner);
}

static void a_closed_tmpdir_is_passed_over(void **state)
{
    (void)state;
    char closed[64], inner[80], text[4096];
    static const char *const plain[] = {NULL};
    /* it gets as far as the certificate */
    static const char *const ends[] = {"--tls-cert", "/nowhere", "--tls-key", "/nowhere",
                                       "--port",     "0",        NULL};
    const char *tmpdir = getenv("TMPDIR");
    char saved[4096];
    snprintf(saved, sizeof saved, "%s", tmpdir != NULL ? tmpdir : "");
    make_closed(closed, inner);
    setenv("TMPDIR", inner, 1);
    expect_service(plain);
    assert_int_equal(server_fails(ends, text, sizeof text), 1);
    if (tmpdir != NULL) setenv("TMPDIR", saved, 1);
    if (tmpdir == NULL) unsetenv("TMPDIR");
    bool said = strstr(text, closed) != NULL && strstr(text, "in /tmp instead") != NULL;
    if (said != (geteuid() == 0)) fail_msg("said: %s", text);
    remove_closed(closed, inner);
}

/* A script's "&" ignores SIGINT and SIGQUIT, nohup SIGHUP; a command must not notice. */
static void commands_start_with_fresh_signals(void **state)
{
    (void)state;
    static const char *const modes[] = {"auto", "none"};
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    for (int i = 0; i < 2; i++) {
        struct place place;
        for (size_t n = 0; n < sizeof ignored / sizeof *ignored; n++)
            signal(ignored[n], SIG_IGN);
        sigprocmask(SIG_BLOCK, &blocked, &before);
        place_init(&place, "--isolation", modes[i]);
        sigprocmask(SIG_SETMASK, &before, NULL);
        for (size_t n = 0; n < sizeof ignored / sizeof *ignored; n++)
            signal(ignored[n], SIG_DFL);
        /* The signals up to 31: 32 and 33 are the C library's own, nobody can change them. */
        expect_output(&place.server, place.id,
                      "for v in $(awk '/^Sig(Ign|Blk)/ {print $2}' /proc/self/status); do "
                      "echo $((0x$v & 0x7fffffff)); done",
                      "0\n0\n");
        assert_int_equal(server_end(&place.server), 0);
        place_finish(&place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_out_of_reach),
        cmocka_unit_test(the_server_is_out_of_reach),
        cmocka_unit_test(a_fork_bomb_stays_inside),
        cmocka_unit_test(nothing_runs_as_root),
        cmocka_unit_test(neighbours_are_out_of_reach),
        cmocka_unit_test(symlinks_do_not_lead_out),
        cmocka_unit_test(the_end_leaves_nothing),
        cmocka_unit_test(even_a_killed_server_leaves_no_process),
        cmocka_unit_test(a_deleted_sandbox_leaves_nothing),
        cmocka_unit_test(no_isolation_is_said_loudly),
        cmocka_unit_test(full_isolation_is_full_or_fails),
        cmocka_unit_test(a_closed_directory_is_refused),
        cmocka_unit_test(a_closed_tmpdir_is_passed_over),
        cmocka_unit_test(commands_start_with_fresh_signals),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
