/* texts.h: the runner's shell sources, as embedded by tools/embed (without comments and indentation). */
#ifndef RUNNER_TEXTS_H
#define RUNNER_TEXTS_H

extern const char *const text_base;
extern const char *const text_common;
extern const char *const text_ladder;
extern const char *const text_keep;
extern const char *const text_supervise;
extern const char *const text_start;
extern const char *const text_attach;
extern const char *const text_kill;
extern const char *const text_drop;
extern const char *const text_list;
extern const char *const text_clean;
extern const char *const text_prepare;
extern const char *const text_place;
extern const char *const text_needs;
extern const char *const text_examine;

#endif
