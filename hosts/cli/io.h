/* io.h: whole files and streams in memory, and writes that do not stop half-way.
 *
 * EINTR is retried, except that reading ends with EEP_E_CANCELLED once the user has asked to stop: a terminal
 * or a pipe may never end by itself. Contents may be secrets, so bytes_finish overwrites them.
 */
#ifndef CLI_IO_H
#define CLI_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct bytes {
    char *data; /* never NULL after a successful read; one NUL follows the bytes */
    size_t len;
    size_t capacity;
};

void bytes_finish(struct bytes *bytes);

/* Reads to the end; `name` is for messages. EEP_E_TOO_LARGE beyond `limit`. */
int io_read_all(int fd, const char *name, size_t limit, struct bytes *bytes, struct err *err);

/* The same for a regular file, pipe or device by path; "-" is standard input. mode may be NULL. */
int io_read_file(const char *path, size_t limit, struct bytes *bytes, mode_t *mode, struct err *err);

/* Writes everything; 0, or -1 with errno. Gives up on EINTR only when the user has asked twice to stop. */
int io_write_all(int fd, const void *data, size_t len);

/* Writes the text and a line end to standard output. */
int io_print_line(eep_str text, struct err *err);

/* The error of a write to standard output, from errno. */
int io_stdout_failed(struct err *err);

#endif
