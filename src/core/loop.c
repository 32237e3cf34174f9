/*
 * The loop over libuv, or over virtual time. Timers live in our own heap in both
 * modes, so that tests run the same ordering as production: by due time, then by
 * the order they were started in. Deferred calls run in order at the next turn.
 *
 * Invariant: callbacks run only from loop_run/loop_run_once, one at a time.
 */
#include "core/loop.h"

#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <uv.h>

#include "core/mem.h"

#define GAP_LIMIT_MS 1000 /* failover.md §7: a later turn re-reads the lease first */
#define MAX_SIGNALS 8

struct deferred {
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	bool is_virtual, stopping, turn_begun;
	uv_loop_t uv;
	uv_timer_t uv_timer;
	uv_signal_t signals[MAX_SIGNALS];
	struct {
		void (*fn)(void *ctx, int signum);
		void *ctx;
	} signal_fns[MAX_SIGNALS];
	int n_signals;

	struct timer **heap;
	size_t n_timers, cap_timers;
	uint64_t timer_seq;
	struct deferred *deferred;
	size_t n_deferred, cap_deferred;

	int64_t virtual_now_ms, virtual_wall_ms;
	uint64_t random_state;

	/* expected_ms: when this turn should have started at the latest */
	int64_t last_mono_ms, last_wall_ms, expected_ms, max_gap_ms;
	void (*gap_fn)(void *ctx, int64_t gap_ms, int64_t wall_step_ms);
	void *gap_ctx;
};

/* ---- time and chance --------------------------------------------------------- */

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->is_virtual ? l->virtual_now_ms : clock_ms(CLOCK_MONOTONIC);
}

int64_t loop_wall_ms(const struct loop *l)
{
	return l->is_virtual ? l->virtual_wall_ms : clock_ms(CLOCK_REALTIME);
}

void loop_step_wall(struct loop *l, int64_t by_ms)
{
	l->virtual_wall_ms += by_ms;
}

int64_t loop_virtual_due(const struct loop *l)
{
	return l->n_deferred ? l->virtual_now_ms : l->n_timers ? l->heap[0]->at_ms : INT64_MAX;
}

void loop_virtual_advance(struct loop *l, int64_t now_ms)
{
	if (now_ms <= l->virtual_now_ms)
		return;
	l->virtual_wall_ms += now_ms - l->virtual_now_ms;
	l->virtual_now_ms = now_ms;
}

uint64_t loop_random(struct loop *l)
{
	uint64_t z;

	if (!l->is_virtual) {
		if (getrandom(&z, sizeof(z), 0) == (ssize_t)sizeof(z))
			return z;
	}
	/* splitmix64 (Steele, Lea, Flood 2014) */
	z = l->random_state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void loop_on_gap(struct loop *l, void (*fn)(void *ctx, int64_t gap_ms, int64_t wall_step_ms),
		 void *ctx)
{
	l->gap_fn = fn;
	l->gap_ctx = ctx;
}

int64_t loop_take_gap_ms(struct loop *l)
{
	int64_t gap = l->max_gap_ms;

	l->max_gap_ms = 0;
	return gap;
}

/* Comes first in each turn, before any socket is served: a turn is late when a timer was due
 * further back than the limit. */
static void begin_turn(struct loop *l)
{
	int64_t now = loop_now_ms(l), wall = loop_wall_ms(l);
	int64_t gap = now - l->expected_ms;
	int64_t step = (wall - l->last_wall_ms) - (now - l->last_mono_ms);

	if (l->turn_begun)
		return;
	l->turn_begun = true;
	l->last_mono_ms = now;
	l->last_wall_ms = wall;
	if (gap > l->max_gap_ms)
		l->max_gap_ms = gap;
	if (gap <= GAP_LIMIT_MS)
		gap = 0;
	if (step < GAP_LIMIT_MS && step > -GAP_LIMIT_MS)
		step = 0;
	if ((gap || step) && l->gap_fn)
		l->gap_fn(l->gap_ctx, gap, step);
}

/* ---- timer heap -------------------------------------------------------------- */

static bool timer_before(const struct timer *a, const struct timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void heap_put(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->heap_index = (int)i;
}

static void heap_up(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i];

	while (i > 0 && timer_before(t, l->heap[(i - 1) / 2])) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(l, i, t);
}

static void heap_down(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= l->n_timers)
			break;
		if (child + 1 < l->n_timers && timer_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!timer_before(l->heap[child], t))
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

static void heap_remove(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i], *last = l->heap[--l->n_timers];

	t->heap_index = -1;
	if (last == t)
		return;
	heap_put(l, i, last);
	heap_up(l, i);
	heap_down(l, (size_t)last->heap_index);
}

