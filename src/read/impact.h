/*
 * Customer impact: calls that went well and SMS delivered in the last 10 minutes,
 * against the 24 hours before (what was normal). From the application's calls and
 * "MessageLog"; a table that is missing or slow leaves "unknown" (-1).
 */
#ifndef RD_READ_IMPACT_H
#define RD_READ_IMPACT_H

#include "core/pg.h"
#include "model/impact.h"

int read_impact(struct pg_conn *c, int64_t now_ms, struct impact *ret, struct err *err);

#endif
