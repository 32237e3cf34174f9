/*
 * `ringdown runbook`: the shelf. list, show and lint need neither engine nor database; what
 * runs one is in runbook_run.c, its cases in runbook_test.c.
 *
 * Problems go to stdout for lint, whose business they are, and to stderr for all others.
 */
#include "cli/runbook.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "core/mem.h"
#include "policy/policy.h"
#include "runbook/cases.h"
#include "runbook/keys.h"
#include "runbook/outline.h"
#include "runbook/settings.h"
#include "sms/codes.h"

static bool is_file(const char *what)
{
	size_t n = strlen(what);

	return strchr(what, '/') || (n > 5 && str_eq(what + n - 5, ".yaml"));
}

char *runbook_cli_dir(struct cli *c, int *ret_status)
{
	const char *dir = cli_opt(c, "dir");

	*ret_status = dir ? EXIT_DONE : cli_load(c);
	if (*ret_status)
		return NULL;
	return dir ? xstrdup(dir) : runbooks_dir(cli_settings(c, &runbook_options));
}

static void tell_problems(struct cli *c, const struct problems *p)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	problems_print(&out, p);
	for (char *line = out.s; line && *line;) {
		size_t n = strcspn(line, "\n");
		line[n] = '\0';
		cli_note(c, "%s", line);
		line += n + 1;
	}
	str_fini(&out);
}

struct library *runbook_cli_library(struct cli *c, bool tell, int *ret_status)
{
	_cleanup_(free_p) char *dir = runbook_cli_dir(c, ret_status);
	struct problems p = { 0 };
	struct err err = { 0 };
	struct library *l = dir ? library_load(dir, &p, &err) : NULL;

	if (dir && !l)
		*ret_status = cli_fail(c, EXIT_USAGE, "runbooks: %s; name their directory "
			"with --dir or runbooks.dir",
				       err.msg);
	if (l && tell && p.n_errors)
		tell_problems(c, &p);
	problems_fini(&p);
	return l;
}

const struct runbook *runbook_cli_find(struct cli *c, const char *what,
				       struct library **ret_library, struct runbook **ret_own,
					int *ret_status)
{
	struct problems p = { 0 };
	const struct runbook *rb;

	*ret_library = NULL;
	*ret_own = NULL;
	*ret_status = EXIT_DONE;
	if (is_file(what)) {
		rb = *ret_own = runbook_load(what, &p);
		if (!rb) {
			tell_problems(c, &p);
			*ret_status = cli_fail(c, EXIT_USAGE, "%s: has errors", what);
		}
		problems_fini(&p);
		return rb;
	}
	*ret_library = runbook_cli_library(c, false, ret_status);
	if (!*ret_library)
		return NULL;
	rb = library_find(*ret_library, what);
	if (!rb) {
		const char *near = library_nearest(*ret_library, what);
		*ret_status = cli_fail(c, EXIT_NO, "%s: no such runbook, or it has errors "
			"(ringdown runbook lint)%s%s%s",
				       what, near ? "; did you mean " : "", near ? near : "", near ?
					"?" : "");
	}
	return rb;
}

/* ---- list ---- */
static bool wanted(struct cli *c, const struct runbook *rb)
{
	const char *service = cli_opt(c, "service");
	const char *severity = cli_opt(c, "severity");
	const char *trigger = cli_opt(c, "trigger");
	bool hit = !trigger;

	for (size_t i = 0; i < rb->trigger.n_alerts && !hit; i++)
		hit = str_eq(rb->trigger.alerts[i], trigger);
	for (size_t i = 0; i < rb->trigger.n_kinds && !hit; i++)
		hit = str_eq(rb->trigger.kinds[i], trigger);
	return hit && (!service || str_eq(rb->service, service)) &&
		(!severity || str_eq(rb->severity, severity));
}

