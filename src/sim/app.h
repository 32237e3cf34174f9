/* State of the simulated telephony application. */
#ifndef RD_SIM_APP_H
#define RD_SIM_APP_H

#include "sim/request.h"

void sim_app_clear(struct sim_app *a);
void sim_app_write(struct sim *s, struct jw *w);	/* member "app" of the state */
/* Longest time during which any lock was in force, up to now. */
int64_t sim_app_longest_lock_ms(const struct sim_app *a, int64_t now_ms);
/* X-Twilio-Signature over url and POST parameters. ret holds 29 characters. */
void sim_twilio_sign(const char *token, const char *url, const struct sim_params *p,
		     char ret[32]);

#endif
