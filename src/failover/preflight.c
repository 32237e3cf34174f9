/*
 * A failover looked at before it is needed; see preflight.h. The plan is made, the attempt is
 * set up in memory as the executor would do it, source, target, ElevenLabs and the application
 * are read, and each step is judged by what was read, with the functions that act later.
 *
 * Invariant: nothing is written. There is no write guard in here and no call that asks for one;
 * the attempt has no event, no items on record and no number reserved.
 */
#include "failover/preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "failover/lineage.h"
#include "failover/mover.h"
#include "failover/plan.h"
#include "failover/probe.h"

enum { SHOWN = 100 };
enum can { CAN_YES, CAN_DOUBT, CAN_NO };

struct flight {
	struct decider *d;
	struct act a;			/* in memory only */
	struct plan *plan;
	const struct watched *from, *to;
	const char *tell;
	struct reading source, target;
	int64_t reads;
	int64_t live;			/* calls in progress on the source; -1: not read */
	struct { enum can can; char would[300]; struct str why; } step[STEP_MAX];
	struct str webhooks, agents;	/* JSON arrays, bounded */
	struct jw hooks_out, agents_out;
	int64_t n_fields, n_numbers, n_import, n_assign, n_there, n_agents_bad;
};

/* ---- one step's judgement ---------------------------------------------------------------- */

static void would(struct flight *f, int step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void would(struct flight *f, int step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->step[step].would, sizeof(f->step[step].would), fmt, ap);
	va_end(ap);
}

