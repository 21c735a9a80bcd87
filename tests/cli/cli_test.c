/* cli_test.c: eep as a process, without any service: command lines, help, exit codes, JSON, configuration.
 *
 * Where a plugin is needed it is fake/. What runs in leases uses leased.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eep_process.h"

static char folder[] = "/tmp/eep-cli-test-XXXXXX";
static char fake_variable[4200];
static char dir_variable[64];
static const char *fake_env[4]; /* the fake plugin, configured */
static const struct eep_setup fake = {.env = fake_env};
static const struct eep_setup bare; /* no plugin named */
static struct process process = {.fds = {-1, -1, -1}};

static const char *const verbs[] = {"info",   "validate", "probe", "health",    "run",     "acquire",
                                    "resume", "realize",  "exec",  "release",   "attach",  "ps",
                                    "kill",   "list",     "reap",  "keepalive", "explain", "drop"};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

/* A file in the folder of this test. */
static const char *write_file(const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

/* -- help and command lines -------------------------------------------------------------------- */

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len > longest) longest = len;
        text += len + (text[len] == '\n');
    }
    return longest;
}

static void help_names_every_verb(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &bare, "--help"), 0);
    for (size_t i = 0; i < VERBS; i++)
        eep_says(&process, PROCESS_STDOUT, verbs[i]);
    eep_says(&process, PROCESS_STDOUT, "EEP_CONFIG");
    assert_true(longest_line(process_text(&process, PROCESS_STDOUT)) <= 80);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
    static const char *const version_words[] = {"--version", "-V", "version"};
    for (size_t i = 0; i < sizeof(version_words) / sizeof(version_words[0]); i++) {
        assert_int_equal(EEP_RUN(&process, &bare, version_words[i]), 0);
        eep_says(&process, PROCESS_STDOUT, "eep 0.");
    }
}

static void every_verb_has_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERBS; i++) {
        assert_int_equal(EEP_RUN(&process, &bare, verbs[i], "--help", "--nonsense"), 0);
        eep_says(&process, PROCESS_STDOUT, "Usage: eep ");
        eep_says(&process, PROCESS_STDOUT, "--plugin FILE");
        if (longest_line(process_text(&process, PROCESS_STDOUT)) > 80)
            fail_msg("the help of %s is too wide", verbs[i]);
        char *help = strdup(process_text(&process, PROCESS_STDOUT));
        assert_int_equal(EEP_RUN(&process, &bare, "help", verbs[i]), 0);
        assert_string_equal(process_text(&process, PROCESS_STDOUT), help);
        free(help);
        assert_int_equal(EEP_RUN(&process, &bare, verbs[i], "-h"), 0);
    }
}

static void no_verb_and_a_wrong_one(void **state)
{
    (void)state;
    assert_int_equal(eep_run(&process, &bare, (const char *const[]){NULL}), 2);
    eep_says(&process, PROCESS_STDERR, "Usage: eep VERB");
    assert_int_equal(EEP_RUN(&process, &bare, "aquire"), 2);
    eep_says(&process, PROCESS_STDERR, "did you mean \"acquire\"?");
    assert_int_equal(EEP_RUN(&process, &bare, "help", "aquire"), 2);
    assert_int_equal(EEP_RUN(&process, &bare, "rn"), 2);
    eep_says(&process, PROCESS_STDERR, "there is no verb \"rn\"; did you mean \"run\"?\n");
    assert_int_equal(EEP_RUN(&process, &bare, "xx"), 2); /* shares no letter with any */
    eep_says(&process, PROCESS_STDERR, "there is no verb \"xx\"\n");
    assert_int_equal(EEP_RUN(&process, &bare, "--json", "info"), 2);
    eep_says(&process, PROCESS_STDERR, "options come after it, as in eep VERB --json\n");
}

