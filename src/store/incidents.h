/*
 * Incidents in the database. Every change is one transaction with its journal row (kind
 * "incident.*", data {"incident":{...}}), so that stream, timeline and replay have it. An
 * edit names the version it was made on: ERR_CONFLICT says who changed what since.
 */
#ifndef RD_STORE_INCIDENTS_H
#define RD_STORE_INCIDENTS_H

#include "model/incident.h"
#include "store/store.h"

struct incident_new {
	const char *title, *severity, *service, *impact, *dedup_key, *policy_hash;
	const char *reason;			/* of its first severity; NULL = "declared" */
	enum incident_kind kind;
	bool derived;				/* the title is the policy's, and follows */
	int64_t started_at_ms, detected_at_ms;	/* 0 = when declared */
	int64_t resolved_at_ms;			/* backfill */
	const struct incident_clock *clocks; size_t n_clocks;
	const char *const *tasks; size_t n_tasks;
};
/* An open incident that may be the same (same dedup key, or same service within two hours):
 * its id, or NULL. */
int incident_alike(struct store *s, const char *dedup_key, const char *service, char **ret,
		   struct err *err);
/* ERR_EXISTS with err->field = id of the open one with the same dedup key. */
int incident_declare(struct store *s, const struct who *who, const struct incident_new *n,
		     char **ret_id, struct err *err);
/* All of it; incident_doc_fini. ERR_NOT_FOUND. */
int incident_read(struct store *s, const char *id, struct incident_doc *ret, struct err *err);
/* state: NULL = any; newest first; before: id of the last one of the page before, or NULL. */
int incidents_list(struct store *s, const char *state, int64_t limit, const char *before,
		   struct incident **ret, size_t *ret_n, struct err *err);

/* Person's acts. version 0 = whatever it is now. */
int incident_set_state(struct store *s, const struct who *who, const char *id, int64_t version,
		       enum incident_state to, int64_t at_ms, const char *reason,
		       struct err *err);
int incident_set_severity(struct store *s, const struct who *who, const char *id,
			  const char *severity, const char *reason,
			  const struct incident_clock *clocks, size_t n_clocks, struct err *err);
/* role: as people write it. person empty: nobody is it any more. */
int incident_set_role(struct store *s, const struct who *who, const char *id, const char *role,
		      const char *person, struct err *err);
/* fields: title impact cause service startedAt detectedAt mitigatedAt resolvedAt reviewOwner
 * statusQuoted, or fields.NAME for templates. */
int incident_edit(struct store *s, const struct who *who, const char *id, int64_t version,
		  const struct json *fields, struct err *err);
/* The policy's title follows what is linked. was_ms: when it was last worded; ERR_CONFLICT: it was
 * worded otherwise since, or the incident is over. */
int incident_retitle(struct store *s, const struct who *who, const char *id, int64_t was_ms,
		     const char *title, struct err *err);
int incident_link(struct tx *t, const char *id, const char *kind, const char *ref,
		  const char *text, struct err *err);
int incident_unlink(struct store *s, const struct who *who, const char *id, const char *kind,
		    const char *ref, struct err *err);
/* NULL = as it is. */
struct action_edit {
	const char *id;				/* NULL: a new one, which needs a text */
	int64_t version;			/* that it was made on; 0 = whatever it is now */
	const char *text, *state, *owner;	/* owner "": nobody */
	bool due;				/* due_at_ms is meant, 0 = no date */
	int64_t due_at_ms;
};
/* ERR_CONFLICT: somebody changed it since version; what was to stand there is on the timeline. */
int incident_action_put(struct store *s, const struct who *who, const char *id,
			const struct action_edit *a, char **ret_id, struct err *err);
int incident_task_done(struct store *s, const struct who *who, const char *id,
		       const char *task, bool done, struct err *err);

/* Clocks: the host reads what is due and writes back what clocks_fire made of it, in one
 * transaction with the outbox rows; a row that a person changed meanwhile is left alone. */
struct due_clock { char *incident; struct incident_clock clock; };
int clocks_due(struct store *s, int64_t now_ms, struct due_clock **ret, size_t *ret_n,
	       int64_t *ret_next_ms, struct err *err);
void clocks_free(struct due_clock *v, size_t n);
/* was_due_ms: as it was read. ERR_CONFLICT: a person changed it meanwhile. */
int clock_put(struct tx *t, const char *incident, const struct incident_clock *c,
	      int64_t was_due_ms, struct err *err);
