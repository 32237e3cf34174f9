/*
 * Every view as a person sees it: empty, loaded, stale, in error, narrow, at 80x24 and
 * 200x50; and the dialogs, up to what is sent.
 */
#include "tests/screen/screen.h"

#include <signal.h>
#include <unistd.h>

static const struct {
	const char *name, *empty, *loaded, *stale;
} views[] = {
	{ "overview", "no event is open", "APPROVES ITSELF IN", "IMPACT, last 10 min  AS OF" },
	{ "events", "no event: nothing has failed over", "EV-118", "AS OF" },
	{ "accounts", "no account known yet", "acme-backup-1", "~BAD" },
	{ "agents", "AGENTS 100000", "Reception 0", "AGENTS 100000" },
	{ "sms", "30007", "carrier", "AS OF" },
	{ "calls", "68.9%", "59.3%", "AS OF" },
	{ "practices", "OVERDUE", "OVERDUE", "AS OF" },
	{ "runbooks", "no runbook: the engine has none", "messaging-failures", "RUNBOOKS 4 ~" },
	{ "walk", "no run is open here", "you drive", "AS OF" },
	{ "engine", "eng-1", "LEASE", "AS OF" },
	{ "log", "no line yet", "test FAIL", "AS OF" },
};
static const struct {
	int w, h;
} sizes[] = { { 80, 24 }, { 200, 50 } };

static void check_frame(struct vt *v, int w, int h)
{
	const char *s = vt_screen(v);

	assert_non_null(strstr(s, "? help"));
	assert_null(strstr(s, "(null)"));
	assert_null(strstr(s, "\033"));
	/* what came from outside was stripped of its escapes */
	assert_null(strstr(s, "\xe2\x80\xae"));
	(void)w;
	(void)h;
}

static void each(const char *scene, size_t text)
{
	for (size_t i = 0; i < COUNT_OF(views); i++)
		for (size_t k = 0; k < COUNT_OF(sizes); k++) {
			struct vt *v = start(scene, views[i].name, sizes[k].w, sizes[k].h);
			expect(v, text == 0 ? views[i].empty : text == 1 ? views[i].loaded :
			       views[i].stale);
			expect(v, "PRODUCTION");
			check_frame(v, sizes[k].w, sizes[k].h);
			quit(v);
		}
}

static void test_empty(void **state)
{
	(void)state;
	each("none", 0);
}

static void test_loaded(void **state)
{
	(void)state;
	each("loaded", 1);
}

static void test_stale(void **state)
{
	(void)state;
	each("stale", 2);
}

static void test_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(views); i++)
		for (size_t k = 0; k < COUNT_OF(sizes); k++) {
			struct vt *v = start("error", views[i].name, sizes[k].w, sizes[k].h);
			expect(v, "cannot reach 127.0.0.1:8080: refused");
			expect(v, "API DOWN");
			check_frame(v, sizes[k].w, sizes[k].h);
			vt_send(v, "jjGk?");
			expect(v, "HELP");
			quit(v);
		}
}

static void test_narrow(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(views); i++) {
		struct vt *v = start("loaded", views[i].name, 40, 10);
		expect(v, "PRODUCTION");
		expect(v, i == 0 ? "EV-118" : views[i].name[0] == 'e' &&
		       views[i].name[1] == 'v' ? "EV-117" : "? help");
		vt_send(v, "jjjG");
		vt_resize(v, 20, 5);
		expect(v, "least");
		expect(v, "EV-118"); /* what comes next is said even there */
		vt_resize(v, 80, 24);
		expect(v, "? help");
		quit(v);
	}
}

/* The share that failed is seen without colour, the span turns with Tab. */
static void test_calls(void **state)
{
	struct vt *v = start("loaded", "calls", 80, 24);

	(void)state;
	expect(v, "HOW CALLS ENDED, last 24 h");
	expect(v, "xxxxxx========");	/* 44 of the busiest hour's 120 */
	expect(v, " =======");		/* half as many, none failed */
	expect(v, "11-21 03:00Z");
	vt_send(v, "\t");
	expect(v, "last 7 days");
	vt_send(v, "\t");
	expect(v, "last 24 h");
	quit(v);
}

