/*
 * Alerts that no account's health gives rise to: messages of an organisation that fail,
 * balances, standbys that are not ready, engines that fell silent, messages to people
 * that nobody took. The leader raises and resolves them; they move nothing.
 */
#ifndef RD_ALERT_ALERTER_H
#define RD_ALERT_ALERTER_H

#include "core/loop.h"
#include "read/sms.h"

struct alerter;
struct alerter_deps {
	struct loop *loop;
	struct store *store;
	const char *engine_id;
	int64_t every_ms;		/* between two looks */
	double min_balance;		/* in the account's currency: less is an alert */
	/* The leader's epoch, 0 on a follower. */
	int64_t (*epoch)(void *ctx);
	void (*moved)(void *ctx);	/* alerts began or ended */
	void *ctx;
};
struct alerter *alerter_new(const struct alerter_deps *d);
void alerter_start(struct alerter *a);
void alerter_stop(struct alerter *a);		/* NULL ok */
bool alerter_idle(const struct alerter *a);	/* NULL is idle */
void alerter_free(struct alerter *a);		/* NULL ok */
/* For tasks: one look now. */
int alerter_look(struct alerter *a, struct err *err);

#endif
