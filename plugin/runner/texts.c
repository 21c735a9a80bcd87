#include "runner/texts.h"

#include "attach_sh.h"
#include "base_sh.h"
#include "clean_sh.h"
#include "common_sh.h"
#include "drop_sh.h"
#include "examine_sh.h"
#include "keep_sh.h"
#include "kill_sh.h"
#include "ladder_sh.h"
#include "list_sh.h"
#include "needs_sh.h"
#include "place_sh.h"
#include "prepare_sh.h"
#include "start_sh.h"
#include "supervise_sh.h"

const char *const text_base = base_sh;
const char *const text_common = common_sh;
const char *const text_ladder = ladder_sh;
const char *const text_keep = keep_sh;
const char *const text_supervise = supervise_sh;
const char *const text_start = start_sh;
const char *const text_attach = attach_sh;
const char *const text_kill = kill_sh;
const char *const text_drop = drop_sh;
const char *const text_list = list_sh;
const char *const text_clean = clean_sh;
const char *const text_prepare = prepare_sh;
const char *const text_place = place_sh;
const char *const text_needs = needs_sh;
const char *const text_examine = examine_sh;
