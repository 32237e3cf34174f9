/* The Twilio client over real HTTP against a scripted server: what is sent, and what becomes of
 * replies of every kind. */
#include "lib/provider_world.h"

#include "providers/twilio.h"

/* ---- Twilio: account ---------------------------------------------------------------- */

#define ACC "/2010-04-01/Accounts/AC1"

static void account_active(struct world *w)
{
	struct account_info a;
	struct call_info i;

	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_OK);
	CHECK_INT(a.status, ACCOUNT_ACTIVE);
	CHECK(!(a.trial));
	CHECK_STR(a.owner_sid, "AC0");
	CHECK_INT(i.requests, 1);
	CHECK_STR(i.request_id, "RQ77");
	LOG_IS(w, "GET " ACC ".json\n");
	CHECK(NULL != (strstr(w->last_headers.s, "Authorization: Basic QUMxOnRva2VuLW9mLWFjMQ==")));
	/* another credential is not there */
	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_PARENT, &a, &i), CALL_REFUSED);
	CHECK_INT(i.reason, REASON_NO_CREDENTIAL);
	CHECK_INT(i.requests, 0);
}

static void test_account(void **state)
{
	static const struct rule rules[] = {
		{ "GET " ACC ".json", 200,
		  "{\"sid\":\"AC1\",\"status\":\"active\",\"type\":\"Full\","
		  "\"owner_account_sid\":\"AC0\",\"friendly_name\":\"x\\u001b[1m\","
		  "\"auth_token\":\"shhh\"}", 0,
		  { "Twilio-Request-Id", "RQ77" } },
		{ 0 } };
	world_run(*state, rules, account_active);
}

static void account_key(struct world *w)
{
	struct account_info a;
	struct call_info i;

	snprintf(w->cred.api_key, sizeof(w->cred.api_key), "SK1");
	w->cred.api_secret = secret_new("secret-of-sk1");
	CHECK(credentials_have(&w->cred, CRED_SECOND)); /* the token beside the key */
	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_OK);
	CHECK_INT(a.status, ACCOUNT_UNKNOWN);
	CHECK(a.status_hidden);
	CHECK_INT(i.reason, REASON_KEY_CLASS);
	LOG_IS(w, "GET " ACC ".json\nGET " ACC "/IncomingPhoneNumbers.json?PageSize=1\n");
	/* the token sees it */
	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_SECOND, &a, &i), CALL_REJECTED);
	/* and when the key is dead everywhere, it is rejected */
	w->rules++;
	w->used[0] = 0;
	CHECK_INT(w->p->telephony->account(w->p, &w->cred, CRED_MAIN, &a, &i), CALL_REJECTED);
}

static void test_account_key(void **state)
{
	static const struct rule rules[] = {
		{ "GET " ACC "/IncomingPhoneNumbers.json?PageSize=1", 200,
		  "{\"incoming_phone_numbers\":[],\"next_page_uri\":null}" },
		{ "GET " ACC, 401, "{\"code\":20003,\"message\":\"Authenticate\",\"status\":401}" },
		{ 0 } };
	world_run(*state, rules, account_key);
}

static void account_nasty(struct world *w)
{
	enum call_result want[] = { CALL_GARBLED, CALL_GARBLED, CALL_GARBLED, CALL_GARBLED,
				    CALL_GARBLED, CALL_GARBLED, CALL_GARBLED, CALL_GARBLED,
				    CALL_GARBLED, CALL_TIMEOUT };
	for (size_t k = 0; k < COUNT_OF(want); k++) {
		struct account_info a;
		struct call_info i;
		w->p->telephony->account(w->p, &w->cred, CRED_MAIN, &a, &i);
		CHECK_INT(i.result, want[k]);
		CHECK_INT(a.status, ACCOUNT_UNKNOWN);
		CHECK(NULL == (strstr(i.message, "shhh")));
		CHECK(!(i.maybe_done));
	}
}

