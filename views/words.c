/*
 * The words for states, outcomes and what comes next, said everywhere the same way:
 * a word first, a colour second. Pure text from records; draws nothing.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "views/columns.h"
#include "views/app.h"

enum role role_health(int health)
{
	switch (health) {
	case HEALTH_HEALTHY:
		return ROLE_ok;
	case HEALTH_MINOR:
	case HEALTH_DEGRADED:
		return ROLE_warn;
	case HEALTH_CRITICAL:
		return ROLE_bad;
	default:
		return ROLE_unknown;
	}
}

const char *word_health(int health)
{
	switch (health) {
	case HEALTH_HEALTHY:
		return "ok";
	case HEALTH_MINOR:
		return "WARN";
	case HEALTH_DEGRADED:
	case HEALTH_CRITICAL:
		return "BAD";
	default:
		return "?";
	}
}

enum role role_outcome(int outcome)
{
	return outcome == OUT_OK ? ROLE_ok : outcome == OUT_BAD ? ROLE_bad : ROLE_unknown;
}

const char *word_outcome(int outcome)
{
	return outcome == OUT_OK ? "ok" : outcome == OUT_BAD ? "FAIL" : "?";
}

enum role role_status(int status)
{
	switch (status) {
	case EV_HELD:
		return ROLE_warn;
	case EV_PENDING:
		return ROLE_count;
	case EV_FAILED:
		return ROLE_bad;
	case EV_APPROVED:
	case EV_EXECUTING:
	case EV_ROLLING_BACK:
		return ROLE_chart;
	case EV_COMPLETED:
	case EV_ROLLED_BACK:
		return ROLE_ok;
	default:
		return ROLE_dim;
	}
}

const char *word_status(const struct event *e)
{
	switch (e->status) {
	case EV_HELD:
		return "HELD";
	case EV_FAILED:
		return "FAILED";
	case EV_ROLLING_BACK:
		return "rolling back";
	case EV_ROLLED_BACK:
		return "rolled back";
	default:
		return event_status_name(e->status);
	}
}

static const struct event_step *running_step(const struct event *e)
{
	const struct event_step *last = NULL;

	for (int i = 1; i < STEP_MAX; i++)
		if (e->steps[i].n && e->steps[i].state == SS_RUNNING)
			last = &e->steps[i];
	return last;
}

static bool pending_next(const struct app *a, const struct event *e, bool exact, char *what,
                         char *when)
{
	struct countdown c = { .at_ms = e->deadline_at_ms,
		               .now_ms = app_now(a),
		               .stale = app_stale(a),
		               .exact = exact,
		               .last_test_ms = e->last_test_at_ms };

	snprintf(what, WHEN_TEXT, "%s",
	         event_approves_itself(e) ? "APPROVES ITSELF IN" : "WILL BE HELD IN");
	bool ticks = when_countdown(when, &c);
	/* "deadline passed ..." and "no test for ..." speak for themselves */
	if (when[0] >= 'a' && when[0] <= 'z' && !str_eq(when, "deciding")) {
		snprintf(what, WHEN_TEXT, "%s", when);
		when[0] = '\0';
	}
	return ticks;
}

