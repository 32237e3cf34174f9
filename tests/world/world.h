/*
 * The deterministic world (one seed = one run): engines (the real monitor, decider, executor,
 * lease) each on a virtual loop of its own, a database in memory behind the names of store/
 * (db_*.c), providers in memory (tests/lib/fake_world.c, sense.c), people (people.c) and a
 * seeded hand that hurts all of them (world.c). What must hold at each commit and write is in
 * law.c, what must hold when nothing hurts any more in check.c.
 */
#ifndef RD_TESTS_WORLD_H
#define RD_TESTS_WORLD_H

#include "core/task.h"
#include "failover/act.h"
#include "failover/decide.h"
#include "failover/lease.h"
#include "failover/monitor.h"
#include "providers/feed.h"
#include "store/lease_row.h"
#include "tests/lib/fake_world.h"

enum { W_ENGINES = 2, W_ACCOUNTS = 3, W_AGENTS = 5, W_EVENTS = 64, W_EFFECTS = 8000, W_POOL = 20,
       W_JOURNAL = 20000, W_INTENTS = 8000, W_OLD = 8 };

/* ---- the database ---------------------------------------------------------------------- */

struct db_agent {
	const char *id, *name, *number, *eleven, *account, *backup, *hold;
	int integration;
};
struct db_pool { const char *number, *account, *sid, *agent; int status; bool sms_ready; };
struct db_hold { const char *number, *account, *agent, *event; };	/* reservation */
struct db_hooks { const char *account, *number, *sid, *baseline; };
struct db_effect { const char *event, *agent, *kind; int64_t id, epoch, at_ms; int state; };
enum { EFFECT_INTENDED, EFFECT_ENDED };

/* Everything a transaction may change; rows are never changed in place, only replaced, so that
 * a copy of this is a snapshot. */
struct db_tables {
	struct db_agent agents[W_AGENTS];
	struct db_pool pool[W_POOL];
	int n_pool;
	struct db_hold reserved[W_POOL];
	int n_reserved;
	struct db_hooks hooks[W_AGENTS + W_POOL];
	int n_hooks;
	struct event_row *events[W_EVENTS];
	int n_events;
	struct item *items[W_EVENTS][W_AGENTS];	/* by event's index */
	int n_items[W_EVENTS];
	const char *current;			/* of the one lineage */
	int64_t healthy_since_ms;
	bool paused, maintenance;
	int64_t timeline;			/* of the server, as the engines know it */
	int64_t looked;				/* at what is outside, on that one; 0 = due */
};

/* One line of the journal, as far as anybody asks. */
struct db_line { const char *actor, *kind, *subject; int status; };
struct db_evidence { char engine[16], account[8]; int kind, outcome; int64_t at_ms; };

struct engine_in_world;
struct tx_in_world { struct tx *tx; int64_t since_ms; };

/* A state that the server may fall back to when it fails over and loses its newest commits. */
struct db_old { struct db_tables tables; struct lease_row lease; int n_effects, n_journal; };

/* How an account is, in truth. */
enum sickness { WELL, SUSPENDED, REFUSED, ERRORS, FAILING, SICKNESSES };
struct sick { enum sickness how; int64_t since_ms, last_ms; };

/* What really happened to an event, by the world's own clock. */
struct truth { int64_t approved_ms, last_forward_ms; };

struct logged { struct intent i; bool synced; };

struct world {
	uint64_t seed, dice;
	bool trace;
	struct loop *loop;			/* nobody's: the clock that goes on */
	int64_t now_ms;
	struct fake_world out;
	struct providers *out_providers;
	struct telephony_ops telephony;		/* those of out_providers, and what probes ask */
	struct agents_ops agents;
	struct app_ops app;
	struct feed_ops feeds;
	struct engine_in_world *engines[W_ENGINES];
	struct failover_settings set;

	struct db_tables now, next, adrift;	/* committed; of the transaction; of a lost one */
	struct db_effect effects[W_EFFECTS];	/* committed ones; n_next counts those of next */
	int n_effects, n_effects_next;
	struct db_line journal[W_JOURNAL];
	int n_journal, n_journal_next;
	struct db_evidence evidence[W_ENGINES * W_ACCOUNTS * 12];
	int n_evidence;
	struct db_old old[W_OLD];		/* newest last */
	int n_old;
	char *live;				/* the leader's document */
	int64_t live_at_ms;
	struct tx_in_world writer;		/* one transaction writes at a time */
	struct condition writer_gone;
	struct lease_row lease;
	int64_t timeline;			/* of the server */
	bool database_away;
	void **kept;				/* texts; freed in the end */
	size_t n_kept, cap_kept;
	struct event_row **old_events;		/* every version of a row */
	size_t n_old_events, cap_old_events;
	struct item **old_items;
	size_t n_old_items, cap_old_items;

