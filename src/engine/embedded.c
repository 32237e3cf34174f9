/*
 * A private PostgreSQL cluster on a unix socket, started, joined and stopped.
 *
 * Layout under the state directory: pg/data (the cluster), pg/log, pg/lock (held while
 * someone decides whether to start), pg/run (the socket, unless its path is too long).
 * initdb works beside and is renamed into place, so a half-made cluster is never used.
 * The server is our child and gets SIGTERM when we die; a server that another program
 * started for the same directory is joined and left alone at the end.
 *
 * Nothing here blocks the loop: programs run through core/proc, waits are task_sleep.
 */
#include "engine/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/pg.h"
#include "core/proc.h"
#include "core/str.h"
#include "core/task.h"

/* sun_path holds 108 bytes with the NUL; the server adds "/.s.PGSQL.5432". */
enum { SOCKET_DIR_MAX = 107 - 14 };
enum { START_MS = 60000, LOCK_MS = 90000, STOP_MS = 4000, AT_ONCE_MS = 2000, POLL_MS = 50,
       INITDB_MS = 180000 };

struct embedded {
	struct loop *loop;
	char *base, *data, *run, *log;
	char *bin;
	char *url, *admin_url;
	const char *user;		/* server's user when we are root, else NULL */
	uid_t uid;
	gid_t gid;
	struct proc *server;		/* NULL = someone else's */
	bool passing;
	bool run_is_ours;		/* a short directory made for the socket */
};

/* ---- places ----------------------------------------------------------------------- */

static int find_programs(struct embedded *e, struct err *err)
{
	static const char *const places[] = { "/usr/lib/postgresql/15/bin",
		"/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin",
		"/usr/lib/postgresql/14/bin" };
	_cleanup_(free_p) char *path = xstrdup(getenv("PATH"));
	char *rest = path, *dir;

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		_cleanup_(free_p) char *p = xasprintf("%s/initdb", places[i]);

		if (access(p, X_OK) == 0) {
			e->bin = xstrdup(places[i]);
			return 0;
		}
	}
	while (rest && (dir = strsep(&rest, ":"))) {
		_cleanup_(free_p) char *p = xasprintf("%s/initdb", dir);
		_cleanup_(free_p) char *q = xasprintf("%s/postgres", dir);

		if (dir[0] == '/' && access(p, X_OK) == 0 && access(q, X_OK) == 0) {
			e->bin = xstrdup(dir);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND,
		       "no PostgreSQL server programs (initdb, postgres): install package"
		       " postgresql");
}

static int find_user(struct embedded *e, struct err *err)
{
	struct passwd *pw;

	e->uid = geteuid();
	e->gid = getegid();
	if (e->uid != 0)
		return 0;
	e->user = "postgres";
	pw = getpwnam(e->user);
	if (!pw) {
		e->user = "nobody";
		pw = getpwnam(e->user);
	}
	if (!pw)
		return err_set(err, ERR_NOT_FOUND,
			       "PostgreSQL does not run as root, and there is no user postgres or"
			       " nobody");
	e->uid = pw->pw_uid;
	e->gid = pw->pw_gid;
	return 0;
}

/* Can the server's user get to this directory? */
static bool reachable(const struct embedded *e, const char *dir)
{
	_cleanup_(free_p) char *path = xstrdup(dir);

	for (char *p = path + 1;; p++) {
		struct stat st;
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (stat(path, &st) == 0) {
			mode_t need = st.st_uid == e->uid ? S_IXUSR : st.st_gid == e->gid ?
				S_IXGRP : S_IXOTH;

			if (!(st.st_mode & need))
				return false;
		}
		*p = was;
		if (was == '\0')
			return true;
	}
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	_cleanup_(free_p) char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			return err_set(err, ERR_SYSTEM, "%s: %s", copy, strerror(errno));
		*p = '/';
	}
	if (mkdir(copy, mode) != 0 && errno != EEXIST)
		return err_set(err, ERR_SYSTEM, "%s: %s", copy, strerror(errno));
	return 0;
}

