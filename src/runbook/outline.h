/* A runbook told: for people, for programs, as Markdown. */
#ifndef RD_RUNBOOK_OUTLINE_H
#define RD_RUNBOOK_OUTLINE_H

#include "core/json.h"
#include "runbook/runbook.h"

void runbook_text(struct str *out, const struct runbook *rb);
/* {"id","title",...,"params":[...],"phases":[{"name","box","steps":[...]}]}; steps have
 * "options":[{"pick","steps":[...]}]. */
void runbook_json(struct jw *w, const char *name, const struct runbook *rb);
void runbook_markdown(struct str *out, const struct runbook *rb);
/* What an operation does, as written, on one line: "GET $base/health", "pm2 restart $process". */
void operation_text(struct str *out, const struct operation *op);
void runbook_triggers(struct str *out, const struct runbook *rb);
struct policy;
void runbook_lint_policy(const struct runbook *rb, const struct policy *p, struct problems *ret);
struct runbook_counts { int64_t steps, changes, destroys; };
struct runbook_counts runbook_count(const struct runbook *rb);

#endif
