/*
 * Items of an attempt and what moves with them; see items.h.
 *
 * Many rows travel as one JSON array parameter, so that a thousand agents cost a few
 * statements. Images are written once and never overwritten by a later epoch: `before`
 * is what a rollback puts back. Nothing here talks to a provider.
 */
#include "store/items.h"

#include "store/internal.h"

#include "core/json.h"

static void item_fini(struct item *i)
{
	char **texts[] = { &i->agent, &i->name, &i->eleven_agent, &i->from_account,
			   &i->to_account, &i->from_number, &i->from_sid, &i->to_number,
			   &i->to_sid, &i->eleven_before, &i->eleven_after, &i->before,
			   &i->after, &i->observed, &i->error };

	for (size_t k = 0; k < COUNT_OF(texts); k++)
		free_p(texts[k]);
}

void items_free(struct item *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		item_fini(&v[i]);
	free_p(&v);
}

static char *column(const struct pg_result *r, int row, int col)
{
	return pg_null(r, row, col) ? NULL : xstrdup(pg_text(r, row, col));
}

int items_load(struct store *s, const char *event, struct item **ret, size_t *ret_n,
	       struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int x = store_query(s, &r, err,
		"SELECT i.agent_id, v.name, i.ord, i.canary, i.integration, i.eleven_agent_id,"
		" i.from_account, i.to_account, i.from_number, i.from_number_sid, i.to_number,"
		" i.to_number_sid, i.eleven_before, i.eleven_after, i.state, i.step, i.before,"
		" i.after, i.observed, i.error"
		" FROM ringdown.event_item i LEFT JOIN \"VoiceAgent\" v ON v.id = i.agent_id"
		" WHERE i.event_id = $1 ORDER BY i.ord", "t", event);
	if (x < 0)
		return x;
	size_t n = (size_t)pg_rows(r);
	struct item *v = xcalloc(n + 1, sizeof(*v));
	for (size_t k = 0; k < n; k++) {
		int i = (int)k;

		v[k] = (struct item){
			.agent = column(r, i, 0), .name = column(r, i, 1),
			.ord = pg_i64(r, i, 2), .canary = pg_bool(r, i, 3),
			.integration = enum_parse(&integration_names, pg_text(r, i, 4)),
			.eleven_agent = column(r, i, 5), .from_account = column(r, i, 6),
			.to_account = column(r, i, 7), .from_number = column(r, i, 8),
			.from_sid = column(r, i, 9), .to_number = column(r, i, 10),
			.to_sid = column(r, i, 11), .eleven_before = column(r, i, 12),
			.eleven_after = column(r, i, 13),
			.state = enum_parse(&item_state_names, pg_text(r, i, 14)),
			.step = pg_i64(r, i, 15), .before = column(r, i, 16),
			.after = column(r, i, 17), .observed = column(r, i, 18),
			.error = column(r, i, 19),
		};
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* Locks what a batch is about to write, in the order that all batches keep. */
static int items_lock(struct tx *t, const char *rows, size_t n, struct err *err)
{
	int e = n > 1 ? lock_agents(t, rows, err) : 0;

	return e < 0 || n < 2 ? e : lock_numbers(t, rows, err);
}

/* The rows as one JSON array; caller frees. */
static char *items_json(struct item *const *v, size_t n)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "agent", v[i]->agent);
		jw_i64(&w, "ord", v[i]->ord);
		jw_bool(&w, "canary", v[i]->canary);
		jw_str(&w, "integration", enum_name(&integration_names, v[i]->integration));
		jw_str(&w, "eleven", v[i]->eleven_agent);
		jw_str(&w, "from_account", v[i]->from_account);
		jw_str(&w, "to_account", v[i]->to_account);
		jw_str(&w, "from_number", v[i]->from_number);
		jw_str(&w, "from_sid", v[i]->from_sid);
		jw_str(&w, "to_number", v[i]->to_number);
		jw_str(&w, "to_sid", v[i]->to_sid);
		jw_str(&w, "eleven_before", v[i]->eleven_before);
		jw_str(&w, "eleven_after", v[i]->eleven_after);
		jw_str(&w, "state", enum_name(&item_state_names, v[i]->state));
		jw_i64(&w, "step", v[i]->step);
		jw_raw(&w, "before", v[i]->before);
		jw_raw(&w, "after", v[i]->after);
		jw_raw(&w, "observed", v[i]->observed);
		jw_str(&w, "error", v[i]->error);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	return str_take(&b);
}

