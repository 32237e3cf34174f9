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
/* on: by who acts in t. ERR_NOT_FOUND: no open one has this id. */
int alert_ack(struct tx *t, const char *id, bool on, const char *reason, struct err *err);
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

/* Alerts that people should hear of, or hear the end of (over): firing, not hushed and not told;
 * resolved and told before. The engine's own are told where they are raised. By group. */
int alerts_untold(struct tx *t, bool over, struct alert **ret, size_t *ret_n, struct err *err);
int alerts_told(struct tx *t, const struct alert *v, size_t n, bool over, struct err *err);

/* Series between two lives of an engine, and samples for charts. doc: [{"name","label","doc"}],
 * a null doc forgets; [{"name","label","value"}] at one instant. */
int series_save(struct tx *t, const char *doc, struct err *err);
struct series_row { char *name, *label, *doc; };
int series_load(struct store *s, struct series_row **ret, size_t *ret_n, struct err *err);
void series_rows_free(struct series_row *v, size_t n);
int samples_save(struct tx *t, const char *doc, int64_t at_ms, struct err *err);
int samples_prune(struct store *s, int64_t before_ms, struct err *err);

#endif
