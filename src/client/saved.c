/*
 * The copy of the last known state on disk, one file for each list of engines: read at the
 * start, so that the first picture shows something with its age; written at most every
 * 10 s after changes. Beside it the last answers (kept.c).
 *
 * Invariants: at most 2 MiB are read or written; the file is ours alone (0600), replaced
 * whole, and holds no living secret. Nothing is flushed to the disk here: a copy lost with
 * the machine is no loss.
 */
#include "client/internal.h"

#include "core/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EVERY_MS = 10000,
	SIZE_MAX_BYTES = 2 << 20,
};

struct saved {
	struct client *client;
	struct timer timer;
	char *path, *kept_path;		/* of the state; of the last answers */
};

/* ---- reading ------------------------------------------------------------------------------ */

/* One name for each list of engines. */
static char *path_of(const struct client *c)
{
	uint64_t h = HASH_START;

	for (size_t i = 0; i < c->n_apis; i++)
		h = hash_add(hash_add_text(h, c->apis[i]), '\n');
	if (c->n_apis == 0)
		h = hash_add_text(h, c->database);
	return xasprintf("%s/console-%016llx.json", c->state_dir, (unsigned long long)h);
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

static bool read_file(const char *path, struct str *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool good;

	if (fd < 0)
		return false;
	good = usable(fd) && read_all(fd, ret);
	close(fd);
	return good;
}

static void load(struct saved *s)
{
	struct str text = STR_INIT(SIZE_MAX_BYTES), kept = STR_INIT(SIZE_MAX_BYTES);
	struct client *c = s->client;

	if (read_file(s->path, &text) &&
	    state_load_text(&c->state, str_get(&text), text.len, NULL) == 0) {
		client_set_link(c, LINK_SAVED);
		if (read_file(s->kept_path, &kept))
			kept_read(c, &kept);
	}
	str_fini(&text);
	str_fini(&kept);
}

/* ---- writing ------------------------------------------------------------------------------- */

struct limits {
	size_t bytes, accounts, events, tests, gates, entries, messages, alerts;
};
/* A copy is read before the first frame, so it should be small; the second is for states
 * that are huge. */
static const struct limits limits[] = {
	{ 384 << 10, 400, 30, 5, 10, 60, 40, 40 },
	{ SIZE_MAX_BYTES, 1000, 10, 1, 0, 20, 10, 10 },
};

static void cap(size_t *n, size_t max)
{
	if (*n > max)
		*n = max;
}

/* Open events first, as many as fit, then the newest closed ones. */
static void pick_events(struct state *v, const struct limits *l)
{
	const struct event *all = v->events;
	size_t n = 0, count = v->n_events;

	v->events = xcalloc(l->events, sizeof(*v->events));
	for (int open = 1; open >= 0; open--)
		for (size_t i = 0; i < count && n < l->events; i++)
			if (event_status_open(all[i].status) == open)
				v->events[n++] = all[i];
	v->n_events = n;
	for (size_t i = 0; i < n; i++) {
		struct event *e = &v->events[i];

		if (e->n_tests > l->tests) { /* the newest are last */
			e->tests += e->n_tests - l->tests;
			e->n_tests = l->tests;
		}
	}
}

static bool render_within(const struct state *s, const struct limits *l, struct str *out)
{
	struct state v = *s; /* shares all memory but the list of events */

	cap(&v.n_accounts, l->accounts);
	cap(&v.n_gates, l->gates);
	cap(&v.n_entries, l->entries);
	cap(&v.n_messages, l->messages);
	cap(&v.n_alerts, l->alerts);
	v.n_people = 0;
	pick_events(&v, l);
	*out = STR_INIT(l->bytes);
	state_json(&JW(out), NULL, &v);
	redact(out);
	free_p(&v.events);
	return !out->full;
}

static bool render(const struct state *s, struct str *out)
{
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		if (render_within(s, &limits[i], out))
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

static void write_file(const char *path, const struct str *text)
{
	_cleanup_(free_p) char *tmp = xasprintf("%s.%lld.tmp", path, (long long)getpid());
	int fd;
	bool good;

	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	good = fd >= 0 && write_all(fd, text);
	if (fd >= 0 && close(fd) < 0)
		good = false;
	if (!good || rename(tmp, path) < 0)
		unlink(tmp);
}

static void save(struct saved *s)
{
	struct str text, kept = STR_INIT(SIZE_MAX_BYTES);

	if (!render(&s->client->state, &text))
		return;
	mkdir(s->client->state_dir, 0700);
	write_file(s->path, &text);
	str_fini(&text);
	if (s->client->n_kept) {
		kept_json(s->client, &JW(&kept));
		redact(&kept);
		if (!kept.full)
			write_file(s->kept_path, &kept);
	}
	str_fini(&kept);
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
	s->kept_path = xasprintf("%s.answers", s->path);
	load(s);
}

void saved_close(struct client *c)
{
	kept_fini(c);
	if (!c->saved)
		return;
	timer_stop(&c->saved->timer);
	str_replace(&c->saved->path, NULL);
	str_replace(&c->saved->kept_path, NULL);
	free_p(&c->saved);
	c->saved = NULL;
}
