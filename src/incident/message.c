/* See message.h. Text from people and providers is cleaned before it stands in a message. */
#include "incident/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "notify/channel.h"

/* ---- text ------------------------------------------------------------------------------ */

static bool listed(const struct strlist *l, const char *s)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (str_eq(l->v[i], s))
			return true;
	return false;
}

/* gaps: fields whose absence was named; they read as not known instead of as a gap. */
struct filling { struct draft *m; const struct facts *f; const struct strlist *gaps; };

static char *value_of(void *ctx, const char *name)
{
	struct filling *x = ctx;
	const struct fact *fact = facts_find(x->f, name);

	if (fact)
		facts_add(&x->m->used, name, fact->value, fact->from);
	return fact ? xstrdup(fact->value) : NULL;
}

static const char NOT_KNOWN[] = "not known yet";

static void gap(void *ctx, const char *name, struct str *out)
{
	struct filling *x = ctx;

	if (listed(x->gaps, name))
		str_add(out, NOT_KNOWN);
	else
		str_addf(out, "[%s?]", name);
	if (!listed(&x->m->missing, name))
		strlist_add(&x->m->missing, name);
}

static char *fill(struct draft *m, const char *text, const struct facts *f,
		  const struct strlist *gaps)
{
	struct filling x = { m, f, gaps };
	struct str b = STR_INIT(64 << 10);

	policy_fill(&(struct policy_filling){ value_of, gap, &x }, text, &b);
	return str_take(&b);
}

static int unknown_template(const struct policy *p, const char *id, struct err *err)
{
	const char *names[60] = { NULL }, *near;
	size_t n = 0;

	for (size_t i = 0; p && i < p->n_messages && n < COUNT_OF(names); i++)
		names[n++] = p->messages[i].id;
	near = str_nearest(id ? id : "", names, n);
	return err_field(err, ERR_NOT_FOUND, "template", "the policy has no message '%.60s'%s%s%s",
			 id ? id : "", near ? "; did you mean '" : "", near ? near : "",
			 near ? "'?" : "");
}

int message_fill(const struct policy *p, const char *id, const struct facts *f,
		 const struct strlist *gaps, struct draft *ret, struct err *err)
{
	const struct policy_message *m = policy_message(p, id);
	const struct fact *status = facts_find(f, "status");

	*ret = (struct draft){ 0 };
	if (!m)
		return unknown_template(p, id, err);
	ret->from = m;
	ret->template_id = xstrdup(m->id);
	ret->title = xstrdup(m->title ? m->title : m->id);
	ret->pattern_subject = xstrdup(m->subject ? m->subject : ret->title);
	ret->pattern_body = xstrdup(m->body);
	ret->subject = fill(ret, ret->pattern_subject, f, gaps);
	ret->body = fill(ret, ret->pattern_body, f, gaps);
	ret->status = xstrdup(status ? status->value : NULL);
	return 0;
}

const char *message_unnamed(const struct draft *m, const struct strlist *gaps)
{
	for (size_t i = 0; i < m->missing.n; i++)
		if (!listed(gaps, m->missing.v[i]))
			return m->missing.v[i];
	return NULL;
}

/* A gap that still stands in it is filled like one of the template's: by its value, by "not known
 * yet" where its absence was named; else it stays and is missing. */
static void reword(struct draft *m, char **text, const char *by, const struct strlist *gaps)
{
	struct str b = STR_INIT(1 << 20);
	const char *p = by, *at;

	while ((at = strchr(p, '[')) != NULL) {
		size_t n = strcspn(at + 1, "[?]");
		_cleanup_(free_p) char *name = xstrndup(at + 1, n);
		bool mark = at[1 + n] == '?' && at[2 + n] == ']';
		const struct fact *fact = mark ? facts_find(&m->used, name) : NULL;

		str_addn(&b, p, (size_t)(at - p));
		if (fact)
			str_add(&b, fact->value);
		else if (mark && listed(&m->missing, name) && listed(gaps, name))
			str_add(&b, NOT_KNOWN);
		else
			str_addn(&b, at, n + 1 + 2 * mark);
		p = at + n + 1 + 2 * mark;
	}
	str_add(&b, p);
	free(*text);
	*text = str_take(&b);
}

