/*
 * The settings of notification, and the writing half: what must be said becomes outbox
 * rows inside the transaction that causes it, so nothing is announced that did not happen
 * and nothing happens unannounced. Sending is notifier.c's business.
 *
 * A row's key is event, kind, the event's version and the recipient: the same transition
 * is told once however often it is retried, a later one of the same kind again.
 */
#include "notify/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/internal.h"
#include "store/outbox.h"

enum { ADMINS_MAX = 200, MINUTE_MS = 60000, HOUR_MS = 3600000 };

ENUM_NAMES(say_kind_names, "kind of message", NOTIFY_KINDS);

#define ROW(key, kind_, member, ...)                                                               \
	{ .name = "notify." key, .type = kind_, .offset = offsetof(struct notify_settings, member),\
	  .flags = OPT_RELOAD, __VA_ARGS__ }

static const struct option_row rows[] = {
	ROW("smtpUrl", OPT_URL, smtp_url, .choices = "smtp|smtps",
	    .help = "mail server, smtp://host:587 or smtps://host:465; unset: no mail"),
	ROW("smtpUser", OPT_STR, smtp_user, .help = "name for the mail server; unset: no login"),
	ROW("smtpPassword", OPT_SECRET, smtp_password, .env = "RINGDOWN_SMTP_PASSWORD",
	    .help = "password that goes with smtpUser"),
	ROW("smtpFrom", OPT_STR, smtp_from, .def = "ringdown@localhost",
	    .help = "sender's address of every mail"),
	ROW("smtpStarttls", OPT_BOOL, smtp_starttls, .def = "true",
	    .help = "smtp:// must turn to TLS before anything is sent; loopback is exempt"),
	ROW("smtpCaFile", OPT_STR, smtp_ca_file,
	    .help = "PEM file of who may sign the mail server's certificate; unset: the system's"),
	ROW("smtpInsecure", OPT_BOOL, smtp_insecure, .def = "false",
	    .help = "accepts any certificate of the mail server; for tests"),
	ROW("mailTo", OPT_LIST, mail_to,
	    .help = "addresses told besides every SUPER_ADMIN of \"User\""),
	ROW("slackUrl", OPT_SECRET, slack_url, .env = "RINGDOWN_SLACK_URL",
	    .help = "incoming webhook of Slack; the address itself is the secret"),
	ROW("slackBase", OPT_URL, slack_base, .env = "SLACK_BASE",
	    .help = "stands for scheme and host of slackUrl: a proxy or the simulator"),
	ROW("pagerdutyBase", OPT_URL, pagerduty_base, .env = "PAGERDUTY_BASE",
	    .def = "https://events.pagerduty.com", .help = "where PagerDuty takes events"),
	ROW("pagerdutyKey", OPT_SECRET, pagerduty_key, .env = "RINGDOWN_PAGERDUTY_KEY",
	    .help = "routing key of a PagerDuty service, 32 characters; unset: no paging"),
	ROW("webhookUrl", OPT_URL, webhook_url,
	    .help = "gets every message as signed JSON (X-Ringdown-Signature)"),
	ROW("webhookSecret", OPT_SECRET, webhook_secret, .env = "RINGDOWN_WEBHOOK_SECRET",
	    .help = "signs what webhookUrl gets: HMAC-SHA256 over time and body"),
	ROW("smsTo", OPT_LIST, sms_to,
	    .help = "numbers (E.164) that get the important ones as SMS; each message costs money"),
	ROW("smsAccount", OPT_STR, sms_account,
	    .help = "account that sends those SMS, by id or name; unset: any healthy one. Never"
		    " the failing one"),
	ROW("smsFrom", OPT_STR, sms_from,
	    .help = "sending number or messaging service of smsAccount; unset: no SMS"),
	ROW("callFrom", OPT_STR, call_from,
	    .help = "number that spoken calls come from, of smsAccount or any healthy account; "
		    "unset: no "
		    "call is ever made by itself. Only with 'calls: spoken' in policy.yaml; each "
		    "costs money"),
	ROW("statuspageBase", OPT_URL, statuspage_base, .env = "STATUSPAGE_BASE",
	    .def = "https://api.statuspage.io", .help = "where Statuspage's API is"),
	ROW("statuspagePage", OPT_STR, statuspage_page,
	    .help = "id of our page there; unset: no status page is written to"),
	ROW("statuspageKey", OPT_SECRET, statuspage_key, .env = "RINGDOWN_STATUSPAGE_KEY",
	    .help = "key of Statuspage's API; messages go there only when a person sends one"),
	ROW("statuspageUrl", OPT_URL, statuspage_url,
	    .help = "where people read it: what {{status_page}} says in messages"),
	ROW("retry", OPT_DURATION, retry_ms, .def = "10s", .min = 100, .max = 10 * MINUTE_MS,
	    .help = "wait before the second attempt; it doubles up to 5 minutes (failover, section"
		    " 7)"),
	ROW("giveUp", OPT_DURATION, give_up_ms, .def = "1h", .min = 1000,
	    .max = 48 * (int64_t)HOUR_MS,
	    .help = "a message that nobody took for so long is given"
		    " up and shown (failover, section 7)"),
	ROW("perEventHour", OPT_INT, per_event_hour, .def = "20", .min = 0, .max = 10000,
	    .unit = "messages an hour, event and recipient",
	    .help = "more than this become one digest; 0 = no limit (failover, section 7)"),
	ROW("perHour", OPT_INT, per_hour, .def = "100", .min = 0, .max = 100000,
	    .unit = "messages an hour and recipient",
	    .help = "more than this on one channel become one digest; 0 = no limit (failover,"
		    " section 7)"),
};
const struct option_table notify_options = { "notify", rows, COUNT_OF(rows),
					     sizeof(struct notify_settings) };

