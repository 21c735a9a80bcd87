/* verb_list.c: `eep list`: the leases that there are, the one used last first. */
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"
#include "columns.h"
#include "leased.h"

struct list_args {
    struct common_args common;
    struct wait_args wait;
    struct which_args which;
    uint32_t max;
    const char *cursor;
};

enum { DEFAULT_MAX = 1000 };

/* Pages as they came, and their leases in the order in which they are shown. They all are cleared at the end. */
struct collection {
    const eep_plugin *plugin;
    eep_leases *pages;
    size_t page_count;
    const eep_leased **leases;
    size_t count;
    eep_str next; /* where it goes on; absent = this is all */
};

static void collection_finish(struct collection *all)
{
    for (size_t i = 0; i < all->page_count; i++)
        all->plugin->clear(&all->pages[i].head);
    free(all->pages);
    free(all->leases);
}

static void take(struct collection *all, const eep_leases *page)
{
    all->pages = mem_grow(all->pages, all->page_count, sizeof(all->pages[0]));
    all->pages[all->page_count++] = *page;
    for (uint32_t i = 0; i < page->lease_count; i++) {
        all->leases = mem_grow(all->leases, all->count, sizeof(all->leases[0]));
        all->leases[all->count++] =
            (const eep_leased *)((const char *)page->leases + (size_t)i * page->lease_stride);
    }
    all->next = page->next;
}

static int collect(struct cli *cli, const struct list_args *args, struct collection *all, struct err *err)
{
    size_t max = args->max ? args->max : DEFAULT_MAX;
    eep_leases_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                  .cursor = out_str(args->cursor)};
    if (args->which.all) request.head.flags |= EEP_LEASES_ALL;
    TRY(which_states(&args->which, &request.states, err));
    do {
        eep_leases page = {.head = {.struct_size = sizeof(page)}};
        TRY(call_leases(cli, &request, &page, err));
        take(all, &page);
        request.cursor = all->next;
    } while (all->next.ptr && all->count < max);
    return EEP_OK;
}

static int used_last_first(const void *a, const void *b)
{
    const eep_leased *left = *(const eep_leased *const *)a;
    const eep_leased *right = *(const eep_leased *const *)b;
    return (left->active_at_ms < right->active_at_ms) - (left->active_at_ms > right->active_at_ms);
}

/* -- output ------------------------------------------------------------------------------------ */

static int print_json(const struct collection *all, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_object *array = json_new_array();
    for (size_t i = 0; i < all->count; i++)
        json_append(array, leased_to_json(all->leases[i]));
    json_add(object, "leases", array);
    json_add_str(object, "next", all->next);
    return json_print(object, err);
}

/* "2c 4G 10G" */
static const char *size_of(const eep_leased *leased, char *text, size_t size)
{
    snprintf(text, size, "%uc %uG %uG", leased->cpu, leased->memory_gib, leased->disk_gib);
    return leased->cpu ? text : "-";
}

static enum out_color color_of(uint32_t state)
{
    if (state == EEP_STATE_STARTED) return OUT_GREEN;
    return state == EEP_STATE_ERROR ? OUT_RED : OUT_DIM;
}

/* What an error is about is more than a name. */
static eep_str last_column(const eep_leased *leased)
{
    return leased->state == EEP_STATE_ERROR && leased->reason.ptr ? leased->reason : leased->name_hint;
}

/* How wide the columns are that have no width of their own. */
struct widths {
    int lease;
    int owner; /* 0 = a narrow terminal: neither size, kind nor owner are shown */
    int last;  /* -1 = as wide as it is */
};

static int longer(int width, eep_str text)
{
    return (int)text.len > width ? (int)text.len : width;
}

