/*
 * Forms of runbooks: what a start asks for, and one parameter at the time of its use.
 * Each value is checked as it is typed, and values that are at hand are offered (^N).
 * Secrets live in the form only until it closes. Nothing is sent while the data is stale.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/regex.h"
#include "views/runs.h"

struct run_form {
	struct app *app;
	char runbook[96], kind[16]; /* of a start */
	char run[64];               /* of a parameter; "" = a start */
	int64_t version;
	struct run_param *params; /* copies: the document may be replaced meanwhile */
	struct form_row *rows;
	char (*helps)[200];
	size_t n;
	char wrong[200];
	struct offer offered;
	struct client_request *request;
};

/* ---- as typed ---- */

static bool is_phone(const char *s)
{
	size_t n = *s == '+' ? strspn(s + 1, "0123456789") : 0;

	return n >= 7 && n <= 15 && !s[1 + n] && s[1] != '0';
}

static bool is_id(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.:", *p))
			return false;
	return isalnum((unsigned char)*s);
}

static bool is_date(const char *s)
{
	char full[48];
	int64_t ms;

	snprintf(full, sizeof(full), strlen(s) == 10 ? "%.40sT00:00:00Z" : "%.40s", s);
	return parse_time_ms(full, &ms);
}

static bool is_choice(const struct run_param *p, const char *text, char *buf, size_t n)
{
	struct json *list = json_parse(p->choices, strlen(p->choices), NULL);
	bool found = !json_count(list);
	size_t at = (size_t)snprintf(buf, n, "one of");

	for (const struct json *m = json_first(list); m; m = json_next(m)) {
		const char *s = json_str(m) ? json_str(m) : "";
		found |= str_eq(s, text);
		if (at < n)
			at += (size_t)snprintf(buf + at, n - at, " %s", s);
	}
	json_free(list);
	return found;
}

static bool fits_pattern(const char *pattern, const char *text)
{
	struct err err = { 0 };
	struct regex *r = regex_new(pattern, false, &err);
	bool fits = !r || regex_match(r, text, strlen(text)); /* the engine judges the odd ones */

	regex_free(r);
	return fits;
}

/* Value, or length of what is a text, on the scale that the limit is given in. */
static bool on_scale(const char *t, const char *text, double *ret)
{
	int64_t ms;

	if (str_eq(t, "int") || str_eq(t, "number"))
		return parse_double(text, ret);
	if (!str_eq(t, "duration") || !parse_duration_ms(text, &ms))
		return false;
	*ret = (double)ms;
	return true;
}

static bool in_limits(const struct run_param *p, const char *t, const char *text)
{
	double v, min, max;
	bool measured = on_scale(t, text, &v);
	const char *scale = measured ? t : "number";

	if (!measured)
		v = (double)strlen(text);
	return (str_empty(p->min) || !on_scale(scale, p->min, &min) || v >= min) &&
	       (str_empty(p->max) || !on_scale(scale, p->max, &max) || v <= max);
}

const char *run_param_wrong(const struct run_param *p, const char *text, char *buf, size_t n)
{
	const char *t = p->type ? p->type : "string";
	int64_t v;
	double x;

	if (str_eq(t, "int") && !parse_i64(text, -(INT64_C(1) << 53), INT64_C(1) << 53, &v))
		return "a whole number is wanted";
	if (str_eq(t, "number") && !parse_double(text, &x))
		return "a number is wanted";
	if (str_eq(t, "bool") && !str_eq(text, "true") && !str_eq(text, "false"))
		return "true or false is wanted";
	if (str_eq(t, "phone") && !is_phone(text))
		return "a phone number such as +14155550100 is wanted";
	if (str_eq(t, "date") && !is_date(text))
		return "a date such as 2026-11-21 is wanted";
	if (str_eq(t, "duration") && !parse_duration_ms(text, &v))
		return "a duration such as 90s, 5m or 1h30m is wanted";
	if (str_eq(t, "url") && !str_has_prefix(text, "https://") &&
	    !str_has_prefix(text, "http://"))
		return "a URL such as https://app.example.com is wanted";
	if (str_eq(t, "id") && !is_id(text))
		return "an id of letters, digits and _ - . : is wanted";
	if (!str_empty(p->choices) && !is_choice(p, text, buf, n))
		return buf;
	if ((!str_empty(p->pattern) && !fits_pattern(p->pattern, text)) ||
	    !in_limits(p, t, text)) {
		if (str_empty(p->wants))
			snprintf(buf, n, "it must match %s",
			         p->pattern ? p->pattern : "its limits");
		else
			snprintf(buf, n, "%s is wanted", p->wants);
		return buf;
	}
	return NULL;
}

static const char *on_check(void *ctx, size_t row, const char *text)
{
	struct run_form *x = ctx;

	return run_param_wrong(&x->params[row], text, x->wrong, sizeof(x->wrong));
}

