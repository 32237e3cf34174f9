/*
 * People at random: each order is the real command at some engine, leader or not, by a name of
 * its own, so that what was acknowledged can be looked for afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "failover/commands.h"
#include "tests/world/world.h"

struct order {
	struct engine_in_world *e;
	const char *what, *event, *actor;
	command_fn fn;				/* NULL: a switch */
	bool on, maintenance;
	const char *overrides[8];
	size_t n_overrides;
};

static void carry_out(void *arg)
{
	struct order *o = arg;
	struct engine_in_world *e = o->e;
	struct who who = { .actor = o->actor, .role = "operator", .via = "api" };
	struct command c = { .who = &who, .event = o->event, .reason = "because",
			     .account = e->w->now.current, .overrides = o->overrides,
			     .n_overrides = o->n_overrides };
	struct command_result ret = { .status = -1 };
	struct err err = { 0 };
	int r;

	if (o->fn)
		r = o->fn(e->decider, &c, &ret, &err);
	else if (o->maintenance)
		r = command_maintenance(e->decider, &who, o->on, 0, "because", &err);
	else
		r = command_pause(e->decider, &who, o->on, 0, "because", &err);
	say(e->w, "%s %s %s at %s: %s", o->actor, o->what, o->event ? o->event : "", e->id,
	    r < 0 ? err.msg : "ok");
	/* the answer of a process that died reaches nobody */
	if (!e->dead)
		law_answered(e->w, o->actor, o->what, r);
	command_result_fini(&ret);
}

static void carried_out(void *arg)
{
	struct order *o = arg;

	o->e->orders--;
	free_p(&o);
}

/* Overrides at times, among them some that nobody may override. */
static void choose_overrides(struct world *w, struct order *o)
{
	static const char *const names[] = { "hour", "evidence", "isolation", "target-healthy",
					     "agents",
					     "webhook", "target-fit" };

	if (chance(w, 100)) {
		o->overrides[o->n_overrides++] = chance(w, 500) ? "lease" : "attempt";
		return;
	}
	if (chance(w, 400))
		return;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (chance(w, i ? 700 : 400))
			o->overrides[o->n_overrides++] = names[i];
}

static struct order *order_new(struct world *w)
{
	struct engine_in_world *e = w->engines[dice(w, W_ENGINES)];
	struct order *o;
	char name[24];

	if (!e->up || e->dead || e->frozen)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	snprintf(name, sizeof(name), "person-%d", ++w->operations);
	o->e = e;
	o->actor = db_keep(w, name);
	return o;
}

static void give(struct order *o)
{
	o->e->orders++;
	task_start(o->e->loop, "person", carry_out, o, carried_out);
}

static void order_event(struct world *w, const char *what, command_fn fn, const char *event)
{
	struct order *o = order_new(w);

	if (!o)
		return;
	o->what = what;
	o->fn = fn;
	o->event = event;
	if (fn == command_start || fn == command_approve || fn == command_rollback)
		choose_overrides(w, o);
	give(o);
}

static void turn_switch(struct world *w, bool maintenance, bool on)
{
	struct order *o = order_new(w);

	if (!o)
		return;
	o->what = maintenance ? on ? "begins maintenance" : "ends maintenance" : on ? "pauses" :
		"unpauses";
	o->maintenance = maintenance;
	o->on = on;
	give(o);
}

/* Somebody changes a number at the provider, past the engine. */
static void interfere(struct world *w)
{
	struct fake_number *n = &w->out.numbers[dice(w, (uint64_t)w->out.n_numbers)];

	snprintf(n->hooks[WH_SMS_FALLBACK_URL], sizeof(n->hooks[0]), "https://other.example/%d",
		 (int)dice(w, 1000));
	w->interfered = true;
	say(w, "somebody changes %s", n->e164);
}

static void on_window(struct world *w, const char *id)
{
	static const struct { const char *what; command_fn fn; } orders[] = {
		{ "approves", command_approve }, { "rejects", command_reject },
		{ "extends", command_extend }, { "cancels", command_cancel },
		{ "starts", command_start },
	};

	/* mostly nobody reacts */
	if (chance(w, 600))
		return;
	size_t k = dice(w, COUNT_OF(orders));
	order_event(w, orders[k].what, orders[k].fn, id);
	/* a colleague, at the same moment */
	if (chance(w, 300)) {
		k = dice(w, COUNT_OF(orders));
		order_event(w, orders[k].what, orders[k].fn, id);
	}
}

static void on_failed(struct world *w, const char *id)
{
	switch (dice(w, 3)) {
	case 0:
		order_event(w, "resumes", command_resume, id);
		break;
	case 1:
		order_event(w, "rolls back", command_rollback, id);
		break;
	default:
		order_event(w, "accepts", command_accept, id);
	}
}

void person_acts(struct world *w)
{
	int i = w->now.n_events - 1;
	const struct event_row *e = i >= 0 ? w->now.events[i] : NULL;
	const char *id = e ? db_keep(w, e->e.id) : NULL;

	if (w->interference && chance(w, 60))
		interfere(w);
	if ((w->now.paused || w->now.maintenance) && chance(w, 400)) {
		turn_switch(w, w->now.maintenance, false);
		return;
	}
	if (chance(w, 40)) {
		turn_switch(w, chance(w, 300), true);
		return;
	}
	switch (e ? (enum event_status)e->e.status : EV_CANCELLED) {
	case EV_PENDING:
	case EV_HELD:
		on_window(w, id);
		break;
	case EV_APPROVED:
	case EV_EXECUTING:
		if (chance(w, 250))
			order_event(w, "cancels", command_cancel, id);
		break;
	case EV_ROLLING_BACK:
		break;
	case EV_FAILED:
		on_failed(w, id);
		break;
	case EV_COMPLETED:
		if (chance(w, 400))
			order_event(w, "rolls back", command_rollback, id);
		else if (chance(w, 300))
			order_event(w, "starts", command_start, NULL);
		break;
	default:
		if (chance(w, 300))
			order_event(w, "starts", command_start, NULL);
	}
}
