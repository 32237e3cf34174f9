/* Who is told of an alert, when again, and who hears of its end: on PostgreSQL, at instants that
 * the test names. What the policy says of the engine's own alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alert/sentry_internal.h"
#include "alert/tell.h"
#include "core/mem.h"
#include "incident/declare.h"
#include "store/alerts.h"
#include "store/alerts_received.h"
#include "store/control.h"
#include "tests/lib/storetest.h"

enum { SEC = 1000, MIN = 60 * SEC, HOUR = 60 * MIN };

STORETEST(st)

static const char rules[] =
	"ringdown: 1\n"
	"severities:\n"
	"  P0: {respond: 15m, escalate: {after: 0m, to: x}, page: [pager, slack, phone]}\n"
	"  P1: {respond: 30m, escalate: {after: 1h, to: x}, page: [slack, email], repeat: 20m}\n"
	"  P3: {respond: 8h, escalate: {after: 24h, to: x}, page: [email], digest: daily}\n"
	"routing: {P0: pager slack phone, P1: slack email, P3: email}\n"
	"alerts:\n"
	"- {alert: isolation, severity: P0, runbook: complete-outage}\n"
	"- {alert: account, level: critical, severity: P1, runbook: auto-failover}\n"
	"- {alert: account, severity: P3}\n"
	"declare:\n"
	"- {alert: isolation}\n"
	"- {alert: account, service: telephony}\n";

struct scene {
	struct store *s;
	struct policy *p;
	struct notify_settings set;
	struct secret *url, *key;
	int64_t epoch;
};

static void scene_begin(struct scene *x, struct store *s)
{
	struct err err = { 0 };

	*x = (struct scene){ .s = s, .epoch = 5,
			     .p = policy_parse(rules, strlen(rules), "policy.yaml", &err) };
	if (!x->p)
		fail_msg("%s", err.msg);
	x->url = secret_new("http://127.0.0.1:1/slack");
	x->key = secret_new("key");
	x->set = (struct notify_settings){ .slack_url = x->url, .pagerduty_key = x->key,
					   .pagerduty_base = (char *)"http://127.0.0.1:1",
					   .smtp_url = (char *)"smtp://127.0.0.1:1",
					   .smtp_from = (char *)"r@example.com" };
	strlist_add(&x->set.mail_to, "ops@example.com");
	assert_int_equal(store_query(s, NULL, &err, "UPDATE ringdown.lease SET holder = 'eng-1',"
				     " epoch = 5", ""), 0);
}

static void scene_end(struct scene *x)
{
	strlist_fini(&x->set.mail_to);
	secret_free(x->url);
	secret_free(x->key);
	policy_free(x->p);
}

/* One look of the sentry at what others raised, so long from now. */
static int look(struct scene *x, int64_t after_ms)
{
	const struct who who = WHO_ENGINE(x->epoch);
	const struct telling_alerts d = { &x->set, x->p, 1, 15 * MIN };
	struct str table = STR_INIT(65536);
	struct err err = { 0 };
	struct tx t = { 0 };
	int e = tx_begin(x->s, &t, &who, &err);

	t.now_ms += after_ms;
	sentry_ratings(x->p, &table);
	if (e == 0)
		e = alerts_rate(&t, str_get(&table), &err);
	if (e == 0)
		e = alerts_hush(&t, "[]", &err);
	if (e == 0)
		e = alerts_acks_expire(&t, &err);
	if (e == 0)
		e = alert_tell(&t, &d, &err);
	if (e == 0)
		e = alert_remind(&t, &d, &err);
	if (e == 0)
		e = tx_commit(&t, NULL, &err);
	tx_rollback(&t);
	str_fini(&table);
	return e;
}

/* What the outbox got since the last time: "kind channel, ...". */
static const char *said(struct scene *x, char buf[4000])
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(x->s, &r, &err, "WITH d AS (DELETE FROM ringdown.outbox RETURNING kind,"
			" channel) SELECT coalesce(string_agg(kind || ' ' || channel, ', ' ORDER BY"
			" kind, channel), '') FROM d", "") < 0)
		fail_msg("%s", err.msg);
	snprintf(buf, 4000, "%s", pg_text(r, 0, 0));
	return buf;
}

