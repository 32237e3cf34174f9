/*
 * The ports of runbooks; see runbook/ports.h. A call of the engine's API goes through the
 * API's own code with the person of the run as its user, so checks, journal and audit are
 * the same as if that person had called.
 *
 * Nothing here decides anything; it is all passed on.
 */
#include "engine/ports.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/proc.h"
#include "engine/hub.h"
#include "incident/messages.h"
#include "metric/source.h"
#include "model/incident.h"
#include "notify/notify.h"
#include "runbook/runs.h"
#include "runbook/settings.h"
#include "store/control.h"
#include "store/incidents.h"
#include "store/store.h"

static int engine_call(void *ctx, const char *method, const char *path, const char *body,
		       const char *by, int role, int *ret_status, struct str *ret_body,
		       struct err *err)
{
	struct engine *e = ctx;

	if (!e->api || !e->o->front->call)
		return err_set(err, ERR_UNREACHABLE, "the engine serves no API");
	return e->o->front->call(e->api, method, path, body, by, role, ret_status, ret_body, err);
}

/* A file's "mail:a@b" is what messages elsewhere call "email:a@b". */
static int route(const struct engine *e, const struct run_say *m, struct draft *ret,
		 struct err *err)
{
	struct strlist to = { 0 };
	int r;

	for (size_t i = 0; i < m->n_to; i++) {
		_cleanup_(free_p) char *word = str_has_prefix(m->to[i], "mail:") ?
			xasprintf("email:%s", m->to[i] + 5) : xstrdup(m->to[i]);

		strlist_add(&to, word);
	}
	*ret = (struct draft){ .template_id = xstrdup(m->message->id), .from = m->message };
	r = message_route(ret, runs_policy(e->runs), e->o->notify, NULL, &to, err);
	strlist_fini(&to);
	return r;
}

/* On the incident's timeline too, where the run belongs to one. */
static int note_said(struct tx *t, const struct run_say *m, const char *line, struct err *err)
{
	struct incident_sent sent = { .note = line, .source = m->message->id, .line = line,
				      .update = m->message->update };
	struct err why = { 0 };

	tx_note(t, NOTE_INFO, "say", m->run, line, NULL);
	if (!m->incident || !str_has_prefix(m->incident, "INC-"))
		return 0;
	int r = incident_message(t, m->incident, &sent, &why);

	/* a run may name an incident that is not kept here */
	return r == ERR_NOT_FOUND ? 0 : r < 0 ? err_set(err, r, "%s", why.msg) : 0;
}

/* Components of our status page, when the run belongs to an incident that is kept here. */
static char *page_of(struct engine *e, const struct run_say *m)
{
	struct page_components c = { 0 };
	struct err ignored = { 0 };
	char *ret = NULL;

	if (m->incident && incidents_page(e->incidents, m->incident, m->status, &c, &ignored) == 0)
		ret = page_components_wire(&c);
	page_components_fini(&c);
	return ret;
}

static int say(void *ctx, const struct run_say *m, struct str *ret_missing, struct err *err)
{
	struct engine *e = ctx;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = m->by ? m->by : "runbook", .role = "engine", .via = "engine" };
	struct notify_letter letter = { m->subject, m->text, m->status, NULL };
	_cleanup_(free_p) char *page = NULL;
	struct notify_to to[MESSAGE_WAYS];
	struct str told = STR_INIT(4000), line = STR_INIT(40000);
	struct draft d;
	int r = route(e, m, &d, err);
	size_t n = r == 0 ? message_ways(&d, to, &told, ret_missing) : 0;

	if (r == 0 && n == 0)
		r = err_set(err, ERR_UNREACHABLE, "nobody can be told: %s", str_get(ret_missing));
	if (r == 0 && message_to_page(&d)) {
		page = page_of(e, m);
		letter.components = page;
	}
	if (r == 0)
		r = tx_begin(e->store, &t, &who, err);
	if (r == 0)
		r = notify_put_letter(&t, e->o->notify, m->incident ? m->incident : m->run, &letter,
				      m->dedup, to, n, ret_missing, err);
	str_addf(&line, "to %s%s%s: %s: %s", str_get(&told), ret_missing->len ? "; NOT TOLD: " : "",
		 str_get(ret_missing), m->subject, m->text);
	if (r == 0)
		r = note_said(&t, m, str_get(&line), err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	str_fini(&told);
	str_fini(&line);
	message_fini(&d);
	return r;
}

/* Whose support has one of these addresses; NULL = nobody's. */
static const struct policy_vendor *vendor_of(const struct policy *p, char *const *to, size_t n)
{
	for (size_t i = 0; p && i < p->n_vendors; i++)
		for (size_t l = 0; l < p->vendors[i].n_levels; l++)
			for (size_t k = 0; k < n; k++)
				if (!str_empty(p->vendors[i].levels[l].address) &&
				    strstr(to[k], p->vendors[i].levels[l].address))
					return &p->vendors[i];
	return NULL;
}

