/*
 * Tasks over ucontext: each has its own stack (with a guard page) and runs until
 * it waits; the loop resumes it from the completion of what it waits for.
 *
 * Invariant: a task is resumed only from the loop's own stack, never from inside
 * another task, so stacks do not nest and a waiter never runs inside the call that
 * woke it.
 */
#include "core/task.h"

#include <assert.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES ((size_t)1 << 20) /* sanitized frames are several times larger */
enum { SPARE_STACKS = 0 };	      /* its marks of what was there would stay */
#else
#define STACK_BYTES ((size_t)256 << 10)
enum { SPARE_STACKS = 4 };
#endif

struct task {
	struct loop *loop;
	const char *name;
	void (*fn)(void *arg);
	void *arg;
	void (*done)(void *arg);
	ucontext_t context;
	char *stack;
	bool cancelled, finished, resuming;
	/* what it waits for */
	struct op *op;
	int outcome;
	struct timer timer;
	struct task_waiter *waiter;
	void *fake_stack; /* AddressSanitizer's book-keeping */
};

struct task_waiter {
	struct task *task;
	struct condition *condition;
	struct task_waiter *next, *prev;
};

/* Of tasks that ended, the newest last: mapping one for each request would cost more than many
 * a request does. */
static _Thread_local struct { char *stacks[SPARE_STACKS + 1]; int n; } spare;

/* One thread owns all state; this is "which stack am I on", not data. */
static _Thread_local struct task *current;
static _Thread_local ucontext_t main_context;
#if defined(__SANITIZE_ADDRESS__)
static _Thread_local const void *main_stack;
static _Thread_local size_t main_stack_size;
#endif

struct task *task_self(void)
{
	return current;
}

bool task_cancelled(void)
{
	return current && current->cancelled;
}

struct loop *task_loop(void)
{
	return current ? current->loop : NULL;
}

/* ---- switching --------------------------------------------------------------- */

static void switch_to_main(struct task *t)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(t->finished ? NULL : &t->fake_stack, main_stack,
				       main_stack_size);
#endif
	swapcontext(&t->context, &main_context);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(t->fake_stack, &main_stack, &main_stack_size);
#endif
}

static void task_entry(void)
{
	struct task *t = current;

#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, &main_stack, &main_stack_size);
#endif
	t->fn(t->arg);
	t->finished = true;
	switch_to_main(t);
}

/* ---- stacks ------------------------------------------------------------------ */

static char *stack_new(void)
{
	size_t page = (size_t)getpagesize();
	char *map;

	if (spare.n > 0)
		return spare.stacks[--spare.n];
	map = mmap(NULL, STACK_BYTES + page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		map = xcalloc(0, 0); /* aborts as running out of memory does */
	mprotect(map, page, PROT_NONE);
	return map + page;
}

static void stack_free(char *stack)
{
	if (spare.n < SPARE_STACKS)
		spare.stacks[spare.n++] = stack;
	else
		munmap(stack - getpagesize(), STACK_BYTES + (size_t)getpagesize());
}

/* ---- life -------------------------------------------------------------------- */

static void task_destroy(void *arg)
{
	struct task *t = arg;

	stack_free(t->stack);
	if (t->done)
		t->done(t->arg);
	free_p(&t);
}

static void task_resume(void *arg)
{
	struct task *t = arg;
#if defined(__SANITIZE_ADDRESS__)
	void *fake = NULL;
#endif

	assert(!current);
	t->resuming = false;
	current = t;
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(&fake, t->stack, STACK_BYTES);
#endif
	swapcontext(&main_context, &t->context);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
	current = NULL;
	if (t->finished)
		task_destroy(t);
}

static void resume_soon(struct task *t)
{
	if (t->resuming)
		return;
	t->resuming = true;
	loop_defer(t->loop, task_resume, t);
}

struct task *task_start(struct loop *l, const char *name, void (*fn)(void *arg), void *arg,
			void (*done)(void *arg))
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->stack = stack_new();
	t->loop = l;
	t->name = name;
	t->fn = fn;
	t->arg = arg;
	t->done = done;
	t->timer = TIMER_INIT;
	t->timer.user = t;
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = STACK_BYTES;
	t->context.uc_link = NULL;
	makecontext(&t->context, task_entry, 0);
	resume_soon(t);
	return t;
}

/* ---- waiting ----------------------------------------------------------------- */

static void on_op_done(struct op *op, int outcome)
{
	struct task *t = op->user;

	t->op = NULL;
	t->outcome = outcome;
	resume_soon(t);
}

