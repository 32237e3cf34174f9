/*
 * `ringdown incident`: declare one, see it, say what is done about it. Everything goes through
 * the engine, which keeps the clocks; what stands here are words and tables.
 */
#include <stdio.h>
#include <string.h>

#include "cli/incident.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/incident.h"

/* ---- reading ------------------------------------------------------------------------- */

static int list(struct cli *c)
{
	struct str path = STR_INIT(4000);
	int64_t limit = 100;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 1000000, &limit))
		return EXIT_USAGE;
	str_add(&path, API_INCIDENTS);
	remote_query(&path, "state", cli_opt(c, "state"));
	r = remote_list_max(c, str_get(&path), "incidents", &incident_type, NULL,
			    "id severity state kind title service commander declaredAt ackDueAt "
			    "nextUpdateAt resolvedAt", limit);
	str_fini(&path);
	return r;
}

static void part(struct cli *c, const char *title, const struct record_type *type,
		 const char *columns, const void *rows, size_t n)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct table t;
	size_t n_fields;

	if (!n)
		return;
	cli_print(c, "\n%s\n", title);
	n_fields = table_record_columns(&t, FORMAT_TEXT, type, columns, fields);
	for (size_t i = 0; i < n; i++)
		table_add_record(&t, fields, n_fields, (const char *)rows + i * type->size);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static void print_doc(struct cli *c, const struct incident_doc *d)
{
	record_print(c, &incident_type, &d->incident);
	part(c, "clocks", &incident_clock_type, "id kind state dueAt target text sent heldBy"
						" heldReason", d->clocks, d->n_clocks);
	part(c, "roles", &incident_role_type, NULL, d->roles, d->n_roles);
	part(c, "severity", &incident_severity_type, NULL, d->severities, d->n_severities);
	part(c, "checklist", &incident_task_type, NULL, d->tasks, d->n_tasks);
	part(c, "status pages", &incident_quote_type, "at behindMs lagMs source text", d->quotes,
	     d->n_quotes);
	part(c, "actions", &incident_action_type, NULL, d->actions, d->n_actions);
	part(c, "notes, the newest", &timeline_entry_type, "id happenedAt actor text link",
	     d->written, d->n_written);
	part(c, "linked", &incident_link_type, "kind ref text at by", d->links, d->n_links);
}

int incident_get(struct cli *c, const char *id, struct json **ret, struct incident_doc *d)
{
	struct str path = STR_INIT(400);
	struct err err = { 0 };
	int r;

	str_add(&path, API_INCIDENTS "/");
	str_add_urlencoded(&path, id);
	*d = (struct incident_doc){ 0 };
	r = remote_get(c, str_get(&path), ret);
	str_fini(&path);
	if (r == 0 && incident_doc_from_json(d, *ret, &err) < 0)
		r = cli_fail_err(c, &err);
	return r;
}

static void print_csv(struct cli *c, const struct incident *i)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct table t;
	size_t n = table_record_columns(&t, FORMAT_CSV, &incident_type, NULL, fields);

	table_add_record(&t, fields, n, i);
	table_print(&t, c, NULL);
	table_fini(&t);
}

static int show(struct cli *c)
{
	struct incident_doc d;
	struct json *doc = NULL;
	int r = incident_get(c, cli_arg(c, 0), &doc, &d);

	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0 && cli_format(c) == FORMAT_CSV)
		print_csv(c, &d.incident);
	else if (r == 0)
		print_doc(c, &d);
	incident_doc_fini(&d);
	json_free(doc);
	return r;
}

/* ---- declaring ---------------------------------------------------------------------------- */

void incident_add_opt(struct cli *c, struct jw *w, const char *option, const char *member)
{
	if (cli_opt(c, option))
		jw_str(w, member, cli_opt(c, option));
}

