/*
 * What a person typed for a message and has not sent: values of its fields, words in place of the
 * template's. In memory and as a file of its own for each incident, message and provider, until
 * the engine has sent it; a form that is closed, an engine that is away, a console that ends take
 * nothing of it.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/draft.h"
#include "views/messages.h"

enum { DRAFT_MAX = 2 << 20 };

static char *name_of(const char *id, const char *name, const char *vendor)
{
	return xasprintf("message-%s-%s%s%s", id, name, *vendor ? "-" : "", vendor);
}

static struct message_draft **find(struct messages *m, const char *id, const char *name,
				   const char *vendor)
{
	struct message_draft **p = &m->drafts;

	while (*p && !(str_eq((*p)->id, id) && str_eq((*p)->name, name) &&
		       str_eq((*p)->vendor, vendor)))
		p = &(*p)->next;
	return p;
}

static struct message_draft *add(struct messages *m)
{
	struct message_draft *d = xcalloc(1, sizeof(*d));

	snprintf(d->id, sizeof(d->id), "%s", m->id);
	snprintf(d->name, sizeof(d->name), "%s", m->name);
	snprintf(d->vendor, sizeof(d->vendor), "%s", m->vendor);
	d->next = m->drafts;
	m->drafts = d;
	return d;
}

static void forget(struct message_draft **at)
{
	struct message_draft *d = *at;

	if (!d)
		return;
	*at = d->next;
	free_p(&d->fields);
	free_p(&d->subject);
	free_p(&d->body);
	free_p(&d);
}

static void from_disk(struct messages *m)
{
	_cleanup_(free_p) char *name = name_of(m->id, m->name, m->vendor);
	_cleanup_(json_free_p) struct json *doc = draft_read(m->app, name, DRAFT_MAX);
	_cleanup_(str_fini) struct str b = STR_INIT(DRAFT_MAX);
	struct jw w = JW(&b);
	struct message_draft *d;

	if (!doc)
		return;
	d = add(m);
	if (json_count(json_get(doc, "fields"))) {
		jw_json(&w, NULL, json_get(doc, "fields"));
		d->fields = xstrdup(str_get(&b));
	}
	d->subject = xstrdup(json_get_str(doc, "subject"));
	d->body = xstrdup(json_get_str(doc, "body"));
}

struct message_draft *messages_draft(struct messages *m)
{
	if (!*find(m, m->id, m->name, m->vendor))
		from_disk(m);
	return *find(m, m->id, m->name, m->vendor);
}

bool messages_draft_waits(struct messages *m, const char *name, const char *vendor)
{
	_cleanup_(free_p) char *file = name_of(m->id, name, vendor);

	return *find(m, m->id, name, vendor) || draft_waits(m->app, file);
}

void messages_draft_words(struct messages *m, struct jw *w)
{
	const struct message_draft *d = messages_draft(m);

	if (d && d->subject)
		jw_str(w, "subject", d->subject);
	if (d && d->body)
		jw_str(w, "body", d->body);
}

static void write_down(struct messages *m, const struct message_draft *d)
{
	_cleanup_(free_p) char *name = name_of(d->id, d->name, d->vendor);
	_cleanup_(str_fini) struct str b = STR_INIT(DRAFT_MAX);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	if (d->fields)
		jw_raw(&w, "fields", d->fields);
	messages_draft_words(m, &w);
	jw_obj_end(&w);
	draft_write(m->app, name, &b);
}

void messages_draft_put(struct messages *m, const char *fields, const char *subject,
			const char *body)
{
	struct message_draft *d = messages_draft(m);

	if (!fields && !subject && !body) {
		messages_draft_drop(m, m->id, m->name, m->vendor);
		return;
	}
	if (!d)
		d = add(m);
	if (str_eq(d->fields, fields) && str_eq(d->subject, subject) && str_eq(d->body, body))
		return;
	str_replace(&d->fields, fields);
	str_replace(&d->subject, subject);
	str_replace(&d->body, body);
	write_down(m, d);
}

void messages_draft_drop(struct messages *m, const char *id, const char *name, const char *vendor)
{
	_cleanup_(free_p) char *file = name_of(id, name, vendor);

	forget(find(m, id, name, vendor));
	draft_drop(m->app, file);
}

void messages_drafts_free(struct messages *m)
{
	while (m->drafts)
		forget(&m->drafts);
}
