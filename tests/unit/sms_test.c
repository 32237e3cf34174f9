/* SMS: the dictionary, the counts, reports, actions and retries on a real database, and the
 * alerts of an SMS storm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/alerter.h"
#include "alert/tell.h"
#include "core/log.h"
#include "core/task.h"
#include "providers/provider.h"
#include "sim/fault.h"
#include "sim/server.h"
#include "sms/codes.h"
#include "sms/sms.h"
#include "store/control.h"
#include "store/lease_row.h"
#include "tests/lib/storetest.h"

STORETEST(st)
static const struct who ben = { .actor = "ben", .role = "operator", .via = "api" };
enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

/* A failure inside a task does not come back to the runner: end here, saying what. */
static void stop(int line, const char *what, const char *have, const char *want)
{
	fprintf(stderr, "line %d: %s\nis '%s', not '%s'\n", line, what, have, want);
	exit(1);
}

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		if ((call) < 0)                                                                    \
			stop(__LINE__, #call, err_.msg, "done");                                   \
	} while (0)
#define FAILS(code, call)                                                                          \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		int e_ = (call);                                                                   \
		if (e_ != (code))                                                                  \
			stop(__LINE__, #call, err_.msg, #code);                                    \
	} while (0)
#define HAS(text, want)                                                                            \
	do {                                                                                       \
		if (!strstr(text, want))                                                           \
			stop(__LINE__, "text", text, want);                                        \
	} while (0)

static void sql(struct store *s, const char *text)
{
	OK(store_query(s, NULL, err, text, ""));
}

static const char *value(struct store *s, const char *text)
{
	static char out[2000];
	struct pg_result *r = NULL;

	OK(store_query(s, &r, err, text, ""));
	snprintf(out, sizeof(out), "%s", pg_rows(r) ? pg_text(r, 0, 0) : "");
	pg_result_free(r);
	return out;
}
#define IS(s, text, want)                                                                          \
	do {                                                                                       \
		if (!str_eq(value(s, text), want))                                                 \
			stop(__LINE__, text, value(s, text), want);                                \
	} while (0)

/* ---- the dictionary ------------------------------------------------------------------------ */

static const struct {
	int64_t code;
	bool known, retry;
	const char *meaning;
} code_rows[] = {
	{ 30007, true, false, "Filtered by Twilio or carrier (spam, policy, URL)" },
	{ 30003, true, true, "Handset unreachable: off, no signal, or landline" },
	{ 30008, true, true, "Carrier gave a generic failure; cause unknown" },
	{ 21610, true, false, "Recipient opted out (STOP) from this sender or service" },
	{ 21408, true, false, "SMS geographic permission missing for the destination"
				     " country" },
	{ 21608, true, false, "Trial account: recipient is not a verified number" },
	{ 30034, true, false, "US message from a number that is in no approved 10DLC"
				     " campaign" },
	{ 90010, true, false, "Account is not in an active state" },
	{ 30999, false, false, "A delivery failure, not in our table" },
	{ 3000, false, false, "An error of unknown meaning" },
	{ 0, false, false, "No code given" },
};

