/*
 * What people do about SMS: an organisation off, on or slower, everything off through the
 * application's own switch. Each is one transaction: the row is locked, what it held is
 * kept with the action, the number of rows that change is compared with what was shown,
 * and a hold stays pinned until it is undone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "providers/app.h"
#include "sms/internal.h"
#include "store/control.h"

#define FEATURE "sms_automation"

void sms_change_fini(struct sms_change *c)
{
	free(c->before);
	free(c->after);
	free(c->text);
	free(c->undo);
	free(c->action);
}

void sms_change_json(struct str *ret, const struct sms_change *c, bool dry_run)
{
	struct jw w = JW(ret);

	jw_obj(&w, NULL);
	jw_str(&w, "action", c->kind);
	jw_str(&w, "actionId", c->action);
	jw_str(&w, "orgId", c->org);
	jw_bool(&w, "dryRun", dry_run);
	jw_i64(&w, "rows", c->rows);
	jw_str(&w, "text", c->text);
	jw_raw(&w, "before", c->before);
	jw_raw(&w, "after", c->after);
	jw_str(&w, "undo", c->undo);
	jw_obj_end(&w);
}

int sms_action_put(struct tx *t, struct sms_change *c, const char *reason, struct err *err)
{
	_cleanup_(free_p) char *kind = xasprintf("sms.%s", c->kind);
	_cleanup_(free_p) char *line = xasprintf("%s%s%s", c->text, str_empty(reason) ? "" : ": ",
						 reason ? reason : "");
	int e = store_next_id(t, "ringdown.sms_action_seq", "SA-", &c->action, err);

	if (e == 0)
		e = tx_query(t, NULL, err,
			     "INSERT INTO ringdown.sms_action (id, kind, org_id, by, reason, at,"
			     " before, after, rows_expected, rows_done) VALUES ($1, $2, $3, $4, $5,"
			     " $6, $7, $8, $9, $9)",
			     "tttttmtti", c->action, c->kind, c->org, t->who.actor,
			     reason ? reason : "",
			     tx_now_ms(t), c->before, c->after, c->rows);
	if (e == 0)
		tx_note(t, NOTE_WARN, kind, c->org ? c->org : c->action, line, NULL);
	return e;
}

/* ---- one organisation ------------------------------------------------------------------------ */

struct settings { bool exists, disabled; int64_t per_minute; /* -1 = unset */ };

static char *settings_json(const struct settings *s)
{
	struct str b = STR_INIT(500);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	jw_bool(&w, "smsDisabled", s->disabled);
	if (s->per_minute < 0)
		jw_null(&w, "maxMessagesPerMinute");
	else
		jw_i64(&w, "maxMessagesPerMinute", s->per_minute);
	jw_bool(&w, "exists", s->exists);
	jw_obj_end(&w);
	return str_take(&b);
}

static int load_settings(struct tx *t, const char *org, struct settings *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT \"smsDisabled\", \"maxMessagesPerMinute\" FROM"
			 " \"OrgSettings\" WHERE \"orgId\" = $1 FOR UPDATE", "t", org);

	*ret = (struct settings){ .per_minute = -1 };
	if (e < 0)
		return e;
	if (pg_rows(r) > 1)
		return err_set(err, ERR_CONFLICT, "%d rows of \"OrgSettings\" are of %s, not one",
			       pg_rows(r), org);
	if (pg_rows(r) == 1) {
		*ret = (struct settings){ true, pg_bool(r, 0, 0),
					  pg_null(r, 0, 1) ? -1 : pg_i64(r, 0, 1) };
		return 0;
	}
	pg_result_free(TAKE(r));
	e = tx_query(t, &r, err, "SELECT EXISTS (SELECT 1 FROM \"VoiceAgent\" WHERE \"orgId\" = $1)"
		     " OR EXISTS (SELECT 1 FROM \"MessageLog\" WHERE \"orgId\" = $1 AND"
		     " \"createdAt\" > $2)",
		     "tm", org, tx_now_ms(t) - 24 * 3600 * 1000);
	if (e == 0 && !pg_bool(r, 0, 0))
		return err_field(err, ERR_NOT_FOUND, "orgId",
				 "no organisation '%.60s' has settings, agents or recent messages",
				 org);
	return e;
}

static int store_settings(struct tx *t, const char *org, const struct settings *s, bool exists,
			  struct err *err)
{
	_cleanup_(free_p) char *rate = s->per_minute < 0 ? NULL :
				       xasprintf("%lld", (long long)s->per_minute);

