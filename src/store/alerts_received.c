/* See alerts_received.h. Times of the sender are kept as they came; order is decided here, by
 * the beginning that a fingerprint has. */
#include "model/row.h"
#include "store/alerts_received.h"
#include "store/alerts_internal.h"
#include "store/control.h"

#define MEMBER_ROWS                                                                                \
	"json_to_recordset($1::json) AS x(fingerprint text, state text, labels json, text text,"   \
	" starts timestamptz, ends timestamptz, doubt text)"

static const struct field member_fields[] = {
	FIELD(alert_member, fingerprint, "fingerprint", "FINGERPRINT", F_STR),
	FIELD(alert_member, state, "state", "STATE", F_STR),
	FIELD(alert_member, starts_ms, "startsAt", "SINCE", F_TIME),
	FIELD(alert_member, ends_ms, "endsAt", "UNTIL", F_TIME),
	FIELD(alert_member, received_ms, "receivedAt", "RECEIVED", F_TIME),
	FIELD(alert_member, doubt, "doubt", "DOUBT", F_STR),
	FIELD(alert_member, text, "text", "WHAT", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_member, labels, "labels", "LABELS", F_JSON, .flags = FF_OUTSIDE),
};
RECORD_TYPE(alert_member_type, "alert member", alert_member, member_fields);

