/*
 * Secrets, sealing and hashes over OpenSSL; no other file sees its headers.
 *
 * Every living secret is on one list together with the forms in which its text
 * could leak (raw, base64, URL, JSON and forms registered by its users); redact()
 * replaces them all. The list is process-wide because the log, the API and error
 * texts all have to know every secret, whoever made it.
 *
 * Sealed text: "v1:KEYID:base64(nonce 12 | cipher | tag 16)", AES-256-GCM. KEYID is
 * the first 8 hex digits of a hash of the key; it selects the key and is no secret.
 */
#include "core/crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/json.h"
#include "core/mem.h"

/* ---- secrets and redaction ------------------------------------------------- */

/* Shorter texts occur by chance; masking them would make output unreadable. */
enum { FORM_MIN = 4, BASE64_FORM_MIN = 8 };

struct form {
	char *text;
	size_t len;
	struct form *next;
};

struct secret {
	int refs;
	char *clear;
	struct form *forms;		/* longest first */
	struct secret *prev, *next;
};

static struct secret *living; /* see the top of the file */

static void wipe_free(char *s)
{
	if (s)
		OPENSSL_cleanse(s, strlen(s));
	free(s);
}

static void add_form(struct secret *s, char *text)
{
	size_t len = strlen(text);
	struct form **at = &s->forms;

	for (struct form *f = s->forms; f; f = f->next) {
		if (str_eq(f->text, text))
			len = 0;
	}
	if (len < FORM_MIN) {
		wipe_free(text);
		return;
	}
	while (*at && (*at)->len >= len)
		at = &(*at)->next;
	struct form *f = xcalloc(1, sizeof(*f));
	f->text = text;
	f->len = len;
	f->next = *at;
	*at = f;
}

/* How the text looks inside base64 of something longer. Three bytes become four
 * characters, so it can begin at three places; the characters at its edges that
 * depend on its neighbours are left out. */
static void add_base64_forms(struct secret *s, const char *text)
{
	size_t n = strlen(text);

	for (size_t before = 0; before < 3; before++) {
		static const size_t skip[] = { 0, 2, 3 };
		struct str b = STR_INIT(STR_MAX_DEFAULT);
		char *padded = xasprintf("%.*s%s", (int)before, "xx", text);
		str_add_base64(&b, padded, before + n);
		wipe_free(padded);
		size_t whole = (before + n) * 8 / 6;
		if (whole >= skip[before] + BASE64_FORM_MIN) {
			char *std = xstrndup(b.s + skip[before], whole - skip[before]);
			char *url = xstrdup(std);
			for (char *p = url; *p; p++)
				*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
			add_form(s, std);
			add_form(s, url);
		}
		wipe_free(str_take(&b));
	}
}

struct secret *secret_new(const char *clear)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	if (str_empty(clear))
		return NULL;
	struct secret *s = xcalloc(1, sizeof(*s));
	s->refs = 1;
	s->clear = xstrdup(clear);
	add_form(s, xstrdup(clear));
	add_base64_forms(s, clear);
	str_add_urlencoded(&b, clear);
	char *lower = xstrdup(str_get(&b));
	for (char *p = lower; *p; p++)
		if (*p == '%')
			for (int i = 1; i <= 2; i++)
				p[i] = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] + 32) : p[i];
	add_form(s, str_take(&b));
	add_form(s, lower);
	json_add_string(&b, clear, strlen(clear));
	add_form(s, xstrndup(b.s + 1, b.len - 2));
	wipe_free(str_take(&b));
	s->next = living;
	if (living)
		living->prev = s;
	living = s;
	return s;
}

struct secret *secret_ref(struct secret *s)
{
	if (s)
		s->refs++;
	return s;
}

void secret_free(struct secret *s)
{
	if (!s || --s->refs)
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		living = s->next;
	if (s->next)
		s->next->prev = s->prev;
	while (s->forms) {
		struct form *f = s->forms;
		s->forms = f->next;
		wipe_free(f->text);
		free(f);
	}
	wipe_free(s->clear);
	free(s);
}

void secret_free_p(struct secret **s)
{
	secret_free(*s);
}

const char *secret_reveal(const struct secret *s)
{
	return s ? s->clear : "";
}

bool secret_equal(const struct secret *a, const char *b)
{
	return a && b && equal_ct(a->clear, b);
}

static bool contains_any(const char *s, size_t n)
{
	for (const struct secret *k = living; k; k = k->next)
		for (const struct form *f = k->forms; f; f = f->next)
			if (memmem(s, n, f->text, f->len))
				return true;
	return false;
}

