/*
 * What people write to a report, and its way through the review. Text is only ever added:
 * each version stays, also the one that came second when two edited at once.
 */
#ifndef RD_STORE_REPORTS_H
#define RD_STORE_REPORTS_H

#include "model/incident.h"
#include "model/review.h"
#include "store/store.h"

/* The newest text of each section, and behind it those set aside since. records_free. */
int report_texts(struct store *s, const char *incident, struct review_text **ret, size_t *ret_n,
		 struct err *err);
/* version: the one that text was made from, 0 = there was none. ERR_CONFLICT: somebody wrote
 * since; text is kept aside as version *ret_version, and *ret_theirs (record_fini of
 * review_text_type) is what stands. Else *ret_version is the new version. */
int report_put(struct store *s, const struct who *who, const char *incident,
	       const char *section, int64_t version, const char *text, int64_t *ret_version,
	       struct review_text *ret_theirs, struct err *err);
/* draft -> in_review -> reviewed -> closed, and back to draft from anywhere before closed. Who
 * put it in review cannot be the one who calls it reviewed, but an admin who says why. Ends
 * the deadlines of report and review. */
int report_state(struct store *s, const struct who *who, const char *incident,
		 enum review_state to, const char *reason, struct err *err);

struct practice_done { char *id, *by, *note; int64_t at_ms; };
/* When each practice was done last. */
int practices_done(struct store *s, struct practice_done **ret, size_t *ret_n, struct err *err);
void practices_done_free(struct practice_done *v, size_t n);
/* When this database came into use: nothing is overdue from before. */
int practices_since(struct store *s, int64_t *ret_ms, struct err *err);
/* In the transaction that tells it: false when that was done before. */
int practice_told(struct tx *t, const char *id, int64_t due_ms, bool *ret_new, struct err *err);
/* Dates that people moved. */
struct practice_move { char *id, *by, *reason; int64_t due_ms, moved_to_ms, at_ms; };
int practices_moved(struct store *s, struct practice_move **ret, size_t *ret_n, struct err *err);
void practices_moved_free(struct practice_move *v, size_t n);
/* moved_to_ms 0: the policy's date holds again. */
int practice_move(struct store *s, const struct who *who, const char *id, int64_t due_ms,
		  int64_t moved_to_ms, const char *reason, struct err *err);
int practice_put(struct store *s, const struct who *who, const char *id, int64_t at_ms,
		 const char *note, struct err *err);

#endif
