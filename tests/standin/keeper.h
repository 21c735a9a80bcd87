/* keeper.h: the one thread that carries transitions out: starts agents, notices their end, keeps time.
 *
 * It is the main thread, because agents die with the thread that started them. Requests leave their wishes in
 * the registry and wake it. It never waits for a single sandbox; a sandbox's files are removed here too.
 */
#ifndef STANDIN_KEEPER_H
#define STANDIN_KEEPER_H

#include "standin.h"

/* Until stop_fd becomes readable. */
void keeper_run(struct standin *standin, int stop_fd);

/* Ends all sandboxes and waits for their processes. */
void keeper_end_all(struct standin *standin);

#endif
