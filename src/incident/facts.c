/*
 * See facts.h. The reading half asks one question per list, each bounded; the other half is
 * pure and decides which of several sources a field takes. A policy is not kept across the
 * reads: it may be loaded anew at any wait.
 */
#include "incident/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { HOUR_MS = 3600000, NUMBERS_MAX = 50 };

/* ---- fields --------------------------------------------------------------------------- */

void facts_add(struct facts *f, const char *name, const char *value, const char *from)
{
	if (str_empty(value) || facts_find(f, name))
		return;
	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = (struct fact){ xstrdup(name), xstrdup(value), xstrdup(from) };
}

const struct fact *facts_find(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->v[i].name, name))
			return &f->v[i];
	return NULL;
}

void facts_fini(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].value);
		free(f->v[i].from);
	}
	free(f->v);
	*f = (struct facts){ 0 };
}

const char *facts_instant(char buf[32], int64_t ms)
{
	char full[TIME_TEXT];

	format_time(full, ms);
	snprintf(buf, 32, "%.10s %.5s UTC", full, full + 11);
	return buf;
}

/* ---- what the database knows ------------------------------------------------------------ */

struct reading {
	struct store *s;
	const char *incident, *vendor;
	int64_t since_ms, until_ms;
	struct str ids;			/* of the accounts, as text[] */
	struct evidence *e;
};

#define LINKED_EVENTS                                                                              \
	"(SELECT l.ref FROM ringdown.incident_link l WHERE l.incident_id = $1 AND"                 \
	" l.kind = 'event' AND l.gone_by IS NULL)"

static void add_account(struct reading *rd, const struct pg_result *r, int i)
{
	const char *name = pg_text(r, i, 1), *sid = pg_text(r, i, 2), *why = pg_text(r, i, 4);
	_cleanup_(free_p) char *line = xasprintf("%s %s%s%s", sid, name, *why ? ": " : "", why);

	str_addf(&rd->ids, "%s\"%s\"", rd->ids.len > 1 ? "," : "", pg_text(r, i, 0));
	strlist_add(&rd->e->accounts, line);
	if (!rd->e->account_sid) {
		rd->e->account_sid = xstrdup(sid);
		rd->e->account_name = xstrdup(name);
	}
	if (pg_i64(r, i, 5) > 0) {
		_cleanup_(free_p) char *agents = xasprintf("%s: %lld of %lld agents fail", name,
			(long long)pg_i64(r, i, 5), (long long)pg_i64(r, i, 6));
		strlist_add(&rd->e->affected, agents);
	}
}

/* Accounts that failed in a failover of the incident or fail now; else those that carry. */
static int read_accounts(struct reading *rd, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		rd->s, &r, err,
		"SELECT t.id, t.name, t.\"accountSid\", x.health, coalesce(x.why, ''), x.failing, "
		"x.agents,"
		" (t.id IN (SELECT e.from_account FROM ringdown.event e WHERE e.id "
		"IN " LINKED_EVENTS "))"
		"  AS source, coalesce(x.health IN ('degraded', 'critical'), false) AS ill, "
		"t.\"isPrimary\""
		" FROM \"TwilioAccount\" t LEFT JOIN ringdown.account_ext x ON x.account_id = t.id"
		" WHERE ($2::text IS NULL OR t.provider = $2) AND t.\"isActive\" AND x.removed_at "
		"IS NULL"
		" ORDER BY 8 DESC, 9 DESC, t.\"isPrimary\" DESC, t.priority, t.id LIMIT 50",
		"tt", rd->incident, rd->vendor);
	bool any = false;

	str_addc(&rd->ids, '{');
	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		bool concerned = pg_bool(r, i, 7) || pg_bool(r, i, 8);
		bool ours = pg_bool(r, i, 9) || !str_eq(rd->vendor, "twilio");

		if (concerned || (!any && rd->vendor && ours))
			add_account(rd, r, i);
		any = any || concerned;
	}
	str_addc(&rd->ids, '}');
	return e;
}

