/*
 * What policy.yaml may contain: one table per kind of map. A row says which member of
 * policy.h a key fills; the few that need more than that have a function.
 *
 * Rows without a name only say what is to be freed. Durations always carry a unit.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "model/review.h"
#include "policy/policy_keys.h"

#define AT(s, m) .at = offsetof(struct s, m)
#define ATN(s, m) .at = offsetof(struct s, m), .at_n = offsetof(struct s, n_##m)
#define KEYS(rows, s) { rows, COUNT_OF(rows), sizeof(struct s) }

/* ---- severities, ladders ---------------------------------------------------------------- */

static int escalate(struct policy_reader *r, const struct yaml *y, void *obj);
static const struct policy_key escalate_rows[] = {
	{ "after", PK_DURATION, true, AT(policy_severity, escalate_after_ms) },
	{ "to", PK_TEXT, true, AT(policy_severity, escalate_to) },
};
static const struct policy_keys escalate_keys = KEYS(escalate_rows, policy_severity);

static int escalate(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return policy_read(r, y, &escalate_keys, obj, "escalate");
}

static const struct policy_key severity_rows[] = {
	{ "label", PK_TEXT, false, AT(policy_severity, label) },
	{ "criteria", PK_TEXTS, false, ATN(policy_severity, criteria) },
	{ "respond", PK_DURATION, true, AT(policy_severity, respond_ms) },
	{ "escalate", PK_FN, true, .fn = escalate },
	{ "page", PK_TEXTS, true, ATN(policy_severity, page) },
	{ "repeat", PK_DURATION, false, AT(policy_severity, repeat_ms) },
	{ "updates", PK_DURATION, false, AT(policy_severity, update_every_ms) },
	{ "digest", PK_DAILY, false, AT(policy_severity, digest) },
	{ NULL, PK_TEXT, false, AT(policy_severity, escalate_to) },
};
static const struct policy_keys severity_keys = KEYS(severity_rows, policy_severity);

static const struct policy_key rung_rows[] = {
	{ "role", PK_TEXT, true, AT(policy_rung, role) },
	{ "via", PK_TEXTS, true, ATN(policy_rung, via) },
	{ "respond", PK_DURATION, true, AT(policy_rung, respond_ms) },
	{ "only", PK_TEXTS, false, ATN(policy_rung, only) },
};
static const struct policy_keys rung_keys = KEYS(rung_rows, policy_rung);
static const struct policy_key ladder_rows[] = {
	{ "rungs", PK_LIST, true, ATN(policy_ladder, rungs), .of = &rung_keys },
};
static const struct policy_keys ladder_keys = KEYS(ladder_rows, policy_ladder);

static void *next_of(void **array, size_t *n, size_t size)
{
	size_t cap = *n;
	char *made;

	*array = grow(*array, &cap, *n + 1, size);
	made = (char *)*array + (*n)++ * size;
	memset(made, 0, size);
	return made;
}
#define NEXT_OF(p, m) next_of((void **)(void *)&(p)->m, &(p)->n_##m, sizeof(*(p)->m))

/* name: [rung, ...] */
static int ladders(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy *p = obj;
	int e = policy_list_must(r, y, YAML_MAP, "ladders");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		struct policy_ladder *l = NEXT_OF(p, ladders);

		l->name = xstrdup(c->key);
		e = policy_list_must(r, c, YAML_LIST, c->key);
		for (const struct yaml *g = e ? NULL : c->first; g && e == 0; g = g->next)
			e = policy_read(r, g, &rung_keys, NEXT_OF(l, rungs), c->key);
	}
	return e;
}

/* ---- vendors ------------------------------------------------------------------------------ */

static int levels(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_vendor *v = obj;
	int e = policy_list_must(r, y, YAML_LIST, "levels");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		e = policy_list_must(r, c, YAML_MAP, "levels");
		const struct yaml *way = e ? NULL : c->first;

		if (e == 0 && (!way || way->next || way->type != YAML_SCALAR))
			e = yaml_err(r->err, r->file, c, "levels: one way with its address is"
				     " wanted, as {email: support@example.com}");
		if (way && e == 0) {
			struct policy_level *l = NEXT_OF(v, levels);

			l->via = xstrdup(way->key);
			l->address = xstrdup(way->text);
		}
	}
	return e;
}

