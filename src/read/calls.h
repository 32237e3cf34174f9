/* Calls of the application by hour and by outcome: `calls`, in the words of its own status. */
#ifndef RD_READ_CALLS_H
#define RD_READ_CALLS_H

#include "core/pg.h"
#include "model/fields.h"

struct call_hour {
	int64_t at_ms;			/* its beginning */
	int64_t calls, completed, failed, busy, no_answer, other;
	double success;			/* percent of completed and failed; 0 of none */
	int64_t avg_s;			/* of the completed */
};
extern const struct record_type call_hour_type;
struct call_outcome { char *status; int64_t calls, avg_s; double share; };
extern const struct record_type call_outcome_type;

/* The last hours, newest first; hours without calls have no row. */
int read_call_hours(struct pg_conn *c, int64_t now_ms, int64_t hours, struct call_hour **ret,
		    size_t *ret_n, struct err *err);
/* The same calls by outcome, most frequent first. */
int read_call_outcomes(struct pg_conn *c, int64_t now_ms, int64_t hours,
		       struct call_outcome **ret, size_t *ret_n, struct err *err);

#endif
