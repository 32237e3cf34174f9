/*
 * See facts.h: the pure half, which decides which of several sources a field takes. What a person
 * filled in is older than what the same person says with a message, and newer than what the
 * record says; but an expected end that has passed is none.
 */
#include "incident/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* ---- fields --------------------------------------------------------------------------- */

void facts_add(struct facts *f, const char *name, const char *value, const char *from)
{
	if (str_empty(value) || facts_find(f, name))
		return;
	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = (struct fact){ xstrdup(name), xstrdup(value), xstrdup(from) };
}

const struct fact *facts_find(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->v[i].name, name))
			return &f->v[i];
	return NULL;
}

const char *facts_need(char ret[FACT_NAME], const char *need)
{
	size_t n = 0;

	for (; *need && n < FACT_NAME - 1; need++)
		ret[n++] = *need == ' ' ? '_' : *need;
	ret[n] = '\0';
	return ret;
}

void facts_fini(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].value);
		free(f->v[i].from);
	}
	free(f->v);
	*f = (struct facts){ 0 };
}

const char *facts_instant(char buf[32], int64_t ms)
{
	char full[TIME_TEXT];

	format_time(full, ms);
	snprintf(buf, 32, "%.10s %.5s UTC", full, full + 11);
	return buf;
}

/* ---- which source a field takes ------------------------------------------------------------ */

/* An expected end is words, or an instant: one that has passed says nothing any more. as_of_ms:
 * when a person said so; 0 = with this message. */
static void add_eta(struct facts *f, const char *value, const char *from, int64_t as_of_ms,
		    int64_t now_ms)
{
	char when[32], as_of[32];
	int64_t at = 0;
	bool instant = parse_time_ms(value, &at);

	if (instant && at <= now_ms)
		return;
	_cleanup_(free_p) char *text = !as_of_ms ?
		xstrdup(instant ? facts_instant(when, at) : value) :
		xasprintf("%s (as of %s)", instant ? facts_instant(when, at) : value,
			  facts_instant(as_of, as_of_ms));
	facts_add(f, "eta", text, from);
}

static void add_value(struct facts *f, const char *name, const char *value, const char *from,
		      int64_t as_of_ms, int64_t now_ms)
{
	_cleanup_(free_p) char *text = text_clean_lines(value, 0);

	if (str_eq(name, "eta") && *text)
		add_eta(f, text, from, as_of_ms, now_ms);
	else
		facts_add(f, name, text, from);
}

static void add_given(struct facts *f, const struct json *obj, int64_t now_ms)
{
	for (const struct json *v = json_first(obj); v; v = json_next(v))
		add_value(f, json_name(v), json_str(v), "given", 0, now_ms);
}

#define FILLED_IN "filled in by "

/* What the incident keeps: {"name": {"value", "at", "by"}}. */
static void add_stored(struct facts *f, const struct json *obj, bool over, int64_t now_ms)
{
	for (const struct json *v = json_first(obj); v; v = json_next(v)) {
		const char *at = json_get_str(v, "at"), *by = json_get_str(v, "by");
		int64_t ms = 0;
		char when[32];

		if (at)
			parse_time_ms(at, &ms);
		_cleanup_(free_p) char *from = xasprintf(FILLED_IN "%s, %s", by ? by : "?",
							 facts_instant(when, ms));
		if (!over || !str_eq(json_name(v), "eta"))
			add_value(f, json_name(v), json_get_str(v, "value"), from, ms, now_ms);
	}
}

