/*
 * Runbooks and runs on the screen: from a row to the runbook that fits, the start and its
 * form, the walk in each wait, what each dialog sends and what it does not, hostile text,
 * narrow and plain terminals, a watcher, stale data.
 */
#include "tests/screen/screen.h"

#include <signal.h>
#include <unistd.h>

static char log_path[64], log_env[80];

static void log_new(void)
{
	int fd;

	snprintf(log_path, sizeof(log_path), "/tmp/rd-runs-XXXXXX");
	fd = mkstemp(log_path);
	close(fd);
	snprintf(log_env, sizeof(log_env), "SCENE_LOG=%s", log_path);
}

static char *log_take(void)
{
	static char buf[4096];
	FILE *f = fopen(log_path, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	buf[n] = '\0';
	if (f)
		fclose(f);
	unlink(log_path);
	return buf;
}

static struct vt *start_log(const char *scene, const char *view)
{
	log_new();
	return start_with(scene, view, 80, 24, "xterm-256color", "C.UTF-8", log_env);
}

static void read_it(struct vt *v)
{
	vt_settle(v, 250, 1500); /* faster keys do not count */
}

#define sent_has(sent, text)                                                                       \
	do {                                                                                       \
		if (!strstr(sent, text))                                                           \
			fail_msg("no %s in what was sent:\n%s", text, sent);                       \
	} while (0)

static void test_from_a_row(void **state)
{
	struct vt *v = start_log("loaded", "sms");
	const char *sent;

	(void)state;
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "b"); /* what goes on for it already comes first */
	expect(v, "RUN-12                 goes on already");
	expect(v, "1  messaging-failures");
	vt_send(v, "\033");
	quit(v);
	assert_string_equal(log_take(), "");
	v = start_log("fresh", "sms");
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "b"); /* one runbook is for such rows: its preview opens */
	expect(v, "nothing runs yet");
	expect(v, "SYMPTOMS customers get no replies");
	expect(v, "asked for at the start");
	vt_send(v, "\r");
	expect(v, "START messaging-failures");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "public_impact is needed");
	vt_send(v, " ");
	vt_send(v, "\023");
	expect(v, "RUN-12 has begun");
	expect(v, "you drive");
	quit(v);
	sent = log_take();
	sent_has(sent, "POST /api/v1/runs"
		       " {\"runbook\":\"messaging-failures\",\"kind\":\"real\","
		       "\"subject\":\"org_12\"");
	sent_has(sent, "\"params\":{\"public_impact\":\"true\"}");
}

static void test_start_without_questions(void **state)
{
	struct vt *v = start_log("plain", "runbooks");
	const char *sent;

	(void)state;
	expect(v, "RUNBOOKS 4");
	expect(v, "fits");
	vt_send(v, "j\r");
	expect(v, "nothing runs yet");
	vt_send(v, "G");
	expect(v, "org-off");
	vt_send(v, ".d");
	expect(v, "changes are printed, never done");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "RUN-12 has begun");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"dry\":true");
	assert_null(strstr(sent, "\"subject\"")); /* from no row */
}

static void test_broken_does_not_start(void **state)
{
	struct vt *v = start_log("plain", "runbooks");

	(void)state;
	expect(v, "BROKEN");
	vt_send(v, "Gk"); /* the last runbook; ended runs would come after */
	vt_send(v, "G");
	expect(v, "did you mean 'expect'?");
	vt_send(v, ".");
	expect(v, "start it: not now, it is broken");
	quit(v);
	assert_string_equal(log_take(), "");
}

