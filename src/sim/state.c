/*
 * GET /_sim/state: enough to fill a database from, and to judge a run by. Secrets
 * are in it: it is for loopback, and the accounts are not real.
 */
#include "sim/control.h"

#include <stdio.h>
#include <string.h>
#include "sim/app.h"
#include "sim/fault.h"
#include "sim/fields.h"
#include "sim/ledger.h"
#include "sim/scenarios.h"

static void account(struct sim *s, struct jw *w, const struct sim_account *a)
{
	static const char *const status[] = { "active", "suspended", "closed" };

	(void)s;
	jw_obj(w, NULL);
	jw_str(w, "sid", a->sid);
	jw_str(w, "name", a->name);
	jw_str(w, "role", a->role);
	jw_i64(w, "lineage", a->lineage);
	jw_i64(w, "priority", a->priority);
	jw_str(w, "parentSid", a->parent ? a->parent->sid : NULL);
	jw_str(w, "parentName", a->parent ? a->parent->name : NULL);
	jw_str(w, "status", status[a->status]);
	jw_str(w, "type", a->type);
	jw_str(w, "authToken", a->token);
	jw_str(w, "secondaryToken", a->second_token);
	jw_str(w, "testSid", a->test_sid);
	jw_str(w, "testToken", a->test_token);
	jw_arr(w, "apiKeys");
	for (int i = 0; i < a->n_keys; i++) {
		if (a->keys[i].revoked)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "sid", a->keys[i].sid);
		jw_str(w, "secret", a->keys[i].secret);
		jw_str(w, "type", a->keys[i].standard ? "standard" : "main");
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_double(w, "balance", a->balance);
	jw_str(w, "currency", a->currency);
	jw_str(w, "region", a->region);
	jw_str(w, "edge", a->edge);
	jw_bool(w, "source", a->source);
	jw_bool(w, "tokenRejected", a->token_rejected);
	jw_bool(w, "keysRejected", a->keys_rejected);
	jw_str(w, "inactiveAnswer", a->inactive_answer);
	jw_i64(w, "numbers", (int64_t)a->n_numbers);
	jw_i64(w, "requests", (int64_t)a->requests);
	jw_i64(w, "effectiveWrites", (int64_t)a->effective_writes);
	jw_i64(w, "webhookWrites", (int64_t)a->webhook_writes);
	jw_i64(w, "messagesSent", (int64_t)a->n_messages);
	jw_i64(w, "callsMade", (int64_t)a->n_calls);
	jw_obj_end(w);
}

static bool failing_now(const struct sim_history *h, int64_t now, int *ret_code)
{
	const struct sim_health *x = sim_history_at(h, now);

	*ret_code = x && x->rate > 0 ? x->code : 0;
	return x && x->rate > 0;
}

static void number(struct sim *s, struct jw *w, const struct sim_number *n)
{
	char area[4] = "";
	int code;

	if (str_has_prefix(n->e164, "+1"))
		snprintf(area, sizeof(area), "%.3s", n->e164 + 2);
	jw_obj(w, NULL);
	jw_str(w, "phoneNumber", n->e164);
	jw_str(w, "sid", n->sid);
	jw_str(w, "accountSid", n->account->sid);
	jw_str(w, "account", n->account->name);
	jw_str(w, "country", n->country);
	jw_str(w, "areaCode", *area ? area : NULL);
	jw_bool(w, "voice", n->voice);
	jw_bool(w, "sms", n->sms);
	jw_bool(w, "smsReady", n->sms_ready);
	jw_bool(w, "deleted", n->gone);
	jw_bool(w, "answered", n->slot >= 0 && !n->until_ms);
	jw_str(w, "voiceRegion", n->voice_region);
	for (int i = NF_VOICE_URL; i <= NF_TRUNK; i++)
		jw_str(w, sim_fields[i].camel, n->v[i]);
	jw_str(w, "messagingServiceSid", n->service ? n->service->sid : NULL);
	jw_str(w, "importId", n->import ? n->import->id : NULL);
	jw_str(w, "agentId",
	       n->import && n->import->agent ? n->import->agent->eleven_id : NULL);
	jw_bool(w, "failing", failing_now(n->calls_health, sim_now(s), &code));
	jw_i64(w, "failingCode", code);
	jw_obj_end(w);
}

static void agent(struct sim *s, struct jw *w, const struct sim_agent *g)
{
	int code;

	jw_obj(w, NULL);
	jw_str(w, "id", g->id);
	jw_str(w, "elevenLabsAgentId", g->eleven_id);
	jw_str(w, "name", g->name);
	jw_str(w, "orgId", g->org_id);
	jw_str(w, "orgName", g->org);
	jw_str(w, "integration", g->integration);
	jw_i64(w, "priority", g->priority);
	jw_str(w, "phoneNumber", g->home->e164);
	jw_str(w, "accountSid", g->home->account->sid);
	jw_str(w, "account", g->home->account->name);
	jw_bool(w, "archived", g->archived);
	jw_bool(w, "deleted", g->deleted);
	jw_bool(w, "failing", failing_now(g->home->calls_health, sim_now(s), &code));
	jw_obj_end(w);
}

