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
	/* record by record it is the same, with blanks and odd names as well */
	assert_int_equal(state_load_text(&t, one.s, one.len, NULL), 0);
	str_clear(&two);
	state_json(&JW(&two), NULL, &t);
	assert_string_equal(one.s, two.s);
	assert_true(t.control.paused);
	assert_int_equal(t.events[0].steps[1].state, SS_DONE);
	str_fini(&one);
	str_fini(&two);
	state_fini(&s);
	state_fini(&t);
}

/* ---- live documents over random changes ------------------------------------------------- */

enum { WORLD = 12, STEPS = 2000 };

struct truth {			/* what the engine wants shown */
	struct state s;
	struct lineage_gates gates[WORLD];
	size_t n_gates;
	unsigned rng;
};

static unsigned pick(struct truth *t, unsigned n)
{
	t->rng = t->rng * 1103515245u + 12345u;
	return (t->rng >> 16) % n;
}

static void change_gate(struct truth *t)
{
	static const char *const texts[] = { "fine", "shut: \x80\xff odd", "a \"quoted\" why", "" };
	struct lineage_gates *g;
	size_t i;

	if (t->n_gates < WORLD && pick(t, 3) == 0) {
		g = &t->gates[t->n_gates];
		*g = (struct lineage_gates){ .lineage = xasprintf("p%u-%zu", pick(t, 1000),
			t->n_gates),
					     .n_gates = 1 + pick(t, GATE_MAX) };
		g->gates = xcalloc(g->n_gates, sizeof(*g->gates));
		for (i = 0; i < g->n_gates; i++)
			g->gates[i].gate = (int)i;
		t->n_gates++;
		return;
	}
	if (!t->n_gates)
		return;
	i = pick(t, (unsigned)t->n_gates);
	g = &t->gates[i];
	if (pick(t, 9) == 0) {
		free_p(&g->lineage);
		free_p(&g->target);
		gates_free(g->gates, g->n_gates);
		memmove(g, g + 1, (--t->n_gates - i) * sizeof(*g));
		return;
	}
	str_replace(&g->target, pick(t, 3) ? "b1" : NULL);
	i = pick(t, (unsigned)g->n_gates);
	g->gates[i].pass = pick(t, 2);
	str_replace(&g->gates[i].why, texts[pick(t, COUNT_OF(texts))]);
}

static void change_account(struct truth *t)
{
	struct state *s = &t->s;
	struct account *a;

	if (s->n_accounts < WORLD && pick(t, 3) == 0) {
		s->accounts = grow(s->accounts, &s->cap_accounts, s->n_accounts + 1,
				   sizeof(*s->accounts));
		a = &s->accounts[s->n_accounts];
		memset(a, 0, sizeof(*a));
		a->id = xasprintf("a%zu", s->n_accounts++);
	}
	if (!s->n_accounts)
		return;
	a = &s->accounts[pick(t, (unsigned)s->n_accounts)];
	a->failing = pick(t, 5);
	a->failure_rate = (double)pick(t, 1000) / 7;
	a->last_check_ms = 1700000000000 + pick(t, 100000);
	str_replace(&a->why, pick(t, 2) ? "calls 41% bad" : NULL);
	str_replace(&a->standby_problems, pick(t, 2) ? "[\"no numbers\"]" : "[]");
}

/* The next document against what the reader has, folded there; heap text, or NULL: none. */
static char *next_doc(struct truth *t, struct state *have)
{
	const struct account *list[WORLD];
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	size_t empty;

	for (size_t i = 0; i < t->s.n_accounts; i++)
		list[i] = &t->s.accounts[i];
	jw_obj(&w, NULL);
	empty = b.len;
	live_head(&w, have, &t->s);
	live_impact(&w, have, &t->s.impact);
	live_peers(&w, have, t->s.peers, t->s.n_peers);
	live_accounts(&w, have, list, t->s.n_accounts);
	live_gates(&w, have, t->gates, t->n_gates);
	if (b.len == empty) {
		str_fini(&b);
		return NULL;
	}
	jw_obj_end(&w);
	return str_take(&b);
}

static void fold_live(struct state *s, const char *text)
{
	struct json *j = parse(text);

	assert_int_equal(state_live(s, j, NULL), 0);
	json_free(j);
}

static void same_state(const struct state *a, const struct state *b)
{
	struct str one = STR_INIT(STR_MAX_DEFAULT), two = STR_INIT(STR_MAX_DEFAULT);

	state_json(&JW(&one), NULL, a);
	state_json(&JW(&two), NULL, b);
	assert_string_equal(one.s, two.s);
	str_fini(&one);
	str_fini(&two);
}

static void fresh(struct state *s, const struct state *from)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	state_json(&JW(&b), NULL, from);
	load(s, b.s);
	str_fini(&b);
}

/* One that has only the whole live document on top of something old. */
static void whole_is_enough(const struct state *hub, struct state *old)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	live_whole(&w, hub);
	jw_obj_end(&w);
	fold_live(old, b.s);
	same_state(hub, old);
	str_fini(&b);
}

static void journal(struct truth *t, struct state *hub, struct state *reader, struct state *old)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"seq\":%lld,\"data\":{\"account\":{\"id\":\"a%u\","
		 "\"failing\":%u}}}", (long long)hub->seq + 1, pick(t, 3), pick(t, 9));
	apply(hub, text);
	apply(reader, text);
	apply(old, text);
}

