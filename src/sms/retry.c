/*
 * Sending failed messages again. A message is put back into the application's queue and
 * marked as retried for ever in the same transaction; the mark's primary key is what keeps
 * two engines, two operators or a repeated request from sending it twice.
 *
 * Each batch asks everything again: whether the organisation is still on, its agent not
 * held, the message not too old, so a pause between batches is never bridged blindly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"
#include "sms/codes.h"
#include "sms/internal.h"

enum { BATCH = 10, LIMIT_MAX = 1000, RATE = 60, RATE_MAX = 600, MINUTE_MS = 60000 };

/* The codes that may be tried again, as a JSON array of texts. */
static void add_codes(struct str *b)
{
	struct sms_code c;
	const char *why;
	struct jw w = JW(b);
	char text[24];

	jw_arr(&w, NULL);
	for (size_t i = 0; sms_code_at(i, &c); i++) {
		snprintf(text, sizeof(text), "%lld", (long long)c.code);
		if (sms_code_may_retry(c.code, &why))
			jw_str(&w, NULL, text);
	}
	jw_arr_end(&w);
}

/* $1 since, $2 codes, $3 org, $4 code, $5 ids. A recipient who opted out from anybody here in
 * the last day is left alone even where another code stands. */
#define QUALIFY                                                                                    \
	" FROM \"MessageLog\" m WHERE m.direction = 'outbound'"                                    \
	" AND m.status IN ('failed', 'undelivered') AND m.\"createdAt\" > $1::timestamptz"         \
	" AND m.metadata->>'twilioErrorCode' IN (SELECT json_array_elements_text($2::json))"       \
	" AND ($3::text IS NULL OR m.\"orgId\" = $3)"                                              \
	" AND ($4::text IS NULL OR m.metadata->>'twilioErrorCode' = $4)"                           \
	" AND ($5::json IS NULL OR m.id IN (SELECT json_array_elements_text($5::json)))"           \
	" AND NOT EXISTS (SELECT 1 FROM ringdown.sms_retry r WHERE r.message_id = m.id)"           \
	" AND NOT EXISTS (SELECT 1 FROM \"OrgSettings\" o WHERE o.\"orgId\" = m.\"orgId\""         \
	"                 AND o.\"smsDisabled\")"                                                  \
	" AND NOT EXISTS (SELECT 1 FROM ringdown.sms_hold h"                                       \
	"                 JOIN \"VoiceAgent\" v ON v.id = h.agent_id"                              \
	"                 WHERE m.\"from\" IN (v.\"twilioPhoneNumber\", v.\"backupPhoneNumber\"))" \
	" AND NOT EXISTS (SELECT 1 FROM ringdown.hold g WHERE g.id = 'sms-global')"                \
	" AND NOT EXISTS (SELECT 1 FROM \"MessageLog\" x WHERE x.\"to\" = m.\"to\""                \
	"                 AND x.direction = 'outbound' AND x.status IN ('failed', 'undelivered')"  \
	"                 AND x.\"createdAt\" > $1::timestamptz - interval '23 hours'"             \
	"                 AND x.metadata->>'twilioErrorCode' = '21610')"

static const char batch_sql[] =
	"WITH due AS (SELECT m.id" QUALIFY " ORDER BY m.\"createdAt\", m.id LIMIT $6"
	"             FOR UPDATE OF m SKIP LOCKED),"
	" marked AS (INSERT INTO ringdown.sms_retry (message_id, action_id, by, at)"
	"            SELECT id, $7, $8, $9 FROM due ON CONFLICT (message_id) DO NOTHING"
	"            RETURNING message_id)"
	" UPDATE \"MessageLog\" m SET status = 'queued', metadata = coalesce(m.metadata,"
	" '{}'::jsonb)  || jsonb_build_object('retriedBy', $7::text) FROM marked WHERE m.id ="
	" marked.message_id";

static const char preview_sql[] = "SELECT count(*), count(DISTINCT m.\"orgId\")" QUALIFY;
static const char all_sql[] =
	"SELECT count(*) FROM \"MessageLog\" m WHERE m.direction = 'outbound' AND m.status IN"
	" ('failed', 'undelivered') AND m.\"createdAt\" > $1 AND ($2::text IS NULL OR m.\"orgId\" ="
	" $2)";

int sms_retry_batch(struct sms *s, const struct who *who, const char *action,
		    const struct sms_order *o, int64_t *ret_n, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str codes = STR_INIT(8192);
	int64_t n = o->limit < BATCH ? o->limit : BATCH;
	int e = tx_begin(s->d.store, &t, who, err);

	*ret_n = 0;
	add_codes(&codes);
	if (e == 0)
		e = tx_query(&t, &r, err, batch_sql, "mttttittm", tx_now_ms(&t) - s->d.retry_age_ms,
			     str_get(&codes), o->org, o->code, o->messages, n, action, who->actor,
			     tx_now_ms(&t));
	if (e == 0)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.sms_action SET rows_done ="
			     " (SELECT count(*) FROM ringdown.sms_retry WHERE action_id = $1) WHERE"
			     " id = $1",
			     "t", action);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0)
		*ret_n = pg_affected(r);
	str_fini(&codes);
	return e;
}

/* ---- the rest, at its pace ------------------------------------------------------ */

