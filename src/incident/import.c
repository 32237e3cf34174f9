/* See import.h. Pure. A table's first row is taken for names when one of them names an instant;
 * which sign parts its columns is seen in that row. */
#include "incident/import.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"

enum { LINES_MAX = 100000, TEXT_CHARS = 20000 /* kept of one note */, ORIGINAL_CHARS = 1000,
       FIELD_MAX = 32 << 20, COLUMNS = 100 };

struct lines { struct import_line *v; size_t n, cap; const struct import_rules *r; };

static void add_doubt(struct import_line *x, const char *why)
{
	_cleanup_(free_p) char *was = x->doubt;

	x->doubt = xasprintf("%s%s%s", was ? was : "", was ? "; " : "", why);
}

/* Of a text no more than a timeline keeps; that there was more is said. */
static char *bounded(struct import_line *x, const char *text, size_t chars, const char *what)
{
	_cleanup_(free_p) char *whole = strlen(text) > chars ? text_clean(text, 0) : NULL;
	_cleanup_(free_p) char *kept = whole ? text_clean(text, chars) : NULL;

	if (!whole || str_eq(whole, kept))
		return xstrdup(text);
	add_doubt(x, what);
	return TAKE(kept);
}

static struct import_line *add(struct lines *l, const char *at, const char *text)
{
	struct import_line *x;

	l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	x = &l->v[l->n++];
	*x = (struct import_line){ 0 };
	x->at_ms = import_instant(at, l->r, &x->doubt);
	x->original = bounded(x, at ? at : "", ORIGINAL_CHARS, "its instant is longer than a"
			      " thousand characters: the rest is left off");
	x->text = bounded(x, str_empty(text) ? "(no text)" : text, TEXT_CHARS, "its text is longer"
			  " than 20000 characters: the rest is left off");
	return x;
}

enum column { COL_OTHER, COL_AT, COL_DATE, COL_CLOCK, COL_ZONE, COL_TEXT };

/* By its letters alone: "Time (UTC)" is "timeutc". */
static enum column column_of(const char *name)
{
	static const struct { const char *name; enum column is; } known[] = {
		{ "at", COL_AT }, { "timestamp", COL_AT }, { "ts", COL_AT }, { "when", COL_AT },
		{ "datetime", COL_AT }, { "dateandtime", COL_AT }, { "happenedat", COL_AT },
		{ "createdat", COL_AT }, { "occurredat", COL_AT }, { "startedat", COL_AT },
		{ "eventtime", COL_AT }, { "instant", COL_AT }, { "date", COL_DATE },
		{ "day", COL_DATE }, { "time", COL_CLOCK }, { "zone", COL_ZONE },
		{ "timezone", COL_ZONE }, { "tz", COL_ZONE }, { "text", COL_TEXT },
		{ "message", COL_TEXT }, { "msg", COL_TEXT }, { "event", COL_TEXT },
		{ "summary", COL_TEXT }, { "description", COL_TEXT }, { "note", COL_TEXT },
	};
	char word[24];
	size_t n = 0;

	for (; *name && n < sizeof(word) - 1; name++)
		if (isalnum((unsigned char)*name))
			word[n++] = (char)tolower((unsigned char)*name);
	word[n] = '\0';
	for (size_t i = 0; !*name && i < COUNT_OF(known); i++) {
		size_t len = strlen(known[i].name);
		bool utc = str_eq(word + (n < len ? n : len), "utc") && known[i].is < COL_ZONE;

		if (strncmp(word, known[i].name, len) == 0 && (n == len || utc))
			return known[i].is;
	}
	return COL_OTHER;
}

/* ---- one line from its columns or members ---------------------------------------------------- */

struct line { struct str at, text, more; };

static void line_clear(struct line *x)
{
	str_clear(&x->at);
	str_clear(&x->text);
	str_clear(&x->more);
}

static void line_fini(struct line *x)
{
	str_fini(&x->at);
	str_fini(&x->text);
	str_fini(&x->more);
}

