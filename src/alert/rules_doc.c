/*
 * See rules_doc.h. Any engine can answer: figures come from the samples of the last minutes and
 * from the alert that says a metric cannot be read. What was not sampled is unknown, not fine.
 */
#include "alert/rules_doc.h"

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

static const char *const sources[] = {
	[METRIC_HTTP] = "http", [METRIC_SQL] = "sql", [METRIC_PROMETHEUS] = "prometheus",
	[METRIC_ENGINE] = "engine", [METRIC_PROVIDER] = "provider",
};

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
		.wanted = wanted(m), .source = xstrdup(sources[m->source]), .for_ms = m->for_ms,
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

static void add_rule(struct rule_row **v, size_t *n, size_t *cap, const struct policy_metric *m,
		     const struct pg_result *samples, const struct pg_result *bad)
{
	static const char *const bands[] = { "ok", "warn", "critical" };
	const char *why = why_of(bad, m->name);
	size_t before = *n;

	for (int i = 0; i < pg_rows(samples); i++) {
		double value = pg_double(samples, i, 2);
		struct rule_row *r;

		if (!str_eq(pg_text(samples, i, 0), m->name))
			continue;
		r = add(v, n, cap, m);
		r->label = xstrdup(pg_text(samples, i, 1));
		r->value = xasprintf("%.6g%s%s", value, m->unit ? " " : "", m->unit ? m->unit : "");
		r->band = xstrdup(why ? "unknown" : bands[policy_band_of(m, value)]);
		r->at_ms = pg_time(samples, i, 3);
		r->why = why ? xstrdup(why) : NULL;
	}
	if (*n > before)
		return;
	struct rule_row *r = add(v, n, cap, m);

	r->band = xstrdup("unknown");
	r->why = xstrdup(why ? why : m->by ? "no series" : "not read lately");
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
