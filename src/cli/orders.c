/*
 * `ringdown approve|reject|extend|cancel|resume|rollback|accept EVENT`: what people order.
 * The same seven are verbs of `failover`. The engine decides; what it refuses is told with
 * its gates.
 */
#include "cli/orders.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/event.h"

/* ---- what is sent ------------------------------------------------------------------------ */

static const char *unknown_gate(struct cli *c)
{
	for (size_t i = 0; i < cli_opt_count(c, "override"); i++)
		if (enum_parse(&gate_names, cli_opt_at(c, "override", i)) < 0)
			return cli_opt_at(c, "override", i);
	return NULL;
}

int orders_overrides(struct cli *c, struct jw *w)
{
	const char *bad = unknown_gate(c);
	size_t n = cli_opt_count(c, "override");

	if (bad) {
		const char *near = str_nearest(bad, gate_names.names, gate_names.n);

		return cli_fail(c, EXIT_USAGE, "there is no gate '%.60s'%s%s%s", bad,
				near ? ", did you mean '" : "; 'ringdown gates' lists them",
				near ? near : "", near ? "'?" : "");
	}
	if (!n)
		return 0;
	jw_arr(w, "overrides");
	for (size_t i = 0; i < n; i++) {
		const char *gate = cli_opt_at(c, "override", i);

		jw_str(w, NULL, gate);
		/* at a terminal these two are typed again; a script has written them out already */
		if ((str_eq(gate, "target-healthy") || str_eq(gate, "target-independent")) &&
		    !cli_flag(c, "dry-run") && !ask_typed(c,
							  "overriding this gate may move agents"
							   " onto an account that fails", gate))
			return EXIT_NO;
	}
	jw_arr_end(w);
	return 0;
}

/* ---- what comes back ---------------------------------------------------------------------- */

static void print_plan(struct cli *c, const struct json *plan)
{
	static const struct table_column columns[] = {
		{ "agentId", "AGENT", false }, { "name", NULL, false }, { "from", NULL, false },
		{ "to", NULL, false }, { "note", NULL, false },
	};
	const struct json *rows = json_get(plan, json_get(plan, "items") ? "items" : "moves");
	bool back = json_get(plan, "items") != NULL;
	struct table t;

	for (const struct json *v = json_first(plan); v; v = json_next(v)) {
		struct str text = STR_INIT(4000);

		if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT)
			continue;
		if (json_str(v))
			str_add(&text, json_str(v));
		else
			json_print(&text, v);
		_cleanup_(free_p) char *clean = text_clean(str_get(&text), 0);
		cli_print(c, "%-16s %s\n", json_name(v), clean);
		str_fini(&text);
	}
	for (const struct json *v = json_first(json_get(plan, "notMoving")); v; v = json_next(v))
		cli_print(c, "%-16s %s\n", "does not move", json_str(v) ? json_str(v) : "");
	table_init(&t, FORMAT_TEXT, columns, COUNT_OF(columns));
	for (const struct json *v = json_first(rows); v; v = json_next(v)) {
		table_add(&t, json_get_str(v, "agentId"));
		table_add(&t, json_get_str(v, "name"));
		table_add(&t, json_get_str(v, back ? "backupNumber" : "fromNumber"));
		table_add(&t, json_get_str(v, back ? "homeNumber" : "toNumber"));
		table_add(&t, back ? json_get_str(v, json_get_str(v, "why") ? "why" : "verdict") :
			  json_get_bool(v, "canary", false) ? "canary" : NULL);
	}
	if (t.n)
		cli_write(c, "\n");
	if (t.n)
		table_print(&t, c, NULL);
	table_fini(&t);
}

bool orders_gate_asked(const struct cli *c, const char *gate)
{
	static const char *const back[] = { "lease", "database", "attempt", "target-healthy",
					    "numbers",
					    "agents" };

	for (size_t i = 0; i < COUNT_OF(back); i++)
		if (str_eq(gate, back[i]))
			return true;
	return !str_eq(cli_command(c)->name, "rollback");
}

