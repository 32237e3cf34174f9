/*
 * An instant as a person or another program wrote it. Where reading it took an assumption (no
 * zone, no year, a zone that was not in force, an hour that came twice, day and month that could
 * be either, a word that was not understood, a day far from the incident) the doubt says so.
 */
#ifndef RD_INCIDENT_INSTANT_H
#define RD_INCIDENT_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

struct import_rules {
	/* of instants without one: "UTC", "PST", "America/New_York", "-07:00"; NULL = UTC, with a
	 * doubt */
	const char *zone;
	int64_t base_ms;		/* the incident's beginning: gives a missing year */
	int64_t now_ms;			/* what lies behind it is doubted; 0 = nothing is */
};
bool import_zone_known(const char *zone);
/* The instant, and *ret_doubt (heap; NULL = sure). What cannot be read is put at base_ms. */
int64_t import_instant(const char *text, const struct import_rules *r, char **ret_doubt);

#endif
