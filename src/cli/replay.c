/*
 * `ringdown replay`: the console as it was. On a terminal it opens there, from the instant the
 * incident was declared on; with --json it prints the state at one instant, which is the same
 * that every view of the console draws.
 */
#include <string.h>

#include "cli/console.h"
#include "cli/demo_console.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

/* RFC 3339, or how long before now. */
static int instant(struct cli *c, const char *text, int64_t now_ms, int64_t *ret)
{
	int64_t ms;

	if (*text == '-' && parse_duration_ms(text + 1, &ms)) {
		*ret = now_ms - ms;
		return 0;
	}
	if (parse_time_ms(text, ret)) {
		*ret += *ret == 0;	/* 0 is "unset" */
		return 0;
	}
	return cli_fail(c, EXIT_USAGE, "--at: '%.40s' is no instant such as 2026-11-21T10:51:00Z or"
			" -2h", text);
}

static int declared_at(struct cli *c, const char *id, int64_t *ret)
{
	struct str path = STR_INIT(400);
	struct json *doc = NULL;
	int r;

	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, id);
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && json_get_str(doc, "declaredAt"))
		parse_time_ms(json_get_str(doc, "declaredAt"), ret);
	json_free(doc);
	str_fini(&path);
	return r;
}

static int print_state(struct cli *c)
{
	const char *at = cli_opt(c, "at");
	struct str path = STR_INIT(400);
	struct json *doc = NULL;
	char time[TIME_TEXT];
	int64_t ms = 0, declared = 0;
	int r = at ? instant(c, at, loop_wall_ms(cli_loop(c)), &ms) : 0;

	if (r == 0)	/* there is such an incident, whatever instant is asked for */
		r = declared_at(c, cli_arg(c, 0), &declared);
	if (r == 0) {
		ms = ms ? ms : declared;
		str_add(&path, "/api/v1/replay");
		remote_query(&path, "at", format_time(time, ms));
		r = remote_get(c, str_get(&path), &doc);
	}
	if (r == 0)
		remote_print(c, doc);
	json_free(doc);
	str_fini(&path);
	return r;
}

static int run(struct cli *c)
{
	struct app_options o;
	int64_t ms = 0;
	int r;

	if (cli_format(c) == FORMAT_JSON)
		return cli_run(c, print_state);
	r = demo_load_said(c);
	if (r)
		return r;
	if (cli_opt(c, "at")) {
		struct loop *l = loop_new();

		r = instant(c, cli_opt(c, "at"), loop_wall_ms(l), &ms);
		loop_free(l);
	}
	if (r)
		return r;
	console_options(c, &o);
	o.replay = cli_arg(c, 0);
	o.replay_ms = ms;
	return console_run(c, &o);
}

static const struct cli_option options[] = {
	{ .name = "at", .arg = "TIME",
	  .help = "the instant, RFC 3339 or -2h; unset: when the incident was declared" },
};

const struct subcommand cmd_replay = {
	.name = "replay", .args = "INCIDENT", .kind = CLI_READS, .options = options,
	.n_options = COUNT_OF(options), .run = run,
	.help = "the console at any past instant, stepped by event or second, or played",
	.detail = "Opens the console in the past: left and right step by what happened, [ and ] by"
		  " a second, Space plays at 1 to 60 times the speed (+ and -), @ goes to an"
		  " instant, q leaves it for the present. Nothing can be done in the past. What is"
		  " not in the journal says so. --json prints the state at --at instead.",
};
