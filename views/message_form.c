/*
 * The fields of a message in a form: gaps first, then what is known, which may be said
 * otherwise; after them its subject and body, which may be worded otherwise as a whole. The
 * message stands below and changes with every key; the body takes that place while it is written.
 * Words that nobody changed follow the fields; in changed ones [name?] still stands for a field.
 * What was typed is kept (message_draft.c), whatever becomes of form or connection.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/draft.h"
#include "views/messages.h"

/* Longest value of the engine's that is worth a row; the bounds of what the engine takes. */
enum { LINE_MAX_BYTES = 500, SUBJECT_MAX = 500, BODY_MAX = 20000, ORDER_MAX = 2 << 20 };
enum { SUBJECT, BODY, WORDS };

static const char *const words_name[WORDS] = { "the subject", "the body" };

static bool was_typed(const struct message_field *f)
{
	return str_eq(f->from, "given");
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

/* Subject or body as a person worded it; NULL = as the fields make it. */
static const char *own_words(const struct messages *m, const struct form *f, int k)
{
	const char *text = form_get(f, m->n_rows + (size_t)k);

	return str_empty(text) || str_eq(text, m->shown[k]) ? NULL : text;
}

/* The next field in a text: {{name}}, in a person's words [name?]; NULL = no more. */
static const char *next_field(const char *p, bool own, const char **name, size_t *n, size_t *len)
{
	for (; (p = strstr(p, own ? "[" : "{{")); p++) {
		*name = p + (own ? 1 : 2);
		*n = strcspn(*name, own ? "[?]" : "}");
		*len = (size_t)(*name - p) + *n;
		*len += own || strncmp(*name + *n, "}}", 2) == 0 ? 2 : 0;
		if (!own || ((*name)[*n] == '?' && (*name)[*n + 1] == ']'))
			return p;
	}
	return NULL;
}

/* *mark: where the field in focus stands first, (size_t)-1 = nowhere yet. */
static void fill_in(const struct messages *m, const struct form *f, int k, bool own, struct str *b,
                    size_t *mark)
{
	const char *pattern = k == SUBJECT ? m->pattern_subject : m->pattern;
	const char *p = own ? own_words(m, f, k) : pattern, *at, *name;
	size_t n, len;

	for (p = p ? p : ""; (at = next_field(p, own, &name, &n, &len)); p = at + len) {
		const struct message_field *x = field_named(m, name, n);
		const char *value = value_now(m, f, x);

		str_addn(b, p, (size_t)(at - p));
		if (x && *mark == (size_t)-1 && f->focus < m->n_rows &&
		    x == &m->fields[m->row_field[f->focus]])
			*mark = b->len;
		if (value)
			str_add(b, value);
		else
			str_addf(b, "[%.*s?]", (int)n, name);
	}
	str_add(b, p);
}

static void whole(const struct messages *m, const struct form *f, struct str *b, size_t *mark)
{
	for (int k = 0; k < WORDS; k++) {
		fill_in(m, f, k, own_words(m, f, k) != NULL, b, mark);
		if (k == SUBJECT)
			str_addc(b, '\n');
	}
}

/* Fields without a value that still stand in it. */
static size_t count_missing(const struct messages *m, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_fields; i++) {
		_cleanup_(free_p) char *gap = xasprintf("[%s?]", m->fields[i].name);

		n += strstr(text, gap) != NULL;
	}
	return n;
}

/* ---- what is kept ---- */

/* What differs from what is known by itself. How much. */
static size_t keep(struct messages *m, const struct form *f)
{
	const char *subject = own_words(m, f, SUBJECT), *body = own_words(m, f, BODY);
	_cleanup_(str_fini) struct str b = STR_INIT(ORDER_MAX);
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
	messages_draft_put(m, n ? str_get(&b) : NULL, subject, body);
	return n + (subject != NULL) + (body != NULL);
}

bool app_message_keep(struct app *a)
{
	struct messages *m = a->messages;
	struct form *f = a->shell ? shell_form(a->shell) : NULL;
	int64_t now = loop_now_ms(a->loop);

	if (!m || !m->in_form || m->request || !f || !f->open)
		return false;
	if (now - m->kept_ms < DRAFT_KEEP_MS)
		return true;
	m->kept_ms = now;
	keep(m, f);
	return false;
}

void messages_ask(struct messages *m, client_done done)
{
	const struct message_draft *d = messages_draft(m);
	struct str path = STR_INIT(400), body = STR_INIT(ORDER_MAX);
	struct jw w = JW(&body);

	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, m->id);
	str_add(&path, "/messages/");
	str_add_urlencoded(&path, m->name);
	str_add(&path, "/preview");
	jw_obj(&w, NULL);
	if (m->vendor[0])
		jw_str(&w, "vendor", m->vendor);
	if (d && d->fields)
		jw_raw(&w, "fields", d->fields);
	messages_draft_words(m, &w);
	jw_obj_end(&w);
	if (m->request)
		client_cancel(TAKE(m->request));
	m->request = client_send(m->app->client, "POST", str_get(&path), str_get(&body), done, m);
	str_fini(&path);
	str_fini(&body);
}

