/*
 * The host of the policy's alert rules. The leader reads every metric that is due, judges it
 * on the board, and in one transaction keeps what moved, hushes what is silenced or explained
 * by another alert, and puts what people should hear into the outbox, by group.
 *
 * A metric that cannot be read is an alert of its own, "metric-unreadable".
 */
#ifndef RD_ALERT_SENTRY_H
#define RD_ALERT_SENTRY_H

#include "alert/settings.h"
#include "core/loop.h"
#include "core/str.h"
#include "metric/source.h"
#include "notify/notify.h"
#include "policy/policy.h"

struct store;
struct sentry;
struct sentry_deps {
	struct loop *loop;
	struct store *store;
	struct metrics *metrics;
	const struct notify_settings *notify;
	const struct alert_settings *set;
	double speed;				/* the policy's durations are divided by it */
	const struct policy *(*policy)(void *ctx); /* lives as long as the sentry; NULL = none */
	int64_t (*epoch)(void *ctx);		/* the leader's, 0 on a follower */
	void (*changed)(void *ctx);		/* the journal moved */
	/* A label as people know it (an account's name for its id); NULL function or result: as
	 * it is. */
	const char *(*shown)(void *ctx, const char *label);
	void *ctx;
};
struct sentry *sentry_new(const struct sentry_deps *d);
void sentry_start(struct sentry *w);
void sentry_wake(struct sentry *w);		/* NULL ok */
void sentry_stop(struct sentry *w);		/* NULL ok */
bool sentry_idle(const struct sentry *w);		/* NULL is idle */
void sentry_free(struct sentry *w);		/* NULL ok */

/* For tasks of the leader: one look now. */
int sentry_look(struct sentry *w, struct err *err);

/* The board as it stands, one row a metric: what `metrics` of the API says. NULL on a follower. */
struct board;
const struct board *sentry_board(const struct sentry *w);
int64_t sentry_look_ms(const struct sentry *w);	/* duration of the last look */
/* The policy's table of inhibition as alerts_hush wants it; p may be NULL. */
void sentry_table(const struct policy *p, struct str *ret);

#endif