static void readers_have_what_the_engine_has(void **unused)
{
	struct truth t = { .rng = 11 };
	struct state hub, reader, old;
	size_t sent = 0, docs = 0;

	(void)unused;
	state_init(&t.s);
	state_init(&hub);
	state_init(&reader);
	state_init(&old);
	for (int i = 0; i < STEPS; i++) {
		_cleanup_(free_p) char *doc = NULL, *again = NULL;

		change_gate(&t);
		if (pick(&t, 2))
			change_account(&t);
		if (pick(&t, 5) == 0)
			t.s.impact.calls_ok = (double)pick(&t, 97) / 96;
		if (pick(&t, 9) == 0)
			str_replace(&t.s.leader, pick(&t, 2) ? "eng-1" : NULL);
		if (pick(&t, 6) == 0)
			journal(&t, &hub, &reader, &old);
		doc = next_doc(&t, &hub);
		if (doc) {
			fold_live(&hub, doc);
			fold_live(&reader, doc);
			sent += strlen(doc);
			docs++;
		}
		/* said once is enough */
		again = next_doc(&t, &hub);
		if (again)
			fail_msg("step %d: %s after %s", i, again, doc ? doc : "nothing");
		assert_int_equal(hub.n_gates, t.n_gates);
		for (size_t k = 0; k < t.n_gates; k++)
			assert_non_null(state_gates(&hub, t.gates[k].lineage));
		if (i % 50 == 0)
			fresh(&reader, &hub);
		if (i % 170 == 0)
			whole_is_enough(&hub, &old);
		same_state(&hub, &reader);
	}
	assert_true(docs > STEPS / 2 && sent / docs < 2000);
	for (size_t k = 0; k < t.n_gates; k++) {
		free_p(&t.gates[k].lineage);
		free_p(&t.gates[k].target);
		gates_free(t.gates[k].gates, t.gates[k].n_gates);
	}
	state_fini(&t.s);
	state_fini(&hub);
	state_fini(&reader);
	state_fini(&old);
}

static void text_is_a_snapshot_or_leaves_all_as_it_was(void **unused)
{
	static const char good[] = " { \"x\\u0041\" : [ 1 , \"a]b\\\"\" , { } , [ ] ] , \"seq\" : 7"
				   " , \"accounts\" : [ ] , \"holds\":[ {\"id\":\"h\"} ] } ";
	static const char *const bad[] = { "", "[]", "7", "{}", "{\"accounts\":[]}", "{\"seq\":1",
					   "{\"seq\":1}}", "{\"seq\":[1]}" };
	struct state s;

	(void)unused;
	state_init(&s);
	assert_int_equal(state_load_text(&s, good, strlen(good), NULL), 0);
	assert_int_equal(s.seq, 7);
	assert_int_equal(s.n_holds, 1);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (state_load_text(&s, bad[i], strlen(bad[i]), NULL) == 0)
			fail_msg("%s", bad[i]);
		assert_int_equal(s.seq, 7);
	}
	state_fini(&s);
}

/* A text that is freed on the way gives the same state as one that is kept, at any size. */
static void taken_text(void **unused)
{
	struct str text = STR_INIT(STR_MAX_DEFAULT), one = STR_INIT(STR_MAX_DEFAULT),
		   two = STR_INIT(STR_MAX_DEFAULT);
	struct state kept, taken;

	(void)unused;
	state_init(&kept);
	state_init(&taken);
	str_add(&text, "{\"seq\":9,\"accounts\":[");
	for (int i = 0; i < 2000; i++)
		str_addf(&text, "%s{\"id\":\"a%d\",\"name\":\"account %0150d of very many\"}",
			 i ? "," : "", i, i);
	str_add(&text, "],\"control\":{\"paused\":true}}");
	assert_true(text.len > 200000);
	assert_int_equal(state_load_text(&kept, text.s, text.len, NULL), 0);
	assert_int_equal(state_take_text(&taken, &text, NULL), 0);
	assert_null(text.s);
	assert_int_equal(taken.n_accounts, 2000);
	state_json(&JW(&one), NULL, &kept);
	state_json(&JW(&two), NULL, &taken);
	assert_string_equal(str_get(&one), str_get(&two));
	/* a broken one changes nothing and is gone, too */
	str_add(&text, "{\"seq\":10,\"accounts\":[{]}");
	assert_int_not_equal(state_take_text(&taken, &text, NULL), 0);
	assert_null(text.s);
	assert_int_not_equal(state_take_text(&taken, &text, NULL), 0);
	assert_int_equal(taken.seq, 9);
	str_fini(&one);
	str_fini(&two);
	state_fini(&kept);
	state_fini(&taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_text),
		cmocka_unit_test(snapshot_then_entries),
		cmocka_unit_test(holds_come_and_go),
		cmocka_unit_test(entries_are_capped_newest_first),
		cmocka_unit_test(snapshot_writes_what_it_reads),
		cmocka_unit_test(text_is_a_snapshot_or_leaves_all_as_it_was),
		cmocka_unit_test(readers_have_what_the_engine_has),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
