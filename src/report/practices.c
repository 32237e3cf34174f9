/* See practices.h. Dates come from the policy's first date and interval alone, so that one that
 * was done late does not move those after it. */
#include "report/practices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/duty.h"
#include "core/log.h"
#include "core/mem.h"
#include "model/incident.h"
#include "store/reports.h"

enum { DAY_MS = 86400000, SOON_DAYS = 7, LOOK_MS = 60000 };

struct practices {
	struct practices_deps d;
	struct duty duty;
};

/* ---- dates (pure) ---------------------------------------------------------------- */

int64_t practice_due(int64_t first_ms, int64_t every_ms, int64_t since_ms, int64_t done_ms)
{
	int64_t due = first_ms, after = done_ms + every_ms / 2;

	if (every_ms <= 0)
		return done_ms ? 0 : first_ms;
	if (due < since_ms)
		due += (since_ms - due + every_ms - 1) / every_ms * every_ms;
	if (done_ms && due <= after)
		due += ((after - due) / every_ms + 1) * every_ms;
	return due;
}

const char *practice_state(int64_t due_ms, int64_t now_ms)
{
	return due_ms && due_ms < now_ms ? "overdue" :
	       due_ms && due_ms - now_ms < (int64_t)SOON_DAYS * DAY_MS ? "due" : "ok";
}

/* "2025-11-13" at midnight, or a whole instant. */
static int64_t first_of(const struct policy_review *v)
{
	_cleanup_(free_p) char *text =
		strlen(v->first) == 10 ? xasprintf("%sT00:00:00Z", v->first) : xstrdup(v->first);
	int64_t ms;

	return parse_time_ms(text, &ms) ? ms : 0;
}

/* ---- reading and doing -------------------------------------------------------------- */

static int by_due(const void *a, const void *b)
{
	const struct practice *x = a, *y = b;

	return x->due_at_ms < y->due_at_ms ? -1 : x->due_at_ms > y->due_at_ms;
}

static const struct practice_move *move_of(const struct practice_move *v, size_t n, const char *id,
					   int64_t due_ms)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i].id, id) && v[i].due_ms == due_ms)
			return &v[i];
	return NULL;
}

void practice_dates(struct practice *x, int64_t first_ms, int64_t since_ms,
		    const struct practice_move *moves, size_t n)
{
	int64_t due = practice_due(first_ms, x->every_ms, since_ms, x->done_at_ms);
	const struct practice_move *m = move_of(moves, n, x->id, due);

	while (m && x->done_at_ms >= m->at_ms) {
		due = x->every_ms > 0 ? due + x->every_ms : 0;
		m = move_of(moves, n, x->id, due);
	}
	x->due_at_ms = m ? m->moved_to_ms : due;
	x->planned_at_ms = m ? due : 0;
	x->moved_by = xstrdup(m ? m->by : NULL);
	x->moved_reason = m && !str_empty(m->reason) ? xstrdup(m->reason) : NULL;
}

struct known { struct practice_done *done; struct practice_move *moves; size_t n_done, n_moves;
	       int64_t since_ms, now_ms; };

static void fill(struct practice *x, const struct known *k, int64_t first_ms)
{
	const struct practice_done *done = k->done;
	size_t n = k->n_done;

	for (size_t i = 0; i < n; i++) {
		if (!str_eq(done[i].id, x->id))
			continue;
		x->done_at_ms = done[i].at_ms;
		x->done_by = xstrdup(done[i].by);
		x->note = str_empty(done[i].note) ? NULL : xstrdup(done[i].note);
	}
	practice_dates(x, first_ms, k->since_ms, k->moves, k->n_moves);
	x->state = xstrdup(practice_state(x->due_at_ms, k->now_ms));
}

int practices_list(struct store *s, const struct policy *p, struct practice **ret, size_t *ret_n,
		   struct err *err)
{
	struct known k = { .now_ms = loop_wall_ms(s->loop) };
	int64_t *first;
	size_t n = p ? p->n_reviews : 0;
	int e;

	/* the policy may be read anew at the next wait */
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = n;
	first = xcalloc(n + 1, sizeof(*first));
	for (size_t i = 0; i < n; i++) {
		first[i] = first_of(&p->reviews[i]);
		(*ret)[i] =
			(struct practice){ .id = xstrdup(p->reviews[i].id),
					   .title = xstrdup(p->reviews[i].title),
					   .every_ms = p->reviews[i].every_days * (int64_t)DAY_MS };
	}
	e = practices_since(s, &k.since_ms, err);
	if (e == 0)
		e = practices_done(s, &k.done, &k.n_done, err);
	if (e == 0)
		e = practices_moved(s, &k.moves, &k.n_moves, err);
	for (size_t i = 0; e == 0 && i < n; i++)
		fill(&(*ret)[i], &k, first[i]);
	free(first);
	practices_done_free(k.done, k.n_done);
	practices_moved_free(k.moves, k.n_moves);
	if (e < 0) {
		records_free(&practice_type, *ret, n);
		*ret = NULL;
		*ret_n = 0;
	} else if (n) {
		qsort(*ret, n, sizeof(**ret), by_due);
	}
	return e;
}

