#include "daytona/account.h"

#include "base/str.h"

static int get(struct daytona *client, eep_str path, bool public_route, const struct wait *wait,
               json **answer, struct err *err)
{
    struct api_call call = {.method = "GET", .path = path, .public_route = public_route};
    return daytona_api(client, &call, wait, answer, err);
}

int account_health(struct daytona *client, const struct wait *wait, json **answer, struct err *err)
{
    return get(client, STR("/health"), true, wait, answer, err);
}

int account_config(struct daytona *client, const struct wait *wait, json **answer, struct err *err)
{
    return get(client, STR("/config"), true, wait, answer, err);
}

int account_key(struct daytona *client, const struct wait *wait, json **answer, struct err *err)
{
    return get(client, STR("/api-keys/current"), false, wait, answer, err);
}

int account_list_one(struct daytona *client, const struct wait *wait, json **answer, struct err *err)
{
    return get(client, STR("/sandbox?limit=1"), false, wait, answer, err);
}