/* Length of the longest form of any secret that starts at s, or 0. */
static size_t form_at(const char *s, size_t n)
{
	size_t best = 0;

	for (const struct secret *k = living; k; k = k->next)
		for (const struct form *f = k->forms; f; f = f->next)
			if (f->len > best && f->len <= n && !memcmp(s, f->text, f->len))
				best = f->len;
	return best;
}

void redact(struct str *text)
{
	if (!text->len || !contains_any(text->s, text->len))
		return;
	struct str out = STR_INIT(text->max);
	for (size_t i = 0; i < text->len;) {
		size_t n = form_at(text->s + i, text->len - i);
		if (n)
			str_add(&out, "[secret]");
		else
			str_addc(&out, text->s[i]);
		i += n ? n : 1;
	}
	OPENSSL_cleanse(text->s, text->len);
	str_fini(text);
	*text = out;
}

char *redact_copy(const char *s)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	str_add(&b, s);
	redact(&b);
	return str_take(&b);
}

/* ---- sealing ---------------------------------------------------------------- */

enum { KEY_LEN = 32, NONCE_LEN = 12, TAG_LEN = 16, KEY_ID_LEN = 8 };

struct key {
	uint8_t bytes[KEY_LEN];
	char id[KEY_ID_LEN + 1];
};

struct keyring {
	struct key keys[2]; /* current, previous */
	int n;
};

static bool key_parse(struct key *k, const char *text)
{
	struct str raw = STR_INIT(64);
	char hash[2 * SHA256_LEN + 1];
	struct {
		char label[16];
		uint8_t key[KEY_LEN];
	} named = { .label = "ringdown key id" };
	size_t len = strlen(text);
	bool ok = true;

	if (len == KEY_LEN) {
		memcpy(k->bytes, text, KEY_LEN);
	} else if (len != 2 * KEY_LEN || !hex_decode(text, k->bytes, KEY_LEN)) {
		ok = base64_decode(text, &raw) && raw.len == KEY_LEN;
		if (ok)
			memcpy(k->bytes, raw.s, KEY_LEN);
		if (raw.s)
			OPENSSL_cleanse(raw.s, raw.len);
	}
	str_fini(&raw);
	if (!ok)
		return false;
	memcpy(named.key, k->bytes, KEY_LEN);
	sha256_hex(&named, sizeof(named), hash);
	OPENSSL_cleanse(&named, sizeof(named));
	memcpy(k->id, hash, KEY_ID_LEN);
	return true;
}

static int key_err(struct err *err, const char *name, const char *text)
{
	return err_field(err, ERR_INVALID, name,
			 "%s has %zu characters: give exactly 32, or 64 hex digits, or the base64 "
			 "of 32 bytes (openssl rand -hex 32 makes one)",
			 name, strlen(text));
}

struct keyring *keyring_new(const char *current, const char *previous, struct err *err)
{
	struct keyring *k = xcalloc(1, sizeof(*k));

	if (str_empty(current)) {
		err_field(err, ERR_INVALID, "ENCRYPTION_KEY",
			  "ENCRYPTION_KEY is not set: give 32 characters, or 64 hex digits, or "
			  "the base64 of 32 bytes");
		goto fail;
	}
	if (!key_parse(&k->keys[0], current)) {
		key_err(err, "ENCRYPTION_KEY", current);
		goto fail;
	}
	k->n = 1;
	if (!str_empty(previous)) {
		if (!key_parse(&k->keys[1], previous)) {
			key_err(err, "ENCRYPTION_KEY_PREVIOUS", previous);
			goto fail;
		}
		k->n = 2;
	}
	return k;
fail:
	keyring_free(k);
	return NULL;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

static void __attribute__((noreturn)) broken(const char *what)
{
	fprintf(stderr, "ringdown: crypto: %s failed\n", what);
	abort(); /* going on would store something unsealed or guessable */
}

char *seal(const struct keyring *k, const char *clear, const char *aad)
{
	const struct key *key = &k->keys[0];
	size_t n = strlen(clear);
	uint8_t *box = xmalloc(NONCE_LEN + n + TAG_LEN);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	int len;

	random_bytes(box, NONCE_LEN);
	if (!ctx || EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, box) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)aad, (int)strlen(aad)) != 1 ||
	    EVP_EncryptUpdate(ctx, box + NONCE_LEN, &len, (const uint8_t *)clear, (int)n) != 1 ||
	    EVP_EncryptFinal_ex(ctx, box + NONCE_LEN + n, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, box + NONCE_LEN + n) != 1)
		broken("sealing");
	EVP_CIPHER_CTX_free(ctx);
	str_addf(&out, "v1:%s:", key->id);
	str_add_base64(&out, box, NONCE_LEN + n + TAG_LEN);
	free(box);
	return str_take(&out);
}

