/* See review.h. Traffic is in review_traffic.c. */
#include "read/review.h"

#include "model/row.h"

int read_review_events(struct pg_conn *c, const char *incident, struct review_event **ret,
		       size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(
		c, &r, err,
		"SELECT e.id, e.status, e.severity, e.trigger_type AS \"triggerType\","
		" coalesce(f.name, e.from_account) AS \"from\", coalesce(t.name, e.to_account) AS "
		"\"to\","
		" e.rule_id AS rule, e.reason, e.cause, e.held_gate AS \"heldGate\","
		" (SELECT j.text FROM ringdown.journal j WHERE j.subject = e.id AND j.kind ="
		"  'event.held' ORDER BY j.seq DESC LIMIT 1) AS held,"
		" e.opened_at AS \"openedAt\", e.decided_at AS \"decidedAt\", e.decided_by AS "
		"\"decidedBy\","
		" e.executed_by AS \"executedBy\", e.completed_at AS \"completedAt\","
		" CASE WHEN e.status IN ('held', 'pending', 'approved', 'executing', 'failed',"
		"  'rolling_back') THEN NULL ELSE e.state_since END AS \"endedAt\","
		" e.agents_total AS \"agentsTotal\", e.agents_moved AS \"agentsMoved\","
		" e.agents_failed AS \"agentsFailed\""
		" FROM ringdown.incident_link l JOIN ringdown.event e ON e.id = l.ref"
		" LEFT JOIN \"TwilioAccount\" f ON f.id = e.from_account"
		" LEFT JOIN \"TwilioAccount\" t ON t.id = e.to_account"
		" WHERE l.incident_id = $1 AND l.kind = 'event' AND l.gone_by IS NULL"
		" ORDER BY e.opened_at, e.id",
		"t", incident);

	if (e == 0)
		*ret = row_records(&review_event_type, r, ret_n);
	return e;
}

int read_review_runs(struct pg_conn *c, const char *incident, struct review_run **ret,
		     size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "SELECT r.id, r.runbook, r.summary->>'title' AS title, r.status,"
		       " r.summary->>'startedBy' AS by, r.started_at AS \"startedAt\", r.ended_at "
		       "AS \"endedAt\""
		       " FROM ringdown.run r WHERE r.incident = $1 OR r.id IN (SELECT ref FROM"
		       " ringdown.incident_link WHERE incident_id = $1 AND kind = 'run' AND "
		       "gone_by IS NULL)"
		       " ORDER BY r.started_at, r.id",
		       "t", incident);

	if (e == 0)
		*ret = row_records(&review_run_type, r, ret_n);
	return e;
}

int read_review_signs(struct pg_conn *c, const char *incident, struct review_sign **ret,
		      size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(
		c, &r, err,
		"SELECT at, data->'incident'->>'review' AS state, actor AS by, text"
		" FROM ringdown.journal WHERE subject = $1 AND kind = 'report.state' ORDER BY seq",
		"t", incident);

	if (e == 0)
		*ret = row_records(&review_sign_type, r, ret_n);
	return e;
}

int read_review_health(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t slice_ms,
		       struct review_health **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(
		c, &r, err,
		"SELECT coalesce(t.name, h.\"accountId\") AS account, $1::timestamptz"
		" + floor(extract(epoch FROM (h.\"checkedAt\" - $1::timestamptz)) * 1000 / "
		"$3::bigint)"
		"   * $3 * interval '1 ms' AS at,"
		" (array_agg(h.status ORDER BY array_position(ARRAY['critical', 'degraded', "
		"'minor',"
		"   'unknown', 'healthy'], h.status)))[1] AS status,"
		" max(h.\"failureRate\") AS \"failureRate\", max(h.\"failedAgents\") AS failing,"
		" max(h.\"totalAgents\") AS agents"
		" FROM \"TwilioHealthCheck\" h LEFT JOIN \"TwilioAccount\" t ON t.id = "
		"h.\"accountId\""
		" WHERE h.\"checkedAt\" >= $1 AND h.\"checkedAt\" <= $2 AND h.\"accountId\" IS NOT "
		"NULL"
		" GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 20000",
		"mmi", from_ms, to_ms, slice_ms);

	if (e == 0)
		*ret = row_records(&review_health_type, r, ret_n);
	return e;
}

