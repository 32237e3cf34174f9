/*
 * Incidents on the screen: the strip, the list, one incident and its orders, D and its
 * criteria, notes with everything that can be pasted into them, an engine that is away, a
 * viewer, narrow and plain terminals.
 */
#include "tests/screen/kept.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_strip_and_list(void **state)
{
	struct vt *v = start_inc("inc", "incidents");

	(void)state;
	expect(v, "INC-214 P1 DECLARED");
	expect(v, "INCIDENTS 3");
	expect(v, "ack due 25:2");
	expect(v, "commander NONE");
	expect_either(v, "acknowledged DRILL", "acknowledged");
	expect(v, "2 due"); /* an update of another one, a practice */
	expect(v, "18 of 40 agents fail; calls ok 59 %");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_send(v, "!");
	expect(v, "INC-213 P3: an update is due");
	vt_send(v, "q");
	vt_send(v, "/exercise");
	expect(v, "INCIDENTS 1");
	vt_send(v, "\r\033");
	expect(v, "INCIDENTS 3");
	vt_send(v, "?");
	expect(v, "HELP");
	vt_send(v, "  ");
	expect(v, "declare an incident: then 0-3");
	vt_send(v, "q");
	vt_resize(v, 70, 20);
	expect(v, "INC-214");
	vt_resize(v, 40, 10);
	expect(v, "INC-214");
	vt_resize(v, 200, 50);
	expect(v, "COMMANDER");
	quit(v);
}

static void test_incident(void **state)
{
	struct vt *v = start_inc("inc", "incidents");

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "\r");
	expect(v, "first notice, repeated (by slack, phone)");
	expect(v, "HELD");
	expect_either(v, "DUE 2:1", "DUE 02:1");
	assert_false(vt_has(v, "was never wanted"));
	expect(v, "[x]");
	vt_send(v, "a");
	expect(v, "Enter to acknowledge");
	expect(v, "STOPS    paging");
	read_it(v);
	vt_send(v, "\033");
	expect_gone(v, "Enter to acknowledge");
	vt_send(v, "a");
	expect(v, "Enter to acknowledge");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "done INC-214");
	sent_has("POST /api/v1/incidents/INC-214/do {\"action\":\"ack\"}");
	vt_send(v, ".s");
	expect(v, "P0 critical: the whole system is out");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "nothing is chosen yet");
	vt_send(v, "1\r");
	expect(v, "other severity: done");
	sent_has("\"action\":\"severity\",\"severity\":\"P0\"");
	quit(v);
}

/* The order of the lines is that of the document: clocks, roles, checklist, actions, links. */
static void test_rows(void **state)
{
	struct vt *v = start_inc("inc", "incident");

	(void)state;
	expect(v, "rung 2: team-lead");
	vt_send(v, "\033[H"); /* Home: the head of the clocks */
	vt_send(v, "j.h");
	expect(v, "Enter to hold it");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "say why in your own words");
	vt_send(v, "they know\r");
	expect(v, "hold the clock, with a reason: done");
	sent_has("\"action\":\"hold\",\"clock\":\"C-1\",\"reason\":\"they know\"");
	vt_send(v, "j\r"); /* the one that is held */
	expect(v, "Enter to let it run");
	vt_send(v, "\033");
	expect_gone(v, "Enter to let it run");
	vt_send(v, "j\r"); /* the update that is due */
	expect(v, "posted to the channel and the status page");
	read_it(v);
	vt_send(v, "2\r");
	expect(v, "it was done (update, deadline, to do): done");
	sent_has("\"clock\":\"C-3\",\"text\":\"posted to the channel only\"");
	vt_send(v, "jj\r"); /* carl is scribe */
	expect(v, "(*)  scribe");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "who is what: done");
	sent_has("\"role\":\"scribe\",\"person\":\"anna\"");
	vt_send(v, "jjj\r"); /* the second of the checklist */
	expect(v, "status pages read");
	expect(v, "Enter to tick it");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "tick the line of the checklist: done");
	sent_has("\"action\":\"task\",\"task\":\"T-2\",\"on\":true");
	vt_send(v, "G\r");
	expect(v, "EVENTS");
	expect(v, "EV-118");
	quit(v);
}

static void test_declare(void **state)
{
	struct vt *v = start_inc("loaded", "agents");

	(void)state;
	expect(v, "agent_000000");
	vt_settle(v, 300, 2000);
	vt_send(v, "D");
	expect(v, "more than half of the users");
	expect(v, "P1 high: acknowledge in 15m; pager, slack, else to vp-eng");
	expect_either(v, "AS    globex-main", "AS    acme-main");
	read_it(v);
	vt_send(v, "1");
	expect(v, "INC-214 declared, P1");
	sent_has("POST /api/v1/incidents {\"title\":\"");
	sent_has("\"severity\":\"P1\",\"impact\":\"");
	quit(v);
}

