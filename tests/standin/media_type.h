/* media_type.h: the value of Content-Type or Content-Disposition, taken apart as strictly as Go's mime.ParseMediaType does.
 *
 * A parameter that is malformed or given twice with different values spoils them all. That is why files[0].path needs its quotes: brackets
 * are no letters of a token.
 */
#ifndef STANDIN_MEDIA_TYPE_H
#define STANDIN_MEDIA_TYPE_H

#include <stdbool.h>

/* Is the type, in any case, wanted? */
bool media_type_is(const char *value, const char *wanted);

/* A parameter's value, quotes and escapes taken off. NULL if it is absent or any is malformed; to be freed. */
char *media_type_parameter(const char *value, const char *name);

#endif
