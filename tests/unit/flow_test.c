/* The machine of a run, played by script: results and orders in, states and waits out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "runbook/flow.h"

enum { T0 = 1000000000 };

struct play {
	struct runbook *rb;
	struct flow *f;
	int64_t now;
	struct run_entry log[400];
	size_t n;
	struct { const char *id, *json; } results[20];	/* the newest of an id counts */
	size_t n_results;
	char ran[2000];			/* ids as they acted, "-id" for an undo */
	struct err err;
};

static void put(struct play *p, int kind, const char *step, const char *by, const char *data)
{
	struct run_entry *e = &p->log[p->n++];

	*e = (struct run_entry){ (int64_t)p->n, p->now, kind, xstrdup(step), xstrdup(by),
				 xstrdup(data) };
	if (flow_apply(p->f, e, &p->err) < 0)
		fail_msg("entry %s: %s", enum_name(&run_entry_names, kind), p->err.msg);
}

static void result(struct play *p, const char *id, const char *json)
{
	p->results[p->n_results].id = id;
	p->results[p->n_results++].json = json;
}

static const char *result_of(const struct play *p, const char *id)
{
	const char *ret = "{\"exit\":0,\"affected\":1,\"status\":200}";

	for (size_t i = 0; i < p->n_results; i++)
		if (strcmp(p->results[i].id, id) == 0)
			ret = p->results[i].json;
	return ret;
}

static enum run_outcome judge(struct play *p, const struct step *s, struct str *ret, bool preview)
{
	const char *text = result_of(p, s->id);
	_cleanup_(json_free_p) struct json *j = json_parse(text, strlen(text), NULL), *out = NULL;
	struct value v = { 0 };
	enum run_outcome o = RO_NONE;

	value_from_json(&v, j);
	if (preview)
		flow_judge_preview(p->f, s, &v, -1, NULL, ret);
	else
		flow_judge(p->f, s, &v, NULL, ret);
	value_fini(&v);
	out = json_parse(str_get(ret), ret->len, NULL);
	assert_non_null(out);
	while (o < RO_ERROR && !str_eq(run_outcome_name(o), json_get_str(out, "outcome")))
		o++;
	return o;
}

static void act(struct play *p, const struct todo *t)
{
	struct str data = STR_INIT(1 << 20);

	if (t->dry) {
		flow_judge_dry(p->f, t->step, "would", "back", NULL, &data);
		put(p, RE_BEGIN, t->step->id, "engine", NULL);
		put(p, RE_END, t->step->id, "engine", str_get(&data));
	} else if (t->kind == TODO_PREVIEW) {
		judge(p, t->step, &data, true);
		put(p, RE_PREVIEW, t->step->id, "engine", str_get(&data));
	} else {
		bool undo = t->kind == TODO_UNDO;

		snprintf(p->ran + strlen(p->ran), sizeof(p->ran) - strlen(p->ran), "%s%s ",
			 undo ? "-" : "", t->step->id);
		put(p, undo ? RE_UNDO_BEGIN : RE_BEGIN, t->step->id, "engine", NULL);
		judge(p, t->step, &data, false);
		put(p, undo ? RE_UNDO_END : RE_END, t->step->id, "engine", str_get(&data));
	}
	str_fini(&data);
}

static void check_gate(struct play *p, const struct step *gate)
{
	struct str data = STR_INIT(1000);
	enum run_outcome worst = RO_NONE;
	const struct step *s;

	for (size_t i = 0; (s = flow_gate_check(p->f, gate, i)); i++) {
		struct str judged = STR_INIT(1 << 20);
		enum run_outcome o = judge(p, s, &judged, false);

		worst = o > worst ? o : worst;
		str_fini(&judged);
	}
	flow_gate(worst, NULL, &data);
	put(p, RE_GATE, gate->id, "engine", str_get(&data));
	str_fini(&data);
}

/* Until a person is wanted, it is over, or (with wait false) time must pass. */
static void pump(struct play *p, bool wait)
{
	struct todo t;

	for (int i = 0; i < 300; i++) {
		flow_next(p->f, p->now, &t);
		switch (t.kind) {
		case TODO_NOTHING:
			return;
		case TODO_WAIT:
			if (!wait)
				return;
			p->now = t.until_ms;
			break;
		case TODO_PREVIEW:
		case TODO_RUN:
		case TODO_UNDO:
			act(p, &t);
			break;
		case TODO_GATE:
			check_gate(p, t.step);
			break;
		case TODO_LATE:
			put(p, RE_LATE, t.phase, "engine", NULL);
			break;
		case TODO_FINISH:
			put(p, RE_FINISH, NULL, "engine", NULL);
			break;
		}
	}
	fail_msg("it goes on for ever");
}

