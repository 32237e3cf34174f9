/*
 * `ringdown runbook test`: the cases beside each runbook, played without anything real. The
 * outcome as text, JSON, JUnit or TAP, with the coverage of steps and branches.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/runbook.h"
#include "core/json.h"
#include "core/mem.h"
#include "runbook/cases.h"

enum { MISSED_SHOWN = 12 };

struct outcome { const struct runbook *rb; struct cases_report report; bool unusable; };
struct outcomes { struct outcome *v; size_t n; struct problems problems; };

static void totals(const struct outcomes *o, size_t *ret_cases, size_t *ret_failed,
		   struct coverage *steps, struct coverage *branches)
{
	*ret_cases = *ret_failed = 0;
	*steps = *branches = (struct coverage){ 0 };
	for (size_t i = 0; i < o->n; i++) {
		const struct cases_report *r = &o->v[i].report;
		*ret_cases += r->n;
		*ret_failed += r->failed + o->v[i].unusable;
		steps->n += r->steps.n;
		steps->hit += r->steps.hit;
		branches->n += r->branches.n;
		branches->hit += r->branches.hit;
	}
}

static void add_missed(struct str *out, const char *what, const struct coverage *c)
{
	if (!c->n_missed)
		return;
	str_addf(out, "     no case goes through %s ", what);
	for (size_t i = 0; i < c->n_missed && i < MISSED_SHOWN; i++)
		str_addf(out, "%s%s", i ? ", " : "", c->missed[i]);
	str_addf(out, "%s\n", c->n_missed > MISSED_SHOWN ? " ..." : "");
}

static void add_why(struct str *out, const char *indent, const char *why)
{
	for (const char *p = why; *p;) {
		size_t n = strcspn(p, "\n");
		str_add(out, indent);
		str_addn(out, p, n);
		str_addc(out, '\n');
		p += n + (p[n] == '\n');
	}
}

static void as_text(const struct outcomes *o, struct str *out)
{
	struct coverage steps, branches;
	size_t cases, failed;

	totals(o, &cases, &failed, &steps, &branches);
	for (size_t i = 0; i < o->n; i++) {
		const struct cases_report *r = &o->v[i].report;
		str_addf(out, "%-4s %-24s %zu case%s, steps %zu/%zu, branches %zu/%zu\n",
			 r->failed || o->v[i].unusable ? "FAIL" : "ok", o->v[i].rb->id, r->n,
			 r->n == 1 ? "" : "s",
			 r->steps.hit, r->steps.n, r->branches.hit, r->branches.n);
		for (size_t k = 0; k < r->n; k++) {
			if (!r->v[k].why)
				continue;
			str_addf(out, "     %s:%d: %s\n", r->file, r->v[k].at.line, r->v[k].name);
			add_why(out, "       ", r->v[k].why);
		}
		add_missed(out, "steps", &r->steps);
		add_missed(out, "branches", &r->branches);
	}
	problems_print(out, &o->problems);
	str_addf(out, "%zu passed, %zu failed; steps %zu of %zu, branches %zu of %zu\n",
		 cases >= failed ? cases - failed : 0, failed, steps.hit, steps.n, branches.hit,
		 branches.n);
}

static void as_tap(const struct outcomes *o, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += o->v[i].report.n + o->v[i].unusable;
	str_addf(out, "TAP version 13\n1..%zu\n", n);
	n = 0;
	for (size_t i = 0; i < o->n; i++) {
		const struct cases_report *r = &o->v[i].report;
		if (o->v[i].unusable)
			str_addf(out, "not ok %zu - %s: the cases cannot be read\n", ++n,
				 o->v[i].rb->id);
		for (size_t k = 0; k < r->n; k++) {
			str_addf(out, "%sok %zu - %s: %s\n", r->v[k].why ? "not " : "", ++n,
				 o->v[i].rb->id, r->v[k].name);
			if (r->v[k].why)
				add_why(out, "# ", r->v[k].why);
		}
		str_addf(out, "# %s: steps %zu/%zu, branches %zu/%zu\n", o->v[i].rb->id,
			 r->steps.hit, r->steps.n, r->branches.hit, r->branches.n);
	}
}

static void add_xml(struct str *out, const char *text)
{
	_cleanup_(free_p) char *clean = text_clean(text, 0);

	for (const char *p = clean; *p; p++) {
		switch (*p) {
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '&': str_add(out, "&amp;"); break;
		case '"': str_add(out, "&quot;"); break;
		default: str_addc(out, *p); break;
		}
	}
}

static void as_junit(const struct outcomes *o, struct str *out)
{
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t i = 0; i < o->n; i++) {
		const struct cases_report *r = &o->v[i].report;
		str_addf(out, "<testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\">\n",
			 o->v[i].rb->id, r->n + o->v[i].unusable, r->failed + o->v[i].unusable);
		if (o->v[i].unusable)
			str_addf(out, "<testcase classname=\"%s\" name=\"cases\"><failure"
				 " message=\"the cases cannot be read\"/></testcase>\n",
				 o->v[i].rb->id);
		for (size_t k = 0; k < r->n; k++) {
			str_addf(out, "<testcase classname=\"%s\" name=\"", o->v[i].rb->id);
			add_xml(out, r->v[k].name);
			str_addf(out, "\"%s", r->v[k].why ? "><failure message=\"" : "/>\n");
			if (r->v[k].why) {
				add_xml(out, r->v[k].why);
				str_add(out, "\"/></testcase>\n");
			}
		}
		str_add(out, "</testsuite>\n");
	}
	str_add(out, "</testsuites>\n");
}

static void coverage_json(struct jw *w, const char *name, const struct coverage *c)
{
	jw_obj(w, name);
	jw_i64(w, "total", (int64_t)c->n);
	jw_i64(w, "covered", (int64_t)c->hit);
	jw_arr(w, "missed");
	for (size_t i = 0; i < c->n_missed; i++)
		jw_str(w, NULL, c->missed[i]);
	jw_arr_end(w);
	jw_obj_end(w);
}

static void as_json(const struct outcomes *o, struct str *out)
{
	struct jw w = JW(out);
	struct coverage steps, branches;
	size_t cases, failed;

	totals(o, &cases, &failed, &steps, &branches);
	jw_obj(&w, NULL);
	jw_i64(&w, "cases", (int64_t)cases);
	jw_i64(&w, "failed", (int64_t)failed);
	coverage_json(&w, "steps", &steps);
	coverage_json(&w, "branches", &branches);
	jw_arr(&w, "runbooks");
	for (size_t i = 0; i < o->n; i++) {
		const struct cases_report *r = &o->v[i].report;
		jw_obj(&w, NULL);
		jw_str(&w, "id", o->v[i].rb->id);
		jw_arr(&w, "cases");
		for (size_t k = 0; k < r->n; k++) {
			jw_obj(&w, NULL);
			jw_str(&w, "name", r->v[k].name);
			jw_i64(&w, "line", r->v[k].at.line);
			jw_bool(&w, "ok", !r->v[k].why);
			jw_str(&w, "why", r->v[k].why);
			jw_obj_end(&w);
		}
		jw_arr_end(&w);
		coverage_json(&w, "steps", &r->steps);
		coverage_json(&w, "branches", &r->branches);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	str_addc(out, '\n');
}

/* Beside the runbook, its name with .cases. */
static char *cases_of(const struct runbook *rb)
{
	size_t n = strlen(rb->file);

	n -= n > 5 && str_eq(rb->file + n - 5, ".yaml") ? 5 : 0;
	return xasprintf("%.*s.cases.yaml", (int)n, rb->file);
}

