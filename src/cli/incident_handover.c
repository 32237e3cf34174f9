/*
 * `ringdown incident handover`: what the next shift must know, on one screen of 80 columns and 24
 * lines, however much there is: each part has its share of the lines, what does not fit is
 * counted, and a line that is too long is cut. Several open ones share the screen.
 */
#include <stdio.h>

#include "cli/incident.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/incident.h"

enum { COLUMNS = 80, LINES = 23 /* the prompt has one */, BRIEF = 3,
       CLOCKS = 5, ACTIONS = 3, TASKS = 3, NOTES = 2, LAST = 2 };

static const char *clock_of(char buf[32], int64_t ms)
{
	char full[TIME_TEXT];

	if (!ms)
		return "-";
	format_time(full, ms);
	snprintf(buf, 32, "%.10s %.5sZ", full, full + 11);
	return buf;
}

static bool goes_on(const struct incident_clock *k)
{
	return k->state == CS_RUNNING || k->state == CS_DUE || k->state == CS_HELD;
}

static void more(struct cli *c, size_t n, size_t shown, const char *what)
{
	if (n > shown)
		print_line(c, COLUMNS, "       and %zu more %s", n - shown, what);
}

static void print_clock(struct cli *c, const struct incident_clock *k)
{
	char at[32];

	if (k->state == CS_HELD)
		print_line(c, COLUMNS, "  held by %s: %s; else: %s", k->held_by ? k->held_by : "?",
			   k->held_reason ? k->held_reason : "", k->text ? k->text : "");
	else
		print_line(c, COLUMNS, "  %-4s %s  %s", k->state == CS_DUE ? "DUE" : "next",
			   clock_of(at, k->due_at_ms), k->text ? k->text : "");
}

static void over_clocks(struct cli *c, const struct incident_doc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_clocks; i++)
		if (goes_on(&d->clocks[i]) && n++ < CLOCKS)
			print_clock(c, &d->clocks[i]);
	more(c, n, CLOCKS, "clocks");
}

static void over_open(struct cli *c, const struct incident_doc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_actions; i++) {
		const struct incident_action *a = &d->actions[i];

		if (str_eq(a->state, "open") && n++ < ACTIONS)
			print_line(c, COLUMNS, "  todo %s %s%s%s", a->id,
				   str_empty(a->owner) ? "" : a->owner,
				   str_empty(a->owner) ? "" : ": ", a->text);
	}
	more(c, n, ACTIONS, "to do");
	n = 0;
	for (size_t i = 0; i < d->n_tasks; i++)
		if (!d->tasks[i].done && n++ < TASKS)
			print_line(c, COLUMNS, "  open %s %s", d->tasks[i].id, d->tasks[i].text);
	more(c, n, TASKS, "of the checklist");
}

static int over_last(struct cli *c, const char *id)
{
	struct json *doc = NULL;
	struct str path = STR_INIT(400);
	char at[32];
	int r;

	str_addf(&path, "/api/v1/timeline?limit=%d", LAST);
	remote_query(&path, "incident", id);
	r = remote_get(c, str_get(&path), &doc);
	for (const struct json *v = json_first(json_get(doc, "entries")); r == 0 && v;
	     v = json_next(v)) {
		const char *who = json_get_str(v, "actor"), *text = json_get_str(v, "text");
		int64_t ms = 0;

		if (json_get_str(v, "happenedAt"))
			parse_time_ms(json_get_str(v, "happenedAt"), &ms);
		print_line(c, COLUMNS, "  last %s  %s%s%s", clock_of(at, ms), who ? who : "",
			   who ? ": " : "", text ? text : "");
	}
	json_free(doc);
	str_fini(&path);
	return r;
}

static void print_roles(struct cli *c, const struct incident_doc *d)
{
	_cleanup_(str_fini) struct str b = STR_INIT(8000);

	for (size_t i = 0; i < d->n_roles; i++)
		if (!d->roles[i].until_ms)
			str_addf(&b, "%s%s %s", b.len ? ", " : "", d->roles[i].role,
				 d->roles[i].person);
	if (b.len)
		print_line(c, COLUMNS, "  roles: %s", str_get(&b));
}

static void print_head(struct cli *c, const struct incident *i)
{
	char at[32];

	print_line(c, COLUMNS, "%s %s %s%s  %s", i->id, i->severity,
		   enum_name(&incident_state_names, i->state), i->kind == IK_DRILL ? " (drill)" :
		   "", i->title);
	print_line(c, COLUMNS, "  since %s, %s; %lld alerts, %lld events, %lld runs, %lld notes",
		   clock_of(at, i->started_at_ms), str_empty(i->commander) ? "NO COMMANDER" :
		   i->commander, (long long)i->alerts, (long long)i->events, (long long)i->runs,
		   (long long)i->notes);
}

static int over_one(struct cli *c, const char *id)
{
	struct incident_doc d;
	struct json *doc = NULL;
	char at[32];
	int r = incident_get(c, id, &doc, &d);
	const struct incident *i = &d.incident;

	if (r == 0 && cli_format(c) == FORMAT_JSON) {
		remote_print(c, doc);
	} else if (r == 0) {
		print_head(c, i);
		print_roles(c, &d);
		if (!str_empty(i->impact))
			print_line(c, COLUMNS, "  impact: %s", i->impact);
		if (!str_empty(i->status_quoted))
			print_line(c, COLUMNS, "  %s", i->status_quoted);
		over_clocks(c, &d);
		over_open(c, &d);
		for (size_t k = 0; k < d.n_written && k < NOTES; k++)
			print_line(c, COLUMNS, "  note %s  %s: %s",
				   clock_of(at, d.written[k].happened_at_ms), d.written[k].actor,
				   d.written[k].text);
		r = over_last(c, id);
	}
	incident_doc_fini(&d);
	json_free(doc);
	return r;
}

/* Where several share the screen. */
static int over_brief(struct cli *c, const char *id)
{
	struct incident_doc d;
	struct json *doc = NULL;
	int r = incident_get(c, id, &doc, &d);

	if (r == 0)
		print_head(c, &d.incident);
	for (size_t i = 0; r == 0 && i < d.n_clocks; i++)
		if (goes_on(&d.clocks[i])) {
			print_clock(c, &d.clocks[i]);
			break;
		}
	incident_doc_fini(&d);
	json_free(doc);
	return r;
}

static int over_all(struct cli *c, const struct json *list)
{
	size_t n = json_count(list), fit = (LINES - 2) / BRIEF, shown = 0;
	int r = 0;

	for (const struct json *v = json_first(list); r == 0 && v && shown < fit;
	     v = json_next(v), shown++)
		r = over_brief(c, json_get_str(v, "id"));
	if (r == 0 && n > shown)
		cli_print(c, "and %zu more: ringdown incident list --state open\n", n - shown);
	if (r == 0)
		cli_print(c, "more of each: ringdown incident handover INCIDENT\n");
	return r;
}

static int handover(struct cli *c)
{
	struct json *doc = NULL;
	const struct json *list;
	int r;

	if (cli_arg(c, 0))
		return over_one(c, cli_arg(c, 0));
	r = remote_get(c, API_INCIDENTS "?state=open&limit=100", &doc);
	list = json_get(doc, "incidents");
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0 && json_count(list) == 0)
		cli_print(c, "no incident is open\n");
	else if (r == 0 && json_count(list) == 1)
		r = over_one(c, json_get_str(json_first(list), "id"));
	else if (r == 0)
		r = over_all(c, list);
	json_free(doc);
	return r;
}

int incident_handover_run(struct cli *c)
{
	return cli_run(c, handover);
}
