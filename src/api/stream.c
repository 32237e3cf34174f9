/*
 * Snapshot and event stream. A stream is a subscriber of the hub with its own bounded
 * queue; a client that does not read is dropped and comes back with after=SEQ, so it
 * holds up nobody. Heartbeats carry the engine's time and last sequence.
 */
#include "api/internal.h"

#include <stdio.h>

#include "core/task.h"
#include "engine/engine.h"
#include "engine/presence.h"
#include "store/journal.h"

enum { HEARTBEAT_MS = 2000, REPLAY_BATCH = 500, REPLAY_MAX = 5000 };

struct stream {
	struct hub_subscriber sub;
	struct engine *engine;
	struct httpd_stream *out;
	struct timer beat;
	struct str line;
	int64_t last_seq;		/* newest entry sent */
};

static int get_snapshot(struct call *c)
{
	struct jw w = JW(&c->out);

	if (!hub_loaded(c->engine->hub))
		return api_problem(c, 503, NULL, "the database was not read yet; try again in a"
						 " moment");
	state_json(&w, NULL, hub_state(c->engine->hub));
	return 200;
}

/* ---- stream ---------------------------------------------------------------------- */

static void stream_free(struct stream *s)
{
	hub_unsubscribe(&s->sub);
	timer_stop(&s->beat);
	str_fini(&s->line);
	free_p(&s);
}

static void on_close(void *ctx)
{
	stream_free(ctx);
}

static bool send_line(struct stream *s)
{
	return httpd_stream_push(s->out, s->line.s, s->line.len);
}

static bool push(void *ctx, const char *kind, int64_t seq, const char *json)
{
	struct stream *s = ctx;

	if (seq > 0 && seq <= s->last_seq)
		return true;
	str_clear(&s->line);
	if (seq > 0) {
		str_addf(&s->line, "id: %lld\n", (long long)seq);
		s->last_seq = seq;
	}
	str_addf(&s->line, "event: %s\ndata: ", kind);
	str_add(&s->line, json);
	str_add(&s->line, "\n\n");
	return send_line(s);
}

static void on_beat(struct timer *t)
{
	struct stream *s = t->user;
	char at[TIME_TEXT];

	str_clear(&s->line);
	str_addf(&s->line, ": hb %s %lld\n\n", format_time(at, loop_wall_ms(s->engine->loop)),
		 (long long)hub_state(s->engine->hub)->seq);
	timer_start(s->engine->loop, t, HEARTBEAT_MS, on_beat);
	send_line(s);
}

static int too_far(struct call *c, int64_t after)
{
	return api_problem(c, 409, "Too far behind",
			   "too much since %lld: take a snapshot and go on from its seq",
			   (long long)after);
}

/* What is sent first: entries from the database, then live documents that came in between. */
struct replay {
	struct str entries;
	struct { int64_t seq; size_t end; } *at;
	size_t n, cap;
};

static void replay_fini(struct replay *r)
{
	str_fini(&r->entries);
	free_p(&r->at);
}

static void add_entry(struct replay *r, const struct journal_row *row)
{
	str_addf(&r->entries, "id: %lld\nevent: entry\ndata: ", (long long)row->seq);
	journal_row_json(&JW(&r->entries), NULL, row);
	str_add(&r->entries, "\n\n");
	r->at = grow(r->at, &r->cap, r->n + 1, sizeof(*r->at));
	r->at[r->n].seq = row->seq;
	r->at[r->n++].end = r->entries.len;
}

/* Entries between after and what the hub has, from the database. 0 or a status. */
static int read_entries(struct call *c, struct stream *s, int64_t after, size_t most,
			struct replay *out)
{
	int64_t newest = hub_state(c->engine->hub)->seq;
	struct err err = { 0 };

	if (newest - after > REPLAY_MAX)
		return too_far(c, after);
	s->last_seq = after;
	/* the hub reads on while we do: what it gained meanwhile is not lost */
	while (s->last_seq < hub_state(c->engine->hub)->seq) {
		struct journal_row *rows = NULL;
		size_t n = 0;
		int r = journal_after(c->engine->store, s->last_seq, REPLAY_BATCH, &rows, &n, &err);

		if (r < 0)
			return api_problem_err(c, &err);
		for (size_t i = 0; i < n; i++) {
			add_entry(out, &rows[i]);
			s->last_seq = rows[i].seq;
		}
		journal_rows_free(rows, n);
		if (out->entries.len > most)
			return too_far(c, after);
		if (n == 0)
			break;
	}
	return 0;
}

static void add_live(struct stream *s, const char *json)
{
	str_addf(&s->line, "event: live\ndata: %s\n\n", json);
}

/* Entries and documents in the order in which the hub folded them. */
static void interleave(struct stream *s, const struct replay *r, const struct hub_doc *docs,
		       size_t n)
{
	size_t from = 0, d = 0;

	for (size_t i = 0; i < r->n; i++) {
		for (; d < n && docs[d].seq < r->at[i].seq; d++)
			add_live(s, docs[d].json);
		str_addn(&s->line, r->entries.s + from, r->at[i].end - from);
		from = r->at[i].end;
	}
	for (; d < n; d++)
		add_live(s, docs[d].json);
}

