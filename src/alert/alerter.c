/*
 * See alerter.h. A look collects what should be firing, raises it, and resolves what fired
 * before and is no longer wished for, in one leader's transaction. Who is told of it is the
 * sentry's business.
 */
#include "alert/alerter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/duty.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/control.h"
#include "store/wishes.h"

enum {
	WISHES_MAX = 200, SMS_WINDOW_MS = 10 * 60000, SMS_MIN = 10, SMS_REST_MS = 10 * 60000,
	SILENT_MS = 60000,
	SILENT_MAX_MS = 15 * 60000, STALE_CYCLES = 5, HOUR_MS = 3600000,
};
static const double sms_rate = 0.3;	/* of finished messages, recipients' own faults left out */
static const char *const ours[] = { "sms-failures", "balance", "standby", "engine-silent",
				    "untold",
				    "event-held", "data-stale" };

struct alerter {
	struct alerter_deps d;
	struct duty duty;
	struct wishes now, before;	/* of this look and of the last one */
	/* messages could not be counted: their alerts stay as they are */
	bool sms_unknown;
	int64_t sms_again_ms;		/* monotonic; not before then */
};

/* What is not told to people may be a passing state (an account that was just added, an engine
 * that is being restarted): it must be so at two looks in a row. */
static bool settled(const struct alerter *a, const struct alert_wish *w)
{
	return w->tell || wishes_find(&a->before, w->name, w->subject);
}

/* ---- what to look at --------------------------------------------------------------------- */

/* Codes that are the recipient's own (handset off, landline, opted out) say nothing about the
 * sender. The newest rows bound the cost whatever the table holds. */
static const char sms_sql[] =
	"SELECT \"orgId\", count(*) FILTER (WHERE bad), count(*), mode() WITHIN GROUP (ORDER BY"
	" code)  FILTER (WHERE bad) FROM (SELECT \"orgId\", status IN ('failed', 'undelivered')"
	"   AND coalesce(metadata->>'twilioErrorCode', '') NOT IN ('30003', '30004', '30005',"
	" '30006',   '21610', '21211', '21614', '21217', '21214') AS bad,"
	" metadata->>'twilioErrorCode' AS code   FROM \"MessageLog\" WHERE direction = 'outbound'"
	" AND \"createdAt\" >= $1   AND status IN ('delivered', 'sent', 'read', 'failed',"
	" 'undelivered')   ORDER BY \"createdAt\" DESC LIMIT 50000) newest WHERE \"orgId\" IS NOT"
	" NULL GROUP BY 1 HAVING count(*) >= $2 AND count(*) FILTER (WHERE bad) >= count(*) *"
	" $3::double precision ORDER BY 2 DESC LIMIT 50";

static int look_sms(struct alerter *a, int64_t now, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(a->d.store, &r, err, sms_sql, "mid", now - SMS_WINDOW_MS,
			    (int64_t)SMS_MIN, sms_rate);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		wish(&a->now, "sms-failures", pg_text(r, i, 0), "warn", true,
		     "SMS of %s: %lld of %lld failed in 10 min, mostly code %s; no failover follows"
		     " from this",
		     pg_text(r, i, 0), (long long)pg_i64(r, i, 1), (long long)pg_i64(r, i, 2),
		     pg_null(r, i, 3) ? "none" : pg_text(r, i, 3));
	return e;
}

/* Without an index on the time a large table takes longer than a statement may: asked rarely
 * then, and everything else goes on. */
static void look_sms_if_due(struct alerter *a, int64_t now)
{
	int64_t mono = loop_now_ms(a->d.loop);
	struct err err = { 0 };

	a->sms_unknown = mono < a->sms_again_ms;
	if (a->sms_unknown || look_sms(a, now, &err) == 0)
		return;
	a->sms_unknown = true;
	a->sms_again_ms = mono + SMS_REST_MS;
	log_warn("alerts", "messages cannot be counted, next try in 10 min: %s", err.msg);
}

