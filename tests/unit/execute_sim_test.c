/*
 * The acting half against the simulator over real HTTP, with the real clients: what the
 * in-memory providers of execute_test cannot show. Each scenario ends with the simulator's
 * own findings: nothing forbidden, nothing twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http.h"
#include "failover/act.h"
#include "failover/plan.h"
#include "sim/scenarios.h"
#include "sim/server.h"
#include "store/accounts.h"
#include "store/migrate.h"
#include "tests/lib/pgtemp.h"

#define KEY "0123456789abcdef0123456789abcdef"
enum { AGENTS = 14 };

static struct pgtemp *pg;

struct flow {
	struct loop *loop;
	struct http *http;
	struct sim_server *server;
	struct sim *sim;
	struct store *store;
	struct keyring *keys;
	struct providers *p;
	struct providers_settings pset;
	char base[8][64];
	struct failover_settings set;
	struct failover_deps deps;
	struct executor *x;
	const char *url;
	char *event, *from, *to;
	char before[65], after[65];
	int result;
	struct err err;
	int agents;
};

static int64_t sql_i64(struct flow *f, const char *text)
{
	return strtoll(pgtemp_sql(pg, f->url, text), NULL, 10);
}

/* ---- filling the database from the simulator ------------------------------------------- */

static void add_account(struct flow *f, const char *name, bool primary, char **ret)
{
	struct sim_account *a = sim_account_get(&f->sim->world, name);
	struct account_input in = ACCOUNT_INPUT;
	struct who who = { .actor = "test", .role = "admin", .via = "cli" };

	in.name = name;
	in.provider = "twilio";
	in.account_sid = a->sid;
	in.is_primary = primary;
	in.is_active = true;
	in.token = secret_new(a->token);
	f->result = account_add(f->store, &who, &in, ret, &f->err);
	secret_free(in.token);
}

static void add_number(struct flow *f, const char *account, const struct phone *n, bool pool)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (int i = 0; i < WH_COUNT; i++)
		jw_str(&w, webhook_field_name((enum webhook_field)i),
		       n->hooks->v[i] ? n->hooks->v[i] : "");
	jw_obj_end(&w);
	f->result = store_query(f->store, NULL, &f->err,
		"INSERT INTO ringdown.number_ext (account_id, phone_number, sid, baseline)"
		" VALUES ($1, $2, $3, $4::json)", "tttt", account, n->e164, n->sid, str_get(&b));
	str_fini(&b);
	if (f->result >= 0 && pool)
		f->result = store_query(f->store, NULL, &f->err,
			"INSERT INTO \"TwilioBackupPhoneNumber\" (id, \"accountId\","
			" \"phoneNumber\", \"phoneNumberSid\", country, \"areaCode\", capabilities,"
			" status, \"voiceReady\", \"smsReady\", \"createdAt\", \"updatedAt\")"
			" VALUES ($2, $1, $2, $3, 'US', '', '{}', 'available', true, false, now(),"
			" now())", "ttt", account,
			n->e164, n->sid);
}

static void add_numbers(struct flow *f, const char *name, const char *account, bool pool)
{
	struct sim_account *a = sim_account_get(&f->sim->world, name);
	struct credentials c = { .token = secret_new(a->token) };
	struct phone_list l = { 0 };
	struct call_info info;

	snprintf(c.account_sid, sizeof(c.account_sid), "%s", a->sid);
	f->p->telephony->numbers(f->p, &c, CRED_MAIN, &l, &info);
	for (size_t i = 0; i < l.n && f->result >= 0; i++)
		add_number(f, account, &l.v[i], pool);
	phone_list_fini(&l);
	credentials_fini(&c);
}

static void add_agents(struct flow *f)
{
	const struct sim_world *w = &f->sim->world;

	for (size_t i = 0; i < w->n_agents && f->result >= 0; i++) {
		const struct sim_agent *a = w->agents[i];

		f->result = store_query(f->store, NULL, &f->err,
			"INSERT INTO \"VoiceAgent\" (id, \"orgId\", name, status,"
			" \"elevenLabsAgentId\", \"twilioPhoneNumber\", \"twilioAccountId\","
			" \"createdAt\", \"updatedAt\") VALUES ($1, $2, $3, 'ACTIVE', $4, $5, $6,"
			" now(), now())", "tttttt", a->id,
			a->org_id, a->name, a->eleven_id, a->home->e164, f->from);
		if (f->result >= 0)
			f->result = store_query(f->store, NULL, &f->err,
				"INSERT INTO ringdown.agent_ext (agent_id, home_account,"
				" integration) VALUES ($1, $2, $3)", "ttt", a->id, f->from,
				a->integration);
	}
}