/* From every view, and with help or gates over it. */
static void test_declare_from_anywhere(void **state)
{
	static const char *const views[] = {
		"overview", "events", "accounts", "agents", "sms", "runbooks", "incidents", "walk",
		"timeline", "engine", "log", "alerts", "calls", "practices", "times", "incident",
	};
	struct vt *v = start_inc("loaded", "agents");

	(void)state;
	expect(v, "agent_000000");
	for (size_t i = 0; i < COUNT_OF(views); i++) {
		char go[40];

		vt_settle(v, 200, 2000);
		snprintf(go, sizeof(go), ":%s\r", views[i]);
		vt_send(v, go);
		expect_gone(v, go + 1);
		vt_settle(v, 200, 2000);
		vt_send(v, i % 2 ? "?" : ".");
		expect(v, i % 2 ? "HELP" : "ACTIONS");
		vt_send(v, "D");
		expect(v, "more than half of the users");
		vt_send(v, "q");
		expect_gone(v, "more than half of the users");
	}
	vt_send(v, "?t");
	expect(v, "NOTE");
	vt_send(v, "\033");
	quit(v);
	assert_string_equal(file_of("log"), "");
}

/* Every key that changes something, in every view, sends nothing for whom it is not. */
static void test_viewer_changes_nothing(void **state)
{
	static const char views[] = "1234567890";
	static const char keys[] = "AXEUFPatDbdmpxeoi";
	struct vt *v = start_inc("inc-viewer", "overview");
	char *rest = NULL;

	(void)state;
	expect(v, "IMPACT");
	for (size_t i = 0; views[i]; i++)
		for (size_t k = 0; keys[k]; k++) {
			char go[2] = { views[i], '\0' }, key[2] = { keys[k], '\0' };

			vt_send(v, go);
			vt_settle(v, 20, 500);
			vt_send(v, key);
			vt_settle(v, 20, 500);
			vt_send(v, "\r"); /* what was asked is said yes to */
			vt_settle(v, 20, 500);
			vt_send(v, "\033"); /* out of whatever reads on */
			vt_settle(v, 60, 500);
		}
	quit(v);
	for (char *line = strtok_r((char *)(uintptr_t)file_of("log"), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))	/* to look before one leaps is allowed */
		if (!strstr(line, "\"dryRun\":true") && !strstr(line, "/preview "))
			fail_msg("sent: %s", line);
}

/* Keys that came with the D are not a choice; q is No. */
static void test_declare_not_by_accident(void **state)
{
	struct vt *v = start_inc("loaded", "agents");

	(void)state;
	expect(v, "agent_000000");
	vt_settle(v, 300, 2000);
	vt_send(v, "D1");
	expect(v, "choose once more");
	vt_send(v, "q");
	expect_gone(v, "on a boundary");
	quit(v);
	assert_string_equal(file_of("log"), "");
}

static void test_offered_the_open_one(void **state)
{
	struct vt *v = start_inc("inc", "agents");

	(void)state;
	expect(v, "agent_000000");
	vt_settle(v, 300, 2000);
	vt_send(v, "D");
	expect(v, "INC-214 P1 is open");
	vt_send(v, "j");
	expect(v, "first notice, repeated");
	quit(v);
	assert_string_equal(file_of("log"), "");
	v = start_inc("inc-alike", "agents");
	expect(v, "agent_000000");
	vt_settle(v, 300, 2000);
	vt_send(v, "D");
	expect(v, "on a boundary");
	read_it(v);
	vt_send(v, "0");
	expect(v, "AN OPEN INCIDENT MAY BE THE SAME");
	expect(v, "nothing was declared");
	vt_send(v, "f");
	expect(v, "INC-214 declared, P0");
	sent_has("\"force\":true");
	quit(v);
}

static void test_note(void **state)
{
	struct vt *v = start_inc("inc", "sms");

	(void)state;
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "Happened at");
	expect(v, "INC-214");
	read_it(v);
	vt_send(v, "Twilio says \"investigating\", \xc3\xbcn\xc3\xaf \xf0\x9f\x9a\x91");
	expect(v, "investigating");
	vt_send(v, "\033[Z\016"); /* back to what shows it */
	expect(v, "Evidence                EV-118");
	vt_send(v, "\033[Z"); /* and to when it was */
	vt_send(v, "99:99");
	expect(v, "such as 10:51");
	vt_send(v, "\025");
	vt_send(v, "-5m");
	vt_send(v, "\023");
	expect(v, "N-7 noted");
	sent_has("POST /api/v1/notes {\"text\":\"Twilio says \\\"investigating\\\","
		 " \xc3\xbcn\xc3\xaf \xf0\x9f\x9a\x91\",\"incident\":\"INC-214\","
		 "\"happenedAt\":\"20");
	sent_has("\"source\":\"EV-118\"}");
	quit(v);
	assert_string_equal(file_of("note-draft.json"), "");
}

