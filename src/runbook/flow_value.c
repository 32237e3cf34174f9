/*
 * Values of a run: where a name is looked up, which parameter still wants one, conditions.
 *
 * Order: saves of the step's own preview, lists out of tables, saves of earlier steps,
 * parameters, their defaults, the caller's names, for a message what its incident knows, then
 * what every run has (run, runbook, severity, started ...). Secrets are only in memory: a given
 * one that this process does not hold counts as missing.
 */
#include <string.h>

#include "core/crypto.h"
#include "runbook/flow_priv.h"
#include "runbook/param.h"

/* Takes the content of v. */
void frame_set(struct value *map, const char *name, struct value *v)
{
	struct value *slot = NULL;

	for (size_t i = 0; i < map->n_items; i++)
		if (str_eq(map->items[i].name, name))
			slot = &map->items[i];
	if (slot) {
		char *own = TAKE(slot->name);

		value_fini(slot);
		slot->name = own;
	} else {
		slot = value_add(map, name);
	}
	char *kept = slot->name;
	free_p(&v->name);
	*slot = *v;
	slot->name = kept;
	memset(v, 0, sizeof(*v));
}

static const struct param *find_param(const struct runbook *rb, const char *name)
{
	for (size_t i = 0; i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, name))
			return &rb->params[i];
	return NULL;
}

static const struct value *secret_of(const struct flow *f, const struct frame *fr,
				     const char *name)
{
	_cleanup_(free_p) char *full = xasprintf("%s%s", fr->prefix, name);

	return value_get(f->secrets, full);
}

static const struct value *frame_value(const struct flow *f, int frame, const char *name)
{
	for (; frame >= 0; frame = f->frames[frame].up) {
		const struct frame *fr = &f->frames[frame];
		const struct value *v = value_get(&fr->saves, name);
		const struct param *p = find_param(fr->rb, name);

		v = v ? v : secret_of(f, fr, name);
		v = v ? v : value_get(&fr->params, name);
		if (!v && p && p->has_default)
			v = &p->otherwise;
		if (v && v->type != V_NULL)
			return v;
	}
	return NULL;
}

const struct value *node_value(const struct node *n, const char *name)
{
	const struct value *v = value_get(&n->own, name);

	v = v ? v : value_get(&n->binds, name);
	v = v ? v : frame_value(n->flow, n->frame, name);
	if (!v && n->s && n->s->op.verb == VERB_SAY) {
		v = value_get(&n->flow->facts, name);
		v = v && v->type == V_NULL ? NULL : v;
	}
	return v ? v : value_get(&n->flow->builtin, name);
}

static const struct value *scope_get(void *ctx, const char *name)
{
	return ctx ? node_value(ctx, name) : NULL;
}

void flow_scope(const struct flow *f, const struct step *s, struct scope *ret)
{
	*ret = (struct scope){ .get = scope_get, .ctx = flow_node(f, s) };
}

bool flow_saying(const struct flow *f, struct flow_saying *ret)
{
	const struct node *n = f->cur >= 0 ? &f->nodes[f->cur] : NULL;

	if (!n || f->over || f->paused || f->dry || n->s->op.verb != VERB_SAY ||
	    str_empty(f->incident) || n->state == RS_RUNNING)
		return false;
	*ret = (struct flow_saying){ .step = n->s, .incident = f->incident, .attempt = n->attempt,
				     .wanting = f->wait.kind == RW_PARAM };
	return true;
}

const char *flow_fact(const struct flow *f, const char *name)
{
	const struct value *v = value_get(&f->facts, name);

	return v && v->type == V_TEXT ? v->text : NULL;
}

/* The declaration that a name of this step means: its own runbook's, or a caller's. */
const struct param *node_param(const struct node *n, const char *name, int *ret_frame)
{
	const struct flow *f = n->flow;

	for (int i = n->frame; i >= 0; i = f->frames[i].up) {
		const struct param *p = find_param(f->frames[i].rb, name);

		*ret_frame = i;
		if (p)
			return p;
	}
	*ret_frame = n->frame;
	return NULL;
}

static bool say_field(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->s->op.n_needs_fields; i++)
		if (str_eq(n->s->op.needs_fields[i], name))
			return true;
	return false;
}

static char *missing(const struct node *n, const char *name)
{
	int frame;

	if (node_value(n, name))
		return NULL;
	if (!node_param(n, name, &frame) && !say_field(n, name))
		return NULL;
	return xasprintf("%s%s", n->flow->frames[frame].prefix, name);
}

