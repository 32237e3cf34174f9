/*
 * Twilio calls and messages: recent ones as compact records for the traffic
 * probe, calls in progress, error codes of a call; a test call and a single
 * message, sent only on a person's order or as a notification.
 *
 * Lists are newest first and stop at the window or at the page cap, because a
 * sweep counts against the concurrency of the very account that is ill.
 */
#include "providers/twilio.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static const char *const call_states[] = {
	[CALL_STATUS_UNKNOWN] = "unknown",	   [CALL_STATUS_QUEUED] = "queued",
	[CALL_STATUS_RINGING] = "ringing",	   [CALL_STATUS_IN_PROGRESS] = "in-progress",
	[CALL_STATUS_COMPLETED] = "completed",	   [CALL_STATUS_BUSY] = "busy",
	[CALL_STATUS_FAILED] = "failed",	   [CALL_STATUS_NO_ANSWER] = "no-answer",
	[CALL_STATUS_CANCELED] = "canceled",
};
static const char *const message_states[] = {
	[MESSAGE_UNKNOWN] = "unknown",	   [MESSAGE_QUEUED] = "queued",
	[MESSAGE_SENDING] = "sending",	   [MESSAGE_SENT] = "sent",
	[MESSAGE_FAILED] = "failed",	   [MESSAGE_DELIVERED] = "delivered",
	[MESSAGE_UNDELIVERED] = "undelivered", [MESSAGE_RECEIVED] = "received",
	[MESSAGE_CANCELED] = "canceled",
};

const char *call_status_name(enum call_status s)
{
	return (size_t)s < COUNT_OF(call_states) ? call_states[s] : "unknown";
}

const char *message_status_name(enum message_status s)
{
	return (size_t)s < COUNT_OF(message_states) ? message_states[s] : "unknown";
}

static int find(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (word && !strcmp(names[i], word))
			return (int)i;
	return 0;
}

static enum message_status message_state(const char *word)
{
	static const struct { const char *word; enum message_status state; } more[] = {
		{ "accepted", MESSAGE_QUEUED },	   { "scheduled", MESSAGE_QUEUED },
		{ "receiving", MESSAGE_RECEIVED }, { "read", MESSAGE_DELIVERED },
		{ "partially_delivered", MESSAGE_SENT },
	};

	for (size_t i = 0; i < COUNT_OF(more); i++)
		if (str_eq(word, more[i].word))
			return more[i].state;
	return (enum message_status)find(message_states, COUNT_OF(message_states), word);
}

/* "Name>=2026-11-21T03:12:47Z": the comparison is part of the parameter's name. */
static void add_since(struct str *path, const char *name_op, int64_t since_ms)
{
	char t[TIME_TEXT];

	format_time(t, since_ms - since_ms % 1000);
	if (strlen(t) > 20) /* without milliseconds */
		snprintf(t + 19, sizeof(t) - 19, "Z");
	str_addc(path, '&');
	str_add_urlencoded(path, name_op);
	str_addc(path, '=');
	str_add_urlencoded(path, t);
}

/* ---- calls ---------------------------------------------------------------------- */

static int read_call(struct row *v, struct call_record *ret)
{
	char direction[16], status[16];

	row_text(v, "sid", ret->sid, sizeof(ret->sid));
	row_text(v, "status", status, sizeof(status));
	if (!ret->sid[0] || !status[0])
		return -1;
	row_text(v, "from", ret->from, sizeof(ret->from));
	row_text(v, "to", ret->to, sizeof(ret->to));
	row_text(v, "direction", direction, sizeof(direction));
	ret->status = (enum call_status)find(call_states, COUNT_OF(call_states), status);
	ret->inbound = !strcmp(direction, "inbound");
	ret->duration_s = (int)row_int(v, "duration", 0);
	ret->start_ms = row_time(v, "start_time");
	if (!ret->start_ms)
		ret->start_ms = row_time(v, "date_created");
	ret->end_ms = row_time(v, "end_time");
	return 0;
}

/* Newest first, back to a wall time. */
static void walk_since(OP_HEAD, struct twilio_walk *w, const char *rest, const char *date,
		       int64_t since_ms, struct call_info *info)
{
	struct str path = STR_INIT(512);

	info_begin(info);
	twilio_path(&path, c->account_sid, rest);
	add_since(&path, date, since_ms);
	w->path = str_get(&path);
	twilio_walk(p, c, w, info);
	str_fini(&path);
}

struct call_window { struct call_list *list; int64_t since_ms; };

static int add_call(void *ctx, struct row *item)
{
	struct call_window *w = ctx;
	struct call_record r = { 0 };

	if (read_call(item, &r))
		return -1;
	if (r.start_ms && r.start_ms < w->since_ms)
		return 1;
	*LIST_PUSH(w->list) = r;
	return 0;
}

enum call_result twilio_calls(OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret,
			      struct call_info *info)
{
	struct call_window ctx = { .list = ret, .since_ms = since_ms };
	struct twilio_walk w = { .host = TW_API, .list = "calls", .max_pages = max_pages,
				 .fn = add_call, .ctx = &ctx };

	*ret = (struct call_list){ 0 };
	walk_since(p, c, &w, "/Calls.json?PageSize=1000", "StartTime>", since_ms, info);
	ret->more = w.more;
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

static int count_call(void *ctx, struct row *item)
{
	if (!row_has(item, "sid"))
		return -1;
	++*(int *)ctx;
	return 0;
}

enum call_result twilio_calls_live(OP_HEAD, const char *number, int *ret, struct call_info *info)
{
	struct str path = STR_INIT(512);
	int n = 0;

