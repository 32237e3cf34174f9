/*
 * Incidents as API, console and reports see them. Every instant that a person may correct
 * (startedAt, mitigatedAt ...) is kept beside the immutable journal row that first said it.
 * The times that are measured from these are defined in report/times.h.
 */
#ifndef RD_MODEL_INCIDENT_H
#define RD_MODEL_INCIDENT_H

#include "model/fields.h"

#define INCIDENT_STATE_LIST(X)                                                                     \
	X(IS_DECLARED, "declared") X(IS_ACKNOWLEDGED, "acknowledged") X(IS_MITIGATED, "mitigated") \
	X(IS_RESOLVED, "resolved") X(IS_CLOSED, "closed")
enum incident_state { INCIDENT_STATE_LIST(RD_ENUM_ID) IS_MAX };

#define INCIDENT_KIND_LIST(X) X(IK_REAL, "real") X(IK_DRILL, "drill") X(IK_BACKFILL, "backfill")
enum incident_kind { INCIDENT_KIND_LIST(RD_ENUM_ID) IK_MAX };

/* R3 gives three clocks, kept apart; the others are ours. */
#define CLOCK_KIND_LIST(X)                                                                         \
	X(CK_ROUTING, "routing")	/* first notice, repeated while nobody acknowledged */     \
	X(CK_SEVERITY, "severity")	/* jump to the role that the severity names */             \
	X(CK_LADDER, "ladder")		/* next rung when its response time passed */              \
	X(CK_UPDATE, "update")		/* the next public word is due */                          \
	X(CK_DIGEST, "digest")		/* P3: once a day */                                       \
	X(CK_VENDOR, "vendor")		/* a vendor's tier time */                                 \
	X(CK_DEADLINE, "deadline")	/* report 24 h, review 48 h */                             \
	X(CK_TASK, "task")		/* a phone call by hand; a reminder */
enum clock_kind { CLOCK_KIND_LIST(RD_ENUM_ID) CK_MAX };

#define CLOCK_STATE_LIST(X)                                                                        \
	X(CS_RUNNING, "running") X(CS_DUE, "due") X(CS_HELD, "held") X(CS_DONE, "done")            \
	X(CS_STOPPED, "stopped")
enum clock_state { CLOCK_STATE_LIST(RD_ENUM_ID) CS_MAX };

#define REVIEW_STATE_LIST(X)                                                                       \
	X(RV_NONE, "none") X(RV_DRAFT, "draft") X(RV_IN_REVIEW, "in_review")                       \
	X(RV_REVIEWED, "reviewed") X(RV_CLOSED, "closed")
enum review_state { REVIEW_STATE_LIST(RD_ENUM_ID) RV_MAX };

extern const struct enum_names incident_state_names, incident_kind_names, clock_kind_names,
	clock_state_names, review_state_names;

struct incident {
	char *id;			/* "INC-214" */
	int64_t version;
	char *title, *severity;		/* "P1" */
	int state, kind;		/* enum incident_state, incident_kind */
	char *service, *impact, *cause;	/* cause: filled at the review */
	char *declared_by, *acked_by, *commander;
	int64_t started_at_ms;		/* impact began; may be before anybody knew */
	int64_t detected_at_ms, declared_at_ms, acked_at_ms, mitigated_at_ms, resolved_at_ms,
		closed_at_ms;
	int64_t ack_due_at_ms, escalate_at_ms;	/* from the severity; 0 = not counting */
	char *escalate_to;
	int64_t update_every_ms, next_update_at_ms;
	int64_t report_due_at_ms, review_due_at_ms;
	int review;			/* enum review_state */
	char *review_owner;
	char *status_quoted;		/* what a vendor's status page said last */
	int64_t alerts, events, runs, notes;	/* how many are linked */
	char *policy_hash;
};
extern const struct record_type incident_type;

/* What people are in an incident; one person may be several, but who decides does not mend. */
struct incident_role_word { const char *name, *what; };
enum { INCIDENT_ROLES = 6 };
extern const struct incident_role_word incident_role_words[INCIDENT_ROLES];
/* As it is kept: "SME", "expert" and "customer liaison" have one too. NULL: ERR_INVALID of field
 * "role" names the nearest and all there are. */
const char *incident_role_find(const char *text, struct err *err);

struct incident_role { char *role, *person, *by; int64_t since_ms, until_ms; };
struct incident_severity { char *severity, *by, *reason; int64_t at_ms; };
struct incident_link { char *kind; /* event run alert note message */ char *ref, *by, *text;
		       int64_t at_ms; };
struct incident_clock {
	char *id;
	int kind, state;		/* enum clock_kind, clock_state */
	int64_t due_at_ms, every_ms, respond_ms;
	int64_t rung;			/* of a ladder, from 1 */
	char *ladder, *target;		/* role, vendor or task */
	char *via;			/* JSON array: slack, email, pager, phone */
	char *text;			/* what will be sent or done next, to whom */
	char *held_by, *held_reason;
	int64_t sent, last_at_ms;
};
struct incident_action { char *id, *text, *owner, *by, *state /* open done dropped */;
			 int64_t due_at_ms, at_ms, version; };
/* "2026-12-01" (its end), "+7d" from now_ms on, or an instant with its zone. */
bool incident_due_parse(const char *text, int64_t now_ms, int64_t *ret_ms);
struct incident_task { char *id, *text; bool done; char *by; int64_t at_ms; };
/* What somebody's status page said, with how late: after we noticed, and until we read it. */
struct incident_quote { char *id, *source, *subject, *text; int64_t at_ms, read_at_ms, behind_ms,
			lag_ms; };
extern const struct record_type incident_quote_type;
extern const struct record_type incident_role_type, incident_severity_type, incident_link_type,
	incident_clock_type, incident_action_type, incident_task_type;

struct incident_doc {
	struct incident incident;
	struct incident_role *roles; size_t n_roles;
	struct incident_severity *severities; size_t n_severities;	/* oldest first */
	struct incident_link *links; size_t n_links;
	struct incident_clock *clocks; size_t n_clocks;			/* next due first */
	struct incident_action *actions; size_t n_actions;
	struct incident_task *tasks; size_t n_tasks;			/* checklist */
	struct incident_quote *quotes; size_t n_quotes;			/* newest first */
	struct timeline_entry *written; size_t n_written;	/* the newest notes; id N-7 */
};
void incident_doc_fini(struct incident_doc *d);
void incident_doc_json(struct jw *w, const char *name, const struct incident_doc *d);
int incident_doc_from_json(struct incident_doc *d, const struct json *obj, struct err *err);

/* A note that begins with it becomes an action item too: the prefix of scribes. In two parts,
 * because the whole word marks unfinished code elsewhere. */
#define NOTE_TODO "TO" "DO"

/* One line of a timeline. happened_at is what it is about and can be corrected; recorded_at
 * never changes. */
struct timeline_entry {
	char *id;			/* "j:812" journal, "n:12" note, "i:4" import, "t:EV-1:3" */
	int64_t happened_at_ms, recorded_at_ms, until_ms;
	char *lane;			/* account, event, run, people, message, alert, outside */
	char *kind, *subject, *actor, *text, *severity;
	char *original;			/* an imported instant as it was written */
	char *doubt;			/* why the instant is not sure; NULL = sure */
	char *link;			/* evidence: "EV-118", "RUN-3", "journal 812" */
	char *annotation;		/* words beside it, also at the end of text */
	bool pinned, noise, editable;	/* editable: a person's note */
	bool retracted, hidden;		/* a note that was taken back; hidden by a mark */
	int64_t version;
};
extern const struct record_type timeline_entry_type;

#endif
