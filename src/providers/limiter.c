/*
 * Adaptive concurrency: slow start, then additive increase and multiplicative
 * decrease. The arithmetic is pure; below it one limiter for each account, shared
 * by all tasks, where waiters queue in order.
 *
 * Invariant: a slot taken is given back exactly once, also when its task is
 * cancelled. It does not know what a request is.
 */
#include "providers/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/task.h"

enum { BACKOFF_BASE_MS = 100, BACKOFF_CAP_MS = 3000, HOLD_MAX_MS = 10000 };

void limiter_init(struct limiter *l, int start, int max)
{
	max = max < 1 ? 1 : max;
	start = start < 1 ? 1 : start;
	*l = (struct limiter){ .limit = start < max ? start : max, .threshold = max, .max = max,
			       .cut_at_ms = INT64_MIN };
}

int64_t limiter_hold_ms(const struct limiter *l, int64_t now_ms)
{
	return l->hold_until_ms > now_ms ? l->hold_until_ms - now_ms : 0;
}

bool limiter_may(const struct limiter *l, int64_t now_ms)
{
	return l->in_flight < (int)l->limit && !limiter_hold_ms(l, now_ms);
}

void limiter_take(struct limiter *l)
{
	l->in_flight++;
}

static void cut(struct limiter *l, int64_t now_ms)
{
	if (l->cut_at_ms != INT64_MIN && now_ms - l->cut_at_ms < LIMITER_CUT_EVERY_MS)
		return;
	/* What was in flight is nearer to the ceiling than a limit that was not used. */
	double used = l->in_flight + 1;
	l->limit = (used < l->limit ? used : l->limit) / 2;
	if (l->limit < 1)
		l->limit = 1;
	l->threshold = l->limit;
	l->cut_at_ms = now_ms;
}

void limiter_give(struct limiter *l, bool ok, bool limited, int64_t retry_after_ms,
		  int64_t now_ms)
{
	bool was_full = l->in_flight >= (int)l->limit;

	l->in_flight--;
	if (limited) {
		cut(l, now_ms);
		if (retry_after_ms > HOLD_MAX_MS)
			retry_after_ms = HOLD_MAX_MS;
		if (now_ms + retry_after_ms > l->hold_until_ms && retry_after_ms > 0)
			l->hold_until_ms = now_ms + retry_after_ms;
		return;
	}
	if (!ok || !was_full) /* a limit that is not reached proves nothing */
		return;
	l->limit += l->limit < l->threshold ? 1 : 1 / l->limit;
	if (l->limit > l->max)
		l->limit = l->max;
}

int64_t backoff_ms(int attempt, uint64_t random)
{
	int64_t top = BACKOFF_BASE_MS;

	for (int i = 0; i < attempt && top < BACKOFF_CAP_MS; i++)
		top *= 2;
	if (top > BACKOFF_CAP_MS)
		top = BACKOFF_CAP_MS;
	return (int64_t)(random % (uint64_t)(top + 1));
}

/* ---- one for each account ------------------------------------------------------- */

/* Waiters stand in line by ticket, so that a crowd of tasks is served in order and each
 * free slot wakes exactly one of them. */
struct waiter { struct condition go; struct waiter *next; bool ready; };

struct limiter_slot {
	char *name;
	struct limiter limiter;
	struct waiter *first, *last;
	struct timer hold;
	struct limiters *all;
	struct limiter_slot *next;
};

struct limiters {
	struct loop *loop;
	int start, max;
	struct limiter_slot *slots;
};

struct limiters *limiters_new(struct loop *l, int start, int max)
{
	struct limiters *ls = xcalloc(1, sizeof(*ls));

	*ls = (struct limiters){ .loop = l, .start = start, .max = max };
	return ls;
}

void limiters_free(struct limiters *ls)
{
	if (!ls)
		return;
	while (ls->slots) {
		struct limiter_slot *s = ls->slots;
		ls->slots = s->next;
		timer_stop(&s->hold);
		free(s->name);
		free(s);
	}
	free(ls);
}

static struct limiter_slot *slot_for(struct limiters *ls, const char *name)
{
	struct limiter_slot *s = ls->slots;

	while (s && !str_eq(s->name, name))
		s = s->next;
	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	s->hold = TIMER_INIT;
	s->all = ls;
	limiter_init(&s->limiter, ls->start, ls->max);
	s->next = ls->slots;
	ls->slots = s;
	return s;
}

static void let_in(struct limiter_slot *s);

static void hold_over(struct timer *t)
{
	let_in(t->user);
}

/* Hands free slots to those who wait; a slot is taken here, on the waiter's behalf. */
static void let_in(struct limiter_slot *s)
{
	int64_t now = loop_now_ms(s->all->loop);

	while (s->first && limiter_may(&s->limiter, now)) {
		struct waiter *w = s->first;
		s->first = w->next;
		if (!s->first)
			s->last = NULL;
		limiter_take(&s->limiter);
		w->ready = true;
		condition_wake(&w->go);
	}
	int64_t hold = limiter_hold_ms(&s->limiter, now);
	if (s->first && hold && !timer_active(&s->hold)) {
		s->hold.user = s;
		timer_start(s->all->loop, &s->hold, hold, hold_over);
	}
}

static void step_out(struct limiter_slot *s, struct waiter *w)
{
	struct waiter **at = &s->first;
	struct waiter *before = NULL;

	while (*at && *at != w) {
		before = *at;
		at = &(*at)->next;
	}
	if (!*at)
		return;
	*at = w->next;
	if (s->last == w)
		s->last = before;
}

struct limiter_slot *limiters_enter(struct limiters *ls, const char *name)
{
	struct limiter_slot *s = slot_for(ls, name);
	struct waiter w = { 0 };

	if (task_cancelled())
		return NULL;
	if (s->last)
		s->last->next = &w;
	else
		s->first = &w;
	s->last = &w;
	let_in(s);
	while (!w.ready) {
		if (condition_wait(&w.go, -1) != OP_CANCELLED)
			continue;
		if (w.ready) { /* served and cancelled in the same turn */
			limiters_leave(ls, s, false, false, 0);
			return NULL;
		}
		step_out(s, &w);
		return NULL;
	}
	return s;
}

void limiters_leave(struct limiters *ls, struct limiter_slot *s, bool ok, bool limited,
		    int64_t retry_after_ms)
{
	limiter_give(&s->limiter, ok, limited, retry_after_ms, loop_now_ms(ls->loop));
	let_in(s);
}
