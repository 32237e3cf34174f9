/*
 * `ringdown report`: the report of an incident in four formats, its text, its review. The text
 * is edited in the person's own editor; a text that came second stays beside the first until
 * somebody has merged them, and the editor then opens with both.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/remote.h"
#include "core/mem.h"
#include "report/report.h"

enum { FILE_MAX = REPORT_ENTRIES_MAX * 4096 };

static void report_path(struct cli *c, struct str *path, const char *more)
{
	str_add(path, "/api/v1/incidents/");
	str_add_urlencoded(path, cli_arg(c, 0));
	str_add(path, "/report");
	str_add(path, more);
}

/* ---- printing ------------------------------------------------------------------------ */

/* By the name of the file where no format is said. */
static const char *format_of(struct cli *c)
{
	const char *word = cli_opt(c, "format"), *file = cli_opt(c, "output");
	const char *dot = file ? strrchr(file, '.') : NULL;

	if (word)
		return word;
	if (cli_format(c) == FORMAT_JSON || cli_format(c) == FORMAT_CSV)
		return cli_format(c) == FORMAT_JSON ? "json" : "csv";
	if (dot && (str_eq(dot, ".html") || str_eq(dot, ".json") || str_eq(dot, ".csv")))
		return dot + 1;
	return "md";
}

static int print(struct cli *c)
{
	const char *file = cli_opt(c, "output");
	struct str path = STR_INIT(1000), text = STR_INIT(FILE_MAX);
	int r;

	if (!cli_arg(c, 0))
		return cli_fail(c, EXIT_USAGE,
				"of which incident? 'ringdown incident list' names them");
	report_path(c, &path, "");
	remote_query(&path, "format", format_of(c));
	r = remote_get_text(c, str_get(&path), &text);
	if (r == 0 && file)
		r = cli_write_file(c, file, &text);
	else if (r == 0)
		cli_write(c, str_get(&text));
	if (r == 0 && file)
		cli_note(c, "%s: %zu bytes", file, text.len);
	str_fini(&path);
	str_fini(&text);
	return r;
}

/* ---- writing --------------------------------------------------------------------------- */

static int read_file(struct cli *c, const char *name, struct str *ret)
{
	FILE *f = str_eq(name, "-") ? stdin : fopen(name, "r");
	char buf[65536];
	size_t n;

	if (!f)
		return cli_fail(c, EXIT_USAGE, "%s: %s", name, strerror(errno));
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && !ret->full)
		str_addn(ret, buf, n);
	if (f != stdin)
		fclose(f);
	return ret->full ? cli_fail(c, EXIT_USAGE, "%s is too large for a section", name) : 0;
}

static const struct json *find_section(const struct json *doc, const char *id)
{
	for (const struct json *v = json_first(json_get(doc, "sections")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "id"), id))
			return v;
	return NULL;
}

extern char **environ;

/* The shell splits $EDITOR, as everywhere; the file's name is an argument of its own. */
static int run_editor(struct cli *c, const char *file)
{
	const char *editor = getenv("VISUAL") ? getenv("VISUAL") : getenv("EDITOR");
	_cleanup_(free_p) char *words = xasprintf("exec %s \"$1\"", editor ? editor : "vi");
	_cleanup_(free_p) char *name = xstrdup(file);
	char sh[] = "/bin/sh", opt[] = "-c", me[] = "ringdown";
	char *argv[] = { sh, opt, words, me, name, NULL };
	pid_t pid;
	int status = 0;

	if (posix_spawn(&pid, sh, NULL, NULL, argv, environ) != 0)
		return cli_fail(
			c, EXIT_NO,
			"the editor cannot be started: set EDITOR, or give --text or --file");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cli_fail(
			c, EXIT_NO,
			"the editor ended with a failure: nothing was written; the text is in %s",
			file);
	return 0;
}

static int edit_text(struct cli *c, const struct json *section, char **ret_file, struct str *ret)
{
	struct str draft = STR_INIT(FILE_MAX), after = STR_INIT(FILE_MAX);
	const char *dir = cli_state_dir(c);
	int r = dir ? 0 : EXIT_USAGE;

	review_draft(section, &draft);
	if (r == 0) {
		*ret_file = xasprintf("%s/report-%s-%s.md", dir, cli_arg(c, 0),
				      json_get_str(section, "id"));
		r = cli_write_file(c, *ret_file, &draft);
	}
	if (r == 0)
		r = run_editor(c, *ret_file);
	if (r == 0)
		r = read_file(c, *ret_file, &after);
	if (r == 0)
		review_draft_text(str_get(&after), ret);
	str_fini(&draft);
	str_fini(&after);
	return r;
}

/* From where the text is: an option, a file, the editor. */
static int get_text(struct cli *c, const struct json *section, char **ret_file, struct str *ret)
{
	const struct json *aside = json_first(json_get(section, "aside"));

	if (!cli_opt(c, "text") && !cli_opt(c, "file"))
		return edit_text(c, section, ret_file, ret);
	if (aside && !cli_flag(c, "merged"))
		return cli_fail(
			c, EXIT_NO,
			"version %lld by %s is not merged yet: read it ('ringdown report %s'), "
			"then say --merged",
			(long long)json_get_i64(aside, "version", 0), json_get_str(aside, "by"),
			cli_arg(c, 0));
	if (cli_opt(c, "file"))
		return read_file(c, cli_opt(c, "file"), ret);
	str_add(ret, cli_opt(c, "text"));
	return 0;
}