#define SAYS(after, want) do { char b_[4000]; assert_int_equal(look(&x, after), 0);                \
		assert_string_equal(said(&x, b_), want); } while (0)
#define IN(stmt) do { const struct who w_ = WHO_ENGINE(5); struct tx t_ = { 0 }, *t = &t_;        \
		struct err e_ = { 0 }, *err = &e_;                                                \
		assert_int_equal(tx_begin(x.s, t, &w_, err), 0);                                  \
		if ((stmt) < 0)                                                                   \
			fail_msg("%s", err->msg);                                                 \
		assert_int_equal(tx_commit(t, NULL, err), 0); } while (0)

static struct alert *one(struct scene *x)
{
	struct alert *v = NULL;
	struct err err = { 0 };
	size_t n = 0;

	assert_int_equal(alerts_list(x->s, 1, 10, &v, &n, &err), 0);
	assert_int_equal(n, 1);
	return v;
}

static void repeats_in(void *arg)
{
	struct alert *v;
	struct scene x;
	int64_t told;

	scene_begin(&x, arg);
	IN(alert_raise(t, "account", "a1", "bad", "twilio-main: down", true, err));
	SAYS(0, "alert mail, alert slack");	/* P1: not the pager */
	v = one(&x);
	assert_string_equal(v->priority, "P1");
	assert_string_equal(v->runbook, "auto-failover");
	assert_int_equal(v->told_n, 1);
	assert_string_equal(v->told_to, "mail, slack");
	told = v->told_at_ms;
	assert_int_equal(v->next_tell_ms - told, 20 * MIN);
	alerts_free(v, 1);
	SAYS(1 * MIN, "");
	SAYS(19 * MIN, "");
	SAYS(21 * MIN, "alert mail, alert slack");
	SAYS(22 * MIN, "");		/* the next engine, or this one after a restart */
	SAYS(40 * MIN, "");
	v = one(&x);
	assert_int_equal(v->told_n, 2);
	assert_true(v->next_tell_ms >= told + 41 * MIN);
	alerts_free(v, 1);
	/* another engine leads: this one says nothing any more */
	x.epoch = 4;
	assert_int_equal(look(&x, 60 * MIN), ERR_LEASE);
	x.epoch = 5;
	IN(alert_ack(t, "AL-1", true, tx_now_ms(t) + 2 * HOUR, NULL, err));
	v = one(&x);
	assert_int_equal(v->next_tell_ms, 0);
	assert_true(v->ack_until_ms > 0);
	alerts_free(v, 1);
	SAYS(90 * MIN, "");
	/* shortly before the acknowledgement ends it is listed, then it is nobody's */
	SAYS(106 * MIN, "alert mail, alert slack");
	SAYS(107 * MIN, "");
	SAYS(121 * MIN, "alert mail, alert slack");
	v = one(&x);
	assert_null(v->acked_by);
	alerts_free(v, 1);
	IN(alert_resolve(t, "account", "a1", NULL, err));
	SAYS(122 * MIN, "resolved mail, resolved slack");
	SAYS(200 * MIN, "");
	scene_end(&x);
}

static void repeats(void **state)
{
	(void)state;
	storetest_run(&st, repeats_in);
}

static void hushed_in(void *arg)
{
	struct scene x;
	int64_t id = 0;

	scene_begin(&x, arg);
	/* P0 has no repeat: it is told again when the time to respond has passed */
	IN(alert_raise(t, "isolation", "", "bad", "nobody answers", true, err));
	SAYS(0, "alert pagerduty, alert slack");
	SAYS(14 * MIN, "");
	SAYS(16 * MIN, "alert pagerduty, alert slack");
	IN(silence_put(t, "isolation", "*", tx_now_ms(t) + 2 * HOUR, "known", &id, err));
	SAYS(40 * MIN, "");
	IN(silence_end(t, id, err));
	SAYS(41 * MIN, "alert pagerduty, alert slack");	/* it still fires */
	IN(alert_resolve(t, "isolation", "", NULL, err));
	SAYS(42 * MIN, "resolved pagerduty, resolved slack");
	/* never told: nobody hears of its end; P3: once, no repeat */
	IN(alert_raise(t, "account", "a2", "warn", "quiet", false, err));
	SAYS(43 * MIN, "");
	IN(alert_resolve(t, "account", "a2", NULL, err));
	SAYS(44 * MIN, "");
	IN(alert_raise(t, "account", "a3", "warn", "slow", true, err));
	SAYS(45 * MIN, "alert mail");
	SAYS(47 * HOUR, "");
	/* it gets worse: the rating follows */
	IN(alert_raise(t, "account", "a3", "bad", "down", true, err));
	SAYS(48 * HOUR, "");
	IN(alert_resolve(t, "account", "a3", NULL, err));
	SAYS(49 * HOUR, "resolved mail");
	/* without a policy: everybody, once */
	policy_free(TAKE(x.p));
	IN(alert_raise(t, "account", "a4", "bad", "down", true, err));
	SAYS(50 * HOUR, "alert mail, alert pagerduty, alert slack");
	SAYS(90 * HOUR, "");
	scene_end(&x);
}

