/* fuzz_main.c: a plain fuzzer: takes a seed, changes it a few times, runs the target on it.
 *
 *     answer_fuzz_test                    300000 inputs, at most 3 s, always the same
 *     answer_fuzz_test SECONDS [SEED]     as many as there is time for
 *     answer_fuzz_test seeds FOLDER       writes the seeds into files, for libFuzzer
 *
 * With FUZZ_KEEP set each input is in fuzz-input.bin before it is tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 14, INPUTS = 300000, SECONDS = 3, CHANGES = 6 };

struct input {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};

static uint64_t state = 1;

/* xorshift64*: the same everywhere */
static uint64_t any(uint64_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 2685821657736338717ull >> 16) % below;
}

static size_t seed_count(void)
{
    size_t count = 0;
    while (fuzz_seeds[count] != NULL)
        count++;
    return count;
}

static void take_seed(struct input *input)
{
    const char *seed = fuzz_seeds[any(seed_count())];
    input->len = strlen(seed);
    memcpy(input->bytes, seed, input->len);
}

/* Puts bytes into the place of others. */
static void splice(struct input *input, size_t at, size_t cut, const void *with, size_t len)
{
    if (cut > input->len - at) cut = input->len - at;
    if (input->len - cut + len > INPUT_MAX) return;
    memmove(input->bytes + at + len, input->bytes + at + cut, input->len - at - cut);
    memcpy(input->bytes + at, with, len);
    input->len = input->len - cut + len;
}

static void put_number(struct input *input, size_t at)
{
    static const char *const numbers[] = {"0",          "-1",         "4294967296", "4503599627370496",
                                          "0x10",       "1e9",        "",           "18446744073709551616",
                                          "2147483648", "4294967295", "00000001",   "9223372036854775807"};
    const char *number = numbers[any(sizeof numbers / sizeof *numbers)];
    size_t from = at;
    while (from < input->len && (input->bytes[from] < '0' || input->bytes[from] > '9'))
        from++;
    size_t to = from;
    while (to < input->len && input->bytes[to] >= '0' && input->bytes[to] <= '9')
        to++;
    splice(input, from, to - from, number, strlen(number));
}

/* A piece of another seed, or of this input. */
static void put_piece(struct input *input, size_t at)
{
    const char *seed = fuzz_seeds[any(seed_count())];
    size_t len = strlen(seed);
    size_t from = any(len);
    size_t take = 1 + any(len - from);
    splice(input, at, any(2) * take, seed + from, take);
}

static void change(struct input *input)
{
    size_t at = input->len > 0 ? any(input->len) : 0;
    uint8_t byte = (uint8_t)any(256);
    switch (any(6)) {
    case 0: splice(input, at, 1, &byte, 1); break;
    case 1: splice(input, at, 0, &byte, 1); break;
    case 2: splice(input, at, 1 + any(40), "", 0); break;
    case 3: put_number(input, at); break;
    case 4: put_piece(input, at); break;
    default: input->len = at; break;
    }
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static int write_seeds(const char *folder)
{
    char path[4096];
    for (size_t i = 0; fuzz_seeds[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        write_file(path, fuzz_seeds[i], strlen(fuzz_seeds[i]));
    }
    return 0;
}

/* On memory of exactly its size, so that a sanitizer sees the first byte too far. */
static void try_input(const struct input *input)
{
    uint8_t *exact = malloc(input->len + (input->len == 0));
    if (exact == NULL) exit(1);
    memcpy(exact, input->bytes, input->len);
    LLVMFuzzerTestOneInput(exact, input->len);
    free(exact);
}

int main(int argc, char **argv)
{
    static struct input input;
    if (argc == 3 && strcmp(argv[1], "seeds") == 0) return write_seeds(argv[2]);
    long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : SECONDS;
    if (argc > 2) state = strtoull(argv[2], NULL, 10) | 1;
    time_t end = time(NULL) + seconds;
    unsigned long done = 0;
    for (size_t i = 0; fuzz_seeds[i] != NULL; i++) {
        input.len = strlen(fuzz_seeds[i]);
        memcpy(input.bytes, fuzz_seeds[i], input.len);
        try_input(&input);
    }
    for (; (argc > 1 || done < INPUTS) && (done % 1000 != 0 || time(NULL) <= end); done++) {
        take_seed(&input);
        for (uint64_t n = 1 + any(CHANGES); n > 0; n--)
            change(&input);
        if (getenv("FUZZ_KEEP") != NULL) write_file("fuzz-input.bin", input.bytes, input.len);
        try_input(&input);
    }
    printf("ok - %lu inputs\n", done);
    return 0;
}
