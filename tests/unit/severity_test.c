/* Fall and rise, strikes, agents, severity and what blocks it, each by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "failover/severity.h"

static const struct failover_settings set = {
	.fall = 2, .rise = 2, .sample_gap_ms = 5000, .api_strikes = 3, .traffic_min = 5,
	.traffic_rate = 0.5, .min_agents = 2, .min_rate = 0.5, .confirm_ms = 60000,
	.evidence_fresh_ms = 180000,
};

/* ---- fall and rise --------------------------------------------------------------- */

/* letters: o ok, b bad, ? unknown; a sample every gap seconds; expected finding after each */
static void fall_and_rise(void **state)
{
	static const struct { int gap_s; const char *samples, *held; } rows[] = {
		{ 5, "o", "o" },      { 5, "b", "?" },	      { 5, "bb", "?b" },
		{ 5, "obb", "oob" },  { 5, "obob", "oooo" },  { 5, "obboo", "oobbo" },
		{ 5, "ob?b", "ooob" }, { 5, "o??", "oo?" },   { 4, "obbbb", "oooob" },
		{ 5, "bb?o?o", "?bbbbb" }, { 10, "bb?", "?bb" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct track t = { 0 };
		int64_t now = 1000;

		for (const char *p = rows[i].samples; *p; p++, now += rows[i].gap_s * 1000) {
			enum outcome o = *p == 'o' ? OUT_OK : *p == 'b' ? OUT_BAD : OUT_UNKNOWN;
			char want = rows[i].held[p - rows[i].samples], got;
			struct sample s = { 0 };

			sample_set(&s, o, "x", now, "text");
			track_feed(&t, &s, &set);
			got = t.held.outcome == OUT_OK	? 'o' :
			      t.held.outcome == OUT_BAD ? 'b' :
							  '?';
			if (got != want)
				fail_msg("row %zu, sample %d: %c, not %c", i,
					 (int)(p - rows[i].samples), got, want);
		}
		assert_int_equal(track_outcome(&t, now + 200000, set.evidence_fresh_ms),
				 OUT_UNKNOWN);
	}
}

static void strikes(void **state)
{
	struct strikes s = { 0 };
	struct sample r;

	(void)state;
	for (int i = 0; i < 3; i++)
		strikes_feed(&s, EP_CALLS, STRIKE_HIT, 1000);
	strikes_sample(&s, true, 1000, &set, &r);
	assert_int_equal(r.outcome, OUT_UNKNOWN);	/* one endpoint only */
	for (int i = 0; i < 3; i++)
		strikes_feed(&s, EP_NUMBERS, STRIKE_HIT, 1000);
	strikes_feed(&s, EP_NUMBERS, STRIKE_NONE, 1000);	/* 429 changes nothing */
	strikes_sample(&s, true, 1000, &set, &r);
	assert_int_equal(r.outcome, OUT_BAD);
	strikes_sample(&s, false, 1000, &set, &r);
	assert_int_equal(r.outcome, OUT_UNKNOWN);
	assert_string_equal(r.cls, "alike");
	strikes_feed(&s, EP_NUMBERS, STRIKE_ANSWERED, 1000);
	strikes_sample(&s, true, 1000, &set, &r);
	assert_int_equal(r.outcome, OUT_UNKNOWN);
}

/* ---- agents ---------------------------------------------------------------------- */

static struct traffic traffic_of(const char *newest_first)
{
	struct traffic t = { 0 };

	for (; *newest_first; newest_first++)
		traffic_add(&t, *newest_first == 'b');
	return t;
}

static void agents(void **state)
{
	static const struct {
		enum seen_state number;
		const char *traffic;
		bool before, account, credential, api, window;
		enum outcome outcome;
		enum agent_reason reason;
		bool inherited;
	} rows[] = {
		{ .number = SEEN_OK, .traffic = "", .outcome = OUT_OK, .reason = AR_OK },
		{ .number = SEEN_GONE, .traffic = "", .outcome = OUT_BAD,
		  .reason = AR_NUMBER_GONE },
		{ .number = SEEN_NO_VOICE, .traffic = "", .outcome = OUT_BAD,
		  .reason = AR_NO_VOICE },
		{ .number = SEEN_RELEASED, .traffic = "", .outcome = OUT_OK,
		  .reason = AR_RELEASED },
		{ .number = SEEN_OK, .traffic = "bbbo", .outcome = OUT_OK, .reason = AR_OK },
		{ .number = SEEN_OK, .traffic = "bbboo", .outcome = OUT_BAD, .reason = AR_TRAFFIC },
		{ .number = SEEN_OK, .traffic = "ooooobbbbbb", .outcome = OUT_BAD,
		  .reason = AR_TRAFFIC },
		{ .number = SEEN_OK, .traffic = "ooooobbbbbb", .window = true, .outcome = OUT_OK,
		  .reason = AR_OK },
		{ .number = SEEN_OK, .traffic = "oo", .window = true, .before = true,
		  .outcome = OUT_UNKNOWN, .reason = AR_TRAFFIC_DRY },
		{ .number = SEEN_OK, .traffic = "", .account = true, .outcome = OUT_BAD,
		  .reason = AR_ACCOUNT, .inherited = true },
		{ .number = SEEN_UNKNOWN, .traffic = "", .credential = true, .outcome = OUT_BAD,
		  .reason = AR_CREDENTIAL, .inherited = true },
		{ .number = SEEN_OK, .traffic = "", .credential = true, .outcome = OUT_OK,
		  .reason = AR_OK },
		{ .number = SEEN_OK, .traffic = "ooooo", .api = true, .outcome = OUT_BAD,
		  .reason = AR_API },
		{ .number = SEEN_UNKNOWN, .traffic = "", .outcome = OUT_UNKNOWN,
		  .reason = AR_UNREAD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct traffic t = traffic_of(rows[i].traffic);
		struct account_scope a = { .account_bad = rows[i].account,
					   .credential_bad = rows[i].credential,
					   .api_bad = rows[i].api, .in_window = rows[i].window };
		struct agent_finding j = agent_judge(rows[i].number, &t, rows[i].before, &a, &set);

		if (j.outcome != rows[i].outcome || j.reason != rows[i].reason ||
		    j.inherited != rows[i].inherited)
			fail_msg("row %zu: %s, %s", i, outcome_name(j.outcome),
				 agent_reason_text((enum agent_reason)j.reason));
	}
}

/* ---- severity -------------------------------------------------------------------- */

static struct account_facts facts(int64_t watched, int64_t failing, int64_t unknown)
{
	struct account_facts f = { .watched = watched, .failing = failing, .unknown = unknown,
				   .ok = watched - failing - unknown, .main_reason = AR_TRAFFIC };

	for (int k = PROBE_ACCOUNT; k <= PROBE_TRAFFIC; k++)
		sample_set(&f.probe[k], OUT_OK, "", 1000, "fine");
	return f;
}

static void put(struct account_facts *f, enum probe_kind k, const char *cls)
{
	sample_set(&f->probe[k], OUT_BAD, cls, 1000, "it is %s", cls);
}

static void by_agents(void **state)
{
	static const struct {
		int64_t watched, failing, unknown;
		bool api;
		enum severity severity;
	} rows[] = {
		{ 40, 0, 0, false, SEV_NONE },	   { 40, 1, 0, false, SEV_MINOR },
		{ 40, 2, 0, false, SEV_DEGRADED }, { 40, 18, 0, false, SEV_DEGRADED },
		{ 40, 40, 0, true, SEV_DEGRADED }, { 1, 1, 0, false, SEV_MINOR },
		{ 1, 1, 0, true, SEV_DEGRADED },   { 2, 1, 0, true, SEV_DEGRADED },
		{ 3, 1, 0, true, SEV_MINOR },	   { 40, 5, 21, false, SEV_MINOR },
		{ 40, 5, 20, false, SEV_DEGRADED }, { 0, 0, 0, true, SEV_MINOR },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct account_facts f = facts(rows[i].watched, rows[i].failing, rows[i].unknown);
		struct verdict v;

		if (rows[i].api)
			put(&f, PROBE_API, "5xx");
		severity_judge(&f, &set, &v);
		if (v.severity != rows[i].severity)
			fail_msg("row %zu: %s (%s)", i, severity_name(v.severity), v.cause);
	}
}

static void critical(void **state)
{
	static const struct {
		enum probe_kind kind;
		const char *cls;
		enum opinion parent, second;
		int64_t age_ms;
		bool confirmed, confirming;
		const char *says;
	} rows[] = {
		{ PROBE_ACCOUNT, "suspended", OP_AGREES, OP_NONE, 0, true, false,
		  "parent account agrees" },
		{ PROBE_CREDENTIAL, "rejected", OP_NONE, OP_AGREES, 0, true, false,
		  "second credential" },
		{ PROBE_CREDENTIAL, "rejected", OP_NONE, OP_NONE, 0, false, false, "nothing else" },
		{ PROBE_CREDENTIAL, "rejected", OP_NONE, OP_DISAGREES, 0, false, false, "is fine" },
		{ PROBE_CREDENTIAL, "rejected", OP_DISAGREES, OP_AGREES, 0, false, false,
		  "is fine" },
		{ PROBE_ACCOUNT, "suspended", OP_SILENT, OP_NONE, 59000, false, true,
		  "nothing else" },
		{ PROBE_ACCOUNT, "suspended", OP_SILENT, OP_NONE, 60000, false, false,
		  "nothing else" },
		{ PROBE_NUMBERS, "all-gone", OP_AGREES, OP_NONE, 0, true, false, "agrees" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct account_facts f = facts(40, 0, 0);
		struct verdict v;

		f.ok = 0;
		f.inherited = 40;	/* could not be read for themselves */
		put(&f, rows[i].kind, rows[i].cls);
		f.opinion[CF_PARENT] = rows[i].parent;
		f.opinion[CF_SECOND] = rows[i].second;
		f.finding_age_ms = rows[i].age_ms;
		severity_judge(&f, &set, &v);
		assert_int_equal(v.severity, SEV_CRITICAL);
		assert_int_equal(v.confirmed, rows[i].confirmed);
		assert_int_equal(v.confirming, rows[i].confirming);
		assert_int_equal(v.health, HEALTH_CRITICAL);
		if (!strstr(v.cause, rows[i].says))
			fail_msg("row %zu: %s", i, v.cause);
	}
}

static void tests_of_a_window(void **state)
{
	struct account_facts f = facts(40, 18, 0);
	struct verdict v;

	(void)state;
	assert_int_equal(severity_test(&f, &set, &v), OUT_BAD);
	f = facts(40, 1, 0);
	assert_int_equal(severity_test(&f, &set, &v), OUT_OK);
	f = facts(40, 0, 18);
	f.dry = 18;		/* failed before, no traffic since: neither */
	assert_int_equal(severity_test(&f, &set, &v), OUT_UNKNOWN);
	f = facts(40, 0, 21);
	assert_int_equal(severity_test(&f, &set, &v), OUT_UNKNOWN);
	f = facts(40, 0, 0);
	put(&f, PROBE_CREDENTIAL, "rejected");
	assert_int_equal(severity_test(&f, &set, &v), OUT_BAD);
	assert_false(v.confirmed);
}

/* ---- blockers -------------------------------------------------------------------- */

static void blockers(void **state)
{
	struct account_facts a = facts(40, 40, 0), b = facts(0, 0, 0), lost = facts(40, 0, 40);
	struct fleet_member fleet[2] = { { "a", &a, true }, { "b", &b, false } };
	struct follower_view view = { .engine = "eng-2", .age_ms = 1000 };
	char why[200];

	(void)state;
	put(&a, PROBE_API, "5xx");
	assert_int_equal(severity_blocked(fleet, 2, 0, NULL, 0, &set, why, sizeof(why)),
			 BLOCK_NONE);
	fleet[1].struck = true;
	assert_int_equal(severity_blocked(fleet, 2, 0, NULL, 0, &set, why, sizeof(why)),
			 BLOCK_ALIKE);
	assert_int_equal(severity_blocked(fleet, 1, 0, NULL, 0, &set, why, sizeof(why)),
			 BLOCK_NONE);
	fleet[1].struck = false;
	view.outcome[PROBE_API] = OUT_OK;
	assert_int_equal(severity_blocked(fleet, 2, 0, &view, 1, &set, why, sizeof(why)),
			 BLOCK_FOLLOWER);
	view.age_ms = 181000;
	assert_int_equal(severity_blocked(fleet, 2, 0, &view, 1, &set, why, sizeof(why)),
			 BLOCK_NONE);
	for (int k = PROBE_ACCOUNT; k <= PROBE_TRAFFIC; k++)
		sample_set(&lost.probe[k], OUT_UNKNOWN, "timeout", 1000, "no answer");
	fleet[0].facts = &lost;
	fleet[0].struck = false;
	assert_int_equal(severity_blocked(fleet, 2, 0, NULL, 0, &set, why, sizeof(why)),
			 BLOCK_UNREACHABLE);
	assert_true(facts_mostly_unknown(&lost));
	assert_non_null(facts_trouble(&lost));
	assert_null(facts_trouble(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fall_and_rise), cmocka_unit_test(strikes),
		cmocka_unit_test(agents), cmocka_unit_test(by_agents),
		cmocka_unit_test(critical), cmocka_unit_test(tests_of_a_window),
		cmocka_unit_test(blockers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
