#include "http/transfer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#define RETRY_AFTER_MAX_S (24 * 3600)

void http_response_finish(struct http_response *response)
{
    buf_finish(&response->body);
}

/* -- What comes back --------------------------------------------------------------------------- */

/* libcurl reads as long as there is something to read, up to 1.6 MB at once: too much for those who wait behind a
 * large transfer. (Streams of HTTP/2 are left alone: pausing one needs room for what its connection brings.) */
#define SHARE_BYTES (256u * 1024u)

static bool is_multiplexed(const struct transfer *transfer)
{
    long version = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    return version >= CURL_HTTP_VERSION_2_0;
}

static void give_way(struct transfer *transfer)
{
    transfer->share = 0;
    if (is_multiplexed(transfer)) return;
    curl_easy_pause(transfer->easy, CURLPAUSE_RECV);
    transfer->owner.on_yield(transfer->owner.ctx, transfer->owner.owner);
}

CURLcode transfer_go_on(struct transfer *transfer)
{
    return curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    if (transfer->refusal != EEP_OK) return 0; /* no body has a gap */
    transfer->refusal = buf_append(&transfer->response->body, data, size * count);
    transfer->share += size * count;
    if (transfer->refusal == EEP_OK && transfer->share >= SHARE_BYTES) give_way(transfer);
    return transfer->refusal == EEP_OK ? size * count : 0;
}

/* The value if `line` is the header `name` ("Name:"), else absent. */
static eep_str header_value(eep_str line, const char *name)
{
    size_t len = strlen(name);
    if (line.len < len || strncasecmp(line.ptr, name, len) != 0) return (eep_str){NULL, 0};
    return str_trim((eep_str){line.ptr + len, line.len - len});
}

static void take_header(eep_str line, const char *name, char *out, size_t cap)
{
    eep_str value = header_value(line, name);
    if (value.ptr && str_is_print(value)) str_copy(out, cap, value);
}

/* Seconds, or the date that proxies like to send. */
static bool parse_delay(eep_str value, uint64_t *seconds)
{
    char text[64];
    unsigned long long number = 0;
    if (str_to_u64(value, RETRY_AFTER_MAX_S, &number)) {
        *seconds = number;
        return true;
    }
    str_copy(text, sizeof text, value);
    time_t then = curl_getdate(text, NULL);
    time_t now = time(NULL);
    if (then == -1 || then < now || then - now > RETRY_AFTER_MAX_S) return false;
    *seconds = (uint64_t)(then - now);
    return true;
}

/* "Retry-After: 3", "Retry-After-sandbox-create: 12" */
static void take_retry_after(eep_str line, struct http_response *response)
{
    const size_t len = strlen("Retry-After");
    uint64_t seconds = 0;
    eep_str value;
    eep_str name = str_split(line, ':', &value);
    if (name.len < len || strncasecmp(name.ptr, "Retry-After", len) != 0) return;
    if (!parse_delay(str_trim(value), &seconds) || seconds * 1000 <= response->retry_after_ms) return;
    response->retry_after_ms = (uint32_t)(seconds * 1000);
    size_t skip = name.len > len ? len + 1 : len;
    str_copy(response->retry_after_name, sizeof response->retry_after_name,
             (eep_str){name.ptr + skip, name.len - skip});
}

/* "Content-Range: bytes 0-99/1234" */
static void take_range_total(eep_str line, struct http_response *response)
{
    unsigned long long total = 0;
    eep_str rest;
    eep_str value = header_value(line, "Content-Range:");
    if (!value.ptr) return;
    str_split(value, '/', &rest);
    if (rest.ptr && str_to_u64(rest, INT64_MAX, &total)) response->range_total = (int64_t)total;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct http_response *response = transfer->response;
    eep_str line = {data, size * count};
    transfer->in_head = str_has_prefix(line, "HTTP/") || (transfer->in_head && str_trim(line).len > 0);
    transfer->head_bytes += line.len;
    if (transfer->head_bytes > TRANSFER_HEAD_MAX) transfer->refusal = EEP_E_TOO_LARGE;
    if (transfer->refusal != EEP_OK) return 0;
    take_header(line, "Content-Type:", response->content_type, sizeof response->content_type);
    take_header(line, "X-Request-Id:", response->request_id, sizeof response->request_id);
    take_header(line, "Location:", response->location, sizeof response->location);
    take_retry_after(line, response);
    take_header(line, "Date:", response->date, sizeof response->date);
    take_range_total(line, response);
    return line.len;
}

