/*
 * Where the evaluation of series stands, so that a restart neither forgets a duration nor
 * repeats an alert; and samples, a row a minute, for charts of the past.
 */
#include <stdlib.h>

#include "store/alerts.h"
#include "store/internal.h"

int series_save(struct tx *t, const char *doc, struct err *err)
{
	int e = tx_query(t, NULL, err,
		"INSERT INTO ringdown.series (name, label, doc, at) SELECT name, label, doc, $2"
		" FROM json_to_recordset($1::json) AS x(name text, label text, doc json)"
		" WHERE json_typeof(doc) = 'object' ON CONFLICT (name, label) DO UPDATE SET"
		" doc = excluded.doc, at = excluded.at", "tm", doc, tx_now_ms(t));

	return e < 0 ? e : tx_query(t, NULL, err,
		"DELETE FROM ringdown.series s USING json_to_recordset($1::json)"
		" AS x(name text, label text, doc json) WHERE s.name = x.name AND s.label = x.label"
		" AND coalesce(json_typeof(x.doc), 'null') = 'null'", "t", doc);
}

int series_load(struct store *s, struct series_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT name, label, doc FROM ringdown.series"
			    " ORDER BY name, label LIMIT 50000", "");

	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (int i = 0; i < pg_rows(r); i++)
		(*ret)[i] = (struct series_row){ col_dup(r, i, 0), col_dup(r, i, 1),
						 col_dup(r, i, 2) };
	return 0;
}

void series_rows_free(struct series_row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&v[i].name);
		free_p(&v[i].label);
		free_p(&v[i].doc);
	}
	free(v);
}

int samples_save(struct tx *t, const char *doc, int64_t at_ms, struct err *err)
{
	return tx_query(t, NULL, err, "INSERT INTO ringdown.metric_sample (name, label, at, value)"
			" SELECT name, label, $2, value FROM json_to_recordset($1::json)"
			" AS x(name text, label text, value double precision)"
			" ON CONFLICT DO NOTHING", "tm", doc, at_ms);
}

int samples_prune(struct store *s, int64_t before_ms, struct err *err)
{
	return store_query(s, NULL, err, "DELETE FROM ringdown.metric_sample WHERE ctid IN"
			   " (SELECT ctid FROM ringdown.metric_sample WHERE at < $1 LIMIT 20000)",
			   "m", before_ms);
}
