/* Messages to people: the words (tables), and the whole way from the causing transaction to
 * the simulator's mail server, Slack, PagerDuty and webhook, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/task.h"
#include "notify/text.h"
#include "providers/provider.h"
#include "sim/fault.h"
#include "sim/server.h"
#include "store/accounts.h"
#include "store/outbox.h"
#include "tests/lib/storetest.h"

STORETEST(st)

static void stop(const char *what, const char *have, const char *want);

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		int e_ = (call);                                                                   \
		if (e_ < 0)                                                                        \
			stop(#call, err_.msg, "done");                                             \
	} while (0)

/* ---- words ---------------------------------------------------------------------------------- */

static struct gate_result numbers_gate = { .gate = GATE_NUMBERS,
					   .why = "12 numbers for 38 agents" };

static const struct text_row {
	enum say_kind kind;
	enum event_status status;
	enum severity severity;
	bool confirmed;
	const char *held_gate;
	const char *subject, *body, *body2, *never;
} text_rows[] = {
	{ SAY_OPENED, EV_PENDING, SEV_DEGRADED, true, NULL,
	  "[prod] EV-118 acme-main is failing, approves itself at 2026-11-21 03:19:28Z",
	  "approves itself after 6m41s more of tested failing time, about 2026-11-21 03:19:28Z",
	  "ringdown extend EV-118 --reason", "ringdown cancel" },
	{ SAY_OPENED, EV_PENDING, SEV_DEGRADED, true, "numbers",
	  "[prod] EV-118 acme-main is failing, will be held at 2026-11-21 03:19:28Z",
	  "(unless gate numbers opens until then)", "Do:", "approves itself" },
	{ SAY_OPENED, EV_PENDING, SEV_CRITICAL, false, NULL,
	  "[prod] EV-118 acme-main is failing, will be held at 2026-11-21 03:19:28Z",
	  "(nothing confirms it)", "Do:", "approves itself" },
	{ SAY_HELD, EV_HELD, SEV_DEGRADED, true, "numbers",
	  "[prod] EV-118 acme-main failover is HELD by gate numbers", "12 numbers for 38 agents",
	  "nothing until the gate opens", "approves itself" },
	{ SAY_HELD, EV_HELD, SEV_CRITICAL, false, NULL, "[prod] EV-118 acme-main failover is HELD",
	  "held, unconfirmed", "never approves itself", NULL },
	{ SAY_DECIDED, EV_APPROVED, SEV_CRITICAL, true, NULL,
	  "[prod] EV-118 acme-main failover approved to acme-backup-1", "the steps begin now",
	  "ringdown cancel EV-118", NULL },
	{ SAY_COMPLETED, EV_COMPLETED, SEV_DEGRADED, true, NULL,
	  "[prod] EV-118 acme-main failover completed to acme-backup-1", "38 of 40 agents moved",
	  "ringdown rollback EV-118", NULL },
	{ SAY_FAILED, EV_FAILED, SEV_DEGRADED, true, NULL,
	  "[prod] EV-118 acme-main failover FAILED, a person is needed", "It waits for resume",
	  "ringdown accept EV-118", NULL },
	{ SAY_CANCELLED, EV_CANCELLED, SEV_DEGRADED, true, NULL,
	  "[prod] EV-118 acme-main failover cancelled", "within 30 minutes opens it again", "Look:",
	  "Do:" },
	{ SAY_REJECTED, EV_REJECTED, SEV_DEGRADED, true, NULL,
	  "[prod] EV-118 acme-main failover rejected", "opens nothing for an hour", "Look:",
	  "Do:" },
};

static struct event sample(void)
{
	struct event e = {
		.id = (char *)"EV-118", .version = 3, .rule = 210, .lineage = (char *)"acc1",
		.from = (char *)"acc1", .to = (char *)"acc2",
		.cause = (char *)"18 of 40 agents\n\033[31m fail & <burn>", .window_ms = 600000,
		.tested_failing_ms = 199000, .passes_needed = 2, .agents_total = 40,
		.agents_moved = 38, .opened_at_ms = 1795230489000,
	};
	int64_t at;

