/*
 * The link to the engines: asks them who answers, the one used last first and the others
 * a moment later each; takes a snapshot when there is none to go on from; follows the
 * stream; and when that ends, does so again, for ever.
 *
 * Invariants: one engine at a time is followed; a snapshot is taken only when the sequence
 * reached means nothing to the engine; the time between two rounds has a cap and chance.
 */
#include "client/internal.h"

#include <stdio.h>
#include <string.h>

enum {
	STAGGER_MS = 300,		/* head start of an engine before the next is asked */
	PROBE_MS = 4000,
	SNAPSHOT_IDLE_MS = 4000,	/* slow is fine, silent is not */
	SNAPSHOT_MAX = 32 << 20,
	RETRY_MIN_MS = 150,
	RETRY_MAX_MS = 2000,
	RETRY_DENIED_MS = 5000,
};

/* ---- the race ---------------------------------------------------------------------------- */

void link_denied(struct client *c, const char *why)
{
	c->denied = true;
	if (!c->token)
		client_set_trouble(c, "no token is set: RINGDOWN_TOKEN, or token: in the"
				   " configuration ('ringdown token create' makes one)");
	else
		client_set_trouble(c, "%s does not accept the token: %s",
				   client_host(c, c->engine), why);
}

static void take_me(struct client *c, const struct json *me, int64_t latency_ms)
{
	const char *name = json_get_str(me, "name"), *role = json_get_str(me, "role");
	int r = enum_parse(&person_role_names, role);
	int64_t now;

	_cleanup_(free_p) char *clean = text_clean(name ? name : "", 64);

	str_replace(&c->name, clean);
	c->role = r < 0 ? PR_NONE : (enum person_role)r;
	snprintf(c->user, sizeof(c->user), "%s %s", clean, enum_name(&person_role_names,
		(int)c->role));
	str_replace(&c->engine_id, NULL);
	if (json_get_str(me, "engine"))
		c->engine_id = text_clean(json_get_str(me, "engine"), 64);
	if (json_get_str(me, "now") && parse_time_ms(json_get_str(me, "now"), &now))
		client_set_clock(c, now + latency_ms / 2);
}

static void probe_answered(struct client *c, const struct probe *p)
{
	const struct http_reply *r = &p->call.reply;
	char why[300];

	if (r->result != HTTP_DONE) {
		if (r->result != HTTP_CANCELLED)
			client_set_trouble(c, "%s: %s", client_host(c, p->engine),
					   client_reason(r));
		return;
	}
	struct json *me = r->status == 200 ? json_parse(r->body.s, r->body.len, NULL) : NULL;

	if (me && c->winner < 0) {
		c->winner = (int)p->engine;
		c->engine = p->engine;
		c->denied = false;
		take_me(c, me, r->latency_ms);
	} else if (!me && c->winner < 0) {
		client_problem(&r->body, r->status, why, sizeof(why));
		if (r->status == 401 || r->status == 403) {
			c->engine = p->engine;
			link_denied(c, why);
		} else if (!c->denied) {
			client_set_trouble(c, "%s: %s", client_host(c, p->engine), why);
		}
	}
	json_free(me);
}

static void probe_done(struct op *op, int outcome)
{
	struct probe *p = op->user;
	struct client *c = p->client;

	(void)outcome;
	p->running = false;
	c->probing--;
	if (!c->dying)
		probe_answered(c, p);
	http_reply_fini(&p->call.reply);
	condition_wake(&c->probed);
	client_maybe_free(c);
}

static void probe_start(struct client *c, size_t engine)
{
	struct probe *p = &c->probes[engine];
	struct http_request req = { .url = p->url, .timeout_ms = PROBE_MS, .max_body = 65536,
				    .bearer = c->token, .bearer_prefix = "Authorization: Bearer " };

	p->running = true;
	c->probing++;
	p->call = (struct http_call){ .op = { .done = probe_done, .user = p } };
	http_start(c->http, &p->call, &req);
}

static void probes_cancel(struct client *c)
{
	for (size_t i = 0; c->probes && i < c->n_apis; i++)
		if (c->probes[i].running)
			c->probes[i].call.op.cancel(&c->probes[i].call.op);
}

/* The first engine that answers well; false when none does, or when cancelled. */
static bool find_engine(struct client *c)
{
	size_t first = c->engine, asked = 0;

	c->winner = -1;
	c->denied = false;
	while (c->winner < 0 && !task_cancelled()) {
		if (asked < c->n_apis)
			probe_start(c, (first + asked++) % c->n_apis);
		else if (c->probing == 0)
			break;
		condition_wait(&c->probed, asked < c->n_apis ? STAGGER_MS : -1);
	}
	probes_cancel(c);
	while (c->probing > 0 && condition_wait(&c->probed, -1) != OP_CANCELLED)
		;
	return c->winner >= 0 && !task_cancelled();
}

