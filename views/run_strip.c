/*
 * The runs that are open, a line each, for the first screen: which runbook, what it waits
 * for, who drives it. Those that want a person come first, the reader's own before others'.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/runs.h"

enum { LINES_MOST = 3 };

/* Higher stands higher: a run that nobody drives, or that waits, before one that is going. */
static int weight(const struct app *a, const struct run *r)
{
	bool waits = r->status == RUN_WAITING || r->status == RUN_PAUSED;

	return (waits ? 4 : 0) + (str_empty(r->driver) ? 2 : 0) + app_runs_is_me(a, r->driver);
}

static void draw_line(const struct app *a, struct area at, int y, const struct run *r)
{
	char what[300], who[80];
	int x = area_text(at, 6, y, ROLE_title, r->id), w;

	snprintf(who, sizeof(who), "%.30s%s %lld/%lld%s",
	         str_empty(r->driver) ? "NOBODY" : r->driver,
	         app_runs_is_me(a, r->driver) ? " (you)" : "", (long long)r->done,
	         (long long)r->total, r->holds ? " HOLD" : "");
	w = text_width(who, at.c->ascii);
	area_text(at, at.w - 1 - w, y,
	          str_empty(r->driver) || r->holds ? ROLE_warn : ROLE_normal, who);
	snprintf(what, sizeof(what), "%.40s  %s%s%s%s", r->runbook, app_stale(a) ? "~" : "",
	         word_run(r), r->status == RUN_WAITING ? " for " : "",
	         r->status == RUN_WAITING ? word_wait(r->wait) : "");
	if (r->step)
		snprintf(what + strlen(what), sizeof(what) - strlen(what), " at %.60s", r->step);
	area_field(at, x + 1, y, at.w - w - x - 4, 0, role_run(r), what);
}

int app_runs_strip(const struct app *a, struct area at, int y)
{
	const struct run *runs;
	size_t n = app_runs_list(a, &runs), open = 0;
	int shown = 0;

	for (size_t i = 0; i < n; i++)
		open += run_open(&runs[i]);
	if (!open || at.w < 40)
		return y;
	area_text(at, 0, y, ROLE_title, "RUNS");
	for (int want = 7; want >= 0 && shown < LINES_MOST; want--)
		for (size_t i = 0; i < n && shown < LINES_MOST; i++)
			if (run_open(&runs[i]) && weight(a, &runs[i]) == want) {
				draw_line(a, at, y++, &runs[i]);
				shown++;
			}
	if (open > (size_t)shown)
		area_textf(at, 6, y++, ROLE_hint, "and %zu more: 6 lists them",
		           open - (size_t)shown);
	return y;
}
