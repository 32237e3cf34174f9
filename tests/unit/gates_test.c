/* Each gate alone: all facts good, one spoiled, exactly that gate shuts, with its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "failover/gates.h"

static const struct failover_settings set = {
	.write_deadline_ms = 5000, .max_per_hour = 1, .max_per_hour_lineage = 1,
	.hour_ms = 3600000, .evidence_fresh_ms = 180000, .min_balance = 20,
};

static struct gate_facts good(void)
{
	return (struct gate_facts){
		.lease_held = true, .lease_valid_ms = 12000, .database_ok = true,
		.database_durable = true, .environment_ok = true, .evidence_age_ms = 4000,
		.evidence_kinds = 2, .evidence_sweeps = 2, .anything_answers = true,
		.target = "b", .target_name = "acme-backup", .type_full = true,
		.type_known = true, .credential_fit = true, .balance_known = true,
		.balance = 100, .numbers_needed = 40, .numbers_free = 52, .any_import = true,
		.eleven_answers = true, .eleven_may_write = true, .eleven_rights_known = true,
		.webhook_asked = true, .webhook_ok = true,
	};
}

#define SPOIL(name, ...)                                                                           \
	static void name(struct gate_facts *f)                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}
SPOIL(no_lease, f->lease_held = false)
SPOIL(short_lease, f->lease_valid_ms = 5000)
SPOIL(doubted_lease, f->lease_why = "the row must be read again after a stall")
SPOIL(no_database, f->database_ok = false)
SPOIL(not_durable, f->database_durable = false)
SPOIL(other, f->other_event = "EV-7"; f->other_shares = "the target")
SPOIL(not_adopted, f->environment_ok = false)
SPOIL(shadow, f->shadow = true)
SPOIL(paused, f->paused = true; f->paused_by = "ben"; f->paused_reason = "release")
SPOIL(maintenance, f->maintenance = true)
SPOIL(hour_all, f->attempts_all = 1; f->attempts_free_ms = 1000000)
SPOIL(no_evidence, f->evidence_age_ms = -1)
SPOIL(old_evidence, f->evidence_age_ms = 181000)
SPOIL(thin_evidence, f->evidence_kinds = 1; f->evidence_sweeps = 1)
SPOIL(follower, f->blocker = BLOCK_FOLLOWER)
SPOIL(alike, f->blocker = BLOCK_ALIKE; f->blocker_why = "all alike")
SPOIL(unreachable, f->anything_answers = false)
SPOIL(ill_target, f->target_trouble = "401")
SPOIL(same_parent, f->parent_trouble = "its parent is suspended")
SPOIL(trial, f->type_full = false)
SPOIL(poor, f->balance = 1)
SPOIL(spoiled, f->target_not_ready = true)
SPOIL(scarce, f->numbers_free = 39)
SPOIL(routed, f->routed_elsewhere = 1)
SPOIL(eleven_down, f->eleven_answers = false)
SPOIL(eleven_reads, f->eleven_may_write = false)
SPOIL(webhook_down, f->webhook_ok = false)

static const struct {
	void (*spoil)(struct gate_facts *f);
	enum gate gate;
	const char *says;
} rows[] = {
	{ no_lease, GATE_LEASE, "does not hold" },
	{ short_lease, GATE_LEASE, "5.0 s" },
	{ doubted_lease, GATE_LEASE, "after a stall" },
	{ no_database, GATE_DATABASE, "cannot be written" },
	{ not_durable, GATE_DATABASE, "synchronous" },
	{ other, GATE_ATTEMPT, "EV-7 is not finished and shares the target" },
	{ not_adopted, GATE_ENVIRONMENT, "not adopted" },
	{ shadow, GATE_ENVIRONMENT, "shadow" },
	{ paused, GATE_PAUSED, "paused by ben: release" },
	{ maintenance, GATE_PAUSED, "maintenance" },
	{ hour_all, GATE_HOUR, "1 allowed; free again in 16m40s" },
	{ no_evidence, GATE_EVIDENCE, "no fresh" },
	{ old_evidence, GATE_EVIDENCE, "no fresh" },
	{ thin_evidence, GATE_EVIDENCE, "one sweep" },
	{ follower, GATE_EVIDENCE, "disagrees" },
	{ alike, GATE_ISOLATION, "all alike" },
	{ unreachable, GATE_ISOLATION, "no provider" },
	{ ill_target, GATE_TARGET_HEALTHY, "acme-backup: 401" },
	{ same_parent, GATE_TARGET_INDEPENDENT, "parent is suspended" },
	{ trial, GATE_TARGET_FIT, "trial" },
	{ poor, GATE_TARGET_FIT, "1.00 is below 20.00" },
	{ spoiled, GATE_TARGET_FIT, "canaries" },
	{ scarce, GATE_NUMBERS, "39 free voice-ready numbers for 40 agents" },
	{ routed, GATE_ROUTING, "1 target number is" },
	{ eleven_down, GATE_AGENTS, "does not answer" },
	{ eleven_reads, GATE_AGENTS, "may not write" },
	{ webhook_down, GATE_WEBHOOK, "does not answer" },
};

static void one_spoiled(void **state)
{
	struct gate_result g[GATE_MAX] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct gate_facts f = good();

		rows[i].spoil(&f);
		gates_compute(&f, &set, 0, g);
		for (int k = 0; k < GATE_MAX; k++) {
			assert_int_equal(g[k].gate, k);
			if (g[k].pass != (k != (int)rows[i].gate))
				fail_msg("row %zu: gate %s is %s: %s", i, gate_name(k),
					 g[k].pass ? "open" : "shut", g[k].why);
		}
		if (!strstr(g[rows[i].gate].why, rows[i].says))
			fail_msg("row %zu: \"%s\"", i, g[rows[i].gate].why);
		assert_int_equal(gates_first_shut(g, 0), (int)rows[i].gate);
		gates_clear(g);
	}
}

static void all_good(void **state)
{
	struct gate_result g[GATE_MAX] = { 0 };
	struct gate_facts f = good();

	(void)state;
	gates_compute(&f, &set, 0, g);
	assert_int_equal(gates_first_shut(g, 0), -1);
	for (int k = 0; k < GATE_MAX; k++)
		assert_true(strlen(g[k].why) > 8);
	gates_clear(g);
	f.manual = true;
	f.evidence_age_ms = -1;
	f.balance_known = false;
	f.numbers_free = 3;
	f.partial = true;
	gates_compute(&f, &set, 0, g);
	assert_int_equal(gates_first_shut(g, 0), -1);
	assert_non_null(strstr(g[GATE_TARGET_FIT].why, "warning"));
	gates_clear(g);
}

static void no_target_shuts_what_needs_one(void **state)
{
	struct gate_result g[GATE_MAX] = { 0 };
	struct gate_facts f = good();

	(void)state;
	f.target = NULL;
	gates_compute(&f, &set, 0, g);
	assert_int_equal(gates_first_shut(g, 0), GATE_TARGET_HEALTHY);
	assert_false(g[GATE_NUMBERS].pass);
	gates_clear(g);
}

/* Nothing can be proven while everything fails alike: that is what a person is told. */
static void isolation_explains_missing_evidence(void **state)
{
	struct gate_result g[GATE_MAX] = { 0 };
	struct gate_facts f = good();

	(void)state;
	no_evidence(&f);
	alike(&f);
	gates_compute(&f, &set, 0, g);
	assert_int_equal(gates_first_shut(g, 0), GATE_ISOLATION);
	assert_int_equal(gates_first_shut(g, 1u << GATE_ISOLATION), GATE_EVIDENCE);
	gates_clear(g);
}

