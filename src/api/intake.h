/* Counts what comes to the receiver of alerts, and says what was refused. */
#ifndef RD_API_INTAKE_H
#define RD_API_INTAKE_H

#include "core/err.h"
#include "core/str.h"

struct engine;
struct intake;
enum intake_result { IN_TAKEN, IN_TOKEN, IN_TOO_LARGE, IN_UNREADABLE, IN_TOO_MANY, IN_UNAVAILABLE,
		     IN_RESULTS };

struct intake *intake_new(struct engine *e);
void intake_free(struct intake *in);
enum intake_result intake_of_status(int status);
/* Deliveries are kept one after the other, for each writes the same rows; those that wait here hold
 * no connection to the database. In a task; 0, or ERR_CANCELLED. */
int intake_turn(struct intake *in, struct err *err);
void intake_turn_over(struct intake *in);
/* One delivery; by: the token's name or where it came from. Also outside of tasks. */
void intake_count(struct intake *in, enum intake_result r, const char *by, const char *why);
/* The alerts of a delivery that was taken; truncated: cut by the sender. */
void intake_alerts(struct intake *in, size_t kept, size_t late, size_t left_out,
		   int64_t truncated);
void intake_metrics(const struct intake *in, struct str *b);

#endif
