/* Alerts of the policy's rules and of others: kept, hushed, acknowledged, told. See control.h for
 * those that the engine raises itself. */
#ifndef RD_STORE_ALERTS_H
#define RD_STORE_ALERTS_H

#include "model/alert.h"
#include "store/store.h"

/* One open row for each name and subject. Journaled when it is new and when state or severity
 * change; since stays that of the beginning. */
int alert_put(struct tx *t, const struct alert *a, struct err *err);
/* A pending one that came to nothing is taken out. */
int alert_drop(struct tx *t, const char *name, const char *subject, struct err *err);
/* on: by who acts in t, until then (0 = for ever). Off: it is told again at once.
 * ERR_NOT_FOUND: no open one has this id. */
int alert_ack(struct tx *t, const char *id, bool on, int64_t until_ms, const char *reason,
	      struct err *err);
/* Name and subject of an alert; ERR_NOT_FOUND names the id. Caller frees both. */
int alert_find(struct store *s, const char *id, char **ret_name, char **ret_subject,
	       struct err *err);

struct silence {
	int64_t id;
	char *name, *subject, *by, *reason, *ended_by;
	int64_t since_ms, until_ms, alerts;	/* how many open ones it hushes */
};
extern const struct record_type silence_type;
/* name and subject: "*" = any. */
int silence_put(struct tx *t, const char *name, const char *subject, int64_t until_ms,
		const char *reason, int64_t *ret_id, struct err *err);
/* ERR_NOT_FOUND: none, or over already. */
int silence_end(struct tx *t, int64_t id, struct err *err);
int silences_list(struct store *s, int64_t now_ms, struct silence **ret, size_t *ret_n,
		  struct err *err);

/* What hushes each open alert: silences, and inhibitors by the table
 * [{"source","target","equal"}]. Journaled where it changed. */
int alerts_hush(struct tx *t, const char *table, struct err *err);

/* Severity and runbook of the engine's own alerts by the table [{"n","alert","level","severity",
 * "runbook"}] in the order of n. Journaled where it changed. */
int alerts_rate(struct tx *t, const char *table, struct err *err);

/* What people should hear now, by group: firing, not hushed and not told; told, and due again;
 * resolved and told before. alerts_told keeps next_tell_ms and told_to of each. */
enum alert_telling { TELL_BEGUN, TELL_AGAIN, TELL_OVER };
int alerts_untold(struct tx *t, enum alert_telling what, struct alert **ret, size_t *ret_n,
		  struct err *err);
/* How many of a page are not over. */
int alerts_of_page(struct tx *t, const char *page, int64_t *ret, struct err *err);
int alerts_told(struct tx *t, const struct alert *v, size_t n, enum alert_telling what,
		struct err *err);

/* Silences and acknowledgements that end soon, and silences that hush what fires for so long that
 * somebody may have forgotten them. */
#define ALERT_FORGOTTEN_MS INT64_C(86400000)
struct alert_ending {
	char *what;			/* silence, ack */
	char *id, *name, *subject, *by, *reason, *why;
	int64_t since_ms, until_ms, firing;
};
extern const struct record_type alert_ending_type;
/* t NULL: all, read from s; else those that nobody was reminded of, for the leader. */
int alerts_ending(struct store *s, struct tx *t, int64_t now_ms, int64_t within_ms,
		  struct alert_ending **ret, size_t *ret_n, struct err *err);
int alerts_reminded(struct tx *t, const struct alert_ending *v, size_t n, struct err *err);
/* Acknowledgements that ran out are nobody's any more. */
int alerts_acks_expire(struct tx *t, struct err *err);

/* Series between two lives of an engine, and samples for charts. doc: [{"name","label","doc"}],
 * a null doc forgets; [{"name","label","value"}] at one instant. */
int series_save(struct tx *t, const char *doc, struct err *err);
struct series_row { char *name, *label, *doc; };
int series_load(struct store *s, struct series_row **ret, size_t *ret_n, struct err *err);
void series_rows_free(struct series_row *v, size_t n);
int samples_save(struct tx *t, const char *doc, int64_t at_ms, struct err *err);
int samples_prune(struct store *s, int64_t before_ms, struct err *err);

#endif