	parse_time_ms("2026-11-21T03:19:28Z", &at);
	e.deadline_at_ms = at;
	parse_time_ms("2026-11-21T03:08:12Z", &at);
	e.opened_at_ms = at;
	return e;
}

static void words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(text_rows); i++) {
		const struct text_row *t = &text_rows[i];
		struct event e = sample();
		struct say s = { .kind = t->kind, .e = &e, .from = "acme-main",
				 .to = "acme-backup-1",
				 .subject = "EV-118", .environment = "prod" };
		struct str subject = STR_INIT(1000), body = STR_INIT(10000);

		e.status = (int)t->status;
		e.severity = (int)t->severity;
		e.confirmed = t->confirmed;
		e.held_gate = (char *)(uintptr_t)t->held_gate;
		e.gates = &numbers_gate;
		e.n_gates = t->held_gate ? 1 : 0;
		say_subject(&subject, &s);
		say_body(&body, &s);
		assert_string_equal(str_get(&subject), t->subject);
		if (!strstr(str_get(&body), t->body) || !strstr(str_get(&body), t->body2))
			fail_msg("row %zu:\n%s", i, str_get(&body));
		if (t->never && strstr(str_get(&body), t->never))
			fail_msg("row %zu has '%s':\n%s", i, t->never, str_get(&body));
		assert_non_null(strstr(str_get(&body), "2026-11-21 03:08:12Z"));
		assert_null(strchr(str_get(&body), '\033'));
		str_fini(&subject);
		str_fini(&body);
	}
}

static void lines_and_links(void **state)
{
	struct event e = sample();
	struct say s = { .kind = SAY_FAILED, .e = &e, .subject = "EV-118", .environment = "" };
	struct say a = { .kind = SAY_ALERT, .subject = "sms-failures", .text = "a\nb",
			 .environment = "" };
	struct str b = STR_INIT(10000);
	char *line = say_line(&s, 60);

	(void)state;
	assert_true(strlen(line) <= 60);
	assert_true(str_has_prefix(line, "EV-118 acc1 failover FAILED"));
	free(line);
	assert_null(say_link(&s));
	s.public_url = "https://ops.example/";
	line = say_link(&s);
	assert_string_equal(line, "https://ops.example/events/EV-118");
	free(line);
	say_subject(&b, &a);
	assert_string_equal(str_get(&b), "ringdown: sms-failures: a b");
	str_clear(&b);
	say_body(&b, &a);
	assert_non_null(strstr(str_get(&b), "no failover follows"));
	assert_non_null(strstr(str_get(&b), "ringdown alerts"));
	str_clear(&b);
	a.digest = true;
	a.digest_n = 41;
	say_subject(&b, &a);
	assert_string_equal(str_get(&b), "ringdown: 41 more messages");
	str_fini(&b);
	assert_string_equal(say_severity(&s), "critical");
	assert_string_equal(say_severity(&a), "warning");
}

/* ---- the whole way --------------------------------------------------------------------------- */

struct flow {
	struct loop *loop;
	struct http *http;
	struct store *store;
	struct sim_server *server;
	struct sim *sim;
	struct providers *p;
	struct providers_settings ps;
	struct notify_settings set;
	struct notifier *n;
	char slack[64], pager[64], hook[64], smtp[64], twilio[64], dir[64];
	char *to[2];
	bool another;
	char *sms_to[1];
};

