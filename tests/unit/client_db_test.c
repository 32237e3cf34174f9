/*
 * The client without an engine: what it reads from PostgreSQL must be what an engine's
 * snapshot says, also as the restricted role; and the copy it keeps on disk.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "core/httpd.h"
#include "core/mem.h"
#include "core/task.h"
#include "engine/hub.h"
#include "read/snapshot.h"
#include "tests/lib/storetest.h"

static struct storetest db;

static const char ROWS[] =
	"INSERT INTO ringdown.environment (name, system_identifier, database_name, adopted_at,"
	" adopted_by) VALUES ('staging', '1', 'x', '2026-11-21T03:00:00Z', 'anna');"
	"INSERT INTO \"TwilioAccount\" (id, name, \"accountSid\", \"isPrimary\", priority, status,"
	" region, \"healthStatus\", \"lastHealthCheck\") VALUES ('acc1', 'acme-main', 'AC1', true,"
	" 1, 'active', 'us1', 'degraded', '2026-11-21T03:12:00.123Z'), ('acc2', 'acme-backup-1',"
	" 'AC2', false, 2, 'active', 'ie1', 'healthy', NULL);"
	"INSERT INTO ringdown.account_ext (account_id, parent_sid, type, balance, health_since,"
	" why, failing, unknown, failure_rate, standby_ready, standby_problems, credentials_set_at)"
	" VALUES ('acc1', 'ACP', 'Full', '12.34 USD', '2026-11-21T03:08:12Z', '18 of 40', 18, 1,"
	" 0.45, false, NULL, '2026-01-01T00:00:00Z'), ('acc2', NULL, NULL, NULL, NULL, 'ready', 0,"
	" 0, 0, true, '[\"sms\"]', NULL);"
	"INSERT INTO \"VoiceAgent\" (id, name, \"elevenLabsAgentId\", \"twilioPhoneNumber\")"
	" VALUES ('ag1', 'one', 'el1', '+15550001'), ('ag2', 'two', 'el2', '+15550002');"
	"INSERT INTO \"TwilioBackupPhoneNumber\" (id, \"accountId\", \"phoneNumber\", status,"
	" \"voiceReady\", \"smsReady\") VALUES ('n1', 'acc2', '+15551001', 'available', true,"
	" true), ('n2', 'acc2', '+15551002', 'reserved', true, false);"
	"INSERT INTO ringdown.event (id, version, status, severity, confirmed, trigger_type,"
	" rule_id, reason, cause, cause_key, lineage, from_account, to_account, opened_at,"
	" state_since, started_at, window_ms, tested_failing_ms, deadline_at, passes, tests_failed,"
	" plan_hash, plan, overrides, gates, agents_total) VALUES ('EV-101', 3, 'pending',"
	" 'degraded', true, 'AUTOMATIC', 210, 'because', '18 of 40', 'agent', 'acc1', 'acc1',"
	" 'acc2', '2026-11-21T03:09:28Z', '2026-11-21T03:09:28Z', '2026-11-21T03:09:28Z', 600000,"
	" 199000, '2026-11-21T03:19:28Z', 1, 7, '7c1e', '{\"agents\":38}', '[\"hour\"]',"
	" '[{\"gate\":\"numbers\",\"pass\":false,\"why\":\"9 of 38\",\"overridable\":true}]', 40),"
	" ('EV-100', 9, 'completed', 'critical', true, 'MANUAL', 0, NULL, NULL, NULL, 'acc2',"
	" 'acc2', 'acc1', '2026-11-20T03:09:28Z', '2026-11-20T03:19:28Z', NULL, 0, 0, NULL, 0, 0,"
	" NULL, NULL, NULL, NULL, 0);"
	"INSERT INTO ringdown.event_step (event_id, n, name, state, done, total, started_at, error)"
	" VALUES ('EV-100', 1, 'lock', 'done', 1, 1, '2026-11-20T03:09:30Z', NULL), ('EV-100', 2,"
	" 'switch', 'failed', 0, 2, NULL, 'no');"
	"INSERT INTO ringdown.event_test (event_id, n, at, outcome, detail, parts) SELECT 'EV-101',"
	" n, '2026-11-21T03:10:00Z'::timestamptz + n * interval '1 s', 'bad', 'test ' || n,"
	" '{\"api\":\"ok\"}' FROM generate_series(1, 45) n;"
	"INSERT INTO ringdown.journal (seq, at, level, kind, subject, actor, text, data, hash)"
	" SELECT n, '2026-11-21T03:00:00Z'::timestamptz + n * interval '1 s', 'warn', 'note',"
	" 'EV-101', 'anna', CASE WHEN n % 10 = 0 THEN '' ELSE 'line ' || n END, '{}', 'h' FROM"
	" generate_series(1, 300) n;UPDATE ringdown.journal_head SET seq = 300;"
	"INSERT INTO ringdown.hold (id, what, subject, by, reason, since, until) VALUES ('h1',"
	" 'sms-off', 'org_12', 'ben', 'carrier', '2026-11-21T02:00:00Z', NULL);"
	"INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since, seen_at,"
	" acked_by) VALUES ('AL-1', 'one-agent', 'acc1', '1 of 40', 'warn', 'firing',"
	" '2026-11-21T03:00:00Z', '2026-11-21T03:00:00Z', 'ben');"
	"INSERT INTO ringdown.outbox (channel, event_id, kind, payload, state, attempts,"
	" created_at, next_at, error) VALUES ('slack', 'EV-101', 'opened', '{}', 'dead', 5,"
	" '2026-11-21T03:09:30Z', '2026-11-21T03:10:30Z', '500');"
	"UPDATE ringdown.control SET paused = true, paused_by = 'anna', paused_reason = 'drill',"
	" paused_at = '2026-11-21T03:00:00Z';"
	"UPDATE ringdown.lease SET holder = 'eng-1', epoch = 4;"
	"INSERT INTO ringdown.engine (id, address, started_at, seen_at) VALUES ('eng-1',"
	" 'http://127.0.0.1:1', '2026-11-21T03:00:00Z', '2026-11-21T03:12:00Z');"
	"INSERT INTO ringdown.live (key, doc, at) VALUES ('leader', '{\"cycleMs\":812,\"gates\":"
	"[{\"lineage\":\"acc1\",\"target\":\"acc2\",\"gates\":[{\"gate\":\"numbers\","
	"\"pass\":true}]}]}', '2026-11-21T03:12:00Z');";

/* ---- the same as an engine's snapshot ------------------------------------------------------ */

