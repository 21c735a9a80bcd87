/* status_fd.c: see status_fd.h. */
#include "status_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

int status_fd_open(uint32_t number, int *fd, struct err *err)
{
    *fd = -1;
    if (number == 0) return EEP_OK;
    if (number <= STDERR_FILENO || number > INT_MAX)
        return err_usage(err, "--status-fd %u: the number must be 3 or more", number);
    int flags = fcntl((int)number, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return err_usage(err, "--status-fd %u: this descriptor is not open for writing", number);
    fcntl((int)number, F_SETFD, FD_CLOEXEC);
    *fd = (int)number;
    return EEP_OK;
}

void status_fd_write(int fd, json_object *object)
{
    if (fd >= 0 && json_write(fd, object) != 0)
        out_warn("cannot write the status to descriptor %d: %s", fd, strerror(errno));
}
