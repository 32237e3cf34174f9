/*
 * m: what can be told of an incident: each message as it would be sent, its gaps marked, and
 * what a provider's support asks for. Sending is an order with a word to be typed; what was
 * shown is what is sent, by its hash, and each gap that stays is named before.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"

struct messages {
	struct app *app;
	struct client_request *request;
	char id[24], name[64];
	char hash[48];
	char *fields, *to; /* fields: an object */
	char **gaps;
	size_t n_gaps;
	bool vendor;
};

static void forget(struct messages *m)
{
	for (size_t i = 0; i < m->n_gaps; i++)
		free_p(&m->gaps[i]);
	free_p(&m->gaps);
	free_p(&m->fields);
	free_p(&m->to);
	m->n_gaps = 0;
	m->hash[0] = '\0';
}

static void failed(struct messages *m, const char *problem)
{
	shell_say(m->app->shell, ROLE_error, "messages: %s", problem ? problem : "no answer");
}

/* Text of several lines on lines of the sheet, broken at words. */
static void put_text(const struct messages *m, struct sheet *s, const char *text)
{
	int w = shell_width(m->app->shell) - 6 > 20 ? shell_width(m->app->shell) - 6 : 20;

	while (*text) {
		int n = (int)strcspn(text, "\n"), whole = n;

		if (n > w)
			for (n = w; n > 0 && text[n] != ' '; n--)
				;
		if (n <= 0 && whole > w)
			n = (int)utf8_prefix(text, (size_t)w);
		sheet_line(s,
		           memchr(text, '?', (size_t)n) && memchr(text, '[', (size_t)n)
		                   ? ROLE_warn
		                   : ROLE_normal,
		           "  %.*s", n, text);
		text += n;
		text += *text == '\n' || *text == ' ';
	}
}

static const char *str(const struct json *v, const char *name)
{
	return json_get_str(v, name) ? json_get_str(v, name) : "";
}

static void put_recipients(struct sheet *s, const struct json *list)
{
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		bool ready = json_get_bool(x, "configured", true);

		sheet_line(s, ready ? ROLE_normal : ROLE_warn, "TO       %s %s%s%s%s",
		           str(x, "channel"), str(x, "recipient"), *str(x, "as") ? " as " : "",
		           str(x, "as"), ready ? "" : "  NOT CONFIGURED");
	}
}

/* What the dialog shows and sends is what the sheet showed. */
static void keep_preview(struct messages *m, const struct json *doc)
{
	const struct json *missing = json_get(doc, "missing");
	struct str to = STR_INIT(2000), fields = STR_INIT(65536);
	struct jw w = JW(&fields);

	forget(m);
	snprintf(m->hash, sizeof(m->hash), "%s", str(doc, "hash"));
	jw_obj(&w, NULL);
	for (const struct json *x = json_first(json_get(doc, "fields")); x; x = json_next(x))
		if (json_get_str(x, "value"))
			jw_str(&w, str(x, "name"), str(x, "value"));
	jw_obj_end(&w);
	for (const struct json *x = json_first(json_get(doc, "to")); x; x = json_next(x))
		str_addf(&to, "%s%s %s", to.len ? ", " : "", str(x, "channel"),
		         str(x, "recipient"));
	m->to = str_take(&to);
	m->fields = str_take(&fields);
	m->gaps = xcalloc(json_count(missing) + 1, sizeof(char *));
	for (const struct json *x = json_first(missing); x; x = json_next(x))
		if (json_str(x))
			m->gaps[m->n_gaps++] = xstrdup(json_str(x));
}

static void tell(void *ctx, const char *value)
{
	struct messages *m = ctx;
	struct subject s = { .kind = "telling" };

	(void)value;
	snprintf(s.id, sizeof(s.id), "%.20s/messages/%.30s", m->id, m->name);
	snprintf(s.title, sizeof(s.title), "%s", m->name);
	snprintf(s.command, sizeof(s.command), "ringdown incident tell %s %s", m->id, m->name);
	app_act(m->app, "inc-tell", &s);
}

