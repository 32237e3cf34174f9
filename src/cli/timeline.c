/*
 * `ringdown timeline`: what happened, in one order, and lines of other logs into it. An import
 * says how many of its instants are doubtful and why the first one is: nobody should have to
 * find that out at the review.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/loop.h"
#include "core/mem.h"
#include "incident/import.h"
#include "model/incident.h"

enum { FILE_MAX = 32 << 20, BATCH = 200, BATCH_BYTES = 200000 };

/* ---- reading ------------------------------------------------------------------------- */

static int list(struct cli *c)
{
	struct str path = STR_INIT(4000);
	int64_t limit = 200;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	str_add(&path, "/api/v1/timeline");
	remote_query(&path, "incident", cli_arg(c, 0));
	remote_query(&path, "lane", cli_opt(c, "lane"));
	remote_query(&path, "q", cli_opt(c, "search"));
	remote_query(&path, "from", cli_opt(c, "from"));
	remote_query(&path, "to", cli_opt(c, "to"));
	remote_query(&path, "noise", cli_flag(c, "noise") ? "1" : NULL);
	remote_query(&path, "pinned", cli_flag(c, "pinned") ? "1" : NULL);
	remote_query(&path, "forward", cli_flag(c, "newest") ? NULL : "1");
	r = remote_list_max(c, str_get(&path), "entries", &timeline_entry_type, NULL,
			    cli_format(c) == FORMAT_CSV ? NULL : "happenedAt lane actor text doubt",
			    limit);
	str_fini(&path);
	return r;
}

/* ---- importing -------------------------------------------------------------------------- */

static int read_file(struct cli *c, const char *name, struct str *ret)
{
	FILE *f = str_eq(name, "-") ? stdin : fopen(name, "r");
	char buf[65536];
	size_t n;

	if (!f)
		return cli_fail(c, EXIT_USAGE, "%s cannot be opened", name);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && ret->len < FILE_MAX)
		str_addn(ret, buf, n);
	if (f != stdin)
		fclose(f);
	if (ret->len >= FILE_MAX)
		return cli_fail(c, EXIT_USAGE, "%s is larger than 32 MB", name);
	if (!utf8_valid(ret->s, ret->len))
		return cli_fail(c, EXIT_USAGE, "%s is not UTF-8 text", name);
	return 0;
}

struct sums { int64_t added, known, refused, doubtful; const char *why, *original; };

static int send_batch(struct cli *c, const struct import_line *v, size_t n, struct sums *sums)
{
	struct str body = STR_INIT(64 << 20), path = STR_INIT(400);
	const char *slash = strrchr(cli_arg(c, 1), '/');
	struct json *doc = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "source", cli_opt(c, "source") ? cli_opt(c, "source") : slash ? slash + 1 :
	       cli_arg(c, 1));
	jw_obj(&w, "log");
	jw_arr(&w, "lines");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_time(&w, "at", v[i].at_ms);
		jw_str(&w, "text", v[i].text);
		jw_str(&w, "original", v[i].original);
		jw_str(&w, "doubt", v[i].doubt);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	jw_obj_end(&w);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/import");
	r = remote_send(c, "POST", str_get(&path), str_get(&body), &doc, NULL);
	sums->added += json_get_i64(doc, "added", 0);
	sums->known += json_get_i64(doc, "known", 0);
	sums->refused += json_get_i64(doc, "refused", 0);
	json_free(doc);
	str_fini(&body);
	str_fini(&path);
	return r;
}

static int tell(struct cli *c, const struct sums *s)
{
	struct str b = STR_INIT(1000);
	struct jw w = JW(&b);

	if (cli_format(c) == FORMAT_JSON) {
		jw_obj(&w, NULL);
		jw_i64(&w, "added", s->added);
		jw_i64(&w, "known", s->known);
		jw_i64(&w, "refused", s->refused);
		jw_i64(&w, "doubtful", s->doubtful);
		jw_obj_end(&w);
		cli_print(c, "%s\n", str_get(&b));
	} else {
		cli_print(c, "%lld lines added, %lld known already, %lld refused\n",
			  (long long)s->added, (long long)s->known, (long long)s->refused);
		if (s->doubtful)
			cli_print(c, "%lld instant%s doubtful, marked in the timeline; the"
				     " first: \"%s\": %s\n", (long long)s->doubtful,
				  s->doubtful == 1 ? " is" : "s are", s->original, s->why);
	}
	str_fini(&b);
	return s->refused ? EXIT_NO : EXIT_DONE;
}

