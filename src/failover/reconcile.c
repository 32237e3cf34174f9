/*
 * Did the database forget? (failover.md section 7) A changed timeline, or an epoch of the
 * local intent log that the database does not know, says that commits were lost which
 * outside writes had been made on. Then each engine puts the writes of its own log on
 * record again, with what was there before them; their events fail for a person; the
 * epoch is raised above any seen; and the leader looks at everything that failed events
 * touched, so that the person finds listed what is where.
 *
 * It repairs nothing outside: a resume or a rollback compares with what is there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "failover/lease.h"
#include "failover/mover.h"
#include "notify/notify.h"
#include "store/control.h"
#include "store/lease_row.h"
#include "store/lost.h"
#include "store/steps.h"

struct intents { struct str rows; struct jw w; int64_t max_epoch, n; };

static void collect(void *ctx, const struct intent *i)
{
	struct intents *in = ctx;

	if (i->epoch > in->max_epoch)
		in->max_epoch = i->epoch;
	in->n++;
	jw_obj(&in->w, NULL);
	jw_i64(&in->w, "at", i->at_ms);
	jw_i64(&in->w, "epoch", i->epoch);
	jw_str(&in->w, "event", i->event);
	jw_str(&in->w, "agent", i->agent);
	jw_str(&in->w, "kind", i->kind);
	jw_str(&in->w, "subject", i->subject);
	jw_raw(&in->w, "before", i->before);
	jw_raw(&in->w, "after", i->after);
	jw_obj_end(&in->w);
}

/* All that is open is for a person now, and what was completed; not if a later leader did that,
 * sweep and all, or the lineage has gone on to another event. */
static int for_a_person(struct tx *t, const struct event *e, int64_t max_epoch, bool *ret,
			struct err *err)
{
	*ret = e->status != EV_FAILED && event_status_open(e->status);
	if (e->status != EV_COMPLETED || e->epoch > max_epoch)
		return 0;
	return lost_alone(t, e->id, ret, err);
}

static int fail_event(struct executor *x, struct tx *t, const char *id, int64_t max_epoch,
		      struct err *err)
{
	static const char why[] = "the database lost its newest commits, outside writes of this "
				  "event among them: look at what is where, then resume or roll"
				  " back";
	const struct failover_ports *ports = x->d->ports;
	struct event_row row = { 0 };
	bool person = false;
	int r = event_lock(t, id, &row, err);

	if (r == ERR_NOT_FOUND) /* gone as a whole: the lineage goes by what is outside */
		return alert_raise(t, "commits-lost", id, "bad", why, true, err);
	if (r >= 0)
		r = for_a_person(t, &row.e, max_epoch, &person, err);
	if (r >= 0 && person) {
		int from = row.e.status;

		row.e.status = EV_FAILED;
		str_replace(&row.e.error, why);
		str_replace(&row.e.reason, why);
		r = event_transition(t, &row, (enum event_status)from, row.e.version, why, err);
		if (r >= 0 && ports && ports->say)
			r = ports->say(ports->ctx, t, SAY_FAILED, &row.e, id, why, err);
		if (r >= 0)
			r = effects_orphans(t, id, NULL, err);
	}
	event_row_fini(&row);
	return r;
}

/* Puts the log on record. epoch 0: as a follower, which raises nothing. */
static int settle(struct executor *x, struct intents *in, int64_t epoch, int64_t timeline,
		  bool *ret_raised, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(epoch);
	char **events = NULL;
	size_t n = 0;
	int r = tx_begin(x->d->store, &t, &who, err);

	if (r >= 0)
		r = effects_merge(&t, str_get(&in->rows), &events, &n, err);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = fail_event(x, &t, events[i], in->max_epoch, err);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = lost_images(&t, events[i], err);
	if (r >= 0 && epoch)
		r = timeline_known(&t, timeline, err);
	if (r >= 0 && (epoch || n))
		r = lost_timeline_put(&t, 0, err);
	if (r >= 0 && epoch && in->max_epoch >= epoch)
		r = lease_epoch_above(&t, in->max_epoch, ret_raised, err);
	if (r >= 0 && n)
		r = alert_raise(&t, "commits-lost", "database", "bad",
				"the database lost commits that outside writes were made on", true,
				err);
	if (r >= 0)
		r = tx_commit(&t, NULL, err);
	if (r >= 0 && n)
		log_error("failover", "the database lost commits; %zu events need a person", n);
	for (size_t i = 0; i < n; i++)
		free_p(&events[i]);
	free_p(&events);
	return r;
}

/* ---- what is where -------------------------------------------------------------------------- */

struct found { int64_t planned, other, before; };

/* Says of each agent what its number has now; writes nothing outside. */
static void look_at(struct act *a, struct found *f)
{
	for (size_t i = 0; i < a->n_items; i++) {
		struct mover *m = &a->movers[i];
		char why[240] = "";

		if (!m->row->to_number || m->row->state == IT_STAYS)
			continue;
		if (!m->row->before) {
			f->before++;
			continue;
		}
		if (!mover_differs(m, why, sizeof(why))) {
			f->planned++;
			continue;
		}
		f->other++;
		str_replace(&m->row->error, why);
		act_dirty(a, m->row);
	}
}

static int note_found(struct act *a, struct tx *t, void *arg, struct err *err)
{
	return event_note(t, a->row.e.id, "event.swept", arg, err);
}

