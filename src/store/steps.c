/* Steps of an attempt and the switches that stop it; see steps.h. */
#include "store/steps.h"

int steps_put(struct tx *t, const char *event, int64_t agents, struct err *err)
{
	int r = tx_query(t, NULL, err, "DELETE FROM ringdown.event_step WHERE event_id = $1", "t",
			 event);

	for (int n = STEP_LOCK; r >= 0 && n < STEP_MAX; n++) {
		bool each = n >= STEP_ASSIGN && n <= STEP_TEST;

		r = tx_query(t, NULL, err,
			     "INSERT INTO ringdown.event_step (event_id, n, name, state, done,"
			     " total) VALUES ($1, $2, $3, 'waiting', 0, $4)", "titi", event,
			     (int64_t)n,
			     step_name(n), each ? agents : (int64_t)1);
	}
	return r;
}

int attempt_stop_read(struct tx *t, const char *event, struct attempt_stop *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"SELECT e.status, e.version, e.cancel_requested_at IS NOT NULL,"
		" (c.paused AND coalesce(c.paused_until > $2::timestamptz, true))"
		" OR (c.maintenance AND coalesce(c.maintenance_until > $2::timestamptz, true))"
		" FROM ringdown.event e, ringdown.control c WHERE e.id = $1", "tm", event,
		tx_now_ms(t));

	if (e < 0)
		return e;
	if (pg_rows(r) != 1)
		return err_set(err, ERR_NOT_FOUND, "there is no event %s", event);
	*ret = (struct attempt_stop){
		.status = enum_parse(&event_status_names, pg_text(r, 0, 0)),
		.version = pg_i64(r, 0, 1),
		.cancel = pg_bool(r, 0, 2),
		.paused = pg_bool(r, 0, 3),
	};
	return 0;
}

int attempt_locked(struct tx *t, const char *event, int64_t expires_ms, int64_t renewals,
		   struct err *err)
{
	return tx_one(t, err,
		      "UPDATE ringdown.event SET lock_expires_at = $2::timestamptz,"
		      " lock_renewals = $3, unlocked_at = NULL WHERE id = $1", "tmi", event,
		      expires_ms, renewals);
}

int attempt_cancel_clear(struct tx *t, const char *event, struct err *err)
{
	return tx_one(t, err,
		      "UPDATE ringdown.event SET cancel_requested_at = NULL,"
		      " cancel_requested_by = NULL WHERE id = $1", "t", event);
}

int attempt_plan(struct tx *t, const char *event, const char *to, const char *plan,
		 const char *hash, int64_t agents, bool partial, struct err *err)
{
	return tx_one(t, err,
		      "UPDATE ringdown.event SET to_account = $2, plan = $3::json, plan_hash = $4,"
		      " agents_total = $5, agents_moved = 0, agents_failed = 0, partial = $6"
		      " WHERE id = $1", "ttttib", event, to, plan, hash, agents, (int)partial);
}

int attempt_is_newest(struct tx *t, const char *event, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"SELECT n.id, n.status FROM ringdown.event e JOIN ringdown.event n"
		" ON n.lineage = e.lineage AND n.opened_at > e.opened_at AND n.id <> e.id"
		" WHERE e.id = $1 AND n.status IN ('approved', 'executing', 'completed', 'failed',"
		" 'rolling_back') ORDER BY n.opened_at DESC LIMIT 1", "t", event);

	if (e < 0)
		return e;
	if (pg_rows(r))
		return err_set(err, ERR_CONFLICT, "%s is newer in this lineage and %s",
			       pg_text(r, 0, 0), pg_text(r, 0, 1));
	return 0;
}

int database_identity(struct store *s, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
			    "SELECT (SELECT system_identifier FROM pg_control_system())::text ||"
			    " '-' || substr(md5(current_database()), 1, 8)", "");

	if (e >= 0)
		*ret = xstrdup(pg_text(r, 0, 0));
	return e;
}

int timeline_known(struct tx *t, int64_t timeline, struct err *err)
{
	return tx_query(t, NULL, err, "UPDATE ringdown.environment SET timeline = $1", "i",
			timeline);
}

int lease_epoch_above(struct tx *t, int64_t epoch, bool *ret_raised, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "UPDATE ringdown.lease SET epoch = $1 + 1 WHERE epoch <= $1", "i", epoch);

	if (e >= 0)
		*ret_raised = pg_affected(r) > 0;
	return e;
}

int unlocks_owed(struct store *s, struct owed_unlock **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT id, epoch FROM ringdown.event WHERE lock_expires_at > $1::timestamptz"
		" AND (unlocked_at IS NULL)"
		" AND status NOT IN ('approved', 'executing', 'rolling_back') ORDER BY id", "m",
		loop_wall_ms(s->loop));
	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (struct owed_unlock){ .event = xstrdup(pg_text(r, (int)i, 0)),
						  .epoch = pg_i64(r, (int)i, 1) };
	return 0;
}

void unlocks_free(struct owed_unlock *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&v[i].event);
	free_p(&v);
}
