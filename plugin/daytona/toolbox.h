/* toolbox.h: calls to the daemon inside a sandbox (protocol 7, 10).
 *
 * A toolbox base is "{toolboxProxyUrl}/{id}", made by toolbox_base, which refuses URLs that would send our
 * credentials somewhere else. Answers outside 2xx become errors with http_status set; whether the sandbox is
 * stopped, gone or merely unhappy is for the caller to find out (error_calls_for_state). */
#ifndef DAYTONA_TOOLBOX_H
#define DAYTONA_TOOLBOX_H

#include "daytona/client.h"

/* Appends the base to out. EEP_E_PROTOCOL when the URL cannot be used safely: it must be http(s), https if
 * the API is, have no userinfo, query or fragment, and lie within toolboxHosts. */
int toolbox_base(const struct daytona *client, eep_str toolbox_proxy_url, eep_str id, struct buf *out,
                 struct err *err);

struct toolbox_execution {
    int64_t exit_code;
    struct buf output; /* stdout and stderr as the service merged them; valid UTF-8, lossy */
    bool repeated;     /* it was sent more than once, and an earlier one may have been carried out, too */
};

/* CLEANUP(toolbox_execution_finish) struct toolbox_execution execution = {.output = BUF_INIT(limit)}; */
void toolbox_execution_finish(struct toolbox_execution *execution);

/* Runs text in the service's shell. window_s: the service kills its process group after this many seconds and
 * answers 408 (EEP_E_DEADLINE with http_status 408); 0 = never. The output's maximum is that of
 * execution->output. */
int toolbox_execute(struct daytona *client, eep_str base, eep_str command, unsigned window_s,
                    const struct wait *wait, struct toolbox_execution *execution, struct err *err);

struct toolbox_file {
    eep_str path; /* absolute; must not begin or end with white space, which the service trims */
    eep_bytes data;
};

/* Uploads files in one request. Parents are made. Not atomic: upload to a temporary name, then rename. */
int toolbox_upload(struct daytona *client, eep_str base, const struct toolbox_file *files, size_t count,
                   const struct wait *wait, struct err *err);

/* Appends bytes [offset, offset + len) of a file to out (less when the file ends before); len is not 0. EEP_E_PROTOCOL
 * when it is answered with other bytes than were asked for. */
int toolbox_download(struct daytona *client, eep_str base, eep_str path, uint64_t offset, size_t len,
                     const struct wait *wait, struct buf *out, struct err *err);

#endif
