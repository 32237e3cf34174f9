/*
 * See source.h. Chooses the source, keeps what all of them share: points, the values that a
 * target gives, how many series a metric may have.
 *
 * Nothing here judges a value; bands and durations are alert/'s business.
 */
#include "metric/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pg.h"
#include "core/str.h"
#include "metric/internal.h"

enum { LABEL_MAX = 200 };

/* ---- points ------------------------------------------------------------------------------ */

void metric_points_add(struct metric_points *p, const char *label, double value)
{
	p->v = grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct metric_point){ text_clean(label ? label : "", LABEL_MAX), value };
}

void metric_points_fini(struct metric_points *p)
{
	for (size_t i = 0; i < p->n; i++)
		free_p(&p->v[i].label);
	free_p(&p->v);
	p->n = p->cap = 0;
}

/* ---- values of the target ------------------------------------------------------------------ */

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* As Prometheus writes it: one unit. */
static void add_over(struct str *b, int64_t ms)
{
	enum { MIN_MS = 60000 };

	if (ms > 0 && ms % MIN_MS == 0)
		str_addf(b, "%lldm", (long long)(ms / MIN_MS));
	else
		str_addf(b, "%lldms", (long long)(ms > 0 ? ms : 5 * MIN_MS));
}

int metric_expand(const struct policy *p, const char *target, const char *text, int64_t over_ms,
		  char **ret, struct err *err)
{
	struct str b = STR_INIT(65536);

	for (const char *at; (at = strchr(text, '$')) != NULL;) {
		bool braces = at[1] == '{';
		const char *from = at + 1 + braces;
		size_t n = 0;

		str_addn(&b, text, (size_t)(at - text));
		while (name_char(from[n]))
			n++;
		text = from + n + (braces && from[n] == '}');
		if (n == 0) { /* a $ of the text itself */
			str_addc(&b, '$');
			text = at + 1;
			continue;
		}
		_cleanup_(free_p) char *name = xstrndup(from, n);
		const char *v = policy_target_value(p, target, name);

		if (str_eq(name, "over")) {
			add_over(&b, over_ms);
		} else if (v) {
			str_add(&b, v);
		} else {
			str_fini(&b);
			return err_set(err, ERR_NOT_FOUND, "the target '%s' of the policy has no"
				       " value for $%s now", target ? target : "", name);
		}
	}
	str_add(&b, text);
	*ret = str_take(&b);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct metrics *metrics_new(const struct metric_deps *d)
{
	struct metrics *ms = xcalloc(1, sizeof(*ms));

	ms->d = *d;
	return ms;
}

void metrics_free(struct metrics *ms)
{
	if (!ms)
		return;
	if (ms->pool)
		pg_pool_free(ms->pool);
	free_p(&ms);
}

static int ask_engine(struct metric_ask *a, struct err *err)
{
	if (!a->ms->d.figure)
		return err_set(err, ERR_NOT_FOUND, "there is no engine to ask");
	return a->ms->d.figure(a->ms->d.ctx, a->m->text, a->ret, err);
}

static int ask(struct metric_ask *a, struct err *err)
{
	switch (a->m->source) {
	case METRIC_HTTP: return metric_ask_http(a, err);
	case METRIC_SQL: return metric_ask_sql(a, err);
	case METRIC_PROMETHEUS: return metric_ask_prometheus(a, err);
	case METRIC_PROVIDER: return metric_ask_provider(a, err);
	case METRIC_ENGINE: return ask_engine(a, err);
	}
	return err_set(err, ERR_INVALID, "no source");
}

int metric_read(struct metrics *ms, const struct policy *p, const struct policy_metric *m,
		int64_t over_ms, int64_t deadline_ms, struct metric_points *ret, struct err *err)
{
	struct metric_ask a = { ms, p, m, over_ms ? over_ms : m->over_ms,
				deadline_ms > 0 ? deadline_ms : METRIC_DEADLINE_MS, ret };
	int e = ask(&a, err);

	if (e == 0 && !m->by && ret->n == 0)
		e = err_set(err, ERR_NOT_FOUND, "there is no series");
	if (e == 0 && !m->by && ret->n > 1)
		e = err_set(err, ERR_INVALID, "%zu series came and the metric has no 'by' to tell "
			    "them apart", ret->n);
	if (e == 0 && ret->n > METRIC_POINTS_MAX)
		e = err_set(err, ERR_INVALID, "%zu series came, %d is the most", ret->n,
			    METRIC_POINTS_MAX);
	if (e < 0)
		metric_points_fini(ret);
	return e < 0 ? err_prefix(err, "%s", m->name) : 0;
}

/* Is a worse than b? Of two in the same band, the one further out. */
static bool worse(const struct policy_metric *m, double a, double b)
{
	int band_a = policy_band_of(m, a), band_b = policy_band_of(m, b);
	bool low_is_bad = m->ok.set && (m->ok.op == BAND_GE || m->ok.op == BAND_GT);

	return band_a != band_b ? band_a > band_b : low_is_bad ? a < b : a > b;
}

int metric_read_one(struct metrics *ms, const struct policy *p, const char *name, int64_t over_ms,
		    int64_t deadline_ms, double *ret, struct err *err)
{
	const struct policy_metric *m = policy_metric(p, name);
	const char *near = m ? NULL : policy_nearest_metric(p, name);
	struct metric_points points = { 0 };
	int e;

	if (!m)
		return err_set(err, ERR_INVALID, "the policy has no metric '%.60s'%s%s%s", name,
			       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	e = metric_read(ms, p, m, over_ms, deadline_ms, &points, err);
	if (e == 0 && points.n == 0)
		e = err_set(err, ERR_NOT_FOUND, "%s: there is no series", name);
	for (size_t i = 0; i < points.n; i++)
		if (i == 0 || worse(m, points.v[i].value, *ret))
			*ret = points.v[i].value;
	metric_points_fini(&points);
	return e;
}
