#include "multipart.h"

#include "utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Latin-1: what is beyond it and control characters become "_", line breaks vanish, quotes are escaped. */
static void append_plain_name(struct buf *out, const char *path)
{
    size_t len = strlen(path);
    for (size_t at = 0; at < len;) {
        size_t size = utf8_char_len(path + at, len - at);
        unsigned char c = (unsigned char)path[at];
        if (size == 1 && (c == '"' || c == '\\')) buf_append(out, "\\", 1);
        if (size == 1 && c >= ' ' && c != 0x7f)
            buf_append(out, path + at, 1);
        else if (size == 2 && c <= 0xC3)
            buf_append(out, (char[]){(char)((c << 6) | (path[at + 1] & 0x3f))}, 1);
        else if (c != '\r' && c != '\n')
            buf_append(out, "_", 1);
        at += size > 0 ? size : 1;
    }
}

/* The characters of RFC 5987 as they are, the rest in percent signs. */
static void append_encoded_name(struct buf *out, const char *path)
{
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if ((isalnum(c) && c < 0x80) || strchr("!#$&+-.^_`|~", c) != NULL)
            buf_append(out, path, 1);
        else
            buf_format(out, "%%%02X", c);
    }
}

void multipart_filename(struct buf *out, const char *name)
{
    buf_text(out, "filename=\"");
    append_plain_name(out, name);
    buf_text(out, "\"; filename*=utf-8''");
    append_encoded_name(out, name);
}

static void append_disposition(struct buf *out, bool first, const char *name, const char *path)
{
    buf_format(out, "%s--" MULTIPART_BOUNDARY "\r\n", first ? "" : "\r\n");
    buf_format(out, "Content-Disposition: form-data; name=\"%s\"; ", name);
    multipart_filename(out, path);
    buf_text(out, "\r\n");
}

/* Go's own table; what else a machine's mime.types may know is left out. */
static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".avif", "image/avif"},
        {".css", "text/css; charset=utf-8"},
        {".gif", "image/gif"},
        {".htm", "text/html; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".jpeg", "image/jpeg"},
        {".jpg", "image/jpeg"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".pdf", "application/pdf"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".wasm", "application/wasm"},
        {".webp", "image/webp"},
        {".xml", "text/xml; charset=utf-8"},
    };
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(types[i][0], dot) == 0) return types[i][1];
    return "application/octet-stream";
}

void multipart_file_head(struct buf *out, bool first, const char *path, uint64_t size)
{
    append_disposition(out, first, "file", path);
    buf_format(out, "Content-Length: %llu\r\n", (unsigned long long)size);
    buf_format(out, "Content-Type: %s\r\n\r\n", type_of(path));
}

void multipart_error_head(struct buf *out, bool first, const char *path)
{
    append_disposition(out, first, "error", path);
    buf_text(out, "Content-Type: application/json; charset=utf-8\r\n\r\n");
}

void multipart_end(struct buf *out, bool empty)
{
    buf_format(out, "%s--" MULTIPART_BOUNDARY "--\r\n", empty ? "" : "\r\n");
}
