#include "base/json_lint.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

/* An object or array around the place that is looked at. */
struct level {
    json *keys;      /* the keys of an object so far; NULL in an array */
    size_t path_len; /* how much of the pointer leads to it */
    size_t index;    /* of the current element of an array */
};

struct lint {
    eep_str text;
    size_t at;
    struct level levels[JSON_MAX_DEPTH + 1];
    size_t depth; /* levels in use */
    struct buf pointer;
    json_fault_fn *report;
    void *ctx;
};

static void finish(struct lint *lint)
{
    while (lint->depth > 0)
        json_finish(&lint->levels[--lint->depth].keys);
    buf_finish(&lint->pointer);
}

static int fault(struct lint *lint, enum json_fault what)
{
    return lint->report(lint->ctx, what, buf_cstr(&lint->pointer));
}

static struct level *innermost(struct lint *lint)
{
    return lint->depth > 0 ? &lint->levels[lint->depth - 1] : NULL;
}

static void cut_pointer(struct lint *lint, size_t len)
{
    lint->pointer.len = len;
    if (lint->pointer.data) lint->pointer.data[len] = '\0';
}

int json_pointer_step(struct buf *pointer, eep_str name)
{
    TRY(buf_append_char(pointer, '/'));
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '~')
            TRY(buf_append_cstr(pointer, "~0"));
        else if (c == '/')
            TRY(buf_append_cstr(pointer, "~1"));
        else
            TRY(buf_append_char(pointer, c));
    }
    return EEP_OK;
}

static int point_at_element(struct lint *lint, const struct level *array)
{
    return buf_appendf(&lint->pointer, "/%zu", array->index);
}

static int enter(struct lint *lint, bool object)
{
    if (lint->depth >= sizeof lint->levels / sizeof lint->levels[0]) return EEP_E_INTERNAL;
    struct level *level = &lint->levels[lint->depth];
    *level = (struct level){.keys = object ? json_new_object() : NULL, .path_len = lint->pointer.len};
    if (object && !level->keys) return EEP_E_NO_MEMORY;
    lint->depth++;
    return object ? EEP_OK : point_at_element(lint, level);
}

static void leave(struct lint *lint)
{
    struct level *level = innermost(lint);
    if (!level) return;
    cut_pointer(lint, level->path_len);
    json_finish(&level->keys);
    lint->depth--;
}

/* The string that begins at the current place, quotes included. */
static eep_str quoted(const struct lint *lint)
{
    size_t end = lint->at + 1;
    while (end < lint->text.len && lint->text.ptr[end] != '"')
        end += lint->text.ptr[end] == '\\' ? 2 : 1;
    if (end >= lint->text.len) end = lint->text.len - 1;
    return (eep_str){lint->text.ptr + lint->at, end + 1 - lint->at};
}

static bool colon_follows(const struct lint *lint)
{
    size_t at = lint->at;
    while (at < lint->text.len && memchr(" \t\r\n", lint->text.ptr[at], 4))
        at++;
    return at < lint->text.len && lint->text.ptr[at] == ':';
}

static bool has_raw_control(eep_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20) return true;
    return false;
}

static int look_at_key(struct lint *lint, struct level *object, eep_str raw)
{
    struct err err;
    CLEANUP(json_finish) json *decoded = NULL;
    TRY(json_parse(raw, &decoded, &err));
    eep_str key = json_str(decoded);
    cut_pointer(lint, object->path_len);
    if (str_has_byte(key, '\0')) return fault(lint, JSON_NUL_IN_KEY);
    TRY(json_pointer_step(&lint->pointer, key));
    if (json_get(object->keys, key.ptr)) return fault(lint, JSON_DUPLICATE_KEY);
    return json_put(object->keys, key.ptr, json_new_bool(true));
}

static int look_at_string(struct lint *lint)
{
    eep_str raw = quoted(lint);
    struct level *level = innermost(lint);
    lint->at += raw.len;
    if (level && level->keys && colon_follows(lint)) TRY(look_at_key(lint, level, raw));
    return has_raw_control(raw) ? fault(lint, JSON_CONTROL_CHARACTER) : EEP_OK;
}

static int next_element(struct lint *lint)
{
    struct level *level = innermost(lint);
    if (!level) return EEP_OK;
    cut_pointer(lint, level->path_len);
    if (level->keys) return EEP_OK;
    level->index++;
    return point_at_element(lint, level);
}

static int not_strict(struct lint *lint)
{
    lint->at = lint->text.len;
    return fault(lint, JSON_NOT_STRICT);
}

/* Is the byte at this place one of `wanted`? */
static bool is_at(const struct lint *lint, const char *wanted)
{
    return lint->at < lint->text.len && strchr(wanted, lint->text.ptr[lint->at]) != NULL;
}

static size_t skip_all(struct lint *lint, const char *wanted)
{
    size_t from = lint->at;
    while (is_at(lint, wanted))
        lint->at++;
    return lint->at - from;
}

static bool skip_one(struct lint *lint, const char *wanted)
{
    bool there = is_at(lint, wanted);
    if (there) lint->at++;
    return there;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool skip_number(struct lint *lint)
{
    static const char digits[] = "0123456789";
    skip_one(lint, "-");
    bool zero = is_at(lint, "0");
    size_t whole = skip_all(lint, digits);
    if (whole == 0 || (zero && whole > 1)) return false;
    if (skip_one(lint, ".") && skip_all(lint, digits) == 0) return false;
    if (!skip_one(lint, "eE")) return true;
    skip_one(lint, "+-");
    return skip_all(lint, digits) > 0;
}

static int look(struct lint *lint)
{
    if (is_at(lint, "\"")) return look_at_string(lint);
    if (is_at(lint, "-0123456789")) return skip_number(lint) ? EEP_OK : not_strict(lint);
    if (skip_all(lint, " \t\r\n:truefalsn") > 0)
        return EEP_OK; /* json_parse has seen to true, false and null */
    if (!is_at(lint, "{[]},")) return not_strict(lint);
    char c = lint->text.ptr[lint->at++];
    if (c == ',') return next_element(lint);
    if (c == '{' || c == '[') return enter(lint, c == '{');
    leave(lint);
    return EEP_OK;
}

int json_lint(eep_str text, json_fault_fn *report, void *ctx)
{
    CLEANUP(finish)
    struct lint lint = {.text = text, .report = report, .ctx = ctx, .pointer = BUF_INIT(2 * text.len + 64)};
    while (lint.at < text.len)
        TRY(look(&lint));
    return EEP_OK;
}
