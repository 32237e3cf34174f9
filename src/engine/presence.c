/* See presence.h. Bounded: the oldest session gives way. */
#include "engine/presence.h"

#include <string.h>

#include "core/mem.h"

enum { SESSIONS_MAX = 200, FORGET_MS = 15000 };

struct session {
	char *id, *name, *role, *looking_at;
	bool dialog;
	int64_t seen_ms, since_ms;
};

struct presence {
	struct session s[SESSIONS_MAX];
	int n;
};

struct presence *presence_new(void)
{
	return xcalloc(1, sizeof(struct presence));
}

static void drop(struct presence *p, int i)
{
	free_p(&p->s[i].id);
	free_p(&p->s[i].name);
	free_p(&p->s[i].role);
	free_p(&p->s[i].looking_at);
	memmove(&p->s[i], &p->s[i + 1], (size_t)(p->n - i - 1) * sizeof(p->s[0]));
	p->n--;
}

void presence_free(struct presence *p)
{
	while (p && p->n > 0)
		drop(p, p->n - 1);
	free_p(&p);
}

static struct session *find_or_add(struct presence *p, const char *id, int64_t wall_ms)
{
	for (int i = 0; i < p->n; i++)
		if (strcmp(p->s[i].id, id) == 0)
			return &p->s[i];
	if (p->n == SESSIONS_MAX)
		drop(p, 0);
	p->s[p->n] = (struct session){ .id = xstrdup(id), .since_ms = wall_ms };
	return &p->s[p->n++];
}

void presence_set(struct presence *p, const char *session, const char *name, const char *role,
		  const char *looking_at, bool dialog, int64_t mono_ms, int64_t wall_ms)
{
	struct session *s = find_or_add(p, session, wall_ms);

	str_replace(&s->name, name);
	str_replace(&s->role, role);
	str_replace(&s->looking_at, looking_at);
	s->dialog = dialog;
	s->seen_ms = mono_ms;
}

void presence_json(struct presence *p, struct jw *w, const char *name, int64_t mono_ms)
{
	for (int i = 0; i < p->n; i++)
		if (mono_ms - p->s[i].seen_ms > FORGET_MS)
			drop(p, i--);
	jw_arr(w, name);
	for (int i = 0; i < p->n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", p->s[i].name);
		jw_str(w, "role", p->s[i].role);
		jw_str(w, "lookingAt", p->s[i].looking_at);
		jw_bool(w, "dialog", p->s[i].dialog);
		jw_time(w, "since", p->s[i].since_ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}
