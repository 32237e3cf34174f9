/*
 * Services that are only observed: status pages and the AWS feed (UTF-16BE with a
 * byte order mark, as the real one). What they say is set by the control
 * interface: POST /_sim/feed.
 */
#include "sim/feeds.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"

struct component { const char *name, *group; };
static const struct component twilio_parts[] = {
	{ "REST API", "TWILIO PLATFORM" },     { "Programmable Voice", "TWILIO PLATFORM" },
	{ "Programmable Messaging", "TWILIO PLATFORM" },
	{ "Phone Numbers", "TWILIO PLATFORM" },	{ "Video", "TWILIO PLATFORM" },
	{ "SMS, AT&T (US)", "External Connectivity" },
};
static const struct component eleven_parts[] = {
	{ "API", "ElevenLabs" }, { "Agents Platform", "ElevenLabs" }, { "Telephony", "ElevenLabs" },
};
static const struct component telnyx_parts[] = {
	{ "Mission Control API", "Telnyx" }, { "Voice", "Telnyx" }, { "Messaging", "Telnyx" },
};

static const struct {
	const char *name, *title;
	const struct component *part;
	size_t n;
} pages[] = {
	{ "twilio", "Twilio", twilio_parts, COUNT_OF(twilio_parts) },
	{ "elevenlabs", "ElevenLabs", eleven_parts, COUNT_OF(eleven_parts) },
	{ "telnyx", "Telnyx", telnyx_parts, COUNT_OF(telnyx_parts) },
};

static bool hit(const struct sim_feed *f, const struct component *c)
{
	return f->part && strcasestr(c->name, f->part) != NULL;
}

