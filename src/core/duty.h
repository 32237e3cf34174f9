/*
 * A duty: one task that looks after something, rests until it is woken or time is up, and looks
 * again, until it is told to stop. The life of every host that a leader keeps.
 */
#ifndef RD_CORE_DUTY_H
#define RD_CORE_DUTY_H

#include "core/task.h"

struct duty {
	struct task *task;		/* NULL = not started, or over */
	struct condition wake;
	bool stopping;			/* a look that takes long asks for it */
	int64_t (*look)(void *ctx);
	void *ctx;
};
/* look: in the task; how long to rest, in ms; 0 = look again at once. */
void duty_start(struct duty *d, struct loop *l, const char *name, int64_t (*look)(void *ctx),
		void *ctx);
void duty_wake(struct duty *d);		/* out of its rest; while it looks nothing happens */
/* What it waits for is cancelled. Idempotent; it is over when duty_idle says so. */
void duty_stop(struct duty *d);
bool duty_idle(const struct duty *d);

#endif
