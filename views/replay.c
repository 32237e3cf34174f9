/*
 * Replay: the console at an instant of the past. The engine gives the state some rows before
 * it; from there the journal's rows are applied one by one by the reducer of the live state,
 * so every view shows what it showed then. What is not journaled says so.
 *
 * Invariants: the rows after the base are held without a hole, so stepping back is folding
 * again from the base; nothing can be done while the past is shown; the live state goes on
 * behind it and is there again at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "ui/keys.h"
#include "views/incidents.h"

enum {
	BACK = 150,  /* rows before the instant that are asked for with it */
	PAGE = 300,  /* rows of one answer */
	AHEAD = 100, /* fewer than these left: ask for more */
	MOST = 1200, /* more behind us: the base moves up */
	TICK_MS = 100,
	SKEW_MS = 10000,
	FASTEST = 60,
};

struct replay {
	struct app *app;
	bool on, wanted;    /* shown; asked for and not here yet */
	struct state state; /* base and the first `applied` rows */
	char *base;         /* a state's text; rows[0] is the row after it */
	int64_t base_at_ms;
	struct replay_row {
		int64_t seq, at_ms;
		char *text;
	} * rows;
	size_t n, cap, applied;
	int64_t at_ms, head;       /* the instant; the journal's newest row */
	int64_t want_ms, want_seq; /* of what is asked for; seq -1 = by time */
	bool playing, at_end;
	int speed;
	struct timer timer;
	struct client_request *seek, *more;
	char incident[24], problem[160];
};

static void forget(struct replay *r)
{
	for (size_t i = 0; i < r->n; i++)
		free_p(&r->rows[i].text);
	r->n = r->applied = 0;
	free_p(&r->base);
}

static void cancel(struct replay *r)
{
	if (r->seek)
		client_cancel(TAKE(r->seek));
	if (r->more)
		client_cancel(TAKE(r->more));
}

/* ---- folding ---- */

static void apply(struct replay *r, size_t i)
{
	struct json *entry = json_parse(r->rows[i].text, strlen(r->rows[i].text), NULL);

	if (entry)
		state_apply(&r->state, entry, NULL);
	json_free(entry);
	r->state.now_ms = r->rows[i].at_ms;
}

/* What belongs to every instant of it: where we are, not what was then. */
static void dress(struct replay *r)
{
	const struct state *live = client_state(r->app->client);

	str_replace(&r->state.environment, live->environment);
	r->state.production = live->production;
	r->state.demo = live->demo;
	r->state.database_ok = true;
}

static void fold_to(struct replay *r, size_t applied)
{
	if (applied < r->applied) {
		state_load_text(&r->state, r->base, strlen(r->base), NULL);
		r->applied = 0;
	}
	while (r->applied < applied)
		apply(r, r->applied++);
	dress(r);
}

/* The base moves up, so that a long look at it does not grow without end. */
static void rebase(struct replay *r)
{
	size_t drop = r->applied - BACK;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	size_t applied = r->applied;

	fold_to(r, drop);
	state_json(&w, NULL, &r->state);
	str_replace(&r->base, str_get(&b));
	r->base_at_ms = r->rows[drop - 1].at_ms;
	str_fini(&b);
	for (size_t i = 0; i < drop; i++)
		free_p(&r->rows[i].text);
	memmove(r->rows, r->rows + drop, (r->n - drop) * sizeof(*r->rows));
	r->n -= drop;
	r->applied = 0;
	fold_to(r, applied - drop);
}

/* ---- asking ---- */

static void ask_more(struct replay *r);

static void take_rows(struct replay *r, const struct json *doc)
{
	r->head = json_get_i64(doc, "head", r->head);
	for (const struct json *x = json_first(json_get(doc, "entries")); x; x = json_next(x)) {
		struct str b = STR_INIT(STR_MAX_DEFAULT);
		int64_t at = 0;

		if (json_get_str(x, "at"))
			parse_time_ms(json_get_str(x, "at"), &at);
		json_print_ordered(&b, x);
		r->rows = grow(r->rows, &r->cap, r->n + 1, sizeof(*r->rows));
		r->rows[r->n++] =
		        (struct replay_row){ json_get_i64(x, "seq", 0), at, str_take(&b) };
	}
}

static int64_t last_seq(const struct replay *r)
{
	return r->n ? r->rows[r->n - 1].seq : r->state.seq;
}

/* Rows up to the last that was stamped by then: numbers are given later than stamps, so one
 * or the other before it may bear a later one. */
static size_t rows_until(const struct replay *r, size_t from, int64_t at_ms)
{
	size_t to = from;

	for (size_t i = from; i < r->n && r->rows[i].at_ms <= at_ms + SKEW_MS; i++)
		if (r->rows[i].at_ms <= at_ms)
			to = i + 1;
	return to;
}

