/*
 * The terminal itself: every way out gives it back, a lost line ends the program, broken
 * input does nothing, plain terminals get plain bytes, nothing ever blocks.
 */
#include "tests/screen/screen.h"

#include <signal.h>
#include <unistd.h>

static void assert_given_back(struct vt *v)
{
	assert_false(vt_alt_screen(v));
	assert_true(vt_cursor_visible(v));
	assert_false(vt_paste_mode(v));
	assert_true(vt_cooked(v));
}

static void test_signals(void **state)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		struct vt *v = start("loaded", "overview", 80, 24);
		expect(v, "APPROVES ITSELF IN");
		assert_true(vt_alt_screen(v));
		assert_false(vt_cooked(v));
		kill(vt_pid(v), signals[i]);
		assert_int_equal(vt_wait_exit(v, DEADLINE), 128 + signals[i]);
		assert_given_back(v);
		vt_free(v);
	}
}

static void test_quit_keys(void **state)
{
	static const char *const keys[] = { "q", "\003", ":q\r", ":quit\r" };
	static const char *const scenes[] = { "loaded", "error", "connecting", "stale" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		for (size_t k = 0; k < COUNT_OF(scenes); k++) {
			struct vt *v = start(scenes[k], "overview", 80, 24);
			expect(v, "? help");
			vt_send(v, keys[i]);
			assert_int_equal(vt_wait_exit(v, DEADLINE), 0);
			assert_given_back(v);
			vt_free(v);
		}
}

static void test_hangup(void **state)
{
	(void)state;
	for (int ignored = 0; ignored < 2; ignored++) {
		struct vt *v;
		/* as under nohup: an ignored signal stays ignored across exec */
		signal(SIGHUP, ignored ? SIG_IGN : SIG_DFL);
		v = start("loaded", "overview", 80, 24);
		signal(SIGHUP, SIG_DFL);
		expect(v, "APPROVES ITSELF IN");
		vt_hangup(v);
		assert_true(vt_wait_exit(v, 10000) >= 0); /* at once, on any machine */
		vt_free(v);
	}
}

static void test_suspend(void **state)
{
	/* the child leads an orphaned job: the kernel drops the stop, the screen comes back */
	struct vt *v = start("loaded", "overview", 80, 24);

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	vt_mark(v);
	vt_send(v, "\032");
	assert_true(vt_wait_raw(v, "\033[?1049l", DEADLINE)); /* it did let go */
	assert_true(vt_wait_raw(v, "\033[?1049h", DEADLINE));
	expect(v, "APPROVES ITSELF IN");
	assert_true(vt_alt_screen(v));
	/* stopped and continued from outside: modes are set again */
	kill(vt_pid(v), SIGSTOP);
	kill(vt_pid(v), SIGCONT);
	vt_send(v, "3");
	expect(v, "ACCOUNTS 4");
	assert_false(vt_cooked(v));
	quit(v);
}

static void test_resize_storm(void **state)
{
	struct vt *v = start("loaded", "events", 80, 24);
	uint64_t r = 1234567;

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	for (int i = 0; i < 300; i++) {
		r = r * 6364136223846793005ULL + 1442695040888963407ULL;
		vt_resize(v, 1 + (int)((r >> 33) % 220), 1 + (int)((r >> 45) % 60));
		if (i % 7 == 0)
			vt_send(v, i % 2 ? "j" : "2");
		if (i % 10 == 0)
			vt_settle(v, 1, 20);
	}
	for (int w = 5; w > 0; w--)
		for (int h = 3; h > 0; h--) {
			vt_resize(v, w, h);
			vt_settle(v, 5, 50);
		}
	vt_resize(v, 80, 24);
	expect(v, "EVENTS ");
	expect(v, "? help");
	quit(v);
}

/* Escape sequences of keys cut in two, with a pause: no letter of them does anything. */
static void test_split_escapes(void **state)
{
	static const char *const seqs[] = { "\033OP", "\033[A", "\033OR", "\033[1;2P", "\033[1;5A",
					    "\033OA" };
	struct vt *v = start("loaded", "events", 80, 24);

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	for (size_t i = 0; i < COUNT_OF(seqs); i++)
		for (size_t at = 1; at < strlen(seqs[i]); at++) {
			vt_send_n(v, seqs[i], at);
			vt_settle(v, 60, 60); /* longer than a lone ESC takes */
			vt_send_n(v, seqs[i] + at, strlen(seqs[i]) - at);
			vt_settle(v, 30, 60);
			/* (F1 may have opened the help; ESC went back to the overview) */
			if (vt_has(v, "Type acme-main") || vt_has(v, "start a failover"))
				fail_msg("a tail acted:\n%s", vt_screen(v));
			vt_send(v, "\033");
			vt_settle(v, 60, 60);
			vt_settle(v, 1000, 1000); /* the late window of that ESC */
			vt_send(v, "2");
			expect(v, "EVENTS 1 of 3");
		}
	quit(v);
}

static void test_lone_esc_is_quick(void **state)
{
	struct vt *v = start("loaded", "events", 80, 24);

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	vt_send(v, "?");
	expect(v, "HELP");
	vt_send(v, "\033");
	expect_gone(v, "HELP"); /* else only the next key would end it */
	quit(v);
}

static void test_pastes(void **state)
{
	struct vt *v = start("loaded", "events", 80, 24);
	char garbage[4096];
	uint64_t r = 42;

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	/* a paste where no field is: nothing */
	vt_send(v, "\033[200~AXEUFPq\rAacme-main\r\033[31m\003\033[201~");
	vt_settle(v, 300, 1000);
	assert_false(vt_has(v, "Type acme-main"));
	expect(v, "EVENTS 1 of 3");
	/* into the word of a dialog: nothing either */
	vt_send(v, "A");
	expect(v, "Type acme-main");
	vt_settle(v, 300, 1000);
	vt_send(v, "\033[200~acme-main\033[201~");
	vt_settle(v, 200, 1000);
	vt_send(v, "\r"); /* so this is Enter alone */
	expect_gone(v, "Type acme-main");
	assert_false(vt_has(v, "done EV-118"));
	/* into the filter: text, cleaned */
	vt_send(v, "/");
	vt_send(v, "\033[200~EV\033[31m-11\n8\033[201~");
	expect(v, "/EV-11 8");
	vt_send(v, "\033");
	vt_settle(v, 1100, 1100);
	/* noise of all bytes but those that quit */
	for (size_t i = 0; i < sizeof(garbage); i++) {
		do {
			r = r * 6364136223846793005ULL + 1442695040888963407ULL;
			garbage[i] = (char)(r >> 40);
		} while (strchr("q:\003\032wY\r\n", garbage[i])); /* NUL is in the set, too */
	}
	vt_send_n(v, garbage, sizeof(garbage));
	vt_settle(v, 200, 3000);
	/* mouse noise */
	for (int i = 0; i < 200; i++)
		vt_send(v, "\033[<0;1;1M\033[M !!\033[<35;80;24m");
	vt_settle(v, 200, 3000);
	assert_int_equal(vt_wait_exit(v, 0), -1);
	kill(vt_pid(v), SIGTERM);
	assert_int_equal(vt_wait_exit(v, DEADLINE), 128 + SIGTERM);
	assert_given_back(v);
	vt_free(v);
}

/* No byte over 0x7f, no colour: everything is said in words. */
static void check_plain(const char *term, const char *lang, const char *extra, bool bytes_too)
{
	static const char *const views[] = { "overview", "events", "accounts", "agents", "sms",
					     "engine", "log" };

	for (size_t i = 0; i < COUNT_OF(views); i++) {
		struct vt *v = start_with("loaded", views[i], 80, 24, term, lang, extra);
		const unsigned char *raw;
		size_t n;
		expect(v, "AUTO on");
		vt_send(v, "j");
		vt_send(v, "?");
		expect(v, "HELP");
		vt_send(v, "q");
		vt_settle(v, 200, 2000);
		raw = vt_raw(v, &n);
		for (size_t k = 0; bytes_too && k < n; k++)
			if (raw[k] >= 0x80)
				fail_msg("byte 0x%02x with TERM=%s LANG=%s", raw[k], term, lang);
		for (size_t k = 0; k + 2 < n; k++) {
			size_t e = k + 2;
			if (raw[k] != 033 || raw[k + 1] != '[')
				continue;
			while (e < n && ((raw[e] >= '0' && raw[e] <= '9') || raw[e] == ';'))
				e++;
			if (raw[e] != 'm')
				continue;
			for (const char *p = (const char *)raw + k + 2; *p != 'm';) {
				long sgr = strtol(p, (char **)(uintptr_t)&p, 10);
				if ((sgr >= 30 && sgr <= 49) || (sgr >= 90 && sgr <= 107))
					fail_msg("colour %ld with TERM=%s LANG=%s %s", sgr, term,
						 lang, extra ? extra : "");
				if (*p == ';')
					p++;
			}
		}
		quit(v);
	}
}

static void test_no_color(void **state)
{
	(void)state;
	check_plain("xterm-256color", "C.UTF-8", "NO_COLOR=1", false);
}

static void test_vt100(void **state)
{
	(void)state;
	check_plain("vt100", "C.UTF-8", NULL, true);
}

static void test_lang_c(void **state)
{
	struct vt *v = start_with("loaded", "accounts", 80, 24, "xterm-256color", "C", NULL);
	const unsigned char *raw;
	size_t n;

	(void)state;
	expect(v, "acme-main");
	vt_send(v, "\r");
	vt_settle(v, 200, 2000);
	raw = vt_raw(v, &n);
	for (size_t k = 0; k < n; k++)
		assert_in_range(raw[k], 0, 0x7f);
	quit(v);
	check_plain("vt100", "C", "NO_COLOR=1", true);
}

/* Whoever reads our output stopped: the loop goes on, signals work. */
static void test_reader_stops(void **state)
{
	struct vt *v = start("many", "accounts", 200, 50);

	(void)state;
	expect(v, "customer-000");
	/* keys keep coming, nobody reads; far more than a pty holds */
	for (int i = 0; i < 400; i++)
		vt_send(v, i % 2 ? "G" : "\033[H");
	kill(vt_pid(v), SIGTERM);
	assert_int_equal(vt_wait_exit(v, DEADLINE), 128 + SIGTERM);
	assert_true(vt_cooked(v));
	vt_free(v);
}

static void test_not_a_terminal(void **state)
{
	static const char *const shells[] = {
		"exec \"$0\" --run loaded overview >&-", "exec \"$0\" --run loaded overview"
		" >/dev/null",
		"exec \"$0\" --run loaded overview <&-", "TERM=dumb exec \"$0\" --run loaded"
		" overview",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(shells); i++) {
		char self[4096];
		ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		self[n > 0 ? n : 0] = '\0';
		const char *argv[] = { "/bin/sh", "-c", shells[i], self, NULL };
		const char *env[] = { "TERM=xterm", "LANG=C", "ASAN_OPTIONS=detect_leaks=0", NULL };
		struct vt *v = vt_start(argv, env, 80, 24);
		assert_int_equal(vt_wait_exit(v, DEADLINE), 2);
		if (!vt_has(v, "ringdown watch"))
			fail_msg("no way out is named:\n%s", vt_screen(v));
		assert_given_back(v);
		vt_free(v);
	}
}

static void test_unknown_term(void **state)
{
	struct vt *v = start_with("loaded", "overview", 80, 24, "brand-new-terminal", "C.UTF-8",
				  NULL);

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	quit(v);
}

static void test_no_queries(void **state)
{
	struct vt *v = start("loaded", "overview", 80, 24);
	size_t n;
	const char *raw;

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	raw = (const char *)vt_raw(v, &n);
	assert_null(strstr(raw, "\033[c"));
	assert_null(strstr(raw, "\033[6n"));
	assert_null(strstr(raw, "\033]1"));
	assert_null(strstr(raw, "\033[?u"));
	assert_null(strstr(raw, "\033[?1000h"));
	quit(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),	       cmocka_unit_test(test_quit_keys),
		cmocka_unit_test(test_hangup),	       cmocka_unit_test(test_suspend),
		cmocka_unit_test(test_resize_storm),   cmocka_unit_test(test_split_escapes),
		cmocka_unit_test(test_lone_esc_is_quick), cmocka_unit_test(test_pastes),
		cmocka_unit_test(test_no_color),       cmocka_unit_test(test_vt100),
		cmocka_unit_test(test_lang_c),	       cmocka_unit_test(test_reader_stops),
		cmocka_unit_test(test_not_a_terminal), cmocka_unit_test(test_unknown_term),
		cmocka_unit_test(test_no_queries),
	};

	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
