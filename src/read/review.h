/*
 * Named queries of a review: what belongs to an incident, and what its time did to accounts,
 * calls, messages, agents and orgs. Each is one statement; one that fails leaves its part
 * unknown to the caller and the others alone.
 */
#ifndef RD_READ_REVIEW_H
#define RD_READ_REVIEW_H

#include "core/pg.h"
#include "model/review.h"

int read_review_events(struct pg_conn *c, const char *incident, struct review_event **ret,
		       size_t *ret_n, struct err *err);
int read_review_runs(struct pg_conn *c, const char *incident, struct review_run **ret,
		     size_t *ret_n, struct err *err);
/* Who put the report into which state, oldest first. */
int read_review_signs(struct pg_conn *c, const char *incident, struct review_sign **ret,
		      size_t *ret_n, struct err *err);
/* The worst of each account in each slice; accounts by name, then time. */
int read_review_health(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t slice_ms,
		       struct review_health **ret, size_t *ret_n, struct err *err);
int read_review_slices(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t slice_ms,
		       struct review_slice **ret, size_t *ret_n, struct err *err);
/* Orgs with something that failed, worst first, at most limit; *ret_all: how many there are. */
int read_review_orgs(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t limit,
		     struct review_org **ret, size_t *ret_n, int64_t *ret_all, struct err *err);
/* Agents that were seen failing; *ret_agents: all there are. */
int read_review_agents(struct pg_conn *c, int64_t from_ms, int64_t to_ms, int64_t *ret_failing,
		       int64_t *ret_agents, struct err *err);

enum review_kind { REVIEW_CALLS, REVIEW_MESSAGES, REVIEW_KINDS };
/* Always fills ret (record_fini of review_traffic_type); a query that failed is told in how. */
void read_review_traffic(struct pg_conn *c, enum review_kind kind, int64_t from_ms,
			 int64_t to_ms, struct review_traffic *ret);
/* As when it could not be read. */
void review_traffic_unknown(enum review_kind kind, const char *why, struct review_traffic *ret);
/* The comparison alone: v[k] = total and failed k periods before; v[0] the window itself. */
struct traffic_day { int64_t total, failed; bool known; };
void review_compare(const struct traffic_day *v, size_t n, struct review_traffic *ret);
/* Of every incident but drills, until it was resolved or now; by incident, as strcmp orders. */
int read_severity_spans(struct pg_conn *c, int64_t now_ms, struct severity_span **ret,
			size_t *ret_n, struct err *err);

#endif
