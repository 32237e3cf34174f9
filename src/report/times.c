/*
 * See times.h. Every figure comes from the stamps of the incident's own record; a stamp that
 * lies before the one it is measured from is a mistake somebody must mend, so it counts as
 * missing instead of as a negative time that would pull a mean down.
 */
#include "report/times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"

ENUM_NAMES(time_kind_names, "time", TIME_KIND_LIST);

/* From which stamp to which, by offset in struct incident. */
static const struct {
	size_t from, to;
	const char *help;
} kinds[TIME_KINDS] = {
#define SPAN(a, b, text) { offsetof(struct incident, a), offsetof(struct incident, b), text }
	[TIME_TTD] = SPAN(started_at_ms, detected_at_ms, "started to detected"),
	[TIME_TTA] = SPAN(detected_at_ms, acked_at_ms, "detected to acknowledged"),
	[TIME_TTM] = SPAN(detected_at_ms, mitigated_at_ms, "detected to mitigated"),
	[TIME_TTR] = SPAN(detected_at_ms, resolved_at_ms, "detected to resolved"),
	[TIME_IMPACT] = SPAN(started_at_ms, mitigated_at_ms, "started to mitigated"),
#undef SPAN
};

const char *time_kind_help(enum time_kind k)
{
	return kinds[k].help;
}

static int64_t stamp(const struct incident *i, size_t offset)
{
	int64_t at;

	memcpy(&at, (const char *)i + offset, sizeof(at));
	return at;
}

int64_t incident_time(const struct incident *i, enum time_kind k)
{
	int64_t from = stamp(i, kinds[k].from), to = stamp(i, kinds[k].to);

	return from > 0 && to >= from ? to - from : TIME_MISSING;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* An even number of values: the middle between the two in the middle. */
void times_of(int64_t *v, size_t n, struct time_summary *ret)
{
	double sum = 0;

	ret->n = n;
	ret->median = ret->p90 = ret->max = ret->mean = TIME_MISSING;
	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), by_size);
	for (size_t i = 0; i < n; i++)
		sum += (double)v[i];
	ret->median = n % 2 ? v[n / 2] : v[n / 2 - 1] + (v[n / 2] - v[n / 2 - 1]) / 2;
	ret->p90 = v[(n * 9 + 9) / 10 - 1];
	ret->max = v[n - 1];
	ret->mean = (int64_t)(sum / (double)n + 0.5);
}

/* Of the group called name (NULL = of all); drills never. */
static void collect(const struct incident *v, size_t n, enum time_kind k, const char *name,
		    void (*name_of)(const struct incident *i, char ret[64]),
		    struct time_summary *ret)
{
	_cleanup_(free_p) int64_t *found = xcalloc(n ? n : 1, sizeof(*found));
	char group[64];

	*ret = (struct time_summary){ 0 };
	for (size_t i = 0; i < n; i++) {
		int64_t ms = incident_time(&v[i], k);

		if (v[i].kind == IK_DRILL)
			continue;
		if (name) {
			name_of(&v[i], group);
			if (strcmp(group, name) != 0)
				continue;
		}
		if (ms == TIME_MISSING) {
			ret->missing++;
			continue;
		}
		found[ret->n++] = ms;
		ret->backfilled += v[i].kind == IK_BACKFILL;
	}
	times_of(found, ret->n, ret);
}

void times_summary(const struct incident *v, size_t n, enum time_kind k, struct time_summary *ret)
{
	collect(v, n, k, NULL, NULL, ret);
}

static void ms_json(struct jw *w, const char *name, int64_t ms)
{
	if (ms == TIME_MISSING)
		jw_null(w, name);
	else
		jw_i64(w, name, ms);
}

void times_json(struct jw *w, const struct time_summary *s)
{
	jw_i64(w, "n", (int64_t)s->n);
	jw_i64(w, "missing", (int64_t)s->missing);
	jw_i64(w, "backfilled", (int64_t)s->backfilled);
	ms_json(w, "median", s->n ? s->median : TIME_MISSING);
	ms_json(w, "p90", s->n ? s->p90 : TIME_MISSING);
	ms_json(w, "max", s->n ? s->max : TIME_MISSING);
	ms_json(w, "mean", s->n ? s->mean : TIME_MISSING);
}

/* ---- groups -------------------------------------------------------------------- */

int64_t times_known_since(const struct incident *i)
{
	return i->detected_at_ms  ? i->detected_at_ms
	       : i->started_at_ms ? i->started_at_ms
				  : i->declared_at_ms;
}

static void month_of(const struct incident *i, char ret[64])
{
	time_t at = (time_t)(times_known_since(i) / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	snprintf(ret, 64, "%04d-%02d", tm.tm_year + 1900, tm.tm_mon + 1);
}

static void cause_of(const struct incident *i, char ret[64])
{
	snprintf(ret, 64, "%s", i->cause && *i->cause ? i->cause : "not written yet");
}

static struct times_row *row_for(struct times_row *rows, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	rows[*n].name = xstrdup(name);
	return &rows[(*n)++];
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct times_row *)b)->name, ((const struct times_row *)a)->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct times_row *)a)->name, ((const struct times_row *)b)->name);
}