static void hushed(void **state)
{
	(void)state;
	storetest_run(&st, hushed_in);
}

/* What PagerDuty makes of the rows in their order: keys that are open. */
static int pages_open(struct scene *x)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(x->s, &r, &err, "SELECT count(*) FROM (SELECT DISTINCT ON (event_id) kind"
			" FROM ringdown.outbox WHERE channel = 'pagerduty' ORDER BY event_id,"
			" id DESC) p WHERE kind <> 'resolved'", "") < 0)
		fail_msg("%s", err.msg);
	return (int)pg_i64(r, 0, 0);
}

static int raise(struct tx *t, const char *group, const char *subject, const char *priority,
		 struct err *err)
{
	struct alert a = { .name = (char[]){ "gateway" }, .subject = (char *)(uintptr_t)subject,
			   .text = (char[]){ "no answer" }, .state = AL_FIRING,
			   .priority = (char *)(uintptr_t)priority, .source = (char[]){ "am" },
			   .grouping = (char *)(uintptr_t)group };

	return alert_put(t, &a, err);
}

/* A group is one page: it ends with its last member, under the key that it began with. */
static void a_page_in(void *arg)
{
	struct alert *v = NULL;
	struct err e = { 0 };
	struct scene x;
	size_t n = 0;

	scene_begin(&x, arg);
	IN(raise(t, "gw", "a", "P0", err) < 0 || raise(t, "gw", "b", "P0", err) < 0 ? -1 : 0);
	SAYS(0, "alert pagerduty, alert slack");
	assert_int_equal(alerts_list(x.s, 1, 10, &v, &n, &e), 0);
	assert_string_equal(v[0].page, "alerts: gw");
	assert_string_equal(v[1].page, "alerts: gw");
	alerts_free(v, n);
	IN(alert_resolve(t, "gateway", "a", NULL, err));
	SAYS(1 * MIN, "resolved slack");
	IN(raise(t, "gw", "c", "P0", err));
	SAYS(2 * MIN, "alert pagerduty, alert slack");
	IN(raise(t, "gw", "d", "P3", err));
	SAYS(3 * MIN, "alert mail");
	IN(alert_resolve(t, "gateway", "b", NULL, err));
	SAYS(4 * MIN, "resolved slack");
	assert_int_equal(look(&x, 5 * MIN), 0);
	IN(alert_resolve(t, "gateway", "c", NULL, err));
	assert_int_equal(look(&x, 6 * MIN), 0);
	assert_int_equal(pages_open(&x), 0);
	SAYS(7 * MIN, "resolved pagerduty, resolved slack");	/* d was never paged */
	IN(alert_resolve(t, "gateway", "d", NULL, err));
	SAYS(8 * MIN, "resolved mail");
	/* again the same group: a page of its own under the same key */
	IN(raise(t, "gw", "a", "P0", err));
	assert_int_equal(look(&x, 9 * MIN), 0);
	assert_int_equal(pages_open(&x), 1);
	IN(alert_resolve(t, "gateway", "a", NULL, err));
	assert_int_equal(look(&x, 10 * MIN), 0);
	assert_int_equal(pages_open(&x), 0);
	scene_end(&x);
}

static void a_page(void **state)
{
	(void)state;
	storetest_run(&st, a_page_in);
}

