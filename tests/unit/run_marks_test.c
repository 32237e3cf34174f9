/* What of a run's document changed since somebody read it, and putting it together again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "api/run_marks.h"
#include "core/json.h"
#include "core/mem.h"

static void make(struct run_doc *d, const char *id, size_t n)
{
	run_doc_fini(d);
	d->run.id = xstrdup(id);
	d->steps = xcalloc(n, sizeof(*d->steps));
	d->n_steps = n;
	for (size_t i = 0; i < n; i++)
		d->steps[i].id = xasprintf("s%zu", i);
}

static void changes(void **state)
{
	struct run_marks *m = run_marks_new(1000);
	struct run_doc d = { 0 };
	bool changed[3], partial;
	int64_t first, second;

	(void)state;
	make(&d, "RUN-1", 3);
	first = run_marks_note(m, &d, 0, changed, &partial);
	assert_false(partial);
	assert_true(changed[0] && changed[1] && changed[2]);
	/* nothing is new */
	assert_int_equal(run_marks_note(m, &d, first, changed, &partial), first);
	assert_true(partial);
	assert_false(changed[0] || changed[1] || changed[2]);
	/* one step is another, whatever the reason */
	str_replace(&d.steps[1].output, "so far");
	second = run_marks_note(m, &d, first, changed, &partial);
	assert_true(second > first && partial && changed[1]);
	assert_false(changed[0] || changed[2]);
	/* who read the second has it; who read the first still lacks it */
	run_marks_note(m, &d, second, changed, &partial);
	assert_true(partial && !changed[1]);
	run_marks_note(m, &d, first, changed, &partial);
	assert_true(partial && changed[1]);
	/* revisions of another engine, or of the future, are not known */
	run_marks_note(m, &d, 999, changed, &partial);
	assert_true(!partial && changed[0]);
	run_marks_note(m, &d, second + 1, changed, &partial);
	assert_true(!partial && changed[0]);
	/* another form of the same run is begun anew */
	make(&d, "RUN-1", 2);
	run_marks_note(m, &d, second, changed, &partial);
	assert_true(!partial && changed[1]);
	run_doc_fini(&d);
	run_marks_free(m);
}

/* More runs than are kept: the one that was read longest ago is forgotten. */
static void many_runs(void **state)
{
	struct run_marks *m = run_marks_new(0);
	struct run_doc d = { 0 };
	bool changed[1], partial;
	int64_t at;

	(void)state;
	make(&d, "RUN-0", 1);
	at = run_marks_note(m, &d, 0, changed, &partial);
	for (int i = 1; i <= 16; i++) {
		_cleanup_(free_p) char *id = xasprintf("RUN-%d", i);
		make(&d, id, 1);
		run_marks_note(m, &d, 0, changed, &partial);
	}
	make(&d, "RUN-0", 1);
	run_marks_note(m, &d, at, changed, &partial);
	assert_true(!partial && changed[0]);
	run_doc_fini(&d);
	run_marks_free(m);
}

static void merged(void **state)
{
	struct run_doc d = { 0 }, news = { 0 };

	(void)state;
	make(&d, "RUN-1", 4);
	str_replace(&d.steps[0].output, "kept");
	make(&news, "RUN-1", 2);
	news.run.version = 9;
	str_replace(&news.steps[0].id, "s1");
	str_replace(&news.steps[0].output, "new");
	str_replace(&news.steps[1].id, "s3");
	assert_true(run_doc_merge(&d, &news));
	assert_int_equal(d.n_steps, 4);
	assert_int_equal(d.run.version, 9);
	assert_string_equal(d.steps[0].output, "kept");
	assert_string_equal(d.steps[1].output, "new");
	assert_string_equal(d.steps[2].id, "s2");
	/* a step that is not there, or out of order: not of this document */
	make(&news, "RUN-1", 1);
	str_replace(&news.steps[0].id, "other");
	assert_false(run_doc_merge(&d, &news));
	run_doc_fini(&news);
	/* none changed */
	make(&news, "RUN-1", 0);
	assert_true(run_doc_merge(&d, &news));
	assert_int_equal(d.n_steps, 4);
	run_doc_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(changes), cmocka_unit_test(many_runs),
					    cmocka_unit_test(merged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
