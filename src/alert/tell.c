/* See tell.h. Level-triggered: what fires and was not told is told, whatever the reason it was
 * not told before; so a crash, an expired silence or a lost inhibitor needs no case of its own.
 *
 * When it is told next is in the row, and only the leader's transaction moves it: two engines never
 * say it twice. The end is told where the beginning was told, and to nobody else. */
#include "alert/tell.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/alerts.h"

enum { NAMED_MAX = 5 };

/* Words of the policy for the outbox's channels; a telephone is an incident's business. */
static const struct { const char *via, *channel; } ways[] = {
	{ "pager", "pagerduty" }, { "email", "mail" }, { "slack", "slack" }, { "sms", "sms" },
};

/* The channels of a severity: what routing says, else those of its first notice; NULL = all. */
static char *channels_of(const struct policy *p, const char *severity)
{
	const struct policy_severity *s = severity ? policy_severity(p, severity) : NULL;
	struct str words = STR_INIT(400), b = STR_INIT(400);

	for (size_t i = 0; p && severity && i < p->n_routing; i++)
		if (str_eq(p->routing[i].name, severity))
			str_add(&words, p->routing[i].value);
	for (size_t i = 0; s && !words.len && i < s->n_page; i++)
		str_addf(&words, "%s%s", words.len ? " " : "", s->page[i]);
	for (size_t i = 0; words.len && i < COUNT_OF(ways); i++)
		if (strstr(str_get(&words), ways[i].via))
			str_addf(&b, "%s%s", b.len ? " " : "", ways[i].channel);
	str_fini(&words);
	if (b.len)
		return str_take(&b);
	str_fini(&b);
	return NULL;
}

/* What the engine raises by itself has no group but its name. */
static const char *group_of(const struct alert *v)
{
	return str_empty(v->grouping) ? v->name : v->grouping;
}

static char *text_of(struct tx *t, const struct alert *v, size_t n, enum alert_telling what)
{
	struct str text = STR_INIT(8000);
	char span[40];

	if (what == TELL_AGAIN) {
		format_duration(span, sizeof(span),
				(tx_now_ms(t) - v[0].since_ms) / 1000 * 1000);
		str_addf(&text, "after %s nobody has acknowledged: ", span);
	}
	if (n > 1)
		str_addf(&text, "%zu alerts of %s%s: ", n, group_of(v),
			 what == TELL_OVER ? " are over" : "");
	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		str_addf(&text, "%s%s%s%s", i ? "; " : "", v[i].priority ? v[i].priority : "",
			 v[i].priority ? " " : "", v[i].text);
	if (n > NAMED_MAX)
		str_addf(&text, "; and %zu more", n - NAMED_MAX);
	if (v->runbook && what != TELL_OVER)
		str_addf(&text, "; runbook %s", v->runbook);
	return str_take(&text);
}

/* All that were told of one of them. */
static char *told_to(const struct alert *v, size_t n)
{
	struct str b = STR_INIT(400);

	for (size_t i = 0; i < n; i++)
		if (v[i].told_to && (!b.len || !strstr(str_get(&b), v[i].told_to)))
			str_addf(&b, "%s%s", b.len ? ", " : "", v[i].told_to);
	return str_take(&b);
}

static void next_of(struct tx *t, const struct telling_alerts *d, struct alert *a,
		    const char *said)
{
	int64_t every = policy_repeat_ms(d->policy, a->priority);

	if (d->speed > 1)
		every = (int64_t)((double)every / d->speed);
	a->next_tell_ms = every > 0 ? tx_now_ms(t) + every : 0;
	if (!a->told_to || !strstr(a->told_to, said)) {
		_cleanup_(free_p) char *old = TAKE(a->told_to);

		a->told_to = old ? xasprintf("%s, %s", old, said) : xstrdup(said);
	}
}

/* One message for v[0..n), which are of one group and severity. */
static int tell_group(struct tx *t, const struct telling_alerts *d, struct alert *v, size_t n,
		      enum alert_telling what, struct err *err)
{
	bool over = what == TELL_OVER;
	_cleanup_(free_p) char *text = text_of(t, v, n, what), *by = over ? told_to(v, n) :
							channels_of(d->policy, v->priority);
	_cleanup_(free_p) char *subject = xasprintf("%s (%s%s)", group_of(v), v->id,
						    n > 1 ? " and others" : "");
	_cleanup_(free_p) char *key = xasprintf("%s/%s/%lld", v->id, over ? "over" : "alert",
						(long long)v->told_n);
	struct str said = STR_INIT(400);
	int e = notify_put_by(t, d->set, over ? SAY_RESOLVED : SAY_ALERT, subject, text, key,
			      str_empty(by) ? NULL : by, &said, err);

	for (size_t i = 0; e == 0 && !over && i < n; i++)
		next_of(t, d, &v[i], str_get(&said));
	str_fini(&said);
	return e;
}

static int tell(struct tx *t, const struct telling_alerts *d, enum alert_telling what,
		struct err *err)
{
	struct alert *v = NULL;
	size_t n = 0;
	int e = alerts_untold(t, what, &v, &n, err);

	for (size_t i = 0, k; e == 0 && i < n; i = k) {
		for (k = i + 1; k < n && str_eq(v[k].grouping, v[i].grouping) &&
		     str_eq(v[k].priority, v[i].priority);)
			k++;
		e = tell_group(t, d, &v[i], k - i, what, err);
	}
	if (e == 0 && n)
		e = alerts_told(t, v, n, what, err);
	records_free(&alert_type, v, n);
	return e;
}

int alert_tell(struct tx *t, const struct telling_alerts *d, struct err *err)
{
	int e = tell(t, d, TELL_BEGUN, err);

	if (e == 0)
		e = tell(t, d, TELL_AGAIN, err);
	return e < 0 ? e : tell(t, d, TELL_OVER, err);
}

int alert_remind(struct tx *t, const struct telling_alerts *d, struct err *err)
{
	struct str text = STR_INIT(8000), said = STR_INIT(400);
	struct alert_ending *v = NULL;
	char at[TIME_TEXT];
	size_t n = 0;
	int e = alerts_ending(NULL, t, tx_now_ms(t), d->remind_ms, &v, &n, err);

	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		str_addf(&text, "%s%s %s of %s, %s on %s until %s: %s", i ? "; " : "", v[i].what,
			 v[i].id, v[i].by, v[i].name,
			 str_empty(v[i].subject) ? "the service" : v[i].subject,
			 format_time(at, v[i].until_ms), v[i].why);
	if (n > NAMED_MAX)
		str_addf(&text, "; and %zu more", n - NAMED_MAX);
	if (n) {
		_cleanup_(free_p) char *key = xasprintf("reminder/%s/%lld", v->id,
							(long long)tx_now_ms(t));

		str_add(&text, "; 'ringdown alerts ending' lists them");
		e = notify_put_by(t, d->set, SAY_ALERT, "silences", str_get(&text), key,
				  "slack mail", &said, err);
		if (e == 0)
			e = alerts_reminded(t, v, n, err);
		if (e == 0)
			tx_note(t, NOTE_INFO, "alert.reminded", "silences", str_get(&text), NULL);
	}
	records_free(&alert_ending_type, v, n);
	str_fini(&text);
	str_fini(&said);
	return e;
}