static void codes(void **state)
{
	struct sms_code c;
	const char *why;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(code_rows); i++) {
		sms_code_find(code_rows[i].code, &c);
		assert_string_equal(c.meaning, code_rows[i].meaning);
		assert_int_equal(c.known, code_rows[i].known);
		assert_int_equal(sms_code_may_retry(code_rows[i].code, &why), code_rows[i].retry);
		assert_true(code_rows[i].retry ? !why : why != NULL);
	}
	for (int64_t last = 0; sms_code_at(n, &c); n++) {
		assert_true(c.code > last && *c.meaning && *c.category && *c.retryable &&
			    *c.signal);
		last = c.code;
	}
	assert_int_equal(n, 133);
	sms_code_find(21610, &c);
	assert_string_equal(c.link, "https://www.twilio.com/docs/errors/21610");
	/* quotes and commas inside a cell */
	sms_code_find(20003, &c);
	assert_true(str_has_prefix(c.meaning, "Credentials refused: wrong pair, deleted token"));
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void counts(void **state)
{
	struct sms_counts *c = sms_counts_new(SMS_TWILIO, false);
	struct sms_group *g;
	size_t n;

	(void)state;
	sms_counts_add(c, 0, "o1", "+1", "delivered", 0, 90);
	sms_counts_add(c, MINUTE_MS, "o1", "+1", "failed", 30007, 5);
	sms_counts_add(c, MINUTE_MS, "o2", "+2", "undelivered", 30007, 7);
	sms_counts_add(c, HOUR_MS, "o2", "+2", "undelivered", 30003, 1);
	sms_counts_add(c, HOUR_MS, "o2", "+3", "queued", 0, 2);
	g = sms_counts_by(c, SMS_BY_CODE, 0, NULL, &n);
	assert_int_equal(n, 2);
	assert_int_equal(g[0].code, 30007);
	assert_int_equal(g[0].total, 12);
	assert_int_equal(g[0].orgs, 2);
	free(g);
	g = sms_counts_by(c, SMS_BY_ORG, 0, NULL, &n);
	assert_int_equal(n, 2);
	assert_string_equal(g[0].key, "o2");
	assert_int_equal(g[0].undelivered, 8);
	assert_int_equal(g[0].queued, 2);
	assert_int_equal(g[1].delivered, 90);
	free(g);
	g = sms_counts_by(c, SMS_BY_HOUR, 0, NULL, &n);
	assert_int_equal(n, 2);
	assert_int_equal(g[0].at_ms, HOUR_MS);
	free(g);
	g = sms_counts_by(c, SMS_BY_ALL, HOUR_MS, "o2", &n);
	assert_int_equal(n, 1);
	assert_int_equal(g[0].total, 3);
	free(g);
	sms_counts_free(c);
}

/* ---- a database with traffic ---------------------------------------------------- */

static void traffic(struct store *s)
{
	sql(s, "INSERT INTO \"VoiceAgent\" (id, \"orgId\", name, \"twilioPhoneNumber\") VALUES"
	       " ('a1', 'org_1', 'A', '+15550001'), ('a2', 'org_2', 'B', '+15550002')");
	/* 60 delivered, and of org_2: 20 filtered, 4 generic failures, 2 opted out, 1 too old */
	sql(s, "INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\","
	       " \"to\", content, metadata, \"createdAt\") SELECT 'd' || i, CASE WHEN i % 2 = 0"
	       " THEN 'org_1' ELSE 'org_2' END, 'outbound', 'sms', 'delivered', '+1555000' || (i %"
	       " 2 + 1), '+1444' || i, 'hello', NULL, clock_timestamp() - i * interval '5 seconds'"
	       " FROM generate_series(1, 60) i");
	sql(s, "INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\","
	       " \"to\", content, metadata, \"createdAt\") SELECT 'f' || i, 'org_2', 'outbound',"
	       " 'sms', 'undelivered', '+15550002', '+1777' || i, E'secret \\033[31m words',"
	       " jsonb_build_object('twilioErrorCode', '30007', 'twilioErrorMessage', 'Carrier"
	       " violation'), clock_timestamp() - interval '2 minutes' FROM generate_series(1, 20)"
	       " i");
	sql(s, "INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\","
	       " \"to\", content, metadata, \"createdAt\") SELECT 'r' || i, 'org_2', 'outbound',"
	       " 'sms', 'failed', '+15550002', '+1888' || i, 'again',"
	       " jsonb_build_object('twilioErrorCode', 30008), clock_timestamp() - interval '3"
	       " minutes' FROM generate_series(1, 14) i");
	sql(s, "INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\","
	       " \"to\", content, metadata, \"createdAt\") VALUES"
	       " ('o1', 'org_2', 'outbound', 'sms', 'failed', '+15550002', '+18881', 'x',"
	       "  '{\"twilioErrorCode\":\"21610\"}', clock_timestamp() - interval '2 hours'),"
	       " ('g1', 'org_2', 'outbound', 'sms', 'failed', '+15550002', '+1999', 'x',"
	       "  '{\"twilioErrorCode\":\"21408\"}', clock_timestamp() - interval '1 minute'),"
	       " ('old', 'org_2', 'outbound', 'sms', 'failed', '+15550002', '+1998', 'x',"
	       "  '{\"twilioErrorCode\":\"30008\"}', clock_timestamp() - interval '61 minutes'),"
	       " ('in', 'org_2', 'inbound', 'sms', 'failed', '+1', '+15550002', 'x', NULL,"
	       " clock_timestamp())");
}

