/* leases.h: what acquire, resume, release and run share: options of a new lease, and how leases are told. */
#ifndef CLI_LEASES_H
#define CLI_LEASES_H

#include "cli.h"
#include "json_out.h"
#include "pairs.h"

struct lease_args {
    const char *key;
    const char *name;
    struct text_list labels;
};

extern const struct option_spec lease_options[];

/* An acquire request and the arrays that it points to. */
struct new_lease {
    eep_acquire_request request;
    struct pairs labels;
    struct pairs env;
};

/* Everything but the head, which needs an open session.
 * `env` are NAME[=VALUE] for all commands in the sandbox. */
int new_lease_init(struct new_lease *lease, const struct lease_args *args, const struct text_list *env,
                   struct err *err);
void new_lease_finish(struct new_lease *lease);

json_object *lease_to_json(const eep_lease *lease);

/* One note on standard error: what has been got. */
void lease_describe(const struct out *out, const eep_lease *lease);

/* Prints the lease id, alone, on standard output, or the JSON. */
int lease_print(const struct cli *cli, const eep_lease *lease, struct err *err);

json_object *released_to_json(const eep_released *released);

/* "destroyed", "stopped", ...; "gone" when there was nothing left whose files could be kept. */
const char *released_word(const eep_released *released);

/* Destroys a lease that this run has made; uses the clean-up token, so that it
 * works after a first Ctrl-C. `released` (NULL = nobody asks) gets the JSON of
 * the result. On failure err tells, and names the lease as left behind. */
int lease_destroy(struct cli *cli, const struct wait_args *wait, eep_str lease, json_object **released,
                  struct err *err);

#endif
