/* Dates of practices: they follow the policy's first date and interval, whatever was done late. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "report/practices.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dates), cmocka_unit_test(states) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
