/*
 * What a provider's support asks for, as R3 lists it, filled from the database. What nobody
 * recorded is said to be missing, with where it could come from; a person may fill it in
 * (fields of the incident, by the name of the need).
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"
#include "incident/messages.h"

struct pack {
	const struct policy_vendor *v;
	const struct incident_doc *d;
	const struct evidence *e;
	const struct facts *f;
	int64_t now_ms;
	struct strlist missing;
};

/* ---- what is required ---------------------------------------------------------------------- */

/* By the words of the policy: the first that is in the need. how: where it comes from; the
 * command that gives it to the incident follows. */
enum need { NEED_CALLS, NEED_CONNECTION, NEED_ACCOUNT, NEED_NUMBERS, NEED_ERRORS, NEED_TRACES,
	    NEED_WINDOW, NEED_IMPACT, NEED_OTHER };
static const struct { const char *word; enum need need; const char *how;
} needs[] = {
	{ "call sid", NEED_CALLS,
	  "no failed call of its numbers is recorded; look one up in the provider's call log" },
	{ "connection", NEED_CONNECTION,
	  "no number of these accounts has one on record; read it now: ringdown numbers sync; or"
	  " copy it from the provider's portal" },
	{ "account", NEED_ACCOUNT,
	  "no account of this provider is known: ringdown accounts add" },
	{ "number", NEED_NUMBERS, "no failing agent or number of its accounts is recorded" },
	{ "trace", NEED_TRACES, NULL },
	{ "error", NEED_ERRORS, "no failed probe, test, call or message is recorded" },
	{ "log", NEED_ERRORS, "no failed probe, test, call or message is recorded" },
	{ "window", NEED_WINDOW, "the incident has no beginning" },
	{ "impact", NEED_IMPACT, "nothing was counted and nobody said it" },
};

/* What no database can know is made outside, by a command that stands here whole. */
static char *how_to(const struct pack *k, enum need n, const char *how, const char *field)
{
	const char *id = k->d->incident.id, *host = k->v->trace ? k->v->trace : "HOST";

	if (n == NEED_TRACES)
		return xasprintf("no network step of a run of this incident left any; on a machine"
				 " of the service: mtr -rwbzc 50 %s >trace.txt; then: ringdown"
				 " incident edit %s --field %s=@trace.txt; or: ringdown runbook run"
				 " poor-call-quality --incident %s", host, id, field, id);
	if (n == NEED_IMPACT)
		return xasprintf("%s: ringdown incident edit %s --impact TEXT", how, id);
	return xasprintf("%s%sringdown incident edit %s --field %s=VALUE", how ? how : "",
			 how ? "; then: " : "", id, field);
}

static const struct strlist *list_of(const struct evidence *e, enum need n)
{
	switch (n) {
	case NEED_CALLS: return &e->calls;
	case NEED_CONNECTION: return &e->connections;
	case NEED_ACCOUNT: return &e->accounts;
	case NEED_NUMBERS: return &e->numbers;
	case NEED_ERRORS: return &e->errors;
	case NEED_TRACES: return &e->traces;
	default: return NULL;
	}
}

static char *window_text(const struct pack *k)
{
	const struct incident *i = &k->d->incident;
	int64_t since = i->started_at_ms ? i->started_at_ms : i->declared_at_ms;
	int64_t until = i->mitigated_at_ms ? i->mitigated_at_ms : i->resolved_at_ms;
	char from[TIME_TEXT], to[TIME_TEXT], took[32];

	if (!since)
		return NULL;
	format_duration(took, sizeof(took), ((until ? until : k->now_ms) - since) / 60000 * 60000);
	return xasprintf("%s to %s (%s)", format_time(from, since),
			 until ? format_time(to, until) : "now, not over", took);
}

static size_t need_values(const struct pack *k, enum need n, struct jw *w)
{
	const struct strlist *l = list_of(k->e, n);
	const struct fact *impact = facts_find(k->f, "impact");
	_cleanup_(free_p) char *window = n == NEED_WINDOW ? window_text(k) : NULL;

	for (size_t i = 0; l && i < l->n; i++)
		jw_str(w, NULL, l->v[i]);
	if (window)
		jw_str(w, NULL, window);
	if (n == NEED_IMPACT && impact)
		jw_str(w, NULL, impact->value);
	if (n == NEED_IMPACT)
		for (size_t i = 0; i < k->e->affected.n; i++)
			if (!impact || !strstr(impact->value, k->e->affected.v[i]))
				jw_str(w, NULL, k->e->affected.v[i]);
	return l ? l->n : window != NULL || (n == NEED_IMPACT && (impact || k->e->affected.n));
}

