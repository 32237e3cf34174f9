/*
 * `ringdown drill`: practise an outage. The world is the demo's, in a process of its own; people
 * use the console they know, in another process, so that this one is left with the user's own
 * configuration for recording. Whatever the drill's world knows is asked of it with our own
 * commands, before it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/demo/script.h"
#include "cli/demo_console.h"
#include "cli/drill.h"
#include "cli/remote.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/proc.h"

enum { POLL_MS = 100, ASK_MS = 10000, ASK_END_MS = 500, WATCH_MS = 1000,
       QUIET_MS = 600000, OUTPUT_MAX = 16 << 20 };

struct drill {
	struct cli *c;
	const char *scenario;
	char binary[PATH_MAX], speed[32], *file, *log;
	struct loop *loop;		/* until the result is collected */
	struct proc *world;
	bool given_up;
	struct drill_result result;
};

/* Nothing of ours leads the drill's commands to the real engine. */
static const char *const *clean_env(char *own[8])
{
	static const char *const kept[] = { "PATH", "HOME", "TERM", "LANG", "LC_ALL", "COLORTERM" };
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kept); i++)
		if (getenv(kept[i]))
			own[n++] = xasprintf("%s=%s", kept[i], getenv(kept[i]));
	own[n] = NULL;
	return (const char *const *)own;
}

static void free_env(char *own[8])
{
	for (size_t i = 0; own[i]; i++)
		free_p(&own[i]);
}

static int given_up(struct drill *d)
{
	return cli_fail(d->c, EXIT_NO, "the drill was given up; nothing is recorded");
}

static void on_signal(void *ctx, int signum)
{
	struct drill *d = ctx;

	(void)signum;
	d->given_up = true;
}

/* ---- the world ------------------------------------------------------------------------ */

static int world_up(struct drill *d)
{
	const char *argv[] = { d->binary,   "demo",    "--world", d->file, "--scenario",
			       d->scenario, "--speed", d->speed,
			       cli_opt(d->c, "lasts") ? "--lasts" : NULL,
			       cli_opt(d->c, "lasts"), NULL };
	char *own[8];
	struct err err = { 0 };

	unlink(d->file);
	d->world = demo_world_start(argv, clean_env(own), d->log, &err);
	free_env(own);
	if (!d->world)
		return cli_fail_err(d->c, &err);
	if (demo_world_up(d->loop, d->world, d->file, &d->given_up))
		return 0;
	return d->given_up ? given_up(d) :
	       cli_fail(d->c, EXIT_UNREACHABLE, "the drill's processes did not start; %s says why",
			d->log);
}

static struct json *read_answer(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct json *doc;
	char *text;

	if (size <= 0 || size > OUTPUT_MAX)
		return NULL;
	text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return NULL;
	doc = json_parse(text, (size_t)size, NULL);
	munmap(text, (size_t)size);
	return doc;
}

/* One of our own reading commands in the drill's world; NULL when it fails. A world that stands
 * still answers nothing, and who gives up does not wait for that. */
static struct json *ask_world(struct drill *d, const char *a, const char *b)
{
	const char *argv[] = { d->binary, "--config", d->file, a, "--json", b, NULL };
	int64_t until = loop_now_ms(d->loop) + ASK_MS;
	int fd = memfd_create("ringdown-answer", MFD_CLOEXEC);
	char *own[8];
	struct proc_options o = { .argv = argv, .env = clean_env(own), .only_env = true,
				  .stdout_fd = fd, .stderr_fd = STDERR_FILENO };
	struct err err = { 0 };
	struct proc *p = fd < 0 ? NULL : proc_start(NULL, &o, NULL, NULL, &err);
	struct json *doc = NULL;

	free_env(own);
	while (p && !proc_ended(p) && !d->given_up && loop_now_ms(d->loop) < until)
		loop_run_once(d->loop, POLL_MS);
	if (p && proc_end_now(p, SIGTERM, ASK_END_MS) == 0 && !d->given_up)
		doc = read_answer(fd);
	proc_free(p);
	if (fd >= 0)
		close(fd);
	return doc;
}

/* ---- people practise, or nobody does ------------------------------------------------------ */

static int console(struct drill *d)
{
	char config[] = "--config", *argv[] = { d->binary, config, d->file, NULL }, *own[8];
	int status = 0;
	pid_t pid;
	bool started;

	clean_env(own);
	fflush(stdout);
	started = posix_spawn(&pid, d->binary, NULL, NULL, argv, own) == 0;
	free_env(own);
	while (started && waitpid(pid, &status, WNOHANG) == 0) {
		if (d->given_up)
			kill(pid, SIGTERM);
		loop_run_once(d->loop, POLL_MS);
	}
	if (d->given_up)
		return given_up(d);
	return started && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
	       cli_fail(d->c, EXIT_NO, "the console ended with a failure");
}

static bool is_over(const struct json *events)
{
	const struct json *e = json_first(json_get(events, "events"));
	int status = e ? enum_parse(&event_status_names, json_get_str(e, "status")) : -1;

	return status == EV_COMPLETED ||
	       (status >= 0 && event_status_final((enum event_status)status));
}