static struct sms *open_sms(struct store *s, struct providers *p)
{
	struct sms_deps d = { s->loop, s, p, HOUR_MS };

	return sms_new(&d);
}

static char *report(struct sms *s, enum sms_report_kind kind, bool content)
{
	struct sms_query q = { .kind = kind, .window_ms = HOUR_MS, .limit = 200,
			       .content = content };
	struct str b = STR_INIT(1 << 20);

	OK(sms_report(s, &q, &b, err));
	return str_take(&b);
}

static void reports_in(void *arg)
{
	struct store *s = arg;
	struct sms *sms;
	char *doc;

	traffic(s);
	sms = open_sms(s, NULL);
	doc = report(sms, SMS_MIX, false);
	HAS(doc, "\"status\":\"delivered\",\"messages\":60");
	HAS(doc, "\"status\":\"undelivered\",\"messages\":20");
	HAS(doc, "\"status\":\"failed\",\"messages\":15");
	free(doc);
	doc = report(sms, SMS_CODES, false);
	HAS(doc, "\"code\":30007,\"messages\":20,\"orgs\":1,\"category\":\"content\"");
	free(doc);
	sql(s, "INSERT INTO \"OrgSettings\" (\"orgId\", \"smsDisabled\") VALUES ('org_2', true)");
	doc = report(sms, SMS_ORGS, false);
	HAS(doc, "\"orgId\":\"org_2\",\"messages\":65,\"delivered\":30,\"failed\":15,"
		 "\"undelivered\":20");
	HAS(doc, "\"smsDisabled\":true");
	free(doc);
	doc = report(sms, SMS_SENDERS, false);
	HAS(doc, "\"sender\":\"+15550002\"");
	free(doc);
	free(report(sms, SMS_HOURS, false));
	doc = report(sms, SMS_FAILURES, false);
	HAS(doc, "\"advice\":\"Review content and registration");
	if (strstr(doc, "secret") || strstr(doc, "\"content\""))
		stop(__LINE__, "content", doc, "nothing of it");
	free(doc);
	doc = report(sms, SMS_FAILURES, true);
	HAS(doc, "secret [31m words");
	free(doc);
	/* what is new, what changed its status a moment ago, and pages without a gap */
	sql(s, "UPDATE \"MessageLog\" SET status = 'failed' WHERE id = 'd1'");
	sql(s, "INSERT INTO \"MessageLog\" (id, \"orgId\", direction, status, \"createdAt\") VALUES"
	       " ('new', 'org_1', 'outbound', 'delivered', clock_timestamp())");
	doc = report(sms, SMS_MIX, false);
	HAS(doc, "\"status\":\"delivered\",\"messages\":60");
	HAS(doc, "\"status\":\"failed\",\"messages\":16");
	free(doc);
	struct sms_query q = { .kind = SMS_FAILURES, .window_ms = HOUR_MS, .limit = 15,
			       .org = "org_2" };
	char cursor[80] = "";
	int seen = 0;
	for (int page = 0; page < 5; page++) {
		struct str b = STR_INIT(1 << 20);
		q.cursor = *cursor ? cursor : NULL;
		OK(sms_report(sms, &q, &b, err));
		struct json *j = json_parse(b.s, b.len, NULL);
		seen += (int)json_count(json_get(j, "rows"));
		const char *next = json_get_str(j, "nextCursor");
		snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
		json_free(j);
		str_fini(&b);
		if (!*cursor)
			break;
	}
	if (seen != 36)
		stop(__LINE__, "rows over all pages", seen < 36 ? "fewer" : "more", "36");
	q.cursor = "nonsense";
	struct str b = STR_INIT(1000);
	FAILS(ERR_INVALID, sms_report(sms, &q, &b, err));
	str_fini(&b);
	sms_free(sms);
}