	return tx_one(t, err, exists ?
		"UPDATE \"OrgSettings\" SET \"smsDisabled\" = $2, \"maxMessagesPerMinute\" ="
		" $3::integer WHERE \"orgId\" = $1" :
		"INSERT INTO \"OrgSettings\" (\"orgId\", \"smsDisabled\", \"maxMessagesPerMinute\")"
		" VALUES ($1, $2, $3::integer)", "tbt", org, (int)s->disabled, rate);
}

/* Keeps the hold strip true: off and slowed organisations are pinned. */
static int pin(struct tx *t, const char *org, const struct settings *was,
	       const struct settings *is, const char *reason, struct err *err)
{
	_cleanup_(free_p) char *off = xasprintf("sms-off/%s", org);
	_cleanup_(free_p) char *slow = xasprintf("sms-rate/%s", org);
	int e = 0;

	if (was->disabled != is->disabled)
		e = is->disabled ? hold_put(t, off, "sms-off", org, reason, 0, err) :
				   hold_release(t, off, err);
	if (e == 0 && was->per_minute != is->per_minute) {
		_cleanup_(free_p) char *what = xasprintf("sms-rate %lld/min",
							 (long long)is->per_minute);
		bool slower = is->per_minute >= 0 && (was->per_minute < 0 ||
						      is->per_minute < was->per_minute);

		e = slower ? hold_put(t, slow, what, org, reason, 0, err) :
			hold_release(t, slow, err);
	}
	return e;
}

static int apply(struct tx *t, struct sms_change *c, const struct settings *was,
		 const struct settings *is, const struct sms_order *o, struct err *err)
{
	int e;

	c->before = settings_json(was);
	c->after = settings_json(is);
	c->rows = 1;
	if (was->disabled == is->disabled && was->per_minute == is->per_minute)
		return err_set(err, ERR_CONFLICT, "%s is so already: SMS %s, %lld a minute (-1: no"
						  " limit)", c->org, was->disabled ? "off" : "on",
						  (long long)was->per_minute);
	if (o->dry_run)
		return 0;
	if (o->rows >= 0 && o->rows != c->rows)
		return err_set(err, ERR_CONFLICT, "%lld rows would change, not %lld",
			       (long long)c->rows, (long long)o->rows);
	e = store_settings(t, c->org, is, was->exists, err);
	if (e == 0)
		e = pin(t, c->org, was, is, o->reason, err);
	return e == 0 ? sms_action_put(t, c, o->reason, err) : e;
}

/* on 1, off 0, -1 = as it is; per_minute -2 = as it is. */
static int change(struct sms *s, const struct who *who, struct sms_change *c, int on,
		  int64_t per_minute, const struct sms_order *o, struct str *ret, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct settings was, is;
	int e;

	if (str_empty(o->org))
		return err_field(err, ERR_INVALID, "orgId", "is required");
	c->org = o->org;
	e = tx_begin(s->d.store, &t, who, err);
	if (e == 0)
		e = load_settings(&t, o->org, &was, err);
	if (e < 0)
		return e;
	is = was;
	is.exists = true;
	if (on >= 0)
		is.disabled = !on;
	if (per_minute != -2)
		is.per_minute = per_minute;
	e = apply(&t, c, &was, &is, o, err);
	/* switching on again is the undo of what switched off */
	if (e == 0 && !o->dry_run && on == 1)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.sms_action SET undone_at = $2,"
			     " undone_by = $3 WHERE org_id = $1 AND kind = 'org-off' AND undone_at"
			     " IS NULL", "tmt", o->org,
			     tx_now_ms(&t), who->actor);
	if (e == 0 && !o->dry_run)
		e = tx_commit(&t, NULL, err);
	if (e == 0)
		sms_change_json(ret, c, o->dry_run);
	return e;
}

int sms_org_off(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
		struct err *err)
{
	struct sms_change c = {
		.kind = "org-off", .text = xasprintf("SMS of %s off", o->org ? o->org : "?"),
		.undo = xasprintf("ringdown sms org-on %s", o->org ? o->org : "?"),
	};
	int e = change(s, who, &c, 0, -2, o, ret, err);

	sms_change_fini(&c);
	return e;
}