/* The key that sealed this text, or NULL; *ret_known whether the text has our form at all. */
static const struct key *key_of(const struct keyring *k, const char *sealed, bool *ret_form)
{
	*ret_form = str_has_prefix(sealed, "v1:") && strlen(sealed) > 3 + KEY_ID_LEN &&
		    sealed[3 + KEY_ID_LEN] == ':';
	for (int i = 0; *ret_form && i < k->n; i++)
		if (!memcmp(sealed + 3, k->keys[i].id, KEY_ID_LEN))
			return &k->keys[i];
	return NULL;
}

/* Opens box into clear (room for n + 1); false when the tag does not match. */
static bool open_box(const struct key *key, uint8_t *box, size_t n, const char *aad, uint8_t *clear)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	bool ok = ctx &&
		  EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, box) == 1 &&
		  EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
		  EVP_DecryptUpdate(ctx, clear, &len, box + NONCE_LEN, (int)n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN,
				      box + NONCE_LEN + n) == 1 &&
		  EVP_DecryptFinal_ex(ctx, clear + n, &len) == 1;

	EVP_CIPHER_CTX_free(ctx);
	clear[n] = 0;
	return ok;
}

int unseal(const struct keyring *k, const char *sealed, const char *aad, struct secret **ret,
	   struct err *err)
{
	struct str box = STR_INIT(STR_MAX_DEFAULT);
	bool form;
	int r = 0;
	const struct key *key = key_of(k, sealed ? sealed : "", &form);

	if (!form)
		return err_set(err, ERR_FAILED, "%s is not a sealed value", aad);
	if (!key)
		return err_set(err, ERR_NOT_FOUND,
			       "%s is sealed with key %.8s, which is neither ENCRYPTION_KEY nor "
			       "ENCRYPTION_KEY_PREVIOUS",
			       aad, sealed + 3);
	if (!base64_decode(sealed + 3 + KEY_ID_LEN + 1, &box) || box.len < NONCE_LEN + TAG_LEN) {
		str_fini(&box);
		return err_set(err, ERR_FAILED, "%s is damaged", aad);
	}
	size_t n = box.len - NONCE_LEN - TAG_LEN;
	uint8_t *clear = xmalloc(n + 1);
	if (!open_box(key, (uint8_t *)box.s, n, aad, clear))
		r = err_set(err, ERR_FAILED, "%s is damaged or was moved from another row", aad);
	else
		*ret = secret_new((const char *)clear);
	OPENSSL_cleanse(clear, n + 1);
	free(clear);
	str_fini(&box);
	return r;
}

bool sealed_current(const struct keyring *k, const char *sealed)
{
	bool form;

	return sealed && key_of(k, sealed, &form) == &k->keys[0];
}

/* ---- hashes and random bytes -------------------------------------------------- */

void sha256(const void *p, size_t n, uint8_t out[SHA256_LEN])
{
	if (!SHA256(p ? p : "", n, out))
		broken("SHA-256");
}

void sha256_hex(const void *p, size_t n, char out[2 * SHA256_LEN + 1])
{
	uint8_t h[SHA256_LEN];

	sha256(p, n, h);
	for (int i = 0; i < SHA256_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", h[i]);
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[SHA256_LEN])
{
	if (!HMAC(EVP_sha256(), key, (int)key_len, p, n, out, NULL))
		broken("HMAC");
}

void hmac_sha1(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[SHA1_LEN])
{
	if (!HMAC(EVP_sha1(), key, (int)key_len, p, n, out, NULL))
		broken("HMAC");
}

void random_bytes(void *p, size_t n)
{
	uint8_t *to = p;

	/* the kernel's: the library's own would load all of its algorithms for a session's name */
	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno != EINTR)
			broken("the random number generator");
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

void crypto_plain(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
			    OPENSSL_INIT_NO_ADD_ALL_DIGESTS | OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

void random_id(char *buf, size_t n, const char *prefix)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(prefix);
	int made = 0;

	if (len + 21 > n)
		broken("random_id with a short buffer");
	memcpy(buf, prefix, len);
	while (made < 20) {
		uint8_t b[24];

		random_bytes(b, sizeof(b));
		for (size_t i = 0; i < sizeof(b) && made < 20; i++)
			if (b[i] < 252) /* 7 * 36: no digit is likelier than another */
				buf[len + (size_t)made++] = digits[b[i] % 36];
	}
	buf[len + 20] = 0;
}

bool equal_ct(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}
