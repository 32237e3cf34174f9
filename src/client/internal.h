/* Shared by the parts of the client: link, stream, requests, fallback, saved copy. */
#ifndef RD_CLIENT_INTERNAL_H
#define RD_CLIENT_INTERNAL_H

#include "client/client.h"
#include "core/http.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/pg.h"
#include "core/sse.h"
#include "core/task.h"

enum {
	STALE_MS = 3000,		/* without a byte for so long: do not decide on this */
	CLOCK_SAMPLES = 8,
};

/* Server wall time minus our monotonic time. A delayed sample is too small, never too big. */
struct clock_offset {
	int64_t samples[CLOCK_SAMPLES];
	int n, next;
};

/* One question to one engine in the race for the first that answers. */
struct probe {
	struct client *client;
	struct http_call call;
	size_t engine;
	char *url;
	bool running;
};

/* What the stream brought and no turn has applied yet. */
struct pending {
	struct pending *next;
	bool live;
	size_t len;
	char json[];
};

struct stream {
	struct http_call call;
	struct sse sse;
	struct str body;		/* of a refusal */
	bool running, ended;
	int status, differs, beats, refused, fruitless;
	struct pending *first, **end;
	size_t bytes;
	struct condition drained;	/* nothing is pending any more */
};

struct presence {
	struct http_call call;
	struct timer timer;
	char session[32], looking_at[104];
	char *url, *body;
	bool dialog, known, running, dirty;
	int64_t sent_ms;
};

struct kept { char *path, *text; };	/* an answer to a GET */
struct fallback;
struct saved;

struct client {
	struct loop *loop;
	struct http *http;		/* from client_start on */
	char **apis;			/* without a slash at the end */
	size_t n_apis;
	struct secret *token;
	char *database, *state_dir;
	void (*changed)(void *ctx);
	void *ctx;
	struct timer tell, stale_timer;
	bool started, dying, freeing;
	bool *gone;			/* set when the memory is given back */

	struct state state, *fresh;	/* fresh: to replace it with the next `changed` */
	struct condition taken;		/* it was */
	enum client_link link;
	char where[256], trouble[800], user[160];
	char api_trouble[400], db_trouble[300];
	char *name, *engine_id;
	enum person_role role;
	struct clock_offset clock;
	int64_t byte_ms, byte_wall_ms;	/* last good byte of an engine; 0 = never */
	int64_t db_ms, db_wall_ms;	/* last good word of the database */

	struct task *link_task;
	struct condition probed, retry;
	struct probe *probes;
	size_t engine;			/* index of the engine in use, or used last */
	int winner, probing;
	bool connected, need_snapshot, denied;
	bool opening;			/* a snapshot is there, its stream not yet */
	int64_t lost_ms, failures;
	struct stream stream;

	struct client_request *requests;
	struct presence presence;
	struct fallback *fallback;
	struct saved *saved;
	struct kept *kept; size_t n_kept;	/* oldest first */
};

/* client.c */
void client_dirty(struct client *c);		/* the state changed: worth saving */
void client_tell(struct client *c);		/* one `changed` in this turn or the next */
void client_replace(struct client *c, struct state *fresh);	/* takes its content */
void client_heard(struct client *c);		/* a good byte from an engine */
void client_heard_database(struct client *c);
void client_set_link(struct client *c, enum client_link link);
void client_set_trouble(struct client *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void client_set_db_trouble(struct client *c, const char *text);	/* "" = fine */
void client_set_clock(struct client *c, int64_t server_wall_ms);
const char *client_host(const struct client *c, size_t engine);	/* "127.0.0.1:8080" */
/* What went wrong below HTTP, short. */
const char *client_reason(const struct http_reply *r);
/* The sentence of a problem document, cleaned; otherwise a general one. */
void client_problem(const struct str *body, int status, char *buf, size_t n);
void client_maybe_free(struct client *c);	/* the last part of a client that was freed */

/* link.c */
void link_start(struct client *c);
void link_stop(struct client *c);
void link_denied(struct client *c, const char *why);

/* stream.c */
void stream_init(struct client *c);
/* in the link's task: until it ends; had it held? */
bool stream_follow(struct client *c);
/* Applies what is pending, as much as a turn may; true when some is left. */
bool stream_apply(struct client *c);
void stream_discard(struct client *c);
void stream_drop(struct client *c);

/* request.c */
void requests_kick(struct client *c);		/* an engine was found, or none is there */
void requests_free(struct client *c);

/* presence.c */
void presence_init(struct client *c);
void presence_now(struct client *c);		/* the link is there, or what to say changed */
void presence_fini(struct client *c);

/* fallback.c */
void fallback_start(struct client *c);
void fallback_wake(struct client *c);		/* the link came or went */
void fallback_stop(struct client *c);
struct pg_pool *fallback_pool(const struct client *c);	/* NULL: not on the database */

/* lookup.c */
struct lookup;
/* answer: the document, or NULL and a problem. Comes once, also after a cancel. */
typedef void (*lookup_done)(void *ctx, const struct str *answer, const char *problem);
bool lookup_knows(const struct client *c, const char *path);
struct lookup *lookup_start(struct client *c, const char *path, lookup_done done, void *ctx);
void lookup_cancel(struct lookup *x);

/* kept.c: last answers, for when nothing answers */
void kept_put(struct client *c, const char *path, const char *text, size_t len);
/* NULL: none, or somebody can be asked. Caller frees. */
struct json *kept_get(const struct client *c, const char *path);
void kept_json(const struct client *c, struct jw *w);
void kept_read(struct client *c, const struct str *text);
void kept_fini(struct client *c);

/* saved.c */
void saved_open(struct client *c);		/* and reads the copy */
void saved_soon(struct client *c);
void saved_close(struct client *c);

#endif
