/*
 * Events, steps and effects in memory: what store/events.h, steps.h and items.h say of the
 * acting side, for one lineage. A transition compares status and version, and a second open
 * event of the lineage is refused, as the constraint does.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "store/events.h"
#include "store/items.h"
#include "store/steps.h"
#include "tests/world/world.h"

void event_row_copy(struct event_row *to, const struct event_row *from)
{
	struct event e = { 0 };

	event_copy(&e, &from->e);
	*to = *from;
	to->e = e;
	to->rollback_by = xstrdup(from->rollback_by);
	to->cancel_requested_by = xstrdup(from->cancel_requested_by);
}

void event_row_fini(struct event_row *r)
{
	event_fini(&r->e);
	free_p(&r->rollback_by);
	free_p(&r->cancel_requested_by);
}

int db_event(const struct db_tables *d, const char *id)
{
	for (int i = 0; i < d->n_events; i++)
		if (str_eq(d->events[i]->e.id, id))
			return i;
	return -1;
}

/* A new version of the row; the old one lives on in snapshots. */
void db_event_put(struct world *w, struct db_tables *d, int i, const struct event_row *r)
{
	struct event_row *copy = xcalloc(1, sizeof(*copy));

	event_row_copy(copy, r);
	d->events[i] = copy;
	w->old_events = grow(w->old_events, &w->cap_old_events, w->n_old_events + 1,
			     sizeof(struct event_row *));
	w->old_events[w->n_old_events++] = copy;
}

static int find(struct store *s, struct tx *t, const char *id, struct err *err)
{
	int r = db_call(s, err);

	if (r < 0)
		return r;
	r = db_event(db_see(s, t), id);
	return r >= 0 ? r : err_set(err, ERR_NOT_FOUND, "there is no event %s", id);
}

int event_load(struct store *s, struct tx *t, const char *id, struct event_row *ret,
	       struct err *err)
{
	int i = find(s, t, id, err);

	if (i < 0)
		return i;
	event_row_copy(ret, db_see(s, t)->events[i]);
	return 0;
}

int event_lock(struct tx *t, const char *id, struct event_row *ret, struct err *err)
{
	return event_load(t->store, t, id, ret, err);
}

