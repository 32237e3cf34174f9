/*
 * D declares from anywhere: a sheet with what is open already, the criteria of each
 * severity and what follows from it; the second key declares. Title, impact and start come
 * from the evidence and can be corrected later. A key that came before anybody could have
 * read the sheet declares nothing.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"

enum { READ_MS = 150 };

struct declaring {
	struct app *app;
	struct client_request *request;
	int64_t opened_ms;
	char title[200], impact[300], severity[20], alike[24];
	int64_t started_ms;
};

/* ---- from the evidence ---- */

static const struct account *worst_account(const struct state *s)
{
	const struct account *best = NULL;

	for (size_t i = 0; i < s->n_accounts; i++) {
		const struct account *x = &s->accounts[i];
		if ((x->health == HEALTH_CRITICAL || x->health == HEALTH_DEGRADED) &&
		    (!best || x->failing > best->failing))
			best = x;
	}
	return best;
}

static void evidence(struct declaring *d)
{
	const struct state *s = app_state(d->app);
	const struct event *e = event_most_urgent(s);
	const struct account *x = e ? state_account(s, e->from) : worst_account(s);
	const struct impact *im = &s->impact;
	size_t at = 0;

	if (e)
		snprintf(d->title, sizeof(d->title), "%.60s: %.120s", app_account(d->app, e->from),
		         e->cause    ? e->cause
		         : e->reason ? e->reason
		                     : "failing");
	else if (x)
		snprintf(d->title, sizeof(d->title), "%.60s is %s: %.110s", x->name,
		         word_health(x->health), x->why ? x->why : "no reason given");
	else
		snprintf(d->title, sizeof(d->title), "calls or messages fail");
	d->started_ms = x && x->health_since_ms ? x->health_since_ms : e ? e->opened_at_ms : 0;
	d->impact[0] = '\0';
	if (x && x->failing)
		at = (size_t)snprintf(d->impact, sizeof(d->impact),
		                      "%lld of %lld agents of %.60s fail", (long long)x->failing,
		                      (long long)x->agents, x->name);
	if (im->calls_ok >= 0)
		at += (size_t)snprintf(d->impact + at, sizeof(d->impact) - at, "%scalls ok %.0f %%",
		                       at ? "; " : "", im->calls_ok * 100);
	if (im->sms_delivered >= 0)
		snprintf(d->impact + at, sizeof(d->impact) - at, "%sSMS delivered %.0f %%",
		         at ? "; " : "", im->sms_delivered * 100);
}

/* ---- sent ---- */

static void send_it(struct declaring *d, bool force);

static void show(struct app *a, const char *id)
{
	app_incident_watch(a, id);
	shell_go(a->shell, "incident");
}

static void alike_chosen(void *ctx, const char *value)
{
	struct declaring *d = ctx;

	if (str_eq(value, "join"))
		show(d->app, d->alike);
	else
		send_it(d, true);
	shell_redraw(d->app->shell);
}

static void offer(struct declaring *d)
{
	struct sheet *s = shell_sheet(d->app->shell);
	const struct incident *i = app_incident_find(d->app, d->alike);
	char span[WHEN_TEXT];

	sheet_open(s, "AN OPEN INCIDENT MAY BE THE SAME", alike_chosen, d);
	if (i)
		sheet_line(s, ROLE_normal, "%s %s %s, open %s: %s", i->id, i->severity,
		           word_incident_state(i),
		           when_span(span, app_now(d->app) - i->declared_at_ms),
		           i->title ? i->title : "");
	sheet_line(s, ROLE_dim, "nothing was declared");
	sheet_choice(s, 'j', "join", "join %s", d->alike);
	sheet_choice(s, 'f', "force", "declare another %s all the same", d->severity);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct declaring *d = ctx;
	struct app *a = d->app;
	const char *id = json_get_str(doc, status == 409 ? "incident" : "id");

	d->request = NULL;
	if (status == 409 && id) {
		snprintf(d->alike, sizeof(d->alike), "%s", id);
		offer(d);
		shell_redraw(a->shell);
		return;
	}
	if (status < 200 || status >= 300 || !id) {
		shell_say(a->shell, ROLE_error,
		          "NOT DECLARED: %.100s. Elsewhere: ringdown incident "
		          "declare \"%.60s\" --severity %s",
		          problem ? problem : "no answer", d->title, d->severity);
		return;
	}
	show(a, id);
	app_incident_took(a, doc);
	shell_say(a->shell, ROLE_ok, "%s declared, %s: a acknowledges, . c takes command", id,
	          d->severity);
}

