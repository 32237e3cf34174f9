/*
 * What was received becomes rows: an alert for each group, what stands behind it, and the
 * delivery itself with what was left out of it and why. All or nothing, so that a sender who
 * gets no answer may send again.
 *
 * Order: an alert is known by its fingerprint and beginning. What is older than what is known,
 * or fires again with a beginning that was just said to be over, comes late and changes nothing.
 */
#include <stdio.h>

#include "alert/receive.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/alerts.h"
#include "store/alerts_received.h"
#include "store/control.h"

static char *line_of(const struct received_group *g, int64_t firing)
{
	const char *text = str_empty(g->text) ? "no text was sent with it" : g->text;

	if (g->cut)
		return xasprintf("%s: %lld alerts, %lld of them cut off by the sender, the first: "
				 "%s", g->name, (long long)firing, (long long)g->cut, text);
	return firing > 1 ? xasprintf("%s: %lld alerts, the first: %s", g->name, (long long)firing,
				      text) :
			    xasprintf("%s: %s", g->name, text);
}

static int put(struct tx *t, const struct received *r, const struct received_group *g,
	       int64_t firing, struct err *err)
{
	_cleanup_(free_p) char *source = xasprintf("alertmanager%s%s", r->receiver[0] ? " " : "",
						   r->receiver);
	_cleanup_(free_p) char *text = line_of(g, firing);
	_cleanup_(free_p) char *priority = g->priority ? xstrdup(g->priority) : NULL;
	_cleanup_(free_p) char *severity = xstrdup(g->severity);
	struct alert a = {
		.name = g->name, .subject = g->subject, .text = text, .severity = severity,
		.state = AL_FIRING, .since_ms = g->since_ms, .priority = priority,
		.source = source, .grouping = g->grouping, .count = firing, .runbook = g->runbook,
		.labels = g->labels,
	};

	return alert_put(t, &a, err);
}

/* Those that fire and are not kept one by one; one member stands for them. */
static int64_t unseen(const struct received_group *g)
{
	int64_t n = (int64_t)g->left_firing + (g->cut_firing ? g->cut : 0);

	return n > 0 ? n - 1 : 0;
}

static int keep_in(struct tx *t, const struct received *r, const struct received_group *g,
		   char *id, struct receive_result *ret, struct err *err)
{
	_cleanup_(free_p) char *known = id;
	struct members_result m = { 0 };
	int64_t fresh = 0;
	int e = 0;
	bool old = known != NULL;

	for (size_t i = 0; e == 0 && !known && i < g->n_parts; i++)
		e = alert_members_fresh(t, g->name, g->subject, str_get(&g->parts[i]), &fresh, err);
	if (e == 0 && !known && fresh > 0)
		e = put(t, r, g, fresh + unseen(g), err);
	if (e == 0 && !known)
		e = alert_newest_id(t, g->name, g->subject, &known, err);
	if (e == 0 && !known) { /* only ends came, of what was never heard of */
		e = alert_put_over(t, g->name, g->subject, r->receiver, err);
		if (e == 0)
			e = alert_newest_id(t, g->name, g->subject, &known, err);
	}
	if (e == 0 && old && !g->left_out && !g->cut_firing && !str_eq(g->name, MANY_ALERTS))
		e = alert_more_over(t, known, g->grouping, g->cut && !g->cut_firing, err);
	for (size_t i = 0; e == 0 && i < g->n_parts; i++)
		e = alert_members_put(t, known, str_get(&g->parts[i]), &m, err);
	if (e < 0)
		return e;
	ret->late += g->n_members > (size_t)m.taken ? g->n_members - (size_t)m.taken : 0;
	if (m.firing == 0)
		return alert_resolve(t, g->name, g->subject, NULL, err);
	return g->firing ? put(t, r, g, m.firing + unseen(g), err) :
			   alert_count(t, known, m.firing + unseen(g), err);
}

