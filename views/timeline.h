/*
 * The timeline's pages: at most a few hundred entries around the cursor, fetched by
 * position from the engine (timeline_data.c); the view and its drawn axis (timeline.c,
 * timeline_axis.c).
 */
#ifndef RD_VIEWS_TIMELINE_H
#define RD_VIEWS_TIMELINE_H

#include "model/incident.h"
#include "views/app.h"

enum { TIMELINE_PAGE = 200, TIMELINE_MOST = 600 };

struct timeline_pages {
	struct app *app;
	struct timeline_entry *rows; /* newest first */
	size_t n;
	bool oldest, newest; /* nothing lies beyond the end of that side */
	char incident[24];   /* "" = everything */
	char lane[16];       /* "" = all; "pinned" */
	char q[64];
	bool noise;
	int64_t to_ms; /* nothing after it; 0 = open */
	struct client_request *request;
	enum { ASK_NONE, ASK_SEEK, ASK_OLDER, ASK_NEWER } asked;
	int64_t asked_ms, seq;
	char older[64], newer[64]; /* a search was left off there; "" = go on from the last row */
	int64_t newest_ms;	   /* when there was nothing newer, by the wall clock */
	bool loaded;
	char problem[160];
	void (*changed)(void *ctx);
	void *ctx;
};

void timeline_pages_init(struct timeline_pages *p, struct app *a);
void timeline_pages_fini(struct timeline_pages *p);
/* The page that ends at this instant; 0 = the newest. Replaces what was loaded. */
void timeline_seek(struct timeline_pages *p, int64_t at_ms);
/* The cursor is at row i: asks for what comes next on that side, or for what is new. */
void timeline_near(struct timeline_pages *p, size_t i);

/* A note ("N-7") among the loaded rows; NULL = not there. */
const struct timeline_entry *app_timeline_entry(const struct app *a, const char *note);
/* Something in it was changed: what is loaded is asked for again. */
void app_timeline_reload(struct app *a);

/* The lanes over the time of the loaded rows, the cursor's instant marked; how many lines. */
int timeline_axis(const struct app *a, struct area at, const struct timeline_pages *p,
                  const struct timeline_entry *cursor);

#endif
