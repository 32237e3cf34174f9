/*
 * The verbs that VERB_LIST names, one .c for each. What several of them share is in
 * verb_common.c.
 */
#ifndef RD_RUNBOOK_VERBS_H
#define RD_RUNBOOK_VERBS_H

#include "runbook/verb.h"

#define X(id, name) extern const struct verb verb_##name;
VERB_LIST(X)
#undef X

/* text with its names bound, or as written where a value is missing (ERR_NOT_FOUND). */
int verb_text(const struct verb_call *c, const char *text, struct str *ret, struct err *err);
/* Adds to ret, masked and cleaned, on one line. */
void verb_show(const struct verb_call *c, struct str *ret, const char *text);
void verb_time(struct value *result, int64_t ms);	/* subject "time" */
bool verb_expects(const struct verb_call *c, const char *subject); /* expect or save names it */

/* What a statement may be: the first word decides, before the server sees it. ERR_DENIED with
 * the reason. */
int verb_sql_allowed(const char *text, bool read, struct err *err);

#endif
