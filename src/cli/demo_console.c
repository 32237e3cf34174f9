/*
 * See demo_console.h. The world runs as "demo --world FILE": it writes FILE, a
 * configuration that a console can read, once everything serves, and begins the outage
 * 15 s later. A second `ringdown` of the same build finds that file and joins as
 * another operator, and so do commands, so that what `c` shows can be typed beside it.
 */
#include "cli/demo_console.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/console.h"
#include "cli/frame.h"
#include "core/mem.h"

char *demo_attach_path(const char *binary)
{
	char real[PATH_MAX];
	char *slash;

	if (readlink("/proc/self/exe", real, sizeof(real) - 1) <= 0 && !realpath(binary, real))
		return xstrdup("demo.yaml");
	real[sizeof(real) - 1] = '\0';
	slash = strrchr(real, '/');
	if (slash)
		*slash = '\0';
	return xasprintf("%s/demo.yaml", real);
}

/* The first line of the file is "# pid N". */
static pid_t attach_pid(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[64] = "";
	int64_t pid = 0;

	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && str_has_prefix(line, "# pid ")) {
		line[strcspn(line, "\n")] = '\0';
		if (!parse_i64(line + 6, 2, INT_MAX, &pid))
			pid = 0;
	}
	fclose(f);
	return (pid_t)pid;
}

/* The path when a demo is running there; NULL otherwise. */
static char *demo_attach_find(const char *binary)
{
	char *path = demo_attach_path(binary);
	struct stat st;
	pid_t pid;

	/* only a file of our own: it names an address and holds a token */
	if (stat(path, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
	    (pid = attach_pid(path)) > 0 && kill(pid, 0) == 0)
		return path;
	free_p(&path);
	return NULL;
}

/* Nothing says which engines to talk to: a demo of this build may be running. */
static char *demo_to_attach(struct cli *c)
{
	_cleanup_(free_p) char *file = config_find(cli_opt(c, "config"), getenv);

	if (file || cli_opt(c, "api") || cli_opt(c, "db") || cli_opt(c, "env") ||
	    !str_empty(getenv("RINGDOWN_API")) || !str_empty(getenv("DATABASE_URL")) ||
	    !str_empty(getenv("RINGDOWN_TOKEN")))
		return NULL;
	return demo_attach_find(cli_program(c));
}

/* Whoever joins a running demo is another operator (a viewer when only reading): the file
 * names their tokens in comments, `# WHO: "TOKEN"`. */
static void become_other(struct cli *c, const char *file)
{
	const char *who = cli_flag(c, "read-only") ? "# viewer: \"" : "# another operator: \"";
	FILE *f = fopen(file, "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!str_has_prefix(line, who))
			continue;
		char *token = line + strlen(who);
		token[strcspn(token, "\"\n")] = '\0';
		config_set(cli_config(c), "token", token, "the running demo", NULL);
	}
	if (f)
		fclose(f);
	explicit_bzero(line, sizeof(line));
}

int demo_load(struct cli *c, bool *ret_demo)
{
	_cleanup_(free_p) char *demo = demo_to_attach(c);
	int r = demo ? cli_load_file(c, demo) : cli_load(c);

	*ret_demo = r == 0 && demo;
	if (*ret_demo)
		become_other(c, demo);
	return r;
}

int demo_load_said(struct cli *c)
{
	bool demo = false;
	int r = c->config ? 0 : demo_load(c, &demo);

	if (demo)
		cli_note(c, "ringdown: this is the running demo (simulated)");
	return r;
}

/* What it has to say goes into log: the terminal belongs to the console. */
static struct proc *start_world(const struct demo_options *o, const char *file, const char *log,
				struct err *err)
{
	char speed[32], agents[24], lasts[32];
	const char *argv[] = { o->binary, "demo", "--world", file, "--scenario", o->scenario,
			       "--speed", speed, "--agents", agents, NULL, NULL, NULL, NULL };
	size_t n = COUNT_OF(argv) - 4;

	if (o->lasts_ms) {
		argv[n++] = "--lasts";
		argv[n++] = lasts;
	}
	if (o->keep)
		argv[n] = "--keep";
	snprintf(lasts, sizeof(lasts), "%lldms", (long long)o->lasts_ms);
	snprintf(speed, sizeof(speed), "%g", o->speed);
	snprintf(agents, sizeof(agents), "%lld", (long long)o->agents);
	return demo_world_start(argv, NULL, log, err);
}

static void on_signal(void *ctx, int signum)
{
	(void)signum;
	*(bool *)ctx = true;
}

/* The console has a loop of its own; this one is over before. */
static bool wait_up(struct proc *world, const char *file)
{
	struct loop *l = loop_new();
	bool given_up = false, up;

	loop_on_signal(l, SIGINT, on_signal, &given_up);
	loop_on_signal(l, SIGTERM, on_signal, &given_up);
	loop_on_signal(l, SIGHUP, on_signal, &given_up);
	up = demo_world_up(l, world, file, &given_up);
	loop_free(l);
	return up;
}

static int open_console(struct cli *c, const char *file)
{
	struct app_options o;
	int r = cli_load_file(c, file);

	if (r)
		return r;
	console_options(c, &o);
	o.demo = true;
	return console_run(c, &o);
}

int demo_console(struct cli *c, const struct demo_options *o, const struct scenario *s)
{
	_cleanup_(free_p) char *file = demo_attach_path(o->binary), *running = NULL;
	_cleanup_(free_p) char *log_path = xasprintf("%s.log", file);
	struct err err = { 0 };
	struct proc *world;
	int r;

	running = demo_attach_find(o->binary);
	if (running)
		return cli_fail(c, EXIT_NO, "one runs already; 'ringdown' in this directory"
					    " attaches to it");
	unlink(file);
	printf("demo: %s\n", s->what);
	printf("demo: starting a private PostgreSQL, the simulator and %d engine%s ...\n",
	       s->engines, s->engines == 1 ? "" : "s");
	fflush(stdout);
	world = start_world(o, file, log_path, &err);
	if (!world)
		return cli_fail_err(c, &err);
	if (wait_up(world, file))
		r = open_console(c, file);
	else
		r = cli_fail(c, EXIT_UNREACHABLE, "the demo's processes did not start; %s says why",
			     log_path);
	printf("demo: stopping engine, simulator and PostgreSQL; the demo's data is removed\n");
	fflush(stdout);
	demo_world_end(world, file);
	return r;
}
