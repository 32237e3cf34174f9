/* See lost.h. */
#include "store/lost.h"

#include "store/internal.h"

int lost_timeline(struct store *s, int64_t *ret_known, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT (doc->>'timeline')::bigint FROM ringdown.live"
			    " WHERE key = 'reconciled'", "");

	if (e < 0)
		return e;
	*ret_known = pg_rows(r) ? pg_i64(r, 0, 0) : -1;
	return 0;
}

int lost_timeline_put(struct tx *t, int64_t timeline, struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.live (key, doc, at) VALUES ('reconciled',"
			" json_build_object('timeline', $1::bigint), $2) ON CONFLICT (key) DO"
			" UPDATE SET doc = excluded.doc, at = excluded.at", "im", timeline,
			tx_now_ms(t));
}

int lost_alone(struct tx *t, const char *event, bool *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "SELECT NOT EXISTS (SELECT 1 FROM ringdown.event e JOIN ringdown.event o"
			 " ON o.lineage = e.lineage AND o.id <> e.id WHERE e.id = $1 AND o.status"
			 " IN ('held', 'pending', 'approved', 'executing', 'failed',"
			 " 'rolling_back'))",
			 "t", event);

	if (e >= 0)
		*ret = pg_bool(r, 0, 0);
	return e;
}

int lost_images(struct tx *t, const char *event, struct err *err)
{
	return tx_query(t, NULL, err,
		"UPDATE ringdown.event_item i SET updated_at = $2::timestamptz, before ="
		" json_build_object('agent', json_build_object('accountId', v.\"twilioAccountId\","
		"  'backupPhoneNumber', v.\"backupPhoneNumber\"), 'old', NULL, 'hold', false,"
		"  'webhooks', coalesce(p.before->'webhooks', h.before,"
		"  '{}'::json), 'import', a.before)"
		" FROM ringdown.event_item o JOIN \"VoiceAgent\" v ON v.id = o.agent_id"
		" LEFT JOIN LATERAL (SELECT before FROM ringdown.effect e WHERE e.event_id ="
		" o.event_id  AND e.agent_id = o.agent_id AND e.subject = o.to_number AND e.kind ="
		" 'webhooks'  ORDER BY id LIMIT 1) h ON true"
		" LEFT JOIN LATERAL (SELECT before FROM ringdown.effect e WHERE e.event_id ="
		" o.event_id  AND e.agent_id = o.agent_id AND e.subject = o.to_number AND e.kind ="
		" 'assign'  ORDER BY id LIMIT 1) a ON true"
		" LEFT JOIN LATERAL (SELECT before FROM ringdown.effect e WHERE e.event_id ="
		" o.event_id  AND e.agent_id = o.agent_id AND e.subject = o.to_number AND e.kind ="
		" 'import'  ORDER BY id LIMIT 1) p ON true"
		" WHERE o.event_id = $1 AND i.event_id = o.event_id AND i.agent_id = o.agent_id"
		" AND i.before IS NULL AND EXISTS (SELECT FROM ringdown.effect e WHERE"
		"  e.event_id = o.event_id AND e.agent_id = o.agent_id AND e.subject ="
		" o.to_number)",
		"tm", event, tx_now_ms(t));
}
