/*
 * The deterministic world (one seed = one run): engines of the real acting half on a virtual
 * loop, a database in memory behind the names of store/ (db_*.c), providers in memory
 * (tests/lib/fake_world.c) and a seeded hand that hurts all of them (world.c). What must
 * hold afterwards is asked by check.c.
 */
#ifndef RD_TESTS_WORLD_H
#define RD_TESTS_WORLD_H

#include "core/task.h"
#include "failover/act.h"
#include "failover/lease.h"
#include "store/lease_row.h"
#include "tests/lib/fake_world.h"

enum { W_ENGINES = 2, W_AGENTS = 5, W_EVENTS = 24, W_EFFECTS = 4000, W_POOL = 8 };

/* ---- the database ---------------------------------------------------------------------- */

struct db_agent {
	const char *id, *name, *number, *eleven, *account, *backup, *hold;
	int integration;
};
struct db_pool { const char *number, *account, *sid, *agent; int status; bool sms_ready; };
struct db_hold { const char *number, *account, *agent, *event; };	/* reservation */
struct db_hooks { const char *account, *number, *sid, *baseline; };
struct db_effect { const char *event, *agent, *kind; int64_t id, epoch; int state; };
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
	bool paused;
	int64_t journal;
};

struct engine_in_world;
struct tx_in_world { struct tx *tx; bool doomed; };

struct world {
	uint64_t seed, dice;
	bool trace;
	struct loop *loop;
	struct fake_world out;
	struct providers *out_providers;
	struct engine_in_world *engines[W_ENGINES];
	struct engine_in_world *desk;		/* people's way to the database; no engine */
	struct failover_settings set;

	struct db_tables now, next;		/* committed; of the transaction under way */
	struct db_effect effects[W_EFFECTS];	/* committed ones; n_next counts those of next */
	int n_effects, n_effects_next;
	struct tx_in_world writer;		/* one transaction writes at a time */
	struct condition writer_gone;
	struct lease_row lease;
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
	int crash_at, steps;			/* one crash at just this commit or write; 0 = none */
	int64_t latency_ms;
	/* what was seen */
	bool interference, interfered;
	int crashes, faults, operations, commits;
	int64_t max_epoch_written;
	char *digest_before;
	char broken[400];			/* first invariant that did not hold; "" = none */
};

struct engine_in_world {
	struct world *w;
	int n;
	char id[16];
	bool up, dead, stalled;			/* dead: a crashed process; nothing of it reaches anybody */
	int64_t restart_ms, stalled_until_ms;
	struct store store;
	struct providers providers;
	struct failover_deps deps;
	struct lease *lease;
	struct executor *x;
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
/* db_events.c */
int db_event(const struct db_tables *d, const char *id);		/* index, -1 */
void db_event_put(struct world *w, struct db_tables *d, int i, const struct event_row *r);
void event_row_copy(struct event_row *to, const struct event_row *from);
/* db_items.c */
struct item *db_item_new(struct world *w, const struct item *from);

/* check.c: what must hold in the end, when nothing hurts any more. */
void check_rest(struct world *w);
/* people.c: one person's order, chosen by dice, in a task. */
void person_acts(void *arg);

#endif
