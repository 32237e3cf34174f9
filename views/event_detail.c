/*
 * One event in full: what comes by itself, cause, tests, gates, plan or steps, what
 * happens if nobody acts. Shared by the events view's lower, right and whole-screen
 * forms. It asks nothing of the network; the plan's rows are events.c's.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "ui/chart.h"
#include "views/app.h"

void event_detail(struct view *v, struct area a, const struct event *e);

/* below, a row more for the cause is a row less for tests or steps */
enum { WRAP_FROM = 18 };

struct ctx {
	struct view *v;
	const struct app *app;
	const struct event *e;
	struct area a;
};

static int line(struct ctx *c, int y, const char *label, enum role role, const char *text)
{
	area_text(c->a, 1, y, ROLE_label, label);
	area_field(c->a, 8, y, c->a.w - 9, 0, role, text);
	return y + 1;
}

static void here(const struct ctx *c, char *buf, size_t n)
{
	const struct state *s = app_state(c->app);

	buf[0] = '\0';
	for (size_t i = 0; i < s->n_people; i++) {
		const struct person *p = &s->people[i];
		size_t at = strlen(buf);
		if (!str_eq(p->looking_at, c->e->id) ||
		    str_has_prefix(client_user(c->app->client), p->name ? p->name : "\n"))
			continue;
		snprintf(buf + at, n - at, "%s%s %s", at ? ", " : "", p->name ? p->name : "?",
		         p->dialog ? "is deciding" : "is here");
	}
}

static int draw_next(struct ctx *c, int y)
{
	const struct event *e = c->e;
	char what[WHEN_TEXT], when[WHEN_TEXT], t[WHEN_TEXT], done[WHEN_TEXT], all[WHEN_TEXT];
	enum role role = app_stale(c->app) ? ROLE_stale : role_status(e->status);
	int x;

	c->v->ticks |= event_next(c->app, e, true, what, when);
	x = area_textf(c->a, 1, y, role, "%s%s%s", what, when[0] ? " " : "", when);
	if (e->status == EV_PENDING) {
		x = area_textf(c->a, x + 1, y, ROLE_normal, "(%s)",
		               when_clock(t, e->deadline_at_ms, shell_utc(c->v->shell)));
		if (x + 40 < c->a.w && e->window_ms > 0) {
			chart_bar(c->a, x + 3, y, 16, (double)e->tested_failing_ms,
			          (double)(e->window_ms + e->extended_ms));
			area_textf(c->a, x + 20, y, ROLE_normal, "%s of %s failing",
			           when_span(done, e->tested_failing_ms),
			           when_span(all, e->window_ms + e->extended_ms));
		}
	} else if (e->agents_total > 0 && event_has_steps(e) && x + 24 < c->a.w) {
		chart_bar(c->a, x + 3, y, 18, (double)e->agents_moved, (double)e->agents_total);
		if (e->agents_failed)
			area_textf(c->a, x + 22, y, ROLE_bad, "%lld failed",
			           (long long)e->agents_failed);
	}
	return y + 1;
}

static int draw_cause(struct ctx *c, int y)
{
	char buf[400];

	snprintf(buf, sizeof(buf), "%s   rule %lld", c->e->cause ? c->e->cause : "none recorded",
	         (long long)c->e->rule);
	if (c->a.h >= WRAP_FROM && (int)strlen(buf) > c->a.w - 9) {
		area_text(c->a, 1, y, ROLE_label, "CAUSE");
		y = area_wrap(c->a, 8, y, c->a.w - 9, ROLE_normal, buf);
	} else {
		y = line(c, y, "CAUSE", ROLE_normal, buf);
	}
	if (c->e->error)
		y = line(c, y, "ERROR", ROLE_error, c->e->error);
	if (c->e->reason && (!c->e->cause || !strstr(c->e->reason, c->e->cause)))
		y = line(c, y, "REASON", ROLE_normal, c->e->reason);
	return y;
}

static void draw_test(struct ctx *c, int y, const struct event_test *t)
{
	static const char *const parts[] = { "api", "webhook", "agents", "numbers" };
	struct json *p = t->parts ? json_parse(t->parts, strlen(t->parts), NULL) : NULL;
	char clock[WHEN_TEXT];
	int x = 14;

	area_text(c->a, 3, y, ROLE_normal, when_clock(clock, t->at_ms, shell_utc(c->v->shell)));
	for (size_t i = 0; i < COUNT_OF(parts) && p; i++, x += 9) {
		int o = enum_parse(&outcome_names,
		                   json_get_str(p, parts[i]) ? json_get_str(p, parts[i]) : "");
		area_text(c->a, x, y, role_outcome(o), word_outcome(o));
	}
	if (p)
		x = 14 + 36;
	area_text(c->a, x, y, role_outcome(t->outcome),
	          t->outcome == OUT_OK ? "pass" : word_outcome(t->outcome));
	area_field(c->a, x + 6, y, c->a.w - x - 7, 0, ROLE_normal, t->detail);
	json_free(p);
}

