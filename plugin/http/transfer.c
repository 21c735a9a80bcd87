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

/* All headers of an answer: libcurl limits each of them, but not their number. */
#define HEAD_MAX (256u * 1024u)

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

void transfer_go_on(struct transfer *transfer)
{
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
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
    if (transfer->head_bytes > HEAD_MAX) transfer->refusal = EEP_E_TOO_LARGE;
    if (transfer->refusal != EEP_OK) return 0;
    take_header(line, "Content-Type:", response->content_type, sizeof response->content_type);
    take_header(line, "X-Request-Id:", response->request_id, sizeof response->request_id);
    take_header(line, "Location:", response->location, sizeof response->location);
    take_retry_after(line, response);
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
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
    else
        transfer->no_descriptor = errno == EMFILE || errno == ENFILE;
    return fd;
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

/* Nothing of this may come from the process environment behind the host's back. */
static int set_network(struct transfer *transfer, struct err *err)
{
    const struct http_profile *profile = transfer->request->profile;
    CURL *easy = transfer->easy;
    set_protocols(easy);
    set_version(transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PROXY, profile->proxy ? profile->proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, profile->no_proxy ? profile->no_proxy : "");
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
    curl_easy_setopt(easy, CURLOPT_USERAGENT, profile->user_agent);
    if (profile->ca_file && curl_easy_setopt(easy, CURLOPT_CAINFO, profile->ca_file) != CURLE_OK)
        return err_set(err, EEP_E_INVALID_CONFIG, "this libcurl cannot use caFile %s", profile->ca_file);
    return EEP_OK;
}

static int set_up(struct transfer *transfer, const struct wait *wait, struct err *err)
{
    CURL *easy = transfer->easy;
    int64_t left = clock_left_ms(transfer->deadline);
    if (left == 0) return err_set(err, EEP_E_DEADLINE, "no time left to send %s", transfer->request->url);
    if (curl_easy_setopt(easy, CURLOPT_URL, transfer->request->url) != CURLE_OK) return err_no_memory(err);
    TRY(set_network(transfer, err));
    TRY(set_body(transfer, err));
    TRY(set_headers(transfer, wait, err));
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->request->method);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer->owner.owner);
    return EEP_OK;
}

/* Until when it must be over, from now on. */
static int64_t end_of(const struct wait *wait)
{
    int64_t end = wait->answer_ms > 0 ? clock_now_ms() + wait->answer_ms : wait->deadline;
    return end < wait->deadline ? end : wait->deadline;
}

int transfer_init(struct transfer *transfer, const struct http_request *request,
                  struct http_response *response, const struct wait *wait, const struct transfer_owner *owner,
                  struct err *err)
{
    *transfer = (struct transfer){.owner = *owner,
                                  .request = request,
                                  .response = response,
                                  .deadline = end_of(wait),
                                  .easy = curl_easy_init()};
    if (!transfer->easy) return err_no_memory(err);
    http_response_finish(response);
    *response = (struct http_response){.range_total = -1, .body = BUF_INIT(request->max_body)};
    return set_up(transfer, wait, err);
}

void transfer_finish(struct transfer *transfer)
{
    if (transfer->easy) curl_easy_cleanup(transfer->easy);
    curl_mime_free(transfer->mime);
    for (struct curl_slist *line = transfer->headers; line; line = line->next)
        wipe(line->data, strlen(line->data)); /* the Authorization header is among them */
    curl_slist_free_all(transfer->headers);
    *transfer = (struct transfer){0};
}

/* -- What became of it ------------------------------------------------------------------------- */

/* Did any byte of the request leave? */
static bool was_sent(const struct transfer *transfer)
{
    curl_off_t sent = 0;
    long request_size = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_size);
    return sent > 0 || request_size > 0;
}

/* The server may have acted, unless the method only reads. */
static uint32_t maybe_applied(const struct transfer *transfer)
{
    bool reads = strcmp(transfer->request->method, "GET") == 0;
    return !reads && was_sent(transfer) ? EEP_ERROR_MAYBE_APPLIED : 0;
}

static bool is_tls_error(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED: return true;
    default: return false;
    }
}

/* libcurl's own words where it has any. */
static const char *detail(const struct transfer *transfer, CURLcode code)
{
    return transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(code);
}

static int tls_error(const struct transfer *transfer, CURLcode code, struct err *err)
{
    const char *ca_file = transfer->request->profile->ca_file;
    if (code == CURLE_SSL_CACERT_BADFILE && ca_file)
        return err_set(err, EEP_E_TLS, "cannot read the certificates in caFile %s: %s", ca_file,
                       detail(transfer, code));
    return err_set(err, EEP_E_TLS,
                   "TLS with %s failed: %s; for a private certificate authority set caFile to its PEM file",
                   transfer->request->url, detail(transfer, code));
}

static int unavailable(const struct transfer *transfer, CURLcode code, const char *what, struct err *err)
{
    err_set(err, EEP_E_UNAVAILABLE, "%s %s: %s", what, transfer->request->url, detail(transfer, code));
    return err_flag(err, EEP_ERROR_RETRYABLE | maybe_applied(transfer));
}

