/*
 * SQL with $name: PostgreSQL's own lexical rules decide what is a parameter. Text inside
 * quotes, comments and dollar quotes is left alone, byte for byte; outside, each name
 * becomes $1, $2 ... with a value and an explicit type, so nothing is ever pasted.
 *
 * The scanner also counts statements, for lint; the server refuses a second one anyway.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/bind.h"

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Behind a quoted text that begins at p; backslash: escapes count (E'..'). */
static const char *skip_quoted(const char *p, bool backslash)
{
	char q = *p++;

	while (*p && *p != q) {
		if (backslash && *p == '\\' && p[1])
			p++;
		p++;
	}
	return *p ? p + 1 : p; /* a doubled quote begins the next quoted text at once */
}

static const char *skip_comment(const char *p)
{
	int depth = 0;

	if (*p == '-') {
		p += strcspn(p, "\n");
		return p;
	}
	do { /* PostgreSQL nests them */
		if (p[0] == '/' && p[1] == '*') {
			depth++;
			p += 2;
		} else if (p[0] == '*' && p[1] == '/') {
			depth--;
			p += 2;
		} else {
			p++;
		}
	} while (*p && depth);
	return p;
}

/* $tag$ ... $tag$: behind it, or NULL when p does not begin one. */
static const char *skip_dollars(const char *p)
{
	size_t n = 1;

	while (word_char(p[n]) && !(n == 1 && isdigit((unsigned char)p[1])))
		n++;
	if (p[n++] != '$')
		return NULL;
	for (const char *q = p + n; *q; q++)
		if (*q == '$' && !strncmp(q, p, n))
			return q + n;
	return p + strlen(p);
}

/* Next piece of SQL at p: its end, and what it is. */
enum piece { PIECE_CODE, PIECE_QUOTED, PIECE_NAME, PIECE_SEMICOLON };
static const char *next_piece(const char *text, const char *p, enum piece *what, char *name,
			      size_t size)
{
	const char *end;

	*what = PIECE_QUOTED;
	if (*p == '\'' || *p == '"') {
		bool escapes = *p == '\'' && p > text && (p[-1] == 'E' || p[-1] == 'e') &&
			!(p - 1 > text && word_char(p[-2]));
		return skip_quoted(p, escapes);
	}
	if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*'))
		return skip_comment(p);
	if (*p == '$' && !(p > text && word_char(p[-1]))) {
		end = skip_dollars(p);
		if (end)
			return end;
		size_t n = bind_name_at(p, name, size);
		*what = n ? PIECE_NAME : PIECE_CODE;
		return p + (n ? n : 1);
	}
	*what = *p == ';' ? PIECE_SEMICOLON : PIECE_CODE;
	return p + 1;
}

static const char *type_of(const struct value *v)
{
	bool whole = true;

	switch (v->type) {
	case V_NULL:
	case V_TEXT: return "text";
	case V_BOOL: return "boolean";
	case V_NUMBER: return v->n == floor(v->n) && fabs(v->n) < 1e15 ? "bigint" : "numeric";
	case V_DURATION: return "interval";
	case V_TIME: return "timestamptz";
	case V_MAP: return "jsonb";
	case V_LIST: break;
	}
	for (size_t i = 0; i < v->n_items; i++) {
		if (v->items[i].type != V_NUMBER)
			return "text[]";
		whole &= v->items[i].n == floor(v->items[i].n);
	}
	return !v->n_items ? "text[]" : whole ? "bigint[]" : "numeric[]";
}

static int list_fits(const struct value *v, const char *name, struct err *err)
{
	for (size_t i = 0; v->type == V_LIST && i < v->n_items; i++)
		if (v->items[i].type == V_LIST || v->items[i].type == V_MAP)
			return err_field(err, ERR_INVALID, name,
					 "$%s holds lists or maps: no SQL array", name);
	return 0;
}

struct numbered { char **names; size_t n; };

static int parameter(struct scope *s, struct bound_sql *b, struct numbered *seen, const char *name,
		     struct str *out, struct err *err)
{
	size_t k = 0;
	size_t cap;

	while (k < seen->n && !str_eq(seen->names[k], name))
		k++;
	if (k == seen->n) {
		const struct value *v = bind_lookup(s, name, err);
		int r = v ? list_fits(v, name, err) : ERR_NOT_FOUND;
		if (r)
			return r;
		cap = b->n;
		b->values = grow(b->values, &cap, b->n + 1, sizeof(*b->values));
		cap = b->n;
		b->types = grow(b->types, &cap, b->n + 1, sizeof(*b->types));
		cap = seen->n;
		seen->names = grow(seen->names, &cap, seen->n + 1, sizeof(*seen->names));
		memset(&b->values[b->n], 0, sizeof(*b->values));
		value_copy(&b->values[b->n], v);
		b->types[b->n++] = type_of(v);
		seen->names[seen->n++] = xstrdup(name);
	}
	str_addf(out, "$%zu", k + 1);
	return 0;
}

int bind_sql(struct scope *s, const char *text, struct bound_sql *ret, struct err *err)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct bound_sql b = { 0 };
	struct numbered seen = { 0 };
	char name[BIND_NAME_MAX];
	enum piece what;
	int r = 0;

	for (const char *p = text; *p && !r;) {
		const char *end = next_piece(text, p, &what, name, sizeof(name));
		if (what == PIECE_NAME)
			r = parameter(s, &b, &seen, name, &out, err);
		else if (what == PIECE_CODE && *p == '$' && isdigit((unsigned char)p[1]))
			r = err_set(err, ERR_INVALID, "$%c in SQL: parameters have names here",
				    p[1]);
		else
			str_addn(&out, p, (size_t)(end - p));
		p = end;
	}
	for (size_t i = 0; i < seen.n; i++)
		free_p(&seen.names[i]);
	free_p(&seen.names);
	b.text = str_take(&out);
	if (r)
		bound_sql_fini(&b);
	else
		*ret = b;
	return r;
}

void bound_sql_fini(struct bound_sql *b)
{
	for (size_t i = 0; i < b->n; i++)
		value_fini(&b->values[i]);
	free_p(&b->values);
	free_p(&b->types);
	free_p(&b->text);
	memset(b, 0, sizeof(*b));
}

void bind_sql_scan(const char *text, void (*name_at)(void *ctx, const char *name, bool quoted),
		   void *ctx, size_t *ret_statements)
{
	char name[BIND_NAME_MAX];
	enum piece what;
	bool open = false;

	*ret_statements = 0;
	for (const char *p = text; *p;) {
		const char *end = next_piece(text, p, &what, name, sizeof(name));
		if (what == PIECE_NAME)
			name_at(ctx, name, false);
		bool comment = what == PIECE_QUOTED && (*p == '-' || *p == '/');
		/* of a comment a dollar says nothing; of a quoted text it looks meant */
		for (const char *q = p; what == PIECE_QUOTED && *p == '\'' && q < end; q++)
			if (*q == '$' && bind_name_at(q, name, sizeof(name)))
				name_at(ctx, name, true);
		if (what == PIECE_SEMICOLON) {
			open = false;
		} else if (!comment && !isspace((unsigned char)*p) && !open) {
			open = true;
			++*ret_statements;
		}
		p = end;
	}
}
