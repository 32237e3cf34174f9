/*
 * Secrets and hashes (OpenSSL). struct secret is the only type that may hold a
 * credential in clear; it has no printf form, is registered with the log's
 * redaction while it lives and is wiped when freed.
 */
#ifndef RD_CORE_CRYPTO_H
#define RD_CORE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/str.h"

struct secret;
struct secret *secret_new(const char *clear);		/* NULL or "" -> NULL */
struct secret *secret_ref(struct secret *s);		/* counted; NULL ok */
void secret_free(struct secret *s);			/* NULL ok */
void secret_free_p(struct secret **s);
/* Only for handing to a library or a hash at the point of use. NULL -> "". */
const char *secret_reveal(const struct secret *s);
bool secret_equal(const struct secret *a, const char *b); /* constant time */

/* Replaces every living secret in text (raw, base64, URL, JSON forms; in base64 of something
 * longer, "user:secret" above all, what does not depend on its neighbours) by "[secret]". */
void redact(struct str *text);
char *redact_copy(const char *s);			/* caller frees */

/* Sealing: AES-256-GCM, text form "v1:KEYID:base64(nonce|cipher|tag)"; aad binds the value
 * to its row, e.g. "TwilioAccount/acc1/authToken". */
struct keyring;
/* Keys: exactly 32 characters, or 64 hex digits, or base64 of 32 bytes. previous may be NULL.
 * NULL with err naming ENCRYPTION_KEY or ENCRYPTION_KEY_PREVIOUS. */
struct keyring *keyring_new(const char *current, const char *previous, struct err *err);
void keyring_free(struct keyring *k);
char *seal(const struct keyring *k, const char *clear, const char *aad);  /* caller frees */
/* 0; ERR_NOT_FOUND: sealed with a key we lack; ERR_FAILED: damaged or bound to another row. */
int unseal(const struct keyring *k, const char *sealed, const char *aad, struct secret **ret,
	   struct err *err);
/* Sealed with the current key? (rotation) */
bool sealed_current(const struct keyring *k, const char *sealed);

#define SHA256_LEN 32
void sha256(const void *p, size_t n, uint8_t out[SHA256_LEN]);
void sha256_hex(const void *p, size_t n, char out[2 * SHA256_LEN + 1]);
void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
		 uint8_t out[SHA256_LEN]);
#define SHA1_LEN 20
void hmac_sha1(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[SHA1_LEN]);
/* From the system, not from the loop's seeded numbers: keys, tokens, ids. */
void random_bytes(void *p, size_t n);
/* For a process that speaks no TLS, before anything else here or in http: tables that only TLS
 * needs stay unloaded (2 MB). Errors of the library are numbers then. */
void crypto_plain(void);
/* prefix + 20 characters of [a-z0-9]; buf at least strlen(prefix) + 21. */
void random_id(char *buf, size_t n, const char *prefix);
bool equal_ct(const char *a, const char *b);		/* constant time for equal lengths */

#endif
