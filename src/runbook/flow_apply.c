/*
 * state = fold(entries): what each kind of entry changes. The data of an entry:
 *
 *   started   id kind environment incident subject params{} policy (sources, found:
 *             for the host)
 *   driver    to                      param   name, value or secret: true
 *   preview   as end, affected        confirm undo, keep, second, breakGlass, reason
 *   begin     command undo            end     outcome checks[] saves{} result{} output explain{}
 *                                             why final dry command undo, or lost
 *   answer    as end, answer items[]  pick    pick
 *   skip retry go jump pause unpause abort    reason
 *   approve   approved reason breakGlass      gate  nothing (it opens), or outcome why
 *   happened  happened                undo-begin    command
 *   undo-end  as end                  release hold reason       note  text
 *   late      nothing; step is the phase      finish nothing
 *
 * It never refuses what was stored except for a step that is not there or a gap in n: what
 * may be done is decided before, in flow_order.c and by the host.
 */
#include <string.h>

#include "runbook/flow_priv.h"

struct applying { struct flow *f; struct node *n; const struct run_entry *e; const struct json *d;
		  };

/* ---- small changes ---------------------------------------------------------------- */

static void hold_drop(struct flow *f, const char *name)
{
	for (size_t i = 0; name && i < f->n_holds; i++) {
		if (!str_eq(f->holds[i].name, name))
			continue;
		free_p(&f->holds[i].name);
		free_p(&f->holds[i].by);
		free_p(&f->holds[i].text);
		f->n_holds--;
		memmove(&f->holds[i], &f->holds[i + 1], (f->n_holds - i) * sizeof(*f->holds));
		return;
	}
}

static void hold_add(struct flow *f, struct node *n)
{
	if (f->dry || !n->s->hold)
		return;
	hold_drop(f, n->s->hold);
	f->holds = grow(f->holds, &f->cap_holds, f->n_holds + 1, sizeof(*f->holds));
	f->holds[f->n_holds++] = (struct held){ xstrdup(n->s->hold),
		xstrdup(n->by ? n->by : f->driver), xstrdup(n->s->title ? n->s->title : n->s->id),
		(int)(n - f->nodes), f->at_ms };
}

static void undo_drop(struct flow *f, struct node *n)
{
	for (size_t i = f->n_undo; i-- > 0;) {
		if (f->undo[i] != (int)(n - f->nodes))
			continue;
		f->n_undo--;
		memmove(&f->undo[i], &f->undo[i + 1], (f->n_undo - i) * sizeof(*f->undo));
		return;
	}
}

/* Done once more, it is still undone once: to what was before the first time. */
static void undo_push(struct flow *f, struct node *n)
{
	if (!n->s->undo || f->dry)
		return;
	undo_drop(f, n);
	f->undo = grow(f->undo, &f->cap_undo, f->n_undo + 1, sizeof(*f->undo));
	f->undo[f->n_undo++] = (int)(n - f->nodes);
	n->undo = UNDO_OFFERED;
}

static bool to_be_undone(const struct node *n)
{
	const struct flow *f = n->flow;

	for (size_t i = 0; i < f->n_undo; i++)
		if (&f->nodes[f->undo[i]] == n)
			return true;
	return false;
}

static void set_inner(struct node *n, int state)
{
	struct flow *f = n->flow;

	for (int i = (int)(n - f->nodes) + 1; i < n->end; i++)
		if (!node_closed(&f->nodes[i])) {
			f->nodes[i].state = state;
			f->nodes[i].disposition = state == RS_SKIPPED ? RDI_SKIPPED :
								      RDI_NOT_APPLICABLE;
			f->nodes[i].ended_ms = f->at_ms;
		}
}

/* As if it had not been reached yet; what it did before stays in the entries and, when it
 * can be undone, on the stack. */
