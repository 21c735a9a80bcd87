#include "ladder.h"

/* It may be marked and not yet begun. False = there is nothing to end. Of what has lost its record those who bear its mark
 * can be found still. */
static bool find_command(const struct record *record, struct family *family)
{
    struct record now = *record;
    for (int i = 0; i < 10; i++) {
        record_look(&now);
        if (now.command || now.state == NEVER || now.state == NONE) break;
        nap(50);
    }
    if (!now.command && now.state != NONE) return false;
    family->leader = -1;
    if (now.state == NONE) return true;
    family->leader = now.command;
    bool supervised =
        equal(now.supervisor_boot, now.boot) && process_alive(now.supervisor, now.supervisor_start);
    family->supervisor = supervised ? now.supervisor : 0;
    /* A leader with another start time is another process: the group has been gone for long. What else there is can be
     * found still, but not by the group's number. */
    struct process leader;
    if (process_read(now.command, &leader) && leader.start != now.command_start) family->leader = -1;
    return true;
}

static bool is_gone(struct family *family)
{
    family_find(family);
    return !family->group && family->count == 0;
}

static void note(const struct record *record, int step, uint64_t sig, char why)
{
    char memory[64];
    struct text suffix = TEXT(memory);
    add(&suffix, ".k.");
    add_number(&suffix, (uint64_t)step);
    add(&suffix, ".");
    add_number(&suffix, sig);
    add(&suffix, ".");
    add_bytes(&suffix, &why, 1);
    close_fd(open_file(record_file(record, ".k"), O_WRONLY | O_CREAT));
    close_fd(open_file(record_file(record, suffix.data), O_WRONLY | O_CREAT));
}

static void send(const struct family *family, uint64_t sig)
{
    if (family->group) SYS2(kill, -family->leader, sig);
    for (size_t i = 0; i < family->count; i++)
        SYS2(kill, family->pids[i], sig);
}

/* Somebody may be born while others die: SIGKILL is sent at each look, the others give time to end in order. */
static bool await_end(struct family *family, uint64_t sig, int64_t ms)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + ms;
    int64_t pause = 2;
    for (;;) {
        if (is_gone(family)) return true;
        int64_t left = end - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0) return false;
        if (sig == SIGKILL) send(family, sig);
        nap(pause < left ? pause : left);
        if (pause < 32) pause *= 2;
    }
}

static void write_mark(const struct record *record, struct text *mark)
{
    add(mark, "EEP_EXECUTION=");
    add(mark, record->path + length(record->dir) + 1);
    add(mark, ":");
}

bool ladder_finds_mark(const struct record *record)
{
    char memory[96];
    struct text mark = TEXT(memory);
    struct family family = {.mark = memory, .leader = -1};
    write_mark(record, &mark);
    return !is_gone(&family);
}

bool ladder_climb(const struct record *record, char why, const char *rungs)
{
    char memory[96];
    struct text mark = TEXT(memory);
    struct family family = {.mark = memory};
    write_mark(record, &mark);
    if (!find_command(record, &family)) return true;
    for (int step = 1; *rungs; step++) {
        uint64_t sig = number(&rungs);
        if (*rungs == ':') rungs++;
        uint64_t ms = number(&rungs);
        while (*rungs && (*rungs < '0' || *rungs > '9'))
            rungs++;
        if (is_gone(&family)) return true;
        if (sig != 0) {
            note(record, step, sig, why);
            send(&family, sig);
        }
        if (await_end(&family, sig, (int64_t)ms)) return true;
    }
    return is_gone(&family);
}
