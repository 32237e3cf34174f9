/*
 * The driver of one run, in the engine that holds the lease: asks the machine what is to be
 * done, stores that it begins, does it, stores what came of it. A verb runs in a task of its
 * own, so that an abort or a lost lease ends it.
 *
 * What was in flight when the driver starts was another's, who is gone: unknown. A step
 * whose end cannot be stored any more is left to the next leader in the same way.
 *
 * A change begins when its begin is stored. What only reads may be stored a moment later,
 * many steps in one transaction; the end of a step goes with the begin of the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/log.h"
#include "runbook/match.h"
#include "runbook/runs_priv.h"

enum { IDLE_MS = 15000, WATCH_MS = 500, BACKOFF_MS = 2000,
       LAZY_MS = 150 /* reads: a new leader may have to do so much of them again */ };

static bool leads(const struct held_run *h)
{
	return h->runs->d.epoch(h->runs->d.ctx) > 0 && !h->runs->stopping;
}

/* ---- one operation ------------------------------------------------------------------------ */

struct acting {
	struct held_run *h;
	struct verb_call call;
	struct scope scope;
	struct value result;
	struct err err;
	int r;
	bool done;
};

static void on_output(void *ctx, const char *text, size_t n)
{
	struct acting *a = ctx;

	if (a->h->f)
		flow_output(a->h->f, a->call.step, text, n);
}

/* "affected: 1" is a guard; anything else is judged afterwards. */
static int64_t guard_of(const struct step *s)
{
	int64_t ret = -1;

	for (size_t i = 0; i < s->n_expect; i++) {
		struct str b = STR_INIT(100);
		const char *text;

		matcher_print(&b, s->expect[i].m);
		text = str_get(&b);
		text = str_has_prefix(text, "= ") ? text + 2 : text;
		if (str_eq(s->expect[i].subject, "affected") &&
		    !parse_i64(text, 0, INT64_MAX, &ret))
			ret = -1;
		str_fini(&b);
	}
	return ret;
}

static void prepare(struct acting *a, struct held_run *h, const struct step *s,
		    const struct operation *op, enum effect effect)
{
	struct runs *r = h->runs;
	struct run now = { 0 };

	*a = (struct acting){ .h = h };
	flow_scope(h->f, s, &a->scope);
	flow_run(h->f, &now);
	str_replace(&h->last_by, now.driver ? now.driver : now.started_by);
	record_fini(&run_type, &now);
	a->call = (struct verb_call){
		.env = &r->d.env, .runbook = flow_runbook(h->f, s), .step = s, .op = op,
		.effect = effect, .scope = &a->scope, .masker = flow_masker(h->f),
		.expect_affected = op == &s->op ? guard_of(s) : -1, .run_id = h->id,
		.by = h->last_by, .role = h->role, .now_ms = loop_wall_ms(r->d.loop),
		.timeout_ms = s->timeout_ms, .output = on_output, .output_ctx = a,
	};
}

static void finish(struct acting *a)
{
	value_fini(&a->result);
	free_p(&a->scope.needs);
}

static char *described(struct held_run *h, const struct step *s, const struct operation *op,
		       enum effect effect, struct err *err)
{
	struct acting a;
	struct str b = STR_INIT(64 << 10);
	const struct verb *v = verb_by_id(op->verb);

	prepare(&a, h, s, op, effect);
	if (v && v->describe && v->describe(&a.call, &b, err) == ERR_NOT_FOUND && a.scope.needs &&
	    err && !err->field[0])
		err_field(err, ERR_NOT_FOUND, a.scope.needs, "%s has no value", a.scope.needs);
	finish(&a);
	return str_take(&b);
}

static void act_task(void *arg)
{
	struct acting *a = arg;
	const struct verb *v = verb_by_id(a->call.op->verb);

	if (v && v->run)
		a->r = v->run(&a->call, &a->result, &a->err);
	else
		a->r = err_set(&a->err, ERR_INVALID, "this verb does nothing by itself");
	if (a->r == ERR_NOT_FOUND && a->scope.needs && !a->err.field[0])
		err_field(&a->err, ERR_NOT_FOUND, a->scope.needs, "%s has no value",
			  a->scope.needs);
}

static void act_done(void *arg)
{
	struct acting *a = arg;

	a->done = true;
	condition_wake(&a->h->changed);
}

/* The run may have been read anew meanwhile: its step there. NULL: nothing may be stored. */
static const struct step *still(const struct held_run *h, const struct step *s)
{
	return h->f && leads(h) ? flow_step(h->f, s->id) : NULL;
}

