/*
 * See messages.h. Reads first, then the policy, then one transaction: the policy may be loaded
 * anew while the database answers, so nothing of it is kept across a wait.
 */
#include "incident/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"

enum { MINUTE_MS = 60000, NOTE_TEXT_MAX = 12000 };

static int fill(struct incidents *h, const struct incident_doc *d, const struct evidence *e,
		const struct message_ask *a, struct draft *ret, struct err *err)
{
	const struct policy *p = incidents_policy(h);
	struct facts f;
	int r;

	facts_of(p, d, e, a->vendor, a->fields, loop_wall_ms(h->d.loop), &f);
	r = message_fill(p, a->template_id, &f, &a->gaps, ret, err);
	if (r == 0 && a->vendor && !policy_vendor(p, a->vendor))
		r = err_field(err, ERR_INVALID, "vendor", "the policy has no vendor '%.40s'",
			      a->vendor);
	if (r == 0)
		r = message_route(ret, p, h->d.notify, a->vendor, &a->to, err);
	facts_fini(&f);
	if (r == 0)
		message_reword(ret, a->subject, a->body);
	if (r < 0)
		message_fini(ret);
	else
		ret->page_link = xstrdup(e->page_link);
	return r;
}

static int read_both(struct incidents *h, const char *id, const char *vendor,
		     struct incident_doc *d, struct evidence *e, struct err *err)
{
	int r = incident_read(h->d.store, id, d, err);

	*e = (struct evidence){ 0 };
	if (r < 0)
		return r;
	r = evidence_of(h->d.store, d, vendor, loop_wall_ms(h->d.loop), e, err);
	if (r < 0)
		incident_doc_fini(d);
	return r;
}

int incidents_preview(struct incidents *h, const char *id, const struct message_ask *a,
		      struct draft *ret, struct err *err)
{
	struct incident_doc d;
	struct evidence e;
	int r = read_both(h, id, a->vendor, &d, &e, err);

	*ret = (struct draft){ 0 };
	if (r < 0)
		return r;
	r = fill(h, &d, &e, a, ret, err);
	evidence_fini(&e);
	incident_doc_fini(&d);
	return r;
}

/* ---- sending ---------------------------------------------------------------------------- */

static int may_send(const struct draft *m, const struct message_ask *a, struct err *err)
{
	const char *gap = message_unnamed(m, &a->gaps);
	char hash[17];
	size_t ready = 0;

	message_hash(m, hash);
	if (gap)
		return err_field(err, ERR_INVALID, "withGaps",
				 "{{%s}} has no value: fill it in, or name "
				 "it among the gaps that you accept",
				 gap);
	if (!str_empty(a->hash) && !str_eq(a->hash, hash))
		return err_set(err, ERR_CONFLICT,
			       "the message reads otherwise than the one you saw (%s, "
			       "yours %.16s): look at it again",
			       hash, a->hash);
	for (size_t i = 0; i < m->n_ways; i++)
		ready += m->ways[i].configured;
	return ready ? 0 : err_set(err, ERR_CONFLICT, "nobody would get it: %s",
				   m->n_ways ? m->ways[0].why : "no addressee");
}

size_t message_ways(const struct draft *m, struct notify_to to[MESSAGE_WAYS], struct str *told,
		    struct str *missing)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_ways; i++) {
		const struct message_way *w = &m->ways[i];

		if (w->configured && n < MESSAGE_WAYS) {
			to[n++] = (struct notify_to){ w->channel, w->recipient };
			str_addf(told, "%s%s", told->len ? ", " : "",
				 w->recipient ? w->recipient : w->as);
		} else {
			str_addf(missing, "%s%s (%s)", missing->len ? ", " : "", w->as,
				 w->why ? w->why : "too many addressees");
		}
	}
	return n;
}

static int put(struct incidents *h, struct tx *t, const char *id, const char *severity,
	       const struct draft *m, struct str *told, struct err *err)
{
	struct notify_letter letter = { m->subject, m->body, m->status, severity };
	struct str missing = STR_INIT(1000);
	struct notify_to to[MESSAGE_WAYS];
	char hash[17];
	size_t n = message_ways(m, to, told, &missing);
	int r;

	message_hash(m, hash);
	/* the same words to the same people in the same minute are one message */
	_cleanup_(free_p) char *key = xasprintf("%s/m/%s/%lld", id, hash,
						(long long)(tx_now_ms(t) / MINUTE_MS));
	r = notify_put_letter(t, h->d.notify, id, &letter, key, to, n, &missing, err);
	if (missing.len)
		str_addf(told, "; NOT TOLD: %s", str_get(&missing));
	str_fini(&missing);
	return r;
}

/* The clock of a provider's answer, by the tier that we pay for. */
static bool vendor_clock(const struct incidents *h, const struct message_ask *a, int64_t now,
			 struct incident_clock *ret)
{
	const struct policy *p = incidents_policy(h);
	const struct policy_vendor *v = policy_vendor(p, a->vendor);
	const struct policy_tier *t = NULL;

