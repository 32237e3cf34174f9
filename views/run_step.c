/*
 * A step in full, drawn downwards from y (which may be above the area: the caller
 * scrolls): what it runs, what is wanted beside what came, its tables joined with what
 * their codes mean, its output, decision, items, undo. Text from outside is cleaned by the
 * cells it is drawn into.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/runs.h"

enum { LABEL = 9, TABLE_COLUMNS = 24, TABLE_ROWS = 200, CELL_MOST = 48, MEANINGS = 20 };

static int field(struct area at, int y, const char *label, enum role role, const char *text)
{
	if (str_empty(text))
		return y;
	area_text(at, 1, y, ROLE_label, label);
	return area_wrap(at, LABEL + 1, y, at.w - LABEL - 2, role, text);
}

/* Lines as they are, not wrapped: output keeps its columns. */
static int lines(struct area at, int y, int left, enum role role, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");
		_cleanup_(free_p) char *line = xstrndup(text, n);

		area_text(area_sub(at, 1, 0, at.w - 2, at.h), -left, y++, role, line);
		text += n + (text[n] == '\n');
	}
	return y;
}

/* ---- tables ---- */

struct grid {
	const char *names[TABLE_COLUMNS]; /* of the JSON; NULL: explanation of the one before */
	int w[TABLE_COLUMNS];
	size_t n;
	const struct json *rows, *explain;
	const struct json *order; /* names as the statement gave them; NULL = as they come */
};

static const char *meaning(const struct grid *g, size_t col, const struct json *row, char *buf,
                           size_t n)
{
	const struct json *m = json_get(g->explain, g->names[col - 1]);
	char value[CELL_TEXT];

	run_value_text(json_get(row, g->names[col - 1]), value, sizeof(value));
	snprintf(buf, n, "%s",
	         json_get_str(m, value) ? json_get_str(m, value) : "not in the table");
	if (str_eq(value, "-"))
		buf[0] = '\0';
	return buf;
}

static void cell(const struct grid *g, size_t col, const struct json *row, char *buf, size_t n)
{
	if (g->names[col])
		run_value_text(json_get(row, g->names[col]), buf, n);
	else
		meaning(g, col, row, buf, n);
}

static void grid_add(struct grid *g, const char *name, bool explained)
{
	if (!name || g->n + 2 > TABLE_COLUMNS)
		return;
	g->names[g->n++] = name;
	if (explained && json_get(g->explain, name))
		g->names[g->n++] = NULL;
}

/* inline_: meanings stand behind their codes; else codes come first, meanings elsewhere. */
static void grid_names(struct grid *g, bool inline_)
{
	const struct json *row = json_first(g->rows);
	bool ordered = json_type(json_first(g->order)) == JSON_STRING;

	g->n = 0;
	for (int pass = inline_ ? 1 : 0; pass < 2; pass++)
		for (const struct json *m = json_first(ordered ? g->order : row); m;
		     m = json_next(m)) {
			const char *name = ordered ? json_str(m) : json_name(m);
			bool code = name && json_get(g->explain, name);
			if (inline_ || code == (pass == 0))
				grid_add(g, name, inline_);
		}
}

static int grid_measure(struct grid *g)
{
	char buf[CELL_TEXT];
	int count = 0, sum = 0;

	for (size_t i = 0; i < g->n; i++)
		g->w[i] = g->names[i] ? text_width(g->names[i], false) : 8;
	for (const struct json *r = json_first(g->rows); r && count < TABLE_ROWS;
	     r = json_next(r), count++)
		for (size_t i = 0; i < g->n; i++) {
			int w, most = g->names[i] ? CELL_MOST : CELL_MOST + 32;
			cell(g, i, r, buf, sizeof(buf));
			w = text_width(buf, false);
			if (w > g->w[i])
				g->w[i] = w < most ? w : most;
		}
	for (size_t i = 0; i < g->n; i++)
		sum += g->w[i] + 2;
	return sum - 2;
}

