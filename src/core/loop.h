/*
 * The one event loop, over libuv or, in tests, over virtual time: a virtual loop
 * has timers and deferred calls only and jumps to the next one at once.
 *
 * Monotonic time (loop_now_ms) is for durations, wall time (loop_wall_ms) only for
 * what is shown or stored. Both and random numbers come from here, nowhere else.
 */
#ifndef RD_CORE_LOOP_H
#define RD_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);
/* Virtual time: starts at wall_ms, random numbers from seed. */
struct loop *loop_new_virtual(int64_t wall_ms, uint64_t seed);
void loop_free(struct loop *l);			/* NULL ok; everything must be closed */

void loop_run(struct loop *l);			/* until loop_stop or nothing is left to wait for */
bool loop_run_once(struct loop *l, int64_t max_wait_ms); /* one turn; false: nothing left */
void loop_stop(struct loop *l);

int64_t loop_now_ms(const struct loop *l);	/* monotonic */
int64_t loop_wall_ms(const struct loop *l);	/* UTC since 1970 */
uint64_t loop_random(struct loop *l);
/* Largest time between two turns since the last call, in ms (stalls, suspends). */
int64_t loop_take_gap_ms(struct loop *l);
/* Called at the start of a turn that comes more than 1 s late, with the gap, and when
 * wall and monotonic clock move apart by more than 1 s, with the step. */
void loop_on_gap(struct loop *l, void (*fn)(void *ctx, int64_t gap_ms, int64_t wall_step_ms),
		 void *ctx);
/* Tests: move only the wall clock of a virtual loop. */
void loop_step_wall(struct loop *l, int64_t by_ms);
/* Tests with several virtual loops on one clock: when the next thing is due (INT64_MAX: nothing),
 * and that time passes. What was due before comes late, as after a standstill. */
int64_t loop_virtual_due(const struct loop *l);
void loop_virtual_advance(struct loop *l, int64_t now_ms);

/* Timers live in the caller's storage and are one-shot; start again to repeat. */
struct timer {
	struct loop *loop;
	int64_t at_ms;
	uint64_t seq;
	int heap_index;				/* -1 = idle */
	void (*fn)(struct timer *t);
	void *user;
};
#define TIMER_INIT ((struct timer){ .heap_index = -1 })
void timer_start(struct loop *l, struct timer *t, int64_t after_ms, void (*fn)(struct timer *));
void timer_stop(struct timer *t);		/* idle ok */
bool timer_active(const struct timer *t);

/* Runs fn(arg) in the next turn. */
void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);

/* Runs fn(arg) in a worker thread, then done(ctx) in the loop; cannot be taken back. For what
 * blocks
 * on a disk. On a virtual loop fn runs at once. */
void loop_work(struct loop *l, void (*fn)(void *arg), void *arg, void (*done)(void *ctx),
	       void *ctx);

/* One watch per fd. events: 1 readable, 2 writable. */
enum { WATCH_READ = 1, WATCH_WRITE = 2 };
struct watch;
struct watch *watch_new(struct loop *l, int fd, void (*fn)(void *ctx, int events), void *ctx);
void watch_set(struct watch *w, int events);	/* 0 = pause */
void watch_free(struct watch *w);		/* before the fd is closed; NULL ok */

/* Signals: fn runs in the loop. Freed with the loop. */
void loop_on_signal(struct loop *l, int signum, void (*fn)(void *ctx, int signum), void *ctx);

/* Resolves a host name off the loop (resolve.c); the addresses as text, freed after fn
 * returns. NULL: too many names are being looked up. Neither the loop nor the end of the
 * program waits for one that is cancelled. */
struct resolve;
struct resolve *loop_resolve(struct loop *l, const char *host, int64_t timeout_ms,
	void (*fn)(void *ctx, int n, const char *const *addrs, const char *error), void *ctx);
void resolve_cancel(struct resolve *r);		/* fn will not be called */

#endif
