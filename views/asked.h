/* A document that a view shows: asked for when it is not there or old, with the reason when it did
 * not come, sooner again then. */
#ifndef RD_VIEWS_ASKED_H
#define RD_VIEWS_ASKED_H

#include "views/app.h"

struct asked {
	struct view *v;
	void (*got)(struct view *v, const struct json *doc);	/* copy what is kept */
	struct client_request *request;		/* under way */
	int64_t asked_ms, got_ms;		/* monotonic; 0 = never */
	char problem[160];			/* "" = none */
};

/* One question at a time; does nothing while the answer is younger than fresh_ms, or before there
 * is a state at all. */
void asked_get(struct asked *a, struct view *v, const char *path, int64_t fresh_ms,
	       void (*got)(struct view *v, const struct json *doc));
/* Something else is wanted, or the view ends: the next question is asked at once. */
void asked_drop(struct asked *a);

#endif
