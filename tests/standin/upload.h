/* upload.h: a bulk-upload, written into the sandbox while it arrives (protocol 10.1): any size in flat
 * memory. */
#ifndef STANDIN_UPLOAD_H
#define STANDIN_UPLOAD_H

#include <stddef.h>

struct request;
struct upload;

struct upload *upload_create(struct request *request); /* the request's headers have arrived */
void upload_destroy(struct upload *upload);            /* accepts NULL */
void upload_feed(struct upload *upload, const char *bytes, size_t len);

#endif
