/*
 * The console's state as a fold: snapshot, then journal entries, applied by one pure
 * reducer. Live console, replay, headless summaries and checkers use the same one.
 *
 * A journal entry is {"seq","at","kind","subject","actor","text","data"}; every member
 * of data is a record to put in place: "event", "account", "number", "hold", "alert",
 * "control", "run", "incident", "message" (a notification), or several under the plural:
 * "messages":[...].
 * Unknown members are kept out, not refused.
 * What is not journaled (gates, figures, impact) comes as "live" documents of what changed;
 * each tells the position it leaves us at. Who has a snapshot and everything after its
 * sequence and position has what the engine has.
 */
#ifndef RD_FOLD_STATE_H
#define RD_FOLD_STATE_H

#include "model/account.h"
#include "model/agent.h"
#include "model/alert.h"
#include "model/event.h"
#include "model/impact.h"

struct run;			/* model/run.h */
struct incident;		/* model/incident.h */

struct entry {			/* a journal line, as RECENT shows it */
	int64_t seq, at_ms;
	char *kind, *subject, *actor, *text;
	char *severity;		/* info, warn, bad: how loud */
};
extern const struct record_type entry_type;

struct hold {			/* an outstanding hazard, pinned until released */
	char *id, *what, *subject, *by, *reason;
	int64_t since_ms, until_ms;
};
extern const struct record_type hold_type;

struct message {		/* an outbox row: who was told, who could not be */
	char *id, *channel, *event, *kind, *to, *state, *error;
	int64_t at_ms, next_at_ms, attempts;
};
extern const struct record_type message_type;

struct lineage_gates {		/* why is it not acting? per lineage, always */
	char *lineage;		/* account id of the primary */
	char *target;		/* account id the gates were computed for; NULL = none fits */
	struct gate_result *gates;
	size_t n_gates;
};

struct peer {			/* an engine */
	char *id, *address;
	bool leader;
	int64_t seen_ms, epoch;
};
extern const struct record_type peer_type;

struct person {			/* who else is here */
	char *name, *role, *looking_at;
	bool dialog;		/* has a decision dialog open on it */
	int64_t since_ms;
};
extern const struct record_type person_type;

struct control {
	bool paused, maintenance, shadow;
	char *by, *reason;
	int64_t since_ms, until_ms;
};
extern const struct record_type control_type;

enum { STATE_ENTRIES = 500, STATE_CLOSED_EVENTS = 200 };

struct state {
	int64_t seq;		/* last entry applied */
	int64_t now_ms;		/* server time of the last document or heartbeat */
	char *environment, *leader, *version;
	char *live;		/* position in the live documents, of the engine they came from */
	bool production, demo;
	struct control control;
	struct impact impact;
	bool database_ok;
	char *database_why;
	int64_t cycle_ms;	/* duration of the last health cycle */
	int64_t outbox_waiting, outbox_dead;
	struct account *accounts; size_t n_accounts, cap_accounts;
	struct event *events; size_t n_events, cap_events;	/* newest first */
	struct lineage_gates *gates; size_t n_gates, cap_gates;
	struct entry *entries; size_t n_entries, cap_entries;	/* newest first */
	struct hold *holds; size_t n_holds, cap_holds;
	struct message *messages; size_t n_messages, cap_messages; /* undelivered and recent */
	struct alert *alerts; size_t n_alerts, cap_alerts;
	struct peer *peers; size_t n_peers, cap_peers;
	struct person *people; size_t n_people, cap_people;
	struct run *runs; size_t n_runs, cap_runs;	/* newest first */
	struct incident *incidents; size_t n_incidents, cap_incidents;	/* newest first */
};

void state_init(struct state *s);
void state_fini(struct state *s);
/* Replaces everything. */
int state_load(struct state *s, const struct json *snapshot, struct err *err);
/* The same from text (with its NUL), record by record: a large one needs no tree of it all. */
int state_load_text(struct state *s, const char *text, size_t len, struct err *err);
/* The same from a text that is freed on the way, so that both are never there whole. */
int state_take_text(struct state *s, struct str *text, struct err *err);
/* One journal entry; older than seq: ignored (returns 0). */
int state_apply(struct state *s, const struct json *entry, struct err *err);
/* A live document: {"live","at","leader","databaseOk","databaseWhy","cycleMs","impact":{},
 * "peers":[],"people":[],"control":{},"outboxWaiting","outboxDead"} each whole when there,
 * "gates":[{"lineage","target","gates":[]}] all of them, "gateChanges":[...] some members of
 * some, {"lineage","gone":true} takes one out; "accounts":[...changed figures...],"events":[]. */
int state_live(struct state *s, const struct json *live, struct err *err);
/* Writes the snapshot that state_load reads. */
void state_json(struct jw *w, const char *name, const struct state *s);

/* ---- live.c: for who makes live documents, inside an open object --------------------------- */

/* All that a live document can say, for a reader whose position is not known. */
void live_whole(struct jw *w, const struct state *s);
/* What must be said so that `have` becomes `want`; nothing when it is so already. */
void live_head(struct jw *w, const struct state *have, const struct state *want);
void live_impact(struct jw *w, const struct state *have, const struct impact *want);
void live_peers(struct jw *w, const struct state *have, const struct peer *want, size_t n);
void live_accounts(struct jw *w, const struct state *have, const struct account *const *want,
		   size_t n);
/* All lineages: one that is not among them is gone. */
void live_gates(struct jw *w, const struct state *have, const struct lineage_gates *want, size_t n);

const struct account *state_account(const struct state *s, const char *id);
const struct event *state_event(const struct state *s, const char *id);
const struct lineage_gates *state_gates(const struct state *s, const char *lineage);

#endif
