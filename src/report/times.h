/*
 * Times of incidents, and how they are summed up. Definitions vary between houses, so ours
 * are printed wherever a number is shown:
 *   TTD = detected - started     TTA = acknowledged - detected   TTM = mitigated - detected
 *   TTR = resolved - detected    impact = mitigated - started
 * Means mislead on skewed durations: n, median, p90 and max always stand beside them.
 * Drills are left out, backfills flagged; a missing stamp is missing, never 0. Pure.
 */
#ifndef RD_REPORT_TIMES_H
#define RD_REPORT_TIMES_H

#include "core/json.h"
#include "model/incident.h"
#include "model/review.h"

#define TIME_KIND_LIST(X)                                                                          \
	X(TIME_TTD, "TTD") X(TIME_TTA, "TTA") X(TIME_TTM, "TTM") X(TIME_TTR, "TTR")                \
	X(TIME_IMPACT, "impact")
enum time_kind { TIME_KIND_LIST(RD_ENUM_ID) TIME_KINDS };
extern const struct enum_names time_kind_names;
const char *time_kind_help(enum time_kind k);		/* "detected to resolved" */

/* What it is counted under: detected, else begun, else declared. */
int64_t times_known_since(const struct incident *i);
enum { TIME_MISSING = -1 };
/* In ms, or TIME_MISSING when a stamp is missing or lies before its beginning. */
int64_t incident_time(const struct incident *i, enum time_kind k);

struct time_summary { size_t n, missing, backfilled; int64_t median, p90, max, mean; };
/* Of n values, which are sorted here; n, median, p90, max and mean are set. */
void times_of(int64_t *v, size_t n, struct time_summary *ret);
/* Over real and backfilled incidents; n = 0: all others are TIME_MISSING. p90 is the smallest
 * value that at least nine in ten do not exceed. */
void times_summary(const struct incident *v, size_t n, enum time_kind k, struct time_summary *ret);

/* "n", "missing", "backfilled", "median", "p90", "max", "mean"; null for what is not known. */
void times_json(struct jw *w, const struct time_summary *s);

/* Groups: by month ("2025-10", UTC, of detection, else of when it began) or by cause; newest
 * month, then name first. */
enum time_group { TIMES_BY_MONTH, TIMES_BY_CAUSE };
/* Minutes (ms) spent at a severity. */
struct severity_time { char severity[8]; int64_t ms; };
struct times_row {
	char *name;
	size_t incidents, drills;
	struct time_summary v[TIME_KINDS];
	struct severity_time severities[8]; size_t n_severities;	/* highest first */
};
size_t times_table(const struct incident *v, size_t n, enum time_group by, struct times_row **ret);
void times_free(struct times_row *rows, size_t n);
/* How long the incidents of each row were of each severity. s as read_severity_spans gives it. */
void times_severities(struct times_row *rows, size_t n_rows, const struct incident *v, size_t n,
		      enum time_group by, const struct severity_span *s, size_t n_spans);

/* The same of one incident, until resolved (or now_ms), from its history. */
size_t severity_times(const struct incident_doc *d, int64_t now_ms, struct severity_time ret[8]);

/* The severity in force when it was acknowledged (now, where it was not), and how long that took
 * since detection or since this severity began, whichever is later: a higher one starts its
 * clocks anew. NULL: no history. *ret_ms TIME_MISSING: not acknowledged. */
const struct incident_severity *severity_acknowledged(const struct incident_doc *d,
						      int64_t *ret_ms);

#endif
