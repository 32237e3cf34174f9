/*
 * See undelivered.h. The key of a message names its incident, its clock and the time it spoke
 * ("INC-201/C-12/0"), and is the same on every channel: what was tried is found by it.
 */
#include "incident/undelivered.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"
#include "notify/channel.h"

enum { AT_ONCE = 20, DAY_MS = 24 * 3600000 };

/* In the order in which they are tried. Spoken calls and SMS cost money and have their own
 * place in the policy. */
static const char *const order[] = { "pagerduty", "slack", "mail", "webhook" };

struct dead {
	int64_t id;
	char *incident, *channel, *recipient, *kind, *key, *text, *error, *state;
};

static void dead_fini(struct dead *d)
{
	free(d->incident);
	free(d->channel);
	free(d->recipient);
	free(d->kind);
	free(d->key);
	free(d->text);
	free(d->error);
	free(d->state);
}

static void fill(struct dead *d, const struct pg_result *r, int i)
{
	char **const texts[] = { &d->incident, &d->channel, &d->recipient, &d->kind, &d->key,
				 &d->text, &d->error, &d->state };

	d->id = pg_i64(r, i, 0);
	for (size_t k = 0; k < COUNT_OF(texts); k++)
		*texts[k] = xstrdup(pg_text(r, i, (int)k + 1));
}

/* The first channel that this was not tried on; NULL = none is left. */
static int next_channel(struct incidents *h, struct tx *t, const char *key, const char **ret,
			struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *pattern = xasprintf("%s/", key);
	int e = tx_query(t, &r, err, "SELECT DISTINCT channel FROM ringdown.outbox WHERE"
			 " starts_with(dedup_key, $1)", "t", pattern);

	*ret = NULL;
	for (size_t k = 0; e == 0 && k < COUNT_OF(order) && !*ret; k++) {
		const struct channel *c = channel_named(order[k]);
		bool tried = false;

		for (int i = 0; i < pg_rows(r); i++)
			tried = tried || str_eq(pg_text(r, i, 0), order[k]);
		if (!tried && c && h->d.notify && c->configured(h->d.notify))
			*ret = order[k];
	}
	return e;
}

/* "INC-201/C-12/0" -> "C-12"; NULL when no clock said it. */
static char *clock_of(const char *key)
{
	const char *at = strstr(key, "/C-");

	return at ? xstrndup(at + 1, strcspn(at + 1, "/")) : NULL;
}

static struct incident_clock task_of(const struct incidents *h, const struct dead *d, bool person)
{
	const struct policy_contact *c = policy_contact(incidents_policy(h), "on-call");
	bool number = c && !str_empty(c->phone);
	struct incident_clock task = {
		.kind = CK_TASK, .state = CS_DUE, .due_at_ms = loop_wall_ms(h->d.loop),
		.ladder = xstrdup(person ? "message" : "call"), .target = xstrdup("on-call"),
		.via = xstrdup("[\"phone\"]"),
	};

	task.text =
		person ? xasprintf("%s to %s did not arrive: reach them another way", d->channel,
				   str_empty(d->recipient) ? "everybody there" : d->recipient)
		       : xasprintf("no channel delivers: call %s%s%s",
				   c && !str_empty(c->name) ? c->name : "on-call",
				   number ? " at " : ": policy.yaml has no number",
				   number ? c->phone : "");
	return task;
}

static int answer(struct incidents *h, const struct who *who, const struct dead *d, struct err *err)
{
	bool over = str_eq(d->state, "resolved") || str_eq(d->state, "closed");
	bool person = str_eq(d->kind, "message");
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *clock = clock_of(d->key);
	_cleanup_(free_p) char *text =
		xasprintf("%s did not deliver this: %s", d->channel, d->text);
	struct str missing = STR_INIT(100);
	struct incident_clock task = { 0 };
	const char *next = NULL;
	int e = tx_begin(h->d.store, &t, who, err);

	if (e == 0 && !over && !person)
		e = next_channel(h, &t, d->key, &next, err);
	if (e == 0 && next) {
		const struct notify_to to = { next, NULL };

		e = notify_put_to(&t, h->d.notify, SAY_INCIDENT, d->incident, text, d->key, &to, 1,
				  &missing, err);
	}
	if (e == 0 && !over && !next)
		task = task_of(h, d, person);
	_cleanup_(free_p) char *line = xasprintf("%s could not deliver (%s)%s%s", d->channel,
		d->error, over ? "" : next ? "; told instead by " : "; a person is asked: ",
		over ? "" : next ? next : task.text);
	if (e == 0)
		e = incident_undelivered(&t, d->incident, d->id, over ? NULL : clock,
					 task.text ? &task : NULL, line, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	record_fini(&incident_clock_type, &task);
	str_fini(&missing);
	return e;
}

int undelivered_look(struct incidents *h, const struct who *who, size_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(h->d.store, &r, err,
		"SELECT o.id, o.event_id, o.channel, o.recipient, o.kind,"
		" left(o.dedup_key, length(o.dedup_key) - length(o.recipient) - 1),"
		" coalesce(o.payload->>'text', ''), coalesce(o.error, 'no answer'), i.state"
		" FROM ringdown.outbox o JOIN ringdown.incident i ON i.id = o.event_id WHERE"
		" o.state = 'dead' AND o.answered_at IS NULL AND o.kind IN ('incident', 'message')"
		" AND o.dead_at > $1 ORDER BY o.dead_at, o.id LIMIT $2", "mi",
		loop_wall_ms(h->d.loop) - DAY_MS, (int64_t)AT_ONCE);

	for (int i = 0; e == 0 && i < pg_rows(r) && !h->duty.stopping; i++) {
		struct dead d;

		fill(&d, r, i);
		e = answer(h, who, &d, err);
		if (e == ERR_CONFLICT)	/* another engine's, or changed: the next look */
			e = 0;
		dead_fini(&d);
		++*ret;
	}
	return e;
}
