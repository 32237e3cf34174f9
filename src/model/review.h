/*
 * What a review needs beside the incident and its timeline: the failover events and runs that
 * belong to it, health and traffic over its time, who was hurt, who signed the report. Figures
 * come with how they were got: a figure that cannot be had is unknown, never 0.
 */
#ifndef RD_MODEL_REVIEW_H
#define RD_MODEL_REVIEW_H

#include "core/json.h"
#include "model/fields.h"

/* The sections of R3's report template. */
#define REPORT_SECTION_LIST(X)                                                                     \
	X(SECTION_SUMMARY, "summary") X(SECTION_TIMELINE, "timeline")                              \
	X(SECTION_CAUSE, "root-cause") X(SECTION_IMPACT, "impact")                                 \
	X(SECTION_LESSONS, "lessons") X(SECTION_PREVENTION, "prevention")
enum report_section { REPORT_SECTION_LIST(RD_ENUM_ID) SECTION_MAX };
extern const struct enum_names report_section_names;
int report_section_find(const char *word);	/* also "root cause"; -1 */
const char *report_section_title(enum report_section s);	/* unless the policy has another */

enum { REPORT_TEXT_MAX = 200000 /* bytes of one section */ };

/* A section (of the report as JSON) as a draft to be edited: what is asked, what stands, what
 * was set aside. Lines that begin with "%%" are for who reads it, and are taken out again. */
void review_draft(const struct json *section, struct str *out);
/* One more text of the same section behind it. */
void review_draft_beside(struct str *out, int64_t version, const char *by, const char *text);
void review_draft_text(const char *draft, struct str *out);

struct review_event {
	char *id;
	int status, severity, trigger;	/* enum event_status, severity, trigger */
	char *from, *to;		/* names of the accounts */
	char *reason, *cause, *held_gate, *decided_by, *executed_by;
	char *held;			/* why it was held last; NULL = it never was */
	int64_t rule, opened_at_ms, decided_at_ms, completed_at_ms, ended_at_ms;
	int64_t agents_total, agents_moved, agents_failed;
};
struct review_run { char *id, *runbook, *title, *status, *by; int64_t started_at_ms, ended_at_ms; };
/* The worst of an account in one slice of time. */
struct review_health { char *account, *status; int64_t at_ms, failing, agents; double rate; };
/* Calls and messages of one slice: all that ended, and those that failed. */
struct review_slice { int64_t at_ms, calls, calls_failed, messages, messages_failed; };
struct review_org { char *org; int64_t agents, calls_failed, messages_failed; };
/* One kind of traffic in the window and in a usual one of the same hours. */
struct review_traffic {
	char *kind;			/* "calls", "messages" */
	bool known;			/* false: why says what is missing */
	int64_t total, failed;
	int64_t usual_total, usual_failed; /* TRAFFIC_UNKNOWN: nothing to compare with */
	int64_t beyond_usual;		/* failures more than usual */
	int64_t never_came;		/* fewer than usual in all */
	int64_t days; /* days that the usual figure is the median of; 0 = of hours before */
	char *how;			/* a sentence: computed from what; or why it is unknown */
};
enum { TRAFFIC_UNKNOWN = -1 };
struct review_sign { char *state, *by, *text; int64_t at_ms; };
/* A section as a person wrote it; aside: it lost against another text and waits to be merged. */
struct review_text { char *section, *text, *by; int64_t version, at_ms; bool aside; };
/* How long an incident was of a severity, all times together. */
struct severity_span { char *incident, *severity; int64_t ms; };
/* A dated practice of the policy. */
struct practice {
	char *id, *title, *state;	/* "ok", "due", "overdue" */
	int64_t every_ms, due_at_ms, done_at_ms;
	int64_t planned_at_ms;		/* the policy's date, where people moved it; else 0 */
	char *moved_by, *moved_reason;
	char *done_by, *note;
};
extern const struct record_type review_event_type, review_run_type, review_health_type,
	review_slice_type, review_org_type, review_traffic_type, review_sign_type,
	review_text_type, severity_span_type, practice_type;

#endif
