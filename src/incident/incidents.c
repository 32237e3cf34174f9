/*
 * See incidents.h. A turn of the leader reads what is due, lets clocks.h decide what follows,
 * and writes both in one transaction. A row that a person changed between reading and writing
 * is left as that person made it. The policy may be read anew at any wait: what is taken from
 * it is copied before the transaction begins.
 */
#include "incident/incidents.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "incident/clocks.h"
#include "incident/declare.h"
#include "incident/digest.h"
#include "incident/internal.h"
#include "incident/quotes.h"
#include "incident/tell.h"
#include "incident/title.h"
#include "incident/undelivered.h"

enum { LOOK_MS = 2000, REST_MS = 15000 /* nothing is open */, HOUR_MS = 3600000,
       REPORT_H = 24, REVIEW_H = 48 /* R3, after every incident */ };

/* ---- what an incident begins with --------------------------------------------------- */

/* What must not be forgotten in any incident (R3: first communication, verification, after). */
static const char *const checklist[] = {
	"scope known: who and what is affected, since when",
	"status pages of the providers read",
	"announced in the team's channel; status page updated if customers notice",
	"a call in and a call out work again",
	"webhooks arrive and alerts are quiet",
	"report written (24 h)",
	"review held (48 h)",
	"runbooks changed by what was learnt",
	"preventive measures agreed, each with an owner",
};

struct rows { struct incident_clock *v; size_t n; };

static struct incident_clock *add_row(struct rows *r, enum clock_kind kind, int64_t due_ms,
				      const char *ladder, const char *target, const char *text)
{
	struct incident_clock *c;

	r->v = xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	c = &r->v[r->n++];
	*c = (struct incident_clock){ .kind = (int)kind, .state = CS_RUNNING, .due_at_ms = due_ms,
				      .ladder = xstrdup(ladder), .target = xstrdup(target),
				      .text = xstrdup(text) };
	return c;
}

static void rows_fini(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		record_fini(&incident_clock_type, &r->v[i]);
	free(r->v);
	*r = (struct rows){ 0 };
}

int64_t incidents_faster(const struct incidents *h, int64_t ms)
{
	return h->d.speed > 1 && ms > 0 ? (int64_t)((double)ms / h->d.speed) + 1 : ms;
}

static void scale(const struct incidents *h, struct incident_clock *c, int64_t now)
{
	c->due_at_ms = now + incidents_faster(h, c->due_at_ms - now);
	c->every_ms = incidents_faster(h, c->every_ms);
	c->respond_ms = incidents_faster(h, c->respond_ms);
}

/* Every ladder of the policy, but routing, severity and updates once. */
static void open_clocks(const struct policy *p, const struct incident *i, const char *was,
			int64_t now, struct rows *ret)
{
	for (size_t l = 0; l == 0 || l < p->n_ladders; l++) {
		struct incident_clock *v = NULL;
		const char *name = p->n_ladders ? p->ladders[l].name : NULL;
		size_t n = clocks_open(p, i, was, name, now, &v);

		for (size_t k = 0; k < n; k++) {
			if (l > 0 && v[k].kind != CK_LADDER) {
				record_fini(&incident_clock_type, &v[k]);
				continue;
			}
			ret->v = xrealloc(ret->v, (ret->n + 1) * sizeof(*ret->v));
			ret->v[ret->n++] = v[k];
		}
		free(v);
	}
}

static void rows_for(const struct incidents *h, const struct policy *p,
		     const struct policy_severity *s, const struct incident *i, const char *was,
		     int64_t now, struct rows *ret)
{
	open_clocks(p, i, was, now, ret);
	if (i->state == IS_DECLARED)
		add_row(ret, CK_TASK, now + s->respond_ms, "ack", NULL, "somebody acknowledges it");
	if (!was) {
		add_row(ret, CK_DEADLINE, now + REPORT_H * HOUR_MS, NULL, "report",
			"the report is due")->respond_ms = REPORT_H * HOUR_MS;
		add_row(ret, CK_DEADLINE, now + REVIEW_H * HOUR_MS, NULL, "review",
			"the review is due")->respond_ms = REVIEW_H * HOUR_MS;
	}
	for (size_t k = 0; k < ret->n; k++)
		scale(h, &ret->v[k], now);
}

