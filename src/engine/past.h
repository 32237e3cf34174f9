/*
 * The past: the state as the journal tells it at any row, by the same reducer as the live
 * one, from the nearest checkpoint on. And the leader's task that writes checkpoints.
 */
#ifndef RD_ENGINE_PAST_H
#define RD_ENGINE_PAST_H

#include "core/loop.h"
#include "fold/state.h"

struct store;

/* For a task. ret is the caller's to state_fini, also after an error. *ret_folded: how many
 * rows it took. ERR_NOT_FOUND: it is not kept any more. */
int past_state(struct store *s, int64_t seq, struct state *ret, int64_t *ret_folded,
	       struct err *err);

struct past;
/* leads: whether this engine is to write checkpoints now. */
struct past *past_new(struct loop *l, struct store *s, bool (*leads)(void *ctx), void *ctx);
void past_stop(struct past *p);
bool past_idle(const struct past *p);
void past_free(struct past *p);		/* after it is idle; NULL ok */
/* One turn: writes what is due; for tests. *ret: how many. */
int past_checkpoints(struct store *s, size_t *ret, struct err *err);

#endif
