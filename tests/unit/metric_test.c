/* Metrics from their sources: what the replies of the application and of Prometheus mean, values
 * of the target, statements on a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "metric/source.h"
#include "tests/lib/storetest.h"

STORETEST(st)

/* ---- replies --------------------------------------------------------------------------- */

typedef int (*reader)(const struct policy_metric *m, const char *text, size_t len,
		      struct metric_points *ret, struct err *err);

static void reads(reader fn, char *path, char *by, const char *text, int want, size_t n,
		  const char *label, double value, const char *why)
{
	struct policy_metric m = { .name = (char[]){ "m" }, .json_path = path, .by = by };
	struct metric_points p = { 0 };
	struct err err = { 0 };
	int e = fn(&m, text, strlen(text), &p, &err);

	assert_int_equal(e, want);
	if (why && !strstr(err.msg, why))
		fail_msg("'%s' is not in '%s'", why, err.msg);
	assert_int_equal(p.n, n);
	if (n) {
		assert_string_equal(p.v[n - 1].label, label);
		assert_true(p.v[n - 1].value == value);
	}
	metric_points_fini(&p);
}

static void replies_of_the_application(void **state)
{
	char avg[] = "$.average", deep[] = "$.a[1].b", all[] = "$.calls[*].mos", by[] = "callSid";

	(void)state;
	reads(metric_from_json, avg, NULL, "{\"average\":4.2}", 0, 1, "", 4.2, NULL);
	reads(metric_from_json, avg, NULL, "{\"average\":\"98.5\"}", 0, 1, "", 98.5, NULL);
	reads(metric_from_json, deep, NULL, "{\"a\":[1,{\"b\":7}]}", 0, 1, "", 7, NULL);
	reads(metric_from_json, avg, NULL, "{\"average\":null}", ERR_NOT_FOUND, 0, "", 0,
	      "average");
	reads(metric_from_json, avg, NULL, "{}", ERR_NOT_FOUND, 0, "", 0, "no value");
	reads(metric_from_json, avg, NULL, "{\"average\":[1]}", ERR_INVALID, 0, "", 0, "an array");
	reads(metric_from_json, avg, NULL, "<html>", ERR_INVALID, 0, "", 0, "not JSON");
	reads(metric_from_json, all, by, "{\"calls\":[{\"callSid\":\"CA1\",\"mos\":4},"
	      "{\"callSid\":\"CA2\",\"mos\":3.5},{\"callSid\":\"CA3\"}]}", 0, 2, "CA2", 3.5, NULL);
	reads(metric_from_json, all, by, "{\"calls\":{}}", ERR_INVALID, 0, "", 0, "no list");
}

static void replies_of_prometheus(void **state)
{
	char by[] = "instance";

	(void)state;
	reads(metric_from_prometheus, NULL, NULL, "{\"status\":\"success\","
	      "\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"12.5\"]}}", 0, 1, "", 12.5,
	      NULL);
	reads(metric_from_prometheus, NULL, by, "{\"status\":\"success\",\"data\":{\"resultType\":"
	      "\"vector\",\"result\":[{\"metric\":{\"instance\":\"a\"},\"value\":[1,\"1\"]},"
	      "{\"metric\":{\"instance\":\"b\"},\"value\":[1,\"2\"]},{\"metric\":{\"instance\":"
	      "\"c\"},\"value\":[1,\"NaN\"]}]}}", 0, 2, "b", 2, NULL);
	reads(metric_from_prometheus, NULL, NULL, "{\"status\":\"success\","
	      "\"data\":{\"resultType\":\"vector\",\"result\":[]}}", 0, 0, "", 0, NULL);
	reads(metric_from_prometheus, NULL, NULL, "{\"status\":\"success\","
	      "\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", ERR_INVALID, 0, "", 0,
	      "matrix");
	reads(metric_from_prometheus, NULL, NULL, "{\"status\":\"error\","
	      "\"errorType\":\"bad_data\",\"error\":\"parse \\u001b[31merror\"}", ERR_FAILED, 0, "",
	      0, "parse [31merror");
}

/* ---- the target's values ---------------------------------------------------------------- */