static void import(struct jw *w, const struct sim_import *i)
{
	jw_obj(w, NULL);
	jw_str(w, "phoneNumberId", i->id);
	jw_str(w, "phoneNumber", i->e164);
	jw_str(w, "accountSid", i->account_sid);
	jw_str(w, "label", i->label);
	jw_bool(w, "enableSms", i->sms);
	jw_str(w, "agentId", i->agent ? i->agent->eleven_id : NULL);
	jw_obj_end(w);
}

static void bases(struct sim *s, struct jw *w)
{
	static const struct { const char *name, *path; } table[] = {
		{ "TWILIO_API_BASE", "" },
		{ "TWILIO_MONITOR_BASE", "/monitor" },
		{ "TWILIO_MESSAGING_BASE", "/messaging" },
		{ "TWILIO_VIDEO_BASE", "/video" },
		{ "TWILIO_ROUTES_BASE", "/routes" },
		{ "TWILIO_PRICING_BASE", "/pricing" },
		{ "ELEVENLABS_BASE", "/elevenlabs" },
		{ "TELNYX_BASE", "/telnyx" },
		{ "TWILIO_STATUS_BASE", "/status/twilio" },
		{ "ELEVENLABS_STATUS_BASE", "/status/elevenlabs" },
		{ "TELNYX_STATUS_BASE", "/status/telnyx" },
		{ "AWS_HEALTH_BASE", "/aws" },
		{ "SLACK_BASE", "/slack" },
		{ "PAGERDUTY_BASE", "/pagerduty" },
		{ "APP_BASE", "/app" },
	};
	char text[96];

	jw_obj(w, "bases");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", s->port, table[i].path);
		jw_str(w, table[i].name, text);
	}
	jw_obj_end(w);
	snprintf(text, sizeof(text), "smtp://127.0.0.1:%d", s->smtp_port);
	jw_str(w, "smtp", text);
}

static bool wants(const char *parts, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = parts; !str_empty(p);) {
		size_t len = strcspn(p, ",");

		if (len == n && strncmp(p, name, n) == 0)
			return true;
		p += len + (p[len] == ',');
	}
	return str_empty(parts);
}

static void world_members(struct sim *s, struct jw *w)
{
	jw_i64(w, "seed", (int64_t)s->world.shape.seed);
	jw_i64(w, "agentCount", (int64_t)s->world.n_agents);
	jw_double(w, "speed", s->world.speed);
	jw_i64(w, "phase", s->world.phase);
	jw_time(w, "now", sim_now(s));
	jw_i64(w, "callEveryMs", s->world.call_every_ms);
	jw_bool(w, "importRefusesDuplicate", s->world.import_refuses_duplicate);
	jw_bool(w, "deleteClearsWebhook", s->world.delete_clears_webhook);
	bases(s, w);
	jw_obj(w, "elevenlabs");
	jw_str(w, "apiKey", s->world.eleven_key);
	jw_obj_end(w);
	jw_obj(w, "telnyx");
	jw_str(w, "apiKey", s->world.telnyx_key);
	jw_obj_end(w);
}

void sim_state_write(struct sim *s, struct jw *w, const char *parts)
{
	const struct sim_world *x = &s->world;

	if (wants(parts, "world"))
		world_members(s, w);
	if (wants(parts, "scenario"))
		sim_scenario_write(s, w);
	if (wants(parts, "counters"))
		sim_ledger_write(s, w);
	if (wants(parts, "faults"))
		sim_fault_list(s, w);
	if ((wants(parts, "faults") || wants(parts, "waiting")) && s->write_waiting)
		s->write_waiting(s->server, w);
	if (wants(parts, "app")) {
		sim_app_write(s, w);
		jw_double(w, "maxLockedSeconds",
			  (double)sim_app_longest_lock_ms(&s->app, sim_now(s)) / 1000);
	}
	if (wants(parts, "accounts")) {
		jw_arr(w, "accounts");
		for (size_t i = 0; i < x->n_accounts; i++)
			account(s, w, x->accounts[i]);
		jw_arr_end(w);
	}
	if (wants(parts, "numbers")) {
		jw_arr(w, "numbers");
		for (size_t i = 0; i < x->n_numbers; i++)
			number(s, w, x->numbers[i]);
		jw_arr_end(w);
	}
	if (wants(parts, "agents")) {
		jw_arr(w, "agents");
		for (size_t i = 0; i < x->n_agents; i++)
			agent(s, w, x->agents[i]);
		jw_arr_end(w);
	}
	if (wants(parts, "imports")) {
		jw_arr(w, "imports");
		for (size_t i = 0; i < x->n_imports; i++)
			import(w, x->imports[i]);
		jw_arr_end(w);
	}
}
