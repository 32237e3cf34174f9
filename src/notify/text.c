/*
 * The words of every message. A body answers, in this order: what is wrong, since when,
 * what happens next by itself and when, what the reader can do. Everything comes from the
 * record, so mail, pager and chat say the same.
 *
 * Text from outside (causes carry agent names and provider messages) is cleaned here.
 */
#include "notify/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { CAUSE_MAX = 600, LINE_MAX = 200 };

#define CLOCK_TEXT 32
/* "2026-11-21 03:19:28Z": seconds are enough for people. */
static const char *clock_text(char buf[CLOCK_TEXT], int64_t ms)
{
	char full[TIME_TEXT];

	format_time(full, ms);
	snprintf(buf, CLOCK_TEXT, "%.10s %.8sZ", full, full + 11);
	return buf;
}

static void add_clean(struct str *b, const char *s, size_t max)
{
	_cleanup_(free_p) char *clean = text_clean(s ? s : "", max);

	str_add(b, clean);
}

static const char *from_of(const struct say *s)
{
	return s->from ? s->from : s->e && s->e->from ? s->e->from : "?";
}

static const char *to_of(const struct say *s)
{
	return s->to ? s->to : s->e && s->e->to ? s->e->to : "no account yet";
}

static const char *severity_word(const struct event *e)
{
	return event_unconfirmed(e) ? "unconfirmed" :
		severity_name(e->severity);
}

/* ---- subject ----------------------------------------------------------------------------- */

/* What an event's message is about, in a few words. */
static const char *const heads[SAY_MAX] = {
	[SAY_OPENED] = "is failing",
	[SAY_HELD] = "failover is HELD",
	[SAY_REALERT] = "failover is still HELD",
	[SAY_ANNOUNCED] = "fails over in a minute unless stopped",
	[SAY_DECIDED] = "failover approved",
	[SAY_COMPLETED] = "failover completed",
	[SAY_FAILED] = "failover FAILED, a person is needed",
	[SAY_ROLLING_BACK] = "is being rolled back",
	[SAY_ROLLED_BACK] = "rolled back",
	[SAY_CANCELLED] = "failover cancelled",
	[SAY_REJECTED] = "failover rejected",
	[SAY_FLAPPING] = "comes and goes",
	[SAY_ALERT] = "alert",
	[SAY_RESOLVED] = "is over",
	[SAY_LOCKED] = "application could not be unlocked",
	[SAY_DATABASE] = "the database is away",
	[SAY_ACKED] = "acknowledged",
	[SAY_INCIDENT] = "incident",
	[SAY_MESSAGE] = "message",
};

static void add_environment(struct str *b, const struct say *s)
{
	if (!str_empty(s->environment)) {
		str_addc(b, '[');
		add_clean(b, s->environment, 40);
		str_add(b, "] ");
	}
}

void say_subject(struct str *b, const struct say *s)
{
	char at[CLOCK_TEXT];

	if (s->own_subject) {
		add_clean(b, s->own_subject, 300);
		return;
	}
	add_environment(b, s);
	if (s->digest) {
		str_addf(b, "ringdown: %lld more messages", (long long)s->digest_n);
		return;
	}
	if (!s->e) {
		str_addf(b, "ringdown: %s", s->kind == SAY_RESOLVED ? "over: " : "");
		add_clean(b, s->subject, 60);
		if (s->kind != SAY_DATABASE && !str_empty(s->text)) {
			str_add(b, ": ");
			add_clean(b, s->text, 120);
		}
		return;
	}
	add_clean(b, s->e->id, 40);
	str_addc(b, ' ');
	add_clean(b, from_of(s), 60);
	str_addf(b, " %s", heads[s->kind]);
	if (s->kind == SAY_OPENED && s->e->status == EV_PENDING && s->e->deadline_at_ms)
		str_addf(b, ", %s at %s", event_approves_itself(s->e) ? "approves itself" :
									"will be held",
			 clock_text(at, s->e->deadline_at_ms));
	else if (s->kind == SAY_HELD && !str_empty(s->e->held_gate))
		str_addf(b, " by gate %s", s->e->held_gate);
	else if (s->kind == SAY_COMPLETED || s->kind == SAY_DECIDED) {
		str_add(b, " to ");
		add_clean(b, to_of(s), 60);
	}
}

/* ---- what happens next ---------------------------------------------------------------------- */