static int order_as(struct play *p, const char *by, int role, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int order_as(struct play *p, const char *by, int role, const char *fmt, ...)
{
	va_list ap;
	struct run_entry e = { 0 };

	va_start(ap, fmt);
	_cleanup_(free_p) char *body = xvasprintf(fmt, ap);
	va_end(ap);
	_cleanup_(free_p) char *text = strstr(body, "\"version\"") ?
		xasprintf("{%s}", body) : xasprintf("{%s,\"version\":%lld}", body,
						    (long long)flow_version(p->f));
	_cleanup_(json_free_p) struct json *j = json_parse(text, strlen(text), NULL);
	assert_non_null(j);
	p->err = (struct err){ 0 };
	int r = flow_order(p->f, j, by, role, p->now, &e, &p->err);
	if (r < 0)
		return r;
	assert_int_equal(e.n, flow_version(p->f) + 1);
	put(p, e.kind, e.step, e.by, e.data);
	run_entry_fini(&e);
	pump(p, false);
	return 0;
}
#define ORDER(...) do { if (order_as(&p, "jane", PR_OPERATOR, __VA_ARGS__) < 0) \
	fail_msg("order refused: %s", p.err.msg); } while (0)

static struct play start_with(const char *yaml, const char *started)
{
	struct play p = { .now = T0 };
	struct problems problems = { 0 };
	_cleanup_(free_p) char *text = xasprintf("ringdown: 1\nid: t\ntitle: T\nservice: s\n"
						 "severity: P1\n%s", yaml);

	p.rb = runbook_parse(text, strlen(text), "t.yaml", &problems);
	if (!p.rb) {
		struct str b = STR_INIT(10000);

		problems_print(&b, &problems);
		fail_msg("%s", str_get(&b));
	}
	problems_fini(&problems);
	p.f = flow_new(p.rb, NULL);
	put(&p, RE_STARTED, NULL, "jane", started);
	return p;
}
#define START(yaml) start_with(yaml, "{\"id\":\"RUN-1\"}")

/* Replayed from its entries the state is the same. */
static void finish(struct play *p)
{
	struct flow *again = flow_new(p->rb, NULL);
	struct run_doc a = { 0 }, b = { 0 };
	struct str x = STR_INIT(1 << 20), y = STR_INIT(1 << 20);
	struct jw w = JW(&x), v = JW(&y);

	for (size_t i = 0; i < p->n; i++)
		assert_int_equal(flow_apply(again, &p->log[i], NULL), 0);
	flow_doc(p->f, p->now, &a);
	flow_doc(again, p->now, &b);
	run_doc_json(&w, NULL, &a);
	run_doc_json(&v, NULL, &b);
	assert_string_equal(str_get(&x), str_get(&y));
	str_fini(&x);
	str_fini(&y);
	run_doc_fini(&a);
	run_doc_fini(&b);
	flow_free(again);
	flow_free(p->f);
	for (size_t i = 0; i < p->n; i++)
		run_entry_fini(&p->log[i]);
	runbook_free(p->rb);
}

static struct run_doc doc_of(struct play *p)
{
	struct run_doc d = { 0 };

	flow_doc(p->f, p->now, &d);
	return d;
}

static void waits(struct play *p, int kind, const char *step)
{
	struct run_doc d = doc_of(p);

	if (d.wait.kind != kind || !str_eq(d.wait.step, step))
		fail_msg("waits for %s at %s, not %s at %s",
			 enum_name(&run_wait_names, d.wait.kind), d.wait.step ? d.wait.step : "-",
			 enum_name(&run_wait_names, kind), step);
	run_doc_fini(&d);
}

static struct run_step step_of(struct play *p, const char *id)
{
	static struct run_doc d;
	static const struct run_step none;

	run_doc_fini(&d);
	flow_doc(p->f, p->now, &d);
	for (size_t i = 0; i < d.n_steps; i++)
		if (str_eq(d.steps[i].id, id))
			return d.steps[i];
	return none;
}

static void ends(struct play *p, int status, const char *outcome)
{
	struct run r = { 0 };

	flow_run(p->f, &r);
	assert_int_equal(r.status, status);
	assert_string_equal(r.outcome, outcome);
	record_fini(&run_type, &r);
}

/* ---- scripts ------------------------------------------------------------------------- */

static const char READS[] =
	"phases:\n- phase: look\n  steps:\n"
	"  - {id: a, run: [check], expect: {exit: 0}, save: {who: 'json:$.name'}}\n"
	"  - {id: b, run: [probe, $who], when: {who: ann}}\n"
	"  - {id: c, run: [other], when: {a: fail}}\n";

static void reads_flow(void **state)
{
	(void)state;
	struct play p = START(READS);

	result(&p, "a", "{\"exit\":0,\"json\":{\"name\":\"ann\"}}");
	pump(&p, false);
	assert_string_equal(p.ran, "a b ");
	assert_int_equal(step_of(&p, "c").state, RS_NOT_APPLICABLE);
	assert_int_equal(step_of(&p, "c").disposition, RDI_NOT_APPLICABLE);
	assert_string_equal(step_of(&p, "a").checks[0].actual, "0");
	ends(&p, RUN_DONE, "pass");
	finish(&p);
	p = START(READS);
	result(&p, "a", "{\"exit\":3,\"json\":{\"name\":\"bob\"}}");
	pump(&p, false);
	assert_string_equal(p.ran, "a c ");
	ends(&p, RUN_DONE, "fail");
	finish(&p);
}