/* ---- drawing ---- */

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
	_cleanup_(str_fini) struct str b = STR_INIT(100000);
	size_t mark = (size_t)-1, skip = 0, line = 0;
	bool ascii = a.c->ascii;
	int w = a.w - 4, y = 1;
	char title[80];

	if (a.h < 2) /* no room for even one line of it */
		return;
	whole(m, f, &b, &mark);
	if (own_words(m, f, BODY) && mark == (size_t)-1 && f->focus < m->n_rows)
		snprintf(title, sizeof(title), "THE MESSAGE IN YOUR WORDS, without %.40s",
		         m->rows[f->focus].name);
	else
		snprintf(title, sizeof(title), "THE MESSAGE%s, %zu missing",
		         own_words(m, f, SUBJECT) || own_words(m, f, BODY) ? " IN YOUR WORDS" : "",
		         count_missing(m, str_get(&b)));
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
}

/* ---- the form ---- */

/* Words that nobody changed follow the fields. */
static void on_entered(void *ctx, struct form *f)
{
	struct messages *m = ctx;

	for (int k = 0; k < WORDS; k++) {
		_cleanup_(str_fini) struct str b = STR_INIT(100000);
		size_t mark = 0;

		if (own_words(m, f, k))
			continue;
		fill_in(m, f, k, false, &b, &mark);
		form_set(f, words_name[k], str_get(&b));
		str_replace(&m->shown[k], form_get(f, m->n_rows + (size_t)k));
		if (k == BODY)
			f->pad.at = 0;
	}
}

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

	m->in_form = false;
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
	for (int k = 0; k < WORDS; k++)
		free_p(&m->shown[k]);
}

static char *help_of(const struct message_field *x)
{
	if (!x->value)
		return xasprintf("[%s?] is missing%s%s", x->name, str_empty(x->how) ? "" : ": ",
		                 x->how ? x->how : "");
	if (was_typed(x))
		return xstrdup("typed here; empty = as it is known, or a gap");
	return xasprintf("known (%s); what you type stands in its place",
	                 x->from ? x->from : "by the engine");
}

static void make_rows(struct messages *m)
{
	const struct form_row words[WORDS] = {
		{ words_name[SUBJECT], "SUBJECT",
		  "said otherwise as a whole; empty = the template's again", FORM_TEXT, false },
		{ words_name[BODY], "BODY", "said otherwise as a whole: [name?] still stands for a "
		  "field; all of it deleted = the template's again", FORM_AREA, false },
	};

	m->rows = xcalloc(m->n_fields + WORDS, sizeof(*m->rows));
	m->row_field = xcalloc(m->n_fields + 1, sizeof(*m->row_field));
	for (size_t i = 0; i < m->n_fields && m->n_rows < FORM_ROWS - WORDS; i++) {
		const struct message_field *x = &m->fields[i];

		if (x->value && !was_typed(x) &&
		    (strlen(x->value) > LINE_MAX_BYTES || strchr(x->value, '\n')))
			continue; /* a list of the engine's: it stays as it is */
		m->rows[m->n_rows] = (struct form_row){
			.name = x->name, .label = x->name, .help = help_of(x), .kind = FORM_LINES
		};
		m->row_field[m->n_rows++] = i;
	}
	memcpy(m->rows + m->n_rows, words, sizeof(words));
}

void messages_form(struct messages *m, bool body)
{
	struct form *f = shell_form(m->app->shell);
	const struct message_draft *d = messages_draft(m);
	char title[80];

	messages_form_fini(m);
	make_rows(m);
	snprintf(title, sizeof(title), "%s of %s: %zu missing", m->name, m->id, m->n_gaps);
	m->leaving = false;
	form_open(f, title, m->rows, m->n_rows + WORDS, on_send, on_closed, m);
	form_area(f, BODY_MAX, true);
	f->values[m->n_rows + SUBJECT].max = SUBJECT_MAX;
	f->leaving = on_leaving;
	f->entered = on_entered;
	f->below = draw_message;
	snprintf(f->sent, sizeof(f->sent), "asking the engine for the message as it is now ..");
	for (size_t i = 0; i < m->n_rows; i++)
		form_set(f, m->rows[i].name, m->fields[m->row_field[i]].value);
	on_entered(m, f);
	if (d && d->subject)
		form_set(f, words_name[SUBJECT], d->subject);
	if (d && d->body)
		form_set(f, words_name[BODY], d->body);
	form_focus(f, body ? m->n_rows + BODY : 0);
	m->in_form = true;
	shell_redraw(m->app->shell);
}
