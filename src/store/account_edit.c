/*
 * What people and the monitor write about accounts. Credentials are sealed before they
 * leave this file, each bound to its row and column.
 */
#include <stdlib.h>

#include "core/json.h"
#include "store/accounts_internal.h"
#include "store/internal.h"

struct sealed { char *token, *api, *second, *parent; };

static void sealed_fini(struct sealed *z)
{
	free(z->token);
	free(z->api);
	free(z->second);
	free(z->parent);
}

char *account_aad(const char *id, const char *what)
{
	return xasprintf("TwilioAccount/%s/%s", id, what);
}

static char *seal_one(const struct keyring *keys, const char *id, const char *what,
		      const struct secret *clear)
{
	_cleanup_(free_p) char *aad = account_aad(id, what);

	return clear ? seal(keys, secret_reveal(clear), aad) : NULL;
}

static int seal_all(struct store *s, const char *id, const struct account_input *in,
		    struct sealed *ret, struct err *err)
{
	*ret = (struct sealed){ 0 };
	if (!in->token && !in->api_secret && !in->second_secret && !in->parent_secret)
		return 0;
	if (!s->keys)
		return err_set(err, ERR_DENIED, "ENCRYPTION_KEY is not set: credentials cannot be"
						" stored");
	ret->token = seal_one(s->keys, id, "authToken", in->token);
	ret->api = seal_one(s->keys, id, "apiKeySecret", in->api_secret);
	ret->second = seal_one(s->keys, id, "secondSecret", in->second_secret);
	ret->parent = seal_one(s->keys, id, "parentSecret", in->parent_secret);
	return 0;
}

/* NULL leaves a column, "" empties it. */
#define KEEP(n, col) "CASE WHEN $" #n "::text IS NULL THEN " col " ELSE nullif($" #n ", '') END"

static int put_ext(struct tx *t, const char *id, const struct account_input *in,
		   const struct sealed *z, struct err *err)
{
	bool any = z->token || z->api || z->second || z->parent;
	int e = tx_query(t, NULL, err, "INSERT INTO ringdown.account_ext (account_id) VALUES ($1)"
			 " ON CONFLICT DO NOTHING", "t", id);

	if (e < 0)
		return e;
	return tx_one(t, err,
		      "UPDATE ringdown.account_ext SET"
		      " api_key_sid = " KEEP(2, "api_key_sid") ","
		      " api_key_secret = CASE WHEN $2 = '' THEN NULL ELSE coalesce($3,"
		      " api_key_secret) END, second_key_sid = CASE WHEN $5::text IS NOT NULL THEN"
		      " nullif($4, '')  ELSE second_key_sid END,"
		      " second_secret = coalesce($5, second_secret),"
		      " parent_sid = " KEEP(6, "parent_sid") ","
		      " parent_key_sid = CASE WHEN $8::text IS NOT NULL THEN nullif($7, '')"
		      "  ELSE parent_key_sid END,"
		      " parent_secret = CASE WHEN $6 = '' THEN NULL ELSE coalesce($8,"
		      " parent_secret) END, edge = " KEEP(9, "edge") ", type = " KEEP(10, "type")
		      ", capabilities = coalesce($11::json, capabilities),"
		      " credentials_set_at = CASE WHEN $12 THEN $13 ELSE credentials_set_at END,"
		      " not_ready_reason = CASE WHEN $12 THEN NULL ELSE not_ready_reason END"
		      " WHERE account_id = $1",
		      "tttttttttttbm", id, in->api_key, z->api, in->second_key, z->second,
		      in->parent_sid, in->parent_key, z->parent, in->edge, in->type,
		      in->capabilities, any, tx_now_ms(t));
}

static int ensure_lineage(struct tx *t, const char *id, struct err *err)
{
	return tx_query(t, NULL, err, "INSERT INTO ringdown.lineage (primary_id, current_account)"
			" SELECT id, id FROM \"TwilioAccount\" WHERE id = $1 AND \"isPrimary\""
			" ON CONFLICT DO NOTHING", "t", id);
}

