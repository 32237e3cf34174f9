/* `ringdown practices`: what the policy wants done every month, quarter and year, what is overdue,
 * and that it was done. */
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/review.h"

static int list(struct cli *c)
{
	return remote_list(c, "/api/v1/practices", "practices", &practice_type, NULL,
			   cli_format(c) == FORMAT_TEXT ? "id state dueAt doneAt doneBy title"
							: NULL);
}

/* The verb is the API's; said: what it was. */
static int change(struct cli *c, const char *verb, const struct str *body, const char *said)
{
	struct str path = STR_INIT(1000);
	struct json *doc = NULL;
	int r;

	str_add(&path, "/api/v1/practices/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_addf(&path, "/%s", verb);
	r = remote_send(c, "POST", str_get(&path), str_get(body), &doc, NULL);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	for (const struct json *v = json_first(json_get(doc, "practices"));
	     r == 0 && v && cli_format(c) != FORMAT_JSON; v = json_next(v))
		if (str_eq(json_get_str(v, "id"), cli_arg(c, 0)))
			cli_print(c, "%s %s; next on %.10s\n", cli_arg(c, 0), said,
				  json_get_str(v, "dueAt") ? json_get_str(v, "dueAt") : "-");
	json_free(doc);
	str_fini(&path);
	return r;
}

static int done(struct cli *c)
{
	_cleanup_(str_fini) struct str body = STR_INIT(8000);
	struct jw w = JW(&body);

	jw_obj(&w, NULL);
	if (cli_opt(c, "note"))
		jw_str(&w, "note", cli_opt(c, "note"));
	if (cli_opt(c, "at"))
		jw_str(&w, "at", cli_opt(c, "at"));
	jw_obj_end(&w);
	return change(c, "done", &body, "done");
}

static int due(struct cli *c)
{
	_cleanup_(str_fini) struct str body = STR_INIT(8000);
	struct jw w = JW(&body);
	const char *when = cli_arg(c, 1);

	jw_obj(&w, NULL);
	jw_str(&w, "dueAt", str_eq(when, "none") ? "" : when);
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	return change(c, "due", &body, "moved");
}

static int list_run(struct cli *c)
{
	return cli_run(c, list);
}

static int done_run(struct cli *c)
{
	return cli_run(c, done);
}

static int due_run(struct cli *c)
{
	return cli_run(c, due);
}

static const struct cli_option due_options[] = {
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal" },
};
static const struct cli_option done_options[] = {
	{ .name = "note", .arg = "TEXT", .help = "what came of it, or where it is written" },
	{ .name = "at", .arg = "TIME", .help = "when it was, RFC 3339, if not now" },
};
static const struct subcommand verbs[] = {
	{ .name = "done", .args = "PRACTICE", .kind = CLI_CHANGES, .options = done_options,
	  .n_options = COUNT_OF(done_options), .run = done_run, .help = "it was done" },
	{ .name = "due", .args = "PRACTICE WHEN", .kind = CLI_CHANGES, .options = due_options,
	  .n_options = COUNT_OF(due_options), .run = due_run,
	  .help = "move its next date: 2026-12-01, +7d, an instant; none: as the policy says" },
};
const struct subcommand cmd_practices = {
	.name = "practices",
	.kind = CLI_READS,
	.verbs = verbs,
	.n_verbs = COUNT_OF(verbs),
	.run = list_run,
	.help = "what is to be done every month, quarter and year; what is overdue",
	.detail = "The policy's reviews: each has a first date and an interval. One that is "
		  "overdue is "
		  "told once, by mail and Slack.",
};
