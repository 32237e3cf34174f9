/*
 * People's orders: who may give them, on which state, and the entry they become. Nothing
 * changes here; the entry is stored first.
 *
 * One person drives: orders that move the run are the driver's. A pause, an abort, a note,
 * taking over, the second confirmation and an approval are open to every operator. An order
 * on something that has changed since its version was read is refused with what happened.
 */
#include <string.h>

#include "runbook/flow_priv.h"

struct ordering {
	const struct flow *f;
	struct node *n;			/* step named, else the current one */
	const struct json *o;
	const char *by;
	int role;
	int64_t now_ms;
	struct run_entry *ret;
	struct str data;
	struct jw w;
	struct err *err;
};

static const char *text_of(const struct ordering *g, const char *name)
{
	const char *s = json_get_str(g->o, name);

	return str_empty(s) ? NULL : s;
}

static void put_reason(struct ordering *g)
{
	_cleanup_(free_p) char *clean = text_of(g, "reason") ?
					text_clean(text_of(g, "reason"), 1000) : NULL;

	if (clean)
		jw_str(&g->w, "reason", clean);
}

static int moved_on(const struct ordering *g)
{
	const struct flow *f = g->f;
	int64_t ago = (g->now_ms - f->last.at_ms) / 1000;

	if (f->over)
		return err_set(g->err, ERR_CONFLICT, "the run is over");
	if (f->last.by && !str_eq(f->last.by, g->by))
		return err_set(g->err, ERR_CONFLICT, "%s was first: %s, %lld s ago", f->last.by,
			       enum_name(&run_entry_names, f->last.kind),
			       (long long)(ago < 0 ? 0 : ago));
	return err_set(g->err, ERR_CONFLICT, "the run has moved on: %s",
		       f->wait.text ? f->wait.text : "it is at work");
}

/* The person is wanted for exactly this, at the current step. */
static int wanted(const struct ordering *g, int kind)
{
	const struct flow *f = g->f;

	if (f->wait.kind != kind)
		return moved_on(g);
	if (g->n != &f->nodes[f->wait.node])
		return err_set(g->err, ERR_CONFLICT, "the run is at %s",
			       f->nodes[f->wait.node].s->id);
	return 0;
}

/* ---- who may ------------------------------------------------------------------------- */

/* Another person than the one who asked; an admin may break the glass, with a reason. */
static int another(struct ordering *g, const char *asked)
{
	if (!asked || !str_eq(asked, g->by))
		return 0;
	if (!json_get_bool(g->o, "breakGlass", false))
		return err_set(g->err, ERR_DENIED,
			       "%s asked for it: another person is needed, or an admin with"
			       " breakGlass and a reason", asked);
	if (g->role < PR_ADMIN)
		return err_set(g->err, ERR_DENIED, "only an admin may do without a second person");
	if (!text_of(g, "reason"))
		return err_field(g->err, ERR_INVALID, "reason",
				 "breaking the glass needs a reason");
	jw_bool(&g->w, "breakGlass", true);
	return 0;
}

/* ---- orders ---------------------------------------------------------------------------- */

static int o_take(struct ordering *g)
{
	if (str_eq(g->f->driver, g->by))
		return err_set(g->err, ERR_CONFLICT, "you drive it already");
	jw_str(&g->w, "to", g->by);
	return 0;
}

static int o_give(struct ordering *g)
{
	const char *to = text_of(g, "to");

	if (str_eq(to, g->by))
		return err_field(g->err, ERR_INVALID, "to", "name another person, or nobody");
	jw_str(&g->w, "to", to);
	return 0;
}

