/*
 * Typed values of runbooks: parameters, results of steps, saved values. A value never
 * turns into another type by itself: comparing across types is an error.
 * Plain struct; fini frees what it holds. Maps keep the order of their members.
 */
#ifndef RD_RUNBOOK_VALUE_H
#define RD_RUNBOOK_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"
#include "core/str.h"

enum value_type { V_NULL, V_BOOL, V_NUMBER, V_TEXT, V_DURATION /* ms */, V_TIME /* UTC ms */,
		  V_LIST, V_MAP };
struct value {
	enum value_type type;
	bool secret;			/* never printed, stored or compared in a message */
	bool b;
	double n;
	int64_t ms;
	char *text;
	char *name;			/* as a member of a map */
	struct value *items;		/* of a list or map; a table is a list of maps */
	size_t n_items;
};
const char *value_type_name(enum value_type t);		/* "a number" */
void value_fini(struct value *v);			/* zeroes */
void value_copy(struct value *to, const struct value *from);	/* to: zeroed */
void value_set_text(struct value *v, const char *s);	/* frees what was there */
void value_set_number(struct value *v, double n);
void value_set_bool(struct value *v, bool b);
/* A new member, null, to be filled; valid until the next. Lists grow by this alone. */
struct value *value_add(struct value *list_or_map, const char *name);
const struct value *value_get(const struct value *map, const char *name); /* NULL = none */
bool value_equal(const struct value *a, const struct value *b);
int value_from_json(struct value *v, const struct json *j);	/* caps: 100,000 items */
void value_json(struct jw *w, const char *name, const struct value *v);	/* secrets as "***" */
/* As a person reads it, on one line, cleaned, at most max bytes; secrets as "***". */
void value_print(struct str *out, const struct value *v, size_t max);
/* $.a.b[0].c, $.list[-1], $['na.me'] and $ alone; NULL = not there. */
const struct value *value_path(const struct value *v, const char *path);
bool value_path_valid(const char *path);

#endif