/* Paragraphs: Enter begins a line, a paste keeps its own, and a key costs few bytes. */
static void test_note_of_lines(void **state)
{
	struct vt *v = start_inc("inc", "sms");
	size_t n;

	(void)state;
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "Enter begins a line");
	read_it(v);
	vt_send(v, "first words\r\rsecond");
	expect(v, "second");
	vt_send(v, "\033[200~ ones\rthird\033[31m\r\n\tfourth\n\033[201~");
	expect(v, "fourth");
	expect(v, "\n second ones");
	expect(v, "\n third");
	expect(v, "\n  fourth");
	for (int i = 0; i < 40; i++)
		vt_send(v, "\033[200~a line that is here so that there is a lot of text\r\033[201~");
	expect(v, "fourth");
	vt_settle(v, 300, 3000);
	vt_mark(v);
	vt_send(v, "Q");
	expect(v, "\n Q\n");
	vt_settle(v, 300, 3000);
	vt_raw(v, &n);
	assert_in_range(n, 1, 400);
	vt_send(v, "\023");
	expect(v, "N-7 noted");
	sent_has("{\"text\":\"first words\\n\\nsecond ones\\nthird\\n fourth\\na line");
	quit(v);
}

/* A megabyte, escape sequences, marks that turn the line round, emoji of every width. */
static void test_paste(void **state)
{
	static const char evil[] = "\033[31mred\033[0m \xe2\x80\xaetxet\xe2\x80\xac"
				   " \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"
				   "\xe2\x80\x8d\xf0\x9f\x91\xa7 \xe2\x9d\xa4\xef\xb8\x8f "
				   "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa e\xcc\x81 \xff\xfe \x07\x9b"
				   " line\nend ";
	struct vt *v = start_inc("inc", "sms");
	struct str b = STR_INIT(2 << 20);
	const char *sent;

	(void)state;
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "Happened at");
	read_it(v);
	str_add(&b, "\033[200~");
	while (b.len < 1000000)
		str_addn(&b, evil, sizeof(evil) - 1);
	str_add(&b, "\033[201~");
	vt_send_n(v, b.s, b.len);
	str_fini(&b);
	expect(v, "characters did not fit");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_resize(v, 70, 24);
	expect(v, "of 16000 bytes");
	vt_send(v, "\023");
	expect(v, "N-7 noted");
	sent = file_of("log");
	assert_non_null(strstr(sent, "line\\nend"));
	assert_null(strstr(sent, "\xe2\x80\xae"));
	assert_null(strchr(sent, 0x1b));
	assert_null(strstr(sent, "\\u001b"));
	assert_null(strstr(sent, "[31m")); /* colours are no words */
	assert_true(strlen(sent) < 17000);
	assert_true(utf8_valid(sent, strlen(sent)));
	quit(v);
}

/* What was written is there again: after a failure, after Esc, after the console was left. */
static void test_note_is_not_lost(void **state)
{
	struct vt *v = start_inc("inc-down", "sms");

	(void)state;
	expect(v, "sms");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "Happened at");
	read_it(v);
	vt_send(v, "carrier confirms 30007\023");
	expect(v, "NOT SENT");
	expect(v, "Kept");
	assert_non_null(strstr(file_of("note-draft.json"), "carrier confirms 30007"));
	vt_send(v, "\033");
	expect(v, "kept as a draft");
	vt_send(v, "t");
	expect(v, "the draft that was not sent");
	expect(v, "carrier confirms 30007");
	read_it(v);
	vt_send(v, " and more");
	expect(v, "and more");
	vt_settle(v, 2500, 6000);
	vt_hangup(v);
	vt_wait_exit(v, DEADLINE);
	vt_free(v);
	assert_non_null(strstr(file_of("note-draft.json"), "30007 and more"));
	v = start_inc("inc", "sms");
	expect(v, "org_12");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "carrier confirms 30007 and more");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "N-7 noted");
	sent_has("30007 and more");
	quit(v);
	assert_string_equal(file_of("note-draft.json"), "");
}