/* [text, {outage: {gt: 30m}}] */
static int when(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_vendor *v = obj;
	int e = policy_list_must(r, y, YAML_LIST, "when");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		const struct yaml *gt = yaml_get(yaml_get(c, "outage"), "gt");

		if (c->type == YAML_SCALAR) {
			*(char **)NEXT_OF(v, when) = xstrdup(c->text);
			continue;
		}
		if (!gt || gt->type != YAML_SCALAR || !parse_duration_ms(gt->text, &v->outage_ms))
			e = yaml_err(r->err, r->file, c,
				     "when: a text or {outage: {gt: 30m}} is wanted");
	}
	return e;
}

static int tiers(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_vendor *v = obj;
	int e = policy_list_must(r, y, YAML_MAP, "tiers");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		struct policy_tier *t = NEXT_OF(v, tiers);

		t->tier = xstrdup(c->key);
		if (c->type != YAML_SCALAR || !parse_duration_ms(c->text, &t->within_ms))
			e = yaml_err(r->err, r->file, c, "%s: a duration with its unit is wanted",
				     c->key);
	}
	return e;
}

static const struct policy_key level_rows[] = { { NULL, PK_TEXT, false, AT(policy_level, via) },
						{ NULL, PK_TEXT, false,
						  AT(policy_level, address) } };
static const struct policy_keys level_keys = KEYS(level_rows, policy_level);
static const struct policy_key tier_rows[] = { { NULL, PK_TEXT, false, AT(policy_tier, tier) } };
static const struct policy_keys tier_keys = KEYS(tier_rows, policy_tier);
static const struct policy_key vendor_rows[] = {
	{ "name", PK_TEXT, false, AT(policy_vendor, name) },
	{ "tier", PK_TEXT, false, AT(policy_vendor, tier) },
	{ "levels", PK_FN, true, .fn = levels },
	{ "when", PK_FN, true, .fn = when },
	{ "needs", PK_TEXTS, true, ATN(policy_vendor, needs) },
	{ "trace", PK_TEXT, false, AT(policy_vendor, trace) },
	{ "tiers", PK_FN, false, .fn = tiers },
	{ NULL, PK_LIST, false, ATN(policy_vendor, levels), .of = &level_keys },
	{ NULL, PK_TEXTS, false, ATN(policy_vendor, when) },
	{ NULL, PK_LIST, false, ATN(policy_vendor, tiers), .of = &tier_keys },
};
static const struct policy_keys vendor_keys = KEYS(vendor_rows, policy_vendor);

/* ---- metrics -------------------------------------------------------------------------------- */

static int band(struct policy_reader *r, const struct yaml *y, struct policy_band *ret)
{
	static const char *const ops[] = { [BAND_LT] = "lt", [BAND_LE] = "le", [BAND_GT] = "gt",
					   [BAND_GE] = "ge" };
	const struct yaml *c = y->first;

	if (y->type != YAML_MAP || !c || c->next || c->type != YAML_SCALAR)
		return yaml_err(r->err, r->file, y, "%s: one comparison is wanted, as {le: 5}",
				y->key);
	for (size_t i = 0; i < COUNT_OF(ops); i++)
		if (str_eq(c->key, ops[i])) {
			ret->set = true;
			ret->op = (enum band_op)i;
			if (!c->quoted && parse_double(c->text, &ret->limit))
				return 0;
			return yaml_err(r->err, r->file, c, "%s: a number is wanted, not '%.40s'",
					c->key, c->text);
		}
	return yaml_err(r->err, r->file, c, "unknown comparison '%.40s': lt, le, gt or ge", c->key);
}

static int band_ok(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return band(r, y, &((struct policy_metric *)obj)->ok);
}

static int band_warn(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return band(r, y, &((struct policy_metric *)obj)->warn);
}

static const struct policy_key band_rows[] = {
	{ "ok", PK_FN, true, .fn = band_ok },
	{ "warn", PK_FN, false, .fn = band_warn },
};
static const struct policy_keys band_keys = KEYS(band_rows, policy_metric);

static int bands(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return policy_read(r, y, &band_keys, obj, "bands");
}

static const struct policy_key metric_severity_rows[] = {
	{ "warn", PK_TEXT, false, AT(policy_metric, severity_warn) },
	{ "critical", PK_TEXT, false, AT(policy_metric, severity_bad) },
};
static const struct policy_keys metric_severity_keys = KEYS(metric_severity_rows, policy_metric);

static int metric_severity(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return policy_read(r, y, &metric_severity_keys, obj, "severity");
}

ENUM_NAMES(metric_source_names, "metric source", METRIC_SOURCE_LIST);