static void next_pending(struct str *b, const struct event *e)
{
	char left[32], at[CLOCK_TEXT];
	int64_t ms = e->window_ms - e->tested_failing_ms;

	format_duration(left, sizeof(left), (ms > 0 ? ms : 0) / 1000 * 1000);
	str_addf(b, "%s after %s more of tested failing time",
		 event_approves_itself(e) ? "approves itself" : "will be held", left);
	if (e->deadline_at_ms)
		str_addf(b, ", about %s", clock_text(at, e->deadline_at_ms));
	if (event_unconfirmed(e))
		str_add(b, " (nothing confirms it)");
	else if (event_shut_gate(e))
		str_addf(b, " (unless gate %s opens until then)",
			 gate_name(event_shut_gate(e)->gate));
	str_addf(b, "; %lld passing tests in a row cancel it.",
		 (long long)(e->passes_needed > 0 ? e->passes_needed : 2));
}

static void next_held(struct str *b, const struct event *e)
{
	for (size_t i = 0; i < e->n_gates; i++) {
		if (e->gates[i].pass || !str_eq(gate_name(e->gates[i].gate), e->held_gate))
			continue;
		add_clean(b, e->gates[i].why, LINE_MAX);
		str_add(b, ". ");
	}
	if (event_unconfirmed(e))
		str_add(b, "nothing by itself: it is not confirmed by a second source, so it never"
			   " approves itself.");
	else
		str_add(b, "nothing until the gate opens; then a full window begins (critical: it"
			   " is confirmed again and announced a minute ahead).");
}

static void next_completed(struct str *b, const struct event *e)
{
	char at[CLOCK_TEXT];

	str_addf(b, "nothing more by itself. %lld of %lld agents moved.",
		 (long long)e->agents_moved, (long long)e->agents_total);
	if (e->rollback_until_ms)
		str_addf(b, " Roll back is offered until %s.",
			 clock_text(at, e->rollback_until_ms));
}

static void add_next(struct str *b, const struct event *e)
{
	switch ((enum event_status)e->status) {
	case EV_PENDING: next_pending(b, e); break;
	case EV_HELD: next_held(b, e); break;
	case EV_COMPLETED: next_completed(b, e); break;
	case EV_APPROVED: str_add(b, "the steps begin now."); break;
	case EV_EXECUTING: str_add(b, "the steps go on; calls in progress are not ended."); break;
	case EV_FAILED:
		str_addf(b, "nothing by itself; %lld of %lld agents are moved. It waits for resume,"
			    " roll back or accept.", (long long)e->agents_moved,
			    (long long)e->agents_total);
		break;
	case EV_ROLLING_BACK: str_add(b, "the steps are taken back, agent by agent."); break;
	case EV_CANCELLED:
		str_add(b, "nothing. The same cause within 30 minutes opens it again, with its time"
			   " kept.");
		break;
	case EV_REJECTED:
	case EV_ROLLED_BACK:
	case EV_ACCEPTED:
		str_add(b, "nothing. The same failure opens nothing for an hour, unless it gets"
			   " worse, its cause changes, or the account was healthy in between.");
		break;
	default: str_add(b, "nothing."); break;
	}
}

/* ---- what to do ----------------------------------------------------------------- */

static const struct { enum event_status status; const char *verbs; } verbs[] = {
	{ EV_PENDING, "approve reject extend" },
	{ EV_HELD, "approve reject" },
	{ EV_APPROVED, "cancel" },
	{ EV_EXECUTING, "cancel" },
	{ EV_COMPLETED, "rollback" },
	{ EV_FAILED, "resume rollback accept" },
};

static void add_commands(struct str *b, const struct event *e)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const char *p = verbs[i].verbs;

		while ((int)verbs[i].status == e->status && *p) {
			int n = (int)strcspn(p, " ");

			str_addf(b, "       ringdown %.*s %s --reason \"...\"\n", n, p, e->id);
			p += n + (p[n] == ' ');
		}
	}
}

static bool of_incident(const struct say *s)
{
	return !s->e && s->subject && str_has_prefix(s->subject, "INC-");
}

char *say_link(const struct say *s)
{
	size_t n = s->public_url ? strlen(s->public_url) : 0;
	struct str b = STR_INIT(2000);

	while (n && s->public_url[n - 1] == '/')
		n--;
	if (!n)
		return NULL;
	str_addn(&b, s->public_url, n);
	if (s->e) {
		str_add(&b, "/events/");
		str_add_urlencoded(&b, s->e->id);
	} else if (of_incident(s)) {
		str_add(&b, "/incidents/");
		str_add_urlencoded(&b, s->subject);
	} else {
		str_add(&b, "/alerts");
	}
	return str_take(&b);
}

