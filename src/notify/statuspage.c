/*
 * Our public status page (Statuspage API v1). A message creates the page's incident or goes on
 * with it; which of the two is read from the page, where our own id stands in the metadata. The
 * message's id stands there too, so that one whose answer was lost is not said twice. States of
 * components come with the message, by their names there; what they are now is read first.
 *
 * Nothing goes here by itself: no kind of message belongs to this channel, only what a person
 * sends to it by name.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/channel.h"
#include "store/incidents.h"

static bool configured(const struct notify_settings *set)
{
	return set->statuspage_key != NULL && !str_empty(set->statuspage_page) &&
	       !str_empty(set->statuspage_base);
}

/* One call; *ret is the parsed answer. */
static int ask(const struct notifier_deps *d, const char *method, const char *rest,
	       const char *body, struct json **ret, struct refusal *why, struct err *err)
{
	_cleanup_(free_p) char *base = channel_on_base("x://x/v1/pages/", d->set->statuspage_base);
	_cleanup_(free_p) char *url = xasprintf("%s%s%s", base, d->set->statuspage_page, rest);
	struct http_request rq = {
		.method = method, .url = url, .headers = { "Content-Type: application/json" },
		.bearer_prefix = "Authorization: OAuth ", .bearer = d->set->statuspage_key,
		.body = body, .body_len = body ? strlen(body) : 0, .timeout_ms = SEND_TIMEOUT_MS,
		.max_body = (size_t)4 << 20,
	};
	struct http_reply reply = { 0 };
	int r = 0;

	http_fetch(d->http, &rq, &reply);
	if (reply.result == HTTP_CANCELLED)
		r = err_set(err, ERR_CANCELLED, "cancelled");
	else if (reply.result != HTTP_DONE)
		r = err_set(err, ERR_UNREACHABLE, "%s: %s", http_result_name(reply.result),
			    reply.error);
	else if (reply.status < 200 || reply.status > 299) {
		_cleanup_(free_p) char *text = text_clean(str_get(&reply.body), 120);

		r = err_set(err, ERR_FAILED, "Statuspage answered %d %s", reply.status, text);
	} else if (!(*ret = json_parse(str_get(&reply.body), reply.body.len, NULL))) {
		r = err_set(err, ERR_FAILED, "Statuspage's answer is not JSON");
	}
	if (r < 0)
		channel_meaning(&reply, why);
	http_reply_fini(&reply);
	return r;
}

static const char *ours(const struct json *incident, const char *member)
{
	return json_str(json_get(json_get(json_get(incident, "metadata"), "ringdown"), member));
}

/* The page's incident that is ours, open or not; NULL with 0: there is none. */
static int find(const struct notifier_deps *d, const char *id, struct json **ret_list,
		const struct json **ret, struct refusal *why, struct err *err)
{
	int r = ask(d, "GET", "/incidents?limit=100", NULL, ret_list, why, err);

	*ret = NULL;
	for (const struct json *v = json_first(*ret_list); r == 0 && v && !*ret; v = json_next(v))
		if (str_eq(ours(v, "incident"), id))
			*ret = v;
	return r;
}

static const char *status_of(const char *word)
{
	static const char *const words[] = { "investigating", "identified", "monitoring",
					     "resolved" };

	for (size_t i = 0; word && i < COUNT_OF(words); i++)
		if (strcasecmp(words[i], word) == 0)
			return words[i];
	return "investigating";
}

/* ---- components ---------------------------------------------------------------------- */

/* By name, whatever its case, or by id. */
static const struct json *component(const struct json *have, const char *name)
{
	for (const struct json *v = json_first(have); v; v = json_next(v))
		if (str_eq(json_get_str(v, "id"), name) ||
		    (json_get_str(v, "name") && strcasecmp(json_get_str(v, "name"), name) == 0))
			return v;
	return NULL;
}

static bool among(const struct json *list, const char *id)
{
	for (const struct json *v = json_first(list); v; v = json_next(v))
		if (str_eq(json_get_str(v, "id"), id))
			return true;
	return false;
}

static void add_id(struct strlist *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], id))
			return;
	strlist_add(l, id);
}

/* What changes: what does not work, what this incident has marked before, and what stands there
 * otherwise than it is. Maintenance that a person announced is theirs to end. */
static bool says_something(const struct json *c, const char *state, const struct json *attached)
{
	const char *now = json_get_str(c, "status");

	if (str_eq(now, "under_maintenance"))
		return false;
	return !str_eq(state, "operational") || !str_eq(now, "operational") ||
	       among(attached, json_get_str(c, "id"));
}

