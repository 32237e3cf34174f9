/*
 * Tables on stdout. Cells are kept until the end, because only then the widths are
 * known; rows are bounded by what the API sends in its pages. Text from outside is
 * cleaned here whatever the format, so no caller has to remember it.
 */
#include "cli/output.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "core/mem.h"

struct table_cell {
	char *text;		/* NULL = unset */
	bool bare;		/* already JSON: number, true, false */
};

/* Wider cells are cut in text tables, except in the last column. */
enum { CELL_MAX = 72 };

void table_init(struct table *t, enum cli_format format, const struct table_column *columns,
		size_t n)
{
	assert(n > 0);
	*t = (struct table){ .format = format };
	t->n_columns = n < TABLE_MAX_COLUMNS ? n : TABLE_MAX_COLUMNS;
	memcpy(t->columns, columns, t->n_columns * sizeof(*columns));
}

static void add(struct table *t, char *text, bool bare)
{
	t->cells = grow(t->cells, &t->cap, t->n + 1, sizeof(*t->cells));
	t->cells[t->n++] = (struct table_cell){ text, bare };
}

void table_add(struct table *t, const char *text)
{
	add(t, text ? text_clean(text, 0) : NULL, false);
}

void table_add_i64(struct table *t, int64_t v)
{
	add(t, xasprintf("%lld", (long long)v), true);
}

void table_add_time(struct table *t, int64_t ms)
{
	char buf[TIME_TEXT];

	table_add(t, ms ? format_time(buf, ms) : NULL);
}

void table_add_bool(struct table *t, bool v)
{
	if (t->format == FORMAT_TEXT)
		table_add(t, v ? "yes" : "no");
	else
		add(t, xstrdup(v ? "true" : "false"), true);
}

void table_replace(struct table *t, const char *from, const char *to)
{
	if (str_empty(from) || str_empty(to))
		return;
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->cells[i].text, from)) {
			free(t->cells[i].text);
			t->cells[i].text = text_clean(to, 0);
		}
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	t->cells = NULL;
	t->n = t->cap = 0;
}

/* ---- JSON, CSV ------------------------------------------------------------------ */

static void json_row(struct jw *w, const struct table *t, size_t row)
{
	jw_obj(w, NULL);
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct table_cell *cell = &t->cells[row * t->n_columns + i];
		if (cell->bare)
			jw_raw(w, t->columns[i].json, cell->text);
		else
			jw_str(w, t->columns[i].json, cell->text);
	}
	jw_obj_end(w);
}

static void print_json(struct str *out, const struct table *t, const char *name)
{
	struct jw w = JW(out);

	if (name)
		jw_obj(&w, NULL);
	jw_arr(&w, name);
	for (size_t row = 0; row < t->n / t->n_columns; row++)
		json_row(&w, t, row);
	jw_arr_end(&w);
	if (name)
		jw_obj_end(&w);
	str_addc(out, '\n');
}

/* Quoted where needed. A leading '=' or '@' would be a formula to a spreadsheet. */
static void csv_cell(struct str *out, const char *s)
{
	bool formula = s && (*s == '=' || *s == '@');

	if (!s)
		return;
	if (!formula && !s[strcspn(s, ",\"\r\n")] && *s != ' ') {
		str_add(out, s);
		return;
	}
	str_add(out, formula ? "\"'" : "\"");
	for (; *s; s++) {
		if (*s == '"')
			str_addc(out, '"');
		str_addc(out, *s);
	}
	str_addc(out, '"');
}

static void print_csv(struct str *out, const struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++)
		str_addf(out, "%s%s", i ? "," : "", t->columns[i].json);
	for (size_t i = 0; i < t->n; i++) {
		str_addc(out, i % t->n_columns ? ',' : '\n');
		csv_cell(out, t->cells[i].text);
	}
	str_addc(out, '\n');
}

/* ---- text ------------------------------------------------------------------------ */

static size_t columns_of(const char *s)
{
	size_t left = strlen(s);
	size_t width = 0;
	size_t used;

	for (; left; s += used, left -= used) {
		int32_t cp = utf8_decode(s, left, &used);
		int w = cp < 0 ? 1 : wcwidth((wchar_t)cp);
		width += w < 0 ? 1 : (size_t)w;
	}
	return width;
}

void print_line(struct cli *c, size_t columns, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	_cleanup_(free_p) char *line = text_clean(text, 0);
	size_t width = 0, left = strlen(line), used, fits = 0;

	for (const char *p = line; left; p += used, left -= used) {
		int32_t cp = utf8_decode(p, left, &used);
		int w = cp < 0 ? 1 : wcwidth((wchar_t)cp);

		width += w < 0 ? 1 : (size_t)w;
		if (width <= columns - 2)
			fits = (size_t)(p + used - line);
	}
	cli_print(c, "%.*s%s\n", width > columns ? (int)fits : (int)strlen(line), line,
		  width > columns ? ".." : "");
}

static void add_padded(struct str *out, const char *s, size_t width, bool right, bool last)
{
	size_t have = columns_of(s);
	int pad = have < width ? (int)(width - have) : 0;

	if (right)
		str_addf(out, "%*s%s", pad, "", s);
	else
		str_addf(out, "%s%*s", s, last ? 0 : pad, "");
	str_add(out, last ? "\n" : "  ");
}