/* Each code that occurs, how often, and what it means: once, and in full. */
static int draw_meanings(struct area at, int y, const struct grid *g, const char *name)
{
	const struct json *codes = json_get(g->explain, name);
	char values[MEANINGS][64], buf[CELL_TEXT];
	int counts[MEANINGS] = { 0 }, n = 0, w = 6;

	for (const struct json *r = json_first(g->rows); r; r = json_next(r)) {
		int i = 0;
		run_value_text(json_get(r, name), buf, sizeof(buf));
		while (i < n && strncmp(values[i], buf, sizeof(values[i]) - 1) != 0)
			i++;
		if (i == MEANINGS || str_eq(buf, "-"))
			continue;
		if (i == n)
			snprintf(values[n++], sizeof(values[0]), "%.63s", buf);
		counts[i]++;
	}
	for (int done = 0; done < n; done++) {
		int best = 0, x;
		for (int i = 1; i < n; i++)
			best = counts[i] > counts[best] ? i : best;
		area_text(at, 1, y, ROLE_label, done ? "" : "MEANS");
		x = area_textf(at, LABEL + 1, y, ROLE_count, "%s", values[best]);
		x = area_textf(at, x, y, ROLE_normal, " x%d", counts[best]);
		w = x - LABEL > w ? x - LABEL : w;
		y = area_wrap(at, LABEL + 2 + w, y, at.w - LABEL - 3 - w, ROLE_ok,
		              json_get_str(codes, values[best]) ? json_get_str(codes, values[best])
		                                                : "not in the table");
		counts[best] = -1;
	}
	return y;
}

static int grid_lay(struct grid *g, struct area at, int y)
{
	grid_names(g, true);
	if (grid_measure(g) <= at.w - 2)
		return y;
	grid_names(g, false);
	grid_measure(g);
	for (size_t i = 0; i < g->n; i++)
		if (json_get(g->explain, g->names[i]))
			y = draw_meanings(at, y, g, g->names[i]);
	return y;
}

static int draw_grid(struct area at, int y, int left, const struct grid *g)
{
	struct area in = area_sub(at, 1, 0, at.w - 2, at.h);
	char buf[CELL_TEXT];
	int x = -left, count = 0;

	for (size_t i = 0; i < g->n; i++) {
		area_field(in, x, y, g->w[i], 0, ROLE_title, g->names[i] ? g->names[i] : "means");
		x += g->w[i] + 2;
	}
	if (x - 2 > in.w)
		area_text(in, in.w - 3, y, ROLE_hint, " >>");
	y++;
	for (const struct json *r = json_first(g->rows); r; r = json_next(r), count++) {
		if (count == TABLE_ROWS) {
			area_textf(in, 0, y++, ROLE_dim, "and %zu more",
			           json_count(g->rows) - TABLE_ROWS);
			break;
		}
		x = -left;
		for (size_t i = 0; i < g->n; i++) {
			bool number =
			        g->names[i] && json_type(json_get(r, g->names[i])) == JSON_NUMBER;
			cell(g, i, r, buf, sizeof(buf));
			area_field(in, x, y, g->w[i], number, g->names[i] ? ROLE_normal : ROLE_ok,
			           buf);
			x += g->w[i] + 2;
		}
		y++;
	}
	return y;
}

static bool is_table(const struct json *v)
{
	return json_type(v) == JSON_ARRAY && json_type(json_first(v)) == JSON_OBJECT;
}

