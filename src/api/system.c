/* For supervisors and Prometheus: liveness, readiness with its reason, figures. */
#include "api/internal.h"

#include <string.h>

#include "alert/sentry.h"
#include "api/intake.h"
#include "engine/engine.h"
#include "engine/live.h"

enum { STALLED_MS = 10000 };

static int plain(struct call *c, int status, const char *text)
{
	c->answered = true;
	httpd_reply(c->req, status, "text/plain; charset=utf-8", text, strlen(text));
	return status;
}

static int get_healthz(struct call *c)
{
	int64_t age = loop_now_ms(c->engine->loop) - c->engine->turn_ms;

	return plain(c, age < STALLED_MS ? 200 : 503, age < STALLED_MS ? "ok\n" :
		     "the loop stalls\n");
}

static int get_readyz(struct call *c)
{
	const char *why = engine_why_not_ready(c->engine);
	_cleanup_(free_p) char *text = xasprintf("%s\n", why ? why : "ready");

	return plain(c, why ? 503 : 200, text);
}

/* ---- metrics: Prometheus text format 0.0.4 ------------------------------------------- */

static void label_value(struct str *b, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '"' || *s == '\\' || *s == '\n')
			str_addc(b, '\\');
		str_addc(b, *s == '\n' ? 'n' : *s);
	}
}

static void head(struct str *b, const char *name, const char *type, const char *help)
{
	str_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct str *b, const char *name, const char *help, double v)
{
	head(b, name, "gauge", help);
	str_addf(b, "%s %.17g\n", name, v);
}

static void one_label(struct str *b, const char *name, const char *label, const char *value,
		      double v)
{
	str_addf(b, "%s{%s=\"", name, label);
	label_value(b, value);
	str_addf(b, "\"} %.17g\n", v);
}

static void account_metrics(struct str *b, const struct state *s)
{
	head(b, "ringdown_account_health", "gauge",
	     "0 unknown, 1 healthy, 2 minor, 3 degraded, 4 critical");
	for (size_t i = 0; i < s->n_accounts; i++)
		one_label(b, "ringdown_account_health", "account", s->accounts[i].name,
			  s->accounts[i].health);
	head(b, "ringdown_account_agents_failing", "gauge", "watched agents that fail");
	for (size_t i = 0; i < s->n_accounts; i++)
		one_label(b, "ringdown_account_agents_failing", "account", s->accounts[i].name,
			  (double)s->accounts[i].failing);
	head(b, "ringdown_numbers_free", "gauge", "voice-ready numbers free in the pool");
	for (size_t i = 0; i < s->n_accounts; i++)
		one_label(b, "ringdown_numbers_free", "account", s->accounts[i].name,
			  (double)s->accounts[i].numbers_free);
}

static void gate_metrics(struct str *b, const struct state *s)
{
	head(b, "ringdown_gate_open", "gauge", "1 when the gate lets an automatic failover"
					       " through");
	for (size_t i = 0; i < s->n_gates; i++)
		for (size_t k = 0; k < s->gates[i].n_gates; k++) {
			const struct gate_result *g = &s->gates[i].gates[k];

			str_add(b, "ringdown_gate_open{lineage=\"");
			label_value(b, s->gates[i].lineage);
			str_addf(b, "\",gate=\"%s\"} %d\n", gate_name(g->gate), g->pass);
		}
}

static void event_metrics(struct str *b, const struct state *s)
{
	int count[EV_STATUS_MAX] = { 0 };

	for (size_t i = 0; i < s->n_events; i++)
		count[s->events[i].status]++;
	head(b, "ringdown_events", "gauge", "failover events known to this engine, by status");
	for (int i = 0; i < EV_STATUS_MAX; i++)
		one_label(b, "ringdown_events", "status", event_status_name(i), count[i]);
}

/* One line for each open alert, as Prometheus' own ALERTS has them, and how many there are. */
static void alert_metrics(struct str *b, const struct state *s, int64_t now_ms)
{
	enum { SHOWN_MAX = 500 };
	int64_t count[AL_MAX] = { 0 }, loud = 0;
	size_t shown = 0;

	head(b, "ringdown_alert", "gauge", "1 for each open alert; loud when it wants attention");
	for (size_t i = 0; i < s->n_alerts; i++) {
		const struct alert *a = &s->alerts[i];

		if (a->state < 0 || a->state >= AL_MAX)
			continue;
		count[a->state]++;
		loud += alert_loud(a, now_ms);
		if (a->state == AL_RESOLVED || ++shown > SHOWN_MAX)
			continue;
		str_add(b, "ringdown_alert{id=\"");
		label_value(b, a->id);
		str_add(b, "\",alertname=\"");
		label_value(b, a->name);
		str_add(b, "\",subject=\"");
		label_value(b, a->subject);
		str_addf(b, "\",alertstate=\"%s\",severity=\"",
			 enum_name(&alert_state_names, a->state));
		label_value(b, a->severity);
		str_addf(b, "\",loud=\"%s\"} 1\n", alert_loud(a, now_ms) ? "yes" : "no");
	}
	head(b, "ringdown_alerts", "gauge", "alerts, open and of the last day, by state");
	for (int i = 0; i < AL_MAX; i++)
		one_label(b, "ringdown_alerts", "state", enum_name(&alert_state_names, i),
			  (double)count[i]);
	gauge(b, "ringdown_alerts_loud", "firing, and neither silenced, explained nor acknowledged",
	      (double)loud);
}

static int get_metrics(struct call *c)
{
	const struct engine *e = c->engine;
	const struct state *s = hub_state(e->hub);
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	gauge(&b, "ringdown_leader", "1 when this engine holds the lease",
	      e->lease && lease_held(e->lease));
	gauge(&b, "ringdown_lease_valid_seconds", "what is left of the lease, as counted here",
	      e->lease ? (double)lease_valid_ms(e->lease) / 1000 : 0);
	gauge(&b, "ringdown_database_ok", "1 when the database answers and may be written",
	      live_database_ok(e->live));
	gauge(&b, "ringdown_paused", "1 while automation is paused or in maintenance",
	      s->control.paused || s->control.maintenance);
	gauge(&b, "ringdown_cycle_seconds", "duration of the last health cycle",
	      (double)s->cycle_ms / 1000);
	gauge(&b, "ringdown_outbox_waiting", "messages not yet delivered",
	      (double)s->outbox_waiting);
	gauge(&b, "ringdown_outbox_dead", "messages given up", (double)s->outbox_dead);
	gauge(&b, "ringdown_journal_seq", "newest journal entry seen", (double)s->seq);
	account_metrics(&b, s);
	gate_metrics(&b, s);
	event_metrics(&b, s);
	alert_metrics(&b, s, loop_wall_ms(e->loop));
	intake_metrics(api_intake(c->api), &b);
	gauge(&b, "ringdown_rules_seconds", "duration of the last look at the alert rules",
	      (double)sentry_look_ms(e->sentry) / 1000);
	c->answered = true;
	httpd_reply(c->req, 200, "text/plain; version=0.0.4; charset=utf-8", str_get(&b), b.len);
	str_fini(&b);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/healthz", PR_VIEWER, ROUTE_OPEN, { { 0 } }, get_healthz,
	  "200 while the loop turns" },
	{ "GET", "/readyz", PR_VIEWER, ROUTE_OPEN, { { 0 } }, get_readyz,
	  "200 when this engine can serve, else the reason" },
	{ "GET", "/metrics", PR_VIEWER, ROUTE_OPEN, { { 0 } }, get_metrics, "Prometheus text" },
};
const struct route_table system_routes = { routes, COUNT_OF(routes) };