static void fill_task(void *arg)
{
	struct flow *f = arg;
	struct migrate_options o = { .environment = "test" };
	struct migrate_result r = { 0 };

	f->result = migrate_run(f->store, &o, &r, &f->err);
	migrate_result_fini(&r);
	if (f->result >= 0)
		add_account(f, "acme-main", true, &f->from);
	if (f->result >= 0)
		add_account(f, "acme-backup-1", false, &f->to);
	if (f->result >= 0)
		add_numbers(f, "acme-main", f->from, false);
	if (f->result >= 0)
		add_numbers(f, "acme-backup-1", f->to, true);
	if (f->result >= 0)
		add_agents(f);
}

static void approve_task(void *arg)
{
	struct flow *f = arg;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = "jane", .role = "operator", .via = "api" };
	struct event_row row = { 0 };
	struct plan *plan = NULL;

	f->result = plan_load(f->store, &f->set, f->from, f->from, f->to, NULL, false, 0, &plan,
			      &f->err);
	if (f->result < 0)
		return;
	f->agents = (int)plan->n_moves;
	row.e.status = EV_APPROVED;
	row.e.severity = SEV_CRITICAL;
	row.e.trigger = TRIG_MANUAL;
	row.e.lineage = xstrdup(f->from);
	row.e.from = xstrdup(f->from);
	plan_into_event(plan, &row.e);
	f->result = tx_begin(f->store, &t, &who, &f->err);
	if (f->result >= 0)
		f->result = event_open(&t, &row, &f->err);
	if (f->result >= 0)
		f->result = plan_store(&t, row.e.id, plan, &f->err);
	if (f->result >= 0)
		f->result = tx_commit(&t, NULL, &f->err);
	f->event = xstrdup(row.e.id);
	event_row_fini(&row);
	plan_free(plan);
}

static const char *base(struct flow *f, int i, const char *path)
{
	snprintf(f->base[i], sizeof(f->base[i]), "http://127.0.0.1:%d%s", f->sim->port, path);
	return f->base[i];
}

static void open_providers(struct flow *f)
{
	char *root = (char *)(uintptr_t)base(f, 0, ""), *app = (char *)(uintptr_t)base(f, 1,
		"/app");

	f->pset = (struct providers_settings){
		.twilio_api = root, .elevenlabs = root, .app = app, .telnyx = root,
		.twilio_monitor = root, .twilio_messaging = root, .twilio_video = root,
		.twilio_routes = root, .twilio_status = root, .elevenlabs_status = root,
		.telnyx_status = root, .aws_health = root,
		.app_key = secret_new(f->sim->world.internal_key),
		.hook_secret = secret_new("hook-secret-1"),
		.elevenlabs_key = secret_new(f->sim->world.eleven_key),
		.read_timeout_ms = 2000, .write_timeout_ms = 700, .feed_timeout_ms = 2000,
		.concurrency_start = 4, .concurrency_max = 16, .read_retries = 3,
	};
	f->p = providers_new(f->loop, f->http, &f->pset);
}

static void flow_start(struct flow *f, const char *scenario)
{
	const struct sim_scenario *sc = sim_scenario_find(scenario);
	struct sim_server_options o = { .shape = { .seed = 7, .agents = AGENTS, .lineages = 1 } };
	struct store_options so = { .engine_id = "eng-1", .max_connections = 8 };

	memset(f, 0, sizeof(*f));
	if (!sc)
		fail_msg("no scenario %s", scenario);
	o.shape.register_call = sc->register_call;
	f->loop = loop_new();
	f->http = http_new(f->loop);
	f->server = sim_server_new(f->loop, &o, &f->err);
	f->sim = sim_server_sim(f->server);
	open_providers(f);
	char name[64];
	snprintf(name, sizeof(name), "%s", scenario);
	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : *c;
	so.url = f->url = pgtemp_database(pg, name, NULL);
	so.keys = f->keys = keyring_new(KEY, NULL, &f->err);
	f->store = store_open(f->loop, &so, &f->err);
	f->set = (struct failover_settings){
		.lock_ttl_ms = 300000, .eleven_retry_ms = 300, .eleven_retry_every_ms = 40,
		.canaries = 3, .parallel = 8, .write_deadline_ms = 700,
		.rollback_offer_ms = 86400000, .assign_by = (char *)(uintptr_t)"priority",
	};
	f->deps = (struct failover_deps){ .loop = f->loop, .store = f->store, .providers = f->p,
					  .set = &f->set, .engine_id = "eng-1",
					  .environment = "test" };
	in_task(f->loop, fill_task, f);
	if (f->result >= 0)
		in_task(f->loop, approve_task, f);
	if (f->result < 0)
		fail_msg("seed: %s", f->err.msg);
	sim_digest(&f->sim->world, f->before);
	assert_int_equal(sim_scenario_start(f->sim, sc, true, &f->err), 0);
}

