/* ElevenLabs, Telnyx, feeds and the application over real HTTP against a scripted server. */
#include "lib/provider_world.h"

#include "providers/signature.h"

/* ---- ElevenLabs ---------------------------------------------------------------------- */

struct last_seen { int n; char id[48]; };

static void keep_last(void *ctx, const struct remote_agent *a)
{
	struct last_seen *l = ctx;

	l->n++;
	snprintf(l->id, sizeof(l->id), "%s", a->id);
}

static void eleven(struct world *w)
{
	struct last_seen agents = { 0 };
	struct remote_agent agent;
	struct remote_number_list numbers;
	struct subscription sub;
	struct key_rights rights;
	struct call_info i;
	char id[48];

	CHECK_INT(w->p->agents->agents(w->p, keep_last, &agents, &i), CALL_OK);
	CHECK_INT(agents.n, 2);
	CHECK_STR(agents.id, "a3");
	CHECK(NULL != (strstr(w->last_headers.s, "xi-api-key: eleven-key-1")));
	CHECK(NULL != (strstr(w->log.s, "cursor=c%2F2")));
	CHECK_INT(w->p->agents->agent(w->p, "a1", &agent, &i), CALL_OK);
	CHECK(agent.archived);
	CHECK_INT(w->p->agents->number_by_e164(w->p, "+15550000002", &numbers, &i), CALL_OK);
	CHECK_INT(numbers.n, 1);
	CHECK_STR(numbers.v[0].agent_id, "a1");
	free(numbers.v);
	CHECK_INT(w->p->agents->number_by_e164(w->p, "+1", &numbers, &i), CALL_NOT_FOUND);
	CHECK_INT(w->p->agents->import(w->p, &w->cred, NULL, "+15550000003", "backup", "a1", id,
				       &i), CALL_OK);
	CHECK_STR(id, "phnum_9");
	CHECK_STR(w->last_body.s,
			    "{\"provider\":\"twilio\",\"phone_number\":\"+15550000003\","
			    "\"label\":\"backup\",\"sid\":\"AC1\",\"token\":\"token-of-ac1\","
			    "\"agent_id\":\"a1\",\"enable_sms\":false}");
	CHECK_INT(w->p->agents->assign(w->p, NULL, "phnum_9", NULL, &i), CALL_OK);
	CHECK_STR(w->last_body.s, "{\"agent_id\":null}");
	CHECK_INT(w->p->agents->subscription(w->p, &sub, &i), CALL_OK);
	CHECK_INT(sub.used, 9000);
	CHECK_INT(w->p->agents->key_rights(w->p, &rights, &i), CALL_OK);
	CHECK(rights.known && rights.read && rights.write);
	CHECK_INT(w->p->agents->key_rights(w->p, &rights, &i), CALL_OK);
	CHECK(rights.known && rights.read && !rights.write);
}

static void test_eleven(void **state)
{
	static const struct rule rules[] = {
		{ "GET /elevenlabs/v1/convai/agents?page_size=100&archived=false&cursor=c%2F2", 200,
		  "{\"agents\":[{\"agent_id\":\"a3\",\"name\":\"C\"}],\"next_cursor\":null,"
		  "\"has_more\":false}" },
		{ "GET /elevenlabs/v1/convai/agents?", 200,
		  "{\"agents\":[{\"agent_id\":\"a1\",\"name\":\"A\"},{\"agent_id\":\"a2\","
		  "\"archived\":true}],\"next_cursor\":\"c/2\",\"has_more\":true}" },
		{ "GET /elevenlabs/v1/convai/agents/a1", 200,
		  "{\"agent_id\":\"a1\",\"name\":\"A\","
		  "\"platform_settings\":{\"archived\":true}}" },
		{ "GET /elevenlabs/v1/convai/phone-numbers", 200,
		  " [ {\"phone_number_id\":\"p1\",\"phone_number\":\"+15550000001\","
		  "\"provider\":\"twilio\",\"assigned_agent\":null} ,{\"phone_number_id\":\"p2\","
		  "\"phone_number\":\"+15550000002\",\"label\":\"a],\\\"{\","
		  "\"assigned_agent\":{\"agent_id\":\"a1\"}}]\n" },
		{ "POST /elevenlabs/v1/convai/phone-numbers", 200,
		  "{\"phone_number_id\":\"phnum_9\"}" },
		{ "PATCH /elevenlabs/v1/convai/phone-numbers/phnum_9", 200,
		  "{\"phone_number_id\":\"phnum_9\"}" },
		{ "GET /elevenlabs/v1/user/subscription", 200,
		  "{\"status\":\"active\",\"tier\":\"pro\",\"character_count\":9000,"
		  "\"character_limit\":10000}" },
		{ "PATCH /elevenlabs/v1/convai/phone-numbers/ringdown_rights_check", 404,
		  "{\"detail\":{\"status\":\"phone_number_not_found\",\"message\":\"x\"}}", 1 },
		{ "PATCH /elevenlabs/v1/convai/phone-numbers/ringdown_rights_check", 401,
		  "{\"detail\":{\"status\":\"missing_permissions\",\"message\":\"x\"}}", 1 },
		{ 0 } };
	world_run(*state, rules, eleven);
}

