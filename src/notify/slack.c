/*
 * Slack by incoming webhook: text as fallback, the same in two blocks. The address is the
 * secret; it never reaches a log, because it lives in a struct secret.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/channel.h"

enum { BLOCK_MAX = 2900 };	/* Slack takes 3000 characters in a section */

static bool configured(const struct notify_settings *set)
{
	return set->slack_url != NULL;
}

/* & < > are control characters of Slack's own text format. */
static void escape(struct str *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&': str_add(out, "&amp;"); break;
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		default: str_addc(out, *s);
		}
	}
}

static void section(struct jw *w, const char *text, bool fixed)
{
	_cleanup_(free_p) char *t = xasprintf(fixed ? "```%s```" : "*%s*", text);

	jw_obj(w, NULL);
	jw_str(w, "type", "section");
	jw_obj(w, "text");
	jw_str(w, "type", "mrkdwn");
	jw_str(w, "text", t);
	jw_obj_end(w);
	jw_obj_end(w);
}

static void compose(struct str *out, const struct parcel *p)
{
	struct str raw = STR_INIT(BLOCK_MAX / 2), head = STR_INIT(1000), body = STR_INIT(BLOCK_MAX);
	struct jw w = JW(out);

	say_subject(&raw, &p->say);
	escape(&head, str_get(&raw));
	str_clear(&raw);
	say_body(&raw, &p->say);
	escape(&body, str_get(&raw));
	jw_obj(&w, NULL);
	jw_str(&w, "text", str_get(&head));
	jw_arr(&w, "blocks");
	section(&w, str_get(&head), false);
	section(&w, str_get(&body), true);
	jw_arr_end(&w);
	jw_obj_end(&w);
	str_fini(&raw);
	str_fini(&head);
	str_fini(&body);
}

static int send_slack(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		      struct err *err)
{
	_cleanup_(free_p) char *url = channel_on_base(secret_reveal(d->set->slack_url),
						      d->set->slack_base);
	struct str body = STR_INIT(64 << 10);
	int r;

	if (!str_has_prefix(url, "https://") && !str_has_prefix(url, "http://")) {
		why->for_good = true;
		return err_set(err, ERR_INVALID, "notify.slackUrl is not a web address");
	}
	if (str_has_prefix(url, "http://") && str_empty(d->set->slack_base)) {
		why->for_good = true;
		return err_set(err, ERR_DENIED, "notify.slackUrl must begin with https://");
	}
	compose(&body, p);
	r = channel_post(d, url, str_get(&body), NULL, why, err);
	str_fini(&body);
	return r;
}

const struct channel channel_slack = {
	.name = "slack", .word = "slack",
	.kinds = KINDS_ALL, .configured = configured, .send = send_slack,
};