static void reports(void **state)
{
	(void)state;
	storetest_run(&st, reports_in);
}

/* ---- actions -------------------------------------------------------------------- */

static void actions_in(void *arg)
{
	struct store *s = arg;
	struct sms_order o = SMS_ORDER;
	struct str b = STR_INIT(10000);
	struct sms *sms;

	traffic(s);
	sms = open_sms(s, NULL);
	o.org = "org_9";
	FAILS(ERR_NOT_FOUND, sms_org_off(sms, &ben, &o, &b, err));
	o.org = "org_2";
	o.reason = "carrier 30007";
	o.dry_run = true;
	OK(sms_org_off(sms, &ben, &o, &b, err));
	HAS(b.s, "\"dryRun\":true,\"rows\":1");
	IS(s, "SELECT count(*) FROM \"OrgSettings\"", "0");
	o.dry_run = false;
	o.rows = 3;
	FAILS(ERR_CONFLICT, sms_org_off(sms, &ben, &o, &b, err));
	o.rows = 1;
	OK(sms_org_off(sms, &ben, &o, &b, err));
	FAILS(ERR_CONFLICT, sms_org_off(sms, &ben, &o, &b, err));	/* already */
	IS(s, "SELECT \"smsDisabled\"::text FROM \"OrgSettings\" WHERE \"orgId\" = 'org_2'",
	   "true");
	IS(s, "SELECT what || ' ' || subject || ' ' || by || ' ' || reason FROM ringdown.hold",
	   "sms-off org_2 ben carrier 30007");
	IS(s, "SELECT kind || ' ' || (before->>'smsDisabled') || (after->>'smsDisabled') FROM"
	      " ringdown.sms_action", "org-off falsetrue");
	OK(sms_org_on(sms, &ben, &o, &b, err));
	IS(s, "SELECT count(*) FROM ringdown.hold", "0");
	IS(s, "SELECT undone_by FROM ringdown.sms_action WHERE kind = 'org-off'", "ben");
	/* a rate, undone; undone twice; undone after somebody else changed it */
	o.per_minute = 5;
	OK(sms_org_rate(sms, &ben, &o, &b, err));
	IS(s, "SELECT what FROM ringdown.hold", "sms-rate 5/min");
	OK(sms_undo(sms, &ben, "SA-3", &b, err));
	IS(s, "SELECT coalesce(\"maxMessagesPerMinute\"::text, 'none') FROM \"OrgSettings\"",
	   "none");
	IS(s, "SELECT count(*) FROM ringdown.hold", "0");
	FAILS(ERR_CONFLICT, sms_undo(sms, &ben, "SA-3", &b, err));
	FAILS(ERR_NOT_FOUND, sms_undo(sms, &ben, "SA-99", &b, err));
	OK(sms_org_rate(sms, &ben, &o, &b, err));
	sql(s, "UPDATE \"OrgSettings\" SET \"maxMessagesPerMinute\" = 7");
	FAILS(ERR_CONFLICT, sms_undo(sms, &ben, "SA-5", &b, err));
	IS(s, "SELECT \"maxMessagesPerMinute\" FROM \"OrgSettings\"", "7");
	IS(s, "SELECT (count(*) >= 4)::text FROM ringdown.journal WHERE kind LIKE 'sms.org-%' AND"
	      " actor = 'ben'", "true");
	str_fini(&b);
	sms_free(sms);
}

static void actions(void **state)
{
	(void)state;
	storetest_run(&st, actions_in);
}

/* ---- retries -------------------------------------------------------------------- */