static int check_input(const struct account_input *in, bool add, struct err *err)
{
	if (add && str_empty(in->name))
		return err_field(err, ERR_INVALID, "name", "an account needs a name");
	if (add && str_empty(in->account_sid))
		return err_field(err, ERR_INVALID, "accountSid", "an account needs its SID");
	if (add && !in->token && !in->api_secret)
		return err_field(err, ERR_INVALID, "authToken", "a token or an API key is needed");
	if (in->api_secret && str_empty(in->api_key))
		return err_field(err, ERR_INVALID, "apiKeySid", "the secret needs the key's SID");
	if (!str_empty(in->api_key) && !in->api_secret)
		return err_field(err, ERR_INVALID, "apiKeySecret", "the key needs its secret");
	if (in->provider && !str_eq(in->provider, "twilio") && !str_eq(in->provider, "telnyx"))
		return err_field(err, ERR_INVALID, "provider", "provider must be twilio or telnyx");
	return 0;
}

/* People and scripts name accounts: one name, one account. */
static int check_name(struct tx *t, const char *id, const char *name, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = str_empty(name) ? 0 :
		tx_query(t, &r, err, "SELECT 1 FROM \"TwilioAccount\" a LEFT JOIN"
			 " ringdown.account_ext x ON x.account_id = a.id WHERE a.name = $1 AND a.id"
			 " <> $2 AND x.removed_at IS NULL", "tt", name, id);

	if (e == 0 && r && pg_rows(r))
		return err_field(err, ERR_EXISTS, "name", "another account is called '%.80s'",
				 name);
	return e;
}

int account_add(struct store *s, const struct who *who, const struct account_input *in,
		char **ret_id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(sealed_fini) struct sealed z = { 0 };
	_cleanup_(free_p) char *text = NULL;
	char id[40];
	int e = check_input(in, true, err);

	random_id(id, sizeof(id), "acc_");
	if (e == 0)
		e = seal_all(s, id, in, &z, err);
	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0 && (e = check_name(&t, id, in->name, err)) < 0)
		return e;
	if (e == 0)
		e = tx_query(&t, NULL, err,
			     "INSERT INTO \"TwilioAccount\" (id, name, provider, \"accountSid\","
			     " \"authToken\", \"isPrimary\", \"isActive\", priority, status,"
			     " region, \"healthStatus\", \"createdAt\", \"updatedAt\") VALUES ($1,"
			     " $2, $3, $4, $5, $6, $7, $8, 'active', nullif($9, ''), 'unknown',"
			     " $10, $10)",
			     "tttttbbitm", id, in->name, in->provider ? in->provider : "twilio",
			     in->account_sid, z.token, in->is_primary == 1, in->is_active != 0,
			     in->priority >= 0 ? in->priority : 100, in->region, tx_now_ms(&t));
	if (e == ERR_EXISTS)
		return err_field(err, ERR_EXISTS, "accountSid", "account %s is there already",
				 in->account_sid);
	if (e == 0)
		e = put_ext(&t, id, in, &z, err);
	if (e == 0)
		e = ensure_lineage(&t, id, err);
	text = xasprintf("account '%s' (%s) added", in->name, in->account_sid);
	if (e == 0)
		e = account_note(&t, NOTE_INFO, "account.added", id, text, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && ret_id)
		*ret_id = xstrdup(id);
	return e;
}

/* A home account stays one while its agents are away. */
static int check_primary(struct tx *t, const char *id, const struct account_input *in,
			 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT l.current_account FROM ringdown.lineage l"
			 " WHERE l.primary_id = $1 AND l.current_account <> $1", "t", id);

	if (e == 0 && in->is_primary == 0 && pg_rows(r))
		return err_field(err, ERR_CONFLICT, "isPrimary",
				 "agents of this account run on %s now: roll back first",
				 pg_text(r, 0, 0));
	return e;
}

