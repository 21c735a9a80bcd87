/* sandboxes.h: the control plane's calls on sandboxes (protocol 4, 6). One function, one request.
 *
 * ids are checked and percent-encoded here; a sandbox that comes back is the one that was asked for. */
#ifndef DAYTONA_SANDBOXES_H
#define DAYTONA_SANDBOXES_H

#include "daytona/client.h"
#include "daytona/sandbox.h"

/* POST /sandbox with this JSON, in which it is named so. An answer about another one is EEP_E_PROTOCOL, MAYBE_APPLIED. */
int sandboxes_create(struct daytona *client, eep_str body, eep_str name, const struct wait *wait,
                     struct sandbox *out, struct err *err);

/* GET by id: EEP_E_NOT_FOUND when it is destroyed, or another organisation's. */
int sandboxes_get(struct daytona *client, eep_str id, const struct wait *wait, struct sandbox *out,
                  struct err *err);

/* GET by name; the id that comes back is the sandbox's own. */
int sandboxes_get_by_name(struct daytona *client, eep_str name, const struct wait *wait, struct sandbox *out,
                          struct err *err);

/* POST …/start, …/stop, …/archive, …/recover */
int sandboxes_action(struct daytona *client, eep_str id, const char *action, const struct wait *wait,
                     struct sandbox *out, struct err *err);

/* POST …/autostop/{minutes}: idle minutes before the service stops it; 0 = never. */
int sandboxes_set_auto_stop(struct daytona *client, eep_str id, uint32_t minutes, const struct wait *wait,
                            struct sandbox *out, struct err *err);

/* DELETE. *out stays empty when the service says nothing about it. */
int sandboxes_delete(struct daytona *client, eep_str id, const struct wait *wait, struct sandbox *out,
                     struct err *err);

/* GET …/toolbox-proxy-url, for services that leave it out of the description. Appended to out. */
int sandboxes_toolbox_url(struct daytona *client, eep_str id, const struct wait *wait, struct buf *out,
                          struct err *err);

/* POST …/last-activity: it counts as used from now on. The service drops what comes within 5 s of another. */
int sandboxes_touch(struct daytona *client, eep_str id, const struct wait *wait, struct err *err);

#endif
