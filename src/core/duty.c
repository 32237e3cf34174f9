/*
 * See duty.h. Invariant: a duty is freed by its owner only when it is idle; after duty_stop it
 * begins no further look.
 */
#include "core/duty.h"

#include <stddef.h>

static void run(void *arg)
{
	struct duty *d = arg;

	while (!d->stopping && !task_cancelled()) {
		int64_t rest = d->look(d->ctx);

		if (!d->stopping && rest > 0)
			condition_wait(&d->wake, rest);
		else
			task_sleep(0);	/* others have a turn in any case */
	}
}

static void run_done(void *arg)
{
	struct duty *d = arg;

	d->task = NULL;
}

void duty_start(struct duty *d, struct loop *l, const char *name, int64_t (*look)(void *ctx),
		void *ctx)
{
	d->look = look;
	d->ctx = ctx;
	d->task = task_start(l, name, run, d, run_done);
}

void duty_wake(struct duty *d)
{
	condition_wake(&d->wake);
}

void duty_stop(struct duty *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	condition_wake(&d->wake);
	if (d->task)
		task_cancel(d->task);
}

bool duty_idle(const struct duty *d)
{
	return !d->task;
}
