/*
 * The engines: lease and epoch, replicas, gates of every lineage, automation, database,
 * cycle times, outbox, who could not be told. All of it is in the state; nothing is
 * fetched here.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/app.h"

struct row {
	enum { ROW_GATE, ROW_PEER, ROW_MESSAGE, ROW_ALERT } kind;
	char what[24], on[48], state[24], text[200];
	enum role role;
	char key[64];
};
struct engine {
	struct row *rows;
	size_t n, cap;
};

static struct row *add(struct engine *g)
{
	g->rows = grow(g->rows, &g->cap, g->n + 1, sizeof(*g->rows));
	g->rows[g->n] = (struct row){ 0 };
	return &g->rows[g->n++];
}

static enum role col_what(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", ((const struct row *)rec)->what);
	return ROLE_label;
}

static enum role col_on(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", ((const struct row *)rec)->on);
	return ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", ((const struct row *)rec)->state);
	return ((const struct row *)rec)->role;
}

static enum role col_text(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", ((const struct row *)rec)->text);
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "WHAT", .w = 8, .text = col_what },
	{ .title = "ON", .w = 12, .wide = 26, .text = col_on, .drop = 1 },
	{ .title = "STATE", .w = 8, .text = col_state },
	{ .title = "WHY", .w = 10, .grow = true, .text = col_text },
};

static void add_peers(struct engine *g, const struct app *a, const struct state *s)
{
	char t[WHEN_TEXT];

	for (size_t i = 0; i < s->n_peers; i++) {
		const struct peer *p = &s->peers[i];
		int64_t age = app_now(a) - p->seen_ms;
		struct row *r = add(g);
		bool gone = p->seen_ms && age > 15000;
		r->kind = ROW_PEER;
		snprintf(r->what, sizeof(r->what), "engine");
		snprintf(r->on, sizeof(r->on), "%.40s", p->id ? p->id : "?");
		snprintf(r->state, sizeof(r->state), "%s",
		         gone        ? "SILENT"
		         : p->leader ? "leads"
		                     : "follows");
		r->role = gone ? ROLE_bad : p->leader ? ROLE_ok : ROLE_normal;
		snprintf(r->text, sizeof(r->text), "%.60s%s%s  epoch %lld",
		         p->address ? p->address : "", gone ? "  last seen " : "",
		         gone ? when_age(t, age) : "", (long long)p->epoch);
		snprintf(r->key, sizeof(r->key), "p%.60s", p->id ? p->id : "");
	}
}

static void add_gates(struct engine *g, const struct app *a, const struct state *s)
{
	for (int pass = 0; pass < 2; pass++) /* shut gates first */
		for (size_t i = 0; i < s->n_gates; i++)
			for (size_t k = 0; k < s->gates[i].n_gates; k++) {
				const struct gate_result *x = &s->gates[i].gates[k];
				struct row *r;
				if (x->pass != (pass == 1))
					continue;
				r = add(g);
				r->kind = ROW_GATE;
				snprintf(r->what, sizeof(r->what), "gate");
				snprintf(r->on, sizeof(r->on), "%.40s",
				         app_account(a, s->gates[i].lineage));
				snprintf(r->state, sizeof(r->state), "%s",
				         x->pass ? "open" : "SHUT");
				r->role = x->pass ? ROLE_ok : ROLE_bad;
				snprintf(r->text, sizeof(r->text), "%s: %.150s", gate_name(x->gate),
				         x->why ? x->why : "");
				snprintf(r->key, sizeof(r->key), "g%.40s-%d", s->gates[i].lineage,
				         x->gate);
			}
}

static void add_messages(struct engine *g, const struct state *s)
{
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct message *m = &s->messages[i];
		struct row *r;
		if (str_eq(m->state, "sent"))
			continue;
		r = add(g);
		r->kind = ROW_MESSAGE;
		snprintf(r->what, sizeof(r->what), "notify");
		snprintf(r->on, sizeof(r->on), "%.40s", m->channel ? m->channel : "?");
		snprintf(r->state, sizeof(r->state), "%s",
		         str_eq(m->state, "dead") ? "DEAD" : "waiting");
		r->role = str_eq(m->state, "dead") ? ROLE_bad : ROLE_warn;
		snprintf(r->text, sizeof(r->text), "%.20s to %.40s: %.100s (%lld tries)",
		         m->event  ? m->event
		         : m->kind ? m->kind
		                   : "",
		         m->to ? m->to : "?", m->error ? m->error : "not sent yet",
		         (long long)m->attempts);
		snprintf(r->key, sizeof(r->key), "m%.60s", m->id ? m->id : "");
	}
}

static void add_alerts(struct engine *g, const struct app *a, const struct state *s)
{
	for (size_t i = 0; i < s->n_alerts; i++) {
		const struct alert *x = &s->alerts[i];
		struct row *r;
		if (x->state == AL_RESOLVED)
			continue;
		r = add(g);
		r->kind = ROW_ALERT;
		snprintf(r->what, sizeof(r->what), "alert");
		snprintf(r->on, sizeof(r->on), "%.40s",
		         app_account(a, str_empty(x->subject) ? x->name : x->subject));
		snprintf(r->state, sizeof(r->state), "%s",
		         x->state == AL_FIRING ? "FIRING" : "pending");
		r->role = x->state == AL_FIRING ? ROLE_warn : ROLE_normal;
		snprintf(r->text, sizeof(r->text), "%.40s: %.140s", x->name ? x->name : "",
		         x->text ? x->text : "");
		snprintf(r->key, sizeof(r->key), "a%.60s", x->id ? x->id : "");
	}
}

