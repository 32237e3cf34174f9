/*
 * After PostgreSQL itself failed over, or a restored copy took its place, the newest
 * commits may be missing: a step that was done, a decision that was answered. No attempt
 * goes on by itself then; each one under way fails for a person, who sees what is where.
 */
#include <stdlib.h>

#include "store/control.h"
#include "store/events.h"
#include "store/internal.h"
#include "store/items.h"
#include "store/lease_row.h"
#include "store/lost.h"

static int fail_one(struct tx *t, const char *id, const char *why, struct err *err)
{
	struct event_row r = { 0 };
	int e = event_lock(t, id, &r, err);
	enum event_status from = (enum event_status)r.e.status;

	if (e == 0 && event_status_attempting(from)) {
		r.e.status = EV_FAILED;
		str_replace(&r.e.reason, why);
		str_replace(&r.e.error, why);
		e = event_transition(t, &r, from, r.e.version, why, err);
		if (e == 0)
			e = effects_orphans(t, id, NULL, err);
	}
	event_row_fini(&r);
	return e;
}

static int fail_attempts(struct tx *t, const char *why, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT id FROM ringdown.event"
			 " WHERE status IN ('approved', 'executing', 'rolling_back') ORDER BY id",
			 "");

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		e = fail_one(t, pg_text(r, i, 0), why, err);
	return e;
}

int timeline_settle(struct store *s, int64_t epoch, bool went_back, bool *ret_changed,
		    struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *why = NULL;
	struct who who = WHO_ENGINE(epoch);
	int64_t is, was;
	int e = environment_timeline(s, &is, &was, err);

	*ret_changed = false;
	if (e < 0 || (!went_back && (was == 0 || is == was)))
		return e;
	who.any_timeline = true;
	why = is != was && was ?
		xasprintf("PostgreSQL failed over (timeline %lld, before %lld): what was written"
			  " last may be missing", (long long)is, (long long)was) :
		xstrdup("the database has gone back to an older state: what was written last is"
			" missing");
	e = tx_begin(s, &t, &who, err);
	if (e == 0)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.environment SET timeline = $1", "i",
			     is);
	if (e == 0)
		e = lost_timeline_put(&t, 0, err);	/* what is outside is to be looked at */
	if (e == 0)
		e = alert_raise(&t, "database-changed", "database", "bad", why, true, err);
	if (e == 0)
		e = fail_attempts(&t, why, err);
	if (e < 0)
		return e;
	tx_note(&t, NOTE_BAD, "database.changed", "database", why, NULL);
	e = tx_commit(&t, NULL, err);
	*ret_changed = e == 0;
	return e;
}
