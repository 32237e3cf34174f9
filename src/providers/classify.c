/*
 * What a reply means. Pure: the whole outside world is in struct call_raw, so a
 * table of real and nasty replies is the test.
 *
 * Invariant: doubt never counts against an account. A 401 that is not in the
 * provider's own words (a proxy, a captive portal) is garbled, not rejected; test
 * credentials, key classes and quotas are refusals with a reason. It does not
 * retry, decide or remember anything.
 */
#include "providers/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"

static const char *const result_names[CALL_RESULTS] = {
	[CALL_OK] = "ok",
	[CALL_REJECTED] = "rejected",
	[CALL_INACTIVE] = "inactive",
	[CALL_NOT_FOUND] = "not found",
	[CALL_REFUSED] = "refused",
	[CALL_RATE_LIMITED] = "rate limited",
	[CALL_SERVER] = "server error",
	[CALL_TIMEOUT] = "timeout",
	[CALL_UNREACHABLE] = "unreachable",
	[CALL_GARBLED] = "garbled",
	[CALL_CANCELLED] = "cancelled",
};

const char *call_result_name(enum call_result r)
{
	return (unsigned)r < CALL_RESULTS ? result_names[r] : "?";
}

/* ---- evidence ----------------------------------------------------------------- */

static const char *const secret_members[] = {
	"auth_token", "authToken", "token", "secret", "api_key", "apiKey", "password",
	"account_auth_token", "primary_auth_token", "secondary_auth_token",
};

static bool is_secret_member(const char *name, size_t n)
{
	for (size_t i = 0; i < COUNT_OF(secret_members); i++)
		if (strlen(secret_members[i]) == n && !strncasecmp(secret_members[i], name, n))
			return true;
	return false;
}

/* Length of the quoted string that starts at s[0] == '"', quotes included; a string that
 * is cut off reaches to the end. */
static size_t quoted_len(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == '"')
			return i + 1;
	}
	return n;
}

void evidence_scrub(struct str *text)
{
	struct str out = STR_INIT(text->max);
	const char *s = str_get(text);
	size_t n = text->len, i = 0;

	while (i < n) {
		if (s[i] != '"') {
			str_addc(&out, s[i++]);
			continue;
		}
		size_t q = quoted_len(s + i, n - i);
		bool secret = q > 2 && is_secret_member(s + i + 1, q - 2);
		str_addn(&out, s + i, q);
		i += q;
		if (!secret)
			continue;
		while (i < n && strchr(" \t\r\n:", s[i]))
			str_addc(&out, s[i++]);
		if (i < n && s[i] == '"') {
			i += quoted_len(s + i, n - i);
			str_add(&out, "\"[secret]\"");
		}
	}
	str_fini(text);
	*text = out;
	redact(text);
}