static int read_numbers(struct reading *rd, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		rd->s, &r, err,
		"SELECT n, count(*) OVER () FROM (SELECT i.from_number AS n FROM "
		"ringdown.event_item i"
		"  WHERE i.event_id IN " LINKED_EVENTS " AND i.from_account = ANY($2::text[])"
		" UNION SELECT v.\"twilioPhoneNumber\" FROM \"VoiceAgent\" v JOIN "
		"ringdown.agent_ext x"
		"  ON x.agent_id = v.id LEFT JOIN ringdown.account_ext a ON a.account_id ="
		"  coalesce(v.\"twilioAccountId\", x.home_account) WHERE (x.outcome = 'bad' OR"
		"  (x.outcome = 'unknown' AND a.health <> 'healthy')) AND"
		"  coalesce(v.\"twilioAccountId\", x.home_account) = ANY($2::text[])"
		" UNION SELECT v.\"twilioPhoneNumber\" FROM \"VoiceAgent\" v JOIN "
		"ringdown.agent_ext x"
		"  ON x.agent_id = v.id JOIN ringdown.account_ext a ON a.account_id = "
		"x.home_account"
		"  WHERE a.health = 'critical' AND x.home_account = ANY($2::text[])"
		" UNION SELECT phone_number FROM ringdown.number_ext WHERE problem IS NOT NULL AND"
		"  account_id = ANY($2::text[]) AND $1::text IS NOT NULL) q WHERE n <> '' ORDER BY "
		"1 LIMIT $3",
		"tti", rd->incident, str_get(&rd->ids), (int64_t)NUMBERS_MAX);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		strlist_add(&rd->e->numbers, pg_text(r, i, 0));
	if (e == 0 && pg_rows(r))
		rd->e->n_numbers = pg_i64(r, 0, 1);
	return e;
}

static int add_lines(struct store *s, struct strlist *to, const char *sql, const char *incident,
		     const char *ids, int64_t since, int64_t until, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, sql, "ttmm", incident, ids, since, until);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		_cleanup_(free_p) char *clean = text_clean(pg_text(r, i, 0), 300);

		strlist_add(to, clean);
	}
	return e;
}

/* Each gives lines of text; $1 incident, $2 accounts, $3 since, $4 until. All name all four. */
#define USED                                                                                       \
	" AND ($1::text IS NOT NULL OR $2::text[] IS NULL OR $3::timestamptz < $4::timestamptz)"
#define CLOCK(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z '"

static const char probes_sql[] =
	"SELECT text FROM (SELECT DISTINCT ON (account_id, kind, method) at, " CLOCK(
		"at") " || kind ||"
		      " coalesce(' ' || nullif(method, ''), '') || ': ' || coalesce(reason, class, "
		      "'failed') ||"
		      " coalesce(' (code ' || code || ')', '') AS text FROM ringdown.evidence "
		      "WHERE outcome <> 'ok' AND coalesce(reason, '') <> '' AND"
		      " account_id = ANY($2::text[]) AND at >= $3 AND at <= $4" USED
		      " ORDER BY account_id, kind, method, at DESC) q ORDER BY at DESC LIMIT 8";
static const char tests_sql[] = "SELECT " CLOCK(
	"at") " || 'test of ' || event_id || ': ' || detail FROM ringdown.event_test"
	      " WHERE event_id IN " LINKED_EVENTS
	      " AND outcome = 'bad' AND coalesce(detail, '') <> '' AND"
	      " at <= $4" USED " ORDER BY at DESC LIMIT 3";
static const char agents_sql[] =
	"SELECT count(*) || ' agents: ' || coalesce(x.reason, 'failing') FROM \"VoiceAgent\" v"
	" JOIN ringdown.agent_ext x ON x.agent_id = v.id WHERE x.outcome = 'bad' AND"
	" coalesce(v.\"twilioAccountId\", x.home_account) = ANY($2::text[])" USED
	" GROUP BY x.reason ORDER BY count(*) DESC LIMIT 5";
