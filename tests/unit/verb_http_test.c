/* http, metric, say and the others: binding, what is refused, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc.h"
#include "core/task.h"
#include "tests/lib/pgtemp.h"
#include "tests/lib/verbtest.h"

static struct verbtest t;

/* A server that answers each connection with one text and keeps the last request. */
static struct { int fd, port; pthread_t thread; char reply[2000], request[8000]; } server;

static void *serve(void *arg)
{
	int c;

	(void)arg;
	while ((c = accept(server.fd, NULL, NULL)) >= 0) {
		size_t n = 0;
		ssize_t got;

		while (n + 1 < sizeof(server.request) &&
		       (got = read(c, server.request + n, sizeof(server.request) - 1 - n)) > 0) {
			char *end, *len;

			n += (size_t)got;
			server.request[n] = '\0';
			end = strstr(server.request, "\r\n\r\n");
			len = strcasestr(server.request, "content-length:");
			if (end && n >= (size_t)(end + 4 - server.request) +
			    (len && len < end ? (size_t)strtol(len + 15, NULL, 10) : 0))
				break;
		}
		if (write(c, server.reply, strlen(server.reply)) < 0)
			perror("write");
		close(c);
	}
	return NULL;
}

static int start(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	(void)state;
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server.fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(server.fd, 8) < 0)
		return -1;
	getsockname(server.fd, (struct sockaddr *)&a, &n);
	server.port = ntohs(a.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
	(void)state;
	shutdown(server.fd, SHUT_RDWR);
	close(server.fd);
	pthread_join(server.thread, NULL);
	return 0;
}

static void answers(const char *status, const char *headers, const char *body)
{
	snprintf(server.reply, sizeof(server.reply), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n"
		 "Connection: close\r\n\r\n%s", status, headers, strlen(body), body);
}

