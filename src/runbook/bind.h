/*
 * Binding: one sigil, $name (also ${name}; $$ is a dollar), one typed value: an SQL
 * parameter, one argv element, a JSON value, a percent-encoded part of a URL, a header
 * (CR and LF refused), an environment variable of a script. Never pasted into SQL, a
 * shell or a URL. A name that has no value yet makes the whole binding "needs".
 */
#ifndef RD_RUNBOOK_BIND_H
#define RD_RUNBOOK_BIND_H

#include "runbook/runbook.h"

struct scope {				/* where names are looked up */
	const struct value *(*get)(void *ctx, const char *name);	/* NULL = no value */
	void *ctx;
	char *needs;			/* first name without a value; freed by the caller */
};

/* Names used in a text, in order, without duplicates; caller frees each and the list. */
size_t bind_names(const char *text, char ***ret);
enum { BIND_NAME_MAX = 64 };
/* p at a dollar: bytes of "$name" or "${name}" there and the name; 0 = only a dollar. */
size_t bind_name_at(const char *p, char *name, size_t size);
/* The value, or NULL with scope->needs and err (ERR_NOT_FOUND, field = name). */
const struct value *bind_lookup(struct scope *s, const char *name, struct err *err);
enum bind_for { BIND_PLAIN /* argv element, cwd */, BIND_URL, BIND_HEADER };
/* In a URL a value at the very beginning may be a whole http(s) URL; else it is encoded.
 * 0; ERR_NOT_FOUND: scope->needs says which; ERR_INVALID: value does not fit there. */
int bind_text(struct scope *s, const char *text, enum bind_for how, struct str *ret,
	      bool *ret_secret, struct err *err);
/* SQL: text with $1.. and the values with their PostgreSQL types ("interval", "text[]").
 * A name inside quotes, comments or dollar quotes is not a parameter: lint names it. */
struct bound_sql { char *text; struct value *values; const char **types; size_t n; };
int bind_sql(struct scope *s, const char *text, struct bound_sql *ret, struct err *err);
void bound_sql_fini(struct bound_sql *b);
/* For lint: every name, with whether it stands inside quotes; counts the statements. */
void bind_sql_scan(const char *text, void (*name_at)(void *ctx, const char *name, bool quoted),
		   void *ctx, size_t *ret_statements);
/* JSON text whose "$name" strings become values of their own type. */
int bind_json(struct scope *s, const char *json, struct str *ret, struct err *err);

/* Secrets of a run: every text on its way to storage, screen or log passes here. Masks raw,
 * base64 (also as user:secret), URL- and JSON-escaped forms. */
struct masker;
struct masker *masker_new(void);
void masker_free(struct masker *m);
void masker_add(struct masker *m, const char *secret, const char *user);
void masker_apply(const struct masker *m, struct str *text);		/* in place */
void masker_value(const struct masker *m, struct value *v);		/* all texts inside */

#endif
