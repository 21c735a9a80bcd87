/* url.h: a request target taken apart: decoded path segments and query pairs.
 *
 * The server library decodes %2F before anybody can split the path; here each segment is decoded after
 * splitting. In the query a plus is a space. A parsed url owns one block of memory; everything in it points
 * there.
 */
#ifndef STANDIN_URL_H
#define STANDIN_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { URL_MAX_SEGMENTS = 12, URL_MAX_PAIRS = 32 };

struct url {
    char *block;
    char *segments[URL_MAX_SEGMENTS];
    size_t segment_count;
    char *keys[URL_MAX_PAIRS];
    char *values[URL_MAX_PAIRS];
    size_t pair_count;
};

/* False (and an empty url) if the path is badly encoded or holds a NUL, or there are too many parts. Pairs of which that is true are
 * left out. */
bool url_parse(struct url *url, const char *target);
void url_finish(struct url *url);

/* The first value of key, or NULL. Give it an index to walk over repeated keys: key, key[] (protocol 1). */
const char *url_query(const struct url *url, const char *key);
const char *url_query_next(const struct url *url, const char *key, size_t *index);

#endif