static void one_need(struct pack *k, struct jw *w, const char *text)
{
	const char *from = NULL;
	enum need n = NEED_OTHER;
	const struct fact *given;
	char name[FACT_NAME];
	size_t have;

	for (size_t i = 0; i < COUNT_OF(needs) && n == NEED_OTHER; i++)
		if (strstr(text, needs[i].word)) {
			n = needs[i].need;
			from = needs[i].how;
		}
	facts_need(name, text);
	given = n == NEED_IMPACT ? NULL : facts_find(k->f, name);
	/* the same value twice is one */
	if (given && n == NEED_ACCOUNT && str_eq(given->value, k->e->account_sid))
		given = NULL;
	_cleanup_(free_p) char *how = how_to(k, n, from, name);
	_cleanup_(free_p) char *said = given ? xasprintf("%s (%s)", given->value, given->from)
					     : NULL;
	jw_obj(w, NULL);
	jw_str(w, "need", text);
	jw_str(w, "field", name);
	jw_arr(w, "values");
	if (said)
		jw_str(w, NULL, said);
	have = need_values(k, n, w) + (given != NULL);
	jw_arr_end(w);
	jw_i64(w, "count", n == NEED_NUMBERS ? k->e->n_numbers + (given != NULL) : (int64_t)have);
	jw_bool(w, "missing", have == 0);
	jw_str(w, "hint", have ? NULL : how);
	jw_obj_end(w);
	if (!have)
		strlist_add(&k->missing, text);
}

/* ---- criteria ---------------------------------------------------------------------------- */

static void criterion(struct jw *w, const char *text, int met, const char *why)
{
	jw_obj(w, NULL);
	jw_str(w, "text", text);
	if (met < 0)
		jw_null(w, "met");
	else
		jw_bool(w, "met", met);
	jw_str(w, "why", why);
	jw_obj_end(w);
}

static bool error_says(const struct evidence *e, const char *a, const char *b)
{
	for (size_t i = 0; i < e->errors.n; i++)
		if (strstr(e->errors.v[i], a) || strstr(e->errors.v[i], b))
			return true;
	return false;
}

/* What can be told from the record; the rest is a person's to judge. */
static int judged(const struct pack *k, const char *text, const char **ret_why)
{
	*ret_why = "a person decides";
	if (strstr(text, "authentication") && error_says(k->e, "credential is refused", "20003")) {
		*ret_why = "a credential is refused, see the errors";
		return 1;
	}
	if (strstr(text, "connectivity") && error_says(k->e, "api", "timeout")) {
		*ret_why = "its API fails, see the errors";
		return 1;
	}
	if (strstr(text, "quality") && error_says(k->e, "call_quality", "call quality")) {
		*ret_why = "the call quality alert is linked";
		return 1;
	}
	return -1;
}

static void criteria(const struct pack *k, struct jw *w)
{
	const struct incident *i = &k->d->incident;
	int64_t since = i->started_at_ms ? i->started_at_ms : i->declared_at_ms;
	int64_t until = i->mitigated_at_ms ? i->mitigated_at_ms : i->resolved_at_ms ?
			i->resolved_at_ms : k->now_ms;
	char limit[32], took[32];

	jw_arr(w, "criteria");
	if (k->v->outage_ms) {
		format_duration(limit, sizeof(limit), k->v->outage_ms);
		format_duration(took, sizeof(took), (until - since) / 60000 * 60000);
		_cleanup_(free_p) char *text = xasprintf("outage longer than %s", limit);
		_cleanup_(free_p) char *why = xasprintf("it lasts %s", took);

		criterion(w, text, until - since > k->v->outage_ms, why);
	}
	for (size_t c = 0; c < k->v->n_when; c++) {
		const char *why;
		int met = judged(k, k->v->when[c], &why);

		criterion(w, k->v->when[c], met, why);
	}
	jw_arr_end(w);
}