static int sweep_event(struct executor *x, const char *id, struct err *err)
{
	_cleanup_(free_p) char *text = NULL;
	struct found f = { 0 };
	struct err read = { 0 };
	struct act a;
	int r = act_load(&a, x, id, err);

	if (r >= 0)
		r = load_baselines(&a, err);
	if (r >= 0 && observe(&a, &read) >= 0 && !a.eleven_down_since_ms) {
		look_at(&a, &f);
		text = xasprintf("read back after lost commits: %lld agents' numbers are as"
				 " planned, %lld are not, %lld were not begun",
				 (long long)f.planned,
				 (long long)f.other, (long long)f.before);
		r = act_flush(&a, err);
	} else if (r >= 0) {
		text = xasprintf("what is where could not be read after lost commits: %s",
				 read.msg[0] ? read.msg : "ElevenLabs does not answer");
	}
	if (r >= 0) {
		log_warn("failover", "%s: %s", id, text);
		r = act_tx(&a, note_found, text, err);
	}
	act_fini(&a);
	return r;
}

static int note_swept(struct executor *x, int64_t epoch, int64_t timeline, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(epoch);
	int r = tx_begin(x->d->store, &t, &who, err);

	if (r >= 0)
		r = lost_timeline_put(&t, timeline, err);
	return r < 0 ? r : tx_commit(&t, NULL, err);
}

static int sweep_failed(struct executor *x, int64_t epoch, int64_t timeline, struct err *err)
{
	char **ids = NULL;
	size_t n = 0;
	int r = events_in(x->d->store, 1u << EV_FAILED, &ids, &n, err);

	for (size_t i = 0; r >= 0 && i < n && !x->stopping; i++)
		r = sweep_event(x, ids[i], err);
	for (size_t i = 0; i < n; i++)
		free_p(&ids[i]);
	free_p(&ids);
	return r < 0 ? r : note_swept(x, epoch, timeline, err);
}

/* ---- when ----------------------------------------------------------------------- */

static int open_log(struct executor *x, char **ret_database, struct err *err)
{
	int r = database_identity(x->d->store, ret_database, err);

	if (r >= 0 && !x->intents) {
		x->intents = intent_open(x->state_dir, *ret_database, err);
		r = x->intents ? 0 : err->code;
	}
	return r;
}

static int read_log(struct executor *x, const char *database, struct intents *in, struct err *err)
{
	*in = (struct intents){ .rows = STR_INIT(STR_MAX_DEFAULT) };
	in->w = JW(&in->rows);
	jw_arr(&in->w, NULL);
	int r = x->state_dir ? intent_read(x->state_dir, database, collect, in, err) : 0;
	jw_arr_end(&in->w);
	return r;
}

int reconcile(struct executor *x, struct err *err)
{
	struct intents in = { 0 };
	int64_t timeline = 0, known = 0, swept = 0, merged = 0;
	int64_t epoch = x->d->lease ? lease_epoch(x->d->lease) : x->epoch_without_lease;
	bool raised = false;
	_cleanup_(free_p) char *database = NULL;
	int r = environment_timeline(x->d->store, &timeline, &known, err);

	if (r >= 0)
		r = lost_timeline(x->d->store, &swept, err);
	if (r >= 0)
		r = open_log(x, &database, err);
	if (r >= 0)
		r = read_log(x, database, &in, err);
	if (r >= 0 && x->state_dir)
		merged = intent_merged(x->state_dir, database);
	bool moved = (known > 0 && timeline != known) || (merged && merged != timeline) ||
		     (swept >= 0 && swept != timeline);
	/* our own epoch has written nothing yet: any line of it is from a time that is gone */
	bool regressed = epoch > 0 && in.n > 0 && in.max_epoch >= epoch;
	if (r >= 0 && (moved || regressed))
		r = settle(x, &in, epoch, timeline, &raised, err);
	str_fini(&in.rows);
	/* the rest comes under the new epoch */
	if (r >= 0 && !raised)
		r = moved || regressed ? sweep_failed(x, epoch, timeline, err) :
		    swept < 0		? note_swept(x, epoch, timeline, err) :
					  0;
	if (r >= 0 && !raised && x->state_dir)
		r = intent_merged_put(x->state_dir, database, timeline, err);
	return r < 0 ? r : raised;
}

/* Not leading: what this engine's own log knows joins the record; the leader looks. */
int reconcile_follow(struct executor *x, struct err *err)
{
	struct intents in = { 0 };
	int64_t timeline = 0, known = 0, merged;
	_cleanup_(free_p) char *database = NULL;
	int r;

	if (!x->state_dir)
		return 0;
	r = environment_timeline(x->d->store, &timeline, &known, err);
	if (r >= 0)
		r = database_identity(x->d->store, &database, err);
	if (r < 0)
		return r;
	merged = intent_merged(x->state_dir, database);
	if (merged && merged != timeline) {
		r = read_log(x, database, &in, err);
		if (r >= 0)
			r = settle(x, &in, 0, timeline, NULL, err);
		str_fini(&in.rows);
	}
	if (r >= 0 && merged != timeline)
		r = intent_merged_put(x->state_dir, database, timeline, err);
	return r;
}

int reconcile_due(struct executor *x, bool *ret, struct err *err)
{
	int64_t swept;
	int r = lost_timeline(x->d->store, &swept, err);

	*ret = r >= 0 && swept == 0;
	return r;
}
