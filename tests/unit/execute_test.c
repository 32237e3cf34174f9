/*
 * Carrying out and rolling back, against real PostgreSQL and providers in memory: the
 * happy way, a lost reply at every write, a crash before and after every write with
 * another executor going on, refused canaries, a dying target, cancel, conflicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failover/act.h"
#include "failover/plan.h"
#include "failover/rollback.h"
#include "store/migrate.h"
#include "tests/lib/fake_world.h"
#include "tests/lib/pgtemp.h"

#define KEY "0123456789abcdef0123456789abcdef"
enum { AGENTS = 6 };

static struct pgtemp *pg;
static const char *template_url;

struct flow {
	struct loop *loop;
	struct store *store;
	struct keyring *keys;
	struct fake_world world;
	struct providers *p;
	struct failover_settings set;
	struct failover_deps deps;
	struct executor *x;
	const char *url;
	char *event, *before, *after;
	bool crashed;
	const char *state_dir;
	bool back;		/* the plan leads home */
	bool seeding;
	struct str seed;
	int64_t fence;		/* epoch without a keeper of the lease; 0 = unfenced */
	int result;
	struct err err;
	int agents;
	bool register_call;
};

static void migrate_task(void *arg)
{
	struct flow *f = arg;
	struct migrate_options o = { .environment = "test" };
	struct migrate_result r = { 0 };

	f->result = migrate_run(f->store, &o, &r, &f->err);
	if (f->result < 0)
		fprintf(stderr, "migrate: %s\n", f->err.msg);
	migrate_result_fini(&r);
}

static void flow_open(struct flow *f, const char *url)
{
	struct store_options o = { .url = url, .engine_id = "eng-1", .max_connections = 8 };

	f->loop = loop_new();
	f->keys = keyring_new(KEY, NULL, &f->err);
	o.keys = f->keys;
	f->store = store_open(f->loop, &o, &f->err);
	assert_non_null(f->store);
}

static void flow_close(struct flow *f)
{
	store_close(f->store);
	loop_free(f->loop);
	keyring_free(f->keys);
}

/* ---- the installation --------------------------------------------------------------- */

/* While seed is set, statements are collected and run in one go: psql takes its time. */
static void sql(struct flow *f, const char *text)
{
	if (!f->seeding) {
		pgtemp_sql(pg, f->url, text);
		return;
	}
	str_add(&f->seed, text);
	str_add(&f->seed, ";\n");
	if (f->seed.len > 60000) {	/* one argument of a program ends at 128 KB */
		pgtemp_sql(pg, f->url, str_get(&f->seed));
		str_clear(&f->seed);
	}
}

static int64_t sql_i64(struct flow *f, const char *text)
{
	return strtoll(pgtemp_sql(pg, f->url, text), NULL, 10);
}

static void seed_account(struct flow *f, const char *id, const char *sid, bool primary)
{
	char aad[80], text[1500];

	snprintf(aad, sizeof(aad), "TwilioAccount/%s/authToken", id);
	_cleanup_(free_p) char *token = seal(f->keys, "token-of-account-xx", aad);
	snprintf(text, sizeof(text),
		 "INSERT INTO \"TwilioAccount\" (id, name, provider, \"accountSid\", \"authToken\","
		 " \"isPrimary\", \"isActive\", priority, status, \"createdAt\", \"updatedAt\")"
		 " VALUES ('%s', '%s', 'twilio', '%s', '%s', %s, true, 1, 'active', now(), now());"
		 "INSERT INTO ringdown.account_ext (account_id) VALUES ('%s') ON CONFLICT DO"
		 " NOTHING",
		 id, id, sid, token, primary ? "true" : "false", id);
	sql(f, text);
}

static void hook(struct fake_number *n, enum webhook_field f, const char *text)
{
	snprintf(n->hooks[f], sizeof(n->hooks[f]), "%s", text);
}