static int look_accounts(struct alerter *a, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(a->d.store, &r, err,
		"SELECT t.id, t.name, x.balance_amount, x.balance, x.standby_ready, x.last_check IS"
		" NOT NULL, NOT t.\"isPrimary\" AND NOT EXISTS (SELECT 1 FROM ringdown.lineage l"
		"  WHERE l.current_account = t.id),"
		" coalesce((SELECT string_agg(p, '; ') FROM json_array_elements_text("
		"  CASE WHEN json_typeof(x.standby_problems) = 'array' THEN x.standby_problems END)"
		" p), '') FROM \"TwilioAccount\" t JOIN ringdown.account_ext x ON x.account_id ="
		" t.id WHERE t.\"isActive\" AND x.removed_at IS NULL AND t.provider = 'twilio'"
		" LIMIT 200", "");

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		const char *id = pg_text(r, i, 0), *name = pg_text(r, i, 1);

		if (!pg_null(r, i, 2) && pg_double(r, i, 2) < a->d.min_balance)
			wish(&a->now, "balance", id, "warn", true,
			     "%s: balance %s is below the limit of %.2f", name, pg_text(r, i, 3),
			     a->d.min_balance);
		if (pg_bool(r, i, 6) && pg_bool(r, i, 5) && !pg_bool(r, i, 4))
			wish(&a->now, "standby", id, "warn", false,
			     "%s is not ready to take over: %s", name, pg_text(r, i, 7));
	}
	return e;
}

static int look_engines(struct alerter *a, int64_t now, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	char at[TIME_TEXT];
	int e = store_query(a->d.store, &r, err, "SELECT id, seen_at FROM ringdown.engine"
			    " WHERE id <> $1 AND seen_at < $2 AND seen_at > $3 ORDER BY id LIMIT"
			    " 20", "tmm",
			    a->d.engine_id, now - SILENT_MS, now - SILENT_MAX_MS);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		wish(&a->now, "engine-silent", pg_text(r, i, 0), "warn", false,
		     "engine %s has not been seen since %s: stopped, or cut off from the database",
		     pg_text(r, i, 0), format_time(at, pg_time(r, i, 1)));
	return e;
}

/* People were told when it was held; this keeps it in sight. */
static int look_events(struct alerter *a, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(a->d.store, &r, err, "SELECT e.id, coalesce(t.name, e.from_account),"
			    " coalesce(e.held_gate, ''), coalesce(e.reason, '') FROM ringdown.event"
			    " e LEFT JOIN \"TwilioAccount\" t ON t.id = e.from_account"
			    " WHERE e.status = 'held' ORDER BY e.opened_at LIMIT 20", "");

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		wish(&a->now, "event-held", pg_text(r, i, 0), "bad", false,
		     "%s of %s is held%s%s: %s", pg_text(r, i, 0), pg_text(r, i, 1),
		     pg_text(r, i, 2)[0] ? " by gate " : "", pg_text(r, i, 2), pg_text(r, i, 3));
	return e;
}

static int look_checks(struct alerter *a, int64_t now, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	char at[TIME_TEXT];
	int e = store_query(a->d.store, &r, err, "SELECT t.id, t.name, x.last_check FROM"
			    " \"TwilioAccount\" t JOIN ringdown.account_ext x ON x.account_id ="
			    " t.id WHERE t.\"isActive\" AND x.removed_at IS NULL AND x.last_check <"
			    " $1 ORDER BY x.last_check LIMIT 50", "m",
			    now - STALE_CYCLES * a->d.every_ms - SILENT_MS);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		wish(&a->now, "data-stale", pg_text(r, i, 0), "warn", false,
		     "%s was checked last at %s: what is shown of it is old", pg_text(r, i, 1),
		     format_time(at, pg_time(r, i, 2)));
	return e;
}

