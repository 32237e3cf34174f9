/*
 * The sending half: one task claims what is due from the outbox, one child task for each
 * message sends it and marks the row. Any engine may; a claim that ran out (its engine died)
 * is claimed again, so a message may arrive twice but is never lost.
 *
 * A channel that hangs keeps only its own few slots busy; others go on. What became of the
 * messages is journaled by the main task in one row for all that ended since its last look.
 * When the database stays away, people are told from the sealed copy (offline.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "notify/internal.h"
#include "store/outbox.h"

enum {
	POLL_MS = 1000, REST_MS = 100,
	CLAIM_MS = 120000,
	SENDERS = 32, PER_CHANNEL = 4,
	BACKOFF_MAX_MS = 300000,
	STOP_MS = 3000,			/* what is still on the wire then is left to others */
	MARK_TRIES = 5, MARK_WAIT_MS = 1000,
	REMEMBER_MS = 60000,
	AWAY_MS = 20000,		/* the database does not answer for so long: say so */
};

struct notifier {
	struct notifier_deps d;
	char *public_url;		/* settings may be reloaded under us */
	struct task *task;
	bool stopping;
	struct condition wake;
	struct crowd senders;
	struct condition slot;
	const struct channel *busy[SENDERS];	/* whose message is on the wire */
	struct str ended;		/* journal records of what ended */
	struct jw w;
	struct str line;		/* what to write beside them */
	enum note_level level;
	int n_ended;
	struct timer stop_timer;
	struct offline *offline;
	int64_t away_since_ms;		/* monotonic; 0 = the database answers */
	int64_t away_wall_ms;
	bool away_said;
	int64_t remembered_ms;
	char away_why[200];
};

struct sending {
	struct notifier *n;
	struct outbox_row row;
	int64_t claimed_ms;
};

/* ---- one message ------------------------------------------------------------------------ */

static bool take_slot(struct notifier *n, const struct channel *c, size_t *ret)
{
	for (;;) {
		size_t used = 0, free_at = SENDERS;

		for (size_t i = 0; i < SENDERS; i++) {
			used += n->busy[i] == c;
			if (!n->busy[i])
				free_at = i;
		}
		if (used < PER_CHANNEL && free_at < SENDERS) {
			n->busy[free_at] = c;
			*ret = free_at;
			return true;
		}
		if (condition_wait(&n->slot, -1) == OP_CANCELLED)
			return false;
	}
}

static void give_slot(struct notifier *n, size_t i)
{
	n->busy[i] = NULL;
	condition_wake(&n->slot);
}

static int count_digested(struct store *s, const char *channel, const char *to, struct say *say,
			  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT count(*) FROM ringdown.outbox WHERE channel = $1"
			    " AND recipient = $2 AND state = 'digested' AND created_at >= $3"
			    " AND created_at < $4", "ttmm", channel, to, say->digest_from_ms,
			    say->digest_to_ms);

	if (e == 0)
		say->digest_n = pg_i64(r, 0, 0);
	return e;
}

static void parcel_of(const struct notifier *n, const struct outbox_row *row,
		      const struct json *doc, struct event *e, struct parcel *p)
{
	const struct json *event = json_get(doc, "event"), *letter = json_get(doc, "letter");
	int kind = enum_parse(&say_kind_names, row->kind);

	*p = (struct parcel){
		.id = json_get_str(doc, "id") ? json_get_str(doc, "id") : row->dedup_key,
		.event = row->event && *row->event ? row->event : json_get_str(doc, "subject"),
		.recipient = row->recipient ? row->recipient : "",
		.created_at_ms = row->created_at_ms, .payload = row->payload,
		.say = {
			.kind = kind < 0 ? SAY_ALERT : (enum say_kind)kind,
			.digest = str_eq(row->kind, "digest"),
			.from = json_get_str(doc, "fromName"), .to = json_get_str(doc, "toName"),
			.subject = json_get_str(doc, "subject"), .text = json_get_str(doc, "text"),
			.own_subject = json_get_str(letter, "subject"),
			.own_body = json_get_str(letter, "body"),
			.public_url = n->d.public_url, .environment = n->d.environment,
		},
	};
	parse_time_ms(json_get_str(doc, "at") ? json_get_str(doc, "at") : "", &p->say.at_ms);
	parse_time_ms(json_get_str(doc, "from") ? json_get_str(doc, "from") : "",
		      &p->say.digest_from_ms);
	parse_time_ms(json_get_str(doc, "to") ? json_get_str(doc, "to") : "", &p->say.digest_to_ms);
	if (event && event_from_json(e, event, NULL) == 0)
		p->say.e = e;
	if (!p->event)
		p->event = "digest";
}

