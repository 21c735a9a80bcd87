/* pages.h: GET /sandbox, a page at a time (protocol 6.1).
 *
 * In the order of names, which are unique and never change: the cursors of other orders lose or repeat sandboxes that
 * are used, or were made within one millisecond, while one pages. The list lags behind what is so. */
#ifndef DAYTONA_PAGES_H
#define DAYTONA_PAGES_H

#include "daytona/client.h"

/* The longest cursor. */
#define PAGE_CURSOR_MAX 1024u

struct page_query {
    eep_str name_prefix; /* absent = any, and so for the labels */
    eep_str label;       /* only those that bear this label … */
    eep_str label_value; /* … with this value */
    eep_str cursor;      /* absent = from the beginning */
    unsigned limit;      /* 1 to 200 */
};

struct page {
    json *tree;
    json *items;  /* an array: each is a sandbox without env and buildInfo; see sandbox_view */
    eep_str next; /* cursor; absent = this was the last page */
};

/* *page is empty on failure. EEP_E_PROTOCOL also when there are more items than were asked for. */
int page_get(struct daytona *client, const struct page_query *query, const struct wait *wait,
             struct page *page, struct err *err);

/* CLEANUP(page_finish) struct page page = {0}; */
void page_finish(struct page *page);

#endif
