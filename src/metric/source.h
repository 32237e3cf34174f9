/*
 * One metric of policy.yaml, read now from where the policy says it is: a query of
 * PostgreSQL, a path of the telephony application, a provider's API, a Prometheus query, or a
 * figure that the engine has itself. For tasks; every read ends by its deadline.
 *
 * What cannot be read is an error with its reason, never 0; no series is ERR_NOT_FOUND.
 */
#ifndef RD_METRIC_SOURCE_H
#define RD_METRIC_SOURCE_H

#include "core/http.h"
#include "core/loop.h"
#include "policy/policy.h"

struct store;
struct providers;

struct metric_point { char *label; double value; };	/* label "": the only series */
struct metric_points { struct metric_point *v; size_t n, cap; };
void metric_points_add(struct metric_points *p, const char *label, double value);
void metric_points_fini(struct metric_points *p);

struct metric_deps {
	struct loop *loop;
	struct http *http;
	struct store *store;		/* accounts, for providers' figures */
	struct providers *providers;
	const char *database;		/* libpq address for statements; a role that only reads */
	const char *target;		/* of the policy: values of $base and the like */
	bool allow_insecure_http;
	/* A figure of this engine by name, all its series; ERR_NOT_FOUND: there is none now. */
	int (*figure)(void *ctx, const char *name, struct metric_points *ret, struct err *err);
	void *ctx;
};
struct metrics;
/* What d points to is borrowed for good. */
struct metrics *metrics_new(const struct metric_deps *d);
void metrics_free(struct metrics *ms);		/* NULL ok; no task may be inside */

enum { METRIC_DEADLINE_MS = 5000, METRIC_POINTS_MAX = 20000 };
/* All series of m. over_ms 0: what the policy says; deadline_ms 0: METRIC_DEADLINE_MS. A metric
 * without `by` has exactly one; one with `by` may have none. */
int metric_read(struct metrics *ms, const struct policy *p, const struct policy_metric *m,
		int64_t over_ms, int64_t deadline_ms, struct metric_points *ret, struct err *err);
/* By its name in the policy; a metric with `by` gives its worst series. */
int metric_read_one(struct metrics *ms, const struct policy *p, const char *name, int64_t over_ms,
		    int64_t deadline_ms, double *ret, struct err *err);

/* Text with $base, ${base} replaced by the target's values; with $over, a duration as
 * Prometheus writes it. ERR_NOT_FOUND names a value the target lacks. Caller frees *ret. */
int metric_expand(const struct policy *p, const char *target, const char *text, int64_t over_ms,
		  char **ret, struct err *err);
/* Replies, for tests without a network: JSON of the application, of Prometheus. */
int metric_from_json(const struct policy_metric *m, const char *text, size_t len,
		     struct metric_points *ret, struct err *err);
int metric_from_prometheus(const struct policy_metric *m, const char *text, size_t len,
			   struct metric_points *ret, struct err *err);

#endif
