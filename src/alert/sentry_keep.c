/*
 * What a look at the rules moved, in one transaction under the lease: alerts, what hushes them,
 * what people are told, where each series stands. Bounded whatever fires: a metric has at most
 * so many alerts of its own, and one more that counts the rest.
 */
#include <stdio.h>

#include "alert/sentry_internal.h"
#include "alert/tell.h"
#include "core/mem.h"
#include "store/alerts.h"
#include "store/control.h"

#define LEFT_OUT "more series"

enum {
	KEPT_MAX = 100 /* alerts of one metric */, PART = 2000 /* series at once */,
	SHOWN_MAX = 500, SAMPLED_MAX = 200, REFRESH_MS = 5 * 60000, SAMPLE_MS = 60000,
};

static int keep_series(struct sentry *w, struct tx *t, struct board_series *s,
		       struct err *err)
{
	struct board_metric *m = &w->board->metrics[s->metric];
	const char *name = m->of->name;
	struct alert a = { 0 };
	int e;

	if (!s->kept && (!board_open(s) || m->n_kept >= KEPT_MAX))
		return 0; /* there is no room for it: keep_left_out tells of it */
	if (s->kept != board_open(s)) {
		m->n_kept += s->kept ? -1 : 1;
		s->kept = !s->kept;
		s->changed = true;
	}
	if (s->s.state == AL_RESOLVED)
		return alert_resolve(t, name, s->s.label, NULL, err);
	if (!board_open(s))
		return alert_drop(t, name, s->s.label, err);
	board_alert(w->board, s, w->d.shown ? w->d.shown(w->d.ctx, s->s.label) : NULL, &a);
	e = alert_put(t, &a, err);
	record_fini(&alert_type, &a);
	return e;
}

/* What moved; now and then also the figures of what fires. */
static int keep_changes(struct sentry *w, struct tx *t, struct err *err)
{
	struct board *b = w->board;
	bool refresh = tx_now_ms(t) - w->refreshed_ms >= REFRESH_MS;
	size_t kept = 0;
	int e = 0;

	for (size_t i = 0; e == 0 && i < b->n_changes; i++)
		e = keep_series(w, t, &b->v[b->changes[i].series], err);
	for (size_t i = 0; refresh && e == 0 && i < b->n && kept < SHOWN_MAX; i++)
		if (b->v[i].kept && !b->v[i].s.stale) {
			e = keep_series(w, t, &b->v[i], err);
			kept++;
		}
	if (refresh)
		w->refreshed_ms = tx_now_ms(t);
	return e;
}

/* Firing series that had no room, by metric: one more alert says how many. */
static int keep_left_out(struct sentry *w, struct tx *t, struct err *err)
{
	const struct board *b = w->board;
	size_t *out = xcalloc(b->n_metrics + 1, sizeof(*out));
	int e = 0;

	for (size_t i = 0; i < b->n; i++)
		out[b->v[i].metric] += b->v[i].s.state == AL_FIRING && !b->v[i].kept;
	for (size_t i = 0; e == 0 && i < b->n_metrics; i++) {
		struct board_metric *m = &b->metrics[i];
		const char *bad = m->of->severity_bad, *warn = m->of->severity_warn;
		_cleanup_(free_p) char *priority = bad || warn ? xstrdup(bad ? bad : warn) : NULL;
		_cleanup_(free_p) char *text = xasprintf("%s: %zu more series beside the %zu"
			" that are listed", m->of->title ? m->of->title : m->of->name, out[i],
			m->n_kept);
		struct alert a = { .name = m->of->name, .subject = (char[]){ LEFT_OUT },
				   .text = text, .severity = (char[]){ "bad" }, .state = AL_FIRING,
				   .priority = priority, .source = (char[]){ "policy" },
				   .grouping = m->of->group ? m->of->group : m->of->name,
				   .count = (int64_t)out[i], .runbook = m->of->runbook };

		if (out[i] == m->left_out)
			continue;
		e = out[i] ? alert_put(t, &a, err) : alert_resolve(t, a.name, a.subject, NULL, err);
		m->left_out = out[i];
	}
	free_p(&out);
	return e;
}

static int keep_unreadable(struct sentry *w, struct tx *t, struct err *err)
{
	const struct policy_alert *rating = policy_alert(w->board->policy, "metric-unreadable",
							 "warn");
	int e = 0;

	for (size_t i = 0; e == 0 && i < w->board->n_metrics; i++) {
		struct board_metric *m = &w->board->metrics[i];
		_cleanup_(free_p) char *text = NULL;
		struct alert a = { .name = (char[]){ "metric-unreadable" },
				   .severity = (char[]){ "warn" }, .state = AL_FIRING,
				   .priority = rating ? rating->severity : NULL,
				   .runbook = rating ? rating->runbook : NULL,
				   .source = (char[]){ "policy" }, .since_ms = m->failed_since_ms };

		if (m->unreadable ? m->shown == 1 && str_eq(m->why, m->shown_why) :
				    m->shown == 0 || !m->read_at_ms || m->failed_since_ms)
			continue;
		snprintf(m->shown_why, sizeof(m->shown_why), "%s", m->why);
		if (m->unreadable) {
			text = xasprintf("%s cannot be judged, it is unknown: %s",
					 m->of->title ? m->of->title : m->of->name, m->why);
			a.subject = m->of->name;
			a.text = text;
			e = alert_put(t, &a, err);
		} else {
			e = alert_resolve(t, a.name, m->of->name, NULL, err);
		}
		m->shown = m->unreadable ? 1 : 0;
	}
	return e;
}

