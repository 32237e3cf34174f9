/* How windows end and how long steps take, against figures counted by hand; what is usual of
 * calls and messages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "read/review.h"
#include "report/failovers.h"
#include "report/report.h"

enum { MIN = 60000 };
static char engine[] = "engine", anna[] = "anna";

static struct failover_row row(int status, int64_t window, char *by, int opened, int decided,
			       int done)
{
	return (struct failover_row){ .status = status, .window_ms = window, .decided_by = by,
				      .opened_at_ms = opened * (int64_t)MIN,
				      .decided_at_ms = decided * (int64_t)MIN,
				      .completed_at_ms = done * (int64_t)MIN };
}

static void windows(void **state)
{
	struct failover_row v[] = {
		row(EV_CANCELLED, 10 * MIN, NULL, 1, 0, 0),
		row(EV_CANCELLED, 10 * MIN, anna, 1, 3, 0),
		row(EV_COMPLETED, 10 * MIN, engine, 10, 20, 22),
		row(EV_ROLLED_BACK, 10 * MIN, anna, 10, 14, 15),
		row(EV_FAILED, 10 * MIN, anna, 10, 16, 0),
		row(EV_REJECTED, 10 * MIN, anna, 10, 11, 0),
		row(EV_PENDING, 10 * MIN, NULL, 10, 0, 0),
		row(EV_COMPLETED, 0, engine, 5, 5, 9),		/* critical: no window */
		row(EV_COMPLETED, 10 * MIN, anna, 1, 500, 900),	/* a drill */
	};
	struct failover_step steps[] = {
		{ NULL, (char[]){ "lock" }, 1000 }, { NULL, (char[]){ "lock" }, 3000 },
		{ NULL, (char[]){ "switch" }, 10000 },
	};
	struct failover_metrics m;

	(void)state;
	v[8].trigger = TRIG_DRILL;
	failover_count(v, COUNT_OF(v), steps, COUNT_OF(steps), &m);
	assert_int_equal(m.events, 8);
	assert_int_equal(m.drills, 1);
	assert_int_equal(m.windows, 7);
	assert_int_equal(m.ends[WE_CANCELLED], 2);
	assert_int_equal(m.ends[WE_EXPIRED], 1);
	assert_int_equal(m.ends[WE_APPROVED], 2);
	assert_int_equal(m.ends[WE_REJECTED], 1);
	assert_int_equal(m.ends[WE_OPEN], 1);
	/* 2, 10, 4, 6, 1 minutes */
	assert_int_equal(m.deciding.n, 5);
	assert_int_equal(m.deciding.median, 4 * MIN);
	assert_int_equal(m.deciding.p90, 10 * MIN);
	assert_int_equal(m.deciding.mean, 23 * MIN / 5);
	/* 2, 1, 4 */
	assert_int_equal(m.moving.n, 3);
	assert_int_equal(m.moving.median, 2 * MIN);
	assert_int_equal(m.n_steps, 2);
	assert_string_equal(m.steps[0].name, "lock");
	assert_int_equal(m.steps[0].took.median, 2000);
	assert_int_equal(m.steps[1].took.n, 1);
	failover_count(NULL, 0, NULL, 0, &m);
	assert_int_equal(m.deciding.n, 0);
	assert_int_equal(m.deciding.median, TIME_MISSING);
}

static void usual(void **state)
{
	struct traffic_day v[8] = {
		{ 100, 40, true }, { 150, 3, true }, { 160, 5, true }, { 10, 10, false },
		{ 140, 4, true },  { 0, 0, false },
	};
	struct review_traffic t = { 0 };

	(void)state;
	review_compare(v, COUNT_OF(v), &t);
	assert_int_equal(t.days, 3);
	assert_int_equal(t.usual_total, 150);
	assert_int_equal(t.usual_failed, 4);
	assert_int_equal(t.beyond_usual, 36);
	assert_int_equal(t.never_came, 50);
	/* busier and better than usual is no loss, and no gain either */
	v[0] = (struct traffic_day){ 400, 1, true };
	review_compare(v, COUNT_OF(v), &t);
	assert_int_equal(t.beyond_usual, 0);
	assert_int_equal(t.never_came, 0);
	/* nothing before: unknown, not 0 */
	review_compare(v, 1, &t);
	assert_int_equal(t.usual_total, TRAFFIC_UNKNOWN);
}

