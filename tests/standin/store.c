#include "store.h"

#include "fd.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* The processes of the sandbox have ended, so nothing here changes under our feet. Symlinks are not followed.
 */
static void remove_tree(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return;
    fchmodat(parent, name, 0700, 0); /* its owner may have taken our way in */
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_tree(dirfd(directory), entry->d_name);
    closedir(directory);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static int make_directory(const char *path, mode_t mode, struct fail *why)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return fail_set(why, "cannot make %s: %s", path, strerror(errno));
    if (chmod(path, mode) != 0) return fail_set(why, "cannot set the mode of %s: %s", path, strerror(errno));
    return 0;
}

static int write_file(const char *directory, const char *name, const char *text, struct fail *why)
{
    CLEANUP(mem_free_text) char *path = mem_format("%s/%s", directory, name);
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || fchmod(fd, 0644) != 0 || fd_write_all(fd, text, strlen(text)) != 0)
        return fail_set(why, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

/* zsh is left out on purpose: the service prefers it when it is listed, which few people expect of a local
 * server.
 * --shell /usr/bin/zsh asks for it. */
static int write_shells(const char *etc, struct fail *why)
{
    static const char *const known[] = {"/bin/sh",       "/usr/bin/sh", "/bin/bash",
                                        "/usr/bin/bash", "/bin/dash",   "/usr/bin/dash"};
    char text[256] = "# shells of the stand-in's sandboxes\n";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(text);
        if (access(known[i], X_OK) == 0) snprintf(text + len, sizeof text - len, "%s\n", known[i]);
    }
    return write_file(etc, "shells", text, why);
}

static int write_etc(const char *etc, struct fail *why)
{
    TRY(make_directory(etc, 0755, why));
    TRY(write_file(etc, "passwd",
                   "root:x:0:0:root:/root:/bin/sh\n"
                   "daytona:x:1000:1000:Daytona:/home/daytona:/bin/sh\n"
                   "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
                   why));
    TRY(write_file(etc, "group", "root:x:0:\ndaytona:x:1000:\nnogroup:x:65534:\n", why));
    TRY(write_file(etc, "hosts", "127.0.0.1 localhost\n::1 localhost\n", why));
    TRY(write_file(etc, "nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", why));
    return write_shells(etc, why);
}

static int copy_bytes(int from, int to)
{
    ssize_t n;
    while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
        ;
    return n < 0 ? -1 : 0;
}