static void components_json(struct jw *w, size_t page, const struct sim_feed *f, int64_t now)
{
	jw_arr(w, "components");
	for (size_t i = 0; i < pages[page].n; i++) {
		const struct component *c = &pages[page].part[i];
		char id[48];

		jw_obj(w, NULL);
		snprintf(id, sizeof(id), "cmp%zu%zu", page, i);
		jw_str(w, "id", id);
		jw_str(w, "name", c->name);
		jw_str(w, "status", hit(f, c) ? f->status : "operational");
		jw_time(w, "updated_at", now);
		jw_i64(w, "position", (int64_t)i + 1);
		jw_null(w, "description");
		jw_str(w, "group_id", c->group);
		jw_bool(w, "group", false);
		jw_bool(w, "only_show_if_degraded", false);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void incidents_json(struct jw *w, size_t page, const struct sim_feed *f, bool all)
{
	(void)all;
	jw_arr(w, "incidents");
	if (f->part) {
		jw_obj(w, NULL);
		jw_str(w, "id", "inc1");
		jw_str(w, "name", f->title ? f->title : "Elevated errors");
		jw_str(w, "status", f->phase ? f->phase : "investigating");
		jw_str(w, "impact", f->indicator);
		jw_str(w, "shortlink", "https://stspg.io/simulated");
		jw_time(w, "started_at", f->since_ms);
		jw_time(w, "updated_at", f->since_ms);
		jw_null(w, "resolved_at");
		jw_arr(w, "incident_updates");
		jw_obj(w, NULL);
		jw_str(w, "status", f->phase ? f->phase : "investigating");
		jw_str(w, "body", f->said ? f->said : "We are investigating.");
		jw_time(w, "created_at", f->since_ms);
		jw_arr(w, "affected_components");
		jw_arr_end(w);
		jw_obj_end(w);
		jw_arr_end(w);
		jw_arr(w, "components");
		for (size_t i = 0; i < pages[page].n; i++)
			if (hit(f, &pages[page].part[i])) {
				jw_obj(w, NULL);
				jw_str(w, "name", pages[page].part[i].name);
				jw_str(w, "status", f->status);
				jw_obj_end(w);
			}
		jw_arr_end(w);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void page_json(struct sim_request *q, size_t page, const char *doc)
{
	const struct sim_feed *f = &q->sim->feed[page];
	bool summary = str_eq(doc, "summary.json");
	char url[64];
	struct jw w;

	sim_json_begin(q, &w, 200);
	sim_head(q, "ETag", "W/\"%lld\"", (long long)f->since_ms);
	jw_obj(&w, "page");
	jw_str(&w, "id", pages[page].name);
	jw_str(&w, "name", pages[page].title);
	snprintf(url, sizeof(url), "https://status.%s.com", pages[page].name);
	jw_str(&w, "url", url);
	jw_str(&w, "time_zone", "Etc/UTC");
	jw_time(&w, "updated_at", f->since_ms ? f->since_ms : q->sim->world.wall0_ms);
	jw_obj_end(&w);
	if (summary || str_eq(doc, "status.json")) {
		jw_obj(&w, "status");
		jw_str(&w, "indicator", f->part ? f->indicator : "none");
		jw_str(&w, "description", f->part ? "Partial System Outage"
						  : "All Systems Operational");
		jw_obj_end(&w);
	}
	if (summary || str_eq(doc, "components.json"))
		components_json(&w, page, f, q->sim->world.wall0_ms);
	if (summary || strstr(doc, "incidents") || str_eq(doc, "unresolved.json"))
		incidents_json(&w, page, f, !summary);
	if (summary) {
		jw_arr(&w, "scheduled_maintenances");
		jw_arr_end(&w);
	}
	sim_json_end(q, &w);
}

void sim_status(struct sim_request *q)
{
	static const char *const docs[] = { "summary.json", "status.json", "components.json",
					    "incidents.json", "incidents/unresolved.json" };
	char path[96];

	for (size_t i = 0; i < COUNT_OF(pages); i++)
		for (size_t k = 0; k < COUNT_OF(docs); k++) {
			char host[32];

			snprintf(path, sizeof(path), "/%s/api/v2/%s", pages[i].name, docs[k]);
			snprintf(host, sizeof(host), "status.%s", pages[i].name);
			if (!str_eq(q->rest, path) &&
			    !(q->host && str_has_prefix(q->host, host) &&
			      str_eq(q->rest, path + 1 + strlen(pages[i].name))))
				continue;
			q->op = pages[i].name;
			page_json(q, i, docs[k]);
			return;
		}
	sim_text(q, 404, "text/plain", "not found");
}

/* ---- AWS ----------------------------------------------------------------------------------- */

static void add_unit(struct str *out, unsigned u)
{
	str_addc(out, (char)(u >> 8 & 0xff));
	str_addc(out, (char)(u & 0xff));
}

/* Big endian; the JSON writer gives valid UTF-8. */
static void add_utf16(struct str *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		unsigned c = *s++, more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

		if (more)
			c &= 0x3fu >> more;
		for (; more && (*s & 0xc0) == 0x80; more--)
			c = c << 6 | (*s++ & 0x3fu);
		if (c < 0x10000) {
			add_unit(out, c);
			continue;
		}
		add_unit(out, 0xd800 + ((c - 0x10000) >> 10));
		add_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
}

void sim_aws(struct sim_request *q)
{
	const struct sim_feed *f = &q->sim->feed[SIM_FEED_AWS];
	struct str text = STR_INIT(65536);
	struct jw w = JW(&text);
	char date[24];

	q->op = "currentevents";
	jw_arr(&w, NULL);
	if (f->part) {
		jw_obj(&w, NULL);
		jw_str(&w, "service", "ec2-us-east-1");
		jw_str(&w, "service_name", "Amazon Elastic Compute Cloud");
		jw_str(&w, "region_name", "N. Virginia");
		jw_str(&w, "status", "3");
		jw_str(&w, "summary", f->title ? f->title : "Increased error rates");
		snprintf(date, sizeof(date), "%lld", (long long)(f->since_ms / 1000));
		jw_str(&w, "date", date);
		jw_str(&w, "arn", "arn:aws:health:us-east-1::event/EC2/simulated");
		jw_arr(&w, "event_log");
		if (f->said) {
			jw_obj(&w, NULL);
			jw_str(&w, "summary", f->title ? f->title : "Increased error rates");
			jw_str(&w, "message", f->said);
			jw_i64(&w, "status", 1);
			jw_i64(&w, "timestamp", f->since_ms / 1000);
			jw_obj_end(&w);
		}
		jw_arr_end(&w);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	str_clear(&q->out);
	str_addn(&q->out, "\xfe\xff", 2);
	add_utf16(&q->out, str_get(&text));
	str_fini(&text);
	q->status = 200;
	q->type = "application/json;charset=utf-16";
}

void sim_feeds_clear(struct sim *s)
{
	for (int i = 0; i < SIM_FEEDS; i++) {
		free_p(&s->feed[i].title);
		free_p(&s->feed[i].part);
		free_p(&s->feed[i].said);
		free_p(&s->feed[i].phase);
		s->feed[i] = (struct sim_feed){ .status = "operational", .indicator = "none" };
	}
}

/* {"page":"twilio|elevenlabs|telnyx|aws","component":"REST API","status":…,"title":…,
 * "said":what its incident's newest update says,"phase":its status,"agoMs":published so long ago};
 * component null clears. */
int sim_feed_set(struct sim *s, const struct json *spec, struct err *err)
{
	static const char *const states[] = { "operational", "degraded_performance",
					      "partial_outage", "major_outage",
					      "under_maintenance" };
	static const char *const indicators[] = { "none", "minor", "major", "critical",
						  "maintenance" };
	const char *page = json_get_str(spec, "page"), *status = json_get_str(spec, "status");
	struct sim_feed *f = NULL;
	size_t state = 3;

	for (size_t i = 0; i < COUNT_OF(pages); i++)
		if (str_eq(page, pages[i].name))
			f = &s->feed[i];
	if (str_eq(page, "aws"))
		f = &s->feed[SIM_FEED_AWS];
	if (!f)
		return err_field(err, ERR_INVALID, "page", "twilio, elevenlabs, telnyx or aws");
	for (size_t i = 0; status && i < COUNT_OF(states); i++)
		if (str_eq(status, states[i]))
			state = i;
	f->status = states[state];
	f->indicator = indicators[state];
	f->since_ms = sim_now(s);
	str_replace(&f->part, json_get_str(spec, "component"));
	str_replace(&f->title, json_get_str(spec, "title"));
	str_replace(&f->said, json_get_str(spec, "said"));
	str_replace(&f->phase, json_get_str(spec, "phase"));
	f->since_ms -= json_get_i64(spec, "agoMs", 0);
	return 0;
}
