/* Dates of practices: they follow the policy's first date and interval, whatever was done late. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/mem.h"
#include "report/practices.h"
#include "store/reports.h"

#define DAY INT64_C(86400000)

static void dates(void **state)
{
	static const struct { int first, every, since, done, due; } v[] = {
		{ 100, 30, 0, 0, 100 },		/* never done: the first date */
		{ 100, 30, 50, 0, 100 },
		{ 100, 30, 101, 0, 130 },	/* in use since later: nothing from before */
		{ 100, 30, 130, 0, 130 },
		{ 100, 30, 0, 98, 130 },	/* done two days early */
		{ 100, 30, 0, 80, 100 },	/* too early to count */
		{ 100, 30, 0, 114, 130 },	/* late, for the date before */
		{ 100, 30, 0, 116, 160 },	/* so late that it is for the next one */
		{ 100, 30, 0, 1000, 1030 },
		{ 100, 365, 500, 520, 830 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(v); i++)
		assert_int_equal(practice_due(v[i].first * DAY, v[i].every * DAY, v[i].since * DAY,
					      v[i].done * DAY), v[i].due * DAY);
}

static void states(void **state)
{
	(void)state;
	assert_string_equal(practice_state(10 * DAY, 11 * DAY), "overdue");
	assert_string_equal(practice_state(10 * DAY, 9 * DAY), "due");
	assert_string_equal(practice_state(10 * DAY, 2 * DAY), "ok");
	assert_string_equal(practice_state(0, 2 * DAY), "ok");
}

/* People move the next date: that one alone, until it was done. */
static void moves(void **state)
{
	struct practice_move v[] = {
		{ .id = (char[]){ "other" }, .due_ms = 100 * DAY, .moved_to_ms = 1, .at_ms = 1 },
		{ .id = (char[]){ "p" }, .by = (char[]){ "ben" }, .reason = (char[]){ "ill" },
		  .due_ms = 100 * DAY, .moved_to_ms = 120 * DAY, .at_ms = 95 * DAY },
	};
	static const struct { int done, due, planned; } cases[] = {
		{ 0, 120, 100 },
		{ 70, 120, 100 },	/* the date before it */
		{ 94, 130, 0 },		/* done for it before anybody moved it */
		{ 96, 130, 0 },		/* done since it was moved */
		{ 119, 160, 0 },	/* so late that it is for the next one, as ever */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct practice x = { .id = xstrdup("p"), .every_ms = 30 * DAY,
				      .done_at_ms = cases[i].done * DAY };

		practice_dates(&x, 70 * DAY, cases[i].done ? 0 : 80 * DAY, v, COUNT_OF(v));
		assert_int_equal(x.due_at_ms, cases[i].due * DAY);
		assert_int_equal(x.planned_at_ms, cases[i].planned * DAY);
		if (cases[i].planned)
			assert_string_equal(x.moved_reason, "ill");
		else
			assert_null(x.moved_by);
		record_fini(&practice_type, &x);
	}
	/* to an earlier day, and done then: too early by the interval alone */
	struct practice x = { .id = xstrdup("p"), .every_ms = 30 * DAY, .done_at_ms = 80 * DAY };

	v[1].moved_to_ms = 80 * DAY;
	v[1].at_ms = 75 * DAY;
	practice_dates(&x, 70 * DAY, 0, v, COUNT_OF(v));
	assert_int_equal(x.due_at_ms, 130 * DAY);
	record_fini(&practice_type, &x);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dates), cmocka_unit_test(states),
					    cmocka_unit_test(moves) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