int sms_org_on(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
	       struct err *err)
{
	struct sms_change c = {
		.kind = "org-on", .text = xasprintf("SMS of %s on", o->org ? o->org : "?"),
		.undo = xasprintf("ringdown sms org-off %s", o->org ? o->org : "?"),
	};
	int e = change(s, who, &c, 1, -2, o, ret, err);

	sms_change_fini(&c);
	return e;
}

int sms_org_rate(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
		 struct err *err)
{
	struct sms_change c = {
		.kind = "org-rate",
		.text = xasprintf("SMS of %s at most %lld a minute", o->org ? o->org : "?",
				  (long long)o->per_minute),
		.undo = xstrdup("ringdown sms undo with the action's id"),
	};
	int e;

	if (o->per_minute < 0)
		e = err_field(err, ERR_INVALID, "perMinute", "is required");
	else
		e = change(s, who, &c, -1, o->per_minute, o, ret, err);
	sms_change_fini(&c);
	return e;
}

/* ---- undo ----------------------------------------------------------------------- */

static struct settings settings_of(const struct json *v)
{
	return (struct settings){ .exists = true, .disabled = json_get_bool(v, "smsDisabled",
		false),
				  .per_minute = json_get_i64(v, "maxMessagesPerMinute", -1) };
}

static int undo_in(struct tx *t, const char *action, struct sms_change *c, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(json_free_p) struct json *before = NULL, *after = NULL;
	struct sms_order o = SMS_ORDER;
	struct settings is, was, left;
	int e = tx_query(t, &r, err, "SELECT kind, org_id, before, after, undone_at, undone_by FROM"
			 " ringdown.sms_action WHERE id = $1 FOR UPDATE", "t", action);

	if (e < 0)
		return e;
	if (!pg_rows(r))
		return err_field(err, ERR_NOT_FOUND, "actionId", "no action '%.40s'", action);
	if (!pg_null(r, 0, 4))
		return err_set(err, ERR_CONFLICT, "%s was undone already by %s", action,
			       pg_text(r, 0, 5));
	if (!str_has_prefix(pg_text(r, 0, 0), "org-"))
		return err_set(err, ERR_CONFLICT, "%s cannot be undone this way: %s", action,
			       pg_text(r, 0, 0));
	before = json_parse(pg_text(r, 0, 2), strlen(pg_text(r, 0, 2)), NULL);
	after = json_parse(pg_text(r, 0, 3), strlen(pg_text(r, 0, 3)), NULL);
	c->org = xstrdup(pg_text(r, 0, 1));
	e = load_settings(t, c->org, &is, err);
	if (e < 0)
		return e;
	left = settings_of(after);
	if (is.disabled != left.disabled || is.per_minute != left.per_minute)
		return err_set(err, ERR_CONFLICT, "%s was changed since: SMS %s, %lld a minute;"
						  " left as it is", c->org,
						  is.disabled ? "off" : "on",
						  (long long)is.per_minute);
	was = settings_of(before);
	c->text = xasprintf("%s undone: %s as before", action, c->org);
	c->undo = xasprintf("ringdown sms %s %s", pg_text(r, 0, 0), c->org);
	e = apply(t, c, &is, &was, &o, err);
	return e < 0 ? e : tx_query(t, NULL, err, "UPDATE ringdown.sms_action SET undone_at = $2,"
				    " undone_by = $3 WHERE id = $1", "tmt", action, tx_now_ms(t),
				    t->who.actor);
}

int sms_undo(struct sms *s, const struct who *who, const char *action, struct str *ret,
	     struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct sms_change c = { .kind = "undo" };
	int e = tx_begin(s->d.store, &t, who, err);

	if (e == 0)
		e = undo_in(&t, action, &c, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0)
		sms_change_json(ret, &c, false);
	_cleanup_(free_p) char *org = (char *)(uintptr_t)c.org;
	sms_change_fini(&c);
	return e;
}

/* ---- the application's switches ------------------------------------------------- */

