/* The texts of the closed lists; see enums.h. */
#include "model/enums.h"

#include <string.h>

#include "core/mem.h"

#define NAMES(name, list, title)                                                                   \
	static const char *const name##_texts[] = { list(RD_ENUM_TEXT) };                          \
	const struct enum_names name##_names = { title, name##_texts, COUNT_OF(name##_texts) }

NAMES(event_status, EVENT_STATUS_LIST, "event status");
NAMES(severity, SEVERITY_LIST, "severity");
NAMES(health, HEALTH_LIST, "health");
NAMES(probe_kind, PROBE_KIND_LIST, "probe kind");
NAMES(outcome, OUTCOME_LIST, "outcome");
NAMES(trigger, TRIGGER_LIST, "trigger type");
NAMES(gate, GATE_LIST, "gate");
NAMES(step, STEP_LIST, "step");
NAMES(step_state, STEP_STATE_LIST, "step state");
NAMES(item_state, ITEM_STATE_LIST, "item state");
NAMES(account_role, ACCOUNT_ROLE_LIST, "account role");
NAMES(alert_state, ALERT_STATE_LIST, "alert state");
NAMES(person_role, PERSON_ROLE_LIST, "role");
NAMES(integration, INTEGRATION_LIST, "integration");
NAMES(number_status, NUMBER_STATUS_LIST, "number status");

const char *enum_name(const struct enum_names *e, int value)
{
	return value >= 0 && (size_t)value < e->n ? e->names[value] : "?";
}

int enum_parse(const struct enum_names *e, const char *text)
{
	for (size_t i = 0; text && i < e->n; i++)
		if (strcmp(e->names[i], text) == 0)
			return (int)i;
	return -1;
}

int severity_rank(enum severity s, int confirmed)
{
	static const int rank[] = { [SEV_NONE] = 0, [SEV_MINOR] = 1, [SEV_DEGRADED] = 3,
				    [SEV_CRITICAL] = 4 };

	return s == SEV_CRITICAL && !confirmed ? 2 : rank[s];
}

int event_status_open(enum event_status s)
{
	return s == EV_HELD || s == EV_PENDING || s == EV_APPROVED || s == EV_EXECUTING ||
	       s == EV_FAILED || s == EV_ROLLING_BACK;
}

int event_status_attempting(enum event_status s)
{
	return s == EV_APPROVED || s == EV_EXECUTING || s == EV_ROLLING_BACK;
}

int event_status_final(enum event_status s)
{
	return s == EV_REJECTED || s == EV_ROLLED_BACK || s == EV_ACCEPTED || s == EV_SUPERSEDED;
}
