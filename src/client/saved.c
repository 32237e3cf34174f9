/*
 * The copy of the last known state on disk, one file for each list of engines: read at the
 * start, so that the first picture shows something with its age; written at most every
 * 10 s after changes.
 *
 * Invariants: at most 2 MiB are read or written; the file is ours alone (0600), replaced
 * whole, and holds no living secret. Nothing is flushed to the disk here: a copy lost with
 * the machine is no loss.
 */
#include "client/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EVERY_MS = 10000,
	SIZE_MAX_BYTES = 2 << 20,
	KEEP_ENTRIES = 100, KEEP_EVENTS = 100, KEEP_MESSAGES = 100, KEEP_ALERTS = 200,
	KEEP_FEW = 20,
};

struct saved {
	struct client *client;
	struct timer timer;
	char *path;
};

/* ---- reading ------------------------------------------------------------------------------ */

static char *path_of(const struct client *c)
{
	struct str key = STR_INIT(65536);
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < c->n_apis; i++)
		str_addf(&key, "%s\n", c->apis[i]);
	if (c->n_apis == 0)
		str_add(&key, c->database);
	sha256_hex(str_get(&key), key.len, hex);
	str_fini(&key);
	return xasprintf("%s/console-%.16s.json", c->state_dir, hex);
}

static bool read_all(int fd, struct str *out)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		str_addn(out, buf, (size_t)n);
	return n == 0 && !out->full;
}

/* Ours, a file, and small: anything else is left alone. */
static bool usable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_size <= SIZE_MAX_BYTES;
}

static void load(struct saved *s)
{
	struct client *c = s->client;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct str text = STR_INIT(SIZE_MAX_BYTES);
	struct json *doc = NULL;

	if (fd < 0)
		return;
	if (usable(fd) && read_all(fd, &text))
		doc = json_parse(str_get(&text), text.len, NULL);
	close(fd);
	if (doc && state_load(&c->state, doc, NULL) == 0)
		client_set_link(c, LINK_SAVED);
	json_free(doc);
	str_fini(&text);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void cap(size_t *n, size_t max)
{
	if (*n > max)
		*n = max;
}

/* A view of the state with shorter lists; shares all memory with it. */
static struct state shortened(const struct state *s, bool few)
{
	struct state v = *s;

	cap(&v.n_entries, few ? KEEP_FEW : KEEP_ENTRIES);
	cap(&v.n_events, few ? KEEP_FEW : KEEP_EVENTS);
	cap(&v.n_messages, few ? KEEP_FEW : KEEP_MESSAGES);
	cap(&v.n_alerts, few ? KEEP_FEW : KEEP_ALERTS);
	v.n_people = 0;
	return v;
}

static bool render(const struct state *s, struct str *out)
{
	for (int few = 0; few < 2; few++) {
		struct state v = shortened(s, few);

		*out = STR_INIT(SIZE_MAX_BYTES);
		state_json(&JW(out), NULL, &v);
		redact(out);
		if (!out->full)
			return true;
		str_fini(out);
	}
	return false;
}

static bool write_all(int fd, const struct str *text)
{
	size_t at = 0;

	while (at < text->len) {
		ssize_t n = write(fd, text->s + at, text->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static void save(struct saved *s)
{
	_cleanup_(free_p) char *tmp = xasprintf("%s.%lld.tmp", s->path, (long long)getpid());
	struct str text;
	int fd;
	bool good;

	if (!render(&s->client->state, &text))
		return;
	mkdir(s->client->state_dir, 0700);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	good = fd >= 0 && write_all(fd, &text);
	if (fd >= 0 && close(fd) < 0)
		good = false;
	if (!good || rename(tmp, s->path) < 0)
		unlink(tmp);
	str_fini(&text);
}

static void on_timer(struct timer *t)
{
	save(t->user);
}

void saved_soon(struct client *c)
{
	if (c->saved && !timer_active(&c->saved->timer))
		timer_start(c->loop, &c->saved->timer, EVERY_MS, on_timer);
}

/* ---- life ------------------------------------------------------------------------------------ */

void saved_open(struct client *c)
{
	struct saved *s;

	if (!c->state_dir)
		return;
	s = c->saved = xcalloc(1, sizeof(*s));
	s->client = c;
	s->timer = TIMER_INIT;
	s->timer.user = s;
	s->path = path_of(c);
	load(s);
}

void saved_close(struct client *c)
{
	if (!c->saved)
		return;
	timer_stop(&c->saved->timer);
	str_replace(&c->saved->path, NULL);
	free_p(&c->saved);
	c->saved = NULL;
}