static int setup(void **state)
{
	char base[64];

	(void)state;
	verbtest_init(&t, VERB_HTTP, EFFECT_READ);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", server.port);
	verbtest_text(&t, "base", base);
	answers("200 OK", "X-Thing: a\r\n", "{\"a\": {\"b\": [1, 2]}}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verbtest_fini(&t);
	return 0;
}

static int http(const char *method, const char *url)
{
	t.step.op.method = (char *)(uintptr_t)method;
	t.step.op.text = (char *)(uintptr_t)url;
	return verbtest_run(&t);
}

#define ok(call) do { if ((call) < 0) fail_msg("%s", t.err.msg); } while (0)

static void results(void **state)
{
	struct pair query[] = { { .name = (char[]){ "q" }, .text = (char[]){ "$odd" } },
				{ .name = (char[]){ "n" }, .text = (char[]){ "5" } } };

	(void)state;
	verbtest_text(&t, "odd", "a/../b?c=1&d #\r\nHost: evil");
	t.step.op.query = query;
	t.step.op.n_query = 2;
	ok(http("GET", "$base/x/$odd"));
	assert_true(str_has_prefix(server.request,
		    "GET /x/a%2F..%2Fb%3Fc%3D1%26d%20%23%0D%0AHost%3A%20evil"
		    "?q=a%2F..%2Fb%3Fc%3D1%26d%20%23%0D%0AHost%3A%20evil&n=5 HTTP/1.1\r\n"));
	assert_int_equal(verbtest_number(&t, "status"), 200);
	assert_int_equal(verbtest_number(&t, "json:$.a.b[1]"), 2);
	assert_string_equal(value_get(value_get(&t.result, "header"), "x-thing")->text, "a");
	assert_int_equal(value_get(&t.result, "time")->type, V_DURATION);
	answers("503 Busy", "", "\033[31mno\033[0m\007");
	ok(http("HEAD", "$base/"));
	ok(http("GET", "$base/"));
	assert_int_equal(verbtest_number(&t, "status"), 503);
	assert_string_equal(verbtest_got(&t, "body"), "no");
	answers("302 Found", "Location: http://127.0.0.1:1/\r\n", "");
	ok(http("GET", "$base/"));
	assert_int_equal(verbtest_number(&t, "status"), 302);
	assert_int_equal(http("GET", "http://127.0.0.1:1/"), ERR_UNREACHABLE);
}

static void effects(void **state)
{
	(void)state;
	server.request[0] = '\0';
	assert_int_equal(http("POST", "$base/"), ERR_DENIED);
	assert_int_equal(http("DELETE", "$base/"), ERR_DENIED);
	assert_string_equal(server.request, "");
	t.step.why = (char[]){ "it only computes" };
	ok(http("POST", "$base/"));
	/* not for a preview, whatever the step says */
	struct operation preview = { .verb = VERB_HTTP, .method = (char[]){ "POST" },
				     .text = t.step.op.text };
	t.call.op = &preview;
	assert_int_equal(verbtest_run(&t), ERR_DENIED);
	t.call.op = &t.step.op;
	t.call.effect = t.step.effect = EFFECT_CHANGE;
	server.request[0] = '\0';
	t.call.rehearse = true;
	ok(http("POST", "$base/"));
	assert_string_equal(server.request, "");
	t.call.rehearse = false;
	ok(http("POST", "$base/"));
	t.call.effect = EFFECT_UNKNOWN;
	assert_int_equal(http("GET", "$base/"), ERR_DENIED);
}

static void addresses(void **state)
{
	(void)state;
	assert_int_equal(http("GET", "http://example.com/"), ERR_DENIED);
	assert_int_equal(http("GET", "http://127.0.0.1.example.com/"), ERR_DENIED);
	assert_int_equal(http("GET", "http://localhost.example.com/"), ERR_DENIED);
	assert_int_equal(http("GET", "https://user:pw@127.0.0.1/"), ERR_DENIED);
	assert_int_equal(http("GET", "http://127.0.0.1@example.com/"), ERR_DENIED);
	assert_int_equal(http("GET", "ftp://127.0.0.1/"), ERR_INVALID);
	assert_int_equal(http("GET", "file:///etc/passwd"), ERR_INVALID);
	assert_int_equal(http("GET", "http:///x"), ERR_INVALID);
	verbtest_text(&t, "evil", "@example.com");
	assert_true(http("GET", "http://127.0.0.1$evil/") < 0);
	verbtest_text(&t, "other", "javascript:alert(1)");
	assert_true(http("GET", "$other") < 0);
}

static void bodies(void **state)
{
	struct pair headers[] = { { .name = (char[]){ "X-Key" }, .text = (char[]){ "$key" } } };
	struct pair form[] = { { .name = (char[]){ "To" }, .text = (char[]){ "$num" } },
			       { .name = (char[]){ "Body" }, .text = (char[]){ "a&b=c" } } };

	(void)state;
	t.call.effect = t.step.effect = EFFECT_CHANGE;
	verbtest_secret(&t, "key", "very-secret-key");
	verbtest_text(&t, "num", "+14155552000");
	value_set_bool(verbtest_value(&t, "on"), false);
	t.step.op.headers = headers;
	t.step.op.n_headers = 1;
	t.step.op.body_json = (char[]){ "{\"n\":\"$num\",\"on\":\"$on\",\"t\":\"x $num\"}" };
	ok(http("PATCH", "$base/f"));
	assert_non_null(strstr(server.request, "X-Key: very-secret-key\r\n"));
	assert_non_null(strstr(server.request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(server.request,
			       "\r\n\r\n{\"n\":\"+14155552000\",\"on\":false,\"t\":\"x"
			       " +14155552000\"}"));
	char *d = verbtest_describe(&t);
	assert_null(strstr(d, "very-secret"));
	assert_non_null(strstr(d, "X-Key: ***"));
	assert_non_null(strstr(d, "\"on\":false"));
	free(d);
	t.step.op.body_json = NULL;
	t.step.op.form = form;
	t.step.op.n_form = 2;
	ok(http("POST", "$base/f"));
	assert_non_null(strstr(server.request, "\r\n\r\nTo=%2B14155552000&Body=a%26b%3Dc"));
	verbtest_text(&t, "lines", "a\r\nEvil: 1");
	headers[0].text = (char[]){ "$lines" };
	assert_int_equal(http("POST", "$base/f"), ERR_INVALID);
	headers[0].text = (char[]){ "x" };
	assert_int_equal(http("POST", "$base/?key=$key"), ERR_INVALID);
	form[0].text = (char[]){ "$nothing" };
	assert_int_equal(http("POST", "$base/"), ERR_NOT_FOUND);
	assert_string_equal(t.scope.needs, "nothing");
}

static void auth(void **state)
{
	struct pair query[] = { { .name = (char[]){ "k" }, .text = (char[]){ "$pw" } } };

	(void)state;
	verbtest_secret(&t, "pw", "hunter2-hunter2");
	t.step.op.auth_user = (char[]){ "SK1" };
	t.step.op.auth_secret = (char[]){ "pw" };
	answers("200 OK", "", "Authorization: Basic U0sxOmh1bnRlcjItaHVudGVyMg== hunter2-hunter2");
	ok(http("GET", "$base/"));
	assert_non_null(strstr(server.request, "Authorization: Basic"
					       " U0sxOmh1bnRlcjItaHVudGVyMg=="));
	/* a server that repeats it is masked, in both forms */
	assert_null(strstr(verbtest_got(&t, "body"), "hunter2"));
	assert_null(strstr(verbtest_got(&t, "body"), "U0sxOmh1"));
	t.step.op.auth_user = t.step.op.auth_secret = NULL;
	t.step.op.auth_bearer = (char[]){ "pw" };
	ok(http("GET", "$base/"));
	assert_non_null(strstr(server.request, "Authorization: Bearer hunter2-hunter2\r\n"));
	t.step.op.auth_header = (char[]){ "xi-api-key" };
	ok(http("GET", "$base/"));
	assert_non_null(strstr(server.request, "xi-api-key: hunter2-hunter2\r\n"));
	t.step.op.query = query;
	t.step.op.n_query = 1;
	assert_int_equal(http("GET", "$base/"), ERR_DENIED);
}

/* ---- ports ------------------------------------------------------------------------------- */

static char said[2000];

static int say(void *ctx, const struct run_say *m, struct str *ret_missing, struct err *err)
{
	(void)ctx;
	(void)err;
	assert_string_equal(m->run, "RUN-1");
	assert_non_null(strstr(m->dedup, "RUN-1"));
	assert_string_equal(m->message->id, "m");
	for (size_t i = 0; i < m->n_to; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s|%s|%s;", m->to[i],
			 m->subject, m->text);
	str_add(ret_missing, "pager (pagerduty is not configured)");
	return 0;
}

static int engine_call(void *ctx, const char *method, const char *path, const char *body,
		       const char *by, int role, int *ret_status, struct str *ret_body,
			struct err *err)
{
	(void)ctx;
	(void)err;
	assert_string_equal(by, "anna");
	assert_int_equal(role, 2);
	snprintf(said, sizeof(said), "%s %s %s", method, path, body ? body : "-");
	*ret_status = 201;
	str_add(ret_body, "{\"event\":{\"id\":\"EV-1\"}}");
	return 0;
}

static int metric_read(void *ctx, const struct policy_metric *m, int64_t over_ms,
		       int64_t deadline_ms, double *ret, struct err *err)
{
	(void)ctx;
	(void)over_ms;
	(void)deadline_ms;
	if (str_eq(m->name, "none"))
		return err_set(err, ERR_NOT_FOUND, "no series");
	*ret = 7;
	return 0;
}

static const struct run_ports ports = { .say = say, .engine_call = engine_call,
					.metric_read = metric_read };
static const char POLICY[] = "ringdown: 1\nseverities: {}\nmessages:\n"
	"  m: {subject: 'About {{service}}', body: '{{impact}} by {{commander}} until {{eta}}'}\n"
	"metrics:\n  bal: {engine: bal, bands: {ok: {ge: 100}, warn: {ge: 5}}}\n  none: {engine:"
	" none}\n  drop: {http: GET $base/m, query: {w: '60'}, value: '$.a.b[1]', bands: {ok: {le:"
	" 1}}}\ntargets:\n  t: {base: 'http://127.0.0.1:${PORT}'}\n";

static void engine_api(void **state)
{
	(void)state;
	t.env.ports = &ports;
	t.call.role = 2;
	verbtest_text(&t, "id", "EV/1");
	ok(http("GET", "ringdown:/api/v1/events/$id"));
	assert_string_equal(said, "GET /api/v1/events/EV%2F1 -");
	assert_int_equal(verbtest_number(&t, "status"), 201);
	assert_int_equal(http("POST", "ringdown:/api/admin/twilio-failover/start"), ERR_DENIED);
	t.step.why = (char[]){ "asks" };
	assert_int_equal(http("POST", "ringdown:/api/admin/twilio-failover/start"), ERR_DENIED);
	ok(http("POST", "ringdown:/api/admin/twilio-failover/detect"));
	t.call.effect = t.step.effect = EFFECT_CHANGE;
	t.step.op.body_json = (char[]){ "{\"reason\":\"$id\"}" };
	ok(http("POST", "ringdown:/api/admin/twilio-failover/start"));
	assert_string_equal(said, "POST /api/admin/twilio-failover/start {\"reason\":\"EV/1\"}");
	t.env.ports = NULL;
	assert_int_equal(http("POST", "ringdown:/x"), ERR_UNREACHABLE);
}

static void messages(void **state)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(POLICY, strlen(POLICY), "p", &err);
	char *to[] = { (char[]){ "slack:#incidents" }, (char[]){ "pager" } };
	char *needs[] = { (char[]){ "eta" } };

	(void)state;
	assert_non_null(p);
	t.env.policy = p;
	t.env.ports = &ports;
	t.step.op.verb = VERB_SAY;
	t.step.op.text = (char[]){ "m" };
	t.step.op.to = to;
	t.step.op.n_to = 2;
	verbtest_text(&t, "impact", "no {{calls}}");
	said[0] = '\0';
	ok(verbtest_run(&t));
	assert_string_equal(said, "slack:#incidents|About [service?]|no {{calls}} by anna until"
				  " [eta?];pager|About [service?]|no {{calls}} by anna until"
				  " [eta?];");
	t.step.op.needs_fields = needs;
	t.step.op.n_needs_fields = 1;
	said[0] = '\0';
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	assert_string_equal(said, "");
	assert_string_equal(t.scope.needs, "eta");
	t.step.op.text = (char[]){ "mm" };
	assert_int_equal(verbtest_run(&t), ERR_INVALID);
	assert_non_null(strstr(t.err.msg, "did you mean 'm'?"));
	policy_free(p);
}

static void metrics(void **state)
{
	struct err err = { 0 };
	struct policy *p;
	char port[16];

	(void)state;
	snprintf(port, sizeof(port), "%d", server.port);
	setenv("PORT", port, 1);
	p = policy_parse(POLICY, strlen(POLICY), "p", &err);
	if (!p)
		fail_msg("%s", err.msg);
	t.env.policy = p;
	t.env.target = "t";
	t.env.ports = &ports;
	t.step.op.verb = VERB_METRIC;
	t.step.op.text = (char[]){ "bal" };
	ok(verbtest_run(&t));
	assert_int_equal(verbtest_number(&t, "value"), 7);
	assert_string_equal(verbtest_got(&t, "band"), "warn");
	t.step.op.text = (char[]){ "none" };
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	/* wherever it is from: the port reads it */
	t.step.op.text = (char[]){ "drop" };
	ok(verbtest_run(&t));
	assert_string_equal(verbtest_got(&t, "band"), "critical");
	t.env.ports = NULL;
	assert_int_equal(verbtest_run(&t), ERR_UNREACHABLE);
	t.step.op.text = (char[]){ "dropp" };
	assert_int_equal(verbtest_run(&t), ERR_INVALID);
	policy_free(p);
}

/* ---- certificates, of a real TLS server ----------------------------------------------------- */

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = 0;

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

static void fetch(void *arg)
{
	struct http_reply *r = arg;
	_cleanup_(free_p) char *url = xasprintf("https://127.0.0.1:%d/", server.port);
	struct http_request q = { .method = "GET", .url = url, .timeout_ms = 2000,
				  .want_cert = true, .insecure_tls = true };

	for (int i = 0; i < 20 && r->result != HTTP_DONE; i++) {
		http_reply_fini(r);
		http_fetch(t.env.http, &q, r);
		if (r->result != HTTP_DONE)
			task_sleep(100);
	}
}

static struct proc *tls_server(const char *dir, int days, int port)
{
	_cleanup_(free_p) char *make =
		xasprintf("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
			  " -nodes -days %d -subj /CN=127.0.0.1 -addext"
			  " subjectAltName=IP:127.0.0.1 -keyout k.pem -out c.pem", dir, days);
	_cleanup_(free_p) char *accept_at = xasprintf("%d", port);
	const char *sh[] = { "sh", "-ec", make, NULL };
	const char *argv[] = { "openssl", "s_server", "-accept", accept_at, "-cert", "c.pem",
			       "-key",
			       "k.pem", "-www", "-quiet", NULL };
	struct proc_options o = { .argv = sh, .stdout_fd = -1, .stderr_fd = -1 };
	struct str out = STR_INIT(8000);

	if (proc_run(&o, 30000, &out, NULL) != 0)
		fail_msg("%s", str_get(&out));
	str_fini(&out);
	o = (struct proc_options){ .argv = argv, .cwd = dir, .stdout_fd = -1, .stderr_fd = -1,
				   .die_with_parent = true };
	return proc_start(t.loop, &o, NULL, NULL, &t.err);
}

static void certificate(void **state)
{
	char dir[] = "/tmp/rd-cert-XXXXXX";
	const char *rm[] = { "rm", "-rf", "--", dir, NULL };
	struct proc_options clean = { .argv = rm, .stdout_fd = -1, .stderr_fd = -1 };
	struct http_reply reply = { 0 };
	int plain = server.port;
	struct proc *p;
	char url[60];

	(void)state;
	assert_non_null(mkdtemp(dir));
	server.port = free_port();
	p = tls_server(dir, 30, server.port);
	assert_non_null(p);
	reply.result = HTTP_CONNECT;
	in_task(t.loop, fetch, &reply);
	if (reply.result != HTTP_DONE)
		fail_msg("%s", reply.error);
	assert_in_range((reply.cert_until_ms - loop_wall_ms(t.loop)) / 86400000, 29, 30);
	http_reply_fini(&reply);
	/* a step trusts whom the machine trusts: this one is a failure that names its reason */
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
	server.port = plain;
	assert_true(http("GET", url) < 0);
	assert_non_null(strstr(t.err.msg, "certificate"));
	assert_int_equal(verbtest_number(&t, "cert_days"), -12345);
	proc_signal(p, SIGKILL);
	proc_free(p);
	proc_run(&clean, 10000, NULL, NULL);
}

static void table(void **state)
{
	(void)state;
	for (int i = 0; i < VERB_MAX; i++) {
		const struct verb *v = verb_by_id((enum verb_id)i);

		assert_non_null(v);
		assert_non_null(v->describe);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(results), T(effects), T(addresses), T(bodies),
					    T(auth),
					    T(engine_api), T(messages), T(metrics),
					    T(certificate), T(table) };

	return cmocka_run_group_tests(tests, start, stop);
}
