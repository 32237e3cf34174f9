/* YAML with places: a tree of nodes, each with line and column (from 1). Aliases are
 * resolved with a cap on the total size; duplicate keys, tabs and NUL are errors. */
#ifndef RD_CORE_YAML_H
#define RD_CORE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include "core/err.h"

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_type type;
	int line, column;
	char *text;			/* scalar; NULL otherwise */
	/* scalar was quoted or a block: never null, bool or number */
	bool quoted;
	char *key;			/* when a member of a map */
	int key_line, key_column;
	struct yaml *first, *next;	/* children; next sibling */
};

#define YAML_MAX_BYTES ((size_t)10 << 20)
#define YAML_MAX_NODES 200000
/* NULL with err "file:line:column: what". An empty document gives an empty map. */
struct yaml *yaml_parse(const char *text, size_t len, const char *file, struct err *err);
struct yaml *yaml_load(const char *file, struct err *err);
void yaml_free(struct yaml *y);
const struct yaml *yaml_get(const struct yaml *map, const char *key);
const char *yaml_get_str(const struct yaml *map, const char *key);
/* err "file:line:column: ..." for a node. */
int yaml_err(struct err *err, const char *file, const struct yaml *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
