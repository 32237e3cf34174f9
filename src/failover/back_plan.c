/*
 * What a rollback would do, without doing it: the same comparison as the run makes, on a
 * fresh reading. See rollback.h.
 */
#include <stdio.h>

#include "failover/rollback.h"
#include "failover/undo.h"

const char *back_verdict_name(enum back_verdict v)
{
	static const char *const names[] = { "done", "restore", "conflict", "stays" };

	return names[v];
}

void back_plan_free(struct back_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_items; i++) {
		struct back_item *b = &p->items[i];
		char **texts[] = { &b->agent, &b->name, &b->from_number, &b->to_number, &b->why };

		for (size_t k = 0; k < COUNT_OF(texts); k++)
			free_p(texts[k]);
	}
	free_p(&p->items);
	free_p(&p->event);
	free_p(&p->lineage);
	free_p(&p->from);
	free_p(&p->to);
	free_p(&p);
}

void back_plan_free_p(struct back_plan **p)
{
	back_plan_free(*p);
}

void back_plan_json(struct jw *w, const char *name, const struct back_plan *p)
{
	jw_obj(w, name);
	jw_str(w, "eventId", p->event);
	jw_str(w, "lineage", p->lineage);
	jw_str(w, "fromAccountId", p->from);
	jw_str(w, "toAccountId", p->to);
	jw_i64(w, "agents", (int64_t)p->n_items);
	jw_i64(w, "restore", p->restore);
	jw_i64(w, "done", p->done);
	jw_i64(w, "conflicts", p->conflicts);
	jw_i64(w, "stays", p->stays);
	jw_time(w, "offeredUntil", p->until_ms);
	jw_arr(w, "items");
	for (size_t i = 0; i < p->n_items; i++) {
		const struct back_item *b = &p->items[i];

		jw_obj(w, NULL);
		jw_str(w, "agentId", b->agent);
		jw_str(w, "name", b->name);
		jw_str(w, "homeNumber", b->from_number);
		jw_str(w, "backupNumber", b->to_number);
		jw_str(w, "verdict", back_verdict_name(b->verdict));
		jw_str(w, "why", b->why);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}

/* The entry of its number at home, if something must be done about it. */
static void add_home(struct back_item *b, const struct home_index *x, const struct mover *m)
{
	const char *agent = "";
	enum home_import is = home_import_of(x, m->row, &agent);
	_cleanup_(free_p) char *why = NULL;

	if (is == HOME_FINE || b->verdict == BACK_STAYS)
		return;
	if (is == HOME_OTHERS)
		why = xasprintf("%s is assigned to %s at ElevenLabs", m->row->from_number, agent);
	else
		why = xasprintf("%s is %s at ElevenLabs", m->row->from_number,
				is == HOME_MISSING ? "imported anew" : "assigned again");
	if (is == HOME_OTHERS)
		b->verdict = BACK_CONFLICT;
	else if (b->verdict == BACK_DONE)
		b->verdict = BACK_RESTORE;
	_cleanup_(free_p) char *both = b->why ? xasprintf("%s; %s", b->why, why) : xstrdup(why);
	str_replace(&b->why, both);
}

/* x NULL: what is outside could not be read. */
static void add_item(struct back_plan *p, const struct mover *m, const struct home_index *x)
{
	struct back_item *b = &p->items[p->n_items++];
	bool observed = x != NULL;
	struct undo u;

	undo_compare(m, &u);
	*b = (struct back_item){
		.agent = xstrdup(m->row->agent), .name = xstrdup(m->row->name),
		.from_number = xstrdup(m->row->from_number),
		.to_number = xstrdup(m->row->to_number),
		.verdict = observed ? u.verdict : BACK_RESTORE,
		.why = observed && u.why[0] ? xstrdup(u.why) : NULL,
	};
	if (m->row->state == IT_STAYS) {
		b->verdict = BACK_STAYS;
		str_replace(&b->why, m->row->error);
	} else if (b->verdict == BACK_DONE && m->row->state == IT_MOVED) {
		b->verdict = BACK_RESTORE;	/* its row goes home in any case */
	}
	if (x)
		add_home(b, x, m);
	p->restore += b->verdict == BACK_RESTORE;
	p->done += b->verdict == BACK_DONE;
	p->conflicts += b->verdict == BACK_CONFLICT;
	p->stays += b->verdict == BACK_STAYS;
	undo_fini(&u);
}

static int check(struct act *a, struct err *err)
{
	struct event_row *r = &a->row;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = "engine", .role = "engine", .via = "engine" };

	if (r->e.status != EV_COMPLETED && r->e.status != EV_FAILED)
		return err_set(err, ERR_CONFLICT, "%s is %s, only a completed or failed one is"
			       " rolled back", r->e.id, event_status_name(r->e.status));
	int x = tx_begin(a->d->store, &t, &who, err);
	return x < 0 ? x : rollback_is_newest(&t, r->e.id, err);
}

int rollback_plan(struct failover_deps *d, const char *event_id, struct back_plan **ret,
		  struct err *err)
{
	struct executor x = { .d = d };
	struct act a;
	int r = act_load(&a, &x, event_id, err);

	if (r >= 0)
		r = check(&a, err);
	if (r >= 0) {
		bool observed = observe(&a, NULL) >= 0 && !a.eleven_down_since_ms;
		struct back_plan *p = xcalloc(1, sizeof(*p));

		struct home_index *home = observed ? home_index_new(&a) : NULL;

		if (observed)
			rollback_find_stays(&a);
		*p = (struct back_plan){
			.event = xstrdup(event_id), .lineage = xstrdup(a.row.e.lineage),
			.from = xstrdup(a.row.e.to), .to = xstrdup(a.row.e.from),
			.items = xcalloc(a.n_items + 1, sizeof(*p->items)),
			.until_ms = a.row.e.rollback_until_ms,
		};
		for (size_t i = 0; i < a.n_items; i++)
			if (a.items[i].before)
				add_item(p, &a.movers[i], home);
		home_index_free(home);
		*ret = p;
	}
	act_fini(&a);
	return r;
}

bool rollback_numbers(struct failover_deps *d, const char *event_id, char *why, size_t n)
{
	struct executor x = { .d = d };
	struct call_info info = { 0 };
	struct err err = { 0 };
	int64_t all = 0, there = 0;
	char text[200];
	struct act a;

	if (act_load(&a, &x, event_id, &err) < 0) {
		snprintf(why, n, "not known: %s", err.msg);
	} else if (rollback_count_home(&a, &all, &there, &info) < 0) {
		snprintf(why, n, "the numbers there cannot be read: %s",
			 info_text(&info, text, sizeof(text)));
		all = there + 1;
	} else if (all == there) {
		snprintf(why, n, "the own numbers of all %lld agents wait there", (long long)all);
	} else {
		snprintf(why, n, "the own numbers of %lld of %lld agents are not there or take no "
			 "calls; overridden, these agents stay on the backup",
			 (long long)(all - there), (long long)all);
	}
	act_fini(&a);
	return !err.code && all == there;
}
