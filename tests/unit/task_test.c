/* A cancelled task whose child still uses its memory waits for it, and the loop turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/task.h"

struct shared { struct condition changed; bool done; };

static void child(void *arg)
{
	struct shared *x = arg;

	task_sleep(50);
	x->done = true;
	condition_wake(&x->changed);
}

static void parent(void *arg)
{
	struct shared x = { 0 };

	task_start(task_loop(), "child", child, &x, NULL);
	while (!x.done)
		condition_wait_anyway(&x.changed, 10);
	*(bool *)arg = task_cancelled();
}

static void cancelled_parent_waits(void **state)
{
	struct loop *l = loop_new_virtual(1700000000000, 1);
	bool cancelled = false;
	struct task *t = task_start(l, "parent", parent, &cancelled, NULL);

	(void)state;
	task_cancel(t);
	loop_run(l);
	assert_true(cancelled);
	loop_free(l);
}

static void cancel_in_the_middle(void *arg)
{
	task_sleep(20);
	task_cancel(arg);
}

static void cancelled_while_waiting(void **state)
{
	struct loop *l = loop_new_virtual(1700000000000, 1);
	bool cancelled = false;
	struct task *t = task_start(l, "parent", parent, &cancelled, NULL);

	(void)state;
	task_start(l, "canceller", cancel_in_the_middle, t, NULL);
	loop_run(l);
	assert_true(cancelled);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cancelled_parent_waits),
		cmocka_unit_test(cancelled_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
