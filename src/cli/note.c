/* `ringdown note`: a note with every text that it ever had; changing it, taking it back. Writing a
 * new one is `ringdown incident note`. */
#include <string.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

static const char *verb_of(const struct cli *c)
{
	return cli_command(c)->name;
}

static int show(struct cli *c)
{
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct str path = STR_INIT(400);
	int r;

	str_add(&path, "/api/v1/notes/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r == 0)
		remote_print(c, doc);
	return r;
}

static void add(struct cli *c, struct jw *w, const char *option, const char *member)
{
	if (cli_opt(c, option))
		jw_str(w, member, cli_opt(c, option));
}

static int change(struct cli *c)
{
	bool edit = str_eq(verb_of(c), "edit");
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct str path = STR_INIT(400), body = STR_INIT(64000);
	struct jw w = JW(&body);
	int64_t version = 0;
	int r;

	if (!cli_opt_i64(c, "base", 1, INT64_MAX, &version))
		return EXIT_USAGE;
	str_add(&path, "/api/v1/notes/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, edit ? "" : "/retract");
	jw_obj(&w, NULL);
	if (version)
		jw_i64(&w, "version", version);
	if (edit)
		jw_str(&w, "text", cli_arg(c, 1));
	else
		jw_bool(&w, "back", str_eq(verb_of(c), "back"));
	add(c, &w, "at", "happenedAt");
	add(c, &w, "evidence", "source");
	add(c, &w, "reason", "reason");
	jw_obj_end(&w);
	r = remote_send(c, edit ? "PATCH" : "POST", str_get(&path), str_get(&body), &doc, NULL);
	str_fini(&path);
	str_fini(&body);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0)
		cli_print(c, "%s %s\n", cli_arg(c, 0),
			  edit                         ? "changed; the text before it is kept"
			  : str_eq(verb_of(c), "back") ? "stands again"
						       : "taken back");
	return r;
}

static int show_run(struct cli *c)
{
	return cli_run(c, show);
}

static int change_run(struct cli *c)
{
	return cli_run(c, change);
}

#define BASE                                                                                       \
	{ .name = "base", .arg = "VERSION",                                                        \
	  .help = "as `note show` says it; refused when somebody changed it since" }
static const struct cli_option edit_options[] = {
	BASE,
	{ .name = "at", .arg = "TIME", .help = "when it happened, RFC 3339" },
	{ .name = "evidence", .arg = "REF", .help = "what shows it: EV-1, RUN-2, AL-3, a link" },
};
static const struct cli_option retract_options[] = {
	BASE,
	{ .name = "reason", .arg = "R", .required = true, .help = "why (required); everybody sees"
	  " it in the timeline" },
};
static const struct cli_option back_options[] = { BASE };
static const struct subcommand verbs[] = {
	{ .name = "show", .args = "NOTE", .kind = CLI_READS, .run = show_run,
	  .help = "a note with every text that it ever had" },
	{ .name = "edit", .args = "NOTE TEXT", .kind = CLI_CHANGES, .options = edit_options,
	  .n_options = COUNT_OF(edit_options), .run = change_run,
	  .help = "change it; the text before is kept" },
	{ .name = "retract", .args = "NOTE", .kind = CLI_CHANGES, .options = retract_options,
	  .n_options = COUNT_OF(retract_options), .run = change_run,
	  .help = "take it back: hidden, not deleted" },
	{ .name = "back", .args = "NOTE", .kind = CLI_CHANGES, .options = back_options,
	  .n_options = COUNT_OF(back_options), .run = change_run, .help = "bring it back" },
};
const struct subcommand cmd_note = {
	.name = "note",
	.kind = CLI_READS,
	.verbs = verbs,
	.n_verbs = COUNT_OF(verbs),
	.help = "notes of people: show, edit, take back",
	.detail = "Two who edit at once lose nothing: with --base the later one is refused, and "
		  "its text is kept beside the other as a version.",
};