/* -- What goes out ----------------------------------------------------------------------------- */

struct part_reader {
    const struct http_part *part;
    size_t at;
};

static size_t read_part(char *out, size_t size, size_t count, void *ctx)
{
    struct part_reader *reader = ctx;
    size_t left = reader->part->data.len - reader->at;
    size_t take = size * count < left ? size * count : left;
    if (take > 0) memcpy(out, (const char *)reader->part->data.ptr + reader->at, take);
    reader->at += take;
    return take;
}

static int seek_part(void *ctx, curl_off_t offset, int origin)
{
    struct part_reader *reader = ctx;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > reader->part->data.len)
        return CURL_SEEKFUNC_CANTSEEK;
    reader->at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* A part is read from the caller's memory, without a copy. */
static bool add_part(struct transfer *transfer, const struct http_part *part)
{
    struct part_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return false;
    reader->part = part;
    curl_mimepart *mime = curl_mime_addpart(transfer->mime);
    bool ok = mime && curl_mime_name(mime, part->name) == CURLE_OK &&
              (!part->filename || curl_mime_filename(mime, part->filename) == CURLE_OK);
    if (ok &&
        curl_mime_data_cb(mime, (curl_off_t)part->data.len, read_part, seek_part, free, reader) == CURLE_OK)
        return true;
    free(reader);
    return false;
}

static int set_multipart(struct transfer *transfer, struct err *err)
{
    const struct http_request *request = transfer->request;
    transfer->mime = curl_mime_init(transfer->easy);
    if (!transfer->mime) return err_no_memory(err);
    for (size_t i = 0; i < request->part_count; i++)
        if (!add_part(transfer, &request->parts[i])) return err_no_memory(err);
    curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, transfer->mime);
    return EEP_OK;
}

static int set_body(struct transfer *transfer, struct err *err)
{
    const struct http_request *request = transfer->request;
    if (request->part_count > 0) return set_multipart(transfer, err);
    bool post = strcmp(request->method, "POST") == 0;
    if (!request->body.ptr && !post) return EEP_OK;
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, request->body.ptr ? request->body.ptr : "");
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    return EEP_OK;
}

static int add_header(struct transfer *transfer, const char *line, struct err *err)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);
    if (!list) return err_no_memory(err);
    transfer->headers = list;
    return EEP_OK;
}

static int set_headers(struct transfer *transfer, const struct wait *wait, struct err *err)
{
    const struct http_request *request = transfer->request;
    for (const char *const *line = request->headers; line && *line; line++)
        TRY(add_header(transfer, *line, err));
    if (wait->trace_header) TRY(add_header(transfer, wait->trace_header, err));
    if (wait->extra_header) TRY(add_header(transfer, wait->extra_header, err));
    if (request->secret_header) TRY(add_header(transfer, request->secret_header, err));
    TRY(add_header(transfer, "Expect:", err)); /* 100-continue would cost a round trip */
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    return EEP_OK;
}

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* How long the other side may leave bytes, or a question whether it is still there, unconfirmed: a machine or a NAT
 * entry that is gone is noticed, though the service may hold an answer back for longer. A server that does not take
 * what is sent to it is given as much. */
#define SILENCE_MS        60000
#define KEEPALIVE_S       20L
#define KEEPALIVE_EVERY_S 5L

/* Programs that the host starts must not hold our connections open: old libcurl does not see to it. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = ctx;
    unsigned silence = SILENCE_MS;
    (void)purpose;
    int fd = fd_above_stdio(socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol));
    if (fd < 0) {
        transfer->no_descriptor = errno == EMFILE || errno == ENFILE;
        return fd;
    }
    sockets_opened(transfer->owner.sockets, fd);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
    return fd;
}

static int close_socket(void *ctx, curl_socket_t socket)
{
    sockets_close(ctx, socket);
    return 0;
}

static int on_connected(void *ctx, char *address, char *local_address, int port, int local_port)
{
    struct transfer *transfer = ctx;
    (void)address, (void)local_address, (void)port, (void)local_port;
    if (transfer->issued > 0 && transfer->request->once) return CURL_PREREQFUNC_ABORT;
    transfer->issued++;
    transfer->owner.on_connected(transfer->owner.ctx, transfer->owner.owner);
    return CURL_PREREQFUNC_OK;
}

/* HTTP/2 where TLS agrees on it. The first connection to a server tells: the others wait for that long. Without
 * TLS there is no telling before the first answer, which may take its time. */
