/*
 * sql: one statement with typed parameters, on a connection of its own that is closed
 * afterwards, so nothing of the session outlives the step.
 *
 * A read: the role may only select; a READ ONLY transaction whose first statement is an
 * empty query, after which PostgreSQL refuses to make it writable; a statement timeout; no
 * first words but those of queries; always rolled back. A superuser is refused, whatever
 * the statement. A change: a transaction, the number of rows compared with what is expected,
 * and anything else rolled back; a rehearsal is the same with ROLLBACK at the end. With
 * `tx: none` there is no transaction, no count that could be guarded and no rehearsal.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "core/pg.h"
#include "runbook/verbs.h"

enum { MAX_ROWS = 500, CONNECT_MS = 5000 };
#define MAX_BYTES ((size_t)2 << 20)

/* ---- what may be said ------------------------------------------------------------------ */

/* The first word, in lower case, behind spaces, comments and opening brackets. */
static void first_word(const char *p, char *word, size_t size)
{
	size_t n = 0;

	for (;;) {
		while (isspace((unsigned char)*p) || *p == '(')
			p++;
		if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			int depth = 0;

			do {
				bool in = p[0] == '/' && p[1] == '*',
					out = p[0] == '*' && p[1] == '/';

				depth += in - out;
				p += in || out ? 2 : 1;
			} while (*p && depth > 0);
		} else {
			break;
		}
	}
	while (isalpha((unsigned char)p[n]) && n + 1 < size) {
		word[n] = (char)tolower((unsigned char)p[n]);
		n++;
	}
	word[n] = '\0';
}

static void no_name(void *ctx, const char *name, bool quoted)
{
	(void)ctx;
	(void)name;
	(void)quoted;
}

int verb_sql_allowed(const char *text, bool read, struct err *err)
{
	static const char *const queries[] = { "select", "with", "values", "table", "show",
					       "explain" };
	/* ends or shapes the transaction, outlives the session, or hides what it does */
	static const char *const never[] = {
		"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release",
		"prepare", "execute", "deallocate", "set", "reset", "discard", "listen", "unlisten",
		"notify", "load", "copy", "do", "call", "declare", "fetch", "move", "close",
		"checkpoint", "lock",
	};
	size_t statements = 0;
	char word[32];

	bind_sql_scan(text, no_name, NULL, &statements);
	if (statements != 1)
		return err_set(err, ERR_DENIED, "%zu statements: a step has one", statements);
	first_word(text, word, sizeof(word));
	for (size_t i = 0; read && i < COUNT_OF(queries); i++)
		if (str_eq(word, queries[i]))
			return 0;
	if (read)
		return err_set(err, ERR_DENIED, "a read begins with SELECT, WITH, VALUES, TABLE,"
			       " SHOW or EXPLAIN; '%s' needs effect: change", word);
	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (str_eq(word, never[i]))
			return err_set(err, ERR_DENIED, "'%s' is not for runbooks: a change is one "
				       "INSERT, UPDATE, DELETE or statement of definition", word);
	return 0;
}

/* ---- parameters -------------------------------------------------------------------------- */

/* An element of a PostgreSQL array. */
static void add_element(struct str *b, const struct value *v)
{
	struct str t = STR_INIT(STR_MAX_DEFAULT);

	if (v->type == V_NULL) {
		str_add(b, "NULL");
		return;
	}
	if (v->type == V_TEXT)
		str_add(&t, v->text);
	else
		value_print(&t, v, 1000);
	str_addc(b, '"');
	for (const char *p = str_get(&t); *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(b, '\\');
		str_addc(b, *p);
	}
	str_addc(b, '"');
	str_fini(&t);
}

static void add_param(struct pg_params *p, const struct value *v, const char *type)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	char buf[TIME_TEXT];

	switch (v->type) {
	case V_NULL: break;
	case V_BOOL: str_add(&b, v->b ? "true" : "false"); break;
	case V_NUMBER: json_add_double(&b, v->n); break;
	case V_TEXT: str_add(&b, v->text); break;
	case V_DURATION: str_addf(&b, "%lld milliseconds", (long long)v->ms); break;
	case V_TIME: str_add(&b, format_time(buf, v->ms)); break;
	case V_MAP: value_json(&w, NULL, v); break;
	case V_LIST:
		str_addc(&b, '{');
		for (size_t i = 0; i < v->n_items; i++) {
			if (i)
				str_addc(&b, ',');
			add_element(&b, &v->items[i]);
		}
		str_addc(&b, '}');
		break;
	}
	/* a NULL takes the type of where it stands */
	pg_p_typed(p, v->type == V_NULL ? NULL : type, v->type == V_NULL ? NULL : str_get(&b));
	str_fini(&b);
}

