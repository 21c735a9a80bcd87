#include "holdings.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

static long entries(const char *path)
{
    long count = -2; /* . and .. */
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

long holdings_threads(void)
{
    return entries("/proc/self/task");
}

long holdings_descriptors(void)
{
    return entries("/proc/self/fd");
}

long holdings_kib(const char *key)
{
    char line[256];
    long value = -1;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (value < 0 && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0) value = strtol(line + strlen(key), NULL, 10);
    fclose(status);
    assert_true(value >= 0);
    return value;
}
