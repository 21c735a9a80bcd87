/* The border, with memory that ends where the host's struct ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ROOM         131072u

/* Memory whose last byte is followed by a page that nobody may touch. */
static char *guarded;

static int map_guarded(void **state)
{
    (void)state;
    guarded = mmap(NULL, ROOM + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded == MAP_FAILED) return -1;
    return mprotect(guarded + ROOM, 65536, PROT_NONE);
}

static int unmap_guarded(void **state)
{
    (void)state;
    return munmap(guarded, ROOM + 65536);
}

/* size bytes of `fill` at the end of it, claiming to be `claimed` bytes. */
static void *host_struct(size_t size, uint32_t claimed, int fill)
{
    char *start = guarded + ROOM - size;
    memset(start, fill, size);
    memcpy(start, &claimed, sizeof claimed);
    return start;
}

/* -- Requests ---------------------------------------------------------------------------------- */

static const size_t sizes[] = {
    sizeof(eep_host),           sizeof(eep_validate_request), sizeof(eep_open_request),
    sizeof(eep_request),        sizeof(eep_probe_request),    sizeof(eep_acquire_request),
    sizeof(eep_resume_request), sizeof(eep_realize_request),  sizeof(eep_execute_request),
    sizeof(eep_release_request)};

static void check_import(size_t known, size_t size, size_t min)
{
    char local[1024];
    struct err err = ERR_INIT;
    const void *host = host_struct(size < 4 ? 4 : size, (uint32_t)size, 0x5a);
    memset(local, 0xee, sizeof local);
    int status = abi_import(local, known, min, host, "test", &err);
    assert_int_equal(status, size < min ? EEP_E_INVALID_ARGUMENT : size > known ? EEP_E_UNSUPPORTED : EEP_OK);
    assert_int_equal(status, err.code);
    if (status != EEP_OK) return;
    assert_memory_equal(local, host, size);
    for (size_t i = size; i < known; i++)
        assert_int_equal(local[i], 0);
    assert_int_equal((unsigned char)local[known], 0xee);
}

static void test_requests_of_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t size = 0; size <= sizes[i] + 64; size++) {
            check_import(sizes[i], size, sizes[i]);
            check_import(sizes[i], size, 16); /* as if it had grown since 1.0 */
        }
}

/* A newer host that uses nothing new. */
static void test_longer_requests_whose_tail_is_zero(void **state)
{
    char local[64];
    (void)state;
    for (size_t size = sizeof local; size <= ABI_STRUCT_MAX; size = size * 3 / 2 + 1) {
        struct err err = ERR_INIT;
        void *host = host_struct(size, (uint32_t)size, 0);
        assert_int_equal(abi_import(local, sizeof local, sizeof local, host, "test", &err), EEP_OK);
        if (size == sizeof local) continue;
        ((char *)host)[size - 1] = 1; /* the very last byte counts */
        assert_int_equal(abi_import(local, sizeof local, sizeof local, host, "test", &err),
                         EEP_E_UNSUPPORTED);
    }
}

static void test_requests_that_are_none(void **state)
{
    static const uint32_t claims[] = {ABI_STRUCT_MAX + 1, 1u << 20, INT32_MAX, UINT32_MAX};
    char local[64];
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(abi_import(local, 64, 64, NULL, "test", &err), EEP_E_INVALID_ARGUMENT);
    for (size_t i = 0; i < COUNT(claims); i++) { /* nothing behind struct_size is looked at */
        void *host = host_struct(4, claims[i], 0);
        assert_int_equal(abi_import(local, 64, 64, host, "test", &err), EEP_E_INVALID_ARGUMENT);
    }
}

static void test_flags_and_reserved_words(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(abi_check_flags(0, 0, "x", &err), EEP_OK);
    assert_int_equal(abi_check_flags(0x101, 0x101, "x", &err), EEP_OK);
    for (int bit = 0; bit < 32; bit++)
        assert_int_equal(abi_check_flags(1u << bit, ~(1u << bit), "x", &err), EEP_E_UNSUPPORTED);
    assert_int_equal(abi_check_zero(0, "x", &err), EEP_OK);
    assert_int_equal(abi_check_zero(1, "x", &err), EEP_E_UNSUPPORTED);
    assert_int_equal(abi_check_zero(UINT64_MAX, "x", &err), EEP_E_UNSUPPORTED);
}