static char *first_missing(const struct node *n, char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *name = missing(n, names[i]);

		if (name)
			return name;
	}
	return NULL;
}

char *node_missing(const struct node *n)
{
	return first_missing(n, n->names, n->n_names);
}

char *node_missing_undo(const struct node *n)
{
	return first_missing(n, n->undo_names, n->n_undo_names);
}

static char *missing_in(const struct node *n, const struct condition_when *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *name = c[i].name ? missing(n, c[i].name) :
					 missing_in(n, c[i].any, c[i].n_any);

		if (name)
			return name;
	}
	return NULL;
}

char *node_missing_when(const struct node *n)
{
	return missing_in(n, n->s->when, n->s->n_when);
}

/* The frame whose prefix is the longest that fits; the rest is the name there. */
int flow_param_frame(const struct flow *f, const char *name, const char **ret_bare)
{
	int best = 0;
	size_t length = 0;

	for (size_t i = 0; i < f->n_frames; i++) {
		size_t n = strlen(f->frames[i].prefix);

		if (n > length && strncmp(name, f->frames[i].prefix, n) == 0) {
			best = (int)i;
			length = n;
		}
	}
	*ret_bare = name + length;
	return best;
}

static bool any_say_field(const struct flow *f, int frame, const char *name)
{
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].frame == frame && say_field(&f->nodes[i], name))
			return true;
	return false;
}

int flow_param_value(const struct flow *f, const char *name, const char *text, struct value *ret,
		     bool *ret_secret, struct err *err)
{
	const char *bare;
	int frame = flow_param_frame(f, name, &bare);
	const struct param *p = find_param(f->frames[frame].rb, bare);
	struct value v = { 0 };
	int r;

	*ret_secret = p && p->type == PARAM_SECRET;
	if (!p && !any_say_field(f, frame, bare))
		return err_field(err, ERR_INVALID, name, "the runbook has no such parameter");
	if (!p && str_empty(text))
		return err_field(err, ERR_INVALID, name, "is empty");
	if (!p) {
		value_set_text(&v, text);
	} else {
		r = param_value(p, text, &v, err);
		if (r < 0) {
			value_fini(&v);
			return r;
		}
	}
	if (ret)
		*ret = v;
	else
		value_fini(&v);
	return 0;
}

