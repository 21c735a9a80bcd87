/* wire.h: what comes from outside becomes part of a URL or a header only through here.
 *
 * Lease ids come from hosts' databases, sandbox ids and toolbox URLs from the service: each is checked before
 * it is used, whoever sent it. */
#ifndef DAYTONA_WIRE_H
#define DAYTONA_WIRE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "eep.h"

/* [A-Za-z0-9][A-Za-z0-9_.-]*, at most EEP_LEASE_MAX bytes. */
bool wire_is_id(eep_str id);

/* "eep-" and 32 hexadecimal digits: a name that create.c gave. The service takes names where it takes ids, and no id
 * of its own looks so: it is a lease, too, where no id came back. */
bool wire_is_our_name(eep_str id);

/* wire_is_id for what a host gave as a lease: EEP_E_INVALID_ARGUMENT. */
int wire_check_id(eep_str id, struct err *err);

/* An http or https URL, taken apart. All parts are views. */
struct wire_url {
    bool https;
    eep_str host; /* IPv6 in its brackets, as toolboxHosts has it */
    eep_str authority;
    eep_str path; /* begins with '/', or empty */
};

/* Accepts scheme://host[:port][/path] of printable ASCII, and nothing else: no userinfo, query, fragment. */
bool wire_parse_url(eep_str text, struct wire_url *out);

#endif
