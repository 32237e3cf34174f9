/*
 * `ringdown metrics`: times of incidents, by month or by cause. Definitions stand above the
 * table, because houses differ; a median stands beside every mean, because means mislead.
 */
#include <stdio.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "report/times.h"

static void add_duration(struct table *t, size_t n, int64_t ms)
{
	char text[40];

	if (!n || ms < 0) {
		table_add(t, NULL);
	} else if (t->format == FORMAT_TEXT && ms < 1000) {
		snprintf(text, sizeof(text), "%lldms", (long long)ms);
		table_add(t, text);
	} else if (t->format == FORMAT_TEXT) {
		format_duration(text, sizeof(text), ms / 1000 * 1000);
		table_add(t, text);
	} else {
		table_add_i64(t, ms);
	}
}

static void print_rows(struct cli *c, const struct times_row *rows, size_t n, bool by_cause)
{
	const struct table_column columns[] = {
		{ by_cause ? "cause" : "month", NULL, false }, { "time", NULL, false },
		{ "incidents", NULL, true }, { "drills", NULL, true }, { "n", NULL, true },
		{ "missing", NULL, true }, { "backfilled", NULL, true }, { "median", NULL, true },
		{ "p90", NULL, true }, { "max", NULL, true }, { "mean", NULL, true },
	};
	struct table t;

	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < TIME_KINDS; k++) {
			const struct time_summary *s = &rows[i].v[k];

			table_add(&t, rows[i].name);
			table_add(&t, enum_name(&time_kind_names, k));
			table_add_i64(&t, (int64_t)rows[i].incidents);
			table_add_i64(&t, (int64_t)rows[i].drills);
			table_add_i64(&t, (int64_t)s->n);
			table_add_i64(&t, (int64_t)s->missing);
			table_add_i64(&t, (int64_t)s->backfilled);
			add_duration(&t, s->n, s->median);
			add_duration(&t, s->n, s->p90);
			add_duration(&t, s->n, s->max);
			add_duration(&t, s->n, s->mean);
		}
	}
	table_print(&t, c, "times");
	table_fini(&t);
}

/* All pages. */
static int load(struct cli *c, struct incident **ret, size_t *ret_n)
{
	_cleanup_(free_p) char *cursor = NULL;
	size_t cap = 0;
	int r = 0;

	do {
		struct str path = STR_INIT(400);
		struct json *doc = NULL;

		str_add(&path, "/api/v1/incidents?limit=1000");
		remote_query(&path, "cursor", cursor);
		r = remote_get(c, str_get(&path), &doc);
		for (const struct json *v = json_first(json_get(doc, "incidents")); r == 0 && v;
		     v = json_next(v)) {
			*ret = grow(*ret, &cap, *ret_n + 1, sizeof(**ret));
			record_init(&incident_type, &(*ret)[*ret_n]);
			record_from_json(&incident_type, &(*ret)[(*ret_n)++], v, false, NULL);
		}
		str_replace(&cursor, json_get_str(doc, "nextCursor"));
		json_free(doc);
		str_fini(&path);
	} while (r == 0 && cursor);
	return r;
}

/* Minutes at each severity: from the histories, which only the engine has. */
static int print_severities(struct cli *c, bool by_cause)
{
	struct json *doc = NULL;
	const char *name = by_cause ? "cause" : "month";
	struct str path = STR_INIT(200);
	int r;

	str_addf(&path, "/api/v1/metrics/times?by=%s", name);
	r = remote_get(c, str_get(&path), &doc);
	cli_print(c, r == 0 ? "\nminutes at each severity:\n" : "");
	for (const struct json *v = json_first(json_get(doc, "rows")); v; v = json_next(v)) {
		const struct json *list = json_get(v, "severities");

		cli_print(c, "  %-12s", json_get_str(v, name));
		for (const struct json *s = json_first(list); s; s = json_next(s))
			cli_print(c, "  %s %.1f", json_get_str(s, "severity"),
				  (double)json_get_i64(s, "ms", 0) / 60000);
		cli_print(c, "%s\n", json_count(list) ? "" : "  -");
	}
	json_free(doc);
	str_fini(&path);
	return r;
}

/* Everything as one page. */
static int page(struct cli *c)
{
	struct str path = STR_INIT(200), text = STR_INIT((size_t)16 << 20);
	int64_t days = 365;
	int r;

	if (!cli_opt_i64(c, "days", 1, 3660, &days))
		return EXIT_USAGE;
	str_addf(&path, "/api/v1/metrics/overview?days=%lld", (long long)days);
	r = remote_get_text(c, str_get(&path), &text);
	if (r == 0)
		r = cli_write_file(c, cli_opt(c, "html"), &text);
	if (r == 0)
		cli_note(c, "%s: %zu bytes", cli_opt(c, "html"), text.len);
	str_fini(&path);
	str_fini(&text);
	return r;
}

