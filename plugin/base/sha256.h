/* sha256.h: SHA-256 (FIPS 180-4).
 *
 * Our own, because the plugin must not bring a crypto library into its host (a second OpenSSL in the process
 * is the deadliest of a plugin's faults). Used for names and digests of requests, and to tell accounts apart; never to hide a
 * secret from anybody.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "eep.h"

#define SHA256_BYTES 32
#define SHA256_HEX   (2 * SHA256_BYTES)

struct sha256 {
    uint32_t state[8];
    uint64_t total;
    unsigned char block[64];
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t len);
/* Adds the length (8 bytes, big endian) and then the bytes: so that "a","bc" and "ab","c" differ. */
void sha256_add_field(struct sha256 *hash, eep_str field);
void sha256_final(struct sha256 *hash, unsigned char digest[SHA256_BYTES]);
/* The digest in lower-case hex, NUL-terminated. */
void sha256_final_hex(struct sha256 *hash, char hex[SHA256_HEX + 1]);

#endif
