#include "process.h"

/* -- One process ------------------------------------------------------------------------------- */

static const char *skip_fields(const char *at, int count)
{
    while (count > 0 && *at)
        if (*at++ == ' ') count--;
    return at;
}

static bool read_stat(const char *name, struct process *process)
{
    char memory[64];
    char line[1024];
    struct text path = TEXT(memory);
    *process = (struct process){0};
    add(&path, "/proc/");
    add(&path, name);
    add(&path, "/stat");
    if (read_file(path.data, line, sizeof line) <= 0) return false;
    const char *at = line;
    process->pid = (int)number(&at);
    /* The name stands in parentheses, and may hold blanks and parentheses itself. */
    for (const char *c = at; *c; c++)
        if (*c == ')') at = c + 2;
    process->state = *at;
    at = skip_fields(at, 1);
    process->parent = (int)number(&at);
    at = skip_fields(at, 1);
    process->group = (int)number(&at);
    at = skip_fields(at, 17);
    process->start = number(&at);
    return process->pid != 0;
}

bool process_read(int pid, struct process *process)
{
    char memory[24];
    struct text name = TEXT(memory);
    add_number(&name, (uint64_t)pid);
    return read_stat(name.data, process);
}

bool process_self(struct process *process)
{
    /* By this name also under qemu's user emulation, which makes up its own /proc/self/stat. */
    return read_stat("thread-self", process) || read_stat("self", process);
}

bool process_alive(int pid, uint64_t start)
{
    struct process process;
    return process_read(pid, &process) && process.start == start && process.state != 'Z';
}

void boot_id(char id[16])
{
    char line[64];
    size_t len = 0;
    if (read_file("/proc/sys/kernel/random/boot_id", line, sizeof line) > 0)
        while (len < 15 && line[len] && line[len] != '-' && line[len] != '\n') {
            id[len] = line[len];
            len++;
        }
    if (len == 0) id[len++] = '0';
    id[len] = '\0';
}

/* -- A family ---------------------------------------------------------------------------------- */

/* More processes than this are not looked at: a sandbox has no room for so many. */
#define PROCESSES_MAX 65536

struct census {
    struct process *all;
    size_t count;
};

static void count_process(void *ctx, const char *name)
{
    struct census *census = ctx;
    if (*name < '0' || *name > '9' || census->count == PROCESSES_MAX) return;
    if (read_stat(name, &census->all[census->count])) census->count++;
}

static bool has_mark(int pid, const char *mark)
{
    static char *environment;
    const size_t size = 4u << 20; /* ARG_MAX leaves no room for more; untouched pages cost nothing */
    char memory[64];
    struct text path = TEXT(memory);
    if (!environment) environment = take(size);
    add(&path, "/proc/");
    add_number(&path, (uint64_t)pid);
    add(&path, "/environ");
    long len = read_file(path.data, environment, size);
    return len > 0 && find(environment, (size_t)len, mark, length(mark)) != NULL;
}

/* /proc lists processes by number. */
static struct process *find_process(struct census *census, int pid)
{
    size_t low = 0;
    size_t high = census->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (census->all[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < census->count && census->all[low].pid == pid ? &census->all[low] : NULL;
}

/* A descendant is told by a negative parent. Children may come before their parents: so until nothing changes. */
static void mark_descendants(struct census *census, int root)
{
    for (bool changed = root != 0; changed;) {
        changed = false;
        for (size_t i = 0; i < census->count; i++) {
            struct process *child = &census->all[i];
            if (child->parent <= 0) continue;
            const struct process *parent = find_process(census, child->parent);
            if (child->parent != root && !(parent && parent->parent < 0)) continue;
            child->parent = -1;
            changed = true;
        }
    }
}

void family_find(struct family *family)
{
    static struct census census;
    int self = (int)SYS0(getpid);
    if (!census.all) census.all = take(PROCESSES_MAX * sizeof *census.all);
    if (!family->pids) family->pids = take(PROCESSES_MAX * sizeof *family->pids);
    census.count = family->count = 0;
    family->group = false;
    each_name("/proc", count_process, &census);
    mark_descendants(&census, family->supervisor);
    for (size_t i = 0; i < census.count; i++) {
        const struct process *one = &census.all[i];
        bool helper = one->pid == self || one->pid == family->supervisor ||
                      (family->supervisor && one->group == family->supervisor);
        if (one->state == 'Z' || helper) continue;
        if (one->group == family->leader)
            family->group = true;
        else if (one->parent < 0 || has_mark(one->pid, family->mark))
            family->pids[family->count++] = one->pid;
    }
}
