/* persist.h: what the server knows of its sandboxes, on disk, with --state: a file for each, replaced as a whole at
 * every change, so that a server that is killed at any moment finds all of them again.
 *
 * Files survive the server, not a crash of the machine: nothing is synced. Processes do not survive either: a sandbox
 * that was started, or on the way there, is started again, as after a reboot; one that was being deleted is deleted.
 */
#ifndef STANDIN_PERSIST_H
#define STANDIN_PERSIST_H

#include "standin.h"

/* Everything here does nothing without --state. */

/* Before the isolation is made: the users that an earlier server gave to sandboxes; 0 = none. */
uid_t persist_first_uid(const struct standin *standin);

/* [lock] After it: finds what an earlier server has left, and keeps it up to date from now on. */
int persist_start(struct standin *standin, struct fail *why);

/* [lock] When it is known where the server listens: it may be elsewhere than before. */
void persist_readdress(struct standin *standin);

/* Writes everything once more and then nothing: the end of the sandboxes is not what is to be remembered. */
void persist_stop(struct standin *standin);

#endif
