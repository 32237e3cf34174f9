/*
 * `ringdown events [ID]`: failover events, or one of them with its steps, its last tests,
 * its gates and the agents it moves.
 */
#include <string.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/event.h"

static int read_event(void *rec, const struct json *obj, struct err *err)
{
	return record_from_json(&event_type, rec, obj, false, err);
}

static int list(struct cli *c)
{
	_cleanup_(free_p) char *account = NULL;
	struct str path = STR_INIT(4000);
	int64_t limit = 100;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	r = remote_account_id(c, cli_opt(c, "account"), &account);
	if (r)
		return r;
	str_add(&path, API_FAILOVER "/events");
	remote_query(&path, "status", cli_opt(c, "status"));
	remote_query(&path, "accountId", account);
	r = remote_list_max(c, str_get(&path), "events", &event_type, read_event,
			    "id status severity triggerType fromAccountId toAccountId startedAt"
			    " agentsMoved agentsTotal decidedBy reason", limit);
	str_fini(&path);
	return r;
}

/* ---- one event, for people ------------------------------------------------------------ */

static void heading(struct cli *c, const char *title)
{
	cli_print(c, "\n%s\n", title);
}

static void print_records(struct cli *c, const struct record_type *type, const char *columns,
			  const void *first, size_t n, size_t size)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct table t;
	size_t n_fields = table_record_columns(&t, FORMAT_TEXT, type, columns, fields);

	for (size_t i = 0; i < n; i++)
		table_add_record(&t, fields, n_fields, (const char *)first + i * size);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static void print_steps(struct cli *c, const struct event *e)
{
	static const struct table_column columns[] = {
		{ "n", NULL, true }, { "step", NULL, false }, { "state", NULL, false },
		{ "done", NULL, true }, { "total", NULL, true }, { "startedAt", "STARTED", false },
		{ "endedAt", "ENDED", false }, { "error", NULL, false },
	};
	struct table t;

	table_init(&t, FORMAT_TEXT, columns, COUNT_OF(columns));
	for (int i = 1; i < STEP_MAX; i++) {
		const struct event_step *s = &e->steps[i];

		table_add_i64(&t, i);
		table_add(&t, step_name(i));
		table_add(&t, step_state_name(s->state));
		table_add_i64(&t, s->done);
		table_add_i64(&t, s->total);
		table_add_time(&t, s->started_at_ms);
		table_add_time(&t, s->ended_at_ms);
		table_add(&t, s->error);
	}
	table_print(&t, c, NULL);
	table_fini(&t);
}

static void print_event(struct cli *c, const struct event *e)
{
	size_t shown = e->n_tests < 10 ? e->n_tests : 10;

	record_print(c, &event_type, e);
	if (event_has_steps(e)) {
		heading(c, "steps");
		print_steps(c, e);
	}
	if (shown) {
		heading(c, "last tests");
		print_records(c, &event_test_type, "at outcome detail",
			      &e->tests[e->n_tests - shown], shown, sizeof(*e->tests));
	}
	if (e->n_gates) {
		heading(c, "gates");
		print_records(c, &gate_result_type, "gate pass overridable why", e->gates,
			      e->n_gates, sizeof(*e->gates));
	}
}

static int print_items(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "agent", NULL, false }, { "name", NULL, false }, { "canary", NULL, false },
		{ "fromNumber", "FROM", false }, { "toNumber", "TO", false },
		{ "state", NULL, false },
		{ "step", NULL, false }, { "error", NULL, false },
	};
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	struct table t;
	int r;

	str_add(&path, "/api/v1/events/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/items");
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r)
		return r;
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (const struct json *v = json_first(json_get(doc, "items")); v; v = json_next(v))
		for (size_t i = 0; i < COUNT_OF(columns); i++) {
			const struct json *cell = json_get(v, columns[i].json);

			if (json_type(cell) == JSON_BOOL)
				table_add_bool(&t, json_bool(cell, false));
			else
				table_add(&t, json_str(cell));
		}
	table_print(&t, c, "items");
	table_fini(&t);
	json_free(doc);
	return EXIT_DONE;
}

static int one(struct cli *c)
{
	struct event e = { 0 };
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	struct err err = { 0 };
	int r;

	if (cli_flag(c, "agents"))
		return print_items(c);
	str_add(&path, API_FAILOVER "/events/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r)
		return r;
	if (cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (event_from_json(&e, doc, &err) < 0)
		r = cli_fail(c, EXIT_UNREACHABLE, "the engine sent an event that cannot be read:"
						  " %s", err.msg);
	else if (cli_format(c) == FORMAT_CSV)
		record_print(c, &event_type, &e);
	else
		print_event(c, &e);
	event_fini(&e);
	json_free(doc);
	return r;
}

static int run(struct cli *c)
{
	if (!cli_arg(c, 0) && cli_flag(c, "agents"))
		return cli_fail(c, EXIT_USAGE, "--agents wants an event: ringdown events ID"
					       " --agents");
	return cli_run(c, cli_arg(c, 0) ? one : list);
}

static const struct cli_option options[] = {
	{ .name = "status", .arg = "S", .help = "only these states, joined by commas" },
	{ .name = "account", .arg = "A", .help = "only those from, to or of this account" },
	{ .name = "limit", .arg = "N", .help = "at most so many (100)" },
	{ .name = "agents", .help = "with ID: every agent of its plan and how far it is" },
};

const struct subcommand cmd_events = {
	.name = "events",
	.args = "[ID]",
	.help = "list failover events, newest first, or show one with steps, tests and gates",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
