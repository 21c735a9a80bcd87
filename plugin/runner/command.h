/* command.h: one command as the two files that its supervisor reads: settings (sourced: environment, argv)
 * and script. Also its checks and its digest. Pure; the content of both files is as secret as the command's.
 */
#ifndef RUNNER_COMMAND_H
#define RUNNER_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "runner/request.h"

/* The shell that runs the script; absent when argv runs without one. */
eep_str command_shell(const struct runner_command *command);

/* Is there a script file? argv needs one only for login profiles. */
bool command_has_script(const struct runner_command *command);

/* Does its environment hold a PATH of its own? */
bool command_sets_path(const struct runner_command *command);

/* EEP_OK, EEP_E_TOO_LARGE, EEP_E_NO_MEMORY, without text. */
NODISCARD int command_settings(struct buf *out, const struct runner_command *command);
NODISCARD int command_script(struct buf *out, const struct runner_command *command);

/* All of it as fields of a request to the native runner (native.h). */
NODISCARD int command_fields(struct buf *fields, const struct runner_command *command);

/* EEP_E_INVALID_ARGUMENT */
NODISCARD int command_check(const struct runner_command *command, struct err *err);

#endif
