/*
 * The API that a status page is written with (Statuspage, v1): incidents of one page, created
 * and updated, and its components, whose state an incident sets. What is written is kept to be
 * read back here, at /_sim/sent and, without a key, on the page itself.
 */
#include "sim/statuspage.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/ledger.h"
#include "sim/sent.h"

static void problem(struct sim_request *q, int status, const char *text)
{
	struct jw w;

	sim_json_begin(q, &w, status);
	jw_str(&w, "error", text);
	sim_json_end(q, &w);
}

/* ---- components ------------------------------------------------------------------------ */

static const struct { const char *id, *name; } parts[SIM_PAGE_PARTS] = {
	{ "c4l1s0000001", "Phone calls" },    { "c4l1s0000002", "Voice agents" },
	{ "c4l1s0000003", "Text messages" },  { "c4l1s0000004", "Video meetings" },
	{ "c4l1s0000005", "Website and bookings" }, { "c4l1s0000006", "Billing" },
};

static const char *part_status(const struct sim *s, size_t i)
{
	return s->page_part[i].status ? s->page_part[i].status : "operational";
}

static const char *known_part_status(const char *s)
{
	static const char *const words[] = { "operational", "under_maintenance",
		"degraded_performance", "partial_outage", "major_outage" };

	for (size_t i = 0; s && i < COUNT_OF(words); i++)
		if (str_eq(words[i], s))
			return words[i];
	return NULL;
}

static size_t part_of(const char *id)
{
	size_t i = 0;

	while (i < SIM_PAGE_PARTS && !str_eq(parts[i].id, id))
		i++;
	return i;
}

static void part_json(struct sim_request *q, struct jw *w, const char *page, size_t i)
{
	jw_obj(w, NULL);
	jw_str(w, "id", parts[i].id);
	jw_str(w, "page_id", page);
	jw_str(w, "name", parts[i].name);
	jw_null(w, "group_id");
	jw_bool(w, "group", false);
	jw_i64(w, "position", (int64_t)i + 1);
	jw_str(w, "status", part_status(q->sim, i));
	jw_time(w, "updated_at", q->sim->page_part[i].updated_ms);
	jw_obj_end(w);
}

static void set_part(struct sim_request *q, size_t i, const char *status)
{
	q->sim->page_part[i] = (struct sim_page_part){ known_part_status(status), q->now_ms };
}

static void list_parts(struct sim_request *q)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < SIM_PAGE_PARTS; i++)
		part_json(q, &w, q->arg[0], i);
	jw_arr_end(&w);
	q->status = 200;
	q->type = "application/json";
}

static void update_part(struct sim_request *q)
{
	const char *status = json_get_str(json_get(q->json, "component"), "status");
	size_t i = part_of(q->arg[1]);
	struct jw w = JW(&q->out);

	if (i == SIM_PAGE_PARTS) {
		problem(q, 404, "The requested resource could not be found");
	} else if (!known_part_status(status)) {
		problem(q, 422, "status is not included in the list");
	} else {
		set_part(q, i, status);
		sim_ledger_effective(q, NULL);
		str_clear(&q->out);
		part_json(q, &w, q->arg[0], i);
		q->status = 200;
		q->type = "application/json";
	}
}

/* What everybody sees. */
static void public_page(struct sim_request *q)
{
	struct str b = STR_INIT(64 << 10);

	for (size_t i = 0; i < SIM_PAGE_PARTS; i++)
		str_addf(&b, "%-22s %s\n", parts[i].name, part_status(q->sim, i));
	for (size_t i = q->sim->n_page; i-- > 0;) {
		const struct sim_page_incident *in = &q->sim->page[i];

		str_addf(&b, "\n%s (%s)\n", in->name, in->status);
		for (size_t k = in->n_updates; k-- > 0;)
			str_addf(&b, "  %s: %s\n", in->updates[k].status, in->updates[k].body);
	}
	sim_text(q, 200, "text/plain; charset=utf-8", str_get(&b));
	str_fini(&b);
}

/* ---- incidents -------------------------------------------------------------------------- */

