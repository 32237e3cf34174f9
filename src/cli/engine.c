/*
 * ringdown engine: the service. Joins configuration, the private database when asked
 * for, and the host; SIGTERM and SIGINT end it in order, a second one at once.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "cli/cli.h"
#include "cli/engine_once.h"
#include "cli/options.h"
#include "cli/version.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "engine/embedded.h"
#include "engine/engine.h"
#include "failover/failover.h"
#include "alert/settings.h"
#include "notify/notify.h"
#include "providers/provider.h"
#include "runbook/settings.h"
#include "store/migrate.h"
#include "store/store.h"

struct service {
	struct cli *cli;
	struct loop *loop;
	struct embedded *embedded;
	struct engine *engine;
	struct engine_options o;
	struct engine_front front;
	int status, signals;
	bool once;
	struct task *once_task;
	struct err err;
};

static void on_signal(void *ctx, int signum)
{
	struct service *s = ctx;

	embedded_continue(s->embedded);	/* the end needs it, and its own end as well */
	if (++s->signals > 1)
		_exit(128 + signum);
	log_info("engine", "signal %d: stopping", signum);
	if (s->once_task)
		task_cancel(s->once_task);
	if (s->engine)
		engine_stop(s->engine);
	else
		loop_stop(s->loop);
}

static void tell(void *ctx, const char *text)
{
	(void)ctx;
	log_info("config", "%s", text);
}

static void on_reload(void *ctx, int signum)
{
	struct service *s = ctx;
	const struct main_settings *m = cli_settings(s->cli, &main_options);
	const char *why = cli_reload(s->cli, tell, NULL);

	(void)signum;
	if (why) {
		log_warn("config", "not reloaded, the running configuration stays: %s", why);
		return;
	}
	/* what is borrowed from there and may be loaded anew */
	s->o.public_url = m->public_url;
	s->o.cron_secret = m->cron_secret;
	if (s->engine)
		engine_reloaded(s->engine);
}

static void once(void *arg)
{
	struct service *s = arg;

	s->status = engine_once(s->cli, s->engine);
	s->once_task = NULL;
	engine_stop(s->engine);
}

static void on_started(void *ctx, int result, const struct err *err)
{
	struct service *s = ctx;

	if (result < 0) {
		s->status = cli_fail_err(s->cli, err);
		engine_stop(s->engine);
		return;
	}
	log_info("engine", "%s serves on %s", s->engine->id, s->engine->address);
	if (s->once)
		s->once_task = task_start(s->loop, "once", once, s, NULL);
}

/* The settings are found by the engine's front: it is part of our service. */
static struct api *open_api(struct engine *e, struct err *err)
{
	const struct service *s = CONTAINER_OF(e->o, struct service, o);

	return api_new(e, cli_settings(s->cli, &api_options), err);
}

static int fill_options(struct service *s)
{
	const struct main_settings *m = cli_settings(s->cli, &main_options);
	struct failover_settings *f = cli_settings(s->cli, &failover_options);
	const char *speed = cli_opt(s->cli, "speed");
	double factor = 1;

	if (speed && (!parse_double(speed, &factor) || factor < 1 || factor > 1000))
		return cli_fail(s->cli, EXIT_USAGE, "--speed: a number from 1 to 1000");
	if (factor > 1)
		failover_settings_scale(f, factor);
	if (cli_flag(s->cli, "shadow"))
		f->shadow = true;
	if (failover_settings_check(f, &s->err) < 0)
		return cli_fail_err(s->cli, &s->err);
	const struct api_settings *api = cli_settings(s->cli, &api_options);
	s->front = (struct engine_front){ open_api, api_port, api_stop, api_free, api->listen,
					  api->advertise };
	s->front.call = api_call;
	s->o = (struct engine_options){
		.database = m->database, .key = m->encryption_key,
		.key_previous = m->encryption_key_previous, .cron_secret = m->cron_secret,
		.id = cli_opt(s->cli, "id"), .public_url = m->public_url,
		/* what the demo's own database was adopted for */
		.environment = cli_flag(s->cli, "demo") ? "demo" :
							  config_environment(cli_config(s->cli)),
		.label = cli_flag(s->cli, "demo") ? "" :
						    config_environment_label(cli_config(s->cli)),
		.production = config_production(cli_config(s->cli)),
		.demo = cli_flag(s->cli, "demo"), .failover = f,
		.providers = cli_settings(s->cli, &providers_options),
		.front = &s->front,
		.speed = factor,
		.runbooks = cli_settings(s->cli, &runbook_options),
		.allow_insecure_http = m->allow_insecure_http,
		.notify = cli_settings(s->cli, &notify_options),
		.alerts = cli_settings(s->cli, &alert_options),
		.port_file = cli_opt(s->cli, "port-file"), .version = RINGDOWN_VERSION,
		.state_dir = cli_state_dir(s->cli), .shadow = f->shadow,
	};
	return s->o.state_dir ? 0 : EXIT_USAGE;
}

