/* main.c: the native runner: reads one request from standard input, does it, answers on standard output. */
#include "answer.h"
#include "base.h"
#include "ladder.h"
#include "list.h"
#include "record.h"
#include "request.h"
#include "supervise.h"

/* -- Waiting ----------------------------------------------------------------------------------- */

/* How long at the most until somebody looks again although nothing was told: a supervisor that was killed tells
 * nothing. */
#define LOOK_MS 500
/* The same where the kernel tells of no changes to files. */
#define POLL_MS 20

/* Tells of news through a descriptor; -1 where the kernel cannot. */
static int watch_files(const struct record *record)
{
    int watch = (int)SYS1(inotify_init1, O_NONBLOCK | O_CLOEXEC);
    if (watch < 0) return -1;
    const char *const suffixes[] = {".p", ".o", ".e"};
    bool all = true;
    for (int i = 0; i < 3; i++) {
        const char *path = record_file(record, suffixes[i]);
        if (SYS3(inotify_add_watch, watch, path, IN_MODIFY) < 0 && exists(path)) all = false;
    }
    if (all) return watch;
    close_fd(watch);
    return -1;
}

static bool is_news(const struct request *request, const struct record *record)
{
    return request->news && (file_size(record_file(record, ".o")) > request->offset_out ||
                             file_size(record_file(record, ".e")) > request->offset_err);
}

/* Waits for the end, or for bytes beyond the offsets, at most as long as the window. `notes` is what the supervisor
 * writes to (-1 = not ours): enough by itself when only the end matters. */
static void await(const struct request *request, struct record *record, int notes)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + (int64_t)request->window;
    bool needs_watch = request->news || notes < 0;
    int watch = needs_watch ? watch_files(record) : -1;
    int64_t most = watch >= 0 || !needs_watch ? LOOK_MS : POLL_MS;
    char ignored[1024];
    for (;;) {
        record_look(record);
        if (record->state != RUNNING || is_news(request, record)) break;
        int64_t left = end - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0) break;
        struct sys_pollfd fds[] = {{watch, POLLIN, 0}, {notes, POLLIN, 0}};
        poll_fds(fds, 2, left < most ? left : most);
        if (fds[0].revents) SYS3(read, watch, ignored, sizeof ignored);
        if (fds[1].revents && SYS3(read, notes, ignored, 1) <= 0) notes = -1;
    }
    close_fd(watch);
}

/* -- Operations -------------------------------------------------------------------------------- */

/* An id that has been started before: attach, if it was the same command. */
static void attach_again(const struct request *request, struct record *record)
{
    bool same = equal(record->digest, request->digest) || equal(record->digest, "-");
    if (!same) record->state = CONFLICT;
    if (record->state == RUNNING) await(request, record, -1);
    answer(request, record, true);
}

static void tell_refusal(const struct request *request, char note)
{
    answer_refused(request, note == NOTE_CWD      ? "cwd"
                            : note == NOTE_FOLDER ? "folder"
                            : note == NOTE_DISK   ? "disk"
                                                  : "died");
}

static void launch(const struct request *request, struct record *record)
{
    int ends[2];
    char note = 0;
    if (SYS2(pipe2, ends, O_CLOEXEC) != 0) return answer_refused(request, "died");
    long supervisor = fork_process();
    if (supervisor < 0) return answer_refused(request, "died");
    if (supervisor == 0) {
        close_fd(ends[0]);
        supervise(request, record, ends[1]);
    }
    close_fd(ends[1]);
    read_all(ends[0], &note, 1);
    if (note == NOTE_EXISTS) {
        record_look(record);
        return attach_again(request, record);
    }
    if (note != NOTE_BEGUN) return tell_refusal(request, note);
    await(request, record, ends[0]);
    answer(request, record, false);
    /* It ends at once unless something is left behind. Nobody else might collect it. */
    if (record->state == DONE && !record_held(record)) {
        nap(0);
        SYS4(wait4, supervisor, NULL, WNOHANG, NULL);
    }
}

static void start(const struct request *request, struct record *record)
{
    record_look(record);
    if (record->state != NONE) return attach_again(request, record);
    launch(request, record);
}

