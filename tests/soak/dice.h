/* dice.h: chance that can be had again: the same seed, the same throws. Each thread has its own. */
#ifndef SOAK_DICE_H
#define SOAK_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline struct dice dice_of(uint64_t seed, uint64_t which)
{
    return (struct dice){seed * 0x9e3779b97f4a7c15U + which * 0xd1342543de82ef95U + 1};
}

/* splitmix64, 0 to below - 1. */
static inline uint32_t dice_throw(struct dice *dice, uint32_t below)
{
    uint64_t x = dice->state += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (uint32_t)((x ^ (x >> 31)) % below);
}

static inline bool dice_percent(struct dice *dice, uint32_t percent)
{
    return dice_throw(dice, 100) < percent;
}

#endif