static void test_one(const struct library *l, const struct runbook *rb, const char *only,
		     bool named, struct outcomes *o)
{
	_cleanup_(free_p) char *file = cases_of(rb);
	struct outcome *one;
	struct stat st;

	if (stat(file, &st) && !named)
		return;
	o->v = xrealloc(o->v, (o->n + 1) * sizeof(*o->v));
	one = &o->v[o->n++];
	memset(one, 0, sizeof(*one));
	one->rb = rb;
	one->unusable = cases_run(l, rb, file, only, &one->report, &o->problems) != 0;
}

static int tell(struct cli *c, const struct outcomes *o)
{
	const char *format = cli_opt(c, "format");
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct coverage steps, branches;
	size_t cases, failed;

	totals(o, &cases, &failed, &steps, &branches);
	if (cli_format(c) == FORMAT_JSON)
		as_json(o, &out);
	else if (str_eq(format, "junit"))
		as_junit(o, &out);
	else if (str_eq(format, "tap"))
		as_tap(o, &out);
	else
		as_text(o, &out);
	cli_write(c, str_get(&out));
	str_fini(&out);
	if (!cases && !failed)
		return cli_fail(c, EXIT_NO, "no cases: they stand in ID.cases.yaml beside ID.yaml");
	bool gaps = cli_flag(c, "full") && (steps.hit < steps.n || branches.hit < branches.n);
	return failed || gaps ? EXIT_NO : EXIT_DONE;
}

int runbook_test(struct cli *c)
{
	struct outcomes o = { 0 };
	struct library *l = NULL;
	struct runbook *own = NULL;
	int status = EXIT_DONE;
	const char *what = cli_arg(c, 0);

	if (what) {
		const struct runbook *rb = runbook_cli_find(c, what, &l, &own, &status);
		if (rb)
			test_one(l, rb, cli_opt(c, "case"), true, &o);
	} else {
		l = runbook_cli_library(c, true, &status);
		for (size_t i = 0; l && i < library_count(l); i++)
			test_one(l, library_at(l, i), NULL, false, &o);
	}
	if (!status)
		status = tell(c, &o);
	for (size_t i = 0; i < o.n; i++)
		cases_report_fini(&o.v[i].report);
	free_p(&o.v);
	problems_fini(&o.problems);
	library_free(l);
	runbook_free(own);
	return status;
}