static int o_param(struct ordering *g)
{
	const char *name = text_of(g, "name");
	_cleanup_(free_p) char *value = json_scalar_text(json_get(g->o, "value"));
	bool secret = false;
	int r;

	if (g->f->over && g->f->wait.kind != RW_PARAM)
		return err_set(g->err, ERR_CONFLICT, "the run is over");
	if (!name)
		return err_field(g->err, ERR_INVALID, "name", "which parameter?");
	if (!value)
		return err_field(g->err, ERR_INVALID, "value", "is missing");
	r = flow_param_value(g->f, name, value, NULL, &secret, g->err);
	if (r < 0)
		return r;
	jw_str(&g->w, "name", name);
	if (secret)
		jw_bool(&g->w, "secret", true);
	else
		jw_str(&g->w, "value", value);
	return 0;
}

/* The phrase of a step that destroys; NULL: the dialog's own word is enough. */
static const char *phrase_of(const struct node *n)
{
	if (n->s->confirm_type)
		return n->s->confirm_type;
	return n->s->effect == EFFECT_DESTROY ? n->s->id : NULL;
}

static int o_confirm(struct ordering *g)
{
	bool second = g->f->wait.kind == RW_SECOND;
	const char *phrase = phrase_of(g->n);
	int r = wanted(g, second ? RW_SECOND : RW_CONFIRM);

	if (r == 0 && phrase && !str_eq(json_get_str(g->o, "phrase"), phrase))
		return err_field(g->err, ERR_INVALID, "phrase", "type exactly: %s", phrase);
	if (r == 0 && second)
		r = another(g, g->n->confirmed_by);
	if (r < 0)
		return r;
	if (second)
		jw_bool(&g->w, "second", true);
	put_reason(g);
	return 0;
}

static bool is_item(const struct operation *op, const char *text)
{
	for (size_t i = 0; i < op->n_items; i++)
		if (str_eq(op->items[i], text))
			return true;
	return false;
}

static int answer_value(struct ordering *g, const char *text, struct value *v)
{
	const struct operation *op = &g->n->s->op;
	const char *kind = op->answer ? op->answer : "done";
	double number;

	if (str_eq(kind, "done")) {
		value_set_text(v, "done");
	} else if (!text) {
		return err_field(g->err, ERR_INVALID, "answer", "is missing");
	} else if (str_eq(kind, "yesno") && !str_eq(text, "yes") && !str_eq(text, "no")) {
		return err_field(g->err, ERR_INVALID, "answer", "yes or no");
	} else if (str_eq(kind, "number")) {
		if (!parse_double(text, &number))
			return err_field(g->err, ERR_INVALID, "answer", "a number is wanted");
		value_set_number(v, number);
	} else if (str_eq(kind, "choice") && !is_item(op, text)) {
		return err_field(g->err, ERR_INVALID, "answer", "not one of the choices");
	} else {
		value_set_text(v, text);
	}
	return 0;
}

static int o_answer(struct ordering *g)
{
	int r = wanted(g, RW_ANSWER);
	_cleanup_(free_p) char *text = json_scalar_text(json_get(g->o, "answer"));
	_cleanup_(free_p) char *clean = text ? text_clean(text, 4000) : NULL;
	struct value result = { .type = V_MAP };
	struct str judged = STR_INIT(STR_MAX_DEFAULT);

	if (r == 0)
		r = answer_value(g, clean, value_add(&result, "answer"));
	if (r == 0) {
		(void)value_from_json(value_add(&result, "items"), json_get(g->o, "items"));
		flow_judge(g->f, g->n->s, &result, NULL, &judged);
		/* the judged object goes on with the answer itself */
		str_clear(&g->data);
		str_addn(&g->data, str_get(&judged), judged.len - 1);
		g->w = (struct jw){ .out = &g->data, .comma = true };
		jw_str(&g->w, "answer", clean ? clean : "done");
		if (json_get(g->o, "items"))
			jw_json(&g->w, "items", json_get(g->o, "items"));
	}
	str_fini(&judged);
	value_fini(&result);
	return r;
}

static int o_pick(struct ordering *g)
{
	int r = wanted(g, RW_PICK);
	const char *pick = text_of(g, "pick");

	if (r < 0)
		return r;
	for (size_t i = 0; i < g->n->s->op.n_options; i++)
		if (str_eq(g->n->s->op.options[i].pick, pick)) {
			jw_str(&g->w, "pick", pick);
			put_reason(g);
			return 0;
		}
	return err_field(g->err, ERR_INVALID, "pick", "the decision has no option %s",
			 pick ? pick : "without a name");
}

