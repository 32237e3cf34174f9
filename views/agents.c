/*
 * Agents: windows over any number of rows. Filter, sort and order run in the engine; the
 * console keeps three pages around what is visible and asks for more while the cursor
 * moves. Failing ones come first. Rows that are still on their way show as "...".
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/app.h"
#include "views/columns.h"

#define PAGE 100
#define PAGES 3
#define FRESH_MS 5000

struct page {
	int64_t first; /* index of row 0; -1 = empty */
	int64_t at_ms, used;
	struct agent rows[PAGE];
	int n;
	struct view *v;
	struct client_request *asked; /* under way, or NULL */
};
struct agents {
	struct page pages[PAGES];
	int64_t total, uses;
	bool known; /* an answer came */
	char problem[160];
	char query[400]; /* filter and sort the pages belong to */
};

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct agent *x = rec;

	snprintf(buf, CELL_TEXT, "%s%s", app_stale(app_of(ctx)) ? "~" : "",
	         word_outcome(x->outcome));
	return app_stale(app_of(ctx)) ? ROLE_stale : role_outcome(x->outcome);
}

static enum role col_name(void *ctx, const void *rec, char *buf)
{
	const struct agent *x = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", x->name ? x->name : x->id ? x->id : "?");
	return ROLE_normal;
}

static enum role col_since(void *ctx, const void *rec, char *buf)
{
	cell_since(ctx, ((const struct agent *)rec)->since_ms, buf);
	return ROLE_normal;
}

static enum role col_number(void *ctx, const void *rec, char *buf)
{
	const struct agent *x = rec;
	const char *n = agent_number_in_use(x);

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", n ? n : "-",
	         n && x->backup_number && str_eq(n, x->backup_number) ? "*" : "");
	return ROLE_normal;
}

static enum role col_account(void *ctx, const void *rec, char *buf)
{
	snprintf(buf, CELL_TEXT, "%s",
	         app_account(app_of(ctx), ((const struct agent *)rec)->account));
	return ROLE_normal;
}

static enum role col_home(void *ctx, const void *rec, char *buf)
{
	const struct agent *x = rec;

	snprintf(buf, CELL_TEXT, "%s",
	         str_eq(x->home_account, x->account) ? "home"
	                                             : app_account(app_of(ctx), x->home_account));
	return ROLE_dim;
}

static enum role col_kind(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s",
	         enum_name(&integration_names, ((const struct agent *)rec)->integration));
	return ROLE_dim;
}

static enum role col_reason(void *ctx, const void *rec, char *buf)
{
	const struct agent *x = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", x->reason ? x->reason : "",
	         x->sms_held ? "  SMS held" : "");
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "AGENT", .name = "name", .w = 25, .wide = 34, .text = col_name },
	{ .title = "STATE", .name = "outcome", .w = 5, .text = col_state },
	{ .title = "SINCE", .name = "since", .w = 9, .text = col_since, .drop = 5 },
	{ .title = "NUMBER",
	  .name = "phoneNumber",
	  .w = 14,
	  .wide = 18,
	  .text = col_number,
	  .drop = 1 },
	{ .title = "ON", .name = "accountId", .w = 12, .wide = 22, .text = col_account, .drop = 4 },
	{ .title = "HOME", .w = 8, .wide = 20, .text = col_home, .drop = 6 },
	{ .title = "KIND", .name = "integration", .w = 7, .wide = 13, .text = col_kind, .drop = 7 },
	{ .title = "REASON",
	  .name = "reason",
	  .w = 24,
	  .grow = true,
	  .text = col_reason,
	  .drop = 2 },
};

static struct page *page_of(struct agents *st, int64_t i)
{
	for (int k = 0; k < PAGES; k++)
		if (st->pages[k].first >= 0 && i >= st->pages[k].first &&
		    i < st->pages[k].first + PAGE)
			return &st->pages[k];
	return NULL;
}

static void page_clear(struct page *p)
{
	if (p->asked)
		client_cancel(p->asked);
	for (int i = 0; i < p->n; i++)
		record_fini(&agent_type, &p->rows[i]);
	*p = (struct page){ .first = -1, .v = p->v };
}

static const void *row(void *ctx, int64_t i, char key[64])
{
	struct view *v = ctx;
	struct page *p = page_of(v->state, i);

	if (!p || i - p->first >= p->n)
		return NULL;
	if (key)
		snprintf(key, 64, "%s", p->rows[i - p->first].id ? p->rows[i - p->first].id : "");
	return &p->rows[i - p->first];
}

static void fill(struct view *v, struct page *p, const struct json *doc)
{
	struct agents *st = v->state;
	int64_t first = p->first, used = p->used;
	const struct json *list = json_get(doc, "agents");

	page_clear(p);
	p->first = first;
	p->used = used;
	p->at_ms = loop_now_ms(shell_loop(v->shell));
	for (const struct json *x = json_first(list); x && p->n < PAGE; x = json_next(x)) {
		record_init(&agent_type, &p->rows[p->n]);
		record_from_json(&agent_type, &p->rows[p->n], x, false, NULL);
		p->n++;
	}
	st->total = json_get_i64(doc, "total", first + p->n);
	st->known = true;
	st->problem[0] = '\0';
}

static void got(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct page *p = ctx;
	struct agents *st = p->v->state;

	p->asked = NULL;
	if (status == 200) {
		fill(p->v, p, doc);
	} else {
		p->at_ms = loop_now_ms(shell_loop(p->v->shell));
		snprintf(st->problem, sizeof(st->problem), "%s",
		         problem ? problem : "the engine did not answer");
	}
	shell_changed(p->v->shell);
}