	info_begin(info);
	*ret = 0;
	twilio_path(&path, c->account_sid, "/Calls.json?PageSize=1000&Status=in-progress");
	if (number) {
		str_add(&path, "&To=");
		str_add_urlencoded(&path, number);
	}
	struct twilio_walk w = { .host = TW_API, .path = str_get(&path), .list = "calls",
				 .max_pages = 1, .fn = count_call, .ctx = &n };
	if (twilio_walk(p, c, &w, info) == CALL_OK)
		*ret = n;
	str_fini(&path);
	return info->result;
}

static void call_path(struct str *path, const struct credentials *c, const char *sid,
		      const char *rest)
{
	twilio_path(path, c->account_sid, "/Calls/");
	str_add_urlencoded(path, sid);
	str_add(path, rest);
}

enum call_result twilio_call_status(OP_HEAD, const char *sid, struct call_record *ret,
				    struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct call_record){ 0 };
	call_path(&path, c, sid, ".json");
	twilio_get(p, c, CRED_MAIN, TW_API, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	struct str text = STR_INIT(64 * 1024);
	struct row row;
	if (row_of_json(&row, v, &text) || read_call(&row, ret)) {
		*ret = (struct call_record){ 0 };
		info_garbled(info, false, "not a call", NULL, 0);
	}
	str_fini(&text);
	return info->result;
}

static int add_code(void *ctx, struct row *item)
{
	struct code_list *l = ctx;
	int64_t code = row_int(item, "error_code", 0);

	if (code > 0 && code <= INT32_MAX)
		*LIST_PUSH(l) = (int)code;
	return 0;
}

enum call_result twilio_call_codes(OP_HEAD, const char *call_sid, struct code_list *ret,
				   struct call_info *info)
{
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct code_list){ 0 };
	call_path(&path, c, call_sid, "/Notifications.json?PageSize=50");
	struct twilio_walk w = { .host = TW_API, .path = str_get(&path), .list = "notifications",
				 .max_pages = 1, .fn = add_code, .ctx = ret };
	twilio_walk(p, c, &w, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

/* ---- messages ------------------------------------------------------------------- */

struct message_window { struct message_list *list; int64_t since_ms; };

static int add_message(void *ctx, struct row *item)
{
	struct message_window *w = ctx;
	struct message_record r = { 0 };
	char direction[16], status[24];

	row_text(item, "sid", r.sid, sizeof(r.sid));
	row_text(item, "status", status, sizeof(status));
	if (!r.sid[0] || !status[0])
		return -1;
	row_text(item, "from", r.from, sizeof(r.from));
	row_text(item, "to", r.to, sizeof(r.to));
	row_text(item, "direction", direction, sizeof(direction));
	r.status = message_state(status);
	r.inbound = !strcmp(direction, "inbound");
	int64_t code = row_int(item, "error_code", 0);
	r.code = code > 0 && code <= INT32_MAX ? (int)code : 0;
	r.at_ms = row_time(item, "date_sent");
	if (!r.at_ms)
		r.at_ms = row_time(item, "date_created");
	if (r.at_ms && r.at_ms < w->since_ms)
		return 1;
	*LIST_PUSH(w->list) = r;
	return 0;
}

enum call_result twilio_messages(OP_HEAD, int64_t since_ms, int max_pages,
				 struct message_list *ret, struct call_info *info)
{
	struct message_window ctx = { .list = ret, .since_ms = since_ms };
	struct twilio_walk w = { .host = TW_API, .list = "messages", .max_pages = max_pages,
				 .fn = add_message, .ctx = &ctx };

	*ret = (struct message_list){ 0 };
	walk_since(p, c, &w, "/Messages.json?PageSize=1000", "DateSent>", since_ms, info);
	ret->more = w.more;
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

/* ---- sending -------------------------------------------------------------------- */

static enum call_result create(WRITE_HEAD, const char *rest, struct str *form, char ret_sid[36],
			       struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	ret_sid[0] = 0;
	twilio_path(&path, c->account_sid, rest);
	twilio_post(p, c, guard, CRED_MAIN, TW_API, str_get(&path), str_get(form), &v, info);
	str_fini(&path);
	str_fini(form);
	if (info->result != CALL_OK)
		return info->result;
	text_of(v, "sid", ret_sid, 36);
	if (!ret_sid[0])
		return info_garbled(info, true, "no sid in the answer", NULL, 0);
	return CALL_OK;
}

enum call_result twilio_test_call(WRITE_HEAD, const struct test_call *call, char ret_sid[36],
				  struct call_info *info)
{
	struct str form = STR_INIT(4096);
	char timeout[16];

	info_begin(info);
	snprintf(timeout, sizeof(timeout), "%d", call->timeout_s > 0 ? call->timeout_s : 20);
	form_add(&form, "To", call->to);
	form_add(&form, "From", call->from);
	if (str_empty(call->url))
		form_add(&form, "Twiml",
			 call->twiml ? call->twiml
				     : "<Response><Pause length=\"2\"/><Hangup/></Response>");
	else
		form_add(&form, "Url", call->url);
	form_add(&form, "Timeout", timeout);
	return create(p, c, guard, "/Calls.json", &form, ret_sid, info);
}

enum call_result twilio_message_send(WRITE_HEAD, const char *from, const char *to,
				     const char *text, char ret_sid[36], struct call_info *info)
{
	struct str form = STR_INIT(16384);

	info_begin(info);
	form_add(&form, "To", to);
	form_add(&form, str_has_prefix(from, "MG") ? "MessagingServiceSid" : "From", from);
	form_add(&form, "Body", text);
	return create(p, c, guard, "/Messages.json", &form, ret_sid, info);
}
