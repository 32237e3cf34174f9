/*
 * The event stream of the engine in use: entries and live documents go into a queue, a
 * bounded number of them into the state in each turn; heartbeats tell age, server time and
 * the sequence that we should have.
 *
 * Invariants: the queue and one event are bounded, beyond that the link is dropped and
 * resumed; what is in the queue when a link ends is applied before the next begins; a
 * sequence that stays apart from the engine's leads to a new snapshot.
 */
#include "client/internal.h"

#include <stdio.h>
#include <string.h>

enum {
	PER_TURN = 256,
	IDLE_MS = 5000,			/* heartbeats come every 2 s */
	EVENT_MAX = 4 << 20,
	QUEUE_MAX = 16 << 20,
	REFUSAL_MAX = 65536,
	APART_BEATS = 3,
	FRUITLESS_MAX = 2,		/* links in a row without a heartbeat */
};

/* ---- the queue ---------------------------------------------------------------------------- */

static void apply_one(struct client *c, const struct pending *p)
{
	struct json *doc = json_parse(p->json, p->len, NULL);

	if (doc && p->live)
		state_live(&c->state, doc, NULL);
	else if (doc)
		state_apply(&c->state, doc, NULL);
	json_free(doc);
}

static struct pending *take_first(struct stream *s)
{
	struct pending *p = s->first;

	if (!p)
		return NULL;
	s->first = p->next;
	if (!s->first)
		s->end = &s->first;
	s->bytes -= p->len;
	return p;
}

bool stream_apply(struct client *c)
{
	struct stream *s = &c->stream;
	struct pending *p;

	if (!s->first)
		return false;
	for (int i = 0; i < PER_TURN && (p = take_first(s)); i++) {
		apply_one(c, p);
		free_p(&p);
	}
	client_dirty(c);
	if (!s->first)
		condition_wake(&s->drained);
	return s->first != NULL;
}

void stream_discard(struct client *c)
{
	struct pending *p;

	while ((p = take_first(&c->stream)))
		free_p(&p);
	condition_wake(&c->stream.drained);
}

static void on_event(void *ctx, const char *event, const char *id, const char *data)
{
	struct client *c = ctx;
	struct stream *s = &c->stream;
	bool live = strcmp(event, "live") == 0;
	size_t len = strlen(data);
	struct pending *p;

	(void)id;
	if (!live && strcmp(event, "entry") != 0)
		return; /* of a later version */
	if (s->bytes + len > QUEUE_MAX) {
		stream_drop(c);
		return;
	}
	p = xmalloc(sizeof(*p) + len + 1);
	p->next = NULL;
	p->live = live;
	p->len = len;
	memcpy(p->json, data, len + 1);
	*s->end = p;
	s->end = &p->next;
	s->bytes += len;
	client_tell(c);
}

/* ---- heartbeats ----------------------------------------------------------------------------- */

/* Ours against the engine's sequence. A moment's difference is normal on an engine that only
 * observes; one that lasts means another history, or something lost. */
static void compare_seq(struct client *c, int64_t theirs)
{
	struct stream *s = &c->stream;

	if (s->first)
		return;
	s->differs = theirs == c->state.seq ? 0 : s->differs + 1;
	if (s->differs < APART_BEATS)
		return;
	c->need_snapshot = true;
	stream_drop(c);
}

static void on_comment(void *ctx, const char *text)
{
	struct client *c = ctx;
	char at[TIME_TEXT] = "";
	int64_t seq, wall;
	const char *space;

	if (!str_has_prefix(text, "hb "))
		return;
	text += 3;
	space = strchr(text, ' ');
	if (!space || space - text >= TIME_TEXT || !parse_i64(space + 1, 0, INT64_MAX, &seq))
		return;
	snprintf(at, sizeof(at), "%.*s", (int)(space - text), text);
	if (!parse_time_ms(at, &wall))
		return;
	client_set_clock(c, wall);
	c->state.now_ms = wall;
	c->stream.beats++;
	compare_seq(c, seq);
}

