/* Options of the configuration for runbooks. */
#include "runbook/settings.h"

#include <stddef.h>

#include "core/mem.h"

#define S(m) offsetof(struct runbook_settings, m)

static const struct option_row rows[] = {
	{ .name = "runbooks.dir", .type = OPT_STR, .offset = S(dir),
	  .help = "directory of the runbooks and policy.yaml; unset: ./runbooks, those installed with "
		  "the program, /etc/ringdown/runbooks, the first that is there" },
	{ .name = "runbooks.target", .type = OPT_STR, .offset = S(target),
	  .help = "target of policy.yaml whose values runbooks get with 'from: target'" },
};
const struct option_table runbook_options = { "runbooks", rows, COUNT_OF(rows),
					      sizeof(struct runbook_settings) };
