/*
 * See draft.h. Files of mode 0600 that are replaced as a whole, so that a console killed at any
 * instant leaves the text before or the text after. It knows nothing of what stands in them.
 */
#include "views/draft.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

/* NULL = there is no place for it. */
static char *path_of(const struct app *a, const char *name)
{
	return a->state_dir && !strchr(name, '/') ? xasprintf("%s/%s.json", a->state_dir, name)
						  : NULL;
}

static bool write_all(const char *path, const char *s, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t k = 1;

	while (fd >= 0 && n && (k = write(fd, s, n)) > 0) {
		s += k;
		n -= (size_t)k;
	}
	return fd >= 0 && close(fd) == 0 && k > 0;
}

bool draft_write(const struct app *a, const char *name, const struct str *text)
{
	_cleanup_(free_p) char *path = path_of(a, name), *tmp = NULL;
	bool good;

	if (!path || text->full)
		return false;
	tmp = xasprintf("%s.%d", path, (int)getpid());
	good = write_all(tmp, str_get(text), text->len) && rename(tmp, path) == 0;
	if (!good)
		unlink(tmp);
	return good;
}

struct json *draft_read(const struct app *a, const char *name, size_t max)
{
	_cleanup_(free_p) char *path = path_of(a, name);
	_cleanup_(str_fini) struct str b = STR_INIT(max);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	char buf[8192];
	ssize_t k;

	if (fd < 0)
		return NULL;
	while ((k = read(fd, buf, sizeof(buf))) > 0)
		str_addn(&b, buf, (size_t)k);
	close(fd);
	return b.full ? NULL : json_parse(str_get(&b), b.len, NULL);
}

bool draft_waits(const struct app *a, const char *name)
{
	_cleanup_(free_p) char *path = path_of(a, name);

	return path && access(path, F_OK) == 0;
}

void draft_drop(const struct app *a, const char *name)
{
	_cleanup_(free_p) char *path = path_of(a, name);

	if (path)
		unlink(path);
}
