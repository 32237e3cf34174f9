/*
 * See facts.h: the reading half. One question per list, each bounded. A policy is not kept across
 * the reads: it may be loaded anew at any wait.
 */
#include "incident/facts.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { HOUR_MS = 3600000, NUMBERS_MAX = 50, TRACE_CHARS = 2000 };

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
	if (rd->vendor && rd->ids.len == 1)
		str_add(&rd->ids, "\"\"");	/* none of theirs is not any */
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
/* What rings at these accounts, now or while they carried it. */
#define NUMBERS                                                                                    \
	"(SELECT x.phone_number FROM ringdown.number_ext x WHERE x.account_id = ANY($2::text[])"   \
	" UNION SELECT v.\"twilioPhoneNumber\" FROM \"VoiceAgent\" v JOIN ringdown.agent_ext y"    \
	"  ON y.agent_id = v.id WHERE coalesce(v.\"twilioAccountId\", y.home_account) ="           \
	"  ANY($2::text[]) OR y.home_account = ANY($2::text[]))"
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
		      " AND status = 'failed' AND coalesce(call_sid, '') <> '' AND"
		      " ($2::text[] = '{}' OR from_number IN " NUMBERS " OR to_number IN "
		      NUMBERS ")" USED
		      " ORDER BY created_at DESC LIMIT 5";
static const char connections_sql[] =
	"SELECT trunk_sid || ' (' || count(*) || ' numbers)' FROM ringdown.number_ext WHERE"
	" account_id = ANY($2::text[]) AND coalesce(trunk_sid, '') <> ''" USED
	" GROUP BY trunk_sid ORDER BY count(*) DESC LIMIT 5";
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
		{ connections_sql, &rd->e->connections }, { counts_sql, &rd->e->affected },
	};
	bool twilio = !rd->vendor || str_eq(rd->vendor, "twilio");
	int e = 0;

	for (size_t i = 0; e == 0 && i < COUNT_OF(lists); i++)
		if (twilio || lists[i].sql != messages_sql)	/* its errors are Twilio's */
			e = add_lines(rd->s, lists[i].to, lists[i].sql, rd->incident,
				      str_get(&rd->ids), rd->since_ms, rd->until_ms, err);
	return e;
}

/* What the network steps of the incident's runs printed: packets, routes, reachability. */
static const char traces_sql[] =
	"SELECT " CLOCK("e.at") " || r.id || ' ' || r.runbook || ' ' || e.step || E'\n' ||"
	" left(e.data::json->>'output', $3) FROM ringdown.run_entry e JOIN ringdown.run r ON"
	" r.id = e.run_id JOIN (VALUES ('poor-call-quality', 'ping', NULL),"
	"  ('poor-call-quality', 'route', NULL), ('complete-outage', 'reach-twilio', 'twilio'),"
	"  ('complete-outage', 'reach-telnyx', 'telnyx')) AS n (runbook, step, vendor)"
	" ON n.runbook = r.runbook AND n.step = regexp_replace(e.step, '^.*[/.]', '')"
	" WHERE (n.vendor IS NULL OR $2::text IS NULL OR n.vendor = $2) AND"
	" (r.incident = $1 OR r.id IN (SELECT l.ref FROM ringdown.incident_link l WHERE"
	"  l.incident_id = $1 AND l.kind = 'run' AND l.gone_by IS NULL))"
	" AND e.data LIKE '{%' AND coalesce(e.data::json->>'output', '') <> ''"
	" ORDER BY e.at DESC LIMIT 6";

static int read_traces(struct reading *rd, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(rd->s, &r, err, traces_sql, "tti", rd->incident, rd->vendor,
			    (int64_t)TRACE_CHARS);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		_cleanup_(free_p) char *text = text_clean_lines(pg_text(r, i, 0), 0);

		strlist_add(&rd->e->traces, text);
	}
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
		"  gone_by IS NULL ORDER BY at LIMIT 1), EXISTS (SELECT 1 FROM ringdown.incident o"
		" WHERE o.id <> $1 AND o.kind = 'real' AND o.state IN ('declared', 'acknowledged',"
		" 'mitigated')) FROM ringdown.incident WHERE id = $1",
		"t", rd->incident);

	if (e == 0 && pg_rows(r)) {
		rd->e->fields = pg_null(r, 0, 0) ? NULL : xstrdup(pg_text(r, 0, 0));
		rd->e->page_link = pg_null(r, 0, 1) ? NULL : xstrdup(pg_text(r, 0, 1));
		rd->e->event = pg_null(r, 0, 2) ? NULL : xstrdup(pg_text(r, 0, 2));
		rd->e->others_open = pg_bool(r, 0, 3);
	}
	return e;
}

/* What the worst of its alerts is to be worked off with. */
static int read_runbook(struct reading *rd, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		rd->s, &r, err,
		"SELECT a.runbook, a.id || ' ' || a.name FROM ringdown.incident_link l JOIN"
		" ringdown.alert a ON a.id = l.ref WHERE l.incident_id = $1 AND l.kind = 'alert'"
		" AND l.gone_by IS NULL AND coalesce(a.runbook, '') <> '' ORDER BY a.state ="
		" 'firing' DESC, a.priority NULLS LAST, a.since, a.id LIMIT 1",
		"t", rd->incident);

	if (e == 0 && pg_rows(r)) {
		rd->e->runbook = text_clean(pg_text(r, 0, 0), 200);
		rd->e->runbook_of = text_clean(pg_text(r, 0, 1), 200);
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
		e = read_traces(&rd, err);
	if (e == 0)
		e = read_rest(&rd, err);
	if (e == 0)
		e = read_runbook(&rd, err);
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
	strlist_fini(&e->traces);
	strlist_fini(&e->affected);
	free(e->runbook);
	free(e->runbook_of);
	free(e->account_sid);
	free(e->account_name);
	free(e->event);
	free(e->fields);
	free(e->page_link);
	*e = (struct evidence){ 0 };
}