struct reading {
	struct loop *loop;
	const char *url;
	struct state state;
	struct snapshot_head head;
	int result;
	struct err err;
};

static void read_it(void *arg)
{
	struct reading *x = arg;
	struct pg_options o = { .url = x->url, .max_connections = 1, .read_only = true };
	struct pg_pool *pool = pg_pool_new(x->loop, &o);
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct pg_conn *c = NULL;

	jw_obj(&w, NULL);
	x->result = pg_acquire(pool, &c, &x->err);
	if (x->result == 0)
		x->result = read_snapshot(c, loop_wall_ms(x->loop), &w, &x->head, &x->err);
	jw_i64(&w, "seq", x->head.seq);
	jw_obj_end(&w);
	struct json *doc = json_parse(str_get(&b), b.len, NULL);
	if (doc && x->result == 0)
		state_load(&x->state, doc, NULL);
	json_free(doc);
	str_fini(&b);
	pg_release(c);
	pg_pool_free(pool);
}

static char *part(const struct state *s, const char *name)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT), one = STR_INIT(STR_MAX_DEFAULT);

	state_json(&JW(&b), NULL, s);
	struct json *doc = json_parse(b.s, b.len, NULL);
	json_print(&one, json_get(doc, name));
	json_free(doc);
	str_fini(&b);
	return str_take(&one);
}

static const char *as_console(const char *url, char *buf, size_t n)
{
	const char *rest = strstr(url, "postgres@");

	assert_non_null(rest);
	snprintf(buf, n, "postgresql://ringdown_console@%s", rest + strlen("postgres@"));
	return buf;
}