/* The worst counts; every sentence stays. */
static void say(struct flight *f, int step, enum can can, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void say(struct flight *f, int step, enum can can, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean_buf(text);
	if (can > f->step[step].can)
		f->step[step].can = can;
	str_addf(&f->step[step].why, "%s%s", f->step[step].why.len ? "; " : "", text);
}

/* ---- agents: numbers, imports, webhooks -------------------------------------------------- */

static void bad_agent(struct flight *f, const struct mover *m, const char *why)
{
	struct jw *w = &f->agents_out;

	if (f->n_agents_bad++ >= SHOWN)
		return;
	jw_obj(w, NULL);
	jw_str(w, "agent", m->row->agent);
	jw_str(w, "name", m->row->name);
	jw_str(w, "number", m->row->to_number);
	jw_str(w, "why", why);
	jw_obj_end(w);
}

static void look_at_import(struct flight *f, const struct mover *m)
{
	if (m->row->integration != INT_IMPORT || f->a.eleven_down_since_ms)
		return;
	if (m->imported && str_eq(m->import_agent, m->row->eleven_agent))
		f->n_there++;
	else if (m->imported)
		f->n_assign++;
	else
		f->n_import++;
}

/* What would be written of its number, beside the address that an import sets itself. */
static void look_at_webhooks(struct flight *f, struct mover *m)
{
	struct webhooks want;
	struct err err = { 0 };
	unsigned diff;

	mover_add_before(m);
	if (desired_webhooks(m, &want, &err) < 0) {
		bad_agent(f, m, err.msg);
		say(f, STEP_WEBHOOKS, CAN_NO, "%s", err.msg);
		return;
	}
	diff = webhooks_diff(&want, m->phone->hooks);
	f->n_numbers += diff != 0;
	for (int i = 0; i < WH_COUNT; i++) {
		const char *now = m->phone->hooks->v[i];

		if (!(diff & 1u << i) || f->n_fields++ >= SHOWN)
			continue;
		jw_obj(&f->hooks_out, NULL);
		jw_str(&f->hooks_out, "number", m->row->to_number);
		jw_str(&f->hooks_out, "field", webhook_field_name((enum webhook_field)i));
		jw_str(&f->hooks_out, "now", now ? now : "");
		jw_str(&f->hooks_out, "then", want.v[i]);
		jw_obj_end(&f->hooks_out);
	}
}

static int64_t look_at_agents(struct flight *f)
{
	int64_t gone = 0;
	unsigned turns = 0;

	for (size_t i = 0; i < f->a.n_items; i++) {
		struct mover *m = &f->a.movers[i];

		roster_yield(&turns);
		if (!m->phone) {
			gone++;
			bad_agent(f, m, "its number is not in the target's account");
			continue;
		}
		if (!m->phone->voice) {
			gone++;
			bad_agent(f, m, "its number cannot take calls");
		}
		look_at_import(f, m);
		look_at_webhooks(f, m);
	}
	return gone;
}

/* ---- what is read ------------------------------------------------------------------------ */

/* An attempt as plan_store would put it on record, in memory. */
static int set_up(struct flight *f, struct err *err)
{
	const struct plan *p = f->plan;
	struct act *a = &f->a;
	int r;

	a->d = f->d->d;
	str_replace(&a->row.e.from, p->from);
	str_replace(&a->row.e.to, p->to);
	str_replace(&a->row.e.lineage, p->lineage);
	a->items = xcalloc(p->n_moves + 1, sizeof(*a->items));
	a->movers = xcalloc(p->n_moves + 1, sizeof(*a->movers));
	for (size_t i = 0; i < p->n_moves; i++) {
		const struct plan_move *from = &p->moves[i];

		a->items[i] = (struct item){
			.agent = xstrdup(from->agent), .name = xstrdup(from->name),
			.canary = from->canary, .integration = from->integration,
			.eleven_agent = xstrdup(from->eleven_id),
			.from_number = xstrdup(from->from_number),
			.to_number = xstrdup(from->to_number), .to_sid = xstrdup(from->to_sid),
		};
		a->movers[i] = (struct mover){ .a = a, .row = &a->items[i],
					       .keys = &a->to_keys };
	}
	a->n_items = p->n_moves;
	r = keys_load(a, p->to, &a->to_keys, err);
	if (r == 0)
		r = keys_load(a, p->from, &a->from_keys, err);
	return r < 0 ? r : load_baselines(a, err);
}

static void read_account(struct flight *f, const struct credentials *keys, struct reading *ret)
{
	struct strikes strikes = { 0 };
	int hits = 0;
	struct probe_ask ask = { .providers = f->d->d->providers, .keys = &ret->keys,
				 .strikes = &strikes, .video_hits = &hits, .loop = f->d->d->loop,
				 .set = f->d->d->set };

	credentials_copy(&ret->keys, keys);
	probe_scope(&ask, ret);
	f->reads += ret->requests;
}

static void read_live(struct flight *f)
{
	struct providers *p = f->d->d->providers;
	struct call_info info = { 0 };
	int n = 0;

	providers_telephony(p, f->a.from_keys.provider)->calls_live(p, &f->a.from_keys, NULL, &n,
								    &info);
	f->reads += info.requests;
	f->live = info.result == CALL_OK ? n : -1;
}

/* ---- the steps --------------------------------------------------------------------------- */

static void step_lock(struct flight *f)
{
	const struct providers_settings *set = f->d->d->providers->settings;
	struct app_health health = { 0 };
	struct call_info info = { 0 };
	char text[200];

	would(f, STEP_LOCK, "tell the application to lock this failover%s",
	      f->live > 0 ? ", and give calls in progress their time" : "");
	if (!set || (!set->app && !set->app_lock)) {
		say(f, STEP_LOCK, CAN_YES, "no application is configured: nobody to tell");
		return;
	}
	if (!set->hook_secret && !set->app_key)
		say(f, STEP_LOCK, CAN_DOUBT, "no secret to sign the hook with: it is left out");
	f->d->d->providers->app->health(f->d->d->providers, &health, &info);
	f->reads += info.requests;
	if (info.result != CALL_OK)
		say(f, STEP_LOCK, CAN_DOUBT, "the application does not answer: %s",
		    info_text(&info, text, sizeof(text)));
	else
		say(f, STEP_LOCK, CAN_YES,
		    "the application answers; the hook itself is not tried");
	if (f->live >= 0)
		say(f, STEP_LOCK, CAN_YES, "%lld calls are in progress", (long long)f->live);
	else
		say(f, STEP_LOCK, CAN_DOUBT, "calls in progress cannot be read");
}

static void step_switch(struct flight *f)
{
	const struct sample *account = &f->target.sample[PROBE_ACCOUNT],
			    *key = &f->target.sample[PROBE_CREDENTIAL];

	would(f, STEP_SWITCH, "make %s the carrying account", f->to->row.name);
	say(f, STEP_SWITCH, account->outcome == OUT_OK ? CAN_YES :
	    account->outcome == OUT_BAD ? CAN_NO : CAN_DOUBT, "the target is %s", account->why);
	say(f, STEP_SWITCH, key->outcome == OUT_OK ? CAN_YES :
	    key->outcome == OUT_BAD ? CAN_NO : CAN_DOUBT, "its credentials: %s", key->why);
	if (f->target.parent_trouble[0])
		say(f, STEP_SWITCH, CAN_NO, "%s", f->target.parent_trouble);
	if (!f->source.parent_asked)
		say(f, STEP_SWITCH, CAN_DOUBT, "the source has no parent credential: a suspension "
		    "cannot be confirmed by its parent");
	else if (f->source.parent.result == CALL_OK)
		say(f, STEP_SWITCH, CAN_YES, "the source's parent can be asked to confirm");
	else
		say(f, STEP_SWITCH, CAN_DOUBT, "the source's parent does not answer for it");
}

static void step_assign(struct flight *f, bool read, const char *why)
{
	int64_t sms = (int64_t)f->plan->n_moves - f->plan->sms_held;

	would(f, STEP_ASSIGN, "give %zu agents numbers of %s", f->plan->n_moves, f->to->row.name);
	if (!read) {
		say(f, STEP_ASSIGN, CAN_NO, "%s", why);
		return;
	}
	say(f, STEP_ASSIGN, CAN_YES, "%zu numbers read, %lld free and fit for %lld agents",
	    f->a.phones.n, (long long)f->plan->usable, (long long)f->plan->needed);
	if (f->plan->n_stays)
		say(f, STEP_ASSIGN, CAN_NO, "%zu agents would stay: %s", f->plan->n_stays,
		    f->plan->stays[0].why);
	say(f, STEP_ASSIGN, f->plan->sms_held ? CAN_DOUBT : CAN_YES,
	    "%lld of these numbers may send SMS%s", (long long)sms,
	    f->plan->sms_held ? ", the others' SMS would be held" : "");
}

/* May the engine's role write the application's row? Asked, not tried. */
static void step_database(struct flight *f)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	would(f, STEP_DATABASE, "write account and number of %zu agents", f->plan->n_moves);
	if (store_query(f->d->d->store, &r, &err,
			"SELECT has_table_privilege('\"VoiceAgent\"', 'UPDATE'),"
			" pg_is_in_recovery()", "") < 0)
		say(f, STEP_DATABASE, CAN_NO, "%s", err.msg);
	else if (!pg_bool(r, 0, 0) || pg_bool(r, 0, 1))
		say(f, STEP_DATABASE, CAN_NO, "%s", pg_bool(r, 0, 1) ?
		    "this database is a replica" : "the engine's role may not write the agents");
	else
		say(f, STEP_DATABASE, CAN_YES, "the engine's role may write them");
}

