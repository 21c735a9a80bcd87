/* agent_files.c: one file operation inside the sandbox, as its user, so that paths and permissions mean there
 * what they mean to a command. Runs in a child of the agent: a slow or stuck operation blocks nobody.
 *
 *   open-read PATH            -> the open file          info PATH, list PATH     -> records (agent_proto.h)
 *   open-write PATH           -> the open file, parents made, truncated
 *   mkdir PATH MODE           existing directory is fine; parents made          remove PATH ("r" = recursive)
 *   move FROM TO              chmod PATH MODE ("" = keep)                        count -> status = processes
 */
#include "agent.h"

#include "fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Operations return 0 or an errno; *result may become a descriptor to hand over. */
struct operation {
    const char *name;
    size_t argument_count;
    int (*run)(char **argument, int *result, int *status);
};

static int make_directories(const char *path, mode_t mode)
{
    char partial[PATH_MAX];
    if (strlen(path) >= sizeof partial) return ENAMETOOLONG;
    strcpy(partial, path);
    for (char *at = partial + 1; *partial != '\0' && (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST) return errno;
        *at = '/';
    }
    return 0;
}

/* O_NONBLOCK: a FIFO without a partner must not hold the request forever. */
static int open_read(char **argument, int *result, int *status)
{
    (void)status;
    struct stat info;
    *result = open(argument[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*result < 0 || fstat(*result, &info) != 0) return errno;
    return S_ISDIR(info.st_mode) ? EISDIR : 0;
}

static int open_write(char **argument, int *result, int *status)
{
    (void)status;
    int error = make_directories(argument[0], 0755);
    if (error != 0) return error;
    *result = open(argument[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    return *result < 0 ? errno : 0;
}

static int make_directory(char **argument, int *result, int *status)
{
    (void)result, (void)status;
    struct stat info;
    mode_t mode = (mode_t)strtoul(argument[1], NULL, 8);
    int error = make_directories(argument[0], mode);
    if (error != 0) return error;
    if (mkdir(argument[0], mode) == 0) return 0;
    if (errno != EEXIST) return errno;
    return stat(argument[0], &info) == 0 && S_ISDIR(info.st_mode) ? 0 : EEXIST;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path) != 0 && errno != ENOENT ? errno : 0;
}

/* The service looks with stat first, so a dangling symlink is "not found" (protocol 10). */
static int remove_path(char **argument, int *result, int *status)
{
    (void)result, (void)status;
    struct stat info;
    if (stat(argument[0], &info) != 0) return errno;
    if (!S_ISDIR(info.st_mode)) return unlink(argument[0]) != 0 ? errno : 0;
    if (strcmp(argument[1], "r") != 0) return EISDIR;
    return nftw(argument[0], remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static int move_path(char **argument, int *result, int *status)
{
    (void)result, (void)status;
    struct stat info;
    if (stat(argument[0], &info) != 0) return errno;
    if (stat(argument[1], &info) == 0) return EEXIST;
    return rename(argument[0], argument[1]) != 0 ? errno : 0;
}

static int change_mode(char **argument, int *result, int *status)
{
    (void)result, (void)status;
    struct stat info;
    if (*argument[1] == '\0') return stat(argument[0], &info) != 0 ? errno : 0;
    return chmod(argument[0], (mode_t)strtoul(argument[1], NULL, 8)) != 0 ? errno : 0;
}

static int count_processes(char **argument, int *result, int *status)
{
    (void)argument, (void)result;
    *status = descendants_count();
    return 0;
}

static int write_record(int records, const char *name, const struct stat *info)
{
    struct file_record record = {.size = (uint64_t)info->st_size,
                                 .seconds = info->st_mtim.tv_sec,
                                 .nanoseconds = (uint32_t)info->st_mtim.tv_nsec,
                                 .mode = info->st_mode,
                                 .uid = info->st_uid,
                                 .gid = info->st_gid,
                                 .name_len = (uint32_t)strlen(name)};
    if (fd_write_all(records, &record, sizeof record) != 0) return errno;
    return fd_write_all(records, name, record.name_len) != 0 ? errno : 0;
}

static int file_info(char **argument, int *result, int *status)
{
    (void)status;
    struct stat info;
    char copy[PATH_MAX];
    if (stat(argument[0], &info) != 0) return errno;
    if (strlen(argument[0]) >= sizeof copy) return ENAMETOOLONG;
    *result = memfd_create("info", MFD_CLOEXEC);
    return *result < 0 ? errno : write_record(*result, basename(strcpy(copy, argument[0])), &info);
}

/* Unreadable and dangling entries are left out, as the service does (protocol 10). */
static int list_entries(DIR *directory, int records)
{
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (fstatat(dirfd(directory), entry->d_name, &info, 0) != 0) continue;
        int error = write_record(records, entry->d_name, &info);
        if (error != 0) return error;
    }
    return 0;
}

static int list_directory(char **argument, int *result, int *status)
{
    (void)status;
    DIR *directory = opendir(argument[0]);
    if (directory == NULL) return errno;
    *result = memfd_create("list", MFD_CLOEXEC);
    int error = *result < 0 ? errno : list_entries(directory, *result);
    closedir(directory);
    return error;
}

static const struct operation operations[] = {
    {"open-read", 1, open_read}, {"open-write", 1, open_write}, {"mkdir", 2, make_directory},
    {"remove", 2, remove_path},  {"move", 2, move_path},        {"chmod", 2, change_mode},
    {"info", 1, file_info},      {"list", 1, list_directory},   {"count", 0, count_processes},
};

static int run_operation(const struct words *args, int *result, int *status)
{
    for (size_t i = 0; args->count > 0 && i < sizeof operations / sizeof *operations; i++) {
        const struct operation *operation = &operations[i];
        if (strcmp(operation->name, args->items[0]) != 0) continue;
        if (args->count - 1 != operation->argument_count) return EINVAL;
        return operation->run(args->items + 1, result, status);
    }
    return ENOSYS;
}

void file_operation(const struct words *args, int reply_socket)
{
    int result = -1, status = 0;
    struct agent_reply reply = {.error = run_operation(args, &result, &status)};
    reply.status = status;
    if (reply.error != 0) fd_close(&result);
    fd_send_packet(reply_socket, &reply, sizeof reply, &result, result >= 0 ? 1 : 0);
}