static void incident_json(struct sim_request *q, struct jw *w, const struct sim_page_incident *i)
{
	char text[80];

	jw_obj(w, NULL);
	jw_str(w, "id", i->id);
	jw_str(w, "page_id", i->page);
	jw_str(w, "name", i->name);
	jw_str(w, "status", i->status);
	jw_str(w, "impact", "major");
	jw_null(w, "impact_override");
	jw_time(w, "created_at", i->created_ms);
	jw_time(w, "started_at", i->created_ms);
	jw_time(w, "updated_at", i->updated_ms);
	jw_time(w, "resolved_at", i->resolved_ms);
	snprintf(text, sizeof(text), "https://stspg.io/%s", i->id);
	jw_str(w, "shortlink", text);
	jw_raw(w, "metadata", i->metadata ? i->metadata : "{}");
	jw_arr(w, "components");
	for (size_t k = 0; k < SIM_PAGE_PARTS; k++)
		if (i->part[k])
			part_json(q, w, i->page, k);
	jw_arr_end(w);
	jw_arr(w, "incident_updates");
	for (size_t k = i->n_updates; k-- > 0;) {	/* newest first */
		jw_obj(w, NULL);
		snprintf(text, sizeof(text), "%s-%zu", i->id, k + 1);
		jw_str(w, "id", text);
		jw_str(w, "incident_id", i->id);
		jw_str(w, "status", i->updates[k].status);
		jw_str(w, "body", i->updates[k].body);
		jw_time(w, "created_at", i->updates[k].at_ms);
		jw_time(w, "display_at", i->updates[k].at_ms);
		jw_bool(w, "deliver_notifications", true);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}

static void answer(struct sim_request *q, int status, const struct sim_page_incident *i)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	incident_json(q, &w, i);
	q->status = status;
	q->type = "application/json";
}

static struct sim_page_incident *by_id(struct sim_request *q)
{
	for (size_t i = 0; i < q->sim->n_page; i++)
		if (str_eq(q->sim->page[i].id, q->arg[1]) &&
		    str_eq(q->sim->page[i].page, q->arg[0]))
			return &q->sim->page[i];
	return NULL;
}

static void list(struct sim_request *q, bool open_only)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	jw_arr(&w, NULL);
	for (size_t i = q->sim->n_page; i-- > 0;) {
		const struct sim_page_incident *in = &q->sim->page[i];

		if (str_eq(in->page, q->arg[0]) && !(open_only && in->resolved_ms))
			incident_json(q, &w, in);
	}
	jw_arr_end(&w);
	q->status = 200;
	q->type = "application/json";
}

static void list_all(struct sim_request *q)
{
	list(q, false);
}

static void list_open(struct sim_request *q)
{
	list(q, true);
}

static const char *known_status(const char *s)
{
	static const char *const words[] = { "investigating", "identified", "monitoring",
					     "resolved" };

	for (size_t i = 0; s && i < COUNT_OF(words); i++)
		if (str_eq(words[i], s))
			return words[i];
	return NULL;
}

/* {"components": {id: status}, "component_ids": [...]}; the second replaces what was attached. */
static bool take_parts(struct sim_request *q, struct sim_page_incident *i, const struct json *v)
{
	const struct json *states = json_get(v, "components"), *ids = json_get(v, "component_ids");

	for (const struct json *c = json_first(states); c; c = json_next(c))
		if (part_of(json_name(c)) == SIM_PAGE_PARTS || !known_part_status(json_str(c))) {
			problem(q, 422, "component or its status is not known");
			return false;
		}
	for (const struct json *c = json_first(ids); c; c = json_next(c))
		if (part_of(json_str(c)) == SIM_PAGE_PARTS) {
			problem(q, 422, "component is not known");
			return false;
		}
	for (const struct json *c = json_first(states); c; c = json_next(c))
		set_part(q, part_of(json_name(c)), json_str(c));
	if (ids)
		memset(i->part, 0, sizeof(i->part));
	for (const struct json *c = json_first(ids); c; c = json_next(c))
		i->part[part_of(json_str(c))] = true;
	return true;
}