static void overrides(void **state)
{
	static const char *const some[] = { "hour", "target-healthy" };
	static const char *const never[] = { "lease" };
	static const char *const unknown[] = { "luck" };
	static const char *const numbers[] = { "numbers" };
	struct gate_result g[GATE_MAX] = { 0 };
	struct gate_facts f = good();
	unsigned bits = 0;
	struct err err;
	char *names;

	(void)state;
	assert_int_equal(gates_parse(some, 2, false, &bits, &err), 0);
	names = gates_names_json(bits);
	assert_string_equal(names, "[\"hour\",\"target-healthy\"]");
	free_p(&names);
	hour_all(&f);
	ill_target(&f);
	gates_compute(&f, &set, 0, g);
	assert_int_equal(gates_first_shut(g, 0), GATE_HOUR);
	assert_int_equal(gates_first_shut(g, bits), -1);
	assert_true(g[GATE_TARGET_HEALTHY].typed && !g[GATE_HOUR].typed);
	gates_clear(g);
	assert_int_equal(gates_parse(never, 1, false, &bits, &err), ERR_INVALID);
	assert_int_equal(gates_parse(unknown, 1, false, &bits, &err), ERR_INVALID);
	assert_int_equal(gates_parse(numbers, 1, false, &bits, &err), ERR_INVALID);
	assert_int_equal(gates_parse(numbers, 1, true, &bits, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spoiled), cmocka_unit_test(all_good),
		cmocka_unit_test(no_target_shuts_what_needs_one),
		cmocka_unit_test(isolation_explains_missing_evidence), cmocka_unit_test(overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
