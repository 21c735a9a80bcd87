/* agent_descendants.c: who runs below the agent, found by the parent links in /proc.
 *
 * The agent reaps orphans (pid 1 or subreaper), so everything that a sandbox started has it as an ancestor.
 */
#include "agent.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
    pid_t pid;
    pid_t parent;
};

struct table {
    struct process *items;
    size_t count;
    size_t cap;
};

/* The parent is the second word after the command name, which is in parentheses and may hold anything. */
static pid_t parent_of(const char *pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return -1;
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = '\0';
    int parent = -1;
    const char *after = strrchr(line, ')');
    if (after == NULL || sscanf(after + 1, " %*c %d", &parent) != 1) return -1;
    return parent;
}

static void table_add(struct table *table, struct process process)
{
    if (table->count == table->cap) {
        size_t cap = table->cap > 0 ? table->cap * 2 : 64;
        struct process *items = realloc(table->items, cap * sizeof *items);
        if (items == NULL) return;
        table->items = items;
        table->cap = cap;
    }
    table->items[table->count++] = process;
}

static struct table table_read(void)
{
    struct table table = {0};
    DIR *proc = opendir("/proc");
    if (proc == NULL) return table;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        pid_t parent = parent_of(entry->d_name);
        if (parent >= 0) table_add(&table, (struct process){.pid = atoi(entry->d_name), .parent = parent});
    }
    closedir(proc);
    return table;
}

static bool is_below(const struct table *table, pid_t pid, pid_t ancestor)
{
    for (size_t depth = 0; depth < table->count; depth++) {
        pid_t parent = 0;
        for (size_t i = 0; i < table->count; i++)
            if (table->items[i].pid == pid) parent = table->items[i].parent;
        if (parent == ancestor) return true;
        if (parent == 0) return false;
        pid = parent;
    }
    return false;
}

/* Called in a child of the agent, which is not counted. */
int descendants_count(void)
{
    struct table table = table_read();
    int count = 0;
    for (size_t i = 0; i < table.count; i++)
        if (table.items[i].pid != getpid() && is_below(&table, table.items[i].pid, getppid())) count++;
    free(table.items);
    return count;
}

/* Kill the children, inherit theirs, and so on until none is left. */
void descendants_kill(void)
{
    do {
        struct table table = table_read();
        for (size_t i = 0; i < table.count; i++)
            if (table.items[i].parent == getpid()) kill(table.items[i].pid, SIGKILL);
        free(table.items);
    } while (waitpid(-1, NULL, 0) > 0);
}
