/*
 * What comes next: the first step in reading order that is not closed is the current one;
 * either something happens by itself (a stage) or a person is wanted (a wait). Steps that
 * need nobody (conditions that do not hold, notes, the end of a call, and in a dry run all
 * human steps) close here, so they need no entries and replay the same.
 *
 * Everything but the clock is decided here; flow_next adds the clock.
 */
#include <string.h>

#include "runbook/flow_priv.h"

/* ---- a step is reached -------------------------------------------------------------- */

static void close_quietly(struct node *n, int state, int disposition, enum run_outcome o)
{
	struct flow *f = n->flow;

	n->state = state;
	n->disposition = disposition;
	n->outcome = o;
	n->started_ms = n->started_ms ? n->started_ms : f->at_ms;
	n->ended_ms = f->at_ms;
}

static void close_with_inner(struct node *n, int disposition)
{
	struct flow *f = n->flow;

	close_quietly(n, RS_NOT_APPLICABLE, disposition, RO_NONE);
	for (int i = (int)(n - f->nodes) + 1; i < n->end; i++)
		if (!node_closed(&f->nodes[i]))
			close_quietly(&f->nodes[i], RS_NOT_APPLICABLE, disposition, RO_NONE);
}

static bool inner_open(const struct node *n)
{
	const struct flow *f = n->flow;

	for (int i = (int)(n - f->nodes) + 1; i < n->end; i++)
		if (!node_closed(&f->nodes[i]))
			return true;
	return false;
}

static enum run_outcome outcome_now(const struct node *n)
{
	return n->later ? n->later : n->outcome;
}

static enum run_outcome worst_inner(const struct node *n)
{
	const struct flow *f = n->flow;
	enum run_outcome worst = RO_PASS;

	for (int i = (int)(n - f->nodes) + 1; i < n->end; i++)
		if (outcome_now(&f->nodes[i]) > worst)
			worst = outcome_now(&f->nodes[i]);
	return worst;
}

/* A call is open while its steps are. */
static bool enter_call(struct node *n)
{
	struct flow *f = n->flow;

	if (n->state == RS_WAITING) {
		n->state = RS_RUNNING;
		n->attempt++;
		n->started_ms = f->at_ms;
		for (size_t i = 0; i < f->n_frames; i++)
			if (f->frames[i].call == (int)(n - f->nodes))
				frame_bind_with(f, (int)i);
	}
	if (inner_open(n))
		return true;
	close_quietly(n, RS_DONE, f->dry ? RDI_DRY : RDI_RAN, worst_inner(n));
	return true;
}

static bool human(const struct node *n)
{
	enum verb_id v = n->s->op.verb;

	return v == VERB_ASK || v == VERB_DECIDE || v == VERB_GATE || v == VERB_NOTE;
}

static bool needs_met(const struct node *n, const char **ret_which, const char **ret_how)
{
	for (size_t i = 0; i < n->s->n_needs; i++) {
		const struct node *on = flow_node_in(n->flow, n->frame, n->s->needs[i]);
		enum run_outcome o = on ? outcome_now(on) : RO_NONE;

		*ret_which = n->s->needs[i];
		*ret_how = !on || !node_closed(on) ? "is not done" : "did not pass";
		if (!on || !node_closed(on))
			return false;
		if (on->state == RS_UNDONE) {
			*ret_how = "was undone";
			return false;
		}
		if (on->state == RS_FAILED || o == RO_FAIL || o == RO_ERROR)
			return false;
	}
	return true;
}

static bool call_ready(const struct node *n)
{
	_cleanup_(free_p) char *ask = node_missing(n);
	const char *which, *how;

	if (n->s->confirm && (!n->confirmed || (n->s->confirm_second && !n->second_done)))
		return false;
	return !ask && (!n->s->optional || n->wanted) && needs_met(n, &which, &how);
}

