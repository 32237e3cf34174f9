/*
 * Accounts: role, health with since-when and why, agents, free numbers, what a standby
 * lacks, age of credentials, balance. The selected one with the history of its checks:
 * beside the list on wide screens, below it on high ones, else Enter gives it
 * the screen (and Enter again its agents). Changes go through dialogs.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "ui/chart.h"
#include "views/app.h"
#include "views/columns.h"

#define HISTORY 60
#define FRESH_MS 10000

struct accounts {
	bool whole;           /* the detail has the screen */
	char id[64];          /* whose history it is */
	double rate[HISTORY]; /* < 0 = unknown */
	size_t n;
	int64_t at_ms;
	struct client_request *asked;
};

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

static enum role col_name(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", x->name ? x->name : x->id);
	return ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	snprintf(buf, CELL_TEXT, "%s%s", app_stale(app_of(ctx)) ? "~" : "", word_health(x->health));
	return app_stale(app_of(ctx)) ? ROLE_stale : role_health(x->health);
}

static enum role col_since(void *ctx, const void *rec, char *buf)
{
	cell_since(ctx, ((const struct account *)rec)->health_since_ms, buf);
	return ROLE_normal;
}

static enum role col_fail(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	if (!x->agents) {
		snprintf(buf, CELL_TEXT, "-   -");
		return ROLE_dim;
	}
	snprintf(buf, CELL_TEXT, "%lld %3.0f%%", (long long)x->failing, x->failure_rate * 100);
	return app_stale(app_of(ctx)) ? ROLE_stale
	       : x->failing           ? role_health(x->health)
	                              : ROLE_normal;
}

static enum role col_free(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	(void)ctx;
	if (x->role == ROLE_CARRYING)
		snprintf(buf, CELL_TEXT, "-");
	else
		snprintf(buf, CELL_TEXT, "%lld", (long long)x->numbers_free);
	return ROLE_normal;
}

static void first_problem(const struct account *x, char *buf, size_t n)
{
	struct json *p = x->standby_problems ? json_parse(x->standby_problems,
	                                                  strlen(x->standby_problems), NULL)
	                                     : NULL;
	const char *s = json_str(json_first(p));

	snprintf(buf, n, "%s", s ? s : "");
	json_free(p);
}

static enum role col_why(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	(void)ctx;
	if (!str_empty(x->why)) {
		snprintf(buf, CELL_TEXT, "%s", x->why);
	} else if (x->role == ROLE_STANDBY) {
		first_problem(x, buf, CELL_TEXT);
		if (!buf[0])
			snprintf(buf, CELL_TEXT, "%s", x->standby_ready ? "ready" : "not ready");
	}
	return ROLE_normal;
}

static enum role col_role(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", enum_name(&account_role_names, x->role),
	         x->is_primary ? "*" : "");
	return ROLE_normal;
}

static enum role col_ready(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%lld/%lld", (long long)x->voice_ready, (long long)x->sms_ready);
	return ROLE_normal;
}

static enum role col_key_age(void *ctx, const void *rec, char *buf)
{
	const struct account *x = rec;
	char t[WHEN_TEXT];

	snprintf(buf, CELL_TEXT, "%s",
	         x->credentials_set_at_ms
	                 ? when_age(t, app_now(app_of(ctx)) - x->credentials_set_at_ms)
	                 : "-");
	return ROLE_normal;
}

static int cmp_health(const void *a, const void *b)
{
	return ((const struct account *)b)->health - ((const struct account *)a)->health;
}

const struct column account_columns[] = {
	{ .title = "ACCOUNT", .w = 16, .wide = 28, .text = col_name },
	{ .title = "STATE", .w = 5, .text = col_state, .cmp = cmp_health },
	{ .title = "SINCE", .w = 9, .text = col_since,
	  .sort_by = MEMBER(account, health_since_ms), .drop = 3 },
	{ .title = "AGENTS", .w = 6, .align = 1, .show = MEMBER(account, agents), .drop = 5 },
	{ .title = "FAIL", .w = 8, .align = 1, .text = col_fail,
	  .sort_by = MEMBER(account, failing), .drop = 1 },
	{ .title = "FREE", .w = 5, .align = 1, .text = col_free,
	  .sort_by = MEMBER(account, numbers_free), .drop = 4 },
	{ .title = "WHY", .w = 10, .grow = true, .text = col_why, .drop = 2 },
};
const size_t n_account_columns = COUNT_OF(account_columns);

