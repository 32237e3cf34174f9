/*
 * Counters and findings. Looks only at what clients changed; changes by the
 * control interface and by the simulated providers themselves (an import that
 * rewrites a webhook) do not pass through here.
 */
#include "sim/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/mem.h"

static struct sim_op_count *op_count(struct sim_ledger *l, const char *service, const char *op)
{
	for (int i = 0; i < l->n_ops; i++)
		if (l->op[i].op == op || (str_eq(l->op[i].op, op) && l->op[i].service == service))
			return &l->op[i];
	if (l->n_ops == SIM_OPS_MAX)
		return &l->op[SIM_OPS_MAX - 1];
	l->op[l->n_ops] = (struct sim_op_count){ .service = service, .op = op };
	return &l->op[l->n_ops++];
}

void sim_ledger_done(struct sim_request *q)
{
	struct sim_ledger *l = &q->sim->ledger;
	struct sim_op_count *c =
		op_count(l, sim_service_name(q->service), q->op ? q->op : "unknown");

	l->requests++;
	c->requests++;
	if (q->status >= 400 || q->status == 0)
		c->errors++;
	if (q->effective) {
		l->effective++;
		c->effective++;
	}
	if (q->account)
		q->account->requests++;
}

static void find(struct sim_request *q, struct sim_findings *f, const char *kind,
		 const char *detail)
{
	f->total++;
	if (f->n == SIM_FINDINGS_MAX)
		return;
	f->v[f->n++] = (struct sim_finding){ kind, xasprintf("%s %s: %s", q->method, q->path,
							     detail), q->now_ms };
}

void sim_ledger_forbidden(struct sim_request *q, const char *kind, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	find(q, &q->sim->ledger.forbidden, kind, text);
}

void sim_ledger_duplicate(struct sim_request *q, const char *kind, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	find(q, &q->sim->ledger.duplicate, kind, text);
}

void sim_ledger_effective(struct sim_request *q, struct sim_account *a)
{
	q->effective = true;
	if (!a)
		return;
	a->effective_writes++;
	if (a->source)
		sim_ledger_forbidden(q, "source_account", "%s", a->name);
}

void sim_ledger_field(struct sim_request *q, struct sim_number *n, int field, const char *old,
		      const char *v)
{
	int phase = q->sim->world.phase;
	struct sim_trace *t = n->trace;

	if (!t)
		t = n->trace = xcalloc(1, sizeof(*t));
	if (t->phase != phase) {
		memset(t, 0, sizeof(*t));
		t->phase = phase;
	}
	if (!t->reached[field]) {
		t->before[field] = old;
		t->reached[field] = v;
		return;
	}
	if (v == t->before[field])
		return;			/* an undo */
	if (v != t->reached[field] && old == t->before[field]) {
		t->reached[field] = v;	/* undone, then another wish */
		return;
	}
	sim_ledger_duplicate(q, "number_field", "%s field %d: %s -> %s", n->e164, field, old, v);
}

void sim_ledger_assign(struct sim_request *q, struct sim_import *i, struct sim_agent *old,
		       struct sim_agent *now)
{
	if (i->phase != q->sim->world.phase || (!i->before && !i->reached)) {
		i->phase = q->sim->world.phase;
		i->before = old;
		i->reached = now;
		return;
	}
	if (now == i->before)
		return;
	if (now != i->reached && old == i->before) {
		i->reached = now;
		return;
	}
	sim_ledger_duplicate(q, "assignment", "%s -> %s", i->e164, now ? now->id : "none");
}

static void clear_findings(struct sim_findings *f)
{
	for (int i = 0; i < f->n; i++)
		free_p(&f->v[i].detail);
}

void sim_ledger_clear(struct sim_ledger *l)
{
	uint64_t in_flight = l->in_flight;

	clear_findings(&l->forbidden);
	clear_findings(&l->duplicate);
	*l = (struct sim_ledger){ .in_flight = in_flight };
}

static void write_findings(struct jw *w, const char *name, const struct sim_findings *f)
{
	jw_arr(w, name);
	for (int i = 0; i < f->n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "kind", f->v[i].kind);
		jw_str(w, "detail", f->v[i].detail);
		jw_time(w, "at", f->v[i].at_ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

void sim_ledger_write(const struct sim *s, struct jw *w)
{
	const struct sim_ledger *l = &s->ledger;

	jw_i64(w, "forbiddenWrites", (int64_t)l->forbidden.total);
	jw_i64(w, "duplicateWrites", (int64_t)l->duplicate.total);
	write_findings(w, "forbidden", &l->forbidden);
	write_findings(w, "duplicates", &l->duplicate);
	jw_obj(w, "counters");
	jw_i64(w, "requests", (int64_t)l->requests);
	jw_i64(w, "effectiveWrites", (int64_t)l->effective);
	jw_i64(w, "inFlight", (int64_t)l->in_flight);
	jw_i64(w, "maxInFlight", (int64_t)l->max_in_flight);
	jw_arr(w, "operations");
	for (int i = 0; i < l->n_ops; i++) {
		jw_obj(w, NULL);
		jw_str(w, "service", l->op[i].service);
		jw_str(w, "operation", l->op[i].op);
		jw_i64(w, "requests", (int64_t)l->op[i].requests);
		jw_i64(w, "errors", (int64_t)l->op[i].errors);
		jw_i64(w, "effectiveWrites", (int64_t)l->op[i].effective);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}
