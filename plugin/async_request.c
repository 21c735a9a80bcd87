#include "async_request.h"

#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/cleanup.h"

/* All that a request points to. No call takes nearly as much. */
#define COPY_MAX ((size_t)1 << 32)

/* -- What points where ------------------------------------------------------------------------- */

/* A struct in an array, and its strings. */
struct element {
    size_t size;
    size_t texts[2]; /* offsets of eep_str or eep_bytes */
    size_t text_count;
};

static const struct element element_str = {.size = sizeof(eep_str), .texts = {0}, .text_count = 1};
static const struct element element_pair = {.size = sizeof(eep_pair),
                                            .texts = {offsetof(eep_pair, name), offsetof(eep_pair, value)},
                                            .text_count = 2};
static const struct element element_source = {
    .size = sizeof(eep_source),
    .texts = {offsetof(eep_source, path), offsetof(eep_source, data)},
    .text_count = 2};

#define TEXT(type, field)                                                                                    \
    {                                                                                                        \
        .offset = offsetof(type, field)                                                                      \
    }
#define ARRAY(type, field, name, of)                                                                         \
    {                                                                                                        \
        .offset = offsetof(type, field), .count = offsetof(type, name##_count),                              \
        .stride = offsetof(type, name##_stride), .element = &(of)                                            \
    }
#define TRACE TEXT(eep_request, trace_id) /* every request begins with one */

static const struct pointer_field only_trace[] = {TRACE};
static const struct pointer_field acquire_fields[] = {
    TRACE,
    TEXT(eep_acquire_request, idempotency_key),
    TEXT(eep_acquire_request, name_hint),
    ARRAY(eep_acquire_request, labels, label, element_pair),
    ARRAY(eep_acquire_request, env, env, element_pair),
};
static const struct pointer_field resume_fields[] = {TRACE, TEXT(eep_resume_request, lease)};
static const struct pointer_field realize_fields[] = {
    TRACE,
    TEXT(eep_realize_request, lease),
    TEXT(eep_realize_request, root),
    ARRAY(eep_realize_request, sources, source, element_source),
};
static const struct pointer_field execute_fields[] = {
    TRACE,
    TEXT(eep_execute_request, lease),
    TEXT(eep_execute_request, execution_id),
    ARRAY(eep_execute_request, argv, argv, element_str),
    TEXT(eep_execute_request, script),
    TEXT(eep_execute_request, shell),
    TEXT(eep_execute_request, cwd),
    ARRAY(eep_execute_request, env, env, element_pair),
    TEXT(eep_execute_request, stdin_data),
};
static const struct pointer_field release_fields[] = {TRACE, TEXT(eep_release_request, lease)};
static const struct pointer_field attach_fields[] = {TRACE, TEXT(eep_attach_request, lease),
                                                     TEXT(eep_attach_request, execution_id)};
static const struct pointer_field kill_fields[] = {TRACE, TEXT(eep_kill_request, lease),
                                                   TEXT(eep_kill_request, execution_id)};
static const struct pointer_field list_fields[] = {TRACE, TEXT(eep_list_request, lease)};
static const struct pointer_field drop_fields[] = {TRACE, TEXT(eep_drop_request, lease),
                                                   TEXT(eep_drop_request, execution_id)};
static const struct pointer_field lease_get_fields[] = {TRACE, TEXT(eep_lease_get_request, lease)};
static const struct pointer_field leases_fields[] = {TRACE, TEXT(eep_leases_request, cursor)};
static const struct pointer_field keepalive_fields[] = {TRACE, TEXT(eep_keepalive_request, lease)};
static const struct pointer_field reap_fields[] = {TRACE, TEXT(eep_reap_request, cursor)};
static const struct pointer_field explain_fields[] = {TRACE, TEXT(eep_explain_request, lease)};

#define FIELDS(list) .fields = (list), .field_count = sizeof(list) / sizeof(list)[0]

static const struct async_call calls[] = {
    {"probe", &call_probe, FIELDS(only_trace)},
    {"acquire_lease", &call_acquire_lease, FIELDS(acquire_fields)},
    {"resume_lease", &call_resume_lease, FIELDS(resume_fields)},
    {"realize_workspace", &call_realize_workspace, FIELDS(realize_fields)},
    {"execute", &call_execute, FIELDS(execute_fields), .on_output = offsetof(eep_execute_request, on_output)},
    {"release", &call_release, FIELDS(release_fields)},
    {EEP_EXT_EXECUTION ".attach", &call_attach, FIELDS(attach_fields),
     .on_output = offsetof(eep_attach_request, on_output)},
    {EEP_EXT_EXECUTION ".kill", &call_kill, FIELDS(kill_fields)},
    {EEP_EXT_EXECUTION ".list", &call_list, FIELDS(list_fields)},
    {EEP_EXT_EXECUTION ".drop", &call_drop, FIELDS(drop_fields)},
    {EEP_EXT_LEASE ".get", &call_lease_get, FIELDS(lease_get_fields)},
    {EEP_EXT_LEASE ".list", &call_leases, FIELDS(leases_fields)},
    {EEP_EXT_LEASE ".keepalive", &call_keepalive, FIELDS(keepalive_fields)},
    {EEP_EXT_LEASE ".reap", &call_reap, FIELDS(reap_fields)},
    {EEP_EXT_LEASE ".explain", &call_explain, FIELDS(explain_fields)},
};

const struct async_call *async_find(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0) return &calls[i];
    return NULL;
}

/* -- Copying ----------------------------------------------------------------------------------- */

/* Goes over everything that a request points to: first to add up what it takes (memory NULL), then to copy. */
struct copier {
    char *memory;
    size_t used;
    bool too_large;
};

/* Room for `size` bytes, aligned for pointers; NULL while adding up. */
static char *take_room(struct copier *copier, size_t size)
{
    size_t at = (copier->used + 7) / 8 * 8;
    if (size > COPY_MAX || at > COPY_MAX - size) {
        copier->too_large = true;
        return NULL;
    }
    copier->used = at + size;
    return copier->memory ? copier->memory + at : NULL;
}

/* A length without a pointer is left for the operation to refuse. */
static void copy_text(struct copier *copier, eep_bytes *text)
{
    if (!text->ptr) return;
    char *room = take_room(copier, text->len + (text->len == 0));
    if (!room) return;
    memcpy(room, text->ptr, text->len);
    text->ptr = room;
}

static void copy_texts(struct copier *copier, const struct element *element, void *item)
{
    for (size_t i = 0; i < element->text_count; i++)
        copy_text(copier, (eep_bytes *)(void *)((char *)item + element->texts[i]));
}

static int copy_array(struct copier *copier, const struct pointer_field *field, char *request,
                      struct err *err)
{
    const struct element *element = field->element;
    void **array = (void **)(void *)(request + field->offset);
    uint32_t count = *(uint32_t *)(void *)(request + field->count);
    uint32_t *stride = (uint32_t *)(void *)(request + field->stride);
    TRY(abi_check_array(*array, count, *stride, element->size, "an array", err));
    if (count == 0) return EEP_OK;
    char *room = take_room(copier, count * element->size);
    for (uint32_t i = 0; i < count && !copier->too_large; i++) {
        _Alignas(max_align_t) char item[sizeof(eep_source)];
        memcpy(item, abi_at(*array, *stride, element->size, i), element->size);
        copy_texts(copier, element, item);
        if (room) memcpy(room + i * element->size, item, element->size);
    }
    if (!room) return EEP_OK;
    *array = room;
    *stride = (uint32_t)element->size;
    return EEP_OK;
}

static int copy_all(struct copier *copier, const struct async_call *call, union call_request *request,
                    struct err *err)
{
    char *base = (char *)request;
    for (size_t i = 0; i < call->field_count && !copier->too_large; i++) {
        if (call->fields[i].element)
            TRY(copy_array(copier, &call->fields[i], base, err));
        else
            copy_text(copier, (eep_bytes *)(void *)(base + call->fields[i].offset));
    }
    if (copier->too_large)
        return err_set(err, EEP_E_TOO_LARGE, "what the request points to is larger than %zu bytes", COPY_MAX);
    return EEP_OK;
}

int async_copy_init(struct async_copy *copy, const struct async_call *call, const void *request,
                    struct err *err)
{
    struct copier copier = {0};
    *copy = (struct async_copy){0};
    TRY(call_import(call->call, request, &copy->request, err));
    TRY(copy_all(&copier, call, &copy->request, err));
    copy->size = copier.used;
    copy->memory = malloc(copier.used + 1);
    if (!copy->memory) return err_no_memory(err);
    copier = (struct copier){.memory = copy->memory};
    return copy_all(&copier, call, &copy->request, err);
}

/* Environments and standard input are secrets. */
void async_copy_finish(struct async_copy *copy)
{
    if (copy->memory) wipe_free(copy->memory, copy->size);
    copy->memory = NULL;
}
