/*
 * See declare.h. What is found is linked in the moment it is used, so that the next look, also of
 * another engine, does not find it again; an engine killed between the two finds its own open
 * incident by the key and links then. Every write is a leader's transaction.
 */
#include "incident/declare.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "incident/internal.h"

enum { EVENT_OLD_MS = 3600000, COMPLETED_MS = 300000, PER_LOOK = 100, TITLE_MAX = 200 };

/* ---- the table, pure --------------------------------------------------------------------- */

static size_t rank_of(const struct policy *p, const char *severity)
{
	for (size_t i = 0; i < p->n_severities; i++)
		if (str_eq(p->severities[i].id, severity))
			return i;
	return p->n_severities;
}

bool severity_higher(const struct policy *p, const char *a, const char *b)
{
	return rank_of(p, a) < rank_of(p, b);
}

static int event_rank(const char *severity)
{
	int rank = severity ? enum_parse(&severity_names, severity) : SEV_NONE;

	return rank < 0 ? SEV_NONE : rank;	/* their order is that of the enum */
}

const char *declare_severity(const struct policy_declare *d, const struct occasion *o)
{
	return d->severity ? d->severity : o->priority;
}

static bool fits(const struct policy_declare *d, const struct occasion *o, int64_t now_ms,
		 double speed)
{
	int64_t wait = speed > 1 ? (int64_t)((double)d->for_ms / speed) : d->for_ms;

	if (now_ms - o->since_ms < wait)
		return false;
	if (o->event)
		return d->event && event_rank(o->name) >= event_rank(d->event) &&
		       (!d->confirmed || o->confirmed) &&
		       (!d->share || o->share >= (double)d->share);
	return d->alert && str_eq(d->alert, o->name) && declare_severity(d, o) &&
	       (!d->subject || str_eq(d->subject, o->subject)) &&
	       (!str_eq(d->level, "critical") || !str_eq(o->level, "warn"));
}

const struct policy_declare *declare_row(const struct policy *p, const struct occasion *o,
					 int64_t now_ms, double speed)
{
	const struct policy_declare *best = NULL;

	for (size_t i = 0; i < p->n_declare; i++)
		if (fits(&p->declare[i], o, now_ms, speed) &&
		    (!best || severity_higher(p, declare_severity(&p->declare[i], o),
					      declare_severity(best, o))))
			best = &p->declare[i];
	return best;
}

/* ---- what happened ----------------------------------------------------------------------- */

/* The open incident that it is linked to, which rises with it: the one that the policy declared,
 * and a person's too when what the person said is older than what happened since. A severity that
 * somebody gave while it was going on stays; so does that it was taken off. */
#define OPEN_IN(kind_, ref_, since_)                                                               \
	"(SELECT i.id FROM ringdown.incident_link l JOIN ringdown.incident i"                      \
	" ON i.id = l.incident_id WHERE l.kind = '" kind_ "' AND l.ref = " ref_                    \
	" AND l.gone_by IS NULL AND i.state IN ('declared', 'acknowledged', 'mitigated')"          \
	" AND i.kind = 'real' AND NOT EXISTS (SELECT 1 FROM ringdown.incident_severity s"          \
	"  WHERE s.incident_id = i.id AND s.by <> 'policy' AND s.at >= " since_ ")"                \
	" ORDER BY i.id LIMIT 1)"
#define LINKED(kind_, ref_)                                                                        \
	"EXISTS (SELECT 1 FROM ringdown.incident_link l WHERE l.kind = '" kind_ "' AND l.ref = "   \
	ref_ ")"

