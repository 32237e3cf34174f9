/*
 * Undoing what an attempt changed, three-way for each thing (failover.md §6): as we left
 * it -> the before-image; as before -> done; else somebody else's, left alone and listed.
 *
 * Items whose after-image was never read back (an engine died between) are taken as we
 * left them. Callers' numbers at home come first: the agents' rows, then the clean-up of
 * the backup numbers. It does not decide whether a rollback may happen.
 */
#include "failover/mover.h"

#include <stdio.h>
#include <string.h>

#include "failover/undo.h"

/* ---- comparing ----------------------------------------------------------------------- */

static void add_why(char *why, size_t n, const char *fmt, const char *a, const char *b)
{
	size_t len = strlen(why);

	if (len + 4 >= n)
		return;
	if (len)
		len += (size_t)snprintf(why + len, n - len, "; ");
	snprintf(why + len, n - len, fmt, a, b);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* An assignment is described by its agent; no import and none assigned are the same. */
static enum back_verdict import_verdict(const struct mover *m, const struct json *after,
					const char **ret_agent, char *why, size_t n)
{
	const char *before = or_empty(json_get_str(json_get(m->before, "import"), "agentId"));
	const char *left = json_get_str(json_get(after, "import"), "agentId");
	const char *now = m->imported ? m->import_agent : "";

	*ret_agent = before;
	if (str_eq(now, before))
		return BACK_DONE;
	if (str_eq(now, left ? left : or_empty(m->row->eleven_agent)))
		return BACK_RESTORE;
	add_why(why, n, "%s is assigned to %s at ElevenLabs", m->row->to_number,
		now[0] ? now : "nobody");
	return BACK_CONFLICT;
}

static enum back_verdict hooks_verdict(const struct mover *m, const struct json *after,
				       struct webhooks *ret_want, char *why, size_t n)
{
	const struct json *left_doc = json_get(after, "webhooks");
	struct webhooks before, left;
	enum back_verdict v = BACK_DONE;

	memset(ret_want, 0, sizeof(*ret_want));
	if (!m->phone)
		return BACK_DONE;	/* released meanwhile: nothing to put back */
	webhooks_read(json_get(m->before, "webhooks"), &before);
	webhooks_read(left_doc, &left);
	for (int f = 0; f < WH_COUNT; f++) {
		const char *now = or_empty(m->phone->hooks->v[f]);

		if (!before.v[f] || str_eq(now, before.v[f]))
			continue;
		if (left_doc && !str_eq(now, or_empty(left.v[f]))) {
			add_why(why, n, "%s of %s was changed meanwhile",
				webhook_field_name((enum webhook_field)f), m->row->to_number);
			v = BACK_CONFLICT;
			continue;
		}
		ret_want->v[f] = before.v[f];
		if (v == BACK_DONE)
			v = BACK_RESTORE;
	}
	return v;
}

void undo_compare(const struct mover *m, struct undo *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->after = m->row->after ? json_parse(m->row->after, strlen(m->row->after), NULL) : NULL;
	ret->import = m->row->integration == INT_IMPORT ?
		import_verdict(m, ret->after, &ret->agent, ret->why, sizeof(ret->why)) : BACK_DONE;
	ret->hooks = hooks_verdict(m, ret->after, &ret->want, ret->why, sizeof(ret->why));
	ret->verdict = ret->import > ret->hooks ? ret->import : ret->hooks;
}

void undo_fini(struct undo *u)
{
	json_free(u->after);
	u->after = NULL;
}

/* ---- doing it -------------------------------------------------------------------------- */

static bool any_given(const struct webhooks *w)
{
	for (int f = 0; f < WH_COUNT; f++)
		if (w->v[f])
			return true;
	return false;
}

static void undo_mover(void *arg)
{
	struct mover *m = arg;
	struct act *a = m->a;
	struct undo u;

	if (a->stop != ACT_GO)
		return;
	m->why[0] = '\0';
	m->fatal = m->retry = false;
	undo_compare(m, &u);
	int r = 0;
	bool row_changed = m->row->observed != NULL;	/* found by undo_rows */
	if (row_changed) {
		add_why(u.why, sizeof(u.why), "the row of %s was changed meanwhile%s",
			m->row->name ? m->row->name : m->row->agent, "");
		u.verdict = BACK_CONFLICT;
	}
	if (m->home_why) {
		add_why(u.why, sizeof(u.why), "%s%s", m->home_why, "");
		u.verdict = BACK_CONFLICT;
	}
	if (u.import == BACK_RESTORE)
		r = import_assign(m, u.agent);
	if (r >= 0 && any_given(&u.want))
		r = webhooks_put(m, &u.want);
	if (r >= 0) {
		m->row->state = u.verdict == BACK_CONFLICT ? IT_CONFLICT : IT_UNDONE;
		m->row->step = 0;
		str_replace(&m->row->error, u.why[0] ? u.why : NULL);
		if (u.verdict == BACK_CONFLICT && !row_changed) {
			_cleanup_(free_p) char *now = mover_after(m);

			str_replace(&m->row->observed, now);
		}
		act_dirty(a, m->row);
	}
	undo_fini(&u);
}

struct undo_rows { struct item **v; size_t n; };

static int restore_rows(struct act *a, struct tx *t, void *arg, struct err *err)
{
	struct undo_rows *u = arg;
	int r = items_restore(t, a->row.e.id, u->v, u->n, err);

	/* in the same transaction: whoever goes on must not take the row for moved */
	for (size_t i = 0; r >= 0 && i < u->n; i++) {
		u->v[i]->step = 0;
		if (u->v[i]->state == IT_MOVED)
			u->v[i]->state = IT_MOVING;
	}
	if (r >= 0)
		r = items_save(t, a->row.e.id, u->v, u->n, err);
	return r < 0 ? r : items_baseline(t, a->row.e.id, u->v, u->n, false, err);
}

int undo_rows(struct act *a, bool (*want)(const struct mover *m), struct err *err)
{
	struct item **v = xcalloc(a->n_items + 1, sizeof(struct item *));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < a->n_items; i++)
		if (a->items[i].before && want(&a->movers[i]))
			v[n++] = &a->items[i];
	for (size_t from = 0; r >= 0 && from < n; from += UNDO_CHUNK) {
		struct undo_rows u = { v + from, n - from < UNDO_CHUNK ? n - from : UNDO_CHUNK };

		r = act_tx(a, restore_rows, &u, err);
	}
	/* from here on it begins anew, whatever becomes of what is outside */
	for (size_t i = 0; r >= 0 && i < n; i++) {
		v[i]->dirty = false;	/* set by items_restore without the line's knowledge */
		act_dirty(a, v[i]);
	}
	free_p(&v);
	return r;
}

int undo_outside(struct act *a, bool (*want)(const struct mover *m), struct err *err)
{
	enum { ROUNDS = 3, ROUND_MS = 1000 };
	int left = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct crowd crowd;

		if (round && (task_sleep(ROUND_MS) == OP_CANCELLED || observe(a, err) < 0))
			break;
		a->target_dead = false;
		crowd_init(&crowd, (int)a->d->set->parallel * 2);
		for (size_t i = 0; i < a->n_items && a->stop == ACT_GO; i++)
			if (a->items[i].before && want(&a->movers[i]) &&
			    a->items[i].state != IT_UNDONE && a->items[i].state != IT_CONFLICT)
				crowd_add(&crowd, "undo", undo_mover, &a->movers[i]);
		crowd_join(&crowd);
		left = 0;
		for (size_t i = 0; i < a->n_items; i++)
			left += a->items[i].before && want(&a->movers[i]) &&
				a->items[i].state != IT_UNDONE && a->items[i].state != IT_CONFLICT;
		int r = act_flush(a, err);
		if (r < 0)
			return r;
		if (!left || a->stop != ACT_GO)
			break;
	}
	return left;
}
