/*
 * `ringdown runbook run` and `resume`: a run in the engine, watched and answered from the
 * command line. The engine owns the run: when this command ends, by whatever cause, the run
 * is where it is, and `resume` goes on.
 *
 * Answers come from a file; without one for what is wanted the command stops and says which
 * step wants a person. --yes stands for the dialog's word of a change, never for the phrase
 * of a step that destroys, and nothing stands for a second person.
 */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"
#include "cli/runbook.h"
#include "core/mem.h"
#include "core/task.h"
#include "core/yaml.h"
#include "model/run.h"

enum { WAIT_MS = 1000 /* so long what happens may be told late */, PAUSE_MS = 250, SAME_MAX = 3 };

struct walk {
	struct cli *c;
	char *id;
	struct yaml *answers;
	struct run_doc doc;
	char *last_wait;		/* kind, step and parameter of the last order */
	int same;
	bool *told_step;		/* its end was printed */
	size_t n_told_step;
	bool gate_told;
};

/* ---- documents ------------------------------------------------------------------------- */

static int take_doc(struct walk *w, struct json *j)
{
	struct err err = { 0 };
	int r = run_doc_from_json(&w->doc, j, &err);

	json_free(j);
	return r < 0 ? cli_fail_err(w->c, &err) : 0;
}

/* wait_ms: the engine answers when a person is wanted or it is over, or then. */
static int fetch(struct walk *w, int64_t wait_ms)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/runs/%s?wait=%lld", w->id,
						 (long long)wait_ms);
	struct json *j = NULL;
	int status = remote_get(w->c, path, &j);

	return status ? status : take_doc(w, j);
}

static void tell_steps(struct walk *w)
{
	if (cli_format(w->c) != FORMAT_TEXT || cli_flag(w->c, "tap") || cli_flag(w->c, "junit"))
		return;
	if (w->n_told_step < w->doc.n_steps) {
		w->told_step = xrealloc(w->told_step, w->doc.n_steps * sizeof(*w->told_step));
		for (; w->n_told_step < w->doc.n_steps; w->n_told_step++)
			w->told_step[w->n_told_step] = false;
	}
	for (size_t i = 0; i < w->doc.n_steps; i++) {
		const struct run_step *s = &w->doc.steps[i];
		bool over = s->state == RS_DONE || s->state == RS_FAILED ||
			s->state == RS_SKIPPED ||
			    s->state == RS_UNKNOWN;

		if (w->told_step[i] || !over)
			continue;
		w->told_step[i] = true;
		cli_print(w->c, "%-8s %-7s %s%s%s\n", enum_name(&run_step_state_names, s->state),
			  s->outcome ? s->outcome : "-", s->id, str_empty(s->why) ? "" : ": ",
			  str_empty(s->why) ? "" : s->why);
		if (s->disposition == RDI_DRY && !str_empty(s->command))
			cli_print(w->c, "         would: %s\n", s->command);
		if (s->disposition == RDI_DRY && !str_empty(s->undo))
			cli_print(w->c, "         undo:  %s\n", s->undo);
	}
}

/* ---- answers ------------------------------------------------------------------------------ */

static const struct yaml *answer_for(const struct walk *w, const char *step)
{
	return w->answers && step ? yaml_get(w->answers, step) : NULL;
}

static void order_begin(const struct walk *w, struct jw *j, const char *action, bool step)
{
	jw_obj(j, NULL);
	jw_str(j, "action", action);
	jw_i64(j, "version", w->doc.run.version);
	if (step)
		jw_str(j, "step", w->doc.wait.step);
}

static void put_answer(const struct walk *w, struct jw *j, const struct yaml *a)
{
	const struct run_step *s = NULL;

	for (size_t i = 0; i < w->doc.n_steps; i++)
		if (str_eq(w->doc.steps[i].id, w->doc.wait.step))
			s = &w->doc.steps[i];
	order_begin(w, j, "answer", true);
	jw_str(j, "answer", a->text ? a->text : "done");
	if (s && str_eq(s->answer_kind, "done") && s->items) {
		_cleanup_(json_free_p) struct json *items = json_parse(s->items, strlen(s->items),
								       NULL);

		jw_arr(j, "items");
		for (size_t i = 0; i < json_count(items); i++)
			jw_bool(j, NULL, true);
		jw_arr_end(j);
	}
}

static bool put_failed(const struct walk *w, struct jw *j, const struct yaml *a)
{
	if (!str_eq(a->text, "go") && !str_eq(a->text, "retry"))
		return false;
	order_begin(w, j, a->text, true);
	return true;
}

