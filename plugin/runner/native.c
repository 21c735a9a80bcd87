#include "runner/native.h"

#include <string.h>

#include "base/b64.h"
#include "base/str.h"
#include "runner/quote.h"

#include "native_programs.h"

const char *native_name(void)
{
    return native_programs[0].packed ? native_programs_name : NULL;
}

const char *native_program(eep_str cpu)
{
    for (size_t i = 0; native_programs[i].packed; i++)
        if (str_is(cpu, native_programs[i].cpu)) return native_programs[i].packed;
    return NULL;
}

int native_field(struct buf *fields, const char *name, eep_str value)
{
    TRY(buf_append_cstr(fields, name));
    TRY(buf_append_char(fields, ' '));
    TRY(buf_append_u64(fields, value.len));
    TRY(buf_append_char(fields, ':'));
    TRY(buf_append_str(fields, value));
    return buf_append_char(fields, '\n');
}

int native_number(struct buf *fields, const char *name, uint64_t value)
{
    char digits[STR_U64_MAX];
    return native_field(fields, name, str_from_u64(value, digits));
}

/* e_b: the program's path. The nonce is told in the open: it is no secret, and proxies and tests can tell requests by
 * it. */
static int put_path(struct buf *out, const struct runner_call *call)
{
    TRY(quote_assign(out, "e_no", call->nonce));
    if (!str_absent(call->native)) return quote_assign(out, "e_b", call->native);
    TRY(quote_assign(out, "e_b", call->dir));
    return buf_appendf(out, "e_b=${e_b:-${HOME-}/.eep}/%s\n", native_name());
}

/* Unpacks the program if it is not there, and tries it: a noexec mount, another CPU or a strict filter are found out. Then
 * an empty file in its place keeps others from trying again. */
static int put_program(struct buf *out, const char *program)
{
    TRY(buf_append_cstr(out, "[ -e \"$e_b\" ]||{\nbase64 -d <<'~'|gzip -dc >\"$e_b.$e_no\"\n"));
    TRY(buf_append_cstr(out, program));
    return buf_append_cstr(out, "~\n"
                                "chmod 700 \"$e_b.$e_no\"\n"
                                "[ \"$(\"$e_b.$e_no\" check)\" = 'EEP1 runs' ]||"
                                "{ rm -f \"$e_b.$e_no\"; : >\"$e_b.$e_no\"; }\n"
                                "mv -f \"$e_b.$e_no\" \"$e_b\"\n}\n");
}

/* What is said where the program has gone (somebody cleaned the home): the plugin then goes on in sh. */
static int put_absence(struct buf *out)
{
    return buf_append_cstr(
        out,
        "[ -x \"$e_b\" ]||{ echo \"EEP1 $e_no refused why=runner .\"; echo \"EEP1 $e_no end\"; exit; }\n");
}

/* A line of the program's name behind `[ … ]`, with the fields as its here-document. */
static int put_document(struct buf *out, const char *line, const struct buf *fields)
{
    TRY(buf_append_cstr(out, line));
    TRY(buf_append_cstr(out, " <<'~'\n:\n"));
    TRY(b64_encode(out, fields->data, fields->len, 0));
    return buf_append_cstr(out, ".\n~\n");
}

int native_put(struct buf *out, const struct runner_call *call, const struct buf *fields, bool returns)
{
    bool either = call->use == RUNNER_EITHER;
    const char *program = str_empty(call->program) ? NULL : native_program(call->program);
    TRY(put_path(out, call));
    if (program) TRY(put_program(out, program));
    if (!either) TRY(put_absence(out));
    if (returns) return put_document(out, "\"$e_b\"", fields);
    /* Bash and zsh read their input byte by byte, and leave the rest of it to the program. */
    TRY(buf_append_cstr(out, "[ -x \"$e_b\" ]&&[ \"${BASH_VERSION-}${ZSH_VERSION-}\" ]&&exec \"$e_b\"\n"));
    return put_document(out, either ? "[ ! -x \"$e_b\" ]||exec \"$e_b\"" : "exec \"$e_b\"", fields);
}