/* ---- contacts and times ------------------------------------------------------------------ */

static void contacts(const struct pack *k, struct jw *w)
{
	jw_arr(w, "levels");
	for (size_t i = 0; i < k->v->n_levels; i++) {
		jw_obj(w, NULL);
		jw_i64(w, "level", (int64_t)i + 1);
		jw_str(w, "via", k->v->levels[i].via);
		jw_str(w, "address", k->v->levels[i].address);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_str(w, "tier", k->v->tier);
	jw_arr(w, "tiers");
	for (size_t i = 0; i < k->v->n_tiers; i++) {
		jw_obj(w, NULL);
		jw_str(w, "tier", k->v->tiers[i].tier);
		jw_i64(w, "withinMs", k->v->tiers[i].within_ms);
		jw_bool(w, "ours", str_eq(k->v->tiers[i].tier, k->v->tier));
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "clocks");
	for (size_t i = 0; i < k->d->n_clocks; i++)
		if (k->d->clocks[i].kind == CK_VENDOR && str_eq(k->d->clocks[i].target, k->v->id))
			record_json(w, NULL, &incident_clock_type, &k->d->clocks[i]);
	jw_arr_end(w);
}

/* The letter that goes with it: the first template that is for vendors. */
static void letter(struct incidents *h, const struct policy *p, const struct pack *k, struct jw *w)
{
	const struct strlist none = { 0 };
	const char *id = NULL;
	struct draft m;

	for (size_t i = 0; i < p->n_messages && !id; i++)
		if (p->messages[i].vendor)
			id = p->messages[i].id;
	if (!id || message_fill(p, id, k->f, NULL, &m, NULL) < 0) {
		jw_null(w, "message");
		return;
	}
	m.incident = xstrdup(k->d->incident.id);
	jw_obj(w, "message");
	if (message_route(&m, p, h->d.notify, k->v->id, &none, NULL) == 0)
		message_json(w, &m);
	jw_obj_end(w);
	message_fini(&m);
}

static void write_pack(struct incidents *h, const struct policy *p, struct pack *k, struct jw *w)
{
	jw_str(w, "vendor", k->v->id);
	jw_str(w, "name", k->v->name ? k->v->name : k->v->id);
	jw_str(w, "incident", k->d->incident.id);
	jw_str(w, "title", k->d->incident.title);
	jw_str(w, "severity", k->d->incident.severity);
	criteria(k, w);
	jw_arr(w, "required");
	for (size_t i = 0; i < k->v->n_needs; i++)
		one_need(k, w, k->v->needs[i]);
	jw_arr_end(w);
	jw_arr(w, "missing");
	for (size_t i = 0; i < k->missing.n; i++)
		jw_str(w, NULL, k->missing.v[i]);
	jw_arr_end(w);
	contacts(k, w);
	letter(h, p, k, w);
}

static int unknown_vendor(const struct policy *p, const char *vendor, struct err *err)
{
	const char *names[20] = { NULL }, *near;
	size_t n = 0;

	for (size_t i = 0; p && i < p->n_vendors && n < COUNT_OF(names); i++)
		names[n++] = p->vendors[i].id;
	near = str_nearest(vendor, names, n);
	return err_set(err, ERR_NOT_FOUND, "the policy has no vendor '%.40s'%s%s%s", vendor,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int incidents_vendor(struct incidents *h, const char *id, const char *vendor, struct jw *w,
		     struct err *err)
{
	struct incident_doc d;
	struct evidence e;
	struct facts f;
	struct pack k = { .d = &d, .e = &e, .f = &f, .now_ms = loop_wall_ms(h->d.loop) };
	const struct policy *p;
	int r = incident_read(h->d.store, id, &d, err);

	if (r < 0)
		return r;
	r = evidence_of(h->d.store, &d, vendor, k.now_ms, &e, err);
	p = incidents_policy(h);
	k.v = policy_vendor(p, vendor);
	if (r == 0 && k.v) {
		facts_of(p, &d, &e, vendor, NULL, k.now_ms, &f);
		write_pack(h, p, &k, w);
		facts_fini(&f);
	} else if (r == 0) {
		r = unknown_vendor(p, vendor, err);
	}
	evidence_fini(&e);
	strlist_fini(&k.missing);
	incident_doc_fini(&d);
	return r;
}
