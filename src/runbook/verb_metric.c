/*
 * metric: a figure of the policy, with its bands. Where the figure is from, the policy says;
 * alerts read it the same way, and the port is that way.
 *
 * No series is "not found", never 0.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/verbs.h"

static const struct policy_metric *find(const struct verb_call *c, struct err *err)
{
	const struct policy_metric *m = policy_metric(c->env->policy, c->op->text);
	const char *near = m ? NULL : policy_nearest_metric(c->env->policy, c->op->text);

	if (!m)
		err_set(err, ERR_INVALID, "the policy has no metric '%.60s'%s%s%s", c->op->text,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return m;
}

static int read_value(struct verb_call *c, const struct policy_metric *m, double *ret,
		      struct err *err)
{
	const struct run_ports *p = c->env->ports;
	int64_t over = c->op->over_ms ? c->op->over_ms : m->over_ms;

	if (!p || !p->metric_read)
		return err_set(err, ERR_UNREACHABLE, "nothing that could read this metric is"
			       " configured");
	return p->metric_read(p->ctx, m, over, c->timeout_ms, ret, err);
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	static const char *const bands[] = { "ok", "warn", "critical" };
	const struct policy_metric *m = find(c, err);
	double v = 0;
	int e = m ? read_value(c, m, &v, err) : ERR_INVALID;

	result->type = V_MAP;
	if (e < 0)
		return e;
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

const struct verb verb_metric = { .describe = describe, .run = run };
