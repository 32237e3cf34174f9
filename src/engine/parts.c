/* See parts.h. Order matters at the end only: nobody acts after the lease is doubted, and
 * the notifier ends last, because the others still have something to say. */
#include "engine/parts.h"

#include "alert/alerter.h"
#include "alert/sentry.h"
#include "engine/figures.h"
#include "failover/decide.h"
#include "failover/execute.h"
#include "engine/past.h"
#include "engine/ports.h"
#include "incident/incidents.h"
#include "failover/monitor.h"
#include "notify/notify.h"
#include "report/practices.h"
#include "runbook/runs.h"
#include "sms/sms.h"

static int64_t epoch_of(void *ctx)
{
	const struct engine *e = ctx;

	return e->lease ? lease_epoch(e->lease) : 0;
}

/* Everything else follows the pace of health cycles; so do these. */
static void start_alerter(struct engine *e)
{
	enum { SLOWEST_MS = 60000, FASTEST_MS = 2000 };
	int64_t every = e->o->failover->cycle_ms;
	struct alerter_deps d = { e->loop, e->store, e->id, every, e->o->failover->min_balance,
				  epoch_of, e->ports.alerts_moved, e };

	d.every_ms = every > SLOWEST_MS ? SLOWEST_MS : every < FASTEST_MS ? FASTEST_MS : every;
	e->alerter = alerter_new(&d);
	alerter_start(e->alerter);
}

static bool leads(void *ctx)
{
	return epoch_of(ctx) > 0;
}

static const struct policy *policy_of(void *ctx)
{
	const struct engine *e = ctx;

	return runs_policy(e->runs);
}

static void journal_moved(void *ctx)
{
	const struct engine *e = ctx;

	hub_wake(e->hub);
	notifier_wake(e->notifier);
}

static void start_incidents(struct engine *e)
{
	struct incidents_deps d = { e->loop,      e->store,      e->o->notify,
				    e->providers, e->o->speed,   policy_of,
				    epoch_of,     journal_moved, e };

	e->incidents = incidents_new(&d);
	incidents_start(e->incidents);
}

static const char *account_name(void *ctx, const char *label)
{
	const struct engine *e = ctx;
	const struct account *a = state_account(hub_state(e->hub), label);

	return a ? a->name : NULL;
}

static void start_sentry(struct engine *e)
{
	struct sentry_deps d = { e->loop, e->store, e->metrics, e->o->notify, e->o->alerts,
				 e->o->speed, policy_of, epoch_of, journal_moved, account_name, e };

	e->sentry = sentry_new(&d);
	sentry_start(e->sentry);
}

static void start_practices(struct engine *e)
{
	struct practices_deps d = { e->loop, e->store, e->o->notify, policy_of, epoch_of,
				    journal_moved, e };

	e->practices = practices_new(&d);
	practices_start(e->practices);
}

/* Who led last, when that is not us: tells people what everybody sees. */
static const char *speaker(void *ctx)
{
	const struct engine *e = ctx;

	return e->lease && !str_eq(lease_holder(e->lease), e->id) ? lease_holder_address(e->lease) :
		NULL;
}

void parts_start(struct engine *e)
{
	struct notifier_deps n = { e->loop, e->http, e->store, e->providers, e->o->notify, e->keys,
				   e->id, e->o->state_dir, e->o->public_url, e->shown_environment,
				   speaker, e };

	e->notifier = notifier_new(&n);
	e->monitor = monitor_new(&e->deps);
	e->decider = decider_new(&e->deps, e->monitor);
	e->executor = executor_new(&e->deps, e->o->state_dir);
	struct sms_deps s = { e->loop, e->store, e->providers, e->o->failover->sms_retry_age_ms };
	e->sms = sms_new(&s);
	start_alerter(e);
	e->metrics = engine_metrics_new(e);
	e->runs = ports_runs_new(e);
	runs_start(e->runs);
	start_incidents(e);
	start_practices(e);
	start_sentry(e);
	e->past = past_new(e->loop, e->store, leads, e);
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
	runs_wake(e->runs);
	incidents_wake(e->incidents);
}

void parts_gained(struct engine *e, int64_t epoch)
{
	(void)epoch;
	if (!e->executor)
		return;
	monitor_wake(e->monitor);
	decider_wake(e->decider);
	executor_wake(e->executor);
	runs_wake(e->runs);
	sentry_wake(e->sentry);
	incidents_wake(e->incidents);
	practices_wake(e->practices);
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

int64_t parts_cycle_ms(const struct engine *e)
{
	return e->monitor ? monitor_cycle_ms(e->monitor) : 0;
}

bool parts_gates(const struct engine *e, struct lineage_gates **ret, size_t *ret_n)
{
	return e->decider && decider_all_gates(e->decider, ret, ret_n);
}

void parts_stop(struct engine *e)
{
	if (!e->executor)
		return;
	decider_stop(e->decider);
	monitor_stop(e->monitor);
	executor_stop(e->executor);
	alerter_stop(e->alerter);
	sentry_stop(e->sentry);
	sms_stop(e->sms);
	incidents_stop(e->incidents);
	practices_stop(e->practices);
	past_stop(e->past);
	runs_stop(e->runs);
	notifier_stop(e->notifier);
}

bool parts_idle(const struct engine *e)
{
	return !e->executor ||
	       (decider_idle(e->decider) && monitor_idle(e->monitor) &&
		executor_idle(e->executor) && alerter_idle(e->alerter) && sentry_idle(e->sentry) &&
		sms_idle(e->sms) && runs_idle(e->runs) && incidents_idle(e->incidents) &&
		practices_idle(e->practices) && past_idle(e->past) && notifier_idle(e->notifier));
}

void parts_free(struct engine *e)
{
	if (!e->executor)
		return;
	executor_free(e->executor);
	alerter_free(e->alerter);
	sentry_free(e->sentry);
	sms_free(e->sms);
	incidents_free(e->incidents);
	practices_free(e->practices);
	past_free(e->past);
	runs_free(e->runs);
	decider_free(e->decider);
	monitor_free(e->monitor);
	notifier_free(e->notifier);
}
