/*
 * The intent log; see intent.h. Lines are JSON arrays, so that no text can break them.
 * The file is cut when it has grown past a cap and nothing is buffered: rows that old are
 * in the database many times over. It is never read while an attempt runs.
 */
#include "failover/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/mem.h"

enum { KEEP_BYTES = 16 << 20 };

struct intent_log {
	int fd;
	struct str buffer;
	off_t size;
};

struct intent_log *intent_open(const char *dir, const char *database, struct err *err)
{
	struct intent_log *l = xcalloc(1, sizeof(*l));

	l->fd = -1;
	l->buffer = STR_INIT(STR_MAX_DEFAULT);
	if (!dir)
		return l;
	_cleanup_(free_p) char *path = xasprintf("%s/intent-%s.log", dir, database);
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
	free_p(&l);
}

void intent_add(struct intent_log *l, int64_t at_ms, int64_t epoch, const char *event,
		const char *agent, const char *kind, const char *subject)
{
	struct jw w = JW(&l->buffer);

	if (!l || l->fd < 0)
		return;
	jw_arr(&w, NULL);
	jw_i64(&w, NULL, at_ms);
	jw_i64(&w, NULL, epoch);
	jw_str(&w, NULL, event);
	jw_str(&w, NULL, agent ? agent : "");
	jw_str(&w, NULL, kind);
	jw_str(&w, NULL, subject ? subject : "");
	jw_arr_end(&w);
	str_addc(&l->buffer, '\n');
}

int intent_sync(struct intent_log *l, struct err *err)
{
	if (!l || l->fd < 0 || !l->buffer.len)
		return 0;
	const char *p = str_get(&l->buffer);
	size_t left = l->buffer.len;

	if (l->size > KEEP_BYTES && ftruncate(l->fd, 0) == 0)
		l->size = 0;
	while (left) {
		ssize_t n = write(l->fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_SYSTEM, "intent log: %s", strerror(errno));
		p += n;
		left -= (size_t)n;
		l->size += n;
	}
	str_clear(&l->buffer);
	if (fdatasync(l->fd) < 0)
		return err_set(err, ERR_SYSTEM, "intent log: %s", strerror(errno));
	return 0;
}

int intent_read(const char *dir, const char *database, int64_t after_epoch,
		void (*fn)(void *ctx, int64_t at_ms, int64_t epoch, const char *event,
			   const char *agent, const char *kind, const char *subject),
		void *ctx, struct err *err)
{
	_cleanup_(free_p) char *path = xasprintf("%s/intent-%s.log", dir, database);
	FILE *f = fopen(path, "re");
	char line[2048];

	if (!f)
		return errno == ENOENT ? 0 :
					 err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		_cleanup_(json_free_p) struct json *v = json_parse(line, strlen(line), NULL);
		const struct json *e[6];
		int n = 0;

		for (const struct json *x = json_first(v); x && n < 6; x = json_next(x))
			e[n++] = x;
		if (n == 6 && json_i64(e[1], 0) > after_epoch)
			fn(ctx, json_i64(e[0], 0), json_i64(e[1], 0), json_str(e[2]),
			   json_str(e[3]), json_str(e[4]), json_str(e[5]));
	}
	fclose(f);
	return 0;
}
