/*
 * The live check of an account's credentials before they are stored, or when a person asks:
 * what they are, and what they cannot do. Reads only.
 */
#ifndef RD_FAILOVER_VERIFY_H
#define RD_FAILOVER_VERIFY_H

#include "core/json.h"
#include "core/str.h"
#include "failover/failover.h"
#include "providers/telephony.h"

struct verified {
	bool usable;			/* may be stored */
	enum account_status status;
	bool trial, status_hidden;
	char name[80];
	size_t numbers;
	char why_not[300];		/* when not usable: one sentence */
	struct str cannot;		/* JSON array of sentences: limits, not refusals */
};
/* For tasks. ERR_UNREACHABLE when the provider did not answer: nothing is known then. */
int account_verify(struct failover_deps *d, const struct credentials *c, struct verified *ret,
		   struct err *err);
void verified_fini(struct verified *v);
void verified_json(struct jw *w, const char *name, const struct verified *v);

#endif