static void seed_agent(struct flow *f, int i)
{
	char text[3000], home[20], backup[20];
	bool rc = f->register_call;

	snprintf(home, sizeof(home), "+1212555%04d", i);
	snprintf(backup, sizeof(backup), "+1212556%04d", i);
	struct fake_number *h = fake_number_add(&f->world, "AC1", home);
	hook(h, WH_VOICE_URL, rc ? "https://app.example/voice" :
				   "https://api.us.elevenlabs.io/twilio/inbound_call");
	hook(h, WH_VOICE_METHOD, "POST");
	hook(h, WH_SMS_URL, "https://app.example/sms");
	hook(h, WH_SMS_METHOD, "POST");
	hook(h, WH_STATUS_CALLBACK, "https://app.example/status");
	hook(h, WH_STATUS_CALLBACK_METHOD, "POST");
	struct fake_number *b = fake_number_add(&f->world, "AC2", backup);
	hook(b, WH_VOICE_URL, "https://demo.twilio.com/welcome");
	hook(b, WH_VOICE_METHOD, "POST");
	hook(b, WH_STATUS_CALLBACK, "https://old.example/cb");
	hook(b, WH_STATUS_CALLBACK_METHOD, "GET");
	snprintf(text, sizeof(text), "agent_%d", i);
	if (!rc)
		fake_import_add(&f->world, home, text);
	snprintf(text, sizeof(text),
		 "INSERT INTO \"VoiceAgent\" (id, \"orgId\", name, status, \"elevenLabsAgentId\","
		 " \"twilioPhoneNumber\", \"twilioAccountId\", \"createdAt\", \"updatedAt\") VALUES"
		 " ('ag%03d', 'o1', 'Agent %d', 'ACTIVE', 'agent_%d', '%s', NULL, now(), now());"
		 "INSERT INTO ringdown.agent_ext (agent_id, home_account, integration, outcome,"
		 " eleven_present) VALUES ('ag%03d', 'acc1', '%s', 'bad', true);"
		 "INSERT INTO \"TwilioBackupPhoneNumber\" (id, \"accountId\", \"phoneNumber\","
		 " \"phoneNumberSid\", country, \"areaCode\", capabilities, status, \"voiceReady\","
		 " \"smsReady\", \"createdAt\", \"updatedAt\") VALUES ('n%03d', 'acc2', '%s', '%s',"
		 " 'US', '212', '{}', 'available', true, %s, now(), now());"
		 "INSERT INTO ringdown.number_ext (account_id, phone_number, sid, baseline) VALUES"
		 " ('acc1', '%s', '%s', '{\"voice_url\":\"%s\",\"voice_method\":\"POST\","
		 "\"sms_url\":\"https://app.example/sms\",\"sms_method\":\"POST\","
		 "\"status_callback\":\"https://app.example/status\","
		 "\"status_callback_method\":\"POST\",\"voice_fallback_url\":\"\"}')",
		 i, i, i, home, i, rc ? "register_call" : "import", i, backup, b->sid,
		 i % 2 ? "true" : "false", home, h->sid, h->hooks[WH_VOICE_URL]);
	sql(f, text);
}

static void approve_task(void *arg)
{
	struct flow *f = arg;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = "jane", .role = "operator", .via = "api" };
	struct event_row row = { 0 };
	struct plan *plan = NULL;

	const char *from = f->back ? "acc2" : "acc1", *to = f->back ? "acc1" : "acc2";

	f->result = plan_load(f->store, &f->set, "acc1", from, to, NULL, true, 0, &plan, &f->err);
	if (f->result < 0)
		return;
	row.e.status = EV_APPROVED;
	row.e.severity = SEV_CRITICAL;
	row.e.trigger = TRIG_MANUAL;
	row.e.lineage = xstrdup("acc1");
	row.e.from = xstrdup(from);
	plan_into_event(plan, &row.e);
	f->result = tx_begin(f->store, &t, &who, &f->err);
	if (f->result >= 0)
		f->result = event_open(&t, &row, &f->err);
	if (f->result >= 0)
		f->result = plan_store(&t, row.e.id, plan, &f->err);
	if (f->result >= 0)
		f->result = tx_commit(&t, NULL, &f->err);
	str_replace(&f->event, row.e.id);
	event_row_fini(&row);
	plan_free(plan);
}

static void flow_start(struct flow *f, const char *name, int agents, bool register_call)
{
	memset(f, 0, sizeof(*f));
	f->url = pgtemp_database(pg, name, "template");
	f->agents = agents;
	f->register_call = register_call;
	flow_open(f, f->url);
	f->world.loop = f->loop;
	snprintf(f->world.source, sizeof(f->world.source), "AC1");
	f->p = fake_providers(&f->world);
	f->set = (struct failover_settings){
		.lock_ttl_ms = 300000, .calls_wait_ms = 50, .eleven_retry_ms = 300,
		.eleven_retry_every_ms = 40, .canaries = 3, .parallel = 4, .write_deadline_ms = 30,
		.rollback_offer_ms = 86400000, .assign_by = xstrdup("priority"),
	};
	f->deps = (struct failover_deps){ .loop = f->loop, .store = f->store, .providers = f->p,
					  .set = &f->set, .engine_id = "eng-1",
					  .environment = "test" };
	f->seeding = true;
	f->seed = STR_INIT(STR_MAX_DEFAULT);
	sql(f, "UPDATE ringdown.environment SET database_name = current_database()");
	seed_account(f, "acc1", "AC1", true);
	seed_account(f, "acc2", "AC2", false);
	sql(f, "INSERT INTO ringdown.lineage (primary_id, current_account) VALUES ('acc1', 'acc1')"
	       " ON CONFLICT DO NOTHING");
	for (int i = 0; i < agents; i++)
		seed_agent(f, i);
	f->seeding = false;
	if (f->seed.len)
		pgtemp_sql(pg, f->url, str_get(&f->seed));
	str_fini(&f->seed);
	f->before = fake_digest(&f->world);
	in_task(f->loop, approve_task, f);
	if (f->result < 0)
		fail_msg("approve: %s", f->err.msg);
}

static void flow_end(struct flow *f)
{
	fake_providers_free(f->p);
	flow_close(f);
	free_p(&f->set.assign_by);
	free_p(&f->event);
	free_p(&f->before);
	free_p(&f->after);
}

