/*
 * A sweep that is cancelled while it waits for the roster goes on waiting: it lets the loop turn,
 * takes the roster when it is its turn and gives it back; nobody is left with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "core/task.h"
#include "failover/watch.h"

enum { WAITING = 3 };

struct fixture {
	struct loop *loop;
	struct monitor m;
	struct timer timer;
	int turns, had, still_cancelled;
};

static void on_turn(struct timer *t)
{
	struct fixture *f = t->user;

	f->turns++;
	timer_start(f->loop, t, 1, on_turn);
}

/* The waiting ones are cancelled at once; the roster is free only after a while. */
static void holds(void *arg)
{
	struct fixture *f = arg;

	monitor_lock(&f->m);
	task_sleep(50);
	monitor_unlock(&f->m);
}

static void waits(void *arg)
{
	struct fixture *f = arg;

	monitor_lock(&f->m);
	assert_true(f->m.judging);
	f->had++;
	f->still_cancelled += task_cancelled();
	/* as long as it has it the others wait, cancelled or not */
	task_sleep(0);
	monitor_unlock(&f->m);
}

static void script(void *arg)
{
	struct fixture *f = arg;
	struct task *t[WAITING];

	task_start(f->loop, "holds", holds, f, NULL);
	for (int i = 0; i < WAITING; i++)
		t[i] = task_start(f->loop, "waits", waits, f, NULL);
	task_sleep(5);
	for (int i = 0; i < WAITING; i++)
		task_cancel(t[i]);
	task_sleep(5);
	assert_int_equal(f->had, 0);
	for (int i = 0; i < 500 && f->had < WAITING; i++)
		task_sleep(5);
	timer_stop(&f->timer);
	loop_stop(f->loop);
}

static void cancelled_ones_wait(void **state)
{
	struct fixture f = { .loop = loop_new(), .timer = TIMER_INIT };

	(void)state;
	alarm(20);		/* a loop that does not turn would stay for ever */
	f.timer.user = &f;
	timer_start(f.loop, &f.timer, 1, on_turn);
	task_start(f.loop, "script", script, &f, NULL);
	loop_run(f.loop);
	alarm(0);
	assert_int_equal(f.had, WAITING);
	assert_int_equal(f.still_cancelled, WAITING);
	assert_false(f.m.judging);
	assert_true(f.turns >= 5);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cancelled_ones_wait) };

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
