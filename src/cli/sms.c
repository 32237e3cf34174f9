/*
 * `ringdown sms`: what became of the messages, and what is done about it. The tables are
 * the engine's; what changes something shows the rows it changes with --dry-run, and the
 * engine refuses when they are others by then.
 */
#include <stdio.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

/* ---- reports --------------------------------------------------------------------------- */

static void add_cell(struct table *t, const struct json *row, const char *name)
{
	const struct json *v = json_get(row, name);
	char text[40];

	switch (json_type(v)) {
	case JSON_STRING: table_add(t, json_str(v)); break;
	case JSON_BOOL: table_add_bool(t, json_bool(v, false)); break;
	case JSON_NUMBER:
		if (t->format == FORMAT_TEXT && (str_eq(name, "share") ||
						 str_eq(name, "failureRate"))) {
			snprintf(text, sizeof(text), "%.1f%%", 100 * json_double(v, 0));
			table_add(t, text);
		} else if (str_eq(name, "share") || str_eq(name, "failureRate")) {
			snprintf(text, sizeof(text), "%.4f", json_double(v, 0));
			table_add(t, text);
		} else {
			table_add_i64(t, json_i64(v, 0));
		}
		break;
	default: table_add(t, NULL); break;
	}
}

static void print_rows(struct cli *c, const struct json *rows)
{
	struct table_column columns[TABLE_MAX_COLUMNS];
	struct table t;
	size_t n = 0;

	for (const struct json *v = json_first(json_first(rows)); v && n < TABLE_MAX_COLUMNS;
	     v = json_next(v)) {
		/* wide and the same for a code: in CSV and JSON */
		bool wide = str_eq(json_name(v), "link") || str_eq(json_name(v), "channel");

		if (wide && cli_format(c) == FORMAT_TEXT)
			continue;
		columns[n++] = (struct table_column){ json_name(v), NULL,
						      json_type(v) == JSON_NUMBER };
	}
	if (!n) {
		cli_note(c, "no messages in this time");
		return;
	}
	table_init(&t, cli_format(c), columns, n);
	for (const struct json *row = json_first(rows); row; row = json_next(row))
		for (size_t i = 0; i < n; i++)
			add_cell(&t, row, columns[i].json);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static int report(struct cli *c)
{
	struct str path = STR_INIT(4000);
	struct json *doc = NULL;
	int r;

	str_addf(&path, "/api/v1/sms/%s", cli_command(c)->name);
	remote_query(&path, "source", cli_opt(c, "source"));
	remote_query(&path, "orgId", cli_opt(c, "org"));
	remote_query(&path, "code", cli_opt(c, "code"));
	remote_query(&path, "sender", cli_opt(c, "sender"));
	remote_query(&path, "minutes", cli_opt(c, "minutes"));
	remote_query(&path, "limit", cli_opt(c, "limit"));
	remote_query(&path, "cursor", cli_opt(c, "cursor"));
	remote_query(&path, "content", cli_flag(c, "content") ? "1" : NULL);
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0)
		print_rows(c, json_get(doc, "rows"));
	if (r == 0 && cli_format(c) == FORMAT_TEXT && json_get_str(doc, "nextCursor"))
		cli_note(c, "more: --cursor %s", json_get_str(doc, "nextCursor"));
	json_free(doc);
	str_fini(&path);
	return r;
}

static int report_run(struct cli *c)
{
	return cli_run(c, report);
}

/* ---- actions ----------------------------------------------------------------------------- */

static int add_numbers(struct cli *c, struct jw *w)
{
	int64_t v = -1;

	if (cli_opt(c, "rows") && !cli_opt_i64(c, "rows", 0, 1000000, &v))
		return EXIT_USAGE;
	if (v >= 0)
		jw_i64(w, "rows", v);
	v = -1;
	if (cli_opt(c, "per-minute") && !cli_opt_i64(c, "per-minute", 0, 100000, &v))
		return EXIT_USAGE;
	if (str_eq(cli_command(c)->name, "org-rate") && !parse_i64(cli_arg(c, 1), 0, 100000, &v))
		return cli_fail(c, EXIT_USAGE, "'%.40s' is not a number of messages a minute",
				cli_arg(c, 1));
	if (v >= 0)
		jw_i64(w, "perMinute", v);
	v = 0;
	if (cli_opt(c, "limit") && !cli_opt_i64(c, "limit", 1, 1000, &v))
		return EXIT_USAGE;
	if (v)
		jw_i64(w, "limit", v);
	return 0;
}

static int body_of(struct cli *c, struct jw *w)
{
	const char *name = cli_command(c)->name;
	int r;

	jw_obj(w, NULL);
	if (str_eq(name, "undo"))
		jw_str(w, "actionId", cli_arg(c, 0));
	else if (cli_arg(c, 0))
		jw_str(w, "orgId", cli_arg(c, 0));
	if (cli_opt(c, "reason"))
		jw_str(w, "reason", cli_opt(c, "reason"));
	if (cli_opt(c, "code"))
		jw_str(w, "code", cli_opt(c, "code"));
	if (cli_flag(c, "dry-run"))
		jw_bool(w, "dryRun", true);
	r = add_numbers(c, w);
	jw_obj_end(w);
	return r;
}