static void flow_up(struct flow *f)
{
	struct sim_server_options o = { .shape = { .seed = 3, .agents = 4, .lineages = 1 } };
	struct err err = { 0 };

	memset(f, 0, sizeof(*f));
	f->loop = loop_new();
	f->http = http_new(f->loop);
	f->store = storetest_open(&st, f->loop, storetest_database(&st), "eng-1");
	f->server = sim_server_new(f->loop, &o, &err);
	if (!f->server)
		fail_msg("%s", err.msg);
	f->sim = sim_server_sim(f->server);
	snprintf(f->slack, sizeof(f->slack), "http://127.0.0.1:%d/slack", f->sim->port);
	snprintf(f->pager, sizeof(f->pager), "http://127.0.0.1:%d/pagerduty", f->sim->port);
	snprintf(f->hook, sizeof(f->hook), "http://127.0.0.1:%d/hook/x", f->sim->port);
	snprintf(f->smtp, sizeof(f->smtp), "smtp://127.0.0.1:%d", f->sim->smtp_port);
	snprintf(f->twilio, sizeof(f->twilio), "http://127.0.0.1:%d", f->sim->port);
	snprintf(f->dir, sizeof(f->dir), "/tmp/rd-notify-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->ps = (struct providers_settings){
		.twilio_api = f->twilio, .twilio_monitor = f->twilio, .twilio_messaging = f->twilio,
		.twilio_video = f->twilio, .twilio_routes = f->twilio, .elevenlabs = f->twilio,
		.telnyx = f->twilio, .twilio_status = f->twilio, .elevenlabs_status = f->twilio,
		.telnyx_status = f->twilio, .aws_health = f->twilio, .app = f->twilio,
		.read_timeout_ms = 2000, .write_timeout_ms = 2000, .feed_timeout_ms = 2000,
		.concurrency_start = 4, .concurrency_max = 8, .read_retries = 1,
	};
	f->p = providers_new(f->loop, f->http, &f->ps);
	f->to[0] = (char *)"ops@acme.example";
	f->to[1] = (char *)"gone@acme.example";
	f->set = (struct notify_settings){
		.smtp_url = f->smtp, .smtp_from = (char *)"ringdown@acme.example",
		.smtp_starttls = true,
		.mail_to = { f->to, 2 },
		.slack_url = secret_new("https://hooks.slack.com/services/T1/B2/x3"),
		.slack_base = f->slack, .pagerduty_base = f->pager,
		.pagerduty_key = secret_new("0123456789abcdef0123456789abcdef"),
		.webhook_url = f->hook,
		.webhook_secret = secret_new("hook-secret-77"), .retry_ms = 100,
		.give_up_ms = 3600000,
		.per_event_hour = 20, .per_hour = 100,
	};
}

/* Another engine that led last, and answers (404 is an answer, too). */
static const char *other_engine(void *ctx)
{
	const struct flow *f = ctx;

	return f->another ? f->twilio : NULL;
}

static void flow_start(struct flow *f)
{
	struct notifier_deps d = { f->loop, f->http, f->store, f->p, &f->set, st.keys, "eng-1",
				   f->dir,
				   NULL, "test", other_engine, f };

	f->n = notifier_new(&d);
}

static void flow_stop(struct flow *f)
{
	if (f->n) {
		notifier_stop(f->n);
		while (!notifier_idle(f->n))
			loop_run_once(f->loop, 50);
		notifier_free(f->n);
		f->n = NULL;
	}
}

static void flow_down(struct flow *f)
{
	char path[128];

	flow_stop(f);
	secret_free(f->set.slack_url);
	secret_free(f->set.pagerduty_key);
	secret_free(f->set.webhook_secret);
	providers_free(f->p);
	store_close(f->store);
	http_free(f->http);
	sim_server_free(f->server);
	for (int i = 0; i < 50; i++)
		loop_run_once(f->loop, 0);
	loop_free(f->loop);
	snprintf(path, sizeof(path), "%s/recipients.sealed", f->dir);
	unlink(path);
	rmdir(f->dir);
}

/* A failure inside a task does not come back to the runner: end here, saying what. */
static void stop(const char *what, const char *have, const char *want)
{
	fprintf(stderr, "%s\nis '%s', not '%s'\n", what, have, want);
	exit(1);
}

/* NULL: the database did not answer (a loaded machine). */
static const char *value_once(struct flow *f, const char *text)
{
	static char out[500];
	struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(f->store, &r, &err, text, "") < 0)
		return NULL;
	snprintf(out, sizeof(out), "%s", pg_rows(r) ? pg_text(r, 0, 0) : "");
	pg_result_free(r);
	return out;
}