static const struct field delivery_fields[] = {
	FIELD(alert_delivery, id, "id", "ID", F_I64),
	FIELD(alert_delivery, at_ms, "at", "AT", F_TIME),
	FIELD(alert_delivery, by, "by", "TOKEN", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_delivery, receiver, "receiver", "RECEIVER", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_delivery, alerts, "alerts", "ALERTS", F_I64),
	FIELD(alert_delivery, kept, "kept", "KEPT", F_I64),
	FIELD(alert_delivery, dropped, "dropped", "LEFT OUT", F_I64),
	FIELD(alert_delivery, note, "note", "NOTE", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(alert_delivery_type, "delivery", alert_delivery, delivery_fields);

static int id_of(struct tx *t, const char *sql, const char *name, const char *subject, char **ret,
		 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, sql, "tt", name, subject);

	*ret = e == 0 && pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}

/* Two deliveries of one group come one after the other, also when there is no row yet. */
int alert_open_id(struct tx *t, const char *name, const char *subject, char **ret,
		  struct err *err)
{
	int e = alerts_lock(t, err);

	*ret = NULL;
	return e < 0 ? e : id_of(t, "SELECT id FROM ringdown.alert WHERE name = $1 AND subject = $2"
				 " AND state <> 'resolved' FOR UPDATE", name, subject, ret, err);
}

int alert_newest_id(struct tx *t, const char *name, const char *subject, char **ret,
		    struct err *err)
{
	return id_of(t, "SELECT id FROM ringdown.alert WHERE name = $1 AND subject = $2"
		     " ORDER BY (state <> 'resolved') DESC, seen_at DESC, id DESC LIMIT 1", name,
		     subject, ret, err);
}

static const char fresh_sql[] =
	"WITH came AS (SELECT fingerprint, max(starts) FILTER (WHERE state = 'firing') AS f,"
	"  max(starts) FILTER (WHERE state = 'resolved') AS r FROM " MEMBER_ROWS " GROUP BY 1),"
	" known AS (SELECT m.fingerprint, max(m.starts_at) AS s FROM ringdown.alert_member m"
	"  JOIN ringdown.alert a ON a.id = m.alert_id WHERE a.name = $2 AND a.subject = $3"
	"  AND m.state = 'resolved' AND m.received_at > $4::timestamptz - interval '5 minutes'"
	"  GROUP BY 1)"
	" SELECT count(*) FROM came LEFT JOIN known USING (fingerprint) WHERE f IS NOT NULL"
	" AND (r IS NULL OR r < f) AND (s IS NULL OR s < f)";

int alert_members_fresh(struct tx *t, const char *name, const char *subject, const char *members,
			int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, fresh_sql, "tttm", members, name, subject, tx_now_ms(t));

	*ret += e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

int alert_put_over(struct tx *t, const char *name, const char *subject, const char *receiver,
		   struct err *err)
{
	return tx_query(t, NULL, err, "INSERT INTO ringdown.alert (id, name, subject, text,"
			" severity, state, since, seen_at, resolved_at, source, grouping, count)"
			" VALUES ('AL-' || nextval('ringdown.alert_seq'), $1, $2,"
			" 'its end came before its beginning',"
			" 'info', 'resolved', $4, $4, $4, 'alertmanager ' || $3, $1, 0)",
			"tttm", name, subject, receiver, tx_now_ms(t));
}

static const char members_sql[] =
	"INSERT INTO ringdown.alert_member AS m (alert_id, fingerprint, state, labels, text,"
	" starts_at, ends_at, received_at, doubt)"
	" SELECT DISTINCT ON (fingerprint) $2, fingerprint, state, labels, text, starts, ends,"
	"  $3::timestamptz, doubt FROM " MEMBER_ROWS
	" ORDER BY fingerprint, starts DESC, (state = 'resolved') DESC"
	" ON CONFLICT (alert_id, fingerprint) DO UPDATE SET state = excluded.state,"
	"  labels = excluded.labels, text = excluded.text, starts_at = excluded.starts_at,"
	"  ends_at = excluded.ends_at, received_at = excluded.received_at, doubt = excluded.doubt"
	" WHERE excluded.starts_at > m.starts_at OR (excluded.starts_at = m.starts_at AND"
	"  (excluded.state = m.state OR excluded.state = 'resolved' OR"
	"   m.received_at < excluded.received_at - interval '5 minutes'))";

int alert_members_put(struct tx *t, const char *id, const char *members,
		      struct members_result *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, members_sql, "ttm", members, id, tx_now_ms(t));

	if (e < 0)
		return e;
	ret->taken += pg_affected(r);
	pg_result_free_p(&r);
	e = tx_query(t, &r, err, "SELECT count(*) FROM ringdown.alert_member WHERE alert_id = $1"
		     " AND state = 'firing'", "t", id);
	ret->firing = e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

int alert_more_over(struct tx *t, const char *id, const char *grouping, bool all, struct err *err)
{
	return tx_query(t, NULL, err, "UPDATE ringdown.alert_member m SET state = 'resolved',"
			" received_at = $4 FROM ringdown.alert a WHERE a.id = m.alert_id AND"
			" a.id = $1 AND a.grouping = $2 AND m.state = 'firing' AND"
			" ($3 OR m.fingerprint = '" ALERT_MEMBER_MORE "')", "ttbm", id, grouping,
			all, tx_now_ms(t));
}

int alert_count(struct tx *t, const char *id, int64_t firing, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "UPDATE ringdown.alert SET count = $2, seen_at = $3"
			 " WHERE id = $1 AND count <> $2 RETURNING " ALERT_COLUMNS, "tim", id,
			 firing, tx_now_ms(t));

	if (e == 0)
		alerts_note(t, r, "alert.figures");
	return e;
}

/* ---- too many names -------------------------------------------------------------------------- */

int alerts_received_open(struct tx *t, int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT count(*) FROM ringdown.alert WHERE state <> 'resolved'"
			 " AND source ^@ 'alertmanager'", "");

	*ret = e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

static const char members_end_sql[] =
	"UPDATE ringdown.alert_member m SET state = 'resolved', ends_at = x.ends,"
	" received_at = $2::timestamptz FROM " MEMBER_ROWS ", ringdown.alert a"
	" WHERE a.name = '" MANY_ALERTS "' AND a.subject = '' AND a.state <> 'resolved'"
	" AND m.alert_id = a.id AND m.fingerprint = x.fingerprint AND m.state = 'firing'"
	" AND x.state = 'resolved' AND x.starts >= m.starts_at";

int alert_members_end(struct tx *t, const char *members, int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, members_end_sql, "tm", members, tx_now_ms(t));

	*ret += e == 0 ? pg_affected(r) : 0;
	return e;
}