bool event_next(const struct app *a, const struct event *e, bool exact, char what[WHEN_TEXT],
                char when[WHEN_TEXT])
{
	const struct event_step *st = running_step(e);
	int64_t since = e->state_since_ms ? app_now(a) - e->state_since_ms : 0;
	char buf[WHEN_TEXT];

	when[0] = '\0';
	switch (e->status) {
	case EV_PENDING:
		return pending_next(a, e, exact, what, when);
	case EV_HELD:
		if (e->held_gate && e->held_gate[0])
			snprintf(what, WHEN_TEXT, "HELD by gate %.40s", e->held_gate);
		else
			snprintf(what, WHEN_TEXT, "HELD, needs a person");
		break;
	case EV_APPROVED:
		snprintf(what, WHEN_TEXT, "APPROVED, starting");
		break;
	case EV_EXECUTING:
		if (st)
			snprintf(what, WHEN_TEXT, "MOVING %lld/%lld, step %d %s",
			         (long long)e->agents_moved, (long long)e->agents_total, (int)st->n,
			         step_name(st->n));
		else
			snprintf(what, WHEN_TEXT, "MOVING %lld/%lld", (long long)e->agents_moved,
			         (long long)e->agents_total);
		break;
	case EV_FAILED:
		snprintf(what, WHEN_TEXT, "FAILED, needs a person");
		break;
	case EV_ROLLING_BACK:
		snprintf(what, WHEN_TEXT, "ROLLING BACK %lld/%lld", (long long)e->agents_moved,
		         (long long)e->agents_total);
		break;
	default:
		snprintf(what, WHEN_TEXT, "%s", word_status(e));
		snprintf(when, WHEN_TEXT, "%s",
		         when_since(buf, e->state_since_ms, app_now(a), true));
		return false;
	}
	snprintf(when, WHEN_TEXT, "%s%s", app_stale(a) ? "~" : "", when_span(buf, since));
	return since < 3600000;
}

static int urgency(const struct event *e)
{
	switch (e->status) {
	case EV_PENDING:
		return 0;
	case EV_FAILED:
		return 1;
	case EV_EXECUTING:
	case EV_APPROVED:
		return 2;
	case EV_ROLLING_BACK:
		return 3;
	case EV_HELD:
		return 4;
	default:
		return 9;
	}
}

int event_compare(const struct event *x, const struct event *y)
{
	int d = urgency(x) - urgency(y);

	if (d)
		return d;
	if (x->status == EV_PENDING && x->deadline_at_ms != y->deadline_at_ms)
		return x->deadline_at_ms < y->deadline_at_ms ? -1 : 1;
	if (x->opened_at_ms != y->opened_at_ms)
		return x->opened_at_ms > y->opened_at_ms ? -1 : 1;
	return strverscmp(y->id ? y->id : "", x->id ? x->id : "");
}

const struct event *event_most_urgent(const struct state *s)
{
	const struct event *best = NULL;

	for (size_t i = 0; i < s->n_events; i++)
		if (event_status_open(s->events[i].status) &&
		    (!best || event_compare(&s->events[i], best) < 0))
			best = &s->events[i];
	return best;
}

void event_gates_text(const struct event *e, char *buf, size_t n)
{
	const struct gate_result *first = event_shut_gate(e);
	const char *shut = first ? gate_name(first->gate) : NULL;
	size_t open = 0;

	for (size_t i = 0; i < e->n_gates; i++)
		open += e->gates[i].pass;
	if (!e->n_gates)
		snprintf(buf, n, "not computed yet");
	else
		snprintf(buf, n, "%zu of %zu open%s%s", open, e->n_gates, shut ? "; shut: " : "",
		         shut ? shut : "");
}

void event_then_text(const struct event *e, char *buf, size_t n)
{
	const struct gate_result *g = event_shut_gate(e);

	if (e->status == EV_ROLLING_BACK)
		snprintf(buf, n,
		         "the agents go home; what somebody else changed is left and listed");
	else if (!event_status_open(e->status) && e->status != EV_COMPLETED)
		snprintf(buf, n, "%s", !str_empty(e->reason) ? e->reason : "nothing more");
	else if ((e->status == EV_PENDING || e->status == EV_HELD) && g)
		snprintf(buf, n, "nothing moves while gate %s is shut: %s", gate_name(g->gate),
		         g->why ? g->why : "no reason recorded");
	else if (e->status == EV_PENDING && event_unconfirmed(e))
		snprintf(buf, n, "nothing moves by itself: nothing confirms the cause");
	else
		event_plan_text(e, buf, n);
}