static int draw_tests(struct ctx *c, int y, int rows)
{
	const struct event *e = c->e;
	char buf[200];
	int64_t next = (e->next_test_at_ms - app_now(c->app)) / 1000;

	if (!e->n_tests && !e->next_test_at_ms)
		return y;
	if (e->status == EV_PENDING || e->status == EV_HELD) {
		if (e->next_test_at_ms && next >= 0 && !app_stale(c->app))
			snprintf(buf, sizeof(buf),
			         "next in %lld s; %lld passes in a row cancel     fail %lld   pass "
			         "%lld",
			         (long long)next,
			         (long long)(e->passes_needed ? e->passes_needed : 2),
			         (long long)e->tests_failed, (long long)e->tests_passed);
		else
			snprintf(buf, sizeof(buf),
			         "%lld passes in a row cancel     fail %lld   pass %lld",
			         (long long)(e->passes_needed ? e->passes_needed : 2),
			         (long long)e->tests_failed, (long long)e->tests_passed);
		c->v->ticks = true;
	} else {
		snprintf(buf, sizeof(buf), "fail %lld   pass %lld", (long long)e->tests_failed,
		         (long long)e->tests_passed);
	}
	y = line(c, y, "TESTS", ROLE_normal, buf);
	if (rows < 2 || !e->n_tests)
		return y;
	area_text(c->a, 3, y++, ROLE_dim, "at         api      webhook  agents   numbers  result");
	for (size_t i = e->n_tests; i > 0 && rows > 1; i--, rows--)
		draw_test(c, y++, &e->tests[i - 1]);
	return y;
}

static int draw_steps(struct ctx *c, int y)
{
	const struct event *e = c->e;
	char t[WHEN_TEXT], buf[300];

	area_text(c->a, 1, y++, ROLE_label, "STEPS");
	for (int i = 1; i < STEP_MAX; i++) {
		const struct event_step *st = &e->steps[i];
		enum role role = st->state == SS_DONE      ? ROLE_ok
		                 : st->state == SS_FAILED  ? ROLE_bad
		                 : st->state == SS_RUNNING ? ROLE_count
		                                           : ROLE_dim;
		int64_t end = st->ended_at_ms ? st->ended_at_ms : app_now(c->app);
		if (!st->n)
			continue;
		snprintf(buf, sizeof(buf), "%d %s", i, step_name(i));
		area_text(c->a, 3, y, ROLE_normal, buf);
		area_text(c->a, 21, y, role, step_state_name(st->state));
		if (st->total > 1)
			area_textf(c->a, 30, y, ROLE_normal, "%lld/%lld", (long long)st->done,
			           (long long)st->total);
		if (st->started_at_ms && st->state != SS_UNDONE) {
			area_text(c->a, 40, y, ROLE_normal, when_span(t, end - st->started_at_ms));
			c->v->ticks |= st->state == SS_RUNNING;
		}
		area_field(c->a, 48, y, c->a.w - 49, 0,
		           st->state == SS_RUNNING ? ROLE_normal : ROLE_error, st->error);
		y++;
	}
	return y;
}

static const char *undo_text(const struct event *e, char *buf, size_t n)
{
	char until[TIME_TEXT];

	if (e->status == EV_COMPLETED && e->rollback_until_ms)
		snprintf(buf, n, "roll back (U) is offered until %.10s",
		         format_time(until, e->rollback_until_ms));
	else if (e->status == EV_COMPLETED || e->status == EV_FAILED)
		snprintf(buf, n, "roll back (U)");
	else if (e->status == EV_ROLLING_BACK || event_status_final(e->status))
		snprintf(buf, n, "none; F starts a failover by hand");
	else
		snprintf(buf, n, "roll back offered for 30 days; cancel is free until step 3");
	return buf;
}