static void test_who_may_not(void **state)
{
	struct vt *v = start_inc("inc-viewer", "incidents");

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "\r");
	expect(v, "first notice, repeated"); /* reads all */
	vt_send(v, "a");
	expect(v, "not now, it takes the role operator");
	vt_send(v, "t");
	expect(v, "note: not now, it takes the role operator");
	vt_send(v, "D");
	expect(v, "declare: not now, it takes the role operator");
	quit(v);
	v = start_inc("read-only", "agents");
	expect(v, "READ ONLY");
	vt_settle(v, 300, 2000);
	vt_send(v, "t");
	expect(v, "note: not now, this console is read-only");
	quit(v);
	assert_string_equal(file_of("log"), "");
}

static void test_plain(void **state)
{
	struct vt *v = start_here("inc", "incident", 80, 24, "vt100");

	(void)state;
	expect(v, "rung 2: team-lead");
	expect(v, "DECLARED");
	vt_send(v, "D");
	expect(v, "P3 low");
	quit(v);
}

/* Pages on both sides, at most a few hundred rows; the cursor's row stays where it is. */
static void test_timeline(void **state)
{
	struct vt *v = start_inc("inc", "timeline");

	(void)state;
	expect(v, "row 5000");
	expect(v, "accounts ");
	expect(v, "BBBBB");
	expect(v, "=====");
	vt_send(v, "G");
	expect(v, "row 4801");
	for (int i = 0; i < 4; i++) {
		vt_settle(v, 200, 2000);
		vt_send(v, "G");
	}
	expect(v, "row 4001");
	for (int i = 0; i < 5; i++) {
		vt_settle(v, 200, 2000);
		vt_send(v, "\033[5~\033[5~\033[5~\033[5~\033[5~"
			   "\033[5~\033[5~\033[5~\033[5~\033[5~");
	}
	vt_send(v, "\033[H");
	expect(v, "row 5000");
	vt_send(v, "v");
	expect(v, "loud row 5000");
	vt_send(v, "vo");
	expect(v, "alone row 5000");
	vt_send(v, "/deep\r");
	expect(v, "deep row 4000");
	quit(v);
}

static void test_timeline_marks(void **state)
{
	struct vt *v = start_inc("inc", "timeline");
	struct str b = STR_INIT(10000);

	(void)state;
	expect(v, "row 5000");
	vt_send(v, "@-1h\r");
	expect(v, "row 1400");
	expect(v, "older than now");
	for (int i = 0; i < 12 && !vt_has(v, "DOUBT"); i++) {
		vt_send(v, "j");
		vt_settle(v, 100, 1000);
	}
	expect(v, "DOUBT");
	expect(v, "as written: 00:15 Oct 20");
	vt_send(v, "p");
	vt_settle(v, 300, 2000);
	sent_has("POST /api/v1/timeline/mark {\"incident\":\"INC-214\",\"entry\":\"n:13");
	expect(v, "pinned in the timeline of INC-214 (i goes there)");
	vt_send(v, "e");
	expect(v, "annotation:");
	str_add(&b, "this is when it broke\033[200~ \033[1m");
	while (b.len < 3000)
		str_add(&b, "0123456789");
	str_add(&b, "\033[201~");
	vt_send_n(v, b.s, b.len);
	str_fini(&b);
	expect(v, "did not fit");
	vt_send(v, "\025this is when it broke\r");
	vt_settle(v, 300, 2000);
	sent_has("\"text\":\"this is when it broke\"");
	vt_send(v, "h");
	expect(v, "hidden (v shows it)");
	sent_has("\"hidden\":true}");
	vt_send(v, "v");
	expect(v, "loud row");
	vt_send(v, "h");
	expect(v, "shown again");
	sent_has("\"hidden\":false}");
	vt_send(v, "v");
	expect_gone(v, "loud row");
	vt_send(v, "j\r"); /* to the evidence: an event or an account */
	expect_gone(v, "TIMELINE");
	expect_either(v, "EV-118", "acc_1");
	vt_resize(v, 40, 10);
	vt_send(v, "8");
	expect(v, "HAPPENED");
	quit(v);
	v = start_here("inc-viewer", "timeline", 70, 24, "vt100");
	expect(v, "row 5000");
	vt_send(v, "p");
	expect(v, "mark: not now, it takes the role operator");
	vt_send(v, " e"); /* nobody writes words that cannot be sent */
	vt_settle(v, 200, 1000);
	expect(v, "mark: not now, it takes the role operator");
	assert_false(vt_has(v, "annotation:"));
	quit(v);
}