static int deliver(struct notifier *n, const struct channel *c, const struct outbox_row *row,
		   struct refusal *why, struct err *err)
{
	_cleanup_(json_free_p) struct json *doc =
		json_parse(row->payload, row->payload ? strlen(row->payload) : 0, NULL);
	struct event e = { 0 };
	struct parcel p;
	int r = 0;

	parcel_of(n, row, doc, &e, &p);
	if (p.say.digest)
		r = count_digested(n->d.store, c->name, p.recipient, &p.say, err);
	if (r == 0)
		r = c->send(&n->d, &p, why, err);
	event_fini(&e);
	return r;
}

static void note_end(struct notifier *n, const struct outbox_row *row, const char *state,
		     int64_t next_ms, const char *error)
{
	char id[24], one[200];
	bool bad = !str_eq(state, "sent");

	snprintf(id, sizeof(id), "%lld", (long long)row->id);
	if (!n->n_ended++) {
		str_clear(&n->ended);
		str_clear(&n->line);
		n->level = NOTE_INFO;
		n->w = JW(&n->ended);
		jw_obj(&n->w, NULL);
		jw_arr(&n->w, "messages");
	}
	jw_obj(&n->w, NULL);
	jw_str(&n->w, "id", id);
	jw_str(&n->w, "channel", row->channel);
	jw_str(&n->w, "eventId", row->event);
	jw_str(&n->w, "kind", row->kind);
	jw_str(&n->w, "state", state);
	jw_i64(&n->w, "attempts", row->attempts);
	jw_time(&n->w, "at", row->created_at_ms);
	jw_time(&n->w, "nextAt", bad ? next_ms : 0);
	jw_str(&n->w, "error", error);
	jw_obj_end(&n->w);
	snprintf(one, sizeof(one), "%s %s%s%s %s", row->channel,
		 row->event && *row->event ? row->event : "",
		 row->event && *row->event ? " " : "",
		 row->kind, str_eq(state, "waiting") ? "FAILED, is tried again" : state);
	/* three mails of one matter are said once, counted in the data */
	if (n->line.len < 300 && !strstr(str_get(&n->line), one))
		str_addf(&n->line, "%s%s", n->line.len ? "; " : "", one);
	if (bad)
		n->level = str_eq(state, "dead") ? NOTE_BAD : NOTE_WARN;
	condition_wake(&n->wake);
}

