/* prepared.c: the answers of prepare, place and list. */
#include <string.h>

#include "base/str.h"
#include "runner/answer.h"
#include "runner/frame.h"

static int end(struct frame *frame, struct err *err)
{
    return frame_ends(frame) ? EEP_OK : frame_error(err, "lines behind the end");
}

/* -- prepare ------------------------------------------------------------------------------------ */

bool runner_identity_of(eep_str word, enum runner_identity *identity)
{
    static const char *const names[] = {
        [RUNNER_IDENTITY_UNASKED] = "unasked",   [RUNNER_IDENTITY_OK] = "ok",
        [RUNNER_IDENTITY_NEW] = "oknew",         [RUNNER_IDENTITY_MISSING] = "missing",
        [RUNNER_IDENTITY_MISMATCH] = "mismatch",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_is(word, names[i])) continue;
        *identity = (enum runner_identity)i;
        return true;
    }
    return false;
}

static bool native_state_of(eep_str word, enum runner_native_state *state)
{
    static const char *const names[] = {
        [RUNNER_NATIVE_UNASKED] = "unasked",
        [RUNNER_NATIVE_OK] = "ok",
        [RUNNER_NATIVE_ABSENT] = "absent",
        [RUNNER_NATIVE_BROKEN] = "broken",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_is(word, names[i])) continue;
        *state = (enum runner_native_state)i;
        return true;
    }
    return false;
}

static int get_word(struct frame *frame, const char *key, char *out, size_t cap, struct err *err)
{
    eep_str value = frame_get(frame, key);
    if (!str_is_word(value) || value.len >= cap) return frame_error(err, "a word that cannot be");
    str_copy(out, cap, value);
    return EEP_OK;
}

/* ",a,b" (or "," for none) becomes "a b". */
int runner_missing_of(struct frame *frame, char *missing, size_t cap, struct err *err)
{
    eep_str value = frame_get(frame, "missing");
    if (!str_has_prefix(value, ",") || value.len > cap || !str_is_graph(value))
        return frame_error(err, "a list of tools that cannot be");
    str_copy(missing, cap, (eep_str){value.ptr + 1, value.len - 1});
    for (char *c = missing; *c; c++)
        if (*c == ',') *c = ' ';
    return EEP_OK;
}

static int get_path(struct frame *frame, const char *name, char out[RUNNER_PATH_MAX], bool may_be_empty,
                    struct err *err)
{
    TRY(frame_text(frame, name, out, RUNNER_PATH_MAX, err));
    if (out[0] == '/' || (out[0] == '\0' && may_be_empty)) return EEP_OK;
    return frame_error(err, "a path that is not absolute");
}

static int get_paths(struct frame *frame, struct runner_prepared *prepared, struct err *err)
{
    TRY(get_path(frame, "home", prepared->home, true, err));
    TRY(get_path(frame, "cwd", prepared->cwd, false, err));
    TRY(get_path(frame, "workspace", prepared->workspace, false, err));
    TRY(get_path(frame, "dir", prepared->dir, true, err));
    TRY(get_path(frame, "native", prepared->native, prepared->native_state != RUNNER_NATIVE_OK, err));
    TRY(get_path(frame, "shell", prepared->shell, false, err));
    TRY(frame_text(frame, "user", prepared->user, sizeof prepared->user, err));
    return frame_text(frame, "arch", prepared->arch, sizeof prepared->arch, err);
}

int runner_prepared_parse(eep_str text, const struct runner_call *call, struct runner_prepared *prepared,
                          struct err *err)
{
    struct frame frame;
    uint64_t again;
    *prepared = (struct runner_prepared){0};
    TRY(frame_begin(text, call->nonce, &frame, err));
    if (str_is(frame.word, "refused"))
        return err_set(err, EEP_E_SANDBOX, "the workspace folder cannot be made in the sandbox");
    if (!str_is(frame.word, "prepared")) return frame_error(err, "it is no answer to prepare");
    if (!runner_identity_of(frame_get(&frame, "identity"), &prepared->identity))
        return frame_error(err, "an identity state that does not exist");
    if (!native_state_of(frame_get(&frame, "native"), &prepared->native_state))
        return frame_error(err, "a state of the native runner that does not exist");
    TRY(get_word(&frame, "boot", prepared->boot, sizeof prepared->boot, err));
    TRY(frame_u64(&frame, "again", 1, &again, err));
    prepared->again = again == 1;
    TRY(runner_missing_of(&frame, prepared->missing, sizeof prepared->missing, err));
    TRY(frame_all_used(&frame, err));
    TRY(get_paths(&frame, prepared, err));
    return end(&frame, err);
}

/* -- place -------------------------------------------------------------------------------------- */