/* Moves down to the row of that text. */
static void go_to_row(struct vt *v, const char *row)
{
	expect(v, "row 49");
	for (int i = 0; i < 20; i++) {
		const char *line = strstr(vt_screen(v), "\n>");

		if (line && strstr(line, row) && strstr(line, row) < strchr(line + 1, '\n'))
			return;
		vt_send(v, "j");
		vt_settle(v, 100, 1000);
	}
	fail_msg("no way to %s:\n%s", row, vt_screen(v));
}

/* Two change a note at once: the second sees both texts and keeps both. */
static void test_note_changed(void **state)
{
	struct vt *v = start_inc("inc", "timeline");

	(void)state;
	expect(v, "row 5000");
	vt_send(v, "x");
	expect(v, "only what a person wrote can be taken back");
	go_to_row(v, "row 4998");
	vt_send(v, "e");
	expect(v, "NOTE N-4998 of anna");
	expect(v, "it was acme");
	expect(v, "EV-118");
	read_it(v);
	vt_send(v, "\033"); /* as it was: nothing to keep */
	expect_gone(v, "NOTE N-4998");
	assert_false(vt_has(v, "draft"));
	vt_send(v, "e");
	expect(v, "it was acme");
	read_it(v);
	vt_send(v, " and initech");
	expect(v, "acme and initech");
	vt_send(v, "\033");
	expect(v, "e goes on with it");
	assert_non_null(strstr(file_of("note-draft-N-4998.json"), "acme and initech"));
	vt_send(v, "e");
	expect(v, "your change that was not sent");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "N-4998 WAS CHANGED BY ben");
	expect(v, "it was globex");
	expect(v, "it was acme and initech");
	sent_has("PATCH /api/v1/notes/N-4998 {\"text\":\"it was acme and initech\",\"version\":3,"
		 "\"source\":\"EV-118\"}");
	vt_send(v, "b");
	expect(v, "^S keeps both");
	read_it(v);
	vt_send(v, "\023");
	expect(v, "N-4998: changed");
	sent_has("\\n\\nit was acme and initech\",\"version\":5");
	assert_string_equal(file_of("note-draft-N-4998.json"), "");
	quit(v);
}

static void test_note_taken_back(void **state)
{
	struct vt *v = start_inc("inc", "timeline");

	(void)state;
	go_to_row(v, "row 4998");
	vt_send(v, "\r");
	expect(v, "its evidence is outside (y copies it): https://x.example/y");
	vt_send(v, "x");
	expect(v, "who took it back");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "say why in your own words");
	vt_send(v, "it was another account\r");
	expect(v, "take the note back: done");
	sent_has("POST /api/v1/notes/N-4998/retract {\"version\":3,\"back\":false,"
		 "\"reason\":\"it was another account\"}");
	vt_send(v, "7\r"); /* the incident has its newest notes too */
	expect(v, "rung 2: team-lead");
	vt_send(v, "x");
	expect(v, "put the cursor on a note");
	vt_send(v, "Gk");
	expect(v, "it was acme (EV-118)");
	vt_send(v, "k\r");
	expect(v, "NOTE N-12 of anna");
	read_it(v);
	vt_send(v, "\033");
	expect_gone(v, "NOTE N-12");
	vt_send(v, "x");
	expect(v, "N-12 of ben: it was acme");
	vt_send(v, "\033");
	expect_gone(v, "N-12 of ben");
	vt_send(v, "8");
	go_to_row(v, "row 4988");
	vt_send(v, "x");
	expect(v, "stands in the timeline and the report again");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "bring the note back: done");
	sent_has("POST /api/v1/notes/N-4988/retract {\"version\":3,\"back\":true}");
	vt_send(v, "\r"); /* to the run that it names */
	expect(v, "RUN-12");
	quit(v);
	v = start_here("inc-viewer", "timeline", 70, 24, "vt100");
	go_to_row(v, "row 4998");
	vt_send(v, "e");
	expect(v, "note-edit: not now, it takes the role operator");
	vt_send(v, "x");
	expect(v, "note-retract: not now, it takes the role operator");
	quit(v);
}

static void test_handover(void **state)
{
	struct vt *v = start_inc("inc", "incidents");

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "h");
	expect(v, "HAND-OVER");
	expect(v, "A-1 buy numbers, ben");
	expect(v, "ben: it was acme");
	vt_send(v, "\033[6~");
	expect(v, "HAPPENED LAST");
	expect(v, "HELD");
	vt_send(v, "ql");
	expect(v, "TIMELINE INC-214");
	quit(v);
}

