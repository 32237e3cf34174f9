/*
 * How incidents and failovers went over a time, as one page: times by month and by cause,
 * minutes at each severity, how approval windows end, what each step takes, which gates held.
 * Like the report of an incident it asks nobody for anything. Pure.
 */
#ifndef RD_REPORT_OVERVIEW_H
#define RD_REPORT_OVERVIEW_H

#include "report/failovers.h"
#include "report/times.h"

struct overview {
	int64_t now_ms, since_ms;		/* since_ms 0 = all that is recorded */
	size_t incidents, drills, backfills;	/* incidents: without drills */
	struct time_summary all[TIME_KINDS];
	struct times_row *months, *causes;
	size_t n_months, n_causes;
	struct failover_metrics failovers;
	const struct failover_gate *gates; size_t n_gates;
};
void overview_html(const struct overview *o, struct str *out);

#endif
