/* request.h: one HTTP request and the answer to it, in the hands of its connection's thread.
 *
 * A handler reads the request, does its work (it may block: each connection has a thread) and calls exactly
 * one reply_ function. It never sees the HTTP library.
 */
#ifndef STANDIN_REQUEST_H
#define STANDIN_REQUEST_H

#include "buf.h"
#include "standin.h"
#include "url.h"

#include <stdarg.h>
#include <sys/types.h>

struct upload;

enum { REPLY_MAX_HEADERS = 16 };

/* Produces the next bytes of a body of unknown length: their number, 0 at the end, -1 to break the connection
 * off. */
typedef ssize_t reply_source(void *state, char *bytes, size_t cap);

struct reply {
    int status;
    const char *content_type; /* NULL = no such header */
    struct buf body;
    int file; /* -1, or a file whose range is the body */
    uint64_t file_offset;
    uint64_t file_len;
    reply_source *source; /* or a stream; source_free is called at its end in any case */
    void (*source_free)(void *state);
    void *source_state;
    struct {
        char *name;
        char *value;
    } headers[REPLY_MAX_HEADERS];
    size_t header_count;
};

struct request {
    struct standin *standin;
    void *connection; /* the HTTP library's, for reading headers */
    uint64_t connection_number;
    char address[64]; /* of the client */
    char *method;
    char *target; /* as sent */
    struct url url;
    char *daemon_path;    /* what the toolbox daemon calls the path: without /toolbox/{id} */
    const char *argument; /* {x} of the route */
    const char *argument2;
    struct buf body;
    struct fault fault;    /* how to misbehave */
    struct upload *upload; /* of a bulk-upload, in place of body */
    uint64_t bytes_in;
    uint64_t log_seq;        /* 0 = not logged */
    char *sandbox_id;        /* for the log */
    struct sandbox *sandbox; /* toolbox: held until the request ends */
    bool is_activity;        /* toolbox: the sandbox is not idle while this runs */
    int agent;               /* toolbox: socket to its agent, or -1 */
    struct json_object *env; /* toolbox: what commands start with */
    struct reply reply;
};

/* An empty reply; forgetting one that was made. */
void reply_init(struct reply *reply);
void reply_finish(struct reply *reply);
void reply_reset(struct reply *reply);

const char *request_header(const struct request *request, const char *name);
const char *request_address(const struct request *request); /* of the client */

/* The body as JSON, an empty one as {}. NULL after a reply has been made: not JSON, or no object. To be put. A body that does not call
 * itself JSON is none for the service: it is not read, as if it were empty. */
struct json_object *request_json(struct request *request);
struct json_object *request_json_untyped(struct request *request); /* whatever it calls itself */

void reply_empty(struct request *request, int status);
void reply_json(struct request *request, int status, struct json_object *object); /* puts the object */
void reply_text(struct request *request, int status, const char *content_type, const char *text);
void reply_header(struct request *request, const char *name, const char *value);

/* The two shapes of protocol 3: the API's, and that of daemon, runner and proxy. */
void reply_api_error(struct request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reply_toolbox_error(struct request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reply_toolbox_error_code(struct request *request, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