/* A private database is ours alone: it is brought to our schema without being asked. */
static int migrate_embedded(struct service *s)
{
	struct keyring *keys = s->o.key ? keyring_new(secret_reveal(s->o.key), NULL, &s->err) :
		NULL;
	struct store_options so = { .url = s->o.database, .engine_id = "migrate", .keys = keys,
				    .timeout_ms = 30000 };
	struct migrate_options mo = { .environment = str_empty(s->o.environment) ? NULL :
						     s->o.environment };
	struct migrate_result res = { 0 };
	struct store *store;
	int r = 0;

	if (!keys)
		return 0; /* the engine itself says what is wrong with the key */
	store = store_open(s->loop, &so, &s->err);
	if (!store || migrate_run(store, &mo, &res, &s->err) < 0)
		r = s->err.code;
	migrate_result_fini(&res);
	store_close(store);
	keyring_free(keys);
	return r;
}

/* In a task: the private database first, then the engine on it. */
static void run(void *arg)
{
	struct service *s = arg;

	if (cli_flag(s->cli, "embedded")) {
		_cleanup_(free_p) char *dir = xasprintf("%s/postgres", s->o.state_dir);

		if (embedded_start(s->loop, dir, false, &s->embedded, &s->err) < 0) {
			s->status = cli_fail_err(s->cli, &s->err);
			loop_stop(s->loop);
			return;
		}
		s->o.database = embedded_url(s->embedded);
		if (migrate_embedded(s) < 0) {
			s->status = cli_fail_err(s->cli, &s->err);
			loop_stop(s->loop);
			return;
		}
	}
	s->engine = engine_new(s->loop, &s->o, &s->err);
	if (!s->engine) {
		s->status = s->err.code == ERR_INVALID ? cli_fail(s->cli, EXIT_USAGE, "%s",
			s->err.msg) : cli_fail_err(s->cli, &s->err);
		loop_stop(s->loop);
		return;
	}
	engine_start(s->engine, on_started, s);
}

static void stop_embedded(void *arg)
{
	struct service *s = arg;

	embedded_stop(s->embedded);
	loop_stop(s->loop);
}

static int engine_run(struct cli *c)
{
	struct service s = { .cli = c, .once = cli_flag(c, "once") };
	const struct main_settings *m;
	int r = cli_load(c);

	if (r)
		return r;
	m = cli_settings(c, &main_options);
	if (!m->database && !cli_flag(c, "embedded"))
		return cli_fail(c, EXIT_USAGE, "no database: set DATABASE_URL or database:, or use "
				"--embedded for a private one");
	r = fill_options(&s);
	if (r)
		return r;
	log_init(STDERR_FILENO, LOG_INFO);
	mem_long_running();
	s.loop = loop_new();
	loop_on_signal(s.loop, SIGTERM, on_signal, &s);
	loop_on_signal(s.loop, SIGINT, on_signal, &s);
	loop_on_signal(s.loop, SIGHUP, on_reload, &s);
	task_start(s.loop, "engine", run, &s, NULL);
	loop_run(s.loop);
	engine_free(s.engine);
	if (s.embedded) {
		task_start(s.loop, "embedded", stop_embedded, &s, NULL);
		loop_run(s.loop);
		embedded_free(s.embedded);
	}
	loop_free(s.loop);
	return s.status;
}

static const struct cli_option options[] = {
	{ "once", NULL, "one health cycle of every account, decide, carry that out, and end" },
	{ "shadow", NULL, "decide and record, never act" },
	{ "embedded", NULL, "run a private PostgreSQL in the state directory" },
	{ "id", "NAME", "this engine's name; default: host name and process id" },
	{ "port-file", "F", "write the API's port to F once it serves" },
	{ "speed", "N", "divide every duration of evidence, window and gates by N"
			" (demonstrations)" },
	{ "demo", NULL, "say DEMO where the environment stands" },
};
const struct subcommand cmd_engine = {
	.name = "engine", .args = "", .kind = CLI_SERVES, .options = options,
	.n_options = COUNT_OF(options), .run = engine_run,
	.help = "the service: watches, decides, fails over, serves the API",
	.detail = "Needs DATABASE_URL and ENCRYPTION_KEY. Any number of engines may run on one"
		  " database: one leads and acts, the others observe and serve.",
};
