/* liar.h: a place (place.h) whose sandboxes lie: their shell is a script of the test's. It reads what the plugin sends, as any
 * shell does, and answers what the test wants. */
#ifndef INTEGRATION_LIAR_H
#define INTEGRATION_LIAR_H

#include "place.h"

/* `config` is more of the configuration; requests are in sh, which have their nonce in clear: what is answered goes the same
 * way with either runner. Without an answer to give the sandbox is honest. */
void liar_start(const char *config);

/* What it does from now on with any request: shell text that finds the request's nonce in $no, its id in $id, all of it in
 * $text, and in $asked whether it is a start (1). "" = it is honest. */
void liar_answer(const char *text);

/* Teardown: of a test that has let it lie, and of a group. */
int liar_be_honest(void **state);
int liar_stop(void **state);

#endif
