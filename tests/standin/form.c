#include "form.h"

#include "buf.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEPT_MAX = 1 << 20, BOUNDARY_MAX = 70, NAME_MAX_LEN = 256 };

struct form {
    const struct form_handler *handler;
    void *handler_state;
    enum form_state state;
    bool any_part;
    bool at_start;   /* of a part: its delimiter needs no line break before it */
    char *delimiter; /* "\r\n--boundary" */
    size_t delimiter_len;
    struct buf kept; /* not yet taken */
    char name[NAME_MAX_LEN];
};

/* The value of a parameter of a header, quotes and escapes taken off. NULL if absent; to be freed. */
static char *parameter(const char *header, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = header; (at = strchr(at, ';')) != NULL;) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, name, len) != 0 || at[len] != '=') continue;
        at += len + 1;
        if (*at != '"') return mem_copy_n(at, strcspn(at, "; \t\r\n"));
        char *value = mem_copy(at + 1), *out = value;
        for (const char *in = at + 1; *in != '\0' && *in != '"'; in++) {
            if (*in == '\\' && in[1] != '\0') in++;
            *out++ = *in;
        }
        *out = '\0';
        return value;
    }
    return NULL;
}

struct form *form_create(const char *content_type, const struct form_handler *handler, void *state)
{
    static const char type[] = "multipart/form-data";
    if (content_type == NULL || strncasecmp(content_type, type, strlen(type)) != 0) return NULL;
    CLEANUP(mem_free_text) char *boundary = parameter(content_type, "boundary");
    if (boundary == NULL || *boundary == '\0' || strlen(boundary) > BOUNDARY_MAX) return NULL;
    struct form *form = mem_alloc(sizeof *form);
    form->handler = handler;
    form->handler_state = state;
    form->delimiter = mem_format("\r\n--%s", boundary);
    form->delimiter_len = strlen(form->delimiter);
    buf_init(&form->kept, KEPT_MAX);
    return form;
}

void form_destroy(struct form *form)
{
    if (form == NULL) return;
    buf_finish(&form->kept);
    free(form->delimiter);
    free(form);
}

static void drop(struct form *form, size_t len)
{
    form->kept.len -= len;
    memmove(form->kept.data, form->kept.data + len, form->kept.len);
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(" \t\r\n", text[i]) == NULL) return false;
    return true;
}

/* One line between parts, with its line break unless it is the last. */
static void take_between(struct form *form, const char *line, size_t len)
{
    const char *mark = form->delimiter + 2;
    size_t mark_len = form->delimiter_len - 2;
    bool marked = len >= mark_len && memcmp(line, mark, mark_len) == 0;
    const char *rest = line + mark_len;
    if (marked && is_blank(rest, len - mark_len)) {
        form->state = FORM_HEADERS;
        form->any_part = true;
        form->name[0] = '\0';
    } else if (marked && len >= mark_len + 2 && memcmp(rest, "--", 2) == 0 &&
               is_blank(rest + 2, len - mark_len - 2)) {
        form->state = FORM_WHOLE;
    } else if (form->any_part) {
        form->state = FORM_BROKEN;
    }
}

static void take_header(struct form *form, const char *line, size_t len)
{
    static const char disposition[] = "content-disposition:";
    if (is_blank(line, len)) {
        form->state = FORM_PART;
        form->at_start = true;
        form->handler->part(form->handler_state, form->name);
        return;
    }
    if (strncasecmp(line, disposition, strlen(disposition)) != 0) return;
    CLEANUP(mem_free_text) char *text = mem_copy_n(line, len);
    CLEANUP(mem_free_text) char *name = parameter(text, "name");
    if (name != NULL && strlen(name) < sizeof form->name) strcpy(form->name, name);
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

static bool may_follow_delimiter(char c)
{
    return strchr(" \t\r\n-", c) != NULL && c != '\0';
}

/* False if more bytes are needed to go on. */
static bool take_part(struct form *form)
{
    const char *data = form->kept.data, *mark = form->delimiter;
    size_t have = form->kept.len, len = form->delimiter_len;
    if (have == 0) return false;
    bool is_close = form->at_start && memcmp(data, mark + 2, have < len - 2 ? have : len - 2) == 0;
    if (is_close && have < len - 1) return false;
    if (is_close && may_follow_delimiter(data[len - 2])) {
        end_part(form, 0);
        return true;
    }
    const char *found = memmem(data, have, mark, len);
    size_t before = found != NULL ? (size_t)(found - data) : have > len ? have - len : 0;
    if (before > 0) {
        pass_on(form, before);
        return true;
    }
    if (found == NULL || have == len) return false;
    if (may_follow_delimiter(data[len]))
        end_part(form, 2);
    else
        pass_on(form, 1);
    return true;
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

enum form_state form_finish(struct form *form)
{
    if (form->state == FORM_BETWEEN && form->kept.len > 0)
        take_between(form, form->kept.data, form->kept.len);
    if (form->state == FORM_PART) pass_on(form, form->kept.len);
    if (form->state == FORM_HEADERS) form->state = FORM_BETWEEN;
    return form->state;
}