static void step_eleven(struct flight *f)
{
	const struct eleven_view *v = &f->d->m->eleven;
	int64_t imports = f->n_import + f->n_assign + f->n_there;

	would(f, STEP_ELEVENLABS, "import %lld numbers, assign %lld, leave %lld as they are",
	      (long long)f->n_import, (long long)f->n_assign, (long long)f->n_there);
	if (f->a.eleven_down_since_ms)
		say(f, STEP_ELEVENLABS, CAN_NO, "its phone numbers cannot be read");
	else if (imports)
		say(f, STEP_ELEVENLABS, CAN_YES, "its phone numbers can be read");
	else
		say(f, STEP_ELEVENLABS, CAN_YES, "no agent needs an import");
	if (f->n_import && !f->a.to_keys.token)
		say(f, STEP_ELEVENLABS, CAN_NO,
		    "the target has no auth token, without which no number can be imported");
	if (v->rights_known && !v->may_write)
		say(f, STEP_ELEVENLABS, CAN_NO, "the key may not write");
	else if (!v->rights_known)
		say(f, STEP_ELEVENLABS, CAN_DOUBT, "whether the key may write is not known yet");
}

static void step_webhooks(struct flight *f)
{
	would(f, STEP_WEBHOOKS, "write %lld fields of %lld numbers", (long long)f->n_fields,
	      (long long)f->n_numbers);
	if (f->a.n_baselines == 0 && f->plan->n_moves)
		say(f, STEP_WEBHOOKS, CAN_DOUBT, "no approved webhooks of the source are known");
	else if (f->step[STEP_WEBHOOKS].can == CAN_YES)
		say(f, STEP_WEBHOOKS, CAN_YES, "their values now were read");
}

