/*
 * The records of the simulated world. Interned text (sim_intern) is never NULL
 * where it is a plain const char *, "" means unset.
 */
#ifndef RD_SIM_MODEL_H
#define RD_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SID 35				/* two letters, 32 hex digits, NUL */

struct sim_account;
struct sim_number;
struct sim_agent;

enum sim_status { SIM_ACTIVE, SIM_SUSPENDED, SIM_CLOSED };

/* What traffic looked like from at_ms on; the newest entry rules. */
struct sim_health { int64_t at_ms; double rate; int code; };
enum { SIM_HISTORY = 12 };
struct sim_history { struct sim_health v[SIM_HISTORY]; int n; };

struct sim_key { char sid[SIM_SID]; char secret[33]; const char *name; bool standard, revoked; };

/* The fields of a number that its owner may set; table in fields.c. */
enum sim_field {
	NF_FRIENDLY, NF_VOICE_URL, NF_VOICE_METHOD, NF_VOICE_FALLBACK_URL,
	NF_VOICE_FALLBACK_METHOD, NF_SMS_URL, NF_SMS_METHOD, NF_SMS_FALLBACK_URL,
	NF_SMS_FALLBACK_METHOD, NF_STATUS_CALLBACK, NF_STATUS_CALLBACK_METHOD, NF_VOICE_APP,
	NF_SMS_APP, NF_TRUNK, NF_RECEIVE_MODE, NF_EMERGENCY_STATUS, NF_EMERGENCY_ADDRESS,
	NF_ADDRESS, NF_BUNDLE, NF_IDENTITY, NF_COUNT
};

/* What clients wrote to one number in one phase, for finding duplicate writes. */
struct sim_trace {
	int phase;
	const char *before[NF_COUNT], *reached[NF_COUNT];	/* NULL: not written */
};

struct sim_number {
	char sid[SIM_SID], e164[18], country[3];
	bool voice, sms, mms, fax, beta, gone, sms_ready;
	struct sim_account *account;
	const char *v[NF_COUNT];
	const char *type, *status, *voice_region;
	struct sim_service *service;		/* Messaging Service or NULL */
	int64_t created_ms, updated_ms;
	/* Traffic: the slot in the account's cycle, while an agent answers here. */
	int slot;
	struct sim_agent *agent;		/* who answers, NULL = nobody */
	int64_t since_ms, until_ms;
	struct sim_history *calls_health, *sms_health;
	struct sim_trace *trace;
	struct sim_import *import;		/* at ElevenLabs, or NULL */
};

struct sim_agent {
	char id[32], eleven_id[32], org_id[32];
	const char *name, *org, *integration;	/* "import" or "register_call" */
	struct sim_number *home;		/* at build time */
	bool archived, deleted, paused;
	int priority;
	int64_t created_ms;
	struct sim_import *imports;		/* assigned to it */
};

struct sim_import {
	char id[36], e164[18], account_sid[SIM_SID], token[33];
	const char *label;
	struct sim_number *number;
	struct sim_agent *agent;
	bool sms, deleted;
	struct sim_import *next_same;		/* older import of the same E.164 */
	struct sim_import *next_of_agent;
	size_t pos;
	int phase;				/* assignment written in this phase ... */
	struct sim_agent *before, *reached;	/* ... from, to */
};

struct sim_service {				/* Messaging Service with its campaign */
	char sid[SIM_SID], campaign_sid[SIM_SID];
	const char *name, *campaign_status;
	bool registered, use_number_webhook;
	struct sim_account *account;
	struct sim_number **numbers; size_t n, cap;
	int64_t created_ms;
};

struct sim_record {				/* a stored call or message */
	char sid[SIM_SID];
	const char *from, *to, *body, *service_sid, *callback, *direction;
	int64_t created_ms;
	int code;
	bool canceled;
};
struct sim_room { char sid[SIM_SID]; const char *name, *status; int64_t created_ms, ended_ms; };
struct sim_note {				/* a Monitor event or stored alert */
	char sid[SIM_SID], resource[SIM_SID];
	const char *type, *actor_type, *actor, *source, *data, *text;
	int code;
	int64_t at_ms;
};

struct sim_account {
	char sid[SIM_SID], test_sid[SIM_SID], token[33], second_token[33], test_token[33];
	const char *name, *friendly, *role, *type, *region, *edge, *currency;
	struct sim_account *parent;		/* NULL: is its own owner */
	enum sim_status status;
	bool token_rejected, keys_rejected, suspended_by_twilio;
	bool source;				/* agents fail away from it: not to be written to */
	const char *inactive_answer;		/* switch, see twilio.c */
	struct sim_key keys[8]; int n_keys;
	double balance;
	int lineage, priority;			/* lineage served; -1 = any */
	int max_concurrent, in_flight;
	uint64_t requests, effective_writes, webhook_writes;
	struct sim_number **numbers; size_t n_numbers, cap_numbers;
	struct sim_number **slots; size_t n_slots, cap_slots;
	struct sim_service **services; size_t n_services, cap_services;
	struct sim_record *calls, *messages; size_t n_calls, cap_calls, n_messages, cap_messages;
	struct sim_room *rooms; size_t n_rooms, cap_rooms;
	struct sim_note *events, *alerts; size_t n_events, cap_events, n_alerts, cap_alerts;
	struct sim_history calls_health, sms_health;
	int index;
	int64_t created_ms, updated_ms;
};

#endif
