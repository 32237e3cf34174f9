/*
 * See sentry.h. The board is the memory, the database the truth: what a look moved is written
 * in one transaction under the lease, and when that fails the board is thrown away and made
 * anew from what is stored, so that nothing is believed to be told that was not.
 */
#include "alert/sentry_internal.h"

#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "store/alerts.h"
#include "store/alerts_received.h"
#include "store/control.h"

enum { SERIES_MAX = 50000 };
enum { READERS = 4, STEP_MS = 5000, FASTEST_MS = 1000, KEEP_SAMPLES_MS = 7 * 24 * 3600 * 1000,
       PRUNE_EVERY_MS = 3600000 };

const struct board *sentry_board(const struct sentry *w)
{
	return w ? w->board : NULL;
}

int64_t sentry_look_ms(const struct sentry *w)
{
	return w ? w->look_ms : 0;
}

void sentry_table(const struct policy *p, struct str *ret)
{
	struct jw w = JW(ret);

	jw_arr(&w, NULL);
	for (size_t i = 0; p && i < p->n_inhibit; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "source", p->inhibit[i].source);
		jw_str(&w, "target", p->inhibit[i].target);
		jw_str(&w, "equal", p->inhibit[i].equal);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
}

void sentry_ratings(const struct policy *p, struct str *ret)
{
	struct jw w = JW(ret);

	jw_arr(&w, NULL);
	for (size_t i = 0; p && i < p->n_alerts; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "n", (int64_t)i);
		jw_str(&w, "alert", p->alerts[i].alert);
		jw_str(&w, "level", p->alerts[i].level);
		jw_str(&w, "severity", p->alerts[i].severity);
		jw_str(&w, "runbook", p->alerts[i].runbook);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
}

/* ---- the board from what is stored ----------------------------------------------------------- */

static bool has_series(const struct board *b, const struct alert *a)
{
	for (size_t i = 0; i < b->n; i++)
		if (board_open(&b->v[i]) && str_eq(b->v[i].s.label, a->subject) &&
		    str_eq(b->metrics[b->v[i].metric].of->name, a->name))
			return true;
	return false;
}

/* Alerts of metrics that the policy no longer has, or whose series nobody remembers. */
static int end_orphans(struct sentry *w, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(w->epoch);
	struct alert *rows = NULL;
	size_t n = 0;
	int e = alerts_list(w->d.store, loop_wall_ms(w->d.loop), 1000, &rows, &n, err);

	if (e == 0)
		e = tx_begin(w->d.store, &t, &who, err);
	for (size_t i = 0; e == 0 && i < n; i++) {
		const struct alert *a = &rows[i];

		if (a->state == AL_RESOLVED || !str_eq(a->source, "policy") ||
		    str_eq(a->name, "metric-unreadable") || has_series(w->board, a))
			continue;
		e = a->state == AL_PENDING ? alert_drop(&t, a->name, a->subject, err) :
					     alert_resolve(&t, a->name, a->subject, NULL, err);
	}
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	alerts_free(rows, n);
	return e;
}

static void forget(struct sentry *w)
{
	board_free(w->board);
	w->board = NULL;
}

static int load(struct sentry *w, const struct policy *p, int64_t epoch, struct err *err)
{
	int64_t now = loop_wall_ms(w->d.loop);
	struct series_row *rows = NULL;
	size_t n = 0;
	int e = series_load(w->d.store, &rows, &n, err);

	if (e < 0)
		return e;
	forget(w);
	w->board = board_new(p, w->d.speed);
	w->epoch = epoch;
	for (size_t i = 0; i < n; i++) {
		_cleanup_(json_free_p) struct json *doc =
			json_parse(rows[i].doc, strlen(rows[i].doc), NULL);

		board_restore(w->board, rows[i].name, rows[i].label, doc, now);
	}
	series_rows_free(rows, n);
	for (size_t i = 0; i < w->board->n_metrics; i++)
		w->board->metrics[i].shown = -1; /* an alert of the last life may be open */
	e = end_orphans(w, err);
	if (e < 0)
		forget(w);
	return e;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
	struct sentry *w;
	const struct policy *policy;
	size_t metric;
	bool asked;
	int e;
	struct metric_points points;
	struct err err;
};

static void read_one(void *arg)
{
	struct reading *r = arg;

	r->asked = true;
	r->e = metric_read(r->w->d.metrics, r->policy, &r->policy->metrics[r->metric], 0, 0,
			   &r->points, &r->err);
}

/* All that are due, a few at a time; false: cancelled. */
static bool read_all(struct sentry *w, struct reading *v, size_t n)
{
	struct crowd c;

	crowd_init(&c, READERS);
	for (size_t i = 0; i < n && !w->duty.stopping; i++)
		if (crowd_add(&c, "metric", read_one, &v[i]) != 0)
			break;
	crowd_join(&c);
	return !w->duty.stopping && !task_cancelled();
}