static void retry_in(void *arg)
{
	struct store *s = arg;
	struct sms_order o = SMS_ORDER;
	struct str b = STR_INIT(10000);
	struct sms *sms;
	int64_t n;

	traffic(s);
	sms = open_sms(s, NULL);
	o.org = "org_2";
	o.dry_run = true;
	/* of 14 with a code that may be tried again one's recipient opted out two hours ago */
	OK(sms_retry(sms, &ben, &o, &b, err));
	HAS(b.s, "\"rows\":13");
	HAS(b.s, "\"failed\":35");
	o.code = "21610";
	FAILS(ERR_INVALID, sms_retry(sms, &ben, &o, &b, err));
	o.code = "21408";
	FAILS(ERR_INVALID, sms_retry(sms, &ben, &o, &b, err));
	o.code = NULL;
	/* held agents, organisations that are off, and a global stop are respected */
	str_clear(&b);
	sql(s, "INSERT INTO ringdown.sms_hold (agent_id, reason, by, since) VALUES ('a2', 'x', 'e',"
	       " clock_timestamp())");
	OK(sms_retry(sms, &ben, &o, &b, err));
	HAS(b.s, "\"rows\":0");
	sql(s, "DELETE FROM ringdown.sms_hold");
	str_clear(&b);
	sql(s, "INSERT INTO \"OrgSettings\" (\"orgId\", \"smsDisabled\") VALUES ('org_2', true)");
	OK(sms_retry(sms, &ben, &o, &b, err));
	HAS(b.s, "\"rows\":0");
	sql(s, "DELETE FROM \"OrgSettings\"");
	str_clear(&b);
	o.dry_run = false;
	o.rows = 12;
	FAILS(ERR_CONFLICT, sms_retry(sms, &ben, &o, &b, err));
	o.rows = 13;
	o.per_minute = 600;
	OK(sms_retry(sms, &ben, &o, &b, err));
	IS(s, "SELECT count(*) FROM ringdown.sms_retry", "10");
	int64_t end = loop_now_ms(s->loop) + 20000;
	while (!sms_idle(sms) && loop_now_ms(s->loop) < end)
		task_sleep(50);
	IS(s, "SELECT count(*) || ' ' || count(DISTINCT action_id) FROM ringdown.sms_retry",
	   "13 1");
	IS(s, "SELECT rows_expected || ' ' || rows_done FROM ringdown.sms_action", "13 13");
	IS(s, "SELECT count(*) FROM \"MessageLog\" WHERE status = 'queued' AND \"from\" ="
	      " '+15550002' AND metadata->>'retriedBy' = 'SA-1'", "13");
	IS(s, "SELECT string_agg(id, ',' ORDER BY id) FROM \"MessageLog\" WHERE id IN ('r1', 'o1',"
	      " 'g1', 'old') AND status = 'failed'", "g1,o1,old,r1");
	/* failed again: never a second time */
	sql(s, "UPDATE \"MessageLog\" SET status = 'failed' WHERE status = 'queued'");
	o.limit = 100;
	OK(sms_retry_batch(sms, &ben, "SA-1", &o, &n, err));
	if (n)
		stop(__LINE__, "second retry", "some", "none");
	str_fini(&b);
	sms_free(sms);
}

static void retry(void **state)
{
	(void)state;
	storetest_run(&st, retry_in);
}

struct racer { struct sms *sms; int64_t n; };

static void race_one(void *arg)
{
	struct racer *r = arg;
	struct sms_order o = SMS_ORDER;

	for (int i = 0; i < 3; i++) {
		int64_t n = 0;
		struct err err = { 0 };

		if (sms_retry_batch(r->sms, &ben, "SA-9", &o, &n, &err) < 0)
			stop(__LINE__, "race", err.msg, "done");
		r->n += n;
	}
}

static void prepare_race(void *arg)
{
	traffic(arg);
}