void message_reword(struct draft *m, const struct strlist *gaps, const char *subject,
		    const char *body)
{
	_cleanup_(free_p) char *line = text_clean(subject, 0), *lines = text_clean_lines(body, 0);
	struct strlist left = { 0 };

	for (size_t i = 0; i < m->missing.n; i++) {
		const char *v[] = { subject ? subject : m->pattern_subject,
				    body ? body : m->pattern_body };
		_cleanup_(free_p) char *mark = xasprintf("[%s?]", m->missing.v[i]),
				       *field = xasprintf("{{%s}}", m->missing.v[i]);
		bool there = false;

		for (size_t k = 0; k < COUNT_OF(v); k++)
			there = there || (v[k] && (strstr(v[k], mark) || strstr(v[k], field) ||
						   (listed(gaps, m->missing.v[i]) &&
						    strstr(v[k], NOT_KNOWN))));
		if (there)
			strlist_add(&left, m->missing.v[i]);
	}
	if (subject)
		reword(m, &m->subject, line, gaps);
	if (body)
		reword(m, &m->body, lines, gaps);
	strlist_fini(&m->missing);
	m->missing = left;
}

/* ---- where it goes ------------------------------------------------------------------------ */

static struct message_way *add_way(struct draft *m, const struct notify_settings *set,
				   const char *as, const char *channel, const char *recipient)
{
	const struct channel *c = channel_named(channel);
	struct message_way *w;

	for (size_t i = 0; i < m->n_ways; i++)
		if (str_eq(m->ways[i].channel, channel) && str_eq(m->ways[i].recipient, recipient))
			return &m->ways[i];
	m->ways = xrealloc(m->ways, (m->n_ways + 1) * sizeof(*m->ways));
	w = &m->ways[m->n_ways++];
	*w = (struct message_way){ .as = xstrdup(as), .channel = xstrdup(channel),
				   .recipient = xstrdup(recipient) };
	w->configured = c && set && c->configured(set);
	if (!w->configured)
		w->why = xasprintf("%s is not configured", channel);
	return w;
}

static void add_missing(struct draft *m, const char *as, const char *why)
{
	struct message_way *w = add_way(m, NULL, as, as, NULL);

	free(w->why);
	w->why = xstrdup(why);
}

/* The address of a provider's first level that is one; the others are telephone and portal. */
static void add_vendor(struct draft *m, const struct policy *p, const struct notify_settings *set,
		       const char *vendor)
{
	const struct policy_vendor *v = policy_vendor(p, vendor);

	for (size_t i = 0; v && i < v->n_levels; i++)
		if (str_eq(v->levels[i].via, "email")) {
			add_way(m, set, "vendor", "mail", v->levels[i].address);
			return;
		}
	add_missing(m, "vendor",
		    v ? "the policy has no address of this vendor" : "no vendor was named");
}

/* One addressee: a channel of Slack (its webhook has one; the name says which is meant), an
 * address, or the contact of a role. */
static void add_named(struct draft *m, const struct policy *p, const struct notify_settings *set,
		      const char *word)
{
	const struct policy_contact *c =
		str_has_prefix(word, "role:") ? policy_contact(p, word + 5) : NULL;

	if (str_has_prefix(word, "slack:"))
		add_way(m, set, word, "slack", NULL);
	else if (!str_has_prefix(word, "role:"))
		add_way(m, set, word, "mail", str_has_prefix(word, "email:") ? word + 6 : word);
	else if (c && !str_empty(c->email))
		add_way(m, set, word, "mail", c->email);
	else
		add_missing(m, word, c ? "policy.yaml has no address of this contact" :
					 "policy.yaml has no such contact");
}

