/* What a reply of each service means, with real error shapes and nasty ones; what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "providers/provider.h"

struct row {
	const char *what;
	struct call_raw raw;
	enum call_result result;
	enum call_reason reason;
	int64_t code;
	bool maybe_done;
};

#define TW .family = FAMILY_TWILIO, .http = HTTP_DONE, .sent = true
#define EL .family = FAMILY_ELEVENLABS, .http = HTTP_DONE, .sent = true
#define AUTH20003 "{\"code\":20003,\"message\":\"Authenticate\",\"more_info\":\"x\",\"status\":401}"

static const struct row rows[] = {
	{ "fine", { TW, .status = 200, .body = "{}" }, CALL_OK, 0, 0, 0 },
	{ "created", { TW, .status = 201, .body = "{}", .write = true }, CALL_OK, 0, 0, 0 },
	{ "not modified", { .family = FAMILY_FEED, .http = HTTP_DONE, .status = 304 }, CALL_OK, 0,
	  0, 0 },
	/* credentials */
	{ "wrong token", { TW, .status = 401, .body = AUTH20003 }, CALL_REJECTED, 0, 20003, 0 },
	{ "code as text",
	  { TW, .status = 401, .body = "{\"code\":\"20003\",\"message\":\"Authenticate\"}" },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "problem shape", { TW, .status = 401,
	  .body = "{\"type\":\"x\",\"title\":\"Unauthorized\",\"status\":401,\"code\":20003,"
		  "\"detail\":\"Authenticate\"}" },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "Standard key on the account", { TW, .status = 401, .body = AUTH20003, .api_key = true,
	  .account_path = true }, CALL_REFUSED, REASON_KEY_CLASS, 20003, 0 },
	{ "the same key elsewhere", { TW, .status = 401, .body = AUTH20003, .api_key = true },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "token on the account path", { TW, .status = 401, .body = AUTH20003,
					 .account_path = true },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "test credentials", { TW, .status = 403,
	  .body = "{\"code\":20008,\"message\":\"Resource not accessible with Test Account"
		  " Credentials\",\"status\":403}" },
	  CALL_REFUSED, REASON_TEST_CREDENTIALS, 20008, 0 },
	{ "test credentials with a key on the account", { TW, .status = 403, .api_key = true,
	  .account_path = true, .body = "{\"code\":20008,\"message\":\"Test\",\"status\":403}" },
	  CALL_REFUSED, REASON_TEST_CREDENTIALS, 20008, 0 },
	{ "compliance text on a write", { TW, .status = 403, .write = true,
	  .body = "{\"code\":20003,\"message\":\"Primary compliance profile is not"
		  " approved\",\"status\":403}" },
	  CALL_REFUSED, 0, 20003, 0 },
	{ "20003 on a write that means it", { TW, .status = 401, .write = true, .body = AUTH20003 },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "permission denied 20003", { TW, .status = 401, .write = true,
	  .body = "{\"code\":20003,\"message\":\"Permission Denied\",\"status\":401}" },
	  CALL_REJECTED, 0, 20003, 0 },
	{ "70051", { TW, .status = 401, .body = "{\"code\":70051,\"message\":\"Authorization"
						" failed\"}" },
	  CALL_REJECTED, 0, 70051, 0 },
	{ "access denied to a resource", { TW, .status = 403,
					   .body = "{\"code\":20006,\"message\":\"Access"
						   " Denied\"}" },
	  CALL_REFUSED, REASON_KEY_CLASS, 20006, 0 },
	{ "captive portal 401", { TW, .status = 401, .body = "<html>Login</html>" }, CALL_GARBLED,
	  0, 0, 0 },
	{ "bare 401 of a proxy", { TW, .status = 401, .body = "" }, CALL_GARBLED, 0, 0, 0 },
	{ "401 with Twilio's request id", { TW, .status = 401, .body = "", .signed_reply = true },
	  CALL_REJECTED, 0, 0, 0 },
	{ "403 of a web filter", { TW, .status = 403, .body = "<html>Blocked</html>" },
	  CALL_GARBLED, 0, 0, 0 },
	/* the account itself */
	{ "not active", { TW, .status = 401, .body = "{\"code\":20005,\"message\":\"Account not"
						     " active\"}" },
	  CALL_INACTIVE, 0, 20005, 0 },
	{ "forbidden", { TW, .status = 403, .body = "{\"code\":20403,\"message\":\"Forbidden\"}" },
	  CALL_INACTIVE, 0, 20403, 0 },
	{ "not in an active state", { TW, .status = 400, .body =
				      "{\"code\":90010,\"message\":\"Account is not active\"}" },
	  CALL_INACTIVE, 0, 90010, 0 },
	{ "message refused as suspended", { TW, .status = 400, .write = true,
	  .body = "{\"code\":30002,\"message\":\"Account suspended\"}" }, CALL_INACTIVE, 0, 30002,
	  0 },
	/* other refusals */
	{ "number gone", { TW, .status = 404, .body = "{\"code\":20404,\"message\":\"The requested"
						      " resource was not found\"}" },
	  CALL_NOT_FOUND, 0, 20404, 0 },
	{ "somebody's 404 page", { TW, .status = 404, .body = "<h1>404</h1>" }, CALL_GARBLED, 0, 0,
	  0 },
	{ "trial recipient", { TW, .status = 400, .write = true,
	  .body = "{\"code\":21608,\"message\":\"The number is unverified\",\"status\":400}" },
	  CALL_REFUSED, 0, 21608, 0 },
	{ "new code", { TW, .status = 400, .body = "{\"code\":29999,\"message\":\"?\"}" },
	  CALL_REFUSED, 0, 29999, 0 },
	{ "absurd code", { TW, .status = 400, .body = "{\"code\":99999999999,\"message\":\"?\"}" },
	  CALL_REFUSED, 0, 0, 0 },
	/* capacity */
	{ "429", { TW, .status = 429, .write = true, .body = "{\"code\":20429,\"message\":\"Too"
		   " Many\"}" },
	  CALL_RATE_LIMITED, 0, 20429, 0 },
	{ "429 without a body", { TW, .status = 429 }, CALL_RATE_LIMITED, 0, 0, 0 },
	{ "20429 under another status", { TW, .status = 400,
					  .body = "{\"code\":20429,\"message\":\"x\"}" },
	  CALL_RATE_LIMITED, 0, 20429, 0 },
	/* trouble */
	{ "500", { TW, .status = 500, .body = "{\"code\":20500,\"message\":\"Internal\"}" },
	  CALL_SERVER, 0, 20500, 0 },
	{ "502 of a gateway", { TW, .status = 502, .body = "<html>Bad Gateway</html>",
				.write = true },
	  CALL_SERVER, 0, 0, true },
	{ "503 nothing", { TW, .status = 503 }, CALL_SERVER, 0, 0, 0 },
	{ "redirect", { TW, .status = 302, .body = "" }, CALL_GARBLED, 0, 0, 0 },
	{ "408", { TW, .status = 408, .write = true }, CALL_TIMEOUT, 0, 0, true },
	{ "status 99", { TW, .status = 99 }, CALL_GARBLED, 0, 0, 0 },
	{ "deep nesting", { TW, .status = 401,
	  .body = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" },
	  CALL_GARBLED, 0, 0, 0 },
	{ "array where an object should be", { TW, .status = 401, .body = "[20003]" }, CALL_GARBLED,
	  0, 0, 0 },
	{ "wrong types", { TW, .status = 401, .body = "{\"code\":{},\"message\":[1]}" },
	  CALL_REFUSED, 0, 0, 0 },
	/* below HTTP */
	{ "timeout of a write", { .http = HTTP_TIMEOUT, .write = true, .sent = true }, CALL_TIMEOUT,
	  0, 0, true },
	{ "timeout before it was sent", { .http = HTTP_TIMEOUT, .write = true }, CALL_TIMEOUT, 0, 0,
	  0 },
	{ "timeout of a read", { .http = HTTP_TIMEOUT, .sent = true }, CALL_TIMEOUT, 0, 0, 0 },
	{ "refused connection", { .http = HTTP_CONNECT, .write = true }, CALL_UNREACHABLE, 0, 0,
	  0 },
	{ "no such host", { .http = HTTP_RESOLVE }, CALL_UNREACHABLE, 0, 0, 0 },
	{ "TLS", { .http = HTTP_TLS }, CALL_UNREACHABLE, 0, 0, 0 },
	{ "cut reply of a write", { .http = HTTP_BROKEN, .write = true, .sent = true },
	  CALL_GARBLED, 0, 0, true },
	{ "too big", { .http = HTTP_TOO_BIG, .sent = true }, CALL_GARBLED, 0, 0, 0 },
	{ "cancelled on the wire", { .http = HTTP_CANCELLED, .write = true, .sent = true },
	  CALL_CANCELLED, 0, 0, true },
	{ "cancelled before", { .http = HTTP_CANCELLED, .write = true }, CALL_CANCELLED, 0, 0, 0 },
	/* ElevenLabs: detail in three shapes */
	{ "key", { EL, .status = 401,
		   .body = "{\"detail\":{\"status\":\"invalid_api_key\",\"message\":\"Invalid API"
			   " key\"}}" },
	  CALL_REJECTED, 0, 0, 0 },
	{ "restricted key",
	  { EL, .status = 401,
	    .body = "{\"detail\":{\"code\":\"missing_permissions\",\"message\":\"x\"}}" },
	  CALL_REFUSED, REASON_KEY_CLASS, 0, 0 },
	{ "no money", { EL, .status = 401,
			.body = "{\"detail\":{\"status\":\"quota_exceeded\",\"message\":\"x\"}}" },
	  CALL_REFUSED, REASON_QUOTA, 0, 0 },
	{ "plan", { EL, .status = 403, .body = "{\"detail\":\"plan\"}" }, CALL_REFUSED,
	  REASON_QUOTA, 0, 0 },
	{ "text", { EL, .status = 500, .body = "{\"detail\":\"Internal error\"}" }, CALL_SERVER, 0,
	  0, 0 },
	{ "list", { EL, .status = 422, .body = "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field"
					       " required\",\"type\":\"value_error\"}]}" },
	  CALL_REFUSED, 0, 0, 0 },
	{ "busy", { EL, .status = 400,
		    .body = "{\"detail\":{\"status\":\"system_busy\",\"message\":\"x\"}}" },
	  CALL_RATE_LIMITED, 0, 0, 0 },
	{ "unknown id", { EL, .status = 404,
			  .body = "{\"detail\":{\"status\":\"not_found\",\"message\":\"x\"}}" },
	  CALL_NOT_FOUND, 0, 0, 0 },
	{ "portal", { EL, .status = 401, .body = "<html>" }, CALL_GARBLED, 0, 0, 0 },
	{ "empty list", { EL, .status = 422, .body = "{\"detail\":[]}" }, CALL_REFUSED, 0, 0, 0 },
	/* the rest */
	{ "Telnyx key", { .family = FAMILY_TELNYX, .http = HTTP_DONE, .status = 401,
	  .body = "{\"errors\":[{\"code\":\"10009\",\"title\":\"Authentication failed\"}]}" },
	  CALL_REJECTED, 0, 10009, 0 },
	{ "Telnyx 404", { .family = FAMILY_TELNYX, .http = HTTP_DONE, .status = 404,
	  .body = "{\"errors\":[{\"code\":\"10005\",\"title\":\"Not found\"}]}" }, CALL_NOT_FOUND,
	  0, 10005, 0 },
	{ "Telnyx portal", { .family = FAMILY_TELNYX, .http = HTTP_DONE, .status = 401,
			     .body = "no" },
	  CALL_GARBLED, 0, 0, 0 },
	{ "app says no", { .family = FAMILY_APP, .http = HTTP_DONE, .status = 403,
			   .body = "{\"error\":\"bad signature\"}" },
	  CALL_REJECTED, 0, 0, 0 },
	{ "app 404 in text", { .family = FAMILY_APP, .http = HTTP_DONE, .status = 404,
			       .body = "Not Found" },
	  CALL_NOT_FOUND, 0, 0, 0 },
};

