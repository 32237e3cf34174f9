/* Shared by the two halves of the simulated ElevenLabs. */
#ifndef RD_SIM_ELEVENLABS_H
#define RD_SIM_ELEVENLABS_H

#include "sim/request.h"

/* The 422 shape: an array of {loc,msg,type}. */
void sim_eleven_422(struct sim_request *q, const char *where, const char *field, const char *msg);
bool sim_eleven_need(struct sim_request *q, const char *member);	/* false: answered */
struct sim_agent *sim_eleven_agent(struct sim_request *q, const char *id); /* NULL: answered */

void sim_eleven_number_json(struct jw *w, const char *name, const struct sim_import *i);
void sim_eleven_numbers_list(struct sim_request *q);
void sim_eleven_numbers_page(struct sim_request *q);
void sim_eleven_import(struct sim_request *q);
void sim_eleven_number_get(struct sim_request *q);
void sim_eleven_number_patch(struct sim_request *q);
void sim_eleven_number_delete(struct sim_request *q);

#endif
