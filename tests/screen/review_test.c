/*
 * The report of an incident and the practices on the screen: what is asked and missing, a
 * section written in place, two who write at once, drafts that are not lost, action items,
 * the review's next step, the file, a viewer, a plain terminal.
 */
#include <glob.h>
#include <signal.h>

#include "tests/screen/kept.h"

static struct vt *start_report(const char *scene)
{
	struct vt *v = start_inc(scene, "report");

	expect(v, "REPORT OF INC-214");
	expect(v, "Executive summary");
	vt_settle(v, 300, 2000);
	return v;
}

static void test_what_it_shows(void **state)
{
	struct vt *v = start_inc("inc", "incidents");

	(void)state;
	expect(v, "INC-214");
	vt_send(v, "p");
	expect(v, "REPORT OF INC-214  draft");
	expect(v, "nobody wrote it yet");
	expect(v, "report DUE");
	expect(v, "review due in");
	expect(v, "TTD 00:25   TTA -   TTM 07:00   TTR 10:00   impact 07:25");
	expect(v, "agents 18 of 40   orgs ?   calls lost 44   messages lost ?");
	expect(v, "2 Why it was   1 TEXT NOT MERGED: e shows both");
	expect(v, "| - no other region");
	expect(v, "calls: In the window 120");
	vt_send(v, "G");
	expect(v, "ACTION ITEMS   2 open of 3");
	expect(v, "A-1   [ ] ben          OVERDUE since 2020-02-01");
	expect(v, "A-2   [ ] NOBODY       no date");
	expect(v, "A-3   [x] anna         done");
	assert_false(vt_has(v, "not again"));
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_send(v, "\033[Z\033[Z");
	expect(v, ">2 Why it was");
	vt_resize(v, 200, 50);
	expect(v, "Failed beyond usual  Never came");
	vt_resize(v, 40, 10);
	expect(v, "REPORT OF INC-214");
	vt_resize(v, 80, 24);
	vt_send(v, "q");
	expect(v, "INCIDENTS 3");
	quit(v);
}

static void test_write(void **state)
{
	struct vt *v = start_report("inc");

	(void)state;
	vt_send(v, "e");
	expect(v, "Asked: what happened, in two sentences");
	read_it(v);
	vt_send(v, "First line.\r- and \"more\"");
	expect(v, "- and");
	vt_send(v, "\023");
	expect(v, "INC-214 Executive summary: version 1");
	sent_has("PUT /api/v1/incidents/INC-214/report/summary {\"text\":\"First line.\\n- and "
		 "\\\"more\\\"\",\"version\":0}");
	expect(v, "| - and \"more\"");
	expect(v, "version 1 by anna");
	vt_send(v, "e");
	expect(v, "of 600000 bytes");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "nothing was changed");
	quit(v);
}

/* Both texts stand in the form, and what is saved then settles the one set aside. */
static void test_two_write_at_once(void **state)
{
	struct vt *v = start_report("inc-race");

	(void)state;
	vt_send(v, "e");
	expect(v, "of 600000 bytes");
	read_it(v);
	vt_send(v, "Mine.\023");
	expect(v, "ben wrote version 7 meanwhile");
	expect(v, "Ben was first.");
	expect(v, "%% Not merged yet: version 8 by you");
	expect(v, "Mine.");
	vt_send(v, "\023");
	expect(v, "Executive summary: version 8");
	sent_has("{\"text\":\"Ben was first.\\nMine.\",\"version\":7}");
	/* set aside before, shown to whoever opens it next */
	vt_send(v, "\t");
	expect(v, ">2 Why it was");
	vt_send(v, "e");
	expect(v, "%% Not merged yet: version 2 by ben");
	expect(v, "Their network. evil ");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	read_it(v);
	vt_send(v, "\023");
	expect(v, "Why it was: version 2");
	quit(v);
}

