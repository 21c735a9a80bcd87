/* loader.c: see loader.h. Linux: dlopen on ELF files. */
#include "hosts/loader/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The table of ABI 1.0 ends here. Not sizeof: later minors append, and a plugin of 1.0 must go on loading. */
#define TABLE_SIZE_1_0 (offsetof(eep_plugin, get_extension) + sizeof(void *))

__attribute__((format(printf, 4, 5))) static int32_t fail(int32_t code, char *message, size_t size,
                                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (size > 0) vsnprintf(message, size, format, args);
    va_end(args);
    return code;
}

/* Reads the ELF header. The parts that are the same for 32 and 64 bits are enough here. */
static int read_elf_header(const char *path, Elf64_Ehdr *header)
{
    memset(header, 0, sizeof(*header));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = pread(fd, header, sizeof(*header), 0);
    close(fd);
    return got >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 ? 0 : -1;
}

/* dlopen reports another machine's file as "cannot open shared object file: No such file": so look ourselves.
 */
static int32_t explain_dlopen(const char *path, const char *reason, char *message, size_t size)
{
    Elf64_Ehdr theirs;
    Elf64_Ehdr ours;
    if (read_elf_header(path, &theirs) != 0)
        return fail(EEP_E_INVALID_ARGUMENT, message, size, "%s is not a shared object", path);
    if (read_elf_header("/proc/self/exe", &ours) == 0 &&
        (theirs.e_machine != ours.e_machine || theirs.e_ident[EI_CLASS] != ours.e_ident[EI_CLASS]))
        return fail(EEP_E_INVALID_ARGUMENT, message, size,
                    "%s was built for another kind of machine (ELF machine %u, this host is %u)", path,
                    theirs.e_machine, ours.e_machine);
    return fail(EEP_E_INVALID_ARGUMENT, message, size, "%s cannot be loaded: %s", path,
                reason ? reason : "no reason given");
}

#define SLOT(field)                                                                                          \
    {                                                                                                        \
#field, offsetof(eep_plugin, field)                                                                  \
    }

/* No slot of ABI 1.0 may be NULL, neither the texts nor the functions. */
static const struct slot {
    const char *name;
    size_t offset;
} required_slots[] = {
    SLOT(id),
    SLOT(name),
    SLOT(version),
    SLOT(vendor),
    SLOT(license),
    SLOT(url),
    SLOT(build_info),
    SLOT(config_schema),
    SLOT(validate_config),
    SLOT(open),
    SLOT(close),
    SLOT(probe),
    SLOT(acquire_lease),
    SLOT(resume_lease),
    SLOT(realize_workspace),
    SLOT(execute),
    SLOT(release),
    SLOT(clear),
    SLOT(cancel_create),
    SLOT(cancel_fire),
    SLOT(cancel_destroy),
    SLOT(get_extension),
};

static const char *first_empty_slot(const eep_plugin *table)
{
    static const unsigned char empty[sizeof(void *)];
    for (size_t i = 0; i < sizeof(required_slots) / sizeof(required_slots[0]); i++)
        if (memcmp((const char *)table + required_slots[i].offset, empty, sizeof(empty)) == 0)
            return required_slots[i].name;
    return NULL;
}

static int32_t check_table(const char *path, const eep_plugin *table, char *message, size_t size)
{
    if (!table)
        return fail(EEP_E_INTERNAL, message, size, "%s: %s() returned no table", path, EEP_ENTRY_SYMBOL);
    if (table->struct_size < TABLE_SIZE_1_0)
        return fail(EEP_E_INTERNAL, message, size, "%s: its table has %u bytes, ABI 1.0 has %zu", path,
                    table->struct_size, TABLE_SIZE_1_0);
    if (table->min_host_minor > EEP_ABI_MINOR)
        return fail(
            EEP_E_UNSUPPORTED, message, size,
            "%s needs a host that knows ABI 1.%u, this one knows 1.%u: use a newer host or an older plugin",
            path, table->min_host_minor, EEP_ABI_MINOR);
    const char *slot = first_empty_slot(table);
    if (slot)
        return fail(EEP_E_INTERNAL, message, size, "%s: the slot `%s` of its table is NULL", path, slot);
    return EEP_OK;
}

/* dlsym gives a data pointer; ISO C has no cast from that
 * to a function, POSIX says that the bytes are the same. */
static eep_plugin_v1_fn find_entry(void *handle)
{
    void *symbol = dlsym(handle, EEP_ENTRY_SYMBOL);
    eep_plugin_v1_fn entry;
    memcpy(&entry, &symbol, sizeof(entry));
    return entry;
}

int32_t loader_open(const char *path, const eep_plugin **plugin, char *message, size_t message_size)
{
    char local[PATH_MAX];
    *plugin = NULL;
    if (!strchr(path, '/')) {
        if (snprintf(local, sizeof(local), "./%s", path) >= (int)sizeof(local))
            return fail(EEP_E_NOT_FOUND, message, message_size, "the plugin's path is too long");
        path = local;
    }
    if (access(path, R_OK) != 0)
        return fail(EEP_E_NOT_FOUND, message, message_size, "there is no plugin at %s: %s", path,
                    strerror(errno));
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return explain_dlopen(path, dlerror(), message, message_size);

    eep_plugin_v1_fn entry = find_entry(handle);
    if (!entry)
        return fail(EEP_E_INVALID_ARGUMENT, message, message_size,
                    "%s is not an eep plugin: it exports no function %s", path, EEP_ENTRY_SYMBOL);
    const eep_plugin *table = entry();
    int32_t code = check_table(path, table, message, message_size);
    if (code == EEP_OK) *plugin = table;
    return code;
}

/* Both places are tried: bin/NAME, and lib/eep/NAME. When there is neither, the first one is what a message names. */
static int32_t near_executable(const char *name, char *path, size_t path_size, char *message,
                               size_t message_size)
{
    static const char *const places[] = {"", "../lib/eep/"};
    char exe[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (length < 0)
        return fail(EEP_E_NOT_FOUND, message, message_size,
                    "cannot tell where this program is: name the plugin with EEP_PLUGIN");
    exe[length] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if ((size_t)snprintf(path, path_size, "%s/%s%s", exe, places[i], name) >= path_size)
            return fail(EEP_E_NOT_FOUND, message, message_size, "the plugin's path is too long");
        if (access(path, F_OK) == 0) return EEP_OK;
    }
    snprintf(path, path_size, "%s/%s", exe, name);
    return EEP_OK;
}

int32_t loader_find(const char *chosen, const char *name, char *path, size_t path_size, char *message,
                    size_t message_size)
{
    if (!chosen) chosen = getenv("EEP_PLUGIN");
    if (!chosen || !*chosen) return near_executable(name, path, path_size, message, message_size);
    if ((size_t)snprintf(path, path_size, "%s", chosen) >= path_size)
        return fail(EEP_E_NOT_FOUND, message, message_size, "the plugin's path is too long");
    return EEP_OK;
}
