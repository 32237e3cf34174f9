/*
 * A metric by a statement of PostgreSQL: the first column of one row, or with `by` a row for
 * each series, the label in the column of that name or in the first one. Read only, by a role
 * that may do no more, on a pool of its own, so that a slow statement holds up nobody else.
 *
 * NULL is no value: that series is left out.
 */
#include <string.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/pg.h"
#include "core/str.h"
#include "metric/internal.h"

enum { CONNECTIONS = 3, CONNECT_MS = 3000, BYTES_MAX = 8 << 20 };

static int pool_of(struct metrics *ms, struct err *err)
{
	struct pg_options o = {
		.url = ms->d.database, .max_connections = CONNECTIONS,
		.connect_timeout_ms = CONNECT_MS, .statement_timeout_ms = METRIC_DEADLINE_MS,
		.application_name = "ringdown metrics", .read_only = true,
	};

	if (ms->pool)
		return 0;
	if (str_empty(ms->d.database))
		return err_set(err, ERR_DENIED, "no database is configured for metrics");
	ms->pool = pg_pool_new(ms->d.loop, &o);
	return ms->pool ? 0 : err_set(err, ERR_INVALID, "the database's address is not usable");
}

static int number_at(const struct pg_result *r, int row, int col, double *ret, struct err *err)
{
	const char *text = pg_text(r, row, col);

	if (pg_col_kind(r, col) == PG_BOOL)
		*ret = pg_bool(r, row, col);
	else if (!parse_double(text, ret))
		return err_set(err, ERR_INVALID, "'%.40s' came instead of a number", text);
	return 0;
}

static int points_of(struct metric_ask *a, const struct pg_result *r, struct err *err)
{
	int label = a->m->by ? pg_col(r, a->m->by) : -1, value, e = 0;

	if (a->m->by && label < 0)
		label = 0;
	value = label == 0 ? 1 : 0;
	if (value >= pg_cols(r))
		return err_set(err, ERR_INVALID, "the statement gives no column with the value");
	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		double v = 0;

		if (pg_null(r, i, value))
			continue;
		e = number_at(r, i, value, &v, err);
		if (e == 0)
			metric_points_add(a->ret, label >= 0 ? pg_text(r, i, label) : "", v);
	}
	return e;
}

/* One statement, on a connection that nothing outlives: the pool closes what is left open. */
int metric_ask_sql(struct metric_ask *a, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *c = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct pg_params none = PG_PARAMS;
	int64_t rows = 0;
	int e = pool_of(a->ms, err);

	if (e == 0)
		e = pg_acquire(a->ms->pool, &c, err);
	if (e == 0)
		e = pg_query_capped(c, a->m->text, &none, METRIC_POINTS_MAX, BYTES_MAX, &r,
				    &rows, err);
	if (e == 0 && rows > pg_rows(r))
		e = err_set(err, ERR_INVALID, "%lld rows came, %d is the most", (long long)rows,
			    METRIC_POINTS_MAX);
	return e < 0 ? e : points_of(a, r, err);
}
