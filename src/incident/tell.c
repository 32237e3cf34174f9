/* See tell.h. A channel that is not configured is named in the journal instead of being passed
 * over: the next rung is then all that helps, and people must see that. */
#include "incident/tell.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/channel.h"
#include "store/store.h"

/* A due task for a person. ladder: what kind of task it is. */
static struct incident_clock *add_task(struct telling *t, const char *ladder, const char *target,
				       int64_t now)
{
	struct incident_clock *task;

	t->calls = xrealloc(t->calls, (t->n_calls + 1) * sizeof(*t->calls));
	task = &t->calls[t->n_calls++];
	*task = (struct incident_clock){ .kind = CK_TASK, .state = CS_DUE, .due_at_ms = now,
		.ladder = xstrdup(ladder), .target = xstrdup(target),
		.via = xstrdup("[\"phone\"]") };
	return task;
}

static bool add_to(struct telling *t, const char *channel, const char *recipient)
{
	if (t->n == TELL_MAX)
		return false;
	t->to[t->n++] = (struct notify_to){ channel, xstrdup(recipient) };
	return true;
}

/* A call is a person's task; a machine rings as well where the owner wants that. */
static void add_call(struct telling *t, const struct policy *p, const char *role,
		     const struct policy_contact *c, int64_t now)
{
	const char *name = c && !str_empty(c->name) ? c->name : role ? role : "on-call";
	struct incident_clock *call = add_task(t, "call", role, now);
	bool number = c && !str_empty(c->phone);

	call->text = number ? xasprintf("call %s at %s", name, c->phone) :
			      xasprintf("call %s: policy.yaml has no number", name);
	if (number && p->calls_spoken)
		add_to(t, "voice", c->phone);
}

static void add_way(struct telling *t, const struct policy *p, const char *role, const char *via,
		    int64_t now)
{
	const struct policy_contact *c = policy_contact(p, role);
	const struct channel *channel = channel_by_word(via);
	bool address;

	if (str_eq(via, "phone")) {
		add_call(t, p, role, c, now);
		return;
	}
	if (!channel)
		return;
	address = channel == &channel_mail && c && !str_empty(c->email);
	add_to(t, channel->name, address ? c->email : NULL);
}

/* The first notice told the on-call engineer a moment ago: not again the same way. */
static bool told_already(const struct policy *p, const struct incident *i,
			 const struct incident_clock *said, const char *via)
{
	const struct policy_severity *s = policy_severity(p, i->severity);

	if (said->kind != CK_LADDER || said->rung != 1 || !str_eq(said->target, "on-call") || !s)
		return false;
	for (size_t k = 0; k < s->n_page; k++)
		if (str_eq(s->page[k], via))
			return true;
	return false;
}

/* What helps: an order for the reader. */
static char *order_of(const struct incident *i, const struct incident_clock *said)
{
	switch (said->kind) {
	case CK_UPDATE:
		return xasprintf("tell people: ringdown incident tell %s customer-notice; or, told "
				 "otherwise: ringdown incident done %s %s", i->id, i->id, said->id);
	case CK_DEADLINE:
	case CK_TASK:
		return xasprintf("when it is done: ringdown incident done %s %s", i->id, said->id);
	case CK_VENDOR:
		return xasprintf("ringdown incident vendor %s %s", i->id, said->target);
	default:
		if (i->state != IS_DECLARED)
			return xasprintf("see: ringdown incident show %s", i->id);
		return xasprintf("acknowledge: ringdown incident ack %s", i->id);
	}
}

/* Who comes after the level that did not answer; a task, because portals and telephones are a
 * person's. */
static void next_level(struct telling *t, const struct policy *p, const struct incident_clock *said,
		       int64_t now)
{
	const struct policy_vendor *v = policy_vendor(p, said->target);
	const char *name = v ? v->name ? v->name : v->id : "";

	if (!v || said->rung >= (int64_t)v->n_levels)
		return;
	add_task(t, "vendor", v->id, now)->text = xasprintf("%s level %lld: %s %s", name,
		(long long)said->rung + 1, v->levels[said->rung].via,
		v->levels[said->rung].address);
}

/* Nobody is told that somebody should acknowledge: the clocks that page do that. */
static bool is_told(const struct incident_clock *said)
{
	return said->kind != CK_TASK;
}

