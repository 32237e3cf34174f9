/*
 * Agents, number pool, reservations and items in memory: what store/items.h, agents.h,
 * plans.h and numbers.h say, for an installation of a few agents. Constraints that
 * PostgreSQL enforces (a number reserved once, assigned once) are refused here too.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "store/agents.h"
#include "store/items.h"
#include "store/numbers.h"
#include "store/plans.h"
#include "tests/world/world.h"

enum { ITEM_TEXTS = 15 };

static void texts_of(struct item *i, char **out[ITEM_TEXTS])
{
	char **texts[ITEM_TEXTS] = { &i->agent, &i->name, &i->eleven_agent, &i->from_account,
				     &i->to_account, &i->from_number, &i->from_sid, &i->to_number,
				     &i->to_sid, &i->eleven_before, &i->eleven_after, &i->before,
				     &i->after, &i->observed, &i->error };

	memcpy(out, texts, sizeof(texts));
}

static void item_copy(struct item *to, const struct item *from)
{
	char **texts[ITEM_TEXTS];

	*to = *from;
	to->dirty = false;
	texts_of(to, texts);
	for (int i = 0; i < ITEM_TEXTS; i++)
		*texts[i] = xstrdup(*texts[i]);
}

void items_free(struct item *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char **texts[ITEM_TEXTS];

		texts_of(&v[i], texts);
		for (int k = 0; k < ITEM_TEXTS; k++)
			free_p(texts[k]);
	}
	free_p(&v);
}

struct item *db_item_new(struct world *w, const struct item *from)
{
	struct item *i = xcalloc(1, sizeof(*i));

	item_copy(i, from);
	w->old_items = grow(w->old_items, &w->cap_old_items, w->n_old_items + 1,
			    sizeof(struct item *));
	return w->old_items[w->n_old_items++] = i;
}

static struct db_agent *agent_of(struct db_tables *d, const char *id)
{
	for (int i = 0; i < W_AGENTS; i++)
		if (str_eq(d->agents[i].id, id))
			return &d->agents[i];
	return NULL;
}

static struct db_pool *pool_of(struct db_tables *d, const char *number)
{
	for (int i = 0; i < d->n_pool; i++)
		if (str_eq(d->pool[i].number, number))
			return &d->pool[i];
	return NULL;
}

static bool reserved_for_other(const struct db_tables *d, const char *number, const char *event)
{
	for (int i = 0; i < d->n_reserved; i++)
		if (str_eq(d->reserved[i].number, number) && !str_eq(d->reserved[i].event, event))
			return true;
	return false;
}

static void unreserve(struct db_tables *d, const char *event, const char *agent)
{
	int n = 0;

	for (int i = 0; i < d->n_reserved; i++)
		if (!str_eq(d->reserved[i].event, event) ||
		    (agent && !str_eq(d->reserved[i].agent, agent)))
			d->reserved[n++] = d->reserved[i];
	d->n_reserved = n;
}

/* ---- what a plan is made of ------------------------------------------------------------------ */

/* Rows tell nothing of their writers here: everything is read every time. */
int agents_pulse(struct store *s, int64_t since, struct agents_pulse *ret, struct err *err)
{
	(void)since;
	*ret = (struct agents_pulse){ .changed = W_AGENTS };
	return db_call(s, err);
}

int agents_page(struct store *s, const struct agents_filter *f, const char *after, int64_t limit,
		struct agent_row **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	struct db_tables *d = db_see(s, NULL);

	(void)limit;
	if (r < 0)
		return r;
	*ret = xcalloc(W_AGENTS + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = 0; i < W_AGENTS && !after; i++) {
		const struct db_agent *a = &d->agents[i];
		const char *on = a->account ? a->account : "acc1";

		if (f->account && strcmp(f->account, on))
			continue;
		(*ret)[(*ret_n)++] = (struct agent_row){
			.a = { .id = xstrdup(a->id), .name = xstrdup(a->name),
			       .org_id = xstrdup("o1"), .status = xstrdup("ACTIVE"),
			       .eleven_id = xstrdup(a->eleven), .phone_number = xstrdup(a->number),
			       .home_account = xstrdup("acc1"), .account = xstrdup(on),
			       .backup_number = xstrdup(a->backup), .integration = a->integration },
			.eleven_present = 1,
		};
	}
	return 0;
}