static void test_confirm(void **state)
{
	struct vt *v = start_log("confirm", "walk");
	const char *sent;

	(void)state;
	expect(v, "WAITING for a confirmation at org-off");
	vt_send(v, "\r");
	expect(v, "Type org-off and Enter to confirm");
	expect(v, "1 affected when it was rehearsed and rolled back");
	expect(v, "smsDisabled = no");
	expect(v, "UNDO");
	expect(v, "HOLD     sms-off");
	read_it(v);
	vt_send(v, "org-off\r");
	expect(v, "confirm the change: done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "POST /api/v1/runs/RUN-12/do");
	sent_has(sent, "\"version\":14,\"step\":\"org-off\",\"action\":\"confirm\"");
}

/* Enter alone, the wrong phrase, Esc, ^C, and keys typed before the dialog was painted. */
static void test_no_means_no(void **state)
{
	static const char *const noes[] = { "\r", "\033", "\003", "all-off\r\r", "stop all\r\r" };

	(void)state;
	for (size_t i = 0; i <= COUNT_OF(noes); i++) {
		struct vt *v = start_log("destroy", "walk");
		expect(v, "all-off");
		expect(v, "WAITING for a confirmation");
		if (i == COUNT_OF(noes)) {
			vt_send(v, "\rstop all sms\r");
			expect(v, "Type stop all sms");
			read_it(v);
			expect(v, "Type stop all sms");
			vt_send(v, "\033");
		} else {
			vt_send(v, "\r");
			expect(v, "Type stop all sms");
			read_it(v);
			vt_send(v, noes[i]);
		}
		expect_gone(v, "Type stop all sms");
		quit(v);
		assert_string_equal(log_take(), "");
	}
}

static void test_destroy_and_second(void **state)
{
	struct vt *v = start_log("destroy", "walk");
	const char *sent;

	(void)state;
	expect(v, "WAITING for a confirmation");
	vt_send(v, "\r");
	expect(v, "another person has to confirm it after you");
	expect(v, "NEVER");
	read_it(v);
	vt_send(v, "stop all sms\r");
	expect(v, "done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"confirm\",\"phrase\":\"stop all sms\"");
	assert_null(strstr(sent, "second"));
	v = start_log("second", "walk");
	expect(v, "ben drives, you watch");
	vt_send(v, "\r");
	expect(v, "you confirm what ben asked for");
	read_it(v);
	vt_send(v, "stop all sms\r");
	expect(v, "done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"second\":true");
}

static void test_decision_is_human(void **state)
{
	struct vt *v = start_log("pick", "walk");
	const char *sent;

	(void)state;
	expect(v, "likely");
	expect(v, "EVIDENCE");
	vt_send(v, "\r");
	expect(v, "LIKELY, top_code is 30007");
	read_it(v);
	vt_send(v, "\r"); /* the suggestion is not chosen by itself */
	expect(v, "nothing is chosen yet");
	vt_send(v, "1\r");
	expect(v, "decide: done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"step\":\"cause\",\"action\":\"pick\",\"pick\":\"account\"");
}

static void test_param(void **state)
{
	struct vt *v = start_log("param", "walk");
	const char *sent;

	(void)state;
	expect(v, "WAITING for a value at org-off");
	vt_send(v, "\r");
	expect(v, "org-off needs org_id");
	expect(v, "org_12"); /* what the run is about is filled in */
	read_it(v);
	vt_send(v, "!");
	expect(v, "a text like ^org_, at most 12 characters is wanted");
	vt_send(v, "\b3");
	expect_gone(v, "is wanted");
	vt_send(v, "456789"); /* too long by one */
	expect(v, "at most 12 characters is wanted");
	vt_send(v, "\016"); /* ^N: an offer */
	vt_send(v, "\016");
	expect(v, "org_7");
	vt_settle(v, 100, 500);
	vt_send(v, "\r");
	expect_gone(v, "org-off needs org_id");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"param\",\"version\":14,\"name\":\"org_id\","
		       "\"value\":\"org_7\"");
}

/* Given wrongly, given again: without a step that asks for it. */
static void test_correct(void **state)
{
	struct vt *v = start_log("answer", "walk");
	const char *sent;

	(void)state;
	expect(v, "WAITING for an answer at look");
	vt_send(v, ".c");
	expect(v, "CORRECT A VALUE");
	expect(v, "window");
	vt_settle(v, 100, 500);
	vt_send(v, "1");
	expect(v, "needs window");
	expect(v, "1h");
	read_it(v);
	vt_send(v, "\b\b2h\r");
	expect_gone(v, "needs window");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"param\",\"version\":14,\"name\":\"window\","
		       "\"value\":\"2h\"");
}

