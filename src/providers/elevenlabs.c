/*
 * ElevenLabs: agents, imported phone numbers, quota. The workspace's key goes in
 * the xi-api-key header.
 *
 * Invariants: an import never routes SMS (enable_sms is sent as false); a number
 * is looked up before it is imported, by the caller, because the service may keep
 * two entries for one number. There is no delete.
 */
#include "providers/agents_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "core/mem.h"
#include "providers/number_lookup.h"
#include "providers/request.h"
#include "providers/row.h"

/* ---- requests ------------------------------------------------------------------- */

static bool prepare(struct providers *p, struct request *rq, const char *path, struct str *url,
		    struct call_info *info)
{
	*url = STR_INIT(4096);
	url_join(url, p->settings->elevenlabs, path);
	rq->family = FAMILY_ELEVENLABS;
	rq->limiter = "elevenlabs";
	rq->url = str_get(url);
	rq->bearer_prefix = "xi-api-key: ";
	rq->bearer = p->settings->elevenlabs_key;
	if (rq->bearer)
		return true;
	info_refuse(info, REASON_NO_CREDENTIAL, "no ElevenLabs key is configured");
	return false;
}

static enum call_result get(struct providers *p, const char *path, struct json **ret,
			    struct call_info *info)
{
	struct request rq = { .method = "GET" };
	struct str url;

	if (prepare(p, &rq, path, &url, info))
		request_json(p, &rq, ret, info);
	str_fini(&url);
	return info->result;
}

static enum call_result send(struct providers *p, const struct write_guard *guard,
			     const char *method, const char *path, const char *body,
			     struct json **ret, struct call_info *info)
{
	struct request rq = { .method = method, .body = body, .write = true, .guard = guard,
			      .content_type = "application/json" };
	struct str url;

	if (prepare(p, &rq, path, &url, info))
		request_json(p, &rq, ret, info);
	str_fini(&url);
	return info->result;
}

/* ---- agents --------------------------------------------------------------------- */

static int read_agent(struct row *v, struct remote_agent *a)
{
	struct row settings;

	row_text(v, "agent_id", a->id, sizeof(a->id));
	row_text(v, "name", a->name, sizeof(a->name));
	a->archived = row_bool(v, "archived", false) ||
		      (row_object(v, "platform_settings", &settings) == 0 &&
		       row_bool(&settings, "archived", false));
	return a->id[0] ? 0 : -1;
}

struct agents_walk { void (*fn)(void *ctx, const struct remote_agent *a); void *ctx; };

static int add_agent(void *ctx, struct row *item)
{
	const struct agents_walk *w = ctx;
	struct remote_agent a = { 0 };

	if (read_agent(item, &a))
		return -1;
	if (!a.archived)
		w->fn(w->ctx, &a);
	return 0;
}

/* One page: its agents to w, what follows it to cursor ("" = the last). */
static enum call_result walk_page(struct providers *p, struct agents_walk *w, char cursor[512],
				  struct call_info *info)
{
	struct request rq = { .method = "GET", .max_body = (size_t)16 << 20 };
	struct str path = STR_INIT(2048), url;
	struct http_reply reply = { 0 };
	struct err err = { 0 };
	struct row page;
	char last[512];
	int r = 0;

	str_add(&path, "/v1/convai/agents?page_size=100&archived=false");
	if (cursor[0]) {
		str_add(&path, "&cursor=");
		str_add_urlencoded(&path, cursor);
	}
	snprintf(last, sizeof(last), "%s", cursor);
	cursor[0] = 0;
	if (prepare(p, &rq, str_get(&path), &url, info) &&
	    request_raw(p, &rq, &reply, info) == CALL_OK) {
		const char *body = str_get(&reply.body);
		if (json_scan(body, reply.body.len, &err))
			info_garbled(info, false, err.msg, body, reply.body.len);
		else if ((r = row_read_page(&page, body, reply.body.len, "agents", add_agent,
					    w)) < 0)
			info_garbled(info, false, "not a page of agents", NULL, 0);
		else if (r > 0 || task_cancelled())
			info->result = CALL_CANCELLED;
		else if (row_bool(&page, "has_more", true))
			row_text(&page, "next_cursor", cursor, sizeof(last));
	}
	http_reply_fini(&reply);
	str_fini(&url);
	str_fini(&path);
	if (info->result == CALL_OK && cursor[0] &&
	    (!strcmp(cursor, last) || strlen(cursor) >= sizeof(last) - 1))
		info_garbled(info, false, "a list of agents without an end", NULL, 0);
	return info->result;
}

static enum call_result agents(struct providers *p,
			       void (*fn)(void *ctx, const struct remote_agent *a), void *ctx,
			       struct call_info *info)
{
	enum { PAGES_MAX = 20000 };
	struct agents_walk w = { fn, ctx };
	char cursor[512] = "";

	info_begin(info);
	for (int page = 0; page < PAGES_MAX; page++)
		if (walk_page(p, &w, cursor, info) != CALL_OK || !cursor[0])
			return info->result;
	return info_garbled(info, false, "a list of agents without an end", NULL, 0);
}

