/* abi.h: the border. Requests of any size come in, results of any size go out, nothing beyond the host's
 * struct_size is touched (abi/README.md, "Growing"). All other code works on complete structs of this build.
 */
#ifndef PLUGIN_ABI_H
#define PLUGIN_ABI_H

#include <stddef.h>

#include "base/err.h"
#include "eep.h"

/* Structs of the host may not claim to be larger than this. */
#define ABI_STRUCT_MAX 65536u

/* Copies a request into local[0..local_size), missing fields as zero. min_size is its size in ABI 1.0.
 * EEP_E_INVALID_ARGUMENT: NULL, too small, absurdly large. EEP_E_UNSUPPORTED: the part that we do not know is
 * not zero. */
int abi_import(void *local, size_t local_size, size_t min_size, const void *host, const char *what,
               struct err *err);

/* EEP_E_UNSUPPORTED when flags has a bit outside known. */
int abi_check_flags(uint32_t flags, uint32_t known, const char *what, struct err *err);

/* EEP_E_UNSUPPORTED when a reserved word is used. */
int abi_check_zero(uint64_t reserved, const char *what, struct err *err);

/* A string of the host: ptr NULL with a length is EEP_E_INVALID_ARGUMENT; longer than max is EEP_E_TOO_LARGE.
 */
int abi_check_str(eep_str text, size_t max, const char *what, struct err *err);

/* An array of the host. Afterwards abi_at may be used for every index below count. size is both the element's
 * in ABI 1.0 (the least stride, and what stride 0 means) and what this build knows of it: no element type has
 * grown yet. The first that does needs two sizes here, and its elements copied as abi_import copies requests. */
int abi_check_array(const void *array, uint32_t count, uint32_t stride, size_t size, const char *what,
                    struct err *err);
const void *abi_at(const void *array, uint32_t stride, size_t size, uint32_t index);

/* EEP_E_INVALID_ARGUMENT unless the host's result can be written. */
int abi_check_result(const void *host, const char *what, struct err *err);

/* Hands a result over: as much of it as the host's struct holds. The arena goes with it. */
void abi_export(void *host, const void *local, size_t local_size);

/* Hands an error over; host may be NULL or too small (then nothing happens). Returns err->code. */
int32_t abi_export_error(eep_error *host, const struct err *err);

/* eep_plugin.clear */
void abi_clear(eep_out *out);

#endif
