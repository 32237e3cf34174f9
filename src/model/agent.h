/* A voice agent and the number pool, as lists show them. */
#ifndef RD_MODEL_AGENT_H
#define RD_MODEL_AGENT_H

#include "model/fields.h"

struct agent {
	char *id, *org_id, *name;
	char *status;			/* of the application: ACTIVE is watched */
	char *eleven_id;		/* agent at ElevenLabs */
	char *phone_number;		/* its own number (at home) */
	char *home_account;		/* lineage: the primary's id */
	char *account;			/* where it runs now ("twilioAccountId") */
	char *backup_number;		/* in use while account is not home */
	int integration;		/* enum integration */
	int outcome;			/* enum outcome of the last judgement */
	char *reason;
	int64_t since_ms;
	bool sms_held;
	int64_t calls_per_day;		/* for the order of moving and the plan's warnings */
};
extern const struct record_type agent_type;
/* The number callers reach it by now. */
static inline const char *agent_number_in_use(const struct agent *a)
{
	return a->backup_number && !str_eq(a->account, a->home_account) ? a->backup_number :
									   a->phone_number;
}

struct number {
	char *id, *account, *phone_number, *sid, *country, *area_code;
	int status;			/* enum number_status */
	char *agent;			/* assigned or reserved for */
	bool voice_ready, sms_ready;
	char *problem;			/* why not ready: trunk set, wrong region ... */
	int64_t assigned_at_ms;
};
extern const struct record_type number_type;

#endif