static int answer(struct cli *c, const struct json *doc, const char *what)
{
	if (cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else
		cli_print(c, "%s %s %s: %s\n", json_get_str(doc, "id"),
			  json_get_str(doc, "severity"), what, json_get_str(doc, "title"));
	return EXIT_DONE;
}

static int declare(struct cli *c)
{
	struct str body = STR_INIT(1 << 20);
	struct json *doc = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "title", cli_arg(c, 0));
	incident_add_opt(c, &w, "severity", "severity");
	incident_add_opt(c, &w, "service", "service");
	incident_add_opt(c, &w, "impact", "impact");
	incident_add_opt(c, &w, "kind", "kind");
	incident_add_opt(c, &w, "started", "startedAt");
	incident_add_opt(c, &w, "detected", "detectedAt");
	incident_add_opt(c, &w, "resolved", "resolvedAt");
	if (cli_flag(c, "force"))
		jw_bool(&w, "force", true);
	jw_obj_end(&w);
	r = remote_send(c, "POST", API_INCIDENTS, str_get(&body), &doc, NULL);
	if (r == 0)
		r = answer(c, doc, "declared");
	json_free(doc);
	str_fini(&body);
	return r;
}

/* ---- orders -------------------------------------------------------------------------------- */

int incident_do(struct cli *c, const struct str *body, const char *words)
{
	struct str path = STR_INIT(400);
	struct json *doc = NULL;
	int r;

	str_add(&path, API_INCIDENTS "/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/do");
	r = remote_send(c, "POST", str_get(&path), str_get(body), &doc, NULL);
	if (r == 0)
		r = answer(c, doc, words);
	json_free(doc);
	str_fini(&path);
	return r;
}

/* The verb is the API's action, but where its words differ. */
static void order_members(struct cli *c, struct jw *w, const char *verb)
{
	if (str_eq(verb, "severity"))
		jw_str(w, "severity", cli_arg(c, 1));
	if (str_eq(verb, "role")) {
		jw_str(w, "role", cli_arg(c, 1));
		jw_str(w, "person", cli_arg(c, 2) ? cli_arg(c, 2) : "");
	}
	if (str_eq(verb, "link") || str_eq(verb, "unlink")) {
		jw_str(w, "kind", cli_arg(c, 1));
		jw_str(w, "ref", cli_arg(c, 2));
	}
	if (str_eq(verb, "hold") || str_eq(verb, "run") || str_eq(verb, "done"))
		jw_str(w, "clock", cli_arg(c, 1));
	if (str_eq(verb, "task")) {
		jw_str(w, "task", cli_arg(c, 1));
		jw_bool(w, "on", !cli_flag(c, "undo"));
	}
	if (cli_opt(c, "reason"))
		jw_str(w, "reason", cli_opt(c, "reason"));
	if (cli_opt(c, "at"))
		jw_str(w, "at", cli_opt(c, "at"));
}

static const char *said(const char *verb)
{
	static const char *const words[][2] = {
		{ "ack", "acknowledged" }, { "mitigate", "mitigated" }, { "resolve", "resolved" },
		{ "close", "closed" }, { "severity", "now" }, { "role", "role set" },
		{ "link", "linked" }, { "unlink", "no longer linked" }, { "hold", "clock held" },
		{ "run", "clock runs again" }, { "done", "done" }, { "task", "checklist changed" },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(words[i][0], verb))
			return words[i][1];
	return "changed";
}

static int order(struct cli *c)
{
	const char *verb = cli_command(c)->name;
	_cleanup_(str_fini) struct str body = STR_INIT(1 << 20);
	struct jw w = JW(&body);

	jw_obj(&w, NULL);
	jw_str(&w, "action", verb);
	order_members(c, &w, verb);
	jw_obj_end(&w);
	return incident_do(c, &body, said(verb));
}