/* Three hundred groups at once are twenty messages, and no page stays open. */
static void a_storm_in(void *arg)
{
	char b[4000], group[40];
	struct scene x;

	scene_begin(&x, arg);
	for (int i = 0; i < 300; i++) {
		snprintf(group, sizeof(group), "g%03d", i);
		IN(raise(t, group, group, "P0", err));
	}
	assert_int_equal(look(&x, 0), 0);
	assert_int_equal(pages_open(&x), 20);
	for (int i = 0; i < 300; i++) {
		snprintf(group, sizeof(group), "g%03d", i);
		IN(alert_resolve(t, "gateway", group, NULL, err));
		if (i == 150) { /* some of those that were told in one are over */
			assert_int_equal(look(&x, 1 * MIN), 0);
			assert_int_equal(pages_open(&x), 1);
		}
	}
	assert_int_equal(look(&x, 2 * MIN), 0);
	assert_int_equal(pages_open(&x), 0);
	said(&x, b);
	assert_int_equal(strlen(b), strlen("alert pagerduty, alert slack, ") * 20 +
			 strlen("resolved pagerduty, ") * 20 + strlen("resolved slack, ") * 40 - 2);
	scene_end(&x);
}

static void a_storm(void **state)
{
	(void)state;
	storetest_run(&st, a_storm_in);
}

static void worse_in(void *arg)
{
	struct alert a = { .name = (char[]){ "lag" }, .subject = (char[]){ "" },
			   .text = (char[]){ "lag" }, .severity = (char[]){ "warn" },
			   .state = AL_FIRING, .priority = (char[]){ "P3" },
			   .source = (char[]){ "policy" } };
	struct scene x;

	scene_begin(&x, arg);
	IN(alert_put(t, &a, err));
	SAYS(0, "alert mail");
	a.severity = (char[]){ "bad" };
	a.priority = (char[]){ "P1" };
	IN(alert_put(t, &a, err));
	SAYS(1 * SEC, "alert mail, alert slack");	/* at once, by P1's channels */
	IN(alert_resolve(t, "lag", "", NULL, err));
	SAYS(1 * MIN, "resolved mail, resolved slack");
	scene_end(&x);
}

static void worse(void **state)
{
	(void)state;
	storetest_run(&st, worse_in);
}

/* A silence of days that hushes what fires is told daily until somebody ends it. */
static void forgotten_in(void *arg)
{
	struct alert_ending *v = NULL;
	struct err why = { 0 };
	struct scene x;
	int64_t id = 0;
	size_t n = 0;

	scene_begin(&x, arg);
	IN(silence_put(t, "account", "*", tx_now_ms(t) + INT64_C(10) * 24 * HOUR, "known", &id, err));
	IN(alert_raise(t, "account", "a1", "bad", "down", true, err));
	SAYS(1 * HOUR, "");
	SAYS(25 * INT64_C(3600000), "alert mail, alert slack");
	SAYS(26 * INT64_C(3600000), "");
	SAYS(50 * INT64_C(3600000), "alert mail, alert slack");
	assert_int_equal(alerts_ending(x.s, NULL, loop_wall_ms(x.s->loop) + 49 * HOUR, 15 * MIN, &v,
				       &n, &why), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].what, "silence");
	assert_string_equal(v[0].why, "long in force, and what it hushes fires");
	assert_int_equal(v[0].firing, 1);
	records_free(&alert_ending_type, v, n);
	scene_end(&x);
}

static void forgotten(void **state)
{
	(void)state;
	storetest_run(&st, forgotten_in);
}

static int64_t count(struct store *s, const char *sql)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(s, &r, &err, sql, "") < 0)
		fail_msg("%s", err.msg);
	return pg_rows(r) ? pg_i64(r, 0, 0) : 0;
}

