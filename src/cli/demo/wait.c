/* Expectations with deadlines; the first that is not met ends the script. */
#include "cli/demo/demo.h"

#include <stdarg.h>
#include <string.h>

#include "core/mem.h"

enum { LOOK_MS = 250, SHORTEST_MS = 50 };

bool demo_fail(struct demo *d, const char *fmt, ...)
{
	va_list ap;

	if (d->failed)
		return false;
	d->failed = true;
	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	return false;
}

int64_t demo_story_ms(const struct demo *d, double seconds)
{
	double ms = seconds * 1000 / d->o.speed;

	return ms < SHORTEST_MS ? SHORTEST_MS : (int64_t)ms;
}

void demo_sleep_story(struct demo *d, double seconds)
{
	task_sleep(demo_story_ms(d, seconds));
}

bool demo_wait(struct demo *d, int64_t ms, bool (*holds)(struct demo *d, const void *arg),
	       const void *arg, const char *what)
{
	int64_t until = loop_now_ms(d->loop) + ms;

	while (!d->failed && !task_cancelled()) {
		int64_t left = until - loop_now_ms(d->loop);

		if (holds(d, arg))
			return true;
		if (left <= 0)
			return demo_fail(d, "waited %lld ms for %s", (long long)ms, what);
		condition_wait(&d->changed, left < LOOK_MS ? left : LOOK_MS);
	}
	return false;
}

const struct event *demo_event(struct demo *d)
{
	return d->state.n_events ? &d->state.events[0] : NULL;
}

static bool status_is(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);
	const char *want = arg, *name = e ? event_status_name(e->status) : "";
	size_t len = strlen(name);

	/* "a|b": one of them */
	for (const char *p = want; len && (p = strstr(p, name)) != NULL; p += len)
		if ((p == want || p[-1] == '|') && (p[len] == '\0' || p[len] == '|'))
			return true;
	return false;
}

bool demo_wait_status(struct demo *d, const char *status, int64_t ms)
{
	const struct event *e;
	_cleanup_(free_p) char *what = xasprintf("the event to be %s", status);

	if (demo_wait(d, ms, status_is, status, what))
		return true;
	e = demo_event(d);
	if (d->failed && !strstr(d->why, "it is"))
		snprintf(d->why + strlen(d->why), sizeof(d->why) - strlen(d->why),
			 "; it is %s%s%s%s%s", e ? event_status_name(e->status) : "not there",
			 e && e->held_gate ? " by " : "",
			 e && e->held_gate ? e->held_gate : "", e && e->error ? ": " : "",
			 e && e->error ? e->error : e && e->reason ? e->reason : "");
	return false;
}

static bool tests_are(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);

	return e && e->tests_failed >= *(const int64_t *)arg;
}

bool demo_wait_tests(struct demo *d, int64_t failed_tests, int64_t ms)
{
	return demo_wait(d, ms, tests_are, &failed_tests, "failed tests in the window");
}
