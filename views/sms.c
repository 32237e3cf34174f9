/*
 * SMS: status mix, failures with code, meaning and advice, by code, organisation, sender
 * and hour. One pane each (Tab), every table as the engine's query names its columns;
 * content stays masked until v asks for it (the engine writes that down).
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/asked.h"

#define MAX_COLUMNS 10
#define MAX_ROWS 1000
#define FRESH_MS 10000

static const struct pane {
	const char *name, *title;
} panes[] = {
	{ "mix", "MIX" },         { "codes", "CODES" }, { "orgs", "ORGS" },
	{ "senders", "SENDERS" }, { "hours", "HOURS" }, { "failures", "FAILURES" },
};
static const struct {
	const char *name, *title;
} sources[] = { { "messagelog", "MessageLog" },
	        { "sms_messages", "sms_messages" },
	        { "twilio", "Twilio itself" } };

struct sms {
	size_t pane, source;
	bool reveal;
	char drill[128], drill_title[64]; /* failures of one code, organisation or sender */
	struct json *doc;
	const struct json *rows;
	char names[MAX_COLUMNS][32], titles[MAX_COLUMNS][32];
	struct column columns[MAX_COLUMNS];
	int16_t widths[MAX_COLUMNS + 1];
	size_t n_columns;
	struct asked asked;
};

static enum role cell(void *ctx, const void *rec, char *buf, size_t i)
{
	struct view *v = ctx;
	struct sms *st = v->state;
	const struct json *x = i < st->n_columns ? json_get(rec, st->names[i]) : NULL;
	char t[WHEN_TEXT];
	int64_t ms;

	buf[0] = '\0';
	switch (json_type(x)) {
	case JSON_STRING:
		if (parse_time_ms(json_str(x), &ms))
			snprintf(buf, CELL_TEXT, "%s",
			         when_since(t, ms, app_now(v->app), shell_utc(v->shell)));
		else
			snprintf(buf, CELL_TEXT, "%s", json_str(x));
		break;
	case JSON_NUMBER:
		if (strcasestr(st->names[i], "rate") || strcasestr(st->names[i], "share"))
			snprintf(buf, CELL_TEXT, "%.1f%%",
			         json_get_double(rec, st->names[i], 0) * 100);
		else
			snprintf(buf, CELL_TEXT, "%lld", (long long)json_i64(x, 0));
		break;
	case JSON_BOOL:
		snprintf(buf, CELL_TEXT, "%s", json_bool(x, false) ? "yes" : "no");
		break;
	default:
		snprintf(buf, CELL_TEXT, "-");
		break;
	}
	if (str_eq(st->names[i], "status") && (str_eq(buf, "failed") || str_eq(buf, "undelivered")))
		return ROLE_bad;
	return app_stale(v->app) ? ROLE_stale : ROLE_normal;
}

#define CELL(n)                                                                                    \
	static enum role cell_##n(void *ctx, const void *rec, char *buf)                           \
	{                                                                                          \
		return cell(ctx, rec, buf, n);                                                     \
	}
CELL(0)
CELL(1)
CELL(2)
CELL(3) CELL(4) CELL(5) CELL(6) CELL(7) CELL(8)
        CELL(9) static enum role (*const cells[MAX_COLUMNS])(void *, const void *, char *) = {
	        cell_0, cell_1, cell_2, cell_3, cell_4, cell_5, cell_6, cell_7, cell_8, cell_9,
        };

static void title_of(const char *name, char *buf, size_t n)
{
	size_t at = 0;

	for (; *name && at + 2 < n; name++) {
		if (*name >= 'A' && *name <= 'Z')
			buf[at++] = ' ';
		buf[at++] = *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name;
	}
	buf[at] = '\0';
}

/* Columns follow the members of the first row, in the order of the reply. */
static void make_columns(struct view *v, const struct json *rows)
{
	struct sms *st = v->state;
	const struct json *first = json_first(rows);

	st->n_columns = 0;
	for (const struct json *m = json_first(first); m && st->n_columns < MAX_COLUMNS;
	     m = json_next(m)) {
		size_t i = st->n_columns;
		bool text = json_type(m) == JSON_STRING;
		if (json_type(m) == JSON_OBJECT || json_type(m) == JSON_ARRAY ||
		    str_eq(json_name(m), "link"))
			continue;
		snprintf(st->names[i], sizeof(st->names[i]), "%s", json_name(m));
		title_of(json_name(m), st->titles[i], sizeof(st->titles[i]));
		bool prose = str_eq(json_name(m), "meaning") || str_eq(json_name(m), "advice") ||
		             str_eq(json_name(m), "content");
		st->columns[i] = (struct column){
			.title = st->titles[i],
			.text = cells[i],
			.align = text ? 0 : 1,
			.drop = prose ? 1 : (int)i + (i > 0), /* the words that help go last */
			.w = prose  ? 22
			     : text ? 8
			            : 7,
			.wide = prose  ? 70
			        : text ? 40
			               : 12,
			.grow = prose,
		};
		int tw = text_width(st->titles[i], true);
		if (st->columns[i].w < tw)
			st->columns[i].w = tw;
		st->n_columns++;
	}
	v->list.columns = st->columns;
	v->list.n_columns = st->n_columns;
	if (v->list.sort >= (int)st->n_columns)
		v->list.sort = -1;
}