/* What came of a clock that fell due, in the leader's transaction: locks the incident, puts the
 * row as clock_put does, adds rows (calls to be made by hand) and journals the text. */
int clock_fired(struct tx *t, const char *incident, const struct incident_clock *c,
		int64_t was_due_ms, const struct incident_clock *more, size_t n_more,
		const char *text, struct err *err);
/* Links what belongs to open incidents by itself and is not linked yet: failover events, alerts
 * and runs of their time (the newest real incident's, but a run that names one), messages that
 * went out for them. What a person took off stays off. *ret: how many. */
int incidents_attach(struct store *s, const struct who *who, size_t *ret, struct err *err);
/* For the daily digest. ERR_CONFLICT: it is not as it was read. */
int clock_unmoved(struct tx *t, const char *incident, const struct incident_clock *c,
		  struct err *err);
int clock_digested(struct tx *t, const char *incident, const char *clock, int64_t next_ms,
		   const char *text, struct err *err);
/* A message of the incident that is dead: answered once (ERR_CONFLICT: it was). clock NULL = none;
 * a ladder's goes on now. task NULL = none. */
int incident_undelivered(struct tx *t, const char *incident, int64_t outbox, const char *clock,
			 const struct incident_clock *task, const char *text, struct err *err);
/* The newest open incident that is no drill; NULL = none. */
int incident_newest_open(struct store *s, char **ret, struct err *err);
int clock_hold(struct store *s, const struct who *who, const char *incident, const char *clock,
	       bool on, const char *reason, struct err *err);
/* A due task, update or deadline was done. */
int clock_done(struct store *s, const struct who *who, const char *incident, const char *clock,
	       const char *text, struct err *err);

struct note_new {
	const char *incident, *subject, *kind, *text, *original, *doubt, *source;
	int64_t happened_at_ms, until_ms;	/* 0 = now */
};
/* NOTE_TODO at the beginning of a text makes an action item of it as well. */
int note_put(struct store *s, const struct who *who, const struct note_new *n, char **ret_id,
	     struct err *err);
struct note_edit {
	int64_t version;			/* that it was made on; 0 = whatever it is now */
	const char *text, *source;		/* source NULL = as it is */
	int64_t happened_at_ms;			/* 0 = as it is */
};
/* ERR_CONFLICT: somebody edited it since version, both texts are kept; or it is no note of a
 * person but a copy of something (import, quote, message). */
int note_edit(struct store *s, const struct who *who, const char *id, const struct note_edit *x,
	      struct err *err);
/* Taken back (hidden, not deleted), or brought back. */
int note_retract(struct store *s, const struct who *who, const char *id, int64_t version, bool back,
		 const char *reason, struct err *err);
/* Its members, with every text that it ever had. */
int note_read(struct store *s, const char *id, struct jw *w, struct err *err);
int timeline_mark(struct store *s, const struct who *who, const char *incident,
		  const char *entry, const bool *pinned, const bool *hidden, const char *text,
		  struct err *err);

/* A message that a person sent, in its transaction. */
struct incident_sent {
	const char *note, *source;	/* the copy on the timeline; the template */
	const char *line;		/* the journal's */
	const struct json *fields;	/* values given with it that the incident keeps; NULL ok */
	bool update;			/* the update that was due: the next interval begins */
	bool again;			/* it went out already: the line alone is kept */
	const struct incident_clock *clock;	/* of the provider that is to answer; NULL = none */
};
int incident_message(struct tx *t, const char *id, const struct incident_sent *s, struct err *err);
/* When a message of the incident whose key begins so was put into the outbox, if that was after
 * since_ms; 0 = none was. Until the transaction's end nobody else puts one. */
int incident_message_since(struct tx *t, const char *id, const char *key, int64_t since_ms,
			   int64_t *ret_ms, struct err *err);

/* What a status page says, into every open real incident that does not have it yet, in the
 * leader's transaction. *ret: in how many. */
struct incident_saying {
	const char *source, *subject;	/* "twilio status page"; with the instant: what it is */
	const char *text;
	int64_t said_ms;
};
int incidents_quote(struct tx *t, const struct incident_saying *q, size_t *ret, struct err *err);

#endif
