/*
 * Calls and messages of a window against what is usual: the median of the same hours on the
 * days before. Where history is shorter than a day, the hours before the window stand in, and
 * the sentence says so. Where neither is there, lost is unknown, not 0.
 *
 * A window longer than a day is compared with the same number of whole days before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "read/review.h"

enum { DAYS = 7, DAY_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000 };

/* $1 from, $2 to, $3 period in ms, $4 how many periods back. Row: period, total, failed, and
 * the oldest instant there is; period 0 is the window. -1: the day before the window. */
#define TRAFFIC_SQL(table, at, failed, counts)                                                     \
	"WITH rows AS MATERIALIZED (SELECT " at " AS at, (" failed ")::int AS bad,"                \
	" floor(extract(epoch FROM ($2::timestamptz - " at ")) * 1000 / $3::bigint)::int AS k"     \
	" FROM " table " WHERE " at                                                                \
	" >= $1::timestamptz - ($4::bigint + 1) * $3 * interval '1 ms'"                            \
	" AND " at " <= $2 AND " counts "), oldest AS (SELECT min(at) AS at FROM rows)"            \
	" SELECT k, count(*), sum(bad)::bigint, (SELECT at FROM oldest) FROM rows WHERE"           \
	" at >= $1::timestamptz - k * $3 * interval '1 ms' GROUP BY k"                             \
	" UNION ALL SELECT -1, count(*), coalesce(sum(bad), 0)::bigint, (SELECT at FROM oldest)"   \
	" FROM rows WHERE at < $1 AND at >= $1::timestamptz - interval '1 day' ORDER BY 1"

static const struct { const char *word, *table, *sql;
} kinds[REVIEW_KINDS] = {
	[REVIEW_CALLS] = { "calls", "calls",
			   TRAFFIC_SQL("calls", "created_at", "status = 'failed'",
				       "status IN ('completed', 'failed')") },
	[REVIEW_MESSAGES] = { "messages", "\"MessageLog\"",
			      TRAFFIC_SQL(
				      "\"MessageLog\"", "\"createdAt\"",
				      "status IN ('failed', 'undelivered')",
				      "direction = 'outbound' AND status IN ('delivered', 'sent',"
				      " 'failed', 'undelivered')") },
};

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2] + 1) / 2;
}

static void beyond(struct review_traffic *t)
{
	t->beyond_usual = t->failed > t->usual_failed ? t->failed - t->usual_failed : 0;
	t->never_came = t->usual_total > t->total ? t->usual_total - t->total : 0;
}

void review_compare(const struct traffic_day *v, size_t n, struct review_traffic *ret)
{
	int64_t total[DAYS], failed[DAYS];
	size_t days = 0;

	ret->total = v[0].total;
	ret->failed = v[0].failed;
	ret->usual_total = ret->usual_failed = TRAFFIC_UNKNOWN;
	ret->days = 0;
	for (size_t k = 1; k < n && days < DAYS; k++) {
		if (!v[k].known)
			continue;
		total[days] = v[k].total;
		failed[days++] = v[k].failed;
	}
	if (!days)
		return;
	ret->days = (int64_t)days;
	ret->usual_total = median(total, days);
	ret->usual_failed = median(failed, days);
	beyond(ret);
}

static int64_t scaled(int64_t n, int64_t ms, int64_t of_ms)
{
	return (int64_t)((double)n * (double)ms / (double)of_ms + 0.5);
}

/* No day before is known: the hours before, as long as there are, taken down to the window. */
static void from_hours_before(struct review_traffic *t, const struct traffic_day *before,
			      int64_t covered_ms, int64_t window_ms)
{
	char span[40];

	if (covered_ms < HOUR_MS || !before->total) {
		t->how = xasprintf(
			"nothing to compare with: %s are recorded for less than an hour before",
			t->kind);
		return;
	}
	t->usual_total = scaled(before->total, window_ms, covered_ms);
	t->usual_failed = scaled(before->failed, window_ms, covered_ms);
	beyond(t);
	format_duration(span, sizeof(span), covered_ms / 60000 * 60000);
	t->how = xasprintf(
		"compared with the mean of the %s before (no whole day before is recorded)", span);
}

static void fill(struct review_traffic *t, const struct pg_result *r, int64_t from_ms,
		 int64_t to_ms, int64_t period_ms)
{
	struct traffic_day v[DAYS + 1] = { { .known = true } }, before = { 0 };
	int64_t oldest = pg_rows(r) ? pg_time(r, 0, 3) : 0, covered = from_ms - oldest;

	for (int i = 0; i < pg_rows(r); i++) {
		int64_t k = pg_i64(r, i, 0);
		struct traffic_day *d = k < 0 ? &before : k <= DAYS ? &v[k] : NULL;

		if (d) {
			d->total = pg_i64(r, i, 1);
			d->failed = pg_i64(r, i, 2);
		}
	}
	for (int k = 1; k <= DAYS; k++)
		v[k].known = oldest && oldest <= from_ms - k * period_ms;
	t->known = true;
	review_compare(v, DAYS + 1, t);
	if (t->days)
		t->how = xasprintf("compared with the same hours of the %lld day%s before (median)",
				   (long long)t->days, t->days == 1 ? "" : "s");
	else
		from_hours_before(t, &before, !oldest ? 0 : covered < DAY_MS ? covered : DAY_MS,
				  to_ms > from_ms ? to_ms - from_ms : 1);
}

void review_traffic_unknown(enum review_kind kind, const char *why, struct review_traffic *ret)
{
	*ret = (struct review_traffic){ .kind = xstrdup(kinds[kind].word),
					.usual_total = TRAFFIC_UNKNOWN,
					.usual_failed = TRAFFIC_UNKNOWN };
	ret->how =
		xasprintf("unknown: the table %s could not be read (%s)", kinds[kind].table, why);
}

void read_review_traffic(struct pg_conn *c, enum review_kind kind, int64_t from_ms,
			 int64_t to_ms, struct review_traffic *ret)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t period = ((to_ms - from_ms) / DAY_MS + 1) * DAY_MS;
	struct err err = { 0 };
	int e = pg_run(c, &r, &err, kinds[kind].sql, "mmii", from_ms, to_ms, period, (int64_t)DAYS);

	if (e < 0) {
		review_traffic_unknown(kind, err.msg, ret);
		return;
	}
	*ret = (struct review_traffic){ .kind = xstrdup(kinds[kind].word) };
	fill(ret, r, from_ms, to_ms, period);
}
