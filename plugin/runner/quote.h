/* quote.h: text for a POSIX shell that means exactly given bytes, whatever they are (but NUL, where a shell's
 * variable is to hold them). What is written is valid UTF-8 without control characters other than newline and
 * tab, because it travels in JSON: other bytes become octal escapes of printf.
 *
 * All return EEP_OK, EEP_E_TOO_LARGE or EEP_E_NO_MEMORY, without text: see buf_error. */
#ifndef RUNNER_QUOTE_H
#define RUNNER_QUOTE_H

#include "base/buf.h"
#include "eep.h"

/* 'text' in single quotes, bytes as they are: for what is inside a file of the sandbox, or known to be ASCII.
 */
NODISCARD int quote_raw(struct buf *out, eep_str text);

/* NAME=VALUE, a line (or two). */
NODISCARD int quote_assign(struct buf *out, const char *name, eep_str value);

/* The format argument of a printf that prints exactly `bytes`, NULs included: '…'. */
NODISCARD int quote_format(struct buf *out, eep_bytes bytes);

#endif