static int add_word(struct draft *m, const struct policy *p, const struct notify_settings *set,
		    const char *word, struct err *err)
{
	const struct channel *c = channel_by_word(word);
	const char *names[60], *near;
	size_t n = 0;

	if (c) {
		add_way(m, set, word, c->name, NULL);
		return 0;
	}
	if (str_has_prefix(word, "slack:") || strchr(word, '@') || str_has_prefix(word, "role:")) {
		add_named(m, p, set, word);
		return 0;
	}
	for (size_t i = 0; (c = channel_at(i)) && n < COUNT_OF(names); i++)
		if (c->word)
			names[n++] = c->word;
	for (size_t i = 0; p && i < p->n_audiences && n < COUNT_OF(names); i++)
		names[n++] = p->audiences[i].name;
	near = str_nearest(word, names, n);
	return err_field(err, ERR_INVALID, "to", "there is no audience '%.60s'%s%s%s", word,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int add_audience(struct draft *m, const struct policy *p, const struct notify_settings *set,
			const char *vendor, const char *name, struct err *err)
{
	int e = 0;

	if (str_eq(name, "vendor")) {
		add_vendor(m, p, set, vendor);
		return 0;
	}
	for (size_t i = 0; p && i < p->n_audiences; i++) {
		const struct policy_audience *a = &p->audiences[i];

		if (!str_eq(a->name, name))
			continue;
		for (size_t k = 0; k < a->n_to && e == 0; k++)
			e = add_word(m, p, set, a->to[k], err);
		return e;
	}
	return add_word(m, p, set, name, err);
}

int message_route(struct draft *m, const struct policy *p, const struct notify_settings *set,
		  const char *vendor, const struct strlist *to, struct err *err)
{
	int e = 0;

	if (to && to->n)
		for (size_t i = 0; i < to->n && e == 0; i++)
			e = add_audience(m, p, set, vendor, to->v[i], err);
	else
		for (size_t i = 0; i < m->from->n_audience && e == 0; i++)
			e = add_audience(m, p, set, vendor, m->from->audience[i], err);
	if (e == 0 && m->n_ways == 0)
		e = err_field(err, ERR_INVALID, "to",
			      "nobody is named: the template '%s' has no audience", m->template_id);
	return e;
}

/* ---- what people see ------------------------------------------------------------------------ */

void message_hash(const struct draft *m, char ret[17])
{
	struct str b = STR_INIT(1 << 20);
	char hex[2 * SHA256_LEN + 1];

	str_addf(&b, "%s\n%s\n%s\n", m->subject, m->body, m->status ? m->status : "");
	for (size_t i = 0; i < m->n_ways; i++)
		str_addf(&b, "%s %s\n", m->ways[i].channel,
			 m->ways[i].recipient ? m->ways[i].recipient : "");
	for (size_t i = 0; i < m->page.n; i++)
		str_addf(&b, "%s=%s\n", m->page.v[i].name,
			 m->page.v[i].state ? m->page.v[i].state : "");
	sha256_hex(str_get(&b), b.len, hex);
	snprintf(ret, 17, "%.16s", hex);
	str_fini(&b);
}

bool message_to_page(const struct draft *m)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (str_eq(m->ways[i].channel, "statuspage"))
			return true;
	return false;
}

/* What becomes of it on our status page, when it goes there. */
static void page_json(struct jw *w, const struct draft *m)
{
	if (!message_to_page(m)) {
		jw_null(w, "statusPage");
		return;
	}
	jw_obj(w, "statusPage");
	jw_str(w, "action", m->page_link ? "update" : "create");
	jw_str(w, "link", m->page_link);
	jw_str(w, "status", m->status);
	page_components_json(w, "components", &m->page);
	jw_obj_end(w);
}

void message_json(struct jw *w, const struct draft *m)
{
	char hash[17];

	message_hash(m, hash);
	jw_str(w, "template", m->template_id);
	jw_str(w, "title", m->title);
	jw_str(w, "subject", m->subject);
	jw_str(w, "body", m->body);
	jw_str(w, "status", m->status);
	jw_str(w, "hash", hash);
	jw_time(w, "sameAs", m->same_as_ms); /* nothing was sent: the same went out then */
	jw_obj(w, "pattern"); /* what the fields stand in, for who fills them in */
	jw_str(w, "subject", m->pattern_subject);
	jw_str(w, "body", m->pattern_body);
	jw_obj_end(w);
	page_json(w, m);
	jw_arr(w, "missing");
	for (size_t i = 0; i < m->missing.n; i++)
		jw_str(w, NULL, m->missing.v[i]);
	jw_arr_end(w);
	jw_arr(w, "gaps");
	for (size_t i = 0; i < m->missing.n; i++) {
		_cleanup_(free_p) char *how = facts_how(m->incident ? m->incident : "INCIDENT",
							m->missing.v[i]);

		jw_obj(w, NULL);
		jw_str(w, "name", m->missing.v[i]);
		jw_str(w, "how", how);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "fields");
	for (size_t i = 0; i < m->used.n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", m->used.v[i].name);
		jw_str(w, "value", m->used.v[i].value);
		jw_str(w, "from", m->used.v[i].from);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "to");
	for (size_t i = 0; i < m->n_ways; i++) {
		jw_obj(w, NULL);
		jw_str(w, "as", m->ways[i].as);
		jw_str(w, "channel", m->ways[i].channel);
		jw_str(w, "recipient", m->ways[i].recipient);
		jw_bool(w, "configured", m->ways[i].configured);
		jw_str(w, "why", m->ways[i].why);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

void message_fini(struct draft *m)
{
	free(m->incident);
	free(m->template_id);
	free(m->title);
	free(m->subject);
	free(m->body);
	free(m->status);
	free(m->pattern_subject);
	free(m->pattern_body);
	free(m->page_link);
	facts_fini(&m->used);
	strlist_fini(&m->missing);
	for (size_t i = 0; i < m->n_ways; i++) {
		free(m->ways[i].as);
		free(m->ways[i].channel);
		free(m->ways[i].recipient);
		free(m->ways[i].why);
	}
	free(m->ways);
	page_components_fini(&m->page);
	*m = (struct draft){ 0 };
}