/* Not told: it would be told the way that does not work. It is seen in the console. */
static int look_outbox(struct alerter *a, int64_t now, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(a->d.store, &r, err, "SELECT channel, count(*), max(error) FROM"
			    " ringdown.outbox WHERE created_at > $1 AND (state = 'dead' OR"
			    " (attempts > 1 AND state IN ('waiting', 'sending'))) GROUP BY 1 ORDER"
			    " BY 1", "m", now - HOUR_MS);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		wish(&a->now, "untold", pg_text(r, i, 0), "bad", false,
		     "%lld messages could not be delivered by %s: %s",
		     (long long)pg_i64(r, i, 1), pg_text(r, i, 0), pg_text(r, i, 2));
	return e;
}

/* ---- raising and resolving ------------------------------------------------------------------- */

static const struct alert *firing(const struct alert *rows, size_t n, const struct alert_wish *w)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].state != AL_RESOLVED && str_eq(rows[i].name, w->name) &&
		    str_eq(rows[i].subject, w->subject))
			return &rows[i];
	return NULL;
}

static int put(struct alerter *a, struct tx *t, const struct alert *rows, size_t n,
	       struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < a->now.n; i++) {
		const struct alert_wish *w = &a->now.v[i];
		const struct alert *old = firing(rows, n, w);

		if (old ? wish_same(w, old->severity, old->text) : !settled(a, w))
			continue;
		e = alert_raise(t, w->name, w->subject, w->severity, w->text, w->tell, err);
	}
	for (size_t i = 0; e == 0 && i < n; i++) {
		bool mine = false;

		/* the first is about SMS */
		for (size_t k = a->sms_unknown; k < COUNT_OF(ours); k++)
			mine = mine || str_eq(rows[i].name, ours[k]);
		if (!mine || rows[i].state == AL_RESOLVED ||
		    wishes_find(&a->now, rows[i].name, rows[i].subject))
			continue;
		e = alert_resolve(t, rows[i].name, rows[i].subject, NULL, err);
	}
	return e;
}

int alerter_look(struct alerter *a, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(a->d.epoch(a->d.ctx));
	int64_t now = loop_wall_ms(a->d.loop);
	struct alert *rows = NULL;
	size_t n = 0;
	int e;

	if (!who.epoch)
		return 0;
	struct wishes old = a->before;
	a->before = a->now;
	a->now = old;
	a->now.n = 0;
	/* what cannot be asked now must not look as if it were over: stop instead */
	look_sms_if_due(a, now);
	e = look_accounts(a, err);
	if (e == 0)
		e = look_engines(a, now, err);
	if (e == 0)
		e = look_outbox(a, now, err);
	if (e == 0)
		e = look_events(a, err);
	if (e == 0)
		e = look_checks(a, now, err);
	if (e == 0)
		e = alerts_list(a->d.store, now, WISHES_MAX * 2, &rows, &n, err);
	if (e == 0)
		e = tx_begin(a->d.store, &t, &who, err);
	if (e == 0)
		e = put(a, &t, rows, n, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && t.n_notes && a->d.moved)
		a->d.moved(a->d.ctx);
	alerts_free(rows, n);
	return e;
}

/* ---- the task ------------------------------------------------------------------- */

static int64_t turn(void *arg)
{
	struct alerter *a = arg;
	struct err err = { 0 };

	if (alerter_look(a, &err) < 0 && err.code != ERR_CANCELLED)
		log_debug("alerts", "%s", err.msg);
	return a->d.every_ms;
}

struct alerter *alerter_new(const struct alerter_deps *d)
{
	struct alerter *a = xcalloc(1, sizeof(*a));

	a->d = *d;
	wishes_init(&a->now, WISHES_MAX);
	wishes_init(&a->before, WISHES_MAX);
	return a;
}

void alerter_start(struct alerter *a)
{
	duty_start(&a->duty, a->d.loop, "alerts", turn, a);
}

void alerter_stop(struct alerter *a)
{
	if (a)
		duty_stop(&a->duty);
}

bool alerter_idle(const struct alerter *a)
{
	return !a || duty_idle(&a->duty);
}

void alerter_free(struct alerter *a)
{
	if (!a || !duty_idle(&a->duty))
		return;
	wishes_fini(&a->now);
	wishes_fini(&a->before);
	free(a);
}
