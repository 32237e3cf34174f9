/*
 * The past on a real PostgreSQL: the state from the nearest checkpoint is the state from the
 * beginning, no seek takes more rows than a checkpoint may be away, and where rows were
 * pruned nobody is shown a state with a hole in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/task.h"
#include "engine/past.h"
#include "store/checkpoints.h"
#include "store/journal.h"
#include "tests/lib/storetest.h"

STORETEST(st)
static const struct who anna = { .actor = "anna", .role = "operator", .via = "api" };
enum { ROWS = 2400, A_TX = 60 };

static void must(int e, const struct err *err)
{
	if (e < 0)
		fail_msg("%s", err->msg);
}

/* Rows that put records in place, change them, take them out, and overflow lists. */
static void note(struct tx *t, int i)
{
	static const char *const status[] = { "pending", "approved", "executing", "completed" };
	static const char *const health[] = { "healthy", "degraded", "critical", "unknown" };
	_cleanup_(free_p) char *data = NULL;

	switch (i % 7) {
	case 0:
		data = xasprintf("{\"account\":{\"id\":\"acc_%d\",\"name\":\"a %d\","
				 "\"health\":\"%s\",\"agents\":%d,\"failureRate\":0.%d}}", i % 5, i,
				 health[i % 4], i, i % 100);
		break;
	case 1:
		data = xasprintf("{\"event\":{\"id\":\"EV-%d\",\"version\":%d,\"status\":\"%s\","
				 "\"cause\":\"c %d\","
				 "\"tests\":[{\"at\":\"2026-11-21T03:08:00.000Z\","
				 "\"outcome\":\"bad\"}]}}",
				 i / 28, i, status[i / 7 % 4], i);
		break;
	case 2:
		data = xasprintf("{\"hold\":{\"id\":\"H%d\",\"what\":\"sms-off\"%s}}", i % 9,
				 i % 2 ? ",\"gone\":true" : "");
		break;
	case 3:
		data = xasprintf("{\"incident\":{\"id\":\"INC-%d\",\"version\":%d,"
				 "\"severity\":\"P%d\",\"state\":\"declared\",\"title\":\"t\"}}",
				 i / 70, i, i % 4);
		break;
	case 4:
		data = xasprintf("{\"messages\":[{\"id\":\"%d\",\"state\":\"sent\"},{\"id\":\"%d\","
				 "\"state\":\"dead\"}]}", i, i - 1);
		break;
	case 5:
		data = xasprintf("{\"alert\":{\"id\":\"AL-%d\",\"name\":\"n\",\"state\":\"%s\"}}",
				 i % 300, i % 2 ? "firing" : "resolved");
		break;
	default:
		break;
	}
	tx_note(t, i % 5 ? NOTE_INFO : NOTE_BAD, "test.row", "x", i % 11 ? "text" : "", data);
}

static void write_rows(struct store *s)
{
	struct err err = { 0 };

	for (int i = 0; i < ROWS; i += A_TX) {
		struct tx t;

		must(tx_begin(s, &t, &anna, &err), &err);
		for (int k = 0; k < A_TX; k++)
			note(&t, i + k);
		must(tx_commit(&t, NULL, &err), &err);
	}
}

static char *text_at(struct store *s, int64_t seq, int64_t *folded)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct err err = { 0 };
	struct state state;
	struct jw w = JW(&b);

	must(past_state(s, seq, &state, folded, &err), &err);
	assert_int_equal(state.seq, seq);
	state_json(&w, NULL, &state);
	state_fini(&state);
	return str_take(&b);
}

static void same_from_everywhere(void *arg)
{
	static const int64_t seqs[] = { 0, 1, 999, 1000, 1001, 1500, 1999, 2000, 2003, 2399, 2400 };
	char *whole[COUNT_OF(seqs)];
	struct store *s = arg;
	struct err err = { 0 };
	int64_t folded;
	size_t n;

	write_rows(s);
	for (size_t i = 0; i < COUNT_OF(seqs); i++) {
		whole[i] = text_at(s, seqs[i], &folded);
		assert_int_equal(folded, seqs[i]);
	}
	assert_string_not_equal(whole[1], whole[2]);
	must(past_checkpoints(s, &n, &err), &err);
	assert_int_equal(n, ROWS / CHECKPOINT_ROWS);
	for (size_t i = 0; i < COUNT_OF(seqs); i++) {
		_cleanup_(free_p) char *now = text_at(s, seqs[i], &folded);

		assert_string_equal(now, whole[i]);
		assert_in_range(folded, 0, CHECKPOINT_ROWS);
		free_p(&whole[i]);
	}
	must(past_checkpoints(s, &n, &err), &err);
	assert_int_equal(n, 0);
}

static void nothing_with_a_hole(void *arg)
{
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	struct store *s = arg;
	struct err err = { 0 };
	struct state state;
	int64_t folded, seq;
	size_t n;

	write_rows(s);
	before = text_at(s, 2100, &folded);
	must(past_checkpoints(s, &n, &err), &err);
	must(store_query(s, NULL, &err, "DELETE FROM ringdown.journal WHERE seq <= 1500", ""),
	     &err);
	assert_int_equal(past_state(s, 1400, &state, &folded, &err), ERR_NOT_FOUND);
	state_fini(&state);
	assert_int_equal(past_state(s, 1700, &state, &folded, &err), ERR_NOT_FOUND);
	state_fini(&state);
	after = text_at(s, 2100, &folded);
	assert_string_equal(after, before);
	must(checkpoints_prune(s, &err), &err);
	after = (free_p(&after), text_at(s, 2100, &folded));
	assert_string_equal(after, before);
	must(journal_seq_at(s, INT64_C(4102444800000), &seq, &err), &err);
	assert_int_equal(seq, ROWS);
	must(journal_seq_at(s, 1000, &seq, &err), &err);
	assert_int_equal(seq, 0);
}

#define TEST(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		storetest_run(&st, name);                                                          \
	}
TEST(same_from_everywhere)
TEST(nothing_with_a_hole)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_from_everywhere),
		cmocka_unit_test(test_nothing_with_a_hole),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
