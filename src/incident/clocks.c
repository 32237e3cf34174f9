/*
 * See clocks.h. A clock is a stored row; this file alone says which rows there are and how
 * one moves on. It reads no clock and sends nothing: the host stores the changed row and the
 * message in one transaction, so that a restart neither repeats nor forgets a rung.
 */
#include "incident/clocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "incident/declare.h"

enum { DAY_MS = 24 * 3600 * 1000, ROUTING_MAX = 12 /* repeats, then it is said once more */ };

static void set_text(char **p, const char *s)
{
	free_p(p);
	*p = s ? xstrdup(s) : NULL;
}

static void set_via(struct incident_clock *c, char *const *via, size_t n)
{
	struct str b = { 0 };
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jw_str(&w, NULL, via[i]);
	jw_arr_end(&w);
	set_text(&c->via, b.s);
	str_fini(&b);
}

static struct incident_clock *add(struct incident_clock **v, size_t *n, enum clock_kind kind,
				  int64_t due_ms)
{
	struct incident_clock *c;

	*v = xrealloc(*v, (*n + 1) * sizeof(**v));
	c = &(*v)[(*n)++];
	*c = (struct incident_clock){ .kind = (int)kind, .state = CS_RUNNING, .due_at_ms = due_ms };
	return c;
}

static bool rung_applies(const struct policy_rung *r, const char *severity)
{
	for (size_t i = 0; i < r->n_only; i++)
		if (str_eq(r->only[i], severity))
			return true;
	return r->n_only == 0;
}

/* The next rung from index on that is for this severity; n_rungs when none is left. */
static size_t next_rung(const struct policy_ladder *l, size_t from, const char *severity)
{
	while (from < l->n_rungs && !rung_applies(&l->rungs[from], severity))
		from++;
	return from;
}

static const struct policy_ladder *ladder_of(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_ladders; i++)
		if (str_eq(p->ladders[i].name, name))
			return &p->ladders[i];
	return NULL;
}

/* ", Ann, by slack and phone": whom a clock will tell, and which way. */
static void add_whom(struct str *b, const struct policy *p, const char *role, char *const *via,
		     size_t n)
{
	const struct policy_contact *c = policy_contact(p, role);

	if (c && !str_empty(c->name))
		str_addf(b, ", %s", c->name);
	for (size_t i = 0; i < n; i++)
		str_addf(b, "%s%s", i == 0 ? ", by " : i + 1 == n ? " and " : ", ", via[i]);
}

static void say_rung(struct incident_clock *c, const struct policy *p, const struct policy_rung *r,
		     size_t index)
{
	struct str text = STR_INIT(1000);

	c->rung = (int64_t)index + 1;
	c->respond_ms = r->respond_ms;
	set_text(&c->target, r->role);
	set_via(c, r->via, r->n_via);
	str_addf(&text, "rung %zu: %s", index + 1, r->role);
	add_whom(&text, p, r->role, r->via, r->n_via);
	set_text(&c->text, str_get(&text));
	str_fini(&text);
}

static void open_ladder(const struct policy *p, const struct incident *i, const char *name,
			int64_t now_ms, struct incident_clock **v, size_t *n)
{
	const struct policy_ladder *l = ladder_of(p, name);
	size_t first = l ? next_rung(l, 0, i->severity) : 0;
	struct incident_clock *c;

	if (!l || first == l->n_rungs)
		return;
	c = add(v, n, CK_LADDER, now_ms);
	set_text(&c->ladder, name);
	say_rung(c, p, &l->rungs[first], first);
}

/* By all channels of the severity; owns what is said. */
static void say_to(struct incident_clock *c, const struct policy *p, const char *role,
		   const struct policy_severity *s, char *said)
{
	struct str text = STR_INIT(1000);

	set_via(c, s->page, s->n_page);
	str_add(&text, said);
	free(said);
	add_whom(&text, p, role, s->page, s->n_page);
	set_text(&c->text, str_get(&text));
	str_fini(&text);
}

static void open_routing(const struct policy *p, const struct policy_severity *s, int64_t now_ms,
			 struct incident_clock **v, size_t *n)
{
	struct incident_clock *c = add(v, n, s->digest ? CK_DIGEST : CK_ROUTING,
				       s->digest ? now_ms + DAY_MS : now_ms);

	c->every_ms = s->digest ? DAY_MS : policy_repeat_ms(p, s->id);
	say_to(c, p, "on-call", s, xstrdup(s->digest ? "daily digest" :
					   "first notice, repeated until acknowledged"));
}

static void open_severity(const struct policy *p, const struct policy_severity *s, int64_t now_ms,
			  struct incident_clock **v, size_t *n)
{
	struct incident_clock *c;

