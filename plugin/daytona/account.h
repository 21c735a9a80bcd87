/* account.h: what the service tells about itself and about our credentials (protocol 1, 2.3). Creates
 * nothing. */
#ifndef DAYTONA_ACCOUNT_H
#define DAYTONA_ACCOUNT_H

#include "daytona/client.h"

/* GET /health, without credentials. *answer is the JSON. */
int account_health(struct daytona *client, const struct wait *wait, json **answer, struct err *err);

/* GET /config, without credentials: version, rate limits. */
int account_config(struct daytona *client, const struct wait *wait, json **answer, struct err *err);

/* GET /api-keys/current: the API key's permissions. API keys only. */
int account_key(struct daytona *client, const struct wait *wait, json **answer, struct err *err);

/* GET /sandbox?limit=1: any credentials. */
int account_list_one(struct daytona *client, const struct wait *wait, json **answer, struct err *err);

/* GET /organizations/{id}/usage: what is in use, and what may be. JWTs only: to an API key this route says 401, which
 * counts as a failed attempt to log in. Checked and encoded here. */
int account_usage(struct daytona *client, eep_str organization, const struct wait *wait, json **answer,
                  struct err *err);

#endif
