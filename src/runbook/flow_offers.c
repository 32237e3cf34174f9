/*
 * What a parameter that is still to be given could be, out of the run itself: the column of
 * that name in what earlier steps found, and what the same name got elsewhere in the run.
 *
 * "org_id" and "orgId" are one name. Only what the parameter would take is offered, nothing
 * that a step keeps masked; nobody takes an offer but a person.
 */
#include <ctype.h>
#include <string.h>

#include "runbook/flow_priv.h"
#include "runbook/param.h"

static bool same_name(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "_- ");
		b += strspn(b, "_- ");
		if (!*a || !*b)
			return *a == *b;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	}
}

static const struct param *declared(const struct flow *f, const char *name)
{
	const char *bare;
	const struct runbook *rb = f->frames[flow_param_frame(f, name, &bare)].rb;

	for (size_t i = 0; i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, bare))
			return &rb->params[i];
	return NULL;
}

static void offer(struct run_param *to, const struct param *p, const char *text, const char *from)
{
	struct value v = { 0 };

	if (!str_empty(text) && param_value(p, text, &v, NULL) == 0)
		run_param_offer(to, text, from);
	value_fini(&v);
}

static void from_table(struct run_param *to, const struct param *p, const struct json *table,
		       const char *from)
{
	for (const struct json *row = json_first(table); row; row = json_next(row)) {
		if (json_type(row) != JSON_OBJECT)
			continue;
		for (const struct json *cell = json_first(row); cell; cell = json_next(cell)) {
			_cleanup_(free_p) char *text = same_name(json_name(cell), p->name) ?
						       json_scalar_text(cell) : NULL;

			offer(to, p, text, from);
		}
	}
}

static void from_results(const struct flow *f, struct run_doc *d)
{
	for (size_t i = f->n_nodes; i-- > 0;) {		/* the latest first */
		const struct node *n = &f->nodes[i];
		_cleanup_(json_free_p) struct json *j =
			n->result && strstr(n->result, "\"table\"") ?
			json_parse(n->result, strlen(n->result), NULL) : NULL;
		_cleanup_(free_p) char *from = xasprintf("found by %s", n->s->id);

		for (size_t k = 0; j && k < d->n_params; k++) {
			struct run_param *to = &d->params[k];
			const struct param *p = to->set || to->secret ? NULL :
						declared(f, to->name);

			if (p)
				from_table(to, p, json_get(j, "table"), from);
		}
	}
}

static const char *bare_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static void from_others(const struct flow *f, struct run_param *to, const struct param *p,
			const struct run_doc *d)
{
	for (size_t k = 0; k < d->n_params; k++) {
		const struct run_param *o = &d->params[k];

		if (o->set && !o->secret && str_eq(bare_name(o->name), bare_name(to->name)))
			offer(to, p, o->value, "given before in this run");
	}
	offer(to, p, str_eq(p->name, "incident") ? f->incident : f->subject,
	      "what the run is about");
}

void flow_offer(const struct flow *f, struct run_doc *d)
{
	bool any = false;

	for (size_t i = 0; i < d->n_params; i++) {
		struct run_param *to = &d->params[i];
		const struct param *p = to->set || to->secret ? NULL : declared(f, to->name);

		any |= p != NULL;
		/* a free text takes anything: then its name has to say what it is */
		if (p && (p->type != PARAM_STRING || p->pattern))
			from_others(f, to, p, d);
	}
	if (any)
		from_results(f, d);
}
