/* explain.c: the call explain of eep.lease/1: why does this lease not work?
 *
 * From the outside in, in the order in which a person would look: this machine, the way to the service, the
 * credentials, the lease, its state, the way into the sandbox, the sandbox itself. The first failure ends the way
 * there; inside the sandbox everything is looked at. Nothing is started, and no look counts as a use. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "busy.h"
#include "call.h"
#include "daytona/wire.h"
#include "explaining.h"
#include "leased.h"
#include "probe.h"

static void explaining_finish(struct explaining *explaining)
{
    access_finish(&explaining->access);
    sandbox_finish(&explaining->sandbox);
}

static int take_lease(struct explaining *explaining, struct err *err)
{
    eep_explanation *result = explaining->result;
    eep_leased *leased = arena_alloc(&result->head.arena, sizeof *leased);
    if (!leased) return err_no_memory(err);
    result->leases = leased;
    result->lease_stride = sizeof *leased;
    result->lease_count = 1;
    return leased_fill(leased, &result->head.arena, explaining->op->env->config, &explaining->sandbox, err);
}

static void look(struct explaining *explaining)
{
    struct looks checks;
    probe_checks(explaining->op, EEP_PROBE_AUTH, &checks);
    if (!symptoms_take_checks(&explaining->symptoms, &checks)) return;
    if (!explaining_look_at_lease(explaining)) return;
    bool started = explaining_look_at_state(explaining);
    explaining_look_at_quota(explaining);
    if (started) explaining_look_inside(explaining);
}

/* An explanation that was cancelled, or has run out of time, has found nothing out. */
static int interrupted(const struct explaining *explaining, struct err *err)
{
    bool over = clock_now_ms() >= explaining->op->deadline;
    for (int id = 0; id < SYMPTOM_COUNT; id++) {
        const struct look *look = &explaining->symptoms.looks.items[id];
        int code = look->code;
        if (!op_was_stopped(code) && !(code == EEP_E_DEADLINE && over)) continue;
        err_set(err, code, "%s", look->found);
        return code;
    }
    return EEP_OK;
}

static void hide_token(struct explaining *explaining)
{
    for (int id = 0; id < SYMPTOM_COUNT; id++)
        daytona_hide_token_in(explaining_client(explaining), explaining->symptoms.looks.items[id].found);
}

static int run_explain(struct op *op, const void *host_request, void *result, struct err *err)
{
    const eep_explain_request *request = host_request;
    struct op unnoticed = *op;
    unnoticed.wait.extra_header = UNNOTICED_HEADER;
    CLEANUP(explaining_finish)
    struct explaining explaining = {.op = &unnoticed, .lease = request->lease, .result = result};
    TRY(wire_check_id(request->lease, err));
    look(&explaining);
    TRY(interrupted(&explaining, err));
    hide_token(&explaining);
    if (explaining.sandbox.tree) TRY(take_lease(&explaining, err));
    return symptoms_export(&explaining.symptoms, result, err);
}

const struct call call_explain = {
    .name = "explain",
    .request_size = sizeof(eep_explain_request),
    .request_min = sizeof(eep_explain_request),
    .result_size = sizeof(eep_explanation),
    .run = run_explain,
};