const struct policy *incidents_policy(const struct incidents *h)
{
	return h->d.policy(h->d.ctx);
}

/* "P1", or "P1/P2" of somebody who is between two: the higher counts. NULL: one is unknown. */
static const struct policy_severity *higher_of(const struct policy *p, const char *text)
{
	const struct policy_severity *best = NULL;

	for (const char *s = text; s && p;) {
		size_t n = strcspn(s, "/,");
		_cleanup_(free_p) char *id = xstrndup(s, n);
		const struct policy_severity *one = policy_severity(p, id);

		if (!one)
			return NULL;
		if (!best || severity_higher(p, one->id, best->id))
			best = one;
		s = s[n] ? s + n + 1 : NULL;
	}
	return best;
}

/* *ret_reason, when not NULL: with the doubt that was decided, heap; else as given. */
static const struct policy_severity *severity_of(const struct policy *p, const char *id,
						 const char *reason, char **ret_reason,
						 struct err *err)
{
	const struct policy_severity *s = higher_of(p, id);
	struct str names = STR_INIT(400);

	*ret_reason = s && !str_eq(s->id, id) ?
		xasprintf("between %s the higher%s%s", id, str_empty(reason) ? "" : ": ",
			  reason ? reason : "") : xstrdup(reason);
	if (s)
		return s;
	for (size_t i = 0; p && i < p->n_severities; i++)
		str_addf(&names, "%s%s", i ? ", " : "", p->severities[i].id);
	if (p)
		err_field(err, ERR_INVALID, "severity", "'%.20s' is no severity: one of %s",
			  id ? id : "", str_get(&names));
	else
		err_set(err, ERR_UNREACHABLE, "policy.yaml cannot be read: 'ringdown runbook lint'"
					      " says why");
	str_fini(&names);
	return NULL;
}

/* ---- people's orders --------------------------------------------------------------------- */

void incidents_changed(struct incidents *h)
{
	if (h->d.changed)
		h->d.changed(h->d.ctx);
	incidents_wake(h);
}

static int offered(const char *id, struct err *err)
{
	return err_field(err, ERR_EXISTS, id, "%s is open and may be the same: join it, or declare"
					      " anyway (force)", id);
}

/* Two at once with one key: the index lets one through. */
static int declare(struct incidents *h, const struct who *who, const struct incident_new *n,
		   char **ret_id, struct err *err)
{
	_cleanup_(free_p) char *other = NULL;
	struct err ignored = { 0 };
	int e = incident_declare(h->d.store, who, n, ret_id, err);

	if (e != ERR_EXISTS && e != ERR_CONFLICT)
		return e;
	if (incident_alike(h->d.store, n->dedup_key, n->service, &other, &ignored) == 0 && other)
		return offered(other, err);
	return e;
}

