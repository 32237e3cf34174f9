/*
 * The intent log; see intent.h. Lines are JSON arrays, so that no text can break them.
 * A file that has grown past a cap becomes the old one, and the one before that goes: rows
 * that old are in the database many times over. It is never read while an attempt runs.
 *
 * Invariant: intent_sync returns 0 only when every line added before the call is on disk.
 * The worker thread sees one struct job and nothing else.
 */
#include "failover/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/task.h"

enum { KEEP_BYTES = 16 << 20, LINE_MAX_BYTES = 1 << 20 };

struct intent_log {
	int fd;
	char *path;
	bool torn;			/* the file ends inside a line: no other may follow it */
	struct str buffer;		/* not given to a worker yet */
	off_t size, keep;
	int64_t added, synced;		/* lines */
	bool busy;			/* a worker is at it */
	struct condition changed;
};

struct intent_log *intent_open(const char *dir, const char *database, struct err *err)
{
	struct intent_log *l = xcalloc(1, sizeof(*l));

	l->fd = -1;
	l->keep = KEEP_BYTES;
	l->buffer = STR_INIT(STR_MAX_DEFAULT);
	if (!dir)
		return l;
	char *path = l->path = xasprintf("%s/intent-%s.log", dir, database);
	l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;
	if (l->fd < 0 || fstat(l->fd, &st) < 0) {
		err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
		intent_close(l);
		return NULL;
	}
	l->size = st.st_size;
	return l;
}

void intent_close(struct intent_log *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	str_fini(&l->buffer);
	free_p(&l->path);
	free_p(&l);
}

void intent_add(struct intent_log *l, const struct intent *i)
{
	if (!l || l->fd < 0)
		return;
	struct jw w = JW(&l->buffer);

	jw_arr(&w, NULL);
	jw_i64(&w, NULL, i->at_ms);
	jw_i64(&w, NULL, i->epoch);
	jw_str(&w, NULL, i->event);
	jw_str(&w, NULL, i->agent ? i->agent : "");
	jw_str(&w, NULL, i->kind);
	jw_str(&w, NULL, i->subject ? i->subject : "");
	jw_raw(&w, NULL, i->before);
	jw_raw(&w, NULL, i->after);
	jw_arr_end(&w);
	str_addc(&l->buffer, '\n');
	l->added++;
}

/* ---- writing --------------------------------------------------------------------------- */

struct job {
	int fd, error;			/* errno of what failed, 0 */
	const char *path;
	bool turn;			/* begin a new file; the one before is kept */
	struct str text;
	size_t done;
};

static bool name_is_on_disk(const char *path)
{
	_cleanup_(free_p) char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	int fd, r;

	if (slash)
		*slash = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return r == 0;
}

/* The newest lines may be all that is known of writes whose commits a standby lost: they stay
 * readable until as many again have followed. What fails here leaves the file as it is. */
static bool turn_over(struct job *j)
{
	_cleanup_(free_p) char *old = xasprintf("%s.old", j->path);
	_cleanup_(free_p) char *next = xasprintf("%s.new", j->path);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	if (rename(j->path, old) < 0 || rename(next, j->path) < 0 || !name_is_on_disk(j->path)) {
		rename(old, j->path);
		close(fd);
		return false;
	}
	close(j->fd);
	j->fd = fd;
	return true;
}

/* In a worker thread. */
static void write_job(void *arg)
{
	struct job *j = arg;
	const char *p = str_get(&j->text);

	j->turn = j->turn && turn_over(j);
	while (j->done < j->text.len) {
		ssize_t n = write(j->fd, p + j->done, j->text.len - j->done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			j->error = errno;
			return;
		}
		j->done += (size_t)n;
	}
	if (fdatasync(j->fd) < 0)
		j->error = errno;
}

/* What could not be written goes in front of what came meanwhile. */
static void put_back(struct intent_log *l, const struct job *j)
{
	struct str both = STR_INIT(STR_MAX_DEFAULT);

	str_add(&both, str_get(&j->text) + j->done);
	str_add(&both, str_get(&l->buffer));
	str_fini(&l->buffer);
	l->buffer = both;
}