static void test_account_nasty(void **state)
{
	size_t big = (size_t)9 << 20;
	char *huge = xmalloc(big + 1);
	memset(huge, ' ', big);
	huge[0] = '{';
	huge[big] = 0;
	char *deep = xmalloc(200001);
	memset(deep, '[', 200000);
	deep[200000] = 0;
	const struct rule rules[] = {
		{ "GET ", 200, "{\"sid\":\"AC1\",\"status\":\"active\",\"auth_token\":\"shhh\"",
		  1 },
		{ "GET ", 200, "<html><body>Welcome to Hotel Wifi</body></html>", 1 },
		{ "GET ", 200, "{\"sid\":7,\"status\":[\"active\"],\"auth_token\":\"shhh\"}", 1 },
		{ "GET ", 200, "{\"sid\":\"AC2\",\"status\":\"suspended\"}", 1 },
		{ "GET ", 200, huge, 1 },
		{ "GET ", 200, deep, 1 },
		{ "GET ", 200, "", 1 },
		{ "GET ", 503, huge, 1 },
		{ "GET ", 0, NULL, 1 },
		{ "GET ", -1, NULL, 1 },
		{ 0 } };
	world_run(*state, rules, account_nasty);
	free(huge);
	free(deep);
}

static void balances(struct world *w)
{
	struct { bool known; double v; enum call_result r; } want[] = {
		{ true, 12.5, CALL_OK }, { true, 3, CALL_OK }, { false, 0, CALL_OK },
		{ false, 0, CALL_OK }, { false, 0, CALL_GARBLED } };
	for (size_t k = 0; k < COUNT_OF(want); k++) {
		struct balance b;
		struct call_info i;
		CHECK_INT(w->p->telephony->balance(w->p, &w->cred, CRED_MAIN, &b, &i), want[k].r);
		CHECK_INT(b.known, want[k].known);
		CHECK(b.amount == want[k].v);
	}
}

static void test_balance(void **state)
{
	static const struct rule rules[] = {
		{ "GET ", 200, "{\"balance\":\"12.5\",\"currency\":\"USD\"}", 1 },
		{ "GET ", 200, "{\"balance\":3,\"currency\":\"USD\"}", 1 },
		{ "GET ", 200, "{\"balance\":null}", 1 },
		{ "GET ", 404, "{\"code\":20404,\"message\":\"not found\"}", 1 },
		{ "GET ", 200, "{\"balance\":\"lots\"}", 1 },
		{ 0 } };
	world_run(*state, rules, balances);
}

/* ---- Twilio: numbers ---------------------------------------------------------------- */

#define NUM(sid, e164, url) \
	"{\"sid\":\"" sid "\",\"phone_number\":\"" e164 "\",\"voice_url\":" url "," \
	"\"sms_url\":\"\","                                                                      \
	"\"trunk_sid\":null,\"status\":\"in-use\",\"capabilities\":{\"voice\":true,\"sms\":false}}"

static void sweep(struct world *w)
{
	struct phone_list l;
	struct call_info i;

	CHECK_INT(w->p->telephony->numbers(w->p, &w->cred, CRED_MAIN, &l, &i), CALL_OK);
	CHECK_INT(l.n, 3);
	CHECK_INT(i.requests, 3);
	CHECK_STR(l.v[2].e164, "+15550000003");
	CHECK(l.v[0].voice && !l.v[0].sms);
	CHECK(l.v[0].hooks == l.v[1].hooks); /* kept once */
	CHECK(l.v[0].hooks != l.v[2].hooks);
	CHECK_STR(l.v[2].hooks->v[WH_VOICE_URL], "");
	CHECK_STR(l.v[0].hooks->v[WH_TRUNK_SID], "");
	CHECK(NULL != (phone_list_find(&l, "+15550000002")));
	phone_list_fini(&l);
	LOG_IS(w, "GET " ACC "/IncomingPhoneNumbers.json?PageSize=1000\n"
		  "GET " ACC "/IncomingPhoneNumbers.json?Page=1&PageToken=x\n"
		  "GET " ACC "/IncomingPhoneNumbers.json?Page=2\n");
}

static void test_sweep(void **state)
{
	static const struct rule rules[] = {
		{ "GET " ACC "/IncomingPhoneNumbers.json?PageSize", 200,
		  "{\"incoming_phone_numbers\":[" NUM("PN1", "+15550000001", "\"https://a/\"") "],"
		  "\"next_page_uri\":\"" ACC "/IncomingPhoneNumbers.json?Page=1&PageToken=x\"}" },
		{ "GET " ACC "/IncomingPhoneNumbers.json?Page=1", 200,
		  "{\"incoming_phone_numbers\":[" NUM("PN2", "+15550000002", "\"https://a/\"") "],"
		  "\"next_page_uri\":\"https://evil.example" ACC
		  "/IncomingPhoneNumbers.json?Page=2\"}" },
		{ "GET " ACC "/IncomingPhoneNumbers.json?Page=2", 200,
		  "{\"incoming_phone_numbers\":[" NUM("PN3", "+15550000003", "null") "],"
		  "\"next_page_uri\":null}" },
		{ 0 } };
	world_run(*state, rules, sweep);
}

