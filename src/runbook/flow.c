/*
 * The machine of a run: its steps laid out once, in reading order, with every branch and
 * every called runbook, so that all that can happen is known before it does. A called
 * runbook is parsed again from its own bytes for each call: one struct step, one place.
 *
 * State changes in flow_apply.c only; what comes next is worked out in flow_settle.c.
 * Invariant: same entries, same state, whoever replays them. Secrets are the exception:
 * they live in memory beside it and only decide whether a person is asked again.
 */
#include "runbook/flow.h"

#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "runbook/flow_priv.h"

enum { CALL_DEPTH = 8, NODES_MAX = 40000 };

ENUM_NAMES(run_entry_names, "run entry", RUN_ENTRY_LIST);

void run_entry_fini(struct run_entry *e)
{
	free_p(&e->step);
	free_p(&e->by);
	free_p(&e->data);
	*e = (struct run_entry){ 0 };
}

bool node_closed(const struct node *n)
{
	switch (n->state) {
	case RS_DONE:
	case RS_SKIPPED:
	case RS_NOT_APPLICABLE:
	case RS_UNDONE:
		return true;
	case RS_FAILED:
		return n->passed_over;
	}
	return false;
}

/* ---- laying out ---------------------------------------------------------------- */

struct layout {
	struct flow *f;
	const struct runbook *(*find)(void *ctx, const char *id);
	void *ctx;
	int calls;
};

static void add_steps(struct layout *l, struct step *steps, size_t n, struct node at);

static void rename_steps(struct step *steps, size_t n, const char *prefix)
{
	for (size_t i = 0; i < n; i++) {
		char *id = xasprintf("%s%s", prefix, steps[i].id);

		free_p(&steps[i].id);
		steps[i].id = id;
		for (size_t k = 0; k < steps[i].op.n_options; k++)
			rename_steps(steps[i].op.options[k].steps,
				     steps[i].op.options[k].n_steps, prefix);
	}
}

static int add_frame(struct flow *f, const struct runbook *rb, struct runbook *own,
		     char *prefix, int call, int up)
{
	f->frames = grow(f->frames, &f->cap_frames, f->n_frames + 1, sizeof(*f->frames));
	f->frames[f->n_frames] = (struct frame){ rb, own, prefix, call, up, { 0 }, { 0 } };
	f->frames[f->n_frames].params.type = V_MAP;
	f->frames[f->n_frames].saves.type = V_MAP;
	return (int)f->n_frames++;
}

/* The called runbook's steps, inside the call. */
static void add_called(struct layout *l, int call)
{
	struct flow *f = l->f;
	const struct step *s = f->nodes[call].s;
	const struct runbook *rb = l->find(l->ctx, s->op.text);
	struct problems p = { 0 };
	struct runbook *own = NULL;
	struct node at = { .parent = call, .option = -1, .depth = f->nodes[call].depth + 1,
			   .phase = f->nodes[call].phase };

	if (!rb || l->calls >= CALL_DEPTH) {
		f->nodes[call].blocked = rb ? "runbooks call each other too deep" :
					      "the runbook it calls is not there";
		return;
	}
	own = runbook_parse(rb->source, strlen(rb->source), rb->file, &p);
	problems_fini(&p);
	if (!own) {
		f->nodes[call].blocked = "the runbook it calls cannot be read";
		return;
	}
	/* what was found for its parameters when the run began */
	for (size_t i = 0; i < own->n_params && i < rb->n_params; i++) {
		value_fini(&own->params[i].otherwise);
		value_copy(&own->params[i].otherwise, &rb->params[i].otherwise);
		own->params[i].has_default = rb->params[i].has_default;
	}
	runbook_hasten(own, rb->speed);
	char *prefix = xasprintf("%s/", s->id);
	at.frame = add_frame(f, own, own, prefix, call, f->nodes[call].frame);
	l->calls++;
	for (size_t i = 0; i < own->n_phases; i++) {
		rename_steps(own->phases[i].steps, own->phases[i].n_steps, prefix);
		add_steps(l, own->phases[i].steps, own->phases[i].n_steps, at);
	}
	l->calls--;
}

static const char *never_text(const struct runbook *rb, const struct step *s)
{
	for (size_t i = 0; i < rb->n_never; i++)
		for (size_t k = 0; k < rb->never[i].n_blocks; k++)
			for (size_t t = 0; t < s->n_tags; t++)
				if (str_eq(rb->never[i].blocks[k], s->tags[t]))
					return rb->never[i].text;
	return NULL;
}