static void act(struct acting *a)
{
	struct task *t = task_start(a->h->runs->d.loop, "step", act_task, a, act_done);
	bool cancelled = false;
	struct err err = { 0 };

	while (!a->done) {
		condition_wait_anyway(&a->h->changed, a->h->n_deferred ? LAZY_MS : WATCH_MS);
		if (!a->done && held_due(a->h) && held_flush(a->h, &err) < 0)
			log_warn("runs", "%s: %s", a->h->id, err.msg);
		if (!a->done && !cancelled && (task_cancelled() || !a->h->f || !leads(a->h) ||
					       (flow_over(a->h->f) &&
						a->call.op == &a->call.step->op))) {
			task_cancel(t);
			cancelled = true;
		}
	}
}

/* ---- what the machine asks for -------------------------------------------------- */

/* Nothing is lost when it has to be done once more. */
static bool only_reads(const struct todo *t)
{
	return t->dry || (t->step->effect == EFFECT_READ && t->step->op.verb != VERB_SAY);
}

static int put_begin(struct held_run *h, const struct todo *t, const char *data, struct err *err)
{
	int r;

	if (!only_reads(t))
		return held_put(h, RE_BEGIN, t->step->id, data, err);
	r = held_defer(h, RE_BEGIN, t->step->id, data, LAZY_MS, err);
	return r == 0 && held_due(h) ? held_flush(h, err) : r;
}

static int run_step(struct held_run *h, const struct todo *t, struct err *err)
{
	const struct step *s = t->step;
	struct str begin = STR_INIT(STR_MAX_DEFAULT), data = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&begin);
	struct err missing = { 0 }, undo_missing = { 0 };
	_cleanup_(free_p) char *command = described(h, s, &s->op, s->effect, &missing);
	_cleanup_(free_p) char *undo = s->undo ? described(h, s, s->undo, EFFECT_DESTROY,
							   &undo_missing) : NULL;
	const struct flow *was;
	struct acting a;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "command", command);
	jw_str(&w, "undo", undo);
	jw_obj_end(&w);
	was = h->f;
	r = put_begin(h, t, str_get(&begin), err);
	str_fini(&begin);
	if (r < 0 || !h->f || (only_reads(t) && h->f != was))
		return r < 0 ? r : ERR_CONFLICT;
	if (t->dry) {
		flow_judge_dry(h->f, s, command, undo, missing.code == ERR_NOT_FOUND ? &missing :
			       NULL, &data);
	} else {
		prepare(&a, h, s, &s->op, s->effect);
		act(&a);
		/* a begin that was not stored went with the state it belonged to */
		if (still(h, s) && (!only_reads(t) || h->f == was))
			flow_judge(h->f, still(h, s), &a.result, a.r < 0 ? &a.err : NULL, &data);
		finish(&a);
	}
	if (data.len)
		r = held_defer(h, RE_END, s->id, str_get(&data), only_reads(t) ? LAZY_MS : 0, err);
	else
		r = err_set(err, ERR_LEASE, "no longer the leader");
	str_fini(&data);
	return r;
}

static int run_preview(struct held_run *h, const struct todo *t, struct err *err)
{
	const struct step *s = t->step;
	struct str data = STR_INIT(STR_MAX_DEFAULT);
	struct acting a = { 0 }, b = { 0 };
	struct err *failed = NULL;
	int64_t affected = -1;
	int r;

	if (s->preview) {
		prepare(&a, h, s, s->preview, EFFECT_READ);
		act(&a);
		failed = a.r < 0 ? &a.err : NULL;
	}
	if (!failed && s->op.verb == VERB_SQL && !s->op.tx && s->effect != EFFECT_READ && h->f) {
		const struct value *n;

		prepare(&b, h, s, &s->op, s->effect);
		b.call.rehearse = true;
		act(&b);
		failed = b.r < 0 ? &b.err : NULL;
		n = value_get(&b.result, "affected");
		affected = n && n->type == V_NUMBER ? (int64_t)n->n : -1;
	}
	if (still(h, s))
		flow_judge_preview(h->f, still(h, s), s->preview ? &a.result : &b.result, affected,
				   failed, &data);
	r = data.len ? held_put(h, RE_PREVIEW, s->id, str_get(&data), err) :
		       err_set(err, ERR_LEASE, "no longer the leader");
	finish(&a);
	finish(&b);
	str_fini(&data);
	return r;
}

