/*
 * Field tables: each record lists its fields once; the JSON writer and strict reader,
 * CSV, text tables, console columns, sorting, filtering and the manual walk the list.
 * Records are plain structs; text fields are heap strings owned by the record.
 */
#ifndef RD_MODEL_FIELDS_H
#define RD_MODEL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"
#include "model/enums.h"

enum field_type {
	F_STR,		/* char * */
	F_I64,		/* int64_t */
	F_BOOL,		/* bool */
	F_DOUBLE,	/* double */
	F_TIME,		/* int64_t, UTC ms; 0 = unset, JSON null */
	F_DUR,		/* int64_t, ms */
	F_ENUM,		/* int, with names */
	F_JSON,		/* char *, finished JSON text (object or array); NULL = null */
};

enum field_flags {
	FF_MASKED = 1,	/* content shown only when asked for */
	FF_SORT = 2,
	FF_FILTER = 4,
	FF_DETAIL = 8,	/* not a list column */
	FF_OUTSIDE = 16, /* text from outside: cleaned before it is shown */
};

struct field {
	const char *json;		/* camelCase member name */
	const char *title;		/* column title, upper case */
	enum field_type type;
	size_t offset;
	unsigned flags;
	const struct enum_names *names;	/* F_ENUM */
	const char *help;
};

struct record_type {
	const char *name;		/* "account" */
	const struct field *fields;
	size_t n;
	size_t size;
};

/* A row of the table of struct S, member M; more members as designated initialisers. */
#define FIELD(S, M, json_, title_, type_, ...)                                                     \
	{ .json = json_, .title = title_, .type = type_, .offset = offsetof(struct S, M),          \
	  __VA_ARGS__ }
#define RECORD_TYPE(var, name_, S, rows)                                                           \
	const struct record_type var = { name_, rows, COUNT_OF(rows), sizeof(struct S) }

void record_init(const struct record_type *t, void *rec);	/* zero */
void record_fini(const struct record_type *t, void *rec);	/* frees text; zeroes */
void record_copy(const struct record_type *t, void *to, const void *from); /* to: initialised */
bool record_equal(const struct record_type *t, const void *a, const void *b);

const struct field *record_field(const struct record_type *t, const char *json_name);
/* Writes the members (without the braces). */
void record_members(struct jw *w, const struct record_type *t, const void *rec);
/* Writes {...} under name (NULL in arrays). */
void record_json(struct jw *w, const char *name, const struct record_type *t, const void *rec);
/* Writes the members of rec that read otherwise than those of was; false: none. */
bool record_changes(struct jw *w, const struct record_type *t, const void *was, const void *rec);
/* Reads the members that are present. strict: unknown members and wrong types are
 * ERR_INVALID with err->field; otherwise they are ignored. */
int record_from_json(const struct record_type *t, void *rec, const struct json *obj, bool strict,
		     struct err *err);
/* One field from text as a database sends it; NULL clears. */
void record_set_text(const struct field *f, void *rec, const char *text);
/* The value as a person reads it, added to b; unset = "-". Outside text is cleaned. */
void record_text(const struct field *f, const void *rec, struct str *b);

/* Lists of records: items are n records in one heap block, owned with their texts. */
void records_json(struct jw *w, const char *name, const struct record_type *t, const void *items,
		  size_t n);
/* Lenient; what is not an array gives none. NULL when there is none. */
void *records_read(const struct record_type *t, const struct json *list, size_t *ret_n);
void records_free(const struct record_type *t, void *items, size_t n);

static inline void *field_at(const struct field *f, const void *rec)
{
	return (char *)(uintptr_t)rec + f->offset;
}

#endif
