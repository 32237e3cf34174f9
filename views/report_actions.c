/*
 * What can be done to a report, as rows of the one table of actions: write a section, add or
 * change an action item, take the report a step further, write it to a file. They change our
 * own records only; Enter confirms.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"
#include "views/report.h"

static bool is(const struct action *x, const char *name)
{
	return str_eq(x->name + strlen("report-"), name);
}

static int state_of(const struct report_data *d)
{
	return enum_parse(&review_state_names, report_str(d->doc, "review"));
}

/* ---- why not ---- */

static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct report_data *d = a->report;

	if (!d || !d->doc || !str_eq(d->id, s->id))
		snprintf(buf, n, "the report is not there yet");
	else if (is(x, "edit") && !report_section(d, s->part))
		snprintf(buf, n, "put the cursor on a section");
	else if (is(x, "edit") && state_of(d) == RV_CLOSED)
		snprintf(buf, n, "the review is closed: the report stays as it is");
	else if (is(x, "state") && state_of(d) == RV_CLOSED)
		snprintf(buf, n, "the review is closed");
	else if ((is(x, "change") || is(x, "done")) && !report_item(d, s->part))
		snprintf(buf, n, "put the cursor on an action item");
	else if (is(x, "done") && !str_eq(report_str(report_item(d, s->part), "state"), "open"))
		snprintf(buf, n, "it is %s", report_str(report_item(d, s->part), "state"));
}

/* ---- without a dialog: forms, the menu of formats ---- */

static void format_chosen(void *ctx, const char *value)
{
	report_export(ctx, value);
}

static void run(struct app *a, const struct action *x, const struct subject *s)
{
	struct report_data *d = report_data(a);
	struct sheet *sh;

	if (is(x, "edit")) {
		report_edit(d, s->part);
	} else if (is(x, "item") || is(x, "change")) {
		report_item_form(d, is(x, "item") ? NULL : s->part);
	} else {
		sh = shell_sheet(a->shell);
		sheet_open(sh, "THE REPORT INTO A FILE (new, 0600, here)", format_chosen, d);
		sheet_choice(sh, 'm', "md", "Markdown: the sections");
		sheet_choice(sh, 'h', "html",
		             "HTML: one page with charts, asks nobody for anything");
		sheet_choice(sh, 'j', "json", "JSON: everything it is made of");
		sheet_choice(sh, 'c', "csv", "CSV: its timeline");
		sheet_line(sh, ROLE_dim, "as a command: ringdown report %s --output FILE", d->id);
	}
}

/* ---- dialogs: the next step, an item that is done ---- */

/* What may follow, the likeliest first. */
static size_t steps(int from, int ret[3])
{
	size_t n = 0;

	if (from == RV_NONE || from == RV_DRAFT)
		ret[n++] = RV_IN_REVIEW;
	if (from == RV_IN_REVIEW)
		ret[n++] = RV_REVIEWED;
	if (from == RV_REVIEWED)
		ret[n++] = RV_CLOSED;
	if (from != RV_DRAFT && from != RV_CLOSED)
		ret[n++] = RV_DRAFT;
	return n;
}

static const char *step_text(int to)
{
	static const char *const texts[RV_MAX] = {
		[RV_DRAFT] = "draft: it is being written",
		[RV_IN_REVIEW] = "in review: it is written; the report's deadline is met",
		[RV_REVIEWED] = "reviewed: somebody else has read it; the review's deadline is met",
		[RV_CLOSED] = "closed: nobody changes it any more",
	};

	return texts[to];
}

/* Who wrote it does not call it reviewed, but an admin who says why nobody else can. */
static void read_by_oneself(struct decision *d, struct dialog *g)
{
	const struct report_data *r = d->app->report;
	const char *user = client_user(d->app->client), *by = "";

	for (const struct json *s = json_first(json_get(r->doc, "signatures")); s; s = json_next(s))
		by = report_str(s, "by");
	if (d->status != RV_IN_REVIEW || !user || strcspn(user, " ") != strlen(by) ||
	    !str_has_prefix(user, by))
		return;
	dialog_line(g, ROLE_warn, "NOTE", "you put it in review: somebody else must read it%s",
	            client_role(d->app->client) == PR_ADMIN ? ", or say why nobody can" : "");
	g->own_reason = client_role(d->app->client) == PR_ADMIN;
}

static void fill(struct decision *d, struct dialog *g)
{
	struct report_data *r = report_data(d->app);
	const struct json *item = report_item(r, d->subject.part);
	int to[3];
	size_t n = steps(state_of(r), to);

	dialog_line(g, ROLE_danger, "REPORT", "%s, %s", r->id, report_review(r));
	d->status = state_of(r);
	if (is(d->action, "done")) {
		dialog_line(g, ROLE_danger, "ITEM", "%s %s", d->subject.part,
		            report_str(item, "text"));
		dialog_line(g, ROLE_normal, "UNDO", "Enter on it: open again");
	} else {
		for (size_t i = 0; i < n; i++)
			dialog_choice(g, "%s", step_text(to[i]));
		if (n == 1)
			g->choice = 0;
		read_by_oneself(d, g);
	}
	dialog_arm(g, "");
	g->focus = 0;
}

static const char *check(struct decision *d)
{
	struct report_data *r = report_data(d->app);

	if (is(d->action, "done") || state_of(r) == d->status)
		return NULL;
	snprintf(d->what, sizeof(d->what), "it is %s now; look at it again", report_review(r));
	return d->what;
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	int to[3];
	size_t n = steps(d->status, to);

	if (is(d->action, "done")) {
		jw_str(w, "action", "action");
		jw_str(w, "id", d->subject.part);
		jw_str(w, "state", "done");
		return true;
	}
	if (g->choice < 0 || (size_t)g->choice >= n) {
		dialog_note(g, ROLE_warn, "choose one first: a number, or Up Down");
		return false;
	}
	jw_str(w, "state", enum_name(&review_state_names, to[g->choice]));
	if (g->own.len)
		jw_str(w, "reason", g->own.text);
	return true;
}

static void done(struct app *a, int status, const struct json *doc)
{
	(void)status;
	(void)doc;
	report_moved(report_data(a));
}

static const struct action_hooks form_hooks = { .run = run, .why_not = why_not };
static const struct action_hooks hooks = {
	.why_not = why_not, .fill = fill, .check = check, .body = body, .done = done
};

#define ROW(name_, label_, key_, hooks_, ...)                                                      \
	{                                                                                          \
		.name = "report-" name_, .label = label_, .key = key_, .kind = "report",           \
		.role = PR_OPERATOR, .danger = DIALOG_PLAIN, .method = "POST", .hooks = &hooks_,   \
		__VA_ARGS__                                                                        \
	}
static const struct action actions[] = {
	ROW("edit", "write the section", 'e', form_hooks, .path = NULL),
	ROW("item", "add an action item", 'i', form_hooks, .path = NULL),
	ROW("change", "change the action item", 'h', form_hooks, .path = NULL),
	ROW("done", "the action item is done", 'o', hooks, .path = "/api/v1/incidents/%s/do",
	    .verb = "say so"),
	ROW("state", "the report's next step", 'm', hooks, .path = "/api/v1/incidents/%s/review",
	    .verb = "say so"),
	{ .name = "report-export", .label = "write it to a file", .key = 'w', .kind = "report",
	  .role = PR_VIEWER, .reads = true, .hooks = &form_hooks },
};

size_t report_action_count(void)
{
	return COUNT_OF(actions);
}

const struct action *report_action_at(size_t i)
{
	return i < COUNT_OF(actions) ? &actions[i] : NULL;
}
