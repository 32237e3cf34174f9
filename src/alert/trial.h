/*
 * Alert rules tried out: series from a file are fed to the board under a clock of its own, and
 * what fires when is told and compared with what the file expects. Nothing outside is asked.
 */
#ifndef RD_ALERT_TRIAL_H
#define RD_ALERT_TRIAL_H

#include "alert/board.h"

struct trial_row {			/* something happened, or should have */
	int64_t at_ms;			/* since the beginning */
	char *name, *label, *what, *severity, *priority, *value, *by, *text, *wrong;
};
extern const struct record_type trial_type;
struct trial {
	struct trial_row *v; size_t n, cap;
	size_t wrong;			/* expectations that were not met, also rows */
	size_t expected;
	int64_t length_ms;
};
/*
 *   policy: policy.yaml                 optional, beside the file; else p
 *   step: 15s                           optional; time between two values
 *   series:
 *     call_drop_rate: 1x20 6x40 1x20    20 times 1 ...; "-": it could not be read; "_": no value
 *     sms_failures{org_a}: [1, 30x10]   a label in braces
 *   expect:
 *   - {at: 5m, alert: call_drop_rate, is: firing, severity: bad, on: ''}
 *
 * `is`: pending, firing, resolved (at that very time or before, and nothing since), quiet (none
 * open), unreadable, inhibited. 0, or ERR_INVALID with file:line:column.
 */
int trial_run(const char *file, const struct policy *p, struct trial *ret, struct err *err);
void trial_fini(struct trial *ret);

#endif