static const char CHANGE[] =
	"params: {org: {type: string, pattern: '^org_', ask: at-use}}\n"
	"phases:\n- phase: act\n  steps:\n"
	"  - id: sw\n    effect: change\n    hold: sms-off\n"
	"    preview: {sql: 'SELECT x FROM t WHERE o = $org', save: {was: cell}}\n"
	"    sql: UPDATE t SET x = true WHERE o = $org\n"
	"    expect: {affected: 1}\n"
	"    undo: {sql: 'UPDATE t SET x = $was WHERE o = $org', release: sms-off}\n"
	"  - id: two\n    effect: change\n    run: [touch, y]\n    undo: {run: [rm, y]}\n"
	"  - {id: last, ask: All well?, answer: yesno, expect: 'yes'}\n";

/* Another value: what was rehearsed with the first is not what is confirmed. */
static void value_corrected(void **state)
{
	(void)state;
	struct play p = START(CHANGE);

	pump(&p, false);
	result(&p, "sw", "{\"affected\":1,\"table\":[{\"x\":false}]}");
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_1\"");
	waits(&p, RW_CONFIRM, "sw");
	result(&p, "sw", "{\"affected\":1,\"table\":[{\"x\":true}]}");
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_2\"");
	waits(&p, RW_CONFIRM, "sw");
	assert_non_null(strstr(step_of(&p, "sw").preview, "\"was\":true"));
	ORDER("\"action\":\"confirm\",\"step\":\"sw\"");
	waits(&p, RW_CONFIRM, "two");
	ORDER("\"action\":\"abort\",\"reason\":\"enough\"");
	finish(&p);
}

/* What the incident knows fills a message, no other step; a value of the run comes first. */
static void incident_knows(void **state)
{
	static const char yaml[] =
		"phases:\n- phase: tell\n  steps:\n"
		"  - {id: look, run: [look]}\n"
		"  - {id: m, say: notice, to: [slack], needs: [eta]}\n";
	struct flow_saying what;
	struct scope scope;

	(void)state;
	struct play p = start_with(yaml, "{\"id\":\"RUN-1\",\"incident\":\"INC-1\"}");
	const struct step *say = flow_step(p.f, "m"), *look = flow_step(p.f, "look");

	assert_false(flow_saying(p.f, &what));	/* no message is next */
	pump(&p, false);
	waits(&p, RW_PARAM, "m");
	assert_true(flow_saying(p.f, &what));
	assert_ptr_equal(what.step, say);
	assert_string_equal(what.incident, "INC-1");
	assert_true(what.wanting);
	put(&p, RE_PARAM, NULL, "engine", "{\"from\":\"incident\",\"facts\":{\"eta\":\"noon\","
					  "\"started\":\"03:12\"}}");
	waits(&p, RW_CONFIRM, "m");
	assert_true(flow_saying(p.f, &what) && !what.wanting);
	assert_string_equal(flow_fact(p.f, "eta"), "noon");
	flow_scope(p.f, say, &scope);
	assert_string_equal(scope.get(scope.ctx, "started")->text, "03:12");
	flow_scope(p.f, look, &scope);
	assert_null(scope.get(scope.ctx, "eta"));
	assert_null(strstr(scope.get(scope.ctx, "started")->text, "03:12"));
	/* an end that passed is none any more */
	put(&p, RE_PARAM, NULL, "engine", "{\"from\":\"incident\",\"facts\":{\"eta\":null}}");
	waits(&p, RW_PARAM, "m");
	ORDER("\"action\":\"param\",\"name\":\"eta\",\"value\":\"at one\"");
	put(&p, RE_PARAM, NULL, "engine", "{\"from\":\"incident\",\"facts\":{\"eta\":\"two\"}}");
	flow_scope(p.f, say, &scope);
	assert_string_equal(scope.get(scope.ctx, "eta")->text, "at one");
	ORDER("\"action\":\"confirm\",\"step\":\"m\"");
	assert_false(flow_saying(p.f, &what));
	finish(&p);
}

static void change_and_undo(void **state)
{
	(void)state;
	struct play p = START(CHANGE);

	pump(&p, false);
	waits(&p, RW_PARAM, "sw");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR,
		"\"action\":\"param\",\"name\":\"org\",\"value\":\"x\""), ERR_INVALID);
	assert_string_equal(p.err.field, "org");
	result(&p, "sw", "{\"affected\":1,\"table\":[{\"x\":false}]}");
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_1\"");
	waits(&p, RW_CONFIRM, "sw");
	assert_non_null(strstr(step_of(&p, "sw").preview, "\"was\":false"));
	ORDER("\"action\":\"confirm\",\"step\":\"sw\"");
	waits(&p, RW_CONFIRM, "two");
	ORDER("\"action\":\"confirm\"");
	waits(&p, RW_ANSWER, "last");
	struct run_doc d = doc_of(&p);
	assert_int_equal(d.n_holds, 1);
	assert_string_equal(d.holds[0].name, "sms-off");
	assert_int_equal(d.n_undo, 2);
	assert_string_equal(d.undo[0], "two");
	run_doc_fini(&d);
	/* the last one first */
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"undo\",\"step\":\"sw\""),
			 ERR_CONFLICT);
	ORDER("\"action\":\"undo\",\"step\":\"two\"");
	ORDER("\"action\":\"undo\"");
	assert_string_equal(p.ran, "sw two -two -sw ");
	assert_int_equal(step_of(&p, "sw").state, RS_UNDONE);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"undo\""), ERR_CONFLICT);
	ORDER("\"action\":\"answer\",\"answer\":\"yes\"");
	d = doc_of(&p);
	assert_int_equal(d.n_holds, 0);
	run_doc_fini(&d);
	ends(&p, RUN_DONE, "pass");
	finish(&p);
}

