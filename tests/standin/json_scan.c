#include "json_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 10000 };

struct scan {
    const char *at;
    const char *end;
    size_t depth;
    char closers[MAX_DEPTH]; /* of the objects and arrays around the cursor */
    struct fail *why;
};

/* One byte as Go quotes it: as a character of Latin-1. */
static void quote(unsigned char c, char quoted[12])
{
    const char *names = "abtnvfr", *codes = "\a\b\t\n\v\f\r", *code = c != '\0' ? strchr(codes, c) : NULL;
    if (code != NULL)
        snprintf(quoted, 12, "'\\%c'", names[code - codes]);
    else if (c == '\'' || c == '\\')
        snprintf(quoted, 12, "'\\%c'", c);
    else if (c < ' ' || c == 0x7f)
        snprintf(quoted, 12, "'\\x%02x'", c);
    else if (c < 0x7f)
        snprintf(quoted, 12, "'%c'", c);
    else if (c <= 0xa0 || c == 0xad)
        snprintf(quoted, 12, "'\\u%04x'", c);
    else
        snprintf(quoted, 12, "'%c%c'", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

/* What stands at the cursor has no place here. */
static int refuse(struct scan *scan, const char *context)
{
    char quoted[12];
    if (scan->at == scan->end) return fail_set(scan->why, "unexpected EOF");
    quote((unsigned char)*scan->at, quoted);
    return fail_set(scan->why, "invalid character %s %s", quoted, context);
}

static bool is_at(const struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool take(struct scan *scan, char c)
{
    bool there = is_at(scan, c);
    scan->at += there;
    return there;
}

static void skip_space(struct scan *scan)
{
    while (is_at(scan, ' ') || is_at(scan, '\t') || is_at(scan, '\r') || is_at(scan, '\n'))
        scan->at++;
}

static int digits(struct scan *scan, const char *context)
{
    if (!is_digit(scan)) return refuse(scan, context);
    while (is_digit(scan))
        scan->at++;
    return 0;
}

static int number(struct scan *scan)
{
    take(scan, '-');
    if (!take(scan, '0')) TRY(digits(scan, "in numeric literal"));
    if (take(scan, '.')) TRY(digits(scan, "after decimal point in numeric literal"));
    if (!take(scan, 'e') && !take(scan, 'E')) return 0;
    if (!take(scan, '+')) take(scan, '-');
    return digits(scan, "in exponent of numeric literal");
}

static int word(struct scan *scan, const char *text)
{
    char context[64];
    for (const char *c = text; *c != '\0'; c++) {
        snprintf(context, sizeof context, "in literal %s (expecting '%c')", text, *c);
        if (!take(scan, *c)) return refuse(scan, context);
    }
    return 0;
}

static int escape(struct scan *scan)
{
    if (!take(scan, 'u')) {
        bool known = scan->at < scan->end && *scan->at != '\0' && strchr("bfnrt\\/\"", *scan->at) != NULL;
        if (!known) return refuse(scan, "in string escape code");
        scan->at++;
        return 0;
    }
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at == scan->end || *scan->at == '\0' || strchr("0123456789abcdefABCDEF", *scan->at) == NULL)
            return refuse(scan, "in \\u hexadecimal character escape");
    return 0;
}

/* Behind its first quote. */
static int string(struct scan *scan)
{
    while (!take(scan, '"')) {
        if (take(scan, '\\'))
            TRY(escape(scan));
        else if (scan->at == scan->end || (unsigned char)*scan->at < ' ')
            return refuse(scan, "in string literal");
        else
            scan->at++;
    }
    return 0;
}

static int scalar(struct scan *scan)
{
    if (take(scan, '"')) return string(scan);
    if (is_at(scan, 't')) return word(scan, "true");
    if (is_at(scan, 'f')) return word(scan, "false");
    if (is_at(scan, 'n')) return word(scan, "null");
    if (is_at(scan, '-') || is_digit(scan)) return number(scan);
    return refuse(scan, "looking for beginning of value");
}

static int key(struct scan *scan)
{
    skip_space(scan);
    if (!take(scan, '"')) return refuse(scan, "looking for beginning of object key string");
    TRY(string(scan));
    skip_space(scan);
    return take(scan, ':') ? 0 : refuse(scan, "after object key");
}

/* Objects and arrays are not recursed into: a client chooses how deep they are. Opens as many as begin here; *whole if the
 * last was empty. */
static int open_all(struct scan *scan, bool *whole)
{
    for (*whole = false;;) {
        skip_space(scan);
        if (!is_at(scan, '{') && !is_at(scan, '[')) return 0;
        if (scan->depth == MAX_DEPTH) return refuse(scan, "exceeded max depth");
        char close = *scan->at++ == '{' ? '}' : ']';
        skip_space(scan);
        *whole = take(scan, close);
        if (*whole) return 0;
        scan->closers[scan->depth++] = close;
        if (close == '}') TRY(key(scan));
    }
}

/* After a value: closes as many as end here. *more if another value must follow. */
static int close_all(struct scan *scan, bool *more)
{
    for (*more = false; scan->depth > 0; scan->depth--) {
        char close = scan->closers[scan->depth - 1];
        skip_space(scan);
        *more = take(scan, ',');
        if (*more) return close == '}' ? key(scan) : 0;
        if (!take(scan, close))
            return refuse(scan, close == '}' ? "after object key:value pair" : "after array element");
    }
    return 0;
}

int json_scan(const char *text, size_t len, size_t *value_len, struct fail *why)
{
    struct scan scan = {.at = text, .end = text + len, .why = why};
    bool more, whole;
    skip_space(&scan);
    if (scan.at == scan.end) return fail_set(why, "EOF");
    do {
        TRY(open_all(&scan, &whole));
        if (!whole) TRY(scalar(&scan));
        TRY(close_all(&scan, &more));
    } while (more);
    *value_len = (size_t)(scan.at - text);
    return 0;
}
