/*
 * `ringdown shot VIEW`: a view as a document, without a terminal: for tickets, reviews,
 * a wall, or a script that wants what a person would see. Draws with the same code as
 * the console once data has come, or after a while without.
 */
#include <stdio.h>
#include <string.h>

#include "cli/console.h"
#include "cli/demo_console.h"
#include "core/mem.h"
#include "ui/shot.h"

#define DATA_MS 5000
#define QUIET_MS 400
#define MOST_MS 3000

static const char *const formats[] = { "text", "ansi", "html", "svg" };

static bool parse_size(const char *s, int *w, int *h)
{
	const char *x = s ? strchr(s, 'x') : NULL;
	_cleanup_(free_p) char *left = x ? xstrndup(s, (size_t)(x - s)) : NULL;
	int64_t a, b;

	if (!x || !parse_i64(left, 1, 1000, &a) || !parse_i64(x + 1, 1, 500, &b))
		return false;
	*w = (int)a;
	*h = (int)b;
	return true;
}

/* First data, then whatever the view itself fetches. */
static void settle(struct loop *l, struct app *a, bool past)
{
	int64_t end = loop_now_ms(l) + DATA_MS, quiet;
	struct str before = STR_INIT(1 << 20), now = STR_INIT(1 << 20);
	struct theme t;

	theme_init(&t);
	while ((!app_state(a)->seq || (past && !app_past(a))) && loop_now_ms(l) < end)
		if (!loop_run_once(l, 50))
			break;
	end = loop_now_ms(l) + MOST_MS;
	quiet = loop_now_ms(l) + QUIET_MS;
	while (loop_now_ms(l) < end && loop_now_ms(l) < quiet) {
		str_clear(&now);
		shot_write(shell_frame(a->shell), &t, SHOT_TEXT, &now);
		if (!str_eq(str_get(&now), str_get(&before))) {
			str_clear(&before);
			str_add(&before, str_get(&now));
			quiet = loop_now_ms(l) + QUIET_MS;
		}
		if (!loop_run_once(l, 50))
			break;
	}
	str_fini(&before);
	str_fini(&now);
}

static int run(struct cli *c)
{
	const char *size = cli_opt(c, "size"), *format = cli_opt(c, "format"),
	           *at = cli_opt(c, "at"), *theme = cli_opt(c, "theme");
	int w = 80, h = 24, f = SHOT_TEXT, r = demo_load_said(c);
	struct app_options o;
	struct err err = { 0 };
	struct theme t;

	if (r)
		return r;
	if (size && !parse_size(size, &w, &h))
		return cli_fail(c, EXIT_USAGE, "--size: '%.40s' is not WIDTHxHEIGHT, as in 80x24",
		                size);
	for (size_t i = 0; format && i < COUNT_OF(formats); i++)
		if (str_eq(format, formats[i]))
			f = (int)i;
	console_options(c, &o);
	if (theme_load(&t, theme ? theme : o.shell.term.no_color ? "mono" : "dark", NULL, &err))
		return cli_fail_err(c, &err);
	if (at && !parse_time_ms(at, &o.replay_ms))
		return cli_fail(c, EXIT_USAGE,
		                "--at: '%.40s' is no instant such as 2026-11-21T10:51:00Z", at);
	o.replay = at ? "" : NULL;
	o.shell.view = cli_arg(c, 0);
	struct loop *l = loop_new();
	/* html and svg are documents in UTF-8 wherever they are made */
	bool ascii = cli_flag(c, "ascii") ||
	             ((f == SHOT_TEXT || f == SHOT_ANSI) && !term_locale_utf8());
	struct app *a = app_new_headless(l, &o, w, h, ascii);
	if (!a) {
		loop_free(l);
		return cli_fail(
		        c, EXIT_USAGE,
		        "no view '%.40s'; there are overview, events, accounts, agents, sms, "
		        "runbooks, incidents, incident, timeline, alerts, engine, log",
		        cli_arg(c, 0));
	}
	settle(l, a, at != NULL);
	struct str out = STR_INIT((size_t)16 << 20);
	shot_write(shell_frame(a->shell), &t, (enum shot_format)f, &out);
	cli_write(c, str_get(&out));
	str_fini(&out);
	bool known = app_state(a)->seq > 0 && (!at || app_past(a));
	app_free(a);
	loop_free(l);
	return known ? EXIT_DONE : EXIT_UNREACHABLE;
}

static const struct cli_option options[] = {
	{ "size", "WxH", "columns and rows (80x24)" },
	{ "at", "TIME", "as it was at this instant, RFC 3339" },
	{ "format", "F", "text, ansi, html or svg", .choices = "text|ansi|html|svg" },
};

const struct subcommand cmd_shot = {
	.name = "shot",
	.args = "VIEW",
	.help = "print a view of the console as a document",
	.detail = "VIEW is overview, events, accounts, agents, sms, runbooks, incidents, timeline, "
	          "alerts, engine or log; --at draws it as it was. Exits 3 when no "
	          "data "
	          "could be had; what is printed then says so.",
	.kind = CLI_SERVES,
	.options = options,
	.n_options = COUNT_OF(options),
	.run = run,
};
