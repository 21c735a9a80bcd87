/* json_out.h: JSON strings spelled as the service's Go encoder spells them.
 *
 * Control characters escaped, NUL as \u0000, < > & and U+2028/2029 escaped, each bad UTF-8 byte as \ufffd
 * (protocol 7). json-c cannot do the last one, which is why this exists.
 */
#ifndef STANDIN_JSON_OUT_H
#define STANDIN_JSON_OUT_H

#include "buf.h"

/* Appends a quoted string. -1 when the buffer's maximum is reached. */
int json_out_string(struct buf *out, const char *bytes, size_t len);

#endif