/* A copy, because the build directory may be closed to the users that sandboxes run as. */
static int copy_agent(const struct store *store, struct fail *why)
{
    char server[PATH_MAX - 32], source[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", server, sizeof server - 1);
    if (len < 0) return fail_set(why, "cannot find my own binary in /proc: %s", strerror(errno));
    server[len] = '\0';
    *strrchr(server, '/') = '\0';
    snprintf(source, sizeof source, "%s/standin-agent", server);
    CLEANUP(fd_close) int from = open(source, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail_set(why, "%s is missing (it is built with the server): %s", source, strerror(errno));
    unlink(store->agent); /* that of a server before us may still run */
    CLEANUP(fd_close) int to = open(store->agent, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (to < 0 || fchmod(to, 0755) != 0 || copy_bytes(from, to) != 0)
        return fail_set(why, "cannot copy %s to %s: %s", source, store->agent, strerror(errno));
    return 0;
}

static const char *default_base(void)
{
    const char *base = getenv("TMPDIR");
    return base != NULL && *base == '/' ? base : "/tmp";
}

/* The outermost directory on the way into this one that other users cannot pass, or NULL. To be freed. */
static char *find_barrier(const char *absolute)
{
    struct stat info;
    for (size_t len = 0;; len++) {
        if (absolute[len] != '/' && absolute[len] != '\0') continue;
        char *prefix = mem_copy_n(absolute, len > 0 ? len : 1);
        if (stat(prefix, &info) != 0 || (info.st_mode & S_IXOTH) == 0) return prefix;
        free(prefix);
        if (absolute[len] == '\0') return NULL;
    }
}

/* The real path of a directory that sandboxes can get into: root's run as other users. */
static int resolve(const char *base, char **absolute, char **barrier, struct fail *why)
{
    *absolute = realpath(base, NULL);
    if (*absolute == NULL) return fail_set(why, "no directory %s: %s", base, strerror(errno));
    *barrier = geteuid() == 0 ? find_barrier(*absolute) : NULL;
    if (*barrier == NULL) return 0;
    mem_free_text(absolute);
    return fail_set(why,
                    "sandboxes cannot pass %s on the way to %s: started as root, they run as other users; "
                    "chmod o+x it or give another --dir",
                    *barrier, base);
}

/* Below --dir or nowhere; without it /tmp will do as well as $TMPDIR (pam_tmpdir closes root's to others). */
static int choose_base(struct store *store, const char *base, char **absolute, struct fail *why)
{
    CLEANUP(mem_free_text) char *barrier = NULL;
    CLEANUP(mem_free_text) char *second = NULL;
    if (resolve(base != NULL ? base : default_base(), absolute, &barrier, why) == 0) return 0;
    if (base != NULL || barrier == NULL) return -1;
    TRY(resolve("/tmp", absolute, &second, why));
    store->passed_over = barrier;
    barrier = NULL; /* the store owns it now */
    return 0;
}

static int fill(struct store *store, struct fail *why)
{
    store->agent = mem_format("%s/agent", store->root);
    store->etc = mem_format("%s/etc", store->root);
    TRY(make_directory(store->root, 0711, why)); /* sandboxes run as other users and must pass through */
    TRY(copy_agent(store, why));
    return write_etc(store->etc, why);
}

int store_init(struct store *store, const char *base, struct fail *why)
{
    CLEANUP(mem_free_text) char *absolute = NULL;
    store->lock = -1;
    TRY(choose_base(store, base, &absolute, why));
    char *root = mem_format("%s/daytona-standin.XXXXXX", absolute);
    if (mkdtemp(root) == NULL) {
        free(root);
        return fail_set(why, "cannot make a directory in %s: %s", absolute, strerror(errno));
    }
    store->root = root;
    return fill(store, why);
}

static int lock(struct store *store, struct fail *why)
{
    CLEANUP(mem_free_text) char *path = mem_format("%s/lock", store->root);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock < 0) return fail_set(why, "cannot open %s: %s", path, strerror(errno));
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0) return 0;
    return fail_set(why, "another server keeps its state in %s", store->root);
}

int store_init_kept(struct store *store, const char *root, struct fail *why)
{
    CLEANUP(mem_free_text) char *absolute = NULL;
    CLEANUP(mem_free_text) char *barrier = NULL;
    store->lock = -1;
    TRY(make_directory(root, 0711, why));
    TRY(resolve(root, &absolute, &barrier, why));
    store->root = mem_copy(absolute);
    TRY(lock(store, why));
    store->known = mem_format("%s/known", store->root);
    TRY(make_directory(store->known, 0700, why));
    return fill(store, why);
}

void store_finish(struct store *store)
{
    if (store->root != NULL && store->known == NULL && store->lock < 0) remove_tree(AT_FDCWD, store->root);
    if (store->lock >= 0) fd_close(&store->lock);
    free(store->known);
    free(store->etc);
    free(store->agent);
    free(store->root);
    free(store->passed_over);
    *store = (struct store){.lock = -1};
}

static int make_owned(const char *path, mode_t mode, uid_t uid, struct fail *why)
{
    TRY(make_directory(path, mode, why));
    if (geteuid() == 0 && chown(path, uid, uid) != 0)
        return fail_set(why, "cannot give %s to user %u: %s", path, uid, strerror(errno));
    return 0;
}

static int make_sandbox(const char *directory, uid_t uid, struct fail *why)
{
    CLEANUP(mem_free_text) char *home = mem_format("%s/home", directory);
    CLEANUP(mem_free_text) char *tmp = mem_format("%s/tmp", directory);
    if (access(tmp, F_OK) == 0) return 0;
    TRY(make_directory(directory, 0700, why));
    TRY(make_owned(home, 0755, uid, why));
    TRY(make_owned(tmp, 01777, uid, why));
    return make_owned(directory, 0700, uid, why);
}

int store_sandbox(const struct store *store, const char *id, uid_t uid, char **directory, struct fail *why)
{
    *directory = mem_format("%s/%s", store->root, id);
    if (make_sandbox(*directory, uid, why) == 0) return 0;
    mem_free_text(directory);
    return -1;
}

void store_remove_sandbox(const struct store *store, const char *id)
{
    CLEANUP(mem_free_text) char *directory = mem_format("%s/%s", store->root, id);
    remove_tree(AT_FDCWD, directory);
}