/* Closed by itself, or opened for its inner steps: the walk goes on. */
static bool passes(struct node *n)
{
	struct flow *f = n->flow;
	int applies;

	if (n->state == RS_RUNNING && n->s->op.verb == VERB_CALL)
		return enter_call(n);
	if (n->state != RS_WAITING)
		return false;
	if (n->s->n_when && !n->wanted) {
		_cleanup_(free_p) char *ask = f->dry ? NULL : node_missing_when(n);

		if (ask)
			return false;
		applies = node_conditions(n, n->s->when, n->s->n_when, NULL);
		if (applies == 0 || (applies < 0 && !f->dry)) {
			close_with_inner(n, RDI_NOT_APPLICABLE);
			return true;
		}
	}
	if (f->dry && (human(n) || n->blocked)) {
		close_quietly(n, RS_DONE, RDI_DRY, n->s->op.verb == VERB_NOTE ? RO_PASS :
								       RO_UNKNOWN);
		return true;
	}
	if (n->s->op.verb == VERB_NOTE) {
		close_quietly(n, RS_DONE, RDI_RAN, RO_PASS);
		return true;
	}
	if (n->s->op.verb != VERB_CALL || n->blocked || (!f->dry && !call_ready(n)))
		return false;
	return enter_call(n);
}

/* ---- the current step ------------------------------------------------------------------ */

static void wait_for(struct flow *f, struct node *n, int kind, const char *param, const char *text)
{
	struct str b = STR_INIT(1000);

	f->stage = ST_NONE;
	f->wait.kind = kind;
	f->wait.node = (int)(n - f->nodes);
	str_replace(&f->wait.param, param);
	if (text)
		str_add(&b, text);
	else
		wait_text(f, n, kind, param, &b);
	free_p(&f->wait.text);
	f->wait.text = str_take(&b);
}

static bool rehearsed(const struct node *n)
{
	return n->s->preview || (n->s->op.verb == VERB_SQL && !n->s->op.tx &&
				 n->s->effect != EFFECT_READ);
}

/* Waiting steps, in the order in which a person meets it. */
static void stage_before(struct flow *f, struct node *n)
{
	const char *which, *how;
	enum verb_id verb = n->s->op.verb;
	_cleanup_(free_p) char *ask = NULL;

	if (n->blocked) {
		_cleanup_(free_p) char *text = xasprintf("not now: %s", n->blocked);

		wait_for(f, n, RW_FAILED, NULL, text);
		return;
	}
	if (f->dry) {
		f->stage = ST_RUN;
		return;
	}
	ask = n->s->n_when && !n->wanted ? node_missing_when(n) : NULL;
	if (!ask && !needs_met(n, &which, &how)) {
		_cleanup_(free_p) char *text = xasprintf("it needs %s, which %s", which, how);

		wait_for(f, n, RW_FAILED, NULL, text);
		return;
	}
	if (!ask && n->s->optional && !n->wanted && !human(n)) {
		wait_for(f, n, RW_OPTIONAL, NULL, NULL);
		return;
	}
	ask = ask ? ask : node_missing(n);
	if (ask)
		wait_for(f, n, RW_PARAM, ask, NULL);
	else if (verb == VERB_ASK)
		wait_for(f, n, RW_ANSWER, NULL, NULL);
	else if (verb == VERB_DECIDE)
		wait_for(f, n, RW_PICK, NULL, NULL);
	else if (verb == VERB_GATE)
		f->stage = ST_GATE;
	else if (rehearsed(n) && !n->previewed)
		f->stage = ST_PREVIEW;
	else if (n->preview_bad)
		wait_for(f, n, RW_FAILED, NULL, NULL);
	else if (n->s->confirm && !n->confirmed)
		wait_for(f, n, RW_CONFIRM, NULL, NULL);
	else if (n->s->confirm && n->s->confirm_second && !n->second_done)
		wait_for(f, n, RW_SECOND, NULL, NULL);
	else
		f->stage = ST_RUN;
}

static void stage_of(struct flow *f, struct node *n)
{
	switch (n->state) {
	case RS_RUNNING:
		f->stage = ST_RUNNING;
		if (n->s->op.verb != VERB_GATE)
			return;
		wait_for(f, n, n->s->op.gate_role || n->s->op.gate_window_ms ? RW_APPROVAL :
			 RW_GATE, NULL, NULL);
		f->stage = ST_GATE;
		return;
	case RS_UNKNOWN:
		wait_for(f, n, RW_HAPPENED, NULL, NULL);
		return;
	case RS_FAILED:
		if (n->retry_ms)
			f->stage = ST_RETRY;
		else
			wait_for(f, n, RW_FAILED, NULL, NULL);
		return;
	}
	stage_before(f, n);
}

