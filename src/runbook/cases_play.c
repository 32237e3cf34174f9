/*
 * Plays one case on the flow: what the engine would do is taken from `results`, what people
 * would do from `answers`, `picks` and `confirm`, and the clock jumps to whatever is due.
 *
 * It adds nothing of its own: a result or an answer that the case does not give ends it,
 * with the name of what is missing.
 */
#include "runbook/cases_play.h"

#include <stdarg.h>
#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "runbook/keys.h"
#include "runbook/outline.h"
#include "runbook/parse.h"
#include "runbook/verb.h"

enum { TURNS_MAX = 50000 };
static const char *const driver = "tester";
static const char *const other = "second";

void play_wrong(struct play *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	str_addf(&p->why, "%s\n", text);
}

const struct yaml *play_given(const struct play *p, const char *name, const char *id)
{
	return yaml_get(yaml_get(p->y, name), id);
}

static void stop(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void stop(struct play *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	play_wrong(p, "%s", text);
	p->stuck = true;
}

/* ---- entries --------------------------------------------------------------------------- */
static bool in_path(const struct play *p, const char *id)
{
	for (size_t i = 0; i < p->n_path; i++)
		if (str_eq(p->path[i], id))
			return true;
	return false;
}

/* Steps that were begun since the last entry, in reading order; notes do nothing. */
static void note_path(struct play *p)
{
	struct run_doc d = { 0 };

	flow_doc(p->flow, p->now_ms, &d);
	for (size_t i = 0; i < d.n_steps; i++) {
		int s = d.steps[i].state;
		bool begun = s == RS_RUNNING || s == RS_DONE || s == RS_FAILED || s == RS_UNKNOWN ||
			s == RS_UNDONE;
		if (begun && !str_eq(d.steps[i].verb, "note") && !in_path(p, d.steps[i].id))
			*PUSH(&p->path, &p->n_path) = xstrdup(d.steps[i].id);
	}
	run_doc_fini(&d);
}

static void apply(struct play *p, struct run_entry *e)
{
	struct err err = { 0 };

	e->n = flow_version(p->flow) + 1;
	e->at_ms = p->now_ms;
	if (flow_apply(p->flow, e, &err))
		stop(p, "%s", err.msg);
	else
		note_path(p);
}

static void enter(struct play *p, int kind, const char *step, const char *data)
{
	struct run_entry e = { .kind = kind, .step = xstrdup(step), .by = xstrdup(driver),
			       .data = xstrdup(data) };

	apply(p, &e);
	run_entry_fini(&e);
}

/* {"action","step","version","reason", name: text, "items": raw}. */
static bool order(struct play *p, const char *by, const char *action, const char *step,
		  const char *name, const char *text, const char *items)
{
	struct str body = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&body);
	struct run_entry e = { 0 };
	struct err err = { 0 };

	jw_obj(&w, NULL);
	jw_str(&w, "action", action);
	jw_i64(&w, "version", flow_version(p->flow));
	if (step)
		jw_str(&w, "step", step);
	if (!str_eq(name, "reason"))
		jw_str(&w, "reason", "as the case says");
	if (name)
		jw_str(&w, name, text);
	if (items)
		jw_raw(&w, "items", items);
	jw_obj_end(&w);
	_cleanup_(json_free_p) struct json *j = json_parse(str_get(&body), body.len, &err);
	int r = j ? flow_order(p->flow, j, by, PR_ADMIN, p->now_ms, &e, &err) : ERR_INVALID;
	if (r)
		stop(p, "%s of %s: %s", action, step ? step : "the run", err.msg);
	else
		apply(p, &e);
	run_entry_fini(&e);
	str_fini(&body);
	return r == 0;
}

/* ---- results --------------------------------------------------------------------------- */
static void typed_times(struct value *v)
{
	struct value *time = NULL;
	int64_t ms;

	for (size_t i = 0; v->type == V_MAP && i < v->n_items; i++)
		if (str_eq(v->items[i].name, "time"))
			time = &v->items[i];
	if (!time || time->type != V_TEXT || !parse_duration_ms(time->text, &ms))
		return;
	value_set_text(time, NULL);
	time->type = V_DURATION;
	time->ms = ms;
}

