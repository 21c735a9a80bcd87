/* Transfers are spread over lanes, the first ones are filled first, and one that rests goes. */
#include "http/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/canned_server.h"

enum { MANY = 2 * LANE_TRANSFERS + 1 };

struct world {
    int epoll_fd;
    struct lanes lanes;
    CURL *easy[MANY];
    struct lane_place place[MANY];
};

/* Handles that nobody serves: nothing is sent. */
static struct world *world_create(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    lanes_init(&world->lanes, world->epoll_fd);
    lanes_limit(&world->lanes, 1000);
    for (int i = 0; i < MANY; i++) {
        world->easy[i] = curl_easy_init();
        assert_int_equal(curl_easy_setopt(world->easy[i], CURLOPT_URL, "http://127.0.0.1:1/"), CURLE_OK);
    }
    return world;
}

static void world_destroy(struct world *world)
{
    for (int i = 0; i < MANY; i++) {
        lanes_remove(&world->place[i], world->easy[i]);
        curl_easy_cleanup(world->easy[i]);
    }
    lanes_finish(&world->lanes);
    close(world->epoll_fd);
    free(world);
}

static void add(struct world *world, int from, int to)
{
    for (int i = from; i < to; i++)
        assert_true(lanes_add(&world->lanes, &world->place[i], world->easy[i]));
}

static void take_away(struct world *world, int from, int to)
{
    for (int i = from; i < to; i++)
        lanes_remove(&world->place[i], world->easy[i]);
}

static unsigned count_lanes(const struct world *world)
{
    unsigned count = 0;
    for (const struct lane *lane = world->lanes.first; lane; lane = lane->next)
        count++;
    return count;
}

static void test_there_are_as_many_as_are_needed(void **state)
{
    (void)state;
    struct world *world = world_create();
    assert_int_equal(count_lanes(world), 0);
    add(world, 0, LANE_TRANSFERS);
    assert_int_equal(count_lanes(world), 1);
    add(world, LANE_TRANSFERS, MANY);
    assert_int_equal(count_lanes(world), 3);
    world_destroy(world);
}

static void test_the_first_with_room_is_taken(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, 0, MANY);
    take_away(world, 0, 2);
    take_away(world, MANY - 1, MANY); /* the last lane is empty, and is not needed */
    add(world, 0, 2);
    assert_ptr_equal(world->place[0].lane, world->lanes.first);
    assert_ptr_equal(world->place[1].lane, world->lanes.first);
    add(world, MANY - 1, MANY);
    assert_int_equal(count_lanes(world), 3);
    world_destroy(world);
}

static void age(struct lane *lane)
{
    lane->rested_at -= LANE_REST_MS;
}

static void test_a_lane_at_rest_goes(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, 0, MANY);
    take_away(world, LANE_TRANSFERS, 2 * LANE_TRANSFERS); /* the middle one */
    assert_false(lanes_tidy(&world->lanes, LANE_REST_MS));
    assert_int_equal(count_lanes(world), 3);
    age(world->lanes.first);
    age(world->lanes.first->next);
    assert_false(
        lanes_tidy(&world->lanes, LANE_REST_MS)); /* only it has rested: the first is old, but at work */
    assert_int_equal(count_lanes(world), 2);
    take_away(world, 0, LANE_TRANSFERS);
    take_away(world, MANY - 1, MANY);
    age(world->lanes.first);
    age(world->lanes.first->next);
    assert_true(lanes_tidy(&world->lanes, LANE_REST_MS));
    add(world, 0, 1);
    assert_int_equal(count_lanes(world), 1);
    world_destroy(world);
}

/* libcurl's first look at a new transfer is one of its own moments. */
static void test_the_earliest_moment_of_all(void **state)
{
    (void)state;
    struct world *world = world_create();
    assert_true(lanes_due(&world->lanes) == INT64_MAX);
    add(world, 0, MANY);
    assert_true(lanes_due(&world->lanes) <= clock_now_ms());
    take_away(world, 0, MANY - 1);
    assert_true(lanes_due(&world->lanes) <= clock_now_ms()); /* the last lane's */
    world_destroy(world);
}

