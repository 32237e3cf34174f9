/* One cycle of an engine that was started for it; see the .c. */
#ifndef RD_CLI_ENGINE_ONCE_H
#define RD_CLI_ENGINE_ONCE_H

struct cli;
struct engine;

/* In a task, on an engine that serves; the exit status. The caller stops the engine. */
int engine_once(struct cli *c, struct engine *e);

#endif