static void reset(struct node *n)
{
	n->state = RS_WAITING;
	n->disposition = RDI_NONE;
	n->outcome = n->later = RO_NONE;
	n->tries = n->retry_ms = n->gate_next_ms = n->gate_shift_ms = 0;
	n->wanted = n->previewed = n->preview_bad = n->confirmed = n->second_done = false;
	n->passed_over = n->opened = n->final = n->preview_stale = false;
	n->started_ms = n->ended_ms = 0;
	free_p(&n->reason);
	free_p(&n->picked);
	free_p(&n->answer);
	free_p(&n->why);
	free_p(&n->preview);
	free_p(&n->preview_why);
	free_p(&n->confirmed_by);
}

static void take_json(char **slot, const struct json *j)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	free_p(slot);
	if (json_type(j) != JSON_OBJECT && json_type(j) != JSON_ARRAY)
		return;
	json_print_ordered(&b, j);	/* columns as the query has them */
	*slot = str_take(&b);
}

static enum run_outcome outcome_of(const struct json *d)
{
	const char *text = json_get_str(d, "outcome");

	for (int o = RO_PASS; text && o <= RO_ERROR; o++)
		if (strcmp(run_outcome_name((enum run_outcome)o), text) == 0)
			return (enum run_outcome)o;
	return text ? RO_UNKNOWN : RO_NONE;
}

static void take_saves(struct value *map, const struct json *saves)
{
	for (const struct json *j = json_first(saves); j; j = json_next(j)) {
		struct value v = { 0 };

		if (value_from_json(&v, j) == 0)
			frame_set(map, json_name(j), &v);
		value_fini(&v);
	}
}

static void take_result(struct node *n, const struct json *d)
{
	take_json(&n->result, json_get(d, "result"));
	take_json(&n->checks, json_get(d, "checks"));
	take_json(&n->explain, json_get(d, "explain"));
	str_replace(&n->output, json_get_str(d, "output"));
	str_replace(&n->why, json_get_str(d, "why"));
	if (json_get_str(d, "command"))
		str_replace(&n->command, json_get_str(d, "command"));
	if (json_get_str(d, "undo"))
		str_replace(&n->undo_command, json_get_str(d, "undo"));
	take_saves(&n->flow->frames[n->frame].saves, json_get(d, "saves"));
}

/* ---- steps -------------------------------------------------------------------------- */

static bool changes(const struct node *n)
{
	return n->s->effect != EFFECT_READ && n->s->op.verb != VERB_CALL;
}

/* A change that failed may have half happened, unless its transaction was rolled back. */
static bool may_have_happened(const struct node *n)
{
	return changes(n) && !(n->s->op.verb == VERB_SQL && !n->s->op.tx);
}

static void step_failed(struct node *n)
{
	struct flow *f = n->flow;

	n->state = RS_FAILED;
	if (may_have_happened(n) && n->undo == UNDO_NONE)
		undo_push(f, n);
	if (!n->final && n->tries <= n->s->retry_times && n->s->retry_times)
		n->retry_ms = f->at_ms + n->s->retry_every_ms;
	else if (n->s->on_fail == ON_FAIL_GO || f->dry)
		n->passed_over = true;
}

static void step_done(struct node *n)
{
	n->state = RS_DONE;
	if (!changes(n))
		return;
	undo_push(n->flow, n);
	hold_add(n->flow, n);
	hold_drop(n->flow, n->s->release);
}

static void close_step(struct node *n, const struct json *d)
{
	n->outcome = outcome_of(d);
	n->ended_ms = n->flow->at_ms;
	n->disposition = json_get_bool(d, "dry", false) ? RDI_DRY : RDI_RAN;
	n->final = json_get_bool(d, "final", false);
	take_result(n, d);
	if (n->disposition == RDI_DRY)
		n->state = RS_DONE;
	else if (n->outcome == RO_FAIL || n->outcome == RO_ERROR)
		step_failed(n);
	else
		step_done(n);
}

