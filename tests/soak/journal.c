#include "journal.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/testing.h"

enum { LINE_MAX_LEN = 1024 };

void journal_open(struct journal *journal, const char *path)
{
    journal->file = fopen(path, "ae");
    assert_non_null(journal->file);
    setvbuf(journal->file, NULL, _IOFBF, 2 * LINE_MAX_LEN);
}

void journal_close(struct journal *journal)
{
    fclose(journal->file);
}

void journal_write(struct journal *journal, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    flockfile(journal->file);
    fputs(line, journal->file);
    fflush(journal->file);
    funlockfile(journal->file);
}

static void read_one(const char *path, void (*take)(void *ctx, const char *line), void *ctx)
{
    char line[LINE_MAX_LEN];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t len = strlen(line);
        if (len == 0 || line[len - 1] != '\n') continue;
        line[len - 1] = '\0';
        take(ctx, line);
    }
    fclose(file);
}

void journal_read_all(const char *directory, void (*take)(void *ctx, const char *line), void *ctx)
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[512];
        if (strncmp(entry->d_name, "journal", 7) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        read_one(path, take, ctx);
    }
    closedir(entries);
}
