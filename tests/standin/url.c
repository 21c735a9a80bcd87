#include "url.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool decode(char *text, bool plus_is_space)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '+' && plus_is_space) {
            *out++ = ' ';
        } else if (*at != '%') {
            *out++ = *at;
        } else {
            int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
            if (low < 0 || high + low == 0) return false;
            *out++ = (char)(high * 16 + low);
            at += 2;
        }
    }
    *out = '\0';
    return true;
}

static bool parse_path(struct url *url, char *path)
{
    for (char *part; (part = strsep(&path, "/")) != NULL;) {
        if (*part == '\0') continue;
        if (url->segment_count == URL_MAX_SEGMENTS || !decode(part, false)) return false;
        url->segments[url->segment_count++] = part;
    }
    return true;
}

/* A pair that cannot be decoded is passed over, and by the daemon one with a bare semicolon: once that parted pairs, too. */
static bool parse_query(struct url *url, char *query, bool is_daemon)
{
    for (char *pair; (pair = strsep(&query, "&")) != NULL;) {
        if (*pair == '\0' || (is_daemon && strchr(pair, ';') != NULL)) continue;
        char *value = pair;
        char *key = strsep(&value, "=");
        if (value == NULL) value = key + strlen(key);
        if (url->pair_count == URL_MAX_PAIRS) return false;
        if (!decode(key, true) || !decode(value, true)) continue;
        url->keys[url->pair_count] = key;
        url->values[url->pair_count++] = value;
    }
    return true;
}

bool url_parse(struct url *url, const char *target)
{
    *url = (struct url){.block = mem_copy(target)};
    char *query = url->block;
    char *path = strsep(&query, "?");
    bool is_daemon = strncmp(path, "/toolbox/", 9) == 0;
    if (parse_path(url, path) && (query == NULL || parse_query(url, query, is_daemon))) return true;
    url_finish(url);
    return false;
}

void url_finish(struct url *url)
{
    free(url->block);
    *url = (struct url){0};
}

static bool is_key(const char *have, const char *want)
{
    size_t len = strlen(want);
    return strncmp(have, want, len) == 0 && (have[len] == '\0' || strcmp(have + len, "[]") == 0);
}

const char *url_query_next(const struct url *url, const char *key, size_t *index)
{
    while (*index < url->pair_count) {
        size_t at = (*index)++;
        if (is_key(url->keys[at], key)) return url->values[at];
    }
    return NULL;
}

const char *url_query(const struct url *url, const char *key)
{
    size_t index = 0;
    return url_query_next(url, key, &index);
}
