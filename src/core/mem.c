/*
 * Memory: the only place that calls the allocator and the only place that aborts
 * when it has nothing left. State worth keeping is in PostgreSQL and the journal,
 * so a clean restart beats limping on with half-built objects.
 *
 * It does not track or pool anything; owners free what they own.
 */
#include "core/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void __attribute__((noreturn)) out_of_memory(void)
{
	static const char text[] = "ringdown: out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)n;
	abort();
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		out_of_memory();
	return q;
}

char *xstrdup(const char *s)
{
	return s ? xstrndup(s, strlen(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	if (!s)
		return NULL;
	n = strnlen(s, n);
	char *p = xmalloc(n + 1);
	memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *p = NULL;

	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *p = xvasprintf(fmt, ap);
	va_end(ap);
	return p;
}

void free_p(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof(p));
}

void str_replace(char **slot, const char *s)
{
	char *copy = xstrdup(s); /* s may be part of *slot */

	free(*slot);
	*slot = copy;
}

void *grow(void *array, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return array;
	size_t to = *cap ? *cap : 8;
	while (to < need) {
		if (to > SIZE_MAX / 2)
			out_of_memory();
		to *= 2;
	}
	if (size && to > SIZE_MAX / size)
		out_of_memory();
	array = xrealloc(array, to * size);
	*cap = to;
	return array;
}

void mem_long_running(void)
{
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

void mem_stay_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024);
}

void mem_give_back(char *from, char *to)
{
	const uintptr_t page = 4096;
	uintptr_t a = ((uintptr_t)from + page - 1) & ~(page - 1), z = (uintptr_t)to & ~(page - 1);

	if (a < z)
		madvise(from + (a - (uintptr_t)from), z - a, MADV_DONTNEED);
}

void mem_trim(void)
{
	malloc_trim(0);
}
