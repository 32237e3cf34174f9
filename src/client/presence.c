/*
 * Tells the engine in use what this console looks at: every 5 s and when it changes, at
 * most once a second, one at a time. What does not get through is not repeated.
 */
#include "client/internal.h"

#include <stdio.h>
#include <string.h>

enum { EVERY_MS = 5000, APART_MS = 1000, LIMIT_MS = 4000 };

static void on_timer(struct timer *t);

static void again(struct client *c, int64_t ms)
{
	if (!c->dying)
		timer_start(c->loop, &c->presence.timer, ms, on_timer);
}

static void done(struct op *op, int outcome)
{
	struct client *c = op->user;
	struct presence *p = &c->presence;
	const struct http_reply *r = &p->call.reply;
	char why[300];

	(void)outcome;
	p->running = false;
	if (!c->dying && r->result == HTTP_DONE && (r->status == 401 || r->status == 403)) {
		client_problem(&r->body, r->status, why, sizeof(why));
		link_denied(c, why);
		stream_drop(c); /* revoked meanwhile: the link says so from now on */
	}
	http_reply_fini(&p->call.reply);
	str_replace(&p->url, NULL);
	str_replace(&p->body, NULL);
	again(c, p->dirty ? APART_MS : EVERY_MS);
	client_maybe_free(c);
}

static void post(struct client *c)
{
	struct presence *p = &c->presence;
	struct str b = STR_INIT(2000);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	jw_str(&w, "session", p->session);
	if (p->looking_at[0])
		jw_str(&w, "lookingAt", p->looking_at);
	jw_bool(&w, "dialog", p->dialog);
	jw_obj_end(&w);
	p->body = str_take(&b);
	p->url = xasprintf("%s/api/v1/presence", c->apis[c->engine]);
	p->running = true;
	p->dirty = false;
	p->sent_ms = loop_now_ms(c->loop);
	p->call = (struct http_call){ .op = { .done = done, .user = c } };
	struct http_request req = { .method = "POST", .url = p->url, .timeout_ms = LIMIT_MS,
				    .body = p->body, .body_len = strlen(p->body),
				    .bearer = c->token, .bearer_prefix = "Authorization: Bearer ",
				    .headers = { "Content-Type: application/json" } };
	http_start(c->http, &p->call, &req);
}

static void on_timer(struct timer *t)
{
	struct client *c = t->user;

	if (c->connected && c->presence.known && !c->dying && !c->presence.running)
		post(c);
}

/* As soon as it may be said. By the timer: this may be called from inside a transfer. */
void presence_now(struct client *c)
{
	struct presence *p = &c->presence;

	if (c->connected && p->known && !p->running)
		again(c, p->sent_ms ? p->sent_ms + APART_MS - loop_now_ms(c->loop) : 0);
}

void client_presence(struct client *c, const char *looking_at, bool dialog)
{
	struct presence *p = &c->presence;
	_cleanup_(free_p) char *clean = text_clean(looking_at ? looking_at : "", 90);
	size_t len = strlen(clean) < sizeof(p->looking_at) ? strlen(clean) :
		sizeof(p->looking_at) - 1;

	clean[utf8_prefix(clean, len)] = '\0';
	if (p->known && p->dialog == dialog && strcmp(p->looking_at, clean) == 0)
		return;
	snprintf(p->looking_at, sizeof(p->looking_at), "%s", clean);
	p->dialog = dialog;
	p->known = p->dirty = true;
	presence_now(c);
}

void presence_init(struct client *c)
{
	c->presence.timer = TIMER_INIT;
	c->presence.timer.user = c;
	random_id(c->presence.session, sizeof(c->presence.session), "con_");
}

void presence_fini(struct client *c)
{
	timer_stop(&c->presence.timer);
	if (c->presence.running)
		c->presence.call.op.cancel(&c->presence.call.op);
}
