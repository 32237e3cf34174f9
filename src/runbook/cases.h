/*
 * Cases: a runbook walked without anything real. ID.cases.yaml beside ID.yaml says what each
 * step finds, what people answer, and what must come of it; the flow is the one that runs
 * in the engine, its clock is ours.
 */
#ifndef RD_RUNBOOK_CASES_H
#define RD_RUNBOOK_CASES_H

#include "runbook/runbook.h"

struct case_result {
	char *name;
	struct place at;
	char *why;			/* what is not as expected, lines; NULL = passed */
};
struct coverage { size_t n, hit; char **missed; size_t n_missed; };
struct cases_report {
	char *file;			/* of the cases */
	struct case_result *v; size_t n, failed;
	struct coverage steps, branches; /* branches: options, and when both ways */
};
/* Runs all, or the one of that name. 0 also when cases fail; negative: the file cannot be used
 * (problems has why), ERR_NOT_FOUND when there is none. */
int cases_run(const struct library *lib, const struct runbook *rb, const char *file,
	      const char *only, struct cases_report *ret, struct problems *problems);
/* The file of cases beside it, where there is one: do its names and keys exist? */
void cases_check(const struct runbook *rb, struct problems *problems);
void cases_report_fini(struct cases_report *r);

#endif
