/*
 * The live document: what is shown but not journaled (ages, gates, who is here, impact,
 * queues). The leader computes it and leaves it in the database every 2 s; the others
 * read it there, so that any engine shows the same.
 */
#ifndef RD_ENGINE_LIVE_H
#define RD_ENGINE_LIVE_H

#include "engine/engine.h"

struct live *live_new(struct engine *e);
void live_stop(struct live *l);		/* NULL ok */
void live_free(struct live *l);
bool live_database_ok(const struct live *l);
const char *live_database_why(const struct live *l);

#endif
