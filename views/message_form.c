/*
 * The fields of a message in a form: gaps first, then what is known, which may be said
 * otherwise. The message stands below and changes with every key. What was typed is kept for
 * each incident and message while the console lives, whatever becomes of form or connection.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/messages.h"

enum { LINE_MAX_BYTES = 500 };

/* ---- drafts ---- */

static bool is_draft_of(const struct message_draft *d, const struct messages *m)
{
	return str_eq(d->id, m->id) && str_eq(d->name, m->name) && str_eq(d->vendor, m->vendor);
}

struct message_draft *messages_draft(const struct messages *m)
{
	struct message_draft *d = m->drafts;

	while (d && !is_draft_of(d, m))
		d = d->next;
	return d;
}

static void drop(struct message_draft **at)
{
	struct message_draft *d = *at;

	*at = d->next;
	free_p(&d->fields);
	free_p(&d);
}

void messages_draft_drop(struct messages *m, const char *id, const char *name)
{
	for (struct message_draft **p = &m->drafts; *p;)
		if (!id || (str_eq((*p)->id, id) && str_eq((*p)->name, name)))
			drop(p);
		else
			p = &(*p)->next;
}

static bool was_typed(const struct message_field *f)
{
	return str_eq(f->from, "given");
}

/* What differs from what is known by itself. How many. */
static size_t keep(struct messages *m, const struct form *f)
{
	struct message_draft *d = messages_draft(m);
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);
	size_t n = 0;

	jw_obj(&w, NULL);
	for (size_t i = 0; i < m->n_rows; i++) {
		const struct message_field *x = &m->fields[m->row_field[i]];
		const char *text = form_get(f, i);

		if (!text || (x->value && !was_typed(x) && str_eq(text, x->value)))
			continue;
		jw_str(&w, x->name, text);
		n++;
	}
	jw_obj_end(&w);
	if (!d && n) {
		d = xcalloc(1, sizeof(*d));
		snprintf(d->id, sizeof(d->id), "%s", m->id);
		snprintf(d->name, sizeof(d->name), "%s", m->name);
		snprintf(d->vendor, sizeof(d->vendor), "%s", m->vendor);
		d->next = m->drafts;
		m->drafts = d;
	}
	if (d)
		str_replace(&d->fields, str_get(&b));
	if (d && !n)
		messages_draft_drop(m, m->id, m->name);
	str_fini(&b);
	return n;
}

void messages_ask(struct messages *m, client_done done)
{
	const struct message_draft *d = messages_draft(m);
	struct str path = STR_INIT(400), body = STR_INIT(70000);
	struct jw w = JW(&body);

	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, m->id);
	str_add(&path, "/messages/");
	str_add_urlencoded(&path, m->name);
	str_add(&path, "/preview");
	jw_obj(&w, NULL);
	if (m->vendor[0])
		jw_str(&w, "vendor", m->vendor);
	if (d)
		jw_raw(&w, "fields", d->fields);
	jw_obj_end(&w);
	if (m->request)
		client_cancel(TAKE(m->request));
	m->request = client_send(m->app->client, "POST", str_get(&path), str_get(&body), done, m);
	str_fini(&path);
	str_fini(&body);
}

/* ---- the message as it is typed ---- */

static const struct message_field *field_named(const struct messages *m, const char *name, size_t n)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (strlen(m->fields[i].name) == n && memcmp(m->fields[i].name, name, n) == 0)
			return &m->fields[i];
	return NULL;
}

static const char *value_now(const struct messages *m, const struct form *f,
                             const struct message_field *x)
{
	for (size_t i = 0; x && i < m->n_rows; i++)
		if (&m->fields[m->row_field[i]] == x)
			return form_get(f, i) ? form_get(f, i) : was_typed(x) ? NULL : x->value;
	return x ? x->value : NULL;
}

/* *mark: where the field in focus stands first, (size_t)-1 = nowhere yet. */
static void fill_in(const struct messages *m, const struct form *f, const char *text,
                    struct str *b, size_t *mark)
{
	const char *p = text ? text : "", *at;

	while ((at = strstr(p, "{{")) != NULL) {
		size_t n = strcspn(at + 2, "}");
		const struct message_field *x = field_named(m, at + 2, n);
		const char *value = value_now(m, f, x);

		str_addn(b, p, (size_t)(at - p));
		if (x && *mark == (size_t)-1 && f->focus < m->n_rows &&
		    x == &m->fields[m->row_field[f->focus]])
			*mark = b->len;
		if (value)
			str_add(b, value);
		else
			str_addf(b, "[%.*s?]", (int)n, at + 2);
		p = at + 2 + n;
		p += strncmp(p, "}}", 2) == 0 ? 2 : 0;
	}
	str_add(b, p);
}

static bool has_gap(const char *s, size_t n)
{
	const char *open = memchr(s, '[', n);
	const char *ask = open ? memchr(open, '?', n - (size_t)(open - s)) : NULL;

	return ask && (size_t)(ask + 1 - s) < n && ask[1] == ']';
}

