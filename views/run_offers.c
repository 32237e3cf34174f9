/*
 * From a row to a runbook and its parameters: which runbooks fit what is under the
 * cursor, and which values are there to be offered (the engine's, the run's subject, what
 * the row says, what the SMS view has selected). Offers are never taken by themselves.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/runs.h"

/* ---- what a row says ---- */

static void keep(struct app *a, const char *name, const char *value, const char *from)
{
	struct offer *o;

	if (!value || !value[0] || strlen(value) >= sizeof(o->value))
		return;
	for (size_t i = 0; i < a->n_offers; i++)
		if (str_eq(a->offers[i].name, name) && str_eq(a->offers[i].value, value))
			return;
	if (a->n_offers == OFFERS) {
		memmove(a->offers, a->offers + 1, sizeof(*o) * (OFFERS - 1));
		a->n_offers--;
	}
	o = &a->offers[a->n_offers++];
	*o = (struct offer){ 0 };
	snprintf(o->name, sizeof(o->name), "%s", name);
	snprintf(o->value, sizeof(o->value), "%s", value);
	if (str_eq(name, "account") || str_eq(name, "target")) /* ids of accounts say little */
		snprintf(o->from, sizeof(o->from), "%.24s, %.40s", app_account(a, value), from);
	else
		snprintf(o->from, sizeof(o->from), "%s", from);
}

static void keep_event(struct app *a, const char *id, const char *from)
{
	const struct event *e = state_event(app_state(a), id);

	keep(a, "event", id, from);
	if (e) {
		keep(a, "account", e->from, from);
		keep(a, "target", e->to, from);
	}
}

static void keep_alert(struct app *a, const char *id, const char *from)
{
	const struct state *s = app_state(a);

	for (size_t i = 0; i < s->n_alerts; i++) {
		if (!str_eq(s->alerts[i].id, id))
			continue;
		keep(a, "alert", s->alerts[i].name, from);
		if (state_account(s, s->alerts[i].subject ? s->alerts[i].subject : ""))
			keep(a, "account", s->alerts[i].subject, from);
		else
			keep(a, "org", s->alerts[i].subject, from);
	}
}

/* The columns of a row of the SMS view that name something. */
static void keep_row(struct app *a, const struct json *row, const char *from)
{
	static const struct {
		const char *member, *name;
	} ways[] = {
		{ "orgId", "org" },   { "sender", "sender" }, { "code", "code" },
		{ "from", "sender" }, { "to", "phone" },      { "id", "message" },
	};
	char value[128];

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		const struct json *m = json_get(row, ways[i].member);
		if (json_type(m) == JSON_NULL)
			continue;
		run_value_text(m, value, sizeof(value));
		keep(a, ways[i].name, value, from);
	}
}

static const struct json *sms_row(const struct app *a)
{
	struct view *v = shell_opened_view(a->shell, "sms");

	return v && v->list.n_columns ? list_selected(&v->list) : NULL;
}

static bool of_sms(const struct subject *s)
{
	return str_eq(s->kind, "org") || str_eq(s->kind, "code") || str_eq(s->kind, "message") ||
	       str_eq(s->kind, "sender");
}

void app_runs_offer_row(struct app *a, const struct subject *s)
{
	char from[48];

	a->n_offers = 0;
	snprintf(from, sizeof(from), "the %.20s under the cursor", s->kind);
	if (str_eq(s->kind, "event"))
		keep_event(a, s->id, from);
	else if (str_eq(s->kind, "alert"))
		keep_alert(a, s->id, from);
	else if (s->id[0])
		keep(a, str_eq(s->kind, "org") ? "org" : s->kind, s->id, from);
	if (of_sms(s))
		keep_row(a, sms_row(a), "the SMS row");
}

enum { OFFERS_MOST = 32 };

/* ---- which parameter a value is for ---- */

static bool looks(const char *name, const char *value)
{
	if (str_eq(name, "org"))
		return str_has_prefix(value, "org");
	if (str_eq(name, "event"))
		return str_has_prefix(value, "EV-");
	return str_has_prefix(value, "+");
}

/* "org_id" wants an org; a phone wants what is one. */
static bool suits(const struct run_param *p, const char *name, const char *value)
{
	bool phone = str_eq(p->type, "phone"), number = value[0] == '+';
	char buf[160];

	if (phone != number)
		return false;
	if (!phone && !strcasestr(p->name, name))
		return false;
	return !run_param_wrong(p, value, buf, sizeof(buf));
}

