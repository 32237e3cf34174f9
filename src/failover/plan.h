/*
 * The plan of a failover (failover.md §5): which agent gets which number, what does not
 * move, who goes first. Pure: plan_make reads no clock and no database; equal facts give
 * the same plan and the same hash. plan_store writes it and reserves the numbers in the
 * caller's transaction.
 */
#ifndef RD_FAILOVER_PLAN_H
#define RD_FAILOVER_PLAN_H

#include "model/agent.h"
#include "model/event.h"

struct store;
struct tx;

/* Facts. agents: the watched agents of the lineage that run on `from` now. numbers: of the
 * target, free (available and not reserved by another event), any order; those with a
 * problem or not voice-ready are left out by plan_make itself. */
struct plan_facts {
	const char *lineage, *from, *to;	/* account ids */
	const struct agent *agents;
	const int64_t *priority;		/* beside agents; lower moves first; NULL = equal */
	size_t n_agents;
	const struct number *numbers;
	size_t n_numbers;
	/* "priority" (then calls), "calls" (then priority) */
	const char *assign_by;
	bool degraded;				/* waits for calls in progress */
	int64_t calls_live;			/* on the source now; -1 = unknown */
	int64_t canaries, parallel;		/* settings */
	int64_t latency_ms;			/* of one call to the target; 0 = 150 */
	int64_t calls_wait_ms;
};

enum plan_match { MATCH_OWN, MATCH_HOME, MATCH_AREA, MATCH_COUNTRY };
const char *plan_match_name(enum plan_match m);

struct plan_move {
	char *agent, *name, *eleven_id;		/* agent: id */
	int integration;			/* enum integration */
	char *from_number, *to_number, *to_sid;	/* to_sid NULL = looked up when executed */
	char *org_id;
	enum plan_match match;
	bool canary, healthy, sms_ready;	/* sms not ready: its SMS is held after the move */
	int64_t calls_per_day;
};
struct plan_stay { char *agent, *name, *number, *why; };

struct plan {
	char *lineage, *from, *to;
	/* canaries first, then in order of moving */
	struct plan_move *moves; size_t n_moves;
	struct plan_stay *stays; size_t n_stays;	/* watched, but no number for them */
	int64_t needed, usable;			/* watched agents; numbers fit for them */
	int64_t healthy;			/* moves of agents that work now */
	int64_t sms_held;			/* moves whose number cannot send SMS yet */
	/* callers of the old numbers, who will not reach anyone */
	int64_t old_calls_per_day;
	int64_t calls_live;			/* in progress; -1 = unknown */
	int64_t expected_ms;
	/* over lineage, accounts and moves: what is material */
	char hash[65];
};

/* Always gives a plan, if need be with stays (n_stays > 0: only as a partial one). */
struct plan *plan_make(const struct plan_facts *f);
void plan_free(struct plan *p);			/* NULL ok */
void plan_free_p(struct plan **p);
/* agents: with a row for each move and stay; without, the summary kept in event.plan. */
void plan_json(struct jw *w, const char *name, const struct plan *p, bool agents);

/* Reads the facts (watched agents of the lineage on `from`, free numbers of `to` net of other
 * events' reservations; reserved_by: an event whose own reservations count as free, or
 * NULL) and makes the plan. calls_live: -1 = unknown. Not inside a transaction. */
struct failover_settings;
int plan_load(struct store *s, const struct failover_settings *set, const char *lineage,
	      const char *from, const char *to, const char *reserved_by, bool degraded,
	      int64_t calls_live, struct plan **ret, struct err *err);

/* The same values in a record that the caller holds: to, plan, plan_hash, agents_total, partial,
 * nine waiting steps. */
void plan_into_event(const struct plan *p, struct event *e);
/* In the transaction that approves, once the event's row is there: the plan into that row, items,
 * steps (all waiting) and reservations; what an earlier plan of it had is given back first.
 * 0, or ERR_EXISTS when a number went to somebody else meanwhile (make a new plan), else as
 * tx_query. */
int plan_store(struct tx *t, const char *event_id, const struct plan *p, struct err *err);
/* Releases what the event still has reserved (cancelled before anything moved, accepted). */
int plan_release(struct tx *t, const char *event_id, struct err *err);

#endif