static void show_preview(struct messages *m, const struct json *doc)
{
	struct sheet *s = shell_sheet(m->app->shell);
	struct str command = STR_INIT(2000);

	keep_preview(m, doc);
	sheet_open(s, str(doc, "title"), tell, m);
	put_recipients(s, json_get(doc, "to"));
	sheet_line(s, ROLE_title, "SUBJECT  %s", str(doc, "subject"));
	put_text(m, s, str(doc, "body"));
	str_addf(&command, "ringdown incident tell %s %s", m->id, m->name);
	for (size_t i = 0; i < m->n_gaps; i++) {
		sheet_line(s, ROLE_warn, "MISSING  %s", m->gaps[i]);
		str_addf(&command, " --field %s=..", m->gaps[i]);
	}
	sheet_line(s, ROLE_dim, "nothing was sent yet; with its gaps filled in:");
	put_text(m, s, str_get(&command));
	sheet_choice(s, 's', "tell", "send it as it stands%s (asks first)",
	             m->n_gaps ? ", with its gaps" : "");
	str_fini(&command);
}

/* ---- the order ---- */

/* Values as they were shown, so that what is counted does not move under it. */
static void put_order(const struct messages *m, struct jw *w)
{
	if (m->vendor)
		jw_str(w, "vendor", "twilio");
	jw_raw(w, "fields", m->fields);
	jw_arr(w, "withGaps");
	for (size_t i = 0; i < m->n_gaps; i++)
		jw_str(w, NULL, m->gaps[i]);
	jw_arr_end(w);
}

/* The very text that is sent, gaps said as gaps. */
static void got_final(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct decision *d = ctx;
	struct messages *m = d->app->messages;
	struct dialog *g = shell_dialog(d->app->shell);
	char text[200], word[16];

	d->request = NULL;
	if (status != 200) {
		snprintf(text, sizeof(text), "not possible: %.160s",
		         problem ? problem : "no answer");
		dialog_disarm(g, text);
		shell_redraw(d->app->shell);
		return;
	}
	snprintf(m->hash, sizeof(m->hash), "%s", str(doc, "hash"));
	dialog_line(g, ROLE_danger, "TO", "%s", m->to);
	dialog_line(g, ROLE_normal, "SUBJECT", "%s", str(doc, "subject"));
	dialog_line(g, ROLE_normal, "TEXT", "%.700s%s", str(doc, "body"),
	            strlen(str(doc, "body")) > 700 ? " .." : "");
	for (size_t i = 0; i < m->n_gaps; i++)
		dialog_line(g, ROLE_warn, i ? "" : "GAPS", "%s", m->gaps[i]);
	dialog_line(g, ROLE_normal, "UNDO", "none: what was sent cannot be taken back");
	snprintf(word, sizeof(word), "%04u", (unsigned)(loop_random(d->app->loop) % 9000 + 1000));
	dialog_arm(g, word);
	shell_redraw(d->app->shell);
}

static void fill(struct decision *d, struct dialog *g)
{
	const struct messages *m = d->app->messages;
	struct str order = STR_INIT(65536), path = STR_INIT(400);
	struct jw w = JW(&order);

	if (!m || !m->hash[0]) {
		dialog_disarm(g, "look at it first (m)");
		return;
	}
	jw_obj(&w, NULL);
	put_order(m, &w);
	jw_obj_end(&w);
	str_addf(&path, "/api/v1/incidents/%s/preview", d->subject.id);
	d->request =
	        client_send(d->app->client, "POST", str_get(&path), str_get(&order), got_final, d);
	str_fini(&order);
	str_fini(&path);
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	const struct messages *m = d->app->messages;

	(void)g;
	jw_str(w, "hash", m->hash);
	put_order(m, w);
	return true;
}

const struct action_hooks tell_hooks = { .fill = fill, .body = body };