static void bad_sweeps(struct world *w)
{
	for (int k = 0; k < 5; k++) {
		struct phone_list l;
		struct call_info i;
		enum call_result r = w->p->telephony->numbers(w->p, &w->cred, CRED_MAIN, &l, &i);
		CHECK_INT(r, k == 4 ? CALL_SERVER : CALL_GARBLED);
		CHECK_INT(l.n, 0); /* whole or empty */
		CHECK(NULL == (l.v));
	}
}

static void test_bad_sweeps(void **state)
{
	static const struct rule rules[] = {
		{ "GET ", 200, "{\"incoming_phone_numbers\":{}}", 1 },
		{ "GET ", 200, "{\"incoming_phone_numbers\":[1]}", 1 },
		{ "GET ", 200, "{\"incoming_phone_numbers\":[{\"sid\":\"PN1\"}]}", 1 },
		{ "GET ", 200, "{\"incoming_phone_numbers\":[],\"next_page_uri\":"
			       "\"" ACC "/IncomingPhoneNumbers.json?PageSize=1000\"}", 1 },
		{ "GET ", 200, "{\"incoming_phone_numbers\":[" NUM("PN1", "+15550000001", "null")
			       "],\"next_page_uri\":\"/next\"}", 1 },
		{ "GET ", 500, "oops", 1 },
		{ 0 } };
	world_run(*state, rules, bad_sweeps);
}

static void by_e164(struct world *w)
{
	struct phone_list l;
	struct call_info i;

	CHECK_INT(w->p->telephony->number_by_e164(w->p, &w->cred, "+15550000001", &l, &i), CALL_OK);
	CHECK_INT(l.n, 1);
	CHECK_STR(l.v[0].sid, "PN1");
	phone_list_fini(&l);
	CHECK(NULL != (strstr(w->log.s, "PhoneNumber=%2B15550000001")));
	CHECK_INT(w->p->telephony->number_by_e164(w->p, &w->cred, "+1555", &l, &i),
			 CALL_NOT_FOUND);
	CHECK_INT(l.n, 0);
}

static void test_by_e164(void **state)
{
	static const struct rule rules[] = {
		{ "GET ", 200, "{\"incoming_phone_numbers\":[" NUM("PN9", "+155500000019", "null")
		  ","
			       NUM("PN1", "+15550000001", "null") "],\"next_page_uri\":null}" },
		{ 0 } };
	world_run(*state, rules, by_e164);
}

static bool say_no(void *ctx)
{
	(*(int *)ctx)++;
	return false;
}

static void update(struct world *w)
{
	struct phone_list l;
	struct call_info i;
	struct webhooks set = { .v = { [WH_VOICE_URL] = "https://b/?x=1&y", [WH_SMS_URL] = "" } };
	struct webhooks none = { 0 };
	int asked = 0;
	struct write_guard no = { say_no, &asked };

	CHECK_INT(w->p->telephony->number_update(w->p, &w->cred, NULL, "PN1", &set, &l, &i),
			 CALL_OK);
	CHECK_STR(w->last_body.s, "VoiceUrl=https%3A%2F%2Fb%2F%3Fx%3D1%26y&SmsUrl=");
	CHECK_STR(l.v[0].hooks->v[WH_VOICE_URL], "https://b/?x=1&y");
	phone_list_fini(&l);
	str_clear(&w->log);
	/* the guard refuses: nothing goes out, nothing may be done */
	w->p->telephony->number_update(w->p, &w->cred, &no, "PN1", &set, NULL, &i);
	CHECK_INT(i.result, CALL_CANCELLED);
	CHECK_INT(i.reason, REASON_GUARD);
	CHECK_INT(asked, 1);
	CHECK(!(i.maybe_done));
	w->p->telephony->number_update(w->p, &w->cred, NULL, "PN1", &none, NULL, &i);
	CHECK_INT(i.result, CALL_REFUSED);
	LOG_IS(w, "");
	/* repeated after 429, and only then */
	w->p->telephony->number_update(w->p, &w->cred, NULL, "PN2", &set, NULL, &i);
	CHECK_INT(i.result, CALL_SERVER);
	CHECK(i.maybe_done);
	CHECK_INT(i.requests, 2);
	/* reply lost */
	w->p->telephony->number_update(w->p, &w->cred, NULL, "PN3", &set, NULL, &i);
	CHECK_INT(i.result, CALL_GARBLED);
	CHECK(i.maybe_done);
	CHECK_INT(i.requests, 1);
	/* reply of another number */
	w->p->telephony->number_update(w->p, &w->cred, NULL, "PN4", &set, NULL, &i);
	CHECK_INT(i.result, CALL_GARBLED);
	CHECK(i.maybe_done);
	/* too slow: the write deadline, not the read timeout */
	w->p->telephony->number_update(w->p, &w->cred, NULL, "PN5", &set, NULL, &i);
	CHECK_INT(i.result, CALL_TIMEOUT);
	CHECK(i.maybe_done);
}

