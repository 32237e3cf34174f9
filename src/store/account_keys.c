/*
 * Opening sealed credentials, and sealing them anew under the current key. Clear text
 * exists in struct secret only; a credential that none of our keys opens is named by its
 * account, never shown, never rewritten.
 */
#include <stdlib.h>

#include "store/accounts_internal.h"
#include "store/internal.h"

/* What is sealed, how it is replaced, and to which word it is bound. The previous token keeps
 * the token's. */
struct sealed_column { const char *update, *aad; };
#define OF_ACCOUNT(col) "UPDATE \"TwilioAccount\" SET " col " = $2 WHERE id = $1"
#define OF_EXT(col) "UPDATE ringdown.account_ext SET " col " = $2 WHERE account_id = $1"
static const struct sealed_column sealed_columns[] = {
	{ OF_ACCOUNT("\"authToken\""), "authToken" },
	{ OF_EXT("api_key_secret"), "apiKeySecret" },
	{ OF_EXT("second_secret"), "secondSecret" },
	{ OF_EXT("parent_secret"), "parentSecret" },
	{ OF_EXT("previous_token"), "authToken" },
};
enum { SEALED = COUNT_OF(sealed_columns) };

/* First the account's id and name, then the columns above in their order. */
#define SEALED_SQL                                                                                 \
	"SELECT a.id, a.name, a.\"authToken\", e.api_key_secret, e.second_secret,"                 \
	" e.parent_secret, e.previous_token"
#define SEALED_FROM                                                                                \
	" FROM \"TwilioAccount\" a LEFT JOIN ringdown.account_ext e ON e.account_id = a.id"

void account_keys_fini(struct account_keys *k)
{
	free(k->id);
	free(k->provider);
	free(k->account_sid);
	free(k->region);
	free(k->edge);
	free(k->api_key);
	free(k->second_key);
	free(k->parent_sid);
	free(k->parent_key);
	secret_free(k->token);
	secret_free(k->previous_token);
	secret_free(k->api_secret);
	secret_free(k->second_secret);
	secret_free(k->parent_secret);
	*k = (struct account_keys){ 0 };
}

static int open_one(struct store *s, const struct pg_result *r, int row, size_t i,
		    struct secret **ret, struct err *err)
{
	_cleanup_(free_p) char *aad = account_aad(pg_text(r, row, 0), sealed_columns[i].aad);
	int e;

	if (pg_text(r, row, 2 + (int)i)[0] == '\0')
		return 0;
	if (!s->keys)
		return err_set(err, ERR_NOT_FOUND, "ENCRYPTION_KEY is not set");
	e = unseal(s->keys, pg_text(r, row, 2 + (int)i), aad, ret, err);
	return e < 0 ? err_prefix(err, "account '%s', %s", pg_text(r, row, 1),
				  sealed_columns[i].aad) : 0;
}

int account_keys_load(struct store *s, const char *id, struct account_keys *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct account_keys k = { 0 };
	struct secret **const slots[SEALED] = { &k.token, &k.api_secret, &k.second_secret,
						&k.parent_secret, &k.previous_token };
	int e = store_query(s, &r, err, SEALED_SQL ", a.provider, a.\"accountSid\", a.region,"
			    " e.edge, e.api_key_sid, e.second_key_sid, e.parent_sid,"
			    " e.parent_key_sid, e.previous_token_until" SEALED_FROM
			    " WHERE a.id = $1", "t", id);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no account '%.80s'", id);
	for (size_t i = 0; i < SEALED && e == 0; i++) {
		/* a generation that is over must not stop the others */
		if (slots[i] == &k.previous_token && pg_time(r, 0, 15) < loop_wall_ms(s->loop))
			continue;
		e = open_one(s, r, 0, i, slots[i], err);
	}
	if (e < 0) {
		account_keys_fini(&k);
		return e;
	}
	k.id = col_dup(r, 0, 0);
	k.provider = col_dup(r, 0, 7);
	k.account_sid = col_dup(r, 0, 8);
	k.region = col_dup(r, 0, 9);
	k.edge = col_dup(r, 0, 10);
	k.api_key = col_dup(r, 0, 11);
	k.second_key = col_dup(r, 0, 12);
	k.parent_sid = col_dup(r, 0, 13);
	k.parent_key = col_dup(r, 0, 14);
	*ret = k;
	return 0;
}