static bool human(const struct node *n)
{
	return n->s->op.verb == VERB_ASK || n->s->op.verb == VERB_NOTE;
}

static bool approval(const struct node *n)
{
	return n->s->op.verb == VERB_GATE && (n->s->op.gate_role || n->s->op.gate_window_ms);
}

static int o_skip(struct ordering *g)
{
	bool current = g->f->cur >= 0 && g->n == &g->f->nodes[g->f->cur];

	if (node_closed(g->n))
		return err_set(g->err, ERR_CONFLICT, "%s is over: %s", g->n->s->id,
			       enum_name(&run_step_state_names, g->n->state));
	if (g->n->state == RS_RUNNING && g->n->s->op.verb != VERB_GATE &&
	    g->n->s->op.verb != VERB_CALL)
		return err_set(g->err, ERR_CONFLICT, "%s is running", g->n->s->id);
	if (!current && !g->n->s->optional && !text_of(g, "reason"))
		return err_field(g->err, ERR_INVALID, "reason", "a skipped step needs a reason");
	if (!g->n->s->optional && !text_of(g, "reason"))
		return err_field(g->err, ERR_INVALID, "reason", "a skipped step needs a reason");
	if (approval(g->n) && g->role < PR_ADMIN)
		return err_set(g->err, ERR_DENIED, "only an admin may skip an approval");
	put_reason(g);
	return 0;
}

static int o_retry(struct ordering *g)
{
	const struct node *n = g->n;

	if (n->s->op.verb == VERB_CALL || n->s->op.verb == VERB_DECIDE)
		return err_set(g->err, ERR_CONFLICT, "jump to %s to begin it anew", n->s->id);
	if (n->state == RS_WAITING && n->preview_bad)
		return 0;
	if (n->state == RS_UNKNOWN && n->s->effect != EFFECT_READ)
		return err_set(g->err, ERR_CONFLICT, "say first whether it happened");
	if (n->state == RS_FAILED || n->state == RS_UNKNOWN)
		return 0;
	if (n->state == RS_DONE && n->s->effect == EFFECT_READ && !human(n))
		return 0;
	return err_set(g->err, ERR_CONFLICT, "%s is %s: nothing to try again", n->s->id,
		       enum_name(&run_step_state_names, n->state));
}

static int o_go(struct ordering *g)
{
	const struct node *n = g->n;

	if (g->f->wait.kind == RW_OPTIONAL)
		return wanted(g, RW_OPTIONAL);
	if (wanted(g, RW_FAILED) < 0)
		return g->err ? g->err->code : ERR_CONFLICT;
	if (n->state == RS_WAITING && !n->preview_bad)
		return err_set(g->err, ERR_CONFLICT, "%s: skip it with a reason, or jump",
			       g->f->wait.text);
	if (n->state == RS_FAILED && n->s->on_fail == ON_FAIL_STOP)
		return err_set(g->err, ERR_CONFLICT,
			       "%s must pass before anything else: retry, skip it with a reason, or"
			       " abort",
			       n->s->id);
	put_reason(g);
	return 0;
}

/* Inside an option that was not picked there is nothing to do. */
static int reachable(struct ordering *g)
{
	const struct flow *f = g->f;

	for (const struct node *n = g->n; n->parent >= 0; n = &f->nodes[n->parent]) {
		const struct node *up = &f->nodes[n->parent];

		if (n->option >= 0 &&
		    !str_eq(up->picked, up->s->op.options[n->option].pick))
			return err_set(g->err, ERR_CONFLICT, "pick %s at %s first",
				       up->s->op.options[n->option].pick, up->s->id);
	}
	return 0;
}

