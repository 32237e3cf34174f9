/*
 * The host: one engine process. Owns the loop's tenants (store, providers, lease,
 * monitor, decider, executor tasks, notifier, hub, API), starts and stops them in
 * order, and joins siblings through their ports.
 *
 *   lease gained -> decider and executors run; lost -> their tasks are cancelled
 *   before anything else is written outside.
 */
#ifndef RD_ENGINE_ENGINE_H
#define RD_ENGINE_ENGINE_H

#include "core/crypto.h"
#include "core/http.h"
#include "core/loop.h"
#include "engine/hub.h"
#include "failover/failover.h"
#include "failover/lease.h"
#include "providers/provider.h"

struct store;
struct monitor;
struct decider;
struct notifier;
struct api;
struct presence;
struct live;
struct past;
struct executor;
struct sms;
struct alerter;
struct alert_settings;
struct sentry;
struct keyring;
struct engine_options;
struct runs;
struct metrics;
struct incidents;
struct practices;
struct run_ports;
struct proc_keepers;
struct runbook_settings;

struct engine {
	struct loop *loop;
	const struct engine_options *o;
	const char *environment;	/* as configured; "" = none */
	/* for people: where none is configured, what the database is for */
	char *shown_environment;
	bool production, demo;
	char *id;
	struct keyring *keys;
	struct http *http;
	struct store *store;
	struct providers *providers;
	struct lease *lease;
	struct failover_deps deps;
	struct failover_ports ports;
	struct monitor *monitor;
	struct decider *decider;
	struct notifier *notifier;
	struct executor *executor;
	struct sms *sms;
	struct alerter *alerter;
	struct sentry *sentry;		/* the policy's alert rules */
	struct runs *runs;
	struct incidents *incidents;
	struct practices *practices;
	struct run_ports *run_ports;
	struct proc_keepers *keepers;	/* of what runbooks start */
	char *runbooks_dir, *runbooks_read, *runbooks_change;
	struct metrics *metrics;	/* reads figures that the policy names */
	char *metrics_database;
	struct hub *hub;
	struct presence *presence;
	struct live *live;
	struct past *past;		/* checkpoints of replay */
	char *address;			/* advertised */
	struct api *api;
	int64_t started_ms;		/* monotonic */
	int64_t observe_until_ms;	/* after a gap or a clock step: observe, do not decide */
	int64_t turn_ms;		/* monotonic time of the last turn: liveness */
	bool stopping;
};

/* The API stands above the engine: whoever composes the two hands it in. */
struct engine_front {
	struct api *(*open)(struct engine *e, struct err *err);
	int (*port)(const struct api *a);
	void (*stop)(struct api *a);
	void (*close)(struct api *a);
	const char *listen, *advertise;	/* as configured; advertise NULL = from listen */
	/* A request from inside, in a task, by this person: checks and audit as from outside. */
	int (*call)(struct api *a, const char *method, const char *path, const char *body,
		    const char *by, int role, int *ret_status, struct str *ret_body,
		    struct err *err);
};

/* What the composition root decides; everything is borrowed for the engine's life. */
struct engine_options {
	const char *database;		/* libpq address; direct, not pooled */
	struct secret *key, *key_previous;
	struct secret *cron_secret;
	const char *id;			/* "eng-1"; NULL = host name and pid */
	const char *state_dir;		/* for the intent log */
	const char *public_url;
	const char *environment;	/* "" = none named */
	const char *label;		/* how people are shown it; "" = by its name */
	bool production, demo, shadow;
	const struct failover_settings *failover;
	const struct providers_settings *providers;
	const struct engine_front *front;
	const struct notify_settings *notify;
	const struct alert_settings *alerts;
	const struct runbook_settings *runbooks;
	bool allow_insecure_http;
	double speed;			/* demonstrations: policies' durations are divided by it */
	const char *version;
	const char *port_file;		/* the API's address is written there once it serves */
};

struct engine *engine_new(struct loop *l, const struct engine_options *o, struct err *err);
/* Starts everything in a task; fails (ret via done) when the key or the database is wrong.
 * done: 0, or negative with err. */
void engine_start(struct engine *e, void (*done)(void *ctx, int result, const struct err *err),
		  void *ctx);
/* Orderly end: no new work, lease given back, tasks cancelled; then loop_stop. */
void engine_stop(struct engine *e);
void engine_free(struct engine *e);

/* Settings were loaded anew: what o borrows may have moved, and is in o again. */
void engine_reloaded(struct engine *e);

/* Is automatic action possible for reasons of this process? Sentence or NULL. */
const char *engine_why_not_ready(const struct engine *e);

#endif
