/* options_test.c: every kind of option, every way to write one, and what help makes of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

struct inner {
    uint32_t number;
    uint64_t size;
};

struct args {
    bool flag;
    const char *text;
    struct text_list list;
    uint32_t choice;
    uint32_t mode;
    uint32_t duration;
    struct inner inner;
};

static const struct option_choice choices[] = {{"one", 1}, {"two", 2}, {NULL, 0}};

static const struct option_spec outer_options[] = {
    {"flag", 'f', OPTION_FLAG, offsetof(struct args, flag), NULL, "a flag", 0, NULL},
    {"text", 't', OPTION_TEXT, offsetof(struct args, text), "TEXT", "a text", 0, NULL},
    {"list", 0, OPTION_LIST, offsetof(struct args, list), "ITEM", "a list", 0, NULL},
    {"choice", 0, OPTION_CHOICE, offsetof(struct args, choice), "WHICH", "a choice", 0, choices},
    {"stop", 0, OPTION_VALUE, offsetof(struct args, mode), NULL, "a mode", 1, NULL},
    {"go", 0, OPTION_VALUE, offsetof(struct args, mode), NULL, "a mode", 2, NULL},
    {"duration", 0, OPTION_DURATION, offsetof(struct args, duration), "DURATION", "a duration", 0, NULL},
    {0},
};

static const struct option_spec inner_options[] = {
    {"number", 0, OPTION_NUMBER, offsetof(struct inner, number), "N", "a number", 0, NULL},
    {"size", 0, OPTION_SIZE, offsetof(struct inner, size), "SIZE", "a size", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Outer", outer_options, 0}, {"Inner", inner_options, offsetof(struct args, inner)}, {0}};

static struct args args;
static struct operands operands;
static struct err err;

/* Parses the words up to NULL into the variables above. */
#define PARSE(...) parse((char *[]){__VA_ARGS__, NULL})
static int parse(char **words)
{
    int count = 0;
    while (words[count])
        count++;
    options_finish(groups, &args);
    args = (struct args){0};
    err = (struct err){0};
    return options_parse(groups, words, count, &args, &operands, &err);
}

static char word_flag[] = "--flag", word_f[] = "-f", word_t[] = "-t", word_dashes[] = "--", word_a[] = "a",
            word_b[] = "b", word_dash[] = "-";

static void every_kind_is_stored(void **state)
{
    (void)state;
    assert_int_equal(PARSE(word_flag, (char *)"--text=x=y", (char *)"--list", word_a, (char *)"--list=b",
                           (char *)"--choice", (char *)"two", (char *)"--go", (char *)"--duration=5m",
                           (char *)"--number=17", (char *)"--size=2K"),
                     EEP_OK);
    assert_true(args.flag);
    assert_string_equal(args.text, "x=y");
    assert_int_equal(args.list.count, 2);
    assert_string_equal(args.list.items[1], "b");
    assert_int_equal(args.choice, 2);
    assert_int_equal(args.mode, 2);
    assert_int_equal(args.duration, 300000);
    assert_int_equal(args.inner.number, 17);
    assert_int_equal(args.inner.size, 2048);
    assert_int_equal(operands.count, 0);
}

static void operands_and_options_may_mix(void **state)
{
    (void)state;
    assert_int_equal(PARSE(word_a, word_f, word_dash, word_t, word_b), EEP_OK);
    assert_int_equal(operands.count, 2);
    assert_string_equal(operands.items[0], "a");
    assert_string_equal(operands.items[1], "-");
    assert_string_equal(args.text, "b");
    assert_false(operands.has_tail);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE(word_a, word_dashes, word_flag, word_dashes), EEP_OK);
    assert_int_equal(operands.count, 1);
    assert_int_equal(operands.tail_count, 2);
    assert_string_equal(operands.tail[0], "--flag");
    assert_string_equal(operands.tail[1], "--");
    assert_false(args.flag);
    assert_int_equal(PARSE(word_a, word_dashes), EEP_OK);
    assert_true(operands.has_tail);
    assert_int_equal(operands.tail_count, 0);
}

