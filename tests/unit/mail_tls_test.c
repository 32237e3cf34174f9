/*
 * Mail over TLS against a real TLS server: STARTTLS and implicit, one bad recipient among good
 * ones, and every way in which the other side may not be who it should: nothing is sent then.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/http.h"
#include "core/mem.h"
#include "core/proc.h"
#include "core/task.h"

#define DIR_MAX 64

static char dir[DIR_MAX];

/* ---- certificates, made by openssl -------------------------------------------------------- */

static void sh(const char *script)
{
	const char *argv[] = { "sh", "-ec", script, NULL };
	struct proc_options o = { .argv = argv, .cwd = dir, .stdout_fd = -1, .stderr_fd = -1 };
	struct str out = STR_INIT(8192);

	if (proc_run(&o, 30000, &out, NULL) != 0)
		fail_msg("%s: %s", script, str_get(&out));
	str_fini(&out);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rd-mail-XXXXXX");
	assert_non_null(mkdtemp(dir));
	sh("key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256'\n"
	   "openssl req -x509 $key -days 2 -subj /CN=ca -keyout ca.key -out ca.pem"
	   " -addext basicConstraints=critical,CA:TRUE\n"
	   "sign() { openssl req $key -subj /CN=$1 -keyout $1.key -out $1.csr;"
	   " echo \"subjectAltName=$2\" >$1.ext;"
	   " openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial $3 -extfile"
	   " $1.ext -out $1.pem; }\n"
	   "sign good DNS:localhost,IP:127.0.0.1 '-days 2'\n"
	   "sign other DNS:other.example '-days 2'\n"
	   "openssl req -x509 $key -days 2 -subj /CN=localhost -keyout self.key -out self.pem"
	   " -addext subjectAltName=DNS:localhost,IP:127.0.0.1\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	const char *argv[] = { "rm", "-rf", "--", dir, NULL };
	struct proc_options o = { .argv = argv, .stdout_fd = -1, .stderr_fd = -1 };

	return proc_run(&o, 10000, NULL, NULL);
}

/* ---- one mail to one server ------------------------------------------------------------------ */

struct sending {
	struct loop *loop;
	const char *mode, *cert, *ca;
	bool require_tls;
	int result, refused;
	struct err err;
	struct str taken;		/* what the server wrote down */
};

static int port_of(const char *file)
{
	FILE *f = fopen(file, "re");
	int port = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &port) != 1)
		port = 0;
	fclose(f);
	return port;
}

static void read_file(const char *path, struct str *ret)
{
	FILE *f = fopen(path, "re");
	char buf[4096];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		str_addn(ret, buf, n);
	if (f)
		fclose(f);
}

static void run_sending(void *arg)
{
	struct sending *s = arg;
	_cleanup_(free_p) char *ports = xasprintf("%s/port", dir), *out = xasprintf("%s/out", dir);
	_cleanup_(free_p) char *cert = xasprintf("%s/%s.pem", dir, s->cert ? s->cert : "good");
	_cleanup_(free_p) char *key = xasprintf("%s/%s.key", dir, s->cert ? s->cert : "good");
	_cleanup_(free_p) char *ca = s->ca ? xasprintf("%s/%s", dir, s->ca) : NULL;
	const char *argv[] = { "python3", "tests/lib/smtp_sink.py", ports, out, s->mode, cert, key,
			       NULL };
	const char *to[] = { "anna@acme.example", "bad@acme.example", "ben@acme.example" };
	struct proc_options o = { .argv = argv, .stdout_fd = -1, .stderr_fd = -1,
				  .die_with_parent = true };
	int port = 0;

	unlink(ports);
	unlink(out);
	struct proc *p = proc_start(s->loop, &o, NULL, NULL, &s->err);
	assert_non_null(p);
	for (int i = 0; i < 400 && !(port = port_of(ports)); i++)
		task_sleep(25);
	assert_int_not_equal(port, 0);
	_cleanup_(free_p) char *url = xasprintf("%s://localhost:%d",
						strcmp(s->mode, "implicit") ? "smtp" : "smtps",
						port);
	struct http *h = http_new(s->loop);
	const struct mail m = { .url = url, .require_tls = s->require_tls,
				.from = "ringdown@acme.example",
				.to = to, .n_to = COUNT_OF(to),
				.text = "Subject: x\r\n\r\nwords\r\n",
				.timeout_ms = 10000, .ca_file = ca };
	s->result = mail_send(h, &m, &s->refused, &s->err);
	http_free(h);
	proc_stop(p, 2000);
	proc_free(p);
	s->taken = STR_INIT(1 << 20);
	read_file(out, &s->taken);
	loop_stop(s->loop);
}

static void send_it(struct sending *s)
{
	s->loop = loop_new();
	task_start(s->loop, "send", run_sending, s, NULL);
	loop_run(s->loop);
	loop_free(s->loop);
}

static void expect_taken(const char *mode)
{
	struct sending s = { .mode = mode, .ca = "ca.pem", .require_tls = true };

	send_it(&s);
	if (s.result != 0)
		fail_msg("%s: %s", mode, s.err.msg);
	assert_int_equal(s.refused, 1);
	assert_non_null(strstr(str_get(&s.taken),
			       "\"tls\": true, \"to\": [\"anna@acme.example\","
			       " \"ben@acme.example\"]"));
	assert_non_null(strstr(str_get(&s.taken), "words"));
	assert_null(strstr(str_get(&s.taken), "\"tls\": false"));
	str_fini(&s.taken);
}

static void expect_refused(struct sending s, const char *what)
{
	send_it(&s);
	if (s.result == 0)
		fail_msg("%s: it was sent", what);
	/* not even who writes to whom */
	if (strstr(str_get(&s.taken), "\"kind\": \"mail\""))
		fail_msg("%s: %s", what, str_get(&s.taken));
	str_fini(&s.taken);
}

static void test_taken(void **state)
{
	(void)state;
	expect_taken("starttls");
	expect_taken("implicit");
}

static void test_wrong_certificates(void **state)
{
	static const char *const modes[] = { "starttls", "implicit" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		expect_refused((struct sending){ .mode = modes[i], .cert = "other", .ca = "ca.pem",
						 .require_tls = true },
						 "another host's certificate");
		expect_refused((struct sending){ .mode = modes[i], .cert = "self", .ca = "ca.pem",
						 .require_tls = true },
						 "a certificate nobody signed");
		expect_refused((struct sending){ .mode = modes[i], .require_tls = true },
			       "a signer that the system does not know");
	}
}

static void test_no_tls(void **state)
{
	(void)state;
	expect_refused((struct sending){ .mode = "plain", .ca = "ca.pem", .require_tls = true },
		       "a server without TLS");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken),
					    cmocka_unit_test(test_wrong_certificates),
					    cmocka_unit_test(test_no_tls) };

	return cmocka_run_group_tests_name("mail_tls", tests, setup, teardown);
}