void tell_plan(struct telling *t, const struct policy *p, const struct incident *i,
	       const struct incident_clock *said, int64_t now_ms)
{
	static const char quiet[] = "[\"slack\",\"email\"]";
	bool pages = said->kind == CK_ROUTING || said->kind == CK_SEVERITY ||
		     said->kind == CK_LADDER;
	const char *words = said->via ? said->via : quiet;
	const char *role = !pages ? NULL : said->target ? said->target : "on-call";
	_cleanup_(free_p) char *order = order_of(i, said);
	struct json *via = json_parse(words, strlen(words), NULL);

	*t = (struct telling){ .incident = xstrdup(i->id), .missing = STR_INIT(400) };
	/* a row says each thing once: its number and how often it spoke before */
	t->key = xasprintf("%s/%s/%lld", i->id, said->id, (long long)said->sent);
	t->text = xasprintf("%s%s %s (%s): %s%s%s; %s", i->kind == IK_DRILL ? "DRILL " : "",
			    i->severity, i->title, i->service, said->text ? said->text : "",
			    str_empty(i->impact) ? "" : "; impact: ", i->impact ? i->impact : "",
			    order);
	for (const struct json *v = json_first(via); is_told(said) && v; v = json_next(v))
		if (json_str(v) && !told_already(p, i, said, json_str(v)))
			add_way(t, p, role, json_str(v), now_ms);
	if (said->kind == CK_VENDOR)
		next_level(t, p, said, now_ms);
	json_free(via);
	t->line = xstrdup(said->text ? said->text : "");
}

int tell_put(struct telling *t, struct tx *tx, const struct notify_settings *set, struct err *err)
{
	return t->n ? notify_put_to(tx, set, SAY_INCIDENT, t->incident, t->text, t->key, t->to,
				    t->n, &t->missing, err) : 0;
}

const char *tell_line(struct telling *t)
{
	struct str b = STR_INIT(4000);

	str_add(&b, t->line);
	for (size_t i = 0; i < t->n; i++)
		str_addf(&b, "%s%s", i ? ", " : " - by ", t->to[i].channel);
	for (size_t i = 0; i < t->n_calls; i++)
		str_addf(&b, "; %s", t->calls[i].text);
	if (t->missing.len)
		str_addf(&b, "; NOT CONFIGURED, nobody is told there: %s", str_get(&t->missing));
	free(t->line);
	t->line = str_take(&b);
	return t->line;
}

void tell_fini(struct telling *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((char *)(uintptr_t)t->to[i].recipient);
	for (size_t i = 0; i < t->n_calls; i++)
		record_fini(&incident_clock_type, &t->calls[i]);
	free(t->calls);
	free(t->incident);
	free(t->key);
	free(t->text);
	free(t->line);
	str_fini(&t->missing);
	*t = (struct telling){ 0 };
}

int tell_over(struct tx *tx, const struct notify_settings *set, const char *incident,
	      enum say_kind kind, const char *text, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *key = xasprintf("%s/%s", incident,
						enum_name(&say_kind_names, (int)kind));
	struct notify_to to[TELL_MAX];
	struct str missing = STR_INIT(400);
	size_t n = 0;
	int e = tx_query(
		tx, &r, err,
		"SELECT DISTINCT channel, recipient FROM ringdown.outbox"
		" WHERE event_id = $1 AND kind = 'incident' AND channel NOT IN ('sms', 'voice')"
		" ORDER BY 1, 2 LIMIT 8",
		"t", incident);

	for (; e == 0 && n < TELL_MAX && (int)n < pg_rows(r); n++)
		to[n] = (struct notify_to){ pg_text(r, (int)n, 0), pg_text(r, (int)n, 1) };
	/* what waits would now be news of yesterday */
	if (e == 0)
		e = tx_query(tx, NULL, err, "UPDATE ringdown.outbox SET state = 'digested' WHERE"
			     " event_id = $1 AND kind = 'incident' AND state = 'waiting'", "t",
			     incident);
	if (e == 0 && n)
		e = notify_put_to(tx, set, kind, incident, text, key, to, n, &missing, err);
	str_fini(&missing);
	return e;
}