static void test_items(void **state)
{
	struct vt *v = start_log("answer", "walk");
	const char *sent;

	(void)state;
	expect(v, "WAITING for an answer at look");
	vt_send(v, "\r");
	expect(v, "[ ]  suspension checked");
	read_it(v);
	vt_send(v, "13");
	expect(v, "[x]  API credentials tried");
	vt_send(v, "\r");
	expect(v, "answer: done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"answer\",\"answer\":\"done\",\"items\":[true,false,true]");
}

static void test_failed(void **state)
{
	struct vt *v = start_log("failed", "walk");
	const char *sent;

	(void)state;
	expect(v, "FAILED, waits for you at status-mix");
	expect(v, "wanted");
	expect(v, "118, wanted 0");
	expect(v, "SAID     the account is shut");
	vt_send(v, "\r");
	expect(v, "go on although it failed");
	expect(v, "SAID     the account is shut");
	read_it(v);
	vt_send(v, "3\r");
	expect(v, "say why: type it");
	vt_send(v, "known already\r");
	expect(v, "done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"skip\",\"reason\":\"known already\"");
}

static void test_happened(void **state)
{
	struct vt *v = start_log("happened", "walk");
	const char *sent;

	(void)state;
	expect(v, "UNKNOWN, did it happen?");
	vt_send(v, "\r");
	expect(v, "yes, it happened: I looked");
	read_it(v);
	vt_send(v, "2\r");
	expect(v, "done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"happened\",\"happened\":false");
}

static void test_undo_note_release(void **state)
{
	struct vt *v = start_log("pick", "walk");
	const char *sent;

	(void)state;
	expect(v, "undo 1 (U)");
	vt_send(v, "U");
	expect(v, "UNDOES   org-off");
	expect(v, "Type org-off and Enter to undo");
	read_it(v);
	vt_send(v, "org-off\r");
	expect(v, "undo the last change: done");
	vt_send(v, "t");
	expect(v, "Enter to write it");
	read_it(v);
	vt_send(v, "carrier confirmed\r");
	expect(v, "a note: done");
	vt_send(v, ".l");
	expect(v, "nothing outside changes by that");
	vt_send(v, "\033");
	expect_gone(v, "nothing outside changes by that");
	vt_settle(v, 1100, 1100);
	vt_send(v, "p");
	expect(v, "undo, the next one first");
	expect(v, "carrier says 30007");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"step\":\"org-off\",\"action\":\"undo\"");
	sent_has(sent, "\"action\":\"note\",\"text\":\"carrier confirmed\"");
	assert_null(strstr(sent, "\"release\""));
}

static void test_watcher(void **state)
{
	struct vt *v = start_log("watch", "walk");
	const char *sent;

	(void)state;
	expect(v, "ben drives, you watch");
	vt_send(v, ".");
	expect(v, "decide: not now, ben drives it; take it over first (T)");
	vt_send(v, "T");
	expect(v, "FROM     ben");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "take it: you drive: done RUN-12");
	quit(v);
	sent = log_take();
	sent_has(sent, "\"action\":\"take\"");
}

static void test_results(void **state)
{
	struct vt *v = start("pick", "walk", 80, 24);

	(void)state;
	expect(v, "MITIGATE");
	vt_send(v, "kkk");
	expect(v, "carrier violation"); /* the code's meaning stands beside it */
	expect(v, "means");
	assert_null(strstr(vt_screen(v), "\xe2\x80\xae"));
	vt_send(v, "\033[C\033[C\033[C");
	expect(v, "fix content");
	vt_send(v, "j\r");
	expect(v, "second line");
	vt_settle(v, 200, 1000);
	assert_null(strstr(vt_screen(v), "\033"));
	assert_false(vt_has(v, "NOW"));	/* the step has the screen */
	vt_send(v, "q");
	expect(v, "NOW");
	vt_send(v, "Y"); /* the steps, and the one that is open in full */
	expect(v, "any key goes back");
	expect(v, "third");
	vt_send(v, "x");
	expect(v, "NOW");
	quit(v);
	v = start("running", "walk", 200, 50);
	expect(v, "RUNNING for 00:1");
	expect(v, "OUTPUT so far");
	expect(v, "25:5"); /* its time box */
	expect(v, "LATE 03:1");
	quit(v);
}

