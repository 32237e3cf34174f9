/*
 * The pool of backup numbers. "TwilioBackupPhoneNumber" says what a number is and who has
 * it; ringdown.reservation, what an approved plan has promised. Both are unique per agent
 * by constraint, so two lineages cannot be given the same number whatever they decided.
 */
#include "store/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "store/internal.h"
#include "store/numbers_internal.h"

enum { PAGE_MAX = 5000 };

#define NUMBER_COLUMNS                                                                             \
	"p.id, p.\"accountId\", p.\"phoneNumber\", p.\"phoneNumberSid\", p.country,"    \
	" p.\"areaCode\","                                                                       \
	" CASE WHEN r.phone_number IS NOT NULL AND p.status = 'available' THEN 'reserved'"         \
	" ELSE p.status END, coalesce(p.\"assignedAgentId\", r.agent_id), p.\"voiceReady\","       \
	" p.\"smsReady\", n.problem, p.\"assignedAt\""
#define NUMBER_FROM                                                                                \
	" FROM \"TwilioBackupPhoneNumber\" p"                                                      \
	" LEFT JOIN ringdown.reservation r ON r.phone_number = p.\"phoneNumber\""                  \
	" LEFT JOIN ringdown.number_ext n ON n.account_id = p.\"accountId\""                       \
	" AND n.phone_number = p.\"phoneNumber\""

static void read_numbers(const struct pg_result *r, struct number **ret, size_t *ret_n)
{
	int n = pg_rows(r);
	struct number *rows = xcalloc((size_t)n + 1, sizeof(*rows));

	for (int i = 0; i < n; i++) {
		int status = enum_parse(&number_status_names, pg_text(r, i, 6));

		rows[i] = (struct number){
			.id = col_dup(r, i, 0), .account = col_dup(r, i, 1),
			.phone_number = col_dup(r, i, 2), .sid = col_dup(r, i, 3),
			.country = col_dup(r, i, 4), .area_code = col_dup(r, i, 5),
			.status = status < 0 ? NUM_UNAVAILABLE : status, .agent = col_dup(r, i, 7),
			.voice_ready = pg_bool(r, i, 8), .sms_ready = pg_bool(r, i, 9),
			.problem = col_dup(r, i, 10), .assigned_at_ms = pg_time(r, i, 11),
		};
	}
	*ret = rows;
	*ret_n = (size_t)n;
}

void numbers_free(struct number *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&number_type, &rows[i]);
	free(rows);
}

int numbers_page(struct store *s, const char *account, const char *status, const char *after,
		 int64_t limit, struct number **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e;

	limit = limit < 1 || limit > PAGE_MAX ? PAGE_MAX : limit;
	e = store_query(s, &r, err, "SELECT " NUMBER_COLUMNS NUMBER_FROM
			" WHERE ($1::text IS NULL OR p.\"accountId\" = $1) AND ($2::text IS NULL OR"
			" CASE WHEN r.phone_number IS NOT NULL AND p.status = 'available' THEN"
			" 'reserved' ELSE p.status END = $2) AND ($3::text IS NULL OR"
			" p.\"phoneNumber\" > $3) ORDER BY p.\"phoneNumber\" LIMIT $4", "ttti",
			account, status, after, limit);
	if (e == 0)
		read_numbers(r, ret, ret_n);
	return e;
}

/* ---- in line with the provider -------------------------------------------------------------- */

void numbers_seen_json(struct str *out, const struct number_seen *seen, size_t n)
{
	struct jw w = JW(out);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		char id[40];

		random_id(id, sizeof(id), "num_");
		jw_obj(&w, NULL);
		jw_str(&w, "id", id);
		jw_str(&w, "number", seen[i].phone_number);
		jw_str(&w, "sid", seen[i].sid);
		jw_str(&w, "country", seen[i].country);
		jw_str(&w, "area", seen[i].area_code);
		jw_raw(&w, "caps", seen[i].capabilities);
		jw_bool(&w, "voice", seen[i].voice_ready);
		if (seen[i].sms_ready >= 0)
			jw_bool(&w, "sms", seen[i].sms_ready == 1);
		jw_str(&w, "problem", seen[i].problem);
		jw_str(&w, "trunk", seen[i].trunk_sid);
		jw_str(&w, "app", seen[i].application_sid);
		jw_str(&w, "region", seen[i].voice_region);
		jw_raw(&w, "observed", seen[i].observed);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
}

