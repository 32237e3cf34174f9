/* See impact.h. Bounded by the newest rows, so that the size of history does not matter. */
#include "read/impact.h"

enum { WINDOW_MS = 10 * 60 * 1000, NORMAL_MS = 24 * 3600 * 1000 };

/* Finished calls and those in progress; busy and no-answer are the callee's business. */
static const char calls_sql[] =
	"SELECT count(*) FILTER (WHERE status = 'completed' AND created_at >= $1),"
	" count(*) FILTER (WHERE status IN ('completed', 'failed') AND created_at >= $1),"
	" count(*) FILTER (WHERE status IN ('in-progress', 'ringing') AND created_at >= $1),"
	" count(*) FILTER (WHERE status = 'completed' AND created_at < $1),"
	" count(*) FILTER (WHERE status IN ('completed', 'failed') AND created_at < $1)"
	" FROM (SELECT status, created_at FROM calls WHERE created_at >= $2"
	"       ORDER BY created_at DESC LIMIT 20000) newest";

static const char sms_sql[] =
	"SELECT count(*) FILTER (WHERE status IN ('delivered', 'sent') AND \"createdAt\" >= $1),"
	" count(*) FILTER (WHERE status IN ('delivered', 'sent', 'failed', 'undelivered')"
	"                  AND \"createdAt\" >= $1),"
	" count(*) FILTER (WHERE status IN ('delivered', 'sent') AND \"createdAt\" < $1),"
	" count(*) FILTER (WHERE status IN ('delivered', 'sent', 'failed', 'undelivered')"
	"                  AND \"createdAt\" < $1)"
	" FROM (SELECT status, \"createdAt\" FROM \"MessageLog\""
	"       WHERE direction = 'outbound' AND \"createdAt\" >= $2"
	"       ORDER BY \"createdAt\" DESC LIMIT 20000) newest";

static double share(int64_t part, int64_t of)
{
	return of > 0 ? (double)part / (double)of : -1;
}

int read_impact(struct pg_conn *c, int64_t now_ms, struct impact *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *calls = NULL, *sms = NULL;
	struct impact i = IMPACT_UNKNOWN;
	int r = pg_run(c, &calls, err, calls_sql, "mm", now_ms - WINDOW_MS, now_ms - NORMAL_MS);

	if (r == 0) {
		i.calls_n = pg_i64(calls, 0, 1);
		i.calls_ok = share(pg_i64(calls, 0, 0), i.calls_n);
		i.calls_live = pg_i64(calls, 0, 2);
		i.calls_ok_normal = share(pg_i64(calls, 0, 3), pg_i64(calls, 0, 4));
	}
	if (pg_broken(c))
		return r;
	r = pg_run(c, &sms, err, sms_sql, "mm", now_ms - WINDOW_MS, now_ms - NORMAL_MS);
	if (r == 0) {
		i.sms_n = pg_i64(sms, 0, 1);
		i.sms_delivered = share(pg_i64(sms, 0, 0), i.sms_n);
		i.sms_delivered_normal = share(pg_i64(sms, 0, 2), pg_i64(sms, 0, 3));
	}
	i.as_of_ms = now_ms;
	*ret = i;
	return r;
}
