#include "runner/frame.h"

#include <string.h>

#include "base/str.h"

int frame_error(struct err *err, const char *why)
{
    return err_set(err, EEP_E_PROTOCOL, "the sandbox's answer is not what the runner sends: %s", why);
}

/* Takes what lies before the first `sep` off the front; false if there is no `sep`. */
static bool take_until(eep_str *text, char sep, eep_str *part)
{
    const char *end = text->len ? memchr(text->ptr, sep, text->len) : NULL;
    if (!end) return false;
    *part = (eep_str){text->ptr, (size_t)(end - text->ptr)};
    text->ptr += part->len + 1;
    text->len -= part->len + 1;
    return true;
}

/* Skips everything before "EEP1 NONCE " and that itself. The noise need not end with a newline. */
static bool find_head(eep_str text, eep_str nonce, eep_str *rest)
{
    static const char magic[] = "EEP1 ";
    const size_t magic_len = sizeof magic - 1;
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    while (text.len > 0 && (at = memmem(at, (size_t)(end - at), magic, magic_len)) != NULL) {
        at += magic_len;
        size_t left = (size_t)(end - at);
        if (left <= nonce.len || memcmp(at, nonce.ptr, nonce.len) != 0 || at[nonce.len] != ' ') continue;
        *rest = (eep_str){at + nonce.len + 1, left - nonce.len - 1};
        return true;
    }
    return false;
}

static int parse_field(struct frame *frame, eep_str token, struct err *err)
{
    eep_str key;
    if (frame->count == FRAME_FIELDS) return frame_error(err, "too many fields");
    if (!take_until(&token, '=', &key) || !str_is_word(key))
        return frame_error(err, "a field without a name");
    for (size_t i = 0; i < frame->count; i++)
        if (str_eq(frame->fields[i].key, key)) return frame_error(err, "a field occurs twice");
    frame->fields[frame->count++] = (struct frame_field){key, token, false};
    return EEP_OK;
}

/* word *(key=value) "." */
static int parse_head(struct frame *frame, eep_str line, struct err *err)
{
    if (!take_until(&line, ' ', &frame->word) || !str_is_word(frame->word))
        return frame_error(err, "a head line without a state");
    eep_str token;
    while (take_until(&line, ' ', &token))
        TRY(parse_field(frame, token, err));
    return str_is(line, ".") ? EEP_OK : frame_error(err, "a head line that was cut off");
}

int frame_begin(eep_str text, eep_str nonce, struct frame *frame, struct err *err)
{
    eep_str line = {0};
    *frame = (struct frame){.nonce = nonce};
    if (!find_head(text, nonce, &frame->rest))
        return frame_error(err, "there is no line with this request's nonce");
    TRY(frame_line(frame, &line, err));
    return parse_head(frame, line, err);
}

eep_str frame_get(struct frame *frame, const char *key)
{
    for (size_t i = 0; i < frame->count; i++) {
        if (!str_is(frame->fields[i].key, key)) continue;
        frame->fields[i].used = true;
        return frame->fields[i].value;
    }
    return (eep_str){0};
}

int frame_u64(struct frame *frame, const char *key, uint64_t max, uint64_t *out, struct err *err)
{
    unsigned long long value = 0;
    if (!str_to_u64(frame_get(frame, key), max, &value)) return frame_error(err, "a number that cannot be");
    *out = value;
    return EEP_OK;
}

int frame_all_used(const struct frame *frame, struct err *err)
{
    for (size_t i = 0; i < frame->count; i++)
        if (!frame->fields[i].used) return frame_error(err, "a field that does not belong there");
    return EEP_OK;
}

int frame_line(struct frame *frame, eep_str *line, struct err *err)
{
    return take_until(&frame->rest, '\n', line) ? EEP_OK : frame_error(err, "it was cut off");
}

bool frame_ends(struct frame *frame)
{
    eep_str text = frame->rest;
    eep_str line;
    if (!take_until(&text, '\n', &line) || !str_has_prefix(line, "EEP1 ")) return false;
    line = (eep_str){line.ptr + 5, line.len - 5};
    if (line.len != frame->nonce.len + 4 || memcmp(line.ptr, frame->nonce.ptr, frame->nonce.len) != 0)
        return false;
    if (memcmp(line.ptr + frame->nonce.len, " end", 4) != 0) return false;
    frame->rest = text;
    return true;
}

int frame_text(struct frame *frame, const char *name, char *out, size_t cap, struct err *err)
{
    eep_str line;
    eep_str word;
    TRY(frame_line(frame, &line, err));
    if (!take_until(&line, ' ', &word) || !str_is(word, name))
        return frame_error(err, "another line was expected");
    if (line.len >= cap || str_has_control(line)) return frame_error(err, "a text that cannot be");
    str_copy(out, cap, line);
    return EEP_OK;
}
