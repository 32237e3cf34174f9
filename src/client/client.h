/*
 * The console's connection: a snapshot, then the event stream, from any of the engines;
 * else the database directly (read only); else what was last saved on disk. Never
 * blocks; nothing is started before client_start, which the shell calls after the first
 * paint.
 */
#ifndef RD_CLIENT_CLIENT_H
#define RD_CLIENT_CLIENT_H

#include "core/crypto.h"
#include "core/loop.h"
#include "fold/state.h"

struct client;

struct client_options {
	const char *const *apis; size_t n_apis;	/* base URLs; empty = none */
	const char *database;			/* NULL = no fallback */
	struct secret *token;			/* borrowed */
	const char *state_dir;			/* for the saved copy; NULL = none */
};
enum client_link { LINK_NONE, LINK_CONNECTING, LINK_API, LINK_DATABASE, LINK_SAVED };

/* changed: state, link or age changed; call client_state() again. */
struct client *client_new(struct loop *l, const struct client_options *o,
			  void (*changed)(void *ctx), void *ctx);
void client_start(struct client *c);
void client_free(struct client *c);		/* at once, never joins anything */

const struct state *client_state(const struct client *c);	/* never NULL */
enum client_link client_link(const struct client *c);
/* "eng-1 127.0.0.1:8080", "database", "saved" */
const char *client_where(const struct client *c);
const char *client_trouble(const struct client *c);	/* one sentence, "" when fine */
int64_t client_api_age_ms(const struct client *c);	/* since the last good byte; -1 = never */
int64_t client_db_age_ms(const struct client *c);	/* as the engine or we see it; -1 = never */
bool client_stale(const struct client *c);		/* older than 3 s: refuse changes */
int64_t client_server_now_ms(const struct client *c);	/* server wall time, by measured offset */
const char *client_user(const struct client *c);	/* name and role of the token */
enum person_role client_role(const struct client *c);

/* Asks the engine for a document: GET path (with query). done exactly once, from the loop,
 * status 0 = not reached. Cancelled by client_free or client_cancel (done is then not called).
 * json is owned by the caller of done's frame: copy what is kept. */
typedef void (*client_done)(void *ctx, int status, const struct json *doc, const char *problem);
struct client_request;
struct client_request *client_get(struct client *c, const char *path, client_done done, void *ctx);
/* The same for a document that is no JSON: a report, a list. text lasts as long as done's frame. */
typedef void (*client_text_done)(void *ctx, int status, const char *text, size_t len,
				 const char *problem);
struct client_request *client_get_text(struct client *c, const char *path, client_text_done done,
				       void *ctx);
/* POST/PATCH/DELETE with an idempotency key; retried on the next engine when the first is gone. */
struct client_request *client_send(struct client *c, const char *method, const char *path,
				   const char *body, client_done done, void *ctx);
void client_cancel(struct client_request *r);
/* Tells the others what this console looks at; bounded, lossy. */
void client_presence(struct client *c, const char *looking_at, bool dialog);

#endif
