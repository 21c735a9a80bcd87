#include "server.h"

#include "clock.h"
#include "fd.h"
#include "mem.h"
#include "request.h"
#include "response.h"
#include "routes.h"
#include "toolbox.h"
#include "upload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 256 << 20,
    MAX_CONNECTIONS = 8192,
    CONNECTION_MEMORY = 256 << 10, /* request head, and the chunks in which bodies arrive */
    THREAD_STACK = 512 << 10,
};

/* A client that takes us for a plain http proxy names the whole URL; we are where it leads to. */
static const char *origin_form(const char *target)
{
    const char *authority = strstr(target, "://");
    if (*target == '/' || authority == NULL) return target;
    const char *path = strchr(authority + 3, '/');
    return path != NULL ? path : "/";
}

static struct request *request_create(struct standin *standin, const char *target)
{
    struct request *request = mem_alloc(sizeof *request);
    request->standin = standin;
    request->target = mem_copy(origin_form(target));
    request->agent = -1;
    buf_init(&request->body, BODY_MAX);
    reply_init(&request->reply);
    return request;
}

static void request_destroy(struct request *request)
{
    upload_destroy(request->upload);
    fault_finish(&request->fault);
    toolbox_close(request);
    reply_finish(&request->reply);
    buf_finish(&request->body);
    url_finish(&request->url);
    free(request->sandbox_id);
    free(request->method);
    free(request->target);
    free(request);
}

/* The library must not decode: it would do so before the path is split (see url.h). */
static size_t keep_escapes(void *closure, struct MHD_Connection *connection, char *text)
{
    (void)closure, (void)connection;
    return strlen(text);
}

/* One TCP connection, in the hands of its thread. */
struct line {
    uint64_t number;
    uint64_t requests;
    struct request *request; /* the one under way, or NULL */
};

static struct line *line_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void *on_target(void *closure, const char *target, struct MHD_Connection *connection)
{
    struct line *line = line_of(connection);
    line->request = request_create(closure, target);
    return line->request;
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    static atomic_uint_fast64_t counter;
    (void)closure, (void)connection;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        struct line *line = mem_alloc(sizeof *line);
        line->number = atomic_fetch_add(&counter, 1) + 1;
        *context = line;
    } else {
        struct line *line = *context;
        if (line->request != NULL) request_destroy(line->request); /* refused in the middle of its head */
        free(line);
        *context = NULL;
    }
}

static void read_address(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)info->client_addr;
    inet_ntop(AF_INET, &address->sin_addr, request->address, sizeof request->address);
}

static void register_arrival(struct request *request, bool reused)
{
    size_t path_len = strcspn(request->target, "?");
    CLEANUP(mem_free_text) char *path = mem_copy_n(request->target, path_len);
    const char *query = request->target + path_len;
    struct arrival arrival = {
        .method = request->method, .path = path, .query = query + (*query == '?'), .reused = reused};
    atomic_fetch_add(&request->standin->registry.requests, 1);
    request->log_seq =
        reqlog_arrived(&request->standin->log, request->connection_number, request->method, request->target);
    request->fault = faults_take(&request->standin->faults, &arrival);
}

static bool will_act(const struct fault *fault)
{
    return (fault->status == 0 || fault->acts) && fault->drop != DROP_BEFORE;
}

/* The headers have arrived. */
static void begin_request(struct request *request, struct MHD_Connection *connection, const char *method)
{
    struct line *line = line_of(connection);
    request->connection = connection;
    request->connection_number = line->number;
    read_address(request);
    request->method = mem_copy(method);
    if (!url_parse(&request->url, request->target)) {
        if (strncmp(request->target, "/toolbox/", 9) == 0)
            reply_empty(request, 400);
        else
            reply_api_error(request, 400, "Failed to decode the request target");
        return;
    }
    if (!routes_is_control(request)) register_arrival(request, line->requests++ > 0);
    if (will_act(&request->fault) && routes_begin_upload(request)) request->upload = upload_create(request);
}

static void take_body(struct request *request, const char *bytes, size_t len)
{
    request->bytes_in += len;
    if (request->reply.status != 0) return; /* already refused */
    if (request->upload != NULL)
        upload_feed(request->upload, bytes, len);
    else if (buf_append(&request->body, bytes, len) != 0)
        reply_api_error(request, 413, "request entity too large");
}

static void reply_error(struct request *request, int status, const char *message)
{
    if (request->daemon_path != NULL || strncmp(request->target, "/toolbox", 8) == 0)
        reply_toolbox_error(request, status, "%s", message);
    else
        reply_api_error(request, status, "%s", message);
}

static void replace_reply(struct request *request, const struct fault *fault)
{
    reply_reset(&request->reply);
    if (fault->message != NULL)
        reply_error(request, fault->status, fault->message);
    else if (fault->body == NULL)
        reply_empty(request, fault->status);
    else
        reply_text(request, fault->status,
                   fault->content_type != NULL ? fault->content_type : "application/json", fault->body);
}