static int draw_plan(struct ctx *c, int y)
{
	const struct event *e = c->e;
	char buf[400], text[300];
	struct json *p = e->plan ? json_parse(e->plan, strlen(e->plan), NULL) : NULL;
	int64_t calls = json_get_i64(p, "oldCallsPerDay", 0),
	        healthy = json_get_i64(p, "healthyMoved", 0);

	event_plan_text(e, text, sizeof(text));
	snprintf(buf, sizeof(buf), "#%.4s  %s", e->plan_hash ? e->plan_hash : "none", text);
	y = line(c, y, "PLAN", ROLE_normal, buf);
	if (calls > 0 || healthy > 0) {
		snprintf(buf, sizeof(buf), "%lld callers a day of the old numbers",
		         (long long)calls);
		if (healthy > 0)
			snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf),
			         "; %lld agents that work change number", (long long)healthy);
		area_text(c->a, 3, y, ROLE_dim, "stays");
		area_field(c->a, 11, y, c->a.w - 12, 0, ROLE_normal, buf);
		y++;
	}
	json_free(p);
	area_text(c->a, 3, y, ROLE_dim, "undo");
	area_field(c->a, 11, y, c->a.w - 12, 0, ROLE_normal, undo_text(e, buf, sizeof(buf)));
	return y + 1;
}

static const char *if_nobody_acts(const struct ctx *c, char *buf, size_t n)
{
	const struct event *e = c->e;
	char t[WHEN_TEXT];

	if (app_stale(c->app) && event_status_open(e->status)) {
		snprintf(buf, n, "not known from here: what is shown is old");
		return buf;
	}
	switch (e->status) {
	case EV_PENDING:
		when_clock(t, e->deadline_at_ms, shell_utc(c->v->shell));
		if (event_unconfirmed(e))
			snprintf(buf, n, "held at %s: nothing confirms it", t);
		else if (event_shut_gate(e))
			snprintf(buf, n, "held at %s, unless gate %s opens until then", t,
			         gate_name(event_shut_gate(e)->gate));
		else
			snprintf(buf, n, "gates and a last test at %s, then the engine approves",
			         t);
		break;
	case EV_HELD:
		snprintf(buf, n,
		         "it stays held, is tested every 30 s and goes on when the gate opens");
		break;
	case EV_APPROVED:
	case EV_EXECUTING:
		snprintf(buf, n,
		         "it goes on to the end; agents that cannot be moved leave it failed");
		break;
	case EV_FAILED:
		snprintf(buf, n, "it stays as it is: resume, roll back or accept are a person's");
		break;
	case EV_ROLLING_BACK:
		snprintf(buf, n, "it restores what nobody else has changed, and lists the rest");
		break;
	case EV_COMPLETED:
		snprintf(buf, n, "it stays on the backup until somebody rolls back (U)");
		break;
	default:
		return NULL;
	}
	return buf;
}

static int draw_end(struct ctx *c, int y)
{
	char buf[300];

	if (if_nobody_acts(c, buf, sizeof(buf))) {
		area_text(c->a, 1, y, ROLE_label, "IF NOBODY ACTS");
		area_field(c->a, 17, y, c->a.w - 18, 0, ROLE_normal, buf);
		y++;
	}
	if (event_status_open(c->e->status)) {
		snprintf(buf, sizeof(buf), "%s",
		         c->e->acked_by ? c->e->acked_by
		                        : "nobody yet (a acknowledges: stops paging, changes "
		                          "nothing else)");
		y = line(c, y, "ACK", ROLE_normal, buf);
	} else if (c->e->decided_by) {
		snprintf(buf, sizeof(buf), "%s%s%s", c->e->decided_by,
		         c->e->executed_by ? ", executed by " : "",
		         c->e->executed_by ? c->e->executed_by : "");
		y = line(c, y, "BY", ROLE_normal, buf);
	}
	return y;
}

void event_detail(struct view *v, struct area a, const struct event *e)
{
	struct ctx c = { v, v->app, e, a };
	char title[200], as_of[80], people[80], gates[120];
	int y = 1, rest;

	app_as_of(c.app, as_of);
	here(&c, people, sizeof(people));
	snprintf(title, sizeof(title), "%s %s to %s%s%s", e->id, app_account(c.app, e->from),
	         app_account(c.app, e->to), as_of[0] ? "  " : "", as_of);
	area_rule(a, 0, title);
	if (people[0])
		area_textf(a, a.w - (int)strlen(people) - 7, 0, ROLE_warn, " %s ", people);
	y = draw_next(&c, y);
	y = draw_cause(&c, y);
	if (event_has_steps(e))
		y = draw_steps(&c, y);
	/* what comes below the tests needs 6 lines; tests get the rest, newest first */
	rest = a.h - y - 6;
	if (!event_has_steps(e) || rest > 2)
		y = draw_tests(&c, y, rest - 1);
	event_gates_text(e, gates, sizeof(gates));
	y = line(&c, y, "GATES", ROLE_normal, gates);
	if (a.w > 60 && y <= a.h)
		area_text(a, a.w - 17, y - 1, ROLE_dim, "g lists them all");
	y = draw_plan(&c, y);
	draw_end(&c, y);
}
