/* Server-sent events: every cut of the bytes gives the same events; nothing grows past its cap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/sse.h"

static void on_event(void *ctx, const char *event, const char *id, const char *data)
{
	str_addf(ctx, "[%s|%s|%s]", event, id, data);
}

static void on_comment(void *ctx, const char *text)
{
	str_addf(ctx, "(%s)", text);
}

static void check(const char *in, const char *want)
{
	size_t n = strlen(in);

	for (size_t cut = 0; cut <= n; cut++) {
		struct str seen = STR_INIT(4000);
		struct sse s;

		sse_init(&s, 200);
		s.on_event = on_event;
		s.on_comment = on_comment;
		s.ctx = &seen;
		sse_feed(&s, in, cut);
		sse_feed(&s, in + cut, n - cut);
		assert_string_equal(str_get(&seen), want);
		assert_false(s.overflow);
		sse_fini(&s);
		str_fini(&seen);
	}
}

static void events(void **state)
{
	(void)state;
	check("event: journal\nid: 7\ndata: {\"a\":1}\n\n", "[journal|7|{\"a\":1}]");
	check("data: one\ndata: two\n\n", "[message||one\ntwo]");
	check("data\n\ndata:\ndata:\n\n", "[message||][message||\n]");
	check("id: 7\ndata: a\n\ndata:b\n\n", "[message|7|a][message|7|b]");
	check("event: x\n\ndata: y\n\n", "[message||y]");
	check(": hb 5\n:\ndata: z\n\n", "(hb 5)()[message||z]");
	check("retry: 10\nunknown\ndata:  two spaces\n\ndata: unfinished\n",
	      "[message|| two spaces]");
}

static void line_ends(void **state)
{
	(void)state;
	check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "[message||a][message||b][message||c]");
	check("data: a\rdata: b\n\r\n", "[message||a\nb]");
}

static void caps(void **state)
{
	char big[400];
	struct str seen = STR_INIT(4000);
	struct sse s;

	(void)state;
	memset(big, 'x', sizeof(big));
	sse_init(&s, 200);
	s.on_event = on_event;
	s.ctx = &seen;
	sse_feed(&s, big, sizeof(big)); /* one endless line */
	assert_true(s.overflow);
	sse_feed(&s, "\n\ndata: a\n\n", 11);
	assert_int_equal(seen.len, 0);
	sse_fini(&s);

	sse_init(&s, 200); /* many short lines of one event */
	s.on_event = on_event;
	s.ctx = &seen;
	for (int i = 0; i < 100; i++)
		sse_feed(&s, "data: 12345678\n", 15);
	assert_true(s.overflow);
	assert_true(s.data.len <= 200);
	sse_feed(&s, "\n", 1);
	assert_int_equal(seen.len, 0);
	sse_fini(&s);

	sse_init(&s, 200);
	sse_feed(&s, "id: ", 4);
	sse_feed(&s, big, 60);
	sse_feed(&s, "\n", 1);
	assert_true(s.overflow);
	sse_fini(&s);
	str_fini(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(caps),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
