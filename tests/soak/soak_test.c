/* soak_test.c: thousands of operations of several hosts against a service at its worst; afterwards the service's own books
 * and those of the hosts must agree.
 *
 *   SOAK_SECONDS   how long the storm lasts (default 12)
 *   SOAK_SEED      what happens in it (default 1; threads and processes still race as they like)
 *   SOAK_LOG       where to keep the server's log of a run that failed
 *   SOAK_MARGIN_MS what is allowed beyond deadline + grace + 100 ms, for the machine's sake (default 5000)
 *
 * Then, from /_standin/sandboxes and the files on the server's disk:
 *   one sandbox for a key at most; every sandbox is known to a host, or its acquire said that it may have been left and
 *   it ends by itself, or it is of the host that was killed and bears its owner's name; what a release has confirmed is
 *   gone; a command that ended well has left its mark once, any other once at most; no call came back late; no host has
 *   grown. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "journal.h"
#include "storm.h"
#include "tests/integration/host.h"
#include "tests/integration/process.h"
#include "tests/integration/testing.h"

enum { CREWS = 2, THREADS = 8, MAX_FACTS = 200000, MAX_LEASES = 4096, PATH_LEN = 512 };

static long number_from(const char *name, long otherwise)
{
    const char *text_value = getenv(name);
    return text_value != NULL ? atol(text_value) : otherwise;
}

/* -- What the hosts wrote ---------------------------------------------------------------------- */

struct ran {
    char lease[64];
    char id[EEP_EXECUTION_ID_MAX + 1];
    bool sure;
};

struct books {
    char (*told)[64];
    size_t told_count;
    char (*destroyed)[64];
    size_t destroyed_count;
    struct ran *ran;
    size_t ran_count;
    long calls;
    long well;
    long unnamed;
    long latest_ms;
    char latest[32];
    long margin_ms;
    int failures;
};

static void blame(struct books *books, const char *what, const char *whom)
{
    if (books->failures++ < 20) print_error("error: %s: %s\n", what, whom);
}

static void take_late(struct books *books, const char *line)
{
    char what[32];
    long ms;
    if (sscanf(line, "%31s %ld", what, &ms) != 2 || ms <= books->latest_ms) return;
    books->latest_ms = ms;
    snprintf(books->latest, sizeof books->latest, "%s", what);
    if (ms > 100 + books->margin_ms) blame(books, "later than its deadline and grace", line);
}

static void take_line(void *ctx, const char *line)
{
    struct books *books = ctx;
    int sure, code;
    struct ran ran;
    char what[32];
    if (strcmp(line, "unnamed") == 0) books->unnamed++;
    if (strncmp(line, "told ", 5) == 0 && books->told_count < MAX_FACTS)
        snprintf(books->told[books->told_count++], 64, "%s", line + 5);
    if (strncmp(line, "destroyed ", 10) == 0 && books->destroyed_count < MAX_FACTS)
        snprintf(books->destroyed[books->destroyed_count++], 64, "%s", line + 10);
    if (sscanf(line, "ran %63s %64s %d", ran.lease, ran.id, &sure) == 3 && books->ran_count < MAX_FACTS) {
        ran.sure = sure != 0;
        books->ran[books->ran_count++] = ran;
    }
    if (sscanf(line, "call %31s %d", what, &code) == 2) books->calls++, books->well += code == EEP_OK;
    if (strncmp(line, "late ", 5) == 0) take_late(books, line + 5);
    if (strncmp(line, "wrong ", 6) == 0) blame(books, "must never be", line + 6);
    if (strncmp(line, "grown ", 6) == 0) blame(books, "a host has grown", line + 6);
}

static bool holds(char (*list)[64], size_t count, const char *text_value)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text_value) == 0) return true;
    return false;
}

/* -- What the service knows -------------------------------------------------------------------- */

static const char *text_of(json_object *object, const char *key)
{
    const char *value = json_object_get_string(json_object_object_get(object, key));
    return value != NULL ? value : "";
}

static const char *label_of(json_object *sandbox, const char *key)
{
    return text_of(json_object_object_get(sandbox, "labels"), key);
}

static void check_keys(struct books *books, json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *one = json_object_array_get_idx(list, i);
        for (size_t j = 0; j < i && *label_of(one, "eep.key") != '\0'; j++) {
            json_object *other = json_object_array_get_idx(list, j);
            if (strcmp(label_of(one, "eep.key"), label_of(other, "eep.key")) == 0 &&
                strcmp(label_of(one, "eep.owner"), label_of(other, "eep.owner")) == 0)
                blame(books, "two sandboxes for one key", label_of(one, "eep.key"));
        }
    }
}