static int note(struct cli *c)
{
	struct str body = STR_INIT(1 << 20);
	struct json *doc = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "incident", cli_arg(c, 0));
	jw_str(&w, "text", cli_arg(c, 1));
	incident_add_opt(c, &w, "at", "happenedAt");
	incident_add_opt(c, &w, "evidence", "source");
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/notes", str_get(&body), &doc, NULL);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0)
		cli_print(c, "%s written to %s\n", json_get_str(doc, "id"), cli_arg(c, 0));
	json_free(doc);
	str_fini(&body);
	return r;
}

/* Words, stamps and values for messages; each keeps who said it and when. */
static int edit(struct cli *c)
{
	static const char *const members[][2] = {
		{ "title", "title" }, { "impact", "impact" }, { "cause", "cause" },
		{ "service", "service" }, { "started", "startedAt" }, { "detected", "detectedAt" },
		{ "acked", "ackedAt" }, { "mitigated", "mitigatedAt" },
		{ "resolved", "resolvedAt" },
	};
	_cleanup_(str_fini) struct str body = STR_INIT(1 << 20);
	struct jw w = JW(&body);
	int r = 0;

	jw_obj(&w, NULL);
	jw_str(&w, "action", "edit");
	jw_obj(&w, "fields");
	for (size_t i = 0; i < COUNT_OF(members); i++)
		incident_add_opt(c, &w, members[i][0], members[i][1]);
	if (cli_opt_count(c, "field"))
		r = incident_add_fields(c, &w, "fields");
	jw_obj_end(&w);
	jw_obj_end(&w);
	return r == 0 ? incident_do(c, &body, "changed") : r;
}

#define RUN(name)                                                                                  \
	static int name##_run(struct cli *c) { return cli_run(c, name); }
RUN(list)
RUN(show)
RUN(declare)
RUN(order)
RUN(edit)
RUN(note)

/* ---- tables ---------------------------------------------------------------------------------- */

static const struct cli_option list_options[] = {
	{ .name = "state", .arg = "S",
	  .help = "open, declared, acknowledged, mitigated, resolved or closed" },
	{ .name = "limit", .arg = "N", .help = "at most N (100)" },
};
static const struct cli_option declare_options[] = {
	{ .name = "severity", .arg = "P", .required = true,
	  .help = "P0 to P3 (required); P1/P2 when unsure: the higher counts" },
	{ .name = "service", .arg = "S", .help = "what is affected (telephony)" },
	{ .name = "impact", .arg = "TEXT", .help = "what users notice" },
	{ .name = "kind", .arg = "K", .choices = "real|drill|backfill",
	  .help = "what it is (real)" },
	{ .name = "started", .arg = "TIME", .help = "the impact began, RFC 3339; now unless said" },
	{ .name = "detected", .arg = "TIME", .help = "somebody or something noticed" },
	{ .name = "resolved", .arg = "TIME", .help = "it was over: of a backfill" },
	{ .name = "force", .help = "also when an open incident may be the same" },
};
#define REASON { .name = "reason", .arg = "R", .help = "a word to it; kept in the journal" }
#define AT { .name = "at", .arg = "TIME", .help = "when it was, RFC 3339, if not now" }
static const struct cli_option state_options[] = { REASON, AT };
static const struct cli_option reason_options[] = { REASON };
static const struct cli_option note_options[] = {
	AT,
	{ .name = "evidence", .arg = "REF", .help = "what shows it: EV-1, RUN-2, AL-3, a link" },
};
static const struct cli_option task_options[] = {
	{ .name = "undo", .help = "not done after all" },
};

