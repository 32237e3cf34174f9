/* The rule table as a whole: ids, shadowing, reachability; and what single contexts lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "failover/rules.h"

static void ids_ascend(void **state)
{
	size_t n;
	const struct rule *r = rules_table(&n);

	(void)state;
	assert_true(n <= 40);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || r[i].id > r[i - 1].id);
		assert_non_null(r[i].why);
		for (int k = 0; k < RULE_CONDITIONS && r[i].when[k]; k++)
			assert_true(abs(r[i].when[k]) < RF_MAX);
	}
}

static bool has(const struct rule *r, int cond)
{
	for (int k = 0; k < RULE_CONDITIONS && r->when[k]; k++)
		if (r->when[k] == cond)
			return true;
	return false;
}

/* An earlier row of the same state whose conditions are all among those of a later one takes
 * every context of it. */
static void none_shadowed(void **state)
{
	size_t n;
	const struct rule *r = rules_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			bool all = r[j].from == r[i].from;

			for (int k = 0; all && k < RULE_CONDITIONS && r[j].when[k]; k++)
				all = has(&r[i], r[j].when[k]);
			if (all)
				fail_msg("rule %d is shadowed by %d", r[i].id, r[j].id);
		}
	}
}

/* Each row is the first that fits in the context made of its own conditions. */
static void each_row_matches(void **state)
{
	size_t n;
	const struct rule *r = rules_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct rule_ctx c = { .state = r[i].from };

		for (int k = 0; k < RULE_CONDITIONS && r[i].when[k]; k++)
			if (r[i].when[k] > 0)
				rule_fact_set(&c, (enum rule_fact)r[i].when[k], true);
		if (rules_match(&c) != &r[i])
			fail_msg("rule %d: rule %d fits first", r[i].id,
				 rules_match(&c) ? rules_match(&c)->id : 0);
	}
}

static bool reaches_end(int s, unsigned *seen)
{
	size_t n;
	const struct rule *r = rules_table(&n);
	const struct rule_edge *e;

	if (s != RULE_IDLE && event_status_final((enum event_status)s))
		return true;
	if (*seen >> s & 1)
		return false;
	*seen |= 1u << s;
	for (size_t i = 0; i < n; i++)
		if (r[i].from == s && reaches_end(r[i].to, seen))
			return true;
	e = rules_edges(&n);
	for (size_t i = 0; i < n; i++)
		if (e[i].from == s && reaches_end(e[i].to, seen))
			return true;
	return false;
}

static void every_state_ends(void **state)
{
	(void)state;
	for (int s = 0; s <= RULE_IDLE; s++) {
		unsigned seen = 0;

		if (!reaches_end(s, &seen))
			fail_msg("%s never ends", rule_state_name(s));
	}
}

/* The engine itself orders only what leads to people or to "approved": the executor's first
 * edge; nothing else is its to start. */
static void orders_are_executable(void **state)
{
	size_t n;
	const struct rule *r = rules_table(&n);
	const struct rule_edge *e;
	bool executed = false;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_false(r[i].to == EV_EXECUTING || r[i].to == EV_ROLLING_BACK);
		if (r[i].to == EV_APPROVED)
			assert_int_equal(r[i].action, RA_APPROVE);
	}
	e = rules_edges(&n);
	for (size_t i = 0; i < n; i++)
		executed |= e[i].from == EV_APPROVED && e[i].to == EV_EXECUTING;
	assert_true(executed);
}

/* Approving needs open gates and either a confirmed critical finding or a full window with a
 * failed last test, in every row that does it. */
static void approval_is_guarded(void **state)
{
	size_t n;
	const struct rule *r = rules_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (r[i].to != EV_APPROVED)
			continue;
		assert_true(has(&r[i], RF_OPEN));
		assert_true(has(&r[i], RF_CRITICAL) ||
			    (has(&r[i], RF_DEADLINE) && has(&r[i], RF_LAST_FAILED) &&
			     has(&r[i], RF_DEGRADED)));
	}
}