static const char *on_offer(void *ctx, size_t row, size_t i, const char **from)
{
	struct run_form *x = ctx;
	const struct run_doc *d = x->run[0] ? app_runs_doc_of(x->app, x->run) : NULL;
	const struct run_param *p = &x->params[row];
	static const char *const flags[] = { "true", "false" };

	*from = "";
	if (str_eq(p->type, "bool"))
		return i < 2 ? flags[i] : NULL;
	if (!app_runs_offer(x->app, p, d ? d->run.subject : x->app->about, i, &x->offered))
		return NULL;
	*from = x->offered.from;
	return x->offered.value;
}

/* ---- life ---- */

static void on_closed(void *ctx)
{
	struct run_form *x = ctx;

	if (x->request)
		client_cancel(x->request);
	for (size_t i = 0; i < x->n; i++)
		record_fini(&run_param_type, &x->params[i]);
	free_p(&x->params);
	free_p(&x->rows);
	free_p(&x->helps);
	free_p(&x);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct run_form *x = ctx;
	struct app *a = x->app;
	const char *id = json_get_str(doc, "id");
	char text[240], run[64];

	x->request = NULL;
	app_runs_took(a, doc);
	if (status < 200 || status >= 300) {
		snprintf(text, sizeof(text), "%s%.200s", status ? "refused: " : "",
		         problem ? problem : "no answer");
		form_done(shell_form(a->shell), text, json_get_str(doc, "field"));
		shell_redraw(a->shell);
		return;
	}
	snprintf(run, sizeof(run), "%s", x->run[0] ? "" : id ? id : "");
	form_close(shell_form(a->shell));
	if (!run[0])
		return;
	shell_say(a->shell, ROLE_ok, "%s has begun; you drive", run);
	app_runs_watch(a, run);
	app_runs_took(a, doc);
	runbooks_leave(a);
	shell_go(a->shell, "walk");
}

static void add_params(const struct run_form *x, const struct form *f, struct jw *w)
{
	for (size_t i = 0; i < x->n; i++)
		if (form_get(f, i))
			jw_str(w, x->params[i].name, form_get(f, i));
}

void run_start_body(const struct app *a, const char *runbook, const char *kind, struct jw *w)
{
	jw_str(w, "runbook", runbook);
	jw_str(w, "kind", str_eq(kind, "dry") ? "real" : kind);
	if (a->about[0])
		jw_str(w, "subject", a->about);
	if (str_eq(kind, "dry"))
		jw_bool(w, "dry", true);
}

static void on_send(void *ctx, struct form *f)
{
	struct run_form *x = ctx;
	struct str body = STR_INIT(65536);
	struct jw w = JW(&body);
	char path[160] = "/api/v1/runs";

	if (app_stale(x->app)) {
		form_done(f, "the data is stale: nothing was sent", NULL);
		return;
	}
	jw_obj(&w, NULL);
	if (x->run[0]) {
		jw_str(&w, "action", "param");
		jw_i64(&w, "version", x->version);
		jw_str(&w, "name", x->params[0].name);
		jw_str(&w, "value", form_get(f, 0));
		snprintf(path, sizeof(path), "/api/v1/runs/%.64s/do", x->run);
	} else {
		run_start_body(x->app, x->runbook, x->kind, &w);
		jw_obj(&w, "params");
		add_params(x, f, &w);
		jw_obj_end(&w);
	}
	jw_obj_end(&w);
	x->request = client_send(x->app->client, "POST", path, str_get(&body), answered, x);
	explicit_bzero(body.s, body.len);
	str_fini(&body);
}

static void add_row(struct run_form *x, const struct run_param *p)
{
	size_t i = x->n++;
	bool choice = str_eq(p->type, "bool") || str_eq(p->type, "enum");

	record_init(&run_param_type, &x->params[i]);
	record_copy(&run_param_type, &x->params[i], p);
	const char *wants = !str_empty(p->wants) ? p->wants : p->type ? p->type : "text";

	/* what it is for comes first; how it is written may be cut */
	snprintf(x->helps[i], sizeof(x->helps[i]), "%s%s%s%s%s",
	         str_empty(p->help) ? "" : p->help, str_empty(p->help) ? "" : " (", wants,
	         str_empty(p->help) ? "" : ")",
	         choice ? " (Space: the next one)" : "");
	x->rows[i] = (struct form_row){
		.name = x->params[i].name,
		.label = x->params[i].name,
		.help = x->helps[i],
		.kind = p->secret ? FORM_SECRET
		        : choice  ? FORM_CHOICE
		                  : FORM_TEXT,
		.required = true,
	};
}

static struct run_form *form_new(struct app *a, size_t n)
{
	struct run_form *x = xcalloc(1, sizeof(*x));