static size_t times_used(struct play *p, const char *map, const char *id, bool count)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_used; i++)
		n += str_eq(p->used[i].id, id) && str_eq(p->used[i].command, map);
	if (count)
		*PUSH(&p->used, &p->n_used) = (struct played){ xstrdup(id), xstrdup(map) };
	return n;
}

/* The next of the results given for a step; the last one stays. */
static const struct yaml *next_result(struct play *p, const char *map, const char *id, bool count)
{
	const struct yaml *y = play_given(p, map, id);

	if (!y || y->type != YAML_LIST)
		return y;
	const struct yaml *c = y->first;
	for (size_t n = times_used(p, map, id, count); n && c && c->next; n--)
		c = c->next;
	return c;
}

/* false: nothing is given. */
static bool take_result(struct play *p, const struct step *s, struct value *v, struct err *failed)
{
	const struct yaml *y = next_result(p, "results", s->id, true);
	const char *error = yaml_get_str(y, "error");

	if (!y && s->op.verb == VERB_SAY) {
		value_set_bool(value_add(v, "sent"), true);
		return true;
	}
	if (!y)
		return false;
	if (error)
		err_set(failed, str_eq(error, "timeout") ? ERR_TIMEOUT : ERR_FAILED, "%s", error);
	value_from_yaml(v, y);
	typed_times(v);
	return true;
}

static void judge(struct play *p, const struct step *s, struct str *data)
{
	struct value v = { 0 };
	struct err failed = { 0 };

	if (take_result(p, s, &v, &failed))
		flow_judge(p->flow, s, &v, failed.code ? &failed : NULL, data);
	else
		stop(p, "results: nothing is given for step '%s'", s->id);
	value_fini(&v);
}

/* ---- what the engine does ---------------------------------------------------------------- */
static void describe(struct play *p, const struct step *s, const struct operation *op,
		     struct str *out)
{
	const struct verb_env env = { 0 };
	struct scope scope = { 0 };
	struct err err = { 0 };
	struct verb_call call = {
		.env = &env, .runbook = p->rb, .step = s, .op = op, .effect = s->effect,
		.scope = &scope, .masker = flow_masker(p->flow), .expect_affected = -1,
		.run_id = "RUN-1", .by = driver, .now_ms = p->now_ms, .timeout_ms = s->timeout_ms,
	};

	flow_scope(p->flow, s, &scope);
	if (op->verb == VERB_HTTP || op->verb == VERB_SQL || op->verb == VERB_RUN) {
		if (verb_by_id(op->verb)->describe(&call, out, &err))
			str_addf(out, "%s(%s)", out->len ? " " : "", err.msg);
	} else {
		operation_text(out, op);
	}
	free_p(&scope.needs);
}

static void begin_data(const char *command, const char *undo, struct str *data)
{
	struct jw w = JW(data);

	jw_obj(&w, NULL);
	jw_str(&w, "command", command);
	if (undo)
		jw_str(&w, "undo", undo);
	jw_obj_end(&w);
}

static void to_time_of(struct play *p, const char *id)
{
	const struct yaml *at = play_given(p, "at", id);
	int64_t ms;

	if (at && at->text && parse_duration_ms(at->text, &ms) && p->start_ms + ms > p->now_ms)
		p->now_ms = p->start_ms + ms;
}

static void act(struct play *p, const struct todo *t)
{
	struct str command = STR_INIT(STR_MAX_DEFAULT), undo = STR_INIT(STR_MAX_DEFAULT);
	struct str data = STR_INIT(STR_MAX_DEFAULT);

	describe(p, t->step, &t->step->op, &command);
	if (t->step->undo)
		describe(p, t->step, t->step->undo, &undo);
	*PUSH(&p->bound, &p->n_bound) = (struct played){ xstrdup(t->step->id),
							 xstrdup(str_get(&command)) };
	begin_data(str_get(&command), t->step->undo ? str_get(&undo) : NULL, &data);
	enter(p, RE_BEGIN, t->step->id, str_get(&data));
	to_time_of(p, t->step->id);
	str_clear(&data);
	if (t->dry)
		flow_judge_dry(p->flow, t->step, str_get(&command), str_get(&undo), NULL, &data);
	else
		judge(p, t->step, &data);
	if (!p->stuck)
		enter(p, RE_END, t->step->id, str_get(&data));
	str_fini(&command);
	str_fini(&undo);
	str_fini(&data);
}

