/* One tick's reads; see decide_read.h. Three statements, whatever the number of lineages. */
#include "store/decide_read.h"

#include "store/internal.h"

void decide_facts_fini(struct decide_facts *f)
{
	for (size_t i = 0; i < f->n_standby; i++) {
		free_p(&f->standby[i].primary);
		free_p(&f->standby[i].backup);
	}
	for (size_t i = 0; i < f->n_attempts; i++)
		free_p(&f->attempts[i].lineage);
	for (size_t i = 0; i < f->n_pools; i++) {
		free_p(&f->pools[i].account);
		free_p(&f->pools[i].example);
		free_p(&f->pools[i].not_ready);
	}
	free_p(&f->standby);
	free_p(&f->attempts);
	free_p(&f->pools);
	*f = (struct decide_facts){ 0 };
}

static int read_standby(struct store *s, struct decide_facts *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT primary_id, backup_id, priority"
			    " FROM ringdown.standby_for ORDER BY primary_id, priority, backup_id",
			    "");

	if (e < 0)
		return e;
	ret->n_standby = (size_t)pg_rows(r);
	ret->standby = xcalloc(ret->n_standby + 1, sizeof(*ret->standby));
	for (int i = 0; i < pg_rows(r); i++)
		ret->standby[i] = (struct standby_row){ col_dup(r, i, 0), col_dup(r, i, 1),
							pg_i64(r, i, 2) };
	return 0;
}

static int read_attempts(struct store *s, int64_t since_ms, struct decide_facts *ret,
			 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	/* the last one forward: what a rollback writes neither waits for the hour nor begins it */
	int e = store_query(s, &r, err,
		"SELECT lineage, at FROM (SELECT e.lineage, CASE"
		"  WHEN e.rollback_started_at IS NULL OR e.last_write_at < e.rollback_started_at"
		"  THEN e.last_write_at ELSE (SELECT max(f.at) FROM ringdown.effect f"
		"   WHERE f.event_id = e.id AND f.at < e.rollback_started_at) END AS at"
		"  FROM ringdown.event e WHERE e.last_write_at > $1::timestamptz) x"
		" WHERE at > $1::timestamptz ORDER BY at", "m", since_ms);

	if (e < 0)
		return e;
	ret->n_attempts = (size_t)pg_rows(r);
	ret->attempts = xcalloc(ret->n_attempts + 1, sizeof(*ret->attempts));
	for (int i = 0; i < pg_rows(r); i++)
		ret->attempts[i] = (struct attempt_row){ col_dup(r, i, 0), pg_time(r, i, 1) };
	return 0;
}

static int read_pools(struct store *s, struct decide_facts *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT a.id,"
		" count(b.id) FILTER (WHERE b.status = 'available' AND b.\"voiceReady\""
		"  AND o.event_id IS NULL AND n.problem IS NULL),"
		" count(b.id) FILTER (WHERE b.status = 'available' AND n.problem IS NOT NULL),"
		" min(b.\"phoneNumber\" || ': ' || n.problem) FILTER (WHERE b.status = 'available'"
		"  AND n.problem IS NOT NULL), min(x.not_ready_reason)"
		" FROM \"TwilioAccount\" a"
		" LEFT JOIN ringdown.account_ext x ON x.account_id = a.id"
		" LEFT JOIN \"TwilioBackupPhoneNumber\" b ON b.\"accountId\" = a.id"
		" LEFT JOIN ringdown.reservation o ON o.phone_number = b.\"phoneNumber\""
		" LEFT JOIN ringdown.number_ext n ON n.account_id = b.\"accountId\""
		"  AND n.phone_number = b.\"phoneNumber\" AND n.problem IS NOT NULL"
		" WHERE a.provider = 'twilio' GROUP BY a.id", "");

	if (e < 0)
		return e;
	ret->n_pools = (size_t)pg_rows(r);
	ret->pools = xcalloc(ret->n_pools + 1, sizeof(*ret->pools));
	for (int i = 0; i < pg_rows(r); i++)
		ret->pools[i] = (struct pool_count){ col_dup(r, i, 0), pg_i64(r, i, 1),
						     pg_i64(r, i, 2), col_dup(r, i, 3),
						     col_dup(r, i, 4) };
	return 0;
}

int decide_facts_read(struct store *s, int64_t attempts_since_ms, bool pools,
		      struct decide_facts *ret, struct err *err)
{
	struct decide_facts f = { 0 };
	int e = read_standby(s, &f, err);

	if (e == 0)
		e = read_attempts(s, attempts_since_ms, &f, err);
	if (e == 0 && pools)
		e = read_pools(s, &f, err);
	if (e < 0) {
		decide_facts_fini(&f);
		return e;
	}
	if (!pools) {
		f.pools = TAKE(ret->pools);
		f.n_pools = ret->n_pools;
		ret->n_pools = 0;
	}
	decide_facts_fini(ret);
	*ret = f;
	return 0;
}
