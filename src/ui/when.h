/*
 * Times as people read them at 03:12. Everything is computed from instants handed in;
 * whoever draws a text that changes by itself says so with the `ticks` it gets back.
 */
#ifndef RD_UI_WHEN_H
#define RD_UI_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEN_TEXT 64

/* "03:12:47Z", or with utc false the local time without a mark. 0 = "-". */
const char *when_clock(char buf[WHEN_TEXT], int64_t at_ms, bool utc);
/* "03:12Z" */
const char *when_minute(char buf[WHEN_TEXT], int64_t at_ms, bool utc);
/* Since when: within 12 h the clock, else "2d 04h" (of now_ms). */
const char *when_since(char buf[WHEN_TEXT], int64_t at_ms, int64_t now_ms, bool utc);
/* "06:41", "1:04:10", "18d 02h" */
const char *when_span(char buf[WHEN_TEXT], int64_t ms);
/* Short age: "1s", "1m45", "2h10", "3d". */
const char *when_age(char buf[WHEN_TEXT], int64_t ms);

struct countdown {
	int64_t at_ms;		/* deadline, server time */
	int64_t now_ms;		/* measured server time now */
	bool stale;		/* the data is old: claim nothing */
	bool exact;		/* seconds also above 10 minutes (selected, nearest) */
	int64_t last_test_ms;	/* of a window that counts only while tested; 0 = unasked */
};
enum { COUNTDOWN_QUIET_MS = 90 * 1000 };
/* "06:41", "~06:41", "12m", "deciding", "no test for 94 s",
 * "deadline passed 0:12 ago, outcome unknown". Returns whether it changes each second. */
bool when_countdown(char buf[WHEN_TEXT], const struct countdown *c);

#endif
