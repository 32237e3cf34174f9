/* The reducer: what a snapshot, entries and live documents leave on the console. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fold/state.h"

static struct json *parse(const char *text)
{
	struct err err = { 0 };
	struct json *j = json_parse(text, strlen(text), &err);

	if (!j)
		fail_msg("%s", err.msg);
	return j;
}

static void load(struct state *s, const char *text)
{
	struct json *j = parse(text);

	assert_int_equal(state_load(s, j, NULL), 0);
	json_free(j);
}

static void apply(struct state *s, const char *text)
{
	struct json *j = parse(text);

	assert_int_equal(state_apply(s, j, NULL), 0);
	json_free(j);
}

static void snapshot_then_entries(void **unused)
{
	struct state s;

	(void)unused;
	state_init(&s);
	load(&s, "{\"seq\":5,\"leader\":\"eng-1\",\"accounts\":[{\"id\":\"a\",\"name\":\"main\"},"
		 "{\"id\":\"b\",\"name\":\"backup\"}],\"events\":[{\"id\":\"EV-1\",\"version\":3,"
		 "\"status\":\"pending\",\"tests\":[{\"outcome\":\"bad\",\"detail\":\"x\"}]}]}");
	assert_int_equal(s.n_accounts, 2);
	assert_string_equal(state_account(&s, "b")->name, "backup");
	assert_int_equal(state_event(&s, "EV-1")->n_tests, 1);

	apply(&s, "{\"seq\":6,\"at\":\"2026-11-21T03:12:47.000Z\",\"text\":\"approved\",\"data\":"
		  "{\"event\":{\"id\":\"EV-1\",\"version\":4,\"status\":\"approved\"},"
		  "\"account\":{\"id\":\"a\",\"health\":\"degraded\"}}}");
	assert_int_equal(state_event(&s, "EV-1")->status, EV_APPROVED);
	assert_int_equal(state_account(&s, "a")->health, HEALTH_DEGRADED);
	assert_string_equal(state_account(&s, "a")->name, "main"); /* what was not sent stays */
	assert_int_equal(s.n_entries, 1);

	/* older than what is known: neither the entry nor its event counts */
	apply(&s, "{\"seq\":6,\"text\":\"again\",\"data\":{\"event\":{\"id\":\"EV-1\","
		  "\"version\":9,\"status\":\"held\"}}}");
	apply(&s, "{\"seq\":7,\"text\":\"late\",\"data\":{\"event\":{\"id\":\"EV-1\","
		  "\"version\":2,\"status\":\"held\"}}}");
	assert_int_equal(state_event(&s, "EV-1")->status, EV_APPROVED);
	assert_int_equal(s.seq, 7);
	state_fini(&s);
}

static void holds_come_and_go(void **unused)
{
	struct state s;

	(void)unused;
	state_init(&s);
	apply(&s, "{\"seq\":1,\"data\":{\"hold\":{\"id\":\"h1\",\"what\":\"sms-off\"}}}");
	assert_int_equal(s.n_holds, 1);
	assert_int_equal(s.n_entries, 0); /* an entry without text is not shown */
	apply(&s, "{\"seq\":2,\"data\":{\"hold\":{\"id\":\"h1\",\"gone\":true}}}");
	assert_int_equal(s.n_holds, 0);
	state_fini(&s);
}

static void entries_are_capped_newest_first(void **unused)
{
	struct state s;
	char text[80];

	(void)unused;
	state_init(&s);
	for (int i = 1; i <= STATE_ENTRIES + 10; i++) {
		snprintf(text, sizeof(text), "{\"seq\":%d,\"text\":\"n%d\"}", i, i);
		apply(&s, text);
	}
	assert_int_equal(s.n_entries, STATE_ENTRIES);
	assert_int_equal(s.entries[0].seq, STATE_ENTRIES + 10);
	assert_int_equal(s.entries[STATE_ENTRIES - 1].seq, 11);
	state_fini(&s);
}

static void snapshot_writes_what_it_reads(void **unused)
{
	struct state s, t;
	struct str one = STR_INIT(STR_MAX_DEFAULT), two = STR_INIT(STR_MAX_DEFAULT);

	(void)unused;
	state_init(&s);
	state_init(&t);
	apply(&s, "{\"seq\":3,\"text\":\"x\",\"data\":{\"event\":{\"id\":\"EV-2\",\"version\":1,"
		  "\"status\":\"executing\",\"steps\":[{\"n\":1,\"state\":\"done\",\"done\":1,"
		  "\"total\":1}]},\"control\":{\"paused\":true,\"by\":\"anna\"}}}");
	state_json(&JW(&one), NULL, &s);
	load(&t, one.s);
	state_json(&JW(&two), NULL, &t);
	assert_string_equal(one.s, two.s);
	assert_true(t.control.paused);
	assert_int_equal(t.events[0].steps[1].state, SS_DONE);
	str_fini(&one);
	str_fini(&two);
	state_fini(&s);
	state_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_then_entries),
		cmocka_unit_test(holds_come_and_go),
		cmocka_unit_test(entries_are_capped_newest_first),
		cmocka_unit_test(snapshot_writes_what_it_reads),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
