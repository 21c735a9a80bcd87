/* agent_search.c: looking through a directory, and replacing text in a file (protocol 10: find, search, replace).
 *
 * Directories are walked in the order of Go's filepath.Walk: names in the order of their bytes, a directory before what is
 * in it, symlinks not followed. What cannot be read is passed over.
 */
#include "agent.h"

#include "fd.h"
#include "go_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Go's scanner gives up at a longer line, and with it the rest of the file. */
enum { LINE_MAX_LEN = 64 << 10, BINARY_LOOK = 512 };

struct walk {
    const char *wanted;
    int records;
    int error;
    void (*visit)(struct walk *walk, const char *path, const struct stat *info);
};

static void add_record(struct walk *walk, const char *path, uint32_t line, const char *content, size_t len)
{
    struct match_record record = {
        .line = line, .path_len = (uint32_t)strlen(path), .content_len = (uint32_t)len};
    if (walk->error != 0) return;
    if (fd_write_all(walk->records, &record, sizeof record) != 0 ||
        fd_write_all(walk->records, path, record.path_len) != 0 ||
        fd_write_all(walk->records, content, len) != 0)
        walk->error = errno;
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

/* Children are named by the cleaned path. To be freed. */
static char *join(const char *directory, const char *name)
{
    char *joined = malloc(strlen(directory) + strlen(name) + 2), *clean = NULL;
    if (joined == NULL) return NULL;
    sprintf(joined, "%s/%s", directory, name);
    clean = go_path_clean(joined);
    free(joined);
    return clean;
}

static void walk_from(struct walk *walk, const char *path);

static void walk_into(struct walk *walk, const char *path, const struct stat *info)
{
    struct dirent **entries;
    int count = scandir(path, &entries, no_dots, by_bytes);
    if (count < 0) return; /* unreadable: not even visited */
    walk->visit(walk, path, info);
    for (int i = 0; i < count; i++) {
        char *child = join(path, entries[i]->d_name);
        if (child != NULL) walk_from(walk, child);
        free(child);
        free(entries[i]);
    }
    free(entries);
}

static void walk_from(struct walk *walk, const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0) return;
    if (S_ISDIR(info.st_mode))
        walk_into(walk, path, &info);
    else
        walk->visit(walk, path, &info);
}

static int run(struct walk *walk, const char *path, int *result)
{
    walk->records = *result = memfd_create("matches", MFD_CLOEXEC);
    if (walk->records < 0) return errno;
    walk_from(walk, path);
    return walk->error;
}

static void visit_name(struct walk *walk, const char *path, const struct stat *info)
{
    (void)info;
    char *copy = strdup(path);
    if (copy == NULL) return;
    for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/';)
        copy[--len] = '\0';
    const char *slash = strrchr(copy, '/');
    if (glob_matches(walk->wanted, slash != NULL && slash[1] != '\0' ? slash + 1 : copy))
        add_record(walk, path, 0, "", 0);
    free(copy);
}

/* Lines as Go's scanner gives them: without \n and one \r before it. */
static void search_lines(struct walk *walk, const char *path, const char *text, size_t size)
{
    uint32_t number = 1;
    for (size_t at = 0; at < size; number++) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t taken = end != NULL ? (size_t)(end - line) + 1 : size - at;
        if (taken > LINE_MAX_LEN - (end == NULL)) return;
        size_t len = taken - (end != NULL);
        if (len > 0 && line[len - 1] == '\r') len--;
        if (memmem(line, len, walk->wanted, strlen(walk->wanted)) != NULL)
            add_record(walk, path, number, line, len);
        at += taken;
    }
}

static void visit_text(struct walk *walk, const char *path, const struct stat *info)
{
    if (!S_ISREG(info->st_mode)) return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t size = (size_t)info->st_size;
    char *text = fd < 0 || size == 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    fd_close(&fd);
    if (text == MAP_FAILED) return;
    bool is_binary = memchr(text, '\0', size < BINARY_LOOK ? size : BINARY_LOOK) != NULL;
    if (!is_binary) search_lines(walk, path, text, size);
    munmap(text, size);
}

int find_text(char **argument, int *result, int *status)
{
    (void)status;
    struct walk walk = {.wanted = argument[1], .visit = visit_text};
    return run(&walk, argument[0], result);
}

int search_names(char **argument, int *result, int *status)
{
    (void)status;
    struct walk walk = {.wanted = argument[1], .visit = visit_name};
    return run(&walk, argument[0], result);
}

static int write_replaced(int fd, const char *text, size_t size, const char *wanted, const char *value)
{
    size_t wanted_len = strlen(wanted), value_len = strlen(value);
    const char *end = text + size;
    for (const char *found; (found = memmem(text, (size_t)(end - text), wanted, wanted_len)) != NULL;
         text = found + wanted_len)
        if (fd_write_all(fd, text, (size_t)(found - text)) != 0 || fd_write_all(fd, value, value_len) != 0)
            return errno;
    return fd_write_all(fd, text, (size_t)(end - text)) != 0 ? errno : 0;
}

/* Read whole, then written in place. Status 1: reading failed, else opening. */
int replace_text(char **argument, int *result, int *status)
{
    (void)result;
    size_t size = 0;
    struct stat info;
    if (*argument[1] == '\0') return EINVAL; /* would be found for ever */
    int fd = open(argument[0], O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return errno;
    *status = 1;
    bool is_directory = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    char *text = is_directory ? NULL : fd_read_file(fd, &size);
    int error = is_directory ? EISDIR : errno;
    fd_close(&fd);
    if (text == NULL) return error;
    *status = 0;
    fd = open(argument[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    error = fd < 0 ? errno : write_replaced(fd, text, size, argument[1], argument[2]);
    fd_close(&fd);
    free(text);
    return error;
}
