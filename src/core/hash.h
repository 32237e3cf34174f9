/* FNV-1a, 64 bits (Fowler, Noll, Vo), for tables in memory and for "has it changed". Not for
 * secrets and not for keys that an attacker may choose: that is core/crypto.h. */
#ifndef RD_CORE_HASH_H
#define RD_CORE_HASH_H

#include <stdint.h>

#define HASH_START 14695981039346656037u

static inline uint64_t hash_add(uint64_t h, uint64_t value)
{
	return (h ^ value) * 1099511628211u;
}

/* NULL is as ""; add a separator between texts that follow each other. */
static inline uint64_t hash_add_text(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = hash_add(h, (unsigned char)*s);
	return h;
}

#endif
