/* Options of the configuration for runbooks. */
#include "runbook/settings.h"

#include <stddef.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define S(m) offsetof(struct runbook_settings, m)

static const struct option_row rows[] = {
	{ .name = "runbooks.dir", .type = OPT_STR, .offset = S(dir),
	  .help = "directory of the runbooks and policy.yaml; unset: ./runbooks, those installed"
		  " with the program, /etc/ringdown/runbooks, the first that is there" },
	{ .name = "runbooks.target", .type = OPT_STR, .offset = S(target),
	  .help = "target of policy.yaml whose values runbooks get with 'from: target'" },
	{ .name = "runbooks.root", .type = OPT_STR, .offset = S(root),
	  .help = "directory below which programs of runbooks run; unset: anywhere" },
	{ .name = "runbooks.database", .type = OPT_STR, .offset = S(database),
	  .help = "database that runbooks read, with a role that may only select; unset: 'database'"
		  " as ringdown_runbook" },
	{ .name = "runbooks.changeDatabase", .type = OPT_STR, .offset = S(change_database),
	  .help = "database that runbooks change, with a role that may; unset: 'database'" },
};
const struct option_table runbook_options = { "runbooks", rows, COUNT_OF(rows),
					      sizeof(struct runbook_settings) };

/* The same database with another user: as a member of the URL's query or a keyword. */
char *runbooks_read_url(const struct runbook_settings *s, const char *database)
{
	bool uri = database && strstr(database, "://") != NULL;

	if (s && !str_empty(s->database))
		return xstrdup(s->database);
	if (str_empty(database))
		return NULL;
	return xasprintf("%s%suser=ringdown_runbook", database,
			 !uri ? " " : strchr(database, '?') ? "&" : "?");
}

char *runbooks_change_url(const struct runbook_settings *s, const char *database)
{
	if (s && !str_empty(s->change_database))
		return xstrdup(s->change_database);
	return str_empty(database) ? NULL : xstrdup(database);
}