struct job {
	struct sms *s;
	char *actor, *role, *action, *org, *code, *messages;
	int64_t left, per_minute;
};

static void run(void *arg)
{
	struct job *j = arg;
	const struct who who = { .actor = j->actor, .role = j->role, .via = "api" };
	int64_t n = 1, failures = 0;

	while (j->left > 0 && n > 0 && !j->s->stopping) {
		struct sms_order o = SMS_ORDER;
		struct err err = { 0 };
		int64_t wait = BATCH * MINUTE_MS / j->per_minute;

		o.org = j->org;
		o.code = j->code;
		o.messages = j->messages;
		o.limit = j->left;
		for (; wait > 0 && !j->s->stopping; wait -= 1000)
			if (task_sleep(wait < 1000 ? wait : 1000) == OP_CANCELLED)
				return;
		if (j->s->stopping)
			break;
		if (sms_retry_batch(j->s, &who, j->action, &o, &n, &err) < 0) {
			n = ++failures < 5; /* the batch is undone whole: again, a few times */
			log_warn("sms", "retry %s: %s", j->action, err.msg);
			continue;
		}
		j->left -= n;
	}
}

static void done(void *arg)
{
	struct job *j = arg;

	j->s->jobs--;
	free(j->actor);
	free(j->role);
	free(j->action);
	free(j->org);
	free(j->code);
	free(j->messages);
	free(j);
}

static void go_on(struct sms *s, const struct who *who, const char *action,
		  const struct sms_order *o, int64_t left, int64_t per_minute)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){ s, xstrdup(who->actor), xstrdup(who->role), xstrdup(action),
			   xstrdup(o->org),
			   xstrdup(o->code), xstrdup(o->messages), left, per_minute };
	s->jobs++;
	task_start(s->d.loop, "sms-retry", run, j, done);
}

/* ---- the order ------------------------------------------------------------------ */

static int preview(struct sms *s, const struct sms_order *o, struct sms_change *c, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL, *all = NULL;
	struct str codes = STR_INIT(8192);
	int64_t since = loop_wall_ms(s->d.loop) - s->d.retry_age_ms, total, fit;
	int e;

	add_codes(&codes);
	e = store_query(s->d.store, &r, err, preview_sql, "mtttt", since, str_get(&codes), o->org,
			o->code, o->messages);
	str_fini(&codes);
	if (e == 0)
		e = store_query(s->d.store, &all, err, all_sql, "mt", since, o->org);
	if (e < 0)
		return e;
	fit = pg_i64(r, 0, 0);
	total = pg_i64(all, 0, 0);
	c->rows = fit < o->limit ? fit : o->limit;
	c->before = xasprintf("{\"failed\":%lld,\"mayBeRetried\":%lld,\"organisations\":%lld}",
			      (long long)total, (long long)fit, (long long)pg_i64(r, 0, 1));
	c->text = xasprintf("%lld of %lld failed messages sent again", (long long)c->rows,
			    (long long)total);
	return 0;
}

static int begin(struct sms *s, const struct who *who, struct sms_change *c,
		 const struct sms_order *o, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s->d.store, &t, who, err);

	if (e == 0)
		e = sms_action_put(&t, c, o->reason, err);
	if (e == 0)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.sms_action SET rows_done = 0 WHERE id"
					    " = $1", "t", c->action);
	return e == 0 ? tx_commit(&t, NULL, err) : e;
}

int sms_retry(struct sms *s, const struct who *who, const struct sms_order *order, struct str *ret,
	      struct err *err)
{
	struct sms_order o = *order;
	struct sms_change c = { .kind = "retry", .org = o.org,
				.undo = xstrdup("none: what was sent was sent") };
	int64_t rate = o.per_minute > 0 ? o.per_minute : RATE, n = 0;
	const char *why = NULL;
	int64_t code;
	int e = 0;

	if (o.limit < 1 || o.limit > LIMIT_MAX)
		e = err_field(err, ERR_INVALID, "limit", "1 to %d messages", LIMIT_MAX);
	else if (rate > RATE_MAX)
		e = err_field(err, ERR_INVALID, "perMinute", "1 to %d messages a minute", RATE_MAX);
	else if (o.code && (!parse_i64(o.code, 1, 999999, &code) ||
			    !sms_code_may_retry(code, &why)))
		e = err_field(err, ERR_INVALID, "code", "%.20s is never sent again: %s", o.code,
			      why ? why : "not a code");
	if (e == 0)
		e = preview(s, &o, &c, err);
	if (e == 0 && !o.dry_run && o.rows >= 0 && o.rows != c.rows)
		e = err_set(err, ERR_CONFLICT, "%lld messages qualify now, not %lld: look again",
			    (long long)c.rows, (long long)o.rows);
	if (e == 0 && !o.dry_run && c.rows > 0) {
		o.limit = c.rows;
		e = begin(s, who, &c, &o, err);
		if (e == 0)
			e = sms_retry_batch(s, who, c.action, &o, &n, err);
		if (e == 0 && n > 0 && c.rows > n)
			go_on(s, who, c.action, &o, c.rows - n, rate);
	}
	if (e == 0)
		sms_change_json(ret, &c, o.dry_run);
	sms_change_fini(&c);
	return e;
}
