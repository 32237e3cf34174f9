/*
 * The telephony application as the requirements describe it: health, feature
 * switches, the webhook probe (which checks X-Twilio-Signature with the tokens of
 * the known accounts, old generation and new), meeting rooms, alerting and
 * telephony figures, and the failover lock, whose longest time it keeps.
 *
 * A lock counts until its time to live is over: the application treats an expired
 * one as unlocked.
 */
#include "sim/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "sim/fault.h"
#include "sim/ledger.h"
#include "sim/traffic.h"

static const char *const features[] = { "call_recording", "voicemail_transcription",
					"sms_automation", "call_analytics",
					"ai_dispatch",	  "conference_calling",
					"international_calling", "mms_support" };

void sim_app_clear(struct sim_app *a)
{
	char *secret = TAKE(a->hook_secret);

	*a = (struct sim_app){ .hook_secret = secret };
	for (int i = 0; i < 5; i++)
		a->feature[i] = true;
}

/* ---- lock -------------------------------------------------------------------------- */

static void settle(struct sim_app *a, struct sim_lock *l, int64_t now_ms)
{
	int64_t end = now_ms < l->until_ms ? now_ms : l->until_ms;

	if (l->since_ms && end - l->since_ms > a->longest_lock_ms)
		a->longest_lock_ms = end - l->since_ms;
}

int64_t sim_app_longest_lock_ms(const struct sim_app *a, int64_t now_ms)
{
	struct sim_app copy = *a;

	for (int i = 0; i < copy.n_locks; i++)
		settle(&copy, &copy.lock[i], now_ms);
	return copy.longest_lock_ms;
}

static struct sim_lock *lock_of(struct sim_app *a, const char *event)
{
	for (int i = 0; i < a->n_locks; i++)
		if (str_eq(a->lock[i].event, event))
			return &a->lock[i];
	if (a->n_locks == (int)COUNT_OF(a->lock))
		return &a->lock[0];
	a->lock[a->n_locks] = (struct sim_lock){ 0 };
	snprintf(a->lock[a->n_locks].event, sizeof(a->lock[0].event), "%s", event);
	return &a->lock[a->n_locks++];
}

