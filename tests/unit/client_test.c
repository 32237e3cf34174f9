/*
 * The console's client against scripted engines in the same loop: a good one, one that
 * drops, one that never answers, one that answers slowly, one that refuses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/client.h"
#include "core/httpd.h"
#include "core/mem.h"

enum { STREAMS = 8, PARKED = 50 };

/* An engine as the client sees it. */
struct fake {
	struct loop *loop;
	struct httpd *httpd;
	char id[16], url[64];
	struct httpd_stream *streams[STREAMS];
	int64_t seq;			/* newest entry */
	int64_t wall_ahead_ms;
	int snapshots, opened, presences, posts, me;
	int64_t after;			/* of the last stream */
	char keys[8][64];
	char looking[128];
	bool deny, too_far, busy, drop_posts, silent_posts, dead;
	struct timer beat;
	struct httpd_req *parked[PARKED];
	int n_parked;
};

static void reply(struct httpd_req *r, int status, const char *text)
{
	httpd_reply(r, status, "application/json", text, strlen(text));
}

/* Left without an answer until the end of the test. */
static void park(struct fake *f, struct httpd_req *r)
{
	assert_true(f->n_parked < PARKED);
	f->parked[f->n_parked++] = r;
}

static void beat_now(struct fake *f)
{
	char at[TIME_TEXT], line[80];

	format_time(at, loop_wall_ms(f->loop) + f->wall_ahead_ms);
	snprintf(line, sizeof(line), ": hb %s %lld\n\n", at, (long long)f->seq);
	for (int i = 0; i < STREAMS; i++)
		if (f->streams[i])
			httpd_stream_push(f->streams[i], line, strlen(line));
}

static void on_beat(struct timer *t)
{
	struct fake *f = t->user;

	if (!f->dead)
		beat_now(f);
	timer_start(f->loop, t, 200, on_beat);
}

static void add_entry(struct str *b, int64_t seq)
{
	str_addf(b, "id: %lld\nevent: entry\ndata:"
		 " {\"seq\":%lld,\"at\":\"2026-11-21T03:12:47.000Z\",\"kind\":\"note\","
		 "\"text\":\"entry %lld\"}\n\n", (long long)seq, (long long)seq,
		 (long long)seq);
}

/* n new entries to all who listen. */
static void publish(struct fake *f, int n)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	for (int i = 0; i < n; i++)
		add_entry(&b, ++f->seq);
	for (int i = 0; i < STREAMS; i++)
		if (f->streams[i])
			httpd_stream_push(f->streams[i], b.s, b.len);
	str_fini(&b);
}

static void on_stream_closed(void *ctx)
{
	struct httpd_stream **slot = ctx;

	*slot = NULL;
}

static void open_stream(struct fake *f, struct httpd_req *r)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int i = 0;

	parse_i64(httpd_query(r, "after"), 0, INT64_MAX, &f->after);
	f->opened++;
	while (f->streams[i])
		i++;
	assert_true(i < STREAMS);
	for (int64_t s = f->after + 1; s <= f->seq; s++)
		add_entry(&b, s);
	f->streams[i] = httpd_stream(r, "text/event-stream", (size_t)8 << 20, on_stream_closed,
				     &f->streams[i]);
	if (b.len)
		httpd_stream_push(f->streams[i], b.s, b.len);
	str_fini(&b);
	beat_now(f);
}

static void post(struct fake *f, struct httpd_req *r)
{
	const char *key = httpd_header(r, "Idempotency-Key");

	snprintf(f->keys[f->posts++ % 8], sizeof(f->keys[0]), "%s", key ? key : "");
	if (f->drop_posts)
		httpd_drop(r);
	else if (f->silent_posts)
		park(f, r);
	else
		reply(r, 200, "{\"done\":true}");
}