static void same_as_an_engines_snapshot(void **state)
{
	static const char *const parts[] = { "seq", "control", "accounts", "events", "entries",
					     "holds", "alerts" };
	const char *url = storetest_database(&db);
	struct loop *l = loop_new();
	struct store *s = storetest_open(&db, l, url, "eng-1");
	struct hub *hub = hub_new(l, s, 100);
	char buf[300];
	struct reading x = { .loop = l, .url = as_console(url, buf, sizeof(buf)) };

	(void)state;
	hub_stop(hub);
	for (int i = 0; i < 20; i++)
		loop_run_once(l, 5);
	hub_free(hub);
	pgtemp_sql(db.pg, url, ROWS);
	hub = hub_new(l, s, 100);
	while (!hub_loaded(hub))
		loop_run_once(l, 20);
	state_init(&x.state);
	in_task(l, read_it, &x);
	if (x.result < 0)
		print_error("%s\n", x.err.msg);
	assert_int_equal(x.result, 0);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		char *want = part(hub_state(hub), parts[i]), *got = part(&x.state, parts[i]);

		assert_true(strlen(want) > 2);
		assert_string_equal(got, want);
		free(want);
		free(got);
	}
	assert_int_equal(x.state.outbox_dead, 1);
	assert_int_equal(x.state.n_messages, 1); /* all but who it was for */
	assert_string_equal(x.state.messages[0].event, "EV-101");
	assert_null(x.state.messages[0].to);
	assert_string_equal(x.head.environment, "staging");
	assert_string_equal(x.head.holder, "eng-1");
	assert_int_equal(x.state.n_peers, 1);
	assert_true(x.state.peers[0].leader);
	hub_stop(hub);
	for (int i = 0; i < 20; i++)
		loop_run_once(l, 5);
	hub_free(hub);
	store_close(s);
	state_fini(&x.state);
	snapshot_head_fini(&x.head);
	loop_free(l);
}

/* ---- the client on the database -------------------------------------------------------------- */

static void turns(struct loop *l, struct client *c, enum client_link until, int64_t limit_ms)
{
	int64_t end = loop_now_ms(l) + limit_ms;

	while (client_link(c) != until && loop_now_ms(l) < end)
		loop_run_once(l, 20);
	assert_int_equal(client_link(c), until);
}

static void answer(void *ctx, struct httpd_req *r)
{
	struct httpd_stream **stream = ctx;
	const char *path = httpd_path(r),
		*text = "{\"seq\":7,\"databaseOk\":true,\"name\":\"anna\","
		"\"role\":\"admin\",\"engine\":\"eng-9\"}";

	if (strcmp(path, "/api/v1/stream") == 0)
		*stream = httpd_stream(r, "text/event-stream", 100000, NULL, NULL);
	else
		httpd_reply(r, 200, "application/json", text, strlen(text));
}

static void database_until_an_engine_answers(void **state)
{
	const char *url = storetest_database(&db);
	struct loop *l = loop_new();
	struct httpd_options ho = { .address = "127.0.0.1" };
	struct httpd_stream *stream = NULL;
	struct err err = { 0 };
	struct httpd *h = httpd_new(l, &ho, answer, &stream, &err);
	char api[64];
	const char *apis[] = { api };
	struct client_options o = { .apis = apis, .n_apis = 1, .database = url };
	struct client *c;

	(void)state;
	snprintf(api, sizeof(api), "http://127.0.0.1:%d", httpd_port(h));
	ho.port = httpd_port(h);
	httpd_free(h);
	pgtemp_sql(db.pg, url, ROWS);
	c = client_new(l, &o, NULL, NULL);
	client_start(c);
	turns(l, c, LINK_DATABASE, 9000);
	assert_int_equal(client_state(c)->seq, 300);
	assert_int_equal(client_state(c)->n_gates, 1);
	assert_int_equal(client_state(c)->cycle_ms, 812);
	assert_string_equal(client_where(c), "database");
	assert_false(client_stale(c));
	assert_true(client_trouble(c)[0] != '\0');
	pgtemp_sql(db.pg, url, "UPDATE ringdown.journal_head SET seq = 301");
	for (int i = 0; i < 300 && client_state(c)->seq == 300; i++)
		loop_run_once(l, 20);
	assert_int_equal(client_state(c)->seq, 301);
	h = httpd_new(l, &ho, answer, &stream, &err);
	assert_non_null(h);
	turns(l, c, LINK_API, 5000);
	assert_int_equal(client_state(c)->seq, 7);
	for (int i = 0; i < 50; i++)
		loop_run_once(l, 5);
	assert_int_equal(atoi(pgtemp_sql(db.pg, url, "SELECT count(*) FROM pg_stat_activity WHERE"
					 " application_name = 'ringdown console'")), 0);
	client_free(c);
	httpd_free(h);
	loop_free(l);
}

struct page { int n, status; int64_t total; char first[40], problem[200]; };

static void on_page(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct page *p = ctx;
	const char *name = json_str(json_path(doc, "agents.0.name"));

	p->n++;
	p->status = status;
	p->total = json_get_i64(doc, "total", -1);
	snprintf(p->first, sizeof(p->first), "%s", name ? name : "");
	snprintf(p->problem, sizeof(p->problem), "%s", problem ? problem : "");
}

