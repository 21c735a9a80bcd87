/* Images: noise from start-up files, a home that cannot be written, missing tools; the preparing request, putting files
 * into place. */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static void expect_hi(struct world *world)
{
    struct runner_answer answer;
    world_run(world, "echo hi", &answer);
    assert_text(&answer.out.data, "hi\n");
    runner_answer_finish(&answer);
}

/* -- Noise ------------------------------------------------------------------------------------------------------ */

static void noise(struct world *world)
{
    char assignment[400];
    const char *file = world_path(world, "noise");
    world_write(file, "echo 'EEP1 0123456789abcdef01234567 done .'; printf 'no end of line'; echo err >&2\n");
    world_write(world_path(world, ".zshenv"), "echo noise; printf 'no end of line' >&2\n");
    snprintf(assignment, sizeof assignment, "BASH_ENV=%s", file);
    world_setenv(world, assignment);
    struct runner_answer answer;
    struct runner_start start = world_script("noise", "echo hi");
    start.command.shell = STR("sh"); /* bash as the command's shell would read BASH_ENV as well */
    assert_true(world_start(world, &start, &answer));
    assert_text(&answer.out.data, "hi\n");
    assert_text(&answer.err.data, "");
    runner_answer_finish(&answer);
}

static void test_noise(void **state)
{
    (void)state;
    for_each_shell(noise);
}

/* What start-up files and the environment may set: the answer is there, and so is its text. */
static void odd_settings(struct world *world)
{
    char assignment[400];
    const char *file = world_path(world, "settings");
    struct runner_answer answer;
    struct runner_start start = world_script("settings", "echo hi");
    world_write(file, "set -eu\n");
    world_write(world_path(world, ".zshenv"), "set -eu\n");
    snprintf(assignment, sizeof assignment, "BASH_ENV=%s", file);
    world_setenv(world, assignment);
    world_setenv(world, "SHELLOPTS=errexit:monitor:noclobber:noglob:nounset:xtrace");
    start.command.shell = STR("/bin/dash"); /* bash would trace, and say so */
    for (int i = 0; i < 2; i++) {
        assert_true(world_start(world, &start, &answer));
        assert_int_equal(answer.state, RUNNER_DONE);
        assert_text(&answer.out.data, "hi\n");
        assert_text(&answer.err.data, "");
        runner_answer_finish(&answer);
    }
}

static void test_odd_settings(void **state)
{
    (void)state;
    for_each_shell(odd_settings);
}

/* Bash before 5.1 as sh: its here-documents are files. All that is moved through pipes arrives, and nobody waits at one. */
static void old_bash(struct world *world)
{
    static char all[20000];
    struct runner_answer answer;
    eep_str argv[] = {STR("cat"), STR("/dev/stdin")};
    struct runner_start start = world_script("argv", NULL);
    world_setenv(world, "BASH_COMPAT=5.0");
    expect_hi(world);
    memset(all, 0xff, sizeof all);
    start.command = (struct runner_command){.argv = argv, .argv_count = 2, .stdin_data = {all, 1000}};
    assert_true(world_start(world, &start, &answer));
    assert_bytes(&answer.out.data, all, 1000);
    runner_answer_finish(&answer);
    world_run(world, "sleep 20 & echo $! >pid; echo bg", &answer);
    assert_text(&answer.out.data, "bg\n");
    assert_true(answer.held);
    kill(atoi(world_read(world_path(world, "pid"))), SIGKILL);
    runner_answer_finish(&answer);
}

static void test_old_bash(void **state)
{
    (void)state;
    for_shell("bash", old_bash);
}

/* A service that ignores SIGCHLD, as its children do then: the end of a command is noticed. */
static void deaf_service(struct world *world)
{
    static char path[400];
    char text[400];
    snprintf(path, sizeof path, "%s/shell", world->home);
    snprintf(text, sizeof text, "#!/bin/sh\nexec /usr/bin/env --ignore-signal=CHLD %s\n",
             world->service.shell);
    world_write(path, text);
    assert_int_equal(chmod(path, 0755), 0);
    world->service.shell = path;
    expect_hi(world);
}

static void test_deaf_service(void **state)
{
    (void)state;
    for_each_shell(deaf_service);
}

/* -- Folders ---------------------------------------------------------------------------------------------------- */

