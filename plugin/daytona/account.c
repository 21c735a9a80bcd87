#include "daytona/account.h"

#include "base/str.h"
#include "daytona/wire.h"

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

int account_usage(struct daytona *client, eep_str organization, const struct wait *wait, json **answer,
                  struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    TRY(wire_check_id(organization, err));
    int status = buf_append_cstr(&path, "/organizations/");
    if (status == EEP_OK) status = str_percent_encode(&path, organization);
    if (status == EEP_OK) status = buf_append_cstr(&path, "/usage");
    TRY(buf_error(&path, status, "the path of the request", err));
    return get(client, buf_str(&path), false, wait, answer, err);
}
