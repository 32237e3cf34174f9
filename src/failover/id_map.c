/*
 * Open addressing over borrowed keys; see id_map.h.
 *
 * Invariant: at most half full, so that every search ends at an empty slot; the hash is
 * kept beside the key, so that growing compares no text and reads none that is gone.
 */
#include "failover/id_map.h"

#include <string.h>

#include "core/mem.h"

enum { FIRST_SIZE = 64 };

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ h >> 15;
}

void id_map_fini(struct id_map *m)
{
	free_p(&m->slot);
	*m = (struct id_map){ 0 };
}

void id_map_clear(struct id_map *m)
{
	if (m->slot)
		memset(m->slot, 0, (m->mask + 1) * sizeof(*m->slot));
	m->n = 0;
}

static void widen(struct id_map *m)
{
	struct id_map now = { .mask = m->slot ? m->mask * 2 + 1 : FIRST_SIZE - 1, .n = m->n };

	now.slot = xcalloc(now.mask + 1, sizeof(*now.slot));
	for (size_t i = 0; m->slot && i <= m->mask; i++) {
		size_t at = m->slot[i].hash & now.mask;

		if (!m->slot[i].key)
			continue;
		while (now.slot[at].key)
			at = (at + 1) & now.mask;
		now.slot[at] = m->slot[i];
	}
	free_p(&m->slot);
	*m = now;
}

/* The slot of the key, or the empty one where it belongs. */
static struct id_slot *find(const struct id_map *m, const char *key, uint32_t h)
{
	size_t at = h & m->mask;

	while (m->slot[at].key && (m->slot[at].hash != h || strcmp(m->slot[at].key, key)))
		at = (at + 1) & m->mask;
	return &m->slot[at];
}

void id_map_put(struct id_map *m, const char *key, size_t value)
{
	struct id_slot *s;

	if (!key)
		return;
	if (!m->slot || m->n * 2 >= m->mask)
		widen(m);
	s = find(m, key, hash(key));
	if (s->key)
		return;
	*s = (struct id_slot){ key, hash(key), (uint32_t)value };
	m->n++;
}

size_t id_map_get(const struct id_map *m, const char *key)
{
	const struct id_slot *s;

	if (!key || !m->slot)
		return ID_NONE;
	s = find(m, key, hash(key));
	return s->key ? s->value : ID_NONE;
}
