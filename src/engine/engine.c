/*
 * The host; see engine.h. Start-up order: key, store, hub, providers, lease, monitor,
 * decider, executor, notifier, API last. Stop is the reverse and bounded: what does not
 * end in time is left to the next leader, who resumes it.
 */
#include "engine/engine.h"

#include "alert/sentry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/proc.h"
#include "core/task.h"
#include "engine/live.h"
#include "engine/parts.h"
#include "engine/presence.h"
#include "metric/source.h"
#include "notify/notify.h"
#include "store/accounts.h"
#include "store/lease_row.h"
#include "store/migrate.h"

enum { HUB_POLL_MS = 500, STOP_MS = 8000, STOP_STEP_MS = 50 };

/* ---- ports and gaps ------------------------------------------------------------------- */

static void wake(void *ctx)
{
	struct engine *e = ctx;

	hub_wake(e->hub);
	parts_wake(e);
}

static int say(void *ctx, struct tx *t, int kind, const struct event *ev, const char *subject,
	       const char *text, struct err *err)
{
	const struct engine *e = ctx;

	return notify_put(t, e->o->notify, (enum say_kind)kind, ev, subject, text, err);
}

/* The sentry says how grave they are and tells people. */
static void alerts_moved(void *ctx)
{
	const struct engine *e = ctx;

	sentry_wake(e->sentry);
}

/* The loop stood still or the wall clock stepped: whatever was believed about the lease is
 * read again first, and nothing is decided for a while (failover.md §2, §7). */
static void on_gap(void *ctx, int64_t gap_ms, int64_t wall_step_ms)
{
	struct engine *e = ctx;
	int64_t now = loop_now_ms(e->loop);

	if (e->lease && gap_ms)
		lease_doubt(e->lease);
	if (gap_ms > 2000 || wall_step_ms) {
		e->observe_until_ms = now + e->o->failover->observe_after_gap_ms;
		log_warn("engine", "stood still for %lld ms, clock stepped by %lld ms: observing"
				   " for %lld ms", (long long)gap_ms, (long long)wall_step_ms,
			 (long long)e->o->failover->observe_after_gap_ms);
		parts_gap(e, gap_ms, wall_step_ms);
	}
}

static void lease_gained(void *ctx, int64_t epoch)
{
	struct engine *e = ctx;

	log_info("lease", "%s leads, epoch %lld", e->id, (long long)epoch);
	parts_gained(e, epoch);
}

static void lease_lost_cb(void *ctx, const char *why)
{
	struct engine *e = ctx;

	log_warn("lease", "%s leads no more: %s", e->id, why);
	parts_lost(e);
}

/* ---- start ------------------------------------------------------------------------------ */

struct starting {
	struct engine *e;
	void (*done)(void *ctx, int result, const struct err *err);
	void *ctx;
	int result;
	struct err err;
};

/* Refuses to run on a database of another version or with credentials it cannot open. A
 * database that is away is no reason: the engine then observes and tells people. */
static int check_database(struct engine *e, struct err *err)
{
	_cleanup_(free_p) char *names = NULL;
	int r = migrate_current(e->store, err);

	if (r == ERR_NOT_FOUND || r == ERR_CONFLICT)
		return err_prefix(err, "database");
	if (r < 0)
		return 0;
	if (accounts_unopenable(e->store, &names, err) == 0 && !str_empty(names))
		return err_set(err, ERR_INVALID,
			       "ENCRYPTION_KEY does not open the credentials of %s; set the key"
			       " they were sealed with as ENCRYPTION_KEY or"
			       " ENCRYPTION_KEY_PREVIOUS", names);
	return 0;
}

