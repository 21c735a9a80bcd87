/* io.c: see io.h. */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

void bytes_finish(struct bytes *bytes)
{
    mem_wipe_free(bytes->data, bytes->capacity);
    *bytes = (struct bytes){0};
}

/* Copies instead of realloc, which would leave an unwiped copy behind. */
static void grow(struct bytes *bytes)
{
    size_t capacity = bytes->capacity ? bytes->capacity * 2 : 16384;
    char *data = mem_zeroed(capacity, 1);
    if (bytes->len) memcpy(data, bytes->data, bytes->len);
    mem_wipe_free(bytes->data, bytes->capacity);
    bytes->data = data;
    bytes->capacity = capacity;
}

int io_read_all(int fd, const char *name, size_t limit, struct bytes *bytes, struct err *err)
{
    *bytes = (struct bytes){0};
    for (;;) {
        if (bytes->len + 1 >= bytes->capacity) grow(bytes);
        ssize_t got = read(fd, bytes->data + bytes->len, bytes->capacity - bytes->len - 1);
        if (got == 0) break;
        if (interrupt_count() > 0) return err_set(err, EEP_E_CANCELLED, "interrupted while reading %s", name);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_set(err, EEP_E_INVALID_ARGUMENT, "cannot read %s: %s", name, strerror(errno));
        bytes->len += (size_t)got;
        if (bytes->len > limit)
            return err_set(err, EEP_E_TOO_LARGE, "%s is larger than %zu MiB, the most that eep takes", name,
                           limit >> 20);
    }
    bytes->data[bytes->len] = '\0';
    return EEP_OK;
}

int io_read_file(const char *path, size_t limit, struct bytes *bytes, mode_t *mode, struct err *err)
{
    *bytes = (struct bytes){0};
    if (strcmp(path, "-") == 0) return io_read_all(STDIN_FILENO, "standard input", limit, bytes, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return err_set(err, EEP_E_INVALID_ARGUMENT, "cannot open %s: %s", path, strerror(errno));
    struct stat status;
    if (mode && fstat(fd, &status) == 0) *mode = status.st_mode & 07777;
    int code = io_read_all(fd, path, limit, bytes, err);
    close(fd);
    return code;
}

int io_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written >= 0) {
            at += written;
            len -= (size_t)written;
        } else if (errno == EAGAIN) {
            /* Somebody who shares our terminal or pipe has made it non-blocking. */
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return -1;
        }
        if (len > 0 && interrupt_count() > 1) {
            errno = EINTR;
            return -1;
        }
    }
    return 0;
}

int io_stdout_failed(struct err *err)
{
    return err_set(err, EEP_E_INTERNAL, "cannot write to standard output: %s", strerror(errno));
}

int io_print_line(eep_str text, struct err *err)
{
    bool written =
        io_write_all(STDOUT_FILENO, text.ptr, text.len) == 0 && io_write_all(STDOUT_FILENO, "\n", 1) == 0;
    return written ? EEP_OK : io_stdout_failed(err);
}
