/*
 * What an attempt does to each agent: ringdown.event_item with its images, the effects
 * (every outside write, before and after), and the application's rows that move with it.
 * Everything takes many rows at once: one statement whatever the number.
 */
#ifndef RD_STORE_ITEMS_H
#define RD_STORE_ITEMS_H

#include "model/enums.h"
#include "store/store.h"

struct item {
	char *agent, *name;		/* agent: id */
	int64_t ord;
	bool canary;
	int integration;		/* enum integration */
	char *eleven_agent;
	char *from_account, *to_account;
	char *from_number, *from_sid, *to_number, *to_sid;
	char *eleven_before, *eleven_after;	/* phone_number_id of to_number */
	int state;			/* enum item_state */
	int64_t step;			/* last step of it that is done, 0 = none */
	char *before, *after, *observed;	/* JSON objects; NULL = not known yet */
	char *error;
	bool dirty;			/* not stored; for the caller */
};
void items_free(struct item *v, size_t n);
/* In order of moving. */
int items_load(struct store *s, const char *event, struct item **ret, size_t *ret_n,
	       struct err *err);
/* Replaces what the event had. */
int items_put(struct tx *t, const char *event, const struct item *v, size_t n, struct err *err);
/* Stores what changes while it runs: state, step, sids, import ids, images, error, account. */
int items_save(struct tx *t, const char *event, struct item *const *v, size_t n,
	       struct err *err);

/* Reserves to_number for each item: the pool row turns "reserved". ERR_EXISTS: one of the
 * numbers is not free any more, or an agent has a reservation already. */
int items_reserve(struct tx *t, const char *event, const struct item *v, size_t n,
		  struct err *err);
/* What is still only reserved by the event goes back to the pool. */
int items_release(struct tx *t, const char *event, struct err *err);

/* The application's rows as they are now, into `before` of items that have none:
 * {"agent":{"accountId","backupPhoneNumber"},"old":"+1..."|null,"hold":bool}; old = another pool
 * number it has now. */
int items_read_before(struct tx *t, const char *event, struct item *const *v, size_t n,
		      struct err *err);
/* assign-numbers: to_number is the agent's; another pool number it had is free. */
int items_assign(struct tx *t, const char *event, struct item *const *v, size_t n,
		 struct err *err);
/* update-database: "VoiceAgent" to the account and number; its home is remembered; SMS held
 * where the number is not ready for it. */
int items_switch(struct tx *t, const char *event, const char *lineage, struct item *const *v,
		 size_t n, struct err *err);
/* Both undone from the before-images. An item whose agent row is neither as we left it nor as
 * before is not touched and gets its row into `observed`. */
int items_restore(struct tx *t, const char *event, struct item *const *v, size_t n,
		  struct err *err);

/* The approved webhooks of to_number become what the move left there (after), or what was there
 * before it again. */
int items_baseline(struct tx *t, const char *event, struct item *const *v, size_t n, bool after,
		   struct err *err);

/* What is becomes what is wanted: items that did not move stay where they are. */
int items_accept(struct tx *t, const char *event, struct err *err);

/* Outside writes. */
struct effect {
	int64_t id;			/* 0 until recorded */
	const char *agent, *kind, *subject;
	char *before, *after;		/* JSON or NULL; owned */
	const char *state;		/* "done", "failed", "unknown" when it ended */
	char error[200];
};
/* Records that they are about to be sent and stamps the event's first and last write. */
int effects_intend(struct tx *t, const char *event, struct effect *const *v, size_t n,
		   struct err *err);
int effects_end(struct tx *t, struct effect *const *v, size_t n, struct err *err);
/* Of any epoch, that never ended; how many. They are marked unknown. */
int effects_orphans(struct tx *t, const char *event, int64_t *ret_n, struct err *err);
/* rows: JSON array of {"event","agent","kind","subject","epoch","at",
 * "before","after"}. Those that the database does
 * not have (any more) are added as unknown; the events concerned, each once. */
int effects_merge(struct tx *t, const char *rows, char ***ret_events, size_t *ret_n,
		  struct err *err);

#endif
