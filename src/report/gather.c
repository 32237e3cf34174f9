/*
 * Reads everything a report is made of. Each part is read on its own: what cannot be read is
 * unknown in the report and no reason to have none, but the incident itself must be there.
 */
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "read/review.h"
#include "read/timeline.h"
#include "report/report.h"
#include "store/incidents.h"
#include "store/reports.h"

enum { MARGIN_MS = 15000, PAGE = 1000, SLICES = 160, ORGS = 20 };

static const int64_t slices_ms[] = { 1000,    2000,    5000,     10000,   15000,  30000,
				     60000,   120000,  300000,   600000,  900000, 1800000,
				     3600000, 7200000, 21600000, 86400000 };

static int64_t first_known(const struct incident *i)
{
	int64_t at = i->started_at_ms ? i->started_at_ms : i->detected_at_ms;

	return at ? at : i->declared_at_ms;
}

void report_settle(struct report *r, int64_t now_ms)
{
	const struct incident *i = &r->doc.incident;
	int64_t begin = first_known(i), end, margin;

	r->now_ms = now_ms;
	end = i->resolved_at_ms ? i->resolved_at_ms : now_ms;
	if (i->kind == IK_BACKFILL && i->resolved_at_ms)
		end = i->resolved_at_ms;
	if (end < begin)
		end = begin;
	margin = (end - begin) / 6;
	if (margin < MARGIN_MS)
		margin = MARGIN_MS;
	r->from_ms = begin - margin;
	r->to_ms = end + margin < now_ms ? end + margin : now_ms > end ? now_ms : end;
	r->slice_ms = slices_ms[COUNT_OF(slices_ms) - 1];
	for (size_t k = COUNT_OF(slices_ms); k-- > 0;)
		if ((r->to_ms - r->from_ms) / slices_ms[k] < SLICES)
			r->slice_ms = slices_ms[k];
	r->from_ms -= r->from_ms % r->slice_ms;
	r->n_severities = severity_times(&r->doc, now_ms, r->severities);
}

int64_t report_end(const struct report *r)
{
	const struct incident *i = &r->doc.incident;

	return i->mitigated_at_ms  ? i->mitigated_at_ms
	       : i->resolved_at_ms ? i->resolved_at_ms
				   : r->now_ms;
}

/* Whole pages until there is no more, or more than a report can hold. */
static int read_entries(struct pg_conn *c, struct report *r, struct err *err)
{
	_cleanup_(free_p) char *cursor = NULL;
	size_t cap = 0;
	int e;

	do {
		struct timeline_window w = { .incident = r->doc.incident.id, .from_ms = r->from_ms,
					     .to_ms = r->to_ms, .cursor = cursor, .forward = true,
					     .limit = PAGE };
		struct timeline_entry *page = NULL;
		char *next = NULL;
		size_t n = 0;

		e = read_timeline(c, &w, &page, &n, &next, err);
		if (e < 0)
			return e;
		r->entries = grow(r->entries, &cap, r->n_entries + n + 1, sizeof(*r->entries));
		if (n)
			memcpy(r->entries + r->n_entries, page, n * sizeof(*page));
		r->n_entries += n;
		free_p(&page);
		free_p(&cursor);
		cursor = next;
	} while (cursor && r->n_entries < REPORT_ENTRIES_MAX);
	r->cut = cursor != NULL;
	return 0;
}

static void unknown(const char *what, const struct err *err)
{
	log_warn("report", "%s cannot be read: %s", what, err->msg);
}

/* A statement that took too long takes its connection with it: the next one gets another. */
static bool live(struct store *s, struct pg_conn **c)
{
	struct err err = { 0 };

	if (*c && !pg_broken(*c))
		return true;
	pg_release(TAKE(*c));
	return pg_acquire(s->pool, c, &err) == 0;
}

/* Nothing at all was recorded of that time: then 0 would be a claim. */
static void unwatched(struct report *r)
{
	bool any = r->agents_failing >= 0;

	for (size_t k = 0; k < COUNT_OF(r->traffic); k++)
		any = any || r->traffic[k].usual_total != TRAFFIC_UNKNOWN || r->traffic[k].total;
	if (!any && r->orgs_all == 0)
		r->orgs_all = -1;
}