/* Rows of JSON for one statement after another. */
struct rows { struct str b; struct jw w; size_t n; };

static void rows_begin(struct rows *r)
{
	str_clear(&r->b);
	r->w = JW(&r->b);
	r->n = 0;
	jw_arr(&r->w, NULL);
}

static struct jw *row_begin(struct rows *r, const char *name, const char *label)
{
	jw_obj(&r->w, NULL);
	jw_str(&r->w, "name", name);
	jw_str(&r->w, "label", label);
	r->n++;
	return &r->w;
}

static int save_series(struct sentry *w, struct tx *t, struct rows *r, struct err *err)
{
	int e = 0;

	rows_begin(r);
	for (size_t i = 0; e == 0 && i <= w->board->n; i++) {
		struct board_series *s = i < w->board->n ? &w->board->v[i] : NULL;

		if (r->n && (!s || r->n == PART)) {
			jw_arr_end(&r->w);
			e = series_save(t, str_get(&r->b), err);
			rows_begin(r);
		}
		if (!s || !s->changed)
			continue;
		board_series_json(row_begin(r, w->board->metrics[s->metric].of->name, s->s.label),
				  "doc", s);
		jw_obj_end(&r->w);
		s->changed = false;
	}
	return e;
}

/* Only of metrics with a bounded number of series, once a minute. */
static int save_samples(struct sentry *w, struct tx *t, struct rows *r, struct err *err)
{
	rows_begin(r);
	for (size_t i = 0; i < w->board->n; i++) {
		const struct board_series *s = &w->board->v[i];
		const struct board_metric *m = &w->board->metrics[s->metric];

		if (m->n_series > SAMPLED_MAX || s->round != m->round || !m->round ||
		    m->failed_since_ms)
			continue;
		jw_double(row_begin(r, m->of->name, s->s.label), "value", s->raw);
		jw_obj_end(&r->w);
	}
	jw_arr_end(&r->w);
	return r->n ? samples_save(t, str_get(&r->b), tx_now_ms(t), err) : 0;
}

static int keep_board(struct sentry *w, struct tx *t, struct err *err)
{
	struct rows r = { .b = STR_INIT(64 << 20) };
	int e = save_series(w, t, &r, err);

	if (e == 0 && tx_now_ms(t) - w->sampled_ms >= SAMPLE_MS) {
		e = save_samples(w, t, &r, err);
		w->sampled_ms = tx_now_ms(t);
	}
	str_fini(&r.b);
	return e;
}

static int keep_what_moved(struct sentry *w, struct tx *t, struct err *err)
{
	int e = w->board ? keep_changes(w, t, err) : 0;

	if (e == 0 && w->board)
		e = keep_left_out(w, t, err);
	if (e == 0 && w->board)
		e = keep_unreadable(w, t, err);
	return e;
}

/* What the policy says of what fires, and who hears of it. */
static int tell(struct sentry *w, struct tx *t, const struct policy *p, struct err *err)
{
	struct telling_alerts d = { w->d.notify, p, w->d.speed, w->d.set->remind_ms };
	struct str ratings = STR_INIT(1 << 20), table = STR_INIT(1 << 20);
	int e;

	sentry_ratings(p, &ratings);
	sentry_table(p, &table);
	e = alerts_rate(t, str_get(&ratings), err);
	if (e == 0)
		e = alerts_hush(t, str_get(&table), err);
	if (e == 0)
		e = alerts_acks_expire(t, err);
	if (e == 0)
		e = alert_tell(t, &d, err);
	if (e == 0)
		e = alert_remind(t, &d, err);
	str_fini(&ratings);
	str_fini(&table);
	return e;
}

int sentry_keep(struct sentry *w, const struct policy *p, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(w->epoch);
	bool moved;
	int e = tx_begin(w->d.store, &t, &who, err);

	if (e == 0)
		e = keep_what_moved(w, &t, err);
	if (e == 0)
		e = tell(w, &t, p, err);
	if (e == 0 && w->board)
		e = keep_board(w, &t, err);
	moved = t.n_notes > 0;
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && moved && w->d.changed)
		w->d.changed(w->d.ctx);
	return e;
}