static void add_whole(struct stream *s, const struct state *state, size_t most)
{
	size_t before = s->line.len;
	struct jw w = JW(&s->line);

	str_add(&s->line, "event: live\ndata: ");
	jw_obj(&w, NULL);
	live_whole(&w, state);
	jw_obj_end(&w);
	str_add(&s->line, "\n\n");
	/* it would drop the client each time anew; a snapshot brings the same */
	if (s->line.len > most)
		s->line.s[s->line.len = before] = '\0';
}

/* 0 or a status; no wait after the last look at the hub, so that nothing falls in between. */
static int replay(struct call *c, struct stream *s, int64_t after)
{
	/* what does not fit the queue at once would drop the client, each time anew */
	size_t most = (size_t)api_get_settings(c->api)->stream_queue / 2;
	struct hub *hub = c->engine->hub;
	struct replay r = { .entries = STR_INIT(STR_MAX_DEFAULT) };
	const char *position = call_query(c, "live");
	const struct hub_doc *docs = NULL;
	size_t n = 0;
	int status = read_entries(c, s, after, most, &r);

	if (status == 0 && hub_live_after(hub, position, &docs, &n)) {
		interleave(s, &r, docs, n);
		if (s->line.len > most)
			status = too_far(c, after);
	} else if (status == 0) {
		str_addn(&s->line, r.entries.s, r.entries.len);
		add_whole(s, hub_state(hub), position ? STR_MAX_DEFAULT : most);
		if (s->line.len > most)
			status = too_far(c, after);
	}
	replay_fini(&r);
	return status;
}

static int get_stream(struct call *c)
{
	struct hub *hub = c->engine->hub;
	struct stream *s;
	const char *last = httpd_header(c->req, "Last-Event-ID");
	int64_t after, newest = hub_state(hub)->seq;
	int status;

	if (!hub_loaded(hub))
		return api_problem(c, 503, NULL, "the database was not read yet; try again in a"
						 " moment");
	/* what a browser's EventSource sends when it comes back */
	if (last && !parse_i64(last, 0, INT64_MAX, &newest))
		return api_problem_field(c, 400, "Last-Event-ID", "must be a sequence number");
	after = call_query(c, "after") ? call_number(c, "after") : newest;
	s = xcalloc(1, sizeof(*s));
	s->engine = c->engine;
	s->line = STR_INIT(STR_MAX_DEFAULT);
	s->beat = TIMER_INIT;
	s->beat.user = s;
	status = replay(c, s, after);
	if (status) {
		stream_free(s);
		return status;
	}
	s->out = httpd_stream(c->req, "text/event-stream",
			      (size_t)api_get_settings(c->api)->stream_queue, on_close, s);
	c->answered = true;
	if (!s->out) {
		stream_free(s);
		return 200;
	}
	s->sub.ctx = s;
	s->sub.push = push;
	hub_subscribe(hub, &s->sub);
	if (s->line.len)
		send_line(s);
	on_beat(&s->beat);
	return 200;
}

static int post_presence(struct call *c)
{
	struct engine *e = c->engine;

	presence_set(e->presence, call_text(c, "session"), c->user, enum_name(&person_role_names,
		     c->role), call_text(c, "lookingAt"), call_flag(c, "dialog"),
		     loop_now_ms(e->loop), loop_wall_ms(e->loop));
	str_add(&c->out, "{}");
	return 200;
}

static int get_me(struct call *c)
{
	struct jw w = JW(&c->out);

	jw_obj(&w, NULL);
	jw_str(&w, "name", c->user);
	jw_str(&w, "role", enum_name(&person_role_names, c->role));
	jw_str(&w, "engine", c->engine->id);
	jw_str(&w, "environment", c->engine->shown_environment);
	jw_bool(&w, "production", c->engine->production);
	jw_bool(&w, "demo", c->engine->demo);
	jw_time(&w, "now", loop_wall_ms(c->engine->loop));
	jw_obj_end(&w);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/snapshot", PR_VIEWER, 0, { { 0 } }, get_snapshot,
	  "everything the console shows at start, with the sequence to go on from" },
	{ "GET", "/api/v1/stream", PR_VIEWER, ROUTE_STREAM, { { 0 } }, get_stream,
	  "server-sent events: entry, live; a comment as heartbeat every 2 s",
	  { { "after", Q_INT, "seq as the snapshot or the last entry has it; the head Last-Event-ID"
	      " does too", .max = INT64_MAX },
	    { "live", Q_TEXT, "position as the snapshot has it" } } },
	{ "GET", "/api/v1/me", PR_VIEWER, 0, { { 0 } }, get_me,
	  "whose token this is, and which engine" },
	{ "POST", "/api/v1/presence", PR_VIEWER, 0,
	  { { "session", M_TEXT, .required = true, .max = 64 }, { "lookingAt", M_TEXT, .max = 100 },
	    { "dialog", M_BOOL } }, post_presence, "what a console looks at, for the others" },
};
const struct route_table stream_routes = { routes, COUNT_OF(routes) };