static void help_wins_but_not_in_the_tail(void **state)
{
    (void)state;
    assert_int_equal(PARSE((char *)"--nonsense", (char *)"--help"), EEP_OK);
    assert_true(operands.help);
    assert_int_equal(PARSE(word_dashes, (char *)"--help"), EEP_OK);
    assert_false(operands.help);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    assert_int_equal(PARSE((char *)"--fleg"), EEP_E_INVALID_ARGUMENT);
    assert_true(err.usage);
    assert_string_equal(err.message, "there is no option --fleg");
    assert_string_equal(err.hint, "did you mean --flag?");
    assert_int_equal(PARSE((char *)"--elephant"), EEP_E_INVALID_ARGUMENT);
    assert_string_equal(err.hint, "");
    assert_int_equal(PARSE((char *)"--text"), EEP_E_INVALID_ARGUMENT);
    assert_string_equal(err.message, "--text needs a value: TEXT");
    assert_int_equal(PARSE((char *)"--flag=1"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(PARSE((char *)"--stop", (char *)"--go"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(PARSE((char *)"--stop", (char *)"--stop"), EEP_OK);
    assert_int_equal(PARSE((char *)"--choice=three"), EEP_E_INVALID_ARGUMENT);
    assert_string_equal(err.message, "--choice: \"three\" is none of one, two");
    assert_int_equal(PARSE((char *)"--number=4294967296"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(PARSE((char *)"--number=-1"), EEP_E_INVALID_ARGUMENT);
}

static void durations(void **state)
{
    (void)state;
    uint32_t got = 0;
    assert_int_equal(options_parse_duration("1500ms", &got), EEP_OK);
    assert_int_equal(got, 1500);
    assert_int_equal(options_parse_duration("2h", &got), EEP_OK);
    assert_int_equal(got, 7200000);
    static const char *const wrong[] = {"",    "5",    "s",  "0s",       "-1s", " 1s",
                                        "1 s", "1.5s", "1x", "4294968s", "1sm"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(options_parse_duration(wrong[i], &got), EEP_E_INVALID_ARGUMENT);
}

static void ages(void **state)
{
    (void)state;
    uint64_t got = 0;
    assert_int_equal(options_parse_age("90s", &got), EEP_OK);
    assert_int_equal(got, 90000);
    assert_int_equal(options_parse_age("100d", &got), EEP_OK);
    assert_int_equal(got, 8640000000);
    static const char *const wrong[] = {"", "0d", "7", "1500ms", "1w", "-1d", "106751991168d"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(options_parse_age(wrong[i], &got), EEP_E_INVALID_ARGUMENT);
}

static void sizes(void **state)
{
    (void)state;
    uint64_t got = 0;
    assert_int_equal(options_parse_size("4096", &got), EEP_OK);
    assert_int_equal(got, 4096);
    assert_int_equal(options_parse_size("3G", &got), EEP_OK);
    assert_int_equal(got, 3ull << 30);
    static const char *const wrong[] = {"", "0", "K", "1T", "1 K", "99999999999G", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(options_parse_size(wrong[i], &got), EEP_E_INVALID_ARGUMENT);
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(options_distance("same", "same"), 0);
    assert_int_equal(options_distance("", "abc"), 3);
    assert_int_equal(options_distance("aquire", "acquire"), 1);
    assert_int_equal(options_distance("abc", ""), 3);
}

static const char *guess_of(const char *typed, const char *const *words)
{
    struct guess guess = {0};
    for (; *words; words++)
        options_guess(&guess, typed, *words);
    return guess.word;
}

static void the_nearest_word_is_guessed(void **state)
{
    static const char *const words[] = {"release", "resume", "reap", "ps", NULL};
    (void)state;
    assert_string_equal(guess_of("resme", words), "resume");
    assert_string_equal(guess_of("rep", words), "reap");
    assert_null(guess_of("acquire", words)); /* no typing mistake any more */
    assert_null(guess_of("x", words));       /* all of it differs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_stored),
        cmocka_unit_test(operands_and_options_may_mix),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(help_wins_but_not_in_the_tail),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(durations),
        cmocka_unit_test(ages),
        cmocka_unit_test(sizes),
        cmocka_unit_test(distances),
        cmocka_unit_test(the_nearest_word_is_guessed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    options_finish(groups, &args);
    return failed;
}