static const struct column columns[] = {
	{ .title = "ACCOUNT", .w = 14, .wide = 28, .text = col_name },
	{ .title = "STATE", .w = 5, .text = col_state, .cmp = cmp_health },
	{ .title = "SINCE", .w = 9, .text = col_since,
	  .sort_by = MEMBER(account, health_since_ms), .drop = 6 },
	{ .title = "ROLE", .w = 9, .text = col_role, .drop = 7 },
	{ .title = "AGENTS", .w = 6, .align = 1, .show = MEMBER(account, agents), .drop = 4 },
	{ .title = "FAIL", .w = 8, .align = 1, .text = col_fail,
	  .sort_by = MEMBER(account, failing), .drop = 1 },
	{ .title = "FREE", .w = 5, .align = 1, .text = col_free,
	  .sort_by = MEMBER(account, numbers_free), .drop = 2 },
	{ .title = "VOICE/SMS", .w = 9, .align = 1, .text = col_ready, .drop = 8 },
	{ .title = "KEYS", .w = 5, .align = 1, .text = col_key_age,
	  .sort_by = MEMBER(account, credentials_set_at_ms), .drop = 10 },
	{ .title = "BALANCE", .w = 10, .align = 1,
	  .show = MEMBER(account, balance), .none = "?", .none_role = ROLE_unknown, .drop = 9 },
	{ .title = "WHY", .w = 22, .grow = true, .text = col_why, .drop = 3 },
};

static int rank(const struct account *x)
{
	if (x->health == HEALTH_CRITICAL || x->health == HEALTH_DEGRADED)
		return x->role == ROLE_CARRYING ? 0 : 1;
	return x->role == ROLE_CARRYING ? 2 : x->health == HEALTH_HEALTHY ? 4 : 3;
}

void accounts_fill(struct list *l, const struct state *s)
{
	list_begin(l);
	for (int r = 0; r <= 4; r++)
		for (size_t i = 0; i < s->n_accounts; i++)
			if (rank(&s->accounts[i]) == r)
				list_add(l, &s->accounts[i], s->accounts[i].id);
	list_end(l);
}

static void got_history(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct view *v = ctx;
	struct accounts *st = v->state;
	const struct json *list = json_get(doc, "checks"), *m;
	size_t n = json_count(list), skip = n > HISTORY ? n - HISTORY : 0;
	bool newest_first;

	(void)problem;
	st->asked = NULL;
	st->at_ms = loop_now_ms(shell_loop(v->shell));
	if (status != 200)
		return;
	m = json_first(list);
	newest_first = json_next(m) &&
	               strcmp(json_get_str(m, "at") ? json_get_str(m, "at") : "",
	                      json_get_str(json_next(m), "at") ? json_get_str(json_next(m), "at")
	                                                       : "") > 0;
	st->n = 0;
	for (size_t i = 0; m && st->n < HISTORY; m = json_next(m), i++) {
		if (!newest_first && i < skip)
			continue;
		st->rate[st->n++] = str_eq(json_get_str(m, "status"), "unknown")
		                            ? -1
		                            : json_get_double(m, "rate", -1);
	}
	for (size_t i = 0; newest_first && i < st->n / 2; i++) {
		double t = st->rate[i];
		st->rate[i] = st->rate[st->n - 1 - i];
		st->rate[st->n - 1 - i] = t;
	}
	shell_redraw(v->shell);
}

static bool shows_detail(struct view *v)
{
	return ((struct accounts *)v->state)->whole || shell_width(v->shell) >= 150;
}

static void ask_history(struct view *v, const struct account *x)
{
	struct accounts *st = v->state;
	struct app *app = v->app;
	char path[160];

	if (!str_eq(st->id, x->id)) {
		if (st->asked)
			client_cancel(TAKE(st->asked));
		snprintf(st->id, sizeof(st->id), "%s", x->id);
		st->n = 0;
		st->at_ms = 0;
	}
	if (st->asked || app_stale(app) || app_past(app) ||
	    (st->at_ms && loop_now_ms(shell_loop(v->shell)) - st->at_ms < FRESH_MS))
		return;
	snprintf(path, sizeof(path), "/api/v1/checks?accountId=%.64s&hours=24&limit=%d", x->id,
	         HISTORY);
	st->asked = client_get(app->client, path, got_history, v);
}