#define ROWS(columns) " FROM json_to_recordset($2::json) AS x(" columns ")"

int items_put(struct tx *t, const char *event, const struct item *v, size_t n, struct err *err)
{
	const struct item **p = xcalloc(n + 1, sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = &v[i];
	_cleanup_(free_p) char *rows = items_json((struct item *const *)p, n);
	free_p(&p);
	int x = tx_query(t, NULL, err, "DELETE FROM ringdown.event_item WHERE event_id = $1", "t",
			 event);
	if (x < 0)
		return x;
	return tx_query(t, NULL, err,
		"INSERT INTO ringdown.event_item (event_id, agent_id, ord, canary, integration,"
		" eleven_agent_id, from_account, to_account, from_number, from_number_sid,"
		" to_number, to_number_sid, state, error, updated_at)"
		" SELECT $1, x.agent, x.ord, x.canary, x.integration, x.eleven, x.from_account,"
		" x.to_account, coalesce(x.from_number, ''), x.from_sid, x.to_number, x.to_sid,"
		" x.state, x.error, $3::timestamptz"
		ROWS("agent text, ord int, canary bool, integration text, eleven text,"
		     " from_account text, to_account text, from_number text, from_sid text,"
		     " to_number text, to_sid text, state text, error text")
		/* two that write the same plan wait for each other in one order */
		" ORDER BY x.agent", "ttm", event, rows, tx_now_ms(t));
}

int items_save(struct tx *t, const char *event, struct item *const *v, size_t n, struct err *err)
{
	if (!n)
		return 0;
	_cleanup_(free_p) char *rows = items_json(v, n);
	return tx_query(t, NULL, err,
		"UPDATE ringdown.event_item i SET state = x.state, step = x.step,"
		" from_number_sid = x.from_sid, to_number_sid = x.to_sid,"
		" eleven_before = x.eleven_before, eleven_after = x.eleven_after,"
		" before = x.before, after = x.after, observed = x.observed, error = x.error,"
		" updated_at = $3::timestamptz"
		ROWS("agent text, state text, step int, from_sid text, to_sid text,"
		     " eleven_before text, eleven_after text, before json, after json,"
		     " observed json, error text")
		" WHERE i.event_id = $1 AND i.agent_id = x.agent",
		"ttm", event, rows, tx_now_ms(t));
}

/* ---- the pool --------------------------------------------------------------------- */

int items_reserve(struct tx *t, const char *event, const struct item *v, size_t n,
		  struct err *err)
{
	const struct item **p = xcalloc(n + 1, sizeof(*p));
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;

	for (size_t i = 0; i < n; i++)
		p[i] = &v[i];
	_cleanup_(free_p) char *rows = items_json((struct item *const *)p, n);
	free_p(&p);
	if (!n)
		return 0;
	int x = lock_numbers(t, rows, err);
	if (x < 0)
		return x;
	x = tx_query(t, NULL, err,
		"INSERT INTO ringdown.reservation (phone_number, account_id, agent_id, event_id,"
		" at) SELECT x.to_number, x.to_account, x.agent, $1, $3::timestamptz"
		ROWS("agent text, to_account text, to_number text") " ORDER BY 1",
		"ttm", event, rows, tx_now_ms(t));
	if (x == ERR_EXISTS)
		return err_set(err, ERR_EXISTS,
			       "a number of the plan was reserved for another event meanwhile");
	if (x < 0)
		return x;
	x = tx_query(t, &r, err,
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'reserved',"
		" \"updatedAt\" = $3::timestamptz"
		ROWS("to_account text, to_number text")
		" WHERE b.\"phoneNumber\" = x.to_number AND b.\"accountId\" = x.to_account"
		" AND b.status = 'available' AND b.\"assignedAgentId\" IS NULL"
		" AND $1::text IS NOT NULL",
		"ttm", event, rows, tx_now_ms(t));
	if (x < 0)
		return x;
	if (pg_affected(r) != (int64_t)n)
		return err_set(err, ERR_EXISTS, "%lld of %zu numbers of the plan are not free any"
						" more", (long long)n - (long long)pg_affected(r),
						n);
	return 0;
}

int items_release(struct tx *t, const char *event, struct err *err)
{
	int x = tx_query(t, NULL, err,
		"SELECT count(*) FROM (SELECT 1 FROM \"TwilioBackupPhoneNumber\" p"
		" WHERE p.\"phoneNumber\" IN (SELECT phone_number FROM ringdown.reservation"
		" WHERE event_id = $1) ORDER BY p.\"phoneNumber\" FOR NO KEY UPDATE) x", "t",
		event);
	if (x < 0)
		return x;
	x = tx_query(t, NULL, err,
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'available',"
		" \"updatedAt\" = $2::timestamptz FROM ringdown.reservation r"
		" WHERE r.event_id = $1 AND b.\"phoneNumber\" = r.phone_number"
		" AND b.status = 'reserved' AND b.\"assignedAgentId\" IS NULL",
		"tm", event, tx_now_ms(t));
	if (x < 0)
		return x;
	return tx_query(t, NULL, err, "DELETE FROM ringdown.reservation WHERE event_id = $1", "t",
			event);
}

int items_read_before(struct tx *t, const char *event, struct item *const *v, size_t n,
		      struct err *err)
{
	_cleanup_(free_p) char *rows = items_json(v, n);
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int x = tx_query(t, &r, err,
		"SELECT x.agent, json_build_object("
		" 'agent', json_build_object('accountId', v.\"twilioAccountId\","
		"  'backupPhoneNumber', v.\"backupPhoneNumber\"),"
		" 'old', (SELECT o.\"phoneNumber\" FROM \"TwilioBackupPhoneNumber\" o"
		"  WHERE o.\"assignedAgentId\" = x.agent AND o.\"phoneNumber\" <> x.to_number),"
		" 'hold', EXISTS (SELECT FROM ringdown.sms_hold h WHERE h.agent_id = x.agent))"
		ROWS("agent text, ord int, to_number text")
		" JOIN \"VoiceAgent\" v ON v.id = x.agent WHERE $1::text IS NOT NULL"
		" ORDER BY x.ord FOR UPDATE OF v",
		"tt", event, rows);
	if (x < 0)
		return x;
	/* both are in order of ord when the caller keeps items in order; else search */
	for (int i = 0, k = 0; i < pg_rows(r); i++) {
		for (size_t tries = 0; tries < n; tries++, k++) {
			if (k >= (int)n)
				k = 0;
			if (str_eq(v[k]->agent, pg_text(r, i, 0)))
				break;
		}
		if (k < (int)n && str_eq(v[k]->agent, pg_text(r, i, 0)) && !v[k]->before) {
			v[k]->before = xstrdup(pg_text(r, i, 1));
			v[k]->dirty = true;
		}
	}
	return 0;
}

int items_assign(struct tx *t, const char *event, struct item *const *v, size_t n,
		 struct err *err)
{
	_cleanup_(free_p) char *rows = items_json(v, n);
	static const char *const sql[] = {
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'available',"
		" \"assignedAgentId\" = NULL, \"assignedAt\" = NULL, \"updatedAt\" ="
		" $3::timestamptz"
		ROWS("agent text, to_number text")
		" WHERE b.\"assignedAgentId\" = x.agent AND b.\"phoneNumber\" <> x.to_number"
		" AND $1::text IS NOT NULL",
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'assigned',"
		" \"assignedAgentId\" = x.agent, \"assignedAt\" = $3::timestamptz,"
		" \"updatedAt\" = $3::timestamptz"
		ROWS("agent text, to_number text")
		" WHERE b.\"phoneNumber\" = x.to_number"
		" AND b.\"assignedAgentId\" IS NULL AND NOT EXISTS (SELECT FROM"
		" ringdown.reservation r  WHERE r.phone_number = x.to_number AND r.event_id <> $1)",
		"DELETE FROM ringdown.reservation r USING json_to_recordset($2::json)"
		" AS x(agent text) WHERE r.event_id = $1 AND r.agent_id = x.agent"
		" AND $3::timestamptz IS NOT NULL",
	};
	int locked = items_lock(t, rows, n, err);

	if (locked < 0)
		return locked;
	for (size_t k = 0; k < COUNT_OF(sql); k++) {
		int r = tx_query(t, NULL, err, sql[k], "ttm", event, rows, tx_now_ms(t));

		if (r < 0)
			return r;
	}
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"SELECT b.\"phoneNumber\" FROM json_to_recordset($1::json)"
		" AS x(agent text, to_number text) JOIN \"TwilioBackupPhoneNumber\" b"
		" ON b.\"phoneNumber\" = x.to_number"
		" WHERE b.\"assignedAgentId\" IS DISTINCT FROM x.agent LIMIT 1", "t", rows);
	if (e >= 0 && pg_rows(r))
		return err_set(err, ERR_EXISTS, "%s was given to another agent", pg_text(r, 0, 0));
	return e < 0 ? e : 0;
}