static int source(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_metric *m = obj;
	int e = policy_list_must(r, y, YAML_SCALAR, y->key);
	const char *text = y->text;

	if (e)
		return e;
	if (m->text)
		return yaml_err(r->err, r->file, y, "%s: a metric has one source", y->key);
	m->source = (enum metric_source)enum_parse(&metric_source_names, y->key);
	if (m->source == METRIC_HTTP) {
		if (!str_has_prefix(text, "GET "))
			return yaml_err(r->err, r->file, y, "http: 'GET url' is wanted");
		text += 4 + strspn(text + 4, " ");
	}
	if (str_empty(text))
		return yaml_err(r->err, r->file, y, "%s: empty", y->key);
	m->text = xstrdup(text);
	return 0;
}

static const struct policy_key metric_rows[] = {
	{ "title", PK_TEXT, false, AT(policy_metric, title) },
	{ "unit", PK_TEXT, false, AT(policy_metric, unit) },
	{ "help", PK_TEXT, false, AT(policy_metric, help) },
#define X(id, name) { name, PK_FN, false, .fn = source },
	METRIC_SOURCE_LIST(X)
#undef X
	{ "value", PK_TEXT, false, AT(policy_metric, json_path) },
	{ "query", PK_PAIRS, false, ATN(policy_metric, query) },
	{ "by", PK_TEXT, false, AT(policy_metric, by) },
	{ "bands", PK_FN, false, .fn = bands },
	{ "for", PK_DURATION, false, AT(policy_metric, for_ms) },
	{ "keep", PK_DURATION, false, AT(policy_metric, keep_ms) },
	{ "over", PK_DURATION, false, AT(policy_metric, over_ms) },
	{ "every", PK_DURATION, false, AT(policy_metric, every_ms) },
	{ "severity", PK_FN, false, .fn = metric_severity },
	{ "runbook", PK_TEXT, false, AT(policy_metric, runbook) },
	{ "absent_while", PK_TEXT, false, AT(policy_metric, absent_while) },
	{ "group", PK_TEXT, false, AT(policy_metric, group) },
	{ "keep_firing_for", PK_DURATION, false, AT(policy_metric, keep_ms) },
	{ NULL, PK_TEXT, false, AT(policy_metric, text) },
	{ NULL, PK_TEXT, false, AT(policy_metric, severity_warn) },
	{ NULL, PK_TEXT, false, AT(policy_metric, severity_bad) },
};
static const struct policy_keys metric_keys = KEYS(metric_rows, policy_metric);

/* ---- messages, targets, people, reviews ------------------------------------------------------ */

static const struct policy_key message_rows[] = {
	{ "title", PK_TEXT, false, AT(policy_message, title) },
	{ "subject", PK_TEXT, false, AT(policy_message, subject) },
	{ "body", PK_TEXT, true, AT(policy_message, body) },
	{ "audience", PK_TEXTS, false, ATN(policy_message, audience) },
	{ "update", PK_BOOL, false, AT(policy_message, update) },
	{ "vendor", PK_BOOL, false, AT(policy_message, vendor) },
	{ "outside", PK_BOOL, false, AT(policy_message, outside) },
	{ NULL, PK_TEXTS, false, ATN(policy_message, fields) },
};
static const struct policy_keys message_keys = KEYS(message_rows, policy_message);

/* "${NAME}" from the environment; NULL when one of them is unset. */
static char *expand(const char *text)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	const char *p = text, *at;
	bool whole = true;

	while ((at = strstr(p, "${")) != NULL) {
		size_t n = strcspn(at + 2, "}");
		_cleanup_(free_p) char *name = xstrndup(at + 2, n);
		const char *v = at[2 + n] ? getenv(name) : NULL;

		str_addn(&b, p, (size_t)(at - p));
		str_add(&b, v);
		whole &= !str_empty(v);
		p = at + 2 + n + (at[2 + n] != 0);
	}
	str_add(&b, p);
	if (whole)
		return str_take(&b);
	str_fini(&b);
	return NULL;
}

static const struct policy_key target_rows[] = {
	{ NULL, PK_PAIRS, false, ATN(policy_target, values) },
};
static const struct policy_keys target_keys = KEYS(target_rows, policy_target);

