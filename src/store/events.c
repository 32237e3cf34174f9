/*
 * Reading failover events; see events.h. Writing is in event_write.c.
 *
 * Invariant: whoever reads an event gets it whole, with steps, tests and gates from the
 * same place (the transaction, when there is one).
 */
#include "store/events.h"

#include <stdio.h>
#include <string.h>

#include "store/event_columns.h"
#include "store/internal.h"

void event_row_fini(struct event_row *r)
{
	event_fini(&r->e);
	free_p(&r->rollback_by);
	free_p(&r->cancel_requested_by);
	memset(r, 0, sizeof(*r));
}

void event_rows_free(struct event_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		event_row_fini(&rows[i]);
	free_p(&rows);
}

/* One text parameter or none, inside t or outside. */
static int read(struct store *s, struct tx *t, struct pg_result **ret, struct err *err,
		const char *sql, const char *a, const char *b)
{
	const char *fmt = b ? "tt" : a ? "t" : "";

	return t ? tx_query(t, ret, err, sql, fmt, a, b) : store_query(s, ret, err, sql, fmt, a, b);
}

static void rows_from(const struct pg_result *r, struct event_row **ret, size_t *ret_n)
{
	size_t n = (size_t)pg_rows(r);
	struct event_row *rows = xcalloc(n + 1, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		event_columns_read(r, (int)i, &rows[i]);
	*ret = rows;
	*ret_n = n;
}

static char *ids_json(const struct event_row *rows, size_t n)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jw_str(&w, NULL, rows[i].e.id);
	jw_arr_end(&w);
	return str_take(&b);
}

static struct event *find(struct event_row *rows, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].e.id, id))
			return &rows[i].e;
	return NULL;
}

static int add_steps(struct store *s, struct tx *t, struct event_row *rows, size_t n,
		     const char *ids, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = read(s, t, &r, err,
		     "SELECT event_id, n, state, done, total, started_at, ended_at, error"
		     " FROM ringdown.event_step"
		     " WHERE event_id IN (SELECT json_array_elements_text($1::json))", ids, NULL);

	for (int i = 0; e >= 0 && i < pg_rows(r); i++) {
		struct event *ev = find(rows, n, pg_text(r, i, 0));
		int64_t k = pg_i64(r, i, 1);
		struct event_step *st;

		if (!ev || k <= STEP_NONE || k >= STEP_MAX)
			continue;
		st = &ev->steps[k];
		st->n = k;
		st->state = enum_parse(&step_state_names, pg_text(r, i, 2));
		st->done = pg_i64(r, i, 3);
		st->total = pg_i64(r, i, 4);
		st->started_at_ms = pg_time(r, i, 5);
		st->ended_at_ms = pg_time(r, i, 6);
		str_replace(&st->error, pg_null(r, i, 7) ? NULL : pg_text(r, i, 7));
	}
	return e;
}

static int add_tests(struct store *s, struct tx *t, struct event_row *rows, size_t n,
		     const char *ids, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = read(s, t, &r, err,
		     "SELECT event_id, at, outcome, detail, parts FROM (SELECT *, row_number() OVER"
		     " (PARTITION BY event_id ORDER BY n DESC) AS k FROM ringdown.event_test"
		     " WHERE event_id IN (SELECT json_array_elements_text($1::json))) x"
		     " WHERE k <= 40 ORDER BY event_id, n", ids, NULL);

	for (int i = 0; e >= 0 && i < pg_rows(r); i++) {
		struct event *ev = find(rows, n, pg_text(r, i, 0));
		_cleanup_(free_p) char *detail = xstrdup(pg_text(r, i, 3));
		_cleanup_(free_p) char *parts = pg_null(r, i, 4) ? NULL : xstrdup(pg_text(r, i, 4));
		struct event_test test = { .at_ms = pg_time(r, i, 1),
					   .outcome = enum_parse(&outcome_names, pg_text(r, i, 2)),
					   .detail = detail, .parts = parts };

		if (ev)
			event_add_test(ev, &test);
	}
	return e;
}

static int add_rest(struct store *s, struct tx *t, struct event_row *rows, size_t n, bool tests,
		    struct err *err)
{
	_cleanup_(free_p) char *ids = ids_json(rows, n);
	int e = n ? add_steps(s, t, rows, n, ids, err) : 0;

	return e < 0 || !tests || n == 0 ? e : add_tests(s, t, rows, n, ids, err);
}

static int load(struct store *s, struct tx *t, const char *id, const char *lock,
		struct event_row *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str sql = STR_INIT(8192);
	struct event_row row = { 0 };
	int e;

	str_add(&sql, "SELECT ");
	event_columns_select(&sql);
	str_addf(&sql, " FROM ringdown.event e WHERE e.id = $1%s", lock);
	e = read(s, t, &r, err, str_get(&sql), id, NULL);
	str_fini(&sql);
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no event %s", id);
	event_columns_read(r, 0, &row);
	e = add_rest(s, t, &row, 1, true, err);
	if (e < 0) {
		event_row_fini(&row);
		return e;
	}
	event_row_fini(ret);
	*ret = row;
	return 0;
}

int event_load(struct store *s, struct tx *t, const char *id, struct event_row *ret,
	       struct err *err)
{
	return load(s, t, id, "", ret, err);
}