static void on_begin(struct applying *a)
{
	struct node *n = a->n;

	if (n->state == RS_DONE && n->s->op.say_every_ms) {	/* said again */
		n->attempt++;
		return;
	}
	n->state = RS_RUNNING;
	n->attempt++;
	n->tries++;
	n->started_ms = a->e->at_ms;
	n->ended_ms = n->retry_ms = 0;
	n->outcome = RO_NONE;
	str_clear(&n->live);
	if (n->confirmed_by)
		str_replace(&n->by, n->confirmed_by);
	str_replace(&n->command, json_get_str(a->d, "command"));
	str_replace(&n->undo_command, json_get_str(a->d, "undo"));
}

static void on_end(struct applying *a)
{
	struct node *n = a->n;

	if (n->state == RS_DONE && n->s->op.say_every_ms) {
		n->ended_ms = a->e->at_ms;
		return;
	}
	if (!json_get_bool(a->d, "lost", false)) {
		close_step(n, a->d);
		return;
	}
	n->state = RS_UNKNOWN;
	n->outcome = RO_UNKNOWN;
	n->ended_ms = a->e->at_ms;
	if (changes(n))
		hold_add(n->flow, n);
}

static void on_happened(struct applying *a)
{
	bool happened = json_get_bool(a->d, "happened", false);
	struct flow *f = a->f;

	str_replace(&a->n->by, a->e->by);
	if (f->undoing >= 0 && f->nodes[f->undoing].undo == UNDO_UNKNOWN) {
		struct node *n = &f->nodes[f->undoing];

		n->undo = happened ? UNDO_DONE : UNDO_OFFERED;
		if (happened) {
			n->state = RS_UNDONE;
			undo_drop(f, n);
			hold_drop(f, n->s->undo_release);
		}
		f->undoing = -1;
		return;
	}
	if (happened) {
		a->n->disposition = RDI_RAN;
		step_done(a->n);
	} else {
		hold_drop(f, a->n->s->hold);
		reset(a->n);
		a->n->wanted = true;
	}
}

static void on_preview(struct applying *a)
{
	struct node *n = a->n;
	enum run_outcome o = outcome_of(a->d);

	if (n->preview_stale) { /* it began with a value that is no longer the one */
		n->preview_stale = false;
		return;
	}
	n->previewed = true;
	n->preview_bad = o == RO_FAIL || o == RO_ERROR;
	str_replace(&n->preview_why, json_get_str(a->d, "why"));
	free_p(&n->preview);
	n->preview = xstrdup(a->e->data);
	if (!to_be_undone(n))
		take_saves(&n->own, json_get(a->d, "saves"));
}

static void on_confirm(struct applying *a)
{
	if (json_get_bool(a->d, "keep", false)) {
		/* not undone after all: it had not begun, and stays on offer */
		if (a->n->undo == UNDO_ORDERED) {
			a->n->undo = UNDO_OFFERED;
			a->f->undoing = -1;
		}
		return;
	}
	if (json_get_bool(a->d, "undo", false)) {
		a->f->undoing = (int)(a->n - a->f->nodes);
		a->n->undo = UNDO_ORDERED;
		return;
	}
	if (json_get_bool(a->d, "second", false))
		a->n->second_done = true;
	else
		str_replace(&a->n->confirmed_by, a->e->by);
	a->n->confirmed = true;
	if (json_get_str(a->d, "reason"))
		str_replace(&a->n->reason, json_get_str(a->d, "reason"));
}

static void on_answer(struct applying *a)
{
	str_replace(&a->n->by, a->e->by);
	str_replace(&a->n->answer, json_get_str(a->d, "answer"));
	if (!a->n->started_ms)
		a->n->started_ms = a->e->at_ms;
	a->n->attempt++;
	a->n->tries++;
	close_step(a->n, a->d);
}

