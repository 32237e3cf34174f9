/*
 * See figures.h. All of them come from the state that the console shows; nothing is asked
 * anew. A figure that is not known now has no series; those by account are under its id.
 */
#include "engine/figures.h"

#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "engine/hub.h"
#include "runbook/settings.h"

/* "12.34 USD" */
static bool balance_of(const struct account *a, double *ret)
{
	_cleanup_(free_p) char *text = a->balance ?
		xstrndup(a->balance, strcspn(a->balance, " ")) : NULL;

	return text && a->is_active && str_eq(a->provider, "twilio") && parse_double(text, ret);
}

/* The lowest of a monitored Twilio account. */
static void twilio_balance(const struct engine *e, struct metric_points *ret)
{
	const struct state *s = hub_state(e->hub);
	double lowest = 0, v;
	bool any = false;

	for (size_t i = 0; i < s->n_accounts; i++) {
		if (!balance_of(&s->accounts[i], &v))
			continue;
		lowest = any && lowest < v ? lowest : v;
		any = true;
	}
	if (any)
		metric_points_add(ret, "", lowest);
}

static void balances(const struct engine *e, struct metric_points *ret)
{
	const struct state *s = hub_state(e->hub);
	double v;

	for (size_t i = 0; i < s->n_accounts; i++)
		if (balance_of(&s->accounts[i], &v))
			metric_points_add(ret, s->accounts[i].id, v);
}

static void failing(const struct engine *e, struct metric_points *ret)
{
	const struct state *s = hub_state(e->hub);

	for (size_t i = 0; i < s->n_accounts; i++)
		if (s->accounts[i].is_active && s->accounts[i].agents > 0)
			metric_points_add(ret, s->accounts[i].id, 100.0 *
					  (double)s->accounts[i].failing /
					  (double)s->accounts[i].agents);
}

static void check_age(const struct engine *e, struct metric_points *ret)
{
	const struct state *s = hub_state(e->hub);
	int64_t now = loop_wall_ms(e->loop);

	for (size_t i = 0; i < s->n_accounts; i++)
		if (s->accounts[i].is_active && s->accounts[i].last_check_ms)
			metric_points_add(ret, s->accounts[i].id,
					  (double)(now - s->accounts[i].last_check_ms) / 1000);
}

static void outbox_waiting(const struct engine *e, struct metric_points *ret)
{
	metric_points_add(ret, "", (double)hub_state(e->hub)->outbox_waiting);
}

static void outbox_dead(const struct engine *e, struct metric_points *ret)
{
	metric_points_add(ret, "", (double)hub_state(e->hub)->outbox_dead);
}

static const struct {
	const char *name;
	void (*read)(const struct engine *e, struct metric_points *ret);
} figures[] = {
	{ "twilio_balance", twilio_balance }, { "balances", balances },
	{ "failing_percent", failing }, { "check_age", check_age },
	{ "outbox_waiting", outbox_waiting }, { "outbox_dead", outbox_dead },
};

/* Impact figures by the names the console shows them under: callsOk, smsDelivered ... */
static int impact_figure(const struct engine *e, const char *name, struct metric_points *ret,
			 struct err *err)
{
	const struct state *s = hub_state(e->hub);
	_cleanup_(json_free_p) struct json *j = NULL;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	record_json(&w, NULL, &impact_type, &s->impact);
	j = json_parse(str_get(&b), b.len, NULL);
	str_fini(&b);
	if (!record_field(&impact_type, name))
		return err_set(err, ERR_INVALID, "the engine has no figure '%.40s'", name);
	if (json_double(json_get(j, name), -1) >= 0)
		metric_points_add(ret, "", json_double(json_get(j, name), 0));
	return 0;
}

int engine_figure(void *ctx, const char *name, struct metric_points *ret, struct err *err)
{
	const struct engine *e = ctx;

	if (!e->hub || !hub_loaded(e->hub))
		return err_set(err, ERR_UNREACHABLE, "the engine has not read its state yet");
	for (size_t i = 0; i < COUNT_OF(figures); i++)
		if (str_eq(figures[i].name, name)) {
			figures[i].read(e, ret);
			return 0;
		}
	return impact_figure(e, name, ret, err);
}

struct metrics *engine_metrics_new(struct engine *e)
{
	const struct runbook_settings *s = e->o->runbooks;
	struct metric_deps d = {
		.loop = e->loop, .http = e->http, .store = e->store, .providers = e->providers,
		.target = s && s->target ? s->target : "default",
		.allow_insecure_http = e->o->allow_insecure_http,
		.figure = engine_figure, .ctx = e,
	};

	e->metrics_database = runbooks_read_url(s, e->o->database);
	d.database = e->metrics_database;
	return metrics_new(&d);
}