static void test_update(void **state)
{
	static const struct rule rules[] = {
		{ "POST " ACC "/IncomingPhoneNumbers/PN1.json", 200,
		  NUM("PN1", "+15550000001", "\"https://b/?x=1&y\"") },
		{ "POST " ACC "/IncomingPhoneNumbers/PN2.json", 429,
		  "{\"code\":20429,\"message\":\"x\"}", 1 },
		{ "POST " ACC "/IncomingPhoneNumbers/PN2.json", 500, "{}" },
		{ "POST " ACC "/IncomingPhoneNumbers/PN3.json", 0 },
		{ "POST " ACC "/IncomingPhoneNumbers/PN4.json", 200,
		  NUM("PN1", "+15550000001", "null") },
		{ "POST " ACC "/IncomingPhoneNumbers/PN5.json", -1 },
		{ 0 } };
	world_run(*state, rules, update);
}

static void limited(struct world *w)
{
	struct phone_list l;
	struct call_info i;

	CHECK_INT(w->p->telephony->number(w->p, &w->cred, "PN1", &l, &i), CALL_OK);
	CHECK_INT(i.requests, 3);
	phone_list_fini(&l);
	CHECK_INT(w->p->telephony->number(w->p, &w->cred, "PN2", &l, &i), CALL_RATE_LIMITED);
	CHECK_INT(i.requests, 4); /* one and three repeats */
	CHECK_INT(w->p->telephony->number(w->p, &w->cred, "PN3", &l, &i), CALL_RATE_LIMITED);
	CHECK_INT(i.requests, 1); /* asked to wait longer than an operation should */
	CHECK_INT(i.retry_after_ms, 60000);
}

static void test_limited(void **state)
{
	static const struct rule rules[] = {
		{ "GET " ACC "/IncomingPhoneNumbers/PN1", 429, "{}", 2 },
		{ "GET " ACC "/IncomingPhoneNumbers/PN1", 200, NUM("PN1", "+15550000001", "null") },
		{ "GET " ACC "/IncomingPhoneNumbers/PN2", 429, "{}" },
		{ "GET " ACC "/IncomingPhoneNumbers/PN3", 429, "{}", 0, { "Retry-After", "60" } },
		{ 0 } };
	world_run(*state, rules, limited);
}

static void one_balance(struct world *w)
{
	struct balance b;
	struct call_info i;

	CHECK_INT(w->p->telephony->balance(w->p, &w->cred, CRED_MAIN, &b, &i), CALL_OK);
}

/* A cancelled task: what was on the wire may be done, what waited for a slot is not, and the
 * slots come back. */
struct job { struct world *w; struct call_info info; bool over; };

static void write_one(void *arg)
{
	struct job *j = arg;
	struct webhooks set = { .v = { "https://b/" } };

	j->w->p->telephony->number_update(j->w->p, &j->w->cred, NULL, "PN1", &set, NULL, &j->info);
	j->over = true;
}