static void eleven_nasty(struct world *w)
{
	for (int k = 0; k < 7; k++) {
		struct remote_number_list l;
		struct call_info i;
		w->p->agents->numbers(w->p, &l, &i);
		CHECK_INT(i.result, CALL_GARBLED);
		CHECK(NULL == (l.v));
	}
	struct remote_number_list l;
	struct call_info i;
	CHECK_INT(w->p->agents->numbers(w->p, &l, &i), CALL_OK);
	CHECK_INT(l.n, 0);
}

static void test_eleven_nasty(void **state)
{
	static const struct rule rules[] = {
		{ "GET ", 200, "{}", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\"},]", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\"}", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\"}] x", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\"},2]", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p", 1 },
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\"}}", 1 },
		{ "GET ", 200, "[]", 1 },
		{ 0 } };
	world_run(*state, rules, eleven_nasty);
}

struct seek { struct world *w; const char *e164; enum call_result r; int *left; };

static void seek_one(void *arg)
{
	struct seek *s = arg;
	struct remote_number_list l;
	struct call_info i;

	s->r = s->w->p->agents->number_by_e164(s->w->p, s->e164, &l, &i);
	free(l.v);
	(*s->left)--;
}

static void shared_lookups(void **state)
{
	static const struct rule rules[] = {
		{ "GET ", 200, "[{\"phone_number_id\":\"p1\",\"phone_number\":\"+15550000001\"}]" },
		{ 0 } };
	struct world *w = *state;
	struct seek seeks[20];
	struct task *tasks[20];
	int left = 20;

	w->rules = rules;
	for (int k = 0; k < 20; k++) {
		seeks[k] = (struct seek){ w, k % 2 ? "+15550000001" : "+1", CALL_GARBLED, &left };
		tasks[k] = task_start(w->loop, "seek", seek_one, &seeks[k], NULL);
	}
	loop_run_once(w->loop, 0);
	task_cancel(tasks[0]); /* the one that fetches for all */
	task_cancel(tasks[7]);
	int64_t end = loop_now_ms(w->loop) + 5000;
	while (left && loop_now_ms(w->loop) < end)
		loop_run_once(w->loop, 20);
	assert_int_equal(left, 0);
	for (int k = 0; k < 20; k++)
		assert_int_equal(seeks[k].r, k == 0 || k == 7 ? CALL_CANCELLED
					     : k % 2	      ? CALL_OK
							      : CALL_NOT_FOUND);
	int requests = 0;
	for (const char *c = str_get(&w->log); *c; c++)
		requests += *c == '\n';
	assert_in_range(requests, 1, 3);
	for (int k = 0; k < 20; k++)
		loop_run_once(w->loop, 0);
}

/* ---- Telnyx -------------------------------------------------------------------------- */

