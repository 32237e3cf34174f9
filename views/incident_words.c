/*
 * How incidents are said everywhere the same way. Everything is computed from instants and
 * the server's time; what changes by itself says so.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"

bool incident_open(const struct incident *i)
{
	return i->state < IS_RESOLVED;
}

enum role role_incident_severity(const char *severity)
{
	if (str_eq(severity, "P0") || str_eq(severity, "P1"))
		return ROLE_bad;
	return str_eq(severity, "P2") ? ROLE_warn : ROLE_normal;
}

const char *word_incident_state(const struct incident *i)
{
	static const char *const words[] = { "DECLARED", "acknowledged", "mitigated", "resolved",
		                             "closed" };

	return i->state >= 0 && i->state < IS_MAX ? words[i->state] : "?";
}

enum role role_incident_state(const struct incident *i)
{
	return i->state == IS_DECLARED       ? ROLE_bad
	       : i->state == IS_ACKNOWLEDGED ? ROLE_warn
	       : incident_open(i)            ? ROLE_count
	                                     : ROLE_ok;
}

bool incident_due(const struct app *a, int64_t at_ms, char *buf, size_t n)
{
	int64_t left = at_ms - app_now(a);
	char span[WHEN_TEXT];

	if (!at_ms)
		snprintf(buf, n, "-");
	else if (left > 0)
		snprintf(buf, n, "%s%s", app_stale(a) ? "~" : "", when_span(span, left));
	else
		snprintf(buf, n, "DUE %s ago", when_span(span, -left));
	return at_ms && left < 86400000 && left > -86400000;
}

bool incident_next(const struct app *a, const struct incident *i, char *buf, size_t n, bool *ticks)
{
	static const struct {
		size_t at;
		const char *what;
		bool open;
	} due[] = {
		{ offsetof(struct incident, ack_due_at_ms), "ack due", true },
		{ offsetof(struct incident, escalate_at_ms), "escalates", true },
		{ offsetof(struct incident, next_update_at_ms), "update due", true },
		{ offsetof(struct incident, report_due_at_ms), "report due", false },
		{ offsetof(struct incident, review_due_at_ms), "review due", false },
	};
	const char *what = NULL;
	int64_t first = 0;
	char text[80];

	buf[0] = '\0';
	for (size_t k = 0; k < COUNT_OF(due); k++) {
		int64_t at = *(const int64_t *)(const void *)((const char *)i + due[k].at);
		if (!at || due[k].open != incident_open(i) || i->state == IS_CLOSED)
			continue;
		if (!first || at < first) {
			first = at;
			what = due[k].what;
		}
	}
	if (!what)
		return false;
	*ticks |= incident_due(a, first, text, sizeof(text));
	/* "update DUE 2:10 ago", not "update due DUE" */
	if (str_has_prefix(text, "DUE") && strstr(what, " due"))
		snprintf(buf, n, "%.*s %s", (int)strcspn(what, " "), what, text);
	else
		snprintf(buf, n, "%s %s", what, text);
	return true;
}

void incident_strip(const struct app *a, char *buf, size_t n, bool *ticks)
{
	const struct incident *i = app_incident_open(a);
	const struct state *s = app_state(a);
	int due = app_due_count(a), open = 0;
	char span[WHEN_TEXT], next[120];
	size_t at;

	buf[0] = '\0';
	for (size_t k = 0; k < s->n_incidents; k++)
		open += incident_open(&s->incidents[k]);
	if (!i) {
		if (due)
			snprintf(buf, n, "%d due (! lists them)", due);
		return;
	}
	at = (size_t)snprintf(buf, n, "%.20s %.4s %s%s  open %s", i->id,
	                      i->severity ? i->severity : "?", word_incident_state(i),
	                      i->kind == IK_DRILL ? " DRILL" : "",
	                      when_span(span, app_now(a) - i->declared_at_ms));
	*ticks = true;
	if (incident_next(a, i, next, sizeof(next), ticks) && at < n)
		at += (size_t)snprintf(buf + at, n - at, "  %s", next);
	if (at < n)
		at += (size_t)snprintf(buf + at, n - at, "  commander %.20s",
		                       str_empty(i->commander) ? "NONE" : i->commander);
	if (due && at < n)
		at += (size_t)snprintf(buf + at, n - at, "  %d due", due);
	if (open > 1 && at < n)
		snprintf(buf + at, n - at, "  +%d open", open - 1);
}

void incident_subject(const struct incident *i, const char *part, struct subject *ret)
{
	*ret = (struct subject){ .kind = "incident" };
	snprintf(ret->id, sizeof(ret->id), "%s", i->id);
	snprintf(ret->part, sizeof(ret->part), "%s", part ? part : "");
	snprintf(ret->title, sizeof(ret->title), "%.20s %.70s", i->id, i->title ? i->title : "");
	snprintf(ret->command, sizeof(ret->command), "ringdown incident show %.40s", i->id);
}

const char *word_clock(int kind)
{
	static const char *const words[] = { "page",   "escalate", "ladder",   "update",
		                             "digest", "vendor",   "deadline", "to do" };

	return kind >= 0 && kind < (int)COUNT_OF(words) ? words[kind] : "?";
}

enum role role_clock(int state)
{
	return state == CS_DUE       ? ROLE_bad
	       : state == CS_HELD    ? ROLE_warn
	       : state == CS_RUNNING ? ROLE_count
	                             : ROLE_dim;
}