static void cancelled(void **state)
{
	static const struct rule rules[] = { { "POST ", -1 }, { 0 } };
	struct world *w = *state;
	struct job jobs[6];
	struct task *tasks[6];
	int over = 0;

	w->rules = rules;
	w->set.write_timeout_ms = 10000;
	for (int k = 0; k < 6; k++) { /* four slots */
		jobs[k] = (struct job){ .w = w };
		tasks[k] = task_start(w->loop, "write", write_one, &jobs[k], NULL);
	}
	int64_t end = loop_now_ms(w->loop) + 5000;
	while (w->n_parked < 4 && loop_now_ms(w->loop) < end)
		loop_run_once(w->loop, 20);
	for (int k = 5; k >= 0; k--)
		task_cancel(tasks[k]);
	while (over < 6 && loop_now_ms(w->loop) < end) {
		loop_run_once(w->loop, 20);
		for (int k = over = 0; k < 6; k++)
			over += jobs[k].over;
	}
	assert_int_equal(over, 6);
	for (int k = 0; k < 6; k++) {
		assert_int_equal(jobs[k].info.result, CALL_CANCELLED);
		assert_int_equal(jobs[k].info.maybe_done, k < 4);
		assert_int_equal(jobs[k].info.requests, k < 4);
	}
	static const struct rule fine[] = { { "GET ", 200, "{\"balance\":\"1\"}" }, { 0 } };
	world_run(w, fine, one_balance);
}

/* Region and edge go into the host only where that is Twilio's own. */
static void hosts(void **state)
{
	struct world *w = *state;
	static const struct { const char *base, *region, *edge, *want; } t[] = {
		{ "https://api.twilio.com", "", "", "https://api.twilio.com" },
		{ "https://api.twilio.com", "us1", "", "https://api.twilio.com" },
		{ "https://api.twilio.com", "ie1", "", "https://api.dublin.ie1.twilio.com" },
		{ "https://api.twilio.com/", "au1", "singapore",
		  "https://api.singapore.au1.twilio.com/" },
		{ "https://api.twilio.com", "", "ashburn", "https://api.ashburn.us1.twilio.com" },
		{ "https://api.twilio.com", "mars1", "", "https://api.twilio.com" },
		{ "https://api.dublin.ie1.twilio.com", "au1", "",
		  "https://api.dublin.ie1.twilio.com" },
		{ "https://proxy.example/api.twilio.com", "ie1", "",
		  "https://proxy.example/api.twilio.com" },
		{ "http://127.0.0.1:9/", "ie1", "dublin", "http://127.0.0.1:9/" },
	};

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct str out = STR_INIT(1000);
		w->set.twilio_api = (char *)(uintptr_t)t[i].base;
		snprintf(w->cred.region, sizeof(w->cred.region), "%s", t[i].region);
		snprintf(w->cred.edge, sizeof(w->cred.edge), "%s", t[i].edge);
		twilio_base(&out, w->p, &w->cred, TW_API);
		assert_string_equal(out.s, t[i].want);
		str_fini(&out);
	}
}

static void small_parts(void **state)
{
	static const struct { const char *want, *have; unsigned bits; } d[] = {
		{ NULL, "x", 0 }, { "x", "x", 0 }, { "", NULL, 0 },
		{ "", "x", 1u << WH_VOICE_URL }, { "y", "x", 1u << WH_VOICE_URL },
	};
	for (size_t i = 0; i < COUNT_OF(d); i++) {
		struct webhooks a = { .v = { d[i].want } };
		struct webhooks b = { .v = { d[i].have } };
		assert_int_equal(webhooks_diff(&a, &b), d[i].bits);
	}
	struct webhooks want = { .v = { [WH_SMS_URL] = "", [WH_SMS_METHOD] = "" } };
	struct webhooks have = { .v = { [WH_SMS_URL] = "", [WH_SMS_METHOD] = "POST" } };
	assert_int_equal(webhooks_diff(&want, &have), 0);
	assert_string_equal(region_edge("ie1"), "dublin");
	assert_null(region_edge("mars1"));
	struct world *w = *state;
	static const struct { const char *url; bool is; } v[] = {
		{ "https://api.us.elevenlabs.io/twilio/inbound_call", true },
		{ "https://api.elevenlabs.io/twilio/inbound_call?x=1", true },
		{ "https://elevenlabs.io.evil.example/twilio/inbound_call", false },
		{ "https://api.us.elevenlabs.io/other", false },
		{ "http://api.us.elevenlabs.io/twilio/inbound_call", false },
		{ "", false }, { NULL, false },
	};
	for (size_t i = 0; i < COUNT_OF(v); i++)
		assert_int_equal(voice_url_is_elevenlabs(w->p, v[i].url), v[i].is);
}

