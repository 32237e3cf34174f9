/* Walking the field tables; see fields.h. Knows types, not records. */
#include "model/fields.h"

#include <string.h>

static char **text_at(const struct field *f, const void *rec)
{
	return field_at(f, rec);
}

static int64_t i64_at(const struct field *f, const void *rec)
{
	return *(int64_t *)field_at(f, rec);
}

static int enum_at(const struct field *f, const void *rec)
{
	return *(int *)field_at(f, rec);
}

static bool is_text(const struct field *f)
{
	return f->type == F_STR || f->type == F_JSON;
}

static size_t field_size(const struct field *f)
{
	switch (f->type) {
	case F_BOOL:
		return sizeof(bool);
	case F_DOUBLE:
		return sizeof(double);
	case F_ENUM:
		return sizeof(int);
	case F_STR:
	case F_JSON:
		return sizeof(char *);
	case F_I64:
	case F_TIME:
	case F_DUR:
		break;
	}
	return sizeof(int64_t);
}

void record_init(const struct record_type *t, void *rec)
{
	memset(rec, 0, t->size);
}

void record_fini(const struct record_type *t, void *rec)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_text(&t->fields[i]))
			free_p(text_at(&t->fields[i], rec));
	memset(rec, 0, t->size);
}

void record_copy(const struct record_type *t, void *to, const void *from)
{
	if (to == from)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if (is_text(f))
			str_replace(text_at(f, to), *text_at(f, from));
		else
			memcpy(field_at(f, to), field_at(f, from), field_size(f));
	}
}

static bool same(const struct field *f, const void *a, const void *b)
{
	return is_text(f) ? str_eq(*text_at(f, a), *text_at(f, b)) :
			    memcmp(field_at(f, a), field_at(f, b), field_size(f)) == 0;
}

bool record_equal(const struct record_type *t, const void *a, const void *b)
{
	for (size_t i = 0; i < t->n; i++)
		if (!same(&t->fields[i], a, b))
			return false;
	return true;
}

const struct field *record_field(const struct record_type *t, const char *json_name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->fields[i].json, json_name) == 0)
			return &t->fields[i];
	return NULL;
}

static void write_field(struct jw *w, const struct field *f, const void *rec)
{
	switch (f->type) {
	case F_STR:
		jw_str(w, f->json, *text_at(f, rec));
		break;
	case F_JSON:
		jw_raw(w, f->json, *text_at(f, rec));
		break;
	case F_I64:
	case F_DUR:
		jw_i64(w, f->json, i64_at(f, rec));
		break;
	case F_TIME:
		jw_time(w, f->json, i64_at(f, rec));
		break;
	case F_BOOL:
		jw_bool(w, f->json, *(bool *)field_at(f, rec));
		break;
	case F_DOUBLE:
		jw_double(w, f->json, *(double *)field_at(f, rec));
		break;
	case F_ENUM:
		jw_str(w, f->json, enum_name(f->names, enum_at(f, rec)));
		break;
	}
}

void record_members(struct jw *w, const struct record_type *t, const void *rec)
{
	for (size_t i = 0; i < t->n; i++)
		write_field(w, &t->fields[i], rec);
}

/* One side came through JSON, which cleans text and rounds: what reads the same is the same. */
static bool reads_same(const struct field *f, const void *a, const void *b)
{
	struct str x = STR_INIT(STR_MAX_DEFAULT), y = STR_INIT(STR_MAX_DEFAULT);
	bool equal;

	write_field(&JW(&x), f, a);
	write_field(&JW(&y), f, b);
	equal = str_eq(str_get(&x), str_get(&y));
	str_fini(&x);
	str_fini(&y);
	return equal;
}

bool record_changes(struct jw *w, const struct record_type *t, const void *was, const void *rec)
{
	bool any = false;

	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if (same(f, was, rec) || reads_same(f, was, rec))
			continue;
		write_field(w, f, rec);
		any = true;
	}
	return any;
}

void record_json(struct jw *w, const char *name, const struct record_type *t, const void *rec)
{
	jw_obj(w, name);
	record_members(w, t, rec);
	jw_obj_end(w);
}

/* ---- reading ----------------------------------------------------------------- */

static const char *expected(const struct field *f)
{
	static const char *const text[] = {
		[F_STR] = "a string", [F_I64] = "a whole number", [F_BOOL] = "true or false",
		[F_DOUBLE] = "a number", [F_TIME] = "a time as RFC 3339", [F_DUR] = "milliseconds",
		[F_ENUM] = "one of its words", [F_JSON] = "an object or array",
	};

	return text[f->type];
}

static bool read_json_text(char **slot, const struct json *v)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	if (json_type(v) != JSON_OBJECT && json_type(v) != JSON_ARRAY)
		return false;
	json_print_ordered(&b, v);
	free_p(slot);
	*slot = str_take(&b);
	return true;
}

static bool read_enum(const struct field *f, void *rec, const char *text)
{
	int value = enum_parse(f->names, text);

	if (value >= 0)
		*(int *)field_at(f, rec) = value;
	return value >= 0;
}