int task_await(struct op *op)
{
	struct task *t = current;

	assert(t);
	op->done = on_op_done;
	op->user = t;
	t->op = op;
	if (t->cancelled && op->cancel)
		op->cancel(op);
	switch_to_main(t);
	return t->outcome;
}

static void on_sleep_over(struct timer *timer)
{
	struct task *t = timer->user;

	t->outcome = OP_OK;
	resume_soon(t);
}

int task_sleep(int64_t ms)
{
	struct task *t = current;

	assert(t);
	if (t->cancelled)
		return OP_CANCELLED;
	timer_start(t->loop, &t->timer, ms, on_sleep_over);
	switch_to_main(t);
	return t->outcome;
}

static void on_worked(void *ctx)
{
	struct op *op = ctx;

	op->done(op, OP_OK);
}

void task_work(void (*fn)(void *arg), void *arg)
{
	struct op op = { 0 };	/* without cancel: the worker uses what is the caller's */

	op.done = on_op_done;
	loop_work(current->loop, fn, arg, on_worked, &op);
	task_await(&op);
}

static void waiter_unlink(struct task_waiter *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		w->condition->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->task->waiter = NULL;
}

static void on_condition_timeout(struct timer *timer)
{
	struct task *t = timer->user;

	if (t->waiter)
		waiter_unlink(t->waiter);
	t->outcome = OP_TIMEOUT;
	resume_soon(t);
}

int condition_wait(struct condition *e, int64_t max_ms)
{
	struct task *t = current;
	struct task_waiter w = { .task = t, .condition = e, .next = e->first };

	assert(t);
	if (t->cancelled)
		return OP_CANCELLED;
	if (e->first)
		e->first->prev = &w;
	e->first = &w;
	t->waiter = &w;
	if (max_ms >= 0)
		timer_start(t->loop, &t->timer, max_ms, on_condition_timeout);
	switch_to_main(t);
	timer_stop(&t->timer);
	return t->outcome;
}

void condition_wake(struct condition *e)
{
	while (e->first) {
		struct task *t = e->first->task;

		waiter_unlink(e->first);
		timer_stop(&t->timer);
		t->outcome = OP_OK;
		resume_soon(t);
	}
}

void condition_wait_anyway(struct condition *e, int64_t max_ms)
{
	struct task *self = current;
	bool was = self->cancelled;

	self->cancelled = false;
	condition_wait(e, max_ms);
	self->cancelled = self->cancelled || was;
}

void task_cancel(struct task *t)
{
	if (t->cancelled || t->finished)
		return;
	t->cancelled = true;
	if (t->op) {
		if (t->op->cancel)
			t->op->cancel(t->op);
		return;
	}
	if (t->waiter || timer_active(&t->timer)) {
		if (t->waiter)
			waiter_unlink(t->waiter);
		timer_stop(&t->timer);
		t->outcome = OP_CANCELLED;
		resume_soon(t);
	}
}

/* ---- crowds ------------------------------------------------------------------ */

struct crowd_child {
	struct crowd *crowd;
	struct task *task;
	void (*fn)(void *arg);
	void *arg;
	struct crowd_child *next, *prev;
};

void crowd_init(struct crowd *c, int limit)
{
	*c = (struct crowd){ .limit = limit > 0 ? limit : 1 };
}

static void crowd_run(void *arg)
{
	struct crowd_child *child = arg;

	child->fn(child->arg);
}

static void crowd_done(void *arg)
{
	struct crowd_child *child = arg;
	struct crowd *c = child->crowd;

	if (child->prev)
		child->prev->next = child->next;
	else
		c->children = child->next;
	if (child->next)
		child->next->prev = child->prev;
	free_p(&child);
	c->running--;
	condition_wake(&c->changed);
}

int crowd_add(struct crowd *c, const char *name, void (*fn)(void *arg), void *arg)
{
	struct crowd_child *child;

	while (c->running >= c->limit)
		if (condition_wait(&c->changed, -1) == OP_CANCELLED)
			return OP_CANCELLED;
	if (task_cancelled())
		return OP_CANCELLED;
	child = xcalloc(1, sizeof(*child));
	child->crowd = c;
	child->fn = fn;
	child->arg = arg;
	child->next = c->children;
	if (c->children)
		c->children->prev = child;
	c->children = child;
	c->running++;
	child->task = task_start(current->loop, name, crowd_run, child, crowd_done);
	return 0;
}

/* Waits on even when cancelled: children use memory of the caller's frame. */
void crowd_join(struct crowd *c)
{
	while (c->running > 0) {
		if (current->cancelled && !c->cancelled) {
			c->cancelled = true;
			for (struct crowd_child *k = c->children; k; k = k->next)
				task_cancel(k->task);
		}
		condition_wait_anyway(&c->changed, -1);
	}
}
