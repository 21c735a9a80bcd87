/* explain_lease.c: does the service know the lease, and what state is it in? */
#include "base/clock.h"
#include "base/str.h"
#include "create.h"
#include "daytona/account.h"
#include "daytona/sandboxes.h"
#include "explaining.h"
#include "leased.h"

/* -- The lease --------------------------------------------------------------------------------- */

/* What the credentials see at all, as evidence. */
static void describe_account(const struct explaining *explaining, struct err *why)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err err = ERR_INIT;
    const struct wait *wait = &explaining->op->wait;
    int status = account_list_one(explaining_client(explaining), wait, &answer, &err);
    if (op_was_stopped(status)) *why = err;
    if (status != EEP_OK) return;
    json *first = json_at(json_get(answer, "items"), 0);
    eep_str organization = json_str(json_get(first, "organizationId"));
    struct err told = *why;
    if (!first)
        err_set(why, told.code, "%s. These credentials see no sandbox at all", told.message);
    else if (!str_empty(organization))
        err_set(why, told.code, "%s. These credentials belong to organization %.*s, which has others",
                told.message, explaining_cut(organization, 128), organization.ptr);
}

static bool lease_failed(struct explaining *explaining, struct err *why)
{
    if (why->code != EEP_E_NOT_FOUND)
        return symptoms_failed(
            &explaining->symptoms, SYMPTOM_LEASE, why,
            "the service answers other requests, so try again; if it stays, report it to its "
            "operators with the time and the id of the lease");
    err_set(why, EEP_E_LEASE_LOST, "the service does not know lease %.*s",
            explaining_cut(explaining->lease, EEP_LEASE_MAX), explaining->lease.ptr);
    describe_account(explaining, why);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_LEASE, why,
        "if it was not deleted (by release, by reap, or by its auto-delete interval after it had "
        "stopped), it belongs to another organization: use a key of that one. Else acquire a new "
        "lease");
}

static void tell_owner(struct explaining *explaining)
{
    struct symptoms *symptoms = &explaining->symptoms;
    const struct sandbox *sandbox = &explaining->sandbox;
    uint32_t flags = leased_flags(explaining->op->env->config, sandbox);
    eep_str owner = sandbox_label(sandbox, LABEL_OWNER);
    if (flags & EEP_LEASED_FOREIGN)
        looks_ok(&symptoms->looks, SYMPTOM_LEASE, "the service knows it; it was not made by acquire_lease");
    else if (flags & EEP_LEASED_OWN)
        looks_ok(&symptoms->looks, SYMPTOM_LEASE, "the service knows it as %.*s",
                 explaining_cut(sandbox->name, 128), sandbox->name.ptr ? sandbox->name.ptr : "");
    else
        looks_ok(&symptoms->looks, SYMPTOM_LEASE,
                 "the service knows it; its owner is \"%.*s\", not the configured one",
                 explaining_cut(owner, 128), owner.ptr ? owner.ptr : "");
}

bool explaining_look_at_lease(struct explaining *explaining)
{
    struct err why = ERR_INIT;
    looks_begin(&explaining->symptoms.looks);
    if (sandboxes_get(explaining_client(explaining), explaining->lease, &explaining->op->wait,
                      &explaining->sandbox, &why) != EEP_OK)
        return lease_failed(explaining, &why);
    tell_owner(explaining);
    return true;
}

/* -- Its state --------------------------------------------------------------------------------- */

static long long seconds_since(int64_t wall_ms)
{
    int64_t ms = clock_wall_ms() - wall_ms;
    return wall_ms && ms > 0 ? (long long)ms / 1000 : 0;
}

static bool state_rests(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    long long minutes = (long long)sandbox_number(sandbox, "autoStopInterval", SANDBOX_AUTO_STOP_MIN);
    err_set(why, EEP_E_CONFLICT,
            "it is %.*s since %lld s; it stops by itself after %lld idle minutes (0 = never)",
            explaining_cut(sandbox->state, 64), sandbox->state.ptr,
            seconds_since(leased_active_at_ms(sandbox)), minutes);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        "resume it, or run a command in it: both start it, and its files are kept. To keep it running: "
        "keepalive, or a longer autoStopInterval");
}

static bool state_failed(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    eep_str reason =
        str_empty(sandbox->error_reason) ? STR("nothing about the cause") : sandbox->error_reason;
    err_set(why, EEP_E_SANDBOX, "it is in state %.*s; the service says: %.*s",
            explaining_cut(sandbox->state, 64), sandbox->state.ptr, explaining_cut(reason, 400), reason.ptr);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        sandbox->recoverable
            ? "the service can recover it: resume it, which does so and keeps its files"
            : "the service cannot recover it: release it with DESTROY and acquire a new one");
}

static bool state_changes(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    bool known = sandbox_state_code(sandbox->state) != EEP_STATE_UNKNOWN;
    err_set(why, EEP_E_UNAVAILABLE, "it is %.*s for %lld s%s", explaining_cut(sandbox->state, 64),
            sandbox->state.ptr ? sandbox->state.ptr : "in no state",
            seconds_since(sandbox_time_ms(sandbox, "updatedAt")),
            known ? "" : ", a state that this plugin does not know");
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        "wait: calls do so by themselves, as long as their timeout. The service gives a start up "
        "after 5 minutes, a creation after 15, a restoration after 30");
}

bool explaining_look_at_state(struct explaining *explaining)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    struct err why = ERR_INIT;
    switch (sandbox->phase) {
    case PHASE_STARTED:
        return looks_ok(&explaining->symptoms.looks, SYMPTOM_STATE, "started; last used %lld s ago",
                        seconds_since(leased_active_at_ms(sandbox)));
    case PHASE_RESTING: return state_rests(explaining, &why);
    case PHASE_FAILED: return state_failed(explaining, &why);
    case PHASE_GONE:
        err_set(&why, EEP_E_LEASE_LOST, "it is being deleted");
        return symptoms_failed(&explaining->symptoms, SYMPTOM_STATE, &why, "acquire a new lease");
    default: return state_changes(explaining, &why);
    }
}