static void on_uv_timer(uv_timer_t *handle)
{
	(void)handle; /* the turn itself looks at the heap */
}

/* Arms libuv for the earliest timer, or for at once when calls are deferred. */
static void arm(struct loop *l)
{
	int64_t now, wait;

	if (l->is_virtual)
		return;
	if (l->n_deferred == 0 && l->n_timers == 0) {
		uv_timer_stop(&l->uv_timer);
		return;
	}
	now = loop_now_ms(l);
	wait = l->n_deferred ? 0 : l->heap[0]->at_ms - now;
	if (wait < 0)
		wait = 0;
	uv_update_time(&l->uv);
	/* libuv runs timers before it polls: one that falls due in between must not leave the
	 * poll without a limit, hence the repeat */
	uv_timer_start(&l->uv_timer, on_uv_timer, (uint64_t)wait, 1);
}

void timer_start(struct loop *l, struct timer *t, int64_t after_ms, void (*fn)(struct timer *))
{
	timer_stop(t);
	t->loop = l;
	t->fn = fn;
	t->at_ms = loop_now_ms(l) + (after_ms > 0 ? after_ms : 0);
	t->seq = ++l->timer_seq;
	l->heap = grow(l->heap, &l->cap_timers, l->n_timers + 1, sizeof(*l->heap));
	heap_put(l, l->n_timers++, t);
	heap_up(l, l->n_timers - 1);
}

bool timer_active(const struct timer *t)
{
	return t->loop && t->heap_index >= 0;
}

void timer_stop(struct timer *t)
{
	if (timer_active(t))
		heap_remove(t->loop, (size_t)t->heap_index);
	t->heap_index = -1;
}

void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->deferred = grow(l->deferred, &l->cap_deferred, l->n_deferred + 1, sizeof(*l->deferred));
	l->deferred[l->n_deferred++] = (struct deferred){ fn, arg };
}

/* ---- turns ------------------------------------------------------------------- */

static void run_due(struct loop *l)
{
	struct deferred *calls = TAKE(l->deferred);
	size_t n = l->n_deferred;
	int64_t now;

	l->n_deferred = l->cap_deferred = 0;
	for (size_t i = 0; i < n; i++)
		calls[i].fn(calls[i].arg);
	free_p(&calls);

	now = loop_now_ms(l);
	uint64_t newest = l->timer_seq; /* timers started meanwhile wait for the next turn */
	while (l->n_timers > 0 && l->heap[0]->at_ms <= now && l->heap[0]->seq <= newest) {
		struct timer *t = l->heap[0];

		heap_remove(l, 0);
		t->fn(t);
	}
}

static bool virtual_turn(struct loop *l)
{
	if (l->n_deferred == 0) {
		if (l->n_timers == 0)
			return false;
		if (l->heap[0]->at_ms > l->virtual_now_ms) {
			l->virtual_wall_ms += l->heap[0]->at_ms - l->virtual_now_ms;
			l->virtual_now_ms = l->heap[0]->at_ms;
		}
	}
	/* late only where somebody moved the clock past what was due */
	l->expected_ms = l->n_timers && l->heap[0]->at_ms < l->virtual_now_ms ? l->heap[0]->at_ms :
										l->virtual_now_ms;
	l->turn_begun = false;
	begin_turn(l);
	run_due(l);
	return true;
}

static bool due_now(const struct loop *l)
{
	return l->n_deferred || (l->n_timers && l->heap[0]->at_ms <= loop_now_ms(l));
}

bool loop_run_once(struct loop *l, int64_t max_wait_ms)
{
	if (l->is_virtual)
		return virtual_turn(l);
	arm(l);
	if (max_wait_ms >= 0 && l->n_deferred == 0 &&
	    (l->n_timers == 0 || l->heap[0]->at_ms - loop_now_ms(l) > max_wait_ms))
		uv_timer_start(&l->uv_timer, on_uv_timer, (uint64_t)max_wait_ms, 1);
	l->turn_begun = false;
	l->expected_ms = l->n_timers > 0 ? l->heap[0]->at_ms : INT64_MAX;
	/* what is due already must not wait for the poll's shortest time, a millisecond */
	bool alive = uv_run(&l->uv, due_now(l) ? UV_RUN_NOWAIT : UV_RUN_ONCE) != 0;
	begin_turn(l);
	run_due(l);
	return alive || l->n_timers > 0 || l->n_deferred > 0;
}

void loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping && loop_run_once(l, -1))
		;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	if (!l->is_virtual)
		uv_stop(&l->uv);
}

