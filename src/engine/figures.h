/* Figures that the engine has itself, under the names that policy.yaml and runbooks use. */
#ifndef RD_ENGINE_FIGURES_H
#define RD_ENGINE_FIGURES_H

#include "engine/engine.h"
#include "metric/source.h"

/* ctx: struct engine. As struct metric_deps wants it. */
int engine_figure(void *ctx, const char *name, struct metric_points *ret, struct err *err);
/* What reads the policy's metrics here: its statements go where runbooks' reads go. */
struct metrics *engine_metrics_new(struct engine *e);

#endif
