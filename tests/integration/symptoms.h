/* symptoms.h: what an explanation says of one thing. */
#ifndef INTEGRATION_SYMPTOMS_H
#define INTEGRATION_SYMPTOMS_H

#include "leases.h"

static inline const eep_symptom *symptom(const struct outcome *told, const char *name)
{
    const eep_explanation *all = &told->explanation;
    for (uint32_t i = 0; i < all->symptom_count; i++) {
        const eep_symptom *at =
            (const eep_symptom *)((const char *)all->symptoms + (size_t)i * all->symptom_stride);
        if (text_is(at->name, name)) return at;
    }
    fail_msg("no symptom %s", name);
    return NULL;
}

/* Only this failed, with this code, this in its evidence, and some advice. */
static inline void expect_cause(const struct outcome *told, const char *name, int32_t code, const char *says)
{
    EXPECT(*told, EEP_OK);
    const eep_symptom *cause = symptom(told, name);
    if (cause->status != EEP_CHECK_FAILED || cause->code != code || strstr(cause->evidence.ptr, says) == NULL)
        fail_msg("%s: status %u, code %d: %s", name, cause->status, cause->code, cause->evidence.ptr);
    assert_true(cause->advice.len > 10);
    assert_int_equal(told->explanation.failed, 1);
}

#define EXPECT_ADVICE(told, name, says) assert_non_null(strstr(symptom(&(told), name)->advice.ptr, says))

#endif
