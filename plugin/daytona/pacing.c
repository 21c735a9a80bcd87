#include "daytona/pacing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/sha256.h"
#include "base/str.h"

#define REFUSED_MS 60000

/* Some proxies name times that are none of a rate limit: after so long it is tried again. */
#define LIMIT_MAX_MS 300000u

struct pacing {
    struct pacing *next;
    struct table *table;
    unsigned references;
    char account[SHA256_HEX + 1];
    int64_t until[THROTTLERS]; /* 0 = open */
    int64_t refused_until;
};

/* All accounts of a process. A fork() may happen while another thread holds the lock: the child leaves the table
 * alone and makes its own. */
struct table {
    uint64_t process; /* whose */
    pthread_mutex_t lock;
    struct pacing *first;
};

static _Atomic(struct table *) current;

static struct table *table_get(void)
{
    struct table *table = atomic_load(&current);
    if (table && table->process == process_self()) return table;
    struct table *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->process = process_self();
    pthread_mutex_init(&made->lock, NULL);
    if (atomic_compare_exchange_strong(&current, &table, made)) return made;
    pthread_mutex_destroy(&made->lock);
    free(made);
    return table;
}

/* -- Accounts ---------------------------------------------------------------------------------- */

static void digest(eep_str api_url, eep_str token, char out[SHA256_HEX + 1])
{
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add_field(&hash, api_url);
    sha256_add_field(&hash, token);
    sha256_final_hex(&hash, out);
    wipe(&hash, sizeof hash);
}

static bool is_forgettable(const struct pacing *pacing, int64_t now)
{
    if (pacing->references > 0 || pacing->refused_until > now) return false;
    for (size_t i = 0; i < THROTTLERS; i++)
        if (pacing->until[i] > now) return false;
    return true;
}

/* [lock] */
static void prune(struct table *table)
{
    int64_t now = clock_now_ms();
    for (struct pacing **link = &table->first; *link;) {
        struct pacing *at = *link;
        if (!is_forgettable(at, now)) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        free(at);
    }
}

/* [lock] */
static struct pacing *find(struct table *table, const char *account)
{
    struct pacing *at = table->first;
    while (at && strcmp(at->account, account) != 0)
        at = at->next;
    return at;
}

/* [lock] */
static struct pacing *add(struct table *table, const char *account)
{
    struct pacing *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->table = table;
    made->next = table->first;
    memcpy(made->account, account, sizeof made->account);
    table->first = made;
    return made;
}

struct pacing *pacing_hold(eep_str api_url, eep_str token)
{
    char account[SHA256_HEX + 1];
    struct table *table = table_get();
    if (!table) return NULL;
    digest(api_url, token, account);
    pthread_mutex_lock(&table->lock);
    prune(table);
    struct pacing *pacing = find(table, account);
    if (!pacing) pacing = add(table, account);
    if (pacing) pacing->references++;
    pthread_mutex_unlock(&table->lock);
    return pacing;
}

void pacing_release(struct pacing **pacing)
{
    struct pacing *old = *pacing;
    *pacing = NULL;
    if (!old || old->table->process != process_self()) return;
    pthread_mutex_lock(&old->table->lock);
    old->references--;
    pthread_mutex_unlock(&old->table->lock);
}

/* -- Rate limits ------------------------------------------------------------------------------- */

static const char *const names[THROTTLERS] = {
    [THROTTLER_REQUESTS] = "authenticated",
    [THROTTLER_CREATE] = "sandbox-create",
    [THROTTLER_LIFECYCLE] = "sandbox-lifecycle",
    [THROTTLER_OTHER] = "all requests",
};

const char *pacing_name(enum throttler throttler)
{
    return names[throttler];
}

enum throttler pacing_throttler(const char *name, enum throttler kind)
{
    for (enum throttler i = 0; i < THROTTLER_OTHER; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return name[0] == '\0' ? THROTTLER_OTHER : kind;
}

void pacing_limit(struct pacing *pacing, enum throttler throttler, uint32_t for_ms)
{
    int64_t until = clock_now_ms() + (for_ms < LIMIT_MAX_MS ? for_ms : LIMIT_MAX_MS);
    pthread_mutex_lock(&pacing->table->lock);
    if (until > pacing->until[throttler]) pacing->until[throttler] = until;
    pthread_mutex_unlock(&pacing->table->lock);
}

int64_t pacing_turn(struct pacing *pacing, enum throttler kind, enum throttler *why)
{
    const enum throttler counted[] = {THROTTLER_OTHER, THROTTLER_REQUESTS, kind};
    int64_t latest = 0;
    pthread_mutex_lock(&pacing->table->lock);
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        if (pacing->until[counted[i]] <= latest) continue;
        latest = pacing->until[counted[i]];
        *why = counted[i];
    }
    pthread_mutex_unlock(&pacing->table->lock);
    return latest > clock_now_ms() ? latest : 0;
}

/* -- Refused credentials ----------------------------------------------------------------------- */

void pacing_refuse(struct pacing *pacing)
{
    pthread_mutex_lock(&pacing->table->lock);
    pacing->refused_until = clock_now_ms() + REFUSED_MS;
    pthread_mutex_unlock(&pacing->table->lock);
}

bool pacing_is_refused(struct pacing *pacing)
{
    pthread_mutex_lock(&pacing->table->lock);
    bool refused = pacing->refused_until > clock_now_ms();
    pthread_mutex_unlock(&pacing->table->lock);
    return refused;
}