static int o_jump(struct ordering *g)
{
	const struct flow *f = g->f;
	int r = reachable(g);

	if (r < 0)
		return r;
	if (f->stage == ST_RUNNING)
		return err_set(g->err, ERR_CONFLICT, "%s is running",
			       f->cur >= 0 ? f->nodes[f->cur].s->id : "a step");
	if (f->cur >= 0 && f->nodes[f->cur].state == RS_UNKNOWN)
		return err_set(g->err, ERR_CONFLICT, "say first whether %s happened",
			       f->nodes[f->cur].s->id);
	for (size_t i = 0; i < g->n->s->n_needs; i++) {
		const struct node *on = flow_node_in(f, g->n->frame, g->n->s->needs[i]);
		bool met = on && (on->state == RS_DONE || on->state == RS_SKIPPED ||
				  on->state == RS_NOT_APPLICABLE);

		if (!met)
			return err_set(g->err, ERR_CONFLICT, "%s needs %s first", g->n->s->id,
				       g->n->s->needs[i]);
	}
	for (const struct node *n = f->nodes; n < g->n; n++)
		if (approval(n) && !node_closed(n))
			return err_set(g->err, ERR_CONFLICT, "the approval %s lies between",
				       n->s->id);
	put_reason(g);
	return 0;
}

static int o_pause(struct ordering *g)
{
	if (g->f->paused)
		return err_set(g->err, ERR_CONFLICT, "%s paused it already", g->f->paused_by);
	put_reason(g);
	return 0;
}

static int o_unpause(struct ordering *g)
{
	if (!g->f->paused)
		return err_set(g->err, ERR_CONFLICT, "it is not paused");
	return 0;
}

static int o_decide_gate(struct ordering *g, bool yes)
{
	int r = wanted(g, RW_APPROVAL);
	int needed = g->n->s->op.gate_role ?
		     enum_parse(&person_role_names, g->n->s->op.gate_role) : PR_OPERATOR;

	if (r < 0)
		return r;
	if (needed > 0 && g->role < needed)
		return err_set(g->err, ERR_DENIED, "the role %s decides here",
			       g->n->s->op.gate_role);
	if (yes)
		r = another(g, g->f->driver ? g->f->driver : g->f->started_by);
	if (r < 0)
		return r;
	jw_bool(&g->w, "approved", yes);
	put_reason(g);
	return 0;
}

static int o_approve(struct ordering *g)
{
	return o_decide_gate(g, true);
}

static int o_reject(struct ordering *g)
{
	return o_decide_gate(g, false);
}

static int o_happened(struct ordering *g)
{
	const struct json *h = json_get(g->o, "happened");
	int r = wanted(g, RW_HAPPENED);

	if (r < 0)
		return r;
	if (json_type(h) != JSON_BOOL)
		return err_field(g->err, ERR_INVALID, "happened", "true or false");
	jw_json(&g->w, "happened", h);
	return 0;
}

static int o_undo(struct ordering *g)
{
	const struct flow *f = g->f;
	const struct node *top = f->n_undo ? &f->nodes[f->undo[f->n_undo - 1]] : NULL;

	if (!top)
		return err_set(g->err, ERR_CONFLICT, "there is nothing to undo");
	if (f->undoing >= 0)
		return err_set(g->err, ERR_CONFLICT, "%s is being undone",
			       f->nodes[f->undoing].s->id);
	if (f->stage == ST_RUNNING || f->stage == ST_RUN || f->stage == ST_RETRY)
		return err_set(g->err, ERR_CONFLICT, "a step is running");
	if (!json_get_str(g->o, "step"))
		g->n = flow_node(f, top->s);
	if (g->n != top)
		return err_set(g->err, ERR_CONFLICT, "undo %s first: it was done after %s",
			       top->s->id, g->n->s->id);
	jw_bool(&g->w, "undo", true);
	return 0;
}