static const char DESTROY[] =
	"phases:\n- phase: act\n  steps:\n"
	"  - {id: wipe, effect: destroy, run: [wipe], confirm: {type: wipe it all, second: true},"
	" undo: none, why: gone is gone}\n";

static void destroy_needs_two(void **state)
{
	(void)state;
	struct play p = START(DESTROY);

	pump(&p, false);
	waits(&p, RW_CONFIRM, "wipe");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"confirm\""), ERR_INVALID);
	assert_string_equal(p.err.field, "phrase");
	assert_int_equal(order_as(&p, "eve", PR_VIEWER,
		"\"action\":\"confirm\",\"phrase\":\"wipe it all\""), ERR_DENIED);
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR,
		"\"action\":\"confirm\",\"phrase\":\"wipe it all\""), ERR_CONFLICT);
	ORDER("\"action\":\"confirm\",\"phrase\":\"wipe it all\"");
	waits(&p, RW_SECOND, "wipe");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR,
		"\"action\":\"confirm\",\"second\":true,\"phrase\":\"wipe it all\""), ERR_DENIED);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"confirm\",\"phrase\":"
		"\"wipe it all\",\"breakGlass\":true,\"reason\":\"alone\""), ERR_DENIED);
	assert_int_equal(order_as(&p, "jane", PR_ADMIN, "\"action\":\"confirm\",\"phrase\":"
		"\"wipe it all\",\"breakGlass\":true"), ERR_INVALID);
	assert_string_equal(p.ran, "");
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"confirm\",\"second\":true,"
		"\"phrase\":\"wipe it all\""), 0);
	assert_string_equal(p.ran, "wipe ");
	ends(&p, RUN_DONE, "pass");
	finish(&p);
}

/* An order on what has changed meanwhile does nothing and says why. */
static void old_orders_lose(void **state)
{
	(void)state;
	struct play p = START(CHANGE);
	int64_t seen;

	pump(&p, false);
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_1\"");
	seen = flow_version(p.f);
	ORDER("\"action\":\"note\",\"text\":\"looking\"");
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"take\""), 0);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR,
				  "\"action\":\"confirm\",\"version\":%lld", (long long)seen),
				  ERR_CONFLICT);
	assert_non_null(strstr(p.err.msg, "ben drives"));
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"confirm\",\"version\":%lld",
				  (long long)seen), 0);
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"confirm\",\"version\":%lld",
				  (long long)seen), ERR_CONFLICT);
	waits(&p, RW_CONFIRM, "two");
	assert_string_equal(p.ran, "sw ");
	finish(&p);
}

static const char DECIDE[] =
	"tables: {codes: [{code: '1', retry: true}, {code: '2', retry: false}]}\n"
	"phases:\n- phase: look\n  steps:\n"
	"  - {id: mix, run: [mix], save: {n: 'json:$.n'}, explain: {code: codes}}\n"
	"  - id: cause\n    decide: Which?\n    options:\n"
	"    - {pick: x, label: none, likely_when: {n: 0}, steps: [{id: x1, ask: Do x}]}\n"
	"    - {pick: y, label: some, likely_when: {any: [{mix: fail}, {n: {gt: 5}}]},"
	" steps: [{id: y1, run: [y]}]}\n"
	"  - {id: after, needs: [y1], run: [z]}\n";

static void decisions(void **state)
{
	(void)state;
	struct play p = START(DECIDE);

	result(&p, "mix", "{\"exit\":0,\"json\":{\"n\":7},\"table\":[{\"code\":\"1\"}]}");
	pump(&p, false);
	waits(&p, RW_PICK, "cause");
	assert_string_equal(step_of(&p, "cause").suggestion, "y");
	assert_non_null(strstr(step_of(&p, "cause").evidence, "n is 7"));
	assert_string_equal(step_of(&p, "mix").explain, "{\"code\":{\"1\":\"retry: yes\"}}");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"jump\",\"step\":\"y1\""),
			 ERR_CONFLICT);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"pick\",\"pick\":\"q\""),
			 ERR_INVALID);
	ORDER("\"action\":\"pick\",\"pick\":\"y\"");
	assert_string_equal(p.ran, "mix y1 after ");
	assert_int_equal(step_of(&p, "x1").state, RS_NOT_APPLICABLE);
	ends(&p, RUN_DONE, "pass");
	finish(&p);
}