/* Nothing that calls for a failover: people heard of it, and that it is over. */
static bool is_quiet(struct drill *d, const struct json *events)
{
	struct json *doc = json_count(json_get(events, "events")) ? NULL :
			   ask_world(d, "alerts", NULL);
	bool over = json_count(json_get(doc, "alerts")) > 0;

	for (const struct json *a = json_first(json_get(doc, "alerts")); a; a = json_next(a))
		over = over && str_eq(json_get_str(a, "state"), "resolved");
	json_free(doc);
	return over;
}

/* Without people: until the engine has done what it does, or the time is up. */
static void watch(struct drill *d, int64_t limit_ms)
{
	int64_t until = loop_now_ms(d->loop) + limit_ms;

	while (loop_now_ms(d->loop) < until && !d->given_up && !proc_ended(d->world)) {
		struct json *events = ask_world(d, "events", NULL);
		bool over = is_over(events) || is_quiet(d, events);

		json_free(events);
		if (over)
			return;
		loop_run_once(d->loop, WATCH_MS);
	}
}

/* ---- what came of it -------------------------------------------------------------------- */

static int64_t time_of(const struct json *v, const char *name)
{
	int64_t ms = 0;

	return json_get_str(v, name) && parse_time_ms(json_get_str(v, name), &ms) ? ms : 0;
}

static void from_event(struct drill_result *r, const struct json *e, struct str *notes)
{
	const char *status = json_get_str(e, "status"), *by = json_get_str(e, "decidedBy");

	r->detected_at_ms = time_of(e, "startedAt");
	r->started_at_ms = r->detected_at_ms;
	if (by && !str_eq(by, "engine"))
		r->acked_at_ms = time_of(e, "decidedAt");
	r->mitigated_at_ms = r->resolved_at_ms = time_of(e, "completedAt");
	str_addf(notes, "Failover %s: %s, decided by %s; %lld of %lld agents moved.\n",
		 json_get_str(e, "id"), status, by ? by : "nobody",
		 (long long)json_i64(json_path(e, "agents.moved"), 0),
		 (long long)json_i64(json_path(e, "agents.total"), 0));
	free_p(&r->outcome);
	r->outcome = xasprintf("the failover ended as %s", status);
	r->failed = str_eq(status, "failed");
}

/* Without an event: what people were told first, and when one of them had it in hand. */
static void from_alerts(struct drill_result *r, const struct json *alerts, struct str *notes)
{
	const struct json *first = NULL;
	size_t n = 0;

	for (const struct json *a = json_first(json_get(alerts, "alerts")); a; a = json_next(a)) {
		int64_t acked = time_of(a, "ackedAt");

		if (!time_of(a, "since"))
			continue;
		n++;
		if (!first || time_of(a, "since") < time_of(first, "since"))
			first = a;
		if (acked && (!r->acked_at_ms || acked < r->acked_at_ms))
			r->acked_at_ms = acked;
	}
	if (!first)
		return;
	r->started_at_ms = r->detected_at_ms = time_of(first, "since");
	str_addf(notes, "%zu alert%s, the first: %s.\n", n, n == 1 ? "" : "s",
		 json_get_str(first, "text") ? json_get_str(first, "text") : "?");
}

/* What people declared while they practised has better stamps than the event. */
static void from_incident(struct drill_result *r, const struct json *i, struct str *notes)
{
	static const char *const names[] = { "startedAt", "detectedAt", "ackedAt", "mitigatedAt",
					     "resolvedAt" };
	int64_t *to[] = { &r->started_at_ms, &r->detected_at_ms, &r->acked_at_ms,
			  &r->mitigated_at_ms, &r->resolved_at_ms };

	for (size_t k = 0; k < COUNT_OF(names); k++)
		if (time_of(i, names[k]))
			*to[k] = time_of(i, names[k]);
	str_replace(&r->severity, json_get_str(i, "severity"));
	str_addf(notes, "Declared as %s %s: %s; it was %s at the end.\n", json_get_str(i, "id"),
		 json_get_str(i, "severity"), json_get_str(i, "title"), json_get_str(i, "state"));
	if (!time_of(i, "resolvedAt")) {
		_cleanup_(free_p) char *before = TAKE(r->outcome);

		r->outcome = xasprintf("%s; the incident was still %s", before,
				       json_get_str(i, "state"));
	}
}

static void collect(struct drill *d)
{
	struct json *events = ask_world(d, "events", NULL),
	            *incidents = ask_world(d, "incident", "list"),
	            *alerts = ask_world(d, "alerts", NULL);
	const struct json *e = json_first(json_get(events, "events"));
	const struct json *i = json_first(json_get(incidents, "incidents"));
	struct drill_result *r = &d->result;
	struct str notes = STR_INIT(16000);

	r->title = xasprintf("Drill: %s", d->scenario);
	r->outcome = xstrdup("no failover was called for");
	str_addf(&notes, "Practised with scenario %s at speed %s.\n", d->scenario, d->speed);
	if (e)
		from_event(r, e, &notes);
	else
		from_alerts(r, alerts, &notes);
	if (i)
		from_incident(r, i, &notes);
	if (!r->resolved_at_ms)
		r->resolved_at_ms = loop_wall_ms(d->loop);
	r->notes = str_take(&notes);
	json_free(events);
	json_free(incidents);
	json_free(alerts);
}

