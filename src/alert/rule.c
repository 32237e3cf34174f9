/*
 * See rule.h. Each level (warn, critical) keeps since when the value has been at least that
 * bad; a level counts once that is `for` ago. So a value that was at warn for an hour and
 * turns critical must be critical for the whole duration before it says so.
 */
#include "alert/rule.h"

#include <string.h>

#include "core/str.h"

static void note_value(struct series *s, int bad, int64_t at_ms)
{
	for (int level = 1; level <= 2; level++) {
		if (bad < level)
			s->since_ms[level] = 0;
		else if (s->since_ms[level] == 0)
			s->since_ms[level] = at_ms;
	}
	if (bad > 0)
		s->good_since_ms = 0;
	else if (s->good_since_ms == 0)
		s->good_since_ms = at_ms;
}

/* The worst level that was held for long enough at this sample. */
static int level_held(const struct series *s, int64_t at_ms)
{
	for (int level = 2; level >= 1; level--)
		if (s->since_ms[level] && at_ms - s->since_ms[level] >= s->metric->for_ms)
			return level;
	return 0;
}

static enum series_change go(struct series *s, int state, int level, int64_t at_ms,
			     enum series_change what)
{
	s->state = state;
	s->level = level;
	s->changed_at_ms = at_ms;
	return what;
}

static enum series_change while_firing(struct series *s, int held, int64_t at_ms)
{
	if (s->good_since_ms && at_ms - s->good_since_ms >= s->metric->keep_ms)
		return go(s, AL_RESOLVED, 0, at_ms, SERIES_RESOLVED);
	if (held > s->level)
		return go(s, AL_FIRING, held, at_ms, SERIES_WORSE);
	/* it gets better by the same patience with which it ends */
	if (s->level == 2 && !s->since_ms[2] && held == 1)
		return go(s, AL_FIRING, 1, at_ms, SERIES_BETTER);
	return SERIES_SAME;
}

enum series_change series_sample(struct series *s, double value, int64_t at_ms)
{
	int bad = policy_band_of(s->metric, value), held;
	bool open = s->state == AL_PENDING || s->state == AL_FIRING;

	if (at_ms < s->sample_at_ms)
		return SERIES_SAME;	/* late: a newer one was seen */
	s->value = value;
	s->sample_at_ms = at_ms;
	s->stale = false;
	note_value(s, bad, at_ms);
	held = level_held(s, at_ms);
	if (s->state == AL_FIRING)
		return while_firing(s, held, at_ms);
	if (held > 0)
		return go(s, AL_FIRING, held, at_ms, SERIES_FIRES);
	if (bad > 0 && !open)
		return go(s, AL_PENDING, 0, at_ms, SERIES_PENDING);
	if (bad == 0 && s->state == AL_PENDING)
		return go(s, -1, 0, at_ms, SERIES_DROPPED);
	return SERIES_SAME;
}

enum { STALE_AFTER = 3 /* intervals */ };

void series_tick(struct series *s, int64_t now_ms)
{
	int64_t every = s->metric->every_ms > 0 ? s->metric->every_ms : 60000;

	if (now_ms - s->sample_at_ms > STALE_AFTER * every)
		s->stale = true;
}

double absence_value(double value, double other)
{
	return value > 0 || other <= 0 ? 0 : 1;
}

static bool explains(const struct policy_inhibit *r, const struct firing *by,
		     const struct firing *a, const char *equal)
{
	if (!str_eq(by->name, r->source) || (by->name == a->name && by->subject == a->subject))
		return false;
	if (r->equal)
		return equal && str_eq(by->subject, equal);
	return str_empty(by->subject) || str_eq(by->subject, a->subject);
}

bool inhibited(const struct policy *p, const struct firing *a,
	       const char *(*label)(const void *ctx, const char *name), const void *ctx,
	       const struct firing *v, size_t n, const char **ret_by)
{
	for (size_t r = 0; r < p->n_inhibit; r++) {
		const struct policy_inhibit *row = &p->inhibit[r];
		const char *equal = row->equal && label ? label(ctx, row->equal) : NULL;

		for (size_t i = 0; str_eq(row->target, a->name) && i < n; i++)
			if (explains(row, &v[i], a, equal)) {
				if (ret_by)
					*ret_by = row->source;
				return true;
			}
	}
	return false;
}
