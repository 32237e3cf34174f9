/* Field table of alerts; see alert.h. */
#include "model/alert.h"

static const struct field alert_fields[] = {
	FIELD(alert, id, "id", "ALERT", F_STR),
	FIELD(alert, name, "name", "NAME", F_STR, .flags = FF_FILTER),
	FIELD(alert, subject, "subject", "ON", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(alert, severity, "severity", "LEVEL", F_STR, .flags = FF_FILTER),
	FIELD(alert, state, "state", "STATE", F_ENUM, .names = &alert_state_names),
	FIELD(alert, since_ms, "since", "SINCE", F_TIME, .flags = FF_SORT),
	FIELD(alert, resolved_at_ms, "resolvedAt", "RESOLVED", F_TIME),
	FIELD(alert, acked_by, "ackedBy", "ACK", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert, acked_at_ms, "ackedAt", "ACKED", F_TIME, .flags = FF_DETAIL),
	FIELD(alert, ack_until_ms, "ackUntil", "ACK ENDS", F_TIME, .flags = FF_DETAIL),
	FIELD(alert, told_at_ms, "toldAt", "TOLD", F_TIME, .flags = FF_DETAIL),
	FIELD(alert, told_n, "told", "TIMES", F_I64, .flags = FF_DETAIL,
	      .help = "how often people were told"),
	FIELD(alert, told_to, "toldTo", "BY", F_STR, .flags = FF_DETAIL),
	FIELD(alert, page, "page", "PAGE", F_STR, .flags = FF_OUTSIDE | FF_DETAIL),
	FIELD(alert, next_tell_ms, "nextTellAt", "NEXT SEND", F_TIME,
	      .help = "told again then, unless somebody acknowledges it"),
	FIELD(alert, text, "text", "WHAT", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert, priority, "priority", "P", F_STR, .flags = FF_FILTER,
	      .help = "what an incident of it would be: P0 to P3"),
	FIELD(alert, source, "source", "FROM", F_STR, .flags = FF_FILTER | FF_OUTSIDE | FF_DETAIL,
	      .help = "ringdown, policy, or who sent it"),
	FIELD(alert, grouping, "group", "GROUP", F_STR, .flags = FF_OUTSIDE | FF_DETAIL,
	      .help = "alerts of one group are told in one message"),
	FIELD(alert, count, "count", "N", F_I64, .flags = FF_DETAIL,
	      .help = "how many received alerts stand behind it"),
	FIELD(alert, value, "value", "VALUE", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert, runbook, "runbook", "RUNBOOK", F_STR, .flags = FF_OUTSIDE | FF_DETAIL),
	FIELD(alert, inhibited_by, "inhibitedBy", "BECAUSE OF", F_STR,
	      .flags = FF_OUTSIDE | FF_DETAIL, .help = "the alert that explains it; not told then"),
	FIELD(alert, silenced_by, "silencedBy", "SILENCED BY", F_STR,
	      .flags = FF_OUTSIDE | FF_DETAIL),
	FIELD(alert, silenced_reason, "silencedReason", "WHY", F_STR,
	      .flags = FF_OUTSIDE | FF_DETAIL),
	FIELD(alert, silenced_until_ms, "silencedUntil", "SILENCED", F_TIME),
	FIELD(alert, labels, "labels", "LABELS", F_JSON, .flags = FF_OUTSIDE | FF_DETAIL),
};
RECORD_TYPE(alert_type, "alert", alert, alert_fields);

bool alert_loud(const struct alert *a, int64_t now_ms)
{
	return a->state == AL_FIRING && !a->acked_by && !a->inhibited_by &&
	       a->silenced_until_ms <= now_ms;
}