static void agents_come_from_the_database(void **state)
{
	const char *url = storetest_database(&db);
	struct loop *l = loop_new();
	struct client_options o = { .database = url };
	struct page all = { 0 }, one = { 0 }, other = { 0 };
	struct client *c;

	(void)state;
	pgtemp_sql(db.pg, url, ROWS);
	c = client_new(l, &o, NULL, NULL);
	client_start(c);
	turns(l, c, LINK_DATABASE, 5000);
	client_get(c, "/api/v1/agents?offset=0&limit=50", on_page, &all);
	client_get(c, "/api/v1/agents?limit=50&q=t%77o", on_page, &one);
	client_get(c, "/api/v1/checks?limit=1", on_page, &other);
	client_cancel(client_get(c, "/api/v1/agents", on_page, &other));
	for (int i = 0; i < 200 && (!all.n || !one.n || !other.n); i++)
		loop_run_once(l, 20);
	assert_int_equal(all.status, 200);
	assert_int_equal(all.total, 2);
	assert_int_equal(one.total, 1);
	assert_string_equal(one.first, "two");
	assert_int_equal(other.n, 1);
	assert_int_equal(other.status, 0);
	client_get(c, "/api/v1/agents", on_page, &all);
	client_free(c); /* with one under way */
	for (int i = 0; i < 50; i++)
		loop_run_once(l, 1);
	assert_int_equal(all.n, 1);
	loop_free(l);
}

static int files_in(const char *dir, char *name, size_t n)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int count = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(name, n, "%s/%s", dir, e->d_name);
			count++;
		}
	if (d)
		closedir(d);
	return count;
}

struct kept_doc { int n, status; int64_t calls; size_t entries; char text[40]; };

static void on_doc(void *ctx, int status, const struct json *doc, const char *problem)
{
	const char *text = json_str(json_path(doc, "entries.0.text"));
	struct kept_doc *d = ctx;

	(void)problem;
	d->n++;
	d->status = status;
	d->calls = json_get_i64(json_path(doc, "hours.0"), "calls", -1);
	d->entries = json_count(json_get(doc, "entries"));
	snprintf(d->text, sizeof(d->text), "%s", text ? text : "");
}

static void ask_both(struct loop *l, struct client *c, struct kept_doc *calls,
		     struct kept_doc *line)
{
	*calls = *line = (struct kept_doc){ 0 };
	client_get(c, "/api/v1/calls?hours=24", on_doc, calls);
	client_get(c, "/api/v1/timeline?limit=50", on_doc, line);
	for (int i = 0; i < 1000 && (!calls->n || !line->n); i++)
		loop_run_once(l, 20);
}

/* Engine gone: from the database, as the role that may not read messages. Both gone: the answers of
 * last time, also after a new start. */
static void calls_and_timeline_without_an_engine(void **state)
{
	const char *url = storetest_database(&db);
	const char *const apis[] = { "http://127.0.0.1:1" };
	char dir[] = "/tmp/client_db_test.XXXXXX", role[400], file[400] = "", lane[80];
	struct loop *l = loop_new();
	struct client_options o = { .apis = apis, .n_apis = 1, .state_dir = dir,
				    .database = as_console(url, role, sizeof(role)) };
	struct kept_doc calls, line;
	struct client *c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pgtemp_sql(db.pg, url, ROWS);
	pgtemp_sql(db.pg, url, "INSERT INTO calls (id, call_sid, from_number, to_number, status,"
			       " duration, created_at) SELECT 'c' || n, 'CA' || n, '+1', '+2', CASE WHEN n = 1"
			       " THEN 'failed' ELSE 'completed' END, 60, clock_timestamp() FROM"
			       " generate_series(1, 3) n");
	pgtemp_sql(db.pg, url, "INSERT INTO ringdown.note (happened_at, recorded_at, by, text) SELECT"
			       " clock_timestamp(), clock_timestamp(), 'jane', 'carrier says: us'");
	c = client_new(l, &o, NULL, NULL);
	client_start(c);
	turns(l, c, LINK_DATABASE, 12000);
	ask_both(l, c, &calls, &line);
	assert_int_equal(calls.status, 200);
	assert_int_equal(calls.calls, 3);
	assert_int_equal(line.status, 200);
	assert_int_equal(line.entries, 1);
	assert_string_equal(line.text, "carrier says: us");
	client_get(c, "/api/v1/timeline?limit=5&lane=outside&noise=1&to=2026-11-21T03:01:00Z", on_doc,
		   &line);
	for (int i = 0; i < 500 && line.n < 2; i++)
		loop_run_once(l, 20);
	assert_int_equal(line.status, 200);
	assert_int_equal(line.entries, 0);
	snprintf(lane, sizeof(lane), "/api/v1/timeline?limit=5&lane=%s", "nowhere");
	client_get(c, lane, on_doc, &line);
	for (int i = 0; i < 500 && line.n < 3; i++)
		loop_run_once(l, 20);
	assert_int_equal(line.status, 0);
	for (int i = 0; i < 1500 && files_in(dir, file, sizeof(file)) < 2; i++)
		loop_run_once(l, 20);
	assert_int_equal(files_in(dir, file, sizeof(file)), 2);
	pgtemp_down(db.pg);
	turns(l, c, LINK_SAVED, 12000);
	ask_both(l, c, &calls, &line);
	assert_int_equal(calls.calls, 3);
	assert_int_equal(line.entries, 1);
	assert_true(client_stale(c));
	client_free(c);
	c = client_new(l, &o, NULL, NULL);
	client_start(c);
	ask_both(l, c, &calls, &line);
	assert_int_equal(calls.status, 200);
	assert_int_equal(calls.calls, 3);
	assert_string_equal(line.text, "carrier says: us");
	assert_true(client_stale(c));
	client_free(c);
	pgtemp_up(db.pg);
	while (files_in(dir, file, sizeof(file)))
		unlink(file);
	rmdir(dir);
	loop_free(l);
}