/* ---- the command --------------------------------------------------------------------------- */

static int record_task(struct cli *c)
{
	return drill_record(c, cli_user(c));
}

static int live_task(struct cli *c)
{
	struct drill_result *result = cli_user(c);
	int r = drill_live(c, result);

	if (r)
		return r;
	drill_print(c, result);
	if (!cli_flag(c, "no-record"))
		r = drill_record(c, result);
	return r ? r : result->failed ? EXIT_NO : EXIT_DONE;
}

static int record(struct cli *c, struct drill_result *result)
{
	int r;

	if (cli_flag(c, "no-record"))
		return 0;
	r = cli_run_with(c, record_task, result);
	if (r && !cli_flag(c, "record")) {
		cli_note(c, "the drill was not recorded: name your engine with --api or a "
			    "configuration to keep "
			    "its result");
		r = 0;
	}
	return r;
}

static int live(struct cli *c)
{
	struct drill_result result = { 0 };
	int r = cli_run_with(c, live_task, &result);

	drill_result_fini(&result);
	return r;
}

static int practise(struct cli *c, struct drill *d)
{
	bool people = !cli_flag(c, "headless") && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int64_t limit = QUIET_MS;
	int r;

	if (!cli_opt_duration(c, "for", &limit))
		return EXIT_USAGE;
	cli_note(c, "drill: %s: everything in it is simulated; starting ...", d->scenario);
	d->loop = loop_new();
	loop_on_signal(d->loop, SIGINT, on_signal, d);
	loop_on_signal(d->loop, SIGTERM, on_signal, d);
	loop_on_signal(d->loop, SIGHUP, on_signal, d);
	r = world_up(d);
	if (r == 0 && people)
		r = console(d);
	else if (r == 0)
		watch(d, limit);
	if (r == 0)
		r = d->given_up ? given_up(d) : 0;
	if (r == 0)
		collect(d);
	demo_world_end(TAKE(d->world), d->file);
	loop_free(d->loop);
	if (r)
		return r;
	drill_print(c, &d->result);
	r = record(c, &d->result);
	return r ? r : d->result.failed ? EXIT_NO : EXIT_DONE;
}

static int run(struct cli *c)
{
	struct drill d = { .c = c, .scenario = cli_arg(c, 0) };
	const char *dir;
	double speed = 1;
	int64_t lasts;
	ssize_t n;
	int r;

	if (cli_flag(c, "live"))
		return live(c);
	if (!d.scenario || !scenario_find(d.scenario))
		return cli_fail(c, EXIT_USAGE,
				"%s%s: 'ringdown help demo' names the scenarios, --live practises "
				"with the real accounts",
				d.scenario ? "there is no scenario " : "which scenario?",
				d.scenario ? d.scenario : "");
	if (cli_opt(c, "speed") &&
	    (!parse_double(cli_opt(c, "speed"), &speed) || speed < 1 || speed > 1000))
		return cli_fail(c, EXIT_USAGE, "--speed: a number from 1 to 1000");
	if (!demo_lasts(c, scenario_find(d.scenario), &lasts))
		return EXIT_USAGE;
	snprintf(d.speed, sizeof(d.speed), "%g", speed);
	n = readlink("/proc/self/exe", d.binary, sizeof(d.binary) - 1);
	dir = cli_load(c) ? NULL : cli_state_dir(c);
	if (n <= 0 || !dir)
		return EXIT_USAGE;
	d.binary[n] = '\0';
	d.file = xasprintf("%s/drill-%d.yaml", dir, (int)getpid());
	d.log = xasprintf("%s/drill.log", dir);
	r = practise(c, &d);
	free_p(&d.file);
	free_p(&d.log);
	drill_result_fini(&d.result);
	return r;
}

static const struct cli_option options[] = {
	{ .name = "live", .help = "with the real accounts: checks and plans, nothing is written" },
	{ .name = "account", .arg = "A", .help = "with --live: only this one" },
	{ .name = "speed", .arg = "N", .help = "divide every duration of the story by N" },
	{ .name = "lasts", .arg = "D",
	  .help = "how long people have until an outage ends that ends by the clock (15m)" },
	{ .name = "headless", .help = "nobody practises: watch what the engine does by itself" },
	{ .name = "for", .arg = "D", .help = "with --headless: at most this long (10m)" },
	{ .name = "record", .help = "fail when the result cannot be recorded" },
	{ .name = "no-record", .help = "do not record the result" },
};
const struct subcommand cmd_drill = {
	.name = "drill",
	.args = "[SCENARIO]",
	.kind = CLI_CHANGES,
	.options = options,
	.n_options = COUNT_OF(options),
	.run = run,
	.help = "practise an outage: simulated with the real console, or --live as a plan only",
	.detail = "The world of 'ringdown demo' with your own console in front; quitting ends the "
		  "drill. "
		  "Its result and times are kept as an incident of kind drill, which counts in no "
		  "figure, and the policy's practice of drills is done.",
};