static bool put_param(const struct walk *w, struct jw *j)
{
	const struct yaml *params = w->answers ? yaml_get(w->answers, "params") : NULL;
	const char *value = params ? yaml_get_str(params, w->doc.wait.param) : NULL;

	if (!value)
		return false;
	order_begin(w, j, "param", false);
	jw_str(j, "name", w->doc.wait.param);
	jw_str(j, "value", value);
	return true;
}

static bool put_confirm(const struct walk *w, struct jw *j, const struct yaml *a)
{
	bool phrase = !str_empty(w->doc.wait.phrase);

	if (!a && (phrase || w->doc.wait.destroy || !cli_flag(w->c, "yes")))
		return false;
	order_begin(w, j, "confirm", true);
	if (phrase)
		jw_str(j, "phrase", a->text ? a->text : "");
	return true;
}

/* The order that the answers give to what is wanted now; false: a person is needed. */
static bool build_order(const struct walk *w, struct jw *j)
{
	const struct yaml *a = answer_for(w, w->doc.wait.step);
	const char *skip = a && a->type == YAML_MAP ? yaml_get_str(a, "skip") : NULL;

	if (skip) {
		order_begin(w, j, "skip", true);
		jw_str(j, "reason", skip);
		return true;
	}
	switch (w->doc.wait.kind) {
	case RW_PARAM:
		return put_param(w, j);
	case RW_CONFIRM:
		return put_confirm(w, j, a);
	case RW_OPTIONAL:
		if (!w->answers)
			return false;
		order_begin(w, j, a ? "go" : "skip", true);
		if (!a)
			jw_str(j, "reason", "optional, no answer given");
		return true;
	case RW_FAILED:
		return a && put_failed(w, j, a);
	case RW_ANSWER:
		if (a)
			put_answer(w, j, a);
		return a != NULL;
	case RW_PICK:
		if (a && a->text) {
			order_begin(w, j, "pick", true);
			jw_str(j, "pick", a->text);
		}
		return a && a->text;
	case RW_HAPPENED:
		if (!a || (!str_eq(a->text, "happened") && !str_eq(a->text, "not-happened")))
			return false;
		order_begin(w, j, "happened", true);
		jw_bool(j, "happened", str_eq(a->text, "happened"));
		return true;
	}
	return false;
}

static int stop_at(struct walk *w)
{
	const struct run_wait *x = &w->doc.wait;

	return cli_fail(w->c, EXIT_NO, "%s stops at %s, which wants a person (%s): %s; go on in"
			" the console or with `ringdown runbook resume %s --answers FILE`", w->id,
			x->step ? x->step : "its start", enum_name(&run_wait_names, x->kind),
			x->text ? x->text : "", w->id);
}

static int give_order(struct walk *w)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/runs/%s/do", w->id);
	_cleanup_(free_p) char *now = xasprintf("%d %s %s", w->doc.wait.kind,
						w->doc.wait.step ? w->doc.wait.step : "",
						w->doc.wait.param ? w->doc.wait.param : "");
	struct str b = STR_INIT(64 << 10);
	struct jw j = JW(&b);
	struct json *reply = NULL;
	int status = 0;

	w->same = str_eq(now, w->last_wait) ? w->same + 1 : 0;
	str_replace(&w->last_wait, now);
	if (w->same >= SAME_MAX || !build_order(w, &j)) {
		str_fini(&b);
		return stop_at(w);
	}
	jw_obj_end(&j);
	status = remote_send(w->c, "POST", path, str_get(&b), &reply, NULL);
	str_fini(&b);
	return status ? status : take_doc(w, reply);
}

/* ---- results -------------------------------------------------------------------- */

static bool bad_outcome(const char *o)
{
	return str_eq(o, "fail") || str_eq(o, "error");
}

static void as_tap(const struct walk *w)
{
	size_t n = 0;

	cli_print(w->c, "TAP version 13\n1..%zu\n", w->doc.n_steps);
	for (size_t i = 0; i < w->doc.n_steps; i++) {
		const struct run_step *s = &w->doc.steps[i];
		bool skipped = s->state != RS_DONE && s->state != RS_FAILED &&
			       s->state != RS_UNKNOWN && s->state != RS_UNDONE;

		cli_print(w->c, "%sok %zu - %s%s%s\n", bad_outcome(s->outcome) ? "not " : "", ++n,
			  s->id, skipped ? " # SKIP " : "",
			  skipped ? enum_name(&run_step_state_names, s->state) : "");
		if (bad_outcome(s->outcome) && !str_empty(s->why))
			cli_print(w->c, "# %s\n", s->why);
	}
}

