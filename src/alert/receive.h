/*
 * Alerts from outside, in the form in which Alertmanager sends them (webhook, version 4). Read
 * and grouped purely: what has the same name and group becomes one alert with a count, so that
 * ten thousand are a line and not a flood. What is left out is counted with its reason.
 *
 * The sender's clock is not believed where it cannot be right: a beginning in the future is
 * now, and the doubt is kept beside it.
 */
#ifndef RD_ALERT_RECEIVE_H
#define RD_ALERT_RECEIVE_H

#include "core/json.h"
#include "policy/policy.h"

enum {
	RECEIVE_GROUPS = 200, RECEIVE_MEMBERS = 10000 /* kept of one group */,
	RECEIVE_ALERTS = 20000, RECEIVE_PART = 2000 /* of one statement */, RECEIVE_LABELS = 64,
	RECEIVE_SKEW_MS = 5 * 60000,
	RECEIVE_OPEN = 500,	/* so many alerts from outside are open; more are one */
};

/* Before the name of an alert from outside that has the name of one of ours. */
#define RECEIVE_OUTSIDE "outside."

struct received_group {
	char *name, *subject, *grouping, *text, *labels, *runbook;
	const char *severity;		/* info, warn, bad: the worst of those that fire */
	const char *priority;		/* of the policy, or NULL */
	int64_t since_ms;		/* the earliest that fires */
	size_t firing, resolved, left_out;	/* left_out: more than are kept */
	size_t left_firing;			/* of those */
	int64_t cut;				/* not sent at all: truncatedAlerts */
	bool cut_firing;			/* some of those may fire */
	struct str *parts; size_t n_parts;	/* JSON arrays for alert_members_put */
	size_t n_members;
};
struct received {
	char *receiver;
	struct received_group *v; size_t n;
	size_t alerts, refused, skewed;
	char why[200];			/* of the first that was refused */
	char skew[160];			/* of the first whose clock cannot be right */
	int64_t truncated;		/* alerts that the sender left out */
	char said[200];			/* what is odd about it as a whole; "" = nothing */
};
/* 0, or ERR_INVALID: not such a document, or none of its alerts could be used. */
int receive_parse(const char *body, size_t len, const struct policy *p, int64_t now_ms,
		  struct received *ret, struct err *err);
void received_fini(struct received *r);

struct store;
struct who;
/* kept, dropped: alerts of the delivery; late: those that were older than what is known of them
 * and changed nothing; delivery: its number in the list. */
struct receive_result { size_t kept, late, dropped; int64_t delivery; };
/* In a task: keeps it all in one transaction. */
int receive_keep(struct store *s, const struct who *who, const struct received *r,
		 struct receive_result *ret, struct err *err);

/* A delivery that was refused as a whole is listed with the reason, too. */
void receive_refused(struct store *s, const struct who *who, const char *why);

#endif