/* Members that are shown elsewhere, or say nothing to people. */
static bool aside(const char *name)
{
	static const char *const names[] = { "stdout",  "stderr",  "output", "body",
		                             "header",  "json",    "result", "saves",
		                             "outcome", "columns", "checks" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static void scalars(const struct json *doc, bool body, char *line, size_t n)
{
	char value[200];

	for (const struct json *m = json_first(doc); m && json_name(m); m = json_next(m)) {
		size_t at = strlen(line);
		if (is_table(m) || (!body && aside(json_name(m))) ||
		    (json_type(m) == JSON_ARRAY && !json_count(m)))
			continue;
		run_value_text(m, value, sizeof(value));
		snprintf(line + at, n - at, "%s%s %s", at ? "   " : "", json_name(m), value);
	}
}

int run_result_draw(struct area at, int y, int left, const char *label, const char *result,
                    const char *explain)
{
	struct json *doc = result ? json_parse(result, strlen(result), NULL) : NULL;
	struct json *codes = explain ? json_parse(explain, strlen(explain), NULL) : NULL;
	const struct json *inner = json_get(doc, "result"); /* of a preview, beside its judgement */
	const struct json *from = json_type(inner) == JSON_OBJECT ? inner : doc;
	char line[1024] = "";
	bool tables = false, body = str_eq(label, "BODY"); /* not ours: nothing stands aside */

	scalars(doc, body, line, sizeof(line));
	if (from != doc)
		scalars(from, body, line, sizeof(line));
	y = field(at, y, label, ROLE_normal, line);
	for (const struct json *m = json_first(from); m && json_name(m); m = json_next(m)) {
		struct grid g = { .rows = m,
			          .explain = codes,
			          .order = json_get(from, "columns") };
		if (!is_table(m) || (!body && aside(json_name(m))))
			continue;
		if (!str_eq(json_name(m), "rows") && !str_eq(json_name(m), "table"))
			area_text(at, 1, y++, ROLE_label, json_name(m));
		y = grid_lay(&g, at, y);
		y = draw_grid(at, y, left, &g);
		tables = true;
	}
	if (!tables && json_type(json_get(from, "columns")) == JSON_ARRAY)
		y = field(at, y, "ROWS", ROLE_normal, "none");
	json_free(doc);
	json_free(codes);
	return y;
}

/* ---- wanted beside got ---- */

static int draw_checks(const struct run_step *s, struct area at, int y)
{
	int name = 8, want = 8, got;

	if (!s->n_checks)
		return y;
	for (size_t i = 0; i < s->n_checks; i++) {
		int a = text_width(s->checks[i].subject ? s->checks[i].subject : "", false);
		int b = text_width(s->checks[i].expected ? s->checks[i].expected : "", false);
		name = a > name ? a : name;
		want = b > want ? b : want;
	}
	name = name > at.w / 4 ? at.w / 4 : name;
	want = want > at.w * 2 / 5 ? at.w * 2 / 5 : want;
	got = at.w - LABEL - name - want - 5;
	area_text(at, 1, y, ROLE_label, "CHECK");
	area_text(at, LABEL + 1, y, ROLE_title, "what");
	area_text(at, LABEL + 3 + name, y, ROLE_title, "wanted");
	area_text(at, LABEL + 5 + name + want, y, ROLE_title, "got");
	y++;
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct run_check *c = &s->checks[i];
		enum role role = role_run_outcome(c->outcome);
		const char *came = c->actual ? c->actual : s->state == RS_WAITING ? "" : "-";
		int ends[3] = { area_wrap(at, LABEL + 1, y, name, ROLE_normal,
				          c->subject ? c->subject : ""),
				area_wrap(at, LABEL + 3 + name, y, want, ROLE_normal,
				          c->expected ? c->expected : ""),
				area_wrap(at, LABEL + 5 + name + want, y, got, role, came) };

		area_field(at, 1, y, LABEL - 1, 0, role, word_run_outcome(c->outcome));
		y++;
		for (size_t k = 0; k < COUNT_OF(ends); k++)
			y = ends[k] > y ? ends[k] : y;
		if (c->why && !str_eq(c->outcome, "pass") && !(s->why && strstr(s->why, c->why)))
			y = area_wrap(at, LABEL + 1, y, at.w - LABEL - 2, role, c->why);
	}
	return y;
}

/* ---- decisions and questions ---- */

static int draw_options(const struct run_step *s, struct area at, int y)
{
	struct json *list = s->options ? json_parse(s->options, strlen(s->options), NULL) : NULL;

	for (const struct json *o = json_first(list); o; o = json_next(o)) {
		const char *pick = json_get_str(o, "pick"), *label = json_get_str(o, "label");
		const char *why = json_get_str(o, "why");
		bool likely = json_get_bool(o, "likely", false) || str_eq(pick, s->suggestion);
		bool picked = str_eq(pick, s->picked);
		int x = area_text(at, 1, y, picked ? ROLE_ok : ROLE_normal, picked ? "PICKED" : "");

		(void)x;
		if (likely)
			area_text(at, 1, y, ROLE_count, picked ? "PICKED" : "likely");
		x = area_textf(at, LABEL + 1, y, likely ? ROLE_count : ROLE_normal, "%s", pick);
		y = area_wrap(at, x + 2, y, at.w - x - 3, ROLE_normal, label ? label : "") +
		    str_empty(label);
		if (why)
			y = area_wrap(at, LABEL + 3, y, at.w - LABEL - 4, ROLE_dim, why);
	}
	json_free(list);
	return field(at, y, "EVIDENCE", ROLE_normal, s->evidence);
}

/* How many of a question's items were ticked; false: it has none, or is not answered. */
bool run_step_ticked(const struct run_step *s, size_t *ret_done, size_t *ret_all)
{
	struct json *doc = s->result && str_eq(s->verb, "ask")
	                           ? json_parse(s->result, strlen(s->result), NULL)
	                           : NULL;
	const struct json *ticks = json_get(doc, "items");
	bool any = json_type(json_first(ticks)) == JSON_BOOL;

	*ret_done = *ret_all = 0;
	for (const struct json *m = json_first(ticks); any && m; m = json_next(m)) {
		*ret_done += json_bool(m, false);
		++*ret_all;
	}
	json_free(doc);
	return any;
}

static int draw_items(const struct run_step *s, struct area at, int y)
{
	struct json *list = s->items ? json_parse(s->items, strlen(s->items), NULL) : NULL;
	struct json *doc = s->result ? json_parse(s->result, strlen(s->result), NULL) : NULL;
	const struct json *tick = json_first(json_get(doc, "items"));
	size_t done, all;

	for (const struct json *m = json_first(list); m; m = json_next(m)) {
		bool ticked = json_bool(tick, false);
		area_text(at, LABEL + 1, y, ticked ? ROLE_ok : ROLE_normal, ticked ? "[x]" : "[ ]");
		y = area_wrap(at, LABEL + 5, y, at.w - LABEL - 6, ROLE_normal,
		              json_str(m) ? json_str(m) : "?");
		tick = json_next(tick);
	}
	if (run_step_ticked(s, &done, &all) && done < all)
		area_textf(at, LABEL + 1, y++, ROLE_warn, "answered with %zu of %zu ticked", done,
		           all);
	json_free(list);
	json_free(doc);
	return y;
}

/* ---- the step ---- */

static void state_line(const struct app *a, const struct run_step *s, char *buf, size_t n)
{
	char span[WHEN_TEXT], limit[24], clock[WHEN_TEXT];
	bool utc = shell_utc(a->shell);
	size_t at = (size_t)snprintf(buf, n, "%s", word_step(s));

	if (!str_empty(s->outcome) && (s->state == RS_DONE || s->state == RS_FAILED))
		at += (size_t)snprintf(buf + at, n - at, " %s", word_run_outcome(s->outcome));
	if (s->attempt > 1)
		at += (size_t)snprintf(buf + at, n - at, ", attempt %lld", (long long)s->attempt);
	format_duration(limit, sizeof(limit), s->timeout_ms);
	if (s->state == RS_RUNNING && s->started_at_ms)
		at += (size_t)snprintf(buf + at, n - at, " for %s%s%s%s", app_stale(a) ? "~" : "",
		                       when_span(span, app_now(a) - s->started_at_ms),
		                       str_eq(s->verb, "gate") ? "" : " of at most ",
		                       str_eq(s->verb, "gate") ? "" : limit);
	else if (s->ended_at_ms && s->started_at_ms)
		at += (size_t)snprintf(buf + at, n - at, " at %s, took %.1f s",
		                       when_clock(clock, s->ended_at_ms, utc),
		                       (double)(s->ended_at_ms - s->started_at_ms) / 1000);
	else if (s->state == RS_WAITING && s->timeout_ms)
		at += (size_t)snprintf(buf + at, n - at, "at most %s", limit);
	if (!str_empty(s->by) && at < n)
		at += (size_t)snprintf(buf + at, n - at, "   by %.30s", s->by);
	if (!str_empty(s->reason) && s->state != RS_WAITING && at < n)
		snprintf(buf + at, n - at, "   \"%.200s\"", s->reason);
}

static int draw_change(const struct run_step *s, struct area at, int y)
{
	bool change = str_eq(s->effect, "change") || str_eq(s->effect, "destroy");
	char text[300];

	if (!str_empty(s->hold)) {
		snprintf(text, sizeof(text),
		         "sets the hold %.80s: pinned to every screen until released", s->hold);
		y = field(at, y, "HOLD", ROLE_warn, text);
	}
	if (!str_empty(s->undo)) {
		y = field(at, y, "UNDO", ROLE_normal, s->undo);
		if (!str_empty(s->undo_state)) {
			snprintf(text, sizeof(text), "%.40s%s", s->undo_state,
			         str_eq(s->undo_state, "offered") ? " (U)" : "");
			y = field(at, y, "", ROLE_dim, text);
		}
	} else if (s->undo) {
		y = field(at, y, "UNDO", ROLE_dim, "shown once its values are given");
	} else if (change) {
		snprintf(text, sizeof(text), "none%s%.200s", str_empty(s->why) ? "" : ": ",
		         s->why ? s->why : "");
		y = field(at, y, "UNDO", ROLE_warn, text);
	}
	return y;
}

/* Errors that went beside the output. */
static int draw_stderr(const struct run_step *s, struct area at, int y, int left)
{
	struct json *doc = s->result ? json_parse(s->result, strlen(s->result), NULL) : NULL;
	const char *text = json_get_str(doc, "stderr");

	if (!str_empty(text) && !str_eq(text, s->output)) {
		area_text(at, 1, y++, ROLE_label, "ERRORS");
		y = lines(at, y, left, ROLE_warn, text);
	}
	json_free(doc);
	return y;
}

/* What the other side said of a failure, if it said it as people can read it. */
const char *run_step_said(const struct json *result)
{
	static const char *const names[] = { "detail", "error", "message", "title", "reason" };
	const struct json *body = json_get(result, "json");

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!str_empty(json_get_str(body, names[i])))
			return json_get_str(body, names[i]);
	return NULL;
}

