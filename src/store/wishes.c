/* See wishes.h. */
#include "store/wishes.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/str.h"

void wishes_init(struct wishes *l, size_t max)
{
	*l = (struct wishes){ .v = xcalloc(max, sizeof(*l->v)), .max = max };
}

void wishes_fini(struct wishes *l)
{
	free_p(&l->v);
	l->n = l->max = 0;
}

void wish(struct wishes *l, const char *name, const char *subject, const char *severity, bool tell,
	  const char *fmt, ...)
{
	struct alert_wish *w = &l->v[l->n];
	va_list ap;

	if (l->n == l->max)
		return;
	snprintf(w->name, sizeof(w->name), "%s", name);
	snprintf(w->subject, sizeof(w->subject), "%s", subject);
	snprintf(w->severity, sizeof(w->severity), "%s", severity);
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	w->tell = tell;
	l->n++;
}

const struct alert_wish *wishes_find(const struct wishes *l, const char *name, const char *subject)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].name, name) && str_eq(l->v[i].subject, subject))
			return &l->v[i];
	return NULL;
}

bool wish_same(const struct alert_wish *w, const char *severity, const char *text)
{
	return str_eq(w->severity, severity) && str_eq(w->text, text);
}