/* Stepped, sought, played; nothing can be done in it; the present is there again at once. */
static void test_replay(void **state)
{
	static const struct { const char *keys, *name; } refused[] = {
		{ "A", "approve" }, { "F", "start" }, { "P", "pause" }, { "t", "note" },
		{ "D", "declare" },
		{ "a", "ack" },	    { "b", "runbook" },
	};
	struct vt *v = start_inc("inc", "events");

	(void)state;
	expect(v, "EVENTS");
	vt_settle(v, 300, 2000);
	vt_send(v, "T"); /* INC-214 was declared 275 s ago: row 125 of 400 */
	expect(v, "PAST 20");
	expect_gone(v, "asking");
	expect(v, "125 of 400");
	expect(v, "EVENTS 0");
	assert_false(vt_has(v, "EV-117"));
	vt_send(v, "0");
	expect(v, "past row 125");
	vt_send(v, "\033[C\033[C");
	expect(v, "past row 127");
	vt_send(v, "\033[D");
	expect_gone(v, "past row 127");
	expect(v, "126 of 400");
	vt_send(v, "}}"); /* two minutes on */
	expect(v, "246 of 400");
	vt_send(v, "2");
	expect(v, "pending");
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		char text[80];

		vt_send(v, refused[i].keys);
		snprintf(text, sizeof(text), "%s: not now, this is the past", refused[i].name);
		if (i == 1)
			snprintf(text, sizeof(text), "not now, this is the past");
		expect(v, text);
	}
	vt_send(v, "{");
	expect_gone(v, "pending");
	vt_send(v, "@-1m\r"); /* of the instant that is shown */
	expect(v, "126 of 400");
	vt_send(v, "}}]");
	expect(v, "247 of 400");
	expect(v, "pending");
	vt_send(v, "++++++ ");
	expect(v, "approved");
	expect(v, "nothing was recorded after this");
	vt_send(v, "4");
	expect(v, "not recorded");
	vt_send(v, "1");
	expect(v, "not recorded");
	expect(v, "you    nothing can be done in the past");
	vt_send(v, "q");
	expect(v, "this is the present again");
	expect_gone(v, "PAST");
	vt_send(v, "2");
	expect(v, "EV-117");
	quit(v);
	assert_string_equal(file_of("log"), "");
}

static void test_replay_plain(void **state)
{
	struct vt *v = start_here("inc", "timeline", 80, 24, "vt100");

	(void)state;
	expect(v, "row 5000");
	vt_send(v, "@-5m\r");
	expect(v, "older than now");
	vt_settle(v, 300, 2000);
	vt_send(v, "T"); /* at the row under the cursor */
	expect(v, "PAST 20");
	expect(v, "of 400");
	vt_resize(v, 40, 10);
	expect(v, "PAST 20");
	vt_resize(v, 70, 24);
	vt_send(v, "q");
	expect_gone(v, "PAST");
	quit(v);
	v = start_inc("inc-viewer", "overview");
	expect(v, "IMPACT");
	vt_settle(v, 300, 2000);
	vt_send(v, "T");
	expect(v, "PAST 20");
	quit(v);
}

static void test_alerts(void **state)
{
	struct vt *v = start_inc("inc", "overview");

	(void)state;
	expect(v, "alerts 2 firing, 1 in hand");
	expect(v, "BAD account-down acme-main");
	vt_send(v, "l");
	expect(v, "ALERTS 4");
	expect(v, ">BAD");
	expect(v, "explained");
	vt_send(v, "a");
	expect(v, "you have it in hand: not told again until that runs out");
	read_it(v);
	vt_send(v, "\r");
	expect(v, "done AL-3");
	sent_has("POST /api/v1/alerts/AL-3/ack {}");
	vt_send(v, "j.s");
	expect(v, "it stays in the list");
	read_it(v);
	vt_send(v, "2\tknown\r");
	expect(v, "with a reason: done");
	sent_has("POST /api/v1/silences {\"alert\":\"AL-");
	sent_has("\"for\":\"4h\",\"reason\":\"known\"}");
	vt_resize(v, 40, 10);
	expect(v, "account-down");
	quit(v);
}

/* Types the word that the open dialog asks for. */
static void type_word(struct vt *v)
{
	const char *at;
	char word[8];

	expect(v, "and Enter to send it");
	read_it(v);
	at = strstr(vt_screen(v), "Type ");
	assert_non_null(at);
	snprintf(word, sizeof(word), "%.4s\r", at + 5);
	vt_send(v, word);
	expect(v, "send the message: done");
}