static void update(struct view *v)
{
	accounts_fill(&v->list, app_state(v->app));
	if (shows_detail(v) && list_selected(&v->list))
		ask_history(v, list_selected(&v->list));
}

static void close_(struct view *v)
{
	struct accounts *st = v->state;

	if (st->asked)
		client_cancel(st->asked);
}

static int detail_line(struct area a, int y, const char *label, enum role role, const char *fmt,
                       ...) __attribute__((format(printf, 5, 6)));
static int detail_line(struct area a, int y, const char *label, enum role role, const char *fmt,
                       ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	area_text(a, 1, y, ROLE_label, label);
	return area_wrap(a, 11, y, a.w - 12, role, buf);
}

static int draw_standby(struct area a, int y, const struct account *x)
{
	struct json *p = x->standby_problems ? json_parse(x->standby_problems,
	                                                  strlen(x->standby_problems), NULL)
	                                     : NULL;
	int n = 0;

	for (const struct json *e = json_first(p); e; e = json_next(e), n++)
		y = detail_line(a, y, n ? "" : "LACKS", ROLE_warn, "%s",
		                json_str(e) ? json_str(e) : "?");
	if (!n)
		y = detail_line(a, y, "STANDBY", x->standby_ready ? ROLE_ok : ROLE_dim, "%s",
		                x->standby_ready          ? "ready"
		                : x->role == ROLE_STANDBY ? "not ready"
		                                          : "-");
	json_free(p);
	return y;
}

static void draw_detail(struct view *v, struct area a, const struct account *x)
{
	struct app *app = v->app;
	const struct lineage_gates *g = state_gates(app_state(app), x->id);
	const struct accounts *h = v->state;
	char t[WHEN_TEXT], title[160], as_of[80];
	size_t shut = 0;
	int y = 1;

	app_as_of(app, as_of);
	snprintf(title, sizeof(title), "%s%s%s", x->name ? x->name : x->id, as_of[0] ? "  " : "",
	         as_of);
	area_rule(a, 0, title);
	y = detail_line(a, y, "HEALTH", role_health(x->health), "%s since %s%s%s",
	                word_health(x->health),
	                when_since(t, x->health_since_ms, app_now(app), shell_utc(v->shell)),
	                x->why ? "; " : "", x->why ? x->why : "");
	y = detail_line(a, y, "AT", ROLE_normal, "%s %s, status %s, type %s%s%s",
	                x->provider ? x->provider : "?", x->account_sid ? x->account_sid : "",
	                x->status ? x->status : "unknown", x->type ? x->type : "unknown",
	                x->region ? ", region " : "", x->region ? x->region : "");
	y = detail_line(a, y, "AGENTS", ROLE_normal, "%lld here, %lld failing, %lld unknown%s%s",
	                (long long)x->agents, (long long)x->failing, (long long)x->unknown,
	                x->is_primary && x->current_account && !str_eq(x->current_account, x->id)
	                        ? "; runs on "
	                        : "",
	                x->is_primary && x->current_account && !str_eq(x->current_account, x->id)
	                        ? app_account(app, x->current_account)
	                        : "");
	y = detail_line(a, y, "NUMBERS", ROLE_normal,
	                "%lld, %lld free, %lld voice-ready, %lld SMS-ready",
	                (long long)x->numbers_total, (long long)x->numbers_free,
	                (long long)x->voice_ready, (long long)x->sms_ready);
	y = draw_standby(a, y, x);
	y = detail_line(
	        a, y, "KEYS", ROLE_normal, "%s, set %s ago%s; balance %s",
	        x->has_api_key ? "API key" : "auth token",
	        x->credentials_set_at_ms ? when_age(t, app_now(app) - x->credentials_set_at_ms)
	                                 : "?",
	        x->has_second_credential || x->parent_sid ? ", a second opinion is configured"
	                                                  : ", NO second opinion",
	        x->balance ? x->balance : "unknown");
	for (size_t i = 0; g && i < g->n_gates; i++)
		shut += !g->gates[i].pass;
	if (g)
		y = detail_line(a, y, "GATES", shut ? ROLE_warn : ROLE_ok,
		                "%zu of %zu open towards %s (ringdown gates %s)", g->n_gates - shut,
		                g->n_gates, app_account(app, g->target), x->id);
	if (str_eq(h->id, x->id) && h->n > 1 && y < a.h) {
		area_text(a, 1, y, ROLE_label, "HISTORY");
		chart_history(a, 11, y, a.w - 30 < HISTORY ? a.w - 30 : HISTORY, h->rate, h->n, 1.0,
		              0.05, 0.5);
		area_textf(a, a.w - 18, y, ROLE_dim, "failing, %zu checks", h->n);
	}
}