static void show_pack(struct messages *m, const struct json *doc)
{
	struct sheet *s = shell_sheet(m->app->shell);
	char title[96];

	snprintf(title, sizeof(title), "%.30s: WHAT THEIR SUPPORT ASKS FOR", str(doc, "name"));
	sheet_open(s, title, NULL, NULL);
	for (const struct json *x = json_first(json_get(doc, "criteria")); x; x = json_next(x)) {
		const struct json *met = json_get(x, "met");
		bool asked = json_type(met) != JSON_BOOL;

		sheet_line(s,
		           asked                   ? ROLE_unknown
		           : json_bool(met, false) ? ROLE_bad
		                                   : ROLE_dim,
		           "%-8s %s (%s)",
		           asked                   ? "?"
		           : json_bool(met, false) ? "ESCALATE"
		                                   : "no",
		           str(x, "text"), str(x, "why"));
	}
	for (const struct json *x = json_first(json_get(doc, "required")); x; x = json_next(x)) {
		bool missing = json_get_bool(x, "missing", false);
		int shown = 0;

		sheet_line(s, missing ? ROLE_warn : ROLE_title, "%s%s", missing ? "MISSING  " : "",
		           str(x, "need"));
		if (missing && *str(x, "hint"))
			sheet_line(s, ROLE_dim, "  %s", str(x, "hint"));
		for (const struct json *v = json_first(json_get(x, "values")); v && shown < 6;
		     v = json_next(v), shown++)
			sheet_line(s, ROLE_normal, "  %s", json_str(v) ? json_str(v) : "");
		if (json_count(json_get(x, "values")) > 6)
			sheet_line(s, ROLE_dim, "  and %zu more",
			           json_count(json_get(x, "values")) - 6);
	}
	for (const struct json *x = json_first(json_get(doc, "contacts")); x; x = json_next(x))
		sheet_line(s, ROLE_normal, "level %lld  %s %s",
		           (long long)json_get_i64(x, "level", 0), str(x, "via"), str(x, "to"));
	sheet_line(s, ROLE_dim, "as a command: ringdown incident vendor %s %s", m->id, m->name);
}

static void got_preview(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct messages *m = ctx;

	m->request = NULL;
	if (status != 200)
		failed(m, problem);
	else if (json_get(doc, "required"))
		show_pack(m, doc);
	else
		show_preview(m, doc);
	shell_redraw(m->app->shell);
}

static void chosen(void *ctx, const char *value)
{
	struct messages *m = ctx;
	bool pack = str_has_prefix(value, "pack ");
	struct str path = STR_INIT(400);

	snprintf(m->name, sizeof(m->name), "%s", pack ? value + 5 : value);
	str_addf(&path, "/api/v1/incidents/%s/%s/", m->id, pack ? "vendor" : "messages");
	str_add_urlencoded(&path, m->name);
	if (pack) {
		m->request = client_get(m->app->client, str_get(&path), got_preview, m);
	} else {
		str_add(&path, "/preview");
		m->request = client_send(
		        m->app->client, "POST", str_get(&path),
		        str_eq(value, "vendor-escalation") ? "{\"vendor\":\"twilio\"}" : "{}",
		        got_preview, m);
	}
	str_fini(&path);
}

static void got_list(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct messages *m = ctx;
	struct sheet *s = shell_sheet(m->app->shell);
	char title[80], missing[160];
	char key = '1';

	m->request = NULL;
	if (status != 200) {
		failed(m, problem);
		return;
	}
	snprintf(title, sizeof(title), "MESSAGES OF %s", m->id);
	sheet_open(s, title, chosen, m);
	for (const struct json *x = json_first(json_get(doc, "templates")); x; x = json_next(x)) {
		size_t at = 0;

		missing[0] = '\0';
		for (const struct json *f = json_first(json_get(x, "missing"));
		     f && at < sizeof(missing); f = json_next(f))
			at += (size_t)snprintf(missing + at, sizeof(missing) - at, "%s%.30s",
			                       at ? ", " : "; missing ",
			                       json_str(f) ? json_str(f) : "?");
		sheet_choice(s, key <= '9' ? key++ : 0, str(x, "id"), "%s%s", str(x, "title"),
		             missing);
	}
	sheet_choice(s, 't', "pack twilio", "what Twilio's support asks for, filled in");
	sheet_choice(s, 'x', "pack telnyx", "what Telnyx's support asks for, filled in");
	shell_redraw(m->app->shell);
}

void app_messages(struct app *a, const char *incident)
{
	struct messages *m = a->messages;
	struct str path = STR_INIT(300);

	if (app_past(a) || str_empty(incident)) {
		shell_say(a->shell, ROLE_hint,
		          app_past(a) ? "messages: not recorded" : "no incident here");
		return;
	}
	if (!m) {
		m = a->messages = xcalloc(1, sizeof(*m));
		m->app = a;
	}
	if (m->request)
		client_cancel(TAKE(m->request));
	snprintf(m->id, sizeof(m->id), "%s", incident);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, m->id);
	str_add(&path, "/messages");
	m->request = client_get(a->client, str_get(&path), got_list, m);
	str_fini(&path);
}

void app_messages_free(struct app *a)
{
	if (!a->messages)
		return;
	if (a->messages->request)
		client_cancel(a->messages->request);
	forget(a->messages);
	free_p(&a->messages);
}