static void line_part(struct line *x, enum column is, const char *name, const char *value)
{
	struct str *to = is == COL_OTHER ? &x->more : is == COL_TEXT ? &x->text : &x->at;

	if (!*value)
		return;
	/* a second text or instant is one more thing that the line says */
	if ((is == COL_TEXT && x->text.len) || (is == COL_AT && x->at.len))
		to = &x->more;
	if (to == &x->more)
		str_addf(to, "%s%s%s%s", to->len ? ", " : "", name ? name : "", name ? ": " : "",
			 value);
	else
		str_addf(to, "%s%s", to->len ? " " : "", value);
}

static struct import_line *line_add(struct lines *l, struct line *x)
{
	if (x->more.len && x->text.len)
		str_addf(&x->text, " (%s)", str_get(&x->more));
	else
		str_add(&x->text, str_get(&x->more));
	return add(l, str_get(&x->at), str_get(&x->text));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static char *printed(const struct json *v)
{
	struct str b = STR_INIT(FIELD_MAX);
	char *text;

	if (json_str(v))
		return xstrdup(json_str(v));
	json_print_ordered(&b, v);
	text = str_take(&b);
	str_fini(&b);
	return text;
}

static void add_value(struct lines *l, const struct json *v)
{
	struct line x = { STR_INIT(FIELD_MAX), STR_INIT(FIELD_MAX), STR_INIT(FIELD_MAX) };

	if (json_type(v) != JSON_OBJECT) {
		_cleanup_(free_p) char *text = printed(v);

		add(l, NULL, text);
		return;
	}
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		_cleanup_(free_p) char *text = json_type(m) == JSON_NULL ? NULL : printed(m);

		if (text)
			line_part(&x, column_of(json_name(m)), json_name(m), text);
	}
	line_add(l, &x);
	line_fini(&x);
}

static const struct json *array_in(const struct json *doc)
{
	const struct json *v = doc;

	if (json_type(doc) == JSON_OBJECT)	/* the first array inside */
		for (v = json_first(doc); v && json_type(v) != JSON_ARRAY; v = json_next(v))
			;
	return v;
}

static bool has_instant(const struct json *doc)
{
	for (const struct json *m = json_first(doc); m; m = json_next(m))
		if (column_of(json_name(m)) >= COL_AT && column_of(json_name(m)) <= COL_CLOCK)
			return true;
	return false;
}

/* A JSON object a line. */
static int from_json_lines(struct lines *l, const char *p, struct err *err)
{
	for (size_t row = 1; *p; row++) {
		size_t n = strcspn(p, "\n"), blank = strspn(p, " \t\r");

		if (blank < n) {
			_cleanup_(json_free_p) struct json *doc = json_parse(p, n, err);
			_cleanup_(free_p) char *why = xstrdup(err->msg);

			if (!doc)
				return err_set(err, ERR_INVALID, "line %zu: %s", row, why);
			add_value(l, doc);
		}
		p += n + (p[n] == '\n');
	}
	return 0;
}

static int from_json(struct lines *l, const char *text, size_t len, struct err *err)
{
	_cleanup_(json_free_p) struct json *doc = json_parse(text, len, err);
	size_t first = strcspn(text, "\n");
	const struct json *v = array_in(doc);

	if (!doc && text[0] == '{' && first < len) {
		_cleanup_(json_free_p) struct json *one = json_parse(text, first, NULL);

		if (one)
			return from_json_lines(l, text, err);
	}
	if (!doc)
		return err->code;
	if (json_type(doc) == JSON_OBJECT && has_instant(doc)) {
		add_value(l, doc);
		return 0;
	}
	if (!v)
		return err_set(err, ERR_INVALID, "an array of lines is wanted, or an object with"
						 " one inside");
	for (v = json_first(v); v && l->n <= LINES_MAX; v = json_next(v))
		add_value(l, v);
	return 0;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* One field of RFC 4180 from *p on; *p behind it and its sign. true: the row goes on. */
static bool field(const char **p, char sep, struct str *ret, bool *ret_open)
{
	const char *s = *p;

	str_clear(ret);
	if (*s == '"') {
		for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
			s += *s == '"';
			str_addc(ret, *s);
		}
		*ret_open = *ret_open || !*s;
		s += *s == '"';
	}
	for (; *s && *s != sep && *s != '\n' && *s != '\r'; s++)
		str_addc(ret, *s);
	bool more = *s == sep && *s;

	s += *s == '\r' && s[1] == '\n';
	*p = s + (*s != '\0');
	return more;
}