/* ---- fd watches -------------------------------------------------------------- */

struct watch {
	uv_poll_t poll;
	struct loop *loop;
	void (*fn)(void *ctx, int events);
	void *ctx;
	int events;
	bool closing;
};

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct watch *w = handle->data;

	if (w->closing)
		return;
	begin_turn(w->loop);
	/* an error is for the owner to find: say readable and writable */
	if (status < 0)
		events = w->events;
	w->fn(w->ctx, ((events & UV_READABLE) ? WATCH_READ : 0) |
			      ((events & UV_WRITABLE) ? WATCH_WRITE : 0) |
			      (status < 0 ? w->events : 0));
}

struct watch *watch_new(struct loop *l, int fd, void (*fn)(void *ctx, int events), void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->fn = fn;
	w->ctx = ctx;
	w->poll.data = w;
	if (uv_poll_init(&l->uv, &w->poll, fd) != 0) {
		free_p(&w);
		return NULL;
	}
	return w;
}

void watch_set(struct watch *w, int events)
{
	if (w->closing || w->events == events)
		return;
	w->events = events;
	if (events)
		uv_poll_start(&w->poll, ((events & WATCH_READ) ? UV_READABLE : 0) |
				((events & WATCH_WRITE) ? UV_WRITABLE : 0), on_poll);
	else
		uv_poll_stop(&w->poll);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	free_p(&w);
}

void watch_free(struct watch *w)
{
	if (!w || w->closing)
		return;
	w->closing = true;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

/* ---- signals --------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *l = handle->loop->data;
	size_t i = (size_t)(handle - l->signals);

	l->signal_fns[i].fn(l->signal_fns[i].ctx, signum);
}

void loop_on_signal(struct loop *l, int signum, void (*fn)(void *ctx, int signum), void *ctx)
{
	int i = l->n_signals;

	if (l->is_virtual || i == MAX_SIGNALS)
		return;
	l->n_signals++;
	l->signal_fns[i].fn = fn;
	l->signal_fns[i].ctx = ctx;
	uv_signal_init(&l->uv, &l->signals[i]);
	uv_signal_start(&l->signals[i], on_signal, signum);
	uv_unref((uv_handle_t *)&l->signals[i]);
}

/* ---- workers ----------------------------------------------------------------- */

struct work {
	uv_work_t uv;
	void (*fn)(void *arg);
	void (*done)(void *ctx);
	void *arg, *ctx;
};

static void on_work(uv_work_t *uv)
{
	struct work *w = uv->data;

	w->fn(w->arg);
}

static void on_worked(uv_work_t *uv, int status)
{
	struct work *w = uv->data;

	(void)status;	/* never cancelled */
	w->done(w->ctx);
	free_p(&w);
}

void loop_work(struct loop *l, void (*fn)(void *arg), void *arg, void (*done)(void *ctx), void *ctx)
{
	struct work *w;

	if (l->is_virtual) {
		fn(arg);
		loop_defer(l, done, ctx);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct work){ .fn = fn, .done = done, .arg = arg, .ctx = ctx };
	w->uv.data = w;
	uv_queue_work(&l->uv, &w->uv, on_work, on_worked);
}

/* ---- life -------------------------------------------------------------------- */

static struct loop *loop_alloc(bool is_virtual)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->is_virtual = is_virtual;
	return l;
}

struct loop *loop_new(void)
{
	struct loop *l = loop_alloc(false);

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&l->uv);
	l->uv.data = l;
	uv_timer_init(&l->uv, &l->uv_timer);
	l->last_mono_ms = l->expected_ms = loop_now_ms(l);
	l->last_wall_ms = loop_wall_ms(l);
	return l;
}

struct loop *loop_new_virtual(int64_t wall_ms, uint64_t seed)
{
	struct loop *l = loop_alloc(true);

	l->virtual_now_ms = l->last_mono_ms = l->expected_ms = 1000;
	l->virtual_wall_ms = l->last_wall_ms = wall_ms;
	l->random_state = seed;
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (!l->is_virtual) {
		uv_close((uv_handle_t *)&l->uv_timer, NULL);
		for (int i = 0; i < l->n_signals; i++)
			uv_close((uv_handle_t *)&l->signals[i], NULL);
		/* close callbacks; bounded */
		for (int i = 0; i < 50 && uv_run(&l->uv, UV_RUN_NOWAIT) != 0; i++)
			;
		if (uv_loop_close(&l->uv) != 0)
			return; /* something still uses it: leak rather than crash */
	}
	free_p(&l->heap);
	free_p(&l->deferred);
	free_p(&l);
}
