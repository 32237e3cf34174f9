/*
 * Everything that the console shows, read from the database itself: for the console when
 * no engine answers. Needs no more than the role ringdown_console.
 */
#ifndef RD_READ_SNAPSHOT_H
#define RD_READ_SNAPSHOT_H

#include "core/json.h"
#include "core/pg.h"

struct snapshot_head {
	int64_t seq;
	int64_t lease_counter, lease_renewed_at_ms;	/* by the holder's clock */
	char *environment, *holder;
	char *live;		/* the leader's last live document; NULL = none */
};
/* For a task. Adds the parts as members to the object that w is in; the head to ret. */
int read_snapshot(struct pg_conn *c, int64_t now_ms, struct jw *w, struct snapshot_head *ret,
		  struct err *err);
void snapshot_head_fini(struct snapshot_head *h);

#endif
