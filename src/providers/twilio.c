/*
 * Twilio: addresses with region and edge, requests, paging by the returned link,
 * the account itself, and the table of operations.
 *
 * Invariant: requests go to the configured base only, whatever a reply's links
 * say. A Standard API key cannot read the account; that is told apart from wrong
 * credentials by asking for a number page with it.
 */
#include "providers/twilio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "core/mem.h"
#include "core/task.h"

/* ---- addresses ------------------------------------------------------------------ */

void twilio_base(struct str *out, const struct providers *p, const struct credentials *c,
		 enum twilio_host host)
{
	const struct providers_settings *set = p->settings;
	const char *const bases[] = {
		[TW_API] = set->twilio_api,
		[TW_MONITOR] = set->twilio_monitor,
		[TW_MESSAGING] = set->twilio_messaging,
		[TW_VIDEO] = set->twilio_video,
		[TW_ROUTES] = set->twilio_routes,
		[TW_PRICING] = set->twilio_pricing ? set->twilio_pricing : TWILIO_PRICING,
	};
	const char *base = bases[host] ? bases[host] : "";
	const char *region = c->region[0] ? c->region : "us1";
	const char *edge = c->edge[0] ? c->edge : region_edge(region);
	static const char domain[] = ".twilio.com";

	/* https://PRODUCT.twilio.com only; a proxy, the simulator or a base that names a
	 * region already stays as configured */
	size_t product = str_has_prefix(base, "https://") ? strcspn(base + 8, "./:") : 0;
	bool plain = product && str_has_prefix(base + 8 + product, domain);
	bool home = !strcmp(region, "us1") && !c->edge[0];
	if (plain && !home && edge && host != TW_ROUTES && host != TW_PRICING)
		str_addf(out, "https://%.*s.%s.%s%s", (int)product, base + 8, edge, region,
			 base + 8 + product);
	else
		str_add(out, base);
}

void twilio_path(struct str *out, const char *account_sid, const char *rest)
{
	str_add(out, "/2010-04-01/Accounts/");
	str_add_urlencoded(out, account_sid);
	str_add(out, rest);
}

/* ---- requests ------------------------------------------------------------------- */

static enum call_result no_credential(enum credential_use use, struct call_info *info)
{
	static const char *const names[] = {
		[CRED_MAIN] = "credentials",
		[CRED_SECOND] = "second credential",
		[CRED_PARENT] = "parent credential",
	};

	return info_refuse(info, REASON_NO_CREDENTIAL, "the account has no %s", names[use]);
}

static bool is_account_path(const char *url)
{
	const char *path = strstr(url, "/2010-04-01/Accounts");

	if (!path)
		return false;
	path += strlen("/2010-04-01/Accounts");
	if (*path == '.' || *path == '?')
		return true;
	if (*path != '/')
		return false;
	path += 1 + strcspn(path + 1, "/.?");
	return *path == '.' || str_has_prefix(path, "/Keys");
}

/* Whose request it is. False: that credential is not configured. */
static bool prepare(const struct credentials *c, enum credential_use use, struct request *rq,
		    struct call_info *info)
{
	rq->family = FAMILY_TWILIO;
	if (!credentials_pick(c, use, &rq->user, &rq->password)) {
		no_credential(use, info);
		return false;
	}
	rq->limiter = use == CRED_PARENT ? c->parent_sid : c->account_sid;
	rq->api_key = credentials_is_key(c, use);
	rq->account_path = is_account_path(rq->url);
	return true;
}

static enum call_result send(OP_HEAD, enum credential_use use, struct request *rq,
			     struct json **ret, struct call_info *info)
{
	if (!prepare(c, use, rq, info))
		return info->result;
	return request_json(p, rq, ret, info);
}

enum call_result twilio_get(OP_HEAD, enum credential_use use, enum twilio_host host,
			    const char *path, struct json **ret, struct call_info *info)
{
	struct str base = STR_INIT(512);
	struct str url = STR_INIT(4096);

	twilio_base(&base, p, c, host);
	url_join(&url, str_get(&base), path);
	struct request rq = { .method = "GET", .url = str_get(&url) };
	enum call_result r = send(p, c, use, &rq, ret, info);
	str_fini(&url);
	str_fini(&base);
	return r;
}