static int run_list(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "id", NULL, false }, { "title", NULL, false }, { "service", NULL, false },
		{ "severity", NULL, false }, { "phases", NULL, true }, { "steps", NULL, true },
		{ "changes", NULL, true }, { "destroys", NULL, true }, { "triggers", NULL, false },
	};
	int status;
	struct library *l = runbook_cli_library(c, true, &status);
	struct table t;

	if (!l)
		return status;
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (size_t i = 0; i < library_count(l); i++) {
		const struct runbook *rb = library_at(l, i);
		struct runbook_counts n = runbook_count(rb);
		struct str triggers = STR_INIT(1000);
		if (!wanted(c, rb))
			continue;
		runbook_triggers(&triggers, rb);
		table_add(&t, rb->id);
		table_add(&t, rb->title);
		table_add(&t, rb->service);
		table_add(&t, rb->severity);
		table_add_i64(&t, (int64_t)rb->n_phases);
		table_add_i64(&t, n.steps);
		table_add_i64(&t, n.changes);
		table_add_i64(&t, n.destroys);
		table_add(&t, triggers.len ? str_get(&triggers) : NULL);
		str_fini(&triggers);
	}
	table_print(&t, c, "runbooks");
	table_fini(&t);
	library_free(l);
	return EXIT_DONE;
}

/* ---- show ---- */
static int run_show(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);
	struct library *l;
	struct runbook *own;
	int status;
	const struct runbook *rb = runbook_cli_find(c, cli_arg(c, 0), &l, &own, &status);

	if (rb && cli_format(c) == FORMAT_JSON)
		runbook_json(&w, NULL, rb);
	else if (rb && cli_flag(c, "markdown"))
		runbook_markdown(&out, rb);
	else if (rb && cli_flag(c, "source"))
		str_add(&out, rb->source);
	else if (rb)
		runbook_text(&out, rb);
	if (rb && out.len && out.s[out.len - 1] != '\n')
		str_addc(&out, '\n');
	if (rb)
		cli_write(c, str_get(&out));
	str_fini(&out);
	library_free(l);
	runbook_free(own);
	return status;
}

/* ---- lint ---- */
static bool code_known(int64_t code)
{
	struct sms_code row;

	sms_code_find(code, &row);
	return row.known;
}

static void lint_more(const struct runbook *rb, const struct policy *policy, struct problems *p)
{
	runbook_lint_codes(rb, code_known, p);
	cases_check(rb, p);
	if (policy)
		runbook_lint_policy(rb, policy, p);
}

static void lint_json(struct cli *c, const struct problems *p, size_t files)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);

	jw_obj(&w, NULL);
	jw_i64(&w, "runbooks", (int64_t)files);
	jw_i64(&w, "errors", (int64_t)p->n_errors);
	jw_arr(&w, "problems");
	for (size_t i = 0; i < p->n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "file", p->v[i].file);
		jw_i64(&w, "line", p->v[i].at.line);
		jw_i64(&w, "column", p->v[i].at.column);
		jw_str(&w, "level", p->v[i].warning ? "warning" : "error");
		jw_str(&w, "text", p->v[i].text);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	str_addc(&out, '\n');
	cli_write(c, str_get(&out));
	str_fini(&out);
}

static int lint_result(struct cli *c, const struct problems *p, size_t files)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	size_t warnings = 0;

	for (size_t i = 0; i < p->n; i++)
		warnings += p->v[i].warning;
	if (cli_format(c) == FORMAT_JSON) {
		lint_json(c, p, files);
	} else {
		problems_print(&out, p);
		str_addf(&out, "%zu runbook%s, %zu error%s, %zu warning%s\n", files, files == 1 ?
			"" : "s",
			 p->n_errors, p->n_errors == 1 ? "" : "s", warnings, warnings == 1 ? "" :
				"s");
		cli_write(c, str_get(&out));
		str_fini(&out);
	}
	return p->n_errors || (warnings && cli_flag(c, "strict")) ? EXIT_NO : EXIT_DONE;
}

static struct policy *policy_beside(const char *dir, struct problems *p)
{
	_cleanup_(free_p) char *file = xasprintf("%s/policy.yaml", dir);
	struct err err = { 0 };
	struct stat st;
	struct policy *policy = stat(file, &st) ? NULL : policy_load(file, &err);

	if (err.code)
		problems_add(p, file, (struct place){ 1, 1 }, false, "%s", err.msg);
	return policy;
}

