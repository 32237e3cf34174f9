/*
 * The table of every key of policy.yaml: how a map of YAML becomes a struct. One row per
 * key; what is required, what kind it is and where it goes.
 */
#ifndef RD_POLICY_POLICY_KEYS_H
#define RD_POLICY_POLICY_KEYS_H

#include "policy/policy.h"

struct policy_reader { const char *file; struct err *err; };

enum policy_kind {
	PK_TEXT, PK_BOOL, PK_DURATION, PK_TEXTS,	/* list of texts */
	PK_PAIRS,					/* map of scalars */
	PK_DAILY,					/* the word "daily" -> true */
	PK_FN,						/* fn reads it */
	PK_SECTION,					/* map of id -> map: array of structs */
	PK_LIST,					/* list of maps: array of structs */
};
struct policy_key;
struct policy_keys { const struct policy_key *v; size_t n; size_t size; /* of one struct */ };
struct policy_key {
	const char *name;
	enum policy_kind kind;
	bool required;
	size_t at, at_n;		/* offsets of the member and of its count */
	int (*fn)(struct policy_reader *r, const struct yaml *y, void *obj);
	const struct policy_keys *of;	/* PK_SECTION, PK_LIST: what one is made of */
	size_t id_at;			/* PK_SECTION: offset of the id in it */
};

/* Reads a map into obj (zeroed) by its table; 0 or negative with file:line:column. */
int policy_read(struct policy_reader *r, const struct yaml *map, const struct policy_keys *keys,
		void *obj, const char *what);
void policy_clear(const struct policy_keys *keys, void *obj);
int policy_list_must(struct policy_reader *r, const struct yaml *y, enum yaml_type type,
		     const char *what);
int policy_texts(struct policy_reader *r, const struct yaml *list, char ***ret, size_t *ret_n);
extern const struct policy_keys policy_top;	/* policy_keys.c: struct policy */

/* Names that must exist elsewhere in the file. */
int policy_check(struct policy_reader *r, const struct yaml *root, const struct policy *p);

#endif