	/* faults of this run */
	bool calm;				/* no more of them */
	int out_fault, db_fault, crash;		/* per 1000 calls */
	/* one crash at just this commit or write; 0 = none */
	int crash_at, steps;
	int64_t latency_ms;
	bool jumps, freezes, loses;		/* clocks, processes, commits */
	bool ends_sick;				/* the outage goes on when faults stop */
	int64_t lost_ms;			/* when commits were lost; 0 = never */
	struct sick sick[W_ACCOUNTS];
	/* what was seen */
	bool interference, interfered;
	int crashes, faults, operations, commits, acks, freezes_seen, automatic;
	int64_t max_epoch_written;
	struct truth truth[W_EVENTS];
	char *digest_before;
	char broken[400];			/* first invariant that did not hold; "" = none */
};

struct engine_in_world {
	struct world *w;
	int n;
	char id[16];
	struct loop *loop;
	/* dead: a crashed process; nothing of it reaches anybody */
	bool up, dead, stalled;
	bool frozen;				/* stands still, as after SIGSTOP */
	int64_t restart_ms, stalled_until_ms, thaw_ms, cut_until_ms;
	int orders;				/* of people, under way */
	int sessions, lease_session;		/* those before were ended by the server */
	struct store store;
	struct providers providers;
	struct failover_ports ports;
	struct failover_deps deps;
	struct lease *lease;
	struct monitor *monitor;
	struct decider *decider;
	struct executor *x;
	struct logged intents[W_INTENTS];	/* on its disk: what was synced outlives it */
	int n_intents;
	int64_t merged;				/* timeline up to which they are in the database */
};

struct world *world_of(const struct store *s);
struct engine_in_world *engine_of(const struct store *s);
uint64_t dice(struct world *w, uint64_t sides);		/* 0 .. sides - 1 */
bool chance(struct world *w, int per_1000);
/* Does the engine die at this commit or write? */
bool crash_here(struct world *w);
void crash_engine(struct engine_in_world *e, const char *where);
void say(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void broken(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* db.c */
const char *db_keep(struct world *w, const char *text);
/* One call's way to the database and back: 0, ERR_UNREACHABLE, ERR_CANCELLED. */
int db_call(struct store *s, struct err *err);
/* Tables as a transaction sees them; t NULL: the committed ones. */
struct db_tables *db_see(struct store *s, struct tx *t);
void db_free(struct world *w);
/* The server fails over to one that lacks the newest n remembered states. */
void db_lose_commits(struct world *w, int n);
void db_note(struct tx *t, const char *kind, const char *subject, int status);
/* db_events.c */
int db_event(const struct db_tables *d, const char *id);		/* index, -1 */
void db_event_put(struct world *w, struct db_tables *d, int i, const struct event_row *r);
/* When the attempt last meant to write forward; what a rollback wrote does not count. */
int64_t db_last_forward(const struct world *w, const struct event_row *r);
void event_row_copy(struct event_row *to, const struct event_row *from);
/* db_items.c */
struct item *db_item_new(struct world *w, const struct item *from);

/* law.c */
void law_commit(struct engine_in_world *e, const struct tx *t);	/* next is about to become now */
void law_write(struct engine_in_world *e, const char *kind);	/* about to go outside */
/* An order of a person was answered: r as the command returned it. */
void law_answered(struct world *w, const char *actor, const char *what, int r);
/* intents.c: the local log of an engine, by the name of its directory. */
void intents_belong(struct world *w);
/* sense.c: what probes are told. */
void sense_init(struct world *w);
enum sickness sick_now(struct world *w, const char *account_sid);
void fall_ill(struct world *w, int account, enum sickness how);

/* check.c: what must hold in the end, when nothing hurts any more. */
void check_rest(struct world *w);
/* people.c: one person's order, chosen by dice, at some engine. */
void person_acts(struct world *w);

#endif
