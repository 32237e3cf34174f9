/*
 * Markdown into a runbook. What is clearly a command becomes a step that cannot run until
 * somebody has said what its effect is; what people do becomes ask; all else is kept word
 * for word as notes with their lines. Every line of the source is in the result.
 */
#ifndef RD_RUNBOOK_IMPORT_H
#define RD_RUNBOOK_IMPORT_H

#include "runbook/runbook.h"

struct import_report {
	/* lines of the source, blank ones and headings left out */
	int64_t executable, human, note;
	int64_t run_steps, ask_steps, note_steps, phases, params;
	struct problems warnings;		/* with lines of the Markdown */
};
/* *ret_yaml is a runbook that passes the linter. name: for messages and, when there is no
 * better one, the id. */
int runbook_import(const char *text, size_t len, const char *name, struct str *ret_yaml,
		   struct import_report *ret, struct err *err);
void import_report_fini(struct import_report *r);

#endif
