#include "bwrap.h"

#include "mem.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void command_finish(struct command *command)
{
    while (command->count > 0)
        free(command->words[--command->count]);
}

void command_add(struct command *command, const char *word)
{
    if (command->count + 1 < COMMAND_MAX_WORDS) command->words[command->count++] = mem_copy(word);
}

static void add(struct command *command, const char *a, const char *b, const char *c)
{
    const char *const given[] = {a, b, c};
    for (size_t i = 0; i < 3 && given[i] != NULL; i++)
        command_add(command, given[i]);
}

static void add_inside(struct command *command, const char *option, const char *base, const char *name,
                       const char *target)
{
    CLEANUP(mem_free_text) char *source = mem_format("%s/%s", base, name);
    add(command, option, source, target);
}

/* On merged-/usr systems /bin and friends are links into /usr, elsewhere directories. */
static void add_top_directory(struct command *command, const char *path)
{
    char target[256];
    struct stat info;
    ssize_t len = readlink(path, target, sizeof target - 1);
    if (len > 0) {
        target[len] = '\0';
        add(command, "--symlink", target, path);
    } else if (lstat(path, &info) == 0) {
        add(command, "--ro-bind", path, path);
    }
}

static void add_system(struct command *command)
{
    add(command, "--ro-bind", "/usr", "/usr");
    static const char *const top[] = {"/bin", "/sbin", "/lib", "/lib64", "/lib32"};
    for (size_t i = 0; i < sizeof top / sizeof *top; i++)
        add_top_directory(command, top[i]);
    static const char *const from_machine[] = {"/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl/certs",
                                               "/etc/localtime"};
    for (size_t i = 0; i < sizeof from_machine / sizeof *from_machine; i++)
        add(command, "--ro-bind-try", from_machine[i], from_machine[i]);
}

static void add_own_etc(struct command *command, const char *etc)
{
    static const char *const names[] = {"passwd", "group", "shells", "hosts", "nsswitch.conf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP(mem_free_text) char *target = mem_format("/etc/%s", names[i]);
        add_inside(command, "--ro-bind", etc, names[i], target);
    }
}

static void add_namespaces(struct command *command, struct bwrap_wishes wishes)
{
    add(command, "--unshare-user", "--unshare-pid", "--unshare-ipc");
    add(command, "--unshare-uts", "--unshare-cgroup-try", NULL);
    if (wishes.no_more_users) add(command, "--disable-userns", NULL, NULL);
    if (!wishes.share_net) add(command, "--unshare-net", NULL, NULL);
    if (wishes.share_net) add(command, "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf");
    add(command, "--uid", "1000", NULL);
    add(command, "--gid", "1000", NULL);
    add(command, "--hostname", "sandbox", NULL);
    add(command, "--die-with-parent", "--new-session", "--as-pid-1");
}

static void add_own_files(struct command *command, const struct store *store, const char *directory)
{
    add_inside(command, "--bind", directory, "home", "/home/daytona");
    add_inside(command, "--bind", directory, "tmp", "/tmp");
    add(command, "--dir", "/var", NULL);
    add(command, "--symlink", "/tmp", "/var/tmp");
    add(command, "--ro-bind", store->agent, "/run/standin-agent");
}

void bwrap_command(struct command *command, const char *bwrap, const struct store *store,
                   const char *directory, struct bwrap_wishes wishes)
{
    add(command, bwrap, NULL, NULL);
    add_namespaces(command, wishes);
    add_system(command);
    add_own_etc(command, store->etc);
    add(command, "--proc", "/proc", NULL);
    add(command, "--dev", "/dev", NULL);
    add_own_files(command, store, directory);
    add(command, "--remount-ro", "/", NULL);
    add(command, "--chdir", "/home/daytona", NULL);
    add(command, "/run/standin-agent", NULL, NULL);
}
