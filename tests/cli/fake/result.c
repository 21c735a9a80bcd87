/* result.c: results as chains of chunks, errors, cancel tokens, time. */
#include "fake.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct chunk {
    struct chunk *next;
    char data[];
};

void *fake_keep(eep_out *out, const void *data, size_t len)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk) + len + 1);
    if (!chunk) return NULL;
    if (len > 0) memcpy(chunk->data, data, len);
    chunk->next = out->arena;
    out->arena = chunk;
    return chunk->data;
}

eep_str fake_keep_text(eep_out *out, const char *text)
{
    return (eep_str){fake_keep(out, text, strlen(text)), strlen(text)};
}

void fake_clear(eep_out *out)
{
    if (!out) return;
    for (struct chunk *chunk = out->arena; chunk;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    uint32_t size = out->struct_size;
    memset(out, 0, size);
    out->struct_size = size;
}

int32_t fake_fail(eep_error *err, int32_t code, const char *where, const char *format, ...)
{
    if (!err) return code;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    err->code = code;
    err->message = fake_keep_text(&err->head, text);
    err->where = fake_keep_text(&err->head, where);
    return code;
}

void fake_blame(eep_error *err, const char *lease, const char *execution, uint32_t flags)
{
    if (!err) return;
    err->head.flags |= flags;
    if (lease) err->lease = fake_keep_text(&err->head, lease);
    if (execution) err->execution_id = fake_keep_text(&err->head, execution);
}

eep_str fake_fixed(const char *text)
{
    return (eep_str){text, strlen(text)};
}

struct eep_cancel {
    atomic_int references;
    atomic_int fired;
    int event;
};

eep_cancel *fake_cancel_create(void)
{
    eep_cancel *token = calloc(1, sizeof(*token));
    if (!token) return NULL;
    token->references = 1;
    token->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return token;
}

void fake_cancel_fire(eep_cancel *token)
{
    if (!token) return;
    atomic_fetch_add(&token->fired, 1);
    uint64_t one = 1;
    if (write(token->event, &one, sizeof(one)) < 0) return; /* the counter is full: it is readable already */
}

void fake_cancel_destroy(eep_cancel *token)
{
    if (!token || atomic_fetch_sub(&token->references, 1) > 1) return;
    close(token->event);
    free(token);
}

int fake_fired(const eep_cancel *token)
{
    return token ? atomic_load(&token->fired) : 0;
}

int fake_cancel_fd(const eep_cancel *token)
{
    return token ? token->event : -1;
}

int64_t fake_now_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool fake_rest(eep_cancel *token, int milliseconds)
{
    struct pollfd event = {.fd = fake_cancel_fd(token), .events = POLLIN};
    int64_t end = fake_now_ms(CLOCK_MONOTONIC) + milliseconds;
    for (int64_t left; (left = end - fake_now_ms(CLOCK_MONOTONIC)) > 0 && !fake_fired(token);)
        poll(&event, 1, (int)left);
    return !fake_fired(token);
}
