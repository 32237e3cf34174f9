/*
 * The simulator's world into PostgreSQL, as if the application had run on it for a day:
 * accounts with sealed credentials, agents, people, and 24 hours of calls, messages and
 * health checks.
 */
#include "cli/demo/demo.h"

#include <string.h>

#include "core/mem.h"
#include "store/accounts.h"
#include "store/migrate.h"
#include "store/store.h"
#include "store/tokens.h"

struct seeding {
	struct demo *d;
	struct store *store;
	struct who who;
	const struct json *sim;
	bool parent, second;		/* what the scenario lets us configure */
	int64_t now_ms;
};

static const struct json *scenario_row(const struct seeding *s)
{
	for (const struct json *v = json_first(json_get(s->sim, "scenarios")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "name"), s->d->scenario->name))
			return v;
	return NULL;
}

static const struct json *account_by(const struct seeding *s, const char *member, const char *value)
{
	for (const struct json *v = json_first(json_get(s->sim, "accounts")); v; v = json_next(v))
		if (str_eq(json_get_str(v, member), value))
			return v;
	return NULL;
}

/* ---- accounts ------------------------------------------------------------------------- */

static int add_account(struct seeding *s, const struct json *a, char **ret_id, struct err *err)
{
	bool primary = str_eq(json_get_str(a, "role"), "primary");
	const struct json *parent = account_by(s, "sid", json_get_str(a, "parentSid"));
	const struct json *key = json_path(a, "apiKeys.0");
	struct account_input in = ACCOUNT_INPUT;
	int r;

	in.name = json_get_str(a, "name");
	in.provider = "twilio";
	in.account_sid = json_get_str(a, "sid");
	in.region = json_get_str(a, "region");
	in.edge = json_get_str(a, "edge");
	in.type = json_get_str(a, "type");
	in.priority = json_get_i64(a, "priority", 0);
	in.is_primary = primary;
	in.is_active = true;
	in.token = secret_new(json_get_str(a, "authToken"));
	if (s->second || !primary) {
		in.second_key = json_get_str(key, "sid");
		in.second_secret = secret_new(json_get_str(key, "secret"));
	}
	if (parent && (s->parent || !primary)) {
		in.parent_sid = json_get_str(parent, "sid");
		in.parent_secret = secret_new(json_get_str(parent, "authToken"));
	}
	r = account_add(s->store, &s->who, &in, ret_id, err);
	secret_free(in.token);
	secret_free(in.second_secret);
	secret_free(in.parent_secret);
	return r;
}

/* approve-race: each lineage has its own standby, so that none waits for another's. */
static int add_standby(struct seeding *s, const char *primary, const char *backup, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int r = tx_begin(s->store, &t, &s->who, err);

	if (r == 0)
		r = standby_set(&t, primary, backup, 1, err);
	return r < 0 ? r : tx_commit(&t, NULL, err);
}

static int add_accounts(struct seeding *s, struct err *err)
{
	char *primaries[128] = { NULL };
	int r = 0;

	for (const struct json *v = json_first(json_get(s->sim, "accounts")); v && r == 0;
	     v = json_next(v)) {
		const char *role = json_get_str(v, "role");
		int64_t lineage = json_get_i64(v, "lineage", -1);
		_cleanup_(free_p) char *id = NULL;

		if (!str_eq(role, "primary") && !str_eq(role, "backup"))
			continue;
		r = add_account(s, v, &id, err);
		if (r == 0 && str_eq(role, "primary") && lineage >= 0 && lineage < 128)
			primaries[lineage] = TAKE(id);
		else if (r == 0 && lineage >= 0 && lineage < 128 && primaries[lineage])
			r = add_standby(s, primaries[lineage], id, err);
	}
	for (size_t i = 0; i < COUNT_OF(primaries); i++)
		free_p(&primaries[i]);
	return r;
}

/* ---- the application's rows -------------------------------------------------------------- */

static int run(struct seeding *s, const char *sql, const char *fmt, const char *a, int64_t at,
	       struct err *err)
{
	int r = fmt[1] ? store_query(s->store, NULL, err, sql, fmt, a, at) :
			 store_query(s->store, NULL, err, sql, fmt, a);

	return r < 0 ? err_prefix(err, "seeding") : 0;
}