/* ---- Twilio: traffic ---------------------------------------------------------------- */

static void traffic(struct world *w)
{
	struct call_list calls;
	struct message_list messages;
	struct alert_list alerts;
	struct change_list changes;
	struct sms_number_list sms;
	struct code_list codes;
	struct call_info i;
	char region[16];
	int64_t since;
	int live;

	CHECK(parse_time_ms("2026-11-21T03:00:00Z", &since));
	CHECK_INT(w->p->telephony->calls(w->p, &w->cred, since, 3, &calls, &i), CALL_OK);
	CHECK(NULL != (strstr(w->log.s, "StartTime%3E=2026-11-21T03%3A00%3A00Z\n")));
	CHECK_INT(calls.n, 2); /* the third began before the window */
	CHECK_INT(calls.v[0].status, CALL_STATUS_FAILED);
	CHECK_INT(calls.v[0].start_ms, since + 60000);
	CHECK_INT(calls.v[1].duration_s, 15);
	CHECK(calls.v[1].inbound && !calls.v[0].inbound);
	LIST_FINI(&calls);
	CHECK_INT(w->p->telephony->calls_live(w->p, &w->cred, "+15550000001", &live, &i), CALL_OK);
	CHECK_INT(live, 3);
	CHECK_INT(w->p->telephony->messages(w->p, &w->cred, since, 3, &messages, &i), CALL_OK);
	CHECK_INT(messages.n, 3);
	CHECK_INT(messages.v[0].code, 30002);
	CHECK_INT(messages.v[1].code, 30007);
	CHECK_INT(messages.v[2].code, 0);
	CHECK_INT(messages.v[2].status, MESSAGE_QUEUED);
	LIST_FINI(&messages);
	CHECK_INT(w->p->telephony->alerts(w->p, &w->cred, since, 1, &alerts, &i), CALL_OK);
	CHECK_INT(alerts.n, 1);
	CHECK(alerts.more);
	CHECK_INT(alerts.v[0].code, 11200);
	LIST_FINI(&alerts);
	CHECK_INT(w->p->telephony->alerts(w->p, &w->cred, since, 2, &alerts, &i), CALL_OK);
	CHECK_INT(alerts.n, 2);
	LIST_FINI(&alerts);
	CHECK_INT(w->p->telephony->changes(w->p, &w->cred, "PN1", since, &changes, &i), CALL_OK);
	CHECK_INT(changes.n, 1);
	CHECK_STR(changes.v[0].type, "phone-number.updated");
	LIST_FINI(&changes);
	CHECK_INT(w->p->telephony->call_codes(w->p, &w->cred, "CA1", &codes, &i), CALL_OK);
	CHECK_INT(codes.n, 2);
	CHECK_INT(codes.v[0] + codes.v[1], 10003 + 11200);
	LIST_FINI(&codes);
	CHECK_INT(w->p->telephony->sms_numbers(w->p, &w->cred, &sms, &i), CALL_OK);
	CHECK_INT(sms.n, 2);
	CHECK_INT(sms.v[0].campaign, CAMPAIGN_APPROVED);
	CHECK_INT(sms.v[1].campaign, CAMPAIGN_NONE);
	LIST_FINI(&sms);
	CHECK_INT(w->p->telephony->voice_region(w->p, &w->cred, "+15550000001", region, &i),
		  CALL_OK);
	CHECK_STR(region, "ie1");
	CHECK_INT(w->p->telephony->video(w->p, &w->cred, &i), CALL_OK);
}

