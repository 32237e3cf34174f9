/*
 * Alerts as a look at things wishes them: collected first, then compared with what fires, so
 * that a quiet look writes nothing. For whoever raises alerts from a recurring look.
 */
#ifndef RD_STORE_WISHES_H
#define RD_STORE_WISHES_H

#include <stdbool.h>
#include <stddef.h>

struct alert_wish { char name[24], subject[80], severity[8], text[300]; bool tell; };
struct wishes { struct alert_wish *v; size_t n, max; };

void wishes_init(struct wishes *l, size_t max);	/* more than max are dropped */
void wishes_fini(struct wishes *l);
/* tell: people hear of it when it is new. */
void wish(struct wishes *l, const char *name, const char *subject, const char *severity, bool tell,
	  const char *fmt, ...) __attribute__((format(printf, 6, 7)));
const struct alert_wish *wishes_find(const struct wishes *l, const char *name, const char *subject);
/* Raising it again would change nothing. */
bool wish_same(const struct alert_wish *w, const char *severity, const char *text);

#endif