static void add_xml(struct str *out, const char *text)
{
	_cleanup_(free_p) char *clean = text_clean(text ? text : "", 0);

	for (const char *p = clean; *p; p++) {
		switch (*p) {
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '&': str_add(out, "&amp;"); break;
		case '"': str_add(out, "&quot;"); break;
		default: str_addc(out, *p); break;
		}
	}
}

static void as_junit(const struct walk *w)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	size_t failures = 0;

	for (size_t i = 0; i < w->doc.n_steps; i++)
		failures += bad_outcome(w->doc.steps[i].outcome);
	str_add(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite name=\"");
	add_xml(&b, w->doc.run.runbook);
	str_addf(&b, "\" tests=\"%zu\" failures=\"%zu\">\n", w->doc.n_steps, failures);
	for (size_t i = 0; i < w->doc.n_steps; i++) {
		const struct run_step *s = &w->doc.steps[i];

		str_add(&b, "<testcase classname=\"");
		add_xml(&b, w->doc.run.runbook);
		str_add(&b, "\" name=\"");
		add_xml(&b, s->id);
		str_addf(&b, "\" time=\"%.3f\">", s->ended_at_ms > s->started_at_ms ?
			 (double)(s->ended_at_ms - s->started_at_ms) / 1000 : 0.0);
		if (bad_outcome(s->outcome)) {
			str_add(&b, "<failure message=\"");
			add_xml(&b, s->why);
			str_add(&b, "\"/>");
		} else if (s->state == RS_SKIPPED || s->state == RS_NOT_APPLICABLE ||
			   s->state == RS_WAITING || s->state == RS_READY) {
			str_add(&b, "<skipped/>");
		}
		str_add(&b, "</testcase>\n");
	}
	str_add(&b, "</testsuite></testsuites>\n");
	cli_write(w->c, str_get(&b));
	str_fini(&b);
}

static void print_end(struct walk *w)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw j = JW(&b);

	if (cli_flag(w->c, "tap")) {
		as_tap(w);
	} else if (cli_flag(w->c, "junit")) {
		as_junit(w);
	} else if (cli_format(w->c) == FORMAT_JSON) {
		run_doc_json(&j, NULL, &w->doc);
		str_addc(&b, '\n');
		cli_write(w->c, str_get(&b));
	} else {
		const struct run *r = &w->doc.run;

		cli_print(w->c, "%s %s: %s%s%s\n", r->id, r->runbook,
			  enum_name(&run_status_names, r->status), r->outcome ? ", " : "",
			  r->outcome ? r->outcome : "");
		for (size_t i = 0; i < w->doc.n_holds; i++)
			cli_print(w->c, "held: %s (%s)\n", w->doc.holds[i].name,
				  w->doc.holds[i].step);
		for (size_t i = 0; i < w->doc.n_undo; i++)
			cli_print(w->c, "can be undone: %s\n", w->doc.undo[i]);
	}
	str_fini(&b);
}

static int verdict(const struct walk *w)
{
	if (w->doc.run.status == RUN_ABORTED || w->doc.run.status == RUN_FAILED ||
	    bad_outcome(w->doc.run.outcome))
		return EXIT_NO;
	return EXIT_DONE;
}

/* ---- the walk ------------------------------------------------------------------- */

static bool reached(const struct walk *w, const char *until, int *ret)
{
	for (size_t i = 0; until && i < w->doc.n_steps; i++) {
		const struct run_step *s = &w->doc.steps[i];

		if (!str_eq(s->id, until))
			continue;
		*ret = bad_outcome(s->outcome) ? EXIT_NO : EXIT_DONE;
		return s->state == RS_DONE || s->state == RS_FAILED || s->state == RS_SKIPPED ||
		       s->state == RS_NOT_APPLICABLE;
	}
	return false;
}

static bool known_step(const struct walk *w, const char *until)
{
	for (size_t i = 0; i < w->doc.n_steps; i++)
		if (str_eq(w->doc.steps[i].id, until))
			return true;
	return !until;
}

