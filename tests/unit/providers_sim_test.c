/* The provider clients against the simulator, in one process over real HTTP: two pieces of
 * code that share nothing but the providers' published rules. */
#include "lib/provider_world.h"

#include "sim/server.h"

struct fixture {
	struct world w;			/* must be first: CHECK and the task see this */
	struct sim_server *server;
	struct sim *sim;
	struct sim_account *main, *backup, *parent;
	struct credentials backup_cred;
};

static struct fixture *of(struct world *w)
{
	return (struct fixture *)(void *)w;
}

static void credentials_of(struct credentials *c, const struct sim_account *a)
{
	snprintf(c->account_sid, sizeof(c->account_sid), "%s", a->sid);
	c->token = secret_new(a->token);
	if (a->parent) {
		snprintf(c->parent_sid, sizeof(c->parent_sid), "%s", a->parent->sid);
		c->parent_secret = secret_new(a->parent->token);
	}
}

static void bases(struct world *w, int port)
{
	snprintf(w->twilio, sizeof(w->twilio), "http://127.0.0.1:%d", port);
	snprintf(w->base, sizeof(w->base), "http://127.0.0.1:%d/monitor", port);
	snprintf(w->eleven, sizeof(w->eleven), "http://127.0.0.1:%d", port);
	snprintf(w->status, sizeof(w->status), "http://127.0.0.1:%d/status/twilio", port);
	snprintf(w->aws, sizeof(w->aws), "http://127.0.0.1:%d/aws", port);
	snprintf(w->app, sizeof(w->app), "http://127.0.0.1:%d/app", port);
	snprintf(w->telnyx, sizeof(w->telnyx), "http://127.0.0.1:%d/telnyx", port);
}

static int setup(void **state)
{
	static char messaging[64], video[64], routes[64];
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct world *w = &f->w;
	/* for tests/api/clients_test, which looks at what was said */
	struct sim_server_options o = { .shape = { .seed = 7, .agents = 40, .lineages = 1 },
					.record = getenv("SIM_RECORD") };
	struct err err = { 0 };

	w->loop = loop_new();
	w->http = http_new(w->loop);
	f->server = sim_server_new(w->loop, &o, &err);
	if (!f->server)
		fail_msg("%s", err.msg);
	f->sim = sim_server_sim(f->server);
	int port = f->sim->port;
	bases(w, port);
	snprintf(messaging, sizeof(messaging), "http://127.0.0.1:%d/messaging", port);
	snprintf(video, sizeof(video), "http://127.0.0.1:%d/video", port);
	snprintf(routes, sizeof(routes), "http://127.0.0.1:%d/routes", port);
	w->set = (struct providers_settings){
		.twilio_api = w->twilio, .twilio_monitor = w->base, .twilio_messaging = messaging,
		.twilio_video = video, .twilio_routes = routes, .elevenlabs = w->eleven,
		.telnyx = w->telnyx, .twilio_status = w->status, .elevenlabs_status = w->status,
		.telnyx_status = w->status, .aws_health = w->aws, .app = w->app,
		.app_key = secret_new(f->sim->world.internal_key),
		.hook_secret = secret_new("hook-secret-1"),
		.elevenlabs_key = secret_new(f->sim->world.eleven_key),
		.read_timeout_ms = 2000, .write_timeout_ms = 1000, .feed_timeout_ms = 2000,
		.concurrency_start = 4, .concurrency_max = 8, .read_retries = 3,
	};
	w->p = providers_new(w->loop, w->http, &w->set);
	w->log = w->last_body = w->last_auth = w->last_headers = STR_INIT(1000);
	f->main = sim_account_get(&f->sim->world, "acme-main");
	f->backup = sim_account_get(&f->sim->world, "acme-backup-1");
	f->parent = sim_account_get(&f->sim->world, "acme-parent");
	credentials_of(&w->cred, f->main);
	credentials_of(&f->backup_cred, f->backup);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = of(*state);
	struct world *w = &f->w;

	providers_free(w->p);
	http_free(w->http);
	sim_server_free(f->server);
	secret_free(w->set.app_key);
	secret_free(w->set.hook_secret);
	secret_free(w->set.elevenlabs_key);
	credentials_fini(&w->cred);
	credentials_fini(&f->backup_cred);
	for (int i = 0; i < 50; i++)
		loop_run_once(w->loop, 0);
	loop_free(w->loop);
	free(f);
	return 0;
}

