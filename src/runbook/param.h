/* Parameters: from what was typed, or found, to a value of their type. */
#ifndef RD_RUNBOOK_PARAM_H
#define RD_RUNBOOK_PARAM_H

#include "runbook/runbook.h"

const char *param_type_name(enum param_type t);		/* "string" "int" ... as in YAML */
/* Checks and converts; ERR_INVALID with one sentence for people, err->field = the name.
 * Types of the value: text; number (int, number); bool; duration (ms); time (date: midnight
 * UTC, or RFC 3339). Secrets are marked. Suitable while typing, too. */
int param_value(const struct param *p, const char *text, struct value *ret, struct err *err);
/* What is wanted, in words: "a phone number such as +14155550100". */
/* as typed; NULL: none */
void param_limits(const struct param *p, char **ret_min, char **ret_max);
void param_wants(const struct param *p, struct str *out);

#endif
