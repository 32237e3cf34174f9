/*
 * The title of an incident that the policy declared: it says what is gravest now, and how much
 * more there is, until a person words one. Worded anew at most every few minutes, and only when it
 * would read otherwise.
 */
#ifndef RD_INCIDENT_TITLE_H
#define RD_INCIDENT_TITLE_H

#include "incident/declare.h"

/* What lasts, in words; NULL = nothing does, the title stays. Heap. Pure. */
char *title_of(const struct policy *p, const struct occasion *v, size_t n, int64_t now_ms,
	       double speed);
/* In the leader's task. *ret: how many were worded anew. */
int titles_look(struct incidents *h, const struct who *who, size_t *ret, struct err *err);

#endif
