/* Alerts from outside: what is grouped, bounded, refused; whose clock is wrong; and on PostgreSQL
 * what comes twice, late or in the wrong order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "alert/receive.h"
#include "core/mem.h"
#include "store/alerts.h"
#include "store/alerts_received.h"
#include "store/control.h"
#include "tests/lib/storetest.h"

STORETEST(st)
static const struct who sender = { .actor = "prometheus", .role = "alerts", .via = "api" };

#define NOW INT64_C(1800000000000)

static int parse(const char *body, struct received *r, struct err *err)
{
	*err = (struct err){ 0 };
	return receive_parse(body, strlen(body), NULL, NOW, r, err);
}

static void refused(const char *body, const char *why)
{
	struct received r;
	struct err err;

	assert_int_equal(parse(body, &r, &err), ERR_INVALID);
	if (!strstr(err.msg, why))
		fail_msg("'%s' is not in '%s'", why, err.msg);
}

static void what_is_no_delivery(void **state)
{
	(void)state;
	refused("", "not JSON");
	refused("[]", "an array of alerts");
	refused("{\"alerts\":{}}", "an array of alerts");
	refused("{\"alerts\":[{\"status\":\"on\",\"labels\":{}}]}",
		"none of 1 could be used: alert 1: status is neither firing nor resolved 'on'");
	refused("{\"alerts\":[7]}", "no object with labels");
	/* in no text of ours, and in none of PostgreSQL's */
	refused("{\"alerts\":[{\"status\":\"firing\",\"labels\":{\"a\":\"\\u0000\"}}]}",
		"not JSON: 1:52: \\u0000 in a string");
}

static void unknown_labels_and_clocks(void **state)
{
	struct received r;
	struct err err;

	(void)state;
	assert_int_equal(parse("{\"alerts\":[]}", &r, &err), 0);
	received_fini(&r);
	assert_int_equal(parse("{\"receiver\":\"ring\\u001b[2J\",\"groupKey\":\"{}:x\","
		"\"groupLabels\":{\"alertname\":\"Down\",\"zone\":\"eu\"},\"alerts\":["
		"{\"status\":\"firing\",\"labels\":{\"alertname\":\"Down\","
		"\"odd-label\":\"a\\u202eb\",\"severity\":\"page\",\"n\":4},"
		"\"annotations\":{\"summary\":\"gone\"},\"startsAt\":\"2027-01-15T09:00:00Z\"},"
		"{\"status\":\"resolved\",\"labels\":{\"alertname\":\"Down\",\"i\":\"2\"},"
		"\"startsAt\":\"yesterday\"}]}", &r, &err), 0);
	assert_string_equal(r.receiver, "ring[2J");
	assert_int_equal(r.alerts, 2);
	assert_int_equal(r.skewed, 2);
	assert_string_equal(r.skew, "the sender's clock is 1h ahead");
	for (size_t i = 0; i < r.n; i++) {
		const struct received_group *g = &r.v[i];

		if (!g->n_members)
			continue;
		assert_string_equal(g->name, "Down");
		assert_string_equal(g->subject, "zone=eu");
		assert_string_equal(g->severity, "bad");
		assert_string_equal(g->text, "gone");
		assert_true(g->since_ms == NOW); /* not in the future */
		assert_int_equal(g->firing, 1);
		assert_int_equal(g->resolved, 1);
		assert_non_null(strstr(g->labels, "\"odd-label\":\"ab\""));
		assert_null(strstr(g->labels, "\"n\""));
		assert_non_null(strstr(str_get(&g->parts[0]), "clock is 1h ahead"));
	}
	received_fini(&r);
}

