/* agent_exec.c: starting the shell of process/execute, as the service's daemon does (protocol 7). */
#include "agent.h"

#include "fd.h"
#include "signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHELL_MAX_WORDS = 8 };

int words_read(struct words *words, int fd)
{
    size_t len = 0;
    words->block = fd_read_file(fd, &len);
    if (words->block == NULL) return -1;
    for (size_t i = 0; i < len; i++)
        words->count += words->block[i] == '\0';
    words->items = calloc(words->count + 1, sizeof *words->items);
    if (words->items == NULL) return -1;
    char *at = words->block;
    for (size_t i = 0; i < words->count; i++, at += strlen(at) + 1)
        words->items[i] = at;
    return 0;
}

void words_finish(struct words *words)
{
    free(words->items);
    free(words->block);
    *words = (struct words){0};
}

/* Is path one of the lines of /etc/shells that are no comments? */
static bool is_listed(const char *path)
{
    FILE *file = fopen("/etc/shells", "re");
    if (file == NULL) return false;
    char line[256];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, " \t\r\n")] = '\0';
        found = strcmp(line, path) == 0;
    }
    fclose(file);
    return found;
}

static const char *shell_by_rule(char **environment)
{
    static const char *const candidates[] = {"/usr/bin/zsh", "/bin/zsh", "/usr/bin/bash", "/bin/bash"};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (is_listed(candidates[i])) return candidates[i];
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, "SHELL=/", 7) == 0) return *environment + 6;
    return "sh";
}

/* "/bin/busybox sh" is a shell too: words separated by blanks. The block is changed in place. */
static void split(char *shell, char *argv[SHELL_MAX_WORDS + 1])
{
    size_t count = 0;
    char *rest = shell;
    for (char *word; count < SHELL_MAX_WORDS && (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0') argv[count++] = word;
    argv[count] = NULL;
}

/* Runs in the vfork child: it shares our memory until exec, so it only makes system calls. */
static int become_shell(char **argv, char **environment, const char *directory, int input, int output)
{
    setpgid(0, 0); /* a group of its own and no session, as in the service */
    if (*directory != '\0' && chdir(directory) != 0) return errno;
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    signals_reset();
    execvpe(argv[0], argv, environment);
    return errno;
}

pid_t shell_spawn(const struct words *args, int input, int output, struct agent_reply *reply)
{
    char **environment = args->items + 2;
    const char *wanted = args->items[0];
    char shell[sizeof reply->shell];
    char *argv[SHELL_MAX_WORDS + 1];
    snprintf(shell, sizeof shell, "%s", *wanted != '\0' ? wanted : shell_by_rule(environment));
    split(shell, argv);
    if (argv[0] == NULL) argv[0] = shell;
    snprintf(reply->shell, sizeof reply->shell, "%s", argv[0]);

    volatile int failure = 0;
    pid_t pid = vfork(); /* a fork of pid 1 would copy its page tables for nothing */
    if (pid == 0) {
        failure = become_shell(argv, environment, args->items[1], input, output);
        _exit(127);
    }
    if (pid < 0) failure = errno;
    reply->error = failure;
    return failure == 0 ? pid : -1;
}
