/*
 * Agents, paged by id. Bulk writes take one JSON parameter for all rows, so that a cycle
 * over 100,000 agents is a handful of statements.
 */
#include "store/agents.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "store/accounts_internal.h"
#include "store/internal.h"

enum { BATCH = 2000, PAGE_MAX = 5000 };

#define AGENT_HOME                                                                                 \
	"coalesce(x.home_account, CASE WHEN h.\"isPrimary\" THEN h.id END, home.id)"
#define AGENT_COLUMNS                                                                              \
	"v.id, v.\"orgId\", v.name, v.status, v.\"elevenLabsAgentId\", v.\"twilioPhoneNumber\","   \
	" " AGENT_HOME ","                                                                         \
	" coalesce(v.\"twilioAccountId\", home.id), v.\"backupPhoneNumber\", x.integration,"       \
	" x.outcome, x.reason, x.since, m.agent_id IS NOT NULL, coalesce(x.calls_per_day, 0),"     \
	" coalesce(x.eleven_number_id, ''), x.eleven_present, coalesce(x.priority, 100),"          \
	" x.agent_id IS NOT NULL"
#define AGENT_FROM                                                                                 \
	" FROM (SELECT " SOLE_PRIMARY " AS id) home CROSS JOIN \"VoiceAgent\" v"                   \
	" LEFT JOIN ringdown.agent_ext x ON x.agent_id = v.id"                                     \
	" LEFT JOIN \"TwilioAccount\" h ON h.id = v.\"twilioAccountId\""                           \
	" LEFT JOIN ringdown.sms_hold m ON m.agent_id = v.id"
/* A row's writer in the transactions' own order, which has no beginning. */
#define WRITTEN_SINCE(mark)                                                                        \
	"least(age(v.xmin), age(x.xmin)) <= age((" mark "::bigint % 4294967296)::text::xid)"
/* $1 account, $2 home, $3 watched, $4 failing, $5 search */
#define AGENT_WHERE                                                                                \
	" WHERE ($1::text IS NULL OR coalesce(v.\"twilioAccountId\", home.id) = $1)"               \
	" AND ($2::text IS NULL OR"                                                                \
	" " AGENT_HOME " = $2)"                                                                    \
	" AND (NOT $3::boolean OR (" WATCHED_AGENT "))"                                            \
	" AND (NOT $4::boolean OR x.outcome = 'bad')"                                              \
	" AND ($5::text IS NULL OR position(lower($5) IN lower(v.id || ' ' || v.name || ' ' ||"    \
	" coalesce(v.\"twilioPhoneNumber\", '') || ' ' ||"                                         \
	" coalesce(v.\"backupPhoneNumber\", ''))) > 0)"

void agent_row_fini(struct agent_row *r)
{
	record_fini(&agent_type, &r->a);
	free(r->eleven_number_id);
	r->eleven_number_id = NULL;
}

void agents_free(struct agent_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		agent_row_fini(&rows[i]);
	free(rows);
}

static void read_agent(const struct pg_result *r, int i, struct agent_row *ret)
{
	int integration = enum_parse(&integration_names, pg_text(r, i, 9));
	int outcome = enum_parse(&outcome_names, pg_text(r, i, 10));

	ret->a = (struct agent){
		.id = col_dup(r, i, 0), .org_id = col_dup(r, i, 1), .name = col_dup(r, i, 2),
		.status = col_dup(r, i, 3), .eleven_id = col_dup(r, i, 4),
		.phone_number = col_dup(r, i, 5), .home_account = xstrdup(pg_text(r, i, 6)),
		.account = xstrdup(pg_text(r, i, 7)), .backup_number = col_dup(r, i, 8),
		.integration = integration < 0 ? INT_IMPORT : integration,
		.outcome = outcome < 0 ? OUT_UNKNOWN : outcome, .reason = col_dup(r, i, 11),
		.since_ms = pg_time(r, i, 12), .sms_held = pg_bool(r, i, 13),
		.calls_per_day = pg_i64(r, i, 14),
	};
	ret->eleven_number_id = xstrdup(pg_text(r, i, 15));
	ret->eleven_present = pg_null(r, i, 16) ? -1 : pg_bool(r, i, 16);
	ret->priority = pg_i64(r, i, 17);
	ret->ext = pg_bool(r, i, 18);
}

