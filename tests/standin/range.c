#include "range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Digits between white space, up to end, that fit into 63 bits. */
static bool parse_number(const char *at, const char *end, uint64_t *value)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (at < end && *at == '+') at++; /* Go's parser lets it pass */
    *value = 0;
    for (const char *digit = at; digit < end; digit++) {
        if (*digit < '0' || *digit > '9') return false;
        uint64_t last = (uint64_t)(*digit - '0');
        if (*value > (INT64_MAX - last) / 10) return false;
        *value = *value * 10 + last;
    }
    return at < end;
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at == end;
}

/* -N: the last N, which may be none. */
static enum range_kind parse_suffix(const char *at, const char *end, uint64_t size, struct range *range)
{
    uint64_t last;
    if (!parse_number(at, end, &last)) return RANGE_INVALID;
    if (last > size) last = size;
    *range = (struct range){.offset = size - last, .len = last};
    return RANGE_PART;
}

static enum range_kind parse_one(const char *at, const char *end, uint64_t size, struct range *range)
{
    uint64_t first, last = size;
    const char *dash = memchr(at, '-', (size_t)(end - at));
    if (dash == NULL) return RANGE_INVALID;
    if (is_blank(at, dash)) return parse_suffix(dash + 1, end, size, range);
    if (!parse_number(at, dash, &first)) return RANGE_INVALID;
    if (first >= size) return RANGE_OUTSIDE;
    bool is_open = is_blank(dash + 1, end);
    if (!is_open && (!parse_number(dash + 1, end, &last) || last < first)) return RANGE_INVALID;
    if (is_open || last >= size) last = size - 1;
    *range = (struct range){.offset = first, .len = last - first + 1};
    return RANGE_PART;
}

/* Of several, those outside count for nothing unless all are. */
static enum range_kind parse_list(const char *at, uint64_t size, struct range *range)
{
    size_t inside = 0, outside = 0;
    for (;; at++) {
        const char *end = at + strcspn(at, ",");
        enum range_kind kind = is_blank(at, end) ? RANGE_WHOLE : parse_one(at, end, size, range);
        if (kind == RANGE_INVALID) return kind;
        inside += kind == RANGE_PART;
        outside += kind == RANGE_OUTSIDE;
        at = end;
        if (*at == '\0') break;
    }
    if (inside == 1) return RANGE_PART;
    return inside == 0 && outside > 0 && size > 0 ? RANGE_OUTSIDE : RANGE_WHOLE;
}

enum range_kind range_parse(const char *header, uint64_t size, struct range *range)
{
    const struct range whole = {.offset = 0, .len = size};
    *range = whole;
    if (header == NULL || *header == '\0') return RANGE_WHOLE;
    if (strncmp(header, "bytes=", 6) != 0) return RANGE_INVALID;
    enum range_kind kind = parse_list(header + 6, size, range);
    if (kind != RANGE_PART) *range = whole;
    return kind;
}