void agents_free(struct agent_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		record_fini(&agent_type, &rows[i].a);
		free_p(&rows[i].eleven_number_id);
	}
	free_p(&rows);
}

int plan_numbers(struct store *s, const char *account, const char *reserved_by,
		 struct number **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc(W_POOL + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = 0; i < d->n_pool; i++) {
		const struct db_pool *p = &d->pool[i];

		if (!str_eq(p->account, account) || p->agent ||
		    (p->status != NUM_AVAILABLE && !reserved_by) ||
		    reserved_for_other(d, p->number, reserved_by))
			continue;
		(*ret)[(*ret_n)++] = (struct number){
			.id = xstrdup(p->number), .account = xstrdup(p->account),
			.phone_number = xstrdup(p->number), .sid = xstrdup(p->sid),
			.country = xstrdup("US"), .area_code = xstrdup("212"),
			.status = p->status, .voice_ready = true, .sms_ready = p->sms_ready,
		};
	}
	return 0;
}

void numbers_free(struct number *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&number_type, &rows[i]);
	free_p(&rows);
}

int hooks_get(struct store *s, const char *account, const char *phone_number,
	      struct number_hooks *ret, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	for (int i = 0; r >= 0 && i < d->n_hooks; i++) {
		if (!str_eq(d->hooks[i].account, account) ||
		    !str_eq(d->hooks[i].number, phone_number))
			continue;
		*ret = (struct number_hooks){ .account = xstrdup(account),
					      .sid = xstrdup(d->hooks[i].sid),
					      .phone_number = xstrdup(phone_number),
					      .baseline = xstrdup(d->hooks[i].baseline) };
		return 0;
	}
	return r < 0 ? r : err_set(err, ERR_NOT_FOUND, "nothing is known of %s", phone_number);
}

int hooks_list(struct store *s, const char *account, struct number_hooks **ret, size_t *ret_n,
	       struct err *err)
{
	int r = db_call(s, err);
	struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc((size_t)d->n_hooks + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = 0; i < d->n_hooks; i++)
		if (str_eq(d->hooks[i].account, account))
			(*ret)[(*ret_n)++] = (struct number_hooks){
				.account = xstrdup(account),
				.phone_number = xstrdup(d->hooks[i].number),
				.sid = xstrdup(d->hooks[i].sid),
				.baseline = xstrdup(d->hooks[i].baseline),
			};
	return 0;
}

void hooks_fini(struct number_hooks *h)
{
	char **texts[] = { &h->account, &h->phone_number, &h->sid, &h->baseline, &h->observed,
			   &h->approved_by };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_p(texts[i]);
}

void hooks_free(struct number_hooks *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hooks_fini(&rows[i]);
	free_p(&rows);
}

/* ---- items ---------------------------------------------------------------------- */

int items_load(struct store *s, const char *event, struct item **ret, size_t *ret_n,
	       struct err *err)
{
	int r = db_call(s, err);
	struct db_tables *d = db_see(s, NULL);
	int e = db_event(d, event);

	if (r < 0)
		return r;
	int n = e < 0 ? 0 : d->n_items[e];
	*ret = xcalloc((size_t)n + 1, sizeof(**ret));
	*ret_n = (size_t)n;
	for (int i = 0; i < n; i++)
		item_copy(&(*ret)[i], d->items[e][i]);
	return 0;
}

int items_put(struct tx *t, const char *event, const struct item *v, size_t n, struct err *err)
{
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);
	int e = db_event(d, event);

	for (size_t i = 0; r >= 0 && e >= 0 && i < n && i < W_AGENTS; i++)
		d->items[e][i] = db_item_new(world_of(t->store), &v[i]);
	if (r >= 0 && e >= 0)
		d->n_items[e] = (int)n;
	return r;
}