static int run_undo(struct held_run *h, const struct todo *t, struct err *err)
{
	const struct step *s = t->step;
	struct str begin = STR_INIT(STR_MAX_DEFAULT), data = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&begin);
	struct err missing = { 0 };
	_cleanup_(free_p) char *command = described(h, s, s->undo, EFFECT_DESTROY, &missing);
	struct acting a;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "command", command);
	jw_obj_end(&w);
	r = held_put(h, RE_UNDO_BEGIN, s->id, str_get(&begin), err);
	str_fini(&begin);
	if (r < 0 || !h->f)
		return r < 0 ? r : ERR_CONFLICT;
	prepare(&a, h, s, s->undo, EFFECT_DESTROY);
	act(&a);
	if (still(h, s)) {
		/* what the step expects is not what its undo must give */
		const struct value *exit = value_get(&a.result, "exit");
		const struct value *status = value_get(&a.result, "status");
		bool bad = a.r < 0 || (exit && exit->n != 0) || (status && status->n >= 400);
		struct err said = { .code = ERR_FAILED };

		if (a.r == 0 && exit && exit->n != 0)
			err_set(&said, ERR_FAILED, "exit code %.0f", exit->n);
		else if (a.r == 0 && status)
			err_set(&said, ERR_FAILED, "HTTP status %.0f", status->n);
		if (bad)
			flow_judge(h->f, still(h, s), &a.result, a.r < 0 ? &a.err : &said, &data);
		else
			flow_judge_preview(h->f, still(h, s), &a.result, -1, NULL, &data);
	}
	finish(&a);
	r = data.len ? held_put(h, RE_UNDO_END, s->id, str_get(&data), err) :
		       err_set(err, ERR_LEASE, "no longer the leader");
	str_fini(&data);
	return r;
}

static enum run_outcome outcome_in(const struct str *data, char *why, size_t size)
{
	_cleanup_(json_free_p) struct json *j = json_parse(str_get(data), data->len, NULL);
	const char *text = json_get_str(j, "outcome");
	int o = RO_ERROR;

	while (o > RO_NONE && !str_eq(run_outcome_name((enum run_outcome)o), text))
		o--;
	if (json_get_str(j, "why"))
		snprintf(why, size, "%s", json_get_str(j, "why"));
	return (enum run_outcome)o;
}

static int check_gate(struct held_run *h, const struct todo *t, struct err *err)
{
	enum run_outcome worst = RO_NONE;
	struct str data = STR_INIT(4000);
	char why[300] = "";
	const struct step *check;
	int r;

	for (size_t i = 0; h->f && (check = flow_gate_check(h->f, t->step, i)); i++) {
		struct str judged = STR_INIT(STR_MAX_DEFAULT);
		struct acting a;
		enum run_outcome o;

		prepare(&a, h, check, &check->op, EFFECT_READ);
		act(&a);
		if (!still(h, check)) {
			finish(&a);
			return err_set(err, ERR_LEASE, "no longer the leader");
		}
		flow_judge(h->f, still(h, check), &a.result, a.r < 0 ? &a.err : NULL, &judged);
		o = outcome_in(&judged, why, sizeof(why));
		worst = o > worst ? o : worst;
		str_fini(&judged);
		finish(&a);
	}
	flow_gate(worst, why, &data);
	r = held_put(h, RE_GATE, t->step->id, str_get(&data), err);
	str_fini(&data);
	return r;
}

/* ---- parameters that nobody has to be asked for --------------------------------- */

static char *from_file(const char *path)
{
	char buf[64 << 10];
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (!f)
		return NULL;
	fclose(f);
	while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	return xstrndup(buf, n);
}

static char *from_command(struct held_run *h, const struct param *p)
{
	struct operation op = { .verb = VERB_RUN, .argv = p->from_argv };
	struct step s = { .op = op, .timeout_ms = 10000, .id = p->name };
	struct acting a;
	const struct value *out;
	char *ret = NULL;

	while (op.argv && op.argv[op.n_argv])
		op.n_argv++;
	s.op = op;
	prepare(&a, h, &s, &s.op, EFFECT_READ);
	act(&a);
	out = value_get(&a.result, "stdout");
	if (a.r == 0 && out && out->text) {
		size_t n = strlen(out->text);

		while (n && (out->text[n - 1] == '\n' || out->text[n - 1] == '\r'))
			n--;
		ret = xstrndup(out->text, n);
	}
	finish(&a);
	return ret;
}

