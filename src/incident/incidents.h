/*
 * The host of incidents in an engine. Any engine takes what people order; the lease holder
 * alone lets clocks fall due. What a clock says goes into the outbox in the transaction that
 * moves its row, under the lease's epoch, so a killed engine neither repeats nor loses a
 * rung. It also links what belongs to an open incident by itself.
 */
#ifndef RD_INCIDENT_INCIDENTS_H
#define RD_INCIDENT_INCIDENTS_H

#include "core/loop.h"
#include "model/incident.h"
#include "notify/notify.h"
#include "policy/policy.h"
#include "store/incidents.h"

struct incidents;
struct incidents_deps {
	struct loop *loop;
	struct store *store;
	const struct notify_settings *notify;
	struct providers *providers;		/* whose status pages are quoted; NULL = none */
	double speed;				/* every duration of the policy is divided by it */
	const struct policy *(*policy)(void *ctx); /* valid until the next wait; NULL = none */
	int64_t (*epoch)(void *ctx);		/* the leader's, 0 on a follower */
	void (*changed)(void *ctx);		/* the journal moved */
	void *ctx;
};
struct incidents *incidents_new(const struct incidents_deps *d);
void incidents_start(struct incidents *h);
void incidents_wake(struct incidents *h);	/* NULL ok */
void incidents_stop(struct incidents *h);	/* NULL ok */
bool incidents_idle(const struct incidents *h);	/* NULL is idle */
void incidents_free(struct incidents *h);	/* NULL ok */
const struct policy *incidents_policy(const struct incidents *h);

/* What a person or the policy declares; the functions below run in tasks. */
struct incident_declare {
	const char *title, *severity, *service, *impact;
	enum incident_kind kind;
	int64_t started_at_ms, detected_at_ms, resolved_at_ms;	/* 0 = not said */
	bool derived;			/* the title follows what is linked */
	bool force;			/* also when one that is open may be the same */
	const char *dedup_key;		/* of a rule; NULL = one for each service */
	const char *reason;		/* why it is declared; NULL = not said */
};
/* ERR_EXISTS with err->field = id of the open one that may be the same. */
int incidents_declare(struct incidents *h, const struct who *who,
		      const struct incident_declare *d, char **ret_id, struct err *err);
int incidents_severity(struct incidents *h, const struct who *who, const char *id,
		       const char *severity, const char *reason, struct err *err);
/* As incident_set_state; those who were told hear that it is acknowledged or over. */
int incidents_state(struct incidents *h, const struct who *who, const char *id, int64_t version,
		    enum incident_state to, int64_t at_ms, const char *reason, struct err *err);
/* For tasks of the leader: fires what is due and links what belongs; *ret_next_ms = wall time of
 * the next clock, 0 = none. */
int incidents_look(struct incidents *h, int64_t *ret_next_ms, struct err *err);

#endif
