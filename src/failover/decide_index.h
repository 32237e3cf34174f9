/*
 * Look-ups of the decider by id; see lineage.h for who may use it. Results are borrowed
 * until the next wait.
 */
#ifndef RD_FAILOVER_DECIDE_INDEX_H
#define RD_FAILOVER_DECIDE_INDEX_H

#include "failover/id_map.h"
#include "failover/lineage.h"

struct decide_index;
struct decide_index *decide_index_new(void);
void decide_index_free(struct decide_index *x);		/* NULL ok */
void decide_index_facts(struct decider *d);		/* right after d->facts were read */
void decide_index_moved(struct decider *d);		/* a lineage came or changed its account */

struct lineage *decider_lineage_add(struct decider *d, const char *primary);
const struct pool_count *decider_pool(const struct decider *d, const char *account);
/* Lineages with an attempt under way or failed. */
const struct lineage *const *decider_busy(const struct decider *d, size_t *ret_n);
/* Who could take over, best first; good until the next call. */
struct candidates { const struct watched **v; size_t n; };
const struct candidates *decider_candidates(const struct decider *d, const struct lineage *l);

#endif
