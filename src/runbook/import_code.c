/*
 * Code blocks. Only a fence that says it is shell or SQL becomes a step; an unlabelled one is
 * never guessed at. Its text is kept line by line: cut where a comment names the next part,
 * never joined or wrapped. Prompts are dropped only where every command has one; the other
 * lines of such a block are what the author saw, a note.
 *
 * State of the shell does not flow between steps: cd becomes the directory and export the
 * environment of what follows in the same block.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/import_parts.h"

struct code {
	struct import *im;
	int line;			/* of the source, of the line that is looked at */
	struct str text;		/* of the step that grows */
	int from, to;
	struct str title;
	const char *above;		/* title from outside */
	int lead;			/* its first line */
	char *cwd;
	struct pair *env; size_t n_env;
	bool used_above;
};

static bool one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcasecmp(word, *list))
			return true;
	return false;
}

static void give_names(struct code *c, struct piece *p, enum import_place where)
{
	_cleanup_(free_p) char *raw = str_take(&c->text);
	size_t n = strlen(raw);

	while (n && raw[n - 1] == '\n')
		raw[--n] = '\0';
	c->im->env = c->env;
	c->im->n_env = c->n_env;
	p->text = import_names(c->im, raw, where, p->from);
	c->im->env = NULL;
	c->im->n_env = 0;
}

/* Nothing but `export X=...`: in a step of its own it helps nobody. */
static bool only_exports(const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (*p != '\n' && strncmp(p, "export ", 7))
			return false;
	return *text != '\0';
}

/* $1 to $9 where the shell would put something in their place. */
static bool reads_arguments(const char *text)
{
	bool single = false;
	bool dbl = false;

	if (strstr(text, "() {") || strstr(text, "(){") || strstr(text, "set -- "))
		return false; /* those of a function */
	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1] && !single) {
			p++;
			continue;
		}
		single = *p == '\'' && !dbl ? !single : single;
		dbl = *p == '"' && !single ? !dbl : dbl;
		if (*p == '$' && !single && ((p[1] >= '1' && p[1] <= '9') || p[1] == '@' ||
					     (p[1] == '{' && p[2] >= '1' && p[2] <= '9')))
			return true;
	}
	return false;
}

/* The step that was being gathered is complete. */
static void flush(struct code *c, enum piece_kind kind)
{
	if (!c->from) {
		str_clear(&c->text);
		return;
	}
	if (kind != PIECE_NOTE && !str_get(&c->text)[strspn(str_get(&c->text), " \t\n")])
		kind = PIECE_NOTE; /* only comments */
	if (kind == PIECE_NOTE && c->above && !c->used_above) {
		c->from = c->lead; /* the words that led here belong to what is shown */
		c->used_above = true;
	}
	struct piece *p = import_piece(c->im, kind, c->from, c->to);
	if (kind != PIECE_NOTE) {
		bool both = c->above && !c->used_above && c->title.len;
		const char *title = c->title.len ? str_get(&c->title) : c->used_above ? NULL :
			c->above;
		p->title = both ? xasprintf("%s %s", c->above, str_get(&c->title)) : xstrdup(title);
		p->lead = c->used_above ? 0 : c->lead;
		c->used_above = true;
		if (kind == PIECE_RUN && only_exports(str_get(&c->text)))
			import_warn(c->im, p->from, "what is exported here does not reach later"
				    " steps: make it a parameter");
		if (kind == PIECE_RUN && reads_arguments(str_get(&c->text)))
			import_warn(c->im, p->from, "the script reads arguments ($1): no step gives"
				    " it any, make them parameters");
		give_names(c, p, kind == PIECE_SQL ? IN_SQL : IN_SCRIPT);
		p->cwd = xstrdup(c->cwd);
		for (size_t i = 0; i < c->n_env; i++)
			*PUSH(&p->env, &p->n_env) = (struct pair){ xstrdup(c->env[i].name),
								   xstrdup(c->env[i].text),
								   { 0, 0 } };
	}
	str_clear(&c->text);
	str_clear(&c->title);
	c->from = c->to = 0;
}

static void add_line(struct code *c, const char *s, size_t n)
{
	c->from = c->from ? c->from : c->line;
	c->to = c->line;
	str_addn(&c->text, s, n);
	str_addc(&c->text, '\n');
}

static void add_title(struct code *c, const char *s, size_t n, const char *marks)
{
	size_t skip = 0;

	while (skip < n && strchr(marks, s[skip]))
		skip++;
	c->from = c->from ? c->from : c->line;
	c->to = c->line;
	if (n > skip) {
		str_add(&c->title, c->title.len ? "; " : "");
		str_addn(&c->title, s + skip, n - skip);
	}
}

static bool plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._/:@%+,-", s[i]))
			return false;
	return n > 0;
}

static bool begins(const char *s, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n > len && !strncmp(s, word, len);
}

/* `cd DIR` and `export NAME=value` alone on a line. */
static bool shell_state(struct code *c, const char *s, size_t n)
{
	if (begins(s, n, "cd ") && plain(s + 3, n - 3)) {
		flush(c, PIECE_RUN);
		free_p(&c->cwd);
		c->cwd = xstrndup(s + 3, n - 3);
		return true;
	}
	const char *eq = begins(s, n, "export ") ? memchr(s, '=', n) : NULL;
	size_t name = eq ? (size_t)(eq - s) - 7 : 0;
	if (!eq || !plain(s + 7, name) || !plain(eq + 1, n - (size_t)(eq + 1 - s)) ||
	    strcspn(s + 7, "./:@%+,-") < name)
		return false;
	flush(c, PIECE_RUN);
	_cleanup_(free_p) char *line = xstrndup(s, n);
	_cleanup_(free_p) char *safe = import_names(c->im, line, IN_SCRIPT, c->line);
	if (!str_eq(line, safe)) /* a credential: it stays in the script, as a name */
		return false;
	*PUSH(&c->env, &c->n_env) = (struct pair){ xstrndup(s + 7, name),
		xstrndup(eq + 1, n - (size_t)(eq + 1 - s)), { 0, 0 } };
	return true;
}

