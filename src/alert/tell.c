/* See tell.h. Level-triggered: what fires and was not told is told, whatever the reason it was
 * not told before; so a crash, an expired silence or a lost inhibitor needs no case of its own.
 *
 * When it is told next is in the row, and only the leader's transaction moves it: two engines never
 * say it twice. The end is told where the beginning was told, and to nobody else. */
#include "alert/tell.h"

#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/alerts.h"

enum { NAMED_MAX = 5, GROUPS_MAX = 20 /* messages of one look */, PAGE_MAX = 200 };

#define PAGER "pagerduty"

/* Words of the policy for the outbox's channels; a telephone is an incident's business. */
static const struct { const char *via, *channel; } ways[] = {
	{ "pager", PAGER }, { "email", "mail" }, { "slack", "slack" }, { "sms", "sms" },
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

static bool one_group(const struct alert *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (!str_eq(group_of(&v[i]), group_of(v)))
			return false;
	return true;
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
		str_addf(&text, "%zu alerts of %s%s: ", n,
			 one_group(v, n) ? group_of(v) : "many groups",
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

static bool paged(const struct alert *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].page)
			return true;
	return false;
}

/* All that were told of one of them; a page is not among them, it ends by itself. */
static char *told_to(const struct alert *v, size_t n)
{
	struct str b = STR_INIT(400);
	bool page = paged(v, n);

	for (size_t i = 0; i < n; i++) {
		const char *s = v[i].told_to;

		for (size_t len; s && *s; s += len + strspn(s + len, ", ")) {
			_cleanup_(free_p) char *word = NULL;

			len = strcspn(s, ", ");
			word = xstrndup(s, len);
			if (!(page && str_eq(word, PAGER)) && !strstr(str_get(&b), word))
				str_addf(&b, "%s%s", b.len ? ", " : "", word);
		}
	}
	return str_take(&b);
}

/* Under what a pager folds what it hears of these. */
static char *page_of(const struct alert *v, size_t n)
{
	char hash[2 * SHA256_LEN + 1];
	const char *group = group_of(v);

	if (v->page)
		return xstrdup(v->page);
	if (!one_group(v, n))
		return xasprintf("alerts: many, %s", v->id);
	if (strlen(group) <= PAGE_MAX)
		return xasprintf("alerts: %s", group);
	sha256_hex(group, strlen(group), hash);
	return xasprintf("alerts: %s", hash);
}

/* Pages that these were part of and nothing is any more. */
static int end_pages(struct tx *t, const struct telling_alerts *d, const struct alert *v, size_t n,
		     struct err *err)
{
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++) {
		struct str said = STR_INIT(400);
		int64_t open = 0;
		bool before = !v[i].page;

		for (size_t k = 0; k < i && !before; k++)
			before = str_eq(v[k].page, v[i].page);
		if (!before)
			e = alerts_of_page(t, v[i].page, &open, err);
		if (!before && e == 0 && open == 0) {
			_cleanup_(free_p) char *key = xasprintf("%s/over/%lld", v[i].page,
								(long long)tx_now_ms(t));

			e = notify_put_by(t, d->set, SAY_RESOLVED, v[i].page, "all of it is over",
					  key, v[i].page, PAGER, &said, err);
		}
		str_fini(&said);
	}
	return e;
}

static void next_of(struct tx *t, const struct telling_alerts *d, struct alert *a,
		    const char *said, const char *page)
{
	int64_t every = policy_repeat_ms(d->policy, a->priority);

	if (d->speed > 1)
		every = (int64_t)((double)every / d->speed);
	if (!a->page && strstr(said, PAGER))
		a->page = xstrdup(page);
	a->next_tell_ms = every > 0 ? tx_now_ms(t) + every : 0;
	if (!a->told_to || !strstr(a->told_to, said)) {
		_cleanup_(free_p) char *old = TAKE(a->told_to);

		a->told_to = old ? xasprintf("%s, %s", old, said) : xstrdup(said);
	}
}

/* The channels of the gravest of them. */
static char *by_of(const struct policy *p, const struct alert *v, size_t n)
{
	const char *worst = v->priority;

	for (size_t i = 1; i < n; i++)
		if (v[i].priority && (!worst || strcmp(v[i].priority, worst) < 0))
			worst = v[i].priority;
	return channels_of(p, worst);
}

/* One message for v[0..n), which are of one group and severity, or many of a storm. */
static int tell_group(struct tx *t, const struct telling_alerts *d, struct alert *v, size_t n,
		      enum alert_telling what, struct err *err)
{
	bool over = what == TELL_OVER;
	_cleanup_(free_p) char *text = text_of(t, v, n, what);
	_cleanup_(free_p) char *by = over ? told_to(v, n) : by_of(d->policy, v, n);
	_cleanup_(free_p) char *page = page_of(v, n);
	_cleanup_(free_p) char *subject = xasprintf("%s (%s%s)",
		one_group(v, n) ? group_of(v) : "many groups", v->id, n > 1 ? " and others" : "");
	_cleanup_(free_p) char *key = xasprintf("%s/%s/%lld", v->id, over ? "over" : "alert",
						(long long)v->told_n);
	struct str said = STR_INIT(400);
	int e = 0;

	if (!over || !str_empty(by) || !paged(v, n))
		e = notify_put_by(t, d->set, over ? SAY_RESOLVED : SAY_ALERT, subject, text, key,
				  over ? NULL : page, str_empty(by) ? NULL : by, &said, err);
	if (e == 0 && over)
		e = end_pages(t, d, v, n, err);
	for (size_t i = 0; e == 0 && !over && i < n; i++)
		next_of(t, d, &v[i], str_get(&said), page);
	str_fini(&said);
	return e;
}

static int tell(struct tx *t, const struct telling_alerts *d, enum alert_telling what,
		struct err *err)
{
	struct alert *v = NULL;
	size_t n = 0, groups = 0;
	int e = alerts_untold(t, what, &v, &n, err);

	for (size_t i = 0, k; e == 0 && i < n; i = k) {
		bool rest = ++groups == GROUPS_MAX;

		for (k = i + 1; k < n && (rest || (str_eq(v[k].grouping, v[i].grouping) &&
						   str_eq(v[k].priority, v[i].priority)));)
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
		e = notify_put_by(t, d->set, SAY_ALERT, "silences", str_get(&text), key, NULL,
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
