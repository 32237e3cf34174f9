/*
 * Webhook signatures, pure: X-Twilio-Signature made and verified, and the scheme
 * of our own signed requests (X-Ringdown-Signature: t=SECONDS,v1=HEX).
 */
#ifndef RD_PROVIDERS_SIGNATURE_H
#define RD_PROVIDERS_SIGNATURE_H

#include "core/crypto.h"
#include "core/str.h"

struct sig_param { const char *name, *value; };
enum { SIGNATURE_TEXT = 32 };		/* base64 of SHA-1 with NUL: 29 */

/* params may be NULL (GET, or a JSON body: then url carries bodySHA256). A fragment of the
 * URL is left out. */
void twilio_signature(const struct secret *token, const char *url, const struct sig_param *params,
		      size_t n, char ret[SIGNATURE_TEXT]);
/* Accepts the URL as received, with and without its standard port; both tokens of a change
 * may be given (NULL = none). body (may be NULL) is checked when the URL has bodySHA256. */
bool twilio_signature_ok(const struct secret *token, const struct secret *other, const char *url,
			 const struct sig_param *params, size_t n, const char *body,
			 size_t body_len, const char *signature);

enum { RINGDOWN_SIGNATURE_TEXT = 96 };
/* "t=...,v1=..." over "t.body" */
void ringdown_signature(const struct secret *s, int64_t wall_ms, const char *body, size_t n,
			char ret[RINGDOWN_SIGNATURE_TEXT]);
/* False when wrong or further than tolerance from wall_ms. */
bool ringdown_signature_ok(const struct secret *s, int64_t wall_ms, int64_t tolerance_ms,
			   const char *body, size_t n, const char *header);

#endif