static int walk_on(struct walk *w)
{
	const char *until = cli_opt(w->c, "until");
	int status = 0, ret;

	if (!known_step(w, until))
		return cli_fail(w->c, EXIT_USAGE, "--until: %s has no step %s", w->doc.run.runbook,
				until);
	while (status == 0) {
		const struct run *r = &w->doc.run;

		tell_steps(w);
		if (r->ended_at_ms) {
			print_end(w);
			return verdict(w);
		}
		if (reached(w, until, &ret)) {
			print_end(w);
			return ret;
		}
		if (w->doc.wait.kind == RW_GATE && !w->gate_told) {
			cli_note(w->c, "%s: %s", w->id, w->doc.wait.text);
			w->gate_told = true;
		}
		if (w->doc.wait.kind != RW_NONE && w->doc.wait.kind != RW_GATE &&
		    r->status != RUN_PAUSED) {
			status = give_order(w);
			continue;
		}
		w->gate_told = w->gate_told && w->doc.wait.kind == RW_GATE;
		if (r->status == RUN_PAUSED || w->doc.wait.kind == RW_GATE)
			task_sleep(PAUSE_MS);
		status = fetch(w, WAIT_MS);
	}
	return status;
}

static int load_answers(struct walk *w)
{
	const char *file = cli_opt(w->c, "answers");
	struct err err = { 0 };

	if (!file)
		return 0;
	w->answers = yaml_load(file, &err);
	if (!w->answers)
		return cli_fail(w->c, EXIT_USAGE, "--answers: %s", err.msg);
	if (w->answers->type != YAML_MAP)
		return cli_fail(w->c, EXIT_USAGE, "--answers: %s: a map of step: answer is wanted",
				file);
	return 0;
}

static void walk_fini(struct walk *w)
{
	run_doc_fini(&w->doc);
	yaml_free(w->answers);
	free_p(&w->id);
	free_p(&w->last_wait);
	free_p(&w->told_step);
}

static int add_params(struct walk *w, struct jw *j)
{
	const struct yaml *params = w->answers ? yaml_get(w->answers, "params") : NULL;

	jw_obj(j, "params");
	for (size_t i = 0; i < cli_opt_count(w->c, "param"); i++) {
		const char *text = cli_opt_at(w->c, "param", i), *eq = strchr(text, '=');
		_cleanup_(free_p) char *name = eq ? xstrndup(text, (size_t)(eq - text)) : NULL;

		if (!eq)
			return cli_fail(w->c, EXIT_USAGE, "--param: NAME=VALUE, got '%s'", text);
		jw_str(j, name, eq + 1);
	}
	for (const struct yaml *y = params ? params->first : NULL; y; y = y->next)
		if (y->text && !strchr(y->key, '/'))
			jw_str(j, y->key, y->text);
	jw_obj_end(j);
	return 0;
}

static int begin(struct walk *w)
{
	struct str b = STR_INIT(1 << 20);
	struct jw j = JW(&b);
	struct json *reply = NULL;
	int status;

	jw_obj(&j, NULL);
	jw_str(&j, "runbook", cli_arg(w->c, 0));
	if (cli_flag(w->c, "dry-run"))
		jw_bool(&j, "dry", true);
	if (cli_opt(w->c, "kind"))
		jw_str(&j, "kind", cli_opt(w->c, "kind"));
	if (cli_opt(w->c, "incident"))
		jw_str(&j, "incident", cli_opt(w->c, "incident"));
	if (cli_opt(w->c, "subject"))
		jw_str(&j, "subject", cli_opt(w->c, "subject"));
	status = add_params(w, &j);
	jw_obj_end(&j);
	if (!status)
		status = remote_send(w->c, "POST", "/api/v1/runs", str_get(&b), &reply, NULL);
	str_fini(&b);
	if (status)
		return status;
	w->id = xstrdup(json_get_str(reply, "id"));
	return take_doc(w, reply);
}

static int run_in_task(struct cli *c)
{
	struct walk w = { .c = c };
	int status = load_answers(&w);

	if (!status)
		status = begin(&w);
	if (!status)
		status = walk_on(&w);
	walk_fini(&w);
	return status;
}

static int resume_in_task(struct cli *c)
{
	struct walk w = { .c = c, .id = xstrdup(cli_arg(c, 0)) };
	int status = load_answers(&w);

	if (!status)
		status = fetch(&w, 0);
	if (!status)
		status = walk_on(&w);
	walk_fini(&w);
	return status;
}

int runbook_run(struct cli *c)
{
	return cli_run(c, run_in_task);
}

int runbook_resume(struct cli *c)
{
	return cli_run(c, resume_in_task);
}
