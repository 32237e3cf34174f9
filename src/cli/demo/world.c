/*
 * The demo's processes: private PostgreSQL, simulator, engines. Each child dies with us;
 * what is on disk is one directory. Nothing outside loopback is ever named.
 */
#include "cli/demo/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "core/mem.h"
#include "engine/embedded.h"

enum { START_MS = 60000, POLL_MS = 50, ENGINE_END_MS = 5000, SIM_END_MS = 2000 };

/* ---- child processes -------------------------------------------------------------------- */

/* "NAME=" for every variable that our configuration reads: children take none of them. */
static char **blank_environment(void)
{
	char **env = NULL;
	size_t n = 0, cap = 0;

	for (size_t t = 0; t < option_table_count; t++)
		for (size_t i = 0; i < option_tables[t]->n; i++) {
			const char *name = option_tables[t]->rows[i].env;

			if (!name)
				continue;
			env = grow(env, &cap, n + 2, sizeof(*env));
			env[n++] = xasprintf("%s=", name);
		}
	env = grow(env, &cap, n + 4, sizeof(*env));
	env[n++] = xstrdup("http_proxy=");
	env[n++] = xstrdup("ASAN_OPTIONS=detect_stack_use_after_return=0:detect_leaks=0");
	env[n] = NULL;
	return env;
}

static void environment_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free_p(&env[i]);
	free_p(&env);
}

static void on_child_exit(void *ctx, int status)
{
	struct demo *d = ctx;

	(void)status;
	condition_wake(&d->changed);
}

static char **environment_with(char *const *more)
{
	char **env = blank_environment();
	size_t n = 0, cap = 0;

	while (env[n])
		n++;
	cap = n + 1;
	for (; more && *more; more++) {
		env = grow(env, &cap, n + 2, sizeof(*env));
		env[n++] = xstrdup(*more);
		env[n] = NULL;
	}
	return env;
}

static struct proc *start_child(struct demo *d, const char *log, const char *const *argv,
				char *const *more, struct err *err)
{
	_cleanup_(free_p) char *path = xasprintf("%s/%s.log", d->dir, log);
	char **env = environment_with(more);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct proc_options o = { .argv = argv, .env = (const char *const *)env, .cwd = d->dir,
				  .stdout_fd = fd, .stderr_fd = fd, .die_with_parent = true };
	struct proc *p = proc_start(d->loop, &o, on_child_exit, d, err);

	if (fd >= 0)
		close(fd);
	environment_free(env);
	return p;
}

/* The number in a port file, once it is there. */
static int wait_port(struct demo *d, const char *file, const struct proc *p, const char *what,
		     int64_t *ret, struct err *err)
{
	int64_t until = loop_now_ms(d->loop) + START_MS;

	while (loop_now_ms(d->loop) < until && proc_running(p)) {
		char text[32] = "";
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

		if (fd >= 0)
			close(fd);
		text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
		if (parse_i64(text, 1, 65535, ret))
			return 0;
		if (task_sleep(POLL_MS))
			return err_set(err, ERR_CANCELLED, "cancelled");
	}
	return err_set(err, ERR_UNREACHABLE, "%s did not start; its output is in %s", what, d->dir);
}

/* ---- simulator ---------------------------------------------------------------------------- */

static int simulator_start(struct demo *d, struct err *err)
{
	_cleanup_(free_p) char *file = xasprintf("%s/simulate.port", d->dir);
	char agents[24];
	const char *argv[] = { d->o.binary, "simulate", "--port", "0", "--port-file", file,
			       "--scenario", d->scenario->name, "--wait", "--agents", agents,
			       NULL };
	int64_t port;
	int r;

	snprintf(agents, sizeof(agents), "%lld", (long long)d->o.agents);
	d->sim = start_child(d, "simulate", argv, NULL, err);
	if (!d->sim)
		return err->code;
	r = wait_port(d, file, d->sim, "the simulator", &port, err);
	if (r == 0)
		d->sim_url = xasprintf("http://127.0.0.1:%lld", (long long)port);
	return r;
}

/* ---- engines ------------------------------------------------------------------------------- */

static void yaml_text(struct str *b, const char *key, const char *value)
{
	str_addf(b, "%s: ", key);
	json_add_string(b, value, strlen(value));
	str_addc(b, '\n');
}

static void base_lines(struct str *b, const struct json *bases, const char *option,
		       const char *name)
{
	const char *url = json_get_str(bases, name);

	if (url)
		yaml_text(b, option, url);
}

