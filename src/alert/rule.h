/*
 * Alert rules, purely: a sample in, a state out. pending while a band is left for less than
 * `for`, firing after it, resolved once it was good for `keep`; no sample for three
 * intervals: the state stays and is marked stale. Inhibition is one table of name -> name
 * with equal labels; nothing else (Alertmanager does more and can be put in front).
 */
#ifndef RD_ALERT_RULE_H
#define RD_ALERT_RULE_H

#include "model/enums.h"
#include "policy/policy.h"

struct series {				/* one metric with one label value */
	const struct policy_metric *metric;
	char *label;			/* "" = the only one */
	int state;			/* enum alert_state, or -1: nothing is wrong */
	/* 0 ok, 1 warn, 2 critical: the worst that was held long enough */
	int level;
	/* since when the value is at least this bad; 0 = it is not */
	int64_t since_ms[3];
	int64_t good_since_ms, changed_at_ms, sample_at_ms;
	double value;
	bool stale;
};
enum series_change { SERIES_SAME, SERIES_PENDING, SERIES_FIRES, SERIES_WORSE, SERIES_BETTER,
		     SERIES_RESOLVED, SERIES_DROPPED /* pending, then good */ };
enum series_change series_sample(struct series *s, double value, int64_t at_ms);
/* Time alone: stale, or a band held long enough without a new sample is not enough to fire. */
void series_tick(struct series *s, int64_t now_ms);
/* The absence rule: value is flat (0) while the other metric moves. */
double absence_value(double value, double other);

/* Is an alert explained by another that fires now? label: value of a label of it by name, NULL =
 * it has none. The same table as alerts_hush works by in the database. */
struct firing { const char *name, *subject; };
bool inhibited(const struct policy *p, const struct firing *a,
	       const char *(*label)(const void *ctx, const char *name), const void *ctx,
	       const struct firing *v, size_t n, const char **ret_by);

#endif
