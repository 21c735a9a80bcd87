#include "range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool parse_digits(const char **at, uint64_t *value)
{
    if (**at < '0' || **at > '9') return false;
    char *end;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

/* bytes=-N: the last N. */
static enum range_kind suffix(const char *at, uint64_t size, struct range *range)
{
    uint64_t last;
    if (!parse_digits(&at, &last) || *at != '\0') return RANGE_WHOLE;
    if (last == 0) return RANGE_OUTSIDE;
    if (last > size) last = size;
    *range = (struct range){.offset = size - last, .len = last};
    return RANGE_PART;
}

enum range_kind range_parse(const char *header, uint64_t size, struct range *range)
{
    uint64_t first, last = UINT64_MAX;
    *range = (struct range){.offset = 0, .len = size};
    if (header == NULL || strncmp(header, "bytes=", 6) != 0) return RANGE_WHOLE;
    const char *at = header + 6;
    if (*at == '-') return suffix(at + 1, size, range);
    if (!parse_digits(&at, &first) || *at++ != '-') return RANGE_WHOLE;
    if (*at != '\0' && (!parse_digits(&at, &last) || *at != '\0' || last < first)) return RANGE_WHOLE;
    if (first >= size) return RANGE_OUTSIDE;
    if (last >= size) last = size - 1;
    *range = (struct range){.offset = first, .len = last - first + 1};
    return RANGE_PART;
}
