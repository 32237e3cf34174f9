/* Shared by proc.c, proc_family.c, proc_keeper.c and proc_tree.c. */
#ifndef RD_CORE_PROC_INTERNAL_H
#define RD_CORE_PROC_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "core/proc.h"

/* ---- between the engine and a guardian: messages of this size, both ways ------------------- */

enum guard_word { GUARD_START = 1, GUARD_STOP, GUARD_STARTED, GUARD_FAILED, GUARD_ENDED };
enum { GUARD_FDS = 3 };			/* with START: standard output, error, the request */
struct guard_message {
	enum guard_word word;
	int value;			/* STARTED its pid, FAILED errno, ENDED its status */
	int64_t grace_ms;		/* STOP */
	size_t size;			/* START: of the request */
	bool leave_running;
};
/* The request, in a file in memory: this, then argv and env as arrays of offsets with their
 * NULL, then the texts. */
struct guard_request { size_t n_argv, n_env, argv, env, path, cwd; };

/* The guardian's process; never returns. */
void proc_guard(int socket) __attribute__((noreturn));

/* ---- proc_family.c: top is a child of ours, not reaped yet -------------------------------- */

void family_continue(pid_t top);
void family_kill(pid_t top);

/* ---- proc_keeper.c ------------------------------------------------------------------------- */

struct keeper;
/* Starts o under a guardian, an idle one of o->keepers where there is one. ended comes once
 * from the loop. NULL with err as proc_start. */
struct keeper *keeper_start(struct loop *l, const struct proc_options *o, char *const *env,
			    void (*ended)(void *ctx, int status), void *ctx, pid_t *ret_pid,
			    struct err *err);
/* TERM, KILL; others mean nothing to a guardian. */
void keeper_signal(struct keeper *k, int signum);
/* Nobody is told any more; what runs is ended. Not after ended. */
void keeper_drop(struct keeper *k);

#endif
