/*
 * See rules_doc.h. Any engine can answer: one that does not lead takes the samples of the last
 * minutes and the alert that says a metric cannot be read. What was not read is unknown, not fine.
 */
#include "alert/rules_doc.h"

#include "alert/board.h"
#include "core/mem.h"
#include "core/pg.h"
#include "core/str.h"
#include "store/store.h"

enum { FRESH_MS = 10 * 60000 };

static const struct field rule_fields[] = {
	FIELD(rule_row, name, "name", "RULE", F_STR),
	FIELD(rule_row, label, "label", "ON", F_STR, .flags = FF_OUTSIDE),
	FIELD(rule_row, value, "value", "VALUE", F_STR),
	FIELD(rule_row, band, "band", "IS", F_STR, .help = "ok, warn, critical, or unknown"),
	FIELD(rule_row, wanted, "wanted", "BANDS", F_STR),
	FIELD(rule_row, for_ms, "forMs", "FOR", F_DUR, .help = "how long before it fires"),
	FIELD(rule_row, keep_ms, "keepMs", "KEEPS", F_DUR, .help = "how long good before it ends"),
	FIELD(rule_row, at_ms, "at", "READ", F_TIME),
	FIELD(rule_row, source, "source", "SOURCE", F_STR),
	FIELD(rule_row, runbook, "runbook", "RUNBOOK", F_STR),
	FIELD(rule_row, title, "title", "WHAT", F_STR, .flags = FF_DETAIL),
	FIELD(rule_row, why, "why", "WHY UNKNOWN", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(rule_type, "rule", rule_row, rule_fields);

static void add_band(struct str *b, const char *what, const struct policy_band *band)
{
	static const char *const ops[] = { "<", "<=", ">", ">=" };

	if (band->set)
		str_addf(b, "%s%s %s %g", b->len ? ", " : "", what, ops[band->op], band->limit);
}

static char *wanted(const struct policy_metric *m)
{
	struct str b = STR_INIT(300);

	if (m->absent_while)
		str_addf(&b, "not 0 while %s", m->absent_while);
	add_band(&b, "ok", &m->ok);
	add_band(&b, "warn", &m->warn);
	return str_take(&b);
}

static struct rule_row *add(struct rule_row **v, size_t *n, size_t *cap,
			    const struct policy_metric *m)
{
	struct rule_row *r;

	*v = grow(*v, cap, *n + 1, sizeof(**v));
	r = &(*v)[(*n)++];
	*r = (struct rule_row){
		.name = xstrdup(m->name), .title = xstrdup(m->title ? m->title : m->name),
		.wanted = wanted(m), .for_ms = m->for_ms,
		.source = xstrdup(enum_name(&metric_source_names, m->source)),
		.keep_ms = m->keep_ms, .runbook = m->runbook ? xstrdup(m->runbook) : NULL,
	};
	return r;
}

static const char *why_of(const struct pg_result *bad, const char *name)
{
	for (int i = 0; i < pg_rows(bad); i++)
		if (str_eq(pg_text(bad, i, 0), name))
			return pg_text(bad, i, 1);
	return NULL;
}

static const char *const bands[] = { "ok", "warn", "critical" };

static char *figure(const struct policy_metric *m, double v)
{
	return xasprintf(v < 1000 && v > -1000 ? "%.3g%s%s" : "%.0f%s%s", v, m->unit ? " " : "",
			 m->unit ? m->unit : "");
}

static void unknown(struct rule_row *r, const struct policy_metric *m, const char *why)
{
	r->band = xstrdup("unknown");
	r->why = xstrdup(!str_empty(why) ? why : m->by ? "no series" : "not read lately");
}

void alert_rules_now(const struct board *b, struct rule_row **ret, size_t *ret_n)
{
	enum { SERIES_MAX = 100 };	/* of one rule */
	size_t cap = 0;

	for (size_t i = 0; i < b->n_metrics; i++) {
		const struct board_metric *bm = &b->metrics[i];
		size_t before = *ret_n;

		for (size_t k = 0; k < b->n && *ret_n - before < SERIES_MAX; k++) {
			const struct board_series *s = &b->v[k];
			struct rule_row *r;

			if (s->metric != i || !s->s.sample_at_ms || s->round != bm->round)
				continue;
			r = add(ret, ret_n, &cap, bm->of);
			r->label = xstrdup(s->s.label);
			r->value = figure(bm->of, s->raw);
			r->at_ms = s->s.sample_at_ms;
			if (bm->failed_since_ms || !bm->round)
				unknown(r, bm->of, bm->why);
			else
				r->band = xstrdup(bands[policy_band_of(&bm->m, s->s.value)]);
		}
		if (*ret_n == before)
			unknown(add(ret, ret_n, &cap, bm->of), bm->of, bm->why);
	}
}

static bool sample_of(const struct pg_result *samples, const char *name, const char *label,
		      double *ret)
{
	for (int i = 0; i < pg_rows(samples); i++)
		if (str_eq(pg_text(samples, i, 0), name) && str_eq(pg_text(samples, i, 1), label)) {
			*ret = pg_double(samples, i, 2);
			return true;
		}
	return false;
}

/* A rule of absence is judged by the other figure. */
static const char *band_of(const struct policy_metric *m, const struct pg_result *samples,
			   const char *label, double value)
{
	double other = 0;

	if (!m->absent_while)
		return bands[policy_band_of(m, value)];
	if (!sample_of(samples, m->absent_while, label, &other) &&
	    !sample_of(samples, m->absent_while, "", &other))
		return "unknown";
	return bands[absence_value(value, other) > 0 ? 2 : 0];
}

static void add_rule(struct rule_row **v, size_t *n, size_t *cap, const struct policy_metric *m,
		     const struct pg_result *samples, const struct pg_result *bad)
{
	const char *why = why_of(bad, m->name);
	size_t before = *n;

	for (int i = 0; i < pg_rows(samples); i++) {
		double value = pg_double(samples, i, 2);
		const char *label = pg_text(samples, i, 1);
		struct rule_row *r;

		if (!str_eq(pg_text(samples, i, 0), m->name))
			continue;
		r = add(v, n, cap, m);
		r->label = xstrdup(label);
		r->value = figure(m, value);
		r->at_ms = pg_time(samples, i, 3);
		if (why)
			unknown(r, m, why);
		else
			r->band = xstrdup(band_of(m, samples, label, value));
	}
	if (*n == before)
		unknown(add(v, n, cap, m), m, why);
}

int alert_rules(struct store *s, const struct policy *p, int64_t now_ms, struct rule_row **ret,
		size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *samples = NULL, *bad = NULL;
	size_t cap = 0;
	int e = store_query(s, &samples, err, "SELECT DISTINCT ON (name, label) name, label, value,"
			    " at FROM ringdown.metric_sample WHERE at >= $1 ORDER BY name, label,"
			    " at DESC LIMIT 2000", "m", now_ms - FRESH_MS);

	if (e == 0)
		e = store_query(s, &bad, err, "SELECT subject, text FROM ringdown.alert WHERE"
				" name = 'metric-unreadable' AND state = 'firing'", "");
	for (size_t i = 0; e == 0 && p && i < p->n_metrics; i++)
		add_rule(ret, ret_n, &cap, &p->metrics[i], samples, bad);
	return e;
}
