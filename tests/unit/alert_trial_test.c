/* Files of `alerts test`: what is wrong with one is said with file, line and column; what is right
 * plays as it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/trial.h"
#include "core/mem.h"

static const char rules[] =
	"ringdown: 1\nseverities:\n  P1: {respond: 1m, escalate: {after: 1m, to: x},"
	" page: [slack]}\nmetrics:\n"
	"  load: {sql: SELECT 1, bands: {ok: {le: 5}}, severity: {critical: P1}}\n"
	"  by_pod: {sql: SELECT 1, by: pod, bands: {ok: {le: 5}}}\n";

static struct policy *policy;
static char file[] = "/tmp/alert_trial.XXXXXX";

static int start(void **state)
{
	struct err err = { 0 };

	(void)state;
	policy = policy_parse(rules, strlen(rules), "policy.yaml", &err);
	if (!policy)
		fail_msg("%s", err.msg);
	close(mkstemp(file));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	policy_free(policy);
	unlink(file);
	return 0;
}

static int play(const char *text, const struct policy *p, struct trial *t, struct err *err)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	*err = (struct err){ 0 };
	return trial_run(file, p, t, err);
}

static void bad_files(void **state)
{
	static const struct { const char *text, *want; } bad[] = {
		{ "", ":1:1: 'series' is wanted" },
		{ "[1, 2]", ":1:1: 'series' is wanted" },
		{ "series: 5", ":1:9: 'series' is wanted" },
		{ "seris:\n  load: 1x3", ":1:1: unknown key 'seris'; did you mean 'series'?" },
		{ "series:\n  load: 1x3\nsilences: []",
		  ":3:1: unknown key 'silences'; there are policy, step, series, expect" },
		{ "series:\n  load: 1x3\n    by_pod: 1", ":3:11: " },
		{ "series:\n  load: 1x3\n\tby_pod: 1", ":3:1: " },
		{ "series:\n  load: 1x3 inf", ":2:9: 'inf': a number" },
		{ "series:\n  load: 1x3 1e999", ":2:9: '1e999': a number" },
		{ "series:\n  load: 1\nexpect: []", ":3:9: expect: an empty list checks nothing" },
		{ "series:\n  load: 1\nexpect:\n- {alert: load, is: quiet}", ":4:3: 'at' is missing" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, is: quiet}", ":4:3: 'alert' is missing" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: load}", ":4:3: 'is' is missing" },
		{ "series:\n  load: 1\nexpect:\n- {at: -1s, alert: load, is: quiet}",
		  ":4:8: at: a duration" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: lod, is: quiet}",
		  "the policy has no metric 'lod'; did you mean 'load'?" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: by_pod, is: quiet}",
		  ":4:19: there is no series of by_pod in this file" },
		{ "series:\n  'by_pod{web-1}': 1\nexpect:\n- {at: 1s, alert: by_pod, on: web1, is:"
		  " quiet}", ":4:31: there is no series of by_pod on web1 in this file; did you"
		  " mean 'on: web-1'?" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: load, on: a, is: quiet}",
		  "load on a in this file; it has none with a label" },
		{ "series:\n  load: 1x3\nseries: 1", ":3:1: " },
		{ "series:\n  load: 1x3\nstap: 15s", ":3:1: unknown key 'stap'; did you mean 'step'?" },
		{ "step: 15\nseries:\n  load: 1", ":1:7: step: a duration with its unit" },
		{ "step: 1ms\nseries:\n  load: 1", ":1:7: step: at least 100ms" },
		{ "series:\n  laod: 1", ":2:3: the policy has no metric 'laod'; did you mean 'load'?" },
		{ "series:\n  load: 1x3 many", ":2:9: 'many': a number" },
		{ "series:\n  load: nan", ":2:9: 'nan': a number" },
		{ "series:\n  load: 1x0", ":2:9: '1x0': how many times" },
		{ "series:\n  load: 1x9999999999", "how many times" },
		{ "series:\n  load: []", ":2:9: load: values are wanted" },
		{ "series:\n  load: {a: 1}", ":2:9: load: values are wanted" },
		{ "series:\n  load: [1, [2]]", ":2:13: load: values are wanted" },
		{ "series:\n  'load{a}': 1", ":2:3: load has no label" },
		{ "series:\n  'by_pod{a': 1", ":2:3: by_pod{a: name{label} is wanted" },
		{ "series:\n  load: 1\nexpect: 5", ":3:9: expect: a list is wanted" },
		{ "series:\n  load: 1\nexpect:\n- firing", ":4:3: {at: 5m, alert: NAME" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: load, is: on}",
		  ":4:29: is: 'on' is unknown" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: load, is: firing, sevrity: bad}",
		  ":4:37: unknown key 'sevrity'; did you mean 'severity'?" },
		{ "series:\n  load: 1\nexpect:\n- {at: 1s, alert: load, is: firing, severity: P1}",
		  "severity: warn or bad is wanted, not 'P1'" },
		{ "series:\n  load: 1\nexpect:\n- {at: soon, alert: load, is: firing}",
		  ":4:8: at: a duration" },
		{ "series:\n  load: 1x4\nexpect:\n- {at: 2m, alert: load, is: firing}",
		  ":4:8: at: the series end after 1m" },
		{ "series:\n  'by_pod{a}': 1\nexpect:\n- {at: 1s, alert: by_pod, on: b, is: quiet}",
		  "there is no series of by_pod on b in this file" },
		{ "policy: none.yaml\nseries:\n  load: 1", ":1:9: policy: /tmp/none.yaml: No such file" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct trial t;
		struct err err;

		assert_int_not_equal(play(bad[i].text, policy, &t, &err), 0);
		if (!strstr(err.msg, bad[i].want) || !strstr(err.msg, file))
			fail_msg("'%s' is not in '%s'", bad[i].want, err.msg);
	}
}

static void good_ones(void **state)
{
	struct trial t;
	struct err err;

	(void)state;
	if (play("step: 10s\nseries:\n  load: 1x2 9x3 1\n  'by_pod{a}': [1, 9x4, _]\nexpect:\n"
		 "- {at: 30s, alert: load, is: firing, severity: bad}\n"
		 "- {at: 55s, alert: load, is: resolved}\n"
		 "- {at: 20s, alert: by_pod, on: a, is: firing}\n"
		 "- {at: 20s, alert: load, is: quiet}\n", policy, &t, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(t.expected, 4);
	assert_int_equal(t.wrong, 1);	/* load fires at 20 s already */
	for (size_t i = 0; i < t.n; i++)
		if (t.v[i].wrong && !strstr(t.v[i].wrong, ":9:3: load at 20s: quiet expected, got"
							  " firing (bad)"))
			fail_msg("%s", t.v[i].wrong);
	assert_int_equal(t.length_ms, 50000);
	trial_fini(&t);
	assert_int_not_equal(play("series: {load: 1}", NULL, &t, &err), 0);
	assert_non_null(strstr(err.msg, "no policy.yaml was found"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
		cmocka_unit_test(good_ones),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