/* A campaign seen by us says "sms"; otherwise what a person said stays. */
static const char SYNC_SQL[] =
	"WITH j AS (SELECT * FROM json_to_recordset($2::json) AS j(id text, number text, sid text,"
	"  country text, area text, caps jsonb, voice boolean, sms boolean)),"
	" put AS (INSERT INTO \"TwilioBackupPhoneNumber\" AS p (id, \"accountId\", \"phoneNumber\","
	"  \"phoneNumberSid\", country, \"areaCode\", capabilities, status, \"voiceReady\","
	"  \"smsReady\", \"createdAt\", \"updatedAt\")"
	"  SELECT id, $1, number, sid, country, area, caps, 'available', voice,"
	"  coalesce(sms, false), $3, $3 FROM j ORDER BY number"
	"  ON CONFLICT (\"phoneNumber\") DO UPDATE SET \"accountId\" = excluded.\"accountId\","
	"  \"phoneNumberSid\" = excluded.\"phoneNumberSid\","
	"  country = coalesce(excluded.country, p.country),"
	"  \"areaCode\" = coalesce(excluded.\"areaCode\", p.\"areaCode\"),"
	"  capabilities = coalesce(excluded.capabilities, p.capabilities),"
	"  \"voiceReady\" = excluded.\"voiceReady\","
	"  \"smsReady\" = CASE WHEN EXISTS (SELECT 1 FROM ringdown.number_ext e"
	"   WHERE e.account_id = $1 AND e.phone_number = p.\"phoneNumber\""
	"   AND e.sms_ready_source = 'person') THEN p.\"smsReady\" ELSE excluded.\"smsReady\" END,"
	"  status = CASE WHEN p.\"assignedAgentId\" IS NOT NULL THEN 'assigned'"
	"   WHEN EXISTS (SELECT 1 FROM ringdown.reservation r"
	"   WHERE r.phone_number = p.\"phoneNumber\") THEN 'reserved' ELSE 'available' END,"
	"  \"updatedAt\" = excluded.\"updatedAt\" RETURNING (xmax = 0) AS added)"
	" SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM put";

int numbers_put(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		struct sync_result *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str doc = STR_INIT(STR_MAX_DEFAULT);
	int e;

	numbers_seen_json(&doc, seen, n);
	e = tx_query(t, &r, err, SYNC_SQL, "ttm", account, str_get(&doc), tx_now_ms(t));
	str_fini(&doc);
	if (e < 0)
		return e;
	ret->added += pg_i64(r, 0, 0);
	ret->updated += pg_i64(r, 0, 1);
	ret->kept = ret->updated;
	return 0;
}

int numbers_gone(struct tx *t, const char *account, int64_t before_ms, struct sync_result *ret,
		 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "WITH old AS (SELECT \"phoneNumber\" FROM \"TwilioBackupPhoneNumber\""
			 "  WHERE \"accountId\" = $1 AND status <> 'unavailable'"
			 "  AND \"updatedAt\" < $2::timestamptz ORDER BY \"phoneNumber\" FOR NO KEY"
			 " UPDATE) UPDATE \"TwilioBackupPhoneNumber\" b SET status = 'unavailable',"
			 " \"voiceReady\" = false, \"updatedAt\" = $3 FROM old"
			 " WHERE b.\"phoneNumber\" = old.\"phoneNumber\"", "tmm", account,
			 before_ms,
			 tx_now_ms(t));

	if (e == 0)
		ret->gone += pg_affected(r);
	return e;
}

int number_set_sms_ready(struct tx *t, const char *phone_number, bool ready, const char *source,
			 struct err *err)
{
	int e = tx_query(t, NULL, err,
			 "INSERT INTO ringdown.number_ext (account_id, phone_number,"
			 " sms_ready_source) SELECT \"accountId\", \"phoneNumber\", $2 FROM"
			 " \"TwilioBackupPhoneNumber\" WHERE \"phoneNumber\" = $1 ON CONFLICT"
			 " (account_id, phone_number) DO UPDATE SET sms_ready_source ="
			 " excluded.sms_ready_source", "tt", phone_number, source);

	if (e == 0)
		e = tx_one(t, err, "UPDATE \"TwilioBackupPhoneNumber\" SET \"smsReady\" = $2,"
			   " \"updatedAt\" = $3 WHERE \"phoneNumber\" = $1", "tbm", phone_number,
			   ready,
			   tx_now_ms(t));
	if (e == ERR_CONFLICT)
		return err_set(err, ERR_NOT_FOUND, "no number '%.20s' in the pool", phone_number);
	/* what was held for want of it is not held any more */
	if (e == 0 && ready)
		e = tx_query(t, NULL, err, "DELETE FROM ringdown.sms_hold h"
			     " USING \"TwilioBackupPhoneNumber\" b WHERE b.\"phoneNumber\" = $1"
			     " AND h.agent_id = b.\"assignedAgentId\"", "t", phone_number);
	return e;
}