static void preview(struct play *p, const struct step *s)
{
	const struct yaml *own = next_result(p, "previews", s->id, false);
	const struct yaml *later = next_result(p, "results", s->id, false);
	struct str data = STR_INIT(STR_MAX_DEFAULT);
	struct value v = { 0 };
	int64_t affected = -1;

	if (own)
		value_from_yaml(&v, own);
	if (yaml_get_str(later, "affected"))
		parse_i64(yaml_get_str(later, "affected"), 0, INT64_MAX, &affected);
	if (yaml_get_str(own, "affected"))
		parse_i64(yaml_get_str(own, "affected"), 0, INT64_MAX, &affected);
	flow_judge_preview(p->flow, s, own ? &v : NULL, affected, NULL, &data);
	enter(p, RE_PREVIEW, s->id, str_get(&data));
	value_fini(&v);
	str_fini(&data);
}

static void undo(struct play *p, const struct step *s)
{
	const struct yaml *y = play_given(p, "undoes", s->id);
	struct str command = STR_INIT(STR_MAX_DEFAULT), data = STR_INIT(STR_MAX_DEFAULT);
	struct err failed = { 0 };
	const char *error = yaml_get_str(y, "error");

	describe(p, s, s->undo, &command);
	begin_data(str_get(&command), NULL, &data);
	enter(p, RE_UNDO_BEGIN, s->id, str_get(&data));
	str_clear(&data);
	if (error) {
		err_set(&failed, ERR_FAILED, "%s", error);
		flow_judge(p->flow, s, NULL, &failed, &data);
	} else {
		str_add(&data, "{\"outcome\":\"pass\"}");
	}
	enter(p, RE_UNDO_END, s->id, str_get(&data));
	str_fini(&command);
	str_fini(&data);
}

static enum run_outcome outcome_in(const char *data)
{
	_cleanup_(json_free_p) struct json *j = json_parse(data, strlen(data), NULL);
	const char *text = json_get_str(j, "outcome");

	for (int o = RO_PASS; o <= RO_ERROR; o++)
		if (str_eq(run_outcome_name((enum run_outcome)o), text))
			return (enum run_outcome)o;
	return RO_NONE;
}

static void gate(struct play *p, const struct step *s)
{
	enum run_outcome worst = RO_NONE;
	struct str data = STR_INIT(STR_MAX_DEFAULT);
	const struct step *check;

	for (size_t i = 0; (check = flow_gate_check(p->flow, s, i)) && !p->stuck; i++) {
		str_clear(&data);
		judge(p, check, &data);
		enum run_outcome o = p->stuck ? RO_NONE : outcome_in(str_get(&data));
		worst = o > worst ? o : worst;
	}
	str_clear(&data);
	flow_gate(worst, NULL, &data);
	if (!p->stuck)
		enter(p, RE_GATE, s->id, str_get(&data));
	str_fini(&data);
}

/* ---- what people do ------------------------------------------------------------------------ */
static void all_items(const struct run_step *s, struct str *out)
{
	_cleanup_(json_free_p) struct json *items = s->items ?
		json_parse(s->items, strlen(s->items), NULL) :
							     NULL;

	str_addc(out, '[');
	for (size_t i = 0; i < json_count(items); i++)
		str_add(out, i ? ",true" : "true");
	str_addc(out, ']');
}

/* {skip|retry|go|abort|reject: reason} of answers; true when one was given. */
static bool special(struct play *p, const char *id)
{
	static const char *const actions[] = { "skip", "retry", "go", "abort", "reject", "jump" };
	const struct yaml *y = next_result(p, "answers", id, true);

	for (size_t i = 0; y && y->type == YAML_MAP && i < COUNT_OF(actions); i++) {
		const struct yaml *reason = yaml_get(y, actions[i]);
		if (!reason)
			continue;
		bool jump = str_eq(actions[i], "jump");
		order(p, driver, actions[i], jump ? reason->text : id, "reason",
		      reason->text && !jump ? reason->text : "as the case says", NULL);
		return true;
	}
	return false;
}

static void answer(struct play *p, const struct run_doc *d, const char *id)
{
	const struct yaml *y = play_given(p, "answers", id);
	const struct run_step *s = NULL;
	struct str items = STR_INIT(100000);

	if (special(p, id))
		return;
	for (size_t i = 0; i < d->n_steps; i++)
		if (str_eq(d->steps[i].id, id))
			s = &d->steps[i];
	if (y && y->type == YAML_LIST)
		y = y->first;
	if (!y || !y->text || !s) {
		stop(p, "answers: nothing is given for step '%s'", id);
		return;
	}
	to_time_of(p, id);
	all_items(s, &items);
	order(p, driver, "answer", id, "answer", y->text, str_eq(s->answer_kind, "choice") ? NULL :
	      str_get(&items));
	str_fini(&items);
}