static void meanings(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct call_raw raw = rows[i].raw;
		struct call_info info = { .code = 7, .message = "old", .maybe_done = true };
		raw.len = raw.body ? strlen(raw.body) : 0;
		call_classify(&raw, &info);
		if (info.result != rows[i].result || info.reason != rows[i].reason ||
		    info.code != rows[i].code || info.maybe_done != rows[i].maybe_done)
			fail_msg("%s: %s reason %d code %lld maybe %d", rows[i].what,
				 call_result_name(info.result), info.reason, (long long)info.code,
				 info.maybe_done);
		if (info.result == CALL_OK || raw.http != HTTP_DONE)
			assert_string_equal(info.message, "");
	}
	(void)state;
}

static void messages(void **state)
{
	static const struct { const char *body, *want; } t[] = {
		{ "{\"code\":1,\"message\":\"a\\u001b[31mb\\u202ec\"}", "a[31mbc" },
		{ "{\"code\":1,\"message\":\"see \\\"auth_token\\\":\\\"x1\\\"\"}",
		  "see \"auth_token\":\"[secret]\"" },
		{ "<b>x</b>", "HTTP 400, body: <b>x</b>" },
		{ "", "HTTP 400 without a body" },
		{ "{\"auth_token\":\"0123456789abcdef\"}", "HTTP 400, body:"
		  " {\"auth_token\":\"[secret]\"}" },
	};

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct call_raw raw = { TW, .status = 400, .body = t[i].body,
					.len = strlen(t[i].body) };
		struct call_info info = { 0 };
		call_classify(&raw, &info);
		assert_string_equal(info.message, t[i].want);
	}
	(void)state;
}