/* Output as it came; a body of JSON as its members and tables. */
static int draw_output(const struct run_step *s, struct area at, int y, int left)
{
	struct json *doc = s->result ? json_parse(s->result, strlen(s->result), NULL) : NULL;
	const struct json *body = json_get(doc, "json");
	struct str text = STR_INIT(STR_MAX_DEFAULT);

	if (str_eq(s->verb, "http") && json_type(body) == JSON_OBJECT) {
		json_print(&text, body);
		y = run_result_draw(at, y, left, "BODY", str_get(&text), NULL);
	} else if (!str_empty(s->output)) {
		area_text(at, 1, y++, ROLE_label,
		          s->state == RS_RUNNING ? "OUTPUT so far" : "OUTPUT");
		y = lines(at, y, left, ROLE_normal, s->output);
	}
	str_fini(&text);
	json_free(doc);
	return y;
}

static int draw_said(const struct run_step *s, struct area at, int y)
{
	struct json *doc = s->result ? json_parse(s->result, strlen(s->result), NULL) : NULL;

	y = field(at, y, "SAID", ROLE_bad, run_step_said(doc));
	json_free(doc);
	return y;
}

/* What a question asks is its title already. */
static int draw_command(const struct run_step *s, struct area at, int y)
{
	bool before = s->state == RS_WAITING || s->state == RS_READY;

	if (str_eq(s->verb, "ask") || str_eq(s->verb, "decide") || str_eq(s->verb, "note"))
		return y;
	if (s->command && !s->command[0]) /* a gate only waits; after the end nothing is to come */
		return !before || str_eq(s->verb, "gate")
		               ? y
		               : field(at, y, "WILL RUN", ROLE_dim,
		                       "shown once its values are given");
	return field(at, y, before ? "WILL RUN" : "RAN",
	             str_eq(s->effect, "read") ? ROLE_normal : ROLE_danger, s->command);
}

