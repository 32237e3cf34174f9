/* See asked.h. What a view had stays where it is until the next answer is there; how old it is says
 * the line above it. */
#include "views/asked.h"

#include <stdio.h>

#include "core/mem.h"

enum { AGAIN_MS = 2000 };	/* the link may be another one by then */

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct asked *a = ctx;

	a->request = NULL;
	shell_changed(a->v->shell);
	if (status != 200) {
		snprintf(a->problem, sizeof(a->problem), "%s",
		         problem ? problem : "the engine did not answer");
		return;
	}
	a->problem[0] = '\0';
	a->got_ms = loop_now_ms(shell_loop(a->v->shell));
	a->got(a->v, doc);
}

void asked_get(struct asked *a, struct view *v, const char *path, int64_t fresh_ms,
               void (*got)(struct view *v, const struct json *doc))
{
	struct app *app = v->app;
	int64_t now = loop_now_ms(shell_loop(v->shell));

	if (a->problem[0] && fresh_ms > AGAIN_MS)
		fresh_ms = AGAIN_MS;
	if (a->request || (a->asked_ms && now - a->asked_ms < fresh_ms) || !app_state(app)->seq)
		return;
	a->asked_ms = now;
	a->v = v;
	a->got = got;
	a->request = client_get(app->client, path, answered, a);
}

void asked_drop(struct asked *a)
{
	if (a->request)
		client_cancel(TAKE(a->request));
	a->asked_ms = a->got_ms = 0;
	a->problem[0] = '\0';
}