static void test_moving(void **state)
{
	struct vt *v = start("many", "accounts", 80, 24);
	int x, y, y2;
	size_t n;

	(void)state;
	expect(v, "customer-000");
	expect(v, "ACCOUNTS 300");
	vt_settle(v, 300, 3000);
	vt_cursor(v, &x, &y);
	assert_int_equal(x, 0);
	vt_mark(v);
	vt_send(v, "j");
	assert_true(vt_wait_raw(v, "", DEADLINE));
	vt_settle(v, 100, 2000);
	vt_raw(v, &n);
	assert_in_range(n, 1, 200); /* bytes of a movement key */
	vt_cursor(v, &x, &y2);
	assert_int_equal(y2, y + 1); /* the real cursor is on the row */
	vt_send(v, "G");
	expect(v, "customer-295");
	vt_send(v, "/");
	vt_send(v, "customer-12\r");
	expect(v, "ACCOUNTS 10/300");
	vt_send(v, "\033");
	expect(v, "ACCOUNTS 300");
	quit(v);
}

static void test_windowed(void **state)
{
	struct vt *v = start("loaded", "agents", 80, 24);

	(void)state;
	expect(v, "Reception 0");
	vt_send(v, "G");
	expect(v, "Reception 99999");
	vt_send(v, "\033[H");
	expect(v, "Reception 0 ");
	quit(v);
}

/* ---- decisions ------------------------------------------------------------------------ */

static char log_path[64], log_env[80];

static void log_new(void)
{
	int fd;

	snprintf(log_path, sizeof(log_path), "/tmp/rd-scene-XXXXXX");
	fd = mkstemp(log_path);
	close(fd);
	snprintf(log_env, sizeof(log_env), "SCENE_LOG=%s", log_path);
}

/* What was POSTed, without dry runs. */
static char *log_take(void)
{
	static char buf[4096];
	FILE *f = fopen(log_path, "r");
	char line[2048];

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (!strstr(line, "dryRun"))
			snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf), "%s", line);
	if (f)
		fclose(f);
	unlink(log_path);
	return buf;
}

static void test_approve(void **state)
{
	struct vt *v;

	(void)state;
	log_new();
	v = start_with("loaded", "events", 80, 24, "xterm-256color", "C.UTF-8", log_env);
	expect(v, "APPROVES ITSELF IN");
	vt_send(v, "A");
	expect(v, "Type acme-main and Enter to approve");
	expect(v, "PRODUCTION");
	vt_settle(v, 200, 1000);
	vt_send(v, "acme-main\r");
	expect(v, "approve the failover now: done EV-118");
	quit(v);
	const char *sent = log_take();
	assert_non_null(strstr(sent, "POST /api/admin/twilio-failover/approve"));
	assert_non_null(strstr(sent, "\"eventId\":\"EV-118\""));
	assert_non_null(strstr(sent, "\"planHash\":\"7c1e55aa00\""));
	assert_non_null(strstr(sent, "18 of 40 agents"));
}

/* A window that a shut gate will end says so in the headline, and why instead of a plan. */
static void test_will_be_held(void **state)
{
	struct event e = { .status = EV_PENDING, .agents_total = 40 };
	struct gate_result shut = { .gate = GATE_ISOLATION, .why = (char *)"they all fail alike" };
	char text[200];
	struct vt *v = start("shut", "overview", 80, 24);

	(void)state;
	expect(v, "WILL BE HELD IN  06:");
	expect(v, "then   nothing moves while gate isolation is shut: 1 of 3 probes");
	expect(v, "A override   X reject   E extend   g gates 14 of 15 open");
	assert_false(vt_has(v, "APPROVES ITSELF"));
	vt_send(v, "g");
	expect(v, "SHUT  isolation");
	vt_send(v, "q2");
	expect(v, "WILL BE HELD IN 06:");
	expect(v, "unless gate isolation opens until then");
	vt_send(v, "A");
	expect(v, "OVERRIDE isolation");
	vt_send(v, "\033");
	quit(v);

	v = start("alarmed", "overview", 80, 24); /* nothing will follow: what is wrong, what now */
	expect(v, "nothing will happen by itself: no event is open");
	expect(v, "why    webhook: our endpoint does not answer");
	expect(v, "you    D declare an incident   l alerts, b there its runbook");
	quit(v);

	event_then_text(&e, text, sizeof(text));
	assert_string_equal(text, "40 agents move");
	e.gates = &shut;
	e.n_gates = 1;
	event_then_text(&e, text, sizeof(text));
	assert_string_equal(text, "nothing moves while gate isolation is shut: they all fail alike");
	e.status = EV_HELD;
	event_then_text(&e, text, sizeof(text));
	assert_string_equal(text, "nothing moves while gate isolation is shut: they all fail alike");
	e.status = EV_CANCELLED; /* nor is a plan what comes of one that is over */
	event_then_text(&e, text, sizeof(text));
	assert_string_equal(text, "nothing more");
	shut.pass = true;
	e.severity = SEV_CRITICAL;
	e.status = EV_PENDING;
	event_then_text(&e, text, sizeof(text));
	assert_string_equal(text, "nothing moves by itself: nothing confirms the cause");
}

