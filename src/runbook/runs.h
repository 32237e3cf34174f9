/*
 * The host of runs in an engine. The lease holder drives; any engine takes orders: an order
 * is one stored entry, the driver sees it and goes on. Each begin is stored before the act,
 * under the lease's epoch; two orders for one step meet in the run's row: one wins, the
 * other gets ERR_CONFLICT with what happened.
 */
#ifndef RD_RUNBOOK_RUNS_H
#define RD_RUNBOOK_RUNS_H

#include "runbook/flow.h"
#include "runbook/verb.h"
#include "store/store.h"

struct runs;
struct runs_deps {
	struct loop *loop;
	struct store *store;
	struct verb_env env;		/* copied; what it points to is borrowed */
	const char *dir;		/* of the runbooks: re-read when files change */
	int64_t (*epoch)(void *ctx);	/* > 0: we hold the lease */
	void *ctx;
};
struct runs *runs_new(const struct runs_deps *d, struct err *err);
void runs_start(struct runs *r);
void runs_wake(struct runs *r);		/* journal moved, lease gained or lost */
void runs_stop(struct runs *r);
bool runs_idle(const struct runs *r);
void runs_free(struct runs *r);
const struct library *runs_library(struct runs *r);	/* valid until the next turn */

struct run_start {
	const char *runbook, *kind, *incident, *subject;
	const struct json *params;	/* {"name": value}; secrets allowed: kept in memory only */
	bool dry;
};
/* In a task. */
int runs_begin(struct runs *r, const struct run_start *s, const struct who *who, char **ret_id,
	       struct err *err);
int runs_order(struct runs *r, const char *id, const struct json *order, const struct who *who,
	       struct err *err);
int runs_doc(struct runs *r, const char *id, struct run_doc *ret, struct err *err);

#endif
