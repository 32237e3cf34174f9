/*
 * Output of a program as people may see it: escape sequences and control bytes gone, one
 * line at a time, secrets masked, the beginning and the end kept.
 */
#ifndef RD_RUNBOOK_OUTPUT_H
#define RD_RUNBOOK_OUTPUT_H

#include "runbook/bind.h"

enum { OUTPUT_HEAD = 64 << 10, OUTPUT_TAIL = 64 << 10, OUTPUT_LINE = 16 << 10 };

struct output {
	const struct masker *masker;	/* may be NULL */
	/* each finished line, with its newline */
	void (*line)(void *ctx, const char *text, size_t n);
	void *ctx;
	struct str head, current;
	char *tail; size_t tail_at; bool tail_full;	/* ring */
	int state;			/* of the escape sequence */
	int64_t bytes, lines, left_out;	/* read; lines; cleaned bytes that are in neither part */
	bool cr;
};
void output_init(struct output *o, const struct masker *m);
void output_add(struct output *o, const char *p, size_t n);
void output_end(struct output *o);		/* the last line may lack its newline */
void output_text(const struct output *o, struct str *ret);	/* head, "...", tail */
void output_fini(struct output *o);
/* All at once: at most max bytes of cleaned text. */
void output_clean(const struct masker *m, const char *p, size_t n, size_t max, struct str *ret);

#endif