/* After a failure, after Esc, after the terminal was gone. */
static void test_draft_is_not_lost(void **state)
{
	struct vt *v = start_report("inc-down");

	(void)state;
	vt_send(v, "e");
	expect(v, "of 600000 bytes");
	read_it(v);
	vt_send(v, "not %% a mark\r%% mine\023");
	expect(v, "NOT SAVED");
	assert_non_null(strstr(file_of("report-INC-214-summary.json"), "%% mine"));
	vt_send(v, "\033");
	expect(v, "kept as a draft, not saved");
	expect(v, "YOUR DRAFT WAITS: e");
	vt_send(v, "e");
	expect(v, "the draft that was not saved, made from version 0");
	read_it(v);
	vt_send(v, " and more");
	expect(v, "and more");
	vt_settle(v, 2500, 6000);
	vt_hangup(v);
	vt_wait_exit(v, DEADLINE);
	vt_free(v);
	v = start_report("inc");
	expect(v, "YOUR DRAFT WAITS: e");
	vt_send(v, "e");
	expect(v, "% mine");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "version 1");
	sent_has("%% mine and more\",\"version\":0");
	expect_gone(v, "YOUR DRAFT WAITS");
	assert_string_equal(file_of("report-INC-214-summary.json"), "");
	quit(v);
}

static void test_items(void **state)
{
	struct vt *v = start_report("inc");

	(void)state;
	vt_send(v, "i");
	expect(v, "A NEW ACTION ITEM");
	read_it(v);
	vt_send(v, "another region\t\016"); /* ^N: who is somebody in the incident */
	expect(v, "anna (commander)");
	vt_send(v, "\tsoon");
	expect(v, "such as 2026-12-01, +7d");
	vt_send(v, "\0252099-12-01\023");
	expect(v, "an action item more");
	sent_has("POST /api/v1/incidents/INC-214/do {\"action\":\"action\",\"text\":\"another "
		 "region\",\"owner\":\"anna\",\"dueAt\":\"2099-12-01T23:59:59.000Z\",\"state\":"
		 "\"open\"}");
	vt_send(v, "Gkk");
	expect(v, ">  A-1");
	vt_send(v, ".o");
	expect(v, "renew the contract");
	expect(v, "Enter to say so");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "the action item is done: done");
	sent_has("{\"action\":\"action\",\"id\":\"A-1\",\"state\":\"done\"}");
	vt_send(v, "\r");
	expect(v, "ACTION ITEM");
	expect(v, "2020-02-01T00:00:00.000Z");
	read_it(v);
	vt_send(v, " in June\t\tx\177\023"); /* the date is as it was */
	expect(v, "the action item is changed");
	sent_has("{\"action\":\"action\",\"id\":\"A-1\",\"itemVersion\":3,\"text\":\"renew the "
		 "contract in June\"}");
	/* owner and date are taken away */
	vt_send(v, "\r");
	expect(v, "2020-02-01T00:00:00.000Z");
	read_it(v);
	vt_send(v, "\033[Z\033[Z\025\033[Z\025\023");
	expect(v, "the action item is changed");
	sent_has("{\"action\":\"action\",\"id\":\"A-1\",\"itemVersion\":3,\"owner\":\"\","
		 "\"dueAt\":\"\"}");
	quit(v);
}

static void test_review_and_file(void **state)
{
	struct vt *v = start_report("inc");
	char found[200] = "";
	struct stat st;
	glob_t g;

	(void)state;
	vt_send(v, "m");
	expect(v, "in review: it is written");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "the report's next step: done");
	sent_has("POST /api/v1/incidents/INC-214/review {\"state\":\"in_review\"}");
	vt_send(v, "w");
	expect(v, "Markdown: the sections");
	vt_send(v, "m");
	expect(v, "(0600)");
	if (glob("report-INC-214-*.md", 0, NULL, &g) == 0 && g.gl_pathc == 1)
		snprintf(found, sizeof(found), "%s", g.gl_pathv[0]);
	globfree(&g);
	assert_int_equal(stat(found, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 10);
	unlink(found);
	quit(v);
	v = start_report("inc-down");
	vt_send(v, "w");
	expect(v, "JSON: everything");
	vt_send(v, "j");
	expect(v, "nothing was written: the engine is not reached");
	quit(v);
}

static void test_who_may_not_write(void **state)
{
	struct vt *v = start_report("inc-viewer");

	(void)state;
	vt_send(v, "e");
	expect(v, "it takes the role operator");
	vt_send(v, "i");
	expect(v, "report-item: not now");
	vt_send(v, "w");
	expect(v, "Markdown: the sections");
	quit(v);
	v = start_inc("inc-viewer", "practices");
	expect(v, "OVERDUE");
	vt_send(v, "d");
	expect(v, "it takes the role operator");
	quit(v);
}

