/* sources.h: --file and --dir: what a workspace shall hold, and how it went. Used by realize and run. */
#ifndef CLI_SOURCES_H
#define CLI_SOURCES_H

#include "cli.h"
#include "json_out.h"

struct sources_args {
    const char *root;
    struct text_list files;
    struct text_list dirs;
};

extern const struct option_spec sources_options[];

/* A realize request and what it points to: the files are read into memory. */
struct sources {
    eep_realize_request request;
    eep_source *items;
    struct bytes *contents;
    uint32_t count;
};

/* Everything but the lease and the head. */
int sources_init(struct sources *sources, const struct sources_args *args, struct err *err);
void sources_finish(struct sources *sources);

json_object *workspace_to_json(const eep_workspace *workspace);

/* EEP_OK, or the first source that failed as an error; warns of the others. */
int workspace_check(const eep_workspace *workspace, struct err *err);

#endif