static void add_look(struct str *b, const struct say *s)
{
	_cleanup_(free_p) char *link = say_link(s);

	if (link)
		str_addf(b, "Look:  %s\n", link);
	else if (s->e)
		str_addf(b, "Look:  ringdown events %s\n", s->e->id);
	else if (of_incident(s))
		str_addf(b, "Look:  ringdown incident show %.40s\n", s->subject);
	else if (s->kind == SAY_DATABASE)
		str_add(b, "Look:  ringdown doctor\n");
	else
		str_add(b, "Look:  ringdown alerts\n");
}

/* ---- body ----------------------------------------------------------------------- */

static void add_row(struct str *b, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	str_addf(b, "%-6s ", name);
	add_clean(b, value, CAUSE_MAX);
	str_addc(b, '\n');
}

static void digest_body(struct str *b, const struct say *s)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT];

	str_addf(b, "%lld messages between %s and %s were not sent one by one: there were more"
		    " than the limit for an hour (notify.perEventHour, notify.perHour).\n",
		 (long long)s->digest_n, clock_text(from, s->digest_from_ms),
		 clock_text(to, s->digest_to_ms));
	str_add(b, "Look:  ringdown events\n");
}

static void event_rows(struct str *b, const struct say *s)
{
	const struct event *e = s->e;
	int64_t since = e->opened_at_ms ? e->opened_at_ms : e->started_at_ms;
	char at[CLOCK_TEXT];

	str_addf(b, "State: %s, %s%s, rule %lld\n", event_status_name(e->status), severity_word(e),
		 e->flapping ? ", flapping" : "", (long long)e->rule);
	add_row(b, "What:", e->cause);
	str_add(b, "From:  ");
	add_clean(b, from_of(s), 80);
	str_add(b, " to ");
	add_clean(b, to_of(s), 80);
	str_addf(b, ", %lld agents\n", (long long)e->agents_total);
	if (since)
		str_addf(b, "Since: %s\n", clock_text(at, since));
	if (!str_eq(s->text, e->cause))
		add_row(b, "Note:", s->text);
	if (!str_eq(e->reason, s->text) && !str_eq(e->reason, e->cause))
		add_row(b, "Why:", e->reason);
	if (!str_empty(e->decided_by))
		add_row(b, "By:", e->decided_by);
	add_row(b, "Error:", e->error);
	str_add(b, "Next:  ");
	add_next(b, e);
	str_add(b, "\nDo:\n");
	add_commands(b, e);
	/* nothing to do: no empty heading */
	if (b->len >= 4 && memcmp(b->s + b->len - 4, "Do:\n", 4) == 0)
		b->s[b->len -= 4] = '\0';
}

static void own_body(struct str *b, const char *text)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		_cleanup_(free_p) char *line = xstrndup(p, n);

		add_clean(b, line, 2000);
		str_addc(b, '\n');
		p += n + (p[n] == '\n');
	}
}

void say_body(struct str *b, const struct say *s)
{
	char at[CLOCK_TEXT];

	if (s->own_body) {
		own_body(b, s->own_body);
		return;
	}
	if (s->digest) {
		digest_body(b, s);
		return;
	}
	if (s->e) {
		event_rows(b, s);
	} else {
		add_row(b, s->kind == SAY_RESOLVED ? "Over:" : "What:", s->text);
		add_row(b, "On:", s->subject);
		if (s->at_ms)
			str_addf(b, "At:    %s\n", clock_text(at, s->at_ms));
		if (s->kind == SAY_ALERT)
			str_add(b, "Next:  nothing by itself; no failover follows from this"
				   " alone.\n");
	}
	add_look(b, s);
}

char *say_line(const struct say *s, size_t max)
{
	struct str b = STR_INIT(4000);
	char *line;

	say_subject(&b, s);
	if (s->e && !s->digest && !str_empty(s->e->cause)) {
		str_add(&b, ": ");
		add_clean(&b, s->e->cause, CAUSE_MAX);
	}
	if (s->e && !s->digest)
		str_addf(&b, " (ringdown events %s)", s->e->id);
	line = text_clean(str_get(&b), max);
	str_fini(&b);
	return line;
}

const char *say_severity(const struct say *s)
{
	switch (s->kind) {
	case SAY_OPENED:
		return s->e && s->e->severity == SEV_CRITICAL ? "critical" : "error";
	case SAY_HELD:
	case SAY_REALERT:
	case SAY_ANNOUNCED:
	case SAY_FAILED:
	case SAY_LOCKED:
	case SAY_INCIDENT:
	case SAY_DATABASE: return "critical";
	case SAY_DECIDED:
	case SAY_FLAPPING: return "error";
	case SAY_ALERT:
	case SAY_ROLLING_BACK: return "warning";
	default: return "info";
	}
}
