#include "supervise.h"

#include "command.h"
#include "ladder.h"

/* How often, and how many times in a row, held pipes must be found empty before the output counts as ended. */
#define LOOK_MS       10
#define LOOKS         3
#define LOOKS_AT_MOST 100 /* for those who never stop writing */

/* One of the command's streams on its way from pipe to file. */
struct stream {
    int pipe; /* -1 = all who held it have closed it */
    int file;
    uint64_t size;
    bool lost; /* from some byte on: the disk was full */
    bool cut;  /* from some byte on: the output limit */
};

struct supervisor {
    const struct request *request;
    const struct record *record;
    int notes;
    int signals; /* tells of children that have ended */
    int marker;
    uint64_t marker_at; /* where its next line goes */
    struct stream out;
    struct stream err;
    int input; /* -1 = all of it has been written; what the command leaves behind may read it, too */
    size_t input_at;
    int command; /* 0 = it has ended */
    int status;
    int climber;        /* the helper that keeps a limit; 0 = none */
    int sweeper;        /* the helper that clears up after a kill */
    bool limit_reached; /* a helper climbs the ladder already */
    bool unsure;
    bool children; /* there may be some */
};

/* -- Beginning --------------------------------------------------------------------------------- */

static void say(const struct supervisor *self, char note)
{
    SYS3(write, self->notes, &note, 1);
}

_Noreturn static void refuse(const struct supervisor *self, char note)
{
    say(self, note);
    die(0);
}

/* Gives the descriptor a number; other runners and tests look at the files by theirs. */
static int renumber(int fd, int wanted)
{
    SYS3(dup3, fd, wanted, O_CLOEXEC);
    close_fd(fd);
    return wanted;
}

#define OUT_FD 6
#define ERR_FD 8