char *json_scalar_text(const struct json *j)
{
	struct str b = STR_INIT(64 << 10);

	switch (json_type(j)) {
	case JSON_STRING:
		return xstrdup(json_str(j));
	case JSON_NUMBER:
	case JSON_BOOL:
		json_print(&b, j);
		return str_take(&b);
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return NULL;
}

void flow_secret(struct flow *f, const char *name, struct secret *s)
{
	struct value v = { 0 };

	if (!s)
		return;
	value_set_text(&v, secret_reveal(s));
	v.secret = true;
	masker_add(f->masker, secret_reveal(s), NULL);
	frame_set(f->secrets, name, &v);
	flow_settle(f);
}

void flow_inherit(struct flow *f, const struct flow *before)
{
	for (size_t i = 0; i < before->secrets->n_items; i++) {
		const struct value *from = &before->secrets->items[i];
		struct value v = { 0 };

		value_copy(&v, from);
		if (v.type == V_TEXT)
			masker_add(f->masker, v.text, NULL);
		frame_set(f->secrets, from->name, &v);
	}
}

/* ---- conditions ----------------------------------------------------------------- */

/* A step's word: the pick of a decision, else its outcome. What could not be tried did not
 * pass: it counts as "fail" unless the condition speaks of errors. */
static const struct value *step_word(struct node *n, const struct matcher *m)
{
	enum run_outcome o = n->later ? n->later : n->outcome;
	struct str wanted = STR_INIT(500);

	matcher_print(&wanted, m);
	if (o == RO_ERROR && !strstr(str_get(&wanted), "error"))
		o = RO_FAIL;
	str_fini(&wanted);
	if (n->picked)
		value_set_text(&n->as_value, n->picked);
	else if (n->state == RS_SKIPPED)
		value_set_text(&n->as_value, "skipped");
	else if (o != RO_NONE && !(o == RO_UNKNOWN && n->disposition == RDI_DRY))
		value_set_text(&n->as_value, run_outcome_name(o));
	else
		return NULL;
	return &n->as_value;
}

static int one_condition(const struct node *n, const struct condition_when *c, struct str *why)
{
	const struct value *v = node_value(n, c->name);
	struct node *step = v ? NULL : flow_node_in(n->flow, n->frame, c->name);
	struct str said = STR_INIT(400);
	enum run_outcome o;

	if (step)
		v = step_word(step, c->m);
	o = matcher_test(c->m, v, &said);
	if (why) {
		str_add(why, why->len ? "; " : "");
		str_addf(why, "%s ", step ? step->s->title && *step->s->title ? step->s->title :
					    c->name : c->name);
		str_add(why, v ? "is " : "is not known");
		if (v)
			value_print(why, v, 60);
	}
	str_fini(&said);
	if (o == RO_PASS || o == RO_WARN)
		return 1;
	return v ? 0 : -1;
}

static int any_group(const struct node *n, const struct condition_when *any, size_t count,
		     struct str *why)
{
	int ret = 0;

	for (size_t i = 0; i < count;) {
		size_t group = any[i].n_all ? any[i].n_all : 1;
		struct str said = STR_INIT(400);
		int r;

		group = i + group > count ? count - i : group;
		r = node_conditions(n, any + i, group, why ? &said : NULL);
		if (why && r == 1) {
			str_add(why, why->len ? "; " : "");
			str_add(why, str_get(&said));
		}
		str_fini(&said);
		if (r == 1)
			return 1;
		ret = r < 0 ? r : ret;
		i += group;
	}
	return ret;
}

int node_conditions(const struct node *n, const struct condition_when *c, size_t count,
		    struct str *why)
{
	int ret = 1;

	for (size_t i = 0; i < count; i++) {
		int r = c[i].name ? one_condition(n, &c[i], why) :
				    any_group(n, c[i].any, c[i].n_any, why);

		if (r == 0)
			return 0;
		ret = r < 0 ? r : ret;
	}
	return ret;
}

/* ---- out of the runbook ------------------------------------------------------------- */

/* "$name" alone keeps the value's type. */
static bool whole_name(const struct node *n, const char *text, struct value *ret)
{
	char **names = NULL;
	size_t count = bind_names(text, &names);
	const struct value *v = NULL;

	if (count == 1 && text[0] == '$' && strlen(text) == strlen(names[0]) + 1)
		v = node_value(n, names[0]);
	if (v)
		value_copy(ret, v);
	for (size_t i = 0; i < count; i++)
		free_p(&names[i]);
	free_p(&names);
	return v != NULL;
}

void frame_bind_with(struct flow *f, int frame)
{
	struct frame *fr = &f->frames[frame];
	struct node *call = &f->nodes[fr->call];

	for (size_t i = 0; i < call->s->op.n_with; i++) {
		const struct pair *p = &call->s->op.with[i];
		struct scope scope = { .get = scope_get, .ctx = call };
		struct str text = STR_INIT(64 << 10);
		const struct param *param = find_param(fr->rb, p->name);
		struct value v = { 0 };
		bool secret = false;

		if (!whole_name(call, p->text, &v) &&
		    bind_text(&scope, p->text, BIND_PLAIN, &text, &secret, NULL) == 0 &&
		    (!param || param_value(param, str_get(&text), &v, NULL) < 0))
			value_set_text(&v, str_get(&text));
		v.secret = v.secret || secret;
		if (v.type != V_NULL && v.secret) {
			_cleanup_(free_p) char *full = xasprintf("%s%s", fr->prefix, p->name);

			frame_set(f->secrets, full, &v);
		} else if (v.type != V_NULL) {
			frame_set(&fr->params, p->name, &v);
		}
		free_p(&scope.needs);
		str_fini(&text);
		value_fini(&v);
	}
}

static bool row_holds(const struct binding *b, const struct value *row)
{
	struct str why = STR_INIT(200);
	bool holds = true;

	for (size_t i = 0; i < b->n_where && holds; i++) {
		enum run_outcome o = matcher_test(b->where[i].m,
						  value_get(row, b->where[i].subject), &why);

		holds = o == RO_PASS || o == RO_WARN;
	}
	str_fini(&why);
	return holds;
}

void node_bind_tables(struct node *n)
{
	const struct runbook *rb = n->flow->frames[n->frame].rb;

	for (size_t i = 0; i < n->s->n_bind; i++) {
		const struct binding *b = &n->s->bind[i];
		struct value list = { .type = V_LIST };

		for (size_t t = 0; t < rb->n_tables; t++)
			for (size_t k = 0; str_eq(rb->tables[t].name, b->table) &&
					   k < rb->tables[t].rows.n_items; k++) {
				const struct value *row = &rb->tables[t].rows.items[k];
				const struct value *cell = value_get(row, b->column);

				if (cell && row_holds(b, row))
					value_copy(value_add(&list, NULL), cell);
			}
		frame_set(&n->binds, b->name, &list);
	}
}