/* ---- snapshot ------------------------------------------------------------------------------- */

struct taking {
	struct client *client;
	struct str body;
};

static void on_snapshot_data(void *ctx, const char *p, size_t n)
{
	struct taking *t = ctx;

	str_addn(&t->body, p, n);
}

static bool load_snapshot(struct client *c, struct str *body)
{
	struct err err = { 0 };
	struct state fresh;
	bool full = body->full, good;

	state_init(&fresh);
	/* the state of before is still there: not the text as well */
	good = !full && state_take_text(&fresh, body, &err) == 0;
	if (!good) {
		state_fini(&fresh);
		client_set_trouble(c, "%s sent a snapshot that cannot be read: %s",
				   client_host(c, c->engine),
				   full ? "it is too big" : err.msg);
		return false;
	}
	client_replace(c, &fresh);
	mem_trim();
	if (condition_wait(&c->taken, -1) == OP_CANCELLED)
		return false;
	c->need_snapshot = false;
	return true;
}

static bool take_snapshot(struct client *c)
{
	struct taking t = { c, STR_INIT(SNAPSHOT_MAX) };
	_cleanup_(free_p) char *url = xasprintf("%s/api/v1/snapshot", c->apis[c->engine]);
	struct http_request req = { .url = url, .on_data = on_snapshot_data, .ctx = &t,
				    .idle_ms = SNAPSHOT_IDLE_MS, .bearer = c->token,
				    .bearer_prefix = "Authorization: Bearer " };
	struct http_reply r;
	bool good = false;
	char why[300];

	http_fetch(c->http, &req, &r);
	if (r.result == HTTP_DONE && r.status == 200) {
		good = load_snapshot(c, &t.body);
	} else if (r.result == HTTP_DONE) {
		client_problem(&t.body, r.status, why, sizeof(why));
		if (r.status == 401 || r.status == 403)
			link_denied(c, why);
		else
			client_set_trouble(c, "%s: %s", client_host(c, c->engine), why);
	} else if (r.result != HTTP_CANCELLED) {
		client_set_trouble(c, "%s: %s", client_host(c, c->engine), client_reason(&r));
	}
	str_fini(&t.body);
	http_reply_fini(&r);
	return good;
}

/* ---- the task ------------------------------------------------------------------- */

static void lost(struct client *c)
{
	if (c->connected)
		c->lost_ms = loop_now_ms(c->loop);
	c->connected = false;
	fallback_wake(c);
	if (c->link != LINK_API && c->link != LINK_CONNECTING)
		return;
	if (c->failures > 0)
		client_set_link(c, c->state.seq > 0 ? LINK_SAVED : LINK_NONE);
	else
		client_set_link(c, LINK_CONNECTING);
	client_tell(c);
}

static int64_t pause_ms(struct client *c)
{
	int64_t ms = RETRY_MIN_MS;

	for (int64_t i = 0; i < c->failures && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	if (c->denied)
		ms = RETRY_DENIED_MS;
	return ms / 2 + (int64_t)(loop_random(c->loop) % (uint64_t)(ms / 2 + 1));
}

static void run(void *arg)
{
	struct client *c = arg;

	while (!task_cancelled()) {
		bool held = false;

		if (find_engine(c)) {
			c->opening = true;
			held = (!c->need_snapshot || take_snapshot(c)) && stream_follow(c);
			c->opening = false;
		}
		if (task_cancelled())
			break;
		c->failures = held ? 0 : c->failures + 1;
		lost(c);
		requests_kick(c);
		condition_wait(&c->retry, pause_ms(c));
	}
}

static void ended(void *arg)
{
	struct client *c = arg;

	c->link_task = NULL;
	client_maybe_free(c);
}

void link_start(struct client *c)
{
	if (c->n_apis == 0) {
		client_set_trouble(c, "no engine address is configured (api: or RINGDOWN_API)");
		return;
	}
	c->probes = xcalloc(c->n_apis, sizeof(*c->probes));
	for (size_t i = 0; i < c->n_apis; i++)
		c->probes[i] = (struct probe){ .client = c, .engine = i,
					       .url = xasprintf("%s/api/v1/me", c->apis[i]) };
	client_set_link(c, LINK_CONNECTING);
	client_set_trouble(c, "connecting to %s", client_host(c, 0));
	c->lost_ms = loop_now_ms(c->loop);
	c->link_task = task_start(c->loop, "link", run, c, ended);
}

void link_stop(struct client *c)
{
	if (c->link_task)
		task_cancel(c->link_task);
	probes_cancel(c);
}
