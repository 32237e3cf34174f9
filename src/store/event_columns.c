/*
 * The columns of ringdown.event, each once: how it is read from a result and how it goes
 * into the JSON document that inserts and updates populate a row from. Gates are a JSON
 * column too, but an array of records in memory, so they are handled apart.
 */
#include "store/event_columns.h"

#include <string.h>

#define COL(name_, kind_, m, flags_)                                                               \
	{ .name = name_, .kind = kind_, .offset = offsetof(struct event_row, m), .flags = flags_ }
#define WORD(name_, m, flags_, names_)                                                             \
	{ .name = name_, .kind = EC_ENUM, .offset = offsetof(struct event_row, m),                 \
	  .flags = flags_, .names = names_ }
#define D EC_DECIDING
#define W (EC_DECIDING | EC_WINDOW)

const struct event_column event_columns[] = {
	COL("id", EC_TEXT, e.id, 0),
	COL("version", EC_I64, e.version, 0),
	WORD("status", e.status, D, &event_status_names),
	WORD("severity", e.severity, D, &severity_names),
	COL("confirmed", EC_BOOL, e.confirmed, D),
	COL("reopens", EC_I64, e.reopens, D),
	COL("flapping", EC_BOOL, e.flapping, D),
	WORD("trigger_type", e.trigger, D, &trigger_names),
	COL("rule_id", EC_I64, e.rule, D),
	COL("reason", EC_TEXT, e.reason, D),
	COL("cause", EC_TEXT, e.cause, W),
	COL("cause_key", EC_TEXT, e.cause_key, D),
	COL("lineage", EC_TEXT, e.lineage, D),
	COL("from_account", EC_TEXT, e.from, D),
	COL("to_account", EC_TEXT, e.to, D),
	COL("opened_at", EC_TIME, e.opened_at_ms, D),
	COL("state_since", EC_TIME, e.state_since_ms, D),
	COL("started_at", EC_TIME, e.started_at_ms, D),
	COL("window_ms", EC_I64, e.window_ms, D),
	COL("extended_ms", EC_I64, e.extended_ms, D),
	COL("tested_failing_ms", EC_I64, e.tested_failing_ms, W),
	COL("deadline_at", EC_TIME, e.deadline_at_ms, W),
	COL("last_test_at", EC_TIME, e.last_test_at_ms, W),
	COL("next_test_at", EC_TIME, e.next_test_at_ms, W),
	COL("passes", EC_I64, e.passes, W),
	COL("passes_needed", EC_I64, e.passes_needed, D),
	COL("fails", EC_I64, fails, W),
	COL("tests_passed", EC_I64, e.tests_passed, W),
	COL("tests_failed", EC_I64, e.tests_failed, W),
	COL("held_gate", EC_TEXT, e.held_gate, D),
	COL("announced_at", EC_TIME, announced_at_ms, D),
	COL("realert_at", EC_TIME, realert_at_ms, D),
	COL("realerts", EC_I64, realerts, D),
	COL("untold_extended", EC_BOOL, untold_extended, D),
	COL("paged_flapping", EC_BOOL, paged_flapping, D),
	COL("decided_at", EC_TIME, e.decided_at_ms, D),
	COL("decided_by", EC_TEXT, e.decided_by, D),
	COL("completed_at", EC_TIME, e.completed_at_ms, D),
	COL("rollback_until", EC_TIME, e.rollback_until_ms, D),
	COL("rollback_started_at", EC_TIME, rollback_started_at_ms, D),
	COL("rollback_by", EC_TEXT, rollback_by, D),
	COL("executed_by", EC_TEXT, e.executed_by, D),
	COL("epoch", EC_I64, e.epoch, D),
	COL("overrides", EC_JSON, e.overrides, D),
	COL("partial", EC_BOOL, e.partial, D),
	COL("error", EC_TEXT, e.error, D),
	COL("drill", EC_TEXT, e.drill, D),
	/* written by plan_store and by the acting side */
	COL("plan_hash", EC_TEXT, e.plan_hash, 0),
	COL("plan", EC_JSON, e.plan, 0),
	COL("agents_total", EC_I64, e.agents_total, 0),
	COL("agents_moved", EC_I64, e.agents_moved, 0),
	COL("agents_failed", EC_I64, e.agents_failed, 0),
	COL("cancel_requested_by", EC_TEXT, cancel_requested_by, 0),
	COL("cancel_requested_at", EC_TIME, cancel_requested_at_ms, 0),
	COL("first_write_at", EC_TIME, first_write_at_ms, 0),
	COL("last_write_at", EC_TIME, last_write_at_ms, 0),
	COL("lock_expires_at", EC_TIME, lock_expires_at_ms, 0),
	COL("lock_renewals", EC_I64, lock_renewals, 0),
	COL("unlocked_at", EC_TIME, unlocked_at_ms, 0),
	COL("acked_by", EC_TEXT, e.acked_by, 0),
	COL("acked_at", EC_TIME, e.acked_at_ms, 0),
};
const size_t event_columns_n = COUNT_OF(event_columns);

