#include "multipart.h"

#include "utf8.h"

#include <ctype.h>
#include <string.h>

/* filename="...": Latin-1, other characters become "_"; quotes and backslashes are escaped. */
static void append_plain_name(struct buf *out, const char *path)
{
    size_t len = strlen(path);
    for (size_t at = 0; at < len;) {
        size_t size = utf8_char_len(path + at, len - at);
        unsigned char c = (unsigned char)path[at];
        if (size == 1 && (c == '"' || c == '\\')) buf_append(out, "\\", 1);
        if (size == 1)
            buf_append(out, c < ' ' || c == 0x7f ? "_" : path + at, 1);
        else if (size == 2 && c <= 0xC3)
            buf_append(out, (char[]){(char)((c << 6) | (path[at + 1] & 0x3f))}, 1);
        else
            buf_append(out, "_", 1);
        at += size > 0 ? size : 1;
    }
}

static void append_encoded_name(struct buf *out, const char *path)
{
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if ((isalnum(c) && c < 0x80) || strchr("-._~", c) != NULL)
            buf_append(out, path, 1);
        else
            buf_format(out, "%%%02X", c);
    }
}

static void append_disposition(struct buf *out, bool first, const char *name, const char *path)
{
    buf_format(out, "%s--" MULTIPART_BOUNDARY "\r\n", first ? "" : "\r\n");
    buf_format(out, "Content-Disposition: form-data; name=\"%s\"; filename=\"", name);
    append_plain_name(out, path);
    buf_text(out, "\"; filename*=utf-8''");
    append_encoded_name(out, path);
    buf_text(out, "\r\n");
}

void multipart_file_head(struct buf *out, bool first, const char *path, uint64_t size)
{
    append_disposition(out, first, "file", path);
    buf_format(out, "Content-Length: %llu\r\n", (unsigned long long)size);
    buf_text(out, "Content-Type: application/octet-stream\r\n\r\n");
}

void multipart_error_head(struct buf *out, bool first, const char *path, size_t size)
{
    append_disposition(out, first, "error", path);
    buf_format(out, "Content-Length: %zu\r\n", size);
    buf_text(out, "Content-Type: application/json; charset=utf-8\r\n\r\n");
}

void multipart_end(struct buf *out, bool empty)
{
    buf_format(out, "%s--" MULTIPART_BOUNDARY "--\r\n", empty ? "" : "\r\n");
}
