/*
 * Matchers: what a result is compared with. Small on purpose, no expression language:
 * a scalar means equal; eq ne lt le gt ge in match contains exists count all any not;
 * {ok: M, warn: M} takes the first that holds, else fail. Across types: an error, shown.
 */
#ifndef RD_RUNBOOK_MATCH_H
#define RD_RUNBOOK_MATCH_H

#include "core/yaml.h"
#include "runbook/value.h"

/* Worst wins when joined: pass < warn < unknown < fail < error. */
enum run_outcome { RO_NONE, RO_PASS, RO_WARN, RO_UNKNOWN, RO_FAIL, RO_ERROR };
const char *run_outcome_name(enum run_outcome o);	/* pass warn unknown fail error; "" */

struct matcher;
struct problems;
/* NULL with the problem noted. */
struct matcher *matcher_parse(const struct yaml *y, const char *file, struct problems *p);
/* The same for one subject of expect: json, header, counts take {path or name: M}, row
 * takes {where: {column: M}, column: M}, where
 * {column: M}; "rows: 0" and all others take M itself. */
struct matcher *matcher_parse_for(const char *subject, const struct yaml *y, const char *file,
				  struct problems *p);
/* Core scalars only: null, true, false, numbers; all else is text, as is what was quoted. */
void value_from_yaml(struct value *v, const struct yaml *y);
void matcher_free(struct matcher *m);
/* why: one sentence for people ("503, wanted 200"), replaced. v NULL = not there. */
enum run_outcome matcher_test(const struct matcher *m, const struct value *v, struct str *why);
void matcher_print(struct str *out, const struct matcher *m);	/* "200", ">= 3 and < 5" */

/* One subject over a step's result (a map: status time header body json table affected exit
 * stdout stderr lines counts value answer items ...): picks, computes (rows, cell, row where,
 * sum(col), mode(col), count(path)) and matches. */
enum run_outcome subject_test(const char *subject, const struct matcher *m,
			      const struct value *result, struct str *actual, struct str *why);
/* An expression of save: subject, path ("json:$.a.b", "cell", "sum(col)", "mode(col)",
 * "stdout", "header:location", "counts:errors", "column(col)"): 0 and *ret, or ERR_NOT_FOUND /
 * ERR_INVALID. */
int subject_value(const char *expression, const struct value *result, struct value *ret,
		  struct err *err);
/* "json:$.a" -> "json", "$.a" (inside expression; "" = none); false: no expression. */
bool subject_split(const char *expression, char *name, size_t n, const char **ret_arg);
/* A row against {column: M}, a matcher_parse_for("where", ...) or NULL (any row). */
bool row_matches(const struct matcher *where, const struct value *row);

#endif
