/*
 * Webhook signatures. Twilio signs base64(HMAC-SHA1(token, URL + each parameter's
 * name and value in order of name)); equal names have their values de-duplicated
 * and sorted. Ours is hex(HMAC-SHA256(secret, t "." body)) with the time in it.
 *
 * It compares in constant time and keeps nothing.
 */
#include "providers/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static int by_name_then_value(const void *a, const void *b)
{
	const struct sig_param *x = a;
	const struct sig_param *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->value, y->value);
}

static void add_params(struct str *text, const struct sig_param *params, size_t n)
{
	if (!n)
		return;
	struct sig_param *list = xcalloc(n, sizeof(*list));
	memcpy(list, params, n * sizeof(*list));
	qsort(list, n, sizeof(*list), by_name_then_value);
	for (size_t i = 0; i < n; i++) {
		if (i && !by_name_then_value(&list[i - 1], &list[i]))
			continue;
		str_add(text, list[i].name);
		str_add(text, list[i].value);
	}
	free(list);
}

static void sign(const struct secret *token, const char *url, size_t url_len,
		 const struct sig_param *params, size_t n, char ret[SIGNATURE_TEXT])
{
	struct str text = STR_INIT(STR_MAX_DEFAULT);
	struct str b64 = STR_INIT(64);
	uint8_t mac[SHA1_LEN];
	const char *key = secret_reveal(token);

	str_addn(&text, url, url_len);
	if (params)
		add_params(&text, params, n);
	hmac_sha1(key, strlen(key), str_get(&text), text.len, mac);
	str_add_base64(&b64, mac, sizeof(mac));
	snprintf(ret, SIGNATURE_TEXT, "%s", str_get(&b64));
	str_fini(&b64);
	str_fini(&text);
}

void twilio_signature(const struct secret *token, const char *url, const struct sig_param *params,
		      size_t n, char ret[SIGNATURE_TEXT])
{
	sign(token, url, strcspn(url, "#"), params, n, ret);
}

/* ---- verifying ------------------------------------------------------------------ */

/* The same address with its standard port left out (with = false) or written out. */
static char *with_port(const char *url, bool with)
{
	size_t n = strcspn(url, "#");
	bool tls = !strncmp(url, "https://", 8);
	size_t head = tls ? 8 : !strncmp(url, "http://", 7) ? 7 : 0;
	const char *standard = tls ? ":443" : ":80";

	if (!head)
		return xstrndup(url, n);
	size_t host = strcspn(url + head, "/?#");
	const char *at = memrchr(url + head, '@', host);
	const char *from = at ? at : url + head;
	size_t rest = host - (size_t)(from - (url + head));
	const char *bracket = memchr(from, ']', rest);
	const char *port = memchr(bracket ? bracket : from, ':',
				  rest - (bracket ? (size_t)(bracket - from) : 0));
	const char *end = url + head + host;
	if (with && !port)
		return xasprintf("%.*s%s%.*s", (int)(end - url), url, standard,
				 (int)(n - head - host), end);
	if (!with && port)
		return xasprintf("%.*s%.*s", (int)(port - url), url, (int)(n - head - host), end);
	return xstrndup(url, n);
}

static bool one_ok(const struct secret *token, const char *url, const struct sig_param *params,
		   size_t n, const char *signature)
{
	char want[SIGNATURE_TEXT];
	bool ok = false;

	if (!token)
		return false;
	for (int form = 0; form < 3; form++) {
		_cleanup_(free_p) char *u = form == 0 ? xstrndup(url, strcspn(url, "#"))
						       : with_port(url, form == 2);
		sign(token, u, strlen(u), params, n, want);
		ok |= equal_ct(want, signature);
	}
	return ok;
}

/* Value of bodySHA256 in the query, or NULL. */
static const char *body_hash(const char *url)
{
	const char *at = strstr(url, "bodySHA256=");

	return at && at > url && (at[-1] == '?' || at[-1] == '&') ? at + 11 : NULL;
}

bool twilio_signature_ok(const struct secret *token, const struct secret *other, const char *url,
			 const struct sig_param *params, size_t n, const char *body,
			 size_t body_len, const char *signature)
{
	const char *hash = body_hash(url);

	if (!signature || strlen(signature) >= SIGNATURE_TEXT)
		return false;
	if (hash) {
		char have[2 * SHA256_LEN + 1];
		char want[2 * SHA256_LEN + 1];
		if (!body)
			return false;
		sha256_hex(body, body_len, have);
		snprintf(want, sizeof(want), "%.*s", (int)strcspn(hash, "&#"), hash);
		if (strcspn(hash, "&#") != 2 * SHA256_LEN || !equal_ct(have, want))
			return false;
		params = NULL;
	}
	bool a = one_ok(token, url, params, n, signature);
	bool b = one_ok(other, url, params, n, signature);
	return a || b;
}

/* ---- ours ----------------------------------------------------------------------- */

static void our_mac(const struct secret *s, int64_t t, const char *body, size_t n,
		    char ret[2 * SHA256_LEN + 1])
{
	struct str text = STR_INIT(STR_MAX_DEFAULT);
	struct str hex = STR_INIT(128);
	uint8_t mac[SHA256_LEN];
	const char *key = secret_reveal(s);

	str_addf(&text, "%lld.", (long long)t);
	str_addn(&text, body, n);
	hmac_sha256(key, strlen(key), str_get(&text), text.len, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	snprintf(ret, 2 * SHA256_LEN + 1, "%s", str_get(&hex));
	str_fini(&hex);
	str_fini(&text);
}

void ringdown_signature(const struct secret *s, int64_t wall_ms, const char *body, size_t n,
			char ret[RINGDOWN_SIGNATURE_TEXT])
{
	char hex[2 * SHA256_LEN + 1];
	int64_t t = wall_ms / 1000;

	our_mac(s, t, body, n, hex);
	snprintf(ret, RINGDOWN_SIGNATURE_TEXT, "t=%lld,v1=%s", (long long)t, hex);
}

bool ringdown_signature_ok(const struct secret *s, int64_t wall_ms, int64_t tolerance_ms,
			   const char *body, size_t n, const char *header)
{
	char hex[2 * SHA256_LEN + 1];
	char number[24];
	int64_t t;

	if (!s || !header || strncmp(header, "t=", 2))
		return false;
	size_t len = strcspn(header + 2, ",");
	if (len >= sizeof(number) || strncmp(header + 2 + len, ",v1=", 4))
		return false;
	memcpy(number, header + 2, len);
	number[len] = 0;
	if (!parse_i64(number, 0, INT64_MAX / 2000, &t))
		return false;
	if (llabs(t * 1000 - wall_ms) > tolerance_ms)
		return false;
	our_mac(s, t, body, n, hex);
	return equal_ct(hex, header + 2 + len + 4);
}
