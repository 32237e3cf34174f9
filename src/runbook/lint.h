/* The rules from the inside: lint.c, lint_text.c. */
#ifndef RD_RUNBOOK_LINT_H
#define RD_RUNBOOK_LINT_H

#include "runbook/parse.h"

struct lint { struct reading *r; const struct step *step; };

void lint_error(const struct lint *l, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void lint_warn(const struct lint *l, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What the texts of an operation do, against what is declared. */
void lint_operation(const struct lint *l, const struct operation *op, enum effect effect);

#endif
