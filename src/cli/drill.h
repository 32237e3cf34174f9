/* What a drill came to, and keeping it with the real incidents. */
#ifndef RD_CLI_DRILL_H
#define RD_CLI_DRILL_H

#include "cli/cli.h"

struct drill_result {
	char *title, *severity, *outcome;	/* outcome: one sentence */
	char *notes;				/* what was seen, lines */
	int64_t started_at_ms, detected_at_ms, acked_at_ms, mitigated_at_ms, resolved_at_ms;
	bool failed;				/* what was practised did not come out well */
};
void drill_result_fini(struct drill_result *d);
void drill_print(struct cli *c, const struct drill_result *d);
/* In a task of cli_run: an incident of kind drill, and the practice of drills as done. 0, or an
 * exit status after telling. */
int drill_record(struct cli *c, const struct drill_result *d);
/* In a task: preflight and plan for each carrying account; nothing is written outside. */
int drill_live(struct cli *c, struct drill_result *ret);

#endif