static void draw(struct view *v, struct area a)
{
	const struct account *x = list_selected(&v->list);
	struct area list = a, detail = { 0 };
	char title[80];

	if (a.w >= 150) {
		list = area_sub(a, 0, 0, a.w * 3 / 5, a.h);
		detail = area_sub(a, list.w + 2, 0, a.w - list.w - 2, a.h);
	} else if (a.h > 30) {
		list = area_sub(a, 0, 0, a.w, a.h - 12);
		detail = area_sub(a, 0, list.h, a.w, a.h - list.h);
	} else if (((struct accounts *)v->state)->whole && x) {
		draw_detail(v, a, x);
		return;
	}
	if (v->list.filter[0])
		snprintf(title, sizeof(title), "ACCOUNTS %lld/%zu", (long long)v->list.total,
		         v->list.n_all);
	else
		snprintf(title, sizeof(title), "ACCOUNTS %lld", (long long)v->list.total);
	list_draw(&v->list, list, title, true);
	if (!v->list.total)
		area_text(list, 1, 1, ROLE_dim,
		          v->list.filter[0] ? "no account matches the filter"
		                            : "no account known yet");
	if (x && detail.h > 2)
		draw_detail(v, detail, x);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct account *x = list_selected(&v->list);

	if (!x)
		return false;
	account_subject(x, ret);
	return true;
}

static void checked(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct view *v = ctx;

	if (status == 200)
		shell_say(v->shell, ROLE_normal, "checked now: %s, %lld of %lld agents failing",
		          json_get_str(doc, "status") ? json_get_str(doc, "status") : "?",
		          (long long)json_i64(json_path(doc, "totals.failing"), 0),
		          (long long)json_i64(json_path(doc, "totals.agents"), 0));
	else
		shell_say(v->shell, ROLE_error, "health check: %s",
		          problem ? problem : "the engine did not answer");
}

static unsigned act(struct view *v, enum act what)
{
	struct accounts *st = v->state;
	const struct account *x = list_selected(&v->list);
	struct app *app = v->app;

	if (what == ACT_CHECK && x && app_past(app)) {
		shell_say(v->shell, ROLE_warn, "%s", app_past_why);
		return WANT_REDRAW;
	}
	if (what == ACT_CHECK && x) {
		_cleanup_(free_p) char *path =
		        xasprintf("/api/admin/twilio-failover/health-check?accountId=%s", x->id);
		shell_say(v->shell, ROLE_hint, "checking %s ..", x->name ? x->name : x->id);
		client_get(app->client, path, checked, v);
		return WANT_REDRAW;
	}
	if (what == ACT_BACK && st->whole) {
		st->whole = false;
		return WANT_REDRAW;
	}
	if (what == ACT_OPEN && x && !st->whole && shell_width(v->shell) < 150) {
		st->whole = true;
		return WANT_REDRAW | WANT_UPDATE;
	}
	if (what == ACT_OPEN && x) {
		struct view *agents = shell_find_view(v->shell, "agents");
		list_set_filter(&agents->list, x->id);
		shell_go(v->shell, "agents");
		return WANT_REDRAW;
	}
	return WANT_UNHANDLED;
}

static const enum act keys[] = { ACT_OPEN, ACT_CHECK, ACT_START, ACT_RUNBOOK, ACT_FILTER,
	                         ACT_SORT, ACT_BACK,  ACT_NONE };

const struct view_def view_accounts = {
	.name = "accounts",
	.title = "Accounts",
	.key = '3',
	.help = "carriers: health, agents, free numbers, what a standby lacks",
	.state_size = sizeof(struct accounts),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