static struct pg_params params_of(const struct bound_sql *b)
{
	struct pg_params p = PG_PARAMS;

	for (size_t i = 0; i < b->n; i++)
		add_param(&p, &b->values[i], b->types[i]);
	return p;
}

/* ---- results ------------------------------------------------------------------------------- */

static void set_cell(struct value *v, const struct pg_result *r, int row, int col)
{
	const char *text = pg_text(r, row, col);
	struct json *j;
	double n;

	if (pg_null(r, row, col))
		return;
	switch (pg_col_kind(r, col)) {
	case PG_BOOL: value_set_bool(v, pg_bool(r, row, col)); return;
	case PG_NUMBER: /* what a double cannot hold stays as it is written */
		if (parse_double(text, &n) && n > -9007199254740992.0 && n < 9007199254740992.0)
			value_set_number(v, n);
		else
			value_set_text(v, text);
		return;
	case PG_TIME:
		if (pg_time(r, row, col)) {
			v->type = V_TIME;
			v->ms = pg_time(r, row, col);
		} else {
			value_set_text(v, text);
		}
		return;
	case PG_JSON:
		j = json_parse(text, strlen(text), NULL);
		if (!j || value_from_json(v, j) < 0)
			value_set_text(v, text);
		json_free(j);
		return;
	case PG_TEXT: break;
	}
	value_set_text(v, text);
}

static void set_table(struct value *result, const struct pg_result *r, int64_t all)
{
	struct value *table = value_add(result, "table"), *cols;

	table->type = V_LIST;
	for (int i = 0; i < pg_rows(r); i++) {
		struct value *row = value_add(table, NULL);

		row->type = V_MAP;
		for (int k = 0; k < pg_cols(r); k++)
			set_cell(value_add(row, pg_col_name(r, k)), r, i, k);
	}
	cols = value_add(result, "columns");
	cols->type = V_LIST;
	for (int k = 0; k < pg_cols(r); k++)
		value_set_text(value_add(cols, NULL), pg_col_name(r, k));
	value_set_number(value_add(result, "total"), (double)all);
	if (all > pg_rows(r))
		value_set_bool(value_add(result, "capped"), true);
}

/* ---- one session ---------------------------------------------------------------- */

struct session {
	const struct verb_call *c;
	struct pg_pool *pool;
	struct pg_conn *conn;
	struct bound_sql sql;
	struct value *result;
};

static int connect_as(struct session *s, const char *url, bool read, struct err *err)
{
	struct pg_options o = {
		.url = url, .max_connections = 1, .connect_timeout_ms = CONNECT_MS,
		.statement_timeout_ms = s->c->timeout_ms > 0 ? s->c->timeout_ms : 30000,
		.application_name = "ringdown runbook", .read_only = read,
	};
	int e;

	if (str_empty(url))
		return err_set(err, ERR_DENIED, read ? "no database is configured for runbooks" :
			       "no database that runbooks may change is configured");
	s->pool = pg_pool_new(s->c->env->loop, &o);
	e = pg_acquire(s->pool, &s->conn, err);
	return e;
}

/* The connection is never used again: what the statement may have left goes with it. */
static void hang_up(struct session *s)
{
	if (s->conn) {
		pg_abort(s->conn);
		pg_release(s->conn);
	}
	pg_pool_free(s->pool);
	bound_sql_fini(&s->sql);
}

static int send(struct session *s, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct pg_params p = params_of(&s->sql);
	int64_t rows = 0;
	int e = pg_query_capped(s->conn, s->sql.text, &p, MAX_ROWS, MAX_BYTES, &r, &rows, err);

	if (e < 0)
		return e;
	if (pg_cols(r) > 0)
		set_table(s->result, r, rows);
	if (s->c->effect != EFFECT_READ)
		value_set_number(value_add(s->result, "affected"), (double)pg_affected(r));
	return 0;
}

static int refuse_superuser(struct session *s, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(s->conn, "SELECT rolsuper OR rolreplication OR rolbypassrls OR"
			 " pg_has_role(oid, 'pg_execute_server_program', 'MEMBER') OR"
			 " pg_has_role(oid, 'pg_write_server_files', 'MEMBER')"
			 " FROM pg_roles WHERE rolname = session_user", NULL, &r, err);

	if (e < 0)
		return e;
	if (pg_rows(r) == 1 && !pg_bool(r, 0, 0))
		return 0;
	return err_set(err, ERR_DENIED, "the database role of runbooks' reads may do too much: use "
		       "ringdown_runbook, which `ringdown migrate` makes");
}