/* Told again from the decision on: the other branch. */
static void jump_back(void **state)
{
	(void)state;
	struct play p = START(DECIDE);

	result(&p, "mix", "{\"exit\":0,\"json\":{\"n\":7}}");
	pump(&p, false);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR,
				  "\"action\":\"jump\",\"step\":\"after\""), ERR_CONFLICT);
	ORDER("\"action\":\"pick\",\"pick\":\"x\"");
	waits(&p, RW_ANSWER, "x1");
	ORDER("\"action\":\"jump\",\"step\":\"mix\"");
	waits(&p, RW_PICK, "cause");
	assert_string_equal(p.ran, "mix mix ");
	finish(&p);
}

static const char GATES[] =
	"phases:\n- phase: w\n  box: 0m..30m\n  steps:\n"
	"  - {id: hold, gate: {time: 24h}}\n"
	"  - {id: ok, run: [check], expect: {exit: 0}}\n"
	"  - {id: back, gate: {until: ok, every: 1m, max: 5m}}\n";

static void gates(void **state)
{
	(void)state;
	struct play p = START(GATES);
	struct todo t;

	pump(&p, false);
	waits(&p, RW_GATE, "hold");
	flow_next(p.f, p.now, &t);
	assert_int_equal(t.kind, TODO_WAIT);
	assert_int_equal(t.until_ms, T0 + 30 * 60000);	/* the box ends first */
	p.now = t.until_ms;
	pump(&p, false);
	struct run_doc d = doc_of(&p);
	assert_true(d.phases[0].late);
	assert_int_equal(d.wait.until_ms, T0 + 24 * 3600000);
	run_doc_fini(&d);
	p.now = T0 + 24 * 3600000 - 1;
	pump(&p, false);
	waits(&p, RW_GATE, "hold");
	result(&p, "ok", "{\"exit\":1}");
	p.now++;
	pump(&p, false);
	waits(&p, RW_GATE, "back");
	p.now += 60000;
	result(&p, "ok", "{\"exit\":0}");
	pump(&p, false);
	ends(&p, RUN_DONE, "pass");	/* what failed first passes now */
	finish(&p);
	p = START(GATES);
	result(&p, "ok", "{\"exit\":1}");
	pump(&p, true);
	assert_int_equal(p.now, T0 + 24 * 3600000 + 5 * 60000);
	ends(&p, RUN_FAILED, "fail");
	finish(&p);
}

static const char APPROVAL[] =
	"phases:\n- phase: w\n  steps:\n"
	"  - {id: api, run: [check], expect: {exit: 0}}\n"
	"  - {id: window, gate: {approval: operator, window: 10m, at_end: %s,"
	" recheck: {every: 30s, steps: [api], if_pass: cancel}}}\n"
	"  - {id: then, run: [act]}\n";

static void approvals(void **state)
{
	(void)state;
	_cleanup_(free_p) char *stop = xasprintf(APPROVAL, "stop"), *go = xasprintf(APPROVAL, "go");
	struct play p = START(stop);

	result(&p, "api", "{\"exit\":1}");
	pump(&p, false);
	waits(&p, RW_APPROVAL, "window");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"approve\""), ERR_DENIED);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR,
		"\"action\":\"jump\",\"step\":\"then\""), ERR_CONFLICT);
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"approve\""), 0);
	assert_string_equal(p.ran, "api then ");
	finish(&p);
	p = START(stop);				/* nobody comes */
	result(&p, "api", "{\"exit\":1}");
	pump(&p, true);
	assert_int_equal(p.now, T0 + 600000);
	assert_string_equal(p.ran, "api ");
	ends(&p, RUN_FAILED, "fail");
	finish(&p);
	p = START(go);
	result(&p, "api", "{\"exit\":1}");
	pump(&p, true);
	assert_string_equal(p.ran, "api then ");
	finish(&p);
	p = START(go);					/* it heals in the window */
	result(&p, "api", "{\"exit\":1}");
	pump(&p, false);
	p.now += 30000;
	result(&p, "api", "{\"exit\":0}");
	pump(&p, true);
	assert_string_equal(p.ran, "api ");
	ends(&p, RUN_DONE, "pass");
	finish(&p);
	p = START(go);					/* a pause stops the window's clock */
	result(&p, "api", "{\"exit\":1}");
	pump(&p, false);
	ORDER("\"action\":\"pause\"");
	p.now += 3600000;
	ORDER("\"action\":\"unpause\"");
	waits(&p, RW_APPROVAL, "window");
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR,
		"\"action\":\"reject\",\"reason\":\"no\""), 0);
	ends(&p, RUN_FAILED, "fail");
	finish(&p);
}

static const char FAILING[] =
	"phases:\n- phase: w\n  steps:\n"
	"  - {id: r, run: [flaky], expect: {exit: 0}, on_fail: ask, retry: {times: 2, every:"
	" 10s}}\n  - {id: s, effect: change, run: [must], on_fail: stop, undo: none, why: none}\n"
	"  - {id: o, optional: true, run: [maybe]}\n"
	"  - {id: e, run: [end]}\n";

