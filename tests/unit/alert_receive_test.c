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

static struct storetest st;
static const struct who sender = { .actor = "prometheus", .role = "alerts", .via = "api" };

static int start(void **state)
{
	(void)state;
	storetest_start(&st);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	storetest_stop(&st);
	return 0;
}

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
		cmocka_unit_test(ten_thousand_are_a_line),
		cmocka_unit_test(order),
		cmocka_unit_test(hushed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