static int64_t backoff(const struct notifier *n, int64_t attempts, const struct refusal *why)
{
	int64_t ms = n->d.set->retry_ms > 0 ? n->d.set->retry_ms : 10000;

	for (int64_t i = 1; i < attempts && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return why->retry_after_ms > ms ? why->retry_after_ms : ms;
}

/* What was sent must not be sent again only because the database was slow for a moment. */
static bool mark_sent(struct notifier *n, int64_t id)
{
	struct err err = { 0 };

	for (int i = 0; i < MARK_TRIES; i++) {
		if (outbox_sent(n->d.store, id, &err) >= 0)
			return true;
		if (task_sleep(MARK_WAIT_MS) == OP_CANCELLED)
			break;
	}
	log_warn("notify", "message %lld is sent, but that could not be written: %s", (long long)id,
		 err.msg);
	return false;
}

static void mark_failed(struct notifier *n, const struct outbox_row *row,
			const struct refusal *why, const struct err *cause)
{
	int64_t next = loop_wall_ms(n->d.loop) + backoff(n, row->attempts, why);
	int64_t give_up = why->for_good ? 0 : n->d.set->give_up_ms;
	struct err err = { 0 };
	bool dead = false;
	int r = -1;

	for (int i = 0; i < MARK_TRIES && r < 0; i++) {
		r = outbox_failed(n->d.store, row->id, cause->msg, next, give_up, &dead, &err);
		if (r < 0 && task_sleep(MARK_WAIT_MS) == OP_CANCELLED)
			break;
	}
	if (r < 0) {
		log_warn("notify", "message %lld failed (%s), and that could not be written: %s",
			 (long long)row->id, cause->msg, err.msg);
		return;
	}
	/* every attempt of an hour in the journal would bury the rest */
	if (dead || row->attempts == 1) {
		log_warn("notify", "%s, %s %s: %s", row->channel, row->event, row->kind,
			 cause->msg);
		note_end(n, row, dead ? "dead" : "waiting", next, cause->msg);
	}
}

static void send_one(void *arg)
{
	struct sending *s = arg;
	struct notifier *n = s->n;
	const struct channel *c = channel_named(s->row.channel);
	struct refusal why = { 0 };
	struct err err = { 0 };
	size_t slot;
	int r;

	if (!c || !c->configured(n->d.set)) {
		err_set(&err, ERR_INVALID, "channel %s is not configured any more", s->row.channel);
		mark_failed(n, &s->row, &why, &err);
	} else if (take_slot(n, c, &slot)) {
		/* somebody else may have claimed it while it waited for its turn here */
		bool late = loop_now_ms(n->d.loop) - s->claimed_ms > CLAIM_MS - 2 * SEND_TIMEOUT_MS;
		r = late ? ERR_CANCELLED : deliver(n, c, &s->row, &why, &err);
		give_slot(n, slot);
		if (r >= 0 && mark_sent(n, s->row.id))
			note_end(n, &s->row, "sent", 0, NULL);
		else if (r < 0 && r != ERR_CANCELLED && !task_cancelled())
			mark_failed(n, &s->row, &why, &err);
	}
	struct outbox_row *row = xcalloc(1, sizeof(*row));
	*row = s->row;
	outbox_free(row, 1);
	free(s);
}

/* ---- the main task ------------------------------------------------------------------------ */

static void journal_ended(struct notifier *n)
{
	static const struct who who = { .actor = "engine", .role = "engine", .via = "engine" };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct str data, line;
	struct err err = { 0 };

	if (!n->n_ended)
		return;
	jw_arr_end(&n->w);
	jw_obj_end(&n->w);
	n->n_ended = 0;
	/* children may end and write while this waits: hand the buffers over first */
	data = n->ended;
	line = n->line;
	n->ended = STR_INIT(4 << 20);
	n->line = STR_INIT(1000);
	if (tx_begin(n->d.store, &t, &who, &err) == 0) {
		tx_note(&t, n->level, "notify.sent", "", str_get(&line), str_get(&data));
		tx_commit(&t, NULL, &err);
	}
	if (err.code)
		log_debug("notify", "what was sent is not in the journal: %s", err.msg);
	str_fini(&data);
	str_fini(&line);
}

static void database_away(struct notifier *n, const struct err *err)
{
	int64_t now = loop_now_ms(n->d.loop);
	char since[TIME_TEXT];

	if (!n->away_since_ms) {
		n->away_since_ms = now;
		n->away_wall_ms = loop_wall_ms(n->d.loop);
		n->away_said = false;
	}
	snprintf(n->away_why, sizeof(n->away_why), "%s", err->msg);
	if (n->away_said || now - n->away_since_ms < AWAY_MS)
		return;
	n->away_said = true;
	_cleanup_(free_p) char *text = xasprintf(
		"Engine %s cannot use the database since %s (%s). Nothing is decided or done until"
		" it is back; windows do not count meanwhile. Calls go on as the accounts stand.",
		n->d.engine_id, format_time(since, n->away_wall_ms), n->away_why);
	offline_say(n->offline, "database", text, true);
}

static void database_back(struct notifier *n)
{
	bool ours = n->away_said && offline_said(n->offline, "database");
	char since[TIME_TEXT];

	if (n->away_since_ms)
		offline_over(n->offline);
	if (n->away_since_ms && ours) {
		_cleanup_(free_p) char *text = xasprintf(
			"Engine %s has the database again; it was away since %s.", n->d.engine_id,
			format_time(since, n->away_wall_ms));
		offline_say(n->offline, "database is back", text, false);
	}
	n->away_since_ms = 0;
	if (!n->remembered_ms || loop_now_ms(n->d.loop) - n->remembered_ms > REMEMBER_MS) {
		n->remembered_ms = loop_now_ms(n->d.loop);
		offline_remember(n->offline);
	}
}

/* Claims and hands out; the number of messages, or negative. */
static int round_once(struct notifier *n, struct err *err)
{
	int64_t room = SENDERS - n->senders.running;
	struct outbox_row *rows = NULL;
	size_t count = 0;
	int r;

	if (room <= 0)
		return 0;
	r = outbox_claim(n->d.store, room, CLAIM_MS, &rows, &count, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct sending *s = xcalloc(1, sizeof(*s));

		*s = (struct sending){ n, rows[i], loop_now_ms(n->d.loop) };
		rows[i] = (struct outbox_row){ 0 };
		if (crowd_add(&n->senders, "notify-send", send_one, s) == OP_CANCELLED) {
			rows[i] = s->row;
			free(s);
			break;
		}
	}
	outbox_free(rows, count);
	return (int)count;
}

static void run(void *arg)
{
	struct notifier *n = arg;
	bool last = false;

	while (!last && !task_cancelled()) {
		struct err err = { 0 };
		int r;

		last = n->stopping;
		journal_ended(n);
		r = round_once(n, &err);
		if (r < 0 && r != ERR_CANCELLED)
			database_away(n, &err);
		else if (r >= 0)
			database_back(n);
		if (!n->stopping && r <= 0)
			condition_wait(&n->wake, POLL_MS);
		if (!n->stopping)
			task_sleep(REST_MS); /* wakes come in showers */
	}
	crowd_join(&n->senders);
	journal_ended(n);
}

static void run_done(void *arg)
{
	struct notifier *n = arg;

	timer_stop(&n->stop_timer);
	n->task = NULL;
}

struct notifier *notifier_new(const struct notifier_deps *d)
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	n->d = *d;
	n->public_url = xstrdup(d->public_url);
	n->d.public_url = n->public_url;
	n->stop_timer = TIMER_INIT;
	n->ended = STR_INIT(4 << 20);
	n->line = STR_INIT(1000);
	crowd_init(&n->senders, SENDERS);
	n->offline = offline_new(&n->d);
	n->task = task_start(d->loop, "notifier", run, n, run_done);
	return n;
}

