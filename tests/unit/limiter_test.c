/* The adaptive limit: grows while it is used, halves once per burst of 429, holds on request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/task.h"
#include "providers/limiter.h"

static void fill(struct limiter *l, int64_t now)
{
	while (limiter_may(l, now))
		limiter_take(l);
}

static void grows(void **state)
{
	struct limiter l;

	limiter_init(&l, 4, 64);
	for (int round = 0; round < 4; round++) { /* 4 8 16 32 64 */
		fill(&l, 0);
		int n = l.in_flight;
		assert_int_equal(n, 4 << round);
		for (int i = 0; i < n; i++) {
			limiter_give(&l, true, false, 0, 0);
			fill(&l, 0);
		}
		while (l.in_flight)
			limiter_give(&l, false, false, 0, 0);
	}
	assert_int_equal((int)l.limit, 64);
	fill(&l, 0);
	limiter_give(&l, true, false, 0, 0);
	assert_int_equal((int)l.limit, 64); /* never over the most */
	(void)state;
}

static void does_not_grow_unused(void **state)
{
	struct limiter l;

	limiter_init(&l, 8, 64);
	for (int i = 0; i < 100; i++) {
		limiter_take(&l);
		limiter_give(&l, true, false, 0, i);
	}
	assert_int_equal((int)l.limit, 8);
	(void)state;
}

static void cuts(void **state)
{
	struct limiter l;

	limiter_init(&l, 32, 64);
	fill(&l, 0);
	limiter_give(&l, false, true, 0, 10000);
	assert_int_equal((int)l.limit, 16);
	for (int i = 0; i < 20; i++) /* the same burst */
		limiter_give(&l, false, true, 0, 10000 + i);
	assert_int_equal((int)l.limit, 16);
	limiter_give(&l, false, true, 0, 10000 + LIMITER_CUT_EVERY_MS);
	assert_true(l.limit < 16);
	/* one by one after that: no doubling */
	while (l.in_flight)
		limiter_give(&l, false, false, 0, 0);
	double before = l.limit;
	fill(&l, 0);
	limiter_give(&l, true, false, 0, 0);
	assert_true(l.limit > before && l.limit <= before + 1);
	for (int i = 0; i < 30; i++) {
		fill(&l, 0);
		limiter_give(&l, false, true, 0, 20000 + i * 1000);
	}
	assert_int_equal((int)l.limit, 1); /* never below one */
	(void)state;
}

static void holds(void **state)
{
	struct limiter l;

	limiter_init(&l, 4, 8);
	limiter_take(&l);
	limiter_give(&l, false, true, 3000, 100);
	assert_false(limiter_may(&l, 101));
	assert_int_equal(limiter_hold_ms(&l, 101), 2999);
	assert_true(limiter_may(&l, 3100));
	limiter_take(&l);
	limiter_give(&l, false, true, 3600000, 5000); /* an hour is not believed */
	assert_true(limiter_hold_ms(&l, 5000) <= 10000);
	(void)state;
}

static void jitter(void **state)
{
	for (int attempt = 0; attempt < 40; attempt++) {
		int64_t top = attempt < 5 ? 100 << attempt : 3000;
		for (uint64_t r = 0; r < 100000; r += 37) {
			int64_t ms = backoff_ms(attempt, r);
			assert_true(ms >= 0 && ms <= top);
		}
	}
	assert_int_equal(backoff_ms(0, UINT64_MAX - UINT64_MAX % 101 - 1), 100);
	(void)state;
}

/* ---- waiting -------------------------------------------------------------------- */

struct work {
	struct limiters *all;
	int id, running, most, order[20], n, cancelled;
};
struct worker { struct work *w; int id; };

static void one(void *arg)
{
	struct worker *me = arg;
	struct limiter_slot *s = limiters_enter(me->w->all, "AC1");

	if (!s) {
		me->w->cancelled++;
		return;
	}
	me->w->order[me->w->n++] = me->id;
	if (++me->w->running > me->w->most)
		me->w->most = me->w->running;
	task_sleep(10);
	me->w->running--;
	limiters_leave(me->w->all, s, false, false, 0);
}

static void in_order(void **state)
{
	struct loop *l = loop_new_virtual(0, 1);
	struct work w = { .all = limiters_new(l, 3, 3) };
	struct worker workers[12];
	struct task *tasks[12];

	for (int i = 0; i < 12; i++) {
		workers[i] = (struct worker){ &w, i };
		tasks[i] = task_start(l, "one", one, &workers[i], NULL);
	}
	loop_run_once(l, 0);
	task_cancel(tasks[5]); /* waiting */
	task_cancel(tasks[1]); /* running */
	loop_run(l);
	assert_int_equal(w.most, 3);
	assert_int_equal(w.n + w.cancelled, 12);
	for (int i = 1; i < w.n; i++)
		assert_true(w.order[i] > w.order[i - 1]);
	/* every slot came back */
	assert_int_equal(w.running, 0);
	limiters_free(w.all);
	loop_free(l);
	(void)state;
}

/* A hold ends by time, without anyone else's request to wake the waiters. */
static void hold_ends(void **state)
{
	struct loop *l = loop_new_virtual(0, 1);
	struct work w = { .all = limiters_new(l, 2, 2) };
	struct worker worker = { &w, 1 };
	struct limiter_slot *s = limiters_enter(w.all, "AC1");

	assert_non_null(s);
	limiters_leave(w.all, s, false, true, 2000);
	task_start(l, "one", one, &worker, NULL);
	int64_t from = loop_now_ms(l);
	loop_run(l);
	assert_int_equal(w.n, 1);
	assert_in_range(loop_now_ms(l) - from, 2010, 2100);
	limiters_free(w.all);
	loop_free(l);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows), cmocka_unit_test(does_not_grow_unused),
		cmocka_unit_test(cuts),	 cmocka_unit_test(holds),
		cmocka_unit_test(jitter), cmocka_unit_test(in_order),
		cmocka_unit_test(hold_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
