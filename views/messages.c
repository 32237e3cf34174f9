/*
 * m: what can be told of an incident: each message as it would be sent, its gaps marked, and
 * what a provider's support asks for. Sending is an order with a word to be typed; what was
 * shown is what is sent, by its hash. A message with gaps is sent only by choosing so, with
 * each gap named; else its fields are filled in, or it is worded otherwise, first
 * (message_form.c).
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"
#include "views/messages.h"

static void forget(struct messages *m)
{
	for (size_t i = 0; i < m->n_fields; i++) {
		free_p(&m->fields[i].name);
		free_p(&m->fields[i].value);
		free_p(&m->fields[i].from);
		free_p(&m->fields[i].how);
	}
	free_p(&m->fields);
	free_p(&m->pattern_subject);
	free_p(&m->pattern);
	free_p(&m->to);
	free_p(&m->components);
	m->n_fields = m->n_gaps = 0;
	m->hash[0] = '\0';
}

static void failed(struct messages *m, const char *problem)
{
	shell_say(m->app->shell, ROLE_error, "messages: %s%s", problem ? problem : "no answer",
	          m->drafts ? "; what you typed is kept" : "");
}

static const char *str(const struct json *v, const char *name)
{
	return json_get_str(v, name) ? json_get_str(v, name) : "";
}

static int text_columns(const struct messages *m)
{
	return shell_width(m->app->shell) - 4 > 20 ? shell_width(m->app->shell) - 4 : 20;
}

/* Each line of it, those with a gap in the colour of a warning. */
static void put_text(const struct messages *m, struct sheet *s, const char *text)
{
	while (*text) {
		_cleanup_(free_p) char *line = xstrndup(text, strcspn(text, "\n"));
		bool gap = strchr(line, '[') && strstr(line, "?]");

		if (*line)
			sheet_text(s, gap ? ROLE_warn : ROLE_normal, text_columns(m), line);
		else
			sheet_line(s, ROLE_normal, "%s", "");
		text += strlen(line);
		text += *text == '\n';
	}
}

static void put_recipients(struct sheet *s, const struct json *list)
{
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		bool ready = json_get_bool(x, "configured", true);

		sheet_line(s, ready ? ROLE_normal : ROLE_warn, "TO       %s%s%s%s%s%s%s",
		           str(x, "channel"), *str(x, "recipient") ? " " : "", str(x, "recipient"),
		           *str(x, "as") ? " as " : "", str(x, "as"), ready ? "" : "  NOT TOLD: ",
		           ready ? "" : str(x, "why"));
	}
}

static void add_field(struct messages *m, const char *name, const char *value, const char *from)
{
	m->fields[m->n_fields++] = (struct message_field){ .name = xstrdup(name),
		                                           .value = xstrdup(value),
		                                           .from = xstrdup(from) };
}

static bool has_field(const struct messages *m, const char *name)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (str_eq(m->fields[i].name, name))
			return true;
	return false;
}

/* Fields of the template that stand no more in a person's words: those could be its again. */
static void keep_unused(struct messages *m, const char *pattern, size_t max)
{
	for (const char *at = pattern; (at = strstr(at, "{{")) && m->n_fields < max; at += 2) {
		_cleanup_(free_p) char *name = xstrndup(at + 2, strcspn(at + 2, "}"));

		if (!has_field(m, name))
			add_field(m, name, NULL, NULL);
	}
}

