/*
 * `ringdown incident action`: an action item of an incident, added or changed. Only what is named
 * is sent, so that what others wrote stays; "none" takes an owner or a date away.
 */
#include <string.h>
#include <time.h>

#include "cli/incident.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/incident.h"

/* Both ways to say it: --due none, --due "". */
static bool none(const char *text)
{
	return str_empty(text) || str_eq(text, "none");
}

static int add_due(struct cli *c, struct jw *w)
{
	const char *text = cli_opt(c, "due");
	int64_t ms = 0;

	if (!text)
		return 0;
	if (none(text)) {
		jw_str(w, "dueAt", "");
		return 0;
	}
	if (!incident_due_parse(text, (int64_t)time(NULL) * 1000, &ms))
		return cli_fail(c, EXIT_USAGE, "--due: such as 2026-12-01, +7d, "
				"2026-12-01T12:00:00Z or none, not '%.60s'", text);
	jw_time(w, "dueAt", ms);
	return 0;
}

static int action(struct cli *c)
{
	_cleanup_(str_fini) struct str body = STR_INIT(1 << 16);
	struct jw w = JW(&body);
	int64_t base = 0;
	int r;

	if (!cli_opt_i64(c, "base", 1, INT64_MAX, &base))
		return EXIT_USAGE;
	if (!cli_arg(c, 1) && !cli_opt(c, "text"))
		return cli_fail(c, EXIT_USAGE, "a new action needs --text; an old one is named as"
				" 'ringdown incident show %s' does: A-1", cli_arg(c, 0));
	jw_obj(&w, NULL);
	jw_str(&w, "action", "action");
	if (cli_arg(c, 1))
		jw_str(&w, "id", cli_arg(c, 1));
	if (base)
		jw_i64(&w, "itemVersion", base);
	incident_add_opt(c, &w, "text", "text");
	incident_add_opt(c, &w, "state", "state");
	if (cli_opt(c, "owner"))
		jw_str(&w, "owner", none(cli_opt(c, "owner")) ? "" : cli_opt(c, "owner"));
	r = add_due(c, &w);
	jw_obj_end(&w);
	return r == 0 ? incident_do(c, &body, cli_arg(c, 1) ? "action changed" : "action added") : r;
}

int incident_action_run(struct cli *c)
{
	return cli_run(c, action);
}