/* ---- running ------------------------------------------------------------------------- */

static void crash(void *arg)
{
	struct flow *f = arg;

	f->crashed = true;
	executor_stop(f->x);
}

static void start_engine(struct flow *f)
{
	f->x = executor_new(&f->deps, f->state_dir);
	f->x->write_ok_without_lease = true;
	f->x->epoch_without_lease = f->fence;
}

static void end_engine(struct flow *f)
{
	executor_stop(f->x);
	while (!executor_idle(f->x))
		loop_run_once(f->loop, 20);
	executor_free(f->x);
	f->x = NULL;
}

/* Until the event is worked on no more and no unlock is owed; a crashed engine is followed by
 * another one. */
static void run(struct flow *f)
{
	int64_t until = loop_now_ms(f->loop) + 60000;
	bool began = false;

	f->crashed = false;
	f->world.crash = crash;
	f->world.crash_ctx = f;
	start_engine(f);
	while (!began || f->x->runs || f->x->owed) {
		loop_run_once(f->loop, 50);
		began = began || f->x->runs;
		if (f->x->stopping && executor_idle(f->x)) {
			executor_free(f->x);
			start_engine(f);
			began = false;
		}
		if (loop_now_ms(f->loop) > until)
			fail_msg("does not end");
	}
	end_engine(f);
}

static const char *status(struct flow *f)
{
	char text[200];

	snprintf(text, sizeof(text), "SELECT status FROM ringdown.event WHERE id = '%s'", f->event);
	return pgtemp_sql(pg, f->url, text);
}

static void set_status(struct flow *f, const char *to)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "UPDATE ringdown.event SET status = '%s', version = version + 1 WHERE id = '%s'",
		 to,
		 f->event);
	sql(f, text);
}

static void expect_status(struct flow *f, const char *want)
{
	const char *is = status(f);

	if (strncmp(is, want, strlen(want)))
		fail_msg("status %s, not %s: %d %s; error: %s", is, want, f->result, f->err.msg,
			 pgtemp_sql(pg, f->url, "SELECT error FROM ringdown.event LIMIT 1"));
}

static void expect_clean(struct flow *f)
{
	assert_int_equal(f->world.duplicates, 0);
	assert_int_equal(f->world.forbidden, 0);
	assert_false(f->world.locked);
	assert_true(f->world.unlocks > 0);
}

/* Counts joined by blanks, in one query. */
static void expect_counts(struct flow *f, const char *select, const char *fmt, ...)
{
	char want[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(want, sizeof(want), fmt, ap);
	va_end(ap);
	_cleanup_(free_p) char *is = xstrdup(pgtemp_sql(pg, f->url, select));
	is[strcspn(is, "\n")] = '\0';
	assert_string_equal(is, want);
}

static void expect_moved(struct flow *f)
{
	expect_status(f, "completed");
	for (int i = 0; i < f->agents; i++) {
		char backup[20], agent[20];

		snprintf(backup, sizeof(backup), "+1212556%04d", i);
		struct fake_number *n = fake_number_find(&f->world, backup);
		assert_string_equal(n->hooks[WH_SMS_URL], "https://app.example/sms");
		assert_string_equal(n->hooks[WH_STATUS_CALLBACK], "https://app.example/status");
		if (f->register_call) {
			assert_string_equal(n->hooks[WH_VOICE_URL], "https://app.example/voice");
			assert_null(fake_import_find(&f->world, backup));
		} else {
			assert_non_null(fake_import_find(&f->world, backup));
			(void)agent;
		}
	}
	expect_counts(f,
		"SELECT concat_ws(' ', (SELECT count(*) FROM \"VoiceAgent\" WHERE"
		" \"twilioAccountId\" = 'acc2' AND \"backupPhoneNumber\" IS NOT NULL),"
		" (SELECT count(*) FROM \"TwilioBackupPhoneNumber\" WHERE status = 'assigned' AND"
		" \"assignedAgentId\" IS NOT NULL), (SELECT count(*) FROM ringdown.reservation),"
		" (SELECT current_account FROM ringdown.lineage WHERE primary_id = 'acc1'),"
		" (SELECT count(*) FROM ringdown.effect WHERE state = 'intended'))",
		"%d %d 0 acc2 0", f->agents, f->agents);
	expect_clean(f);
}

static void expect_home(struct flow *f)
{
	expect_status(f, "rolled_back");
	free_p(&f->after);
	f->after = fake_digest(&f->world);
	assert_string_equal(f->after, f->before);
	expect_counts(f,
		"SELECT concat_ws(' ', (SELECT count(*) FROM \"VoiceAgent\" WHERE"
		" \"twilioAccountId\" IS NULL), (SELECT count(*) FROM \"TwilioBackupPhoneNumber\""
		" WHERE status = 'available' AND \"assignedAgentId\" IS NULL),"
		" (SELECT count(*) FROM ringdown.sms_hold),"
		" (SELECT count(*) FROM ringdown.effect WHERE state = 'intended'))",
		"%d %d 0 0", f->agents, f->agents);
	expect_clean(f);
}

/* ---- tests ------------------------------------------------------------------------------ */

/* A restored copy of the database holds an attempt that the original carries out. */
static void test_copy(void **state)
{
	struct flow f;
	int64_t until;

	(void)state;
	flow_start(&f, "copied", AGENTS, false);
	sql(&f, "UPDATE ringdown.environment SET system_identifier = '1'");
	start_engine(&f);
	until = loop_now_ms(f.loop) + 400;
	while (loop_now_ms(f.loop) < until)
		loop_run_once(f.loop, 50);
	assert_null(f.x->runs);
	end_engine(&f);
	expect_status(&f, "approved");
	assert_int_equal(f.world.unlocks, 0);
	sql(&f, "UPDATE ringdown.environment SET system_identifier ="
		" (SELECT system_identifier::text FROM pg_control_system())");
	run(&f);
	expect_status(&f, "completed");
	flow_end(&f);
}

static void test_happy(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "happy", AGENTS, false);
	run(&f);
	expect_moved(&f);
	assert_int_equal(f.world.locks, 1);
	assert_int_equal(f.world.after_switch, 1);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.event_step WHERE"
				     " state = 'done'"), 9);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.sms_hold"), AGENTS / 2);
	/* lock, after-switch, import and webhooks for each */
	assert_int_equal(f.world.writes, 3 + 2 * AGENTS);
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
}