int items_save(struct tx *t, const char *event, struct item *const *v, size_t n, struct err *err)
{
	int r = n ? db_call(t->store, err) : 0;
	struct db_tables *d = db_see(t->store, t);
	int e = db_event(d, event);

	for (size_t i = 0; r >= 0 && e >= 0 && i < n; i++)
		for (int k = 0; k < d->n_items[e]; k++)
			if (str_eq(d->items[e][k]->agent, v[i]->agent))
				d->items[e][k] = db_item_new(world_of(t->store), v[i]);
	return r;
}

int items_reserve(struct tx *t, const char *event, const struct item *v, size_t n,
		  struct err *err)
{
	struct world *w = world_of(t->store);
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct db_pool *p = pool_of(d, v[i].to_number);

		if (!p || p->status != NUM_AVAILABLE || p->agent || d->n_reserved == W_POOL ||
		    reserved_for_other(d, v[i].to_number, NULL))
			return err_set(err, ERR_EXISTS, "%s is not free any more", v[i].to_number);
		p->status = NUM_RESERVED;
		d->reserved[d->n_reserved++] = (struct db_hold){
			db_keep(w, v[i].to_number), p->account, db_keep(w, v[i].agent),
			db_keep(w, event),
		};
	}
	return r;
}

int items_release(struct tx *t, const char *event, struct err *err)
{
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	for (int i = 0; r >= 0 && i < d->n_reserved; i++) {
		struct db_pool *p = pool_of(d, d->reserved[i].number);

		if (str_eq(d->reserved[i].event, event) && p && p->status == NUM_RESERVED &&
		    !p->agent)
			p->status = NUM_AVAILABLE;
	}
	if (r >= 0)
		unreserve(d, event, NULL);
	return r;
}

int items_read_before(struct tx *t, const char *event, struct item *const *v, size_t n,
		      struct err *err)
{
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	(void)event;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct db_agent *a = agent_of(d, v[i]->agent);
		struct str b = STR_INIT(STR_MAX_DEFAULT);
		struct jw w = JW(&b);
		const char *old = NULL;

		for (int k = 0; k < d->n_pool; k++)
			if (str_eq(d->pool[k].agent, v[i]->agent) &&
			    !str_eq(d->pool[k].number, v[i]->to_number))
				old = d->pool[k].number;
		if (!v[i]->before && a) {
			jw_obj(&w, NULL);
			jw_obj(&w, "agent");
			jw_str(&w, "accountId", a->account);
			jw_str(&w, "backupPhoneNumber", a->backup);
			jw_obj_end(&w);
			jw_str(&w, "old", old);
			jw_bool(&w, "hold", a->hold != NULL);
			jw_obj_end(&w);
			v[i]->before = xstrdup(str_get(&b));
			v[i]->dirty = true;
		}
		str_fini(&b);
	}
	return r;
}

int items_assign(struct tx *t, const char *event, struct item *const *v, size_t n,
		 struct err *err)
{
	struct world *w = world_of(t->store);
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct db_pool *p = pool_of(d, v[i]->to_number);

		for (int k = 0; k < d->n_pool; k++)
			if (str_eq(d->pool[k].agent, v[i]->agent) && &d->pool[k] != p) {
				d->pool[k].agent = NULL;
				d->pool[k].status = NUM_AVAILABLE;
			}
		if (p && !p->agent && !reserved_for_other(d, p->number, event)) {
			p->agent = db_keep(w, v[i]->agent);
			p->status = NUM_ASSIGNED;
		}
		unreserve(d, event, v[i]->agent);
		if (p && !str_eq(p->agent, v[i]->agent))
			return err_set(err, ERR_EXISTS, "%s was given to another agent", p->number);
	}
	return r;
}

int items_switch(struct tx *t, const char *event, const char *lineage, struct item *const *v,
		 size_t n, struct err *err)
{
	struct world *w = world_of(t->store);
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	(void)lineage;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct db_agent *a = agent_of(d, v[i]->agent);
		const struct db_pool *p = pool_of(d, v[i]->to_number);

		if (!a)
			continue;
		say(w, "  %s moves the row of %s to %s", t->store->engine_id, a->id,
		    v[i]->to_account);
		a->account = db_keep(w, v[i]->to_account);
		if (!str_eq(v[i]->to_number, a->number))
			a->backup = db_keep(w, v[i]->to_number);
		if (p && !p->sms_ready && !a->hold)
			a->hold = db_keep(w, event);
	}
	return r;
}