static void test_practices(void **state)
{
	struct vt *v = start_inc("inc", "practices");

	(void)state;
	expect(v, "PRACTICES 2, 1 overdue");
	expect(v, "OVERDUE a drill of");
	expect(v, "last drill INC-213");
	vt_send(v, "d");
	expect(v, "DONE: a drill of a major incident");
	read_it(v);
	vt_send(v, "all were there\033[Z2999-01-01");
	expect(v, "an instant that was");
	vt_send(v, "\0252026-11-20\023");
	expect(v, "drill-yearly: done");
	sent_has("POST /api/v1/practices/drill-yearly/done {\"at\":\"2026-11-20T12:00:00.000Z\","
		 "\"note\":\"all were there\"}");
	expect(v, "2026-11-20 anna");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_resize(v, 200, 50);
	expect(v, "NOTE");
	quit(v);
}

/* From anywhere by its id: one that the console has, one that only the engine has, none. */
static void test_by_command(void **state)
{
	struct vt *v = start_inc("inc", "sms");

	(void)state;
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, ":report INC-21\t"); /* the newest that begins so */
	expect(v, ":report INC-214");
	vt_send(v, "\r");
	expect(v, "REPORT OF INC-214");
	vt_send(v, "q");
	expect(v, "org_12");
	vt_send(v, ":report INC-12\r");
	expect(v, "REPORT OF INC-12");
	vt_send(v, "q");
	expect(v, "org_12");
	vt_send(v, ":report INC-999\r");
	expect(v, "report INC-999: there is no incident INC-999");
	vt_send(v, ":report EV-118\r");
	expect(v, "no incident 'EV-118'; such as INC-12");
	expect(v, "org_12");
	quit(v);
}

/* One count in the header of every view, its list and the view: what is overdue is in all of them,
 * and in none once its date was moved. */
static void test_overdue_is_counted(void **state)
{
	struct vt *v = start_inc("inc", "accounts");
	const char *s;
	int n;

	(void)state;
	expect(v, "2 due");
	vt_send(v, "!");
	expect(v, "practice drill-yearly: a drill of a major incident");
	s = vt_screen(v);
	for (n = 0; (s = strstr(s, "DUE ")) != NULL; s++)
		n++;
	assert_int_equal(n, 2);
	vt_send(v, "q");
	quit(v);
	v = start_inc("inc", "practices");
	expect(v, "PRACTICES 2, 1 overdue");
	expect(v, "2 due");
	vt_send(v, "m");
	expect(v, "ANOTHER DATE: a drill of a major incident");
	read_it(v);
	vt_send(v, "some day");
	expect(v, "such as 2026-12-01, +7d");
	vt_send(v, "\0252098-05-01\tall are ill\023");
	expect(v, "drill-yearly: moved");
	sent_has("POST /api/v1/practices/drill-yearly/due {\"dueAt\":\"2098-05-01\",\"reason\":"
		 "\"all are ill\"}");
	expect(v, "PRACTICES 2, 0 overdue");
	expect(v, "1 due");
	expect(v, "moved from 2020-01-01 by ben: evil ");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_send(v, "!");
	expect(v, "INC-213 P3: an update is due");
	assert_false(vt_has(v, "practice drill-yearly"));
	vt_send(v, "q");
	quit(v);
}

static void test_plain_terminal(void **state)
{
	static const char *const views[] = { "report", "practices" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(views); i++) {
		struct vt *v = start_here("inc", views[i], 70, 20, "vt100");
		const char *s;

		expect(v, i ? "PRACTICES 2" : "ACTION ITEMS");
		s = vt_screen(v);
		assert_null(strstr(s, "(null)"));
		quit(v);
	}
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_it_shows),   TEST(test_write),
		TEST(test_two_write_at_once), TEST(test_draft_is_not_lost),
		TEST(test_items),	    TEST(test_review_and_file),
		TEST(test_who_may_not_write), TEST(test_practices),
		TEST(test_by_command),      TEST(test_plain_terminal), TEST(test_overdue_is_counted),
	};

	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