/* ---- channels ---------------------------------------------------------------------- */

#define CHANNEL(name) &name,
static const struct channel *const channels[] = {
#include "notify/channels.h"
	NULL,
};
#undef CHANNEL

const struct channel *channel_at(size_t i)
{
	return channels[i];
}

const struct channel *channel_named(const char *name)
{
	for (size_t i = 0; channels[i]; i++)
		if (str_eq(channels[i]->name, name))
			return channels[i];
	return NULL;
}

const struct channel *channel_by_word(const char *word)
{
	for (size_t i = 0; channels[i]; i++)
		if (channels[i]->word &&
		    (str_eq(channels[i]->word, word) || str_eq(channels[i]->name, word)))
			return channels[i];
	return NULL;
}

void notify_add_once(struct strlist *l, const char *address)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->v[i], address) == 0)
			return;
	strlist_add(l, address);
}

int notify_admins(struct store *s, struct tx *t, struct strlist *ret, struct err *err)
{
	static const char sql[] = "SELECT DISTINCT email FROM \"User\" WHERE role = 'SUPER_ADMIN'"
				  " AND email LIKE '%_@_%' ORDER BY email LIMIT $1";
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = t ? tx_query(t, &r, err, sql, "i", (int64_t)ADMINS_MAX) :
		    store_query(s, &r, err, sql, "i", (int64_t)ADMINS_MAX);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		notify_add_once(ret, pg_text(r, i, 0));
	return e;
}

/* ---- putting ------------------------------------------------------------------------- */

struct putting {
	struct tx *t;
	const struct notify_settings *set;
	enum say_kind kind;
	const char *event;		/* "" for alerts: they have no order among themselves */
	const char *page;		/* ... but what a pager folds together has; NULL = none */
	char *id;			/* what happened, once */
	const struct notify_letter *letter;	/* NULL: ringdown's own words */
	struct str payload;
	struct str told;		/* "mail to 3, slack" */
	struct str data;		/* journal records */
	struct jw w;
};

/* Names instead of ids, where they are known. */
static int account_names(struct tx *t, const struct event *e, char *ret[2], struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int n = tx_query(t, &r, err, "SELECT id, name FROM \"TwilioAccount\" WHERE id IN ($1, $2)",
			 "tt", e->from, e->to);

	for (int i = 0; n == 0 && i < pg_rows(r); i++) {
		if (str_eq(pg_text(r, i, 0), e->from))
			str_replace(&ret[0], pg_text(r, i, 1));
		if (str_eq(pg_text(r, i, 0), e->to))
			str_replace(&ret[1], pg_text(r, i, 1));
	}
	return n;
}

static int make_payload(struct putting *p, const struct event *e, const char *subject,
			const char *text, struct err *err)
{
	char *names[2] = { NULL, NULL };
	struct jw w = JW(&p->payload);
	int r = e ? account_names(p->t, e, names, err) : 0;

	jw_obj(&w, NULL);
	jw_str(&w, "id", p->id);
	jw_str(&w, "kind", enum_name(&say_kind_names, (int)p->kind));
	jw_str(&w, "subject", subject);
	jw_str(&w, "text", text);
	jw_time(&w, "at", tx_now_ms(p->t));
	if (p->letter) {
		jw_obj(&w, "letter");
		jw_str(&w, "subject", p->letter->subject);
		jw_str(&w, "body", p->letter->body);
		jw_str(&w, "status", p->letter->status);
		jw_raw(&w, "components",
		       p->letter->components ? p->letter->components : "null");
		jw_obj_end(&w);
	}
	if (e) {
		struct event brief = *e; /* borrows; the tests stay in the database */

		brief.tests = NULL;
		brief.n_tests = 0;
		jw_str(&w, "fromName", names[0]);
		jw_str(&w, "toName", names[1]);
		event_json(&w, "event", &brief);
	}
	jw_obj_end(&w);
	free(names[0]);
	free(names[1]);
	return r;
}