static void handler(void *ctx, struct httpd_req *r)
{
	struct fake *f = ctx;
	const char *path = httpd_path(r);
	char text[300];
	size_t len;

	if (f->dead) {
		park(f, r);
		return;
	}
	if (f->deny || !httpd_header(r, "Authorization")) {
		reply(r, 401, "{\"title\":\"Not authenticated\",\"detail\":\"unknown token\"}");
	} else if (strcmp(path, "/api/v1/me") == 0) {
		f->me++;
		snprintf(text, sizeof(text),
			 "{\"name\":\"anna\",\"role\":\"operator\",\"engine\":\"%s\"}", f->id);
		reply(r, 200, text);
	} else if (strcmp(path, "/api/v1/snapshot") == 0) {
		f->snapshots++;
		snprintf(text, sizeof(text), "{\"seq\":%lld,\"databaseOk\":true,\"leader\":\"%s\","
			 "\"environment\":\"test\"}", (long long)f->seq, f->id);
		reply(r, 200, text);
	} else if (strcmp(path, "/api/v1/stream") == 0 && f->too_far) {
		f->too_far = false;
		reply(r, 409, "{\"title\":\"Too far behind\"}");
	} else if (strcmp(path, "/api/v1/stream") == 0) {
		open_stream(f, r);
	} else if (strcmp(path, "/api/v1/presence") == 0) {
		f->presences++;
		snprintf(f->looking, sizeof(f->looking), "%s", httpd_body(r, &len));
		reply(r, 200, "{}");
	} else if (f->busy) {
		reply(r, 503, "{\"detail\":\"shutting down\"}");
	} else if (strcmp(httpd_method(r), "GET") == 0) {
		snprintf(text, sizeof(text), "{\"engine\":\"%s\"}", f->id);
		reply(r, 200, text);
	} else {
		post(f, r);
	}
}

static void fake_start(struct fake *f, struct loop *l, const char *id)
{
	struct httpd_options o = { .address = "127.0.0.1", .max_body = 100000 };
	struct err err = { 0 };

	f->loop = l;
	snprintf(f->id, sizeof(f->id), "%s", id);
	f->httpd = httpd_new(l, &o, handler, f, &err);
	assert_non_null(f->httpd);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", httpd_port(f->httpd));
	f->beat = TIMER_INIT;
	f->beat.user = f;
	timer_start(l, &f->beat, 200, on_beat);
}

static void drop_streams(struct fake *f)
{
	for (int i = 0; i < STREAMS; i++)
		if (f->streams[i]) {
			httpd_stream_end(f->streams[i]);
			f->streams[i] = NULL;
		}
}

/* Nobody listens on its port any more. */
static void fake_stop(struct fake *f)
{
	timer_stop(&f->beat);
	while (f->n_parked > 0)
		httpd_drop(f->parked[--f->n_parked]);
	httpd_free(f->httpd);
	f->httpd = NULL;
	memset(f->streams, 0, sizeof(f->streams));
}

struct fixture {
	struct loop *loop;
	struct fake a, b;
	struct secret *token;
	struct client *client;
	int changes, turns, most_in_turn;
};

static void on_changed(void *ctx)
{
	struct fixture *f = ctx;

	f->changes++;
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->loop = loop_new();
	f->token = secret_new("rdt_testtoken");
	fake_start(&f->a, f->loop, "eng-1");
	fake_start(&f->b, f->loop, "eng-2");
	f->a.seq = f->b.seq = 10;
}

static void connect_to(struct fixture *f, const char *first, const char *second)
{
	const char *apis[] = { first, second };
	struct client_options o = { .apis = apis, .n_apis = second ? 2 : 1, .token = f->token };

	f->client = client_new(f->loop, &o, on_changed, f);
}

static void teardown(struct fixture *f)
{
	client_free(f->client);
	if (f->a.httpd)
		fake_stop(&f->a);
	if (f->b.httpd)
		fake_stop(&f->b);
	for (int i = 0; i < 50; i++)
		loop_run_once(f->loop, 0);
	secret_free(f->token);
	loop_free(f->loop);
}

