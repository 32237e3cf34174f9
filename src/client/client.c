/*
 * The client's life and what the screen asks of it. Everything here answers from memory:
 * ages and server time come from the monotonic clock and what was heard last.
 *
 * Invariants: nothing is started before client_start; the state changes only right before
 * `changed`, which comes at most once in a turn, from a timer, never from inside a call into
 * the client; after client_free neither `changed` nor a request's done is called.
 *
 * It does not decide which engine to use (link.c) nor what a document means (fold).
 */
#include "client/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LAST_TURNS = 100, CLOCK_STEP_MS = 2000, SUSPENDED_MS = 1000 };

/* ---- telling the screen ---------------------------------------------------------------- */

/* The one place where the state changes, right before `changed`: a view may keep pointers
 * into it from one `changed` to the next. */
static void on_tell(struct timer *t)
{
	struct client *c = t->user;

	if (c->fresh) {
		state_fini(&c->state);
		c->state = *c->fresh;
		free_p(&c->fresh);
		client_dirty(c);
		condition_wake(&c->taken);
	}
	if (stream_apply(c))
		client_tell(c);
	if (c->changed)
		c->changed(c->ctx);
}

/* Hands over a whole new state; what the stream brought before it is part of it. */
void client_replace(struct client *c, struct state *fresh)
{
	if (c->fresh)
		state_fini(c->fresh);
	else
		c->fresh = xcalloc(1, sizeof(*c->fresh));
	*c->fresh = *fresh;
	stream_discard(c);
	client_tell(c);
}

void client_tell(struct client *c)
{
	if (!c->dying && !timer_active(&c->tell))
		timer_start(c->loop, &c->tell, 0, on_tell);
}

static void on_stale(struct timer *t)
{
	client_tell(t->user);
}

void client_set_link(struct client *c, enum client_link link)
{
	if (c->link != link)
		client_tell(c);
	c->link = link;
	if (link == LINK_API)
		snprintf(c->where, sizeof(c->where), "%s%s%s", c->engine_id ? c->engine_id : "",
			 c->engine_id ? " " : "", client_host(c, c->engine));
	else
		snprintf(c->where, sizeof(c->where), "%s", link == LINK_DATABASE ? "database" :
			 link == LINK_SAVED ? "saved" : link == LINK_CONNECTING ? "connecting" :
			 "nothing");
}

/* One sentence of what is wrong on the way to the engines and to the database. */
static void compose_trouble(struct client *c)
{
	char text[sizeof(c->trouble)];

	snprintf(text, sizeof(text), "%s%s%s", c->api_trouble,
		 c->db_trouble[0] ? "; the database: " : "", c->db_trouble);
	if (strcmp(text, c->trouble) == 0)
		return;
	memcpy(c->trouble, text, sizeof(text));
	client_tell(c);
}

void client_set_trouble(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->api_trouble, sizeof(c->api_trouble), fmt, ap);
	va_end(ap);
	text_clean_buf(c->api_trouble);
	compose_trouble(c);
}

void client_set_db_trouble(struct client *c, const char *text)
{
	snprintf(c->db_trouble, sizeof(c->db_trouble), "%s", text);
	text_clean_buf(c->db_trouble);
	compose_trouble(c);
}

const char *client_reason(const struct http_reply *r)
{
	if (r->result == HTTP_CONNECT || r->result == HTTP_TIMEOUT || r->result == HTTP_BROKEN)
		return http_result_name(r->result);
	return r->error;
}

void client_problem(const struct str *body, int status, char *buf, size_t n)
{
	struct json *doc = body->len ? json_parse(body->s, body->len, NULL) : NULL;
	const char *text = json_get_str(doc, "detail");

	if (!text)
		text = json_get_str(doc, "title");
	if (text)
		snprintf(buf, n, "%s", text);
	else
		snprintf(buf, n, "the engine answered with status %d", status);
	text_clean_buf(buf);
	json_free(doc);
}

const char *client_host(const struct client *c, size_t engine)
{
	const char *url = engine < c->n_apis ? c->apis[engine] : "";
	const char *slashes = strstr(url, "://");

	return slashes ? slashes + 3 : url;
}

void client_dirty(struct client *c)
{
	saved_soon(c);
}

/* ---- ages and time ------------------------------------------------------------------------ */

/* The monotonic clock stands still while the machine sleeps, the wall clock does not. */
static int64_t age(const struct client *c, int64_t mono_ms, int64_t wall_ms)
{
	int64_t mono = loop_now_ms(c->loop) - mono_ms, wall = loop_wall_ms(c->loop) - wall_ms;

	if (mono_ms == 0)
		return -1;
	return wall > mono + SUSPENDED_MS ? wall : mono;
}

void client_heard(struct client *c)
{
	if (client_stale(c))
		client_tell(c);
	c->byte_ms = loop_now_ms(c->loop);
	c->byte_wall_ms = loop_wall_ms(c->loop);
	if (c->state.database_ok) {
		c->db_ms = c->byte_ms;
		c->db_wall_ms = c->byte_wall_ms;
	}
	timer_start(c->loop, &c->stale_timer, STALE_MS + 1, on_stale);
}

void client_heard_database(struct client *c)
{
	c->db_ms = loop_now_ms(c->loop);
	c->db_wall_ms = loop_wall_ms(c->loop);
	timer_start(c->loop, &c->stale_timer, STALE_MS + 1, on_stale);
}

int64_t client_api_age_ms(const struct client *c)
{
	return age(c, c->byte_ms, c->byte_wall_ms);
}