static const char *value(struct flow *f, const char *text)
{
	for (int i = 0; i < 5; i++) {
		const char *v = value_once(f, text);
		if (v)
			return v;
	}
	stop(text, "no answer", "a value");
	return "";
}

/* Waits in a task until the query says what it should. */
static void until(struct flow *f, const char *sql, const char *want)
{
	int64_t end = loop_now_ms(f->loop) + 90000;

	while (!str_eq(value(f, sql), want)) {
		if (loop_now_ms(f->loop) > end)
			stop(sql, value(f, sql), want);
		task_sleep(20);
	}
}

static void now(struct flow *f, const char *sql, const char *want)
{
	if (!str_eq(value(f, sql), want))
		stop(sql, value(f, sql), want);
}

static void put(struct flow *f, enum say_kind kind, const struct event *e, const char *subject,
		const char *text)
{
	static const struct who who = { .actor = "engine" };
	_cleanup_(tx_rollback) struct tx t = { 0 };

	OK(tx_begin(f->store, &t, &who, err));
	OK(notify_put(&t, &f->set, kind, e, subject, text, err));
	OK(tx_commit(&t, NULL, err));
}

static int count_sent(struct flow *f, const char *kind, const char *to, const char *holds)
{
	int n = 0;

	for (uint64_t k = 0; k < f->sim->sent.next; k++) {
		const struct sim_sent_item *i = &f->sim->sent.v[k % SIM_SENT_MAX];

		n += str_eq(i->kind, kind) && (!to || str_eq(i->to, to)) &&
		     (!holds || strstr(i->body, holds) || strstr(i->subject, holds));
	}
	return n;
}

static const struct sim_sent_item *sent_first(struct flow *f, const char *kind)
{
	for (uint64_t k = 0; k < f->sim->sent.next; k++)
		if (str_eq(f->sim->sent.v[k].kind, kind))
			return &f->sim->sent.v[k];
	fail_msg("nothing of kind %s was sent", kind);
	return NULL;
}

static void refuse_mail(struct flow *f, const char *address)
{
	f->sim->mailbox.refuse[f->sim->mailbox.n_refuse++] = xstrdup(address);
}

static void all_channels_task(void *arg)
{
	struct flow *f = arg;
	struct event e = sample();
	bool untold = false;

	e.status = EV_PENDING;
	e.severity = SEV_DEGRADED;
	OK(store_query(f->store, NULL, err, "INSERT INTO \"User\" (id, email, name, role) VALUES"
		       " ('u1', 'Jane@acme.example', 'Jane', 'SUPER_ADMIN'),"
		       " ('u2', 'OPS@acme.example', 'Ops', 'SUPER_ADMIN'),"
		       " ('u3', 'bob@acme.example', 'Bob', 'USER'), ('u4', NULL, 'X',"
		       " 'SUPER_ADMIN')", ""));
	refuse_mail(f, "gone@acme.example");
	put(f, SAY_OPENED, &e, NULL, "18 of 40 agents");
	put(f, SAY_OPENED, &e, NULL, "18 of 40 agents"); /* the same transition: nothing new */
	now(f, "SELECT count(*) FROM ringdown.outbox", "6");
	OK(notify_untold(f->store, "EV-118", &untold, err));
	assert_true(untold);
	flow_start(f);
	until(f, "SELECT string_agg(channel || state, ',' ORDER BY channel, state) FROM"
		 " ringdown.outbox",
		 "maildead,mailsent,mailsent,pagerdutysent,slacksent,webhooksent");
	OK(notify_untold(f->store, "EV-118", &untold, err));
	assert_false(untold);
	/* a later one of the same event: in order, resolved at PagerDuty */
	e.version = 8;
	put(f, SAY_ACKED, &e, NULL, "ben is on it");
	until(f, "SELECT string_agg(channel || state, ',' ORDER BY channel) FROM ringdown.outbox"
		 " WHERE kind = 'acknowledged'", "pagerdutysent,slacksent,webhooksent");
	e.status = EV_COMPLETED;
	e.version = 9;
	put(f, SAY_COMPLETED, &e, NULL, "done");
	until(f, "SELECT count(*) FROM ringdown.outbox WHERE kind = 'completed' AND state IN"
		 " ('sent', 'dead')", "6");
	/* the journal carries the records, and nobody's whole address */
	until(f, "SELECT count(*) > 0 FROM ringdown.journal WHERE kind = 'notify.sent'", "t");
	now(f, "SELECT count(*) FROM ringdown.journal WHERE data::text LIKE"
				     " '%ops@acme%' OR text LIKE '%ops@acme%'", "0");
}