/* ---- a healthy day ------------------------------------------------------------------ */

static void healthy(struct world *w)
{
	const struct telephony_ops *t = w->p->telephony;
	struct account_info a;
	struct balance b;
	struct phone_list l;
	struct call_list calls;
	struct message_list messages;
	struct alert_list alerts;
	struct sms_number_list sms;
	struct call_info i;
	char region[16];
	int live;
	int64_t since = loop_wall_ms(w->loop) - 600000;

	CHECK_INT(t->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_OK);
	CHECK_INT(a.status, ACCOUNT_ACTIVE);
	CHECK(!a.trial);
	CHECK(i.request_id[0]);
	CHECK_INT(t->account(w->p, &w->cred, CRED_PARENT, &a, &i), CALL_OK);
	CHECK_STR(a.sid, w->cred.account_sid);
	CHECK_INT(t->balance(w->p, &w->cred, CRED_PARENT, &b, &i), CALL_OK);
	CHECK(b.known && b.amount > 0);
	CHECK_INT(t->numbers(w->p, &w->cred, CRED_MAIN, &l, &i), CALL_OK);
	CHECK(l.n >= 40);
	CHECK(l.v[0].voice);
	char sid[40], e164[20];
	snprintf(sid, sizeof(sid), "%s", l.v[3].sid);
	snprintf(e164, sizeof(e164), "%s", l.v[3].e164);
	CHECK(voice_url_is_elevenlabs(w->p, l.v[3].hooks->v[WH_VOICE_URL]));
	phone_list_fini(&l);
	CHECK_INT(t->number(w->p, &w->cred, sid, &l, &i), CALL_OK);
	CHECK_STR(l.v[0].e164, e164);
	phone_list_fini(&l);
	CHECK_INT(t->number_by_e164(w->p, &w->cred, e164, &l, &i), CALL_OK);
	CHECK_STR(l.v[0].sid, sid);
	phone_list_fini(&l);
	CHECK_INT(t->number_by_e164(w->p, &w->cred, "+19990001111", &l, &i), CALL_NOT_FOUND);
	CHECK_INT(t->calls(w->p, &w->cred, since, 5, &calls, &i), CALL_OK);
	CHECK(calls.n > 5);
	for (size_t k = 0; k < calls.n; k++)
		CHECK(calls.v[k].start_ms >= since && calls.v[k].status != CALL_STATUS_UNKNOWN);
	LIST_FINI(&calls);
	CHECK_INT(t->calls_live(w->p, &w->cred, NULL, &live, &i), CALL_OK);
	CHECK_INT(t->messages(w->p, &w->cred, since, 5, &messages, &i), CALL_OK);
	for (size_t k = 0; k < messages.n; k++)
		CHECK(messages.v[k].status != MESSAGE_UNKNOWN);
	LIST_FINI(&messages);
	CHECK_INT(t->alerts(w->p, &w->cred, since, 5, &alerts, &i), CALL_OK);
	LIST_FINI(&alerts);
	CHECK_INT(t->sms_numbers(w->p, &w->cred, &sms, &i), CALL_OK);
	CHECK(sms.n > 0 && sms.v[0].campaign == CAMPAIGN_APPROVED);
	LIST_FINI(&sms);
	CHECK_INT(t->voice_region(w->p, &w->cred, e164, region, &i), CALL_OK);
	CHECK_STR(region, "us1");
	CHECK_INT(t->video(w->p, &w->cred, &i), CALL_OK);
}

static void test_healthy(void **state)
{
	world_run(*state, NULL, healthy);
}

/* ---- ways to be refused --------------------------------------------------------------- */

