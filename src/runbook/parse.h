/* The parser from the inside: parse*.c and link.c alone. */
#ifndef RD_RUNBOOK_PARSE_H
#define RD_RUNBOOK_PARSE_H

#include "runbook/keys.h"

enum { RUNBOOK_STEPS_MAX = 2000, RUNBOOK_DEPTH_MAX = 8 };

struct reading {
	const char *file;
	struct problems *p;
	struct runbook *rb;
	size_t steps;			/* so far */
	int depth;			/* of options in options */
};
struct part { const struct key_group *group; void *base; };

/* Errors at a value, at a member's key; warnings. */
void wrong(struct reading *r, const struct yaml *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A word that is none of "a|b|c"; the nearest is named. */
void wrong_word(struct reading *r, const struct yaml *at, const char *text, const char *choices);
void wrong_key(struct reading *r, const struct yaml *member, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct place place_of(const struct yaml *y);

/* A map whose keys are those of the groups; all problems are noted. */
void read_map(struct reading *r, const struct yaml *y, const struct part *parts, size_t n);
void read_group(struct reading *r, const struct yaml *y, const struct key_group *g, void *base);
bool wants(struct reading *r, const struct yaml *y, enum yaml_type type, const char *what);
/* NULL with the problem noted. Not empty, no control bytes. Borrowed from y. */
const char *read_scalar(struct reading *r, const struct yaml *y, const char *what);
bool read_duration(struct reading *r, const struct yaml *y, int64_t *ret);
bool read_bool(struct reading *r, const struct yaml *y, bool *ret);
bool valid_id(const char *s);
void read_pairs(struct reading *r, const struct yaml *y, struct pair **v, size_t *n);
void read_texts(struct reading *r, const struct yaml *y, char ***v, size_t *n);
void read_expects(struct reading *r, const struct yaml *y, enum verb_id verb, struct expect **v,
		  size_t *n);
void read_steps(struct reading *r, const struct yaml *y, struct step **v, size_t *n);
void read_operation(struct reading *r, const struct yaml *y, struct operation *op,
		    const struct part *more);
/* One more element of an array that belongs to a struct, zeroed. */
void *push(void *array, size_t *n, size_t size);
#define PUSH(v, n) (*(v) = push(*(v), n, sizeof(**(v))), &(*(v))[*(n) - 1])

bool http_reads(const struct operation *op);

/* Every text of an operation that is bound, with where it goes. */
enum text_use { USE_ARGUMENT, USE_SCRIPT, USE_URL, USE_QUERY, USE_HEADER, USE_FORM, USE_JSON,
		USE_SQL,
		USE_ENV, USE_CWD, USE_WITH, USE_USER, USE_WORDS /* people read it */, USE_MAX };
extern const char *const text_use_names[USE_MAX];	/* "an argument" */
void operation_texts(const struct operation *op,
		     void (*each)(void *ctx, enum text_use use, const char *text, struct place at),
		     void *ctx);

/* Names, ids, defaults, when everything is read (link.c); safety rules (lint.c). */
void runbook_link(struct reading *r);
void runbook_rules(struct reading *r);

#endif