static const struct param *wanted_param(struct held_run *h, const char *name)
{
	const char *bare = strrchr(name, '/');

	bare = bare ? bare + 1 : name;
	for (size_t k = 0; k < h->text.n; k++)
		for (size_t i = 0; i < h->text.v[k]->n_params; i++)
			if (str_eq(h->text.v[k]->params[i].name, bare))
				return &h->text.v[k]->params[i];
	return NULL;
}

char *param_found(const struct verb_env *env, const struct param *p)
{
	const char *name = p->from_name ? p->from_name : p->name;

	switch (p->from) {
	case FROM_ENV:
		return xstrdup(getenv(name));
	case FROM_FILE:
		return from_file(p->from_name);
	case FROM_TARGET:
		return env->policy ? xstrdup(policy_target_value(env->policy, env->target, name)) :
				     NULL;
	case FROM_CMD:
	case FROM_NONE:
		break;
	}
	return NULL;
}

/* Looks a parameter up where the runbook says, without a person; false: nothing stored. */
static bool find_param(struct held_run *h, const char *name)
{
	const struct param *p = wanted_param(h, name);
	_cleanup_(free_p) char *value = !p ? NULL : p->from == FROM_CMD ? from_command(h, p) :
					param_found(&h->runs->d.env, p);
	bool secret = p && p->type == PARAM_SECRET;
	struct str data = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&data);
	struct err err = { 0 };
	int r;

	if (!value || !h->f)
		return false;
	jw_obj(&w, NULL);
	jw_str(&w, "name", name);
	if (secret)
		jw_bool(&w, "secret", true);
	else
		jw_str(&w, "value", value);
	jw_obj_end(&w);
	r = held_put(h, RE_PARAM, NULL, str_get(&data), &err);
	str_fini(&data);
	if (r == 0 && h->f && secret) {
		_cleanup_(secret_free_p) struct secret *s = secret_new(value);

		flow_secret(h->f, name, s);
	}
	return r == 0;
}

/* What is wanted now; each name is looked up once, or a wrong value would be for ever. */
static bool find_wanted(struct held_run *h)
{
	struct run_doc d = { 0 };
	_cleanup_(free_p) char *name = NULL;

	flow_doc(h->f, 0, &d);
	if (d.wait.kind == RW_PARAM && !str_eq(h->tried, d.wait.param))
		name = xstrdup(d.wait.param);
	run_doc_fini(&d);
	if (!name)
		return false;
	str_replace(&h->tried, name);
	return find_param(h, name);
}

/* A dry run asks nobody: all that can be found is found at its start. */
static void find_all(struct held_run *h)
{
	struct run_doc d = { 0 };

	flow_doc(h->f, 0, &d);
	for (size_t i = 0; i < d.n_params && h->f; i++)
		if (!d.params[i].set && !d.params[i].secret)
			(void)find_param(h, d.params[i].name);
	run_doc_fini(&d);
}

/* ---- holds, shown to everybody -------------------------------------------------- */

static bool in_list(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = names; p && *p; p += strcspn(p, "\n") + 1)
		if (strncmp(p, name, n) == 0 && p[n] == '\n')
			return true;
	return false;
}

/* The first time all that the run could hold is told; afterwards what changed. */
void held_tell_holds(struct held_run *h)
{
	const struct run_ports *ports = h->runs->d.env.ports;
	struct run_doc d = { 0 };
	struct str now = STR_INIT(8000);
	_cleanup_(free_p) char *before = xstrdup(h->holds);
	struct err err = { 0 };

	if (!ports || !ports->hold || !h->f || h->n_deferred)
		return;
	flow_holds(h->f, &now);
	if (!before || !str_eq(before, str_get(&now))) {
		flow_doc(h->f, 0, &d);
		str_replace(&h->holds, str_get(&now));
		for (size_t i = 0; i < d.n_holds; i++)
			if (!in_list(before, d.holds[i].name))
				(void)ports->hold(ports->ctx, h->id, d.holds[i].name,
						  d.holds[i].text, d.holds[i].by, true, &err);
		for (size_t i = 0; i < d.n_steps; i++) {
			const char *name = d.steps[i].hold;

			if (name && d.steps[i].attempt && !in_list(str_get(&now), name) &&
			    (!before || in_list(before, name)))
				(void)ports->hold(ports->ctx, h->id, name, "", "engine", false,
						  &err);
		}
	}
	str_fini(&now);
	run_doc_fini(&d);
}