/* /proc cannot be written, not even by root: the records go to the temporary folder. */
static void read_only_home(struct world *world)
{
    char assignment[400];
    struct runner_answer answer;
    struct runner_wait wait = {.window_ms = 1000, .inline_bytes = 100};
    world_setenv(world, "HOME=/proc");
    snprintf(assignment, sizeof assignment, "TMPDIR=%s", world->home);
    world_setenv(world, assignment);
    struct runner_start start = world_script("ro", "echo hi");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_text(&answer.out.data, "hi\n");
    snprintf(assignment, sizeof assignment, "%s/.eep-%u", world->home, (unsigned)getuid());
    assert_string_equal(answer.dir, assignment);
    runner_answer_finish(&answer);
    world_attach(world, "ro", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    runner_answer_finish(&answer);

    world_setenv(world, "TMPDIR=/proc");
    start = world_script("ro2", "echo hi");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_REFUSED);
    assert_int_equal(answer.refusal, RUNNER_REFUSAL_FOLDER);
    runner_answer_finish(&answer);
}

static void test_read_only_home(void **state)
{
    (void)state;
    for_each_shell(read_only_home);
}

static void expect_no_folder(struct world *world, const char *id)
{
    struct runner_answer answer;
    struct runner_start start = world_script(id, "echo hi");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_REFUSED);
    assert_int_equal(answer.refusal, RUNNER_REFUSAL_FOLDER);
    runner_answer_finish(&answer);
}

/* The temporary folder is everybody's: what lies there under our name may be a trap. */
static void somebody_elses_folder(struct world *world)
{
    char assignment[400];
    char own[64];
    char folder[400];
    world_setenv(world, "HOME=/proc");
    snprintf(assignment, sizeof assignment, "TMPDIR=%s", world->home);
    world_setenv(world, assignment);
    snprintf(own, sizeof own, ".eep-%u", (unsigned)getuid());
    snprintf(folder, sizeof folder, "%s", world_path(world, own));
    assert_int_equal(mkdir(world_path(world, "elsewhere"), 0700), 0);
    assert_int_equal(symlink("elsewhere", folder), 0);
    expect_no_folder(world, "by-a-link");
    assert_int_equal(rmdir(world_path(world, "elsewhere")), 0); /* it is empty */
    assert_int_equal(unlink(folder), 0);
    if (geteuid() != 0) return; /* only root can make one for somebody else */
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chown(folder, 12345, 12345), 0);
    expect_no_folder(world, "anothers");
}

static void test_somebody_elses_folder(void **state)
{
    (void)state;
    for_each_shell(somebody_elses_folder);
}

/* A home whose name is hard. */
static void odd_home(struct world *world)
{
    char assignment[400];
    snprintf(assignment, sizeof assignment, "HOME=%s/it's \"home\" $x", world->home);
    assert_int_equal(mkdir(assignment + 5, 0755), 0);
    world_setenv(world, assignment);
    expect_hi(world);
    struct runner_answer answer;
    world_run(world, "head -c 3000 /dev/zero", &answer);
    assert_int_equal(answer.out.data.len, 3000);
    runner_answer_finish(&answer);
}

/* A relative one: the records are found from wherever one looks, and so are the notes of who kills. */
static void relative_home(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("relative", "exec sleep 20");
    start.command.cwd = STR("/");
    start.time_limit_ms = 500;
    world_setenv(world, "HOME=.");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.timed_out);
    runner_answer_finish(&answer);
}

static void test_odd_home(void **state)
{
    (void)state;
    for_each_shell(odd_home);
    for_each_shell(relative_home);
}

/* -- Missing tools ---------------------------------------------------------------------------------------------- */

/* A PATH with everything but one tool. (Under busybox ash the tools are inside of the shell: nothing to miss.) */
static void without(struct world *world, const char *tool)
{
    static const char *const tools[] = {"sh", "cat",   "sleep", "setsid", "mkdir", "base64",
                                        "rm", "head",  "tail",  "wc",     "date",  "grep",
                                        "id", "uname", "find",  "chmod",  "mv",    "ls"};
    char path[400];
    char command[1000];
    snprintf(path, sizeof path, "%s/.no-%s", world->home, tool);
    assert_int_equal(mkdir(path, 0755), 0);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        if (strcmp(tools[i], tool) == 0) continue;
        snprintf(command, sizeof command, "ln -s \"$(command -v %s)\" %s/%s", tools[i], path, tools[i]);
        assert_int_equal(system(command), 0);
    }
    snprintf(command, sizeof command, "PATH=%s", path);
    world_setenv(world, command);
}

static void needs(struct world *world, const char *tool)
{
    struct runner_answer answer;
    char id[32];
    without(world, tool);
    struct runner_start start = world_script(world_id(world, id), "echo hi");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_REFUSED);
    assert_int_equal(answer.refusal, RUNNER_REFUSAL_TOOL);
    assert_string_equal(answer.tool, tool);
    assert_false(world_has(world, id, "p"));
    runner_answer_finish(&answer);
}