/* A message of 4-byte characters is cut where one starts. */
static void long_message(void **state)
{
	struct str b = STR_INIT(100000);
	struct call_info info = { 0 };

	str_add(&b, "{\"code\":5,\"message\":\"");
	for (int i = 0; i < 3000; i++)
		str_add(&b, "\xf0\x9f\x93\x9e");
	str_add(&b, "\"}");
	struct call_raw raw = { TW, .status = 400, .body = b.s, .len = b.len };
	call_classify(&raw, &info);
	assert_true(strlen(info.message) > 150 && strlen(info.message) < sizeof(info.message));
	assert_true(utf8_valid(info.message, strlen(info.message)));
	str_fini(&b);
	(void)state;
}

static void scrub(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "{\"a\":\"b\"}", "{\"a\":\"b\"}" },
		{ "{\"auth_token\" : \"zz\", \"b\":1}", "{\"auth_token\" : \"[secret]\","
							" \"b\":1}" },
		{ "{\"AUTH_TOKEN\":\"q\\\"q\",\"c\":2}", "{\"AUTH_TOKEN\":\"[secret]\",\"c\":2}" },
		{ "{\"token\":null}", "{\"token\":null}" },
		{ "{\"auth_token\":\"cut of", "{\"auth_token\":\"[secret]\"" },
		{ "{\"auth_tok", "{\"auth_tok" },
		{ "\"", "\"" },
		{ "\"\\", "\"\\" },
	};

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct str b = STR_INIT(1000);
		str_add(&b, t[i].in);
		evidence_scrub(&b);
		assert_string_equal(str_get(&b), t[i].out);
		str_fini(&b);
	}
	struct secret *s = secret_new("planted-secret-value");
	struct str b = STR_INIT(1000);
	str_add(&b, "x planted-secret-value y");
	evidence_scrub(&b);
	assert_null(strstr(b.s, "planted"));
	str_fini(&b);
	secret_free(s);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanings),
		cmocka_unit_test(messages),
		cmocka_unit_test(long_message),
		cmocka_unit_test(scrub),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