static void keep_text(char *to, size_t n, const char *from)
{
	struct str b = STR_INIT(4096);

	str_add(&b, from);
	evidence_scrub(&b);
	char *clean = text_clean(str_get(&b), n - 4);
	size_t len = strlen(clean);
	if (len >= n) { /* many bytes for each character: cut where one starts */
		len = n - 1;
		while (len && ((unsigned char)clean[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(to, clean, len);
	to[len] = 0;
	free(clean);
	str_fini(&b);
}

/* ---- error bodies --------------------------------------------------------------- */

struct said {
	bool json;		/* the body is a JSON object */
	bool own;		/* it has the provider's shape */
	int64_t code;
	const char *name;	/* error word */
	const char *text;
};

static int64_t number_of(const struct json *v)
{
	int64_t n;

	if (json_str(v))
		return parse_i64(json_str(v), 0, INT32_MAX, &n) ? n : 0;
	n = json_i64(v, 0);
	return n > 0 && n <= INT32_MAX ? n : 0;
}

static const char *first_str(const struct json *v, const char *const *names)
{
	for (; *names; names++) {
		const char *s = json_get_str(v, *names);
		if (!str_empty(s))
			return s;
	}
	return NULL;
}

/* {code,message,more_info,status}, or RFC 9457 {type,title,status,code,detail}. */
static void read_twilio(const struct json *v, struct said *ret)
{
	static const char *const texts[] = { "message", "detail", "title", NULL };

	ret->code = number_of(json_get(v, "code"));
	ret->text = first_str(v, texts);
	ret->own = ret->code && ret->text;
}

/* `detail` is a text, a list of {loc,msg,type}, or {code|status, message}. */
static void read_elevenlabs(const struct json *v, struct said *ret)
{
	static const char *const words[] = { "code", "status", "type", NULL };
	const struct json *d = json_get(v, "detail");

	switch (json_type(d)) {
	case JSON_STRING: ret->text = json_str(d); break;
	case JSON_ARRAY:
		ret->text = json_get_str(json_first(d), "msg");
		ret->name = json_get_str(json_first(d), "type");
		break;
	case JSON_OBJECT:
		ret->text = json_get_str(d, "message");
		ret->name = first_str(d, words);
		break;
	default: return;
	}
	ret->own = true;
}

static void read_telnyx(const struct json *v, struct said *ret)
{
	static const char *const texts[] = { "detail", "title", NULL };
	const struct json *e = json_first(json_get(v, "errors"));

	ret->code = number_of(json_get(e, "code"));
	ret->text = first_str(e, texts);
	ret->own = ret->code || ret->text;
}

static void read_app(const struct json *v, struct said *ret)
{
	static const char *const texts[] = { "message", "detail", "title", "error", NULL };
	const struct json *e = json_get(v, "error");

	ret->text = first_str(json_type(e) == JSON_OBJECT ? e : v, texts);
	ret->own = true;
}

static void read_error(enum call_family family, const struct json *v, struct said *ret)
{
	*ret = (struct said){ .json = json_type(v) == JSON_OBJECT };
	if (!ret->json)
		return;
	switch (family) {
	case FAMILY_TWILIO: read_twilio(v, ret); break;
	case FAMILY_ELEVENLABS: read_elevenlabs(v, ret); break;
	case FAMILY_TELNYX: read_telnyx(v, ret); break;
	case FAMILY_APP:
	case FAMILY_FEED: read_app(v, ret); break;
	}
}

/* ---- meaning -------------------------------------------------------------------- */

/* The account itself is off; 20003 is not here, it has too many other meanings. */
static bool code_inactive(int64_t code)
{
	switch (code) {
	case 10001:
	case 20005:
	case 20403:
	case 21476:
	case 30002:
	case 30037:
	case 32005:
	case 90010: return true;
	default: return false;
	}
}

static bool has_word(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

static void set(struct call_info *ret, enum call_result r, enum call_reason why)
{
	ret->result = r;
	ret->reason = why;
}

/* 20003 also comes with other texts on writes ("compliance profile is not approved"). */
static bool about_credentials(const struct said *said)
{
	return !said->text || has_word(said->text, "authenticat") ||
	       has_word(said->text, "authoriz") || has_word(said->text, "credential") ||
	       has_word(said->text, "permission") || has_word(said->text, "invalid");
}

static void mean_twilio(const struct call_raw *raw, const struct said *said,
			struct call_info *ret)
{
	bool denied = raw->status == 401 || raw->status == 403;

	if (said->code == 20429)
		set(ret, CALL_RATE_LIMITED, REASON_NONE);
	else if (said->code == 20008)
		set(ret, CALL_REFUSED, REASON_TEST_CREDENTIALS);
	else if (code_inactive(said->code))
		set(ret, CALL_INACTIVE, REASON_NONE);
	else if (said->code == 20003 && raw->write && !about_credentials(said))
		set(ret, CALL_REFUSED, REASON_NONE);
	else if (denied && raw->api_key && raw->account_path)
		set(ret, CALL_REFUSED, REASON_KEY_CLASS);
	else if (said->code == 20006)
		set(ret, CALL_REFUSED, REASON_KEY_CLASS);
	else if (said->code == 20003 || said->code == 70051)
		set(ret, CALL_REJECTED, REASON_NONE);
	else if (raw->status == 401 && (said->own || raw->signed_reply))
		set(ret, CALL_REJECTED, REASON_NONE);
	else if (raw->status == 404 && (said->own || raw->signed_reply))
		set(ret, CALL_NOT_FOUND, REASON_NONE);
	else if (said->json || raw->signed_reply)
		set(ret, CALL_REFUSED, REASON_NONE);
	else
		set(ret, CALL_GARBLED, REASON_NONE);
}

static void mean_elevenlabs(const struct call_raw *raw, const struct said *said,
			    struct call_info *ret)
{
	if (!said->own && !raw->signed_reply)
		set(ret, CALL_GARBLED, REASON_NONE);
	else if (has_word(said->name, "quota") || has_word(said->name, "payment"))
		set(ret, CALL_REFUSED, REASON_QUOTA);
	else if (has_word(said->name, "permission"))
		set(ret, CALL_REFUSED, REASON_KEY_CLASS);
	else if (has_word(said->name, "concurrent") || has_word(said->name, "rate_limit") ||
		 has_word(said->name, "system_busy"))
		set(ret, CALL_RATE_LIMITED, REASON_NONE);
	else if (raw->status == 401)
		set(ret, CALL_REJECTED, REASON_NONE);
	else if (raw->status == 402 || raw->status == 403)
		set(ret, CALL_REFUSED, REASON_QUOTA);
	else if (raw->status == 404)
		set(ret, CALL_NOT_FOUND, REASON_NONE);
	else
		set(ret, CALL_REFUSED, REASON_NONE);
}

/* The rest has no codes worth telling apart. */
static void mean_plain(const struct call_raw *raw, const struct said *said, struct call_info *ret)
{
	bool strict = raw->family == FAMILY_TELNYX && !said->own && !raw->signed_reply;

	if (strict)
		set(ret, CALL_GARBLED, REASON_NONE);
	else if (raw->status == 401 || (raw->status == 403 && raw->family == FAMILY_APP))
		set(ret, CALL_REJECTED, REASON_NONE);
	else if (raw->status == 404)
		set(ret, CALL_NOT_FOUND, REASON_NONE);
	else
		set(ret, CALL_REFUSED, REASON_NONE);
}

static void classify_4xx(const struct call_raw *raw, const struct said *said,
			 struct call_info *ret)
{
	if (raw->status == 429)
		set(ret, CALL_RATE_LIMITED, REASON_NONE);
	else if (raw->status == 408)
		set(ret, CALL_TIMEOUT, REASON_NONE);
	else if (raw->family == FAMILY_TWILIO)
		mean_twilio(raw, said, ret);
	else if (raw->family == FAMILY_ELEVENLABS)
		mean_elevenlabs(raw, said, ret);
	else
		mean_plain(raw, said, ret);
}

static void say(struct call_info *ret, const struct call_raw *raw, const struct said *said)
{
	if (said->text) {
		keep_text(ret->message, sizeof(ret->message), said->text);
	} else if (raw->len) {
		_cleanup_(free_p) char *cut = xstrndup(raw->body, raw->len > 600 ? 600 : raw->len);
		_cleanup_(free_p) char *text = xasprintf("HTTP %d, body: %s", raw->status, cut);
		keep_text(ret->message, sizeof(ret->message), text);
	} else {
		snprintf(ret->message, sizeof(ret->message), "HTTP %d without a body", raw->status);
	}
	if (said->name)
		keep_text(ret->code_name, sizeof(ret->code_name), said->name);
	ret->code = said->code;
}

enum { ERROR_BODY_MAX = 64 * 1024 };

static void classify_reply(const struct call_raw *raw, struct call_info *ret)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct said said = { 0 };

	if ((raw->status >= 200 && raw->status < 300) || raw->status == 304) {
		set(ret, CALL_OK, REASON_NONE);
		return;
	}
	if (raw->len && raw->len <= ERROR_BODY_MAX)
		v = json_parse(raw->body, raw->len, NULL);
	read_error(raw->family, v, &said);
	if (raw->status >= 400 && raw->status < 500)
		classify_4xx(raw, &said, ret);
	else
		set(ret, raw->status >= 500 ? CALL_SERVER : CALL_GARBLED, REASON_NONE);
	say(ret, raw, &said);
}

static enum call_result below_http(enum http_result r)
{
	switch (r) {
	case HTTP_TIMEOUT: return CALL_TIMEOUT;
	case HTTP_RESOLVE:
	case HTTP_CONNECT:
	case HTTP_TLS: return CALL_UNREACHABLE;
	case HTTP_CANCELLED: return CALL_CANCELLED;
	case HTTP_REFUSED: return CALL_REFUSED;
	default: return CALL_GARBLED;
	}
}

void call_classify(const struct call_raw *raw, struct call_info *ret)
{
	ret->http_status = raw->http == HTTP_DONE ? raw->status : 0;
	ret->code = 0;
	ret->code_name[0] = ret->message[0] = 0;
	ret->reason = REASON_NONE;
	if (raw->http == HTTP_DONE)
		classify_reply(raw, ret);
	else
		ret->result = below_http(raw->http);
	switch (ret->result) {
	case CALL_SERVER:
	case CALL_TIMEOUT:
	case CALL_UNREACHABLE:
	case CALL_GARBLED:
	case CALL_CANCELLED: ret->maybe_done = raw->write && raw->sent; break;
	default: ret->maybe_done = false;
	}
}
