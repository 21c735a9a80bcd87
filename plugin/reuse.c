#include "reuse.h"

#include <string.h>

#include "base/str.h"
#include "leases.h"
#include "lifecycle.h"

/* So many are looked at before it is believed that there is none: the others of a list are gone, or not what it says. */
#define CANDIDATES_MAX 16

#define PAGE_ITEMS 100u

struct candidate {
    char id[EEP_LEASE_MAX + 1];
    int rank; /* lower is better */
    int64_t created_at_ms;
};

struct candidates {
    struct candidate items[CANDIDATES_MAX]; /* the best ones, best first */
    size_t count;
};

/* -- Choosing ---------------------------------------------------------------------------------- */

static int rank_of(const struct create_request *create, const struct sandbox *sandbox)
{
    static const int by_phase[] = {
        [PHASE_STARTED] = 0, [PHASE_STARTING] = 1, [PHASE_LEAVING] = 2,
        [PHASE_RESTING] = 3, [PHASE_FAILED] = 5,
    };
    int rank = by_phase[sandbox->phase] - (sandbox->phase == PHASE_FAILED && sandbox->recoverable);
    return create_request_matches(create, sandbox) ? rank : rank + 10;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (a->rank != b->rank) return a->rank < b->rank;
    if (a->created_at_ms != b->created_at_ms) return a->created_at_ms < b->created_at_ms;
    return strcmp(a->id, b->id) < 0;
}

/* Puts it where it belongs; the worst one falls off. */
static void insert(struct candidates *candidates, const struct candidate *candidate)
{
    size_t at = candidates->count;
    while (at > 0 && is_better(candidate, &candidates->items[at - 1]))
        at--;
    if (at == CANDIDATES_MAX) return;
    if (candidates->count < CANDIDATES_MAX) candidates->count++;
    memmove(&candidates->items[at + 1], &candidates->items[at],
            (candidates->count - 1 - at) * sizeof *candidate);
    candidates->items[at] = *candidate;
}

static bool is_wanted(const struct create_request *create, const struct sandbox *sandbox)
{
    return sandbox->phase != PHASE_GONE && create_request_labelled(create, sandbox);
}

static void consider(struct candidates *candidates, const struct create_request *create,
                     const struct sandbox *sandbox)
{
    struct candidate candidate = {.rank = 0};
    if (!is_wanted(create, sandbox)) return;
    str_copy(candidate.id, sizeof candidate.id, sandbox->id);
    candidate.rank = rank_of(create, sandbox);
    candidate.created_at_ms = sandbox_created_at_ms(sandbox);
    insert(candidates, &candidate);
}

/* -- Listing ----------------------------------------------------------------------------------- */

static int take_page(const struct page *page, const struct create_request *create,
                     struct candidates *candidates, struct err *err)
{
    for (size_t i = 0; i < json_len(page->items); i++) {
        struct sandbox sandbox;
        TRY(sandbox_view(&sandbox, json_at(page->items, i), (eep_str){NULL, 0}, err));
        consider(candidates, create, &sandbox);
    }
    return EEP_OK;
}

/* Longer labels might make too long a URL. */
#define ASKED_MAX 1024u

static size_t length_of(const eep_pair *label)
{
    return label->name.len + label->value.len;
}

/* Of those that are not too long the longest: an id tells more apart than a kind. */
static bool is_better_asked(const eep_pair *a, const eep_pair *b)
{
    if (length_of(b) > ASKED_MAX) return length_of(a) < length_of(b);
    return length_of(a) <= ASKED_MAX && length_of(a) > length_of(b);
}

/* The service looks for one label, the others are compared here. */
static const eep_pair *asked_label(const struct create_request *create)
{
    const eep_pair *best = &create->wanted[0];
    for (size_t i = 1; i < create->wanted_count; i++)
        if (is_better_asked(&create->wanted[i], best)) best = &create->wanted[i];
    return best;
}

static int list(struct op *op, const struct create_request *create, struct candidates *candidates,
                struct err *err)
{
    char cursor[PAGE_CURSOR_MAX + 1] = "";
    const eep_pair *label = asked_label(create);
    do {
        CLEANUP(page_finish) struct page page = {0};
        struct page_query query = {
            .label = label->name,
            .label_value = label->value,
            .cursor = cursor[0] ? str_from(cursor) : (eep_str){NULL, 0},
            .limit = PAGE_ITEMS,
        };
        TRY(leases_get_page(op, &query, &page, err));
        TRY(take_page(&page, create, candidates, err));
        str_copy(cursor, sizeof cursor, page.next);
    } while (cursor[0]);
    return EEP_OK;
}

int reuse_find(struct op *op, const struct create_request *create, struct sandbox *sandbox, struct err *err)
{
    struct candidates candidates = {.count = 0};
    op->phase = "find by labels";
    TRY(list(op, create, &candidates, err));
    for (size_t i = 0; i < candidates.count; i++) {
        int status = lifecycle_refresh(op, str_from(candidates.items[i].id), sandbox, err);
        if (status == EEP_OK && is_wanted(create, sandbox)) break;
        if (status != EEP_OK && status != EEP_E_LEASE_LOST) return status;
        sandbox_finish(sandbox);
    }
    *err = (struct err)ERR_INIT;
    op->phase = NULL;
    return EEP_OK;
}
