#include "base.h"

_Noreturn void die(int status)
{
    for (;;)
        SYS1(exit_group, status);
}

/* -- Memory ------------------------------------------------------------------------------------ */

void *take(size_t size)
{
    long at = sys6(NR_mmap, 0, ARG(size), PROT_READ_WRITE, MAP_PRIVATE_NEW, -1, 0);
    if (at < 0 && at > -4096) die(12);
    return (void *)at;
}

void *memcpy(void *to, const void *from, size_t len)
{
    char *t = to;
    const char *f = from;
    while (len--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    char *t = to;
    while (len--)
        *t++ = (char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (; len--; x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}

/* -- Text -------------------------------------------------------------------------------------- */

size_t length(const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    return len;
}

bool equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

bool starts_with(const char *text, const char *prefix)
{
    while (*prefix && *text == *prefix)
        text++, prefix++;
    return !*prefix;
}

const char *find(const char *text, size_t text_len, const char *needle, size_t len)
{
    for (; text_len >= len; text++, text_len--)
        if (memcmp(text, needle, len) == 0) return text;
    return NULL;
}

uint64_t number(const char **at)
{
    uint64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint64_t)(**at - '0');
    return value;
}

void add_bytes(struct text *text, const char *bytes, size_t len)
{
    if (len > text->max - text->len) {
        text->full = true;
        return;
    }
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void add(struct text *text, const char *more)
{
    add_bytes(text, more, length(more));
}

void add_number(struct text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    add_bytes(text, digits + at, sizeof digits - at);
}

void add_field(struct text *text, uint64_t value)
{
    add(text, " ");
    add_number(text, value);
}

void add_key(struct text *text, const char *key, uint64_t value)
{
    add(text, " ");
    add(text, key);
    add(text, "=");
    add_number(text, value);
}

/* -- Time -------------------------------------------------------------------------------------- */

int64_t clock_ms(int clock)
{
    struct sys_timespec now = {0, 0};
    SYS2(clock_gettime, clock, &now);
    return now.sec * 1000 + now.nsec / 1000000;
}

void nap(int64_t ms)
{
    poll_fds(NULL, 0, ms);
}

/* -- Files ------------------------------------------------------------------------------------- */

void poll_fds(struct sys_pollfd *fds, size_t count, int64_t ms)
{
    struct sys_timespec limit = {ms / 1000, ms % 1000 * 1000000};
    for (size_t i = 0; i < count; i++)
        fds[i].revents = 0;
    SYS5(ppoll, fds, count, ms < 0 ? NULL : &limit, NULL, 8);
}

bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        long n = SYS3(write, fd, data, len);
        if (n == E_AGAIN) {
            struct sys_pollfd one = {fd, POLLOUT, 0};
            poll_fds(&one, 1, -1);
        } else if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else if (n != E_INTR) {
            return false;
        }
    }
    return true;
}

long read_all(int fd, char *data, size_t max)
{
    size_t len = 0;
    while (len < max) {
        long n = SYS3(read, fd, data + len, max - len);
        if (n == E_INTR) continue;
        if (n < 0) return n;
        if (n == 0) break;
        len += (size_t)n;
    }
    return (long)len;
}

int open_file(const char *path, int flags)
{
    return (int)SYS4(openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666);
}

void close_fd(int fd)
{
    if (fd >= 0) SYS1(close, fd);
}

long read_file(const char *path, char *data, size_t size)
{
    int fd = open_file(path, 0);
    if (fd < 0) return fd;
    long len = read_all(fd, data, size - 1);
    close_fd(fd);
    data[len > 0 ? len : 0] = '\0';
    return len;
}

bool exists(const char *path)
{
    return SYS3(faccessat, AT_FDCWD, path, F_OK) == 0;
}

uint64_t file_size(const char *path)
{
    struct sys_stat info;
    return SYS4(newfstatat, AT_FDCWD, path, &info, 0) == 0 ? (uint64_t)info.size : 0;
}

long fork_process(void)
{
    return SYS5(clone, SIGCHLD, 0, 0, 0, 0);
}

struct entry {
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

void each_name(const char *path, void (*visit)(void *ctx, const char *name), void *ctx)
{
    _Alignas(8) char block[8192];
    int fd = open_file(path, O_DIRECTORY);
    if (fd < 0) return;
    for (long n; (n = SYS3(getdents64, fd, block, sizeof block)) > 0;) {
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(block + at);
            visit(ctx, entry->name);
            at += entry->size;
        }
    }
    close_fd(fd);
}
