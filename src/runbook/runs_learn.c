/*
 * What the incident of a run knows goes into the run's messages: the expected end that somebody
 * gave, the impact, who commands. It is asked for once before a message is shown or said, and
 * again while it waits for a value; stored as an entry, so that every engine words it alike and
 * what a person confirmed is what goes out. Values of the run itself come first.
 */
#include "core/config.h"
#include "runbook/runs_priv.h"

enum { AGAIN_MS = 5000 };

struct learning {
	const struct policy_message *m;
	const struct step *s;
	const struct flow *f;
	struct strlist known;		/* of those that were there before */
	struct jw w;
	size_t n;
};

static bool in_message(const struct learning *x, const char *name)
{
	for (size_t i = 0; i < x->m->n_fields; i++)
		if (str_eq(x->m->fields[i], name))
			return true;
	for (size_t i = 0; i < x->s->op.n_needs_fields; i++)
		if (str_eq(x->s->op.needs_fields[i], name))
			return true;
	return false;
}

static void add(void *arg, const char *name, const char *value)
{
	struct learning *x = arg;

	if (!in_message(x, name))
		return;
	strlist_add(&x->known, name);
	if (str_eq(flow_fact(x->f, name), value))
		return;
	jw_str(&x->w, name, value);
	x->n++;
}

static bool still_known(const struct learning *x, const char *name)
{
	for (size_t i = 0; i < x->known.n; i++)
		if (str_eq(x->known.v[i], name))
			return true;
	return false;
}

/* An expected end that passed is none any more. */
static void forget(struct learning *x)
{
	for (size_t i = 0; i < x->m->n_fields; i++) {
		const char *name = x->m->fields[i];

		if (!flow_fact(x->f, name) || still_known(x, name))
			continue;
		jw_null(&x->w, name);
		x->n++;
	}
}

static bool is_due(const struct held_run *h, const char *key, bool wanting)
{
	return !str_eq(h->learnt, key) ||
	       (wanting && loop_now_ms(h->runs->d.loop) - h->learnt_ms >= AGAIN_MS);
}

static char *key_of(const struct flow_saying *s)
{
	return xasprintf("%s %lld", s->step->id, (long long)s->attempt);
}

int64_t held_learns_in(const struct held_run *h)
{
	struct flow_saying s;

	return h->f && flow_saying(h->f, &s) && s.wanting ? AGAIN_MS : 0;
}

/* Something was learnt: an entry's data in out. A flow that is replaced during the wait is kept
 * until the driver's next turn (held_drop_old), a policy as long as there are runs. */
static bool ask(struct held_run *h, const struct flow_saying *s, struct str *out)
{
	const struct run_ports *ports = h->runs->d.env.ports;
	_cleanup_(free_p) char *incident = xstrdup(s->incident);
	struct learning x = { .m = policy_message(h->runs->d.env.policy, s->step->op.text),
			      .s = s->step, .f = h->f, .w = JW(out) };
	struct err err = { 0 };
	int r;

	if (!x.m)
		return false;
	_cleanup_(free_p) char *message = xstrdup(x.m->id);
	jw_obj(&x.w, NULL);
	jw_str(&x.w, "from", "incident");
	jw_obj(&x.w, "facts");
	r = ports->facts(ports->ctx, incident, message, s->step->op.to, s->step->op.n_to, add, &x,
			 &err);
	if (r == 0)
		forget(&x);
	jw_obj_end(&x.w);
	jw_obj_end(&x.w);
	strlist_fini(&x.known);
	return r == 0 && x.n > 0;
}

bool held_learn(struct held_run *h)
{
	const struct run_ports *ports = h->runs->d.env.ports;
	const struct flow *was = h->f;
	struct flow_saying s;
	struct err err = { 0 };
	bool more;

	if (!ports || !ports->facts || !h->f || !flow_saying(h->f, &s))
		return false;
	_cleanup_(free_p) char *key = key_of(&s);
	if (!is_due(h, key, s.wanting))
		return false;
	struct str data = STR_INIT(1 << 20);
	more = ask(h, &s, &data);
	if (h->f == was) {	/* else another turn asks for what it is then */
		str_replace(&h->learnt, key);
		h->learnt_ms = loop_now_ms(h->runs->d.loop);
		if (more && held_put(h, RE_PARAM, NULL, str_get(&data), &err) < 0)
			more = false;
	}
	str_fini(&data);
	return more || h->f != was || h->busy;
}
