#include "form.h"

#include "buf.h"
#include "media_type.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEPT_MAX = 1 << 20, BOUNDARY_MAX = 70, NAME_MAX_LEN = 256, COMPLAINT_MAX = 600 };

struct form {
    const struct form_handler *handler;
    void *handler_state;
    enum form_state state;
    bool any_part;
    bool at_start;         /* of a part: its delimiter needs no line break before it */
    char *mark;            /* "\r\n--boundary" */
    const char *delimiter; /* the mark; without \r if the first one's line ended so */
    size_t delimiter_len, break_len;
    struct buf kept; /* not yet taken */
    char name[NAME_MAX_LEN];
    bool is_file;
    char complaint[COMPLAINT_MAX];
};

static void end_lines_with(struct form *form, const char *line_break)
{
    form->break_len = strlen(line_break);
    form->delimiter = form->mark + 2 - form->break_len;
    form->delimiter_len = strlen(form->delimiter);
}

struct form *form_create(const char *content_type, const struct form_handler *handler, void *state)
{
    if (content_type == NULL) return NULL;
    if (!media_type_is(content_type, "multipart/form-data") &&
        !media_type_is(content_type, "multipart/mixed"))
        return NULL;
    CLEANUP(mem_free_text) char *boundary = media_type_parameter(content_type, "boundary");
    if (boundary == NULL || *boundary == '\0' || strlen(boundary) > BOUNDARY_MAX) return NULL;
    struct form *form = mem_alloc(sizeof *form);
    form->handler = handler;
    form->handler_state = state;
    form->mark = mem_format("\r\n--%s", boundary);
    end_lines_with(form, "\r\n");
    buf_init(&form->kept, KEPT_MAX);
    return form;
}

void form_destroy(struct form *form)
{
    if (form == NULL) return;
    buf_finish(&form->kept);
    free(form->mark);
    free(form);
}

static void drop(struct form *form, size_t len)
{
    form->kept.len -= len;
    memmove(form->kept.data, form->kept.data + len, form->kept.len);
}

/* Go quotes what it complains about. */
static void complain(struct form *form, const char *what, const char *line, size_t len)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(sizeof form->complaint - 2);
    buf_format(&text, "%s\"", what);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == '"' || c == '\\')
            buf_format(&text, "\\%c", c);
        else if (c == '\r' || c == '\n')
            buf_text(&text, c == '\r' ? "\\r" : "\\n");
        else
            buf_format(&text, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
    }
    snprintf(form->complaint, sizeof form->complaint, "%.*s\"", (int)text.len, text.data);
    form->state = FORM_BROKEN;
}

/* Is there nothing from here to the end of the line but blanks? The first delimiter decides what ends a line. */
static bool ends_line(struct form *form, const char *at, const char *end, bool may_lack_break)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    size_t left = (size_t)(end - at);
    if (left == 0) return may_lack_break;
    if (!form->any_part && left == 1 && *at == '\n') end_lines_with(form, "\n");
    return left == form->break_len && memcmp(at, form->mark + 2 - form->break_len, left) == 0;
}

static bool is_delimiter(struct form *form, const char *line, size_t len)
{
    const char *dashes = form->mark + 2;
    size_t dashes_len = strlen(dashes);
    return len >= dashes_len && memcmp(line, dashes, dashes_len) == 0 &&
           ends_line(form, line + dashes_len, line + len, false);
}

/* The only line that may lack its break. */
static bool is_last_delimiter(struct form *form, const char *line, size_t len)
{
    const char *dashes = form->mark + 2;
    size_t dashes_len = strlen(dashes);
    return len >= dashes_len + 2 && memcmp(line, dashes, dashes_len) == 0 &&
           memcmp(line + dashes_len, "--", 2) == 0 &&
           ends_line(form, line + dashes_len + 2, line + len, true);
}

/* One line between parts, with its line break. */
static void take_between(struct form *form, const char *line, size_t len)
{
    if (is_delimiter(form, line, len)) {
        form->state = FORM_HEADERS;
        form->any_part = true;
        form->name[0] = '\0';
        form->is_file = false;
    } else if (is_last_delimiter(form, line, len)) {
        form->state = FORM_WHOLE;
    } else if (form->any_part) {
        complain(form, "multipart: expecting a new Part; got line ", line, len);
    }
}

static void take_disposition(struct form *form, const char *value)
{
    if (!media_type_is(value, "form-data")) return;
    CLEANUP(mem_free_text) char *name = media_type_parameter(value, "name");
    CLEANUP(mem_free_text) char *file = media_type_parameter(value, "filename");
    if (name != NULL && strlen(name) < sizeof form->name) strcpy(form->name, name);
    form->is_file = file != NULL && *file != '\0';
}

