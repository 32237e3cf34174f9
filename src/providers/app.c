/*
 * The telephony application. Its hooks are POSTs signed over time and body; its
 * internal endpoints take X-Internal-Key; its webhooks are probed with a signature
 * made with the account's own token, as the provider would make it.
 *
 * A probe is marked (header, and a CallSid that no provider hands out), so that
 * the application can leave it without effects. It judges nothing: what the
 * application's failing means is for the health rules.
 */
#include "providers/app.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "providers/request.h"
#include "providers/signature.h"

static const char probe_call_sid[] = "CAringdownprobe0000000000000000000";
static const char probe_header[] = "X-Ringdown-Probe: 1";

/* A path under the base, or an address of its own. */
static void address(struct str *url, const struct providers *p, const char *path)
{
	if (strstr(path, "://"))
		str_add(url, path);
	else
		url_join(url, p->settings->app, path);
}

static enum call_result call(struct providers *p, const char *method, const char *path,
			     const char *body, const struct write_guard *guard, bool write,
			     struct json **ret, struct call_info *info)
{
	struct str url = STR_INIT(2048);

	address(&url, p, path);
	struct request rq = {
		.family = FAMILY_APP,
		.method = method,
		.url = str_get(&url),
		.bearer_prefix = p->settings->app_key ? "X-Internal-Key: " : NULL,
		.bearer = p->settings->app_key,
		.body = body,
		.content_type = "application/json",
		.write = write,
		.guard = guard,
	};
	request_json(p, &rq, ret, info);
	str_fini(&url);
	return info->result;
}

/* ---- health --------------------------------------------------------------------- */

static void read_health(const struct json *v, struct app_health *ret)
{
	static const char *const good[] = { "ok", "healthy", "up", "pass", "connected",
					    "operational", "active", "success", "" };

	text_of(v, "status", ret->status, sizeof(ret->status));
	ret->healthy = false;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		ret->healthy |= !strcasecmp(ret->status, good[i]);
	ret->healthy = ret->healthy && json_get_bool(v, "ok", true) &&
		       json_get_bool(v, "healthy", true) && json_get_bool(v, "connected", true);
}

static enum call_result health_at(struct providers *p, const char *path, struct app_health *ret,
				  struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;

	info_begin(info);
	*ret = (struct app_health){ 0 };
	call(p, "GET", path, NULL, NULL, false, &v, info);
	if (info->result == CALL_OK)
		read_health(v, ret);
	return info->result;
}

static enum call_result health(struct providers *p, struct app_health *ret, struct call_info *info)
{
	return health_at(p, "/health", ret, info);
}

static enum call_result twilio_health(struct providers *p, struct app_health *ret,
				      struct call_info *info)
{
	return health_at(p, "/health/twilio", ret, info);
}

/* ---- features ------------------------------------------------------------------- */

static enum call_result features(struct providers *p, struct app_features *ret,
				 struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;

	info_begin(info);
	*ret = (struct app_features){ 0 };
	if (call(p, "GET", "/internal/features", NULL, NULL, false, &v, info) != CALL_OK)
		return info->result;
	const struct json *list = json_get(v, "features");
	if (json_type(list) != JSON_OBJECT)
		return info_garbled(info, false, "no features in the answer", NULL, 0);
	for (const struct json *f = json_first(list); f; f = json_next(f)) {
		if (json_type(f) != JSON_BOOL || ret->n == APP_MAX_FEATURES)
			continue;
		struct app_feature *to = &ret->v[ret->n++];
		snprintf(to->name, sizeof(to->name), "%s", json_name(f));
		text_clean_buf(to->name);
		to->on = json_bool(f, false);
	}
	return CALL_OK;
}

static enum call_result feature_set(struct providers *p, const struct write_guard *guard,
				    const char *name, bool on, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str body = STR_INIT(512);
	struct jw w = JW(&body);

	info_begin(info);
	jw_obj(&w, NULL);
	jw_str(&w, "feature", name);
	jw_bool(&w, "enabled", on);
	jw_obj_end(&w);
	call(p, "PATCH", "/internal/features", str_get(&body), guard, true, &v, info);
	str_fini(&body);
	return info->result;
}

/* ---- webhooks ------------------------------------------------------------------- */