static void refused(struct world *w)
{
	struct fixture *f = of(w);
	const struct telephony_ops *t = w->p->telephony;
	struct credentials c;
	struct account_info a;
	struct call_info i;

	/* a Standard key */
	credentials_copy(&c, &w->cred);
	for (size_t k = 0; k < COUNT_OF(f->main->keys); k++) {
		if (!f->main->keys[k].standard || f->main->keys[k].revoked)
			continue;
		snprintf(c.api_key, sizeof(c.api_key), "%s", f->main->keys[k].sid);
		c.api_secret = secret_new(f->main->keys[k].secret);
		break;
	}
	CHECK(c.api_secret != NULL);
	enum call_result r = t->account(w->p, &c, CRED_MAIN, &a, &i);
	bool hidden = a.status_hidden;
	credentials_fini(&c);
	CHECK_INT(r, CALL_OK);
	CHECK(hidden);
	/* test credentials */
	snprintf(c.account_sid, sizeof(c.account_sid), "%s", f->main->test_sid);
	c.token = secret_new(f->main->test_token);
	r = t->account(w->p, &c, CRED_MAIN, &a, &i);
	credentials_fini(&c);
	CHECK_INT(r, CALL_REFUSED);
	CHECK_INT(i.reason, REASON_TEST_CREDENTIALS);
	/* a wrong token */
	snprintf(c.account_sid, sizeof(c.account_sid), "%s", f->main->sid);
	c.token = secret_new("0123456789abcdef0123456789abcdef");
	r = t->account(w->p, &c, CRED_MAIN, &a, &i);
	credentials_fini(&c);
	CHECK_INT(r, CALL_REJECTED);
	CHECK_INT(i.code, 20003);
	/* suspended: the parent sees why */
	f->main->status = SIM_SUSPENDED;
	r = t->account(w->p, &w->cred, CRED_MAIN, &a, &i);
	CHECK(r == CALL_INACTIVE || r == CALL_REJECTED ||
	      (r == CALL_OK && a.status == ACCOUNT_SUSPENDED));
	CHECK_INT(t->account(w->p, &w->cred, CRED_PARENT, &a, &i), CALL_OK);
	CHECK_INT(a.status, ACCOUNT_SUSPENDED);
}

static void test_refused(void **state)
{
	world_run(*state, NULL, refused);
}

/* ---- one agent moves ------------------------------------------------------------------ */

struct first_seen { int n; char id[48]; };

static void keep_first(void *ctx, const struct remote_agent *a)
{
	struct first_seen *f = ctx;

	if (!f->n++)
		snprintf(f->id, sizeof(f->id), "%s", a->id);
}

static void moves(struct world *w)
{
	struct fixture *f = of(w);
	const struct telephony_ops *t = w->p->telephony;
	const struct agents_ops *e = w->p->agents;
	struct first_seen agents = { 0 };
	struct remote_number_list numbers;
	struct remote_number number;
	struct phone_list l;
	struct call_info i;
	struct key_rights rights;
	struct subscription sub;
	char id[48], agent[48], e164[20], sid[40];

	CHECK_INT(e->agents(w->p, keep_first, &agents, &i), CALL_OK);
	CHECK_INT(agents.n, 40);
	snprintf(agent, sizeof(agent), "%s", agents.id);
	CHECK_INT(e->numbers(w->p, &numbers, &i), CALL_OK);
	CHECK_INT(numbers.n, 40);
	free(numbers.v);
	CHECK_INT(e->subscription(w->p, &sub, &i), CALL_OK);
	CHECK_INT(e->key_rights(w->p, &rights, &i), CALL_OK);
	CHECK(rights.known && rights.read && rights.write);
	CHECK_INT(t->numbers(w->p, &f->backup_cred, CRED_MAIN, &l, &i), CALL_OK);
	snprintf(e164, sizeof(e164), "%s", l.v[0].e164);
	snprintf(sid, sizeof(sid), "%s", l.v[0].sid);
	phone_list_fini(&l);
	CHECK_INT(e->number_by_e164(w->p, e164, &numbers, &i), CALL_NOT_FOUND);
	CHECK_INT(e->import(w->p, &f->backup_cred, NULL, e164, "backup", agent, id, &i), CALL_OK);
	CHECK_INT(e->number(w->p, id, &number, &i), CALL_OK);
	CHECK_STR(number.agent_id, agent);
	CHECK_STR(number.e164, e164);
	CHECK_INT(e->number_by_e164(w->p, e164, &numbers, &i), CALL_OK);
	CHECK_INT(numbers.n, 1);
	free(numbers.v);
	/* the import rewrote the voice address and left SMS alone */
	CHECK_INT(t->number(w->p, &f->backup_cred, sid, &l, &i), CALL_OK);
	CHECK(voice_url_is_elevenlabs(w->p, l.v[0].hooks->v[WH_VOICE_URL]));
	CHECK(!voice_url_is_elevenlabs(w->p, l.v[0].hooks->v[WH_SMS_URL]));
	phone_list_fini(&l);
	struct webhooks set = { .v = { [WH_SMS_URL] = "https://voice.acme.example/sms",
				       [WH_STATUS_CALLBACK] =
					"https://voice.acme.example/status" } };
	CHECK_INT(t->number_update(w->p, &f->backup_cred, NULL, sid, &set, &l, &i), CALL_OK);
	CHECK_INT(webhooks_diff(&set, l.v[0].hooks), 0);
	phone_list_fini(&l);
	CHECK_INT(t->number(w->p, &f->backup_cred, sid, &l, &i), CALL_OK);
	CHECK_INT(webhooks_diff(&set, l.v[0].hooks), 0);
	phone_list_fini(&l);
	CHECK_INT(e->assign(w->p, NULL, id, NULL, &i), CALL_OK);
	CHECK_INT(e->number(w->p, id, &number, &i), CALL_OK);
	CHECK_STR(number.agent_id, "");
	/* wrong key */
	secret_free(w->set.elevenlabs_key);
	w->set.elevenlabs_key = secret_new("sk_wrong_wrong_wrong");
	CHECK_INT(e->agents(w->p, keep_first, &agents, &i), CALL_REJECTED);
	CHECK_STR(i.code_name, "invalid_api_key");
}