static void on_pick(struct applying *a)
{
	struct node *n = a->n;
	const char *pick = json_get_str(a->d, "pick");

	str_replace(&n->picked, pick);
	str_replace(&n->by, a->e->by);
	n->state = RS_DONE;
	n->disposition = RDI_RAN;
	n->outcome = RO_PASS;
	n->attempt++;
	n->started_ms = n->started_ms ? n->started_ms : a->e->at_ms;
	n->ended_ms = a->e->at_ms;
	for (int i = (int)(n - a->f->nodes) + 1; i < n->end; i++) {
		struct node *inner = &a->f->nodes[i];

		if (inner->parent != (int)(n - a->f->nodes))
			continue;
		if (inner->option >= 0 &&
		    str_eq(n->s->op.options[inner->option].pick, pick))
			continue;
		inner->state = RS_NOT_APPLICABLE;
		inner->disposition = RDI_NOT_APPLICABLE;
		set_inner(inner, RS_NOT_APPLICABLE);
	}
}

static void on_skip(struct applying *a)
{
	a->n->state = RS_SKIPPED;
	a->n->disposition = RDI_SKIPPED;
	a->n->ended_ms = a->e->at_ms;
	a->n->retry_ms = 0;
	str_replace(&a->n->by, a->e->by);
	str_replace(&a->n->reason, json_get_str(a->d, "reason"));
	set_inner(a->n, RS_SKIPPED);
}

static void on_go(struct applying *a)
{
	if (a->n->state == RS_FAILED)
		a->n->passed_over = true;
	else if (a->n->preview_bad)
		a->n->preview_bad = false;
	else
		a->n->wanted = true;
	str_replace(&a->n->by, a->e->by);
	if (json_get_str(a->d, "reason"))
		str_replace(&a->n->reason, json_get_str(a->d, "reason"));
}

static void on_retry(struct applying *a)
{
	bool wanted = a->n->wanted || a->n->state != RS_WAITING;

	reset(a->n);
	a->n->wanted = wanted;
}

static void on_jump(struct applying *a)
{
	int target = (int)(a->n - a->f->nodes);

	for (int i = 0; i < (int)a->f->n_nodes; i++) {
		struct node *n = &a->f->nodes[i];
		bool around = i < target && target < n->end;

		if (i >= target && n->state != RS_NOT_APPLICABLE && n->state != RS_RUNNING) {
			reset(n);
		} else if (i < target && !around && !node_closed(n)) {
			n->state = RS_SKIPPED;
			n->disposition = RDI_SKIPPED;
			n->ended_ms = a->e->at_ms;
			str_replace(&n->by, a->e->by);
			free_p(&n->reason);
			n->reason = xasprintf("jumped to %s", a->n->s->id);
		} else if (around && n->s->op.verb == VERB_CALL) {
			n->state = RS_RUNNING;
		}
	}
	a->n->wanted = true;
}

/* ---- gates --------------------------------------------------------------------------- */

static void gate_close(struct node *n, enum run_outcome o, const char *why)
{
	n->outcome = o;
	n->ended_ms = n->flow->at_ms;
	n->disposition = RDI_RAN;
	n->state = o == RO_FAIL ? RS_FAILED : RS_DONE;
	if (why)
		str_replace(&n->why, why);
}

/* Nothing after it is done any more. */
static void end_run_at(struct node *n, const char *reason)
{
	struct flow *f = n->flow;

	for (size_t i = 0; i < f->n_nodes; i++)
		if (&f->nodes[i] != n && !node_closed(&f->nodes[i])) {
			f->nodes[i].state = RS_NOT_APPLICABLE;
			f->nodes[i].disposition = RDI_NOT_APPLICABLE;
		}
	n->passed_over = true;
	str_replace(&f->end_reason, reason);
}

static void supersede(struct node *gate, const char *id, enum run_outcome o)
{
	struct node *check = flow_node_in(gate->flow, gate->frame, id);

	if (check)
		check->later = o;
}

static bool good(enum run_outcome o)
{
	return o == RO_PASS || o == RO_WARN;
}

