/* b64.h: base64 (RFC 4648, standard alphabet). */
#ifndef BASE_B64_H
#define BASE_B64_H

#include <stddef.h>

#include "base/buf.h"

/* Appends the encoding of data; line_len > 0 puts a newline after every line_len characters and at the end.
 */
NODISCARD int b64_encode(struct buf *out, const void *data, size_t len, size_t line_len);

/* Appends the decoding of text; blanks and newlines are skipped. EEP_E_PROTOCOL when it is no base64 (with
 * correct padding); out may then hold a part. */
NODISCARD int b64_decode(struct buf *out, const char *text, size_t len);

#endif
