/*
 * policy.yaml: loading, look-ups and what must agree inside the file: severities that are
 * named exist, a metric has one source, an alert silences a metric that there is.
 *
 * Immutable once read. The hash is of the bytes as they were.
 */
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/policy_keys.h"

static const char *const channels[] = { "pager", "slack", "phone", "email" };
static const char *const levels[] = { "warn", "critical" };
/* Alerts that the engine raises itself; the policy says how grave they are, what helps and what
 * explains them. */
static const char *const engine_alerts[] = {
	"account", "isolation", "disagreement", "webhook", "elevenlabs", "feed", "video", "drift",
	"number-released", "sms-filtered", "sms-failures", "balance", "standby", "engine-silent",
	"untold", "event-held", "data-stale", "metric-unreadable", "commits-lost", "unlock-owed",
	"database-changed", "many-alerts",
};

/* ---- names that must exist ------------------------------------------------------------------- */

static int known(struct policy_reader *r, const struct yaml *at, const char *name, const char *what,
		 const char *const *names, size_t n)
{
	const char *near;

	if (!name)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return 0;
	near = str_nearest(name, names, n);
	return yaml_err(r->err, r->file, at, "there is no %s '%.60s'%s%s%s", what, name,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

struct names { const char *v[200]; size_t n; };

static void names_add(struct names *s, const char *name)
{
	if (s->n < COUNT_OF(s->v))
		s->v[s->n++] = name;
}

static int all_known(struct policy_reader *r, const struct yaml *list, const char *what,
		     const char *const *names, size_t n)
{
	int e = 0;

	for (const struct yaml *y = list ? list->first : NULL; y && e == 0; y = y->next)
		e = known(r, y, y->text, what, names, n);
	return e;
}

static int check_people(struct policy_reader *r, const struct yaml *root, const struct names *sev)
{
	int e = 0;

	const struct yaml *s = yaml_get(root, "severities");
	for (const struct yaml *y = s ? s->first : NULL; y && e == 0; y = y->next)
		e = all_known(r, yaml_get(y, "page"), "channel", channels, COUNT_OF(channels));
	s = yaml_get(root, "ladders");
	for (const struct yaml *l = s ? s->first : NULL; l && e == 0; l = l->next)
		for (const struct yaml *g = l->first; g && e == 0; g = g->next) {
			e = all_known(r, yaml_get(g, "via"), "channel", channels,
				      COUNT_OF(channels));
			if (e == 0)
				e = all_known(r, yaml_get(g, "only"), "severity", sev->v, sev->n);
		}
	s = yaml_get(root, "routing");
	for (const struct yaml *y = s ? s->first : NULL; y && e == 0; y = y->next)
		e = known(r, y, y->key, "severity", sev->v, sev->n);
	return e;
}

/* What goes to whom, and what declares what. */
static int check_telling(struct policy_reader *r, const struct yaml *root, const struct policy *p,
			 const struct names *sev)
{
	static const char *const events[] = { "minor", "degraded", "critical" };
	const struct yaml *s = yaml_get(root, "messages"), *y;
	struct names groups = { .n = 0 };
	size_t i = 0;
	int e = 0;

	names_add(&groups, "vendor");	/* whichever the message is for */
	for (size_t k = 0; k < p->n_audiences; k++)
		names_add(&groups, p->audiences[k].name);
	for (y = s ? s->first : NULL; y && e == 0; y = y->next)
		e = all_known(r, yaml_get(y, "audience"), "audience", groups.v, groups.n);
	s = yaml_get(root, "declare");
	for (y = s ? s->first : NULL; y && e == 0; y = y->next, i++) {
		const struct policy_declare *d = &p->declare[i];

		if (!d->event == !d->alert)
			e = yaml_err(r->err, r->file, y,
				     "declare: either event or alert is wanted");
		if (e == 0 && d->event && !d->severity)
			e = yaml_err(r->err, r->file, y,
				     "declare: an event needs a severity; only an alert has one");
		if (e == 0)
			e = known(r, yaml_get(y, "severity"), d->severity, "severity", sev->v,
				  sev->n);
		if (e == 0)
			e = known(r, yaml_get(y, "event"), d->event, "severity of events", events,
				  COUNT_OF(events));
		if (e == 0)
			e = known(r, yaml_get(y, "level"), d->level, "level", levels,
				  COUNT_OF(levels));
	}
	return e;
}

/* Components show capabilities that there are, and take states that a status page has. */
static int check_page(struct policy_reader *r, const struct yaml *root, const struct policy *p)
{
	static const char *const states[] = { "operational", "degraded_performance",
					      "partial_outage", "major_outage" };
	static const char *const amounts[] = { "all", "any" };
	const struct yaml *page = yaml_get(root, "status_page");
	const struct yaml *s = yaml_get(page, "components"), *y = s ? s->first : NULL;
	struct names caps = { .n = 0 };
	size_t i = 0;
	int e = 0;

	for (size_t k = 0; k < p->n_depends; k++)
		names_add(&caps, p->depends[k].capability);
	for (; y && e == 0; y = y->next)
		e = all_known(r, yaml_get(y, "shows"), "capability", caps.v, caps.n);
	s = yaml_get(page, "states");
	for (y = s ? s->first : NULL; y && e == 0; y = y->next, i++) {
		const struct policy_shown_state *row = &p->shown_states[i];

		if (!row->down == !row->degraded)
			e = yaml_err(r->err, r->file, y, "states: either down or degraded is"
							 " wanted, with all or any");
		if (e == 0)
			e = known(r, y, row->down ? row->down : row->degraded, "amount", amounts,
				  COUNT_OF(amounts));
		if (e == 0)
			e = known(r, y, row->state, "state of a component", states,
				  COUNT_OF(states));
	}
	return e;
}

static int check_alerts(struct policy_reader *r, const struct yaml *section,
			const struct policy *p, const struct names *sev)
{
	const struct yaml *y = section ? section->first : NULL;
	int e = 0;

	for (size_t i = 0; i < p->n_alerts && y && e == 0; i++, y = y->next) {
		const struct policy_alert *a = &p->alerts[i];

		e = known(r, yaml_get(y, "alert"), a->alert, "alert of the engine", engine_alerts,
			  COUNT_OF(engine_alerts));
		if (e == 0)
			e = known(r, yaml_get(y, "severity"), a->severity, "severity", sev->v,
				  sev->n);
		if (e == 0)
			e = known(r, yaml_get(y, "level"), a->level, "level", levels,
				  COUNT_OF(levels));
	}
	return e;
}

#define WORD(id, name) " " name
static int check_metric(struct policy_reader *r, const struct yaml *y,
			const struct policy_metric *m, const struct names *sev,
				const struct names *metrics)
{
	const struct yaml *s = yaml_get(y, "severity");
	int e = 0;

	if (!m->text)
		return yaml_err(r->err, r->file, y,
				"%s: it has no source, one of:" METRIC_SOURCE_LIST(WORD), m->name);
	if (m->source == METRIC_HTTP && !m->json_path)
		return yaml_err(r->err, r->file, y, "%s: 'value' says where in the reply it is",
				m->name);
	if (m->severity_warn)
		e = known(r, yaml_get(s, "warn"), m->severity_warn, "severity", sev->v, sev->n);
	if (e == 0 && m->severity_bad)
		e = known(r, yaml_get(s, "critical"), m->severity_bad, "severity", sev->v, sev->n);
	if (e == 0 && m->absent_while)
		e = known(r, yaml_get(y, "absent_while"), m->absent_while, "metric", metrics->v,
			  metrics->n);
	return e;
}

static int check_inhibit(struct policy_reader *r, const struct yaml *section,
			 const struct names *alerts)
{
	int e = 0;

	for (const struct yaml *y = section ? section->first : NULL; y && e == 0; y = y->next) {
		e = known(r, y, y->key, "alert", alerts->v, alerts->n);
		if (e == 0 && y->type == YAML_SCALAR)
			e = known(r, y, y->text, "alert", alerts->v, alerts->n);
		for (const struct yaml *x = y->type == YAML_LIST ? y->first : NULL; x && e == 0;
		     x = x->next)
			e = known(r, x, x->type == YAML_MAP ? yaml_get_str(x, "alert") : x->text,
				  "alert", alerts->v, alerts->n);
	}
	return e;
}

int policy_check(struct policy_reader *r, const struct yaml *root, const struct policy *p)
{
	struct names sev = { .n = 0 }, metrics = { .n = 0 };
	const struct yaml *ys = yaml_get(root, "metrics"), *y = ys ? ys->first : NULL;
	int e;

	for (size_t i = 0; i < p->n_severities; i++)
		names_add(&sev, p->severities[i].id);
	for (size_t i = 0; i < p->n_metrics; i++)
		names_add(&metrics, p->metrics[i].name);
	e = check_people(r, root, &sev);
	if (e == 0)
		e = check_telling(r, root, p, &sev);
	if (e == 0)
		e = check_page(r, root, p);
	if (e == 0)
		e = check_alerts(r, yaml_get(root, "alerts"), p, &sev);
	for (size_t i = 0; i < p->n_metrics && y && e == 0; i++, y = y->next)
		e = check_metric(r, y, &p->metrics[i], &sev, &metrics);
	for (size_t i = 0; i < COUNT_OF(engine_alerts); i++)
		names_add(&metrics, engine_alerts[i]);
	return e == 0 ? check_inhibit(r, yaml_get(root, "inhibit"), &metrics) : e;
}

/* ---- messages: their fields ----------------------------------------------------- */

static bool field_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Collects {{name}}; a brace pair that is no field is an error. */
static int fields_of(struct policy_reader *r, const struct yaml *y, const char *text,
		     struct policy_message *m)
{
	for (const char *p = text ? strstr(text, "{{") : NULL; p; p = strstr(p, "{{")) {
		size_t n = 0, cap = m->n_fields;
		bool have = false;

		p += 2;
		while (field_char(p[n]))
			n++;
		if (n == 0 || strncmp(p + n, "}}", 2) != 0)
			return yaml_err(r->err, r->file, y,
					"%s: {{name}} is wanted, with a-z, 0-9 and _ in the name",
					m->id);
		for (size_t i = 0; i < m->n_fields; i++)
			have |= strlen(m->fields[i]) == n && memcmp(m->fields[i], p, n) == 0;
		if (have)
			continue;
		m->fields = grow(m->fields, &cap, m->n_fields + 1, sizeof(*m->fields));
		m->fields[m->n_fields++] = xstrndup(p, n);
	}
	return 0;
}

static int all_fields(struct policy_reader *r, const struct yaml *root, struct policy *p)
{
	const struct yaml *section = yaml_get(root, "messages");
	const struct yaml *y = section ? section->first : NULL;
	int e = 0;

	for (size_t i = 0; i < p->n_messages && y && e == 0; i++, y = y->next) {
		struct policy_message *m = &p->messages[i];

		e = fields_of(r, y, m->subject, m);
		if (e == 0)
			e = fields_of(r, y, m->body, m);
	}
	return e;
}

/* ---- loading -------------------------------------------------------------------- */

struct policy *policy_parse(const char *text, size_t len, const char *file, struct err *err)
{
	struct policy_reader r = { .file = file, .err = err };
	struct yaml *root = yaml_parse(text, len, file, err);
	char hash[2 * SHA256_LEN + 1];
	struct policy *p;
	int e;

	if (!root)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->file = xstrdup(file);
	sha256_hex(text, len, hash);
	p->hash = xstrdup(hash);
	e = policy_read(&r, root, &policy_top, p, "policy");
	if (e == 0)
		e = all_fields(&r, root, p);
	if (e == 0)
		e = policy_check(&r, root, p);
	yaml_free(root);
	if (e < 0) {
		policy_free(p);
		return NULL;
	}
	return p;
}

struct policy *policy_load(const char *file, struct err *err)
{
	struct str text = STR_INIT(YAML_MAX_BYTES + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct policy *p = NULL;
	struct stat st;
	char buf[16384];
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(err, fd < 0 && errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", file,
			fd < 0 ? strerror(errno) : "not a file");
	} else {
		while ((n = read(fd, buf, sizeof(buf))) > 0 && !text.full)
			str_addn(&text, buf, (size_t)n);
		if (n < 0)
			err_set(err, ERR_SYSTEM, "%s: %s", file, strerror(errno));
		else
			p = policy_parse(str_get(&text), text.len, file, err);
	}
	if (fd >= 0)
		close(fd);
	str_fini(&text);
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	policy_clear(&policy_top, p);
	free_p(&p);
}

/* ---- look-ups ------------------------------------------------------------------- */

const struct policy_metric *policy_metric(const struct policy *p, const char *name)
{
	for (size_t i = 0; p && i < p->n_metrics; i++)
		if (str_eq(p->metrics[i].name, name))
			return &p->metrics[i];
	return NULL;
}

const struct policy_message *policy_message(const struct policy *p, const char *id)
{
	for (size_t i = 0; p && i < p->n_messages; i++)
		if (str_eq(p->messages[i].id, id))
			return &p->messages[i];
	return NULL;
}

void policy_fill(const struct policy_filling *f, const char *text, struct str *out)
{
	const char *p = text ? text : "", *at;

	while ((at = strstr(p, "{{")) != NULL) {
		_cleanup_(free_p) char *name = xstrndup(at + 2, strcspn(at + 2, "}"));
		_cleanup_(free_p) char *value = f->value(f->ctx, name);

		str_addn(out, p, (size_t)(at - p));
		if (value)
			str_add(out, value);
		else if (f->gap)
			f->gap(f->ctx, name, out);
		else
			str_addf(out, "[%s?]", name);
		p = at + 2 + strlen(name);
		p += strncmp(p, "}}", 2) == 0 ? 2 : 0;
	}
	str_add(out, p);
}

const struct policy_severity *policy_severity(const struct policy *p, const char *id)
{
	for (size_t i = 0; p && i < p->n_severities; i++)
		if (str_eq(p->severities[i].id, id))
			return &p->severities[i];
	return NULL;
}

bool policy_alert_ours(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(engine_alerts); i++)
		if (str_eq(engine_alerts[i], name))
			return true;
	return p && policy_metric(p, name);
}

const struct policy_alert *policy_alert(const struct policy *p, const char *name,
					const char *severity)
{
	const char *level = str_eq(severity, "bad") ? "critical" : "warn";

	for (size_t i = 0; p && i < p->n_alerts; i++)
		if (str_eq(p->alerts[i].alert, name) &&
		    (!p->alerts[i].level || str_eq(p->alerts[i].level, level)))
			return &p->alerts[i];
	return NULL;
}

int64_t policy_repeat_ms(const struct policy *p, const char *id)
{
	const struct policy_severity *s = id ? policy_severity(p, id) : NULL;

	return !s || s->digest ? 0 : s->repeat_ms ? s->repeat_ms : s->respond_ms;
}

const struct policy_vendor *policy_vendor(const struct policy *p, const char *id)
{
	for (size_t i = 0; p && i < p->n_vendors; i++)
		if (str_eq(p->vendors[i].id, id))
			return &p->vendors[i];
	return NULL;
}

const struct policy_contact *policy_contact(const struct policy *p, const char *role)
{
	for (size_t i = 0; p && role && i < p->n_contacts; i++)
		if (str_eq(p->contacts[i].role, role))
			return &p->contacts[i];
	return NULL;
}

const char *policy_target_value(const struct policy *p, const char *target, const char *name)
{
	for (size_t i = 0; p && i < p->n_targets; i++)
		for (size_t k = 0; str_eq(p->targets[i].name, target) && k < p->targets[i].n_values;
		     k++)
			if (str_eq(p->targets[i].values[k].name, name))
				return p->targets[i].values[k].value;
	return NULL;
}

bool policy_has_section(const struct policy *p, int section)
{
	bool found = !p || !p->n_report;

	for (size_t i = 0; !found && i < p->n_report; i++)
		found = p->report[i].section == section;
	return found;
}

const char *policy_nearest_metric(const struct policy *p, const char *name)
{
	struct names s = { .n = 0 };

	for (size_t i = 0; p && i < p->n_metrics; i++)
		names_add(&s, p->metrics[i].name);
	return str_nearest(name, s.v, s.n);
}

static bool holds(const struct policy_band *b, double v)
{
	switch (b->op) {
	case BAND_LT: return v < b->limit;
	case BAND_LE: return v <= b->limit;
	case BAND_GT: return v > b->limit;
	case BAND_GE: return v >= b->limit;
	}
	return false;
}

int policy_band_of(const struct policy_metric *m, double value)
{
	if (!m->ok.set || holds(&m->ok, value))
		return 0;
	return m->warn.set && holds(&m->warn, value) ? 1 : 2;
}
