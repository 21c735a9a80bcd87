/* The queue by itself: who waits, for events or for room, is called when there is a reason, and in order. */
#include "async_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/cancel.h"

enum { LIMIT_MS = 20000 };

static struct async_queue queue;

static int start(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    return async_queue_init(&queue, &err);
}

static int stop(void **state)
{
    (void)state;
    async_queue_finish(&queue);
    return 0;
}

static pthread_t start_thread(void *(*main)(void *argument), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, main, argument), 0);
    return thread;
}

static void join_in_time(pthread_t thread)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LIMIT_MS / 1000;
    assert_int_equal(pthread_timedjoin_np(thread, NULL, &limit), 0);
}

/* Waits until a thread has changed what it changes when it waits. */
static void await_change(const void *field, size_t size, const void *before)
{
    bool same = true;
    for (int64_t end = clock_now_ms() + LIMIT_MS; same && clock_now_ms() < end;) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&queue.lock);
        same = memcmp(field, before, size) == 0;
        pthread_mutex_unlock(&queue.lock);
    }
    assert_false(same);
}

/* -- The end ----------------------------------------------------------------------------------- */

static void *read_to_the_end(void *argument)
{
    struct err err = ERR_INIT;
    eep_event event = {.head.struct_size = sizeof event};
    uint32_t count = 0;
    *(int *)argument = async_queue_take(&queue, &event, 1, sizeof event, UINT32_MAX, &count, &err);
    return NULL;
}

/* The last operation may also be one that could not begin. */
static void test_who_reads_hears_of_the_end(void **state)
{
    struct err err = ERR_INIT;
    int status = EEP_OK;
    unsigned readers = 0;
    (void)state;
    assert_int_equal(async_queue_open(&queue, &err), EEP_OK);
    pthread_t reader = start_thread(read_to_the_end, &status);
    await_change(&queue.readers, sizeof readers, &readers);
    async_queue_close(&queue);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* it looks, and waits again */
    async_queue_unopen(&queue);
    join_in_time(reader);
    assert_int_equal(status, EEP_E_SHUTDOWN);
}

/* -- Room -------------------------------------------------------------------------------------- */

enum { WRITERS = 6 };

struct writer {
    pthread_t thread;
    uint64_t number;
    eep_cancel *own;
    int status;
};

static struct async_event *make_event(uint64_t number)
{
    static const char data[EEP_ASYNC_OUTPUT_MAX];
    return async_event_create(EEP_EVENT_OUTPUT, number, 0, (eep_bytes){data, sizeof data});
}

static void *put_one(void *argument)
{
    struct writer *writer = argument;
    struct err err = ERR_INIT;
    struct wait wait = {.deadline = clock_now_ms() + LIMIT_MS, .own = writer->own, .cancel_level = 1};
    writer->status = async_queue_put_waiting(&queue, make_event(writer->number), &wait, &err);
    return NULL;
}

/* Returns with all of them in line, in their order. */
static void start_writers(struct writer writers[WRITERS])
{
    for (size_t i = 0; i < WRITERS; i++) {
        struct async_room **before = queue.last_room;
        writers[i] = (struct writer){.number = 1 + i, .own = cancel_create()};
        writers[i].thread = start_thread(put_one, &writers[i]);
        await_change(&queue.last_room, sizeof before, &before);
    }
}

/* Returns how many events it took. */
static size_t fill_up(void)
{
    size_t count = 0;
    for (size_t before = SIZE_MAX; queue.unread != before; count++) {
        before = queue.unread;
        async_queue_offer(&queue, make_event(0));
    }
    return count - 1;
}

static uint64_t take_one(void)
{
    struct err err = ERR_INIT;
    eep_event event = {.head.struct_size = sizeof event};
    uint32_t count = 0;
    assert_int_equal(async_queue_take(&queue, &event, 1, sizeof event, LIMIT_MS, &count, &err), EEP_OK);
    assert_int_equal(count, 1);
    arena_free(&event.head.arena);
    return event.op;
}

static void cancel(struct writer *writer)
{
    cancel_fire(writer->own);
    join_in_time(writer->thread);
    assert_int_equal(writer->status, EEP_E_CANCELLED);
}

/* One event taken, one writer called; who has given up, wherever in line, is not waited for. */
static void test_room_goes_to_the_oldest(void **state)
{
    struct writer writers[WRITERS];
    (void)state;
    size_t full = fill_up();
    start_writers(writers);
    cancel(&writers[0]);
    cancel(&writers[3]);
    cancel(&writers[WRITERS - 1]);
    for (size_t i = 0; i < full; i++) {
        assert_int_equal(take_one(), 0);
        if (i < 3) join_in_time(writers[(size_t[]){1, 2, 4}[i]].thread);
    }
    assert_int_equal(take_one(), 2);
    assert_int_equal(take_one(), 3);
    assert_int_equal(take_one(), 5);
    assert_null(queue.rooms);
    assert_ptr_equal(queue.last_room, &queue.rooms);
    for (size_t i = 0; i < WRITERS; i++)
        cancel_destroy(writers[i].own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_reads_hears_of_the_end, start, stop),
        cmocka_unit_test_setup_teardown(test_room_goes_to_the_oldest, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
