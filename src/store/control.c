/*
 * Pause and maintenance, hazards that stay pinned on the screen, alerts, live documents.
 *
 * A pause that ran out reads as off at once; the leader journals its end later, so an
 * engine that was away cannot keep the installation paused.
 */
#include "store/control.h"

#include <stdlib.h>

#include "core/json.h"
#include "store/internal.h"

#define CONTROL_COLUMNS                                                                            \
	"paused, paused_by, paused_reason, paused_at, paused_until, maintenance, maintenance_by,"  \
	" maintenance_reason, maintenance_at, maintenance_until, shadow, version"

void control_fini(struct control_row *c)
{
	free(c->paused_by);
	free(c->paused_reason);
	free(c->maintenance_by);
	free(c->maintenance_reason);
	*c = (struct control_row){ 0 };
}

static bool still_on(bool on, int64_t until_ms, int64_t now_ms)
{
	return on && (until_ms == 0 || until_ms > now_ms);
}

static void read_control(const struct pg_result *r, int64_t now_ms, struct control_row *c)
{
	*c = (struct control_row){
		.paused_by = col_dup(r, 0, 1), .paused_reason = col_dup(r, 0, 2),
		.paused_at_ms = pg_time(r, 0, 3), .paused_until_ms = pg_time(r, 0, 4),
		.maintenance_by = col_dup(r, 0, 6), .maintenance_reason = col_dup(r, 0, 7),
		.maintenance_at_ms = pg_time(r, 0, 8), .maintenance_until_ms = pg_time(r, 0, 9),
		.shadow = pg_bool(r, 0, 10), .version = pg_i64(r, 0, 11),
	};
	c->paused = still_on(pg_bool(r, 0, 0), c->paused_until_ms, now_ms);
	c->maintenance = still_on(pg_bool(r, 0, 5), c->maintenance_until_ms, now_ms);
}

int control_read(struct store *s, int64_t now_ms, struct control_row *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " CONTROL_COLUMNS " FROM ringdown.control", "");

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_FAILED, "the control row is missing");
	read_control(r, now_ms, ret);
	return 0;
}

/* The record "control" of fold/state.h. */
static void control_json(struct str *out, const struct control_row *c)
{
	struct jw w = JW(out);
	bool paused = c->paused;

	jw_obj(&w, NULL);
	jw_obj(&w, "control");
	jw_bool(&w, "paused", c->paused);
	jw_bool(&w, "maintenance", c->maintenance);
	jw_bool(&w, "shadow", c->shadow);
	jw_str(&w, "by", paused ? c->paused_by : c->maintenance_by);
	jw_str(&w, "reason", paused ? c->paused_reason : c->maintenance_reason);
	jw_time(&w, "since", paused ? c->paused_at_ms : c->maintenance_at_ms);
	jw_time(&w, "until", paused ? c->paused_until_ms : c->maintenance_until_ms);
	jw_obj_end(&w);
	jw_obj_end(&w);
}

/* Journals the switches as they are now. */
static int note_control(struct tx *t, const char *kind, const char *text, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct control_row c;
	struct str data = STR_INIT(8192);
	int e = tx_query(t, &r, err, "SELECT " CONTROL_COLUMNS " FROM ringdown.control", "");

	if (e < 0)
		return e;
	read_control(r, tx_now_ms(t), &c);
	control_json(&data, &c);
	tx_note(t, NOTE_WARN, kind, "control", text, str_get(&data));
	str_fini(&data);
	control_fini(&c);
	return 0;
}

struct control_switch { const char *update, *on_kind, *off_kind, *word, *hold; };
#define SWITCH_SQL(c)                                                                              \
	"UPDATE ringdown.control SET " c " = $1, " c "_by = $2, " c "_reason = $3,"                \
	" " c "_at = $4, " c "_until = $5, version = version + 1"
static const struct control_switch pause_switch = {
	.update = SWITCH_SQL("paused"), .on_kind = "control.paused", .off_kind = "control.unpaused",
	.word = "paused", .hold = "control/paused",
};
static const struct control_switch maintenance_switch = {
	.update = SWITCH_SQL("maintenance"), .on_kind = "control.maintenance",
	.off_kind = "control.maintenance_over", .word = "in maintenance",
	.hold = "control/maintenance",
};

static int set_switch(struct tx *t, const struct control_switch *k, bool on, int64_t until_ms,
		      const char *reason, struct err *err)
{
	_cleanup_(free_p) char *text = NULL;
	char until[TIME_TEXT] = "";
	int e = tx_one(t, err, k->update, "bttmm", on, t->who.actor, reason, tx_now_ms(t),
		       on ? until_ms : 0);

	if (e == 0 && on)
		e = hold_put(t, k->hold, k->word, "engine", reason, until_ms, err);
	else if (e == 0)
		e = hold_release(t, k->hold, err);
	if (e < 0)
		return e;
	if (until_ms)
		format_time(until, until_ms);
	text = xasprintf("%s%s%s%s%s%s", on ? "" : "no longer ", k->word,
			 on && until_ms ? " until " : "", on ? until : "",
			 str_empty(reason) ? "" : ": ", reason ? reason : "");
	return note_control(t, on ? k->on_kind : k->off_kind, text, err);
}

