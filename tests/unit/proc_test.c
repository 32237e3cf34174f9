/* Children: their ends, their signals, what they inherit, and that a bad start is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc.h"
#include "core/task.h"

#define SH(script) ((const char *const[]){ "sh", "-c", script, NULL })
#define OPTIONS(v) { .argv = (v), .stdout_fd = -1, .stderr_fd = -1 }

static void run_in_task(void (*fn)(void *), void *arg)
{
	struct loop *l = loop_new();

	task_start(l, "test", fn, arg, NULL);
	loop_run(l);
	loop_free(l);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
	assert_int_equal(errno, ECHILD);
}

static int run(const char *script, struct str *out)
{
	struct proc_options o = OPTIONS(SH(script));

	return proc_run(&o, 10000, out, NULL);
}

static void run_to_end(void **state)
{
	_cleanup_(str_fini) struct str out = STR_INIT(10);
	struct err err = { 0 };
	struct proc_options o = OPTIONS(((const char *const[]){ "no-such-program", NULL }));

	(void)state;
	assert_int_equal(run("echo one; echo two >&2; exit 3", &out), 3);
	assert_string_equal(str_get(&out), "one\ntwo\n");
	assert_int_equal(run("kill -9 $$", NULL), 137);
	/* more than the cap and the pipe: it still ends */
	assert_int_equal(run("head -c 300000 /dev/zero", &out), 0);
	assert_int_equal(out.len, 10);
	/* a grandchild that keeps the pipe does not hold us up */
	assert_int_equal(run("sleep 3 & exit 0", NULL), 0);
	assert_int_equal(proc_run(&o, 1000, NULL, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "no-such-program"));
	o.argv = SH("sleep 60");
	assert_int_equal(proc_run(&o, 50, NULL, &err), ERR_TIMEOUT);
	o.user = "no-such-user";
	assert_int_equal(proc_run(&o, 50, NULL, &err), ERR_NOT_FOUND);
	o.user = NULL;
	o.cwd = "/no/such/folder";
	assert_true(proc_run(&o, 50, NULL, &err) < 0);
}

static void inheritance(void **state)
{
	_cleanup_(str_fini) struct str out = STR_INIT(2000);
	int extra[2];
	const char *const env[] = { "RD_ONE=1", "PATH=/usr/bin:/bin", NULL };
	struct proc_options o = OPTIONS(SH("ls /proc/self/fd | wc -l; echo $RD_ONE; pwd;"
					   "ps -o pgid= -p $$ | tr -d ' '; echo $$"));

	(void)state;
	assert_int_equal(pipe(extra), 0); /* not close-on-exec on purpose */
	o.env = env;
	o.cwd = "/";
	assert_int_equal(proc_run(&o, 10000, &out, NULL), 0);
	close(extra[0]);
	close(extra[1]);
	int fds, one;
	long group, pid;
	char cwd[20];

	assert_int_equal(sscanf(str_get(&out), "%d %d %19s %ld %ld", &fds, &one, cwd, &group, &pid),
			 5);
	assert_int_equal(fds, 4); /* 0, 1, 2 and the folder that ls reads */
	assert_int_equal(one, 1);
	assert_string_equal(cwd, "/");
	assert_int_equal(group, pid);
	/* signals that we ignore or block are not inherited */
	assert_int_equal(run("kill -PIPE $$; exit 0", NULL), 128 + SIGPIPE);
}

static void user_drop(void **state)
{
	_cleanup_(str_fini) struct str out = STR_INIT(2000);
	struct proc_options o = OPTIONS(SH("id -un; id -Gn; echo $HOME $USER"));

	(void)state;
	if (geteuid() != 0)
		skip();
	o.user = "nobody";
	assert_int_equal(proc_run(&o, 10000, &out, NULL), 0);
	assert_non_null(strstr(out.s, "nobody\nnogroup\n"));
	assert_null(strstr(out.s, "root"));
}

static void on_exit_status(void *ctx, int status)
{
	*(int *)ctx = status;
}

static void script_exit(void *arg)
{
	struct proc_options o = OPTIONS(SH("exit 7"));
	int told = -1;
	struct proc *p = proc_start(task_loop(), &o, on_exit_status, &told, NULL);

	(void)arg;
	assert_non_null(p);
	assert_int_equal(proc_wait(p, 10000), 7);
	assert_int_equal(told, 7);
	assert_false(proc_running(p));
	assert_int_equal(proc_wait(p, 0), 7);
	proc_signal(p, SIGKILL); /* harmless */
	proc_free(p);

	o.argv = SH("sleep 60");
	p = proc_start(task_loop(), &o, on_exit_status, &told, NULL);
	assert_int_equal(proc_wait(p, 30), -1);
	proc_signal(p, SIGKILL);
	assert_int_equal(proc_wait(p, 10000), 128 + SIGKILL);
	proc_free(p);
}

static void exits(void **state)
{
	(void)state;
	run_in_task(script_exit, NULL);
}

