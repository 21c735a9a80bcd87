/* base.h: what a program without a C library has to bring along: memory, text, time, files. */
#ifndef NATIVE_BASE_H
#define NATIVE_BASE_H

#include <stdbool.h>

#include "sys.h"

/* -- memory: from the kernel, zeroed, never given back; dies when there is none -- */
void *take(size_t size);
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

_Noreturn void die(int status);

/* -- text -- */
size_t length(const char *text);
bool equal(const char *a, const char *b);
bool starts_with(const char *text, const char *prefix);
/* Where the len bytes of needle lie in a text; NULL = nowhere. */
const char *find(const char *text, size_t text_len, const char *needle, size_t len);
/* The digits at *at, which is moved behind them. */
uint64_t number(const char **at);

/* Text with a maximum from birth: what does not fit is dropped, and `full` says so. */
struct text {
    char *data;
    size_t len;
    size_t max; /* one less than the memory: there is always a final NUL */
    bool full;
};

#define TEXT(memory)                                                                                         \
    {                                                                                                        \
        (memory), 0, sizeof(memory) - 1, false                                                               \
    }

void add_bytes(struct text *text, const char *bytes, size_t len);
void add(struct text *text, const char *more);
void add_number(struct text *text, uint64_t value);
/* A blank and the number, or KEY=NUMBER with a blank before. */
void add_field(struct text *text, uint64_t value);
void add_key(struct text *text, const char *key, uint64_t value);

/* -- time, in ms -- */
int64_t clock_ms(int clock);
void nap(int64_t ms);

/* -- files -- */

/* Both go on where a signal or a full pipe interrupts; false when that is not possible. */
bool write_all(int fd, const char *data, size_t len);
/* Reads at most max bytes, until the end; the number of bytes, or negative. */
long read_all(int fd, char *data, size_t max);
/* A whole small file, NUL-terminated; negative when it cannot be opened. */
long read_file(const char *path, char *data, size_t size);
int open_file(const char *path, int flags); /* close-on-exec; new files have mode 0666 */
void close_fd(int fd);
bool exists(const char *path);
/* Bytes in a file; 0 when there is none. */
uint64_t file_size(const char *path);

/* Waits for one of the descriptors at most ms (negative = no limit). */
void poll_fds(struct sys_pollfd *fds, size_t count, int64_t ms);

long fork_process(void);

/* Calls visit for each name in a folder. */
void each_name(const char *path, void (*visit)(void *ctx, const char *name), void *ctx);

#endif