static void flow_end(struct flow *f)
{
	for (int i = 0; i < f->sim->ledger.duplicate.n; i++)
		fprintf(stderr, "duplicate: %s\n", f->sim->ledger.duplicate.v[i].detail);
	for (int i = 0; i < f->sim->ledger.forbidden.n; i++)
		fprintf(stderr, "forbidden: %s\n", f->sim->ledger.forbidden.v[i].detail);
	assert_int_equal(f->sim->ledger.duplicate.total, 0);
	assert_int_equal(f->sim->ledger.forbidden.total, 0);
	providers_free(f->p);
	secret_free(f->pset.app_key);
	secret_free(f->pset.hook_secret);
	secret_free(f->pset.elevenlabs_key);
	store_close(f->store);
	http_free(f->http);
	sim_server_free(f->server);
	loop_free(f->loop);
	keyring_free(f->keys);
	free_p(&f->event);
	free_p(&f->from);
	free_p(&f->to);
}

static void run(struct flow *f)
{
	int64_t until = loop_now_ms(f->loop) + 90000;
	bool began = false;

	f->x = executor_new(&f->deps, NULL);
	f->x->write_ok_without_lease = true;
	while (!began || f->x->runs || f->x->owed) {
		loop_run_once(f->loop, 50);
		began = began || f->x->runs;
		if (loop_now_ms(f->loop) > until)
			fail_msg("does not end");
	}
	executor_stop(f->x);
	while (!executor_idle(f->x))
		loop_run_once(f->loop, 20);
	executor_free(f->x);
}

static void expect_status(struct flow *f, const char *want)
{
	const char *is = pgtemp_sql(pg, f->url, "SELECT status || ': ' || coalesce(error, '') FROM"
						" ringdown.event LIMIT 1");

	if (strncmp(is, want, strlen(want)))
		fail_msg("%s, not %s", is, want);
}

static void roll_back(struct flow *f)
{
	pgtemp_sql(pg, f->url, "UPDATE ringdown.event SET status = 'rolling_back',"
			       " version = version + 1");
	run(f);
	expect_status(f, "rolled_back");
	sim_digest(&f->sim->world, f->after);
	assert_string_equal(f->after, f->before);
	assert_int_equal(sql_i64(f, "SELECT count(*) FROM \"TwilioBackupPhoneNumber\" WHERE status"
				    " <> 'available'"), 0);
}

static void expect_moved(struct flow *f)
{
	expect_status(f, "completed");
	assert_int_equal(f->agents, AGENTS);
	for (size_t i = 0; i < f->sim->world.n_agents; i++) {
		const struct sim_agent *a = f->sim->world.agents[i];
		char text[200];

		snprintf(text, sizeof(text), "SELECT \"backupPhoneNumber\" FROM \"VoiceAgent\""
			 " WHERE id = '%s'", a->id);
		_cleanup_(free_p) char *number = xstrdup(pgtemp_sql(pg, f->url, text));
		number[strcspn(number, "\n")] = '\0';
		const struct sim_number *n = sim_number_get(&f->sim->world, number);
		assert_non_null(n);
		assert_true(n->slot >= 0 && n->until_ms == 0);	/* somebody answers there ... */
		if (str_eq(a->integration, "import"))
			assert_ptr_equal(n->agent, a);		/* ... and it is this one */
	}
}

static void heal(struct flow *f)
{
	assert_int_equal(sim_scenario_stage(f->sim, "recover", &f->err), 0);
}

static void test_suspended(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "suspended");
	run(&f);
	expect_moved(&f);
	roll_back(&f);
	flow_end(&f);
}

static void test_register_call(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "register-call");
	run(&f);
	expect_moved(&f);
	roll_back(&f);
	flow_end(&f);
}

static void test_canary_fails(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "canary-fails");
	run(&f);
	expect_status(&f, "failed");
	sim_digest(&f.sim->world, f.after);
	assert_string_equal(f.after, f.before);
	flow_end(&f);
}

static void test_target_dies(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "target-dies");
	assert_int_equal(sim_scenario_stage(f.sim, "target", &f.err), 0);
	run(&f);
	expect_status(&f, "failed");
	heal(&f);
	roll_back(&f);
	flow_end(&f);
}

static void test_half_applied(void **state)
{
	struct flow f;

	(void)state;
	flow_start(&f, "half-applied");
	run(&f);
	expect_moved(&f);
	flow_end(&f);
}

static int setup(void **state)
{
	(void)state;
	pg = pgtemp_start();
	return 0;
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
		cmocka_unit_test(test_suspended), cmocka_unit_test(test_register_call),
		cmocka_unit_test(test_canary_fails), cmocka_unit_test(test_target_dies),
		cmocka_unit_test(test_half_applied),
	};
	cmocka_set_test_filter(getenv("RD_TEST_FILTER"));
	return cmocka_run_group_tests(tests, setup, teardown);
}