static const char messages_sql[] =
	"SELECT count(*) || ' SMS ' || coalesce('with error ' || (metadata->>'twilioErrorCode'),"
	" 'without an error code') || coalesce(': ' || max(metadata->>'twilioErrorMessage'), '') "
	"FROM"
	" \"MessageLog\" WHERE direction = 'outbound' AND status IN ('failed', 'undelivered') AND"
	" \"createdAt\" >= $3 AND \"createdAt\" <= $4" USED
	" GROUP BY metadata->>'twilioErrorCode' ORDER BY count(*) DESC LIMIT 5";
static const char alerts_sql[] = "SELECT " CLOCK(
	"a.since") " || a.name || ': ' || a.text FROM ringdown.alert a WHERE a.id IN"
		   " (SELECT l.ref FROM ringdown.incident_link l WHERE l.incident_id = $1 AND "
		   "l.kind = 'alert' AND"
		   "  l.gone_by IS NULL) AND a.name NOT IN ('standby', 'engine-silent', "
		   "'untold',"
	" 'metric-unreadable', 'feed', 'drift', 'isolation')" USED " ORDER BY a.since DESC LIMIT 5";
static const char calls_sql[] = "SELECT call_sid || ' ' || status || ' ' || " CLOCK(
	"created_at") " || coalesce(from_number, '?')"
		      " || ' to ' || coalesce(to_number, '?') FROM calls WHERE created_at >= $3 "
		      "AND created_at <= $4"
		      " AND status = 'failed' AND coalesce(call_sid, '') <> ''" USED
		      " ORDER BY created_at DESC LIMIT 5";
static const char connections_sql[] =
	"SELECT trunk_sid || ' (' || count(*) || ' numbers)' FROM ringdown.number_ext WHERE"
	" account_id = ANY($2::text[]) AND coalesce(trunk_sid, '') <> ''" USED
	" GROUP BY trunk_sid ORDER BY count(*) DESC LIMIT 5";
static const char traces_sql[] =
	"SELECT id || ' ' || runbook FROM ringdown.run WHERE id IN (SELECT l.ref FROM"
	" ringdown.incident_link l WHERE l.incident_id = $1 AND l.kind = 'run' AND l.gone_by IS "
	"NULL)"
	" AND runbook IN ('poor-call-quality', 'complete-outage')" USED
	" ORDER BY started_at DESC LIMIT 3";
static const char counts_sql[] =
	"SELECT count(*) || ' calls failed' FROM calls WHERE created_at >= $3 AND created_at <= $4 "
	"AND"
	" status = 'failed'" USED
	" HAVING count(*) > 0 UNION ALL SELECT count(*) || ' SMS failed in ' ||"
	" count(DISTINCT \"orgId\") || ' organisations' FROM \"MessageLog\" WHERE direction = "
	"'outbound' AND"
	" status IN ('failed', 'undelivered') AND \"createdAt\" >= $3 AND \"createdAt\" <= $4"
	" HAVING count(*) > 0";

static int read_lines(struct reading *rd, struct err *err)
{
	const struct { const char *sql; struct strlist *to; } lists[] = {
		{ probes_sql, &rd->e->errors },	   { tests_sql, &rd->e->errors },
		{ agents_sql, &rd->e->errors },	   { messages_sql, &rd->e->errors },
		{ alerts_sql, &rd->e->errors },	   { calls_sql, &rd->e->calls },
		{ connections_sql, &rd->e->connections }, { traces_sql, &rd->e->runs },
		{ counts_sql, &rd->e->affected },
	};
	int e = 0;

	for (size_t i = 0; e == 0 && i < COUNT_OF(lists); i++)
		e = add_lines(rd->s, lists[i].to, lists[i].sql, rd->incident, str_get(&rd->ids),
			      rd->since_ms, rd->until_ms, err);
	return e;
}

