/*
 * A log from outside as lines of a timeline: CSV or JSON whose instants were written by people
 * and other programs. Each line keeps its instant as it was written; where reading it took an
 * assumption the line says so in its doubt (instant.h); columns and members that have no place of
 * their own stand in the text. Nothing is left out and nothing is guessed silently.
 */
#ifndef RD_INCIDENT_IMPORT_H
#define RD_INCIDENT_IMPORT_H

#include <stddef.h>

#include "core/err.h"
#include "incident/instant.h"

struct import_line { char *text, *original, *doubt; int64_t at_ms; };
/* CSV (commas, semicolons or tabs, with or without names of columns), a JSON array, an object with
 * one inside, or a JSON object a line. What is no such document is refused as a whole. */
/* *ret: n lines in their order (import_free). ERR_INVALID: no text, no JSON where it begins as
 * such, or more lines than a timeline takes at once. */
int import_parse(const char *text, size_t len, const struct import_rules *r,
		 struct import_line **ret, size_t *ret_n, struct err *err);
void import_free(struct import_line *v, size_t n);

#endif