static int targets(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy *p = obj;
	int e = policy_list_must(r, y, YAML_MAP, "targets");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		struct policy_target *t = NEXT_OF(p, targets);

		t->name = xstrdup(c->key);
		e = policy_list_must(r, c, YAML_MAP, c->key);
		for (const struct yaml *v = e ? NULL : c->first; v && e == 0; v = v->next) {
			struct policy_pair *pair;

			e = policy_list_must(r, v, YAML_SCALAR, v->key);
			if (e)
				break;
			pair = NEXT_OF(t, values);
			pair->name = xstrdup(v->key);
			pair->value = expand(v->text);
		}
	}
	return e;
}

static const struct policy_key contact_rows[] = {
	{ "role", PK_TEXT, true, AT(policy_contact, role) },
	{ "name", PK_TEXT, false, AT(policy_contact, name) },
	{ "title", PK_TEXT, false, AT(policy_contact, title) },
	{ "phone", PK_TEXT, false, AT(policy_contact, phone) },
	{ "email", PK_TEXT, false, AT(policy_contact, email) },
	{ "slack", PK_TEXT, false, AT(policy_contact, slack) },
	{ "pager", PK_TEXT, false, AT(policy_contact, pager) },
};
static const struct policy_keys contact_keys = KEYS(contact_rows, policy_contact);

static const struct policy_key depends_rows[] = {
	{ "capability", PK_TEXT, true, AT(policy_dependency, capability) },
	{ "component", PK_TEXT, true, AT(policy_dependency, component) },
	{ "vendor", PK_TEXT, false, AT(policy_dependency, vendor) },
	{ "feed", PK_TEXT, false, AT(policy_dependency, feed) },
	{ "alerts", PK_TEXTS, false, ATN(policy_dependency, alerts) },
	{ "accounts", PK_BOOL, false, AT(policy_dependency, accounts) },
	{ "self", PK_TEXT, false, AT(policy_dependency, self) },
};
static const struct policy_keys depends_keys = KEYS(depends_rows, policy_dependency);

/* ---- our status page ----------------------------------------------------------------------- */

static const struct policy_key shown_rows[] = {
	{ "component", PK_TEXT, true, AT(policy_shown, component) },
	{ "shows", PK_TEXTS, true, ATN(policy_shown, shows) },
};
static const struct policy_keys shown_keys = KEYS(shown_rows, policy_shown);
static const struct policy_key shown_state_rows[] = {
	{ "down", PK_TEXT, false, AT(policy_shown_state, down) },
	{ "degraded", PK_TEXT, false, AT(policy_shown_state, degraded) },
	{ "state", PK_TEXT, true, AT(policy_shown_state, state) },
};
static const struct policy_keys shown_state_keys = KEYS(shown_state_rows, policy_shown_state);
static const struct policy_key page_rows[] = {
	{ "components", PK_LIST, true, ATN(policy, shown), .of = &shown_keys },
	{ "states", PK_LIST, true, ATN(policy, shown_states), .of = &shown_state_keys },
};
static const struct policy_keys page_keys = KEYS(page_rows, policy);

static int status_page(struct policy_reader *r, const struct yaml *y, void *obj)
{
	return policy_read(r, y, &page_keys, obj, "status_page");
}

/* ---- who is told by a name, what declares by itself ---------------------------------------------
 */

static const struct policy_key audience_rows[] = {
	{ NULL, PK_TEXT, false, AT(policy_audience, name) },
	{ NULL, PK_TEXTS, false, ATN(policy_audience, to) },
};
static const struct policy_keys audience_keys = KEYS(audience_rows, policy_audience);

/* name: [way, ...] */
static int audiences(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy *p = obj;
	int e = policy_list_must(r, y, YAML_MAP, "audiences");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		struct policy_audience *a = NEXT_OF(p, audiences);

		a->name = xstrdup(c->key);
		e = policy_texts(r, c, &a->to, &a->n_to);
	}
	return e;
}

static int share(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_declare *d = obj;

	if (y->type == YAML_SCALAR && !y->quoted && parse_i64(y->text, 1, 100, &d->share))
		return 0;
	return yaml_err(r->err, r->file, y, "share: a number from 1 to 100 is wanted");
}

/* ---- the report --------------------------------------------------------------------- */

static int section_name(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_section *s = obj;
	const char *near;

	s->section = y->type == YAML_SCALAR ? report_section_find(y->text) : -1;
	if (s->section >= 0)
		return 0;
	near = str_nearest(y->text ? y->text : "", report_section_names.names, SECTION_MAX);
	return yaml_err(r->err, r->file, y, "report: no section '%.60s'%s%s%s",
			y->text ? y->text : "", near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "; there are summary, timeline, root-cause, impact, lessons, "
				      "prevention");
}