static void keep_fields(struct messages *m, const struct json *doc)
{
	enum { UNUSED = 40 };
	const struct json *missing = json_get(doc, "missing"), *known = json_get(doc, "fields");
	size_t n = json_count(missing) + json_count(known);

	m->fields = xcalloc(n + UNUSED, sizeof(*m->fields));
	for (const struct json *x = json_first(missing); x; x = json_next(x))
		if (json_str(x))
			add_field(m, json_str(x), NULL, NULL);
	m->n_gaps = m->n_fields;
	for (const struct json *x = json_first(json_get(doc, "gaps")); x; x = json_next(x))
		for (size_t i = 0; i < m->n_gaps; i++)
			if (str_eq(m->fields[i].name, json_get_str(x, "name")))
				str_replace(&m->fields[i].how, json_get_str(x, "how"));
	for (int typed = 1; typed >= 0; typed--)
		for (const struct json *x = json_first(known); x; x = json_next(x))
			if (json_get_str(x, "value") && json_get_str(x, "name") &&
			    str_eq(str(x, "from"), "given") == (typed == 1))
				add_field(m, str(x, "name"), str(x, "value"), str(x, "from"));
	keep_unused(m, str(json_get(doc, "pattern"), "subject"), n + UNUSED);
	keep_unused(m, str(json_get(doc, "pattern"), "body"), n + UNUSED);
}

/* What our status page will say of each component goes along as it was shown. */
static void keep_components(struct messages *m, const struct json *doc)
{
	const struct json *list = json_path(doc, "statusPage.components");
	struct str b = STR_INIT(20000);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (const struct json *x = json_first(list); x; x = json_next(x))
		if (json_get_str(x, "name"))
			jw_str(&w, str(x, "name"), json_get_str(x, "state"));
	jw_obj_end(&w);
	str_replace(&m->components, json_count(list) ? str_get(&b) : NULL);
	str_fini(&b);
}

/* "Phone calls: degraded_performance (12 of 40 agents fail)"; false: it stays as it is there. */
static bool component_text(const struct json *x, char *buf, size_t n)
{
	const char *state = json_get_str(x, "state");
	const char *why = !state || str_eq(state, "operational") ? "" : str(x, "why");

	snprintf(buf, n, "PAGE     %s: %s%s%s%s", str(x, "name"),
	         state ? state : "as it stands there", *why ? " (" : "", why, *why ? ")" : "");
	return state != NULL;
}

/* "a new incident there, status investigating"; "" = it does not go there. */
static void page_text(const struct json *page, char *buf, size_t n)
{
	const char *action = json_get_str(page, "action"), *status = json_get_str(page, "status");

	snprintf(buf, n, "%s%s%s",
	         !action                    ? ""
	         : str_eq(action, "update") ? "goes on with its incident there"
	                                    : "a new incident there",
	         action && status ? ", status " : "", action && status ? status : "");
}

/* What the dialog shows and sends is what the sheet showed. */
static void keep_preview(struct messages *m, const struct json *doc)
{
	const struct json *pattern = json_get(doc, "pattern");
	struct str to = STR_INIT(2000);

	forget(m);
	snprintf(m->hash, sizeof(m->hash), "%s", str(doc, "hash"));
	keep_fields(m, doc);
	keep_components(m, doc);
	for (const struct json *x = json_first(json_get(doc, "to")); x; x = json_next(x))
		if (json_get_bool(x, "configured", true))
			str_addf(&to, "%s%s%s%s", to.len ? ", " : "", str(x, "channel"),
			         *str(x, "recipient") ? " " : "", str(x, "recipient"));
	m->to = str_take(&to);
	m->pattern_subject = xstrdup(str(pattern, "subject"));
	m->pattern = xstrdup(str(pattern, "body"));
}

/* "eta, cause" */
static void gap_names(const struct messages *m, char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < m->n_gaps && at < n; i++)
		at += (size_t)snprintf(buf + at, n - at, "%s%.60s", i ? ", " : "",
		                       m->fields[i].name);
}

