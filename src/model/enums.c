/* The texts of the closed lists; see enums.h. */
#include "model/enums.h"

#include <string.h>

#include "core/mem.h"

ENUM_NAMES(event_status_names, "event status", EVENT_STATUS_LIST);
ENUM_NAMES(severity_names, "severity", SEVERITY_LIST);
ENUM_NAMES(health_names, "health", HEALTH_LIST);
ENUM_NAMES(probe_kind_names, "probe kind", PROBE_KIND_LIST);
ENUM_NAMES(outcome_names, "outcome", OUTCOME_LIST);
ENUM_NAMES(trigger_names, "trigger type", TRIGGER_LIST);
ENUM_NAMES(gate_names, "gate", GATE_LIST);
ENUM_NAMES(step_names, "step", STEP_LIST);
ENUM_NAMES(step_state_names, "step state", STEP_STATE_LIST);
ENUM_NAMES(item_state_names, "item state", ITEM_STATE_LIST);
ENUM_NAMES(account_role_names, "account role", ACCOUNT_ROLE_LIST);
ENUM_NAMES(alert_state_names, "alert state", ALERT_STATE_LIST);
ENUM_NAMES(person_role_names, "role", PERSON_ROLE_LIST);
ENUM_NAMES(integration_names, "integration", INTEGRATION_LIST);
ENUM_NAMES(number_status_names, "number status", NUMBER_STATUS_LIST);

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