/* As far as the instant goes; asks for the rest of it. */
static void settle(struct replay *r)
{
	size_t to = r->applied;

	if (r->want_seq >= 0) {
		while (to < r->n && r->rows[to].seq <= r->want_seq)
			to++;
		fold_to(r, to);
		if (r->applied)
			r->at_ms = r->rows[r->applied - 1].at_ms;
		if (r->n && to == r->n && last_seq(r) < r->want_seq && last_seq(r) < r->head)
			ask_more(r);
		else
			r->want_seq = -1;
	} else {
		fold_to(r, rows_until(r, to, r->at_ms));
	}
	r->at_end = r->applied == r->n && last_seq(r) >= r->head;
	if (r->n - r->applied < AHEAD && last_seq(r) < r->head)
		ask_more(r);
}

static void got_more(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct replay *r = ctx;

	r->more = NULL;
	if (status == 200) {
		r->problem[0] = '\0';
		take_rows(r, doc);
		settle(r);
	} else {
		snprintf(r->problem, sizeof(r->problem), "%s", problem ? problem : "no answer");
	}
	shell_changed(r->app->shell);
}

static void ask_more(struct replay *r)
{
	char path[120];

	if (r->more || r->seek)
		return;
	snprintf(path, sizeof(path), "/api/v1/journal?after=%lld&limit=%d", (long long)last_seq(r),
	         PAGE);
	r->more = client_get(r->app->client, path, got_more, r);
}

static void begin(struct replay *r, const struct json *doc)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	const char *at = json_get_str(doc, "at");

	forget(r);
	json_print_ordered(&b, json_get(doc, "state"));
	r->base = str_take(&b);
	state_load_text(&r->state, r->base, strlen(r->base), NULL);
	r->base_at_ms = 0;
	if (at)
		parse_time_ms(at, &r->base_at_ms);
	r->head = json_get_i64(doc, "head", 0);
	r->at_ms = r->want_ms ? r->want_ms : r->base_at_ms;
	dress(r);
	r->on = true;
	r->wanted = false;
	ask_more(r);
}

static void got_state(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct replay *r = ctx;

	r->seek = NULL;
	if (status == 200) {
		r->problem[0] = '\0';
		begin(r, doc);
	} else {
		r->wanted = false;
		r->playing = false;
		snprintf(r->problem, sizeof(r->problem), "%s", problem ? problem : "no answer");
		shell_say(r->app->shell, ROLE_error, "replay: %s", r->problem);
	}
	shell_changed(r->app->shell);
}

static void ask_state(struct replay *r, int64_t at_ms, int64_t seq)
{
	char path[200], time[TIME_TEXT];

	cancel(r);
	r->want_ms = seq >= 0 ? 0 : at_ms;
	r->want_seq = seq;
	if (seq >= 0)
		snprintf(path, sizeof(path), "/api/v1/replay?back=%d&seq=%lld", BACK,
		         (long long)seq);
	else
		snprintf(path, sizeof(path), "/api/v1/replay?back=%d&at=%s", BACK,
		         format_time(time, at_ms));
	r->wanted = true;
	r->seek = client_get(r->app->client, path, got_state, r);
}

/* ---- moving ---- */

static void go_time(struct replay *r, int64_t at_ms)
{
	bool known = r->n && at_ms >= r->base_at_ms &&
	             (at_ms <= r->rows[r->n - 1].at_ms || last_seq(r) >= r->head);
	int64_t now = client_server_now_ms(r->app->client);

	if (at_ms > now)
		at_ms = now;
	r->want_seq = -1;
	if (!known || r->seek) {
		ask_state(r, at_ms, -1);
		return;
	}
	if (at_ms < r->at_ms) { /* back: everything after it is taken off again */
		size_t to = rows_until(r, 0, at_ms);
		fold_to(r, to < r->applied ? to : r->applied);
	}
	r->at_ms = at_ms;
	settle(r);
}

static void step(struct replay *r, int by)
{
	r->playing = false;
	if (r->seek)
		return;
	if (by > 0 && r->applied < r->n) {
		fold_to(r, r->applied + 1);
		if (r->rows[r->applied - 1].at_ms > r->at_ms)
			r->at_ms = r->rows[r->applied - 1].at_ms;
		r->want_seq = -1;
		settle(r);
	} else if (by < 0 && r->applied > 1) {
		fold_to(r, r->applied - 1);
		r->at_ms = r->rows[r->applied - 1].at_ms;
		r->at_end = false;
	} else if (by < 0 && r->state.seq > 1) {
		ask_state(r, 0, r->state.seq - 1);
	} else {
		shell_say(r->app->shell, ROLE_hint,
		          by < 0 ? "this is where the journal begins"
		                 : "nothing was recorded after this");
	}
}

static void on_tick(struct timer *t)
{
	struct replay *r = t->user;

	if (!r->on || !r->playing)
		return;
	if (!r->seek && r->want_seq < 0) {
		r->at_ms += (int64_t)TICK_MS * r->speed;
		settle(r);
		if (r->applied > MOST)
			rebase(r);
	}
	if (r->at_end || r->at_ms >= client_server_now_ms(r->app->client)) {
		r->playing = false;
		shell_say(r->app->shell, ROLE_hint, "nothing was recorded after this");
	}
	timer_start(r->app->loop, &r->timer, TICK_MS, on_tick);
	shell_changed(r->app->shell);
}

