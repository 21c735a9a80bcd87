/* fail.h: the one way in which a function here says that it failed, and why.
 *
 * A function that can fail returns 0 or -1 and fills its last parameter where the failure happens; callers
 * pass it up with TRY. The text is one line for a person: what, where, what to do.
 */
#ifndef STANDIN_FAIL_H
#define STANDIN_FAIL_H

struct fail {
    char text[512];
};

/* Always returns -1, so that it can end a function: return fail_set(why, "...", ...). */
int fail_set(struct fail *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        if ((call) != 0) return -1;                                                                          \
    } while (0)

#endif