static void all_channels(void **state)
{
	struct flow f;
	const struct sim_sent_item *i;
	char want[200];

	(void)state;
	flow_up(&f);
	in_task(f.loop, all_channels_task, &f);
	assert_int_equal(count_sent(&f, "mail", "ops@acme.example", NULL), 2);
	assert_int_equal(count_sent(&f, "mail", "Jane@acme.example", NULL), 2);
	assert_int_equal(count_sent(&f, "mail", "bob@acme.example", NULL), 0);
	i = sent_first(&f, "mail");
	assert_non_null(strstr(i->body, "Subject: [test] EV-118 acc1 is failing"));
	assert_non_null(strstr(i->body, "\r\nMessage-ID: <"));
	assert_true(str_has_prefix(i->body, "Date: "));
	assert_non_null(strstr(i->body, "ringdown approve EV-118"));
	/* Slack: on the configured base, its control characters escaped */
	i = sent_first(&f, "slack");
	assert_string_equal(i->to, "/services/T1/B2/x3");
	assert_non_null(strstr(i->body, "fail &amp; &lt;burn&gt;"));
	assert_null(strstr(i->body, "<burn>"));
	assert_int_equal(count_sent(&f, "pagerduty", "EV-118", "trigger"), 1);
	assert_int_equal(count_sent(&f, "pagerduty", "EV-118", "acknowledge"), 1);
	assert_int_equal(count_sent(&f, "pagerduty", "EV-118", "resolve"), 1);
	/* the webhook's signature is what a receiver would compute */
	i = sent_first(&f, "webhook");
	const char *v1 = strstr(i->subject, ",v1=");
	int64_t t;
	assert_non_null(v1);
	snprintf(want, sizeof(want), "%.*s", (int)(v1 - i->subject - 2), i->subject + 2);
	assert_true(parse_i64(want, 1, INT64_MAX, &t));
	struct str signed_text = STR_INIT(1 << 20);
	uint8_t mac[SHA256_LEN];
	struct str hex = STR_INIT(100);
	str_addf(&signed_text, "%lld.%s", (long long)t, i->body);
	hmac_sha256("hook-secret-77", 14, signed_text.s, signed_text.len, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	assert_string_equal(v1 + 4, str_get(&hex));
	str_fini(&signed_text);
	str_fini(&hex);
	flow_down(&f);
}

static void fault(struct flow *f, const char *spec)
{
	struct json *j = json_parse(spec, strlen(spec), NULL);

	OK(sim_fault_add(f->sim, j, err));
	json_free(j);
}

static void refused_task(void *arg)
{
	struct flow *f = arg;
	struct event e = sample(), other = sample();

	e.status = other.status = EV_PENDING;
	other.id = (char *)"EV-119";
	/* Slack says the channel is archived: for good. The pager is overloaded: tried again. */
	fault(f, "{\"match\":{\"service\":\"slack\"},\"fault\":{\"status\":410,"
		 "\"body\":\"channel_is_archived\"}}");
	fault(f, "{\"match\":{\"service\":\"pagerduty\"},\"fault\":{\"status\":503,\"times\":2}}");
	fault(f, "{\"match\":{\"service\":\"smtp\"},\"fault\":{\"status\":451}}");
	flow_start(f);
	put(f, SAY_OPENED, &e, NULL, "x");
	until(f, "SELECT state || ' ' || error FROM ringdown.outbox WHERE channel = 'slack'",
	      "dead answered 410 channel_is_archived");
	until(f, "SELECT state || (attempts = 3) FROM ringdown.outbox WHERE channel = 'pagerduty'",
	      "senttrue");
	/* mail is stuck: the second of the event waits behind it, another event's does not wait */
	until(f, "SELECT (min(attempts) >= 2)::text FROM ringdown.outbox WHERE channel = 'mail'",
	      "true");
	e.version = 4;
	put(f, SAY_DECIDED, &e, NULL, "y");
	put(f, SAY_OPENED, &other, NULL, "z");
	until(f, "SELECT (min(attempts) >= 1)::text FROM ringdown.outbox WHERE channel = 'mail'"
		 " AND event_id = 'EV-119'", "true");
	now(f, "SELECT max(attempts) FROM ringdown.outbox WHERE channel = 'mail'"
				     " AND kind = 'decided'", "0");
	/* an hour later the first is dead and visible, and the second goes */
	OK(store_query(f->store, NULL, err, "UPDATE ringdown.outbox SET created_at = created_at -"
		       " interval '61 minutes' WHERE channel = 'mail' AND kind = 'opened'"
		       " AND event_id = 'EV-118'", ""));
	until(f, "SELECT count(*) FROM ringdown.outbox WHERE channel = 'mail' AND state = 'dead'",
	      "2");
	until(f, "SELECT (min(attempts) >= 1)::text FROM ringdown.outbox WHERE channel = 'mail'"
		 " AND kind = 'decided'", "true");
	sim_fault_clear(f->sim);
	until(f, "SELECT count(*) FROM ringdown.outbox WHERE channel = 'mail' AND state = 'sent'",
	      "4");
	until(f, "SELECT (count(*) > 0)::text FROM ringdown.journal WHERE kind = 'notify.sent'"
		 " AND level = 'bad' AND text LIKE '%dead%'", "true");
}

static void refused(void **state)
{
	struct flow f;

	(void)state;
	flow_up(&f);
	f.set.retry_ms = 100;
	in_task(f.loop, refused_task, &f);
	flow_down(&f);
}

static void digest_task(void *arg)
{
	struct flow *f = arg;

	for (int i = 0; i < 6; i++) {
		char subject[32];
		snprintf(subject, sizeof(subject), "alert-%d", i);
		put(f, SAY_ALERT, NULL, subject, "something");
	}
	/* per recipient: two mails each, the rest kept for one digest each */
	now(f, "SELECT string_agg(state || n, ',' ORDER BY state) FROM (SELECT state,"
				     " count(*) n FROM ringdown.outbox WHERE channel = 'mail' AND"
				     " kind = 'alert' GROUP BY 1) x", "digested8,waiting4");
	now(f, "SELECT count(*) FROM ringdown.outbox WHERE channel = 'mail' AND"
				     " kind = 'digest'", "2");
	OK(store_query(f->store, NULL, err, "UPDATE ringdown.outbox SET next_at = created_at WHERE"
		       " kind = 'digest'", ""));
	flow_start(f);
	until(f, "SELECT count(*) FROM ringdown.outbox WHERE channel = 'mail' AND state = 'sent'",
	      "6");
}

static void digest(void **state)
{
	struct flow f;

	(void)state;
	flow_up(&f);
	f.set.per_hour = 2;
	in_task(f.loop, digest_task, &f);
	assert_int_equal(count_sent(&f, "mail", "ops@acme.example", "4 more messages"), 1);
	flow_down(&f);
}

/* ---- without the database ------------------------------------------------------- */

static void remember_task(void *arg)
{
	struct flow *f = arg;
	char path[128];
	int64_t end = loop_now_ms(f->loop) + 60000;

	OK(store_query(f->store, NULL, err, "INSERT INTO \"User\" (id, email, role) VALUES"
		       " ('u1', 'jane@acme.example', 'SUPER_ADMIN')", ""));
	flow_start(f);
	snprintf(path, sizeof(path), "%s/recipients.sealed", f->dir);
	while (access(path, R_OK) != 0 && loop_now_ms(f->loop) < end)
		task_sleep(20);
	assert_int_equal(access(path, R_OK), 0);
}

static void offline_task(void *arg)
{
	struct flow *f = arg;
	int64_t end = loop_now_ms(f->loop) + 60000;

	f->another = true;
	flow_start(f);
	notify_offline(f->n, "silence", "the leader tells of it");
	task_sleep(600);
	assert_int_equal(f->sim->sent.next, 0);
	f->another = false;
	notify_offline(f->n, "database", "it is gone");
	notify_offline(f->n, "database", "it is still gone");	/* the same hour: not again */
	while (f->sim->sent.next < 4 && loop_now_ms(f->loop) < end)
		task_sleep(20);
	task_sleep(200);
}

static void offline(void **state)
{
	struct flow f;
	char path[128], text[4096] = "";

	(void)state;
	flow_up(&f);
	in_task(f.loop, remember_task, &f);
	flow_stop(&f);
	snprintf(path, sizeof(path), "%s/recipients.sealed", f.dir);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_null(strstr(text, "jane"));
	/* a new engine that never saw the database */
	store_close(f.store);
	f.store = storetest_open(&st, f.loop, "postgresql://nobody@127.0.0.1:1/none", "eng-2");
	in_task(f.loop, offline_task, &f);
	assert_int_equal(count_sent(&f, "mail", "jane@acme.example", "it is gone"), 1);
	assert_int_equal(count_sent(&f, "mail", "ops@acme.example", "it is gone"), 1);
	assert_int_equal(count_sent(&f, "slack", NULL, NULL), 1);
	assert_int_equal(count_sent(&f, "mail", NULL, "still gone"), 0);
	flow_down(&f);
}

/* ---- SMS through another account ------------------------------------------------ */

static char *add_account(struct flow *f, const char *name)
{
	struct sim_account *a = sim_account_get(&f->sim->world, name);
	struct account_input in = ACCOUNT_INPUT;
	static const struct who who = { .actor = "test" };
	char *id = NULL;

	in.name = name;
	in.account_sid = a->sid;
	in.token = secret_new(a->token);
	in.is_primary = strstr(name, "main") != NULL;
	OK(account_add(f->store, &who, &in, &id, err));
	secret_free(in.token);
	return id;
}

static void sms_task(void *arg)
{
	struct flow *f = arg;
	struct event e = sample();
	char *main = add_account(f, "acme-main"), *backup = add_account(f, "acme-backup-1");

	e.from = e.lineage = main;
	e.to = backup;
	e.status = EV_HELD;
	flow_start(f);
	put(f, SAY_HELD, &e, NULL, "x");
	until(f, "SELECT state || coalesce(error, '') FROM ringdown.outbox WHERE channel = 'sms'",
	      "sent");
	put(f, SAY_ALERT, NULL, "minor", "never by SMS");
	now(f, "SELECT count(*) FROM ringdown.outbox WHERE channel = 'sms'", "1");
	/* the account named for it is the one that fails: refused, not sent another way */
	e.from = backup;
	e.version = 4;
	put(f, SAY_FAILED, &e, NULL, "x");
	until(f, "SELECT (error LIKE '%smsAccount is the failing%')::text FROM ringdown.outbox"
		 " WHERE channel = 'sms' AND kind = 'failed'", "true");
	free(main);
	free(backup);
}

static void sms(void **state)
{
	struct flow f;

	(void)state;
	flow_up(&f);
	struct sim_account *a = sim_account_get(&f.sim->world, "acme-backup-1");
	const char *from = NULL;
	for (size_t i = 0; i < f.sim->world.n_numbers && !from; i++)
		if (f.sim->world.numbers[i]->account == a)
			from = f.sim->world.numbers[i]->e164;
	assert_non_null(from);
	f.sms_to[0] = (char *)"+14155550123";
	f.set.sms_to = (struct strlist){ f.sms_to, 1 };
	f.set.sms_from = (char *)(uintptr_t)from;
	f.set.sms_account = (char *)"acme-backup-1";
	in_task(f.loop, sms_task, &f);
	flow_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(lines_and_links),
		cmocka_unit_test(all_channels), cmocka_unit_test(refused), cmocka_unit_test(digest),
		cmocka_unit_test(offline), cmocka_unit_test(sms),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
