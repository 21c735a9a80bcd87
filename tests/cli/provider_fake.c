/* provider_fake.c: sandboxes are folders (fake/). */
#include "provider.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "process.h"

static char folder[] = "/tmp/eep-lease-test-XXXXXX";
static char plugin_variable[4200];
static char dir_variable[64];
static const char *env[] = {plugin_variable, dir_variable, NULL};

const char *provider_start(void)
{
    char *plugin = process_build_path("tests/cli/fake/plugin.so");
    snprintf(plugin_variable, sizeof(plugin_variable), "EEP_PLUGIN=%s", plugin);
    free(plugin);
    if (!mkdtemp(folder)) return "no temporary folder";
    snprintf(dir_variable, sizeof(dir_variable), "FAKE_DIR=%s", folder);
    return NULL;
}

void provider_stop(void)
{
    char *argv[] = {(char *)"/bin/rm", (char *)"-rf", folder, NULL};
    struct process process;
    process_start(&process, &(struct process_setup){.argv = argv});
    process_finish(&process);
    process_free(&process);
}

const char *const *provider_env(void)
{
    return env;
}

int provider_count(void)
{
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

bool provider_attaches(void)
{
    return false;
}

void provider_put(const char *lease, const char *body)
{
    fprintf(stderr, "folders cannot be put into a state: %s %s\n", lease, body);
    abort();
}