static void confirm(struct play *p, const struct run_wait *w, const char *id)
{
	const struct yaml *y = play_given(p, "confirm", id);

	if (w->kind == RW_CONFIRM && special(p, id))
		return;
	if (w->phrase && w->phrase[0] && (!y || !y->text)) {
		stop(p, "confirm: step '%s' wants the phrase '%s'", id, w->phrase);
		return;
	}
	order(p, w->kind == RW_SECOND ? other : driver, "confirm", id, "phrase",
	      y && y->text ? y->text : "", NULL);
}

static void pick(struct play *p, const char *id)
{
	const struct yaml *y = next_result(p, "picks", id, true);

	if (special(p, id))
		return;
	to_time_of(p, id);
	if (y && y->text)
		order(p, driver, "pick", id, "pick", y->text, NULL);
	else
		stop(p, "picks: nothing is given for step '%s'", id);
}

static void approval(struct play *p, const char *id, int64_t until_ms)
{
	const struct yaml *y = play_given(p, "answers", id);

	if (special(p, id))
		return;
	to_time_of(p, id);
	if (y && y->text)
		order(p, other, str_eq(y->text, "no") ? "reject" : "approve", id, NULL, NULL, NULL);
	else if (until_ms > p->now_ms)
		p->now_ms = until_ms;
	else
		stop(p, "answers: nobody approves step '%s'", id);
}

static bool must_pass(const struct play *p, const char *id)
{
	const struct step *s = id ? flow_step(p->flow, id) : NULL;

	return s && s->on_fail == ON_FAIL_STOP;
}

static void give_param(struct play *p, const char *name, const char *text, bool secret);

static void person(struct play *p, int64_t until_ms)
{
	struct run_doc d = { 0 };
	const char *id;

	flow_doc(p->flow, p->now_ms, &d);
	id = d.wait.step;
	switch (d.wait.kind) {
	case RW_CONFIRM:
	case RW_SECOND: confirm(p, &d.wait, id); break;
	case RW_ANSWER: answer(p, &d, id); break;
	case RW_PICK: pick(p, id); break;
	case RW_OPTIONAL:
		if (!special(p, id))
			order(p, driver, "go", id, NULL, NULL, NULL);
		break;
	case RW_FAILED:
		if (str_eq(yaml_get_str(yaml_get(p->y, "expect"), "waits"), id))
			p->stuck = true;
		else if (!special(p, id)) /* what must pass and did not: that is the end */
			order(p, driver, must_pass(p, id) ? "abort" : "go", id, NULL, NULL, NULL);
		break;
	case RW_APPROVAL: approval(p, id, until_ms); break;
	case RW_GATE:
		if (special(p, id))
			break;
		if (until_ms > p->now_ms)
			p->now_ms = until_ms;
		else
			stop(p, "step '%s' waits for ever: %s", id, d.wait.text);
		break;
	case RW_PARAM: {
		const struct yaml *y = play_given(p, "params", d.wait.param);
		bool again = y && times_used(p, "params", d.wait.param, true) > 0;
		const struct step *by = id ? flow_step(p->flow, id) : NULL;
		if (y && y->text && !again)
			give_param(p, d.wait.param, y->text, false);
		else if (!y && by && by->op.verb == VERB_SAY) /* a message's field: any text */
			give_param(p, d.wait.param, d.wait.param, false);
		else
			stop(p, "params: '%s' is wanted by step '%s'", d.wait.param, id ? id : "-");
		break;
	}
	default:
		if (until_ms > p->now_ms)
			p->now_ms = until_ms;
		else
			stop(p, "the run stands still: %s", d.wait.text ? d.wait.text :
			     "nothing is due");
		break;
	}
	run_doc_fini(&d);
}