/* The same mistake is 2, or 125 for verbs that pass a command's exit status on. */
static void a_wrong_command_line_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        int exit_code;
        const char *says;
    } cases[] = {
        {{"acquire", "--nmae", "x"}, 2, "did you mean --name?"},
        {{"acquire", "--name"}, 2, "--name needs a value: HINT"},
        {{"exec", "L", "-c"}, 125, "-c needs a value: TEXT"},
        {{"acquire", "--json=1"}, 2, "--json takes no value"},
        {{"acquire", "--timeout", "5"}, 2, "write 1500ms, 30s, 5m or 2h"},
        {{"acquire", "--timeout", "0s"}, 2, "is no duration"},
        {{"acquire", "--timeout", "99999999999h"}, 2, "is no duration"},
        {{"acquire", "--label", "novalue"}, 2, "--label novalue: write NAME=VALUE"},
        {{"acquire", "--env", "SURELY_NOT_SET"}, 2, "no such variable"},
        {{"acquire", "--env", "1A=2"}, 2, "begins with no digit"},
        {{"run", "--env", "A-B=2", "-c", "ls"}, 125, "--env A-B: the name of a variable is letters"},
        {{"acquire", "--reuse"}, 2, "--reuse needs a --label"},
        {{"acquire", "--reuse", "--label=a=b", "--key=c"}, 2, "either --key or --reuse"},
        {{"acquire", "--config", "{\"image\": \"debian:12\"}"}, 2, "for JSON set EEP_CONFIG"},
        {{"acquire", "word"}, 2, "\"word\" is one word too many"},
        {{"acquire", "-x"}, 2, "there is no option -x"},
        {{"acquire", "-qv"}, 2, "write each letter by itself"},
        {{"acquire", "--", "ls"}, 2, "takes no command"},
        {{"resume"}, 2, "the LEASE is missing"},
        {{"release", "L", "--stop", "--destroy"}, 2, "--destroy contradicts"},
        {{"realize", "L", "--file", "/nowhere/at/all"}, 125, "cannot open /nowhere/at/all"},
        {{"realize", "L", "--file", "/tmp"}, 125, "a folder goes by tar c FOLDER"},
        {{"realize", "L", "--file", ":there"}, 2, "write LOCAL or LOCAL:REMOTE"},
        {{"probe", "--depth", "deep"}, 2, "none of local, reach, auth, quota, full"},
        {{"health", "--depth", "full"}, 2, "none of local, reach, auth, quota"},
        {{"exec", "L"}, 125, "there is no command to run"},
        {{"exec", "L", "--"}, 125, "there is no command to run"},
        {{"exec", "L", "ls"}, 125, "write -- before the command"},
        {{"exec", "--", "ls"}, 125, "the LEASE is missing"},
        {{"exec", "L", "-c", "ls", "--", "ls"}, 125, "not both"},
        {{"exec", "L", "--shell", "/bin/sh", "--", "ls"}, 125, "--shell is for -c only"},
        {{"exec", "L", "--status-fd=2", "--", "ls"}, 125, "must be 3 or more"},
        {{"exec", "L", "--status-fd=33", "--", "ls"}, 125, "not open for writing"},
        {{"exec", "L", "--max-output=1.5G", "-c", "ls"}, 125, "is no size"},
        {{"exec", "L", "-i", "--stdin-file=x", "-c", "ls"}, 125, "not both"},
        {{"exec", "L", "--detach", "-c", "ls"}, 125, "--detach needs --time-limit"},
        {{"attach", "L"}, 125, "the ID is missing"},
        {{"attach", "L", "id", "--from=-1"}, 125, "is no offset"},
        {{"kill"}, 2, "the LEASE is missing"},
        {{"drop", "L"}, 2, "the ID is missing"},
        {{"kill", "L", "id", "word"}, 2, "\"word\" is one word too many"},
        {{"run"}, 125, "there is no command to run"},
        {{"list", "--state", "asleep"}, 2, "none of started, stopped"},
        {{"reap"}, 2, "--older-than is missing"},
        {{"reap", "--older-than", "0s"}, 2, "write 90s, 30m, 12h or 7d"},
        {{"reap", "--older-than", "7"}, 2, "write 90s, 30m, 12h or 7d"},
        {{"keepalive", "L"}, 2, "--for is missing"},
        {{"keepalive", "--for", "1h"}, 2, "the LEASE is missing"},
        {{"keepalive", "L", "--for", "8d"}, 2, "at most 7d"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int exit_code = eep_run(&process, &fake, cases[i].words);
        eep_says(&process, PROCESS_STDERR, cases[i].says);
        if (exit_code != cases[i].exit_code) fail_msg("case %zu: exit code %d", i, exit_code);
        assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
    }
}