static void gate_checked(struct applying *a, enum run_outcome o)
{
	struct node *n = a->n;
	const struct operation *op = &n->s->op;
	int64_t since = n->started_ms + n->gate_shift_ms, at = a->e->at_ms;
	struct node *check = op->gate_until ? flow_node_in(a->f, n->frame, op->gate_until) : NULL;

	n->gate_next_ms = at + op->gate_every_ms;
	if (check && o != RO_NONE) {
		check->later = o;
		if (good(o)) {
			free_p(&n->why);
			gate_close(n, o, NULL);
		} else if (op->gate_max_ms && at >= since + op->gate_max_ms) {
			gate_close(n, RO_FAIL, "it did not pass in time");
		}
	} else if (op->gate_role || op->gate_window_ms) {
		if (op->gate_cancel && good(o) && op->n_gate_steps) {
			for (size_t i = 0; i < op->n_gate_steps; i++)
				supersede(n, op->gate_steps[i], o);
			gate_close(n, RO_PASS, "the checks pass again");
			end_run_at(n, "the checks pass again: nothing more is to be done");
		} else if (op->gate_window_ms && at >= since + op->gate_window_ms) {
			bool go = str_eq(op->gate_at_end, "go");

			gate_close(n, go ? RO_PASS : RO_FAIL, go ? "nobody objected in the window" :
								   "nobody approved in the window");
			if (!go)
				end_run_at(n, "nobody approved in the window");
		}
	} else if (op->gate_time_ms && at >= since + op->gate_time_ms) {
		gate_close(n, RO_PASS, NULL);
	}
	if (n->state == RS_FAILED && n->s->on_fail == ON_FAIL_GO)
		n->passed_over = true;
}

static void on_gate(struct applying *a)
{
	enum run_outcome o = outcome_of(a->d);

	if (!a->n->opened) {
		a->n->opened = true;
		a->n->state = RS_RUNNING;
		a->n->attempt++;
		a->n->started_ms = a->n->gate_next_ms = a->e->at_ms;
		return;
	}
	if (json_get_str(a->d, "why"))
		str_replace(&a->n->why, json_get_str(a->d, "why"));
	gate_checked(a, o);
}

static void on_approve(struct applying *a)
{
	bool yes = json_get_bool(a->d, "approved", false);

	str_replace(&a->n->by, a->e->by);
	str_replace(&a->n->reason, json_get_str(a->d, "reason"));
	gate_close(a->n, yes ? RO_PASS : RO_FAIL, NULL);
	if (!yes)
		end_run_at(a->n, "rejected");
}

/* ---- undo ------------------------------------------------------------------------------ */

static void on_undo_begin(struct applying *a)
{
	a->f->undoing = (int)(a->n - a->f->nodes);
	a->n->undo = UNDO_RUNNING;
	str_clear(&a->n->live);
	if (json_get_str(a->d, "command"))
		str_replace(&a->n->undo_command, json_get_str(a->d, "command"));
}

static void on_undo_end(struct applying *a)
{
	enum run_outcome o = outcome_of(a->d);

	if (json_get_bool(a->d, "lost", false)) {
		a->n->undo = UNDO_UNKNOWN;
		return;
	}
	a->f->undoing = -1;
	str_replace(&a->n->output, json_get_str(a->d, "output"));
	str_replace(&a->n->why, json_get_str(a->d, "why"));
	if (o == RO_FAIL || o == RO_ERROR) {
		a->n->undo = UNDO_FAILED;
		return;
	}
	a->n->undo = UNDO_DONE;
	a->n->state = RS_UNDONE;
	undo_drop(a->f, a->n);
	hold_drop(a->f, a->n->s->undo_release);
}

/* ---- the run ---------------------------------------------------------------------------- */

static void set_builtin(struct flow *f, const char *name, const char *text)
{
	struct value v = { 0 };

	if (str_empty(text))
		return;
	value_set_text(&v, text);
	frame_set(&f->builtin, name, &v);
}

/* What was rehearsed and confirmed was so with other values: it is shown and asked anew. */
static void forget_preview(struct node *n, bool under_way)
{
	if (n->state != RS_WAITING)
		return;
	n->preview_stale = under_way;
	n->previewed = n->preview_bad = n->confirmed = n->second_done = false;
	free_p(&n->preview);
	free_p(&n->preview_why);
	free_p(&n->confirmed_by);
}

