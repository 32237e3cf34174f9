/*
 * `ringdown status`: one page on how things are: engine, automation, accounts, open events,
 * hazards, alerts. From the engine's snapshot, read by the same fold as the console.
 */
#include <stdio.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "fold/state.h"

static void automation_text(const struct control *k, char *buf, size_t n)
{
	char until[TIME_TEXT];

	snprintf(buf, n, "%s%s%s%s%s%s%s", k->paused ? "PAUSED" : k->maintenance ? "MAINTENANCE" :
		 k->shadow ? "SHADOW: watches, never acts" : "on", k->by ? " by " : "",
		 k->by ? k->by : "",
		 k->reason ? ": " : "", k->reason ? k->reason : "", k->until_ms ? ", until " : "",
		 k->until_ms ? format_time(until, k->until_ms) : "");
}

static void print_table(struct cli *c, const char *title, const struct record_type *type,
			const char *columns, const void *rows, size_t n, size_t size)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct table t;
	size_t n_fields;

	if (n == 0)
		return;
	n_fields = table_record_columns(&t, FORMAT_TEXT, type, columns, fields);
	cli_print(c, "\n%s\n", title);
	for (size_t i = 0; i < n; i++)
		table_add_record(&t, fields, n_fields, (const char *)rows + i * size);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static size_t shut_gates(const struct state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_gates; i++)
		for (size_t k = 0; k < s->gates[i].n_gates; k++)
			n += !s->gates[i].gates[k].pass &&
				s->gates[i].gates[k].gate != GATE_EVIDENCE;
	return n;
}

static size_t open_events(const struct state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_events; i++)
		n += (size_t)event_status_open((enum event_status)s->events[i].status);
	return n;
}

static size_t firing(const struct state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_alerts; i++)
		n += s->alerts[i].state == AL_FIRING;
	return n;
}

static void print_text(struct cli *c, const struct state *s)
{
	char automation[600];
	struct event *open = xcalloc(s->n_events + 1, sizeof(*open));
	size_t n_open = 0;

	automation_text(&s->control, automation, sizeof(automation));
	for (size_t i = 0; i < s->n_events; i++)
		if (event_status_open((enum event_status)s->events[i].status))
			open[n_open++] = s->events[i]; /* borrowed */
	_cleanup_(free_p) char *clean = text_clean(automation, 0);
	cli_print(c, "environment  %s%s%s\n", str_empty(s->environment) ? "-" : s->environment,
		  s->production ? " (PRODUCTION)" : "", s->demo ? " (demo)" : "");
	cli_print(c, "engine       %s leads, %zu known\n", s->leader ? s->leader : "nobody",
		  s->n_peers);
	cli_print(c, "database     %s\n", s->database_ok ? "ok" : s->database_why ?
		  s->database_why :
		  "not reached");
	cli_print(c, "automation   %s\n", clean);
	cli_print(c, "gates        %zu shut ('ringdown gates')\n", shut_gates(s));
	cli_print(c, "events       %zu open\n", n_open);
	cli_print(c, "alerts       %zu firing ('ringdown alerts')\n", firing(s));
	cli_print(c, "messages     %lld waiting, %lld given up\n", (long long)s->outbox_waiting,
		  (long long)s->outbox_dead);
	print_table(c, "accounts", &account_type, "name role health agents failing numbersFree"
		    " standbyReady why", s->accounts, s->n_accounts, sizeof(*s->accounts));
	print_table(c, "open events", &event_type, "id status severity fromAccountId toAccountId"
		    " deadlineAt agentsMoved agentsTotal reason", open, n_open, sizeof(*open));
	print_table(c, "hazards", &hold_type, NULL, s->holds, s->n_holds, sizeof(*s->holds));
	free_p(&open);
}

static void write_json(struct cli *c, const struct state *s)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);

	jw_obj(&w, NULL);
	jw_str(&w, "environment", s->environment);
	jw_bool(&w, "production", s->production);
	jw_str(&w, "leader", s->leader);
	jw_time(&w, "at", s->now_ms);
	jw_i64(&w, "seq", s->seq);
	jw_bool(&w, "databaseOk", s->database_ok);
	jw_str(&w, "databaseWhy", s->database_why);
	record_json(&w, "control", &control_type, &s->control);
	jw_i64(&w, "gatesShut", (int64_t)shut_gates(s));
	jw_i64(&w, "alertsFiring", (int64_t)firing(s));
	jw_i64(&w, "outboxWaiting", s->outbox_waiting);
	jw_i64(&w, "outboxDead", s->outbox_dead);
	jw_arr(&w, "accounts");
	for (size_t i = 0; i < s->n_accounts; i++)
		account_json(&w, NULL, &s->accounts[i]);
	jw_arr_end(&w);
	jw_arr(&w, "openEvents");
	for (size_t i = 0; i < s->n_events; i++)
		if (event_status_open((enum event_status)s->events[i].status))
			event_json(&w, NULL, &s->events[i]);
	jw_arr_end(&w);
	jw_arr(&w, "holds");
	for (size_t i = 0; i < s->n_holds; i++)
		record_json(&w, NULL, &hold_type, &s->holds[i]);
	jw_arr_end(&w);
	jw_arr(&w, "engines");
	for (size_t i = 0; i < s->n_peers; i++)
		record_json(&w, NULL, &peer_type, &s->peers[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	str_addc(&out, '\n');
	cli_write(c, str_get(&out));
	str_fini(&out);
}

/* As CSV: one row, the figures a spreadsheet or a script compares. */
static void print_csv(struct cli *c, const struct state *s)
{
	static const struct table_column columns[] = {
		{ "environment", NULL, false }, { "leader", NULL, false },
		{ "databaseOk", NULL, false },
		{ "paused", NULL, false }, { "maintenance", NULL, false },
		{ "openEvents", NULL, true },
		{ "alertsFiring", NULL, true }, { "gatesShut", NULL, true },
		{ "outboxWaiting", NULL, true }, { "outboxDead", NULL, true },
	};
	struct table t;

	table_init(&t, FORMAT_CSV, columns, COUNT_OF(columns));
	table_add(&t, s->environment);
	table_add(&t, s->leader);
	table_add_bool(&t, s->database_ok);
	table_add_bool(&t, s->control.paused);
	table_add_bool(&t, s->control.maintenance);
	table_add_i64(&t, (int64_t)open_events(s));
	table_add_i64(&t, (int64_t)firing(s));
	table_add_i64(&t, (int64_t)shut_gates(s));
	table_add_i64(&t, s->outbox_waiting);
	table_add_i64(&t, s->outbox_dead);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static int status(struct cli *c)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	struct state s;
	int r = remote_get(c, "/api/v1/snapshot", &doc);

	if (r)
		return r;
	state_init(&s);
	if (state_load(&s, doc, &err) < 0)
		r = cli_fail(c, EXIT_UNREACHABLE, "the engine's snapshot cannot be read: %s",
			     err.msg);
	else if (cli_format(c) == FORMAT_JSON)
		write_json(c, &s);
	else if (cli_format(c) == FORMAT_CSV)
		print_csv(c, &s);
	else
		print_text(c, &s);
	state_fini(&s);
	json_free(doc);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, status);
}

const struct subcommand cmd_status = {
	.name = "status",
	.help = "one page: engine, automation, accounts, open events, hazards",
	.kind = CLI_READS,
	.run = run,
};