/* The first of them outside quotation marks in the first row. */
static char separator(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || (*p != '\n' && *p != '\r')); p++) {
		quoted = quoted != (*p == '"');
		if (!quoted && (*p == ',' || *p == ';' || *p == '\t'))
			return *p;
	}
	return ',';
}

struct table { enum column is[COLUMNS]; char *names[COLUMNS]; size_t n; char sep; bool head; };

/* The names of the first row; p stays there unless it is one. */
static const char *read_head(struct table *t, const char *p, struct str *f)
{
	const char *q = p;
	bool more = *q != '\0', open = false, text = false;

	while (more && t->n < COLUMNS) {
		more = field(&q, t->sep, f, &open);
		t->names[t->n] = xstrdup(str_get(f));
		t->is[t->n] = column_of(str_get(f));
		t->head = t->head || (t->is[t->n] >= COL_AT && t->is[t->n] <= COL_CLOCK);
		text = text || t->is[t->n] == COL_TEXT;
		t->n++;
	}
	t->head = t->head && !more;
	/* without a column for the text it is all that is left, in its order */
	for (size_t i = 0; t->head && !text && i < t->n; i++)
		if (t->is[i] == COL_OTHER)
			free_p(&t->names[i]);
	return t->head ? q : p;
}

/* Without a head the first column is the instant and all others are the text. */
static void from_csv(struct lines *l, const char *p)
{
	struct line x = { STR_INIT(FIELD_MAX), STR_INIT(FIELD_MAX), STR_INIT(FIELD_MAX) };
	struct table t = { .sep = separator(p) };
	struct str f = STR_INIT(FIELD_MAX);

	for (p = read_head(&t, p, &f); *p && l->n <= LINES_MAX; line_clear(&x)) {
		bool more = true, open = false;

		for (size_t col = 0; more; col++) {
			bool named = t.head && col < t.n;

			more = field(&p, t.sep, &f, &open);
			line_part(&x, named ? t.is[col] : !t.head && col == 0 ? COL_AT : COL_OTHER,
				  named ? t.names[col] : NULL, str_get(&f));
		}
		if (!x.at.len && !x.text.len && !x.more.len)
			continue;
		struct import_line *made = line_add(l, &x);

		if (open)
			add_doubt(made, "a quotation mark was not closed: all behind is one");
	}
	for (size_t i = 0; i < t.n; i++)
		free_p(&t.names[i]);
	line_fini(&x);
	str_fini(&f);
}

int import_parse(const char *text, size_t len, const struct import_rules *r,
		 struct import_line **ret, size_t *ret_n, struct err *err)
{
	struct lines l = { .r = r };
	size_t bom = str_has_prefix(text, "\xef\xbb\xbf") ? 3 : 0;
	size_t at = bom + strspn(text + bom, " \t\r\n");
	int e = 0;

	*ret = NULL;
	*ret_n = 0;
	if (memchr(text, 0, len))
		return err_set(err, ERR_INVALID, "it has NUL bytes: text is wanted");
	if (text[at] == '[' || text[at] == '{')
		e = from_json(&l, text + at, len - at, err);
	else
		from_csv(&l, text + bom);
	if (e == 0 && l.n > LINES_MAX)
		e = err_set(err, ERR_INVALID, "more than %d lines: import it in parts", LINES_MAX);
	if (e < 0) {
		import_free(l.v, l.n);
		return e;
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

void import_free(struct import_line *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].text);
		free(v[i].original);
		free(v[i].doubt);
	}
	free(v);
}
