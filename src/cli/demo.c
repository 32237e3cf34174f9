/*
 * ringdown demo: a live, simulated outage in real processes. Headless it plays a
 * scenario to its end and checks what came of it; on a terminal it opens the console
 * on it.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo/script.h"
#include "cli/demo_console.h"
#include "core/log.h"
#include "core/mem.h"

enum { MAX_AGENTS = 100000 };

struct run {
	struct demo d;
	struct cli *cli;
	struct task *task;
	int status, signals;
	const char *world;		/* attach file: stay up for a console */
	struct err err;
};

static void on_signal(void *ctx, int signum)
{
	struct run *r = ctx;

	if (++r->signals > 2) {
		if (r->world)
			unlink(r->world);
		demo_abandon(&r->d);
		_exit(128 + signum);
	}
	r->status = 128 + signum;
	if (r->task)
		task_cancel(r->task);
}

/* For a console: everything up, how to attach, the outage 15 s later, then until TERM. */
static bool write_attach(struct demo *d, const char *file)
{
	_cleanup_(free_p) char *tmp = xasprintf("%s.tmp", file);
	struct str b = STR_INIT(1 << 16);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good;

	str_addf(&b, "# pid %d\napi: [", (int)getpid());
	for (int i = 0; i < d->scenario->engines; i++)
		str_addf(&b, "%s\"%s\"", i ? ", " : "", d->engine[i].url);
	str_addf(&b, "]\ntoken: \"%s\"\n", secret_reveal(d->operator));
	str_addf(&b, "# another operator: \"%s\"\n", secret_reveal(d->admin));
	/* for scripts and tests: the third role, the engine's own configuration, the simulator */
	str_addf(&b, "# viewer: \"%s\"\n# engine: \"%s\"\n# simulator: \"%s\"\n",
		 secret_reveal(d->viewer), d->engine[0].config, d->sim_url);
	good = fd >= 0 && write(fd, b.s, b.len) == (ssize_t)b.len && rename(tmp, file) == 0;
	if (fd >= 0)
		close(fd);
	str_fini(&b);
	return good;
}

static bool moved(struct demo *d)
{
	const struct event *e = demo_event(d);

	return e && e->status == EV_COMPLETED;
}

/* Nobody can roll back to an account that stays broken, or resolve an outage that never ends. */
static void mend(struct demo *d)
{
	enum { MENDED_AFTER_S = 60 };

	if (d->scenario->lasts_s) {
		task_sleep(d->o.lasts_ms ? d->o.lasts_ms : (int64_t)d->scenario->lasts_s * 1000);
	} else {
		while (!task_cancelled() && !moved(d))
			condition_wait(&d->changed, -1);
		demo_sleep_story(d, MENDED_AFTER_S);
	}
	if (!task_cancelled())
		demo_stage(d, "recover");
}

static void hold(struct run *r)
{
	enum { OUTAGE_AFTER_MS = 15000 };
	struct demo *d = &r->d;

	if (!write_attach(d, r->world)) {
		r->status = cli_fail(r->cli, EXIT_NO, "%s: cannot be written", r->world);
		return;
	}
	r->status = EXIT_DONE;
	demo_feed_start(d);
	if (task_sleep(OUTAGE_AFTER_MS) == 0)
		script_outage(d);
	if (d->scenario->mends || d->scenario->lasts_s)
		mend(d);
	while (!task_cancelled())
		condition_wait(&d->changed, -1);
}

static void play(void *arg)
{
	struct run *r = arg;
	struct demo *d = &r->d;
	int up = demo_up(d, &r->err);

	if (up < 0) {
		if (!task_cancelled())
			r->status = cli_fail_err(r->cli, &r->err);
		return;
	}
	demo_follow(d);
	if (r->world) {
		hold(r);
		return;
	}
	d->scenario->play(d);
	if (!task_cancelled())
		r->status = demo_summary(d) ? EXIT_DONE : EXIT_NO;
}

static void down(void *arg)
{
	struct run *r = arg;

	demo_feed_stop(&r->d);
	/* the console that reads it may be gone already */
	if (r->world)
		unlink(r->world);
	demo_down(&r->d);
	loop_stop(r->d.loop);
}

/* A cancelled task cannot wait any more; taking everything down needs a fresh one. */
static void played(void *arg)
{
	struct run *r = arg;

	r->task = NULL;
	task_start(r->d.loop, "down", down, r, NULL);
}

static void run_fini(struct run *r)
{
	struct demo *d = &r->d;

	state_fini(&d->state);
	secret_free(d->key);
	secret_free(d->admin);
	secret_free(d->operator);
	secret_free(d->viewer);
	for (int i = 0; i < DEMO_ENGINES; i++) {
		free_p(&d->engine[i].url);
		free_p(&d->engine[i].port_file);
		free_p(&d->engine[i].config);
	}
	free_p(&d->db_url);
	free_p(&d->sim_url);
	free_p(&d->digest);
	free_p(&d->refused);
}

