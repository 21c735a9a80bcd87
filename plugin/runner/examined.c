#include "runner/examined.h"

#include "base/str.h"
#include "runner/frame.h"

static bool writes_of(eep_str word, enum runner_writes *writes)
{
    if (str_is(word, "yes"))
        *writes = RUNNER_WRITES_YES;
    else if (str_is(word, "no"))
        *writes = RUNNER_WRITES_NO;
    else if (str_is(word, "full"))
        *writes = RUNNER_WRITES_FULL;
    else
        return false;
    return true;
}

/* disk NAME TOTAL FREE PATH, the numbers "-" when nobody can tell. */
static bool parse_disk(eep_str line, struct runner_disk *disk)
{
    unsigned long long total, left;
    if (!str_is(str_split(line, ' ', &line), "disk")) return false;
    eep_str name = str_split(line, ' ', &line);
    eep_str total_word = str_split(line, ' ', &line);
    eep_str free_word = str_split(line, ' ', &line);
    if (!str_is_word(name) || name.len >= sizeof disk->name) return false;
    str_copy(disk->name, sizeof disk->name, name);
    if (str_is(total_word, "-") && str_is(free_word, "-")) return true;
    if (!str_to_u64(total_word, INT64_MAX / 1024, &total) || !str_to_u64(free_word, INT64_MAX / 1024, &left))
        return false;
    if (!str_has_prefix(line, "/") || line.len >= sizeof disk->path) return false;
    disk->total_kb = total;
    disk->free_kb = left;
    str_copy(disk->path, sizeof disk->path, line);
    return true;
}

static int take_head(struct frame *frame, struct runner_examined *examined, struct err *err)
{
    if (!str_is(frame->word, "examined")) return frame_error(err, "it is no answer to examine");
    if (!runner_identity_of(frame_get(frame, "identity"), &examined->identity))
        return frame_error(err, "an identity state that does not exist");
    if (!writes_of(frame_get(frame, "writes"), &examined->writes))
        return frame_error(err, "a state of the folder that does not exist");
    TRY(runner_missing_of(frame, examined->missing, sizeof examined->missing, err));
    return frame_all_used(frame, err);
}

int runner_examined_parse(eep_str text, const struct runner_call *call, struct runner_examined *examined,
                          struct err *err)
{
    struct frame frame;
    *examined = (struct runner_examined){0};
    TRY(frame_begin(text, call->nonce, &frame, err));
    TRY(take_head(&frame, examined, err));
    TRY(frame_text(&frame, "dir", examined->dir, sizeof examined->dir, err));
    for (size_t i = 0; i < RUNNER_DISKS; i++) {
        eep_str line;
        TRY(frame_line(&frame, &line, err));
        if (!parse_disk(line, &examined->disks[i])) return frame_error(err, "a disk that cannot be");
    }
    return frame_ends(&frame) ? EEP_OK : frame_error(err, "lines behind the end");
}
