/*
 * The host of runs; see runs.h. One task looks for open runs while this engine leads and
 * keeps a driver on each; API calls read and order through the same held runs.
 *
 * A run that is over and not looked at is let go; its document is stored with it, so that
 * opening it costs one row.
 */
#include "runbook/runs.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "core/crypto.h"
#include "core/log.h"
#include "runbook/param.h"
#include "runbook/runs_priv.h"

enum { LOOK_MS = 2000, SCAN_MS = 3000, OPEN_MAX = 500, KEPT_MS = 60000, SETTLE_MS = 200 };

/* ---- the directory --------------------------------------------------------------------- */

static char *stamp_of(const char *dir)
{
	struct str b = STR_INIT(1 << 20);
	DIR *d = dir ? opendir(dir) : NULL;
	uint64_t sum = 0;
	int64_t n = 0;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, e->d_name);
		struct stat st;

		if (e->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		n++;
		sum = sum * 31 + (uint64_t)st.st_mtim.tv_sec * 1000003 +
		      (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_size + (uint64_t)st.st_ino;
	}
	if (d)
		closedir(d);
	str_addf(&b, "%lld/%llx", (long long)n, (unsigned long long)sum);
	return str_take(&b);
}

void library_look(struct runs *r)
{
	int64_t now = loop_now_ms(r->d.loop);
	struct problems problems = { 0 };
	struct err err = { 0 };

	if (!r->d.dir || (r->looked_ms && now - r->looked_ms < LOOK_MS))
		return;
	r->looked_ms = now ? now : 1;
	_cleanup_(free_p) char *stamp = stamp_of(r->d.dir);
	if (str_eq(stamp, r->stamp))
		return;
	struct library *l = library_load(r->d.dir, &problems, &err);

	str_replace(&r->stamp, stamp);
	if (!l) {
		log_warn("runbooks", "%s", err.msg);
		problems_fini(&problems);
		return;
	}
	library_free(r->library);
	problems_fini(&r->problems);
	r->library = l;
	r->problems = problems;
	_cleanup_(free_p) char *file = xasprintf("%s/policy.yaml", r->d.dir);
	struct policy *policy = policy_load(file, &err);

	if (!policy) {
		log_warn("runbooks", "%s", err.msg);
		return;
	}
	/* steps that run may still read the old one: it lives as long as we do */
	r->policies = xrealloc(r->policies, (r->n_policies + 1) * sizeof(*r->policies));
	r->policies[r->n_policies++] = policy;
	r->policy = policy;
	r->d.env.policy = policy;
}

const struct library *runs_library(struct runs *r)
{
	library_look(r);
	return r->library;
}

const struct policy *runs_policy(const struct runs *r)
{
	return r->policy;
}

const char *runs_problem(struct runs *r, const char *id)
{
	_cleanup_(free_p) char *name = xasprintf("%s.yaml", id);

	for (size_t i = 0; i < r->problems.n; i++) {
		const struct problem *p = &r->problems.v[i];
		const char *slash = p->file ? strrchr(p->file, '/') : NULL;

		if (!p->warning && str_eq(slash ? slash + 1 : p->file, name))
			return p->text;
	}
	return NULL;
}

/* ---- drivers ------------------------------------------------------------------------------ */

static void driver_done(void *arg)
{
	struct held_run *h = arg;

	h->driver = NULL;
	h->runs->running--;
	held_release(h);
	condition_wake(&h->runs->wake);
}

/* Has it anything to do? One that is over may still be undone; what its undo lacks is looked
 * up once where the runbook says. */
static bool needs_driver(const struct held_run *h)
{
	struct todo t = { 0 };
	struct run_doc d = { 0 };
	bool undo, look = false;

	if (!h->f)
		return false;
	flow_next(h->f, loop_wall_ms(h->runs->d.loop), &t);
	if (!flow_over(h->f) || t.kind != TODO_NOTHING || flow_in_flight(h->f, &undo))
		return true;
	flow_doc(h->f, 0, &d);
	look = d.wait.kind == RW_PARAM && !str_eq(d.wait.param, h->tried);
	run_doc_fini(&d);
	return look;
}

static void ensure_driver(struct runs *r, const char *id)
{
	struct err err = { 0 };
	struct held_run *h = held_get(r, id, &err);

	if (!h) {
		log_warn("runs", "%s: %s", id, err.msg);
		return;
	}
	condition_wake(&h->changed);
	if (h->driver || !needs_driver(h) || r->stopping) {
		held_release(h);
		return;
	}
	r->running++;
	h->driver = task_start(r->d.loop, "run", drive_task, h, driver_done);
}

static void let_go(struct runs *r)
{
	int64_t now = loop_now_ms(r->d.loop);
	struct held_run **at = &r->first;

	while (*at) {
		struct held_run *h = *at;

		if (h->users || h->driver || h->busy || now - h->used_ms < KEPT_MS) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		held_free(h);
	}
}