static const struct sig_param *probe_params(const struct credentials *c,
					    struct sig_param params[6])
{
	params[0] = (struct sig_param){ "AccountSid", c->account_sid };
	params[1] = (struct sig_param){ "CallSid", probe_call_sid };
	params[2] = (struct sig_param){ "CallStatus", "ringing" };
	params[3] = (struct sig_param){ "Direction", "inbound" };
	params[4] = (struct sig_param){ "From", "+15005550006" };
	params[5] = (struct sig_param){ "To", "+15005550006" };
	return params;
}

static const char *test_path(const struct providers *p)
{
	const char *path = p->settings->app_webhook_test;

	return path && path[0] == '/' ? path : "/webhooks/test";
}

/* A document whose root is <Response>; declaration, comments and spaces before it. */
static bool is_twiml(const char *s, size_t n)
{
	const char *end = s + n;

	for (;;) {
		while (s < end && strchr(" \t\r\n", *s) && *s)
			s++;
		const char *close = NULL;
		if (end - s > 4 && !memcmp(s, "<!--", 4))
			close = memmem(s, (size_t)(end - s), "-->", 3);
		else if (end - s > 2 && s[0] == '<' && s[1] == '?')
			close = memmem(s, (size_t)(end - s), "?>", 2);
		if (!close)
			break;
		s = close + (close[0] == '?' ? 2 : 3);
	}
	while (end > s && strchr(" \t\r\n", end[-1]))
		end--;
	size_t len = (size_t)(end - s);
	if (len < 11 || memcmp(s, "<Response", 9) || !strchr(" \t\r\n/>", s[9]))
		return false;
	if (len >= 20 && !memcmp(end - 11, "</Response>", 11))
		return true;
	return !memcmp(end - 2, "/>", 2) && !memchr(s + 1, '<', len - 1);
}

static enum call_result webhook_test(struct providers *p, const struct credentials *c,
				     const char *url, struct webhook_probe *ret,
				     struct call_info *info)
{
	struct sig_param params[6];
	struct http_reply reply;
	struct str at = STR_INIT(2048);
	struct str form = STR_INIT(2048);
	char signature[SIGNATURE_TEXT];
	char header[80];

	info_begin(info);
	*ret = (struct webhook_probe){ 0 };
	if (!c->token)
		return info_refuse(info, REASON_NO_CREDENTIAL,
				   "only the account's auth token signs webhooks");
	address(&at, p, url ? url : test_path(p));
	probe_params(c, params);
	for (size_t i = 0; i < COUNT_OF(params); i++)
		form_add(&form, params[i].name, params[i].value);
	twilio_signature(c->token, str_get(&at), params, COUNT_OF(params), signature);
	snprintf(header, sizeof(header), "X-Twilio-Signature: %s", signature);
	struct request rq = {
		.family = FAMILY_APP,
		.method = "POST",
		.url = str_get(&at),
		.header = { header, probe_header },
		.body = str_get(&form),
		.content_type = "application/x-www-form-urlencoded",
	};
	request_raw(p, &rq, &reply, info);
	ret->http_status = info->http_status;
	ret->answered = info->result == CALL_OK;
	ret->signature_refused = info->http_status == 401 || info->http_status == 403;
	ret->twiml = ret->answered && is_twiml(str_get(&reply.body), reply.body.len);
	http_reply_fini(&reply);
	str_fini(&form);
	str_fini(&at);
	return info->result;
}

static enum call_result validate_signature(struct providers *p, const struct credentials *c,
					   bool *ret_valid, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct sig_param params[6];
	struct str at = STR_INIT(2048);
	struct str body = STR_INIT(4096);
	struct jw w = JW(&body);
	char signature[SIGNATURE_TEXT];

	info_begin(info);
	*ret_valid = false;
	if (!c->token)
		return info_refuse(info, REASON_NO_CREDENTIAL,
				   "only the account's auth token signs webhooks");
	address(&at, p, test_path(p));
	probe_params(c, params);
	twilio_signature(c->token, str_get(&at), params, COUNT_OF(params), signature);
	jw_obj(&w, NULL);
	jw_str(&w, "url", str_get(&at));
	jw_str(&w, "signature", signature);
	jw_str(&w, "accountSid", c->account_sid);
	jw_obj(&w, "params");
	for (size_t i = 0; i < COUNT_OF(params); i++)
		jw_str(&w, params[i].name, params[i].value);
	jw_obj_end(&w);
	jw_obj_end(&w);
	call(p, "POST", "/debug/validate-signature", str_get(&body), NULL, false, &v, info);
	str_fini(&body);
	str_fini(&at);
	if (info->result != CALL_OK)
		return info->result;
	const struct json *valid = json_get(v, "valid");
	if (json_type(valid) != JSON_BOOL)
		valid = json_get(v, "isValid");
	if (json_type(valid) != JSON_BOOL)
		return info_garbled(info, false, "no verdict in the answer", NULL, 0);
	const char *by = json_get_str(v, "accountSid");
	*ret_valid = json_bool(valid, false) && (str_empty(by) || !strcmp(by, c->account_sid));
	return CALL_OK;
}