int account_edit(struct store *s, const struct who *who, const char *id,
		 const struct account_input *in, int64_t previous_ms, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(sealed_fini) struct sealed z = { 0 };
	int e = check_input(in, false, err);

	if (e == 0)
		e = seal_all(s, id, in, &z, err);
	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = check_name(&t, id, in->name, err);
	if (e == 0)
		e = check_primary(&t, id, in, err);
	if (e == 0)
		e = put_ext(&t, id, in, &z, err);
	/* The old token still signs webhooks for a while: its sealed text moves with its own
	 * aad. */
	if (e == 0 && z.token && previous_ms > 0)
		e = tx_query(&t, NULL, err,
			     "UPDATE ringdown.account_ext e SET previous_token = a.\"authToken\","
			     " previous_token_until = $2 FROM \"TwilioAccount\" a"
			     " WHERE a.id = $1 AND e.account_id = a.id", "tm", id,
			     tx_now_ms(&t) + previous_ms);
	if (e == 0)
		e = tx_one(&t, err,
			   "UPDATE \"TwilioAccount\" SET name = coalesce(nullif($2, ''), name),"
			   " \"authToken\" = coalesce($3, \"authToken\"),"
			   " priority = CASE WHEN $4::bigint >= 0 THEN $4 ELSE priority END,"
			   " region = " KEEP(5, "region") ","
			   " \"isPrimary\" = CASE WHEN $6::bigint >= 0 THEN $6 = 1 ELSE"
			   " \"isPrimary\" END, \"isActive\" = CASE WHEN $7::bigint >= 0 THEN $7 ="
			   " 1 ELSE \"isActive\" END, \"updatedAt\" = $8 WHERE id = $1",
			   "ttti" "tiim", id, in->name, z.token, in->priority, in->region,
			   (int64_t)in->is_primary, (int64_t)in->is_active, tx_now_ms(&t));
	if (e == ERR_CONFLICT && !(err && err->field[0]))
		return err_set(err, ERR_NOT_FOUND, "no account '%.80s'", id);
	if (e == 0)
		e = ensure_lineage(&t, id, err);
	if (e == 0)
		e = account_note(&t, NOTE_INFO, "account.edited", id,
				 z.token || z.api || z.second || z.parent ?
					 "account edited, credentials replaced" : "account edited",
					 err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

static int users_of(struct tx *t, const char *id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "SELECT (SELECT count(*) FROM \"VoiceAgent\" WHERE \"twilioAccountId\" ="
			 " $1), (SELECT count(*) FROM \"VoiceAgent\" WHERE \"twilioAccountId\" IS"
			 " NULL AND $1 ="
			 SOLE_PRIMARY "),"
			 " (SELECT min(id) FROM ringdown.event WHERE $1 IN (lineage, from_account,"
			 " to_account)  AND status IN ('held', 'pending', 'approved', 'executing',"
			 " 'failed',  'rolling_back')),"
			 " (SELECT min(primary_id) FROM ringdown.lineage WHERE current_account = $1"
			 "  AND primary_id <> $1),"
			 " (SELECT current_account FROM ringdown.lineage WHERE primary_id = $1"
			 "  AND current_account <> $1)", "t", id);
	int64_t agents;

	if (e < 0)
		return e;
	agents = pg_i64(r, 0, 0) + pg_i64(r, 0, 1);
	if (agents > 0)
		return err_set(err, ERR_CONFLICT, "%lld agents run on this account",
			       (long long)agents);
	if (!pg_null(r, 0, 2))
		return err_set(err, ERR_CONFLICT, "event %s is open and uses this account",
			       pg_text(r, 0, 2));
	if (!pg_null(r, 0, 3))
		return err_set(err, ERR_CONFLICT, "the agents of %s are at this account now",
			       pg_text(r, 0, 3));
	if (!pg_null(r, 0, 4))
		return err_set(err, ERR_CONFLICT, "agents at home here run on %s now",
			       pg_text(r, 0, 4));
	return 0;
}

int account_remove(struct store *s, const struct who *who, const char *id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *text = NULL;
	struct str data = STR_INIT(1024);
	struct jw w = JW(&data);
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, &r, err, "SELECT name FROM \"TwilioAccount\" WHERE id = $1 FOR"
					  " UPDATE", "t", id);
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_NOT_FOUND, "no account '%.80s'", id);
	if (e == 0)
		e = users_of(&t, id, err);
	if (e == 0)
		e = tx_query(&t, NULL, err,
			     "WITH a AS (DELETE FROM ringdown.account_ext WHERE account_id = $1),"
			     " b AS (DELETE FROM ringdown.standby_for WHERE $1 IN (primary_id,"
			     " backup_id)), c AS (DELETE FROM ringdown.number_ext WHERE account_id"
			     " = $1), d AS (DELETE FROM \"TwilioBackupPhoneNumber\" WHERE"
			     " \"accountId\" = $1), e AS (DELETE FROM ringdown.lineage WHERE"
			     " primary_id = $1) DELETE FROM \"TwilioAccount\" WHERE id = $1", "t",
			     id);
	if (e < 0)
		return e;
	text = xasprintf("account '%s' removed", pg_text(r, 0, 0));
	jw_obj(&w, NULL);
	jw_obj(&w, "account");
	jw_str(&w, "id", id);
	jw_bool(&w, "gone", true);
	jw_obj_end(&w);
	jw_obj_end(&w);
	tx_note(&t, NOTE_WARN, "account.removed", id, text, str_get(&data));
	str_fini(&data);
	return tx_commit(&t, NULL, err);
}

