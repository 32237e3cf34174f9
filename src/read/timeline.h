/*
 * One order of everything that was recorded: the journal (events, tests, gates, alerts, runs,
 * messages, people's acts) and notes (also imported lines), by when it happened, not by when
 * it was written down. Windows by position, so that a million entries cost what one page
 * costs.
 */
#ifndef RD_READ_TIMELINE_H
#define RD_READ_TIMELINE_H

#include "core/pg.h"
#include "model/incident.h"

struct timeline_window {
	const char *incident;		/* its notes and marks, no other incident's; NULL = all */
	int64_t from_ms, to_ms;		/* 0 = open */
	int64_t own_from_ms, own_to_ms;	/* of the incident's own notes: what somebody asked for */
	const char *cursor;		/* of an entry: what lies beyond it; NULL = from the end */
	int64_t at_ms;			/* without a cursor: seek to this instant; 0 = newest */
	bool forward;			/* oldest first from the cursor on; else newest first */
	const char *lane;		/* one lane; NULL = all */
	const char *q;			/* text, subject or actor contains, case aside */
	bool noise;			/* also the system's own small steps */
	bool pinned;			/* only what somebody pinned */
	int64_t limit;			/* <= 1000 */
};
/* *ret: n entries in the order asked for (records_free). *ret_next (heap): the cursor behind
 * the last, NULL when there is no more; a search may leave off with fewer than the limit, even
 * none, and a cursor. ERR_INVALID with field cursor or lane. */
int read_timeline(struct pg_conn *c, const struct timeline_window *w,
		  struct timeline_entry **ret, size_t *ret_n, char **ret_next, struct err *err);
/* One page, as the API and a console without an engine give it: entries, nextCursor. */
void timeline_json(struct jw *w, const struct timeline_entry *v, size_t n, const char *next);

/* Is an entry of the journal of this kind one of the system's own small steps? Pure. */
bool timeline_noise(const char *kind);

#endif
