/*
 * Drafts of notes. A text is never lost: it is in memory and on disk (0600) before it is sent
 * and until the engine has it; each note that is being changed has its own.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/draft.h"
#include "views/note.h"

static char *name_of(const char *id)
{
	return xasprintf("note-draft%s%s", *id ? "-" : "", id);
}

static struct note_draft **find(struct noting *n, const char *id)
{
	struct note_draft **p = &n->drafts;

	while (*p && !str_eq((*p)->id, id))
		p = &(*p)->next;
	return p;
}

static void forget(struct note_draft **at)
{
	struct note_draft *d = *at;

	if (!d)
		return;
	*at = d->next;
	free_p(&d->text);
	free_p(&d);
}

static void remember(struct noting *n, const struct note_draft *d)
{
	struct note_draft **p = find(n, d->id), *mine = *p;

	if (mine == d)
		return;
	if (!mine) {
		mine = *p = xcalloc(1, sizeof(*mine));
		*mine = *d;
		mine->text = NULL;
		mine->next = NULL;
	} else {
		struct note_draft was = *mine;

		*mine = *d;
		mine->text = was.text;
		mine->next = was.next;
	}
	str_replace(&mine->text, d->text);
}

void note_draft_keep(struct noting *n, const struct note_draft *d)
{
	_cleanup_(free_p) char *name = name_of(d->id);
	_cleanup_(str_fini) struct str b = STR_INIT(NOTE_DRAFT_MAX);
	struct jw w = JW(&b);

	remember(n, d);
	if (!d->text)
		return;
	jw_obj(&w, NULL);
	jw_str(&w, "incident", d->incident);
	jw_str(&w, "happenedAt", d->at);
	jw_str(&w, "source", d->source);
	jw_i64(&w, "version", d->version);
	jw_str(&w, "text", d->text);
	jw_obj_end(&w);
	draft_write(n->app, name, &b);
}

static void take(char *buf, size_t n, const struct json *doc, const char *name)
{
	snprintf(buf, n, "%s", json_get_str(doc, name) ? json_get_str(doc, name) : "");
}

struct note_draft *note_draft_get(struct noting *n, const char *id)
{
	_cleanup_(free_p) char *name = name_of(id);
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct note_draft d = { 0 };

	if (*find(n, id))
		return *find(n, id);
	doc = draft_read(n->app, name, NOTE_DRAFT_MAX);
	if (!json_get_str(doc, "text"))
		return NULL;
	snprintf(d.id, sizeof(d.id), "%s", id);
	take(d.incident, sizeof(d.incident), doc, "incident");
	take(d.at, sizeof(d.at), doc, "happenedAt");
	take(d.source, sizeof(d.source), doc, "source");
	d.version = json_get_i64(doc, "version", 0);
	d.text = xstrdup(json_get_str(doc, "text"));
	remember(n, &d);
	free_p(&d.text);
	return *find(n, id);
}

void note_draft_drop(struct noting *n, const char *id)
{
	_cleanup_(free_p) char *name = name_of(id);

	forget(find(n, id));
	draft_drop(n->app, name);
}

void note_drafts_free(struct noting *n)
{
	while (n->drafts)
		forget(&n->drafts);
}