static bool read_field(const struct field *f, void *rec, const struct json *v)
{
	const char *s = json_str(v);

	switch (f->type) {
	case F_STR:
		if (s)
			str_replace(text_at(f, rec), s);
		return s != NULL;
	case F_JSON:
		return read_json_text(text_at(f, rec), v);
	case F_I64:
	case F_DUR:
		if (json_type(v) != JSON_NUMBER)
			return false;
		*(int64_t *)field_at(f, rec) = json_i64(v, 0);
		return true;
	case F_TIME:
		return s && parse_time_ms(s, field_at(f, rec));
	case F_BOOL:
		if (json_type(v) != JSON_BOOL)
			return false;
		*(bool *)field_at(f, rec) = json_bool(v, false);
		return true;
	case F_DOUBLE:
		if (json_type(v) != JSON_NUMBER)
			return false;
		*(double *)field_at(f, rec) = json_double(v, 0);
		return true;
	case F_ENUM:
		return s && read_enum(f, rec, s);
	}
	return false;
}

static void clear_field(const struct field *f, void *rec)
{
	if (is_text(f))
		free_p(text_at(f, rec));
	memset(field_at(f, rec), 0, field_size(f));
}

int record_from_json(const struct record_type *t, void *rec, const struct json *obj, bool strict,
		     struct err *err)
{
	if (json_type(obj) != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "expected an object, got %s", json_type_name(obj));
	for (const struct json *v = json_first(obj); v; v = json_next(v)) {
		const struct field *f = record_field(t, json_name(v));

		if (!f && strict)
			return err_field(err, ERR_INVALID, json_name(v), "unknown member");
		if (!f)
			continue;
		if (json_type(v) == JSON_NULL)
			clear_field(f, rec);
		else if (!read_field(f, rec, v) && strict)
			return err_field(err, ERR_INVALID, f->json, "expected %s, got %s",
					 expected(f), json_type_name(v));
	}
	return 0;
}

void record_set_text(const struct field *f, void *rec, const char *text)
{
	clear_field(f, rec);
	if (!text)
		return;
	switch (f->type) {
	case F_STR:
	case F_JSON:
		str_replace(text_at(f, rec), text);
		break;
	case F_I64:
	case F_DUR:
		(void)parse_i64(text, INT64_MIN, INT64_MAX, field_at(f, rec));
		break;
	case F_TIME:
		(void)parse_time_ms(text, field_at(f, rec));
		break;
	case F_BOOL:
		*(bool *)field_at(f, rec) = text[0] == 't' || text[0] == '1';
		break;
	case F_DOUBLE:
		(void)parse_double(text, field_at(f, rec));
		break;
	case F_ENUM:
		(void)read_enum(f, rec, text);
		break;
	}
}

/* ---- for people -------------------------------------------------------------- */

static void text_of_str(const struct field *f, const char *s, struct str *b)
{
	if (str_empty(s)) {
		str_add(b, "-");
	} else if (f->flags & FF_OUTSIDE) {
		_cleanup_(free_p) char *clean = text_clean(s, 4000);

		str_add(b, clean);
	} else {
		str_add(b, s);
	}
}

void record_text(const struct field *f, const void *rec, struct str *b)
{
	char buf[64];

	switch (f->type) {
	case F_STR:
	case F_JSON:
		text_of_str(f, *text_at(f, rec), b);
		break;
	case F_I64:
		str_addf(b, "%lld", (long long)i64_at(f, rec));
		break;
	case F_DUR:
		format_duration(buf, sizeof(buf), i64_at(f, rec));
		str_add(b, buf);
		break;
	case F_TIME:
		str_add(b, i64_at(f, rec) ? format_time(buf, i64_at(f, rec)) : "-");
		break;
	case F_BOOL:
		str_add(b, *(bool *)field_at(f, rec) ? "yes" : "no");
		break;
	case F_DOUBLE:
		str_addf(b, "%.4g", *(double *)field_at(f, rec));
		break;
	case F_ENUM:
		str_add(b, enum_name(f->names, enum_at(f, rec)));
		break;
	}
}

/* ---- lists ------------------------------------------------------------------- */

void records_json(struct jw *w, const char *name, const struct record_type *t, const void *items,
		  size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, t, (const char *)items + i * t->size);
	jw_arr_end(w);
}

void *records_read(const struct record_type *t, const struct json *list, size_t *ret_n)
{
	size_t n = json_type(list) == JSON_ARRAY ? json_count(list) : 0, i = 0;
	char *items = n ? xcalloc(n, t->size) : NULL;

	for (const struct json *v = n ? json_first(list) : NULL; v; v = json_next(v))
		(void)record_from_json(t, items + i++ * t->size, v, false, NULL);
	*ret_n = n;
	return items;
}

void records_free(const struct record_type *t, void *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(t, (char *)items + i * t->size);
	free_p(&items);
}
