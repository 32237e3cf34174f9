/* What runs of runbooks use of this engine: its API, messages, pinned holds, figures. */
#ifndef RD_ENGINE_PORTS_H
#define RD_ENGINE_PORTS_H

#include "engine/engine.h"

struct runs;

/* The host of runs, joined to the engine; NULL: no directory of runbooks was found. */
struct runs *ports_runs_new(struct engine *e);
/* What this engine sees now, as values for parameters that are still to be given. */
struct run_doc;
void ports_offer(const struct engine *e, struct run_doc *d);

#endif
