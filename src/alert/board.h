/*
 * All series of all metrics of a policy and what fires, purely: readings in, changes out. The
 * alert host feeds it from sources, `alerts test` from a file under a clock of its own.
 *
 * A metric that could not be read changes nothing and is marked unreadable after three
 * intervals: never "ok". A label that is gone from a complete reading counts as good.
 */
#ifndef RD_ALERT_BOARD_H
#define RD_ALERT_BOARD_H

#include "alert/rule.h"
#include "core/json.h"
#include "metric/source.h"
#include "model/alert.h"

enum { BOARD_EVERY_MS = 15000 };

struct board_metric {
	struct policy_metric m;		/* the policy's, its durations as they count here */
	const struct policy_metric *of;
	int64_t asked_at_ms, read_at_ms, failed_since_ms;	/* 0 = never, not */
	char why[200];			/* why it could not be read */
	bool unreadable;		/* for long enough to say so */
	int64_t round;			/* of complete readings */
	size_t n_series;
	int other;			/* absent_while: index of that metric, or -1 */
	int shown;			/* the host: an alert says so; -1 = not known */
	char shown_why[200];
	/* the host: alerts of its series, and how many had no room */
	size_t n_kept, left_out;
};
struct board_series {
	struct series s;
	size_t metric;
	int64_t round;			/* seen last in this one */
	double raw;			/* as it was read; s.value is what is judged */
	bool changed;			/* what is kept of it, since it was saved */
	bool kept;			/* the host: it has an alert of its own */
	size_t next;			/* in its bucket, + 1 */
};
struct board_change { size_t series; enum series_change what; };

struct board {
	const struct policy *policy;	/* borrowed; outlives the board */
	struct board_metric *metrics; size_t n_metrics;
	struct board_series *v; size_t n, cap;
	struct board_change *changes; size_t n_changes, cap_changes;
	size_t *buckets, n_buckets;	/* index + 1 */
};
/* speed: durations of the policy are divided by it. */
struct board *board_new(const struct policy *p, double speed);
void board_free(struct board *b);	/* NULL ok */

/* A complete reading of one metric. Rules of absence must come after what they look at:
 * board_order gives the metrics in such an order. */
void board_read(struct board *b, size_t metric, const struct metric_points *p, int64_t at_ms);
void board_failed(struct board *b, size_t metric, const char *why, int64_t at_ms);
/* Time alone: what is stale or unreadable by now. */
void board_tick(struct board *b, int64_t now_ms);
size_t board_order(const struct board *b, size_t i);
/* Its interval is over, or it was never asked. */
bool board_due(const struct board *b, size_t metric, int64_t now_ms);

/* The alert that a series is now; texts are the caller's (record_fini). shown: its label as
 * people know it; NULL = as it is. */
void board_alert(const struct board *b, const struct board_series *s, const char *shown,
		 struct alert *ret);
bool board_open(const struct board_series *s);	/* pending or firing */

/* Where a series stands, for the next life; NULL doc: nothing to keep. */
void board_series_json(struct jw *w, const char *name, const struct board_series *s);
/* now_ms: a duration that was not watched to its end begins again. */
void board_restore(struct board *b, const char *name, const char *label, const struct json *doc,
		   int64_t now_ms);
/* The wall clock was put forward or back by so much. */
void board_shift(struct board *b, int64_t ms);

#endif