static void step_test(struct flight *f)
{
	const struct sample *hook = &f->to->held.probe[PROBE_WEBHOOK];

	would(f, STEP_TEST, "read everything back, and let our endpoint check a signed request");
	if (!f->a.to_keys.token)
		say(f, STEP_TEST, CAN_DOUBT, "the target has no auth token to sign with");
	else if (hook->at_ms)
		say(f, STEP_TEST, hook->outcome == OUT_BAD ? CAN_NO :
		    hook->outcome == OUT_OK ? CAN_YES : CAN_DOUBT, "its last check: %s", hook->why);
	else
		say(f, STEP_TEST, CAN_DOUBT, "our endpoint was not checked with this account yet");
}

static void step_notify(struct flight *f)
{
	would(f, STEP_UNLOCK, "give the lock back");
	say(f, STEP_UNLOCK, CAN_YES, "by the same hook, repeated until it is taken");
	would(f, STEP_NOTIFY, "tell people");
	say(f, STEP_NOTIFY, f->tell ? CAN_YES : CAN_NO, "%s%s",
	    f->tell ? "by " : "no channel is configured", f->tell ? f->tell : "");
}

/* ---- all of it --------------------------------------------------------------------------- */

static void put_steps(struct flight *f, struct jw *w)
{
	static const char *const cans[] = { "yes", "doubt", "no" };

	jw_arr(w, "steps");
	for (int n = STEP_LOCK; n < STEP_MAX; n++) {
		jw_obj(w, NULL);
		jw_i64(w, "step", n);
		jw_str(w, "name", step_name(n));
		jw_str(w, "would", f->step[n].would);
		jw_str(w, "can", cans[f->step[n].can]);
		jw_str(w, "why", str_get(&f->step[n].why));
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr_end(&f->hooks_out);
	jw_arr_end(&f->agents_out);
	jw_raw(w, "webhooks", str_get(&f->webhooks));
	jw_i64(w, "webhookFields", f->n_fields);
	jw_raw(w, "agents", str_get(&f->agents));
	jw_i64(w, "agentsAgainst", f->n_agents_bad);
	jw_i64(w, "reads", f->reads);
}

static int look(struct flight *f, struct jw *w, struct err *err)
{
	struct err unread = { 0 };
	int64_t gone = 0;
	int r = set_up(f, err), seen;

	if (r < 0)
		return r;
	read_account(f, &f->a.from_keys, &f->source);
	read_account(f, &f->a.to_keys, &f->target);
	read_live(f);
	seen = observe(&f->a, &unread);
	if (task_cancelled())
		return err_set(err, ERR_CANCELLED, "stopped");
	f->reads += 2;
	if (seen == 0)
		gone = look_at_agents(f);
	step_lock(f);
	step_switch(f);
	step_assign(f, seen == 0, unread.msg);
	if (gone)
		say(f, STEP_ASSIGN, CAN_NO, "%lld planned numbers are not there or take no calls",
		    (long long)gone);
	step_database(f);
	step_eleven(f);
	step_webhooks(f);
	step_test(f);
	step_notify(f);
	put_steps(f, w);
	return 0;
}

static void flight_init(struct flight *f)
{
	for (int n = 0; n < STEP_MAX; n++)
		f->step[n].why = STR_INIT(4000);
	f->webhooks = STR_INIT(1 << 20);
	f->agents = STR_INIT(1 << 18);
	f->hooks_out = JW(&f->webhooks);
	f->agents_out = JW(&f->agents);
	jw_arr(&f->hooks_out, NULL);
	jw_arr(&f->agents_out, NULL);
}

static void flight_fini(struct flight *f)
{
	for (int n = 0; n < STEP_MAX; n++)
		str_fini(&f->step[n].why);
	str_fini(&f->webhooks);
	str_fini(&f->agents);
	reading_fini(&f->source);
	reading_fini(&f->target);
	act_fini(&f->a);
	plan_free(f->plan);
}

/* Which account takes over is decided by the gates, as when a person starts it. */
static int choose(struct flight *f, const struct preflight_ask *ask, struct lineage *l,
		  struct jw *w, struct err *err)
{
	struct gate_result gates[GATE_MAX] = { 0 };
	const struct watched *named = ask->target ? monitor_find(f->d->m, ask->target) : NULL;
	struct gate_ask g = { .manual = true, .by_person = true,
			      .target = named ? named->row.id : NULL };
	const char *target;

	if (ask->target && !named)
		return err_field(err, ERR_NOT_FOUND, "targetAccountId",
				 "there is no account \"%s\"", ask->target);
	if (named && str_eq(named->row.id, l->current))
		return err_field(err, ERR_INVALID, "targetAccountId",
				 "the agents run on %s already", named->row.name);
	target = context_gates(f->d, l, &g, gates);
	jw_str(w, "from", f->from->row.name);
	/* a follower goes by what the leader stored */
	jw_str(w, "health", health_name(f->from->whole ? (int)f->from->verdict.health :
							 f->from->row.health));
	gates_json(w, "gates", gates, GATE_MAX);
	gates_clear(gates);
	f->to = decider_account(f->d, target);
	jw_str(w, "to", f->to ? f->to->row.name : NULL);
	if (!f->to)
		return 0;
	if (!decide_plan(f->d, l, f->to->row.id, NULL, true, &f->plan, err))
		return err->code ? err->code : ERR_FAILED;
	plan_json(w, "plan", f->plan, false);
	return 0;
}

int preflight(struct decider *d, const struct preflight_ask *ask, struct jw *w, struct err *err)
{
	struct flight f = { .d = d, .tell = ask->tell, .live = -1 };
	struct lineage *l;
	int r = 0;

	d->tasks++;
	if (d->m->n == 0) {
		struct str doc = STR_INIT(STR_MAX_DEFAULT);

		r = monitor_cycle(d->m, NULL, NULL, &doc, err);
		str_fini(&doc);
	}
	if (r == 0)
		r = decider_read(d, true, err);
	f.from = r == 0 ? monitor_find(d->m, ask->account) : NULL;
	l = f.from ? decider_lineage_of(d, f.from->row.id) : NULL;
	flight_init(&f);
	if (r == 0 && !f.from)
		r = err_field(err, ERR_NOT_FOUND, "accountId", "there is no account \"%s\"",
			      ask->account ? ask->account : "");
	else if (r == 0 && (!l || !str_eq(l->current, f.from->row.id)))
		r = err_field(err, ERR_CONFLICT, "accountId", "no agents run on %s now",
			      f.from->row.name);
	if (r == 0 && l)
		r = choose(&f, ask, l, w, err);
	if (r == 0 && f.plan)
		r = look(&f, w, err);
	flight_fini(&f);
	d->tasks--;
	return r;
}
