/* config_unknown.c: keys that nobody knows, and what they were probably meant to be. */
#include <string.h>

#include "base/str.h"
#include "config_read.h"

/* Longer names are not compared. */
#define NAME_MAX_LEN 40

/* A name as people remember it: apiKey, api_key, API-KEY are one. */
struct folded {
    char text[NAME_MAX_LEN + 1];
    size_t len;
};

static struct folded fold(eep_str name)
{
    struct folded out = {.len = 0};
    for (size_t i = 0; i < name.len && out.len < NAME_MAX_LEN; i++) {
        char c = name.ptr[i];
        if (c == '_' || c == '-') continue;
        out.text[out.len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return out;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edit distance (Levenshtein), one row at a time. */
static size_t distance(const struct folded *a, const struct folded *b)
{
    size_t row[NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= b->len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a->len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b->len; j++) {
            size_t above = row[j];
            row[j] = min3(row[j - 1] + 1, above + 1, diagonal + (a->text[i - 1] != b->text[j - 1]));
            diagonal = above;
        }
    }
    return row[b->len];
}

/* How far apart two names are: 0 = the same to a person. */
static size_t strangeness(const struct folded *unknown, const struct folded *known)
{
    bool begins = unknown->len >= 4 && unknown->len < known->len &&
                  memcmp(unknown->text, known->text, unknown->len) == 0;
    return begins ? 1 : distance(unknown, known); /* autoStop: autoStopInterval */
}

/* The key that was probably meant, or NULL. */
static const char *guess(const struct key_set *set, eep_str name)
{
    const char *best = NULL;
    size_t nearest = 3;
    if (name.len > NAME_MAX_LEN) return NULL;
    struct folded unknown = fold(name);
    for (size_t i = 0; i < set->count; i++) {
        struct folded known = fold(str_from(set->keys[i].name));
        size_t apart = strangeness(&unknown, &known);
        if (apart < nearest && 2 * apart < known.len) {
            nearest = apart;
            best = set->keys[i].name;
        }
    }
    return best;
}

struct stranger {
    struct load *load;
    const struct key_set *set;
    const struct place *parent;
};

static int look_at_member(void *ctx, eep_str name, json *value)
{
    struct stranger *look = ctx;
    struct findings *findings = look->load->findings;
    struct place place = {.parent = look->parent, .step = name};
    enum finding_kind kind = look->load->strict ? FOUND_UNKNOWN_KEY_STRICT : FOUND_UNKNOWN_KEY;
    (void)value;
    if (key_find(look->set, name) || findings->count >= FINDINGS_MAX) return EEP_OK;
    const char *meant = guess(look->set, name);
    if (!meant) return finding_add(findings, kind, &place, "is not a key of the configuration");
    CLEANUP(buf_finish) struct buf hint = BUF_INIT(128);
    TRY(buf_appendf(&hint, "did you mean %s?", meant));
    return finding_add_hint(findings, kind, &place, buf_cstr(&hint), "is not a key of the configuration");
}

int config_report_unknown(struct load *load, const struct key_set *set, const struct place *parent,
                          json *object)
{
    struct stranger look = {load, set, parent};
    return json_each(object, look_at_member, &look);
}