static int no_such(const struct practice *v, size_t n, const char *id, struct err *err)
{
	_cleanup_(str_fini) struct str names = STR_INIT(400);

	for (size_t i = 0; i < n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", v[i].id);
	return err_set(err, ERR_NOT_FOUND, "'%.60s' is no practice of the policy: %s", id,
		       names.len ? str_get(&names) : "it has none");
}

static int move_to(struct store *s, const struct who *who, const struct practice *x,
		   const char *when, const char *reason, struct err *err)
{
	int64_t planned = x->planned_at_ms ? x->planned_at_ms : x->due_at_ms, to = 0;
	char text[TIME_TEXT];

	if (!str_empty(when) && !incident_due_parse(when, loop_wall_ms(s->loop), &to))
		return err_field(err, ERR_INVALID, "dueAt", "such as 2026-12-01, +7d or"
				 " 2026-12-01T12:00:00Z; \"\": as the policy says");
	if (!planned || (!to && !x->planned_at_ms))
		return err_set(err, ERR_CONFLICT, planned ? "%s is due as the policy says" :
			       "%s is not due any more", x->id);
	if (to && x->every_ms > 0 && to >= planned + x->every_ms)
		return err_field(err, ERR_INVALID, "dueAt", "must lie before %.10s, when it is due"
				 " again", format_time(text, planned + x->every_ms));
	return practice_move(s, who, x->id, planned, to, reason, err);
}

int practices_move(struct store *s, const struct policy *p, const struct who *who, const char *id,
		   const char *when, const char *reason, struct err *err)
{
	struct practice *v = NULL, *x = NULL;
	size_t n = 0;
	int e = practices_list(s, p, &v, &n, err);

	for (size_t i = 0; e == 0 && i < n; i++)
		if (str_eq(v[i].id, id))
			x = &v[i];
	if (e == 0)
		e = x ? move_to(s, who, x, when, reason, err) : no_such(v, n, id, err);
	records_free(&practice_type, v, n);
	return e;
}

int practices_do(struct store *s, const struct policy *p, const struct who *who, const char *id,
		 int64_t at_ms, const char *note, struct err *err)
{
	struct practice *v = NULL;
	bool known = false;
	size_t n = 0;
	int e = at_ms > loop_wall_ms(s->loop) ?
		err_field(err, ERR_INVALID, "at", "lies in the future") :
		practices_list(s, p, &v, &n, err);

	for (size_t i = 0; e == 0 && i < n; i++)
		known = known || str_eq(v[i].id, id);
	if (e == 0)
		e = known ? practice_put(s, who, id, at_ms, note, err) : no_such(v, n, id, err);
	records_free(&practice_type, v, n);
	return e;
}

/* ---- telling ------------------------------------------------------------------------------ */

static int tell(struct practices *h, const struct practice *x, int64_t epoch, struct err *err)
{
	static const struct notify_to to[] = { { "mail", NULL }, { "slack", NULL } };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(str_fini) struct str missing = STR_INIT(400);
	_cleanup_(free_p) char *text = NULL, *key = NULL;
	struct who who = WHO_ENGINE(epoch);
	bool is_new = false;
	char due[TIME_TEXT];
	int e = tx_begin(h->d.store, &t, &who, err);

	if (e == 0)
		e = practice_told(&t, x->id, x->due_at_ms, &is_new, err);
	if (e < 0 || !is_new)
		return e;
	text = xasprintf(
		"%s: overdue since %.10s: %s; when it was done: ringdown practices done %s", x->id,
		format_time(due, x->due_at_ms), x->title, x->id);
	key = xasprintf("practice/%s/%lld", x->id, (long long)x->due_at_ms);
	e = notify_put_to(&t, h->d.notify, SAY_ALERT, x->id, text, key, to, COUNT_OF(to), &missing,
			  err);
	if (e < 0)
		return e;
	tx_note(&t, NOTE_WARN, "practice.overdue", x->id, text, NULL);
	e = tx_commit(&t, NULL, err);
	if (e == 0 && h->d.changed)
		h->d.changed(h->d.ctx);
	return e;
}

static int look(struct practices *h, struct err *err)
{
	int64_t epoch = h->d.epoch(h->d.ctx);
	struct practice *v = NULL;
	size_t n = 0;
	int e = epoch ? practices_list(h->d.store, h->d.policy(h->d.ctx), &v, &n, err) : 0;

	for (size_t i = 0; e == 0 && i < n && !h->duty.stopping; i++)
		if (str_eq(v[i].state, "overdue"))
			e = tell(h, &v[i], epoch, err);
	records_free(&practice_type, v, n);
	return e;
}

static int64_t turn(void *arg)
{
	struct practices *h = arg;
	struct err err = { 0 };

	if (look(h, &err) < 0 && err.code != ERR_CANCELLED)
		log_debug("practices", "%s", err.msg);
	return LOOK_MS;
}

struct practices *practices_new(const struct practices_deps *d)
{
	struct practices *h = xcalloc(1, sizeof(*h));

	h->d = *d;
	return h;
}

void practices_start(struct practices *h)
{
	duty_start(&h->duty, h->d.loop, "practices", turn, h);
}

void practices_wake(struct practices *h)
{
	if (h)
		duty_wake(&h->duty);
}

void practices_stop(struct practices *h)
{
	if (h)
		duty_stop(&h->duty);
}

bool practices_idle(const struct practices *h)
{
	return !h || duty_idle(&h->duty);
}

void practices_free(struct practices *h)
{
	if (h && duty_idle(&h->duty))
		free(h);
}
