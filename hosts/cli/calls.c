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
    if (!request->on_output) progress_begin(&cli->out, "running the command");
    return finish(cli, cli->session.plugin->execute(cli->session.env, request, result, &error), &error, err);
}
