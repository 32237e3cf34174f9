/* Handlers of api.twilio.com that live outside twilio.c. */
#ifndef RD_SIM_TWILIO_H
#define RD_SIM_TWILIO_H

#include "sim/request.h"

void sim_numbers_list(struct sim_request *q);
void sim_numbers_fetch(struct sim_request *q);
void sim_numbers_update(struct sim_request *q);
void sim_numbers_buy(struct sim_request *q);
void sim_numbers_release(struct sim_request *q);
void sim_available_list(struct sim_request *q);

void sim_calls_list(struct sim_request *q);
void sim_calls_create(struct sim_request *q);
void sim_calls_fetch(struct sim_request *q);
void sim_calls_update(struct sim_request *q);
void sim_call_notifications(struct sim_request *q);
void sim_notifications_list(struct sim_request *q);

void sim_messages_list(struct sim_request *q);
void sim_messages_create(struct sim_request *q);
void sim_messages_fetch(struct sim_request *q);

/* Monitor: records "who did it" for a resource. */
void sim_event_add(struct sim_request *q, struct sim_account *a, const char *type,
		   const char *resource, const char *actor_type, const char *source);

#endif
