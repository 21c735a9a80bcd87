/* err.h: the one error idiom.
 *
 * A function that can fail returns int: EEP_OK or an EEP_E_ code, and fills the struct err that its caller
 * owns at the point of failure. Everything in it is a fixed array, so telling an error cannot fail itself.
 * Texts that come from outside are cut and stripped of control characters; secrets must never be passed in.
 *
 *     if (!found) return err_set(err, EEP_E_NOT_FOUND, "cannot find %s: look at …", name);
 *     TRY(toolbox_execute(…, err));
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "eep.h"

/* Which layer of the network failed; those before it work. */
enum err_layer { ERR_LAYER_NONE, ERR_LAYER_RESOLVE, ERR_LAYER_CONNECT, ERR_LAYER_TLS, ERR_LAYER_SERVICE };

struct err {
    int code;
    enum err_layer layer;
    uint32_t flags; /* EEP_ERROR_ */
    int http_status;
    int os_errno;
    uint32_t retry_after_ms;
    bool paced; /* the client of the service keeps to retry_after_ms by itself, for all calls of that kind */
    char message[1024];
    char where[128];
    char request_id[129];
    char lease[EEP_LEASE_MAX + 1];
    char execution_id[EEP_EXECUTION_ID_MAX + 1];
};

#define ERR_INIT                                                                                             \
    {                                                                                                        \
        .code = EEP_OK                                                                                       \
    }

/* Returns at the first failure. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        int status_ = (call);                                                                                \
        if (status_ != EEP_OK) return status_;                                                               \
    } while (0)

/* Begins an error anew (message, flags, everything); returns code. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF(3, 4);

/* Puts "text: " before the message; does nothing on EEP_OK. Returns err->code. */
int err_prefix(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Puts "; text" behind the message, which is cut where there is no room; does nothing on EEP_OK. Returns err->code. */
int err_suffix(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Adds EEP_ERROR_ flags; returns err->code. */
int err_flag(struct err *err, uint32_t flags);

/* Says where it happened, unless a deeper layer has said so already. */
void err_where(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Out of memory: one text for all places. */
int err_no_memory(struct err *err);

/* The stable name of a code: "INVALID_ARGUMENT". Never NULL. */
const char *err_name(int code);

#endif