static void test_register_call(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "register", AGENTS, true);
	run(&f);
	expect_moved(&f);
	assert_int_equal(f.world.n_imports, 0);
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
}

/* One flow for each write: the fault strikes on the way out and again on the way home. */
static void each_write(const char *prefix, enum fake_fault fault)
{
	int total = 3 + 2 * AGENTS;

	for (int at = 1; at <= total; at += at < 4 || at > total - 3 ? 1 : 3) {
		struct flow f;
		char name[40];

		snprintf(name, sizeof(name), "%s%d", prefix, at);
		flow_start(&f, name, AGENTS, false);
		f.world.fault = fault;
		f.world.fault_at = at;
		run(&f);
		expect_moved(&f);
		set_status(&f, "rolling_back");
		f.world.fault_at = f.world.writes + at;
		run(&f);
		expect_home(&f);
		flow_end(&f);
	}
}

static void test_lost(void **state)
{
	(void)state;
	each_write("lost", FAULT_LOST);
}
static enum fake_fault every_import_lost(struct providers *p, const char *kind)
{
	(void)p;
	return strcmp(kind, "import") == 0 ? FAULT_LOST : FAULT_NONE;
}

/* The service keeps two entries for a number that is imported twice: what was done without an
 * answer is found by reading, and never asked for again. */
static void test_import_lost(void **state)
{
	struct flow f;
	int before;

	(void)state;
	flow_start(&f, "importlost", AGENTS, false);
	before = f.world.n_imports;
	f.world.fate = every_import_lost;
	run(&f);
	expect_moved(&f);
	assert_int_equal(f.world.n_imports, before + AGENTS);
	expect_counts(&f, "SELECT concat_ws(' ', count(*), count(DISTINCT subject)) FROM"
		      " ringdown.effect WHERE kind = 'import'", "%d %d", AGENTS, AGENTS);
	for (int i = 0; i < AGENTS; i++) {
		char number[20];

		snprintf(number, sizeof(number), "+1212556%04d", i);
		assert_true(str_has_prefix(fake_import_find(&f.world, number)->agent, "agent_"));
	}
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	expect_clean(&f);
	flow_end(&f);
}

static void test_dropped(void **state)
{
	(void)state;
	each_write("drop", FAULT_DROPPED);
}
static void test_server(void **state)
{
	(void)state;
	each_write("srv", FAULT_SERVER_DONE);
}
static void test_crash_before(void **state)
{
	(void)state;
	each_write("cb", FAULT_CRASH_BEFORE);
}
static void test_crash_after(void **state)
{
	(void)state;
	each_write("ca", FAULT_CRASH_AFTER);
}

static void test_canary_fails(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "canary", AGENTS, false);
	snprintf(f.world.refuse_hooks, sizeof(f.world.refuse_hooks), "AC2");
	run(&f);
	expect_status(&f, "failed");
	assert_false(f.world.locked);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM \"VoiceAgent\" WHERE"
				     " \"twilioAccountId\" IS NULL"), AGENTS);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.account_ext WHERE account_id ="
				     " 'acc2' AND not_ready_reason IS NOT NULL"), 1);
	for (int i = 0; i < f.world.n_imports; i++)
		if (!strncmp(f.world.imports[i].e164, "+1212556", 8))
			assert_string_equal(f.world.imports[i].agent, "");
	/* it heals, a person resumes */
	f.world.refuse_hooks[0] = '\0';
	set_status(&f, "executing");
	run(&f);
	expect_moved(&f);
	flow_end(&f);
}

static void test_target_dies(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "dies", AGENTS, false);
	snprintf(f.world.dead_account, sizeof(f.world.dead_account), "AC2");
	f.world.die_after = 10;
	run(&f);
	expect_status(&f, "failed");
	assert_false(f.world.locked);
	f.world.dead_account[0] = '\0';
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
}