/* ---- hooks ---------------------------------------------------------------------- */

const char *app_hook_name(enum app_hook h)
{
	switch (h) {
	case HOOK_LOCK: return "lock";
	case HOOK_UNLOCK: return "unlock";
	case HOOK_AFTER_SWITCH: break;
	}
	return "afterSwitch";
}

/* An address of its own, or the usual path under the application's base. */
static const char *hook_path(const struct providers_settings *set, enum app_hook h)
{
	switch (h) {
	case HOOK_LOCK: return set->app_lock ? set->app_lock : "/internal/failover/lock";
	case HOOK_UNLOCK: return set->app_unlock ? set->app_unlock : "/internal/failover/unlock";
	case HOOK_AFTER_SWITCH: break;
	}
	return set->app_after_switch ? set->app_after_switch : "/internal/failover/after-switch";
}

static void hook_text(struct str *out, const struct hook_body *body)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	jw_str(&w, "eventId", body->event_id);
	jw_i64(&w, "epoch", body->epoch);
	jw_i64(&w, "ttlSeconds", body->ttl_s);
	jw_obj_end(&w);
}

static enum call_result hook(struct providers *p, const struct write_guard *guard,
			     enum app_hook which, const struct hook_body *body,
			     struct call_info *info)
{
	const struct providers_settings *set = p->settings;
	struct secret *key = set->hook_secret ? set->hook_secret : set->app_key;
	struct http_reply reply;
	struct str url = STR_INIT(2048);
	struct str text = STR_INIT(1024);
	char signature[RINGDOWN_SIGNATURE_TEXT];
	char header[RINGDOWN_SIGNATURE_TEXT + 32];

	info_begin(info);
	if (!key)
		return info_refuse(info, REASON_NO_CREDENTIAL,
				   "hooks.secret and internalServiceKey are both unset");
	const char *path = hook_path(set, which);
	bool ours = !strstr(path, "://"); /* the internal key goes to the application only */
	address(&url, p, path);
	hook_text(&text, body);
	ringdown_signature(key, loop_wall_ms(p->loop), str_get(&text), text.len, signature);
	snprintf(header, sizeof(header), "X-Ringdown-Signature: %s", signature);
	struct request rq = {
		.family = FAMILY_APP,
		.method = "POST",
		.url = str_get(&url),
		.bearer_prefix = ours && set->app_key ? "X-Internal-Key: " : NULL,
		.bearer = ours ? set->app_key : NULL,
		.header = { header },
		.body = str_get(&text),
		.content_type = "application/json",
		.write = true,
		.guard = guard,
	};
	request_raw(p, &rq, &reply, info);
	http_reply_fini(&reply);
	str_fini(&text);
	str_fini(&url);
	return info->result;
}

static enum call_result get(struct providers *p, const char *path, struct str *ret_text,
			    struct call_info *info)
{
	enum { TEXT_MAX = 64 * 1024 };
	struct http_reply reply;
	struct str url = STR_INIT(2048);

	info_begin(info);
	if (path[0] != '/')
		return info_refuse(info, REASON_NONE, "not a path under the application's address");
	url_join(&url, p->settings->app, path);
	struct request rq = { .family = FAMILY_APP, .method = "GET", .url = str_get(&url),
			      .bearer_prefix = p->settings->app_key ? "X-Internal-Key: " : NULL,
			      .bearer = p->settings->app_key };
	request_raw(p, &rq, &reply, info);
	size_t n = reply.body.len < TEXT_MAX ? reply.body.len : TEXT_MAX;
	str_addn(ret_text, str_get(&reply.body), n);
	evidence_scrub(ret_text);
	http_reply_fini(&reply);
	str_fini(&url);
	return info->result;
}

const struct app_ops app_ops = {
	.health = health,
	.twilio_health = twilio_health,
	.features = features,
	.feature_set = feature_set,
	.webhook_test = webhook_test,
	.validate_signature = validate_signature,
	.hook = hook,
	.get = get,
};