/* Somebody bears its mark: it has been started, and its record has been removed; unless it has been started just now:
 * a record comes before its mark. */
static bool has_lost_record(struct record *record)
{
    if (record->state != NONE || !ladder_finds_mark(record)) return false;
    record_look(record);
    return record->state == NONE;
}

static void attach(const struct request *request, struct record *record)
{
    await(request, record, -1);
    bool lost = has_lost_record(record);
    answer(request, record, lost);
}

/* One that never began is marked, so that it cannot begin later. */
static void mark_as_killed(const struct record *record)
{
    char memory[128];
    struct text line = TEXT(memory);
    int fd = open_file(record_file(record, ".p"), O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0) return;
    add(&line, "EEP1 - 0 0 ");
    add(&line, record->boot);
    add(&line, " 0 0 .\n");
    write_all(fd, line.data, line.len);
    close_fd(fd);
}

/* Ends an execution, with what it has left behind in the background. */
static void end(const struct request *request, struct record *record)
{
    bool gone = true;
    record_look(record);
    if (has_lost_record(record)) {
        ladder_climb(record, 'c', request->rungs);
        mark_as_killed(record);
        return answer(request, record, true);
    }
    if (record->state == NONE) {
        mark_as_killed(record);
        record_look(record);
    }
    bool here = record->state == DONE && equal(record->supervisor_boot, record->boot);
    if (record->state == RUNNING || record->state == LOST || here) {
        gone = ladder_climb(record, 'c', request->rungs);
        await(request, record, -1);
        if (!gone) record->unsure = 1;
        /* The supervisor takes its notes away; those about what outlived it are ours. */
        if (record->state == DONE) record_forget_kills(record);
    }
    answer(request, record, false);
}

/* Removes the output of a finished execution. Marker and record stay: they keep it from being run again. */
static void drop(const struct request *request, struct record *record)
{
    record_look(record);
    if (record->state == DONE && !record_held(record)) {
        SYS3(unlinkat, AT_FDCWD, record_file(record, ".o"), 0);
        SYS3(unlinkat, AT_FDCWD, record_file(record, ".e"), 0);
    }
    answer(request, record, false);
}

/* -- The way in -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(const struct request *request, struct record *record);
} operations[] = {
    {"start", start}, {"attach", attach}, {"kill", end}, {"drop", drop}, {"list", list},
};

static void serve(void)
{
    static struct request request;
    static struct record record;
    if (!request_read(&request)) die(2);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!equal(request.operation, operations[i].name)) continue;
        if (record_open(&record, &request))
            operations[i].run(&request, &record);
        else
            answer_refused(&request, "folder");
        die(0);
    }
    die(2);
}

/* Whether the runner can work here: prepare asks once, before it is used. What the kernel may lack, or a sandbox
 * forbid, is tried. */
static void check(void)
{
    const uint64_t none = 0;
    struct process own;
    bool fine = process_self(&own) && own.pid == (int)SYS0(getpid) && clock_ms(CLOCK_REALTIME) > 0;
    fine = fine && SYS4(signalfd4, -1, &none, 8, O_CLOEXEC) >= 0;
    long child = fork_process();
    if (child == 0) die(7);
    int status = 0;
    fine = fine && child > 0 && SYS4(wait4, child, &status, 0, NULL) == child && status == 7 << 8;
    if (fine) write_all(1, "EEP1 runs\n", 10);
    die(fine ? 0 : 1);
}

/* The stack as the kernel leaves it: argc, argv, NULL, envp, NULL. */
__attribute__((used)) _Noreturn static void begin(long *stack)
{
    char **argv = (char **)(stack + 1);
    environment = argv + stack[0] + 1;
    if (stack[0] > 1 && equal(argv[1], "check")) check();
    serve();
    die(0);
}

#if defined __x86_64__
__asm__(
    ".globl _start\n_start:\n    xor %ebp, %ebp\n    mov %rsp, %rdi\n    and $-16, %rsp\n    call begin\n");
#else
__asm__(".globl _start\n_start:\n    mov x29, #0\n    mov x30, #0\n    mov x0, sp\n    bl begin\n");
#endif
