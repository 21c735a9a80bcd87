/* options.h: what a verb accepts on its command line, as data.
 *
 * A verb's arguments are one zeroed struct. Its options are constant tables that say where in the struct each
 * value goes; groups of options can be shared by verbs (a group says where in the verb's struct its own
 * struct begins). Parsing and `--help` both read the tables. Texts point into argv and are not copied.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include "err.h"

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_VALUE,    /* uint32_t: becomes `value`; of several for one place, one may be given */
    OPTION_CHOICE,   /* uint32_t: the value of one of `choices` */
    OPTION_TEXT,     /* const char * */
    OPTION_LIST,     /* struct text_list; may be repeated */
    OPTION_NUMBER,   /* uint32_t */
    OPTION_DURATION, /* uint32_t, milliseconds: "1500ms", "30s", "5m", "2h" */
    OPTION_AGE,      /* uint64_t, milliseconds: "90s", "30m", "12h", "7d" */
    OPTION_SIZE,     /* uint64_t, bytes: "4096", "64K", "16M", "1G" */
    OPTION_OFFSET,   /* the same, and "0" */
};

struct option_choice {
    const char *name;
    uint32_t value;
};

struct option_spec {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* 0 = none */
    enum option_kind kind;
    size_t offset;       /* of the value in the struct of the group */
    const char *operand; /* as `--help` calls it: "DURATION"; NULL for flags */
    const char *help;
    uint32_t value;                      /* OPTION_VALUE */
    const struct option_choice *choices; /* OPTION_CHOICE; ends with a NULL name */
};

struct option_group {
    const char *title; /* NULL ends a list of groups */
    const struct option_spec *options;
    size_t base; /* where the struct of the group begins in the verb's struct */
};

struct text_list {
    const char **items;
    size_t count;
};

/* What is on the command line besides options. */
struct operands {
    char *const *items; /* the words before "--" */
    int count;
    char *const *tail; /* the words after "--" */
    int tail_count;
    bool has_tail; /* there was a "--" */
    bool help;     /* -h or --help was there: nothing else has been looked at */
};

/* Parses `words` into `args` and `operands`. Operands are moved to the front of `words`. */
int options_parse(const struct option_group *groups, char **words, int count, void *args,
                  struct operands *operands, struct err *err);

/* Frees the lists that options_parse made. */
void options_finish(const struct option_group *groups, void *args);

/* Prints the groups for `--help`. */
void options_print(FILE *to, const struct option_group *groups);

/* How wide help is, wherever it is read. */
#define OPTIONS_WIDTH 80

/* How many letters differ between two words. */
size_t options_distance(const char *a, const char *b);

/* For "did you mean": the nearest of the words that were offered. Begins zeroed; word is NULL while none is near. */
struct guess {
    const char *word;
    size_t distance; /* letters that differ */
};

/* Offers a word for what was typed. Too many letters that differ are no typing mistake, nor are as many as it has. */
void options_guess(struct guess *guess, const char *typed, const char *word);

int options_parse_duration(const char *text, uint32_t *milliseconds);
int options_parse_age(const char *text, uint64_t *milliseconds);
int options_parse_size(const char *text, uint64_t *bytes);

#endif