/* What a file by itself names elsewhere: runbooks beside it or on the shelf. */
static void lint_calls(const struct runbook *rb, const char *dir, const struct library *shelf,
		       struct problems *p)
{
	const struct step *s;

	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++) {
		if (s->op.verb != VERB_CALL)
			continue;
		_cleanup_(free_p) char *file = xasprintf("%s/%s.yaml", dir, s->op.text);
		if (!access(file, R_OK) || (shelf && library_find(shelf, s->op.text)))
			continue;
		const char *near = shelf ? library_nearest(shelf, s->op.text) : NULL;
		problems_add(p, rb->file, s->at, true,
			     "no runbook '%s' to call beside this one%s%s%s%s", s->op.text,
			     shelf ? " or on the shelf" : "", near ? ", did you mean '" : "",
			     near ? near : "", near ? "'?" : "");
	}
}

static int lint_files(struct cli *c)
{
	struct problems p = { 0 }, others = { 0 };
	int files = 0, known;
	_cleanup_(free_p) char *shelf = runbook_cli_dir(c, &known);
	struct library *library = shelf ? library_load(shelf, &others, NULL) : NULL;

	problems_fini(&others);
	for (; cli_arg(c, files); files++) {
		const char *name = cli_arg(c, files);
		struct runbook *rb = NULL;
		if (is_file(name)) {
			const char *slash = strrchr(name, '/');
			_cleanup_(free_p) char *dir = slash ?
				xstrndup(name, (size_t)(slash - name)) : xstrdup(
				".");
			struct policy *policy = policy_beside(*dir ? dir : "/", &p);
			if (!policy && shelf)
				policy = policy_beside(shelf, &p);
			rb = runbook_load(name, &p);
			if (rb)
				lint_more(rb, policy, &p);
			if (rb)
				lint_calls(rb, *dir ? dir : "/", library, &p);
			policy_free(policy);
		} else {
			int status;
			_cleanup_(free_p) char *dir = runbook_cli_dir(c, &status);
			if (!dir) {
				problems_fini(&p);
				return status;
			}
			_cleanup_(free_p) char *file = xasprintf("%s/%s.yaml", dir, name);
			struct policy *policy = policy_beside(dir, &p);
			rb = runbook_load(file, &p);
			if (rb)
				lint_more(rb, policy, &p);
			policy_free(policy);
		}
		runbook_free(rb);
	}
	int status = lint_result(c, &p, (size_t)files);
	problems_fini(&p);
	library_free(library);
	return status;
}

static int run_lint(struct cli *c)
{
	struct problems p = { 0 };
	struct err err = { 0 };
	int status;

	if (cli_argc(c))
		return lint_files(c);
	_cleanup_(free_p) char *dir = runbook_cli_dir(c, &status);
	if (!dir)
		return status;
	struct library *l = library_load(dir, &p, &err);
	if (!l)
		return cli_fail(c, EXIT_USAGE, "runbooks: %s", err.msg);
	struct policy *policy = policy_beside(dir, &p);
	for (size_t i = 0; i < library_count(l); i++)
		lint_more(library_at(l, i), policy, &p);
	policy_free(policy);
	status = lint_result(c, &p, library_count(l));
	library_free(l);
	problems_fini(&p);
	return status;
}

/* ---- schema ---- */
static int run_schema(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	if (cli_flag(c, "man"))
		runbook_manual(&out);
	else
		runbook_schema_json(&out);
	if (out.len && out.s[out.len - 1] != '\n')
		str_addc(&out, '\n');
	cli_write(c, str_get(&out));
	str_fini(&out);
	return EXIT_DONE;
}