/* The journal is read by more people than the outbox: addresses only in outline. */
static char *outline(const char *recipient)
{
	const char *at = strchr(recipient, '@');

	if (at)
		return xasprintf("%.1s..%s", recipient, at);
	if (recipient[0] == '+' && strlen(recipient) > 6)
		return xasprintf("%.3s..%s", recipient, recipient + strlen(recipient) - 2);
	return xstrdup(recipient);
}

static int put_one(struct putting *p, const struct channel *c, const char *recipient,
		   const struct outbox_limits *lim, struct err *err)
{
	_cleanup_(free_p) char *key = xasprintf("%s/%s", p->id, recipient);
	_cleanup_(free_p) char *to = outline(recipient);
	struct outbox_new m = {
		.channel = c->name, .kind = enum_name(&say_kind_names, (int)p->kind),
		.event = p->page && c == &channel_pagerduty ? p->page : p->event,
		.recipient = recipient, .dedup_key = key, .payload = str_get(&p->payload),
	};
	int64_t id = 0;
	int r = outbox_put(p->t, &m, lim, &id, err);

	if (r < 0 || !id)
		return r;
	jw_obj(&p->w, NULL);
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)id);
	jw_str(&p->w, "id", text);
	jw_str(&p->w, "channel", c->name);
	jw_str(&p->w, "eventId", p->event);
	jw_str(&p->w, "kind", m.kind);
	jw_str(&p->w, "to", to);
	jw_str(&p->w, "state", "waiting");
	jw_time(&p->w, "at", tx_now_ms(p->t));
	jw_time(&p->w, "nextAt", tx_now_ms(p->t));
	jw_i64(&p->w, "attempts", 0);
	jw_obj_end(&p->w);
	return 1;
}

static int put_channel(struct putting *p, const struct channel *c, bool capped, struct err *err)
{
	struct strlist to = { 0 };
	struct outbox_limits lim;
	int64_t n;
	int put = 0, r = 0;

	if (c->recipients)
		c->recipients(p->set, &to);
	else
		strlist_add(&to, "");
	if (c == &channel_mail)
		r = notify_admins(NULL, p->t, &to, err);
	n = (int64_t)to.n;
	lim = capped ? (struct outbox_limits){ p->set->per_event_hour * n, p->set->per_hour * n } :
		       (struct outbox_limits){ 0, 0 };
	for (size_t i = 0; r >= 0 && i < to.n; i++) {
		r = put_one(p, c, to.v[i], &lim, err);
		put += r > 0;
	}
	strlist_fini(&to);
	if (put)
		str_addf(&p->told, put > 1 ? "%s%s to %d" : "%s%s", p->told.len ? ", " : "",
			 c->name, put);
	return r < 0 ? r : 0;
}

/* r: how it went so far. */
static int end_put(struct putting *p, const char *subject, int r)
{
	jw_arr_end(&p->w);
	jw_obj_end(&p->w);
	if (r >= 0 && p->told.len) {
		_cleanup_(free_p) char *line = xasprintf("to be told (%s): %s",
			enum_name(&say_kind_names, (int)p->kind), str_get(&p->told));
		tx_note(p->t, NOTE_INFO, "notify.queued", subject, line, str_get(&p->data));
	}
	str_fini(&p->payload);
	str_fini(&p->told);
	str_fini(&p->data);
	free(p->id);
	return r < 0 ? r : 0;
}

int notify_put(struct tx *t, const struct notify_settings *set, enum say_kind kind,
	       const struct event *e, const char *subject, const char *text, struct err *err)
{
	struct putting p = { .t = t, .set = set, .kind = kind, .event = e ? e->id : "",
			     .payload = STR_INIT(1 << 20), .told = STR_INIT(500),
			     .data = STR_INIT(1 << 20) };
	const char *word = enum_name(&say_kind_names, (int)kind);
	bool repeats = !e || kind == SAY_REALERT || kind == SAY_ANNOUNCED;
	int r;

	if (!set)
		return 0;
	subject = subject ? subject : e ? e->id : "";
	p.id = xasprintf("%s/%s/%lld", subject, word,
			 (long long)(repeats ? tx_now_ms(t) / MINUTE_MS : e->version));
	p.w = JW(&p.data);
	jw_obj(&p.w, NULL);
	jw_arr(&p.w, "messages");
	r = make_payload(&p, e, subject, text, err);
	for (size_t i = 0; r >= 0 && channels[i]; i++)
		if (channels[i]->configured(set) && channels[i]->kinds & KIND(kind))
			r = put_channel(&p, channels[i], true, err);
	return end_put(&p, subject, r);
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
		if ((at == words || strchr(" ,", at[-1])) && (!at[n] || strchr(" ,", at[n])))
			return true;
	return false;
}