static void update(struct view *v)
{
	struct engine *g = v->state;
	const struct state *s = app_state(v->app);

	g->n = 0;
	add_peers(g, v->app, s);
	add_alerts(g, v->app, s);
	add_messages(g, s);
	add_gates(g, v->app, s);
	list_begin(&v->list);
	for (size_t i = 0; i < g->n; i++)
		list_add(&v->list, &g->rows[i], g->rows[i].key);
	list_end(&v->list);
}

static void close_(struct view *v)
{
	free_p(&((struct engine *)v->state)->rows);
}

static int head(struct view *v, struct area a)
{
	const struct app *app = v->app;
	const struct state *s = app_state(app);
	const struct control *c = &s->control;
	char buf[300], as_of[80], title[120];
	int64_t epoch = 0;

	for (size_t i = 0; i < s->n_peers; i++)
		if (s->peers[i].leader)
			epoch = s->peers[i].epoch;
	app_as_of(app, as_of);
	snprintf(title, sizeof(title), "ENGINE %s", as_of);
	area_rule(a, 0, title);
	snprintf(buf, sizeof(buf), "%s   epoch %lld   connected to %s",
	         str_empty(s->leader) ? "nobody" : s->leader, (long long)epoch,
	         client_where(app->client));
	area_text(a, 1, 1, ROLE_label, "LEASE");
	area_field(a, 12, 1, a.w - 13, 0, str_empty(s->leader) ? ROLE_bad : ROLE_normal, buf);
	snprintf(buf, sizeof(buf), "%s%s%s%s%s",
	         c->paused        ? "PAUSED by "
	         : c->maintenance ? "MAINTENANCE by "
	         : c->shadow      ? "SHADOW: observes, acts on nothing"
	                          : "on",
	         (c->paused || c->maintenance) && c->by ? c->by : "",
	         c->reason && (c->paused || c->maintenance) ? ": " : "",
	         c->reason && (c->paused || c->maintenance) ? c->reason : "", "");
	area_text(a, 1, 2, ROLE_label, "AUTOMATION");
	area_field(a, 12, 2, a.w - 13, 0,
	           c->paused || c->maintenance || c->shadow ? ROLE_warn : ROLE_normal, buf);
	snprintf(buf, sizeof(buf), "%s%s%s",
	         !s->seq          ? "?"
	         : s->database_ok ? "ok"
	                          : "DOWN",
	         str_empty(s->database_why) ? "" : ": ",
	         str_empty(s->database_why) ? "" : s->database_why);
	area_text(a, 1, 3, ROLE_label, "DATABASE");
	area_field(a, 12, 3, a.w - 13, 0, s->database_ok ? ROLE_ok : ROLE_bad, buf);
	snprintf(buf, sizeof(buf),
	         "last health cycle %.1f s   outbox %lld waiting, %lld dead   version %s",
	         (double)s->cycle_ms / 1000, (long long)s->outbox_waiting,
	         (long long)s->outbox_dead, s->version ? s->version : "?");
	area_text(a, 1, 4, ROLE_label, "FIGURES");
	area_field(a, 12, 4, a.w - 13, 0, s->outbox_dead ? ROLE_warn : ROLE_normal, buf);
	return 5;
}

static void draw(struct view *v, struct area a)
{
	int y = a.h > 10 ? head(v, a) : 0;

	list_draw(&v->list, area_sub(a, 0, y, a.w, a.h - y), NULL, true);
	if (!v->list.total)
		area_text(a, 1, y + 1, ROLE_dim,
		          v->list.filter[0] ? "nothing matches the filter"
		                            : "nothing known of the engines yet");
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct row *r = list_selected(&v->list);

	if (!r)
		return false;
	*ret = (struct subject){ .kind = "row" };
	snprintf(ret->id, sizeof(ret->id), "%s", r->on);
	if (r->kind == ROW_ALERT) { /* its key carries the id */
		snprintf(ret->kind, sizeof(ret->kind), "alert");
		snprintf(ret->id, sizeof(ret->id), "%s", r->key + 1);
		snprintf(ret->title, sizeof(ret->title), "the alert on %.60s", r->on);
	}
	snprintf(ret->command, sizeof(ret->command), "%s",
	         r->kind == ROW_GATE    ? "ringdown gates"
	         : r->kind == ROW_ALERT ? "ringdown alerts"
	                                : "ringdown status");
	return true;
}

static const enum act keys[] = { ACT_AUTOMATION, ACT_RUNBOOK, ACT_FILTER, ACT_SORT, ACT_BACK,
				 ACT_NONE };

const struct view_def view_engine = {
	.present = true,
	.name = "engine",
	.title = "Engine",
	.key = '9',
	.help = "lease, replicas, gates, alerts, who could not be told",
	.state_size = sizeof(struct engine),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.subject = subject,
	.close = close_,
};
