/* answer_fuzz.c: the answers of a sandbox that nobody should trust: whatever they are, parsing them keeps to what was
 * asked for. The first byte chooses the parser and what was asked for, the rest is the answer. */
#include <string.h>

#include "base/str.h"
#include "runner/answer.h"
#include "tests/fuzz/fuzz.h"

#define NONCE "0123456789abcdef01234567"
#define END   "EEP1 " NONCE " end\n"
#define DONE  " code=3 sig=0 kill=15 why=lc unsure=0 lost=0 held=1 t1=1795223006861"
#define KNOWN " digest=0123456789abcdef0123456789abcdef t0=1795223006000 .\n"

const char *const fuzz_seeds[] = {
    "aEEP1 " NONCE " done o=5 e=3 att=0" DONE KNOWN
    "dir /home/me/.eep\nraw o 0 5\nhello\nb64 e 0 3\nYWJj\n" END,
    "anoise\nEEP1 " NONCE " done o=70000 e=0 att=1" DONE KNOWN "dir /tmp/.eep-1000\nnone o 0 1024\n" END,
    "bEEP1 " NONCE " running o=104 e=101 att=0" KNOWN
    "dir /home/me/.eep\nb64 o 100 4\nYWJjZA==\nraw e 100 1\nx\n" END,
    "bEEP1 " NONCE " lost o=100 e=100 att=0" KNOWN "dir /d\n" END,
    "aEEP1 " NONCE " expired o=0 e=0 att=1 code=0 sig=? kill=0 why=- unsure=1 lost=1 held=0 t1=0 digest=- "
    "t0=0 .\ndir /d\n" END,
    "aEEP1 " NONCE " none o=0 e=0 att=0 .\ndir /d\n" END,
    "aEEP1 " NONCE " conflict o=0 e=0 att=1" KNOWN "dir /d\n" END,
    "aEEP1 " NONCE " refused why=tool:setsid .\n" END,
    "aEEP1 " NONCE " refused why=cwd .\n" END,
    "cEEP1 " NONCE
    " list .\nx one done 0 0 0 5 3 1795223006000 1795223006861\nx two running 0 0 1 5 3 0 0\n" END,
    "dEEP1 " NONCE " prepared identity=ok boot=ef344511 missing=base64,tail .\nhome /home/me\ncwd /home/me\n"
    "workspace /home/me/eep-workspace\ndir /home/me/.eep\nshell /bin/bash\nuser me\narch x86_64\n" END,
    "eEEP1 " NONCE " placed n=3 .\ns 0 ok\ns 1 folder\ns 2 failed\n" END,
    NULL,
};

static const struct runner_call call = {.nonce = {NONCE, sizeof NONCE - 1}};

static void check_error(int status, const struct err *err)
{
    FUZZ_MUST(status == err->code);
    FUZZ_MUST(status == EEP_OK || err->message[0] != '\0');
    FUZZ_MUST(strlen(err->message) < sizeof err->message);
}

/* -- Executions -------------------------------------------------------------------------------- */

static void check_stream(const struct runner_stream *stream, uint64_t offset, uint64_t most)
{
    FUZZ_MUST(stream->offset == offset);
    FUZZ_MUST(stream->data.len <= most);
    FUZZ_MUST(stream->data.len == 0 || stream->total >= offset + stream->data.len);
    FUZZ_MUST(stream->total <= 1ull << 52);
}

static void check_answer(const struct runner_answer *answer, const struct runner_wait *wait)
{
    FUZZ_MUST(answer->exit_code >= -1 && answer->exit_code <= 255);
    FUZZ_MUST(answer->term_signal >= -1 && answer->term_signal <= 127);
    FUZZ_MUST(answer->started_at_ms >= 0 && answer->finished_at_ms >= 0);
    FUZZ_MUST(memchr(answer->dir, '\0', sizeof answer->dir) != NULL);
    FUZZ_MUST(memchr(answer->tool, '\0', sizeof answer->tool) != NULL);
    if (answer->state == RUNNER_REFUSED) return;
    FUZZ_MUST(answer->dir[0] == '/');
    check_stream(&answer->out, wait->offset_out, wait->inline_bytes);
    check_stream(&answer->err, wait->offset_err, wait->inline_bytes);
}

static void try_answer(eep_str text, const struct runner_wait *wait)
{
    struct runner_answer answer;
    struct err err = ERR_INIT;
    runner_answer_init(&answer);
    int status = runner_answer_parse(text, &call, wait, &answer, &err);
    check_error(status, &err);
    if (status == EEP_OK) {
        check_answer(&answer, wait);
        check_error(runner_answer_error(&answer, &err), &err);
    } else {
        FUZZ_MUST(answer.out.data.len <= wait->inline_bytes && answer.err.data.len <= wait->inline_bytes);
    }
    runner_answer_finish(&answer);
}

/* -- The others -------------------------------------------------------------------------------- */

enum { LISTED_MAX = 3 };

static int visit(void *ctx, const struct runner_listed *listed)
{
    unsigned *count = ctx;
    FUZZ_MUST(++*count <= LISTED_MAX);
    FUZZ_MUST(str_is_word(str_from(listed->id)));
    FUZZ_MUST(listed->exit_code >= -1 && listed->exit_code <= 255);
    FUZZ_MUST(listed->started_at_ms >= 0 && listed->finished_at_ms >= 0);
    return EEP_OK;
}

static void try_list(eep_str text)
{
    unsigned count = 0;
    struct err err = ERR_INIT;
    check_error(runner_listed_parse(text, &call, LISTED_MAX, visit, &count, &err), &err);
}

static void try_prepared(eep_str text)
{
    static struct runner_prepared prepared;
    struct err err = ERR_INIT;
    int status = runner_prepared_parse(text, &call, &prepared, &err);
    check_error(status, &err);
    if (status != EEP_OK) return;
    FUZZ_MUST(prepared.cwd[0] == '/' && prepared.workspace[0] == '/' && prepared.shell[0] == '/');
    FUZZ_MUST(prepared.dir[0] == '/' || prepared.dir[0] == '\0');
}

static void try_placed(eep_str text)
{
    enum runner_placed placed[3] = {RUNNER_PLACED_FAILED, RUNNER_PLACED_FAILED, RUNNER_PLACED_FAILED};
    struct err err = ERR_INIT;
    check_error(runner_placed_parse(text, &call, 3, placed, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct runner_wait from_start = {.inline_bytes = 1024};
    static const struct runner_wait later = {.offset_out = 100, .offset_err = 100, .inline_bytes = 16};
    if (len == 0) return 0;
    eep_str text = {(const char *)data + 1, len - 1};
    switch (data[0]) {
    case 'a': try_answer(text, &from_start); break;
    case 'b': try_answer(text, &later); break;
    case 'c': try_list(text); break;
    case 'd': try_prepared(text); break;
    default: try_placed(text); break;
    }
    return 0;
}