void event_plan_text(const struct event *e, char *buf, size_t n)
{
	struct json *p = e->plan ? json_parse(e->plan, strlen(e->plan), NULL) : NULL;
	int64_t moves = json_get_i64(p, "agents", e->agents_total);
	int64_t ms = json_get_i64(p, "expectedMs", 0), sms = json_get_i64(p, "smsHeld", 0);
	int64_t calls = json_get_i64(p, "callsLive", -1), stay = json_get_i64(p, "staying", 0);
	size_t used;

	if (json_type(json_get(p, "moves")) == JSON_ARRAY)
		moves = (int64_t)json_count(json_get(p, "moves"));
	if (json_type(json_get(p, "stays")) == JSON_ARRAY)
		stay = (int64_t)json_count(json_get(p, "stays"));
	bool over = e->id && e->status == EV_COMPLETED;

	if (over)
		snprintf(buf, n, "%lld of %lld agents moved", (long long)e->agents_moved,
		         (long long)e->agents_total);
	else
		snprintf(buf, n, "%lld agent%s move%s", (long long)moves, moves == 1 ? "" : "s",
		         moves == 1 ? "s" : "");
	used = strlen(buf);
	if (over)
		ms = calls = 0;
	if (ms >= 90000)
		snprintf(buf + used, n - used, ", about %lld min",
		         (long long)((ms + 30000) / 60000));
	else if (ms > 0)
		snprintf(buf + used, n - used, ", about %lld s", (long long)((ms + 999) / 1000));
	used = strlen(buf);
	if (sms > 0)
		snprintf(buf + used, n - used, "; %lld l%s SMS", (long long)sms,
		         over ? "ost" : "ose");
	used = strlen(buf);
	if (stay > 0)
		snprintf(buf + used, n - used, "; %lld stay%s, no number", (long long)stay,
		         over ? "ed" : "");
	used = strlen(buf);
	if (calls > 0)
		snprintf(buf + used, n - used, "; %lld calls in progress stay", (long long)calls);
	json_free(p);
}

void event_subject(const struct app *a, const struct event *e, struct subject *ret)
{
	*ret = (struct subject){ .kind = "event" };
	snprintf(ret->id, sizeof(ret->id), "%s", e->id);
	snprintf(ret->title, sizeof(ret->title), "%s %s to %s", e->id, app_account(a, e->from),
	         app_account(a, e->to));
	snprintf(ret->command, sizeof(ret->command), "ringdown events %s", e->id);
}

void account_subject(const struct account *x, struct subject *ret)
{
	*ret = (struct subject){ .kind = "account" };
	snprintf(ret->id, sizeof(ret->id), "%s", x->id);
	snprintf(ret->title, sizeof(ret->title), "%s", x->name ? x->name : x->id);
	snprintf(ret->command, sizeof(ret->command), "ringdown gates %s", x->id);
}

/* Why it is shut is read to its end: it goes on below itself. */
static void gate_lines(struct sheet *s, int w, const struct gate_result *g)
{
	char text[600];
	const char *p = text;

	snprintf(text, sizeof(text), "%s%s", g->why ? g->why : "",
	         g->pass          ? ""
	         : g->typed       ? "  (override: typed)"
	         : g->overridable ? "  (can be overridden)"
	                          : "");
	for (bool first = true; first || *p; first = false) {
		size_t n = text_break(p, w > 20 ? w : 20, false);

		sheet_line(s, g->pass ? ROLE_normal : ROLE_bad, "%-5s %-18s %.*s",
		           !first ? "" : g->pass ? "open" : "SHUT",
		           first ? gate_name(g->gate) : "", (int)n, p);
		p = text_after(p + n);
	}
}

void gates_sheet(struct shell *shell, const char *title, const struct gate_result *g, size_t n)
{
	enum { BEFORE = 28 };	/* the sheet's margin, the word, the name */
	struct sheet *s = shell_sheet(shell);

	sheet_open(s, title, NULL, NULL);
	if (!n)
		sheet_line(s, ROLE_dim,
		           "no gates yet: they are computed with the first health cycle");
	for (int shut = 1; shut >= 0; shut--) /* what stops it comes first */
		for (size_t i = 0; i < n; i++)
			if (g[i].pass != shut)
				gate_lines(s, shell_width(shell) - BEFORE, &g[i]);
}

void cell_since(const struct view *v, int64_t at_ms, char *buf)
{
	char t[WHEN_TEXT];

	snprintf(buf, CELL_TEXT, "%s",
	         when_since(t, at_ms, app_now(v->app), shell_utc(v->shell)));
}
