/* See capability.h. */
#include "incident/capability.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "incident/internal.h"
#include "incident/messages.h"
#include "store/control.h"

ENUM_NAMES(capability_state_names, "state of a capability", CAPABILITY_STATE_LIST);

enum { FEEDS_OLD_MS = 10 * 60000 };

/* ---- reading ------------------------------------------------------------------------------ */

static int read_alerts(struct store *s, struct watching *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT name, severity, text FROM ringdown.alert"
			    " WHERE state = 'firing' ORDER BY since LIMIT 500", "");

	if (e < 0)
		return e;
	ret->n_alerts = (size_t)pg_rows(r);
	ret->alerts = xcalloc(ret->n_alerts + 1, sizeof(*ret->alerts));
	for (size_t i = 0; i < ret->n_alerts; i++)
		ret->alerts[i] = (struct watch_alert){ xstrdup(pg_text(r, (int)i, 0)),
			xstrdup(pg_text(r, (int)i, 1)), xstrdup(pg_text(r, (int)i, 2)) };
	return 0;
}

static int read_accounts(struct store *s, struct watching *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		s, &r, err,
		"SELECT t.name, t.provider, x.health, coalesce(x.why, ''), x.agents > 0 FROM "
		"\"TwilioAccount\" t"
		" JOIN ringdown.account_ext x ON x.account_id = t.id WHERE t.\"isActive\" AND"
		" x.removed_at IS NULL ORDER BY t.priority, t.id LIMIT 200",
		"");

	if (e < 0)
		return e;
	ret->n_accounts = (size_t)pg_rows(r);
	ret->accounts = xcalloc(ret->n_accounts + 1, sizeof(*ret->accounts));
	for (size_t i = 0; i < ret->n_accounts; i++)
		ret->accounts[i] = (struct watch_account){ xstrdup(pg_text(r, (int)i, 0)),
			xstrdup(pg_text(r, (int)i, 1)), xstrdup(pg_text(r, (int)i, 2)),
			xstrdup(pg_text(r, (int)i, 3)), pg_bool(r, (int)i, 4) };
	return 0;
}

int watching_read(struct store *s, struct watching *ret, struct err *err)
{
	_cleanup_(free_p) char *doc = NULL;
	int64_t at = 0;
	int e = read_alerts(s, ret, err);

	if (e == 0)
		e = read_accounts(s, ret, err);
	if (e == 0)
		e = live_get(s, "feeds", &doc, &at, err);
	/* what was said long ago says nothing about now */
	if (e == 0 && doc && loop_wall_ms(s->loop) - at < FEEDS_OLD_MS)
		ret->feeds = json_parse(doc, strlen(doc), NULL);
	ret->database = e == 0;
	ret->now_ms = loop_wall_ms(s->loop);
	return e;
}

void watching_fini(struct watching *w)
{
	for (size_t i = 0; i < w->n_alerts; i++) {
		free(w->alerts[i].name);
		free(w->alerts[i].severity);
		free(w->alerts[i].text);
	}
	for (size_t i = 0; i < w->n_accounts; i++) {
		free(w->accounts[i].name);
		free(w->accounts[i].provider);
		free(w->accounts[i].health);
		free(w->accounts[i].why);
	}
	free(w->alerts);
	free(w->accounts);
	json_free(w->feeds);
	*w = (struct watching){ 0 };
}

/* ---- one component -------------------------------------------------------------------------- */

struct verdict { enum capability_state state; char *why; bool watched; };

static void worse(struct verdict *v, enum capability_state s, char *why)
{
	/* what is known to be well counts before what is not known */
	bool first = !v->watched || (s != CAP_UNKNOWN && (s > v->state || v->state == CAP_UNKNOWN));

	v->watched = true;
	if (!first) {
		free(why);
		return;
	}
	v->state = s;
	free(v->why);
	v->why = why;
}