static void on_facts(struct applying *a)
{
	for (const struct json *j = json_first(json_get(a->d, "facts")); j; j = json_next(j)) {
		struct value v = { 0 };

		if (json_str(j))
			value_set_text(&v, json_str(j));
		frame_set(&a->f->facts, json_name(j), &v);
	}
	if (a->f->cur >= 0)
		forget_preview(&a->f->nodes[a->f->cur], false);
}

static void on_param(struct applying *a)
{
	const char *name = json_get_str(a->d, "name"), *text = json_get_str(a->d, "value"), *bare;
	struct value v = { 0 };
	bool secret;

	if (str_eq(json_get_str(a->d, "from"), "incident"))
		on_facts(a);
	if (!name || !text || json_get_bool(a->d, "secret", false))
		return;
	if (flow_param_value(a->f, name, text, &v, &secret, NULL) < 0)
		return;
	int frame = flow_param_frame(a->f, name, &bare);
	bool had = value_get(&a->f->frames[frame].params, bare) != NULL;
	frame_set(&a->f->frames[frame].params, bare, &v);
	if (a->f->cur >= 0)
		forget_preview(&a->f->nodes[a->f->cur], had && a->f->stage == ST_PREVIEW);
}

static void on_started(struct applying *a)
{
	struct flow *f = a->f;
	char at[TIME_TEXT];

	f->begun = true;
	f->started_ms = a->e->at_ms;
	str_replace(&f->id, json_get_str(a->d, "id"));
	str_replace(&f->kind, json_get_str(a->d, "kind") ? json_get_str(a->d, "kind") : "real");
	str_replace(&f->environment, json_get_str(a->d, "environment"));
	str_replace(&f->incident, json_get_str(a->d, "incident"));
	str_replace(&f->subject, json_get_str(a->d, "subject"));
	str_replace(&f->policy, json_get_str(a->d, "policy"));
	str_replace(&f->started_by, a->e->by);
	str_replace(&f->driver, a->e->by);
	f->dry = str_eq(f->kind, "dry");
	set_builtin(f, "run", f->id);
	set_builtin(f, "environment", f->environment);
	set_builtin(f, "incident", f->incident);
	set_builtin(f, "subject", f->subject);
	set_builtin(f, "commander", f->started_by);
	set_builtin(f, "started", format_time(at, f->started_ms));
	for (const struct json *j = json_first(json_get(a->d, "params")); j; j = json_next(j)) {
		_cleanup_(free_p) char *text = json_scalar_text(j);
		struct value v = { 0 };
		const char *bare;
		bool secret;

		if (!text || flow_param_value(f, json_name(j), text, &v, &secret, NULL) < 0)
			continue;
		int frame = flow_param_frame(f, json_name(j), &bare);
		frame_set(secret ? f->secrets : &f->frames[frame].params,
			  secret ? json_name(j) : bare, &v);
	}
}

static void on_driver(struct applying *a)
{
	str_replace(&a->f->driver, json_get_str(a->d, "to"));
	set_builtin(a->f, "commander", a->f->driver);
}

static void on_pause(struct applying *a)
{
	a->f->paused = true;
	a->f->paused_ms = a->e->at_ms;
	str_replace(&a->f->paused_by, a->e->by);
}

/* The window of an approval does not run while nobody may approve. */
static void on_unpause(struct applying *a)
{
	struct flow *f = a->f;

	f->paused = false;
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].state == RS_RUNNING && f->nodes[i].s->op.gate_window_ms)
			f->nodes[i].gate_shift_ms += a->e->at_ms - f->paused_ms;
}

static void on_note(struct applying *a)
{
	struct flow *f = a->f;

	if (!f->notes)
		f->notes = xcalloc(NOTES_KEPT, sizeof(*f->notes));
	if (f->n_notes == NOTES_KEPT) {
		free_p(&f->notes[0].by);
		free_p(&f->notes[0].text);
		memmove(&f->notes[0], &f->notes[1], (NOTES_KEPT - 1) * sizeof(*f->notes));
		f->n_notes--;
	}
	f->notes[f->n_notes++] = (struct noted){ xstrdup(a->e->by),
						 xstrdup(json_get_str(a->d, "text")), a->e->at_ms };
}

