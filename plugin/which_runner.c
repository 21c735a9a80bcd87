#include "which_runner.h"

#include "base/str.h"
#include "runner/native.h"

/* The shell could not become the program (a changed mount, a filter), or found it gone in the last moment. */
#define SHELL_CANNOT_EXECUTE 126
#define SHELL_CANNOT_FIND    127

static bool is_wanted(const struct eep_env *env, const char *runner)
{
    return str_is(env->config->runner, runner);
}

bool which_runner_native(const struct eep_env *env)
{
    return native_name() && !is_wanted(env, "sh");
}

enum runner_use which_runner_either(const struct eep_env *env)
{
    return which_runner_native(env) ? RUNNER_EITHER : RUNNER_SH;
}

/* What facts may say, beside the program's path. */
#define USES_SH  "sh"
#define IS_THERE "native" /* in the folder */
#define IS_NOT   "absent" /* but there is one for its CPU */

void which_runner_choose(const struct access *access, bool starts, struct runner_call *call)
{
    const struct eep_env *env = access->op->env;
    eep_str known = access->facts ? access->facts->runner : (eep_str){NULL, 0};
    bool insists = is_wanted(env, "native");
    bool absent = str_is(known, IS_NOT);
    call->use = RUNNER_EITHER;
    if (!str_absent(known) || insists) call->use = RUNNER_NATIVE;
    if (is_wanted(env, "sh") || (str_is(known, USES_SH) && !insists) || (absent && !starts))
        call->use = RUNNER_SH;
    if (call->use != RUNNER_NATIVE) return;
    if (str_has_prefix(known, "/")) call->native = known;
    if (absent) call->program = access->facts->arch;
}

static int remember(struct access *access, eep_str runner, eep_str cpu, struct err *err)
{
    struct facts known = facts_strings(access->facts);
    known.runner = runner;
    if (!str_empty(cpu)) known.arch = cpu;
    return access_remember(access, &known, err);
}

static int forget_native(struct access *access, struct err *err)
{
    op_log(access->op, EEP_LOG_INFO, "lease %.*s: the native runner is not there or does not run; sh goes on",
           (int)access->lease.len, access->lease.ptr);
    return remember(access, STR(USES_SH), (eep_str){NULL, 0}, err);
}

static int learn(struct access *access, const struct runner_answer *answer, struct err *err)
{
    eep_str cpu = str_from(answer->cpu);
    bool can_have = !str_empty(cpu) && native_program(cpu);
    return remember(access, answer->native ? STR(IS_THERE) : can_have ? STR(IS_NOT) : STR(USES_SH), cpu, err);
}

int which_runner_judge(struct access *access, const struct runner_call *call, int64_t exit_code,
                       const struct runner_answer *answer, bool *again, int status, struct err *err)
{
    bool insists = is_wanted(access->op->env, "native");
    if (call->use == RUNNER_SH) return status;
    if (!answer) {
        /* What it did is not known: whoever asks next attaches. */
        bool died = exit_code == SHELL_CANNOT_EXECUTE || exit_code == SHELL_CANNOT_FIND;
        struct err ignored = ERR_INIT;
        if (died && !insists) (void)!forget_native(access, &ignored);
        return status;
    }
    if (answer->state == RUNNER_REFUSED) {
        *again = answer->refusal == RUNNER_REFUSAL_RUNNER && !insists;
        return *again ? forget_native(access, err) : status;
    }
    bool learned = call->use == RUNNER_EITHER || !str_absent(call->program);
    if (!learned || !native_name()) return status;
    return learn(access, answer, err);
}

eep_str which_runner_of(const struct eep_env *env, const struct runner_prepared *prepared)
{
    if (!which_runner_native(env)) return STR(USES_SH);
    if (prepared->native_state == RUNNER_NATIVE_OK) return str_from(prepared->native);
    bool can_have =
        prepared->native_state == RUNNER_NATIVE_ABSENT && native_program(str_from(prepared->arch));
    return can_have ? STR(IS_NOT) : STR(USES_SH);
}

int which_runner_check(const struct eep_env *env, const struct runner_prepared *prepared, struct err *err)
{
    if (!is_wanted(env, "native") || prepared->native_state == RUNNER_NATIVE_OK) return EEP_OK;
    if (!native_name())
        return err_set(err, EEP_E_UNSUPPORTED,
                       "this build of the plugin has no native runner, which the configuration insists on");
    bool absent = prepared->native_state == RUNNER_NATIVE_ABSENT;
    if (absent && native_program(str_from(prepared->arch)))
        return EEP_OK; /* it comes with the first command */
    return err_set(
        err, EEP_E_SANDBOX,
        "the native runner, which the configuration insists on, does not run in the sandbox (%s, %s): "
        "set `runner` to auto",
        prepared->arch, absent ? "not built for this CPU" : "no gzip or base64, a noexec mount, or a filter");
}
