/* The application's tables as ringdown needs them, and what a database lacks of them. */
#ifndef RD_STORE_APP_TABLES_H
#define RD_STORE_APP_TABLES_H

#include "store/store.h"

struct app_column {
	const char *table;		/* as written, without quotes */
	const char *name;
	const char *type;		/* as format_type() says it */
	const char *rest;		/* of the definition: NOT NULL, DEFAULT ...; "" */
};
struct app_index {
	const char *name;
	const char *sql;		/* CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS ... */
	bool asked;			/* only with --app-indexes */
};
struct app_check { const char *name, *table, *column, *expr; };
extern const struct app_column app_columns[];
extern const size_t n_app_columns;
extern const struct app_index app_indexes[];
extern const size_t n_app_indexes;

struct app_state {
	struct str sql;			/* CREATE TABLE and ADD COLUMN that are needed */
	int missing;			/* tables and columns */
	struct str names;		/* of what is missing: "User", "VoiceAgent"."status" */
	struct str clashes;		/* "VoiceAgent"."status" is integer, not text; ... */
	struct str convert;		/* statements that would give times their zone */
};
void app_state_fini(struct app_state *a);
/* What is there already, compared with the table above. */
int app_state_read(struct pg_conn *c, struct app_state *ret, struct err *err);
/* Statements of indexes that are absent, one a line; broken leftovers are dropped first. */
int app_indexes_missing(struct pg_conn *c, bool asked, struct str *ret, int *ret_n,
			struct err *err);
/* Statements of checks that are absent or not validated, one a line; what rows stand against goes
 * to notes instead. */
int app_checks_missing(struct pg_conn *c, struct str *ret, int *ret_n, struct str *notes,
		       struct err *err);

#endif
