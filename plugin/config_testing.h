/* config_testing.h: for the tests of the configuration: findings as one line of text.
 *
 * "E blank /image, W unknown_key /foo": severity, code and pointer of each, in order. */
#ifndef CONFIG_TESTING_H
#define CONFIG_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "config.h"

static inline void describe_findings(const struct findings *findings, struct buf *out)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        const eep_finding *finding = &findings->items[i];
        assert_int_equal(buf_appendf(out, "%s%c %s%s%s", i > 0 ? ", " : "", "?EWI"[finding->severity],
                                     finding -> code.ptr, finding->pointer.len ? " " : "",
                                     finding->pointer.ptr),
                         EEP_OK);
        assert_true(finding->message.len > 0 && finding->hint.len > 0);
    }
}

/* Loads text; the findings must be these. The caller destroys what it gets: NULL when there are errors. */
static inline struct config *load_expecting(eep_str text, uint32_t flags, const char *expected)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(buf_finish) struct buf found = BUF_INIT(1 << 20);
    struct config *config = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(config_load(text, flags, &findings, &config, &err), EEP_OK);
    describe_findings(&findings, &found);
    assert_string_equal(buf_cstr(&found), expected);
    assert_true((config != NULL) == (findings.errors == 0));
    return config;
}

/* The document {"apiKey": "k", MEMBERS} has these findings. */
static inline void expect(const char *members, const char *expected)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(4 << 20);
    assert_int_equal(buf_appendf(&text, "{\"apiKey\":\"k\"%s%s}", *members ? "," : "", members), EEP_OK);
    config_destroy(load_expecting(buf_str(&text), 0, expected));
}

/* The document {"apiKey": "k", MEMBERS}, which has warnings at the most; the caller destroys it. */
static inline struct config *load_valid(const char *members)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(buf_finish) struct buf text = BUF_INIT(4 << 20);
    struct config *config = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(buf_appendf(&text, "{\"apiKey\":\"k\"%s%s}", *members ? "," : "", members), EEP_OK);
    assert_int_equal(config_load(buf_str(&text), 0, &findings, &config, &err), EEP_OK);
    assert_non_null(config);
    return config;
}

#endif
