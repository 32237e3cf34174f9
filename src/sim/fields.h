/* The settable fields of a number: one table for API, control, state and checks. */
#ifndef RD_SIM_FIELDS_H
#define RD_SIM_FIELDS_H

#include "sim/request.h"

enum sim_field_kind { FK_TEXT, FK_URL, FK_METHOD, FK_SID, FK_RECEIVE, FK_EMERGENCY };
struct sim_field_def {
	const char *param;		/* "VoiceUrl" */
	const char *json;		/* "voice_url" */
	const char *camel;		/* "voiceUrl", in the control interface */
	enum sim_field_kind kind;
	const char *sid_prefix;
	bool null_when_unset;
};
extern const struct sim_field_def sim_fields[NF_COUNT];

/* Is v fit for the field? On error *ret_code is Twilio's code. */
bool sim_field_valid(int field, const char *v, int *ret_code);
/* Sets a field; the exclusive partners (trunk, application) are cleared. v is copied. */
void sim_field_set(struct sim_world *w, struct sim_number *n, int field, const char *v);
void sim_number_json(struct sim_request *q, struct jw *w, const char *name,
		     const struct sim_number *n);

#endif