static void json_errors_are_json(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--nmae", "\xff\n", "--json"), 2);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "INVALID_ARGUMENT");
    assert_int_equal(eep_json_int(object, "exit"), 2);
    json_object_put(object);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");

    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--set", "failAcquire=true", "--json"), 125);
    object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "RATE_LIMITED");
    assert_string_equal(eep_json_text(object, "error/where"), "acquire_lease: mkdir");
    assert_int_equal(eep_json_int(object, "error/code"), 11);
    assert_int_equal(eep_json_int(object, "error/httpStatus"), 429);
    assert_int_equal(eep_json_int(object, "error/retryAfterMs"), 1500);
    assert_int_equal(eep_json_int(object, "error/retryable"), 1);
    assert_int_equal(eep_json_int(object, "error/maybeApplied"), 0);
    assert_null(eep_json_text(object, "error/lease"));
    json_object_put(object);
}

static void texts_from_outside_cannot_move_the_cursor(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--set", "failAcquire=true"), 125);
    eep_says(&process, PROCESS_STDERR, "eep: acquire: too many folders?[2J (acquire_lease: mkdir)\n");
    eep_says(&process, PROCESS_STDERR, "the service asks to wait 1.5 s");
}

/* -- the plugin -------------------------------------------------------------------------------- */

static void a_missing_plugin_is_told(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &bare, "info", "--plugin", "/nowhere/x.so"), 125);
    eep_says(&process, PROCESS_STDERR, "there is no plugin at /nowhere/x.so");
    eep_says(&process, PROCESS_STDERR, "EEP_PLUGIN");
    assert_int_equal(
        EEP_RUN(&process, &bare, "exec", "L", "--plugin", "/nowhere/x.so", "--status-fd=3", "-c", "x"), 125);
    json_object *object = eep_json(&process, PROCESS_STATUS);
    assert_string_equal(eep_json_text(object, "error/name"), "NOT_FOUND");
    assert_int_equal(eep_json_int(object, "exit"), 125);
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &bare, "info", "--plugin", write_file("text.so", "text")), 125);
    eep_says(&process, PROCESS_STDERR, "is not a shared object");
}

static void info_describes_the_plugin(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "info"), 0);
    eep_says(&process, PROCESS_STDOUT, "id          fake\n");
    eep_says(&process, PROCESS_STDOUT, "abi         1.0");
    assert_int_equal(EEP_RUN(&process, &fake, "info", "--json"), 0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "id"), "fake");
    assert_int_equal(eep_json_int(object, "abiMinor"), 0);
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &fake, "info", "--schema"), 0);
    object = json_tokener_parse(process_text(&process, PROCESS_STDOUT));
    assert_string_equal(eep_json_text(object, "type"), "object");
    json_object_put(object);
}

/* -- configuration ----------------------------------------------------------------------------- */

static void validate_tells_all(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--set", "typo=1"), 0);
    eep_says(&process, PROCESS_STDOUT, "warning  /typo: nobody knows this key");
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--set", "typo=1", "--strict"), 1);
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--no-trust-env"), 1);
    eep_says(&process, PROCESS_STDOUT, "error    /dir: the folder");
    eep_says(&process, PROCESS_STDOUT, "not valid: 1 error.");
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--no-trust-env", "--json"), 1);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "valid"), 0);
    assert_int_equal(eep_json_int(object, "errors"), 1);
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--show"), 0);
    eep_says(&process, PROCESS_STDOUT, folder);
}

static void configuration_comes_from_file_stdin_and_variable(void **state)
{
    (void)state;
    const char *path = write_file("config.json", "{\"dir\": \"/from/file\"}");
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--no-trust-env", "--show", "--config", path), 0);
    eep_says(&process, PROCESS_STDOUT, "/from/file");
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--no-trust-env", "--show", "--config", path,
                             "--set", "dir=/from/set"),
                     0);
    eep_says(&process, PROCESS_STDOUT, "/from/set");

    struct eep_setup with_input = {.env = fake_env, .input = "{\"dir\": \"/from/stdin\"}", .input_len = 22};
    assert_int_equal(EEP_RUN(&process, &with_input, "validate", "--no-trust-env", "--show", "--config", "-"),
                     0);
    eep_says(&process, PROCESS_STDOUT, "/from/stdin");

    const char *inline_env[] = {fake_variable, "EEP_CONFIG={\"dir\": \"/from/variable\"}", NULL};
    struct eep_setup with_variable = {.env = inline_env};
    assert_int_equal(EEP_RUN(&process, &with_variable, "validate", "--show"), 0);
    eep_says(&process, PROCESS_STDOUT, "/from/variable");

    char file_variable[256];
    snprintf(file_variable, sizeof(file_variable), "EEP_CONFIG=%s", path);
    const char *file_env[] = {fake_variable, file_variable, NULL};
    struct eep_setup with_file = {.env = file_env};
    assert_int_equal(EEP_RUN(&process, &with_file, "validate", "--show"), 0);
    eep_says(&process, PROCESS_STDOUT, "/from/file");
}

