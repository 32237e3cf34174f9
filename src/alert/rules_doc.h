/* Rules of the policy with the figures they judge: as the leader has them on its board, elsewhere
 * as it sampled them last. */
#ifndef RD_ALERT_RULES_DOC_H
#define RD_ALERT_RULES_DOC_H

#include "model/fields.h"
#include "policy/policy.h"

struct store;

struct rule_row {			/* one series; a rule without any has one row, too */
	char *name, *title, *label, *value, *band, *wanted, *source, *runbook, *why;
	int64_t for_ms, keep_ms, at_ms;
};
extern const struct record_type rule_type;
struct board;
/* On the leader. Rows are the caller's (records_free). */
void alert_rules_now(const struct board *b, struct rule_row **ret, size_t *ret_n);
/* Anywhere; p may be NULL: no rules. */
int alert_rules(struct store *s, const struct policy *p, int64_t now_ms, struct rule_row **ret,
		size_t *ret_n, struct err *err);

#endif
