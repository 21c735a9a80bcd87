/* standin.h: the parts of one running server, made by main.c and handed to everything else. Nothing is
 * global. */
#ifndef STANDIN_STANDIN_H
#define STANDIN_STANDIN_H

#include "faults.h"
#include "isolate.h"
#include "options.h"
#include "registry.h"
#include "reqlog.h"
#include "store.h"
#include "throttle.h"

struct standin {
    struct options options;
    struct store store;
    struct isolation isolation;
    struct registry registry;
    struct reqlog log;
    struct faults faults;
    struct throttles throttles;
    char *origin; /* "http://127.0.0.1:3986", or what --public-url says */
};

#endif
