/*
 * The report as one page that asks nobody for anything: no script, no font, no picture from
 * outside, and a policy that would refuse them. The style is a file of its own, compiled in; its
 * hash stands in the policy, so that no other style can be slipped in with a text.
 *
 * All entries are in the page, as far as they fit into what a page may weigh: with thousands of
 * them each keeps less of its text, and the page says where the whole is.
 */
#include "report/html.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "core/embed.h"
#include "core/mem.h"

EMBED(report_css, "src/report/report.css");

enum { ENTRIES_BYTES = 1300000, ROW_BYTES = 100, TEXT_LEAST = 40, TEXT_MOST = 600 };

/* ---- head ---------------------------------------------------------------------------- */

void html_open(struct str *out, const char *title)
{
	uint8_t hash[SHA256_LEN];

	sha256(report_css_start, strlen(report_css_start), hash);
	str_add(out, "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
		"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
		"'sha256-");
	str_add_base64(out, hash, sizeof(hash));
	str_add(out, "'; base-uri 'none'; form-action 'none'\">\n"
		     "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=color-scheme content=\"light dark\">\n<meta name=referrer "
		     "content=no-referrer>\n"
		     "<title>");
	html_text(out, title, 0);
	str_add(out, "</title>\n<style>");
	str_addn(out, report_css_start, strlen(report_css_start));
	str_add(out, "</style>\n</head>\n<body>\n<main>\n");
}

void html_close(struct str *out)
{
	str_add(out, "</main>\n</body>\n</html>\n");
}

static void pill(struct str *out, const char *class_, const char *text)
{
	str_addf(out, "<span class=\"pill %s\">", class_);
	html_text(out, text, 40);
	str_add(out, "</span> ");
}

static const char *severity_class(const char *severity)
{
	return str_eq(severity, "P0")   ? "p0"
	       : str_eq(severity, "P1") ? "p1"
	       : str_eq(severity, "P2") ? "p2"
					: "p3";
}

static void title(struct str *out, const struct report *r)
{
	const struct incident *i = &r->doc.incident;

	str_add(out, "<header>\n<p class=pills>");
	pill(out, "id", i->id);
	pill(out, severity_class(i->severity), i->severity);
	pill(out, "", enum_name(&incident_state_names, i->state));
	if (i->kind != IK_REAL)
		pill(out, "drill", i->kind == IK_DRILL ? "drill" : "entered afterwards");
	str_add(out, "</p>\n<h1>");
	html_text(out, i->title, 300);
	str_add(out, "</h1>\n<p class=meta>");
	html_textf(out, "%s. Began ", i->service ? i->service : "Incident");
	html_time(out, i->started_at_ms);
	str_add(out, i->resolved_at_ms ? ", resolved " : ", not resolved yet");
	if (i->resolved_at_ms)
		html_time(out, i->resolved_at_ms);
	html_textf(out, ". Commander: %s. Report: %s", i->commander ? i->commander : "nobody",
		   report_review_word(i->review));
	if (r->n_signs)
		html_textf(out, " (%s)", r->signs[r->n_signs - 1].by);
	str_add(out, ".</p>\n</header>\n");
}

/* ---- figures at the top ------------------------------------------------------------------- */

void html_card(struct str *out, const char *class_, const char *value, const char *name,
		 const char *help)
{
	str_addf(out, "<div class=\"card %s\"><dt>", class_);
	html_text(out, name, 0);
	str_add(out, "</dt><dd>");
	html_text(out, value, 0);
	str_add(out, "</dd><dd class=help>");
	html_text(out, help, 80);
	str_add(out, "</dd></div>\n");
}

/* Two units are what a card holds and a reader keeps. */
void html_short_span(char ret[40], int64_t ms)
{
	int64_t unit = ms >= 86400000 ? 3600000 : ms >= 3600000 ? 60000 : 1;

	report_span(ret, ms < 0 ? ms : ms / unit * unit);
}

/* While it lasts, what has not happened is not missing. */
static bool to_come(const struct report *r, enum time_kind k)
{
	const struct incident *i = &r->doc.incident;

	if (k == TIME_TTM || k == TIME_IMPACT)
		return !i->mitigated_at_ms && !i->resolved_at_ms;
	return k == TIME_TTR && !i->resolved_at_ms;
}

