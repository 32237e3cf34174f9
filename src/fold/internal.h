/* Shared by the reducer and the writer of live documents. */
#ifndef RD_FOLD_INTERNAL_H
#define RD_FOLD_INTERNAL_H

#include "fold/state.h"

extern const struct record_type state_head_type;	/* the scalars of struct state */
void put_gates(struct jw *w, const struct state *s);	/* "gates": [...] */

#endif
