/* Calls of the application by hour and by outcome: `calls`, in the words of its own status. */
#ifndef RD_READ_CALLS_H
#define RD_READ_CALLS_H

#include "core/json.h"
#include "core/pg.h"
#include "model/fields.h"

enum { CALLS_DAY_H = 24, CALLS_MOST_H = 24 * 31 };

struct call_hour {
	int64_t at_ms;			/* its beginning */
	int64_t calls, completed, failed, busy, no_answer, other;
	double success;			/* percent of completed and failed; 0 of none */
	int64_t avg_s;			/* of the completed */
};
extern const struct record_type call_hour_type;
struct call_outcome { char *status; int64_t calls, avg_s; double share; };
extern const struct record_type call_outcome_type;

/* The last whole hours with the one that goes on, and the same calls by outcome, as one document:
 * the API serves it, the console reads it for itself. */
int read_calls(struct pg_conn *c, int64_t now_ms, int64_t hours, struct jw *w, struct err *err);

#endif