/* One open incident a service, however people write its name. */
static char *key_of(const char *service)
{
	char *key = xasprintf("service/%s", service + strspn(service, " "));
	size_t n = strlen(key);

	for (char *p = key; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	while (n && key[n - 1] == ' ')
		key[--n] = '\0';
	return key;
}

int incidents_declare(struct incidents *h, const struct who *who,
		      const struct incident_declare *d, char **ret_id, struct err *err)
{
	_cleanup_(free_p) char *alike = NULL, *reason = NULL;
	_cleanup_(free_p) char *service = text_clean(str_empty(d->service) ? "telephony" :
						     d->service, 200);
	_cleanup_(free_p) char *title = text_clean(d->title ? d->title : "", 300);
	_cleanup_(free_p) char *impact = text_clean(d->impact ? d->impact : "", 2000);
	_cleanup_(free_p) char *key = d->force || d->kind != IK_REAL ? NULL :
				      d->dedup_key ? xstrdup(d->dedup_key) : key_of(service);
	int e = d->kind == IK_REAL && !d->force ?
		incident_alike(h->d.store, key, service, &alike, err) : 0;
	const struct policy *p = incidents_policy(h);
	const struct policy_severity *s = severity_of(p, d->severity, d->reason, &reason, err);
	_cleanup_(free_p) char *severity = xstrdup(s ? s->id : NULL);
	struct incident i = { .severity = severity,
			      .state = d->kind == IK_BACKFILL ? IS_CLOSED : IS_DECLARED };
	struct rows rows = { 0 };

	if (e < 0 || !s)
		return e < 0 ? e : err->code;
	if (d->resolved_at_ms && d->kind == IK_REAL)
		return err_field(err, ERR_INVALID, "resolvedAt",
				 "only a backfill or a drill is declared with its end");
	if (alike)
		return offered(alike, err);
	/* a drill that is over pages nobody */
	if (d->kind != IK_BACKFILL && !d->resolved_at_ms)
		rows_for(h, p, s, &i, NULL, loop_wall_ms(h->d.loop), &rows);
	_cleanup_(free_p) char *hash = xstrdup(p->hash);
	struct incident_new n = {
		.title = title,
		.severity = severity,
		.service = service,
		.impact = impact,
		.reason = reason,
		.dedup_key = key,
		.policy_hash = hash,
		.kind = d->kind,
		.derived = d->derived,
		.started_at_ms = d->started_at_ms,
		.detected_at_ms = d->detected_at_ms,
		.resolved_at_ms = d->resolved_at_ms,
		.clocks = rows.v,
		.n_clocks = rows.n,
		.tasks = checklist,
		.n_tasks = COUNT_OF(checklist),
	};
	e = declare(h, who, &n, ret_id, err);
	rows_fini(&rows);
	if (e == 0)
		incidents_changed(h);
	return e;
}

int incidents_severity(struct incidents *h, const struct who *who, const char *id,
		       const char *severity, const char *reason, struct err *err)
{
	struct incident_doc doc;
	struct rows rows = { 0 };
	int e = incident_read(h->d.store, id, &doc, err);
	const struct policy *p = incidents_policy(h);
	_cleanup_(free_p) char *why = NULL;
	const struct policy_severity *s = e < 0 ? NULL : severity_of(p, severity, reason, &why,
								     err);

	if (e < 0)
		return e;
	if (s) {
		_cleanup_(free_p) char *was = TAKE(doc.incident.severity);

		doc.incident.severity = xstrdup(s->id);
		rows_for(h, p, s, &doc.incident, was, loop_wall_ms(h->d.loop), &rows);
		e = incident_set_severity(h->d.store, who, id, doc.incident.severity, why, rows.v,
					  rows.n, err);
		rows_fini(&rows);
	}
	incident_doc_fini(&doc);
	if (s && e == 0)
		incidents_changed(h);
	return s ? e : err->code;
}

/* Pages that stand open somewhere are answered there too. */
static int tell_state(struct incidents *h, const struct who *who, const char *id,
		      enum incident_state to, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = to == IS_ACKNOWLEDGED ?
		xasprintf("%s is on it", who->actor) :
							       xasprintf("resolved by %s",
								who->actor);
	int e = tx_begin(h->d.store, &t, who, err);

	if (e == 0)
		e = tell_over(&t, h->d.notify, id, to == IS_ACKNOWLEDGED ? SAY_ACKED : SAY_RESOLVED,
			      text, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int incidents_state(struct incidents *h, const struct who *who, const char *id, int64_t version,
		    enum incident_state to, int64_t at_ms, const char *reason, struct err *err)
{
	struct err why = { 0 };
	int e = incident_set_state(h->d.store, who, id, version, to, at_ms, reason, err);

	if (e < 0)
		return e;
	if ((to == IS_ACKNOWLEDGED || to == IS_RESOLVED) && tell_state(h, who, id, to, &why) < 0)
		log_warn("incidents", "%s: those who were told do not hear it: %s", id, why.msg);
	incidents_changed(h);
	return 0;
}

/* ---- the leader's turn --------------------------------------------------------------------- */

/* A ladder's next rung has the policy's pace: ours is faster in a demonstration. */
static void scale_fired(const struct incidents *h, struct incident_clock *c, int64_t now)
{
	if (c->kind != CK_LADDER && c->kind != CK_VENDOR)
		return;
	if (c->due_at_ms > now)
		c->due_at_ms = now + incidents_faster(h, c->due_at_ms - now);
	if (c->kind == CK_LADDER)
		c->respond_ms = incidents_faster(h, c->respond_ms);
}

static int fire_one(struct incidents *h, struct due_clock *due, const struct who *who,
		    struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct incident_clock said = { 0 };
	struct incident_doc doc;
	struct telling tell = { 0 };
	int64_t was = due->clock.due_at_ms, now;
	int e = incident_read(h->d.store, due->incident, &doc, err);
	const struct policy *p = incidents_policy(h);

	if (e < 0)
		return e;
	now = loop_wall_ms(h->d.loop);
	if (p && clocks_fire(p, &doc.incident, &due->clock, now, &said)) {
		scale_fired(h, &due->clock, now);
		tell_plan(&tell, p, &doc.incident, &said, now);
		e = tx_begin(h->d.store, &t, who, err);
		if (e == 0)
			e = tell_put(&tell, &t, h->d.notify, err);
		if (e == 0)
			e = clock_fired(&t, due->incident, &due->clock, was, tell.calls,
					tell.n_calls, tell_line(&tell), err);
		if (e == 0)
			e = tx_commit(&t, NULL, err);
	}
	tell_fini(&tell);
	record_fini(&incident_clock_type, &said);
	incident_doc_fini(&doc);
	return e;
}

int incidents_look(struct incidents *h, int64_t *ret_next_ms, struct err *err)
{
	struct who who = WHO_ENGINE(h->d.epoch(h->d.ctx));
	struct due_clock *v = NULL;
	size_t n = 0, linked = 0;
	struct err why = { 0 };
	int e;

	*ret_next_ms = 0;
	if (!who.epoch)
		return 0;
	/* what cannot be declared must not keep clocks from falling due */
	if (declare_look(h, who.epoch, &linked, &why) < 0 && why.code != ERR_CANCELLED)
		log_debug("incidents", "nothing is declared by policy: %s", why.msg);
	e = clocks_due(h->d.store, loop_wall_ms(h->d.loop), &v, &n, ret_next_ms, err);
	for (size_t i = 0; e == 0 && i < n && !h->duty.stopping; i++) {
		e = v[i].clock.kind == CK_DIGEST ? digest_fire(h, &who, &v[i], err) :
						   fire_one(h, &v[i], &who, err);
		if (e == ERR_CONFLICT)	/* a person was there first */
			e = 0;
	}
	clocks_free(v, n);
	if (e == 0 && !h->duty.stopping)
		e = incidents_attach(h->d.store, &who, &linked, err);
	if (e == 0 && !h->duty.stopping)
		e = titles_look(h, &who, &linked, err);
	if (e == 0 && !h->duty.stopping)
		e = quotes_look(h, &who, &linked, err);
	if (e == 0 && !h->duty.stopping)
		e = undelivered_look(h, &who, &linked, err);
	if ((n || linked) && h->d.changed)
		h->d.changed(h->d.ctx);
	return e;
}

/* ---- the task ------------------------------------------------------------------------------- */

static int64_t turn(void *arg)
{
	struct incidents *h = arg;
	struct err err = { 0 };
	int64_t next = 0, wait = LOOK_MS;

	if (incidents_look(h, &next, &err) < 0 && err.code != ERR_CANCELLED)
		log_debug("incidents", "%s", err.msg);
	next -= loop_wall_ms(h->d.loop);
	if (next > 0 && next < wait)
		wait = next;
	return h->d.epoch(h->d.ctx) ? wait : REST_MS;
}

struct incidents *incidents_new(const struct incidents_deps *d)
{
	struct incidents *h = xcalloc(1, sizeof(*h));

	h->d = *d;
	return h;
}

void incidents_start(struct incidents *h)
{
	duty_start(&h->duty, h->d.loop, "incidents", turn, h);
}

void incidents_wake(struct incidents *h)
{
	if (h)
		duty_wake(&h->duty);
}

void incidents_stop(struct incidents *h)
{
	if (h)
		duty_stop(&h->duty);
}

bool incidents_idle(const struct incidents *h)
{
	return !h || duty_idle(&h->duty);
}

void incidents_free(struct incidents *h)
{
	if (h && duty_idle(&h->duty))
		free(h);
}