static const struct json *first_array(const struct json *doc)
{
	for (const struct json *m = json_first(doc); m; m = json_next(m))
		if (json_type(m) == JSON_ARRAY)
			return m;
	return NULL;
}

static void got(struct view *v, const struct json *doc)
{
	struct sms *st = v->state;

	json_free(st->doc);
	st->doc = json_copy(doc);
	st->rows = first_array(st->doc);
	make_columns(v, first_array(doc));
}

static void ask(struct view *v)
{
	struct sms *st = v->state;
	_cleanup_(free_p) char *path =
	        xasprintf("/api/v1/sms/%s?source=%s&limit=500%s%s", panes[st->pane].name,
	                  sources[st->source].name, st->reveal ? "&content=1" : "",
	                  str_eq(panes[st->pane].name, "failures") ? st->drill : "");

	asked_get(&st->asked, v, path, FRESH_MS, got);
}

static void reset(struct view *v)
{
	struct sms *st = v->state;

	asked_drop(&st->asked);
	json_free(TAKE(st->doc));
	st->rows = NULL;
	st->n_columns = 0;
	v->list.n_columns = 0;
	v->list.cursor = v->list.top = 0;
	v->list.key[0] = '\0';
}

static void update(struct view *v)
{
	struct sms *st = v->state;
	char key[64];
	int n = 0;

	ask(v);
	list_begin(&v->list);
	for (const struct json *x = json_first(st->rows); x && n < MAX_ROWS;
	     x = json_next(x), n++) {
		snprintf(key, sizeof(key), "%d", n);
		list_add(&v->list, x, json_get_str(x, "id") ? json_get_str(x, "id") : key);
	}
	list_end(&v->list);
}

/* The selected code or message in full: what it means and what to do. */
static void draw_advice(struct area a, const struct json *row)
{
	const char *meaning = json_get_str(row, "meaning");
	int y = 1;

	area_rule(a, 0, "WHAT TO DO");
	if (meaning)
		y = area_wrap(a, 1, y, a.w - 2, ROLE_normal, meaning);
	area_wrap(a, 1, y, a.w - 2, ROLE_ok, json_get_str(row, "advice"));
}

static void draw(struct view *v, struct area a)
{
	struct sms *st = v->state;
	char as_of[80], head[200];
	int x = 1;

	app_as_of(v->app, as_of);
	snprintf(head, sizeof(head), "SMS from %s%s%s%s%s", sources[st->source].title,
	         st->drill_title[0] ? "  failures of " : "", st->drill_title, as_of[0] ? "  " : "",
	         as_of);
	area_rule(a, 0, head);
	for (size_t i = 0; i < COUNT_OF(panes); i++) {
		x = area_textf(a, x, 1, i == st->pane ? ROLE_selected : ROLE_normal, "%s%s%s",
		               i == st->pane ? "[" : "", panes[i].title, i == st->pane ? "]" : "") +
		    2;
	}
	if (x + 20 < a.w)
		area_text(a, x + 2, 1, ROLE_dim, st->asked.request ? "asking .." : "Tab: next");
	int64_t held = json_get_i64(st->doc, "agentsHeld", -1),
	        ready = json_get_i64(st->doc, "numbersSmsReady", -1);
	int64_t queued = json_i64(json_path(st->doc, "total.queued"), -1);
	int top = 2;
	if (a.h > 8 && (held >= 0 || queued >= 0)) {
		area_textf(a, 1, top++, held > 0 ? ROLE_warn : ROLE_normal,
		           "queued %lld   SMS of %lld agents held   SMS-ready numbers %lld of %lld",
		           (long long)queued, (long long)held, (long long)ready,
		           (long long)json_get_i64(st->doc, "numbers", 0));
	}
	struct area list = area_sub(a, 0, top, a.w, a.h - top);
	const struct json *row = list_selected(&v->list);
	if (list.h > 10 && json_get_str(row, "advice")) {
		list = area_sub(a, 0, top, a.w, a.h - top - 5);
		draw_advice(area_sub(a, 0, a.h - 5, a.w, 5), row);
	}
	list_draw(&v->list, list, NULL, true);
	if (st->asked.problem[0])
		area_field(a, 1, top + 1, a.w - 2, 0, ROLE_warn, st->asked.problem);
	else if (!v->list.total)
		area_text(a, 1, top + 1, ROLE_dim,
		          !st->asked.got_ms   ? "asking the engine .."
		          : v->list.filter[0] ? "no row matches the filter"
		                              : "no message in this time");
}

