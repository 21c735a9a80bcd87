/* What a command is given (script, argv, environment, stdin, working directory, shell) arrives byte for byte, leaves
 * nothing behind, and is in no argument list. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* All bytes but NUL, and what shells find hard. */
static char nasty[400];
static size_t nasty_len;

static void make_nasty(void)
{
    static const char hard[] =
        "-n '\"`$(echo no)${HOME}\\\n\n%s %% \\077 *~# & ; | < > ! \xc3\xa9 \xf0\x9f\x98\x80\n\n";
    for (int c = 1; c < 256; c++)
        nasty[nasty_len++] = (char)c;
    memcpy(nasty + nasty_len, hard, sizeof hard - 1);
    nasty_len += sizeof hard - 1;
}

static void run_command(struct world *world, struct runner_command command, struct runner_answer *answer)
{
    char id[32];
    struct runner_start start = world_script(world_id(world, id), NULL);
    start.command = command;
    assert_true(world_start(world, &start, answer));
    assert_int_equal(answer->state, RUNNER_DONE);
}

/* -- Script, argv, environment ---------------------------------------------------------------------------------- */

static void argv_exact(struct world *world)
{
    struct runner_answer answer;
    eep_str argv[] = {STR("printf"), STR("<%s>"), {nasty, nasty_len}, STR(""), STR("-e"), STR("a b")};
    run_command(world, (struct runner_command){.argv = argv, .argv_count = 6}, &answer);
    char expected[sizeof nasty + 32];
    int len = snprintf(expected, sizeof expected, "<%.*s><><-e><a b>", (int)nasty_len, nasty);
    assert_bytes(&answer.out.data, expected, (size_t)len);
    assert_int_equal(answer.exit_code, 0);
    runner_answer_finish(&answer);
}

static void test_argv(void **state)
{
    (void)state;
    for_each_shell(argv_exact);
}

static void expect_failure(struct world *world, eep_str program, int code, const char *message)
{
    struct runner_answer answer;
    run_command(world, (struct runner_command){.argv = &program, .argv_count = 1}, &answer);
    assert_int_equal(answer.exit_code, code);
    assert_text(&answer.err.data, message);
    assert_text(&answer.out.data, "");
    runner_answer_finish(&answer);
}

/* As a shell tells it. */
static void missing_program(struct world *world)
{
    expect_failure(world, STR("no-such-program-here"), 127, "no-such-program-here: not found\n");
    expect_failure(world, STR("./no/such"), 127, "./no/such: not found\n");
    world_write(world_path(world, "plain"), "echo never\n");
    expect_failure(world, STR("./plain"), 126, "./plain: Permission denied\n");
    expect_failure(world, STR("/tmp"), 126, "/tmp: Permission denied\n");
    world_write(world_path(world, "script"), "echo \"a script: $*\"\n");
    assert_int_equal(chmod(world_path(world, "script"), 0755), 0);
    eep_str argv[] = {STR("./script"), STR("a"), STR("b c")};
    struct runner_answer answer;
    run_command(world, (struct runner_command){.argv = argv, .argv_count = 3}, &answer);
    assert_text(&answer.out.data, "a script: a b c\n");
    runner_answer_finish(&answer);

    struct runner_command command = {.script = STR("echo"), .shell = STR("no-such-shell"), .login = true};
    run_command(world, command, &answer);
    assert_int_equal(answer.exit_code, 127);
    assert_text(&answer.err.data, "no-such-shell: not found\n");
    runner_answer_finish(&answer);
}

static void test_missing_program(void **state)
{
    (void)state;
    for_each_shell(missing_program);
}

static void env_exact(struct world *world)
{
    struct runner_answer answer;
    eep_pair env[] = {{STR("NASTY"), {nasty, nasty_len}}, {STR("EMPTY"), STR("")}, {STR("e_p"), STR("mine")}};
    eep_str argv[] = {STR("sh"), STR("-c"), STR("printf '%s|%s|%s' \"$NASTY\" \"${EMPTY-unset}\" \"$e_p\"")};
    struct runner_command command = {.argv = argv, .argv_count = 3, .env = env, .env_count = 3};
    run_command(world, command, &answer);
    char expected[sizeof nasty + 32];
    int len = snprintf(expected, sizeof expected, "%.*s||mine", (int)nasty_len, nasty);
    assert_bytes(&answer.out.data, expected, (size_t)len);
    runner_answer_finish(&answer);
}