static void time_card(struct str *out, const struct report *r, enum time_kind k)
{
	int64_t ms = incident_time(&r->doc.incident, k);
	char span[40];

	html_short_span(span, ms);
	html_card(out, ms < 0 ? "none" : k == TIME_IMPACT ? "first" : "",
		  ms < 0 ? "\xe2\x80\x94" : span,
		  k == TIME_IMPACT ? "Users affected for" : enum_name(&time_kind_names, k),
		  ms >= 0	   ? time_kind_help(k)
		  : to_come(r, k) ? "not over yet"
				   : "a stamp is missing");
}

static void lost_card(struct str *out, const struct review_traffic *t)
{
	bool known = t->known && t->usual_total != TRAFFIC_UNKNOWN;
	int64_t lost = t->beyond_usual + t->never_came;
	_cleanup_(free_p) char *value = known ? xasprintf("%lld", (long long)lost) : xstrdup("?");
	_cleanup_(free_p) char *help = known ?
		xasprintf("%lld failed, of %lld", (long long)t->failed, (long long)t->total) :
		xstrdup("nothing to compare with");

	html_card(out, known ? lost ? "hurt" : "" : "none", value,
		  str_eq(t->kind, "calls") ? "Calls lost" : "Messages lost", help);
}

static void moved_card(struct str *out, const struct report *r)
{
	_cleanup_(free_p) char *value = NULL, *help = NULL;
	int64_t moved = 0, of = 0;

	for (size_t i = 0; i < r->n_events; i++) {
		moved += r->events[i].agents_moved;
		of += r->events[i].agents_total;
	}
	value = xasprintf("%lld", (long long)moved);
	help = xasprintf("of %lld, by %zu failover%s", (long long)of, r->n_events,
			 r->n_events == 1 ? "" : "s");
	html_card(out, "", value, "Agents moved", help);
}

static void cards(struct str *out, const struct report *r)
{
	_cleanup_(free_p) char *agents = r->agents_failing < 0 ? xstrdup("?") :
					 xasprintf("%lld", (long long)r->agents_failing);
	_cleanup_(free_p) char *of =
		xasprintf("of %lld were seen failing", (long long)r->agents_all);
	_cleanup_(free_p) char *orgs =
		r->orgs_all < 0 ? xstrdup("?") : xasprintf("%lld", (long long)r->orgs_all);

	str_add(out, "<dl class=cards>\n");
	time_card(out, r, TIME_IMPACT);
	for (int k = 0; k < TIME_IMPACT; k++)
		time_card(out, r, (enum time_kind)k);
	html_card(out,
		  r->agents_failing < 0 ? "none"
		  : r->agents_failing   ? "hurt"
					: "",
		  agents, "Agents hit", r->agents_failing < 0 ? "not recorded then" : of);
	for (size_t k = 0; k < COUNT_OF(r->traffic); k++)
		lost_card(out, &r->traffic[k]);
	html_card(out, r->orgs_all < 0 ? "none" : r->orgs_all ? "hurt" : "", orgs, "Orgs hit",
		  r->orgs_all < 0 ? "not recorded then" : "with a failed agent, call, message");
	if (r->n_events)
		moved_card(out, r);
	str_add(out, "</dl>\n");
}

/* ---- all entries ------------------------------------------------------------------------------
 */

static const char *const lanes[] = { "account", "event",  "run",     "alert",
				     "message", "people", "outside", "engine" };

static void filters(struct str *out)
{
	str_add(out, "<p class=filter>Show <label><input type=radio name=lane id=all checked> "
		     "all</label>");
	for (size_t i = 0; i < COUNT_OF(lanes); i++)
		str_addf(out, " <label><input type=radio name=lane id=only-%s> %s</label>",
			 lanes[i], lanes[i]);
	str_add(out, "</p>\n");
}

/* Ends of cells and rows may be left out in HTML; ten thousand rows make that worth it. */
static void entry_row(struct str *out, const struct timeline_entry *e, size_t text_max)
{
	char when[32];

	report_when(when, e->happened_at_ms);
	str_addf(out, "<tr class=%s%s><td>%s%s<td>%s<td>", e->lane ? e->lane : "engine", "",
		 when + 11, e->doubt ? " ?" : "", e->lane ? e->lane : "");
	html_text(out, e->actor, 24);
	str_add(out, e->pinned ? "<td><b>" : "<td>");
	html_text(out, e->text, text_max);
	str_add(out, e->pinned ? "</b>\n" : "\n");
}