/* What the proxy answered to CONNECT; 0 = there was none, or none was asked. */
static long connect_status(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

/* Nothing of the request has gone further than to the proxy. */
static int proxy_refused(const struct transfer *transfer, long status, struct err *err)
{
    if (status == 407)
        return err_set(err, EEP_E_INVALID_CONFIG,
                       "the proxy wants a user name and a password (HTTP 407) for %s: set proxy to "
                       "http://USER:PASSWORD@HOST:PORT",
                       transfer->request->url);
    err_set(err, EEP_E_UNAVAILABLE, "the proxy does not connect to %s (HTTP %ld): check proxy and noProxy",
            transfer->request->url, status);
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

/* A repeat that we have not let go out: the first may have been carried out. */
static bool was_held_back(const struct transfer *transfer, CURLcode code)
{
    return code == CURLE_ABORTED_BY_CALLBACK && transfer->request->once && transfer->issued > 0;
}

static int lost_at_once(const struct transfer *transfer, struct err *err)
{
    err_set(err, EEP_E_UNAVAILABLE, "lost the connection to %s, which had been kept from an earlier request",
            transfer->request->url);
    return err_flag(err, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED);
}

static int classify(struct transfer *transfer, CURLcode code, struct err *err)
{
    if (was_held_back(transfer, code)) return lost_at_once(transfer, err);
    if (connect_status(transfer) >= 300) return proxy_refused(transfer, connect_status(transfer), err);
    if (is_tls_error(code)) return tls_error(transfer, code, err);
    /* also what libcurl calls an answer without a status line, which HTTP/0.9 had */
    if (code == CURLE_UNSUPPORTED_PROTOCOL && was_sent(transfer)) code = CURLE_WEIRD_SERVER_REPLY;
    switch (code) {
    case CURLE_OUT_OF_MEMORY: return err_no_memory(err);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(err, EEP_E_INVALID_CONFIG, "cannot use the URL %s: %s", transfer->request->url,
                       detail(transfer, code));
    case CURLE_COULDNT_RESOLVE_HOST: return unavailable(transfer, code, "cannot look up the host of", err);
    case CURLE_COULDNT_RESOLVE_PROXY: return unavailable(transfer, code, "cannot look up the proxy for", err);
    case CURLE_COULDNT_CONNECT: return unavailable(transfer, code, "cannot connect to", err);
    case CURLE_OPERATION_TIMEDOUT:
        if (clock_left_ms(transfer->deadline) > 1) /* libcurl's clock may be one ahead */
            return unavailable(transfer, code, "cannot connect in time to", err);
        err_set(err, EEP_E_DEADLINE, "no answer in time from %s: %s", transfer->request->url,
                detail(transfer, code));
        return err_flag(err, EEP_ERROR_RETRYABLE | maybe_applied(transfer));
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        err_set(err, EEP_E_PROTOCOL, "%s does not speak HTTP: %s", transfer->request->url,
                detail(transfer, code));
        return err_flag(err, maybe_applied(transfer));
    default: return unavailable(transfer, code, "lost the connection to", err);
    }
}

/* How far a transfer came before its time ran out. */
static enum err_layer layer_reached(const struct transfer *transfer)
{
    curl_off_t resolved = 0;
    curl_off_t connected = 0;
    if (was_sent(transfer)) return ERR_LAYER_SERVICE; /* a kept connection has no such times */
    curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (resolved == 0) return ERR_LAYER_RESOLVE;
    return connected == 0 ? ERR_LAYER_CONNECT : ERR_LAYER_SERVICE;
}

static enum err_layer layer_of(const struct transfer *transfer, CURLcode code)
{
    if (connect_status(transfer) >= 300) return ERR_LAYER_CONNECT;
    if (is_tls_error(code)) return ERR_LAYER_TLS;
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY) return ERR_LAYER_RESOLVE;
    if (code == CURLE_COULDNT_CONNECT) return ERR_LAYER_CONNECT;
    return code == CURLE_OPERATION_TIMEDOUT ? layer_reached(transfer) : ERR_LAYER_SERVICE;
}

int transfer_result(struct transfer *transfer, CURLcode code, struct err *err)
{
    long os_errno = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->response->status);
    transfer->response->repeated = transfer->issued > 1;
    /* libcurl takes an answer that ends within its head for a whole one */
    if (code == CURLE_OK && transfer->in_head) code = CURLE_PARTIAL_FILE;
    if (code == CURLE_OK) return EEP_OK;
    if (code == CURLE_WRITE_ERROR && transfer->refusal == EEP_E_NO_MEMORY) {
        err_no_memory(err);
        return err_flag(err, maybe_applied(transfer));
    }
    if (code == CURLE_WRITE_ERROR && transfer->refusal == EEP_E_TOO_LARGE) {
        err_set(err, EEP_E_PROTOCOL,
                "the answer of %s is larger than it may be (%u bytes of headers, %zu of body)",
                transfer->request->url, HEAD_MAX, transfer->request->max_body);
        return err_flag(err, maybe_applied(transfer));
    }
    classify(transfer, code, err);
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
    err->os_errno = (int)os_errno;
    err->layer = layer_of(transfer, code);
    return err->code;
}
