/* Names: slow ones hold up neither others, nor the loop, nor the end of the program. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"

/* Stands before the system's: names in .slow take two seconds. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node,
	const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict res)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(__typeof__(real))(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");

	if (strstr(node, ".slow")) {
		usleep(2000000);
		return EAI_AGAIN;
	}
	return real(node, service, hints, res);
}

struct seen {
	int calls, n;
	char addr[64], error[100];
};

static void on_names(void *ctx, int n, const char *const *addrs, const char *error)
{
	struct seen *s = ctx;

	s->calls++;
	s->n = n;
	snprintf(s->addr, sizeof(s->addr), "%s", n > 0 ? addrs[0] : "");
	snprintf(s->error, sizeof(s->error), "%s", error ? error : "");
}

static void wait_for(struct loop *l, const struct seen *s, int64_t max_ms)
{
	int64_t until = loop_now_ms(l) + max_ms;

	while (!s->calls && loop_now_ms(l) < until)
		loop_run_once(l, 20);
}

static void answers(void **state)
{
	struct loop *l = loop_new();
	struct seen s = { 0 };

	(void)state;
	assert_non_null(loop_resolve(l, "127.0.0.1", 5000, on_names, &s));
	wait_for(l, &s, 5000);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.addr, "127.0.0.1");
	assert_string_equal(s.error, "");
	s = (struct seen){ 0 };
	assert_non_null(loop_resolve(l, "::1", 5000, on_names, &s));
	wait_for(l, &s, 5000);
	assert_string_equal(s.addr, "::1");
	s = (struct seen){ 0 };
	assert_non_null(loop_resolve(l, "no-such-host.invalid", 20000, on_names, &s));
	wait_for(l, &s, 20000);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.n, 0);
	assert_true(s.error[0]);
	loop_free(l);
}

static void slow_ones_hold_nobody(void **state)
{
	struct loop *l = loop_new();
	struct seen slow[20], s = { 0 };
	struct resolve *cancelled;
	int64_t from = loop_now_ms(l);

	(void)state;
	for (int i = 0; i < 20; i++) {
		slow[i] = (struct seen){ 0 };
		assert_non_null(loop_resolve(l, "a.slow", 300, on_names, &slow[i]));
	}
	cancelled = loop_resolve(l, "b.slow", 300, on_names, NULL);
	assert_non_null(loop_resolve(l, "127.0.0.1", 5000, on_names, &s));
	resolve_cancel(cancelled);
	loop_take_gap_ms(l);
	wait_for(l, &s, 5000);
	assert_int_equal(s.n, 1);
	assert_in_range(loop_now_ms(l) - from, 0, 250); /* a pool of four would be full */
	for (int i = 0; i < 20; i++) {
		wait_for(l, &slow[i], 5000);
		assert_int_equal(slow[i].calls, 1);
		assert_non_null(strstr(slow[i].error, "in time"));
	}
	assert_in_range(loop_now_ms(l) - from, 250, 1500);
	assert_in_range(loop_take_gap_ms(l), 0, 100);
	loop_free(l); /* the leak checker sees what would be left behind */
}

static void too_many(void **state)
{
	struct loop *l = loop_new();
	struct resolve *r[200];
	int n = 0;

	(void)state;
	while (n < 200 && (r[n] = loop_resolve(l, "c.slow", 10000, on_names, NULL)))
		n++;
	assert_in_range(n, 10, 64);
	for (int i = 0; i < n; i++)
		resolve_cancel(r[i]);
	loop_run_once(l, 0);
	loop_free(l);
}

static void the_end_waits_for_none(void **state)
{
	struct loop *l;
	int status = -1;
	int64_t from;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		l = loop_new();
		resolve_cancel(loop_resolve(l, "d.slow", 10000, on_names, NULL));
		loop_run_once(l, 0);
		loop_free(l);
		exit(7); /* with all that the libraries do at the end */
	}
	l = loop_new();
	from = loop_now_ms(l);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_in_range(loop_now_ms(l) - from, 0, 1500);
	assert_int_equal(WEXITSTATUS(status), 7);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_waits_for_none),
		cmocka_unit_test(answers),
		cmocka_unit_test(slow_ones_hold_nobody),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
