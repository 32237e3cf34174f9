/* Values to and from PostgreSQL: bound parameters and typed reading of results. */
#include "core/pg.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/pg_internal.h"
#include "core/str.h"

/* ---- parameters -------------------------------------------------------------------- */

static void add(struct pg_params *p, char *own)
{
	if (p->n == (int)COUNT_OF(p->v)) {
		free_p(&own);
		return; /* a statement with too many: the server says which is missing */
	}
	p->type[p->n] = 0;
	p->own[p->n] = own;
	p->v[p->n++] = own;
}

void pg_p_text(struct pg_params *p, const char *s)
{
	add(p, xstrdup(s));
}

void pg_p_i64(struct pg_params *p, int64_t v)
{
	add(p, xasprintf("%lld", (long long)v));
}

void pg_p_bool(struct pg_params *p, bool v)
{
	add(p, xstrdup(v ? "t" : "f"));
}

void pg_p_double(struct pg_params *p, double v)
{
	add(p, xasprintf("%.17g", v));
}

void pg_p_time(struct pg_params *p, int64_t ms)
{
	char buf[TIME_TEXT];

	add(p, ms ? xstrdup(format_time(buf, ms)) : NULL);
}

void pg_p_null(struct pg_params *p)
{
	add(p, NULL);
}

/* OIDs of the built-in types, which never change (pg_type.dat). */
static const struct { const char *name; unsigned oid; } types[] = {
	{ "text", 25 }, { "boolean", 16 }, { "bigint", 20 }, { "numeric", 1700 },
	{ "interval", 1186 }, { "timestamptz", 1184 }, { "jsonb", 3802 }, { "text[]", 1009 },
	{ "bigint[]", 1016 }, { "numeric[]", 1231 },
};

void pg_p_typed(struct pg_params *p, const char *type, const char *text)
{
	int at = p->n;

	add(p, xstrdup(text));
	for (size_t i = 0; at < p->n && i < COUNT_OF(types); i++)
		if (str_eq(type, types[i].name))
			p->type[at] = types[i].oid;
}

enum pg_kind pg_col_kind(const struct pg_result *r, int col)
{
	switch (PQftype(r->res, col)) {
	case 16: return PG_BOOL;
	case 20: case 21: case 23: case 26: case 700: case 701: case 1700: return PG_NUMBER;
	case 1114: case 1184: return PG_TIME;
	case 114: case 3802: return PG_JSON;
	default: return PG_TEXT;
	}
}

void pg_params_fini(struct pg_params *p)
{
	for (int i = 0; i < p->n; i++)
		free_p(&p->own[i]);
	p->n = 0;
}

void pg_p_format(struct pg_params *p, const char *fmt, va_list ap)
{
	for (; fmt && *fmt; fmt++) {
		switch (*fmt) {
		case 't': pg_p_text(p, va_arg(ap, const char *)); break;
		case 'i': pg_p_i64(p, va_arg(ap, int64_t)); break;
		case 'b': pg_p_bool(p, va_arg(ap, int)); break;
		case 'd': pg_p_double(p, va_arg(ap, double)); break;
		case 'm': pg_p_time(p, va_arg(ap, int64_t)); break;
		default: pg_p_null(p); break;
		}
	}
}

/* ---- results ------------------------------------------------------------------------- */

void pg_result_free(struct pg_result *r)
{
	if (!r)
		return;
	PQclear(r->res);
	free_p(&r);
}

void pg_result_free_p(struct pg_result **r)
{
	pg_result_free(*r);
	*r = NULL;
}

int pg_rows(const struct pg_result *r)
{
	return r ? PQntuples(r->res) : 0;
}

int pg_cols(const struct pg_result *r)
{
	return r ? PQnfields(r->res) : 0;
}

const char *pg_col_name(const struct pg_result *r, int col)
{
	return PQfname(r->res, col);
}

int pg_col(const struct pg_result *r, const char *name)
{
	for (int i = 0; i < PQnfields(r->res); i++) /* PQfnumber folds case */
		if (strcmp(PQfname(r->res, i), name) == 0)
			return i;
	return -1;
}

int64_t pg_affected(const struct pg_result *r)
{
	int64_t n = 0;

	if (r && r->row_by_row)
		return r->affected;
	return r && parse_i64(PQcmdTuples(r->res), 0, INT64_MAX, &n) ? n : 0;
}

bool pg_null(const struct pg_result *r, int row, int col)
{
	return col < 0 || PQgetisnull(r->res, row, col);
}

const char *pg_text(const struct pg_result *r, int row, int col)
{
	return pg_null(r, row, col) ? "" : PQgetvalue(r->res, row, col);
}

int64_t pg_i64(const struct pg_result *r, int row, int col)
{
	int64_t v = 0;

	return parse_i64(pg_text(r, row, col), INT64_MIN, INT64_MAX, &v) ? v : 0;
}

double pg_double(const struct pg_result *r, int row, int col)
{
	double v = 0;

	return parse_double(pg_text(r, row, col), &v) ? v : 0;
}

bool pg_bool(const struct pg_result *r, int row, int col)
{
	return pg_text(r, row, col)[0] == 't';
}

int64_t pg_time(const struct pg_result *r, int row, int col)
{
	int64_t ms = 0;

	return parse_time_ms(pg_text(r, row, col), &ms) ? ms : 0;
}

char *pg_like(const char *text)
{
	struct str b = STR_INIT(4000);

	if (str_empty(text))
		return NULL;
	str_addc(&b, '%');
	for (; *text; text++) {
		if (*text == '%' || *text == '_' || *text == '\\')
			str_addc(&b, '\\');
		str_addc(&b, *text);
	}
	str_addc(&b, '%');
	return str_take(&b);
}