int run_step_draw(const struct app *a, const struct run_doc *d, const struct run_step *s,
                  struct area at, int y, int left)
{
	bool over = s->state == RS_DONE || s->state == RS_FAILED || s->state == RS_UNDONE;
	char text[600];

	state_line(a, s, text, sizeof(text));
	y = field(at, y, "STATE", role_step(s), text);
	if (s->title && !str_eq(s->title, s->id))
		y = field(at, y,
		          str_eq(s->verb, "decide") || str_eq(s->verb, "ask") ? "ASKS" : "STEP",
		          ROLE_normal, s->title);
	y = field(at, y, "HELP", ROLE_dim, s->help);
	if (s->state == RS_WAITING || s->state == RS_READY)
		y = field(at, y, "BLOCKED", ROLE_bad, s->reason);
	if (str_eq(d->run.step, s->id) && d->wait.kind != RW_NONE && !str_empty(d->wait.text) &&
	    (!s->title || strcasecmp(d->wait.text, s->title) != 0))
		y = field(at, y, "WAITS", ROLE_count, d->wait.text);
	if (s->state == RS_FAILED || str_eq(s->outcome, "error") || str_eq(s->outcome, "fail"))
		y = draw_said(s, at, field(at, y, "WHY", ROLE_bad, s->why));
	else if (str_eq(s->outcome, "warn") && !s->n_checks)
		y = field(at, y, "WHY", ROLE_warn, s->why);
	/* before it runs: what it would do; afterwards: first what came of it */
	if (!over)
		y = draw_command(s, at, y);
	y = draw_options(s, at, y);
	y = draw_items(s, at, y);
	y = field(at, y, "ANSWER", ROLE_ok, s->answer);
	if (!over)
		y = run_result_draw(at, y, left, "PREVIEW", s->preview, s->explain);
	y = draw_checks(s, at, y);
	if (!str_eq(s->verb, "ask") && !str_eq(s->verb, "decide")) /* said above */
		y = run_result_draw(at, y, left, "RESULT", s->result, s->explain);
	y = draw_output(s, at, y, left);
	y = draw_stderr(s, at, y, left);
	if (over)
		y = draw_command(s, at, y);
	return draw_change(s, at, y);
}
