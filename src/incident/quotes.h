/*
 * What providers' status pages say, as the leader read it last: kept for every engine to show
 * (which capability works), and quoted on the timeline of open incidents with the page's own
 * time beside ours. Pages lag; how much is part of the record.
 */
#ifndef RD_INCIDENT_QUOTES_H
#define RD_INCIDENT_QUOTES_H

#include "incident/incidents.h"
#include "providers/feed.h"

/* In the leader's task; asks no page. Nothing new: nothing is written. */
int quotes_look(struct incidents *h, const struct who *who, size_t *ret_quoted, struct err *err);

/* Pure: the document of all pages; reports[f] NULL = never read. */
void quotes_doc(struct jw *w, const struct feed_report *const reports[FEED_COUNT],
		const int64_t at_ms[FEED_COUNT]);
/* Pure: what is quoted of an incident of a page, or of a component when there is none. */
struct saying { char *source, *subject, *text; int64_t said_ms; };
size_t quotes_of(enum feed_id f, const struct feed_report *r, const struct json *before,
		 int64_t at_ms, struct saying **ret);
void sayings_free(struct saying *v, size_t n);

#endif
