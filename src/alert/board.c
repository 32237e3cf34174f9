/*
 * See board.h. Series are found by a hash of metric and label; ten thousand of them are looked
 * at in a few milliseconds, and only those that moved leave anything to write.
 */
#include "alert/board.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

enum { BUCKETS = 8192, UNREADABLE_AFTER = 3 /* intervals */ };

/* ---- set-up -------------------------------------------------------------------------------- */

static int64_t faster(int64_t ms, double speed)
{
	return speed > 1 ? (int64_t)((double)ms / speed) : ms;
}

static void metric_init(struct board *b, struct board_metric *bm, const struct policy_metric *m,
			double speed)
{
	bm->of = m;
	bm->m = *m;
	bm->m.for_ms = faster(m->for_ms, speed);
	bm->m.keep_ms = faster(m->keep_ms, speed);
	bm->m.every_ms = faster(m->every_ms > 0 ? m->every_ms : BOARD_EVERY_MS, speed);
	bm->other = -1;
	for (size_t i = 0; m->absent_while && i < b->policy->n_metrics; i++)
		if (str_eq(b->policy->metrics[i].name, m->absent_while))
			bm->other = (int)i;
	if (bm->other < 0)
		return;
	/* what is judged is 1 while it is absent, see absence_value */
	bm->m.ok = (struct policy_band){ true, BAND_LE, 0 };
	bm->m.warn = (struct policy_band){ !m->severity_bad, BAND_GT, 0 };
}

struct board *board_new(const struct policy *p, double speed)
{
	struct board *b = xcalloc(1, sizeof(*b));

	b->policy = p;
	b->n_metrics = p->n_metrics;
	b->metrics = xcalloc(b->n_metrics + 1, sizeof(*b->metrics));
	b->n_buckets = BUCKETS;
	b->buckets = xcalloc(b->n_buckets, sizeof(*b->buckets));
	for (size_t i = 0; i < b->n_metrics; i++)
		metric_init(b, &b->metrics[i], &p->metrics[i], speed);
	return b;
}

void board_free(struct board *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		free_p(&b->v[i].s.label);
	free_p(&b->v);
	free_p(&b->metrics);
	free_p(&b->changes);
	free_p(&b->buckets);
	free_p(&b);
}

/* ---- series ---------------------------------------------------------------------------------- */

static size_t bucket(const struct board *b, size_t metric, const char *label)
{
	uint64_t h = 1469598103934665603u ^ metric;

	for (; *label; label++)
		h = (h ^ (unsigned char)*label) * 1099511628211u;
	return (size_t)(h % b->n_buckets);
}

static struct board_series *find(const struct board *b, size_t metric, const char *label)
{
	size_t i = b->buckets[bucket(b, metric, label)];

	for (; i; i = b->v[i - 1].next)
		if (b->v[i - 1].metric == metric && strcmp(b->v[i - 1].s.label, label) == 0)
			return &b->v[i - 1];
	return NULL;
}

static struct board_series *find_or_add(struct board *b, size_t metric, const char *label)
{
	struct board_series *s = find(b, metric, label);
	size_t k;

	if (s)
		return s;
	k = bucket(b, metric, label);
	b->v = grow(b->v, &b->cap, b->n + 1, sizeof(*b->v));
	s = &b->v[b->n++];
	*s = (struct board_series){ .metric = metric, .next = b->buckets[k] };
	s->s.label = xstrdup(label);
	s->s.state = -1;
	b->buckets[k] = b->n;
	b->metrics[metric].n_series++;
	return s;
}

bool board_open(const struct board_series *s)
{
	return s->s.state == AL_PENDING || s->s.state == AL_FIRING;
}

static void note(struct board *b, const struct board_series *s, enum series_change what)
{
	if (what == SERIES_SAME)
		return;
	b->changes = grow(b->changes, &b->cap_changes, b->n_changes + 1, sizeof(*b->changes));
	b->changes[b->n_changes++] = (struct board_change){ (size_t)(s - b->v), what };
}

static void sample(struct board *b, struct board_series *s, double value, int64_t at_ms)
{
	struct series was = s->s;

	s->s.metric = &b->metrics[s->metric].m;
	note(b, s, series_sample(&s->s, value, at_ms));
	/* of what is pending also the time counts: a gap in it begins the duration again */
	if (was.state != s->s.state || was.level != s->s.level || s->s.state == AL_PENDING ||
	    memcmp(was.since_ms, s->s.since_ms, sizeof(was.since_ms)) != 0 ||
	    (board_open(s) && was.good_since_ms != s->s.good_since_ms))
		s->changed = true;
}

/* ---- readings -------------------------------------------------------------------------------- */

