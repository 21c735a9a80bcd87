/* A property: whatever a command does, whoever asks for it through whichever runner and shell, and whatever breaks
 * meanwhile, its bytes, its end and its side effects are those of a run on this machine, and it runs at most once.
 *
 * Commands and faults are made from a seed, which is printed; EEP_PROPERTY_SEED repeats a run, EEP_PROPERTY_MS makes it
 * longer (the number of a case belongs to the seed, not to the time). */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/local_run.h"

#define USUAL_MS 20000

/* -- Chance ------------------------------------------------------------------------------------ */

static uint64_t state_of_chance;

/* splitmix64 */
static uint64_t chance(uint64_t below)
{
    uint64_t z = state_of_chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

static bool once_in(uint64_t n)
{
    return chance(n) == 0;
}

/* -- Commands ---------------------------------------------------------------------------------- */

#define DATA_MAX 70000

struct example {
    struct buf script;
    char variable[300]; /* V=…: any bytes but NUL */
    char data[DATA_MAX];
    size_t data_len;
    bool has_data;
    bool merged;
    bool news;
    bool kills_itself;
};

static void put(struct example *example, const char *text)
{
    assert_int_equal(buf_append_cstr(&example->script, text), EEP_OK);
}

#define PUT(example, ...) assert_int_equal(buf_appendf(&(example)->script, __VA_ARGS__), EEP_OK)

/* Any bytes, to one of the streams. */
static void put_bytes(struct example *example)
{
    put(example, "printf '");
    for (uint64_t n = 1 + chance(40); n > 0; n--) {
        unsigned byte = (unsigned)chance(256);
        PUT(example, "\\%03o", byte == '%' ? 0 : byte); /* shells differ about an escaped % */
    }
    put(example, once_in(3) && !example->merged ? "' >&2\n" : "'\n");
}

static void put_piece(struct example *example)
{
    switch (chance(12)) {
    case 0: put(example, "printf '%s' \"$V\"\n"); break;
    case 1: put(example, "cat\n"); break;
    case 2:
        PUT(example, "dd bs=1 count=%u 2>/dev/null\n", (unsigned)chance(300));
        break; /* head may take more */
    case 3: PUT(example, "sleep 0.0%u\n", (unsigned)chance(4)); break;
    case 4:
        PUT(example, "(printf 'in %%s\\n' \"$#\"; exit %u) || printf '%%s\\n' $?\n", (unsigned)chance(200));
        break;
    case 5: PUT(example, "head -c %u /dev/zero | tr '\\000' 'z'\n", (unsigned)chance(200000)); break;
    case 6: put(example, "{ printf bg; } & wait\n"); break;
    case 7: put(example, "for i in 1 2 3; do printf '%s ' $i; printf e$i >&2; done\n"); break;
    case 8: put(example, "echo again >/dev/stderr; echo and >/dev/stdout\n"); break;
    case 9: put(example, "setsid sh -c 'printf away; exit 3' || printf $?\n"); break;
    default: put_bytes(example);
    }
}

static void put_end(struct example *example)
{
    static const char *const signals[] = {"KILL", "TERM", "HUP", "INT", "PIPE", "USR1"};
    switch (chance(5)) {
    case 0: PUT(example, "exit %u\n", (unsigned)chance(256)); break;
    case 1:
        example->kills_itself = true;
        PUT(example, "kill -%s $$; sleep 1\n", signals[chance(6)]);
        break;
    case 2: put(example, "exec printf end\n"); break;
    default: break;
    }
}

static void example_make(struct example *example)
{
    *example = (struct example){.script = BUF_INIT(1 << 20), .merged = once_in(5), .news = once_in(3)};
    size_t len = (size_t)snprintf(example->variable, sizeof example->variable, "V=");
    for (uint64_t n = chance(200); n > 0; n--)
        example->variable[len++] = (char)(1 + chance(255));
    example->has_data = !once_in(3);
    example->data_len = once_in(4) ? chance(DATA_MAX) : chance(500);
    for (size_t i = 0; i < example->data_len; i++)
        example->data[i] = (char)chance(256);
    put(example, "echo x >>ran\n");
    for (uint64_t n = chance(7); n > 0; n--)
        put_piece(example);
    put_end(example);
}

/* -- What must be true ------------------------------------------------------------------------- */

static struct world worlds[4];
static struct world *world;
static unsigned number;
static char id[32];
static char folder[400];
static struct local_run expected;

static void any_runner(void)
{
    world_use(world, world->native[0] && once_in(2) ? RUNNER_NATIVE : RUNNER_SH);
}

static int times_run(void)
{
    char path[500];
    snprintf(path, sizeof path, "%s/ran", folder);
    return (int)strlen(world_read(path)) / 2;
}

static void expect_bytes(const struct buf *is, const struct local_stream *local, uint64_t from)
{
    assert_true(from <= local->len);
    assert_bytes(is, local->data ? local->data + from : "", local->len - (size_t)from);
}

/* sh cannot tell INT and PIPE from exit codes. */
static void expect_end(const struct runner_answer *answer)
{
    if (answer->term_signal != -1) {
        assert_int_equal(answer->exit_code, expected.exit_code);
        assert_int_equal(answer->term_signal, expected.term_signal);
    } else {
        int code = expected.term_signal ? 128 + expected.term_signal : expected.exit_code;
        assert_int_equal(answer->exit_code, code);
        assert_true(code == 130 || code == 141);
    }
    assert_int_equal(answer->kill_signal, 0);
    assert_false(answer->held || answer->output_lost);
}

static void expect_whole(const struct runner_answer *answer, uint64_t out_from, uint64_t err_from)
{
    assert_int_equal(answer->state, RUNNER_DONE);
    expect_end(answer);
    expect_bytes(&answer->out.data, &expected.out, out_from);
    expect_bytes(&answer->err.data, &expected.err, err_from);
    assert_int_equal(times_run(), 1);
}

/* What has not ended yet has written a beginning. */
static void expect_beginning(const struct runner_answer *answer)
{
    if (answer->out.data.len > expected.out.len || answer->err.data.len > expected.err.len)
        fail_msg("more than there is: %s / %s", buf_cstr(&answer->out.data), buf_cstr(&answer->err.data));
    if (answer->out.data.len)
        assert_memory_equal(answer->out.data.data, expected.out.data, answer->out.data.len);
    if (answer->err.data.len)
        assert_memory_equal(answer->err.data.data, expected.err.data, answer->err.data.len);
    assert_true(times_run() <= 1);
}

/* Where a kill meets a pipeline or a shell that has not opened its script yet, there is no telling what it says; nor is what
 * its parts have left without a supervisor. */
static void expect_cut(const struct runner_answer *answer)
{
    bool ended_by_itself = answer->state == RUNNER_DONE && !answer->cancelled && !answer->kill_signal;
    if (ended_by_itself) expect_beginning(answer);
    assert_true(times_run() <= 1);
}

static void attach_until_end(uint64_t out_from, uint64_t err_from)
{
    struct runner_answer answer;
    struct runner_wait wait = {
        .window_ms = 2000, .offset_out = out_from, .offset_err = err_from, .inline_bytes = 1 << 20};
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS;; runner_answer_finish(&answer)) {
        any_runner();
        world_attach(world, id, &wait, &answer);
        if (answer.state != RUNNER_RUNNING) break;
        assert_true(clock_now_ms() < end);
    }
    expect_whole(&answer, out_from, err_from);
    runner_answer_finish(&answer);
}

