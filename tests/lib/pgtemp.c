/*
 * initdb once, databases as needed. As root the server runs as user postgres. A watcher
 * process holds the read end of a pipe and stops the server when the test program is gone,
 * so that a crash leaves nothing behind.
 */
#include "tests/lib/pgtemp.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/task.h"

struct pgtemp {
	char dir[64], bin[128], url[256];
	char *urls[128];
	int n_urls;
	int alive;			/* write end: closes with us */
	bool up;
};
static struct pgtemp *the_one;

static void die(const char *what)
{
	fprintf(stderr, "pgtemp: %s\n", what);
	exit(99);
}

/* As ourselves: a copy of a program with sanitizers costs more than most of what it would run. */
static pid_t spawn(const char *out, const char *const *argv)
{
	posix_spawn_file_actions_t files;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	if (posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static pid_t spawn_as(const char *out, uid_t uid, gid_t gid, const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);

		dup2(fd, 1);
		dup2(fd, 2);
		if (setgid(gid) != 0 || setuid(uid) != 0)
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static int run(const char *out, uid_t uid, gid_t gid, const char *const *argv)
{
	int status = 0;
	pid_t pid;

	out = out ? out : "/dev/null";
	pid = uid ? spawn_as(out, uid, gid, argv) : spawn(out, argv);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void as_server(const struct pgtemp *p, uid_t *uid, gid_t *gid)
{
	struct passwd *pw = geteuid() == 0 ? getpwnam("postgres") : NULL;

	(void)p;
	*uid = pw ? pw->pw_uid : 0;
	*gid = pw ? pw->pw_gid : 0;
	if (geteuid() == 0 && !pw)
		die("running as root and there is no user postgres");
}

static int pg_tool(struct pgtemp *p, const char *name, const char *const *args)
{
	const char *argv[16];
	char path[256], log[128];
	uid_t uid;
	gid_t gid;
	int n = 0;

	as_server(p, &uid, &gid);
	snprintf(path, sizeof(path), "%s/%s", p->bin, name);
	snprintf(log, sizeof(log), "%s/%s.log", p->dir, name);
	argv[n++] = path;
	while (*args && n < 15)
		argv[n++] = *args++;
	argv[n] = NULL;
	return run(log, uid, gid, argv);
}

static void stop_at_exit(void)
{
	pgtemp_stop(the_one);
}

/* Lives until every copy of the pipe's write end is closed, then cleans up. */
static void start_watcher(struct pgtemp *p)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		die("pipe");
	p->alive = fds[1];
	if (fork() == 0) {
		char c, data[100];
		const char *stop[] = { "-D", data, "-m", "immediate", "-s", "stop", NULL };
		const char *rm[] = { "rm", "-rf", p->dir, NULL };

		close(fds[1]);
		setsid();
		/* so that it outlives who is killed by name */
		prctl(PR_SET_NAME, "pgtemp-watch");
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		while (read(fds[0], &c, 1) > 0)
			;
		snprintf(data, sizeof(data), "%s/data", p->dir);
		pg_tool(p, "pg_ctl", stop);
		run(NULL, 0, 0, rm);
		_exit(0);
	}
	close(fds[0]);
}

struct pgtemp *pgtemp_start(void)
{
	static const char *const places[] = { "/usr/lib/postgresql/15/bin",
		"/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/14/bin",
		"/usr/local/pgsql/bin" };
	struct pgtemp *p = xcalloc(1, sizeof(*p));
	char data[100], path[200];
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; i < COUNT_OF(places) && !p->bin[0]; i++) {
		snprintf(path, sizeof(path), "%s/initdb", places[i]);
		if (access(path, X_OK) == 0)
			snprintf(p->bin, sizeof(p->bin), "%s", places[i]);
	}
	if (!p->bin[0])
		die("no PostgreSQL server programs found");
	snprintf(p->dir, sizeof(p->dir), "/tmp/rdpg.XXXXXX");
	if (!mkdtemp(p->dir))
		die("mkdtemp");
	as_server(p, &uid, &gid);
	if (uid && chown(p->dir, uid, gid) != 0)
		die("chown");
	if (chmod(p->dir, 0755) != 0)
		die("chmod");
	start_watcher(p);
	snprintf(data, sizeof(data), "%s/data", p->dir);
	const char *initdb[] = { "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
				 "--locale=C", NULL };
	if (pg_tool(p, "initdb", initdb) != 0)
		die("initdb failed");
	snprintf(p->url, sizeof(p->url), "postgresql://postgres@/postgres?host=%s", p->dir);
	the_one = p;
	atexit(stop_at_exit);
	pgtemp_up(p);
	return p;
}

void pgtemp_up(struct pgtemp *p)
{
	char data[100], options[300], log[100];
	const char *start[] = { "-D", data, "-l", log, "-w", "-s", "-o", options, "start", NULL };

	snprintf(data, sizeof(data), "%s/data", p->dir);
	snprintf(log, sizeof(log), "%s/server.log", p->dir);
	snprintf(options, sizeof(options), "-c listen_addresses='' -c unix_socket_directories=%s"
		 " -c fsync=off -c full_page_writes=off -c max_connections=60 -c"
		 " shared_buffers=32MB -c log_lock_waits=off", p->dir);
	if (pg_tool(p, "pg_ctl", start) != 0)
		die("the server does not start");
	p->up = true;
}

void pgtemp_down(struct pgtemp *p)
{
	char data[100];
	const char *stop[] = { "-D", data, "-m", "immediate", "-s", "-w", "stop", NULL };

	snprintf(data, sizeof(data), "%s/data", p->dir);
	pg_tool(p, "pg_ctl", stop);
	p->up = false;
}

void pgtemp_stop(struct pgtemp *p)
{
	if (!p || p != the_one)
		return;
	the_one = NULL;
	if (p->up)
		pgtemp_down(p);
	close(p->alive);		/* the watcher removes the directory */
	for (int i = 0; i < p->n_urls; i++)
		free_p(&p->urls[i]);
	free_p(&p);
}

const char *pgtemp_url(const struct pgtemp *p)
{
	return p->url;
}

const char *pgtemp_sql(struct pgtemp *p, const char *url, const char *sql)
{
	static char out[1 << 16];
	char path[128];
	const char *argv[] = { "psql", url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, NULL };
	FILE *f;
	size_t n;
	int status;

	snprintf(path, sizeof(path), "%s/psql.%d.out", p->dir, (int)getpid());
	status = run(path, 0, 0, argv);
	f = fopen(path, "r");
	n = f ? fread(out, 1, sizeof(out) - 1, f) : 0;
	if (f)
		fclose(f);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	if (status != 0) {
		fprintf(stderr, "pgtemp: %s\n%s\n", sql, out);
		exit(99);
	}
	return out;
}

const char *pgtemp_database(struct pgtemp *p, const char *name, const char *copy_of)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name,
		 copy_of ? copy_of : "template0");
	pgtemp_sql(p, p->url, sql);
	if (p->n_urls == (int)COUNT_OF(p->urls))
		die("too many databases");
	p->urls[p->n_urls] = xasprintf("postgresql://postgres@/%s?host=%s", name, p->dir);
	return p->urls[p->n_urls++];
}

/* ---- tasks -------------------------------------------------------------------------------- */

struct job { void (*fn)(void *arg); void *arg; int *left; };

static void job_run(void *arg)
{
	struct job *j = arg;

	j->fn(j->arg);
}

static void job_done(void *arg)
{
	struct job *j = arg;

	--*j->left;
}

void in_tasks(struct loop *l, int n, void (*fn)(void *arg), void *const *args)
{
	struct job *jobs = xcalloc((size_t)n, sizeof(*jobs));
	int left = n;

	for (int i = 0; i < n; i++) {
		jobs[i] = (struct job){ .fn = fn, .arg = args[i], .left = &left };
		task_start(l, "test", job_run, &jobs[i], job_done);
	}
	while (left > 0 && loop_run_once(l, 1000))
		;
	if (left > 0)
		die("a task never ended");
	free_p(&jobs);
}

void in_task(struct loop *l, void (*fn)(void *arg), void *arg)
{
	void *args[] = { arg };

	in_tasks(l, 1, fn, args);
}