static void retry_raced(void **state)
{
	struct loop *l = loop_new();
	struct store *s = storetest_open(&st, l, storetest_database(&st), "eng-1");
	struct racer r[4] = { { 0 } };
	void *args[4];
	int64_t sum = 0;

	(void)state;
	in_task(l, prepare_race, s);
	for (int i = 0; i < 4; i++) {
		r[i].sms = open_sms(s, NULL);
		args[i] = &r[i];
	}
	in_tasks(l, 4, race_one, args);
	for (int i = 0; i < 4; i++) {
		sum += r[i].n;
		sms_free(r[i].sms);
	}
	assert_int_equal(sum, 13);
	store_close(s);
	loop_free(l);
}

/* ---- the application's switch, and Twilio's own list ---------------------------- */

struct outside { struct store *s; struct sms *sms; struct sim *sim; };

static void global_in(void *arg)
{
	struct outside *x = arg;
	struct sms_order o = SMS_ORDER;
	struct str b = STR_INIT(10000);

	OK(sms_features(x->sms, &b, err));
	HAS(b.s, "\"sms_automation\",\"on\":true");
	str_clear(&b);
	o.dry_run = true;
	OK(sms_global(x->sms, &ben, false, &o, &b, err));
	HAS(b.s, "\"before\":{\"sms_automation\":true}");
	o.dry_run = false;
	o.reason = "storm";
	OK(sms_global(x->sms, &ben, false, &o, &b, err));
	FAILS(ERR_CONFLICT, sms_global(x->sms, &ben, false, &o, &b, err));
	IS(x->s, "SELECT id || ' ' || reason FROM ringdown.hold", "sms-global storm");
	str_clear(&b);
	OK(sms_features(x->sms, &b, err));
	HAS(b.s, "\"sms_automation\",\"on\":false");
	OK(sms_global(x->sms, &ben, true, &o, &b, err));
	IS(x->s, "SELECT count(*) FROM ringdown.hold", "0");
	FAILS(ERR_NOT_FOUND, sms_feature_set(x->sms, &ben, "sms_automatoin", true, NULL, err));
	/* the application is away: nothing is claimed to have happened */
	static const char down[] = "{\"match\":{\"service\":\"app\"},\"fault\":{\"status\":503}}";
	struct json *j = json_parse(down, strlen(down), NULL);
	OK(sim_fault_add(x->sim, j, err));
	json_free(j);
	FAILS(ERR_FAILED, sms_feature_set(x->sms, &ben, "sms_automation", false, NULL, err));
	str_fini(&b);
}

static void global(void **state)
{
	struct loop *l = loop_new();
	struct http *h = http_new(l);
	struct sim_server_options so = { .shape = { .seed = 3, .agents = 4, .lineages = 1 } };
	struct err err = { 0 };
	struct sim_server *server = sim_server_new(l, &so, &err);
	struct outside x = { .sim = sim_server_sim(server) };
	char base[64], app[64];

	(void)state;
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", x.sim->port);
	snprintf(app, sizeof(app), "http://127.0.0.1:%d/app", x.sim->port);
	struct providers_settings ps = {
		.twilio_api = base, .twilio_monitor = base, .twilio_messaging = base,
		.twilio_video = base,
		.twilio_routes = base, .elevenlabs = base, .telnyx = base, .twilio_status = base,
		.elevenlabs_status = base, .telnyx_status = base, .aws_health = base, .app = app,
		.app_key = secret_new(x.sim->world.internal_key), .read_timeout_ms = 2000,
		.write_timeout_ms = 2000, .feed_timeout_ms = 2000, .concurrency_start = 4,
		.concurrency_max = 8, .read_retries = 1,
	};
	struct providers *p = providers_new(l, h, &ps);

	x.s = storetest_open(&st, l, storetest_database(&st), "eng-1");
	x.sms = open_sms(x.s, p);
	in_task(l, global_in, &x);
	sms_free(x.sms);
	providers_free(p);
	secret_free(ps.app_key);
	store_close(x.s);
	http_free(h);
	sim_server_free(server);
	for (int i = 0; i < 50; i++)
		loop_run_once(l, 0);
	loop_free(l);
}

/* ---- alerts --------------------------------------------------------------------- */

static int64_t leads(void *ctx)
{
	return *(int64_t *)ctx;
}