static void print_change(struct cli *c, const struct json *doc)
{
	bool dry = json_get_bool(doc, "dryRun", false);
	int64_t rows = json_get_i64(doc, "rows", 0);
	const char *text = json_get_str(doc, "text"), *id = json_get_str(doc, "actionId");
	const char *undo = json_get_str(doc, "undo");

	if (dry)
		cli_print(c, "would: %s; %lld row%s (--rows %lld makes sure of it)\n",
			  text ? text : "?", (long long)rows, rows == 1 ? "" : "s",
			  (long long)rows);
	else
		cli_print(c, "%s%s%s\n", text ? text : "done", id ? ", " : "", id ? id : "");
	if (undo)
		cli_print(c, "undo: %s\n", undo);
}

static int action(struct cli *c)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/sms/%s", cli_command(c)->name);
	struct str body = STR_INIT(8000);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r = body_of(c, &w);

	if (r == 0)
		r = remote_send(c, "POST", path, str_get(&body), &doc, NULL);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0)
		print_change(c, doc);
	json_free(doc);
	str_fini(&body);
	return r;
}

static int action_run(struct cli *c)
{
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, action);
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define TIME_AND_PLACE                                                                             \
	{ .name = "source", .arg = "S",                                                            \
	  .help = "whose list: MessageLog, sms_messages (the application's) or twilio (its own)" },\
	{ .name = "org", .arg = "ORG", .help = "only of this organisation" },                      \
	{ .name = "minutes", .arg = "N", .help = "the last N minutes, at most 1440 (60)" },        \
	{ .name = "limit", .arg = "N", .help = "at most N rows (200)" }

static const struct cli_option report_options[] = { TIME_AND_PLACE };
static const struct cli_option failure_options[] = {
	TIME_AND_PLACE,
	{ .name = "code", .arg = "CODE", .help = "only with this error code" },
	{ .name = "sender", .arg = "NUMBER", .help = "only from this number" },
	{ .name = "cursor", .arg = "C", .help = "where the last page ended" },
	{ .name = "content", .help = "with the text of the messages; noted in the journal" },
};

#define REASON { .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" }
#define DRY { .name = "dry-run", .help = "say what would change; change nothing" }
#define ROWS { .name = "rows", .arg = "N", .help = "refuse unless exactly N rows change" }
static const struct cli_option action_options[] = { REASON, DRY, ROWS };
static const struct cli_option retry_options[] = {
	REASON, DRY, ROWS, { .name = "code", .arg = "CODE", .help = "only with this error code" },
	{ .name = "per-minute", .arg = "N", .help = "pace, at most 600 (60)" },
	{ .name = "limit", .arg = "N", .help = "at most N messages (100)" },
};
static const struct cli_option undo_options[] = { REASON };

#define REPORT(word, text)                                                                         \
	{ .name = word, .kind = CLI_READS, .run = report_run, .options = report_options,           \
	  .n_options = COUNT_OF(report_options), .help = text }
#define ACTION(word, arguments, text)                                                              \
	{ .name = word, .args = arguments, .kind = CLI_CHANGES, .run = action_run,                 \
	  .options = action_options, .n_options = COUNT_OF(action_options), .help = text }

static const struct subcommand verbs[] = {
	REPORT("mix", "messages by status"),
	{ .name = "failures", .kind = CLI_READS, .run = report_run, .options = failure_options,
	  .n_options = COUNT_OF(failure_options),
	  .help = "failed messages with code, meaning and advice, newest first" },
	REPORT("codes", "failures by error code"),
	REPORT("orgs", "by organisation, most failures first"),
	REPORT("senders", "by sending number"),
	REPORT("hours", "by hour"),
	ACTION("org-off", "ORG", "stop SMS of an organisation; a hold stays pinned"),
	ACTION("org-on", "ORG", "let its SMS go again"),
	ACTION("org-rate", "ORG N", "at most N messages a minute"),
	{ .name = "retry", .args = "[ORG]", .kind = CLI_CHANGES, .run = action_run,
	  .options = retry_options, .n_options = COUNT_OF(retry_options),
	  .help = "send failed messages again, paced",
	  .detail = "At most an hour old, each once for ever, from the same sender; never to who"
		    " opted out (21610), never where the country is not enabled (21408)." },
	{ .name = "undo", .args = "ACTION", .kind = CLI_CHANGES, .run = action_run,
	  .options = undo_options, .n_options = COUNT_OF(undo_options),
	  .help = "put back what org-off or org-rate replaced, if nobody changed it since" },
	ACTION("global-off", "", "automatic SMS of everybody off, in the application"),
	ACTION("global-on", "", "and on again"),
};

const struct subcommand cmd_sms = {
	.name = "sms",
	.help = "delivery of messages, and what to do about it",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