static void test_stale_and_read_only(void **state)
{
	struct vt *v = start_log("stale", "walk");

	(void)state;
	expect(v, "AS OF");
	expect(v, "~");
	vt_send(v, "\r");
	expect(v, "the data is stale; elsewhere: ringdown runbook resume RUN-12");
	quit(v);
	assert_string_equal(log_take(), "");
	v = start_log("read-only", "walk");
	expect(v, "WAITING for a decision");
	vt_send(v, "\r");
	expect(v, "read-only");
	vt_send(v, "U");
	expect(v, "read-only");
	quit(v);
	assert_string_equal(log_take(), "");
}

static void test_plain_terminals(void **state)
{
	static const struct { const char *term, *lang, *env; int w, h; } ways[] = {
		{ "vt100", "C", NULL, 80, 24 },		   { "xterm-256color", "C", "NO_COLOR=1",
							     80, 24 },
		{ "xterm-256color", "C.UTF-8", NULL, 70, 20 },
		{ "xterm-256color", "C.UTF-8", NULL, 40, 10 },
		{ "xterm-256color", "C.UTF-8", NULL, 200, 50 },
	};
	static const char *const scenes[] = { "pick", "confirm", "running" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		for (size_t k = 0; k < COUNT_OF(scenes); k++) {
			struct vt *v = start_with(scenes[k], "walk", ways[i].w, ways[i].h,
						  ways[i].term, ways[i].lang, ways[i].env);
			size_t n;
			expect(v, k == 0 ? "WAITING for a decision" : k == 1 ?
			       "WAITING for a confirm" : "running");
			vt_send(v, "\r");
			if (k == 1)
				expect(v, "Type org-off");
			vt_send(v, "\033");
			vt_settle(v, 200, 1000);
			vt_resize(v, 12, 3);
			vt_resize(v, ways[i].w, ways[i].h);
			expect(v, "? help");
			const unsigned char *raw = vt_raw(v, &n);
			for (size_t b = 0; i < 2 && b < n; b++)
				assert_true(raw[b] < 0x80);
			quit(v);
		}
}

static void test_commands(void **state)
{
	struct vt *v = start_log("loaded", "overview");

	(void)state;
	expect(v, "EV-118");
	vt_settle(v, 300, 2000);
	vt_send(v, ":runbook messaging-failures\r");
	expect(v, "nothing runs yet");
	vt_send(v, ":runbook RUN-12\r");
	expect(v, "you drive");
	vt_send(v, ":pause\r"); /* the automation's word stays the automation's */
	expect(v, "automation off");
	vt_send(v, "\033");
	expect_gone(v, "automation off");
	vt_settle(v, 1100, 1100);
	vt_send(v, "y");
	expect(v, "RUN-12");
	vt_send(v, "q");
	vt_send(v, "c");
	expect(v, "ringdown runbook resume RUN-12");
	vt_send(v, "?");
	expect(v, "HELP");
	quit(v);
	assert_string_equal(log_take(), "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_a_row),
		cmocka_unit_test(test_start_without_questions),
		cmocka_unit_test(test_broken_does_not_start),
		cmocka_unit_test(test_confirm),
		cmocka_unit_test(test_no_means_no),
		cmocka_unit_test(test_destroy_and_second),
		cmocka_unit_test(test_decision_is_human),
		cmocka_unit_test(test_param),
		cmocka_unit_test(test_correct), cmocka_unit_test(test_items),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_happened),
		cmocka_unit_test(test_undo_note_release),
		cmocka_unit_test(test_watcher),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_stale_and_read_only),
		cmocka_unit_test(test_plain_terminals),
		cmocka_unit_test(test_commands),
	};

	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
