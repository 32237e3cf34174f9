/*
 * PostgreSQL (libpq, non-blocking) on the loop. For tasks: every call that talks to
 * the server waits. A statement that passes its deadline drops the connection; it is
 * never reused. Values are always bound ($1 ...), never pasted.
 */
#ifndef RD_CORE_PG_H
#define RD_CORE_PG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/loop.h"

struct pg_pool;
struct pg_conn;

struct pg_options {
	const char *url;		/* postgresql:// or keyword form, multi-host allowed */
	const char *user;		/* instead of the URL's; NULL = the URL's */
	int max_connections;
	int64_t connect_timeout_ms;
	int64_t statement_timeout_ms;	/* also set on the server, with idle-in-transaction */
	const char *application_name;
	bool read_only;			/* default_transaction_read_only=on */
	bool need_read_write;		/* target_session_attrs=read-write */
};
struct pg_pool *pg_pool_new(struct loop *l, const struct pg_options *o);
void pg_pool_free(struct pg_pool *p);
/* 0; ERR_UNREACHABLE, ERR_TIMEOUT (none free in time), ERR_CANCELLED. */
int pg_acquire(struct pg_pool *p, struct pg_conn **ret, struct err *err);
/* Back to the pool; a connection inside a transaction or broken is closed. NULL ok. */
void pg_release(struct pg_conn *c);
void pg_release_p(struct pg_conn **c);
int pg_backend_pid(const struct pg_conn *c);
bool pg_broken(const struct pg_conn *c);
void pg_abort(struct pg_conn *c);	/* close the socket now; a waiting call fails */

struct pg_result;
void pg_result_free(struct pg_result *r);
void pg_result_free_p(struct pg_result **r);

/* Parameters: build, then run. Text is copied; times are sent as timestamptz text. */
struct pg_params { int n; const char *v[40]; char *own[40]; unsigned type[40]; };
#define PG_PARAMS ((struct pg_params){ .n = 0 })
void pg_p_text(struct pg_params *p, const char *s);	/* NULL -> NULL */
void pg_p_i64(struct pg_params *p, int64_t v);
void pg_p_bool(struct pg_params *p, bool v);
void pg_p_double(struct pg_params *p, double v);
void pg_p_time(struct pg_params *p, int64_t ms);	/* 0 -> NULL */
void pg_p_null(struct pg_params *p);
/* With its PostgreSQL type: text boolean bigint numeric interval timestamptz jsonb, text[]
 * bigint[] numeric[]; NULL or another name = the server infers it. */
void pg_p_typed(struct pg_params *p, const char *type, const char *text);
void pg_p_format(struct pg_params *p, const char *fmt, va_list ap); /* as pg_run */
void pg_params_fini(struct pg_params *p);

/* Runs one statement. ret may be NULL. p may be NULL; it is emptied (fini) in any case.
 * Negative: ERR_EXISTS (unique), ERR_CONFLICT (serialization, deadlock, exclusion, check),
 * ERR_DENIED, ERR_INVALID (bad value), ERR_NOT_FOUND (undefined table or column), ERR_TIMEOUT,
 * ERR_UNREACHABLE, ERR_FAILED. err->field holds the constraint name when there is one. */
int pg_query(struct pg_conn *c, const char *sql, struct pg_params *p, struct pg_result **ret,
	     struct err *err);
/* The same for a text asked again and again: the connection keeps it parsed, and planned where
 * one plan serves all values. For reading only, and texts of which there are few. */
int pg_query_kept(struct pg_conn *c, const char *sql, struct pg_params *p, struct pg_result **ret,
		  struct err *err);
/* Keeps the first max_rows rows and about max_bytes of them; *ret_rows counts all. */
int pg_query_capped(struct pg_conn *c, const char *sql, struct pg_params *p, int64_t max_rows,
		    size_t max_bytes, struct pg_result **ret, int64_t *ret_rows, struct err *err);
bool pg_in_transaction(const struct pg_conn *c);	/* begun and not failed */
/* printf-like short form: fmt letters t text, i int64_t, b bool(int), d double, m time-ms,
 * n null; e.g. pg_run(c, &res, err, "SELECT ... $1 $2", "ti", name, (int64_t)5). */
int pg_run(struct pg_conn *c, struct pg_result **ret, struct err *err, const char *sql,
	   const char *fmt, ...);
/* Several statements, no parameters (schema files). */
int pg_script(struct pg_conn *c, const char *sql, struct err *err);

int pg_rows(const struct pg_result *r);
int pg_cols(const struct pg_result *r);
const char *pg_col_name(const struct pg_result *r, int col);
int pg_col(const struct pg_result *r, const char *name);	/* -1 = none */
enum pg_kind { PG_TEXT, PG_BOOL, PG_NUMBER, PG_TIME, PG_JSON };
enum pg_kind pg_col_kind(const struct pg_result *r, int col);
int64_t pg_affected(const struct pg_result *r);
bool pg_null(const struct pg_result *r, int row, int col);
const char *pg_text(const struct pg_result *r, int row, int col);	/* "" for NULL */
int64_t pg_i64(const struct pg_result *r, int row, int col);	/* 0 for NULL */
double pg_double(const struct pg_result *r, int row, int col);
bool pg_bool(const struct pg_result *r, int row, int col);
int64_t pg_time(const struct pg_result *r, int row, int col);	/* timestamptz -> ms; 0 for NULL */

/* "%text%" for LIKE with the pattern's own characters escaped; NULL for NULL and "". Heap. */
char *pg_like(const char *text);

#endif