/* What the leader's sentry does with them, without a policy. */
static void told(struct store *s, const struct notify_settings *set, int64_t epoch)
{
	const struct who who = WHO_ENGINE(epoch);
	const struct telling_alerts d = { .set = set };
	struct tx t = { 0 };

	OK(tx_begin(s, &t, &who, err));
	OK(alert_tell(&t, &d, err));
	OK(tx_commit(&t, NULL, err));
}

static void storm_in(void *arg)
{
	struct store *s = arg;
	int64_t epoch = 0;
	struct notify_settings set = { .webhook_url = (char *)"http://127.0.0.1:1/x" };
	struct alerter_deps d = { s->loop, s, "eng-1", 1000, 20, leads, NULL, &epoch };
	struct alerter *a = alerter_new(&d);

	traffic(s);
	OK(alerter_look(a, err));
	IS(s, "SELECT count(*) FROM ringdown.alert", "0");	/* a follower raises nothing */
	sql(s, "UPDATE ringdown.lease SET holder = 'eng-1', epoch = 5");
	epoch = 5;
	OK(alerter_look(a, err));
	OK(alerter_look(a, err));
	IS(s, "SELECT string_agg(name || ' ' || subject || ' ' || state, ',') FROM ringdown.alert",
	   "sms-failures org_2 firing");
	HAS(value(s, "SELECT text FROM ringdown.alert"), "mostly code 30007");
	told(s, &set, epoch);
	IS(s, "SELECT string_agg(kind || ' ' || channel, ',') FROM ringdown.outbox",
	   "alert webhook");
	/* an account below its balance, a standby that lacks something, a message nobody took */
	sql(s, "INSERT INTO \"TwilioAccount\" (id, name, \"accountSid\") VALUES ('t1', 'backup',"
	       " 'AC1')");
	sql(s, "INSERT INTO ringdown.account_ext (account_id, balance, balance_amount, last_check,"
	       " standby_problems) VALUES ('t1', '3.10 USD', 3.1, clock_timestamp(), '[\"no"
	       " numbers\",\"trial\"]')");
	sql(s, "UPDATE ringdown.outbox SET state = 'dead', error = 'refused'");
	sql(s, "INSERT INTO ringdown.engine (id, started_at, seen_at) VALUES ('eng-2',"
	       " clock_timestamp(), clock_timestamp() - interval '2 minutes')");
	sql(s, "UPDATE \"MessageLog\" SET status = 'delivered'");
	OK(alerter_look(a, err));
	IS(s, "SELECT string_agg(name || ' ' || state, ',' ORDER BY name) FROM ringdown.alert",
	   "balance firing,sms-failures resolved");	/* the rest must be so twice */
	OK(alerter_look(a, err));
	IS(s, "SELECT string_agg(name || ' ' || subject || ' ' || state, ',' ORDER BY name) FROM"
	      " ringdown.alert", "balance t1 firing,engine-silent eng-2 firing,sms-failures org_2"
	   " resolved,standby t1 firing,untold webhook firing");
	HAS(value(s, "SELECT text FROM ringdown.alert WHERE name = 'standby'"),
	    "no numbers; trial");
	told(s, &set, epoch);
	IS(s, "SELECT count(*) FROM ringdown.outbox WHERE kind = 'resolved'", "1");
	/* what people need not be called for is only in the list */
	IS(s, "SELECT string_agg(name, ',' ORDER BY name) FROM ringdown.alert WHERE told_at IS NULL",
	   "engine-silent,standby,untold");
	/* somebody else leads meanwhile: nothing may be written */
	sql(s, "UPDATE ringdown.lease SET holder = 'eng-2', epoch = 6");
	FAILS(ERR_LEASE, alerter_look(a, err));
	alerter_free(a);
}

static void storm(void **state)
{
	(void)state;
	storetest_run(&st, storm_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes), cmocka_unit_test(counts), cmocka_unit_test(reports),
		cmocka_unit_test(actions), cmocka_unit_test(retry), cmocka_unit_test(retry_raced),
		cmocka_unit_test(global), cmocka_unit_test(storm),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
