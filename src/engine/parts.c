/* See parts.h. Order matters at the end only: nobody acts after the lease is doubted, and
 * the notifier ends last, because the others still have something to say. */
#include "engine/parts.h"

#include "failover/decide.h"
#include "failover/execute.h"
#include "failover/monitor.h"
#include "notify/notify.h"

void parts_start(struct engine *e)
{
	struct notifier_deps n = { e->loop, e->http, e->store, e->providers, e->o->notify, e->keys,
				   e->id, e->o->state_dir, e->o->public_url, e->environment };

	e->notifier = notifier_new(&n);
	e->monitor = monitor_new(&e->deps);
	e->decider = decider_new(&e->deps, e->monitor);
	e->executor = executor_new(&e->deps, e->o->state_dir);
	monitor_start(e->monitor);
	decider_start(e->decider);
}

void parts_wake(struct engine *e)
{
	if (!e->executor)
		return;
	decider_wake(e->decider);
	executor_wake(e->executor);
	notifier_wake(e->notifier);
}

void parts_gained(struct engine *e, int64_t epoch)
{
	(void)epoch;
	if (!e->executor)
		return;
	monitor_wake(e->monitor);
	decider_wake(e->decider);
	executor_wake(e->executor);
}

void parts_lost(struct engine *e)
{
	if (!e->executor)
		return;
	executor_lost(e->executor);
	decider_wake(e->decider);
	monitor_wake(e->monitor);
}

void parts_gap(struct engine *e, int64_t gap_ms, int64_t wall_step_ms)
{
	(void)gap_ms;
	(void)wall_step_ms;
	if (e->decider)
		decider_gap(e->decider);
}

void parts_live(const struct engine *e, struct jw *w)
{
	if (!e->decider)
		return;
	decider_live(e->decider, w);
	jw_i64(w, "cycleMs", monitor_cycle_ms(e->monitor));
}

void parts_stop(struct engine *e)
{
	if (!e->executor)
		return;
	decider_stop(e->decider);
	monitor_stop(e->monitor);
	executor_stop(e->executor);
	notifier_stop(e->notifier);
}

bool parts_idle(const struct engine *e)
{
	return !e->executor || (decider_idle(e->decider) && monitor_idle(e->monitor) &&
				executor_idle(e->executor) && notifier_idle(e->notifier));
}

void parts_free(struct engine *e)
{
	if (!e->executor)
		return;
	executor_free(e->executor);
	decider_free(e->decider);
	monitor_free(e->monitor);
	notifier_free(e->notifier);
}
