/*
 * The run as people see it: the summary for lists, the document for the walk-through. Made
 * from the state alone; what it costs depends on the runbook, not on the run's age.
 */
#include <string.h>

#include "runbook/flow_priv.h"
#include "runbook/keys.h"
#include "runbook/param.h"

/* ---- small words ------------------------------------------------------------------- */

static const char *undo_text(enum undo_state u)
{
	static const char *const names[] = { NULL, "offered", "ordered", "running", "unknown",
					     "failed", "done" };

	return names[u];
}

/* As people read it: with its values where they are known. */
static char *worded(const struct node *n, const char *text)
{
	struct scope scope;
	struct str b = STR_INIT(64 << 10);

	flow_scope(n->flow, n->s, &scope);
	if (!text || !strchr(text, '$') || !n->flow->begun ||
	    bind_text(&scope, text, BIND_PLAIN, &b, NULL, NULL) < 0) {
		str_clear(&b);
		str_add(&b, text);
	}
	masker_apply(n->flow->masker, &b);
	free_p(&scope.needs);
	return str_take(&b);
}

/* With the names still in it, until it is bound. */
static char *raw_command(const struct operation *op)
{
	struct str b = STR_INIT(8000);

	if (op->verb == VERB_HTTP && op->method)
		str_addf(&b, "%s ", op->method);
	if (op->verb == VERB_SAY)
		str_add(&b, "say ");
	if (op->verb == VERB_CALL)
		str_add(&b, "runbook ");
	str_add(&b, op->text);
	for (size_t i = 0; i < op->n_argv; i++) {
		str_add(&b, i || op->text ? " " : "");
		str_add(&b, op->argv[i]);
	}
	for (size_t i = 0; i < op->n_to; i++)
		str_addf(&b, "%s%s", i ? ", " : " to ", op->to[i]);
	return str_take(&b);
}

static enum run_outcome worst_of(const struct flow *f)
{
	enum run_outcome worst = RO_NONE;

	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct node *n = &f->nodes[i];
		enum run_outcome o = n->later ? n->later : n->outcome;

		if (n->state == RS_SKIPPED || n->state == RS_NOT_APPLICABLE ||
		    n->state == RS_UNDONE || (n->disposition == RDI_DRY && f->dry &&
					      o == RO_UNKNOWN))
			continue;
		worst = o > worst ? o : worst;
	}
	return worst == RO_NONE ? RO_PASS : worst;
}

static int status_of(const struct flow *f)
{
	if (f->over)
		return f->status;
	if (f->paused)
		return RUN_PAUSED;
	if (f->wait.kind != RW_NONE)
		return RUN_WAITING;
	return RUN_RUNNING;
}

/* ---- the summary --------------------------------------------------------------------- */

void flow_run(const struct flow *f, struct run *r)
{
	const struct runbook *rb = f->frames[0].rb;
	const struct node *n = f->cur >= 0 ? &f->nodes[f->cur] : NULL;

	r->version = f->version;
	r->status = status_of(f);
	r->wait = f->wait.kind;
	r->started_at_ms = f->started_ms;
	r->ended_at_ms = f->ended_ms;
	r->changed_at_ms = f->at_ms;
	r->holds = (int64_t)f->n_holds;
	r->done = r->total = 0;
	for (size_t i = 0; i < f->n_nodes; i++) {
		r->total += f->nodes[i].state != RS_NOT_APPLICABLE;
		r->done += node_closed(&f->nodes[i]) && f->nodes[i].state != RS_NOT_APPLICABLE;
	}
	str_replace(&r->id, f->id);
	str_replace(&r->runbook, rb->id);
	str_replace(&r->title, rb->title);
	str_replace(&r->severity, rb->severity);
	str_replace(&r->hash, rb->hash);
	str_replace(&r->environment, f->environment);
	str_replace(&r->policy, f->policy);
	str_replace(&r->kind, f->kind);
	str_replace(&r->incident, f->incident);
	str_replace(&r->subject, f->subject);
	str_replace(&r->outcome, f->over ? run_outcome_name(worst_of(f)) : NULL);
	str_replace(&r->step, n ? n->s->id : NULL);
	str_replace(&r->step_title, n ? (str_empty(n->s->title) ? n->s->id : n->s->title) : NULL);
	str_replace(&r->wait_text, f->over ? f->end_reason : f->wait.text);
	str_replace(&r->started_by, f->started_by);
	str_replace(&r->driver, f->driver);
}

