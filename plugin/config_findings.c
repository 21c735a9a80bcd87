#include "config_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_lint.h"
#include "base/str.h"

/* Pointers longer than this are told in `pointer` only, not repeated in the message. */
#define LABEL_MAX 100

struct kind {
    uint32_t severity;
    const char *code;
    const char *hint;
};

#define ERROR   EEP_SEVERITY_ERROR
#define WARNING EEP_SEVERITY_WARNING
#define INFO    EEP_SEVERITY_INFO

static const struct kind kinds[FINDING_KINDS] = {
    [FOUND_TOO_LARGE] = {ERROR, "config_too_large", "keep large data out of the configuration"},
    [FOUND_NOT_JSON] = {ERROR, "not_json", "mend the JSON text; comments and trailing commas are not JSON"},
    [FOUND_NOT_AN_OBJECT] = {ERROR, "not_an_object", "write {\"apiKey\": \"...\"}"},
    [FOUND_DUPLICATE_KEY] = {ERROR, "duplicate_key", "keep one of them"},
    [FOUND_NUL_IN_KEY] = {ERROR, "nul_in_key", "take \\u0000 out of the key"},
    [FOUND_WRONG_TYPE] = {ERROR, "wrong_type", "see docs/config.md for what this key takes"},
    [FOUND_BLANK] = {ERROR, "blank", "give it a value, or leave it out"},
    [FOUND_TOO_LONG] = {ERROR, "too_long", "shorten it"},
    [FOUND_TOO_MANY] = {ERROR, "too_many", "leave some out"},
    [FOUND_NOT_AN_INTEGER] = {ERROR, "not_an_integer", "write a whole number without quotes"},
    [FOUND_OUT_OF_RANGE] = {ERROR, "out_of_range", "choose a value within the limits"},
    [FOUND_NUMBER_AS_TEXT] = {WARNING, "number_as_text", "write the number without quotes"},
    [FOUND_MISSING_MEMBER] = {ERROR, "missing_member", "add it"},
    [FOUND_BAD_CHARACTER] = {ERROR, "bad_character",
                             "look for stray blanks, line ends and invisible characters"},
    [FOUND_BAD_IMAGE] = {ERROR, "bad_image",
                         "name one image, as in debian:12 or registry.example.com/team/app:1.0"},
    [FOUND_BAD_URL] = {ERROR, "bad_url", "write it as in https://app.daytona.io/api"},
    [FOUND_INSECURE_URL] = {WARNING, "insecure_url",
                            "use https: over http anybody on the way can read the credentials"},
    [FOUND_URL_WITHOUT_PATH] = {WARNING, "url_without_path", "Daytona's API usually lies under /api: add it"},
    [FOUND_BAD_PROXY] = {ERROR, "bad_proxy", "write it as in http://proxy.example.com:3128"},
    [FOUND_BAD_PATH] = {ERROR, "bad_path", "write the path in full, without .. in it"},
    [FOUND_BAD_ENV_NAME] = {ERROR, "bad_env_name", "use letters, digits and _, and no digit first"},
    [FOUND_RESERVED_LABEL] = {ERROR, "reserved_label", "choose another name"},
    [FOUND_BAD_CIDR] = {ERROR, "bad_cidr", "write an IPv4 network, as in 10.0.0.0/8 or 203.0.113.7/32"},
    [FOUND_BAD_HOST] = {ERROR, "bad_host",
                        "write a host name without scheme, port and path, or *.example.com"},
    [FOUND_UNKNOWN_RUNNER] = {ERROR, "unknown_runner", "use auto, which needs no knowledge of the sandbox"},
    [FOUND_UNKNOWN_LANGUAGE] = {WARNING, "unknown_language", "use python, typescript or javascript"},
    [FOUND_DEPRECATED_VARIABLE] = {INFO, "deprecated_variable", "set DAYTONA_API_URL instead"},
    [FOUND_MISSING_CREDENTIALS] =
        {ERROR, "missing_credentials",
         "set apiKey, or jwtToken and organizationId; DAYTONA_API_KEY is read only with "
         "trustEnv"},
    [FOUND_MISSING_CREDENTIALS_TRUSTED] =
        {ERROR, "missing_credentials",
         "export DAYTONA_API_KEY=..., or set apiKey, or jwtToken and organizationId"},
    [FOUND_TWO_CREDENTIALS] = {ERROR, "api_key_and_jwt_token", "set one of them"},
    [FOUND_MISSING_ORGANIZATION] = {ERROR, "missing_organization_id", "set organizationId"},
    [FOUND_IMAGE_AND_SNAPSHOT] = {ERROR, "image_and_snapshot", "set one of them"},
    [FOUND_RESOURCES_WITHOUT_IMAGE] = {ERROR, "resources_without_image",
                                       "set image, or leave cpu, memory, disk and gpu to the snapshot"},
    [FOUND_DISK_ABOVE_HOSTED_LIMIT] = {WARNING, "disk_above_hosted_limit",
                                       "ask for 10 or less, unless your own server allows more"},
    [FOUND_GPU_NEEDS_EPHEMERAL] = {ERROR, "gpu_needs_ephemeral", "set autoDeleteInterval to 0"},
    [FOUND_REUSED_BUT_EPHEMERAL] = {WARNING, "reused_but_ephemeral",
                                    "set autoDeleteInterval to -1, or reuseLease to false"},
    [FOUND_NEVER_STOPS] = {INFO, "never_stops",
                           "set it to some minutes, unless you release every lease without fail"},
    [FOUND_STOPS_UNDER_WORK] = {WARNING, "stops_under_work", "set it to 2 or more"},
    [FOUND_BLOCKED_BUT_ALLOWED] = {WARNING, "blocked_but_allowed", "set one of them"},
    [FOUND_UNKNOWN_KEY] = {WARNING, "unknown_key", "leave it out"},
    [FOUND_UNKNOWN_KEY_STRICT] = {ERROR, "unknown_key", "leave it out"},
    [FOUND_TOO_MANY_FINDINGS] = {ERROR, "too_many_findings", "mend these first"},
};