static void telnyx(struct world *w)
{
	struct phone_list l;
	struct balance b;
	struct account_info a;
	struct call_info i;
	struct call_list calls;

	CHECK_INT(w->p->telnyx->numbers(w->p, &w->cred, CRED_MAIN, &l, &i), CALL_OK);
	CHECK_INT(l.n, 2);
	CHECK_STR(l.v[1].sid, "1702");
	phone_list_fini(&l);
	CHECK(NULL != (strstr(w->last_headers.s, "Authorization: Bearer token-of-ac1")));
	CHECK_INT(w->p->telnyx->balance(w->p, &w->cred, CRED_MAIN, &b, &i), CALL_OK);
	CHECK(b.amount == 300.25);
	CHECK_INT(w->p->telnyx->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_OK);
	CHECK(a.status_hidden);
	CHECK_INT(w->p->telnyx->calls(w->p, &w->cred, 0, 1, &calls, &i), CALL_REFUSED);
	CHECK_INT(i.reason, REASON_UNSUPPORTED);
	CHECK_INT(calls.n, 0);
}

static void test_telnyx(void **state)
{
	static const struct rule rules[] = {
		{ "GET /telnyx/v2/phone_numbers?page%5Bsize%5D=250&page%5Bnumber%5D=1", 200,
		  "{\"data\":[{\"id\":\"1701\",\"phone_number\":\"+15550000001\","
		  "\"status\":\"active\",\"connection_id\":\"c\"}],\"meta\":{\"total_pages\":2}}" },
		{ "GET /telnyx/v2/phone_numbers?page%5Bsize%5D=250&page%5Bnumber%5D=2", 200,
		  "{\"data\":[{\"id\":1702,\"phone_number\":\"+15550000002\","
		  "\"status\":\"port-pending\"}],\"meta\":{\"total_pages\":2}}" },
		{ "GET /telnyx/v2/balance", 200,
		  "{\"data\":{\"balance\":\"300.25\",\"currency\":\"USD\"}}" },
		{ 0 } };
	world_run(*state, rules, telnyx);
}

/* ---- feeds --------------------------------------------------------------------------- */

static void feeds(struct world *w)
{
	struct feed_report r;
	struct call_info i;
	char *names[] = { (char *)"programmable voice" };

	w->set.twilio_components = (struct strlist){ names, 1 };
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_TWILIO, &r, &i), CALL_OK);
	CHECK_INT(r.state, FEED_DEGRADED);
	CHECK_INT(r.n_matched, 1);
	CHECK_STR(r.items[0].name, "Programmable Voice");
	CHECK_INT(r.n_incidents, 1);
	CHECK(!(r.unchanged));
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_TWILIO, &r, &i), CALL_OK);
	CHECK(NULL != (strstr(w->last_headers.s, "If-None-Match: \"e1\"")));
	CHECK(r.unchanged);
	CHECK_INT(r.state, FEED_DEGRADED);
	/* dead and nonsense are unknown, never down */
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_TWILIO, &r, &i), CALL_SERVER);
	CHECK_INT(r.state, FEED_UNKNOWN);
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_TWILIO, &r, &i), CALL_GARBLED);
	CHECK_INT(r.state, FEED_UNKNOWN);
	CHECK_INT(w->p->feeds->fetch(w->p, FEED_AWS, &r, &i), CALL_OK);
	CHECK_INT(r.state, FEED_OPERATIONAL);
	w->set.twilio_components = (struct strlist){ 0 };
}

static void test_feeds(void **state)
{
	static const struct rule rules[] = {
		{ "GET /status/twilio/api/v2/summary.json", 200,
		  "{\"page\":{\"updated_at\":\"2026-11-21T03:01:00Z\"},"
		  "\"status\":{\"indicator\":\"critical\"},\"components\":[{\"name\":\"SMS,"
		  " Nauru\",\"status\":\"major_outage\"},{\"name\":\"Programmable Voice\","
		  "\"status\":\"partial_outage\"}],\"incidents\":[{\"id\":\"1\","
		  "\"status\":\"resolved\"},{\"id\":\"2\",\"name\":\"x\","
		  "\"status\":\"identified\"}]}",
		  1, { "ETag", "\"e1\"" } },
		{ "GET /status/twilio/api/v2/summary.json", 304, "", 1 },
		{ "GET /status/twilio/api/v2/summary.json", 502, "<html>", 1 },
		{ "GET /status/twilio/api/v2/summary.json", 200, "<html>", 1 },
		{ "GET /aws/public/currentevents", 200, "\xfe\xff\0[\0]", 0, { 0 }, 6 },
		{ 0 } };
	world_run(*state, rules, feeds);
}