#define B(f) RULE_BIT(f)
static void contexts(void **state)
{
	static const struct {
		int from;
		uint64_t facts;
		int rule, to;
	} rows[] = {
		{ RULE_IDLE, 0, 0, 0 },
		{ RULE_IDLE, B(RF_OPEN), 0, 0 },
		{ RULE_IDLE, B(RF_MINOR) | B(RF_OPEN), 190, RULE_IDLE },
		{ RULE_IDLE, B(RF_CRITICAL) | B(RF_OPEN), 140, EV_APPROVED },
		{ RULE_IDLE, B(RF_CRITICAL) | B(RF_OPEN) | B(RF_OBSERVING), 100, RULE_IDLE },
		{ RULE_IDLE, B(RF_CRITICAL) | B(RF_OPEN) | B(RF_BLOCKED), 110, RULE_IDLE },
		{ RULE_IDLE, B(RF_DEGRADED) | B(RF_OPEN) | B(RF_SUPPRESSED), 120, RULE_IDLE },
		{ RULE_IDLE, B(RF_DEGRADED), 170, EV_HELD },
		{ RULE_IDLE, B(RF_UNCONFIRMED) | B(RF_CONFIRMING) | B(RF_OPEN), 130, RULE_IDLE },
		{ RULE_IDLE, B(RF_UNCONFIRMED) | B(RF_OPEN), 180, EV_PENDING },
		{ EV_CANCELLED, B(RF_DEGRADED) | B(RF_OPEN), 220, EV_PENDING },
		{ EV_CANCELLED, B(RF_DEGRADED) | B(RF_BLOCKED), 210, EV_CANCELLED },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_OPEN), 0, 0 },
		{ EV_PENDING, B(RF_PASSED), 310, EV_CANCELLED },
		{ EV_PENDING, B(RF_CRITICAL) | B(RF_OPEN) | B(RF_WORSE), 330, EV_APPROVED },
		{ EV_PENDING, B(RF_UNCONFIRMED) | B(RF_OPEN) | B(RF_DEADLINE) | B(RF_LAST_DONE) |
				      B(RF_LAST_FAILED), 390, EV_HELD },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_OPEN) | B(RF_DEADLINE), 398, EV_PENDING },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_OPEN) | B(RF_DEADLINE) | B(RF_UNTOLD), 370,
		  EV_PENDING },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_OPEN) | B(RF_DEADLINE) | B(RF_LAST_DONE) |
				      B(RF_LAST_FAILED), 380, EV_APPROVED },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_DEADLINE) | B(RF_LAST_DONE) |
				      B(RF_LAST_FAILED), 390, EV_HELD },
		{ EV_PENDING, B(RF_DEGRADED) | B(RF_OPEN) | B(RF_DEADLINE) | B(RF_LAST_LATE), 395,
		  EV_HELD },
		{ EV_HELD, B(RF_DEGRADED) | B(RF_OPEN), 450, EV_PENDING },
		{ EV_HELD, B(RF_UNCONFIRMED) | B(RF_OPEN), 0, 0 },
		{ EV_HELD, B(RF_CRITICAL) | B(RF_OPEN), 440, EV_HELD },
		{ EV_HELD, B(RF_CRITICAL) | B(RF_OPEN) | B(RF_ANNOUNCED), 0, 0 },
		{ EV_HELD, B(RF_CRITICAL) | B(RF_OPEN) | B(RF_ANNOUNCED) | B(RF_ANNOUNCE_OVER) |
				   B(RF_RETESTED), 430, EV_APPROVED },
		{ EV_EXECUTING, B(RF_CRITICAL) | B(RF_OPEN), 0, 0 },
		{ EV_COMPLETED, B(RF_NEWER_DONE), 800, EV_SUPERSEDED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule_ctx c = { rows[i].from, rows[i].facts };
		const struct rule *r = rules_match(&c);

		if ((r ? r->id : 0) != rows[i].rule)
			fail_msg("row %zu: rule %d, not %d", i, r ? r->id : 0, rows[i].rule);
		if (r)
			assert_int_equal(r->to, rows[i].to);
	}
}

static void printing(void **state)
{
	struct str b = STR_INIT(1 << 16);
	struct json *doc;

	(void)state;
	rules_print(&b, RULES_MERMAID);
	assert_non_null(strstr(str_get(&b), "stateDiagram-v2"));
	assert_non_null(strstr(str_get(&b), "pending --> approved: 380"));
	str_clear(&b);
	rules_print(&b, RULES_TEXT);
	assert_non_null(strstr(str_get(&b), "140  idle"));
	str_clear(&b);
	rules_print(&b, RULES_JSON);
	doc = json_parse(b.s, b.len, NULL);
	assert_non_null(doc);
	assert_true(json_count(json_get(doc, "rules")) > 20);
	json_free(doc);
	str_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_ascend), cmocka_unit_test(none_shadowed),
		cmocka_unit_test(each_row_matches), cmocka_unit_test(every_state_ends),
		cmocka_unit_test(orders_are_executable), cmocka_unit_test(approval_is_guarded),
		cmocka_unit_test(contexts), cmocka_unit_test(printing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
