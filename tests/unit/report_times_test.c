/* TTD, TTA, TTM, TTR and impact against figures worked out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "report/times.h"

enum { MIN = 60000 };
static const int64_t day = 1760918400000;	/* 2025-10-20T00:00:00Z */

static struct incident at(int kind, int started, int detected, int acked, int mitigated,
			  int resolved)
{
	struct incident i = { .kind = kind };
	int64_t *to[] = { &i.started_at_ms, &i.detected_at_ms, &i.acked_at_ms, &i.mitigated_at_ms,
			  &i.resolved_at_ms };
	int min[] = { started, detected, acked, mitigated, resolved };

	for (int k = 0; k < 5; k++)
		*to[k] = min[k] < 0 ? 0 : day + min[k] * (int64_t)MIN;
	return i;
}

static void spans(void **state)
{
	struct incident i = at(IK_REAL, 0, 4, 9, 30, 75), odd = at(IK_REAL, 10, 4, -1, 3, -1);

	(void)state;
	assert_int_equal(incident_time(&i, TIME_TTD), 4 * MIN);
	assert_int_equal(incident_time(&i, TIME_TTA), 5 * MIN);
	assert_int_equal(incident_time(&i, TIME_TTM), 26 * MIN);
	assert_int_equal(incident_time(&i, TIME_TTR), 71 * MIN);
	assert_int_equal(incident_time(&i, TIME_IMPACT), 30 * MIN);
	/* backwards or absent is missing, never negative and never 0 */
	assert_int_equal(incident_time(&odd, TIME_TTD), TIME_MISSING);
	assert_int_equal(incident_time(&odd, TIME_TTA), TIME_MISSING);
	assert_int_equal(incident_time(&odd, TIME_TTM), TIME_MISSING);
	assert_int_equal(incident_time(&odd, TIME_TTR), TIME_MISSING);
}

static void summary(void **state)
{
	struct incident v[] = {
		at(IK_REAL, 0, 0, 1, -1, 10),	  at(IK_REAL, 0, 0, 2, -1, 20),
		at(IK_BACKFILL, 0, 0, 3, -1, 60), at(IK_REAL, 0, 0, 30, -1, -1),
		at(IK_DRILL, 0, 0, 500, 500, 500),
	};
	struct time_summary s;

	(void)state;
	times_summary(v, 5, TIME_TTA, &s);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.missing, 0);
	assert_int_equal(s.backfilled, 1);
	assert_int_equal(s.median, 2 * MIN + MIN / 2);
	assert_int_equal(s.p90, 30 * MIN);
	assert_int_equal(s.max, 30 * MIN);
	assert_int_equal(s.mean, 9 * MIN);
	times_summary(v, 5, TIME_TTR, &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.missing, 1);
	assert_int_equal(s.median, 20 * MIN);
	assert_int_equal(s.mean, 30 * MIN);
	times_summary(v, 5, TIME_TTM, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.median, TIME_MISSING);
	assert_int_equal(s.mean, TIME_MISSING);
}

static void p90_of_ten(void **state)
{
	struct incident v[10];
	struct time_summary s;

	(void)state;
	for (int i = 0; i < 10; i++)
		v[i] = at(IK_REAL, 0, 0, 10 - i, -1, -1);
	times_summary(v, 10, TIME_TTA, &s);
	assert_int_equal(s.p90, 9 * MIN);
	assert_int_equal(s.median, 5 * MIN + MIN / 2);
	times_summary(v, 1, TIME_TTA, &s);
	assert_int_equal(s.p90, 10 * MIN);
}

static void tables(void **state)
{
	struct incident v[] = { at(IK_REAL, 0, 0, 1, 2, 3), at(IK_REAL, 0, 0, 3, 2, 3),
				at(IK_DRILL, 0, 0, 9, 9, 9) };
	struct times_row *rows;
	size_t n;

	(void)state;
	v[1].detected_at_ms += 15 * 24 * 60 * (int64_t)MIN;	/* November */
	v[1].acked_at_ms = v[1].detected_at_ms + MIN;
	n = times_table(v, 3, TIMES_BY_MONTH, &rows);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].name, "2025-11");
	assert_string_equal(rows[1].name, "2025-10");
	assert_int_equal(rows[1].incidents, 1);
	assert_int_equal(rows[1].drills, 1);
	assert_int_equal(rows[1].v[TIME_TTA].median, MIN);
	times_free(rows, n);
	v[0].cause = (char[]){ "provider" };
	n = times_table(v, 3, TIMES_BY_CAUSE, &rows);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].name, "not written yet");
	assert_string_equal(rows[1].name, "provider");
	times_free(rows, n);
}

