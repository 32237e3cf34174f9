/* Shared by the files of the host only. */
#ifndef RD_RUNBOOK_RUNS_PRIV_H
#define RD_RUNBOOK_RUNS_PRIV_H

#include "core/mem.h"
#include "core/task.h"
#include "runbook/runs.h"
#include "store/runs.h"

char *json_scalar_text(const struct json *j);	/* flow_value.c */
int flow_param_value(const struct flow *f, const char *name, const char *text, struct value *ret,
		     bool *ret_secret, struct err *err);

struct frozen { struct runbook **v; size_t n; };	/* the first is the run's own */

struct old_flow { struct flow *f; struct frozen text; };

/* Applied, not yet stored: only ever what may be lost without harm (held_defer). */
struct deferred { struct run_entry e; enum note_level level; char *note; };

struct held_run {
	struct runs *runs;
	char *id;
	struct frozen text;
	struct flow *f;			/* NULL: to be read anew */
	struct old_flow *old; size_t n_old;
	struct held_run *next;
	struct condition changed;	/* an entry was applied, or busy ended */
	struct task *driver;		/* while we lead */
	bool busy;			/* an entry is between its state and its commit */
	struct deferred *deferred; size_t n_deferred, cap_deferred;
	int64_t flush_ms;		/* by then they are stored (loop_now_ms) */
	int users;
	int role;			/* of who gave the last order */
	char *last_by, *tried;		/* tried: parameter looked up without a person */
	char *learnt;			/* the message whose facts were asked for, "step attempt" */
	int64_t learnt_ms;
	char *holds;			/* as told to the port, names joined */
	int64_t used_ms;
};

struct runs {
	struct runs_deps d;
	struct library *library;
	struct problems problems;
	const struct policy *policy;	/* the newest */
	struct policy **policies; size_t n_policies;
	int64_t looked_ms;		/* at the directory */
	char *stamp;
	struct held_run *first;
	struct condition wake;
	struct task *task;
	bool stopping;
	int running;
};

/* runs_entry.c: one stored entry. Gives up with ERR_CONFLICT when fn does. */
typedef int (*entry_fn)(void *ctx, struct held_run *h, struct run_entry *ret, struct err *err);
int held_store(struct held_run *h, const struct who *who, entry_fn fn, void *ctx, struct err *err);
/* A known entry, by the engine. */
int held_put(struct held_run *h, int kind, const char *step, const char *data, struct err *err);
/* As held_put, stored later: with what comes next, at the latest after ms (held_due). For what
 * a new leader may do once more without harm, and for what something else follows at once.
 * Whoever finds in between that the run has moved on without it, forgets it. */
int held_defer(struct held_run *h, int kind, const char *step, const char *data, int64_t ms,
	       struct err *err);
bool held_due(const struct held_run *h);
int held_flush(struct held_run *h, struct err *err);
struct held_run *held_get(struct runs *r, const char *id, struct err *err); /* counts a user */
void held_release(struct held_run *h);
int held_catch_up(struct held_run *h, struct err *err);
void held_free(struct held_run *h);
void held_drop_old(struct held_run *h);	/* nobody holds a step across a wait */
int frozen_parse(struct frozen *z, const struct json *started, struct err *err);
void found_use(struct runbook *rb, const struct json *found);	/* of the started entry */
const struct runbook *frozen_find(void *frozen, const char *id);
void frozen_fini(struct frozen *z);

/* runs_drive.c */
void drive_task(void *held);
void held_tell_holds(struct held_run *h);	/* in a task */
/* Where the runbook says a parameter is from, without asking or running anything; NULL. */
char *param_found(const struct verb_env *env, const struct param *p);

/* runs_learn.c: before a message is shown or said. True: something was stored, or waiting let
 * the run go on. */
bool held_learn(struct held_run *h);
int64_t held_learns_in(const struct held_run *h);	/* ms until it asks again; 0 = never */

/* runs.c */
void library_look(struct runs *r);

#endif