static bool hook_signed(struct sim_request *q)
{
	const char *h = q->header ? q->header(q->header_ctx, "X-Ringdown-Signature") : NULL;
	const char *secret = q->sim->app.hook_secret, *v1;
	struct str text = STR_INIT(1 << 20);
	uint8_t mac[SHA256_LEN];
	struct str hex = STR_INIT(128);
	bool ok;

	if (!secret)
		return true;
	v1 = h ? strstr(h, ",v1=") : NULL;
	if (!v1 || !str_has_prefix(h, "t="))
		return false;
	str_addn(&text, h + 2, (size_t)(v1 - h - 2));
	str_addc(&text, '.');
	str_addn(&text, q->body, q->body_len);
	hmac_sha256(secret, strlen(secret), text.s, text.len, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	ok = str_eq(hex.s, v1 + 4);
	str_fini(&text);
	str_fini(&hex);
	return ok;
}

static void failover_hook(struct sim_request *q)
{
	const char *what = q->arg[0], *event = json_get_str(q->json, "eventId");
	int64_t ttl = json_get_i64(q->json, "ttlSeconds", 300);
	struct sim_app *a = &q->sim->app;
	struct sim_lock *l;

	if (!hook_signed(q) || str_empty(event)) {
		sim_text(q, str_empty(event) ? 400 : 401, "application/json",
			 "{\"error\":\"eventId or signature\"}");
		return;
	}
	l = lock_of(a, event);
	if (str_eq(what, "lock")) {
		if (q->now_ms >= l->until_ms) {
			settle(a, l, q->now_ms);
			l->since_ms = q->now_ms;
		}
		l->until_ms = q->now_ms + ttl * 1000;
		l->epoch = json_get_i64(q->json, "epoch", 0);
		a->locks++;
		if (!l->in_force) {
			q->sim->world.phase++;	/* another attempt begins */
			l->in_force = true;
		}
	} else if (str_eq(what, "unlock")) {
		settle(a, l, q->now_ms);
		l->since_ms = l->until_ms = 0;
		l->in_force = false;
		a->unlocks++;
	} else if (str_eq(what, "after-switch")) {
		a->after_switches++;
	} else {
		sim_text(q, 404, "application/json", "{\"error\":\"not found\"}");
		return;
	}
	sim_text(q, 200, "application/json", "{\"ok\":true}");
}

/* ---- features, health ---------------------------------------------------------------- */

static bool internal_key(struct sim_request *q)
{
	const char *key = q->header ? q->header(q->header_ctx, "X-Internal-Key") : NULL;

	if (key && equal_ct(key, q->sim->world.internal_key))
		return true;
	sim_text(q, 401, "application/json", "{\"error\":\"X-Internal-Key is missing or wrong\"}");
	return false;
}

static void features_get(struct sim_request *q)
{
	struct jw w;

	if (!internal_key(q))
		return;
	sim_json_begin(q, &w, 200);
	jw_obj(&w, "features");
	for (size_t i = 0; i < COUNT_OF(features); i++)
		jw_bool(&w, features[i], q->sim->app.feature[i]);
	jw_obj_end(&w);
	sim_json_end(q, &w);
}

static void features_patch(struct sim_request *q)
{
	const char *name = json_get_str(q->json, "feature");
	const struct json *on = json_get(q->json, "enabled");

	if (!internal_key(q))
		return;
	for (size_t i = 0; i < COUNT_OF(features); i++)
		if (str_eq(features[i], name) && json_type(on) == JSON_BOOL) {
			if (q->sim->app.feature[i] != json_bool(on, false))
				sim_ledger_effective(q, NULL);
			q->sim->app.feature[i] = json_bool(on, false);
			features_get(q);
			return;
		}
	sim_text(q, 400, "application/json", "{\"error\":\"feature and enabled are needed\"}");
}

static void health(struct sim_request *q)
{
	sim_text(q, 200, "application/json",
		 "{\"status\":\"ok\",\"service\":\"twilio-server\",\"database\":\"connected\"}");
}

static struct sim_account *main_account(struct sim_request *q)
{
	return sim_account_get(&q->sim->world, "acme-main");
}

static void health_twilio(struct sim_request *q)
{
	struct sim_account *a = main_account(q);
	bool ok = a && a->status == SIM_ACTIVE && !a->token_rejected &&
		  !sim_fault_down(q->sim, "twilio", a);
	struct jw w;

	if (!internal_key(q))
		return;
	sim_json_begin(q, &w, ok ? 200 : 503);
	jw_str(&w, "status", ok ? "connected" : "error");
	jw_str(&w, "accountSid", a ? a->sid : NULL);
	sim_json_end(q, &w);
}

/* ---- signatures ------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct sim_param *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->value, y->value);
}

void sim_twilio_sign(const char *token, const char *url, const struct sim_params *p, char ret[32])
{
	struct sim_param *sorted = xcalloc(p->n + 1, sizeof(*sorted));
	struct str text = STR_INIT(1 << 20), b64 = STR_INIT(64);
	uint8_t mac[SHA1_LEN];

	if (p->n)
		memcpy(sorted, p->v, p->n * sizeof(*sorted));
	qsort(sorted, p->n, sizeof(*sorted), by_name);
	str_add(&text, url);
	for (size_t i = 0; i < p->n; i++) {
		if (i && by_name(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		str_add(&text, sorted[i].name);
		str_add(&text, sorted[i].value);
	}
	hmac_sha1(token, strlen(token), text.s, text.len, mac);
	str_add_base64(&b64, mac, sizeof(mac));
	snprintf(ret, 32, "%s", b64.s);
	str_fini(&text);
	str_fini(&b64);
	free_p(&sorted);
}

static bool signed_by(struct sim_request *q, const struct sim_account *a, const char *url,
		      const char *given)
{
	char made[32];

	sim_twilio_sign(a->token, url, &q->form, made);
	if (equal_ct(made, given))
		return true;
	sim_twilio_sign(a->second_token, url, &q->form, made);
	return equal_ct(made, given);
}

static bool signature_valid(struct sim_request *q)
{
	const char *given = q->header ? q->header(q->header_ctx, "X-Twilio-Signature") : NULL;
	const char *proto = q->header ? q->header(q->header_ctx, "X-Forwarded-Proto") : NULL;
	struct sim_account *named = sim_account_get(&q->sim->world, sim_form(q, "AccountSid"));
	struct str url = STR_INIT(8192);
	bool ok = false;

	if (!given)
		return false;
	str_addf(&url, "%s://%s%s", proto ? proto : "http", q->host ? q->host : "", q->path);
	if (!str_empty(q->query_text))
		str_addf(&url, "?%s", q->query_text);
	for (size_t i = 0; !ok && i < q->sim->world.n_accounts; i++)
		if (!named || named == q->sim->world.accounts[i])
			ok = signed_by(q, q->sim->world.accounts[i], url.s, given);
	str_fini(&url);
	return ok;
}

static void webhook_test(struct sim_request *q)
{
	if (!signature_valid(q)) {
		q->sim->app.webhooks_refused++;
		sim_text(q, 403, "application/json", "{\"error\":\"invalid signature\"}");
		return;
	}
	q->sim->app.webhooks_ok++;
	sim_text(q, 200, "text/xml",
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>");
}

/* {url, params, signature, accountSid} as captured from a real webhook. */
static void validate_signature(struct sim_request *q)
{
	const char *url = json_get_str(q->json, "url");
	const char *given = json_get_str(q->json, "signature");
	struct sim_world *world = &q->sim->world;
	struct sim_params p = { 0 };
	const char *by = NULL;
	struct jw w;

	if (!internal_key(q))
		return;
	for (const struct json *m = json_first(json_get(q->json, "params")); m; m = json_next(m)) {
		p.v = grow(p.v, &p.cap, p.n + 1, sizeof(*p.v));
		p.v[p.n++] = (struct sim_param){ json_name(m), json_str(m) ? json_str(m) : "" };
	}
	for (size_t i = 0; url && given && !by && i < world->n_accounts; i++) {
		char made[32];

		sim_twilio_sign(world->accounts[i]->token, url, &p, made);
		if (equal_ct(made, given))
			by = world->accounts[i]->sid;
	}
	sim_params_fini(&p);
	sim_json_begin(q, &w, 200);
	jw_bool(&w, "valid", by != NULL);
	jw_str(&w, "accountSid", by);
	sim_json_end(q, &w);
}

static void webhook_validation(struct sim_request *q)
{
	sim_text(q, 200, "application/json", "{\"valid\":true,\"webhooks\":\"ok\"}");
}

/* ---- alerting, telephony, rooms ----------------------------------------------------------- */

static double drop_rate(struct sim_request *q, int *ret_calls)
{
	struct sim_account *a = main_account(q);
	struct sim_call_it it;
	struct sim_call c;
	int calls = 0, failed = 0;

	if (!a)
		return 0;
	sim_calls_from(&it, q->sim, a, SIM_CALLS,
		       sim_wall(&q->sim->world, sim_time(&q->sim->world, q->now_ms) - 600000),
		       q->now_ms);
	while (calls < 2000 && sim_calls_next(&it, &c)) {
		calls++;
		failed += str_eq(c.status, "failed");
	}
	*ret_calls = calls;
	return calls ? 100.0 * failed / calls : 0;
}

/* What a quiet service shows, and what it shows while the provider or our webhooks are down;
 * `with_drop` of it comes with every percent of calls that drop. Only call_drop_rate itself is
 * counted from the calls. */
struct app_figure { const char *name; double calm, down, hooks_down, with_drop; };
static const struct app_figure app_figures[] = {
	{ "call_quality", 4.2, 2.4, 4.2, -0.02 },
	{ "webhook_failure_rate", 0.8, 4, 100, 0 },
	{ "api_response_time", 240, 4800, 900, 12 },
	{ "error_rate", 0.6, 22, 7, 0.1 },
	{ "webhook_processing_time", 0.4, 2.6, 5, 0 },
	{ "memory_usage", 310, 330, 310, 0 },
	{ "transcription_queue", 12, 140, 12, 0 },
	{ "provider_health", 99, 12, 97, -0.8 },
	{ "backup_age", 6, 6, 6, 0 },			/* minutes */
};

static double app_figure(struct sim_request *q, const char *metric, double drop)
{
	const struct sim_account *a = main_account(q);

	for (size_t i = 0; metric && i < COUNT_OF(app_figures); i++) {
		const struct app_figure *f = &app_figures[i];
		double v;

		if (!str_eq(metric, f->name))
			continue;
		if (sim_fault_down(q->sim, "twilio", a))
			return f->down;
		if (sim_fault_path_down(q->sim, "app", "/webhooks"))
			return f->hooks_down;
		v = f->calm + f->with_drop * drop;
		return v < 0 ? 0 : v;
	}
	return drop;
}

static void active_calls(struct sim_request *q, struct jw *w)
{
	struct sim_account *a = main_account(q);
	int n = a && !sim_fault_down(q->sim, "twilio", a) ? 4 : 0;
	char sid[40];

	jw_arr(w, "calls");
	for (int i = 0; i < n; i++) {
		snprintf(sid, sizeof(sid), "CA%032d", i + 1);
		jw_obj(w, NULL);
		jw_str(w, "callSid", sid);
		jw_str(w, "provider", i % 2 ? "telnyx" : "twilio");
		jw_double(w, "mos", 4.1 + 0.05 * i);
		jw_i64(w, "jitterMs", 8 + i);
		jw_double(w, "packetLoss", 0.2);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void figures(struct sim_request *q)
{
	const char *metric = sim_query(q, "metric_type");
	int calls = 0;
	double rate = drop_rate(q, &calls);
	struct jw w;

	sim_json_begin(q, &w, 200);
	jw_str(&w, "status", rate < 5 ? "healthy" : "degraded");
	jw_str(&w, "metric_type", metric);
	jw_i64(&w, "count", calls);
	jw_double(&w, "average", app_figure(q, metric, rate));
	jw_double(&w, "callDropRate", rate);
	active_calls(q, &w);
	sim_json_end(q, &w);
}

static void webhook_sink(struct sim_request *q)
{
	sim_text(q, 200, "application/json", "{\"received\":true}");
}

/* R0: creating a room fails while Video does; an open one is reused. */
static void rooms(struct sim_request *q)
{
	const char *booking = json_get_str(q->json, "booking_id");
	struct jw w;

	if (str_empty(booking)) {
		sim_text(q, 400, "application/json", "{\"error\":\"booking_id is needed\"}");
		return;
	}
	if (sim_fault_down(q->sim, "video", main_account(q))) {
		sim_text(q, 503, "application/json",
			 "{\"error\":\"Video is unavailable, see status.twilio.com\"}");
		return;
	}
	sim_json_begin(q, &w, str_eq(q->method, "PUT") ? 200 : 201);
	jw_str(&w, "booking_id", booking);
	jw_str(&w, "room_name", booking);
	if (str_eq(q->method, "PUT"))
		jw_str(&w, "token", "simulated");
	sim_json_end(q, &w);
}

void sim_app_write(struct sim *s, struct jw *w)
{
	int64_t now = sim_now(s);

	jw_obj(w, "app");
	jw_str(w, "internalKey", s->world.internal_key);
	jw_obj(w, "features");
	for (size_t i = 0; i < COUNT_OF(features); i++)
		jw_bool(w, features[i], s->app.feature[i]);
	jw_obj_end(w);
	jw_arr(w, "locks");
	for (int i = 0; i < s->app.n_locks; i++) {
		jw_obj(w, NULL);
		jw_str(w, "eventId", s->app.lock[i].event);
		jw_i64(w, "epoch", s->app.lock[i].epoch);
		jw_bool(w, "locked", now < s->app.lock[i].until_ms);
		jw_time(w, "until", s->app.lock[i].until_ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_double(w, "maxLockedSeconds", (double)sim_app_longest_lock_ms(&s->app, now) / 1000);
	jw_i64(w, "lockCalls", (int64_t)s->app.locks);
	jw_i64(w, "unlockCalls", (int64_t)s->app.unlocks);
	jw_i64(w, "afterSwitchCalls", (int64_t)s->app.after_switches);
	jw_i64(w, "webhooksAccepted", (int64_t)s->app.webhooks_ok);
	jw_i64(w, "webhooksRefused", (int64_t)s->app.webhooks_refused);
	jw_obj_end(w);
}

static const struct sim_route routes[] = {
	{ "GET", "/health", "health", health, 0 },
	{ "GET", "/health/twilio", "health.twilio", health_twilio, 0 },
	{ "GET", "/internal/features", "features.get", features_get, 0 },
	{ "PATCH", "/internal/features", "features.patch", features_patch, RT_WRITE },
	{ "POST", "/webhooks/test", "webhook.test", webhook_test, 0 },
	{ "GET", "/webhooks/test", "webhook.test", webhook_test, 0 },
	{ "POST", "/debug/validate-signature", "signature", validate_signature, 0 },
	{ "POST", "/test/webhook-validation", "webhook.validation", webhook_validation, 0 },
	{ "POST", "/internal/failover/{}", "failover.hook", failover_hook, 0 },
	{ "GET", "/alerting/{}", "alerting", figures, 0 },
	{ "GET", "/alerting/metrics/summary", "alerting", figures, 0 },
	{ "GET", "/telephony/calls/active", "telephony", figures, 0 },
	{ "GET", "/telephony/calls/active/quality", "telephony", figures, 0 },
	{ "GET", "/telephony/providers/{}/health", "telephony", figures, 0 },
	{ "POST", "/telephony/webhooks/{}", "telephony.webhook", webhook_sink, 0 },
	{ "POST", "/webhooks/{}", "webhooks", webhook_sink, 0 },
	{ "POST", "/api/meetings/rooms", "rooms", rooms, 0 },
	{ "PUT", "/api/meetings/rooms", "rooms", rooms, 0 },
};

void sim_app(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));

	if (r)
		r->fn(q);
	else
		sim_text(q, 404, "application/json", "{\"error\":\"not found\"}");
}