static void on_late(struct applying *a)
{
	const struct runbook *rb = a->f->frames[0].rb;

	for (size_t i = 0; i < rb->n_phases; i++)
		if (str_eq(rb->phases[i].name, a->e->step))
			a->f->phase_late[i] = 1;
}

static void on_release(struct applying *a)
{
	hold_drop(a->f, json_get_str(a->d, "hold"));
}

static void on_abort(struct applying *a)
{
	a->f->over = true;
	a->f->paused = false;
	a->f->status = RUN_ABORTED;
	a->f->ended_ms = a->e->at_ms;
	str_replace(&a->f->end_reason, json_get_str(a->d, "reason"));
}

static void on_finish(struct applying *a)
{
	struct flow *f = a->f;

	f->over = true;
	f->status = RUN_DONE;
	f->ended_ms = a->e->at_ms;
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].s->op.verb == VERB_GATE && f->nodes[i].state == RS_FAILED)
			f->status = RUN_FAILED;
}

static const struct handler {
	void (*fn)(struct applying *a);
	bool step;			/* names one of the run */
} handlers[RE_MAX] = {
	[RE_STARTED] = { on_started, false }, [RE_DRIVER] = { on_driver, false },
	[RE_PARAM] = { on_param, false }, [RE_PREVIEW] = { on_preview, true },
	[RE_CONFIRM] = { on_confirm, true }, [RE_BEGIN] = { on_begin, true },
	[RE_END] = { on_end, true }, [RE_ANSWER] = { on_answer, true },
	[RE_PICK] = { on_pick, true }, [RE_SKIP] = { on_skip, true },
	[RE_RETRY] = { on_retry, true }, [RE_GO] = { on_go, true },
	[RE_JUMP] = { on_jump, true }, [RE_PAUSE] = { on_pause, false },
	[RE_UNPAUSE] = { on_unpause, false }, [RE_APPROVE] = { on_approve, true },
	[RE_GATE] = { on_gate, true }, [RE_HAPPENED] = { on_happened, true },
	[RE_UNDO_BEGIN] = { on_undo_begin, true }, [RE_UNDO_END] = { on_undo_end, true },
	[RE_RELEASE] = { on_release, false }, [RE_NOTE] = { on_note, false },
	[RE_LATE] = { on_late, false }, [RE_ABORT] = { on_abort, false },
	[RE_FINISH] = { on_finish, false },
};

int flow_apply(struct flow *f, const struct run_entry *e, struct err *err)
{
	struct applying a = { f, NULL, e, NULL };
	_cleanup_(json_free_p) struct json *data = NULL;

	if (e->kind < 0 || e->kind >= RE_MAX)
		return err_set(err, ERR_INVALID, "entry %lld has no kind", (long long)e->n);
	if (e->n && e->n != f->version + 1)
		return err_set(err, ERR_CONFLICT, "entry %lld does not follow %lld",
			       (long long)e->n, (long long)f->version);
	if (handlers[e->kind].step) {
		a.n = flow_node_id(f, e->step);
		if (!a.n)
			return err_set(err, ERR_NOT_FOUND, "the run has no step %s",
				       e->step ? e->step : "without a name");
	}
	if (e->data) {
		data = json_parse(e->data, strlen(e->data), err);
		if (!data)
			return ERR_INVALID;
	}
	a.d = data;
	f->version++;
	f->at_ms = e->at_ms;
	handlers[e->kind].fn(&a);
	if (e->by && e->kind != RE_BEGIN && e->kind != RE_END && e->kind != RE_NOTE) {
		f->last.kind = e->kind;
		f->last.at_ms = e->at_ms;
		str_replace(&f->last.by, e->by);
	}
	flow_settle(f);
	return 0;
}