static int flip(struct store *s, const struct who *who, const struct control_switch *k, bool on,
		int64_t until_ms, const char *reason, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = set_switch(&t, k, on, until_ms, reason, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int control_pause(struct store *s, const struct who *who, bool on, int64_t until_ms,
		  const char *reason, struct err *err)
{
	return flip(s, who, &pause_switch, on, until_ms, reason, err);
}

int control_maintenance(struct store *s, const struct who *who, bool on, int64_t until_ms,
			const char *reason, struct err *err)
{
	return flip(s, who, &maintenance_switch, on, until_ms, reason, err);
}

int control_expire(struct store *s, const struct who *who, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t now = loop_wall_ms(s->loop);
	int e = store_query(s, &r, err, "SELECT 1 FROM ringdown.control WHERE (paused AND"
			    " paused_until <= $1) OR (maintenance AND maintenance_until <= $1)",
			    "m", now);

	if (e < 0 || pg_rows(r) == 0)
		return e;
	pg_result_free(TAKE(r));
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = tx_query(&t, &r, err, "SELECT paused AND paused_until <= $1,"
			     " maintenance AND maintenance_until <= $1 FROM ringdown.control FOR"
			     " UPDATE",
			     "m", tx_now_ms(&t));
	if (e == 0 && pg_bool(r, 0, 0))
		e = set_switch(&t, &pause_switch, false, 0, "its time ran out", err);
	if (e == 0 && pg_bool(r, 0, 1))
		e = set_switch(&t, &maintenance_switch, false, 0, "its time ran out", err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* ---- hazards ------------------------------------------------------------------------- */

int hold_put(struct tx *t, const char *id, const char *what, const char *subject,
	     const char *reason, int64_t until_ms, struct err *err)
{
	struct str data = STR_INIT(8192);
	struct jw w = JW(&data);
	int e = tx_query(t, NULL, err,
			 "INSERT INTO ringdown.hold (id, what, subject, by, reason, since, until)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET"
			 " what = excluded.what, subject = excluded.subject, by = excluded.by,"
			 " reason = excluded.reason, since = excluded.since, until ="
			 " excluded.until",
			 "tttttmm", id, what, subject ? subject : "", t->who.actor,
			 reason ? reason : "", tx_now_ms(t), until_ms);

	if (e < 0)
		return e;
	jw_obj(&w, NULL);
	jw_obj(&w, "hold");
	jw_str(&w, "id", id);
	jw_str(&w, "what", what);
	jw_str(&w, "subject", subject);
	jw_str(&w, "by", t->who.actor);
	jw_str(&w, "reason", reason);
	jw_time(&w, "since", tx_now_ms(t));
	jw_time(&w, "until", until_ms);
	jw_obj_end(&w);
	jw_obj_end(&w);
	tx_note(t, NOTE_INFO, "hold.put", id, what, str_get(&data));
	str_fini(&data);
	return 0;
}

int hold_release(struct tx *t, const char *id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str data = STR_INIT(1024);
	struct jw w = JW(&data);
	int e = tx_query(t, &r, err, "DELETE FROM ringdown.hold WHERE id = $1 RETURNING what", "t",
			 id);

	if (e < 0 || pg_rows(r) == 0)
		return e;
	jw_obj(&w, NULL);
	jw_obj(&w, "hold");
	jw_str(&w, "id", id);
	jw_bool(&w, "gone", true);
	jw_obj_end(&w);
	jw_obj_end(&w);
	tx_note(t, NOTE_INFO, "hold.released", id, pg_text(r, 0, 0), str_get(&data));
	str_fini(&data);
	return 0;
}

int holds_list(struct store *s, struct hold_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct hold_row *rows;
	int n, e = store_query(s, &r, err, "SELECT id, what, subject, by, reason, since, until"
			       " FROM ringdown.hold ORDER BY since, id LIMIT 500", "");

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct hold_row){
			.id = col_dup(r, i, 0), .what = col_dup(r, i, 1),
			.subject = col_dup(r, i, 2),
			.by = col_dup(r, i, 3), .reason = col_dup(r, i, 4),
			.since_ms = pg_time(r, i, 5),
			.until_ms = pg_time(r, i, 6),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

void holds_free(struct hold_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].id);
		free(rows[i].what);
		free(rows[i].subject);
		free(rows[i].by);
		free(rows[i].reason);
	}
	free(rows);
}

/* ---- live documents -------------------------------------------------------------------- */

int live_put(struct store *s, const char *key, const char *doc, struct err *err)
{
	return store_query(s, NULL, err,
			   "INSERT INTO ringdown.live (key, doc, at) VALUES ($1, $2, $3)"
			   " ON CONFLICT (key) DO UPDATE SET doc = excluded.doc, at = excluded.at",
			   "ttm", key, doc, loop_wall_ms(s->loop));
}

int live_get(struct store *s, const char *key, char **ret, int64_t *ret_at_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT doc, at FROM ringdown.live WHERE key = $1", "t",
			    key);

	if (e < 0)
		return e;
	*ret = pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	if (ret_at_ms)
		*ret_at_ms = pg_rows(r) ? pg_time(r, 0, 1) : 0;
	return 0;
}