/* -- Faults ------------------------------------------------------------------------------------ */

/* News end a start early: the rest comes by attaching from where it was. */
static void finish(struct runner_answer *answer)
{
    if (answer->state != RUNNER_RUNNING) {
        expect_whole(answer, 0, 0);
    } else {
        expect_beginning(answer);
        attach_until_end(answer->out.data.len, answer->err.data.len);
    }
    runner_answer_finish(answer);
}

static void nothing_breaks(struct runner_start *start)
{
    struct runner_answer answer;
    assert_true(world_start(world, start, &answer));
    finish(&answer);
}

static void repeated(struct runner_start *start)
{
    nothing_breaks(start);
    any_runner();
    struct runner_answer answer;
    assert_true(world_start(world, start, &answer));
    assert_true(answer.attached);
    finish(&answer);
    if (expected.out.len > 0) attach_until_end(chance(expected.out.len), expected.err.len);
}

/* The service kills the requester at its window, which may be before it has begun. */
static void requester_is_killed(struct runner_start *start)
{
    struct runner_answer answer;
    int usual = world->window_ms;
    world->window_ms = (int)chance(25);
    bool in_time = world_start(world, start, &answer);
    world->window_ms = usual;
    if (in_time) {
        finish(&answer);
        return;
    }
    runner_answer_finish(&answer);
    any_runner();
    assert_true(world_start(world, start, &answer)); /* the host does so when there is no such id yet */
    finish(&answer);
}

