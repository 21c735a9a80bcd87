/* fuzz.h: a target for a fuzzer: libFuzzer (`make fuzz`, needs clang), or fuzz_main.c, which changes the target's seeds
 * at random, from a fixed seed, for a bounded time (part of the tests). */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's name for the target: must not crash, whatever the bytes. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Inputs that are right, to begin with; the list ends with NULL. */
extern const char *const fuzz_seeds[];

/* Ends the program if what must hold does not. */
#define FUZZ_MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

#endif