	x->app = a;
	x->params = xcalloc(n + 1, sizeof(*x->params));
	x->rows = xcalloc(n + 1, sizeof(*x->rows));
	x->helps = xcalloc(n + 1, sizeof(*x->helps));
	return x;
}

static void open_form(struct run_form *x, const char *title)
{
	struct form *f = shell_form(x->app->shell);
	const char *from;

	form_open(f, title, x->rows, x->n, on_send, on_closed, x);
	f->check = on_check;
	f->offer = on_offer;
	snprintf(f->sent, sizeof(f->sent), "sent; waiting for the engine ..");
	for (size_t i = 0; i < f->n; i++) {
		if (!x->params[i].secret && !str_empty(x->params[i].value))
			form_set(f, x->params[i].name, x->params[i].value);
		else if (!x->params[i].secret && x->rows[i].kind != FORM_CHOICE) {
			/* what the run is about is filled in, in plain sight; the rest is offered
			 */
			const char *v = on_offer(x, i, 0, &from);
			if (v && (str_eq(from, "what the run is about") || strstr(from, "cursor")))
				form_set(f, x->params[i].name, v);
		}
	}
	shell_redraw(x->app->shell);
}

/* Those of runbooks that it calls are given by it, or asked for when they are needed. */
static bool asked_first(const struct run_param *p)
{
	return p->at_start && !p->set && !strchr(p->name, '/');
}

size_t run_start_asks(const struct outline *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->doc.n_params; i++)
		n += asked_first(&o->doc.params[i]);
	return n;
}

void app_runs_start_form(struct app *a, const char *runbook, const char *kind)
{
	const struct outline *o = app_runs_outline(a);
	struct run_form *x = form_new(a, o->doc.n_params);
	char title[80];

	snprintf(x->runbook, sizeof(x->runbook), "%s", runbook);
	snprintf(x->kind, sizeof(x->kind), "%s", kind);
	for (size_t i = 0; i < o->doc.n_params && x->n < FORM_ROWS; i++)
		if (asked_first(&o->doc.params[i]))
			add_row(x, &o->doc.params[i]);
	snprintf(title, sizeof(title), "%s %.60s",
	         str_eq(kind, "dry")     ? "DRY RUN of"
	         : str_eq(kind, "drill") ? "DRILL of"
	                                 : "START",
	         runbook);
	open_form(x, title);
}

static void ask_for(struct app *a, const struct run_doc *d, const struct run_param *p)
{
	struct run_form *x = form_new(a, 1);
	char title[80];

	snprintf(x->run, sizeof(x->run), "%s", d->run.id);
	x->version = d->run.version;
	add_row(x, p);
	snprintf(title, sizeof(title), "%.30s needs %.40s", d->run.step ? d->run.step : d->run.id,
	         p->name);
	open_form(x, title);
}

void app_runs_param_form(struct app *a)
{
	const struct run_doc *d = app_runs_doc(a);

	for (size_t i = 0; d && i < d->n_params; i++)
		if (str_eq(d->params[i].name, d->wait.param)) {
			ask_for(a, d, &d->params[i]);
			return;
		}
	if (d && d->wait.kind == RW_PARAM && !str_empty(d->wait.param)) {
		/* a word of a message: no parameter of the runbook declares it */
		struct run_param p = { .name = d->wait.param, .type = (char *)"text",
			               .help = d->wait.text };
		ask_for(a, d, &p);
		return;
	}
	shell_say(a->shell, ROLE_warn, "the run asks for no value now");
}

/* ---- a value that was given, given again ---- */

static bool can_correct(const struct run_param *p)
{
	return p->set && !p->secret;
}

bool app_runs_can_correct(const struct app *a, const char *run)
{
	const struct run_doc *d = app_runs_doc_of(a, run);

	for (size_t i = 0; d && i < d->n_params; i++)
		if (can_correct(&d->params[i]))
			return true;
	return false;
}

static void correct(void *ctx, const char *name)
{
	struct app *a = ctx;
	const struct run_doc *d = app_runs_doc(a);

	for (size_t i = 0; d && i < d->n_params; i++)
		if (str_eq(d->params[i].name, name))
			ask_for(a, d, &d->params[i]);
}

void app_runs_correct(struct app *a)
{
	const struct run_doc *d = app_runs_doc(a);
	struct sheet *sh = shell_sheet(a->shell);
	int n = 0;

	if (!d)
		return;
	sheet_open(sh, "CORRECT A VALUE: steps that ran already stay as they ran", correct, a);
	for (size_t i = 0; i < d->n_params; i++)
		if (can_correct(&d->params[i])) {
			sheet_choice(sh, n < 9 ? (char)('1' + n) : 0, d->params[i].name,
			             "%-22s %s", d->params[i].name,
			             d->params[i].value ? d->params[i].value : "");
			n++;
		}
}
