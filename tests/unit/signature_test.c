/* Webhook signatures against values that other implementations made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "providers/signature.h"

/* The worked example that Twilio publishes, and its token. */
static const char doc_url[] = "https://mycompany.com/myapp.php?foo=1&bar=2";
static const struct sig_param doc_params[] = {
	{ "Digits", "1234" },	      { "To", "+18005551212" },	    { "From", "+12349013030" },
	{ "Caller", "+12349013030" }, { "CallSid", "CA1234567890ABCDE" },
};

static void published(void **state)
{
	struct secret *token = secret_new("12345");
	char sig[SIGNATURE_TEXT];

	twilio_signature(token, doc_url, doc_params, COUNT_OF(doc_params), sig);
	assert_string_equal(sig, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
	secret_free(token);
	(void)state;
}


static void verify(void **state)
{
	struct secret *token = secret_new("12345");
	struct secret *next = secret_new("67890-next-token");
	static const struct { const char *signed_url, *seen_url; bool ok; } t[] = {
		{ "https://a.example/x?y=1", "https://a.example/x?y=1", true },
		{ "https://a.example/x", "https://a.example:443/x", true },
		{ "https://a.example:443/x", "https://a.example/x", true },
		{ "http://a.example:80/x", "http://a.example/x", true },
		{ "http://a.example/x?p=a:b", "http://a.example:80/x?p=a:b", true },
		{ "https://a.example:8443/x", "https://a.example:8443/x", true },
		{ "https://u:p@a.example/x", "https://u:p@a.example:443/x", true },
		{ "https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x", true },
		{ "https://a.example/x#rc=2", "https://a.example/x", true },
		{ "https://a.example/x", "https://a.example/X", false },
		{ "https://a.example/x", "http://a.example/x", false },
		{ "https://a.example/x", "https://a.example/x?", false },
	};

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		char sig[SIGNATURE_TEXT];
		twilio_signature(token, t[i].signed_url, doc_params, 5, sig);
		bool ok = twilio_signature_ok(token, NULL, t[i].seen_url, doc_params, 5, NULL, 0,
					      sig);
		if (ok != t[i].ok)
			fail_msg("%s seen as %s", t[i].signed_url, t[i].seen_url);
		assert_false(twilio_signature_ok(next, NULL, t[i].seen_url, doc_params, 5, NULL, 0,
						 sig));
		assert_int_equal(twilio_signature_ok(next, token, t[i].seen_url, doc_params, 5,
						     NULL, 0, sig), t[i].ok);
	}
	static const char *const junk[] = { "", "x", "0/KCTR6DLpKmkAf8muzZqo1nDgQ",
					    "0/KCTR6DLpKmkAf8muzZqo1nDgQ= ",
					    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < COUNT_OF(junk); i++)
		assert_false(twilio_signature_ok(token, NULL, doc_url, doc_params, 5, NULL, 0,
						 junk[i]));
	assert_false(twilio_signature_ok(token, NULL, doc_url, doc_params, 5, NULL, 0, NULL));
	assert_false(twilio_signature_ok(NULL, NULL, doc_url, doc_params, 5, NULL, 0, junk[0]));
	secret_free(token);
	secret_free(next);
	(void)state;
}

/* Order given does not matter; equal names keep distinct values once each. */
static void repeated_names(void **state)
{
	struct secret *token = secret_new("12345");
	static const struct sig_param a[] = { { "B", "2" }, { "A", "9" }, { "B", "1" },
					      { "B", "2" } };
	static const struct sig_param b[] = { { "A", "9" }, { "B", "1" }, { "B", "2" } };
	char x[SIGNATURE_TEXT];
	char y[SIGNATURE_TEXT];

	twilio_signature(token, "https://a.example/", a, 4, x);
	twilio_signature(token, "https://a.example/", b, 3, y);
	assert_string_equal(x, y);
	twilio_signature(token, "https://a.example/", b, 2, y);
	assert_string_not_equal(x, y);
	secret_free(token);
	(void)state;
}

static void json_body(void **state)
{
	struct secret *token = secret_new("12345");
	static const char body[] = "{\"property\": \"value\", \"boolean\": true}";
	/* sha256 of that body, as in the official helper's own tests */
	static const char url[] = "https://mycompany.com/myapp.php?bodySHA256="
		"0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
	char sig[SIGNATURE_TEXT];

	twilio_signature(token, url, NULL, 0, sig);
	assert_true(twilio_signature_ok(token, NULL, url, doc_params, 5, body, strlen(body), sig));
	assert_false(twilio_signature_ok(token, NULL, url, NULL, 0, "{}", 2, sig));
	assert_false(twilio_signature_ok(token, NULL, url, NULL, 0, NULL, 0, sig));
	secret_free(token);
	(void)state;
}

static void ours(void **state)
{
	struct secret *s = secret_new("hook secret");
	char h[RINGDOWN_SIGNATURE_TEXT];

	ringdown_signature(s, 1763690000123, "{}", 2, h);
	assert_int_equal(strncmp(h, "t=1763690000,v1=", 16), 0);
	assert_int_equal(strlen(h), 16 + 64);
	assert_true(ringdown_signature_ok(s, 1763690005000, 10000, "{}", 2, h));
	assert_false(ringdown_signature_ok(s, 1763690055000, 10000, "{}", 2, h));
	assert_false(ringdown_signature_ok(s, 1763690000000, 10000, "{ }", 3, h));
	static const char *const junk[] = { "", "t=", "t=1", "t=1,v1=", "t=x,v1=00", "v1=00,t=1",
					    "t=99999999999999999999999999,v1=0" };
	for (size_t i = 0; i < COUNT_OF(junk); i++)
		assert_false(ringdown_signature_ok(s, 1763690000000, 10000, "{}", 2, junk[i]));
	secret_free(s);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published), cmocka_unit_test(verify),
		cmocka_unit_test(repeated_names), cmocka_unit_test(json_body),
		cmocka_unit_test(ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
