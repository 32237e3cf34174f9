/*
 * API tokens: only SHA-256 of a token's text is stored; the text has 160 random bits, so a
 * slow hash would protect nothing. The comparison is on hashes, in constant time.
 */
#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define TOKEN_COLUMNS "id, name, role, created_by, hash, created_at, last_used_at, revoked_at"
enum { USE_EVERY_MS = 60000 };

void token_hash(const char *text, char ret[65])
{
	sha256_hex(text, strlen(text), ret);
}

void token_fini(struct token_row *t)
{
	free(t->id);
	free(t->name);
	free(t->role);
	free(t->created_by);
	free(t->hash);
	*t = (struct token_row){ 0 };
}

void tokens_free(struct token_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		token_fini(&rows[i]);
	free(rows);
}

static bool role_ok(const char *role)
{
	return enum_parse(&person_role_names, role) > PR_NONE || str_eq(role, "alerts");
}

static int insert(struct store *s, const struct who *who, const char *hash, const char *name,
		  const char *role, char **ret_id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *text = NULL;
	char id[40];
	int e;

	if (str_empty(name))
		return err_field(err, ERR_INVALID, "name", "a token needs a name");
	if (!role || !role_ok(role))
		return err_field(err, ERR_INVALID, "role",
				 "role must be viewer, operator, admin or alerts");
	random_id(id, sizeof(id), "tok_");
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = tx_query(&t, &r, err,
			     "INSERT INTO ringdown.token (hash, id, name, role, created_at,"
			     " created_by) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO"
			     " UPDATE SET name = excluded.name, role = excluded.role, revoked_at ="
			     " NULL RETURNING id",
			     "ttttmt", hash, id, name, role, tx_now_ms(&t), who->actor);
	if (e < 0)
		return e;
	text = xasprintf("token '%s' with role %s created", name, role);
	tx_note(&t, NOTE_INFO, "token.created", name, text, NULL);
	e = tx_commit(&t, NULL, err);
	if (e == 0 && ret_id)
		*ret_id = xstrdup(pg_text(r, 0, 0));
	return e;
}

int token_create(struct store *s, const struct who *who, const char *name, const char *role,
		 struct secret **ret_text, char **ret_id, struct err *err)
{
	uint8_t raw[20];
	char hash[65];
	struct str text = STR_INIT(100);
	int e;

	random_bytes(raw, sizeof(raw));
	str_add(&text, "rd_");
	str_add_hex(&text, raw, sizeof(raw));
	token_hash(str_get(&text), hash);
	e = insert(s, who, hash, name, role, ret_id, err);
	if (e == 0)
		*ret_text = secret_new(str_get(&text));
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text.s, text.len);
	str_fini(&text);
	return e;
}

int token_put(struct store *s, const struct who *who, const char *text, const char *name,
	      const char *role, struct err *err)
{
	char hash[65];

	if (!text || strlen(text) < 16)
		return err_field(err, ERR_INVALID, "token", "a token has at least 16 characters");
	token_hash(text, hash);
	return insert(s, who, hash, name, role, NULL, err);
}

int token_revoke(struct store *s, const struct who *who, const char *id_or_name, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *text = NULL;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, &r, err, "SELECT id, name FROM ringdown.token"
			     " WHERE (id = $1 OR name = $1) AND revoked_at IS NULL FOR UPDATE",
			     "t", id_or_name);
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no living token '%.100s'", id_or_name);
	if (pg_rows(r) > 1)
		return err_set(err, ERR_CONFLICT, "%d tokens are named '%.100s': give the id",
			       pg_rows(r), id_or_name);
	e = tx_one(&t, err, "UPDATE ringdown.token SET revoked_at = $2, revoked_by = $3 WHERE id ="
			    " $1", "tmt", pg_text(r, 0, 0), tx_now_ms(&t), who->actor);
	if (e < 0)
		return e;
	text = xasprintf("token '%s' revoked", pg_text(r, 0, 1));
	tx_note(&t, NOTE_WARN, "token.revoked", pg_text(r, 0, 1), text, NULL);
	return tx_commit(&t, NULL, err);
}

static void read_token(const struct pg_result *r, int i, struct token_row *t)
{
	*t = (struct token_row){
		.id = col_dup(r, i, 0), .name = col_dup(r, i, 1), .role = col_dup(r, i, 2),
		.created_by = col_dup(r, i, 3), .hash = col_dup(r, i, 4),
		.created_at_ms = pg_time(r, i, 5), .last_used_at_ms = pg_time(r, i, 6),
		.revoked_at_ms = pg_time(r, i, 7),
	};
}

int tokens_list(struct store *s, struct token_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct token_row *rows;
	int n, e = store_query(s, &r, err, "SELECT " TOKEN_COLUMNS " FROM ringdown.token"
			       " ORDER BY created_at, id", "");

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		read_token(r, i, &rows[i]);
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

int token_find(struct store *s, const char *text, struct token_row *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t now = loop_wall_ms(s->loop);
	char hash[65];
	int e;

	token_hash(text ? text : "", hash);
	e = store_query(s, &r, err, "SELECT " TOKEN_COLUMNS " FROM ringdown.token"
			" WHERE hash = $1 AND revoked_at IS NULL", "t", hash);
	if (e < 0)
		return e;
	if (pg_rows(r) == 0 || !equal_ct(hash, pg_text(r, 0, 4)))
		return err_set(err, ERR_DENIED, "the token is not known or was revoked");
	if (!s->read_only && pg_time(r, 0, 6) + USE_EVERY_MS < now)
		store_query(s, NULL, NULL, "UPDATE ringdown.token SET last_used_at = $2 WHERE hash"
					   " = $1", "tm", hash, now);
	read_token(r, 0, ret);
	return 0;
}