static void two_at_once(struct runner_start *start)
{
    struct pending pending[2];
    struct runner_answer answers[2];
    for (int i = 0; i < 2; i++) {
        any_runner();
        world_begin(world, start, &pending[i]);
    }
    world_feed(&pending[0]);
    world_feed(&pending[1]);
    for (int i = 0; i < 2; i++)
        assert_true(world_end(world, &pending[i], &answers[i]));
    assert_true(answers[0].attached != answers[1].attached);
    for (int i = 0; i < 2; i++)
        finish(&answers[i]);
}

static void nap(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* 0 = it has made no marker (yet). */
static int supervisor(void)
{
    char path[500];
    int pid = 0;
    snprintf(path, sizeof path, "%s/%s.p", world->records, id);
    return sscanf(world_read(path), "EEP1 %*s %d", &pid) == 1 ? pid : 0;
}

static void await_end(struct runner_answer *answer)
{
    const struct runner_wait wait = {.window_ms = 1000, .inline_bytes = 1 << 20};
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; answer->state == RUNNER_RUNNING;) {
        assert_true(clock_now_ms() < end);
        runner_answer_finish(answer);
        world_attach(world, id, &wait, answer);
    }
}

/* Nobody runs it again, and nobody claims to know how it ended. */
static void supervisor_is_killed(struct runner_start *start)
{
    struct pending pending;
    struct runner_answer answer;
    world_begin(world, start, &pending);
    world_feed(&pending);
    nap((unsigned)chance(25));
    int pid = supervisor();
    if (pid > 0) kill(pid, SIGKILL);
    assert_true(world_end(world, &pending, &answer));
    await_end(&answer); /* news came before the end, or before it was killed */
    assert_true(answer.state == RUNNER_DONE || answer.state == RUNNER_LOST || answer.state == RUNNER_NEVER ||
                (answer.state == RUNNER_REFUSED && answer.refusal == RUNNER_REFUSAL_DIED));
    expect_cut(&answer);
    enum runner_state before = answer.state;
    runner_answer_finish(&answer);
    if (before == RUNNER_NEVER) {
        nap(50);
        assert_int_equal(times_run(), 0);
    }
    any_runner();
    world_kill(world, id, &(struct runner_ladder){.kill_ms = 2000}, &answer);
    runner_answer_finish(&answer);
    any_runner();
    assert_true(world_start(world, start, &answer));
    /* Its child may have been about to begin, and has not. */
    if (before == RUNNER_LOST) assert_int_equal(answer.state, RUNNER_LOST);
    if (before == RUNNER_NEVER) assert_true(answer.state == RUNNER_NEVER || answer.state == RUNNER_LOST);
    expect_cut(&answer);
    runner_answer_finish(&answer);
}

