/*
 * The outbox. A message may go when no older one of its channel and event to the same
 * recipient is still waiting, so everybody reads in order and a message that cannot be
 * delivered holds up nobody else; after an hour it is dead and no longer in the way.
 *
 * Over a cap a message is kept as `digested` (it is seen in lists), and one digest an hour
 * and channel says how many there were.
 */
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "store/internal.h"

enum { HOUR_MS = 3600 * 1000 };
#define OUTBOX_COLUMNS                                                                             \
	"o.id, o.channel, o.event_id, o.kind, o.recipient, o.payload, o.state, o.error,"           \
	" o.dedup_key, o.created_at, o.next_at, o.attempts, o.sent_at, o.dead_at"

static void row_fini(struct outbox_row *r)
{
	free(r->channel);
	free(r->event);
	free(r->kind);
	free(r->recipient);
	free(r->payload);
	free(r->state);
	free(r->error);
	free(r->dedup_key);
}

void outbox_free(struct outbox_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_fini(&rows[i]);
	free(rows);
}

static void read_rows(const struct pg_result *r, struct outbox_row **ret, size_t *ret_n)
{
	int n = pg_rows(r);
	struct outbox_row *rows = xcalloc((size_t)n + 1, sizeof(*rows));

	for (int i = 0; i < n; i++)
		rows[i] = (struct outbox_row){
			.id = pg_i64(r, i, 0), .channel = col_dup(r, i, 1),
			.event = col_dup(r, i, 2),
			.kind = col_dup(r, i, 3), .recipient = col_dup(r, i, 4),
			.payload = col_dup(r, i, 5), .state = col_dup(r, i, 6),
			.error = col_dup(r, i, 7),
			.dedup_key = col_dup(r, i, 8), .created_at_ms = pg_time(r, i, 9),
			.next_at_ms = pg_time(r, i, 10), .attempts = pg_i64(r, i, 11),
			.sent_at_ms = pg_time(r, i, 12), .dead_at_ms = pg_time(r, i, 13),
		};
	*ret = rows;
	*ret_n = (size_t)n;
}

static int over_cap(struct tx *t, const struct outbox_new *m, const struct outbox_limits *lim,
		    bool *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e;

	*ret = false;
	if (!lim || (lim->per_event_hour <= 0 && lim->per_hour <= 0))
		return 0;
	e = tx_query(t, &r, err, "SELECT count(*) FILTER (WHERE event_id = $2), count(*)"
		     " FROM ringdown.outbox WHERE channel = $1 AND created_at > $3"
		     " AND state <> 'digested' AND kind <> 'digest'",
		     "ttm", m->channel, m->event ? m->event : "", tx_now_ms(t) - HOUR_MS);
	if (e < 0)
		return e;
	*ret = (lim->per_event_hour > 0 && pg_i64(r, 0, 0) >= lim->per_event_hour) ||
	       (lim->per_hour > 0 && pg_i64(r, 0, 1) >= lim->per_hour);
	return 0;
}

/* One a channel, recipient and hour, due at the hour's end; the sender counts what is in it
 * then. */
static int put_digest(struct tx *t, const struct outbox_new *m, struct err *err)
{
	int64_t hour = tx_now_ms(t) / HOUR_MS;
	const char *to = m->recipient ? m->recipient : "";
	_cleanup_(free_p) char *key = xasprintf("digest/%lld/%s", (long long)hour, to);
	struct str payload = STR_INIT(512);
	struct jw w = JW(&payload);
	int e;

	jw_obj(&w, NULL);
	jw_time(&w, "from", hour * HOUR_MS);
	jw_time(&w, "to", (hour + 1) * HOUR_MS);
	jw_obj_end(&w);
	e = tx_query(t, NULL, err,
		     "INSERT INTO ringdown.outbox (channel, kind, recipient, dedup_key, payload,"
		     " state, created_at, next_at) VALUES ($1, 'digest', $2, $3, $4, 'waiting', $5,"
		     " $6) ON CONFLICT (channel, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING",
		     "ttttmm", m->channel, to, key, str_get(&payload),
		     tx_now_ms(t), (hour + 1) * HOUR_MS);
	str_fini(&payload);
	return e;
}

int outbox_put(struct tx *t, const struct outbox_new *m, const struct outbox_limits *lim,
	       int64_t *ret_id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	bool over;
	int e = over_cap(t, m, lim, &over, err);

	if (ret_id)
		*ret_id = 0;
	if (e == 0)
		e = tx_query(t, &r, err,
			     "INSERT INTO ringdown.outbox (channel, event_id, kind, recipient,"
			     " dedup_key, payload, state, created_at, next_at) VALUES ($1, $2, $3,"
			     " $4, $5, $6, $7, $8, $9) ON CONFLICT (channel, dedup_key) WHERE"
			     " dedup_key IS NOT NULL DO NOTHING RETURNING id",
			     "tttttttmm", m->channel, m->event ? m->event : "", m->kind,
			     m->recipient ? m->recipient : "", m->dedup_key, m->payload,
			     over ? "digested" : "waiting", tx_now_ms(t),
			     tx_now_ms(t) + m->delay_ms);
	if (e < 0 || pg_rows(r) == 0)
		return e;
	if (ret_id)
		*ret_id = pg_i64(r, 0, 0);
	return over ? put_digest(t, m, err) : 0;
}

