/*
 * Lineages: a primary, the agents at home there, and the account they run on now. Rows
 * come into being when first written; a primary without one is at home.
 */
#include <stdlib.h>

#include "store/accounts_internal.h"
#include "store/internal.h"

int lineages_list(struct store *s, struct lineage_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct lineage_row *rows;
	int n, e = store_query(s, &r, err,
			       "SELECT a.id, coalesce(l.current_account, a.id), l.healthy_since,"
			       " coalesce(l.version, 0) FROM \"TwilioAccount\" a"
			       " LEFT JOIN ringdown.lineage l ON l.primary_id = a.id"
			       " WHERE a.\"isPrimary\" ORDER BY a.priority, a.name, a.id", "");

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct lineage_row){
			.primary = col_dup(r, i, 0), .current = col_dup(r, i, 1),
			.healthy_since_ms = pg_time(r, i, 2), .version = pg_i64(r, i, 3),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

void lineages_free(struct lineage_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].primary);
		free(rows[i].current);
	}
	free(rows);
}

int lineage_set_current(struct tx *t, const char *primary, const char *account, struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.lineage (primary_id, current_account, version)"
			" VALUES ($1, $2, 1) ON CONFLICT (primary_id) DO UPDATE SET"
			" current_account = excluded.current_account, version = lineage.version +"
			" 1",
			"tt", primary, account);
}

int lineage_healthy(struct tx *t, const char *primary, int64_t since_ms, struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.lineage (primary_id, current_account, healthy_since)"
			" VALUES ($1, $1, $2) ON CONFLICT (primary_id) DO UPDATE SET"
			" healthy_since = excluded.healthy_since", "tm", primary, since_ms);
}

int standby_set(struct tx *t, const char *primary, const char *backup, int64_t priority,
		struct err *err)
{
	if (priority < 0)
		return tx_query(t, NULL, err, "DELETE FROM ringdown.standby_for"
				" WHERE primary_id = $1 AND backup_id = $2", "tt", primary, backup);
	return tx_query(t, NULL, err, "INSERT INTO ringdown.standby_for (primary_id, backup_id,"
			" priority) VALUES ($1, $2, $3) ON CONFLICT (primary_id, backup_id) DO"
			" UPDATE SET priority = excluded.priority", "tti", primary, backup,
			priority);
}

void ids_free(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}