static bool nth(const struct run_param *p, const char *name, const char *value, const char *from,
                size_t *i, struct offer *ret)
{
	if (str_empty(value) || !suits(p, name, value) || (*i)-- > 0)
		return false;
	*ret = (struct offer){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->value, sizeof(ret->value), "%s", value);
	snprintf(ret->from, sizeof(ret->from), "%s", from);
	return true;
}

static bool from_engine(const struct run_param *p, size_t *i, struct offer *ret)
{
	struct json *list = p->offers ? json_parse(p->offers, strlen(p->offers), NULL) : NULL;
	struct json *choices = p->choices ? json_parse(p->choices, strlen(p->choices), NULL) : NULL;
	bool found = false;

	for (const struct json *m = json_first(choices); m && !found; m = json_next(m)) {
		if (!json_str(m) || (*i)-- > 0)
			continue;
		*ret = (struct offer){ 0 };
		snprintf(ret->value, sizeof(ret->value), "%s", json_str(m));
		found = true;
	}
	for (const struct json *m = json_first(list); m && !found; m = json_next(m)) {
		const char *from = json_get_str(m, "from");
		char value[128];
		run_value_text(json_get(m, "value"), value, sizeof(value));
		if ((*i)-- > 0)
			continue;
		*ret = (struct offer){ 0 };
		snprintf(ret->value, sizeof(ret->value), "%s", value);
		snprintf(ret->from, sizeof(ret->from), "%s", from ? from : "");
		found = true;
	}
	json_free(list);
	json_free(choices);
	return found;
}

static bool offer_at(const struct app *a, const struct run_param *p, const char *subject, size_t i,
                     struct offer *ret)
{
	static const char *const kinds[] = { "org", "event", "phone" };
	const struct json *row = sms_row(a);

	if (p->secret)
		return false;
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		if (!str_empty(subject) && looks(kinds[k], subject) &&
		    nth(p, kinds[k], subject, "what the run is about", &i, ret))
			return true;
	if (!str_empty(subject) && state_account(app_state(a), subject) &&
	    nth(p, "account", subject, "what the run is about", &i, ret))
		return true;
	for (size_t k = 0; k < a->n_offers; k++)
		if (!str_eq(a->offers[k].value, subject) &&
		    nth(p, a->offers[k].name, a->offers[k].value, a->offers[k].from, &i, ret))
			return true;
	if (row && !str_eq(json_get_str(row, "orgId"), subject) &&
	    nth(p, "org", json_get_str(row, "orgId"), "the SMS row", &i, ret))
		return true;
	if (row && nth(p, "sender", json_get_str(row, "sender"), "the SMS row", &i, ret))
		return true;
	return from_engine(p, &i, ret);
}

/* The row, the run and the engine may offer the same value: it stands there once. */
bool app_runs_offer(const struct app *a, const struct run_param *p, const char *subject, size_t i,
                    struct offer *ret)
{
	char had[OFFERS_MOST][sizeof(ret->value)];
	size_t n = 0;

	for (size_t raw = 0; n < OFFERS_MOST && offer_at(a, p, subject, raw, ret); raw++) {
		size_t k = 0;
		while (k < n && !str_eq(had[k], ret->value))
			k++;
		if (k < n)
			continue;
		if (n == i)
			return true;
		snprintf(had[n++], sizeof(had[0]), "%s", ret->value);
	}
	return false;
}

/* ---- which runbook fits ---- */

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; p && (p = strcasestr(p, word)); p++)
		if ((p == words || strchr(" ,;", p[-1])) && (!p[n] || strchr(" ,;", p[n])))
			return true;
	return false;
}

enum { WORDS = 6 };

/* What a runbook's trigger may say of such a row: an event's status and severity, too. */
static void words_of(const struct app *a, const struct subject *s, const char *ret[WORDS + 1])
{
	const struct event *e = state_event(app_state(a), s->id);
	const struct account *x = state_account(app_state(a), s->id);
	size_t n = 0;

	if (of_sms(s)) {
		ret[n++] = "sms";
		ret[n++] = "message";
		ret[n++] = s->kind;
	} else if (str_eq(s->kind, "event") && e) {
		ret[n++] = event_status_name(e->status);
		ret[n++] = severity_name(e->severity);
		ret[n++] = "event";
		ret[n++] = "failover";
	} else if (str_eq(s->kind, "account") && x) {
		if (x->health != HEALTH_HEALTHY)
			ret[n++] = health_name(x->health);
		ret[n++] = "account";
		ret[n++] = "failover";
	} else if (s->kind[0]) {
		ret[n++] = s->kind;
	}
	ret[n] = NULL;
}