static void end_headers(struct form *form)
{
    form->state = FORM_PART;
    form->at_start = true;
    form->handler->part(form->handler_state, form->name, form->is_file);
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* One line of a part's head. A folded one goes on with the line before; nothing that matters is ever folded. */
static void take_header(struct form *form, const char *line, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    if (len == 0) {
        end_headers(form);
        return;
    }
    if (*line == ' ' || *line == '\t') return;
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - line) : 0;
    if (colon == NULL) {
        complain(form, "malformed MIME header: missing colon: ", line, len);
    } else if (name_len == 0 || memchr(line, ' ', name_len) != NULL) {
        complain(form, "malformed MIME header line: ", line, len);
    } else if (is_word(line, name_len, "content-disposition")) {
        CLEANUP(mem_free_text) char *value = mem_copy_n(colon + 1, len - name_len - 1);
        take_disposition(form, value);
    }
}

/* False if there is no whole line. */
static bool take_line(struct form *form)
{
    const char *data = form->kept.data, *end = form->kept.len > 0 ? memchr(data, '\n', form->kept.len) : NULL;
    if (end == NULL) return false;
    size_t len = (size_t)(end - data) + 1;
    if (form->state == FORM_BETWEEN)
        take_between(form, data, len);
    else
        take_header(form, data, len);
    drop(form, len);
    return true;
}

static void pass_on(struct form *form, size_t len)
{
    if (len > 0) form->handler->bytes(form->handler_state, form->kept.data, len);
    if (len > 0) form->at_start = false;
    drop(form, len);
}

static void end_part(struct form *form, size_t delimiter_start)
{
    form->handler->end(form->handler_state);
    form->state = FORM_BETWEEN;
    drop(form, delimiter_start); /* to the two dashes: what follows is a line between parts */
}

/* Is what ends here a delimiter? One byte tells, or two if the first is a dash. */
enum answer { NO, YES, NOT_YET };

static enum answer ends_delimiter(const char *rest, size_t len)
{
    if (len == 0) return NOT_YET;
    if (*rest != '-') return *rest != '\0' && strchr(" \t\r\n", *rest) != NULL ? YES : NO;
    if (len == 1) return NOT_YET;
    return rest[1] == '-' ? YES : NO;
}

/* A part without any bytes needs no line break before its delimiter. */
static enum answer is_empty_part(const struct form *form)
{
    const char *dashes = form->mark + 2;
    size_t have = form->kept.len, len = strlen(dashes);
    if (!form->at_start || memcmp(form->kept.data, dashes, have < len ? have : len) != 0) return NO;
    return have <= len ? NOT_YET : ends_delimiter(form->kept.data + len, have - len);
}

/* False if more bytes are needed to go on. */
static bool take_part(struct form *form)
{
    const char *data = form->kept.data;
    size_t have = form->kept.len, len = form->delimiter_len;
    enum answer empty = have > 0 ? is_empty_part(form) : NOT_YET;
    if (empty == YES) end_part(form, 0);
    if (empty != NO) return empty == YES;
    const char *found = memmem(data, have, form->delimiter, len);
    size_t before = found != NULL ? (size_t)(found - data) : have > len ? have - len : 0;
    if (before > 0) {
        pass_on(form, before);
        return true;
    }
    enum answer ends = found != NULL ? ends_delimiter(data + len, have - len) : NOT_YET;
    if (ends == YES) end_part(form, form->break_len);
    if (ends == NO) pass_on(form, 1);
    return ends != NOT_YET;
}

static void work(struct form *form)
{
    bool more = true;
    while (more && form->state < FORM_WHOLE)
        more = form->state == FORM_PART ? take_part(form) : take_line(form);
    if (form->state >= FORM_WHOLE) form->kept.len = 0;
}

void form_feed(struct form *form, const char *bytes, size_t len)
{
    while (len > 0 && form->state < FORM_WHOLE) {
        size_t piece = len < KEPT_MAX / 2 ? len : KEPT_MAX / 2;
        if (buf_append(&form->kept, bytes, piece) != 0) form->state = FORM_BROKEN; /* a line without an end */
        work(form);
        bytes += piece;
        len -= piece;
    }
}

/* What could have become a delimiter is not passed on; a whole one at the very end is one, and with half of its end is none. */
static void end_early(struct form *form)
{
    size_t tail = form->kept.len < form->delimiter_len ? form->kept.len : form->delimiter_len;
    while (tail > 0 && memcmp(form->kept.data + form->kept.len - tail, form->delimiter, tail) != 0)
        tail--;
    pass_on(form, form->kept.len - tail);
    if (tail == form->delimiter_len) end_part(form, tail);
}

/* The headers of a last part that never began: Go takes them for the end. */
static void end_in_headers(struct form *form)
{
    if (form->kept.len > 0) take_header(form, form->kept.data, form->kept.len);
    if (form->state == FORM_HEADERS) form->state = FORM_WHOLE;
}

enum form_state form_finish(struct form *form)
{
    if (form->state == FORM_PART) end_early(form);
    if (form->state == FORM_BETWEEN && is_last_delimiter(form, form->kept.data, form->kept.len))
        form->state = FORM_WHOLE;
    if (form->state == FORM_HEADERS) end_in_headers(form);
    return form->state;
}

const char *form_complaint(const struct form *form)
{
    return form->complaint;
}
