/* leased.h: which leases are meant, and how they are told: what list, reap and explain share. */
#ifndef CLI_LEASED_H
#define CLI_LEASED_H

#include "abi/ext/lease.h"
#include "cli.h"
#include "json_out.h"

/* Which ones. */
struct which_args {
    bool all;
    struct text_list states;
};

extern const struct option_spec which_options[];

/* The bits of `states` of a request. */
int which_states(const struct which_args *args, uint32_t *states, struct err *err);

/* "STARTED". Never NULL. */
const char *lease_state_name(uint32_t state);

json_object *leased_to_json(const eep_leased *leased);
void leased_add_flags(json_object *object, uint32_t flags);

/* "45s", "12m", "3h", "5d" since then; "-" for 0. Written into `text`, which is returned. */
const char *leased_age(int64_t since_ms, int64_t now_ms, char *text, size_t size);

int64_t leased_now_ms(void);

/* "keyed kept": what makes a lease one that somebody may come back to. Written into `text`, which is returned. */
const char *leased_kind(uint32_t flags, char *text, size_t size);

#endif
