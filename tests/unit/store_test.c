/* Each function of the store against a real server: what it writes, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "store/accounts.h"
#include "store/agents.h"
#include "store/control.h"
#include "store/decide_read.h"
#include "store/evidence.h"
#include "store/journal.h"
#include "store/lease_row.h"
#include "store/numbers.h"
#include "store/outbox.h"
#include "store/tokens.h"
#include "tests/lib/storetest.h"

static struct storetest st;
static const struct who jane = { .actor = "jane", .role = "admin", .via = "api" };

/* Fails with the error's text; a cmocka failure inside a task jumps out of it, which ends
 * the test program's loop with it: fine for a failure. */
#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		int e_ = (call);                                                                   \
		if (e_ < 0)                                                                        \
			fail_msg("%s: %d %s", #call, e_, err_.msg);                                \
	} while (0)
#define FAILS(code, call)                                                                          \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		int e_ = (call);                                                                   \
		if (e_ != (code))                                                                  \
			fail_msg("%s: %d (%s), not %d", #call, e_, err_.msg, (code));              \
		(void)err;                                                                         \
	} while (0)
#define IN_TX(s, ...)                                                                              \
	do {                                                                                       \
		_cleanup_(tx_rollback) struct tx tx_ = { 0 };                                      \
		struct tx *t = &tx_;                                                               \
		OK(tx_begin(s, t, &jane, err));                                                    \
		__VA_ARGS__;                                                                       \
		OK(tx_commit(t, NULL, err));                                                       \
	} while (0)

static void sql(struct store *s, const char *text)
{
	OK(store_query(s, NULL, err, text, ""));
}

static char *value(struct store *s, const char *text)
{
	static char out[4][2000];
	static int n;
	struct pg_result *r = NULL;
	char *ret = out[n++ % 4];

	OK(store_query(s, &r, err, text, ""));
	snprintf(ret, sizeof(out[0]), "%s", pg_rows(r) ? pg_text(r, 0, 0) : "");
	pg_result_free(r);
	return ret;
}

/* ---- accounts --------------------------------------------------------------------------- */

static char *add_account(struct store *s, const char *name, const char *sid, bool primary)
{
	struct account_input in = ACCOUNT_INPUT;
	char *id = NULL;

	in.name = name;
	in.account_sid = sid;
	in.is_primary = primary;
	in.token = secret_new("token-in-clear-0001");
	OK(account_add(s, &jane, &in, &id, err));
	secret_free(in.token);
	return id;
}

static void accounts_in(void *arg)
{
	struct store *s = arg;
	struct account_input in = ACCOUNT_INPUT;
	struct account_keys k = { 0 };
	struct account a = { 0 }, *rows = NULL;
	size_t n = 0;
	char *p = add_account(s, "Main", "AC1", true), *b = add_account(s, "Backup", "AC2", false);

	in.name = "again";
	in.account_sid = "AC1";
	in.token = secret_new("x");
	FAILS(ERR_EXISTS, account_add(s, &jane, &in, NULL, err));
	secret_free(in.token);
	assert_null(strstr(value(s, "SELECT \"authToken\" FROM \"TwilioAccount\""), "clear"));
	OK(account_keys_load(s, p, &k, err));
	assert_string_equal(secret_reveal(k.token), "token-in-clear-0001");
	assert_null(k.api_secret);
	account_keys_fini(&k);

	in = ACCOUNT_INPUT;
	in.token = secret_new("token-in-clear-0002");
	in.parent_sid = "ACP";
	in.parent_secret = secret_new("parent-secret");
	in.edge = "dublin";
	OK(account_edit(s, &jane, p, &in, 3600000, err));
	secret_free(in.token);
	secret_free(in.parent_secret);
	OK(account_keys_load(s, p, &k, err));
	assert_string_equal(secret_reveal(k.token), "token-in-clear-0002");
	assert_string_equal(secret_reveal(k.previous_token), "token-in-clear-0001");
	assert_string_equal(secret_reveal(k.parent_secret), "parent-secret");
	assert_string_equal(k.edge, "dublin");
	account_keys_fini(&k);
	in = ACCOUNT_INPUT;
	FAILS(ERR_NOT_FOUND, account_edit(s, &jane, "nope", &in, 0, err));

	OK(accounts_list(s, &rows, &n, err));
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].id, p);
	assert_int_equal(rows[0].role, ROLE_CARRYING);
	assert_int_equal(rows[1].role, ROLE_STANDBY);
	assert_string_equal(rows[0].current_account, p);
	accounts_free(rows, n);
	OK(account_get(s, "AC2", &a, err));
	assert_string_equal(a.id, b);
	record_fini(&account_type, &a);
	FAILS(ERR_NOT_FOUND, account_get(s, "Backupp", &a, err));

	/* a sealed text moved to another row does not open */
	sql(s, "UPDATE \"TwilioAccount\" SET \"authToken\" = (SELECT \"authToken\" FROM"
	    " \"TwilioAccount\" WHERE \"accountSid\" = 'AC1') WHERE \"accountSid\" = 'AC2'");
	FAILS(ERR_FAILED, account_keys_load(s, b, &k, err));
	char *names = NULL;
	OK(accounts_unopenable(s, &names, err));
	assert_string_equal(names, "Backup");
	free(names);

	sql(s, "INSERT INTO \"VoiceAgent\" (id) VALUES ('v1')");
	FAILS(ERR_CONFLICT, account_remove(s, &jane, p, err));
	OK(account_remove(s, &jane, b, err));
	FAILS(ERR_NOT_FOUND, account_remove(s, &jane, b, err));
	free(p);
	free(b);
}

