/* elsewhere.h: an execution as a fresh process sees it, which knows nothing but the lease and the id.
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (elsewhere_is_asked(argc, argv)) return elsewhere_main(argv);
 *
 * For tests that have a place (place.h). */
#ifndef INTEGRATION_ELSEWHERE_H
#define INTEGRATION_ELSEWHERE_H

#include <stdbool.h>
#include <sys/types.h>

/* Is this such a process? Then elsewhere_main is what it does. */
bool elsewhere_is_asked(int argc, char **argv);
int elsewhere_main(char **argv);

/* Attaches from a byte of stdout on; there must be this output behind it, and this exit code. */
void elsewhere_attach(const char *id, const char *from, const char *output, const char *code);

/* The same, and executing a script, without waiting for its end: process_await tells 0 when all was well. */
pid_t elsewhere_begin_attach(const char *id, const char *from, const char *output, const char *code);
pid_t elsewhere_begin_execute(const char *id, const char *script);

#endif
