/* fake.h: an eep plugin whose sandboxes are folders of this machine. For tests of hosts only: NO ISOLATION.
 *
 * It has nothing in common with the Daytona plugin but abi/eep.h, so a host that works with both uses the ABI
 * and not one plugin's habits. Configuration: {"dir": FOLDER} with these extras for tests: "acquireDelayMs"
 * (cancellable), "failAcquire", "failProbe", "failRelease" (booleans), "apiKey" (a secret that nobody reads).
 * With trustEnv, FAKE_DIR stands in for "dir". It knows ABI 1.0 only and takes requests of that size or
 * longer.
 */
#ifndef TESTS_CLI_FAKE_H
#define TESTS_CLI_FAKE_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "eep.h"

struct eep_env {
    char dir[PATH_MAX / 2];
    int acquire_delay_ms;
    bool fail_acquire;
    bool fail_probe;
    bool fail_release;
};

/* -- result.c: results are arenas, errors, cancel tokens, time --------------------------------- */

/* Copies into the result, with a NUL behind; never NULL unless memory is out. */
void *fake_keep(eep_out *out, const void *data, size_t len);
eep_str fake_keep_text(eep_out *out, const char *text);

/* A text that lives for ever. */
eep_str fake_fixed(const char *text);

int32_t fake_fail(eep_error *err, int32_t code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds ids, which may be NULL, and EEP_ERROR_ flags. */
void fake_blame(eep_error *err, const char *lease, const char *execution, uint32_t flags);

/* How often the token has fired, and a descriptor that is readable once it has. NULL: 0 and -1. */
int fake_fired(const eep_cancel *token);
int fake_cancel_fd(const eep_cancel *token);

int64_t fake_now_ms(clockid_t clock);

/* Sleeps; false when the token fired first. */
bool fake_rest(eep_cancel *token, int milliseconds);

/* -- lease.c ----------------------------------------------------------------------------------- */

/* The path of a lease's folder (name ""), or of a file in it. */
void fake_lease_path(const eep_env *env, eep_str lease, const char *name, char *path, size_t size);
bool fake_lease_exists(const eep_env *env, eep_str lease);

/* Removes the mark of a stopped lease; whether there was one. */
bool fake_lease_start(const eep_env *env, eep_str lease);
int32_t fake_lease_lost(eep_error *err, const char *where, eep_str lease);

/* -- the slots of the table -------------------------------------------------------------------- */

int32_t fake_validate(const eep_validate_request *request, eep_validation *result, eep_error *err);
int32_t fake_open(const eep_open_request *request, eep_env **env, eep_error *err);
void fake_close(eep_env *env);
int32_t fake_probe(eep_env *env, const eep_probe_request *request, eep_probe *result, eep_error *err);
int32_t fake_acquire(eep_env *env, const eep_acquire_request *request, eep_lease *result, eep_error *err);
int32_t fake_resume(eep_env *env, const eep_resume_request *request, eep_lease *result, eep_error *err);
int32_t fake_realize(eep_env *env, const eep_realize_request *request, eep_workspace *result, eep_error *err);
int32_t fake_execute(eep_env *env, const eep_execute_request *request, eep_execution *result, eep_error *err);
int32_t fake_release(eep_env *env, const eep_release_request *request, eep_released *result, eep_error *err);
void fake_clear(eep_out *out);
eep_cancel *fake_cancel_create(void);
void fake_cancel_fire(eep_cancel *token);
void fake_cancel_destroy(eep_cancel *token);

#endif