/* Dotted names are accepted as keys at the top level as well as nested. */
static int write_config(struct demo *d, int i, const struct json *sim, struct err *err)
{
	const struct json *bases = json_get(sim, "bases");
	struct str b = STR_INIT(1 << 20);
	int fd, r = 0;

	str_add(&b, "environment: demo\nenvironments:\n  demo:\n    label: DEMO\n");
	yaml_text(&b, "database", d->db_url);
	yaml_text(&b, "encryptionKey", secret_reveal(d->key));
	yaml_text(&b, "cronSecret", "demo-cron-secret");
	str_addf(&b, "listen: \"127.0.0.1:0\"\nstateDir: \"%s/engine-%d\"\n", d->dir, i + 1);
	base_lines(&b, bases, "twilio.apiBase", "TWILIO_API_BASE");
	base_lines(&b, bases, "twilio.monitorBase", "TWILIO_MONITOR_BASE");
	base_lines(&b, bases, "twilio.messagingBase", "TWILIO_MESSAGING_BASE");
	base_lines(&b, bases, "twilio.videoBase", "TWILIO_VIDEO_BASE");
	base_lines(&b, bases, "twilio.routesBase", "TWILIO_ROUTES_BASE");
	base_lines(&b, bases, "twilio.pricingBase", "TWILIO_PRICING_BASE");
	base_lines(&b, bases, "elevenlabs.base", "ELEVENLABS_BASE");
	base_lines(&b, bases, "telnyx.base", "TELNYX_BASE");
	base_lines(&b, bases, "status.twilioBase", "TWILIO_STATUS_BASE");
	base_lines(&b, bases, "status.elevenlabsBase", "ELEVENLABS_STATUS_BASE");
	base_lines(&b, bases, "status.telnyxBase", "TELNYX_STATUS_BASE");
	base_lines(&b, bases, "status.awsBase", "AWS_HEALTH_BASE");
	base_lines(&b, bases, "app.base", "APP_BASE");
	yaml_text(&b, "elevenlabs.apiKey", json_str(json_path(sim, "elevenlabs.apiKey")));
	yaml_text(&b, "internalServiceKey", json_str(json_path(sim, "app.internalKey")));
	str_addf(&b, "runbooks.target: demo\nrunbooks.root: \"%s/root\"\n", d->dir);
	yaml_text(&b, "notify.smtpUrl", json_get_str(sim, "smtp"));
	yaml_text(&b, "notify.smtpFrom", "ringdown@acme.example");
	yaml_text(&b, "notify.slackUrl", "https://hooks.slack.com/services/T0DEMO/B0DEMO/demo");
	base_lines(&b, bases, "notify.slackBase", "SLACK_BASE");
	str_addf(&b, "notify.pagerdutyBase: \"%s/pagerduty\"\n", d->sim_url);
	yaml_text(&b, "notify.pagerdutyKey", "demodemodemodemodemodemodemodemo");
	str_addf(&b, "notify.statuspageBase: \"%s/statuspage\"\n", d->sim_url);
	str_addf(&b, "notify.statuspageUrl: \"%s/statuspage/public\"\n", d->sim_url);
	yaml_text(&b, "notify.statuspagePage", "demopage");
	yaml_text(&b, "notify.statuspageKey", "demo-statuspage-key");
	if (d->o.watched) /* 120 s is long for somebody who waits for the outage to be seen */
		str_add(&b, "failover.cycle: 15s\nfailover.trafficWindow: 90s\n");
	if (d->scenario->settings)
		str_add(&b, d->scenario->settings);
	fd = open(d->engine[i].config, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, b.s, b.len) != (ssize_t)b.len)
		r = err_set(err, ERR_SYSTEM, "%s: %s", d->engine[i].config, strerror(errno));
	if (fd >= 0)
		close(fd);
	str_fini(&b);
	return r;
}

int demo_engine_start(struct demo *d, int i, struct err *err)
{
	struct demo_engine *e = &d->engine[i];
	char speed[32], id[16];
	const char *argv[] = { d->o.binary, "--config", e->config, "engine", "--demo", "--id", id,
			       "--port-file", e->port_file, "--speed", speed, NULL };
	int64_t port;
	int r;

	snprintf(speed, sizeof(speed), "%g", d->o.speed);
	snprintf(id, sizeof(id), "eng-%d", i + 1);
	unlink(e->port_file);
	proc_free(e->proc);
	e->stopped = false;
	e->proc = start_child(d, id, argv, d->engine_env, err);
	if (!e->proc)
		return err->code;
	r = wait_port(d, e->port_file, e->proc, id, &port, err);
	if (r == 0) {
		free_p(&e->url);
		e->url = xasprintf("http://127.0.0.1:%lld", (long long)port);
	}
	return r;
}

void demo_engine_kill(struct demo *d, int i, int signum)
{
	struct demo_engine *e = &d->engine[i];

	if (!e->proc || !proc_running(e->proc))
		return;
	proc_signal(e->proc, signum);
	e->stopped = signum == SIGSTOP;
}

