/*
 * `ringdown watch`: one line per event on plain stdout, for a dumb terminal, a pipe or a
 * screen reader. Nothing is ever repainted. The journal's lines as they come, and a line
 * whenever the connection is lost or found.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/console.h"
#include "cli/demo_console.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "views/app.h"

struct watching {
	struct cli *cli;
	struct loop *loop;
	struct client *client;
	int64_t seq; /* last line printed */
	char trouble[160];
	bool json, started, closed;
};

static void put(struct watching *w, const char *line)
{
	cli_print(w->cli, "%s\n", line);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		w->closed = true; /* whoever read us went away */
		loop_stop(w->loop);
	}
}

static void put_entry(struct watching *w, const struct entry *e)
{
	struct str b = STR_INIT(65536);
	char at[TIME_TEXT];

	if (w->json) {
		struct jw j = JW(&b);
		record_json(&j, NULL, &entry_type, e);
	} else {
		_cleanup_(free_p) char *text = text_clean(e->text, 1000);
		_cleanup_(free_p) char *actor = text_clean(e->actor, 60);
		str_addf(&b, "%s %-5s %s %s%s%s", format_time(at, e->at_ms),
		         e->severity ? e->severity : "info",
		         e->subject ? e->subject
		         : e->kind  ? e->kind
		                    : "-",
		         text, *actor ? "  by " : "", actor);
	}
	put(w, str_get(&b));
	str_fini(&b);
}

static void put_summary(struct watching *w, const struct state *s)
{
	char line[400];
	size_t open = 0, bad = 0;

	for (size_t i = 0; i < s->n_events; i++)
		open += event_status_open(s->events[i].status);
	for (size_t i = 0; i < s->n_accounts; i++)
		bad += s->accounts[i].health == HEALTH_CRITICAL ||
		       s->accounts[i].health == HEALTH_DEGRADED;
	snprintf(line, sizeof(line),
	         "-- %.60s%s: %zu of %zu accounts bad, %zu events open, leader %.40s",
	         s->environment ? s->environment : "ringdown", s->demo ? " DEMO (simulated)" : "",
	         bad, s->n_accounts, open, str_empty(s->leader) ? "nobody" : s->leader);
	put(w, line);
	for (size_t i = 0; i < s->n_events; i++)
		if (event_status_open(s->events[i].status)) {
			snprintf(line, sizeof(line), "-- %s %s %s to %s: %.200s", s->events[i].id,
			         event_status_name(s->events[i].status),
			         s->events[i].from ? s->events[i].from : "-",
			         s->events[i].to ? s->events[i].to : "-",
			         s->events[i].cause ? s->events[i].cause : "");
			put(w, line);
		}
}

static void changed(void *ctx)
{
	struct watching *w = ctx;
	const struct state *s = client_state(w->client);
	const char *trouble = client_trouble(w->client);

	if (!str_eq(trouble, w->trouble)) {
		snprintf(w->trouble, sizeof(w->trouble), "%s", trouble);
		if (!w->json)
			cli_print(w->cli, "-- %s\n", *trouble ? trouble : "connected");
		fflush(stdout);
	}
	if (!w->started && s->seq > 0) {
		w->started = true;
		w->seq = s->seq;
		if (!w->json)
			put_summary(w, s);
	}
	for (size_t i = s->n_entries; i > 0 && !w->closed; i--)
		if (s->entries[i - 1].seq > w->seq) {
			w->seq = s->entries[i - 1].seq;
			put_entry(w, &s->entries[i - 1]);
		}
}

static void on_signal(void *ctx, int signum)
{
	struct watching *w = ctx;

	(void)signum;
	loop_stop(w->loop);
}

/* Whether there is anything to watch is known before waiting for it: once connected it is tried for
 * ever, but a wrong token or address is told at once. */
static int ask_who(struct cli *c)
{
	struct json *me = NULL;
	int r = remote_get(c, "/api/v1/me", &me);

	json_free(me);
	return r;
}

static int run(struct cli *c)
{
	struct app_options o;
	struct watching w = { .cli = c };
	int r = demo_load_said(c);

	if (r)
		return r;
	console_options(c, &o);
	/* with a database it goes on without an engine, read only */
	r = o.client.n_apis || !o.client.database ? cli_run(c, ask_who) : 0;
	if (r && !(r == EXIT_UNREACHABLE && o.client.database))
		return r;
	w.json = cli_format(c) == FORMAT_JSON || cli_format(c) == FORMAT_JSONL;
	w.loop = loop_new();
	w.client = client_new(w.loop, &o.client, changed, &w);
	loop_on_signal(w.loop, SIGINT, on_signal, &w);
	loop_on_signal(w.loop, SIGTERM, on_signal, &w);
	loop_on_signal(w.loop, SIGHUP, on_signal, &w);
	client_start(w.client);
	loop_run(w.loop);
	client_free(w.client);
	loop_free(w.loop);
	return w.started || w.closed ? EXIT_DONE : EXIT_UNREACHABLE;
}

const struct subcommand cmd_watch = {
	.name = "watch",
	.help = "one line per event on plain stdout",
	.detail = "For a dumb terminal, a pipe or a screen reader: nothing is repainted. Lines "
	          "that begin "
	          "with -- are about the connection and the state found at the start.",
	.kind = CLI_STREAMS,
	.run = run,
};
