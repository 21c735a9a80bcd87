/* A socket is heard while somebody wants to hear of it, and its number means the next one when it is closed. */
#include "http/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    int epoll_fd;
    struct sockets sockets;
    int pair[2]; /* ours, and the peer's */
};

static void open_pair(struct world *world)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world->pair), 0);
}

/* Whoever wants to hear. */
static int owner;

static int world_init(void **state)
{
    static struct world only;
    struct world *world = *state = &only;
    world->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(world->epoll_fd >= 0);
    sockets_init(&world->sockets, world->epoll_fd);
    open_pair(world);
    return 0;
}

/* The pair is the test's. */
static int world_finish(void **state)
{
    struct world *world = *state;
    sockets_finish(&world->sockets);
    close(world->epoll_fd);
    return 0;
}

static void say(const struct world *world)
{
    assert_int_equal(write(world->pair[1], "x", 1), 1);
}

/* What epoll has to tell; -1 = nothing. */
static int heard(const struct world *world)
{
    struct epoll_event event;
    return epoll_wait(world->epoll_fd, &event, 1, 0) == 1 ? event.data.fd : -1;
}

static void test_a_kept_connection_stays_registered(void **state)
{
    struct world *world = *state;
    int fd = world->pair[0];
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
    assert_int_equal(heard(world), -1);
    sockets_rest(&world->sockets, fd);
    assert_int_equal(world->sockets.watches[fd].registered, EPOLLIN);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
    say(world);
    assert_int_equal(heard(world), fd);
    assert_ptr_equal(sockets_owner(&world->sockets, fd), &owner);
    sockets_close(&world->sockets, fd);
    close(world->pair[1]);
}

/* Else the loop would turn for ever: epoll tells again and again. */
static void test_what_happens_at_rest_is_told_once(void **state)
{
    struct world *world = *state;
    int fd = world->pair[0];
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
    sockets_rest(&world->sockets, fd);
    close(world->pair[1]);
    assert_int_equal(heard(world), fd);
    assert_null(sockets_owner(&world->sockets, fd));
    assert_int_equal(heard(world), -1);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner)); /* who wants it hears of it */
    assert_int_equal(heard(world), fd);
    sockets_close(&world->sockets, fd);
}

static void test_other_events_are_told_to_epoll(void **state)
{
    struct world *world = *state;
    int fd = world->pair[0];
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
    assert_int_equal(heard(world), -1);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN | EPOLLOUT, &owner));
    assert_int_equal(heard(world), fd);
    sockets_close(&world->sockets, fd);
    close(world->pair[1]);
}

/* A child of the host's that was not replaced by another program: the kernel goes on telling of what is open. */
static void test_a_closed_one_is_not_heard_through_its_copy(void **state)
{
    struct world *world = *state;
    int fd = world->pair[0];
    int copy = dup(fd);
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
    sockets_close(&world->sockets, fd);
    say(world);
    assert_int_equal(heard(world), -1);
    close(copy);
    close(world->pair[1]);
}

/* libcurl's own (its resolver's): closed without a word to us, and the number comes back as another socket's. */
static void test_a_number_that_comes_back(void **state)
{
    struct world *world = *state;
    for (int round = 0; round < 4; round++) {
        int fd = world->pair[0];
        if (round == 2) sockets_opened(&world->sockets, fd);
        assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
        say(world);
        assert_int_equal(heard(world), fd);
        if (round % 2 == 0) sockets_rest(&world->sockets, fd);
        round == 2 ? sockets_close(&world->sockets, fd) : (void)close(fd);
        close(world->pair[1]);
        open_pair(world);
        assert_int_equal(world->pair[0], fd);
    }
    close(world->pair[0]);
    close(world->pair[1]);
}

/* libcurl closes what has not connected yet without a word to us, and only then says that it is over. */
static void test_a_connection_that_came_to_nothing(void **state)
{
    struct world *world = *state;
    int fd = world->pair[0];
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLOUT, &owner));
    close(fd);
    close(world->pair[1]);
    sockets_rest(&world->sockets, fd);
    for (int round = 0; round < 3; round++) {
        open_pair(world);
        assert_int_equal(world->pair[0], fd);
        assert_true(sockets_watch(&world->sockets, fd, EPOLLIN, &owner));
        say(world);
        assert_int_equal(heard(world), fd);
        close(fd);
        close(world->pair[1]);
        sockets_rest(&world->sockets, fd);
    }
}

/* Whose end we may not see is not heard at rest: what is told of it would be about something else. */
static void test_one_that_others_close_is_not_heard_at_rest(void **state)
{
    struct world *world = *state;
    assert_true(sockets_watch(&world->sockets, world->pair[0], EPOLLIN, &owner));
    sockets_rest(&world->sockets, world->pair[0]);
    say(world);
    assert_int_equal(heard(world), -1);
    close(world->pair[0]);
    close(world->pair[1]);
}

/* As before, and a child of the host's has it, too: epoll tells of it until it is left. */
static void test_an_epoll_that_is_haunted(void **state)
{
    struct world *world = *state;
    int other[2];
    int fd = world->pair[0];
    int copy = dup(fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
    sockets_opened(&world->sockets, other[0]);
    assert_true(sockets_watch(&world->sockets, other[0], EPOLLIN, &owner));
    sockets_opened(&world->sockets, fd);
    assert_true(sockets_watch(&world->sockets, fd, EPOLLOUT, &owner));
    close(fd);
    sockets_rest(&world->sockets, fd);
    for (int turns = 0; !sockets_is_haunted(&world->sockets); turns++) {
        assert_true(turns < 1000);
        assert_int_equal(heard(world), fd);
        assert_null(sockets_owner(&world->sockets, fd));
    }
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(sockets_move(&world->sockets, epoll_fd));
    close(world->epoll_fd);
    world->epoll_fd = epoll_fd;
    assert_false(sockets_is_haunted(&world->sockets));
    assert_int_equal(heard(world), -1);
    assert_int_equal(write(other[1], "x", 1), 1);
    assert_int_equal(heard(world), other[0]);
    assert_ptr_equal(sockets_owner(&world->sockets, other[0]), &owner);
    sockets_close(&world->sockets, other[0]);
    close(other[1]);
    close(copy);
    close(world->pair[1]);
}

static void test_what_is_no_descriptor(void **state)
{
    struct world *world = *state;
    assert_false(sockets_watch(&world->sockets, -1, EPOLLIN, &owner));
    close(world->pair[1]);
    close(world->pair[0]);
    assert_false(sockets_watch(&world->sockets, world->pair[0], EPOLLIN, &owner));
    assert_null(sockets_owner(&world->sockets, 100000));
    sockets_rest(&world->sockets, 100000);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_init, world_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_kept_connection_stays_registered),
        IN_WORLD(test_what_happens_at_rest_is_told_once),
        IN_WORLD(test_other_events_are_told_to_epoll),
        IN_WORLD(test_a_closed_one_is_not_heard_through_its_copy),
        IN_WORLD(test_a_number_that_comes_back),
        IN_WORLD(test_a_connection_that_came_to_nothing),
        IN_WORLD(test_one_that_others_close_is_not_heard_at_rest),
        IN_WORLD(test_an_epoll_that_is_haunted),
        IN_WORLD(test_what_is_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