int outbox_claim(struct store *s, int64_t limit, int64_t claim_ms, struct outbox_row **ret,
		 size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t now = loop_wall_ms(s->loop);
	/* A row that another engine has locked is skipped, not waited for; its successors of the
	 * same channel, event and recipient are not first, so they cannot overtake it. */
	int e = store_query(s, &r, err,
			    "WITH first AS (SELECT DISTINCT ON (channel, event_id, recipient) id,"
			    " state, next_at, claimed_until FROM ringdown.outbox WHERE state IN"
			    " ('waiting', 'sending') ORDER BY channel, event_id, recipient, id),"
			    " due AS (SELECT o.id FROM ringdown.outbox o JOIN first f ON f.id ="
			    " o.id WHERE (o.state = 'waiting' AND o.next_at <= $1)"
			    " OR (o.state = 'sending' AND o.claimed_until <= $1)"
			    " ORDER BY o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED)"
			    " UPDATE ringdown.outbox o SET state = 'sending', claimed_by = $3,"
			    " claimed_until = $4, attempts = o.attempts + 1 FROM due WHERE o.id ="
			    " due.id RETURNING " OUTBOX_COLUMNS,
			    "mitm", now, limit > 0 ? limit : 50, s->engine_id, now + claim_ms);

	if (e == 0)
		read_rows(r, ret, ret_n);
	return e;
}

int outbox_sent(struct store *s, int64_t id, struct err *err)
{
	return store_query(s, NULL, err, "UPDATE ringdown.outbox SET state = 'sent', sent_at = $2,"
			   " error = NULL WHERE id = $1 AND state = 'sending'", "im", id,
			   loop_wall_ms(s->loop));
}

int outbox_failed(struct store *s, int64_t id, const char *why, int64_t retry_at_ms,
		  int64_t give_up_ms, bool *ret_dead, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *masked = redact_copy(why ? why : "");
	_cleanup_(free_p) char *text = text_clean(masked, 300);
	int64_t now = loop_wall_ms(s->loop);
	/* A digest waits for its hour before its time counts. */
	int e = store_query(s, &r, err,
			    "UPDATE ringdown.outbox SET error = $2, next_at = $3,"
			    " state = CASE WHEN greatest(created_at, CASE WHEN kind = 'digest' THEN"
			    " (payload->>'to')::timestamptz END) <= $4 THEN 'dead' ELSE 'waiting'"
			    " END, dead_at = CASE WHEN greatest(created_at, CASE WHEN kind ="
			    " 'digest' THEN (payload->>'to')::timestamptz END) <= $4 THEN"
			    " $5::timestamptz END WHERE id = $1 AND state = 'sending' RETURNING"
			    " state",
			    "itmmm", id, text, retry_at_ms, now - give_up_ms, now);

	if (e == 0 && ret_dead)
		*ret_dead = pg_rows(r) && str_eq(pg_text(r, 0, 0), "dead");
	return e;
}

int outbox_list(struct store *s, const char *event, int64_t since_ms, int64_t limit,
		struct outbox_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " OUTBOX_COLUMNS " FROM ringdown.outbox o"
			    " WHERE ($1::text IS NULL OR event_id = $1)"
			    " AND (state IN ('waiting', 'sending', 'dead') OR created_at >= $2)"
			    " ORDER BY id DESC LIMIT $3",
			    "tmi", event, since_ms > 0 ? since_ms : 1, limit > 0 ? limit : 200);

	if (e == 0)
		read_rows(r, ret, ret_n);
	return e;
}

int outbox_counts(struct store *s, int64_t *ret_waiting, int64_t *ret_dead, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT count(*) FILTER (WHERE state <> 'dead'), count(*)"
			    " FILTER (WHERE state = 'dead') FROM ringdown.outbox"
			    " WHERE state IN ('waiting', 'sending', 'dead')", "");

	if (e == 0) {
		*ret_waiting = pg_i64(r, 0, 0);
		*ret_dead = pg_i64(r, 0, 1);
	}
	return e;
}

int outbox_prune(struct store *s, int64_t before_ms, struct err *err)
{
	return store_query(s, NULL, err, "DELETE FROM ringdown.outbox WHERE created_at < $1"
			   " AND state NOT IN ('waiting', 'sending')", "m", before_ms);
}