static void test_env(void **state)
{
    (void)state;
    for_each_shell(env_exact);
}

/* Another PATH decides which program runs, not whether the runner works. */
static void other_path(struct world *world)
{
    struct runner_answer answer;
    eep_pair env[] = {{STR("PATH"), STR("/nowhere")}};
    struct runner_command command = {
        .script = STR("echo \"$PATH\""), .shell = STR("/bin/sh"), .env = env, .env_count = 1};
    run_command(world, command, &answer);
    assert_text(&answer.out.data, "/nowhere\n");
    runner_answer_finish(&answer);
}

static void test_path(void **state)
{
    (void)state;
    for_each_shell(other_path);
}

static void script_exact(struct world *world)
{
    struct runner_answer answer;
    char script[sizeof nasty + 64];
    /* A quoted here-document: everything in it is content. */
    int len = snprintf(script, sizeof script, "cat <<'~END~'\n%.*s\n~END~\n", (int)nasty_len, nasty);
    struct runner_command command = {.script = {script, (size_t)len}, .shell = STR("sh")};
    run_command(world, command, &answer);
    assert_bytes(&answer.out.data, script + 14, nasty_len + 1);
    runner_answer_finish(&answer);
    run_command(world, (struct runner_command){.script = STR("\n\necho ${LINENO:-3}"), .shell = STR("sh")},
                &answer);
    assert_text(&answer.out.data, "3\n");
    runner_answer_finish(&answer);
}

static void test_script(void **state)
{
    (void)state;
    for_each_shell(script_exact);
}

/* A script that does not fit into a pipe. */
static void long_script(struct world *world)
{
    CLEANUP(buf_finish) struct buf script = BUF_INIT(1 << 20);
    struct runner_answer answer;
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_appendf(&script, "x=%d # \xff '\\\n", i), EEP_OK);
    assert_int_equal(buf_append_cstr(&script, "echo $x"), EEP_OK);
    run_command(world, (struct runner_command){.script = buf_str(&script)}, &answer);
    assert_text(&answer.out.data, "4999\n");
    runner_answer_finish(&answer);
}

static void test_long_script(void **state)
{
    (void)state;
    for_each_shell(long_script);
}

/* -- stdin ------------------------------------------------------------------------------------------------------ */

static void echo_stdin(struct world *world, const char *data, size_t len)
{
    struct runner_answer answer;
    eep_str argv[] = {STR("cat")};
    run_command(world, (struct runner_command){.argv = argv, .argv_count = 1, .stdin_data = {data, len}},
                &answer);
    assert_bytes(&answer.out.data, data, len);
    runner_answer_finish(&answer);
}

