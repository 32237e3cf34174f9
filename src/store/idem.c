/*
 * Repeated requests: the first one with a key inserts a row and works, later ones get its
 * reply. The insert's unique key is what decides between two at the same moment.
 */
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"
#include "store/tokens.h"

static int replay(const struct pg_result *r, const char *route, const char *hash,
		  struct idem_reply *ret, struct err *err)
{
	if (!str_eq(pg_text(r, 0, 0), route) || !str_eq(pg_text(r, 0, 1), hash))
		return err_field(err, ERR_CONFLICT, "Idempotency-Key",
				 "this key was used for another request");
	if (pg_i64(r, 0, 2) == 0)
		return err_field(err, ERR_CONFLICT, "Idempotency-Key",
				 "the first request with this key is still being worked on");
	ret->status = (int)pg_i64(r, 0, 2);
	ret->reply = xstrdup(pg_text(r, 0, 3));
	return IDEM_REPLAY;
}

int idem_begin(struct store *s, const char *actor, const char *key, const char *route,
	       const char *body, int64_t stale_ms, struct idem_reply *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t now = loop_wall_ms(s->loop);
	char hash[65];
	int e;

	sha256_hex(body ? body : "", body ? strlen(body) : 0, hash);
	e = store_query(s, &r, err,
			"INSERT INTO ringdown.idempotency (actor, key, route, body_hash, at)"
			" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (actor, key) DO UPDATE SET"
			" at = excluded.at WHERE idempotency.status = 0 AND idempotency.at < $6"
			" AND idempotency.route = excluded.route"
			" AND idempotency.body_hash = excluded.body_hash RETURNING 1",
			"ttttmm", actor, key, route, hash, now, now - stale_ms);
	if (e < 0 || pg_rows(r) == 1)
		return e;
	pg_result_free(TAKE(r));
	e = store_query(s, &r, err, "SELECT route, body_hash, status, reply FROM"
			" ringdown.idempotency WHERE actor = $1 AND key = $2", "tt", actor, key);
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_field(err, ERR_CONFLICT, "Idempotency-Key",
				 "the first request just failed");
	return replay(r, route, hash, ret, err);
}

int idem_finish(struct store *s, const char *actor, const char *key, int status,
		const char *reply, struct err *err)
{
	return store_query(s, NULL, err, "UPDATE ringdown.idempotency SET status = $3, reply = $4"
			   " WHERE actor = $1 AND key = $2", "ttit", actor, key, (int64_t)status,
			   reply);
}

int idem_forget(struct store *s, const char *actor, const char *key, struct err *err)
{
	return store_query(s, NULL, err, "DELETE FROM ringdown.idempotency"
			   " WHERE actor = $1 AND key = $2 AND status = 0", "tt", actor, key);
}

int idem_prune(struct store *s, int64_t before_ms, struct err *err)
{
	return store_query(s, NULL, err, "DELETE FROM ringdown.idempotency WHERE at < $1", "m",
			   before_ms);
}