static void a_bad_configuration_is_told(void **state)
{
    (void)state;
    const char *path = write_file("bad.json", "{\"dir\": ");
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--config", path), 1);
    eep_says(&process, PROCESS_STDOUT, "this is no JSON object");
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--config", path), 125);
    eep_says(&process, PROCESS_STDERR, "eep validate shows everything");
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--config", path, "--set", "a=1"), 125);
    eep_says(&process, PROCESS_STDERR, "--set needs a configuration that is a JSON object");
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--config", "/nowhere"), 125);
    eep_says(&process, PROCESS_STDERR, "cannot open /nowhere");
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--set", "novalue"), 2);
    eep_says(&process, PROCESS_STDERR, "write KEY=VALUE");
}

static void secrets_stay_off_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--set", "apiKey=tell-tale"), 2);
    eep_says(&process, PROCESS_STDERR, "other users of this machine can read a command line");
    assert_null(strstr(process_text(&process, PROCESS_STDERR), "tell-tale"));
    char setting[160];
    snprintf(setting, sizeof(setting), "apiKey=@%s", write_file("key", "tell-tale\n"));
    assert_int_equal(EEP_RUN(&process, &fake, "validate", "--json", "--set", setting), 0);
    eep_says(&process, PROCESS_STDOUT, "\"secrets\":[\"/apiKey\"]");
    assert_null(strstr(process_text(&process, PROCESS_STDOUT), "tell-tale"));
}

/* -- probing ----------------------------------------------------------------------------------- */

static void probe_and_health_say_no_with_1(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "probe", "--depth=quota"), 0);
    eep_says(&process, PROCESS_STDOUT, "unknown  quota");
    assert_int_equal(EEP_RUN(&process, &fake, "probe", "--set", "failProbe=true"), 1);
    eep_says(&process, PROCESS_STDOUT, "FAILED   folder");
    eep_says(&process, PROCESS_STDOUT, "1 of 3 checks failed.");
    assert_int_equal(EEP_RUN(&process, &fake, "health"), 0);
    eep_says(&process, PROCESS_STDOUT, "healthy: /tmp/");
    assert_int_equal(EEP_RUN(&process, &fake, "health", "--set", "failProbe=true"), 1);
    eep_says(&process, PROCESS_STDOUT, "unhealthy: ");
    eep_says(&process, PROCESS_STDOUT, "folder: cannot be reached\n");
    assert_int_equal(EEP_RUN(&process, &fake, "health", "--set", "failProbe=true", "--json"), 1);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "healthy"), 0);
    assert_int_equal(eep_json_int(object, "failed"), 1);
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &fake, "health", "--no-trust-env"), 125);
}

static void a_plugin_without_the_extension_says_so(void **state)
{
    (void)state;
    static const char *const lines[][6] = {
        {"list"}, {"reap", "--older-than", "1h"}, {"keepalive", "L", "--for", "1h"}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(eep_run(&process, &fake, lines[i]), 125);
        eep_says(&process, PROCESS_STDERR, "the plugin fake cannot look after leases");
    }
}

/* -- what people see --------------------------------------------------------------------------- */

static void progress_is_shown_for_what_takes_long(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--set", "acquireDelayMs=2000"), 0);
    eep_says(&process, PROCESS_STDERR, "eep: acquiring a sandbox ...\n");
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--set", "acquireDelayMs=2000", "--quiet"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
    for (int tries = 0;; tries++) { /* what takes long for once is shown, too */
        assert_int_equal(EEP_RUN(&process, &fake, "acquire"), 0);
        if (!strstr(process_text(&process, PROCESS_STDERR), "acquiring")) break;
        assert_true(tries < 20);
    }
    assert_null(strchr(process_text(&process, PROCESS_STDERR), '\033'));
}

static void the_log_is_shown_when_asked_for(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "acquire", "--verbose"), 0);
    eep_says(&process, PROCESS_STDERR, "eep: [debug] fake: opened\n");
}

