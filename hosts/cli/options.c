/* options.c: see options.h. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/* -- values ------------------------------------------------------------------------------------ */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const struct unit age_units[] = {
    {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit size_units[] = {{"", 1},           {"B", 1},          {"K", 1ull << 10},
                                         {"M", 1ull << 20}, {"G", 1ull << 30}, {NULL, 0}};

/* A whole number and its unit: "1500ms". Fractions are
 * left out on purpose: every duration has a smaller unit. */
static int parse_amount(const char *text, const struct unit *units, uint64_t most, uint64_t *amount)
{
    if (*text < '0' || *text > '9') return EEP_E_INVALID_ARGUMENT;
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno) return EEP_E_INVALID_ARGUMENT;
    for (; units->name; units++) {
        if (strcmp(units->name, end) != 0) continue;
        if (number > most / units->factor) return EEP_E_INVALID_ARGUMENT;
        *amount = number * units->factor;
        return EEP_OK;
    }
    return EEP_E_INVALID_ARGUMENT;
}

int options_parse_duration(const char *text, uint32_t *milliseconds)
{
    uint64_t amount = 0;
    TRY(parse_amount(text, duration_units, UINT32_MAX, &amount));
    if (amount == 0) return EEP_E_INVALID_ARGUMENT; /* 0 means "the default" in the ABI: nobody types that */
    *milliseconds = (uint32_t)amount;
    return EEP_OK;
}

int options_parse_age(const char *text, uint64_t *milliseconds)
{
    TRY(parse_amount(text, age_units, INT64_MAX, milliseconds));
    return *milliseconds ? EEP_OK : EEP_E_INVALID_ARGUMENT;
}

int options_parse_size(const char *text, uint64_t *bytes)
{
    TRY(parse_amount(text, size_units, INT64_MAX, bytes));
    return *bytes ? EEP_OK : EEP_E_INVALID_ARGUMENT;
}

static int store_duration(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    if (options_parse_duration(text, place) == EEP_OK) return EEP_OK;
    return err_usage(err, "--%s: \"%s\" is no duration: write 1500ms, 30s, 5m or 2h", option->name, text);
}

static int store_age(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    if (options_parse_age(text, place) == EEP_OK) return EEP_OK;
    return err_usage(err, "--%s: \"%s\" is no time: write 90s, 30m, 12h or 7d", option->name, text);
}

static int store_size(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    if (options_parse_size(text, place) == EEP_OK) return EEP_OK;
    return err_usage(err, "--%s: \"%s\" is no size: write bytes, or 64K, 16M, 1G", option->name, text);
}

static int store_offset(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    if (parse_amount(text, size_units, INT64_MAX, place) == EEP_OK) return EEP_OK;
    return err_usage(err, "--%s: \"%s\" is no offset: write bytes, or 64K, 16M, 1G", option->name, text);
}

static int store_number(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    static const struct unit none[] = {{"", 1}, {NULL, 0}};
    uint64_t number = 0;
    if (parse_amount(text, none, UINT32_MAX, &number) != EEP_OK)
        return err_usage(err, "--%s: \"%s\" is no whole number", option->name, text);
    *(uint32_t *)place = (uint32_t)number;
    return EEP_OK;
}

static int store_choice(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    char all[128] = "";
    for (const struct option_choice *choice = option->choices; choice->name; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *(uint32_t *)place = choice->value;
            return EEP_OK;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "", choice->name);
    }
    return err_usage(err, "--%s: \"%s\" is none of %s", option->name, text, all);
}

static int store_value(const struct option_spec *option, uint32_t *place, struct err *err)
{
    if (*place != 0 && *place != option->value)
        return err_usage(err, "--%s contradicts an option before it", option->name);
    *place = option->value;
    return EEP_OK;
}

static void append(struct text_list *list, const char *text)
{
    list->items = mem_grow(list->items, list->count, sizeof(list->items[0]));
    list->items[list->count++] = text;
}

static int store(const struct option_spec *option, void *place, const char *text, struct err *err)
{
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)place = true; return EEP_OK;
    case OPTION_VALUE: return store_value(option, place, err);
    case OPTION_CHOICE: return store_choice(option, place, text, err);
    case OPTION_TEXT: *(const char **)place = text; return EEP_OK;
    case OPTION_LIST: append(place, text); return EEP_OK;
    case OPTION_NUMBER: return store_number(option, place, text, err);
    case OPTION_DURATION: return store_duration(option, place, text, err);
    case OPTION_AGE: return store_age(option, place, text, err);
    case OPTION_SIZE: return store_size(option, place, text, err);
    case OPTION_OFFSET: return store_offset(option, place, text, err);
    }
    return EEP_E_INTERNAL;
}

/* -- finding ----------------------------------------------------------------------------------- */

/* A table entry and where its value goes. */
struct found {
    const struct option_spec *option;
    void *place;
    const char *word; /* as it was typed */
};

static bool is_named(const struct option_spec *option, const char *name, size_t len)
{
    return strlen(option->name) == len && strncmp(option->name, name, len) == 0;
}

