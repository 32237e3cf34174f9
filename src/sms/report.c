/*
 * Reports as JSON tables: the counts of read/sms.h with the meaning of each code, and the
 * failed messages. One table a report, its columns as the members of a row; every text
 * from outside is cleaned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "sms/codes.h"
#include "sms/internal.h"

enum { WAIT_MS = 10000, NUMBERS_MS = 10000, HOURS_MS = 24 * 3600 * 1000 };

static const char *const words[SMS_REPORTS] = { "mix", "failures", "codes", "orgs", "senders",
						"hours" };

int sms_report_parse(const char *word)
{
	for (int i = 0; i < SMS_REPORTS; i++)
		if (str_eq(word, words[i]))
			return i;
	return -1;
}

static double share(int64_t part, int64_t of)
{
	return of > 0 ? (double)part / (double)of : 0;
}

static void clean(struct jw *w, const char *name, const char *text)
{
	_cleanup_(free_p) char *t = text ? text_clean(text, 400) : NULL;

	jw_str(w, name, t);
}

/* ---- tables of counts ------------------------------------------------------------------- */

static void mix_row(struct jw *w, const struct sms_group *g, int64_t all)
{
	clean(w, "status", *g->key ? g->key : "none");
	jw_i64(w, "messages", g->total);
	jw_double(w, "share", share(g->total, all));
}

static void code_row(struct jw *w, const struct sms_group *g)
{
	struct sms_code c;

	sms_code_find(g->code, &c);
	jw_i64(w, "code", g->code);
	jw_i64(w, "messages", g->total);
	jw_i64(w, "orgs", g->orgs);
	jw_str(w, "category", c.category);
	jw_str(w, "meaning", c.meaning);
	jw_str(w, "advice", c.advice);
	jw_str(w, "retryable", c.retryable);
	jw_str(w, "link", c.link);
}

static void totals(struct jw *w, const struct sms_group *g)
{
	jw_i64(w, "messages", g->total);
	jw_i64(w, "delivered", g->delivered);
	jw_i64(w, "failed", g->failed);
	jw_i64(w, "undelivered", g->undelivered);
	jw_i64(w, "queued", g->queued);
	jw_double(w, "failureRate", share(g->failed + g->undelivered,
					  g->delivered + g->sent + g->failed + g->undelivered));
}

static void org_switches(struct jw *w, const struct pg_result *r, const char *org)
{
	for (int i = 0; i < pg_rows(r); i++) {
		if (!str_eq(pg_text(r, i, 0), org))
			continue;
		jw_bool(w, "smsDisabled", pg_bool(r, i, 1));
		if (pg_null(r, i, 2))
			jw_null(w, "perMinute");
		else
			jw_i64(w, "perMinute", pg_i64(r, i, 2));
		return;
	}
	jw_bool(w, "smsDisabled", false);
	jw_null(w, "perMinute");
}

/* The status mix and the hours of everybody come from the light counts. */
static int light(const struct sms_query *q)
{
	return q->source != SMS_TWILIO && !q->org && (q->kind == SMS_MIX || q->kind == SMS_HOURS);
}

static const struct sms_counts *counts_of(const struct sms *s, const struct sms_query *q)
{
	return s->counts[q->source][light(q)];
}

static int count_rows(struct sms *s, const struct sms_query *q, int64_t from_ms, struct jw *w,
		      struct err *err)
{
	static const enum sms_by by[SMS_REPORTS] = {
		[SMS_MIX] = SMS_BY_STATUS, [SMS_CODES] = SMS_BY_CODE, [SMS_ORGS] = SMS_BY_ORG,
		[SMS_SENDERS] = SMS_BY_SENDER, [SMS_HOURS] = SMS_BY_HOUR,
	};
	_cleanup_(pg_result_free_p) struct pg_result *orgs = NULL;
	struct sms_group *g;
	int64_t all = 0;
	size_t n;
	int e = 0;

	if (q->kind == SMS_ORGS)
		e = store_query(s->d.store, &orgs, err, "SELECT \"orgId\", \"smsDisabled\","
				" \"maxMessagesPerMinute\" FROM \"OrgSettings\" WHERE"
				" \"smsDisabled\" OR \"maxMessagesPerMinute\" IS NOT NULL LIMIT"
				" 5000", "");
	if (e < 0)
		return e;
	/* from here to the end nothing waits: the groups borrow names */
	g = sms_counts_by(counts_of(s, q), by[q->kind], from_ms, q->org, &n);
	for (size_t i = 0; i < n; i++)
		all += g[i].total;
	for (size_t i = 0; i < n && (int64_t)i < q->limit; i++) {
		jw_obj(w, NULL);
		switch (q->kind) {
		case SMS_MIX: mix_row(w, &g[i], all); break;
		case SMS_CODES: code_row(w, &g[i]); break;
		case SMS_HOURS: jw_time(w, "hour", g[i].at_ms); totals(w, &g[i]); break;
		case SMS_ORGS:
			clean(w, "orgId", g[i].key);
			totals(w, &g[i]);
			org_switches(w, orgs, g[i].key);
			break;
		default: clean(w, "sender", g[i].key); totals(w, &g[i]); break;
		}
		jw_obj_end(w);
	}
	free(g);
	return 0;
}

/* ---- failed messages ------------------------------------------------------------------------ */

