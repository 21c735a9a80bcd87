#include "abi.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

static uint32_t struct_size_of(const void *host)
{
    uint32_t size;
    memcpy(&size, host, sizeof size);
    return size;
}

/* The offset of the first byte that is not zero in [from, to), or `to`. */
static size_t first_set(const void *memory, size_t from, size_t to)
{
    const unsigned char *bytes = memory;
    while (from < to && bytes[from] == 0)
        from++;
    return from;
}

int abi_import(void *local, size_t local_size, size_t min_size, const void *host, const char *what,
               struct err *err)
{
    if (!host) return err_set(err, EEP_E_INVALID_ARGUMENT, "the %s request is NULL", what);
    size_t size = struct_size_of(host);
    if (size < min_size || size > ABI_STRUCT_MAX)
        return err_set(
            err, EEP_E_INVALID_ARGUMENT,
            "struct_size of the %s request is %zu, but must be %zu to %u: set it to sizeof the struct", what,
            size, min_size, ABI_STRUCT_MAX);
    size_t unknown = first_set(host, local_size, size);
    if (unknown < size)
        return err_set(err, EEP_E_UNSUPPORTED,
                       "the %s request uses a field at offset %zu that this plugin (ABI 1.%u) does not know",
                       what, unknown, EEP_ABI_MINOR);
    memset(local, 0, local_size);
    memcpy(local, host, size < local_size ? size : local_size);
    return EEP_OK;
}

int abi_check_flags(uint32_t flags, uint32_t known, const char *what, struct err *err)
{
    if ((flags & ~known) == 0) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED, "the %s request has flags 0x%x that this plugin does not know",
                   what, flags & ~known);
}

int abi_check_zero(uint64_t reserved, const char *what, struct err *err)
{
    if (reserved == 0) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED, "a reserved field of the %s request is not zero", what);
}

int abi_check_str(eep_str text, size_t max, const char *what, struct err *err)
{
    if (!text.ptr && text.len > 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "%s has a length but no pointer", what);
    if (text.len > max)
        return err_set(err, EEP_E_TOO_LARGE, "%s has %zu bytes; at most %zu are allowed", what, text.len,
                       max);
    return EEP_OK;
}

static size_t stride_of(uint32_t stride, size_t size)
{
    return stride ? stride : size;
}

const void *abi_at(const void *array, uint32_t stride, size_t size, uint32_t index)
{
    return (const char *)array + stride_of(stride, size) * index;
}

static int check_tails(const void *array, uint32_t count, uint32_t stride, size_t size, const char *what,
                       struct err *err)
{
    for (uint32_t i = 0; stride > size && i < count; i++)
        if (first_set(abi_at(array, stride, size, i), size, stride) < stride)
            return err_set(err, EEP_E_UNSUPPORTED,
                           "element %u of %s uses a field that this plugin does not know", i, what);
    return EEP_OK;
}

int abi_check_array(const void *array, uint32_t count, uint32_t stride, size_t size, const char *what,
                    struct err *err)
{
    if (count == 0) return EEP_OK;
    if (!array) return err_set(err, EEP_E_INVALID_ARGUMENT, "%s is NULL but has a count of %u", what, count);
    if (stride != 0 && (stride < size || stride > ABI_STRUCT_MAX || stride % 8 != 0))
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "the stride of %s is %u, but must be the size of its element, %zu", what, stride,
                       size);
    return check_tails(array, count, stride, size, what, err);
}

int abi_check_result(const void *host, const char *what, struct err *err)
{
    if (!host) return err_set(err, EEP_E_INVALID_ARGUMENT, "the %s result is NULL", what);
    size_t size = struct_size_of(host);
    if (size >= sizeof(eep_out) && size <= ABI_STRUCT_MAX) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT,
                   "struct_size of the %s result is %zu: set it to sizeof the struct", what, size);
}

void abi_export(void *host, const void *local, size_t local_size)
{
    size_t size = struct_size_of(host);
    if (size > local_size) size = local_size;
    memcpy((char *)host + sizeof(uint32_t), (const char *)local + sizeof(uint32_t), size - sizeof(uint32_t));
}

/* Copies into the arena; without memory the text is left out rather than the error. */
static eep_str keep_text(void **arena, const char *text)
{
    eep_str out = {NULL, 0};
    if (text[0] == '\0') return out;
    if (arena_str(arena, str_from(text), &out) != EEP_OK) return STR("out of memory");
    return out;
}

int32_t abi_export_error(eep_error *host, const struct err *err)
{
    struct err unused = ERR_INIT;
    if (!host || abi_check_result(host, "error", &unused) != EEP_OK) return err->code;
    eep_error out = {
        .head = {.flags = err->flags},
        .code = err->code,
        .http_status = err->http_status,
        .os_errno = err->os_errno,
        .retry_after_ms = err->retry_after_ms,
    };
    out.message = keep_text(&out.head.arena, err->message);
    out.where = keep_text(&out.head.arena, err->where);
    out.request_id = keep_text(&out.head.arena, err->request_id);
    out.lease = keep_text(&out.head.arena, err->lease);
    out.execution_id = keep_text(&out.head.arena, err->execution_id);
    abi_export(host, &out, sizeof out);
    return err->code;
}

void abi_clear(eep_out *out)
{
    struct err unused = ERR_INIT;
    if (!out || abi_check_result(out, "cleared", &unused) != EEP_OK) return;
    arena_free(&out->arena);
    memset((char *)out + sizeof out->struct_size, 0, out->struct_size - sizeof out->struct_size);
}
