/* ext/lease.h: the extension "eep.lease/1": leases as what they cost: which there are, how long they stay, which may
 * go, and why one of them does not work.
 *
 *     const eep_lease_table *leases = plugin->get_extension(EEP_EXT_LEASE);
 *
 * A lease belongs to the owner that was configured when it was acquired (`owner`; none is an owner, too). Hosts that
 * share an account tell their leases apart by it. What is told about leases comes from the service: its clock, its
 * words. The service tells activity late: up to two minutes may pass until a use shows.
 *
 * The contract is that of eep.h, word for word: units, ownership, threads, errors, growth. Every call here is one of
 * those that block: it returns by its deadline plus the grace plus 100 ms. All declarations: since 1.0.
 */
/* Laid out by hand, comments in columns. */
/* clang-format off */
#ifndef EEP_EXT_LEASE_H
#define EEP_EXT_LEASE_H

#include "../eep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The id for get_extension. */
#define EEP_EXT_LEASE "eep.lease/1"

/* -- What is told of a lease ------------------------------------------------------------------------------------ */

/* eep_leased.flags */
#define EEP_LEASED_OWN         0x1u  /* its owner is the one that is configured here                              */
#define EEP_LEASED_KEYED       0x2u  /* acquired with an idempotency_key: the same acquire finds it again         */
#define EEP_LEASED_REUSABLE    0x4u  /* never deleted by itself: somebody wants to come back to its files         */
#define EEP_LEASED_RECOVERABLE 0x8u  /* in an error state that resume_lease recovers from                         */
#define EEP_LEASED_FOREIGN     0x10u /* not made by acquire_lease; only get and explain tell of such              */

/* One lease, as last seen. Belongs to the result that it came with. */
typedef struct eep_leased {
    eep_str lease;
    eep_str name;           /* the service's; people see it in its dashboard                                     */
    eep_str name_hint;      /* of its acquire; absent = none, and so for the next one                            */
    eep_str owner;
    eep_str state_text;     /* the service's word                                                                */
    eep_str reason;         /* why it is in an error state, in the service's words; absent = not told            */
    eep_str target;
    eep_str snapshot;
    const eep_pair *labels; /* all but the plugin's own                                                          */
    uint32_t label_count;
    uint32_t label_stride;
    uint32_t state;         /* EEP_STATE_                                                                        */
    uint32_t flags;         /* EEP_LEASED_                                                                       */
    uint32_t cpu;           /* cores; 0 = not told, and so for the next three                                    */
    uint32_t memory_gib;
    uint32_t disk_gib;
    uint32_t gpu;
    int32_t auto_stop_min;    /* idle minutes until the service stops it; 0 = never; -1 = not told               */
    int32_t auto_archive_min; /* minutes at rest until it is archived; -1 = not told                             */
    int32_t auto_delete_min;  /* minutes at rest until it is deleted; 0 = when it stops; -1 = never, or not told */
    uint32_t reserved;
    int64_t created_at_ms;    /* the service's wall clock; 0 = not told, and so for the next one                 */
    int64_t active_at_ms;     /* its last use, or its last change of state                                       */
} eep_leased;

/* -- get, list -------------------------------------------------------------------------------------------------- */

typedef struct eep_lease_get_request {
    eep_request head; /* flags: none yet                                                                         */
    eep_str lease;
} eep_lease_get_request;

#define EEP_LEASES_ALL 0x100u /* of all owners, not only the own ones                                            */

/* The limits of a page: how many leases the service is asked for at once. */
#define EEP_LEASES_PAGE_MIN 10u
#define EEP_LEASES_PAGE_MAX 200u

typedef struct eep_leases_request {
    eep_request head; /* flags: EEP_LEASES_                                                                      */
    eep_str cursor;   /* eep_leases.next of the page before, with all else as it was; absent = the first page    */
    uint32_t states;  /* only those in one of these states: bits, 1u << EEP_STATE_STOPPED; 0 = any               */
    uint32_t page;    /* EEP_LEASES_PAGE_MIN to _MAX; 0 = 100                                                    */
} eep_leases_request;

/* A page of leases, in the order of their names. */
typedef struct eep_leases {
    eep_out head;             /* flags: none yet                                                                 */
    const eep_leased *leases; /* no more than the page's size; may be fewer, even none, when there is a next     */
    uint32_t lease_count;
    uint32_t lease_stride;
    eep_str next;             /* the cursor of the next page; absent = this was the last. Printable ASCII        */
} eep_leases;

/* -- keepalive -------------------------------------------------------------------------------------------------- */