static void send_it(struct declaring *d, bool force)
{
	struct str body = STR_INIT(8192);
	struct jw w = JW(&body);

	if (d->request)
		return;
	jw_obj(&w, NULL);
	jw_str(&w, "title", d->title);
	jw_str(&w, "severity", d->severity);
	if (d->impact[0])
		jw_str(&w, "impact", d->impact);
	if (d->started_ms)
		jw_time(&w, "startedAt", d->started_ms);
	if (force)
		jw_bool(&w, "force", true);
	jw_obj_end(&w);
	d->request = client_send(d->app->client, "POST", "/api/v1/incidents", str_get(&body),
	                         answered, d);
	shell_say(d->app->shell, ROLE_hint, "declaring %s ..", d->severity);
	str_fini(&body);
}

/* ---- the sheet ---- */

static void chosen(void *ctx, const char *value)
{
	struct declaring *d = ctx;
	struct app *a = d->app;
	char why[160];

	if (str_has_prefix(value, "INC-")) {
		show(a, value);
		return;
	}
	if (loop_now_ms(a->loop) - d->opened_ms < READ_MS) {
		app_declare(a); /* typed before it could be read */
		shell_say(a->shell, ROLE_hint, "nothing was declared yet: choose once more");
		return;
	}
	app_people_why_not(a, why, sizeof(why));
	if (why[0]) {
		shell_say(a->shell, ROLE_warn, "declare: not now, %s", why);
		return;
	}
	snprintf(d->severity, sizeof(d->severity), "%s", value);
	send_it(d, false);
}

/* Long text on lines of the sheet, broken at words. */
static void lines(struct sheet *s, int w, enum role role, const char *text)
{
	while (*text) {
		int n = (int)strlen(text);
		if (n > w)
			for (n = w; n > 0 && text[n] != ' '; n--)
				;
		if (n <= 0)
			n = (int)utf8_prefix(text, (size_t)w);
		sheet_line(s, role, "      %.*s", n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static void severity_lines(struct app *a, struct sheet *s, const struct severity_row *v)
{
	char respond[32], escalate[32], text[700] = "";
	size_t at, len = strlen(v->id);

	format_duration(respond, sizeof(respond), v->respond_ms);
	format_duration(escalate, sizeof(escalate), v->escalate_after_ms);
	sheet_choice(s, len ? v->id[len - 1] : 0, v->id, "%s %s: acknowledge in %s; %s%s%s", v->id,
	             v->label, respond, v->page[0] ? v->page : "no page",
	             v->escalate_to[0] ? ", else to " : "", v->escalate_to);
	for (size_t i = 0; i < v->n_criteria; i++) {
		at = strlen(text);
		snprintf(text + at, sizeof(text) - at, "%s%.120s", at ? "; " : "", v->criteria[i]);
	}
	lines(s, shell_width(a->shell) - 10 > 20 ? shell_width(a->shell) - 10 : 20, ROLE_dim, text);
}

void app_declare(struct app *a)
{
	struct declaring *d = a->declaring;
	const struct incident *open = app_incident_open(a);
	struct sheet *s = shell_sheet(a->shell);
	const struct severity_row *v;
	size_t n = app_severities(a, &v);
	char span[WHEN_TEXT];

	if (!d) {
		d = a->declaring = xcalloc(1, sizeof(*d));
		d->app = a;
	}
	if (d->request) {
		shell_say(a->shell, ROLE_hint, "one is being declared; wait for the answer");
		return;
	}
	if (!n) {
		shell_say(a->shell, ROLE_warn,
		          "declare: the severities are not known yet%s%s. "
		          "Elsewhere: ringdown incident declare TITLE --severity P1",
		          client_trouble(a->client)[0] ? ": " : "", client_trouble(a->client));
		return;
	}
	evidence(d);
	d->opened_ms = loop_now_ms(a->loop);
	sheet_open(s, "DECLARE: the key declares; on a boundary take the higher", chosen, d);
	if (open) {
		sheet_choice(s, 'j', open->id, "%s %s is open %s: %.100s. Join it", open->id,
		             open->severity, when_span(span, app_now(a) - open->declared_at_ms),
		             open->title ? open->title : "");
		sheet_line(s, ROLE_dim, "or another one:");
	}
	for (size_t i = 0; i < n; i++)
		severity_lines(a, s, &v[i]);
	sheet_line(s, ROLE_label, "AS    %s", d->title);
	if (d->impact[0])
		sheet_line(s, ROLE_label, "      %s", d->impact);
	shell_redraw(a->shell);
}

void app_declare_free(struct app *a)
{
	struct declaring *d = a->declaring;

	if (d && d->request)
		client_cancel(d->request);
	free_p(&a->declaring);
}
