#include "file_info.h"

#include "fd.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Go writes the kind of a file as letters in this order, and a dash if there is none. */
static void mode_text(uint32_t mode, char text[20])
{
    size_t len = 0;
    if (S_ISDIR(mode)) text[len++] = 'd';
    if (S_ISLNK(mode)) text[len++] = 'L';
    if (S_ISBLK(mode) || S_ISCHR(mode)) text[len++] = 'D';
    if (S_ISFIFO(mode)) text[len++] = 'p';
    if (S_ISSOCK(mode)) text[len++] = 'S';
    if (mode & S_ISUID) text[len++] = 'u';
    if (mode & S_ISGID) text[len++] = 'g';
    if (S_ISCHR(mode)) text[len++] = 'c';
    if (mode & S_ISVTX) text[len++] = 't';
    if (len == 0) text[len++] = '-';
    for (int bit = 8; bit >= 0; bit--)
        text[len++] = mode >> bit & 1 ? "xwr"[bit % 3] : '-';
    text[len] = '\0';
}

/* Both of Go's layouts drop the zeros at the end of the fraction. */
static void fraction_text(uint32_t nanoseconds, char text[12])
{
    snprintf(text, 12, ".%09u", nanoseconds % 1000000000);
    size_t len = strlen(text);
    while (len > 1 && text[len - 1] == '0')
        text[--len] = '\0';
    if (len == 1) *text = '\0';
}

static void add_times(struct json_object *object, const struct file_record *record)
{
    char fraction[12], day[16], hour[16], text[64];
    time_t seconds = (time_t)record->seconds;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%d", &parts);
    strftime(hour, sizeof hour, "%H:%M:%S", &parts);
    fraction_text(record->nanoseconds, fraction);
    snprintf(text, sizeof text, "%s %s%s +0000 UTC", day, hour, fraction);
    json_object_object_add(object, "modTime", json_object_new_string(text));
    snprintf(text, sizeof text, "%sT%s%sZ", day, hour, fraction);
    json_object_object_add(object, "modifiedAt", json_object_new_string(text));
}

static void add_format(struct json_object *object, const char *key, const char *format, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, format, value);
    json_object_object_add(object, key, json_object_new_string(text));
}

struct json_object *file_info_to_json(const struct file_record *record, const char *name)
{
    char mode[20];
    struct json_object *object = json_object_new_object();
    mode_text(record->mode, mode);
    json_object_object_add(object, "name", json_object_new_string(name));
    json_object_object_add(object, "size", json_object_new_uint64(record->size));
    json_object_object_add(object, "mode", json_object_new_string(mode));
    json_object_object_add(object, "isDir", json_object_new_boolean(S_ISDIR(record->mode)));
    add_times(object, record);
    add_format(object, "owner", "%u", record->uid);
    add_format(object, "group", "%u", record->gid);
    add_format(object, "permissions", "%04o", record->mode & 0777);
    return object;
}

static int by_name(const void *left, const void *right)
{
    struct json_object *a = *(struct json_object *const *)left, *b = *(struct json_object *const *)right;
    return strcmp(json_object_get_string(json_object_object_get(a, "name")),
                  json_object_get_string(json_object_object_get(b, "name")));
}

struct json_object *file_info_list(int records)
{
    struct json_object *list = json_object_new_array();
    size_t len = 0, at = 0;
    CLEANUP(mem_free_text) char *bytes = fd_read_file(records, &len);
    struct file_record record;
    while (bytes != NULL && at + sizeof record <= len) {
        memcpy(&record, bytes + at, sizeof record);
        at += sizeof record;
        if (record.name_len > len - at) break; /* whoever wrote it, no reading past its end */
        CLEANUP(mem_free_text) char *name = mem_copy_n(bytes + at, record.name_len);
        json_object_array_add(list, file_info_to_json(&record, name));
        at += record.name_len;
    }
    json_object_array_sort(list, by_name);
    return list;
}
