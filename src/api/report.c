/* Reports: built when they are asked for, written to section by section, signed on their way
 * through the review. And the practices of the year. */
#include "api/internal.h"

#include <string.h>

#include "engine/engine.h"
#include "incident/incidents.h"
#include "report/practices.h"
#include "report/report.h"
#include "store/reports.h"

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

static const char *const format_words[] = { "json", "md", "csv", "html", "sections", NULL };

static const struct {
	const char *type;
	void (*write)(const struct report *r, struct str *out);
} formats[] = {
	{ "application/json", report_json },
	{ "text/markdown; charset=utf-8", report_markdown },
	{ "text/csv; charset=utf-8", report_csv },
	{ "text/html; charset=utf-8", report_html },
	{ "application/json", report_sections_json },
};

static int get_report(struct call *c)
{
	const char *word = call_query(c, "format");
	struct err err = { 0 };
	struct report r;
	size_t f = 0;

	while (word && !str_eq(word, format_words[f]))
		f++;
	if (report_gather(c->engine->store, incidents_policy(c->engine->incidents), c->params[0],
			  &r, &err) < 0)
		return api_problem_err(c, &err);
	formats[f].write(&r, &c->out);
	report_fini(&r);
	if (c->out.full)
		return api_problem(c, 500, NULL, "the report is larger than an answer may be");
	if (!str_eq(formats[f].type, "application/json") && c->req)
		api_reply_page(c, formats[f].type);
	return 200;
}

static int conflict(struct call *c, const struct err *err, int64_t kept,
		    const struct review_text *theirs)
{
	struct jw w = JW(&c->out);

	str_clear(&c->out);
	problem_begin(&w, 409, "Somebody else wrote meanwhile", err->msg);
	jw_i64(&w, "keptAs", kept);
	record_json(&w, "theirs", &review_text_type, theirs);
	jw_obj_end(&w);
	return 409;
}

static int no_section(struct call *c, const struct policy *p)
{
	_cleanup_(str_fini) struct str text = STR_INIT(1000);

	str_add(&text, "the report has the sections");
	for (int s = 0, n = 0; s < SECTION_MAX; s++)
		if (policy_has_section(p, s))
			str_addf(&text, "%s %s", n++ ? "," : "",
				 enum_name(&report_section_names, s));
	return api_problem(c, 404, NULL, "%s", str_get(&text));
}

static int put_section(struct call *c)
{
	const struct policy *policy = incidents_policy(c->engine->incidents);
	int section = report_section_find(c->params[1]), status = 200;
	struct review_text theirs = { 0 };
	struct who who = who_of(c);
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t version = 0;
	int e;

	/* what was written before the policy dropped its section can still be mended */
	if (section < 0 ||
	    (!policy_has_section(policy, section) && !call_int(c, "version", 0)))
		return no_section(c, policy);
	e = report_put(c->engine->store, &who, c->params[0],
		       enum_name(&report_section_names, section), call_int(c, "version", 0),
		       call_text(c, "text"), &version, &theirs, &err);
	if (e == ERR_CONFLICT && theirs.version + version > 0) {
		status = conflict(c, &err, version, &theirs);
	} else if (e < 0) {
		status = api_problem_err(c, &err);
	} else {
		jw_obj(&w, NULL);
		jw_str(&w, "section", enum_name(&report_section_names, section));
		jw_i64(&w, "version", version);
		jw_obj_end(&w);
	}
	record_fini(&review_text_type, &theirs);
	hub_wake(c->engine->hub);
	return status;
}

static int post_state(struct call *c)
{
	int to = enum_parse(&review_state_names, call_text(c, "state"));
	struct who who = who_of(c);
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (str_eq(call_text(c, "state"), "approved"))
		to = RV_REVIEWED;
	if (to <= RV_NONE)
		return api_problem_field(c, 400, "state",
					 "one of draft, in_review, reviewed, closed");
	if (report_state(c->engine->store, &who, c->params[0], (enum review_state)to,
			 call_text(c, "reason"), &err) < 0)
		return api_problem_err(c, &err);
	hub_wake(c->engine->hub);
	jw_obj(&w, NULL);
	jw_str(&w, "incident", c->params[0]);
	jw_str(&w, "review", enum_name(&review_state_names, to));
	jw_obj_end(&w);
	return 200;
}

/* ---- practices ---------------------------------------------------------------------- */

static int write_practices(struct call *c)
{
	struct practice *v = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (practices_list(c->engine->store, incidents_policy(c->engine->incidents), &v, &n, &err) <
	    0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	records_json(&w, "practices", &practice_type, v, n);
	jw_obj_end(&w);
	records_free(&practice_type, v, n);
	return 200;
}

static int post_practice(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };
	int64_t at = 0;

	if (call_text(c, "at") && !parse_time_ms(call_text(c, "at"), &at))
		return api_problem_field(c, 400, "at", "must be an RFC 3339 time, with its zone");
	if (practices_do(c->engine->store, incidents_policy(c->engine->incidents), &who,
			 c->params[0], at, call_text(c, "note"), &err) < 0)
		return api_problem_err(c, &err);
	hub_wake(c->engine->hub);
	practices_wake(c->engine->practices);
	return write_practices(c);
}

static int post_due(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };

	if (practices_move(c->engine->store, incidents_policy(c->engine->incidents), &who,
			   c->params[0], call_text(c, "dueAt"), call_text(c, "reason"), &err) < 0)
		return api_problem_err(c, &err);
	hub_wake(c->engine->hub);
	practices_wake(c->engine->practices);
	return write_practices(c);
}

#define TEXT(name_, max_, ...) { name_, M_TEXT, .max = max_, __VA_ARGS__ }
static const struct route routes[] = {
	{ "GET", "/api/v1/incidents/{id}/report", PR_VIEWER, .handle = get_report,
	  .help = "the report",
	  .query = { { "format", Q_WORD, "json unless said; csv is its timeline, sections is json "
		       "without timeline and series", .also = format_words } } },
	{ "PUT", "/api/v1/incidents/{id}/report/{section}", PR_OPERATOR, .handle = put_section,
	  .body = { TEXT("text", REPORT_TEXT_MAX, .required = true),
		    { "version", M_INT, .min = 0, .max = INT32_MAX, .required = true,
		      .help = "that the text was made from; 0 = there was none" } },
	  .help = "writes a section; 409 has the text that came first, and keeps this one beside "
		  "it" },
	{ "POST", "/api/v1/incidents/{id}/review", PR_OPERATOR, .handle = post_state,
	  .body = { TEXT("state", 20, .required = true,
			 .help = "draft, in_review, reviewed, closed"),
		    TEXT("reason", 1000) },
	  .help = "the report's way through the review; who put it in review does not call it "
		  "reviewed" },
	{ "GET", "/api/v1/practices", PR_VIEWER, .handle = write_practices,
	  .help = "the practices of the year: when each is due, when it was done last",
	  .query = { Q_PAGES }, .list = "practices" },
	{ "POST", "/api/v1/practices/{id}/done", PR_OPERATOR, .handle = post_practice,
	  .body = { TEXT("note", 1000), TEXT("at", 40, .help = "when it was, if not now") },
	  .help = "a practice was done" },
	{ "POST", "/api/v1/practices/{id}/due", PR_OPERATOR, .handle = post_due,
	  .body = { TEXT("dueAt", 40, .help = "a day, +7d or an instant; \"\" or null: as the"
			 " policy says"), TEXT("reason", 1000) },
	  .help = "moves the next date of a practice; those after it stay" },
};
const struct route_table report_routes = { routes, COUNT_OF(routes) };
