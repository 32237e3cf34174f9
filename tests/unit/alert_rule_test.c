/* When an alert fires, gets worse, better and ends, sample by sample. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "alert/rule.h"
#include "core/mem.h"

enum { SEC = 1000, MIN = 60 * SEC };

/* R3: call drop rate, warning 3 %, critical 5 %, five minutes */
static const struct policy_metric drops = {
	.name = "call_drop_rate", .ok = { true, BAND_LE, 3 }, .warn = { true, BAND_LE, 5 },
	.for_ms = 5 * MIN, .keep_ms = 2 * MIN, .every_ms = MIN,
};

struct sample { int min; double value; enum series_change want; int level; };

static void play(const struct sample *v, size_t n)
{
	struct series s = { .metric = &drops, .state = -1 };

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(series_sample(&s, v[i].value, (v[i].min + 1) * (int64_t)MIN),
				 v[i].want);
		assert_int_equal(s.level, v[i].level);
	}
}

static void fires_after_five_minutes(void **state)
{
	static const struct sample v[] = {
		{ 0, 1, SERIES_SAME, 0 },    { 1, 6, SERIES_PENDING, 0 }, { 5, 6, SERIES_SAME, 0 },
		{ 6, 6, SERIES_FIRES, 2 },   { 7, 6, SERIES_SAME, 2 },	  { 8, 1, SERIES_SAME, 2 },
		{ 9, 1, SERIES_SAME, 2 },    { 10, 1, SERIES_RESOLVED, 0 },
		{ 11, 1, SERIES_SAME, 0 },
		{ 12, 6, SERIES_PENDING, 0 },
	};

	(void)state;
	play(v, COUNT_OF(v));
}

static void a_dip_starts_again(void **state)
{
	static const struct sample v[] = {
		{ 0, 6, SERIES_PENDING, 0 }, { 4, 3, SERIES_DROPPED, 0 },
		{ 5, 6, SERIES_PENDING, 0 },
		{ 9, 6, SERIES_SAME, 0 },    { 10, 6, SERIES_FIRES, 2 },
	};

	(void)state;
	play(v, COUNT_OF(v));
}

/* A warning that turns critical must be critical for the whole duration. */
static void worse_and_better(void **state)
{
	static const struct sample v[] = {
		{ 0, 4, SERIES_PENDING, 0 }, { 5, 4, SERIES_FIRES, 1 },  { 6, 9, SERIES_SAME, 1 },
		{ 10, 9, SERIES_SAME, 1 },   { 11, 9, SERIES_WORSE, 2 },
		{ 12, 4, SERIES_BETTER, 1 },
		{ 13, 2, SERIES_SAME, 1 },   { 14, 4, SERIES_SAME, 1 },	 { 15, 2, SERIES_SAME, 1 },
		{ 17, 2, SERIES_RESOLVED, 0 },
	};

	(void)state;
	play(v, COUNT_OF(v));
}

static void late_samples_are_ignored(void **state)
{
	struct series s = { .metric = &drops, .state = -1 };

	(void)state;
	assert_int_equal(series_sample(&s, 6, 10 * MIN), SERIES_PENDING);
	assert_int_equal(series_sample(&s, 1, 9 * MIN), SERIES_SAME);
	assert_int_equal(s.state, AL_PENDING);
	series_tick(&s, 13 * MIN);
	assert_false(s.stale);
	series_tick(&s, 13 * MIN + 1);
	assert_true(s.stale);
	assert_int_equal(s.state, AL_PENDING);	/* silence alone fires nothing */
}

static const char *label_account(const void *ctx, const char *name)
{
	assert_string_equal(name, "account");
	return ctx;
}

static void inhibition(void **state)
{
	struct policy_inhibit rows[] = {
		{ (char[]){ "account" }, (char[]){ "calls" }, NULL },
		{ (char[]){ "account" }, (char[]){ "agent" }, (char[]){ "account" } },
		{ (char[]){ "isolation" }, (char[]){ "account" }, NULL },
	};
	struct policy p = { .inhibit = rows, .n_inhibit = COUNT_OF(rows) };
	struct firing v[] = { { "account", "acme-main" } }, all[] = { { "isolation", "" } };
	const char *by = NULL;

	(void)state;
	assert_true(inhibited(&p, &(struct firing){ "calls", "acme-main" }, NULL, NULL, v, 1, &by));
	assert_string_equal(by, "account");
	assert_false(inhibited(&p, &(struct firing){ "calls", "globex" }, NULL, NULL, v, 1, NULL));
	assert_false(inhibited(&p, &(struct firing){ "other", "acme-main" }, NULL, NULL, v, 1,
			       NULL));
	assert_false(inhibited(&p, &(struct firing){ "calls", "acme-main" }, NULL, NULL, v, 0,
			       NULL));
	/* an account that is down explains its agents: their label is its subject */
	assert_true(inhibited(&p, &(struct firing){ "agent", "a7" }, label_account, "acme-main", v,
			      1, NULL));
	assert_false(inhibited(&p, &(struct firing){ "agent", "a7" }, label_account, "globex", v, 1,
			       NULL));
	assert_false(inhibited(&p, &(struct firing){ "agent", "a7" }, NULL, NULL, v, 1, NULL));
	/* what concerns everything explains it whatever its subject; nothing explains itself */
	assert_true(inhibited(&p, &v[0], NULL, NULL, all, 1, NULL));
	assert_false(inhibited(&p, &v[0], NULL, NULL, v, 1, NULL));
}

static void absence(void **state)
{
	(void)state;
	assert_true(absence_value(0, 12) > 0);	/* inbound moves, outbound is flat */
	assert_true(absence_value(0, 0) == 0);
	assert_true(absence_value(3, 12) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_after_five_minutes), cmocka_unit_test(a_dip_starts_again),
		cmocka_unit_test(worse_and_better), cmocka_unit_test(late_samples_are_ignored),
		cmocka_unit_test(inhibition), cmocka_unit_test(absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