static char *title_of(const struct table_column *c)
{
	char *s = xstrdup(c->title ? c->title : c->json);

	for (char *p = s; !c->title && *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return s;
}

static void print_text(struct str *out, struct table *t)
{
	size_t width[TABLE_MAX_COLUMNS];
	char *titles[TABLE_MAX_COLUMNS];
	size_t last = t->n_columns - 1;

	for (size_t i = 0; i < t->n_columns; i++) {
		titles[i] = title_of(&t->columns[i]);
		width[i] = columns_of(titles[i]);
	}
	for (size_t i = 0; i < t->n; i++) {
		struct table_cell *cell = &t->cells[i];
		size_t col = i % t->n_columns;
		char *shown = str_empty(cell->text) ? xstrdup("-") :
			      text_clean(cell->text, col == last ? 0 : CELL_MAX);
		free(cell->text);
		cell->text = shown;
		if (columns_of(shown) > width[col])
			width[col] = columns_of(shown);
	}
	for (size_t i = 0; i < t->n_columns; i++) {
		add_padded(out, titles[i], width[i], t->columns[i].number, i == last);
		free(titles[i]);
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t col = i % t->n_columns;
		add_padded(out, t->cells[i].text, width[col], t->columns[col].number, col == last);
	}
}

void table_print(struct table *t, struct cli *c, const char *name)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	assert(t->n_columns && t->n % t->n_columns == 0);
	switch (t->format) {
	case FORMAT_TEXT: print_text(&out, t); break;
	case FORMAT_CSV: print_csv(&out, t); break;
	case FORMAT_JSON: print_json(&out, t, name); break;
	case FORMAT_JSONL:
		for (size_t row = 0; row < t->n / t->n_columns; row++) {
			struct jw w = JW(&out);
			json_row(&w, t, row);
			str_addc(&out, '\n');
		}
		break;
	}
	cli_write(c, str_get(&out));
	str_fini(&out);
}

/* ---- records ---------------------------------------------------------------------- */

static bool is_number(const struct field *f)
{
	return f->type == F_I64 || f->type == F_DOUBLE;
}

static size_t choose_fields(const struct record_type *type, const char *names, bool all,
			    const struct field **fields)
{
	size_t n = 0;

	for (const char *p = names; p && *p && n < TABLE_MAX_COLUMNS;) {
		size_t len = strcspn(p, " ");
		_cleanup_(free_p) char *name = xstrndup(p, len);
		const struct field *f = record_field(type, name);
		if (f)
			fields[n++] = f;
		p += len;
		p += strspn(p, " ");
	}
	for (size_t i = 0; !names && i < type->n && n < TABLE_MAX_COLUMNS; i++)
		if (all || !(type->fields[i].flags & FF_DETAIL))
			fields[n++] = &type->fields[i];
	return n;
}

size_t table_record_columns(struct table *t, enum cli_format format, const struct record_type *type,
			    const char *names, const struct field **fields)
{
	struct table_column columns[TABLE_MAX_COLUMNS];
	size_t n = choose_fields(type, format == FORMAT_TEXT ? names : NULL, format != FORMAT_TEXT,
				 fields);

	for (size_t i = 0; i < n; i++)
		columns[i] = (struct table_column){ fields[i]->json, fields[i]->title,
						    is_number(fields[i]) };
	table_init(t, format, columns, n);
	return n;
}

/* For programs: exact, unset is empty, durations in milliseconds. */
static void add_exact(struct table *t, const struct field *f, const void *rec)
{
	const void *p = field_at(f, rec);
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	switch (f->type) {
	case F_STR:
	case F_JSON: table_add(t, *(char *const *)p); break;
	case F_I64:
	case F_DUR: table_add_i64(t, *(const int64_t *)p); break;
	case F_TIME: table_add_time(t, *(const int64_t *)p); break;
	case F_BOOL: table_add_bool(t, *(const bool *)p); break;
	case F_DOUBLE:
		json_add_double(&b, *(const double *)p);
		add(t, str_take(&b), true);
		break;
	case F_ENUM: table_add(t, enum_name(f->names, *(const int *)p)); break;
	}
}

void table_add_record(struct table *t, const struct field *const *fields, size_t n, const void *rec)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	for (size_t i = 0; i < n; i++) {
		if (t->format != FORMAT_TEXT) {
			add_exact(t, fields[i], rec);
			continue;
		}
		str_clear(&b);
		record_text(fields[i], rec, &b);
		table_add(t, str_get(&b));
	}
	str_fini(&b);
}

void record_print(struct cli *c, const struct record_type *type, const void *rec)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct table t;

	if (cli_format(c) != FORMAT_TEXT) {
		size_t n = table_record_columns(&t, cli_format(c), type, NULL, fields);
		table_add_record(&t, fields, n, rec);
		table_print(&t, c, NULL);
		table_fini(&t);
		return;
	}
	for (size_t i = 0; i < type->n; i++) {
		struct str value = STR_INIT(STR_MAX_DEFAULT);
		record_text(&type->fields[i], rec, &value);
		_cleanup_(free_p) char *clean = text_clean(str_get(&value), 0);
		str_addf(&out, "%-18s %s\n", type->fields[i].title ? type->fields[i].title :
								     type->fields[i].json, clean);
		str_fini(&value);
	}
	cli_write(c, str_get(&out));
	str_fini(&out);
}
