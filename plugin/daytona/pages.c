#include "daytona/pages.h"

#include "base/str.h"

static int put(struct buf *path, const char *key, eep_str value)
{
    if (str_absent(value)) return EEP_OK;
    TRY(buf_append_cstr(path, key));
    return str_percent_encode(path, value);
}

/* One parameter that holds a JSON object. */
static int put_label(struct buf *path, const struct page_query *query)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(8192);
    if (str_absent(query->label)) return EEP_OK;
    TRY(buf_append_char(&text, '{'));
    TRY(json_quote(&text, query->label));
    TRY(buf_append_char(&text, ':'));
    TRY(json_quote(&text, query->label_value));
    TRY(buf_append_char(&text, '}'));
    return put(path, "&labels=", buf_str(&text));
}

static int make_path(struct buf *path, const struct page_query *query)
{
    TRY(buf_appendf(path, "/sandbox?limit=%u&sort=name&order=asc", query->limit));
    TRY(put(path, "&name=", query->name_prefix));
    TRY(put_label(path, query));
    return put(path, "&cursor=", query->cursor);
}

static int take_page(struct page *page, const struct page_query *query, struct err *err)
{
    page->items = json_get(page->tree, "items");
    page->next = json_str(json_get(page->tree, "nextCursor"));
    if (!json_is_array(page->items))
        return err_set(err, EEP_E_PROTOCOL, "the service's list of sandboxes has no items: is apiUrl right?");
    if (json_len(page->items) > query->limit)
        return err_set(err, EEP_E_PROTOCOL, "the service listed %zu sandboxes instead of at most %u",
                       json_len(page->items), query->limit);
    if (!str_is_graph(page->next) || page->next.len > PAGE_CURSOR_MAX)
        return err_set(err, EEP_E_PROTOCOL,
                       "the service gave a cursor that cannot be: not printable, or too long");
    if (!str_empty(page->next) && str_eq(page->next, query->cursor))
        return err_set(err, EEP_E_PROTOCOL, "the service gave the same cursor again: its list has no end");
    if (str_empty(page->next)) page->next = (eep_str){NULL, 0};
    return EEP_OK;
}

int page_get(struct daytona *client, const struct page_query *query, const struct wait *wait,
             struct page *page, struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(32768);
    page_finish(page);
    TRY(buf_error(&path, make_path(&path, query), "the path of the request", err));
    struct api_call call = {.method = "GET", .path = buf_str(&path)};
    TRY(daytona_api(client, &call, wait, &page->tree, err));
    if (take_page(page, query, err) == EEP_OK) return EEP_OK;
    page_finish(page);
    err_where(err, "GET /sandbox");
    return err->code;
}

void page_finish(struct page *page)
{
    json_finish(&page->tree);
    *page = (struct page){0};
}
