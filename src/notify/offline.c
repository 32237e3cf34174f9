/*
 * Telling people while the database is away: mail and Slack to the last known recipients,
 * kept sealed in the state directory and refreshed while the database answers. It reads
 * nothing else and acts on nothing.
 *
 * The same subject goes out once an hour; a new subject at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "notify/internal.h"

#define SEAL_AAD "notify/recipients"
enum { SUBJECTS = 64, HOUR_MS = 3600000, FILE_MAX = 1 << 20, QUEUE_MAX = 32 };

struct said { char subject[80]; int64_t at_ms; };
struct offline {
	struct notifier_deps d;
	char *path;
	char *known;			/* recipients as JSON, as they are on disk */
	struct said said[SUBJECTS];
	int running;
	bool stopping;
	struct task *tasks[QUEUE_MAX];
};

struct offline *offline_new(const struct notifier_deps *d)
{
	struct offline *o = xcalloc(1, sizeof(*o));

	o->d = *d;
	if (d->state_dir)
		o->path = xasprintf("%s/recipients.sealed", d->state_dir);
	return o;
}

void offline_free(struct offline *o)
{
	if (!o)
		return;
	free(o->path);
	free(o->known);
	free(o);
}

/* ---- the sealed copy ----------------------------------------------------------------------- */

static bool write_file(const char *path, const char *text)
{
	_cleanup_(free_p) char *tmp = xasprintf("%s.tmp", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = strlen(text);

	if (fd < 0)
		return false;
	bool ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	return close(fd) == 0 && ok && rename(tmp, path) == 0;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < FILE_MAX) {
		text = xcalloc(1, (size_t)st.st_size + 1);
		if (read(fd, text, (size_t)st.st_size) != st.st_size)
			free_p(&text);
	}
	close(fd);
	return text;
}

void offline_remember(struct offline *o)
{
	struct strlist to = { 0 };
	struct str b = STR_INIT(FILE_MAX);
	struct jw w = JW(&b);
	struct err err = { 0 };

	if (notify_admins(o->d.store, NULL, &to, &err) < 0) {
		strlist_fini(&to);
		return;
	}
	jw_arr(&w, NULL);
	for (size_t i = 0; i < to.n; i++)
		jw_str(&w, NULL, to.v[i]);
	jw_arr_end(&w);
	strlist_fini(&to);
	if (!str_eq(o->known, b.s)) {
		_cleanup_(free_p) char *sealed = o->path && o->d.keys ? seal(o->d.keys, b.s, SEAL_AAD) : NULL;

		if (sealed && !write_file(o->path, sealed))
			log_warn("notify", "%s: %s", o->path, strerror(errno));
		str_replace(&o->known, b.s);
	}
	str_fini(&b);
}

/* Who is known: from memory, else from disk (the engine started without a database). */
static void recipients(struct offline *o, struct strlist *ret)
{
	struct secret *clear = NULL;
	struct err err = { 0 };

	for (size_t i = 0; i < o->d.set->mail_to.n; i++)
		notify_add_once(ret, o->d.set->mail_to.v[i]);
	if (!o->known && o->path && o->d.keys) {
		_cleanup_(free_p) char *sealed = read_file(o->path);

		if (sealed && unseal(o->d.keys, sealed, SEAL_AAD, &clear, &err) == 0)
			o->known = xstrdup(secret_reveal(clear));
		else if (sealed)
			log_warn("notify", "%s: %s", o->path, err.msg);
		secret_free(clear);
	}
	_cleanup_(json_free_p) struct json *list =
		o->known ? json_parse(o->known, strlen(o->known), NULL) : NULL;
	for (const struct json *v = json_first(list); v; v = json_next(v))
		if (json_str(v))
			notify_add_once(ret, json_str(v));
}

/* ---- sending ---------------------------------------------------------------------------------- */

struct shout { struct offline *o; char *subject, *text; int slot; int64_t at_ms; };

static bool shout_one(struct shout *s, const struct channel *c, const char *to)
{
	_cleanup_(free_p) char *id = xasprintf("offline/%s/%s/%lld", s->o->d.engine_id, s->subject,
					       (long long)s->at_ms);
	struct parcel p = {
		.id = id, .event = s->subject, .recipient = to, .created_at_ms = s->at_ms,
		.payload = "{}",
		.say = { .kind = SAY_DATABASE, .subject = s->subject, .text = s->text,
			 .at_ms = s->at_ms, .public_url = s->o->d.public_url,
			 .environment = s->o->d.environment },
	};
	struct refusal why = { 0 };
	struct err err = { 0 };

	if (c->send(&s->o->d, &p, &why, &err) >= 0)
		return true;
	log_warn("notify", "%s without the database: %s", c->name, err.msg);
	return false;
}

static void shout(void *arg)
{
	static const struct channel *const ways[] = { &channel_mail, &channel_slack };
	struct shout *s = arg;
	struct strlist to = { 0 };
	int told = 0;

	for (size_t i = 0; i < COUNT_OF(ways) && !task_cancelled(); i++) {
		if (!ways[i]->configured(s->o->d.set))
			continue;
		strlist_fini(&to);
		to = (struct strlist){ 0 };
		if (ways[i] == &channel_mail)
			recipients(s->o, &to);
		else
			strlist_add(&to, "");
		for (size_t k = 0; k < to.n && !task_cancelled(); k++)
			told += shout_one(s, ways[i], to.v[k]);
	}
	strlist_fini(&to);
	log_warn("notify", "%s: %d told without the database", s->subject, told);
}

static void shout_done(void *arg)
{
	struct shout *s = arg;

	s->o->tasks[s->slot] = NULL;
	s->o->running--;
	free(s->subject);
	free(s->text);
	free(s);
}

/* Once a subject and hour; the oldest entry makes room. */
static bool said_lately(struct offline *o, const char *subject, int64_t now)
{
	struct said *oldest = &o->said[0];

	for (size_t i = 0; i < SUBJECTS; i++) {
		struct said *x = &o->said[i];

		if (x->at_ms && strncmp(x->subject, subject, sizeof(x->subject) - 1) == 0) {
			if (now - x->at_ms < HOUR_MS)
				return true;
			x->at_ms = now;
			return false;
		}
		if (x->at_ms < oldest->at_ms)
			oldest = x;
	}
	snprintf(oldest->subject, sizeof(oldest->subject), "%s", subject);
	oldest->at_ms = now;
	return false;
}

void offline_say(struct offline *o, const char *subject, const char *text)
{
	/* + 1: 0 marks a free entry */
	int64_t now = loop_now_ms(o->d.loop) + 1;
	int slot = 0;

	while (slot < QUEUE_MAX && o->tasks[slot])
		slot++;
	if (o->stopping || slot == QUEUE_MAX || said_lately(o, subject, now))
		return;
	struct shout *s = xcalloc(1, sizeof(*s));

	*s = (struct shout){ o, xstrdup(subject), xstrdup(text), slot, loop_wall_ms(o->d.loop) };
	o->running++;
	o->tasks[slot] = task_start(o->d.loop, "notify-offline", shout, s, shout_done);
}

void offline_stop(struct offline *o)
{
	o->stopping = true;
	for (int i = 0; i < QUEUE_MAX; i++)
		if (o->tasks[i])
			task_cancel(o->tasks[i]);
}

bool offline_idle(const struct offline *o)
{
	return o->running == 0;
}
