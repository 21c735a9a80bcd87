#include "command.h"

/* -- Finding a program ------------------------------------------------------------------------- */

static const char *variable(char **env, const char *name)
{
    char **own = environment;
    environment = env;
    const char *value = environment_get(name);
    environment = own;
    return value;
}

static bool has_slash(const char *name)
{
    return find(name, length(name), "/", 1) != NULL;
}

/* Calls visit with each place where PATH says that `name` may be, until it returns true. */
static bool search(char **env, const char *name, bool (*visit)(void *ctx, const char *path), void *ctx)
{
    const char *at = variable(env, "PATH");
    if (has_slash(name)) return visit(ctx, name);
    if (!at) at = "/bin:/usr/bin";
    for (;;) {
        char memory[4400];
        struct text path = TEXT(memory);
        const char *end = at;
        while (*end && *end != ':')
            end++;
        add_bytes(&path, at, (size_t)(end - at));
        if (end > at) add(&path, "/");
        add(&path, name);
        if (!path.full && visit(ctx, path.data)) return true;
        if (!*end) return false;
        at = end + 1;
    }
}

static bool is_program(void *ctx, const char *path)
{
    struct sys_stat info;
    (void)ctx;
    if (SYS4(newfstatat, AT_FDCWD, path, &info, 0) != 0 || (info.mode & S_IFMT) == S_IFDIR) return false;
    return SYS3(faccessat, AT_FDCWD, path, X_OK) == 0;
}

/* -- Getting ready ----------------------------------------------------------------------------- */

static bool same_name(const char *a, const char *b)
{
    while (*a && *a != '=' && *a == *b)
        a++, b++;
    return *a == '=' && *b == '=';
}

static size_t put_variable(char **env, size_t count, char *assignment)
{
    for (size_t i = 0; i < count; i++) {
        if (!same_name(env[i], assignment)) continue;
        env[i] = assignment;
        return count;
    }
    env[count] = assignment;
    return count + 1;
}

static char *assignment(const char *name, const char *value, const char *end)
{
    size_t size = length(name) + length(value) + length(end) + 1;
    struct text text = {take(size), 0, size - 1, false};
    add(&text, name);
    add(&text, value);
    add(&text, end);
    return text.data;
}

/* What a shell would say that the folder is called. */
static char *working_folder(const char *cwd)
{
    static char memory[4400];
    const char *dots = find(cwd, length(cwd), "/.", 2);
    if (*cwd == '/' && !dots) return assignment("PWD=", cwd, "");
    return SYS2(getcwd, memory, sizeof memory) > 0 ? assignment("PWD=", memory, "") : NULL;
}

/* The environment: ours without what our own start has left in it, our mark, the caller's. */
static void prepare_env(struct command *command, const struct request *request)
{
    size_t count = 0;
    while (environment[count])
        count++;
    char **env = take((count + request->env.count + 3) * sizeof *env);
    count = 0;
    for (char **at = environment; *at; at++)
        if (!starts_with(*at, "_=") && !starts_with(*at, "OLDPWD=")) env[count++] = *at;
    char *pwd = *request->cwd && environment_get("PWD") ? working_folder(request->cwd) : NULL;
    if (pwd) count = put_variable(env, count, pwd);
    count = put_variable(env, count, assignment("EEP_EXECUTION=", request->id, ":"));
    for (size_t i = 0; i < request->env.count; i++)
        count = put_variable(env, count, request->env.at[i]);
    command->env = env;
}

/* The script is a file without a name, so that no other process finds it. */
static int store_script(const struct request *request, const char *scratch)
{
    int fd = (int)SYS2(memfd_create, "script", 1 /* close-on-exec */);
    if (fd < 0) {
        fd = open_file(scratch, O_RDWR | O_CREAT | O_EXCL);
        SYS3(unlinkat, AT_FDCWD, scratch, 0);
    }
    if (fd < 0 || !write_all(fd, request->script, request->script_len)) return -1;
    return fd;
}

static const char *choose_shell(const struct request *request)
{
    if (!equal(request->shell, "auto")) return request->shell;
    if (*request->usual_shell) return request->usual_shell;
    return search(environment, "bash", is_program, NULL) ? "bash" : "sh";
}

/* The shell reads the script from a path below /proc, and has none of our descriptors. */
static bool prepare_script(struct command *command, const struct request *request, const char *scratch)
{
    size_t count = 0;
    char memory[64];
    struct text path = TEXT(memory);
    command->script = store_script(request, scratch);
    if (command->script < 0) return false;
    add(&path, "/proc/");
    add_number(&path, (uint64_t)SYS0(getpid));
    add(&path, "/fd/");
    add_number(&path, (uint64_t)command->script);
    command->argv = take(3 * sizeof *command->argv);
    command->argv[count++] = (char *)choose_shell(request);
    command->argv[count] = assignment(memory, "", "");
    return true;
}

bool command_prepare(struct command *command, const struct request *request, const char *scratch)
{
    command->login = request->login;
    command->script = -1;
    command->argv = request->argv.at;
    prepare_env(command, request);
    return !*request->shell || prepare_script(command, request, scratch);
}

/* -- Becoming it ------------------------------------------------------------------------------- */

struct attempt {
    const struct command *command;
    long error; /* the one worth telling */
};

static char shell_name[] = "sh";

/* A file without a first line that names its interpreter is a shell script, as execvp has it. */
static void run_as_script(const struct command *command, const char *path)
{
    size_t count = 0;
    while (command->argv[count])
        count++;
    char **argv = take((count + 2) * sizeof *argv);
    argv[0] = shell_name;
    argv[1] = (char *)path;
    for (size_t i = 1; i < count; i++)
        argv[i + 1] = command->argv[i];
    SYS3(execve, "/bin/sh", argv, command->env);
}

static bool try_exec(void *ctx, const char *path)
{
    struct attempt *attempt = ctx;
    long error = SYS3(execve, path, attempt->command->argv, attempt->command->env);
    if (error == E_NOEXEC) run_as_script(attempt->command, path);
    if (error != E_NOENT && error != E_NOTDIR) attempt->error = error;
    return false;
}

_Noreturn static void tell_failure(const struct command *command, long error)
{
    const char *why = error == E_NOENT    ? ": not found\n"
                      : error == E_ACCES  ? ": Permission denied\n"
                      : error == E_NOEXEC ? ": Exec format error\n"
                                          : ": cannot be executed\n";
    int fd = command->login ? 5 : 2;
    write_all(fd, command->argv[0], length(command->argv[0]));
    write_all(fd, why, length(why));
    die(error == E_NOENT ? 127 : 126);
}

/* Takes the streams out of the way first: their numbers may be each other's targets. */
static void place_streams(const struct command *command)
{
    const int from[3] = {command->in, command->out, command->err};
    const int plain[3] = {0, 1, 2};
    const int hidden[3] = {7, 4, 5}; /* see command_script in ../command.c */
    const int *to = command->login ? hidden : plain;
    long high[3];
    for (int i = 0; i < 3; i++)
        high[i] = SYS3(fcntl, from[i], F_DUPFD_CLOEXEC, 16);
    for (int i = 0; i < 3; i++)
        SYS3(dup3, high[i], to[i], 0);
    if (!command->login) return;
    long null = SYS4(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    for (int i = 0; i < 3; i++)
        SYS3(dup3, null, i, 0);
}

_Noreturn void command_become(const struct command *command)
{
    struct attempt attempt = {command, E_NOENT};
    place_streams(command);
    search(command->env, command->argv[0], try_exec, &attempt);
    tell_failure(command, attempt.error);
}