static void feed_texts(void **state)
{
	char *services[] = { (char *)"us-east-1" };
	struct strlist allow = { services, 1 };
	struct feed_report r;
	struct err err;
	static const char text[] =
		"[{\"service\":\"ec2-us-east-1\",\"status\":\"3\",\"summary\":\"down"
		" \\u00e4\",\"date\":\"1763690000\"},{\"service\":\"s3-eu-west-1\","
		"\"status\":\"3\"},{\"service\":\"x-us-east-1\",\"status\":0},7]";
	struct str u16 = STR_INIT(10000);

	for (int order = 0; order < 4; order++) { /* both orders, with and without mark */
		bool big = order & 1;
		str_clear(&u16);
		if (order & 2)
			str_addn(&u16, big ? "\xfe\xff" : "\xff\xfe", 2);
		for (const char *c = text; *c; c++) {
			char pair[2] = { big ? 0 : *c, big ? *c : 0 };
			str_addn(&u16, pair, 2);
		}
		assert_int_equal(awshealth_read(u16.s, u16.len, &allow, &r, &err), 0);
		assert_int_equal(r.state, FEED_DOWN);
		assert_int_equal(r.n_matched, 2);
		assert_int_equal(r.n_items, 1);
		assert_int_equal(r.incidents[0].started_ms, 1763690000000);
		assert_int_not_equal(awshealth_read(u16.s, u16.len - 1, &allow, &r, &err), 0);
	}
	str_fini(&u16);
	assert_int_equal(awshealth_read(text, strlen(text), &allow, &r, &err), 0);
	assert_int_not_equal(awshealth_read("{}", 2, &allow, &r, &err), 0);
	assert_int_not_equal(awshealth_read("", 0, &allow, &r, &err), 0);
	assert_int_equal(r.state, FEED_UNKNOWN);
	static const char *const bad[] = { "[]", "{}", "{\"components\":{}}", "null",
					   "{\"status\":3}", "" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_not_equal(statuspage_read(bad[i], strlen(bad[i]), NULL, &r, &err), 0);
		assert_int_equal(r.state, FEED_UNKNOWN);
	}
	static const char odd[] =
				  "{\"status\":{\"indicator\":\"none\"},\"components\":[3,"
				  "{\"name\":5},{\"name\":\"A\",\"status\":\"purple\"}],"
				  "\"incidents\":[1,{}]}";
	assert_int_equal(statuspage_read(odd, strlen(odd), NULL, &r, &err), 0);
	static const char few[] = "{\"status\":{\"indicator\":\"none\"}}";
	assert_int_equal(statuspage_read(few, strlen(few), NULL, &r, &err), 0);
	assert_int_equal(r.state, FEED_OPERATIONAL);
	assert_int_equal(statuspage_read(few, strlen(few), &allow, &r, &err), 0);
	assert_int_equal(r.state, FEED_UNKNOWN); /* what was asked for is not on the page */
	(void)state;
}

/* ---- the application ------------------------------------------------------------------ */