static void failure_row(struct jw *w, const struct sms_failure *f, bool content)
{
	struct sms_code c;
	int64_t code = 0;

	if (f->code)
		parse_i64(f->code, 0, 999999, &code);
	sms_code_find(code, &c);
	jw_obj(w, NULL);
	jw_str(w, "id", f->id);
	jw_time(w, "at", f->at_ms);
	clean(w, "orgId", f->org);
	clean(w, "from", f->from);
	clean(w, "to", f->to);
	clean(w, "channel", f->channel);
	clean(w, "status", f->status);
	if (code)
		jw_i64(w, "code", code);
	else
		jw_null(w, "code");
	jw_str(w, "meaning", c.meaning);
	jw_str(w, "advice", c.advice);
	clean(w, "error", f->message);
	if (content)
		clean(w, "content", f->content);
	jw_obj_end(w);
}

static void twilio_failures(struct sms *s, const struct sms_query *q, int64_t from_ms, struct jw *w)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->n_failed && n < q->limit; i++) {
		const struct sms_failure *f = &s->failed[i];

		if (f->at_ms < from_ms || (q->org && !str_eq(q->org, f->org)) ||
		    (q->code && !str_eq(q->code, f->code)) ||
			(q->sender && !str_eq(q->sender, f->from)))
			continue;
		failure_row(w, f, false);
		n++;
	}
}

static int failure_rows(struct sms *s, const struct sms_query *q, int64_t from_ms, struct jw *w,
			char **ret_cursor, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct sms_filter f = { q->source, from_ms, q->limit, q->org, q->code, q->sender, q->cursor,
				q->content };
	struct sms_failure *rows = NULL;
	size_t n = 0;
	int e;

	if (q->source == SMS_TWILIO) {
		twilio_failures(s, q, from_ms, w);
		return 0;
	}
	e = pg_acquire(s->d.store->pool, &conn, err);
	if (e == 0)
		e = sms_failures(conn, &f, &rows, &n, ret_cursor, err);
	for (size_t i = 0; e == 0 && i < n; i++)
		failure_row(w, &rows[i], q->content);
	sms_failures_free(rows, n);
	return e;
}

/* ---- beside the table ----------------------------------------------------------- */

/* A whole table, of which little changes: not for every look. */
static int count_numbers(struct sms *s, struct pg_conn *conn, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t now = loop_now_ms(s->d.loop);
	int e;

	if (s->numbers_ms && now - s->numbers_ms < NUMBERS_MS)
		return 0;
	e = pg_run(conn, &r, err, "SELECT count(*) FILTER (WHERE \"smsReady\"), count(*) FROM"
		   " \"TwilioBackupPhoneNumber\"", "");
	if (e < 0)
		return e;
	s->numbers_ready = pg_i64(r, 0, 0);
	s->numbers = pg_i64(r, 0, 1);
	s->numbers_ms = now;
	return 0;
}

static int add_state(struct sms *s, const struct sms_query *q, int64_t from_ms, struct jw *w,
		     struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct pg_params none = PG_PARAMS;
	size_t n;
	int e = pg_acquire(s->d.store->pool, &conn, err);

	if (e == 0)
		e = pg_query_kept(conn, "SELECT count(*) FROM ringdown.sms_hold", &none, &r, err);
	if (e == 0)
		e = count_numbers(s, conn, err);
	if (e < 0)
		return e;
	jw_i64(w, "agentsHeld", pg_i64(r, 0, 0));
	jw_i64(w, "numbersSmsReady", s->numbers_ready);
	jw_i64(w, "numbers", s->numbers);
	struct sms_group *g = sms_counts_by(counts_of(s, q), SMS_BY_ALL, from_ms, q->org, &n);
	jw_obj(w, "total");
	if (n)
		totals(w, &g[0]);
	jw_obj_end(w);
	free(g);
	return 0;
}

/* One at a time brings a source up to date; who comes meanwhile waits and finds it fresh. */
static int refresh(struct sms *s, const struct sms_query *q, int64_t now_ms, int64_t window_ms,
		   struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	bool *busy = &s->busy[q->source][light(q)];
	int e = 0;

	while (*busy)
		if (condition_wait(&s->changed, WAIT_MS) != OP_OK)
			return err_set(err, ERR_TIMEOUT, "another request still counts the"
				       " messages");
	*busy = true;
	if (q->source == SMS_TWILIO) {
		e = sms_twilio_refresh(s, now_ms, window_ms, err);
	} else {
		e = pg_acquire(s->d.store->pool, &conn, err);
		if (e == 0)
			e = sms_counts_refresh(s->counts[q->source][light(q)], conn, now_ms,
					       window_ms, err);
	}
	*busy = false;
	condition_wake(&s->changed);
	return e;
}

int sms_report(struct sms *s, const struct sms_query *q, struct str *ret, struct err *err)
{
	int64_t now = loop_wall_ms(s->d.loop);
	int64_t window = q->window_ms > HOURS_MS ? HOURS_MS : q->window_ms, from = now - window;
	_cleanup_(free_p) char *cursor = NULL;
	struct jw w = JW(ret);
	int e = 0;

	if (q->kind != SMS_FAILURES || q->source == SMS_TWILIO)
		e = refresh(s, q, now, window, err);
	if (e < 0)
		return e;
	jw_obj(&w, NULL);
	jw_str(&w, "source", sms_source_name(q->source));
	jw_i64(&w, "windowMs", window);
	jw_time(&w, "asOf", q->kind == SMS_FAILURES ? now : sms_counts_as_of(counts_of(s, q)));
	jw_arr(&w, "rows");
	if (q->kind == SMS_FAILURES)
		e = failure_rows(s, q, from, &w, &cursor, err);
	else
		e = count_rows(s, q, from, &w, err);
	jw_arr_end(&w);
	if (e == 0 && q->kind == SMS_MIX)
		e = add_state(s, q, from, &w, err);
	jw_str(&w, "nextCursor", cursor);
	jw_obj_end(&w);
	if (e < 0)
		str_clear(ret);
	return e;
}