/* A rule of the caller binds what it calls, too. */
static const char *blocked_by(const struct flow *f, int frame, const struct step *s)
{
	const char *text = s->blocked_by;

	for (; !text && frame >= 0; frame = f->frames[frame].up)
		text = never_text(f->frames[frame].rb, s);
	if (!text && s->effect == EFFECT_UNKNOWN)
		text = "its effect is not classified: an author says read, change or destroy first";
	return text;
}

static void add_steps(struct layout *l, struct step *steps, size_t n, struct node at)
{
	struct flow *f = l->f;

	for (size_t i = 0; i < n && f->n_nodes < NODES_MAX; i++) {
		int me = (int)f->n_nodes++;
		struct node inner = at;

		f->nodes = grow(f->nodes, &f->cap_nodes, f->n_nodes, sizeof(*f->nodes));
		f->nodes[me] = at;
		f->nodes[me].s = &steps[i];
		f->nodes[me].blocked = blocked_by(f, at.frame, &steps[i]);
		if (steps[i].op.verb == VERB_CALL)
			add_called(l, me);
		inner.parent = me;
		inner.depth = at.depth + 1;
		for (size_t k = 0; k < steps[i].op.n_options; k++) {
			inner.option = (int)k;
			add_steps(l, steps[i].op.options[k].steps,
				  steps[i].op.options[k].n_steps, inner);
		}
		f->nodes[me].end = (int)f->n_nodes;
	}
}

static void add_builtin(struct flow *f, const char *name, const char *text)
{
	struct value v = { 0 };

	if (str_empty(text))
		return;
	value_set_text(&v, text);
	frame_set(&f->builtin, name, &v);
}

static const struct runbook *in_library(void *lib, const char *id)
{
	return lib ? library_find(lib, id) : NULL;
}

struct flow *flow_new(const struct runbook *rb, const struct library *lib)
{
	return flow_new_from(rb, in_library, (void *)(uintptr_t)lib);
}

struct flow *flow_new_from(const struct runbook *rb,
			   const struct runbook *(*find)(void *ctx, const char *id), void *ctx)
{
	struct flow *f = xcalloc(1, sizeof(*f));
	struct layout l = { f, find, ctx, 0 };

	f->masker = masker_new();
	f->secrets = xcalloc(1, sizeof(*f->secrets));
	f->secrets->type = f->builtin.type = f->facts.type = V_MAP;
	f->cur = f->undoing = -1;
	add_frame(f, rb, NULL, xstrdup(""), -1, -1);
	f->n_phases = rb->n_phases;
	f->phase_late = xcalloc(rb->n_phases + 1, sizeof(*f->phase_late));
	for (size_t i = 0; i < rb->n_phases; i++)
		add_steps(&l, rb->phases[i].steps, rb->phases[i].n_steps,
			  (struct node){ .parent = -1, .option = -1, .phase = (int)i });
	for (size_t i = 0; i < f->n_nodes; i++) {
		f->nodes[i].flow = f;
		f->nodes[i].own.type = f->nodes[i].binds.type = V_MAP;
		f->nodes[i].live = STR_INIT(64 << 10);
		node_collect_names(&f->nodes[i]);
		node_bind_tables(&f->nodes[i]);
	}
	add_builtin(f, "runbook", rb->id);
	add_builtin(f, "title", rb->title);
	add_builtin(f, "service", rb->service);
	add_builtin(f, "severity", rb->severity);
	return f;
}

