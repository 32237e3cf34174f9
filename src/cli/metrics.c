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
	}
	records_free(&incident_type, v, n);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, metrics);
}

static const struct cli_option options[] = {
	{ .name = "by", .arg = "G", .choices = "month|cause", .help = "one row for each (month)" },
};
const struct subcommand cmd_metrics = {
	.name = "metrics", .kind = CLI_READS, .options = options, .n_options = COUNT_OF(options),
	.run = run, .help = "how long incidents took: detected, acknowledged, mitigated, resolved",
};
