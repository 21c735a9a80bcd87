/* pairs.c: see pairs.h. */
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

#include "out.h"

static int take_from_environment(const char *name, const char *option, eep_pair *pair, struct err *err)
{
    const char *value = getenv(name);
    if (!value) return err_usage(err, "--%s %s: there is no such variable in the environment", option, name);
    *pair = (eep_pair){out_str(name), out_str(value)};
    return EEP_OK;
}

static int parse_pair(const char *text, const char *option, bool from_environment, eep_pair *pair,
                      struct err *err)
{
    size_t name_len = strcspn(text, "=");
    if (name_len > 0 && text[name_len]) {
        *pair = (eep_pair){{text, name_len}, out_str(text + name_len + 1)};
        return EEP_OK;
    }
    if (name_len > 0 && from_environment) return take_from_environment(text, option, pair, err);
    return err_usage(err, "--%s %s: write NAME=VALUE", option, text);
}

int pairs_parse(const struct text_list *list, const char *option, bool from_environment, struct pairs *pairs,
                struct err *err)
{
    *pairs = (struct pairs){.items = mem_zeroed(list->count, sizeof(eep_pair))};
    for (; pairs->count < list->count; pairs->count++)
        TRY(parse_pair(list->items[pairs->count], option, from_environment, &pairs->items[pairs->count],
                       err));
    return EEP_OK;
}

void pairs_finish(struct pairs *pairs)
{
    free(pairs->items);
    *pairs = (struct pairs){0};
}
