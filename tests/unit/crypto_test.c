/* Secrets, redaction in all forms, sealing and its refusals, known answers of the hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"

static void is_masked(const char *in, const char *want)
{
	char *s = redact_copy(in);

	assert_string_equal(s, want);
	free(s);
}

static void redaction(void **state)
{
	struct secret *s = secret_new("to/k en\"+1?>");
	struct str b = STR_INIT(1000);
	char *text;
	(void)state;

	is_masked("a to/k en\"+1?> b", "a [secret] b");
	is_masked("x=to%2Fk%20en%22%2B1%3F%3E", "x=[secret]");
	is_masked("x=to%2fk%20en%22%2b1%3f%3e", "x=[secret]");
	is_masked("{\"t\":\"to/k en\\\"+1?>\"}", "{\"t\":\"[secret]\"}");
	str_add_base64(&b, "to/k en\"+1?>", 12);
	text = xasprintf("h: %s;", str_get(&b));
	is_masked(text, "h: [secret];");
	free(text);
	str_clear(&b);
	str_add_base64(&b, "AC12:to/k en\"+1?>", 17);
	text = xasprintf("Authorization: Basic %s", str_get(&b));
	is_masked(text, "Authorization: Basic QUMxMjp[secret]4=");
	free(text);
	struct secret *longer = secret_new("to/k en\"+1?>-and-more");
	is_masked("to/k en\"+1?>-and-more", "[secret]");
	secret_free(longer);
	is_masked("to/k en\"+1?>-and-more", "[secret]-and-more");
	secret_ref(s);
	secret_free(s);
	is_masked("to/k en\"+1?>", "[secret]");
	secret_free(s);
	is_masked("to/k en\"+1?>", "to/k en\"+1?>");
	str_fini(&b);
}

static void secrets(void **state)
{
	(void)state;
	assert_null(secret_new(NULL));
	assert_null(secret_new(""));
	assert_string_equal(secret_reveal(NULL), "");
	secret_free(NULL);
	struct secret *s = secret_new("abc");
	assert_true(secret_equal(s, "abc"));
	assert_false(secret_equal(s, "abd"));
	assert_false(secret_equal(s, "ab"));
	assert_false(secret_equal(s, NULL));
	assert_false(secret_equal(NULL, ""));
	is_masked("abc", "abc"); /* too short to tell from chance */
	secret_free(s);
}

static void log_masks(void **state)
{
	int fd[2];
	char line[1000] = "";
	(void)state;

	assert_int_equal(pipe(fd), 0);
	struct secret *s = secret_new("tok\"en-in-log");
	log_init(fd[1], LOG_INFO);
	log_debug("test", "not shown");
	log_error("test", "reply: %s \x1b[31m\nend", "tok\"en-in-log");
	log_init(-1, LOG_INFO);
	assert_true(read(fd[0], line, sizeof(line) - 1) > 0);
	assert_null(strstr(line, "en-in-log"));
	assert_non_null(strstr(line, "\"msg\":\"reply: [secret] [31m end\""));
	struct json *j = json_parse(line, strlen(line), NULL);
	assert_non_null(j);
	assert_string_equal(json_get_str(j, "level"), "error");
	json_free(j);
	secret_free(s);
	close(fd[0]);
	close(fd[1]);
}

#define KEY_A "0123456789abcdefghijklmnopqrstuv"
#define KEY_B "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void keys(void **state)
{
	static const char *const good[] = {
		KEY_A, KEY_B, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	};
	static const char *const bad[] = { NULL, "", "short", KEY_A "x",
		"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "AAEC" };
	struct err e;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct keyring *k = keyring_new(good[i], NULL, &e);
		assert_non_null(k);
		keyring_free(k);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_null(keyring_new(bad[i], NULL, &e));
		assert_string_equal(e.field, "ENCRYPTION_KEY");
		assert_true(str_empty(bad[i]) || !strstr(e.msg, bad[i]));
	}
	assert_null(keyring_new(KEY_A, "short", &e));
	assert_string_equal(e.field, "ENCRYPTION_KEY_PREVIOUS");
	/* hex and base64 of the same bytes are the same key */
	struct keyring *hex = keyring_new(good[1], NULL, &e);
	struct keyring *b64 = keyring_new(good[2], NULL, &e);
	char *sealed = seal(hex, "x", "r");
	assert_true(sealed_current(b64, sealed));
	free(sealed);
	keyring_free(hex);
	keyring_free(b64);
}

