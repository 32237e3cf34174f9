/* An alert: a condition that people should know of, from this engine, the policy's table of
 * metrics, or received from outside. It moves nothing by itself. */
#ifndef RD_MODEL_ALERT_H
#define RD_MODEL_ALERT_H

#include "model/fields.h"

struct alert {
	char *id, *name, *subject, *text;
	char *severity;			/* info, warn, bad */
	int state;			/* enum alert_state */
	int64_t since_ms, resolved_at_ms;
	char *acked_by;
	int64_t acked_at_ms, ack_until_ms;	/* it runs out then; 0 = never */
	/* People were told: when last, how often; when they are told next unless somebody
	 * acknowledges it, 0 = not again. */
	int64_t told_at_ms, told_n, next_tell_ms;
	char *told_to;			/* channels: "slack, mail" */
	char *page;			/* under which a pager has it; shared, NULL = none */
	char *priority;			/* of an incident it would be: P0..P3; NULL = none named */
	char *source;			/* ringdown, policy, or who sent it */
	char *grouping;			/* alerts of one group are told in one message */
	int64_t count;			/* received from outside: how many stand behind it */
	char *value;			/* the figure with its unit, NULL = none */
	char *runbook;
	char *inhibited_by;		/* the alert that explains this one; it is not told then */
	char *silenced_by, *silenced_reason;
	int64_t silenced_until_ms;	/* later than now: not told */
	char *labels;			/* JSON object */
};
extern const struct record_type alert_type;

/* Is people's attention wanted: firing, and neither silenced, inhibited nor acknowledged? */
bool alert_loud(const struct alert *a, int64_t now_ms);

#endif