/* A letter of a menu means one thing; of a pair at most one stands in it. */
static void test_menu_letters(void **state)
{
	static const char *const pairs[] = { "pause unpause" };

	(void)state;
	for (size_t i = 0; i < action_count(); i++)
		for (size_t k = 0; k < i; k++) {
			const struct action *x = action_at(i), *y = action_at(k);
			bool together = !x->kind[0] || !y->kind[0] || str_eq(x->kind, y->kind);

			if (!x->key || x->key != y->key || !together ||
			    (strstr(pairs[0], x->name) && strstr(pairs[0], y->name)))
				continue;
			print_message("%c: %s and %s\n", x->key, x->name, y->name);
			fail();
		}
}

static void test_no_means_no(void **state)
{
	/* Enter alone, Esc, ^C, the wrong word, type-ahead, and a hang-up send nothing */
	static const char *const noes[] = { "\r", "\033", "\003", "wrong\r\r", "acme\r\r" };

	(void)state;
	for (size_t i = 0; i <= COUNT_OF(noes) + 1; i++) {
		struct vt *v;
		log_new();
		v = start_with("loaded", "events", 80, 24, "xterm-256color", "C.UTF-8", log_env);
		expect(v, "APPROVES ITSELF IN");
		if (i == COUNT_OF(noes)) { /* all in one go, before anything was painted */
			vt_send(v, "Aacme-main\r");
			expect(v, "Type acme-main");
			vt_settle(v, 300, 2000);
			expect(v, "Type acme-main");
			vt_send(v, "\033");
		} else {
			vt_send(v, "A");
			expect(v, "Type acme-main");
			vt_settle(v, 200, 1000);
		}
		if (i == COUNT_OF(noes) + 1) {
			vt_send(v, "acme-main");
			vt_hangup(v);
			assert_true(vt_wait_exit(v, DEADLINE) >= 0);
			vt_free(v);
		} else {
			if (i < COUNT_OF(noes))
				vt_send(v, noes[i]);
			expect_gone(v, "Type acme-main");
			quit(v);
		}
		assert_string_equal(log_take(), "");
	}
}

static void test_lost_race(void **state)
{
	struct vt *v = start("lost-race", "events", 80, 24);

	(void)state;
	expect(v, "APPROVES ITSELF IN");
	vt_send(v, "A");
	expect(v, "Type acme-main");
	vt_settle(v, 200, 1000);
	vt_send(v, "acme-main\r");
	expect(v, "refused (409): EV-118 was approved by ben 2 s before you");
	quit(v);
}

static void test_stale_refuses(void **state)
{
	struct vt *v = start("stale", "events", 80, 24);

	(void)state;
	expect(v, "AS OF");
	expect(v, "~06:");
	vt_send(v, "A");
	expect(v, "the data is stale; elsewhere: ringdown approve EV-118");
	assert_false(vt_has(v, "Type acme-main"));
	quit(v);
}

static void test_override_needs_words(void **state)
{
	struct vt *v;

	(void)state;
	log_new();
	v = start_with("loaded", "events", 80, 24, "xterm-256color", "C.UTF-8", log_env);
	expect(v, "EV-117");
	vt_send(v, "jA");
	expect(v, "OVERRIDE");
	expect(v, "Type globex-backup");
	vt_settle(v, 200, 1000);
	vt_send(v, "checked by hand\r");
	vt_send(v, "globex-backup\r");
	expect(v, "done EV-117");
	quit(v);
	const char *sent = log_take();
	assert_non_null(strstr(sent, "\"overrides\":[\"target-healthy\"]"));
	assert_non_null(strstr(sent, "checked by hand"));
}

static void test_read_only(void **state)
{
	struct vt *v = start("read-only", "events", 80, 24);

	(void)state;
	expect(v, "EV-118");
	expect(v, "READ ONLY");
	assert_false(vt_has(v, "A approve"));
	vt_send(v, "A");
	expect(v, "read-only");
	assert_false(vt_has(v, "Type acme-main"));
	quit(v);
}