/* ---- from start to end ---------------------------------------------------------- */
static void give_param(struct play *p, const char *name, const char *text, bool secret)
{
	struct str body = STR_INIT(100000);
	struct jw w = JW(&body);
	struct run_entry e = { 0 };
	struct err err = { 0 };

	if (secret) {
		struct secret *s = secret_new(text);
		flow_secret(p->flow, name, s);
		secret_free(s);
		return;
	}
	jw_obj(&w, NULL);
	jw_str(&w, "action", "param");
	jw_str(&w, "name", name);
	jw_str(&w, "value", text);
	jw_obj_end(&w);
	_cleanup_(json_free_p) struct json *j = json_parse(str_get(&body), body.len, &err);
	if (flow_order(p->flow, j, driver, PR_ADMIN, p->now_ms, &e, &err))
		stop(p, "params: %s", err.msg);
	else
		apply(p, &e);
	run_entry_fini(&e);
	str_fini(&body);
}

/* Those of the runbook at once; fields of messages when they are asked for. */
static void give_params(struct play *p)
{
	const struct yaml *params = yaml_get(p->y, "params");
	struct run_doc d = { 0 };

	flow_doc(p->flow, p->now_ms, &d);
	for (const struct yaml *c = params ? params->first : NULL; c && !p->stuck; c = c->next)
		for (size_t i = 0; i < d.n_params; i++)
			if (str_eq(d.params[i].name, c->key) && c->text)
				give_param(p, c->key, c->text, d.params[i].secret);
	run_doc_fini(&d);
}

static void turn(struct play *p)
{
	struct todo t;

	flow_next(p->flow, p->now_ms, &t);
	switch (t.kind) {
	case TODO_PREVIEW: preview(p, t.step); break;
	case TODO_RUN: act(p, &t); break;
	case TODO_UNDO: undo(p, t.step); break;
	case TODO_GATE: gate(p, t.step); break;
	case TODO_WAIT:
		if (t.until_ms > p->now_ms)
			p->now_ms = t.until_ms;
		else
			stop(p, "the flow waits for what is past");
		break;
	case TODO_LATE: enter(p, RE_LATE, t.phase, NULL); break;
	case TODO_FINISH: enter(p, RE_FINISH, NULL, NULL); break;
	case TODO_NOTHING: person(p, t.until_ms); break;
	}
}

static void undo_all(struct play *p)
{
	struct run_doc d = { 0 };
	size_t left;

	do {
		run_doc_fini(&d);
		memset(&d, 0, sizeof(d));
		flow_doc(p->flow, p->now_ms, &d);
		left = d.n_undo;
		if (left && order(p, driver, "undo", d.undo[0], NULL, NULL, NULL)) {
			struct todo t;
			flow_next(p->flow, p->now_ms, &t);
			if (t.kind == TODO_UNDO)
				undo(p, t.step);
			else
				stop(p, "the undo of '%s' does not begin", d.undo[0]);
		}
	} while (left && !p->stuck);
	run_doc_fini(&d);
}

void play_case(struct play *p)
{
	bool dry = str_eq(yaml_get_str(p->y, "dry"), "true");
	int turns = 0;

	p->why = STR_INIT(100000);
	p->start_ms = p->now_ms = INT64_C(1767225600000); /* 2026-01-01 */
	p->flow = flow_new(p->rb, p->lib);
	enter(p, RE_STARTED, NULL,
	      dry ? "{\"id\":\"RUN-1\",\"kind\":\"dry\",\"environment\":\"test\",\"params\":{}}" :
	      "{\"id\":\"RUN-1\",\"kind\":\"real\",\"environment\":\"test\",\"params\":{}}");
	if (!p->stuck)
		give_params(p);
	while (!p->stuck && !flow_over(p->flow) && turns++ < TURNS_MAX)
		turn(p);
	if (turns >= TURNS_MAX)
		stop(p, "no end after %d turns", TURNS_MAX);
	if (!p->stuck && str_eq(yaml_get_str(p->y, "undo"), "true"))
		undo_all(p);
}

void play_fini(struct play *p)
{
	for (size_t i = 0; i < p->n_used; i++) {
		free_p(&p->used[i].id);
		free_p(&p->used[i].command);
	}
	for (size_t i = 0; i < p->n_bound; i++) {
		free_p(&p->bound[i].id);
		free_p(&p->bound[i].command);
	}
	for (size_t i = 0; i < p->n_path; i++)
		free_p(&p->path[i]);
	free_p(&p->used);
	free_p(&p->bound);
	free_p(&p->path);
	str_fini(&p->why);
	flow_free(p->flow);
}
