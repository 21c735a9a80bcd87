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

static int parse_pair(const char *text, const char *option, bool variables, eep_pair *pair, struct err *err)
{
    size_t name_len = strcspn(text, "=");
    if (name_len > 0 && text[name_len]) {
        *pair = (eep_pair){{text, name_len}, out_str(text + name_len + 1)};
        return EEP_OK;
    }
    if (name_len > 0 && variables) return take_from_environment(text, option, pair, err);
    return err_usage(err, "--%s %s: write NAME=VALUE", option, text);
}

/* What the ABI says of variables; a wrong one shall be told before anything is made for it. */
static int check_variable(eep_str name, const char *option, struct err *err)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    bool digit_first = name.ptr[0] >= '0' && name.ptr[0] <= '9';
    if (strspn(name.ptr, characters) >= name.len && !digit_first) return EEP_OK;
    return err_usage(err,
                     "--%s %.*s: the name of a variable is letters, digits and _, and begins with no digit",
                     option, (int)name.len, name.ptr);
}

int pairs_parse(const struct text_list *list, const char *option, bool variables, struct pairs *pairs,
                struct err *err)
{
    *pairs = (struct pairs){.items = mem_zeroed(list->count, sizeof(eep_pair))};
    for (; pairs->count < list->count; pairs->count++) {
        eep_pair *pair = &pairs->items[pairs->count];
        TRY(parse_pair(list->items[pairs->count], option, variables, pair, err));
        if (variables) TRY(check_variable(pair->name, option, err));
    }
    return EEP_OK;
}

void pairs_finish(struct pairs *pairs)
{
    free(pairs->items);
    *pairs = (struct pairs){0};
}