int facts_check(const struct json *given, struct err *err)
{
	size_t n = 0;

	for (const struct json *v = json_first(given); v; v = json_next(v)) {
		const char *name = json_name(v);
		size_t len = strlen(name);

		if (len == 0 || len > 60 ||
		    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
			return err_field(err, ERR_INVALID, "fields", "'%.60s' is no name of a"
					 " field: a-z, 0-9 and _, at most 60", name);
		if (!json_str(v) && json_type(v) != JSON_NULL)
			return err_field(err, ERR_INVALID, "fields", "%s must be a string", name);
		if (json_str(v) && strlen(json_str(v)) > FACT_MAX)
			return err_field(err, ERR_INVALID, "fields", "%s is longer than %d bytes",
					 name, FACT_MAX);
		if (++n > FACTS_GIVEN)
			return err_field(err, ERR_INVALID, "fields", "more than %d fields",
					 FACTS_GIVEN);
	}
	return 0;
}

size_t facts_kept(struct jw *w, const struct json *given, const struct facts *known)
{
	/* whose place is the record itself, or the person who signs */
	static const char *const own[] = {
		"impact", "commander", "next_update", "name", "title", "phone", "vendor",
	};
	size_t n = 0;

	for (const struct json *v = json_first(given); v; v = json_next(v)) {
		const struct fact *f = facts_find(known, json_name(v));
		bool keep = !str_empty(json_str(v));

		for (size_t i = 0; i < COUNT_OF(own); i++)
			keep = keep && !str_eq(own[i], json_name(v));
		keep = keep && (!f || (str_has_prefix(f->from, FILLED_IN) &&
				       !str_eq(f->value, json_str(v))));
		if (keep)
			jw_str(w, json_name(v), json_str(v));
		n += keep;
	}
	return n;
}

/* ---- what fills a gap -------------------------------------------------------------------- */

#define EDIT "ringdown incident edit %s --"
/* One %s: the incident. */
static const struct { const char *name, *how; } ways[] = {
	{ "eta", "nobody said when it ends, or that time has passed; it is never guessed. When the"
	  " provider or the team says so: " EDIT "field eta=2026-01-31T04:30:00Z, or in words" },
	{ "impact", "say what users notice: " EDIT "impact TEXT" },
	{ "commander", "nobody leads it: ringdown incident role %s commander PERSON" },
	{ "name", "nobody leads it: ringdown incident role %s commander PERSON" },
	{ "status_page", "set notify.statuspageUrl, or fields.status_page in policy.yaml, or for"
	  " this incident " EDIT "field status_page=https://..." },
	{ "runbook", "no run and no alert with a runbook is linked; start one: ringdown runbook run"
	  " RUNBOOK --incident %s" },
	{ "next_update", "the policy has no updates for this severity; " EDIT "field"
	  " next_update=TEXT" },
	{ "details", "no failed probe, test, call or message is recorded for %s" },
	{ "account_id", "no account of this provider is known (ringdown accounts add); " EDIT
	  "field account_id=SID" },
	{ "company", "fields.company in policy.yaml, or " EDIT "field company=NAME" },
	{ "phone", "phone of the contact on-call or fields.phone in policy.yaml, or with this"
	  " message: ringdown incident tell %s TEMPLATE --field phone=NUMBER" },
	{ "title", "title of the contact on-call in policy.yaml, or with this message: ringdown"
	  " incident tell %s TEMPLATE --field title=TITLE" },
	{ "vendor", "whose support is it for: ringdown incident vendor %s twilio|telnyx" },
};

char *facts_how(const char *incident, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		const char *how = ways[i].how, *at = strstr(how, "%s");

		if (str_eq(ways[i].name, name))
			return xasprintf("%.*s%s%s", (int)(at - how), how, incident, at + 2);
	}
	return xasprintf(EDIT "field %s=VALUE", incident, name);
}

/* ---- of the record ----------------------------------------------------------------------- */

static char *joined(const struct strlist *l, const char *between, size_t max)
{
	struct str b = STR_INIT(20000);

	for (size_t i = 0; i < l->n && i < max; i++)
		str_addf(&b, "%s%s", i ? between : "", l->v[i]);
	if (l->n > max)
		str_addf(&b, "%sand %zu more", between, l->n - max);
	return str_take(&b);
}

static const char *status_word(const struct incident *i)
{
	switch (i->state) {
	case IS_MITIGATED: return "Monitoring";
	case IS_RESOLVED:
	case IS_CLOSED: return "Resolved";
	default: return "Investigating";
	}
}

static void of_incident(struct facts *f, const struct incident *i)
{
	char at[32];

	facts_add(f, "incident", i->id, "the incident");
	facts_add(f, "severity", i->severity, "the incident");
	facts_add(f, "service", i->service, "the incident");
	facts_add(f, "summary", i->title, "the incident");
	facts_add(f, "impact", i->impact, "the incident");
	facts_add(f, "commander", i->commander, "its commander");
	facts_add(f, "commander", i->acked_by, "who acknowledged it");
	facts_add(f, "started",
		  facts_instant(at, i->started_at_ms ? i->started_at_ms : i->declared_at_ms),
		  "the incident");
	facts_add(f, "status", status_word(i), "the incident's state");
	if (i->resolved_at_ms)
		facts_add(f, "eta", "over", "the incident's state");
	if (i->next_update_at_ms)
		facts_add(f, "next_update", facts_instant(at, i->next_update_at_ms),
			  "its update clock");
}

/* What else this provider asks for: what people filled in for it, and what only its letter needs
 * (a need's name with _ for spaces is its field). */
