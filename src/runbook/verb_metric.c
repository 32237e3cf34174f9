/*
 * metric: a figure of the policy, with its bands. Figures of the application are read here,
 * over HTTP or SQL as the policy says; those of the engine and of Prometheus by the port.
 *
 * No series is "not found", never 0.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/verbs.h"

/* $base and the others are members of the policy's target. */
struct target_scope { const struct verb_env *env; struct value last; };

static const struct value *target_get(void *ctx, const char *name)
{
	struct target_scope *t = ctx;
	const char *v = policy_target_value(t->env->policy, t->env->target, name);

	if (!v)
		return NULL;
	value_set_text(&t->last, v);
	return &t->last;
}

static const struct policy_metric *find(const struct verb_call *c, struct err *err)
{
	const struct policy_metric *m = policy_metric(c->env->policy, c->op->text);
	const char *near = m ? NULL : policy_nearest_metric(c->env->policy, c->op->text);

	if (!m)
		err_set(err, ERR_INVALID, "the policy has no metric '%.60s'%s%s%s", c->op->text,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return m;
}

static int number_of(const struct value *v, double *ret, struct err *err)
{
	if (!v || v->type == V_NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no value");
	if (v->type == V_NUMBER)
		*ret = v->n;
	else
		return err_set(err, ERR_INVALID, "%s came instead of a number",
			       value_type_name(v->type));
	return 0;
}

/* By another verb, as a read, with the target's values. */
static int by_verb(struct verb_call *c, const struct policy_metric *m, double *ret, struct err *err)
{
	struct target_scope t = { .env = c->env };
	struct scope scope = { .get = target_get, .ctx = &t };
	struct operation op = { .verb = m->source == METRIC_SQL ? VERB_SQL : VERB_HTTP,
				.text = m->text, .method = (char[]){ "GET" },
				.n_query = m->n_query };
	struct verb_call call = *c;
	struct value result = { .type = V_MAP };
	const struct value *table, *json, *v = NULL;
	int e;

	op.query = xcalloc(m->n_query + 1, sizeof(*op.query));
	for (size_t i = 0; i < m->n_query; i++)
		op.query[i] = (struct pair){ .name = m->query[i].name, .text = m->query[i].value };
	call.op = &op;
	call.effect = EFFECT_READ;
	call.scope = &scope;
	e = verb_by_id(op.verb)->run(&call, &result, err);
	table = value_get(&result, "table");
	json = value_get(&result, "json");
	if (op.verb == VERB_SQL && table && table->n_items && table->items[0].n_items)
		v = &table->items[0].items[0];
	else if (json)
		v = value_path(json, m->json_path);
	if (e == 0 && op.verb == VERB_HTTP && value_get(&result, "status")->n != 200)
		e = err_set(err, ERR_FAILED, "HTTP status %.0f", value_get(&result, "status")->n);
	if (e == 0)
		e = number_of(v, ret, err);
	free_p(&op.query);
	free_p(&scope.needs);
	value_fini(&t.last);
	value_fini(&result);
	return e;
}

static int read_value(struct verb_call *c, const struct policy_metric *m, double *ret,
		      struct err *err)
{
	const struct run_ports *p = c->env->ports;
	int64_t over = c->op->over_ms ? c->op->over_ms : m->over_ms;

	if (m->source == METRIC_HTTP || m->source == METRIC_SQL)
		return by_verb(c, m, ret, err);
	if (!p || !p->metric_read)
		return err_set(err, ERR_UNREACHABLE, "nothing that could read this metric is"
						     " configured");
	return p->metric_read(p->ctx, m, over, ret, err);
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	static const char *const bands[] = { "ok", "warn", "critical" };
	const struct policy_metric *m = find(c, err);
	double v = 0;
	int e = m ? read_value(c, m, &v, err) : ERR_INVALID;

	result->type = V_MAP;
	if (e < 0)
		return m ? err_prefix(err, "%s", m->name) : e;
	value_set_number(value_add(result, "value"), v);
	value_set_text(value_add(result, "band"), bands[policy_band_of(m, v)]);
	if (m->unit)
		value_set_text(value_add(result, "unit"), m->unit);
	return 0;
}

static void add_band(struct str *b, const char *what, const struct policy_band *band)
{
	static const char *const ops[] = { "<", "<=", ">", ">=" };

	if (band->set)
		str_addf(b, "; %s %s %g", what, ops[band->op], band->limit);
}

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	const struct policy_metric *m = find(c, err);
	char d[64];

	if (!m)
		return ERR_INVALID;
	verb_show(c, ret, m->title ? m->title : m->name);
	if (m->unit)
		str_addf(ret, " (%s)", m->unit);
	if (c->op->over_ms) {
		format_duration(d, sizeof(d), c->op->over_ms);
		str_addf(ret, " over %s", d);
	}
	add_band(ret, "ok", &m->ok);
	add_band(ret, "warning", &m->warn);
	return 0;
}

static const char *const subjects[] = { "value", NULL };
const struct verb verb_metric = { .name = "metric", .id = VERB_METRIC, .effect = verb_reads,
				  .describe = describe, .run = run, .subjects = subjects,
				  .help = "reads a metric; its bands are in policy.yaml" };
