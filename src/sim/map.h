/*
 * Hash map from text to pointer, and interned text. Keys are borrowed from the
 * stored record (or the pool) and must live as long as their entry.
 */
#ifndef RD_SIM_MAP_H
#define RD_SIM_MAP_H

#include <stddef.h>
#include <stdint.h>

struct sim_map_slot { const char *key; void *value; };
struct sim_map { struct sim_map_slot *slots; size_t cap, used, live; };

uint64_t sim_hash(const char *s);
uint64_t sim_mix(uint64_t x);			/* scrambles a number (splitmix64) */
void *sim_map_get(const struct sim_map *m, const char *key);	/* NULL key ok */
void sim_map_put(struct sim_map *m, const char *key, void *value);
void sim_map_del(struct sim_map *m, const char *key);
void sim_map_fini(struct sim_map *m);

/* Blocks of equal records with stable addresses, zeroed, freed together. */
struct sim_blocks { char **block; size_t n, cap, used, record; };
#define SIM_BLOCK 1024
void *sim_blocks_add(struct sim_blocks *b, size_t record);
void sim_blocks_fini(struct sim_blocks *b);

/* One copy of every distinct text. */
struct sim_pool { struct sim_map map; };
const char *sim_intern(struct sim_pool *p, const char *s);	/* NULL becomes "" */
void sim_pool_fini(struct sim_pool *p);

#endif