int64_t client_db_age_ms(const struct client *c)
{
	if (c->link == LINK_API && c->state.database_ok)
		return client_api_age_ms(c);
	return age(c, c->db_ms, c->db_wall_ms);
}

bool client_stale(const struct client *c)
{
	int64_t old = c->link == LINK_DATABASE ? client_db_age_ms(c) : client_api_age_ms(c);

	if (c->link != LINK_API && c->link != LINK_DATABASE)
		return true;
	return old < 0 || old > STALE_MS;
}

void client_set_clock(struct client *c, int64_t server_wall_ms)
{
	struct clock_offset *o = &c->clock;
	int64_t sample = server_wall_ms - loop_now_ms(c->loop);
	int64_t off = server_wall_ms - client_server_now_ms(c);

	/* a step there, or our sleep: the old samples say nothing any more */
	if (o->n > 0 && (off > CLOCK_STEP_MS || off < -CLOCK_STEP_MS))
		o->n = o->next = 0;
	o->samples[o->next] = sample;
	o->next = (o->next + 1) % CLOCK_SAMPLES;
	if (o->n < CLOCK_SAMPLES)
		o->n++;
}

int64_t client_server_now_ms(const struct client *c)
{
	const struct clock_offset *o = &c->clock;
	int64_t best = o->samples[0];

	if (o->n == 0)
		return loop_wall_ms(c->loop);
	for (int i = 1; i < o->n; i++)
		if (o->samples[i] > best)
			best = o->samples[i];
	return best + loop_now_ms(c->loop);
}

/* ---- what the screen reads ------------------------------------------------------------------- */

const struct state *client_state(const struct client *c)
{
	return &c->state;
}

enum client_link client_link(const struct client *c)
{
	return c->link;
}

const char *client_where(const struct client *c)
{
	return c->where;
}

const char *client_trouble(const struct client *c)
{
	return c->trouble;
}

const char *client_user(const struct client *c)
{
	return c->user;
}

enum person_role client_role(const struct client *c)
{
	return c->role;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void take_options(struct client *c, const struct client_options *o)
{
	c->apis = xcalloc(o->n_apis + 1, sizeof(*c->apis));
	for (size_t i = 0; i < o->n_apis; i++) {
		size_t n = o->apis[i] ? strlen(o->apis[i]) : 0;

		while (n > 0 && o->apis[i][n - 1] == '/')
			n--;
		if (n > 0)
			c->apis[c->n_apis++] = xstrndup(o->apis[i], n);
	}
	c->database = str_empty(o->database) ? NULL : xstrdup(o->database);
	c->state_dir = str_empty(o->state_dir) ? NULL : xstrdup(o->state_dir);
	c->token = secret_ref(o->token);
}

struct client *client_new(struct loop *l, const struct client_options *o,
			  void (*changed)(void *ctx), void *ctx)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->changed = changed;
	c->ctx = ctx;
	c->winner = -1;
	c->need_snapshot = true;
	c->tell = c->stale_timer = TIMER_INIT;
	c->tell.user = c->stale_timer.user = c;
	take_options(c, o);
	state_init(&c->state);
	stream_init(c);
	presence_init(c);
	client_set_link(c, LINK_NONE);
	client_set_trouble(c, "not connected to an engine yet");
	saved_open(c);
	timer_stop(&c->tell);
	return c;
}

/* Only plain HTTP, and a database that is reached by its socket. */
static bool speaks_no_tls(const struct client *c)
{
	for (size_t i = 0; i < c->n_apis; i++)
		if (!str_has_prefix(c->apis[i], "http://"))
			return false;
	return !c->database || strstr(c->database, "host=/");
}

void client_start(struct client *c)
{
	if (c->started)
		return;
	c->started = true;
	if (speaks_no_tls(c))
		crypto_plain();
	c->http = http_new(c->loop);
	link_start(c);
	fallback_start(c);
	requests_kick(c);
}

static bool idle(const struct client *c)
{
	return !c->link_task && !c->fallback && c->probing == 0 && !c->stream.running &&
	       !c->presence.running && !c->requests;
}

static void finish(void *arg)
{
	struct client *c = arg;

	http_free(c->http);
	state_fini(&c->state);
	if (c->fresh)
		state_fini(c->fresh);
	free_p(&c->fresh);
	for (size_t i = 0; i < c->n_apis; i++) {
		free_p(&c->apis[i]);
		if (c->probes)
			free_p(&c->probes[i].url);
	}
	free_p(&c->apis);
	free_p(&c->probes);
	free_p(&c->database);
	free_p(&c->state_dir);
	free_p(&c->name);
	free_p(&c->engine_id);
	secret_free(c->token);
	if (c->gone)
		*c->gone = true;
	free_p(&c);
}

void client_maybe_free(struct client *c)
{
	if (!c->dying || c->freeing || !idle(c))
		return;
	c->freeing = true;
	loop_defer(c->loop, finish, c);
}

/* Cancels all, then turns the loop without waiting until the cancelled have ended; what has
 * not by then ends by itself, should the loop go on. */
void client_free(struct client *c)
{
	struct loop *l;
	bool gone = false;

	if (!c)
		return;
	l = c->loop;
	c->dying = true;
	timer_stop(&c->tell);
	timer_stop(&c->stale_timer);
	requests_free(c);
	presence_fini(c);
	link_stop(c);
	fallback_stop(c);
	saved_close(c);
	stream_discard(c);
	/* cppcheck-suppress autoVariables ; taken back below unless the memory is gone */
	c->gone = &gone;
	client_maybe_free(c);
	for (int i = 0; i < LAST_TURNS && !gone && !task_self(); i++)
		loop_run_once(l, 0);
	if (!gone)
		c->gone = NULL;
}
