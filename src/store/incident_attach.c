/*
 * What belongs to an open incident without anybody linking it. A failover event, an alert
 * or a run that names none goes to the newest real incident that is open; one that another
 * open incident has is left there. Messages are linked without a journal row of their own:
 * their sending has one.
 */
#include "store/incidents_internal.h"

/* $1: at most so many hours before the declaration, whatever its start was put to. */
static const char unlinked_sql[] =
	"WITH o AS (SELECT id, kind, declared_at, greatest(least(started_at, declared_at),"
	"  declared_at - $1::bigint * interval '1 hour') AS since FROM ringdown.incident"
	"  WHERE state IN ('declared', 'acknowledged', 'mitigated')),"
	" newest AS (SELECT id, since FROM o WHERE kind = 'real' ORDER BY declared_at DESC, id DESC"
	" LIMIT 1), c AS (SELECT n.id AS incident, 'event' AS kind, e.id AS ref, coalesce(e.cause,"
	" '') AS text FROM newest n JOIN ringdown.event e ON (e.opened_at >= n.since OR e.status"
	" IN ('held', 'pending', 'approved', 'executing', 'failed', 'rolling_back')) AND e.drill"
	" IS NULL  UNION ALL SELECT n.id, 'alert', a.id, coalesce(nullif(a.text, ''), a.name)"
	" FROM newest n"
	"   JOIN ringdown.alert a ON a.state <> 'pending' AND (a.since >= n.since"
	"    OR a.state = 'firing')"
	"  UNION ALL SELECT coalesce(own.id, n.id), 'run', r.id, r.runbook FROM ringdown.run r"
	"   LEFT JOIN o own ON own.id = r.incident"
	"   LEFT JOIN newest n ON coalesce(r.incident, '') = '' AND r.kind = 'real'"
	"   WHERE coalesce(own.id, n.id) IS NOT NULL AND (r.ended_at IS NULL OR"
	"    r.started_at >= coalesce(own.since, n.since))"
	"    AND (r.ended_at IS NULL OR r.started_at >= (SELECT min(since) FROM o))"
	"  UNION ALL SELECT o.id, 'message', m.id::text, m.channel || ' ' || m.kind FROM o"
	"   JOIN ringdown.outbox m ON m.created_at >= o.since AND (m.event_id = o.id OR EXISTS"
	"    (SELECT 1 FROM ringdown.incident_link l WHERE l.incident_id = o.id AND l.kind ="
	" 'event'     AND l.ref = m.event_id AND l.gone_by IS NULL)))"
	" SELECT c.incident, c.kind, c.ref, left(c.text, 200) FROM c WHERE NOT EXISTS (SELECT 1"
	"  FROM ringdown.incident_link l WHERE l.kind = c.kind AND l.ref = c.ref AND"
	"  (l.incident_id = c.incident OR (l.gone_by IS NULL AND l.incident_id IN (SELECT id FROM"
	" o)))) ORDER BY c.incident, c.kind, c.ref LIMIT 200";

static int attach(struct tx *t, const struct pg_result *r, struct err *err)
{
	int e = 0;

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		const char *id = pg_text(r, i, 0), *kind = pg_text(r, i, 1),
			*ref = pg_text(r, i, 2);

		if (str_eq(kind, "message"))
			e = tx_query(t, NULL, err, "INSERT INTO ringdown.incident_link"
				     " (incident_id, kind, ref, text, at, by) VALUES ($1, $2, $3,"
				     " $4, $5, $6) ON CONFLICT DO NOTHING", "ttttmt", id, kind, ref,
				     pg_text(r, i, 3),
				     tx_now_ms(t), t->who.actor);
		else
			e = incident_link(t, id, kind, ref, pg_text(r, i, 3), err);
	}
	return e;
}

int incidents_attach(struct store *s, const struct who *who, size_t *ret, struct err *err)
{
	enum { HOURS = 6 };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, unlinked_sql, "i", (int64_t)HOURS);

	*ret = e == 0 ? (size_t)pg_rows(r) : 0;
	if (e < 0 || *ret == 0)
		return e;
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = attach(&t, r, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int incident_newest_open(struct store *s, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT id FROM ringdown.incident WHERE kind = 'real' AND"
			    " state IN ('declared', 'acknowledged', 'mitigated')"
			    " ORDER BY declared_at DESC, id DESC LIMIT 1", "");

	*ret = e == 0 && pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}