/* ---- a step ----------------------------------------------------------------------------- */

static void texts_json_of(char **slot, char *const *texts, size_t n)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jw_str(&w, NULL, texts[i]);
	jw_arr_end(&w);
	*slot = str_take(&b);
}

static void options_of(const struct node *n, struct run_step *s)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n->s->op.n_options; i++) {
		const struct option *o = &n->s->op.options[i];
		struct str why = STR_INIT(1000);
		bool likely = o->n_likely && n->flow->begun &&
			      node_conditions(n, o->likely, o->n_likely, &why) == 1;

		jw_obj(&w, NULL);
		jw_str(&w, "pick", o->pick);
		jw_str(&w, "label", o->label);
		jw_bool(&w, "likely", likely);
		jw_str(&w, "why", why.len ? str_get(&why) : NULL);
		jw_obj_end(&w);
		if (likely && !s->suggestion) {
			s->suggestion = xstrdup(o->pick);
			s->evidence = xstrdup(str_get(&why));
		}
		str_fini(&why);
	}
	jw_arr_end(&w);
	s->options = str_take(&b);
}

static void checks_of(const struct node *n, struct run_step *s)
{
	_cleanup_(json_free_p) struct json *list =
		n->checks ? json_parse(n->checks, strlen(n->checks), NULL) : NULL;
	size_t i = 0;

	s->n_checks = n->checks ? json_count(list) : n->s->n_expect;
	s->checks = s->n_checks ? xcalloc(s->n_checks, sizeof(*s->checks)) : NULL;
	for (const struct json *j = json_first(list); j && i < s->n_checks; j = json_next(j))
		(void)record_from_json(&run_check_type, &s->checks[i++], j, false, NULL);
	for (; !n->checks && i < s->n_checks; i++) {
		struct str wanted = STR_INIT(1000);

		matcher_print(&wanted, n->s->expect[i].m);
		s->checks[i].subject = xstrdup(n->s->expect[i].subject);
		s->checks[i].expected = str_take(&wanted);
	}
}

static int shown_state(const struct flow *f, const struct node *n)
{
	bool current = f->cur >= 0 && n == &f->nodes[f->cur];

	if (current && n->state == RS_WAITING && f->wait.kind != RW_NONE)
		return RS_READY;
	if (current && n->state == RS_WAITING && !f->paused &&
	    (f->stage == ST_PREVIEW || f->stage == ST_RUN))
		return RS_RUNNING;
	if (n->state == RS_FAILED && (n->later == RO_PASS || n->later == RO_WARN))
		return RS_DONE;		/* a gate has seen it pass since */
	return n->state;
}

static void person_parts(const struct node *n, struct run_step *s)
{
	const struct operation *op = &n->s->op;

	if (op->verb == VERB_DECIDE)
		options_of(n, s);
	if (op->verb == VERB_ASK) {
		s->answer_kind = xstrdup(op->answer ? op->answer : "done");
		char **items = xcalloc(op->n_items + 1, sizeof(*items));

		for (size_t i = 0; i < op->n_items; i++)
			items[i] = worded(n, op->items[i]);
		texts_json_of(&s->items, items, op->n_items);
		for (size_t i = 0; i < op->n_items; i++)
			free_p(&items[i]);
		free_p(&items);
	}
	s->picked = xstrdup(n->picked);
	s->answer = xstrdup(n->answer);
}

static void command_of(const struct node *n, struct run_step *s)
{
	if (n->command)
		s->command = xstrdup(n->command);
	else if (!str_empty(n->described))
		s->command = xstrdup(n->described);
	else if (n->s->op.verb == VERB_ASK || n->s->op.verb == VERB_NOTE ||
		 n->s->op.verb == VERB_DECIDE)
		s->command = worded(n, n->s->op.text);
	else
		s->command = raw_command(&n->s->op);
	if (n->undo_command)
		s->undo = xstrdup(n->undo_command);
	else if (!str_empty(n->described_undo))
		s->undo = xstrdup(n->described_undo);
	else if (n->s->undo)
		s->undo = raw_command(n->s->undo);
	if (n->live.len && (n->state == RS_RUNNING || n->undo == UNDO_RUNNING))
		s->output = xstrdup(n->live.s);
	else
		s->output = xstrdup(n->output);
}

