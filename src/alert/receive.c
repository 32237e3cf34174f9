/*
 * See receive.h. Nothing of what is read decides anything: names, labels and texts are cleaned
 * and cut, unknown labels are kept as they are, times are checked against our clock.
 */
#include "alert/receive.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/alerts_received.h"

enum { NAME_MAX_CHARS = 80, VALUE_MAX_CHARS = 300, TEXT_MAX_CHARS = 500, SUBJECT_MAX_CHARS = 200 };

static void refuse(struct received *r, size_t i, const char *why, const char *what)
{
	_cleanup_(free_p) char *clean = text_clean(what ? what : "", 60);

	if (r->refused++ == 0)
		snprintf(r->why, sizeof(r->why), "alert %zu: %s%s%s%s", i + 1, why,
			 clean[0] ? " '" : "", clean, clean[0] ? "'" : "");
}

/* ---- labels ------------------------------------------------------------------------------- */

static bool among(char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The labels as JSON, cleaned and bounded; in the sender's order. Of names that are the same
 * once they are cut the first counts. */
static void labels_json(struct str *b, const struct json *labels)
{
	char *names[RECEIVE_LABELS];
	struct jw w = JW(b);
	size_t n = 0;

	jw_obj(&w, NULL);
	for (const struct json *v = json_first(labels); v && n < RECEIVE_LABELS; v = json_next(v)) {
		_cleanup_(free_p) char *name = text_clean(json_name(v), NAME_MAX_CHARS);
		_cleanup_(free_p) char *value = json_str(v) ? text_clean(json_str(v),
									 VALUE_MAX_CHARS) : NULL;

		if (!value || !name[0] || among(names, n, name))
			continue;
		jw_str(&w, name, value);
		names[n++] = TAKE(name);
	}
	jw_obj_end(&w);
	for (size_t i = 0; i < n; i++)
		free_p(&names[i]);
}

/* "instance=a, job=b" of the group's labels; the name is told apart. */
static char *subject_of(const struct json *group)
{
	struct str b = STR_INIT(4000);
	char *text;

	for (const struct json *v = json_first(group); v; v = json_next(v))
		if (json_str(v) && !str_eq(json_name(v), "alertname"))
			str_addf(&b, "%s%s=%s", b.len ? ", " : "", json_name(v), json_str(v));
	text = text_clean(str_get(&b), SUBJECT_MAX_CHARS);
	str_fini(&b);
	return text;
}

static int loudness(const struct json *labels)
{
	static const struct { const char *word; int level; } words[] = {
		{ "critical", 2 }, { "page", 2 }, { "error", 2 }, { "emergency", 2 }, { "bad", 2 },
		{ "info", 0 }, { "informational", 0 }, { "none", 0 }, { "debug", 0 },
	};
	const char *severity = json_get_str(labels, "severity");

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(severity, words[i].word))
			return words[i].level;
	return 1;
}

static const char *priority_of(const struct policy *p, const struct json *labels)
{
	const char *word = json_get_str(labels, "priority");
	const struct policy_severity *s = word ? policy_severity(p, word) : NULL;

	if (!s && json_get_str(labels, "severity"))
		s = policy_severity(p, json_get_str(labels, "severity"));
	return s ? s->id : NULL;
}

/* The sender's, or of the labels: the same alert has the same. */
static void fingerprint(const struct json *alert, char ret[2 * SHA256_LEN + 1])
{
	const char *given = json_get_str(alert, "fingerprint");
	struct str b = STR_INIT(1 << 20);

	if (given && strlen(given) >= 8 && strlen(given) <= 2 * SHA256_LEN &&
	    strspn(given, "0123456789abcdefABCDEF") == strlen(given)) {
		snprintf(ret, 2 * SHA256_LEN + 1, "%s", given);
		return;
	}
	json_print(&b, json_get(alert, "labels"));
	sha256_hex(str_get(&b), b.len, ret);
	str_fini(&b);
}

/* ---- one alert ------------------------------------------------------------------------------ */

struct one { bool firing; int64_t starts_ms, ends_ms; char doubt[120]; };