/* The native runner needs nothing but a shell for the script. */
static void bare_image(struct world *world)
{
    struct runner_answer answer;
    char command[400];
    snprintf(command, sizeof command, "PATH=%s/.only-sh", world->home);
    assert_int_equal(mkdir(command + 5, 0755), 0);
    world_setenv(world, command);
    snprintf(command, sizeof command, "ln -s /bin/sh %s/.only-sh/sh", world->home);
    assert_int_equal(system(command), 0);
    expect_hi(world);
    world_run(world, "printf '\\377'", &answer);
    assert_bytes(&answer.out.data, "\377", 1);
    runner_answer_finish(&answer);
}

static void missing_tools(struct world *world)
{
    if (strncmp(world->service.shell, "busybox", 7) == 0) return;
    if (world_is_native(world)) {
        bare_image(world);
        return;
    }
    needs(world, "setsid");
    needs(world, "cat");
    needs(world, "sleep");

    /* Without date, which is asked once in a boot, there is the time since then only: that is not told. */
    struct runner_answer answer;
    unlink(world_path(world, ".eep/clock"));
    without(world, "date");
    world_run(world, "echo hi", &answer);
    assert_text(&answer.out.data, "hi\n");
    assert_int_equal(answer.started_at_ms, 0);
    assert_int_equal(answer.finished_at_ms, 0);
    runner_answer_finish(&answer);

    /* Without base64 plain text still travels, and the rest is left to be downloaded. */
    without(world, "base64");
    expect_hi(world);
    world_run(world, "printf '\\377'", &answer);
    assert_int_equal(answer.out.total, 1);
    assert_int_equal(answer.out.data.len, 0);
    runner_answer_finish(&answer);

    static const char *const optional[] = {"grep", "wc", "head", "tail", "rm", "find"};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        without(world, optional[i]);
        expect_hi(world);
    }
}

static void test_missing_tools(void **state)
{
    (void)state;
    for_each_shell(missing_tools);
}

/* -- Prepare ---------------------------------------------------------------------------------------------------- */

static int prepare(struct world *world, eep_str workspace, const char *token, bool create,
                   struct runner_prepared *prepared, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct reply reply;
    struct runner_prepare request = {.call = world_call(world, NULL),
                                     .workspace = workspace,
                                     .identity = str_from(token),
                                     .create = create};
    assert_int_equal(runner_prepare(&text, &request, err), EEP_OK);
    world_send(world, &text, &reply);
    int status = runner_prepared_parse((eep_str){reply.text, reply.len}, &request.call, prepared, err);
    if (status == EEP_E_PROTOCOL) fail_msg("%s\n%s", err->message, reply.text);
    reply_finish(&reply);
    return status;
}

static void expect_identity(struct world *world, const char *token, bool create,
                            enum runner_identity identity)
{
    struct runner_prepared prepared;
    struct err err = ERR_INIT;
    assert_int_equal(prepare(world, (eep_str){0}, token, create, &prepared, &err), EEP_OK);
    assert_int_equal(prepared.identity, identity);
}

static void preparing(struct world *world)
{
    struct runner_prepared prepared;
    struct err err = ERR_INIT;
    char expected[400];
    assert_int_equal(prepare(world, (eep_str){0}, NULL, false, &prepared, &err), EEP_OK);
    assert_int_equal(prepared.identity, RUNNER_IDENTITY_UNASKED);
    assert_string_equal(prepared.home, world->home);
    assert_string_equal(prepared.cwd, world->home);
    assert_string_equal(prepared.dir, world->records);
    snprintf(expected, sizeof expected, "%s/eep-workspace", world->home);
    assert_string_equal(prepared.workspace, expected);
    assert_int_equal(access(expected, F_OK), 0);
    assert_string_equal(prepared.missing, "");
    assert_true(prepared.shell[0] == '/' && prepared.arch[0] && prepared.user[0] && prepared.boot[0]);

    expect_identity(world, "token-1", false, RUNNER_IDENTITY_MISSING);
    expect_identity(world, "token-1", true, RUNNER_IDENTITY_NEW);
    expect_identity(world, "token-1", true, RUNNER_IDENTITY_OK);
    expect_identity(world, "token-1", false, RUNNER_IDENTITY_OK);
    expect_identity(world, "token-2", true, RUNNER_IDENTITY_MISMATCH);

    snprintf(expected, sizeof expected, "%s/a/b c/d", world->home);
    assert_int_equal(prepare(world, str_from(expected), NULL, false, &prepared, &err), EEP_OK);
    assert_string_equal(prepared.workspace, expected);
    assert_int_equal(prepare(world, STR("/proc/nothing"), NULL, false, &prepared, &err), EEP_E_SANDBOX);
}

