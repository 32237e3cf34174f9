/* A directory of runbooks: what leaves it, what is there twice, what calls whom. And cases. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "runbook/cases.h"
#include "runbook/runbook.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rd-library-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	_cleanup_(free_p) char *cmd = xasprintf("rm -rf '%s'", dir);

	(void)state;
	return system(cmd);
}

static void put(const char *name, const char *text)
{
	_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void rb(const char *id, const char *steps)
{
	_cleanup_(free_p) char *name = xasprintf("%s.yaml", id);
	_cleanup_(free_p) char *text = xasprintf("ringdown: 1\nid: %s\ntitle: T\nphases:\n- phase:"
						 " p\n  steps:\n%s", id, steps);

	put(name, text);
}

static struct library *load(struct str *told)
{
	struct problems p = { 0 };
	struct err err = { 0 };
	struct library *l = library_load(dir, &p, &err);

	problems_print(told, &p);
	problems_fini(&p);
	return l;
}

static void leaves_the_directory(void **state)
{
	struct str told = STR_INIT(10000);
	_cleanup_(free_p) char *out = xasprintf("%s/out.yaml", dir);
	_cleanup_(free_p) char *loop = xasprintf("%s/loop.yaml", dir);
	_cleanup_(free_p) char *in = xasprintf("%s/in.yaml", dir);
	_cleanup_(free_p) char *sub = xasprintf("%s/sub.yaml", dir);

	(void)state;
	rb("good", "  - {note: x}\n");
	put(".hidden.yaml", "not read");
	put("good.cases.yaml", "not read");
	put("policy.yaml", "not read");
	assert_int_equal(symlink("/etc/hostname", out), 0);
	assert_int_equal(symlink("loop.yaml", loop), 0);
	assert_int_equal(symlink("good.yaml", in), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	struct library *l = load(&told);
	assert_non_null(l);
	assert_int_equal(library_count(l), 1);
	assert_non_null(strstr(str_get(&told), "out.yaml:1:1: the link leads out of the directory,"
					       " to /etc/hostname"));
	assert_non_null(strstr(str_get(&told), "loop.yaml:1:1: Too many levels of symbolic links"));
	assert_non_null(strstr(str_get(&told), "sub.yaml:1:1: not a file"));
	/* in.yaml is good.yaml again */
	assert_non_null(strstr(str_get(&told), "id 'good' is used by"));
	library_free(l);
	str_fini(&told);
}

static void calls(void **state)
{
	struct str told = STR_INIT(10000);

	(void)state;
	rb("a", "  - {call: b}\n");
	rb("b", "  - {note: x}\n  - {call: c}\n");
	rb("c", "  - decide: q\n    options:\n    - {pick: x, steps: [{call: a}]}\n");
	rb("self", "  - {call: self}\n");
	rb("user", "  - {call: a}\n");
	rb("typo", "  - {call: god}\n");
	rb("with", "  - {call: good, with: {nope: x}}\n");
	rb("fine", "  - {call: good}\n");
	struct library *l = load(&told);
	assert_non_null(strstr(str_get(&told), "runbooks call each other in a circle: a -> b -> c"
					       " -> a"));
	assert_non_null(strstr(str_get(&told), "runbooks call each other in a circle: self ->"
					       " self"));
	assert_non_null(strstr(str_get(&told), "user.yaml:7:5: no runbook 'a' to call, or it has"
					       " errors"));
	assert_non_null(strstr(str_get(&told), "no runbook 'god' to call, or it has errors; did you"
					       " mean 'good'?"));
	assert_non_null(strstr(str_get(&told), "runbook 'good' has no parameter 'nope'"));
	assert_null(library_find(l, "a"));
	assert_null(library_find(l, "user"));
	assert_non_null(library_find(l, "fine"));
	library_free(l);
	str_fini(&told);
	struct problems p = { 0 };
	struct err err = { 0 };
	assert_null(library_load("/nowhere/at/all", &p, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void play(const char *steps, const char *cases, struct cases_report *r, struct problems *p)
{
	_cleanup_(free_p) char *file = xasprintf("%s/case.cases.yaml", dir);
	_cleanup_(free_p) char *path = xasprintf("%s/case.yaml", dir);

	rb("case", steps);
	put("case.cases.yaml", cases);
	struct runbook *x = runbook_load(path, p);
	assert_non_null(x);
	cases_run(NULL, x, file, NULL, r, p);
	runbook_free(x);
}

#define CHANGE "  - {id: look, http: GET https://h/, expect: 200, save: {n: status}}\n"            \
	"  - id: change\n    effect: change\n    run: [set, '$n']\n    hold: held\n"               \
	"    undo: {run: [unset], release: held}\n"                                                \
	"  - id: what\n    decide: q\n    options:\n"                                              \
	"    - {pick: x, steps: [{id: in-x, ask: it}]}\n    - {pick: y}\n"

static void cases(void **state)
{
	struct cases_report r = { 0 };
	struct problems p = { 0 };

	(void)state;
	play(CHANGE, "cases:\n- name: good\n  results: {look: {status: 200}, change: {exit: 0}}\n "
	     " answers: {in-x: done}\n  picks: {what: x}\n  expect: {outcome: pass, path: [look,"
	     " change, what, in-x], undo: [change], holds: [held], bound: {change: set 200}}\n"
	     "- name: taken back\n  undo: true\n  results: {look: [{status: 503}], change: {exit:"
	     " 0}}\n  picks: {what: y}\n  expect: {outcome: fail, undo: [], holds: [], states:"
	     " {change: undone, in-x: not_applicable}}\n- name: wrong\n  results: {look: {status:"
	     " 200}, change: {exit: 1}}\n  picks: {what: y}\n  expect: {outcome: pass}\n"
	     "- name: too little\n  expect: {outcome: pass}\n", &r, &p);
	assert_int_equal(p.n_errors, 0);
	assert_int_equal(r.n, 4);
	for (size_t i = 0; i < 2; i++)
		if (r.v[i].why)
			fail_msg("%s: %s", r.v[i].name, r.v[i].why);
	assert_non_null(strstr(r.v[2].why, "outcome: fail, wanted pass"));
	assert_non_null(strstr(r.v[3].why, "results: nothing is given for step 'look'"));
	assert_int_equal(r.failed, 2);
	assert_int_equal(r.steps.n, 4);
	assert_int_equal(r.steps.hit, 4);
	assert_int_equal(r.branches.n, 2);
	assert_int_equal(r.branches.hit, 2);
	cases_report_fini(&r);
	play(CHANGE, "cases:\n- name: x\n  resluts: {}\n  answers: {nope: done}\n", &r, &p);
	assert_int_equal(p.n_errors, 2);
	assert_string_equal(p.v[0].text, "unknown key 'resluts' in a case, did you mean"
					 " 'results'?");
	assert_string_equal(p.v[1].text, "runbook case has no step 'nope'");
	problems_fini(&p);
	cases_report_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_the_directory), cmocka_unit_test(calls),
		cmocka_unit_test(cases),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