static void send_it(struct messages *m)
{
	struct subject s = { .kind = "telling" };
	struct str command = STR_INIT(sizeof(s.command) - 1);

	const struct message_draft *d = messages_draft(m);

	snprintf(s.id, sizeof(s.id), "%.20s/messages/%.30s", m->id, m->name);
	snprintf(s.title, sizeof(s.title), "%s", m->name);
	str_addf(&command, "ringdown incident tell %s %s", m->id, m->name);
	if (m->vendor[0])
		str_addf(&command, " --vendor %s", m->vendor);
	for (size_t i = 0; i < m->n_fields; i++)
		if (str_eq(m->fields[i].from, "given"))
			str_addf(&command, " --field %s=..", m->fields[i].name);
	if (d && d->subject)
		str_add(&command, " --subject ..");
	if (d && d->body)
		str_add(&command, " --body @FILE");
	for (size_t i = 0; i < m->n_gaps; i++)
		str_addf(&command, "%s%s", i ? "," : " --with-gaps ", m->fields[i].name);
	snprintf(s.command, sizeof(s.command), "%s", str_get(&command));
	str_fini(&command);
	app_act(m->app, "inc-tell", &s);
}

static void chosen_act(void *ctx, const char *value)
{
	if (str_eq(value, "fill") || str_eq(value, "words"))
		messages_form(ctx, *value == 'w');
	else
		send_it(ctx);
}

static void put_choices(struct messages *m, struct sheet *s)
{
	char why[160], names[500];

	app_people_why_not(m->app, why, sizeof(why));
	gap_names(m, names, sizeof(names));
	if (why[0]) {
		sheet_line(s, ROLE_dim, "fill in, reword, send: not now, %s", why);
		return;
	}
	if (m->n_gaps) {
		sheet_choice(s, 'f', "fill", "fill in what is missing: %s", names);
		sheet_choice(s, 'g', "gaps", "send WITH %zu GAP%s, said as \"not known yet\" (asks "
		             "first): %s", m->n_gaps, m->n_gaps > 1 ? "S" : "", names);
	} else {
		sheet_choice(s, 's', "send", "send it (asks first)");
		sheet_choice(s, 'f', "fill", "say some of it otherwise");
	}
	sheet_choice(s, 'r', "words", "reword it: subject and body as a whole");
}

/* What our status page does with it, and what it will say of each component. */
static void put_page(struct sheet *s, const struct json *page)
{
	char text[300];

	page_text(page, text, sizeof(text));
	if (text[0])
		sheet_line(s, ROLE_normal, "PAGE     %s", text);
	for (const struct json *x = json_first(json_get(page, "components")); x;
	     x = json_next(x)) {
		bool said = component_text(x, text, sizeof(text));

		sheet_line(s, said ? ROLE_normal : ROLE_dim, "%s", text);
	}
}

/* Below the message: how each of its gaps is filled. */
static void put_how(struct messages *m, struct sheet *s)
{
	for (size_t i = 0; i < m->n_gaps; i++) {
		const char *how = m->fields[i].how;
		_cleanup_(free_p) char *text =
		        xasprintf("[%s?] %s", m->fields[i].name,
		                  str_empty(how) ? "nothing in the record gives it" : how);

		if (!i)
			sheet_line(s, ROLE_warn, "HOW TO FILL IT%s",
			           s->choosable ? " (or f: type it here)" : "");
		sheet_text(s, ROLE_normal, text_columns(m), text);
	}
}

static void show_sheet(struct messages *m, const struct json *doc)
{
	struct sheet *s = shell_sheet(m->app->shell);
	struct str command = STR_INIT(4000);
	const struct message_draft *d = messages_draft(m);
	char title[90];

	snprintf(title, sizeof(title), "%s: %.40s%s%s", m->id, str(doc, "title"),
	         m->vendor[0] ? ", to " : "", m->vendor);
	sheet_open(s, title, chosen_act, m);
	put_choices(m, s);
	put_recipients(s, json_get(doc, "to"));
	if (m->n_gaps) {
		char names[500];

		gap_names(m, names, sizeof(names));
		sheet_line(s, ROLE_warn, "MISSING  %s", names);
	}
	if (d)
		sheet_line(s, ROLE_count, "TYPED    %s in it; not sent yet",
		           d->subject || d->body ? "your own words stand"
		                                 : "what you filled in stands");
	put_page(s, json_get(doc, "statusPage"));
	sheet_line(s, ROLE_title, "SUBJECT  %s", str(doc, "subject"));
	put_text(m, s, str(doc, "body"));
	put_how(m, s);
	str_addf(&command, "as a command: ringdown incident tell %s %s%s%s", m->id, m->name,
	         m->vendor[0] ? " --vendor " : "", m->vendor);
	for (size_t i = 0; i < m->n_gaps; i++)
		str_addf(&command, " --field %s=..", m->fields[i].name);
	sheet_text(s, ROLE_dim, text_columns(m), str_get(&command));
	str_fini(&command);
}