static int read_rest(struct reading *rd, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		rd->s, &r, err,
		"SELECT fields, (SELECT ref FROM ringdown.incident_link WHERE incident_id = $1 AND"
		" kind = 'url' AND text = 'status page' AND gone_by IS NULL ORDER BY at DESC LIMIT "
		"1),"
		" (SELECT ref FROM ringdown.incident_link WHERE incident_id = $1 AND kind = "
		"'event' AND"
		"  gone_by IS NULL ORDER BY at LIMIT 1) FROM ringdown.incident WHERE id = $1",
		"t", rd->incident);

	if (e == 0 && pg_rows(r)) {
		rd->e->fields = pg_null(r, 0, 0) ? NULL : xstrdup(pg_text(r, 0, 0));
		rd->e->page_link = pg_null(r, 0, 1) ? NULL : xstrdup(pg_text(r, 0, 1));
		rd->e->event = pg_null(r, 0, 2) ? NULL : xstrdup(pg_text(r, 0, 2));
	}
	return e;
}

int evidence_of(struct store *s, const struct incident_doc *d, const char *vendor, int64_t now_ms,
		struct evidence *ret, struct err *err)
{
	const struct incident *i = &d->incident;
	int64_t since = i->started_at_ms ? i->started_at_ms : i->declared_at_ms;
	struct reading rd = {
		.s = s, .incident = i->id, .vendor = vendor, .ids = STR_INIT(100000), .e = ret,
		/* what was seen shortly before it began belongs to it */
		.since_ms = since - HOUR_MS / 4,
		.until_ms = i->resolved_at_ms ? i->resolved_at_ms : now_ms,
	};
	int e;

	*ret = (struct evidence){ 0 };
	e = read_accounts(&rd, err);
	if (e == 0)
		e = read_numbers(&rd, err);
	if (e == 0)
		e = read_lines(&rd, err);
	if (e == 0)
		e = read_rest(&rd, err);
	str_fini(&rd.ids);
	if (e < 0)
		evidence_fini(ret);
	return e;
}

void evidence_fini(struct evidence *e)
{
	strlist_fini(&e->accounts);
	strlist_fini(&e->numbers);
	strlist_fini(&e->errors);
	strlist_fini(&e->calls);
	strlist_fini(&e->connections);
	strlist_fini(&e->runs);
	strlist_fini(&e->affected);
	free(e->account_sid);
	free(e->account_name);
	free(e->event);
	free(e->fields);
	free(e->page_link);
	*e = (struct evidence){ 0 };
}

/* ---- which source a field takes ------------------------------------------------------------ */

void facts_clean_lines(struct str *b, const char *text)
{
	for (const char *p = text; p && *p;) {
		size_t n = strcspn(p, "\n");
		_cleanup_(free_p) char *line = xstrndup(p, n), *clean = text_clean(line, 1000);

		str_addf(b, "%s%s", b->len ? "\n" : "", clean);
		p += n + (p[n] == '\n');
	}
}

static void add_given(struct facts *f, const struct json *obj, const char *from)
{
	for (const struct json *v = json_first(obj); v; v = json_next(v)) {
		struct str b = STR_INIT(40000);

		facts_clean_lines(&b, json_str(v));
		facts_add(f, json_name(v), str_get(&b), from);
		str_fini(&b);
	}
}

static char *joined(const struct strlist *l, const char *between, size_t max)
{
	struct str b = STR_INIT(20000);

	for (size_t i = 0; i < l->n && i < max; i++)
		str_addf(&b, "%s%s", i ? between : "", l->v[i]);
	if (l->n > max)
		str_addf(&b, "%sand %zu more", between, l->n - max);
	return str_take(&b);
}

static const char *status_word(const struct incident *i)
{
	switch (i->state) {
	case IS_MITIGATED: return "Monitoring";
	case IS_RESOLVED:
	case IS_CLOSED: return "Resolved";
	default: return "Investigating";
	}
}