static bool placed_of(eep_str word, enum runner_placed *placed)
{
    static const char *const names[] = {
        [RUNNER_PLACED_OK] = "ok",
        [RUNNER_PLACED_IS_FOLDER] = "folder",
        [RUNNER_PLACED_NO_PARENT] = "parent",
        [RUNNER_PLACED_NOT_STAGED] = "unstaged",
        [RUNNER_PLACED_FAILED] = "failed",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_is(word, names[i])) continue;
        *placed = (enum runner_placed)i;
        return true;
    }
    return false;
}

/* s INDEX STATUS */
static int get_placed(struct frame *frame, uint32_t index, enum runner_placed *placed, struct err *err)
{
    eep_str line;
    unsigned long long number;
    TRY(frame_line(frame, &line, err));
    if (!str_is(str_split(line, ' ', &line), "s")) return frame_error(err, "a line that cannot be");
    if (!str_to_u64(str_split(line, ' ', &line), UINT32_MAX, &number) || number != index)
        return frame_error(err, "another source was expected");
    return placed_of(line, placed) ? EEP_OK : frame_error(err, "an unknown status of a source");
}

int runner_placed_parse(eep_str text, const struct runner_call *call, uint32_t count,
                        enum runner_placed *placed, struct err *err)
{
    struct frame frame;
    uint64_t n;
    TRY(frame_begin(text, call->nonce, &frame, err));
    if (!str_is(frame.word, "placed")) return frame_error(err, "it is no answer to place");
    TRY(frame_u64(&frame, "n", UINT32_MAX, &n, err));
    TRY(frame_all_used(&frame, err));
    if (n != count) return frame_error(err, "it is about another number of sources");
    for (uint32_t i = 0; i < count; i++)
        TRY(get_placed(&frame, i, &placed[i], err));
    return end(&frame, err);
}

/* -- list --------------------------------------------------------------------------------------- */

static bool listed_state(eep_str word, enum runner_state *state)
{
    if (str_is(word, "done"))
        *state = RUNNER_DONE;
    else if (str_is(word, "expired"))
        *state = RUNNER_EXPIRED;
    else if (str_is(word, "running"))
        *state = RUNNER_RUNNING;
    else if (str_is(word, "lost"))
        *state = RUNNER_LOST;
    else if (str_is(word, "never"))
        *state = RUNNER_NEVER;
    else
        return false;
    return true;
}

static bool next_number(eep_str *line, uint64_t max, uint64_t *out)
{
    unsigned long long value;
    if (!str_to_u64(str_split(*line, ' ', line), max, &value)) return false;
    *out = value;
    return true;
}

static bool next_outcome(eep_str *line, struct runner_listed *listed)
{
    uint64_t code;
    uint64_t sig;
    if (!next_number(line, 255, &code)) return false;
    listed->exit_code = (int)code;
    eep_str word = str_split(*line, ' ', line);
    if (str_is(word, "?")) {
        listed->term_signal = -1;
        return true;
    }
    if (!next_number(&word, 127, &sig)) return false;
    listed->term_signal = (int)sig;
    if (sig > 0) listed->exit_code = -1;
    return true;
}

/* x ID STATE CODE SIG HELD OUT ERR T0 T1 */
static bool parse_listed(eep_str line, struct runner_listed *listed)
{
    uint64_t held;
    uint64_t t0;
    uint64_t t1;
    *listed = (struct runner_listed){0};
    if (!str_is(str_split(line, ' ', &line), "x")) return false;
    eep_str id = str_split(line, ' ', &line);
    if (!str_is_word(id) || id.len > EEP_EXECUTION_ID_MAX) return false;
    str_copy(listed->id, sizeof listed->id, id);
    if (!listed_state(str_split(line, ' ', &line), &listed->state)) return false;
    if (!next_outcome(&line, listed) || !next_number(&line, 1, &held)) return false;
    if (!next_number(&line, INT64_MAX, &listed->out_total) ||
        !next_number(&line, INT64_MAX, &listed->err_total))
        return false;
    if (!next_number(&line, INT64_MAX, &t0) || !next_number(&line, INT64_MAX, &t1) || !str_absent(line))
        return false;
    listed->held = held == 1;
    listed->started_at_ms = (int64_t)t0;
    listed->finished_at_ms = (int64_t)t1;
    return true;
}

int runner_listed_parse(eep_str text, const struct runner_call *call, uint32_t max,
                        int (*visit)(void *ctx, const struct runner_listed *listed), void *ctx,
                        struct err *err)
{
    struct frame frame;
    TRY(frame_begin(text, call->nonce, &frame, err));
    if (!str_is(frame.word, "list")) return frame_error(err, "it is no answer to list");
    TRY(frame_all_used(&frame, err));
    for (uint32_t i = 0; !frame_ends(&frame); i++) {
        eep_str line;
        struct runner_listed listed;
        TRY(frame_line(&frame, &line, err));
        if (i == max || !parse_listed(line, &listed)) return frame_error(err, "a line that cannot be");
        TRY(visit(ctx, &listed));
    }
    return EEP_OK;
}