static void somebody_kills_it(struct runner_start *start)
{
    struct pending pending;
    struct runner_answer answer;
    struct runner_answer killed;
    world_begin(world, start, &pending);
    world_feed(&pending);
    nap((unsigned)chance(25));
    any_runner();
    world_kill(world, id, &(struct runner_ladder){.term_ms = 1000, .kill_ms = 2000}, &killed);
    assert_true(world_end(world, &pending, &answer));
    await_end(&killed);
    if (killed.state != RUNNER_DONE && killed.state != RUNNER_NEVER) fail_msg("state %d", (int)killed.state);
    assert_false(killed.unconfirmed);
    expect_cut(&killed);
    if (killed.state == RUNNER_NEVER) assert_int_equal(times_run(), 0);
    runner_answer_finish(&killed);
    runner_answer_finish(&answer);
    any_runner();
    assert_true(world_start(world, start, &answer));
    assert_true(answer.state == RUNNER_DONE || answer.state == RUNNER_NEVER);
    if (answer.state == RUNNER_DONE && !answer.cancelled) expect_whole(&answer, 0, 0);
    runner_answer_finish(&answer);
}

/* -- One case ---------------------------------------------------------------------------------- */

static void make_folder(const char *name)
{
    snprintf(folder, sizeof folder, "%s/%s-%u", world->home, name, number);
    assert_int_equal(mkdir(folder, 0755), 0);
}

/* Here, in a folder of its own; then `folder` is the one for the sandbox. */
static void run_locally(struct example *example)
{
    make_folder("local");
    assert_true(local_run(&expected, folder, buf_cstr(&example->script), example->variable,
                          example->has_data ? example->data : NULL, example->data_len, example->merged));
    assert_int_equal(times_run(), 1);
    make_folder("sandbox");
    snprintf(id, sizeof id, "case-%u-%d", number, (int)getpid());
}

static uint64_t setting(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : usual;
}

static void try_case(uint64_t seed)
{
    static void (*const ways[])(struct runner_start * start) = {
        nothing_breaks, nothing_breaks,       repeated,          requester_is_killed, requester_is_killed,
        two_at_once,    supervisor_is_killed, somebody_kills_it,
    };
    static struct example example;
    state_of_chance = seed * 1000003 + number;
    world = &worlds[chance(4)];
    example_make(&example);
    run_locally(&example);
    any_runner();
    eep_pair env = {STR("V"), str_from(example.variable + 2)};
    struct runner_start start = world_script(id, NULL);
    start.wait.news = example.news;
    start.command = (struct runner_command){
        .script = buf_str(&example.script),
        .shell = STR("/bin/sh"), /* the same as here: shells tell jobs that were killed, or not */
        .cwd = str_from(folder),
        .env = &env,
        .env_count = 1,
        .stdin_data = {example.has_data ? example.data : NULL, example.has_data ? example.data_len : 0},
        .merge = example.merged,
    };
    size_t way = chance(sizeof ways / sizeof *ways);
    print_message("  case %u of EEP_PROPERTY_SEED=%llu: way %zu under %s, %s first\n", number,
                  (unsigned long long)seed, way, world->service.shell,
                  world_is_native(world) ? "native" : "sh");
    if (setting("EEP_PROPERTY_SHOW", 0)) print_message("%s\n", buf_cstr(&example.script));
    ways[way](&start);
    local_run_finish(&expected);
    buf_finish(&example.script);
}

static void test_property(void **state)
{
    (void)state;
    uint64_t seed = setting("EEP_PROPERTY_SEED", (uint64_t)time(NULL));
    int64_t end = clock_now_ms() + (int64_t)setting("EEP_PROPERTY_MS", USUAL_MS);
    for (number = 0; clock_now_ms() < end; number++) {
        try_case(seed);
    }
}

static int make_worlds(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        world_init(&worlds[i], world_shells[i], RUNNER_SH);
    if (!worlds[0].native[0]) print_message("SKIP: this build has no native runner for this CPU\n");
    return 0;
}

static int remove_worlds(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        world_finish(&worlds[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_property, make_worlds, remove_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
