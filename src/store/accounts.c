/*
 * Reading accounts: the application's row, ours beside it, and figures counted from
 * agents and the pool. No credential passes through here (account_keys.c).
 */
#include <stdlib.h>

#include "store/accounts_internal.h"
#include "store/internal.h"

#define NUMBER_COUNTS                                                                              \
	"count(*) AS total,"                                                                       \
	" count(*) FILTER (WHERE p.status = 'available' AND r.phone_number IS NULL) AS free,"      \
	" count(*) FILTER (WHERE p.\"voiceReady\" AND p.status <> 'unavailable') AS voice,"        \
	" count(*) FILTER (WHERE p.\"smsReady\" AND p.status <> 'unavailable') AS sms"             \
	" FROM \"TwilioBackupPhoneNumber\" p"                                                      \
	" LEFT JOIN ringdown.reservation r ON r.phone_number = p.\"phoneNumber\""

static const char ACCOUNTS_SQL[] =
	"WITH home AS (SELECT " SOLE_PRIMARY " AS id),"
	" agents AS (SELECT coalesce(v.\"twilioAccountId\", home.id) AS id, count(*) AS n"
	"  FROM \"VoiceAgent\" v CROSS JOIN home LEFT JOIN ringdown.agent_ext x ON x.agent_id ="
	" v.id  WHERE " WATCHED_AGENT " GROUP BY 1),"
	" numbers AS (SELECT p.\"accountId\" AS id, " NUMBER_COUNTS " GROUP BY 1)"
	" SELECT a.id, a.name, a.provider, a.\"accountSid\", a.\"isPrimary\", a.\"isActive\","
	" a.priority, a.status, e.type, a.region, e.edge, e.parent_sid,"
	" coalesce(a.\"healthStatus\", e.health), e.health_since,"
	" greatest(a.\"lastHealthCheck\", e.last_check), e.why, coalesce(g.n, 0),"
	" coalesce(e.failing, 0), coalesce(e.unknown, 0), coalesce(e.failure_rate, 0),"
	" coalesce(n.total, 0), coalesce(n.free, 0), coalesce(n.voice, 0), coalesce(n.sms, 0),"
	" coalesce(e.standby_ready, false), e.standby_problems, e.balance,"
	" e.second_secret IS NOT NULL OR (e.api_key_secret IS NOT NULL AND a.\"authToken\" IS NOT"
	" NULL), e.api_key_secret IS NOT NULL, e.credentials_set_at,"
	" CASE WHEN a.\"isPrimary\" THEN coalesce(l.current_account, a.id) END,"
	" (a.\"isPrimary\" AND coalesce(l.current_account, a.id) = a.id) OR EXISTS"
	"  (SELECT 1 FROM ringdown.lineage o WHERE o.current_account = a.id), e.not_ready_reason"
	" FROM \"TwilioAccount\" a"
	" LEFT JOIN ringdown.account_ext e ON e.account_id = a.id"
	" LEFT JOIN ringdown.lineage l ON l.primary_id = a.id"
	" LEFT JOIN agents g ON g.id = a.id LEFT JOIN numbers n ON n.id = a.id"
	" WHERE $1::text IS NULL OR $1 IN (a.id, a.\"accountSid\", a.name)"
	" ORDER BY a.\"isPrimary\" DESC, a.priority, a.name, a.id";

/* The order of the columns above. */
enum col {
	ID, NAME, PROVIDER, SID, PRIMARY, ACTIVE, PRIORITY, STATUS, TYPE, REGION, EDGE, PARENT,
	HEALTH, SINCE, CHECKED, WHY, AGENTS, FAILING, UNKNOWN, RATE, TOTAL, FREE, VOICE, SMS,
	READY, PROBLEMS, BALANCE, SECOND, API_KEY, CRED_SET, CURRENT, CARRIES, NOT_READY
};