static void minutes_per_severity(void **state)
{
	struct incident_severity h[] = {
		{ .severity = (char[]){ "P1" }, .at_ms = day },
		{ .severity = (char[]){ "P0" }, .at_ms = day + 10 * MIN },
		{ .severity = (char[]){ "P1" }, .at_ms = day + 40 * MIN },
	};
	struct incident_doc d = { .severities = h, .n_severities = 3 };
	struct severity_time t[8];

	(void)state;
	assert_int_equal(severity_times(&d, day + 50 * MIN, t), 2);
	assert_string_equal(t[0].severity, "P1");
	assert_int_equal(t[0].ms, 20 * MIN);
	assert_int_equal(t[1].ms, 30 * MIN);
	d.incident.resolved_at_ms = day + 20 * MIN;	/* changes afterwards are no time in it */
	assert_int_equal(severity_times(&d, day + 50 * MIN, t), 2);
	assert_int_equal(t[0].ms, 10 * MIN);
	assert_int_equal(t[1].ms, 10 * MIN);
}

/* Raised from P2 to P0 after two hours, acknowledged five minutes later: in time. */
static void acknowledged_at(void **state)
{
	struct incident_severity v[] = { { .severity = (char *)"P2", .at_ms = 1000 },
					 { .severity = (char *)"P0", .at_ms = 120 * MIN },
					 { .severity = (char *)"P1", .at_ms = 200 * MIN } };
	struct incident_doc d = { .severities = v, .n_severities = 3,
				  .incident = { .detected_at_ms = 1000, .declared_at_ms = 1000,
						.acked_at_ms = 125 * MIN } };
	int64_t took;

	(void)state;
	assert_string_equal(severity_acknowledged(&d, &took)->severity, "P0");
	assert_int_equal(took, 5 * MIN);
	d.n_severities = 1;
	assert_string_equal(severity_acknowledged(&d, &took)->severity, "P2");
	assert_int_equal(took, 125 * MIN - 1000);
	d.incident.acked_at_ms = 0;
	assert_non_null(severity_acknowledged(&d, &took));
	assert_int_equal(took, TIME_MISSING);
	d.n_severities = 0;
	assert_null(severity_acknowledged(&d, &took));
}

/* Three incidents, two of one month; the fourth is a drill and has no spans. */
static void severities_of_rows(void **state)
{
	char ids[4][8] = { "INC-1", "INC-10", "INC-2", "INC-3" }, p0[] = "P0", p1[] = "P1";
	const struct severity_span spans[] = {
		{ ids[0], p1, 10 * MIN }, { ids[0], p0, 5 * MIN }, { ids[1], p1, 7 * MIN },
		{ ids[2], p1, 3 * MIN },
	};
	struct incident v[4] = { at(IK_REAL, 0, 0, -1, -1, 15), at(IK_REAL, 0, 1, -1, -1, 8),
				 at(IK_REAL, 0, 2, -1, -1, 9), at(IK_DRILL, 0, 0, -1, -1, 1) };
	struct times_row *rows;
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++)
		v[i].id = ids[i];
	v[1].detected_at_ms -= 30 * 24 * 60 * (int64_t)MIN;
	n = times_table(v, 4, TIMES_BY_MONTH, &rows);
	times_severities(rows, n, v, 4, TIMES_BY_MONTH, spans, 4);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].name, "2025-10");
	assert_int_equal(rows[0].n_severities, 2);
	assert_string_equal(rows[0].severities[0].severity, "P0");
	assert_int_equal(rows[0].severities[0].ms, 5 * MIN);
	assert_int_equal(rows[0].severities[1].ms, 13 * MIN);
	assert_int_equal(rows[1].n_severities, 1);
	assert_int_equal(rows[1].severities[0].ms, 7 * MIN);
	times_free(rows, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans),	cmocka_unit_test(summary),
		cmocka_unit_test(p90_of_ten),	cmocka_unit_test(tables),
		cmocka_unit_test(minutes_per_severity), cmocka_unit_test(severities_of_rows), cmocka_unit_test(acknowledged_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
