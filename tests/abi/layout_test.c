/* layout_test.c: prints the binary layout of eep.h, or of LAYOUT_HEADER, and compares it with its golden file.
 *
 *     layout_test [GOLDEN]     compares; without an argument with tests/abi/layout.golden
 *     layout_test --print      prints
 *
 * The table layout_fields.h is made from the header itself (fields.awk). That it misses no field is proved
 * here: structs of eep.h have no padding, so each field must begin where the one before it ends. Builds as C
 * and as C++; both must print the same.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef LAYOUT_HEADER
#define LAYOUT_HEADER "eep.h"
#endif
#include LAYOUT_HEADER

#ifndef LAYOUT_GOLDEN
#define LAYOUT_GOLDEN "tests/abi/layout.golden"
#endif

enum kind { KIND_CONSTANT, KIND_TEXT, KIND_TYPE, KIND_STRUCT, KIND_FIELD, KIND_END };

struct entry {
    enum kind kind;
    const char *owner;
    const char *name;
    const char *text;
    size_t offset;
    size_t size;
    long long value;
};

#define SIZE_OF(type, field) sizeof(((type *)0)->field)

#define CONSTANT(name)          {KIND_CONSTANT, "", #name, "", 0, 0, (long long)(name)},
#define TEXT(name)              {KIND_TEXT, "", #name, name, 0, 0, 0},
#define TYPE(name, declaration) {KIND_TYPE, "", #name, declaration, 0, sizeof(name), 0},
#define STRUCT(name)            {KIND_STRUCT, #name, "", "", 0, sizeof(name), 0},
#define FIELD(type, field, text)                                                                             \
    {KIND_FIELD, #type, #field, text, offsetof(type, field), SIZE_OF(type, field), 0},
#define END(name) {KIND_END, #name, "", "", 0, sizeof(name), 0},

static const struct entry entries[] = {
#include "layout_fields.h"
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

/* One line of the golden file; empty for an entry that has none. */
static void describe(const struct entry *entry, char *line, size_t size)
{
    line[0] = '\0';
    switch (entry->kind) {
    case KIND_CONSTANT: snprintf(line, size, "constant %s %lld", entry->name, entry->value); break;
    case KIND_TEXT: snprintf(line, size, "text %s %s", entry->name, entry->text); break;
    case KIND_TYPE: snprintf(line, size, "type %s %s", entry->name, entry->text); break;
    case KIND_STRUCT: snprintf(line, size, "struct %s size %zu", entry->owner, entry->size); break;
    case KIND_FIELD:
        snprintf(line, size, "field %s.%s offset %zu size %zu: %s", entry->owner, entry->name, entry->offset,
                 entry->size, entry->text);
        break;
    case KIND_END: break;
    }
}

/* How many gaps there are between the fields, and at the ends, of all structs. */
static int count_gaps(void)
{
    int gaps = 0;
    size_t end = 0;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const struct entry *entry = &entries[i];
        size_t begin = entry->kind == KIND_END ? entry->size : entry->offset;
        if ((entry->kind == KIND_FIELD || entry->kind == KIND_END) && begin != end) {
            printf("# %s: something that the table lacks, or padding, before %s at %zu\n", entry->owner,
                   entry->kind == KIND_END ? "the end" : entry->name, begin);
            gaps++;
        }
        end = entry->offset + (entry->kind == KIND_FIELD ? entry->size : 0);
    }
    return gaps;
}

static void print_layout(void)
{
    char line[512];
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        describe(&entries[i], line, sizeof(line));
        if (line[0]) puts(line);
    }
}

static void read_line(FILE *file, char *line, int size)
{
    if (!fgets(line, size, file)) line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Compares line by line, and tells the first difference. */
static int compare(FILE *golden)
{
    char want[512];
    char have[512];
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        describe(&entries[i], have, sizeof(have));
        if (!have[0]) continue;
        read_line(golden, want, sizeof(want));
        if (strcmp(want, have) == 0) continue;
        printf("not ok - layout_test: golden has \"%s\", the header has \"%s\"\n", want, have);
        return 1;
    }
    read_line(golden, want, sizeof(want));
    if (!want[0]) return 0;
    printf("not ok - layout_test: golden has \"%s\", the header ends before it\n", want);
    return 1;
}

static int compare_with(const char *path)
{
    FILE *golden = fopen(path, "r");
    if (!golden) {
        printf("not ok - layout_test: cannot read %s\n", path);
        return 1;
    }
    int differs = compare(golden);
    fclose(golden);
    if (!differs) puts("ok - layout_test");
    return differs;
}

int main(int argc, char **argv)
{
    if (count_gaps() > 0) {
        puts("not ok - layout_test: the fields do not cover the structs");
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        print_layout();
        return 0;
    }
    return compare_with(argc > 1 ? argv[1] : LAYOUT_GOLDEN);
}
