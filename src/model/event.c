/* Field tables of events, steps, tests and gates, and their nested JSON; see event.h. */
#include "model/event.h"

#include <string.h>

static const struct field step_fields[] = {
	FIELD(event_step, n, "n", "N", F_I64),
	FIELD(event_step, state, "state", "STATE", F_ENUM, .names = &step_state_names),
	FIELD(event_step, done, "done", "DONE", F_I64),
	FIELD(event_step, total, "total", "TOTAL", F_I64),
	FIELD(event_step, started_at_ms, "startedAt", "STARTED", F_TIME),
	FIELD(event_step, ended_at_ms, "endedAt", "ENDED", F_TIME),
	FIELD(event_step, error, "error", "ERROR", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(event_step_type, "step", event_step, step_fields);

static const struct field test_fields[] = {
	FIELD(event_test, at_ms, "at", "AT", F_TIME),
	FIELD(event_test, outcome, "outcome", "RESULT", F_ENUM, .names = &outcome_names),
	FIELD(event_test, detail, "detail", "DETAIL", F_STR, .flags = FF_OUTSIDE),
	FIELD(event_test, parts, "parts", "PARTS", F_JSON),
};
RECORD_TYPE(event_test_type, "test", event_test, test_fields);

static const struct field gate_fields[] = {
	FIELD(gate_result, gate, "gate", "GATE", F_ENUM, .names = &gate_names),
	FIELD(gate_result, pass, "pass", "OPEN", F_BOOL),
	FIELD(gate_result, why, "why", "WHY", F_STR, .flags = FF_OUTSIDE),
	FIELD(gate_result, overridable, "overridable", "OVERRIDE", F_BOOL),
	FIELD(gate_result, typed, "typed", "TYPED", F_BOOL, .flags = FF_DETAIL),
};
RECORD_TYPE(gate_result_type, "gate", gate_result, gate_fields);

static const struct field event_fields[] = {
	FIELD(event, id, "id", "EVENT", F_STR, .flags = FF_FILTER),
	FIELD(event, version, "version", "VERSION", F_I64, .flags = FF_DETAIL),
	FIELD(event, status, "status", "STATE", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &event_status_names),
	FIELD(event, severity, "severity", "SEVERITY", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &severity_names),
	FIELD(event, confirmed, "confirmed", "CONFIRMED", F_BOOL,
	      .help = "a second method or credential agrees"),
	FIELD(event, reopens, "reopens", "REOPENS", F_I64),
	FIELD(event, flapping, "flapping", "FLAPPING", F_BOOL),
	FIELD(event, trigger, "triggerType", "TRIGGER", F_ENUM, .names = &trigger_names),
	FIELD(event, rule, "rule", "RULE", F_I64, .help = "row of `ringdown rules`"),
	FIELD(event, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(event, cause, "cause", "CAUSE", F_STR, .flags = FF_OUTSIDE | FF_FILTER),
	FIELD(event, cause_key, "causeKey", "CAUSE KEY", F_STR, .flags = FF_DETAIL),
	FIELD(event, lineage, "lineage", "LINEAGE", F_STR, .flags = FF_FILTER),
	FIELD(event, from, "fromAccountId", "FROM", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(event, to, "toAccountId", "TO", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(event, opened_at_ms, "openedAt", "OPENED", F_TIME, .flags = FF_SORT),
	FIELD(event, state_since_ms, "stateSince", "SINCE", F_TIME, .flags = FF_SORT),
	FIELD(event, started_at_ms, "startedAt", "STARTED", F_TIME, .flags = FF_SORT),
	FIELD(event, window_ms, "windowMs", "WINDOW", F_DUR, .flags = FF_DETAIL),
	FIELD(event, extended_ms, "extendedMs", "EXTENDED", F_DUR, .flags = FF_DETAIL),
	FIELD(event, tested_failing_ms, "testedFailingMs", "FAILING", F_DUR),
	FIELD(event, deadline_at_ms, "deadlineAt", "DEADLINE", F_TIME),
	FIELD(event, last_test_at_ms, "lastTestAt", "TESTED", F_TIME, .flags = FF_DETAIL),
	FIELD(event, next_test_at_ms, "nextTestAt", "NEXT TEST", F_TIME, .flags = FF_DETAIL),
	FIELD(event, passes, "passes", "PASSES", F_I64, .flags = FF_DETAIL),
	FIELD(event, passes_needed, "passesNeeded", "NEEDED", F_I64, .flags = FF_DETAIL),
	FIELD(event, tests_passed, "testsPassed", "PASSED", F_I64, .flags = FF_DETAIL),
	FIELD(event, tests_failed, "testsFailed", "FAILED", F_I64, .flags = FF_DETAIL),
	FIELD(event, held_gate, "heldGate", "HELD BY", F_STR),
	FIELD(event, decided_at_ms, "decidedAt", "DECIDED", F_TIME),
	FIELD(event, decided_by, "decidedBy", "BY", F_STR, .flags = FF_OUTSIDE | FF_FILTER),
	FIELD(event, completed_at_ms, "completedAt", "COMPLETED", F_TIME),
	FIELD(event, rollback_until_ms, "rollbackUntil", "ROLL BACK UNTIL", F_TIME,
	      .flags = FF_DETAIL),
	FIELD(event, executed_by, "executedBy", "ENGINE", F_STR),
	FIELD(event, epoch, "epoch", "EPOCH", F_I64, .flags = FF_DETAIL),
	FIELD(event, plan_hash, "planHash", "PLAN", F_STR),
	FIELD(event, plan, "plan", "PLAN", F_JSON, .flags = FF_DETAIL),
	FIELD(event, overrides, "overrides", "OVERRIDES", F_JSON, .flags = FF_DETAIL),
	FIELD(event, error, "error", "ERROR", F_STR, .flags = FF_OUTSIDE),
	FIELD(event, agents_total, "agentsTotal", "AGENTS", F_I64),
	FIELD(event, agents_moved, "agentsMoved", "MOVED", F_I64),
	FIELD(event, agents_failed, "agentsFailed", "LEFT", F_I64),
	FIELD(event, acked_by, "ackedBy", "ACK", F_STR, .flags = FF_OUTSIDE),
	FIELD(event, acked_at_ms, "ackedAt", "ACK AT", F_TIME, .flags = FF_DETAIL),
	FIELD(event, partial, "partial", "PARTIAL", F_BOOL, .flags = FF_DETAIL),
	FIELD(event, drill, "drill", "DRILL", F_STR, .flags = FF_DETAIL),
};
RECORD_TYPE(event_type, "event", event, event_fields);

void gates_free(struct gate_result *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&gate_result_type, &g[i]);
	free_p(&g);
}

void event_fini(struct event *e)
{
	for (int i = 0; i < STEP_MAX; i++)
		record_fini(&event_step_type, &e->steps[i]);
	for (size_t i = 0; i < e->n_tests; i++)
		record_fini(&event_test_type, &e->tests[i]);
	free_p(&e->tests);
	gates_free(e->gates, e->n_gates);
	record_fini(&event_type, e);
}

void event_add_test(struct event *e, const struct event_test *t)
{
	if (e->n_tests == EVENT_TESTS_KEPT) {
		record_fini(&event_test_type, &e->tests[0]);
		memmove(&e->tests[0], &e->tests[1], (e->n_tests - 1) * sizeof(*e->tests));
		e->n_tests--;
	}
	if (!e->tests)
		e->tests = xcalloc(EVENT_TESTS_KEPT, sizeof(*e->tests));
	record_init(&event_test_type, &e->tests[e->n_tests]);
	record_copy(&event_test_type, &e->tests[e->n_tests++], t);
}

void event_set_gates(struct event *e, const struct gate_result *g, size_t n)
{
	struct gate_result *copy = n ? xcalloc(n, sizeof(*copy)) : NULL;

	for (size_t i = 0; i < n; i++)
		record_copy(&gate_result_type, &copy[i], &g[i]);
	gates_free(e->gates, e->n_gates);
	e->gates = copy;
	e->n_gates = n;
}

void event_copy(struct event *to, const struct event *from)
{
	if (to == from)
		return;
	record_copy(&event_type, to, from);
	for (int i = 0; i < STEP_MAX; i++)
		record_copy(&event_step_type, &to->steps[i], &from->steps[i]);
	for (size_t i = 0; i < to->n_tests; i++)
		record_fini(&event_test_type, &to->tests[i]);
	to->n_tests = 0;
	for (size_t i = 0; i < from->n_tests; i++)
		event_add_test(to, &from->tests[i]);
	event_set_gates(to, from->gates, from->n_gates);
}

bool event_has_steps(const struct event *e)
{
	return e->steps[STEP_LOCK].n == STEP_LOCK;
}

bool event_unconfirmed(const struct event *e)
{
	return e->severity == SEV_CRITICAL && !e->confirmed;
}

const struct gate_result *gates_shut(const struct gate_result *g, size_t n, unsigned overrides)
{
	const struct gate_result *first = NULL;

	for (size_t i = n; i-- > 0;)
		if (!g[i].pass && !(overrides >> g[i].gate & 1) &&
		    !(g[i].gate == GATE_EVIDENCE && first && first->gate == GATE_ISOLATION))
			first = &g[i];
	return first;
}

const struct gate_result *event_shut_gate(const struct event *e)
{
	return gates_shut(e->gates, e->n_gates, 0);
}

bool event_approves_itself(const struct event *e)
{
	return e->status == EV_PENDING && !event_unconfirmed(e) && !event_shut_gate(e);
}

/* ---- JSON -------------------------------------------------------------------- */

void gates_json(struct jw *w, const char *name, const struct gate_result *g, size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &gate_result_type, &g[i]);
	jw_arr_end(w);
}

void event_json(struct jw *w, const char *name, const struct event *e)
{
	jw_obj(w, name);
	record_members(w, &event_type, e);
	jw_arr(w, "steps");
	for (int i = 1; i < STEP_MAX && event_has_steps(e); i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", step_name(i));
		record_members(w, &event_step_type, &e->steps[i]);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "tests");
	for (size_t i = 0; i < e->n_tests; i++)
		record_json(w, NULL, &event_test_type, &e->tests[i]);
	jw_arr_end(w);
	jw_obj(w, "agents");
	jw_i64(w, "total", e->agents_total);
	jw_i64(w, "moved", e->agents_moved);
	jw_i64(w, "failed", e->agents_failed);
	jw_obj_end(w);
	gates_json(w, "gates", e->gates, e->n_gates);
	jw_obj_end(w);
}

static void read_steps(struct event *e, const struct json *list)
{
	for (const struct json *v = json_first(list); v; v = json_next(v)) {
		int64_t n = json_get_i64(v, "n", 0);

		if (n > STEP_NONE && n < STEP_MAX)
			record_from_json(&event_step_type, &e->steps[n], v, false, NULL);
	}
}

static void read_gates(struct event *e, const struct json *list)
{
	size_t n = json_count(list), i = 0;

	gates_free(e->gates, e->n_gates);
	e->gates = n ? xcalloc(n, sizeof(*e->gates)) : NULL;
	e->n_gates = n;
	for (const struct json *v = json_first(list); v; v = json_next(v))
		record_from_json(&gate_result_type, &e->gates[i++], v, false, NULL);
}

int event_from_json(struct event *e, const struct json *obj, struct err *err)
{
	const struct json *tests = json_get(obj, "tests");
	int r = record_from_json(&event_type, e, obj, false, err);

	if (r < 0)
		return r;
	if (json_get(obj, "steps"))
		read_steps(e, json_get(obj, "steps"));
	if (json_get(obj, "gates"))
		read_gates(e, json_get(obj, "gates"));
	for (size_t i = 0; tests && i < e->n_tests; i++)
		record_fini(&event_test_type, &e->tests[i]);
	if (tests)
		e->n_tests = 0;
	for (const struct json *v = json_first(tests); v; v = json_next(v)) {
		struct event_test t = { 0 };

		record_from_json(&event_test_type, &t, v, false, NULL);
		event_add_test(e, &t);
		record_fini(&event_test_type, &t);
	}
	return 0;
}