size_t times_table(const struct incident *v, size_t n, enum time_group by, struct times_row **ret)
{
	void (*name_of)(const struct incident *i, char name[64]) =
		by == TIMES_BY_MONTH ? month_of : cause_of;
	struct times_row *rows = xcalloc(n ? n : 1, sizeof(*rows));
	size_t n_rows = 0;
	char name[64];

	for (size_t i = 0; i < n; i++) {
		struct times_row *r;

		name_of(&v[i], name);
		r = row_for(rows, &n_rows, name);
		r->incidents += v[i].kind != IK_DRILL;
		r->drills += v[i].kind == IK_DRILL;
	}
	for (size_t i = 0; i < n_rows; i++)
		for (int k = 0; k < TIME_KINDS; k++)
			collect(v, n, (enum time_kind)k, rows[i].name, name_of, &rows[i].v[k]);
	if (n_rows)
		qsort(rows, n_rows, sizeof(*rows), by == TIMES_BY_MONTH ? newest_first : by_name);
	*ret = rows;
	return n_rows;
}

static int highest_first(const void *a, const void *b)
{
	return strcmp(((const struct severity_time *)a)->severity,
		      ((const struct severity_time *)b)->severity);
}

static void add_span(struct times_row *r, const struct severity_span *s)
{
	size_t k = 0;

	while (k < r->n_severities && !str_eq(r->severities[k].severity, s->severity))
		k++;
	if (k == COUNT_OF(r->severities))
		return;
	if (k == r->n_severities)
		snprintf(r->severities[r->n_severities++].severity,
			 sizeof(r->severities->severity), "%s", s->severity);
	r->severities[k].ms += s->ms;
}

/* The first of its spans. */
static size_t first_span(const struct severity_span *s, size_t n, const char *id)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (strcmp(s[at].incident, id) < 0)
			from = at + 1;
		else
			to = at;
	}
	return from;
}

void times_severities(struct times_row *rows, size_t n_rows, const struct incident *v, size_t n,
		      enum time_group by, const struct severity_span *s, size_t n_spans)
{
	char name[64];

	for (size_t i = 0; i < n; i++) {
		struct times_row *r = NULL;

		(by == TIMES_BY_MONTH ? month_of : cause_of)(&v[i], name);
		for (size_t k = 0; k < n_rows && !r; k++)
			r = str_eq(rows[k].name, name) ? &rows[k] : NULL;
		for (size_t k = first_span(s, n_spans, v[i].id);
		     r && k < n_spans && str_eq(s[k].incident, v[i].id); k++)
			add_span(r, &s[k]);
	}
	for (size_t k = 0; k < n_rows; k++)
		if (rows[k].n_severities)
			qsort(rows[k].severities, rows[k].n_severities,
			      sizeof(rows[k].severities[0]), highest_first);
}

void times_free(struct times_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&rows[i].name);
	free_p(&rows);
}

/* ---- severities ---------------------------------------------------------------- */

size_t severity_times(const struct incident_doc *d, int64_t now_ms, struct severity_time ret[8])
{
	int64_t end = d->incident.resolved_at_ms ? d->incident.resolved_at_ms : now_ms;
	size_t n = 0;

	for (size_t i = 0; i < d->n_severities; i++) {
		const struct incident_severity *s = &d->severities[i];
		int64_t until = i + 1 < d->n_severities ? d->severities[i + 1].at_ms : end;
		size_t at = 0;

		if (until > end)
			until = end;
		while (at < n && strcmp(ret[at].severity, s->severity ? s->severity : "") != 0)
			at++;
		if (at == 8)
			break;
		if (at == n) {
			snprintf(ret[n].severity, sizeof(ret[n].severity), "%s", s->severity);
			ret[n++].ms = 0;
		}
		ret[at].ms += until > s->at_ms ? until - s->at_ms : 0;
	}
	return n;
}

const struct incident_severity *severity_acknowledged(const struct incident_doc *d, int64_t *ret_ms)
{
	const struct incident *i = &d->incident;
	const struct incident_severity *s = d->n_severities ? &d->severities[0] : NULL;
	int64_t since = i->detected_at_ms ? i->detected_at_ms : i->declared_at_ms;

	for (size_t k = 1; k < d->n_severities; k++)
		if (!i->acked_at_ms || d->severities[k].at_ms <= i->acked_at_ms)
			s = &d->severities[k];
	if (s && s != d->severities && s->at_ms > since)
		since = s->at_ms;
	*ret_ms = i->acked_at_ms && i->acked_at_ms >= since ? i->acked_at_ms - since : TIME_MISSING;
	return s;
}
