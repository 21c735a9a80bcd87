/* quota.h: how much sandboxes may have, each and together (protocol 12.2). The service refuses with 400 and a text. */
#ifndef STANDIN_QUOTA_H
#define STANDIN_QUOTA_H

#include "fail.h"
#include "registry.h"

struct quota {
    int cpu; /* 0 = no limit, here and below */
    int memory;
    int disk;
};

/* "10/10/30": cores, GiB of memory, GiB of disk. */
int quota_parse(struct quota *quota, const char *text, struct fail *why);

/* [lock] May this one (its "cpu", "memory", "disk") be there with the others as well? Those that are stopped need their
 * disk only, those that are archived, failed or being deleted nothing (as the service counts usage). The sandbox itself is not counted. */
int quota_check(const struct quota *total, const struct quota *each, const struct registry *registry,
                struct json_object *fields, const struct sandbox *itself, struct fail *why);

/* [lock] What all of them have now, counted like that. */
struct quota quota_in_use(const struct registry *registry);

#endif