int alert_many_count(struct tx *t, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT a.id, count(m.fingerprint) FROM ringdown.alert a LEFT"
			 " JOIN ringdown.alert_member m ON m.alert_id = a.id AND m.state = 'firing'"
			 " WHERE a.name = '" MANY_ALERTS "' AND a.subject = '' AND a.state <>"
			 " 'resolved' GROUP BY 1", "");

	if (e < 0 || pg_rows(r) == 0)
		return e;
	return pg_i64(r, 0, 1) ? alert_count(t, pg_text(r, 0, 0), pg_i64(r, 0, 1), err) :
				 alert_resolve(t, MANY_ALERTS, "", NULL, err);
}

int alert_delivery_put(struct tx *t, const char *receiver, int64_t alerts, int64_t kept,
		       int64_t dropped, const char *note, int64_t *ret_id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "INSERT INTO ringdown.alert_delivery (at, by, receiver,"
			 " alerts, kept, dropped, note) VALUES ($1, $2, $3, $4, $5, $6, $7)"
			 " RETURNING id", "mttiiit", tx_now_ms(t), t->who.actor, receiver, alerts,
			 kept, dropped, note);

	*ret_id = e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

int alert_members_list(struct store *s, const char *id, int64_t limit, struct alert_member **ret,
		       size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT fingerprint, state, labels, text, doubt,"
			    " starts_at AS \"startsAt\", ends_at AS \"endsAt\","
			    " received_at AS \"receivedAt\" FROM ringdown.alert_member"
			    " WHERE alert_id = $1 ORDER BY state, starts_at DESC, fingerprint"
			    " LIMIT $2", "ti", id, limit);

	if (e == 0)
		*ret = row_records(&alert_member_type, r, ret_n);
	return e;
}

int alert_deliveries_list(struct store *s, int64_t limit, struct alert_delivery **ret,
			  size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT id, at, by, receiver, alerts, kept, dropped, note"
			    " FROM ringdown.alert_delivery ORDER BY id DESC LIMIT $1", "i", limit);

	if (e == 0)
		*ret = row_records(&alert_delivery_type, r, ret_n);
	return e;
}

/* ---- what is old, a batch at a time ---------------------------------------------------------- */

static int prune(struct store *s, const char *sql, int64_t before_ms, bool *ret_more,
		 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, sql, "mi", before_ms, (int64_t)ALERT_PRUNE_BATCH);

	if (e == 0)
		*ret_more |= pg_affected(r) >= ALERT_PRUNE_BATCH;
	return e;
}

int alerts_received_prune(struct store *s, int64_t before_ms, bool *ret_more, struct err *err)
{
	int e = prune(s, "DELETE FROM ringdown.alert_delivery WHERE id IN (SELECT id FROM"
		      " ringdown.alert_delivery WHERE at < $1 ORDER BY at LIMIT $2)", before_ms,
		      ret_more, err);

	return e < 0 ? e : prune(s, "DELETE FROM ringdown.alert_member WHERE ctid IN (SELECT m.ctid"
				 " FROM ringdown.alert_member m JOIN ringdown.alert a ON a.id ="
				 " m.alert_id WHERE a.state = 'resolved' AND a.resolved_at < $1"
				 " LIMIT $2)", before_ms, ret_more, err);
}

int alerts_prune(struct store *s, int64_t before_ms, bool *ret_more, struct err *err)
{
	int e = prune(s, "DELETE FROM ringdown.alert WHERE id IN (SELECT id FROM ringdown.alert a"
		      " WHERE state = 'resolved' AND resolved_at < $1 AND NOT EXISTS (SELECT 1 FROM"
		      "  ringdown.incident_link l WHERE l.kind = 'alert' AND l.ref = a.id)"
		      " AND NOT EXISTS (SELECT 1 FROM ringdown.alert_member m WHERE"
		      "  m.alert_id = a.id) ORDER BY resolved_at LIMIT $2)", before_ms, ret_more,
		      err);

	return e < 0 ? e : prune(s, "DELETE FROM ringdown.silence WHERE id IN (SELECT id FROM"
				 " ringdown.silence WHERE until < $1 ORDER BY until LIMIT $2)",
				 before_ms, ret_more, err);
}