static enum call_result agent(struct providers *p, const char *id, struct remote_agent *ret,
			      struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512), text = STR_INIT((size_t)1 << 20);
	struct row row;

	info_begin(info);
	*ret = (struct remote_agent){ 0 };
	str_add(&path, "/v1/convai/agents/");
	str_add_urlencoded(&path, id);
	get(p, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result == CALL_OK && (row_of_json(&row, v, &text) || read_agent(&row, ret)))
		info_garbled(info, false, "not an agent", NULL, 0);
	str_fini(&text);
	return info->result;
}

/* ---- numbers -------------------------------------------------------------------- */

static int add_number(void *ctx, struct row *item)
{
	struct remote_number_list *l = ctx;
	struct remote_number n = { 0 };
	struct row agent;

	row_text(item, "phone_number_id", n.id, sizeof(n.id));
	if (!n.id[0])
		return -1;
	row_text(item, "phone_number", n.e164, sizeof(n.e164));
	row_text(item, "provider", n.provider, sizeof(n.provider));
	if (!row_object(item, "assigned_agent", &agent))
		row_text(&agent, "agent_id", n.agent_id, sizeof(n.agent_id));
	*LIST_PUSH(l) = n;
	return 0;
}

static enum call_result numbers(struct providers *p, struct remote_number_list *ret,
				struct call_info *info)
{
	struct request rq = { .method = "GET", .max_body = (size_t)64 << 20 };
	struct http_reply reply = { 0 };
	struct err err = { 0 };
	struct str url;

	info_begin(info);
	*ret = (struct remote_number_list){ 0 };
	/* a bare array of all numbers, however many */
	if (prepare(p, &rq, "/v1/convai/phone-numbers", &url, info) &&
	    request_raw(p, &rq, &reply, info) == CALL_OK) {
		const char *body = str_get(&reply.body);
		if (json_scan(body, reply.body.len, &err))
			info_garbled(info, false, err.msg, body, reply.body.len);
		else if (rows_walk(body, reply.body.len, add_number, ret) < 0)
			info_garbled(info, false, "not a list of phone numbers", body,
				     reply.body.len);
		else if (task_cancelled())
			info->result = CALL_CANCELLED;
	}
	http_reply_fini(&reply);
	str_fini(&url);
	if (info->result != CALL_OK) {
		free(ret->v);
		*ret = (struct remote_number_list){ 0 };
	}
	return info->result;
}

struct number_lookup *number_lookup_new(void)
{
	return xcalloc(1, sizeof(struct number_lookup));
}

void number_lookup_free(struct number_lookup *n)
{
	if (!n)
		return;
	free(n->list.v);
	free(n);
}

static void lookup_run(struct providers *p, struct number_lookup *n)
{
	struct remote_number_list list;
	struct call_info info;

	n->running = true;
	uint64_t mine = ++n->started;
	numbers(p, &list, &info);
	n->running = false;
	if (info.result != CALL_CANCELLED) { /* else one of the others takes over */
		free(n->list.v);
		n->list = list;
		n->info = info;
		n->finished = mine;
	}
	condition_wake(&n->changed);
}

static enum call_result take_matches(const struct number_lookup *n, const char *e164,
				     struct remote_number_list *ret, struct call_info *info)
{
	*info = n->info;
	if (info->result != CALL_OK)
		return info->result;
	for (size_t i = 0; i < n->list.n; i++)
		if (!strcmp(n->list.v[i].e164, e164))
			*LIST_PUSH(ret) = n->list.v[i];
	if (!ret->n)
		info->result = CALL_NOT_FOUND;
	return info->result;
}

static enum call_result number_by_e164(struct providers *p, const char *e164,
				       struct remote_number_list *ret, struct call_info *info)
{
	struct number_lookup *n = p->number_lookup;
	uint64_t want = n->started + 1;
	bool cancelled = false;

	info_begin(info);
	*ret = (struct remote_number_list){ 0 };
	n->users++;
	while (n->finished < want && !cancelled) {
		if (!n->running)
			lookup_run(p, n);
		else
			condition_wait(&n->changed, -1);
		cancelled = task_cancelled();
	}
	if (cancelled)
		info->result = CALL_CANCELLED;
	else
		take_matches(n, e164, ret, info);
	if (--n->users == 0) {
		free(n->list.v);
		n->list = (struct remote_number_list){ 0 };
	}
	return info->result;
}

static void number_path(struct str *path, const char *id)
{
	str_add(path, "/v1/convai/phone-numbers/");
	str_add_urlencoded(path, id);
}

static enum call_result number(struct providers *p, const char *id, struct remote_number *ret,
			       struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct remote_number){ 0 };
	number_path(&path, id);
	get(p, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	struct remote_number_list one = { 0 };
	struct str text = STR_INIT(64 * 1024);
	struct row row;
	if (row_of_json(&row, v, &text) || add_number(&one, &row))
		info_garbled(info, false, "not a phone number", NULL, 0);
	else
		*ret = one.v[0];
	free(one.v);
	str_fini(&text);
	return info->result;
}

