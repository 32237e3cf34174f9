/*
 * Problems of a runbook: kept in the order in which they were found, each with its place,
 * sorted by place when printed. A cap keeps a broken file of 10 MB from giving a million
 * lines; errors are counted beyond it.
 *
 * Also the reading of YAML's scalars as values, which parser and matchers share.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/runbook.h"

enum { PROBLEMS_MAX = 100 };

void problems_add(struct problems *p, const char *file, struct place at, bool warning,
		  const char *fmt, ...)
{
	size_t cap = p->n;
	va_list ap;

	p->n_errors += !warning;
	if (p->n >= PROBLEMS_MAX && warning)
		return;
	if (p->n >= PROBLEMS_MAX) { /* an error takes the place of a warning */
		size_t i = p->n;
		while (i && !p->v[i - 1].warning)
			i--;
		if (!i)
			return;
		free_p(&p->v[i - 1].file);
		free_p(&p->v[i - 1].text);
		memmove(&p->v[i - 1], &p->v[i], (p->n - i) * sizeof(*p->v));
		p->n--;
	}
	p->v = grow(p->v, &cap, p->n + 1, sizeof(*p->v));
	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	p->v[p->n++] = (struct problem){ xstrdup(file), at, warning, text_clean(text, 400) };
}

void problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free_p(&p->v[i].file);
		free_p(&p->v[i].text);
	}
	free_p(&p->v);
	memset(p, 0, sizeof(*p));
}

static int by_place(const void *a, const void *b)
{
	const struct problem *x = *(const struct problem *const *)a;
	const struct problem *y = *(const struct problem *const *)b;
	int r = strcmp(x->file, y->file);

	if (!r)
		r = (x->at.line > y->at.line) - (x->at.line < y->at.line);
	if (!r)
		r = (x->at.column > y->at.column) - (x->at.column < y->at.column);
	return r ? r : (x > y) - (x < y);
}

void problems_print(struct str *out, const struct problems *p)
{
	const struct problem **order = xcalloc(p->n + 1, sizeof(*order));
	size_t errors = 0;

	for (size_t i = 0; i < p->n; i++) {
		order[i] = &p->v[i];
		errors += !p->v[i].warning;
	}
	qsort(order, p->n, sizeof(*order), by_place);
	for (size_t i = 0; i < p->n; i++) {
		const struct problem *x = order[i];
		str_addf(out, "%s:%d:%d: %s%s\n", x->file, x->at.line, x->at.column,
			 x->warning ? "warning: " : "", x->text);
	}
	if (p->n_errors > errors)
		str_addf(out, "%zu more errors\n", p->n_errors - errors);
	free_p(&order);
}

void value_from_yaml(struct value *v, const struct yaml *y)
{
	double n;

	if (y->type == YAML_SCALAR) {
		const char *s = y->text;
		if (y->quoted)
			value_set_text(v, s);
		else if (!*s || str_eq(s, "~") || str_eq(s, "null"))
			value_set_text(v, NULL);
		else if (str_eq(s, "true") || str_eq(s, "false"))
			value_set_bool(v, *s == 't');
		else if (parse_double(s, &n))
			value_set_number(v, n);
		else
			value_set_text(v, s);
		return;
	}
	value_set_text(v, NULL);
	v->type = y->type == YAML_LIST ? V_LIST : V_MAP;
	for (const struct yaml *c = y->first; c; c = c->next)
		value_from_yaml(value_add(v, y->type == YAML_LIST ? NULL : c->key), c);
}