static void read_account(const struct pg_result *r, int i, struct account *a)
{
	int health = enum_parse(&health_names, pg_text(r, i, HEALTH));

	*a = (struct account){
		.id = col_dup(r, i, ID), .name = col_dup(r, i, NAME),
		.provider = col_dup(r, i, PROVIDER), .account_sid = col_dup(r, i, SID),
		.is_primary = pg_bool(r, i, PRIMARY), .is_active = pg_bool(r, i, ACTIVE),
		.priority = pg_i64(r, i, PRIORITY), .status = col_dup(r, i, STATUS),
		.type = col_dup(r, i, TYPE), .region = col_dup(r, i, REGION),
		.edge = col_dup(r, i, EDGE), .parent_sid = col_dup(r, i, PARENT),
		.health = health < 0 ? HEALTH_UNKNOWN : health,
		.health_since_ms = pg_time(r, i, SINCE), .last_check_ms = pg_time(r, i, CHECKED),
		.why = col_dup(r, i, WHY), .agents = pg_i64(r, i, AGENTS),
		.failing = pg_i64(r, i, FAILING), .unknown = pg_i64(r, i, UNKNOWN),
		.failure_rate = pg_double(r, i, RATE), .numbers_total = pg_i64(r, i, TOTAL),
		.numbers_free = pg_i64(r, i, FREE), .voice_ready = pg_i64(r, i, VOICE),
		.sms_ready = pg_i64(r, i, SMS), .standby_ready = pg_bool(r, i, READY),
		.standby_problems = col_dup(r, i, PROBLEMS), .balance = col_dup(r, i, BALANCE),
		.has_second_credential = pg_bool(r, i, SECOND),
		.has_api_key = pg_bool(r, i, API_KEY),
		.credentials_set_at_ms = pg_time(r, i, CRED_SET),
		.current_account = col_dup(r, i, CURRENT),
	};
	a->role = a->agents > 0 || pg_bool(r, i, CARRIES) ? ROLE_CARRYING : ROLE_STANDBY;
}

int accounts_query(struct store *s, struct tx *t, const char *ref, struct account **ret,
		   size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct account *rows;
	int n, e = t ? tx_query(t, &r, err, ACCOUNTS_SQL, "t", ref) :
		       store_query(s, &r, err, ACCOUNTS_SQL, "t", ref);

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		read_account(r, i, &rows[i]);
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

int accounts_list(struct store *s, struct account **ret, size_t *ret_n, struct err *err)
{
	return accounts_query(s, NULL, NULL, ret, ret_n, err);
}

int account_count_numbers(struct store *s, struct account *a, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " NUMBER_COUNTS " WHERE p.\"accountId\" = $1",
			    "t", a->id);

	if (e < 0)
		return e;
	a->numbers_total = pg_i64(r, 0, 0);
	a->numbers_free = pg_i64(r, 0, 1);
	a->voice_ready = pg_i64(r, 0, 2);
	a->sms_ready = pg_i64(r, 0, 3);
	return 0;
}

int accounts_newest_check(struct store *s, int64_t *ret_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT greatest((SELECT max(\"lastHealthCheck\") FROM"
			    " \"TwilioAccount\"), (SELECT max(last_check) FROM"
			    " ringdown.account_ext))", "");

	if (e == 0)
		*ret_ms = pg_time(r, 0, 0);
	return e;
}

void accounts_free(struct account *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&account_type, &rows[i]);
	free(rows);
}

static int not_found(struct store *s, const char *ref, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	const char *names[200], *near;
	size_t n = 0;

	if (store_query(s, &r, NULL, "SELECT name FROM \"TwilioAccount\" LIMIT 200", "") == 0)
		for (; n < (size_t)pg_rows(r); n++)
			names[n] = pg_text(r, (int)n, 0);
	near = n ? str_nearest(ref, names, n) : NULL;
	if (near)
		return err_set(err, ERR_NOT_FOUND, "no account '%.80s', did you mean '%s'?", ref,
			       near);
	return err_set(err, ERR_NOT_FOUND, "no account '%.80s'", ref);
}

int account_get(struct store *s, const char *ref, struct account *ret, struct err *err)
{
	struct account *rows = NULL;
	size_t n = 0, pick = 0;
	int e = accounts_query(s, NULL, ref, &rows, &n, err);

	if (e < 0)
		return e;
	for (size_t i = 0; i < n; i++)	/* an id wins over a name that looks like one */
		if (str_eq(rows[i].id, ref))
			pick = i;
	if (n == 0) {
		e = not_found(s, ref, err);
	} else if (n > 1 && !str_eq(rows[pick].id, ref)) {
		e = err_set(err, ERR_CONFLICT, "%zu accounts are called '%.80s': give the id", n,
			    ref);
	} else {
		*ret = rows[pick];
		rows[pick] = (struct account){ 0 };
	}
	accounts_free(rows, n);
	return e;
}

int account_note(struct tx *t, enum note_level level, const char *kind, const char *id,
		 const char *text, struct err *err)
{
	struct account *rows = NULL;
	size_t n = 0;
	struct str data = STR_INIT(1 << 18);
	struct jw w = JW(&data);
	int e = accounts_query(t->store, t, id, &rows, &n, err);

	if (e == 0 && n > 0) {
		jw_obj(&w, NULL);
		account_json(&w, "account", &rows[0]);
		jw_obj_end(&w);
	}
	if (e == 0)
		tx_note(t, level, kind, id, text, n > 0 ? str_get(&data) : NULL);
	str_fini(&data);
	accounts_free(rows, n);
	return e;
}