/* ---- the agents' rows --------------------------------------------------------------- */

int items_switch(struct tx *t, const char *event, const char *lineage, struct item *const *v,
		 size_t n, struct err *err)
{
	_cleanup_(free_p) char *rows = items_json(v, n);
	static const char *const sql[] = {
		/* $4 = lineage in all of them, so that they share one call */
		"INSERT INTO ringdown.agent_ext (agent_id, home_account)"
		" SELECT x.agent, $4" ROWS("agent text")
		" WHERE $1::text IS NOT NULL AND $3::timestamptz IS NOT NULL"
		" ON CONFLICT (agent_id) DO UPDATE"
		" SET home_account = coalesce(ringdown.agent_ext.home_account,"
		" excluded.home_account)",
		/* at home again, the number in use is its own and the other only remembered */
		"UPDATE \"VoiceAgent\" v SET \"twilioAccountId\" = x.to_account,"
		" \"backupPhoneNumber\" = CASE WHEN x.to_number = v.\"twilioPhoneNumber\""
		"  THEN v.\"backupPhoneNumber\" ELSE x.to_number END,"
		" \"updatedAt\" = $3::timestamptz"
		ROWS("agent text, to_account text, to_number text")
		" WHERE v.id = x.agent AND $1::text IS NOT NULL AND $4::text IS NOT NULL",
		"INSERT INTO ringdown.sms_hold (agent_id, org_id, event_id, reason, by, since)"
		" SELECT x.agent, v.\"orgId\", $1, 'the new number ' || x.to_number ||"
		" ' has no registered campaign', 'engine', $3::timestamptz"
		ROWS("agent text, to_number text")
		" JOIN \"VoiceAgent\" v ON v.id = x.agent"
		" JOIN \"TwilioBackupPhoneNumber\" b ON b.\"phoneNumber\" = x.to_number"
		" WHERE NOT coalesce(b.\"smsReady\", false) AND $4::text IS NOT NULL"
		" ON CONFLICT (agent_id) DO NOTHING",
	};
	int locked = items_lock(t, rows, n, err);

	if (locked < 0)
		return locked;
	for (size_t k = 0; k < COUNT_OF(sql); k++) {
		int r = tx_query(t, NULL, err, sql[k], "ttmt", event, rows, tx_now_ms(t), lineage);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Rows that are neither as left nor as before go into `observed`. */
static int items_observe(struct tx *t, const char *rows, struct item *const *v, size_t n,
			 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"SELECT x.agent, json_build_object('accountId', v.\"twilioAccountId\","
		" 'backupPhoneNumber', v.\"backupPhoneNumber\")"
		" FROM json_to_recordset($1::json) AS x(agent text, to_account text,"
		"  to_number text, before json)"
		" LEFT JOIN \"VoiceAgent\" v ON v.id = x.agent"
		" WHERE v.id IS NULL OR NOT ((v.\"twilioAccountId\" = x.to_account"
		"   AND (v.\"backupPhoneNumber\" = x.to_number OR v.\"twilioPhoneNumber\" ="
		" x.to_number))  OR (v.\"twilioAccountId\" IS NOT DISTINCT FROM"
		" x.before->'agent'->>'accountId'   AND v.\"backupPhoneNumber\" IS NOT DISTINCT"
		" FROM    x.before->'agent'->>'backupPhoneNumber'))", "t", rows);
	for (int i = 0; e >= 0 && i < pg_rows(r); i++) {
		for (size_t k = 0; k < n; k++) {
			if (!str_eq(v[k]->agent, pg_text(r, i, 0)))
				continue;
			str_replace(&v[k]->observed, pg_text(r, i, 1));
			v[k]->dirty = true;
		}
	}
	return e;
}

int items_restore(struct tx *t, const char *event, struct item *const *v, size_t n,
		  struct err *err)
{
	_cleanup_(free_p) char *rows = items_json(v, n);
	static const char *const sql[] = {
		"UPDATE \"VoiceAgent\" v SET"
		" \"twilioAccountId\" = x.before->'agent'->>'accountId',"
		" \"backupPhoneNumber\" = x.before->'agent'->>'backupPhoneNumber',"
		" \"updatedAt\" = $3::timestamptz"
		ROWS("agent text, to_account text, to_number text, before json")
		" WHERE v.id = x.agent AND x.before->'agent' IS NOT NULL"
		" AND v.\"twilioAccountId\" = x.to_account"
		" AND (v.\"backupPhoneNumber\" = x.to_number OR v.\"twilioPhoneNumber\" ="
		" x.to_number) AND $1::text IS NOT NULL",
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'available',"
		" \"assignedAgentId\" = NULL, \"assignedAt\" = NULL, \"updatedAt\" ="
		" $3::timestamptz"
		ROWS("agent text, to_number text")
		" WHERE b.\"phoneNumber\" = x.to_number AND $1::text IS NOT NULL"
		" AND (b.\"assignedAgentId\" = x.agent"
		"  OR (b.status = 'reserved' AND b.\"assignedAgentId\" IS NULL))",
		"UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'assigned',"
		" \"assignedAgentId\" = x.agent, \"assignedAt\" = $3::timestamptz,"
		" \"updatedAt\" = $3::timestamptz"
		ROWS("agent text, before json")
		" WHERE b.\"phoneNumber\" = x.before->>'old' AND b.status = 'available'"
		" AND b.\"assignedAgentId\" IS NULL AND $1::text IS NOT NULL",
		"DELETE FROM ringdown.sms_hold h USING json_to_recordset($2::json)"
		" AS x(agent text, before json) WHERE h.event_id = $1 AND h.agent_id = x.agent"
		" AND $3::timestamptz IS NOT NULL",
		"DELETE FROM ringdown.reservation r USING json_to_recordset($2::json)"
		" AS x(agent text) WHERE r.event_id = $1 AND r.agent_id = x.agent"
		" AND $3::timestamptz IS NOT NULL",
	};
	int r = items_lock(t, rows, n, err);

	if (r >= 0)
		r = items_observe(t, rows, v, n, err);
	for (size_t k = 0; r >= 0 && k < COUNT_OF(sql); k++)
		r = tx_query(t, NULL, err, sql[k], "ttm", event, rows, tx_now_ms(t));
	return r < 0 ? r : 0;
}

int items_baseline(struct tx *t, const char *event, struct item *const *v, size_t n, bool after,
		   struct err *err)
{
	if (!n)
		return 0;
	_cleanup_(free_p) char *rows = items_json(v, n);
	return tx_query(t, NULL, err,
		"INSERT INTO ringdown.number_ext (account_id, phone_number, sid, baseline,"
		" baseline_at, approved_by, observed, observed_at)"
		" SELECT x.to_account, x.to_number, x.to_sid, y.hooks, $3::timestamptz, $1,"
		" y.hooks, $3::timestamptz"
		ROWS("to_account text, to_number text, to_sid text, before json, after json")
		" CROSS JOIN LATERAL (SELECT CASE WHEN $4 THEN x.after->'webhooks'"
		"  ELSE x.before->'webhooks' END AS hooks) y WHERE y.hooks IS NOT NULL"
		" ORDER BY 1, 2"
		" ON CONFLICT (account_id, phone_number) DO UPDATE SET baseline ="
		" excluded.baseline, baseline_at = excluded.baseline_at, approved_by ="
		" excluded.approved_by, observed = excluded.observed, observed_at ="
		" excluded.observed_at, drift_since = NULL", "ttmb", event, rows, tx_now_ms(t),
		(int)after);
}

int items_accept(struct tx *t, const char *event, struct err *err)
{
	return tx_query(t, NULL, err,
		"UPDATE ringdown.event_item SET observed = coalesce(observed, after),"
		" state = CASE WHEN state = 'moved' THEN 'moved' ELSE 'stays' END,"
		" updated_at = $2::timestamptz WHERE event_id = $1", "tm", event, tx_now_ms(t));
}
