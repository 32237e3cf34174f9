/* See snapshot.h: one statement whose columns are JSON texts, passed on as they are. */
#include "read/snapshot.h"

#include <string.h>

#include "core/embed.h"
#include "core/mem.h"

EMBED(snapshot_sql, "src/read/snapshot.sql");

enum { RECENT_MS = 24 * 3600 * 1000 };

static const char *const parts[] = { "control", "accounts", "events", "entries", "holds",
				     "messages", "alerts", "peers", "runs", "incidents" };

void snapshot_head_fini(struct snapshot_head *h)
{
	str_replace(&h->environment, NULL);
	str_replace(&h->holder, NULL);
	str_replace(&h->live, NULL);
}

static char *text(const struct pg_result *r, const char *col)
{
	int i = pg_col(r, col);

	return i < 0 || pg_null(r, 0, i) ? NULL : xstrdup(pg_text(r, 0, i));
}

static void add_figures(struct jw *w, const char *json)
{
	struct json *doc = json_parse(json, strlen(json), NULL);

	for (const struct json *v = json_first(doc); v; v = json_next(v))
		jw_json(w, json_name(v), v);
	json_free(doc);
}

int read_snapshot(struct pg_conn *c, int64_t now_ms, struct jw *w, struct snapshot_head *ret,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err, snapshot_sql_start, "mm", now_ms, now_ms - RECENT_MS);

	if (e < 0)
		return e;
	if (pg_rows(r) != 1)
		return err_set(err, ERR_FAILED, "the rows of the lease are missing");
	*ret = (struct snapshot_head){
		.seq = pg_i64(r, 0, pg_col(r, "seq")),
		.lease_counter = pg_i64(r, 0, pg_col(r, "counter")),
		.lease_renewed_at_ms = pg_time(r, 0, pg_col(r, "renewed_at")),
		.environment = text(r, "environment"), .holder = text(r, "holder"),
		.live = text(r, "live"),
	};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		jw_raw(w, parts[i], pg_text(r, 0, pg_col(r, parts[i])));
	add_figures(w, pg_text(r, 0, pg_col(r, "figures")));
	return 0;
}