int event_lock(struct tx *t, const char *id, struct event_row *ret, struct err *err)
{
	/* not FOR UPDATE: rows that refer to the event may be added meanwhile */
	return load(t->store, t, id, " FOR NO KEY UPDATE", ret, err);
}

static int select_rows(struct store *s, const char *rest, const char *a, const char *b, bool tests,
		       struct event_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str sql = STR_INIT(16384);
	struct event_row *rows;
	size_t n;
	int e;

	str_add(&sql, "SELECT ");
	event_columns_select(&sql);
	str_addf(&sql, " FROM ringdown.event e %s", rest);
	e = read(s, NULL, &r, err, str_get(&sql), a, b);
	str_fini(&sql);
	if (e < 0)
		return e;
	rows_from(r, &rows, &n);
	e = add_rest(s, NULL, rows, n, tests, err);
	if (e < 0) {
		event_rows_free(rows, n);
		return e;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

/* What is not over or may be rolled back, and the last of each lineage, found lineage by lineage
 * on the index. */
int events_current(struct store *s, struct event_row **ret, size_t *ret_n, struct err *err)
{
	return select_rows(s,
			   "WHERE e.id IN (SELECT id FROM ringdown.event WHERE status IN ('held',"
			   " 'pending', 'approved', 'executing', 'failed', 'rolling_back',"
			   " 'completed') UNION ALL (WITH RECURSIVE l (lineage) AS ((SELECT"
			   " min(lineage) FROM ringdown.event) UNION ALL SELECT (SELECT"
			   " min(x.lineage) FROM ringdown.event x WHERE x.lineage > l.lineage)"
			   " FROM l WHERE l.lineage IS NOT NULL) SELECT (SELECT x.id FROM"
			   " ringdown.event x WHERE x.lineage = l.lineage ORDER BY x.opened_at"
			   " DESC, x.id DESC LIMIT 1) FROM l))"
			   " ORDER BY e.opened_at DESC, e.id DESC", NULL,
			   NULL,
			   false, ret, ret_n, err);
}

int events_in(struct store *s, unsigned states, char ***ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str words = STR_INIT(1024);
	size_t n;
	int e;

	for (int i = 0; i < EV_STATUS_MAX; i++)
		if (states >> i & 1)
			str_addf(&words, "%s%s", words.len ? "," : "", event_status_name(i));
	e = store_query(s, &r, err, "SELECT id FROM ringdown.event WHERE status ="
			" ANY(string_to_array($1, ',')) ORDER BY opened_at, id", "t",
			str_get(&words));
	str_fini(&words);
	if (e < 0)
		return e;
	n = (size_t)pg_rows(r);
	*ret = xcalloc(n + 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = xstrdup(pg_text(r, (int)i, 0));
	*ret_n = n;
	return 0;
}

/* The cursor is the last row's "opened_at id"; a malformed one reads as the end. */
int events_list(struct store *s, const struct events_filter *f, struct event_row **ret,
		size_t *ret_n, char **ret_cursor, struct err *err)
{
	int64_t limit = f->limit < 1 ? 50 : f->limit > 1000 ? 1000 : f->limit;
	_cleanup_(free_p) char *filter = NULL;
	struct str b = STR_INIT(4096), rest = STR_INIT(4096);
	struct jw w = JW(&b);
	int e;

	jw_obj(&w, NULL);
	jw_str(&w, "status", f->status);
	jw_str(&w, "account", f->account);
	jw_str(&w, "at", f->cursor);
	jw_obj_end(&w);
	filter = str_take(&b);
	str_addf(&rest,
		 "CROSS JOIN (SELECT $1::json AS j) p WHERE (p.j->>'status' IS NULL OR"
		 " e.status = ANY (string_to_array(replace(p.j->>'status', ' ', ''), ',')))"
		 " AND (p.j->>'account' IS NULL OR p.j->>'account' IN"
		 " (e.from_account, e.to_account, e.lineage))"
		 " AND (p.j->>'at' IS NULL OR (e.opened_at, e.id) <"
		 " (SELECT c.opened_at, c.id FROM ringdown.event c WHERE c.id = p.j->>'at'))"
		 " ORDER BY e.opened_at DESC, e.id DESC LIMIT %lld", (long long)limit + 1);
	e = select_rows(s, str_get(&rest), filter, NULL, true, ret, ret_n, err);
	str_fini(&rest);
	if (e < 0)
		return e;
	if (ret_cursor)
		*ret_cursor = NULL;
	if (*ret_n > (size_t)limit) {
		event_row_fini(&(*ret)[--*ret_n]);
		if (ret_cursor)
			*ret_cursor = xstrdup((*ret)[*ret_n - 1].e.id);
	}
	return 0;
}

void event_says(const struct event *e, int64_t now_ms, char *buf, size_t n)
{
	int64_t ago = (now_ms - e->state_since_ms) / 1000;
	const char *by = (e->status == EV_APPROVED || e->status == EV_REJECTED ||
			  e->status == EV_CANCELLED || e->status == EV_ACCEPTED) ?
				 e->decided_by :
				 NULL;

	snprintf(buf, n, "%s is %s%s%s since %lld s", e->id, event_status_name(e->status),
		 by ? " by " : "", by ? by : "", (long long)(ago > 0 ? ago : 0));
}
