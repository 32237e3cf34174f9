/*
 * Idempotency-Key: a repeated write gets the first answer, not a second effect. The key
 * is claimed in the database before the handler runs and holds the answer afterwards;
 * the same key with another body is refused.
 */
#ifndef RD_API_IDEMPOTENCY_H
#define RD_API_IDEMPOTENCY_H

#include "api/api.h"

struct idempotency {
	bool claimed;
	char key[128];
};
/* 0: go on. Otherwise the status to answer with, body in c->out. */
int idempotency_begin(struct idempotency *i, struct call *c);
void idempotency_end(struct idempotency *i, struct call *c, int status);

#endif
