/* session.c: see session.h. */
#include "session.h"

#include <stdio.h>

#include "cli.h"
#include "config.h"
#include "hosts/loader/loader.h"
#include "interrupt.h"
#include "progress.h"

enum { DEFAULT_GRACE_MS = 10000 }; /* what the ABI says for 0 */

int session_load(struct cli *cli, const struct wait_args *wait, struct err *err)
{
    struct session *session = &cli->session;
    char message[LOADER_MESSAGE_MAX];
    int code = loader_find(cli->common->plugin, "eep-daytona.so", session->path, sizeof(session->path),
                           message, sizeof(message));
    if (code == EEP_OK) code = loader_open(session->path, &session->plugin, message, sizeof(message));
    if (code != EEP_OK) {
        err_set(err, code, "%s", message);
        return code == EEP_E_NOT_FOUND ? err_hint(err, "name one with --plugin FILE or EEP_PLUGIN") : code;
    }
    session->work = session->plugin->cancel_create();
    session->cleanup = session->plugin->cancel_create();
    if (!session->work || !session->cleanup)
        return err_set(err, EEP_E_NO_MEMORY, "the plugin has no memory for a cancel token");
    interrupt_start(session->plugin, session->work, session->cleanup,
                    wait && wait->grace_ms ? wait->grace_ms : DEFAULT_GRACE_MS);
    return EEP_OK;
}

int session_config(const struct cli *cli, struct bytes *text, struct err *err)
{
    return config_read(cli->common->config, &cli->common->settings, text, err);
}

/* eep_host.log */
static void log_line(void *ctx, uint32_t level, const char *component, const char *message)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug", "host misbehaving"};
    (void)ctx;
    char text[1024];
    snprintf(text, sizeof(text), "[%s] %s: %s", level <= EEP_LOG_HOST_MISBEHAVING ? names[level] : "log",
             component, message);
    err_make_printable(text);
    progress_print("eep: %s\n", text);
}

int session_open(struct cli *cli, const struct wait_args *wait, struct err *err)
{
    CLEANUP(bytes_finish) struct bytes config = {0};
    TRY(session_load(cli, wait, err));
    TRY(session_config(cli, &config, err));
    eep_host host = {
        .struct_size = sizeof(host),
        .log_level = cli->out.verbose ? EEP_LOG_DEBUG
                     : cli->out.quiet ? EEP_LOG_ERROR
                                      : EEP_LOG_WARNING,
        .log = log_line,
        .name = out_str("eep"),
        .version = out_str(CLI_VERSION),
    };
    eep_open_request request = {
        .struct_size = sizeof(request),
        .flags = cli->common->no_trust_env ? 0 : EEP_OPEN_TRUST_ENV,
        .config = {config.data, config.len},
        .host = &host,
    };
    eep_error error = {.head = {.struct_size = sizeof(error)}};
    int code = cli->session.plugin->open(&request, &cli->session.env, &error);
    if (code != EEP_OK) err_take(err, code, &error);
    cli->session.plugin->clear(&error.head);
    if (code == EEP_E_INVALID_CONFIG) err_hint(err, "eep validate shows everything that is wrong with it");
    return code;
}

void session_finish(struct session *session)
{
    if (!session->plugin) return;
    session->plugin->close(session->env);
    interrupt_finish();
    session->plugin->cancel_destroy(session->work);
    session->plugin->cancel_destroy(session->cleanup);
    *session = (struct session){0};
}

eep_request session_request(const struct cli *cli, size_t size, const struct wait_args *wait)
{
    return (eep_request){.struct_size = (uint32_t)size,
                         .timeout_ms = wait->timeout_ms,
                         .grace_ms = wait->grace_ms,
                         .cancel = cli->session.work,
                         .trace_id = out_str(wait->trace_id)};
}