int accounts_unopenable(struct store *s, char **ret_names, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str names = STR_INIT(4000);
	int e = store_query(s, &r, err, SEALED_SQL SEALED_FROM " ORDER BY a.name", "");

	for (int row = 0; e == 0 && row < pg_rows(r); row++) {
		bool fine = true;

		for (size_t i = 0; i < SEALED && fine; i++) {
			struct secret *clear = NULL;

			fine = open_one(s, r, row, i, &clear, NULL) == 0;
			secret_free(clear);
		}
		if (!fine)
			str_addf(&names, "%s%s", names.len ? ", " : "", pg_text(r, row, 1));
	}
	if (e == 0)
		*ret_names = str_take(&names);
	str_fini(&names);
	return e;
}

static bool all_current(struct store *s, const struct pg_result *r, int row)
{
	for (size_t i = 0; i < SEALED; i++) {
		const char *text = pg_text(r, row, 2 + (int)i);

		if (text[0] && !sealed_current(s->keys, text))
			return false;
	}
	return true;
}

/* One account, one transaction: all its columns or none. */
static int reseal_one(struct store *s, const struct who *who, const char *id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, &r, err, SEALED_SQL SEALED_FROM " WHERE a.id = $1 FOR UPDATE OF a",
			     "t", id);
	if (e < 0 || pg_rows(r) == 0)
		return e;
	for (size_t i = 0; i < SEALED && e == 0; i++) {
		const struct sealed_column *c = &sealed_columns[i];
		_cleanup_(free_p) char *aad = account_aad(id, c->aad);
		_cleanup_(free_p) char *sealed = NULL;
		_cleanup_(secret_free_p) struct secret *clear = NULL;
		const char *text = pg_text(r, 0, 2 + (int)i);

		if (text[0] == '\0' || sealed_current(s->keys, text))
			continue;
		e = open_one(s, r, 0, i, &clear, err);
		if (e < 0)
			break;
		sealed = seal(s->keys, secret_reveal(clear), aad);
		e = tx_one(&t, err, c->update, "tt", id, sealed);
	}
	if (e < 0)
		return e;
	tx_note(&t, NOTE_INFO, "account.resealed", id, "credentials sealed with the current key",
		NULL);
	return tx_commit(&t, NULL, err);
}

/* The journal's own key is sealed too. */
static int reseal_journal_key(struct store *s, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *sealed = NULL;
	int e = s->journal_key ? 0 : journal_key_load(s, err);

	if (e == 0)
		e = store_query(s, &r, err, "SELECT value FROM ringdown.meta WHERE key ="
					    " 'journal_key'", "");
	if (e < 0 || pg_rows(r) == 0 || sealed_current(s->keys, pg_text(r, 0, 0)))
		return e;
	sealed = seal(s->keys, secret_reveal(s->journal_key), JOURNAL_KEY_AAD);
	return store_query(s, NULL, err, "UPDATE ringdown.meta SET value = $1"
			   " WHERE key = 'journal_key' AND value = $2", "tt", sealed,
			   pg_text(r, 0, 0));
}

int accounts_reseal(struct store *s, const struct who *who, int64_t batch, int64_t *ret_done,
		    int64_t *ret_left, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e;

	*ret_done = *ret_left = 0;
	if (!s->keys)
		return err_set(err, ERR_DENIED, "ENCRYPTION_KEY is not set");
	e = reseal_journal_key(s, err);
	if (e == 0)
		e = store_query(s, &r, err, SEALED_SQL SEALED_FROM " ORDER BY a.id", "");
	for (int row = 0; e == 0 && row < pg_rows(r); row++) {
		if (all_current(s, r, row))
			continue;
		if (*ret_done >= batch) {
			++*ret_left;
			continue;
		}
		e = reseal_one(s, who, pg_text(r, row, 0), err);
		if (e == 0)
			++*ret_done;
	}
	return e;
}