/* An undo that was ordered and waits for a value has not begun; from then on it is too late. */
static int o_keep(struct ordering *g)
{
	const struct flow *f = g->f;
	const struct node *n = f->undoing >= 0 ? &f->nodes[f->undoing] : NULL;

	if (!n || (g->n && json_get_str(g->o, "step") && g->n != n))
		return err_set(g->err, ERR_CONFLICT, "no undo was ordered%s%s",
			       g->n ? " of " : "", g->n ? g->n->s->id : "");
	if (n->undo != UNDO_ORDERED || f->wait.kind != RW_PARAM ||
	    f->wait.node != (int)(n - f->nodes))
		return err_set(g->err, ERR_CONFLICT, "the undo of %s has begun", n->s->id);
	g->n = flow_node(f, n->s);
	jw_bool(&g->w, "keep", true);
	return 0;
}

static int o_release(struct ordering *g)
{
	const char *name = text_of(g, "hold");

	for (size_t i = 0; i < g->f->n_holds; i++)
		if (str_eq(g->f->holds[i].name, name)) {
			jw_str(&g->w, "hold", name);
			put_reason(g);
			return 0;
		}
	return err_field(g->err, ERR_NOT_FOUND, "hold", "%s is not held", name ? name : "nothing");
}

static int o_note(struct ordering *g)
{
	_cleanup_(free_p) char *clean = text_of(g, "text") ? text_clean(text_of(g, "text"), 4000) :
							     NULL;
	struct str b = STR_INIT(64 << 10);

	if (!clean)
		return err_field(g->err, ERR_INVALID, "text", "is empty");
	str_add(&b, clean);
	masker_apply(g->f->masker, &b);
	jw_str(&g->w, "text", str_get(&b));
	str_fini(&b);
	return 0;
}

static int o_abort(struct ordering *g)
{
	if (!text_of(g, "reason"))
		return err_field(g->err, ERR_INVALID, "reason", "why is it aborted?");
	put_reason(g);
	return 0;
}

/* driver: only the one who drives. fresh: refused when the version is old. step: needs one
 * (the current when none is named). paused, over: also then. */
enum { O_DRIVER = 1, O_FRESH = 2, O_STEP = 4, O_PAUSED = 8, O_OVER = 16 };
static const struct action {
	const char *name;
	int kind, flags;
	int (*fn)(struct ordering *g);
} actions[] = {
	{ "take", RE_DRIVER, O_PAUSED | O_OVER, o_take },
	{ "give", RE_DRIVER, O_DRIVER | O_PAUSED, o_give },
	{ "param", RE_PARAM, O_DRIVER | O_PAUSED | O_OVER, o_param },
	{ "confirm", RE_CONFIRM, O_FRESH | O_STEP, o_confirm },
	{ "answer", RE_ANSWER, O_DRIVER | O_FRESH | O_STEP, o_answer },
	{ "pick", RE_PICK, O_DRIVER | O_FRESH | O_STEP, o_pick },
	{ "skip", RE_SKIP, O_DRIVER | O_FRESH | O_STEP | O_PAUSED, o_skip },
	{ "retry", RE_RETRY, O_DRIVER | O_FRESH | O_STEP, o_retry },
	{ "go", RE_GO, O_DRIVER | O_FRESH | O_STEP, o_go },
	{ "jump", RE_JUMP, O_DRIVER | O_FRESH | O_STEP | O_PAUSED, o_jump },
	{ "pause", RE_PAUSE, 0, o_pause },
	{ "unpause", RE_UNPAUSE, O_DRIVER | O_PAUSED, o_unpause },
	{ "approve", RE_APPROVE, O_FRESH | O_STEP, o_approve },
	{ "reject", RE_APPROVE, O_FRESH | O_STEP, o_reject },
	{ "happened", RE_HAPPENED, O_DRIVER | O_FRESH | O_STEP | O_PAUSED | O_OVER, o_happened },
	{ "undo", RE_CONFIRM, O_DRIVER | O_FRESH | O_PAUSED | O_OVER, o_undo },
	{ "keep", RE_CONFIRM, O_DRIVER | O_PAUSED | O_OVER, o_keep },
	{ "release", RE_RELEASE, O_DRIVER | O_PAUSED | O_OVER, o_release },
	{ "note", RE_NOTE, O_PAUSED | O_OVER, o_note },
	{ "abort", RE_ABORT, O_PAUSED, o_abort },
};