static const struct policy_key section_rows[] = {
	{ "section", PK_FN, true, .fn = section_name },
	{ "title", PK_TEXT, false, AT(policy_section, title) },
};
static const struct policy_keys section_keys = KEYS(section_rows, policy_section);

/* [summary, {section: root-cause, title: Why}] */
static int report(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy *p = obj;
	int e = policy_list_must(r, y, YAML_LIST, "report");

	if (e == 0 && !y->first)
		return yaml_err(r->err, r->file, y, "report: at least one section is wanted");
	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		struct policy_section *s = NEXT_OF(p, report);

		e = c->type == YAML_MAP ? policy_read(r, c, &section_keys, s, "report") :
		    section_name(r, c, s);
		for (size_t i = 0; e == 0 && i + 1 < p->n_report; i++)
			if (p->report[i].section == s->section)
				e = yaml_err(r->err, r->file, c, "report: the section '%s' stands "
					     "here twice",
					     enum_name(&report_section_names, s->section));
	}
	return e;
}

static const struct policy_key declare_rows[] = {
	{ "event", PK_TEXT, false, AT(policy_declare, event) },
	{ "alert", PK_TEXT, false, AT(policy_declare, alert) },
	{ "subject", PK_TEXT, false, AT(policy_declare, subject) },
	{ "level", PK_TEXT, false, AT(policy_declare, level) },
	{ "confirmed", PK_BOOL, false, AT(policy_declare, confirmed) },
	{ "share", PK_FN, false, .fn = share },
	{ "for", PK_DURATION, false, AT(policy_declare, for_ms) },
	{ "severity", PK_TEXT, false, AT(policy_declare, severity) },
	{ "service", PK_TEXT, false, AT(policy_declare, service) },
	{ "title", PK_TEXT, false, AT(policy_declare, title) },
};
static const struct policy_keys declare_keys = KEYS(declare_rows, policy_declare);

static const struct policy_key alert_rows[] = {
	{ "alert", PK_TEXT, true, AT(policy_alert, alert) },
	{ "level", PK_TEXT, false, AT(policy_alert, level) },
	{ "severity", PK_TEXT, true, AT(policy_alert, severity) },
	{ "runbook", PK_TEXT, false, AT(policy_alert, runbook) },
};
static const struct policy_keys alert_keys = KEYS(alert_rows, policy_alert);

static int calls(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy *p = obj;

	p->calls_spoken = y->type == YAML_SCALAR && str_eq(y->text, "spoken");
	if (p->calls_spoken || (y->type == YAML_SCALAR && str_eq(y->text, "by-hand")))
		return 0;
	return yaml_err(r->err, r->file, y, "calls: by-hand or spoken");
}

static int every_days(struct policy_reader *r, const struct yaml *y, void *obj)
{
	const int64_t day = 24 * 3600 * 1000LL;
	struct policy_review *v = obj;
	int64_t ms;

	if (y->type != YAML_SCALAR || !parse_duration_ms(y->text, &ms) || ms < day || ms % day)
		return yaml_err(r->err, r->file, y, "every: whole days are wanted (30d)");
	v->every_days = ms / day;
	return 0;
}

/* A day, or a whole instant. */
static int first_date(struct policy_reader *r, const struct yaml *y, void *obj)
{
	struct policy_review *v = obj;
	const char *text = y->type == YAML_SCALAR && y->text ? y->text : "";
	_cleanup_(free_p) char *at = strlen(text) == 10 ? xasprintf("%sT00:00:00Z", text) : NULL;
	int64_t ms;

	if (!parse_time_ms(at ? at : text, &ms))
		return yaml_err(r->err, r->file, y,
				"first: a date is wanted (2025-11-13), not '%.40s'", text);
	str_replace(&v->first, text);
	return 0;
}

static const struct policy_key review_rows[] = {
	{ "id", PK_TEXT, true, AT(policy_review, id) },
	{ "title", PK_TEXT, true, AT(policy_review, title) },
	{ "every", PK_FN, true, .fn = every_days },
	{ "first", PK_FN, true, .fn = first_date },
	{ NULL, PK_TEXT, false, AT(policy_review, first) },
};
static const struct policy_keys review_keys = KEYS(review_rows, policy_review);

/* ---- inhibition ------------------------------------------------------------------------------ */

