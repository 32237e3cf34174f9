/*
 * Host names, each looked up by getaddrinfo in a thread of its own. A pool would be full
 * after a few names whose servers are silent, and its library joins its threads when the
 * program ends; ours are detached, so that neither other names nor the end wait for them.
 *
 * The loop's side and the thread share one job; whoever lets go last frees it.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"

enum { MAX_ADDRS = 8, MAX_THREADS = 64 };

struct job {
	atomic_int refs;
	int fd;				/* the thread's word that it is done */
	char *host;
	int n, code;
	char addrs[MAX_ADDRS][INET6_ADDRSTRLEN];
};

struct resolve {
	struct loop *loop;
	struct job *job;
	struct watch *watch;
	struct timer timer;
	void (*fn)(void *ctx, int n, const char *const *addrs, const char *error);
	void *ctx;
};

/* The one thing that all loops share: how many threads the process has for this. */
static atomic_int threads;

static void job_unref(struct job *j)
{
	if (atomic_fetch_sub(&j->refs, 1) > 1)
		return;
	close(j->fd);
	free_p(&j->host);
	free_p(&j);
}

static void add_address(struct job *j, const struct addrinfo *a)
{
	const void *from;

	if (a->ai_family == AF_INET)
		from = &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;
	else if (a->ai_family == AF_INET6)
		from = &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr;
	else
		return;
	if (inet_ntop(a->ai_family, from, j->addrs[j->n], sizeof(j->addrs[0])))
		j->n++;
}

static void *run(void *arg)
{
	struct job *j = arg;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *res = NULL;
	uint64_t one = 1;

	j->code = getaddrinfo(j->host, NULL, &hints, &res);
	if (j->code == 0) {
		for (const struct addrinfo *a = res; a && j->n < MAX_ADDRS; a = a->ai_next)
			add_address(j, a);
		freeaddrinfo(res);
	}
	atomic_fetch_sub(&threads, 1);
	if (write(j->fd, &one, sizeof(one)) < 0)
		j->n = 0; /* cannot be: the counter of an eventfd is never full here */
	job_unref(j);
	return NULL;
}

static bool start_thread(struct job *j)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t id;
	bool good;

	if (atomic_fetch_add(&threads, 1) >= MAX_THREADS) {
		atomic_fetch_sub(&threads, 1);
		return false;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all); /* signals are for the loop's thread */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	good = pthread_create(&id, &attr, run, j) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (!good)
		atomic_fetch_sub(&threads, 1);
	return good;
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	timer_stop(&r->timer);
	watch_free(r->watch);
	job_unref(r->job);
	free_p(&r);
}

static void on_timeout(struct timer *t)
{
	struct resolve *r = t->user;
	void (*fn)(void *, int, const char *const *, const char *) = r->fn;
	void *ctx = r->ctx;

	resolve_cancel(r); /* the thread runs on; nobody hears it */
	fn(ctx, 0, NULL, "no answer from the name server in time");
}

static void on_done(void *ctx, int events)
{
	struct resolve *r = ctx;
	struct job *j = r->job;
	const char *list[MAX_ADDRS];
	uint64_t count;

	(void)events;
	if (read(j->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	for (int i = 0; i < j->n; i++)
		list[i] = j->addrs[i];
	atomic_fetch_add(&j->refs, 1); /* the list, until fn returns */
	void (*fn)(void *, int, const char *const *, const char *) = r->fn;
	void *fn_ctx = r->ctx;

	resolve_cancel(r);
	fn(fn_ctx, j->n, list, j->code ? gai_strerror(j->code) : j->n == 0 ? "no address" : NULL);
	job_unref(j);
}

struct resolve *loop_resolve(struct loop *l, const char *host, int64_t timeout_ms,
	void (*fn)(void *ctx, int n, const char *const *addrs, const char *error), void *ctx)
{
	struct resolve *r;
	struct job *j;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return NULL;
	j = xcalloc(1, sizeof(*j));
	atomic_init(&j->refs, 2);
	j->fd = fd;
	j->host = xstrdup(host);
	r = xcalloc(1, sizeof(*r));
	r->loop = l;
	r->job = j;
	r->fn = fn;
	r->ctx = ctx;
	r->timer = TIMER_INIT;
	r->timer.user = r;
	r->watch = watch_new(l, fd, on_done, r);
	if (!r->watch || !start_thread(j)) {
		job_unref(j); /* the thread's share */
		resolve_cancel(r);
		return NULL;
	}
	watch_set(r->watch, WATCH_READ);
	timer_start(l, &r->timer, timeout_ms, on_timeout);
	return r;
}