/* Shown with its gaps before it can be sent; with gaps only by choosing so. */
static void test_messages(void **state)
{
	struct vt *v = start_inc("inc", "incidents");

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "m");
	expect(v, "Notice to customers; missing eta, cause");
	expect(v, "Escalation, twilio");
	expect(v, "Escalation, telnyx");
	vt_send(v, "t");
	expect(v, "ESCALATE longer than 30m (it lasts 1h)");
	expect(v, "MISSING  call sids");
	vt_send(v, "qm");
	expect(v, "Notice to customers; missing eta");
	vt_send(v, "1");
	expect(v, "Expected end: [eta?]");
	expect(v, "mail a@b.example as team");
	expect(v, "PAGE     a new incident there, status investigating");
	expect(v, "PAGE     Calls: major_outage (18 fail)");
	expect(v, "PAGE     Site: as it stands there");
	expect(v, "[eta?] only people know it");
	vt_send(v, "s"); /* with gaps there is no plain sending */
	vt_settle(v, 200, 1000);
	expect(v, "Expected end: [eta?]");
	vt_send(v, "g");
	expect(v, "Type ");
	expect(v, "eta: is sent as \"not known yet\"");
	expect(v, "PAGE     a new incident there, status investigating");
	expect(v, "Calls: major_outage");
	expect(v, "cause: is sent as \"not known yet\"");
	read_it(v);
	vt_send(v, "\r"); /* Enter alone is No */
	expect_gone(v, "Type ");
	assert_null(strstr(file_of("log"), "\"hash\""));
	vt_send(v, "m");
	expect(v, "missing eta");
	vt_send(v, "1");
	expect(v, "[eta?]");
	vt_send(v, "g");
	type_word(v); /* on production the word is a number too: it is of this message alone */
	sent_has("POST /api/v1/incidents/INC-214/messages/customer-notice {\"hash\":\"abc123\","
		 "\"components\":{\"Calls\":\"major_outage\",\"Site\":null},\"fields\":{\"impact\":\"all\"},\"withGaps\":[\"eta\",\"cause\"]}");
	vt_send(v, "m");
	expect(v, "Escalation, telnyx");
	vt_send(v, "3");
	expect(v, "Notice to customers, to telnyx");
	sent_has("messages/vendor-escalation/preview {\"vendor\":\"telnyx\"}");
	quit(v);
}

/* The message stands below its fields and follows each key; what was typed stays. */
static void test_message_fields(void **state)
{
	struct vt *v = start_inc("inc", "incidents");
	struct str b = STR_INIT(100000);

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "m");
	expect(v, "missing eta, cause");
	vt_send(v, "1");
	expect(v, "fill in what is missing: eta, cause");
	vt_send(v, "\r");
	expect(v, "THE MESSAGE, 2 missing");
	expect(v, "Expected end: [eta?]");
	expect(v, "It fails: all.");
	expect(v, "[eta?] is missing: only people know it");
	read_it(v);
	vt_send(v, "in an hour, \xc3\xbc");
	expect(v, "Expected end: in an hour, \xc3\xbc");
	expect(v, "THE MESSAGE, 1 missing");
	expect(v, "Cause: [cause?]");
	vt_send(v, "\033");
	expect(v, "kept, not sent: m goes on");
	vt_send(v, "m");
	expect(v, "a draft is kept");
	vt_send(v, "1");
	expect(v, "what you filled in stands in it");
	assert_false(vt_has(v, "fill in what is missing: eta"));
	vt_send(v, "f");
	expect(v, "THE MESSAGE, 1 missing");
	expect(v, "Expected end: in an hour, \xc3\xbc");
	read_it(v);
	str_add(&b, "\033[200~\033[31ma \xe2\x80\xae" "carrier\n\xf0\x9f\x91\xa8 ");
	while (b.len < 40000)
		str_add(&b, "0123456789");
	str_add(&b, "\033[201~");
	vt_send_n(v, b.s, b.len);
	str_fini(&b);
	expect(v, "characters did not fit: 20000 bytes are the most");
	expect(v, "THE MESSAGE, 0 missing");
	assert_false(vt_has(v, "\xe2\x80\xae"));
	vt_send(v, "\025\177\025a carrier\t\t\025everybody"); /* Tab Tab: what is known said otherwise */
	expect(v, "It fails: everybody.");
	vt_resize(v, 40, 12);
	expect(v, "everybody");
	vt_resize(v, 80, 24);
	vt_send(v, "\023"); /* nothing is missing: straight to the dialog */
	type_word(v);
	sent_has("\"Site\":null},\"fields\":{\"cause\":\"a carrier\",\"eta\":\"in an hour, "
		 "\xc3\xbc\",\"impact\":\"everybody\"},\"withGaps\":[]}");
	vt_send(v, "m");
	expect(v, "missing eta, cause"); /* sent: nothing is kept */
	assert_false(vt_has(v, "a draft is kept"));
	quit(v);
	v = start_inc("inc-lost", "incidents"); /* the engine is away once something is typed */
	expect(v, "INCIDENTS 3");
	vt_send(v, "m");
	expect(v, "missing eta, cause");
	vt_send(v, "1");
	expect(v, "[eta?]");
	vt_send(v, "f");
	expect(v, "THE MESSAGE");
	read_it(v);
	vt_send(v, "tomorrow\023");
	expect(v, "NOTHING WAS SENT: the engine is not reached. Kept");
	vt_send(v, " at noon\033");
	expect(v, "kept, not sent");
	vt_send(v, "m");
	expect(v, "a draft is kept");
	vt_send(v, "1");
	expect(v, "the engine is not reached; what you typed is kept");
	sent_has("{\"fields\":{\"eta\":\"tomorrow at noon\"}}");
	quit(v);
	v = start_inc("inc-viewer", "incident");
	expect(v, "rung 2: team-lead");
	vt_send(v, "m");
	expect(v, "missing eta");
	vt_send(v, "1");
	expect(v, "fill in, reword, send: not now, it takes the role operator");
	expect(v, "[cause?]");
	quit(v);
}

