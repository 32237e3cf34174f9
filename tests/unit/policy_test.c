/* policy.yaml: the shipped file loads, every refusal with its place and the nearest name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "model/review.h"
#include "policy/policy.h"

#define SEV                                                                                        \
	"ringdown: 1\nseverities:\n"                                                               \
	"  P1: {respond: 30m, escalate: {after: 1h, to: lead}, page: [slack]}\n"

static void refused(const char *text, const char *wanted)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(text, strlen(text), "p.yaml", &err);

	assert_null(p);
	if (!strstr(err.msg, wanted))
		fail_msg("'%s' instead of '%s'", err.msg, wanted);
}

static void shipped(void **state)
{
	struct err err = { 0 };
	struct policy *p;

	(void)state;
	setenv("DEMO_ROOT", "/tmp/demo", 1);
	unsetenv("APP_BASE");
	p = policy_load("runbooks/policy.yaml", &err);
	if (!p)
		fail_msg("%s", err.msg);
	assert_int_equal(p->n_severities, 4);
	assert_int_equal(policy_severity(p, "P0")->respond_ms, 15 * 60000);
	assert_string_equal(policy_severity(p, "P0")->escalate_to, "vp-eng");
	assert_true(policy_severity(p, "P3")->digest);
	assert_int_equal(strlen(p->hash), 64);
	assert_string_equal(policy_target_value(p, "demo", "recordings"), "/tmp/demo/recordings");
	assert_null(policy_target_value(p, "demo", "url"));
	assert_null(policy_target_value(p, "demo", "nothing"));
	assert_string_equal(policy_target_value(p, "production", "process"), "twilio-server");
	const struct policy_metric *m = policy_metric(p, "call_drop_rate");
	assert_string_equal(m->text, "$base/alerting/metrics/summary");
	assert_int_equal(m->for_ms, 300000);
	assert_int_equal(policy_band_of(m, 3), 0);
	assert_int_equal(policy_band_of(m, 3.1), 1);
	assert_int_equal(policy_band_of(m, 5.1), 2);
	assert_string_equal(policy_nearest_metric(p, "call_drop_rat"), "call_drop_rate");
	const struct policy_message *msg = policy_message(p, "customer-notice");
	assert_int_equal(msg->n_fields, 5);
	assert_string_equal(msg->fields[0], "impact");
	assert_int_equal(p->vendors[0].outage_ms, 30 * 60000);
	assert_int_equal(p->vendors[0].n_when, 3);
	assert_string_equal(p->vendors[0].levels[2].address, "+14158295538");
	policy_free(p);
}

static void places(void **state)
{
	(void)state;
	refused("ringdown: 1\nseverites: {}\n",
		"p.yaml:2:1: policy: unknown key 'severites'; did you mean 'severities'?");
	refused("severities: {}\n", "'ringdown' is missing");
	refused("ringdown: 2\nseverities: {}\n", "p.yaml:1:11: ringdown: this program reads version"
						 " 1");
	refused("ringdown: 1\nseverities:\n  P1: {respond: 30, escalate: {after: 1h, to: x}, page:"
		" []}\n", "p.yaml:3:17: respond: a duration with its unit is wanted");
	refused(SEV "metrics:\n  m: {http: GET $base/x}\n", "'value' says where");
	refused(SEV "metrics:\n  m: {http: POST $base/x, value: $.a}\n",
		"5:13: http: 'GET url' is wanted");
	refused(SEV "metrics:\n  m: {sql: SELECT 1, engine: x}\n",
		"5:30: engine: a metric has one source");
	refused(SEV "metrics:\n  m: {title: x}\n", "no source, one of: http sql prometheus"
						   " provider engine");
	refused(SEV "metrics:\n  m: {sql: SELECT 1, bands: {ok: {lt: much}}}\n",
		"a number is wanted, not 'much'");
	refused(SEV "metrics:\n  m: {sql: SELECT 1, bands: {ok: {below: 3}}}\n",
		"unknown comparison 'below'");
	refused(SEV "metrics:\n  m: {sql: SELECT 1, severity: {warn: P11}}\n",
		"there is no severity 'P11'; did you mean 'P1'?");
	refused(SEV "metrics:\n  load: {sql: SELECT 1}\ninhibit: {load: laod}\n",
		"there is no alert 'laod'; did you mean 'load'?");
	refused(SEV "metrics:\n  load: {sql: SELECT 1}\ninhibit: {acount: load}\n",
		"there is no alert 'acount'; did you mean 'account'?");
	refused(SEV "metrics:\n  load: {sql: SELECT 1}\ninhibit: {account: [{equal: x}]}\n",
		"'alert' is missing");
	refused(SEV "messages:\n  m: {body: 'so {{ Impact }}'}\n", "{{name}} is wanted");
	refused(SEV "ladders:\n  a: [{role: x, via: [slak], respond: 1m}]\n",
		"there is no channel 'slak'; did you mean 'slack'?");
	refused(SEV "ladders:\n  a: [{role: x, via: [slack], respond: 1m, only: [P2]}]\n",
		"there is no severity 'P2'; did you mean 'P1'?");
	refused(SEV "vendors:\n  v: {levels: [a], when: [], needs: []}\n",
		"levels: a map is wanted");
	refused(SEV "vendors:\n  v: {levels: [], when: [{outage: {gt: 30}}], needs: []}\n",
		"a text or {outage: {gt: 30m}}");
	refused(SEV "features: [a]\n", "features: a map is wanted here, this is a list");
	refused(SEV "features: {a: 1}\nfeatures: {b: 2}\n", "p.yaml:5:1:");
	refused(SEV "targets: {t: {a: [1]}}\n", "a: a single value is wanted");
	refused(SEV "reviews: [{id: a, title: b, every: 36h, first: x}]\n", "whole days");
	refused(SEV "reviews: [{id: a, title: b, every: 30d, first: soon}]\n",
		"p.yaml:4:48: first: a date is wanted (2025-11-13), not 'soon'");
	refused(SEV "\treport: []\n", "p.yaml:4:");
}

static void sections(void **state)
{
	static const char text[] = SEV "report:\n- timeline\n- {section: root_cause, title: Why}\n";
	struct err err = { 0 };
	struct policy *p = policy_parse(text, strlen(text), "p.yaml", &err);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->n_report, 2);
	assert_int_equal(p->report[0].section, SECTION_TIMELINE);
	assert_null(p->report[0].title);
	assert_int_equal(p->report[1].section, SECTION_CAUSE);
	assert_string_equal(p->report[1].title, "Why");
	assert_true(policy_has_section(p, SECTION_CAUSE));
	assert_false(policy_has_section(p, SECTION_SUMMARY));
	policy_free(p);
	assert_true(policy_has_section(NULL, SECTION_SUMMARY));
	refused(SEV "report: [summary, lesons]\n",
		"p.yaml:4:19: report: no section 'lesons'; did you mean 'lessons'?");
	refused(SEV "report: [{title: x}]\n", "p.yaml:4:10: report: 'section' is missing");
	refused(SEV "report:\n- {section: impakt}\n",
		"p.yaml:5:13: report: no section 'impakt'; did you mean 'impact'?");
	refused(SEV "report: [impact, {section: impact}]\n",
		"p.yaml:4:18: report: the section 'impact' stands here twice");
	refused(SEV "report: []\n", "p.yaml:4:9: report: at least one section is wanted");
	refused(SEV "report: summary\n", "report: a list is wanted here");
}

static void target_environment(void **state)
{
	static const char text[] = SEV "targets:\n  t: {a: '${X1}/b/${X2}', c: 'x${', d: plain}\n";
	struct err err = { 0 };
	struct policy *p;

	(void)state;
	setenv("X1", "one", 1);
	setenv("X2", "two", 1);
	p = policy_parse(text, strlen(text), "p.yaml", &err);
	assert_non_null(p);
	assert_string_equal(policy_target_value(p, "t", "a"), "one/b/two");
	assert_null(policy_target_value(p, "t", "c"));
	assert_string_equal(policy_target_value(p, "t", "d"), "plain");
	policy_free(p);
	policy_free(NULL);
}

static void no_file(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(policy_load("/nonexistent/policy.yaml", &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_null(policy_load("/tmp", &err));
	assert_null(policy_load("/dev/zero", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped), cmocka_unit_test(places), cmocka_unit_test(sections),
		cmocka_unit_test(target_environment), cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