int account_health_put(struct tx *t, const struct account *a, const double *balance_amount,
		       struct err *err)
{
	int e = tx_query(t, NULL, err,
			 "INSERT INTO ringdown.account_ext AS x (account_id, health, health_since,"
			 " last_check, why, failing, unknown, agents, failure_rate, standby_ready,"
			 " standby_problems, balance, balance_amount, type) VALUES ($1, $2, $3, $4,"
			 " $5, $6, $7, $8, $9, $10, $11, $12, CASE WHEN $14::boolean THEN"
			 " $13::double precision END, $15) ON CONFLICT (account_id) DO UPDATE SET"
			 " health = excluded.health, health_since ="
			 " excluded.health_since, last_check = excluded.last_check, why ="
			 " excluded.why, failing = excluded.failing, unknown = excluded.unknown,"
			 " agents = excluded.agents, failure_rate = excluded.failure_rate,"
			 " standby_ready = excluded.standby_ready,"
			 " standby_problems = excluded.standby_problems,"
			 " balance = coalesce(excluded.balance, x.balance),"
			 " balance_amount = coalesce(excluded.balance_amount, x.balance_amount),"
			 " type = coalesce(excluded.type, x.type)",
			 "ttmmtiiidbttdbt", a->id, health_name(a->health), a->health_since_ms,
			 a->last_check_ms, a->why, a->failing, a->unknown, a->agents,
			 a->failure_rate, a->standby_ready, a->standby_problems, a->balance,
			 balance_amount ? *balance_amount : 0.0, balance_amount != NULL, a->type);

	if (e < 0)
		return e;
	return tx_query(t, NULL, err, "UPDATE \"TwilioAccount\" SET \"healthStatus\" = $2,"
			" \"lastHealthCheck\" = $3, status = coalesce($4, status), \"updatedAt\" ="
			" $5 WHERE id = $1", "ttmtm", a->id, health_name(a->health),
			a->last_check_ms,
			a->status, tx_now_ms(t));
}

int account_not_ready(struct tx *t, const char *id, const char *reason, struct err *err)
{
	return tx_query(t, NULL, err, "INSERT INTO ringdown.account_ext (account_id,"
			" not_ready_reason) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET"
			" not_ready_reason = excluded.not_ready_reason", "tt", id, reason);
}
