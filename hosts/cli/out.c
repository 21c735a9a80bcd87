/* out.c: see out.h. */
#include "out.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

void out_init(struct out *out, bool json, bool quiet, bool verbose)
{
    const char *no_color = getenv("NO_COLOR");
    *out = (struct out){.json = json, .quiet = quiet, .verbose = verbose};
    out->color = !json && isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static void say(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    err_make_printable(text);
    progress_print("eep: %s\n", text);
}

void out_note(const struct out *out, const char *format, ...)
{
    if (out->quiet) return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void out_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

static void print_what_was_left(const struct err *err, bool made_lease)
{
    if (made_lease && err->lease[0] && (err->flags & EEP_ERROR_MAYBE_APPLIED))
        progress_print("     lease %s may still exist: eep release %s --destroy\n", err->lease, err->lease);
    if (err->execution_id[0] && (err->flags & EEP_ERROR_MAYBE_APPLIED))
        progress_print("     the command may still run; --id %s joins it instead of starting it again\n",
                       err->execution_id);
}

void out_failure(const char *verb, const struct err *err, bool made_lease)
{
    progress_print("eep: %s: %s%s%s%s\n", verb, err->message, err->where[0] ? " (" : "", err->where,
                   err->where[0] ? ")" : "");
    if (err->hint[0]) progress_print("     %s\n", err->hint);
    if (err->retry_after_ms)
        progress_print("     the service asks to wait %.1f s\n", err->retry_after_ms / 1000.0);
    print_what_was_left(err, made_lease);
}

void out_painted(const struct out *out, enum out_color color, const char *text, int width)
{
    if (out->color)
        printf("\033[%dm%-*s\033[0m", (int)color, width, text);
    else
        printf("%-*s", width, text);
}

void out_text(FILE *to, eep_str text, const char *otherwise)
{
    if (!text.ptr) {
        fputs(otherwise, to);
        return;
    }
    char *copy = mem_zeroed(text.len + 1, 1);
    memcpy(copy, text.ptr, text.len);
    err_make_printable(copy);
    fputs(copy, to);
    free(copy);
}

void out_row(const char *label, eep_str text)
{
    if (!text.ptr || text.len == 0) return;
    printf("%-12s", label);
    out_text(stdout, text, "");
    putchar('\n');
}

const char *out_time(int64_t milliseconds, char *text, size_t size)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    if (milliseconds <= 0 || !localtime_r(&seconds, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(text, size, "-");
    return text;
}

eep_str out_str(const char *text)
{
    return (eep_str){text, text ? strlen(text) : 0};
}
