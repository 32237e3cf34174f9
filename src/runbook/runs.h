/*
 * The host of runs in an engine. The lease holder drives; any engine takes orders: an order
 * is one stored entry, the driver sees it and goes on. Each begin is stored before the act,
 * under the lease's epoch; two orders for one step meet in the run's row: one wins, the
 * other gets ERR_CONFLICT with what happened.
 */
#ifndef RD_RUNBOOK_RUNS_H
#define RD_RUNBOOK_RUNS_H

#include "model/run.h"
#include "runbook/flow.h"
#include "runbook/verb.h"
#include "store/store.h"

struct runs;
struct runs_deps {
	struct loop *loop;
	struct store *store;
	struct verb_env env;		/* copied; what it points to is borrowed */
	const char *dir;		/* of the runbooks: re-read when files change */
	const char *environment;
	double speed;			/* demonstrations: of time that only passes */
	int64_t (*epoch)(void *ctx);	/* > 0: we hold the lease */
	void (*changed)(void *ctx);	/* something was journaled */
	void *ctx;
};
struct runs *runs_new(const struct runs_deps *d);
void runs_start(struct runs *r);
void runs_wake(struct runs *r);		/* journal moved, lease gained or lost */
void runs_stop(struct runs *r);
bool runs_idle(const struct runs *r);
void runs_free(struct runs *r);
const struct library *runs_library(struct runs *r);	/* valid until the next turn; NULL: none */
const char *runs_problem(struct runs *r, const char *id);	/* why it cannot be read; NULL */
const struct policy *runs_policy(const struct runs *r);

struct run_start {
	const char *runbook, *kind, *incident, *subject;
	const struct json *params;	/* {"name": value}; secrets allowed: kept in memory only */
	bool dry;
};
/* In a task. */
int runs_begin(struct runs *r, const struct run_start *s, const struct who *who, char **ret_id,
	       struct err *err);
/* *ret_version (may be NULL): of the run after it. */
int runs_order(struct runs *r, const char *id, const struct json *order, const struct who *who,
	       int role, int64_t *ret_version, struct err *err);
/* Until it waits for a person, is over, or ms have passed. */
int runs_settle(struct runs *r, const char *id, int64_t ms, struct err *err);
int runs_doc(struct runs *r, const char *id, struct run_doc *ret, struct err *err);

#endif