/* Away from the request: a session of its own, and none of its streams. */
static void detach(struct supervisor *self)
{
    SYS0(setsid);
    int null = open_file("/dev/null", O_RDWR);
    long notes = SYS3(fcntl, self->notes, F_DUPFD_CLOEXEC, 16);
    close_fd(self->notes);
    self->notes = (int)notes;
    for (int i = 0; i < 3; i++)
        SYS3(dup3, null, i, 0);
    SYS3(dup3, null, OUT_FD, O_CLOEXEC);
    SYS3(dup3, null, ERR_FD, O_CLOEXEC);
    if (null != OUT_FD && null != ERR_FD) close_fd(null);
    SYS5(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void write_line(struct supervisor *self, const struct text *line)
{
    SYS4(pwrite64, self->marker, line->data, line->len, self->marker_at);
    self->marker_at += line->len;
}

static int make_output(const struct supervisor *self, const char *suffix, int number)
{
    int fd = open_file(record_file(self->record, suffix), O_WRONLY | O_CREAT | O_TRUNC);
    return fd < 0 ? fd : renumber(fd, number);
}

/* Room for all lines is taken at once: they must fit on a full disk. */
static bool write_marker(struct supervisor *self)
{
    char memory[RECORD_SIZE];
    struct text line = TEXT(memory);
    struct process own;
    memset(memory, ' ', sizeof memory);
    memory[sizeof memory - 1] = '\n';
    if (SYS4(pwrite64, self->marker, memory, sizeof memory, 0) != sizeof memory) return false;
    process_self(&own);
    add(&line, "EEP1 ");
    add(&line, self->request->digest);
    add_field(&line, (uint64_t)own.pid);
    add_field(&line, own.start);
    add(&line, " ");
    add(&line, self->record->boot);
    add_field(&line, (uint64_t)clock_ms(CLOCK_REALTIME));
    add_field(&line, self->request->merge);
    add(&line, " .\n");
    write_line(self, &line);
    return true;
}

/* Nothing has run: the id is free again. */
_Noreturn static void take_back(const struct supervisor *self, char note)
{
    SYS3(unlinkat, AT_FDCWD, record_file(self->record, ".p"), 0);
    SYS3(unlinkat, AT_FDCWD, record_file(self->record, ".o"), 0);
    SYS3(unlinkat, AT_FDCWD, record_file(self->record, ".e"), 0);
    refuse(self, note);
}

/* Made by exactly one supervisor. */
static void mark(struct supervisor *self)
{
    const char *path = record_file(self->record, ".p");
    self->marker = open_file(path, O_RDWR | O_CREAT | O_EXCL);
    if (self->marker == E_EXIST) refuse(self, NOTE_EXISTS);
    if (self->marker < 0) refuse(self, exists(self->record->dir) ? NOTE_DISK : NOTE_FOLDER);
    self->out.file = make_output(self, ".o", OUT_FD);
    self->err.file = self->request->merge ? -1 : make_output(self, ".e", ERR_FD);
    bool made = self->out.file >= 0 && (self->request->merge || self->err.file >= 0);
    if (made && write_marker(self)) return;
    take_back(self, NOTE_DISK);
}

/* -- The command ------------------------------------------------------------------------------- */

/* The ends that the command gets. */
struct ends {
    int in;
    int out;
    int err;
};

static void make_pipe(int *reader, int *writer)
{
    int ends[2];
    if (SYS2(pipe2, ends, O_CLOEXEC) != 0) die(24);
    *reader = ends[0];
    *writer = ends[1];
}

static void never_wait(int fd)
{
    SYS3(fcntl, fd, F_SETFL, O_NONBLOCK);
}

static void make_streams(struct supervisor *self, struct command *command)
{
    make_pipe(&self->out.pipe, &command->out);
    never_wait(self->out.pipe);
    self->err.pipe = -1;
    command->err = command->out;
    if (!self->request->merge) {
        make_pipe(&self->err.pipe, &command->err);
        never_wait(self->err.pipe);
    }
    self->input = -1;
    if (self->request->input_len > 0) {
        make_pipe(&command->in, &self->input);
        never_wait(self->input);
    } else {
        command->in = open_file("/dev/null", 0);
    }
}

/* The line that says who the command is is on disk before it begins. */
static void note_begin(struct supervisor *self, int supervisor)
{
    char memory[160];
    struct text line = TEXT(memory);
    struct process own;
    process_self(&own);
    add(&line, "ran");
    add_field(&line, (uint64_t)own.pid);
    add_field(&line, own.start);
    add_field(&line, (uint64_t)supervisor);
    add(&line, " .\n");
    write_line(self, &line);
}

/* The supervisor hears of no signal but the end of children: nobody's Ctrl-C, and no pipe that has lost its reader, may
 * cost the record. Returns the mask of before, which is the command's. */
static uint64_t block_signals(struct supervisor *self)
{
    const uint64_t all = ~(uint64_t)0;
    const uint64_t child = 1u << (SIGCHLD - 1);
    const struct sys_sigaction usual = {0}; /* who ignores it, as the service may, never hears of the end */
    uint64_t before = 0;
    SYS4(rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    SYS4(rt_sigaction, SIGCHLD, &usual, NULL, 8);
    self->signals = (int)SYS4(signalfd4, -1, &child, 8, O_NONBLOCK | O_CLOEXEC);
    return before;
}

static void launch(struct supervisor *self, struct command *command, uint64_t mask)
{
    int own = (int)SYS0(getpid);
    long pid = fork_process();
    if (pid < 0) take_back(self, NOTE_PROCESSES);
    if (pid == 0) {
        SYS0(setsid);
        note_begin(self, own);
        /* Killed meanwhile: somebody may have looked before that line was there, and says that it never runs. */
        if (SYS0(getppid) != own) die(1);
        SYS4(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
        command_become(command);
    }
    close_fd(command->in);
    close_fd(command->out);
    if (!self->request->merge) close_fd(command->err);
    self->command = (int)pid;
    self->children = true;
    SYS1(chdir, "/"); /* holds no folder that somebody may want to unmount */
    say(self, NOTE_BEGUN);
}

/* -- Helpers: processes that climb the ladder while this one goes on pumping -------------------- */

/* In a child, so that the streams go on; where there can be no more processes (a command may take them all), here. The
 * child's pid; 0 = it is over. */
static int climb(struct supervisor *self, char why, const char *rungs)
{
    long pid = fork_process();
    if (pid > 0) return (int)pid;
    if (pid == 0) close_fd(self->input); /* or the command would never see its end */
    bool gone = ladder_climb(self->record, why, rungs);
    if (pid == 0) die(gone ? 0 : 1);
    self->unsure = !gone;
    return 0;
}

static void reach_limit(struct supervisor *self, char why)
{
    if (self->limit_reached) return;
    self->limit_reached = true;
    self->climber = climb(self, why, self->request->rungs);
}

/* Somebody has begun to kill: he gets the time for it; who is left then gets SIGKILL. */
static void sweep(struct supervisor *self)
{
    char memory[64];
    struct text rungs = TEXT(memory);
    uint64_t sum = 0;
    for (const char *at = self->request->rungs; *at; at++)
        if (*at == ':') {
            at++;
            sum += number(&at);
            if (!*at) break;
        }
    add(&rungs, "0:");
    add_number(&rungs, sum);
    add(&rungs, " 9:2000");
    self->sweeper = climb(self, 'w', rungs.data);
}

/* -- Streams ----------------------------------------------------------------------------------- */

/* Stores what fits under the limit and on the disk. What does not is read all the same, so that the command does not
 * hang, and told as OUTPUT_LIMIT or OUTPUT_LOST. */
static void store(struct supervisor *self, struct stream *stream, const char *data, size_t len)
{
    uint64_t room = self->request->max_output - stream->size;
    size_t kept = len < room ? len : (size_t)room;
    if (kept < len) {
        stream->cut = true;
        reach_limit(self, 'o');
    }
    if (stream->lost) return;
    while (kept > 0) {
        long n = SYS3(write, stream->file, data, kept);
        if (n == E_INTR) continue;
        if (n <= 0) {
            stream->lost = true;
            return;
        }
        stream->size += (uint64_t)n;
        data += n;
        kept -= (size_t)n;
    }
}

/* Moves what is in the pipe now; true when there was anything. */
static bool pump(struct supervisor *self, struct stream *stream)
{
    static char block[65536];
    bool any = false;
    for (int i = 0; stream->pipe >= 0 && i < 16; i++) {
        long n = SYS3(read, stream->pipe, block, sizeof block);
        if (n == E_INTR) continue;
        if (n == E_AGAIN) break;
        if (n <= 0) {
            close_fd(stream->pipe);
            stream->pipe = -1;
            break;
        }
        any = true;
        store(self, stream, block, (size_t)n);
    }
    return any;
}

static void feed(struct supervisor *self)
{
    const struct request *request = self->request;
    long n = SYS3(write, self->input, request->input + self->input_at, request->input_len - self->input_at);
    if (n > 0) self->input_at += (size_t)n;
    if (n == E_AGAIN || n == E_INTR || (n > 0 && self->input_at < request->input_len)) return;
    close_fd(self->input); /* all is written, or nobody reads */
    self->input = -1;
}

static void reap(struct supervisor *self)
{
    char ignored[128];
    int status;
    while (SYS3(read, self->signals, ignored, sizeof ignored) > 0)
        continue;
    for (;;) {
        long pid = SYS4(wait4, -1, &status, WNOHANG, NULL);
        self->children = pid >= 0;
        if (pid <= 0) return;
        if (pid == self->command) {
            self->status = status;
            self->command = 0;
        } else if (pid == self->climber) {
            self->climber = 0;
            self->limit_reached = (status & 0x7f) == 0; /* killed itself: another one must go on */
        } else if (pid == self->sweeper) {
            self->unsure = status != 0;
            self->sweeper = 0;
        }
    }
}

/* One round: waits for something to happen, at most ms (negative = no limit), and deals with it. True when there was
 * output. */
static bool attend(struct supervisor *self, int64_t ms)
{
    struct sys_pollfd fds[] = {{self->signals, POLLIN, 0},
                               {self->out.pipe, POLLIN, 0},
                               {self->err.pipe, POLLIN, 0},
                               {self->input, POLLOUT, 0}};
    poll_fds(fds, 4, ms);
    if (self->input >= 0 && fds[3].revents) feed(self);
    bool any = false;
    if (fds[1].revents) any |= pump(self, &self->out);
    if (fds[2].revents) any |= pump(self, &self->err);
    if (fds[0].revents) reap(self);
    return any;
}

/* -- The way of an execution ------------------------------------------------------------------- */

static void run(struct supervisor *self)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + (int64_t)self->request->limit;
    while (self->command) {
        int64_t left = end - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0) reach_limit(self, 'l');
        attend(self, self->limit_reached ? -1 : left > 0 ? left : 0);
    }
}

static bool is_held(const struct supervisor *self)
{
    return self->out.pipe >= 0 || self->err.pipe >= 0;
}

/* The drain rule: the output has ended when all who could write have closed it, or when the command has ended and the
 * pipes have been found empty several times: then background children hold them. */
static void drain(struct supervisor *self)
{
    int quiet = 0;
    pump(self, &self->out);
    pump(self, &self->err);
    for (int i = 0; is_held(self) && quiet < LOOKS && i < LOOKS_AT_MOST; i++) {
        int64_t end = clock_ms(CLOCK_MONOTONIC) + LOOK_MS;
        bool any = false;
        for (int64_t left = LOOK_MS; is_held(self) && left > 0; left = end - clock_ms(CLOCK_MONOTONIC))
            any |= attend(self, left);
        quiet = any ? 0 : quiet + 1;
    }
}

/* A wait status as shells tell it, and the signal by itself. */
static void add_outcome(struct text *line, int status)
{
    int sig = status & 0x7f;
    add_field(line, (uint64_t)(sig ? 128 + sig : status >> 8 & 0xff));
    add_field(line, (uint64_t)sig);
}

static void add_holders(const struct supervisor *self, struct text *line)
{
    struct process own;
    if (!is_held(self)) {
        add(line, " 0");
        return;
    }
    process_self(&own);
    add(line, " ,");
    add_number(line, (uint64_t)own.pid);
    add(line, ".");
    add_number(line, own.start);
}

/* The command's own line about its beginning lies before it. */
static void find_end_of_lines(struct supervisor *self)
{
    char lines[RECORD_SIZE + 1];
    long len = SYS4(pread64, self->marker, lines, RECORD_SIZE, 0);
    const char *begun = len > 0 ? find(lines, (size_t)len, "\nran ", 5) : NULL;
    if (!begun) return;
    const char *end = find(begun + 1, (size_t)(lines + len - begun - 1), "\n", 1);
    if (end) self->marker_at = (uint64_t)(end + 1 - lines);
}

static void tell_end(struct supervisor *self, bool killed)
{
    char memory[RECORD_SIZE];
    char reasons[64];
    struct text line = TEXT(memory);
    struct text whys = TEXT(reasons);
    uint64_t last = 0;
    if (killed) record_kills(self->record, &last, &whys);
    /* It may have ended by itself at that moment: then no rung of the ladder tells. */
    if ((self->out.cut || self->err.cut) && !find(reasons, whys.len, "o", 1)) add(&whys, "o");
    find_end_of_lines(self);
    add(&line, "end");
    add_outcome(&line, self->status);
    add_field(&line, self->out.size);
    add_field(&line, self->err.size);
    add_field(&line, self->out.lost || self->err.lost);
    add_holders(self, &line);
    add_field(&line, last);
    add(&line, " ");
    add(&line, whys.len ? reasons : "-");
    add_field(&line, self->unsure);
    add_field(&line, (uint64_t)clock_ms(CLOCK_REALTIME));
    add(&line, " .\n");
    write_line(self, &line);
    if (killed) record_forget_kills(self->record);
    say(self, NOTE_ENDED);
    close_fd(self->notes);
    close_fd(self->marker);
}

/* Background children: their output is kept, and they can be found as ours as long as we are here. */
static void stay(struct supervisor *self)
{
    bool limited = self->limit_reached;
    while (reap(self), is_held(self) || self->children)
        attend(self, -1);
    if (self->limit_reached && !limited) record_forget_kills(self->record);
}

_Noreturn void supervise(const struct request *request, const struct record *record, int notes)
{
    struct supervisor self = {.request = request, .record = record, .notes = notes};
    struct command command = {.script = -1};
    detach(&self);
    if (*request->cwd && SYS1(chdir, request->cwd) != 0) refuse(&self, NOTE_CWD);
    if (!command_prepare(&command, request, record_file(record, ".script"))) refuse(&self, NOTE_DISK);
    make_streams(&self, &command);
    uint64_t mask = block_signals(&self);
    mark(&self);
    launch(&self, &command, mask);
    run(&self);
    bool killed = exists(record_file(record, ".k"));
    if (killed) sweep(&self);
    while (self.sweeper)
        attend(&self, -1);
    drain(&self);
    tell_end(&self, killed);
    stay(&self);
    die(0);
}