/* The runbook that an alert names itself, of those that there are; NULL = none. */
static const char *named_by(const struct app *a, const struct subject *s)
{
	const struct runbook_row *books;
	size_t n = app_runs_books((struct app *)(uintptr_t)a, &books);
	const struct state *st = app_state(a);

	for (size_t i = 0; i < st->n_alerts && str_eq(s->kind, "alert"); i++)
		for (size_t k = 0; k < n && str_eq(st->alerts[i].id, s->id); k++)
			if (str_eq(books[k].id, st->alerts[i].runbook))
				return books[k].id;
	return NULL;
}

int app_runs_fit(const struct app *a, const struct runbook_row *b, const struct subject *s,
                 char *why, size_t n)
{
	const char *words[WORDS + 1], *kinds = str_empty(b->kinds) ? b->triggers : b->kinds;
	int score = 0;

	why[0] = '\0';
	words_of(a, s, words);
	if (b->problem)
		return 0;
	if (str_eq(named_by(a, s), b->id)) {
		score += 10;
		snprintf(why, n, "the alert names it");
	}
	/* an alert of this row that the runbook names */
	for (size_t i = 0; i < app_state(a)->n_alerts; i++) {
		const struct alert *x = &app_state(a)->alerts[i];
		if (x->state == AL_RESOLVED || !has_word(b->alerts, x->name) ||
		    !(str_eq(x->subject, s->id) || str_eq(x->id, s->id) || str_eq(x->name, s->id)))
			continue;
		score += 8;
		snprintf(why, n, "the alert %.60s is on", x->name);
	}
	for (size_t i = 0; words[i]; i++)
		if (has_word(kinds, words[i])) {
			score += 6 - (int)(i < 3 ? i : 3);
			if (!why[0])
				snprintf(why, n, "it is for %s", words[i]);
			break;
		}
	if (b->suggested && score) {
		score += 2;
		snprintf(why, n, "%s", b->suggested);
	}
	for (size_t i = 0; words[i]; i++)
		score += str_eq(b->service, words[i]);
	return score;
}

static void chosen(void *ctx, const char *value)
{
	struct app *a = ctx;

	if (str_eq(value, "."))
		shell_go(a->shell, "runbooks");
	else if (app_runs_find(a, value)) {
		app_runs_watch(a, value);
		shell_go(a->shell, "walk");
	} else
		runbooks_show(a, value);
}

static size_t list_fitting(struct app *a, const struct subject *s, struct sheet *sh,
                           const char **ret_only)
{
	const struct runbook_row *books;
	size_t n_books = app_runs_books(a, &books), n = 0;
	char why[160];

	/* best first; scores are small numbers */
	for (int want = 34; want > 0; want--)
		for (size_t i = 0; i < n_books; i++) {
			if (app_runs_fit(a, &books[i], s, why, sizeof(why)) != want)
				continue;
			if (!n)
				*ret_only = books[i].id;
			if (sh)
				sheet_choice(sh, n < 9 ? (char)('1' + n) : 0, books[i].id,
				             "%-22s %s%s%s", books[i].id,
				             books[i].title ? books[i].title : "",
				             why[0] ? ": " : "", why);
			n++;
		}
	return n;
}

void app_runs_for_row(struct app *a, const struct subject *s)
{
	struct sheet *sh = shell_sheet(a->shell);
	const struct run *runs;
	const char *only = NULL;
	size_t n, n_runs = app_runs_list(a, &runs), n_open = 0;
	char title[128];

	app_runs_offer_row(a, s);
	snprintf(a->about, sizeof(a->about), "%s", s->id);
	n = list_fitting(a, s, NULL, &only);
	for (size_t i = 0; i < n_runs; i++)
		n_open += run_open(&runs[i]) && s->id[0] && str_eq(runs[i].subject, s->id);
	if (named_by(a, s))
		only = named_by(a, s);
	if ((n == 1 || named_by(a, s)) && !n_open) {
		runbooks_show(a, only);
		return;
	}
	snprintf(title, sizeof(title), "RUNBOOKS for %.90s", s->title[0] ? s->title : "everything");
	sheet_open(sh, title, chosen, a);
	for (size_t i = 0; i < n_runs; i++)
		if (run_open(&runs[i]) && s->id[0] && str_eq(runs[i].subject, s->id))
			sheet_choice(sh, 0, runs[i].id, "%-22s goes on already: %s, %s drives",
			             runs[i].id, runs[i].runbook,
			             runs[i].driver ? runs[i].driver : "nobody");
	list_fitting(a, s, sh, &only);
	if (!n)
		sheet_line(sh, ROLE_dim, "%s",
		           app_runs_loading(a)
		                   ? "the list of runbooks is not here yet; b again in a moment"
		                   : "none names this kind of row as its trigger");
	sheet_choice(sh, '6', ".", "all runbooks");
}