	for (size_t i = 0; v && i < v->n_tiers && !t; i++)
		if (str_eq(v->tiers[i].tier, str_empty(a->tier) ? v->tier : a->tier))
			t = &v->tiers[i];
	if (!t)
		return false;
	*ret = (struct incident_clock){
		.kind = CK_VENDOR,
		.state = CS_RUNNING,
		.due_at_ms = now + incidents_faster(h, t->within_ms),
		.respond_ms = t->within_ms,
		.rung = 1,
		.ladder = xstrdup(t->tier),
		.target = xstrdup(v->id),
		.via = xstrdup("[\"slack\",\"email\"]"),
		.text = xasprintf("an answer of %s is due (%s support)", v->name ? v->name : v->id,
				  t->tier),
	};
	return true;
}

static int send_one(struct incidents *h, const struct who *who, const struct incident_doc *d,
		    const struct message_ask *a, const struct draft *m, struct err *err)
{
	const struct policy_message *from = policy_message(incidents_policy(h), m->template_id);
	bool update = from && from->update, vendor = from && from->vendor && a->vendor;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct incident_clock clock = { 0 };
	struct str told = STR_INIT(2000), note = STR_INIT(40000);
	bool clocked = vendor && vendor_clock(h, a, loop_wall_ms(h->d.loop), &clock);
	int r = tx_begin(h->d.store, &t, who, err);

	if (r == 0)
		r = put(h, &t, d->incident.id, d->incident.severity, m, &told, err);
	str_addf(&note, "%s to %s - %s: ", m->title, str_get(&told), m->subject);
	for (const char *p = m->body; *p && note.len < NOTE_TEXT_MAX; p++)
		str_add(&note, *p == '\n' ? " / " : (char[]){ *p, '\0' });
	_cleanup_(free_p) char *line = xasprintf("told: %s to %s%s%s", m->title, str_get(&told),
						 m->missing.n ? "; sent with gaps: " : "",
						 m->missing.n ? m->missing.v[0] : "");
	struct incident_sent sent = { .note = str_get(&note),
				      .source = m->template_id,
				      .line = line,
				      .update = update,
				      .clock = clocked ? &clock : NULL };
	if (r == 0)
		r = incident_message(&t, d->incident.id, &sent, err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	record_fini(&incident_clock_type, &clock);
	str_fini(&told);
	str_fini(&note);
	return r;
}

int incidents_send(struct incidents *h, const struct who *who, const char *id,
		   const struct message_ask *a, struct draft *ret, struct err *err)
{
	struct incident_doc d;
	struct evidence e;
	int r = read_both(h, id, a->vendor, &d, &e, err);

	*ret = (struct draft){ 0 };
	if (r < 0)
		return r;
	r = fill(h, &d, &e, a, ret, err);
	if (r == 0)
		r = may_send(ret, a, err);
	if (r == 0)
		r = send_one(h, who, &d, a, ret, err);
	evidence_fini(&e);
	incident_doc_fini(&d);
	if (r == 0)
		incidents_changed(h);
	else
		message_fini(ret);
	return r;
}

/* ---- all templates ----------------------------------------------------------------------------
 */

static void template_json(struct jw *w, const struct policy_message *m, const struct facts *f,
			  const struct policy *p)
{
	struct draft one;

	if (message_fill(p, m->id, f, NULL, &one, NULL) < 0)
		return;
	jw_obj(w, NULL);
	jw_str(w, "id", m->id);
	jw_str(w, "title", m->title ? m->title : m->id);
	jw_bool(w, "update", m->update);
	jw_bool(w, "vendor", m->vendor);
	jw_arr(w, "audience");
	for (size_t i = 0; i < m->n_audience; i++)
		jw_str(w, NULL, m->audience[i]);
	jw_arr_end(w);
	jw_arr(w, "missing");
	for (size_t i = 0; i < one.missing.n; i++)
		jw_str(w, NULL, one.missing.v[i]);
	jw_arr_end(w);
	jw_obj_end(w);
	message_fini(&one);
}

int incidents_templates(struct incidents *h, const char *id, struct jw *w, struct err *err)
{
	struct incident_doc d;
	struct evidence e;
	struct facts f;
	int r = read_both(h, id, NULL, &d, &e, err);
	const struct policy *p = incidents_policy(h);

	if (r < 0)
		return r;
	facts_of(p, &d, &e, NULL, NULL, loop_wall_ms(h->d.loop), &f);
	jw_arr(w, "templates");
	for (size_t i = 0; p && i < p->n_messages; i++)
		template_json(w, &p->messages[i], &f, p);
	jw_arr_end(w);
	jw_arr(w, "audiences");
	for (size_t i = 0; p && i < p->n_audiences; i++)
		jw_str(w, NULL, p->audiences[i].name);
	jw_arr_end(w);
	jw_time(w, "nextUpdateAt", d.incident.next_update_at_ms);
	facts_fini(&f);
	evidence_fini(&e);
	incident_doc_fini(&d);
	return 0;
}