static bool ends_by_itself(json_object *sandbox)
{
    return json_object_get_int(json_object_object_get(sandbox, "autoStopInterval")) > 0 &&
           json_object_get_int(json_object_object_get(sandbox, "autoDeleteInterval")) >= 0;
}

/* The host that is killed has owners of its own; it cannot write down what it was about to be told. */
static void check_known(struct books *books, json_object *list, long *unknown, long *orphans)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *sandbox = json_object_array_get_idx(list, i);
        const char *id = text_of(sandbox, "id"), *owner = label_of(sandbox, "eep.owner");
        bool told = holds(books->told, books->told_count, id) ||
                    holds(books->told, books->told_count, text_of(sandbox, "name"));
        if (*owner == '\0') blame(books, "a sandbox of nobody", id);
        if (holds(books->destroyed, books->destroyed_count, id)) blame(books, "confirmed to be gone", id);
        if (told) continue;
        if (strncmp(owner, "victim", 6) == 0) {
            ++*orphans;
            continue;
        }
        ++*unknown;
        print_message("unknown: %s %s, key \"%s\", %s\n", id, text_of(sandbox, "name"),
                      label_of(sandbox, "eep.key"), text_of(sandbox, "state"));
        if (*label_of(sandbox, "eep.key") == '\0' && !ends_by_itself(sandbox))
            blame(books, "unknown to all hosts, and it does not end by itself", id);
    }
    if (*unknown > books->unnamed) blame(books, "more unknown sandboxes than acquires that admit one", "");
}

/* How often the line stands in the file. */
static int count_lines(const char *content, const char *line)
{
    int count = 0;
    size_t len = strlen(line);
    for (const char *at = content; (at = strstr(at, line)) != NULL; at += len)
        count += (at == content || at[-1] == '\n') && at[len] == '\n';
    return count;
}

static char *read_ledger(const char *root, const char *id)
{
    char path[PATH_LEN];
    snprintf(path, sizeof path, "%s/%s/home/ledger", root, id);
    FILE *file = fopen(path, "re");
    size_t cap = 1 << 20;
    char *content = calloc(1, cap);
    if (file != NULL && fread(content, 1, cap - 1, file) == cap - 1) fail_msg("%s is too long", path);
    if (file != NULL) fclose(file);
    return content;
}

static void check_marks(struct books *books, const char *root, const char *id, long *checked)
{
    char *ledger = read_ledger(root, id);
    for (size_t i = 0; i < books->ran_count; i++) {
        const struct ran *ran = &books->ran[i];
        if (strcmp(ran->lease, id) != 0) continue;
        int count = count_lines(ledger, ran->id);
        ++*checked;
        if (count > 1) blame(books, "a command ran twice", ran->id);
        if (count == 0 && ran->sure) blame(books, "a command ended well and did nothing", ran->id);
    }
    free(ledger);
}

/* The server's own directory below the one it was given. */
static void find_root(const char *directory, char root[PATH_LEN])
{
    DIR *entries = opendir(directory);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strncmp(entry->d_name, "daytona-standin.", 16) == 0)
            snprintf(root, PATH_LEN, "%s/%s", directory, entry->d_name);
    closedir(entries);
}

/* For whoever looks for the reason. */
static void keep_log(const struct standin *standin, const char *path)
{
    json_object *log = standin_control(standin, "GET", "/_standin/log", "");
    json_object_to_file_ext(path, log, JSON_C_TO_STRING_NOSLASHESCAPE);
    json_object_put(log);
}