/* Its state is what counts; a time that contradicts it is kept, and that it does. */
static void doubt_end(struct one *o, int64_t now_ms)
{
	char d[40];

	if (o->doubt[0] || !o->ends_ms)
		return;
	if (!o->firing && o->ends_ms > now_ms + RECEIVE_SKEW_MS) {
		format_duration(d, sizeof(d), (o->ends_ms - now_ms) / 1000 * 1000);
		snprintf(o->doubt, sizeof(o->doubt), "over, but only in %s by the sender's clock",
			 d);
	} else if (!o->firing && o->ends_ms < o->starts_ms) {
		snprintf(o->doubt, sizeof(o->doubt), "it ends before it begins");
	} else if (o->firing && o->ends_ms < now_ms - RECEIVE_SKEW_MS) {
		format_duration(d, sizeof(d), (now_ms - o->ends_ms) / 1000 * 1000);
		snprintf(o->doubt, sizeof(o->doubt), "it fires, and ended %s ago by its endsAt", d);
	}
}

static void read_times(struct received *r, const struct json *alert, int64_t now_ms, struct one *o)
{
	const char *starts = json_get_str(alert, "startsAt"), *ends = json_get_str(alert, "endsAt");
	char d[40];

	if (!starts || !parse_time_ms(starts, &o->starts_ms) || o->starts_ms <= 0) {
		o->starts_ms = now_ms;
		snprintf(o->doubt, sizeof(o->doubt), "no time of beginning that can be read");
	} else if (o->starts_ms > now_ms + RECEIVE_SKEW_MS) {
		format_duration(d, sizeof(d), (o->starts_ms - now_ms) / 1000 * 1000);
		snprintf(o->doubt, sizeof(o->doubt), "the sender's clock is %s ahead", d);
	}
	/* Go's zero time stands for "not yet" */
	if (!ends || !parse_time_ms(ends, &o->ends_ms) || o->ends_ms <= 0)
		o->ends_ms = 0;
	doubt_end(o, now_ms);
	if (o->doubt[0] && r->skewed++ == 0)
		snprintf(r->skew, sizeof(r->skew), "%s", o->doubt);
}

static struct received_group *group_of(struct received *r, const char *name, const char *subject,
				       const char *grouping)
{
	size_t cap = r->n;
	struct received_group *g;

	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->v[i].name, name) && str_eq(r->v[i].subject, subject))
			return &r->v[i];
	if (r->n == RECEIVE_GROUPS)
		return NULL;
	r->v = grow(r->v, &cap, r->n + 1, sizeof(*r->v));
	g = &r->v[r->n++];
	*g = (struct received_group){ .name = xstrdup(name), .subject = xstrdup(subject),
				      .grouping = xstrdup(grouping), .severity = "info" };
	return g;
}

static char *text_of(const struct json *alert)
{
	const struct json *notes = json_get(alert, "annotations");
	const char *text = json_get_str(notes, "summary");

	if (!text)
		text = json_get_str(notes, "description");
	if (!text)
		text = json_get_str(notes, "message");
	return text_clean(text ? text : "", TEXT_MAX_CHARS);
}

/* Where the next one is written: after a comma, or in a part of its own. */
static struct str *next_member(struct received_group *g)
{
	size_t cap = g->n_parts;

	if (g->n_members++ % RECEIVE_PART == 0) {
		g->parts = grow(g->parts, &cap, g->n_parts + 1, sizeof(*g->parts));
		g->parts[g->n_parts++] = STR_INIT(STR_MAX_DEFAULT);
		str_addc(&g->parts[g->n_parts - 1], '[');
	} else {
		str_addc(&g->parts[g->n_parts - 1], ',');
	}
	return &g->parts[g->n_parts - 1];
}