static void by_alerts(struct verdict *v, const struct policy_dependency *d,
		      const struct watching *w)
{
	for (size_t i = 0; i < d->n_alerts; i++) {
		const struct watch_alert *found = NULL;

		for (size_t k = 0; k < w->n_alerts && !found; k++)
			if (str_eq(w->alerts[k].name, d->alerts[i]))
				found = &w->alerts[k];
		if (found)
			worse(v, str_eq(found->severity, "warn") ? CAP_DEGRADED : CAP_DOWN,
			      xasprintf("alert %s: %s", found->name, found->text));
		else
			worse(v, CAP_OK, xasprintf("no alert %s", d->alerts[i]));
	}
}

/* Accounts that carry agents; standby accounts do not take anything away. */
static void by_accounts(struct verdict *v, const struct policy_dependency *d,
			const struct watching *w)
{
	for (size_t i = 0; i < w->n_accounts; i++) {
		const struct watch_account *a = &w->accounts[i];

		if (!str_eq(a->provider, d->vendor) || !a->carrying)
			continue;
		worse(v,
		      str_eq(a->health, "critical")   ? CAP_DOWN
		      : str_eq(a->health, "degraded") ? CAP_DEGRADED
		      : str_eq(a->health, "unknown")  ? CAP_UNKNOWN
						      : CAP_OK,
		      xasprintf("account %s is %s%s%s", a->name, a->health, *a->why ? ": " : "",
				a->why));
	}
}

static enum capability_state feed_word(const char *state)
{
	return str_eq(state, "down") ? CAP_DOWN : str_eq(state, "degraded") ||
	       str_eq(state, "maintenance") ? CAP_DEGRADED : str_eq(state, "operational") ? CAP_OK :
	       CAP_UNKNOWN;
}

static bool silent(const struct json *feed, int64_t now_ms)
{
	int64_t at = 0;

	return json_get_str(feed, "readAt") && parse_time_ms(json_get_str(feed, "readAt"), &at) &&
	       now_ms - at >= FEEDS_OLD_MS;
}

static void by_feed(struct verdict *v, const struct policy_dependency *d, const struct watching *w)
{
	const struct json *feed = NULL, *item = NULL;

	for (const struct json *f = json_first(json_get(w->feeds, "feeds")); f && !feed;
	     f = json_next(f))
		if (str_eq(json_get_str(f, "feed"), d->vendor))
			feed = f;
	for (const struct json *i = json_first(json_get(feed, "items")); i && !item;
	     i = json_next(i))
		if (json_get_str(i, "name") && strcasestr(json_get_str(i, "name"), d->feed))
			item = i;
	/* a page that does not answer any more says nothing about now, whatever it said last */
	if (feed && silent(feed, w->now_ms)) {
		worse(v, CAP_UNKNOWN, xasprintf("the status page of %s has not answered since %s",
						d->vendor, json_get_str(feed, "readAt")));
		return;
	}
	if (item)
		worse(v, feed_word(json_get_str(item, "state")),
		      xasprintf("%s says %s: %s", d->vendor, json_get_str(item, "name"),
				json_get_str(item, "status")));
	else if (!feed || str_eq(json_get_str(feed, "state"), "unknown"))
		worse(v, CAP_UNKNOWN,
		      xasprintf("the status page of %s does not answer", d->vendor));
	else
		worse(v, CAP_OK, xasprintf("%s reports no trouble", d->vendor));
}

enum capability_state component_state(const struct policy_dependency *d, const struct watching *w,
				      char **ret_why)
{
	struct verdict v = { CAP_UNKNOWN, NULL, false };

	if (!str_empty(d->feed))
		by_feed(&v, d, w);
	if (d->accounts)
		by_accounts(&v, d, w);
	by_alerts(&v, d, w);
	if (str_eq(d->self, "database"))
		worse(&v, w->database ? CAP_OK : CAP_DOWN,
		      xstrdup(w->database ? "our database answers"
					  : "our database does not answer"));
	*ret_why = v.watched ? v.why : xstrdup("nothing watches it");
	return v.state;
}

/* ---- all of them ---------------------------------------------------------------------------- */

