/* What runbooks need of the siblings and the outside; the engine fills it in, tests script it.
 * All wait in a task and return 0 or negative with err. */
#ifndef RD_RUNBOOK_PORTS_H
#define RD_RUNBOOK_PORTS_H

#include "core/http.h"
#include "policy/policy.h"
#include "runbook/value.h"

struct run_say {
	/* "slack:#incidents", "pager", "mail:a@b", "status-page", "role:on-call", an audience */
	char *const *to; size_t n_to;
	const struct policy_message *message;
	const char *subject, *text;
	const char *run, *incident;	/* incident may be NULL */
	const char *severity, *status;	/* as a status page has it; may be NULL */
	const char *by, *dedup;
};

struct store;
struct run_ports {
	void *ctx;
	/* Failover and control of this engine, by the paths of its API (ringdown:// in http
	 * steps, e.g. "POST ringdown:/api/admin/twilio-failover/start"): same checks and audit
	 * as an API call by this person. *ret_body is JSON. */
	int (*engine_call)(void *ctx, const char *method, const char *path, const char *body,
			   const char *by, int role, int *ret_status, struct str *ret_body,
			   struct err *err);
	/* Puts a message into the outbox, for each of its addressees by the channel that is
	 * meant; ERR_UNREACHABLE: nobody of them can be reached. ret_missing: who is not told,
	 * and why. */
	int (*say)(void *ctx, const struct run_say *m, struct str *ret_missing, struct err *err);
	/* What a message may say of an incident beside the run's own values: add() for each
	 * field. to: as run_say has it. ERR_NOT_FOUND: it is not kept here. */
	int (*facts)(void *ctx, const char *incident, const char *message, char *const *to,
		     size_t n_to, void (*add)(void *arg, const char *name, const char *value),
		     void *arg, struct err *err);
	/* The metric's value now (or over the span), the worst of several series; none at all:
	 * ERR_NOT_FOUND. deadline_ms 0: the metric's own. */
	int (*metric_read)(void *ctx, const struct policy_metric *m, int64_t over_ms,
			   int64_t deadline_ms, double *ret, struct err *err);
	/* Holds on everybody's screen until released. */
	int (*hold)(void *ctx, const char *run, const char *name, const char *text,
		    const char *by, bool on, struct err *err);
};

#endif