static void write_region(struct jw *w, const struct credentials *c, const char *token)
{
	const char *edge = c->edge[0] ? c->edge : region_edge(c->region);

	if (!c->region[0] || !strcmp(c->region, "us1") || !edge)
		return;
	jw_obj(w, "region_config");
	jw_str(w, "region_id", c->region);
	jw_str(w, "token", token);
	jw_str(w, "edge_location", edge);
	jw_obj_end(w);
}

/* The auth token when we have it; with an API key alone ElevenLabs cannot check signatures. */
static bool write_import(struct str *body, const struct credentials *c, const char *e164,
			 const char *label, const char *agent_id)
{
	struct jw w = JW(body);
	const char *user = c->account_sid;
	struct secret *s = c->token;

	if (!s && !credentials_pick(c, CRED_MAIN, &user, &s))
		return false;
	jw_obj(&w, NULL);
	jw_str(&w, "provider", "twilio");
	jw_str(&w, "phone_number", e164);
	jw_str(&w, "label", label);
	jw_str(&w, "sid", user);
	jw_str(&w, "token", secret_reveal(s));
	if (!str_empty(agent_id))
		jw_str(&w, "agent_id", agent_id);
	jw_bool(&w, "enable_sms", false);
	write_region(&w, c, secret_reveal(s));
	jw_obj_end(&w);
	return true;
}

static enum call_result import(struct providers *p, const struct credentials *c,
			       const struct write_guard *guard, const char *e164,
			       const char *label, const char *agent_id, char ret_id[48],
			       struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str body = STR_INIT(8192);

	info_begin(info);
	ret_id[0] = 0;
	if (!write_import(&body, c, e164, label, agent_id))
		info_refuse(info, REASON_NO_CREDENTIAL, "the account has no credentials");
	else
		send(p, guard, "POST", "/v1/convai/phone-numbers", body.s, &v, info);
	if (body.s)
		explicit_bzero(body.s, body.len);
	str_fini(&body);
	if (info->result != CALL_OK)
		return info->result;
	text_of(v, "phone_number_id", ret_id, 48);
	if (!ret_id[0])
		return info_garbled(info, true, "no phone_number_id in the answer", NULL, 0);
	return CALL_OK;
}

static enum call_result assign(struct providers *p, const struct write_guard *guard,
			       const char *number_id, const char *agent_id, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);
	struct str body = STR_INIT(512);
	struct jw w = JW(&body);

	info_begin(info);
	number_path(&path, number_id);
	jw_obj(&w, NULL);
	jw_str(&w, "agent_id", str_empty(agent_id) ? NULL : agent_id);
	jw_obj_end(&w);
	send(p, guard, "PATCH", str_get(&path), str_get(&body), &v, info);
	str_fini(&body);
	str_fini(&path);
	return info->result;
}

/* ---- workspace ------------------------------------------------------------------ */

static enum call_result subscription(struct providers *p, struct subscription *ret,
				     struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;

	info_begin(info);
	*ret = (struct subscription){ 0 };
	get(p, "/v1/user/subscription", &v, info);
	if (info->result != CALL_OK)
		return info->result;
	text_of(v, "status", ret->status, sizeof(ret->status));
	text_of(v, "tier", ret->tier, sizeof(ret->tier));
	ret->used = int_of(v, "character_count", 0);
	ret->limit = int_of(v, "character_limit", 0);
	ret->open_invoices = json_get_bool(v, "has_open_invoices", false);
	if (!ret->status[0])
		return info_garbled(info, false, "not a subscription", NULL, 0);
	return CALL_OK;
}

static enum call_result key_rights(struct providers *p, struct key_rights *ret,
				   struct call_info *info)
{
	struct request rq = { .method = "PATCH", .body = "{}", .content_type = "application/json" };
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str url;

	info_begin(info);
	*ret = (struct key_rights){ 0 };
	if (get(p, "/v1/convai/agents?page_size=1", &v, info) != CALL_OK)
		return info->result;
	ret->read = true;
	json_free(TAKE(v));
	/* an id that cannot exist, and nothing to change: not a write */
	if (prepare(p, &rq, "/v1/convai/phone-numbers/ringdown_rights_check", &url, info))
		request_json(p, &rq, &v, info);
	str_fini(&url);
	ret->known = true;
	if (info->result == CALL_NOT_FOUND || info->http_status == 422 || info->http_status == 400)
		ret->write = true;
	else if (info->result != CALL_REJECTED &&
		 !(info->result == CALL_REFUSED && info->reason == REASON_KEY_CLASS))
		ret->known = false;
	if (ret->known)
		info->result = CALL_OK;
	return info->result;
}

const struct agents_ops elevenlabs_ops = {
	.agents = agents,
	.agent = agent,
	.numbers = numbers,
	.number_by_e164 = number_by_e164,
	.number = number,
	.import = import,
	.assign = assign,
	.subscription = subscription,
	.key_rights = key_rights,
};