enum call_result twilio_post(WRITE_HEAD, enum credential_use use, enum twilio_host host,
			     const char *path, const char *form, struct json **ret,
			     struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str base = STR_INIT(512);
	struct str url = STR_INIT(4096);

	twilio_base(&base, p, c, host);
	url_join(&url, str_get(&base), path);
	struct request rq = {
		.method = "POST",
		.url = str_get(&url),
		.body = form,
		.content_type = "application/x-www-form-urlencoded",
		.write = true,
		.guard = guard,
	};
	enum call_result r = send(p, c, use, &rq, &v, info);
	str_fini(&url);
	str_fini(&base);
	if (ret)
		*ret = TAKE(v);
	return r;
}

/* ---- paging --------------------------------------------------------------------- */

enum { PAGES_MAX = 5000 };

/* The next link of either paging form, "" at the end. */
static void next_link(struct row *page, char *link, size_t n)
{
	struct row meta;

	row_text(page, "next_page_uri", link, n);
	if (!link[0] && !row_object(page, "meta", &meta))
		row_text(&meta, "next_page_url", link, n);
}

enum { LINK_MAX = 4096 };

/* One page: its elements to w->fn, its link to ret_link ("" = stop). room: for its text. */
static enum call_result walk_page(OP_HEAD, struct twilio_walk *w, const char *url,
				  struct str *room, char ret_link[LINK_MAX],
				  struct call_info *info)
{
	struct request rq = { .method = "GET", .url = url, .max_body = (size_t)16 << 20,
			      .room = room };
	struct http_reply reply;
	struct row page;
	struct err err = { 0 };
	int r = 0;

	ret_link[0] = 0;
	if (!prepare(c, w->use, &rq, info))
		return info->result;
	if (request_raw(p, &rq, &reply, info) != CALL_OK)
		goto out;
	const char *body = str_get(&reply.body);
	if (json_scan(body, reply.body.len, &err)) {
		info_garbled(info, false, err.msg, body, reply.body.len);
		goto out;
	}
	r = row_read_page(&page, body, reply.body.len, w->list, w->fn, w->ctx);
	if (task_cancelled())
		info->result = CALL_CANCELLED;
	else if (r < 0)
		info_garbled(info, false, "a page without the list it should have", w->list,
			     strlen(w->list));
	else if (r == 0)
		next_link(&page, ret_link, LINK_MAX);
out:
	str_fini(room);
	*room = reply.body;
	reply.body = STR_INIT(STR_MAX_DEFAULT);
	http_reply_fini(&reply);
	return info->result;
}

static enum call_result walk_from(OP_HEAD, struct twilio_walk *w, const char *base,
				  struct str *url, struct call_info *info)
{
	int max = w->max_pages ? w->max_pages : PAGES_MAX;
	struct str room = STR_INIT(STR_MAX_DEFAULT);
	char link[LINK_MAX];

	for (int page = 1;; page++) {
		if (walk_page(p, c, w, str_get(url), &room, link, info) != CALL_OK || !link[0])
			break;
		w->more = page >= max;
		if (w->more)
			break;
		struct str next = STR_INIT(8192);
		link_on_base(&next, base, link);
		bool same = next.full || !strcmp(str_get(&next), str_get(url));
		str_fini(url);
		*url = next;
		if (same) {
			info_garbled(info, false, "a page that links to itself", NULL, 0);
			break;
		}
	}
	str_fini(&room);
	return info->result;
}

enum call_result twilio_walk(OP_HEAD, struct twilio_walk *w, struct call_info *info)
{
	struct str base = STR_INIT(512);
	struct str url = STR_INIT(8192);

	w->more = false;
	twilio_base(&base, p, c, w->host);
	url_join(&url, str_get(&base), w->path);
	enum call_result r = walk_from(p, c, w, str_get(&base), &url, info);
	str_fini(&url);
	str_fini(&base);
	return r;
}

/* ---- the account ---------------------------------------------------------------- */

const char *account_status_name(enum account_status s)
{
	switch (s) {
	case ACCOUNT_ACTIVE: return "active";
	case ACCOUNT_SUSPENDED: return "suspended";
	case ACCOUNT_CLOSED: return "closed";
	case ACCOUNT_UNKNOWN: break;
	}
	return "unknown";
}