static const char events_sql[] =
	"SELECT q.*, i.severity FROM (SELECT e.id, e.severity, e.from_account,"
	" coalesce(t.name, e.from_account) || ': ' || coalesce(nullif(e.cause, ''), e.reason,"
	"  'failing'), e.confirmed, coalesce(x.failure_rate, 0) * 100, e.opened_at,"
	" " OPEN_IN("event", "e.id", "e.opened_at") " AS open_in,"
	" " LINKED("event", "e.id") " AS linked"
	" FROM ringdown.event e LEFT JOIN ringdown.account_ext x ON x.account_id = e.from_account"
	" LEFT JOIN \"TwilioAccount\" t ON t.id = e.from_account WHERE e.drill IS NULL AND"
	" e.trigger_type = 'AUTOMATIC' AND e.opened_at > $1 AND e.status IN ('held', 'pending',"
	" 'approved', 'executing', 'failed', 'rolling_back', 'completed') AND"
	" (e.status <> 'completed' OR e.completed_at > $3)) q"
	" LEFT JOIN ringdown.incident i ON i.id = q.open_in"
	" WHERE q.open_in IS NOT NULL OR NOT q.linked ORDER BY q.opened_at DESC LIMIT $2";
static const char alerts_sql[] =
	"SELECT q.*, i.severity FROM (SELECT a.id, a.name, a.subject, a.text, a.severity, a.since,"
	" a.priority,"
	" " OPEN_IN("alert", "a.id", "a.since") " AS open_in,"
	" " LINKED("alert", "a.id") " AS linked"
	" FROM ringdown.alert a WHERE a.state = 'firing' AND a.name = ANY($1::text[]) AND"
	" a.silenced_by IS NULL AND a.inhibited_by IS NULL) q"
	" LEFT JOIN ringdown.incident i ON i.id = q.open_in"
	" WHERE q.open_in IS NOT NULL OR NOT q.linked ORDER BY q.since DESC LIMIT $2";

struct occasions { struct occasion *v; size_t n; };

static struct occasion *add(struct occasions *l)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n] = (struct occasion){ 0 };
	return &l->v[l->n++];
}

static char *text_or_null(const struct pg_result *r, int i, int col)
{
	return pg_null(r, i, col) ? NULL : xstrdup(pg_text(r, i, col));
}

static int read_events(struct incidents *h, int64_t now, struct occasions *l, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(h->d.store, &r, err, events_sql, "mim", now - EVENT_OLD_MS,
			    (int64_t)PER_LOOK, now - COMPLETED_MS);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		struct occasion *o = add(l);

		*o = (struct occasion){
			.event = true, .ref = text_or_null(r, i, 0), .name = text_or_null(r, i, 1),
			.subject = text_or_null(r, i, 2), .text = text_or_null(r, i, 3),
			.confirmed = pg_bool(r, i, 4), .share = pg_double(r, i, 5),
			.since_ms = pg_time(r, i, 6), .incident = text_or_null(r, i, 7),
			.incident_severity = text_or_null(r, i, 9),
		};
	}
	return e;
}

static int read_alerts(struct incidents *h, const char *names, struct occasions *l, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(h->d.store, &r, err, alerts_sql, "ti", names, (int64_t)PER_LOOK);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		struct occasion *o = add(l);

		*o = (struct occasion){
			.ref = text_or_null(r, i, 0),
			.name = text_or_null(r, i, 1),
			.subject = text_or_null(r, i, 2),
			.text = text_or_null(r, i, 3),
			.level = text_or_null(r, i, 4),
			.since_ms = pg_time(r, i, 5),
			.priority = text_or_null(r, i, 6),
			.incident = text_or_null(r, i, 7),
			.incident_severity = text_or_null(r, i, 9),
		};
	}
	return e;
}

static void occasions_fini(struct occasions *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct occasion *o = &l->v[i];

		free(o->ref);
		free(o->name);
		free(o->subject);
		free(o->text);
		free(o->level);
		free(o->priority);
		free(o->incident);
		free(o->incident_severity);
	}
	free(l->v);
	*l = (struct occasions){ 0 };
}

/* The names of alerts that the policy's table knows, as text[]. */
static char *alert_names(const struct policy *p)
{
	struct str b = STR_INIT(20000);

	str_addc(&b, '{');
	for (size_t i = 0; i < p->n_declare; i++)
		if (p->declare[i].alert && !strpbrk(p->declare[i].alert, "\"\\,{}"))
			str_addf(&b, "%s\"%s\"", b.len > 1 ? "," : "", p->declare[i].alert);
	str_addc(&b, '}');
	return str_take(&b);
}

/* ---- acting ------------------------------------------------------------------------------ */