static void read_rest(struct store *s, struct pg_conn **c, struct report *r)
{
	const char *id = r->doc.incident.id;
	int64_t begin = first_known(&r->doc.incident), end = report_end(r);
	struct err err = { 0 };

	r->orgs_all = r->agents_failing = r->agents_all = -1;
	if (live(s, c) && read_review_runs(*c, id, &r->runs, &r->n_runs, &err) < 0)
		unknown("runs", &err);
	if (live(s, c) && read_review_signs(*c, id, &r->signs, &r->n_signs, &err) < 0)
		unknown("signatures", &err);
	if (live(s, c) && read_review_health(*c, r->from_ms, r->to_ms, r->slice_ms, &r->health,
					     &r->n_health, &err) < 0)
		unknown("health of the accounts", &err);
	if (live(s, c) && read_review_agents(*c, begin, end, &r->agents_failing, &r->agents_all,
					     &err) < 0)
		unknown("agents", &err);
	if (live(s, c) && read_review_slices(*c, r->from_ms, r->to_ms, r->slice_ms, &r->slices,
					     &r->n_slices, &err) < 0)
		unknown("calls and messages", &err);
	if (live(s, c) && read_review_orgs(*c, begin, end, ORGS, &r->orgs, &r->n_orgs, &r->orgs_all,
					   &err) < 0)
		unknown("orgs", &err);
	for (int k = 0; k < REVIEW_KINDS; k++)
		if (live(s, c))
			read_review_traffic(*c, (enum review_kind)k, begin, end, &r->traffic[k]);
		else
			review_traffic_unknown((enum review_kind)k, "no connection",
					       &r->traffic[k]);
	unwatched(r);
}

/* The newest thousand but this one, without drills. */
static void read_usual(struct store *s, struct report *r)
{
	struct incident *v = NULL;
	struct err err = { 0 };
	size_t n = 0, kept = 0;

	if (incidents_list(s, NULL, PAGE, NULL, &v, &n, &err) < 0)
		unknown("other incidents", &err);
	for (size_t i = 0; i < n; i++) {
		if (str_eq(v[i].id, r->doc.incident.id)) {
			record_fini(&incident_type, &v[i]);
			continue;
		}
		r->others += v[i].kind != IK_DRILL;
		v[kept++] = v[i];
	}
	for (int k = 0; k < TIME_KINDS; k++)
		times_summary(v, kept, (enum time_kind)k, &r->usual[k]);
	records_free(&incident_type, v, kept);
}

int report_gather(struct store *s, const struct policy *p, const char *incident,
		  struct report *ret, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *c = NULL;
	const struct incident_severity *at_ack;
	const struct policy_severity *sev;
	int64_t took;
	int e;

	*ret = (struct report){ 0 };
	e = incident_read(s, incident, &ret->doc, err);
	if (e < 0) {
		*ret = (struct report){ 0 };
		return e;
	}
	/* the policy may be read anew at the next wait */
	at_ack = severity_acknowledged(&ret->doc, &took);
	sev = p && at_ack ? policy_severity(p, at_ack->severity) : NULL;
	ret->respond_ms = sev ? sev->respond_ms : 0;
	report_outline(ret, p);
	report_settle(ret, loop_wall_ms(s->loop));
	read_usual(s, ret);
	e = report_texts(s, incident, &ret->texts, &ret->n_texts, err);
	report_outline_written(ret);
	if (e == 0)
		e = pg_acquire(s->pool, &c, err);
	if (e == 0)
		e = read_entries(c, ret, err);
	if (e == 0)
		e = read_review_events(c, incident, &ret->events, &ret->n_events, err);
	if (e == 0)
		read_rest(s, &c, ret);
	else
		report_fini(ret);
	return e;
}

void report_fini(struct report *r)
{
	incident_doc_fini(&r->doc);
	for (size_t i = 0; i < r->n_parts; i++)
		free_p(&r->parts[i].title);
	records_free(&timeline_entry_type, r->entries, r->n_entries);
	records_free(&review_event_type, r->events, r->n_events);
	records_free(&review_run_type, r->runs, r->n_runs);
	records_free(&review_sign_type, r->signs, r->n_signs);
	records_free(&review_health_type, r->health, r->n_health);
	records_free(&review_slice_type, r->slices, r->n_slices);
	records_free(&review_org_type, r->orgs, r->n_orgs);
	records_free(&review_text_type, r->texts, r->n_texts);
	for (size_t i = 0; i < COUNT_OF(r->traffic); i++)
		record_fini(&review_traffic_type, &r->traffic[i]);
	*r = (struct report){ 0 };
}