static int run_headless(struct cli *c, const struct demo_options *o, const struct scenario *s)
{
	struct run r = { .cli = c, .status = EXIT_NO, .world = cli_opt(c, "world") };

	r.d.o = *o;
	r.d.scenario = s;
	state_init(&r.d.state);
	log_init(STDERR_FILENO, LOG_WARN);
	r.d.loop = loop_new();
	r.d.http = http_new(r.d.loop);
	loop_on_signal(r.d.loop, SIGINT, on_signal, &r);
	loop_on_signal(r.d.loop, SIGTERM, on_signal, &r);
	loop_on_signal(r.d.loop, SIGHUP, on_signal, &r);
	r.task = task_start(r.d.loop, "play", play, &r, played);
	loop_run(r.d.loop);
	http_free(r.d.http);
	loop_free(r.d.loop);
	run_fini(&r);
	return r.status;
}

/* Children are started in other directories: our own file by its whole path. */
static const char *own_path(struct cli *c, char buf[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", buf, PATH_MAX - 1);

	if (n <= 0)
		return cli_program(c);
	buf[n] = '\0';
	return buf;
}

bool demo_lasts(struct cli *c, const struct scenario *s, int64_t *ret_ms)
{
	if (!cli_opt_duration(c, "lasts", ret_ms))
		return false;
	if (!cli_opt(c, "lasts") || (s->lasts_s && *ret_ms > 0))
		return true;
	cli_fail(c, EXIT_USAGE, s->lasts_s ? "--lasts: more than nothing" :
		 "--lasts: this scenario does not end by the clock");
	return false;
}

static int demo_run(struct cli *c)
{
	char path[PATH_MAX];
	const char *name = cli_opt(c, "scenario"), *speed = cli_opt(c, "speed");
	struct demo_options o = { .scenario = name ? name : "degraded", .speed = 1, .agents = 0,
				  .jsonl = cli_flag(c, "jsonl"),
				  .watched = cli_opt(c, "world") != NULL,
				  .keep = cli_flag(c, "keep"),
				  .binary = own_path(c, path) };
	const struct scenario *s = scenario_find(o.scenario);
	int r = cli_load_builtin(c);

	if (r)
		return r;
	if (!s) {
		const char *names[64] = { NULL };
		size_t n = 0;

		for (const struct scenario *x; n < 64 && (x = scenario_at(n)) != NULL; n++)
			names[n] = x->name;
		const char *near = str_nearest(o.scenario, names, n);
		return cli_fail(c, EXIT_USAGE, "there is no scenario '%s'%s%s%s", o.scenario,
				near ? "; did you mean '" : "; 'ringdown help demo' names them",
				near ? near : "", near ? "'?" : "");
	}
	if (speed && (!parse_double(speed, &o.speed) || o.speed < 1 || o.speed > 1000))
		return cli_fail(c, EXIT_USAGE, "--speed: a number from 1 to 1000");
	if (!demo_lasts(c, s, &o.lasts_ms))
		return EXIT_USAGE;
	o.agents = s->agents ? s->agents : 40;
	if (!cli_opt_i64(c, "agents", 1, MAX_AGENTS, &o.agents))
		return EXIT_USAGE;
	o.headless = cli_flag(c, "headless") || cli_opt(c, "world") || o.jsonl ||
		!isatty(STDOUT_FILENO) ||
		     !isatty(STDIN_FILENO);
	return o.headless ? run_headless(c, &o, s) : demo_console(c, &o, s);
}

static const struct cli_option options[] = {
	{ "scenario", "S", "what happens; default degraded; the list is below" },
	{ "speed", "N", "divide every duration of the story by N; lease and network limits stay" },
	{ "agents", "N", "size of the fleet; default 40" },
	{ "lasts", "D", "how long people have until an outage ends that ends by the clock; default"
			" 15m, whatever the speed" },
	{ "headless", NULL, "no console: play the scenario to its end and check what came of it" },
	{ "jsonl", NULL, "with --headless: a JSON line for each event and a summary" },
	{ "world", "F", "without a console: serve, write F when ready, stay (used by the demo"
			" itself)" },
	{ "keep", NULL, "leave the directory with database and logs behind" },
};
static const char *scenario_row(size_t i, const char **ret_what)
{
	const struct scenario *s = scenario_at(i);

	*ret_what = s ? s->what : NULL;
	return s ? s->name : NULL;
}

const struct subcommand cmd_demo = {
	.name = "demo", .args = "", .kind = CLI_SERVES, .options = options,
	.n_options = COUNT_OF(options), .run = demo_run,
	.help = "a live, simulated outage with everything real behind it",
	.detail = "Starts a private PostgreSQL, the simulator and one or two engines in a directory"
		  " of their own, all on loopback, and ends them again. Configuration files and"
		  " environment are ignored.",
	.list_title = "scenarios", .list_option = "scenario", .list = scenario_row,
};
