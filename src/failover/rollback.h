/*
 * Rolling back (failover.md §6), three-way for each thing that was changed: it is as we
 * left it -> put the before-image back; it is as before -> done; else somebody else
 * changed it -> left alone and listed.
 */
#ifndef RD_FAILOVER_ROLLBACK_H
#define RD_FAILOVER_ROLLBACK_H

#include "failover/failover.h"
#include "model/event.h"

/* worse and worse */
enum back_verdict { BACK_DONE, BACK_RESTORE, BACK_CONFLICT, BACK_STAYS };
const char *back_verdict_name(enum back_verdict v);

struct back_item {
	char *agent, *name;
	char *from_number, *to_number;	/* as in the plan: from = at home */
	enum back_verdict verdict;	/* worst of its parts; STAYS: cannot go home */
	char *why;			/* of conflict and stays: what differs */
};
struct back_plan {
	char *event, *lineage;
	char *from, *to;		/* account ids: from the backup, to where it came from */
	struct back_item *items; size_t n_items;
	int64_t restore, done, conflicts, stays;
	int64_t until_ms;		/* before-images are kept until then */
};
/* Reads and compares, changes nothing. ERR_NOT_FOUND, ERR_CONFLICT (not the newest event of its
 * lineage: names it; or not completed or failed). Where the provider cannot be read, the
 * stored after-image is taken for what is observed. */
int rollback_plan(struct failover_deps *d, const char *event_id, struct back_plan **ret,
		  struct err *err);
/* The gate `numbers` seen from where they go back to: does every agent's own number wait there and
 * take calls? The sentence goes to why. Asks the provider. */
bool rollback_numbers(struct failover_deps *d, const char *event_id, char *why, size_t n);
void back_plan_free(struct back_plan *p);
void back_plan_free_p(struct back_plan **p);
void back_plan_json(struct jw *w, const char *name, const struct back_plan *p);

/* 0 or ERR_CONFLICT naming the newer event of the lineage. For the deciding transaction. */
struct tx;
int rollback_is_newest(struct tx *t, const char *event_id, struct err *err);

#endif