/* What follows from a row, copied: the policy may be read anew at the next wait. */
struct verdict { char *severity, *service, *title, *why; };

static bool judge(struct incidents *h, const struct occasion *o, int64_t now, struct verdict *ret)
{
	const struct policy *p = incidents_policy(h);
	const struct policy_declare *d = p ? declare_row(p, o, now, h->d.speed) : NULL;

	*ret = (struct verdict){ 0 };
	if (!d || (o->incident &&
		   !severity_higher(p, declare_severity(d, o), o->incident_severity)))
		return false;
	ret->severity = xstrdup(declare_severity(d, o));
	ret->service = xstrdup(d->service ? d->service : "telephony");
	ret->title = text_clean(d->title ? d->title : o->text ? o->text : o->name, TITLE_MAX);
	ret->why = o->event ? xasprintf("policy: %s is %s%s", o->ref, o->name,
					o->confirmed ? ", confirmed" : "") :
			      xasprintf("policy: alert %s of %s is %s", o->name,
					str_empty(o->subject) ? "the service" : o->subject,
					o->level);
	return true;
}

static void verdict_fini(struct verdict *v)
{
	free(v->severity);
	free(v->service);
	free(v->title);
	free(v->why);
}

static int link_to(struct incidents *h, const struct who *who, const char *incident,
		   const struct occasion *o, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = text_clean(o->text ? o->text : "", TITLE_MAX);
	int e = tx_begin(h->d.store, &t, who, err);

	if (e == 0)
		e = incident_link(&t, incident, o->event ? "event" : "alert", o->ref, text, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

static int act(struct incidents *h, const struct who *who, const struct occasion *o,
	       const struct verdict *v, struct err *err)
{
	_cleanup_(free_p) char *id = NULL, *key = xasprintf("service/%s", v->service);
	struct incident_declare d = {
		.title = v->title, .severity = v->severity, .service = v->service,
		.started_at_ms = o->since_ms, .detected_at_ms = o->since_ms, .dedup_key = key,
		.reason = v->why, .derived = true,
	};
	struct err why = { 0 };
	int e;

	if (o->incident)
		return incidents_severity(h, who, o->incident, v->severity, v->why, err);
	e = incidents_declare(h, who, &d, &id, &why);
	/* an open one of this service: people or an earlier look declared it */
	if (e == ERR_EXISTS && str_has_prefix(why.field, "INC-"))
		id = xstrdup(why.field);
	else if (e < 0) {
		*err = why;
		return e;
	}
	return link_to(h, who, id, o, err);
}

static int by_rank(const void *a, const void *b)
{
	const struct occasion *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* The gravest first: it gives the incident its name, and people are told once. */
static void sort(struct incidents *h, struct occasions *l, int64_t now)
{
	const struct policy *p = incidents_policy(h);

	for (size_t i = 0; p && i < l->n; i++) {
		const struct policy_declare *d = declare_row(p, &l->v[i], now, h->d.speed);

		l->v[i].rank = rank_of(p, d ? declare_severity(d, &l->v[i]) : NULL);
	}
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_rank);
}

int declare_look(struct incidents *h, int64_t epoch, size_t *ret, struct err *err)
{
	const struct who who = { .actor = "policy", .role = "engine", .via = "engine",
				 .epoch = epoch };
	const struct policy *p = incidents_policy(h);
	_cleanup_(free_p) char *names = p ? alert_names(p) : NULL;
	int64_t now = loop_wall_ms(h->d.loop);
	struct occasions l = { 0 };
	int e = 0;

	if (!p || !p->n_declare)
		return 0;
	e = read_events(h, now, &l, err);
	if (e == 0)
		e = read_alerts(h, names, &l, err);
	sort(h, &l, now);
	for (size_t i = 0; e == 0 && i < l.n && !h->duty.stopping; i++) {
		struct verdict v;

		if (!judge(h, &l.v[i], now, &v))
			continue;
		e = act(h, &who, &l.v[i], &v, err);
		/* a person was there first; the next look sees what is true then */
		if (e == ERR_CONFLICT)
			e = 0;
		verdict_fini(&v);
		++*ret;
	}
	occasions_fini(&l);
	return e;
}
