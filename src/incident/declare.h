/*
 * Incidents that nobody had to declare: firing alerts and failover events against the table
 * `declare` of the policy. What already belongs to an incident, open or over, declares nothing
 * again; an open incident of the same service takes it in; of several rows the higher severity
 * counts, and an incident rises with what happened since a person last said how grave it is.
 */
#ifndef RD_INCIDENT_DECLARE_H
#define RD_INCIDENT_DECLARE_H

#include "incident/incidents.h"

/* Something that happened and may declare. */
struct occasion {
	bool event;			/* else an alert */
	char *ref, *name, *subject, *text;	/* name: severity of the event, or of the alert */
	char *level, *priority;		/* of an alert: warn, bad; severity that it is rated as */
	char *incident, *incident_severity;	/* open: it is in there, and may raise it */
	bool confirmed;
	double share;			/* of the account's agents, 0..100 */
	int64_t since_ms;
	size_t rank; /* of the severity that it would declare; 0 is the highest */
};
/* The row that fits with the highest severity; NULL = none. Pure. */
const struct policy_declare *declare_row(const struct policy *p, const struct occasion *o,
					 int64_t now_ms, double speed);
/* What it would declare: the row's severity, else the alert's own. */
const char *declare_severity(const struct policy_declare *d, const struct occasion *o);
/* Is severity a higher than b? By their order in the policy; an unknown one is the lowest. */
bool severity_higher(const struct policy *p, const char *a, const char *b);

/* In the leader's task. *ret: incidents declared or raised. */
int declare_look(struct incidents *h, int64_t epoch, size_t *ret, struct err *err);

#endif
