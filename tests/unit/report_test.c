/* A report without a database: which sections there are, what is kept of thousands of entries,
 * what is not claimed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "report/html.h"

#define SEV                                                                                        \
	"ringdown: 1\nseverities:\n"                                                               \
	"  P1: {respond: 30m, escalate: {after: 1h, to: lead}, page: [slack]}\n"

static const int64_t day = 1760918400000;	/* 2025-10-20T00:00:00Z */

static void begin(struct report *r)
{
	*r = (struct report){ .agents_failing = -1, .orgs_all = -1 };
	r->doc.incident.id = xstrdup("INC-1");
	r->doc.incident.title = xstrdup("all <b>out</b>");
	r->doc.incident.started_at_ms = day;
	r->doc.incident.detected_at_ms = day + 60000;
	r->doc.incident.resolved_at_ms = day + 3600000;
	report_settle(r, day + 7200000);
}

static void text(struct report *r, const char *section, bool aside, const char *words)
{
	r->texts = xrealloc(r->texts, (r->n_texts + 1) * sizeof(*r->texts));
	r->texts[r->n_texts++] = (struct review_text){
		.section = xstrdup(section), .text = xstrdup(words), .by = xstrdup("anna"),
		.version = 1, .aside = aside,
	};
}

static void entry(struct report *r, int64_t at, const char *lane, const char *actor,
		  const char *words)
{
	r->entries = xrealloc(r->entries, (r->n_entries + 1) * sizeof(*r->entries));
	r->entries[r->n_entries++] = (struct timeline_entry){
		.happened_at_ms = at, .lane = xstrdup(lane), .actor = xstrdup(actor),
		.kind = xstrdup(str_eq(lane, "alert") ? "alert.fired" : "note"),
		.text = xstrdup(words),
	};
}

static void sections(void **state)
{
	static const char yaml[] =
		SEV "report: [timeline, {section: lessons, title: 'What we <i>learnt'}]\n";
	struct err err = { 0 };
	struct policy *p = policy_parse(yaml, strlen(yaml), "p.yaml", &err);
	struct str out = STR_INIT(1 << 20);
	struct report r;

	(void)state;
	begin(&r);
	text(&r, "impact", true, "set aside");
	report_outline(&r, p);
	report_outline_written(&r);
	assert_int_equal(r.n_parts, 3);
	assert_int_equal(r.parts[0].section, SECTION_TIMELINE);
	assert_string_equal(r.parts[1].title, "What we <i>learnt");
	assert_int_equal(r.parts[2].section, SECTION_IMPACT); /* somebody's text: not dropped */
	report_markdown(&r, &out);
	assert_non_null(strstr(str_get(&out), "## 1. Timeline\n"));
	assert_non_null(strstr(str_get(&out), "## 2. What we \\<i\\>learnt\n"));
	assert_non_null(strstr(str_get(&out), "## 3. Impact assessment\n"));
	assert_non_null(strstr(str_get(&out), "set aside"));
	assert_null(strstr(str_get(&out), "Executive summary"));
	str_clear(&out);
	report_html(&r, &out);
	assert_null(strstr(str_get(&out), "<i>"));
	assert_non_null(strstr(str_get(&out), "What we &lt;i&gt;learnt"));
	str_fini(&out);
	report_fini(&r);
	begin(&r);
	report_outline(&r, NULL);
	assert_int_equal(r.n_parts, SECTION_MAX);
	assert_string_equal(r.parts[0].title, "Executive summary");
	report_fini(&r);
	policy_free(p);
}

static size_t count(const char *where, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(where, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

/* What was measured is left out before what people did, and the end is always there. */
static void thousands(void **state)
{
	struct str out = STR_INIT(4 << 20);
	struct report r;
	char *huge = xcalloc(1, 100001);

	(void)state;
	begin(&r);
	report_outline(&r, NULL);
	for (int i = 0; i < 1000; i++)
		entry(&r, day + i * 1000, "alert", "engine", "alert again");
	for (int i = 0; i < 10; i++)
		entry(&r, day + 1000000 + i * 1000, "people", "anna", "decision");
	memset(huge, 'x', 100000);
	entry(&r, day + 2000000, "people", "anna", huge);
	entry(&r, day + 3000000, "people", "anna", "resolved at last");
	report_markdown(&r, &out);
	assert_int_equal(count(str_get(&out), "| decision |"), 10);
	assert_int_equal(count(str_get(&out), "| alert again |"), 50 - 12);
	assert_int_equal(count(str_get(&out), "| resolved at last |"), 1);
	assert_true(out.len < 20000);
	for (int i = 0; i < 500; i++)
		entry(&r, day + 3100000, "people", "anna", "much said");
	entry(&r, day + 3500000, "people", "anna", "the very end");
	str_clear(&out);
	report_markdown(&r, &out);
	assert_int_equal(count(str_get(&out), "| decision |"), 10);
	assert_int_equal(count(str_get(&out), "| the very end |"), 1);
	assert_int_equal(count(str_get(&out), "| alert again |"), 0);
	assert_non_null(strstr(str_get(&out), "of which the first and the last are shown"));
	str_fini(&out);
	free_p(&huge);
	report_fini(&r);
}

/* Nothing was recorded: nothing is drawn, and no figure is a zero. */
static void nothing(void **state)
{
	struct str out = STR_INIT(1 << 20);
	struct report r;

	(void)state;
	begin(&r);
	r.doc.incident.kind = IK_BACKFILL;
	r.doc.incident.declared_at_ms = day + 30 * INT64_C(86400000);
	report_outline(&r, NULL);
	report_html(&r, &out);
	assert_null(strstr(str_get(&out), "aria-label=\"The incident over time"));
	assert_null(strstr(str_get(&out), "Key moments"));
	assert_null(strstr(str_get(&out), "<td>Declared</td>"));
	assert_non_null(strstr(str_get(&out), "not recorded then"));
	assert_non_null(strstr(str_get(&out), "Report: not begun"));
	assert_non_null(strstr(str_get(&out), "a stamp is missing"));
	str_fini(&out);
	report_fini(&r);
	begin(&r);	/* while it lasts, what has not happened is not missing */
	r.doc.incident.resolved_at_ms = 0;
	entry(&r, day + 60000, "people", "anna", "told the customers");
	str_replace(&r.entries[0].kind, "update");
	assert_true(report_key_moment(&r.entries[0]));
	report_outline(&r, NULL);
	report_html(&r, &out);
	assert_int_equal(count(str_get(&out), "not over yet"), 3);	/* TTM, TTR, impact */
	assert_int_equal(count(str_get(&out), "a stamp is missing"), 1);	/* TTA */
	str_fini(&out);
	report_fini(&r);
}

static void spans(void **state)
{
	char text[40];

	(void)state;
	html_short_span(text, 19 * INT64_C(86400000) + 19 * 3600000 + 35 * 60000 + 8000);
	assert_string_equal(text, "19d19h");
	html_short_span(text, 3723000);
	assert_string_equal(text, "1h2m");
	html_short_span(text, -1);
	assert_string_equal(text, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections), cmocka_unit_test(thousands), cmocka_unit_test(nothing),
		cmocka_unit_test(spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
