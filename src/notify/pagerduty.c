/*
 * PagerDuty, Events API v2. The event's id is the key under which PagerDuty folds
 * everything together, so a message that arrives twice does no harm; the end of the event
 * resolves it. 400 is for good, 429 and 5xx are tried again (their documentation).
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/channel.h"

enum { SUMMARY_MAX = 1024, KEY_MAX = 255 };

static bool configured(const struct notify_settings *set)
{
	return set->pagerduty_key != NULL && !str_empty(set->pagerduty_base);
}

static const char *action(const struct say *s)
{
	switch (s->kind) {
	case SAY_ACKED:
	case SAY_DECIDED:
	case SAY_ROLLING_BACK: return "acknowledge";
	case SAY_COMPLETED:
	case SAY_ROLLED_BACK:
	case SAY_CANCELLED:
	case SAY_REJECTED:
	case SAY_RESOLVED: return "resolve";
	default: return "trigger";
	}
}

static void add_payload(struct jw *w, const struct notifier_deps *d, const struct parcel *p)
{
	_cleanup_(free_p) char *summary = say_line(&p->say, SUMMARY_MAX - 24);
	struct str body = STR_INIT(16 << 10);

	say_body(&body, &p->say);
	jw_obj(w, "payload");
	jw_str(w, "summary", summary);
	jw_str(w, "source", str_empty(d->environment) ? "ringdown" : d->environment);
	jw_str(w, "severity", say_severity(&p->say));
	jw_time(w, "timestamp", p->say.at_ms);
	jw_str(w, "component", p->say.from ? p->say.from : p->say.subject);
	jw_str(w, "class", enum_name(&say_kind_names, (int)p->say.kind));
	jw_obj(w, "custom_details");
	jw_str(w, "message", str_get(&body));
	jw_obj_end(w);
	jw_obj_end(w);
	str_fini(&body);
}

static int send_pagerduty(const struct notifier_deps *d, const struct parcel *p,
			  struct refusal *why, struct err *err)
{
	const char *act = p->say.digest ? "trigger" : action(&p->say);
	_cleanup_(free_p) char *url = channel_on_base("x://x/v2/enqueue", d->set->pagerduty_base);
	_cleanup_(free_p) char *link = say_link(&p->say);
	struct str body = STR_INIT(64 << 10);
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "routing_key", secret_reveal(d->set->pagerduty_key));
	jw_str(&w, "event_action", act);
	jw_strn(&w, "dedup_key", p->event, strnlen(p->event, KEY_MAX));
	jw_str(&w, "client", "ringdown");
	if (link) {
		jw_arr(&w, "links");
		jw_obj(&w, NULL);
		jw_str(&w, "href", link);
		jw_str(&w, "text", "event");
		jw_obj_end(&w);
		jw_arr_end(&w);
	}
	if (str_eq(act, "trigger"))
		add_payload(&w, d, p);
	jw_obj_end(&w);
	r = channel_post(d, url, str_get(&body), NULL, why, err);
	str_fini(&body);
	return r;
}

/* Flapping adds to a page that is open anyway, so it goes the same way. */
const struct channel channel_pagerduty = {
	.name = "pagerduty", .word = "pager",
	.kinds = KINDS_ALL, .configured = configured, .send = send_pagerduty,
};
