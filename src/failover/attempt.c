/*
 * An attempt in memory: loaded from what is stored, given back, and its transitions. A
 * transition first writes everything that waits, so that the row never says more than
 * its items.
 */
#include <string.h>

#include "failover/lease.h"
#include "failover/mover.h"
#include "failover/probe.h"
#include "notify/notify.h"
#include "store/accounts.h"

int keys_load(struct act *a, const char *account, struct credentials *ret, struct err *err)
{
	struct account_keys k = { 0 };
	int r = account_keys_load(a->d->store, account, &k, err);

	if (r < 0)
		return r;
	credentials_from_keys(&k, ret);
	account_keys_fini(&k);
	return 0;
}

static bool guard_asks(void *ctx)
{
	return act_may_write(ctx);
}

int act_load(struct act *a, struct executor *x, const char *event_id, struct err *err)
{
	memset(a, 0, sizeof(*a));
	a->x = x;
	a->d = x->d;
	a->epoch = x->d->lease ? lease_epoch(x->d->lease) : x->epoch_without_lease;
	a->guard = (struct write_guard){ guard_asks, a };
	int r = event_load(a->d->store, NULL, event_id, &a->row, err);

	if (r >= 0)
		r = items_load(a->d->store, event_id, &a->items, &a->n_items, err);
	if (r < 0)
		return r;
	a->expect = a->row.e.status;
	a->movers = xcalloc(a->n_items + 1, sizeof(*a->movers));
	for (size_t i = 0; i < a->n_items; i++) {
		a->movers[i].a = a;
		a->movers[i].row = &a->items[i];
		a->movers[i].keys = &a->to_keys;
		mover_before(&a->movers[i]);
	}
	/* what another engine had in flight when it went away may have landed until now */
	a->last_write_ms = loop_now_ms(a->d->loop);
	if (!a->row.e.to)
		return err_set(err, ERR_INVALID, "event %s has no target", event_id);
	r = keys_load(a, a->row.e.to, &a->to_keys, err);
	return r < 0 ? r : keys_load(a, a->row.e.from, &a->from_keys, err);
}

void act_fini(struct act *a)
{
	for (size_t i = 0; i < a->n_items && a->movers; i++)
		mover_fini(&a->movers[i]);
	free_p(&a->movers);
	items_free(a->items, a->n_items);
	baselines_free(a);
	phone_list_fini(&a->phones);
	LIST_FINI(&a->imports);
	recorder_fini(&a->rec);
	credentials_fini(&a->to_keys);
	credentials_fini(&a->from_keys);
	event_row_fini(&a->row);
}

/* ---- transitions ----------------------------------------------------------------------- */

struct moving { const struct act_move *m; struct event_row *row; };

static void stamp(struct act *a, struct event_row *r, const struct act_move *m, int64_t now_ms)
{
	struct event *e = &r->e;

	e->status = (int)m->to;
	str_replace(&e->error, m->error);
	if (m->to == EV_COMPLETED) {
		e->completed_at_ms = now_ms;
		e->rollback_until_ms = now_ms + a->d->set->rollback_offer_ms;
	}
	if (m->to == EV_EXECUTING || m->to == EV_COMPLETED || m->to == EV_ROLLED_BACK) {
		str_replace(&e->executed_by, a->d->engine_id);
		e->epoch = a->epoch;
	}
	if (m->to == EV_ROLLING_BACK && !r->rollback_started_at_ms)
		r->rollback_started_at_ms = now_ms;
	if (m->text)
		str_replace(&e->reason, m->text);
}

/* People hear of it in the same transaction. */
static int tell(struct act *a, struct tx *t, const struct event *e, struct err *err)
{
	const struct failover_ports *ports = a->d->ports;
	int kind = e->status == EV_COMPLETED	? SAY_COMPLETED :
		   e->status == EV_FAILED	? SAY_FAILED :
		   e->status == EV_ROLLING_BACK ? SAY_ROLLING_BACK :
		   e->status == EV_ROLLED_BACK	? SAY_ROLLED_BACK :
		   e->status == EV_CANCELLED	? SAY_CANCELLED :
						  SAY_MAX;

	if (kind == SAY_MAX || !ports || !ports->say)
		return 0;
	return ports->say(ports->ctx, t, kind, e, e->id, e->reason ? e->reason : "", err);
}

static int write_move(struct act *a, struct tx *t, void *arg, struct err *err)
{
	struct moving *mv = arg;
	struct event_row *r = mv->row;

	event_row_fini(r);
	memset(r, 0, sizeof(*r));
	int x = event_lock(t, a->row.e.id, r, err);
	if (x < 0)
		return x;
	if (r->e.status != a->expect)
		return err_set(err, ERR_CONFLICT, "%s is %s by now", r->e.id,
			       event_status_name(r->e.status));
	if (mv->m->also && (x = mv->m->also(a, t, NULL, err)) < 0)
		return x;
	stamp(a, r, mv->m, t->now_ms);
	if (mv->m->to == EV_COMPLETED) {
		x = events_supersede(t, r->e.lineage, r->e.id, err);
		if (x < 0)
			return x;
	}
	x = event_transition(t, r, (enum event_status)a->expect, r->e.version,
			     mv->m->text ? mv->m->text :
			     mv->m->to == EV_EXECUTING ? "the steps begin" : NULL, err);
	return x < 0 ? x : tell(a, t, &r->e, err);
}

int act_transition(struct act *a, const struct act_move *move, struct err *err)
{
	struct event_row row = { 0 };
	struct moving mv = { move, &row };
	int r = act_flush(a, err);

	if (r >= 0)
		r = act_tx(a, write_move, &mv, err);
	if (r >= 0) {
		event_row_fini(&a->row);
		a->row = row;
		a->expect = (int)move->to;
		return 0;
	}
	event_row_fini(&row);
	return r;
}
