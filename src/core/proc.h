/* Child processes: argv only (never a shell), own process group, output to files or a
 * callback, bounded end (TERM, then KILL). Only children we started are ever signalled. */
#ifndef RD_CORE_PROC_H
#define RD_CORE_PROC_H

#include <stdint.h>
#include <sys/types.h>
#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"

struct proc_options {
	const char *const *argv;		/* NULL-terminated, argv[0] searched in PATH */
	/* "K=V" added to ours, NULL-terminated; may be NULL */
	const char *const *env;
	const char *cwd;			/* NULL = ours */
	const char *user;			/* drop to this user (when root); NULL = stay */
	int stdout_fd, stderr_fd;		/* -1 = /dev/null */
	bool die_with_parent;			/* PR_SET_PDEATHSIG TERM */
	bool only_env;				/* env is all it gets */
	const char *path;			/* the file to execute; NULL = argv[0] in PATH */
	/* Under a guardian (proc_tree.c): a session of its own; when the program ends, is
	 * stopped or we die, everything it started ends too, daemons included. proc_signal
	 * TERM: the whole tree gets it, and KILL after grace_ms. Needs a loop; no user. */
	bool tree;
	bool leave_running;			/* what outlives the program stays */
	int64_t grace_ms;			/* 0 = 2000 */
	struct proc_keepers *keepers;		/* guardians to be used again; NULL = one for it */
};
/* Freed when no program runs under them. */
struct proc_keepers *proc_keepers_new(struct loop *l);
void proc_keepers_free(struct proc_keepers *p);
struct proc;
/* on_exit comes once from the loop: exit status, or 128 + signal. It may call proc_free.
 * Without a loop (NULL) nobody is told of the end. HOME and USER follow a dropped user.
 * NULL: ERR_NOT_FOUND (no such program or user), ERR_DENIED, ERR_SYSTEM. */
struct proc *proc_start(struct loop *l, const struct proc_options *o,
			void (*on_exit)(void *ctx, int status), void *ctx, struct err *err);
pid_t proc_pid(const struct proc *p);
bool proc_running(const struct proc *p);
void proc_signal(struct proc *p, int signum);
/* still running: TERM to its group; not waited for */
void proc_free(struct proc *p);
/* In a task: waits for the end, at most ms: exit status, or -1 when still running. */
int proc_wait(struct proc *p, int64_t ms);
int proc_wait_anyway(struct proc *p, int64_t ms);	/* in a cancelled task, too */
/* In a task: TERM, after grace_ms KILL: exit status, or -1 when the task was cancelled. */
int proc_stop(struct proc *p, int64_t grace_ms);
/* The child and all below it, whoever stopped them, go on. */
void proc_continue(struct proc *p);
/* The child and all below it are killed; not waited for. */
void proc_kill(struct proc *p);
/* An end that comes: signum, and whoever is stopped goes on to hear it; the child and everything
 * below it are killed when it is still there after grace_ms. Exit status, -1: not even so.
 * proc_end: in a task, a cancelled one too, which waits here all the same.
 * proc_end_now: for a child started without a loop; blocks. */
int proc_end(struct proc *p, int signum, int64_t grace_ms);
int proc_end_now(struct proc *p, int signum, int64_t grace_ms);
/* Of a child started without a loop: has it ended? Then it is reaped. */
bool proc_ended(struct proc *p);
/* First of all in main: what is closed of 0..2 becomes /dev/null, or the next file opened
 * would be taken for standard output. */
void proc_standard_fds(void);
/* Outside any loop (start-up only): runs to its end; what is written to a descriptor given
 * as -1 goes into out (its cap; may be NULL). Exit status or negative err. */
int proc_run(const struct proc_options *o, int64_t timeout_ms, struct str *out, struct err *err);

#endif