/* ---- the transfer --------------------------------------------------------------- */

static void on_head(void *ctx, int status)
{
	struct client *c = ctx;

	c->stream.status = status;
	if (status != 200 || c->dying)
		return;
	c->connected = true;
	c->stream.refused = 0;
	client_heard(c);
	client_set_link(c, LINK_API);
	client_set_trouble(c, "%s", "");
	client_tell(c);
	requests_kick(c);
	presence_now(c);
	fallback_wake(c);
}

static void on_data(void *ctx, const char *p, size_t n)
{
	struct client *c = ctx;
	struct stream *s = &c->stream;

	if (c->dying || s->ended)
		return;
	if (s->status != 200) {
		str_addn(&s->body, p, n);
		return;
	}
	client_heard(c);
	sse_feed(&s->sse, p, n);
	if (s->sse.overflow)
		stream_drop(c);
}

void stream_drop(struct client *c)
{
	struct stream *s = &c->stream;

	s->ended = true;
	if (s->running)
		s->call.op.cancel(&s->call.op);
}

/* Why it is over, for people; true when the link had held. */
static bool judge(struct client *c)
{
	struct stream *s = &c->stream;
	const struct http_reply *r = &s->call.reply;
	const char *host = client_host(c, c->engine);
	char why[300];

	if (c->dying || task_cancelled())
		return false;
	if (s->status == 200) {
		if (r->result == HTTP_TIMEOUT)
			client_set_trouble(c, "%s: nothing heard for %d s", host, IDLE_MS / 1000);
		else
			client_set_trouble(c, "%s: the stream ended; connecting again", host);
		s->fruitless = s->beats > 0 ? 0 : s->fruitless + 1;
		if (s->fruitless >= FRUITLESS_MAX) /* from here it cannot go on, it seems */
			c->need_snapshot = true;
		return s->beats > 0;
	}
	if (s->status == 0) {
		client_set_trouble(c, "%s: %s", host, client_reason(r));
		return false;
	}
	client_problem(&s->body, s->status, why, sizeof(why));
	if (s->status == 409) { /* too far behind */
		c->need_snapshot = true;
		return s->refused++ == 0;
	}
	if (s->status == 401 || s->status == 403)
		link_denied(c, why);
	else
		client_set_trouble(c, "%s: %s", host, why);
	return false;
}

bool stream_follow(struct client *c)
{
	struct stream *s = &c->stream;

	while (s->first)
		if (condition_wait(&s->drained, -1) == OP_CANCELLED)
			return false;
	struct str query = STR_INIT(1024);

	str_addf(&query, "after=%lld", (long long)c->state.seq);
	if (c->state.live) {
		str_add(&query, "&live=");
		str_add_urlencoded(&query, c->state.live);
	}
	_cleanup_(free_p) char *url = xasprintf("%s/api/v1/stream?%s", c->apis[c->engine],
						str_get(&query));
	str_fini(&query);
	struct http_request req = { .url = url, .on_data = on_data, .on_head = on_head, .ctx = c,
				    .idle_ms = IDLE_MS, .bearer = c->token,
				    .bearer_prefix = "Authorization: Bearer ",
				    .headers = { "Accept: text/event-stream" } };
	bool held;

	sse_init(&s->sse, EVENT_MAX);
	s->sse.on_event = on_event;
	s->sse.on_comment = on_comment;
	s->sse.ctx = c;
	s->body = STR_INIT(REFUSAL_MAX);
	s->ended = false;
	s->status = s->differs = s->beats = 0;
	s->running = true;
	s->call = (struct http_call){ 0 };
	http_start(c->http, &s->call, &req);
	task_await(&s->call.op);
	s->running = false;
	held = judge(c);
	http_reply_fini(&s->call.reply);
	sse_fini(&s->sse);
	str_fini(&s->body);
	return held;
}

void stream_init(struct client *c)
{
	c->stream.end = &c->stream.first;
}