static void node_fini(struct node *n)
{
	char **texts[] = { &n->confirmed_by, &n->by, &n->command, &n->undo_command, &n->reason,
			   &n->result, &n->output, &n->preview, &n->preview_why, &n->explain,
			   &n->checks, &n->picked, &n->answer, &n->why, &n->described,
			   &n->described_undo };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_p(texts[i]);
	for (size_t i = 0; i < n->n_names; i++)
		free_p(&n->names[i]);
	free_p(&n->names);
	for (size_t i = 0; i < n->n_undo_names; i++)
		free_p(&n->undo_names[i]);
	free_p(&n->undo_names);
	value_fini(&n->binds);
	value_fini(&n->own);
	value_fini(&n->as_value);
	str_fini(&n->live);
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_nodes; i++)
		node_fini(&f->nodes[i]);
	for (size_t i = 0; i < f->n_frames; i++) {
		value_fini(&f->frames[i].params);
		value_fini(&f->frames[i].saves);
		free_p(&f->frames[i].prefix);
		runbook_free(f->frames[i].own);
	}
	for (size_t i = 0; i < f->n_holds; i++) {
		free_p(&f->holds[i].name);
		free_p(&f->holds[i].by);
		free_p(&f->holds[i].text);
	}
	for (size_t i = 0; i < f->n_notes; i++) {
		free_p(&f->notes[i].by);
		free_p(&f->notes[i].text);
	}
	char **texts[] = { &f->id, &f->kind, &f->environment, &f->incident, &f->subject,
			   &f->started_by, &f->driver, &f->paused_by, &f->end_reason,
			   &f->wait.text, &f->wait.param, &f->last.by,
			   &f->policy };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_p(texts[i]);
	value_fini(f->secrets);
	free_p(&f->secrets);
	value_fini(&f->builtin);
	value_fini(&f->facts);
	masker_free(f->masker);
	free_p(&f->nodes);
	free_p(&f->frames);
	free_p(&f->phase_late);
	free_p(&f->undo);
	free_p(&f->holds);
	free_p(&f->notes);
	free_p(&f);
}

/* ---- finding ------------------------------------------------------------------- */

struct node *flow_node(const struct flow *f, const struct step *s)
{
	for (size_t i = 0; s && i < f->n_nodes; i++)
		if (f->nodes[i].s == s)
			return &f->nodes[i];
	return NULL;
}

struct node *flow_node_id(const struct flow *f, const char *id)
{
	for (size_t i = 0; id && i < f->n_nodes; i++)
		if (strcmp(f->nodes[i].s->id, id) == 0)
			return &f->nodes[i];
	return NULL;
}

struct node *flow_node_in(const struct flow *f, int frame, const char *id)
{
	const char *prefix = f->frames[frame].prefix;
	size_t n = strlen(prefix);

	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].frame == frame && strncmp(f->nodes[i].s->id, prefix, n) == 0 &&
		    strcmp(f->nodes[i].s->id + n, id) == 0)
			return &f->nodes[i];
	return NULL;
}

const struct step *flow_step(const struct flow *f, const char *id)
{
	const struct node *n = flow_node_id(f, id);

	return n ? n->s : NULL;
}

const struct runbook *flow_runbook(const struct flow *f, const struct step *s)
{
	const struct node *n = flow_node(f, s);

	return f->frames[n ? n->frame : 0].rb;
}

const struct step *flow_in_flight(const struct flow *f, bool *ret_undo)
{
	*ret_undo = f->undoing >= 0 && f->nodes[f->undoing].undo == UNDO_RUNNING;
	if (*ret_undo)
		return f->nodes[f->undoing].s;
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].state == RS_RUNNING && f->nodes[i].s->op.verb != VERB_CALL &&
		    f->nodes[i].s->op.verb != VERB_GATE)
			return f->nodes[i].s;
	return NULL;
}

bool flow_dry(const struct flow *f)
{
	return f->dry;
}

bool flow_over(const struct flow *f)
{
	return f->over;
}

int64_t flow_version(const struct flow *f)
{
	return f->version;
}

struct masker *flow_masker(const struct flow *f)
{
	return f->masker;
}

/* ---- memory only ----------------------------------------------------------------- */

void flow_describe(struct flow *f, const struct step *s, const char *command, const char *undo)
{
	struct node *n = flow_node(f, s);

	if (!n)
		return;
	str_replace(&n->described, command);
	str_replace(&n->described_undo, undo);
}

/* Of endless output the newest half of the room stays. */
void flow_output(struct flow *f, const struct step *s, const char *text, size_t len)
{
	struct node *n = flow_node(f, s);

	if (!n)
		return;
	if (n->live.len + len > n->live.max) {
		size_t keep = n->live.max / 2 < n->live.len ? n->live.max / 2 : n->live.len;
		_cleanup_(free_p) char *tail = xstrndup(n->live.s + (n->live.len - keep), keep);

		str_clear(&n->live);
		n->live.full = false;
		str_add(&n->live, tail);
	}
	str_addn(&n->live, text, len);
}
