#include "request.h"

/* -- Bytes: base64 from standard input --------------------------------------------------------- */

/* The first request that is too large is one that no host sends. */
#define INPUT_MAX ((size_t)512 << 20)

struct source {
    char block[65536];
    long len;
    long at;
};

static int next_byte(struct source *source)
{
    if (source->at == source->len) {
        do
            source->len = SYS3(read, 0, source->block, sizeof source->block);
        while (source->len == E_INTR);
        source->at = 0;
        if (source->len <= 0) return source->len = 0, -1;
    }
    return (unsigned char)source->block[source->at++];
}

static int digit(int c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bash and zsh read their input byte by byte and become this program in the middle of it: what comes first is the rest
 * of their text, up to the line's end. Others give us the here-document alone. Either way a line that begins with ':'
 * begins the request, and a '.' ends it: a request that was cut is none. */
static bool skip_shell(struct source *source)
{
    for (int before = '\n', c; (c = next_byte(source)) >= 0; before = c)
        if (c == ':' && before == '\n') return true;
    return false;
}

/* The decoded bytes, with room for a NUL behind them; NULL when there is no end. */
static char *decode(struct source *source, size_t *len)
{
    size_t size = 1u << 18;
    char *data = take(size);
    unsigned bits = 0;
    int count = 0;
    *len = 0;
    for (int c; (c = next_byte(source)) != '.';) {
        if (c < 0 || *len > INPUT_MAX) return NULL;
        int value = digit(c);
        if (value < 0) continue;
        bits = bits << 6 | (unsigned)value;
        if (++count == 1) continue;
        int shift = 8 - 2 * count; /* 2 digits: 4 bits too many, 3: 2, 4: none */
        data[(*len)++] = (char)(bits >> shift);
        bits &= (1u << shift) - 1;
        if (count == 4) count = 0, bits = 0;
        if (*len + 1 < size) continue;
        data = (char *)SYS4(mremap, data, size, 2 * size, MREMAP_MAYMOVE);
        if ((long)data < 0 && (long)data > -4096) die(12);
        size *= 2;
    }
    return data;
}

/* -- Fields: NAME BLANK LENGTH ':' BYTES '\n' ---------------------------------------------------- */

struct field {
    const char *name;
    char *value;
    size_t len;
};

/* Takes the next field; its bytes get a NUL behind them, in place of the newline. */
static bool next_field(char **at, char *end, struct field *field)
{
    char *blank = (char *)find(*at, (size_t)(end - *at), " ", 1);
    if (!blank) return false;
    *blank = '\0';
    field->name = *at;
    const char *digits = blank + 1;
    uint64_t len = number(&digits);
    if (*digits != ':' || len >= (uint64_t)(end - digits - 1)) return false;
    field->value = (char *)digits + 1;
    field->len = (size_t)len;
    if (field->value[len] != '\n') return false;
    field->value[len] = '\0';
    *at = field->value + len + 1;
    return true;
}

static void add_word(struct words *words, char *word)
{
    words->at[words->count++] = word;
}

/* Texts and numbers by name; what is not known here belongs to another operation. */
static void set_field(struct request *request, const struct field *field)
{
    const struct {
        const char *name;
        const char **text;
        uint64_t *value;
    } known[] = {
        {"op", &request->operation, NULL},
        {"nonce", &request->nonce, NULL},
        {"id", &request->id, NULL},
        {"dir", &request->dir, NULL},
        {"digest", &request->digest, NULL},
        {"shell", &request->shell, NULL},
        {"usual", &request->usual_shell, NULL},
        {"cwd", &request->cwd, NULL},
        {"rungs", &request->rungs, NULL},
        {"window", NULL, &request->window},
        {"limit", NULL, &request->limit},
        {"max", NULL, &request->max_output},
        {"from-out", NULL, &request->offset_out},
        {"from-err", NULL, &request->offset_err},
        {"inline", NULL, &request->inline_max},
        {"most", NULL, &request->most},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!equal(field->name, known[i].name)) continue;
        const char *digits = field->value;
        if (known[i].text) *known[i].text = field->value;
        if (known[i].value) *known[i].value = number(&digits);
    }
}

static void set_command(struct request *request, const struct field *field)
{
    if (equal(field->name, "merge")) request->merge = true;
    if (equal(field->name, "login")) request->login = true;
    if (equal(field->name, "news")) request->news = true;
    if (equal(field->name, "arg")) add_word(&request->argv, field->value);
    if (equal(field->name, "env")) add_word(&request->env, field->value);
    if (equal(field->name, "script")) {
        request->script = field->value;
        request->script_len = field->len;
    }
    if (equal(field->name, "input")) {
        request->input = field->value;
        request->input_len = field->len;
        request->has_input = true;
    }
}

static void request_init(struct request *request, size_t len)
{
    *request = (struct request){.operation = "", .nonce = "", .id = "", .dir = "", .digest = "-"};
    request->shell = request->usual_shell = request->cwd = request->rungs = "";
    request->script = request->input = "";
    /* The shortest field has seven bytes. */
    request->argv.at = take((len / 7 + 2) * sizeof(char *));
    request->env.at = take((len / 7 + 2) * sizeof(char *));
}

bool request_read(struct request *request)
{
    static struct source source;
    size_t len;
    struct field field;
    if (!skip_shell(&source)) return false;
    char *at = decode(&source, &len);
    if (!at) return false;
    request_init(request, len);
    for (char *end = at + len; at < end;) {
        if (!next_field(&at, end, &field)) return false;
        set_field(request, &field);
        set_command(request, &field);
    }
    return true;
}

/* -- The environment --------------------------------------------------------------------------- */

char **environment;

const char *environment_get(const char *name)
{
    size_t len = length(name);
    for (char **at = environment; *at; at++)
        if (starts_with(*at, name) && (*at)[len] == '=') return *at + len + 1;
    return NULL;
}
