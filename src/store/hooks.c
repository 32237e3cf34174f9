/*
 * Webhooks of numbers: the approved baseline beside what was last seen. The first sight
 * while the account is healthy becomes the baseline; after that a difference is drift, and
 * only a person changes the baseline.
 */
#include <stdlib.h>

#include "store/internal.h"
#include "store/numbers.h"
#include "store/numbers_internal.h"

#define HOOK_COLUMNS                                                                               \
	"account_id, phone_number, sid, baseline, observed, approved_by, baseline_at, observed_at,"\
	" drift_since"
enum { BATCH = 2000 };

void hooks_fini(struct number_hooks *h)
{
	free(h->account);
	free(h->phone_number);
	free(h->sid);
	free(h->baseline);
	free(h->observed);
	free(h->approved_by);
	*h = (struct number_hooks){ 0 };
}

void hooks_free(struct number_hooks *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hooks_fini(&rows[i]);
	free(rows);
}

static void read_hooks(const struct pg_result *r, int i, struct number_hooks *h)
{
	*h = (struct number_hooks){
		.account = col_dup(r, i, 0), .phone_number = col_dup(r, i, 1),
		.sid = col_dup(r, i, 2),
		.baseline = col_dup(r, i, 3), .observed = col_dup(r, i, 4),
		.approved_by = col_dup(r, i, 5), .baseline_at_ms = pg_time(r, i, 6),
		.observed_at_ms = pg_time(r, i, 7), .drift_since_ms = pg_time(r, i, 8),
	};
}

static void read_all(const struct pg_result *r, struct number_hooks **ret, size_t *ret_n)
{
	int n = pg_rows(r);
	struct number_hooks *rows = xcalloc((size_t)n + 1, sizeof(*rows));

	for (int i = 0; i < n; i++)
		read_hooks(r, i, &rows[i]);
	*ret = rows;
	*ret_n = (size_t)n;
}

int hooks_list(struct store *s, const char *account, struct number_hooks **ret, size_t *ret_n,
	       struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " HOOK_COLUMNS " FROM ringdown.number_ext"
			    " WHERE $1::text IS NULL OR account_id = $1"
			    " ORDER BY account_id, phone_number", "t", account);

	if (e == 0)
		read_all(r, ret, ret_n);
	return e;
}

int hooks_drifted(struct store *s, const char *account, int64_t limit, struct number_hooks **ret,
		  size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " HOOK_COLUMNS " FROM ringdown.number_ext"
			    " WHERE drift_since IS NOT NULL AND ($1::text IS NULL OR account_id ="
			    " $1) ORDER BY drift_since, account_id, phone_number LIMIT $2", "ti",
			    account,
			    limit);

	if (e == 0)
		read_all(r, ret, ret_n);
	return e;
}

int hooks_account(struct store *s, const char *phone_number, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT account_id FROM ringdown.number_ext"
			    " WHERE phone_number = $1 LIMIT 2", "t", phone_number);

	if (e < 0)
		return e;
	if (pg_rows(r) != 1)
		return err_field(err, pg_rows(r) ? ERR_CONFLICT : ERR_NOT_FOUND, "phoneNumber",
				 pg_rows(r) ? "%.20s was seen in several accounts: say which" :
					      "number %.20s was never seen", phone_number);
	*ret = col_dup(r, 0, 0);
	return 0;
}

int number_attempt(struct store *s, const char *phone_number, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT e.id FROM ringdown.event e JOIN ringdown.event_item"
			    " i ON i.event_id = e.id WHERE e.status IN ('approved', 'executing',"
			    " 'rolling_back') AND $1 IN (i.from_number, i.to_number) LIMIT 1", "t",
			    phone_number);

	if (e == 0)
		*ret = pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}

int hooks_get(struct store *s, const char *account, const char *phone_number,
	      struct number_hooks *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " HOOK_COLUMNS " FROM ringdown.number_ext"
			    " WHERE account_id = $1 AND phone_number = $2", "tt", account,
			    phone_number);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "number %.20s was never seen in account %.60s",
			       phone_number, account);
	read_hooks(r, 0, ret);
	return 0;
}

static const char OBSERVED_SQL[] =
	"INSERT INTO ringdown.number_ext AS x (account_id, phone_number, sid, observed,"
	" observed_at, baseline, baseline_at, approved_by, trunk_sid, application_sid,"
	" voice_region, problem) SELECT $1, number, sid, observed, $3,"
	"  CASE WHEN $4::boolean THEN observed END,"
	"  CASE WHEN $4 AND observed IS NOT NULL THEN $3::timestamptz END,"
	"  CASE WHEN $4 AND observed IS NOT NULL THEN 'first sight' END,"
	"  trunk, app, region, problem"
	" FROM json_to_recordset($2::json) AS j(number text, sid text, observed json, trunk text,"
	"  app text, region text, problem text) ORDER BY number"
	" ON CONFLICT (account_id, phone_number) DO UPDATE SET sid = excluded.sid,"
	"  observed = coalesce(excluded.observed, x.observed), observed_at = excluded.observed_at,"
	"  baseline = coalesce(x.baseline, excluded.baseline),"
	"  baseline_at = coalesce(x.baseline_at, excluded.baseline_at),"
	"  approved_by = coalesce(x.approved_by, excluded.approved_by),"
	"  trunk_sid = excluded.trunk_sid, application_sid = excluded.application_sid,"
	"  voice_region = excluded.voice_region, problem = excluded.problem,"
	"  drift_since = CASE WHEN x.baseline IS NULL OR excluded.observed IS NULL"
	"   OR x.baseline::jsonb = excluded.observed::jsonb THEN NULL"
	"   ELSE coalesce(x.drift_since, excluded.observed_at) END";

int hooks_observed(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		   bool healthy, struct err *err)
{
	int e = 0;

	for (size_t from = 0; from < n && e == 0; from += BATCH) {
		struct str doc = STR_INIT(STR_MAX_DEFAULT);

		numbers_seen_json(&doc, seen + from, n - from < BATCH ? n - from : BATCH);
		e = tx_query(t, NULL, err, OBSERVED_SQL, "ttmb", account, str_get(&doc),
			     tx_now_ms(t), healthy);
		str_fini(&doc);
	}
	return e;
}

int hooks_adopt(struct tx *t, const char *account, const char *phone_number, const char *baseline,
		struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.number_ext AS x (account_id, phone_number, baseline,"
			" baseline_at, approved_by) VALUES ($1, $2, $3, $4, $5)"
			" ON CONFLICT (account_id, phone_number) DO UPDATE SET baseline ="
			" excluded.baseline, baseline_at = excluded.baseline_at, approved_by ="
			" excluded.approved_by, drift_since = CASE WHEN x.observed::jsonb ="
			" excluded.baseline::jsonb THEN NULL  ELSE coalesce(x.drift_since,"
			" excluded.baseline_at) END",
			"tttmt", account, phone_number, baseline, tx_now_ms(t), t->who.actor);
}