/* Turns the loop until the condition holds, on a busy machine ten times as long; counts how much a
 * single turn applied. */
#define WAIT_FOR(f, limit_ms, cond)                                                                \
	do {                                                                                       \
		int64_t until_ = loop_now_ms((f)->loop) + 10 * (limit_ms);                         \
		while (!(cond) && loop_now_ms((f)->loop) < until_)                                 \
			turn(f);                                                                   \
		assert_true(cond);                                                                 \
	} while (0)

static void turn(struct fixture *f)
{
	int64_t before = client_state(f->client)->seq;
	int changes = f->changes;

	loop_run_once(f->loop, 10);
	if (client_state(f->client)->seq - before > f->most_in_turn)
		f->most_in_turn = (int)(client_state(f->client)->seq - before);
	assert_true(f->changes - changes <= 1);
}

static bool linked(const struct fixture *f, const char *id)
{
	return client_link(f->client) == LINK_API && str_has_prefix(client_where(f->client), id);
}

/* ---- link ---------------------------------------------------------------------------------- */

static void nothing_starts_before_start(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	for (int i = 0; i < 10; i++)
		loop_run_once(f.loop, 5);
	assert_int_equal(f.a.me, 0);
	assert_int_equal(client_link(f.client), LINK_NONE);
	assert_true(client_trouble(f.client)[0] != '\0');
	assert_true(client_stale(f.client));
	assert_int_equal(client_api_age_ms(f.client), -1);
	teardown(&f);
}

static void snapshot_then_stream(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.a.wall_ahead_ms = 3600 * 1000;
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	assert_int_equal(client_state(f.client)->seq, 10);
	assert_string_equal(client_user(f.client), "anna operator");
	assert_int_equal(client_role(f.client), PR_OPERATOR);
	assert_string_equal(client_trouble(f.client), "");
	assert_non_null(strstr(client_where(f.client), "127.0.0.1:"));
	publish(&f.a, 3);
	WAIT_FOR(&f, 3000, client_state(f.client)->seq == 13);
	assert_string_equal(client_state(f.client)->entries[0].text, "entry 13");
	assert_false(client_stale(f.client));
	int64_t off = client_server_now_ms(f.client) - loop_wall_ms(f.loop) - f.a.wall_ahead_ms;
	assert_true(off > -5000 && off < 5000); /* of an hour */
	assert_true(client_db_age_ms(f.client) >= 0 && client_db_age_ms(f.client) < 10000);
	teardown(&f);
}

static void many_entries_in_bounded_turns(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	f.most_in_turn = 0;
	publish(&f.a, 3000);
	WAIT_FOR(&f, 8000, client_state(f.client)->seq == 3010);
	assert_true(f.most_in_turn <= 256);
	assert_int_equal(f.a.snapshots, 1);
	teardown(&f);
}

static void resumes_without_a_snapshot(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	drop_streams(&f.a);
	WAIT_FOR(&f, 3000, !linked(&f, "eng-1"));
	publish(&f.a, 5);
	WAIT_FOR(&f, 3000, client_state(f.client)->seq == 15);
	assert_int_equal(f.a.snapshots, 1);
	assert_int_equal(f.a.after, 10);
	assert_int_equal(f.a.opened, 2);
	teardown(&f);
}

static void too_far_behind_takes_a_snapshot(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	f.a.too_far = true;
	f.a.seq = 50000;
	drop_streams(&f.a);
	WAIT_FOR(&f, 4000, client_state(f.client)->seq == 50000);
	assert_int_equal(f.a.snapshots, 2);
	WAIT_FOR(&f, 4000, f.a.after == 50000 && linked(&f, "eng-1"));
	teardown(&f);
}

