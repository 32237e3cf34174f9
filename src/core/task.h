/*
 * Tasks: stackful coroutines on the loop, so that a flow of many requests reads
 * from top to bottom. All tasks run on the one thread and switch only in the
 * functions below (and what is built on them: http_fetch, pg_query ...), so state
 * needs no locks, but may have changed after any of these calls.
 *
 * Cancelling a task cancels the request it waits for; every later wait returns
 * cancelled at once, and the flow returns through its own clean-up.
 */
#ifndef RD_CORE_TASK_H
#define RD_CORE_TASK_H

#include "core/loop.h"
#include "core/op.h"

struct task;

/* Starts in the next turn. done (may be NULL) comes from the loop after fn returned. */
struct task *task_start(struct loop *l, const char *name, void (*fn)(void *arg), void *arg,
			void (*done)(void *arg));
void task_cancel(struct task *t);	/* idempotent; not from the task itself */
struct task *task_self(void);		/* NULL outside a task */
bool task_cancelled(void);		/* of the running task */
struct loop *task_loop(void);

/* Waits for an op already started; op->done and op->user are the task's while it waits.
 * Returns enum op_outcome. */
int task_await(struct op *op);
/* 0, or OP_CANCELLED. */
int task_sleep(int64_t ms);

/* Runs fn(arg) in a worker thread and waits for its end, cancelled or not (loop_work). */
void task_work(void (*fn)(void *arg), void *arg);

/* A condition to wait on: others call condition_wake after changing what is waited for. */
struct condition { struct task_waiter *first; };
/* Waits for the next condition_wake, at most max_ms (-1 = for ever): OP_OK, OP_TIMEOUT,
 * OP_CANCELLED. */
int condition_wait(struct condition *e, int64_t max_ms);
/* A cancelled task waits, too: for a lock, whose holder goes on; for a child that uses our
 * memory. A cancel that comes meanwhile ends this one wait: look again, wait again. */
void condition_wait_anyway(struct condition *e, int64_t max_ms);
void condition_wake(struct condition *e);	/* all waiters */

/* A bounded crowd of child tasks: crowd_add waits until fewer than limit run. */
struct crowd { int running, limit; bool cancelled; struct condition changed;
	       struct crowd_child *children; };
void crowd_init(struct crowd *c, int limit);
/* 0, or OP_CANCELLED (fn is then not run and arg stays the caller's). */
int crowd_add(struct crowd *c, const char *name, void (*fn)(void *arg), void *arg);
/* Waits for all children, also when the caller is cancelled (children are cancelled too). */
void crowd_join(struct crowd *c);

#endif