static void failing(void **state)
{
	(void)state;
	struct play p = START(FAILING);
	struct todo t;

	result(&p, "r", "{\"exit\":1}");
	pump(&p, false);
	flow_next(p.f, p.now, &t);
	assert_int_equal(t.kind, TODO_WAIT);
	assert_int_equal(t.until_ms, T0 + 10000);
	pump(&p, true);
	assert_string_equal(p.ran, "r r r ");
	waits(&p, RW_FAILED, "r");
	assert_non_null(strstr(step_of(&p, "r").why, "exit"));
	ORDER("\"action\":\"go\"");
	result(&p, "s", "{\"exit\":1}");
	ORDER("\"action\":\"confirm\"");
	waits(&p, RW_FAILED, "s");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"go\""), ERR_CONFLICT);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"skip\""), ERR_INVALID);
	ORDER("\"action\":\"retry\"");
	waits(&p, RW_CONFIRM, "s");			/* asked anew */
	ORDER("\"action\":\"skip\",\"reason\":\"not here\"");
	waits(&p, RW_OPTIONAL, "o");
	ORDER("\"action\":\"skip\"");
	assert_int_equal(step_of(&p, "s").disposition, RDI_SKIPPED);
	assert_string_equal(p.ran, "r r r s e ");
	ends(&p, RUN_DONE, "fail");
	finish(&p);
}

static const char NEVER[] =
	"never: [{text: no keys during the outage, blocks: [credentials]}]\n"
	"phases:\n- phase: w\n  steps:\n"
	"  - {id: k, tags: [credentials], run: [newkey], effect: change, undo: none, why: none}\n"
	"  - {id: n, note: well}\n";

static void never_blocks(void **state)
{
	(void)state;
	struct play p = START(NEVER);

	pump(&p, false);
	waits(&p, RW_FAILED, "k");
	assert_int_equal(order_as(&p, "jane", PR_ADMIN, "\"action\":\"go\""), ERR_CONFLICT);
	assert_int_equal(order_as(&p, "jane", PR_ADMIN, "\"action\":\"confirm\""), ERR_CONFLICT);
	ORDER("\"action\":\"skip\",\"reason\":\"rule\"");
	assert_string_equal(p.ran, "");
	assert_int_equal(step_of(&p, "n").state, RS_DONE);
	finish(&p);
}

/* A begin without an end: never again by itself. */
static void lost_in_flight(void **state)
{
	(void)state;
	struct play p = START(CHANGE);
	struct todo t;
	bool undo;

	pump(&p, false);
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_1\"");
	put(&p, RE_CONFIRM, "sw", "jane", "{}");
	put(&p, RE_BEGIN, "sw", "engine", NULL);
	flow_next(p.f, p.now, &t);
	assert_int_equal(t.kind, TODO_NOTHING);
	assert_string_equal(flow_in_flight(p.f, &undo)->id, "sw");
	put(&p, RE_END, "sw", "engine", FLOW_LOST);
	waits(&p, RW_HAPPENED, "sw");
	assert_int_equal(step_of(&p, "sw").state, RS_UNKNOWN);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"retry\""), ERR_CONFLICT);
	ORDER("\"action\":\"happened\",\"happened\":false");
	waits(&p, RW_CONFIRM, "sw");
	put(&p, RE_CONFIRM, "sw", "jane", "{}");
	put(&p, RE_BEGIN, "sw", "engine", NULL);
	put(&p, RE_END, "sw", "engine", FLOW_LOST);
	ORDER("\"action\":\"happened\",\"happened\":true");
	waits(&p, RW_CONFIRM, "two");
	put(&p, RE_CONFIRM, "sw", "jane", "{\"undo\":true}");
	put(&p, RE_UNDO_BEGIN, "sw", "engine", NULL);
	put(&p, RE_UNDO_END, "sw", "engine", FLOW_LOST);
	waits(&p, RW_HAPPENED, "sw");
	ORDER("\"action\":\"happened\",\"happened\":false");
	assert_string_equal(step_of(&p, "sw").undo_state, "offered");
	assert_string_equal(p.ran, "");
	finish(&p);
}

static void dry_run(void **state)
{
	(void)state;
	struct play p = start_with(
		"phases:\n- phase: w\n  steps:\n"
		"  - {id: look, run: [look], save: {n: 'json:$.n'}}\n"
		"  - {id: make, effect: change, run: [make], save: {k: stdout}, undo: {run:"
		" [un]}}\n  - {id: use, run: [use, $k]}\n"
		"  - {id: q, ask: Well?}\n"
		"  - {id: d, decide: Which?, options: [{pick: a, steps: [{id: da, run: [a]}]},"
		" {pick: b, steps: [{id: db, run: [b]}]}]}\n",
		"{\"id\":\"RUN-1\",\"kind\":\"dry\"}");
	struct err missing = { .code = ERR_NOT_FOUND, .field = "k" };
	struct str data = STR_INIT(1 << 20);
	struct todo t;

	result(&p, "look", "{\"exit\":0,\"json\":{\"n\":1}}");
	for (flow_next(p.f, p.now, &t); t.step && !str_eq(t.step->id, "use");
	     flow_next(p.f, p.now, &t))
		act(&p, &t);
	flow_judge(p.f, t.step, NULL, &missing, &data);
	put(&p, RE_BEGIN, "use", "engine", NULL);
	put(&p, RE_END, "use", "engine", str_get(&data));
	str_fini(&data);
	pump(&p, false);
	assert_string_equal(p.ran, "look da db ");
	assert_string_equal(step_of(&p, "make").command, "would");
	assert_int_equal(step_of(&p, "make").disposition, RDI_DRY);
	assert_string_equal(step_of(&p, "make").outcome, "unknown");
	assert_string_equal(step_of(&p, "use").why, "unknown (needs make)");
	ends(&p, RUN_DONE, "unknown");
	finish(&p);
}