/* At the start everything with `ask: start` is wanted at once. */
static bool asks_at_start(struct flow *f)
{
	const struct runbook *rb = f->frames[0].rb;

	if (f->dry || !f->n_nodes)
		return false;
	for (size_t i = 0; i < rb->n_params; i++)
		if (rb->params[i].ask == ASK_AT_START && !node_value(&f->nodes[0],
			rb->params[i].name)) {
			struct node *n = &f->nodes[0];

			if (n->frame != 0)
				return false;
			wait_for(f, n, RW_PARAM, rb->params[i].name, NULL);
			return true;
		}
	return false;
}

static bool undo_stage(struct flow *f)
{
	struct node *n = f->undoing >= 0 ? &f->nodes[f->undoing] : NULL;
	_cleanup_(free_p) char *ask = n && n->undo == UNDO_ORDERED ? node_missing_undo(n) : NULL;

	if (!n)
		return false;
	switch (n->undo) {
	case UNDO_ORDERED:
		if (ask)
			wait_for(f, n, RW_PARAM, ask, NULL);
		else
			f->stage = ST_UNDO;
		return true;
	case UNDO_RUNNING:
		f->stage = ST_UNDOING;
		return true;
	case UNDO_UNKNOWN:
		wait_for(f, n, RW_HAPPENED, NULL, NULL);
		return true;
	case UNDO_NONE:
	case UNDO_OFFERED:
	case UNDO_FAILED:
	case UNDO_DONE:
		break;
	}
	return false;
}

static void walk(struct flow *f)
{
	for (size_t i = 0; i < f->n_nodes; i++) {
		struct node *n = &f->nodes[i];

		if (node_closed(n) || passes(n))
			continue;
		f->cur = (int)i;
		stage_of(f, n);
		return;
	}
	/* the last steps of a call close it only now */
	for (size_t i = f->n_nodes; i-- > 0;)
		if (!node_closed(&f->nodes[i]))
			(void)passes(&f->nodes[i]);
	f->stage = ST_FINISH;
}

void flow_settle(struct flow *f)
{
	int was_kind = f->wait.kind, was_node = f->wait.node;
	_cleanup_(free_p) char *was_param = TAKE(f->wait.param);

	free_p(&f->wait.text);
	f->wait.kind = RW_NONE;
	f->wait.node = f->cur = -1;
	f->stage = ST_NONE;
	if (!f->begun)
		return;
	if (f->over) {
		f->stage = ST_OVER;
		(void)undo_stage(f);
	} else {
		if (!asks_at_start(f))
			walk(f);
		if (f->stage == ST_NONE || f->stage == ST_GATE || f->stage == ST_FINISH ||
		    f->undoing >= 0)
			(void)undo_stage(f);
	}
	int attempt = f->cur >= 0 ? (int)f->nodes[f->cur].attempt : 0;
	if (f->wait.kind != was_kind || f->wait.node != was_node ||
	    !str_eq(f->wait.param, was_param) || attempt != f->wait_attempt)
		f->wait_version = f->version;
	f->wait_attempt = attempt;
}

/* ---- with the clock ---------------------------------------------------------------------- */

static bool phase_open(const struct flow *f, size_t phase)
{
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].phase == (int)phase && !node_closed(&f->nodes[i]))
			return true;
	return false;
}

/* The first phase whose box is over and not noted yet, or -1; *ret_next_ms: the next end. */
int flow_due_phase(const struct flow *f, int64_t now_ms, int64_t *ret_next_ms)
{
	const struct runbook *rb = f->frames[0].rb;

	*ret_next_ms = 0;
	for (size_t i = 0; i < rb->n_phases && f->begun && !f->over && !f->dry; i++) {
		int64_t end = f->started_ms + rb->phases[i].box_to_ms;

		if (!rb->phases[i].has_box || f->phase_late[i] || !phase_open(f, i))
			continue;
		if (end <= now_ms)
			return (int)i;
		if (!*ret_next_ms || end < *ret_next_ms)
			*ret_next_ms = end;
	}
	return -1;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return !a ? b : !b ? a : a < b ? a : b;
}