	if (!s->escalate_to)
		return;
	c = add(v, n, CK_SEVERITY, now_ms + s->escalate_after_ms);
	set_text(&c->target, s->escalate_to);
	say_to(c, p, s->escalate_to, s,
	       xasprintf("nobody acknowledged a %s: tell %s", s->id, s->escalate_to));
}

/* A reminder wakes nobody: the severity's channels without pager and telephone. */
static void set_quiet_via(struct incident_clock *c, const struct policy_severity *s)
{
	char *quiet[8] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < s->n_page && n < COUNT_OF(quiet); i++)
		if (!str_eq(s->page[i], "pager") && !str_eq(s->page[i], "phone"))
			quiet[n++] = s->page[i];
	set_via(c, quiet, n);
}

/* It rose when somebody was on it already. */
static void open_raised(const struct policy *p, const struct policy_severity *s, const char *was,
			int64_t now_ms, struct incident_clock **v, size_t *n)
{
	struct incident_clock *c;

	if (s->digest || !severity_higher(p, s->id, was))
		return;
	c = add(v, n, CK_ROUTING, now_ms);
	say_to(c, p, "on-call", s, xasprintf("it was a %s: raised, told once", was));
	if (!s->escalate_to || s->escalate_after_ms > 0)
		return;
	c = add(v, n, CK_SEVERITY, now_ms);
	set_text(&c->target, s->escalate_to);
	say_to(c, p, s->escalate_to, s,
	       xasprintf("raised from %s to %s: tell %s", was, s->id, s->escalate_to));
}

size_t clocks_open(const struct policy *p, const struct incident *i, const char *was,
		   const char *ladder, int64_t now_ms, struct incident_clock **ret)
{
	const struct policy_severity *s = policy_severity(p, i->severity);
	struct incident_clock *v = NULL, *c;
	size_t n = 0;

	*ret = NULL;
	if (!s || i->state == IS_RESOLVED || i->state == IS_CLOSED)
		return 0;
	if (i->state == IS_DECLARED) {
		open_routing(p, s, now_ms, &v, &n);
		open_severity(p, s, now_ms, &v, &n);
		if (ladder && !s->digest)
			open_ladder(p, i, ladder, now_ms, &v, &n);
	} else if (was) {
		open_raised(p, s, was, now_ms, &v, &n);
	}
	if (s->update_every_ms) {
		c = add(&v, &n, CK_UPDATE, now_ms + s->update_every_ms);
		c->every_ms = s->update_every_ms;
		set_quiet_via(c, s);
		set_text(&c->text, "the next update is due");
	}
	*ret = v;
	return n;
}

/* A rung that was told waits its response time; then the next one is told. */
static void fire_ladder(const struct policy *p, const struct incident *i,
			struct incident_clock *c, int64_t now_ms)
{
	const struct policy_ladder *l = ladder_of(p, c->ladder);
	size_t at = c->rung > 0 ? (size_t)c->rung - 1 : 0, next;

	if (!l || at >= l->n_rungs) {
		c->state = CS_DONE;
		return;
	}
	c->due_at_ms = now_ms + l->rungs[at].respond_ms;
	next = next_rung(l, at + 1, i->severity);
	if (next == l->n_rungs)
		c->state = CS_DONE;
	else
		say_rung(c, p, &l->rungs[next], next);
}

/* A provider that did not answer in its time: the next of its levels gets as long. */
static void fire_vendor(const struct policy *p, struct incident_clock *c, int64_t now_ms)
{
	const struct policy_vendor *v = policy_vendor(p, c->target);

	if (!v || c->rung >= (int64_t)v->n_levels || c->respond_ms <= 0) {
		c->state = CS_DONE;
		return;
	}
	c->rung++;
	c->due_at_ms = now_ms + c->respond_ms;
}

bool clocks_fire(const struct policy *p, const struct incident *i, struct incident_clock *c,
		 int64_t now_ms, struct incident_clock *ret_said)
{
	*ret_said = (struct incident_clock){ 0 };
	if (c->state != CS_RUNNING || c->due_at_ms > now_ms)
		return false;
	record_copy(&incident_clock_type, ret_said, c);
	c->sent++;
	c->last_at_ms = now_ms;
	switch ((enum clock_kind)c->kind) {
	case CK_ROUTING:
		c->due_at_ms = now_ms + c->every_ms;
		if (c->every_ms <= 0 || c->sent >= ROUTING_MAX)
			c->state = CS_DONE;
		break;
	case CK_DIGEST:
		c->due_at_ms = now_ms + c->every_ms;
		break;
	case CK_LADDER:
		fire_ladder(p, i, c, now_ms);
		break;
	case CK_SEVERITY:
		c->state = CS_DONE;
		break;
	case CK_VENDOR:
		fire_vendor(p, c, now_ms);
		break;
	case CK_UPDATE:
	case CK_DEADLINE:
	case CK_TASK:
	case CK_MAX:
		c->state = CS_DUE;	/* a person's act: pinned until it is done */
		break;
	}
	return true;
}