int events_in(struct store *s, unsigned states, char ***ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc((size_t)d->n_events + 1, sizeof(char *));
	*ret_n = 0;
	for (int i = 0; i < d->n_events; i++)
		if (states & 1u << d->events[i]->e.status)
			(*ret)[(*ret_n)++] = xstrdup(d->events[i]->e.id);
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int note(struct tx *t, const struct event *e, const char *text)
{
	char kind[48];

	snprintf(kind, sizeof(kind), "event.%s", event_status_name(e->status));
	db_note(t, kind, e->id, e->status);
	say(world_of(t->store), "  %s %s %s: %s", t->store->engine_id, kind, e->id,
	    text ? text : "");
	return 0;
}

static const struct event *other_open(const struct db_tables *d, const char *id)
{
	for (int i = 0; i < d->n_events; i++)
		if (!str_eq(d->events[i]->e.id, id) &&
		    event_status_open((enum event_status)d->events[i]->e.status))
			return &d->events[i]->e;
	return NULL;
}

int event_open(struct tx *t, struct event_row *r, struct err *err)
{
	struct world *w = world_of(t->store);
	int x = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	if (x < 0)
		return x;
	if (other_open(d, NULL) || d->n_events == W_EVENTS)
		return err_set(err, ERR_CONFLICT, "the lineage has an open event already");
	if (!r->e.id)
		r->e.id = xasprintf("EV-%d", d->n_events + 1);
	r->e.version = 1;
	r->e.opened_at_ms = r->e.state_since_ms = t->now_ms;
	db_event_put(w, d, d->n_events++, r);
	return note(t, &r->e, r->e.reason);
}

/* The acting side's columns are not the deciding side's to write. */
static void keep_progress(struct event_row *put, const struct event_row *is)
{
	put->first_write_at_ms = is->first_write_at_ms;
	put->last_write_at_ms = is->last_write_at_ms;
	put->lock_expires_at_ms = is->lock_expires_at_ms;
	put->lock_renewals = is->lock_renewals;
	put->unlocked_at_ms = is->unlocked_at_ms;
	put->cancel_requested_at_ms = is->cancel_requested_at_ms;
	str_replace(&put->cancel_requested_by, is->cancel_requested_by);
	for (int n = 0; n < STEP_MAX; n++)
		record_copy(&event_step_type, &put->e.steps[n], &is->e.steps[n]);
}

int event_transition(struct tx *t, struct event_row *r, enum event_status from, int64_t version,
		     const char *text, struct err *err)
{
	int i = find(t->store, t, r->e.id, err);
	struct db_tables *d = db_see(t->store, t);

	if (i < 0)
		return i;
	const struct event_row *is = d->events[i];
	if (is->e.status != (int)from || is->e.version != version)
		return err_set(err, ERR_CONFLICT, "%s is %s by now", is->e.id,
			       event_status_name(is->e.status));
	if (event_status_open((enum event_status)r->e.status) && other_open(d, r->e.id))
		return err_set(err, ERR_CONFLICT, "the lineage has another open event");
	if (r->e.status != (int)from)
		r->e.state_since_ms = t->now_ms;
	struct event_row put;
	event_row_copy(&put, r);
	keep_progress(&put, is);
	put.e.version = r->e.version = version + 1;
	db_event_put(world_of(t->store), d, i, &put);
	event_row_fini(&put);
	return note(t, &r->e, text);
}

int event_test_add(struct tx *t, struct event_row *r, const struct event_test *test,
		   struct err *err)
{
	int i = find(t->store, t, r->e.id, err);
	struct db_tables *d = db_see(t->store, t);

	if (i < 0)
		return i;
	const struct event_row *is = d->events[i];
	if (is->e.status != r->e.status || is->e.version != r->e.version)
		return err_set(err, ERR_CONFLICT, "%s is %s by now", is->e.id,
			       event_status_name(is->e.status));
	struct event_row put;
	event_row_copy(&put, r);
	keep_progress(&put, is);
	put.e.state_since_ms = is->e.state_since_ms;
	db_event_put(world_of(t->store), d, i, &put);
	event_row_fini(&put);
	tx_note(t, NOTE_INFO, "event.test", r->e.id, outcome_name(test->outcome), NULL);
	return 0;
}

int event_note(struct tx *t, const char *id, const char *kind, const char *text, struct err *err)
{
	int i = find(t->store, t, id, err);

	if (i < 0)
		return i;
	tx_note(t, NOTE_INFO, kind, id, text, NULL);
	return 0;
}

/* Open ones and the newest, newest first. */
int events_current(struct store *s, struct event_row **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc((size_t)d->n_events + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = d->n_events; i-- > 0;)
		if (i == d->n_events - 1 || d->events[i]->e.status == EV_COMPLETED ||
		    event_status_open((enum event_status)d->events[i]->e.status))
			event_row_copy(&(*ret)[(*ret_n)++], d->events[i]);
	return 0;
}

void event_rows_free(struct event_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		event_row_fini(&rows[i]);
	free_p(&rows);
}

void event_says(const struct event *e, int64_t now_ms, char *buf, size_t n)
{
	(void)now_ms;
	snprintf(buf, n, "%s is %s", e->id, event_status_name(e->status));
}

int event_progress(struct tx *t, const char *id, const struct event_progress *p, struct err *err)
{
	int i = find(t->store, t, id, err);
	struct db_tables *d = db_see(t->store, t);
	struct event_row r;

	if (i < 0)
		return i;
	event_row_copy(&r, d->events[i]);
	r.e.agents_moved = p->moved < 0 ? r.e.agents_moved : p->moved;
	r.e.agents_failed = p->failed < 0 ? r.e.agents_failed : p->failed;
	if (p->lock_expires_at_ms > 0)
		r.lock_expires_at_ms = p->lock_expires_at_ms;
	if (p->unlocked_at_ms > 0)
		r.unlocked_at_ms = p->unlocked_at_ms;
	if (p->error)
		str_replace(&r.e.error, p->error);
	if (p->epoch > 0)
		r.e.epoch = p->epoch;
	db_event_put(world_of(t->store), d, i, &r);
	event_row_fini(&r);
	return 0;
}

int event_step_put(struct tx *t, const char *id, const struct event_step *step, bool note_it,
		   struct err *err)
{
	int i = find(t->store, t, id, err);
	struct db_tables *d = db_see(t->store, t);
	struct event_row r;

	if (i < 0)
		return i;
	event_row_copy(&r, d->events[i]);
	record_copy(&event_step_type, &r.e.steps[step->n], step);
	db_event_put(world_of(t->store), d, i, &r);
	event_row_fini(&r);
	if (note_it) {
		char text[80];

		snprintf(text, sizeof(text), "%s: %s", step_name(step->n),
			 enum_name(&step_state_names, step->state));
		tx_note(t, NOTE_INFO, "event.step", id, text, NULL);
	}
	return 0;
}

int events_supersede(struct tx *t, const char *lineage, const char *id, struct err *err)
{
	int own = find(t->store, t, id, err);
	struct db_tables *d = db_see(t->store, t);

	(void)lineage;
	for (int i = 0; own >= 0 && i < own; i++) {
		struct event_row r;

		if (d->events[i]->e.status != EV_COMPLETED)
			continue;
		event_row_copy(&r, d->events[i]);
		r.e.status = EV_SUPERSEDED;
		r.e.version++;
		db_event_put(world_of(t->store), d, i, &r);
		event_row_fini(&r);
	}
	return own < 0 ? own : 0;
}

int event_cancel_request(struct tx *t, const char *id, const char *by, const char *reason,
			 struct err *err)
{
	int i = find(t->store, t, id, err);
	struct db_tables *d = db_see(t->store, t);
	struct event_row r;

	if (i < 0)
		return i;
	if (d->events[i]->e.status != EV_APPROVED && d->events[i]->e.status != EV_EXECUTING)
		return err_set(err, ERR_CONFLICT, "%s is %s by now", id,
			       event_status_name(d->events[i]->e.status));
	event_row_copy(&r, d->events[i]);
	str_replace(&r.cancel_requested_by, by);
	r.cancel_requested_at_ms = t->now_ms;
	db_event_put(world_of(t->store), d, i, &r);
	event_row_fini(&r);
	tx_note(t, NOTE_INFO, "event.cancel_requested", id, str_empty(reason) ? by : reason, NULL);
	return 0;
}

/* ---- steps.h ------------------------------------------------------------------------------- */

/* Changes one row by fn. */
static int change(struct tx *t, const char *id, void (*fn)(struct event_row *r, const void *arg),
		  const void *arg, struct err *err)
{
	int i = find(t->store, t, id, err);
	struct db_tables *d = db_see(t->store, t);
	struct event_row r;

	if (i < 0)
		return i;
	event_row_copy(&r, d->events[i]);
	fn(&r, arg);
	db_event_put(world_of(t->store), d, i, &r);
	event_row_fini(&r);
	return 0;
}

static void steps_anew(struct event_row *r, const void *arg)
{
	int64_t agents = *(const int64_t *)arg;

	for (int n = STEP_LOCK; n < STEP_MAX; n++) {
		record_fini(&event_step_type, &r->e.steps[n]);
		r->e.steps[n].n = n;
		r->e.steps[n].total = n >= STEP_ASSIGN && n <= STEP_TEST ? agents : 1;
	}
}

int steps_put(struct tx *t, const char *event, int64_t agents, struct err *err)
{
	return change(t, event, steps_anew, &agents, err);
}

int attempt_stop_read(struct tx *t, const char *event, struct attempt_stop *ret, struct err *err)
{
	int i = find(t->store, t, event, err);
	const struct db_tables *d = db_see(t->store, t);

	if (i < 0)
		return i;
	const struct event_row *r = d->events[i];
	*ret = (struct attempt_stop){ r->e.status, r->e.version, r->cancel_requested_at_ms != 0,
				      d->paused || d->maintenance };
	return 0;
}

struct locked { int64_t expires_ms, renewals; };

static void is_locked(struct event_row *r, const void *arg)
{
	const struct locked *l = arg;

	r->lock_expires_at_ms = l->expires_ms;
	r->lock_renewals = l->renewals;
	r->unlocked_at_ms = 0;
}

int attempt_locked(struct tx *t, const char *event, int64_t expires_ms, int64_t renewals,
		   struct err *err)
{
	return change(t, event, is_locked, &(struct locked){ expires_ms, renewals }, err);
}

static void cancel_heard(struct event_row *r, const void *arg)
{
	(void)arg;
	r->cancel_requested_at_ms = 0;
	str_replace(&r->cancel_requested_by, NULL);
}

int attempt_cancel_clear(struct tx *t, const char *event, struct err *err)
{
	return change(t, event, cancel_heard, NULL, err);
}

int event_cancel_clear(struct tx *t, const char *id, struct err *err)
{
	return attempt_cancel_clear(t, id, err);
}

struct shown { const char *hash, *plan; int64_t agents; };

static void is_shown(struct event_row *r, const void *arg)
{
	const struct shown *p = arg;

	str_replace(&r->e.plan, p->plan);
	str_replace(&r->e.plan_hash, p->hash);
	r->e.agents_total = p->agents;
}

int event_preview(struct tx *t, const char *id, const char *hash, const char *plan, int64_t agents,
		  struct err *err)
{
	return change(t, id, is_shown, &(struct shown){ hash, plan, agents }, err);
}

struct planned { const char *to, *plan, *hash; int64_t agents; bool partial; };

static void has_plan(struct event_row *r, const void *arg)
{
	const struct planned *p = arg;

	str_replace(&r->e.to, p->to);
	str_replace(&r->e.plan, p->plan);
	str_replace(&r->e.plan_hash, p->hash);
	r->e.agents_total = p->agents;
	r->e.agents_moved = r->e.agents_failed = 0;
	r->e.partial = p->partial;
}

int attempt_plan(struct tx *t, const char *event, const char *to, const char *plan,
		 const char *hash, int64_t agents, bool partial, struct err *err)
{
	return change(t, event, has_plan, &(struct planned){ to, plan, hash, agents, partial },
		      err);
}

int attempt_is_newest(struct tx *t, const char *event, struct err *err)
{
	unsigned count = 1u << EV_APPROVED | 1u << EV_EXECUTING | 1u << EV_COMPLETED |
			 1u << EV_FAILED | 1u << EV_ROLLING_BACK;
	int i = find(t->store, t, event, err);
	const struct db_tables *d = db_see(t->store, t);

	for (int k = i < 0 ? d->n_events : i + 1; k < d->n_events; k++)
		if (count & 1u << d->events[k]->e.status)
			return err_set(err, ERR_CONFLICT, "%s is newer", d->events[k]->e.id);
	return i < 0 ? i : 0;
}

int unlocks_owed(struct store *s, struct owed_unlock **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc((size_t)d->n_events + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = 0; i < d->n_events; i++) {
		const struct event_row *e = d->events[i];

		if (e->lock_expires_at_ms > loop_wall_ms(s->loop) && !e->unlocked_at_ms &&
		    !event_status_attempting((enum event_status)e->e.status))
			(*ret)[(*ret_n)++] = (struct owed_unlock){ xstrdup(e->e.id), e->e.epoch };
	}
	return 0;
}

void unlocks_free(struct owed_unlock *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&v[i].event);
	free_p(&v);
}

