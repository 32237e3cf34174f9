/* The names of sections, what each asks of a person, and instants and spans as reports show
 * them; see report.h. The questions are those of R3's template. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "report/report.h"

ENUM_NAMES(report_section_names, "section", REPORT_SECTION_LIST);

static const struct { const char *title, *asks[5];
} sections[RS_MAX] = {
	[RS_SUMMARY] = { "Executive summary",
			 { "what happened, in two sentences", "business impact" } },
	[RS_TIMELINE] = { "Timeline", { NULL } },
	[RS_CAUSE] = { "Root cause analysis",
		       { "primary cause", "contributing factors", "prevention opportunities" } },
	[RS_IMPACT] = { "Impact assessment",
			{ "users affected", "revenue impact", "customer feedback" } },
	[RS_LESSONS] = { "Lessons learned", { "what went well", "what could be improved" } },
	[RS_PREVENTION] = { "Preventive measures",
			    { "short-term fixes", "long-term improvements",
			      "monitoring enhancements" } },
};

const char *report_section_title(enum report_section s)
{
	return sections[s].title;
}

const char *const *report_section_asks(enum report_section s)
{
	return sections[s].asks;
}

/* "Root cause", "root_cause" and "root-cause" are one. */
static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		int x = *a == ' ' || *a == '_' ? '-' : tolower((unsigned char)*a);

		if (x != *b)
			return false;
	}
	return !*a && !*b;
}

int report_section_find(const char *word)
{
	for (int i = 0; word && i < RS_MAX; i++)
		if (same_word(word, enum_name(&report_section_names, i)))
			return i;
	return -1;
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
	static const char *const kinds[] = { "incident.",      "event.",       "note",
					     "report.state",   "control.",     "hold.",
					     "alert.fired",    "alert.firing", "alert.resolved",
					     "account.health", "sms.",         "run.started",
					     "run.ended" };

	if (e->pinned)
		return true;
	if (e->noise || str_eq(e->kind, "incident.linked") || str_eq(e->kind, "event.test"))
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
