/*
 * Statuspage v2 summaries, as Twilio, ElevenLabs and Telnyx publish them, and the
 * look-alikes with fewer members. The state is the worst of the components that
 * the allow-list names: a carrier's fault in one country moves the page's own
 * indicator, and must not move us.
 */
#include <string.h>
#include <stdio.h>

#include "core/mem.h"
#include "providers/feed.h"
#include "providers/request.h"

static enum feed_state state_of(const char *word)
{
	static const struct { const char *word; enum feed_state state; } words[] = {
		{ "operational", FEED_OPERATIONAL },
		{ "degraded_performance", FEED_DEGRADED },
		{ "partial_outage", FEED_DEGRADED },
		{ "major_outage", FEED_DOWN },
		{ "full_outage", FEED_DOWN },
		{ "under_maintenance", FEED_MAINTENANCE },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, words[i].word))
			return words[i].state;
	return FEED_UNKNOWN;
}

static bool allowed(const struct strlist *allow, const char *name)
{
	if (!allow || !allow->n)
		return true;
	for (size_t i = 0; i < allow->n; i++)
		if (allow->v[i][0] && strcasestr(name, allow->v[i]))
			return true;
	return false;
}

static void read_component(const struct json *v, const struct strlist *allow,
			   struct feed_report *ret)
{
	const char *name = json_get_str(v, "name");
	enum feed_state s = state_of(json_get_str(v, "status"));

	if (str_empty(name) || !allowed(allow, name))
		return;
	ret->n_matched++;
	if (s > ret->state)
		ret->state = s;
	if (s == FEED_OPERATIONAL || ret->n_items == FEED_MAX_ITEMS)
		return;
	struct feed_item *item = &ret->items[ret->n_items++];
	text_of(v, "name", item->name, sizeof(item->name));
	text_of(v, "status", item->status, sizeof(item->status));
	item->state = s;
}

/* The newest update: pages put it first, but nothing promises that. */
static void read_updates(const struct json *list, struct feed_incident *in)
{
	for (const struct json *u = json_first(list); u; u = json_next(u)) {
		int64_t at = time_of(u, "display_at");

		if (!at)
			at = time_of(u, "created_at");
		if (in->said[0] && at <= in->said_ms)
			continue;
		text_of(u, "body", in->said, sizeof(in->said));
		in->said_ms = at;
	}
}

/* One that names its components and none that counts is somebody else's trouble. */
static bool concerns(const struct json *v, const struct strlist *allow)
{
	const struct json *c = json_first(json_get(v, "components"));
	bool any = c != NULL;

	for (; c; c = json_next(c))
		if (json_get_str(c, "name") && allowed(allow, json_get_str(c, "name")))
			return true;
	return !any;
}

static void read_incident(const struct json *v, const struct strlist *allow,
			  struct feed_report *ret)
{
	struct feed_incident *in = &ret->incidents[ret->n_incidents];
	const char *status = json_get_str(v, "status");

	if (ret->n_incidents == FEED_MAX_INCIDENTS || json_type(v) != JSON_OBJECT)
		return;
	if (str_eq(status, "resolved") || str_eq(status, "postmortem") || !concerns(v, allow))
		return;
	ret->n_incidents++;
	text_of(v, "id", in->id, sizeof(in->id));
	text_of(v, "name", in->name, sizeof(in->name));
	text_of(v, "status", in->status, sizeof(in->status));
	text_of(v, "impact", in->impact, sizeof(in->impact));
	text_of(v, "shortlink", in->url, sizeof(in->url));
	in->started_ms = time_of(v, "started_at");
	in->updated_ms = time_of(v, "updated_at");
	read_updates(json_get(v, "incident_updates"), in);
}

/* A page without components: only its own word is left, if no component was asked for. */
static void by_indicator(const struct strlist *allow, struct feed_report *ret)
{
	if (allow && allow->n)
		return;
	if (!strcmp(ret->indicator, "none"))
		ret->state = FEED_OPERATIONAL;
	else if (!strcmp(ret->indicator, "maintenance"))
		ret->state = FEED_MAINTENANCE;
	else if (!strcmp(ret->indicator, "minor") || !strcmp(ret->indicator, "major"))
		ret->state = FEED_DEGRADED;
	else if (!strcmp(ret->indicator, "critical"))
		ret->state = FEED_DOWN;
}

int statuspage_read(const char *body, size_t n, const struct strlist *allow,
		    struct feed_report *ret, struct err *err)
{
	struct err why = { 0 };
	_cleanup_(json_free_p) struct json *v = json_parse(body, n, &why);

	*ret = (struct feed_report){ 0 };
	if (!v)
		return err_set(err, ERR_INVALID, "not JSON (%.100s)", why.msg);
	const struct json *components = json_get(v, "components");
	const struct json *status = json_get(v, "status");
	if (json_type(components) != JSON_ARRAY && json_type(status) != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "neither components nor a status");
	text_of(status, "indicator", ret->indicator, sizeof(ret->indicator));
	ret->updated_ms = time_of(json_get(v, "page"), "updated_at");
	for (const struct json *c = json_first(components); c; c = json_next(c))
		read_component(c, allow, ret);
	if (json_type(components) != JSON_ARRAY || !json_first(components))
		by_indicator(allow, ret);
	for (const struct json *i = json_first(json_get(v, "incidents")); i; i = json_next(i))
		read_incident(i, allow, ret);
	return 0;
}
