/* Shared inside src/sms only. */
#ifndef RD_SMS_INTERNAL_H
#define RD_SMS_INTERNAL_H

#include "core/task.h"
#include "providers/provider.h"
#include "sms/sms.h"

enum { TWILIO_KEPT = 1000 };
struct sms {
	struct sms_deps d;
	struct sms_counts *counts[SMS_SOURCES][2];	/* whole, light */
	bool busy[SMS_SOURCES][2];	/* somebody refreshes it: others wait */
	struct condition changed;
	int64_t numbers, numbers_ready, numbers_ms;	/* of the pool, when they were counted */
	/* Twilio's own list, asked at most once a minute */
	struct sms_failure *failed;
	size_t n_failed;
	int64_t twilio_from_ms;
	int jobs;			/* retries under way */
	bool stopping;
};

/* twilio.c: fills counts[SMS_TWILIO] and the failed list. */
int sms_twilio_refresh(struct sms *s, int64_t now_ms, int64_t window_ms, struct err *err);

/* actions.c */
struct sms_change {
	const char *kind, *org;
	char *before, *after;		/* JSON objects or NULL */
	char *text, *undo;		/* a sentence; a command line */
	int64_t rows;
	char *action;			/* id, once written */
};
void sms_change_fini(struct sms_change *c);
void sms_change_json(struct str *ret, const struct sms_change *c, bool dry_run);
/* Writes the action's row (id into c->action) and its journal line. */
int sms_action_put(struct tx *t, struct sms_change *c, const char *reason, struct err *err);
int sms_call_error(const struct call_info *info, const char *what, struct err *err);

#endif
