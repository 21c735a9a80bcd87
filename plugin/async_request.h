/* async_request.h: which calls can be submitted, and their requests as memory of our own.
 *
 * A new call needs one line in async_request.c, and one for each field of its request that points somewhere: its test
 * compares them with the ABI. */
#ifndef PLUGIN_ASYNC_REQUEST_H
#define PLUGIN_ASYNC_REQUEST_H

#include "call.h"

/* A place in a request that points elsewhere: an eep_str or eep_bytes, or (element set) an array of structs. */
struct pointer_field {
    size_t offset;
    size_t count;  /* offset of the array's count */
    size_t stride; /* offset of its stride */
    const struct element *element;
};

struct async_call {
    const char *name;
    const struct call *call;
    const struct pointer_field *fields;
    size_t field_count;
    size_t on_output; /* offset of on_output, with output_ctx behind it; 0 = it has none */
};

/* NULL = there is no such call. */
const struct async_call *async_find(const char *name);

/* A request of our own; secrets in it are wiped at the end. Zeroed = none. */
struct async_copy {
    union call_request request;
    char *memory;
    size_t size;
};

/* EEP_E_INVALID_ARGUMENT, _UNSUPPORTED: what cannot be copied. EEP_E_TOO_LARGE, _NO_MEMORY. */
int async_copy_init(struct async_copy *copy, const struct async_call *call, const void *request,
                    struct err *err);
void async_copy_finish(struct async_copy *copy);

#endif
