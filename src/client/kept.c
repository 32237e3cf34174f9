/*
 * Answers that are worth having when nothing answers any more: calls, the newest of the timeline,
 * incidents. The last one of each question, few and small, beside the saved state on disk.
 *
 * Invariant: an old answer is given only when no engine was reached and the database is not there
 * either; the screen then says by itself that it shows the past.
 */
#include "client/internal.h"

#include <string.h>

enum { KEPT_MAX = 12, ONE_MAX = 128 << 10 };

static const char *const worth[] = { "/api/v1/calls", "/api/v1/timeline", "/api/v1/incidents/" };

static bool is_worth(const char *path)
{
	if (strstr(path, "cursor=") || strstr(path, "&at="))
		return false;
	for (size_t i = 0; i < COUNT_OF(worth); i++)
		if (str_has_prefix(path, worth[i]))
			return true;
	return false;
}

static void drop(struct client *c, size_t i)
{
	free_p(&c->kept[i].path);
	free_p(&c->kept[i].text);
	memmove(&c->kept[i], &c->kept[i + 1], (--c->n_kept - i) * sizeof(*c->kept));
}

void kept_put(struct client *c, const char *path, const char *text, size_t len)
{
	if (!is_worth(path) || len > ONE_MAX)
		return;
	if (!c->kept)
		c->kept = xcalloc(KEPT_MAX, sizeof(*c->kept));
	for (size_t i = 0; i < c->n_kept; i++)
		if (str_eq(c->kept[i].path, path)) {
			drop(c, i);
			break;
		}
	if (c->n_kept == KEPT_MAX)
		drop(c, 0); /* the oldest */
	c->kept[c->n_kept++] = (struct kept){ xstrdup(path), xstrndup(text, len) };
	saved_soon(c);
}

struct json *kept_get(const struct client *c, const char *path)
{
	if (c->connected || c->link == LINK_API || c->link == LINK_DATABASE)
		return NULL;
	for (size_t i = 0; i < c->n_kept; i++)
		if (str_eq(c->kept[i].path, path))
			return json_parse(c->kept[i].text, strlen(c->kept[i].text), NULL);
	return NULL;
}

void kept_json(const struct client *c, struct jw *w)
{
	jw_obj(w, NULL);
	jw_arr(w, "answers");
	for (size_t i = 0; i < c->n_kept; i++) {
		jw_obj(w, NULL);
		jw_str(w, "path", c->kept[i].path);
		jw_raw(w, "answer", c->kept[i].text);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}

void kept_read(struct client *c, const struct str *text)
{
	struct json *doc = json_parse(text->s, text->len, NULL);

	for (const struct json *v = json_first(json_get(doc, "answers")); v; v = json_next(v)) {
		const char *path = json_get_str(v, "path");
		struct str b = STR_INIT(ONE_MAX);

		json_print(&b, json_get(v, "answer"));
		if (path && !b.full)
			kept_put(c, path, str_get(&b), b.len);
		str_fini(&b);
	}
	json_free(doc);
}

void kept_fini(struct client *c)
{
	while (c->n_kept)
		drop(c, c->n_kept - 1);
	free_p(&c->kept);
}
