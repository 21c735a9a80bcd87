/* range.h: the Range header of a download, taken apart as Go does it. */
#ifndef STANDIN_RANGE_H
#define STANDIN_RANGE_H

#include <stdint.h>

enum range_kind {
    RANGE_WHOLE, /* absent, or several ranges: answer everything */
    RANGE_PART,
    RANGE_OUTSIDE, /* 416, and nothing of the file is in it */
    RANGE_INVALID, /* 416: no ranges at all, or another unit */
};

struct range {
    uint64_t offset;
    uint64_t len;
};

/* range is always filled so that it can be served; header may be NULL. */
enum range_kind range_parse(const char *header, uint64_t size, struct range *range);

#endif