static void add_member(struct received_group *g, const struct json *alert, const struct one *o,
		       const char *text)
{
	char print[2 * SHA256_LEN + 1];
	struct str labels = STR_INIT(1 << 20), *b;
	struct jw w;

	if (g->n_members == RECEIVE_MEMBERS) {
		g->left_out++;
		g->left_firing += o->firing;
		return;
	}
	b = next_member(g);
	w = JW(b);
	fingerprint(alert, print);
	labels_json(&labels, json_get(alert, "labels"));
	jw_obj(&w, NULL);
	jw_str(&w, "fingerprint", print);
	jw_str(&w, "state", o->firing ? "firing" : "resolved");
	jw_raw(&w, "labels", str_get(&labels));
	jw_str(&w, "text", text);
	jw_time(&w, "starts", o->starts_ms);
	jw_time(&w, "ends", o->ends_ms);
	jw_str(&w, "doubt", o->doubt[0] ? o->doubt : NULL);
	jw_obj_end(&w);
	str_fini(&labels);
}

static void merge(struct received_group *g, const struct json *alert, const struct one *o,
		  const struct policy *p, int64_t now_ms)
{
	static const char *const levels[] = { "info", "warn", "bad" };
	const struct json *labels = json_get(alert, "labels");
	_cleanup_(free_p) char *text = text_of(alert);
	int64_t since = o->starts_ms < now_ms ? o->starts_ms : now_ms;
	const char *priority = priority_of(p, labels);
	const struct policy_alert *rating;
	int level = loudness(labels), worst = 0;

	for (int i = 0; i < 3; i++)
		worst = str_eq(g->severity, levels[i]) ? i : worst;
	add_member(g, alert, o, text);
	if (!o->firing) {
		g->resolved++;
		return;
	}
	if (g->firing++ == 0 || level > worst)
		g->severity = levels[level];
	rating = policy_alert(p, str_has_prefix(g->name, RECEIVE_OUTSIDE) ?
			      g->name + strlen(RECEIVE_OUTSIDE) : g->name, levels[level]);
	if (!priority && rating)
		priority = rating->severity;
	if (!g->runbook && rating && rating->runbook && !json_get_str(labels, "runbook"))
		g->runbook = xstrdup(rating->runbook);
	if (priority && (!g->priority || strcmp(priority, g->priority) < 0))
		g->priority = priority;
	if (!g->since_ms || since < g->since_ms)
		g->since_ms = since;
	if (!g->text && text[0])
		g->text = xstrdup(text);
	if (!g->labels) {
		struct str b = STR_INIT(1 << 20);

		labels_json(&b, labels);
		g->labels = str_take(&b);
	}
	if (!g->runbook && json_get_str(labels, "runbook"))
		g->runbook = text_clean(json_get_str(labels, "runbook"), NAME_MAX_CHARS);
}

static void take(struct received *r, const struct json *doc, const struct json *alert, size_t i,
		 const struct policy *p, int64_t now_ms)
{
	const struct json *labels = json_get(alert, "labels");
	const char *status = json_get_str(alert, "status"), *given;
	_cleanup_(free_p) char *name = NULL, *subject = NULL, *key = NULL;
	struct received_group *g;
	struct one o = { 0 };

	if (json_type(alert) != JSON_OBJECT || json_type(labels) != JSON_OBJECT) {
		refuse(r, i, "no object with labels", NULL);
		return;
	}
	o.firing = str_eq(status, "firing");
	if (!o.firing && !str_eq(status, "resolved")) {
		refuse(r, i, "status is neither firing nor resolved", status);
		return;
	}
	given = json_get_str(labels, "alertname");
	/* a sender neither ends nor words what we found ourselves, whatever it calls its own */
	if (policy_alert_ours(p, given))
		name = xasprintf(RECEIVE_OUTSIDE "%s", given);
	else
		name = text_clean(str_empty(given) ? "unnamed" : given, NAME_MAX_CHARS);
	subject = subject_of(json_get(doc, "groupLabels"));
	given = json_get_str(doc, "groupKey");
	key = text_clean(given ? given : name, VALUE_MAX_CHARS);
	read_times(r, alert, now_ms, &o);
	g = group_of(r, name, subject, key);
	if (!g) /* so many names at once: they are counted under one */
		g = group_of(r, MANY_ALERTS, "", key);
	if (g)
		merge(g, alert, &o, p, now_ms);
	else
		refuse(r, i, "more groups than are taken at once", name);
}