static void a_database_that_goes_away(void **state)
{
	const char *url = storetest_database(&db);
	struct loop *l = loop_new();
	struct client_options o = { .database = url };
	struct client *c;

	(void)state;
	pgtemp_sql(db.pg, url, ROWS);
	c = client_new(l, &o, NULL, NULL);
	client_start(c);
	turns(l, c, LINK_DATABASE, 5000);
	pgtemp_down(db.pg);
	turns(l, c, LINK_SAVED, 12000);
	assert_true(client_stale(c));
	assert_true(client_db_age_ms(c) > 3000);
	assert_non_null(strstr(client_trouble(c), "database"));
	assert_int_equal(client_state(c)->seq, 300);
	pgtemp_up(db.pg);
	turns(l, c, LINK_DATABASE, 9000);
	client_free(c);
	loop_free(l);
}

/* ---- the copy on disk ----------------------------------------------------------------------- */

static void the_copy_is_kept_and_read(void **state)
{
	const char *url = storetest_database(&db);
	char dir[] = "/tmp/client_db_test.XXXXXX", file[400] = "";
	struct secret *secret = secret_new("planted-secret-0123456789");
	struct loop *l = loop_new();
	struct client_options o = { .database = url, .state_dir = dir, .token = secret };
	struct client *c;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pgtemp_sql(db.pg, url, ROWS);
	pgtemp_sql(db.pg, url, "UPDATE ringdown.hold SET reason = 'said"
			       " planted-secret-0123456789'");
	c = client_new(l, &o, NULL, NULL);
	assert_int_equal(client_state(c)->seq, 0);
	client_start(c);
	turns(l, c, LINK_DATABASE, 5000);
	for (int i = 0; i < 800 && files_in(dir, file, sizeof(file)) == 0; i++)
		loop_run_once(l, 20);
	client_free(c);
	assert_int_equal(files_in(dir, file, sizeof(file)), 1);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	c = client_new(l, &o, NULL, NULL);
	assert_int_equal(client_link(c), LINK_SAVED);
	assert_int_equal(client_state(c)->seq, 300);
	assert_int_equal(client_state(c)->n_accounts, 2);
	assert_true(client_state(c)->now_ms > 0);
	assert_string_equal(client_state(c)->holds[0].reason, "said [secret]");
	assert_true(client_stale(c));
	client_free(c);
	/* cut short: as if there were none */
	assert_int_equal(truncate(file, 1000), 0);
	c = client_new(l, &o, NULL, NULL);
	assert_int_equal(client_link(c), LINK_NONE);
	client_free(c);
	unlink(file);
	rmdir(dir);
	secret_free(secret);
	loop_free(l);
}

static int start(void **state)
{
	(void)state;
	storetest_start(&db);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	storetest_stop(&db);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_an_engines_snapshot),
		cmocka_unit_test(database_until_an_engine_answers),
		cmocka_unit_test(agents_come_from_the_database),
		cmocka_unit_test(calls_and_timeline_without_an_engine),
		cmocka_unit_test(a_database_that_goes_away),
		cmocka_unit_test(the_copy_is_kept_and_read),
	};

	return cmocka_run_group_tests_name("client_db", tests, start, stop);
}
