/* A duty: looks, rests, is woken, looks again at once when asked, ends while it looks and rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/duty.h"

struct host {
	struct duty duty;
	int looks, cancelled;
	int64_t rest_ms, look_ms;
};

static int64_t look(void *arg)
{
	struct host *h = arg;

	h->looks++;
	if (h->look_ms && task_sleep(h->look_ms) == OP_CANCELLED)
		h->cancelled++;
	return h->rest_ms;
}

static void until_looks(const struct host *h, int n)
{
	for (int i = 0; i < 500 && h->looks < n; i++)
		task_sleep(1);
	assert_true(h->looks >= n);
}

static void end(struct host *h)
{
	duty_stop(&h->duty);
	duty_stop(&h->duty);
	for (int i = 0; i < 500 && !duty_idle(&h->duty); i++)
		task_sleep(1);
	assert_true(duty_idle(&h->duty));
}

static void rests(void *arg)
{
	struct host h = { .rest_ms = 600000 };

	(void)arg;
	assert_true(duty_idle(&h.duty));
	duty_wake(&h.duty);	/* nobody is there */
	duty_start(&h.duty, task_loop(), "test", look, &h);
	until_looks(&h, 1);
	task_sleep(5);
	assert_int_equal(h.looks, 1);
	duty_wake(&h.duty);
	until_looks(&h, 2);
	assert_false(duty_idle(&h.duty));
	end(&h);
	assert_int_equal(h.looks, 2);
}

static void looks_on(void *arg)
{
	struct host h = { .rest_ms = 0 };	/* at once, and others have their turn */

	(void)arg;
	duty_start(&h.duty, task_loop(), "test", look, &h);
	until_looks(&h, 20);
	end(&h);
}

static void ends_in_a_look(void *arg)
{
	struct host h = { .look_ms = 600000 };

	(void)arg;
	duty_start(&h.duty, task_loop(), "test", look, &h);
	until_looks(&h, 1);
	end(&h);
	assert_int_equal(h.cancelled, 1);
	assert_int_equal(h.looks, 1);
}

static void in_loop(void (*fn)(void *arg))
{
	struct loop *l = loop_new();

	task_start(l, "test", fn, NULL, NULL);
	loop_run(l);
	loop_free(l);
}

static void duties(void **state)
{
	(void)state;
	in_loop(rests);
	in_loop(looks_on);
	in_loop(ends_in_a_look);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(duties) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