#define MESSAGE                                                                                    \
	{ .name = "to",                                                                            \
	  .arg = "WHOM",                                                                           \
	  .repeated = true,                                                                        \
	  .help = "team, customers, vendor, slack, pager, email:ADDRESS, role:ROLE, "              \
		  "status-page" },                                                                 \
		VALUE,                                                                             \
		{ .name = "with-gaps",                                                             \
		  .arg = "NAME",                                                                   \
		  .repeated = true,                                                                \
		  .help = "this field may stay without a value; it then reads \"not known "        \
			  "yet\"" },                                                               \
		{ .name = "subject",                                                               \
		  .arg = "TEXT",                                                                   \
		  .help = "in place of the template's" },                                          \
		{ .name = "body",                                                                  \
		  .arg = "TEXT",                                                                   \
		  .help = "in place of the template's, or @FILE; [NAME?] in it is the field" },    \
		{ .name = "component",                                                             \
		  .arg = "NAME=STATE",                                                             \
		  .repeated = true,                                                                \
		  .help = "of our status page, when it is not to follow from what works" },        \
		{ .name = "vendor",                                                                \
		  .arg = "V",                                                                      \
		  .help = "twilio or telnyx: whose support it goes to" },                          \
	{                                                                                          \
		.name = "tier", .arg = "T", .help = "of that support; the policy's unless said"    \
	}
#define VALUE                                                                                      \
	{ .name = "field", .arg = "NAME=VALUE", .repeated = true,                                  \
	  .help = "a value for messages, such as eta; =@FILE reads it, = takes it away" }
static const struct cli_option edit_options[] = {
	{ .name = "title", .arg = "TEXT", .help = "what it is called from now on" },
	{ .name = "impact", .arg = "TEXT", .help = "what users notice" },
	{ .name = "cause", .arg = "TEXT", .help = "for the review" },
	{ .name = "service", .arg = "S", .help = "what is affected" },
	{ .name = "started", .arg = "TIME", .help = "the impact began, RFC 3339" },
	{ .name = "detected", .arg = "TIME", .help = "somebody or something noticed" },
	{ .name = "acked", .arg = "TIME", .help = "somebody was on it" },
	{ .name = "mitigated", .arg = "TIME", .help = "users were no longer affected" },
	{ .name = "resolved", .arg = "TIME", .help = "it was over" },
	VALUE,
};
static const struct cli_option action_options[] = {
	{ .name = "text", .arg = "TEXT", .help = "what is to be done" },
	{ .name = "owner", .arg = "WHO", .help = "one person; \"\" or none: nobody" },
	{ .name = "due", .arg = "WHEN",
	  .help = "2026-12-01, +7d or an instant; \"\" or none takes the date away" },
	{ .name = "state", .arg = "S", .choices = "open|done|dropped", .help = "where it stands" },
	{ .name = "base", .arg = "VERSION",
	  .help = "as `incident show --json` says it; refused when somebody changed it since" },
};
static const char *role_row(size_t i, const char **ret_what)
{
	*ret_what = i < INCIDENT_ROLES ? incident_role_words[i].what : NULL;
	return i < INCIDENT_ROLES ? incident_role_words[i].name : NULL;
}
static const struct cli_option message_options[] = { MESSAGE };
static const struct cli_option tell_options[] = {
	MESSAGE, { .name = "yes", .help = "send without asking" },
};

#define ORDER(name_, args_, opts, help_)                                                           \
	{ .name = name_, .args = args_, .kind = CLI_CHANGES, .options = opts,                      \
	  .n_options = COUNT_OF(opts), .run = order_run, .help = help_ }