#define DIR_OPTION { .name = "dir", .arg = "D", .help = "directory of the runbooks" }
static const struct cli_option list_options[] = {
	DIR_OPTION,
	{ .name = "service", .arg = "S", .help = "only those of this service" },
	{ .name = "severity", .arg = "ID", .help = "only those of this severity" },
	{ .name = "trigger", .arg = "NAME", .help = "only those offered for this alert or kind" },
};
static const struct cli_option show_options[] = {
	DIR_OPTION,
	{ .name = "markdown", .help = "as Markdown, for a wiki or a printout" },
	{ .name = "source", .help = "the file itself" },
};
static const struct cli_option lint_options[] = {
	DIR_OPTION,
	{ .name = "strict", .help = "warnings count as errors" },
};
static const struct cli_option test_options[] = {
	DIR_OPTION,
	{ .name = "case", .arg = "NAME", .help = "only this case" },
	{ .name = "format", .arg = "F", .help = "text, junit or tap", .choices = "text|junit|tap" },
	{ .name = "full", .help = "a step or branch that no case goes through counts as a"
				  " failure" },
};
static const struct cli_option import_options[] = {
	{ .name = "out", .arg = "FILE", .help = "write it there instead of stdout; never over a"
						" file" },
};
static const struct cli_option schema_options[] = {
	{ .name = "man", .help = "the manual page ringdown-runbook(5), as roff" },
};
#define WALK_OPTIONS                                                                               \
	{ .name = "answers", .arg = "FILE",                                                        \
	  .help = "YAML: step: answer, pick, phrase, go, retry or {skip: reason}; params: {}" },   \
	{ .name = "until", .arg = "STEP", .help = "stop after this step; the run stays open" },    \
	{ .name = "yes", .help = "confirm changes; never what destroys" },                         \
	{ .name = "tap", .help = "print the steps as TAP" },                                       \
	{ .name = "junit", .help = "print the steps as JUnit XML" }
static const struct cli_option run_options[] = {
	{ .name = "dry-run", .help = "do the reads, only print the changes" },
	{ .name = "param", .arg = "NAME=VALUE", .repeated = true,
	  .help = "a parameter; no secrets" },
	{ .name = "kind", .arg = "K", .choices = "real|drill|dry", .help = "what is this run?" },
	{ .name = "incident", .arg = "ID", .help = "what it belongs to" },
	{ .name = "subject", .arg = "S", .help = "what it is about" },
	WALK_OPTIONS,
};
static const struct cli_option resume_options[] = { WALK_OPTIONS };

static const struct cli_option undo_options[] = {
	{ .name = "yes", .help = "do not ask for the step's name" },
	{ .name = "cancel", .help = "not after all: while it waits for a value" },
};

static const struct subcommand verbs[] = {
	{ .name = "list", .kind = CLI_READS, .run = run_list,
	  .options = list_options, .n_options = COUNT_OF(list_options), .help = "every runbook" },
	{ .name = "show", .args = "RUNBOOK", .kind = CLI_READS, .run = run_show,
	  .options = show_options, .n_options = COUNT_OF(show_options),
	  .help = "its steps; RUNBOOK is an id or a file" },
	{ .name = "lint", .args = "[RUNBOOK...]", .kind = CLI_READS, .run = run_lint,
	  .options = lint_options, .n_options = COUNT_OF(lint_options),
	  .help = "check all, or those named: ids or files" },
	{ .name = "test", .args = "[RUNBOOK]", .kind = CLI_READS, .run = runbook_test,
	  .options = test_options, .n_options = COUNT_OF(test_options),
	  .help = "play the cases beside each runbook, without anything real" },
	{ .name = "import", .args = "FILE", .kind = CLI_READS, .run = runbook_import_cli,
	  .options = import_options, .n_options = COUNT_OF(import_options),
	  .help = "Markdown into a runbook to go on from; what share became steps goes to stderr" },
	{ .name = "run", .args = "RUNBOOK", .kind = CLI_CHANGES, .run = runbook_run,
	  .options = run_options, .n_options = COUNT_OF(run_options),
	  .help = "walk through one in the engine; stops where a person is wanted",
	  .detail = "The engine owns the run: it goes on, or waits, when this command ends. Without"
		    " an answer for what is wanted the command stops with status 1 and names the"
		    " step." },
	{ .name = "resume", .args = "RUN", .kind = CLI_CHANGES, .run = runbook_resume,
	  .options = resume_options, .n_options = COUNT_OF(resume_options),
	  .help = "go on with a run" },
	{ .name = "undo", .args = "RUN", .kind = CLI_CHANGES, .run = runbook_undo,
	  .options = undo_options, .n_options = COUNT_OF(undo_options),
	  .help = "order the undo of a run's last change, or take that order back" },
	{ .name = "schema", .kind = CLI_READS, .run = run_schema,
	  .options = schema_options, .n_options = COUNT_OF(schema_options),
	  .help = "the format as a JSON Schema, for editors" },
};

const struct subcommand cmd_runbook = {
	.name = "runbook",
	.help = "procedures: list, show, check, walk through, undo",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