static bool subject(struct view *v, struct subject *ret)
{
	struct sms *st = v->state;
	const struct json *x = list_selected(&v->list);
	const char *pane = panes[st->pane].name, *id = json_get_str(x, "id"),
	           *org = json_get_str(x, "orgId");

	*ret = (struct subject){ .kind = "message" };
	snprintf(ret->command, sizeof(ret->command), "ringdown sms %s", pane);
	if (!x)
		return true;
	if (str_eq(pane, "codes")) {
		snprintf(ret->kind, sizeof(ret->kind), "code");
		if (json_get_str(x, "code"))
			snprintf(ret->id, sizeof(ret->id), "%s", json_get_str(x, "code"));
		else
			snprintf(ret->id, sizeof(ret->id), "%lld",
			         (long long)json_get_i64(x, "code", 0));
		snprintf(ret->title, sizeof(ret->title), "code %s", ret->id);
		return true;
	}
	if (str_eq(pane, "senders") && json_get_str(x, "sender")) {
		snprintf(ret->kind, sizeof(ret->kind), "sender");
		snprintf(ret->id, sizeof(ret->id), "%s", json_get_str(x, "sender"));
		snprintf(ret->title, sizeof(ret->title), "sender %s", ret->id);
		return true;
	}
	/* a failed message's organisation is what can be acted on */
	if (org)
		snprintf(ret->kind, sizeof(ret->kind), "org");
	snprintf(ret->id, sizeof(ret->id), "%s", org ? org : id ? id : "");
	snprintf(ret->title, sizeof(ret->title), "%s", ret->id[0] ? ret->id : "SMS");
	return true;
}

/* From a row of a summary to the messages behind it. */
static bool drill(struct view *v)
{
	static const struct {
		const char *pane, *member, *query;
	} ways[] = { { "codes", "code", "code" },
		     { "orgs", "orgId", "orgId" },
		     { "senders", "sender", "sender" } };
	struct sms *st = v->state;
	const struct json *x = list_selected(&v->list);
	struct str q = STR_INIT(sizeof(st->drill));
	char value[64] = "";

	for (size_t i = 0; x && i < COUNT_OF(ways); i++) {
		const struct json *m = json_get(x, ways[i].member);
		if (!str_eq(panes[st->pane].name, ways[i].pane) || !m)
			continue;
		if (json_str(m))
			snprintf(value, sizeof(value), "%s", json_str(m));
		else
			snprintf(value, sizeof(value), "%lld", (long long)json_i64(m, 0));
		str_addf(&q, "&%s=", ways[i].query);
		str_add_urlencoded(&q, value);
		snprintf(st->drill, sizeof(st->drill), "%s", str_get(&q));
		snprintf(st->drill_title, sizeof(st->drill_title), "%s %s", ways[i].query, value);
	}
	str_fini(&q);
	if (!value[0])
		return false;
	for (size_t i = 0; i < COUNT_OF(panes); i++)
		if (str_eq(panes[i].name, "failures"))
			st->pane = i;
	return true;
}

static unsigned act(struct view *v, enum act what)
{
	struct sms *st = v->state;

	switch (what) {
	case ACT_BACK:
		if (!st->drill[0])
			return WANT_UNHANDLED;
		st->drill[0] = st->drill_title[0] = '\0';
		break;
	case ACT_OPEN:
		if (!drill(v))
			return WANT_UNHANDLED;
		break;
	case ACT_NEXT_PANE:
	case ACT_RIGHT:
		st->pane = (st->pane + 1) % COUNT_OF(panes);
		break;
	case ACT_PREV_PANE:
	case ACT_LEFT:
		st->pane = (st->pane + COUNT_OF(panes) - 1) % COUNT_OF(panes);
		break;
	case ACT_SOURCE:
		st->source = (st->source + 1) % COUNT_OF(sources);
		break;
	case ACT_REVEAL:
		st->reveal = !st->reveal;
		shell_say(v->shell, ROLE_hint,
		          st->reveal ? "content is shown; the engine notes who asked"
		                     : "content is masked");
		break;
	case ACT_REFRESH:
		break;
	default:
		return WANT_UNHANDLED;
	}
	reset(v);
	return WANT_UPDATE | WANT_REDRAW;
}

static void open_(struct view *v)
{
	/* the list's own widths are sized for its table; ours grows later */
	free_p(&v->list.widths);
	v->list.widths = xcalloc(MAX_COLUMNS + 1, sizeof(*v->list.widths));
	v->list.n_columns = 0;
}

static void close_(struct view *v)
{
	struct sms *st = v->state;

	asked_drop(&st->asked);
	json_free(st->doc);
}

static const struct column none[] = { { .title = "", .w = 1, .text = cell_0 } };
static const enum act keys[] = { ACT_NEXT_PANE, ACT_SOURCE, ACT_RUNBOOK, ACT_REVEAL, ACT_FILTER,
	                         ACT_SORT,      ACT_BACK,   ACT_NONE };

const struct view_def view_sms = {
	.present = true,
	.name = "sms",
	.title = "SMS",
	.key = '5',
	.help = "delivery by status, code, organisation, sender, hour; failures with advice",
	.state_size = sizeof(struct sms),
	.columns = none,
	.n_columns = 1,
	.keys = keys,
	.open = open_,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