void messages_show(struct messages *m, const struct json *doc, bool send)
{
	keep_preview(m, doc);
	if (send && !m->n_gaps)
		send_it(m);
	else
		show_sheet(m, doc);
}

/* ---- the order ---- */

/* Values as they were shown, so that what is counted does not move under it. */
static void put_order(struct messages *m, struct jw *w)
{
	if (m->vendor[0])
		jw_str(w, "vendor", m->vendor);
	jw_obj(w, "fields");
	for (size_t i = m->n_gaps; i < m->n_fields; i++)
		if (m->fields[i].value)
			jw_str(w, m->fields[i].name, m->fields[i].value);
	jw_obj_end(w);
	messages_draft_words(m, w);
	jw_arr(w, "withGaps");
	for (size_t i = 0; i < m->n_gaps; i++)
		jw_str(w, NULL, m->fields[i].name);
	jw_arr_end(w);
}

/* All of it, line by line. */
static void text_lines(struct dialog *g, const char *text)
{
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, "\n"), fits = utf8_prefix(text, n < 900 ? n : 900);

		dialog_line(g, ROLE_normal, first ? "TEXT" : "", "%.*s", fits ? (int)fits : 1,
		            fits ? text : " ");
		text += fits;
		text += *text == '\n';
	}
}

/* The very text that is sent, gaps said as gaps. */
static void got_final(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct decision *d = ctx;
	struct messages *m = d->app->messages;
	struct dialog *g = shell_dialog(d->app->shell);
	struct str page = STR_INIT(1000);
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
	keep_components(m, doc);
	dialog_line(g, ROLE_danger, "TO", "%s", m->to);
	for (const struct json *x = json_first(json_path(doc, "statusPage.components")); x;
	     x = json_next(x))
		if (json_get_str(x, "state"))
			str_addf(&page, "%s%s: %s", page.len ? "; " : "", str(x, "name"),
			         str(x, "state"));
	page_text(json_get(doc, "statusPage"), text, sizeof(text));
	if (text[0])
		dialog_line(g, ROLE_danger, "PAGE", "%s", text);
	if (page.len)
		dialog_line(g, ROLE_normal, text[0] ? "" : "PAGE", "%s", str_get(&page));
	str_fini(&page);
	for (size_t i = 0; i < m->n_gaps; i++)
		dialog_line(g, ROLE_warn, i ? "" : "GAPS", "%s: is sent as \"not known yet\"",
		            m->fields[i].name);
	dialog_line(g, ROLE_normal, "UNDO", "none: what was sent cannot be taken back");
	dialog_line(g, ROLE_title, "SUBJECT", "%s", str(doc, "subject"));
	text_lines(g, str(doc, "body"));
	snprintf(word, sizeof(word), "%04u", (unsigned)(loop_random(d->app->loop) % 9000 + 1000));
	dialog_arm(g, word);
	shell_redraw(d->app->shell);
}

static void fill(struct decision *d, struct dialog *g)
{
	struct messages *m = d->app->messages;
	struct str order = STR_INIT(2 << 20), path = STR_INIT(400);
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
	struct messages *m = d->app->messages;

	(void)g;
	jw_str(w, "hash", m->hash);
	if (m->components)
		jw_raw(w, "components", m->components);
	put_order(m, w);
	return true;
}

