/* calls.c: see calls.h. */
#include "calls.h"

#include "progress.h"

#define ERROR_INIT                                                                                           \
    {                                                                                                        \
        .head = {.struct_size = sizeof(eep_error) }                                                          \
    }

static int finish(struct cli *cli, int code, eep_error *error, struct err *err)
{
    progress_end();
    if (code != EEP_OK) err_take(err, code, error);
    cli->session.plugin->clear(&error->head);
    return code;
}

int call_probe(struct cli *cli, const eep_probe_request *request, eep_probe *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    progress_begin(&cli->out, "looking whether things work");
    return finish(cli, cli->session.plugin->probe(cli->session.env, request, result, &error), &error, err);
}

int call_acquire(struct cli *cli, const eep_acquire_request *request, eep_lease *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    progress_begin(&cli->out, "acquiring a sandbox");
    return finish(cli, cli->session.plugin->acquire_lease(cli->session.env, request, result, &error), &error,
                  err);
}

int call_resume(struct cli *cli, const eep_resume_request *request, eep_lease *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    progress_begin(&cli->out, "resuming the sandbox");
    return finish(cli, cli->session.plugin->resume_lease(cli->session.env, request, result, &error), &error,
                  err);
}

int call_realize(struct cli *cli, const eep_realize_request *request, eep_workspace *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    progress_begin(&cli->out, "preparing the workspace");
    return finish(cli, cli->session.plugin->realize_workspace(cli->session.env, request, result, &error),
                  &error, err);
}

int call_release(struct cli *cli, const eep_release_request *request, eep_released *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    progress_begin(&cli->out, "releasing the sandbox");
    return finish(cli, cli->session.plugin->release(cli->session.env, request, result, &error), &error, err);
}

int call_execute(struct cli *cli, const eep_execute_request *request, eep_execution *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    bool detach = request->head.flags & EEP_EXECUTE_DETACH;
    if (!request->on_output)
        progress_begin(&cli->out, detach ? "starting the command" : "running the command");
    return finish(cli, cli->session.plugin->execute(cli->session.env, request, result, &error), &error, err);
}

static const eep_execution_table *executions_of(const struct cli *cli)
{
    return cli->session.plugin->get_extension(EEP_EXT_EXECUTION);
}

int require_executions(struct cli *cli, struct err *err)
{
    if (executions_of(cli)) return EEP_OK;
    return err_set(
        err, EEP_E_UNSUPPORTED,
        "the plugin %s cannot reach commands by their ids: it lacks the extension " EEP_EXT_EXECUTION,
        cli->session.plugin->id);
}

int call_attach(struct cli *cli, const eep_attach_request *request, eep_execution *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    TRY(require_executions(cli, err));
    if (!request->on_output) progress_begin(&cli->out, "reading what the command writes");
    return finish(cli, executions_of(cli)->attach(cli->session.env, request, result, &error), &error, err);
}

int call_kill(struct cli *cli, const eep_kill_request *request, eep_execution *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    TRY(require_executions(cli, err));
    progress_begin(&cli->out, "ending the command");
    return finish(cli, executions_of(cli)->kill(cli->session.env, request, result, &error), &error, err);
}

int call_list(struct cli *cli, const eep_list_request *request, eep_execution_list *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    TRY(require_executions(cli, err));
    progress_begin(&cli->out, "looking what commands there are");
    return finish(cli, executions_of(cli)->list(cli->session.env, request, result, &error), &error, err);
}

int call_drop(struct cli *cli, const eep_drop_request *request, eep_execution *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    TRY(require_executions(cli, err));
    progress_begin(&cli->out, "removing what the command wrote");
    return finish(cli, executions_of(cli)->drop(cli->session.env, request, result, &error), &error, err);
}

/* -- eep.lease/1 ------------------------------------------------------------------------------- */

static int get_leases(struct cli *cli, const eep_lease_table **table, struct err *err)
{
    *table = cli->session.plugin->get_extension(EEP_EXT_LEASE);
    if (*table) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED,
                   "the plugin %s cannot look after leases: it lacks the extension " EEP_EXT_LEASE,
                   cli->session.plugin->id);
}

int call_leases(struct cli *cli, const eep_leases_request *request, eep_leases *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    const eep_lease_table *leases;
    TRY(get_leases(cli, &leases, err));
    progress_begin(&cli->out, "looking what leases there are");
    return finish(cli, leases->list(cli->session.env, request, result, &error), &error, err);
}

int call_keepalive(struct cli *cli, const eep_keepalive_request *request, eep_kept *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    const eep_lease_table *leases;
    TRY(get_leases(cli, &leases, err));
    progress_begin(&cli->out, "keeping the sandbox alive");
    return finish(cli, leases->keepalive(cli->session.env, request, result, &error), &error, err);
}

int call_reap(struct cli *cli, const eep_reap_request *request, eep_reaping *result, struct err *err)
{
    eep_error error = ERROR_INIT;
    const eep_lease_table *leases;
    TRY(get_leases(cli, &leases, err));
    progress_begin(&cli->out, "looking what can go");
    return finish(cli, leases->reap(cli->session.env, request, result, &error), &error, err);
}

int call_explain(struct cli *cli, const eep_explain_request *request, eep_explanation *result,
                 struct err *err)
{
    eep_error error = ERROR_INIT;
    const eep_lease_table *leases;
    TRY(get_leases(cli, &leases, err));
    progress_begin(&cli->out, "looking what is wrong");
    return finish(cli, leases->explain(cli->session.env, request, result, &error), &error, err);
}
