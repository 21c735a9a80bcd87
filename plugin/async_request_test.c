/* What eep.async/1 can submit is all that there is: every call of the ABI's tables, with every pointer of its request. The
 * ABI is read from its golden files (tests/abi/layout.sh compares them with the headers), so a call or a field that is new
 * there and forgotten here is found. */
#include "async_request.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* -- The golden files -------------------------------------------------------------------------- */

/* "field eep_execute_request.lease offset 40 size 16: eep_str lease" */
struct field {
    char owner[64];
    char name[64];
    unsigned offset;
    unsigned size;
    char declaration[256];
    char extension[64]; /* whose file it is in; "" = eep.h */
};

static struct field fields[1024];
static size_t field_count;
static struct {
    char name[64];
    unsigned size;
} structs[128];
static size_t struct_count;

static void read_golden(const char *path)
{
    char line[512];
    char extension[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        assert_true(field_count < COUNT_OF(fields) && struct_count < COUNT_OF(structs));
        struct field *field = &fields[field_count];
        sscanf(line, "text EEP_EXT_%*s %63s", extension);
        if (sscanf(line, "struct %63s size %u", structs[struct_count].name, &structs[struct_count].size) == 2)
            struct_count++;
        if (sscanf(line, "field %63[^.].%63s offset %u size %u: %255[^\n]", field->owner, field->name,
                   &field->offset, &field->size, field->declaration) != 5)
            continue;
        snprintf(field->extension, sizeof field->extension, "%s", extension);
        field_count++;
    }
    fclose(file);
}

static int read_all(void **state)
{
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/abi/layout*.golden", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_golden(found.gl_pathv[i]);
    globfree(&found);
    return 0;
}

static unsigned size_of(const char *name)
{
    for (size_t i = 0; i < struct_count; i++)
        if (strcmp(structs[i].name, name) == 0) return structs[i].size;
    fail_msg("there is no struct %s", name);
    return 0;
}

/* Is it a slot for a call that waits? Then its request and its result. */
static bool is_call(const struct field *field, char request[64], char result[64])
{
    int end = 0;
    sscanf(field->declaration,
           "int32_t (*%*[a-z_])(eep_env *env, const %63[a-z_] *request, %63[a-z_] *result, eep_error *err)%n",
           request, result, &end);
    return end > 0;
}

static const struct async_call *find(const struct field *slot)
{
    char name[160];
    snprintf(name, sizeof name, "%s%s%s", slot->extension, slot->extension[0] ? "." : "", slot->name);
    const struct async_call *call = async_find(name);
    if (!call) fail_msg("%s cannot be submitted: async_request.c lacks its line", name);
    return call;
}

/* Where the request has its on_output: the crew's thread must never call it. */
static size_t callback_of(const char *request)
{
    for (struct field *field = fields; field < fields + field_count; field++)
        if (strcmp(field->owner, request) == 0 && strncmp(field->declaration, "eep_output_fn ", 14) == 0)
            return field->offset;
    return 0;
}

static void test_every_call_can_be_submitted(void **state)
{
    char request[64];
    char result[64];
    size_t calls = 0;
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        if (!is_call(&fields[i], request, result)) continue;
        const struct async_call *call = find(&fields[i]);
        assert_int_equal(call->call->request_size, size_of(request));
        assert_int_equal(call->call->result_size, size_of(result));
        assert_string_equal(call->call->name, fields[i].name);
        assert_int_equal(call->on_output, callback_of(request));
        calls++;
    }
    assert_in_range(calls, 15, 100);
}

/* -- What points somewhere --------------------------------------------------------------------- */

/* Every pointer of a request that leads to data leads to a word of its own, or to one element. */
static char words[64][8];
static _Alignas(max_align_t) char elements[16][128];
static size_t word_count;
static size_t element_count;

static bool is_text(const struct field *field)
{
    return strncmp(field->declaration, "eep_str ", 8) == 0 ||
           strncmp(field->declaration, "eep_bytes ", 10) == 0;
}

/* An array is followed by its count. */
static bool is_array(const struct field *field, char element[64])
{
    const struct field *next = field + 1;
    size_t len = strlen(next->name);
    return sscanf(field->declaration, "const %63[a-z_] *", element) == 1 &&
           strcmp(field->owner, next->owner) == 0 && len > 6 && strcmp(next->name + len - 6, "_count") == 0;
}

static void fill_text(void *place)
{
    assert_true(word_count < COUNT_OF(words));
    char *word = words[word_count++];
    snprintf(word, sizeof words[0], "w%zu", word_count);
    *(eep_str *)place = (eep_str){word, strlen(word)};
}

static void fill(const char *type, char *memory)
{
    char element[64];
    if (strcmp(type, "eep_str") == 0) fill_text(memory);
    for (struct field *field = fields; field < fields + field_count; field++) {
        char *place = memory + field->offset;
        if (strcmp(field->owner, type) != 0 || strcmp(type, "eep_str") == 0) continue;
        if (strcmp(field->declaration, "eep_request head") == 0) fill("eep_request", place);
        if (is_text(field)) fill_text(place);
        if (!is_array(field, element)) continue;
        assert_true(element_count < COUNT_OF(elements) && size_of(element) <= sizeof elements[0]);
        fill(element, elements[element_count]);
        *(char **)(void *)place = elements[element_count++];
        *(uint32_t *)(void *)(memory + field[1].offset) = 1;
    }
}

static void expect_copied(const struct async_copy *copy, const struct field *field, const void *pointer)
{
    uintptr_t from = (uintptr_t)copy->memory;
    if ((uintptr_t)pointer < from || (uintptr_t)pointer >= from + copy->size)
        fail_msg("%s.%s still points to the host's memory: async_request.c lacks its line", field->owner,
                 field->name);
}

static void compare_text(const struct async_copy *copy, const struct field *field, const void *mine,
                         const void *copied)
{
    const eep_str *is = copied;
    const eep_str *as = mine;
    expect_copied(copy, field, is->ptr);
    assert_int_equal(is->len, as->len);
    assert_memory_equal(is->ptr, as->ptr, as->len);
}

static void compare(const struct async_copy *copy, const char *type, const char *mine, const char *copied)
{
    char element[64];
    for (struct field *field = fields; field < fields + field_count; field++) {
        const char *from = mine + field->offset;
        const char *to = copied + field->offset;
        if (strcmp(field->owner, type) != 0) continue;
        if (strcmp(field->declaration, "eep_request head") == 0) compare(copy, "eep_request", from, to);
        if (is_text(field)) compare_text(copy, field, from, to);
        if (!is_array(field, element)) continue;
        from = *(char *const *)(const void *)from;
        to = *(char *const *)(const void *)to;
        expect_copied(copy, field, to);
        if (strcmp(element, "eep_str") == 0)
            compare_text(copy, field, from, to);
        else
            compare(copy, element, from, to);
    }
}

static void test_every_pointer_is_copied(void **state)
{
    char request[64];
    char result[64];
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        union call_request mine = {0};
        struct err err = ERR_INIT;
        struct async_copy copy;
        if (!is_call(&fields[i], request, result)) continue;
        word_count = element_count = 0;
        memset(elements, 0, sizeof elements);
        mine.head.struct_size = size_of(request);
        fill(request, (char *)&mine);
        assert_int_equal(async_copy_init(&copy, find(&fields[i]), &mine, &err), EEP_OK);
        compare(&copy, request, (const char *)&mine, (const char *)&copy.request);
        async_copy_finish(&copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_can_be_submitted),
        cmocka_unit_test(test_every_pointer_is_copied),
    };
    return cmocka_run_group_tests(tests, read_all, NULL);
}