static void test_moves(void **state)
{
	world_run(*state, NULL, moves);
}

/* ---- everything else ------------------------------------------------------------------- */

static void rest(struct world *w)
{
	struct fixture *f = of(w);
	struct feed_report r;
	struct app_health h;
	struct app_features features;
	struct webhook_probe probe;
	struct hook_body body = { "EV-1", 3, 300 };
	struct credentials telnyx = { .provider = PROVIDER_TELNYX, .account_sid = "telnyx-1" };
	struct phone_list l;
	struct balance b;
	struct call_info i;
	bool valid;

	CHECK_INT(w->p->feeds->fetch(w->p, FEED_TWILIO, &r, &i), CALL_OK);
	CHECK_INT(r.state, FEED_OPERATIONAL);
	CHECK(r.n_matched > 0);
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_AWS, &r, &i), CALL_OK);
	CHECK_INT(r.state, FEED_OPERATIONAL);
	CHECK_INT(w->p->app->health(w->p, &h, &i), CALL_OK);
	CHECK(h.healthy);
	CHECK_INT(w->p->app->twilio_health(w->p, &h, &i), CALL_OK);
	CHECK(h.healthy);
	CHECK_INT(w->p->app->features(w->p, &features, &i), CALL_OK);
	CHECK(features.n >= 6);
	CHECK_INT(w->p->app->feature_set(w->p, NULL, "sms_automation", false, &i), CALL_OK);
	CHECK_INT(w->p->app->webhook_test(w->p, &w->cred, NULL, &probe, &i), CALL_OK);
	CHECK(probe.answered && probe.twiml && !probe.signature_refused);
	CHECK_INT(w->p->app->validate_signature(w->p, &f->backup_cred, &valid, &i), CALL_OK);
	CHECK(valid);
	CHECK_INT(w->p->app->hook(w->p, NULL, HOOK_LOCK, &body, &i), CALL_OK);
	CHECK_INT(w->p->app->hook(w->p, NULL, HOOK_AFTER_SWITCH, &body, &i), CALL_OK);
	CHECK_INT(w->p->app->hook(w->p, NULL, HOOK_UNLOCK, &body, &i), CALL_OK);
	CHECK_INT(f->sim->app.locks + f->sim->app.unlocks + f->sim->app.after_switches, 3);
	telnyx.token = secret_new(f->sim->world.telnyx_key);
	enum call_result r1 = w->p->telnyx->numbers(w->p, &telnyx, CRED_MAIN, &l, &i);
	phone_list_fini(&l);
	enum call_result r2 = w->p->telnyx->balance(w->p, &telnyx, CRED_MAIN, &b, &i);
	credentials_fini(&telnyx);
	CHECK_INT(r1, CALL_OK);
	CHECK_INT(r2, CALL_OK);
	CHECK_INT(f->sim->ledger.forbidden.total, 0);
}

static void test_rest(void **state)
{
	world_run(*state, NULL, rest);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_healthy), T(test_refused), T(test_moves),
					    T(test_rest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