static void ask(struct view *v, int64_t first)
{
	struct agents *st = v->state;
	struct app *app = v->app;
	struct page *p = page_of(st, first);

	if (!p) { /* the page that was used longest ago makes room */
		p = &st->pages[0];
		for (int k = 1; k < PAGES; k++)
			if (p->first >= 0 &&
			    (st->pages[k].first < 0 || st->pages[k].used < p->used))
				p = &st->pages[k];
		page_clear(p);
		p->first = first;
	}
	p->used = ++st->uses;
	if (p->asked || (p->at_ms && loop_now_ms(shell_loop(v->shell)) - p->at_ms < FRESH_MS))
		return;
	_cleanup_(free_p) char *path = xasprintf("/api/v1/agents?offset=%lld&limit=%d%s",
	                                         (long long)first, PAGE, st->query);
	p->asked = client_get(app->client, path, got, p);
}

static void make_query(struct view *v)
{
	struct agents *st = v->state;
	struct str q = STR_INIT(sizeof(st->query));

	if (v->list.filter[0]) {
		str_add(&q, "&q=");
		str_add_urlencoded(&q, v->list.filter);
	}
	if (v->list.sort >= 0 && columns[v->list.sort].name)
		str_addf(&q, "&sort=%s%s", v->list.reverse ? "-" : "", columns[v->list.sort].name);
	if (!str_eq(str_get(&q), st->query)) {
		snprintf(st->query, sizeof(st->query), "%s", str_get(&q));
		for (int k = 0; k < PAGES; k++)
			page_clear(&st->pages[k]);
		v->list.cursor = v->list.top = 0;
	}
	v->list.changed = false;
	str_fini(&q);
}

static void update(struct view *v)
{
	struct agents *st = v->state;
	int64_t first, last;

	make_query(v);
	list_window(&v->list, st->total, row);
	first = v->list.top / PAGE * PAGE;
	last = (v->list.top + (v->list.page > 0 ? v->list.page : 50)) / PAGE * PAGE;
	if (app_state(v->app)->seq > 0) {
		ask(v, first);
		if (last != first && last < st->total)
			ask(v, last);
	}
	list_window(&v->list, st->total, row);
}

static void open_(struct view *v)
{
	struct agents *st = v->state;

	for (int k = 0; k < PAGES; k++)
		st->pages[k] = (struct page){ .first = -1, .v = v };
	v->list.windowed = true;
}

static void close_(struct view *v)
{
	struct agents *st = v->state;

	for (int k = 0; k < PAGES; k++)
		page_clear(&st->pages[k]);
}

static void draw_detail(struct view *v, struct area a, const struct agent *x)
{
	struct app *app = v->app;
	const struct {
		const char *label;
		char *text;
	} lines[] = {
		{ "ID", xasprintf("%s   org %s   ElevenLabs %s", x->id ? x->id : "?",
		                  x->org_id ? x->org_id : "-", x->eleven_id ? x->eleven_id : "-") },
		{ "NUMBER", xasprintf("%s in use, own %s%s%s",
		                      agent_number_in_use(x) ? agent_number_in_use(x) : "-",
		                      x->phone_number ? x->phone_number : "-",
		                      x->backup_number ? ", backup " : "",
		                      x->backup_number ? x->backup_number : "") },
		{ "ON", xasprintf("%s, home %s, %s", app_account(app, x->account),
		                  app_account(app, x->home_account),
		                  enum_name(&integration_names, x->integration)) },
		{ "REASON",
		  xasprintf("%s%s", x->reason ? x->reason : "none",
		            x->sms_held ? "; its SMS is held: the new number is not SMS-ready"
		                        : "") },
	};

	area_rule(a, 0, x->name ? x->name : x->id);
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		char *text = lines[i].text;
		area_text(a, 1, (int)i + 1, ROLE_label, lines[i].label);
		area_field(a, 10, (int)i + 1, a.w - 11, 0, ROLE_normal, text);
		free_p(&text);
	}
}

static void draw(struct view *v, struct area a)
{
	struct agents *st = v->state;
	const struct agent *x = list_selected(&v->list);
	struct area list = a;
	char title[80];

	if (a.h >= 16)
		list = area_sub(a, 0, 0, a.w, a.h - 6);
	snprintf(title, sizeof(title), "AGENTS %lld", (long long)st->total);
	list_draw(&v->list, list, title, true);
	if (st->problem[0])
		area_field(list, 1, 1, a.w - 2, 0, ROLE_warn, st->problem);
	else if (!st->total)
		area_text(list, 1, 1, ROLE_dim,
		          !st->known          ? "asking the engine .."
		          : v->list.filter[0] ? "no agent matches the filter"
		                              : "no agent is watched");
	if (x && list.h < a.h)
		draw_detail(v, area_sub(a, 0, list.h, a.w, a.h - list.h), x);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct agent *x = list_selected(&v->list);

	if (!x)
		return false;
	*ret = (struct subject){ .kind = "agent" };
	snprintf(ret->id, sizeof(ret->id), "%s", x->id ? x->id : "");
	snprintf(ret->title, sizeof(ret->title), "%s", x->name ? x->name : ret->id);
	snprintf(ret->command, sizeof(ret->command), "ringdown agents --json");
	return true;
}

static const enum act keys[] = { ACT_FILTER,        ACT_SORT, ACT_SORT_REVERSE,
	                         ACT_COLUMNS_RIGHT, ACT_BACK, ACT_NONE };

const struct view_def view_agents = {
	.present = true,
	.name = "agents",
	.title = "Agents",
	.key = '4',
	.help = "every watched agent, failing first; * = on its backup number",
	.state_size = sizeof(struct agents),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.open = open_,
	.update = update,
	.draw = draw,
	.subject = subject,
	.close = close_,
};
