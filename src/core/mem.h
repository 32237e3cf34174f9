/*
 * Memory. Running out of it aborts (here only): the state that matters is in
 * PostgreSQL and the journal, and a supervisor restarts us.
 *
 * _cleanup_(fn) runs fn(&var) at the end of the scope; TAKE(p) hands the value
 * over and leaves NULL behind.
 */
#ifndef RD_CORE_MEM_H
#define RD_CORE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define TAKE(p) __extension__({ __typeof__(p) take_ = (p); (p) = NULL; take_; })
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);		     /* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* for _cleanup_(free_p) on any heap pointer; leaves NULL */
void free_p(void *pp);

/* Replaces *slot (heap or NULL) by a copy of s. */
void str_replace(char **slot, const char *s);

/* For a process that runs for long: large blocks are always mapped, so that they go back when
 * they are freed and grow without a copy; left alone, glibc keeps ever larger ones. */
void mem_long_running(void);
/* The same for a process that is to stay small: what is free at the end goes back, too. */
void mem_stay_small(void);
/* Whole pages between the two hold nothing of value any more: they read as zero from now on. Only
 * inside one block of the allocator. */
void mem_give_back(char *from, char *to);
/* What is free inside goes back now. */
void mem_trim(void);

/* Grows an array so that it holds at least need elements; *cap counts elements. */
void *grow(void *array, size_t *cap, size_t need, size_t size);

#endif