static void app(struct world *w)
{
	struct app_health h;
	struct app_features f;
	struct webhook_probe probe;
	struct call_info i;
	struct hook_body body = { "EV-1", 7, 300 };
	struct str text = STR_INIT(1000);
	bool valid;

	CHECK_INT(w->p->app->health(w->p, &h, &i), CALL_OK);
	CHECK(h.healthy);
	CHECK_INT(w->p->app->twilio_health(w->p, &h, &i), CALL_OK);
	CHECK(!(h.healthy));
	CHECK(NULL != (strstr(w->last_headers.s, "X-Internal-Key: internal-key-1")));
	CHECK_INT(w->p->app->features(w->p, &f, &i), CALL_OK);
	CHECK_INT(f.n, 2);
	CHECK_STR(f.v[1].name, "mms");
	CHECK(!(f.v[1].on));
	CHECK_INT(w->p->app->feature_set(w->p, NULL, "sms_automation", false, &i), CALL_OK);
	CHECK_STR(w->last_body.s, "{\"feature\":\"sms_automation\",\"enabled\":false}");
	CHECK_INT(w->p->app->hook(w->p, NULL, HOOK_LOCK, &body, &i), CALL_OK);
	CHECK_STR(w->last_body.s, "{\"eventId\":\"EV-1\",\"epoch\":7,\"ttlSeconds\":300}");
	const char *sig = strstr(w->last_headers.s, "X-Ringdown-Signature: ");
	CHECK(NULL != (sig));
	_cleanup_(free_p) char *value = xstrndup(sig + 22, strcspn(sig + 22, "\n"));
	CHECK(ringdown_signature_ok(w->set.hook_secret, loop_wall_ms(w->loop), 5000,
					  w->last_body.s, w->last_body.len, value));
	CHECK_INT(w->p->app->hook(w->p, NULL, HOOK_UNLOCK, &body, &i), CALL_SERVER);
	CHECK(i.maybe_done);
	for (int k = 0; k < 4; k++) {
		w->p->app->webhook_test(w->p, &w->cred, NULL, &probe, &i);
		CHECK_INT(probe.answered, k < 3);
		CHECK_INT(probe.twiml, k < 2);
		CHECK_INT(probe.signature_refused, k == 3);
	}
	CHECK(NULL != (strstr(w->last_headers.s, "X-Twilio-Signature: ")));
	CHECK_INT(w->p->app->validate_signature(w->p, &w->cred, &valid, &i), CALL_OK);
	CHECK(valid);
	CHECK_INT(w->p->app->get(w->p, "/alerting/health", &text, &i), CALL_OK);
	CHECK_STR(text.s, "{\"token\":\"[secret]\"}");
	str_fini(&text);
	LOG_IS(w, "GET /app/health\nGET /app/health/twilio\nGET /app/internal/features\n"
		  "PATCH /app/internal/features\nPOST /app/internal/failover/lock\n"
		  "POST /app/internal/failover/unlock\nPOST /app/webhooks/test\n"
		  "POST /app/webhooks/test\nPOST /app/webhooks/test\nPOST /app/webhooks/test\n"
		  "POST /app/debug/validate-signature\nGET /app/alerting/health\n");
}

static void test_app(void **state)
{
	static const struct rule rules[] = {
		{ "GET /app/health/twilio", 200, "{\"status\":\"error\"}" },
		{ "GET /app/health", 200, "{\"status\":\"OK\"}" },
		{ "GET /app/internal/features", 200,
		  "{\"features\":{\"sms_automation\":true,\"mms\":false,\"odd\":3}}" },
		{ "PATCH /app/internal/features", 200, "{\"ok\":true}" },
		{ "POST /app/internal/failover/lock", 204, "" },
		{ "POST /app/internal/failover/unlock", 500, "" },
		{ "POST /app/webhooks/test", 200, "<?xml version=\"1.0\"?>\n<!-- x"
						  " --><Response><Say>a</Say></Response>\n", 1 },
		{ "POST /app/webhooks/test", 200, "<Response/>", 1 },
		{ "POST /app/webhooks/test", 200, "<Response><Say>cut", 1 },
		{ "POST /app/webhooks/test", 403, "{\"error\":\"signature\"}", 1 },
		{ "POST /app/debug/validate-signature", 200, "{\"valid\":true}" },
		{ "GET /app/alerting/health", 200, "{\"token\":\"abc\"}" },
		{ 0 } };
	world_run(*state, rules, app);
}

/* Nothing listens: unreachable, quickly, and a write that was never sent is not "maybe". */
static void nobody(struct world *w)
{
	struct webhooks set = { .v = { "https://b/" } };
	struct account_info a;
	struct call_info i;

	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_UNREACHABLE);
	CHECK_INT(w->p->telephony->number_update(w->p, &w->cred, NULL, "PN1", &set, NULL, &i),
			 CALL_UNREACHABLE);
	CHECK(!(i.maybe_done));
}

static void test_nobody(void **state)
{
	static char closed[] = "http://127.0.0.1:1";
	struct world *w = *state;

	w->set.twilio_api = closed;
	world_run(w, NULL, nobody);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_eleven),
		T(test_eleven_nasty),
		T(shared_lookups),
		T(test_telnyx),
		T(test_feeds),
		T(feed_texts),
		T(test_app),
		T(test_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