static void serve_until_finished(struct world *world, CURL **easy, CURLcode *code)
{
    struct epoll_event event;
    int64_t until = clock_now_ms() + 20000;
    while (!lanes_next_finished(&world->lanes, easy, code)) {
        assert_true(clock_now_ms() < until);
        if (epoll_wait(world->epoll_fd, &event, 1, 5) == 1)
            lanes_serve(&world->lanes, event.data.fd, event.events);
        lanes_serve_timers(&world->lanes);
    }
}

/* Nobody listens there: each fails, is told once, and with its own code. */
static void test_each_that_is_over_is_told_once(void **state)
{
    CURL *easy = NULL;
    CURLcode code = CURLE_OK;
    bool told[MANY] = {false};
    (void)state;
    struct world *world = world_create();
    add(world, 0, MANY);
    for (int count = 0; count < MANY; count++) {
        serve_until_finished(world, &easy, &code);
        assert_int_equal(code, CURLE_COULDNT_CONNECT);
        int i = 0;
        while (i < MANY && world->easy[i] != easy)
            i++;
        assert_in_range(i, 0, MANY - 1);
        assert_false(told[i % MANY]);
        told[i % MANY] = true; /* cppcheck takes no assert for one */
        take_away(world, i, i + 1);
    }
    assert_false(lanes_next_finished(&world->lanes, &easy, &code));
    world_destroy(world);
}

/* One that nothing new comes to, while one in it takes long, would keep its idle connections for ever. */
static void test_a_lane_that_is_left_out_gets_one(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, 0, LANE_TRANSFERS + 1);
    struct lane *second = world->place[LANE_TRANSFERS].lane;
    take_away(world, 0, LANE_TRANSFERS);
    add(world, 0, 1);
    assert_ptr_equal(world->place[0].lane, world->lanes.first);
    second->chosen_at -= 60000;
    add(world, 1, 3);
    assert_ptr_equal(world->place[1].lane, second);
    assert_ptr_equal(world->place[2].lane, world->lanes.first);
    world_destroy(world);
}

static void take_away_easy(struct world *world, const CURL *easy)
{
    for (int i = 0; i < MANY; i++)
        if (world->easy[i] == easy) take_away(world, i, i + 1);
}

/* The kernel may refuse to watch one more socket. */
static void test_a_lane_that_cannot_watch(void **state)
{
    enum { FEW = 4 };
    static const struct canned_exchange script[] = {{.expect = "/", .body = "", .times = CANNED_ALWAYS}};
    CURL *easy = NULL;
    CURLcode code = CURLE_OK;
    (void)state;
    struct world *world = world_create();
    struct canned_server *server = canned_start(script, 1);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(curl_easy_setopt(world->easy[i], CURLOPT_URL, canned_url(server)), CURLE_OK);
    world->lanes.sockets.epoll_fd = -1;
    add(world, 0, FEW + 1); /* to the last one nobody listens */
    for (int i = 0; i < FEW + 1; i++) {
        serve_until_finished(world, &easy, &code);
        assert_int_equal(code, easy == world->easy[FEW] ? CURLE_COULDNT_CONNECT : CURLE_OK);
        take_away_easy(world, easy);
    }
    assert_false(world->lanes.first->deaf);
    world->lanes.sockets.epoll_fd = world->epoll_fd;
    canned_stop(server);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_are_as_many_as_are_needed),
        cmocka_unit_test(test_the_first_with_room_is_taken),
        cmocka_unit_test(test_a_lane_at_rest_goes),
        cmocka_unit_test(test_the_earliest_moment_of_all),
        cmocka_unit_test(test_each_that_is_over_is_told_once),
        cmocka_unit_test(test_a_lane_that_is_left_out_gets_one),
        cmocka_unit_test(test_a_lane_that_cannot_watch),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