static size_t line_of(const char *text, int w, bool ascii, size_t mark)
{
	const char *s = text;
	size_t line = 0;

	while (*s) {
		const char *next = text_after(s + text_break(s, w, ascii));

		if ((size_t)(next - text) > mark)
			break;
		s = next;
		line++;
	}
	return line;
}

/* Scrolled so that the field in focus is in sight. */
static void draw_message(void *ctx, const struct form *f, struct area a)
{
	const struct messages *m = ctx;
	struct str b = STR_INIT(100000);
	size_t mark = (size_t)-1, skip = 0, line = 0, missing = 0;
	bool ascii = a.c->ascii;
	int w = a.w - 4, y = 1;
	char title[60];

	if (a.h < 2) { /* no room for even one line of it */
		str_fini(&b);
		return;
	}
	fill_in(m, f, m->pattern_subject, &b, &mark);
	str_addc(&b, '\n');
	fill_in(m, f, m->pattern, &b, &mark);
	for (size_t i = 0; i < m->n_fields; i++)
		missing += value_now(m, f, &m->fields[i]) == NULL;
	snprintf(title, sizeof(title), "THE MESSAGE, %zu missing", missing);
	area_rule(a, 0, title);
	if (mark != (size_t)-1)
		line = line_of(str_get(&b), w, ascii, mark);
	if ((int)line >= a.h - 1)
		skip = line - (size_t)(a.h - 1) / 2;
	for (const char *s = str_get(&b); *s && w > 0 && y < a.h;) {
		size_t n = text_break(s, w, ascii);
		_cleanup_(free_p) char *part = xstrndup(s, n);

		if (skip)
			skip--;
		else
			area_text(a, 2, y++, has_gap(s, n) ? ROLE_warn : ROLE_normal, part);
		s = text_after(s + n);
	}
	str_fini(&b);
}

/* ---- the form ---- */

static void got_filled(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct messages *m = ctx;
	struct form *f = shell_form(m->app->shell);
	char text[200];

	m->request = NULL;
	if (status == 200) {
		m->leaving = true;
		form_close(f);
		messages_show(m, doc, true);
	} else {
		snprintf(text, sizeof(text), "NOTHING WAS SENT: %.110s. Kept: ^S tries again",
		         problem ? problem : "no answer");
		form_done(f, text, NULL);
	}
	shell_redraw(m->app->shell);
}

static void on_send(void *ctx, struct form *f)
{
	struct messages *m = ctx;

	keep(m, f);
	messages_ask(m, got_filled);
}

static void on_leaving(void *ctx, const struct form *f)
{
	struct messages *m = ctx;

	if (keep(m, f) && !m->leaving && m->app->shell)
		shell_say(m->app->shell, ROLE_warn,
		          "kept, not sent: m goes on with %s of %s", m->name, m->id);
}

static void on_closed(void *ctx)
{
	struct messages *m = ctx;

	if (m->request)
		client_cancel(TAKE(m->request));
}

void messages_form_fini(struct messages *m)
{
	for (size_t i = 0; i < m->n_rows; i++) {
		char *help = (char *)(uintptr_t)m->rows[i].help;

		free_p(&help);
	}
	free_p(&m->rows);
	free_p(&m->row_field);
	m->n_rows = 0;
}

static char *help_of(const struct message_field *x)
{
	if (!x->value)
		return xasprintf("missing, it stands where [%s?] stands%s%s", x->name,
		                 str_empty(x->how) ? "" : "; ", x->how ? x->how : "");
	if (was_typed(x))
		return xstrdup("typed here; empty = as it is known, or a gap");
	return xasprintf("known (%s); what you type stands in its place",
	                 x->from ? x->from : "by the engine");
}

void messages_form(struct messages *m)
{
	struct form *f = shell_form(m->app->shell);
	char title[80];

	messages_form_fini(m);
	m->rows = xcalloc(m->n_fields + 1, sizeof(*m->rows));
	m->row_field = xcalloc(m->n_fields + 1, sizeof(*m->row_field));
	for (size_t i = 0; i < m->n_fields && m->n_rows < FORM_ROWS; i++) {
		const struct message_field *x = &m->fields[i];

		if (x->value && (strlen(x->value) > LINE_MAX_BYTES || strchr(x->value, '\n')))
			continue; /* a list of the engine's: it stays as it is */
		m->rows[m->n_rows] = (struct form_row){
			.name = x->name, .label = x->name, .help = help_of(x), .kind = FORM_TEXT
		};
		m->row_field[m->n_rows++] = i;
	}
	if (!m->n_rows) {
		shell_say(m->app->shell, ROLE_hint, "this message has no fields to fill in");
		return;
	}
	snprintf(title, sizeof(title), "%s of %s: %zu missing", m->name, m->id, m->n_gaps);
	m->leaving = false;
	form_open(f, title, m->rows, m->n_rows, on_send, on_closed, m);
	f->leaving = on_leaving;
	f->below = draw_message;
	snprintf(f->sent, sizeof(f->sent), "asking the engine for the message as it is now ..");
	for (size_t i = 0; i < m->n_rows; i++)
		form_set(f, m->rows[i].name, m->fields[m->row_field[i]].value);
	shell_redraw(m->app->shell);
}