static void stdin_exact(struct world *world)
{
    static char data[1 << 20];
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(seed = seed * 1103515245u + 12345u, seed >> 16);
    echo_stdin(world, "", 0);
    echo_stdin(world, "x", 1);
    echo_stdin(world, "\n\n", 2);
    echo_stdin(world, "-n\0%s\\", 6);
    echo_stdin(world, data, 4096);
    echo_stdin(world, data, 4097);
    echo_stdin(world, data, 65536);
    echo_stdin(world, data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i % 61 == 60 ? '\n' : "~'\\%a "[i % 6];
    echo_stdin(world, data, 65536);
}

/* What it left in the background reads the rest of the input after its end. */
static void stdin_left(struct world *world)
{
    struct runner_answer answer;
    struct stat info = {0};
    static char data[300000];
    struct runner_command command = {
        .script = STR("exec 3<&0; (sleep 0.2; cat >copy; echo x >copied) <&3 3<&- >/dev/null 2>&1 & exit 3"),
        .stdin_data = {data, sizeof data}};
    run_command(world, command, &answer);
    assert_int_equal(answer.exit_code, 3);
    runner_answer_finish(&answer);
    world_await_file(world_path(world, "copied"));
    assert_int_equal(stat(world_path(world, "copy"), &info), 0);
    assert_int_equal(info.st_size, sizeof data);
}

static void test_stdin(void **state)
{
    (void)state;
    for_each_shell(stdin_exact);
    for_shell("dash", stdin_left);
}

/* -- Working directory, shell, login ---------------------------------------------------------------------------- */

static void cwd(struct world *world)
{
    struct runner_answer answer;
    char id[32];
    char dir[400];
    snprintf(dir, sizeof dir, "%s/a 'b'\n\xff", world->home);
    struct runner_start start = world_script(world_id(world, id), "pwd; echo \"[${OLDPWD-}]\"");
    start.command.cwd = str_from(dir);
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_REFUSED);
    assert_int_equal(answer.refusal, RUNNER_REFUSAL_CWD);
    runner_answer_finish(&answer);
    assert_false(world_has(world, id, "p")); /* so the same id can be used when the folder is there */

    char command[500];
    snprintf(command, sizeof command, "mkdir \"$(printf '%s/a '\\''b'\\''\\n\\377')\"", world->home);
    assert_int_equal(system(command), 0);
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    snprintf(command, sizeof command, "%s\n[]\n", dir);
    assert_text(&answer.out.data, command);
    runner_answer_finish(&answer);
}

static void test_cwd(void **state)
{
    (void)state;
    for_each_shell(cwd);
}

static void login(struct world *world)
{
    struct runner_answer answer;
    world_write(world_path(world, ".profile"),
                "echo noise; echo noise >&2; cat; A=profile B=profile; export A B\n");
    eep_pair env[] = {{STR("A"), STR("caller")}};
    struct runner_command command = {.script = STR("echo $A $B; echo err >&2; cat; echo line ${LINENO:-1}"),
                                     .shell = STR("sh"),
                                     .env = env,
                                     .env_count = 1,
                                     .stdin_data = {"input\n", 6},
                                     .login = true};
    run_command(world, command, &answer);
    assert_text(&answer.out.data, "caller profile\ninput\nline 1\n");
    assert_text(&answer.err.data, "err\n");
    runner_answer_finish(&answer);

    eep_str argv[] = {STR("sh"), STR("-c"), STR("echo $A $B")};
    command = (struct runner_command){.argv = argv, .argv_count = 3, .shell = STR("sh"), .login = true};
    run_command(world, command, &answer);
    assert_text(&answer.out.data, "profile profile\n");
    runner_answer_finish(&answer);
}

/* In the order of eep.h, whatever the shell would read by itself, and back in the command's folder. */
static void login_order(struct world *world)
{
    struct runner_answer answer;
    struct runner_command command = {
        .script = STR("echo \"$SEEN $#\"; pwd"), .shell = STR("sh"), .cwd = STR("/usr"), .login = true};
    world_write(world_path(world, ".profile"), "export SEEN=profile; cd /; set -- left\n");
    world_write(world_path(world, ".bashrc"), "SEEN=$SEEN-bashrc\n");
    world_write(world_path(world, ".zprofile"), "SEEN=$SEEN-zprofile\n");
    run_command(world, command, &answer);
    assert_text(&answer.out.data, "profile-bashrc-zprofile 0\n/usr\n");
    runner_answer_finish(&answer);
    world_write(world_path(world, ".bash_profile"), "SEEN=$SEEN-bash_profile\n");
    run_command(world, command, &answer);
    assert_text(&answer.out.data, "profile-bash_profile-zprofile 0\n/usr\n");
    runner_answer_finish(&answer);
}

static void test_login(void **state)
{
    (void)state;
    for_each_shell(login);
    for_each_shell(login_order);
}

/* -- What the command sees of us -------------------------------------------------------------------------------- */