/* Takes what an incident's object says; false after an answer. */
static bool take(struct sim_request *q, struct sim_page_incident *i, const struct json *v)
{
	const char *status = json_get_str(v, "status"), *body = json_get_str(v, "body");
	const struct json *metadata = json_get(v, "metadata");
	struct str text = STR_INIT(10000);

	if (status && !known_status(status)) {
		problem(q, 422, "status is not included in the list");
		return false;
	}
	if (!take_parts(q, i, v)) {
		str_fini(&text);
		return false;
	}
	if (status)
		i->status = known_status(status);
	if (metadata) {
		json_print(&text, metadata);
		str_replace(&i->metadata, str_get(&text));
	}
	str_fini(&text);
	i->updated_ms = q->now_ms;
	i->resolved_ms = str_eq(i->status, "resolved") ? q->now_ms : 0;
	if (body && i->n_updates < SIM_PAGE_UPDATES)
		i->updates[i->n_updates++] = (struct sim_page_update){ .status = i->status,
			.body = xstrdup(body), .at_ms = q->now_ms };
	sim_sent_add(q->sim, "statuspage", i->id, i->status, body ? body : "");
	sim_ledger_effective(q, NULL);
	return true;
}

static void create(struct sim_request *q)
{
	const struct json *v = json_get(q->json, "incident");
	struct sim_page_incident *i;

	if (str_empty(json_get_str(v, "name"))) {
		problem(q, 422, "name can't be blank");
		return;
	}
	if (q->sim->n_page == SIM_PAGE_INCIDENTS) {
		problem(q, 422, "the simulated page is full");
		return;
	}
	i = &q->sim->page[q->sim->n_page];
	*i = (struct sim_page_incident){ .name = xstrdup(json_get_str(v, "name")),
					 .page = xstrdup(q->arg[0]), .status = "investigating",
					 .created_ms = q->now_ms };
	sim_new_hex(&q->sim->world, i->id, 12);
	q->sim->n_page++;
	if (take(q, i, v))
		answer(q, 201, i);
	else
		q->sim->n_page--;
}

static void update(struct sim_request *q)
{
	struct sim_page_incident *i = by_id(q);

	if (!i)
		problem(q, 404, "The requested resource could not be found");
	else if (take(q, i, json_get(q->json, "incident")))
		answer(q, 200, i);
}

static void fetch(struct sim_request *q)
{
	const struct sim_page_incident *i = by_id(q);

	if (i)
		answer(q, 200, i);
	else
		problem(q, 404, "The requested resource could not be found");
}

static const struct sim_route routes[] = {
	{ "GET", "/v1/pages/{}/incidents", "page.list", list_all, 0 },
	{ "GET", "/v1/pages/{}/incidents/unresolved", "page.unresolved", list_open, 0 },
	{ "POST", "/v1/pages/{}/incidents", "page.create", create, RT_WRITE },
	{ "GET", "/v1/pages/{}/incidents/{}", "page.fetch", fetch, 0 },
	{ "PATCH", "/v1/pages/{}/incidents/{}", "page.update", update, RT_WRITE },
	{ "PUT", "/v1/pages/{}/incidents/{}", "page.update", update, RT_WRITE },
	{ "GET", "/v1/pages/{}/components", "page.parts", list_parts, 0 },
	{ "PATCH", "/v1/pages/{}/components/{}", "page.part", update_part, RT_WRITE },
	{ "PUT", "/v1/pages/{}/components/{}", "page.part", update_part, RT_WRITE },
	{ "GET", "/public", "page.public", public_page, 0 },
};

void sim_statuspage(struct sim_request *q)
{
	const char *auth = q->header ? q->header(q->header_ctx, "Authorization") : NULL;
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));

	if (!r)
		problem(q, 404, "The requested resource could not be found");
	else if (r->fn != public_page &&
		 (!auth || !str_has_prefix(auth, "OAuth ") || strlen(auth) < 14))
		problem(q, 401, "Could not authenticate");
	else
		r->fn(q);
}

void sim_statuspage_clear(struct sim *s)
{
	for (size_t i = 0; i < s->n_page; i++) {
		free_p(&s->page[i].name);
		free_p(&s->page[i].page);
		free_p(&s->page[i].metadata);
		for (size_t k = 0; k < s->page[i].n_updates; k++)
			free_p(&s->page[i].updates[k].body);
	}
	s->n_page = 0;
	memset(s->page_part, 0, sizeof(s->page_part));
}
