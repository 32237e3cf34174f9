/*
 * Drafts of notes. A text is never lost: it is in memory and on disk (0600) before it is sent
 * and until the engine has it; each note that is being changed has its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "views/note.h"

static char *path_of(const struct noting *n, const char *id)
{
	const char *dir = n->app->state_dir;

	if (strchr(id, '/'))
		return NULL;
	return dir ? xasprintf("%s/note-draft%s%s.json", dir, *id ? "-" : "", id) : NULL;
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

static bool write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(fd, s, n);
		if (k <= 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

void note_draft_keep(struct noting *n, const struct note_draft *d)
{
	_cleanup_(free_p) char *path = path_of(n, d->id), *tmp = NULL;
	struct str b = STR_INIT(NOTE_DRAFT_MAX);
	struct jw w = JW(&b);
	bool good = false;
	int fd;

	remember(n, d);
	if (!path || !d->text)
		return;
	tmp = xasprintf("%s.%d", path, (int)getpid());
	jw_obj(&w, NULL);
	jw_str(&w, "incident", d->incident);
	jw_str(&w, "happenedAt", d->at);
	jw_str(&w, "source", d->source);
	jw_i64(&w, "version", d->version);
	jw_str(&w, "text", d->text);
	jw_obj_end(&w);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		good = write_all(fd, str_get(&b), b.len);
		good = close(fd) == 0 && good && rename(tmp, path) == 0;
	}
	if (!good)
		unlink(tmp);
	str_fini(&b);
}

static void take(char *buf, size_t n, const struct json *doc, const char *name)
{
	snprintf(buf, n, "%s", json_get_str(doc, name) ? json_get_str(doc, name) : "");
}

struct note_draft *note_draft_get(struct noting *n, const char *id)
{
	_cleanup_(free_p) char *path = NULL;
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct str b = STR_INIT(NOTE_DRAFT_MAX);
	struct note_draft d = { 0 };
	char buf[8192];
	ssize_t k;
	int fd;

	if (*find(n, id))
		return *find(n, id);
	path = path_of(n, id);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (fd < 0)
		return NULL;
	while ((k = read(fd, buf, sizeof(buf))) > 0)
		str_addn(&b, buf, (size_t)k);
	close(fd);
	doc = b.full ? NULL : json_parse(str_get(&b), b.len, NULL);
	str_fini(&b);
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
	_cleanup_(free_p) char *path = path_of(n, id);

	forget(find(n, id));
	if (path)
		unlink(path);
}

void note_drafts_free(struct noting *n)
{
	while (n->drafts)
		forget(&n->drafts);
}