#define EEP_KEEPALIVE_NO_RAISE 0x100u /* leave its idle interval as it is, and tell how far that goes: SHORT      */

/* The longest time that one keepalive reaches ahead: seven days. */
#define EEP_KEEPALIVE_MAX_MS 604800000u

typedef struct eep_keepalive_request {
    eep_request head; /* flags: EEP_KEEPALIVE_                                                                   */
    eep_str lease;
    int64_t until_ms; /* the host's wall clock; in the future, at most EEP_KEEPALIVE_MAX_MS ahead                */
} eep_keepalive_request;

/* eep_kept.head.flags */
#define EEP_KEPT_RAISED  0x1u /* its idle interval was too short and has been raised, for good                    */
#define EEP_KEPT_SHORT   0x2u /* with NO_RAISE: kept_until_ms comes before until_ms                               */
#define EEP_KEPT_NO_STOP 0x4u /* the service never stops it for idleness; nothing had to be done                  */

typedef struct eep_kept {
    eep_out head;          /* flags: EEP_KEPT_                                                                   */
    int64_t kept_until_ms; /* the host's wall clock: the service does not stop it for idleness before; with
                              NO_STOP 0, unless it is to be deleted at a time of its own                         */
    int32_t auto_stop_min; /* its idle interval now, in minutes; 0 = never stopped                               */
    uint32_t reserved;
} eep_kept;

/* -- reap ------------------------------------------------------------------------------------------------------- */

#define EEP_REAP_DRY_RUN  0x100u /* only tell what would be deleted                                              */
#define EEP_REAP_ALL      0x200u /* of all owners, not only the own ones                                         */
#define EEP_REAP_REUSABLE 0x400u /* also those that are kept for their files: the files are lost then            */
#define EEP_REAP_RUNNING  0x800u /* also those in which a command runs, or cannot be seen not to                 */

typedef struct eep_reap_request {
    eep_request head; /* flags: EEP_REAP_                                                                        */
    eep_str cursor;   /* eep_reaping.next of the page before; absent = the first page                            */
    uint64_t idle_ms; /* spare what was used within this time. Never 0. One that is started counts as used up
                         to two minutes after what the service tells: it tells late. Where the host's clock and
                         the service's differ, the one that makes leases younger is believed                     */
    uint32_t states;  /* as in eep_leases_request, and so is the next one                                        */
    uint32_t page;
} eep_reap_request;

/* What became of a lease. Read one that you do not know as FAILED. */
#define EEP_REAPED_DELETED 1u /* its deletion has been ordered; the service may take a while                     */
#define EEP_REAPED_WOULD   2u /* with DRY_RUN: it would have been                                                */
#define EEP_REAPED_GONE    3u /* it was gone, or going, before                                                   */
#define EEP_REAPED_SPARED  4u /* see eep_reaped.spared                                                           */
#define EEP_REAPED_FAILED  5u /* see eep_reaped.code                                                             */

/* Why it was spared. */
#define EEP_SPARED_ACTIVE   1u /* used lately, or it is not told when; somebody just starts or stops it          */
#define EEP_SPARED_REUSABLE 2u /* kept for its files                                                             */
#define EEP_SPARED_RUNNING  3u /* a command runs in it                                                           */
#define EEP_SPARED_UNSEEN   4u /* whether a command runs in it cannot be seen                                    */
#define EEP_SPARED_CHANGED  5u /* it is another's than the list said                                             */
#define EEP_SPARED_STATE    6u /* its state is not one of those wanted any more                                  */

typedef struct eep_reaped {
    eep_str lease;
    eep_str name;
    eep_str name_hint;      /* absent = none, and so for the next one                                            */
    eep_str owner;
    eep_str state_text;     /* before                                                                            */
    eep_str message;        /* for people: why it was spared, or what failed; absent = nothing to say            */
    uint32_t outcome;       /* EEP_REAPED_                                                                       */
    uint32_t spared;        /* EEP_SPARED_; 0 = it was not                                                       */
    int32_t code;           /* EEP_E_ of FAILED, else EEP_OK                                                     */
    uint32_t flags;         /* EEP_LEASED_                                                                       */
    int64_t created_at_ms;  /* the service's wall clock; 0 = not told, and so for the next one                   */
    int64_t active_at_ms;
} eep_reaped;