static void set_version(struct transfer *transfer)
{
    bool tls = strncasecmp(transfer->request->url, "https:", 6) == 0;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTP_VERSION,
                     (long)(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(transfer->easy, CURLOPT_PIPEWAIT, tls && !transfer->request->fresh_connection ? 1L : 0L);
}

/* libcurl copies it: without memory there would be none, and the request another one. */
static int set_text(struct transfer *transfer, CURLoption option, const char *text, struct err *err)
{
    return curl_easy_setopt(transfer->easy, option, text) == CURLE_OK ? EEP_OK : err_no_memory(err);
}

/* Nothing of this may come from the process environment behind the host's back. */
static int set_network(struct transfer *transfer, struct err *err)
{
    const struct http_profile *profile = transfer->request->profile;
    CURL *easy = transfer->easy;
    set_protocols(easy);
    set_version(transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->owner.sockets);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    TRY(set_text(transfer, CURLOPT_PROXY, profile->proxy ? profile->proxy : "", err));
    TRY(set_text(transfer, CURLOPT_NOPROXY, profile->no_proxy ? profile->no_proxy : "", err));
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* ending a look-up must not wait for the resolver */
#endif
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, profile->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, transfer->request->idle_limit_s);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, transfer->request->fresh_connection ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    TRY(set_text(transfer, CURLOPT_USERAGENT, profile->user_agent, err));
    if (profile->ca_file && curl_easy_setopt(easy, CURLOPT_CAINFO, profile->ca_file) != CURLE_OK)
        return err_set(err, EEP_E_INVALID_CONFIG, "this libcurl cannot use caFile %s", profile->ca_file);
    return EEP_OK;
}

static int set_up(struct transfer *transfer, const struct wait *wait, struct err *err)
{
    CURL *easy = transfer->easy;
    int64_t left = clock_left_ms(transfer->deadline);
    if (left == 0) return err_set(err, EEP_E_DEADLINE, "no time left to send %s", transfer->request->url);
    TRY(set_text(transfer, CURLOPT_URL, transfer->request->url, err));
    TRY(set_text(transfer, CURLOPT_CUSTOMREQUEST, transfer->request->method, err));
    TRY(set_network(transfer, err));
    TRY(set_body(transfer, err));
    TRY(set_headers(transfer, wait, err));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer->owner.owner);
    return EEP_OK;
}

static CURL *take_handle(struct transfer_pool *pool)
{
    return pool->count > 0 ? pool->idle[--pool->count] : curl_easy_init();
}

/* Nothing of what was set stays, the Authorization header least of all. */
static void give_handle_back(struct transfer_pool *pool, CURL *easy)
{
    if (pool->count == TRANSFER_POOL) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    pool->idle[pool->count++] = easy;
}

void transfer_pool_finish(struct transfer_pool *pool)
{
    while (pool->count > 0)
        curl_easy_cleanup(pool->idle[--pool->count]);
}

/* Until when it must be over, from now on. */
static int64_t end_of(const struct wait *wait)
{
    int64_t end = wait->answer_ms > 0 ? clock_now_ms() + wait->answer_ms : wait->deadline;
    return end < wait->deadline ? end : wait->deadline;
}

int transfer_init(struct transfer *transfer, struct transfer_pool *pool, const struct http_request *request,
                  struct http_response *response, const struct wait *wait, const struct transfer_owner *owner,
                  struct err *err)
{
    *transfer = (struct transfer){.owner = *owner,
                                  .request = request,
                                  .response = response,
                                  .deadline = end_of(wait),
                                  .easy = take_handle(pool)};
    if (!transfer->easy) return err_no_memory(err);
    http_response_finish(response);
    *response = (struct http_response){.range_total = -1, .body = BUF_INIT(request->max_body)};
    return set_up(transfer, wait, err);
}

void transfer_finish(struct transfer *transfer, struct transfer_pool *pool)
{
    if (transfer->easy) give_handle_back(pool, transfer->easy);
    curl_mime_free(transfer->mime);
    for (struct curl_slist *line = transfer->headers; line; line = line->next)
        wipe(line->data, strlen(line->data)); /* the Authorization header is among them */
    curl_slist_free_all(transfer->headers);
    *transfer = (struct transfer){0};
}