static void cancel_later(void *arg)
{
	struct flow *f = arg;

	if (f->world.writes < 9) {
		loop_defer(f->loop, cancel_later, f);
		return;
	}
	sql(f, "UPDATE ringdown.event SET cancel_requested_at = now(), cancel_requested_by ="
	       " 'jane'");
}

static void test_cancel(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "cancel", AGENTS, false);
	f.world.latency_ms = 20;
	loop_defer(f.loop, cancel_later, &f);
	run(&f);
	expect_home(&f);
	flow_end(&f);
	/* before anything was changed: just cancelled */
	flow_start(&f, "cancel2", AGENTS, false);
	set_status(&f, "executing");
	sql(&f, "UPDATE ringdown.event SET cancel_requested_at = now(), cancel_requested_by ="
		" 'jane'");
	run(&f);
	expect_status(&f, "cancelled");
	assert_int_equal(f.world.writes, 0);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.reservation"), 0);
	flow_end(&f);
}

static void test_conflict(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "conflict", AGENTS, false);
	run(&f);
	expect_moved(&f);
	struct fake_number *n = fake_number_find(&f.world, "+12125560002");
	hook(n, WH_SMS_URL, "https://somebody.example/sms");
	set_status(&f, "rolling_back");
	run(&f);
	expect_status(&f, "rolled_back");
	assert_string_equal(n->hooks[WH_SMS_URL], "https://somebody.example/sms");
	assert_string_equal(n->hooks[WH_STATUS_CALLBACK], "https://old.example/cb");
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.event_item WHERE"
				     " state = 'conflict' AND error IS NOT NULL"), 1);
	flow_end(&f);
}

struct dry { struct flow *f; struct back_plan *plan; int result; };

static void dry_task(void *arg)
{
	struct dry *d = arg;

	d->result = rollback_plan(&d->f->deps, d->f->event, &d->plan, &d->f->err);
}

static void accept_task(void *arg)
{
	struct flow *f = arg;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = "jane", .role = "operator", .via = "api" };

	f->result = tx_begin(f->store, &t, &who, &f->err);
	if (f->result >= 0)
		f->result = execute_accept(&t, f->event, &f->err);
	if (f->result >= 0)
		f->result = tx_commit(&t, NULL, &f->err);
}

static void test_dry_run(void **state)
{
	struct flow f;
	struct dry d = { .f = &f };

	(void)state;
	flow_start(&f, "dry", AGENTS, false);
	in_task(f.loop, dry_task, &d);
	assert_int_equal(d.result, ERR_CONFLICT);	/* not completed yet */
	run(&f);
	expect_moved(&f);
	hook(fake_number_find(&f.world, "+12125560002"), WH_SMS_URL, "https://somebody.example/");
	fake_number_find(&f.world, "+12125550001")->gone = true;
	int writes = f.world.writes;
	in_task(f.loop, dry_task, &d);
	assert_int_equal(d.result, 0);
	assert_int_equal(f.world.writes, writes);
	assert_int_equal(d.plan->restore, AGENTS - 2);
	assert_int_equal(d.plan->conflicts, 1);
	assert_int_equal(d.plan->stays, 1);
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	back_plan_json(&w, NULL, d.plan);
	struct json *v = json_parse(str_get(&b), b.len, NULL);
	assert_int_equal(json_count(json_get(v, "items")), AGENTS);
	json_free(v);
	str_fini(&b);
	back_plan_free(d.plan);
	flow_end(&f);
}

static void test_accept(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "accept", AGENTS, false);
	fake_number_find(&f.world, "+12125560004")->gone = true;
	run(&f);
	expect_status(&f, "failed");
	assert_int_equal(sql_i64(&f, "SELECT agents_moved FROM ringdown.event"), AGENTS - 1);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.reservation"), 1);
	in_task(f.loop, accept_task, &f);
	assert_int_equal(f.result, 0);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.event_item WHERE"
				     " state = 'stays'"), 1);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.reservation"), 0);
	flow_end(&f);
}

static void test_stays(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "stays", AGENTS, false);
	run(&f);
	expect_moved(&f);
	fake_number_find(&f.world, "+12125550001")->gone = true;
	set_status(&f, "rolling_back");
	run(&f);
	expect_status(&f, "rolled_back");
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.event_item WHERE"
				     " state = 'stays'"), 1);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM \"VoiceAgent\" WHERE"
				     " \"twilioAccountId\" = 'acc2'"), 1);
	flow_end(&f);
}

/* Somebody cleaned up at ElevenLabs while the agents were away. */
static void lose_home_imports(struct flow *f)
{
	expect_moved(f);
	f->world.source[0] = '\0';	/* from here on it is the destination */
	fake_import_find(&f->world, "+12125550001")->e164[0] = '\0';
	fake_import_find(&f->world, "")->agent[0] = '\0';
	fake_import_find(&f->world, "+12125550002")->agent[0] = '\0';
}

