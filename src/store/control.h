/* Switches of the installation, pinned hazards, alerts, and documents shown live. */
#ifndef RD_STORE_CONTROL_H
#define RD_STORE_CONTROL_H

#include "model/alert.h"
#include "store/store.h"

struct control_row {
	bool paused, maintenance, shadow;
	char *paused_by, *paused_reason, *maintenance_by, *maintenance_reason;
	int64_t paused_at_ms, paused_until_ms, maintenance_at_ms, maintenance_until_ms;
	int64_t version;
};
void control_fini(struct control_row *c);
/* Expired pauses read as off (now_ms). */
int control_read(struct store *s, int64_t now_ms, struct control_row *ret, struct err *err);
/* until_ms 0 = until someone ends it. Journaled with the "control" record; a hold is pinned. */
int control_pause(struct store *s, const struct who *who, bool on, int64_t until_ms,
		  const char *reason, struct err *err);
int control_maintenance(struct store *s, const struct who *who, bool on, int64_t until_ms,
			const char *reason, struct err *err);
/* The leader journals and unpins what ran out. */
int control_expire(struct store *s, const struct who *who, struct err *err);

struct hold_row {
	char *id, *what, *subject, *by, *reason;
	int64_t since_ms, until_ms;
};
/* A hazard that stays pinned until it is released or its time is over (until_ms 0 = never). The
 * same id again replaces it. Journaled. */
int hold_put(struct tx *t, const char *id, const char *what, const char *subject,
	     const char *reason, int64_t until_ms, struct err *err);
int hold_release(struct tx *t, const char *id, struct err *err);	/* absent: fine */
int holds_list(struct store *s, struct hold_row **ret, size_t *ret_n, struct err *err);
void holds_free(struct hold_row *rows, size_t n);

/* Opens or refreshes; journaled only when it opens or its severity changes. tell: people are to
 * hear of it when it opens (alerts_untold); false where what caused it tells them. */
int alert_raise(struct tx *t, const char *name, const char *subject, const char *severity,
		const char *text, bool tell, struct err *err);
int alert_resolve(struct tx *t, const char *name, const char *subject, bool *ret_was,
		  struct err *err);
/* Open ones and those resolved since since_ms, newest first. */
int alerts_list(struct store *s, int64_t since_ms, int64_t limit, struct alert **ret,
		size_t *ret_n, struct err *err);
void alerts_free(struct alert *rows, size_t n);

/* The newest document of this key ("feeds"), for every engine to show; not journaled. */
int live_put(struct store *s, const char *key, const char *doc, struct err *err);
/* *ret (heap) NULL when absent. */
int live_get(struct store *s, const char *key, char **ret, int64_t *ret_at_ms, struct err *err);

#endif
