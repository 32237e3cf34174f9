/*
 * JSON: a reader (a tree, strict, with caps) and a writer that streams into a
 * struct str. Text is UTF-8; invalid bytes are refused by the reader and replaced
 * by the writer.
 */
#ifndef RD_CORE_JSON_H
#define RD_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/str.h"

struct json;	/* a value inside a tree; the root owns all */

#define JSON_MAX_DEPTH 64
/* The whole text must be one value. Refuses duplicates of a member, depth over
 * JSON_MAX_DEPTH, bytes after the value. NULL on error with err set (line:column). */
struct json *json_parse(const char *text, size_t len, struct err *err);
void json_free(struct json *root);	/* NULL ok */
void json_free_p(struct json **root);	/* for _cleanup_ */

/* An object's members in order, without a tree of it all: an array's elements one by one
 * (element), other values whole. text must end with a NUL. fn returns 0 to go on. */
typedef int (*json_part)(void *ctx, const char *name, bool element, const char *text, size_t len);
int json_walk(const char *text, size_t len, json_part fn, void *ctx, struct err *err);
/* The same, and the text is given back on the way: afterwards it holds nothing. */
int json_walk_away(char *text, size_t len, json_part fn, void *ctx, struct err *err);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
struct json *json_copy(const struct json *v);		 /* all below it; json_free */
enum json_type json_type(const struct json *v);		 /* NULL is JSON_NULL */
const char *json_type_name(const struct json *v);	 /* "a string", "an array" ... */
/* All getters take NULL and wrong types quietly. */
const struct json *json_get(const struct json *obj, const char *name);
/* "a.b.0.c" */
const struct json *json_path(const struct json *v, const char *path);
const char *json_str(const struct json *v);		 /* NULL unless a string */
const char *json_get_str(const struct json *obj, const char *name);
bool json_get_bool(const struct json *obj, const char *name, bool otherwise);
int64_t json_get_i64(const struct json *obj, const char *name, int64_t otherwise);
double json_get_double(const struct json *obj, const char *name, double otherwise);
bool json_bool(const struct json *v, bool otherwise);
int64_t json_i64(const struct json *v, int64_t otherwise);
double json_double(const struct json *v, double otherwise);
size_t json_count(const struct json *v);		 /* members or elements */
/* Iterate: for (v = json_first(a); v; v = json_next(v)) */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
const char *json_name(const struct json *member);	 /* NULL in arrays */
/* Canonical text: members sorted, no spaces (hashes, comparison). */
void json_print(struct str *out, const struct json *v);
/* The same, but members stay in the order of the text: columns of a table. */
void json_print_ordered(struct str *out, const struct json *v);

/* Writer. Commas are its business; a name is given inside objects, NULL in arrays. */
struct jw { struct str *out; bool comma; };
#define JW(b) ((struct jw){ .out = (b) })
void jw_obj(struct jw *w, const char *name);
void jw_obj_end(struct jw *w);
void jw_arr(struct jw *w, const char *name);
void jw_arr_end(struct jw *w);
void jw_str(struct jw *w, const char *name, const char *s);	 /* NULL -> null */
void jw_strn(struct jw *w, const char *name, const char *s, size_t n);
void jw_i64(struct jw *w, const char *name, int64_t v);
void jw_double(struct jw *w, const char *name, double v);
void jw_bool(struct jw *w, const char *name, bool v);
void jw_null(struct jw *w, const char *name);
void jw_time(struct jw *w, const char *name, int64_t ms);	 /* RFC 3339; 0 -> null */
void jw_raw(struct jw *w, const char *name, const char *json);	 /* finished JSON; NULL -> null */
void jw_json(struct jw *w, const char *name, const struct json *v);
void json_add_string(struct str *out, const char *s, size_t n);	 /* quoted and escaped */
void json_add_double(struct str *out, double v);		 /* shortest exact; inf -> null */

#endif
