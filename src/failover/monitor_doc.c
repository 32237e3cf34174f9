/*
 * The monitor's findings as the JSON of contract §4, for people, cron and the history. A
 * follower's is what it knows itself, marked with whose it is.
 */
#include <stdio.h>
#include <string.h>

#include "failover/lease.h"
#include "failover/watch.h"
#include "store/health.h"

enum { DOC_AGENTS = 1000, DOC_BRIEF = 50, LOOK_MAX_MS = 500 };

static bool wanted(const char *kinds, enum probe_kind k)
{
	const char *name = probe_kind_name(k), *at = kinds;
	size_t n = strlen(name);

	if (str_empty(kinds))
		return true;
	while ((at = strstr(at, name))) {
		if ((at == kinds || at[-1] == ',') && (at[n] == 0 || at[n] == ','))
			return true;
		at += n;
	}
	return false;
}

static void add_checks(const struct watched *w, const char *kinds, struct jw *out)
{
	jw_arr(out, "checks");
	for (int k = 0; k < PROBE_MAX; k++) {
		const struct sample *s = &w->held.probe[k];

		if (!s->at_ms || !wanted(kinds, (enum probe_kind)k))
			continue;
		jw_obj(out, NULL);
		jw_str(out, "kind", probe_kind_name(k));
		jw_str(out, "outcome", outcome_name(s->outcome));
		jw_str(out, "class", s->cls);
		jw_str(out, "reason", s->why);
		if (s->code)
			jw_i64(out, "code", s->code);
		else
			jw_null(out, "code");
		jw_i64(out, "latencyMs", s->latency_ms);
		jw_str(out, "lastOutcome", outcome_name(w->raw.probe[k].outcome));
		jw_obj_end(out);
	}
	jw_arr_end(out);
}

static void add_agent(const struct roster *r, const struct roster_agent *a, struct jw *out)
{
	jw_obj(out, NULL);
	jw_str(out, "id", roster_text(r, a->id));
	jw_str(out, "name", roster_text(r, a->name));
	jw_str(out, "phoneNumber", roster_text(r, a->number));
	jw_str(out, "outcome", outcome_name(a->outcome));
	jw_str(out, "reason", agent_reason_text((enum agent_reason)a->reason));
	jw_obj_end(out);
}

/* Failing ones first; not all of a hundred thousand. */
static void add_agents(const struct monitor *m, const struct watched *w, bool brief,
		       struct jw *out)
{
	int64_t n = 0, max = brief ? DOC_BRIEF : DOC_AGENTS;
	int account = -1;

	for (size_t i = 0; i < m->roster.n_accounts; i++)
		if (str_eq(m->roster.accounts[i], w->row.id))
			account = (int)i;

	jw_arr(out, "agents");
	for (int pass = 0; pass < (brief ? 1 : 2); pass++) {
		for (size_t i = 0; i < m->roster.n && n < max; i++) {
			const struct roster_agent *a = &m->roster.v[i];

			if (a->account != account || !roster_watched(a) ||
			    (a->outcome != OUT_OK) != (pass == 0))
				continue;
			add_agent(&m->roster, a, out);
			n++;
		}
	}
	jw_arr_end(out);
}

void monitor_account_doc(const struct monitor *m, const struct watched *w, const char *kinds,
			 bool brief, struct jw *out, const char *name)
{
	char at[TIME_TEXT];

	jw_obj(out, name);
	jw_str(out, "accountId", w->row.id);
	jw_str(out, "name", w->row.name);
	jw_str(out, "status", health_name(w->sweep_n ? w->verdict.health : HEALTH_UNKNOWN));
	jw_str(out, "severity", severity_name(w->verdict.severity));
	jw_bool(out, "confirmed", w->verdict.confirmed);
	jw_str(out, "cause", w->verdict.cause);
	jw_str(out, "checkedAt", w->swept_wall_ms ? format_time(at, w->swept_wall_ms) : NULL);
	jw_obj(out, "totals");
	jw_i64(out, "agents", w->held.watched);
	jw_i64(out, "failing", w->held.failing + w->held.inherited);
	jw_i64(out, "unknown", w->held.unknown);
	jw_double(out, "failureRate", w->verdict.rate);
	jw_obj_end(out);
	add_checks(w, kinds, out);
	add_agents(m, w, brief, out);
	jw_obj_end(out);
}

/* The leader's last cycle, as it left it in the history. */
bool monitor_leaders_doc(const struct monitor *m, const struct watched *w, struct jw *out,
			 const char *name)
{
	_cleanup_(free_p) char *text = NULL;
	_cleanup_(json_free_p) struct json *j = NULL;
	struct err err = { 0 };
	int64_t at = 0;

	if (health_last_details(m->d->store, w->row.id, &text, &at, &err) < 0 || !text)
		return false;
	j = json_parse(text, strlen(text), &err);
	if (!json_get(j, "accountId"))
		return false;
	jw_obj(out, name);
	for (const struct json *v = json_first(j); v; v = json_next(v))
		jw_json(out, json_name(v), v);
	jw_bool(out, "stale", true);
	jw_str(out, "from", m->d->lease ? lease_holder(m->d->lease) : "");
	jw_obj_end(out);
	return true;
}

/* Until the decider has looked once at what the cycle found, to open what it must. */
static void await_decider(struct monitor *m)
{
	uint64_t look = m->looks_begun + 1;
	int64_t test = m->d->set->test_every_ms;
	int64_t until = loop_now_ms(m->d->loop) + (test < LOOK_MAX_MS ? test : LOOK_MAX_MS), left;

	while (monitor_leads(m) && m->looks_ended < look && !task_cancelled() &&
	       (left = until - loop_now_ms(m->d->loop)) > 0)
		condition_wait(&m->looked, left);
}

int monitor_cron(struct monitor *m, struct str *ret, struct err *err)
{
	int64_t since = loop_wall_ms(m->d->loop);
	struct str doc = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(ret);
	char **ids = NULL;
	size_t n = 0;
	int r = monitor_cycle(m, NULL, NULL, &doc, err);
	struct json *j = r == 0 ? json_parse(doc.s, doc.len, err) : NULL;

	str_fini(&doc);
	if (!j)
		return r < 0 ? r : err->code;
	await_decider(m);
	if (health_opened_since(m->d->store, since, &ids, &n, err) < 0)
		n = 0;
	jw_obj(&w, NULL);
	jw_json(&w, "ranAt", json_get(j, "ranAt"));
	jw_json(&w, "accounts", json_get(j, "accounts"));
	jw_arr(&w, "started");
	for (size_t i = 0; i < n; i++)
		jw_str(&w, NULL, ids[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	ids_free(ids, n);
	json_free(j);
	return 0;
}