/* ---- effects --------------------------------------------------------------------------------- */

static void wrote(struct event_row *r, const void *arg)
{
	int64_t now_ms = *(const int64_t *)arg;

	r->first_write_at_ms = r->first_write_at_ms ? r->first_write_at_ms : now_ms;
	r->last_write_at_ms = now_ms;
}

int effects_intend(struct tx *t, const char *event, struct effect *const *v, size_t n,
		   struct err *err)
{
	struct world *w = world_of(t->store);

	if (!n)
		return 0;
	if (w->writer.tx != t)
		return err_set(err, ERR_UNREACHABLE, "the session was ended by the server");
	int e = db_event(&w->next, event);
	if ((w->next.paused || w->next.maintenance) && e >= 0 &&
	    w->next.events[e]->e.status == EV_EXECUTING)
		broken(w, "%s means to write for %s while paused", t->store->engine_id, event);
	if (e < 0 || !event_status_attempting((enum event_status)w->next.events[e]->e.status))
		broken(w, "%s means to write for %s, which nobody decided", t->store->engine_id,
		       event);
	for (size_t i = 0; i < n && w->n_effects_next < W_EFFECTS; i++) {
		w->effects[w->n_effects_next++] = (struct db_effect){
			.event = db_keep(w, event), .agent = db_keep(w, v[i]->agent),
			.kind = db_keep(w, v[i]->kind), .id = w->n_effects_next,
			.epoch = t->who.epoch,
			.at_ms = t->now_ms,
		};
		v[i]->id = w->n_effects_next;
		say(w, "  %s intends %s %s: %s -> %s", t->store->engine_id, v[i]->kind,
		    v[i]->subject ? v[i]->subject : "", v[i]->before ? v[i]->before : "",
		    v[i]->after ? v[i]->after : "");
	}
	return change(t, event, wrote, &t->now_ms, err);
}