static void judge(struct sentry *w, struct reading *v, size_t n)
{
	int64_t now = loop_wall_ms(w->d.loop);

	for (size_t i = 0; i < n; i++) {
		if (!v[i].asked)
			continue;
		if (v[i].e == 0)
			board_read(w->board, v[i].metric, &v[i].points, now);
		else
			board_failed(w->board, v[i].metric, v[i].err.msg, now);
	}
	board_tick(w->board, now);
}

static bool look_at_metrics(struct sentry *w, const struct policy *p)
{
	int64_t now = loop_wall_ms(w->d.loop);
	struct reading *v = xcalloc(p->n_metrics + 1, sizeof(*v));
	size_t n = 0;
	bool done;

	for (size_t i = 0; i < p->n_metrics; i++) {
		size_t m = board_order(w->board, i);

		if (board_due(w->board, m, now))
			v[n++] = (struct reading){ .w = w, .policy = p, .metric = m };
	}
	done = read_all(w, v, n);
	if (done)
		judge(w, v, n);
	for (size_t i = 0; i < n; i++)
		metric_points_fini(&v[i].points);
	free_p(&v);
	return done;
}

/* ---- a look ---------------------------------------------------------------------------------- */

/* Durations are of time that passed, whatever was done to the wall clock. */
static void follow_clock(struct sentry *w)
{
	int64_t wall = loop_wall_ms(w->d.loop), mono = loop_now_ms(w->d.loop);
	int64_t step = (wall - w->wall_ms) - (mono - w->mono_ms);

	if (w->wall_ms && (step > STEP_MS || step < -STEP_MS))
		board_shift(w->board, step);
	w->wall_ms = wall;
	w->mono_ms = mono;
}

int sentry_look(struct sentry *w, struct err *err)
{
	int64_t began = loop_now_ms(w->d.loop), epoch = w->d.epoch(w->d.ctx);
	const struct policy *p = w->d.policy(w->d.ctx);
	int e = 0;

	if (!epoch || !p)
		forget(w);
	if (!epoch)
		return 0;
	w->epoch = p ? w->epoch : epoch;
	if (!p)
		return sentry_keep(w, NULL, err);
	if (!w->board || w->board->policy != p || w->epoch != epoch)
		e = load(w, p, epoch, err);
	if (e < 0)
		return e;
	follow_clock(w);
	if (!look_at_metrics(w, p))
		return 0;
	e = sentry_keep(w, p, err);
	w->board->n_changes = 0;
	/* labels that came and went take their room with them: what matters is stored */
	if (e < 0 || w->board->n > SERIES_MAX)
		forget(w);
	w->look_ms = loop_now_ms(w->d.loop) - began;
	return e;
}

/* A bounded piece of what is old; true: the next look takes another one. */
static bool prune(struct sentry *w, int64_t now)
{
	const struct alert_settings *set = w->d.set;
	struct err err = { 0 };
	bool more = false;
	int e = samples_prune(w->d.store, now - KEEP_SAMPLES_MS, &err);

	if (e == 0)
		e = alerts_received_prune(w->d.store, now - set->received_keep_ms, &more, &err);
	if (e == 0)
		e = alerts_prune(w->d.store, now - set->keep_ms, &more, &err);
	if (e < 0 && e != ERR_CANCELLED)
		log_warn("alerts", "what is old could not be taken away: %s", err.msg);
	return e == 0 && more;
}

static int64_t turn(void *arg)
{
	struct sentry *w = arg;
	int64_t every = (int64_t)(BOARD_EVERY_MS / (w->d.speed > 1 ? w->d.speed : 1));
	int64_t now = loop_wall_ms(w->d.loop);
	struct err err = { 0 };

	if (sentry_look(w, &err) < 0 && err.code != ERR_CANCELLED)
		log_warn("alerts", "rules were not looked at: %s", err.msg);
	if (w->d.epoch(w->d.ctx) && now - w->pruned_ms > PRUNE_EVERY_MS)
		w->pruned_ms = prune(w, now) ? now - PRUNE_EVERY_MS : now;
	return every > FASTEST_MS ? every : FASTEST_MS;
}

struct sentry *sentry_new(const struct sentry_deps *d)
{
	struct sentry *w = xcalloc(1, sizeof(*w));

	w->d = *d;
	return w;
}

void sentry_start(struct sentry *w)
{
	duty_start(&w->duty, w->d.loop, "rules", turn, w);
}

void sentry_wake(struct sentry *w)
{
	if (w)
		duty_wake(&w->duty);
}

void sentry_stop(struct sentry *w)
{
	if (w)
		duty_stop(&w->duty);
}

bool sentry_idle(const struct sentry *w)
{
	return !w || duty_idle(&w->duty);
}

void sentry_free(struct sentry *w)
{
	if (!w || !duty_idle(&w->duty))
		return;
	forget(w);
	free_p(&w);
}