/* A directory of the server's user alone; refuses what others could have put there. */
static int own_dir(const struct embedded *e, const char *path, struct err *err)
{
	struct stat st;
	int r = make_dir(path, 0700, err);

	if (r < 0)
		return r;
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_SYSTEM, "%s is not a directory", path);
	if (e->user && st.st_uid == 0 && lchown(path, e->uid, e->gid) != 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	if (lstat(path, &st) != 0 || st.st_uid != e->uid)
		return err_set(err, ERR_DENIED, "%s belongs to another user", path);
	if (chmod(path, 0700) != 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	return 0;
}

static void short_hash(const char *s, char ret[13])
{
	char hex[65];

	sha256_hex(s, strlen(s), hex);
	snprintf(ret, 13, "%.12s", hex);
}

static char *socket_dir(const struct embedded *e, bool *ret_made)
{
	char *dir = xasprintf("%s/run", e->base);
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char hash[13];

	*ret_made = false;
	if (strlen(dir) <= SOCKET_DIR_MAX && !strchr(dir, ','))
		return dir;
	*ret_made = true;
	short_hash(e->base, hash);
	free(dir);
	if (!e->user && !str_empty(runtime) && strlen(runtime) < 60 && !strchr(runtime, ','))
		return xasprintf("%s/ringdown-%s", runtime, hash);
	return xasprintf("/tmp/ringdown-%d-%s", (int)e->uid, hash);
}

static int find_places(struct embedded *e, const char *dir, struct err *err)
{
	_cleanup_(free_p) char *absolute = NULL;
	char hash[13];
	struct str url = STR_INIT(4000);
	int r;

	r = make_dir(dir, 0755, err);
	if (r < 0)
		return r;
	absolute = realpath(dir, NULL);
	if (!absolute)
		return err_set(err, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
	e->base = xasprintf("%s/pg", absolute);
	/* root's own directories are closed to the server's user */
	if (e->user && !reachable(e, absolute)) {
		short_hash(absolute, hash);
		free(e->base);
		e->base = xasprintf("/var/lib/ringdown/%s", hash);
	}
	e->data = xasprintf("%s/data", e->base);
	e->log = xasprintf("%s/log", e->base);
	e->run = socket_dir(e, &e->run_is_ours);
	r = own_dir(e, e->base, err);
	if (r == 0)
		r = own_dir(e, e->run, err);
	str_add_urlencoded(&url, e->run);
	e->url = xasprintf("postgresql://ringdown@/ringdown?host=%s", str_get(&url));
	e->admin_url = xasprintf("postgresql://ringdown@/postgres?host=%s", str_get(&url));
	str_fini(&url);
	return r;
}

/* ---- programs --------------------------------------------------------------------- */

static int open_log(const struct embedded *e)
{
	int fd = open(e->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && e->user && fchown(fd, e->uid, e->gid) != 0)
		errno = 0; /* the log stays root's; the server only inherits it */
	return fd;
}

/* The last line of the server's log that says what is wrong. */
static void log_tail(const struct embedded *e, char *ret, size_t n)
{
	char buf[4096], *line, *rest = buf;
	int fd = open(e->log, O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ssize_t got = 0;

	snprintf(ret, n, "see %s", e->log);
	if (fd >= 0 && size > 0) {
		off_t from = size > (off_t)sizeof(buf) - 1 ? size - (off_t)sizeof(buf) + 1 : 0;

		got = pread(fd, buf, sizeof(buf) - 1, from);
	}
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return;
	buf[got] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (strstr(line, "FATAL:") || strstr(line, "ERROR:") || strstr(line, "error:"))
			snprintf(ret, n, "%.200s (%s)", line, e->log);
}

static struct proc *start_program(const struct embedded *e, const char *const *argv, bool tied,
				  struct err *err)
{
	int fd = open_log(e);
	struct proc_options o = { .argv = argv, .cwd = e->base, .user = e->user, .stdout_fd = fd,
				  .stderr_fd = fd, .die_with_parent = tied };
	struct proc *p = proc_start(e->loop, &o, NULL, NULL, err);

	if (fd >= 0)
		close(fd);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path);
}

static int init_cluster(struct embedded *e, struct err *err)
{
	_cleanup_(free_p) char *version = xasprintf("%s/PG_VERSION", e->data);
	_cleanup_(free_p) char *fresh = xasprintf("%s.new", e->data);
	_cleanup_(free_p) char *initdb = xasprintf("%s/initdb", e->bin);
	const char *argv[] = { initdb, "-D", fresh, "-U", "ringdown", "-A", "trust", "-E", "UTF8",
			       "--locale=C", e->passing ? "--no-sync" : NULL, NULL };
	char why[300];
	struct proc *p;
	int status;

	if (access(version, F_OK) == 0)
		return 0;
	nftw(fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	p = start_program(e, argv, true, err);
	if (!p)
		return err && err->code ? err->code : ERR_SYSTEM;
	status = proc_wait(p, INITDB_MS);
	proc_free(p);
	if (status != 0) {
		log_tail(e, why, sizeof(why));
		return err_set(err, ERR_FAILED, "initdb failed: %s", why);
	}
	if (rename(fresh, e->data) != 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", e->data, strerror(errno));
	return 0;
}

/* ---- is one running? ---------------------------------------------------------------- */

/* Process id in postmaster.pid if that process is a server of this directory, else 0. */
static pid_t running_server(const struct embedded *e)
{
	_cleanup_(free_p) char *file = xasprintf("%s/postmaster.pid", e->data);
	char text[64] = "", path[64], cmd[4096];
	int64_t pid;
	FILE *f = fopen(file, "re");
	size_t n;

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	if (!parse_i64(text, 2, INT32_MAX, &pid))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(cmd, 1, sizeof(cmd) - 1, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (cmd[i] == '\0')
			cmd[i] = ' ';
	cmd[n] = '\0';
	return strstr(cmd, "postgres") && strstr(cmd, e->data) ? (pid_t)pid : 0;
}

static void remove_stale_pid(const struct embedded *e)
{
	_cleanup_(free_p) char *file = xasprintf("%s/postmaster.pid", e->data);

	/* The number may have been given to another process, which the server would believe. */
	if (running_server(e) == 0)
		unlink(file);
}

static int ask(struct embedded *e, const char *sql, struct pg_result **ret, struct err *err)
{
	struct pg_options o = { .url = e->admin_url, .max_connections = 1,
				.connect_timeout_ms = 5000,
				.statement_timeout_ms = 30000,
				.application_name = "ringdown embedded" };
	struct pg_pool *pool = pg_pool_new(e->loop, &o);
	struct pg_conn *c = NULL;
	int r = pg_acquire(pool, &c, err);

	if (r == 0)
		r = pg_query(c, sql, NULL, ret, err);
	pg_release(c);
	pg_pool_free(pool);
	return r;
}

static int cancelled(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "cancelled");
}

static int start_server(struct embedded *e, struct err *err)
{
	_cleanup_(free_p) char *postgres = xasprintf("%s/postgres", e->bin);
	_cleanup_(free_p) char *sockets = xasprintf("unix_socket_directories=%s", e->run);
	const char *argv[] = {
		postgres, "-D", e->data, "-c", "listen_addresses=", "-c", sockets,
		"-c", "unix_socket_permissions=0700", "-c", "max_connections=200",
		"-c", "shared_buffers=64MB", "-c", "jit=off", "-c", "log_min_messages=warning",
		e->passing ? "-c" : NULL, "fsync=off", "-c", "full_page_writes=off", NULL
	};
	int64_t until = loop_now_ms(e->loop) + START_MS;
	char why[300];

	remove_stale_pid(e);
	e->server = start_program(e, argv, true, err);
	if (!e->server)
		return err && err->code ? err->code : ERR_SYSTEM;
	while (ask(e, "SELECT 1", NULL, err) < 0) {
		if (task_sleep(POLL_MS) != 0)
			return cancelled(err);
		if (proc_running(e->server) && loop_now_ms(e->loop) < until)
			continue;
		log_tail(e, why, sizeof(why));
		return err_set(err, ERR_FAILED, "the private PostgreSQL does not start: %s", why);
	}
	return 0;
}

/* Joins what runs, or starts; a server that is on its way out is waited for. */
static int join_or_start(struct embedded *e, struct err *err)
{
	int64_t until = loop_now_ms(e->loop) + START_MS;

	while (running_server(e)) {
		if (ask(e, "SELECT 1", NULL, err) == 0)
			return 0;
		if (task_sleep(POLL_MS) != 0)
			return cancelled(err);
		if (loop_now_ms(e->loop) > until)
			return err_prefix(err, "the PostgreSQL that runs in %s does not answer",
					  e->data);
	}
	return start_server(e, err);
}

static int make_database(struct embedded *e, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int code = ask(e, "SELECT 1 FROM pg_database WHERE datname = 'ringdown'", &r, err);

	if (code < 0 || pg_rows(r) > 0)
		return code;
	return ask(e, "CREATE DATABASE ringdown", NULL, err);
}

static int take_lock(struct embedded *e, int *ret_fd, struct err *err)
{
	_cleanup_(free_p) char *path = xasprintf("%s/lock", e->base);
	int64_t until = loop_now_ms(e->loop) + LOCK_MS;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (loop_now_ms(e->loop) < until && task_sleep(POLL_MS) == 0)
			continue;
		close(fd);
		return err_set(err, ERR_TIMEOUT, "another program holds %s", path);
	}
	*ret_fd = fd;
	return 0;
}

static int start_locked(struct embedded *e, struct err *err)
{
	int fd = -1, r = take_lock(e, &fd, err);

	if (r < 0)
		return r;
	r = init_cluster(e, err);
	if (r == 0)
		r = join_or_start(e, err);
	if (r == 0)
		r = make_database(e, err);
	close(fd);
	return r;
}

int embedded_start(struct loop *l, const char *dir, bool passing, struct embedded **ret,
		   struct err *err)
{
	struct embedded *e = xcalloc(1, sizeof(*e));
	int r;

	e->loop = l;
	e->passing = passing;
	r = find_programs(e, err);
	if (r == 0)
		r = find_user(e, err);
	if (r == 0)
		r = find_places(e, dir, err);
	if (r == 0)
		r = start_locked(e, err);
	if (r < 0) {
		embedded_stop(e);
		embedded_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

const char *embedded_url(const struct embedded *e)
{
	return e->url;
}

bool embedded_ours(const struct embedded *e)
{
	return e->server != NULL;
}

/* A server that stands still hears no signal: it goes on first, with all its processes. */
static void stop_server(struct embedded *e)
{
	proc_continue(e->server);
	proc_signal(e->server, SIGINT);			/* fast */
	if (proc_wait_anyway(e->server, STOP_MS) < 0)
		proc_end(e->server, SIGQUIT, AT_ONCE_MS);	/* immediate, then KILL */
	proc_free(TAKE(e->server));
}

void embedded_stop(struct embedded *e)
{
	if (!e || !e->server)
		return;
	stop_server(e);
	if (e->run_is_ours)
		rmdir(e->run);
}

void embedded_continue(struct embedded *e)
{
	if (e && e->server)
		proc_continue(e->server);
}

void embedded_kill(struct embedded *e)
{
	if (e && e->server)
		proc_kill(e->server);
}

int embedded_pause(struct embedded *e, struct err *err)
{
	if (!e->server)
		return err_set(err, ERR_DENIED, "the PostgreSQL in %s was started by another"
						" program", e->data);
	stop_server(e);
	return 0;
}

int embedded_resume(struct embedded *e, struct err *err)
{
	return start_locked(e, err);
}

void embedded_free(struct embedded *e)
{
	if (!e)
		return;
	proc_free(e->server);
	free(e->base);
	free(e->data);
	free(e->run);
	free(e->log);
	free(e->bin);
	free(e->url);
	free(e->admin_url);
	free(e);
}
