/*
 * The runbooks of a directory. Files that leave it (links, odd names) are refused; one with
 * errors is left out and its problems are told with those of all others, so that a slip in
 * one file never hides the rest.
 *
 * Also what only the whole shelf can say: ids twice, calls of what is not there, circles.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "runbook/runbook.h"
#include "runbook/settings.h"

enum { FILES_MAX = 2000 };

struct library { struct runbook **v; size_t n; };

static bool is_runbook(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && str_eq(name + n - 5, ".yaml") &&
		!(n > 11 && str_eq(name + n - 11, ".cases.yaml")) && !str_eq(name, "policy.yaml");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_files(const char *dir, char ***ret, struct err *err)
{
	DIR *d = opendir(dir);
	size_t n = 0;
	size_t cap = 0;

	*ret = NULL;
	if (!d) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", dir,
			strerror(errno));
		return 0;
	}
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!is_runbook(e->d_name) || n >= FILES_MAX)
			continue;
		*ret = grow(*ret, &cap, n + 1, sizeof(**ret));
		(*ret)[n++] = xstrdup(e->d_name);
	}
	closedir(d);
	if (n)
		qsort(*ret, n, sizeof(**ret), by_name);
	return n;
}

/* Is the file, links followed, a plain one inside the directory? */
static bool stays_inside(const char *dir, const char *path, struct problems *ret)
{
	_cleanup_(free_p) char *root = realpath(dir, NULL);
	_cleanup_(free_p) char *real = realpath(path, NULL);
	const struct place at = { 1, 1 };
	struct stat st;

	if (!real || !root || stat(real, &st)) {
		problems_add(ret, path, at, false, "%s", strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		problems_add(ret, path, at, false, "not a file");
		return false;
	}
	if (!str_has_prefix(real, root) || real[strlen(root)] != '/') {
		problems_add(ret, path, at, false, "the link leads out of the directory, to %s",
			     real);
		return false;
	}
	return true;
}

static void add(struct library *l, struct runbook *rb, const char *name, struct problems *ret)
{
	const struct runbook *twin = library_find(l, rb->id);
	size_t cap = l->n;

	if (twin) {
		problems_add(ret, rb->file, (struct place){ 1, 1 }, false,
			     "id '%s' is used by %s already", rb->id, twin->file);
		runbook_free(rb);
		return;
	}
	if (strncmp(name, rb->id, strlen(rb->id)) || !str_eq(name + strlen(rb->id), ".yaml"))
		problems_add(ret, rb->file, (struct place){ 1, 1 }, true,
			     "the id is '%s', so the file should be %s.yaml", rb->id, rb->id);
	l->v = grow(l->v, &cap, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = rb;
}

/* ---- calls ---- */
static bool param_known(const struct runbook *rb, const char *name)
{
	for (size_t i = 0; i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, name))
			return true;
	return false;
}

static bool call_fits(const struct library *l, const struct runbook *rb, const struct step *s,
		      struct problems *ret)
{
	const struct runbook *to = library_find(l, s->op.text);
	const char *near = to ? NULL : library_nearest(l, s->op.text);
	bool ok = to != NULL;

	if (!to)
		problems_add(ret, rb->file, s->at, false, "no runbook '%s' to call, or it has"
			     " errors%s%s%s", s->op.text, near ? "; did you mean '" : "",
			     near ? near : "", near ? "'?" : "");
	for (size_t i = 0; to && i < s->op.n_with; i++)
		if (!param_known(to, s->op.with[i].name)) {
			problems_add(ret, rb->file, s->op.with[i].at, false,
				     "runbook '%s' has no parameter '%s'", to->id,
				     s->op.with[i].name);
			ok = false;
		}
	return ok;
}

static bool calls_fit(const struct library *l, const struct runbook *rb, struct problems *ret)
{
	const struct step *s;
	bool ok = true;

	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++)
		if (s->op.verb == VERB_CALL)
			ok &= call_fits(l, rb, s, ret);
	return ok;
}

enum colour { WHITE, GREY, BLACK };

static size_t index_of(const struct library *l, const char *id)
{
	size_t i = 0;

	while (i < l->n && !str_eq(l->v[i]->id, id))
		i++;
	return i;
}