static int write_port_file(struct engine *e, struct err *err)
{
	char tmp[4096];
	FILE *f;

	if (!e->o->port_file)
		return 0;
	snprintf(tmp, sizeof(tmp), "%s.tmp", e->o->port_file);
	f = fopen(tmp, "we");
	if (!f)
		return err_set(err, ERR_SYSTEM, "%s: %s", tmp, strerror(errno));
	fprintf(f, "%d\n", e->o->front->port(e->api));
	if (fclose(f) != 0 || rename(tmp, e->o->port_file) != 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", e->o->port_file, strerror(errno));
	return 0;
}

static char *advertised(const struct engine *e)
{
	const char *listen = e->o->front->listen;
	const char *colon = strrchr(listen, ':');

	if (e->o->front->advertise)
		return xstrdup(e->o->front->advertise);
	return xasprintf("http://%.*s:%d", (int)(colon ? colon - listen : 0), listen,
			 e->o->front->port(e->api));
}

static void name_environment(struct engine *e)
{
	_cleanup_(free_p) char *adopted = NULL;
	struct err err = { 0 };

	if (!str_empty(e->o->label))
		e->shown_environment = xstrdup(e->o->label);
	else if (!str_empty(e->environment))
		e->shown_environment = xstrdup(e->environment);
	else if (environment_name(e->store, &adopted, &err) == 0 && adopted)
		e->shown_environment = TAKE(adopted);
	else
		e->shown_environment = xstrdup("unnamed");
}

static void start_task(void *arg)
{
	struct starting *s = arg;
	struct engine *e = s->e;
	struct lease_events events = { e, lease_gained, lease_lost_cb };

	s->result = check_database(e, &s->err);
	if (s->result < 0)
		return;
	name_environment(e);
	e->hub = hub_new(e->loop, e->store, HUB_POLL_MS);
	e->presence = presence_new();
	e->api = e->o->front->open(e, &s->err);
	if (!e->api) {
		s->result = s->err.code;
		return;
	}
	e->address = advertised(e);
	e->lease = lease_new(&e->deps, e->address, &events);
	e->deps.lease = e->lease;
	parts_start(e);
	e->live = live_new(e);
	s->result = write_port_file(e, &s->err);
}

static void start_done(void *arg)
{
	struct starting *s = arg;

	s->done(s->ctx, s->result, &s->err);
	free_p(&s);
}

void engine_start(struct engine *e, void (*done)(void *ctx, int result, const struct err *err),
		  void *ctx)
{
	struct starting *s = xcalloc(1, sizeof(*s));

	s->e = e;
	s->done = done;
	s->ctx = ctx;
	task_start(e->loop, "start", start_task, s, start_done);
}

struct engine *engine_new(struct loop *l, const struct engine_options *o, struct err *err)
{
	char host[64] = "engine";
	struct engine *e = xcalloc(1, sizeof(*e));

	gethostname(host, sizeof(host) - 1);
	e->loop = l;
	e->o = o;
	e->environment = o->environment ? o->environment : "";
	e->production = o->production;
	e->demo = o->demo;
	e->id = o->id ? xstrdup(o->id) : xasprintf("%s-%d", host, (int)getpid());
	e->started_ms = e->turn_ms = loop_now_ms(l);
	if (!o->key) {
		err_set(err, ERR_INVALID, "ENCRYPTION_KEY is not set; it opens the accounts'"
					  " credentials");
		engine_free(e);
		return NULL;
	}
	e->keys = keyring_new(secret_reveal(o->key), o->key_previous ?
			      secret_reveal(o->key_previous) :
			      NULL, err);
	struct store_options so = { .url = o->database, .engine_id = e->id, .keys = e->keys,
				    .timeout_ms = o->failover->db_timeout_ms };
	e->store = e->keys ? store_open(l, &so, err) : NULL;
	if (!e->store) {
		engine_free(e);
		return NULL;
	}
	e->http = http_new(l);
	e->providers = providers_new(l, e->http, o->providers);
	e->ports = (struct failover_ports){ e, wake, say, alerts_moved };
	e->deps = (struct failover_deps){ l, e->store, e->providers, NULL, o->failover, &e->ports,
					  e->id, false };
	e->deps.environment = e->environment;
	loop_on_gap(l, on_gap, e);
	return e;
}

/* ---- stop ---------------------------------------------------------------------------------- */

static void stop_task(void *arg)
{
	struct engine *e = arg;
	int64_t until = loop_now_ms(e->loop) + STOP_MS;

	if (e->api)
		e->o->front->stop(e->api);
	parts_stop(e);
	while (!parts_idle(e) && loop_now_ms(e->loop) < until)
		task_sleep(STOP_STEP_MS);
	if (e->lease)
		lease_stop(e->lease);
	live_stop(e->live);
	if (e->hub)
		hub_stop(e->hub);
	task_sleep(STOP_STEP_MS * 4); /* the lease is given back; tasks see that they are over */
}

static void stop_done(void *arg)
{
	struct engine *e = arg;

	loop_stop(e->loop);
}

void engine_stop(struct engine *e)
{
	if (e->stopping)
		return;
	e->stopping = true;
	task_start(e->loop, "stop", stop_task, e, stop_done);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	if (e->api)
		e->o->front->close(e->api);
	parts_free(e);
	live_free(e->live);
	hub_free(e->hub);
	lease_free(e->lease);
	presence_free(e->presence);
	providers_free(e->providers);
	http_free(e->http);
	store_close(e->store);
	keyring_free(e->keys);
	metrics_free(e->metrics);
	free_p(&e->metrics_database);
	proc_keepers_free(e->keepers);
	free_p(&e->run_ports);
	free_p(&e->runbooks_dir);
	free_p(&e->runbooks_read);
	free_p(&e->runbooks_change);
	free_p(&e->address);
	free_p(&e->shown_environment);
	free_p(&e->id);
	free_p(&e);
}

void engine_reloaded(struct engine *e)
{
	if (e->notifier)
		notifier_public_url(e->notifier, e->o->public_url);
}

const char *engine_why_not_ready(const struct engine *e)
{
	if (!e->hub || !hub_loaded(e->hub))
		return "the database was not read yet";
	if (e->stopping)
		return "this engine is shutting down";
	if (!live_database_ok(e->live))
		return live_database_why(e->live);
	return NULL;
}