static int send_all(struct cli *c, const struct import_line *v, size_t n)
{
	struct sums sums = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].doubt && !sums.doubtful++) {
			sums.why = v[i].doubt;
			sums.original = v[i].original;
		}
	}
	for (size_t i = 0, end; r == 0 && i < n; i = end) {
		size_t bytes = 0;

		/* an engine takes a bounded body */
		for (end = i; end < n && end - i < BATCH && bytes < BATCH_BYTES; end++)
			bytes += strlen(v[end].text) + strlen(v[end].original);
		r = send_batch(c, v + i, end - i, &sums);
	}
	return r ? r : tell(c, &sums);
}

static int import(struct cli *c)
{
	struct import_rules rules = { .zone = cli_opt(c, "zone"),
				      .now_ms = loop_wall_ms(cli_loop(c)) };
	struct str path = STR_INIT(400), text = STR_INIT(FILE_MAX + (1 << 20));
	struct import_line *v = NULL;
	struct json *doc = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int r;

	if (rules.zone && !import_zone_known(rules.zone))
		return cli_fail(c, EXIT_USAGE, "--zone: UTC, PST, America/New_York ... or an"
					       " offset such as -07:00");
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && json_get_str(doc, "startedAt"))
		parse_time_ms(json_get_str(doc, "startedAt"), &rules.base_ms);
	if (r == 0)
		r = read_file(c, cli_arg(c, 1), &text);
	if (r == 0 && import_parse(str_get(&text), text.len, &rules, &v, &n, &err) < 0)
		r = cli_fail(c, EXIT_USAGE, "%s: %s", cli_arg(c, 1), err.msg);
	if (r == 0)
		r = send_all(c, v, n);
	import_free(v, n);
	json_free(doc);
	str_fini(&path);
	str_fini(&text);
	return r;
}

static int list_run(struct cli *c)
{
	return cli_run(c, list);
}

static int import_run(struct cli *c)
{
	return cli_run(c, import);
}

static const struct cli_option list_options[] = {
	{ .name = "lane", .arg = "L",
	  .help = "only account, event, run, alert, message, people, outside or engine" },
	{ .name = "search", .arg = "TEXT",
	  .help = "only what has this in its words, subject or who did it" },
	{ .name = "from", .arg = "TIME", .help = "from this instant, RFC 3339" },
	{ .name = "to", .arg = "TIME", .help = "up to this instant" },
	{ .name = "noise", .help = "also the system's own small steps" },
	{ .name = "pinned", .help = "only what somebody pinned" },
	{ .name = "newest", .help = "newest first" },
	{ .name = "limit", .arg = "N", .help = "at most N lines (200)" },
};
static const struct cli_option import_options[] = {
	{ .name = "zone", .arg = "ZONE", .help = "of instants without one: UTC, PST,"
						 " America/New_York ... or -07:00" },
	{ .name = "source", .arg = "NAME", .help = "where the log is from; the file's name unless"
						   " said" },
};
static const struct subcommand verbs[] = {
	{ .name = "import", .args = "INCIDENT FILE", .kind = CLI_CHANGES, .options = import_options,
	  .n_options = COUNT_OF(import_options), .run = import_run,
	  .help = "lines of a log from outside, CSV or JSON, with their doubts",
	  .detail = "Each line keeps its instant as it was written. Where reading it took an"
		    " assumption (no zone, no year, PST in summer, an hour that came twice, day and"
		    " month either way round) the line says so. A table may have names of columns"
		    " (time, or date and time, zone, text); JSON is an array of objects or one a"
		    " line. What is in other columns is added to the text. The same file again adds"
		    " nothing." },
};
const struct subcommand cmd_timeline = {
	.name = "timeline", .args = "[INCIDENT]", .kind = CLI_READS, .options = list_options,
	.n_options = COUNT_OF(list_options), .verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = list_run, .help = "what happened, in one order; logs from outside into it",
};
