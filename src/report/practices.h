/*
 * Practices of the year (R3: monthly incident review, quarterly runbook update, annual drill):
 * the policy lists them with a first date and an interval, the database knows when each was done.
 * A practice done in the half interval before a date was done for that date. The next date can be
 * moved, which moves none of those after it. What is overdue is
 * told once for each date, by the leader.
 */
#ifndef RD_REPORT_PRACTICES_H
#define RD_REPORT_PRACTICES_H

#include "core/loop.h"
#include "model/review.h"
#include "notify/notify.h"
#include "policy/policy.h"

struct store;
struct who;

/* The next date: the first one that was not done and does not lie before since_ms (0 = any). */
int64_t practice_due(int64_t first_ms, int64_t every_ms, int64_t since_ms, int64_t done_ms);
struct practice_move;
/* Fills in when it is due, and whether people moved that: the date of done_at_ms and moves, which
 * may be of other practices. What was done since it was moved was done for that date. */
void practice_dates(struct practice *x, int64_t first_ms, int64_t since_ms,
		    const struct practice_move *moves, size_t n);
/* "overdue", "due" (within a week), "ok" (not before that). */
const char *practice_state(int64_t due_ms, int64_t now_ms);

/* In a task. What is due first comes first; records_free of practice_type. */
int practices_list(struct store *s, const struct policy *p, struct practice **ret, size_t *ret_n,
		   struct err *err);
/* Its next date is another one: "2026-12-01", "+7d", an instant; empty: the policy's again. It
 * stays before the date that follows. */
int practices_move(struct store *s, const struct policy *p, const struct who *who, const char *id,
		   const char *when, const char *reason, struct err *err);
/* ERR_NOT_FOUND names those there are. */
int practices_do(struct store *s, const struct policy *p, const struct who *who, const char *id,
		 int64_t at_ms, const char *note, struct err *err);

struct practices;
struct practices_deps {
	struct loop *loop;
	struct store *store;
	const struct notify_settings *notify;
	const struct policy *(*policy)(void *ctx);	/* valid until the next wait */
	int64_t (*epoch)(void *ctx);
	void (*changed)(void *ctx);
	void *ctx;
};
struct practices *practices_new(const struct practices_deps *d);
void practices_start(struct practices *p);
void practices_wake(struct practices *p);	/* NULL ok, here and below */
void practices_stop(struct practices *p);
bool practices_idle(const struct practices *p);
void practices_free(struct practices *p);

#endif