int read_review_slices(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t slice_ms,
		       struct review_slice **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(
		c, &r, err,
		"SELECT $1::timestamptz + k * $3::bigint * interval '1 ms' AS at, sum(c)::bigint "
		"AS calls,"
		" sum(cf)::bigint AS \"callsFailed\", sum(m)::bigint AS messages,"
		" sum(mf)::bigint AS \"messagesFailed\" FROM ("
		"SELECT floor(extract(epoch FROM (created_at - $1::timestamptz)) * 1000 / "
		"$3)::bigint AS k,"
		" 1 AS c, (status = 'failed')::int AS cf, 0 AS m, 0 AS mf FROM calls"
		" WHERE created_at >= $1 AND created_at <= $2 AND status IN ('completed', 'failed')"
		" UNION ALL SELECT floor(extract(epoch FROM (\"createdAt\" - $1::timestamptz)) * "
		"1000 / $3)"
		"::bigint, 0, 0, 1, (status IN ('failed', 'undelivered'))::int FROM \"MessageLog\""
		" WHERE \"createdAt\" >= $1 AND \"createdAt\" <= $2 AND direction = 'outbound' AND"
		" status IN ('delivered', 'sent', 'failed', 'undelivered')) x GROUP BY k ORDER BY "
		"k",
		"mmi", from_ms, to_ms, slice_ms);

	if (e == 0)
		*ret = row_records(&review_slice_type, r, ret_n);
	return e;
}

int read_review_orgs(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t limit,
		     struct review_org **ret, size_t *ret_n, int64_t *ret_all, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(
		c, &r, err,
		"SELECT org, sum(a)::bigint AS agents, sum(c)::bigint AS \"callsFailed\","
		" sum(m)::bigint AS \"messagesFailed\", count(*) OVER () AS n FROM ("
		"SELECT tenant_id AS org, 0 AS a, 1 AS c, 0 AS m FROM calls"
		" WHERE created_at >= $1 AND created_at <= $2 AND status = 'failed'"
		" UNION ALL SELECT \"orgId\", 0, 0, 1 FROM \"MessageLog\" WHERE \"createdAt\" >= $1"
		" AND \"createdAt\" <= $2 AND direction = 'outbound' AND status IN ('failed', "
		"'undelivered')"
		/* as read_review_agents: also those that had failed before and went on failing */
		" UNION ALL SELECT v.\"orgId\", 1, 0, 0 FROM \"VoiceAgent\" v WHERE EXISTS (SELECT"
		" 1 FROM ringdown.agent_change a WHERE a.agent_id = v.id AND a.outcome = 'bad' AND"
		" a.at >= $1 AND a.at <= $2) OR (SELECT a.outcome FROM ringdown.agent_change a"
		" WHERE a.agent_id = v.id AND a.at < $1 ORDER BY a.at DESC LIMIT 1) = 'bad') x"
		" WHERE org IS NOT NULL GROUP BY org ORDER BY sum(a) + sum(c) + sum(m) DESC, org "
		"LIMIT $3",
		"mmi", from_ms, to_ms, limit);

	if (e < 0)
		return e;
	*ret_all = pg_rows(r) ? pg_i64(r, 0, 4) : 0;
	*ret = row_records(&review_org_type, r, ret_n);
	return 0;
}

int read_review_agents(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t *ret_failing,
		       int64_t *ret_agents, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	/* also those that had failed before and went on failing */
	int e = pg_run(c, &r, err,
		       "SELECT (SELECT count(*) FROM \"VoiceAgent\" v WHERE EXISTS (SELECT 1 FROM"
		       " ringdown.agent_change a WHERE a.agent_id = v.id AND a.outcome = 'bad' AND "
		       "a.at >= $1"
		       " AND a.at <= $2) OR (SELECT a.outcome FROM ringdown.agent_change a WHERE "
		       "a.agent_id = v.id"
		       " AND a.at < $1 ORDER BY a.at DESC LIMIT 1) = 'bad'),"
		       " (SELECT count(*) FROM \"VoiceAgent\"),"
		       " EXISTS (SELECT 1 FROM ringdown.agent_change WHERE at <= $2)",
		       "mm", from_ms, to_ms);

	if (e == 0) {
		*ret_failing = pg_bool(r, 0, 2) ? pg_i64(r, 0, 0) : -1;
		*ret_agents = pg_i64(r, 0, 1);
	}
	return e;
}

int read_severity_spans(struct pg_conn *c, int64_t now_ms, struct severity_span **ret,
			size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "SELECT id AS incident, severity, sum(greatest(extract(epoch FROM"
		       " least(until, over) - at) * 1000, 0))::bigint AS ms FROM (SELECT i.id,"
		       " s.severity, s.at, coalesce(i.resolved_at, $1::timestamptz) AS over,"
		       " coalesce(lead(s.at) OVER (PARTITION BY i.id ORDER BY s.at),"
		       " 'infinity'::timestamptz) AS until FROM ringdown.incident i"
		       " JOIN ringdown.incident_severity s ON s.incident_id = i.id"
		       " WHERE i.kind <> 'drill') t GROUP BY id, severity"
		       " ORDER BY id COLLATE \"C\", severity", "m", now_ms);

	if (e == 0)
		*ret = row_records(&severity_span_type, r, ret_n);
	return e;
}