/* Looks for --name (letter 0) or for -letter (name NULL). */
static struct found find(const struct option_group *groups, void *args, const char *name, size_t len,
                         char letter)
{
    for (; groups->title; groups++)
        for (const struct option_spec *option = groups->options; option->name; option++)
            if (name ? is_named(option, name, len) : option->letter == letter)
                return (struct found){option, (char *)args + groups->base + option->offset, NULL};
    return (struct found){0};
}

/* So many letters are no typing mistake any more. */
#define TYPING_MISTAKE 3

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

size_t options_distance(const char *a, const char *b)
{
    enum { WORD_MAX = 32 };
    size_t row[WORD_MAX + 1];
    size_t b_len = strlen(b);
    if (b_len > WORD_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

void options_guess(struct guess *guess, const char *typed, const char *word)
{
    size_t distance = options_distance(typed, word);
    if (distance >= TYPING_MISTAKE || distance >= strlen(typed)) return;
    if (guess->word && distance >= guess->distance) return;
    *guess = (struct guess){word, distance};
}

static int unknown_option(const struct option_group *groups, const char *word, struct err *err)
{
    struct guess guess = {0};
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (; groups->title; groups++)
        for (const struct option_spec *option = groups->options; option->name; option++)
            options_guess(&guess, name, option->name);
    err_usage(err, "there is no option %s", word);
    return guess.word ? err_hint(err, "did you mean --%s?", guess.word) : err->code;
}

/* -- parsing ----------------------------------------------------------------------------------- */

/* The words that are still to be looked at. */
struct cursor {
    char **words;
    int count;
    int at;
};

/* Finishes an option: takes its operand from after the "=" or from the next word. */
static int take(struct cursor *cursor, struct found found, const char *attached, struct err *err)
{
    bool wants_operand = found.option->kind != OPTION_FLAG && found.option->kind != OPTION_VALUE;
    if (!wants_operand && attached) return err_usage(err, "--%s takes no value", found.option->name);
    if (wants_operand && !attached) {
        if (cursor->at == cursor->count)
            return err_usage(err, "%s needs a value: %s", found.word, found.option->operand);
        attached = cursor->words[cursor->at++];
    }
    return store(found.option, found.place, attached, err);
}

static int parse_long(const struct option_group *groups, struct cursor *cursor, const char *word, void *args,
                      struct err *err)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    struct found found = find(groups, args, name, len, 0);
    if (!found.option) return unknown_option(groups, word, err);
    found.word = word;
    return take(cursor, found, name[len] ? name + len + 1 : NULL, err);
}

static int parse_letter(const struct option_group *groups, struct cursor *cursor, const char *word,
                        void *args, struct err *err)
{
    struct found found = find(groups, args, NULL, 0, word[1]);
    if (!found.option || word[2]) {
        err_usage(err, "there is no option %s", word);
        return found.option ? err_hint(err, "write each letter by itself: -%c ...", word[1]) : err->code;
    }
    found.word = word;
    return take(cursor, found, NULL, err);
}

static bool asks_for_help(char **words, int count)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return true;
    return false;
}

int options_parse(const struct option_group *groups, char **words, int count, void *args,
                  struct operands *operands, struct err *err)
{
    *operands = (struct operands){.items = words, .help = asks_for_help(words, count)};
    if (operands->help) return EEP_OK;
    struct cursor cursor = {.words = words, .count = count};
    while (cursor.at < count) {
        char *word = words[cursor.at++];
        if (strcmp(word, "--") == 0) {
            operands->has_tail = true;
            operands->tail = words + cursor.at;
            operands->tail_count = count - cursor.at;
            break;
        }
        if (word[0] == '-' && word[1] == '-')
            TRY(parse_long(groups, &cursor, word, args, err));
        else if (word[0] == '-' && word[1])
            TRY(parse_letter(groups, &cursor, word, args, err));
        else
            words[operands->count++] = word; /* never ahead of the cursor */
    }
    return EEP_OK;
}

void options_finish(const struct option_group *groups, void *args)
{
    for (; args && groups->title; groups++) {
        for (const struct option_spec *option = groups->options; option->name; option++) {
            if (option->kind != OPTION_LIST) continue;
            struct text_list *list = (struct text_list *)((char *)args + groups->base + option->offset);
            free(list->items);
            *list = (struct text_list){0};
        }
    }
}

/* -- help -------------------------------------------------------------------------------------- */

enum { HELP_COLUMN = 28 };

static void print_option(FILE *to, const struct option_spec *option)
{
    char left[64];
    char letter[8] = "    ";
    if (option->letter) snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    int used = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name, option->operand ? " " : "",
                        option->operand ? option->operand : "");
    fputs(left, to);
    if (used > HELP_COLUMN - 2)
        fprintf(to, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(to, "%*s", HELP_COLUMN - used, "");
    columns_wrap(to, option->help, HELP_COLUMN, OPTIONS_WIDTH);
}

void options_print(FILE *to, const struct option_group *groups)
{
    for (; groups->title; groups++) {
        fprintf(to, "\n%s:\n", groups->title);
        for (const struct option_spec *option = groups->options; option->name; option++)
            print_option(to, option);
    }
}
