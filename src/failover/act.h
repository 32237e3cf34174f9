/*
 * One attempt while it is being worked on: shared by execute, converge, sweep, rollback
 * and lock, and by nobody else. Everything in it belongs to the attempt's task; its
 * children (one per agent in flight) use it too, on the same loop.
 */
#ifndef RD_FAILOVER_ACT_H
#define RD_FAILOVER_ACT_H

#include "core/task.h"
#include "failover/execute.h"
#include "failover/intent.h"
#include "providers/agents_api.h"
#include "providers/app.h"
#include "providers/telephony.h"
#include "store/events.h"
#include "store/items.h"

/* Why no further outside write may start; the first reason stays. */
enum act_stop {
	ACT_GO,
	ACT_CANCEL,	/* a person asked for it, or the event is no longer in our state */
	ACT_LOST,	/* not the leader any more, or shutting down: the next one goes on */
};

/* An agent on its way, with what was seen outside. */
struct mover {
	struct act *a;
	struct item *row;		/* one of act.items */
	const struct credentials *keys;	/* of the account that to_number is in */
	bool aside;			/* row is not one of act.items: nothing of it is stored */
	const struct phone *phone;	/* to_number as last read; NULL = not in the account */
	struct phone_list own;		/* phone points in here once it was read alone */
	bool fresh;			/* nothing was written to it since it was read */
	bool looked;			/* ElevenLabs was asked: imported is known */
	bool imported;			/* to_number is known to ElevenLabs */
	char import_id[48], import_agent[48];
	struct json *before;		/* row->before parsed; NULL = nothing was changed yet */
	bool fatal;			/* failed by the target or by us, not for its own reason */
	bool retry;			/* worth another round */
	bool eleven_down;		/* ElevenLabs could not be asked */
	char *home_why;			/* its number at home is somebody else's at ElevenLabs */
	char why[240];
};

struct recorder {
	struct record_ask *first, *last;	/* writers that wait for their intent */
	struct effect **ended; size_t n_ended, cap_ended;
	struct item **dirty; size_t n_dirty, cap_dirty;
	bool busy;
	struct condition changed;
};

struct act {
	struct executor *x;
	struct failover_deps *d;
	struct event_row row;
	int64_t epoch;
	int expect;			/* enum event_status it is being worked on in */
	struct item *items; size_t n_items;
	struct mover *movers;		/* one for each item */
	struct credentials to_keys, from_keys;
	struct phone_list phones;	/* of the target, newest sweep */
	struct remote_number_list imports;
	struct number_baseline *baselines; size_t n_baselines;	/* of the source, by number */
	struct recorder rec;
	struct write_guard guard;
	enum act_stop stop;
	bool paused;
	char stop_why[160];
	/* lock */
	struct crowd keeper;		/* renews once */
	struct condition keeper_end;
	bool keeper_over;
	bool locked;
	/* steps: what the row says, and whether it is to be written */
	bool step_dirty[STEP_MAX];
	bool step_note;			/* a step changed its state: journal it */
	int64_t noted_at_ms, last_write_ms;	/* loop clock */
	int64_t eleven_down_since_ms;	/* loop clock; 0 = it answers */
	bool probed;			/* the signed probe was answered in this phase */
	bool target_dead;		/* the target's account refuses everything */
};

struct executor {
	struct failover_deps *d;
	struct intent_log *intents;
	char *state_dir;		/* NULL = none */
	struct run *runs;		/* attempts under way */
	struct owed *owed;		/* unlocks still to be sent */
	struct task *scan_task, *unlock_task;
	bool scanning, unlocking;	/* they run */
	struct condition wake, owed_changed;
	bool stopping;
	bool not_ours;			/* said once: the database is another environment's */
	bool write_ok_without_lease;	/* tests without a keeper of the lease ... */
	int64_t epoch_without_lease;	/* ... and the epoch they act under */
};

/* ---- record.c --------------------------------------------------------------------- */

struct who act_who(const struct act *a);
/* May an outside write start now? Asked again by the guard just before the wire. */
bool act_may_write(const struct act *a);
/* Waits until the write is on record and nothing stands against it (while paused: until it is
 * not). Takes e; 0 and it is to be sent, then act_wrote; negative: it is not (e is freed). */
int act_intend(struct act *a, struct effect *e, struct err *err);
/* Takes e. info NULL: done. Stored with the next batch. */
void act_wrote(struct act *a, struct effect *e, const struct call_info *info);
struct effect *effect_new(const char *agent, const char *kind, const char *subject,
			  const char *before, const char *after);
void act_dirty(struct act *a, struct item *i);
/* Stores everything that is waiting; retries while the database is away and we lead. */
int act_flush(struct act *a, struct err *err);
void act_stop_now(struct act *a, enum act_stop why, const char *text);
/* Step n of the event: state (or -1), and done recounted from the items. */
void act_step(struct act *a, int n, int state, const char *error);
void act_count(struct act *a);
void recorder_fini(struct recorder *r);
/* One leader's transaction around fn, tried again while the database is away and we lead. */
int act_tx(struct act *a, int (*fn)(struct act *a, struct tx *t, void *arg, struct err *err),
	   void *arg, struct err *err);

/* ---- reconcile.c -------------------------------------------------------------------- */

/* When this engine begins to lead: did the database lose commits that we acted on? 0: no, or it is
 * settled; 1: the lease must be taken anew first; negative: it cannot be told now. */
int reconcile(struct executor *x, struct err *err);
/* As long as another engine leads: what this one's intent log alone knows goes on record. */
int reconcile_follow(struct executor *x, struct err *err);
/* Did a follower put something on record that the leader has not looked at? */
int reconcile_due(struct executor *x, bool *ret, struct err *err);

/* ---- elsewhere ------------------------------------------------------------------------ */

const char *info_text(const struct call_info *info, char *buf, size_t n);

/* ---- attempt.c ----------------------------------------------------------------------- */

/* Reads event, items and credentials. */
int act_load(struct act *a, struct executor *x, const char *event_id, struct err *err);
void act_fini(struct act *a);
int keys_load(struct act *a, const char *account, struct credentials *ret, struct err *err);

/* Writes what is waiting, then the transition from a->expect; `also` (may be NULL) joins its
 * transaction. ERR_CONFLICT: the event went elsewhere. */
struct act_move {
	enum event_status to;
	const char *error, *text;	/* NULL = none */
	int (*also)(struct act *a, struct tx *t, void *arg, struct err *err);
};
int act_transition(struct act *a, const struct act_move *move, struct err *err);

#endif