static void of_incident(struct facts *f, const struct incident *i)
{
	char at[32];

	facts_add(f, "incident", i->id, "the incident");
	facts_add(f, "severity", i->severity, "the incident");
	facts_add(f, "service", i->service, "the incident");
	facts_add(f, "summary", i->title, "the incident");
	facts_add(f, "impact", i->impact, "the incident");
	facts_add(f, "commander", i->commander, "its commander");
	facts_add(f, "commander", i->acked_by, "who acknowledged it");
	facts_add(f, "started",
		  facts_instant(at, i->started_at_ms ? i->started_at_ms : i->declared_at_ms),
		  "the incident");
	facts_add(f, "status", status_word(i), "the incident's state");
	if (i->resolved_at_ms)
		facts_add(f, "eta", "over", "the incident's state");
	if (i->next_update_at_ms)
		facts_add(f, "next_update", facts_instant(at, i->next_update_at_ms),
			  "its update clock");
}

static void of_evidence(struct facts *f, const struct incident_doc *d, const struct evidence *e,
			const struct policy_vendor *v)
{
	_cleanup_(free_p) char *errors = joined(&e->errors, "\n", 12);
	_cleanup_(free_p) char *calls = joined(&e->calls, "\n", 5);
	_cleanup_(free_p) char *numbers = joined(&e->numbers, ", ", 10);
	struct str details = STR_INIT(20000);

	facts_add(f, "account_id", e->account_sid, "the account concerned");
	facts_add(f, "account_name", e->account_name, "the account concerned");
	facts_add(f, "status_page", e->page_link, "our status page");
	if (*errors)
		str_addf(&details, "%s\n", errors);
	if (*calls)
		str_addf(&details, "Calls: %s\n", calls);
	if (*numbers)
		str_addf(&details, "Numbers: %s\n", numbers);
	if (details.len)
		details.s[details.len - 1] = '\0';
	facts_add(f, "details", str_get(&details), "probes, tests, calls and messages");
	str_fini(&details);
	if (v) {
		_cleanup_(free_p) char *issue = xasprintf("%s outage", d->incident.service ?
							  d->incident.service : "service");
		facts_add(f, "vendor", v->name ? v->name : v->id, "policy");
		facts_add(f, "issue", issue, "the incident");
		facts_add(f, "services", d->incident.service, "the incident");
	}
}

static void of_people(struct facts *f, const struct policy *p, const struct incident_doc *d)
{
	const struct policy_contact *c = policy_contact(p, "on-call");

	facts_add(f, "name", d->incident.commander ? d->incident.commander : d->incident.acked_by,
		  "who leads the incident");
	if (c) {
		facts_add(f, "name", c->name, "contact on-call");
		facts_add(f, "title", c->title, "contact on-call");
		facts_add(f, "phone", c->phone, "contact on-call");
	}
}

void facts_of(const struct policy *p, const struct incident_doc *d, const struct evidence *e,
	      const char *vendor, const struct json *given, int64_t now_ms, struct facts *ret)
{
	_cleanup_(json_free_p) struct json *stored =
		e->fields ? json_parse(e->fields, strlen(e->fields), NULL) : NULL;
	_cleanup_(free_p) char *counted = joined(&e->affected, "; ", 6);
	char at[32];

	*ret = (struct facts){ 0 };
	add_given(ret, given, "given");
	add_given(ret, stored, "filled in");
	of_incident(ret, &d->incident);
	facts_add(ret, "impact", counted, "counted");
	of_evidence(ret, d, e, policy_vendor(p, vendor));
	for (size_t k = 0; p && k < p->n_fields; k++)
		facts_add(ret, p->fields[k].name, p->fields[k].value, "policy");
	if (p)
		of_people(ret, p, d);
	for (size_t k = 0; p && k < d->n_links; k++)
		if (str_eq(d->links[k].kind, "run"))
			facts_add(ret, "runbook", d->links[k].text, "its run");
	facts_add(ret, "now", facts_instant(at, now_ms), "the clock");
}
