#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void test_memory_is_zeroed_and_aligned(void **state)
{
    void *arena = NULL;
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        char *memory = arena_alloc(&arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    arena_free(&arena);
    assert_null(arena);
}

static void test_copies(void **state)
{
    void *arena = NULL;
    eep_str out = STR("untouched");
    const char *bytes = NULL;
    (void)state;
    assert_int_equal(arena_str(&arena, ((eep_str){"a\0b", 3}), &out), EEP_OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, "a\0b", 4);
    assert_int_equal(arena_copy(&arena, "", 0, &bytes), EEP_OK);
    assert_string_equal(bytes, "");
    assert_int_equal(arena_str(&arena, (eep_str){NULL, 0}, &out), EEP_OK);
    assert_null(out.ptr);
    arena_free(&arena);
}

static void test_adopted_memory_is_freed(void **state)
{
    void *arena = NULL;
    (void)state;
    assert_int_equal(arena_adopt(&arena, malloc(10)), EEP_OK);
    assert_int_equal(arena_adopt(&arena, NULL), EEP_OK);
    arena_free(&arena); /* the leak checker looks */
    arena_free(&arena);
}

static void test_absurd_sizes(void **state)
{
    void *arena = NULL;
    (void)state;
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 16));
    assert_null(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_adopted_memory_is_freed),
        cmocka_unit_test(test_absurd_sizes),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
