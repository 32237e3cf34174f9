/* Window arithmetic by script: each step is (seconds later, outcome) and what must follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "failover/window.h"

static struct failover_settings settings(void)
{
	return (struct failover_settings){
		.window_ms = 600000, .test_every_ms = 30000, .test_gap_ms = 90000, .passes = 2,
		.passes_reopen1 = 4, .passes_reopen2 = 8, .max_reopens = 3, .extend_ms = 600000,
		.extend_max_ms = 3600000, .held_retest_ms = 30000,
	};
}

struct step { int after_s; enum outcome o; int64_t tested_s; int64_t passes; };

static void run(const struct step *steps, size_t n)
{
	struct failover_settings set = settings();
	struct event e = { .status = EV_PENDING };
	struct window_clock c = { 0 };
	int64_t now = 5000, wall = 1700000000000;

	window_start(&e, &c, &set, now, wall);
	assert_int_equal(e.deadline_at_ms, wall + 600000);
	for (size_t i = 0; i < n; i++) {
		now += steps[i].after_s * 1000;
		wall += steps[i].after_s * 1000;
		window_test(&e, &c, steps[i].o, &set, now, wall);
		assert_int_equal(e.tested_failing_ms, steps[i].tested_s * 1000);
		assert_int_equal(e.passes, steps[i].passes);
		assert_int_equal(e.deadline_at_ms, wall + 600000 - e.tested_failing_ms);
	}
}

static void grows_while_failing(void **state)
{
	static const struct step steps[] = {
		{ 30, OUT_BAD, 30, 0 },	   { 30, OUT_BAD, 60, 0 },
		{ 90, OUT_BAD, 150, 0 },   { 91, OUT_BAD, 150, 0 },	/* a gap does not count */
		{ 30, OUT_BAD, 180, 0 },   { 30, OUT_UNKNOWN, 180, 0 },
		{ 30, OUT_BAD, 180, 0 },   { 30, OUT_OK, 180, 1 },
		{ 30, OUT_UNKNOWN, 180, 1 }, { 30, OUT_BAD, 180, 0 },
		{ 30, OUT_BAD, 210, 0 },   { 30, OUT_OK, 210, 1 },
		{ 30, OUT_OK, 210, 2 },
	};

	(void)state;
	run(steps, COUNT_OF(steps));
}

/* An engine that was away (or a new leader) has no clock of the window. */
static void absence_counts_nothing(void **state)
{
	struct failover_settings set = settings();
	struct event e = { .status = EV_PENDING };
	struct window_clock c = { 0 }, fresh = { 0 };

	(void)state;
	window_start(&e, &c, &set, 1000, 1700000000000);
	window_test(&e, &c, OUT_BAD, &set, 31000, 1700000030000);
	window_test(&e, &fresh, OUT_BAD, &set, 500, 1700000600000);
	assert_int_equal(e.tested_failing_ms, 30000);
	window_test(&e, &fresh, OUT_BAD, &set, 30500, 1700000630000);
	assert_int_equal(e.tested_failing_ms, 60000);
}

static void reopening(void **state)
{
	struct failover_settings set = settings();
	struct event e = { .status = EV_PENDING };
	struct window_clock c = { 0 };
	static const int64_t needed[] = { 4, 8, 8 };

	(void)state;
	window_start(&e, &c, &set, 1000, 1);
	window_test(&e, &c, OUT_BAD, &set, 31000, 30001);
	assert_int_equal(e.passes_needed, 2);
	for (int i = 0; i < 3; i++) {
		window_reopen(&e, &c, &set, 100000 * (i + 1), 1);
		assert_int_equal(e.passes_needed, needed[i]);
		assert_int_equal(e.tested_failing_ms, 30000);
		assert_int_equal(e.flapping, i == 2);
		assert_false(window_passed(&e));
	}
}

static void extending(void **state)
{
	struct failover_settings set = settings();
	struct event e = { .status = EV_PENDING };
	struct window_clock c = { 0 };
	struct err err;

	(void)state;
	window_start(&e, &c, &set, 1000, 0);
	assert_int_equal(window_extend(&e, 0, &set, 0, &err), 0);
	assert_int_equal(window_left_ms(&e), 1200000);
	assert_int_equal(window_extend(&e, 51 * 60000, &set, 0, &err), ERR_CONFLICT);
	assert_int_equal(window_extend(&e, 50 * 60000, &set, 0, &err), 0);
	assert_int_equal(window_extend(&e, 0, &set, 0, &err), ERR_CONFLICT);
	assert_string_equal(err.field, "minutes");
}

static void reaching_the_deadline(void **state)
{
	struct failover_settings set = settings();
	struct event e = { .status = EV_PENDING };
	struct window_clock c = { 0 };
	int64_t now = 1000;

	(void)state;
	window_start(&e, &c, &set, now, 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(window_left_ms(&e), 600000 - i * 30000);
		now += 30000;
		window_test(&e, &c, OUT_BAD, &set, now, now);
	}
	assert_int_equal(window_left_ms(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_while_failing), cmocka_unit_test(absence_counts_nothing),
		cmocka_unit_test(reopening), cmocka_unit_test(extending),
		cmocka_unit_test(reaching_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
