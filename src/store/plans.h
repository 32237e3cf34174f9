/* What a plan is made of, beside store/agents.h. */
#ifndef RD_STORE_PLANS_H
#define RD_STORE_PLANS_H

#include "model/agent.h"
#include "store/store.h"

/* Voice-ready numbers of an account that are free, or reserved by this event (NULL = none),
 * ordered by number; those with a problem too. Freed by numbers_free. */
int plan_numbers(struct store *s, const char *account, const char *reserved_by,
		 struct number **ret, size_t *ret_n, struct err *err);

#endif
