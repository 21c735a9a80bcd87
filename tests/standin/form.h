/* form.h: a multipart/form-data body, read while it arrives, as Go's reader does: any text before the first delimiter is
 * skipped, white space may follow a delimiter, and nothing but the closing one proves that the body is whole. */
#ifndef STANDIN_FORM_H
#define STANDIN_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Called in order for each part: its start with the field's name ("" if it has none), its bytes, its end. Only what has a filename is
 * a file. */
struct form_handler {
    void (*part)(void *state, const char *name, bool is_file);
    void (*bytes)(void *state, const char *bytes, size_t len);
    void (*end)(void *state);
};

enum form_state {
    FORM_BETWEEN, /* outside of a part: too early for an end */
    FORM_HEADERS,
    FORM_PART,
    FORM_WHOLE,
    FORM_BROKEN, /* something else where a part or a header should begin: see form_complaint */
};

struct form;

/* NULL if this is not the content type of a form with a boundary. */
struct form *form_create(const char *content_type, const struct form_handler *handler, void *state);
void form_destroy(struct form *form); /* accepts NULL */

void form_feed(struct form *form, const char *bytes, size_t len);
enum form_state form_finish(struct form *form); /* no more bytes will come; in what state it is left */
const char *form_complaint(const struct form *form);

#endif