int sms_call_error(const struct call_info *info, const char *what, struct err *err)
{
	int code = info->result == CALL_TIMEOUT	    ? ERR_TIMEOUT :
		   info->result == CALL_UNREACHABLE ? ERR_UNREACHABLE :
		   info->result == CALL_NOT_FOUND   ? ERR_NOT_FOUND :
		   info->result == CALL_CANCELLED   ? ERR_CANCELLED : ERR_FAILED;

	return err_set(err, code, "%s: %s %s", what, call_result_name(info->result), info->message);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

int sms_features(struct sms *s, struct str *ret, struct err *err)
{
	struct app_features f;
	struct call_info info;
	struct jw w = JW(ret);

	if (s->d.providers->app->features(s->d.providers, &f, &info) != CALL_OK)
		return sms_call_error(&info, "the application's features", err);
	jw_obj(&w, NULL);
	jw_arr(&w, "features");
	for (int i = 0; i < f.n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "name", f.v[i].name);
		jw_bool(&w, "on", f.v[i].on);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 0;
}

/* The journal first, so that a switch never changes without a name beside it. */
static int note_intent(struct sms *s, const struct who *who, const char *kind, const char *name,
		       const char *text, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s->d.store, &t, who, err);

	if (e < 0)
		return e;
	tx_note(&t, NOTE_WARN, kind, name, text, NULL);
	return tx_commit(&t, NULL, err);
}

static int set_feature(struct sms *s, const char *name, bool on, struct err *err)
{
	const struct write_guard guard = { always, NULL };
	struct call_info info;

	if (s->d.providers->app->feature_set(s->d.providers, &guard, name, on, &info) == CALL_OK)
		return 0;
	return sms_call_error(&info, info.maybe_done ? "the switch was sent, its answer was lost" :
			      "the application did not switch", err);
}

static int find_feature(struct sms *s, const char *name, bool *ret_on, struct err *err)
{
	const char *names[APP_MAX_FEATURES];
	struct app_features f;
	struct call_info info;

	if (s->d.providers->app->features(s->d.providers, &f, &info) != CALL_OK)
		return sms_call_error(&info, "the application's features", err);
	for (int i = 0; i < f.n; i++) {
		names[i] = f.v[i].name;
		if (str_eq(name, f.v[i].name)) {
			*ret_on = f.v[i].on;
			return 0;
		}
	}
	const char *near = str_nearest(name, names, (size_t)f.n);
	return err_field(err, ERR_NOT_FOUND, "name", "the application has no feature '%.48s'%s%s",
			 name, near ? "; did you mean " : "", near ? near : "");
}

int sms_feature_set(struct sms *s, const struct who *who, const char *name, bool on,
		    const char *reason, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("%s %s%s%s", name, on ? "on" : "off",
						 str_empty(reason) ? "" : ": ",
						 reason ? reason : "");
	bool is;
	int e = find_feature(s, name, &is, err);

	if (e == 0 && is == on)
		return 0;
	if (e == 0)
		e = note_intent(s, who, "feature.set", name, text, err);
	return e < 0 ? e : set_feature(s, name, on, err);
}

static int record_global(struct sms *s, const struct who *who, bool on, struct sms_change *c,
			 const char *reason, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s->d.store, &t, who, err);

	if (e == 0)
		e = sms_action_put(&t, c, reason, err);
	if (e == 0)
		e = on ? hold_release(&t, "sms-global", err) :
			 hold_put(&t, "sms-global", "sms-global-off", "everybody", reason, 0, err);
	return e == 0 ? tx_commit(&t, NULL, err) : e;
}

int sms_global(struct sms *s, const struct who *who, bool on, const struct sms_order *o,
	       struct str *ret, struct err *err)
{
	struct sms_change c = {
		.kind = on ? "global-on" : "global-off",
		.text = xasprintf("automatic SMS of every organisation %s", on ? "on" : "off"),
		.undo = xasprintf("ringdown sms global-%s", on ? "off" : "on"), .rows = 1,
	};
	bool is = false;
	int e = find_feature(s, FEATURE, &is, err);

	c.before = xasprintf("{\"" FEATURE "\":%s}", is ? "true" : "false");
	c.after = xasprintf("{\"" FEATURE "\":%s}", on ? "true" : "false");
	if (e == 0 && is == on)
		e = err_set(err, ERR_CONFLICT, FEATURE " is %s already", on ? "on" : "off");
	if (e == 0 && !o->dry_run) {
		/* pinned before it is off, released after it is on: a hold too many is seen */
		if (on)
			e = set_feature(s, FEATURE, on, err);
		if (e == 0)
			e = record_global(s, who, on, &c, o->reason, err);
		if (e == 0 && !on)
			e = set_feature(s, FEATURE, on, err);
	}
	if (e == 0)
		sms_change_json(ret, &c, o->dry_run);
	sms_change_fini(&c);
	return e;
}