int64_t db_last_forward(const struct world *w, const struct event_row *r)
{
	int64_t at = 0;

	for (int i = 0; i < w->n_effects; i++)
		if (str_eq(w->effects[i].event, r->e.id) && w->effects[i].at_ms > at &&
		    (!r->rollback_started_at_ms || w->effects[i].at_ms < r->rollback_started_at_ms))
			at = w->effects[i].at_ms;
	return at;
}

/* Ends are not undone with a transaction that fails: they are told again. */
int effects_end(struct tx *t, struct effect *const *v, size_t n, struct err *err)
{
	struct world *w = world_of(t->store);
	int r = n ? db_call(t->store, err) : 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		if (v[i]->id > 0 && v[i]->id <= W_EFFECTS)
			w->effects[v[i]->id - 1].state = EFFECT_ENDED;
	return r;
}

int effects_orphans(struct tx *t, const char *event, int64_t *ret_n, struct err *err)
{
	struct world *w = world_of(t->store);
	int r = db_call(t->store, err);

	int64_t none;
	ret_n = ret_n ? ret_n : &none;
	*ret_n = 0;
	for (int i = 0; r >= 0 && i < w->n_effects; i++)
		if (str_eq(w->effects[i].event, event) && w->effects[i].state == EFFECT_INTENDED) {
			w->effects[i].state = EFFECT_ENDED;
			++*ret_n;
		}
	return r;
}

