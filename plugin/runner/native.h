/* native.h: the plugin's side of the native runner (native/): the programs themselves, and requests for them.
 *
 * A request is a short shell text that becomes the program, with base64 of named fields on its standard input: so
 * nothing secret is in an argument list, and the service's shell parses next to nothing. */
#ifndef RUNNER_NATIVE_H
#define RUNNER_NATIVE_H

#include "base/buf.h"
#include "runner/request.h"

/* The file's name in the runner's folder: tells one version from another. NULL = this build has none at all. */
const char *native_name(void);

/* base64 of the gzipped program for a CPU (as `uname -m` names it); NULL = this build has none. */
const char *native_program(eep_str cpu);

/* A field of the request: NAME BLANK LENGTH ':' BYTES newline. Status codes as in base/buf.h. */
NODISCARD int native_field(struct buf *fields, const char *name, eep_str value);
NODISCARD int native_number(struct buf *fields, const char *name, uint64_t value);

/* The text that hands the fields to the program. With RUNNER_EITHER text for a shell may follow, for where there is
 * none. `returns`: the shell goes on behind it (else it is replaced, which is cheaper). */
NODISCARD int native_put(struct buf *out, const struct runner_call *call, const struct buf *fields,
                         bool returns);

#endif
