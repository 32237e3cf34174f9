/*
 * Messages to people: enqueued in the transaction that causes them, sent later in order
 * per channel and event, at most 1 h, then dead and visible.
 */
#ifndef RD_STORE_OUTBOX_H
#define RD_STORE_OUTBOX_H

#include "store/store.h"

struct outbox_limits { int64_t per_event_hour, per_hour; };	/* 0 = no cap; then a digest */
struct outbox_new {
	const char *channel, *event, *kind, *recipient;
	const char *dedup_key;		/* same channel and key: put only once; NULL = always */
	const char *payload;		/* JSON object */
	int64_t delay_ms;
};
/* *ret_id (may be NULL) = 0 when it was there already. */
int outbox_put(struct tx *t, const struct outbox_new *m, const struct outbox_limits *lim,
	       int64_t *ret_id, struct err *err);

struct outbox_row {
	int64_t id, created_at_ms, next_at_ms, attempts, sent_at_ms, dead_at_ms;
	char *channel, *event, *kind, *recipient, *payload, *state, *error, *dedup_key;
};
void outbox_free(struct outbox_row *rows, size_t n);
/* Claims for claim_ms what may go now: the oldest unsent of each (channel, event, recipient). Any
 * engine may; a claim that ran out is claimed again. */
int outbox_claim(struct store *s, int64_t limit, int64_t claim_ms, struct outbox_row **ret,
		 size_t *ret_n, struct err *err);
int outbox_sent(struct store *s, int64_t id, struct err *err);
/* Tries again at retry_at_ms, or is dead when older than give_up_ms. *ret_dead may be NULL. */
int outbox_failed(struct store *s, int64_t id, const char *why, int64_t retry_at_ms,
		  int64_t give_up_ms, bool *ret_dead, struct err *err);
/* Waiting, dead and recent ones, newest first. event NULL = all. */
int outbox_list(struct store *s, const char *event, int64_t since_ms, int64_t limit,
		struct outbox_row **ret, size_t *ret_n, struct err *err);
int outbox_counts(struct store *s, int64_t *ret_waiting, int64_t *ret_dead, struct err *err);
/* Removes what was put before then and is sent or dead. */
int outbox_prune(struct store *s, int64_t before_ms, struct err *err);

#endif