static void test_strings(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(abi_check_str((eep_str){NULL, 0}, 0, "x", &err), EEP_OK);
    assert_int_equal(abi_check_str((eep_str){"", 0}, 0, "x", &err), EEP_OK);
    assert_int_equal(abi_check_str((eep_str){"abc", 3}, 3, "x", &err), EEP_OK);
    assert_int_equal(abi_check_str((eep_str){"abc", 3}, 2, "x", &err), EEP_E_TOO_LARGE);
    assert_int_equal(abi_check_str((eep_str){NULL, 1}, 9, "x", &err), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(abi_check_str((eep_str){NULL, SIZE_MAX}, 9, "x", &err), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(abi_check_str((eep_str){"a", SIZE_MAX}, 9, "x", &err), EEP_E_TOO_LARGE);
}

/* -- Arrays ------------------------------------------------------------------------------------ */

static int check_array(const void *array, uint32_t count, uint32_t stride)
{
    struct err err = ERR_INIT;
    return abi_check_array(array, count, stride, sizeof(eep_pair), "pairs", &err);
}

static void test_arrays(void **state)
{
    char *end = guarded + ROOM;
    (void)state;
    memset(guarded, 0, ROOM);
    assert_int_equal(check_array(NULL, 0, 0), EEP_OK);
    assert_int_equal(check_array(NULL, 0, 7), EEP_OK);
    assert_int_equal(check_array(NULL, 1, 0), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(check_array(end - 96, 3, 0), EEP_OK);
    assert_int_equal(check_array(end - 96, 3, 32), EEP_OK);
    assert_int_equal(check_array(end - 120, 3, 40), EEP_OK);
    for (uint32_t stride = 1; stride < 64; stride++)
        if (stride < 32 || stride % 8 != 0)
            assert_int_equal(check_array(end - 256, 1, stride), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(check_array(end - 32, 1, ABI_STRUCT_MAX + 8), EEP_E_INVALID_ARGUMENT);
    assert_ptr_equal(abi_at(end - 96, 0, 32, 2), end - 32);
    assert_ptr_equal(abi_at(end - 120, 40, 32, 2), end - 40);
}

static void test_elements_with_a_tail(void **state)
{
    char *start = guarded + ROOM - 3 * 40;
    (void)state;
    for (size_t i = 0; i < 3 * 40; i++) {
        memset(start, 0, 3 * 40);
        start[i] = 1;
        assert_int_equal(check_array(start, 3, 40), i % 40 < 32 ? EEP_OK : EEP_E_UNSUPPORTED);
    }
}

/* -- Results ----------------------------------------------------------------------------------- */

static void test_results_that_cannot_be_written(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(abi_check_result(NULL, "x", &err), EEP_E_INVALID_ARGUMENT);
    for (uint32_t size = 0; size < sizeof(eep_out); size++)
        assert_int_equal(abi_check_result(host_struct(4, size, 0), "x", &err), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(abi_check_result(host_struct(4, UINT32_MAX, 0), "x", &err), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(abi_check_result(host_struct(16, sizeof(eep_out), 0), "x", &err), EEP_OK);
}

static void test_results_of_every_size(void **state)
{
    eep_lease local;
    (void)state;
    memset(&local, 0x11, sizeof local);
    for (uint32_t size = sizeof(eep_out); size <= sizeof local + 64; size++) {
        unsigned char *host = host_struct(size, size, 0xcc);
        uint32_t told;
        abi_export(host, &local, sizeof local);
        memcpy(&told, host, sizeof told);
        assert_int_equal(told, size);
        for (uint32_t i = sizeof told; i < size; i++)
            assert_int_equal(host[i], i < sizeof local ? 0x11 : 0xcc);
    }
}

static struct err full_error(void)
{
    struct err err = ERR_INIT;
    err_set(&err, EEP_E_QUOTA, "too much");
    err_where(&err, "POST /sandbox");
    err_flag(&err, EEP_ERROR_RETRYABLE);
    err.http_status = 400;
    err.os_errno = 5;
    err.retry_after_ms = 7;
    str_copy(err.lease, sizeof err.lease, STR("s1"));
    return err;
}

static void test_a_whole_error(void **state)
{
    eep_error host = {.head = {.struct_size = sizeof host}};
    struct err err = full_error();
    (void)state;
    assert_int_equal(abi_export_error(&host, &err), EEP_E_QUOTA);
    assert_int_equal(host.head.struct_size, sizeof host);
    assert_int_equal(host.head.flags, EEP_ERROR_RETRYABLE);
    assert_int_equal(host.code, EEP_E_QUOTA);
    assert_int_equal(host.http_status, 400);
    assert_int_equal(host.os_errno, 5);
    assert_int_equal(host.retry_after_ms, 7);
    assert_string_equal(host.message.ptr, "too much");
    assert_int_equal(host.message.len, 8);
    assert_string_equal(host.where.ptr, "POST /sandbox");
    assert_string_equal(host.lease.ptr, "s1");
    assert_null(host.request_id.ptr);
    assert_null(host.execution_id.ptr);
    abi_clear(&host.head);
    assert_int_equal(host.head.struct_size, sizeof host);
    assert_null(host.head.arena);
    assert_null(host.message.ptr);
    assert_int_equal(host.code, 0);
    abi_clear(&host.head);
}

/* What does not fit is left out and freed all the same. */
static void test_errors_of_every_size(void **state)
{
    struct err err = full_error();
    (void)state;
    assert_int_equal(abi_export_error(NULL, &err), EEP_E_QUOTA);
    for (uint32_t size = 4; size <= sizeof(eep_error) + 64; size += 4) {
        eep_error *host = host_struct(size, size, 0);
        if (size % 8 != 0) continue; /* no compiler lays a struct with pointers out like that */
        assert_int_equal(abi_export_error(host, &err), EEP_E_QUOTA);
        if (size < sizeof(eep_out)) continue;
        assert_non_null(host->head.arena);
        abi_clear(&host->head);
        for (uint32_t i = sizeof size; i < size; i++)
            assert_int_equal(((char *)host)[i], 0);
    }
}

static void test_clearing_nothing(void **state)
{
    eep_out zeroed = {0};
    eep_out empty = {.struct_size = sizeof empty};
    (void)state;
    abi_clear(NULL);
    abi_clear(&zeroed);
    abi_clear(&empty);
    assert_int_equal(empty.struct_size, sizeof empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_every_size),
        cmocka_unit_test(test_longer_requests_whose_tail_is_zero),
        cmocka_unit_test(test_requests_that_are_none),
        cmocka_unit_test(test_flags_and_reserved_words),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_elements_with_a_tail),
        cmocka_unit_test(test_results_that_cannot_be_written),
        cmocka_unit_test(test_results_of_every_size),
        cmocka_unit_test(test_a_whole_error),
        cmocka_unit_test(test_errors_of_every_size),
        cmocka_unit_test(test_clearing_nothing),
    };
    return cmocka_run_group_tests(tests, map_guarded, unmap_guarded);
}