/* Never in an entry, masked in results; asked for again where the memory is gone. */
static void secrets(void **state)
{
	(void)state;
	struct play p = START("params: {key: {type: secret, ask: at-use}}\n"
			      "phases:\n- phase: w\n  steps:\n"
			      "  - {id: use, run: [t], env: {K: $key}}\n");
	_cleanup_(secret_free_p) struct secret *s = secret_new("hunter2-hunter2");

	pump(&p, false);
	waits(&p, RW_PARAM, "use");
	ORDER("\"action\":\"param\",\"name\":\"key\",\"value\":\"hunter2-hunter2\"");
	waits(&p, RW_PARAM, "use");
	result(&p, "use", "{\"exit\":0,\"stdout\":\"got hunter2-hunter2\"}");
	flow_secret(p.f, "key", s);
	pump(&p, false);
	assert_string_equal(p.ran, "use ");
	for (size_t i = 0; i < p.n; i++)
		assert_true(!p.log[i].data || !strstr(p.log[i].data, "hunter2"));
	assert_string_equal(step_of(&p, "use").output, "got ***");
	flow_free(p.f);
	for (size_t i = 0; i < p.n; i++)
		run_entry_fini(&p.log[i]);
	runbook_free(p.rb);
}

/* Done again after a jump: undone once, to what was before the first time. */
static void undone_once(void **state)
{
	(void)state;
	struct play p = START("phases:\n- phase: act\n  steps:\n"
			      "  - id: sw\n    effect: change\n"
			      "    preview: {sql: 'SELECT x FROM t', save: {was: cell}}\n"
			      "    sql: UPDATE t SET x = 5 WHERE y = 1\n    expect: {affected: 1}\n"
			      "    undo: {sql: 'UPDATE t SET x = $was WHERE y = 1'}\n"
			      "  - {id: last, ask: All well?, answer: yesno}\n");
	struct scope scope;
	struct run_doc d;

	result(&p, "sw", "{\"affected\":1,\"cell\":\"first\",\"table\":[{\"x\":\"first\"}]}");
	pump(&p, false);
	ORDER("\"action\":\"confirm\"");
	waits(&p, RW_ANSWER, "last");
	result(&p, "sw", "{\"affected\":1,\"cell\":\"5\",\"table\":[{\"x\":\"5\"}]}");
	ORDER("\"action\":\"jump\",\"step\":\"sw\",\"reason\":\"again\"");
	ORDER("\"action\":\"confirm\"");
	d = doc_of(&p);
	assert_int_equal(d.n_undo, 1);
	run_doc_fini(&d);
	flow_scope(p.f, flow_step(p.f, "sw"), &scope);
	assert_string_equal(scope.get(scope.ctx, "was")->text, "first");
	ORDER("\"action\":\"undo\"");
	assert_string_equal(p.ran, "sw sw -sw ");
	d = doc_of(&p);
	assert_int_equal(d.n_undo, 0);
	run_doc_fini(&d);
	finish(&p);
}

/* A secret that went with its engine is asked for before the undo that needs it. */
static void undo_wants_secret(void **state)
{
	(void)state;
	struct play p = START("params: {key: {type: secret, ask: at-use}}\n"
			      "phases:\n- phase: w\n  steps:\n"
			      "  - {id: sw, effect: change, run: [t], env: {K: $key},"
			      " undo: {run: [u], env: {K: $key}}}\n");
	_cleanup_(secret_free_p) struct secret *s = secret_new("hunter2-hunter2");
	struct flow *again;

	pump(&p, false);
	ORDER("\"action\":\"param\",\"name\":\"key\",\"value\":\"hunter2-hunter2\"");
	flow_secret(p.f, "key", s);
	pump(&p, false);
	ORDER("\"action\":\"confirm\"");
	assert_string_equal(p.ran, "sw ");
	/* another process */
	again = flow_new(p.rb, NULL);
	for (size_t i = 0; i < p.n; i++)
		assert_int_equal(flow_apply(again, &p.log[i], &p.err), 0);
	flow_free(p.f);
	p.f = again;
	ORDER("\"action\":\"undo\"");
	waits(&p, RW_PARAM, "sw");
	assert_string_equal(p.ran, "sw ");
	assert_string_equal(step_of(&p, "sw").undo_state, "ordered");
	/* it has not begun: the order is taken back, and given again */
	ORDER("\"action\":\"keep\"");
	pump(&p, false);
	assert_string_equal(p.ran, "sw ");
	assert_string_equal(step_of(&p, "sw").undo_state, "offered");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"keep\""), ERR_CONFLICT);
	ORDER("\"action\":\"undo\"");
	waits(&p, RW_PARAM, "sw");
	flow_secret(p.f, "key", s);
	pump(&p, false);
	assert_string_equal(p.ran, "sw -sw ");
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"keep\""), ERR_CONFLICT);
	flow_free(p.f);
	for (size_t i = 0; i < p.n; i++)
		run_entry_fini(&p.log[i]);
	runbook_free(p.rb);
}

