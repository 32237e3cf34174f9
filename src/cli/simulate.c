/*
 * `ringdown simulate`: the simulated providers as a process of its own. Reads no
 * configuration and no environment: nothing real can be reached from here.
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"
#include "sim/scenarios.h"
#include "sim/server.h"

static void on_signal(void *ctx, int signum)
{
	(void)signum;
	loop_stop(ctx);
}

/* Written beside and renamed, so that a reader never sees half of it. */
static int write_port(struct cli *c, const char *path, int port)
{
	_cleanup_(free_p) char *temp = xasprintf("%s.new", path);
	FILE *f = fopen(temp, "we");
	bool ok;

	if (!f)
		return cli_fail(c, EXIT_NO, "%s: %s", temp, strerror(errno));
	ok = fprintf(f, "%d\n", port) > 0;
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(temp, path) < 0)
		return cli_fail(c, EXIT_NO, "%s: %s", path, strerror(errno));
	return EXIT_DONE;
}

static bool read_options(struct cli *c, struct sim_server_options *o,
			 const struct sim_scenario **ret)
{
	int64_t port = 8080, smtp = 0, agents = 40, seed = 1;
	const char *name = cli_opt(c, "scenario");

	*ret = NULL;
	if (name && !(*ret = sim_scenario_find(name))) {
		cli_fail(c, EXIT_USAGE, "scenario %s: unknown", name);
		return false;
	}
	o->shape = (struct sim_shape){ .agents = 40, .lineages = 1 };
	if (!cli_opt_i64(c, "port", 0, 65535, &port) ||
	    !cli_opt_i64(c, "smtp-port", 0, 65535, &smtp) ||
	    !cli_opt_i64(c, "seed", 0, INT64_MAX, &seed) ||
	    !cli_opt_i64(c, "agents", 1, 1000000, &agents))
		return false;
	o->port = (int)port;
	o->smtp_port = (int)smtp;
	o->record = cli_opt(c, "record");
	o->shape.seed = (uint64_t)seed;
	o->shape.agents = (int)agents;
	if (*ret && cli_opt(c, "agents") && (*ret)->agents) {
		struct sim_scenario sized = **ret;

		sized.agents = (int)agents;
		sim_scenario_shape(&sized, &o->shape);
	} else if (*ret) {
		sim_scenario_shape(*ret, &o->shape);
	}
	if (o->shape.lineages > o->shape.agents) {
		cli_fail(c, EXIT_USAGE, "agents: at least one for each of %d primaries",
			 o->shape.lineages);
		return false;
	}
	return true;
}

static int serve(struct cli *c, struct loop *l, const struct sim_server_options *o,
		 const struct sim_scenario *scenario)
{
	struct err err = { 0 };
	struct sim_server *server = sim_server_new(l, o, &err);
	const char *file = cli_opt(c, "port-file"), *speed = cli_opt(c, "speed");
	double factor = 1;
	int rc = EXIT_DONE;

	if (!server)
		return cli_fail_err(c, &err);
	if (speed && (!parse_double(speed, &factor) || factor < 0.01 || factor > 100000))
		rc = cli_fail(c, EXIT_USAGE, "speed %s: a number from 0.01 to 100000", speed);
	sim_set_speed(&sim_server_sim(server)->world, rc ? 1 : factor, loop_wall_ms(l));
	if (!rc && scenario && cli_flag(c, "wait"))
		sim_server_sim(server)->running.scenario = scenario;
	else if (!rc && scenario &&
		 sim_scenario_start(sim_server_sim(server), scenario, false, &err))
		rc = cli_fail_err(c, &err);
	if (!rc && file)
		rc = write_port(c, file, sim_server_sim(server)->port);
	if (!rc) {
		cli_note(c, "simulator: http://127.0.0.1:%d, mail on port %d, control under /_sim",
			 sim_server_sim(server)->port, sim_server_sim(server)->smtp_port);
		loop_run(l);
	}
	sim_server_free(server);
	return rc;
}

static int run(struct cli *c)
{
	const struct sim_scenario *scenario;
	struct sim_server_options o = { 0 };
	struct loop *l;
	int rc;

	if (!read_options(c, &o, &scenario))
		return EXIT_USAGE;
	l = loop_new();
	loop_on_signal(l, SIGINT, on_signal, l);
	loop_on_signal(l, SIGTERM, on_signal, l);
	loop_on_signal(l, SIGHUP, on_signal, l);
	rc = serve(c, l, &o, scenario);
	loop_free(l);
	return rc;
}

static const struct cli_option options[] = {
	{ .name = "port", .arg = "P", .help = "HTTP port on loopback; 0 picks one (8080)" },
	{ .name = "port-file", .arg = "F", .help = "write the port here once it serves" },
	{ .name = "smtp-port", .arg = "P", .help = "port of the mail sink; 0 picks one (0)" },
	{ .name = "scenario", .arg = "S", .help = "build the scenario's world and start it" },
	{ .name = "wait", .help = "do not start the scenario: POST /_sim/scenario does" },
	{ .name = "agents", .arg = "N", .help = "voice agents (40)" },
	{ .name = "seed", .arg = "N", .help = "ids, secrets and dice follow from it (1)" },
	{ .name = "record", .arg = "F", .help = "add every exchange to F, one JSON document a"
						" line" },
	{ .name = "speed", .arg = "N", .help = "simulated time runs N times as fast (1)" },
};

const struct subcommand cmd_simulate = {
	.name = "simulate",
	.help = "serve simulated Twilio, ElevenLabs, status pages, application and mail",
	.detail = "One port serves everything, told apart by path prefix (/monitor, /messaging, "
		  "/video, /routes, /elevenlabs, /telnyx, /status, /aws, /app, /slack, /pagerduty, "
		  "/statuspage; "
		  "Twilio's API at its own path) or by Host header. GET /_sim/state shows the "
		  "world with its credentials and base addresses; faults, scenarios and changes "
		  "are made by POST under /_sim.",
	.kind = CLI_SERVES,
	.options = options,
	.n_options = COUNT_OF(options),
	.run = run,
};