/* What is named like one of ours is another alert: it cannot end ours. */
static void names_of_ours(void **state)
{
	static const struct { const char *given, *name; } v[] = {
		{ "account", "outside.account" }, { "many-alerts", "outside.many-alerts" },
		{ "PodDown", "PodDown" }, { "account ", "account " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		_cleanup_(free_p) char *doc = xasprintf("{\"alerts\":[{\"status\":\"resolved\","
			"\"labels\":{\"alertname\":\"%s\"},\"startsAt\":\"2027-01-15T07:00:00Z\"}]}",
			v[i].given);
		struct received r;
		struct err err;

		assert_int_equal(parse(doc, &r, &err), 0);
		for (size_t k = 0; k < r.n; k++)
			if (r.v[k].n_members)
				assert_string_equal(r.v[k].name, v[i].name);
		received_fini(&r);
	}
}

static void add_alert(struct str *b, int i, const char *name)
{
	str_addf(b, "%s{\"status\":\"firing\",\"labels\":{\"alertname\":\"%s\",\"i\":\"%d\"},"
		 "\"startsAt\":\"2027-01-15T07:00:00Z\"}", b->s[b->len - 1] == '[' ? "" : ",", name,
		 i);
}

static void ten_thousand_are_a_line(void **state)
{
	struct str b = STR_INIT(64 << 20);
	struct received r;
	struct err err;
	size_t groups = 0, kept = 0, left = 0;

	(void)state;
	str_add(&b, "{\"groupLabels\":{\"alertname\":\"Down\"},\"alerts\":[");
	for (int i = 0; i < 12000; i++)
		add_alert(&b, i, "Down");
	for (int i = 0; i < 500; i++) {
		char name[20];

		snprintf(name, sizeof(name), "Name%d", i);
		add_alert(&b, i, name);
	}
	str_add(&b, "]}");
	assert_int_equal(parse(str_get(&b), &r, &err), 0);
	for (size_t i = 0; i < r.n; i++) {
		groups += r.v[i].n_members > 0;
		/* one stands for the rest */
		kept += r.v[i].n_members - (r.v[i].left_out > 0);
		left += r.v[i].left_out;
		if (strcmp(r.v[i].name, "Down") == 0)
			assert_int_equal(r.v[i].firing, 12000);
	}
	assert_int_equal(groups, RECEIVE_GROUPS);
	assert_int_equal(kept + left + r.refused, 12500); /* none without a trace */
	assert_int_equal(left, 12000 - RECEIVE_MEMBERS);
	received_fini(&r);
	str_fini(&b);
}

/* What the doubt of one alert with these times is; NOW is 2027-01-15T08:00:00Z. */
static void doubts(const char *status, const char *starts, const char *ends, const char *want)
{
	_cleanup_(free_p) char *body = xasprintf("{\"alerts\":[{\"status\":\"%s\",\"labels\":{},"
		"\"startsAt\":\"%s\",\"endsAt\":\"%s\"}]}", status, starts, ends);
	struct received r;
	struct err err;

	assert_int_equal(parse(body, &r, &err), 0);
	assert_int_equal(r.skewed, want ? 1 : 0);
	if (want)
		assert_string_equal(r.skew, want);
	received_fini(&r);
}

static void times_that_contradict(void **state)
{
	(void)state;
	doubts("firing", "2027-01-15T07:00:00Z", "0001-01-01T00:00:00Z", NULL);
	doubts("firing", "2027-01-15T07:00:00Z", "2027-01-15T09:00:00Z", NULL);
	doubts("firing", "2027-01-15T07:00:00Z", "2027-01-15T07:30:00Z",
	       "it fires, and ended 30m ago by its endsAt");
	doubts("resolved", "2027-01-15T07:00:00Z", "0001-01-01T00:00:00Z", NULL);
	doubts("resolved", "2027-01-15T07:00:00Z", "2027-01-15T07:30:00Z", NULL);
	doubts("resolved", "2027-01-15T07:00:00Z", "2027-01-15T09:00:00Z",
	       "over, but only in 1h by the sender's clock");
	doubts("resolved", "2027-01-15T07:00:00Z", "2027-01-15T06:00:00Z",
	       "it ends before it begins");
	doubts("firing", "2027-01-15T07:00:00+01:00", "", NULL);	/* an hour behind: a beginning */
	doubts("firing", "2027-01-15T07:00:00-02:00", "", "the sender's clock is 1h ahead");
	doubts("firing", "0001-01-01T00:00:00Z", "", "no time of beginning that can be read");
}

static void labels_that_are_too_much(void **state)
{
	struct str b = STR_INIT(4 << 20);
	struct received r;
	struct err err;

	(void)state;
	str_add(&b, "{\"alerts\":[{\"status\":\"firing\",\"startsAt\":\"2027-01-15T07:00:00Z\","
		    "\"labels\":{\"alertname\":\"Down\",\"long\":\"");
	for (int i = 0; i < 100 * 1024; i++)
		str_addc(&b, 'y');
	str_add(&b, "\",\"esc\":\"\\u001b]0;x\\u0007red\",\"\":\"no name\"");
	for (int i = 0; i < 500; i++)
		str_addf(&b, ",\"l%d\":\"%d\"", i, i);
	str_add(&b, "}}]}");
	if (parse(str_get(&b), &r, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < r.n; i++) {
		struct json *labels = r.v[i].labels ? json_parse(r.v[i].labels,
			strlen(r.v[i].labels), NULL) : NULL;

		if (!r.v[i].n_members)
			continue;
		assert_int_equal(json_count(labels), RECEIVE_LABELS);
		assert_int_equal(strlen(json_get_str(labels, "long")), 300);
		assert_string_equal(json_get_str(labels, "esc"), "]0;xred");
		assert_null(strchr(str_get(&r.v[i].parts[0]), 27));
		assert_true(r.v[i].parts[0].len < 10000);
		json_free(labels);
	}
	received_fini(&r);
	str_fini(&b);
}

/* ---- on PostgreSQL ---------------------------------------------------------------------- */

static struct receive_result deliver(struct store *s, const char *status, const char *print,
				     const char *starts)
{
	_cleanup_(free_p) char *body = xasprintf("{\"receiver\":\"r\","
		"\"alerts\":[{\"status\":\"%s\",\"labels\":{\"alertname\":\"Down\"},"
		"\"fingerprint\":\"%s\",\"startsAt\":\"%s\"}]}",
		status, print, starts);
	struct receive_result got;
	struct received r;
	struct err err = { 0 };

	if (receive_parse(body, strlen(body), NULL, loop_wall_ms(s->loop), &r, &err) < 0 ||
	    receive_keep(s, &sender, &r, &got, &err) < 0)
		fail_msg("%s", err.msg);
	received_fini(&r);
	return got;
}

/* "state xN" of the newest alert, "" = none. */
static const char *newest(struct store *s, char buf[40])
{
	struct alert *v = NULL;
	struct err err = { 0 };
	size_t n = 0;

	assert_int_equal(alerts_list(s, 1, 10, &v, &n, &err), 0);
	buf[0] = '\0';
	for (size_t i = 0; i < n && !buf[0]; i++)
		if (strcmp(v[i].severity, "info") != 0)
			snprintf(buf, 40, "%s x%lld", enum_name(&alert_state_names, v[i].state),
				 (long long)v[i].count);
	alerts_free(v, n);
	return buf;
}

static void order_in(void *arg)
{
	struct store *s = arg;
	char b[40];

	/* its end comes before its beginning: nothing fires */
	deliver(s, "resolved", "aaaaaaaa01", "2026-01-01T10:00:00Z");
	assert_string_equal(newest(s, b), "");
	assert_int_equal(deliver(s, "firing", "aaaaaaaa01", "2026-01-01T10:00:00Z").late, 1);
	assert_string_equal(newest(s, b), "");
	/* a new beginning of the same; twice; another beside it */
	deliver(s, "firing", "aaaaaaaa01", "2026-01-01T11:00:00Z");
	assert_string_equal(newest(s, b), "firing x1");
	deliver(s, "firing", "aaaaaaaa01", "2026-01-01T11:00:00Z");
	deliver(s, "firing", "aaaaaaaa02", "2026-01-01T11:30:00Z");
	assert_string_equal(newest(s, b), "firing x2");
	/* an old end says nothing about the new beginning */
	assert_int_equal(deliver(s, "resolved", "aaaaaaaa01", "2026-01-01T10:00:00Z").late, 1);
	assert_string_equal(newest(s, b), "firing x2");
	deliver(s, "resolved", "aaaaaaaa01", "2026-01-01T11:00:00Z");
	deliver(s, "resolved", "aaaaaaaa02", "2026-01-01T11:30:00Z");
	assert_string_equal(newest(s, b), "resolved x1");
	assert_int_equal(deliver(s, "firing", "aaaaaaaa02", "2026-01-01T11:30:00Z").late, 1);
	assert_string_equal(newest(s, b), "resolved x1");
}

static void order(void **state)
{
	(void)state;
	storetest_run(&st, order_in);
}

static struct receive_result post(struct store *s, const char *receiver, const char *name,
				  int print, const char *status)
{
	_cleanup_(free_p) char *body = xasprintf("{\"receiver\":\"%s\",\"groupLabels\":{"
		"\"alertname\":\"%s\"},\"alerts\":[{\"status\":\"%s\",\"labels\":{\"alertname\":"
		"\"%s\"},\"fingerprint\":\"%016x\",\"startsAt\":\"2026-01-01T10:00:00Z\"}]}",
		receiver, name, status, name, (unsigned)print);
	struct receive_result got;
	struct received r;
	struct err err = { 0 };

	if (receive_parse(body, strlen(body), NULL, loop_wall_ms(s->loop), &r, &err) < 0 ||
	    receive_keep(s, &sender, &r, &got, &err) < 0)
		fail_msg("%s", err.msg);
	received_fini(&r);
	return got;
}

static int64_t count(struct store *s, const char *sql)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(s, &r, &err, sql, "") < 0)
		fail_msg("%s", err.msg);
	return pg_rows(r) ? pg_i64(r, 0, 0) : -1;
}