/* The row as it was before, from the item's image. */
struct image { struct json *doc; const char *account, *backup, *old; };

static struct image image_of(const struct item *i)
{
	struct image m = { .doc = i->before ? json_parse(i->before, strlen(i->before), NULL) :
			   NULL };
	const struct json *agent = json_get(m.doc, "agent");

	m.account = json_get_str(agent, "accountId");
	m.backup = json_get_str(agent, "backupPhoneNumber");
	m.old = json_get_str(m.doc, "old");
	return m;
}

static void restore_row(struct tx *t, struct item *i, struct db_agent *a, const struct image *m)
{
	struct world *w = world_of(t->store);
	bool as_left = str_eq(a->account, i->to_account) &&
		       (str_eq(a->backup, i->to_number) || str_eq(a->number, i->to_number));
	bool as_before = str_eq(a->account, m->account) && str_eq(a->backup, m->backup);

	if (!as_left && !as_before) {
		_cleanup_(free_p) char *now = xasprintf("{\"accountId\":\"%s\"}",
							a->account ? a->account : "");
		str_replace(&i->observed, now);
		i->dirty = true;
	}
	say(w, "  %s puts back the row of %s: %s", t->store->engine_id, a->id,
	    as_left ? "as left" : as_before ? "as before" : "changed");
	if (as_left && m->doc) {
		a->account = db_keep(w, m->account);
		a->backup = db_keep(w, m->backup);
	}
}

int items_restore(struct tx *t, const char *event, struct item *const *v, size_t n,
		  struct err *err)
{
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct image m = image_of(v[i]);
		struct db_agent *a = agent_of(d, v[i]->agent);
		struct db_pool *p = pool_of(d, v[i]->to_number), *old = pool_of(d, m.old);

		if (a)
			restore_row(t, v[i], a, &m);
		if (p && (str_eq(p->agent, v[i]->agent) || (p->status == NUM_RESERVED &&
							    !p->agent))) {
			p->agent = NULL;
			p->status = NUM_AVAILABLE;
		}
		if (old && old->status == NUM_AVAILABLE && !old->agent) {
			old->agent = db_keep(world_of(t->store), v[i]->agent);
			old->status = NUM_ASSIGNED;
		}
		if (a && str_eq(a->hold, event))
			a->hold = NULL;
		unreserve(d, event, v[i]->agent);
		json_free(m.doc);
	}
	return r;
}

static char *member_json(const char *doc, const char *name)
{
	struct json *j = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
	const struct json *v = json_get(j, name);
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	if (v)
		json_print(&b, v);
	json_free(j);
	return v ? str_take(&b) : NULL;
}

int items_baseline(struct tx *t, const char *event, struct item *const *v, size_t n, bool after,
		   struct err *err)
{
	struct world *w = world_of(t->store);
	int r = n ? db_call(t->store, err) : 0;
	struct db_tables *d = db_see(t->store, t);

	(void)event;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		_cleanup_(free_p) char *hooks = member_json(after ? v[i]->after : v[i]->before,
							    "webhooks");
		int k = 0;

		if (!hooks)
			continue;
		while (k < d->n_hooks && !str_eq(d->hooks[k].number, v[i]->to_number))
			k++;
		if (k == d->n_hooks && k < (int)COUNT_OF(d->hooks))
			d->n_hooks++;
		d->hooks[k] = (struct db_hooks){ db_keep(w, v[i]->to_account),
						 db_keep(w, v[i]->to_number),
						 db_keep(w, v[i]->to_sid), db_keep(w, hooks) };
	}
	return r;
}

int items_accept(struct tx *t, const char *event, struct err *err)
{
	int r = db_call(t->store, err);
	struct db_tables *d = db_see(t->store, t);
	int e = db_event(d, event);

	for (int k = 0; r >= 0 && e >= 0 && k < d->n_items[e]; k++) {
		struct item *i = db_item_new(world_of(t->store), d->items[e][k]);

		if (i->state != IT_MOVED)
			i->state = IT_STAYS;
		d->items[e][k] = i;
	}
	return r;
}
