/*
 * Telling people while the database is away: mail and Slack to the last known recipients,
 * kept sealed in the state directory and refreshed while the database answers. It reads
 * nothing else and acts on nothing.
 *
 * The same subject goes out once an hour; a new subject at once. Of several engines the
 * one that led last speaks; the others do when it does not answer. Without the database
 * that is all they can agree on: cut off from each other as well, each of them tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/http.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "notify/internal.h"

#define SEAL_AAD "notify/recipients"
enum { SUBJECTS = 64, HOUR_MS = 3600000, FILE_MAX = 1 << 20, QUEUE_MAX = 32, ASK_MS = 3000,
       ASK_EVERY_MS = 15000 };

struct said { char subject[80]; int64_t at_ms; };
struct offline {
	struct notifier_deps d;
	char *path;
	char *known;			/* recipients as JSON, as they are on disk */
	struct said said[SUBJECTS];
	int running;
	bool stopping;
	int64_t overs;			/* times that a reason to wait went away */
	struct condition over;
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
		_cleanup_(free_p) char *sealed = o->path && o->d.keys ?
			seal(o->d.keys, b.s, SEAL_AAD) : NULL;

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

/* ---- sending -------------------------------------------------------------------- */

struct shout { struct offline *o; char *subject, *text; int slot; int64_t at_ms, overs; bool waits;
	       };

/* Does the engine that speaks first answer? Whatever it says: it runs, and tells people itself. */
static bool another_speaks(struct offline *o)
{
	const char *at = o->d.speaker ? o->d.speaker(o->d.speaker_ctx) : NULL;
	struct http_reply r;

	if (str_empty(at))
		return false;
	_cleanup_(free_p) char *url = xasprintf("%s/healthz", at);
	struct http_request req = { .method = "GET", .url = url, .timeout_ms = ASK_MS,
				    .max_body = 65536 };
	http_fetch(o->d.http, &req, &r);
	bool yes = r.result == HTTP_DONE && r.status < 500;
	http_reply_fini(&r);
	return yes;
}

static struct said *said_of(struct offline *o, const char *subject)
{
	for (size_t i = 0; i < SUBJECTS; i++)
		if (o->said[i].at_ms &&
		    strncmp(o->said[i].subject, subject, sizeof(o->said[i].subject) - 1) == 0)
			return &o->said[i];
	return NULL;
}

/* False: it need not be said by us any more. */
static bool our_turn(struct shout *s)
{
	struct offline *o = s->o;
	struct said *x;

	while (s->waits && !task_cancelled() && another_speaks(o)) {
		if (o->overs == s->overs)
			condition_wait(&o->over, ASK_EVERY_MS);
		if (o->overs == s->overs && !task_cancelled())
			continue;
		if ((x = said_of(o, s->subject)))
			x->at_ms = 0;
		return false;
	}
	return !task_cancelled();
}

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

	if (!our_turn(s))
		return;
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
	struct said *x = said_of(o, subject), *oldest = &o->said[0];

	if (x && now - x->at_ms < HOUR_MS)
		return true;
	for (size_t i = 0; i < SUBJECTS; i++)
		if (o->said[i].at_ms < oldest->at_ms)
			oldest = &o->said[i];
	x = x ? x : oldest;
	snprintf(x->subject, sizeof(x->subject), "%s", subject);
	x->at_ms = now;
	return false;
}

bool offline_said(const struct offline *o, const char *subject)
{
	for (int i = 0; i < QUEUE_MAX; i++)
		if (o->tasks[i])
			return false; /* it may still be waiting for its turn */
	return said_of((struct offline *)(uintptr_t)o, subject) != NULL;
}

void offline_over(struct offline *o)
{
	o->overs++;
	condition_wake(&o->over);
}

void offline_public_url(struct offline *o, const char *url)
{
	o->d.public_url = url;
}

void offline_say(struct offline *o, const char *subject, const char *text, bool waits)
{
	/* + 1: 0 marks a free entry */
	int64_t now = loop_now_ms(o->d.loop) + 1;
	int slot = 0;

	while (slot < QUEUE_MAX && o->tasks[slot])
		slot++;
	if (o->stopping || slot == QUEUE_MAX || said_lately(o, subject, now))
		return;
	struct shout *s = xcalloc(1, sizeof(*s));

	*s = (struct shout){ .o = o, .subject = xstrdup(subject), .text = xstrdup(text),
			     .slot = slot,
			     .at_ms = loop_wall_ms(o->d.loop), .overs = o->overs, .waits = waits };
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
