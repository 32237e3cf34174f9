/* Which sections there are, what each asks of a person, and instants and spans as reports show
 * them; see report.h. The questions are those of R3's template. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "report/report.h"

static const char *const asks[SECTION_MAX][4] = {
	[SECTION_SUMMARY] = { "what happened, in two sentences", "business impact" },
	[SECTION_CAUSE] = { "primary cause", "contributing factors", "prevention opportunities" },
	[SECTION_IMPACT] = { "users affected", "revenue impact", "customer feedback" },
	[SECTION_LESSONS] = { "what went well", "what could be improved" },
	[SECTION_PREVENTION] = { "short-term fixes", "long-term improvements",
				 "monitoring enhancements" },
};

const char *const *report_section_asks(enum report_section s)
{
	return asks[s];
}

static bool has_part(const struct report *r, enum report_section s)
{
	for (size_t i = 0; i < r->n_parts; i++)
		if (r->parts[i].section == s)
			return true;
	return false;
}

static void add_part(struct report *r, enum report_section s, const char *title)
{
	if (r->n_parts < COUNT_OF(r->parts) && !has_part(r, s))
		r->parts[r->n_parts++] = (struct report_part){
			s, xstrdup(str_empty(title) ? report_section_title(s) : title)
		};
}

void report_outline(struct report *r, const struct policy *p)
{
	for (size_t i = 0; p && i < p->n_report; i++)
		add_part(r, p->report[i].section, p->report[i].title);
	for (int s = 0; s < SECTION_MAX && (!p || !p->n_report); s++)
		add_part(r, (enum report_section)s, NULL);
}

void report_outline_written(struct report *r)
{
	for (int s = 0; s < SECTION_MAX; s++)
		if (report_text(r, (enum report_section)s, false, 0) ||
		    report_text(r, (enum report_section)s, true, 0))
			add_part(r, (enum report_section)s, NULL);
}

const char *report_review_word(int review)
{
	return review == RV_IN_REVIEW ? "in review" :
	       review == RV_NONE      ? "not begun" :
					enum_name(&review_state_names, review);
}

void report_when(char ret[32], int64_t ms)
{
	char iso[TIME_TEXT];

	if (!ms) {
		snprintf(ret, 32, "-");
		return;
	}
	format_time(iso, ms);
	snprintf(ret, 32, "%.10s %.8sZ", iso, iso + 11);
}

void report_span(char ret[40], int64_t ms)
{
	if (ms < 0)
		snprintf(ret, 40, "-");
	else if (ms < 1000)
		snprintf(ret, 40, "%s", ms ? "under 1s" : "0s");
	else
		format_duration(ret, 40, ms / 1000 * 1000);
}

bool report_key_moment(const struct timeline_entry *e)
{
	static const char *const kinds[] = { "incident.",      "event.",       "note", "update",
					     "report.state",   "control.",     "hold.",
					     "alert.fired",    "alert.firing", "alert.resolved",
					     "account.health", "sms.",         "run.started",
					     "run.ended" };

	if (e->pinned)
		return true;
	if (e->noise || str_eq(e->kind, "incident.linked") || str_eq(e->kind, "event.test") ||
	    str_eq(e->kind, "incident.retracted"))
		return false;
	if (str_eq(e->lane, "outside"))
		return true;
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_has_prefix(e->kind, kinds[i]))
			return true;
	return false;
}

const struct review_text *report_text(const struct report *r, enum report_section s, bool aside,
				      size_t n)
{
	for (size_t i = 0; i < r->n_texts; i++) {
		const struct review_text *t = &r->texts[i];

		if (t->aside != aside || report_section_find(t->section) != (int)s)
			continue;
		if (n == 0)
			return t;
		n--;
	}
	return NULL;
}