static void test_home_import(void **state)
{
	struct flow f;
	struct dry d = { .f = &f };

	(void)state;
	flow_start(&f, "homeimport", AGENTS, false);
	run(&f);
	lose_home_imports(&f);
	snprintf(fake_import_find(&f.world, "+12125550003")->agent, 48, "agent_x");
	in_task(f.loop, dry_task, &d);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.plan->restore, AGENTS - 1);
	assert_int_equal(d.plan->conflicts, 1);
	assert_string_equal(d.plan->items[1].why, "+12125550001 is imported anew at ElevenLabs");
	assert_string_equal(d.plan->items[2].why, "+12125550002 is assigned again at ElevenLabs");
	back_plan_free(d.plan);
	set_status(&f, "rolling_back");
	run(&f);
	expect_status(&f, "rolled_back");
	assert_string_equal(fake_import_find(&f.world, "+12125550001")->agent, "agent_1");
	assert_string_equal(fake_import_find(&f.world, "+12125550002")->agent, "agent_2");
	/* what is somebody else's is left, and listed */
	assert_string_equal(fake_import_find(&f.world, "+12125550003")->agent, "agent_x");
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.event_item WHERE agent_id ="
				     " 'ag003' AND state = 'conflict' AND error LIKE '%agent_x%'"),
				     1);
	/* the import emptied it, we put it back */
	assert_string_equal(fake_number_find(&f.world, "+12125550001")->hooks[WH_STATUS_CALLBACK],
			    "https://app.example/status");
	expect_counts(&f, "SELECT string_agg(kind || ' ' || state, ', ' ORDER BY id) FROM"
		      " ringdown.effect WHERE subject LIKE '+1212555%'",
		      "%s", "import done, assign done, webhooks done");
	expect_clean(&f);
	flow_end(&f);
}

/* Stopped at any write of it, the next engine finds out what is left. */
static void test_home_import_faults(void **state)
{
	static const enum fake_fault faults[] = { FAULT_LOST, FAULT_DROPPED, FAULT_CRASH_BEFORE,
						  FAULT_CRASH_AFTER };

	(void)state;
	for (int i = 0; i < (int)COUNT_OF(faults) * 3; i++) {
		struct flow f;
		char name[40];

		snprintf(name, sizeof(name), "homefault%d", i);
		flow_start(&f, name, 3, false);
		run(&f);
		lose_home_imports(&f);
		f.world.fault = faults[i / 3];
		f.world.fault_at = f.world.writes + 2 + i % 3;
		set_status(&f, "rolling_back");
		run(&f);
		expect_home(&f);
		flow_end(&f);
	}
}

static void test_eleven_down(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "eleven", AGENTS, false);
	f.world.eleven_down = true;
	run(&f);
	expect_status(&f, "failed");
	assert_false(f.world.locked);
	f.world.eleven_down = false;
	set_status(&f, "executing");
	run(&f);
	expect_moved(&f);
	flow_end(&f);
}

static void test_changed_behind(void **state)
{
	struct flow f;

	(void)state;
	/* somebody edits a number while the rest is moved: the closing sweep finds it */
	flow_start(&f, "behind", AGENTS, false);
	f.set.write_deadline_ms = 300;
	f.world.latency_ms = 5;
	start_engine(&f);
	while (f.world.unlocks == 0)
		loop_run_once(f.loop, 10);
	hook(fake_number_find(&f.world, "+12125560000"), WH_SMS_URL, "https://late.example/");
	while (f.x->runs)
		loop_run_once(f.loop, 50);
	end_engine(&f);
	expect_moved(&f);
	flow_end(&f);
}

/* A failover whose target is home: agents take their own numbers again. */
static void test_to_home(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "tohome", AGENTS, false);
	run(&f);
	expect_moved(&f);
	f.back = true;
	snprintf(f.world.source, sizeof(f.world.source), "AC2");
	in_task(f.loop, approve_task, &f);
	if (f.result < 0)
		fail_msg("approve: %s", f.err.msg);
	int writes = f.world.writes;
	run(&f);
	expect_status(&f, "completed");
	/* everything at home is as it was: lock, after-switch, unlock and nothing else */
	assert_int_equal(f.world.writes, writes + 3);
	expect_counts(&f,
		"SELECT concat_ws(' ', (SELECT count(*) FROM \"VoiceAgent\" WHERE"
		" \"twilioAccountId\" = 'acc1'), (SELECT count(*) FROM \"TwilioBackupPhoneNumber\""
		" WHERE status = 'available'), (SELECT current_account FROM ringdown.lineage WHERE"
		" primary_id = 'acc1'), (SELECT string_agg(status, '+' ORDER BY id) FROM"
		" ringdown.event))", "%d %d acc1 superseded+completed", AGENTS, AGENTS);
	expect_clean(&f);
	flow_end(&f);
}

static void turn(struct flow *f, int64_t ms)
{
	for (int64_t until = loop_now_ms(f->loop) + ms; loop_now_ms(f->loop) < until;)
		loop_run_once(f->loop, 10);
}

static void begin_until(struct flow *f, int writes)
{
	f->world.latency_ms = 10;
	start_engine(f);
	while (f->world.writes < writes)
		loop_run_once(f->loop, 10);
}

