/* One case on its way: cases.c and cases_play.c alone. */
#ifndef RD_RUNBOOK_CASES_PLAY_H
#define RD_RUNBOOK_CASES_PLAY_H

#include "core/yaml.h"
#include "runbook/flow.h"
#include "runbook/runbook.h"

struct played { char *id, *command; };
struct play {
	const struct yaml *y;		/* the case */
	const struct runbook *rb;
	const struct library *lib;
	struct flow *flow;
	int64_t start_ms, now_ms;
	struct played *used; size_t n_used;	/* results taken: one row each */
	struct played *bound; size_t n_bound;	/* commands as they were bound */
	char **path; size_t n_path;
	struct str why;			/* what went wrong, lines */
	bool stuck;
};
/* To the end, or until something that the case does not say is wanted (why says what). */
void play_case(struct play *p);
void play_fini(struct play *p);
void play_wrong(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The member `id` of the case's map `name`; NULL = none. */
const struct yaml *play_given(const struct play *p, const char *name, const char *id);

#endif
