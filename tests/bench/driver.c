#include "driver.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *driver_setting(const char *name)
{
    const char *value = getenv(name);
    if (value != NULL) return value;
    fprintf(stderr, "%s is not set: drivers are started by tests/bench/bench.py\n", name);
    exit(2);
}

size_t driver_number(const char *text)
{
    char *end = NULL;
    size_t value = text != NULL ? strtoul(text, &end, 10) : 0;
    if (end != text && end != NULL && *end == '\0') return value;
    fprintf(stderr, "not a number: %s\n", text ? text : "nothing");
    exit(2);
}

char *driver_input(size_t size)
{
    char *data = malloc(size + 1);
    if (data == NULL) exit(2);
    for (size_t i = 0; i < size; i++)
        data[i] = i % 64 == 63 ? '\n' : (char)('a' + (i + i / 64) % 26);
    return data;
}

double driver_now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int64_t driver_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* -- Loads ------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

const char *driver_tell_load(struct load *load)
{
    static char text[256];
    if (load->count == 0) return NULL;
    qsort(load->ms, load->count, sizeof *load->ms, compare);
    snprintf(text, sizeof text,
             ",\"count\":%zu,\"failed\":%zu,\"wallMs\":%.1f,\"cpuUs\":%.2f,\"p50Ms\":%.3f,\"p99Ms\":%.3f",
             load->count, load->failed, load->wall_ms, (double)load->cpu_us / (double)load->count,
             load->ms[load->count / 2], load->ms[load->count * 99 / 100]);
    return text;
}

/* -- What this process holds ------------------------------------------------------------------- */

static long status_line(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) value = strtol(line + strlen(name), NULL, 10);
    if (file != NULL) fclose(file);
    return value;
}

static void count_descriptors(long *all, long *sockets)
{
    struct dirent *entry;
    DIR *folder = opendir("/proc/self/fd");
    *all = *sockets = 0;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char target[64] = "";
        if (readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) < 0) continue;
        *all += 1;
        *sockets += strncmp(target, "socket:", 7) == 0;
    }
    if (folder != NULL) closedir(folder);
}

void driver_state(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    static char text[256];
    long descriptors;
    long sockets;
    (void)words;
    count_descriptors(&descriptors, &sockets);
    snprintf(text, sizeof text,
             ",\"rssKb\":%ld,\"peakKb\":%ld,\"threads\":%ld,\"descriptors\":%ld,\"sockets\":%ld",
             status_line("VmRSS:"), status_line("VmHWM:"), status_line("Threads:"), descriptors, sockets);
    outcome->more = text;
}

/* -- Commands and answers ---------------------------------------------------------------------- */

static void print_text(const char *name, const char *text)
{
    printf(",\"%s\":\"", name);
    for (; *text; text++)
        if ((unsigned char)*text >= ' ' && *text != '"' && *text != '\\') putchar(*text);
    putchar('"');
}

static void print_output(const struct outcome *outcome)
{
    const unsigned char *byte = outcome->output;
    printf(",\"output\":\"");
    for (size_t i = 0; i < outcome->output_len && i < 1024; i++)
        printf("%02x", byte[i]);
    printf("\",\"outputLen\":%zu", outcome->output_len);
}

static void print(const struct outcome *outcome)
{
    printf("{\"ms\":%.4f,\"exit\":%d", outcome->ms, outcome->exit_code);
    if (outcome->error) print_text("error", outcome->error);
    if (outcome->lease) print_text("lease", outcome->lease);
    if (outcome->output) print_output(outcome);
    printf("%s}\n", outcome->more ? outcome->more : "");
    fflush(stdout);
}

static void split(char *line, char *words[DRIVER_WORDS])
{
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < DRIVER_WORDS; i++) {
        words[i] = *line ? line : NULL;
        if (i == DRIVER_WORDS - 1) break;
        line += strcspn(line, " ");
        if (*line) *line++ = '\0';
    }
}

static const struct verb *find(const struct verb *verbs, const char *name)
{
    while (verbs->name != NULL && (name == NULL || strcmp(verbs->name, name) != 0))
        verbs++;
    return verbs;
}

int driver_run(const struct verb *verbs)
{
    static char line[1 << 16];
    char *words[DRIVER_WORDS];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct outcome outcome = {0};
        split(line, words);
        const struct verb *verb = find(verbs, words[0]);
        if (verb->run == NULL)
            outcome.error = "unknown verb";
        else
            verb->run(words, &outcome);
        print(&outcome);
    }
    return 0;
}