static void go_on(struct flow *f)
{
	turn(f, 100);
	while (f->x->runs || f->x->owed)
		loop_run_once(f->loop, 50);
	end_engine(f);
}

static void test_pause(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "pause", AGENTS, false);
	begin_until(&f, 7);
	sql(&f, "UPDATE ringdown.control SET paused = true, paused_by = 'jane'");
	turn(&f, 400);		/* what was on record before may still go out */
	int writes = f.world.writes;
	turn(&f, 600);
	assert_int_equal(f.world.writes, writes);
	expect_status(&f, "executing");
	sql(&f, "UPDATE ringdown.control SET paused = false");
	go_on(&f);
	expect_moved(&f);
	flow_end(&f);
}

static void test_database_away(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "away", AGENTS, false);
	begin_until(&f, 7);
	pgtemp_down(pg);
	turn(&f, 300);
	int writes = f.world.writes;
	turn(&f, 700);
	assert_int_equal(f.world.writes, writes);
	pgtemp_up(pg);
	go_on(&f);
	expect_moved(&f);
	flow_end(&f);
}

/* The lease is in doubt for a while and then fine: nothing goes out meanwhile, nothing fails. */
static void test_doubt(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "doubt", AGENTS, false);
	begin_until(&f, 7);
	f.x->write_ok_without_lease = false;
	turn(&f, 100);
	int writes = f.world.writes;
	turn(&f, 800);
	assert_int_equal(f.world.writes, writes);
	f.x->write_ok_without_lease = true;
	go_on(&f);
	expect_moved(&f);
	flow_end(&f);
}

/* The lease went to another engine: nothing more goes out under the old epoch. */
static void test_fenced(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "fenced", AGENTS, false);
	sql(&f, "UPDATE ringdown.lease SET holder = 'eng-1', epoch = 7");
	f.fence = 7;
	begin_until(&f, 7);
	sql(&f, "UPDATE ringdown.lease SET holder = 'eng-2', epoch = 8");
	turn(&f, 400);
	int writes = f.world.writes;
	turn(&f, 1500);
	assert_int_equal(f.world.writes, writes);
	end_engine(&f);
	expect_status(&f, "executing");
	/* the new leader, its turn */
	sql(&f, "UPDATE ringdown.lease SET holder = 'eng-1', epoch = 9");
	f.fence = 9;
	run(&f);
	expect_moved(&f);
	assert_int_equal(sql_i64(&f, "SELECT epoch FROM ringdown.event"), 9);
	flow_end(&f);
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);

	for (struct dirent *e = readdir(d); e; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

/* A database that lost its newest commits: what the intent log says was written comes back. */
static void test_commits_lost(void **state)
{
	struct flow f;
	char dir[] = "/tmp/rdintentXXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	flow_start(&f, "lostcommits", AGENTS, false);
	f.state_dir = dir;
	sql(&f, "UPDATE ringdown.lease SET holder = 'eng-1', epoch = 7");
	f.fence = 7;
	run(&f);
	expect_moved(&f);
	/* as an old backup would have it */
	sql(&f, "DELETE FROM ringdown.effect WHERE agent_id <> '' AND id % 2 = 0;"
		"UPDATE ringdown.lease SET epoch = 6");
	f.fence = 6;
	start_engine(&f);
	while (sql_i64(&f, "SELECT epoch FROM ringdown.lease") == 6)
		loop_run_once(f.loop, 20);
	end_engine(&f);
	assert_int_equal(sql_i64(&f, "SELECT epoch FROM ringdown.lease"), 8);
	expect_status(&f, "failed");
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.effect WHERE state ="
				     " 'unknown'"), AGENTS);
	f.fence = 8;
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
	remove_dir(dir);
}

/* All commits since the approval are gone, with a changed timeline: the log knows what was written
 * and what was there before, the engine looks, and a rollback finds its before-images. */
static void test_timeline_changed(void **state)
{
	struct flow f;
	char dir[] = "/tmp/rdintentXXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	flow_start(&f, "timeline", AGENTS, false);
	f.state_dir = dir;
	sql(&f, "UPDATE ringdown.lease SET holder = 'eng-1', epoch = 7");
	f.fence = 7;
	run(&f);
	expect_moved(&f);
	int writes = f.world.writes;
	sql(&f, "DELETE FROM ringdown.effect;"
		"UPDATE ringdown.event_item SET before = NULL, after = NULL, state = 'waiting',"
		" step = 0;UPDATE \"VoiceAgent\" SET \"twilioAccountId\" = NULL,"
		" \"backupPhoneNumber\" = NULL;UPDATE \"TwilioBackupPhoneNumber\" SET status ="
		" 'reserved', \"assignedAgentId\" = NULL;DELETE FROM ringdown.sms_hold;"
		"UPDATE ringdown.event SET status = 'executing', version = version + 1;"
		"UPDATE ringdown.lineage SET current_account = 'acc1';"
		"UPDATE ringdown.live SET doc = '{\"timeline\":0}' WHERE key = 'reconciled';"
		"UPDATE ringdown.lease SET epoch = 8");
	f.fence = 8;
	start_engine(&f);
	while (sql_i64(&f, "SELECT count(*) FROM ringdown.journal WHERE kind = 'event.swept'") == 0)
		loop_run_once(f.loop, 20);
	end_engine(&f);
	expect_status(&f, "failed");
	assert_int_equal(f.world.writes, writes);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.journal WHERE kind ="
				     " 'event.swept' AND text LIKE '%6 agents'' numbers are as"
				     " planned, 0 are not%'"), 1);
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.effect WHERE state = 'unknown'"
				     " AND before IS NOT NULL AND agent_id <> ''"), 2 * AGENTS);
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
	remove_dir(dir);
}