static int read_account(const struct json *v, struct account_info *ret)
{
	const char *status = json_get_str(v, "status");
	char type[16];

	*ret = (struct account_info){ 0 };
	text_of(v, "sid", ret->sid, sizeof(ret->sid));
	text_of(v, "owner_account_sid", ret->owner_sid, sizeof(ret->owner_sid));
	text_of(v, "friendly_name", ret->name, sizeof(ret->name));
	text_of(v, "type", type, sizeof(type));
	ret->trial = type[0] && strcasecmp(type, "Full") != 0;
	if (!ret->sid[0] || !status)
		return -1;
	if (!strcasecmp(status, "active"))
		ret->status = ACCOUNT_ACTIVE;
	else if (!strcasecmp(status, "suspended"))
		ret->status = ACCOUNT_SUSPENDED;
	else if (!strcasecmp(status, "closed"))
		ret->status = ACCOUNT_CLOSED;
	return 0;
}

/* The key may not see accounts: does it work elsewhere? */
static enum call_result key_alive(OP_HEAD, enum credential_use use, struct account_info *ret,
				  struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	twilio_path(&path, c->account_sid, "/IncomingPhoneNumbers.json?PageSize=1");
	twilio_get(p, c, use, TW_API, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	if (!json_has_array(v, "incoming_phone_numbers"))
		return info_garbled(info, false, "not a page of numbers", NULL, 0);
	*ret = (struct account_info){ .status_hidden = true };
	snprintf(ret->sid, sizeof(ret->sid), "%s", c->account_sid);
	info->reason = REASON_KEY_CLASS;
	return CALL_OK;
}

static enum call_result account(OP_HEAD, enum credential_use use, struct account_info *ret,
				struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct account_info){ 0 };
	twilio_path(&path, c->account_sid, ".json");
	twilio_get(p, c, use, TW_API, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result == CALL_REFUSED && info->reason == REASON_KEY_CLASS && use != CRED_PARENT)
		return key_alive(p, c, use, ret, info);
	if (info->result != CALL_OK)
		return info->result;
	/* no evidence from this body: it carries the account's token */
	if (read_account(v, ret))
		info_garbled(info, false, "not an account", NULL, 0);
	else if (strcmp(ret->sid, c->account_sid) != 0)
		info_garbled(info, false, "the answer is about another account", NULL, 0);
	if (info->result != CALL_OK)
		*ret = (struct account_info){ 0 };
	return info->result;
}

static enum call_result balance(OP_HEAD, enum credential_use use, struct balance *ret,
				struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);
	char amount[32];

	info_begin(info);
	*ret = (struct balance){ 0 };
	twilio_path(&path, use == CRED_PARENT ? c->parent_sid : c->account_sid, "/Balance.json");
	twilio_get(p, c, use, TW_API, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result == CALL_NOT_FOUND) /* a subaccount has none of its own */
		return info->result = CALL_OK;
	if (info->result != CALL_OK)
		return info->result;
	const struct json *b = json_get(v, "balance");
	text_of(v, "currency", ret->currency, sizeof(ret->currency));
	if (json_type(b) == JSON_NUMBER) {
		ret->amount = json_get_double(v, "balance", 0);
		ret->known = true;
	} else {
		text_of(v, "balance", amount, sizeof(amount));
		ret->known = parse_double(amount, &ret->amount);
	}
	if (json_type(v) != JSON_OBJECT || (b && json_type(b) != JSON_NULL && !ret->known))
		return info_garbled(info, false, "not a balance", NULL, 0);
	return CALL_OK;
}

const struct telephony_ops twilio_ops = {
	.name = "twilio",
	.account = account,
	.balance = balance,
	.numbers = twilio_numbers,
	.number = twilio_number,
	.number_by_e164 = twilio_number_by_e164,
	.number_update = twilio_number_update,
	.calls = twilio_calls,
	.calls_live = twilio_calls_live,
	.messages = twilio_messages,
	.alerts = twilio_alerts,
	.call_codes = twilio_call_codes,
	.changes = twilio_changes,
	.sms_numbers = twilio_sms_numbers,
	.voice_region = twilio_voice_region,
	.video = twilio_video,
	.number_search = twilio_number_search,
	.number_price = twilio_number_price,
	.number_buy = twilio_number_buy,
	.number_transfer = twilio_number_transfer,
	.test_call = twilio_test_call,
	.call_status = twilio_call_status,
	.message_send = twilio_message_send,
};
