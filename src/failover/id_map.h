/*
 * Ids to small numbers, for the loops over lineages and accounts. Keys are borrowed and
 * must outlive the map's content; the first of two equal keys wins.
 */
#ifndef RD_FAILOVER_ID_MAP_H
#define RD_FAILOVER_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct id_map { struct id_slot *slot; size_t mask, n; };
struct id_slot { const char *key; uint32_t hash, value; };

enum { ID_NONE = UINT32_MAX >> 1 };
void id_map_fini(struct id_map *m);
void id_map_clear(struct id_map *m);		/* keeps the memory */
void id_map_put(struct id_map *m, const char *key, size_t value);	/* NULL is not put */
size_t id_map_get(const struct id_map *m, const char *key);	/* ID_NONE = not there */

#endif
