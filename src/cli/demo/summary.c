/*
 * The end of a headless run: what PostgreSQL and the simulator say is held against the
 * scenario's row, and the summary line is printed.
 */
#include <string.h>

#include "cli/demo/demo.h"
#include "core/mem.h"
#include "store/store.h"

struct facts {
	struct json *sim;		/* /_sim/state */
	int64_t forbidden, duplicate, sent, agents, moved, rolled_back;
	double locked_s;
	char outcome[200];
};

static struct store *open_store(struct demo *d, struct err *err)
{
	struct store_options o = { .url = d->db_url, .engine_id = "demo", .timeout_ms = 20000,
				   .read_only = true };

	return store_open(d->loop, &o, err);
}

/* ---- outcome --------------------------------------------------------------------------- */

/* Distinct statuses in PostgreSQL, sorted, joined by "+"; without events alert or none. */
static bool read_outcome(struct demo *d, struct store *s, struct facts *f)
{
	struct pg_result *r = NULL;
	struct err err = { 0 };
	int64_t events;

	if (store_query(s, &r, &err,
			"SELECT (SELECT string_agg(status, '+' ORDER BY status) FROM"
			"        (SELECT DISTINCT status FROM \"TwilioFailoverEvent\") x),"
			" (SELECT count(*) FROM \"TwilioFailoverEvent\"),"
			" (SELECT count(*) FROM \"VoiceAgent\" WHERE status = 'ACTIVE'),"
			" (SELECT coalesce(sum(agents_moved), 0) FROM ringdown.event),"
			" (SELECT count(*) FROM ringdown.event_item WHERE state = 'undone')",
			"") < 0)
		return demo_fail(d, "%s", err.msg);
	events = pg_i64(r, 0, 1);
	f->agents = pg_i64(r, 0, 2);
	f->moved = pg_i64(r, 0, 3);
	f->rolled_back = pg_i64(r, 0, 4);
	snprintf(f->outcome, sizeof(f->outcome), "%s", events ? pg_text(r, 0, 0) :
		 d->alerts > 0 || d->state.n_alerts > 0 ? "alert" : "none");
	pg_result_free(r);
	return true;
}

/* "a|b": one of them. */
static bool is_expected(const char *expected, const char *outcome)
{
	size_t len = strlen(outcome);

	for (const char *p = expected; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (strncmp(p, outcome, len) == 0 && (p[len] == '\0' || p[len] == '|'))
			return true;
	return false;
}

/* ---- agents: PostgreSQL against the simulator -------------------------------------------- */

static const struct json *number_by(const struct json *sim, const char *e164, const char *sid)
{
	for (const struct json *v = json_first(json_get(sim, "numbers")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "phoneNumber"), e164) &&
		    str_eq(json_get_str(v, "accountSid"), sid))
			return v;
	return NULL;
}

/* Every agent is answered on the number that PostgreSQL says it uses now. A source that is
 * down is not asked: nothing can answer there. */
static bool check_agents(struct demo *d, struct store *s, const struct facts *f)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(s, &r, &err,
			"SELECT v.id, v.\"elevenLabsAgentId\", v.\"backupPhoneNumber\","
			" t.\"accountSid\", coalesce(x.integration, 'import')"
			" FROM \"VoiceAgent\" v JOIN ringdown.agent_ext x ON x.agent_id = v.id"
			" JOIN \"TwilioAccount\" t ON t.id = v.\"twilioAccountId\""
			" WHERE v.\"twilioAccountId\" <> x.home_account LIMIT 5000", "") < 0)
		return demo_fail(d, "%s", err.msg);
	for (int i = 0; i < pg_rows(r); i++) {
		const struct json *n = number_by(f->sim, pg_text(r, i, 2), pg_text(r, i, 3));

		if (!n)
			return demo_fail(d, "%s uses %s, which its account does not have",
					 pg_text(r, i, 0), pg_text(r, i, 2));
		if (str_eq(pg_text(r, i, 4), "import") &&
		    !str_eq(json_get_str(n, "agentId"), pg_text(r, i, 1)))
			return demo_fail(d, "%s is not assigned to %s at ElevenLabs",
					 pg_text(r, i, 2), pg_text(r, i, 0));
		if (str_empty(json_get_str(n, "voiceUrl")))
			return demo_fail(d, "%s has no VoiceUrl", pg_text(r, i, 2));
	}
	return true;
}

