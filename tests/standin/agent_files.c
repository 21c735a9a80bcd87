/* agent_files.c: one file operation inside the sandbox, as its user, so that paths and permissions mean there
 * what they mean to a command. Runs in a child of the agent: a slow or stuck operation blocks nobody.
 *
 *   open-read PATH            -> the open file; status 1 if it is there but cannot be opened
 *   open-clean PATH           the same, with the path cleaned (go_path.h), as in the operations marked with a star
 *   open-write PATH MODE      -> the open file, truncated; parents made with MODE; status = length of one that failed
 *   mkdir PATH MODE           existing directory is fine; parents made
 *   remove PATH ("r" or "")   r = recursive; status 1 if it is there but cannot be removed
 *   move FROM TO *            status: see move_path
 *   chmod PATH MODE OWNER GROUP *   "" = keep; status 1 if it is there
 *   info PATH, list PATH      -> records (agent_proto.h)
 *   find PATH TEXT, search PATH PATTERN, replace PATH TEXT NEW   see agent_search.c
 *   count                     -> status = processes
 */
#include "agent.h"

#include "fd.h"
#include "go_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Operations return 0 or an errno; *result may become a descriptor to hand over. */
struct operation {
    const char *name;
    size_t argument_count;
    int (*run)(char **argument, int *result, int *status);
};

/* Go takes a number for the permission bits and for its own bits for the other three, far above; the umask applies. */
static mode_t mode_of(const char *octal)
{
    unsigned long mode = strtoul(octal, NULL, 8);
    return (mode_t)((mode & 0777) | (mode >> 23 & 1) << 11 | (mode >> 22 & 1) << 10 | (mode >> 20 & 1) << 9);
}