static int metrics(struct cli *c)
{
	bool by_cause = str_eq(cli_opt(c, "by"), "cause");
	struct incident *v = NULL;
	struct times_row *rows;
	size_t n = 0;
	int r = load(c, &v, &n);

	if (r == 0) {
		size_t k = times_table(v, n, by_cause ? TIMES_BY_CAUSE : TIMES_BY_MONTH, &rows);

		for (int i = 0; i < TIME_KINDS && cli_format(c) == FORMAT_TEXT; i++)
			cli_print(c, "%-6s %s\n", enum_name(&time_kind_names, i),
				  time_kind_help((enum time_kind)i));
		if (cli_format(c) == FORMAT_TEXT)
			cli_print(c, "drills are left out; a stamp that is missing is missing, not"
				     " 0\n\n");
		print_rows(c, rows, k, by_cause);
		times_free(rows, k);
		if (cli_format(c) == FORMAT_TEXT)
			r = print_severities(c, by_cause);
	}
	records_free(&incident_type, v, n);
	return r;
}

/* ---- failovers ------------------------------------------------------------------- */

static void add_json_ms(struct table *t, const struct json *v)
{
	add_duration(t, json_type(v) == JSON_NUMBER, json_i64(v, -1));
}

static void print_spans(struct cli *c, const struct json *doc)
{
	static const struct table_column columns[] = {
		{ "span", NULL, false },  { "n", NULL, true },   { "median", NULL, true },
		{ "p90", NULL, true },    { "max", NULL, true }, { "mean", NULL, true },
	};
	struct table t;

	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (const struct json *v = json_first(json_get(doc, "spans")); v; v = json_next(v)) {
		table_add(&t, json_get_str(v, "span"));
		table_add_i64(&t, json_get_i64(v, "n", 0));
		for (size_t k = 2; k < COUNT_OF(columns); k++)
			add_json_ms(&t, json_get(v, columns[k].json));
	}
	table_print(&t, c, "spans");
	table_fini(&t);
}

static void print_ends(struct cli *c, const struct json *doc)
{
	int64_t windows = json_get_i64(doc, "windows", 0);

	cli_print(c, "%lld failovers (%lld drills not counted), %lld opened a window:\n",
		  (long long)json_get_i64(doc, "events", 0),
		  (long long)json_get_i64(doc, "drills", 0), (long long)windows);
	for (const struct json *v = json_first(json_get(doc, "ends")); windows && v;
	     v = json_next(v)) {
		int64_t n = json_get_i64(v, "n", 0);

		cli_print(c, "  %-11s %4lld  %3.0f %%  %-20.*s %s\n", json_get_str(v, "end"),
			  (long long)n, 100.0 * (double)n / (double)windows,
			  (int)(20 * n / windows), "####################", json_get_str(v, "help"));
	}
}

static void print_gates(struct cli *c, const struct json *doc)
{
	const struct json *v = json_first(json_get(doc, "gates"));

	cli_print(c, v ? "\nheld by gate:\n" : "\nno gate held anything\n");
	for (; v; v = json_next(v))
		cli_print(c, "  %-18s %lld event%s, %lld times\n", json_get_str(v, "gate"),
			  (long long)json_get_i64(v, "events", 0),
			  json_get_i64(v, "events", 0) == 1 ? "" : "s",
			  (long long)json_get_i64(v, "times", 0));
}

static int failovers(struct cli *c)
{
	struct str path = STR_INIT(200), text = STR_INIT(1 << 20);
	struct json *doc = NULL;
	int64_t days = 365;
	int r;

	if (!cli_opt_i64(c, "days", 1, 3660, &days))
		return EXIT_USAGE;
	str_addf(&path, "/api/v1/metrics/failover?days=%lld", (long long)days);
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && cli_format(c) == FORMAT_JSON) {
		json_print_ordered(&text, doc);
		str_addc(&text, '\n');
		cli_write(c, str_get(&text));
	} else if (r == 0) {
		if (cli_format(c) == FORMAT_TEXT) {
			print_ends(c, doc);
			cli_print(c,
				  "\nfrom opening to the decision, from the decision to the end, "
				  "and each step:\n");
		}
		print_spans(c, doc);
		if (cli_format(c) == FORMAT_TEXT)
			print_gates(c, doc);
	}
	json_free(doc);
	str_fini(&path);
	str_fini(&text);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, cli_opt(c, "html")        ? page
			  : cli_flag(c, "failover") ? failovers
						    : metrics);
}

static const struct cli_option options[] = {
	{ .name = "by", .arg = "G", .choices = "month|cause", .help = "one row for each (month)" },
	{ .name = "failover",
	  .help = "of failovers: how windows end, time per step, gates that held" },
	{ .name = "html",
	  .arg = "FILE",
	  .help = "all of it with charts into this file: one page that asks nobody" },
	{ .name = "days",
	  .arg = "N",
	  .help = "of failovers and the page: of the last N days (365)" },
};
const struct subcommand cmd_metrics = {
	.name = "metrics", .kind = CLI_READS, .options = options, .n_options = COUNT_OF(options),
	.run = run, .help = "how long incidents took: detected, acknowledged, mitigated, resolved",
};
