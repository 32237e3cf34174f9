/*
 * Which database is this? A row remembers the environment's name, the server's system
 * identifier and the database's name; a restored copy of production, or production's
 * address in a test configuration, disagrees with it and shuts the `environment` gate.
 */
#include "store/lease_row.h"

#include "store/internal.h"

#define HERE "(SELECT system_identifier::text FROM pg_control_system())"
/* From the current WAL file's name: the checkpoint's record of it lags behind. */
#define TIMELINE SERVER_TIMELINE

int environment_name(struct store *s, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT name FROM ringdown.environment", "");

	if (e == 0)
		*ret = pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}

int environment_check(struct store *s, const char *name, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT name, system_identifier = " HERE ","
			    " database_name = current_database(), database_name"
			    " FROM ringdown.environment", "");

	if (e < 0)
		return e;
	if (str_empty(name))
		return err_set(err, pg_rows(r) ? ERR_DENIED : ERR_NOT_FOUND,
			       "no environment is chosen (--env NAME of environments:); the"
			       " database was adopted for %s",
			       pg_rows(r) ? pg_text(r, 0, 0) : "none");
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "the database was not adopted for '%s': run `ringdown adopt"
			       " --environment %s`",
			       name, name);
	if (!str_eq(pg_text(r, 0, 0), name))
		return err_set(err, ERR_DENIED,
			       "the database belongs to environment '%s', the configuration says"
			       " '%s'",
			       pg_text(r, 0, 0), name);
	if (!pg_bool(r, 0, 1))
		return err_set(err, ERR_DENIED,
			       "the database of '%s' runs on another server than it was adopted on"
			       " (a copy?)",
			       name);
	if (!pg_bool(r, 0, 2))
		return err_set(err, ERR_DENIED, "'%s' was adopted as database '%s' (a copy?)", name,
			       pg_text(r, 0, 3));
	return 0;
}

int environment_adopt(struct store *s, const struct who *who, const char *name, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	char *text;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, NULL, err,
			     "INSERT INTO ringdown.environment (name, system_identifier,"
			     " database_name, timeline, adopted_at, adopted_by)"
			     " VALUES ($1, " HERE ", current_database(), " TIMELINE ", $2, $3)"
			     " ON CONFLICT (one) DO UPDATE SET name = excluded.name,"
			     " system_identifier = excluded.system_identifier,"
			     " database_name = excluded.database_name, timeline ="
			     " excluded.timeline, adopted_at = excluded.adopted_at, adopted_by ="
			     " excluded.adopted_by",
			     "tmt", name, tx_now_ms(&t), who->actor);
	if (e < 0)
		return e;
	/* Without a key the chain cannot be continued; the row itself says who and when. */
	if (s->journal_key) {
		text = xasprintf("database adopted for environment %s", name);
		tx_note(&t, NOTE_WARN, "environment.adopted", name, text, NULL);
		free_p(&text);
	}
	return tx_commit(&t, NULL, err);
}

int environment_timeline(struct store *s, int64_t *ret_timeline, int64_t *ret_known,
			 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " TIMELINE ","
			    " coalesce((SELECT timeline FROM ringdown.environment), 0)", "");

	if (e < 0)
		return e;
	*ret_timeline = pg_i64(r, 0, 0);
	*ret_known = pg_i64(r, 0, 1);
	return 0;
}