static int write_all(struct intent_log *l, struct err *err)
{
	struct job j = { .fd = l->fd, .path = l->path, .text = l->buffer,
			 .turn = l->size > l->keep && !l->torn };
	int64_t upto = l->added;

	l->buffer = STR_INIT(STR_MAX_DEFAULT);
	l->busy = true;
	task_work(write_job, &j);
	l->busy = false;
	l->fd = j.fd;
	l->size = (j.turn ? 0 : l->size) + (off_t)j.done;
	l->torn = j.done ? str_get(&j.text)[j.done - 1] != '\n' : l->torn;
	if (j.error)
		put_back(l, &j);
	else
		l->synced = upto;
	str_fini(&j.text);
	condition_wake(&l->changed);
	return j.error ? err_set(err, ERR_SYSTEM, "intent log: %s", strerror(j.error)) : 0;
}

int intent_sync(struct intent_log *l, struct err *err)
{
	int r = 0;

	if (!l || l->fd < 0)
		return 0;
	for (int64_t upto = l->added; r == 0 && l->synced < upto;) {
		if (!l->busy)
			r = write_all(l, err);
		else if (condition_wait(&l->changed, -1) == OP_CANCELLED)
			r = err_set(err, ERR_CANCELLED, "stopped");
	}
	return r;
}

/* ---- reading ----------------------------------------------------------------------------- */

static char *raw_text(const struct json *v)
{
	struct str b = STR_INIT(LINE_MAX_BYTES);
	struct jw w = JW(&b);

	if (!v || json_type(v) != JSON_OBJECT)
		return NULL;
	jw_json(&w, NULL, v);
	return str_take(&b);
}

static void read_line(const char *line, void (*fn)(void *ctx, const struct intent *i), void *ctx)
{
	_cleanup_(json_free_p) struct json *v = json_parse(line, strlen(line), NULL);
	const struct json *e[8] = { 0 };
	int n = 0;

	for (const struct json *x = json_first(v); x && n < 8; x = json_next(x))
		e[n++] = x;
	if (n < 6)
		return;
	_cleanup_(free_p) char *before = raw_text(e[6]);
	_cleanup_(free_p) char *after = raw_text(e[7]);
	fn(ctx, &(struct intent){ .at_ms = json_i64(e[0], 0), .epoch = json_i64(e[1], 0),
				  .event = json_str(e[2]), .agent = json_str(e[3]),
				  .kind = json_str(e[4]), .subject = json_str(e[5]),
				  .before = before, .after = after });
}

static int read_file(const char *path, void (*fn)(void *ctx, const struct intent *i), void *ctx,
		     struct err *err)
{
	_cleanup_(free_p) char *line = xcalloc(1, LINE_MAX_BYTES);
	FILE *f = fopen(path, "re");

	if (!f)
		return errno == ENOENT ? 0 :
					 err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	while (fgets(line, LINE_MAX_BYTES, f))
		read_line(line, fn, ctx);
	fclose(f);
	return 0;
}

int intent_read(const char *dir, const char *database,
		void (*fn)(void *ctx, const struct intent *i), void *ctx, struct err *err)
{
	_cleanup_(free_p) char *path = xasprintf("%s/intent-%s.log", dir, database);
	_cleanup_(free_p) char *old = xasprintf("%s.old", path);
	int r = read_file(old, fn, ctx, err);

	return r < 0 ? r : read_file(path, fn, ctx, err);
}

void intent_keep(struct intent_log *l, int64_t bytes)
{
	l->keep = (off_t)bytes;
}

/* ---- how far it was merged ----------------------------------------------------------------- */

int64_t intent_merged(const char *dir, const char *database)
{
	_cleanup_(free_p) char *path = xasprintf("%s/intent-%s.merged", dir, database);
	FILE *f = fopen(path, "re");
	char text[32] = "";
	int64_t timeline = 0;

	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		if (!parse_i64(text, 1, INT64_MAX, &timeline))
			timeline = 0;
	}
	fclose(f);
	return timeline;
}

int intent_merged_put(const char *dir, const char *database, int64_t timeline, struct err *err)
{
	_cleanup_(free_p) char *path = xasprintf("%s/intent-%s.merged", dir, database);
	_cleanup_(free_p) char *next = xasprintf("%s.new", path);
	FILE *f = fopen(next, "we");
	bool good = f != NULL;

	if (f) {
		good = fprintf(f, "%lld\n", (long long)timeline) > 0 && fflush(f) == 0 &&
		       fsync(fileno(f)) == 0;
		good = fclose(f) == 0 && good;
	}
	if (!good || rename(next, path) < 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	return 0;
}
