/*
 * Every asynchronous request embeds a struct op. `done` comes exactly once, from
 * the loop, never from inside the call that started or cancelled it; after it the
 * caller does not touch the request. Inside a task, task_await() is the only thing
 * to know.
 */
#ifndef RD_CORE_OP_H
#define RD_CORE_OP_H

#include <stdint.h>

enum op_outcome { OP_OK = 0, OP_FAILED, OP_TIMEOUT, OP_CANCELLED };

struct op {
	int64_t deadline_ms;			     /* loop clock; 0 = none */
	void (*done)(struct op *op, int outcome);
	void (*cancel)(struct op *op);		     /* idempotent; done still comes */
	void *user;
};

#endif