static void accounts(void **state)
{
	(void)state;
	storetest_run(&st, accounts_in);
}

static void health_in(void *arg)
{
	struct store *s = arg;
	char *p = add_account(s, "Main", "AC1", true);
	struct account a = { .id = p, .health = HEALTH_DEGRADED, .health_since_ms = 1700000000000,
			     .last_check_ms = 1700000001000, .why = (char *)"18 of 40",
			     .failing = 18,
			     .agents = 40, .failure_rate = 0.45, .balance = (char *)"1.50 USD",
			     .status = (char *)"active", .type = (char *)"Full",
			     .standby_problems = (char *)"[\"no numbers\"]" };
	struct account got = { 0 };
	struct lineage_row *l = NULL;
	struct health_point *points = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *balance = NULL;
	size_t n = 0;

	IN_TX(s, OK(account_health_put(t, &a, &(double){ 1.5 }, err)));
	/* an outage: it could not be asked */
	IN_TX(s, OK(account_health_put(t, &a, NULL, err)));
	OK(store_query(s, &balance, err, "SELECT balance_amount FROM ringdown.account_ext"
		       " WHERE account_id = $1", "t", p));
	assert_string_equal(pg_text(balance, 0, 0), "1.5");
	OK(account_get(s, p, &got, err));
	assert_int_equal(got.health, HEALTH_DEGRADED);
	assert_string_equal(got.balance, "1.50 USD");
	assert_int_equal(got.health_since_ms, a.health_since_ms);
	assert_string_equal(got.standby_problems, "[\"no numbers\"]");
	record_fini(&account_type, &got);

	struct health_check h = { .account = p, .status = "degraded", .check_type = "full",
				  .total = 40, .failed = 18, .rate = 0.45, .latency_ms = 80,
				  .details = "{\"a\":1}" };
	IN_TX(s, OK(health_check_put(t, &h, err)));
	OK(health_history(s, p, 0, 10, &points, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(points[0].failed, 18);
	health_points_free(points, n);
	OK(history_roll(s, &jane, loop_wall_ms(s->loop) + 7200000, 3600000, err));
	OK(history_roll(s, &jane, loop_wall_ms(s->loop) + 7200000, 3600000, err));
	assert_string_equal(value(s, "SELECT count(*) FROM \"TwilioHealthCheck\""), "0");
	assert_string_equal(value(s, "SELECT checks || '/' || failing_max FROM"
				     " ringdown.health_rollup"), "1/18");

	OK(store_query(s, NULL, err, "INSERT INTO ringdown.event (id, status, severity, trigger_type,"
		       " lineage, from_account, opened_at, state_since) SELECT 'EV-' || n, CASE n WHEN"
		       " 1 THEN 'cancelled' ELSE 'held' END, 'minor', 'MANUAL', 'x' || n, 'x',"
		       " '2020-01-01', '2020-01-01' FROM generate_series(1, 2) n", ""));
	OK(store_query(s, NULL, err, "INSERT INTO ringdown.event_test (event_id, n, at, outcome)"
		       " SELECT id, 1, '2020-01-01', 'ok' FROM ringdown.event", ""));
	OK(store_query(s, NULL, err, "INSERT INTO ringdown.effect (kind, state, at) VALUES ('a',"
		       " 'done', '2020-01-01'), ('b', 'intended', '2020-01-01'), ('c', 'done',"
		       " '2100-01-01')", ""));
	OK(attempts_prune(s, &jane, 1600000000000, err));
	assert_string_equal(value(s, "SELECT string_agg(event_id, '') FROM ringdown.event_test"),
			    "EV-2");	/* the other is over */
	assert_string_equal(value(s, "SELECT string_agg(kind, '' ORDER BY id) FROM ringdown.effect"),
			    "bc");
	OK(store_query(s, NULL, err, "DELETE FROM ringdown.event", ""));

	char *b = add_account(s, "B", "AC2", false), *c = add_account(s, "C", "AC3", false);
	IN_TX(s, OK(standby_set(t, p, c, 1, err)));
	IN_TX(s, OK(lineage_set_current(t, p, b, err)); OK(account_not_ready(t, b, "canaries",
		err));
	      OK(lineage_healthy(t, p, 0, err)));
	OK(lineages_list(s, &l, &n, err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].current, b);
	lineages_free(l, n);
	FAILS(ERR_CONFLICT, account_remove(s, &jane, b, err));
	free(p);
	free(b);
	free(c);
}

static void health(void **state)
{
	(void)state;
	storetest_run(&st, health_in);
}

static void reseal_in(void *arg)
{
	struct store *s = arg;
	char *p = add_account(s, "Main", "AC1", true), *b = add_account(s, "B", "AC2", false);
	const struct keyring *old = s->keys;
	struct keyring *both = keyring_new("fedcba9876543210fedcba9876543210", TEST_KEY, NULL);
	struct keyring *next = keyring_new("fedcba9876543210fedcba9876543210", NULL, NULL);
	struct account_keys k = { 0 };
	int64_t done, left;

	s->keys = both;
	OK(accounts_reseal(s, &jane, 1, &done, &left, err));	/* interrupted */
	assert_int_equal(done, 1);
	assert_int_equal(left, 1);
	OK(accounts_reseal(s, &jane, 100, &done, &left, err));
	assert_int_equal(done, 1);
	OK(accounts_reseal(s, &jane, 100, &done, &left, err));
	assert_int_equal(done, 0);
	s->keys = next;
	secret_free(TAKE(s->journal_key));
	OK(account_keys_load(s, b, &k, err));
	assert_string_equal(secret_reveal(k.token), "token-in-clear-0001");
	account_keys_fini(&k);
	struct journal_verdict v;
	OK(journal_verify(s, &v, err));
	assert_true(v.ok);
	s->keys = old;
	FAILS(ERR_NOT_FOUND, account_keys_load(s, b, &k, err));
	keyring_free(both);
	keyring_free(next);
	free(p);
	free(b);
}

static void reseal(void **state)
{
	(void)state;
	storetest_run(&st, reseal_in);
}

/* ---- agents, numbers ----------------------------------------------------------------------- */

static size_t agents_that(struct store *s, const struct agents_filter *f)
{
	struct agent_row *rows = NULL;
	size_t n = 0;

	OK(agents_page(s, f, NULL, 5000, &rows, &n, err));
	agents_free(rows, n);
	return n;
}

static void agents_in(void *arg)
{
	struct store *s = arg;
	char *p = add_account(s, "Main", "AC1", true), *b = add_account(s, "B", "AC2", false);
	struct agent_row *rows = NULL, one = { 0 };
	struct agents_filter f = { .watched = true };
	size_t n = 0;

	sql(s, "INSERT INTO \"VoiceAgent\" (id, name, \"orgId\", \"elevenLabsAgentId\","
	    " \"twilioPhoneNumber\") SELECT 'v' || lpad(i::text, 3, '0'), 'agent ' || i, 'o', 'e'"
	    " || i, '+1555' || i FROM generate_series(1, 120) i");
	sql(s, "UPDATE \"VoiceAgent\" SET status = 'PAUSED' WHERE id = 'v120'");
	OK(agents_page(s, &f, NULL, 100, &rows, &n, err));
	assert_int_equal(n, 100);
	assert_string_equal(rows[0].a.account, p);
	assert_string_equal(rows[0].a.home_account, p);
	assert_int_equal(rows[0].eleven_present, -1);
	char *last = xstrdup(rows[99].a.id);
	agents_free(rows, n);
	OK(agents_page(s, &f, last, 100, &rows, &n, err));
	assert_int_equal(n, 19);
	agents_free(rows, n);
	free(last);

	struct agent_judgement j[2] = {
		{ .id = "v001", .account = p, .outcome = OUT_BAD, .reason = "number \033[31mgone" },
		{ .id = "v002", .account = p, .outcome = OUT_OK },
	};
	IN_TX(s, OK(agents_judge(t, j, 2, err)));
	IN_TX(s, OK(agents_judge(t, j, 2, err)));
	assert_string_equal(value(s, "SELECT count(*) FROM ringdown.agent_change"), "2");
	assert_string_equal(value(s, "SELECT \"healthStatus\" FROM \"VoiceAgent\" WHERE id ="
				     " 'v001'"), "failing");
	f.failing = true;
	assert_int_equal(agents_that(s, &f), 1);
	f = (struct agents_filter){ .search = "AGENT 11" };
	assert_int_equal(agents_that(s, &f), 11);

	struct agent_presence seen[2] = {
		{ .id = "v001", .present = true, .eleven_number_id = "pn1",
		  .integration = INT_IMPORT },
		{ .id = "v003", .present = false, .integration = -1 },
	};
	IN_TX(s, OK(agents_presence(t, seen, 2, err)));
	/* 83 calls to its number in two days */
	sql(s, "INSERT INTO calls (id, to_number, created_at) SELECT 'c' || i, (SELECT"
	    " \"twilioPhoneNumber\" FROM \"VoiceAgent\" WHERE id = 'v001'), '2026-03-01' FROM"
	    " generate_series(1, 83) i");
	sql(s, "UPDATE ringdown.agent_ext SET calls_per_day = 7 WHERE agent_id = 'v003'");
	IN_TX(s, OK(agents_calls(t, 1772236800000, 1772409600000, err)));
	assert_string_equal(value(s, "SELECT calls_per_day FROM ringdown.agent_ext WHERE agent_id ="
				     " 'v003'"), "0");
	f = (struct agents_filter){ .watched = true };
	assert_int_equal(agents_that(s, &f), 118);

	sql(s, "UPDATE \"VoiceAgent\" SET \"twilioAccountId\" = (SELECT id FROM \"TwilioAccount\""
	    " WHERE name = 'B'), \"backupPhoneNumber\" = '+1777' WHERE id = 'v001'");
	sql(s, "UPDATE ringdown.agent_ext SET home_account = (SELECT id FROM \"TwilioAccount\""
	    " WHERE name = 'Main') WHERE agent_id = 'v001'");
	sql(s, "INSERT INTO ringdown.sms_hold VALUES ('v001', 'o', 'EV-1', 'r', 'engine',"
	       " '2026-01-01')");
	OK(agent_get(s, "v001", &one, err));
	assert_string_equal(one.a.account, b);
	assert_string_equal(one.a.home_account, p);
	assert_string_equal(agent_number_in_use(&one.a), "+1777");
	assert_string_equal(one.eleven_number_id, "pn1");
	assert_true(one.a.sms_held);
	assert_int_equal(one.a.calls_per_day, 42);
	agent_row_fini(&one);
	f = (struct agents_filter){ .account = p, .home = p };
	assert_int_equal(agents_that(s, &f), 119);
	f = (struct agents_filter){ .home = p };
	assert_int_equal(agents_that(s, &f), 120);
	free(p);
	free(b);
}

static void agents(void **state)
{
	(void)state;
	storetest_run(&st, agents_in);
}

static void numbers_in(void *arg)
{
	struct store *s = arg;
	char *b = add_account(s, "B", "AC2", false);
	struct number_seen seen[3] = {
		{ .phone_number = "+1701", .sid = "PN1", .voice_ready = true, .sms_ready = 1,
		  .capabilities = "{\"voice\":true}", .observed = "{\"voiceUrl\":\"a\"}" },
		{ .phone_number = "+1702", .sid = "PN2", .voice_ready = true, .sms_ready = -1 },
		{ .phone_number = "+1703", .sid = "PN3", .voice_ready = false, .sms_ready = 0,
		  .problem = "trunk TK1", .trunk_sid = "TK1" },
	};
	struct sync_result sync = { 0 };
	struct number *rows = NULL;
	struct number_hooks h = { 0 }, *hooks = NULL;
	size_t n = 0;

	IN_TX(s, OK(numbers_put(t, b, seen, 3, &sync, err)));
	assert_int_equal(sync.added, 3);
	IN_TX(s, OK(hooks_observed(t, b, seen, 3, true, err)));
	sql(s, "INSERT INTO ringdown.event (id, status, severity, trigger_type, lineage,"
	    " from_account, opened_at, state_since) VALUES ('EV-1', 'approved', 'critical',"
	    " 'MANUAL', 'p', 'p', '2026-01-01', '2026-01-01')");
	sql(s, "INSERT INTO ringdown.reservation SELECT '+1701', \"accountId\", 'v1', 'EV-1',"
	    " '2026-01-01' FROM \"TwilioBackupPhoneNumber\" LIMIT 1");
	sql(s, "UPDATE \"TwilioBackupPhoneNumber\" SET status = 'assigned', \"assignedAgentId\" ="
	    " 'v2' WHERE \"phoneNumber\" = '+1702'");
	OK(numbers_page(s, b, "reserved", NULL, 0, &rows, &n, err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].agent, "v1");
	numbers_free(rows, n);
	IN_TX(s, OK(numbers_put(t, b, seen, 3, &sync, err)));
	assert_string_equal(value(s, "SELECT string_agg(status, ',' ORDER BY \"phoneNumber\") FROM"
				     " \"TwilioBackupPhoneNumber\""),
				     "reserved,assigned,available");
	sql(s, "INSERT INTO ringdown.sms_hold SELECT \"assignedAgentId\", 'o', 'EV-1', 'r',"
	    " 'engine', '2026-01-01' FROM \"TwilioBackupPhoneNumber\" WHERE \"phoneNumber\" ="
	    " '+1702'");
	IN_TX(s, OK(number_set_sms_ready(t, "+1702", true, "person", err)));
	assert_string_equal(value(s, "SELECT count(*) FROM ringdown.sms_hold"), "0");
	/* a sweep without number 1; the assigned one keeps its agent, the person's word stays */
	sql(s, "UPDATE \"TwilioBackupPhoneNumber\" SET \"updatedAt\" = '2026-01-01'");
	IN_TX(s, OK(numbers_put(t, b, seen + 1, 2, &sync, err));
	      OK(numbers_gone(t, b, tx_now_ms(t), &sync, err)));
	assert_int_equal(sync.gone, 1);
	assert_string_equal(value(s, "SELECT status || \"smsReady\" FROM"
				     " \"TwilioBackupPhoneNumber\" WHERE \"phoneNumber\" ="
				     " '+1702'"), "assignedtrue");
	OK(hooks_get(s, b, "+1701", &h, err));
	assert_string_equal(h.baseline, "{\"voiceUrl\":\"a\"}");
	assert_int_equal(h.drift_since_ms, 0);
	hooks_fini(&h);
	seen[0].observed = "{\"voiceUrl\": \"b\"}";
	IN_TX(s, OK(hooks_observed(t, b, seen, 1, true, err)));
	OK(hooks_get(s, b, "+1701", &h, err));
	assert_string_equal(h.baseline, "{\"voiceUrl\":\"a\"}");
	assert_true(h.drift_since_ms > 0);
	hooks_fini(&h);
	IN_TX(s, OK(hooks_adopt(t, b, "+1701", "{\"voiceUrl\":\"b\"}", err)));
	OK(hooks_list(s, b, &hooks, &n, err));
	assert_int_equal(n, 3);
	assert_string_equal(hooks[0].approved_by, "jane");
	assert_int_equal(hooks[0].drift_since_ms, 0);
	hooks_free(hooks, n);
	FAILS(ERR_NOT_FOUND, hooks_get(s, b, "+999", &h, err));
	free(b);
}

static void numbers(void **state)
{
	(void)state;
	storetest_run(&st, numbers_in);
}

/* ---- control, alerts, evidence --------------------------------------------------------------- */

static void control_in(void *arg)
{
	struct store *s = arg;
	int64_t now = loop_wall_ms(s->loop);
	struct control_row c = { 0 };
	struct hold_row *holds = NULL;
	struct alert *alerts = NULL;
	struct journal_row *rows = NULL;
	size_t n = 0;
	bool flag = false;

	OK(control_pause(s, &jane, true, now + 60000, "deploy", err));
	OK(control_read(s, now, &c, err));
	assert_true(c.paused);
	assert_string_equal(c.paused_by, "jane");
	control_fini(&c);
	OK(control_read(s, now + 61000, &c, err));
	assert_false(c.paused);
	control_fini(&c);
	OK(control_expire(s, &jane, err));
	OK(holds_list(s, &holds, &n, err));
	assert_int_equal(n, 1);
	assert_string_equal(holds[0].what, "paused");
	holds_free(holds, n);
	sql(s, "UPDATE ringdown.control SET paused_until = '2020-01-01'");
	OK(control_expire(s, &jane, err));
	OK(control_maintenance(s, &jane, true, 0, NULL, err));
	OK(control_maintenance(s, &jane, false, 0, NULL, err));
	OK(holds_list(s, &holds, &n, err));
	assert_int_equal(n, 0);
	holds_free(holds, n);
	OK(journal_before(s, 0, "control", NULL, NULL, 10, &rows, &n, err));
	assert_int_equal(n, 4);
	assert_string_equal(rows[0].kind, "control.maintenance_over");
	assert_string_equal(rows[3].kind, "control.paused");
	assert_non_null(strstr(rows[3].data, "\"paused\":true"));
	journal_rows_free(rows, n);

	IN_TX(s, OK(alert_raise(t, "webhook", "acc1", "warn", "down", true, err)));
	IN_TX(s, OK(alert_raise(t, "webhook", "acc1", "warn", "still down", true, err)));
	OK(alerts_list(s, 0, 0, &alerts, &n, err));
	assert_int_equal(n, 1);
	assert_string_equal(alerts[0].text, "still down");
	alerts_free(alerts, n);
	IN_TX(s, OK(alert_resolve(t, "webhook", "acc1", &flag, err)));
	assert_true(flag);
	IN_TX(s, OK(alert_resolve(t, "webhook", "acc1", &flag, err)));
	assert_false(flag);
	OK(journal_before(s, 0, NULL, "alert.", "jane", 10, &rows, &n, err));
	assert_int_equal(n, 3);
	/* consoles and replays have its words, which nobody is told again */
	assert_string_equal(rows[1].kind, "alert.figures");
	assert_string_equal(rows[1].text, "");
	assert_non_null(strstr(rows[1].data, "still down"));
	journal_rows_free(rows, n);

	char *doc = NULL;
	int64_t at = 0;
	OK(live_put(s, "live", "{\"a\":1}", err));
	OK(live_put(s, "live", "{\"a\":2}", err));
	OK(live_get(s, "live", &doc, &at, err));
	assert_string_equal(doc, "{\"a\":2}");
	free(doc);
	OK(live_get(s, "none", &doc, NULL, err));
	assert_null(doc);

	struct evidence_row ev[2] = {
		{ .account = (char *)"a", .kind = PROBE_ACCOUNT, .outcome = OUT_BAD,
		  .class_ = (char *)"suspended", .reason = (char *)"20005", .code = 20005,
		  .detail = (char *)"{\"x\":1}", .at_ms = now - 1000 },
		{ .account = (char *)"a", .kind = PROBE_ACCOUNT, .outcome = OUT_OK, .at_ms = now },
	}, *got = NULL;
	OK(evidence_put(s, ev, 2, err));
	OK(evidence_latest(s, "a", now - 5000, &got, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(got[0].outcome, OUT_OK);
	assert_string_equal(got[0].engine, "eng-1");
	evidence_free(got, n);

	struct engine_row *engines = NULL;
	OK(engine_beat(s, "http://127.0.0.1:1", "1.0", now, err));
	OK(engine_beat(s, "http://127.0.0.1:1", "1.0", now, err));
	OK(engines_list(s, &engines, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(engines[0].counter, 2);
	engines_free(engines, n);

	OK(environment_adopt(s, &jane, "staging", err));
	OK(environment_check(s, "staging", err));
	FAILS(ERR_DENIED, environment_check(s, "production", err));
	int64_t timeline = 0, known = 0;
	OK(environment_timeline(s, &timeline, &known, err));
	assert_int_equal(timeline, 1);
	assert_int_equal(known, 1);
	OK(store_check(s, false, &flag, err));
	assert_true(flag);
}

static void control(void **state)
{
	(void)state;
	storetest_run(&st, control_in);
}

/* ---- tokens, repeated requests -------------------------------------------------- */

static void tokens_in(void *arg)
{
	struct store *s = arg;
	struct secret *text = NULL;
	struct token_row t = { 0 }, *rows = NULL;
	struct idem_reply reply = { 0 };
	char *id = NULL;
	size_t n = 0;

	OK(token_create(s, &jane, "console", "operator", &text, &id, err));
	OK(token_find(s, secret_reveal(text), &t, err));
	assert_string_equal(t.role, "operator");
	assert_string_equal(t.id, id);
	token_fini(&t);
	assert_string_equal(value(s, "SELECT last_used_at IS NOT NULL FROM ringdown.token"), "t");
	FAILS(ERR_DENIED, token_find(s, "rd_wrong", &t, err));
	FAILS(ERR_DENIED, token_find(s, NULL, &t, err));
	FAILS(ERR_INVALID, token_create(s, &jane, "x", "root", &text, &id, err));
	OK(token_put(s, &jane, "known-demo-token-1", "demo", "admin", err));
	OK(token_put(s, &jane, "known-demo-token-1", "demo", "viewer", err));
	OK(tokens_list(s, &rows, &n, err));
	assert_int_equal(n, 2);
	tokens_free(rows, n);
	OK(token_revoke(s, &jane, "console", err));
	FAILS(ERR_NOT_FOUND, token_revoke(s, &jane, "console", err));
	FAILS(ERR_DENIED, token_find(s, secret_reveal(text), &t, err));
	/* nowhere in clear */
	assert_string_equal(value(s, "SELECT count(*) FROM ringdown.token WHERE hash LIKE 'rd_%'"),
			    "0");
	secret_free(text);
	free(id);

	OK(idem_begin(s, "jane", "k1", "POST /x", "{}", 60000, &reply, err));
	FAILS(ERR_CONFLICT, idem_begin(s, "jane", "k1", "POST /x", "{}", 60000, &reply, err));
	OK(idem_finish(s, "jane", "k1", 201, "{\"ok\":1}", err));
	FAILS(IDEM_REPLAY, idem_begin(s, "jane", "k1", "POST /x", "{}", 60000, &reply, err));
	assert_int_equal(reply.status, 201);
	assert_string_equal(reply.reply, "{\"ok\":1}");
	free(reply.reply);
	FAILS(ERR_CONFLICT, idem_begin(s, "jane", "k1", "POST /x", "{\"a\":1}", 60000, &reply,
				       err));
	FAILS(0, idem_begin(s, "joe", "k1", "POST /x", "{}", 60000, &reply, err));
	/* left behind by a crash: let through once it is old */
	FAILS(0, idem_begin(s, "joe", "k1", "POST /x", "{}", -1000, &reply, err));
	OK(idem_forget(s, "joe", "k1", err));
	OK(idem_prune(s, loop_wall_ms(s->loop) + 1000, err));
	assert_string_equal(value(s, "SELECT count(*) FROM ringdown.idempotency"), "0");
}

static void tokens(void **state)
{
	(void)state;
	storetest_run(&st, tokens_in);
}

/* ---- outbox --------------------------------------------------------------------------------- */

static int64_t put(struct store *s, const char *channel, const char *event, const char *dedup,
		   const struct outbox_limits *lim)
{
	struct outbox_new m = { .channel = channel, .event = event, .kind = "started",
				.recipient = "a@example.com", .dedup_key = dedup,
				.payload = "{\"s\":1}" };
	int64_t id = 0;

	IN_TX(s, OK(outbox_put(t, &m, lim, &id, err)));
	return id;
}

static void outbox_in(void *arg)
{
	struct store *s = arg;
	int64_t now = loop_wall_ms(s->loop), a, b, c, waiting, dead;
	struct outbox_row *rows = NULL;
	size_t n = 0;
	bool gone = false;

	a = put(s, "mail", "EV-1", "EV-1/start", NULL);
	assert_int_equal(put(s, "mail", "EV-1", "EV-1/start", NULL), 0);
	b = put(s, "mail", "EV-1", NULL, NULL);
	c = put(s, "mail", "EV-2", NULL, NULL);
	/* only the first of each event goes; the second waits for it */
	OK(outbox_claim(s, 10, 60000, &rows, &n, err));
	assert_int_equal(n, 2);
	outbox_free(rows, n);
	OK(outbox_claim(s, 10, 60000, &rows, &n, err));
	assert_int_equal(n, 0);
	outbox_free(rows, n);
	OK(outbox_failed(s, a, "550 \033no", now + 3600000, 3600000, &gone, err));
	assert_false(gone);
	OK(outbox_sent(s, c, err));
	OK(outbox_claim(s, 10, 60000, &rows, &n, err));
	assert_int_equal(n, 0);				/* b stays behind a */
	outbox_free(rows, n);
	sql(s, "UPDATE ringdown.outbox SET created_at = created_at - interval '2 hours', next_at ="
	    " created_at WHERE error IS NOT NULL");
	OK(outbox_claim(s, 10, 60000, &rows, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, a);
	outbox_free(rows, n);
	OK(outbox_failed(s, a, "550", now + 1000, 3600000, &gone, err));
	assert_true(gone);
	OK(outbox_counts(s, &waiting, &dead, err));
	assert_int_equal(waiting, 1);
	assert_int_equal(dead, 1);
	OK(outbox_claim(s, 10, 60000, &rows, &n, err));	/* the dead one is out of the way */
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, b);
	outbox_free(rows, n);
	OK(outbox_list(s, "EV-1", 0, 0, &rows, &n, err));
	assert_int_equal(n, 2);
	outbox_free(rows, n);

	/* over the cap: kept, not sent, one digest for the hour */
	struct outbox_limits lim = { .per_event_hour = 2 };
	for (int i = 0; i < 5; i++)
		put(s, "slack", "EV-3", NULL, &lim);
	assert_string_equal(value(s, "SELECT string_agg(state || n, ',' ORDER BY state) FROM"
				     " (SELECT state, count(*) n FROM ringdown.outbox WHERE channel"
				     " = 'slack' GROUP BY 1) x"), "digested3,waiting3");
	assert_string_equal(value(s, "SELECT count(*) FROM ringdown.outbox WHERE kind = 'digest'"),
			    "1");
	sql(s, "UPDATE ringdown.outbox SET state = 'sending' WHERE kind = 'digest'");
	OK(outbox_failed(s, atoll(value(s, "SELECT id FROM ringdown.outbox WHERE kind = 'digest'")),
			 "x", now, 3600000, &gone, err));
	assert_false(gone);
	OK(outbox_prune(s, now + 1000, err));
}

static void outbox(void **state)
{
	(void)state;
	storetest_run(&st, outbox_in);
}

/* ---- the hour ------------------------------------------------------------------- */

/* An attempt counts from its last write forward; what its rollback wrote does not. */
static void hour_in(void *arg)
{
	struct store *s = arg;
	int64_t now = loop_wall_ms(s->loop);
	struct decide_facts f = { 0 };

	sql(s, "INSERT INTO ringdown.event (id, status, severity, trigger_type, lineage,"
	       " from_account, opened_at, state_since, first_write_at, last_write_at,"
	       " rollback_started_at) SELECT id, status, 'degraded', 'MANUAL', lineage, 'a', now(),"
	       " now(), now() - f, now() - l, now() - b FROM (VALUES"
	       " ('H-1', 'completed', 'l1', interval '70 min', interval '20 min', NULL::interval),"
	       " ('H-2', 'completed', 'l2', interval '70 min', interval '65 min', NULL),"
	       " ('H-3', 'rolled_back', 'l3', interval '70 min', interval '1 min', interval '5"
	       " min'), ('H-4', 'rolled_back', 'l4', interval '30 min', interval '1 min', interval"
	       " '5 min')) AS v(id, status, lineage, f, l, b)");
	sql(s, "INSERT INTO ringdown.effect (event_id, kind, state, at) SELECT e, 'webhooks',"
	       " 'done', now() - a FROM (VALUES ('H-3', interval '68 min'), ('H-3', interval '1"
	       " min'), ('H-4', interval '25 min'), ('H-4', interval '1 min')) AS v(e, a)");
	OK(decide_facts_read(s, now - 3600000, true, &f, err));
	assert_int_equal(f.n_attempts, 2);
	assert_string_equal(f.attempts[0].lineage, "l4");
	assert_in_range(now - f.attempts[0].wrote_at_ms, 24 * 60000, 26 * 60000);
	assert_string_equal(f.attempts[1].lineage, "l1");
	decide_facts_fini(&f);
}

static void hour(void **state)
{
	(void)state;
	storetest_run(&st, hour_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts), cmocka_unit_test(health), cmocka_unit_test(reseal),
		cmocka_unit_test(agents), cmocka_unit_test(numbers), cmocka_unit_test(control),
		cmocka_unit_test(tokens), cmocka_unit_test(outbox),
		cmocka_unit_test(hour),
	};
	int failed;

	storetest_start(&st);
	failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
	storetest_stop(&st);
	return failed;
}
