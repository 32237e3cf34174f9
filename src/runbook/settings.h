/* What a configuration says about runbooks. */
#ifndef RD_RUNBOOK_SETTINGS_H
#define RD_RUNBOOK_SETTINGS_H

#include "core/config.h"

struct runbook_settings {
	char *dir;			/* NULL = the first that is there */
	char *target;			/* of policy.yaml; values of `from: target` */
	char *root;			/* directory that programs may not leave; NULL = any */
	char *database, *change_database; /* application's, for reads and for changes */
};
extern const struct option_table runbook_options;
/* runbooks.dir, or the first of ./runbooks, ../runbooks and ../share/ringdown/runbooks beside
 * the program, /etc/ringdown/runbooks. s may be NULL. Caller frees. */
char *runbooks_dir(const struct runbook_settings *s);

/* Where steps of sql go. Reads: runbooks.database, or the engine's own as ringdown_runbook;
 * changes: runbooks.changeDatabase, or the engine's own. NULL when there is none. Caller frees. */
char *runbooks_read_url(const struct runbook_settings *s, const char *database);
char *runbooks_change_url(const struct runbook_settings *s, const char *database);

#endif
