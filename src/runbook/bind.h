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
enum bind_for { BIND_PLAIN /* argv element, cwd */, BIND_URL, BIND_HEADER };
/* 0; ERR_NOT_FOUND: scope->needs says which; ERR_INVALID: value does not fit there. */
int bind_text(struct scope *s, const char *text, enum bind_for how, struct str *ret,
	      bool *ret_secret, struct err *err);
/* SQL: text with $1.. and the values with their PostgreSQL types ("interval", "text[]").
 * A name inside quotes, comments or dollar quotes is not a parameter: lint names it. */
struct bound_sql { char *text; struct value *values; const char **types; size_t n; };
int bind_sql(struct scope *s, const char *text, struct bound_sql *ret, struct err *err);
void bound_sql_fini(struct bound_sql *b);
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
