/*
 * `ringdown incident action`: an action item of an incident, added or changed. Only what is named
 * is sent, so that what others wrote stays; "none" takes an owner or a date away.
 */
#include "cli/incident.h"
#include "cli/remote.h"

/* Both ways to say it: --due none, --due "". */
static void add_or_none(struct cli *c, struct jw *w, const char *option, const char *member)
{
	const char *text = cli_opt(c, option);

	if (text)
		jw_str(w, member, str_empty(text) || str_eq(text, "none") ? "" : text);
}

static int action(struct cli *c)
{
	_cleanup_(str_fini) struct str body = STR_INIT(1 << 16);
	struct jw w = JW(&body);
	int64_t base = 0;

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
	add_or_none(c, &w, "owner", "owner");
	add_or_none(c, &w, "due", "dueAt");
	jw_obj_end(&w);
	return incident_do(c, &body, cli_arg(c, 1) ? "action changed" : "action added");
}

int incident_action_run(struct cli *c)
{
	return cli_run(c, action);
}