/* The list of ids replaces the page's: what others attached to the incident stays. */
static void put_components(struct jw *w, const struct json *want, const struct json *have,
			   const struct json *attached, struct str *unknown)
{
	struct strlist ids = { 0 };

	jw_obj(w, "components");
	for (const struct json *v = json_first(want); v; v = json_next(v)) {
		const struct json *c = component(have, json_name(v));

		if (!c)
			str_addf(unknown, "%s'%s'", unknown->len ? ", " : "", json_name(v));
		if (!c || !says_something(c, json_str(v), attached))
			continue;
		jw_str(w, json_get_str(c, "id"), json_str(v));
		add_id(&ids, json_get_str(c, "id"));
	}
	jw_obj_end(w);
	for (const struct json *v = json_first(attached); v; v = json_next(v))
		if (json_get_str(v, "id"))
			add_id(&ids, json_get_str(v, "id"));
	jw_arr(w, "component_ids");
	for (size_t i = 0; i < ids.n; i++)
		jw_str(w, NULL, ids.v[i]);
	jw_arr_end(w);
	strlist_fini(&ids);
}

/* ---- the message --------------------------------------------------------------------- */

/* have: the page's components; NULL = none are spoken of. page: its incident, if there is one. */
static void compose(struct str *out, const struct parcel *p, const struct json *letter,
		    const struct json *have, const struct json *page, struct str *unknown)
{
	struct str subject = STR_INIT(2000), body = STR_INIT(25000);
	struct jw w = JW(out);

	say_subject(&subject, &p->say);
	say_body(&body, &p->say);
	jw_obj(&w, NULL);
	jw_obj(&w, "incident");
	if (!page)
		jw_str(&w, "name", str_get(&subject));
	jw_str(&w, "status", status_of(json_get_str(letter, "status")));
	jw_str(&w, "body", str_get(&body));
	if (have)
		put_components(&w, json_get(letter, "components"), have,
			       json_get(page, "components"), unknown);
	jw_obj(&w, "metadata");
	jw_obj(&w, "ringdown");
	jw_str(&w, "incident", p->event);
	jw_str(&w, "message", p->id);
	jw_obj_end(&w);
	jw_obj_end(&w);
	jw_obj_end(&w);
	jw_obj_end(&w);
	str_fini(&subject);
	str_fini(&body);
}

/* Where people can read it, and what the page does not have: kept with the incident. Its loss is
 * none, so it is not tried again. */
static void keep(const struct notifier_deps *d, const char *incident, const struct json *page,
		 const struct str *unknown)
{
	static const struct who who = { .actor = "engine", .role = "engine", .via = "engine" };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	const char *link = json_get_str(page, "shortlink");
	struct err ignored = { 0 };

	if ((str_empty(link) && !unknown->len) || !str_has_prefix(incident, "INC-") ||
	    tx_begin(d->store, &t, &who, &ignored) < 0)
		return;
	if (!str_empty(link) &&
	    incident_link(&t, incident, "url", link, "status page", &ignored) < 0)
		return;
	if (unknown->len) {
		_cleanup_(free_p) char *text = xasprintf("our status page has no component %s:"
			" nothing was said of it there", str_get(unknown));

		tx_note(&t, NOTE_WARN, "incident.page", incident, text, NULL);
	}
	tx_commit(&t, NULL, &ignored);
}

/* The key goes out in clear text to nobody but this machine. */
static bool safe(const char *base)
{
	static const char *const near[] = { "http://127.", "http://localhost", "http://[::1]" };

	for (size_t i = 0; i < COUNT_OF(near); i++)
		if (str_has_prefix(base, near[i]))
			return true;
	return str_has_prefix(base, "https://");
}

/* Creates the page's incident or goes on with it; have as in compose. */
static int write_page(const struct notifier_deps *d, const struct parcel *p,
		      const struct json *letter, const struct json *have,
		      const struct json *page, struct refusal *why, struct err *err)
{
	_cleanup_(json_free_p) struct json *answer = NULL;
	_cleanup_(free_p) char *rest = page ? xasprintf("/incidents/%s", json_get_str(page, "id"))
					    : xstrdup("/incidents");
	struct str body = STR_INIT(64 << 10), unknown = STR_INIT(1000);
	int r;

	compose(&body, p, letter, have, page, &unknown);
	r = ask(d, page ? "PATCH" : "POST", rest, str_get(&body), &answer, why, err);
	if (r == 0)
		keep(d, p->event, answer, &unknown);
	str_fini(&body);
	str_fini(&unknown);
	return r;
}

static int send_page(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		     struct err *err)
{
	_cleanup_(json_free_p) struct json *doc = json_parse(p->payload, strlen(p->payload), NULL);
	_cleanup_(json_free_p) struct json *list = NULL, *have = NULL;
	const struct json *letter = json_get(doc, "letter"), *page = NULL;
	int r;

	if (!safe(d->set->statuspage_base)) {
		why->for_good = true;
		return err_set(err, ERR_DENIED, "notify.statuspageBase must begin with https://");
	}
	r = find(d, p->event, &list, &page, why, err);
	if (r < 0 || (page && str_eq(ours(page, "message"), p->id)))
		return r;	/* its answer was lost, it stands there */
	if (json_count(json_get(letter, "components")))
		r = ask(d, "GET", "/components?per_page=100", NULL, &have, why, err);
	return r < 0 ? r : write_page(d, p, letter, have, page, why, err);
}

const struct channel channel_statuspage = {
	.name = "statuspage", .word = "status-page",
	.kinds = 0, .configured = configured, .send = send_page,
};
