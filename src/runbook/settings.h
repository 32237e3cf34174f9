/* What a configuration says about runbooks. */
#ifndef RD_RUNBOOK_SETTINGS_H
#define RD_RUNBOOK_SETTINGS_H

#include "core/config.h"

struct runbook_settings {
	char *dir;			/* NULL = the first that is there */
	char *target;			/* of policy.yaml; values of `from: target` */
};
extern const struct option_table runbook_options;
/* runbooks.dir, or the first of ./runbooks, ../runbooks and ../share/ringdown/runbooks beside
 * the program, /etc/ringdown/runbooks. s may be NULL. Caller frees. */
char *runbooks_dir(const struct runbook_settings *s);

#endif
