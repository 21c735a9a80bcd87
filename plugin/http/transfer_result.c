/* transfer_result.c: what became of a transfer: libcurl's word for it, in ours. */
#include <string.h>

#include "base/clock.h"
#include "http/transfer.h"

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
    /* Which way libcurl took, it does not tell: noProxy may have kept it from the proxy. */
    const char *way = transfer->request->profile->proxy ? "; a proxy is set: check proxy and noProxy" : "";
    err_set(err, EEP_E_UNAVAILABLE, "%s %s: %s%s", what, transfer->request->url, detail(transfer, code), way);
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
    if (transfer->refusal == EEP_E_NO_MEMORY) {
        err_no_memory(err);
        return err_flag(err, maybe_applied(transfer));
    }
    if (transfer->refusal == EEP_E_TOO_LARGE) {
        err_set(err, EEP_E_PROTOCOL,
                "the answer of %s is larger than it may be (%u bytes of headers, %zu of body)",
                transfer->request->url, TRANSFER_HEAD_MAX, transfer->request->max_body);
        return err_flag(err, maybe_applied(transfer));
    }
    if (code == CURLE_OK) return EEP_OK;
    classify(transfer, code, err);
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
    err->os_errno = (int)os_errno;
    err->layer = layer_of(transfer, code);
    return err->code;
}
