/* Reads for the monitor and the decider; see health.h. One statement each. */
#include "store/health.h"

#include <stdio.h>

#include "store/internal.h"

static int ids_from(const struct pg_result *r, char ***ret, size_t *ret_n)
{
	size_t n = (size_t)pg_rows(r);

	*ret = xcalloc(n + 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = xstrdup(pg_text(r, (int)i, 0));
	*ret_n = n;
	return 0;
}

int health_busy_accounts(struct store *s, char ***ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT DISTINCT a FROM ringdown.event e, unnest(ARRAY[e.from_account,"
		" e.to_account]) a WHERE e.status IN ('approved', 'executing', 'failed',"
		" 'rolling_back') AND a IS NOT NULL", "");

	return e < 0 ? e : ids_from(r, ret, ret_n);
}

/*
 * The first such number of the account $1. Most often there is none: then the order leads
 * through the index of the few, where a count is planned as if most of a large table were such.
 */
#define FIRST_OF(what)                                                                             \
	"SELECT phone_number FROM ringdown.number_ext WHERE account_id = $1 AND " what             \
	" IS NOT NULL ORDER BY account_id, phone_number LIMIT 1"

int health_drifted(struct store *s, const char *account, int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT CASE WHEN (" FIRST_OF("drift_since") ") IS NULL THEN 0 ELSE"
		" (SELECT count(*) FROM ringdown.number_ext x JOIN \"VoiceAgent\" v"
		" ON v.\"twilioPhoneNumber\" = x.phone_number WHERE x.account_id = $1"
		" AND x.drift_since IS NOT NULL) END", "t", account);

	if (e == 0)
		*ret = pg_i64(r, 0, 0);
	return e;
}

int health_routed(struct store *s, const char *account, int64_t *ret, char *example, size_t n,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT x.phone_number, x.problem, count(*) OVER () FROM ringdown.number_ext x"
		" JOIN \"TwilioBackupPhoneNumber\" b ON b.\"phoneNumber\" = x.phone_number"
		" AND b.\"accountId\" = x.account_id WHERE x.account_id = $1 AND x.problem IS NOT"
		" NULL AND (" FIRST_OF("problem") ") IS NOT NULL"
		" AND b.status = 'available' ORDER BY 1 LIMIT 1", "t", account);

	if (e < 0)
		return e;
	*ret = pg_rows(r) ? pg_i64(r, 0, 2) : 0;
	snprintf(example, n, "%s%s%s", pg_rows(r) ? pg_text(r, 0, 0) : "", pg_rows(r) ? ": " : "",
		 pg_rows(r) ? pg_text(r, 0, 1) : "");
	return 0;
}

int health_opened_since(struct store *s, int64_t since_ms, char ***ret, size_t *ret_n,
			struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT id FROM ringdown.event"
			    " WHERE opened_at >= $1::timestamptz ORDER BY opened_at, id LIMIT 200",
			    "m",
			    since_ms);

	return e < 0 ? e : ids_from(r, ret, ret_n);
}

int health_last_details(struct store *s, const char *account, char **ret, int64_t *ret_at_ms,
			struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT details, \"checkedAt\" FROM \"TwilioHealthCheck\" WHERE \"accountId\" = $1"
		" ORDER BY \"checkedAt\" DESC LIMIT 1", "t", account);

	if (e < 0)
		return e;
	*ret = pg_rows(r) && !pg_null(r, 0, 0) ? xstrdup(pg_text(r, 0, 0)) : NULL;
	*ret_at_ms = pg_rows(r) ? pg_time(r, 0, 1) : 0;
	return 0;
}