static bool check_invariants(struct demo *d, struct store *s)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(s, &r, &err,
			"SELECT (SELECT count(*) FROM (SELECT \"backupPhoneNumber\" FROM"
			" \"VoiceAgent\"  WHERE \"backupPhoneNumber\" IS NOT NULL GROUP BY 1 HAVING"
			" count(*) > 1) x), (SELECT count(*) FROM ringdown.event e WHERE e.status ="
			" 'completed' AND  e.agents_moved + e.agents_failed < e.agents_total AND"
			" NOT e.partial)", "") < 0)
		return demo_fail(d, "%s", err.msg);
	if (pg_i64(r, 0, 0) > 0)
		return demo_fail(d, "a number belongs to two agents");
	if (pg_i64(r, 0, 1) > 0)
		return demo_fail(d, "completed although agents of the plan did not move");
	return true;
}

/* ---- all checks ------------------------------------------------------------------------------ */

static bool check(struct demo *d, struct store *s, struct facts *f)
{
	_cleanup_(free_p) char *digest = NULL;

	if (!read_outcome(d, s, f))
		return false;
	if (d->failed)
		return false;
	if (!is_expected(d->scenario->expected, f->outcome))
		return demo_fail(d, "expected %s", d->scenario->expected);
	if (d->scenario->no_event && d->state.n_events > 0)
		return demo_fail(d, "an event was opened");
	if (f->forbidden || f->duplicate)
		return demo_fail(d, "%lld forbidden and %lld duplicate writes",
				 (long long)f->forbidden, (long long)f->duplicate);
	for (const struct json *v = json_first(json_path(f->sim, "app.locks")); v; v = json_next(v))
		if (json_get_bool(v, "locked", false))
			return demo_fail(d, "the application is still locked for %s",
					 json_get_str(v, "eventId"));
	if (!check_invariants(d, s))
		return false;
	if (d->scenario->digest_same) {
		digest = demo_digest(d);
		if (!str_eq(digest, d->digest))
			return demo_fail(d, "the simulator's digest differs from before the"
					    " outage");
		return true;
	}
	return check_agents(d, s, f);
}

static void print_summary(struct demo *d, const struct facts *f)
{
	struct str b = STR_INIT((size_t)16 << 20);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	jw_str(&w, "kind", "summary");
	jw_time(&w, "at", loop_wall_ms(d->loop));
	jw_str(&w, "scenario", d->scenario->name);
	jw_str(&w, "expected", d->scenario->expected);
	jw_str(&w, "outcome", f->outcome);
	jw_bool(&w, "ok", !d->failed);
	jw_str(&w, "why", d->failed ? d->why : NULL);
	if (d->state.n_events)
		event_json(&w, "event", &d->state.events[0]);
	else
		jw_null(&w, "event");
	jw_arr(&w, "events");
	for (size_t i = 0; i < d->state.n_events; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "id", d->state.events[i].id);
		jw_str(&w, "status", event_status_name(d->state.events[i].status));
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_i64(&w, "agents", f->agents);
	jw_i64(&w, "moved", f->moved);
	jw_i64(&w, "rolledBack", f->rolled_back);
	jw_i64(&w, "alerts", d->alerts > (int64_t)d->state.n_alerts ? d->alerts :
	       (int64_t)d->state.n_alerts);
	jw_i64(&w, "notifications", f->sent);
	jw_double(&w, "maxLockedSeconds", f->locked_s);
	jw_i64(&w, "forbiddenWrites", f->forbidden);
	jw_i64(&w, "duplicateWrites", f->duplicate);
	jw_double(&w, "seconds", d->began_ms ?
		  (double)(loop_wall_ms(d->loop) - d->began_ms) / 1000 : 0);
	jw_obj_end(&w);
	if (d->o.jsonl)
		puts(b.s);
	else
		printf("%s: expected %s, got %s: %s%s%s\n", d->scenario->name,
		       d->scenario->expected, f->outcome, d->failed ? "NOT as it must be" : "ok",
		       d->failed ? ": " : "",
		       d->failed ? d->why : "");
	fflush(stdout);
	str_fini(&b);
}

bool demo_summary(struct demo *d)
{
	struct facts f = { .outcome = "unknown" };
	struct err err = { 0 };
	struct json *sent = demo_sim(d, "GET", "/_sim/sent", NULL, NULL);
	struct store *s = open_store(d, &err);

	f.sim = demo_sim(d, "GET", "/_sim/state", NULL, NULL);
	f.sent = (int64_t)json_count(json_get(sent, "sent"));
	f.forbidden = json_get_i64(f.sim, "forbiddenWrites", -1);
	f.duplicate = json_get_i64(f.sim, "duplicateWrites", -1);
	f.locked_s = json_get_double(f.sim, "maxLockedSeconds", -1);
	if (s)
		check(d, s, &f);
	else
		demo_fail(d, "%s", err.msg);
	print_summary(d, &f);
	store_close(s);
	json_free(sent);
	json_free(f.sim);
	return !d->failed;
}
