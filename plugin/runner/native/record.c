#include "record.h"

/* -- The folder -------------------------------------------------------------------------------- */

/* Writing is the only test of writability that holds for root. */
static bool is_writable(const char *dir)
{
    char memory[PATH_SIZE];
    struct text path = TEXT(memory);
    add(&path, dir);
    add(&path, "/w");
    int fd = open_file(path.data, O_WRONLY | O_CREAT | O_TRUNC);
    close_fd(fd);
    return fd >= 0;
}

/* Makes a folder, a private one, with its parents. */
static void make_folders(char *path)
{
    for (char *c = path + 1; *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        SYS3(mkdirat, AT_FDCWD, path, 0777);
        *c = '/';
    }
    SYS3(mkdirat, AT_FDCWD, path, 0700);
}

static bool is_own_folder(const char *path)
{
    struct sys_stat info;
    return SYS4(newfstatat, AT_FDCWD, path, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           (info.mode & S_IFMT) == S_IFDIR && info.uid == (uint32_t)SYS0(geteuid);
}

/* The supervisor goes elsewhere: a relative path would lead to another folder then. */
static void add_base(struct text *dir, const char *path)
{
    char memory[PATH_SIZE];
    if (*path != '/' && *path && SYS2(getcwd, memory, sizeof memory) > 0) {
        add(dir, memory);
        add(dir, "/");
    }
    add(dir, path);
}

/* Given, or ~/.eep. */
static void name_home(struct record *record, const struct request *request)
{
    struct text dir = TEXT(record->dir);
    const char *home = environment_get("HOME");
    if (*request->dir) {
        add(&dir, request->dir);
    } else {
        add_base(&dir, home ? home : "");
        add(&dir, "/.eep");
    }
}

static bool make_home(struct record *record)
{
    if (is_writable(record->dir)) return true;
    make_folders(record->dir);
    return is_writable(record->dir);
}

static void name_temporary(struct record *record)
{
    struct text dir = TEXT(record->dir);
    const char *tmp = environment_get("TMPDIR");
    add_base(&dir, tmp && *tmp ? tmp : "/tmp");
    add(&dir, "/.eep-");
    add_number(&dir, (uint64_t)SYS0(geteuid));
}

/* The temporary folder is shared: somebody else may have made a folder of this name. */
static bool make_temporary(const struct record *record)
{
    SYS3(mkdirat, AT_FDCWD, record->dir, 0700);
    return is_own_folder(record->dir) && is_writable(record->dir);
}

bool record_name(struct record *record, const char *id)
{
    struct text path = TEXT(record->path);
    add(&path, record->dir);
    add(&path, "/");
    add(&path, id);
    return !path.full;
}

static bool holds(struct record *record, const char *id)
{
    return *id && record_name(record, id) && exists(record_file(record, ".p"));
}

/* What has a record is found wherever that is: a home may be writable today and not tomorrow, and the other way round. */
bool record_open(struct record *record, const struct request *request)
{
    boot_id(record->boot);
    name_home(record, request);
    bool usable = make_home(record);
    if (holds(record, request->id)) return true;
    name_temporary(record);
    if (is_own_folder(record->dir) && holds(record, request->id)) return true;
    if (usable)
        name_home(record, request);
    else if (!make_temporary(record))
        return false;
    return record_name(record, request->id);
}

const char *record_file(const struct record *record, const char *suffix)
{
    static char memory[4][PATH_SIZE];
    static unsigned next;
    struct text path = TEXT(memory[0]);
    path.data = memory[next++ % 4];
    add(&path, record->path);
    add(&path, suffix);
    return path.data;
}

/* -- The three lines --------------------------------------------------------------------------- */

/* Cuts the next word off; "" at the end of the line. */
static const char *next_word(char **at)
{
    while (**at == ' ')
        (*at)++;
    const char *word = *at;
    while (**at && **at != ' ')
        (*at)++;
    if (**at) *(*at)++ = '\0';
    return word;
}

static uint64_t next_value(char **at)
{
    const char *word = next_word(at);
    return number(&word);
}

static char *next_line(char **at)
{
    char *line = *at;
    while (**at && **at != '\n')
        (*at)++;
    if (**at) *(*at)++ = '\0';
    return line;
}

static bool is_whole(char *rest)
{
    return equal(next_word(&rest), ".");
}

static bool parse_marker(struct record *record, char *line)
{
    next_word(&line);
    record->digest = next_word(&line);
    record->supervisor = (int)next_value(&line);
    record->supervisor_start = next_value(&line);
    record->supervisor_boot = next_word(&line);
    record->started_at = next_value(&line);
    record->merged = next_value(&line) == 1;
    return is_whole(line);
}

static bool parse_begin(struct record *record, char *line)
{
    next_word(&line);
    record->command = (int)next_value(&line);
    record->command_start = next_value(&line);
    next_word(&line);
    return is_whole(line);
}

static bool parse_end(struct record *record, char *line)
{
    next_word(&line);
    record->code = next_value(&line);
    record->sig = next_word(&line);
    record->out_total = next_value(&line);
    record->err_total = next_value(&line);
    record->lost = next_value(&line);
    record->holders = next_word(&line);
    record->last_signal = next_value(&line);
    record->whys = next_word(&line);
    record->unsure = next_value(&line);
    record->ended_at = next_value(&line);
    return is_whole(line);
}

/* NONE, DONE, or what goes on (RUNNING) or has stopped without an end (NEVER, LOST). False = the marker is not whole
 * yet. */
static bool read_lines(struct record *record)
{
    record->state = NONE;
    record->digest = "-";
    record->supervisor = record->command = 0;
    record->started_at = 0;
    if (read_file(record_file(record, ".p"), record->memory, sizeof record->memory) < 0) return true;
    char *at = record->memory;
    char *marker = next_line(&at);
    char *begin = next_line(&at);
    char *end = next_line(&at);
    record->state = NEVER;
    if (!parse_marker(record, marker)) {
        record->digest = "-";
        record->supervisor = 0;
        record->started_at = 0;
        return false;
    }
    if (parse_begin(record, begin))
        record->state = LOST;
    else
        record->command = 0;
    if (parse_end(record, end)) record->state = DONE;
    return true;
}

static bool is_supervised(const struct record *record)
{
    return equal(record->supervisor_boot, record->boot) &&
           process_alive(record->supervisor, record->supervisor_start);
}

void record_look(struct record *record)
{
    static int naps; /* enough for this one are enough for any other */
    for (; !read_lines(record) && naps < 100; naps++)
        nap(10);
    if (record->state != NEVER && record->state != LOST) return;
    if (record->supervisor && is_supervised(record)) {
        record->state = RUNNING;
        return;
    }
    read_lines(record); /* it may have ended between the two looks */
}

/* PID.START after commas. */
bool record_held(const struct record *record)
{
    if (!equal(record->supervisor_boot, record->boot)) return false;
    for (const char *at = record->holders; *at == ',';) {
        at++;
        int pid = (int)number(&at);
        if (*at == '.') at++;
        if (process_alive(pid, number(&at))) return true;
    }
    return false;
}

/* -- Notes of the ladder: ID.k.STEP.SIGNAL.WHY -------------------------------------------------- */

#define KILLS_MAX 32

struct kills {
    const char *prefix; /* ID.k */
    char names[KILLS_MAX][32];
    size_t count;
};

/* Keeps the part behind the prefix, in order. */
static void collect_kill(void *ctx, const char *name)
{
    struct kills *kills = ctx;
    if (!starts_with(name, kills->prefix)) return;
    name += length(kills->prefix);
    if (*name != '.' || length(name) >= sizeof kills->names[0] || kills->count == KILLS_MAX) return;
    size_t at = kills->count++;
    for (; at > 0 && memcmp(kills->names[at - 1], name, length(name) + 1) > 0; at--)
        memcpy(kills->names[at], kills->names[at - 1], sizeof kills->names[0]);
    memcpy(kills->names[at], name, length(name) + 1);
}

static void find_kills(const struct record *record, struct kills *kills)
{
    kills->prefix = record_file(record, ".k") + length(record->dir) + 1;
    kills->count = 0;
    each_name(record->dir, collect_kill, kills);
}

void record_kills(const struct record *record, uint64_t *last_signal, struct text *whys)
{
    struct kills kills;
    find_kills(record, &kills);
    for (size_t i = 0; i < kills.count; i++) {
        const char *at = kills.names[i] + 1;
        number(&at); /* the step */
        if (*at == '.') at++;
        *last_signal = number(&at);
        if (*at == '.') at++;
        add(whys, at);
    }
}

void record_forget_kills(const struct record *record)
{
    struct kills kills;
    find_kills(record, &kills);
    for (size_t i = 0; i < kills.count; i++) {
        char memory[64];
        struct text suffix = TEXT(memory);
        add(&suffix, ".k");
        add(&suffix, kills.names[i]);
        SYS3(unlinkat, AT_FDCWD, record_file(record, suffix.data), 0);
    }
    SYS3(unlinkat, AT_FDCWD, record_file(record, ".k"), 0);
}