static void forget_merged(const char *dir)
{
	DIR *d = opendir(dir);

	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!strstr(e->d_name, ".merged"))
			continue;
		int fd = openat(dirfd(d), e->d_name, O_WRONLY | O_TRUNC);
		assert_int_equal(write(fd, "99\n", 3), 3);
		close(fd);
	}
	closedir(d);
}

/* The engine that wrote leads no more: its log joins the record all the same, and who leads
 * looks. */
static void test_follower_remembers(void **state)
{
	struct flow f;
	char dir[] = "/tmp/rdintentXXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	flow_start(&f, "remembers", AGENTS, false);
	f.state_dir = dir;
	run(&f);
	expect_moved(&f);
	sql(&f, "DELETE FROM ringdown.effect");
	forget_merged(dir);
	start_engine(&f);
	f.x->write_ok_without_lease = false;
	while (sql_i64(&f, "SELECT count(*) FROM ringdown.effect WHERE state = 'unknown'") == 0)
		loop_run_once(f.loop, 20);
	expect_status(&f, "failed");
	assert_int_equal(sql_i64(&f, "SELECT count(*) FROM ringdown.journal WHERE kind ="
				     " 'event.swept'"), 0);
	f.x->write_ok_without_lease = true;
	while (sql_i64(&f, "SELECT count(*) FROM ringdown.journal WHERE kind = 'event.swept'") == 0)
		loop_run_once(f.loop, 20);
	end_engine(&f);
	set_status(&f, "rolling_back");
	run(&f);
	expect_home(&f);
	flow_end(&f);
	remove_dir(dir);
}

/* Calls x latency / cap is the least it can take; here only that it is not far from it. */
static void test_pace(void **state)
{
	struct flow f;
	const char *agents = getenv("RD_PACE_AGENTS");
	int64_t n = 60, latency = 20;

	(void)state;
	if (agents)
		parse_i64(agents, 1, 2000, &n);
	if (agents)
		latency = 50;
	flow_start(&f, "pace", (int)n, false);
	f.world.latency_ms = latency;
	f.world.cap = 8;
	f.set.parallel = 8;
	int64_t began = loop_now_ms(f.loop);
	run(&f);
	int64_t took = loop_now_ms(f.loop) - began, least = f.world.calls * latency / 8;
	expect_moved(&f);
	printf("# %lld agents, %d calls: %lld ms, %lld at least, ratio %.2f\n", (long long)n,
	       f.world.calls, (long long)took, (long long)least, (double)took / (double)least);
	assert_true(f.world.calls <= 5 * n + 20);
	set_status(&f, "rolling_back");
	began = loop_now_ms(f.loop);
	int calls = f.world.calls;
	run(&f);
	took = loop_now_ms(f.loop) - began;
	least = (f.world.calls - calls) * latency / 8;
	printf("# home: %d calls: %lld ms, %lld at least, ratio %.2f\n", f.world.calls - calls,
	       (long long)took, (long long)least, (double)took / (double)least);
	expect_home(&f);
	flow_end(&f);
}

static int setup(void **state)
{
	struct flow f = { 0 };

	(void)state;
	pg = pgtemp_start();
	template_url = pgtemp_database(pg, "template", NULL);
	flow_open(&f, template_url);
	in_task(f.loop, migrate_task, &f);
	flow_close(&f);
	return f.result < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	pgtemp_stop(pg);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy), cmocka_unit_test(test_happy),
		cmocka_unit_test(test_register_call),
		cmocka_unit_test(test_lost), cmocka_unit_test(test_import_lost),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_server), cmocka_unit_test(test_crash_before),
		cmocka_unit_test(test_crash_after),
		cmocka_unit_test(test_canary_fails), cmocka_unit_test(test_target_dies),
		cmocka_unit_test(test_cancel), cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_stays), cmocka_unit_test(test_home_import),
		cmocka_unit_test(test_home_import_faults),
		cmocka_unit_test(test_eleven_down),
		cmocka_unit_test(test_changed_behind), cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_accept), cmocka_unit_test(test_to_home),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_database_away), cmocka_unit_test(test_fenced),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_commits_lost), cmocka_unit_test(test_timeline_changed),
		cmocka_unit_test(test_follower_remembers),
		cmocka_unit_test(test_pace),
	};
	cmocka_set_test_filter(getenv("RD_TEST_FILTER"));
	return cmocka_run_group_tests(tests, setup, teardown);
}
