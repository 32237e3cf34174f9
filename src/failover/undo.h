/* Undoing what an attempt changed; for execute.c (canaries) and rollback.c. */
#ifndef RD_FAILOVER_UNDO_H
#define RD_FAILOVER_UNDO_H

#include "failover/mover.h"
#include "failover/rollback.h"

enum { UNDO_CHUNK = 500 };

struct undo {
	enum back_verdict verdict, import, hooks;
	const char *agent;		/* of the before-image; "" = none */
	struct webhooks want;		/* fields to put back; texts of m->before */
	struct json *after;
	char why[400];			/* conflicts */
};
/* Compares as last observed; nothing is sent. */
void undo_compare(const struct mover *m, struct undo *ret);
void undo_fini(struct undo *u);
/* The application's rows of the items that want() chooses back to their before-images. */
int undo_rows(struct act *a, bool (*want)(const struct mover *m), struct err *err);
/* Assignments and webhooks of them; the number that could not be undone, or negative. */
int undo_outside(struct act *a, bool (*want)(const struct mover *m), struct err *err);

#endif
