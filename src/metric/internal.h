/* Shared by the files of metric/ only. */
#ifndef RD_METRIC_INTERNAL_H
#define RD_METRIC_INTERNAL_H

#include "metric/source.h"

struct pg_pool;
struct metrics {
	struct metric_deps d;
	struct pg_pool *pool;		/* made with the first statement */
};

struct metric_ask {
	struct metrics *ms;
	const struct policy *policy;
	const struct policy_metric *m;
	int64_t over_ms, deadline_ms;
	struct metric_points *ret;
};

int metric_ask_sql(struct metric_ask *a, struct err *err);
int metric_ask_http(struct metric_ask *a, struct err *err);
int metric_ask_prometheus(struct metric_ask *a, struct err *err);
int metric_ask_provider(struct metric_ask *a, struct err *err);

#endif