#define OPEN "SELECT count(*) FROM ringdown.alert WHERE state <> 'resolved'"

/* Each in a delivery of its own, each with a name of its own: as many lines as a person reads, and
 * one for the rest, which also end. */
static void a_flood_of_names_in(void *arg)
{
	enum { POSTS = RECEIVE_OPEN + 40 };
	struct store *s = arg;
	char name[40];

	for (int i = 0; i < POSTS; i++) {
		snprintf(name, sizeof(name), "Flood%d", i);
		assert_int_equal(post(s, "am", name, i + 1, "firing").kept, 1);
	}
	assert_int_equal(count(s, OPEN), RECEIVE_OPEN + 1);
	assert_int_equal(count(s, "SELECT count FROM ringdown.alert WHERE name = 'many-alerts'"), 40);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert_member"), POSTS);
	post(s, "am", name, POSTS, "firing");		/* again: known */
	assert_int_equal(count(s, "SELECT count FROM ringdown.alert WHERE name = 'many-alerts'"), 40);
	for (int i = POSTS - 1; i >= 0; i--) {
		snprintf(name, sizeof(name), "Flood%d", i);
		post(s, "am", name, i + 1, "resolved");
		if (i == POSTS - 10)
			assert_int_equal(count(s, "SELECT count FROM ringdown.alert WHERE name ="
						  " 'many-alerts'"), 30);
	}
	assert_int_equal(count(s, OPEN), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert"), RECEIVE_OPEN + 1);
}

static void a_flood_of_names(void **state)
{
	(void)state;
	storetest_run(&st, a_flood_of_names_in);
}

/* Two Alertmanagers that stand in for each other say the same: one alert, one member. */
static void two_senders_in(void *arg)
{
	struct store *s = arg;

	post(s, "am-1", "Down", 7, "firing");
	assert_int_equal(post(s, "am-2", "Down", 7, "firing").kept, 1);
	assert_int_equal(count(s, OPEN), 1);
	assert_int_equal(count(s, "SELECT count FROM ringdown.alert"), 1);
	/* the same fingerprint under another name is something else */
	post(s, "am-2", "Other", 7, "firing");
	assert_int_equal(count(s, OPEN), 2);
	post(s, "am-2", "Down", 7, "resolved");
	assert_int_equal(post(s, "am-1", "Down", 7, "resolved").kept, 1);
	assert_int_equal(count(s, OPEN), 1);
	assert_int_equal(count(s, "SELECT count(*) FROM ringdown.alert_delivery"), 5);
}

static void two_senders(void **state)
{
	(void)state;
	storetest_run(&st, two_senders_in);
}

/* Begin in a transaction, fail when it does not go. */
#define IN(stmt) do { struct tx t_ = { 0 }, *t = &t_; struct err e_ = { 0 }, *err = &e_;          \
		assert_int_equal(tx_begin(s, t, &sender, err), 0);                                \
		if ((stmt) < 0)                                                                   \
			fail_msg("%s", err->msg);                                                 \
		assert_int_equal(tx_commit(t, NULL, err), 0); } while (0)