/* A page of leases that have been looked at: each of them has a line. */
typedef struct eep_reaping {
    eep_out head;             /* flags: none yet                                                                 */
    const eep_reaped *leases;
    uint32_t lease_count;
    uint32_t lease_stride;
    eep_str next;             /* the cursor of the next page; absent = this was the last, or it was not finished */
    uint32_t deleted;         /* how many lines are DELETED, or WOULD                                            */
    uint32_t spared;
    uint32_t failed;
    uint32_t gone;
} eep_reaping;

/* -- explain ---------------------------------------------------------------------------------------------------- */

typedef struct eep_explain_request {
    eep_request head; /* flags: none yet                                                                         */
    eep_str lease;
} eep_explain_request;

/* One thing that a lease needs to work. */
typedef struct eep_symptom {
    uint32_t status;    /* EEP_CHECK_                                                                            */
    int32_t code;       /* EEP_E_ of one that FAILED, else EEP_OK                                                */
    uint32_t elapsed_ms;
    uint32_t reserved;
    eep_str name;       /* stable: "dns", "credentials", "lease", "state", "daemon", "disk", …                   */
    eep_str evidence;   /* for people: what was seen                                                             */
    eep_str advice;     /* for people: what to do about it; absent unless FAILED                                 */
} eep_symptom;

/* explain returns EEP_OK when it could look, whatever it found. */
typedef struct eep_explanation {
    eep_out head;                /* flags: none yet                                                              */
    uint32_t failed;             /* how many have FAILED; 0 = the lease works                                    */
    uint32_t unknown;            /* how many are UNKNOWN                                                         */
    const eep_symptom *symptoms; /* in the order in which to look at them: the first that FAILED comes first     */
    uint32_t symptom_count;
    uint32_t symptom_stride;
    const eep_leased *leases;    /* the lease, as the service tells it: one, or none                             */
    uint32_t lease_count;
    uint32_t lease_stride;
} eep_explanation;

/* -- The table -------------------------------------------------------------------------------------------------- */

/* Static and constant, as eep_plugin is. No slot is NULL. */
typedef struct eep_lease_table {
    uint32_t struct_size;
    uint32_t flags; /* none yet */

    /* [blocking] Tells one lease, freshly: a page of one. Starts nothing, and is no use of the lease.
     * EEP_E_LEASE_LOST: it is gone, or another organisation's. */
    int32_t (*get)(eep_env *env, const eep_lease_get_request *request, eep_leases *result, eep_error *err);

    /* [blocking] Tells which leases there are, a page at a time: one request to the service for each. The
     * service's list lags behind: a lease that has just been made may be missing, one that is gone may be there, and
     * its state may be an old one; get tells what is so. EEP_E_INVALID_ARGUMENT: the cursor is none. */
    int32_t (*list)(eep_env *env, const eep_leases_request *request, eep_leases *result, eep_error *err);

    /* [blocking] Makes sure that a lease that is started is not stopped for idleness before a time: counts as a use of
     * it, and raises its idle interval where one use does not reach so far. EEP_OK is a promise until
     * eep_kept.kept_until_ms, which is until_ms or later unless SHORT. Nothing goes on afterwards: a host that wants
     * more calls again, and when it dies the service stops the lease as usual. Needless around execute, which
     * keeps its own lease from being stopped. EEP_E_CONFLICT: the lease does not run; resume it first.
     * EEP_E_UNSUPPORTED: the service will end it before that time (the message says when), or has no request that
     * counts as a use. EEP_E_LEASE_LOST. */
    int32_t (*keepalive)(eep_env *env, const eep_keepalive_request *request, eep_kept *result, eep_error *err);

    /* [blocking] Deletes leases that nobody has used for a while, a page at a time. Each that the list names is read
     * again before it is deleted; it is spared when it has been used since, when it is kept for its files, when a
     * command runs in it, or when it is not what the list said. What fails for one does not stop the others. What
     * somebody begins to use in the very moment of the deletion is lost to him: choose idle_ms accordingly. With
     * EEP_E_CANCELLED and EEP_E_DEADLINE the result tells what has been done until then; repeating is safe. */
    int32_t (*reap)(eep_env *env, const eep_reap_request *request, eep_reaping *result, eep_error *err);

    /* [blocking] Finds out why a lease does not work: configuration, network, credentials, the lease itself, its
     * state, the way into it, the sandbox inside. What follows a failure and cannot be looked at is SKIPPED. Starts
     * nothing, changes nothing, and is no use of the lease. */
    int32_t (*explain)(eep_env *env, const eep_explain_request *request, eep_explanation *result, eep_error *err);
} eep_lease_table;

#ifdef __cplusplus
}
#endif

#endif /* EEP_EXT_LEASE_H */