void notifier_public_url(struct notifier *n, const char *url)
{
	char *old = TAKE(n->public_url);

	n->public_url = xstrdup(url);
	n->d.public_url = n->public_url;
	offline_public_url(n->offline, n->public_url);
	free(old);
}

void notifier_wake(struct notifier *n)
{
	condition_wake(&n->wake);
}

static void stop_now(struct timer *t)
{
	struct notifier *n = t->user;

	if (n->task)
		task_cancel(n->task);
}

void notifier_stop(struct notifier *n)
{
	if (n->stopping)
		return;
	n->stopping = true;
	offline_stop(n->offline);
	n->stop_timer.user = n;
	timer_start(n->d.loop, &n->stop_timer, STOP_MS, stop_now);
	condition_wake(&n->wake);
}

bool notifier_idle(const struct notifier *n)
{
	return !n->task && offline_idle(n->offline);
}

void notifier_free(struct notifier *n)
{
	if (!n || n->task) /* a task that did not end in time still uses it; the process ends */
		return;
	timer_stop(&n->stop_timer);
	offline_free(n->offline);
	str_fini(&n->ended);
	str_fini(&n->line);
	free(n->public_url);
	free(n);
}

void notify_offline(struct notifier *n, const char *subject, const char *text)
{
	offline_say(n->offline, subject, text, true);
}
