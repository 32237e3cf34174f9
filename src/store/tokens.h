/* API tokens (hashed) and replies kept for repeated requests. */
#ifndef RD_STORE_TOKENS_H
#define RD_STORE_TOKENS_H

#include "model/enums.h"
#include "store/store.h"

struct token_row {
	char *id, *name, *role, *created_by;	/* role "alerts": may only deliver alerts */
	char *hash;
	int64_t created_at_ms, last_used_at_ms, revoked_at_ms;
};
/* *ret_text is shown once. */
int token_create(struct store *s, const struct who *who, const char *name, const char *role,
		 struct secret **ret_text, char **ret_id, struct err *err);
/* A known text (demo, tests, bootstrap from a file); same text again: role and name updated. */
int token_put(struct store *s, const struct who *who, const char *text, const char *name,
	      const char *role, struct err *err);
int token_revoke(struct store *s, const struct who *who, const char *id_or_name, struct err *err);
int tokens_list(struct store *s, struct token_row **ret, size_t *ret_n, struct err *err);
void tokens_free(struct token_row *rows, size_t n);
/* SHA-256, hex, of a token's text: what is stored and compared. */
void token_hash(const char *text, char ret[65]);
/* The living token with this text. ERR_DENIED: none. Marks its use at most once a minute. */
int token_find(struct store *s, const char *text, struct token_row *ret, struct err *err);
void token_fini(struct token_row *t);

struct idem_reply { int status; char *reply; };
enum { IDEM_REPLAY = 1 };
/* 0: first time, go on, then idem_finish. IDEM_REPLAY: *ret is the reply given before.
 * ERR_CONFLICT: same key with another request, or still being worked on. A request that never
 * finished is let through again after stale_ms. */
int idem_begin(struct store *s, const char *actor, const char *key, const char *route,
	       const char *body, int64_t stale_ms, struct idem_reply *ret, struct err *err);
int idem_finish(struct store *s, const char *actor, const char *key, int status,
		const char *reply, struct err *err);
int idem_forget(struct store *s, const char *actor, const char *key, struct err *err);
int idem_prune(struct store *s, int64_t before_ms, struct err *err);

#endif
