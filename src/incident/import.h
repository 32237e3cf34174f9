/*
 * A log from outside as lines of a timeline: CSV or JSON whose instants were written by people
 * and other programs. Each line keeps its instant as it was written; where reading it took an
 * assumption (no zone, no year, a zone that was not in force, day and month that could be
 * either) the line says so in its doubt. Nothing is left out and nothing is guessed silently.
 */
#ifndef RD_INCIDENT_IMPORT_H
#define RD_INCIDENT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct import_line { char *text, *original, *doubt; int64_t at_ms; };
struct import_rules {
	/* of instants without one: "UTC", "PST", "-07:00"; NULL = UTC, with a doubt */
	const char *zone;
	int64_t base_ms;		/* the incident's beginning: gives a missing year */
};
bool import_zone_known(const char *zone);
/* The instant, and *ret_doubt (heap; NULL = sure). What cannot be read is put at base_ms. */
int64_t import_instant(const char *text, const struct import_rules *r, char **ret_doubt);
int import_parse(const char *text, size_t len, const struct import_rules *r,
		 struct import_line **ret, size_t *ret_n, struct err *err);
void import_free(struct import_line *v, size_t n);

#endif
