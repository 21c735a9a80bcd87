/* prepare.h: the one execute that makes a started sandbox ready: workspace folder, shell, home, tools,
 * identity. */
#ifndef PLUGIN_PREPARE_H
#define PLUGIN_PREPARE_H

#include "access.h"

enum prepare_mode {
    PREPARE_NEW,   /* just acquired: write the identity down, unless it is there */
    PREPARE_KNOWN, /* was prepared before: another identity, or none, is EEP_E_LEASE_LOST */
};

/* Prepares the configured workspace and puts what it learns into access->facts. EEP_E_SANDBOX names a missing
 * tool or a folder that cannot be made. */
int prepare_run(struct access *access, enum prepare_mode mode, struct err *err);

/* Makes another folder instead: `root` is absolute or relative to the sandbox's working folder. Appends its
 * absolute path to workspace. */
int prepare_folder(struct access *access, eep_str root, struct buf *workspace, struct err *err);

#endif