static void add_needs(struct str *b, const struct facts *f, const struct evidence *e,
		      const struct policy_vendor *v)
{
	for (size_t i = 0; v && i < v->n_needs; i++) {
		char name[FACT_NAME];
		const struct fact *given = facts_find(f, facts_need(name, v->needs[i]));
		const struct strlist *l = strstr(v->needs[i], "connection") ? &e->connections :
					  strstr(v->needs[i], "trace") ? &e->traces : NULL;

		if (given)
			str_addf(b, "%s: %s\n", v->needs[i], given->value);
		for (size_t k = 0; l && k < l->n; k++)
			str_addf(b, "%s: %s\n", v->needs[i], l->v[k]);
	}
}

static void of_evidence(struct facts *f, const struct incident_doc *d, const struct evidence *e,
			const struct policy_vendor *v)
{
	_cleanup_(free_p) char *errors = joined(&e->errors, "\n", 12);
	_cleanup_(free_p) char *calls = joined(&e->calls, "\n", 5);
	_cleanup_(free_p) char *numbers = joined(&e->numbers, ", ", 10);
	struct str details = STR_INIT(20000);

	facts_add(f, "account_id", e->account_sid, "the account concerned");
	facts_add(f, "account_name", e->account_name, "the account concerned");
	facts_add(f, "status_page", e->page_link, "its incident on our status page");
	if (*errors)
		str_addf(&details, "%s\n", errors);
	if (*calls)
		str_addf(&details, "Calls: %s\n", calls);
	if (*numbers)
		str_addf(&details, "Numbers: %s\n", numbers);
	add_needs(&details, f, e, v);
	while (details.len && details.s[details.len - 1] == '\n')
		details.s[--details.len] = '\0';
	facts_add(f, "details", str_get(&details), "probes, tests, calls and messages");
	str_fini(&details);
	if (v) {
		_cleanup_(free_p) char *issue = xasprintf("%s outage", d->incident.service ?
							  d->incident.service : "service");
		facts_add(f, "vendor", v->name ? v->name : v->id, "policy");
		facts_add(f, "issue", issue, "the incident");
		facts_add(f, "services", d->incident.service, "the incident");
	}
}

static void of_people(struct facts *f, const struct policy *p, const struct incident_doc *d)
{
	const struct policy_contact *c = policy_contact(p, "on-call");

	facts_add(f, "name", d->incident.commander ? d->incident.commander : d->incident.acked_by,
		  "who leads the incident");
	if (c) {
		facts_add(f, "name", c->name, "contact on-call");
		facts_add(f, "title", c->title, "contact on-call");
		facts_add(f, "phone", c->phone, "contact on-call");
	}
}

static const char COUNTED[] = "counted";

void facts_for_outside(struct facts *f, const char *noticed)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->v[i].name, "impact") && str_eq(f->v[i].from, COUNTED)) {
			free(f->v[i].name);
			free(f->v[i].value);
			free(f->v[i].from);
			f->v[i] = f->v[--f->n];
			break;
		}
	facts_add(f, "impact", noticed, "our status page's components");
}

void facts_of(const struct policy *p, const struct incident_doc *d, const struct evidence *e,
	      const char *vendor, const struct json *given, int64_t now_ms, struct facts *ret)
{
	_cleanup_(json_free_p) struct json *stored =
		e->fields ? json_parse(e->fields, strlen(e->fields), NULL) : NULL;
	_cleanup_(free_p) char *counted = joined(&e->affected, "; ", 6);
	char at[32];

	*ret = (struct facts){ 0 };
	add_given(ret, given, now_ms);
	add_stored(ret, stored, d->incident.resolved_at_ms != 0, now_ms);
	of_incident(ret, &d->incident);
	facts_add(ret, "impact", counted, COUNTED);
	of_evidence(ret, d, e, policy_vendor(p, vendor));
	for (size_t k = 0; p && k < p->n_fields; k++)
		facts_add(ret, p->fields[k].name, p->fields[k].value, "policy");
	facts_add(ret, "status_page", e->our_page, "notify.statuspageUrl");
	if (p)
		of_people(ret, p, d);
	for (size_t k = 0; p && k < d->n_links; k++)
		if (str_eq(d->links[k].kind, "run"))
			facts_add(ret, "runbook", d->links[k].text, "its run");
	if (e->runbook) {
		_cleanup_(free_p) char *from = xasprintf("its alert %s", e->runbook_of);

		facts_add(ret, "runbook", e->runbook, from);
	}
	facts_add(ret, "now", facts_instant(at, now_ms), "the clock");
}