/* Subject and body in a person's words: a gap in them is filled like the template's, what was
 * written outlives the console, and it is what is sent. */
static void test_message_words(void **state)
{
	static const char file[] = "message-INC-214-customer-notice.json";
	struct vt *v = start_here("inc", "incidents", 70, 24, "vt100");
	size_t n;

	(void)state;
	expect(v, "INCIDENTS 3");
	vt_send(v, "m");
	expect(v, "missing eta, cause");
	vt_send(v, "1");
	expect(v, "reword it: subject and body");
	vt_send(v, "r");
	expect(v, ">BODY");
	expect(v, " Expected end: [eta?]");
	read_it(v);
	vt_send(v, "Dear all,\r\r");
	expect(v, " Dear all,");
	vt_mark(v);
	vt_send(v, "Q");
	expect(v, "QIt fails");
	vt_settle(v, 300, 2000);
	vt_raw(v, &n);
	assert_in_range(n, 1, 400);
	vt_send(v, "\177");
	vt_send(v, "\033[Z\025Out of order");
	expect(v, "THE MESSAGE IN YOUR WORDS, 2 missing");
	vt_send(v, "\t\t\t\t\025everyone"); /* a known field that stands in them no more */
	expect(v, "THE MESSAGE IN YOUR WORDS, without impact");
	vt_send(v, "\033[Z\033[Zat noon\r");
	expect(v, "Expected end: at noon");
	expect(v, "THE MESSAGE IN YOUR WORDS, 1 missing");
	for (int i = 0; i < 100 && !strstr(file_of(file), "at noon\\n"); i++)
		vt_settle(v, 100, 200); /* it is kept twice a second */
	assert_non_null(strstr(file_of(file), "at noon"));
	assert_non_null(strstr(file_of(file), "\"body\":\"Dear all,\\n\\nIt fails: all."));
	vt_hangup(v);
	vt_wait_exit(v, DEADLINE);
	vt_free(v);
	v = start_inc("inc", "incidents");
	expect(v, "INCIDENTS 3");
	vt_send(v, "m");
	expect(v, "a draft is kept");
	vt_send(v, "1");
	expect(v, "your own words stand in it; not sent yet");
	expect(v, "SUBJECT  Out of order");
	vt_send(v, "g");
	type_word(v);
	sent_has("\"subject\":\"Out of order\",\"body\":\"Dear all,\\n\\nIt fails: all.\\nExpected"
		 " end: [eta?]\\nCause: [cause?]");
	sent_has("\"withGaps\":[\"cause\"]}");
	vt_send(v, "m");
	expect(v, "missing eta, cause");
	assert_false(vt_has(v, "a draft is kept"));
	assert_string_equal(file_of(file), "");
	quit(v);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_strip_and_list),	TEST(test_incident),
		TEST(test_rows),		TEST(test_declare),
		TEST(test_declare_from_anywhere), TEST(test_viewer_changes_nothing),
		TEST(test_declare_not_by_accident), TEST(test_offered_the_open_one),
		TEST(test_note),		TEST(test_note_of_lines),
		TEST(test_paste),
		TEST(test_note_is_not_lost),	TEST(test_who_may_not),
		TEST(test_plain),		TEST(test_timeline),
		TEST(test_timeline_marks),	TEST(test_handover),
		TEST(test_alerts),		TEST(test_messages),
		TEST(test_message_fields),	TEST(test_message_words),
		TEST(test_note_changed),	TEST(test_note_taken_back),
		TEST(test_replay),		TEST(test_replay_plain),
	};

	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("incidents", tests, NULL, NULL);
}
