#include "http/alarms.h"

#include <stdlib.h>

/* A binary heap: the alarm in place n is not later than those in 2n and 2n + 1. */

static void put(struct alarms *alarms, size_t place, struct alarm *alarm)
{
    alarms->heap[place - 1] = alarm;
    alarm->place = place;
}

static int64_t at(const struct alarms *alarms, size_t place)
{
    return alarms->heap[place - 1]->at;
}

static void move_up(struct alarms *alarms, struct alarm *alarm)
{
    size_t place = alarm->place;
    for (; place > 1 && at(alarms, place / 2) > alarm->at; place /= 2)
        put(alarms, place, alarms->heap[place / 2 - 1]);
    put(alarms, place, alarm);
}

static void move_down(struct alarms *alarms, struct alarm *alarm)
{
    size_t place = alarm->place;
    for (size_t child; (child = 2 * place) <= alarms->count; place = child) {
        if (child < alarms->count && at(alarms, child + 1) < at(alarms, child)) child++;
        if (at(alarms, child) >= alarm->at) break;
        put(alarms, place, alarms->heap[child - 1]);
    }
    put(alarms, place, alarm);
}

static int make_room(struct alarms *alarms)
{
    if (alarms->count < alarms->cap) return EEP_OK;
    size_t cap = alarms->cap ? 2 * alarms->cap : 64;
    struct alarm **heap = realloc(alarms->heap, cap * sizeof *heap);
    if (!heap) return EEP_E_NO_MEMORY;
    alarms->heap = heap;
    alarms->cap = cap;
    return EEP_OK;
}

int alarms_set(struct alarms *alarms, struct alarm *alarm, void *who, int64_t moment)
{
    TRY(make_room(alarms));
    alarm->who = who;
    alarm->at = moment;
    put(alarms, ++alarms->count, alarm);
    move_up(alarms, alarm);
    return EEP_OK;
}

void alarms_clear(struct alarms *alarms, struct alarm *alarm)
{
    if (alarm->place == 0) return;
    struct alarm *last = alarms->heap[--alarms->count];
    if (last != alarm) {
        put(alarms, alarm->place, last);
        move_up(alarms, last);
        move_down(alarms, last);
    }
    alarm->place = 0;
}

struct alarm *alarms_first(const struct alarms *alarms)
{
    return alarms->count > 0 ? alarms->heap[0] : NULL;
}

void alarms_finish(struct alarms *alarms)
{
    free(alarms->heap);
    *alarms = (struct alarms){0};
}
