/* agent_glob.c: file name patterns as Go's filepath.Match has them: * ? [a-z] [^a-z] and \ before any character, over
 * characters, not bytes. In a class neither ] nor - can stand for themselves without a \. */
#include "agent.h"

#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The character at *at, which then stands behind it. A bad byte is U+FFFD, as in Go. */
static uint32_t next_char(const char **at)
{
    size_t len = utf8_char_len(*at, strlen(*at));
    const unsigned char *bytes = (const unsigned char *)*at;
    *at += len > 0 ? len : 1;
    if (len == 0) return 0xFFFD;
    uint32_t c = len == 1 ? bytes[0] : bytes[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (bytes[i] & 0x3Fu);
    return c;
}

/* One bound of a class. False: malformed. */
static bool class_char(const char **pattern, uint32_t *c)
{
    if (**pattern == '\0' || **pattern == '-' || **pattern == ']') return false;
    if (**pattern == '\\' && *++*pattern == '\0') return false;
    *c = next_char(pattern);
    return **pattern != '\0';
}

/* *pattern stands behind the [. False: malformed. */
static bool match_class(const char **pattern, uint32_t c, bool *matched)
{
    bool negated = **pattern == '^', found = false, first = true;
    if (negated) ++*pattern;
    for (; **pattern != ']' || first; first = false) {
        uint32_t low, high;
        if (!class_char(pattern, &low)) return false;
        high = low;
        if (**pattern == '-') {
            ++*pattern;
            if (!class_char(pattern, &high)) return false;
        }
        if (low <= c && c <= high) found = true;
    }
    ++*pattern;
    *matched = found != negated;
    return true;
}

/* A piece without stars against the start of name; *name stands behind it then. */
static bool match_chunk(const char *pattern, const char *end, const char **name)
{
    while (pattern < end) {
        if (**name == '\0') return false;
        if (*pattern == '[') {
            bool matched;
            pattern++;
            uint32_t c = next_char(name);
            if (!match_class(&pattern, c, &matched) || !matched) return false;
        } else if (*pattern == '?') {
            if (**name == '/') return false;
            pattern++;
            next_char(name);
        } else {
            if (*pattern == '\\') pattern++;
            if (pattern == end || *pattern++ != *(*name)++) return false;
        }
    }
    return true;
}

/* The end of the piece without stars that begins here. */
static const char *chunk_end(const char *pattern)
{
    bool in_class = false;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '\\' && pattern[1] != '\0')
            pattern++;
        else if (*pattern == '[')
            in_class = true;
        else if (*pattern == ']')
            in_class = false;
        else if (*pattern == '*' && !in_class)
            break;
    }
    return pattern;
}

bool glob_matches(const char *pattern, const char *name)
{
    while (*pattern != '\0') {
        bool star = *pattern == '*';
        while (*pattern == '*')
            pattern++;
        const char *end = chunk_end(pattern), *rest = name;
        if (star && end == pattern) return strchr(name, '/') == NULL;
        bool matched = match_chunk(pattern, end, &rest) && (*end != '\0' || *rest == '\0');
        /* The first place is as good as any, but the last piece must reach the end. */
        for (const char *from = name; star && !matched && *from != '\0' && *from != '/'; from++) {
            rest = from + 1;
            matched = match_chunk(pattern, end, &rest) && (*end != '\0' || *rest == '\0');
        }
        if (!matched) return false;
        pattern = end;
        name = rest;
    }
    return *name == '\0';
}