static uint64_t reply_size(const struct reply *reply)
{
    return reply->file >= 0 ? reply->file_len : reply->body.len;
}

static void log_reply(struct request *request, int status)
{
    if (request->log_seq == 0) return;
    reqlog_answered(&request->standin->log, request->log_seq, request->sandbox_id, status, request->bytes_in,
                    reply_size(&request->reply));
}

static enum MHD_Result send_reply(struct request *request, const struct fault *fault)
{
    unsigned status = (unsigned)request->reply.status;
    log_reply(request, request->reply.status);
    struct MHD_Response *response = response_create(request, fault);
    if (response == NULL) return MHD_NO;
    enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void act(struct request *request)
{
    const struct fault *fault = &request->fault;
    if (will_act(fault)) routes_serve(request);
    if (fault->status != 0) replace_reply(request, fault);
    if (request->reply.body.overflowed) request->reply.status = 500;
    toolbox_rest(request);
}

static void pause_for(struct request *request, int ms)
{
    if (ms > 0) registry_pause(&request->standin->registry, clock_ms() + ms);
}

/* Turning a connected socket to no address at all makes the kernel send a reset. */
static void reset_connection(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    connect(info->connect_fd, &nowhere, sizeof nowhere); /* fails only when the client has left */
}

/* The whole request has arrived: misbehave if told to, act, answer. MHD_NO closes the connection. */
static enum MHD_Result finish_request(struct request *request)
{
    const struct fault *fault = &request->fault;
    pause_for(request, fault->delay_ms);
    if (fault->drop != DROP_BEFORE) act(request);
    pause_for(request, fault->answer_delay_ms);
    if (fault->drop != DROP_BEFORE && fault->drop != DROP_AFTER_ACTION) return send_reply(request, fault);
    log_reply(request, 0);
    if (fault->reset) reset_connection(request);
    return MHD_NO;
}

static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes, size_t *len,
                                  void **context)
{
    struct request *request = *context;
    (void)closure, (void)url, (void)version;
    if (request->connection == NULL) {
        begin_request(request, connection, method);
        return MHD_YES;
    }
    if (*len > 0) {
        take_body(request, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    return finish_request(request);
}

static void on_completed(void *closure, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    (void)closure, (void)how;
    if (*context != NULL) request_destroy(*context);
    *context = NULL;
    line_of(connection)->request = NULL;
}

static char *read_pem(const char *path, struct fail *why)
{
    size_t len;
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? fd_read_file(fd, &len) : NULL;
    if (text == NULL) fail_set(why, "cannot read %s: %s", path, strerror(errno));
    return text;
}

static struct MHD_Daemon *start_daemon(struct standin *standin, const char *cert, const char *key)
{
    const struct options *options = &standin->options;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    inet_pton(AF_INET, options->bind, &address.sin_addr);
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                     MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                     (cert != NULL ? (unsigned)MHD_USE_TLS : 0);
    struct MHD_OptionItem tuning[] = {
        {MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK, NULL},
        {cert != NULL ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_END, 0, NULL},
    };
    /* clang-format off */
    return MHD_start_daemon(flags, (uint16_t)options->port, NULL, NULL, on_request, standin,
                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, standin,
                            MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                            MHD_OPTION_ARRAY, tuning, MHD_OPTION_END);
    /* clang-format on */
}

static int start_with_tls(struct standin *standin, struct MHD_Daemon **daemon, struct fail *why)
{
    const struct options *options = &standin->options;
    CLEANUP(mem_free_text) char *cert = NULL;
    CLEANUP(mem_free_text) char *key = NULL;
    if (options->tls_cert != NULL) {
        cert = read_pem(options->tls_cert, why);
        key = cert != NULL ? read_pem(options->tls_key, why) : NULL;
        if (key == NULL) return -1;
    }
    *daemon = start_daemon(standin, cert, key);
    if (*daemon != NULL) return 0;
    return fail_set(why, "cannot listen on %s:%d: %s", options->bind, options->port,
                    errno != 0 ? strerror(errno) : "bad certificate or key?");
}

int server_start(struct standin *standin, struct MHD_Daemon **daemon, struct fail *why)
{
    const struct options *options = &standin->options;
    errno = 0;
    TRY(start_with_tls(standin, daemon, why));
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(*daemon, MHD_DAEMON_INFO_BIND_PORT);
    const char *scheme = options->tls_cert != NULL ? "https" : "http";
    standin->origin = options->public_url != NULL
                          ? mem_copy(options->public_url)
                          : mem_format("%s://%s:%u", scheme, options->bind, info->port);
    return 0;
}

void server_stop(struct MHD_Daemon *daemon)
{
    if (daemon != NULL) MHD_stop_daemon(daemon);
}