static void sealing(void **state)
{
	struct err e;
	struct secret *out = NULL;
	struct keyring *old = keyring_new(KEY_A, NULL, &e);
	struct keyring *rotated = keyring_new(KEY_B, KEY_A, &e);
	struct keyring *other = keyring_new(KEY_B, NULL, &e);
	char *s = seal(old, "s3cr3t-token", "TwilioAccount/a1/authToken");
	char *again = seal(old, "s3cr3t-token", "TwilioAccount/a1/authToken");
	(void)state;

	assert_string_not_equal(s, again);
	assert_null(strstr(s, "s3cr3t"));
	assert_int_equal(unseal(old, s, "TwilioAccount/a1/authToken", &out, &e), 0);
	assert_true(secret_equal(out, "s3cr3t-token"));
	secret_free(TAKE(out));
	assert_int_equal(unseal(rotated, s, "TwilioAccount/a1/authToken", &out, &e), 0);
	secret_free(TAKE(out));
	assert_false(sealed_current(rotated, s));
	assert_true(sealed_current(old, s));
	assert_int_equal(unseal(other, s, "TwilioAccount/a1/authToken", &out, &e), ERR_NOT_FOUND);
	assert_int_equal(unseal(old, s, "TwilioAccount/a2/authToken", &out, &e), ERR_FAILED);
	/* every single damaged character is noticed */
	for (size_t i = 0; i < strlen(s); i++) {
		char keep = s[i];
		s[i] = keep == 'A' ? 'B' : 'A';
		assert_true(unseal(old, s, "TwilioAccount/a1/authToken", &out, &e) < 0);
		s[i] = keep;
	}
	for (size_t n = 0; n < strlen(s) - 2; n++) { /* "==" at the end says nothing */
		char *cut = xstrndup(s, n);
		assert_true(unseal(old, cut, "TwilioAccount/a1/authToken", &out, &e) < 0);
		free(cut);
	}
	assert_int_equal(unseal(old, "plain-token", "r", &out, &e), ERR_FAILED);
	assert_int_equal(unseal(old, NULL, "r", &out, &e), ERR_FAILED);
	assert_null(out);
	free(again);
	again = seal(old, "", "r");
	assert_int_equal(unseal(old, again, "r", &out, &e), 0);
	assert_null(out); /* an empty secret is none */
	free(s);
	free(again);
	keyring_free(old);
	keyring_free(rotated);
	keyring_free(other);
}

static void known_answers(void **state)
{
	char hex[65];
	uint8_t mac[SHA256_LEN];
	uint8_t mac1[SHA1_LEN];
	struct str b = STR_INIT(100);
	(void)state;

	sha256_hex("abc", 3, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(NULL, 0, hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	/* RFC 4231 case 2, RFC 2202 case 2 */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	str_add_hex(&b, mac, sizeof(mac));
	assert_string_equal(str_get(&b),
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	str_clear(&b);
	hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, mac1);
	str_add_hex(&b, mac1, sizeof(mac1));
	assert_string_equal(str_get(&b), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	str_fini(&b);
}

static void ids(void **state)
{
	char a[32], b[32];
	(void)state;

	random_id(a, sizeof(a), "acc_");
	random_id(b, sizeof(b), "acc_");
	assert_int_equal(strlen(a), 24);
	assert_int_equal(strspn(a + 4, "abcdefghijklmnopqrstuvwxyz0123456789"), 20);
	assert_string_not_equal(a, b);
	assert_true(equal_ct("abc", "abc"));
	assert_false(equal_ct("abc", "abcd"));
	assert_false(equal_ct("abc", "abd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redaction), cmocka_unit_test(secrets), cmocka_unit_test(log_masks),
		cmocka_unit_test(keys),	     cmocka_unit_test(sealing),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
