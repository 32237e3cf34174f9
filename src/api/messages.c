/* What people outside are told of an incident, what of ours works, what a provider's support
 * asks for. Preview and sending take the same body; only the second does anything. */
#include "api/internal.h"

#include <stdlib.h>

#include "engine/engine.h"
#include "incident/messages.h"

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

static void texts_of(const struct call *c, const char *member, struct strlist *ret)
{
	for (const struct json *v = json_first(json_get(c->body, member)); v; v = json_next(v))
		if (json_str(v))
			strlist_add(ret, json_str(v));
}

static void ask_of(const struct call *c, struct message_ask *a)
{
	*a = (struct message_ask){ .template_id = c->params[1],
				   .vendor = call_text(c, "vendor"),
				   .fields = json_get(c->body, "fields"),
				   .components = json_get(c->body, "components"),
				   .hash = call_text(c, "hash"),
				   .tier = call_text(c, "tier"),
				   .subject = call_text(c, "subject"),
				   .body = call_text(c, "body") };
	texts_of(c, "to", &a->to);
	texts_of(c, "withGaps", &a->gaps);
}

static void ask_fini(struct message_ask *a)
{
	strlist_fini(&a->to);
	strlist_fini(&a->gaps);
}

static int answer(struct call *c, const struct draft *m, int status)
{
	struct jw w = JW(&c->out);

	jw_obj(&w, NULL);
	jw_str(&w, "incident", c->params[0]);
	jw_bool(&w, "sent", status == 202 && !m->same_as_ms);
	jw_str(&w, "vendor", call_text(c, "vendor"));
	message_json(&w, m);
	jw_obj_end(&w);
	return status;
}

static int post_preview(struct call *c)
{
	struct message_ask a;
	struct draft m;
	struct err err = { 0 };
	int r;

	ask_of(c, &a);
	r = incidents_preview(c->engine->incidents, c->params[0], &a, &m, &err);
	r = r < 0 ? api_problem_err(c, &err) : answer(c, &m, 200);
	message_fini(&m);
	ask_fini(&a);
	return r;
}

static int post_send(struct call *c)
{
	struct who who = who_of(c);
	struct message_ask a;
	struct draft m;
	struct err err = { 0 };
	int r;

	ask_of(c, &a);
	r = incidents_send(c->engine->incidents, &who, c->params[0], &a, &m, &err);
	r = r < 0 ? api_problem_err(c, &err) : answer(c, &m, m.same_as_ms ? 200 : 202);
	message_fini(&m);
	ask_fini(&a);
	return r;
}

/* A document whose members fn writes; what it began before an error is thrown away. */
static int document(struct call *c, int (*fn)(struct call *c, struct jw *w, struct err *err))
{
	struct str out = STR_INIT((size_t)4 << 20);
	struct jw w = JW(&out);
	struct err err = { 0 };
	int r;

	jw_obj(&w, NULL);
	r = fn(c, &w, &err);
	jw_obj_end(&w);
	if (r == 0)
		str_add(&c->out, str_get(&out));
	str_fini(&out);
	return r < 0 ? api_problem_err(c, &err) : 200;
}

static int write_templates(struct call *c, struct jw *w, struct err *err)
{
	return incidents_templates(c->engine->incidents, c->params[0], w, err);
}

static int write_vendor(struct call *c, struct jw *w, struct err *err)
{
	return incidents_vendor(c->engine->incidents, c->params[0], c->params[1], w, err);
}

static int write_impact(struct call *c, struct jw *w, struct err *err)
{
	return incidents_capabilities(c->engine->incidents, c->params[0], w, err);
}

static int write_capabilities(struct call *c, struct jw *w, struct err *err)
{
	return incidents_capabilities(c->engine->incidents, NULL, w, err);
}

static int get_templates(struct call *c)
{
	return document(c, write_templates);
}

static int get_vendor(struct call *c)
{
	return document(c, write_vendor);
}

static int get_impact(struct call *c)
{
	return document(c, write_impact);
}

static int get_capabilities(struct call *c)
{
	return document(c, write_capabilities);
}

#define TEXT(name_, max_, ...) { name_, M_TEXT, .max = max_, __VA_ARGS__ }
#define MESSAGE                                                                                    \
	{                                                                                          \
		{ "to", M_TEXTS,                                                                   \
		  .help = "audiences, or slack, pager, email:ADDRESS, role:ROLE, status-page" },   \
		{ "fields", M_OBJECT,                                                              \
		  .help = "values of the template's fields; the incident keeps them" },            \
		{ "components", M_OBJECT,                                                          \
		  .help = "states of our status page's components where they are not to follow "   \
			  "from the capabilities; null = as it stands there" },                    \
		{ "withGaps", M_TEXTS, .help = "fields that may stay without a value" },           \
		TEXT("vendor", 40, .help = "whose support it goes to"), TEXT("tier", 40),          \
		TEXT("subject", 500, .help = "as it was seen or changed"),                         \
		TEXT("body", 20000, .help = "as it was seen or changed"),                          \
		TEXT("hash", 40, .help = "of the preview that was seen") }

static const struct route routes[] = {
	{ "GET", "/api/v1/capabilities", PR_VIEWER, .handle = get_capabilities,
	  .help = "which of our capabilities work now, and what says so" },
	{ "GET", "/api/v1/incidents/{id}/impact", PR_VIEWER, .handle = get_impact,
	  .help = "the same for an incident, with what was counted" },
	{ "GET", "/api/v1/incidents/{id}/messages", PR_VIEWER, .handle = get_templates,
	  .help = "templates, and which of their fields have no value yet" },
	{ "POST", "/api/v1/incidents/{id}/messages/{template}/preview", PR_VIEWER,
	  .handle = post_preview, .body = MESSAGE,
	  .help = "a message as it would be sent, with its gaps and addressees; sends nothing" },
	{ "POST", "/api/v1/incidents/{id}/messages/{template}", PR_OPERATOR, .handle = post_send,
	  .body = MESSAGE,
	  .help = "sends a message; the same within a minute goes out once (200, sameAs says "
		  "when); 400 names a gap that was not accepted, 409 says that "
		  "the text changed since the preview" },
	{ "GET", "/api/v1/incidents/{id}/vendor/{vendor}", PR_VIEWER, .handle = get_vendor,
	  .help = "what a provider's support asks for, from the database; what is missing is "
		  "marked" },
};
const struct route_table messages_routes = { routes, COUNT_OF(routes) };