static int add_agents(struct seeding *s, struct err *err)
{
	struct str b = STR_INIT((size_t)512 << 20);
	int r;

	json_print(&b, json_get(s->sim, "agents"));
	r = run(s, "INSERT INTO \"VoiceAgent\" (id, \"orgId\", name, status, \"elevenLabsAgentId\","
		   " \"twilioPhoneNumber\", \"twilioAccountId\", \"createdAt\", \"updatedAt\")"
		   " SELECT a->>'id', a->>'orgId', a->>'name', 'ACTIVE', a->>'elevenLabsAgentId',"
		   " a->>'phoneNumber', t.id, $2, $2"
		   " FROM json_array_elements($1::json) a"
		   " JOIN \"TwilioAccount\" t ON t.\"accountSid\" = a->>'accountSid'", "tm", b.s,
		s->now_ms, err);
	if (r == 0)
		r = run(s, "INSERT INTO ringdown.agent_ext (agent_id, home_account, integration,"
			   " priority, calls_per_day)"
			   " SELECT a->>'id', t.id, a->>'integration',"
			   " coalesce((a->>'priority')::int, 100), 20 + abs(hashtext(a->>'id')) %"
			   " 200 FROM json_array_elements($1::json) a"
			   " JOIN \"TwilioAccount\" t ON t.\"accountSid\" = a->>'accountSid'"
			   " ON CONFLICT (agent_id) DO UPDATE SET priority = excluded.priority,"
			   " integration = excluded.integration, calls_per_day ="
			   " excluded.calls_per_day",
			"t", b.s, 0, err);
	if (r == 0)
		r = run(s, "INSERT INTO \"OrgSettings\" (\"orgId\", \"smsDisabled\","
			   " \"maxMessagesPerMinute\") SELECT DISTINCT a->>'orgId', false, 60"
			   " FROM json_array_elements($1::json) a", "t", b.s, 0, err);
	str_fini(&b);
	return r;
}

static const char *const people[][3] = {
	{ "u1", "anna@acme.example", "Anna Berg" },
	{ "u2", "ben@acme.example", "Ben Ortiz" },
	{ "u3", "chris@acme.example", "Chris Tan" },
};

static int add_people(struct seeding *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(people) && r == 0; i++)
		r = store_query(s->store, NULL, err,
				"INSERT INTO \"User\" (id, email, name, role) VALUES ($1, $2, $3,"
				" 'SUPER_ADMIN')",
				"ttt", people[i][0], people[i][1], people[i][2]);
	return r;
}

/* A day of calls at 99 % and messages at 96 % well, and of health checks; nothing failed in the
 * last ten minutes, or a handful of rows would read as trouble. $1 = how many agents count. */
static const char *const history[] = {
	"INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\", \"to\","
	" content, metadata, \"createdAt\")"
	" SELECT 'seed-m' || n, v.\"orgId\", 'outbound', 'sms',"
	" CASE WHEN n % 40 = 37 THEN 'undelivered' WHEN n % 90 = 63 THEN 'failed' ELSE 'delivered'"
	" END, v.\"twilioPhoneNumber\", '+1415555' || lpad((n % 10000)::text, 4, '0'),"
	" 'Your appointment is confirmed.',"
	" CASE WHEN n % 40 = 37 THEN '{\"twilioErrorCode\":\"30003\"}'::jsonb"
	"      WHEN n % 90 = 63 THEN '{\"twilioErrorCode\":\"30008\"}'::jsonb ELSE '{}'::jsonb END,"
	" $2::timestamptz - n * interval '28 seconds'"
	" FROM generate_series(1, 3000) n"
	" JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS pos, count(*) OVER () AS total"
	"       FROM \"VoiceAgent\" LIMIT $1::bigint) v ON v.pos = n % v.total",
	"INSERT INTO calls (id, tenant_id, call_sid, from_number, to_number, status, duration,"
	" created_at) SELECT 'seed-c' || n, v.\"orgId\", 'CA' || md5(n::text),"
	" '+1415555' || lpad((n % 10000)::text, 4, '0'), v.\"twilioPhoneNumber\","
	" CASE WHEN n % 150 = 109 THEN 'failed' WHEN n % 11 = 4 THEN 'no-answer' ELSE 'completed'"
	" END,"
	" 20 + n % 300, $2::timestamptz - n * interval '28 seconds'"
	" FROM generate_series(1, 3000) n"
	" JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS pos, count(*) OVER () AS total"
	"       FROM \"VoiceAgent\" LIMIT $1::bigint) v ON v.pos = n % v.total",
	/* the older tables of twilio-server: recordings, messages, transcriptions, webhooks */
	"INSERT INTO call_recordings (id, call_sid, recording_url, recording_duration, created_at)"
	" SELECT 'seed-r' || n, 'CA' || md5(n::text), CASE WHEN n % 30 <> 5 THEN"
	" 'https://recordings.acme.example/RE' || md5(n::text) END, 20 + n % 300,"
	" $2::timestamptz - n * interval '2 minutes' FROM generate_series(1, 500) n WHERE"
	" $1::bigint > 0",
	"INSERT INTO sms_messages (id, tenant_id, from_number, to_number, message_body, status,"
	" error_code, error_message, created_at)"
	" SELECT 'seed-s' || n, 'org_' || n % 5, '+14155551234', '+1415555' || lpad((n %"
	" 10000)::text, 4, '0'), 'Your code is ' || 1000 + n, CASE WHEN n % 17 = 4 THEN 'failed'"
	" ELSE 'delivered' END, CASE WHEN n % 17 = 4 THEN (ARRAY['30003', '30007', '30008'])[1 + n"
	" % 3] END, CASE WHEN n % 17 = 4 THEN 'simulated' END, $2::timestamptz - n * interval '50"
	" seconds' FROM generate_series(1, 1500) n WHERE $1::bigint > 0",
	"INSERT INTO call_transcriptions (id, call_sid, transcription_text, created_at)"
	" SELECT 'seed-t' || n, 'CA' || md5(n::text), 'Hello, I would like to book.',"
	" $2::timestamptz - n * interval '5 minutes' FROM generate_series(1, 200) n WHERE"
	" $1::bigint > 0",
	"INSERT INTO webhook_logs (id, webhook_id, webhook_type, source_ip, created_at)"
	" SELECT 'seed-w' || n, 'WH' || n, (ARRAY['voice', 'sms', 'status'])[1 + n % 3],"
	" '54.172.60.' || n % 40, $2::timestamptz - n * interval '45 seconds'"
	" FROM generate_series(1, 1800) n WHERE $1::bigint > 0",
	"INSERT INTO \"TwilioHealthCheck\" (id, \"accountId\", status, \"checkType\","
	" \"totalAgents\", \"failedAgents\", \"failureRate\", \"latencyMs\", details,"
	" \"checkedAt\") SELECT 'seed-h' || t.id || n, t.id, 'healthy', 'cycle',"
	" (SELECT count(*) FROM \"VoiceAgent\" v WHERE v.\"twilioAccountId\" = t.id), 0, 0,"
	" 180 + (n * 37) % 90, '{}'::jsonb, $2::timestamptz - n * interval '2 minutes'"
	" FROM generate_series(1, 720) n, \"TwilioAccount\" t WHERE $1::bigint > 0 LIMIT 20000",
};

