#include "media_type.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static size_t token_len(const char *at)
{
    size_t len = 0;
    while (at[len] > ' ' && at[len] < 0x7f && strchr("()<>@,;:\\\"/[]?=", at[len]) == NULL)
        len++;
    return len;
}

/* Behind the first quote; *at stands behind the last one then. NULL if there is none. A backslash that escapes nothing stays: old
 * browsers sent Windows paths. */
static char *take_quoted(const char **at)
{
    char *text = mem_copy(*at), *out = text;
    for (const char *in = *at; *in != '\0' && *in != '\r' && *in != '\n'; in++) {
        if (*in == '"') {
            *out = '\0';
            *at = in + 1;
            return text;
        }
        if (*in == '\\' && in[1] != '\0' && strchr("()<>@,;:\\\"/[]?=", in[1]) != NULL) in++;
        *out++ = *in;
    }
    free(text);
    return NULL;
}

static char *take_token(const char **at)
{
    size_t len = token_len(*at);
    char *token = len > 0 ? mem_copy_n(*at, len) : NULL;
    *at += len;
    return token;
}

/* The next ";key=value". False at the end, and with *malformed if something else stands there. */
static bool take_parameter(const char **at, char **key, char **value, bool *malformed)
{
    *at = skip_space(*at);
    *key = *value = NULL;
    if (**at == '\0') return false;
    *malformed = true;
    if (**at != ';') return false;
    *at = skip_space(*at + 1);
    *malformed = **at != '\0';
    if (!*malformed) return false; /* a semicolon at the end is nothing */
    *malformed = true;
    *key = take_token(at);
    if (*key == NULL) return false;
    *at = skip_space(*at);
    if (**at != '=') return false;
    *at = skip_space(*at + 1);
    bool is_quoted = **at == '"';
    *at += is_quoted;
    *value = is_quoted ? take_quoted(at) : take_token(at);
    *malformed = *value == NULL;
    return !*malformed;
}

bool media_type_is(const char *value, const char *wanted)
{
    size_t len = strcspn(value, ";");
    const char *start = skip_space(value);
    while (len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL)
        len--;
    size_t wanted_len = strlen(wanted);
    return value + len == start + wanted_len && strncasecmp(start, wanted, wanted_len) == 0;
}

char *media_type_parameter(const char *value, const char *name)
{
    const char *at = value + strcspn(value, ";");
    char *found = NULL, *key, *text;
    bool malformed = false, more = true;
    while (more && !malformed) {
        more = take_parameter(&at, &key, &text, &malformed);
        bool wanted = more && strcasecmp(key, name) == 0;
        if (wanted && found != NULL) malformed = strcmp(found, text) != 0;
        if (wanted && found == NULL) {
            found = text;
            text = NULL;
        }
        free(key);
        free(text);
    }
    if (malformed) mem_free_text(&found);
    return found;
}
