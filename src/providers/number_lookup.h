/*
 * Inside providers only: ElevenLabs cannot be asked for one number, only for the
 * whole list. Tasks that look for different numbers at once share one fetch; each
 * gets a list whose fetch began after it asked.
 */
#ifndef RD_PROVIDERS_NUMBER_LOOKUP_H
#define RD_PROVIDERS_NUMBER_LOOKUP_H

#include "core/task.h"
#include "providers/agents_api.h"

struct number_lookup {
	bool running;
	uint64_t started, finished;	/* fetches, counted */
	int users;
	struct remote_number_list list;	/* of the last finished fetch, while anyone waits */
	struct call_info info;
	struct condition changed;
};
struct number_lookup *number_lookup_new(void);
void number_lookup_free(struct number_lookup *n);	/* NULL ok */

#endif