static void on_where(void *ctx, const char *text)
{
	struct replay *r = ctx;
	int64_t at = 0;

	if (!text)
		return;
	if (!app_when(r->app, text, &at))
		shell_say(r->app->shell, ROLE_warn,
		          "such as 10:51, 10:51:30, -2h or 2026-11-21T10:51:00Z");
	else if (at)
		go_time(r, at);
	shell_changed(r->app->shell);
}

static void leave(struct replay *r)
{
	struct app *a = r->app;

	cancel(r);
	timer_stop(&r->timer);
	r->on = r->playing = r->wanted = false;
	forget(r);
	state_fini(&r->state);
	state_init(&r->state);
	shell_say(a->shell, ROLE_hint, "this is the present again");
	shell_changed(a->shell);
}

static void play(struct replay *r)
{
	r->playing = !r->playing && !r->at_end;
	if (r->playing)
		timer_start(r->app->loop, &r->timer, TICK_MS, on_tick);
	else if (r->at_end)
		shell_say(r->app->shell, ROLE_hint, "nothing was recorded after this");
}

bool app_replay_key(void *app, uint32_t key)
{
	struct app *a = app;
	struct replay *r = a->replay;

	if (!r || !r->on)
		return false;
	switch (key) {
	case KEY_LEFT:
	case KEY_RIGHT:
		step(r, key == KEY_RIGHT ? 1 : -1);
		break;
	case '[':
	case ']':
		go_time(r, r->at_ms + (key == ']' ? 1000 : -1000));
		break;
	case '{':
	case '}':
		go_time(r, r->at_ms + (key == '}' ? 60000 : -60000));
		break;
	case KEY_SPACE:
		play(r);
		break;
	case '+':
	case '-':
		r->speed = key == '+' ? r->speed * 2 : r->speed / 2;
		r->speed = r->speed < 1 ? 1 : r->speed > FASTEST ? FASTEST : r->speed;
		break;
	case '@':
		shell_ask(a->shell, "go to", "", false, on_where, r);
		break;
	case 'q':
	case 'T':
		leave(r);
		break;
	default:
		return false;
	}
	shell_changed(a->shell);
	return true;
}

/* ---- for the rest of the console ---- */

const char app_past_why[] = "this is the past: nothing can be done in it (q leaves it)";

bool app_past(const struct app *a)
{
	return a->replay && a->replay->on;
}

const struct state *app_past_state(const struct app *a)
{
	return &a->replay->state;
}

int64_t app_past_ms(const struct app *a)
{
	return a->replay->at_ms;
}

void app_past_header(const struct app *a, struct header *h)
{
	const struct replay *r = a->replay;
	const struct incident *i = app_incident_find(a, r->incident);
	char full[TIME_TEXT], clock[WHEN_TEXT], since[80] = "";

	format_time(full, r->at_ms);
	snprintf(h->past, sizeof(h->past), "PAST %.10s %s", full,
	         when_clock(clock, r->at_ms, shell_utc(a->shell)));
	if (i && r->at_ms >= i->declared_at_ms)
		snprintf(since, sizeof(since), "%s +%s  ", i->id,
		         when_span(clock, r->at_ms - i->declared_at_ms));
	snprintf(h->coach, sizeof(h->coach), "%s%lld of %lld  %s %dx  %s", since,
	         (long long)r->state.seq, (long long)r->head,
	         r->seek || r->more ? "asking"
	         : r->playing       ? "plays"
	         : r->at_end        ? "END"
	                            : "stands",
	         r->speed, "<- -> [ ] step  Space + - @  q leaves");
	snprintf(h->trouble, sizeof(h->trouble), "%s", r->problem);
}

void app_replay(struct app *a, const char *incident, int64_t at_ms)
{
	const struct incident *open = app_incident_open(a), *i;
	struct replay *r = a->replay;

	if (!r) {
		r = a->replay = xcalloc(1, sizeof(*r));
		r->app = a;
		r->speed = 1;
		r->timer = TIMER_INIT;
		r->timer.user = r;
		state_init(&r->state);
	}
	snprintf(r->incident, sizeof(r->incident), "%s",
	         !str_empty(incident) ? incident
	         : open               ? open->id
	                              : "");
	i = app_incident_find(a, r->incident);
	if (!at_ms && i)
		at_ms = i->declared_at_ms;
	if (!at_ms)
		at_ms = client_server_now_ms(a->client) - 600000;
	ask_state(r, at_ms, -1);
}

void app_replay_free(struct app *a)
{
	struct replay *r = a->replay;

	if (!r)
		return;
	cancel(r);
	timer_stop(&r->timer);
	forget(r);
	free_p(&r->rows);
	state_fini(&r->state);
	free_p(&a->replay);
}
