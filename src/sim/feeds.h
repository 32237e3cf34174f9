/* What the status pages and the AWS feed say. */
#ifndef RD_SIM_FEEDS_H
#define RD_SIM_FEEDS_H

#include "sim/request.h"

void sim_feeds_clear(struct sim *s);
int sim_feed_set(struct sim *s, const struct json *spec, struct err *err);

#endif