int demo_engine_ready(struct demo *d, int i, int64_t ms, struct err *err)
{
	_cleanup_(free_p) char *url = xasprintf("%s/readyz", d->engine[i].url);
	struct http_request req = { .url = url, .timeout_ms = 2000 };
	int64_t until = loop_now_ms(d->loop) + ms;
	int status = 0;

	while (loop_now_ms(d->loop) < until && !task_cancelled()) {
		struct http_reply r;

		http_fetch(d->http, &req, &r);
		status = r.status;
		http_reply_fini(&r);
		if (status == 200)
			return 0;
		task_sleep(POLL_MS);
	}
	return err_set(err, ERR_TIMEOUT, "eng-%d is not ready (HTTP %d); its output is in %s",
		       i + 1, status, d->dir);
}

/* ---- all of it ------------------------------------------------------------------ */

static int make_dir(struct demo *d, struct err *err)
{
	_cleanup_(free_p) char *template = demo_dir_name((int)getpid(), "XXXXXX");

	if (!mkdtemp(template))
		return err_set(err, ERR_SYSTEM, "%s: %s", template, strerror(errno));
	/* PostgreSQL runs as another user when we are root: it must be able to enter */
	if (geteuid() == 0 && chmod(template, 0711) != 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", template, strerror(errno));
	d->dir = xstrdup(template);
	for (int i = 0; i < DEMO_ENGINES; i++) {
		d->engine[i].number = i + 1;
		d->engine[i].port_file = xasprintf("%s/engine-%d.port", d->dir, i + 1);
		d->engine[i].config = xasprintf("%s/engine-%d.yaml", d->dir, i + 1);
	}
	return 0;
}

static int database_up(struct demo *d, struct err *err)
{
	_cleanup_(free_p) char *dir = xasprintf("%s/postgres", d->dir);
	int r = embedded_start(d->loop, dir, true, &d->pg, err);

	if (r == 0)
		d->db_url = xstrdup(embedded_url(d->pg));
	return r;
}

int demo_up(struct demo *d, struct err *err)
{
	char speed[64], key[33];
	struct json *sim, *reply;
	uint8_t random[16];
	struct str hex = STR_INIT(64);
	int r;

	random_bytes(random, sizeof(random));
	str_add_hex(&hex, random, sizeof(random));
	snprintf(key, sizeof(key), "%s", hex.s);
	str_fini(&hex);
	d->key = secret_new(key);
	r = make_dir(d, err);
	if (r == 0)
		r = database_up(d, err);
	if (r == 0)
		r = simulator_start(d, err);
	if (r < 0)
		return r;
	snprintf(speed, sizeof(speed), "{\"speed\":%g}", d->o.speed);
	reply = demo_sim(d, "POST", "/_sim/clock", speed, NULL);
	json_free(reply);
	sim = demo_sim(d, "GET", "/_sim/state?parts=world,accounts,agents,app,scenario", NULL,
		       NULL);
	if (!sim)
		return err_set(err, ERR_UNREACHABLE, "the simulator does not answer");
	r = demo_seed(d, sim, err);
	if (r == 0)
		r = demo_root_make(d, sim, err);
	for (int i = 0; i < DEMO_ENGINES && r == 0; i++)
		r = write_config(d, i, sim, err);
	json_free(sim);
	for (int i = 0; i < d->scenario->engines && r == 0; i++) {
		r = demo_engine_start(d, i, err);
		if (r == 0)
			r = demo_engine_ready(d, i, START_MS, err);
	}
	return r;
}

int demo_database_stop(struct demo *d, struct err *err)
{
	return embedded_pause(d->pg, err);
}

int demo_database_start(struct demo *d, struct err *err)
{
	return embedded_resume(d->pg, err);
}

static void end_child(struct proc **p, int64_t ms)
{
	if (*p && proc_running(*p))
		proc_end(*p, SIGTERM, ms);
	proc_free(TAKE(*p));
}

void demo_down(struct demo *d)
{
	/* who stands still would make the others wait */
	embedded_continue(d->pg);
	if (d->sim)
		proc_continue(d->sim);
	demo_unfollow(d);
	for (int i = 0; i < DEMO_ENGINES; i++)
		if (d->engine[i].proc) {
			proc_signal(d->engine[i].proc, SIGTERM);
			proc_continue(d->engine[i].proc);
		}
	for (int i = 0; i < DEMO_ENGINES; i++)
		end_child(&d->engine[i].proc, ENGINE_END_MS);
	end_child(&d->sim, SIM_END_MS);
	if (d->pg)
		embedded_stop(d->pg);
	embedded_free(d->pg);
	d->pg = NULL;
	demo_root_fini(d);
	if (d->dir && !d->o.keep)
		demo_remove_tree(d->dir);
	free_p(&d->dir);
}

void demo_abandon(struct demo *d)
{
	for (int i = 0; i < DEMO_ENGINES; i++)
		if (d->engine[i].proc)
			proc_kill(d->engine[i].proc);
	if (d->sim)
		proc_kill(d->sim);
	embedded_kill(d->pg);
	if (d->dir && !d->o.keep)
		demo_remove_tree(d->dir);
}