/* Makes a directory unless there is one. */
static int make_one(const char *path, mode_t mode)
{
    struct stat info;
    if (mkdir(path, mode) == 0) return 0;
    int error = errno;
    if (stat(path, &info) != 0) return error;
    return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

/* All directories above the last slash. On failure *failed is the length of the path that could not be made. */
static int make_parents(const char *path, mode_t mode, int *failed)
{
    char partial[PATH_MAX];
    if (strlen(path) >= sizeof partial) return ENAMETOOLONG;
    strcpy(partial, path);
    for (char *at = partial; *partial != '\0' && (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        int error = make_one(partial, mode);
        if (error != 0) *failed = (int)(at - partial);
        if (error != 0) return error;
        *at = '/';
    }
    return 0;
}

/* O_NONBLOCK: a FIFO without a partner must not hold the request forever. Status 1: it is there, but closed. */
static int open_read(char **argument, int *result, int *status)
{
    struct stat info;
    if (stat(argument[0], &info) != 0) return errno;
    *status = 1;
    *result = open(argument[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*result < 0 || fstat(*result, &info) != 0) return errno;
    return S_ISDIR(info.st_mode) ? EISDIR : 0;
}

static int open_clean(char **argument, int *result, int *status)
{
    char *clean = go_path_clean(argument[0]);
    int error = clean != NULL ? open_read(&clean, result, status) : ENOMEM;
    free(clean);
    return error;
}

/* The directory for a file, cleaned: "a/../file" needs no a, although it cannot be opened without. */
static int make_directory_of(const char *path, mode_t mode, int *failed)
{
    char *directory = go_path_dir(path);
    int error = directory != NULL ? make_parents(directory, mode, failed) : ENOMEM;
    if (error == 0) {
        error = make_one(directory, mode);
        if (error != 0) *failed = (int)strlen(directory);
    }
    free(directory);
    return error;
}

static int open_write(char **argument, int *result, int *status)
{
    int error = make_directory_of(argument[0], mode_of(argument[1]), status);
    if (error != 0) return error;
    *result = open(argument[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    return *result < 0 ? errno : 0;
}

static int make_directory(char **argument, int *result, int *status)
{
    (void)result;
    mode_t mode = mode_of(argument[1]);
    int error = make_parents(argument[0], mode, status);
    return error != 0 ? error : make_one(argument[0], mode);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path) != 0 && errno != ENOENT ? errno : 0;
}

static bool ends_with_dot(const char *path)
{
    size_t len = strlen(path);
    return len > 0 && path[len - 1] == '.' && (len == 1 || path[len - 2] == '/');
}

/* Symlinks are removed, never followed. What is called "." stays, as with rmdir. */
static int remove_tree(const char *path)
{
    if (ends_with_dot(path)) return EINVAL;
    int error = nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
    return error == -1 ? errno : error;
}

/* The service looks with stat first, so a dangling symlink is "not found" (protocol 10). Status 1: it is there. */
static int remove_path(char **argument, int *result, int *status)
{
    (void)result;
    struct stat info;
    if (stat(argument[0], &info) != 0) return errno;
    *status = 1;
    if (strcmp(argument[1], "r") == 0) return remove_tree(argument[0]);
    if (S_ISDIR(info.st_mode)) return EISDIR;
    return unlink(argument[0]) != 0 ? errno : 0;
}

static int copy_bytes(const char *from, const char *to, mode_t mode)
{
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode & 0777);
    int error = target < 0 ? errno : 0;
    ssize_t n = 1;
    while (error == 0 && (n = sendfile(target, source, NULL, 1 << 20)) > 0)
        ;
    if (n < 0) error = errno;
    fd_close(&source);
    fd_close(&target);
    return error;
}

/* nftw hands over no closure; this runs in a process of its own. */
static struct {
    const char *to;
    size_t from_len;
} copying;

static int copy_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    char target[PATH_MAX];
    (void)kind, (void)where;
    if (snprintf(target, sizeof target, "%s%s", copying.to, path + copying.from_len) >= (int)sizeof target)
        return ENAMETOOLONG;
    return S_ISDIR(info->st_mode) ? make_one(target, info->st_mode & 0777)
                                  : copy_bytes(path, target, info->st_mode);
}

static int copy_tree(const char *from, const char *to)
{
    copying.to = to;
    copying.from_len = strlen(from);
    int error = nftw(from, copy_one, 32, FTW_PHYS);
    return error == -1 ? errno : error;
}

static int look_at_parent(const char *path)
{
    struct stat info;
    char *parent = go_path_dir(path);
    int error = parent == NULL ? ENOMEM : stat(parent, &info) != 0 ? errno : 0;
    free(parent);
    return error;
}

/* What the service tells of a move, as status. */
enum { MOVE_LOOKED = 1, MOVE_COPIED };

/* A rename that fails is tried as a copy and a removal. A directory is not moved into itself: there the service loses
 * it. */
static int move_clean(const char *from, const char *to, int *status)
{
    struct stat info, other;
    if (stat(from, &info) != 0) return errno;
    int error = look_at_parent(to);
    if (error != 0) return error;
    if (stat(to, &other) == 0) return EEXIST;
    *status = MOVE_LOOKED;
    if (rename(from, to) == 0) return 0;
    if (errno == EINVAL) return EINVAL;
    error = copy_tree(from, to);
    if (error != 0) return error;
    *status = MOVE_COPIED;
    return remove_tree(from);
}

static int move_path(char **argument, int *result, int *status)
{
    (void)result;
    char *from = go_path_clean(argument[0]), *to = go_path_clean(argument[1]);
    int error = from != NULL && to != NULL ? move_clean(from, to, status) : ENOMEM;
    free(from);
    free(to);
    return error;
}

static bool is_number(const char *text)
{
    text += *text == '-' || *text == '+';
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* A number, or a name in the sandbox's /etc. False if there is no such name. */
static bool find_id(const char *text, bool is_group, unsigned *id)
{
    *id = *text == '\0' ? (unsigned)-1 : (unsigned)strtol(text, NULL, 10);
    if (*text == '\0' || is_number(text)) return true;
    struct group *group = is_group ? getgrnam(text) : NULL;
    struct passwd *user = is_group ? NULL : getpwnam(text);
    if (group != NULL) *id = group->gr_gid;
    if (user != NULL) *id = user->pw_uid;
    return group != NULL || user != NULL;
}

static int change_clean(const char *path, char **argument, int *status)
{
    struct stat info;
    unsigned owner, group;
    if (stat(path, &info) != 0) return errno;
    *status = 1;
    if (*argument[1] != '\0' && chmod(path, mode_of(argument[1])) != 0) return errno;
    if (!find_id(argument[2], false, &owner) || !find_id(argument[3], true, &group)) return EINVAL;
    if (*argument[2] == '\0' && *argument[3] == '\0') return 0;
    return chown(path, owner, group) != 0 ? errno : 0;
}

/* Status 1: it is there. */
static int change_mode(char **argument, int *result, int *status)
{
    (void)result;
    char *clean = go_path_clean(argument[0]);
    int error = clean != NULL ? change_clean(clean, argument, status) : ENOMEM;
    free(clean);
    return error;
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
    {"open-read", 1, open_read},   {"open-clean", 1, open_clean}, {"open-write", 2, open_write},
    {"mkdir", 2, make_directory},  {"remove", 2, remove_path},    {"move", 2, move_path},
    {"chmod", 4, change_mode},     {"info", 1, file_info},        {"list", 1, list_directory},
    {"count", 0, count_processes}, {"find", 2, find_text},        {"search", 2, search_names},
    {"replace", 3, replace_text},
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