const char *finding_code(enum finding_kind kind)
{
    return kinds[kind].code;
}

int place_pointer(const struct place *place, struct buf *out)
{
    if (!place->parent) return buf_append_str(out, place->step);
    TRY(place_pointer(place->parent, out));
    return json_pointer_step(out, place->step);
}

/* What a message begins with: "volumes/0/mountPath", "apiUrl (from DAYTONA_API_URL)". */
static int append_label(const struct place *place, eep_str pointer, struct buf *out)
{
    if (pointer.len == 0) return buf_append_cstr(out, "the configuration");
    if (pointer.len > LABEL_MAX) return buf_append_cstr(out, "this value");
    TRY(buf_append(out, pointer.ptr + 1, pointer.len - 1));
    return place->variable ? buf_appendf(out, " (from %s)", place->variable) : EEP_OK;
}

/* Keys may hold anything, and messages end up in logs. */
static void blank_controls(struct buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f) text->data[i] = ' ';
}

static int keep(struct findings *findings, const struct kind *kind, const struct place *place,
                const char *hint, const char *predicate)
{
    CLEANUP(buf_finish) struct buf pointer = BUF_INIT(4 * CONFIG_TEXT_MAX);
    CLEANUP(buf_finish) struct buf message = BUF_INIT(2048);
    TRY(place_pointer(place, &pointer));
    TRY(append_label(place, buf_str(&pointer), &message));
    TRY(buf_appendf(&message, " %s", predicate));
    blank_controls(&message);
    eep_finding finding = {.severity = kind->severity, .code = str_from(kind->code)};
    TRY(arena_str(&findings->arena, buf_str(&pointer), &finding.pointer));
    TRY(arena_str(&findings->arena, buf_str(&message), &finding.message));
    TRY(arena_str(&findings->arena, str_from(hint), &finding.hint));
    findings->items[findings->count++] = finding;
    if (finding.severity == ERROR) findings->errors++;
    return EEP_OK;
}

static int add(struct findings *findings, enum finding_kind kind, const struct place *place, const char *hint,
               const char *predicate)
{
    static const struct place document = {.parent = NULL};
    if (findings->count >= FINDINGS_MAX) return EEP_OK;
    if (!findings->items)
        findings->items = arena_alloc(&findings->arena, FINDINGS_MAX * sizeof *findings->items);
    if (!findings->items) return EEP_E_NO_MEMORY;
    if (findings->count < FINDINGS_MAX - 1)
        return keep(findings, &kinds[kind], place, hint ? hint : kinds[kind].hint, predicate);
    const struct kind *last = &kinds[FOUND_TOO_MANY_FINDINGS];
    return keep(findings, last, &document, last->hint, "has more faults; they are not listed");
}

int finding_add(struct findings *findings, enum finding_kind kind, const struct place *place,
                const char *format, ...)
{
    char predicate[512];
    va_list args;
    va_start(args, format);
    vsnprintf(predicate, sizeof predicate, format, args);
    va_end(args);
    return add(findings, kind, place, NULL, predicate);
}

int finding_add_hint(struct findings *findings, enum finding_kind kind, const struct place *place,
                     const char *hint, const char *format, ...)
{
    char predicate[512];
    va_list args;
    va_start(args, format);
    vsnprintf(predicate, sizeof predicate, format, args);
    va_end(args);
    return add(findings, kind, place, hint, predicate);
}

bool findings_blame(const struct findings *findings, const char *key)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        eep_str pointer = findings->items[i].pointer;
        bool same = pointer.len > 0 && str_is((eep_str){pointer.ptr + 1, pointer.len - 1}, key);
        if (same && findings->items[i].severity == ERROR) return true;
    }
    return false;
}

void findings_finish(struct findings *findings)
{
    arena_free(&findings->arena);
    *findings = (struct findings)FINDINGS_INIT;
}
