/*
 * Tables on stdout: the same rows as aligned text, CSV or JSON. Columns come from a
 * record's field table, or are named by the caller where there is no record.
 */
#ifndef RD_CLI_OUTPUT_H
#define RD_CLI_OUTPUT_H

#include "cli/cli.h"
#include "core/json.h"
#include "model/fields.h"

enum { TABLE_MAX_COLUMNS = 48 };

struct table_column {
	const char *json;	/* member name, also the CSV head */
	const char *title;	/* NULL = json in upper case */
	bool number;		/* right-aligned; written bare in JSON when it is a number */
};
struct table_cell;

struct table {
	enum cli_format format;
	struct table_column columns[TABLE_MAX_COLUMNS];
	size_t n_columns;
	struct table_cell *cells;
	size_t n, cap;
};
/* columns: n rows, copied (their texts are borrowed). */
void table_init(struct table *t, enum cli_format format, const struct table_column *columns,
		size_t n);
/* The next cell, row after row; NULL = unset: "-" as text, empty in CSV, null in JSON. */
void table_add(struct table *t, const char *text);
void table_add_i64(struct table *t, int64_t v);
void table_add_time(struct table *t, int64_t ms);	/* 0 = unset */
void table_add_bool(struct table *t, bool v);
/* Every cell that is this text becomes that one: names for ids. */
void table_replace(struct table *t, const char *from, const char *to);
/* Writes everything to stdout. As JSON: {name: [...]}; an array alone when name is NULL. */
void table_print(struct table *t, struct cli *c, const char *name);
void table_fini(struct table *t);

/* A line for a person, cleaned, and cut to so many columns of a screen. */
void print_line(struct cli *c, size_t columns, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Columns of a record: names separated by blanks; NULL = all that are not FF_DETAIL, all of
 * them in CSV. Returns the fields in order through fields (at least TABLE_MAX_COLUMNS). */
size_t table_record_columns(struct table *t, enum cli_format format, const struct record_type *type,
			    const char *names, const struct field **fields);
void table_add_record(struct table *t, const struct field *const *fields, size_t n,
		      const void *rec);
/* One record as "TITLE  value" lines (text), one row (CSV). JSON is the caller's business. */
void record_print(struct cli *c, const struct record_type *type, const void *rec);

#endif