static void scan(struct runs *r)
{
	struct run *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (r->d.epoch(r->d.ctx) <= 0)
		return;
	if (runs_list(r->d.store, "open", NULL, NULL, OPEN_MAX, &rows, &n, &err) < 0) {
		log_debug("runs", "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n && !r->stopping; i++)
		ensure_driver(r, rows[i].id);
	runs_list_free(rows, n);
	/* an undo may be ordered on what is over */
	for (struct held_run *h = r->first; h && !r->stopping; h = h->next) {
		if (!h->f || h->driver || h->busy || !flow_over(h->f) || !needs_driver(h))
			continue;
		ensure_driver(r, h->id);
		break;
	}
}

static void main_task(void *arg)
{
	struct runs *r = arg;

	while (!r->stopping && !task_cancelled()) {
		library_look(r);
		scan(r);
		let_go(r);
		condition_wait(&r->wake, SCAN_MS);
	}
}

static void main_done(void *arg)
{
	struct runs *r = arg;

	r->task = NULL;
}

struct runs *runs_new(const struct runs_deps *d)
{
	struct runs *r = xcalloc(1, sizeof(*r));

	r->d = *d;
	return r;
}

void runs_start(struct runs *r)
{
	r->task = task_start(r->d.loop, "runs", main_task, r, main_done);
}

void runs_wake(struct runs *r)
{
	condition_wake(&r->wake);
}

void runs_stop(struct runs *r)
{
	r->stopping = true;
	condition_wake(&r->wake);
	for (struct held_run *h = r->first; h; h = h->next)
		condition_wake(&h->changed);
}

bool runs_idle(const struct runs *r)
{
	return !r->task && r->running == 0;
}

void runs_free(struct runs *r)
{
	if (!r)
		return;
	while (r->first) {
		struct held_run *h = r->first;

		r->first = h->next;
		held_free(h);
	}
	for (size_t i = 0; i < r->n_policies; i++)
		policy_free(r->policies[i]);
	free_p(&r->policies);
	library_free(r->library);
	problems_fini(&r->problems);
	free_p(&r->stamp);
	free_p(&r);
}

/* ---- beginning ------------------------------------------------------------------------------- */

struct sources { const struct runbook **v; size_t n, cap; };

static void gather(struct runs *r, const struct runbook *rb, struct sources *ret);

static void gather_called(struct runs *r, const struct step *steps, size_t n, struct sources *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct operation *op = &steps[i].op;
		const struct runbook *called = op->verb == VERB_CALL ?
					       library_find(r->library, op->text) : NULL;

		if (called)
			gather(r, called, ret);
		for (size_t k = 0; k < op->n_options; k++)
			gather_called(r, op->options[k].steps, op->options[k].n_steps, ret);
	}
}

/* Itself and all that it calls, each once. */
static void gather(struct runs *r, const struct runbook *rb, struct sources *ret)
{
	for (size_t i = 0; i < ret->n; i++)
		if (str_eq(ret->v[i]->id, rb->id))
			return;
	ret->v = grow(ret->v, &ret->cap, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = rb;
	for (size_t i = 0; i < rb->n_phases; i++)
		gather_called(r, rb->phases[i].steps, rb->phases[i].n_steps, ret);
}

/* Values that are not to change while it runs: an edit of the policy or the environment
 * changes nothing. Secrets are looked up when they are used, and kept in no row. */
static void add_found(struct runs *r, struct jw *w, const struct sources *all)
{
	jw_obj(w, "found");
	for (size_t k = 0; k < all->n; k++) {
		jw_obj(w, all->v[k]->id);
		for (size_t i = 0; i < all->v[k]->n_params; i++) {
			const struct param *p = &all->v[k]->params[i];
			_cleanup_(free_p) char *text = p->type == PARAM_SECRET ? NULL :
						       param_found(&r->d.env, p);

			if (text)
				jw_str(w, p->name, text);
		}
		jw_obj_end(w);
	}
	jw_obj_end(w);
}

static const struct param *param_named(const struct runbook *rb, const char *name)
{
	for (size_t i = 0; i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, name))
			return &rb->params[i];
	return NULL;
}

/* Parameters are checked before anything begins; secrets are left out of what is stored. */
static int add_params(struct runs *r, struct jw *w, const struct runbook *rb,
		      const struct json *params, struct err *err)
{
	jw_obj(w, "params");
	for (const struct json *j = json_first(params); j; j = json_next(j)) {
		const struct param *p = param_named(rb, json_name(j));
		_cleanup_(free_p) char *text = json_scalar_text(j);
		struct value v = { 0 };
		int e;

		if (!p)
			return err_field(err, ERR_INVALID, json_name(j),
					 "the runbook has no such parameter");
		if (!text)
			return err_field(err, ERR_INVALID, json_name(j), "one value is wanted");
		e = param_value(p, text, &v, err);
		value_fini(&v);
		if (e < 0)
			return e;
		if (p->type == PARAM_SECRET && r->d.epoch(r->d.ctx) <= 0)
			return err_field(err, ERR_UNREACHABLE, p->name,
					 "only the leading engine takes secrets");
		if (p->type != PARAM_SECRET)
			jw_str(w, p->name, text);
	}
	jw_obj_end(w);
	return 0;
}

static int started_data(struct runs *r, const struct run_start *s, const struct runbook *rb,
			const char *id, struct str *data, struct err *err)
{
	struct jw w = JW(data);
	struct sources all = { 0 };
	int e;

	jw_obj(&w, NULL);
	jw_str(&w, "id", id);
	jw_str(&w, "runbook", rb->id);
	jw_str(&w, "hash", rb->hash);
	jw_str(&w, "kind", s->dry ? "dry" : s->kind ? s->kind : "real");
	jw_str(&w, "environment", r->d.environment);
	jw_str(&w, "incident", s->incident);
	jw_str(&w, "subject", s->subject);
	e = add_params(r, &w, rb, s->params, err);
	jw_str(&w, "policy", r->policy ? r->policy->hash : NULL);
	gather(r, rb, &all);
	jw_obj(&w, "sources");
	for (size_t i = 0; i < all.n; i++)
		jw_str(&w, all.v[i]->id, all.v[i]->source);
	jw_obj_end(&w);
	add_found(r, &w, &all);
	jw_obj_end(&w);
	free_p(&all.v);
	return e;
}

static void hand_secrets(struct held_run *h, const struct json *params)
{
	for (const struct json *j = json_first(params); j && h->f; j = json_next(j)) {
		const struct param *p = param_named(h->text.v[0], json_name(j));

		if (p && p->type == PARAM_SECRET && json_str(j)) {
			_cleanup_(secret_free_p) struct secret *s = secret_new(json_str(j));

			flow_secret(h->f, p->name, s);
		}
	}
}

static int create(struct runs *r, const struct run_start *s, struct runbook *rb,
		  const struct who *who, char **ret_id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct str data = STR_INIT(STR_MAX_DEFAULT);
	struct run summary = { 0 };
	int e = tx_begin(r->d.store, &t, who, err);

	if (e == 0)
		e = run_next_id(&t, ret_id, err);
	if (e == 0)
		e = started_data(r, s, rb, *ret_id, &data, err);
	if (e == 0) {
		_cleanup_(json_free_p) struct json *j = json_parse(data.s, data.len, NULL);

		found_use(rb, json_get(j, "found"));
		struct flow *f = flow_new(rb, r->library);
		struct run_entry entry = { 1, tx_now_ms(&t), RE_STARTED, NULL,
					   (char *)(uintptr_t)who->actor, data.s };
		struct run_entry_row row = { .n = 1, .at_ms = entry.at_ms, .epoch = who->epoch,
					     .kind = (char *)(uintptr_t)"started",
					     .by = entry.by, .data = data.s };
		_cleanup_(free_p) char *note = xasprintf("%s: started%s by %s", rb->id,
							 s->dry ? " dry" : "", who->actor);

		e = flow_apply(f, &entry, err);
		flow_run(f, &summary);
		flow_free(f);
		struct run_update u = { .summary = &summary, .note = note };
		if (e == 0)
			e = run_create(&t, *ret_id, &row, &u, err);
	}
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	record_fini(&run_type, &summary);
	str_fini(&data);
	return e;
}

int runs_begin(struct runs *r, const struct run_start *s, const struct who *who, char **ret_id,
	       struct err *err)
{
	const struct library *l = runs_library(r);
	const struct runbook *rb = l ? library_find(l, s->runbook) : NULL;
	const char *near = l ? library_nearest(l, s->runbook) : NULL;
	int e;

	*ret_id = NULL;
	if (!rb)
		return err_field(err, ERR_NOT_FOUND, "runbook", near ?
				 "there is no runbook %s; meant %s?" : "there is no runbook %s",
				 s->runbook, near);
	if (s->kind && !str_eq(s->kind, "real") && !str_eq(s->kind, "drill") &&
	    !str_eq(s->kind, "dry"))
		return err_field(err, ERR_INVALID, "kind", "real, drill or dry");
	/* a copy: the directory may be read anew while we wait */
	struct problems p = { 0 };
	struct runbook *own = runbook_parse(rb->source, strlen(rb->source), rb->file, &p);

	problems_fini(&p);
	if (!own)
		return err_set(err, ERR_INVALID, "%s cannot be read any more", s->runbook);
	e = create(r, s, own, who, ret_id, err);
	runbook_free(own);
	if (e < 0) {
		free_p(ret_id);
		return e;
	}
	struct held_run *h = held_get(r, *ret_id, err);

	if (h) {
		hand_secrets(h, s->params);
		held_release(h);
	}
	runs_wake(r);
	if (r->d.changed)
		r->d.changed(r->d.ctx);
	return 0;
}

/* ---- orders and documents ------------------------------------------------------- */

struct ordering { const struct json *order; const struct who *who; int role; int64_t now_ms; };

static int ordered(void *ctx, struct held_run *h, struct run_entry *ret, struct err *err)
{
	const struct ordering *o = ctx;
	int e = flow_order(h->f, o->order, o->who->actor, o->role, o->now_ms, ret, err);

	if (e == 0 && ret->kind == RE_PARAM && strstr(ret->data, "\"secret\":true") &&
	    h->runs->d.epoch(h->runs->d.ctx) <= 0) {
		run_entry_fini(ret);
		return err_field(err, ERR_UNREACHABLE, "value",
				 "only the leading engine takes secrets");
	}
	return e;
}

static void hand_secret(struct held_run *h, const struct json *order)
{
	const char *name = json_get_str(order, "name");
	const char *value = json_get_str(order, "value");
	bool secret = false;

	if (!str_eq(json_get_str(order, "action"), "param") || !h->f || !value || !name)
		return;
	if (flow_param_value(h->f, name, value, NULL, &secret, NULL) < 0 || !secret)
		return;
	_cleanup_(secret_free_p) struct secret *s = secret_new(value);

	flow_secret(h->f, name, s);
	condition_wake(&h->changed);
}

int runs_order(struct runs *r, const char *id, const struct json *order, const struct who *who,
	       int role, int64_t *ret_version, struct err *err)
{
	struct ordering o = { order, who, role, loop_wall_ms(r->d.loop) };
	struct held_run *h = held_get(r, id, err);
	int e = h ? held_store(h, who, ordered, &o, err) : err->code;

	if (!h)
		return e;
	if (e == 0) {
		h->role = role;
		free_p(&h->tried);
		hand_secret(h, order);
		if (ret_version && h->f)
			*ret_version = flow_version(h->f);
		if (h->f && flow_over(h->f))	/* nobody drives it any more */
			held_tell_holds(h);
		runs_wake(r);
	}
	held_release(h);
	return e;
}

/* Where another engine drives it, the rows are looked at now and then. */
int runs_settle(struct runs *r, const char *id, int64_t ms, struct err *err)
{
	int64_t until = loop_now_ms(r->d.loop) + ms, left;
	bool settled = false;

	while (!settled && !r->stopping && (left = until - loop_now_ms(r->d.loop)) > 0) {
		struct held_run *h = held_get(r, id, err);
		struct run s = { 0 };

		if (!h)
			return err->code;
		if (h->f)
			flow_run(h->f, &s);
		settled = s.ended_at_ms || s.status == RUN_PAUSED ||
			  (s.status == RUN_WAITING && s.wait != RW_GATE);
		record_fini(&run_type, &s);
		if (!settled && condition_wait(&h->changed, left > SETTLE_MS ? SETTLE_MS : left) ==
				OP_CANCELLED)
			settled = true;
		held_release(h);
	}
	return 0;
}

static int stored_doc(struct runs *r, const char *id, struct run_doc *ret, bool *ret_found,
		      struct err *err)
{
	_cleanup_(free_p) char *text = NULL;
	_cleanup_(json_free_p) struct json *j = NULL;
	int e = run_stored_doc(r->d.store, id, &text, err);

	*ret_found = false;
	if (e < 0 || !text)
		return e;
	j = json_parse(text, strlen(text), err);
	*ret_found = j && run_doc_from_json(ret, j, err) == 0;
	return 0;
}

int runs_doc(struct runs *r, const char *id, struct run_doc *ret, struct err *err)
{
	bool found = false;
	int e = stored_doc(r, id, ret, &found, err);

	if (e < 0)
		return e;
	if (!found) {
		struct held_run *h = held_get(r, id, err);

		if (!h)
			return err->code;
		if (!h->f)
			e = err_set(err, ERR_UNREACHABLE, "%s cannot be read now", id);
		else
			flow_doc(h->f, loop_wall_ms(r->d.loop), ret);
		held_release(h);
	}
	const struct library *l = e == 0 ? runs_library(r) : NULL;
	const struct runbook *rb = l ? library_find(l, ret->run.runbook) : NULL;

	ret->run.file_changed = e == 0 && rb && !str_eq(rb->hash, ret->run.hash);
	ret->run.policy_changed = e == 0 && r->policy && ret->run.policy &&
				  !str_eq(r->policy->hash, ret->run.policy);
	return e;
}