/* Something that goes over several lines: cutting it at comments would break it. */
static bool woven(const char *text)
{
	static const char *const words[] = { "for ", "while ", "until ", "if ", "case ",
					     "function ", NULL };

	if (strstr(text, "<<") || strstr(text, "() {") || strstr(text, "(){"))
		return true;
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *s = p + strspn(p, " \t");
		size_t n = strcspn(s, "\n");
		for (size_t i = 0; words[i]; i++)
			if (begins(s, n, words[i]))
				return true;
	}
	/* a quote that is still open at the end of a line */
	bool open = false;
	for (const char *p = text; *p; p++) {
		if (*p == '\n' && open)
			return true;
		if (*p == '\'' && (p == text || p[-1] != '\\'))
			open = !open;
		if (*p == '#' && !open && (p == text || isspace((unsigned char)p[-1])))
			p += strcspn(p, "\n") - 1;
	}
	return false;
}

static void shell(struct code *c, const char *text)
{
	bool whole = woven(text);
	bool continued = false;

	for (const char *p = text; *p; c->line++) {
		size_t n = strcspn(p, "\n");
		size_t pad = strspn(p, " \t");
		pad = pad > n ? n : pad;
		bool comment = p[pad] == '#' && p[pad + 1] != '!';
		if (pad == n && !whole) {
			if (c->from)
				add_line(c, p, n);
		} else if (comment && !continued && (!whole || !c->text.len)) {
			if (c->text.len)
				flush(c, PIECE_RUN);
			add_title(c, p + pad, n - pad, "# \t");
		} else if (continued || whole || !shell_state(c, p, n)) {
			add_line(c, p, n);
		}
		continued = n && p[n - 1] == '\\';
		p += n + (p[n] == '\n');
	}
	flush(c, PIECE_RUN);
}

static size_t prompt(const char *s, bool root)
{
	return (s[0] == '$' || s[0] == '%' || (root && s[0] == '#')) && s[1] == ' ' ? 2 : 0;
}

/* Commands with prompts, and what they printed. */
static void session(struct code *c, const char *text, bool root)
{
	bool continued = false;
	bool note = false;

	for (const char *p = text; *p; c->line++) {
		size_t n = strcspn(p, "\n");
		size_t skip = prompt(p, root);
		bool command = skip || continued;
		if (command != !note && c->from)
			flush(c, note ? PIECE_NOTE : PIECE_RUN);
		note = !command;
		if (n || c->from)
			add_line(c, p + skip, n - skip);
		continued = command && n && p[n - 1] == '\\';
		p += n + (p[n] == '\n');
	}
	flush(c, note ? PIECE_NOTE : PIECE_RUN);
}

static bool prompted(const char *text, bool root)
{
	return prompt(text + strspn(text, "\n"), root) > 0;
}

static void sql(struct code *c, const char *text)
{
	for (const char *p = text; *p; c->line++) {
		size_t n = strcspn(p, "\n");
		size_t len = n;
		while (len && isspace((unsigned char)p[len - 1]))
			len--;
		if (!c->text.len && !strncmp(p, "--", 2)) {
			add_title(c, p, len, "- \t");
		} else if (len && p[len - 1] == ';') {
			add_line(c, p, len - 1);
			flush(c, PIECE_SQL);
		} else if (len || c->from) {
			add_line(c, p, len);
		}
		p += n + (p[n] == '\n');
	}
	flush(c, PIECE_SQL);
}

void import_code(struct import *im, const struct md *m, const struct md *lead)
{
	static const char *const shells[] = { "bash", "sh", "shell", "zsh", "ksh", NULL };
	static const char *const consoles[] = { "console", "shell-session", "shellsession",
						"terminal",
						"sh-session", NULL };
	static const char *const sqls[] = { "sql", "postgresql", "postgres", "pgsql", NULL };
	struct code c = { .im = im, .line = m->line + m->fenced,
			  .above = lead ? lead->text : NULL, .lead = lead ? lead->line : 0,
			  .text = STR_INIT(STR_MAX_DEFAULT), .title = STR_INIT(1000) };
	bool is_shell = m->fenced && one_of(m->info, shells);
	bool is_console = m->fenced && one_of(m->info, consoles);

	bool is_code = is_console ? prompted(m->text, true) :
		is_shell || (m->fenced && one_of(m->info, sqls));

	if (!is_code) {
		/* the words before it must not get lost with the code that is none */
		import_note(im, lead ? lead->line : m->line, m->end);
	} else if (is_console || (is_shell && prompted(m->text, false))) {
		session(&c, m->text, is_console);
	} else if (is_shell) {
		shell(&c, m->text);
	} else {
		sql(&c, m->text);
	}
	if (lead && !c.used_above && is_code) /* there was nothing in it */
		import_note(im, lead->line, lead->end);
	for (int l = m->line; l <= m->end && l <= (int)im->n; l++)
		im->claimed[l - 1] = true;
	for (size_t i = 0; i < c.n_env; i++) {
		free_p(&c.env[i].name);
		free_p(&c.env[i].text);
	}
	free_p(&c.env);
	free_p(&c.cwd);
	str_fini(&c.text);
	str_fini(&c.title);
}