/* Another database behind the same address: its sequence is lower than ours. */
static void another_history_is_noticed(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.a.seq = 900;
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	f.a.seq = 3;
	WAIT_FOR(&f, 5000, client_state(f.client)->seq == 3);
	teardown(&f);
}

static void goes_to_the_next_engine(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, f.b.url);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	fake_stop(&f.a);
	publish(&f.b, 2);
	WAIT_FOR(&f, 4000, linked(&f, "eng-2") && client_state(f.client)->seq == 12);
	assert_int_equal(f.b.snapshots, 0);
	assert_int_equal(f.b.after, 10);
	teardown(&f);
}

/* Accepts connections (the kernel does) and never says a word. */
static int frozen(char *url, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr =
				  htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 10), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	snprintf(url, n, "http://127.0.0.1:%d", ntohs(in.sin_port));
	return fd;
}

static void frozen_first_engine_does_not_delay(void **state)
{
	struct fixture f;
	char url[64];
	int fd = frozen(url, sizeof(url));

	(void)state;
	setup(&f);
	connect_to(&f, url, f.b.url);
	client_start(f.client);
	loop_take_gap_ms(f.loop);
	int64_t before = loop_now_ms(f.loop);
	WAIT_FOR(&f, 1500, linked(&f, "eng-2"));
	assert_true(loop_now_ms(f.loop) - before < 2500); /* less than silence is borne */
	assert_true(loop_take_gap_ms(f.loop) < 1000);
	teardown(&f);
	close(fd);
}

static void frozen_link_goes_stale_and_ends(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, f.b.url);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	f.a.dead = true;
	f.changes = 0;
	WAIT_FOR(&f, 4000, client_stale(f.client) && f.changes > 0);
	assert_true(client_api_age_ms(f.client) > 3000);
	assert_true(client_api_age_ms(f.client) < 10000);
	WAIT_FOR(&f, 4000, linked(&f, "eng-2"));
	assert_false(client_stale(f.client));
	teardown(&f);
}

static void only_frozen_engine_and_quit(void **state)
{
	struct fixture f;
	char url[64];
	int fd = frozen(url, sizeof(url));

	(void)state;
	setup(&f);
	connect_to(&f, url, NULL);
	client_start(f.client);
	for (int i = 0; i < 30; i++)
		turn(&f);
	assert_int_equal(client_link(f.client), LINK_CONNECTING);
	int64_t before = loop_now_ms(f.loop);
	client_free(f.client);
	assert_true(loop_now_ms(f.loop) - before < 1000);
	f.client = NULL;
	teardown(&f);
	close(fd);
}

static void a_refused_token_is_said(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.a.deny = true;
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, strstr(client_trouble(f.client), "unknown token"));
	assert_non_null(strstr(client_trouble(f.client), "token"));
	assert_true(client_stale(f.client));
	f.a.deny = false;
	WAIT_FOR(&f, 7000, linked(&f, "eng-1"));
	teardown(&f);
}

/* ---- requests ------------------------------------------------------------------- */

struct answer {
	int n, status;
	char engine[16], problem[400];
	bool done;
};

static void on_answer(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct answer *a = ctx;

	a->n++;
	a->status = status;
	a->done = json_get_bool(doc, "done", false);
	snprintf(a->engine, sizeof(a->engine), "%s",
		 json_get_str(doc, "engine") ? json_get_str(doc, "engine") : "");
	snprintf(a->problem, sizeof(a->problem), "%s", problem ? problem : "");
}

static void requests_before_and_after_the_link(void **state)
{
	struct answer early = { 0 }, late = { 0 }, busy = { 0 };
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, f.b.url);
	client_get(f.client, "/api/v1/x?y=1", on_answer, &early);
	client_start(f.client);
	WAIT_FOR(&f, 3000, early.n == 1);
	assert_int_equal(early.status, 200);
	assert_string_equal(early.engine, "eng-1");
	client_get(f.client, "/api/v1/x", on_answer, &late);
	WAIT_FOR(&f, 3000, late.n == 1);
	f.a.busy = true;
	client_get(f.client, "/api/v1/x", on_answer, &busy);
	WAIT_FOR(&f, 3000, busy.n == 1);
	assert_string_equal(busy.engine, "eng-2");
	teardown(&f);
}