static struct widths measure(const struct collection *all)
{
    enum { FIRST = 2 + 9 + 5 + 5 + 2, SECOND = 10 + 2 + 10 + 2 + 2, OWNER_MOST = 20, NAME_LEAST = 20 };
    struct widths widths = {.lease = (int)sizeof("LEASE") - 1, .owner = (int)sizeof("OWNER") - 1};
    for (size_t i = 0; i < all->count; i++) {
        widths.lease = longer(widths.lease, all->leases[i]->lease);
        widths.owner = longer(widths.owner, all->leases[i]->owner);
    }
    int left = columns_left(widths.lease + FIRST);
    if (left >= 0 && widths.owner > OWNER_MOST) widths.owner = OWNER_MOST;
    if (left >= 0 && left < SECOND + widths.owner + NAME_LEAST) widths.owner = 0;
    widths.last = left < 0 ? -1 : widths.owner ? left - SECOND - widths.owner : left;
    return widths;
}

static void print_head(const struct widths *widths)
{
    printf("%-*s  %-9s %4s %4s  ", widths->lease, "LEASE", "STATE", "AGE", "IDLE");
    if (widths->owner) printf("%-10s  %-10s  %-*s  ", "SIZE", "KIND", widths->owner, "OWNER");
    puts("NAME");
}

static void print_row(const struct out *out, const eep_leased *leased, const struct widths *widths,
                      int64_t now_ms)
{
    char age[16], idle[16], size[48], kind[16];
    columns_print(leased->lease, "?", widths->lease);
    printf("  ");
    out_painted(out, color_of(leased->state), lease_state_name(leased->state), 9);
    printf(" %4s %4s  ", leased_age(leased->created_at_ms, now_ms, age, sizeof(age)),
           leased_age(leased->active_at_ms, now_ms, idle, sizeof(idle)));
    if (widths->owner) {
        printf("%-10s  %-10s  ", size_of(leased, size, sizeof(size)),
               leased_kind(leased->flags, kind, sizeof(kind)));
        columns_print(leased->owner, "-", widths->owner);
        printf("  ");
    }
    columns_print_last(last_column(leased), "-", widths->last);
    putchar('\n');
}

static void print_table(const struct out *out, const struct collection *all)
{
    struct widths widths = measure(all);
    int64_t now_ms = leased_now_ms();
    print_head(&widths);
    for (size_t i = 0; i < all->count; i++)
        print_row(out, all->leases[i], &widths, now_ms);
    if (all->next.ptr)
        out_note(out, "there are more; --max shows more at once, --cursor %s the next ones", all->next.ptr);
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct list_args *args = opaque;
    uint32_t states;
    *exit_status = 0;
    TRY(which_states(&args->which, &states, err)); /* before anything is opened */
    TRY(session_open(cli, &args->wait, err));
    CLEANUP(collection_finish) struct collection all = {.plugin = cli->session.plugin};
    TRY(collect(cli, args, &all, err));
    if (all.count > 0) qsort(all.leases, all.count, sizeof(all.leases[0]), used_last_first);
    if (cli->out.json) return print_json(&all, err);
    print_table(&cli->out, &all);
    return EEP_OK;
}

static const struct option_spec options[] = {
    {"max", 0, OPTION_NUMBER, offsetof(struct list_args, max), "N",
     "stop after a page when there are this many (default: 1000)", 0, NULL},
    {"cursor", 0, OPTION_TEXT, offsetof(struct list_args, cursor), "CURSOR",
     "go on where another list has stopped: its `next`", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Which", which_options, offsetof(struct list_args, which)},
    {"How many", options, 0},
    {"Time", wait_options, offsetof(struct list_args, wait)},
    {"Common options", common_options, offsetof(struct list_args, common)},
    {0}};

const struct verb verb_list = {
    .name = "list",
    .summary = "list the leases that there are",
    .usage = "list [--all] [--state STATE]... [options]",
    .about =
        "Lists the leases of the configured owner, the one used last first: state, age, time since the last "
        "use, cores, memory and disk in GiB. KIND: keyed, acquired with --key, so the same key finds it "
        "again; kept, never deleted by itself, for its files.\n"
        "\n"
        "The service's list may lag behind by a few seconds, and tells uses up to two minutes late.",
    .options = groups,
    .args_size = sizeof(struct list_args),
    .run = run,
};
