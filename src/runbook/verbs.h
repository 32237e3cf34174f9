/*
 * The table of verbs: one row and one .c for each. What several of them share is in
 * verb_common.c.
 */
#ifndef RD_RUNBOOK_VERBS_H
#define RD_RUNBOOK_VERBS_H

#include "runbook/verb.h"

#define VERB_LIST(X)                                                                               \
	X(VERB_HTTP, verb_http) X(VERB_SQL, verb_sql) X(VERB_RUN, verb_run)                        \
	X(VERB_METRIC, verb_metric) X(VERB_ASK, verb_ask) X(VERB_DECIDE, verb_decide)              \
	X(VERB_GATE, verb_gate) X(VERB_SAY, verb_say) X(VERB_CALL, verb_call)                      \
	X(VERB_NOTE, verb_note)
#define X(id, name) extern const struct verb name;
VERB_LIST(X)
#undef X

/* Effects that do not depend on the operation. */
enum effect verb_reads(const struct operation *op);
enum effect verb_changes(const struct operation *op);
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