/* What is old goes a batch at a time; what belongs to an incident, or is young, stays. */
static void pruned_in(void *arg)
{
	struct store *s = arg;
	int64_t now = loop_wall_ms(s->loop), day = INT64_C(86400000);
	struct err err = { 0 };
	bool more = false;

	count(s, "INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since,"
		 " seen_at, resolved_at) SELECT 'AL-o' || n, 'x', 's' || n, '', 'bad', 'resolved', d,"
		 " d, d FROM generate_series(1, 2500) n, LATERAL (SELECT clock_timestamp() -"
		 " interval '100 days' AS d) q");
	count(s, "INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since,"
		 " seen_at, resolved_at) SELECT 'AL-y', 'x', 'y', '', 'bad', 'resolved', d, d, d"
		 " FROM (SELECT clock_timestamp() - interval '80 days' AS d) q");
	assert_int_equal(alerts_prune(s, now - 90 * day, &more, &err), 0);
	assert_true(more);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert"), 501);
	more = false;
	assert_int_equal(alerts_prune(s, now - 90 * day, &more, &err), 0);
	assert_false(more);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert"), 1);
	assert_int_equal(alerts_prune(s, now - 70 * day, &more, &err), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert"), 0);
}

static void pruned(void **state)
{
	(void)state;
	storetest_run(&st, pruned_in);
}

/* A row of declare without a severity takes the alert's. */
static void declared_by_its_rating(void **state)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(rules, strlen(rules), "policy.yaml", &err);
	struct occasion o = { .name = (char[]){ "account" }, .subject = (char[]){ "a1" },
			      .level = (char[]){ "bad" } };
	const struct policy_declare *d;

	(void)state;
	assert_non_null(p);
	assert_null(declare_row(p, &o, 1000, 1));	/* not rated yet */
	o.priority = (char[]){ "P1" };
	d = declare_row(p, &o, 1000, 1);
	assert_non_null(d);
	assert_string_equal(declare_severity(d, &o), "P1");
	policy_free(p);
}

static void refused(const char *row, const char *why)
{
	_cleanup_(free_p) char *text = xasprintf("ringdown: 1\nseverities:\n  P1: {respond: 1m,"
		" escalate: {after: 1m, to: x}, page: [slack]}\n%s\n", row);
	struct err err = { 0 };

	assert_null(policy_parse(text, strlen(text), "policy.yaml", &err));
	if (!strstr(err.msg, why))
		fail_msg("'%s' is not in '%s'", why, err.msg);
}

/* Every alert that the engine raises has a severity and a runbook that there is, at both levels. */
static void the_shipped_table(void **state)
{
	static const char *const names[] = {
		"account", "isolation", "disagreement", "webhook", "elevenlabs", "feed", "video",
		"drift", "number-released", "sms-filtered", "sms-failures", "balance", "standby",
		"engine-silent", "untold", "event-held", "data-stale", "metric-unreadable",
		"commits-lost", "unlock-owed", "database-changed", "many-alerts",
	};
	struct err err = { 0 };
	struct policy *p = policy_load("runbooks/policy.yaml", &err);

	(void)state;
	if (!p)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < COUNT_OF(names) * 2; i++) {
		const struct policy_alert *a = policy_alert(p, names[i / 2],
							    i % 2 ? "bad" : "warn");
		_cleanup_(free_p) char *file = NULL;

		if (!a || !a->runbook)
			fail_msg("%s has no row or no runbook", names[i / 2]);
		file = xasprintf("runbooks/%s.yaml", a->runbook);
		if (access(file, R_OK) < 0)
			fail_msg("%s of %s is not there", file, names[i / 2]);
	}
	for (size_t i = 0; i < p->n_metrics; i++) {
		const struct policy_metric *m = &p->metrics[i];
		_cleanup_(free_p) char *file = NULL;

		if (!m->ok.set && !m->absent_while)
			continue;
		if (!m->runbook || (!m->severity_warn && !m->severity_bad))
			fail_msg("%s has no runbook or severity", m->name);
		file = xasprintf("runbooks/%s.yaml", m->runbook);
		assert_int_equal(access(file, R_OK), 0);
	}
	policy_free(p);
	refused("alerts: [{alert: acount, severity: P1}]",
		"policy.yaml:4:18: there is no alert of the engine 'acount'; did you mean 'account'?");
	refused("alerts: [{alert: account, severity: P9}]", "there is no severity 'P9'");
	refused("alerts: [{alert: account}]", "'severity' is missing");
	refused("alerts: [{alert: account, severity: P1, level: loud}]", "there is no level 'loud'");
	refused("declare: [{event: critical}]", "an event needs a severity");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats),
		cmocka_unit_test(hushed),
		cmocka_unit_test(worse),
		cmocka_unit_test(a_page),
		cmocka_unit_test(a_storm),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(pruned),
		cmocka_unit_test(declared_by_its_rating),
		cmocka_unit_test(the_shipped_table),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
