/* Records: what is dropped, what is kept for how long, and how all of them are listed. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* -- Drop, retention ------------------------------------------------------------------------------------------- */

static void drop(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("drop", "echo x >>count; echo hi; exit 4");
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    world_drop(world, "drop", &answer);
    assert_int_equal(answer.state, RUNNER_EXPIRED);
    assert_int_equal(answer.exit_code, 4);
    assert_int_equal(answer.out.total, 3);
    runner_answer_finish(&answer);
    assert_false(world_has(world, "drop", "o") || world_has(world, "drop", "e"));
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_EXPIRED);
    assert_true(answer.attached);
    runner_answer_finish(&answer);
    assert_string_equal(world_read(world_path(world, "count")), "x\n");
}

static void test_drop(void **state)
{
    (void)state;
    for_each_shell(drop);
}

/* Makes the records of an execution older: "8 days". */
static void age(struct world *world, const char *id, const char *by)
{
    char command[800];
    snprintf(command, sizeof command, "touch -d '%s ago' %s/%s.*", by, world->records, world_own(id));
    assert_int_equal(system(command), 0);
}

static void await_no(struct world *world, const char *id, const char *suffix)
{
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; world_has(world, id, suffix);)
        assert_true(clock_now_ms() < end);
}

static void retention(struct world *world)
{
    struct runner_answer answer;
    static const char *const ids[] = {"fresh", "old", "ancient"};
    for (int i = 0; i < 3; i++) {
        struct runner_start start = world_script(ids[i], "echo hi");
        assert_true(world_start(world, &start, &answer));
        runner_answer_finish(&answer);
    }
    struct runner_start quiet = world_script("quiet", "echo hi; while [ ! -e go ]; do sleep 0.01; done");
    quiet.wait.news = true;
    assert_true(world_start(world, &quiet, &answer));
    runner_answer_finish(&answer);
    age(world, "old", "2 days");
    age(world, "quiet", "2 days");
    age(world, "ancient", "40 days");
    struct runner_start start = world_script("last", "true");
    start.clean = true;
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    await_no(world, "old", "o");
    await_no(world, "ancient", "p");
    assert_true(world_has(world, "old", "p"));
    assert_true(world_has(world, "fresh", "o"));
    assert_true(world_has(world, "quiet", "o")); /* it still runs */
    struct runner_wait wait = {.inline_bytes = 100};
    world_attach(world, "old", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_EXPIRED);
    runner_answer_finish(&answer);
    world_write(world_path(world, "go"), "");
    world_await(world, "quiet", RUNNER_DONE, &answer);
    runner_answer_finish(&answer);
}

static void test_retention(void **state)
{
    (void)state;
    for_each_shell(retention);
}

/* The cost of cleaning is that of what goes, not of all that is there. */
static void cheap_retention(struct world *world)
{
    struct runner_answer answer;
    char command[800];
    world_run(world, "true", &answer);
    runner_answer_finish(&answer);
    snprintf(command, sizeof command,
             "cd %s && i=0 && while [ $i -lt 400 ]; do : >many-$i.o; i=$((i+1)); done && "
             ": >cut.1 && touch -d '2 hours ago' cut.1",
             world->records);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "#!/bin/sh\necho x >>%s/finds\nexec /usr/bin/find \"$@\"\n",
             world->home);
    world_write(world_path(world, ".bin/find"), command);
    assert_int_equal(chmod(world_path(world, ".bin/find"), 0755), 0);
    struct runner_start start = world_script("cleans", "true");
    start.clean = true;
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    for (int64_t end = clock_now_ms() + 10000; access(world_path(world, ".eep/cut.1"), F_OK) == 0;)
        assert_true(clock_now_ms() < end); /* what it does last */
    assert_in_range(strlen(world_read(world_path(world, "finds"))), 1, 2 * 20);
}

static void test_cheap_retention(void **state)
{
    (void)state;
    for_shell("dash", cheap_retention);
}

/* -- List ------------------------------------------------------------------------------------------------------- */

#define SEEN_MAX 30

struct seen {
    int count;
    struct runner_listed items[SEEN_MAX];
};

static int see(void *ctx, const struct runner_listed *listed)
{
    struct seen *seen = ctx;
    seen->items[seen->count++] = *listed;
    return 0;
}

static void list_all(struct world *world, struct seen *seen)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct reply reply;
    struct runner_call call = world_call(world, NULL);
    assert_int_equal(runner_list(&text, &call, SEEN_MAX, &err), EEP_OK);
    world_send(world, &text, &reply);
    int status = runner_listed_parse((eep_str){reply.text, reply.len}, &call, SEEN_MAX, see, seen, &err);
    if (status != EEP_OK) fail_msg("%s\n%s", err.message, reply.text);
    reply_finish(&reply);
}

static void list(struct world *world)
{
    struct runner_answer answer;
    struct seen seen = {0};
    struct runner_start start = world_script("first", "echo hi; exit 2");
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    age(world, "first", "15 minutes");
    world_setenv(world, "QUOTING_STYLE=c"); /* of ls */
    start = world_script("second", "echo begun; while [ ! -e go ]; do sleep 0.01; done");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    list_all(world, &seen);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.items[0].id, world_own("second"));
    assert_int_equal(seen.items[0].state, RUNNER_RUNNING);
    assert_int_equal(seen.items[0].out_total, 6);
    assert_string_equal(seen.items[1].id, world_own("first"));
    assert_int_equal(seen.items[1].state, RUNNER_DONE);
    assert_int_equal(seen.items[1].exit_code, 2);
    assert_true(seen.items[1].started_at_ms > 1700000000000);
    world_write(world_path(world, "go"), "");
    world_await(world, "second", RUNNER_DONE, &answer);
    runner_answer_finish(&answer);
}

static void test_list(void **state)
{
    (void)state;
    for_each_shell(list);
}

/* Markers that were never finished (the machine died) are waited for once, in case that they are just being made. */
static void list_broken(struct world *world)
{
    struct runner_answer answer;
    struct seen seen = {0};
    char path[64];
    world_run(world, "true", &answer);
    runner_answer_finish(&answer);
    for (int i = 1; i < SEEN_MAX; i++) {
        snprintf(path, sizeof path, ".eep/broken-%d.p", i);
        world_write(world_path(world, path), "");
    }
    int64_t begin = clock_now_ms();
    list_all(world, &seen);
    assert_in_range(clock_now_ms() - begin, 0, 10000);
    assert_int_equal(seen.count, SEEN_MAX);
    assert_int_equal(seen.items[0].state, RUNNER_NEVER);
}

static void test_list_broken(void **state)
{
    (void)state;
    for_shell("dash", list_broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop),        cmocka_unit_test(test_retention),
        cmocka_unit_test(test_list),        cmocka_unit_test(test_cheap_retention),
        cmocka_unit_test(test_list_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