static const struct action *find_action(struct ordering *g)
{
	const char *names[COUNT_OF(actions)];
	const char *name = text_of(g, "action"), *near;

	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		names[i] = actions[i].name;
		if (str_eq(name, names[i]))
			return &actions[i];
	}
	near = name ? str_nearest(name, names, COUNT_OF(names)) : NULL;
	err_field(g->err, ERR_INVALID, "action", near ? "there is no action %s; meant %s?" :
		  "there is no action %s", name ? name : "without a name", near);
	return NULL;
}

static int may(struct ordering *g, const struct action *a)
{
	const struct flow *f = g->f;
	bool second = a->fn == o_confirm && f->wait.kind == RW_SECOND;
	int64_t version = json_get_i64(g->o, "version", -1);

	if (g->role < PR_OPERATOR)
		return err_set(g->err, ERR_DENIED, "the role operator gives orders");
	if (f->over && !(a->flags & O_OVER))
		return err_set(g->err, ERR_CONFLICT, "the run is over: %s",
			       enum_name(&run_status_names, f->status));
	if ((a->flags & O_DRIVER || (a->fn == o_confirm && !second)) &&
	    !str_eq(f->driver, g->by))
		return err_set(g->err, ERR_CONFLICT, f->driver ?
			       "%s drives this run: take it first" :
			       "nobody drives this run: take it first", f->driver);
	if (f->paused && !(a->flags & O_PAUSED))
		return err_set(g->err, ERR_CONFLICT, "%s paused the run: continue it first",
			       f->paused_by);
	if (!(a->flags & O_FRESH))
		return 0;
	if (version < 0)
		return err_field(g->err, ERR_INVALID, "version",
				 "which version was this given on?");
	if (version < f->wait_version || version > f->version)
		return moved_on(g);
	return 0;
}

static int find_step(struct ordering *g, const struct action *a)
{
	const char *id = text_of(g, "step");

	if (id)
		g->n = flow_node_id(g->f, id);
	else if (g->f->wait.node >= 0)
		g->n = &g->f->nodes[g->f->wait.node];
	else if (g->f->cur >= 0)
		g->n = &g->f->nodes[g->f->cur];
	if (id && !g->n)
		return err_field(g->err, ERR_NOT_FOUND, "step", "the run has no step %s", id);
	if (!g->n && (a->flags & O_STEP))
		return err_set(g->err, ERR_CONFLICT, "no step wants it");
	return 0;
}

int flow_order(const struct flow *f, const struct json *order, const char *by, int role,
	       int64_t now_ms, struct run_entry *ret, struct err *err)
{
	struct err own = { 0 };
	struct ordering g = { .f = f, .o = order, .by = by, .role = role, .now_ms = now_ms,
			      .ret = ret, .data = STR_INIT(STR_MAX_DEFAULT),
			      .err = err ? err : &own };
	const struct action *a = find_action(&g);
	int r = a ? 0 : ERR_INVALID;

	g.w = JW(&g.data);
	jw_obj(&g.w, NULL);
	if (r == 0)
		r = may(&g, a);
	if (r == 0)
		r = find_step(&g, a);
	if (r == 0)
		r = a->fn(&g);
	if (r == 0) {
		jw_obj_end(&g.w);
		*ret = (struct run_entry){ .n = f->version + 1, .at_ms = now_ms, .kind = a->kind,
					   .by = xstrdup(by) };
		if (g.n && (a->flags & O_STEP || a->fn == o_undo || a->fn == o_keep ||
			    text_of(&g, "step")))
			ret->step = xstrdup(g.n->s->id);
		ret->data = str_take(&g.data);
	}
	str_fini(&g.data);
	return r;
}
