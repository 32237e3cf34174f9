/*
 * The acting half of failover (failover.md §5-§7): carries out stored decisions.
 *
 * One task looks for events that are approved, executing or rolling_back and runs each
 * in a task of its own, while this engine leads. Any engine can take over at any point:
 * what is left to do is found by comparing what is desired with what is observed. A
 * second task sends unlocks that are still owed; it needs neither lease nor database.
 *
 * It decides nothing: cancel, pause and status are re-read before each outside write.
 */
#ifndef RD_FAILOVER_EXECUTE_H
#define RD_FAILOVER_EXECUTE_H

#include "failover/failover.h"
#include "model/event.h"

struct tx;
struct executor;

/* state_dir: for the intent log on local disk (NULL: none, tests). */
struct executor *executor_new(struct failover_deps *d, const char *state_dir);
void executor_wake(struct executor *x);		/* something was approved, cancelled, resumed ... */
/* Writes under way are stopped and the attempts left for the next leader. */
void executor_lost(struct executor *x);
void executor_stop(struct executor *x);		/* ends its tasks; then run the loop, then free */
bool executor_idle(const struct executor *x);	/* no task of it runs any more */
void executor_free(struct executor *x);

/* One event, in the caller's task, until it is in a state that is not being worked on or
 * this engine may no longer act. What executor_new's tasks call; tests call it directly. */
int execute_event(struct executor *x, const char *event_id, struct err *err);

/* failed -> accepted, inside the deciding transaction: what is observed becomes what is
 * desired, agents that moved stay moved, reservations of the others are released. */
int execute_accept(struct tx *t, const char *event_id, struct err *err);

#endif