static void test_account_form(void **state)
{
	struct vt *v;
	const char *sent;

	(void)state;
	log_new();
	v = start_with("admin", "accounts", 80, 24, "xterm-256color", "C.UTF-8", log_env);
	expect(v, "ACCOUNTS 4");
	vt_send(v, ".N");
	expect(v, "ADD ACCOUNT");
	vt_settle(v, 250, 1500); /* what was typed before it was painted does not count */
	vt_send(v, "\023"); /* ^S: what is needed is missing */
	expect(v, "name is needed");
	vt_send(v, "Third\tAC00\tplanted-token-1");
	expect(v, "***************");
	assert_false(vt_has(v, "planted-token-1")); /* never drawn */
	vt_send(v, "\023");
	expect(v, "saved, the credentials work");
	quit(v);
	sent = log_take();
	assert_non_null(strstr(sent, "POST /api/admin/twilio-failover/accounts"));
	assert_non_null(strstr(sent, "\"authToken\":\"planted-token-1\""));
}

static void test_sms_action(void **state)
{
	struct vt *v;
	const char *sent;

	(void)state;
	log_new();
	v = start_with("admin", "sms", 80, 24, "xterm-256color", "C.UTF-8", log_env);
	expect(v, "30007");
	vt_send(v, "\t"); /* codes: the subject is the code */
	expect(v, "[CODES]");
	expect(v, "30007");
	vt_settle(v, 250, 2000);
	vt_send(v, ".");
	expect(v, "send failed SMS again, paced");
	vt_send(v, "T");
	expect(v, "Type ");
	vt_send(v, "\033");
	expect_gone(v, "Type ");
	vt_settle(v, 1100, 1100);
	/* the hold in the header, from any row */
	vt_send(v, "1.");
	expect(v, "release the hold sms-off org_12");
	vt_send(v, "1");
	expect(v, "let its SMS go again org_12");
	vt_send(v, "\033");
	expect_gone(v, "let its SMS go again org_12");
	quit(v);
	sent = log_take();
	assert_null(strstr(sent, "/api/v1/sms/retry")); /* only the dry run was asked for */
}

static void test_rest_of_keys(void **state)
{
	struct vt *v = start("loaded", "overview", 80, 24);

	(void)state;
	expect(v, "EV-118");
	vt_send(v, "?");
	expect(v, "what happens next, impact");
	vt_send(v, "q");
	expect_gone(v, "HELP");
	vt_send(v, ".");
	expect(v, "ACTIONS EV-118");
	expect(v, "resume a failed attempt: not now, the event is pending");
	vt_send(v, "q");
	vt_send(v, "g");
	expect(v, "GATES");
	vt_send(v, "q");
	vt_send(v, "y");
	expect(v, "COPY (OSC 52)");
	vt_mark(v);
	vt_send(v, "i");
	expect(v, "sent to the terminal's clipboard");
	assert_true(vt_wait_raw(v, "\033]52;c;RVYtMTE4\007", DEADLINE)); /* EV-118 */
	vt_send(v, "Y");
	expect(v, "any key goes back");
	assert_false(vt_alt_screen(v));
	vt_send(v, "x");
	expect(v, "APPROVES ITSELF IN");
	assert_true(vt_alt_screen(v));
	vt_send(v, ":acc\t\r");
	expect(v, "ACCOUNTS 4");
	vt_send(v, "`");
	expect(v, "IMPACT");
	vt_send(v, "6");
	expect(v, "RUNBOOKS 4");
	vt_send(v, "7");
	expect(v, "no incident: D declares one");
	vt_send(v, ":aprove EV-118\r");
	expect(v, "did you mean 'approve'?");
	vt_send(v, "z");
	expect(v, "FROZEN");
	vt_send(v, "z");
	expect_gone(v, "FROZEN");
	vt_send(v, ":theme light\r");
	vt_send(v, "!");
	expect(v, "UNREAD");
	quit(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	       cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_stale),	       cmocka_unit_test(test_error),
		cmocka_unit_test(test_narrow),	       cmocka_unit_test(test_moving),
		cmocka_unit_test(test_windowed),       cmocka_unit_test(test_approve),
		cmocka_unit_test(test_will_be_held),   cmocka_unit_test(test_menu_letters),
		cmocka_unit_test(test_no_means_no),    cmocka_unit_test(test_lost_race),
		cmocka_unit_test(test_stale_refuses),  cmocka_unit_test(test_override_needs_words),
		cmocka_unit_test(test_read_only),      cmocka_unit_test(test_rest_of_keys),
		cmocka_unit_test(test_account_form),   cmocka_unit_test(test_sms_action),
		cmocka_unit_test(test_calls),
	};

	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