enum capability_state capability_now(const struct policy *p, const char *capability,
				     const struct watching *watch, char **ret_why)
{
	enum capability_state worst = CAP_OK;
	char *why = NULL;

	for (size_t i = 0; i < p->n_depends; i++) {
		const struct policy_dependency *d = &p->depends[i];
		_cleanup_(free_p) char *text = NULL;
		enum capability_state s;

		if (!str_eq(d->capability, capability))
			continue;
		s = component_state(d, watch, &text);
		if (s > worst || !why) {
			free(why);
			why = xasprintf("%s: %s", d->component, text);
		}
		worst = s > worst ? s : worst;
	}
	*ret_why = why ? why : xstrdup("nothing is known of it");
	return worst;
}

static void components(struct jw *w, const struct policy *p, const char *capability,
		       const struct watching *watch)
{
	jw_arr(w, "components");
	for (size_t i = 0; i < p->n_depends; i++) {
		const struct policy_dependency *d = &p->depends[i];
		_cleanup_(free_p) char *text = NULL;
		enum capability_state s;

		if (!str_eq(d->capability, capability))
			continue;
		s = component_state(d, watch, &text);
		jw_obj(w, NULL);
		jw_str(w, "component", d->component);
		jw_str(w, "vendor", d->vendor);
		jw_str(w, "state", enum_name(&capability_state_names, (int)s));
		jw_str(w, "why", text);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static bool named_before(const struct policy *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(p->depends[k].capability, p->depends[i].capability))
			return true;
	return false;
}

static void names(struct jw *w, const char *member, const struct policy *p,
		  const enum capability_state *states, enum capability_state from,
		  enum capability_state to)
{
	jw_arr(w, member);
	for (size_t i = 0; i < p->n_depends; i++)
		if (!named_before(p, i) && states[i] >= from && states[i] <= to)
			jw_str(w, NULL, p->depends[i].capability);
	jw_arr_end(w);
}

void capabilities_json(struct jw *w, const struct policy *p, const struct watching *watch)
{
	enum capability_state *states = xcalloc(p->n_depends + 1, sizeof(*states));

	jw_arr(w, "capabilities");
	for (size_t i = 0; i < p->n_depends; i++) {
		_cleanup_(free_p) char *why = NULL;

		if (named_before(p, i))
			continue;
		states[i] = capability_now(p, p->depends[i].capability, watch, &why);
		jw_obj(w, NULL);
		jw_str(w, "capability", p->depends[i].capability);
		components(w, p, p->depends[i].capability, watch);
		jw_str(w, "state", enum_name(&capability_state_names, (int)states[i]));
		jw_str(w, "why", why);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	names(w, "affected", p, states, CAP_DEGRADED, CAP_DOWN);
	names(w, "working", p, states, CAP_OK, CAP_OK);
	names(w, "unknown", p, states, CAP_UNKNOWN, CAP_UNKNOWN);
	free(states);
}

int incidents_capabilities(struct incidents *h, const char *id, struct jw *w, struct err *err)
{
	struct watching watch = { 0 };
	struct incident_doc d = { 0 };
	struct evidence e = { 0 };
	int r = id ? incident_read(h->d.store, id, &d, err) : 0;
	const struct policy *p;

	if (r == 0)
		r = watching_read(h->d.store, &watch, err);
	if (r == 0 && id)
		r = evidence_of(h->d.store, &d, NULL, loop_wall_ms(h->d.loop), &e, err);
	p = incidents_policy(h);
	if (r == 0 && p) {
		jw_time(w, "at", loop_wall_ms(h->d.loop));
		capabilities_json(w, p, &watch);
		jw_json(w, "feeds", json_get(watch.feeds, "feeds"));
	} else if (r == 0) {
		r = err_set(err, ERR_UNREACHABLE,
			    "policy.yaml cannot be read: 'ringdown runbook lint' says why");
	}
	if (r == 0 && id) {
		jw_str(w, "incident", id);
		jw_str(w, "impact", d.incident.impact);
		jw_arr(w, "counted");
		for (size_t i = 0; i < e.affected.n; i++)
			jw_str(w, NULL, e.affected.v[i]);
		jw_arr_end(w);
	}
	evidence_fini(&e);
	incident_doc_fini(&d);
	watching_fini(&watch);
	return r;
}