static void entries(struct str *out, const struct report *r)
{
	size_t each = ENTRIES_BYTES / (r->n_entries ? r->n_entries : 1);
	size_t text_max = each < ROW_BYTES + TEXT_LEAST ? TEXT_LEAST : each - ROW_BYTES;
	char day[16] = "", when[32];

	if (!r->n_entries)
		return;
	text_max = text_max > TEXT_MOST ? TEXT_MOST : text_max;
	str_addf(out, "<details class=entries><summary>All %zu entries%s</summary>\n", r->n_entries,
		 r->cut ? " (the first ones: there are more)" : "");
	filters(out);
	html_textf(out,
		   "Times are UTC. Texts are cut to %zu characters; the whole is in: ringdown "
		   "report %s "
		   "--format csv",
		   text_max, r->doc.incident.id);
	str_add(out, "<div class=scroll><table "
		     "class=log><thead><tr><th>At<th>Lane<th>Who<th>What</thead><tbody>\n");
	for (size_t i = 0; i < r->n_entries; i++) {
		report_when(when, r->entries[i].happened_at_ms);
		if (strncmp(day, when, 10) != 0) {
			snprintf(day, sizeof(day), "%.10s", when);
			str_addf(out, "<tr class=day><th colspan=4>%s\n", day);
		}
		entry_row(out, &r->entries[i], text_max);
	}
	str_add(out, "</tbody></table></div></details>\n");
}

/* ---- sections
 * ------------------------------------------------------------------------------------ */

static void written(struct str *out, const struct report *r, enum report_section s)
{
	const struct review_text *text = report_text(r, s, false, 0), *aside;

	if (text) {
		str_add(out, "<div class=written>\n");
		html_written(out, text->text);
		str_add(out, "<p class=by>");
		html_textf(out, "%s, ", text->by);
		html_time(out, text->at_ms);
		str_add(out, "</p></div>\n");
	}
	for (size_t n = 0; (aside = report_text(r, s, true, n)); n++) {
		str_add(out, "<div class=\"written aside\"><p class=by>Not merged yet: written at "
			     "the same time by ");
		html_textf(out, "%s, ", aside->by);
		html_time(out, aside->at_ms);
		str_add(out, "</p>\n");
		html_written(out, aside->text);
		str_add(out, "</div>\n");
	}
}

static void section(struct str *out, const struct report *r, size_t i)
{
	enum report_section s = r->parts[i].section;
	const char *id = enum_name(&report_section_names, (int)s);
	struct report_blocks b;

	str_addf(out, "<section id=%s>\n<h2><span class=no>%zu</span> ", id, i + 1);
	html_text(out, r->parts[i].title, 120);
	str_add(out, "</h2>\n");
	written(out, r, s);
	if (s == SECTION_TIMELINE)
		draw_timeline(out, r);
	if (s == SECTION_IMPACT) {
		draw_health(out, r);
		draw_traffic(out, r);
	}
	report_facts(r, s, &b);
	html_blocks(out, &b);
	report_blocks_fini(&b);
	if (s == SECTION_TIMELINE) {
		draw_compare(out, r);
		entries(out, r);
	}
	str_add(out, "</section>\n");
}

static void signatures(struct str *out, const struct report *r)
{
	str_add(out, "<footer>\n");
	if (r->n_signs)
		str_add(out, "<p>Review: ");
	for (size_t i = 0; i < r->n_signs; i++) {
		html_text(out, r->signs[i].text, 200);
		str_add(out, " (");
		html_time(out, r->signs[i].at_ms);
		str_add(out, i + 1 < r->n_signs ? "); " : ").</p>\n");
	}
	str_add(out, "<p>Made by ringdown ");
	html_time(out, r->now_ms);
	html_textf(out, " from what was recorded under policy %.12s.",
		   str_empty(r->doc.incident.policy_hash) ? "-" : r->doc.incident.policy_hash);
	str_add(out, " All instants are UTC.</p>\n</footer>\n");
	html_close(out);
}

void report_html(const struct report *r, struct str *out)
{
	const struct incident *i = &r->doc.incident;
	_cleanup_(free_p) char *name = xasprintf("%s: %s", i->id, i->title ? i->title : "");

	html_open(out, name);
	title(out, r);
	cards(out, r);
	str_add(out, "<nav>");
	for (size_t k = 0; k < r->n_parts; k++) {
		str_addf(out, "<a href=\"#%s\">",
			 enum_name(&report_section_names, (int)r->parts[k].section));
		html_text(out, r->parts[k].title, 120);
		str_add(out, "</a> ");
	}
	str_add(out, "</nav>\n");
	for (size_t k = 0; k < r->n_parts; k++)
		section(out, r, k);
	signatures(out, r);
}