static void test_traffic(void **state)
{
	static const struct rule rules[] = {
		{ "GET " ACC "/Calls.json?PageSize=1000&StartTime", 200,
		  "{\"calls\":[{\"sid\":\"CA1\",\"status\":\"failed\",\"start_time\":\"Sat, 21 Nov"
		  " 2026 03:01:00 +0000\",\"duration\":null,\"direction\":\"outbound-api\"},"
		  "{\"sid\":\"CA2\",\"status\":\"completed\",\"start_time\":\"Sat, 21 Nov 2026"
		  " 03:00:30 +0000\",\"duration\":\"15\",\"direction\":\"inbound\"},"
		  "{\"sid\":\"CA3\",\"status\":\"completed\",\"start_time\":\"Sat, 21 Nov 2026"
		  " 02:00:30 +0000\"}],\"next_page_uri\":\"/more\"}" },
		{ "GET " ACC "/Calls.json?PageSize=1000&Status=in-progress&To=%2B15550000001", 200,
		  "{\"calls\":[{\"sid\":\"1\"},{\"sid\":\"2\"},{\"sid\":\"3\"}]}" },
		{ "GET " ACC "/Messages.json?PageSize=1000&DateSent%3E=2026-11-21T03%3A00%3A00Z",
		  200,
		  "{\"messages\":[{\"sid\":\"SM1\",\"status\":\"failed\",\"error_code\":30002,"
		  "\"date_sent\":\"Sat, 21 Nov 2026 03:01:00 +0000\"},{\"sid\":\"SM2\","
		  "\"status\":\"undelivered\",\"error_code\":\"30007\",\"date_sent\":\"Sat, 21 Nov"
		  " 2026 03:00:00 +0000\"},{\"sid\":\"SM3\",\"status\":\"accepted\","
		  "\"error_code\":null,\"date_sent\":null}],\"next_page_uri\":\"\"}" },
		{ "GET /monitor/v1/Alerts?LogLevel=error", 200,
		  "{\"alerts\":[{\"sid\":\"NO1\",\"error_code\":\"11200\",\"resource_sid\":\"CA1\","
		  "\"date_generated\":\"2026-11-21T03:01:00Z\"}],"
		  "\"meta\":{\"next_page_url\":\"https://monitor.twilio.com/v1/Alerts?Page=1\"}}" },
		{ "GET /monitor/v1/Alerts?Page=1", 200,
		  "{\"alerts\":[{\"sid\":\"NO2\",\"error_code\":11205}],"
		  "\"meta\":{\"next_page_url\":null}}" },
		{ "GET /monitor/v1/Events?PageSize=100&ResourceSid=PN1&"
		  "StartDate=2026-11-21T03%3A00%3A00Z", 200,
		  "{\"events\":[{\"sid\":\"AE1\",\"event_type\":\"phone-number.updated\","
		  "\"event_date\":\"2026-11-21T03:05:00Z\"}],\"meta\":{}}" },
		{ "GET " ACC "/Calls/CA1/Notifications.json", 200,
		  "{\"notifications\":[{\"error_code\":\"10003\"},{\"error_code\":11200},"
		  "{\"error_code\":null}]}" },
		{ "GET /monitor/v1/Services?", 200,
		  "{\"services\":[{\"sid\":\"MG1\"},{\"sid\":\"MG2\"}],\"meta\":{}}" },
		{ "GET /monitor/v1/Services/MG1/Compliance/Usa2p", 200,
		  "{\"compliance\":[{\"campaign_status\":\"FAILED\"},"
		  "{\"campaign_status\":\"VERIFIED\"}],\"meta\":{}}" },
		{ "GET /monitor/v1/Services/MG2/Compliance/Usa2p", 404,
		  "{\"code\":20404,\"message\":\"x\"}" },
		{ "GET /monitor/v1/Services/MG1/PhoneNumbers", 200,
		  "{\"phone_numbers\":[{\"sid\":\"PN1\",\"phone_number\":\"+15550000001\"}],"
		  "\"meta\":{}}" },
		{ "GET /monitor/v1/Services/MG2/PhoneNumbers", 200,
		  "{\"phone_numbers\":[{\"sid\":\"PN2\",\"phone_number\":\"+15550000002\"}],"
		  "\"meta\":{}}" },
		{ "GET /monitor/v2/PhoneNumbers/%2B15550000001", 200,
		  "{\"voice_region\":\"ie1\"}" },
		{ "GET /monitor/v1/Rooms?PageSize=1", 200, "{\"rooms\":[],\"meta\":{}}" },
		{ 0 } };
	world_run(*state, rules, traffic);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_account),
		T(test_account_key),
		T(test_account_nasty),
		T(test_balance),
		T(test_sweep),
		T(test_bad_sweeps),
		T(test_by_e164),
		T(test_update),
		T(test_limited),
		T(cancelled),
		T(hosts),
		T(small_parts),
		T(test_traffic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