static void script_stop(void *arg)
{
	_cleanup_(free_p) char *set = xasprintf("/tmp/rd-proc-%d.set", (int)getpid());
	_cleanup_(free_p) char *text = xasprintf("trap '' TERM; : >%s; sleep 60 & wait; wait;"
						 " sleep 60", set);
	struct proc_options o = OPTIONS(SH(text));
	struct proc *p = proc_start(task_loop(), &o, NULL, NULL, NULL);

	(void)arg;
	for (int i = 0; i < 6000 && access(set, F_OK) != 0; i++)
		task_sleep(10);
	unlink(set);
	assert_int_equal(proc_stop(p, 100), 128 + SIGKILL); /* deaf to TERM */
	proc_free(p);
	o.argv = SH("sleep 60 & sleep 60"); /* the whole group ends */
	p = proc_start(task_loop(), &o, NULL, NULL, NULL);
	pid_t group = proc_pid(p);

	assert_int_equal(proc_stop(p, 5000), 128 + SIGTERM);
	proc_free(p);
	for (int i = 0; i < 200 && kill(-group, 0) == 0; i++)
		task_sleep(10);
	assert_int_equal(kill(-group, 0), -1);
}

static void stops(void **state)
{
	(void)state;
	run_in_task(script_stop, NULL);
}

/* Deaf to TERM, and so is what it started in a session of its own; all stand still. */
#define DEAF "trap '' TERM; setsid sh -c 'echo $$ >&2; kill -STOP $$; sleep 60; sleep 60' & " \
	     "kill -STOP $$; wait; sleep 60"

static struct proc *deaf(struct loop *l, pid_t *ret_below)
{
	struct proc_options o = OPTIONS(SH(DEAF));
	struct proc *p;
	char text[32] = "";
	int64_t below = 0;
	int both[2];

	assert_int_equal(pipe(both), 0);
	o.stderr_fd = both[1];
	p = proc_start(l, &o, NULL, NULL, NULL);
	close(both[1]);
	assert_true(read(both[0], text, sizeof(text) - 1) > 1);
	close(both[0]);
	text[strcspn(text, "\n")] = '\0';
	assert_true(parse_i64(text, 2, INT32_MAX, &below));
	*ret_below = (pid_t)below;
	return p;
}

/* Whoever minds orphans reaps it, or nobody yet. */
static bool is_dead(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, ") Z") || strstr(text, ") X") || !*text;
}

static void script_end(void *arg)
{
	pid_t below;
	struct proc *p = deaf(task_loop(), &below);

	(void)arg;
	assert_int_equal(proc_end(p, SIGTERM, 100), 128 + SIGKILL);
	for (int i = 0; i < 200 && !is_dead(below); i++)
		task_sleep(10);
	assert_true(is_dead(below));
	proc_free(p);
}

static void ends_all(void **state)
{
	pid_t below;
	struct proc *p = deaf(NULL, &below);

	(void)state;
	assert_false(proc_ended(p));
	assert_int_equal(proc_end_now(p, SIGTERM, 100), 128 + SIGKILL);
	assert_true(proc_ended(p));
	assert_int_equal(proc_end_now(p, SIGTERM, 100), 128 + SIGKILL); /* nothing more happens */
	proc_free(p);
	for (int i = 0; i < 200 && !is_dead(below); i++)
		poll(NULL, 0, 10);
	assert_true(is_dead(below));
	run_in_task(script_end, NULL);
}

static void script_wait_cancelled(void *arg)
{
	*(int *)arg = 5;
	struct proc_options o = OPTIONS(SH("sleep 60"));
	struct proc *p = proc_start(task_loop(), &o, NULL, NULL, NULL);

	*(int *)arg = proc_wait(p, 60000);
	assert_true(task_cancelled());
	pid_t pid = proc_pid(p);
	proc_free(p); /* TERM, not waited for */
	assert_int_equal(waitpid(pid, NULL, 0) >= 0 || errno == ECHILD, 1);
}

static void script_cancel(void *arg)
{
	int status = 0;
	struct task *t = task_start(task_loop(), "wait", script_wait_cancelled, &status, NULL);

	(void)arg;
	for (int i = 0; i < 6000 && status != 5; i++)
		task_sleep(10);
	assert_int_equal(status, 5);
	task_cancel(t);
	for (int i = 0; i < 6000 && status != -1; i++)
		task_sleep(10);
	assert_int_equal(status, -1);
}

static void cancelled_wait(void **state)
{
	(void)state;
	run_in_task(script_cancel, NULL);
}

/* A child of a child with die_with_parent ends when its parent is killed. */
static void dies_with_parent(void **state)
{
	struct proc_options o = OPTIONS(SH("sleep 60"));
	int pipe_fds[2];
	pid_t parent, pid = 0;

	(void)state;
	o.die_with_parent = true;
	assert_int_equal(pipe(pipe_fds), 0);
	parent = fork();
	if (parent == 0) {
		struct proc *p = proc_start(NULL, &o, NULL, NULL, NULL);

		pid = p ? proc_pid(p) : 0;
		if (write(pipe_fds[1], &pid, sizeof(pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_true(pid > 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	char path[40], text[200] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 500; i++) { /* gone, or a zombie of whoever adopted it */
		FILE *f = fopen(path, "r");

		text[0] = '\0';
		if (f && fgets(text, sizeof(text), f) && !strstr(text, ") Z "))
			usleep(10000);
		if (f)
			fclose(f);
		if (!text[0] || strstr(text, ") Z "))
			break;
	}
	assert_true(!text[0] || strstr(text, ") Z "));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_to_end),
		cmocka_unit_test(inheritance),
		cmocka_unit_test(user_drop),
		cmocka_unit_test(exits),
		cmocka_unit_test(stops),
		cmocka_unit_test(ends_all),
		cmocka_unit_test(cancelled_wait),
		cmocka_unit_test(dies_with_parent),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