static int facts(void *ctx, const char *incident, const char *message, char *const *to,
		 size_t n_to, void (*add)(void *arg, const char *name, const char *value),
		 void *arg, struct err *err)
{
	struct engine *e = ctx;
	const struct policy_vendor *v = vendor_of(runs_policy(e->runs), to, n_to);
	_cleanup_(free_p) char *vendor = v ? xstrdup(v->id) : NULL;
	struct facts f;
	int r = incidents_facts(e->incidents, incident, message, vendor, &f, err);

	for (size_t i = 0; r == 0 && i < f.n; i++)
		add(arg, f.v[i].name, f.v[i].value);
	facts_fini(&f);
	return r;
}

static int hold(void *ctx, const char *run, const char *name, const char *text, const char *by,
		bool on, struct err *err)
{
	struct engine *e = ctx;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = by ? by : "runbook", .role = "engine", .via = "engine" };
	_cleanup_(free_p) char *id = xasprintf("%s/%s", run, name);
	_cleanup_(free_p) char *what = xasprintf("%s (%s)", name, run);
	int r = tx_begin(e->store, &t, &who, err);

	if (r == 0)
		r = on ? hold_put(&t, id, what, run, text, 0, err) : hold_release(&t, id, err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	if (r == 0)
		hub_wake(e->hub);
	return r;
}

/* From wherever the policy says the figure is. */
static int metric_port(void *ctx, const struct policy_metric *m, int64_t over_ms,
		       int64_t deadline_ms, double *ret, struct err *err)
{
	const struct engine *e = ctx;

	return metric_read_one(e->metrics, runs_policy(e->runs), m->name, over_ms, deadline_ms,
			       ret, err);
}

/* ---- values for parameters ------------------------------------------------------------------ */

static void offer_accounts(const struct state *s, struct run_param *p)
{
	for (size_t i = 0; i < s->n_accounts; i++) {
		const struct account *a = &s->accounts[i];
		_cleanup_(free_p) char *from = xasprintf("account %s, %s",
							 a->name ? a->name : a->id,
							 health_name(a->health));

		if (a->is_active)
			run_param_offer(p, a->id, from);
	}
}

static void offer_events(const struct state *s, struct run_param *p)
{
	for (size_t i = 0; i < s->n_events; i++) {
		const struct event *e = &s->events[i];
		_cleanup_(free_p) char *from = xasprintf("event, %s", event_status_name(e->status));

		if (event_status_open((enum event_status)e->status) || e->status == EV_COMPLETED)
			run_param_offer(p, e->id, from);
	}
}

static void offer_incidents(const struct state *s, struct run_param *p)
{
	for (size_t i = 0; i < s->n_incidents; i++)
		if (!s->incidents[i].closed_at_ms)
			run_param_offer(p, s->incidents[i].id, s->incidents[i].title);
}

void ports_offer(const struct engine *e, struct run_doc *d)
{
	const struct state *s = hub_state(e->hub);

	for (size_t i = 0; i < d->n_params; i++) {
		struct run_param *p = &d->params[i];
		const char *slash = strrchr(p->name, '/'), *name = slash ? slash + 1 : p->name;
		bool id = str_eq(p->type, "id") || str_eq(p->type, "string");

		if (p->set || p->secret || !id)
			continue;
		if (str_eq(name, "account") || strstr(name, "_account"))
			offer_accounts(s, p);
		else if (str_eq(name, "event") || str_eq(name, "event_id"))
			offer_events(s, p);
		else if (str_eq(name, "incident") || str_eq(name, "incident_id"))
			offer_incidents(s, p);
	}
}

static int64_t epoch_of(void *ctx)
{
	const struct engine *e = ctx;

	return e->lease ? lease_epoch(e->lease) : 0;
}

static void changed(void *ctx)
{
	struct engine *e = ctx;

	hub_wake(e->hub);
}

struct runs *ports_runs_new(struct engine *e)
{
	const struct runbook_settings *s = e->o->runbooks;

	e->keepers = proc_keepers_new(e->loop);
	e->run_ports = xcalloc(1, sizeof(*e->run_ports));
	*e->run_ports = (struct run_ports){ e, engine_call, say, facts, metric_port, hold };
	e->runbooks_dir = runbooks_dir(s);
	e->runbooks_read = runbooks_read_url(s, e->o->database);
	e->runbooks_change = runbooks_change_url(s, e->o->database);
	struct runs_deps d = {
		.loop = e->loop, .store = e->store, .dir = e->runbooks_dir,
		.environment = e->environment, .speed = e->o->speed, .epoch = epoch_of,
		.changed = changed, .ctx = e,
		.env = { .loop = e->loop, .http = e->http, .store = e->store,
			 .app_url = e->runbooks_read, .app_change_url = e->runbooks_change,
			 .ringdown_url = e->runbooks_read, .root = s ? s->root : NULL,
			 .target = s && s->target ? s->target : "default",
			 .ports = e->run_ports, .keepers = e->keepers,
			 .allow_insecure_http = e->o->allow_insecure_http },
	};

	return runs_new(&d);
}
