/*
 * Outside writes on record: a row before each is sent, its end after the read-back. The
 * intent is committed before the first byte leaves, so whoever takes over knows what may
 * have happened. Declared in items.h.
 */
#include "core/json.h"
#include "store/items.h"

static char *effects_json(struct effect *const *v, size_t n)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "id", v[i]->id);
		jw_str(&w, "agent", v[i]->agent ? v[i]->agent : "");
		jw_str(&w, "kind", v[i]->kind);
		jw_str(&w, "subject", v[i]->subject ? v[i]->subject : "");
		jw_raw(&w, "before", v[i]->before);
		jw_raw(&w, "after", v[i]->after);
		jw_str(&w, "state", v[i]->state);
		jw_str(&w, "error", v[i]->error[0] ? v[i]->error : NULL);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	return str_take(&b);
}

/* In one batch an agent has one write of a kind at a time: that is what ids go by. */
static void take_ids(const struct pg_result *r, struct effect *const *v, size_t n)
{
	for (int i = 0; i < pg_rows(r); i++) {
		for (size_t k = 0; k < n; k++) {
			if (v[k]->id || !str_eq(v[k]->agent ? v[k]->agent : "", pg_text(r, i, 1)) ||
			    !str_eq(v[k]->kind, pg_text(r, i, 2)))
				continue;
			v[k]->id = pg_i64(r, i, 0);
			break;
		}
	}
}

int effects_intend(struct tx *t, const char *event, struct effect *const *v, size_t n,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;

	if (!n)
		return 0;
	_cleanup_(free_p) char *rows = effects_json(v, n);
	int e = tx_query(t, &r, err,
		"INSERT INTO ringdown.effect (event_id, agent_id, kind, subject, before, after,"
		" state, epoch, engine, at)"
		" SELECT $1, x.agent, x.kind, x.subject, x.before, x.after, 'intended', $4::bigint,"
		" $5, $3::timestamptz FROM json_to_recordset($2::json)"
		" AS x(agent text, kind text, subject text, before json, after json)"
		" RETURNING id, agent_id, kind",
		"ttmit", event, rows, tx_now_ms(t), t->who.epoch, t->store->engine_id);
	if (e < 0)
		return e;
	take_ids(r, v, n);
	return tx_query(t, NULL, err,
		"UPDATE ringdown.event SET first_write_at = coalesce(first_write_at,"
		" $2::timestamptz), last_write_at = $2::timestamptz WHERE id = $1", "tm", event,
		tx_now_ms(t));
}

int effects_end(struct tx *t, struct effect *const *v, size_t n, struct err *err)
{
	if (!n)
		return 0;
	_cleanup_(free_p) char *rows = effects_json(v, n);
	return tx_query(t, NULL, err,
		"UPDATE ringdown.effect e SET state = x.state, error = x.error,"
		" after = coalesce(x.after, e.after), ended_at = $2::timestamptz"
		" FROM json_to_recordset($1::json)"
		" AS x(id bigint, state text, error text, after json) WHERE e.id = x.id",
		"tm", rows, tx_now_ms(t));
}

int effects_orphans(struct tx *t, const char *event, int64_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"UPDATE ringdown.effect SET state = 'unknown', ended_at = $2::timestamptz,"
		" error = 'the engine went away before the reply'"
		" WHERE event_id = $1 AND state = 'intended'", "tm", event, tx_now_ms(t));

	if (e >= 0 && ret_n)
		*ret_n = pg_affected(r);
	return e;
}

int effects_merge(struct tx *t, const char *rows, char ***ret_events, size_t *ret_n,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"WITH x AS (SELECT DISTINCT ON (event, agent, kind, subject, epoch) *"
		"  FROM json_to_recordset($1::json) AS j(event text, agent text, kind text,"
		"  subject text, epoch bigint, at bigint, before json, after json)"
		"  ORDER BY event, agent, kind, subject, epoch, at),"
		" new AS (INSERT INTO ringdown.effect (event_id, agent_id, kind, subject, before,"
		" after,  state, epoch, engine, at, ended_at, error)"
		"  SELECT x.event, x.agent, x.kind, x.subject, x.before, x.after, 'unknown',"
		" x.epoch, $2,  to_timestamp(x.at / 1000.0), $3::timestamptz,"
		"  'known from the intent log only: the database lost its newest commits'"
		"  FROM x JOIN ringdown.event v ON v.id = x.event WHERE NOT EXISTS"
		"  (SELECT FROM ringdown.effect f WHERE f.event_id = x.event AND f.agent_id ="
		" x.agent   AND f.kind = x.kind AND f.subject = x.subject AND f.epoch = x.epoch)"
		"  ORDER BY x.at RETURNING event_id)"
		" SELECT event_id FROM new UNION SELECT event FROM x WHERE NOT EXISTS"
		"  (SELECT FROM ringdown.event v WHERE v.id = x.event) ORDER BY 1", "ttm", rows,
		t->store->engine_id,
		tx_now_ms(t));
	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret_events = xcalloc(*ret_n + 1, sizeof(char *));
	for (size_t i = 0; i < *ret_n; i++)
		(*ret_events)[i] = xstrdup(pg_text(r, (int)i, 0));
	return 0;
}