static int64_t gate_due(const struct node *n)
{
	const struct operation *op = &n->s->op;
	int64_t since = n->started_ms + n->gate_shift_ms, due = 0;

	if (!n->opened)
		return n->flow->at_ms;
	if (op->gate_until)
		return sooner(n->gate_next_ms, op->gate_max_ms ? since + op->gate_max_ms : 0);
	if (op->gate_role || op->gate_window_ms) {
		if (op->gate_window_ms)
			due = since + op->gate_window_ms;
		return op->n_gate_steps ? sooner(due, n->gate_next_ms) : due;
	}
	return since + op->gate_time_ms;
}

/* A message that is repeated: until its word, a step or a phase, is reached. */
static bool still_said(const struct flow *f, const struct node *n)
{
	const char *until = n->s->op.say_until;
	const struct node *step = until ? flow_node_in(f, n->frame, until) : NULL;
	const struct runbook *rb = f->frames[n->frame].rb;

	if (step)
		return !node_closed(step);
	for (size_t i = 0; until && i < rb->n_phases; i++)
		if (str_eq(rb->phases[i].name, until) && n->frame == 0 && i + 1 < rb->n_phases)
			return !f->phase_late || phase_open(f, i);
	return true;
}

static const struct node *say_due(const struct flow *f, int64_t *ret_at)
{
	const struct node *best = NULL;

	*ret_at = 0;
	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct node *n = &f->nodes[i];
		int64_t at = n->ended_ms + n->s->op.say_every_ms;

		if (!n->s->op.say_every_ms || n->state != RS_DONE || n->disposition != RDI_RAN ||
		    !still_said(f, n))
			continue;
		if (!best || at < *ret_at) {
			best = n;
			*ret_at = at;
		}
	}
	return best;
}

static void next_of_stage(const struct flow *f, int64_t now_ms, struct todo *t)
{
	static const enum todo_kind kinds[] = {
		[ST_PREVIEW] = TODO_PREVIEW, [ST_RUN] = TODO_RUN, [ST_RETRY] = TODO_RUN,
		[ST_GATE] = TODO_GATE, [ST_FINISH] = TODO_FINISH, [ST_OVER] = TODO_NOTHING,
	};
	const struct node *n = f->cur >= 0 ? &f->nodes[f->cur] : NULL;
	int64_t due = !n ? 0 : f->stage == ST_RETRY ? n->retry_ms :
		      f->stage == ST_GATE ? gate_due(n) : 0;

	t->kind = kinds[f->stage];
	t->step = n ? n->s : NULL;
	t->attempt = n ? n->attempt + 1 : 0;
	t->dry = f->dry && n && n->s->effect != EFFECT_READ;
	if (f->stage == ST_GATE && !due) {
		t->kind = TODO_NOTHING;		/* an approval without end */
	} else if (due > now_ms) {
		t->kind = TODO_WAIT;
		t->until_ms = due;
	}
}

void flow_next(const struct flow *f, int64_t now_ms, struct todo *ret)
{
	int64_t phase_ms = 0, say_ms = 0;
	const struct node *say = NULL;
	int late = flow_due_phase(f, now_ms, &phase_ms);

	*ret = (struct todo){ .kind = TODO_NOTHING };
	if (f->stage == ST_UNDO) {
		ret->kind = TODO_UNDO;
		ret->step = f->nodes[f->undoing].s;
		return;
	}
	if (f->stage == ST_UNDOING || f->stage == ST_OVER || f->stage == ST_RUNNING || !f->begun)
		return;
	if (late >= 0) {
		ret->kind = TODO_LATE;
		ret->phase = f->frames[0].rb->phases[late].name;
		return;
	}
	if (f->paused) {
		ret->until_ms = phase_ms;
		return;
	}
	if (f->stage != ST_NONE)
		next_of_stage(f, now_ms, ret);
	if (f->stage != ST_FINISH)
		say = say_due(f, &say_ms);
	if (say && say_ms <= now_ms && (ret->kind == TODO_NOTHING || ret->kind == TODO_WAIT)) {
		*ret = (struct todo){ .kind = TODO_RUN, .step = say->s,
				      .attempt = say->attempt + 1 };
		return;
	}
	if (ret->kind == TODO_NOTHING || ret->kind == TODO_WAIT)
		ret->until_ms = sooner(ret->until_ms, sooner(phase_ms, say_ms));
}
