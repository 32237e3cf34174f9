/*
 * The receiver's book: every delivery of alerts from outside is counted by what became of it, for
 * /metrics; one that is refused, for whatever reason, is also a line of the journal that people
 * see. A sender who does everything wrong a thousand times a second gets one line a minute and
 * reason, with how many there were since.
 */
#include "api/intake.h"

#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "core/log.h"
#include "core/task.h"
#include "engine/engine.h"
#include "store/store.h"

enum { SAY_EVERY_MS = 60000 };

static const struct { const char *word, *means; } results[IN_RESULTS] = {
	[IN_TAKEN] = { "taken", "taken" },
	[IN_TOKEN] = { "token", "without a token that may" },
	[IN_TOO_LARGE] = { "too_large", "larger than is taken" },
	[IN_UNREADABLE] = { "unreadable", "that cannot be read" },
	[IN_TOO_MANY] = { "too_many", "more than are taken in a minute" },
	[IN_UNAVAILABLE] = { "unavailable", "while the database was away" },
};

struct intake {
	struct engine *engine;
	int64_t n[IN_RESULTS], since_said[IN_RESULTS], said_ms[IN_RESULTS];
	int64_t kept, late, left_out, truncated;
	bool busy;
	struct condition free;
};

struct intake *intake_new(struct engine *e)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->engine = e;
	return in;
}

void intake_free(struct intake *in)
{
	free_p(&in);
}

int intake_turn(struct intake *in, struct err *err)
{
	while (in->busy)
		if (condition_wait(&in->free, -1) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "this engine is shutting down");
	in->busy = true;
	return 0;
}

void intake_turn_over(struct intake *in)
{
	in->busy = false;
	condition_wake(&in->free);
}

void intake_alerts(struct intake *in, size_t kept, size_t late, size_t left_out, int64_t truncated)
{
	in->kept += (int64_t)kept;
	in->late += (int64_t)late;
	in->left_out += (int64_t)left_out;
	in->truncated += truncated;
}

enum intake_result intake_of_status(int status)
{
	switch (status) {
	case 401:
	case 403: return IN_TOKEN;
	case 413: return IN_TOO_LARGE;
	case 503: return IN_UNAVAILABLE;
	default: return status < 300 ? IN_TAKEN : status < 500 ? IN_UNREADABLE : IN_UNAVAILABLE;
	}
}

/* ---- the line in the journal -------------------------------------------------------- */

struct line { struct engine *engine; char *text, *by; };

static void write_line(void *arg)
{
	struct line *l = arg;
	struct who who = { .actor = l->by, .role = "none", .via = "api" };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct err err = { 0 };

	log_warn("alerts", "%s", l->text);
	if (tx_begin(l->engine->store, &t, &who, &err) < 0)
		return;
	tx_note(&t, NOTE_WARN, "alert.refused", "alerts", l->text, NULL);
	tx_commit(&t, NULL, &err);
}

static void line_free(void *arg)
{
	struct line *l = arg;

	free_p(&l->text);
	free_p(&l->by);
	free_p(&l);
}

void intake_count(struct intake *in, enum intake_result r, const char *by, const char *why)
{
	int64_t now = loop_now_ms(in->engine->loop);
	_cleanup_(free_p) char *clean = text_clean(why, 300);
	struct line *l;

	in->n[r]++;
	in->since_said[r]++;
	if (r == IN_TAKEN || (in->said_ms[r] && now - in->said_ms[r] < SAY_EVERY_MS))
		return;
	in->said_ms[r] = now;
	l = xcalloc(1, sizeof(*l));
	l->engine = in->engine;
	l->by = text_clean(by ? by : "unknown", 80);
	l->text = xasprintf("%lld deliver%s of alerts refused, %s: %s",
			    (long long)in->since_said[r], in->since_said[r] == 1 ? "y" : "ies",
			    results[r].means, clean);
	in->since_said[r] = 0;
	task_start(in->engine->loop, "intake", write_line, l, line_free);
}

/* ---- Prometheus text ------------------------------------------------------------------ */

void intake_metrics(const struct intake *in, struct str *b)
{
	str_add(b, "# HELP ringdown_alert_deliveries_total deliveries of alerts from outside, by"
		   " what became of them\n# TYPE ringdown_alert_deliveries_total counter\n");
	for (int i = 0; i < IN_RESULTS; i++)
		str_addf(b, "ringdown_alert_deliveries_total{result=\"%s\"} %lld\n",
			 results[i].word, (long long)in->n[i]);
	str_add(b, "# HELP ringdown_alerts_received_total alerts from outside, by what became of"
		   " them\n# TYPE ringdown_alerts_received_total counter\n");
	str_addf(b, "ringdown_alerts_received_total{result=\"kept\"} %lld\n", (long long)in->kept);
	str_addf(b, "ringdown_alerts_received_total{result=\"late\"} %lld\n", (long long)in->late);
	str_addf(b, "ringdown_alerts_received_total{result=\"left_out\"} %lld\n",
		 (long long)in->left_out);
	str_addf(b, "ringdown_alerts_received_total{result=\"truncated\"} %lld\n",
		 (long long)in->truncated);
}
