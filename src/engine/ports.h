/* What runs of runbooks use of this engine: its API, messages, pinned holds, figures. */
#ifndef RD_ENGINE_PORTS_H
#define RD_ENGINE_PORTS_H

#include "engine/engine.h"

struct runs;

/* The host of runs, joined to the engine; NULL: no directory of runbooks was found. */
struct runs *ports_runs_new(struct engine *e);

#endif
