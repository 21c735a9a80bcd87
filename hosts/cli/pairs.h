/* pairs.h: K=V options as the ABI's arrays of eep_pair. */
#ifndef CLI_PAIRS_H
#define CLI_PAIRS_H

#include "options.h"

struct pairs {
    eep_pair *items; /* names and values point into argv and the environment */
    uint32_t count;
};

/* `option` is for messages. With `variables` they are those of a command: names are checked, and a K without "=" takes
 * its value from eep's own environment, which keeps secrets out of the command line. */
int pairs_parse(const struct text_list *list, const char *option, bool variables, struct pairs *pairs,
                struct err *err);
void pairs_finish(struct pairs *pairs);

#endif
