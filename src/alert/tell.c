/* See tell.h. Level-triggered: what fires and was not told is told, whatever the reason it was
 * not told before; so a crash, an expired silence or a lost inhibitor needs no case of its own. */
#include "alert/tell.h"

#include "core/mem.h"
#include "core/str.h"
#include "store/alerts.h"

enum { NAMED_MAX = 5 };

/* One message for v[0..n), which are of one group. */
static int tell_group(struct tx *t, const struct notify_settings *set, const struct alert *v,
		      size_t n, bool over, struct err *err)
{
	struct str text = STR_INIT(8000);
	_cleanup_(free_p) char *subject = xasprintf("%s (%s%s)", v->grouping, v->id,
						    n > 1 ? " and others" : "");
	int e;

	if (n > 1)
		str_addf(&text, "%zu alerts of %s%s: ", n, v->grouping, over ? " are over" : "");
	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		str_addf(&text, "%s%s%s%s", i ? "; " : "", v[i].priority ? v[i].priority : "",
			 v[i].priority ? " " : "", v[i].text);
	if (n > NAMED_MAX)
		str_addf(&text, "; and %zu more", n - NAMED_MAX);
	if (v->runbook)
		str_addf(&text, "; runbook %s", v->runbook);
	e = notify_put(t, set, over ? SAY_RESOLVED : SAY_ALERT, NULL, subject, str_get(&text), err);
	str_fini(&text);
	return e;
}

static int tell(struct tx *t, const struct notify_settings *set, bool over, struct err *err)
{
	struct alert *v = NULL;
	size_t n = 0;
	int e = alerts_untold(t, over, &v, &n, err);

	for (size_t i = 0, k; e == 0 && i < n; i = k) {
		for (k = i + 1; k < n && str_eq(v[k].grouping, v[i].grouping);)
			k++;
		e = tell_group(t, set, &v[i], k - i, over, err);
	}
	if (e == 0 && n)
		e = alerts_told(t, v, n, over, err);
	records_free(&alert_type, v, n);
	return e;
}

int alert_tell(struct tx *t, const struct notify_settings *set, struct err *err)
{
	int e = tell(t, set, false, err);

	return e < 0 ? e : tell(t, set, true, err);
}