static void read_agents(const struct pg_result *r, struct agent_row **ret, size_t *ret_n)
{
	int n = pg_rows(r);
	struct agent_row *rows = xcalloc((size_t)n + 1, sizeof(*rows));

	for (int i = 0; i < n; i++)
		read_agent(r, i, &rows[i]);
	*ret = rows;
	*ret_n = (size_t)n;
}

int agents_page(struct store *s, const struct agents_filter *f, const char *after, int64_t limit,
		struct agent_row **ret, size_t *ret_n, struct err *err)
{
	static const struct agents_filter all;
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e;

	f = f ? f : &all;
	limit = limit < 1 || limit > PAGE_MAX ? PAGE_MAX : limit;
	e = store_query(s, &r, err, "SELECT " AGENT_COLUMNS AGENT_FROM AGENT_WHERE
			" AND ($6::text IS NULL OR v.id > $6)"
			" AND ($8::bigint = 0 OR " WRITTEN_SINCE("$8") ") ORDER BY v.id LIMIT $7",
			"ttbbttii", f->account, f->home, f->watched, f->failing, f->search, after,
			limit, f->since);
	if (e == 0)
		read_agents(r, ret, ret_n);
	return e;
}

int agent_get(struct store *s, const char *id, struct agent_row *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " AGENT_COLUMNS AGENT_FROM " WHERE v.id = $1", "t",
			    id);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no agent '%.80s'", id);
	read_agent(r, 0, ret);
	return 0;
}

int agents_pulse(struct store *s, int64_t since, struct agents_pulse *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
		" count(*) FILTER (WHERE carried), count(*) FILTER (WHERE carried AND ext),"
		" count(*) FILTER (WHERE changed),"
		" (SELECT md5(coalesce(string_agg(id || coalesce(\"isPrimary\", false)::text, ','"
		" ORDER BY id),  '')) FROM \"TwilioAccount\")"
		" FROM (SELECT v.status = 'ACTIVE' AND v.\"elevenLabsAgentId\" <> '' AND"
		"  coalesce(CASE WHEN coalesce(v.\"twilioAccountId\", home.id, '') <>"
		" coalesce(" AGENT_HOME
		"  , '') THEN v.\"backupPhoneNumber\" END, v.\"twilioPhoneNumber\", '') <> '' AS"
		" carried,  x.agent_id IS NOT NULL AS ext, $1::bigint <> 0 AND " WRITTEN_SINCE("$1")
		" AS changed"
		AGENT_FROM ") a", "i", since);

	if (e < 0)
		return e;
	ret->mark = pg_i64(r, 0, 0);
	ret->carried = pg_i64(r, 0, 1);
	ret->ext = pg_i64(r, 0, 2);
	ret->changed = pg_i64(r, 0, 3);
	snprintf(ret->accounts, sizeof(ret->accounts), "%s", pg_text(r, 0, 4));
	return 0;
}

/* ---- bulk writes ------------------------------------------------------------------------ */

static const char JUDGE_SQL[] =
	"WITH j AS (SELECT * FROM json_to_recordset($1::json) AS"
	" j(id text, account text, outcome text, reason text)),"
	" changed AS (INSERT INTO ringdown.agent_ext AS x (agent_id, outcome, reason, since)"
	"  SELECT id, outcome, reason, $2 FROM j ORDER BY id ON CONFLICT (agent_id) DO UPDATE SET"
	"  since = CASE WHEN x.outcome = excluded.outcome THEN x.since ELSE excluded.since END,"
	"  outcome = excluded.outcome, reason = excluded.reason),"
	" history AS (INSERT INTO ringdown.agent_change (agent_id, account_id, outcome, reason, at)"
	"  SELECT j.id, coalesce(j.account, ''), j.outcome, j.reason, $2 FROM j"
	"  LEFT JOIN ringdown.agent_ext o ON o.agent_id = j.id"
	"  WHERE o.outcome IS DISTINCT FROM j.outcome)"
	" UPDATE \"VoiceAgent\" v SET \"healthStatus\" = CASE j.outcome WHEN 'ok' THEN 'healthy'"
	"  WHEN 'bad' THEN 'failing' ELSE 'unknown' END FROM j WHERE v.id = j.id"
	"  AND v.\"healthStatus\" IS DISTINCT FROM CASE j.outcome WHEN 'ok' THEN 'healthy'"
	"  WHEN 'bad' THEN 'failing' ELSE 'unknown' END";