static int read_only(struct session *s, struct err *err)
{
	int e = refuse_superuser(s, err);

	if (e == 0)
		e = pg_query(s->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, NULL,
			     err);
	/* after a first statement the transaction cannot be made writable any more */
	if (e == 0)
		e = pg_query(s->conn, "SELECT 1", NULL, NULL, err);
	if (e == 0)
		e = send(s, err);
	if (e == 0)
		pg_query(s->conn, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static int64_t affected_of(const struct session *s)
{
	const struct value *v = value_get(s->result, "affected");

	return v ? (int64_t)v->n : 0;
}

/* After the statement: COMMIT, or ROLLBACK when it is a rehearsal or the count is another. */
static int settle(struct session *s, struct err *err)
{
	int64_t n = affected_of(s), wanted = s->c->expect_affected;
	int e;

	if (!pg_in_transaction(s->conn))
		return err_set(err, ERR_DENIED, "the statement ended its transaction");
	if (s->c->rehearse || (wanted >= 0 && n != wanted)) {
		e = pg_query(s->conn, "ROLLBACK", NULL, NULL, err);
		if (s->c->rehearse || e < 0)
			return e;
		return err_set(err, ERR_CONFLICT, "%lld %s would have changed, %lld expected:"
						  " rolled back", (long long)n,
						  n == 1 ? "row" : "rows", (long long)wanted);
	}
	e = pg_query(s->conn, "COMMIT", NULL, NULL, err);
	if (e == ERR_UNREACHABLE || e == ERR_TIMEOUT || e == ERR_CANCELLED)
		return err_prefix(err, "it is not known whether this was committed");
	return e;
}

static int change(struct session *s, struct err *err)
{
	int e;

	if (str_eq(s->c->op->tx, "none") && s->c->rehearse) {
		value_set_bool(value_add(s->result, "rehearsed"), false);
		return 0;
	}
	if (str_eq(s->c->op->tx, "none"))
		return send(s, err);
	/* nobody queues behind a change that waits */
	e = pg_query(s->conn, "SET lock_timeout = '5s'", NULL, NULL, err);
	if (e == 0)
		e = pg_query(s->conn, "BEGIN", NULL, NULL, err);
	if (e == 0)
		e = send(s, err);
	if (s->c->rehearse)
		value_set_bool(value_add(s->result, "rehearsed"), true);
	return e < 0 ? e : settle(s, err);
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	struct session s = { .c = c, .result = result };
	bool ours = str_eq(c->op->db, "ringdown"), read = c->effect == EFFECT_READ;
	int64_t began = loop_now_ms(c->env->loop);
	int e = verb_sql_allowed(c->op->text, read, err);

	result->type = V_MAP;
	if (e == 0 && ours && !read)
		e = err_set(err, ERR_DENIED, "ringdown's own tables are changed by ringdown alone");
	if (e == 0 && c->effect == EFFECT_UNKNOWN)
		e = err_set(err, ERR_DENIED, "the effect of this step is not declared");
	if (e == 0)
		e = bind_sql(c->scope, c->op->text, &s.sql, err);
	for (size_t i = 0; e == 0 && i < s.sql.n; i++)
		if (s.sql.values[i].secret)
			e = err_set(err, ERR_DENIED, "a secret does not go into SQL");
	if (e == 0)
		e = connect_as(&s, ours ? c->env->ringdown_url : read ? c->env->app_url :
			       c->env->app_change_url, read, err);
	if (e == 0)
		e = read ? read_only(&s, err) : change(&s, err);
	hang_up(&s);
	verb_time(result, loop_now_ms(c->env->loop) - began);
	return e;
}

/* ---- for people ----------------------------------------------------------------- */

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct bound_sql b = { 0 };
	int e = bind_sql(c->scope, c->op->text, &b, err);

	if (e < 0)
		return e;
	verb_show(c, ret, b.text);
	for (size_t i = 0; i < b.n; i++) {
		struct str v = STR_INIT(2000);

		value_print(&v, &b.values[i], 300);
		str_addf(ret, "\n$%zu = ", i + 1);
		verb_show(c, ret, str_get(&v));
		str_addf(ret, " (%s)", b.types[i]);
		str_fini(&v);
	}
	bound_sql_fini(&b);
	return 0;
}

const struct verb verb_sql = { .describe = describe, .run = run };
