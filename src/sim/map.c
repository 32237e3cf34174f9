/*
 * Open addressing with linear probing; a removed entry keeps its slot as a
 * tombstone until the next growth. Invariant: at most half of the slots are used,
 * so a look-up ends soon. No iteration: the records have lists of their own.
 */
#include "sim/map.h"

#include <string.h>
#include "core/hash.h"
#include "core/mem.h"

static char tombstone_key[] = "";

uint64_t sim_hash(const char *s)
{
	return sim_mix(hash_add_text(HASH_START, s));
}

uint64_t sim_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static struct sim_map_slot *find(const struct sim_map *m, const char *key)
{
	if (!m->cap)
		return NULL;
	for (size_t i = sim_hash(key) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct sim_map_slot *slot = &m->slots[i];

		if (!slot->key)
			return NULL;
		if (slot->key != tombstone_key && strcmp(slot->key, key) == 0)
			return slot;
	}
}

void *sim_map_get(const struct sim_map *m, const char *key)
{
	struct sim_map_slot *slot = key ? find(m, key) : NULL;

	return slot ? slot->value : NULL;
}

static void place(struct sim_map *m, const char *key, void *value)
{
	size_t i = sim_hash(key) & (m->cap - 1);

	while (m->slots[i].key)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = (struct sim_map_slot){ key, value };
	m->used++;
}

static void rehash(struct sim_map *m)
{
	struct sim_map_slot *old = m->slots;
	size_t old_cap = m->cap;

	m->cap = 64;
	while (m->cap < m->live * 4)
		m->cap *= 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	m->used = 0;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].key && old[i].key != tombstone_key)
			place(m, old[i].key, old[i].value);
	free_p(&old);
}

void sim_map_put(struct sim_map *m, const char *key, void *value)
{
	struct sim_map_slot *slot = find(m, key);

	if (slot) {
		slot->key = key;
		slot->value = value;
		return;
	}
	if ((m->used + 1) * 2 > m->cap)
		rehash(m);
	place(m, key, value);
	m->live++;
}

void sim_map_del(struct sim_map *m, const char *key)
{
	struct sim_map_slot *slot = find(m, key);

	if (!slot)
		return;
	*slot = (struct sim_map_slot){ tombstone_key, NULL };
	m->live--;
}

void sim_map_fini(struct sim_map *m)
{
	free_p(&m->slots);
	*m = (struct sim_map){ 0 };
}

void *sim_blocks_add(struct sim_blocks *b, size_t record)
{
	size_t at = b->used % SIM_BLOCK;

	if (at == 0) {
		b->block = grow(b->block, &b->cap, b->n + 1, sizeof(*b->block));
		b->block[b->n++] = xcalloc(SIM_BLOCK, record);
	}
	b->used++;
	return b->block[b->n - 1] + at * record;
}

void sim_blocks_fini(struct sim_blocks *b)
{
	for (size_t i = 0; i < b->n; i++)
		free_p(&b->block[i]);
	free_p(&b->block);
	*b = (struct sim_blocks){ 0 };
}

const char *sim_intern(struct sim_pool *p, const char *s)
{
	char *kept;

	if (!s || !*s)
		return "";
	kept = sim_map_get(&p->map, s);
	if (!kept) {
		kept = xstrdup(s);
		sim_map_put(&p->map, kept, kept);
	}
	return kept;
}

void sim_pool_fini(struct sim_pool *p)
{
	for (size_t i = 0; i < p->map.cap; i++)
		free_p(&p->map.slots[i].value);
	sim_map_fini(&p->map);
}