/* The other metric's value under the same label, or its only one; false: it was not read lately. */
static bool other_value(const struct board *b, const struct board_metric *bm, const char *label,
			int64_t at_ms, double *ret)
{
	const struct board_metric *o = &b->metrics[bm->other];
	const struct board_series *s = find(b, (size_t)bm->other, label);

	if (!s)
		s = find(b, (size_t)bm->other, "");
	if (!s || !o->read_at_ms || at_ms - o->read_at_ms > UNREADABLE_AFTER * o->m.every_ms)
		return false;
	*ret = s->raw;
	return true;
}

void board_read(struct board *b, size_t metric, const struct metric_points *p, int64_t at_ms)
{
	struct board_metric *bm = &b->metrics[metric];
	double other = 0;

	bm->round++;
	bm->read_at_ms = bm->asked_at_ms = at_ms;
	bm->failed_since_ms = 0;
	bm->unreadable = false;
	bm->why[0] = '\0';
	for (size_t i = 0; i < p->n; i++) {
		struct board_series *s = find_or_add(b, metric, p->v[i].label);

		s->round = bm->round;
		s->raw = p->v[i].value;
		if (bm->other < 0)
			sample(b, s, s->raw, at_ms);
		else if (other_value(b, bm, s->s.label, at_ms, &other))
			sample(b, s, absence_value(s->raw, other), at_ms);
	}
	if (p->n >= bm->n_series)
		return;
	/* gone from the reading: what was open ends as if it were good */
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].metric == metric && b->v[i].round != bm->round &&
		    board_open(&b->v[i])) {
			double good = bm->m.ok.set ? bm->m.ok.limit : 0;

			if (bm->m.ok.op == BAND_LT)
				good -= 1;
			else if (bm->m.ok.op == BAND_GT)
				good += 1;
			sample(b, &b->v[i], good, at_ms);
		}
}

void board_failed(struct board *b, size_t metric, const char *why, int64_t at_ms)
{
	struct board_metric *bm = &b->metrics[metric];

	bm->asked_at_ms = at_ms;
	if (!bm->failed_since_ms)
		bm->failed_since_ms = at_ms;
	snprintf(bm->why, sizeof(bm->why), "%s", why);
	text_clean_buf(bm->why);
}

void board_tick(struct board *b, int64_t now_ms)
{
	for (size_t i = 0; i < b->n_metrics; i++) {
		struct board_metric *bm = &b->metrics[i];

		bm->unreadable = bm->failed_since_ms &&
			now_ms - bm->failed_since_ms >= (UNREADABLE_AFTER - 1) * bm->m.every_ms;
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].s.metric)
			series_tick(&b->v[i].s, now_ms);
}

bool board_due(const struct board *b, size_t metric, int64_t now_ms)
{
	const struct board_metric *bm = &b->metrics[metric];

	/* a timer that comes a little early still counts */
	return !bm->asked_at_ms || now_ms - bm->asked_at_ms >= bm->m.every_ms - bm->m.every_ms / 10;
}

size_t board_order(const struct board *b, size_t i)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < b->n_metrics; k++)
			if ((b->metrics[k].other >= 0) == (pass == 1) && i-- == 0)
				return k;
	return 0;
}

/* ---- the alert of a series ------------------------------------------------------------------- */

static void number_text(char *buf, size_t n, double v, int digits)
{
	snprintf(buf, n, v < 1000 && v > -1000 ? "%.*g" : "%.*f",
		 v < 1000 && v > -1000 ? digits : digits - 3, v);
}

/* Three digits, or as many as tell it from the limit that it is judged by. */
static void add_number(struct str *b, double v, const char *unit, const struct policy_band *beside)
{
	char text[400], limit[400];
	int digits = 3;

	number_text(text, sizeof(text), v, digits);
	while (beside->set && digits < 15 && (v < beside->limit || v > beside->limit)) {
		number_text(limit, sizeof(limit), beside->limit, digits);
		if (!str_eq(text, limit))
			break;
		number_text(text, sizeof(text), v, ++digits);
	}
	str_add(b, text);
	if (!str_empty(unit))
		str_addf(b, "%s%s", unit[0] == '/' ? "" : " ", unit);
}

/* "98 % or more is wanted" */
static void add_wanted(struct str *b, const struct policy_metric *m)
{
	static const char *const ops[] = { "less than ", "at most ", "more than ", "at least " };

	if (!m->ok.set)
		return;
	str_addf(b, "; %s", ops[m->ok.op]);
	add_number(b, m->ok.limit, m->unit, &m->ok);
	str_add(b, " is fine");
}

static char *sentence(const struct board *b, const struct board_series *s, const char *shown)
{
	const struct board_metric *bm = &b->metrics[s->metric];
	const struct policy_metric *m = bm->of;
	struct str t = STR_INIT(600);
	char d[64];

	str_add(&t, m->title ? m->title : m->name);
	if (!str_empty(s->s.label))
		str_addf(&t, " of %.80s", shown ? shown : s->s.label);
	if (bm->other >= 0) {
		str_addf(&t, ": none, while %s goes on",
			 b->policy->metrics[bm->other].title ? b->policy->metrics[bm->other].title :
							       m->absent_while);
	} else {
		str_add(&t, ": ");
		add_number(&t, s->raw, m->unit, &m->ok);
		add_wanted(&t, m);
	}
	if (m->for_ms > 0) {
		format_duration(d, sizeof(d), m->for_ms);
		str_addf(&t, s->s.state == AL_PENDING ? "; fires after %s" : "; for %s", d);
	}
	if (m->help && s->s.state != AL_PENDING)
		str_addf(&t, "; %s", m->help);
	return str_take(&t);
}