/* ---- the loop ------------------------------------------------------------------- */

/* The current step's command as it would run, for the dialog that asks about it. */
static void describe_current(struct held_run *h)
{
	struct run r = { 0 };
	struct err err = { 0 };

	flow_run(h->f, &r);
	const struct step *s = r.step ? flow_step(h->f, r.step) : NULL;

	if (s && (r.wait == RW_CONFIRM || r.wait == RW_SECOND || r.wait == RW_OPTIONAL ||
		  r.wait == RW_FAILED || r.wait == RW_PARAM)) {
		_cleanup_(free_p) char *command = described(h, s, &s->op, s->effect, &err);
		_cleanup_(free_p) char *undo = s->undo ? described(h, s, s->undo, EFFECT_DESTROY,
								   &err) : NULL;

		flow_describe(h->f, s, command, undo);
	}
	record_fini(&run_type, &r);
}

static int perform(struct held_run *h, const struct todo *t, struct err *err)
{
	switch (t->kind) {
	case TODO_PREVIEW:
		return run_preview(h, t, err);
	case TODO_RUN:
		return run_step(h, t, err);
	case TODO_UNDO:
		return run_undo(h, t, err);
	case TODO_GATE:
		return check_gate(h, t, err);
	case TODO_LATE:
		return held_put(h, RE_LATE, t->phase, NULL, err);
	case TODO_FINISH:
		return held_put(h, RE_FINISH, NULL, NULL, err);
	case TODO_NOTHING:
	case TODO_WAIT:
		break;
	}
	return 0;
}

static void lose_in_flight(struct held_run *h)
{
	struct err err = { 0 };
	bool undo;
	const struct step *s = flow_in_flight(h->f, &undo);

	if (s && held_put(h, undo ? RE_UNDO_END : RE_END, s->id, FLOW_LOST, &err) < 0)
		log_warn("runs", "%s: %s", h->id, err.msg);
}

static void rest(struct held_run *h, const struct todo *t)
{
	int64_t now = loop_wall_ms(h->runs->d.loop), ms = IDLE_MS;

	if (t->until_ms && t->until_ms - now < ms)
		ms = t->until_ms > now ? t->until_ms - now : 1;
	if (held_learns_in(h) && held_learns_in(h) < ms)
		ms = held_learns_in(h);
	condition_wait(&h->changed, ms);
}

/* One turn; false: the run needs no driver any more. */
static bool turn(struct held_run *h)
{
	struct err err = { 0 };
	struct todo t;
	int r;

	while (h->busy && !task_cancelled())
		condition_wait(&h->changed, 1000);
	if (!h->f && held_catch_up(h, &err) < 0) {
		log_warn("runs", "%s: %s", h->id, err.msg);
		task_sleep(BACKOFF_MS);
		return true;
	}
	held_drop_old(h);
	if (!h->n_deferred && held_learn(h))
		return true;
	flow_next(h->f, loop_wall_ms(h->runs->d.loop), &t);
	if (h->n_deferred && t.kind != TODO_RUN) {
		if (held_flush(h, &err) < 0 && leads(h)) {
			log_warn("runs", "%s: %s", h->id, err.msg);
			task_sleep(BACKOFF_MS);
		}
		return true;
	}
	if (t.kind == TODO_NOTHING || t.kind == TODO_WAIT) {
		held_tell_holds(h);
		if (find_wanted(h) || h->busy || !h->f)
			return true;
		if (flow_over(h->f))
			return false;
		describe_current(h);
		flow_next(h->f, loop_wall_ms(h->runs->d.loop), &t);
		if (t.kind == TODO_NOTHING || t.kind == TODO_WAIT)
			rest(h, &t);
		return true;
	}
	r = perform(h, &t, &err);
	if (r < 0 && r != ERR_CONFLICT) {
		log_warn("runs", "%s: %s", h->id, err.msg);
		task_sleep(BACKOFF_MS);
	}
	if (h->f)
		held_tell_holds(h);
	return true;
}

void drive_task(void *held)
{
	struct held_run *h = held;
	struct err err = { 0 };

	if (h->f)
		lose_in_flight(h);
	if (h->f && flow_dry(h->f) && flow_version(h->f) == 1)
		find_all(h);
	while (leads(h) && !task_cancelled() && turn(h))
		;
	if (h->n_deferred && held_flush(h, &err) < 0)
		log_info("runs", "%s: what was read last is forgotten: %s", h->id, err.msg);
}