int agents_judge(struct tx *t, const struct agent_judgement *j, size_t n, struct err *err)
{
	int e = 0;

	for (size_t from = 0; from < n && e == 0; from += BATCH) {
		struct str doc = STR_INIT(STR_MAX_DEFAULT);
		struct jw w = JW(&doc);

		jw_arr(&w, NULL);
		for (size_t i = from; i < n && i < from + BATCH; i++) {
			_cleanup_(free_p) char *masked = j[i].reason ? redact_copy(j[i].reason) :
				NULL;
			_cleanup_(free_p) char *reason = masked ? text_clean(masked, 300) : NULL;

			jw_obj(&w, NULL);
			jw_str(&w, "id", j[i].id);
			jw_str(&w, "account", j[i].account);
			jw_str(&w, "outcome", outcome_name(j[i].outcome));
			jw_str(&w, "reason", reason);
			jw_obj_end(&w);
		}
		jw_arr_end(&w);
		e = lock_agents(t, str_get(&doc), err);
		if (e == 0)
			e = tx_query(t, NULL, err, JUDGE_SQL, "tm", str_get(&doc), tx_now_ms(t));
		str_fini(&doc);
	}
	return e;
}

int agents_presence(struct tx *t, const struct agent_presence *p, size_t n, struct err *err)
{
	int e = 0;

	for (size_t from = 0; from < n && e == 0; from += BATCH) {
		struct str doc = STR_INIT(STR_MAX_DEFAULT);
		struct jw w = JW(&doc);

		jw_arr(&w, NULL);
		for (size_t i = from; i < n && i < from + BATCH; i++) {
			bool known = p[i].integration >= 0 && p[i].integration < INTEGRATION_MAX;

			jw_obj(&w, NULL);
			jw_str(&w, "id", p[i].id);
			jw_bool(&w, "present", p[i].present);
			jw_str(&w, "number", p[i].eleven_number_id);
			jw_str(&w, "integration",
			       known ? enum_name(&integration_names, p[i].integration) : NULL);
			jw_obj_end(&w);
		}
		jw_arr_end(&w);
		e = tx_query(t, NULL, err,
			     "INSERT INTO ringdown.agent_ext AS x (agent_id, eleven_present,"
			     " eleven_seen_at, eleven_number_id, integration) SELECT id, present,"
			     " $2, number, integration FROM json_to_recordset($1::json) AS"
			     " j(id text, present boolean, number text, integration text)"
			     " ORDER BY id ON CONFLICT (agent_id) DO UPDATE SET"
			     " eleven_present = excluded.eleven_present,"
			     " eleven_seen_at = excluded.eleven_seen_at,"
			     " eleven_number_id = coalesce(excluded.eleven_number_id,"
			     " x.eleven_number_id), integration = coalesce(excluded.integration,"
			     " x.integration)",
			     "tm", str_get(&doc), tx_now_ms(t));
		str_fini(&doc);
	}
	return e;
}

int agents_calls(struct tx *t, int64_t since_ms, int64_t until_ms, struct err *err)
{
	return tx_query(t, NULL, err,
		"WITH n AS (SELECT to_number, count(*) AS n FROM calls WHERE created_at >= $1"
		"  AND created_at < $2 GROUP BY 1),"
		" m AS (SELECT v.id, ceil(sum(n.n) * 86400000.0 / greatest($3::bigint, 1))::bigint"
		" AS calls  FROM n JOIN (SELECT id, \"twilioPhoneNumber\" AS number FROM"
		" \"VoiceAgent\"   UNION SELECT id, \"backupPhoneNumber\" FROM \"VoiceAgent\") v ON"
		" v.number = n.to_number  GROUP BY v.id),"
		" now AS (SELECT id, calls FROM m UNION ALL SELECT x.agent_id, 0 FROM"
		" ringdown.agent_ext x  WHERE x.calls_per_day > 0 AND EXISTS (SELECT FROM n)"
		"  AND NOT EXISTS (SELECT FROM m WHERE m.id = x.agent_id))"
		" INSERT INTO ringdown.agent_ext AS x (agent_id, calls_per_day)"
		" SELECT id, calls FROM now ORDER BY id ON CONFLICT (agent_id) DO UPDATE SET"
		" calls_per_day = excluded.calls_per_day"
		" WHERE x.calls_per_day IS DISTINCT FROM excluded.calls_per_day",
		"mmi", since_ms > 0 ? since_ms : 1, until_ms, until_ms - since_ms);
}