/* Questions are read with their values, secrets aside. */
static void questions(void **state)
{
	(void)state;
	struct play p = START("params: {who: {type: string, ask: at-use}}\n"
			      "phases:\n- phase: w\n  steps:\n"
			      "  - {id: q, ask: 'Is $who there ($$5)?', items: [call $who]}\n");

	assert_string_equal(step_of(&p, "q").title, "Is $who there ($$5)?");
	pump(&p, false);
	waits(&p, RW_PARAM, "q");
	ORDER("\"action\":\"param\",\"name\":\"who\",\"value\":\"Anna\"");
	pump(&p, false);
	waits(&p, RW_ANSWER, "q");
	assert_string_equal(step_of(&p, "q").title, "Is Anna there ($5)?");
	assert_string_equal(step_of(&p, "q").items, "[\"call Anna\"]");
	finish(&p);
}

/* What the run found is offered, if the parameter would take it; limits are told as typed. */
static void offers(void **state)
{
	(void)state;
	struct play p = START("params:\n  org_id: {type: string, pattern: '^org_', ask: at-use}\n"
			      "  window: {type: duration, max: 24h, min: 5m, default: 1h}\n"
			      "phases:\n- phase: w\n  steps:\n"
			      "  - {id: by-org, sql: SELECT 1}\n"
			      "  - {id: use, run: [t, $org_id, $window]}\n");
	struct run_doc d;

	result(&p, "by-org", "{\"table\":[{\"orgId\":\"org_9\",\"n\":4},{\"orgId\":\"org_9\"},"
	       "{\"orgId\":\"oops\"},{\"orgId\":\"org_2\"}]}");
	pump(&p, false);
	waits(&p, RW_PARAM, "use");
	d = doc_of(&p);
	assert_string_equal(d.params[0].offers, "[{\"value\":\"org_9\",\"from\":\"found by"
			    " by-org\"},{\"value\":\"org_2\",\"from\":\"found by by-org\"}]");
	assert_string_equal(d.params[0].wants, "a text matching ^org_");
	assert_string_equal(d.params[1].max, "1d");
	assert_string_equal(d.params[1].min, "5m");
	assert_null(d.params[1].offers);
	run_doc_fini(&d);
	/* as the query has them, not by name */
	d = doc_of(&p);
	assert_non_null(strstr(d.steps[0].result, "{\"orgId\":\"org_9\",\"n\":4}"));
	run_doc_fini(&d);
	finish(&p);
}

static void pause_and_abort(void **state)
{
	(void)state;
	struct play p = START(CHANGE);

	pump(&p, false);
	ORDER("\"action\":\"param\",\"name\":\"org\",\"value\":\"org_1\"");
	ORDER("\"action\":\"confirm\"");
	assert_int_equal(order_as(&p, "ben", PR_OPERATOR, "\"action\":\"pause\""), 0);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"confirm\""), ERR_CONFLICT);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"abort\""), ERR_INVALID);
	ORDER("\"action\":\"abort\",\"reason\":\"wrong book\"");
	ends(&p, RUN_ABORTED, "pass");
	struct run_doc d = doc_of(&p);
	assert_int_equal(d.n_holds, 1);
	assert_int_equal(d.n_undo, 1);
	run_doc_fini(&d);
	assert_int_equal(order_as(&p, "jane", PR_OPERATOR, "\"action\":\"confirm\""), ERR_CONFLICT);
	ORDER("\"action\":\"undo\"");
	assert_string_equal(p.ran, "sw -sw ");
	finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_flow), cmocka_unit_test(value_corrected),
		cmocka_unit_test(incident_knows),
		cmocka_unit_test(change_and_undo),
		cmocka_unit_test(destroy_needs_two), cmocka_unit_test(old_orders_lose),
		cmocka_unit_test(decisions), cmocka_unit_test(jump_back), cmocka_unit_test(gates),
		cmocka_unit_test(approvals), cmocka_unit_test(failing),
		cmocka_unit_test(never_blocks), cmocka_unit_test(lost_in_flight),
		cmocka_unit_test(dry_run), cmocka_unit_test(secrets), cmocka_unit_test(offers),
		cmocka_unit_test(questions),
		cmocka_unit_test(undone_once), cmocka_unit_test(undo_wants_secret),
		cmocka_unit_test(pause_and_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
