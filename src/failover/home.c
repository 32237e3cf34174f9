/*
 * The entries at ElevenLabs for the numbers at home, before agents go back to them
 * (failover.md section 6): one that is missing is imported anew, one that is assigned to
 * nobody is assigned, one that is somebody else's is left and listed.
 *
 * Invariant: an import overwrites webhooks, so what the number had is stored in the
 * item's before-image ("home") in the transaction that records the import, and put back
 * after it; an engine that comes in between finds it there. Nothing else of the home
 * account is written.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "failover/mover.h"

/* ---- what is there ------------------------------------------------------------------------ */

struct home_index { const struct remote_number **v; size_t n; };

static int by_number(const void *a, const void *b)
{
	return strcmp((*(const struct remote_number *const *)a)->e164,
		      (*(const struct remote_number *const *)b)->e164);
}

struct home_index *home_index_new(const struct act *a)
{
	struct home_index *x = xcalloc(1, sizeof(*x));

	x->v = xcalloc(a->imports.n + 1, sizeof(struct remote_number *));
	for (size_t i = 0; i < a->imports.n; i++)
		x->v[x->n++] = &a->imports.v[i];
	qsort(x->v, x->n, sizeof(struct remote_number *), by_number);
	return x;
}

void home_index_free(struct home_index *x)
{
	if (x)
		free_p(&x->v);
	free_p(&x);
}

/* First entry that is not before the number. */
static size_t first_of(const struct home_index *x, const char *e164)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(x->v[mid]->e164, e164) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum home_import home_import_of(const struct home_index *x, const struct item *it,
				const char **ret_agent)
{
	enum home_import is = HOME_MISSING;

	if (it->integration != INT_IMPORT || !it->before || str_empty(it->from_number))
		return HOME_FINE;
	/* a lost reply may have left two entries: ours wins, then one that is in use */
	for (size_t i = first_of(x, it->from_number); i < x->n; i++) {
		const struct remote_number *r = x->v[i];

		if (!str_eq(r->e164, it->from_number))
			break;
		if (str_eq(r->agent_id, it->eleven_agent))
			return HOME_FINE;
		if (r->agent_id[0] && ret_agent)
			*ret_agent = r->agent_id;
		if (is != HOME_OTHERS)
			is = r->agent_id[0] ? HOME_OTHERS : HOME_UNASSIGNED;
	}
	return is;
}

/* ---- bringing one home ---------------------------------------------------------------------- */

/* The number at home as a mover of its own, which borrows the texts of the item. */
struct job {
	struct mover *of;
	struct mover m;
	struct item row;
	bool again;
};

static void job_begin(struct job *j, struct mover *of)
{
	const struct item *it = of->row;

	*j = (struct job){ .of = of };
	j->row = (struct item){
		.agent = it->agent, .name = it->name, .integration = INT_IMPORT,
		.eleven_agent = it->eleven_agent, .from_number = it->from_number,
		.to_number = it->from_number,
	};
	j->m = (struct mover){ .a = of->a, .row = &j->row, .keys = &of->a->from_keys,
			       .aside = true };
}

static void job_end(struct job *j)
{
	mover_fini(&j->m);
	free_p(&j->row.to_sid);
	free_p(&j->row.before);
	free_p(&j->row.eleven_before);
	free_p(&j->row.eleven_after);
	free_p(&j->row.error);
}

/* Stays in the before-image from the first time on: by then it is what the import left. */
static void keep_before(struct job *j)
{
	struct mover *of = j->of;
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	if (json_get(of->before, "home"))
		return;
	mover_add_before(&j->m);
	jw_obj(&w, NULL);
	for (const struct json *v = json_first(of->before); v; v = json_next(v))
		jw_json(&w, json_name(v), v);
	jw_json(&w, "home", j->m.before);
	jw_obj_end(&w);
	str_replace(&of->row->before, str_get(&b));
	str_fini(&b);
	mover_before(of);
	act_dirty(of->a, of->row);
}

/* 0 done or left to others, negative: mover_fail said why, or stopped. */
static int bring(struct job *j)
{
	struct mover *m = &j->m;
	struct call_info info = { 0 };
	struct webhooks want;
	char text[300];

	if (import_read(m, &info) != CALL_OK || phone_read(m, &info) != CALL_OK) {
		if (info.result != CALL_CANCELLED)
			mover_fail(m, true, info_transient(&info), "%s cannot be read: %s",
				   m->row->to_number, info_text(&info, text, sizeof(text)));
		return ERR_FAILED;
	}
	if (m->imported && m->import_agent[0] && !str_eq(m->import_agent, m->row->eleven_agent)) {
		free_p(&j->of->home_why);
		j->of->home_why = xasprintf("%s is assigned to %s at ElevenLabs", m->row->to_number,
					    m->import_agent);
		return 0;
	}
	keep_before(j);
	int r = import_assign(m, m->row->eleven_agent);
	if (r < 0)
		return r;
	webhooks_ours(json_get(json_get(j->of->before, "home"), "webhooks"), &want);
	return webhooks_put(m, &want);
}

static void bring_home(void *arg)
{
	struct job *j = arg;
	struct item *it = j->of->row;

	if (j->of->a->stop != ACT_GO)
		return;
	if (bring(j) >= 0 || !j->m.why[0])
		return;
	log_warn("failover", "%s: %s: at home: %s", j->of->a->row.e.id, it->agent, j->m.why);
	if (j->m.retry) {
		j->again = true;
		memcpy(j->of->why, j->m.why, sizeof(j->of->why));
		return;
	}
	it->state = IT_STAYS;
	_cleanup_(free_p) char *why = xasprintf("its number at home: %s", j->m.why);
	str_replace(&it->error, why);
	act_dirty(j->of->a, it);
}

int home_imports(struct act *a, struct err *err)
{
	struct home_index *x = home_index_new(a);
	struct job *jobs = NULL;
	size_t n = 0, cap = 0;
	struct crowd crowd;
	int again = 0;

	for (size_t i = 0; i < a->n_items; i++) {
		const struct item *it = &a->items[i];
		/* one that was begun goes on: its webhooks may not be back yet */
		bool begun = json_get(a->movers[i].before, "home") != NULL;

		if (it->state == IT_STAYS || it->state == IT_UNDONE || it->state == IT_CONFLICT ||
		    (!begun && home_import_of(x, it, NULL) == HOME_FINE))
			continue;
		jobs = grow(jobs, &cap, n + 1, sizeof(*jobs));
		job_begin(&jobs[n++], &a->movers[i]);
	}
	home_index_free(x);
	for (size_t i = 0; i < n; i++)
		jobs[i].m.row = &jobs[i].row;	/* they moved while there were more to come */
	crowd_init(&crowd, (int)a->d->set->parallel);
	for (size_t i = 0; i < n && a->stop == ACT_GO; i++)
		crowd_add(&crowd, "home", bring_home, &jobs[i]);
	crowd_join(&crowd);
	for (size_t i = 0; i < n; i++) {
		again += jobs[i].again;
		job_end(&jobs[i]);
	}
	free_p(&jobs);
	int r = n ? act_flush(a, err) : 0;
	return r < 0 ? r : again;
}
