#include "response.h"

#include "clock.h"
#include "mem.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, BROKEN_MAX = 64 << 20 };

static ssize_t read_source(void *closure, uint64_t position, char *bytes, size_t cap)
{
    struct request *request = closure;
    (void)position;
    ssize_t n = request->reply.source(request->reply.source_state, bytes, cap);
    if (n < 0) return MHD_CONTENT_READER_END_WITH_ERROR;
    return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

/* A body of which only the first len bytes are sent before the connection breaks. */
struct broken_body {
    char *bytes;
    size_t len;
};

static ssize_t read_broken(void *closure, uint64_t position, char *bytes, size_t cap)
{
    const struct broken_body *body = closure;
    if (position >= body->len) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t len = body->len - (size_t)position;
    if (len > cap) len = cap;
    memcpy(bytes, body->bytes + position, len);
    return (ssize_t)len;
}

static void free_broken(void *closure)
{
    struct broken_body *body = closure;
    free(body->bytes);
    free(body);
}

/* The body to break, as bytes: what a file or a stream holds, as far as it fits into memory with ease. */
static void collect_body(struct reply *reply)
{
    ssize_t n = 1;
    while (n > 0 && reply->body.len < BROKEN_MAX && buf_reserve(&reply->body, CHUNK) == 0) {
        char *end = reply->body.data + reply->body.len;
        off_t at = (off_t)(reply->file_offset + reply->body.len);
        n = 0;
        if (reply->file >= 0) n = pread(reply->file, end, CHUNK, at);
        if (reply->source != NULL) n = reply->source(reply->source_state, end, CHUNK);
        if (n > 0) reply->body.len += (size_t)n;
    }
    if (reply->file >= 0 && reply->body.len > reply->file_len) reply->body.len = (size_t)reply->file_len;
}

/* A stream stays one: its length is not announced, so that only its end tells that it was cut. */
static struct MHD_Response *broken_response(struct request *request, enum drop_point drop)
{
    struct reply *reply = &request->reply;
    bool is_stream = reply->source != NULL;
    uint64_t announced = reply->file >= 0 ? reply->file_len : reply->body.len;
    if (reply->file >= 0 || is_stream) collect_body(reply);
    struct broken_body *body = mem_alloc(sizeof *body);
    body->len = drop == DROP_MID_BODY ? reply->body.len / 2 : 0;
    body->bytes = buf_take(&reply->body);
    if (announced == 0) announced = 1; /* there must be something to miss */
    return MHD_create_response_from_callback(is_stream ? MHD_SIZE_UNKNOWN : announced, CHUNK, read_broken,
                                             body, free_broken);
}

static struct MHD_Response *whole_response(struct request *request)
{
    struct reply *reply = &request->reply;
    if (reply->source != NULL)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, read_source, request, NULL);
    if (reply->file >= 0) {
        int file = reply->file;
        reply->file = -1; /* the response closes it */
        return MHD_create_response_from_fd_at_offset64(reply->file_len, file, reply->file_offset);
    }
    size_t len = reply->body.len;
    return MHD_create_response_from_buffer(len, buf_take(&reply->body), MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct MHD_Response *response, const struct reply *reply, const struct fault *fault)
{
    MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, clock_http(clock_wall_ms()).text);
    if (reply->content_type != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    if (fault->headers == NULL) return;
    json_object_object_foreach(fault->headers, name, value)
        MHD_add_response_header(response, name, json_object_get_string(value));
}

struct MHD_Response *response_create(struct request *request, const struct fault *fault)
{
    bool broken = fault->drop == DROP_AFTER_HEADERS || fault->drop == DROP_MID_BODY;
    struct MHD_Response *response = broken ? broken_response(request, fault->drop) : whole_response(request);
    if (response != NULL) add_headers(response, &request->reply, fault);
    return response;
}