static void a_broken_change_is_repeated_with_its_key(void **state)
{
	struct answer a = { 0 };
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, f.b.url);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	f.a.drop_posts = true;
	client_send(f.client, "POST", "/api/v1/pause", "{\"reason\":\"x\"}", on_answer, &a);
	WAIT_FOR(&f, 5000, a.n == 1);
	assert_int_equal(a.status, 200);
	assert_true(a.done);
	assert_true(f.a.posts >= 1);
	assert_int_equal(f.b.posts, 1);
	assert_true(strlen(f.a.keys[0]) >= 20);
	assert_string_equal(f.a.keys[0], f.b.keys[0]);
	teardown(&f);
}

static void a_silent_change_is_not_repeated(void **state)
{
	struct answer a = { 0 };
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, f.b.url);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	struct client_request *r = client_send(f.client, "POST", "/x", "{}", on_answer, &a);
	f.a.silent_posts = true;
	for (int i = 0; i < 100 && f.a.posts == 0; i++)
		turn(&f);
	for (int i = 0; i < 50; i++)
		turn(&f);
	assert_int_equal(f.a.posts, 1);
	assert_int_equal(f.b.posts, 0);
	client_cancel(r);
	for (int i = 0; i < 10; i++)
		turn(&f);
	assert_int_equal(a.n, 0);
	fake_stop(&f.a);
	teardown(&f);
}

static void not_reached_is_said_once(void **state)
{
	struct answer a = { 0 };
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	client_start(f.client);
	WAIT_FOR(&f, 3000, linked(&f, "eng-1"));
	fake_stop(&f.a);
	client_send(f.client, "POST", "/x", "{}", on_answer, &a);
	WAIT_FOR(&f, 5000, a.n == 1);
	assert_int_equal(a.status, 0);
	assert_true(str_has_prefix(a.problem, "no engine was reached"));
	for (int i = 0; i < 20; i++)
		turn(&f);
	assert_int_equal(a.n, 1);
	teardown(&f);
}

static void presence_is_told(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	connect_to(&f, f.a.url, NULL);
	client_presence(f.client, "overview", false);
	client_start(f.client);
	WAIT_FOR(&f, 3000, f.a.presences == 1);
	assert_non_null(strstr(f.a.looking, "overview"));
	for (int i = 0; i < 100; i++)
		client_presence(f.client, i % 2 ? "EV-117" : "EV-118", true);
	WAIT_FOR(&f, 3000, f.a.presences == 2);
	assert_non_null(strstr(f.a.looking, "EV-117"));
	assert_non_null(strstr(f.a.looking, "true"));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_starts_before_start),
		cmocka_unit_test(snapshot_then_stream),
		cmocka_unit_test(many_entries_in_bounded_turns),
		cmocka_unit_test(resumes_without_a_snapshot),
		cmocka_unit_test(too_far_behind_takes_a_snapshot),
		cmocka_unit_test(another_history_is_noticed),
		cmocka_unit_test(goes_to_the_next_engine),
		cmocka_unit_test(frozen_first_engine_does_not_delay),
		cmocka_unit_test(frozen_link_goes_stale_and_ends),
		cmocka_unit_test(only_frozen_engine_and_quit),
		cmocka_unit_test(a_refused_token_is_said),
		cmocka_unit_test(requests_before_and_after_the_link),
		cmocka_unit_test(a_broken_change_is_repeated_with_its_key),
		cmocka_unit_test(a_silent_change_is_not_repeated),
		cmocka_unit_test(not_reached_is_said_once),
		cmocka_unit_test(presence_is_told),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