static void check_books(const struct standin *standin, const char *directory, long margin_ms)
{
    struct books books = {.told = calloc(MAX_FACTS, 64),
                          .destroyed = calloc(MAX_FACTS, 64),
                          .ran = calloc(MAX_FACTS, sizeof(struct ran)),
                          .margin_ms = margin_ms};
    long unknown = 0, orphans = 0, checked = 0;
    char root[PATH_LEN] = "";
    find_root(directory, root);
    journal_read_all(directory, take_line, &books);
    json_object *all = standin_control(standin, "GET", "/_standin/sandboxes", "");
    json_object *list = json_object_object_get(all, "sandboxes");
    check_keys(&books, list);
    check_known(&books, list, &unknown, &orphans);
    for (size_t i = 0; i < json_object_array_length(list); i++)
        check_marks(&books, root, text_of(json_object_array_get_idx(list, i), "id"), &checked);
    print_message("%ld calls, %ld well; %zu commands, %ld of them in the %zu sandboxes that are left; "
                  "unknown %ld of %ld admitted, of the killed host %ld; latest by %ld ms (%s)\n",
                  books.calls, books.well, books.ran_count, checked, json_object_array_length(list), unknown,
                  books.unnamed, orphans, books.latest_ms, books.latest);
    json_object_put(all);
    free(books.told);
    free(books.destroyed);
    free(books.ran);
    if (books.failures > 0 && getenv("SOAK_LOG") != NULL) keep_log(standin, getenv("SOAK_LOG"));
    if (books.calls < 100) fail_msg("only %ld calls", books.calls);
    if (checked < 10) fail_msg("only %ld commands could be checked", checked);
    if (books.failures > 0) fail_msg("%d failures", books.failures);
}

/* -- The run ----------------------------------------------------------------------------------- */

struct fleet {
    const struct standin *standin;
    const char *directory;
    long seed;
    long milliseconds;
    pid_t crews[CREWS];
    pid_t victim;
    int victims;
};

static pid_t launch(const struct fleet *fleet, const char *role, int number, long milliseconds)
{
    char name[32], journal[PATH_LEN], seed[32], time[32];
    snprintf(name, sizeof name, "%s%d", role, number);
    snprintf(journal, sizeof journal, "%s/journal-%s", fleet->directory, name);
    snprintf(seed, sizeof seed, "%ld", fleet->seed * 1000 + number);
    snprintf(time, sizeof time, "%ld", milliseconds);
    return process_start_self(
        (const char *const[]){"host", fleet->standin->api, journal, name, role, seed, time, NULL});
}

static void replace_victim(struct fleet *fleet, long left_ms)
{
    if (fleet->victim > 0) {
        kill(fleet->victim, SIGKILL);
        waitpid(fleet->victim, NULL, 0);
    }
    fleet->victim = left_ms > 0 ? launch(fleet, "victim", fleet->victims++, left_ms + LIMIT_MS) : 0;
}

static void pause_ms(long milliseconds)
{
    for (long until = now_ms() + milliseconds; now_ms() < until;)
        nap();
}

static void let_it_rage(struct fleet *fleet)
{
    struct dice dice = dice_of((uint64_t)fleet->seed, 0);
    long end = now_ms() + fleet->milliseconds;
    for (int i = 0; i < CREWS; i++)
        fleet->crews[i] = launch(fleet, "crew", i, fleet->milliseconds);
    while (now_ms() < end) {
        storm_turn(fleet->standin, &dice);
        if (dice_percent(&dice, 20)) replace_victim(fleet, end - now_ms());
        pause_ms(50 + dice_throw(&dice, 400));
    }
    replace_victim(fleet, 0);
    for (int i = 0; i < CREWS; i++)
        if (process_await(fleet->crews[i]) != 0) fail_msg("crew %d did not end well", i);
}

static void a_storm_leaves_the_books_in_order(void **state)
{
    (void)state;
    struct standin standin;
    char directory[] = "/tmp/eep-soak.XXXXXX", command[64];
    struct fleet fleet = {.standin = &standin,
                          .directory = directory,
                          .seed = number_from("SOAK_SEED", 1),
                          .milliseconds = number_from("SOAK_SECONDS", 12) * 1000};
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0); /* sandboxes of root's run as other users */
    print_message("SOAK_SEED=%ld SOAK_SECONDS=%ld\n", fleet.seed, fleet.milliseconds / 1000);
    standin_start(&standin, (const char *const[]){"--dir", directory, "--create-ms", "5", "--start-ms", "5",
                                                  "--stop-ms", "5", "--delete-ms", "5", NULL});
    let_it_rage(&fleet);
    storm_end(&standin);
    check_books(&standin, directory, number_from("SOAK_MARGIN_MS", 5000));
    standin_stop(&standin);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

static int be_host(char **argv)
{
    struct crew_orders orders = {.api = argv[2],
                                 .journal = argv[3],
                                 .name = argv[4],
                                 .fleet = argv[5],
                                 .seed = (uint64_t)atol(argv[6]),
                                 .threads = THREADS,
                                 .milliseconds = atol(argv[7])};
    crew_run(&orders);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "host") == 0) return be_host(argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_storm_leaves_the_books_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
