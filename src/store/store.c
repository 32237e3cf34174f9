/*
 * The handle on the database: pool, options, single statements, and the facts behind
 * the `database` gate. Transactions are in tx.c.
 *
 * Nothing here connects by itself; an engine starts while PostgreSQL is away, and the
 * first query finds out. Values are bound by format letters, so a call reads as one line.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "store/internal.h"

struct store *store_open(struct loop *l, const struct store_options *o, struct err *err)
{
	struct store *s;
	struct pg_options po = {
		.url = o->url,
		.max_connections = o->max_connections ? o->max_connections : 8,
		.application_name = o->engine_id,
		.read_only = o->read_only,
		.need_read_write = !o->read_only,
	};

	if (str_empty(o->url)) {
		err_set(err, ERR_INVALID, "no database address");
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->timeout_ms = o->timeout_ms ? o->timeout_ms : 2000;
	po.connect_timeout_ms = s->timeout_ms;
	po.statement_timeout_ms = s->timeout_ms;
	s->url = xstrdup(o->url);
	s->engine_id = xstrdup(str_empty(o->engine_id) ? "ringdown" : o->engine_id);
	s->keys = o->keys;
	s->read_only = o->read_only;
	s->pool = pg_pool_new(l, &po);
	if (!s->pool) {
		err_set(err, ERR_INVALID, "the database address cannot be used");
		store_close(s);
		return NULL;
	}
	return s;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pg_pool_free(s->pool);
	secret_free(s->journal_key);
	free(s->url);
	free(s->engine_id);
	free(s);
}

int store_query(struct store *s, struct pg_result **ret, struct err *err, const char *sql,
		const char *fmt, ...)
{
	_cleanup_(pg_release_p) struct pg_conn *c = NULL;
	struct pg_params p = PG_PARAMS;
	va_list ap;
	int r;

	va_start(ap, fmt);
	pg_p_format(&p, fmt, ap);
	va_end(ap);
	r = pg_acquire(s->pool, &c, err);
	if (r < 0) {
		pg_params_fini(&p);
		return r;
	}
	return pg_query(c, sql, &p, ret, err);
}

/* Standbys without a synchronous one could lose a decision that was answered. */
static const char CHECK_SQL[] =
	"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
	" (SELECT count(*) FROM pg_stat_replication),"
	" (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),"
	" current_setting('synchronous_standby_names') <> '',"
	" current_setting('synchronous_commit') IN ('on', 'remote_apply')";

int store_check(struct store *s, bool quorum_durable, bool *ret_durable, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t standbys, synced;
	int e;

	*ret_durable = false;
	e = store_query(s, &r, err, CHECK_SQL, "");
	if (e < 0)
		return e;
	if (pg_bool(r, 0, 0))
		return err_set(err, ERR_DENIED, "the database is read-only (a standby?)");
	standbys = pg_i64(r, 0, 1);
	synced = pg_i64(r, 0, 2);
	/* Without the right to see sync_state, the setting has to do. */
	*ret_durable = quorum_durable || standbys == 0 ||
		       (pg_bool(r, 0, 3) && pg_bool(r, 0, 4) && synced > 0);
	return 0;
}

int store_next_id(struct tx *t, const char *sequence, const char *prefix, char **ret,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT nextval($1::text::regclass)", "t", sequence);

	if (e < 0)
		return e;
	*ret = xasprintf("%s%s", prefix, pg_text(r, 0, 0));
	return 0;
}

char *col_dup(const struct pg_result *r, int row, int col)
{
	return pg_null(r, row, col) ? NULL : xstrdup(pg_text(r, row, col));
}