static int put_text(struct cli *c, const struct json *section, const char *text, const char *file)
{
	struct str path = STR_INIT(1000), body = STR_INIT(FILE_MAX);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int64_t version = json_get_i64(section, "version", 0);
	int r, status = 0;

	if (!cli_opt_i64(c, "made-from", 0, INT32_MAX, &version))
		return EXIT_USAGE;
	jw_obj(&w, NULL);
	jw_str(&w, "text", text);
	jw_i64(&w, "version", version);
	jw_obj_end(&w);
	report_path(c, &path, "/");
	str_add(&path, json_get_str(section, "id"));
	r = remote_send(c, "PUT", str_get(&path), str_get(&body), &doc, &status);
	if (r == 0)
		cli_print(c, "%s: version %lld\n", json_get_str(section, "id"),
			  (long long)json_get_i64(doc, "version", 0));
	else if (status == 409)
		cli_note(c,
			 "nothing is lost: 'ringdown report edit %s %s' opens both texts to merge "
			 "them",
			 cli_arg(c, 0), json_get_str(section, "id"));
	else if (file)
		cli_note(c, "your text is in %s", file);
	if (file && (r == 0 || status == 409))
		unlink(file);
	json_free(doc);
	str_fini(&path);
	str_fini(&body);
	return r;
}

static int edit(struct cli *c)
{
	int which = report_section_find(cli_arg(c, 1));
	_cleanup_(str_fini) struct str names = STR_INIT(400);
	struct str path = STR_INIT(1000), text = STR_INIT(FILE_MAX);
	_cleanup_(free_p) char *file = NULL;
	const struct json *section;
	struct json *doc = NULL;
	int r;

	report_path(c, &path, "");
	r = remote_get(c, str_get(&path), &doc);
	section = which < 0 ? NULL :
			      find_section(doc, enum_name(&report_section_names, which));
	for (const struct json *v = json_first(json_get(doc, "sections")); v; v = json_next(v))
		str_addf(&names, "%s%s", names.len ? ", " : "", json_get_str(v, "id"));
	if (r == 0 && !section)
		r = cli_fail(c, EXIT_USAGE, "the sections of this report are %s", str_get(&names));
	if (r == 0)
		r = get_text(c, section, &file, &text);
	if (r == 0 && str_eq(str_get(&text), json_get_str(section, "text")))
		cli_note(c, "nothing was changed");
	else if (r == 0 && !text.len)
		r = cli_fail(c, EXIT_NO, "the text is empty: nothing was written");
	else if (r == 0)
		r = put_text(c, section, str_get(&text), file);
	json_free(doc);
	str_fini(&path);
	str_fini(&text);
	return r;
}

/* ---- its review ------------------------------------------------------------------------ */

static int state(struct cli *c)
{
	struct str path = STR_INIT(1000), body = STR_INIT(4000);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "state", cli_arg(c, 1));
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/review");
	r = remote_send(c, "POST", str_get(&path), str_get(&body), &doc, NULL);
	if (r == 0)
		cli_print(c, "the report of %s is %s\n", cli_arg(c, 0),
			  json_get_str(doc, "review"));
	json_free(doc);
	str_fini(&path);
	str_fini(&body);
	return r;
}

static int print_run(struct cli *c)
{
	return cli_run(c, print);
}

static int edit_run(struct cli *c)
{
	return cli_run(c, edit);
}

static int state_run(struct cli *c)
{
	return cli_run(c, state);
}

static const struct cli_option print_options[] = {
	{ .name = "format",
	  .arg = "F",
	  .choices = "md|json|csv|html",
	  .help = "md unless said; csv is its timeline, html one page that asks nobody" },
	{ .name = "output",
	  .arg = "FILE",
	  .help = "into this file; its ending chooses the format" },
};
static const struct cli_option edit_options[] = {
	{ .name = "text", .arg = "TEXT", .help = "the text itself, instead of an editor" },
	{ .name = "file", .arg = "FILE", .help = "the text from a file, \"-\" for standard input" },
	{ .name = "made-from",
	  .arg = "N",
	  .help = "the version it was made from; the newest unless said" },
	{ .name = "merged", .help = "a text that was set aside is in this one" },
};
static const struct cli_option state_options[] = {
	{ .name = "reason", .arg = "R", .help = "kept with it" },
};
static const struct subcommand verbs[] = {
	{ .name = "edit",
	  .args = "INCIDENT SECTION",
	  .kind = CLI_CHANGES,
	  .options = edit_options,
	  .n_options = COUNT_OF(edit_options),
	  .run = edit_run,
	  .help = "write a section: summary, timeline, root-cause, impact, lessons, prevention",
	  .detail = "Opens $EDITOR with what stands. When two write at once, the second text is "
		    "kept beside "
		    "the first until somebody merges them; the next edit opens with both." },
	{ .name = "state",
	  .args = "INCIDENT STATE",
	  .kind = CLI_CHANGES,
	  .options = state_options,
	  .n_options = COUNT_OF(state_options),
	  .run = state_run,
	  .help = "draft, in_review, reviewed or closed; who put it in review does not call it "
		  "reviewed" },
};
const struct subcommand cmd_report = {
	.name = "report",
	.args = "[INCIDENT]",
	.kind = CLI_READS,
	.options = print_options,
	.n_options = COUNT_OF(print_options),
	.verbs = verbs,
	.n_verbs = COUNT_OF(verbs),
	.run = print_run,
	.help = "the report of an incident: printed, written, reviewed",
	.detail = "Six sections, filled in from what was recorded; people's text stands beside it. "
		  "What is "
		  "not known, or asked and not written yet, is marked with a question mark.",
};
