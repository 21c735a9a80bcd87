#include "base/json.h"

#include <endian.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <locale.h>
#include <string.h>

#include "base/str.h"

locale_t __wrap_duplocale(locale_t from);

/* json-c makes a locale for each text, a copy with the numbers of "C", and libc has a lock for copies: in a child of fork()
 * it may stay locked for ever. So the linker gives json-c this instead, and newlocale() without anything to begin with
 * gives "C" itself, which takes neither lock nor memory. */
locale_t __wrap_duplocale(locale_t from)
{
    (void)from;
    errno = 0; /* newer ones ask it whether memory has run out */
    return (locale_t)0;
}

static int parse_failure(struct json_tokener *tokener, eep_str text, struct err *err)
{
    enum json_tokener_error why = json_tokener_get_error(tokener);
    size_t at = json_tokener_get_parse_end(tokener);
    if (why == json_tokener_continue || text.len == 0)
        return err_set(err, EEP_E_PROTOCOL, "JSON ends too early, after %zu bytes", text.len);
    return err_set(err, EEP_E_PROTOCOL, "not JSON: %s at byte %zu", json_tokener_error_desc(why), at);
}

static void free_tokener(struct json_tokener **tokener)
{
    if (*tokener) json_tokener_free(*tokener);
}

int json_parse(eep_str text, json **out, struct err *err)
{
    *out = NULL;
    if (text.len > INT_MAX - 1)
        return err_set(err, EEP_E_TOO_LARGE, "JSON of %zu bytes is too large", text.len);
    if (!str_is_utf8(text)) return err_set(err, EEP_E_PROTOCOL, "not JSON: invalid UTF-8");
    if (str_has_byte(text, '\0')) return err_set(err, EEP_E_PROTOCOL, "not JSON: NUL byte");
    CLEANUP(free_tokener) struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH);
    if (!tokener) return err_no_memory(err);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT); /* it is UTF-8: we have looked */
    eep_str trimmed = str_trim(text); /* a lone number needs an end that the tokener can see */
    json *tree = json_tokener_parse_ex(tokener, trimmed.len ? trimmed.ptr : "", (int)trimmed.len);
    size_t end = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) == json_tokener_continue && trimmed.len > 0) {
        tree = json_tokener_parse_ex(tokener, "\n", 1);
        end = trimmed.len;
    }
    if (json_tokener_get_error(tokener) != json_tokener_success) return parse_failure(tokener, text, err);
    if (end < trimmed.len) {
        json_object_put(tree);
        return err_set(err, EEP_E_PROTOCOL, "not JSON: something follows the document");
    }
    *out = tree;
    return EEP_OK;
}

/* -- Reading ----------------------------------------------------------------------------------- */

void json_finish(json **tree)
{
    json_object_put(*tree);
    *tree = NULL;
}

static void wipe_strings(json *value);

static int wipe_member(void *ctx, eep_str key, json *value)
{
    (void)ctx, (void)key;
    wipe_strings(value);
    return 0;
}

/* As deep as the tree, so at most JSON_MAX_DEPTH. */
static void wipe_strings(json *value)
{
    eep_str text = json_str(value);
    if (text.ptr) wipe((char *)text.ptr, text.len); /* the tree's own memory, const only to its readers */
    for (size_t i = 0; i < json_len(value); i++)
        wipe_strings(json_at(value, i));
    json_each(value, wipe_member, NULL);
}

void json_finish_secret(json **tree)
{
    wipe_strings(*tree);
    json_finish(tree);
}

bool json_is_object(json *value)
{
    return json_object_is_type(value, json_type_object);
}

bool json_is_array(json *value)
{
    return json_object_is_type(value, json_type_array);
}

json *json_get(json *tree, const char *key)
{
    json *value = NULL;
    if (!json_object_is_type(tree, json_type_object)) return NULL;
    return json_object_object_get_ex(tree, key, &value) ? value : NULL;
}