static const char policy_text[] =
	"ringdown: 1\ntargets:\n  demo: {base: 'http://127.0.0.1:1', region: us1}\n"
	"severities:\n  P1: {respond: 1m, escalate: {after: 1m, to: x}, page: [slack]}\n"
	"metrics:\n"
	"  one: {sql: 'SELECT 41.5 + 0.5', bands: {ok: {ge: 98}}}\n"
	"  none: {sql: 'SELECT NULL::int', bands: {ok: {ge: 98}}}\n"
	"  many: {sql: 'SELECT n FROM generate_series(1,3) n', bands: {ok: {ge: 98}}}\n"
	"  each: {sql: \"SELECT 10*n, 'x' || n AS org FROM generate_series(1,3) n\", by: org,\n"
	"    bands: {ok: {ge: 25}, warn: {ge: 15}}}\n"
	"  nobody: {sql: \"SELECT 1 AS v, 'x' AS org WHERE false\", by: org, bands: {ok: {ge:"
	" 1}}}\n  writes: {sql: 'CREATE TABLE metric_trace (x int)', bands: {ok: {ge: 98}}}\n"
	"  slow: {sql: 'SELECT pg_sleep(30)', bands: {ok: {ge: 98}}}\n"
	"  text: {sql: \"SELECT 'many'\", bands: {ok: {ge: 98}}}\n"
	"  figure: {engine: free, bands: {ok: {ge: 98}}}\n"
	"  odd: {provider: twilio.balanc, bands: {ok: {ge: 98}}}\n";

static struct policy *policy(void)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(policy_text, strlen(policy_text), "policy.yaml", &err);

	if (!p)
		fail_msg("%s", err.msg);
	return p;
}

static void expands(const struct policy *p, const char *text, int64_t over, const char *want)
{
	struct err err = { 0 };
	char *got = NULL;

	assert_int_equal(metric_expand(p, "demo", text, over, &got, &err), 0);
	assert_string_equal(got, want);
	free_p(&got);
}

static void values_of_the_target(void **state)
{
	struct policy *p = policy();
	struct err err = { 0 };
	char *got = NULL;

	(void)state;
	expands(p, "$base/a?r=${region}", 0, "http://127.0.0.1:1/a?r=us1");
	expands(p, "rate(x[$over])", 600000, "rate(x[10m])");
	expands(p, "rate(x[$over])", 90000, "rate(x[90000ms])");
	expands(p, "a =~ \".*$\"", 0, "a =~ \".*$\"");
	assert_int_equal(metric_expand(p, "demo", "$nothing/a", 0, &got, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "$nothing"));
	policy_free(p);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int figure(void *ctx, const char *name, struct metric_points *ret, struct err *err)
{
	(void)ctx;
	(void)err;
	assert_string_equal(name, "free");
	metric_points_add(ret, "", 7);
	return 0;
}

static void one(struct metrics *ms, const struct policy *p, const char *name, int want,
		double value, const char *why)
{
	struct err err = { 0 };
	double got = -1;
	int e = metric_read_one(ms, p, name, 0, 0, &got, &err);

	if (e != want || (e == 0 && got != value))
		fail_msg("%s: %d, %g: %s", name, e, got, err.msg);
	if (why && !strstr(err.msg, why))
		fail_msg("%s: '%s' is not in '%s'", name, why, err.msg);
}

static void read_in(void *arg)
{
	struct store *s = arg;
	struct metric_deps d = { .loop = s->loop, .database = s->url, .target = "demo",
				 .figure = figure };
	struct metrics *ms = metrics_new(&d);
	struct policy *p = policy();
	struct metric_points points = { 0 };
	struct err err = { 0 };

	one(ms, p, "one", 0, 42, NULL);
	one(ms, p, "none", ERR_NOT_FOUND, 0, "none: there is no series");
	one(ms, p, "many", ERR_INVALID, 0, "no 'by'");
	one(ms, p, "each", 0, 10, NULL); /* the worst */
	one(ms, p, "nobody", ERR_NOT_FOUND, 0, NULL);
	one(ms, p, "writes", ERR_DENIED, 0, NULL);
	one(ms, p, "text", ERR_INVALID, 0, "instead of a number");
	one(ms, p, "figure", 0, 7, NULL);
	one(ms, p, "odd", ERR_NOT_FOUND, 0, "no providers");
	one(ms, p, "onee", ERR_INVALID, 0, "did you mean 'one'?");
	assert_int_equal(metric_read(ms, p, policy_metric(p, "each"), 0, 0, &points, &err), 0);
	assert_int_equal(points.n, 3);
	assert_string_equal(points.v[1].label, "x2");
	metric_points_fini(&points);
	assert_int_equal(metric_read(ms, p, policy_metric(p, "nobody"), 0, 0, &points, &err), 0);
	assert_int_equal(points.n, 0);
	one(ms, p, "slow", ERR_TIMEOUT, 0, NULL);
	metrics_free(ms);
	policy_free(p);
}

static void statements(void **state)
{
	(void)state;
	storetest_run(&st, read_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_of_the_application),
		cmocka_unit_test(replies_of_prometheus),
		cmocka_unit_test(values_of_the_target),
		cmocka_unit_test(statements),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
