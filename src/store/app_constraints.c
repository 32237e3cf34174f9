/*
 * Checks on the application's tables. A new one is added NOT VALID, which needs its lock
 * for a moment only, and validated after that, while others read and write.
 *
 * Invariant: rows that are there already decide. Where some do not keep to a check it is
 * not added (an update of such a row would begin to fail in the application) and they are
 * named instead. Foreign keys are left out on purpose: the application's own deletes
 * must not begin to fail. Nothing that exists is dropped or rewritten.
 */
#include "store/app_tables.h"

#define POOL "TwilioBackupPhoneNumber"

static const struct app_check checks[] = {
	{ "ringdown_account_sid_given", "TwilioAccount", "accountSid",
	  "\"accountSid\" IS NOT NULL" },
	{ "ringdown_pool_number_given", POOL, "phoneNumber", "\"phoneNumber\" IS NOT NULL" },
	{ "ringdown_pool_status", POOL, "status",
	  "status IN ('available', 'reserved', 'assigned', 'unavailable')" },
	{ "ringdown_org_given", "OrgSettings", "orgId", "\"orgId\" IS NOT NULL" },
};

/* Is the table there with the column, is the constraint, is it valid, and is the column NOT
 * NULL? */
static int state_of(struct pg_conn *c, const struct app_check *k, struct pg_result **ret,
		    struct err *err)
{
	return pg_run(c, ret, err,
		"SELECT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid"
		"  WHERE t.relnamespace = current_schema()::regnamespace AND t.relname = $1"
		"  AND a.attname = $2 AND NOT a.attisdropped AND t.relkind IN ('r', 'p')),"
		" n.convalidated, EXISTS (SELECT 1 FROM pg_class t"
		"  WHERE t.relnamespace = current_schema()::regnamespace AND t.relname = $1"
		"  AND t.relkind NOT IN ('r', 'p'))"
		" FROM (SELECT 1) one LEFT JOIN (SELECT n.convalidated FROM pg_constraint n"
		"  JOIN pg_class t ON t.oid = n.conrelid WHERE n.conname = $3 AND t.relname = $1"
		"  AND t.relnamespace = current_schema()::regnamespace) n ON true",
		"ttt", k->table, k->column, k->name);
}

static int odd_rows(struct pg_conn *c, const struct app_check *k, int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *sql = xasprintf("SELECT count(*) FROM \"%s\" WHERE NOT (%s)",
						k->table, k->expr);
	int e = pg_query(c, sql, NULL, &r, err);

	*ret = e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

int app_checks_missing(struct pg_conn *c, struct str *ret, int *ret_n, struct str *notes,
		       struct err *err)
{
	*ret_n = 0;
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
		const struct app_check *k = &checks[i];
		int64_t odd = 0;
		int e = state_of(c, k, &r, err);

		/* a view in its place is the application's affair */
		if (e == 0 && (pg_bool(r, 0, 2) || (!pg_null(r, 0, 1) && pg_bool(r, 0, 1))))
			continue;
		if (e == 0 && pg_bool(r, 0, 0))
			e = odd_rows(c, k, &odd, err);
		if (e < 0)
			return e;
		if (odd) {
			str_addf(notes, "%lld rows of \"%s\" do not keep to %s: the check is not"
					" added\n", (long long)odd, k->table, k->expr);
			continue;
		}
		if (pg_null(r, 0, 1))
			str_addf(ret, "ALTER TABLE \"%s\" ADD CONSTRAINT %s CHECK (%s) NOT"
				      " VALID;\n", k->table, k->name, k->expr);
		str_addf(ret, "ALTER TABLE \"%s\" VALIDATE CONSTRAINT %s;\n", k->table, k->name);
		++*ret_n;
	}
	return 0;
}