static const struct subcommand verbs[] = {
	{ .name = "declare",
	  .args = "TITLE",
	  .kind = CLI_CHANGES,
	  .options = declare_options,
	  .n_options = COUNT_OF(declare_options),
	  .run = declare_run,
	  .help = "declare an incident: its clocks begin, people are told" },
	{ .name = "list",
	  .kind = CLI_READS,
	  .options = list_options,
	  .n_options = COUNT_OF(list_options),
	  .run = list_run,
	  .help = "incidents, newest first" },
	{ .name = "show",
	  .args = "INCIDENT",
	  .kind = CLI_READS,
	  .run = show_run,
	  .help = "one incident: clocks, roles, checklist, what is linked" },
	ORDER("ack", "INCIDENT", state_options, "somebody is on it: paging and escalation stop"),
	{ .name = "note",
	  .args = "INCIDENT TEXT",
	  .kind = CLI_CHANGES,
	  .options = note_options,
	  .n_options = COUNT_OF(note_options),
	  .run = note_run,
	  .help = "write to its timeline; \"" NOTE_TODO "\" at its beginning makes an action"
		  " item" },
	{ .name = "edit",
	  .args = "INCIDENT",
	  .kind = CLI_CHANGES,
	  .options = edit_options,
	  .n_options = COUNT_OF(edit_options),
	  .run = edit_run,
	  .help = "change its words and stamps, or give a value that messages ask for" },
	{ .name = "role",
	  .args = "INCIDENT ROLE [PERSON]",
	  .kind = CLI_CHANGES,
	  .run = order_run,
	  .help = "who is commander, deputy, scribe ...; without PERSON nobody",
	  .detail = "One person may be several, but the commander fixes nothing.",
	  .list_title = "roles",
	  .list = role_row },
	{ .name = "action",
	  .args = "INCIDENT [ACTION]",
	  .kind = CLI_CHANGES,
	  .options = action_options,
	  .n_options = COUNT_OF(action_options),
	  .run = incident_action_run,
	  .help = "add an action item (--text), or change its words, owner, date, state",
	  .detail = "Two who change one at once lose nothing: with --base the later one is "
		    "refused, and its words are kept on the timeline." },
	ORDER("severity", "INCIDENT SEVERITY", reason_options,
	      "change the severity; its clocks begin anew"),
	ORDER("mitigate", "INCIDENT", state_options, "users are no longer affected"),
	ORDER("resolve", "INCIDENT", state_options, "it is over; report and review become due"),
	ORDER("close", "INCIDENT", state_options, "after the review"),
	ORDER("link", "INCIDENT KIND REF", reason_options,
	      "add an event, run, alert, message, incident or url"),
	ORDER("unlink", "INCIDENT KIND REF", reason_options,
	      "take it off; it does not come back by itself"),
	ORDER("hold", "INCIDENT CLOCK", reason_options, "hold a clock, with --reason"),
	ORDER("run", "INCIDENT CLOCK", reason_options, "let a held clock go on"),
	ORDER("done", "INCIDENT CLOCK", reason_options,
	      "what was due is done: update, call,"
	      " report"),
	ORDER("task", "INCIDENT TASK", task_options, "tick off a line of the checklist"),
	{ .name = "message",
	  .args = "INCIDENT [TEMPLATE]",
	  .kind = CLI_READS,
	  .options = message_options,
	  .n_options = COUNT_OF(message_options),
	  .run = incident_message_run,
	  .help = "a message as it would be sent, with its gaps; without TEMPLATE the list of "
		  "them" },
	{ .name = "tell",
	  .args = "INCIDENT TEMPLATE",
	  .kind = CLI_CHANGES,
	  .options = tell_options,
	  .n_options = COUNT_OF(tell_options),
	  .run = incident_tell_run,
	  .help = "send it, also to the status page; a copy stands on the timeline" },
	{ .name = "vendor",
	  .args = "INCIDENT VENDOR",
	  .kind = CLI_READS,
	  .run = incident_vendor_run,
	  .help = "what twilio's or telnyx's support asks for, from the database" },
	{ .name = "capabilities",
	  .kind = CLI_READS,
	  .run = incident_capabilities_run,
	  .help = "what of ours works now, what does not, and what says so" },
	{ .name = "impact",
	  .args = "INCIDENT",
	  .kind = CLI_READS,
	  .run = incident_impact_run,
	  .help = "the same for an incident, with what was counted" },
	{ .name = "handover",
	  .args = "[INCIDENT]",
	  .kind = CLI_READS,
	  .run = incident_handover_run,
	  .help = "what the next shift must know, on one screen" },
};

const struct subcommand cmd_incident = {
	.name = "incident", .kind = CLI_CHANGES, .verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.help = "declare an incident, follow it, hand it over",
	.detail = "Times are RFC 3339 with their zone, such as 2025-10-20T07:15:00Z.",
};
