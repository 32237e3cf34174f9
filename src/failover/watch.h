/*
 * What the monitor keeps of each account between sweeps; shared by the files of the
 * monitor (survey, monitor, monitor_store, monitor_doc, standby) and read by the decider.
 */
#ifndef RD_FAILOVER_WATCH_H
#define RD_FAILOVER_WATCH_H

#include "core/task.h"
#include "failover/monitor.h"
#include "failover/probe.h"
#include "failover/roster.h"
#include "model/account.h"
#include "providers/feed.h"
#include "store/wishes.h"

struct watched {
	struct account row;		/* as listed last, with our own figures put in */
	struct credentials keys;
	bool have_keys;
	char keys_why[WHY_LEN];
	bool listed;			/* still in the list of the last cycle */
	bool in_window;			/* an event of it is pending or held: last five decide */
	int64_t traffic_since_ms;	/* wall: older calls do not count (after a cancel) */

	struct track track[PROBE_MAX];
	struct strikes strikes;
	int video_hits;			/* of its rooms, in a row */
	enum opinion opinion[CF_MAX];
	struct account_facts held, raw;	/* by fall and rise; of the last sweep alone */
	struct verdict verdict;		/* of held */
	struct verdict test;		/* of raw */
	enum outcome test_outcome;
	int sweeps_bad;			/* in a row that by themselves found something to act on */

	bool sweeping;
	struct condition swept;
	int64_t sweep_n, swept_ms, swept_wall_ms;	/* finished ones; 0 = none */
	/* the last one was a leader's, who looks at numbers and traffic, too: without them the
	 * agents are unknown, which says nothing of the account */
	bool whole;
	int64_t counted_ms;
	struct traffic_totals traffic;
	struct balance balance;
	bool balance_known, trial, type_known, status_hidden;
	enum account_status status;
	char parent_trouble[WHY_LEN], own_trouble[WHY_LEN];
	int64_t routed;			/* free numbers that something else routes */
	char routed_example[80];
	int64_t latency_ms;
	int requests;
	int64_t released;		/* agents whose number a known actor took away */
	int64_t drifted;
	struct region_seen *regions; size_t n_regions, cap_regions;
	struct pool_seen *pool; size_t n_pool;	/* as written last, by number */
	int64_t pool_ms, pool_took_ms;	/* monotonic: the whole of it was written, and how long */
	bool sync_now;			/* a person asked for the pool to be brought in line */
	struct { int64_t added, updated, gone, kept; } synced;
	int64_t stored_sweep;		/* sweep_n that was stored last */
	int stored_health;
	bool stored_ready;
};

struct region_seen { char e164[20]; char region[16]; };
/* Hashes: which number, and what was written of it. Packed, for there is one a number. */
struct __attribute__((packed)) pool_seen { uint64_t number; uint32_t row; };

struct eleven_view {
	bool asked, answers, rights_known, may_write;
	int fails;			/* in a row */
	int64_t at_ms, rights_at_ms;
	char why[WHY_LEN];
};
struct feed_view { enum feed_state state; char what[WHY_LEN]; int64_t at_ms; };

struct monitor {
	struct failover_deps *d;
	struct watched **v;
	size_t n, cap;
	struct roster roster;
	bool judging;			/* the roster is in use across a wait */
	struct condition judged;
	bool loading;			/* the roster is being brought in line for a cycle */
	struct condition loaded;
	bool saw_all;			/* what is seen once for all, in this cycle */
	struct eleven_view eleven;
	struct feed_view feed[FEED_COUNT];
	struct { struct evidence_row *v; size_t n; } followers;
	struct wishes alerts;		/* as stored last */
	int64_t alerts_epoch;		/* of the lease they were loaded under; 0 = not yet */
	int64_t alerts_looks, alerts_looked_ms;	/* under it, as far apart as samples count */
	char **busy; size_t n_busy;	/* accounts of attempts under way: pool left alone */

	struct task *timer;
	struct condition wake;		/* for the timer */
	bool stopping, cycling;
	struct condition cycled;
	int64_t cycle_n, cycle_began_ms, cycle_ended_ms, cycle_took_ms;
	int64_t kept_house_ms;		/* monotonic; 0 = not yet */
	int tasks;			/* running, the timer included */
	void (*swept)(void *ctx);	/* something changed: the decider looks */
	void *swept_ctx;
	uint64_t looks_begun, looks_ended;	/* by the decider */
	struct condition looked;
};

struct watched *monitor_account(const struct monitor *m, const char *id);
struct watched *monitor_find(const struct monitor *m, const char *ref);	/* id, SID or name */
/* The same; one that is not known may have been added a moment ago: a cycle reads them. */
struct watched *monitor_find_new(struct monitor *m, const char *ref);
/* A sweep of the account that starts after this call; waits for a running one first. In a task.
 * False: cancelled, or the account is gone. */
bool monitor_sweep(struct monitor *m, const char *id);
/* The cause went away: what was seen before does not count again. */
void monitor_forget(struct monitor *m, const char *id);
enum blocker monitor_blocked(const struct monitor *m, const struct watched *w, char *why,
			     size_t why_len);
bool monitor_anything_answers(const struct monitor *m);

/* survey.c */
void sweep_account(struct monitor *m, struct watched *w);
void monitor_lock(struct monitor *m);	/* the roster; waits */
void monitor_unlock(struct monitor *m);
/* monitor_store.c; in a task */
int monitor_load(struct monitor *m, struct err *err);	/* accounts, keys, roster, followers */
void monitor_save(struct monitor *m, struct watched *w);	/* a cycle's result */
void monitor_save_numbers(struct monitor *m, struct watched *w, const struct reading *r);
void monitor_save_evidence(struct monitor *m, struct watched *w, const struct reading *r);
void monitor_save_presence(struct monitor *m);
void monitor_alerts(struct monitor *m);
bool monitor_leads(const struct monitor *m);
/* Once an hour, by the leader: rolls history up and removes what is too old. */
void monitor_housekeep(struct monitor *m);
/* standby.c: why it could not take over, as JSON array; caller frees. */
char *standby_problems(const struct monitor *m, const struct watched *w);
/* monitor_doc.c */
/* brief: only failing agents, and few of them (for the history). */
void monitor_account_doc(const struct monitor *m, const struct watched *w, const char *kinds,
			 bool brief, struct jw *out, const char *name);
/* False: the leader left none. In a task. */
bool monitor_leaders_doc(const struct monitor *m, const struct watched *w, struct jw *out,
			 const char *name);

#endif