/* One more stands for all that are not kept, so that the alert does not end before they do. */
static void end_members(struct received_group *g, int64_t now_ms)
{
	if (g->left_out || g->cut) {
		struct jw w = JW(next_member(g));

		jw_obj(&w, NULL);
		jw_str(&w, "fingerprint", ALERT_MEMBER_MORE);
		jw_str(&w, "state", g->left_firing || g->cut_firing ? "firing" : "resolved");
		jw_raw(&w, "labels", "{}");
		jw_str(&w, "text", g->cut ? "left out by the sender" :
					    "more than are kept one by one");
		jw_time(&w, "starts", now_ms);
		jw_obj_end(&w);
	}
	for (size_t i = 0; i < g->n_parts; i++)
		str_addc(&g->parts[i], ']');
}

/* What the document says of itself. A version that is not known is read all the same, and said:
 * an alert that was refused is lost. What the sender cut is part of the first group; when all of
 * the sender's group is over, so is what was cut. */
static void read_head(struct received *r, const struct json *doc)
{
	const struct json *version = json_get(doc, "version");
	double cut = json_get_double(doc, "truncatedAlerts", 0);
	_cleanup_(free_p) char *clean = NULL;
	size_t n = 0;

	if (version && !str_eq(json_str(version), "4")) {
		clean = text_clean(json_str(version) ? json_str(version) :
						       json_type_name(version), 40);
		snprintf(r->said, sizeof(r->said), "its version is %s, it was read as 4", clean);
		n = strlen(r->said);
	}
	if (!(cut >= 1) || r->n < 2)
		return;
	r->truncated = cut < INT32_MAX ? (int64_t)cut : INT32_MAX;
	snprintf(r->said + n, sizeof(r->said) - n, "%s%lld alerts were cut off by the sender "
		 "(truncatedAlerts)", n ? "; " : "", (long long)r->truncated);
	r->v[1].cut = r->truncated;
	r->v[1].cut_firing = !str_eq(json_get_str(doc, "status"), "resolved");
}

int receive_parse(const char *body, size_t len, const struct policy *p, int64_t now_ms,
		  struct received *ret, struct err *err)
{
	_cleanup_(json_free_p) struct json *doc = json_parse(body, len, err);
	const struct json *alerts = json_get(doc, "alerts");
	const char *receiver = json_get_str(doc, "receiver");

	*ret = (struct received){ 0 };
	if (!doc)
		return err_prefix(err, "the body is not JSON");
	if (json_type(doc) != JSON_OBJECT || json_type(alerts) != JSON_ARRAY)
		return err_field(err, ERR_INVALID, "alerts", "an array of alerts is wanted, as "
				 "Alertmanager's webhook sends it");
	if (json_count(alerts) > RECEIVE_ALERTS)
		return err_field(err, ERR_INVALID, "alerts", "%zu alerts came, %d is the most",
				 json_count(alerts), RECEIVE_ALERTS);
	ret->receiver = text_clean(receiver ? receiver : "", NAME_MAX_CHARS);
	group_of(ret, MANY_ALERTS, "", MANY_ALERTS); /* its place is kept */
	for (const struct json *a = json_first(alerts); a; a = json_next(a))
		take(ret, doc, a, ret->alerts++, p, now_ms);
	read_head(ret, doc);
	for (size_t i = 0; i < ret->n; i++)
		end_members(&ret->v[i], now_ms);
	if (ret->alerts == 0 || ret->refused < ret->alerts)
		return 0;
	err_field(err, ERR_INVALID, "alerts", "none of %zu could be used: %s", ret->alerts,
		  ret->why);
	received_fini(ret);
	return ERR_INVALID;
}

void received_fini(struct received *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct received_group *g = &r->v[i];

		free_p(&g->name);
		free_p(&g->subject);
		free_p(&g->grouping);
		free_p(&g->text);
		free_p(&g->labels);
		free_p(&g->runbook);
		for (size_t k = 0; k < g->n_parts; k++)
			str_fini(&g->parts[k]);
		free_p(&g->parts);
	}
	free_p(&r->v);
	free_p(&r->receiver);
	*r = (struct received){ 0 };
}
