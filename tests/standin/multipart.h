/* multipart.h: the framing of a bulk-download answer, byte for byte as the service writes it (protocol 10.2).
 */
#ifndef STANDIN_MULTIPART_H
#define STANDIN_MULTIPART_H

#include "buf.h"

#include <stdint.h>

#define MULTIPART_BOUNDARY     "DAYTONA-FILE-BOUNDARY" /* constant, and may occur in data: a wart we keep */
#define MULTIPART_CONTENT_TYPE "multipart/form-data; boundary=" MULTIPART_BOUNDARY

/* The head of one part, up to and with the empty line. first: no line break before the delimiter. */
void multipart_file_head(struct buf *out, bool first, const char *path, uint64_t size);
void multipart_error_head(struct buf *out, bool first, const char *path);
void multipart_filename(struct buf *out, const char *name); /* filename="..."; filename*=... */
void multipart_end(struct buf *out, bool empty);

#endif
