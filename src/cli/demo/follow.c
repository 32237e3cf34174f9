/*
 * Follows the engines as a console does: snapshot, then the stream, from whichever
 * answers; folds what comes and prints a line for each entry when asked for.
 *
 * Not by src/client: that one chooses among addresses known from the start, folds without
 * telling of single entries, and replaces its state when it heals. Here each entry counts
 * once, and engines come back at other addresses.
 */
#include "cli/demo/demo.h"

#include <string.h>

#include "core/mem.h"

enum { IDLE_MS = 7000, RETRY_MS = 200 };

struct follower {
	struct demo *d;
	struct sse sse;
};

static void print_entry(struct demo *d, const struct json *entry)
{
	const char *text = json_get_str(entry, "text");

	if (d->o.jsonl) {
		struct str b = STR_INIT(1 << 20);

		json_print(&b, entry);
		puts(b.s);
		str_fini(&b);
	} else if (d->o.headless && text) {
		_cleanup_(free_p) char *clean = text_clean(text, 300);

		printf("%.24s  %s\n", json_get_str(entry, "at") ? json_get_str(entry, "at") : "",
		       clean);
	}
	fflush(stdout);
}

static void count(struct demo *d, const struct json *entry)
{
	const struct json *data = json_get(entry, "data");
	const char *kind = json_get_str(entry, "kind");

	d->entries++;
	if (json_get(data, "alert") && kind && str_has_prefix(kind, "alert"))
		d->alerts++;
	if (json_get(data, "message"))
		d->notifications++;
}

static void on_event(void *ctx, const char *event, const char *id, const char *data)
{
	struct follower *f = ctx;
	struct json *doc = json_parse(data, strlen(data), NULL);
	int64_t before = f->d->state.seq;

	(void)id;
	if (!doc)
		return;
	if (strcmp(event, "live") == 0) {
		state_live(&f->d->state, doc, NULL);
	} else if (strcmp(event, "entry") == 0) {
		state_apply(&f->d->state, doc, NULL);
		if (f->d->state.seq > before) {
			count(f->d, doc);
			print_entry(f->d, doc);
		}
	}
	json_free(doc);
	condition_wake(&f->d->changed);
}

static void on_data(void *ctx, const char *p, size_t n)
{
	struct follower *f = ctx;

	sse_feed(&f->sse, p, n);
}

/* Snapshot of the first engine that gives one, keeping the sequence that was reached. */
static bool take_snapshot(struct demo *d)
{
	int status = 0;
	struct json *doc = demo_api(d, d->viewer, "GET", "/api/v1/snapshot", NULL, &status);
	bool good = status == 200 && doc && state_load(&d->state, doc, NULL) == 0;

	json_free(doc);
	return good;
}

static void stream_from(struct demo *d, const char *engine)
{
	_cleanup_(free_p) char *url = xasprintf("%s/api/v1/stream?after=%lld", engine,
						(long long)d->state.seq);
	struct follower f = { .d = d };
	struct http_request req = { .url = url, .on_data = on_data, .ctx = &f, .idle_ms = IDLE_MS,
				    .bearer = d->viewer, .bearer_prefix = "Authorization:"
					" Bearer " };
	struct http_reply r;

	sse_init(&f.sse, (size_t)4 << 20);
	f.sse.on_event = on_event;
	f.sse.ctx = &f;
	http_fetch(d->http, &req, &r);
	http_reply_fini(&r);
	sse_fini(&f.sse);
}

static void follow(void *arg)
{
	struct demo *d = arg;
	bool loaded = false;

	while (!task_cancelled()) {
		if (!loaded)
			loaded = take_snapshot(d);
		for (int i = 0; i < DEMO_ENGINES && loaded && !task_cancelled(); i++)
			if (d->engine[i].proc && proc_running(d->engine[i].proc) &&
			    !d->engine[i].stopped && d->engine[i].url)
				stream_from(d, d->engine[i].url);
		task_sleep(RETRY_MS);
	}
}

static void ended(void *arg)
{
	struct demo *d = arg;

	d->follower = NULL;
	condition_wake(&d->changed);
}

void demo_follow(struct demo *d)
{
	if (!d->follower)
		d->follower = task_start(d->loop, "follow", follow, d, ended);
}

void demo_unfollow(struct demo *d)
{
	if (!d->follower)
		return;
	task_cancel(d->follower);
	while (d->follower)
		condition_wait_anyway(&d->changed, 1000);
}
