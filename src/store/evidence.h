/* What probes saw, the history of health, and their retention. */
#ifndef RD_STORE_EVIDENCE_H
#define RD_STORE_EVIDENCE_H

#include "model/enums.h"
#include "store/store.h"

struct evidence_row {
	char *engine, *account, *method, *class_, *reason, *detail;
	int kind, outcome;		/* enum probe_kind, enum outcome */
	int64_t code, latency_ms, at_ms;
};
void evidence_free(struct evidence_row *rows, size_t n);
/* By any engine, no lease needed; engine is filled in by the store. */
int evidence_put(struct store *s, const struct evidence_row *rows, size_t n, struct err *err);
/* The newest per engine, kind and method since since_ms; account NULL = all. */
int evidence_latest(struct store *s, const char *account, int64_t since_ms,
		    struct evidence_row **ret, size_t *ret_n, struct err *err);

struct health_check {			/* one row of "TwilioHealthCheck" */
	const char *account, *status, *check_type;
	int64_t total, failed, latency_ms;
	double rate;
	const char *details;		/* JSON */
};
int health_check_put(struct tx *t, const struct health_check *h, struct err *err);
struct health_point { int64_t at_ms, total, failed, latency_ms; char *status; double rate; };
/* Newest first. */
int health_history(struct store *s, const char *account, int64_t since_ms, int64_t limit,
		   struct health_point **ret, size_t *ret_n, struct err *err);
void health_points_free(struct health_point *rows, size_t n);
/* Rolls full hours up and removes what is older than the retention; in batches, repeatable. */
int history_roll(struct store *s, const struct who *who, int64_t now_ms, int64_t keep_ms,
		 struct err *err);
/* Removes what was written outside, and the tests of events that are over; in batches. */
int attempts_prune(struct store *s, const struct who *who, int64_t before_ms, struct err *err);

#endif
