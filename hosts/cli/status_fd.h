/* status_fd.h: --status-fd N: one JSON line on a descriptor of the caller's, for programs that want the
 * command's own streams raw and still need to tell a failure of eep from one of the command.
 *
 * The line is what --json would print, without the streams unless --json is given, too; nothing is written
 * when the command line itself is wrong.
 */
#ifndef CLI_STATUS_FD_H
#define CLI_STATUS_FD_H

#include "json_out.h"

/* Checks that descriptor `number` can be written to; 0 = not asked for: *fd becomes -1. */
int status_fd_open(uint32_t number, int *fd, struct err *err);

/* Writes one line; says so on standard error when that fails. A negative fd does nothing. */
void status_fd_write(int fd, json_object *object);

#endif