/* May this channel say it: configured, of this kind, and named. */
static bool says(const struct channel *c, const struct notify_settings *set, enum say_kind kind,
		 const char *by)
{
	return c->kinds & KIND(kind) && c->configured(set) && (!by || has_word(by, c->name));
}

int notify_put_by(struct tx *t, const struct notify_settings *set, enum say_kind kind,
		  const char *subject, const char *text, const char *key, const char *page,
		  const char *by, struct str *ret_by, struct err *err)
{
	struct putting p = { .t = t, .set = set, .kind = kind, .event = "", .page = page,
			     .payload = STR_INIT(1 << 20), .told = STR_INIT(500),
			     .data = STR_INIT(1 << 20), .id = xstrdup(key) };
	bool named = false;
	int r;

	for (size_t i = 0; set && by && channels[i]; i++)
		named |= says(channels[i], set, kind, by);
	p.w = JW(&p.data);
	jw_obj(&p.w, NULL);
	jw_arr(&p.w, "messages");
	r = make_payload(&p, NULL, subject, text, err);
	for (size_t i = 0; r >= 0 && set && channels[i]; i++) {
		const struct channel *c = channels[i];

		if (!says(c, set, kind, named && c != &channel_webhook ? by : NULL) ||
		    (page && kind == SAY_RESOLVED && c != &channel_pagerduty))
			continue; /* the end of a page is the pager's business alone */
		str_addf(ret_by, "%s%s", ret_by->len ? ", " : "", c->name);
		/* a page whose end is kept back stays open for ever */
		r = put_channel(&p, c, c != &channel_pagerduty || kind != SAY_RESOLVED, err);
	}
	return end_put(&p, subject, r);
}

static int put_to(struct putting *p, const char *subject, const char *text,
		  const struct notify_to *to, size_t n, struct str *ret_missing, struct err *err)
{
	static const struct outbox_limits none;
	int r;

	p->w = JW(&p->data);
	jw_obj(&p->w, NULL);
	jw_arr(&p->w, "messages");
	r = make_payload(p, NULL, subject, text, err);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct channel *c = channel_named(to[i].channel);

		if (!c || !p->set || !c->configured(p->set)) {
			str_addf(ret_missing, "%s%s", ret_missing->len ? ", " : "", to[i].channel);
			continue;
		}
		if (!to[i].recipient)
			r = put_channel(p, c, false, err);
		else if ((r = put_one(p, c, to[i].recipient, &none, err)) > 0)
			str_addf(&p->told, "%s%s", p->told.len ? ", " : "", c->name);
	}
	return end_put(p, subject, r);
}

int notify_put_to(struct tx *t, const struct notify_settings *set, enum say_kind kind,
		  const char *subject, const char *text, const char *key,
		  const struct notify_to *to, size_t n, struct str *ret_missing, struct err *err)
{
	struct putting p = { .t = t, .set = set, .kind = kind, .event = subject,
			     .payload = STR_INIT(1 << 20), .told = STR_INIT(500),
			     .data = STR_INIT(1 << 20), .id = xstrdup(key) };

	return put_to(&p, subject, text, to, n, ret_missing, err);
}

int notify_put_letter(struct tx *t, const struct notify_settings *set, const char *subject,
		      const struct notify_letter *letter, const char *key,
		      const struct notify_to *to, size_t n, struct str *ret_missing,
		      struct err *err)
{
	struct putting p = { .t = t, .set = set, .kind = SAY_MESSAGE, .event = subject,
			     .letter = letter, .payload = STR_INIT(1 << 20), .told = STR_INIT(500),
			     .data = STR_INIT(1 << 20), .id = xstrdup(key) };

	return put_to(&p, subject, letter->subject, to, n, ret_missing, err);
}

int notify_untold(struct store *s, const char *event_id, bool *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT NOT EXISTS (SELECT 1 FROM ringdown.outbox"
			    " WHERE event_id = $1 AND state = 'sent')", "t", event_id);

	if (e == 0)
		*ret = pg_bool(r, 0, 0);
	return e;
}
