/* mem.h: allocation that does not fail, and scoped clean-up.
 *
 * The stand-in is a process of its own with nothing to lose: without memory it says so and ends, and its
 * sandboxes end with it (their agents see the closed socket). Sizes that a client chooses never come here
 * unchecked: they live in a struct buf, which has a maximum from birth.
 */
#ifndef STANDIN_MEM_H
#define STANDIN_MEM_H

#include <stddef.h>

#define CLEANUP(finish) __attribute__((cleanup(finish)))

void *mem_alloc(size_t size); /* zeroed */
void *mem_resize(void *old, size_t size);
char *mem_copy(const char *text); /* NULL gives NULL */
char *mem_copy_n(const char *text, size_t len);
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For CLEANUP(mem_free_text) char *text. */
void mem_free_text(char **text);

#endif