static size_t untold(struct store *s, bool over)
{
	struct tx t = { 0 };
	struct err err = { 0 };
	struct alert *v = NULL;
	size_t n = 0;

	assert_int_equal(tx_begin(s, &t, &sender, &err), 0);
	assert_int_equal(alerts_untold(&t, over ? TELL_OVER : TELL_BEGUN, &v, &n, &err), 0);
	assert_int_equal(alerts_told(&t, v, n, over ? TELL_OVER : TELL_BEGUN, &err), 0);
	assert_int_equal(tx_commit(&t, NULL, &err), 0);
	alerts_free(v, n);
	return n;
}

static void put_alert(struct store *s, char *name, char *subject, char *labels)
{
	struct alert a = { .name = name, .subject = subject, .text = (char[]){ "t" },
			   .severity = (char[]){ "bad" }, .state = AL_FIRING,
			   .source = (char[]){ "policy" }, .labels = labels };

	IN(alert_put(t, &a, err));
}

static void hushed_in(void *arg)
{
	static const char table[] = "[{\"source\":\"account\",\"target\":\"agents\","
				    "\"equal\":\"acc\"}]";
	struct store *s = arg;
	char account[] = "account", agents[] = "agents", a1[] = "a1", acc[] = "{\"acc\":\"a1\"}";
	char none[] = "";
	struct silence *rows = NULL;
	struct err e = { 0 };
	int64_t id = 0;
	size_t n = 0;

	put_alert(s, agents, a1, acc);
	put_alert(s, account, a1, NULL);
	IN(alerts_hush(t, table, err));
	assert_int_equal(untold(s, false), 1);	/* the account; its agents are explained by it */
	IN(alert_resolve(t, "account", "a1", NULL, err));
	IN(alerts_hush(t, table, err));
	assert_int_equal(untold(s, true), 1);
	assert_int_equal(untold(s, true), 0);	/* the end is told once */
	IN(silence_put(t, "agents", "*", tx_now_ms(t) + 60000, "known", &id, err));
	IN(alerts_hush(t, table, err));
	assert_int_equal(untold(s, false), 0);
	assert_int_equal(silences_list(s, loop_wall_ms(s->loop), &rows, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].by, "prometheus");
	assert_int_equal(rows[0].alerts, 1);
	records_free(&silence_type, rows, n);
	IN(silence_end(t, id, err));
	IN(alerts_hush(t, table, err));
	assert_int_equal(untold(s, false), 1);	/* it still fires: told now */
	assert_int_equal(untold(s, false), 0);
	put_alert(s, account, none, NULL);
	IN(alert_ack(t, "AL-3", true, 0, NULL, err));
	assert_int_equal(untold(s, false), 0);	/* somebody is on it */
}

static void hushed(void **state)
{
	(void)state;
	storetest_run(&st, hushed_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_delivery),
		cmocka_unit_test(unknown_labels_and_clocks),
		cmocka_unit_test(names_of_ours),
		cmocka_unit_test(ten_thousand_are_a_line),
		cmocka_unit_test(times_that_contradict),
		cmocka_unit_test(labels_that_are_too_much),
		cmocka_unit_test(order),
		cmocka_unit_test(a_flood_of_names),
		cmocka_unit_test(two_senders),
		cmocka_unit_test(hushed),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
