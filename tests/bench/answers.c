#include "answers.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the runner's texts set (plugin/runner/request.c). Only a start has a digest. */
#define NONCE  "e_no="
#define DIGEST "e_digest="
#define NATIVE "e_native="

/* What a start for the native runner begins with: base64 of "op 5:star". */
#define NATIVE_START "b3AgNTpzdGFy"

enum { WORD_MAX = 63 };

__attribute__((format(printf, 3, 4))) static void say(struct said *said, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(said->body, sizeof said->body, format, args);
    va_end(args);
    said->status = status;
    said->len = len > 0 && (size_t)len < sizeof said->body ? (size_t)len : 0;
}

static bool has(const struct asked *asked, const char *part)
{
    return memmem(asked->body, asked->body_len, part, strlen(part)) != NULL;
}

/* The word behind a name, which may stand in single quotes; false = there is none. */
static bool find_word(const struct asked *asked, const char *name, char out[WORD_MAX + 1])
{
    size_t len = 0;
    const char *end = asked->body + asked->body_len;
    const char *at = memmem(asked->body, asked->body_len, name, strlen(name));
    if (at == NULL) return false;
    at += strlen(name);
    if (at < end && *at == '\'') at++;
    while (at + len < end && len < WORD_MAX && (isalnum((unsigned char)at[len]) || memchr("-_.", at[len], 3)))
        len++;
    memcpy(out, at, len);
    out[len] = '\0';
    return len > 0;
}

/* The answer to a start; to an attach or a kill too, of a command that has ended. */
static void say_execution(struct said *said, const struct asked *asked, const char *nonce)
{
    char digest[WORD_MAX + 1] = "-";
    find_word(asked, DIGEST, digest);
    say(said, 200,
        "{\"exitCode\":0,\"result\":\"EEP1 %s done o=3 e=0 att=0 code=0 sig=0 kill=0 why=- unsure=0 lost=0 "
        "held=0 "
        "t1=1700000000002 digest=%s t0=1700000000000 .\\ndir /home/daytona/.eep\\nraw o 0 3\\nhi\\n\\nEEP1 "
        "%s "
        "end\\n\"}",
        nonce, digest, nonce);
    said->delayed = digest[0] != '-' || has(asked, NATIVE_START);
}

static void say_prepared(struct said *said, const struct asked *asked, const char *nonce)
{
    char native[WORD_MAX + 1] = "";
    bool wanted = find_word(asked, NATIVE, native);
    say(said, 200,
        "{\"exitCode\":0,\"result\":\"EEP1 %s prepared identity=ok native=%s boot=b00715ed again=0 missing=, "
        ".\\nhome "
        "/home/daytona\\ncwd /home/daytona\\nworkspace /home/daytona/eep-workspace\\ndir "
        "/home/daytona/.eep\\nnative "
        "%s%s\\nshell /bin/bash\\nuser daytona\\narch x86_64\\nEEP1 %s end\\n\"}",
        nonce, wanted ? "ok" : "unasked", wanted ? "/home/daytona/.eep/" : "", native, nonce);
}

static void say_command(struct said *said, const struct asked *asked)
{
    char nonce[WORD_MAX + 1];
    if (!find_word(asked, NONCE, nonce)) {
        say(said, 200, "{\"exitCode\":0,\"result\":\"hi\\n\"}");
        said->delayed = true;
    } else if (has(asked, "prepared identity=")) {
        say_prepared(said, asked, nonce);
    } else {
        say_execution(said, asked, nonce);
    }
}

static void say_sandbox(struct said *said, const char *id, const char *origin)
{
    int len = (int)strcspn(id, "/?");
    say(said, 200,
        "{\"id\":\"%.*s\",\"organizationId\":\"local\",\"name\":\"%.*s\",\"user\":\"daytona\",\"env\":{},"
        "\"labels\":{},"
        "\"public\":false,\"networkBlockAll\":false,\"kvm\":false,\"target\":\"local\",\"cpu\":1,\"gpu\":0,"
        "\"memory\":1,"
        "\"disk\":3,"
        "\"state\":\"started\",\"desiredState\":\"started\",\"recoverable\":false,\"autoStopInterval\":15,"
        "\"autoArchiveInterval\":10080,\"autoDeleteInterval\":-1,\"createdAt\":\"2026-01-01T00:00:00.000Z\","
        "\"updatedAt\":\"2026-01-01T00:00:00.000Z\",\"toolboxProxyUrl\":\"%s/toolbox\"}",
        len, id, len, id, origin);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

void answers_give(const struct asked *asked, const char *origin, struct said *said)
{
    static const char sandboxes[] = "/api/sandbox/";
    said->delayed = false;
    if (ends_with(asked->path, "/process/execute"))
        say_command(said, asked);
    else if (ends_with(asked->path, "/toolbox-proxy-url"))
        say(said, 200, "{\"url\":\"%s/toolbox\"}", origin);
    else if (strncmp(asked->path, sandboxes, strlen(sandboxes)) == 0)
        say_sandbox(said, asked->path + strlen(sandboxes), origin);
    else if (strncmp(asked->path, "/api/config", strlen("/api/config")) == 0)
        say(said, 200, "{\"version\":\"0.190.0\",\"proxyToolboxUrl\":\"%s/toolbox\"}", origin);
    else
        say(said, 404, "{\"statusCode\":404,\"message\":\"the delay server has no %.200s\"}", asked->path);
}
