/*
 * The closed lists of words, each written once: the enum and its text in JSON,
 * database and command line (contract.md §4) come from one macro.
 */
#ifndef RD_MODEL_ENUMS_H
#define RD_MODEL_ENUMS_H

#include <stddef.h>

struct enum_names {
	const char *what;		/* "event status", for errors */
	const char *const *names;	/* index = value */
	size_t n;
};
const char *enum_name(const struct enum_names *e, int value);	/* "?" when out of range */
int enum_parse(const struct enum_names *e, const char *text);	/* -1 = unknown */

#define RD_ENUM_ID(id, text) id,
#define RD_ENUM_TEXT(id, text) text,
/* Defines the names of a list: ENUM_NAMES(run_status_names, "run status", RUN_STATUS_LIST); */
#define ENUM_NAMES(var, what_, list)                                                               \
	static const char *const var##_text[] = { list(RD_ENUM_TEXT) };                            \
	const struct enum_names var = { what_, var##_text,                                         \
					sizeof(var##_text) / sizeof(var##_text[0]) }

/* failover.md §3 */
#define EVENT_STATUS_LIST(X)                                                                       \
	X(EV_HELD, "held") X(EV_PENDING, "pending") X(EV_APPROVED, "approved")                     \
	X(EV_EXECUTING, "executing") X(EV_COMPLETED, "completed") X(EV_FAILED, "failed")           \
	X(EV_ROLLING_BACK, "rolling_back") X(EV_CANCELLED, "cancelled")                            \
	X(EV_REJECTED, "rejected") X(EV_ROLLED_BACK, "rolled_back") X(EV_ACCEPTED, "accepted")     \
	X(EV_SUPERSEDED, "superseded")
enum event_status { EVENT_STATUS_LIST(RD_ENUM_ID) EV_STATUS_MAX };

/* "unconfirmed" is SEV_CRITICAL with confirmed = false; order by severity_rank() */
#define SEVERITY_LIST(X)                                                                           \
	X(SEV_NONE, "none") X(SEV_MINOR, "minor") X(SEV_DEGRADED, "degraded")                      \
	X(SEV_CRITICAL, "critical")
enum severity { SEVERITY_LIST(RD_ENUM_ID) SEV_MAX };
/* none 0 < minor 1 < unconfirmed 2 < degraded 3 < critical 4 */
int severity_rank(enum severity s, int confirmed);

#define HEALTH_LIST(X)                                                                             \
	X(HEALTH_UNKNOWN, "unknown") X(HEALTH_HEALTHY, "healthy") X(HEALTH_MINOR, "minor")         \
	X(HEALTH_DEGRADED, "degraded") X(HEALTH_CRITICAL, "critical")
enum health { HEALTH_LIST(RD_ENUM_ID) HEALTH_MAX };

#define PROBE_KIND_LIST(X)                                                                         \
	X(PROBE_ACCOUNT, "account") X(PROBE_CREDENTIAL, "credential") X(PROBE_NUMBERS, "numbers")  \
	X(PROBE_API, "api") X(PROBE_TRAFFIC, "traffic") X(PROBE_AGENT, "agent")                    \
	X(PROBE_WEBHOOK, "webhook") X(PROBE_FEED, "feed") X(PROBE_VIDEO, "video")
enum probe_kind { PROBE_KIND_LIST(RD_ENUM_ID) PROBE_MAX };

#define OUTCOME_LIST(X) X(OUT_UNKNOWN, "unknown") X(OUT_OK, "ok") X(OUT_BAD, "bad")
enum outcome { OUTCOME_LIST(RD_ENUM_ID) OUT_MAX };

#define TRIGGER_LIST(X)                                                                            \
	X(TRIG_AUTOMATIC, "AUTOMATIC") X(TRIG_MANUAL, "MANUAL") X(TRIG_DRILL, "DRILL")
enum trigger { TRIGGER_LIST(RD_ENUM_ID) TRIG_MAX };

#define GATE_LIST(X)                                                                               \
	X(GATE_LEASE, "lease") X(GATE_DATABASE, "database") X(GATE_ATTEMPT, "attempt")             \
	X(GATE_ENVIRONMENT, "environment") X(GATE_PAUSED, "paused") X(GATE_HOUR, "hour")           \
	X(GATE_EVIDENCE, "evidence") X(GATE_ISOLATION, "isolation")                                \
	X(GATE_TARGET_HEALTHY, "target-healthy") X(GATE_TARGET_INDEPENDENT, "target-independent")  \
	X(GATE_TARGET_FIT, "target-fit") X(GATE_NUMBERS, "numbers") X(GATE_ROUTING, "routing")     \
	X(GATE_AGENTS, "agents") X(GATE_WEBHOOK, "webhook")
enum gate { GATE_LIST(RD_ENUM_ID) GATE_MAX };

/* value = n of failover.md §5 */
#define STEP_LIST(X)                                                                               \
	X(STEP_NONE, "") X(STEP_LOCK, "lock") X(STEP_SWITCH, "switch-account")                     \
	X(STEP_ASSIGN, "assign-numbers") X(STEP_DATABASE, "update-database")                       \
	X(STEP_ELEVENLABS, "elevenlabs") X(STEP_WEBHOOKS, "webhooks") X(STEP_TEST, "test-agent")   \
	X(STEP_UNLOCK, "unlock") X(STEP_NOTIFY, "notify")
enum step_id { STEP_LIST(RD_ENUM_ID) STEP_MAX };

#define STEP_STATE_LIST(X)                                                                         \
	X(SS_WAITING, "waiting") X(SS_RUNNING, "running") X(SS_DONE, "done")                       \
	X(SS_FAILED, "failed") X(SS_SKIPPED, "skipped") X(SS_UNDONE, "undone")
enum step_state { STEP_STATE_LIST(RD_ENUM_ID) SS_MAX };

/* one agent's move inside an event */
#define ITEM_STATE_LIST(X)                                                                         \
	X(IT_WAITING, "waiting") X(IT_MOVING, "moving") X(IT_MOVED, "moved")                       \
	X(IT_FAILED, "failed") X(IT_UNDONE, "undone") X(IT_CONFLICT, "conflict")                   \
	X(IT_STAYS, "stays")
enum item_state { ITEM_STATE_LIST(RD_ENUM_ID) IT_MAX };

#define ACCOUNT_ROLE_LIST(X) X(ROLE_CARRYING, "carrying") X(ROLE_STANDBY, "standby")
enum account_role { ACCOUNT_ROLE_LIST(RD_ENUM_ID) ROLE_MAX };

#define ALERT_STATE_LIST(X)                                                                        \
	X(AL_PENDING, "pending") X(AL_FIRING, "firing") X(AL_RESOLVED, "resolved")
enum alert_state { ALERT_STATE_LIST(RD_ENUM_ID) AL_MAX };

#define PERSON_ROLE_LIST(X)                                                                        \
	X(PR_NONE, "none") X(PR_VIEWER, "viewer") X(PR_OPERATOR, "operator") X(PR_ADMIN, "admin")
enum person_role { PERSON_ROLE_LIST(RD_ENUM_ID) PR_MAX };

#define INTEGRATION_LIST(X) X(INT_IMPORT, "import") X(INT_REGISTER_CALL, "register_call")
enum integration { INTEGRATION_LIST(RD_ENUM_ID) INTEGRATION_MAX };

#define NUMBER_STATUS_LIST(X)                                                                      \
	X(NUM_AVAILABLE, "available") X(NUM_RESERVED, "reserved") X(NUM_ASSIGNED, "assigned")      \
	X(NUM_UNAVAILABLE, "unavailable")
enum number_status { NUMBER_STATUS_LIST(RD_ENUM_ID) NUM_MAX };

extern const struct enum_names event_status_names, severity_names, health_names,
	probe_kind_names, outcome_names, trigger_names, gate_names, step_names, step_state_names,
	item_state_names, account_role_names, alert_state_names, person_role_names,
	integration_names, number_status_names;

#define event_status_name(v) enum_name(&event_status_names, (int)(v))
#define severity_name(v) enum_name(&severity_names, (int)(v))
#define health_name(v) enum_name(&health_names, (int)(v))
#define probe_kind_name(v) enum_name(&probe_kind_names, (int)(v))
#define outcome_name(v) enum_name(&outcome_names, (int)(v))
#define gate_name(v) enum_name(&gate_names, (int)(v))
#define step_name(v) enum_name(&step_names, (int)(v))
#define step_state_name(v) enum_name(&step_state_names, (int)(v))

/* Open = needs attention or is under way (failover.md §3). */
int event_status_open(enum event_status s);
/* An attempt under way: approved, executing, rolling_back. */
int event_status_attempting(enum event_status s);
/* Nothing leaves it, neither by itself nor by a person. */
int event_status_final(enum event_status s);

#endif