static char *title_of(const struct node *n)
{
	const struct step *s = n->s;
	_cleanup_(free_p) char *text = NULL;

	if (s->op.verb != VERB_ASK && s->op.verb != VERB_DECIDE && s->op.verb != VERB_NOTE)
		return xstrdup(str_empty(s->title) ? s->id : s->title);
	text = worded(n, !str_empty(s->title) ? s->title : s->op.text ? s->op.text : s->id);
	return text_clean(text, 120);
}

static void fill_step(const struct flow *f, const struct node *n, struct run_step *s)
{
	const struct runbook *rb = f->frames[0].rb;
	enum run_outcome o = n->later ? n->later : n->outcome;

	s->id = xstrdup(n->s->id);
	s->phase = xstrdup(rb->phases[n->phase].name);
	s->title = title_of(n);
	s->verb = xstrdup(verb_words[n->s->op.verb].name);
	s->effect = xstrdup(effect_name(n->s->effect));
	s->role = xstrdup(n->s->role);
	s->help = xstrdup(n->s->help);
	s->why = xstrdup(n->why ? n->why : n->s->why);
	s->depth = n->depth;
	s->state = shown_state(f, n);
	s->disposition = n->disposition;
	s->outcome = o ? xstrdup(run_outcome_name(o)) : NULL;
	s->attempt = n->attempt;
	s->started_at_ms = n->started_ms;
	s->ended_at_ms = n->ended_ms;
	s->timeout_ms = n->s->timeout_ms;
	s->optional = n->s->optional;
	s->by = xstrdup(n->by);
	s->reason = xstrdup(n->reason ? n->reason : n->state == RS_WAITING ? n->blocked : NULL);
	s->result = xstrdup(n->result);
	s->preview = xstrdup(n->preview);
	s->explain = xstrdup(n->explain);
	s->undo_state = xstrdup(undo_text(n->undo));
	s->hold = xstrdup(n->s->hold);
	command_of(n, s);
	person_parts(n, s);
	checks_of(n, s);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void fill_wait(const struct flow *f, struct run_wait *w)
{
	const struct node *n = f->wait.node >= 0 ? &f->nodes[f->wait.node] : NULL;

	w->kind = f->wait.kind;
	if (!n || f->wait.kind == RW_NONE)
		return;
	const struct operation *op = &n->s->op;
	bool gate = f->stage == ST_GATE;

	w->step = xstrdup(n->s->id);
	w->text = xstrdup(f->wait.text);
	w->param = xstrdup(f->wait.param);
	w->second = n->s->confirm_second;
	w->destroy = n->s->effect == EFFECT_DESTROY;
	if (w->kind == RW_CONFIRM || w->kind == RW_SECOND)
		w->phrase = xstrdup(n->s->confirm_type ? n->s->confirm_type :
				    w->destroy ? n->s->id : "");
	if (!gate)
		return;
	int64_t since = n->started_ms + n->gate_shift_ms;
	int64_t most = op->gate_until ? op->gate_max_ms : op->gate_window_ms ? op->gate_window_ms :
		       op->gate_role ? 0 : op->gate_time_ms;

	w->until_ms = most ? since + most : 0;
	w->next_ms = op->gate_until || op->n_gate_steps ? n->gate_next_ms : 0;
	w->at_end = xstrdup(op->gate_at_end);
}

static void fill_params(const struct flow *f, struct run_doc *d)
{
	size_t total = 0, k = 0;

	for (size_t i = 0; i < f->n_frames; i++)
		total += f->frames[i].rb->n_params;
	d->params = xcalloc(total, sizeof(*d->params));
	for (size_t i = 0; i < f->n_frames; i++) {
		const struct frame *fr = &f->frames[i];
		struct node probe = { .flow = (struct flow *)(uintptr_t)f, .frame = (int)i };

		for (size_t p = 0; p < fr->rb->n_params; p++) {
			const struct param *from = &fr->rb->params[p];
			struct run_param *to = &d->params[k++];
			const struct value *v = node_value(&probe, from->name);
			struct str text = STR_INIT(4000);

			to->name = xasprintf("%s%s", fr->prefix, from->name);
			to->type = xstrdup(param_type_name(from->type));
			to->help = xstrdup(from->help);
			to->pattern = xstrdup(from->pattern);
			to->secret = from->type == PARAM_SECRET;
			to->at_start = from->ask == ASK_AT_START;
			param_limits(from, &to->min, &to->max);
			param_wants(from, &text);
			to->wants = xstrdup(str_get(&text));
			str_clear(&text);
			to->set = v != NULL;
			if (from->n_choices)
				texts_json_of(&to->choices, from->choices, from->n_choices);
			if (v) {
				value_print(&text, v, 2000);
				to->value = to->secret ? xstrdup("***") : xstrdup(str_get(&text));
			}
			str_fini(&text);
		}
	}
	d->n_params = total;
}

static void fill_phases(const struct flow *f, int late, struct run_doc *d)
{
	const struct runbook *rb = f->frames[0].rb;

	d->n_phases = rb->n_phases;
	d->phases = rb->n_phases ? xcalloc(rb->n_phases, sizeof(*d->phases)) : NULL;
	for (size_t i = 0; i < rb->n_phases; i++) {
		d->phases[i].name = xstrdup(rb->phases[i].name);
		d->phases[i].box_from_ms = rb->phases[i].box_from_ms;
		d->phases[i].box_to_ms = rb->phases[i].box_to_ms;
		d->phases[i].late = f->phase_late[i] || (int)i == late;
		if (rb->phases[i].has_box && f->begun)
			d->phases[i].deadline_at_ms = f->started_ms + rb->phases[i].box_to_ms;
	}
}

static void fill_lists(const struct flow *f, struct run_doc *d)
{
	const struct runbook *rb = f->frames[0].rb;

	d->n_holds = f->n_holds;
	d->holds = f->n_holds ? xcalloc(f->n_holds, sizeof(*d->holds)) : NULL;
	for (size_t i = 0; i < f->n_holds; i++)
		d->holds[i] = (struct run_hold){ xstrdup(f->holds[i].name),
			xstrdup(f->nodes[f->holds[i].node].s->id), xstrdup(f->holds[i].by),
			xstrdup(f->holds[i].text), f->holds[i].since_ms };
	d->n_notes = f->n_notes;
	d->notes = f->n_notes ? xcalloc(f->n_notes, sizeof(*d->notes)) : NULL;
	for (size_t i = 0; i < f->n_notes; i++)
		d->notes[i] = (struct run_note){ f->notes[i].at_ms, xstrdup(f->notes[i].by),
						 xstrdup(f->notes[i].text) };
	d->n_undo = f->n_undo;
	d->undo = f->n_undo ? xcalloc(f->n_undo, sizeof(*d->undo)) : NULL;
	for (size_t i = 0; i < f->n_undo; i++)
		d->undo[i] = xstrdup(f->nodes[f->undo[f->n_undo - 1 - i]].s->id);
	d->n_never = rb->n_never;
	d->never = rb->n_never ? xcalloc(rb->n_never, sizeof(*d->never)) : NULL;
	for (size_t i = 0; i < rb->n_never; i++)
		d->never[i] = xstrdup(rb->never[i].text);
	d->n_checklist = rb->n_checklist;
	d->checklist = rb->n_checklist ? xcalloc(rb->n_checklist, sizeof(*d->checklist)) : NULL;
	for (size_t i = 0; i < rb->n_checklist; i++)
		d->checklist[i] = xstrdup(rb->checklist[i]);
}

void flow_holds(const struct flow *f, struct str *names)
{
	for (size_t i = 0; i < f->n_holds; i++)
		str_addf(names, "%s\n", f->holds[i].name);
}

void flow_doc(const struct flow *f, int64_t now_ms, struct run_doc *d)
{
	int64_t next;
	int late = flow_due_phase(f, now_ms, &next);

	run_doc_fini(d);
	flow_run(f, &d->run);
	fill_wait(f, &d->wait);
	fill_phases(f, late, d);
	d->n_steps = f->n_nodes;
	d->steps = f->n_nodes ? xcalloc(f->n_nodes, sizeof(*d->steps)) : NULL;
	for (size_t i = 0; i < f->n_nodes; i++)
		fill_step(f, &f->nodes[i], &d->steps[i]);
	fill_params(f, d);
	flow_offer(f, d);
	fill_lists(f, d);
}