static void interrupting_acquire_ends_with_130(void **state)
{
    (void)state;
    EEP_START(&process, &fake, "acquire", "--set", "acquireDelayMs=15000");
    process_expect(&process, PROCESS_STDERR, "acquiring a sandbox");
    process_signal(&process, SIGINT);
    assert_int_equal(process_finish(&process), 130);
    eep_says(&process, PROCESS_STDERR, "eep: stopping and cleaning up, at most 10 s");
    eep_says(&process, PROCESS_STDERR, "eep: acquire: cancelled");
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
}

/* "sh -c" opens /dev/full: every write to it fails with ENOSPC. */
static void output_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    static const char *const lines[] = {"info",  "info --json",   "validate --json",
                                        "probe", "health --json", "--help"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char *program = process_build_path("eep");
        char script[4400];
        snprintf(script, sizeof(script), "'%s' %s > /dev/full", program, lines[i]);
        free(program);
        char *argv[] = {(char *)"/bin/sh", (char *)"-c", script, NULL};
        process_free(&process);
        process_start(&process, &(struct process_setup){.argv = argv, .env = fake_env});
        if (process_finish(&process) != 125) fail_msg("%s: %d", lines[i], process.exit_code);
        eep_says(&process, PROCESS_STDERR, "cannot write to standard output");
    }
}

static void run_tells_of_a_sandbox_that_it_could_not_destroy(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &fake, "run", "--set", "failRelease=true", "-c", "echo done"), 125);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "done\n");
    eep_says(&process, PROCESS_STDERR, "eep: run: not today (release)");
    eep_says(&process, PROCESS_STDERR, "may still exist: eep release fake-");

    assert_int_equal(EEP_RUN(&process, &fake, "run", "--set", "failRelease=true", "-c", "exit 9"), 9);
    eep_says(&process, PROCESS_STDERR, "may still exist: eep release fake-");

    assert_int_equal(
        EEP_RUN(&process, &fake, "run", "--set", "failRelease=true", "--json", "-c", "echo done"), 125);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "UNAVAILABLE");
    assert_int_equal(eep_json_int(object, "error/maybeApplied"), 1);
    assert_string_equal(eep_json_text(object, "partial/stdout"), "done\n");
    json_object_put(object);

    assert_int_equal(
        EEP_RUN(&process, &fake, "run", "--set", "failRelease=true", "--cwd=/nowhere", "-c", "x"), 125);
    eep_says(&process, PROCESS_STDERR, "the sandbox is not destroyed: not today");
    eep_says(&process, PROCESS_STDERR, "eep: run: there is no folder /nowhere");
    eep_says(&process, PROCESS_STDERR, "may still exist: eep release fake-");
}

/* -- running ----------------------------------------------------------------------------------- */

static int prepare(void **state)
{
    (void)state;
    char *plugin = process_build_path("tests/cli/fake/plugin.so");
    if (!mkdtemp(folder)) return -1;
    snprintf(fake_variable, sizeof(fake_variable), "EEP_PLUGIN=%s", plugin);
    snprintf(dir_variable, sizeof(dir_variable), "FAKE_DIR=%s", folder);
    fake_env[0] = fake_variable;
    fake_env[1] = dir_variable;
    free(plugin);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    process_free(&process);
    char *argv[] = {(char *)"/bin/rm", (char *)"-rf", folder, NULL};
    process_start(&process, &(struct process_setup){.argv = argv});
    process_finish(&process);
    process_free(&process);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_verb),
        cmocka_unit_test(every_verb_has_help),
        cmocka_unit_test(no_verb_and_a_wrong_one),
        cmocka_unit_test(a_wrong_command_line_is_told),
        cmocka_unit_test(json_errors_are_json),
        cmocka_unit_test(texts_from_outside_cannot_move_the_cursor),
        cmocka_unit_test(a_missing_plugin_is_told),
        cmocka_unit_test(info_describes_the_plugin),
        cmocka_unit_test(validate_tells_all),
        cmocka_unit_test(configuration_comes_from_file_stdin_and_variable),
        cmocka_unit_test(a_bad_configuration_is_told),
        cmocka_unit_test(secrets_stay_off_the_command_line),
        cmocka_unit_test(probe_and_health_say_no_with_1),
        cmocka_unit_test(a_plugin_without_the_extension_says_so),
        cmocka_unit_test(progress_is_shown_for_what_takes_long),
        cmocka_unit_test(the_log_is_shown_when_asked_for),
        cmocka_unit_test(interrupting_acquire_ends_with_130),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(run_tells_of_a_sandbox_that_it_could_not_destroy),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