eep_str json_str(json *value)
{
    if (!json_object_is_type(value, json_type_string)) return (eep_str){NULL, 0};
    return (eep_str){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

bool json_get_str(json *tree, const char *key, eep_str *out)
{
    eep_str text = json_str(json_get(tree, key));
    if (!text.ptr) return false;
    *out = text;
    return true;
}

bool json_get_i64(json *tree, const char *key, int64_t *out)
{
    json *value = json_get(tree, key);
    if (json_object_is_type(value, json_type_double)) {
        double number = json_object_get_double(value);
        if (!(number > -9e15 && number < 9e15)) return false;
        *out = (int64_t)number;
        return (double)*out == number; /* 2.0 is an integer, 2.5 is not */
    }
    if (!json_object_is_type(value, json_type_int)) return false;
    *out = json_object_get_int64(value);
    return true;
}

bool json_get_bool(json *tree, const char *key, bool *out)
{
    json *value = json_get(tree, key);
    if (!json_object_is_type(value, json_type_boolean)) return false;
    *out = json_object_get_boolean(value);
    return true;
}

size_t json_len(json *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

json *json_at(json *array, size_t index)
{
    return index < json_len(array) ? json_object_array_get_idx(array, index) : NULL;
}

int json_each(json *object, int (*visit)(void *ctx, eep_str key, json *value), void *ctx)
{
    if (!json_object_is_type(object, json_type_object)) return 0;
    struct json_object_iterator it = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        eep_str key = str_from(json_object_iter_peek_name(&it));
        int stop = visit(ctx, key, json_object_iter_peek_value(&it));
        if (stop != 0) return stop;
    }
    return 0;
}

/* -- Building ---------------------------------------------------------------------------------- */

json *json_new_object(void)
{
    return json_object_new_object();
}

json *json_new_array(void)
{
    return json_object_new_array();
}

json *json_new_str(eep_str text)
{
    if (text.len > INT_MAX - 1) return NULL;
    return json_object_new_string_len(text.ptr ? text.ptr : "", (int)text.len);
}

json *json_new_i64(int64_t value)
{
    return json_object_new_int64(value);
}

json *json_new_bool(bool value)
{
    return json_object_new_boolean(value);
}

int json_put(json *object, const char *key, json *value)
{
    if (object && value && json_object_object_add(object, key, value) == 0) return EEP_OK;
    json_object_put(value);
    return EEP_E_NO_MEMORY;
}

int json_put_null(json *object, const char *key)
{
    return object && json_object_object_add(object, key, NULL) == 0 ? EEP_OK : EEP_E_NO_MEMORY;
}

int json_push(json *array, json *value)
{
    if (array && value && json_object_array_add(array, value) == 0) return EEP_OK;
    json_object_put(value);
    return EEP_E_NO_MEMORY;
}

const char *json_text(json *tree)
{
    return json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* How many bytes at p form one valid character; 0 = none. */
static size_t valid_char(eep_str text, size_t at)
{
    for (size_t len = 1; len <= 4 && at + len <= text.len; len++)
        if (str_is_utf8((eep_str){text.ptr + at, len})) return len;
    return 0;
}

/* How long a byte is in a string: exactly for ASCII, at the most (a damaged one becomes U+FFFD) beyond. */
static const unsigned char quoted_width[256] = {
    [0 ... 9] = 6,   ['\n'] = 2, [11 ... 31] = 6,  [32 ... 33] = 1,   ['"'] = 2,
    [35 ... 91] = 1, ['\\'] = 2, [93 ... 127] = 1, [128 ... 255] = 3,
};

#define EACH_BYTE 0x0101010101010101u

/* Is this byte less than `limit`? Told by its top bit. A byte behind one that is may be told wrongly: only the first
 * counts. */
static uint64_t bytes_below(uint64_t word, uint64_t limit)
{
    return (word - EACH_BYTE * limit) & ~word;
}

/* How many of these eight bytes, from the first on, are in a string what they are. */
static unsigned plain_bytes(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word = le64toh(word);
    uint64_t special = word | bytes_below(word, 0x20) | bytes_below(word ^ EACH_BYTE * '"', 1) |
                       bytes_below(word ^ EACH_BYTE * '\\', 1);
    special &= EACH_BYTE << 7;
    return special ? (unsigned)__builtin_ctzll(special) / 8 : 8;
}

/* How many bytes from p on are in a string what they are. */
static size_t plain_run(const char *p, const char *end)
{
    const char *at = p;
    while (end - at >= 8) {
        unsigned plain = plain_bytes(at);
        at += plain;
        if (plain < 8) return (size_t)(at - p);
    }
    while (at < end && quoted_width[(unsigned char)*at] == 1)
        at++;
    return (size_t)(at - p);
}

static size_t quoted_len(const char *p, const char *end)
{
    size_t len = 0;
    while (p < end) {
        size_t run = plain_run(p, end);
        len += run;
        p += run;
        if (p < end) len += quoted_width[(unsigned char)*p++];
    }
    return len;
}

/* Where the next one goes. */
static char *put_escape(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    *out++ = '\\';
    if (quoted_width[c] == 2) {
        *out++ = c == '\n' ? 'n' : (char)c;
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = hex[c >> 4];
    out[4] = hex[c & 15];
    return out + 5;
}

/* A character beyond ASCII, or U+FFFD for a byte that is none. Moves *p. */
static char *put_character(char *out, const char **p, const char *end)
{
    size_t len = valid_char((eep_str){*p, (size_t)(end - *p)}, 0);
    memcpy(out, len > 0 ? *p : "\xef\xbf\xbd", len > 0 ? len : 3);
    *p += len > 0 ? len : 1;
    return out + (len > 0 ? len : 3);
}

static char *put_all(char *out, const char *p, const char *end)
{
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        if (quoted_width[c] == 1) {
            size_t len = plain_run(p, end);
            memcpy(out, p, len);
            out += len;
            p += len;
        } else if (c < 0x80) {
            out = put_escape(out, c);
            p++;
        } else {
            out = put_character(out, &p, end);
        }
    }
    return out;
}

/* Every command passes here, and 16 kB with each where the runner is sh: so no call for each byte. */
int json_quote(struct buf *buf, eep_str text)
{
    const char *end = text.ptr + text.len;
    TRY(buf_append_char(buf, '"'));
    TRY(buf_reserve(buf, quoted_len(text.ptr, end) + 1));
    char *out = put_all(buf->data + buf->len, text.ptr, end);
    buf->len = (size_t)(out - buf->data);
    return buf_append_char(buf, '"');
}