/* Environment, umask, open descriptors, signals: as under a bare execute, but for one mark. */
static void no_traces(struct world *world)
{
    static const char script[] = "umask; env | sed '/^_=/d; /^SHLVL=/d; /^OLDPWD=/d; /^LINENO=/d' | sort; "
                                 "ls /proc/self/fd | tr '\\n' ' '; grep SigIgn /proc/self/status";
    struct runner_answer answer;
    struct reply bare;
    char id[32];
    char text[600];
    snprintf(text, sizeof text, "sh -c '%s' </dev/null 2>/dev/null",
             "umask; env | sed \"/^_=/d; /^SHLVL=/d; "
             "/^OLDPWD=/d; /^LINENO=/d\" | sort; ls /proc/self/fd | tr \"\\n\" \" \"; grep SigIgn "
             "/proc/self/status");
    service_execute(&world->service, text, strlen(text), 20000, &bare);
    struct runner_start start = world_script(world_id(world, id), NULL);
    eep_str argv[] = {STR("sh"), STR("-c"), str_from(script)};
    start.command = (struct runner_command){.argv = argv, .argv_count = 3};
    assert_true(world_start(world, &start, &answer));
    char mark[64];
    snprintf(mark, sizeof mark, "EEP_EXECUTION=%s:\n", id);
    char *seen = answer.out.data.data;
    char *at = strstr(seen, mark);
    assert_non_null(at);
    memmove(at, at + strlen(mark), strlen(at + strlen(mark)) + 1);
    assert_string_equal(seen, bare.text);
    reply_finish(&bare);
    runner_answer_finish(&answer);
}

static void test_no_traces(void **state)
{
    (void)state;
    for_each_shell(no_traces);
}

/* -- Secrets ---------------------------------------------------------------------------------------------------- */

/* Samples from before the command begins until it has been seen often, then lets it go on. */
static void sample(const struct world *world, const char *secret, const char *needle)
{
    int seen = 0;
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; seen < 5;) {
        assert_false(world_in_arguments(secret));
        seen += world_in_arguments(needle);
        if (clock_now_ms() > end) fail_msg("sleep %s was seen %d times", needle, seen);
    }
    world_write(world_path(world, "seen"), "");
}

/* A sampler must see the command (`sleep 0.03…`), never the secret; and while the command runs no file of ours holds it. */
static void secrets(struct world *world)
{
    char secret[33];
    char needle[40];
    random_hex(secret, 16);
    snprintf(needle, sizeof needle, "0.03%d", (int)getpid());
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(buf_finish) struct buf script = BUF_INIT(1 << 16);
    struct err err = ERR_INIT;
    struct runner_answer answer;
    char id[32];
    eep_pair env[] = {{STR("TOKEN"), str_from(secret)}};
    struct runner_start start = world_script(world_id(world, id), NULL);
    assert_int_equal(buf_appendf(&script,
                                 "until [ -e seen ]; do sleep %s; done; : %s; grep -rl \"$TOKEN\" "
                                 "\"$HOME\"/.eep \"$HOME\"/* /dev/shm; :",
                                 needle, secret),
                     EEP_OK);
    start.command = (struct runner_command){
        .script = buf_str(&script), .env = env, .env_count = 1, .stdin_data = {secret, strlen(secret)}};
    start.call = world_call(world, id);
    assert_int_equal(runner_start(&text, &start, &err), EEP_OK);

    struct request request;
    struct reply reply;
    service_begin(&world->service, text.data, text.len, &request);
    service_feed(&request);
    assert_int_equal(request.in, -1); /* it is small: the pipe has taken it whole */
    sample(world, secret, needle);
    service_end(&request, 20000, &reply);
    runner_answer_init(&answer);
    if (runner_answer_parse((eep_str){reply.text, reply.len}, &start.call, &start.wait, &answer, &err) !=
        EEP_OK)
        fail_msg("%s\n%s", err.message, reply.text ? reply.text : "no answer");
    assert_text(&answer.out.data, "");
    runner_answer_finish(&answer);
    reply_finish(&reply);
}

static void test_secrets(void **state)
{
    (void)state;
    for_each_shell(secrets);
}

int main(void)
{
    make_nasty();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv),    cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_env),     cmocka_unit_test(test_path),
        cmocka_unit_test(test_script),  cmocka_unit_test(test_long_script),
        cmocka_unit_test(test_stdin),   cmocka_unit_test(test_cwd),
        cmocka_unit_test(test_login),   cmocka_unit_test(test_no_traces),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
