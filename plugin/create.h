/* create.h: what POST /sandbox is asked for, from the configuration and one acquire request (protocol 4.1).
 *
 * Everything that identifies the lease is decided here, before anything is sent: so a create whose answer was
 * lost can be found again by name, and told from somebody else's by its labels. */
#ifndef PLUGIN_CREATE_H
#define PLUGIN_CREATE_H

#include "config.h"
#include "daytona/sandbox.h"

#define LABEL_OWNER    "eep.owner"             /* configured owner */
#define LABEL_KEY      "eep.key"               /* digest of the idempotency key */
#define LABEL_REQUEST  "eep.request"           /* digest of all that is asked for */
#define LABEL_IDENTITY "eep.identity"          /* of a file in the sandbox, too: proves that it is this one */
#define LABEL_NAME     "eep.name"              /* the host's name hint */
#define LABEL_LANGUAGE "code-toolbox-language" /* the SDKs read it (protocol 4.1) */

/* How the names of all sandboxes that acquire makes begin. */
#define CREATE_NAME_PREFIX "eep-"

/* Half a SHA-256 in hex. */
#define CREATE_DIGEST 32

struct create_request {
    bool keyed;     /* another acquire finds it again: by its key, or by its labels */
    bool by_labels; /* EEP_ACQUIRE_REUSE: the labels of the request stand for the key */
    /* The prefix, and a digest of owner and key, or random. */
    char name[sizeof CREATE_NAME_PREFIX + CREATE_DIGEST];
    char key[CREATE_DIGEST + 1];
    char request[CREATE_DIGEST + 1];
    char identity[CREATE_DIGEST + 1];
    eep_str owner;    /* view into the configuration */
    eep_pair *wanted; /* by_labels: those of the request; views into it */
    size_t wanted_count;
    struct buf body;
};

/* EEP_E_INVALID_ARGUMENT / _TOO_LARGE for labels, environment, key or hint that cannot be sent. */
int create_request_init(struct create_request *create, const struct config *config,
                        const eep_acquire_request *request, struct err *err);

/* CLEANUP(create_request_finish) struct create_request create = {0}; The body may hold secrets of the host's.
 */
void create_request_finish(struct create_request *create);

/* Is this sandbox what `create` asked for, made by the same owner with the same key? By labels also one that another
 * tool has made, which tells nothing of that. */
bool create_request_matches(const struct create_request *create, const struct sandbox *sandbox);

/* Does it bear the wanted labels, and is not another owner's? */
bool create_request_labelled(const struct create_request *create, const struct sandbox *sandbox);

/* Is it this owner's? None is an owner, too. */
bool create_owned_by(eep_str owner, const struct sandbox *sandbox);

#endif