static void done(struct app *a, int status, const struct json *doc)
{
	const char *same = json_get_str(doc, "sameAs");
	char clock[WHEN_TEXT];
	int64_t at = 0;

	if (a->messages && status >= 200 && status < 300 && json_get_str(doc, "incident"))
		messages_draft_drop(a->messages, json_get_str(doc, "incident"),
		                    str(doc, "template"), str(doc, "vendor"));
	if (status == 200 && same && parse_time_ms(same, &at))
		shell_say(a->shell, ROLE_warn, "not sent again: the same went out at %s",
		          when_clock(clock, at, shell_utc(a->shell)));
}

const struct action_hooks tell_hooks = { .fill = fill, .body = body, .done = done };

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
		messages_show(m, doc, false);
	shell_redraw(m->app->shell);
}

static bool has_draft(struct messages *m, const char *value)
{
	size_t n = strcspn(value, " ");
	_cleanup_(free_p) char *name = xstrndup(value, n);

	return messages_draft_waits(m, name, value[n] ? value + n + 1 : "");
}

/* "pack VENDOR", "TEMPLATE" or "TEMPLATE VENDOR" */
static void chosen(void *ctx, const char *value)
{
	struct messages *m = ctx;
	bool pack = str_has_prefix(value, "pack ");
	size_t n = strcspn(pack ? value + 5 : value, " ");
	struct str path = STR_INIT(400);

	snprintf(m->name, sizeof(m->name), "%.*s", (int)n, pack ? value + 5 : value);
	snprintf(m->vendor, sizeof(m->vendor), "%s", pack || !value[n] ? "" : value + n + 1);
	if (!pack) {
		messages_ask(m, got_preview);
		return;
	}
	str_addf(&path, "/api/v1/incidents/%s/vendor/", m->id);
	str_add_urlencoded(&path, m->name);
	m->request = client_get(m->app->client, str_get(&path), got_preview, m);
	str_fini(&path);
}

static void put_template(struct messages *m, struct sheet *s, const struct json *x, char *key)
{
	static const char *const vendors[] = { "twilio", "telnyx" };
	char missing[160], value[128];
	size_t at = 0;

	missing[0] = '\0';
	for (const struct json *f = json_first(json_get(x, "missing")); f && at < sizeof(missing);
	     f = json_next(f))
		at += (size_t)snprintf(missing + at, sizeof(missing) - at, "%s%.30s",
		                       at ? ", " : "; missing ", json_str(f) ? json_str(f) : "?");
	for (size_t i = 0; i < COUNT_OF(vendors); i++) {
		bool to = json_get_bool(x, "vendor", false);

		if (!to && i)
			break;
		snprintf(value, sizeof(value), "%.60s%s%s", str(x, "id"), to ? " " : "",
		         to ? vendors[i] : "");
		sheet_choice(s, *key <= '9' ? (*key)++ : 0, value, "%s%s%s%s%s", str(x, "title"),
		             to ? ", " : "", to ? vendors[i] : "", missing,
		             has_draft(m, value) ? "; a draft is kept" : "");
	}
}

static void got_list(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct messages *m = ctx;
	struct sheet *s = shell_sheet(m->app->shell);
	char title[80], key = '1';

	m->request = NULL;
	if (status != 200) {
		failed(m, problem);
		return;
	}
	snprintf(title, sizeof(title), "MESSAGES OF %s", m->id);
	sheet_open(s, title, chosen, m);
	for (const struct json *x = json_first(json_get(doc, "templates")); x; x = json_next(x))
		put_template(m, s, x, &key);
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
	messages_drafts_free(a->messages);
	messages_form_fini(a->messages);
	forget(a->messages);
	free_p(&a->messages);
}