static void test_prepare(void **state)
{
    (void)state;
    for_each_shell(preparing);
}

/* Staging folders that an upload may still fill stay; those of yesterday's are nobody's any more. */
static void abandoned_uploads(struct world *world)
{
    struct runner_prepared prepared;
    struct err err = ERR_INIT;
    char command[500];
    snprintf(command, sizeof command,
             "cd %s && mkdir -p 'a b/.eep-staging-old/0' 'a b/.eep-staging-new' && "
             "touch -d '2 days ago' 'a b/.eep-staging-old'",
             world->home);
    assert_int_equal(system(command), 0);
    assert_int_equal(prepare(world, STR("a b"), NULL, false, &prepared, &err), EEP_OK);
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS;
         access(world_path(world, "a b/.eep-staging-old"), F_OK) == 0;)
        assert_true(clock_now_ms() < end);
    assert_int_equal(access(world_path(world, "a b/.eep-staging-new"), F_OK), 0);
}

static void test_abandoned_uploads(void **state)
{
    (void)state;
    for_shell("dash", abandoned_uploads);
    for_shell("busybox ash", abandoned_uploads);
}

/* -- Place ------------------------------------------------------------------------------------------------------ */

static void placing(struct world *world)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct reply reply;
    struct stat info;
    enum runner_placed placed[7];
    char staging[300];
    char plain[300];
    char odd[300];
    char folder[300];
    char blocked[300];
    snprintf(staging, sizeof staging, "%s/staging", world->home);
    snprintf(plain, sizeof plain, "%s/w/sub/plain", world->home);
    snprintf(odd, sizeof odd, "%s/w/it's\n$x \xff", world->home);
    snprintf(folder, sizeof folder, "%s/w/folder/", world->home);
    snprintf(blocked, sizeof blocked, "%s/w/sub/plain/below", world->home);
    folder[strlen(folder) - 1] = '\0';
    assert_int_equal(mkdir(staging, 0755), 0);
    world_write(world_path(world, "staging/0"), "zero");
    world_write(world_path(world, "staging/1"), "one");
    world_write(world_path(world, "staging/3"), "three");
    world_write(world_path(world, "staging/4"), "four");
    const struct runner_placing placings[] = {
        {EEP_SOURCE_FILE, 0, str_from(plain)},    {EEP_SOURCE_FILE, 0700, str_from(odd)},
        {EEP_SOURCE_DIR, 0750, str_from(folder)}, {EEP_SOURCE_FILE, 0, str_from(folder)},
        {EEP_SOURCE_FILE, 0, str_from(blocked)},  {EEP_SOURCE_FILE, 0, str_from(plain)},
        {EEP_SOURCE_DIR, 0, str_from(plain)},
    };
    struct runner_place place = {
        .call = world_call(world, NULL), .staging = str_from(staging), .placings = placings, .count = 7};
    assert_int_equal(runner_place(&text, &place, &err), EEP_OK);
    world_send(world, &text, &reply);
    int status = runner_placed_parse((eep_str){reply.text, reply.len}, &place.call, 7, placed, &err);
    if (status != EEP_OK) fail_msg("%s\n%s", err.message, reply.text);
    reply_finish(&reply);
    static const enum runner_placed expected[] = {
        RUNNER_PLACED_OK,        RUNNER_PLACED_OK,         RUNNER_PLACED_OK,       RUNNER_PLACED_IS_FOLDER,
        RUNNER_PLACED_NO_PARENT, RUNNER_PLACED_NOT_STAGED, RUNNER_PLACED_IS_FOLDER};
    assert_memory_equal(placed, expected, sizeof expected);
    assert_string_equal(world_read(plain), "zero");
    assert_string_equal(world_read(odd), "one");
    assert_int_equal(stat(plain, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_int_equal(stat(odd, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0750);
    assert_int_not_equal(access(staging, F_OK), 0);
}

static void test_place(void **state)
{
    (void)state;
    for_each_shell(placing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_odd_settings),
        cmocka_unit_test(test_old_bash),
        cmocka_unit_test(test_deaf_service),
        cmocka_unit_test(test_read_only_home),
        cmocka_unit_test(test_somebody_elses_folder),
        cmocka_unit_test(test_odd_home),
        cmocka_unit_test(test_missing_tools),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_abandoned_uploads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