static bool on_record(const struct world *w, const char *event, const char *agent, const char *kind,
		      int64_t epoch)
{
	for (int i = 0; i < w->n_effects_next; i++)
		if (str_eq(w->effects[i].event, event) && str_eq(w->effects[i].kind, kind) &&
		    str_eq(w->effects[i].agent ? w->effects[i].agent : "", agent) &&
		    w->effects[i].epoch == epoch)
			return true;
	return false;
}

/* What the local log knows and the database does not: the events of it, those that are gone
 * altogether too. */
int effects_merge(struct tx *t, const char *rows, char ***ret_events, size_t *ret_n,
		  struct err *err)
{
	struct world *w = world_of(t->store);
	struct json *doc = json_parse(rows, strlen(rows), NULL);
	int r = db_call(t->store, err);

	*ret_n = 0;
	*ret_events = xcalloc(json_count(doc) + 1, sizeof(char *));
	for (const struct json *v = json_first(doc); r >= 0 && v; v = json_next(v)) {
		const char *event = json_get_str(v, "event"), *kind = json_get_str(v, "kind");
		const char *agent = json_get_str(v, "agent");
		int64_t epoch = json_get_i64(v, "epoch", 0);
		bool known = false;

		if (on_record(w, event, agent, kind, epoch))
			continue;
		if (db_event(db_see(t->store, t), event) >= 0 && w->n_effects_next < W_EFFECTS)
			w->effects[w->n_effects_next++] = (struct db_effect){
				.event = db_keep(w, event), .agent = db_keep(w, agent),
				.kind = db_keep(w, kind), .id = w->n_effects_next, .epoch = epoch,
				.state = EFFECT_ENDED,
			};
		for (size_t i = 0; i < *ret_n; i++)
			known = known || str_eq((*ret_events)[i], event);
		if (!known)
			(*ret_events)[(*ret_n)++] = xstrdup(event);
	}
	json_free(doc);
	return r;
}