void event_columns_select(struct str *sql)
{
	for (size_t i = 0; i < event_columns_n; i++)
		str_addf(sql, "%se.%s", i ? ", " : "", event_columns[i].name);
	str_add(sql, ", e.gates");
}

void event_columns_list(struct str *sql, unsigned flags)
{
	bool first = true;

	for (size_t i = 0; i < event_columns_n; i++) {
		if (!(event_columns[i].flags & flags))
			continue;
		str_addf(sql, "%s%s", first ? "" : ", ", event_columns[i].name);
		first = false;
	}
}

static void read_gates(const char *text, struct event *e)
{
	struct json *list = json_parse(text, strlen(text), NULL);
	size_t n = json_count(list), i = 0;

	gates_free(e->gates, e->n_gates);
	e->gates = n ? xcalloc(n, sizeof(*e->gates)) : NULL;
	e->n_gates = n;
	for (const struct json *v = json_first(list); v && i < n; v = json_next(v))
		record_from_json(&gate_result_type, &e->gates[i++], v, false, NULL);
	json_free(list);
}

void event_columns_read(const struct pg_result *r, int row, struct event_row *ret)
{
	for (size_t i = 0; i < event_columns_n; i++) {
		const struct event_column *c = &event_columns[i];
		void *at = (char *)ret + c->offset;
		int col = (int)i;

		switch (c->kind) {
		case EC_TEXT:
		case EC_JSON:
			*(char **)at = pg_null(r, row, col) ? NULL : xstrdup(pg_text(r, row, col));
			break;
		case EC_I64:
			*(int64_t *)at = pg_i64(r, row, col);
			break;
		case EC_BOOL:
			*(bool *)at = pg_bool(r, row, col);
			break;
		case EC_TIME:
			*(int64_t *)at = pg_time(r, row, col);
			break;
		case EC_ENUM: {
			int v = enum_parse(c->names, pg_text(r, row, col));

			*(int *)at = v < 0 ? 0 : v;
			break;
		}
		}
	}
	if (!pg_null(r, row, (int)event_columns_n))
		read_gates(pg_text(r, row, (int)event_columns_n), &ret->e);
}

void event_columns_json(struct str *out, const struct event_row *r)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	for (size_t i = 0; i < event_columns_n; i++) {
		const struct event_column *c = &event_columns[i];
		const void *at = (const char *)r + c->offset;

		if (c->kind == EC_TEXT)
			jw_str(&w, c->name, *(char *const *)at);
		else if (c->kind == EC_JSON)
			jw_raw(&w, c->name, *(char *const *)at);
		else if (c->kind == EC_I64)
			jw_i64(&w, c->name, *(const int64_t *)at);
		else if (c->kind == EC_BOOL)
			jw_bool(&w, c->name, *(const bool *)at);
		else if (c->kind == EC_TIME)
			jw_time(&w, c->name, *(const int64_t *)at);
		else
			jw_str(&w, c->name, enum_name(c->names, *(const int *)at));
	}
	if (r->e.n_gates)
		gates_json(&w, "gates", r->e.gates, r->e.n_gates);
	else
		jw_null(&w, "gates");
	jw_obj_end(&w);
}