/* A group that has no alert of its own: what stood under MANY_ALERTS ends there; when there is no
 * room for one more name, it begins there, too. *open: how many are. */
static int keep_new(struct tx *t, const struct received *r, const struct received_group *g,
		    int64_t *open, struct receive_result *ret, struct err *err)
{
	struct received_group many = *g;
	char *id = NULL;
	int64_t ended = 0;
	int e = 0;

	for (size_t i = 0; e == 0 && g->resolved && i < g->n_parts; i++)
		e = alert_members_end(t, str_get(&g->parts[i]), &ended, err);
	if (e == 0 && ended)
		e = alert_many_count(t, err);
	if (e < 0 || (ended && ended == (int64_t)g->n_members))
		return e;
	if (g->firing && ++*open > RECEIVE_OPEN) {
		many.name = (char[]){ MANY_ALERTS };
		many.grouping = many.name;
		many.subject = (char[]){ "" };
		e = alert_open_id(t, many.name, many.subject, &id, err);
		return e < 0 ? e : keep_in(t, r, &many, id, ret, err);
	}
	return keep_in(t, r, g, NULL, ret, err);
}

static int keep_group(struct tx *t, const struct received *r, const struct received_group *g,
		      int64_t *open, struct receive_result *ret, struct err *err)
{
	char *id = NULL;
	int e = alert_open_id(t, g->name, g->subject, &id, err);

	if (e < 0)
		return e;
	return id || str_eq(g->name, MANY_ALERTS) ? keep_in(t, r, g, id, ret, err) :
						    keep_new(t, r, g, open, ret, err);
}

int receive_keep(struct store *s, const struct who *who, const struct received *r,
		 struct receive_result *ret, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct str note = STR_INIT(2000);
	int64_t open = 0;
	int e = tx_begin(s, &t, who, err);

	*ret = (struct receive_result){ 0 };
	if (e == 0)
		e = alerts_received_open(&t, &open, err);
	for (size_t i = 0; e == 0 && i < r->n; i++) {
		if (!r->v[i].n_members)
			continue;
		e = keep_group(&t, r, &r->v[i], &open, ret, err);
		ret->dropped += r->v[i].left_out;
	}
	ret->dropped += r->refused;
	ret->kept = r->alerts - ret->dropped;
	if (r->refused)
		str_addf(&note, "%zu refused, %s; ", r->refused, r->why);
	if (ret->dropped > r->refused)
		str_addf(&note, "%zu counted but not kept one by one; ", ret->dropped - r->refused);
	if (ret->late)
		str_addf(&note, "%zu came late or again; ", ret->late);
	if (r->said[0])
		str_addf(&note, "%s; ", r->said);
	if (r->skewed)
		str_addf(&note, "%zu with doubtful times, %s; ", r->skewed, r->skew);
	if (e == 0)
		e = alert_delivery_put(&t, r->receiver, (int64_t)r->alerts, (int64_t)ret->kept,
				       (int64_t)ret->dropped, str_get(&note), &ret->delivery, err);
	if (e == 0 && (ret->dropped || r->truncated)) {
		_cleanup_(free_p) char *line = xasprintf("%zu of %zu received alerts were not kept "
			"one by one: %s", ret->dropped, r->alerts, str_get(&note));

		tx_note(&t, NOTE_WARN, "alert.left_out", r->receiver, line, NULL);
	}
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	str_fini(&note);
	return e;
}

void receive_refused(struct store *s, const struct who *who, const char *why)
{
	_cleanup_(free_p) char *note = xasprintf("refused: %.400s", why);
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct err err = { 0 };
	int64_t id = 0;

	if (tx_begin(s, &t, who, &err) < 0 ||
	    alert_delivery_put(&t, "", 0, 0, 0, note, &id, &err) < 0 ||
	    tx_commit(&t, NULL, &err) < 0)
		log_warn("alerts", "a delivery of %s was refused: %s", who->actor, why);
}