static void severities(void **state)
{
	struct incident_severity s[] = {
		{ .severity = (char[]){ "P2" }, .at_ms = 10 * MIN },
		{ .severity = (char[]){ "P0" }, .at_ms = 25 * MIN },
		{ .severity = (char[]){ "P2" }, .at_ms = 40 * MIN },
	};
	struct report r = { .doc = { .severities = s, .n_severities = 3 } };

	(void)state;
	r.doc.incident = (struct incident){ .started_at_ms = 5 * MIN, .declared_at_ms = 10 * MIN,
					    .resolved_at_ms = 50 * MIN };
	report_settle(&r, 500 * MIN);
	assert_int_equal(r.n_severities, 2);
	assert_string_equal(r.severities[0].severity, "P2");
	assert_int_equal(r.severities[0].ms, 25 * MIN);
	assert_int_equal(r.severities[1].ms, 15 * MIN);
	assert_true(r.from_ms < 5 * MIN && r.to_ms > 50 * MIN && r.to_ms < 100 * MIN);
	/* still going on: until now */
	r.doc.incident.resolved_at_ms = 0;
	report_settle(&r, 60 * MIN);
	assert_int_equal(r.severities[0].ms, 35 * MIN);
	assert_int_equal(r.to_ms, 60 * MIN);
}

static void page_is_inert(void **state)
{
	struct timeline_entry e = { .text = (char[]){ "</style><script>x</script>" },
				    .actor = (char[]){ "\"><b>" },
				    .lane = (char[]){ "people" },
				    .kind = (char[]){ "note" },
				    .happened_at_ms = 20 * MIN,
				    .pinned = true };
	struct review_text text = { .section = (char[]){ "summary" }, .version = 1,
				    .text = (char[]){ "# head\n- `a<b` **c&d**\n<i>\x1b[31m" },
				    .by = (char[]){ "<u>" } };
	struct report r = { .entries = &e, .n_entries = 1, .texts = &text, .n_texts = 1 };
	struct str b = STR_INIT(1 << 20);
	const char *body;

	(void)state;
	r.doc.incident = (struct incident){ .id = (char[]){ "INC-1" }, .title = (char[]){ "<h1>" },
					    .started_at_ms = 5 * MIN, .resolved_at_ms = 50 * MIN };
	r.traffic[0] = (struct review_traffic){ .kind = (char[]){ "calls" } };
	r.traffic[1] = (struct review_traffic){ .kind = (char[]){ "messages" } };
	report_outline(&r, NULL);
	report_settle(&r, 60 * MIN);
	report_html(&r, &b);
	body = strstr(str_get(&b), "</style>");
	assert_non_null(body);
	assert_null(strstr(body + 1, "</style>"));
	assert_null(strstr(str_get(&b), "<script"));
	assert_null(strstr(str_get(&b), "<b>\""));
	assert_null(strstr(str_get(&b), "<i>"));
	assert_null(strstr(str_get(&b), "<u>"));
	assert_null(strchr(str_get(&b), 0x1b));
	assert_non_null(strstr(str_get(&b), "<li><code>a&lt;b</code> <strong>c&amp;d</strong>"));
	assert_non_null(strstr(str_get(&b), "<h4>head</h4>"));
	/* nothing can be told of calls: said, not 0 */
	assert_non_null(strstr(str_get(&b), "Lost calls"));
	str_fini(&b);
	for (size_t i = 0; i < r.n_parts; i++)
		free_p(&r.parts[i].title);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows), cmocka_unit_test(usual), cmocka_unit_test(severities),
		cmocka_unit_test(page_is_inert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