static int add_history(struct seeding *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(history) && r == 0; i++)
		r = store_query(s->store, NULL, err, history[i], "im", (int64_t)1000, s->now_ms);
	return r < 0 ? err_prefix(err, "seeding history") : 0;
}

/* ---- tokens -------------------------------------------------------------------------------- */

static int add_token(struct seeding *s, const char *name, const char *role, struct secret **ret,
		     struct err *err)
{
	struct str b = STR_INIT(100);
	uint8_t random[24];
	int r;

	random_bytes(random, sizeof(random));
	str_add(&b, "rd_demo_");
	str_add_hex(&b, random, sizeof(random));
	*ret = secret_new(b.s);
	r = token_put(s->store, &s->who, b.s, name, role, err);
	str_fini(&b);
	return r;
}

static int fill(struct seeding *s, struct err *err)
{
	struct migrate_options mo = { .environment = "demo" };
	struct migrate_result mr = { 0 };
	int r = migrate_run(s->store, &mo, &mr, err);

	migrate_result_fini(&mr);
	if (r == 0)
		r = add_accounts(s, err);
	if (r == 0)
		r = add_agents(s, err);
	if (r == 0)
		r = add_people(s, err);
	if (r == 0)
		r = add_history(s, err);
	if (r == 0)
		r = add_token(s, "anna", "operator", &s->d->operator, err);
	if (r == 0)
		r = add_token(s, "ben", "admin", &s->d->admin, err);
	if (r == 0)
		r = add_token(s, "wall", "viewer", &s->d->viewer, err);
	return r;
}

int demo_seed(struct demo *d, const struct json *sim_state, struct err *err)
{
	struct seeding s = { .d = d, .sim = sim_state,
			     .who = { .actor = "demo", .role = "admin", .via = "cli" },
			     .now_ms = loop_wall_ms(d->loop) };
	struct keyring *keys = keyring_new(secret_reveal(d->key), NULL, err);
	const struct json *row = scenario_row(&s);
	struct store_options o = { .url = d->db_url, .engine_id = "demo", .keys = keys,
				   .timeout_ms = 60000 };
	int r;

	if (!keys)
		return err->code;
	s.parent = json_get_bool(row, "parentConfigured", true);
	s.second = json_get_bool(row, "secondCredential", true);
	s.store = store_open(d->loop, &o, err);
	r = s.store ? fill(&s, err) : err->code;
	store_close(s.store);
	keyring_free(keys);
	return r;
}