static const struct policy_key inhibit_rows[] = {
	{ NULL, PK_TEXT, false, AT(policy_inhibit, source) },
	{ "alert", PK_TEXT, true, AT(policy_inhibit, target) },
	{ "equal", PK_TEXT, false, AT(policy_inhibit, equal) },
};
static const struct policy_keys inhibit_keys = KEYS(inhibit_rows, policy_inhibit);

static int inhibit_one(struct policy_reader *r, struct policy *p, const char *source,
		       const struct yaml *y)
{
	struct policy_inhibit *i = NEXT_OF(p, inhibit);

	i->source = xstrdup(source);
	if (y->type == YAML_MAP)
		return policy_read(r, y, &inhibit_keys, i, source);
	i->target = xstrdup(y->text ? y->text : "");
	return policy_list_must(r, y, YAML_SCALAR, source);
}

/* alert: other, or alert: [other, {alert: third, equal: label}] */
static int inhibit(struct policy_reader *r, const struct yaml *y, void *obj)
{
	int e = policy_list_must(r, y, YAML_MAP, "inhibit");

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		if (c->type != YAML_LIST)
			e = inhibit_one(r, obj, c->key, c);
		else
			for (const struct yaml *x = c->first; x && e == 0; x = x->next)
				e = inhibit_one(r, obj, c->key, x);
	}
	return e;
}

/* ---- the whole file ------------------------------------------------------------- */

static int version(struct policy_reader *r, const struct yaml *y, void *obj)
{
	(void)obj;
	if (y->type == YAML_SCALAR && str_eq(y->text, "1"))
		return 0;
	return yaml_err(r->err, r->file, y, "ringdown: this program reads version 1");
}

static const struct policy_key top_rows[] = {
	{ "ringdown", PK_FN, true, .fn = version },
	{ "targets", PK_FN, false, .fn = targets },
	{ "features", PK_PAIRS, false, ATN(policy, flags) },
	{ "severities", PK_SECTION, true, ATN(policy, severities), .of = &severity_keys,
	  .id_at = offsetof(struct policy_severity, id) },
	{ "routing", PK_PAIRS, false, ATN(policy, routing) },
	{ "ladders", PK_FN, false, .fn = ladders },
	{ "vendors", PK_SECTION, false, ATN(policy, vendors), .of = &vendor_keys,
	  .id_at = offsetof(struct policy_vendor, id) },
	{ "contacts", PK_LIST, false, ATN(policy, contacts), .of = &contact_keys },
	{ "metrics", PK_SECTION, false, ATN(policy, metrics), .of = &metric_keys,
	  .id_at = offsetof(struct policy_metric, name) },
	{ "alerts", PK_LIST, false, ATN(policy, alerts), .of = &alert_keys },
	{ "inhibit", PK_FN, false, .fn = inhibit },
	{ "depends", PK_LIST, false, ATN(policy, depends), .of = &depends_keys },
	{ "status_page", PK_FN, false, .fn = status_page },
	{ "audiences", PK_FN, false, .fn = audiences },
	{ "declare", PK_LIST, false, ATN(policy, declare), .of = &declare_keys },
	{ "fields", PK_PAIRS, false, ATN(policy, fields) },
	{ "calls", PK_FN, false, .fn = calls },
	{ "messages", PK_SECTION, false, ATN(policy, messages), .of = &message_keys,
	  .id_at = offsetof(struct policy_message, id) },
	{ "dashboards", PK_PAIRS, false, ATN(policy, dashboards) },
	{ "report", PK_FN, false, .fn = report },
	{ "reviews", PK_LIST, false, ATN(policy, reviews), .of = &review_keys },
	{ NULL, PK_SECTION, false, ATN(policy, targets), .of = &target_keys,
	  .id_at = offsetof(struct policy_target, name) },
	{ NULL, PK_SECTION, false, ATN(policy, ladders), .of = &ladder_keys,
	  .id_at = offsetof(struct policy_ladder, name) },
	{ NULL, PK_LIST, false, ATN(policy, shown), .of = &shown_keys },
	{ NULL, PK_LIST, false, ATN(policy, shown_states), .of = &shown_state_keys },
	{ NULL, PK_LIST, false, ATN(policy, audiences), .of = &audience_keys },
	{ NULL, PK_LIST, false, ATN(policy, inhibit), .of = &inhibit_keys },
	{ NULL, PK_LIST, false, ATN(policy, report), .of = &section_keys },
	{ NULL, PK_TEXT, false, AT(policy, file) },
	{ NULL, PK_TEXT, false, AT(policy, hash) },
};
const struct policy_keys policy_top = KEYS(top_rows, policy);