void board_alert(const struct board *b, const struct board_series *s, const char *shown,
		 struct alert *ret)
{
	const struct policy_metric *m = b->metrics[s->metric].of;
	struct str labels = STR_INIT(2000), value = STR_INIT(100);
	struct jw w = JW(&labels);
	int level = s->s.state == AL_PENDING ? (s->s.since_ms[2] ? 2 : 1) : s->s.level;
	const char *priority = level == 2 ? m->severity_bad : m->severity_warn;

	if (m->by) {
		jw_obj(&w, NULL);
		jw_str(&w, m->by, s->s.label);
		jw_obj_end(&w);
	}
	add_number(&value, s->raw, m->unit, &m->ok);
	*ret = (struct alert){
		.name = xstrdup(m->name), .subject = xstrdup(s->s.label),
		.text = sentence(b, s, shown),
		.severity = xstrdup(level == 2 ? "bad" : "warn"), .state = s->s.state,
		.since_ms = s->s.since_ms[1] ? s->s.since_ms[1] : s->s.changed_at_ms,
		.priority = priority ? xstrdup(priority) : NULL, .source = xstrdup("policy"),
		.grouping = xstrdup(m->group ? m->group : m->name), .count = 1,
		.value = str_take(&value), .runbook = m->runbook ? xstrdup(m->runbook) : NULL,
		.labels = m->by ? str_take(&labels) : NULL,
	};
	str_fini(&labels);
}

/* ---- between two lives ----------------------------------------------------------------------- */

void board_series_json(struct jw *w, const char *name, const struct board_series *s)
{
	if (!board_open(s) && !s->s.since_ms[1]) {
		jw_null(w, name);
		return;
	}
	jw_obj(w, name);
	jw_i64(w, "state", s->s.state);
	jw_i64(w, "level", s->s.level);
	jw_bool(w, "kept", s->kept);
	jw_i64(w, "since1", s->s.since_ms[1]);
	jw_i64(w, "since2", s->s.since_ms[2]);
	jw_i64(w, "good", s->s.good_since_ms);
	jw_i64(w, "changed", s->s.changed_at_ms);
	jw_i64(w, "sample", s->s.sample_at_ms);
	jw_double(w, "value", s->s.value);
	jw_double(w, "raw", s->raw);
	jw_obj_end(w);
}

void board_restore(struct board *b, const char *name, const char *label, const struct json *doc,
		   int64_t now_ms)
{
	for (size_t i = 0; i < b->n_metrics; i++) {
		struct board_series *s;

		if (!str_eq(b->metrics[i].of->name, name))
			continue;
		s = find_or_add(b, i, label);
		s->s.metric = &b->metrics[i].m;
		s->s.state = (int)json_get_i64(doc, "state", -1);
		s->s.level = (int)json_get_i64(doc, "level", 0);
		s->s.since_ms[1] = json_get_i64(doc, "since1", 0);
		s->s.since_ms[2] = json_get_i64(doc, "since2", 0);
		s->s.good_since_ms = json_get_i64(doc, "good", 0);
		s->s.changed_at_ms = json_get_i64(doc, "changed", 0);
		s->s.sample_at_ms = json_get_i64(doc, "sample", 0);
		s->s.value = json_get_double(doc, "value", 0);
		s->raw = json_get_double(doc, "raw", 0);
		s->kept = json_get_bool(doc, "kept", false);
		b->metrics[i].n_kept += s->kept;
		if (s->s.state != AL_FIRING && now_ms - s->s.sample_at_ms >
		    UNREADABLE_AFTER * b->metrics[i].m.every_ms)
			s->s.since_ms[1] = s->s.since_ms[2] = 0;
	}
}

static void shift(int64_t *at, int64_t ms)
{
	if (*at)
		*at += ms;
}

void board_shift(struct board *b, int64_t ms)
{
	for (size_t i = 0; i < b->n_metrics; i++) {
		shift(&b->metrics[i].asked_at_ms, ms);
		shift(&b->metrics[i].read_at_ms, ms);
		shift(&b->metrics[i].failed_since_ms, ms);
	}
	for (size_t i = 0; i < b->n; i++) {
		struct series *s = &b->v[i].s;

		shift(&s->since_ms[1], ms);
		shift(&s->since_ms[2], ms);
		shift(&s->good_since_ms, ms);
		shift(&s->changed_at_ms, ms);
		shift(&s->sample_at_ms, ms);
	}
}