static void print_gates(struct cli *c, const struct json *gates)
{
	if (json_count(gates))
		cli_write(c, "\n");
	for (const struct json *g = json_first(gates); g; g = json_next(g)) {
		if (!orders_gate_asked(c, json_get_str(g, "gate")))
			continue;
		cli_print(c, "%-5s %-19s %s\n", json_get_bool(g, "pass", false) ? "open" : "SHUT",
			  json_get_str(g, "gate") ? json_get_str(g, "gate") : "?",
			  json_get_str(g, "why") ? json_get_str(g, "why") : "");
	}
}

int orders_answer(struct cli *c, const struct json *reply, bool dry_run)
{
	const struct json *e = json_get(reply, "event");

	if (cli_format(c) == FORMAT_JSON) {
		remote_print(c, reply);
	} else if (dry_run) {
		print_plan(c, json_get(reply, "plan"));
		print_gates(c, json_get(reply, "gates"));
	} else {
		cli_print(c, "%s is %s; 'ringdown events %s' shows it\n", json_get_str(e, "id"),
			  json_get_str(e, "status"), json_get_str(e, "id"));
	}
	return EXIT_DONE;
}

static int order(struct cli *c)
{
	struct str path = STR_INIT(200), body = STR_INIT(8000);
	struct jw w = JW(&body);
	struct json *reply = NULL;
	int64_t minutes = 0;
	int r;

	if (!cli_opt_i64(c, "minutes", 1, 60, &minutes))
		return EXIT_USAGE;
	str_addf(&path, API_FAILOVER "/%s", cli_command(c)->name);
	jw_obj(&w, NULL);
	jw_str(&w, "eventId", cli_arg(c, 0));
	jw_str(&w, "reason", cli_opt(c, "reason"));
	if (minutes)
		jw_i64(&w, "minutes", minutes);
	if (cli_opt(c, "plan"))
		jw_str(&w, "planHash", cli_opt(c, "plan"));
	if (cli_flag(c, "partial"))
		jw_bool(&w, "partial", true);
	if (cli_flag(c, "dry-run"))
		jw_bool(&w, "dryRun", true);
	r = orders_overrides(c, &w);
	if (!r && !cli_flag(c, "dry-run") && !ask_production(c, cli_arg(c, 0)))
		r = EXIT_NO;
	jw_obj_end(&w);
	if (!r)
		r = remote_send(c, "POST", str_get(&path), str_get(&body), &reply, NULL);
	if (!r)
		r = orders_answer(c, reply, cli_flag(c, "dry-run"));
	json_free(reply);
	str_fini(&path);
	str_fini(&body);
	return r;
}

int orders_run(struct cli *c)
{
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, order);
}

#define REASON { .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" }
#define OVERRIDE { .name = "override", .arg = "GATE", .repeated = true,                            \
		   .help = "go on although this gate is shut; may be repeated" }

const struct cli_option order_plain[1] = { REASON };
const struct cli_option order_approve[4] = {
	REASON, OVERRIDE,
	{ .name = "plan", .arg = "HASH", .help = "only if the plan is still this one" },
	{ .name = "partial", .help = "move as many agents as there are numbers" },
};
const struct cli_option order_extend[2] = {
	REASON, { .name = "minutes", .arg = "N", .help = "1 to 60 (10)" },
};
const struct cli_option order_resume[2] = { REASON, OVERRIDE };
const struct cli_option order_rollback[3] = {
	REASON, OVERRIDE, { .name = "dry-run", .help = "show what would be put back; change"
						       " nothing" },
};

const struct subcommand cmd_approve = ORDER_APPROVE;
const struct subcommand cmd_reject = ORDER_REJECT;
const struct subcommand cmd_extend = ORDER_EXTEND;
const struct subcommand cmd_cancel = ORDER_CANCEL;
const struct subcommand cmd_resume = ORDER_RESUME;
const struct subcommand cmd_rollback = ORDER_ROLLBACK;
const struct subcommand cmd_accept = ORDER_ACCEPT;