/* Marks in bad every runbook on a circle through `at`; path is the way there. */
static void visit(const struct library *l, size_t at, enum colour *colour, size_t *path,
		  size_t depth, bool *bad, struct problems *ret)
{
	const struct step *s;

	colour[at] = GREY;
	path[depth] = at;
	for (size_t i = 0; (s = runbook_step_at(l->v[at], i, NULL)); i++) {
		size_t to = s->op.verb == VERB_CALL ? index_of(l, s->op.text) : l->n;
		if (to == l->n || colour[to] == BLACK)
			continue;
		if (colour[to] == WHITE) {
			visit(l, to, colour, path, depth + 1, bad, ret);
			continue;
		}
		struct str way = STR_INIT(1000);
		size_t k = 0;
		while (path[k] != to)
			k++;
		for (; k <= depth; k++) {
			str_addf(&way, "%s -> ", l->v[path[k]]->id);
			bad[path[k]] = true;
		}
		problems_add(ret, l->v[at]->file, s->at, false,
			     "runbooks call each other in a circle: %s%s", str_get(&way),
			     s->op.text);
		str_fini(&way);
	}
	colour[at] = BLACK;
}

static bool drop(struct library *l, const bool *bad)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (bad[i])
			runbook_free(l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	bool any = kept < l->n;
	l->n = kept;
	return any;
}

static void check_calls(struct library *l, struct problems *ret)
{
	bool *bad = xcalloc(l->n + 1, sizeof(*bad));
	enum colour *colour = xcalloc(l->n + 1, sizeof(*colour));
	size_t *path = xcalloc(l->n + 1, sizeof(*path));

	for (size_t i = 0; i < l->n; i++)
		if (colour[i] == WHITE)
			visit(l, i, colour, path, 0, bad, ret);
	do { /* who calls one that was dropped goes, too */
		drop(l, bad);
		memset(bad, 0, (l->n + 1) * sizeof(*bad));
		for (size_t i = 0; i < l->n; i++)
			bad[i] = !calls_fit(l, l->v[i], ret);
	} while (drop(l, bad) && (memset(bad, 0, (l->n + 1) * sizeof(*bad)), true));
	free_p(&bad);
	free_p(&colour);
	free_p(&path);
}

struct library *library_load(const char *dir, struct problems *ret, struct err *err)
{
	struct err why = { 0 };
	char **names;
	size_t n = list_files(dir, &names, &why);
	struct library *l;

	if (why.code) {
		if (err)
			*err = why;
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	for (size_t i = 0; i < n; i++) {
		_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, names[i]);
		struct runbook *rb = stays_inside(dir, path, ret) ? runbook_load(path, ret) : NULL;
		if (rb)
			add(l, rb, names[i], ret);
		free_p(&names[i]);
	}
	free_p(&names);
	check_calls(l, ret);
	return l;
}

void library_free(struct library *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		runbook_free(l->v[i]);
	free_p(&l->v);
	free_p(&l);
}

size_t library_count(const struct library *l)
{
	return l->n;
}

const struct runbook *library_at(const struct library *l, size_t i)
{
	return i < l->n ? l->v[i] : NULL;
}

const struct runbook *library_find(const struct library *l, const char *id)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (str_eq(l->v[i]->id, id))
			return l->v[i];
	return NULL;
}

const char *library_nearest(const struct library *l, const char *id)
{
	const char **names = xcalloc(l->n + 1, sizeof(*names));

	for (size_t i = 0; i < l->n; i++)
		names[i] = l->v[i]->id;
	const char *near = str_nearest(id, names, l->n);
	free_p(&names);
	return near;
}

char *runbooks_dir(const struct runbook_settings *s)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;

	if (s && !str_empty(s->dir))
		return xstrdup(s->dir);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	const char *const where[] = { "", "/../runbooks", "/../share/ringdown/runbooks" };
	for (size_t i = 0; i < COUNT_OF(where); i++) {
		char *dir = i ? xasprintf("%s%s", self, where[i]) : xstrdup("runbooks");
		if (!stat(dir, &st) && S_ISDIR(st.st_mode))
			return dir;
		free_p(&dir);
	}
	return xstrdup("/etc/ringdown/runbooks");
}
