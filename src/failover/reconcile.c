/*
 * Did the database forget? (failover.md §7) When this engine begins to lead, the server's
 * timeline and the epochs of the local intent log say whether commits were lost that
 * outside writes had been made on. Then those writes are put on record again, their
 * events fail for a person to look at, and the epoch is raised above any seen.
 *
 * It repairs nothing outside: a resume or a rollback compares with what is there.
 */
#include <stdlib.h>

#include "core/log.h"
#include "failover/act.h"
#include "failover/lease.h"
#include "notify/notify.h"
#include "store/control.h"
#include "store/lease_row.h"
#include "store/steps.h"

struct intents { struct str rows; struct jw w; int64_t max_epoch, n; };

static void collect(void *ctx, int64_t at_ms, int64_t epoch, const char *event, const char *agent,
		    const char *kind, const char *subject)
{
	struct intents *in = ctx;

	if (epoch > in->max_epoch)
		in->max_epoch = epoch;
	in->n++;
	jw_obj(&in->w, NULL);
	jw_i64(&in->w, "at", at_ms);
	jw_i64(&in->w, "epoch", epoch);
	jw_str(&in->w, "event", event);
	jw_str(&in->w, "agent", agent);
	jw_str(&in->w, "kind", kind);
	jw_str(&in->w, "subject", subject);
	jw_obj_end(&in->w);
}

static int fail_event(struct executor *x, struct tx *t, const char *id, struct err *err)
{
	static const char why[] = "the database lost its newest commits, outside writes of this "
				  "event among them: look at what is where, then resume or roll back";
	const struct failover_ports *ports = x->d->ports;
	struct event_row row = { 0 };
	int r = event_lock(t, id, &row, err);

	if (r >= 0 && (event_status_attempting(row.e.status) || row.e.status == EV_COMPLETED)) {
		int from = row.e.status;

		row.e.status = EV_FAILED;
		str_replace(&row.e.error, why);
		str_replace(&row.e.reason, why);
		r = event_transition(t, &row, (enum event_status)from, row.e.version, why, err);
		if (r >= 0 && ports && ports->say)
			r = ports->say(ports->ctx, t, SAY_FAILED, &row.e, id, why, err);
	}
	event_row_fini(&row);
	return r;
}

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
		r = fail_event(x, &t, events[i], err);
	if (r >= 0)
		r = timeline_known(&t, timeline, err);
	if (r >= 0 && in->max_epoch >= epoch)
		r = lease_epoch_above(&t, in->max_epoch, ret_raised, err);
	if (r >= 0 && n)
		r = alert_raise(&t, "commits-lost", "database", "bad",
				"the database lost commits that outside writes were made on", NULL, err);
	if (r >= 0)
		r = tx_commit(&t, NULL, err);
	if (r >= 0 && n)
		log_error("failover", "the database lost commits; %zu events need a person", n);
	for (size_t i = 0; i < n; i++)
		free_p(&events[i]);
	free_p(&events);
	return r;
}

int reconcile(struct executor *x, struct err *err)
{
	struct intents in = { .rows = STR_INIT(STR_MAX_DEFAULT) };
	int64_t timeline = 0, known = 0;
	int64_t epoch = x->d->lease ? lease_epoch(x->d->lease) : x->epoch_without_lease;
	bool raised = false;
	_cleanup_(free_p) char *database = NULL;
	int r = environment_timeline(x->d->store, &timeline, &known, err);

	in.w = JW(&in.rows);
	jw_arr(&in.w, NULL);
	if (r >= 0)
		r = database_identity(x->d->store, &database, err);
	if (r >= 0 && x->state_dir)
		r = intent_read(x->state_dir, database, 0, collect, &in, err);
	if (r >= 0 && !x->intents) {
		x->intents = intent_open(x->state_dir, database, err);
		r = x->intents ? 0 : err->code;
	}
	jw_arr_end(&in.w);
	bool moved = known > 0 && timeline != known;
	/* our own epoch has written nothing yet: any line of it is from a time that is gone */
	bool regressed = epoch > 0 && in.n > 0 && in.max_epoch >= epoch;
	if (r >= 0 && (moved || regressed))
		r = settle(x, &in, epoch, timeline, &raised, err);
	str_fini(&in.rows);
	return r < 0 ? r : raised;
}
